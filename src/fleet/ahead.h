/*
 * News of a bucket that came before what they follow: some were lost, or they began in
 * the middle. They are kept, in a ring by sequence, until that has been asked for: else
 * everything that is said meanwhile would have to be asked for, too, and where much is
 * said, as when a whole fleet starts, nobody would ever be through with asking.
 *
 * What is kept is behind `heard`, the last one that was taken, and not further than
 * FLEET_AHEAD_MAX. No locks.
 */
#pragma once

#include <nats/nats.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits_fleet.h"

struct ahead_news {
	natsMsg *m; /* owned; NULL: none */
	uint64_t seq;
	uint64_t at_us; /* when it came, since 1970 */
};

/* All zero: empty. */
struct ahead {
	struct ahead_news ring[FLEET_AHEAD_MAX];
	size_t n, bytes;
	uint64_t last; /* the highest sequence that was said, kept or not */
};

/* seq > heard. 1: takes m; 0: it is there already; -ENOSPC: there is no room. */
int ahead_keep(struct ahead *a, uint64_t heard, uint64_t seq, uint64_t at_us,
	       natsMsg *m);
/* That one, which is the caller's now; NULL: it is not kept. */
natsMsg *ahead_take(struct ahead *a, uint64_t seq, uint64_t *ret_at_us);
/* What is not behind `heard` is known. */
void ahead_pass(struct ahead *a, uint64_t heard);
/* Empties it. */
void ahead_done(struct ahead *a);
