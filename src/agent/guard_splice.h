/*
 * Ports without a host's side - macvlan, ipvlan, a card of its own: nothing can
 * be diverted in place there. They are listened to while they are only watched,
 * and spliced (net/splice.h) through a namespace of the agent's own, "weir", with
 * a data plane of its own, as soon as something is enforced.
 *
 * The main loop's thread only.
 */
#pragma once

#include "agent/agent.h"

/* The namespace's name, as `ip netns` lists it. */
#define SPLICER_NETNS "weir"

struct splicer;

/* Adopts what is spliced, and puts back what was left half made. */
int splicer_start(struct agent *a, struct err *reterr);
void splicer_stop(struct agent *a);

/* Brings the port to that mode, or tells at it why not. */
void splicer_apply(struct agent *a, struct port *p, enum inplace_mode mode,
		   enum inplace_failure failure);
/* Not diverted any more. */
void splicer_undo(struct agent *a, struct port *p);
int splicer_undo_all(struct agent *a, struct err *reterr);

/* Before the workload goes: its ports here go with it. */
void splicer_forget(struct agent *a, struct workload *w);
/* Is it ours, and no workload's? */
bool splicer_is_ours(const struct agent *a, const struct netns *ns);
/* Its data plane's port; 0: there is none. */
uint32_t splicer_vth(const struct agent *a);
