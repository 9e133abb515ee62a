/*
 * Sensors in the text form, what groups say of them, what a data plane is told
 * of whom, and changes of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/sensor.h"
#include "intent/intent.h"
#include "test.h"
#include "wire/words.h"

static struct intent *from_yaml(const char *text)
{
	struct intent *i = NULL;
	struct err err = { 0 };

	if (intent_from_yaml(text, strlen(text), "f", &i, &err) != 0)
		fail_msg("%s: %s\n%s", err.at, err.text, text);
	return i;
}

/* Takes v. */
static void assert_json(const char *name, json_t *v, const char *want)
{
	json_t *w = json_loads(want, JSON_DECODE_ANY, NULL);

	assert_non_null(w);
	if (!json_equal(v, w)) {
		char *text = json_dumps(v, JSON_ENCODE_ANY);

		fail_msg("row \"%s\": got %s", name, text);
	}
	json_decref(v);
	json_decref(w);
}

/* --- the text form ---------------------------------------------------- */

static const char whole[] =
	"groups:\n"
	"- name: web\n"
	"  mode: protect\n"
	"  dlp: [{sensor: cards, action: block}, {sensor: customers}]\n"
	"  waf: [{sensor: shells, action: block}]\n"
	"  signatures: alert\n"
	"---\n"
	"sensors:\n"
	"- name: customers\n"
	"  patterns:\n"
	"  - {secret: [card_number, iban], where: body, count: 3}\n"
	"  - {regex: customer, flags: i}\n"
	"- {id: 45007, name: shells, kind: waf, patterns: [{regex: "
	"'/bin/.?sh', "
	"where: url, not: true}]}\n";

static void test_round(void **state)
{
	struct intent *i = from_yaml(whole), *again = NULL;
	char *yaml = intent_to_yaml(i), *text = intent_to_text(i);
	json_t *o = intent_to_json(i), *s, *told = json_loads(text, 0, NULL);
	struct err err = { 0 };

	s = json_object_get(o, "sensors");
	assert_int_equal(json_array_size(s), 2);
	assert_json("group", json_incref(json_object_get(o, "groups")),
		    "[{\"name\":\"web\",\"mode\":\"protect\",\"dlp\":["
		    "{\"sensor\":\"cards\",\"action\":\"block\"},"
		    "{\"sensor\":\"customers\",\"action\":\"alert\"}],"
		    "\"waf\":[{\"sensor\":\"shells\",\"action\":\"block\"}],"
		    "\"signatures\":\"alert\"}]");
	assert_json("sensor", json_incref(json_array_get(s, 1)),
		    "{\"id\":45007,\"name\":\"shells\",\"kind\":\"waf\","
		    "\"patterns\":[{\"regex\":\"/bin/.?sh\",\"where\":\"url\","
		    "\"not\":true}]}");
	assert_true(json_equal(o, told));
	assert_int_equal(intent_from_json(o, &again, &err), 0);
	assert_json("from JSON", intent_diff(i, again), "{}");
	intent_put(again);
	again = from_yaml(yaml);
	assert_json("from YAML", intent_diff(i, again), "{}");
	intent_put(again);
	intent_put(i);
	json_decref(o);
	json_decref(told);
	free(yaml);
	free(text);
}

static json_int_t id_of(const struct intent *i, const char *name)
{
	json_t *all = intent_sensors(i), *s;
	json_int_t id = 0;
	size_t n;

	json_array_foreach (all, n, s)
		if (strcmp(json_string_value(json_object_get(s, "name")),
			   name) == 0)
			id = json_integer_value(json_object_get(s, "id"));
	json_decref(all);
	return id;
}

/* By the name, whoever else is there. */
static void test_ids(void **state)
{
	struct intent *i = from_yaml(whole);
	struct intent *j =
		from_yaml("sensors: [{name: a, patterns: [{regex: a}]},"
			  " {name: b, kind: waf, patterns: [{regex: a}]},"
			  " {name: customers, patterns: [{regex: b}]}]");
	json_int_t customers = id_of(i, "customers");
	struct intent *k;
	char text[160];

	assert_in_range(customers, 30100, DLP_ID_WAF - 1);
	assert_int_equal(id_of(j, "customers"), customers);
	assert_in_range(id_of(j, "b"), 45000, DLP_ID_MAX);
	assert_int_equal(id_of(i, "cards"), 30001);
	/* who has an id keeps it; the other one takes another */
	(void)snprintf(text, sizeof text,
		       "sensors: [{name: customers, patterns: [{regex: a}]},"
		       " {id: %d, name: a, patterns: [{regex: a}]}]",
		       (int)customers);
	k = from_yaml(text);
	assert_int_equal(id_of(k, "a"), customers);
	assert_int_equal(id_of(k, "customers"), customers + 1);
	intent_put(i);
	intent_put(j);
	intent_put(k);
}

