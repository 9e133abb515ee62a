/*
 * Whose a network namespace is, what is in it, and by which addresses it talks:
 * fills the registry from what runtimes tell and what namespaces are found to
 * hold.
 */
#pragma once

#include "agent/agent.h"

/* Starts the sources. */
int inventory_start(struct agent *a, struct err *reterr);
void inventory_stop(struct agent *a);

/* The guard saw a host's device; it may be a workload's that is known. */
void inventory_port_seen(struct agent *a, struct port *p);
/* Have all runtimes that answer told what there is? */
bool inventory_is_listed(const struct agent *a);
/* One of its ports went. */
void inventory_port_gone(struct agent *a, struct workload *w);
/* Of that pod, or of all in that namespace, more is known. pod: NULL: any. */
void inventory_describe(struct agent *a, const char *namespace,
			const char *pod);
