/*
 * What a compiled policy is made of; for policy.c, which answers from it, and
 * policy_compile.c, which makes it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/match.h"
#include "policy/policy.h"

/* One index for each direction, family, and for ICMP and the rest. */
#define POLICY_CLASSES 8

static inline unsigned policy_class(bool ingress, bool ipv6, bool icmp)
{
	return (unsigned)ingress << 2 | (unsigned)ipv6 << 1 | icmp;
}

static inline bool policy_is_icmp(uint8_t proto)
{
	return proto == 1 || proto == 58;
}

/* Rules as they were sent; shared by policies with different sets. */
struct policy_source {
	unsigned refs;
	struct policy_spec spec; /* owns its rules; sets is NULL */
};

/* What a rule says that depends on nothing else; 8 bytes, for the cache. */
struct policy_word {
	uint32_t id;
	uint8_t action;
	bool reject;
	bool depends; /* on the application or virtual host: ask the rule */
};

struct policy {
	unsigned refs; /* control thread only */
	struct policy_source *source;
	struct policy_word *words;	       /* one a rule */
	struct match *classes[POLICY_CLASSES]; /* NULL: no rule speaks of it */
	/* Sorted, each once; they point into the source. Number i is [i - 1]. */
	const char **names;
	uint16_t n_names;
	struct ip_addr *owns; /* sorted, each once */
	size_t n_owns;
	struct policy_name_addr *name_addrs;
	size_t n_name_addrs;
};
