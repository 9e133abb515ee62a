/*
 * The agent's records as lines of EVE, Suricata's JSON, so that what reads those
 * reads ours; docs/export.md tells each member. What we do not know is left out,
 * and what Suricata does not have is in the object "weir".
 */
#pragma once

#include <jansson.h>

#include "export/item.h"
#include "export/who.h"

struct eve {
	const struct who *who; /* borrowed; NULL: nobody is known */
	const char *host;      /* this node's name; "" unknown */
};

/*
 * One line, with a count of one. NULL: it is none of ours (a kind that is not
 * known, members of other types), or out of memory.
 */
struct item *eve_of_event(const struct eve *e, const json_t *event);
struct item *eve_of_trail(const struct eve *e, const json_t *record);
/*
 * status: the agent's answer to `status`; top: to `top`; of now. Either may be
 * NULL; outputs (taken) is what weir-export tells of itself.
 */
struct item *eve_of_stats(const struct eve *e, const json_t *status,
			  const json_t *top, json_t *outputs, uint64_t now_us);

/* "2026-11-30T02:20:00.123456+0000", in this host's time. */
#define EVE_TIME_MAX 40
const char *eve_time(uint64_t unix_us, char buf[static EVE_TIME_MAX]);
