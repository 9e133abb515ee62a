/*
 * DNS on its way past: what workloads ask and are answered goes to learned.h,
 * and from there to policy, which is asked by names.
 */
#pragma once

#include "base/bytes.h"
#include "base/image.h"
#include "inspect/passage.h"

/*
 * Is f a workload's conversation with a resolver? Then its messages are to be
 * read.
 */
bool names_are_asked(const struct flow *f);
/* A message of such a flow, whole; f is allowed. */
void names_message(struct inspect *in, const struct flow *f,
		   enum flow_side side, struct bytes message, usec_t now);

/*
 * Another process has the same names under other numbers, and with other births.
 * is[n]: what its number n, born then, is here; NAME_NONE: no rule speaks of it.
 */
struct names_kept {
	uint32_t birth[FQDNS_MAX + 1];
	uint16_t is[FQDNS_MAX + 1];
};

/* The names that rules speak of. */
void names_save(const struct name_set *names, struct image_writer *w);
/* false: they are not there, and none is what it was. */
bool names_load(const struct name_set *names, const struct image_reader *r,
		struct names_kept *ret);
/* Another process' name, here; false: it is none, and *id NAME_NONE. */
bool names_here(const struct names_kept *k, const struct name_set *names,
		uint16_t *id, uint32_t *birth);

/* How many names a judgement is asked with at most. */
#define NAMES_ASKED_MAX (NAMES_PER_ADDR_MAX + 1)

/*
 * By which names the peer of k goes now; and, that established flows are kept,
 * by that one by which f (may be NULL) was judged before. Returns how many.
 */
unsigned names_of_peer(const struct inspect *in, const struct flow_key *k,
		       const struct flow *f,
		       uint16_t ids[static NAMES_ASKED_MAX], usec_t now);
/* f was judged: remembers by which name. */
void names_judged(const struct inspect *in, struct flow *f);
