/*
 * What is large: as much as is allowed works, one more is refused when it is
 * read, not when it is to be put into force.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "intent/intent.h"
#include "intent/judge.h"
#include "test.h"
#include "wire/ctrl.h"

static json_t *about;
static struct ip_addr addr;
static struct mac mac = { { 2, [5] = 1 } };
static struct intent_workload workload;
static const struct intent_world world = { &workload, 1, NULL, 0, false };

static int start(void **state)
{
	about = json_pack("{s:s}", "name", "web");
	addr = ip_from_v4(0x0a000001);
	workload = (struct intent_workload){ "w", about, &addr, 1, &mac, 1 };
	return 0;
}

static int stop(void **state)
{
	json_decref(about);
	return 0;
}

/* Lists of n texts made by a format with a number in it. */
static json_t *list_of(const char *before, size_t n, const char *behind)
{
	json_t *list = json_array();

	for (size_t k = 0; k < n; k++)
		json_array_append_new(
			list, json_sprintf("%s%zu%s", before, k, behind));
	return list;
}

/* Takes both lists. */
static int read_rule(json_t *values, json_t *to, struct intent **ret)
{
	struct err err = { 0 };
	json_t *o = json_pack(
		"{s:[{s:s, s:[{s:s, s:s, s:o}]}], s:[{s:s, s:o, s:s}]}",
		"groups", "name", "out", "where", "key", "address", "op", "in",
		"value", values, "rules", "from", "any", "to", to, "action",
		"allow");
	int rc;

	assert_non_null(o);
	rc = intent_from_json(o, ret, &err);
	json_decref(o);
	return rc;
}

/* More names than a rule of the data plane has words. */
static void test_hosts(void **state)
{
	struct intent_connection c = { .client = 0,
				       .server = INTENT_NOBODY,
				       .client_addr = addr,
				       .server_addr = ip_from_v4(0x08080808),
				       .proto = 6,
				       .port = 443 };
	struct intent *i = NULL, *none = NULL;
	struct intent_judge *j;
	struct err err = { 0 };
	struct ctrl_msg m;
	json_t *body;
	char *text;

	assert_int_equal(read_rule(list_of("h", FQDNS_MAX, ".org"),
				   json_pack("[s]", "out"), &i),
			 0);
	text = intent_compile(i, &world, 1, 1, NULL, &err);
	assert_non_null(text);
	body = json_loads(text, 0, NULL);
	free(text);
	assert_int_equal(ctrl_parse(CTRL_WEIR_POLICY, body, true, &m, &err), 0);
	ctrl_msg_done(&m);
	json_decref(body);
	j = intent_judge_new(i, &world, 1, &err);
	assert_non_null(j);
	c.name = "h0.org";
	assert_int_equal(intent_judge_ask(j, &c).rule_id, 1);
	c.name = "H2047.org.";
	assert_int_equal(intent_judge_ask(j, &c).rule_id, 1);
	c.name = "h2048.org";
	assert_int_equal(intent_judge_ask(j, &c).rule_id, 0);
	intent_judge_free(j);
	intent_put(i);
	assert_int_equal(read_rule(list_of("h", FQDNS_MAX, ".org"),
				   json_pack("[s,s]", "out", "fqdn:x.org"),
				   &none),
			 -E2BIG);
	/* the same again is not one more */
	assert_int_equal(read_rule(list_of("h", FQDNS_MAX, ".org"),
				   json_pack("[s,s]", "out", "fqdn:H0.org"),
				   &i),
			 0);
	intent_put(i);
}

static void test_lists(void **state)
{
	struct intent *i = NULL;

	assert_int_equal(read_rule(list_of("10.0.0.", 255, ""),
				   list_of("g", INTENT_WORDS_MAX, ""), &i),
			 0);
	intent_put(i);
	i = NULL;
	assert_int_equal(read_rule(list_of("10.0.0.", 255, ""),
				   list_of("g", INTENT_WORDS_MAX + 1, ""), &i),
			 -E2BIG);
	assert_int_equal(read_rule(list_of("h", INTENT_VALUES_MAX + 1, ".org"),
				   json_pack("[s]", "out"), &i),
			 -E2BIG);
	assert_null(i);
}

static json_t *rules_of(size_t n)
{
	json_t *rules = json_array();

	for (size_t k = 0; k < n; k++)
		json_array_append_new(
			rules, json_pack("{s:s, s:s, s:s}", "from", "any", "to",
					 "any", "action", "allow"));
	return json_pack("{s:o}", "rules", rules);
}

/* The numbers of a user's rules end at 9999; there may be more rules. */
static void test_rules(void **state)
{
	json_t *o = rules_of(INTENT_RULES_MAX), *ids;
	struct intent *i = NULL, *none = NULL;
	struct err err = { 0 };

	assert_int_equal(intent_from_json(o, &i, &err), 0);
	json_decref(o);
	o = intent_to_json(i);
	ids = json_object_get(o, "rules");
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(ids, 9998), "id")),
			 9999);
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(ids, 9999), "id")),
			 1000000);
	json_decref(o);
	/* of one workload, at both ends: too many for one policy */
	assert_null(intent_compile(i, &world, 1, 1, NULL, &err));
	assert_int_equal(err.code, E2BIG);
	intent_put(i);
	o = rules_of(INTENT_RULES_MAX + 1);
	assert_int_equal(intent_from_json(o, &none, &err), -E2BIG);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
