/*
 * The story of `weir demo`, step by step.
 */
#pragma once

#include <stddef.h>

#include "cli/demo.h"

struct demo_step {
	const char *name;  /* for JSON */
	const char *title; /* for a person */
	/*
	 * Tells, does and checks. 0 also when a check failed (the tale knows);
	 * -errno when the step could not be done, -EINTR when stopped.
	 */
	int (*run)(struct demo *d, struct err *reterr);
};

extern const struct demo_step demo_steps[];
extern const size_t demo_n_steps;

/* The last step, which --keep leaves out: back to an ordinary network. */
int demo_step_restore(struct demo *d, struct err *reterr);
