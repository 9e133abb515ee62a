/*
 * Theory. Links lie in an array of their own beside the owner's entries, so
 * the same code serves all of them. A free place is on a stack through
 * next_in_bucket, last released on top; places never taken are given out in
 * order, so that memory is touched only when it is used.
 *
 *   buckets[hash] -> place -> place -> 0           by next_in_bucket
 *   lists[n].oldest <-> ... <-> lists[n].newest    by older/newer
 *
 * Invariants. A taken place is in exactly one bucket and one list. in_use is
 * the sum of the lists' n.
 */
#include "base/lru.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

#define LIMIT_MAX (1u << 24)
#define LIST_FREE LRU_LISTS_MAX

struct lru_saved {
	uint32_t place, hash, list;
};
IMAGE_PART(saved_places, "lru", struct lru_saved, 1);

int lru_init(struct lru *l, uint32_t limit)
{
	uint32_t buckets = 1;

	BUG_ON(limit == 0 || limit > LIMIT_MAX);
	while (buckets < limit)
		buckets *= 2;
	memset(l, 0, sizeof *l);
	l->limit = limit;
	l->bucket_mask = buckets - 1;
	l->links = calloc((size_t)limit + 1, sizeof *l->links);
	l->buckets = calloc(buckets, sizeof *l->buckets);
	if (l->links && l->buckets)
		return 0;
	lru_done(l);
	return -ENOMEM;
}

void lru_done(struct lru *l)
{
	free(l->links);
	free(l->buckets);
	memset(l, 0, sizeof *l);
}

/* The first of a chain, from i on, with that hash. */
static uint32_t with_hash(const struct lru *l, uint32_t i, uint32_t hash)
{
	while (i && l->links[i].hash != hash)
		i = l->links[i].next_in_bucket;
	return i;
}

uint32_t lru_find(const struct lru *l, uint32_t hash)
{
	return with_hash(l, l->buckets[hash & l->bucket_mask], hash);
}

uint32_t lru_same(const struct lru *l, uint32_t i)
{
	return with_hash(l, l->links[i].next_in_bucket, l->links[i].hash);
}

static void append(struct lru *l, uint32_t i, unsigned list)
{
	struct lru_link *k = &l->links[i];
	struct lru_list *a = &l->lists[list];

	k->list = (uint8_t)list;
	k->older = a->newest;
	k->newer = 0;
	if (a->newest)
		l->links[a->newest].newer = i;
	else
		a->oldest = i;
	a->newest = i;
	a->n++;
}

static void detach(struct lru *l, uint32_t i)
{
	const struct lru_link *k = &l->links[i];
	struct lru_list *a = &l->lists[k->list];

	if (k->older)
		l->links[k->older].newer = k->newer;
	else
		a->oldest = k->newer;
	if (k->newer)
		l->links[k->newer].older = k->older;
	else
		a->newest = k->older;
	a->n--;
}

uint32_t lru_take(struct lru *l, uint32_t hash, unsigned list)
{
	uint32_t *bucket = &l->buckets[hash & l->bucket_mask];
	uint32_t i = l->free;

	if (i)
		l->free = l->links[i].next_in_bucket;
	else if (l->used_ever < l->limit)
		i = ++l->used_ever;
	else
		return 0;
	l->links[i].hash = hash;
	l->links[i].next_in_bucket = *bucket;
	*bucket = i;
	append(l, i, list);
	l->in_use++;
	return i;
}

void lru_move(struct lru *l, uint32_t i, unsigned list)
{
	detach(l, i);
	append(l, i, list);
}

void lru_release(struct lru *l, uint32_t i)
{
	struct lru_link *k = &l->links[i];
	uint32_t *link = &l->buckets[k->hash & l->bucket_mask];

	BUG_ON(k->list == LIST_FREE);
	while (*link != i)
		link = &l->links[*link].next_in_bucket;
	*link = k->next_in_bucket;
	detach(l, i);
	k->list = LIST_FREE;
	k->next_in_bucket = l->free;
	l->free = i;
	l->in_use--;
}

uint32_t lru_oldest(const struct lru *l, unsigned list)
{
	return l->lists[list].oldest;
}

uint32_t lru_newer(const struct lru *l, uint32_t i)
{
	return l->links[i].newer;
}

uint32_t lru_count(const struct lru *l, unsigned list)
{
	return l->lists[list].n;
}

uint32_t lru_walk(const struct lru *l, uint32_t *cursor)
{
	while (*cursor < l->used_ever) {
		uint32_t i = ++*cursor;

		if (l->links[i].list != LIST_FREE)
			return i;
	}
	return 0;
}

void lru_save(const struct lru *l, const char *of, struct image_writer *w)
{
	struct lru_saved *s = image_room(w, of, &saved_places, l->in_use);

	for (uint32_t list = 0; s && list < LRU_LISTS_MAX; list++)
		for (uint32_t i = l->lists[list].oldest; i;
		     i = l->links[i].newer)
			*s++ = (struct lru_saved){ i, l->links[i].hash, list };
}

/* false: that place is none, or taken. */
static bool take_place(struct lru *l, const struct lru_saved *s)
{
	uint32_t *bucket = &l->buckets[s->hash & l->bucket_mask];
	struct lru_link *k;

	if (s->place == 0 || s->place > l->limit || s->list >= LRU_LISTS_MAX)
		return false;
	for (; l->used_ever < s->place; l->used_ever++)
		l->links[l->used_ever + 1].list = LIST_FREE;
	k = &l->links[s->place];
	if (k->list != LIST_FREE)
		return false;
	k->hash = s->hash;
	k->next_in_bucket = *bucket;
	*bucket = s->place;
	append(l, s->place, s->list);
	l->in_use++;
	return true;
}

static void stack_free(struct lru *l)
{
	l->free = 0;
	for (uint32_t i = l->used_ever; i > 0; i--)
		if (l->links[i].list == LIST_FREE) {
			l->links[i].next_in_bucket = l->free;
			l->free = i;
		}
}

/* As if none had ever been taken. */
static void forget_all(struct lru *l)
{
	memset(l->buckets, 0,
	       ((size_t)l->bucket_mask + 1) * sizeof *l->buckets);
	memset(l->lists, 0, sizeof l->lists);
	l->used_ever = l->free = l->in_use = 0;
}

bool lru_load(struct lru *l, const char *of, const struct image_reader *r)
{
	uint64_t n;
	const struct lru_saved *s = image_get(r, of, &saved_places, &n);

	BUG_ON(l->in_use > 0);
	if (!s || n > l->limit)
		return false;
	forget_all(l);
	for (uint64_t i = 0; i < n; i++) {
		struct lru_saved one = s[i];

		if (!take_place(l, &one)) {
			forget_all(l);
			return false;
		}
	}
	stack_free(l);
	return true;
}
