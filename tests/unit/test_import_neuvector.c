/*
 * NeuVector's resources in, Weir's policy and a report out; and the same connections
 * allowed and denied as NeuVector would: rules by the first that matches, denials in
 * Protect only, what no rule speaks of by the less restrictive mode of both groups
 * (strict: by each end's). The expectations are written by hand.
 *
 *	web    10.0.0.1  web.shop    label app=web, tier=front   image nginx:1.25
 *	db     10.0.0.2  db.shop     label app=db                image postgres:15
 *	job    10.0.0.3  job-7.ops   no labels                   image reg/job:1
 *	node   10.0.0.254            out  198.51.100.7
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/import.h"
#include "intent/judge.h"
#include "test.h"
#include "wire/app.h"
#include "wire/words.h"

enum who { WEB, DB, JOB, NODE, OUT, WHO__MAX };

static const char *const addr_texts[WHO__MAX] = {
	"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.254", "198.51.100.7",
};
static const char *const abouts[] = {
	"{\"name\":\"web-1\",\"service\":\"web\",\"namespace\":\"shop\","
	"\"image\":\"nginx:1.25\","
	"\"labels\":{\"app\":\"web\",\"tier\":\"front\"}}",
	"{\"name\":\"db-1\",\"service\":\"db\",\"namespace\":\"shop\","
	"\"image\":\"postgres:15\",\"labels\":{\"app\":\"db\"}}",
	"{\"name\":\"job-7\",\"service\":\"job-7\",\"namespace\":\"ops\","
	"\"image\":\"reg/job:1\",\"namespace_labels\":{\"team\":\"a\"}}",
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

static struct import_result import(const char *yaml, bool strict)
{
	struct import_file file = { "f", yaml, strlen(yaml) };
	struct import_options options = { .strict = strict };
	struct import_result r = { .intent = NULL };
	struct err err = { 0 };

	if (import_neuvector(&file, 1, &options, &r, &err) != 0)
		fail_msg("%s: %s\n%s", err.at, err.text, yaml);
	return r;
}

/* --- judged ------------------------------------------------------------ */

#define SERVICE(svc, ns)                                                  \
	"{name: nv." svc "." ns ", criteria: [{key: service, op: \"=\", " \
	"value: " svc "." ns "}, {key: domain, op: \"=\", value: " ns "}]}"
#define RULE(svc, ns, mode)                                        \
	"apiVersion: neuvector.com/v1\nkind: NvSecurityRule\n"     \
	"metadata: {name: nv." svc "." ns ", namespace: " ns "}\n" \
	"spec:\n  target: {policymode: " mode                      \
	", selector: " SERVICE(svc, ns) "}\n"
#define INGRESS(action, selector, ports, apps)                         \
	"  ingress:\n  - {action: " action ", name: r, ports: '" ports \
	"', applications: [" apps "], selector: " selector "}\n"
#define EGRESS(action, selector, ports, apps)                         \
	"  egress:\n  - {action: " action ", name: r, ports: '" ports \
	"', applications: [" apps "], selector: " selector "}\n"
#define GROUP(criteria) "{name: g, criteria: [" criteria "]}"
#define TERM(key, op, value) \
	"{key: " key ", op: \"" op "\", value: '" value "'}"

#define DB_FROM_WEB                   \
	RULE("db", "shop", "Protect") \
	INGRESS("allow", SERVICE("web", "shop"), "tcp/5432", "PostgreSQL")
#define DB_FROM(criteria)             \
	RULE("db", "shop", "Protect") \
	INGRESS("allow", GROUP(criteria), "any", "any")
#define WEB_MONITOR "---\n" RULE("web", "shop", "Monitor")
#define WEB_PROTECT "---\n" RULE("web", "shop", "Protect")

