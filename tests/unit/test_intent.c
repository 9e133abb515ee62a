/*
 * The text form: what is taken and how it is written again, what is refused and
 * where; groups and modes; differences and single changes.
 */
#include "intent/intent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static struct intent *from_yaml(const char *text)
{
	struct intent *i = NULL;
	struct err err = { 0 };

	if (intent_from_yaml(text, strlen(text), "f", &i, &err) != 0)
		fail_msg("%s: %s\n%s", err.at, err.text, text);
	return i;
}

static json_t *json_of(const char *text)
{
	json_error_t where;
	json_t *v = json_loads(text, JSON_DECODE_ANY, &where);

	if (!v)
		fail_msg("%s: %s", where.text, text);
	return v;
}

/* Takes v. */
static void assert_json(const char *name, json_t *v, const char *want)
{
	json_t *w = json_of(want);

	if (!json_equal(v, w)) {
		char *text = json_dumps(v, JSON_ENCODE_ANY);

		fail_msg("row \"%s\": got %s", name, text);
	}
	json_decref(v);
	json_decref(w);
}

/* --- what is taken ---------------------------------------------------- */

static const struct {
	const char *name, *yaml, *json;
} good[] = {
	{ "nothing", "",
	  "{\"default_mode\":\"discover\",\"groups\":[],"
	  "\"rules\":[]}" },
	{ "requests",
	  "rules:\n- {from: a, to: b, action: allow, requests: ["
	  "{http.method: [GET, HEAD], http.path: /a*}, {sql.verb: select}]}",
	  "{\"default_mode\":\"discover\",\"groups\":[],\"rules\":[{"
	  "\"id\":1,\"from\":[\"a\"],\"to\":[\"b\"],\"action\":\"allow\","
	  "\"requests\":[{\"http.method\":[\"GET\",\"HEAD\"],"
	  "\"http.path\":\"/a*\"},{\"sql.verb\":\"select\"}]}]}" },
	{ "kinds",
	  "apiVersion: weir/v1\nkind: Policy\ndefault_mode: monitor\n"
	  "---\n---\ngroups: [{name: a}]\n",
	  "{\"default_mode\":\"monitor\",\"groups\":[{\"name\":\"a\"}],"
	  "\"rules\":[]}" },
	{ "a group",
	  "groups:\n- name: web\n  comment: \"those: of the front\"\n"
	  "  mode: protect\n  where:\n"
	  "  - {key: label.app.kubernetes.io/name, value: web}\n"
	  "  - {key: image, op: prefix, value: 'nginx:'}\n"
	  "  - {key: name, op: in, value: [a, b]}\n"
	  "  - {key: pod, op: absent}\n",
	  "{\"default_mode\":\"discover\",\"groups\":[{\"name\":\"web\","
	  "\"comment\":\"those: of the front\",\"mode\":\"protect\",\"where\":["
	  "{\"key\":\"label.app.kubernetes.io/name\",\"value\":\"web\"},"
	  "{\"key\":\"image\",\"op\":\"prefix\",\"value\":\"nginx:\"},"
	  "{\"key\":\"name\",\"op\":\"in\",\"value\":[\"a\",\"b\"]},"
	  "{\"key\":\"pod\",\"op\":\"absent\"}]}],\"rules\":[]}" },
	{ "a rule",
	  "rules:\n- from: web\n  to: [db, 10.0.0.0/8, 'fqdn:*.a.org']\n"
	  "  ports: [tcp/5432, udp/1-9, icmp, ip/47, sctp]\n"
	  "  applications: [ssl]\n  action: reject\n  comment: c\n"
	  "  expires: 2027-01-31\n  disabled: true\n  side: client\n",
	  "{\"default_mode\":\"discover\",\"groups\":[],\"rules\":[{\"id\":1,"
	  "\"from\":[\"web\"],\"to\":[\"db\",\"10.0.0.0/8\",\"fqdn:*.a.org\"],"
	  "\"ports\":[\"tcp/5432\",\"udp/1-9\",\"icmp\",\"ip/47\",\"sctp\"],"
	  "\"applications\":[\"tls\"],\"action\":\"reject\",\"comment\":\"c\","
	  "\"expires\":\"2027-01-31T00:00:00Z\",\"disabled\":true,"
	  "\"side\":\"client\"}]}" },
	{ "ids",
	  "rules:\n- {from: a, to: b, action: allow}\n"
	  "- {from: a, to: b, action: allow, origin: learned}\n"
	  "- {id: 7, from: a, to: b, action: allow}\n"
	  "- {id: 10003, from: a, to: b, action: allow, origin: learned}\n"
	  "- {id: 50, from: a, to: b, action: deny, origin: network-policy}\n"
	  "- {from: a, to: b, action: allow, origin: network-policy}\n"
	  "- {id: 9999, from: a, to: b, action: learn}\n"
	  "- {from: a, to: b, action: alert}\n",
	  "{\"default_mode\":\"discover\",\"groups\":[],\"rules\":["
	  "{\"id\":1000000,\"from\":[\"a\"],\"to\":[\"b\"],\"action\":"
	  "\"allow\"},"
	  "{\"id\":10004,\"from\":[\"a\"],\"to\":[\"b\"],\"action\":\"allow\","
	  "\"origin\":\"learned\"},"
	  "{\"id\":7,\"from\":[\"a\"],\"to\":[\"b\"],\"action\":\"allow\"},"
	  "{\"id\":10003,\"from\":[\"a\"],\"to\":[\"b\"],\"action\":\"allow\","
	  "\"origin\":\"learned\"},"
	  "{\"id\":9999,\"from\":[\"a\"],\"to\":[\"b\"],\"action\":\"learn\"},"
	  "{\"id\":1000001,\"from\":[\"a\"],\"to\":[\"b\"],\"action\":"
	  "\"alert\"},"
	  "{\"id\":110000,\"from\":[\"a\"],\"to\":[\"b\"],\"action\":\"allow\","
	  "\"origin\":\"network-policy\"},"
	  "{\"id\":50,\"from\":[\"a\"],\"to\":[\"b\"],\"action\":\"deny\","
	  "\"origin\":\"network-policy\"}]}" },
	{ "addresses",
	  "groups: [{name: out, where: [{key: address, op: in, value: "
	  "[10.0.0.0/8, '*.a.org', fd00::/8, 10.1.0.1-10.1.0.9]}, "
	  "{key: address, op: '!=', value: 10.2.0.0/16}]}]",
	  "{\"default_mode\":\"discover\",\"groups\":[{\"name\":\"out\","
	  "\"where\":[{\"key\":\"address\",\"op\":\"in\",\"value\":["
	  "\"10.0.0.0/8\",\"*.a.org\",\"fd00::/8\",\"10.1.0.1-10.1.0.9\"]},"
	  "{\"key\":\"address\",\"op\":\"!=\",\"value\":\"10.2.0.0/16\"}]}],"
	  "\"rules\":[]}" },
};

