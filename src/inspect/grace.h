/*
 * Reference 5.5: an implicit denial about an address whose policy may still be
 * under way is put off.
 *
 *   window 0        60 s   retry 1   60 s         retries used up
 *   |--- open ------|------ open ----|-- ... -----|  denied
 *
 * While a window runs the pair stays open; the first hit behind it uses one
 * retry and starts the next; when none is left the denial holds. A new policy
 * version starts over; 600 s without a hit forgets the pair. Pairs are (client,
 * server), an external peer counting as one address.
 *
 * Bounded: GRACE_PAIRS_MAX; where a new one finds no place, the least recently
 * hit of those it could replace gives way (counted, unless it was forgotten
 * anyway) and its pair starts over. One thread; no allocation after grace_new().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/image.h"

struct grace;

struct grace *grace_new(uint64_t seed);
void grace_free(struct grace *g);

/* Is the denial put off? Uses up grace. retries: judgement.grace_retries. */
bool grace_applies(struct grace *g, struct ip_addr client,
		   struct ip_addr server, uint32_t policy_version,
		   unsigned retries, usec_t now);

uint64_t grace_evicted(const struct grace *g);
uint32_t grace_in_use(const struct grace *g);

/* All pairs, for another process. */
void grace_save(const struct grace *g, struct image_writer *w);
/*
 * Whose policy version `is` says what `was` has said here; another one has come
 * since to the pairs that were not hit under it. false: they are not there, or
 * cannot be these; *g is as it was.
 */
bool grace_load(struct grace *g, const struct image_reader *r, uint32_t was,
		uint32_t is);
