/*
 * The kernel's side of every port: sees the host's devices come and go, diverts
 * those that are to be, and sets what mode they are in.
 *
 * A host's device whose other end is in another namespace is guarded as soon as
 * the kernel tells of it: whose it is, is found out later. What mode a port is
 * in follows from what is known at the moment (guard_mode_of()), and is set
 * again whenever any of that changes, so nothing is remembered about how it came
 * to be.
 *
 * State is the kernel's (net/inplace.h): an agent that starts finds the ports
 * that are diverted, in whatever mode they are, and goes on.
 */
#pragma once

#include "agent/agent.h"

/*
 * Adopts what is diverted, lists the host's devices, and follows them from then
 * on.
 */
int guard_start(struct agent *a, struct err *reterr);
void guard_stop(struct agent *a);

/*
 * At the host's devices that are new, now: between two pieces of something that
 * takes long. The registry may be another one afterwards.
 */
void guard_look(struct agent *a);

/* A port may have become another's, a workload's mode another ...: soon. */
void guard_soon(struct agent *a);
/* At once; of one port. */
void guard_apply(struct agent *a, struct port *p);
/* Of all. */
void guard_apply_all(struct agent *a);
/*
 * The workload's MAC is mac now, of a port that may be new: the kernel is told
 * first, then the data plane, to which it is another one.
 */
void guard_new_mac(struct agent *a, struct port *p, struct mac mac);

/*
 * Ports of a workload at once, by its namespace, before anything of it runs
 * (weir hook). Returns how many are guarded now, or -errno.
 */
int guard_netns(struct agent *a, const char *netns, struct err *reterr);

/*
 * A tap's guest is known by that MAC from now on; zero: not any more. The kernel
 * first, then the data plane.
 */
void guard_learned(struct agent *a, struct port *p, struct mac mac);

/* Why the port could not be diverted; it is tried again. */
void guard_failed(struct agent *a, struct port *p, const struct err *why);

/* Gives all ports back to the kernel alone; those are released from then on. */
int guard_release_all(struct agent *a, struct err *reterr);
/* One workload's. */
void guard_release(struct agent *a, struct workload *w);
