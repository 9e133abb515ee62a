/*
 * Clients that keep servers waiting, to hold what these have: threat 2005,
 * sessions that are opened and left unused, many of them at a workload; and 2015,
 * requests that do not come to their end.
 */
#pragma once

#include "inspect/passage.h"

/* A packet of f was read, whose talk has a dialogue: is its server waiting? */
void silent_waits(struct inspect *in, struct flow *f);
/* Is f to be read to its end for that? */
bool silent_is_wanted(const struct inspect *in, const struct flow *f);
/*
 * Looks at the flows that have been silent long enough, a bounded number of
 * them, and leaves in->own_frames. Between batches. true: there may be more.
 */
bool silent_age(struct inspect *in, usec_t now);
