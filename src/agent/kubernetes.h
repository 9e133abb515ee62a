/*
 * What a Kubernetes API server adds to what is known here (`kubernetes:` of
 * weir.yaml): labels of pods and of their namespaces, ports by name, the addresses
 * of pods on other nodes, and the cluster's NetworkPolicies, which are in force as
 * they stand. What it said last is kept, so that nothing of it is forgotten while it
 * is away, nor when the agent starts meanwhile.
 */
#pragma once

#include "agent/agent.h"

/* After policy_start(): what it had said before is there at once. */
int kubernetes_start(struct agent *a, struct err *reterr);
void kubernetes_stop(struct agent *a);

/*
 * Puts into `about`, of a workload that a runtime describes, what the API server
 * says of the pod; its own object, no other's.
 */
void kubernetes_describe(const struct agent *a, json_t *about);
/*
 * Pods that are not workloads of this host, as those are, `elsewhere`. Borrowed,
 * until anything changes; how many.
 */
size_t kubernetes_elsewhere(struct agent *a,
			    const struct intent_workload **ret);
/*
 * *next (taken and given) is to be in force: of the cluster's policies it has those
 * that are, whatever it says of them.
 */
int kubernetes_keep_policies(struct agent *a, struct intent **next,
			     struct err *reterr);
/* For `weir status`; NULL: there is none. */
json_t *kubernetes_json(const struct agent *a);
