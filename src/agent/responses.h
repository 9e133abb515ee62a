/*
 * Response rules at work: each event is compared with them before it is told;
 * it may be suppressed, or marked for webhooks, and quarantines and captures are
 * done a moment later. What was done is an event of kind "response".
 *
 * An event that an action caused is not responded to, nor is one of kind
 * "response"; who is quarantined already is not so again; and a rule acts
 * RESPONSE_RATE times in RESPONSE_RATE_S, so nothing goes round in circles.
 */
#pragma once

#include "agent/agent.h"

int responses_start(struct agent *a, struct err *reterr);
/* NULL parts are accepted. */
void responses_stop(struct agent *a);

/* false: the event is neither told nor stored. */
bool responses_look(struct agent *a, json_t *event);