#define SENSOR_A "sensors: [{name: a, patterns: [{regex: a}]}]\n"

static const struct {
	const char *name, *yaml, *at, *text;
} bad[] = {
	{ "unknown sensor",
	  SENSOR_A "groups:\n- name: g\n  dlp:\n  - {sensor: a}\n"
		   "  - {sensor: b}\n",
	  "f:6:6", "no sensor \"b\"" },
	{ "twice",
	  SENSOR_A "groups:\n- name: g\n  dlp: [{sensor: a}, {sensor: a}]\n",
	  "f:4:23", "twice" },
	{ "dlp under waf", "groups:\n- name: g\n  waf: [{sensor: keys}]\n",
	  "f:3:10", "is a sensor of dlp" },
	{ "action", "groups:\n- name: g\n  dlp: [{sensor: keys, action: drop}]",
	  "f:3:24", "expected alert or block" },
	{ "no list", "groups:\n- name: g\n  dlp: keys\n", "f:3:3", "" },
	{ "signatures", "groups:\n- {name: g, signatures: on}\n", "f:2:13",
	  "expected off, alert or enforce" },
	{ "addresses",
	  "groups:\n- name: g\n  dlp: [{sensor: keys}]\n"
	  "  where: [{key: address, value: 10.0.0.0/8}]\n",
	  "f:3:3", "nothing is looked for at addresses" },
	{ "one's name twice", SENSOR_A "---\n" SENSOR_A, "f:3:12",
	  "another sensor \"a\"" },
	{ "a ready one's name",
	  "sensors: [{name: cards, patterns: [{regex: a}]}]", "f:1:12",
	  "always there" },
	{ "a name", "sensors: [{name: a=b, patterns: [{regex: a}]}]", "f:1:12",
	  "expected 1.." },
	{ "an id twice",
	  "sensors: [{id: 30001, name: a, patterns: [{regex: a}]}]", "f:1:12",
	  "another sensor 30001" },
	{ "an expression",
	  "sensors:\n- name: a\n  patterns:\n  - {regex: b}\n"
	  "  - {regex: '(a'}\n",
	  "f:5:6", "parenthesis" },
	{ "a secret",
	  "sensors:\n- name: a\n  patterns: [{secret: shoe_size}]\n", "f:3:15",
	  "kind of secret" },
	{ "no pattern", "sensors:\n- name: a\n  patterns: []\n", "f:3:3",
	  "at least one" },
	{ "a member", "sensors: [{name: a, patern: x, patterns: [{regex: a}]}]",
	  "f:1:21", "unknown" },
	{ "no sensor", "sensors: [a]", "f:1:11", "" },
	{ "no name", "sensors: [{patterns: [{regex: a}]}]", "f:1:11",
	  "missing" },
};

static void test_bad(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
		struct intent *i = NULL;
		struct err err = { 0 };
		int rc = intent_from_yaml(bad[k].yaml, strlen(bad[k].yaml), "f",
					  &i, &err);

		if (rc != -EINVAL || strcmp(err.at, bad[k].at) != 0 ||
		    !strstr(err.text, bad[k].text))
			fail_msg("row \"%s\": %d %s: %s", bad[k].name, rc,
				 err.at, err.text);
		assert_null(i);
	}
}

/* One list is far too long: there is no place for the other one either. */
static void test_many(void **state)
{
	char text[32768];
	size_t at = (size_t)snprintf(text, sizeof text,
				     "groups:\n- name: g\n"
				     "  dlp: [{sensor: keys}]\n  waf:\n");
	struct intent *i = NULL;
	struct err err = { 0 };

	for (unsigned k = 0; k < 2 * INTENT_USES_MAX + 1; k++)
		at += (size_t)snprintf(text + at, sizeof text - at,
				       "  - {sensor: w%u}\n", k);
	assert_int_equal(intent_from_yaml(text, at, "f", &i, &err), -E2BIG);
	assert_null(i);
}

/* --- of whom what ----------------------------------------------------- */

static struct intent_workload workload(const char *name, struct mac *mac)
{
	return (struct intent_workload){
		.id = name,
		.about = json_pack("{s:s}", "name", name),
		.macs = mac,
		.n_macs = 1,
	};
}

static void check_each(const struct intent *i, const struct intent_workload *w)
{
	assert_json("of one", intent_detection_of(i, &w[2]),
		    "{\"sensors\":[{\"sensor\":\"cards\",\"kind\":\"dlp\","
		    "\"id\":30001,\"action\":\"alert\"},"
		    "{\"sensor\":\"keys\",\"kind\":\"dlp\",\"id\":30004,"
		    "\"action\":\"alert\"}],\"signatures\":\"alert\"}");
	assert_json("of another", intent_detection_of(i, &w[5]),
		    "{\"sensors\":[],\"signatures\":\"enforce\"}");
}

