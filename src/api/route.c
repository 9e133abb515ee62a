/*
 * Path arguments first, then those of the query and the body, then what is fixed:
 * a later one never overwrites an earlier one, since a body that says again what
 * the path says is refused.
 */
#include "api/route.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_own_root(const struct command_route *r)
{
	return r->own == OWN_METRICS;
}

/* --- the table's little languages ------------------------------------------- */

/* The next word of *at, which moves behind it; length 0: none is left. */
static size_t next_word(const char **at, const char **ret_word)
{
	size_t len;

	if (!*at)
		return 0;
	*at += strspn(*at, " ");
	len = strcspn(*at, " ");
	*ret_word = *at;
	*at += len;
	return len;
}

bool route_lists(const char *list, const char *name, bool *ret_must)
{
	size_t name_len = strlen(name), len;
	const char *word;

	while ((len = next_word(&list, &word)) > 0) {
		bool must = word[len - 1] == '!';

		if (len - must == name_len &&
		    memcmp(word, name, name_len) == 0) {
			if (ret_must)
				*ret_must = must;
			return true;
		}
	}
	return false;
}

/* "{called=arg.member}" -> its three; "{arg}" is called what it is. */
struct place {
	const char *called, *arg, *member;
	size_t called_len, arg_len, member_len; /* member: 0, none */
};

static bool parse_place(const char *part, size_t len, struct place *ret)
{
	const char *equals, *dot;

	if (len < 2 || part[0] != '{')
		return false;
	part++;
	len -= 2;
	equals = memchr(part, '=', len);
	*ret = (struct place){ part, part, NULL, len, len, 0 };
	if (!equals)
		return true;
	ret->called_len = (size_t)(equals - part);
	ret->arg = equals + 1;
	ret->arg_len = len - ret->called_len - 1;
	dot = memchr(ret->arg, '.', ret->arg_len);
	if (dot) {
		ret->member = dot + 1;
		ret->member_len = ret->arg_len - (size_t)(dot - ret->arg) - 1;
		ret->arg_len = (size_t)(dot - ret->arg);
	}
	return true;
}

/* The table's path, part by part. */
static size_t next_part(const char **at, const char **ret_part)
{
	size_t len;

	if (**at != '/')
		return 0;
	++*at;
	len = strcspn(*at, "/");
	*ret_part = *at;
	*at += len;
	return len;
}

/* --- which route ---------------------------------------------------------------- */

static bool is_path(const struct command_route *r, const struct uri *u)
{
	size_t i = is_own_root(r) ? 0 : 2, len;
	const char *at = r->path, *part;
	struct place p;

	if (i && (u->n_parts < 2 || strcmp(u->parts[0], "api") != 0 ||
		  strcmp(u->parts[1], "v1") != 0))
		return false;
	while ((len = next_part(&at, &part)) > 0) {
		if (i == u->n_parts)
			return false;
		if (!parse_place(part, len, &p) &&
		    (strlen(u->parts[i]) != len ||
		     memcmp(u->parts[i], part, len) != 0))
			return false;
		i++;
	}
	return i == u->n_parts;
}

/* Of "/responses/log" and "/responses/{id}" the first is meant. */
static bool is_plainer(const struct command_route *a,
		       const struct command_route *b)
{
	return !b || (!strchr(a->path, '{') && strchr(b->path, '{'));
}

static void add_allow(char allow[static ROUTE_ALLOW_MAX], const char *method)
{
	size_t len = strlen(allow);

	if (!strstr(allow, method))
		(void)snprintf(allow + len, ROUTE_ALLOW_MAX - len, "%s%s",
			       len ? ", " : "", method);
}

int route_find(const char *method, const struct uri *u,
	       const struct command_route **ret,
	       char ret_allow[static ROUTE_ALLOW_MAX], struct err *reterr)
{
	const struct command_route *found = NULL;

	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	ret_allow[0] = '\0';
	for (const struct command_route *r = command_routes; r->method; r++) {
		if (!is_path(r, u))
			continue;
		if (strcmp(r->method, method) == 0 && is_plainer(r, found))
			found = r;
		add_allow(ret_allow, r->method);
	}
	if (found) {
		*ret = found;
		return 0;
	}
	if (ret_allow[0])
		return err_set(reterr, EOPNOTSUPP, "method", "expected %s",
			       ret_allow);
	return err_set(reterr, ENOENT, "path", "there is nothing by that path");
}

const char *route_path_value(const struct command_route *r, const struct uri *u,
			     const char *name)
{
	const char *at = r->path, *part;
	size_t i = is_own_root(r) ? 0 : 2, len;
	struct place p;

	for (; (len = next_part(&at, &part)) > 0; i++)
		if (parse_place(part, len, &p) &&
		    strlen(name) == p.called_len &&
		    memcmp(name, p.called, p.called_len) == 0)
			return u->parts[i];
	return NULL;
}