/* limits: table */
static const struct {
	const char *name, *yaml;
	enum who client, server;
	uint8_t proto;
	uint16_t port;
	uint32_t app;
	bool strict, allowed;
} rows[] = {
	{ "who may", DB_FROM_WEB, WEB, DB, 6, 5432, APP_POSTGRESQL, 0, true },
	{ "another port", DB_FROM_WEB, WEB, DB, 6, 5433, 0, 0, false },
	{ "another application", DB_FROM_WEB, WEB, DB, 6, 5432, APP_SSH, 0,
	  false },
	{ "another client", DB_FROM_WEB, JOB, DB, 6, 5432, APP_POSTGRESQL, 0,
	  false },
	{ "from outside", DB_FROM_WEB, OUT, DB, 6, 5432, APP_POSTGRESQL, 0,
	  false },
	{ "who is not in Protect", DB_FROM_WEB, WEB, JOB, 6, 80, 0, 0, true },
	/* the less restrictive of both */
	{ "Monitor to Protect", DB_FROM_WEB WEB_MONITOR, WEB, DB, 6, 22, 0, 0,
	  true },
	{ "Protect to Monitor", DB_FROM_WEB WEB_MONITOR, DB, WEB, 6, 22, 0, 0,
	  true },
	{ "strict: Monitor to Protect", DB_FROM_WEB WEB_MONITOR, WEB, DB, 6, 22,
	  0, true, false },
	{ "strict: Protect to Monitor", DB_FROM_WEB WEB_MONITOR, DB, WEB, 6, 22,
	  0, true, false },
	{ "Protect to Protect", DB_FROM_WEB WEB_PROTECT, WEB, DB, 6, 22, 0, 0,
	  false },
	{ "Protect to Protect, allowed", DB_FROM_WEB WEB_PROTECT, WEB, DB, 6,
	  5432, APP_POSTGRESQL, 0, true },
	{ "Protect to outside", DB_FROM_WEB, DB, OUT, 6, 443, 0, 0, false },
	/* denials */
	{ "denied in Protect",
	  RULE("db", "shop", "Protect")
		  INGRESS("deny", SERVICE("web", "shop"), "tcp/22", "any"),
	  WEB, DB, 6, 22, 0, 0, false },
	{ "denied in Monitor is told",
	  RULE("db", "shop", "Monitor")
		  INGRESS("deny", SERVICE("web", "shop"), "tcp/22", "any"),
	  WEB, DB, 6, 22, 0, 0, true },
	{ "of egress to a workload the server's mode counts",
	  RULE("web", "shop", "Protect")
		  EGRESS("deny", SERVICE("db", "shop"), "any",
			 "any") "---\n" RULE("db", "shop", "Discover"),
	  WEB, DB, 6, 22, 0, 0, true },
	{ "of egress to outside the client's",
	  RULE("web", "shop", "Protect")
		  EGRESS("deny", "{name: external}", "tcp/25", "any"),
	  WEB, OUT, 6, 25, 0, 0, false },
	/* priorities */
	{ "a higher priority is first",
	  RULE("db", "shop", "Protect") "  ingress:\n"
					"  - {action: deny, selector: {name: "
					"containers}, ports: any}\n"
					"  - {action: allow, priority: 9, "
					"selector: " SERVICE("web",
							     "shop") "}\n",
	  WEB, DB, 6, 80, 0, 0, true },
	{ "the same priority: in their order",
	  RULE("db", "shop",
	       "Protect") "  ingress:\n"
			  "  - {action: deny, selector: {name: "
			  "containers}, ports: any}\n"
			  "  - {action: allow, selector: " SERVICE(
				  "web", "shop") "}\n",
	  WEB, DB, 6, 80, 0, 0, false },
	/* ports */
	{ "a port alone is of TCP",
	  RULE("db", "shop", "Protect")
		  INGRESS("allow", "{name: external}", "8080", "any"),
	  OUT, DB, 6, 8080, 0, 0, true },
	{ "several, in any case",
	  RULE("db", "shop", "Protect") INGRESS("allow", "{name: external}",
						"TCP/80, UDP/1000-2000", "any"),
	  OUT, DB, 17, 1500, 0, 0, true },
	{ "any of a protocol",
	  RULE("db", "shop", "Protect")
		  INGRESS("allow", "{name: external}", "udp/any", "any"),
	  OUT, DB, 6, 1500, 0, 0, false },
	{ "SSL is tls",
	  RULE("db", "shop", "Protect")
		  INGRESS("allow", "{name: external}", "any", "SSL"),
	  OUT, DB, 6, 443, APP_TLS, 0, true },
	{ "the node",
	  RULE("db", "shop", "Protect")
		  INGRESS("allow", "{name: nodes}", "any", "any"),
	  NODE, DB, 6, 80, 0, 0, true },
	/* criteria */
	{ "label", DB_FROM(TERM("tier", "=", "front")), WEB, DB, 6, 1, 0, 0,
	  true },
	{ "label, not", DB_FROM(TERM("tier", "=", "front")), JOB, DB, 6, 1, 0,
	  0, false },
	{ "namespace's label", DB_FROM(TERM("ns:team", "=", "a")), JOB, DB, 6,
	  1, 0, 0, true },
	{ "namespace's label, not", DB_FROM(TERM("ns:team", "=", "b")), JOB, DB,
	  6, 1, 0, 0, false },
	{ "wildcard", DB_FROM(TERM("image", "=", "reg/*:?")), JOB, DB, 6, 1, 0,
	  0, true },
	{ "wildcard, not", DB_FROM(TERM("image", "=", "reg/*:?")), WEB, DB, 6,
	  1, 0, 0, false },
	{ "a dot is a dot", DB_FROM(TERM("image", "=", "nginx:1?25*")), WEB, DB,
	  6, 1, 0, 0, true },
	{ "a wildcard's dot is a dot", DB_FROM(TERM("image", "=", "*gin.:*")),
	  WEB, DB, 6, 1, 0, 0, false },
	{ "regex looks within", DB_FROM(TERM("image", "regex", "gin")), WEB, DB,
	  6, 1, 0, 0, true },
	{ "regex with anchors", DB_FROM(TERM("image", "regex", "^gin")), WEB,
	  DB, 6, 1, 0, 0, false },
	{ "!regex", DB_FROM(TERM("image", "!regex", "^reg/")), WEB, DB, 6, 1, 0,
	  0, true },
	{ "!regex, not", DB_FROM(TERM("image", "!regex", "^reg/")), JOB, DB, 6,
	  1, 0, 0, false },
	{ "same key: or",
	  DB_FROM(TERM("app", "=", "x") "," TERM("app", "=", "web")), WEB, DB,
	  6, 1, 0, 0, true },
	{ "other key: and",
	  DB_FROM(TERM("app", "=", "web") "," TERM("tier", "=", "back")), WEB,
	  DB, 6, 1, 0, 0, false },
	{ "!= with a wildcard", DB_FROM(TERM("image", "!=", "reg/*")), JOB, DB,
	  6, 1, 0, 0, false },
	{ "one of, and not",
	  DB_FROM(TERM("image", "contains", "n") "," TERM("image", "!regex",
							  "^ng")),
	  WEB, DB, 6, 1, 0, 0, false },
	{ "domain", DB_FROM(TERM("domain", "=", "ops")), JOB, DB, 6, 1, 0, 0,
	  true },
	{ "domain, not", DB_FROM(TERM("domain", "=", "ops")), WEB, DB, 6, 1, 0,
	  0, false },
	{ "service", DB_FROM(TERM("service", "=", "web.shop")), WEB, DB, 6, 1,
	  0, 0, true },
	{ "service of another namespace",
	  DB_FROM(TERM("service", "=", "web.ops")), WEB, DB, 6, 1, 0, 0,
	  false },
	{ "service without namespace", DB_FROM(TERM("service", "=", "job-7")),
	  JOB, DB, 6, 1, 0, 0, true },
	{ "service by its beginning", DB_FROM(TERM("service", "=", "job*")),
	  JOB, DB, 6, 1, 0, 0, true },
	{ "container", DB_FROM(TERM("container", "prefix", "job")), JOB, DB, 6,
	  1, 0, 0, true },
	{ "addresses", DB_FROM(TERM("address", "=", "198.51.100.0/24")), OUT,
	  DB, 6, 1, 0, 0, true },
	{ "addresses, not", DB_FROM(TERM("address", "=", "198.51.101.0/24")),
	  OUT, DB, 6, 1, 0, 0, false },
};

