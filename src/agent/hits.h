/*
 * How often each rule decided, and when last: counted from what the data plane
 * tells, kept over restarts.
 */
#pragma once

#include "agent/agent.h"

int hits_start(struct agent *a, struct err *reterr);
void hits_stop(struct agent *a);

void hits_count(struct agent *a, const struct store_flow *f);
/* "hits" and "last_hit" into each rule of an array of them. */
void hits_add(const struct agent *a, json_t *rules);
