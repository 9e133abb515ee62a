/*
 * Does what is there of a buffer match? The exact answer, after a fast pattern
 * was found: contents with all their conditions, expressions, numbers.
 *
 * A group is cut into chains: items that go on from one another. Chains have
 * nothing to do with each other, so each can be found in its own piece.
 *
 * One matcher a worker; nothing is allocated after sig_matcher_new().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "detect/sig.h"

/* What is there of a buffer. */
struct sig_view {
	struct bytes bytes;
	uint64_t pos; /* of the first of them, in the buffer */
	bool ended;   /* nothing follows, or what is there is judged as it is */
};

/* An item, and what was made of it. */
struct sig_step {
	const struct sig_item *item;
	const uint8_t *bytes;	      /* content: in lower case, if nocase */
	void *code;		      /* pcre: owned by the set */
	const struct sig_step *after; /* base64 */
};

struct sig_chain {
	const struct sig_step *steps;
	uint16_t n;
	bool absolute; /* it asks of places from the buffer's beginning on */
};

/* Where it matched. */
struct sig_spot {
	uint64_t at; /* in the buffer */
	uint32_t len;
};

struct sig_matcher_counts {
	uint64_t pcre_limit; /* expressions that took too many steps */
	uint64_t work_limit; /* buffers that took too much searching */
};

struct sig_matcher;

/* NULL: out of memory. */
struct sig_matcher *sig_matcher_new(void);
void sig_matcher_free(struct sig_matcher *m);

/* SIG_WORK_MAX bytes may be searched from now on. */
void sig_matcher_begin(struct sig_matcher *m);

/*
 * min_end: a match that ends there or before it is none (it was found when less
 * was there); 0: any is one. *ret_spot: its first content, or expression, if it matches. *ret_more: it does
 * not, but bytes that follow could change that.
 */
bool sig_match(struct sig_matcher *m, const struct sig_chain *c,
	       const struct sig_view *v, uint64_t min_end,
	       struct sig_spot *ret_spot, bool *ret_more);

struct sig_matcher_counts sig_matcher_counts(const struct sig_matcher *m);
/* It goes on counting from there. */
void sig_matcher_count_from(struct sig_matcher *m, struct sig_matcher_counts c);

/*
 * A compiled expression; NULL: *reterr says why not. flags: of the item.
 * Threads may share it.
 */
void *sig_pcre_new(const struct sig_item *item, struct err *reterr);
void sig_pcre_free(void *code);