static bool allows(const struct intent *i, size_t k)
{
	enum who c = rows[k].client, s = rows[k].server;
	struct intent_connection q = {
		.client = c < 3 ? (size_t)c : INTENT_NOBODY,
		.server = s < 3 ? (size_t)s : INTENT_NOBODY,
		.client_addr = addrs[c],
		.server_addr = addrs[s],
		.proto = rows[k].proto,
		.port = rows[k].port,
		.app = rows[k].app,
	};
	struct err err = { 0 };
	struct intent_judge *j = intent_judge_new(i, &world, 1, &err);
	bool allowed;

	assert_non_null(j);
	allowed = intent_judge_ask(j, &q).action != POLICY_DENY;
	intent_judge_free(j);
	return allowed;
}

/* What was made is judged; and what is written of it, read again, alike. */
static void test_judged(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct import_result r = import(rows[k].yaml, rows[k].strict);
		char *text = intent_to_yaml(r.intent);
		struct intent *again = NULL;
		struct err err = { 0 };

		assert_row(rows[k].name, r.counts[IMPORT_LOST] == 0);
		if (allows(r.intent, k) != rows[k].allowed)
			fail_msg("row \"%s\"\n%s", rows[k].name, text);
		if (intent_from_yaml(text, strlen(text), "again", &again,
				     &err) != 0)
			fail_msg("row \"%s\": %s: %s", rows[k].name, err.at,
				 err.text);
		assert_row(rows[k].name, allows(again, k) == rows[k].allowed);
		intent_put(again);
		free(text);
		import_result_done(&r);
	}
}

