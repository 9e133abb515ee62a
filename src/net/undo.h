/*
 * A stack of undo steps: every change pushes what takes it back, and a failure
 * or a Ctrl-C runs them in reverse.
 *
 * Zero-initialised is empty. One thread. Steps borrow their arg until they have
 * run or the stack was committed.
 */
#pragma once

#include "base/err.h"
#include "base/limits.h"

struct undo_step {
	const char *what; /* borrowed; "move eth0 back", for messages */
	int (*fn)(void *arg, struct err *reterr);
	void *arg;
};

struct undo {
	struct undo_step step[UNDO_STEPS_MAX];
	unsigned len;
};

/*
 * Call after the change was made, or before it if fn bears its absence. More
 * than UNDO_STEPS_MAX steps is a bug of the caller and crashes.
 */
void undo_push(struct undo *u, const char *what,
	       int (*fn)(void *arg, struct err *reterr), void *arg);

/*
 * Runs all steps, last first, and empties the stack. A step that fails does
 * not keep the others from running; the first failure is returned and told in
 * *reterr, prefixed with the step's `what`.
 */
int undo_run(struct undo *u, struct err *reterr);

/* The changes stay: empties the stack without running anything. */
void undo_commit(struct undo *u);
