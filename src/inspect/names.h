/*
 * DNS on its way past: what workloads ask and are answered goes to learned.h,
 * and from there to policy, which is asked by names.
 */
#pragma once

#include "base/bytes.h"
#include "inspect/passage.h"

/*
 * Is f a workload's conversation with a resolver? Then its messages are to be
 * read.
 */
bool names_are_asked(const struct flow *f);
/* A message of such a flow, whole; f is allowed. */
void names_message(struct inspect *in, const struct flow *f,
		   enum flow_side side, struct bytes message, usec_t now);

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
