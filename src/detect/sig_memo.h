/*
 * What was searched lately, and which patterns were in it: the same bytes come
 * again and again (headers of one program, answers of one server), and to compare
 * them takes a tenth of the time that it takes to search them.
 *
 * One worker's, of one set; nothing is allocated after sig_memo_new().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits_sig.h"

struct sig_memo;

/* NULL: out of memory. */
struct sig_memo *sig_memo_new(void);
/* NULL is accepted. */
void sig_memo_free(struct sig_memo *m);

/* What is searched, and how: whatever the answer depends on. */
struct sig_search {
	struct bytes bytes;
	uint32_t channel;
	uint32_t old; /* what ends in the first so many bytes is no hit */
};

/*
 * Was that search made before? Then hits[] has the patterns that it found, in
 * order, *ret_n of them.
 */
bool sig_memo_recall(struct sig_memo *m, const struct sig_search *s,
		     uint32_t hits[static SIG_MEMO_HITS], uint32_t *ret_n);
/* What the search found that sig_memo_recall() did not know just now. */
void sig_memo_learn(struct sig_memo *m, const struct sig_search *s,
		    const uint32_t *hits, uint32_t n);
