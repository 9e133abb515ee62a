/*
 * What was seen, kept: connections as flows of the store, violations and
 * threats as events, and how workloads were described meanwhile. Also tells
 * those who follow (`weir flows --follow`).
 *
 * What cannot be recorded (a full disk) is counted and lost; nothing else of
 * the agent waits for it.
 */
#pragma once

#include "agent/agent.h"

/* What waits, into the store now: before it is asked. */
void record_flush(struct agent *a);
int record_start(struct agent *a, struct err *reterr);
void record_stop(struct agent *a);

/* list: as weir_connections and weir_threats tell them; borrowed. */
void record_connections(struct agent *a, const json_t *list, uint64_t missed);
void record_threats(struct agent *a, const json_t *list, uint64_t missed);
/* As weir_findings tells them, raw bytes and all. */
void record_findings(struct agent *a, const json_t *list, uint64_t missed);
/* What became of a part of Weir itself; w: whom it is about; NULL: nobody. */
void record_state_of(struct agent *a, const struct workload *w,
		     const char *part, const char *severity, const char *text);
static inline void record_state(struct agent *a, const char *part,
				const char *severity, const char *text)
{
	record_state_of(a, NULL, part, severity, text);
}
/* What Weir did by itself. */
void record_change(struct agent *a, const char *what);
/* What somebody did: who asked at the door, and for whom; NULL: Weir by itself. */
struct door_client;
void record_change_by(struct agent *a, const char *what,
		      const struct door_client *c);
/* An event made elsewhere; taken. */
void record_event(struct agent *a, json_t *event);
/* It is described anew. */
void record_workload(struct agent *a, struct workload *w);

/* For `weir status`. */
json_t *record_stats(const struct agent *a);

/* Number of the last event that is in the store. */
uint64_t record_last_event(const struct agent *a);
