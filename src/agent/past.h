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
	uint64_t since_s;
	bool cut; /* there were more than PAST_TALKS_MAX */
};

/* All since then. End with past_done(), also after a failure. */
int past_load(struct agent *a, uint64_t since_s, struct past *ret,
	      struct err *reterr);
void past_done(struct past *p);

/*
 * The world as it is: `workloads` and `macs` are new arrays for the caller to
 * free. Borrows from the registry. -ENOMEM
 */
int world_now(const struct agent *a, struct intent_world *ret,
	      struct intent_workload **ret_workloads, struct mac **ret_macs);