static void test_good(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(good); k++) {
		struct intent *i = from_yaml(good[k].yaml), *again = NULL;
		char *yaml = intent_to_yaml(i);
		json_t *json = intent_to_json(i);
		struct err err = { 0 };

		assert_json(good[k].name, json_incref(json), good[k].json);
		assert_int_equal(intent_from_json(json, &again, &err), 0);
		assert_json(good[k].name, intent_to_json(again), good[k].json);
		intent_put(again);
		again = from_yaml(yaml);
		assert_json(good[k].name, intent_to_json(again), good[k].json);
		assert_json(good[k].name, intent_diff(i, again), "{}");
		intent_put(again);
		json_decref(json);
		free(yaml);
		intent_put(i);
	}
}

/* --- what is refused -------------------------------------------------- */

static const struct {
	const char *name, *yaml, *at, *text;
} bad[] = {
	{ "a list", "[1]", "f:1:1", "expected an object" },
	{ "unknown", "groups: []\nrule: []", "f:2:1", "unknown field" },
	{ "misspelt", "rules:\n- {from: a, too: b, action: allow}", "f:2:3",
	  "missing; is \"too\" meant?" },
	{ "misspelt, not needed",
	  "rules:\n- {from: a, to: b, action: allow, port: [tcp]}", "f:2:35",
	  "is \"ports\" meant?" },
	{ "kind", "kind: Polcy", "f:1:1", "expected Policy" },
	{ "version", "apiVersion: v1", "f:1:1", "expected weir/v1" },
	{ "mode", "default_mode: strict", "f:1:1", "discover, monitor" },
	{ "mode twice", "default_mode: monitor\n---\ndefault_mode: monitor",
	  "f:3:1", "before" },
	{ "name", "groups:\n- name: 'a b'", "f:2:3", "letters" },
	{ "name is an address", "groups: [{name: 10.0.0.1}]", "f:1:11",
	  "no address" },
	{ "reserved", "groups: [{name: node}]", "f:1:11", "always there" },
	{ "twice", "groups: [{name: a}, {name: a}]", "f:1:22", "another" },
	{ "no terms", "groups: [{name: a, where: []}]", "f:1:20", "at least" },
	{ "key", "groups: [{name: a, where: [{key: nme, value: b}]}]", "f:1:29",
	  "expected name" },
	{ "label alone", "groups: [{name: a, where: [{key: label, value: b}]}]",
	  "f:1:29", "label.KEY" },
	{ "op", "groups: [{name: a, where: [{key: name, op: like, value: b}]}]",
	  "f:1:40", "expected =" },
	{ "no value", "groups: [{name: a, where: [{key: name}]}]", "f:1:28",
	  "missing" },
	{ "number", "groups: [{name: a, where: [{key: name, value: 5}]}]",
	  "f:1:40", "a string" },
	{ "list without in",
	  "groups: [{name: a, where: [{key: name, value: [b]}]}]", "f:1:40",
	  "a string" },
	{ "text with in",
	  "groups: [{name: a, where: [{key: name, op: in, value: b}]}]",
	  "f:1:48", "an array" },
	{ "number in",
	  "groups: [{name: a, where: [{key: name, op: in, "
	  "value: [b, 1.5]}]}]",
	  "f:1:48", "quote it" },
	{ "value of absent",
	  "groups: [{name: a, where: [{key: pod, op: absent, value: b}]}]",
	  "f:1:51", "unknown field" },
	{ "regex",
	  "groups: [{name: a, where: [{key: name, op: regex, value: "
	  "'a('}]}]",
	  "f:1:51", "parenthesis" },
	{ "mixed",
	  "groups: [{name: a, where: [{key: address, value: 10.0.0.1}, "
	  "{key: name, value: b}]}]",
	  "f:1:20", "nothing else" },
	{ "address op",
	  "groups: [{name: a, where: [{key: address, op: prefix, "
	  "value: '10.'}]}]",
	  "f:1:43", "=, != or in" },
	{ "address",
	  "groups: [{name: a, where: [{key: address, value: "
	  "10.0.0.0/33}]}]",
	  "f:1:43", "expected an address" },
	{ "host bits",
	  "groups: [{name: a, where: [{key: address, value: "
	  "10.0.0.1/8}]}]",
	  "f:1:43", "expected an address" },
	{ "no name taken away",
	  "groups: [{name: a, where: [{key: address, op: '!=', value: "
	  "a.org}]}]",
	  "f:1:53", "taken away" },
	{ "nothing left",
	  "groups: [{name: a, where: [{key: address, value: 10.0.0.1}, {key: "
	  "address, op: '!=', value: 10.0.0.0/8}]}]",
	  "f:1:20", "no address is left" },
	{ "mode of addresses",
	  "groups: [{name: a, mode: protect, where: [{key: address, value: "
	  "10.0.0.1}]}]",
	  "f:1:20", "have no mode" },
	{ "no action", "rules:\n- {from: a, to: b}", "f:2:3", "missing" },
	{ "action", "rules:\n- {from: a, to: b, action: drop}", "f:2:20",
	  "allow, deny, reject, alert or learn" },
	{ "empty from", "rules:\n- {from: [], to: b, action: deny}", "f:2:4",
	  "at least one" },
	{ "word", "rules:\n- from: a\n  to:\n  - b\n  - 'x y'\n  action: deny",
	  "f:5:5", "expected a group" },
	{ "network", "rules:\n- {from: 10.0.0.0/33, to: b, action: deny}",
	  "f:2:4", "expected a group" },
	{ "port alone", "rules:\n- {from: a, to: b, ports: [80], action: deny}",
	  "f:2:28", "tcp/443" },
	{ "ports", "rules:\n- {from: a, to: b, ports: [tcp/9-8], action: deny}",
	  "f:2:28", "tcp/443" },
	{ "port of icmp",
	  "rules:\n- {from: a, to: b, ports: icmp/8, action: deny}", "f:2:20",
	  "tcp/443" },
	{ "application",
	  "rules:\n- {from: a, to: b, applications: [htp], action: deny}",
	  "f:2:35", "application" },
	{ "request",
	  "rules:\n- {from: a, to: b, action: deny, requests: [{http.pat: /}]}",
	  "f:2:46", "http.method" },
	{ "time",
	  "rules:\n- {from: a, to: b, action: deny, expires: "
	  "2027-02-30}",
	  "f:2:34", "expected a time" },
	{ "side", "rules:\n- {from: a, to: b, action: deny, side: left}",
	  "f:2:34", "client or server" },
	{ "id", "rules:\n- {id: 0, from: a, to: b, action: deny}", "f:2:4",
	  "1..4294967295" },
	{ "id twice",
	  "rules:\n- {id: 4, from: a, to: b, action: deny}\n"
	  "- {id: 4, from: a, to: b, action: deny}",
	  "f:3:4", "another rule 4" },
	{ "in the second", "rules: []\n---\nrules:\n- {id: x}", "f:4:4",
	  "an integer" },
};

