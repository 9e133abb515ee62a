#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 65536
#define ALIGN	    sizeof(max_align_t)

struct arena_chunk {
	struct arena_chunk *next;
	_Alignas(max_align_t) unsigned char bytes[];
};

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk *c;
	size_t room;
	void *p;

	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (size > a->room - a->used) {
		room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
		c = calloc(1, sizeof *c + room);
		if (!c)
			return NULL;
		c->next = a->chunks;
		a->chunks = c;
		a->used = 0;
		a->room = room;
	}
	p = a->chunks->bytes + a->used;
	a->used += size;
	return p;
}

char *arena_text(struct arena *a, const char *text, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

void arena_done(struct arena *a)
{
	struct arena_chunk *next;

	for (struct arena_chunk *c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	*a = (struct arena){ 0 };
}

/* FNV-1a, 64 bits. */
uint64_t hash_of_bytes(const void *bytes, size_t len)
{
	const unsigned char *b = bytes;
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

bool hash_table_next(const struct hash_table *t, uint64_t *slot, uint32_t *ret)
{
	uint32_t number = t->slots ? t->slots[*slot & t->mask] : 0;

	if (number == 0)
		return false;
	++*slot;
	*ret = number - 1;
	return true;
}

static void put(struct hash_table *t, uint64_t hash, uint32_t number)
{
	while (t->slots[hash & t->mask] != 0)
		hash++;
	t->slots[hash & t->mask] = number + 1;
}

bool hash_table_put(struct hash_table *t, uint64_t hash,
		    uint64_t (*hash_of)(const void *arg, uint32_t i),
		    const void *arg)
{
	/* at most half full, so that a search soon meets a free slot */
	if (!t->slots || 2 * (t->n + 1) > t->mask + 1) {
		size_t slots = t->slots ? 2 * (t->mask + 1) : 64;
		uint32_t *grown = calloc(slots, sizeof *grown);

		if (!grown)
			return false;
		free(t->slots);
		t->slots = grown;
		t->mask = slots - 1;
		for (uint32_t i = 0; i < t->n; i++)
			put(t, hash_of(arg, i), i);
	}
	put(t, hash, (uint32_t)t->n++);
	return true;
}

void hash_table_done(struct hash_table *t)
{
	free(t->slots);
	*t = (struct hash_table){ 0 };
}
