/*
 * The trail of the data planes (wire/trail.h), for weir-export: each conversation
 * that is over, and what was asked in it. It is not stored, only kept for who
 * reads it page by page: the last TRAIL_KEPT_MAX, TRAIL_KEPT_BYTES at most.
 *
 * Nothing of it is made before somebody has asked (command `trail`).
 */
#pragma once

#include "agent/agent.h"

int trail_start(struct agent *a, struct err *reterr);
void trail_stop(struct agent *a);
/* list: as weir_trail tells them; borrowed. epoch: whose numbers they have. */
void trail_told(struct agent *a, const json_t *list, uint64_t epoch,
		uint64_t missed);
/* Has somebody asked? A data plane that comes later is to know. */
bool trail_is_wanted(const struct agent *a);
