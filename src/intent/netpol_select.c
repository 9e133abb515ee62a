/*
 * A group's terms are joined as selectors are: by key, all of which must be true;
 * of a key either what it may be, or that it is there, or not, and what it is not.
 * What else terms can ask (names, images, parts of texts) selectors cannot.
 */
#include "intent/netpol_select.h"

#include <stdlib.h>
#include <string.h>

#include "wire/member.h"

void export_not_said(struct export *e, const char *group, const char *why)
{
	json_t *o = json_pack("{s:s}", "why", why);

	if (group)
		export_set(e, o, "group", json_string(group));
	else if (e->rule)
		export_set(e, o, "rule", json_integer(e->rule->id));
	for (size_t n = 0; n < json_array_size(e->not_said); n++)
		if (json_equal(json_array_get(e->not_said, n), o)) {
			json_decref(o);
			return;
		}
	export_append(e, e->not_said, o);
}

void selector_done(struct selector *s)
{
	json_decref(s->pods);
	json_decref(s->spaces);
	*s = (struct selector){ NULL, NULL };
}

bool selector_init(struct export *e, struct selector *s)
{
	*s = (struct selector){ json_object(), json_object() };
	e->failed |= !s->pods || !s->spaces;
	return !e->failed;
}

static json_t *key_of(struct export *e, json_t *keys, const char *key)
{
	json_t *k = json_object_get(keys, key);

	if (!k) {
		k = json_pack("{s:[]}", "not");
		export_set(e, keys, key, k);
	}
	return e->failed ? NULL : k;
}

static bool list_has(const json_t *list, const char *text)
{
	for (size_t n = 0; n < json_array_size(list); n++)
		if (strcmp(json_string_value(json_array_get(list, n)), text) ==
		    0)
			return true;
	return false;
}

/* Terms of one key in a group: what it is, any of them; what it is not, all. */
static bool add_term(struct export *e, json_t *keys, const char *key,
		     const struct term *t)
{
	json_t *k = key_of(e, keys, key), *in;

	if (!k)
		return false;
	switch ((enum intent_op)t->op) {
	case OP_IS:
	case OP_IN:
		in = json_object_get(k, "in");
		if (!in)
			export_set(e, k, "in", in = json_array());
		for (uint32_t n = 0; n < t->n_values; n++)
			if (!list_has(in, t->values[n]))
				export_append(e, in, json_string(t->values[n]));
		return true;
	case OP_IS_NOT:
		export_append(e, json_object_get(k, "not"),
			      json_string(t->values[0]));
		return true;
	case OP_ABSENT: export_set(e, k, "absent", json_true()); return true;
	case OP_PREFIX:
		export_set(e, k, "is", json_true());
		return t->values[0][0] == '\0';
	default: return false;
	}
}

/* One that may be anything may be what is listed, too. */
static void tidy(json_t *keys)
{
	const char *key;
	json_t *k;

	json_object_foreach (keys, key, k)
		if (json_object_get(k, "is"))
			(void)json_object_del(k, "in");
}

const char *selector_space_of(const json_t *about)
{
	return member_text(about, "namespace");
}

static bool is_of_service(const struct intent_workload *w, const char *name)
{
	char *service = intent_service_of(w->about);
	bool is = service && strcmp(service, name) == 0;

	free(service);
	return is;
}

/* Labels by which controllers tell apart pods that are alike. */
static bool is_volatile(const char *key)
{
	static const char *const keys[] = {
		"pod-template-hash",
		"controller-revision-hash",
		"pod-template-generation",
		"statefulset.kubernetes.io/pod-name",
		"apps.kubernetes.io/pod-index",
		"controller-uid",
		"job-name",
	};

	for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
		if (strcmp(keys[k], key) == 0)
			return true;
	return strncmp(key, "batch.kubernetes.io/", 20) == 0;
}

/* Labels that all of a service have, taken away from those of the first. */
static json_t *labels_of_service(const struct export *e, const char *name,
				 const char **ret_space)
{
	json_t *labels = NULL, *v;
	const char *key;
	void *next;

	for (size_t n = 0; n < e->world->n; n++) {
		const struct intent_workload *w = &e->world->workloads[n];
		const json_t *own = json_object_get(w->about, "labels");

		if (!is_of_service(w, name))
			continue;
		*ret_space = selector_space_of(w->about);
		if (!labels)
			labels = own ? json_copy((json_t *)(uintptr_t)own)
				     : json_object();
		json_object_foreach_safe (labels, next, key, v)
			if (is_volatile(key) ||
			    !json_equal(json_object_get(own, key), v))
				(void)json_object_del(labels, key);
	}
	return labels;
}

static bool has_labels(const json_t *about, const json_t *labels)
{
	const json_t *own = json_object_get(about, "labels");
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)labels, key, v)
		if (!json_equal(json_object_get(own, key), v))
			return false;
	return true;
}

