/*
 * Holds the fragments of a datagram until all are there, and puts it together.
 *
 *   defrag_push(fragment) ──▶ DEFRAG_HELD       copied; drop the frame
 *                         ──▶ DEFRAG_COMPLETE   the datagram as one frame, and
 *                         │                     its fragments in order
 *                         └─▶ anything else     refused, and why; drop the frame
 *
 * Nothing of a datagram may be forwarded before it is complete (reference 3.4):
 * the caller judges the one frame, and by that sends all fragments or none.
 * What belongs together: endpoint, direction, VLANs, addresses, identification
 * (16 bits in IPv4, 32 in IPv6), and in IPv4 the protocol. A datagram has
 * DEFRAG_LIFE_S seconds from the first fragment that came of it.
 *
 * Fragments that contradict each other kill their datagram, or do not count
 * (enum defrag_overlap). A killed datagram stays known, without its bytes, to
 * the end of its life, so that what still comes of it is refused, too.
 *
 * Memory is bounded by struct defrag_options. One source - what comes from one
 * workload, or from one address to one workload - has a share of its own; at
 * its end the oldest datagram of that source gives way. When all is used, the
 * oldest of all gives way. Oldest: those that are whole in the end are so
 * within milliseconds, so the old ones are those that something is missing of.
 *
 * Pure: time is an argument. One thread. No allocation after defrag_new().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/image.h"
#include "packet/packet.h"

struct defrag;

enum defrag_outcome {
	/* What defrag_push() answers. */
	DEFRAG_HELD,
	DEFRAG_COMPLETE,
	DEFRAG_DUPLICATE, /* the same bytes at the same place again: ignored */
	DEFRAG_OVERLAP,	  /* other bytes, or another piece, over held ones */
	DEFRAG_END,	  /* contradicts where the datagram ends */
	DEFRAG_TOO_MANY,  /* killed: more than DEFRAG_FRAGMENTS_MAX */
	DEFRAG_TOO_LARGE, /* killed: its frames exceed DEFRAG_FRAMES_BYTES */
	DEFRAG_TOO_LONG,  /* killed: longer than an IP datagram can be */
	DEFRAG_ECN,	  /* killed: RFC 3168 5.3, receivers drop it */
	DEFRAG_DEAD,	  /* of a datagram that was killed before */
	/* Why a datagram that was never whole ended (struct defrag_gone). */
	DEFRAG_LOST_FIRST,     /* its time is over, no first fragment came */
	DEFRAG_LOST_LAST,      /* ... and no last one */
	DEFRAG_LOST_MIDDLE,    /* ... and there is a gap between these */
	DEFRAG_EVICTED_SOURCE, /* gave way to a newer one of its source */
	DEFRAG_EVICTED,	       /* gave way to a newer one of anybody */
	DEFRAG_FORGOTTEN,      /* defrag_forget_endpoint() */
	DEFRAG__MAX
};

/* What becomes of a fragment with DEFRAG_OVERLAP or DEFRAG_END. */
enum defrag_overlap {
	DEFRAG_OVERLAP_KILL,  /* it kills its datagram: RFC 5722, Linux */
	DEFRAG_OVERLAP_FIRST, /* what came first stays, it does not count */
	DEFRAG_OVERLAP__MAX
};

struct defrag_options {
	uint32_t datagrams;	   /* 1..2^20 at a time, killed ones, too */
	uint32_t blocks;	   /* 1..2^20 of DEFRAG_BLOCK_BYTES */
	uint32_t source_datagrams; /* 1..datagrams, of one source */
	uint32_t source_blocks;	   /* 1..blocks, of one source */
	enum defrag_overlap overlap;
	uint64_t seed; /* for hashes, random */
};

/* The limits of base/limits.h, DEFRAG_OVERLAP_KILL, that seed. */
struct defrag_options defrag_defaults(uint64_t seed);

/* A whole datagram. All of it is borrowed, see defrag_push(). */
struct defrag_datagram {
	/*
	 * With the first fragment's headers, less what says that it is one;
	 * lengths and IPv4 header checksum are right. It never is a fragment.
	 * If a fragment was cut by a snaplen: the bytes before that, and the
	 * whole wire_len. At most FRAME_MAX. port is that of the fragment that
	 * completed it. csum: to be checked, no sender leaves that of
	 * fragments to be filled in (FRAME_CSUM_CAPTURED stays).
	 */
	struct frame frame;
	/* The frames as they came, by offset; no two overlap. */
	const struct bytes *fragments;
	unsigned n_fragments; /* 2..DEFRAG_FRAGMENTS_MAX */
};

/* A datagram that ended without having been whole. */
struct defrag_gone {
	enum defrag_outcome why; /* never HELD, COMPLETE, DUPLICATE, DEAD */
	unsigned n_fragments;	 /* held, and now dropped */
	uint32_t frame_bytes;	 /* of these */
	struct ip_addr saddr, daddr;
	uint32_t frag_id;
	uint32_t vlans;
	uint16_t endpoint;
	bool ingress;
	uint8_t ip_version;
	/* IPv6: as the first fragment says, or else the first that came. */
	uint8_t proto;
};

struct defrag_stats {
	uint32_t datagrams, datagrams_limit; /* killed and expired included */
	uint32_t fragments;		     /* held */
	uint32_t sources;
	uint64_t bytes, bytes_limit; /* of blocks */
	/*
	 * Fragments that defrag_push() answered with this; from
	 * DEFRAG_LOST_FIRST on: datagrams.
	 */
	uint64_t count[DEFRAG__MAX];
};

/* NULL: out of memory. Owned by the caller. */
struct defrag *defrag_new(const struct defrag_options *opt);
void defrag_free(struct defrag *t); /* NULL is accepted */
/* From the next fragment on; what was killed stays so. */
void defrag_configure(struct defrag *t, enum defrag_overlap overlap);

/*
 * Who is told of each datagram that ends without having been whole, while
 * defrag_push(), defrag_age() or defrag_forget_endpoint() run; fn must not call
 * back. A fragment that killed its datagram is not among its n_fragments. NULL:
 * nobody.
 */
void defrag_on_gone(struct defrag *t,
		    void (*fn)(void *arg, const struct defrag_gone *gone),
		    void *arg);

/*
 * p: a fragment (PACKET_OK, is_fragment) to or from that endpoint. Writes *ret
 * when DEFRAG_COMPLETE only; it is valid until the next defrag_push(), or
 * defrag_release(), and while p's own frame is, which is one of its fragments.
 */
enum defrag_outcome defrag_push(struct defrag *t, const struct packet *p,
				uint16_t endpoint, bool ingress, usec_t now,
				struct defrag_datagram *ret);

/* Gives the blocks of the last whole datagram back now. */
void defrag_release(struct defrag *t);

/* Ends datagrams whose time is over, at most so many; returns how many. */
uint32_t defrag_age(struct defrag *t, usec_t now, uint32_t most);

/* A workload is gone, its index may become another's: ends its datagrams. */
void defrag_forget_endpoint(struct defrag *t, uint16_t endpoint);

struct defrag_stats defrag_stats(const struct defrag *t);

/*
 * All that is held, for another process (base/image.h); of the last whole
 * datagram nothing, as after defrag_release().
 */
void defrag_save(const struct defrag *t, struct image_writer *w);
/*
 * Into one that had no fragment yet, of the same sizes: nobody can tell that it
 * is another one. false: it is not there, or cannot be; *t is as it was.
 */
bool defrag_load(struct defrag *t, const struct image_reader *r);

/* Static storage: "held", "overlap", ... for stats, debug and tests. */
const char *defrag_outcome_name(enum defrag_outcome o);
