/*
 * A set-associative cache: the pair's hash picks a set of WAYS entries, the
 * whole pair is compared, and the stalest way gives way. That bounds memory and
 * time without lists, and an outsider who does not know the seed cannot aim at
 * a set.
 */
#include "inspect/grace.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/limits.h"

#define WAYS	  8
#define WINDOW_US (60 * USEC_PER_SEC)
#define FORGET_US (600 * USEC_PER_SEC)

struct pair {
	struct ip_addr client, server;
};

struct entry {
	struct pair pair;
	usec_t window_start, last_hit;
	uint32_t policy_version;
	uint8_t retries_used;
	bool used;
};

struct grace {
	uint64_t seed, evicted;
	struct entry entries[GRACE_PAIRS_MAX];
};
IMAGE_PART(saved_grace, "all", struct grace, 1);

/* None that a snapshot has. */
#define VERSION_GONE 0

struct grace *grace_new(uint64_t seed)
{
	struct grace *g = calloc(1, sizeof *g);

	if (g)
		g->seed = seed;
	return g;
}

void grace_free(struct grace *g)
{
	free(g);
}

/* The pair's entry, or the one it may take over. */
static struct entry *find(struct grace *g, const struct pair *pair)
{
	size_t sets = GRACE_PAIRS_MAX / WAYS;
	uint64_t hash = XXH3_64bits_withSeed(pair, sizeof *pair, g->seed);
	struct entry *set = &g->entries[hash % sets * WAYS];
	struct entry *stalest = set;

	for (int i = 0; i < WAYS; i++) {
		struct entry *e = &set[i];

		if (e->used && ip_equal(e->pair.client, pair->client) &&
		    ip_equal(e->pair.server, pair->server))
			return e;
		if (!e->used || (stalest->used &&
				 usec_before(e->last_hit, stalest->last_hit)))
			stalest = e;
	}
	return stalest;
}

bool grace_applies(struct grace *g, struct ip_addr client,
		   struct ip_addr server, uint32_t policy_version,
		   unsigned retries, usec_t now)
{
	struct pair pair = { client, server };
	struct entry *e = find(g, &pair);
	bool same = e->used && ip_equal(e->pair.client, client) &&
		    ip_equal(e->pair.server, server);

	if (!same || e->policy_version != policy_version ||
	    usec_since(now, e->last_hit) >= FORGET_US) {
		if (e->used && !same &&
		    usec_since(now, e->last_hit) < FORGET_US)
			g->evicted++;
		*e = (struct entry){ .pair = pair,
				     .window_start = now,
				     .last_hit = now,
				     .policy_version = policy_version,
				     .used = true };
		return true;
	}
	e->last_hit = now;
	if (usec_since(now, e->window_start) < WINDOW_US)
		return true;
	if (e->retries_used >= retries)
		return false;
	e->retries_used++;
	e->window_start = now;
	return true;
}

uint64_t grace_evicted(const struct grace *g)
{
	return g->evicted;
}

uint32_t grace_in_use(const struct grace *g)
{
	uint32_t n = 0;

	for (size_t i = 0; i < GRACE_PAIRS_MAX; i++)
		n += g->entries[i].used;
	return n;
}

void grace_save(const struct grace *g, struct image_writer *w)
{
	image_put(w, "grace", &saved_grace, g, 1);
}

bool grace_load(struct grace *g, const struct image_reader *r, uint32_t was,
		uint32_t is)
{
	uint64_t seed = g->seed;
	bool sound = image_take(r, "grace", &saved_grace, g, 1);

	for (size_t i = 0; sound && i < GRACE_PAIRS_MAX; i++) {
		struct entry *e = &g->entries[i];

		sound = image_is_bool(&e->used);
		e->policy_version = e->policy_version == was ? is
							     : VERSION_GONE;
	}
	if (!sound)
		*g = (struct grace){ .seed = seed };
	return sound;
}
