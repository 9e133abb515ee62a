/*
 * What the kernel knows of neighbours: which MAC is behind which port of a
 * bridge, and which address is at which MAC.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "net/nl.h"

struct neigh {
	uint32_t ifindex; /* the bridge's port; or where the address is */
	struct mac mac;
	struct ip_addr addr; /* zero: a bridge's entry */
};

/*
 * All learned entries of a family: AF_BRIDGE, AF_INET, AF_INET6. Without those
 * that are the host's own, or not known to be true (incomplete, failed). fn
 * returns 0, or what ends it and is returned.
 */
int neigh_each(struct nl *nl, uint8_t family,
	       int (*fn)(void *arg, const struct neigh *n), void *arg,
	       struct err *reterr);
