/*
 * From a request's text to a command's arguments: what is taken, and what is
 * refused where.
 */
#include "api/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/etag.h"
#include "api/lists.h"
#include "api/problem.h"
#include "test.h"

static const struct {
	const char *name, *target;
	int rc;
	const char *parts; /* with | between, then ? and the arguments */
} uris[] = {
	{ "root", "/", 0, "" },
	{ "plain", "/api/v1/rules", 0, "api|v1|rules" },
	{ "escaped slash stays in its part", "/a/x%2Fy", 0, "a|x/y" },
	{ "query", "/a?b=c+d&e=%26&f", 0, "a?b=c d&e=&&f=" },
	{ "empty query", "/a?", 0, "a?" },
	{ "UTF-8", "/%C3%A4", 0, "\xc3\xa4" },
	{ "up", "/a/../b", -ENOENT, NULL },
	{ "escaped up", "/a/%2e%2E/b", -ENOENT, NULL },
	{ "here", "/a/./b", -ENOENT, NULL },
	{ "two slashes", "/a//b", -ENOENT, NULL },
	{ "slash at the end", "/a/", -ENOENT, NULL },
	{ "NUL", "/a%00", -ENOENT, NULL },
	{ "half an escape", "/a%4", -ENOENT, NULL },
	{ "no escape", "/a%zz", -ENOENT, NULL },
	{ "no UTF-8", "/%ff", -ENOENT, NULL },
	{ "overlong UTF-8", "/%c0%ae%c0%ae/", -ENOENT, NULL },
	{ "line feed", "/a%0ab", -ENOENT, NULL },
	{ "a proxy's form", "http://x/a", -ENOENT, NULL },
	{ "*", "*", -ENOENT, NULL },
	{ "nothing", "", -ENOENT, NULL },
	{ "deep", "/1/2/3/4/5/6/7/8/9", -ENOENT, NULL },
	{ "twice", "/a?b=1&b=2", -EINVAL, NULL },
	{ "twice, escaped", "/a?b=1&%62=2", -EINVAL, NULL },
	{ "NUL in the query", "/a?b=%00", -EINVAL, NULL },
};

static void print_uri(const struct uri *u, bool query, struct text *t)
{
	for (size_t i = 0; i < u->n_parts; i++)
		text_addf(t, "%s%s", i ? "|" : "", u->parts[i]);
	if (query)
		text_add_word(t, "?");
	for (size_t i = 0; i < u->n_args; i++)
		text_addf(t, "%s%s=%s", i ? "&" : "", u->args[i].name,
			  u->args[i].value);
}

static void test_uri(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
		struct text t = { 0 };
		struct uri u;
		struct err err;
		char *text;

		assert_row(uris[i].name,
			   uri_parse(uris[i].target, &u, &err) == uris[i].rc);
		if (uris[i].rc == 0) {
			print_uri(&u, strchr(uris[i].target, '?'), &t);
			text_add(&t, "", 1);
			text = text_take(&t);
			assert_row(uris[i].name,
				   strcmp(text, uris[i].parts) == 0);
			free(text);
		}
		text_done(&t);
		uri_done(&u);
	}
}

static void test_uri_long(void **state)
{
	static char text[API_URI_MAX + 2];
	struct uri u;
	struct err err;

	memset(text, 'a', sizeof text - 1);
	text[0] = '/';
	assert_int_equal(uri_parse(text, &u, &err), -ENOENT);
	uri_done(&u);
	text[API_PATH_PART_MAX + 2] = '\0';
	assert_int_equal(uri_parse(text, &u, &err), -ENOENT);
	uri_done(&u);
	text[API_PATH_PART_MAX + 1] = '\0';
	assert_int_equal(uri_parse(text, &u, &err), 0);
	uri_done(&u);
}

#define V "/api/v1"

