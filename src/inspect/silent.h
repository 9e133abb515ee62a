/*
 * Threat 2005: sessions that their clients open and then leave unused, many of
 * them at a workload, to hold what its servers have.
 */
#pragma once

#include "inspect/passage.h"

/*
 * Looks at the flows that have been silent long enough, a bounded number of
 * them, and leaves in->own_frames. Between batches. true: there may be more.
 */
bool silent_age(struct inspect *in, usec_t now);