const char *route_query(const struct uri *u, const char *name)
{
	for (size_t i = 0; i < u->n_args; i++)
		if (strcmp(u->args[i].name, name) == 0)
			return u->args[i].value;
	return NULL;
}

/* --- values --------------------------------------------------------------------------- */

/* -EINVAL: text is no such value. */
static int value_of_text(enum arg_type type, const char *text, json_t **ret)
{
	bool minus = type == ARG_INT && text[0] == '-';
	size_t digits = strspn(text + minus, "0123456789");
	bool number = digits > 0 && digits <= 18 && !text[minus + digits];
	json_t *v = NULL;

	switch (type) {
	case ARG_TEXT: v = json_string(text); break;
	case ARG_UINT:
	case ARG_INT:
	case ARG_ID:
		if (number)
			v = json_integer(strtoll(text, NULL, 10));
		else if (type == ARG_ID)
			v = json_string(text);
		break;
	case ARG_BOOL:
		if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0)
			v = json_true();
		else if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0)
			v = json_false();
		break;
	case ARG_LIST:
	case ARG_OBJECT:
	case ARG__MAX: break;
	}
	*ret = v;
	return v ? 0 : -EINVAL;
}

static bool is_of_type(enum arg_type type, const json_t *v)
{
	switch (type) {
	case ARG_TEXT: return json_is_string(v);
	case ARG_UINT: return json_is_integer(v) && json_integer_value(v) >= 0;
	case ARG_INT: return json_is_integer(v);
	case ARG_ID:
		return json_is_string(v) ||
		       (json_is_integer(v) && json_integer_value(v) >= 0);
	case ARG_BOOL: return json_is_boolean(v);
	case ARG_LIST: return json_is_array(v);
	case ARG_OBJECT: return json_is_object(v);
	case ARG__MAX: break;
	}
	return false;
}

static int bad_type(const struct arg_spec *a, struct err *reterr)
{
	return err_set(reterr, EINVAL, a->name, "expected %s",
		       arg_type_name(a->type));
}

/* --- where arguments come from --------------------------------------------------------- */

static int take_path(const struct command_route *r,
		     const struct command_spec *c, const struct uri *u,
		     json_t *args, struct err *reterr)
{
	const char *at = r->path, *part;
	size_t i = 2, len;
	struct place p;

	for (; (len = next_part(&at, &part)) > 0; i++) {
		const struct arg_spec *a;
		json_t *v;

		/* a member of an argument: with the body, below */
		if (!parse_place(part, len, &p) || p.member_len ||
		    r->body == BODY_RULES)
			continue;
		a = command_arg(c, p.arg, p.arg_len);
		if (value_of_text(a->type, u->parts[i], &v) < 0)
			return bad_type(a, reterr);
		(void)json_object_set_new(args, a->name, v);
	}
	return 0;
}

/* weir-api's own of a list: checked here, used by lists.c. */
static int check_page(const struct uri_arg *q, struct err *reterr)
{
	json_t *v;

	if (strcmp(q->name, "limit") != 0)
		return 0;
	if (value_of_text(ARG_UINT, q->value, &v) < 0 ||
	    json_integer_value(v) < 1 || json_integer_value(v) > API_PAGE_MAX) {
		json_decref(v);
		return err_set(reterr, EINVAL, "limit",
			       "expected a number 1..%d", API_PAGE_MAX);
	}
	json_decref(v);
	return 0;
}

static bool is_page_arg(const struct command_route *r, const char *name)
{
	return r->list &&
	       (strcmp(name, "limit") == 0 || strcmp(name, "after") == 0 ||
		route_lists(r->filters, name, NULL));
}

static int take_query(const struct command_route *r,
		      const struct command_spec *c, const struct uri *u,
		      json_t *args, struct err *reterr)
{
	const char *may = r->body == BODY_NONE ? r->args : r->query;

	for (size_t i = 0; i < u->n_args; i++) {
		const struct uri_arg *q = &u->args[i];
		const struct arg_spec *a;
		json_t *v;
		int rc;

		if (is_page_arg(r, q->name)) {
			rc = check_page(q, reterr);
			if (rc < 0)
				return rc;
			if (!r->paged)
				continue;
		} else if (!route_lists(may, q->name, NULL))
			return err_set(reterr, EINVAL, q->name,
				       "is no argument here");
		a = command_arg(c, q->name, strlen(q->name));
		if (value_of_text(a->type, q->value, &v) < 0)
			return bad_type(a, reterr);
		(void)json_object_set_new(args, a->name, v);
	}
	return 0;
}

int route_body_object(const char *body, size_t len, json_t **ret,
		      struct err *reterr)
{
	json_error_t why;
	size_t depth = 0, deepest = 0;

