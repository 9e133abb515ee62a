/* Rules page by page: those that are asked for, in their order, each once. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intent/intent.h"
#include "test.h"

static const char policy[] =
	"default_mode: monitor\n"
	"groups:\n"
	"- {name: web, where: [{key: name, value: web}]}\n"
	"rules:\n"
	"- {id: 9, from: web, to: any, ports: tcp/443, action: allow,\n"
	"   comment: To the World}\n"
	"- {id: 3, from: external, to: web, applications: http, action: deny}\n"
	"- {id: 5, from: 10.1.0.0/16, to: web, ports: udp/53, action: allow,\n"
	"   side: server, expires: 2090-01-01}\n"
	"- {id: 4, from: web, to: any, ports: tcp/80, applications: http,\n"
	"   requests: [{http.path: /Admin}], action: deny}\n";

static const struct {
	const char *name;
	struct intent_rules_query q;
	const char
		*want; /* ids, how many of all, what the next begins behind */
} rows[] = {
	{ "all", { .limit = 0 }, "9 3 5 4 of 4" },
	{ "the first", { .limit = 2 }, "9 3 of 4, 3" },
	{ "those behind", { .limit = 2, .after = 3 }, "5 4 of 4" },
	{ "one", { .limit = 1, .after = 3 }, "5 of 4, 5" },
	{ "behind the last", { .limit = 9, .after = 4 }, "of 4" },
	{ "behind none", { .after = 77 }, "EINVAL" },
	{ "action", { .action = "deny" }, "3 4 of 2" },
	{ "action and page", { .action = "deny", .limit = 1 }, "3 of 2, 3" },
	{ "behind one that is not asked for",
	  { .action = "deny", .after = 9 },
	  "EINVAL" },
	{ "no such action", { .action = "none" }, "of 0" },
	{ "behind one, of none", { .action = "none", .after = 9 }, "of 0" },
	{ "from, in any case", { .text = "EXTERNAL" }, "3 of 1" },
	{ "to", { .text = "web" }, "9 3 5 4 of 4" },
	{ "an address", { .text = "10.1." }, "5 of 1" },
	{ "ports", { .text = "udp/53" }, "5 of 1" },
	{ "an application", { .text = "http" }, "3 4 of 2" },
	{ "requests", { .text = "admin" }, "4 of 1" },
	{ "an action's word", { .text = "den" }, "3 4 of 2" },
	{ "a comment", { .text = "the world" }, "9 of 1" },
	{ "a time", { .text = "2090" }, "5 of 1" },
	{ "a side", { .text = "server" }, "5 of 1" },
	{ "nowhere", { .text = "nowhere" }, "of 0" },
};

static void tell(json_t *rule, void *arg)
{
	char *text = arg;
	size_t len = strlen(text);

	(void)snprintf(text + len, 100 - len, "%d ",
		       (int)json_integer_value(json_object_get(rule, "id")));
	json_decref(rule);
}

static void test_pages(void **state)
{
	struct intent *i = NULL;
	struct err err = { 0 };

	if (intent_from_yaml(policy, strlen(policy), "p", &i, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
	for (size_t n = 0; n < ARRAY_LEN(rows); n++) {
		char got[100] = "";
		size_t total = 0, len;
		uint32_t next = 0;
		int rc = intent_each_rule(i, &rows[n].q, tell, got, &total,
					  &next, &err);

		len = strlen(got);
		if (rc == -EINVAL)
			(void)snprintf(got, sizeof got, "EINVAL");
		else if (next)
			(void)snprintf(got + len, sizeof got - len,
				       "of %zu, %u", total, next);
		else
			(void)snprintf(got + len, sizeof got - len, "of %zu",
				       total);
		if (strcmp(got, rows[n].want) != 0)
			fail_msg("row \"%s\": %s", rows[n].name, got);
	}
	intent_put(i);
}

static void test_groups(void **state)
{
	struct intent *i = NULL;
	json_t *groups;

	assert_int_equal(
		intent_from_yaml(policy, strlen(policy), "p", &i, NULL), 0);
	groups = intent_groups(i);
	assert_int_equal(json_array_size(groups), 1);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(groups, 0), "name")),
			    "web");
	json_decref(groups);
	intent_put(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
