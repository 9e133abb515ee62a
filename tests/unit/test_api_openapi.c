/*
 * The table of commands and routes: sound in itself, the same as the agent's
 * dispatch, and as docs/openapi.yaml, both ways.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "agent/commands.h"
#include "api/route.h"
#include "wire/commands.h"
#include "yaml/yaml.h"

#include "test.h"

#define ROUTE(r) route_name(r)

/* "GET /rules"; static. */
static const char *route_name(const struct command_route *r)
{
	static char text[120];

	(void)snprintf(text, sizeof text, "%s %s", r->method, r->path);
	return text;
}

/* Each word of a list, without "!". */
static size_t each_word(const char **at, char buf[40])
{
	size_t len;

	if (!*at)
		return 0;
	*at += strspn(*at, " ");
	len = strcspn(*at, " ");
	(void)snprintf(buf, 40, "%.*s", (int)strcspn(*at, " !"), *at);
	*at += len;
	return len;
}

static void check_words(const struct command_route *r, const char *list)
{
	const struct command_spec *c = command_spec(r->command);
	char name[40];

	while (each_word(&list, name))
		assert_row(route_name(r), command_arg(c, name, strlen(name)));
}

static void test_table(void **state)
{
	for (const struct command_route *r = command_routes; r->method; r++) {
		assert_row(ROUTE(r), !r->command == (r->own != OWN_NONE &&
						     r->own != OWN_FILE));
		if (!r->command)
			continue;
		assert_row(ROUTE(r), command_spec(r->command));
		check_words(r, r->args);
		check_words(r, r->query);
		assert_row(ROUTE(r), !r->list == !r->key);
		/* who only reads cannot change, whatever the method */
		assert_row(ROUTE(r),
			   r->role > ROLE_VIEWER ||
				   !command_spec(r->command)->changes ||
				   strcmp(r->method, "GET") == 0);
	}
}

/* Of each argument in a path; a previous one with the same way would hide it. */
static void test_paths(void **state)
{
	for (const struct command_route *r = command_routes; r->method; r++)
		for (const struct command_route *q = r + 1; q->method; q++)
			assert_row(ROUTE(q),
				   strcmp(r->method, q->method) != 0 ||
					   strcmp(r->path, q->path) != 0);
}

