/*
 * A worker: one thread that carries frames from its ports through inspect and
 * on, and does nothing else.
 *
 * The control thread talks to it by mailbox: worker_ask() runs a function in
 * the worker between two batches and returns when it has run. So whatever the
 * worker owns (ports, inspect, counters) has one user at a time and needs no
 * lock, and what is published to it (a snapshot) is given back the same way.
 * A question must be short: frames wait while it runs.
 *
 * All functions: control thread only, but for worker_view_*(), which are for
 * questions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "dp/beat.h"
#include "dp/heartbeat.h"
#include "dp/pulse.h"
#include "inspect/inspect.h"
#include "ring/ring.h"
#include "wire/capture.h"

struct worker;

#define WORKER_PORT_NONE UINT16_MAX

/* Where frames come from, and where they go on. */
struct worker_port {
	struct ring *ring; /* NULL: free, or lost */
	struct frame_port from;
	uint16_t other; /* where its frames go on: itself, or a pair's */
	bool lost;	/* its interface went away */
	/* Of rings that were lost, since the port was made. */
	struct ring_counts gone;
};

/* What a question may use, in the worker's thread. */
struct worker_view {
	struct inspect *inspect;
	struct worker_port *ports; /* WORKER_PORTS_MAX */
	unsigned n_ports;	   /* with a ring */
	int epoll_fd;
	/* CAPTURES_MAX, as the bits of an endpoint; NULL: none, or not here */
	struct capture_writer **captures;
	struct beat *beat; /* for the kernel; NULL: it does not look */
	usec_t now;
};

/*
 * Puts a ring on a port that has none and takes it from one (NULL: there was
 * none); the caller frees it. -ENOSPC when the kernel refuses.
 */
int worker_view_attach(struct worker_view *view, uint16_t port,
		       struct ring *ring);
struct ring *worker_view_detach(struct worker_view *view, uint16_t port);

/* All borrowed, until worker_stop(). */
struct worker_options {
	int lost_fd; /* an eventfd, written when a port's interface has gone */
	struct pulse *pulse; /* of all workers */
	unsigned number;     /* this one's place there */
	/* Counted up about once a second while all are alive; NULL: not here. */
	struct heartbeat *heartbeat;
};

/* Starts the thread; it takes `in`, also where it fails: NULL and *reterr. */
struct worker *worker_start(struct inspect *in,
			    const struct worker_options *opt,
			    struct err *reterr);
/* Ends the thread, frees rings and inspect. NULL is accepted. */
void worker_stop(struct worker *w);

/* Runs fn(view, arg) in the worker between two batches; waits for it. */
void worker_ask(struct worker *w, void (*fn)(struct worker_view *, void *),
		void *arg);
