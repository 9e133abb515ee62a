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
