/*
 * Whose addresses are: those of workloads, sorted. Of workloads that stay while the
 * policy changes, as those of other hosts do, it is listed once (intent_known_new()).
 */
#pragma once

#include "intent/intent.h"
#include "intent/ranges.h"

/* An address of a workload. */
struct owner {
	struct ip_addr addr;
	uint32_t workload;
};

struct owners {
	struct owner *v; /* sorted by address; owned */
	size_t n;
};

struct intent_known {
	size_t n; /* workloads */
	struct owners owners;
	struct ranges addrs; /* theirs; tidy */
};

/* Of world's workloads from that one on; false: out of memory. */
bool owners_list(struct owners *ret, const struct intent_world *world,
		 size_t from);
void owners_done(struct owners *o);
/* The first whose address is not below that one; o->n: none is. */
size_t owners_from(const struct owners *o, struct ip_addr addr);
/* Adds their addresses. false: out of memory. */
bool owners_addrs(const struct owners *o, struct ranges *to);