/* Who is not diverted is not spoken of. */
static void check_not_diverted(const struct intent *i,
			       const struct intent_world *world,
			       struct intent_workload *w)
{
	struct err err = { 0 };
	char *text;

	for (size_t k = 0; k < world->n; k++)
		w[k].n_macs = 0;
	text = intent_compile_detection(i, world, &err);
	assert_string_equal(text, "{\"sensors\":[],\"workloads\":[]}");
	free(text);
}

static void test_compiled(void **state)
{
	static const char *const names[] = { "web", "web-2", "db",
					     "x",   "off",   "plain" };
	struct intent *i = from_yaml(
		"groups:\n"
		"- {name: webs, mode: protect, dlp: [{sensor: cards}],"
		" where: [{key: name, op: prefix, value: web}]}\n"
		"- {name: all, dlp: [{sensor: cards, action: block},"
		" {sensor: keys}], signatures: alert, where: ["
		"{key: name, op: in, value: [web, web-2, db]}]}\n"
		"- {name: web, waf: [{sensor: w, action: block}],"
		" signatures: enforce}\n"
		"- {name: web-2, waf: [{sensor: w, action: block}],"
		" signatures: enforce}\n"
		"- {name: off, mode: protect, signatures: off}\n"
		"- {name: plain, mode: protect}\n"
		"- {name: nobody, dlp: [{sensor: bank_accounts}]}\n"
		"sensors: [{id: 45001, name: w, kind: waf, patterns: ["
		"{regex: a}]}]\n");
	struct intent_workload w[ARRAY_LEN(names)];
	struct mac macs[ARRAY_LEN(names)];
	struct intent_world world = { .workloads = w, .n = ARRAY_LEN(names) };
	struct sensor_list *l = NULL;
	struct err err = { 0 };
	json_t *v;
	char *text;

	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		macs[k] = (struct mac){ { 2, 0, 0, 0, 0, (uint8_t)(k + 1) } };
		w[k] = workload(names[k], &macs[k]);
	}
	text = intent_compile_detection(i, &world, &err);
	assert_non_null(text);
	v = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(v);
	/* web and web-2: the strictest of each; db: in no mode that blocks */
	assert_json("workloads", json_incref(json_object_get(v, "workloads")),
		    "[{\"macs\":[\"02:00:00:00:00:01\",\"02:00:00:00:00:02\"],"
		    "\"sensors\":[{\"id\":30001,\"action\":\"block\"},"
		    "{\"id\":30004,\"action\":\"alert\"},"
		    "{\"id\":45001,\"action\":\"block\"}],"
		    "\"signatures\":\"enforce\"},"
		    "{\"macs\":[\"02:00:00:00:00:03\"],"
		    "\"sensors\":[{\"id\":30001,\"action\":\"alert\"},"
		    "{\"id\":30004,\"action\":\"alert\"}],"
		    "\"signatures\":\"alert\"},"
		    "{\"macs\":[\"02:00:00:00:00:04\"],\"sensors\":[],"
		    "\"signatures\":\"alert\"},"
		    "{\"macs\":[\"02:00:00:00:00:05\"],\"sensors\":[],"
		    "\"signatures\":\"off\"}]");
	/* those that are used, as a data plane reads them */
	assert_int_equal(
		sensor_list_parse(json_object_get(v, "sensors"), &l, &err), 0);
	assert_int_equal(sensor_list_len(l), 3);
	assert_int_equal(sensor_list_at(l, 0)->id, 30001);
	assert_int_equal(sensor_list_at(l, 1)->id, 30004);
	assert_int_equal(sensor_list_at(l, 2)->id, 45001);
	sensor_list_free(l);
	json_decref(v);
	free(text);
	check_each(i, w);
	check_not_diverted(i, &world, w);
	for (size_t k = 0; k < ARRAY_LEN(names); k++)
		json_decref((json_t *)(uintptr_t)w[k].about);
	intent_put(i);
}

/* --- changes ---------------------------------------------------------- */

static void test_diff(void **state)
{
	struct intent *a = from_yaml(
		"sensors: [{id: 30200, name: a, patterns: [{regex: a}]},"
		" {id: 30201, name: b, patterns: [{regex: b}]}]");
	struct intent *b = from_yaml(
		"sensors: [{id: 30202, name: c, patterns: [{regex: c}]},"
		" {id: 30200, name: a, patterns: [{regex: a2}]}]");

	assert_json(
		"diff", intent_diff(a, b),
		"{\"sensors\":{\"added\":[{\"id\":30202,\"name\":\"c\","
		"\"kind\":\"dlp\",\"patterns\":[{\"regex\":\"c\"}]}],"
		"\"removed\":[{\"id\":30201,\"name\":\"b\",\"kind\":\"dlp\","
		"\"patterns\":[{\"regex\":\"b\"}]}],"
		"\"changed\":[{\"from\":{\"id\":30200,\"name\":\"a\","
		"\"kind\":\"dlp\",\"patterns\":[{\"regex\":\"a\"}]},"
		"\"to\":{\"id\":30200,\"name\":\"a\",\"kind\":\"dlp\","
		"\"patterns\":[{\"regex\":\"a2\"}]}}]}}");
	intent_put(a);
	intent_put(b);
}

