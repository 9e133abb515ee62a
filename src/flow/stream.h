/*
 * Puts the bytes of TCP connections in order and hands them to a reader.
 *
 *   segments --push--> [ in order? ] --yes--> reader: consumes, or leaves the
 *                          | no                rest for the next time
 *                          v
 *                       held until what is missing comes
 *
 * A pool has a fixed number of streams and of blocks of bytes; a stream is a
 * number (handle) that the owner of a flow keeps beside it, 0 is none. In-order
 * bytes that nobody wants kept are shown where the segment lies, without a
 * copy. What the receiver will take for the connection's bytes must be what
 * the reader was shown; where that cannot be kept up, there is a cause, and the
 * options say what is to be done then. flow/tcp.h comes first: it knows windows
 * and resets, and what it does not believe is not to be pushed.
 *
 * One thread owns a pool. Nothing is allocated after stream_pool_new().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/image.h"
#include "flow/flow.h"

/*
 * What can go wrong. X(NAME, "name", default, "what it means; what PASS does")
 * DROP never takes anything of the segment, unless said; BYPASS ends the
 * stream.
 */
#define STREAM_CAUSES(X)                                                      \
	X(NONE, "none", PASS, "nothing did")                                  \
	X(NO_STREAM, "no_stream", BYPASS,                                     \
	  "all streams are in use; stream_open() gave none")                  \
	X(HELD_MAX, "held_max", DROP,                                         \
	  "one side holds too many bytes out of order; pass: what is "        \
	  "missing before the segment is given up, a gap")                    \
	X(NO_BLOCK_HELD, "no_block_held", DROP,                               \
	  "too few free blocks to hold it out of order; pass: as held_max")   \
	X(UNREAD_MAX, "unread_max", PASS,                                     \
	  "the reader leaves too much; pass: that is given up, a gap; drop: " \
	  "the stream stops and refuses all that follows")                    \
	X(NO_BLOCK_UNREAD, "no_block_unread", PASS,                           \
	  "too few free blocks for what the reader leaves; pass and drop: "   \
	  "as unread_max")                                                    \
	X(CONFLICT, "conflict", DROP,                                         \
	  "bytes came again with another content; pass: the overlap policy "  \
	  "decides which are believed")                                       \
	X(UNSEEN_ACK, "unseen_ack", PASS,                                     \
	  "bytes were acknowledged that never came by; pass: a gap")          \
	X(FIN, "fin", DROP,                                                   \
	  "bytes behind the FIN, or a FIN before bytes or at another place; " \
	  "pass: the first FIN and the bytes before it are believed")         \
	X(OUTSIDE, "outside", DROP,                                           \
	  "further from the next byte than any window, or a SYN with other "  \
	  "numbers; pass: forwarded, but not looked into")

enum stream_cause {
#define X(name, text, standard, what) STREAM_CAUSE_##name,
	STREAM_CAUSES(X)
#undef X
		STREAM_CAUSE__MAX
};

/* What the caller is to do with the segment, or the connection. */
enum stream_exception {
	STREAM_PASS,   /* the segment goes on; so does the stream */
	STREAM_DROP,   /* the segment is to be dropped */
	STREAM_BYPASS, /* the connection goes on without being looked into */
	STREAM_EXCEPTION__MAX
};

/* Whose bytes are believed among those that are held out of order. */
enum stream_overlap {
	STREAM_FIRST_WINS,
	STREAM_LAST_WINS, /* what was shown to the reader stays as it was */
	STREAM_OVERLAP__MAX
};

struct stream_options {
	uint32_t streams;    /* 1..STREAMS_MAX */
	uint32_t blocks;     /* STREAM_BLOCKS_MIN..STREAM_BLOCKS_MAX */
	uint32_t held_max;   /* STREAM_HELD_MIN..STREAM_HELD_MAX bytes */
	uint32_t unread_max; /* 0..STREAM_UNREAD_MAX bytes */
	/*
	 * Shown bytes are kept until acknowledged, this many at most, so that
	 * a conflict is found also with what was already read. Costs a copy
	 * of each byte. 0..STREAM_UNACKED_MAX; 0: not.
	 */
	uint32_t unacked_max;
	uint8_t overlap;	       /* enum stream_overlap */
	uint8_t on[STREAM_CAUSE__MAX]; /* enum stream_exception */
};

/* The defaults of base/limits.h and of STREAM_CAUSES; first wins. */
struct stream_options stream_options_default(void);

struct stream_segment {
	uint32_t seq;	    /* of its SYN, if any, else of its first byte */
	struct bytes bytes; /* payload as far as captured; at most len */
	uint32_t len;	    /* payload on the wire; what lacks is a gap */
	bool syn, fin;
};

/* What the reader is shown. Borrowed until it returns. */
struct stream_chunk {
	struct bytes bytes; /* in order: what was left, and what follows it */
	enum flow_side side;
	/*
	 * These do not follow the last consumed byte, or the stream was picked
	 * up in the middle. gap_len bytes are between (what had been left is
	 * not shown again); 0: not known.
	 */
	bool gap_before;
	uint32_t gap_len;
	/* The side's last bytes, maybe none: FIN. What is left is forgotten. */
	bool last;
};

struct stream_reader {
	/*
	 * Returns how many bytes it consumed, 0..all; the rest is shown again
	 * when more has come. Must not touch the pool.
	 */
	size_t (*fn)(void *arg, const struct stream_chunk *chunk);
	void *arg;
};