/* A service by labels that its pods have, and nobody else of its namespace. */
static bool say_service(struct export *e, const char *name, struct selector *s)
{
	const char *space = "", *key;
	json_t *labels = labels_of_service(e, name, &space), *v;
	bool ok = json_object_size(labels) > 0 && space[0];

	for (size_t n = 0; n < e->world->n && ok; n++) {
		const struct intent_workload *w = &e->world->workloads[n];

		ok = strcmp(selector_space_of(w->about), space) != 0 ||
		     !has_labels(w->about, labels) || is_of_service(w, name);
	}
	if (ok) {
		json_object_foreach (labels, key, v)
			export_set(e, key_of(e, s->pods, key), "in",
				   json_pack("[O]", v));
		export_set(e, key_of(e, s->spaces, NETPOL_NAMESPACE_NAME), "in",
			   json_pack("[s]", space));
	}
	json_decref(labels);
	return ok;
}

static bool say_terms(struct export *e, const struct group *g,
		      struct selector *s)
{
	bool ok = true;

	for (uint32_t n = 0; n < g->n_terms && ok; n++) {
		const struct term *t = &g->terms[n];

		if (t->key == KEY_LABEL)
			ok = add_term(e, s->pods, e->i->labels[t->label], t);
		else if (t->key == KEY_NAMESPACE_LABEL)
			ok = add_term(e, s->spaces, e->i->labels[t->label], t);
		else if (t->key == KEY_NAMESPACE)
			ok = add_term(e, s->spaces, NETPOL_NAMESPACE_NAME, t);
		else
			ok = false;
	}
	tidy(s->pods);
	tidy(s->spaces);
	return ok;
}

bool selector_of_group(struct export *e, const char *name, int64_t group,
		       struct selector *s)
{
	const struct group *g = group >= 0 ? &e->i->groups[group] : NULL;

	if (!selector_init(e, s))
		return false;
	if (g && g->n_terms > 0) {
		if (say_terms(e, g, s))
			return true;
		export_not_said(e, name,
				"it asks for more than labels and namespaces");
		return false;
	}
	if (say_service(e, name, s))
		return true;
	export_not_said(
		e, name,
		"a service whose pods have no labels in common, or with "
		"others; write a group by labels");
	return false;
}

static void add_expression(struct export *e, json_t *list, const char *key,
			   const char *op, const json_t *values)
{
	json_t *x = json_pack("{s:s, s:s}", "key", key, "operator", op);

	if (values)
		e->failed |= json_object_set(x, "values",
					     (json_t *)(uintptr_t)values) < 0;
	export_append(e, list, x);
}

json_t *selector_json(struct export *e, json_t *keys)
{
	json_t *o = json_object(), *list = json_array(), *k;
	const char *key;

	json_object_foreach (keys, key, k) {
		if (json_object_get(k, "in"))
			add_expression(e, list, key, "In",
				       json_object_get(k, "in"));
		if (json_object_get(k, "is"))
			add_expression(e, list, key, "Exists", NULL);
		if (json_object_get(k, "absent"))
			add_expression(e, list, key, "DoesNotExist", NULL);
		if (json_array_size(json_object_get(k, "not")) > 0)
			add_expression(e, list, key, "NotIn",
				       json_object_get(k, "not"));
	}
	if (json_array_size(list) > 0)
		export_set(e, o, "matchExpressions", list);
	else
		json_decref(list);
	return o;
}

static bool key_allows(const json_t *k, const char *value)
{
	const json_t *in = json_object_get(k, "in");

	if (!value)
		return !in && !json_object_get(k, "is");
	return !json_object_get(k, "absent") && (!in || list_has(in, value)) &&
	       !list_has(json_object_get(k, "not"), value);
}

bool selector_has_space(const struct export *e, json_t *keys, const char *space)
{
	const json_t *labels = json_object_get(e->spaces, space);
	const char *key;
	json_t *k;

	json_object_foreach (keys, key, k) {
		const char *value = strcmp(key, NETPOL_NAMESPACE_NAME) == 0
					    ? space
					    : json_string_value(json_object_get(
						      labels, key));

		if (!key_allows(k, value))
			return false;
	}
	return true;
}

bool selector_join(struct export *e, json_t *keys, json_t *more)
{
	const char *key;
	json_t *theirs, *v;
	size_t n;

	json_object_foreach (more, key, theirs) {
		json_t *k = key_of(e, keys, key), *in, *both = NULL;

		if (!k)
			return false;
		in = json_object_get(k, "in");
		if (in && json_object_get(theirs, "in")) {
			both = json_array();
			json_array_foreach (in, n, v)
				if (list_has(json_object_get(theirs, "in"),
					     json_string_value(v)))
					export_append(e, both, json_incref(v));
			export_set(e, k, "in", both);
		} else if (json_object_get(theirs, "in")) {
			export_set(e, k, "in",
				   json_copy(json_object_get(theirs, "in")));
		}
		if (json_object_get(theirs, "is"))
			export_set(e, k, "is", json_true());
		if (json_object_get(theirs, "absent"))
			export_set(e, k, "absent", json_true());
		json_array_foreach (json_object_get(theirs, "not"), n, v)
			export_append(e, json_object_get(k, "not"),
				      json_incref(v));
		in = json_object_get(k, "in");
		if ((in && json_array_size(in) == 0) ||
		    (json_object_get(k, "absent") &&
		     (in || json_object_get(k, "is"))))
			return false;
	}
	return true;
}
