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
/* What became of a part of Weir itself. */
void record_state(struct agent *a, const char *part, const char *severity,
		  const char *text);
/* What somebody did. who: "root", a uid; may be NULL. */
void record_change(struct agent *a, const char *what, const char *who);
/* It is described anew. */
void record_workload(struct agent *a, struct workload *w);

/* For `weir status`. */
json_t *record_stats(const struct agent *a);

/* Number of the last event that is in the store. */
uint64_t record_last_event(const struct agent *a);

/* A flow of the store as the doors tell it. */
json_t *record_flow_json(const struct store_flow *f, const json_t *client,
			 const json_t *server);
