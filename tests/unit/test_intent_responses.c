/*
 * Response rules: what is refused and where, what is read is written the same, and
 * which events meet one.
 */
#include "intent/intent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static struct intent *read_yaml(const char *text)
{
	struct intent *i = NULL;
	struct err err = { 0 };

	if (intent_from_yaml(text, strlen(text), "p", &i, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
	return i;
}

static json_t *json(const char *text)
{
	json_t *v = json_loads(text, 0, NULL);

	if (!v)
		fail_msg("no JSON: %s", text);
	return v;
}

/* limits: table */
static const struct {
	const char *response, *at;
} refused[] = {
	{ "{\"actions\": [{\"suppress\": true}]}", "event" },
	{ "{\"event\": \"dns\", \"actions\": [{\"suppress\": true}]}",
	  "event" },
	{ "{\"event\": \"response\", \"actions\": [{\"suppress\": "
	  "true}]}",
	  "event" },
	{ "{\"event\": \"waf\"}", "actions" },
	{ "{\"event\": \"waf\", \"actions\": []}", "actions" },
	{ "{\"event\": \"waf\", \"actions\": [{}]}", "actions[0]" },
	{ "{\"event\": \"waf\", \"actions\": [{\"suppress\": false}]}",
	  "actions[0].suppress" },
	{ "{\"event\": \"waf\", \"actions\": [{\"mail\": \"x\"}]}",
	  "actions[0].mail" },
	{ "{\"event\": \"waf\", \"actions\": [{\"suppress\": true, "
	  "\"webhook\": \"a\"}]}",
	  "actions[0]" },
	{ "{\"event\": \"waf\", \"actions\": [{\"suppress\": true}, "
	  "{\"suppress\": true}]}",
	  "actions" },
	{ "{\"event\": \"waf\", \"actions\": [{\"quarantine\": 5}]}",
	  "actions[0].quarantine" },
	{ "{\"event\": \"waf\", \"actions\": [{\"quarantine\": "
	  "{\"for\": -1}}]}",
	  "actions[0].quarantine.for" },
	{ "{\"event\": \"waf\", \"actions\": [{\"capture\": {}}]}",
	  "actions[0].capture.seconds" },
	{ "{\"event\": \"waf\", \"actions\": [{\"capture\": "
	  "{\"seconds\": 3601}}]}",
	  "actions[0].capture.seconds" },
	{ "{\"event\": \"waf\", \"actions\": [{\"webhook\": \"a b\"}]}",
	  "actions[0].webhook" },
	{ "{\"event\": \"waf\", \"group\": \"a b\", \"actions\": "
	  "[{\"suppress\": true}]}",
	  "group" },
	{ "{\"event\": \"waf\", \"conditions\": [{\"field\": \"raw\", "
	  "\"value\": 1}], \"actions\": [{\"suppress\": true}]}",
	  "conditions[0].field" },
	{ "{\"event\": \"waf\", \"conditions\": [{\"field\": "
	  "\"port\"}], "
	  "\"actions\": [{\"suppress\": true}]}",
	  "conditions[0].value" },
	{ "{\"event\": \"waf\", \"conditions\": [{\"field\": \"port\", "
	  "\"op\": \"~\", \"value\": 1}], \"actions\": [{\"suppress\": "
	  "true}]}",
	  "conditions[0].op" },
	{ "{\"event\": \"waf\", \"conditions\": [{\"field\": \"port\", "
	  "\"op\": \">=\", \"value\": \"much\"}], \"actions\": "
	  "[{\"suppress\": true}]}",
	  "conditions[0].value" },
	{ "{\"event\": \"waf\", \"conditions\": [{\"field\": \"port\", "
	  "\"op\": \"in\", \"value\": 1}], \"actions\": "
	  "[{\"suppress\": "
	  "true}]}",
	  "conditions[0].value" },
	{ "{\"event\": \"waf\", \"conditions\": [{\"field\": \"port\", "
	  "\"op\": \"in\", \"value\": [{}]}], \"actions\": "
	  "[{\"suppress\": true}]}",
	  "conditions[0].value" },
	{ "{\"event\": \"waf\", \"id\": 70000, \"actions\": "
	  "[{\"suppress\": true}]}",
	  "id" },
	{ "{\"event\": \"waf\", \"more\": 1, \"actions\": "
	  "[{\"suppress\": true}]}",
	  "more" },
	{ "7", "" },
};

static void test_refused(void **state)
{
	struct intent *empty = intent_new(), *next = NULL;

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		json_t *v = json(refused[i].response[0] == '7'
					 ? "[7]"
					 : refused[i].response);
		struct err err = { 0 };
		int rc = intent_with_response(empty,
					      refused[i].response[0] == '7'
						      ? json_array_get(v, 0)
						      : v,
					      &next, NULL, &err);

		assert_row(refused[i].response, rc < 0);
		if (strcmp(err.at, refused[i].at) != 0)
			fail_msg("%s: at \"%s\": %s", refused[i].response,
				 err.at, err.text);
		json_decref(v);
	}
	intent_put(empty);
}

static const char policy[] =
	"groups: [{name: web, mode: protect}]\n"
	"responses:\n"
	"- {id: 9, event: threat, actions: [{webhook: b}, {webhook: a}]}\n"
	"- event: violation\n"
	"  group: web\n"
	"  conditions: [{field: port, op: in, value: [80, '443']},\n"
	"    {field: severity, op: '>=', value: medium},\n"
	"    {field: request, op: '!=', value: x}]\n"
	"  actions: [{quarantine: {for: 60}}, {capture: {seconds: 9}}]\n"
	"  comment: two\n"
	"- {id: 3, event: state, disabled: true, actions: [{quarantine: "
	"true}]}\n";

static void test_round(void **state)
{
	struct intent *i = read_yaml(policy), *again, *next = NULL;
	char *yaml = intent_to_yaml(i), *text = intent_to_text(i);
	json_t *diff, *o = json(text), *whole = intent_to_json(i);
	struct err err = { 0 };

	again = read_yaml(yaml);
	diff = intent_diff(i, again);
	assert_int_equal(json_object_size(diff), 0);
	json_decref(diff);
	intent_put(again);
	assert_true(json_equal(o, whole));
	assert_int_equal(intent_from_json(o, &again, &err), 0);
	diff = intent_diff(i, again);
	assert_int_equal(json_object_size(diff), 0);
	json_decref(diff);
	/* by their ids: 3, 9, and 10 for the one without */
	assert_non_null(intent_response(i, 10));
	assert_int_equal(json_array_size(intent_responses(i)), 3);
	/* taken away, changed, added */
	assert_int_equal(intent_without_response(i, 3, &next, &err), 0);
	diff = intent_diff(i, next);
	assert_int_equal(
		json_array_size(json_object_get(
			json_object_get(diff, "responses"), "removed")),
		1);
	json_decref(diff);
	assert_int_equal(intent_without_response(next, 3, &next, &err),
			 -ENOENT);
	intent_put(next);
	intent_put(again);
	intent_put(i);
	json_decref(o);
	json_decref(whole);
	free(yaml);
	free(text);
}

static void test_meets(void **state)
{
	static const struct {
		uint32_t id;
		const char *event, *groups;
		bool want;
	} rows[] = {
		{ 10,
		  "{\"kind\":\"violation\",\"port\":80,\"severity\":"
		  "\"medium\"}",
		  "[\"web\"]", true },
		{ 10,
		  "{\"kind\":\"violation\",\"port\":443,\"severity\":"
		  "\"critical\"}",
		  "[\"a\",\"web\"]", true },
		{ 10,
		  "{\"kind\":\"violation\",\"port\":81,\"severity\":"
		  "\"medium\"}",
		  "[\"web\"]", false },
		{ 10,
		  "{\"kind\":\"violation\",\"port\":80,\"severity\":\"low\"}",
		  "[\"web\"]", false },
		{ 10, "{\"kind\":\"violation\",\"port\":80}", "[\"web\"]",
		  false },
		{ 10,
		  "{\"kind\":\"violation\",\"port\":80,\"severity\":\"high\"}",
		  "[\"webs\"]", false },
		{ 10,
		  "{\"kind\":\"violation\",\"port\":80,\"severity\":\"high\"}",
		  NULL, false },
		{ 10, "{\"kind\":\"threat\",\"port\":80,\"severity\":\"high\"}",
		  "[\"web\"]", false },
		{ 10,
		  "{\"kind\":\"violation\",\"port\":80,\"severity\":\"high\","
		  "\"request\":\"x\"}",
		  "[\"web\"]", false },
		{ 9, "{\"kind\":\"threat\"}", NULL, true },
		{ 9, "{}", NULL, false },
		{ 3, "{\"kind\":\"state\"}", NULL, false }, /* disabled */
	};
	struct intent *i = read_yaml(policy);

	for (size_t n = 0; n < ARRAY_LEN(rows); n++) {
		json_t *event = json(rows[n].event);
		json_t *groups = rows[n].groups ? json(rows[n].groups) : NULL;

		assert_row(rows[n].event,
			   intent_response_meets(intent_response(i, rows[n].id),
						 event,
						 groups) == rows[n].want);
		json_decref(event);
		json_decref(groups);
	}
	intent_put(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_meets),
	};

	return cmocka_run_group_tests_name("intent_responses", tests, NULL,
					   NULL);
}
