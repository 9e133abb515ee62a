/*
 * All workers of a data plane. Each has tables of its own and shares nothing
 * with the others but what is lent to all and does not change (a snapshot), so
 * no frame meets a lock. A question is asked of one after the other, and the
 * answers are put together by who asks (dp/ask.h).
 *
 * Control thread only.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "dp/heartbeat.h"
#include "dp/worker.h"
#include "inspect/pools.h"
#include "policy/snapshot.h"

struct workers {
	unsigned n; /* 1..WORKERS_MAX; 0: none were started */
	struct worker *at[WORKERS_MAX];
	struct pulse *pulse; /* the workers' threads'; own, or lent */
	struct pulse own;
};

struct workers_options {
	unsigned n;		     /* 1..WORKERS_MAX */
	const struct pools *pools;   /* of each; borrowed for the call */
	int lost_fd;		     /* as worker_options */
	struct heartbeat *heartbeat; /* likewise */
	struct pulse *pulse; /* where they beat; NULL: nobody else looks */
};

/* *ws stays where it is. 0; or -errno with *reterr, and none is left. */
int workers_start(struct workers *ws, const struct workers_options *opt,
		  struct err *reterr);
/* All end, and all that is theirs. Also of a *ws that is all zero. */
void workers_stop(struct workers *ws);

/* The number of the one whose that workload is. */
unsigned workers_of(const struct workers *ws, const struct endpoint *e);

/* Runs fn(view, arg) in each, one after the other; when it returns, in all. */
void workers_ask(const struct workers *ws,
		 void (*fn)(struct worker_view *, void *), void *arg);
