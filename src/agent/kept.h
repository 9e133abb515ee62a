/*
 * What a user said of single workloads, kept in the store by their ids: who is
 * in quarantine and why, and who is not to be diverted.
 *
 *   document "workloads": {"quarantined": {ID: WHY}, "released": {ID: true},
 *                          "gone": {ID: since when, seconds since 1970}}
 *
 * Of who is gone it is kept for KEPT_GONE_DAYS, and then forgotten with an event.
 */
#pragma once

#include "agent/agent.h"

/* why NULL: no more. On the disk when it returns 0. -ENOSPC: KEPT_MAX. */
int kept_quarantine(struct agent *a, struct workload *w, const char *why,
		    struct err *reterr);
int kept_release(struct agent *a, struct workload *w, bool released,
		 struct err *reterr);
/* Of one that was just found. */
void kept_apply(struct agent *a, struct workload *w);
/* Of one that is not here any more. */
void kept_gone(struct agent *a, const char *id);
int kept_start(struct agent *a, struct err *reterr);
void kept_stop(struct agent *a);
