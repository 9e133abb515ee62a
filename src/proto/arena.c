/*
 * Theory. The memory is a sequence of blocks, each with its length before it; a
 * free one is joined with the free ones behind it when it is looked at.
 */
#include "proto/arena.h"

#include <stdbool.h>
#include <string.h>

#include "base/bug.h"

#define ALIGN 16

struct block {
	size_t len; /* with this head */
	bool used;
};
_Static_assert(sizeof(struct block) == ALIGN, "what follows is aligned");

static struct block *at(struct arena *a, size_t offset)
{
	void *p = a->begin + offset;

	return p;
}

void arena_reset(struct arena *a)
{
	a->size -= a->size % ALIGN;
	*at(a, 0) = (struct block){ .len = a->size };
}

static void join_next(struct arena *a, size_t offset)
{
	struct block *b = at(a, offset);
	size_t next = offset + b->len;

	while (next < a->size && !at(a, next)->used) {
		b->len += at(a, next)->len;
		next = offset + b->len;
	}
}

void *arena_take(struct arena *a, size_t len)
{
	size_t need, offset;
	struct block *b;

	if (len > a->size)
		return NULL;
	need = sizeof *b + (len + ALIGN - 1) / ALIGN * ALIGN;
	for (offset = 0; offset < a->size; offset += at(a, offset)->len) {
		if (at(a, offset)->used)
			continue;
		join_next(a, offset);
		if (at(a, offset)->len >= need)
			break;
	}
	if (offset >= a->size)
		return NULL;
	b = at(a, offset);
	if (b->len > need)
		*at(a, offset + need) = (struct block){ .len = b->len - need };
	*b = (struct block){ .len = need, .used = true };
	return b + 1;
}

void arena_give(struct arena *a, void *p)
{
	struct block *b = p;

	if (!p)
		return;
	b--;
	BUG_ON(!b->used || (uint8_t *)b < a->begin ||
	       (uint8_t *)b >= a->begin + a->size);
	b->used = false;
}
