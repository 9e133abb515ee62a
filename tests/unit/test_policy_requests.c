/*
 * Rules that speak of requests: as they are written, and which of them decides
 * before and after the request is known.
 */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "seed.h"
#include "test.h"
#include "wire/app.h"
#include "wire/ctrl_rule.h"

static struct bytes text(const char *s)
{
	return bytes_of(s, strlen(s));
}

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *value;
		bool cased, match;
	} rows[] = {
		{ "GET", "GET", true, true },
		{ "GET", "get", true, false },
		{ "GET", "get", false, true },
		{ "GET", "GETS", true, false },
		{ "GETS", "GET", true, false },
		{ "*", "", true, true },
		{ "**", "abc", true, true },
		{ "/api/*", "/api/", true, true },
		{ "/api/*", "/api/a/b", true, true },
		{ "/api/*", "/apix", true, false },
		{ "*.example.com", "www.EXAMPLE.com", false, true },
		{ "*.example.com", "example.com", false, false },
		{ "*a*b", "aabab", true, true },
		{ "*a*b", "aaba", true, false },
		{ "a*a", "a", true, false },
		{ "a*b*c", "abbcbc", true, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(rows[i].pattern,
			   request_pattern_matches(
				   rows[i].pattern, text(rows[i].value),
				   rows[i].cased) == rows[i].match);
}

static bool naive(const char *p, const char *s)
{
	if (!*p)
		return !*s;
	if (*p == '*')
		return naive(p + 1, s) || (*s && naive(p, s + 1));
	return *p == *s && naive(p + 1, s + 1);
}

static void random_patterns(void **state)
{
	uint64_t random = seed_choose() | 1;
	char pattern[8], value[10];

	(void)state;
	for (int round = 0; round < 200000; round++) {
		size_t n = seed_draw(&random, sizeof pattern);
		size_t m = seed_draw(&random, sizeof value);

		for (size_t i = 0; i < n; i++)
			pattern[i] = "ab*"[seed_draw(&random, 3)];
		pattern[n] = '\0';
		for (size_t i = 0; i < m; i++)
			value[i] = "ab"[seed_draw(&random, 2)];
		value[m] = '\0';
		if (request_pattern_matches(pattern, text(value), true) !=
		    naive(pattern, value))
			fail_msg("\"%s\" and \"%s\"", pattern, value);
	}
}

static struct rule_spec rule_of(const char *json)
{
	json_t *o = json_loads(json, 0, NULL);
	struct rule_spec r = { 0 };
	struct err err;

	assert_non_null(o);
	if (ctrl_parse_own_rule(o, &r, &err) < 0)
		fail_msg("%s: %s: %s", json, err.at, err.text);
	json_decref(o);
	return r;
}

/* What is printed is what was read, and is read as the same. */
static void printed(void **state)
{
	static const char *const rows[] = {
		"[{\"http.method\":[\"GET\",\"HEAD\"],\"http.path\":\"/api/"
		"*\"}]",
		"[{\"tls.sni\":\"*.example.com\"},{\"sql.verb\":\"select\"}]",
	};
	char rule[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rule_spec r;
		json_t *o;
		char *out;

		(void)snprintf(
			rule, sizeof rule,
			"{\"id\":1,\"action\":\"allow\",\"requests\":%s}",
			rows[i]);
		r = rule_of(rule);
		o = request_spec_json(r.requests);
		out = json_dumps(o, JSON_COMPACT);
		assert_string_equal(out, rows[i]);
		free(out);
		json_decref(o);
		rule_spec_done(&r);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *requests, *at;
	} rows[] = {
		{ "[]", "requests" },
		{ "{}", "requests" },
		{ "[{}]", "requests[0]" },
		{ "[\"GET\"]", "requests[0]" },
		{ "[{\"http.path\":\"/\"},{\"http.verb\":\"x\"}]",
		  "requests[1].http.verb" },
		{ "[{\"http.path\":[]}]", "requests[0].http.path" },
		{ "[{\"http.path\":\"\"}]", "requests[0].http.path" },
		{ "[{\"http.path\":7}]", "requests[0].http.path" },
		{ "[{\"http.path\":[\"/\",null]}]", "requests[0].http.path" },
	};
	char rule[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rule_spec r = { 0 };
		struct err err;
		json_t *o;

		(void)snprintf(
			rule, sizeof rule,
			"{\"id\":1,\"action\":\"allow\",\"requests\":%s}",
			rows[i].requests);
		o = json_loads(rule, 0, NULL);
		assert_non_null(o);
		assert_row(rows[i].requests,
			   ctrl_parse_own_rule(o, &r, &err) < 0);
		assert_string_equal(err.at, rows[i].at);
		rule_spec_done(&r);
		json_decref(o);
	}
}

static struct policy *compile(const char *const *rules, size_t n)
{
	struct policy_spec spec = { .defact = POLICY_DENY, .n_rules = n };
	struct policy *p;
	struct err err;

	spec.rules = calloc(n, sizeof *spec.rules);
	assert_non_null(spec.rules);
	for (size_t i = 0; i < n; i++)
		spec.rules[i] = rule_of(rules[i]);
	p = policy_compile(&spec, &err);
	assert_non_null(p);
	return p;
}

static void decides(void **state)
{
	static const char *const rules[] = {
		"{\"id\":1,\"action\":\"deny\",\"ports\":[\"80\"],"
		"\"requests\":[{\"http.path\":\"/admin*\"}]}",
		"{\"id\":2,\"action\":\"allow\",\"ports\":[\"80\"],"
		"\"apps\":[\"http\"],\"requests\":[{\"http.method\":\"GET\","
		"\"http.host\":\"*.example.com\"},{\"http.path\":\"/open\"}]}",
		"{\"id\":3,\"action\":\"allow\",\"ports\":[\"80\"],"
		"\"apps\":[\"ssh\"]}",
		"{\"id\":4,\"action\":\"allow\",\"ports\":[\"81\"]}",
	};
	/* NULL: that is not known; method "": nothing will be */
	static const struct {
		const char *name;
		uint16_t port;
		uint32_t app;
		const char *method, *host, *path;
		uint32_t id;
		uint8_t action;
		bool by_request;
	} rows[] = {
		{ "nothing is known", 80, 0, NULL, NULL, NULL, 1,
		  POLICY_CHECK_APP, true },
		{ "http", 80, APP_HTTP, NULL, NULL, NULL, 1, POLICY_CHECK_APP,
		  true },
		{ "get", 80, APP_HTTP, "GET", "www.example.com", "/", 2,
		  POLICY_ALLOW, true },
		{ "http2", 80, APP_HTTP2, "GET", "www.example.com", "/", 2,
		  POLICY_ALLOW, true },
		{ "post", 80, APP_HTTP, "POST", "www.example.com", "/", 0,
		  POLICY_DENY, true },
		{ "the other alternative", 80, APP_HTTP, "POST", "x", "/open",
		  2, POLICY_ALLOW, true },
		{ "admin", 80, APP_HTTP, "GET", "www.example.com", "/admin/x",
		  1, POLICY_DENY, true },
		{ "another application's", 80, APP_REDIS, "GET",
		  "www.example.com", "/", 0, POLICY_DENY, true },
		{ "ssh", 80, APP_SSH, "", NULL, NULL, 3, POLICY_ALLOW, true },
		{ "a port without such rules", 81, APP_HTTP, NULL, NULL, NULL,
		  4, POLICY_ALLOW, false },
	};
	struct policy *p = compile(rules, ARRAY_LEN(rules));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request r = { 0 };
		struct policy_query q = {
			.client = ip_from_v4(0x0a000001),
			.server = ip_from_v4(0x0a000002),
			.server_port = rows[i].port,
			.proto = 6,
			.app = rows[i].app,
			.request = rows[i].method ? &r : NULL,
		};
		struct judgement j;

		if (rows[i].method && rows[i].method[0]) {
			r.value[REQUEST_HTTP_METHOD] = text(rows[i].method);
			r.value[REQUEST_HTTP_HOST] = text(rows[i].host);
			r.value[REQUEST_HTTP_PATH] = text(rows[i].path);
		}
		j = policy_match(p, &q);
		assert_row(rows[i].name, j.rule_id == rows[i].id);
		assert_row(rows[i].name, j.action == rows[i].action);
		assert_row(rows[i].name, j.by_request == rows[i].by_request);
	}
	policy_put(p);
}

