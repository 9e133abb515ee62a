/* A scanner from within; for sig_scan*.c and sig_tell.c only. */
#pragma once

#include "base/lru.h"
#include "detect/sig_memo.h"
#include "detect/sig_scan.h"
#include "detect/sig_set_own.h"

_Static_assert(SIG_BLOCK_BYTES == 2 * SIG_WINDOW, "a window and a piece");

_Static_assert(NOTE__MAX <= 64, "a bit each");

struct sig_lane {
	const struct sig_set *set;
	hs_scratch_t *scratch;
	struct sig_memo *memo;
	uint64_t quiet[SIG_QUIET_PLACES]; /* numbers of fields */
	uint32_t *seen; /* of each pattern: the last scan it was found in */
	uint32_t *seen_here; /* of the channel that is being scanned */
	uint32_t *hits; /* patterns found in this scan; SIG_MEMO_HITS or more */
	size_t old;	/* ... that end behind it */
	uint32_t n_hits, scan;
	uint32_t flows; /* that use it */
};

/* A rule half matched, or whole but waiting. */
struct sig_waiting {
	uint32_t rule, done;
	uint32_t next; /* of the side, or free */
	bool whole;    /* it waits for the request's end, or an application */
	uint8_t buffer;
	uint32_t len;
	uint64_t at;
	uint64_t until; /* raw bytes: as far as it may still match */
};

/* A buffer that comes in pieces: the last of it is kept. */
struct sig_buf {
	uint8_t place; /* enum sig_place */
	bool used, ended;
	uint16_t len;	/* in the block */
	uint32_t block; /* 0: none was left */
	uint64_t pos;	/* of the block's first byte */
};

struct sig_side {
	uint32_t waiting; /* a list */
	uint8_t n_waiting;
	bool passed; /* a pass rule has matched in this request */
	bool seen_header, seen_established; /* rules without anything asked */
	uint16_t kept_len;
	uint32_t kept;	  /* block with whole fields: field, length, bytes */
	uint64_t notes;	  /* bits */
	uint64_t payload; /* raw bytes so far */
	uint32_t told[SIG_TOLD]; /* rules + 1, in this request; a ring */
	uint8_t n_told;
	struct sig_buf bufs[SIG_BUFS];
};

struct sig_flow {
	struct sig_facts facts;
	struct sig_lane *lane;
	struct sig_side sides[PROTO_SIDE__MAX];
	uint32_t apps[SIG_APPS];
	uint16_t bits[SIG_FLOW_BITS];
	uint32_t next_free;
	uint8_t n_apps, n_bits;
	bool used, app_final, established;
	bool passed; /* a pass rule of raw bytes has matched */
};

/* A rule that is whole, and told at the end of the call. */
struct sig_ready {
	uint32_t rule;
	uint8_t buffer;
	uint32_t len;
	uint64_t at;
	struct bytes around;
	uint64_t around_at;
};

struct sig_rated {
	uint32_t gid, sid;
	uint8_t kind;
	struct ip_addr src, dst; /* zero: not asked */
	usec_t since;
	uint32_t count;
};

/*
 * What is looked at, after transforms: many rules ask for the same ones, and
 * those that wait ask each time.
 */
struct sig_changed {
	uint64_t look; /* it is of that one; 0: of none */
	uint8_t n, transforms[SIG_TRANSFORMS_MAX];
	size_t len;
	uint8_t bytes[SIG_PIECE_MAX + SIG_BLOCK_BYTES];
};

struct sig_scanner {
	struct sig_scanner_options opt;
	struct sig_scanner_counts counts;
	struct sig_lane *lanes[SIG_SETS_MAX];	 /* [0] is the current one */
	struct sig_lane *gone[SIG_SETS_MAX + 1]; /* to be given back */
	unsigned n_gone;
	bool has_current;
	struct sig_flow *flows; /* limit + 1; [0] is for packets of none */
	uint32_t free_flow, flows_ever;
	struct sig_waiting *waiting; /* limit + 1 */
	uint32_t free_waiting, waiting_ever;
	uint8_t (*blocks)[SIG_BLOCK_BYTES]; /* limit + 1 */
	uint32_t *free_blocks;		    /* a stack */
	uint32_t n_free_blocks, blocks_ever;
	struct lru rates;
	struct sig_rated *rated; /* limit + 1 */
	struct sig_matcher *matcher;
	usec_t now;
	struct sig_ready ready[SIG_READY_MAX];
	unsigned n_ready;
	uint8_t joined[SIG_PIECE_MAX + SIG_BLOCK_BYTES];
	struct sig_changed changed[SIG_CHANGED_KEPT];
	unsigned changed_next; /* that gives way */
	uint64_t look;	       /* counts those that begin */
	uint8_t changed_other[SIG_PIECE_MAX + SIG_BLOCK_BYTES];
};

/* What is being looked at. */
struct sig_look {
	struct sig_scanner *s;
	struct sig_flow *flow;
	struct sig_side *side;
	uint8_t side_no, place;
	struct sig_view view;
	size_t fresh;  /* where in the view new bytes begin */
	bool searched; /* its only channel was, by sig_search() */
	const struct sig_packet *packet; /* of a packet's payload, or NULL */
	bool packet_passed;		 /* a pass rule has matched in it */
};

/* sig_try.c: which patterns of the channel are in b, and end behind old: how many. */
uint32_t sig_search(struct sig_scanner *s, struct sig_lane *lane,
		    const struct sig_channel *c, struct bytes b, size_t old);
/* Candidates of what is looked at, and rules that wait for it. */
void sig_look(struct sig_look *l);
/* A rule whose trigger is a note, and those that wait for it. */
void sig_look_note(struct sig_look *l, enum proto_note n);
/* May it match on this connection, said by that side? */
bool sig_header_matches(const struct sig_look *l, const struct sig_rule *r);
bool sig_packet_matches(const struct sig_rule *r, const struct sig_facts *f,
			const struct sig_packet *p);
void sig_waiting_remove(struct sig_scanner *s, struct sig_side *side,
			uint32_t *link);

/* sig_tell.c: it has matched; told by sig_flush(). */
void sig_add_ready(struct sig_look *l, uint32_t rule, uint8_t buffer,
		   struct sig_spot spot, const struct sig_view *v);
/* Rules that are whole wait on, unless they need not (all of them: at_end). */
void sig_release(struct sig_look *l, bool at_end);
void sig_flush(struct sig_look *l);
bool sig_wait(struct sig_look *l, uint32_t rule, uint32_t done, bool whole,
	      uint8_t buffer, struct sig_spot spot);

/* sig_scan.c */
/* NULL: none, or it is no longer looked at. */
struct sig_flow *sig_flow_of(const struct sig_scanner *s, uint32_t handle);
/* In place: copying it costs more than all that it is for. */
void sig_look_at(struct sig_look *l, struct sig_scanner *s, struct sig_flow *f,
		 unsigned side, unsigned place);
/* The buffer of that place; NULL: all are in use. */
struct sig_buf *sig_buf_of(struct sig_side *side, unsigned place);
/*
 * Puts bytes (at most SIG_PIECE_MAX) behind what is kept: *l shows both. Bytes
 * that do not fit the block are joined elsewhere, and the block has the last.
 */
void sig_append(struct sig_look *l, struct sig_buf *b, struct bytes bytes);
uint32_t sig_block_take(struct sig_scanner *s);
void sig_block_release(struct sig_scanner *s, uint32_t block);
/* It stays, but is no longer looked at. */
void sig_flow_empty(struct sig_scanner *s, struct sig_flow *f);