static const struct {
	const char *name, *part, *group;
} parts[] = {
	{ "one more", "{\"name\":\"web\",\"dlp\":[{\"sensor\":\"keys\"}]}",
	  "{\"name\":\"web\",\"mode\":\"protect\",\"comment\":\"c\",\"dlp\":["
	  "{\"sensor\":\"cards\",\"action\":\"block\"},"
	  "{\"sensor\":\"keys\",\"action\":\"alert\"}],"
	  "\"signatures\":\"off\"}" },
	{ "another action",
	  "{\"name\":\"web\",\"dlp\":[{\"sensor\":\"cards\"}],"
	  "\"signatures\":null}",
	  "{\"name\":\"web\",\"mode\":\"protect\",\"comment\":\"c\",\"dlp\":["
	  "{\"sensor\":\"cards\",\"action\":\"alert\"}]}" },
	{ "off",
	  "{\"name\":\"web\",\"dlp\":[{\"sensor\":\"cards\",\"action\":\"off\"}"
	  ","
	  "{\"sensor\":\"none\",\"action\":\"off\"}],\"comment\":null}",
	  "{\"name\":\"web\",\"mode\":\"protect\",\"signatures\":\"off\"}" },
	{ "all of a kind",
	  "{\"name\":\"web\",\"dlp\":null,\"mode\":\"monitor\"}",
	  "{\"name\":\"web\",\"mode\":\"monitor\",\"comment\":\"c\","
	  "\"signatures\":\"off\"}" },
};

static void test_parts(void **state)
{
	struct intent *i = from_yaml(
		"groups: [{name: web, mode: protect, comment: c, dlp: ["
		"{sensor: cards, action: block}], signatures: off}]");
	struct intent *next = NULL;
	struct err err = { 0 };
	json_t *part, *o;

	for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
		part = json_loads(parts[k].part, 0, NULL);
		if (intent_with_group_part(i, part, &next, &err) != 0)
			fail_msg("row \"%s\": %s: %s", parts[k].name, err.at,
				 err.text);
		o = intent_to_json(next);
		assert_json(parts[k].name,
			    json_incref(json_array_get(
				    json_object_get(o, "groups"), 0)),
			    parts[k].group);
		json_decref(o);
		json_decref(part);
		intent_put(next);
	}
	/* one that is not written yet */
	part = json_loads("{\"name\":\"db\",\"dlp\":[{\"sensor\":\"keys\"}]}",
			  0, NULL);
	assert_int_equal(intent_with_group_part(i, part, &next, &err), 0);
	o = intent_to_json(next);
	assert_json(
		"new",
		json_incref(json_array_get(json_object_get(o, "groups"), 1)),
		"{\"name\":\"db\",\"dlp\":[{\"sensor\":\"keys\","
		"\"action\":\"alert\"}]}");
	json_decref(o);
	json_decref(part);
	intent_put(next);
	part = json_loads("{\"name\":\"web\",\"dlp\":[{\"sensor\":\"no\"}]}", 0,
			  NULL);
	next = NULL;
	assert_int_equal(intent_with_group_part(i, part, &next, &err), -EINVAL);
	assert_string_equal(err.at, "dlp[1].sensor");
	assert_null(next);
	json_decref(part);
	intent_put(i);
}

/* NetworkPolicies alone leave sensors be; with sensors it is a whole policy. */
static void test_network_policies(void **state)
{
	static const char policy[] =
		"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
		"metadata: {name: db, namespace: shop}\n"
		"spec: {podSelector: {matchLabels: {app: db}}, "
		"policyTypes: [Ingress]}\n";
	struct intent *i = from_yaml(whole), *alone = from_yaml(policy);
	struct intent *next = NULL, *both;
	struct err err = { 0 };
	char text[sizeof policy + 128];
	json_t *o;

	assert_true(intent_is_network_policies(alone));
	assert_int_equal(intent_with_network_policies(i, alone, &next, &err),
			 0);
	o = intent_to_json(next);
	assert_int_equal(json_array_size(json_object_get(o, "sensors")), 2);
	json_decref(o);
	(void)snprintf(text, sizeof text, "%s---\n%s", policy, SENSOR_A);
	both = from_yaml(text);
	assert_false(intent_is_network_policies(both));
	intent_put(i);
	intent_put(alone);
	intent_put(next);
	intent_put(both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_compiled),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_network_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
