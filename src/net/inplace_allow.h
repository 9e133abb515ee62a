/*
 * The peers that a workload may talk to in quarantine and on hold: the map
 * inplace_allow of bpf/inplace.h. `map` is its descriptor everywhere; `port` the
 * host-side ifindex.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "bpf/inplace.h"

struct inplace_allow {
	struct ip_net nets[INPLACE_ALLOW_EACH_MAX];
	size_t n;
};

/*
 * One more for the list. -EINVAL: neither an address nor a network. -ENOSPC: the
 * list is full. What it has already is not added twice.
 */
int inplace_allow_add(struct inplace_allow *list, const char *text,
		      struct err *reterr);
/*
 * Makes the map say of that port what the list says: adds what is new, then
 * takes away what is not in it. Peers that stay are allowed all along.
 */
int inplace_allow_put(int map, uint32_t port, const struct inplace_allow *list,
		      struct err *reterr);
/* In the map's order. */
void inplace_allow_get(int map, uint32_t port, struct inplace_allow *ret);
