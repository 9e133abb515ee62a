/*
 * Questions about a connection that nobody has made: the same snapshot_judge()
 * that packets meet answers them.
 */
#pragma once

#include <stdbool.h>

#include "policy/policy.h"
#include "wire/ctrl.h"

/* What decided. */
enum explain_by {
	EXPLAIN_RULE,	 /* a rule: judgement.rule_id, or its namespace check */
	EXPLAIN_SWITCH,	 /* something that stands before the rules */
	EXPLAIN_DEFAULT, /* no rule matched */
	EXPLAIN__MAX
};

/*
 * What snapshot_judge() is to be asked about the workload at one end. Borrows
 * e->vhost and e->request.
 */
struct policy_query explain_query(const struct explain_spec *e, bool ingress);

enum explain_by explain_by(const struct judgement *j);
/* "rule", "switch", "default"; static storage. */
const char *explain_by_name(enum explain_by by);
