/*
 * NetworkPolicies, by the parser that `weir apply` has for them (intent/netpol.h). Of
 * one that it refuses, the place that it tells is taken out and the rest tried again:
 *
 *   a peer or a port of several   that one: the rule allows less
 *   the only one of its list      the rule: an empty list would be any
 *   a rule                        the rule
 *   anything else                 the policy: who it selects is not known
 *
 * What is isolated stays isolated, so nothing is allowed that was not.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/objects.h"
#include "intent/model.h"
#include "intent/netpol.h"

static int try_policy(const json_t *v, struct err *reterr)
{
	struct intent *i = intent_new();
	int rc = i ? netpol_append(i, v, reterr)
		   : err_set(reterr, ENOMEM, NULL, "out of memory");

	if (rc == 0)
		rc = intent_finish(i, reterr);
	intent_put(i);
	return rc;
}

/* "NAME[N]" at the beginning of *path, which goes on behind it; -1: it is not. */
static long index_of(const char **path, const char *name)
{
	size_t len = strlen(name);
	char *end;
	long n;

	if (strncmp(*path, name, len) != 0 || (*path)[len] != '[')
		return -1;
	n = strtol(*path + len + 1, &end, 10);
	if (*end != ']' || n < 0)
		return -1;
	*path = end + 1;
	return n;
}

/* Which part of a rule the path names; its list, or NULL. */
static json_t *part_of(json_t *rule, const char *path, long *ret_n)
{
	static const char *const lists[] = { "from", "to", "ports" };

	if (path[0] == '.')
		path++;
	for (int k = 0; k < 3; k++) {
		*ret_n = index_of(&path, lists[k]);
		if (*ret_n >= 0)
			return json_object_get(rule, lists[k]);
	}
	return NULL;
}

/*
 * Takes out what `at` names, and says in *ret_what what that was. false: there is
 * nothing that could go alone.
 */
static bool take_out(json_t *policy, const char *at, const char **ret_what)
{
	static const char *const ways[] = { "ingress", "egress" };
	json_t *spec = json_object_get(policy, "spec");

	if (strncmp(at, "spec.", 5) != 0)
		return false;
	for (int k = 0; k < 2; k++) {
		const char *path = at + 5;
		json_t *list = json_object_get(spec, ways[k]), *part;
		long n = index_of(&path, ways[k]), of;

		if (n < 0)
			continue;
		part = part_of(json_array_get(list, (size_t)n), path, &of);
		if (json_array_size(part) > 1) {
			*ret_what = "not that one of its rule";
			return json_array_remove(part, (size_t)of) == 0;
		}
		*ret_what = "not that rule, so it allows less";
		return json_array_remove(list, (size_t)n) == 0;
	}
	return false;
}

/*
 * After something was taken out of a list, what was behind it has another number:
 * the place is looked for in a copy where it is null instead.
 */
struct places {
	json_t *policy; /* what is tried */
	json_t *shadow; /* its elements' numbers, where lists are */
};

static json_t *numbers(const json_t *list)
{
	json_t *n = json_array();

	for (size_t k = 0; k < json_array_size(list); k++)
		(void)json_array_append_new(n, json_integer((json_int_t)k));
	return n;
}

static json_t *shadow_of(const json_t *policy)
{
	static const char *const ways[] = { "ingress", "egress" };
	static const char *const lists[] = { "from", "to", "ports" };
	const json_t *spec = json_object_get(policy, "spec"), *rule;
	json_t *spec_of = json_object();
	size_t k;

	for (int w = 0; w < 2; w++) {
		json_t *rules = json_array();

		json_array_foreach (json_object_get(spec, ways[w]), k, rule) {
			json_t *r = json_pack("{s:i}", "n", (int)k);

			for (int l = 0; l < 3; l++)
				(void)json_object_set_new(
					r, lists[l],
					numbers(json_object_get(rule,
								lists[l])));
			(void)json_array_append_new(rules, r);
		}
		(void)json_object_set_new(spec_of, ways[w], rules);
	}
	return json_pack("{s:o}", "spec", spec_of);
}

