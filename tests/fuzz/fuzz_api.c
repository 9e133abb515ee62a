/*
 * A request as it comes: the target in the first line, the method in the second,
 * the body behind. Whatever it is, it is refused with a place and a text, or
 * becomes an object of arguments that the command has, of their types, and no
 * path that leads upwards. Headers: cookies of the same bytes.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/etag.h"
#include "api/identity.h"
#include "api/lists.h"
#include "api/ring.h"
#include "api/route.h"
#include "base/bug.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_args(const struct command_route *r, json_t *args)
{
	const struct command_spec *c = command_spec(r->command);
	const char *name;
	json_t *v;

	json_object_foreach (args, name, v) {
		const struct arg_spec *a = command_arg(c, name, strlen(name));

		BUG_ON(!a);
		BUG_ON(a->type == ARG_TEXT && !json_is_string(v));
		BUG_ON(a->type == ARG_BOOL && !json_is_boolean(v));
		BUG_ON(a->type == ARG_UINT &&
		       (!json_is_integer(v) || json_integer_value(v) < 0));
		BUG_ON(a->type == ARG_OBJECT && !json_is_object(v));
	}
}

static void try_request(const char *target, const char *method,
			const char *body, size_t len)
{
	const struct command_route *r = NULL;
	char allow[ROUTE_ALLOW_MAX];
	struct err err = { 0 };
	json_t *args = NULL;
	struct uri u;
	int rc = uri_parse(target, &u, &err);

	for (size_t i = 0; rc == 0 && i < u.n_parts; i++)
		BUG_ON(!u.parts[i][0] || strcmp(u.parts[i], "..") == 0);
	if (rc == 0)
		rc = route_find(method, &u, &r, allow, &err);
	if (rc == 0 && r->command)
		rc = route_args(r, &u, body, len, &args, &err);
	BUG_ON(rc < 0 && (err.code != -rc || !err.text[0] || args));
	if (args)
		check_args(r, args);
	json_decref(args);
	uri_done(&u);
}

static void try_headers(const char *text)
{
	char word[SECRET_TEXT_MAX];
	struct api_config c = { 0 };
	unsigned topics;
	const char *cookie = identity_cookie(text, word);

	BUG_ON(cookie && strlen(cookie) != SECRET_TEXT_MAX - 1);
	(void)identity_host(&c, text, false);
	(void)identity_origin(text, "a", false);
	(void)etag_is_in("\"0123456789abcdef\"", text);
	(void)topics_parse(text, &topics);
}

/* What an agent could say. */
static void try_answer(const char *text, size_t len)
{
	struct text out = { 0 };
	struct err err = { 0 };
	struct uri u = { 0 };
	const struct command_route *r = command_routes;

	while (!r->list)
		r++;
	(void)lists_answer(r, &u, (struct span){ text, len }, &out, &err);
	text_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), *method, *body;

	BUG_ON(!text);
	memcpy(text, data, len);
	text[len] = '\0';
	try_answer(text, len);
	try_headers(text);
	method = strchr(text, '\n');
	body = method ? strchr(method + 1, '\n') : NULL;
	if (body) {
		*method++ = *body++ = '\0';
		try_request(text, method, body, len - (size_t)(body - text));
	}
	free(text);
	return 0;
}
