/*
 * Who is behind a tap of the host: a VM's MAC and addresses. The kernel knows
 * neither, so both are learned (taps.c says from whom, and what is believed).
 *
 * The main loop's thread only.
 */
#pragma once

#include "agent/agent.h"
#include "net/link.h"

struct tap;

/* The guard saw the tap's device, now or again: makes p->tap. */
void taps_seen(struct agent *a, struct port *p, const struct link_stat *l);
/* Before the port is forgotten; also of one that is no tap. */
void taps_gone(struct agent *a, struct port *p);

/* Its addresses, without those that have become another workload's. */
size_t taps_addrs(const struct agent *a, const struct port *p,
		  struct ip_addr ret[static TAP_ADDRS_MAX]);
/* Some workload's addresses changed, and may have been a tap's. */
void taps_recheck(struct agent *a);
