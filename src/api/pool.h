/*
 * Threads that do what may take a while: ask the agent, or look at a password.
 * A job waits its turn in a queue; each thread has a connection to the agent of
 * its own, opened when it is needed, and again when the agent is another one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct asker; /* a thread's connection */

/* Part of what it is done for; at rest all 0. */
struct job {
	struct job *next;
	/* In a thread of the pool. The job is its owner's again when it begins. */
	void (*run)(struct job *j, struct asker *a);
};

struct pool;

/* agent: the socket's path, borrowed. */
struct pool *pool_new(size_t threads, const char *agent, struct err *reterr);
/*
 * Jobs that wait are run yet, and fail at once where they ask the agent; so do
 * those that wait for it. NULL is accepted.
 */
void pool_free(struct pool *p);
/* false: too many wait. Any thread. */
bool pool_submit(struct pool *p, struct job *j);

/* In a job: the thread's connection to the agent. */
struct link;
struct link *asker_link(struct asker *a);
