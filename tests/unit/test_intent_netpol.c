/*
 * NetworkPolicies as Kubernetes' documentation describes them: who may speak
 * with whom afterwards; what is written for them; and what is refused.
 *
 *	web   10.0.0.1  namespace shop, app=web, tier=front
 *	api   10.0.0.2  namespace shop, app=api
 *	mon   10.0.0.3  namespace ops, app=mon
 *	node  10.0.0.254           out  198.51.100.7
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "intent/intent.h"
#include "intent/judge.h"
#include "test.h"
#include "wire/words.h"

#define HEAD(name)                                                \
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n" \
	"metadata: {name: " name ", namespace: shop}\n"           \
	"spec:\n"

enum who { WEB, API, MON, NODE, OUT, WHO__MAX };

static const char *const addr_texts[WHO__MAX] = {
	"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.254", "198.51.100.7",
};
static const char *const abouts[] = {
	"{\"name\":\"web-1\",\"namespace\":\"shop\","
	"\"labels\":{\"app\":\"web\",\"tier\":\"front\"}}",
	"{\"name\":\"api-1\",\"namespace\":\"shop\",\"labels\":{\"app\":"
	"\"api\"}}",
	"{\"name\":\"mon-1\",\"namespace\":\"ops\",\"labels\":{\"app\":\"mon\"}"
	"}",
};

static struct ip_addr addrs[WHO__MAX];
static struct intent_workload workloads[3];
static const struct intent_world world = { workloads, 3, &addrs[NODE], 1 };

static int start(void **state)
{
	for (int k = 0; k < WHO__MAX; k++)
		assert_int_equal(ip_parse(addr_texts[k], &addrs[k]), 0);
	for (int k = 0; k < 3; k++)
		workloads[k] = (struct intent_workload){
			.id = "w",
			.about = json_loads(abouts[k], 0, NULL),
			.addrs = &addrs[k],
			.n_addrs = 1,
		};
	return 0;
}

static int stop(void **state)
{
	for (int k = 0; k < 3; k++)
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

#define WEB_FROM_API                                                         \
	HEAD("from-api")                                                     \
	"  podSelector: {matchLabels: {app: web}}\n"                         \
	"  ingress:\n  - from: [{podSelector: {matchLabels: {app: api}}}]\n" \
	"    ports: [{port: 80}]\n"
#define WEB_FROM_OPS                                                \
	HEAD("from-ops")                                            \
	"  podSelector: {matchLabels: {app: web}}\n"                \
	"  ingress:\n  - from: [{namespaceSelector: {matchLabels: " \
	"{kubernetes.io/metadata.name: ops}}}]\n"                   \
	"    ports: [{port: 8000, endPort: 8100, protocol: UDP}]\n"

static const struct {
	const char *name, *yaml;
	enum who client, server;
	uint8_t proto;
	uint16_t port;
	bool allowed;
} rows[] = {
	{ "not selected", WEB_FROM_API, WEB, API, 6, 80, true },
	{ "egress of the selected is free", WEB_FROM_API, WEB, OUT, 6, 80,
	  true },
	{ "who may", WEB_FROM_API, API, WEB, 6, 80, true },
	{ "another port", WEB_FROM_API, API, WEB, 6, 81, false },
	{ "another protocol", WEB_FROM_API, API, WEB, 17, 80, false },
	{ "another pod", WEB_FROM_API, MON, WEB, 6, 80, false },
	{ "outside", WEB_FROM_API, OUT, WEB, 6, 80, false },
	{ "its node", WEB_FROM_API, NODE, WEB, 6, 22, true },
	{ "two add up: one", WEB_FROM_API "---\n" WEB_FROM_OPS, API, WEB, 6, 80,
	  true },
	{ "two add up: other", WEB_FROM_API "---\n" WEB_FROM_OPS, MON, WEB, 17,
	  8050, true },
	{ "two add up: neither", WEB_FROM_API "---\n" WEB_FROM_OPS, MON, WEB, 6,
	  80, false },
	{ "end of a range", WEB_FROM_OPS, MON, WEB, 17, 8101, false },
	{ "deny all", HEAD("x") "  podSelector: {}\n", MON, API, 6, 80, false },
	{ "deny all of one namespace", HEAD("x") "  podSelector: {}\n", API,
	  MON, 6, 80, true },
	{ "allow all", HEAD("x") "  podSelector: {}\n  ingress: [{}]\n", OUT,
	  API, 6, 80, true },
	{ "egress only",
	  HEAD("x") "  podSelector: {}\n  policyTypes: [Egress]\n", WEB, OUT, 6,
	  443, false },
	{ "egress only: ingress is free",
	  HEAD("x") "  podSelector: {}\n  policyTypes: [Egress]\n", MON, WEB, 6,
	  443, true },
	{ "both ends must agree",
	  WEB_FROM_API "---\n" HEAD("x") "  podSelector: {matchLabels: "
					 "{app: api}}\n"
					 "  policyTypes: [Egress]\n",
	  API, WEB, 6, 80, false },
	{ "both ends do",
	  WEB_FROM_API "---\n" HEAD(
		  "x") "  podSelector: {matchLabels: {app: api}}\n"
		       "  egress: [{to: [{podSelector: {matchLabels: {app: "
		       "web}}}]}]\n",
	  API, WEB, 6, 80, true },
	{ "block",
	  HEAD("x") "  podSelector: {}\n  egress:\n  - to:\n    - ipBlock: "
		    "{cidr: 198.51.100.0/24, except: [198.51.100.0/29]}\n",
	  WEB, OUT, 6, 443, false },
	{ "block, not excepted",
	  HEAD("x") "  podSelector: {}\n  egress:\n  - to:\n    - ipBlock: "
		    "{cidr: 198.51.100.0/24, except: [198.51.100.8/29]}\n",
	  WEB, OUT, 6, 443, true },
	{ "expressions",
	  HEAD("x") "  podSelector: {matchExpressions: [{key: tier, operator: "
		    "Exists}, {key: app, operator: NotIn, values: [api]}]}\n",
	  MON, WEB, 6, 80, false },
	{ "expressions, not selected",
	  HEAD("x") "  podSelector: {matchExpressions: [{key: tier, operator: "
		    "DoesNotExist}]}\n",
	  MON, WEB, 6, 80, true },
	{ "in and in",
	  HEAD("x") "  podSelector: {matchLabels: {app: web}, "
		    "matchExpressions: [{key: app, operator: In, values: [web, "
		    "api]}]}\n",
	  MON, API, 6, 80, true },
	{ "all namespaces",
	  HEAD("x") "  podSelector: {}\n  ingress: [{from: "
		    "[{namespaceSelector: {}}]}]\n",
	  MON, WEB, 6, 80, true },
	{ "all namespaces, outside",
	  HEAD("x") "  podSelector: {}\n  ingress: [{from: "
		    "[{namespaceSelector: {}}]}]\n",
	  OUT, WEB, 6, 80, false },
	{ "namespace and pod",
	  HEAD("x") "  podSelector: {}\n  ingress: [{from: [{podSelector: "
		    "{matchLabels: {app: mon}}, namespaceSelector: "
		    "{matchExpressions: [{key: kubernetes.io/metadata.name, "
		    "operator: NotIn, values: [shop]}]}}]}]\n",
	  MON, WEB, 6, 80, true },
	{ "pod of the own namespace",
	  HEAD("x") "  podSelector: {}\n  ingress: [{from: [{podSelector: "
		    "{matchLabels: {app: mon}}}]}]\n",
	  MON, WEB, 6, 80, false },
	{ "a contradiction selects nobody",
	  HEAD("x") "  podSelector: {matchExpressions: [{key: app, operator: "
		    "In, values: [web]}, {key: app, operator: NotIn, values: "
		    "[web]}]}\n",
	  MON, WEB, 6, 80, true },
	{ "namespaces whose labels nobody knows: has",
	  HEAD("x") "  podSelector: {}\n  ingress: [{from: "
		    "[{namespaceSelector: {matchLabels: {team: a}}}]}]\n",
	  MON, WEB, 6, 80, false },
	{ "namespaces whose labels nobody knows: has not",
	  HEAD("x") "  podSelector: {}\n  ingress: [{from: "
		    "[{namespaceSelector: {matchExpressions: [{key: team, "
		    "operator: DoesNotExist}]}}]}]\n",
	  MON, WEB, 6, 80, false },
	{ "a name that no port has",
	  HEAD("x") "  podSelector: {}\n  ingress: [{ports: [{port: http}]}]\n",
	  MON, WEB, 6, 80, false },
	{ "the user's rule stands before",
	  WEB_FROM_API "---\nrules: [{from: mon-1.ops, to: web-1.shop, action: "
		       "allow}]\n",
	  MON, WEB, 6, 80, true },
};

static void test_verdicts(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct intent *i = from_yaml(rows[k].yaml);
		enum who c = rows[k].client, s = rows[k].server;
		struct intent_connection q = {
			.client = c < 3 ? (size_t)c : INTENT_NOBODY,
			.server = s < 3 ? (size_t)s : INTENT_NOBODY,
			.client_addr = addrs[c],
			.server_addr = addrs[s],
			.proto = rows[k].proto,
			.port = rows[k].port,
		};
		struct err err = { 0 };
		struct intent_judge *j = intent_judge_new(i, &world, 1, &err);

		assert_non_null(j);
		assert_row(rows[k].name, (intent_judge_ask(j, &q).action !=
					  POLICY_DENY) == rows[k].allowed);
		intent_judge_free(j);
		intent_put(i);
	}
}

/* It is written as what it became, and read again as the same. */
static void test_written(void **state)
{
	struct intent *i = from_yaml(WEB_FROM_API), *again;
	char *text = intent_to_yaml(i);
	json_t *diff;

	assert_non_null(strstr(text, "name: np.shop.from-api\n"));
	assert_non_null(strstr(text, "origin: network-policy\n"));
	again = from_yaml(text);
	diff = intent_diff(i, again);
	assert_int_equal(json_object_size(diff), 0);
	json_decref(diff);
	free(text);
	intent_put(i);
	intent_put(again);
}