	if (len == 0) {
		*ret = json_object();
		return *ret ? 0
			    : err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	/* brackets in texts count, too: nobody has so many for a reason */
	for (size_t i = 0; i < len; i++) {
		if (body[i] == '{' || body[i] == '[')
			depth++;
		else if ((body[i] == '}' || body[i] == ']') && depth > 0)
			depth--;
		if (depth > deepest)
			deepest = depth;
	}
	if (deepest > API_JSON_DEPTH_MAX)
		return err_set(reterr, EINVAL, "body",
			       "is nested deeper than %d", API_JSON_DEPTH_MAX);
	*ret = json_loadb(body, len, JSON_REJECT_DUPLICATES, &why);
	if (json_is_object(*ret))
		return 0;
	len = *ret ? 1 : 0;
	json_decref(*ret);
	*ret = NULL;
	return err_set(reterr, EINVAL, "body", "expected a JSON object%s%.100s",
		       len ? "" : ": ", len ? "" : why.text);
}

static int take_members(const struct command_route *r,
			const struct command_spec *c, json_t *body,
			json_t *args, struct err *reterr)
{
	const char *name;
	json_t *v;

	json_object_foreach (body, name, v) {
		const struct arg_spec *a;

		if (!route_lists(r->args, name, NULL))
			return err_set(reterr, EINVAL, name,
				       "is no member here");
		a = command_arg(c, name, strlen(name));
		if (!is_of_type(a->type, v))
			return bad_type(a, reterr);
		(void)json_object_set(args, a->name, v);
	}
	return 0;
}

/* The body is one argument; what the path says becomes members of it. */
static int take_whole(const struct command_route *r, const struct uri *u,
		      json_t *body, json_t *args, struct err *reterr)
{
	const char *at = r->path, *part;
	size_t i = 2, len;
	struct place p;

	for (; (len = next_part(&at, &part)) > 0; i++) {
		char member[40];
		json_t *v;

		if (!parse_place(part, len, &p) || !p.member_len)
			continue;
		(void)snprintf(member, sizeof member, "%.*s", (int)p.member_len,
			       p.member);
		if (json_object_get(body, member))
			return err_set(reterr, EINVAL, member,
				       "stands in the path");
		(void)value_of_text(strcmp(member, "id") == 0 ? ARG_ID
							      : ARG_TEXT,
				    u->parts[i], &v);
		(void)json_object_set_new(body, member, v);
	}
	(void)json_object_set(args, r->args, body);
	return 0;
}

static int take_body(const struct command_route *r,
		     const struct command_spec *c, const struct uri *u,
		     const char *body, size_t len, json_t *args,
		     struct err *reterr)
{
	json_t *object = NULL, *text;
	int rc;

	if (r->body == BODY_RULES) {
		text = json_stringn(body, len);
		if (!text)
			return err_set(reterr, EINVAL, "body",
				       "expected UTF-8 text");
		(void)json_object_set_new(
			args, "files",
			json_pack("[{s:s, s:o}]", "name",
				  route_path_value(r, u, "name"), "text",
				  text));
		return 0;
	}
	rc = route_body_object(body, len, &object, reterr);
	if (rc == 0 && r->body == BODY_NONE && json_object_size(object) > 0)
		rc = err_set(reterr, EINVAL, "body", "expected none");
	else if (rc == 0 && r->body == BODY_WHOLE)
		rc = take_whole(r, u, object, args, reterr);
	else if (rc == 0)
		rc = take_members(r, c, object, args, reterr);
	json_decref(object);
	return rc;
}

static int check_must(const char *list, const json_t *args, struct err *reterr)
{
	const char *word;
	size_t len;

	while ((len = next_word(&list, &word)) > 0) {
		char name[40];

		if (word[len - 1] != '!')
			continue;
		(void)snprintf(name, sizeof name, "%.*s", (int)len - 1, word);
		if (!json_object_get(args, name))
			return err_set(reterr, EINVAL, name, "is missing");
	}
	return 0;
}

int route_args(const struct command_route *r, const struct uri *u,
	       const char *body, size_t body_len, json_t **ret,
	       struct err *reterr)
{
	const struct command_spec *c = command_spec(r->command);
	json_t *args = json_object(), *fixed;
	int rc;

	if (!args)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = take_path(r, c, u, args, reterr);
	if (rc == 0)
		rc = take_query(r, c, u, args, reterr);
	if (rc == 0 && r->paged && !json_object_get(args, "limit"))
		(void)json_object_set_new(args, "limit",
					  json_integer(API_PAGE_DEFAULT));
	if (rc == 0)
		rc = take_body(r, c, u, body, body_len, args, reterr);
	if (rc == 0)
		rc = check_must(r->args, args, reterr);
	if (rc == 0 && r->fixed) {
		fixed = json_loads(r->fixed, 0, NULL);
		(void)json_object_update(args, fixed);
		json_decref(fixed);
	}
	if (rc < 0)
		json_decref(args);
	else
		*ret = args;
	return rc;
}
