/*
 * The sign of life for the kernel's programs of the in-place layout
 * (bpf/inplace.h, inplace_beat): a time in a map that both sides see. When it
 * is stale they do what the workload's failure policy says.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

/* The map's one value; ns on CLOCK_MONOTONIC, 0: nobody is there. */
struct beat {
	_Atomic uint64_t at_ns;
};

/* How often it is to be renewed, a third of what the kernel waits for. */
#define BEAT_MS 30

/*
 * Runs in the opener: the map that is pinned for its network namespace. Returns
 * a descriptor; -ENOENT: nothing is diverted in place here.
 */
int beat_open(struct err *reterr);
/* Maps it and closes fd. NULL and *reterr. */
struct beat *beat_map(int fd, struct err *reterr);
/* Tells that nobody is there any more. NULL is accepted. */
void beat_unmap(struct beat *b);

static inline void beat_now(struct beat *b, usec_t now)
{
	atomic_store_explicit(&b->at_ns, now.us * 1000, memory_order_relaxed);
}
