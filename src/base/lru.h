/*
 * Places 1..limit of somebody's array, found by hash and kept in lists by
 * age: what a bounded table with eviction needs besides its entries.
 *
 * A place is free or in exactly one of LRU_LISTS_MAX lists; what a list means
 * is its owner's business. The owner keeps the entries, with their keys, in an
 * array of limit + 1 and compares the keys; 0 means "none" everywhere.
 *
 *	for (i = lru_find(l, hash); i && !is_it(&entry[i]); i = lru_same(l, i))
 *		;
 *
 * All is O(1) but for the length of a bucket. One thread; no allocation after
 * lru_init().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/image.h"

#define LRU_LISTS_MAX 3

struct lru_link {
	uint32_t hash, next_in_bucket;
	uint32_t older, newer;
	uint8_t list; /* LRU_LISTS_MAX: free */
};

struct lru_list {
	uint32_t oldest, newest, n;
};

struct lru {
	struct lru_link *links; /* limit + 1; [0] is unused */
	uint32_t *buckets;	/* a power of two, at least limit */
	uint32_t bucket_mask;
	uint32_t limit;
	uint32_t used_ever; /* places behind it were never taken */
	uint32_t free;	    /* top of the stack of released ones */
	uint32_t in_use;
	struct lru_list lists[LRU_LISTS_MAX];
};

/* limit: 1..2^24. 0 or -ENOMEM; *l is then fit for lru_done(). */
int lru_init(struct lru *l, uint32_t limit);
void lru_done(struct lru *l);

/* The first place taken with that hash, and the next one after place i. */
uint32_t lru_find(const struct lru *l, uint32_t hash);
uint32_t lru_same(const struct lru *l, uint32_t i);

/* A free place, now the newest of the list; 0: all are taken. */
uint32_t lru_take(struct lru *l, uint32_t hash, unsigned list);
/* Makes a taken place the newest of a list, its own or another. */
void lru_move(struct lru *l, uint32_t i, unsigned list);
/* Makes a taken place free. */
void lru_release(struct lru *l, uint32_t i);

/* 0: the list is empty, or i is the newest. */
uint32_t lru_oldest(const struct lru *l, unsigned list);
uint32_t lru_newer(const struct lru *l, uint32_t i);
uint32_t lru_count(const struct lru *l, unsigned list);

/*
 * The next taken place behind *cursor (0 at first), which moves there; 0 at
 * the end. Places may come and go between two calls.
 */
uint32_t lru_walk(const struct lru *l, uint32_t *cursor);

/* Which places are taken, in their order. The entries are their owner's to save. */
void lru_save(const struct lru *l, const char *of, struct image_writer *w);
/*
 * Of one in which no place is taken: the same places are. false: they are not
 * there, or cannot be these; *l is as it was. All taken ones are at most
 * l->used_ever then.
 */
bool lru_load(struct lru *l, const char *of, const struct image_reader *r);
