/*
 * Work that would hold up the main loop for long, done beside it: each job has a
 * thread, and the loop is told when it is over.
 */
#pragma once

#include "agent/agent.h"

/* What a job is: touched by its thread alone between work() and done(). */
struct aside_work {
	void (*work)(void *job);
	/* By the main loop, once, also when the agent ends meanwhile. */
	void (*done)(struct agent *a, void *job);
};

/* -EAGAIN: ASIDE_MAX are under way; -ENOMEM, ...: then done() is not called. */
int aside_run(struct agent *a, const struct aside_work *w, void *job,
	      struct err *reterr);
/* Waits for those under way, and finishes them. */
void aside_stop(struct agent *a);
