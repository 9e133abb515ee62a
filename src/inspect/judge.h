/*
 * May this flow be? Step 7 of the pipeline (inspect/inspect.c), with what
 * follows from a denial: the block is noted, a rejection built.
 */
#pragma once

#include "inspect/passage.h"

/* The first frame of what would be a flow with that key. */
void judge_new_flow(struct passage *w, const struct flow_key *k);
/* One more frame of f. */
void judge_known_flow(struct passage *w, struct flow *f);
/* So many frames of what is or would be flow k were denied by v. */
void judge_note_block(struct inspect *in, const struct flow_key *k,
		      bool client_is_own, const struct flow_verdict *v,
		      uint64_t frames);
/* May f be, by now? Changes and notes nothing of it. */
bool judge_is_allowed(struct passage *w, const struct flow *f);
/* Is policy not asked about such a flow at all? Then *ret is why. */
bool judge_is_open(struct passage *w, const struct flow_key *k,
		   bool client_is_own, enum reason *ret);
