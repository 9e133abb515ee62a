/*
 * An intent, compiled for those who are there; for compile.c's callers in this
 * folder. Workloads that are in the same groups and have the same mode are of
 * one class, and have one policy.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/text.h"
#include "intent/model.h"

struct plan_class {
	enum intent_mode mode;
	size_t at, len; /* in the plan's rules: "[{...},...]" */
	size_t n_rules;
	bool denies; /* one of them does, or rejects */
};

struct plan {
	struct text rules;	/* of all classes, as in weir_policy; owned */
	json_t *sets;		/* owned */
	struct ranges internal; /* tidy */
	struct plan_class *classes;
	uint32_t *class_of; /* of each workload but those that are peers only */
	size_t n_classes;
};

/* 0 and *ret, to be ended by plan_done() either way. */
int plan_make(const struct intent *i, const struct intent_world *world,
	      uint64_t now, struct plan *ret, struct err *reterr);
void plan_done(struct plan *p);
/* "learn", "alert", "deny": what the data plane does by default. */
const char *plan_default(enum intent_mode mode);

/* Words of an end of a rule; borrowed. */
struct plan_end {
	const char **v;
	size_t n;
};

/*
 * Adds what a rule is for the data plane at one end, each part with a comma
 * behind it; how many those are. own: NULL is any. peers: none is nobody, and no
 * rule.
 */
size_t plan_rule(struct text *t, const struct rule *r, bool ingress,
		 const struct plan_end *own, const struct plan_end *peers);