static const struct {
	const char *name, *method, *target, *body;
	const char *want; /* the arguments; or "CODE at" */
} requests[] = {
	{ "plain", "GET", V "/status", "", "{}" },
	{ "HEAD", "HEAD", V "/status", "", "{}" },
	{ "path", "GET", V "/workloads/web", "", "{\"workload\":\"web\"}" },
	{ "a number in the path", "DELETE", V "/rules/12", "",
	  "{\"rule\":12}" },
	{ "no number in the path", "DELETE", V "/rules/x", "", "EINVAL rule" },
	{ "a number too large", "DELETE", V "/rules/9999999999999999999", "",
	  "EINVAL rule" },
	{ "another name in the path", "GET", V "/events/7", "", "{\"raw\":7}" },
	{ "query", "GET", V "/flows?workload=a&limit=5&violations=true", "",
	  "{\"workload\":\"a\",\"limit\":5,\"violations\":true}" },
	{ "no such argument", "GET", V "/flows?follow=true", "",
	  "EINVAL follow" },
	{ "wrong type", "GET", V "/flows?limit=many", "", "EINVAL limit" },
	{ "negative", "GET", V "/flows?limit=-1", "", "EINVAL limit" },
	{ "page of ours", "GET", V "/groups?limit=5&after=a&q=x", "", "{}" },
	{ "page of the agent's", "GET", V "/rules?limit=5&after=3&q=x", "",
	  "{\"limit\":5,\"after\":3,\"q\":\"x\"}" },
	{ "it is bounded", "GET", V "/rules?action=deny", "",
	  "{\"action\":\"deny\",\"limit\":1000}" },
	{ "page too large", "GET", V "/rules?limit=1001", "", "EINVAL limit" },
	{ "a filter of another list", "GET", V "/rules?namespace=x", "",
	  "EINVAL namespace" },
	{ "body", "POST", V "/policy/rollback", "{\"to\":3}", "{\"to\":3}" },
	{ "must", "POST", V "/policy/rollback", "{}", "EINVAL to" },
	{ "must in a query", "GET", V "/explain?from=a&proto=tcp", "",
	  "EINVAL to" },
	{ "wrong type in a body", "POST", V "/policy/rollback",
	  "{\"to\":\"3\"}", "EINVAL to" },
	{ "no such member", "POST", V "/policy/rollback",
	  "{\"to\":3,\"wait\":false}", "EINVAL wait" },
	{ "a member twice", "POST", V "/policy/rollback", "{\"to\":3,\"to\":4}",
	  "EINVAL body" },
	{ "no object", "POST", V "/policy/rollback", "[3]", "EINVAL body" },
	{ "no JSON", "POST", V "/policy/rollback", "{", "EINVAL body" },
	{ "no body", "POST", V "/workloads/web/divert", "",
	  "{\"workload\":\"web\"}" },
	{ "a body where none is", "DELETE", V "/rules/1", "{\"x\":1}",
	  "EINVAL body" },
	{ "an empty one there", "DELETE", V "/rules/1", "{}", "{\"rule\":1}" },
	{ "the path said again", "POST", V "/workloads/web/divert",
	  "{\"workload\":\"app\"}", "EINVAL workload" },
	{ "fixed", "DELETE", V "/workloads/web/quarantine", "",
	  "{\"workload\":\"web\",\"off\":true}" },
	{ "whole", "PATCH", V "/groups/g", "{\"mode\":\"protect\"}",
	  "{\"group\":{\"mode\":\"protect\",\"name\":\"g\"},\"part\":true}" },
	{ "whole, with another name", "PUT", V "/groups/g", "{\"name\":\"h\"}",
	  "EINVAL name" },
	{ "rules", "PUT", V "/signatures/files/a.rules?strict=true",
	  "alert \"x\"\n",
	  "{\"strict\":true,\"files\":[{\"name\":\"a.rules\",\"text\":\"alert "
	  "\\\"x\\\"\\n\"}],\"add\":true}" },
	{ "rules, no UTF-8", "PUT", V "/signatures/files/a", "\xff",
	  "EINVAL body" },
	{ "ids", "DELETE", V "/sessions", "{\"ids\":[1]}", "{\"ids\":[1]}" },
	{ "no list", "DELETE", V "/sessions", "{\"ids\":1}", "EINVAL ids" },
	{ "an id that is text", "DELETE", V "/captures/a-1", "",
	  "{\"id\":\"a-1\"}" },
	{ "an id that is a number", "DELETE", V "/captures/4", "",
	  "{\"id\":4}" },
	{ "the plainer path", "GET", V "/responses/log", "", "{}" },
	{ "no path", "GET", V "/nope", "", "ENOENT path" },
	{ "above", "GET", "/api/v2/status", "", "ENOENT path" },
	{ "not below", "GET", "/status", "", "ENOENT path" },
	{ "too long a path", "GET", V "/status/x", "", "ENOENT path" },
	{ "no method", "POST", V "/status", "", "EOPNOTSUPP method" },
	{ "a made-up method", "BREW", V "/status", "", "EOPNOTSUPP method" },
};

