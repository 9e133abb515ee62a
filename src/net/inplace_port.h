/*
 * Which device is meant: the host's side of a workload's port. For inplace.c
 * only.
 */
#pragma once

#include "base/addr.h"
#include "base/err.h"
#include "net/inplace.h"
#include "net/link.h"
#include "net/nl.h"

struct inplace_found {
	struct link_stat host;
	struct mac mac; /* the workload's; zero: not known (a tap's) */
};

/*
 * nl: in the namespace of the host's side, the caller's. -ENODEV: no such
 * device, or its other end is elsewhere; -EOPNOTSUPP: it has no host side.
 */
int inplace_find_port(struct nl *nl, const struct inplace_port *at,
		      struct inplace_found *ret, struct err *reterr);
