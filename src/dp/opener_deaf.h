/*
 * Interfaces whose frames the opener keeps from the own namespace's IP stack
 * (ring/deaf.h): those of pairs, until their port is deleted or weir-dp ends.
 * Opener process only.
 */
#pragma once

#include <net/if.h>
#include <stddef.h>

#include "base/err.h"
#include "base/limits.h"

struct deaf_list {
	struct deaf {
		char iface[IFNAMSIZ];
		unsigned ifindex;
	} list[WORKER_PORTS_MAX];
	size_t n;
};

/*
 * An interface of that name that was made deaf before and is another one now
 * hears again. 0; -ENODEV: no such interface; -ENOSPC; or as ring_deafen().
 */
int deaf_add(struct deaf_list *d, const char *iface, struct err *reterr);
/* One that is not in the list is no error. */
void deaf_remove(struct deaf_list *d, const char *iface);
void deaf_remove_all(struct deaf_list *d);