/* What comes of it, as the table has it; the caller frees it. */
static char *outcome(const char *method, const char *target, const char *body)
{
	const struct command_route *r = NULL;
	char allow[ROUTE_ALLOW_MAX];
	json_t *args = NULL;
	struct text t = { 0 };
	struct uri u;
	struct err err;
	char *text;
	int rc = uri_parse(target, &u, &err);

	if (rc == 0)
		rc = route_find(method, &u, &r, allow, &err);
	if (rc == 0)
		rc = route_args(r, &u, body, strlen(body), &args, &err);
	if (rc == 0) {
		text = json_dumps(args, JSON_COMPACT);
	} else {
		text_addf(&t, "%s %s", err_code_name(err.code), err.at);
		text_add(&t, "", 1);
		text = text_take(&t);
	}
	json_decref(args);
	uri_done(&u);
	return text;
}

static void test_requests(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		char *got = outcome(requests[i].method, requests[i].target,
				    requests[i].body);

		if (strcmp(got, requests[i].want) != 0)
			fail_msg("row \"%s\": %s", requests[i].name, got);
		free(got);
	}
}

static void test_allow(void **state)
{
	const struct command_route *r;
	char allow[ROUTE_ALLOW_MAX];
	struct uri u;
	struct err err;

	assert_int_equal(uri_parse("/api/v1/groups/x", &u, &err), 0);
	assert_int_equal(route_find("POST", &u, &r, allow, &err), -EOPNOTSUPP);
	assert_string_equal(allow, "PUT, PATCH, DELETE");
	uri_done(&u);
}

static void test_deep(void **state)
{
	char body[200] = "{\"rule\":";
	char *got;

	memset(body + 8, '[', 100);
	got = outcome("POST", "/api/v1/rules", body);
	assert_string_equal(got, "EINVAL body");
	free(got);
}

/* --- answers --------------------------------------------------------------------- */

static const char workloads[] =
	"{\"workloads\":["
	"{\"id\":\"c\",\"name\":\"web-2\",\"mode\":\"protect\",\"groups\":["
	"\"w\"],\"about\":{\"namespace\":\"shop\"}},"
	"{\"id\":\"a\",\"name\":\"We\\\"b\",\"mode\":\"monitor\",\"groups\":[],"
	"\"about\":{}},"
	"{\"id\":\"b\",\"name\":\"app "
	"}]\",\"mode\":\"protect\",\"groups\":[\"w\",\"x\"],\"about\":{}}"
	"],\"id\":7,\"ok\":true}";

static const struct {
	const char *name, *target, *line;
	const char *want; /* ids and the rest; or "CODE at" */
} lists[] = {
	{ "all, sorted", "/workloads", workloads, "a b c total 3 next -" },
	{ "first page", "/workloads?limit=2", workloads, "a b total 3 next b" },
	{ "second page", "/workloads?limit=2&after=b", workloads,
	  "c total 3 next -" },
	{ "after one that is gone", "/workloads?limit=1&after=aa", workloads,
	  "b total 3 next b" },
	{ "beyond", "/workloads?after=z", workloads, "total 3 next -" },
	{ "text, in any case", "/workloads?q=WEB", workloads,
	  "c total 1 next -" },
	{ "mode", "/workloads?mode=protect", workloads, "b c total 2 next -" },
	{ "group and page", "/workloads?group=w&limit=1", workloads,
	  "b total 2 next b" },
	{ "namespace", "/workloads?namespace=shop", workloads,
	  "c total 1 next -" },
	{ "none", "/workloads?state=x", workloads, "total 0 next -" },
	{ "empty", "/workloads", "{\"workloads\":[],\"id\":1,\"ok\":true}",
	  "total 0 next -" },
	{ "what the agent cuts is as it is", "/rules?limit=2&q=x",
	  "{\"rules\":[{\"id\":9},{\"id\":3}],\"total\":3,\"next\":\"3\","
	  "\"ok\":true}",
	  "9 3 total 3 next 3" },
	{ "refused", "/workloads",
	  "{\"id\":1,\"ok\":false,\"error\":{\"code\":\"EBUSY\",\"at\":\"x\","
	  "\"text\":\"y\"}}",
	  "EBUSY x" },
	{ "cut off", "/workloads", "{\"ok\":true,\"workloads\":[{\"id\":\"a\"",
	  "EPROTO " },
	{ "no JSON", "/workloads", "hello", "EPROTO " },
};

