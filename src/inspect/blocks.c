/*
 * Like grace.c a set-associative table: a block costs one hash and at most WAYS
 * comparisons, whatever floods in.
 */
#include "inspect/blocks.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "wire/reason.h"
#include "wire/words.h"

#define WAYS 8

IMAGE_PART(saved_blocks, "all", struct blocks, 1);

static bool same_block(const struct block_record *a,
		       const struct block_record *b)
{
	return mac_equal(a->ep_mac, b->ep_mac) && a->ingress == b->ingress &&
	       ip_equal(a->from, b->from) && ip_equal(a->to, b->to) &&
	       a->to_port == b->to_port && a->proto == b->proto &&
	       a->reason == b->reason && a->action == b->action &&
	       a->rule_id == b->rule_id && a->threat == b->threat;
}

void blocks_note(struct blocks *b, uint16_t endpoint,
		 const struct block_record *r, uint64_t count, usec_t now)
{
	struct {
		struct ip_addr from, to;
		uint32_t rule_id;
		uint16_t to_port, endpoint;
	} key = { r->from, r->to, r->rule_id, r->to_port, endpoint };
	uint64_t hash = XXH3_64bits_withSeed(&key, sizeof key, b->seed);
	size_t first = hash % (BLOCKS_MAX / WAYS) * WAYS, take = first;

	for (size_t i = first; i < first + WAYS; i++) {
		struct block_record *e = &b->record[i];

		if (e->count && same_block(e, r)) {
			e->count += count;
			e->last_us = now.us;
			e->policy_version = r->policy_version;
			return;
		}
		if (!e->count || (b->record[take].count &&
				  e->last_us < b->record[take].last_us))
			take = i;
	}
	if (b->record[take].count)
		b->evicted++;
	else
		b->in_use++;
	b->record[take] = *r;
	b->record[take].count = count;
	b->record[take].first_us = now.us;
	b->record[take].last_us = now.us;
	b->endpoint[take] = endpoint;
}

static int newest_first(const void *a, const void *b)
{
	const struct block_record *x = a, *y = b;

	return x->last_us < y->last_us ? 1 : x->last_us > y->last_us ? -1 : 0;
}

size_t blocks_copy(const struct blocks *b,
		   struct block_record ret[static BLOCKS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < BLOCKS_MAX; i++)
		if (b->record[i].count)
			ret[n++] = b->record[i];
	qsort(ret, n, sizeof *ret, newest_first);
	return n;
}

void blocks_forget_endpoint(struct blocks *b, uint16_t endpoint)
{
	for (size_t i = 0; i < BLOCKS_MAX; i++) {
		if (!b->record[i].count || b->endpoint[i] != endpoint)
			continue;
		memset(&b->record[i], 0, sizeof b->record[i]);
		b->in_use--;
	}
}

void blocks_save(const struct blocks *b, struct image_writer *w)
{
	image_put(w, "blocks", &saved_blocks, b, 1);
}

bool blocks_load(struct blocks *b, const struct image_reader *r)
{
	uint64_t seed = b->seed;
	bool sound = image_take(r, "blocks", &saved_blocks, b, 1);

	b->in_use = 0;
	for (size_t i = 0; sound && i < BLOCKS_MAX; i++) {
		const struct block_record *e = &b->record[i];

		sound = image_is_bool(&e->ingress) && e->reason < REASON__MAX;
		b->in_use += e->count > 0;
	}
	if (!sound) {
		memset(b, 0, sizeof *b);
		b->seed = seed;
	}
	return sound;
}