/* A rule about what is asked lets a client get there, but denies it nothing. */
#define UNSEEN "?"
#define RULE(action, requests) \
	"{\"id\":1,\"action\":\"" action "\",\"requests\":[" requests "]}"
static const struct {
	const char *rule;
	struct {
		enum request_field field;
		const char *value; /* UNSEEN: could not be read */
	} said[3];
	bool match;
} openings[] = {
#define SELECTS RULE("allow", "{\"sql.verb\":\"select\"}")
	{ SELECTS, { { REQUEST_SQL_USER, "bob" } }, true },
	{ SELECTS,
	  { { REQUEST_SQL_USER, "bob" }, { REQUEST_SQL_VERB, "DROP" } },
	  false },
	{ SELECTS, { { REQUEST_SQL_DATABASE, "shop" } }, false },
	{ SELECTS, { { REQUEST_HTTP_PATH, "/" } }, false },
	{ SELECTS, { { REQUEST__MAX, NULL } }, false },
	{ RULE("deny", "{\"sql.verb\":\"select\"}"),
	  { { REQUEST_SQL_USER, "bob" } },
	  false },
	{ RULE("allow", "{\"sql.verb\":\"select\",\"sql.user\":\"ann\"}"),
	  { { REQUEST_SQL_USER, "bob" } },
	  false },
	/* what is not known is not allowed, and denied where anything is */
	{ SELECTS,
	  { { REQUEST_SQL_USER, "bob" }, { REQUEST_SQL_VERB, UNSEEN } },
	  false },
	{ RULE("deny", "{\"sql.verb\":\"select\"}"),
	  { { REQUEST_SQL_USER, "bob" }, { REQUEST_SQL_VERB, UNSEEN } },
	  true },
	{ RULE("deny", "{\"sql.verb\":\"select\",\"sql.user\":\"ann\"}"),
	  { { REQUEST_SQL_USER, "bob" }, { REQUEST_SQL_VERB, UNSEEN } },
	  false },
	{ RULE("allow", "{\"sql.user\":\"bob\"}"),
	  { { REQUEST_SQL_USER, "bob" }, { REQUEST_SQL_VERB, UNSEEN } },
	  true },
	{ RULE("allow", "{\"http.path\":\"/\"}"),
	  { { REQUEST_SQL_USER, "bob" } },
	  false },
	{ RULE("allow", "{\"sql.database\":\"shop\"}"),
	  { { REQUEST_SQL_USER, "bob" } },
	  true }, /* USE will say it */
	{ RULE("allow", "{\"sql.database\":\"shop\"}"),
	  { { REQUEST_SQL_USER, "bob" }, { REQUEST_SQL_DATABASE, "x" } },
	  false },
#define ORDERS                                                     \
	RULE("allow", "{\"kafka.topic\":\"orders\",\"kafka.api\":" \
		      "\"produce\"}")
	{ ORDERS, { { REQUEST_KAFKA_API, "apiVersions" } }, true },
	{ ORDERS, { { REQUEST_KAFKA_API, "metadata" } }, true },
	{ ORDERS,
	  { { REQUEST_KAFKA_API, "metadata" },
	    { REQUEST_KAFKA_TOPIC, "orders" } },
	  false }, /* it says produce */
	{ ORDERS,
	  { { REQUEST_KAFKA_API, "produce" },
	    { REQUEST_KAFKA_TOPIC, "orders" } },
	  true },
	{ ORDERS, { { REQUEST_KAFKA_API, "deleteGroups" } }, false },
	{ ORDERS, { { REQUEST_KAFKA_API, "produce" } }, false },
	{ ORDERS,
	  { { REQUEST_KAFKA_API, "fetch" }, { REQUEST_KAFKA_TOPIC, UNSEEN } },
	  false },
	{ RULE("allow", "{\"mqtt.topic\":\"a/*\"}"),
	  { { REQUEST_MQTT_TYPE, "connect" }, { REQUEST_MQTT_TOPIC, UNSEEN } },
	  false },
	{ RULE("allow", "{\"mqtt.topic\":\"a/*\"}"),
	  { { REQUEST_MQTT_TYPE, "connect" } },
	  true },
	{ RULE("allow", "{\"mqtt.topic\":\"a/*\"}"),
	  { { REQUEST_MQTT_TYPE, "connect" },
	    { REQUEST_MQTT_TOPIC, "b" } }, /* its will */
	  false },
	{ RULE("allow", "{\"mongodb.collection\":\"carts\"}"),
	  { { REQUEST_MONGO_COMMAND, "ismaster" },
	    { REQUEST_MONGO_DATABASE, "admin" } },
	  true },
	{ RULE("allow", "{\"mongodb.collection\":\"carts\"}"),
	  { { REQUEST_MONGO_COMMAND, "dropDatabase" },
	    { REQUEST_MONGO_DATABASE, "shop" } },
	  false },
};
#undef RULE

static void opening(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(openings); i++) {
		struct policy *p = compile(&openings[i].rule, 1);
		struct request r = { 0 };
		struct policy_query q = {
			.client = ip_from_v4(0x0a000001),
			.server = ip_from_v4(0x0a000002),
			.server_port = 1,
			.proto = 6,
			.app = APP_MYSQL,
			.request = &r,
		};

		for (size_t k = 0; k < 3 && openings[i].said[k].value; k++) {
			unsigned f = openings[i].said[k].field;

			if (strcmp(openings[i].said[k].value, UNSEEN) == 0)
				r.unseen |= 1u << f;
			else
				r.value[f] = text(openings[i].said[k].value);
		}
		if ((policy_match(p, &q).rule_id == 1) != openings[i].match)
			fail_msg("row %zu: %s", i, openings[i].rule);
		policy_put(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns), cmocka_unit_test(random_patterns),
		cmocka_unit_test(printed),  cmocka_unit_test(refused),
		cmocka_unit_test(decides),  cmocka_unit_test(opening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
