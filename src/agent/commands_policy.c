/*
 * Commands that change what the user wants, and show it. A change is made on a
 * copy, stored, and answered when it is in force; one that says "wait": false is
 * answered when it is stored.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/commands.h"
#include "agent/hits.h"
#include "agent/kubernetes.h"
#include "agent/learn.h"
#include "agent/member.h"
#include "agent/policy.h"
#include "agent/record.h"
#include "agent/world.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/limits_door.h"
#include "base/text.h"
#include "intent/netpol_export.h"
#include "yaml/yaml.h"

/* What a dry run looks at if nobody says since when. */
#define DRY_RUN_S (7 * 86400ULL)

int commands_change(struct agent *a, struct door_client *c, const json_t *args,
		    struct intent *next, const char *what, json_t *result,
		    struct err *reterr)
{
	uint64_t expect = 0;
	int64_t number;
	int rc = arg_uint(args, "revision", INT64_MAX, &expect, reterr);

	/* to the store 0 is no condition; here it is the first one of all */
	if (rc == 0 && expect == 0 &&
	    json_is_integer(json_object_get(args, "revision")) &&
	    a->intent_revision > 0)
		rc = err_set(reterr, ESTALE, "revision",
			     "expected 0, and it is %llu",
			     (unsigned long long)a->intent_revision);
	if (rc < 0) {
		intent_put(next);
		return rc;
	}
	if (member_is_on(a))
		return member_change(a, c, args, next, what, expect, result,
				     reterr);
	number = policy_set(a, next, what, c, expect, reterr);
	if (number < 0)
		return (int)number;
	(void)json_object_set_new(result, "revision",
				  json_integer((json_int_t)a->intent_revision));
	if (json_is_false(json_object_get(args, "wait")) || !a->plane_up) {
		(void)json_object_set_new(result, "in_force", json_false());
		return 0;
	}
	(void)json_object_set_new(result, "in_force", json_true());
	door_later_number(c, (uint64_t)number, result);
	return COMMAND_LATER;
}

/* --- groups ----------------------------------------------------------------------- */

/* The group of that name, made if nobody wrote it down: a service group. */
static json_t *named(json_t *groups, json_t *by_name, const char *name)
{
	json_t *g = json_object_get(by_name, name);

	if (g)
		return g;
	g = json_pack("{s:s, s:b}", "name", name, "learned", 1);
	(void)json_array_append_new(groups, g);
	(void)json_object_set(by_name, name, g);
	return g;
}

static void add_member(json_t *group, const struct workload *w)
{
	json_t *members = json_object_get(group, "members");

	if (!members) {
		members = json_array();
		(void)json_object_set_new(group, "members", members);
	}
	(void)json_array_append_new(members, json_string(workload_name(w)));
}

static void add_members(struct agent *a, json_t *groups)
{
	json_t *by_name = json_object(), *g;
	const json_t *of, *name;
	size_t i;

	json_array_foreach (groups, i, g)
		(void)json_object_set(
			by_name, json_string_value(json_object_get(g, "name")),
			g);
	for (struct workload *w = a->registry.workloads; w; w = w->next) {
		of = policy_groups_of(a, w);
		json_array_foreach (of, i, name)
			add_member(
				named(groups, by_name, json_string_value(name)),
				w);
	}
	json_decref(by_name);
}

static json_t *default_mode(const struct agent *a)
{
	return json_string(intent_mode_name(intent_default_mode(a->intent)));
}

int command_groups(struct agent *a, struct door_client *c, const json_t *args,
		   json_t *result, struct err *reterr)
{
	json_t *groups = intent_groups(a->intent);

	if (!groups)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	add_members(a, groups);
	(void)json_object_set_new(result, "groups", groups);
	(void)json_object_set_new(result, "sensors", intent_sensors(a->intent));
	(void)json_object_set_new(result, "default_mode", default_mode(a));
	return 0;
}

