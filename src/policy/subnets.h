/*
 * The first of many subnets that an address lies in. Immutable.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "policy/match.h"
#include "wire/ctrl.h"

struct subnet_index {
	struct match *v4, *v6; /* owned; NULL: no subnet of that family */
};

/* false: out of memory; *ret is to be ended by subnet_index_done() then, too */
bool subnet_index_init(struct subnet_index *ret, const struct subnet *nets,
		       size_t n);
void subnet_index_done(struct subnet_index *s);

/* Its place in the list; MATCH_NONE. */
uint32_t subnet_index_find(const struct subnet_index *s, struct ip_addr a);