static const struct {
	const char *name, *yaml, *at, *text;
} bad[] = {
	{ "version",
	  "kind: NetworkPolicy\napiVersion: v1\nmetadata: {name: a}\n", "f:2:1",
	  "expected networking" },
	{ "no spec",
	  "kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\n"
	  "metadata: {name: a}\n",
	  "f:1:1", "missing" },
	{ "no selector", HEAD("x") "  ingress: []\n", "f:4:1", "missing" },
	{ "unknown", HEAD("x") "  podSelector: {}\n  ingres: []\n", "f:6:3",
	  "is \"ingress\" meant" },
	{ "named port",
	  HEAD("x") "  podSelector: {}\n  ingress:\n  - ports:\n    - port: "
		    "'80'\n",
	  "f:8:7", "a port's name" },
	{ "named port, and an end",
	  HEAD("x") "  podSelector: {}\n  ingress: [{ports: [{port: http, "
		    "endPort: 80}]}]\n",
	  "f:6:35", "at least port" },
	{ "end port",
	  HEAD("x") "  podSelector: {}\n  ingress: [{ports: [{port: 9, "
		    "endPort: 8}]}]\n",
	  "f:6:32", "at least port" },
	{ "protocol",
	  HEAD("x") "  podSelector: {}\n  ingress: [{ports: [{protocol: tcp}]}]"
		    "\n",
	  "f:6:23", "TCP, UDP" },
	{ "block and pods",
	  HEAD("x") "  podSelector: {}\n  ingress:\n  - from:\n    - "
		    "{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}\n",
	  "f:8:25", "alone" },
	{ "empty peer",
	  HEAD("x") "  podSelector: {}\n  ingress: [{from: "
		    "[{}]}]\n",
	  "f:6:21", "expected this" },
	{ "cidr",
	  HEAD("x") "  podSelector: {}\n  ingress: [{from: [{ipBlock: {cidr: "
		    "10.0.0.1/8}}]}]\n",
	  "f:6:32", "a network" },
	{ "operator",
	  HEAD("x") "  podSelector: {matchExpressions: [{key: a, operator: "
		    "Gt, values: ['1']}]}\n",
	  "f:5:45", "NotIn" },
	{ "type", HEAD("x") "  podSelector: {}\n  policyTypes: [ingress]\n",
	  "f:6:17", "expected Ingress" },
	{ "left out",
	  HEAD("x") "  podSelector: {}\n  policyTypes: [Egress]\n  ingress: "
		    "[{}]\n",
	  "f:6:3", "leaves out" },
	{ "twice", WEB_FROM_API "---\n" WEB_FROM_API, "f:10:1", "another" },
	{ "in the second document", "rules: []\n---\n" HEAD("x") "  a: b\n",
	  "f:6:1", "missing" },
};

static void test_bad(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
		struct intent *i = NULL;
		struct err err = { 0 };
		int rc = intent_from_yaml(bad[k].yaml, strlen(bad[k].yaml), "f",
					  &i, &err);

		assert_row(bad[k].name, rc == -EINVAL && !i);
		if (strcmp(err.at, bad[k].at) != 0 ||
		    !strstr(err.text, bad[k].text))
			fail_msg("row \"%s\": %s: %s", bad[k].name, err.at,
				 err.text);
	}
}

/* One that was cut would be another label's, and select nobody. */
static void test_long_label(void **state)
{
	char yaml[2048];
	struct intent *i = NULL;
	struct err err;
	int n;

	for (int len = INTENT_VALUE_MAX - 9; len <= INTENT_VALUE_MAX - 8;
	     len++) {
		n = snprintf(yaml, sizeof yaml,
			     HEAD("x") "  podSelector: {matchLabels: {%0*d: "
				       "b}}\n",
			     len, 7);
		assert_int_equal(
			intent_from_yaml(yaml, (size_t)n, "f", &i, &err),
			len == INTENT_VALUE_MAX - 9 ? 0 : -E2BIG);
		intent_put(i);
		i = NULL;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long_label),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
