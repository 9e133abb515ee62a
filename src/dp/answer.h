/*
 * JSON answers of our own door: records and counters as members of `result`.
 * A member that cannot be made for lack of memory is missing. Control thread.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "dp/ask.h"
#include "dp/control.h"
#include "wire/session.h"

/* A new object as member `name`; borrowed. */
json_t *answer_group(json_t *result, const char *name);
/* That table is full in the long run, and does not lack anything then. */
void answer_keeps_newest(json_t *table);
/* {"in_use":, "limit":, "evicted":} as member `name`. */
void answer_use(json_t *result, const char *name, uint64_t in_use,
		uint64_t limit, uint64_t evicted);
void answer_uint(json_t *result, const char *name, uint64_t v);
void answer_text(json_t *result, const char *name, const char *text);

/* One flow as an object. The caller owns it. */
/* Frames that were dropped, by reason; limits that kept from inspecting. */
void answer_drops(json_t *result, struct control *ctl);
json_t *answer_session(const struct session_record *s);
/* "sessions" and "next": the cursor of the next page, null at the end. */
void answer_sessions(json_t *result, const struct flow_page *page,
		     size_t limit);
/* "blocks" */
void answer_blocks(json_t *result, struct control *ctl);
/* "port", "flows", ...: use against limit, counters by reason. */
void answer_stats(json_t *result, struct control *ctl);
/*
 * The messages that make what is configured. for_successor: with workloads in the
 * same places, without ports. The caller's.
 */
json_t *answer_messages(struct control *ctl, bool for_successor);
/* "messages": sent again, they re-create what is configured. */
void answer_config(json_t *result, struct control *ctl);
