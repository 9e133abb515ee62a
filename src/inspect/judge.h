/*
 * May this flow be? Step 5 of the pipeline (inspect/inspect.c), with what
 * follows from a denial: the block is noted, a rejection built.
 */
#pragma once

#include "inspect/passage.h"

/* The first frame of what would be a flow with that key. */
void judge_new_flow(struct passage *w, const struct flow_key *k);
/* One more frame of f. */
void judge_known_flow(struct passage *w, struct flow *f);
