/*
 * An intent as NetworkPolicies: what is written, what is told as not said, and that
 * policies which are read again judge as the intent does, for random ones.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intent/judge.h"
#include "intent/netpol_export.h"
#include "seed.h"
#include "wire/words.h"

#define PODS 8

static const char *const abouts[PODS] = {
	"{\"name\":\"w\",\"service\":\"web\",\"namespace\":\"shop\",\"labels\":"
	"{"
	"\"app\":\"web\",\"tier\":\"front\",\"pod-template-hash\":\"1\"}",
	"{\"name\":\"w\",\"service\":\"web\",\"namespace\":\"shop\",\"labels\":"
	"{"
	"\"app\":\"web\",\"pod-template-hash\":\"2\"}",
	"{\"name\":\"d\",\"service\":\"db\",\"namespace\":\"shop\",\"labels\":{"
	"\"app\":\"db\"}",
	"{\"name\":\"x\",\"service\":\"bare\",\"namespace\":\"shop\"",
	"{\"name\":\"m\",\"service\":\"mon\",\"namespace\":\"ops\",\"labels\":{"
	"\"app\":\"mon\",\"tier\":\"front\"}",
	"{\"name\":\"l\",\"service\":\"log\",\"namespace\":\"ops\",\"labels\":{"
	"\"app\":\"log\"}",
	"{\"name\":\"a\",\"service\":\"a\",\"namespace\":\"lab\",\"labels\":{"
	"\"app\":\"web\"}",
	"{\"name\":\"b\",\"service\":\"b\",\"namespace\":\"lab\",\"labels\":{"
	"\"tier\":\"back\"}",
};

static struct intent_workload workloads[PODS];
static struct ip_addr addrs[PODS], outside[2], node;
static const struct intent_world world = { workloads, PODS, &node, 1, true };

static int start(void **state)
{
	for (unsigned k = 0; k < PODS; k++) {
		char text[512];
		json_t *about, *space;
		const char *name;

		(void)snprintf(text, sizeof text,
			       "%s,\"named_ports\":{\"tcp/http\":%u}}",
			       abouts[k], 80 + k % 2);
		about = json_loads(text, 0, NULL);
		assert_non_null(about);
		name = json_string_value(json_object_get(about, "namespace"));
		space = json_pack("{s:s, s:s}", "kubernetes.io/metadata.name",
				  name, "team", name[0] == 'l' ? "ops" : name);
		json_object_set_new(about, "namespace_labels", space);
		addrs[k] = ip_from_v4(0x0a000001 + k);
		workloads[k] = (struct intent_workload){ .id = "w",
							 .about = about,
							 .addrs = &addrs[k],
							 .n_addrs = 1 };
	}
	node = ip_from_v4(0x0a0000fe);
	outside[0] = ip_from_v4(0xc6336407);
	outside[1] = ip_from_v4(0xc6336507);
	return 0;
}

static int stop(void **state)
{
	for (unsigned k = 0; k < PODS; k++)
		json_decref((json_t *)(uintptr_t)workloads[k].about);
	return 0;
}

static struct intent *from_yaml(const char *text)
{
	struct intent *i = NULL;
	struct err err = { 0 };

	if (intent_from_yaml(text, strlen(text), "f", &i, &err) != 0)
		fail_msg("%s: %s\n%s", err.at, err.text, text);
	return i;
}

/* --- what is told ----------------------------------------------------- */

#define PROTECTED "groups: [{name: web.shop, mode: protect}]\nrules:\n- "

