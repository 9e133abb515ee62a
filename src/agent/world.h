/*
 * Who there is, as src/intent wants it: those of other nodes first, which are listed
 * once and stay until something changes in the registry, since a fleet has a hundred
 * thousand of them and a policy changes often; and then those here and what Kubernetes
 * tells of elsewhere, anew each time.
 */
#pragma once

#include "agent/agent.h"
#include "intent/intent.h"

struct world;

/*
 * As it is now; workload.world_at is where those of registry.workloads are. Borrows from
 * the registry, and is ours: good until it is asked for again, or the registry changes.
 * -ENOMEM.
 */
int world_now(struct agent *a, struct intent_world *ret);
void world_free(struct world *w); /* NULL is accepted */
