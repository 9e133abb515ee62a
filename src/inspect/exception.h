/*
 * What cannot be inspected as it should, though its bytes are in order (those
 * that are not: inspect/payload.h). What is done then is set, for each limit:
 *
 *   pass     it goes on, and what can still be looked at is
 *   drop     the packet, by a reason of its own; a TCP connection is reset
 *   bypass   it goes on, and nothing more of it is looked at
 */
#pragma once

#include "inspect/hear.h"

/* The packet under way has met it: counted once, h->stop or h->bypass follow. */
void exception_met(struct hearing *h, enum inspect_limit limit);
/* Searches that were given up so far; for exception_searches(). */
uint64_t exception_searches_before(const struct hearing *h);
/* Were any since? Then that limit is met. */
void exception_searches(struct hearing *h, uint64_t before);
