/* Kubernetes' NetworkPolicy (networking.k8s.io/v1) as groups and rules. */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "intent/intent.h"

/*
 * Appends what the policy says, before intent_finish(). -EINVAL, also for what
 * cannot be said by groups and rules, with the path in reterr->at.
 */
int netpol_append(struct intent *i, const json_t *policy, struct err *reterr);

/*
 * Likewise one that the cluster has: its rules are of origin kubernetes. What of
 * it cannot be said isolates, and is told: texts are appended to notes, an array.
 * name and namespace are those of Kubernetes; spec may be anything. Fails for
 * want of memory or room.
 */
int netpol_append_live(struct intent *i, const char *namespace,
		       const char *name, const json_t *spec, json_t *notes,
		       struct err *reterr);
