/*
 * The sign of life of several workers together: they are as alive as the one
 * that was seen alive longest ago. Where one hangs its workloads are cut off, so
 * whoever watches - the kernel, by the failure policy; a supervisor - must see
 * that as if all did.
 *
 * Each worker writes its own place, any thread reads; no lock, nothing waits.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/limits.h"

struct pulse {
	unsigned n; /* 1..WORKERS_MAX, set before the first beats */
	struct pulse_of {
		/* a cache line each: all are written with every turn */
		_Alignas(64) _Atomic uint64_t at_us;
	} of[WORKERS_MAX];
};

/* Worker i is alive now. Its thread. */
static inline void pulse_beat(struct pulse *p, unsigned i, usec_t now)
{
	atomic_store_explicit(&p->of[i].at_us, now.us, memory_order_relaxed);
}

/* Since when not all have been; 0: one has not begun yet. */
static inline usec_t pulse_oldest(const struct pulse *p)
{
	usec_t oldest = { UINT64_MAX };

	for (unsigned i = 0; i < p->n; i++) {
		uint64_t at = atomic_load_explicit(&p->of[i].at_us,
						   memory_order_relaxed);

		if (at < oldest.us)
			oldest.us = at;
	}
	return oldest;
}
