/*
 * The sign of life of several workers together: they are as alive as the one
 * that was seen alive longest ago. Where one hangs its workloads are cut off, so
 * whoever watches - the kernel, by the failure policy; a supervisor; the opener
 * (dp/watchdog.h) - must see that as if all did.
 *
 * Each worker writes its own place, any thread reads; no lock, nothing waits. It
 * lies in memory that the opener shares, who believes nothing that stands there.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/limits.h"

struct pulse {
	_Atomic uint32_t n; /* 1..WORKERS_MAX; 0: none has begun */
	struct pulse_of {
		/* a cache line each: all are written with every turn */
		_Alignas(64) _Atomic uint64_t at_us;
		/* Both MACs of the frame it is at, as they stand there; or, if
		 * it is at none, was. */
		_Atomic uint64_t frame[2];
		_Atomic bool at_frame;
		_Atomic int32_t tid; /* its thread */
	} of[WORKERS_MAX];
};

/* Before the first of n beats. */
static inline void pulse_begin(struct pulse *p, unsigned n)
{
	atomic_store_explicit(&p->n, n, memory_order_relaxed);
}

/* Worker i is alive now. Its thread. */
static inline void pulse_beat(struct pulse *p, unsigned i, usec_t now)
{
	atomic_store_explicit(&p->of[i].at_us, now.us, memory_order_relaxed);
}

/* Since when not all have been; 0: one has not begun yet. */
static inline usec_t pulse_oldest(const struct pulse *p)
{
	uint32_t n = atomic_load_explicit(&p->n, memory_order_relaxed);
	usec_t oldest = { n ? UINT64_MAX : 0 };

	for (unsigned i = 0; i < n && i < WORKERS_MAX; i++) {
		uint64_t at = atomic_load_explicit(&p->of[i].at_us,
						   memory_order_relaxed);

		if (at < oldest.us)
			oldest.us = at;
	}
	return oldest;
}
