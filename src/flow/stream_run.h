/*
 * The streams' own structs, and how a side moves on over its bytes; only for
 * flow/stream.c. The theory of both is at the head of flow/stream_run.c.
 */
#pragma once

#include "flow/stream.h"
#include "flow/stream_blocks.h"

enum stream_mode {
	STREAM_RUNNING,
	STREAM_STOPPED, /* refuses everything: unread_max with DROP */
	STREAM_OVER,	/* bypassed */
};

struct stream_side {
	uint32_t next, read, acked;
	uint32_t start;	  /* behind the SYN, if known from it */
	uint32_t fin_seq; /* of the FIN, if fin_seen */
	uint32_t gap_len; /* for the next chunk, if gap */
	uint32_t held_bytes, held_blocks;
	struct chain kept, held;
	bool known : 1;
	bool fresh : 1;
	bool gap : 1;
	bool fin_seen : 1;
	bool ended : 1;
};

struct stream {
	struct stream_side side[FLOW_SIDE__MAX];
	uint32_t next_free;
	bool used;
	bool watched;
	uint8_t mode; /* enum stream_mode */
	uint8_t why;  /* enum stream_cause, unless STREAM_RUNNING */
};

struct stream_pool {
	struct stream_options options;
	uint32_t held_blocks_max;
	struct stream *streams; /* options.streams + 1; [0] is unused */
	size_t streams_bytes, scratch_bytes;
	uint32_t free; /* top of the stack of closed streams */
	uint32_t used_ever;
	struct block_pool blocks;
	uint8_t *scratch; /* one run */
	struct stream_counts counts;
};

/* One segment or acknowledgement on its way. */
struct stream_work {
	struct stream_pool *p;
	struct stream *st;
	struct stream_side *s;
	enum flow_side side;
	const struct stream_reader *reader;
	struct piece piece; /* the segment's bytes; its seq alone for an ACK */
	struct stream_result result;
};

/*
 * Counts and tells a cause, and ends the stream when that is BYPASS. Does the
 * segment go on all the same?
 */
bool stream_may_pass(struct stream_work *w, enum stream_cause cause);
/* Frees all bytes of both sides, and leaves RUNNING. */
void stream_end(struct stream_pool *p, struct stream *st, enum stream_mode mode,
		enum stream_cause why);
/* Frees what is out of order. */
void stream_forget_held(struct stream_pool *p, struct stream_side *s);
/* Shows all that is there from next on, w->piece and what is held. */
void stream_advance(struct stream_work *w);
/*
 * Nobody waits any more for what is missing before `until`, which is at most
 * the end of w->piece; what is there, w->piece too, is shown.
 */
void stream_give_up(struct stream_work *w, uint32_t until);
/* From where on bytes are to be kept when `read` is read and `end` shown. */
uint32_t stream_wanted_base(const struct stream_work *w, uint32_t read,
			    uint32_t end);
