/*
 * `kubectl apply` of one NetworkPolicy leaves the others alone; so does ours: the
 * groups and rules that came of policies of the same names are replaced, nothing
 * else is touched. Which those are, their groups' names tell (netpol.c): what
 * came of NAME is np.NS.NAME, np.NS.NAME.in0.1, ... and the rules that speak of
 * the first.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "wire/member.h"

#include "intent/intent.h"

#define PREFIX "np."

static bool is_origin_netpol(const json_t *rule)
{
	return strcmp(member_text(rule, "origin"), "network-policy") == 0;
}

/* Length of np.NS.NAME in a group's name: without .in0.1 or .out0.1. */
static size_t base_len(const char *group)
{
	size_t len = strlen(group), n = len;

	while (n > 0 && isdigit((unsigned char)group[n - 1]))
		n--;
	if (n == len || n == 0 || group[n - 1] != '.')
		return len;
	n--;
	while (n > 0 && isdigit((unsigned char)group[n - 1]))
		n--;
	if (n >= 3 && memcmp(group + n - 3, ".in", 3) == 0)
		return n - 3;
	if (n >= 4 && memcmp(group + n - 4, ".out", 4) == 0)
		return n - 4;
	return len;
}

bool intent_is_network_policies(const struct intent *i)
{
	json_t *o = intent_to_json(i), *one;
	bool all = json_array_size(json_object_get(o, "rules")) > 0 &&
		   !json_object_get(o, "sensors") &&
		   !json_object_get(o, "responses");
	size_t n;

	json_array_foreach (json_object_get(o, "rules"), n, one)
		all = all && is_origin_netpol(one);
	json_array_foreach (json_object_get(o, "groups"), n, one)
		all = all && strncmp(member_text(one, "name"), PREFIX,
				     sizeof PREFIX - 1) == 0;
	json_decref(o);
	return all;
}

/* Is that group of a policy that `names` has? */
static bool is_of(const char *group, const json_t *names)
{
	char base[ERR_TEXT_MAX];
	size_t len = base_len(group);

	if (len >= sizeof base)
		return false;
	memcpy(base, group, len);
	base[len] = '\0';
	return json_object_get(names, base) != NULL;
}

static bool speaks_of(const json_t *rule, const json_t *names)
{
	static const char *const ends[] = { "from", "to" };
	const json_t *word;
	size_t i;

	for (size_t e = 0; e < 2; e++)
		json_array_foreach (json_object_get(rule, ends[e]), i, word)
			if (is_of(json_string_value(word), names))
				return true;
	return false;
}

/* Names of the policies: {"np.shop.db": true}. */
static json_t *names_of(const json_t *netpols)
{
	json_t *names = json_object(), *g;
	size_t i;

	json_array_foreach (json_object_get(netpols, "groups"), i, g) {
		const char *name = member_text(g, "name");

		(void)json_object_setn_new(names, name, base_len(name),
					   json_true());
	}
	return names;
}

static json_t *keep(const json_t *list, const json_t *names, bool rules)
{
	json_t *kept = json_array(), *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (!(rules ? is_origin_netpol(one) && speaks_of(one, names)
			    : is_of(member_text(one, "name"), names)))
			(void)json_array_append(kept, one);
	return kept;
}

/* Those of the new ones get ids that are free. */
static void append_rules(json_t *rules, const json_t *more)
{
	const json_t *one;
	size_t i;

	json_array_foreach (more, i, one) {
		json_t *copy = json_copy((json_t *)(uintptr_t)one);

		(void)json_object_del(copy, "id");
		(void)json_array_append_new(rules, copy);
	}
}

int intent_with_network_policies(const struct intent *i,
				 const struct intent *netpols,
				 struct intent **ret, struct err *reterr)
{
	json_t *o = intent_to_json(i), *new = intent_to_json(netpols), *names;
	json_t *groups, *rules;
	int rc;

	if (!o || !new) {
		json_decref(o);
		json_decref(new);
		return err_set(reterr, ENOMEM, "", "out of memory");
	}
	names = names_of(new);
	groups = keep(json_object_get(o, "groups"), names, false);
	rules = keep(json_object_get(o, "rules"), names, true);
	(void)json_array_extend(groups, json_object_get(new, "groups"));
	append_rules(rules, json_object_get(new, "rules"));
	(void)json_object_set_new(o, "groups", groups);
	(void)json_object_set_new(o, "rules", rules);
	rc = intent_from_json(o, ret, reterr);
	json_decref(o);
	json_decref(new);
	json_decref(names);
	return rc;
}
