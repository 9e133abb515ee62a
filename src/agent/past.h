/*
 * Recorded conversations, as intent/propose.h wants them: with the workloads
 * that are here, and those that were and are remembered by the store.
 */
#pragma once

#include "agent/agent.h"
#include "intent/judge.h"
#include "intent/propose.h"

struct past {
	struct intent_world world;
	struct intent_workload *workloads; /* what world borrows */
	size_t n_workloads, size_workloads;
	struct intent_talk *talks;
	size_t n_talks, size_talks;
	json_t *kept; /* what talks and workloads borrow from */
	struct ip_addr node[NODE_ADDRS_MAX];
	size_t n_node;
	uint64_t since_s;
	bool only_learned;
	bool cut;		 /* there were more than PAST_TALKS_MAX */
	struct loading *loading; /* owned, while it is read */
};

/*
 * Begins to read all since then, or of those what was learned; -ENOMEM. End with
 * past_done(), also after a failure. Stays where it is.
 */
int past_begin(struct agent *a, uint64_t since_s, bool only_learned,
	       struct past *ret, struct err *reterr);
/* Reads on for some ms: 1, there is more; 0, that was all; or -errno. */
int past_more(struct past *p, struct err *reterr);
void past_done(struct past *p);
