#include "policy/sets.h"

#include <stdlib.h>
#include <string.h>

struct addr_sets {
	size_t n;
	struct addr_set sets[]; /* by name */
};

static int range_order(const void *a, const void *b)
{
	const struct addr_range *x = a, *y = b;
	int family = ip_is_v4(x->first) - ip_is_v4(y->first);

	/* Families apart: ranges of IPv6 may reach over where IPv4 is mapped */
	return family ? family : ip_compare(x->first, y->first);
}

static bool touches(const struct addr_range *r, const struct addr_range *next)
{
	struct ip_addr behind = r->last;

	if (ip_is_v4(r->first) != ip_is_v4(next->first))
		return false;
	if (ip_compare(next->first, r->last) <= 0)
		return true;
	for (int i = 15; i >= 0 && ++behind.b[i] == 0; i--)
		;
	return ip_equal(behind, next->first);
}

/* Sorts, and joins what overlaps or touches; returns how many are left. */
static size_t tidy(struct addr_range *r, size_t n)
{
	size_t out = 0;

	qsort(r, n, sizeof *r, range_order);
	for (size_t i = 1; i < n; i++) {
		if (!touches(&r[out], &r[i]))
			r[++out] = r[i];
		else if (ip_compare(r[i].last, r[out].last) > 0)
			r[out].last = r[i].last;
	}
	return n ? out + 1 : 0;
}

static bool fill(struct addr_set *s, const struct addr_set_spec *spec)
{
	size_t n = spec->n_ranges;

	s->name = strdup(spec->name);
	s->ranges = calloc(n ? n : 1, sizeof *s->ranges);
	if (!s->name || !s->ranges)
		return false;
	for (size_t i = 0; i < n; i++)
		s->ranges[i] = (struct addr_range){ spec->ranges[i].first,
						    spec->ranges[i].last };
	s->n_ranges = tidy(s->ranges, n);
	return true;
}

static int name_order(const void *a, const void *b)
{
	const struct addr_set *x = a, *y = b;

	return strcmp(x->name, y->name);
}

struct addr_sets *addr_sets_new(const struct addr_set_spec *specs, size_t n)
{
	struct addr_sets *s = calloc(1, sizeof *s + n * sizeof *s->sets);

	if (!s)
		return NULL;
	s->n = n;
	for (size_t i = 0; i < n; i++)
		if (!fill(&s->sets[i], &specs[i])) {
			addr_sets_free(s);
			return NULL;
		}
	qsort(s->sets, n, sizeof *s->sets, name_order);
	return s;
}

void addr_sets_free(struct addr_sets *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->sets[i].name);
		free(s->sets[i].ranges);
	}
	free(s);
}

static int is_named(const void *name, const void *set)
{
	return strcmp(name, ((const struct addr_set *)set)->name);
}

const struct addr_set *addr_sets_find(const struct addr_sets *s,
				      const char *name)
{
	if (!s || s->n == 0)
		return NULL;
	return bsearch(name, s->sets, s->n, sizeof *s->sets, is_named);
}

const struct addr_set *addr_sets_at(const struct addr_sets *s, size_t i)
{
	return s && i < s->n ? &s->sets[i] : NULL;
}

bool addr_set_same(const struct addr_set *a, const struct addr_set *b)
{
	if (!a || !b || a->n_ranges != b->n_ranges)
		return a == b;
	return memcmp(a->ranges, b->ranges, a->n_ranges * sizeof *a->ranges) ==
	       0;
}
