/*
 * What the nodes of a fleet propose, put together: the same of several nodes is one
 * proposal, which tells of whom it is. Nothing that a node says is trusted: each is
 * read as any rule is, must be one that intent_propose() might have made, and gets its
 * key here; what is none is dropped, and counted. How often and when something was
 * seen is as the node says.
 *
 * One thread at a time.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "intent/intent.h"

struct intent_gather;

struct intent_gather *intent_gather_new(void); /* NULL: out of memory */
void intent_gather_free(struct intent_gather *g);

/*
 * The node's proposals are these, an array as intent_propose() makes it; list NULL:
 * none any more. untold: how many it has besides. -ENOMEM: what it had is forgotten.
 */
int intent_gather_take(struct intent_gather *g, const char *node,
		       const json_t *list, uint64_t untold, struct err *reterr);

struct intent_gather_sums {
	size_t nodes; /* that have told, also that they propose nothing */
	/* Proposals that are none; that there was no room for; that were not told. */
	uint64_t dropped, refused, untold;
};

struct intent_gather_sums intent_gather_sums(const struct intent_gather *g);

/*
 * All of them and `own`, what this node proposes, which counts in place of what it has
 * told: without what a rule of i that counts now, in seconds since 1970, decides. Of
 * others what was seen since then (0: all). Each as intent_propose() has it, and:
 *
 *   "id", provenance: {..., "nodes": [{"node":, "sessions":}...], "more_nodes"?}
 *
 * Own ones in any case, of the others LEARNED_SHOWN_MAX; *ret_left: how many not.
 * NULL: out of memory.
 */
json_t *intent_gather_list(struct intent_gather *g, const char *node,
			   const json_t *own, const struct intent *i,
			   uint64_t now, uint64_t since_s, size_t *ret_left);