static const struct {
	const char *name, *yaml, *has, *not_said;
} rows[] = {
	{ "a service by the labels that its pods have",
	  PROTECTED "{from: any, to: web.shop, action: allow}\n",
	  "\"key\":\"app\",\"operator\":\"In\",\"values\":[\"web\"]", "" },
	{ "isolated in both directions",
	  PROTECTED "{from: any, to: web.shop, action: allow}\n",
	  "\"policyTypes\":[\"Ingress\",\"Egress\"]", "" },
	{ "a network",
	  PROTECTED
	  "{from: 10.9.0.0/16, to: web.shop, ports: tcp/80, action: allow}\n",
	  "\"ipBlock\":{\"cidr\":\"10.9.0.0/16\"}", "" },
	{ "a range of addresses",
	  PROTECTED "{from: 10.9.0.4-10.9.0.6, to: web.shop, action: allow}\n",
	  "\"cidr\":\"10.9.0.6/32\"", "" },
	{ "ports",
	  PROTECTED "{from: any, to: web.shop, ports: [tcp/http, "
		    "udp/50-59], action: allow}\n",
	  "{\"protocol\":\"UDP\",\"port\":50,\"endPort\":59}", "" },
	{ "who is not protected has none",
	  "rules: [{from: any, to: web.shop, action: allow}]\n", NULL, "" },
	{ "a denial", PROTECTED "{from: any, to: web.shop, action: deny}\n",
	  NULL, "denies" },
	{ "an application",
	  PROTECTED "{from: any, to: web.shop, applications: "
		    "http, action: allow}\n",
	  NULL, "applications" },
	{ "a request",
	  PROTECTED "{from: any, to: web.shop, requests: "
		    "[{http.method: GET}], action: allow}\n",
	  NULL, "requests" },
	{ "a time",
	  PROTECTED "{from: any, to: web.shop, expires: 2037-01-01, "
		    "action: allow}\n",
	  NULL, "for a time" },
	{ "external",
	  PROTECTED "{from: web.shop, to: external, action: allow}\n", NULL,
	  "external" },
	{ "a host's name",
	  PROTECTED "{from: web.shop, to: 'fqdn:a.example', action: allow}\n",
	  NULL, "hosts" },
	{ "ICMP",
	  PROTECTED "{from: any, to: web.shop, ports: icmp, action: allow}\n",
	  NULL, "TCP, UDP and SCTP" },
	{ "pods by address",
	  PROTECTED "{from: any, to: 10.0.0.1, action: allow}\n", NULL,
	  "pods by address" },
	{ "a service without labels",
	  "groups: [{name: bare.shop, mode: protect}]\n", NULL, "labels" },
	{ "a group by image",
	  "groups: [{name: g, mode: protect, where: [{key: image, value: x}]}]"
	  "\n",
	  NULL, "labels and namespaces" },
	{ "all, but for some",
	  "default_mode: protect\ngroups: [{name: web.shop, mode: monitor}]\n",
	  NULL, "say less" },
};

static void test_rows(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct intent *i = from_yaml(rows[k].yaml);
		json_t *all = NULL, *not_said = NULL;
		char *text, *told;

		assert_int_equal(intent_to_network_policies(i, &world, 1, &all,
							    &not_said, NULL),
				 0);
		text = json_dumps(all, JSON_COMPACT);
		told = json_dumps(not_said, JSON_COMPACT);
		if (rows[k].has && !strstr(text, rows[k].has))
			fail_msg("row \"%s\": %s", rows[k].name, text);
		if (rows[k].not_said[0] ? !strstr(told, rows[k].not_said)
					: json_array_size(not_said) > 0)
			fail_msg("row \"%s\": %s", rows[k].name, told);
		free(text);
		free(told);
		json_decref(all);
		json_decref(not_said);
		intent_put(i);
	}
}

/* --- there and back --------------------------------------------------- */

static uint64_t random_state;

static uint32_t any(uint32_t below)
{
	return seed_draw(&random_state, below);
}

#define PICK(pool) ((pool)[any(ARRAY_LEN(pool))])

static json_t *some_term(void)
{
	static const char *const keys[] = { "label.app", "label.tier",
					    "namespace",
					    "namespace_label.team" };
	static const char *const values[] = { "web", "db",  "front",
					      "ops", "lab", "shop" };

	switch (any(5)) {
	case 0:
		return json_pack("{s:s, s:s, s:s}", "key", PICK(keys), "op",
				 "!=", "value", PICK(values));
	case 1:
		return json_pack("{s:s, s:s, s:s}", "key", PICK(keys), "op",
				 "prefix", "value", "");
	case 2:
		return json_pack("{s:s, s:s, s:[s, s]}", "key", PICK(keys),
				 "op", "in", "value", PICK(values),
				 PICK(values));
	case 3:
		return json_pack("{s:s, s:s}", "key", PICK(keys), "op",
				 "absent");
	default:
		return json_pack("{s:s, s:s}", "key", PICK(keys), "value",
				 PICK(values));
	}
}

static struct intent *some_intent(void)
{
	static const char *const names[] = { "g0", "g1", "g2", "g3" };
	static const char *const words[] = {
		"g0",	     "g1",	 "g2",	    "g3",   "any",
		"workloads", "web.shop", "mon.ops", "node", "198.51.100.0/24",
	};
	static const char *const ports[] = { "tcp/80", "tcp/81", "tcp/http",
					     "udp",    "any",	 "tcp/80-90" };
	static const char *const sides[] = { "client", "server" };
	json_t *o = json_object(), *groups = json_array(),
	       *rules = json_array();
	struct intent *i = NULL;
	struct err err = { 0 };

	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		json_t *g = json_pack("{s:s, s:[o]}", "name", names[k], "where",
				      some_term());

