/*
 * Sets of addresses as lists of ranges.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "policy/sets.h"

struct ranges {
	struct addr_range *v; /* owned; sorted and apart after ranges_tidy() */
	size_t n, room;
};

/* "10.0.0.5", "10.0.0.0/8", "10.0.0.5-10.0.0.9", the same of IPv6. */
bool range_parse(const char *text, struct addr_range *ret);
bool range_has(const struct addr_range *r, struct ip_addr a);

/* false: out of memory. */
bool ranges_add(struct ranges *r, struct addr_range range);
bool ranges_add_all(struct ranges *r, const struct ranges *more);
void ranges_done(struct ranges *r);
void ranges_tidy(struct ranges *r);
/* What is in `from` and not in `less`, both tidy; ret is empty before. */
bool ranges_without(const struct ranges *from, const struct ranges *less,
		    struct ranges *ret);
/* r is tidy. */
bool ranges_have(const struct ranges *r, struct ip_addr a);

/* As a word of a rule or set; a new text. */
json_t *range_word(const struct addr_range *r);
/*
 * As addresses and prefixes only, appended to an array; false: out of memory,
 * or more than max of them.
 */
bool ranges_as_prefixes(const struct ranges *r, size_t max, json_t *array);
