/*
 * Named sets of addresses, for "set:NAME" in rules. Immutable; made, read and
 * freed by the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "wire/ctrl.h"

struct addr_range {
	struct ip_addr first, last; /* of one family */
};

struct addr_set {
	char *name;
	struct addr_range *ranges; /* sorted, apart from each other */
	size_t n_ranges;
};

struct addr_sets;

/*
 * Copies what it needs; n is at most ADDR_SETS_MAX, and no name comes twice.
 * NULL: out of memory.
 */
struct addr_sets *addr_sets_new(const struct addr_set_spec *specs, size_t n);
/* NULL is accepted. */
void addr_sets_free(struct addr_sets *s);

/* Borrowed; NULL: no such set, or s is NULL. */
const struct addr_set *addr_sets_find(const struct addr_sets *s,
				      const char *name);
/* The i-th in the order of names; NULL behind the last, or s is NULL. */
const struct addr_set *addr_sets_at(const struct addr_sets *s, size_t i);
/* Do both hold the same? NULL holds nothing, and is no empty set. */
bool addr_set_same(const struct addr_set *a, const struct addr_set *b);
