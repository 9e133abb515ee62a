/*
 * An intent, compiled for those who are there; for compile.c's callers in this
 * folder. Workloads that are in the same groups and have the same mode are of
 * one class, and have one policy.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "intent/model.h"

struct plan_class {
	enum intent_mode mode;
	json_t *rules; /* owned; as in weir_policy */
};

struct plan {
	json_t *sets;		/* owned */
	struct ranges internal; /* tidy */
	struct plan_class *classes;
	uint32_t *class_of; /* of each workload */
	size_t n_classes;
};

/* 0 and *ret, to be ended by plan_done() either way. */
int plan_make(const struct intent *i, const struct intent_world *world,
	      uint64_t now, struct plan *ret, struct err *reterr);
void plan_done(struct plan *p);
/* "learn", "alert", "deny": what the data plane does by default. */
const char *plan_default(enum intent_mode mode);

/*
 * What a rule is for the data plane at one end, as a new array; NULL: out of
 * memory. own: words; NULL: any. peers: none is nobody, and no rule.
 */
json_t *plan_rule(const struct rule *r, bool ingress, json_t *own,
		  const json_t *peers);