int command_group_set(struct agent *a, struct door_client *c,
		      const json_t *args, json_t *result, struct err *reterr)
{
	const char *name = json_string_value(
		json_object_get(json_object_get(args, "group"), "name"));
	struct intent *next = NULL;
	char what[WORKLOAD_TEXT_MAX];
	const json_t *group = json_object_get(args, "group");
	int rc = arg_true(args, "part")
			 ? intent_with_group_part(a->intent, group, &next,
						  reterr)
			 : intent_with_group(a->intent, group, &next, reterr);

	if (rc < 0) {
		err_prefix(reterr, "group");
		return rc;
	}
	(void)snprintf(what, sizeof what, "group %.100s was set",
		       name ? name : "");
	return commands_change(a, c, args, next, what, result, reterr);
}

int command_group_delete(struct agent *a, struct door_client *c,
			 const json_t *args, json_t *result, struct err *reterr)
{
	struct intent *next = NULL;
	char what[WORKLOAD_TEXT_MAX];
	const char *name;
	int rc = arg_text(args, "group", &name, reterr);

	if (rc == 0)
		rc = intent_without_group(a->intent, name, &next, reterr);
	if (rc < 0)
		return rc;
	(void)snprintf(what, sizeof what, "group %.100s was deleted", name);
	return commands_change(a, c, args, next, what, result, reterr);
}

/* Takes next. */
static int dry_run(struct agent *a, struct door_client *c, const json_t *args,
		   struct intent *next, json_t *result, struct err *reterr)
{
	uint64_t since = clock_unix_us() / USEC_PER_SEC - DRY_RUN_S;
	int rc = arg_uint(args, "since", INT64_MAX, &since, reterr);

	if (rc < 0) {
		intent_put(next);
		return rc;
	}
	return learn_dry_run(a, c, next, since, result, reterr);
}

/* Is any workload in that group? A name may be mistyped; modes change nothing. */
static bool anybody_in(struct agent *a, const char *group)
{
	const json_t *name;
	size_t i;
	struct workload *const lists[] = { a->registry.workloads,
					   a->registry.remote };

	for (size_t k = 0; k < 2; k++)
		for (struct workload *w = lists[k]; w; w = w->next)
			json_array_foreach (policy_groups_of(a, w), i, name)
				if (strcmp(json_string_value(name), group) == 0)
					return true;
	return false;
}

int command_mode(struct agent *a, struct door_client *c, const json_t *args,
		 json_t *result, struct err *reterr)
{
	enum intent_mode mode = MODE_DISCOVER;
	struct intent *next = NULL;
	const char *group, *word = "";
	char what[WORKLOAD_TEXT_MAX];
	int rc = arg_text(args, "group", &group, reterr);

	if (rc == 0)
		rc = arg_text(args, "mode", &word, reterr);
	if (rc == 0)
		rc = intent_mode_parse(word, &mode, reterr);
	if (rc == 0)
		rc = intent_with_mode(a->intent, group[0] ? group : NULL, mode,
				      &next, reterr);
	if (rc < 0)
		return rc;
	if (group[0] && !anybody_in(a, group))
		(void)json_object_set_new(result, "nobody_in",
					  json_string(group));
	if (arg_true(args, "dry_run"))
		return dry_run(a, c, args, next, result, reterr);
	(void)snprintf(what, sizeof what, "mode of %.100s is %s",
		       group[0] ? group : "what has none (default)", word);
	return commands_change(a, c, args, next, what, result, reterr);
}

/* --- rules ----------------------------------------------------------------------- */

struct telling {
	const struct agent *agent;
	struct text *text;
	bool any;
};

static void tell_rule(json_t *rule, void *arg)
{
	struct telling *t = arg;
	char *text;

	hits_add(t->agent, rule);
	text = json_dumps(rule, JSON_COMPACT);
	json_decref(rule);
	text_add_word(t->text, t->any ? "," : "");
	if (text)
		text_add_word(t->text, text);
	t->text->failed |= !text;
	t->any = true;
	free(text);
}