static char *page_of(const char *target, const char *line)
{
	const struct command_route *r = NULL;
	char allow[ROUTE_ALLOW_MAX], path[100];
	struct text out = { 0 }, t = { 0 };
	struct uri u;
	struct err err;
	json_t *v, *e;
	const char *id;
	char *text;
	size_t i;
	int rc;

	(void)snprintf(path, sizeof path, "/api/v1%s", target);
	assert_int_equal(uri_parse(path, &u, &err), 0);
	assert_int_equal(route_find("GET", &u, &r, allow, &err), 0);
	rc = lists_answer(r, &u, (struct span){ line, strlen(line) }, &out,
			  &err);
	if (rc < 0) {
		text_addf(&t, "%s %s", err_code_name(err.code), err.at);
	} else {
		v = json_loadb(out.at, out.len, JSON_REJECT_DUPLICATES, NULL);
		assert_true(json_is_object(v));
		assert_null(json_object_get(v, "ok"));
		json_array_foreach (json_object_get(v, r->list), i, e) {
			id = json_string_value(json_object_get(e, "id"));
			if (id)
				text_addf(&t, "%s ", id);
			else
				text_addf(&t, "%lld ",
					  (long long)json_integer_value(
						  json_object_get(e, "id")));
		}
		id = json_string_value(json_object_get(v, "next"));
		text_addf(&t, "total %lld next %s",
			  (long long)json_integer_value(
				  json_object_get(v, "total")),
			  id ? id : "-");
		json_decref(v);
	}
	text_add(&t, "", 1);
	text = text_take(&t);
	text_done(&out);
	uri_done(&u);
	return text;
}

static void test_lists(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		char *got = page_of(lists[i].target, lists[i].line);

		if (strcmp(got, lists[i].want) != 0)
			fail_msg("row \"%s\": %s", lists[i].name, got);
		free(got);
	}
}

static void test_etag(void **state)
{
	char a[ETAG_MAX], b[ETAG_MAX];

	etag_of("x", 1, a);
	etag_of("y", 1, b);
	assert_string_not_equal(a, b);
	assert_true(etag_is_in("\"1\"", "\"0\", W/\"1\""));
	assert_true(etag_is_in("\"1\"", "*"));
	assert_false(etag_is_in("\"1\"", "\"12\""));
	assert_false(etag_is_in("\"1\"", "1"));
	assert_false(etag_is_in("\"1\"", ""));
}

static void test_problems(void **state)
{
	static const struct {
		int code;
		unsigned status;
	} rows[] = {
		{ EINVAL, 400 },     { ENOENT, 404 },	 { EPERM, 403 },
		{ EACCES, 403 },     { EEXIST, 409 },	 { EBUSY, 409 },
		{ ESTALE, 412 },     { ETIMEDOUT, 504 }, { ECONNREFUSED, 503 },
		{ ECONNRESET, 503 }, { EIO, 500 },	 { EMSGSIZE, 413 },
		{ ENOSYS, 501 },
	};
	struct err err;
	char *text;
	json_t *v;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(problem_status(rows[i].code), rows[i].status);
	(void)err_set(&err, EINVAL, "a.b", "say \"what\"");
	text = problem_text(&err, 0);
	v = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_object_size(v), 6);
	assert_string_equal(json_string_value(json_object_get(v, "detail")),
			    "say \"what\"");
	assert_string_equal(json_string_value(json_object_get(v, "code")),
			    "EINVAL");
	assert_string_equal(json_string_value(json_object_get(v, "title")),
			    "Bad Request");
	json_decref(v);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri),
		cmocka_unit_test(test_uri_long),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_allow),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_etag),
		cmocka_unit_test(test_problems),
	};

	return cmocka_run_group_tests_name("api_route", tests, NULL, NULL);
}
