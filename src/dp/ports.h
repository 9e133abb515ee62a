/*
 * All ports of a data plane: the service port and the other kinds that the
 * reference has (2.2): pairs that weir-dp bridges itself, taps and NFQUEUEs in
 * the workloads' network namespaces.
 *
 *   service   vth                     frames come and go by it, marked
 *   pair      vex <-> vin             what comes by one goes on by the other
 *   tap       iface in netns          watched, nothing is sent
 *   nfq       queue in netns          netfilter waits for each verdict
 *
 * The service port is all workers', the others are each one's (dp/port.h).
 * A port is found by the names it was made with. Making one that is there only
 * updates it. Control thread only; errors in *reterr as -errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"
#include "dp/port.h"
#include "dp/workers.h"
#include "policy/snapshot.h"
#include "wire/ctrl.h"

struct ports {
	/* By place among the worker's ports; NULL: free. [0]: the service
	 * port, always there; the others are owned. */
	struct port *at[WORKER_PORTS_MAX];
	struct port service;
	/* While the service port is open and diverted in place; or NULL. */
	struct beat *beat;
	struct cache_maps *cache;	 /* NULL also without a cache */
	const struct workers *workers;	 /* borrowed */
	const struct snapshot *snapshot; /* the one in force; borrowed */
	int opener_fd;
	usec_t retry_at; /* not before */
};

void ports_init(struct ports *ps, const struct workers *ws, int opener_fd);
/* Frees; the worker has ended. */
void ports_done(struct ports *ps);

/*
 * Other workloads, or other marks, are about to come into force with `next`: a
 * port whose workload will be another worker's is taken from the one that has
 * it; when the workers judge by `next`, ports_arrive() gives it to the other.
 */
void ports_leave(struct ports *ps, const struct snapshot *next);
void ports_arrive(struct ports *ps);

/* -EEXIST: there is one already; -ENODEV: no such interface; ... */
int ports_add_service(struct ports *ps, const char iface[static IFNAMSIZ],
		      struct err *reterr);
/*
 * The service port's workloads may be diverted in place: then the kernel's
 * programs look for a sign of life, and get it from now on. Call it when there
 * may be new ones.
 */
void ports_begin_beat(struct ports *ps);
/*
 * false: no worker gives the sign of life, and that is somebody else's to do; true:
 * they do again, if there is one.
 */
void ports_let_beat(struct ports *ps, bool ours);
/* The kernel has no verdicts of ours, and may have some again. */
void ports_renew_cache(struct ports *ps);
/*
 * In a successor: makes that port as the predecessor had it, in the same place,
 * with a number as `p->at` says; no ring yet. NULL and *reterr: that is no port,
 * its place is taken.
 */
struct port *ports_take(struct ports *ps, const struct port *as, int netns,
			struct err *reterr);
/*
 * What the kernel knows of verdicts holds no longer: the policy or the settings
 * are about to change. Then ask_generation() with what is returned, as soon as
 * they have; 0: nobody keeps verdicts.
 */
uint64_t ports_outdate(struct ports *ps);
/* -ENOENT: there is none. */
int ports_del_service(struct ports *ps, struct err *reterr);

/* kind: CTRL_ADD_PORT_PAIR, _TAP_PORT, _NFQ_PORT or their _DEL_. */
int ports_add(struct ports *ps, enum ctrl_kind kind, const struct port_spec *s,
	      struct err *reterr);
int ports_del(struct ports *ps, enum ctrl_kind kind, const struct port_spec *s,
	      struct err *reterr);

/* A worker has lost some: finds out which. */
void ports_lost(struct ports *ps);
/* Tries to get the lost ones back; false: there are none left. */
bool ports_retry(struct ports *ps);
