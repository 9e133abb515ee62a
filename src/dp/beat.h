/*
 * What the kernel's programs of the in-place layout have to know of the data
 * plane (bpf/inplace.h, inplace_dp), in a map that both sides see: a sign of
 * life - when it is stale they do what the workload's failure policy says - and
 * which generation of verdicts holds.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

/* The map's one value, struct inplace_dp. */
struct beat {
	_Atomic uint64_t at_ns; /* CLOCK_MONOTONIC; 0: nobody is there */
	_Atomic uint64_t generation;
};

/* How often it is to be renewed, a third of what the kernel waits for. */
#define BEAT_MS 30

/*
 * Runs in the opener: one of the maps that are pinned for its network namespace,
 * "dp", "flows" or "seen". Returns a descriptor; -ENOENT: nothing is diverted in
 * place here; -EINVAL: it is none of these.
 */
int beat_open(const char *name, struct err *reterr);
/* Maps it and closes fd. NULL and *reterr. */
struct beat *beat_map(int fd, struct err *reterr);
/* Tells that nobody is there any more. NULL is accepted. */
void beat_unmap(struct beat *b);

/*
 * All that was decided so far holds no longer, in the kernel's eyes. Returns the
 * new generation, which none before us has used either. Control thread.
 */
uint64_t beat_outdate(struct beat *b);

static inline void beat_now(struct beat *b, usec_t now)
{
	atomic_store_explicit(&b->at_ns, now.us * 1000, memory_order_relaxed);
}
