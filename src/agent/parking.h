/*
 * Workloads whose frames data planes die of.
 *
 *   a data plane dies ──report──▶ whose frame was it at? (blame.h)
 *     ──PORT_DEATHS times in PLANE_DEATHS_US──▶ that port is parked: as guard.on_failure
 *       says, closed or open, in the kernel; nothing of it comes to a data plane
 *     ──PORT_PARKED_US──▶ tried again; then one death more is enough, and for twice as long
 *
 * So what kills a data plane at one workload, all others are guarded on. What cannot be
 * laid to a workload counts for all (plane_process.h).
 *
 * State is the port's: a device that comes anew, or an agent that does, begins anew.
 */
#pragma once

#include "agent/agent.h"

void parking_start(struct agent *a);
/* That one died; about: PLANE_DOWN's, or NULL. */
void parking_death(struct agent *a, struct plane *of, const json_t *about);
bool parking_has(const struct port *p);
/* Why, and for how long yet; for people. */
void parking_text(const struct port *p, char *ret, size_t size);