static void test_bad(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
		struct intent *i = NULL;
		struct err err = { 0 };
		int rc = intent_from_yaml(bad[k].yaml, strlen(bad[k].yaml), "f",
					  &i, &err);

		assert_row(bad[k].name, rc < 0 && !i && err.code == -rc);
		if (strcmp(err.at, bad[k].at) != 0 ||
		    !strstr(err.text, bad[k].text))
			fail_msg("row \"%s\": %s: %s", bad[k].name, err.at,
				 err.text);
	}
}

/* --- groups ----------------------------------------------------------- */

static const char groups_text[] =
	"default_mode: monitor\n"
	"groups:\n"
	"- {name: one, where: [{key: label.a, value: x}, "
	"{key: label.a, value: y}, {key: namespace, value: n}]}\n"
	"- {name: not, where: [{key: label.a, op: '!=', value: x}, "
	"{key: label.a, op: '!=', value: y}]}\n"
	"- {name: both, where: [{key: image, op: prefix, value: 'ng'}, "
	"{key: image, op: '!=', value: 'nginx:1'}]}\n"
	"- {name: regex, where: [{key: name, op: regex, value: "
	"'web-[0-9]+'}]}\n"
	"- {name: slow, where: [{key: name, op: regex, value: '(a+)+b'}]}\n"
	"- {name: some, where: [{key: name, op: contains, value: eb}]}\n"
	"- {name: none, where: [{key: label.a, op: absent}]}\n"
	"- {name: any-a, mode: protect, "
	"where: [{key: label.a, op: prefix, value: ''}]}\n"
	"- {name: net, where: [{key: address, value: 10.0.0.0/8}, "
	"{key: address, op: '!=', value: 10.0.0.7}]}\n"
	"- {name: db.n, mode: discover}\n";

