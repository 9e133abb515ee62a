/*
 * Interfaces whose frames the opener keeps from the own namespace's IP stack
 * (ring/deaf.h): those of pairs, until their port is deleted or weir-dp ends.
 *
 * An opener that was killed leaves them deaf. The next one to start in that
 * network namespace finds them, by what their filters say, and takes off those
 * whose owner is over. Opener process only.
 */
#pragma once

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

struct deaf_list {
	uint64_t owner; /* this process, in the filters; 0: there are none */
	int sign;	/* of its life; see opener_deaf.c */
	struct deaf {
		char iface[IFNAMSIZ];
		unsigned ifindex;
	} list[WORKER_PORTS_MAX];
	size_t n;
};

/* Takes off what openers left that are over. Told in the log. */
void deaf_sweep(void);
/*
 * An interface of that name that was made deaf before and is another one now
 * hears again. 0; -ENODEV: no such interface; -ENOSPC; or as ring_deafen().
 */
int deaf_add(struct deaf_list *d, const char *iface, struct err *reterr);
/*
 * One that a predecessor made deaf, who ends (dp/handover.h): `owner` is its, and
 * so is the sign, which is duplicated. 0; -ENODEV; -ENOSPC; -EBUSY: there are
 * some of another owner.
 */
int deaf_take(struct deaf_list *d, const char *iface, uint64_t owner, int sign,
	      struct err *reterr);
/* One that is not in the list is no error. */
void deaf_remove(struct deaf_list *d, const char *iface);
void deaf_remove_all(struct deaf_list *d);
