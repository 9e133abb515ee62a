/*
 * What the agent knows by itself is asked by other threads than what waits for a
 * data plane, which may hang (base/limits_api.h).
 */
#include "api/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/hall.h"
#include "api/link.h"
#include "api/lists.h"
#include "api/route.h"
#include "api/server.h"
#include "api/serving.h"

/* Also for a fleet's servers, which are further away. */
static bool waits_for_others(const struct command_route *r, const json_t *args)
{
	static const char *const waiting[] = { "top", "sessions", "explain" };
	const struct command_spec *c = command_spec(r->command);

	for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++)
		if (strcmp(waiting[i], r->command) == 0)
			return true;
	return c->changes || json_is_true(json_object_get(args, "fleet"));
}

/* {"revision":7,...} -> "7" in quotes, as a tag. */
static bool revision_tag(const char *text, size_t len, char ret[ETAG_MAX])
{
	struct span v = span_member((struct span){ text, len }, "revision");

	if (v.len == 0 || v.len > ETAG_MAX - 3)
		return false;
	ret[0] = '"';
	memcpy(ret + 1, v.at, v.len);
	memcpy(ret + 1 + v.len, "\"", 2);
	return true;
}

static void tag(struct request *r)
{
	struct answer *a = &r->answer;

	if (r->route->revision && revision_tag(a->text, a->len, a->etag))
		return;
	if (strcmp(r->route->method, "GET") == 0)
		etag_of(a->text, a->len, a->etag);
}

/*
 * The agent's line. Who only looks and leaves is waited for no more, and the agent
 * spares itself the rest (a preview of weeks); a change that was asked for is made.
 */
static int ask(struct request *r, struct link *l, json_t *args,
	       struct span *ret, struct err *reterr)
{
	struct hall *h = r->server->hall;
	bool looks = r->route->role == ROLE_VIEWER;
	int rc = 0;

	if (looks && !hall_asks(h, r->of, l))
		json_decref(args);
	else
		rc = link_ask(l, r->route->command, r->who.user, args, ret,
			      reterr);
	if (looks && !hall_answered(h, r->of))
		rc = err_set(reterr, ECONNABORTED, NULL,
			     "who asked has ended his side of the connection");
	return rc;
}

static void run(struct job *j, struct asker *a)
{
	struct request *r = (struct request *)j;
	struct text out = { 0 };
	struct span line = { 0 };
	struct err err;
	json_t *args = r->args;
	int rc;

	r->args = NULL;
	rc = ask(r, asker_link(a), args, &line, &err);
	if (rc == 0)
		rc = lists_answer(r->route, &r->uri, line, &out, &err);
	if (rc == 0) {
		answer_text(r, 200, text_take(&out));
		r->answer.keep = true;
		if (r->answer.status == 200)
			tag(r);
	} else {
		answer_problem(r, &err);
	}
	text_done(&out);
	serving_resume(r);
}

/* If-Match: "7" is argument "revision". */
static int take_revision(struct request *r, json_t *args, struct err *reterr)
{
	const char *header = request_header(r, "If-Match");
	char *end;
	long long revision;

	if (!header || !r->route->revision || strcmp(header, "*") == 0)
		return 0;
	errno = 0;
	revision = header[0] == '"' ? strtoll(header + 1, &end, 10) : -1;
	if (revision < 0 || errno || end == header + 1 ||
	    strcmp(end, "\"") != 0)
		return err_set(reterr, EINVAL, "If-Match",
			       "expected \"REVISION\", as ETag said it");
	(void)json_object_set_new(args, "revision", json_integer(revision));
	return 0;
}

int ask_agent(struct request *r)
{
	struct server *s = r->server;
	struct err err;
	int rc = route_args(r->route, &r->uri, r->body.at, r->body.len,
			    &r->args, &err);

	if (rc == 0)
		rc = take_revision(r, r->args, &err);
	if (rc < 0) {
		answer_problem(r, &err);
		return rc;
	}
	text_done(&r->body);
	r->job.run = run;
	return serving_submit(
		r, waits_for_others(r->route, r->args) ? s->slow : s->quick);
}
