/*
 * What a cluster's NetworkPolicies are in an intent: rules of origin kubernetes,
 * and groups named k8s.NS.NAME... They are in it like all others, so that all that
 * asks an intent - judges, dry runs, events - knows of them, and an agent that
 * starts while the API server is away has them from its store. But they are not the
 * user's: whatever he applies or rolls back, they are what the cluster says.
 *
 * A service group has one dot at most (select.c), so none is called like that.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intent/model.h"
#include "intent/netpol.h"
#include "wire/member.h"

#define PREFIX "k8s."

bool intent_name_is_cluster(const char *name)
{
	return strncmp(name, PREFIX, strlen(PREFIX)) == 0 &&
	       strchr(name + strlen(PREFIX), '.');
}

static bool is_of_cluster(const json_t *one, bool rule)
{
	return rule ? strcmp(member_text(one, "origin"),
			     intent_origin_words[ORIGIN_KUBERNETES]) == 0
		    : intent_name_is_cluster(member_text(one, "name"));
}

/* The cluster's of a list, or all others; NULL: out of memory. */
static json_t *part_of(const json_t *list, bool rules, bool cluster)
{
	json_t *part = json_array(), *one;
	size_t n;

	json_array_foreach (list, n, one)
		if (is_of_cluster(one, rules) == cluster &&
		    json_array_append(part, one) < 0) {
			json_decref(part);
			return NULL;
		}
	return part;
}

static int no_memory(struct err *reterr)
{
	return err_set(reterr, ENOMEM, "", "out of memory");
}

json_t *intent_cluster_of(const struct intent *i)
{
	json_t *all = intent_to_json(i), *part = NULL;

	if (all)
		part = json_pack(
			"{s:o, s:o}", "groups",
			part_of(json_object_get(all, "groups"), false, true),
			"rules",
			part_of(json_object_get(all, "rules"), true, true));
	json_decref(all);
	return part;
}

int intent_cluster_read(const json_t *policies, json_t *notes, json_t **ret,
			struct err *reterr)
{
	struct intent *i = intent_new();
	json_t *one, *part = NULL;
	struct err err = { 0 };
	size_t n;
	int rc = i ? 0 : no_memory(&err);

	json_array_foreach (policies, n, one)
		if (rc == 0)
			rc = netpol_append_live(
				i, member_text(one, "namespace"),
				member_text(one, "name"),
				json_object_get(one, "spec"), notes, &err);
	if (rc == 0)
		rc = intent_finish(i, &err);
	if (rc == 0) {
		part = intent_cluster_of(i);
		if (!part)
			rc = no_memory(&err);
	}
	intent_put(i);
	if (rc == 0)
		*ret = part;
	else if (reterr)
		*reterr = err;
	return rc;
}

/* A rule but for its id, as a key; to be freed. */
static char *key_of(const json_t *rule)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)rule);
	char *key;

	(void)json_object_del(copy, "id");
	key = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(copy);
	return key;
}

static void id_text(const json_t *rule, char buf[static 32])
{
	(void)snprintf(
		buf, 32, "%lld",
		(long long)json_integer_value(json_object_get(rule, "id")));
}

/* {id: true}, of all. A policy of elsewhere may have given any away. */
static json_t *taken_by(const json_t *rules)
{
	json_t *taken = json_object(), *one;
	char id[32];
	size_t n;

	json_array_foreach (rules, n, one) {
		id_text(one, id);
		(void)json_object_set_new(taken, id, json_true());
	}
	return taken;
}

/* {rule: [its ids]} of the cluster's, but for ids that one of `others` has. */
static json_t *ids_of(const json_t *rules, const json_t *others)
{
	json_t *ids = json_object(), *taken = taken_by(others), *one, *list;
	char id[32];
	size_t n;

	json_array_foreach (rules, n, one) {
		char *key = NULL;

		id_text(one, id);
		if (is_of_cluster(one, true) && !json_object_get(taken, id))
			key = key_of(one);
		if (!key)
			continue; /* it gets another number then */
		list = json_object_get(ids, key);
		if (!list) {
			list = json_array();
			(void)json_object_set_new(ids, key, list);
		}
		(void)json_array_append(list, json_object_get(one, "id"));
		free(key);
	}
	json_decref(taken);
	return ids;
}

/* Appends copies, with the ids that the same ones had. */
static bool append_rules(json_t *rules, const json_t *more, json_t *ids)
{
	const json_t *one;
	size_t n;

	json_array_foreach (more, n, one) {
		json_t *copy = json_copy((json_t *)(uintptr_t)one), *list;
		char *key = key_of(one);

		list = key ? json_object_get(ids, key) : NULL;
		(void)json_object_del(copy, "id");
		if (json_array_size(list) > 0) {
			(void)json_object_set(copy, "id",
					      json_array_get(list, 0));
			(void)json_array_remove(list, 0);
		}
		free(key);
		if (json_array_append_new(rules, copy) < 0)
			return false;
	}
	return true;
}

/* What of i is not the cluster's, and then what is. NULL: out of memory. */
static json_t *merged(json_t *all, const json_t *cluster, const json_t *before)
{
	json_t *groups = part_of(json_object_get(all, "groups"), false, false);
	json_t *rules = part_of(json_object_get(all, "rules"), true, false);
	json_t *ids = ids_of(json_object_get(before, "rules"), rules);
	bool ok = groups && rules && ids &&
		  json_array_extend(groups,
				    json_object_get(cluster, "groups")) == 0 &&
		  append_rules(rules, json_object_get(cluster, "rules"), ids);

	json_decref(ids);
	ok = json_object_set_new(all, "groups", groups) == 0 && ok;
	ok = json_object_set_new(all, "rules", rules) == 0 && ok;
	return ok ? all : NULL;
}

bool intent_rule_is_cluster(const struct intent *i, uint32_t id)
{
	for (size_t n = 0; n < i->n_rules; n++)
		if (i->rules[n].id == id)
			return i->rules[n].origin == ORIGIN_KUBERNETES;
	return false;
}

static bool has_cluster(const struct intent *i)
{
	for (size_t n = 0; n < i->n_rules; n++)
		if (i->rules[n].origin == ORIGIN_KUBERNETES)
			return true;
	for (size_t n = 0; n < i->n_groups; n++)
		if (intent_name_is_cluster(i->groups[n].name))
			return true;
	return false;
}

int intent_with_cluster(const struct intent *i, const json_t *cluster,
			const struct intent *before, struct intent **ret,
			struct err *reterr)
{
	json_t *was, *all;
	int rc;

	if (!cluster && !has_cluster(i) && !has_cluster(before)) {
		*ret = intent_get((struct intent *)(uintptr_t)i);
		return 0;
	}
	was = intent_cluster_of(before);
	all = intent_to_json(i);
	if (was && all && merged(all, cluster ? cluster : was, was))
		rc = intent_from_json(all, ret, reterr);
	else
		rc = no_memory(reterr);
	json_decref(was);
	json_decref(all);
	return rc;
}
