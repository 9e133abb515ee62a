/*
 * The kernel's half of the verdict cache (bpf/inplace.h: inplace_flows and
 * inplace_seen), for the workers' halves (inspect/cache.h).
 *
 * Writing entries takes the descriptor of the map, no capability - since Linux
 * 5.19; before, the kernel refuses, which is told by the counter "failed".
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "inspect/cache.h"

struct cache_maps;

/*
 * Takes both descriptors. What a data plane before us has left in the map is
 * removed. NULL and *reterr. Control thread.
 */
struct cache_maps *cache_maps_new(int flows_fd, int seen_fd,
				  struct err *reterr);
/* No worker uses it any more. NULL is accepted. */
void cache_maps_free(struct cache_maps *m);

/* The hooks of a worker's half; m lives longer. They share nothing. */
struct cache_kernel cache_maps_hooks(struct cache_maps *m);
