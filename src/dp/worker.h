/*
 * A worker: one thread that carries frames from its ring through inspect and
 * back, and does nothing else.
 *
 * The control thread talks to it by mailbox: worker_ask() runs a function in
 * the worker between two batches and returns when it has run. So whatever the
 * worker owns (ring, inspect, counters) has one user at a time and needs no
 * lock, and what is published to it (a snapshot) is given back the same way.
 * A question must be short: frames wait while it runs.
 *
 * All functions: control thread only.
 */
#pragma once

#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"
#include "inspect/inspect.h"
#include "ring/ring.h"

struct worker;

/* What a question may use, in the worker's thread. */
struct worker_view {
	struct inspect *inspect;
	struct ring *ring; /* NULL: none; may be replaced by the question */
	usec_t now;
};

/*
 * Starts the thread; it takes `in`. lost_fd (borrowed) is an eventfd that the
 * worker writes when its ring's interface has gone. NULL and *reterr on
 * failure; `in` is then freed.
 */
struct worker *worker_start(struct inspect *in, int lost_fd,
			    struct err *reterr);
/* Ends the thread, frees ring and inspect. NULL is accepted. */
void worker_stop(struct worker *w);

/* Runs fn(view, arg) in the worker between two batches; waits for it. */
void worker_ask(struct worker *w, void (*fn)(struct worker_view *, void *),
		void *arg);