/* --- told ----------------------------------------------------------------- */

#define OF_DB RULE("db", "shop", "Protect")
#define SENSOR(kind, name, rules)                \
	"kind: " kind "\nmetadata: {name: " name \
	"}\nspec: {sensor: {name: " name ", rules: [" rules "]}}\n"
#define PATTERN(op, value, context)                                          \
	"{name: r, patterns: [{key: pattern, op: \"" op "\", value: '" value \
	"', context: " context "}]}"

/* want: the report's lines, "AT WEIGHT FIELD: TEXT", as far as they are written. */
/* limits: table */
static const struct {
	const char *name, *yaml, *want[5], *policy[4];
} told[] = {
	{ "processes and files",
	  OF_DB "  process: [{name: sh, action: deny}, {name: ps}]\n"
		"  file: [{filter: /etc, app: [vi]}]\n"
		"  process_profile: {baseline: basic, mode: Protect}\n",
	  { "f:6:3 lost spec.process: 2 rules about processes",
	    "f:7:3 lost spec.file: 1 rules about files",
	    "f:8:3 lost spec.process_profile: the profile" },
	  { "name: db.shop", "mode: protect" } },
	{ "a group that cannot be said",
	  OF_DB INGRESS("allow", GROUP(TERM("'ns:'", "=", "a")), "any", "any"),
	  { "f:7:96 lost spec.ingress[0].selector.criteria[0]: a label "
	    "without a name",
	    "f:7:65 lost spec.ingress[0].selector: group g: it cannot",
	    "f:7:65 lost spec.ingress[0].selector: the rule is about a "
	    "group" } },
	{ "a virtual host",
	  OF_DB EGRESS("allow", GROUP(TERM("address", "=", "vh:a.example")),
		       "any", "any"),
	  { "f:7:96 lost spec.egress[0].selector.criteria[0]: a virtual host",
	    "f:7:65 lost spec.egress[0].selector: group g",
	    "f:7:65 lost spec.egress[0].selector: the rule is" } },
	{ "an application and a port",
	  OF_DB INGRESS("allow", "{name: external}", "tcp/x", "Gopher"),
	  { "f:7:30 lost spec.ingress[0].ports: a port that is none: tcp/x",
	    "f:7:46 lost spec.ingress[0].applications: an application" } },
	{ "an action",
	  OF_DB INGRESS("open", "{name: external}", "any", "any"),
	  { "f:7:6 lost spec.ingress[0].action: expected allow or deny" } },
	{ "a member",
	  OF_DB "  egres: [{action: allow}]\n",
	  { "f:6:3 lost spec.egres: a member that is not known" } },
	{ "a denial that is an alert",
	  RULE("db", "shop", "Monitor")
		  INGRESS("deny", "{name: external}", "any", "any"),
	  { "f:7:6 changed spec.ingress[0].action: an alert" },
	  { "action: alert" } },
	{ "a denial without mode",
	  RULE("db", "shop", "null")
		  INGRESS("deny", "{name: external}", "any", "any"),
	  { "f:7:6 changed spec.ingress[0].action: denied in each mode" },
	  { "action: deny" } },
	{ "nodes",
	  OF_DB INGRESS("allow", "{name: nodes}", "any", "any"),
	  { "f:7:65 changed spec.ingress[0].selector: nodes are all hosts" },
	  { "from: [node]" } },
	{ "a single host",
	  OF_DB INGRESS("allow", "{name: 'Host:n1'}", "any", "any"),
	  { "f:7:65 lost spec.ingress[0].selector: group Host:n1: a single",
	    "f:7:65 lost spec.ingress[0].selector: the rule is" } },
	{ "a name with dots, and who is in it stands elsewhere",
	  OF_DB INGRESS(
		  "allow", "{name: fed.g}", "any",
		  "any") "---\n"
			 "kind: NvGroupDefinition\nmetadata: {name: fed.g}\n"
			 "spec: {selector: {name: fed.g, criteria: [" TERM(
				 "app", "=", "x") "]}}\n",
	  { "f:11:8 note spec.selector: group fed.g is called fed_g here" },
	  { "name: fed_g", "key: label.app", "from: [fed_g]" } },
	{ "another group of the same name",
	  OF_DB
	  "  ingress:\n"
	  "  - {action: allow, selector: " GROUP(
		  TERM("a", "=",
		       "b")) "}\n"
			     "  - {action: allow, ports: '1', selector: " GROUP(
				     TERM("a", "=", "c")) "}\n",
	  { "f:8:33 changed spec.ingress[1].selector: group g was said" } },
	{ "the same rule twice",
	  DB_FROM_WEB "---\n" RULE("web", "shop", "Protect") EGRESS(
		  "allow", SERVICE("db", "shop"), "tcp/5432", "PostgreSQL"),
	  { "f:15:5 note spec.egress[0]: the same rule" } },
	{ "the less restrictive mode",
	  DB_FROM_WEB WEB_MONITOR,
	  { "f:1:1 note : the last 2 rules" },
	  { "side: client", "side: server" } },
	{ "other kinds",
	  "kind: NvAdmissionControlSecurityRule\nmetadata: {name: a}\n---\n"
	  "kind: NvVulnerabilityProfile\n---\nkind: NvComplianceProfile\n---\n"
	  "kind: ConfigMap\n---\nkind: NetworkPolicy\n",
	  { "f:1:1 lost : Weir does not decide", "f:4:1 lost : Weir does not",
	    "f:6:1 lost : Weir does not", "f:8:1 lost kind: it is no policy",
	    "f:10:1 lost : weir import" } },
	{ "in a list",
	  "apiVersion: v1\nkind: List\nitems:\n- kind: NvComplianceProfile\n",
	  { "f:4:3 lost : Weir does not check" } },
	{ "sensors",
	  SENSOR("NvDlpSecurityRule", "s",
		 PATTERN("regex", "secret", "body") "," PATTERN(
			 "!regex", "open",
			 "packet")) "---\n" OF_DB
				    "  dlp: {status: true, settings: [{name: "
				    "s, action: deny}, "
				    "{name: sensor.creditcard, action: allow}, "
				    "{name: "
				    "sensor.log4sh, action: deny}, {name: "
				    "none, action: "
				    "deny}]}\n",
	  { "f:3:117 lost spec.sensor.rules[1]: there is another",
	    "f:10:59 changed spec.dlp.settings[1]: Weir's cards",
	    "f:10:101 lost spec.dlp.settings[2]: Weir's signatures",
	    "f:10:138 lost spec.dlp.settings[3]: the files do not say" },
	  { "name: s.r", "or_sent: true", "sensor: s.r\n    action: block",
	    "sensor: cards" } },
	{ "a sensor that cannot be",
	  SENSOR("NvWafSecurityRule", "s",
		 PATTERN("regex", "(", "url") "," PATTERN("is", "a", "body")),
	  { "f:3:34 lost spec.sensor.rules[0]: sensors[0].patterns[0]",
	    "f:3:132 lost spec.sensor.rules[1].patterns[0]: a pattern",
	    "f:3:111 lost spec.sensor.rules[1]: without that pattern" } },
	{ "turned off",
	  OF_DB "  waf: {status: false, settings: [{name: s, action: deny}]}\n",
	  { "f:6:3 lost spec.waf: it is turned off" } },
	{ "services of several namespaces",
	  OF_DB INGRESS("allow",
			GROUP(TERM("service", "=", "a.x") "," TERM("service",
								   "=", "b.y")),
			"any", "any"),
	  { "f:7:134 lost spec.ingress[0].selector.criteria[1]: services of",
	    "f:7:65 lost spec.ingress[0].selector: group g: it cannot",
	    "f:7:65 lost spec.ingress[0].selector: the rule is" } },
	{ "a service without namespace",
	  OF_DB INGRESS("allow", GROUP(TERM("service", "=", "a")), "any",
			"any"),
	  { "f:7:96 changed spec.ingress[0].selector.criteria[0]: of any" },
	  { "key: service" } },
	{ "an odd regular expression",
	  OF_DB INGRESS("allow", GROUP(TERM("image", "regex", "(")), "any",
			"any"),
	  { "f:7:65 lost spec.ingress[0].selector: group g: regular",
	    "f:7:65 lost spec.ingress[0].selector: the rule" } },
};