/* Written one by one: all at once they are ten times the text. */
int command_rules(struct agent *a, struct door_client *c, const json_t *args,
		  json_t *result, struct err *reterr)
{
	struct intent_rules_query q = { .limit = 0 };
	struct text t = { .at = NULL };
	struct telling telling = { a, &t, false };
	const char *text = "", *action = "";
	uint64_t after = 0, limit = RULES_PAGE_MAX;
	size_t total = 0;
	uint32_t next = 0;
	char *members;
	int rc = arg_text(args, "q", &text, reterr);

	if (rc == 0)
		rc = arg_text(args, "action", &action, reterr);
	if (rc == 0)
		rc = arg_id(args, "after", &after, reterr);
	if (rc == 0)
		rc = arg_uint(args, "limit", RULES_PAGE_MAX, &limit, reterr);
	if (rc < 0)
		return rc;
	if (limit == 0)
		limit = RULES_PAGE_MAX;
	q = (struct intent_rules_query){ .text = text[0] ? text : NULL,
					 .action = action[0] ? action : NULL,
					 .after = after <= UINT32_MAX
							  ? (uint32_t)after
							  : UINT32_MAX,
					 .limit = limit };
	text_add_word(&t, "\"rules\":[");
	rc = intent_each_rule(a->intent, &q, tell_rule, &telling, &total, &next,
			      reterr);
	text_addf(&t, "],\"total\":%zu,\"revision\":%llu", total,
		  (unsigned long long)a->intent_revision);
	text_addf(&t, ",\"default_mode\":\"%s\"",
		  intent_mode_name(intent_default_mode(a->intent)));
	if (next)
		text_addf(&t, ",\"next\":\"%u\"", next);
	members = rc == 0 ? text_take(&t) : NULL;
	text_done(&t);
	if (rc == 0 && !members)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	if (rc == 0)
		door_answer_text(c, members);
	return rc;
}

/* A change of it would be undone at once, and not a word said. */
static int refuse_cluster(const struct agent *a, const json_t *rule,
			  uint64_t id, struct err *reterr)
{
	const char *origin = json_string_value(json_object_get(rule, "origin"));

	if ((!origin || strcmp(origin, "kubernetes") != 0) &&
	    !intent_rule_is_cluster(a->intent, (uint32_t)id))
		return 0;
	return err_set(reterr, EINVAL, "rule",
		       "it is the cluster's: change the NetworkPolicy there");
}

int command_rule_add(struct agent *a, struct door_client *c, const json_t *args,
		     json_t *result, struct err *reterr)
{
	const json_t *after = json_object_get(args, "after");
	const json_t *rule = json_object_get(args, "rule");
	struct intent *next = NULL;
	uint32_t id = 0;
	char what[64];
	int rc;

	if (after && !json_is_integer(after))
		return err_set(reterr, EINVAL, "after",
			       "expected the id of a rule, 0 or -1");
	rc = refuse_cluster(
		a, rule,
		(uint64_t)json_integer_value(json_object_get(rule, "id")),
		reterr);
	if (rc < 0)
		return rc;
	rc = intent_with_rule(a->intent, rule,
			      after ? json_integer_value(after) : -1, &next,
			      &id, reterr);
	if (rc < 0) {
		err_prefix(reterr, "rule");
		return rc;
	}
	(void)json_object_set_new(result, "rule", json_integer(id));
	(void)snprintf(what, sizeof what, "rule %u was set", id);
	return commands_change(a, c, args, next, what, result, reterr);
}

