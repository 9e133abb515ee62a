/*
 * The weir-dp that a plane starts: one at a time, and for a moment two, when
 * another one takes over (dp/handover.h). For plane.c only; the plane's thread.
 */
#pragma once

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/limits_door.h"
#include "door/dpclient.h"

struct plane_process {
	const char *program; /* NULL: never start one; all three borrowed */
	const char *door;
	const char *netns; /* where it is started, by name; NULL: here */
	const char *crash; /* folder for reports; NULL: none are kept */
	unsigned workers;
	pid_t child; /* 0: none of ours */
	/* Of the last one that was ours and ended: its number, and how. */
	pid_t ended;
	int status;
	usec_t deaths[PLANE_DEATHS]; /* the last ones; a ring */
	unsigned n_deaths;
	usec_t parked;	       /* none is started before that */
	_Atomic bool forgiven; /* deaths so far do not count: by any thread */
};

/*
 * It becomes p->child, which was none. Its door opens a little later. -EAGAIN: they
 * died too often, see plane_process_died().
 */
int plane_process_start(struct plane_process *p, struct err *reterr);
/* Is our child still there? What it ended with is told once. */
bool plane_process_runs(struct plane_process *p);
/*
 * The connection to it is lost: has our child died? Waits a moment for that.
 * *reterr: how, where its report is, and that none is started for a while where
 * that was the PLANE_DEATHS-th time in PLANE_DEATHS_US. To be killed is no death of
 * its own, and is not counted. *ret_about: PLANE_DOWN's, the caller's; or NULL.
 */
bool plane_process_died(struct plane_process *p, json_t **ret_about,
			struct err *reterr);
/* Ends our child, also one that hangs, and waits for that. */
void plane_process_end(struct plane_process *p);
/*
 * Starts another one that takes over from who serves `now`, and waits until it has:
 * it is p->child, and serves *ret. -errno with *reterr: who was there goes on;
 * or, -ECONNREFUSED, nobody does. -ECANCELED: `stop` said so; the successor is
 * let be, for it may have taken over already.
 */
int plane_process_succeed(struct plane_process *p, const struct dpclient *now,
			  bool (*stop)(void *arg), void *arg,
			  struct dpclient *ret, struct err *reterr);
