/*
 * Nobody looks at what learn.auto_accept accepts, and what another node says it has
 * learned is its word alone. So it may only say of groups in which nothing is
 * forbidden anyway: all of them in mode discover, and everybody in them, who may be in
 * a stricter group besides.
 */
#include <string.h>

#include "agent/member_learn.h"
#include "agent/policy.h"

/* {NAME: true}: the groups of somebody who is not in discover. */
struct strict {
	struct agent *agent;
	json_t *groups;
};

static void add_groups(struct strict *s, const struct workload *w)
{
	struct intent_workload iw = { .id = w->id,
				      .about = w->about,
				      .addrs = w->addrs,
				      .n_addrs = w->n_addrs };
	json_t *groups, *name;
	size_t i;

	if (w->intent_mode == MODE_DISCOVER || !w->about)
		return;
	groups = intent_groups_of(s->agent->intent, &iw);
	json_array_foreach (groups, i, name)
		(void)json_object_set_new(s->groups, json_string_value(name),
					  json_true());
	json_decref(groups);
}

/* Of other nodes those that are described alike stand together: one is asked. */
static void add_all(struct strict *s)
{
	const json_t *before = NULL;

	for (const struct workload *w = s->agent->registry.workloads; w;
	     w = w->next)
		add_groups(s, w);
	for (const struct workload *w = s->agent->registry.remote; w;
	     w = w->next) {
		if (w->about != before)
			add_groups(s, w);
		before = w->about;
	}
}

static bool is_group(const char *word)
{
	struct ip_addr addr;

	return strcmp(word, "external") != 0 && strcmp(word, "node") != 0 &&
	       strncmp(word, "fqdn:", 5) != 0 && ip_parse(word, &addr) < 0;
}

static bool in_discover(const struct strict *s, const json_t *words)
{
	const json_t *v;
	size_t i;

	json_array_foreach (words, i, v) {
		const char *word = json_string_value(v);

		if (is_group(word) &&
		    (intent_group_mode(s->agent->intent, word) !=
			     MODE_DISCOVER ||
		     json_object_get(s->groups, word)))
			return false;
	}
	return true;
}

static bool is_own_alone(const struct agent *a, const json_t *one)
{
	const json_t *provenance = json_object_get(one, "provenance");
	const json_t *nodes = json_object_get(provenance, "nodes");
	const char *first = json_string_value(
		json_object_get(json_array_get(nodes, 0), "node"));

	return json_array_size(nodes) == 1 &&
	       strcmp(first, a->config.node) == 0;
}

/* NULL: it does not propose that. */
static json_t *own_one(const json_t *own, const json_t *one)
{
	const char *key = json_string_value(json_object_get(one, "key"));
	json_t *v;
	size_t i;

	json_array_foreach (own, i, v)
		if (strcmp(json_string_value(json_object_get(v, "key")), key) ==
		    0)
			return v;
	return NULL;
}

json_t *learned_safe(struct agent *a, const json_t *list, const json_t *own)
{
	struct strict s = { .agent = a, .groups = json_object() };
	json_t *safe = json_array(), *one;
	size_t i;

	if (!safe || !s.groups) {
		json_decref(safe);
		json_decref(s.groups);
		return NULL;
	}
	add_all(&s);
	json_array_foreach (list, i, one) {
		const json_t *rule = json_object_get(one, "rule");

		if (is_own_alone(a, one) ||
		    (in_discover(&s, json_object_get(rule, "from")) &&
		     in_discover(&s, json_object_get(rule, "to"))))
			(void)json_array_append(safe, one);
		else if ((one = own_one(own, one)))
			(void)json_array_append(safe, one);
	}
	json_decref(s.groups);
	return safe;
}
