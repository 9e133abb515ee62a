/*
 * How often each rule decided, and when last: counted from what the data plane
 * tells, kept over restarts.
 */
#pragma once

#include "agent/agent.h"

int hits_start(struct agent *a, struct err *reterr);
void hits_stop(struct agent *a);

void hits_count(struct agent *a, const struct store_flow *f);
/*
 * The same of what the server's end will tell, too, and be counted by: only if
 * the rule counts at the client's end alone, so that the other never names it.
 */
void hits_count_client(struct agent *a, const struct store_flow *f);
/* The intent is another one: of a rule that is not in it nothing is kept. */
void hits_forget_others(struct agent *a);
/* "hits" and "last_hit" into a rule. */
void hits_add(const struct agent *a, json_t *rule);
