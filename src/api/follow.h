/*
 * What streams say, from the agent: its events and flows are followed, its map,
 * top and status asked for now and then, each only while somebody reads.
 */
#pragma once

#include <stdint.h>

#include "api/stream.h"

struct follow;

/* agent: the socket's path, borrowed. NULL and *reterr. */
struct follow *follow_start(struct streams *s, const char *agent,
			    struct err *reterr);
/* Its threads end; counts stay, for who asks yet. NULL is accepted, as below. */
void follow_stop(struct follow *f);
void follow_free(struct follow *f);

enum event_kind {
	EVENT_VIOLATION,
	EVENT_THREAT,
	EVENT_SIGNATURE,
	EVENT_DLP,
	EVENT_WAF,
	EVENT_STATE,
	EVENT_CHANGE,
	EVENT_KIND__MAX
};

const char *event_kind_name(enum event_kind k);
/* How many were told so far. */
uint64_t follow_events(struct follow *f, enum event_kind k);