		if (any(2))
			json_array_append_new(json_object_get(g, "where"),
					      some_term());
		if (any(3))
			json_object_set_new(g, "mode", json_string("protect"));
		json_array_append_new(groups, g);
	}
	if (any(2))
		json_array_append_new(groups,
				      json_pack("{s:s, s:s}", "name",
						"web.shop", "mode", "protect"));
	for (uint32_t n = any(6); n > 0; n--) {
		json_t *r = json_pack("{s:[s, s], s:[s], s:[s], s:s}", "from",
				      PICK(words), PICK(words), "to",
				      PICK(words), "ports", PICK(ports),
				      "action", "allow");

		if (any(4) == 0)
			json_object_set_new(r, "side",
					    json_string(PICK(sides)));
		json_array_append_new(rules, r);
	}
	json_object_set_new(o, "groups", groups);
	json_object_set_new(o, "rules", rules);
	if (intent_from_json(o, &i, &err) != 0)
		fail_msg("%s: %s", err.at, err.text);
	json_decref(o);
	return i;
}

/* What kubectl would put into a cluster, as it comes from there. */
static struct intent *read_again(const json_t *all)
{
	json_t *list = json_array(), *notes = json_array(), *part = NULL, *p;
	struct intent *first = intent_new(), *i = NULL;
	struct err err = { 0 };
	size_t n;

	json_array_foreach (all, n, p) {
		const json_t *meta = json_object_get(p, "metadata");

		json_array_append_new(
			list, json_pack("{s:O, s:O, s:O}", "namespace",
					json_object_get(meta, "namespace"),
					"name", json_object_get(meta, "name"),
					"spec", json_object_get(p, "spec")));
	}
	if (intent_cluster_read(list, notes, &part, &err) != 0 ||
	    intent_with_cluster(first, part, first, &i, &err) != 0)
		fail_msg("%s: %s", err.at, err.text);
	if (json_array_size(notes) > 0)
		fail_msg("%s", json_string_value(json_array_get(notes, 0)));
	json_decref(list);
	json_decref(notes);
	json_decref(part);
	intent_put(first);
	return i;
}

static void compare(const struct intent_judge *a, const struct intent_judge *b,
		    const struct intent *i, const json_t *all)
{
	for (unsigned k = 0; k < 200; k++) {
		size_t from = any(PODS + 2), to = any(PODS + 2);
		struct intent_connection c = {
			.client = from < PODS ? from : INTENT_NOBODY,
			.server = to < PODS ? to : INTENT_NOBODY,
			.client_addr = from < PODS ? addrs[from]
						   : outside[from - PODS],
			.server_addr = to < PODS ? addrs[to]
						 : outside[to - PODS],
			.proto = any(3) ? IPPROTO_TCP : IPPROTO_UDP,
			.port = (uint16_t)(79 + any(4)),
		};
		bool x = intent_judge_ask(a, &c).action != POLICY_DENY;
		bool y = intent_judge_ask(b, &c).action != POLICY_DENY;
		char *text, *made;

		if (x == y)
			continue;
		text = intent_to_yaml(i);
		made = json_dumps(all, JSON_COMPACT);
		fail_msg("%zu -> %zu %u/%u: %d, %d\n%s\n%s", from, to, c.proto,
			 c.port, x, y, text, made);
	}
}

static void test_again(void **state)
{
	unsigned whole = 0;

	random_state = seed_choose() | 1;
	for (unsigned round = 0; round < 400; round++) {
		struct intent *i = some_intent(), *again;
		struct intent_judge *a, *b;
		json_t *all = NULL, *not_said = NULL;

		assert_int_equal(intent_to_network_policies(i, &world, 1, &all,
							    &not_said, NULL),
				 0);
		again = read_again(all);
		a = intent_judge_new(i, &world, 1, NULL);
		b = intent_judge_new(again, &world, 1, NULL);
		assert_true(a && b);
		if (json_array_size(not_said) == 0) {
			compare(a, b, i, all);
			whole++;
		}
		intent_judge_free(a);
		intent_judge_free(b);
		intent_put(i);
		intent_put(again);
		json_decref(all);
		json_decref(not_said);
	}
	assert_true(whole > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