int command_rule_delete(struct agent *a, struct door_client *c,
			const json_t *args, json_t *result, struct err *reterr)
{
	struct intent *next = NULL;
	uint64_t id = 0;
	char what[64];
	int rc = arg_uint(args, "rule", UINT32_MAX, &id, reterr);

	if (rc == 0)
		rc = refuse_cluster(a, NULL, id, reterr);
	if (rc == 0)
		rc = intent_without_rule(a->intent, (uint32_t)id, &next,
					 reterr);
	if (rc < 0)
		return rc;
	(void)snprintf(what, sizeof what, "rule %u was deleted", (unsigned)id);
	return commands_change(a, c, args, next, what, result, reterr);
}

/* --- as code --------------------------------------------------------------------- */

/*
 * What the policy is to be: the file says all of it, but one of NetworkPolicies
 * alone says only those.
 */
int commands_read_yaml(struct agent *a, const json_t *args, struct intent **ret,
		       struct err *reterr)
{
	struct intent *i = NULL, *merged = NULL;
	const char *text, *file;
	int rc = arg_text(args, "text", &text, reterr);

	if (rc == 0)
		rc = arg_text(args, "file", &file, reterr);
	if (rc == 0)
		rc = intent_from_yaml(text, strlen(text), file[0] ? file : "-",
				      &i, reterr);
	if (rc == 0 && intent_is_network_policies(i)) {
		rc = intent_with_network_policies(a->intent, i, &merged,
						  reterr);
		intent_put(i);
		i = merged;
	}
	if (rc == 0)
		rc = kubernetes_keep_policies(a, &i, reterr);
	if (rc == 0)
		*ret = i;
	else
		intent_put(i);
	return rc;
}

int command_diff(struct agent *a, struct door_client *c, const json_t *args,
		 json_t *result, struct err *reterr)
{
	struct intent *next = NULL;
	json_t *diff;
	int rc = commands_read_yaml(a, args, &next, reterr);

	if (rc < 0)
		return rc;
	diff = intent_diff(a->intent, next);
	intent_put(next);
	if (!diff)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	(void)json_object_set_new(result, "diff", diff);
	return 0;
}

/* Groups in rules that nobody is in: not there yet, or a name that is wrong. */
static void tell_empty(struct agent *a, const struct intent *next,
		       json_t *result)
{
	struct intent_world world;

	if (world_now(a, &world) < 0)
		return;
	(void)json_object_set_new(result, "empty_groups",
				  intent_empty_groups(next, &world));
}

/* "2 rules added, 1 moved", behind what is there. */
static void say_list(const json_t *diff, const char *list, const char *noun,
		     struct text *t)
{
	static const char *const ways[] = { "added", "removed", "changed",
					    "moved" };
	const json_t *of = json_object_get(diff, list);

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		size_t n = json_array_size(json_object_get(of, ways[i]));

		if (!n)
			continue;
		text_addf(t, "%s%zu", t->len ? ", " : "", n);
		if (noun)
			text_addf(t, " %s%s", noun, n == 1 ? "" : "s");
		text_addf(t, " %s", ways[i]);
		noun = NULL; /* once */
	}
}

static void say_applied(const json_t *diff, char ret[WORKLOAD_TEXT_MAX])
{
	struct text t = { .at = NULL };
	char *sum;

	say_list(diff, "rules", "rule", &t);
	say_list(diff, "groups", "group", &t);
	say_list(diff, "sensors", "sensor", &t);
	say_list(diff, "responses", "response rule", &t);
	if (json_object_get(diff, "default_mode"))
		text_addf(&t, "%sanother default mode", t.len ? ", " : "");
	sum = text_take(&t);
	/* without it it is still true */
	(void)snprintf(ret, WORKLOAD_TEXT_MAX, "a policy was applied%s%s",
		       sum ? ": " : "", sum ? sum : "");
	free(sum);
}