static bool is_line(const json_t *v, const char *want)
{
	char line[1024];

	(void)snprintf(line, sizeof line, "%s %s %s: %s",
		       json_string_value(json_object_get(v, "at")),
		       json_string_value(json_object_get(v, "weight")),
		       json_string_value(json_object_get(v, "field")),
		       json_string_value(json_object_get(v, "text")));
	return strncmp(line, want, strlen(want)) == 0;
}

/* In any order, and no more of them. */
static void check_told(size_t k, const struct import_result *r)
{
	char *text = json_dumps(r->report, JSON_INDENT(1));
	const json_t *v;
	size_t n, want = 0;

	for (; want < 5 && told[k].want[want]; want++) {
		bool found = false;

		json_array_foreach (r->report, n, v)
			found |= is_line(v, told[k].want[want]);
		if (!found)
			fail_msg("row \"%s\": no \"%s\" in\n%s", told[k].name,
				 told[k].want[want], text);
	}
	if (json_array_size(r->report) != want)
		fail_msg("row \"%s\": more than %zu\n%s", told[k].name, want,
			 text);
	free(text);
}

static void test_told(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(told); k++) {
		struct import_result r = import(told[k].yaml, false);
		char *yaml = intent_to_yaml(r.intent);

		check_told(k, &r);
		for (int n = 0; n < 4 && told[k].policy[n]; n++)
			if (!strstr(yaml, told[k].policy[n]))
				fail_msg("row \"%s\": no \"%s\" in\n%s",
					 told[k].name, told[k].policy[n], yaml);
		free(yaml);
		import_result_done(&r);
	}
}

