/*
 * Memory that is freed all at once, and a table that finds by hash; what an
 * intent is made of.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	size_t used, room; /* of the first */
};

/* All 0, fit for anything; NULL: out of memory. */
void *arena_alloc(struct arena *a, size_t size);
/* A copy with NUL. */
char *arena_text(struct arena *a, const char *text, size_t len);
void arena_done(struct arena *a);

/*
 * Numbers 0.. of somebody's array by hash; the owner compares the keys:
 *
 *	for (slot = hash; hash_table_next(t, &slot, &i);)
 *		if (is_it(&array[i]))
 *			...
 */
struct hash_table {
	uint32_t *slots; /* number + 1; 0: free */
	size_t mask, n;	 /* slots - 1 */
};

uint64_t hash_of_bytes(const void *bytes, size_t len);
bool hash_table_next(const struct hash_table *t, uint64_t *slot, uint32_t *ret);
/*
 * Numbers are put in the order 0, 1, ...; hash_of(arg, i) tells the hash of
 * those that are in, for growing. false: out of memory.
 */
bool hash_table_put(struct hash_table *t, uint64_t hash,
		    uint64_t (*hash_of)(const void *arg, uint32_t i),
		    const void *arg);
void hash_table_done(struct hash_table *t);
