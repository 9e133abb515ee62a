/*
 * Groups as selectors of pods and namespaces; for netpol_export.c.
 */
#pragma once

#include "intent/model.h"

#define NETPOL_NAMESPACE_NAME "kubernetes.io/metadata.name"

/* Whom a group selects: {key: {"in": [...]?, "is": 1?, "absent": 1?, "not": [...]}}. */
struct selector {
	json_t *pods, *spaces; /* owned */
};

/* Protected pods of one namespace. */
struct subject_policy {
	const char *group; /* whose; borrowed */
	const char *space; /* borrowed */
	struct selector s;
	json_t *policy; /* borrowed of all */
};

struct export
{
	const struct intent *i;
	const struct intent_world *world;
	uint64_t now;
	json_t *all, *not_said;
	json_t *spaces; /* namespaces that there are: their labels, or {} */
	json_t *names;	/* of policies, by namespace: taken */
	struct subject_policy *subjects;
	size_t n_subjects, room;
	const struct rule *rule; /* that is being said; NULL: none */
	bool failed;		 /* out of memory */
};

/* Takes v. */
static inline void export_set(struct export *e, json_t *o, const char *key,
			      json_t *v)
{
	e->failed |= json_object_set_new(o, key, v) < 0;
}

static inline void export_append(struct export *e, json_t *list, json_t *v)
{
	e->failed |= json_array_append_new(list, v) < 0;
}

/* Of a group, or NULL: of the rule that is being said. Once each. */
void export_not_said(struct export *e, const char *group, const char *why);

bool selector_init(struct export *e, struct selector *s);
void selector_done(struct selector *s);
/*
 * group: its number, or -1: a service. false: it cannot be said, and that is told.
 * s is to be ended either way.
 */
bool selector_of_group(struct export *e, const char *name, int64_t group,
		       struct selector *s);
/* As Kubernetes writes it. */
json_t *selector_json(struct export *e, json_t *keys);
/* Is a namespace one of those? */
bool selector_has_space(const struct export *e, json_t *keys,
			const char *space);
/* Adds the terms of another; false: nobody can be in both. */
bool selector_join(struct export *e, json_t *keys, json_t *more);
/* A workload's namespace; "": it has none. */
const char *selector_space_of(const json_t *about);