/* No YAML: nothing comes out, and where it went wrong is told. */
static void test_no_yaml(void **state)
{
	struct import_file file = { "f", "a: [", 4 };
	struct import_options options = { .strict = false };
	struct import_result r = { .intent = NULL };
	struct err err = { 0 };

	assert_int_equal(import_neuvector(&file, 1, &options, &r, &err),
			 -EINVAL);
	assert_int_equal(strncmp(err.at, "f:", 2), 0);
	assert_null(r.intent);
}

/* --- NetworkPolicies ------------------------------------------------------- */

#define POLICY(name, spec)                                                  \
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: " \
	"{name: " name ", namespace: shop}\nspec: " spec "\n"
/* no network: it ends within one */
#define ODD  "{ipBlock: {cidr: 10.0.0.1/8}}"
#define PODS "{podSelector: {matchLabels: {app: web}}}"

static const struct {
	const char *name, *yaml, *want[3];
	bool web_may, out_may; /* to db, tcp/80 */
} policies[] = {
	{ "whole",
	  POLICY("a", "{podSelector: {}, ingress: [{from: [" PODS "]}]}"),
	  { NULL },
	  true,
	  false },
	{ "a peer of two",
	  POLICY("a",
		 "{podSelector: {}, ingress: [{from: [" ODD ", " PODS "]}]}"),
	  { "f:4:" },
	  true,
	  false },
	{ "the only peer takes its rule along",
	  POLICY("a", "{podSelector: {}, ingress: [{from: [" ODD
		      "]}, {from: [" PODS "], ports: [{port: 80}]}]}"),
	  { "f:4:" },
	  true,
	  false },
	{ "the second of what is left",
	  POLICY("a", "{podSelector: {}, ingress: [{from: [" ODD
		      "]}, {from: [" ODD ", " PODS "]}]}"),
	  { "f:4:", "f:4:95 lost spec.ingress[1].from[0].ipBlock" },
	  true,
	  false },
	{ "a name of a port alone",
	  POLICY("a", "{podSelector: {}, ingress: [{ports: [{port: http}]}]}"),
	  { NULL },
	  false,
	  false },
	{ "who is selected is not known",
	  POLICY("a", "{podSelector: {matchLabels: {app: 1}}}"),
	  { "f:4:" },
	  true,
	  true },
	{ "not one",
	  "kind: Pod\nmetadata: {name: a}\n",
	  { "f:1:1 lost kind: it is no NetworkPolicy" },
	  true,
	  true },
	{ "twice",
	  POLICY("a", "{podSelector: {}}") "---\n" POLICY("a",
							  "{podSelector: {}}"),
	  { "f:8:12 lost metadata.name: there is another" },
	  false,
	  false },
};

