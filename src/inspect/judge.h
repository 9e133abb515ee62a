/*
 * May this flow be? Step 7 of the pipeline (inspect/inspect.c), with what
 * follows from a denial: the block is noted, a rejection built.
 */
#pragma once

#include "inspect/passage.h"
#include "inspect/talk.h"

/* The first frame of what would be a flow with that key. */
void judge_new_flow(struct passage *w, const struct flow_key *k);
/* One more frame of f. */
void judge_known_flow(struct passage *w, struct flow *f);
/* So many frames of what is or would be flow k were denied by v. */
void judge_note_block(struct inspect *in, const struct flow_key *k,
		      bool client_is_own, const struct flow_verdict *v,
		      uint64_t frames);
/* Does the judgement of f depend on what it asks? */
static inline bool judge_waits_for_requests(const struct flow *f)
{
	return f->verdict.by_request;
}
/*
 * f asks what t says: f is judged by that. false: that request may not be, and
 * f is blocked; *ret_reject: the client is to be told so. What denies f whatever
 * it asks (its application) is left alone, unless that is news (other_app).
 */
bool judge_request(struct passage *w, struct flow *f, const struct talk *t,
		   bool other_app, bool *ret_reject);
/*
 * A request of f, to the workload, says that it is that client's: it is judged as
 * that. A violation is told of, as such. false: it is blocked, and f with it.
 */
bool judge_forwarded(struct passage *w, struct flow *f, struct ip_addr client,
		     bool *ret_reject);
/* May f be, by now? Changes and notes nothing of it. */
bool judge_is_allowed(struct passage *w, const struct flow *f);
/* Is policy not asked about such a flow at all? Then *ret is why. */
bool judge_is_open(struct passage *w, const struct flow_key *k,
		   bool client_is_own, enum reason *ret);