static const struct {
	const char *about, *addr, *groups;
	enum intent_mode mode;
} members[] = {
	{ "{\"name\":\"web-1\",\"service\":\"web\",\"namespace\":\"n\","
	  "\"labels\":{\"a\":\"y\"},\"image\":\"nginx:2\"}",
	  "10.0.0.8",
	  "[\"web.n\",\"one\",\"both\",\"regex\",\"some\",\"any-a\","
	  "\"net\"]",
	  MODE_PROTECT },
	{ "{\"name\":\"my-web-1\",\"labels\":{\"a\":\"z\"},"
	  "\"image\":\"nginx:1\"}",
	  "10.0.0.7", "[\"my-web-1\",\"not\",\"some\",\"any-a\"]",
	  MODE_PROTECT },
	{ "{\"name\":\"x\",\"service\":\"db\",\"namespace\":\"n\"}", "fd00::1",
	  "[\"db.n\",\"not\",\"none\"]", MODE_DISCOVER },
	{ "{\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac\"}",
	  "11.0.0.1",
	  "[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac\",\"not\","
	  "\"none\"]",
	  MODE_MONITOR },
	{ "{}", "11.0.0.1", "[\"unnamed\",\"not\",\"none\"]", MODE_MONITOR },
	/* hidden: a written group has its name */
	{ "{\"name\":\"net\"}", "11.0.0.1", "[\"not\",\"none\"]",
	  MODE_MONITOR },
};

static void test_groups(void **state)
{
	struct intent *i = from_yaml(groups_text);

	for (size_t k = 0; k < ARRAY_LEN(members); k++) {
		struct ip_addr addr;
		struct intent_workload w = { .id = "w",
					     .about = json_of(members[k].about),
					     .addrs = &addr,
					     .n_addrs = 1 };

		assert_int_equal(ip_parse(members[k].addr, &addr), 0);
		assert_json(members[k].about, intent_groups_of(i, &w),
			    members[k].groups);
		assert_row(members[k].about,
			   intent_mode_of(i, &w) == members[k].mode);
		json_decref((json_t *)w.about);
	}
	intent_put(i);
}