static bool is_dispatched(const char *name)
{
	for (const struct command *k = commands; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return true;
	return false;
}

static void test_dispatch(void **state)
{
	for (const struct command *k = commands; k->name; k++)
		assert_row(k->name, command_spec(k->name));
	for (const struct command_spec *c = command_specs; c->name; c++)
		assert_row(c->name, is_dispatched(c->name));
}

/* --- the document ----------------------------------------------------------- */

static struct yaml_text *document(void)
{
	static char text[1 << 20];
	int fd = open(SOURCE_ROOT "/docs/openapi.yaml", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof text);
	struct yaml_text *y;
	struct err err;

	assert_true(n > 0 && n < (ssize_t)sizeof text);
	close(fd);
	if (yaml_text_read(text, (size_t)n, "openapi.yaml", &y, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
	return y;
}

/* "/api/v1/groups/{group}" of a route. */
static void document_path(const struct command_route *r, char buf[200])
{
	const char *s = r->path;
	size_t len = (size_t)snprintf(buf, 200, "%s",
				      r->own == OWN_METRICS ? "" : "/api/v1");

	while (*s && len < 198) {
		if (*s == '=')
			s += strcspn(s, "}");
		buf[len++] = *s++;
	}
	buf[len] = '\0';
}

static const json_t *operation(const json_t *paths,
			       const struct command_route *r)
{
	char path[200], method[10];

	document_path(r, path);
	for (size_t i = 0; i <= strlen(r->method); i++)
		method[i] = (char)(r->method[i] | (r->method[i] ? 0x20 : 0));
	return json_object_get(json_object_get(paths, path), method);
}

static const json_t *parameter(const json_t *op, const char *in,
			       const char *name)
{
	const json_t *list = json_object_get(op, "parameters"), *p;
	size_t i;

	json_array_foreach (list, i, p)
		if (strcmp(json_string_value(json_object_get(p, "name")),
			   name) == 0 &&
		    strcmp(json_string_value(json_object_get(p, "in")), in) ==
			    0)
			return p;
	return NULL;
}

static const json_t *body_schema(const json_t *op)
{
	const json_t *content =
		json_object_get(json_object_get(op, "requestBody"), "content");

	return json_object_get(json_object_get(content, "application/json"),
			       "schema");
}

/* The same arguments, and those that must be there. */
static void check_args(const struct command_route *r, const json_t *op,
		       const char *list, bool query)
{
	const json_t *members = json_object_get(body_schema(op), "properties");
	const char *at = list;
	char name[40];

	while (each_word(&at, name)) {
		bool must = false;
		const json_t *p = query ? parameter(op, "query", name)
					: json_object_get(members, name);

		assert_row(ROUTE(r), p);
		assert_row(ROUTE(r), route_lists(list, name, &must));
		if (query)
			assert_row(ROUTE(r),
				   must == json_is_true(json_object_get(
						   p, "required")));
	}
}

static void check_members(const struct command_route *r, const json_t *op)
{
	const json_t *members = json_object_get(body_schema(op), "properties");
	const char *name;
	json_t *v;

	if (!r->command || r->body != BODY_ARGS)
		return;
	json_object_foreach ((json_t *)(uintptr_t)members, name, v)
		assert_row(ROUTE(r), route_lists(r->args, name, NULL));
}

/* No parameter that the route does not take. */
static void check_parameters(const struct command_route *r, const json_t *op)
{
	const json_t *list = json_object_get(op, "parameters"), *p;
	size_t i;

	json_array_foreach (list, i, p) {
		const char *in = json_string_value(json_object_get(p, "in"));
		const char *name =
			json_string_value(json_object_get(p, "name"));
		const char *may = r->body == BODY_NONE ? r->args : r->query;

		if (strcmp(in, "query") == 0)
			assert_row(
				ROUTE(r),
				r->own == OWN_STREAM ||
					route_lists(may, name, NULL) ||
					(r->list &&
					 (route_lists(r->filters, name, NULL) ||
					  strcmp(name, "limit") == 0 ||
					  strcmp(name, "after") == 0)));
		if (strcmp(in, "path") == 0) {
			char one[60];

			(void)snprintf(one, sizeof one, "{%s", name);
			assert_row(ROUTE(r), strstr(r->path, one));
		}
		if (strcmp(in, "header") == 0)
			assert_row(ROUTE(r), r->revision);
	}
}

static void test_document(void **state)
{
	struct yaml_text *y = document();
	const json_t *paths = json_object_get(yaml_text_value(y, 0), "paths");

	for (const struct command_route *r = command_routes; r->method; r++) {
		const json_t *op = operation(paths, r);
		const char *command, *role;

		assert_row(ROUTE(r), op);
		command = json_string_value(json_object_get(op, "x-command"));
		role = json_string_value(json_object_get(op, "x-role"));
		assert_row(ROUTE(r),
			   role && strcmp(role, role_name(r->role)) == 0);
		assert_row(ROUTE(r),
			   r->command
				   ? command && strcmp(command, r->command) == 0
				   : !command);
		assert_row(ROUTE(r), json_object_get(op, "responses"));
		assert_row(ROUTE(r), !json_object_get(op, "requestBody") ==
					     (r->body == BODY_NONE));
		if (r->body != BODY_WHOLE)
			check_args(r, op, r->args, r->body == BODY_NONE);
		check_args(r, op, r->query, true);
		check_args(r, op, r->list ? r->filters : NULL, true);
		check_members(r, op);
		check_parameters(r, op);
	}
	yaml_text_free(y);
}

static bool is_route(const char *path, const char *method)
{
	char of[200];

	for (const struct command_route *r = command_routes; r->method; r++) {
		document_path(r, of);
		if (strcmp(of, path) == 0 && strcasecmp(r->method, method) == 0)
			return true;
	}
	return false;
}

static void test_document_back(void **state)
{
	struct yaml_text *y = document();
	json_t *paths = json_object_get(yaml_text_value(y, 0), "paths");
	json_t *methods, *op;
	const char *path, *method;

	json_object_foreach (paths, path, methods)
		json_object_foreach (methods, method, op)
			assert_row(path, is_route(path, method));
	yaml_text_free(y);
}

/* "$ref": "#/components/schemas/X" leads somewhere. */
static void check_refs(const json_t *whole, const json_t *v)
{
	const char *ref = json_string_value(json_object_get(v, "$ref"));
	const char *name;
	json_t *m;
	size_t i;

	if (ref) {
		const char *kind = ref + strlen("#/components/");
		const char *slash = strchr(kind, '/');
		char of[40];

		(void)snprintf(of, sizeof of, "%.*s", (int)(slash - kind),
			       kind);
		assert_row(ref,
			   json_object_get(
				   json_object_get(
					   json_object_get(whole, "components"),
					   of),
				   slash + 1));
	}
	json_object_foreach ((json_t *)(uintptr_t)v, name, m)
		check_refs(whole, m);
	json_array_foreach (v, i, m)
		check_refs(whole, m);
}

static void test_document_refs(void **state)
{
	struct yaml_text *y = document();

	check_refs(yaml_text_value(y, 0), yaml_text_value(y, 0));
	yaml_text_free(y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_dispatch),
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_document_back),
		cmocka_unit_test(test_document_refs),
	};

	return cmocka_run_group_tests_name("api_openapi", tests, NULL, NULL);
}
