/*
 * A command is added here and in the agent's dispatch, a route here and in
 * docs/openapi.yaml.
 */
#include "wire/commands.h"

#include <string.h>

static const char *const role_names[] = { "nobody", "viewer", "operator",
					  "admin" };
_Static_assert(sizeof role_names / sizeof *role_names == ROLE__MAX, "names");

const char *role_name(enum role role)
{
	return role_names[role];
}

enum role role_by_name(const char *name)
{
	for (enum role r = ROLE_VIEWER; r < ROLE__MAX; r++)
		if (strcmp(role_names[r], name) == 0)
			return r;
	return ROLE_NOBODY;
}

static const char *const type_names[] = {
	"a text", "a number from 0", "a whole number", "true or false",
	"an id",  "a list",	     "an object",
};
_Static_assert(sizeof type_names / sizeof *type_names == ARG__MAX, "names");

const char *arg_type_name(enum arg_type type)
{
	return type_names[type];
}

/* Every change can be bound to a revision, and need not be waited for. */
#define CHANGE_ARGS               \
	{ "revision", ARG_UINT }, \
	{                         \
		"wait", ARG_BOOL  \
	}

/* limits: table */
const struct command_spec command_specs[] = {
	{ "status", false, { { 0 } } },
	{ "top", false, { { 0 } } },
	{ "throughput", false, { { "since", ARG_UINT } } },
	{ "ls", false, { { 0 } } },
	{ "show", false, { { "workload", ARG_TEXT } } },
	{ "divert", true, { { "workload", ARG_TEXT }, { "all", ARG_BOOL } } },
	{ "release", true, { { "workload", ARG_TEXT }, { "all", ARG_BOOL } } },
	{ "quarantine",
	  true,
	  { { "workload", ARG_TEXT },
	    { "why", ARG_TEXT },
	    { "off", ARG_BOOL } } },
	{ "hook", true, { { "netns", ARG_TEXT } } },
	{ "groups", false, { { 0 } } },
	{ "group-set",
	  true,
	  { { "group", ARG_OBJECT }, { "part", ARG_BOOL }, CHANGE_ARGS } },
	{ "group-delete", true, { { "group", ARG_TEXT }, CHANGE_ARGS } },
	{ "mode",
	  true,
	  { { "group", ARG_TEXT },
	    { "mode", ARG_TEXT },
	    { "dry_run", ARG_BOOL },
	    { "since", ARG_UINT },
	    CHANGE_ARGS } },
	{ "rules",
	  false,
	  { { "q", ARG_TEXT },
	    { "action", ARG_TEXT },
	    { "after", ARG_ID },
	    { "limit", ARG_UINT } } },
	{ "rule-add",
	  true,
	  { { "rule", ARG_OBJECT }, { "after", ARG_INT }, CHANGE_ARGS } },
	{ "rule-delete", true, { { "rule", ARG_UINT }, CHANGE_ARGS } },
	{ "rules-load",
	  true,
	  { { "files", ARG_LIST },
	    { "variables", ARG_OBJECT },
	    { "add", ARG_BOOL },
	    { "strict", ARG_BOOL } } },
	{ "rules-unload", true, { { "name", ARG_TEXT }, { "all", ARG_BOOL } } },
	{ "rules-loaded", false, { { 0 } } },
	{ "rules-status", false, { { 0 } } },
	{ "apply",
	  true,
	  { { "text", ARG_TEXT }, { "file", ARG_TEXT }, CHANGE_ARGS } },
	{ "diff", false, { { "text", ARG_TEXT }, { "file", ARG_TEXT } } },
	{ "export", false, { { 0 } } },
	{ "history", false, { { 0 } } },
	{ "rollback", true, { { "to", ARG_UINT }, CHANGE_ARGS } },
	{ "learned",
	  false,
	  { { "since", ARG_UINT },
	    { "all", ARG_BOOL },
	    { "after", ARG_TEXT },
	    { "limit", ARG_UINT } } },
	{ "accept",
	  true,
	  { { "ids", ARG_LIST },
	    { "all", ARG_BOOL },
	    { "since", ARG_UINT },
	    CHANGE_ARGS } },
	{ "reject",
	  true,
	  { { "ids", ARG_LIST },
	    { "all", ARG_BOOL },
	    { "since", ARG_UINT },
	    { "undo", ARG_BOOL } } },
	{ "candidate",
	  true,
	  { { "text", ARG_TEXT },
	    { "file", ARG_TEXT },
	    { "off", ARG_BOOL },
	    { "promote", ARG_BOOL },
	    { "since", ARG_UINT },
	    CHANGE_ARGS } },
	{ "flows",
	  false,
	  { { "workload", ARG_TEXT },
	    { "since", ARG_UINT },
	    { "until", ARG_UINT },
	    { "violations", ARG_BOOL },
	    { "rule", ARG_UINT },
	    { "q", ARG_TEXT },
	    { "after", ARG_UINT },
	    { "before", ARG_UINT },
	    { "limit", ARG_UINT },
	    { "follow", ARG_BOOL },
	    { "fleet", ARG_BOOL },
	    { "node", ARG_TEXT } } },
	{ "events",
	  false,
	  { { "kind", ARG_TEXT },
	    { "workload", ARG_TEXT },
	    { "since", ARG_UINT },
	    { "until", ARG_UINT },
	    { "rule", ARG_UINT },
	    { "q", ARG_TEXT },
	    { "after", ARG_UINT },
	    { "before", ARG_UINT },
	    { "limit", ARG_UINT },
	    { "follow", ARG_BOOL },
	    { "raw", ARG_UINT },
	    { "fleet", ARG_BOOL },
	    { "node", ARG_TEXT } } },
	{ "trail",
	  false,
	  { { "after", ARG_UINT },
	    { "epoch", ARG_UINT },
	    { "limit", ARG_UINT } } },
	{ "explain",
	  false,
	  { { "from", ARG_TEXT },
	    { "to", ARG_TEXT },
	    { "proto", ARG_TEXT },
	    { "port", ARG_UINT },
	    { "app", ARG_TEXT },
	    { "vhost", ARG_TEXT },
	    { "request", ARG_OBJECT } } },
	{ "sessions",
	  false,
	  { { "after", ARG_UINT }, { "workload", ARG_TEXT } } },
	{ "session-kill", true, { { "ids", ARG_LIST } } },
	{ "upgrade", true, { { "test", ARG_BOOL } } },
	{ "map",
	  false,
	  { { "since", ARG_UINT },
	    { "until", ARG_UINT },
	    { "after", ARG_UINT } } },
	{ "captures", false, { { 0 } } },
	{ "capture-start",
	  true,
	  { { "workload", ARG_TEXT },
	    { "seconds", ARG_UINT },
	    { "bytes", ARG_UINT },
	    { "filter", ARG_TEXT } } },
	{ "capture-stop", true, { { "id", ARG_ID } } },
	{ "capture-delete", true, { { "id", ARG_ID } } },
	{ "capture-read", false, { { "id", ARG_ID }, { "offset", ARG_UINT } } },
	{ "fleet", false, { { 0 } } },
	{ "fleet-forget", true, { { "node", ARG_TEXT } } },
	{ "responses", false, { { 0 } } },
	{ "response-set", true, { { "response", ARG_OBJECT }, CHANGE_ARGS } },
	{ "response-delete", true, { { "id", ARG_ID }, CHANGE_ARGS } },
	{ "responses-log",
	  false,
	  { { "after", ARG_UINT },
	    { "before", ARG_UINT },
	    { "limit", ARG_UINT } } },
	{ "settings", false, { { 0 } } },
	{ "settings-set",
	  true,
	  { { "settings", ARG_OBJECT }, { "part", ARG_BOOL } } },
	{ 0 },
};

