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
	uint32_t *class_of; /* of each workload */
	size_t n_classes;
	uint32_t elsewhere; /* the class of who is; UINT32_MAX: nobody is */
};

/* 0 and *ret, to be ended by plan_done() either way. */
int plan_make(const struct intent *i, const struct intent_world *world,
	      uint64_t now, struct plan *ret, struct err *reterr);
void plan_done(struct plan *p);
/* "learn", "alert", "deny": what the data plane does by default. */
const char *plan_default(enum intent_mode mode);

#define PLAN_NOBODY SIZE_MAX

/*
 * plan_ports.c: which number a port's name is, of each workload. Only names that
 * active rules have are looked for.
 */
struct plan_ports {
	struct port_word *words; /* each once; owned */
	size_t n, room;
	uint16_t *numbers; /* [workload][word]; 0: it has none; owned */
};

bool rule_has_names(const struct rule *r);
/* false: out of memory. To be ended by plan_ports_done() either way. */
bool plan_ports_find(struct plan_ports *p, const struct intent *i,
		     const struct intent_world *world, uint64_t now);
void plan_ports_done(struct plan_ports *p);
/* 0: the workload has no such. */
uint16_t plan_ports_number(const struct plan_ports *p, size_t workload,
			   const struct port_word *w);
/* Are all names the same numbers of both? */
bool plan_ports_same(const struct plan_ports *p, size_t a, size_t b);
uint64_t plan_ports_hash(const struct plan_ports *p, size_t workload);
/*
 * A rule's ports as numbers, in ret: those without a name, and, unless workload is
 * PLAN_NOBODY, what the names are of that one. How many; none is no port at all.
 */
size_t plan_ports_of(const struct plan_ports *p, const struct rule *r,
		     size_t workload,
		     struct port_word ret[static INTENT_WORDS_MAX]);

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