static void test_service_names(void **state)
{
	static const struct {
		const char *about, *name;
	} rows[] = {
		{ "{\"service\":\"web\",\"namespace\":\"shop\"}", "web.shop" },
		{ "{\"service\":\"web.shop\"}", "web_shop" },
		{ "{\"service\":\"a b/c\"}", "a_b_c" },
		{ "{\"name\":\"node\"}", "node_" },
		{ "{\"name\":\"10.0.0.1\"}", "10_0_0_1" },
		{ "{\"name\":\"::1\",\"namespace\":\"\"}", "__1" },
		{ "{\"name\":\"fe\"}", "fe" },
	};
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		json_t *about = json_of(rows[k].about);
		char *name = intent_service_of(about);

		assert_string_equal(name, rows[k].name);
		free(name);
		json_decref(about);
	}
}

/* --- changes ---------------------------------------------------------- */

static const char change_text[] =
	"groups: [{name: a, where: [{key: name, value: a}]}, {name: b}]\n"
	"rules:\n"
	"- {id: 1, from: a, to: b, action: allow}\n"
	"- {id: 2, from: b, to: a, action: allow}\n"
	"- {id: 3, from: b, to: b, action: deny}\n";

/* The difference that a change made; takes `to`. */
static void assert_diff(const struct intent *from, struct intent *to, int rc,
			const char *want)
{
	assert_int_equal(rc, 0);
	assert_json(want, intent_diff(from, to), want);
	intent_put(to);
}

static void test_changes(void **state)
{
	struct intent *i = from_yaml(change_text), *to = NULL;
	struct err err = { 0 };
	json_t *rule = json_of("{\"from\":\"a\",\"to\":\"any\","
			       "\"action\":\"deny\"}");
	json_t *old = json_of("{\"id\":3,\"from\":\"b\",\"to\":\"b\","
			      "\"action\":\"deny\"}");
	json_t *bad_rule = json_of("{\"from\":\"a\",\"to\":\"any\"}");
	json_t *group = json_of("{\"name\":\"a\",\"mode\":\"protect\"}");
	uint32_t id = 0;
	int rc;

	rc = intent_with_rule(i, rule, 1, &to, &id, &err);
	assert_int_equal(id, 4);
	assert_diff(i, to, rc,
		    "{\"rules\":{\"added\":[{\"id\":4,\"from\":[\"a\"],"
		    "\"to\":[\"any\"],\"action\":\"deny\"}]}}");
	rc = intent_with_rule(i, old, 0, &to, &id, &err);
	assert_int_equal(id, 3);
	assert_diff(i, to, rc,
		    "{\"rules\":{\"moved\":[{\"id\":3,\"after\":0}]}}");
	assert_int_equal(intent_with_rule(i, old, 9, &to, &id, &err), -ENOENT);
	assert_int_equal(intent_with_rule(i, old, 3, &to, &id, &err), -ENOENT);
	assert_int_equal(intent_with_rule(i, bad_rule, -1, &to, &id, &err),
			 -EINVAL);
	assert_string_equal(err.at, "action");
	rc = intent_without_rule(i, 2, &to, &err);
	assert_diff(i, to, rc,
		    "{\"rules\":{\"removed\":[{\"id\":2,\"from\":[\"b\"],"
		    "\"to\":[\"a\"],\"action\":\"allow\"}]}}");
	assert_int_equal(intent_without_rule(i, 9, &to, &err), -ENOENT);
	rc = intent_with_group(i, group, &to, &err);
	assert_diff(i, to, rc,
		    "{\"groups\":{\"changed\":[{\"from\":{\"name\":\"a\","
		    "\"where\":[{\"key\":\"name\",\"value\":\"a\"}]},"
		    "\"to\":{\"name\":\"a\",\"mode\":\"protect\"}}]}}");
	assert_int_equal(intent_without_group(i, "a", &to, &err), -EBUSY);
	assert_int_equal(intent_without_group(i, "z", &to, &err), -ENOENT);
	rc = intent_without_group(i, "b", &to, &err);
	assert_diff(i, to, rc, "{\"groups\":{\"removed\":[{\"name\":\"b\"}]}}");
	rc = intent_with_mode(i, "c.d", MODE_MONITOR, &to, &err);
	assert_diff(i, to, rc,
		    "{\"groups\":{\"added\":[{\"name\":\"c.d\","
		    "\"mode\":\"monitor\"}]}}");
	rc = intent_with_mode(i, NULL, MODE_PROTECT, &to, &err);
	assert_diff(i, to, rc,
		    "{\"default_mode\":{\"from\":\"discover\","
		    "\"to\":\"protect\"}}");
	assert_int_equal(intent_with_mode(i, "a b", MODE_MONITOR, &to, &err),
			 -EINVAL);
	assert_string_equal(err.at, "name");
	json_decref(rule);
	json_decref(old);
	json_decref(bad_rule);
	json_decref(group);
	intent_put(i);
}

