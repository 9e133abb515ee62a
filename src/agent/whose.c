/*
 * Open addressing in a table that is at most half full. A MAC as a key begins
 * with ten bytes that no address begins with.
 */
#include "agent/whose.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define SIZE_FIRST 1024 /* a power of two */

struct slot {
	struct whose_key key;
	struct workload *whose; /* NULL: free */
};

struct whose {
	struct slot *slots; /* owned */
	size_t size, n;
};

struct whose_key whose_mac(struct mac mac)
{
	struct whose_key k;

	memset(k.b, 0xee, sizeof k.b);
	memcpy(k.b + 10, mac.b, sizeof mac.b);
	return k;
}

struct whose_key whose_addr(struct ip_addr a)
{
	struct whose_key k;

	memcpy(k.b, a.b, sizeof k.b);
	return k;
}

struct whose *whose_new(void)
{
	struct whose *x = calloc(1, sizeof *x);

	if (x)
		x->slots = calloc(SIZE_FIRST, sizeof *x->slots);
	if (!x || !x->slots) {
		free(x);
		return NULL;
	}
	x->size = SIZE_FIRST;
	return x;
}

void whose_free(struct whose *x)
{
	if (!x)
		return;
	free(x->slots);
	free(x);
}

/* Where it is, or where it would be. */
static struct slot *slot_of(struct slot *slots, size_t size, struct whose_key k)
{
	size_t i = (size_t)XXH3_64bits(k.b, sizeof k.b) & (size - 1);

	while (slots[i].whose && memcmp(&slots[i].key, &k, sizeof k) != 0)
		i = (i + 1) & (size - 1);
	return &slots[i];
}

static bool grow(struct whose *x)
{
	size_t size = 2 * x->size;
	struct slot *more = calloc(size, sizeof *more);

	if (!more)
		return false;
	for (size_t i = 0; i < x->size; i++)
		if (x->slots[i].whose)
			*slot_of(more, size, x->slots[i].key) = x->slots[i];
	free(x->slots);
	x->slots = more;
	x->size = size;
	return true;
}

void whose_add(struct whose *x, struct whose_key k, struct workload *w)
{
	struct slot *s;

	if (2 * (x->n + 1) > x->size && !grow(x))
		return;
	s = slot_of(x->slots, x->size, k);
	if (s->whose)
		return;
	*s = (struct slot){ k, w };
	x->n++;
}

struct workload *whose_find(const struct whose *x, struct whose_key k)
{
	return slot_of(x->slots, x->size, k)->whose;
}