/* The path as it is in the file. */
static void original(const json_t *shadow, const char *at,
		     char ret[static ERR_AT_MAX])
{
	static const char *const ways[] = { "ingress", "egress" };
	static const char *const lists[] = { "from", "to", "ports" };
	const json_t *spec = json_object_get(shadow, "spec");

	(void)snprintf(ret, ERR_AT_MAX, "%s", at);
	if (strncmp(at, "spec.", 5) != 0)
		return;
	for (int w = 0; w < 2; w++) {
		const char *path = at + 5, *inner;
		long n = index_of(&path, ways[w]), of;
		const json_t *r = json_array_get(json_object_get(spec, ways[w]),
						 (size_t)n);
		json_int_t rule = json_integer_value(json_object_get(r, "n"));

		if (n < 0)
			continue;
		(void)snprintf(ret, ERR_AT_MAX, "spec.%s[%d]%s", ways[w],
			       (int)rule, path);
		inner = path + (path[0] == '.');
		for (int l = 0; l < 3; l++) {
			const char *rest = inner;

			of = index_of(&rest, lists[l]);
			if (of >= 0)
				(void)snprintf(
					ret, ERR_AT_MAX, "spec.%s[%d].%s[%d]%s",
					ways[w], (int)rule, lists[l],
					(int)json_integer_value(json_array_get(
						json_object_get(r, lists[l]),
						(size_t)of)),
					rest);
		}
		return;
	}
}

/* As much of it as can be said; NULL: nothing, or no memory. Told either way. */
static json_t *as_much(struct import_report *report,
		       const struct import_object *o)
{
	struct places p = { json_deep_copy(o->value), shadow_of(o->value) };
	const char *what = "not that policy";
	struct err err = { 0 };
	char at[ERR_AT_MAX];
	int rc;

	while ((rc = try_policy(p.policy, &err)) < 0) {
		bool went = rc != -ENOMEM && take_out(p.policy, err.at, &what);

		original(p.shadow, err.at, at);
		import_tell(report, IMPORT_LOST, o, at, "%s (%s)", err.text,
			    went ? what : "not that policy");
		if (!went)
			break;
		(void)take_out(p.shadow, err.at, &what);
	}
	json_decref(p.shadow);
	if (rc == 0)
		return p.policy;
	report->failed |= rc == -ENOMEM;
	json_decref(p.policy);
	return NULL;
}

static bool is_policy(const struct import_object *o)
{
	return strcmp(o->kind, "NetworkPolicy") == 0;
}

static int read_all(struct import_report *report,
		    const struct import_objects *objects, struct intent *i,
		    struct err *reterr)
{
	int rc = 0;

	for (size_t n = 0; n < objects->n && rc == 0; n++) {
		const struct import_object *o = &objects->at[n];
		json_t *policy = is_policy(o) ? as_much(report, o) : NULL;

		if (!is_policy(o))
			import_tell(report, IMPORT_LOST, o, "kind",
				    "it is no NetworkPolicy");
		if (policy)
			rc = netpol_append(i, policy, reterr);
		/* of the same name as another: the only way it may fail here */
		if (rc == -EINVAL) {
			import_tell(report, IMPORT_LOST, o, "metadata.name",
				    "%s (not that policy)", reterr->text);
			rc = 0;
		}
		json_decref(policy);
	}
	return report->failed ? err_set(reterr, ENOMEM, NULL, "out of memory")
			      : rc;
}

int import_networkpolicies(const struct import_file *files, size_t n,
			   struct import_result *ret, struct err *reterr)
{
	struct import_report report = { .list = json_array() };
	struct import_objects objects = { .n = 0 };
	struct intent *i = intent_new();
	int rc = i ? import_objects_read(files, n, &objects, reterr)
		   : err_set(reterr, ENOMEM, NULL, "out of memory");

	if (rc == 0)
		rc = read_all(&report, &objects, i, reterr);
	if (rc == 0)
		rc = intent_finish(i, reterr);
	import_objects_done(&objects);
	if (rc < 0) {
		json_decref(report.list);
		intent_put(i);
		return rc;
	}
	*ret = (struct import_result){ .intent = i, .report = report.list };
	memcpy(ret->counts, report.counts, sizeof ret->counts);
	return 0;
}
