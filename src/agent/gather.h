/*
 * A page of what all nodes of a fleet recorded, gathered from the batches of a stream
 * (member_send.c), the last first: which of their events or flows are asked for.
 *
 * A flow comes again with more in it: the last counts, so those before are left out.
 * How a page goes on behind another is a number, the cursor: of a message, and how
 * many of those that fit, from there on, were told.
 *
 * No thread of its own: who calls has it for himself.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "fleet/fleet.h"

struct gather_query {
	enum fleet_stream stream;
	uint64_t since_s, until_s; /* until_s: 0, to the end */
	uint64_t rule;		   /* 0: any */
	uint64_t before;	   /* a cursor; 0: the newest */
	unsigned limit;		   /* 1..STORE_PAGE_MAX */
	bool only_violations;
	/* NULL: any; borrowed by gather_new(). */
	const char *workload, *text, *kind, *node;
};

struct gather;

/* NULL: out of memory. */
struct gather *gather_new(const struct gather_query *q);
void gather_free(struct gather *g); /* NULL is accepted */

/* The message that is to come first; 0: the last one. */
uint64_t gather_from(const struct gather *g);
/* A message, the next before the last one. false: that is enough. */
bool gather_take(struct gather *g, const struct fleet_stored *m);
/*
 * The page, once: into result go "events" or "flows", each with its "node", by time,
 * the newest first; "more", "before"; and "fleet": what was read. next: the message
 * that would come next, 0: there is none. -ENOMEM
 */
int gather_tell(struct gather *g, uint64_t next, json_t *result);
