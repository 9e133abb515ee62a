/* What of an intent can be said as Kubernetes' NetworkPolicies. */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "intent/intent.h"

/*
 * *ret: an array of NetworkPolicies, whole objects as kubectl takes them, by which
 * the pods of who is in mode protect may speak as the rules say. *ret_not_said: of
 * what they cannot say, an array of {"why":, and "rule": id, or "group": name}; where
 * it is empty, the same holds but for the node, with which a pod may always speak,
 * and for ICMP. Services, and groups of no namespace, are said for who is in the
 * world. Both are the caller's. -E2BIG; -ENOMEM.
 */
int intent_to_network_policies(const struct intent *i,
			       const struct intent_world *world, uint64_t now,
			       json_t **ret, json_t **ret_not_said,
			       struct err *reterr);
