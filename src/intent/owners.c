#include "intent/owners.h"

#include <stdlib.h>

static int by_address(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	return ip_compare(x->addr, y->addr);
}

bool owners_list(struct owners *ret, const struct intent_world *world,
		 size_t from)
{
	size_t n = 0;

	for (size_t w = from; w < world->n; w++)
		n += world->workloads[w].n_addrs;
	*ret = (struct owners){ .v = calloc(n + 1, sizeof *ret->v) };
	if (!ret->v)
		return false;
	for (size_t w = from; w < world->n; w++)
		for (size_t k = 0; k < world->workloads[w].n_addrs; k++)
			ret->v[ret->n++] =
				(struct owner){ world->workloads[w].addrs[k],
						(uint32_t)w };
	qsort(ret->v, ret->n, sizeof *ret->v, by_address);
	return true;
}

void owners_done(struct owners *o)
{
	free(o->v);
	*o = (struct owners){ 0 };
}

size_t owners_from(const struct owners *o, struct ip_addr addr)
{
	size_t low = 0, high = o->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ip_compare(o->v[middle].addr, addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool owners_addrs(const struct owners *o, struct ranges *to)
{
	for (size_t k = 0; k < o->n; k++)
		if (!ranges_add(to, (struct addr_range){ o->v[k].addr,
							 o->v[k].addr }))
			return false;
	return true;
}

struct intent_known *intent_known_new(const struct intent_workload *workloads,
				      size_t n)
{
	const struct intent_world world = { .workloads = workloads, .n = n };
	struct intent_known *k = calloc(1, sizeof *k);

	if (!k)
		return NULL;
	k->n = n;
	if (!owners_list(&k->owners, &world, 0) ||
	    !owners_addrs(&k->owners, &k->addrs)) {
		intent_known_free(k);
		return NULL;
	}
	ranges_tidy(&k->addrs);
	return k;
}

void intent_known_free(struct intent_known *k)
{
	if (!k)
		return;
	owners_done(&k->owners);
	ranges_done(&k->addrs);
	free(k);
}
