/*
 * What all nodes of the fleet learned. Each tells what it proposes, when that has
 * changed (fleet/fleet.h: FLEET_LEARNED). An editor's node reads what all told when
 * somebody wants to know, and puts it together (intent/gather.h); any other, and one
 * that is cut off, knows its own.
 *
 *   {"form": 1, "proposals": [{"rule":, "provenance":}...], "untold": n}
 *   {"form": 1, "rejected": {KEY: at}}    as rejected.h has it
 */
#pragma once

#include "agent/agent.h"

/* Of whom a list is. */
struct learned_of {
	const char *alone; /* of this node only, and why; NULL: of all */
	const json_t *own; /* what this node proposes */
	uint64_t serial;   /* another list has another; 0: alone */
	size_t nodes;	   /* that have told, this one too */
	uint64_t dropped, refused, untold; /* intent_gather_sums */
	size_t left;			   /* more than LEARNED_SHOWN_MAX */
};

/* list: borrowed, as that of proposals.h; NULL: err tells why. */
typedef void learned_fn(struct agent *a, const json_t *list,
			const struct learned_of *of, const struct err *err,
			void *arg);
/*
 * What is proposed in the fleet of what was seen since then (0: of PROPOSALS_DAYS);
 * calls fn later, by the main loop, in any case if this returns 0. -EAGAIN, -ENOMEM.
 */
int member_learned(struct agent *a, uint64_t since_s, learned_fn *fn, void *arg,
		   struct err *reterr);
/* What was turned down here is another: the other editors are told. */
void member_rejected(struct agent *a);
/* Before aside_stop(): who waits is told that it is over. */
void member_learned_end(struct agent *a);

/*
 * Those of a list that may be accepted without a person: what this node proposes, and
 * of others what is only about groups that are all in discover, as is who runs in
 * them. A new array; NULL: out of memory.
 */
json_t *learned_safe(struct agent *a, const json_t *list, const json_t *own);