const struct command_spec *command_spec(const char *name)
{
	const struct command_spec *c = command_specs;

	while (c->name && strcmp(c->name, name) != 0)
		c++;
	return c->name ? c : NULL;
}

const struct arg_spec *command_arg(const struct command_spec *c,
				   const char *name, size_t len)
{
	for (size_t i = 0; i < COMMAND_ARGS_MAX && c->args[i].name; i++)
		if (strlen(c->args[i].name) == len &&
		    memcmp(c->args[i].name, name, len) == 0)
			return &c->args[i];
	return NULL;
}

#define VIEWER	 ROLE_VIEWER
#define OPERATOR ROLE_OPERATOR
#define ADMIN	 ROLE_ADMIN
#define OFF	 "{\"off\":true}"

/* clang-format off: one route, one line */
/* limits: table */
const struct command_route command_routes[] = {
	{ "GET", "/status", "status", VIEWER },
	{ "GET", "/top", "top", VIEWER },
	{ "GET", "/throughput", "throughput", VIEWER, .args = "since" },

	{ "GET", "/workloads", "ls", VIEWER, .list = "workloads", .key = "id",
	  .filters = "q group namespace state mode" },
	{ "GET", "/workloads/{workload}", "show", VIEWER },
	{ "POST", "/workloads/{workload}/divert", "divert", OPERATOR,
	  .body = BODY_ARGS },
	{ "POST", "/workloads/{workload}/release", "release", OPERATOR,
	  .body = BODY_ARGS },
	{ "POST", "/workloads/{workload}/quarantine", "quarantine", OPERATOR,
	  .body = BODY_ARGS, .args = "why" },
	{ "DELETE", "/workloads/{workload}/quarantine", "quarantine", OPERATOR,
	  .fixed = OFF },

	{ "GET", "/groups", "groups", VIEWER, .list = "groups", .key = "name",
	  .filters = "q mode" },
	{ "PUT", "/groups/{group=group.name}", "group-set", OPERATOR,
	  .body = BODY_WHOLE, .args = "group", .revision = true },
	{ "PATCH", "/groups/{group=group.name}", "group-set", OPERATOR,
	  .body = BODY_WHOLE, .args = "group", .fixed = "{\"part\":true}",
	  .revision = true },
	{ "DELETE", "/groups/{group}", "group-delete", OPERATOR,
	  .revision = true },
	{ "PUT", "/groups/{group}/mode", "mode", OPERATOR, .body = BODY_ARGS,
	  .args = "mode!", .revision = true },
	{ "GET", "/groups/{group}/mode/preview", "mode", VIEWER,
	  .args = "mode! since", .fixed = "{\"dry_run\":true}" },
	{ "PUT", "/mode", "mode", OPERATOR, .body = BODY_ARGS, .args = "mode!",
	  .revision = true },
	{ "GET", "/mode/preview", "mode", VIEWER, .args = "mode! since",
	  .fixed = "{\"dry_run\":true}" },

	{ "GET", "/rules", "rules", VIEWER, .list = "rules", .key = "id",
	  .filters = "q action", .paged = true },
	{ "POST", "/rules", "rule-add", OPERATOR, .body = BODY_ARGS,
	  .args = "rule! after", .revision = true },
	{ "DELETE", "/rules/{rule}", "rule-delete", OPERATOR,
	  .revision = true },

	{ "GET", "/policy", "export", VIEWER, .revision = true },
	{ "PUT", "/policy", "apply", OPERATOR, .body = BODY_ARGS,
	  .args = "text! file", .revision = true },
	{ "POST", "/policy/diff", "diff", VIEWER, .body = BODY_ARGS,
	  .args = "text! file" },
	{ "GET", "/policy/history", "history", VIEWER },
	{ "POST", "/policy/rollback", "rollback", OPERATOR, .body = BODY_ARGS,
	  .args = "to!", .revision = true },

	{ "GET", "/learned", "learned", VIEWER,
	  .args = "since all after limit" },
	{ "POST", "/learned/accept", "accept", OPERATOR, .body = BODY_ARGS,
	  .args = "ids all since", .revision = true },
	{ "POST", "/learned/reject", "reject", OPERATOR, .body = BODY_ARGS,
	  .args = "ids all since undo" },
	{ "GET", "/candidate", "candidate", VIEWER, .args = "since" },
	{ "PUT", "/candidate", "candidate", OPERATOR, .body = BODY_ARGS,
	  .args = "text file promote", .revision = true },
	{ "DELETE", "/candidate", "candidate", OPERATOR, .fixed = OFF },

	{ "GET", "/flows", "flows", VIEWER,
	  .args = "workload since until violations rule q after before "
		  "limit fleet node" },
	{ "GET", "/events", "events", VIEWER,
	  .args = "kind workload since until rule q after before limit "
		  "fleet node" },
	{ "GET", "/events/{number=raw}", "events", OPERATOR },
	{ "GET", "/sessions", "sessions", VIEWER, .args = "after workload" },
	{ "DELETE", "/sessions", "session-kill", OPERATOR, .body = BODY_ARGS,
	  .args = "ids!" },
	{ "GET", "/explain", "explain", VIEWER,
	  .args = "from! to! proto! port app vhost" },
	{ "POST", "/explain", "explain", VIEWER, .body = BODY_ARGS,
	  .args = "from! to! proto! port app vhost request" },
	{ "GET", "/map", "map", VIEWER, .args = "since until after" },

	{ "POST", "/data-plane/upgrade", "upgrade", ADMIN, .body = BODY_ARGS,
	  .args = "test" },

	{ "GET", "/fleet", "fleet", VIEWER },
	{ "DELETE", "/fleet/nodes/{node}", "fleet-forget", ADMIN },

	{ "GET", "/captures", "captures", VIEWER },
	{ "POST", "/captures", "capture-start", OPERATOR, .body = BODY_ARGS,
	  .args = "workload! seconds bytes filter" },
	{ "POST", "/captures/{id}/stop", "capture-stop", OPERATOR,
	  .body = BODY_ARGS },
	{ "DELETE", "/captures/{id}", "capture-delete", OPERATOR },
	{ "GET", "/captures/{id}/file", "capture-read", OPERATOR,
	  .own = OWN_FILE },

	{ "GET", "/signatures", "rules-status", VIEWER },
	{ "GET", "/signatures/files", "rules-loaded", VIEWER },
	{ "PUT", "/signatures/files/{name}", "rules-load", OPERATOR,
	  .body = BODY_RULES, .query = "strict", .fixed = "{\"add\":true}" },
	{ "DELETE", "/signatures/files/{name}", "rules-unload", OPERATOR },

	{ "GET", "/responses", "responses", VIEWER },
	{ "PUT", "/responses/{id=response.id}", "response-set", OPERATOR,
	  .body = BODY_WHOLE, .args = "response", .revision = true },
	{ "DELETE", "/responses/{id}", "response-delete", OPERATOR,
	  .revision = true },
	{ "GET", "/responses/log", "responses-log", VIEWER,
	  .args = "after before limit" },
	{ "GET", "/settings", "settings", VIEWER },
	{ "PATCH", "/settings", "settings-set", ADMIN, .body = BODY_WHOLE,
	  .args = "settings", .fixed = "{\"part\":true}" },

	{ "GET", "/stream", NULL, VIEWER, OWN_STREAM },
	{ "GET", "/session", NULL, VIEWER, OWN_SESSION },
	{ "POST", "/session", NULL, ROLE_NOBODY, OWN_LOGIN, BODY_ARGS },
	{ "DELETE", "/session", NULL, VIEWER, OWN_LOGOUT },
	{ "POST", "/session/password", NULL, VIEWER, OWN_PASSWORD, BODY_ARGS },
	{ "POST", "/setup", NULL, ROLE_NOBODY, OWN_SETUP, BODY_ARGS },
	{ "GET", "/users", NULL, ADMIN, OWN_USERS },
	{ "POST", "/users", NULL, ADMIN, OWN_USER_ADD, BODY_ARGS },
	{ "PATCH", "/users/{user}", NULL, ADMIN, OWN_USER_CHANGE, BODY_ARGS },
	{ "DELETE", "/users/{user}", NULL, ADMIN, OWN_USER_DELETE },
	{ "GET", "/tokens", NULL, VIEWER, OWN_TOKENS },
	{ "POST", "/tokens", NULL, VIEWER, OWN_TOKEN_ADD, BODY_ARGS },
	{ "DELETE", "/tokens/{id}", NULL, VIEWER, OWN_TOKEN_DELETE },
	{ "GET", "/openapi.yaml", NULL, ROLE_NOBODY, OWN_OPENAPI },
	{ "GET", "/metrics", NULL, VIEWER, OWN_METRICS },
	{ 0 },
};