enum stream_outcome {
	STREAM_EMPTY,	 /* no bytes, no FIN */
	STREAM_PROBE,	 /* keep-alive: of the last acknowledged byte */
	STREAM_TAKEN,	 /* bytes or a gap were taken, the reader was shown */
	STREAM_HELD,	 /* out of order: kept */
	STREAM_OLD,	 /* nothing new in it */
	STREAM_REFUSED,	 /* not taken; see exception */
	STREAM_BYPASSED, /* the stream is over, by this or an earlier one */
	STREAM_OUTCOME__MAX
};

struct stream_result {
	enum stream_outcome outcome;
	/*
	 * NONE, or the first cause that was met. After PASS one segment can
	 * meet another; one that is not PASS is told rather than one that is.
	 */
	enum stream_cause cause;
	enum stream_exception exception; /* PASS when there is no cause */
};

struct stream_counts {
	uint32_t streams, streams_limit;
	uint32_t blocks, blocks_limit;
	uint64_t blocks_taken; /* so far; all but `blocks` are free again */
	uint64_t opened;
	uint64_t outcomes[STREAM_OUTCOME__MAX]; /* of segments pushed */
	uint64_t causes[STREAM_CAUSE__MAX];
	uint64_t shown_bytes; /* in order, each counted once */
	uint64_t gaps, gap_bytes;
	uint64_t unread_lost_bytes; /* left by a reader, then given up */
	uint64_t conflict_bytes;
	/* Shown and not acknowledged, but not compared: unacked_max, blocks. */
	uint64_t unchecked_bytes;
};

/* Of one side; for `weir dp` and tests. */
struct stream_side_view {
	bool known;	 /* it is known where it stands */
	uint32_t next;	 /* sequence number of the next byte in order */
	uint32_t unread; /* bytes left by the reader */
	uint32_t held;	 /* bytes out of order */
	uint32_t blocks; /* of those */
	bool ended;	 /* FIN came in order */
};

/* Where a side begins, from its SYN. */
struct stream_start {
	bool known;
	uint32_t isn;
};

struct stream_pool;

/* The options are copied, and in their ranges. NULL: out of memory. */
struct stream_pool *stream_pool_new(const struct stream_options *o);
/* What it takes when all of it is used. */
size_t stream_pool_bytes(const struct stream_options *o);
void stream_pool_free(struct stream_pool *p);
/*
 * From now on so, for streams that are open, too; in their ranges. A stream
 * that has ended by a cause stays ended.
 */
void stream_pool_configure(struct stream_pool *p, enum stream_overlap overlap,
			   const uint8_t on[static STREAM_CAUSE__MAX]);

/*
 * A new stream. A side whose start is not known begins with its SYN, or, from
 * the middle, with the first acknowledgement of it or with its first bytes,
 * whichever comes first; the first chunk then has gap_before. 0: all streams
 * are in use (counted: no_stream; see stream_on()).
 */
uint32_t stream_open(struct stream_pool *p,
		     const struct stream_start start[FLOW_SIDE__MAX]);
/* Nothing of it can be dropped (a tap, a capture): DROP is taken as PASS. */
void stream_watch(struct stream_pool *p, uint32_t handle);
/* handle: 0, or from stream_open(); not to be used any more. */
void stream_close(struct stream_pool *p, uint32_t handle);

/*
 * A segment of `side`. The reader may be called any number of times. Any
 * segment from the wire may be given. When BYPASS is answered, the stream
 * holds no bytes any more, and is to be closed.
 */
struct stream_result stream_push(struct stream_pool *p, uint32_t handle,
				 enum flow_side side,
				 const struct stream_segment *segment,
				 const struct stream_reader *reader);
/*
 * `side` acknowledges (by any segment with ACK) what the other side sent.
 * Outcomes: EMPTY, TAKEN (a gap), REFUSED, BYPASSED.
 */
struct stream_result stream_ack(struct stream_pool *p, uint32_t handle,
				enum flow_side side, uint32_t ack,
				const struct stream_reader *reader);

/* What the options say of a cause. */
enum stream_exception stream_on(const struct stream_pool *p,
				enum stream_cause cause);
struct stream_counts stream_counts(const struct stream_pool *p);
struct stream_side_view stream_side_view(const struct stream_pool *p,
					 uint32_t handle, enum flow_side side);

/* Streams, and blocks, that have been used; memory of so many is there then. */
void stream_pool_used(const struct stream_pool *p, uint32_t *ret_streams,
		      uint32_t *ret_blocks);
void stream_pool_touch(struct stream_pool *p, uint32_t streams,
		       uint32_t blocks);
/* All streams and their bytes, for another process (base/image.h). */
void stream_pool_save(const struct stream_pool *p, struct image_writer *w);
/*
 * Into a pool that had no stream yet, of the same sizes: handles stay, counts go
 * on; overlap and exceptions are the pool's own. false: they are not there, or
 * cannot be these; *p is as it was.
 */
bool stream_pool_load(struct stream_pool *p, const struct image_reader *r);
/* Is that one in use? For who has loaded handles. */
bool stream_is_open(const struct stream_pool *p, uint32_t handle);

/* Stable names, "held_max"; one sentence for a person. Static storage. */
const char *stream_cause_name(enum stream_cause c);
const char *stream_cause_text(enum stream_cause c);
const char *stream_exception_name(enum stream_exception e); /* "pass" */
const char *stream_outcome_name(enum stream_outcome o);	    /* "taken" */
