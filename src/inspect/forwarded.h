/*
 * X-Forwarded-For (reference 5.9): behind a proxy all clients have its address,
 * and say whose request it is. Where that is switched on (ctrl_sys_conf), a
 * request to a workload is judged a second time, as that client's.
 *
 * Anybody can write that header. What it says takes away and never gives: both
 * judgements have to allow the request.
 */
#pragma once

#include "inspect/hear.h"

/* Is that header of use for f? */
bool forwarded_is_wanted(const struct inspect *in, const struct flow *f);
/* A field of f's request, maybe that one. */
void forwarded_piece(struct hearing *h, const struct proto_piece *p);
/* The request is known. false: its client may not; h->refused. */
bool forwarded_asked(struct hearing *h);