static void test_replaced(void **state)
{
	struct intent *i = from_yaml(change_text), *to = NULL;
	struct err err = { 0 };
	json_t *second = json_of("{\"id\":2,\"from\":\"b\",\"to\":\"a\","
				 "\"action\":\"alert\"}");
	uint32_t id = 0;
	int rc;

	rc = intent_with_rule(i, second, INTENT_IN_PLACE, &to, NULL, &err);
	assert_diff(i, to, rc,
		    "{\"rules\":{\"changed\":[{\"from\":{\"id\":2,"
		    "\"from\":[\"b\"],\"to\":[\"a\"],\"action\":\"allow\"},"
		    "\"to\":{\"id\":2,\"from\":[\"b\"],\"to\":[\"a\"],"
		    "\"action\":\"alert\"}}]}}");
	rc = intent_with_rule(i, second, INTENT_LAST, &to, NULL, &err);
	assert_diff(i, to, rc,
		    "{\"rules\":{\"changed\":[{\"from\":{\"id\":2,"
		    "\"from\":[\"b\"],\"to\":[\"a\"],\"action\":\"allow\"},"
		    "\"to\":{\"id\":2,\"from\":[\"b\"],\"to\":[\"a\"],"
		    "\"action\":\"alert\"}}],\"moved\":[{\"id\":3,"
		    "\"after\":1}]}}");
	json_object_del(second, "id");
	rc = intent_with_rule(i, second, INTENT_IN_PLACE, &to, &id, &err);
	assert_int_equal(id, 4);
	assert_diff(i, to, rc,
		    "{\"rules\":{\"added\":[{\"id\":4,\"from\":[\"b\"],"
		    "\"to\":[\"a\"],\"action\":\"alert\"}]}}");
	json_decref(second);
	intent_put(i);
}

static void test_several(void **state)
{
	static const struct {
		int64_t after;
		const char *rules, *ids, *order;
	} rows[] = {
		{ INTENT_LAST, "[{},{}]", "[4,5]", "[1,2,3,4,5]" },
		{ 0, "[{},{}]", "[4,5]", "[4,5,1,2,3]" },
		{ 1, "[{\"id\":3},{},{\"id\":9}]", "[3,10,9]", "[1,3,10,9,2]" },
		{ 2, "[{\"id\":1},{\"id\":3}]", "[1,3]", "[2,1,3]" },
		{ 0, "[{\"id\":2},{\"id\":1}]", "[2,1]", "[2,1,3]" },
		{ INTENT_IN_PLACE, "[{\"id\":2},{}]", "[2,4]", "[1,2,3,4]" },
		{ 0, "[]", "[]", "[1,2,3]" },
	};
	struct intent *i = from_yaml(change_text), *to = NULL;
	struct err err = { 0 };

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		json_t *rules = json_of(rows[k].rules), *ids = json_array();
		json_t *order = json_array(), *json, *rule;
		size_t n;

		json_array_foreach (rules, n, rule) {
			json_object_set_new(rule, "from", json_string("a"));
			json_object_set_new(rule, "to", json_string("b"));
			json_object_set_new(rule, "action",
					    json_string("deny"));
		}
		assert_int_equal(intent_with_rules(i, rules, rows[k].after, &to,
						   ids, &err),
				 0);
		json = intent_to_json(to);
		json_array_foreach (json_object_get(json, "rules"), n, rule)
			json_array_append(order, json_object_get(rule, "id"));
		assert_json(rows[k].rules, ids, rows[k].ids);
		assert_json(rows[k].rules, order, rows[k].order);
		json_decref(json);
		json_decref(rules);
		intent_put(to);
	}
	intent_put(i);
}

static void test_empty(void **state)
{
	struct intent *i = intent_new();

	assert_json("new", intent_to_json(i),
		    "{\"default_mode\":\"discover\",\"groups\":[],"
		    "\"rules\":[]}");
	intent_put(intent_get(i));
	intent_put(i);
	intent_put(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_service_names),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
