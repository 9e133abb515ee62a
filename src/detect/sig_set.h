/*
 * Signatures compiled: an immutable set that any number of workers scan with
 * (detect/sig_scan.h). Built aside, by whoever may take seconds for it.
 *
 * For each buffer that signatures ask of there is one Vectorscan database of
 * fast patterns: of each signature one, the content that is longest, or that
 * fast_pattern says; where it has none, and the buffer is seen whole, an expression.
 * Who has neither is tried with each buffer of its sort. So
 * buffers that no signature begins with cost nothing; sig_set_wants() says which
 * ones are of any use.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "detect/sig_parse.h"

struct sig_set;

struct sig_set_options {
	/* Asked now and then while it builds, maybe NULL; true: -ECANCELED. */
	bool (*cancelled)(void *arg);
	void *arg;
	/*
	 * Told of each signature that cannot be compiled, and is left out: an
	 * expression. Maybe NULL.
	 */
	void (*left_out)(void *arg, const struct signature *s,
			 const struct err *why);
};

struct sig_set_size {
	uint32_t signatures;
	uint32_t left_out;
	uint32_t patterns;	 /* distinct ones, of all buffers */
	uint32_t databases;	 /* one a buffer, each with its transforms */
	uint32_t unfiltered;	 /* tried without a fast pattern */
	uint32_t expressions;	 /* PCRE2 */
	uint64_t database_bytes; /* of Vectorscan */
	uint64_t scratch_bytes;	 /* of one worker */
	uint64_t pcre_bytes;
	uint64_t other_bytes;
};

/*
 * Takes the list: it is the set's from now on, and is freed also where this
 * fails. NULL: *reterr, ENOMEM, ECANCELED, EIO (Vectorscan).
 */
struct sig_set *sig_set_new(struct sig_list *list,
			    const struct sig_set_options *opt,
			    struct err *reterr);
/* When no scanner has it any more. NULL is accepted. */
void sig_set_free(struct sig_set *s);

struct sig_set_size sig_set_size(const struct sig_set *s);
/*
 * The same in two processes that have the same rules, in the same order, and number
 * what is in them likewise: what one remembers of a connection means the same to the
 * other. 0: it has none, and is not the same as any.
 */
uint64_t sig_set_fingerprint(const struct sig_set *s);
const struct sig_list *sig_set_list(const struct sig_set *s);

/* Is that field of any use to a signature? */
bool sig_set_wants(const struct sig_set *s, enum proto_field f);
bool sig_set_wants_note(const struct sig_set *s, enum proto_note n);