static bool may(const struct intent *i, enum who client)
{
	struct intent_connection q = {
		.client = client < 3 ? (size_t)client : INTENT_NOBODY,
		.server = DB,
		.client_addr = addrs[client],
		.server_addr = addrs[DB],
		.proto = 6,
		.port = 80,
	};
	struct err err = { 0 };
	struct intent_judge *j = intent_judge_new(i, &world, 1, &err);
	bool allowed;

	assert_non_null(j);
	allowed = intent_judge_ask(j, &q).action != POLICY_DENY;
	intent_judge_free(j);
	return allowed;
}

static void check_policy(size_t k, const struct import_result *r)
{
	char *text = json_dumps(r->report, JSON_INDENT(1));
	size_t want = 0;

	for (; want < 3 && policies[k].want[want]; want++)
		if (!is_line(json_array_get(r->report, want),
			     policies[k].want[want]))
			fail_msg("row \"%s\": no \"%s\" in\n%s",
				 policies[k].name, policies[k].want[want],
				 text);
	/* whether ports' names are known is netpol.c's to say */
	if (!strstr(policies[k].yaml, "http"))
		assert_row(policies[k].name,
			   json_array_size(r->report) == want);
	free(text);
	assert_row(policies[k].name,
		   may(r->intent, WEB) == policies[k].web_may);
	assert_row(policies[k].name,
		   may(r->intent, OUT) == policies[k].out_may);
}

static void test_policies(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(policies); k++) {
		struct import_file file = { "f", policies[k].yaml,
					    strlen(policies[k].yaml) };
		struct import_result r = { .intent = NULL };
		struct err err = { 0 };

		if (import_networkpolicies(&file, 1, &r, &err) != 0)
			fail_msg("row \"%s\": %s: %s", policies[k].name, err.at,
				 err.text);
		check_policy(k, &r);
		import_result_done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judged),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_no_yaml),
		cmocka_unit_test(test_policies),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