int command_apply(struct agent *a, struct door_client *c, const json_t *args,
		  json_t *result, struct err *reterr)
{
	struct intent *next = NULL;
	char what[WORKLOAD_TEXT_MAX];
	json_t *diff;
	int rc = commands_read_yaml(a, args, &next, reterr);

	if (rc < 0)
		return rc;
	diff = intent_diff(a->intent, next);
	if (!diff) { /* which is not that nothing differs */
		intent_put(next);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	(void)json_object_set_new(result, "diff", diff);
	tell_empty(a, next, result);
	if (json_object_size(diff) == 0) {
		intent_put(next);
		(void)json_object_set_new(
			result, "revision",
			json_integer((json_int_t)a->intent_revision));
		return 0;
	}
	say_applied(diff, what);
	return commands_change(a, c, args, next, what, result, reterr);
}

/* Documents of a file, to be freed; NULL: out of memory. */
static char *documents(const json_t *all)
{
	struct text t = { .at = NULL };
	const json_t *one;
	size_t i;

	text_add_word(&t, "");
	json_array_foreach (all, i, one) {
		char *text = yaml_text_write(one);

		text_add_word(&t, i ? "---\n" : "");
		if (text)
			text_add_word(&t, text);
		t.failed |= !text;
		free(text);
	}
	return text_take(&t);
}

/* For who is here now. */
static int export_policies(struct agent *a, json_t *result, struct err *reterr)
{
	struct intent_world world;
	json_t *all = NULL, *not_said = NULL;
	char *text;
	int rc;

	if (world_now(a, &world) < 0)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = intent_to_network_policies(a->intent, &world,
					clock_unix_us() / USEC_PER_SEC, &all,
					&not_said, reterr);
	if (rc < 0)
		return rc;
	text = documents(all);
	(void)json_object_set_new(result, "text", json_string(text));
	(void)json_object_set_new(
		result, "count",
		json_integer((json_int_t)json_array_size(all)));
	(void)json_object_set_new(result, "not_said", not_said);
	json_decref(all);
	free(text);
	return text ? 0 : err_set(reterr, ENOMEM, NULL, "out of memory");
}

int command_export(struct agent *a, struct door_client *c, const json_t *args,
		   json_t *result, struct err *reterr)
{
	const char *format = "";
	char *text;
	int rc = arg_text(args, "format", &format, reterr);

	if (rc < 0)
		return rc;
	if (strcmp(format, "networkpolicy") == 0)
		return export_policies(a, result, reterr);
	if (format[0] && strcmp(format, "weir") != 0)
		return err_set(reterr, EINVAL, "format",
			       "expected weir or networkpolicy");
	text = intent_to_yaml(a->intent);
	if (!text)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	(void)json_object_set_new(result, "text", json_string(text));
	(void)json_object_set_new(result, "revision",
				  json_integer((json_int_t)a->intent_revision));
	free(text);
	return 0;
}

/* --- what it was ------------------------------------------------------------------ */

int command_history(struct agent *a, struct door_client *c, const json_t *args,
		    json_t *result, struct err *reterr)
{
	json_t *list = NULL;
	int rc = store_doc_history(a->store, "intent", &list, reterr);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	(void)json_object_set_new(result, "revisions",
				  list ? list : json_array());
	return 0;
}

int command_rollback(struct agent *a, struct door_client *c, const json_t *args,
		     json_t *result, struct err *reterr)
{
	struct intent *next = NULL;
	uint64_t to = 0;
	json_t *doc = NULL;
	char what[64];
	int rc = arg_uint(args, "to", INT64_MAX, &to, reterr);

	if (rc == 0) {
		rc = store_get_doc_at(a->store, "intent", to, &doc, reterr);
		if (rc == -ENOENT)
			(void)err_set(reterr, ENOENT, "to",
				      "there is no revision %llu; weir policy "
				      "history shows all",
				      (unsigned long long)to);
	}
	if (rc == 0)
		rc = intent_from_json(doc, &next, reterr);
	json_decref(doc);
	if (rc < 0)
		return rc;
	(void)snprintf(what, sizeof what, "the policy is revision %llu again",
		       (unsigned long long)to);
	return commands_change(a, c, args, next, what, result, reterr);
}
