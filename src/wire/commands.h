/*
 * The commands of the agent's door and the routes of weir-api, told once: their
 * arguments with types, who may use them, and by which method and path a command
 * is asked over HTTP. The agent's dispatch, weir-api's routes and
 * docs/openapi.yaml are checked against this by tests; what the arguments mean
 * stands in docs/agent-door.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum role {
	ROLE_NOBODY,   /* who has not said who he is */
	ROLE_VIEWER,   /* reads */
	ROLE_OPERATOR, /* and changes what is guarded, reads raw evidence */
	ROLE_ADMIN,    /* and users, others' tokens, settings */
	ROLE__MAX
};

/* "viewer", ...; "nobody" for none. */
const char *role_name(enum role role);
/* ROLE_NOBODY: no such role. */
enum role role_by_name(const char *name);

/* --- commands ------------------------------------------------------------- */

enum arg_type {
	ARG_TEXT,
	ARG_UINT, /* 0..INT64_MAX */
	ARG_INT,
	ARG_BOOL,
	ARG_ID, /* a number or a text */
	ARG_LIST,
	ARG_OBJECT, /* never in a query */
	ARG__MAX
};

/* "a text", ... in words. */
const char *arg_type_name(enum arg_type type);

struct arg_spec {
	const char *name;
	enum arg_type type;
};

#define COMMAND_ARGS_MAX 14

struct command_spec {
	const char *name;
	bool changes; /* what is guarded or how; else it only reads */
	struct arg_spec args[COMMAND_ARGS_MAX]; /* ends with a NULL name */
};

extern const struct command_spec command_specs[]; /* ends with a NULL name */

/* NULL: there is none. */
const struct command_spec *command_spec(const char *name);
const struct arg_spec *command_arg(const struct command_spec *c,
				   const char *name, size_t len);

/* --- routes ---------------------------------------------------------------- */

/* What weir-api does itself. */
enum route_own {
	OWN_NONE, /* it asks the agent */
	OWN_FILE, /* a capture's frames, of as many answers as it takes */
	OWN_STREAM,
	OWN_SESSION,
	OWN_LOGIN,
	OWN_LOGOUT,
	OWN_PASSWORD,
	OWN_SETUP,
	OWN_USERS,
	OWN_USER_ADD,
	OWN_USER_CHANGE,
	OWN_USER_DELETE,
	OWN_TOKENS,
	OWN_TOKEN_ADD,
	OWN_TOKEN_DELETE,
	OWN_OPENAPI,
	OWN_METRICS,
	OWN__MAX
};

/* Where arguments that are not in the path come from. */
enum route_body {
	BODY_NONE,  /* the query */
	BODY_ARGS,  /* members of the body, a JSON object */
	BODY_WHOLE, /* the body is the one argument */
	BODY_RULES, /* text/plain: the text of one of "files" */
};

struct command_route {
	const char *method;
	/*
	 * Below /api/v1, or from the root for OWN_METRICS. "{workload}" is the
	 * argument of that name; "{name=group.name}" is called "name" in
	 * docs/openapi.yaml, and becomes member "name" of argument "group".
	 */
	const char *path;
	const char *command; /* NULL with route_own */
	enum role role;	     /* the least that may */
	enum route_own own;
	enum route_body body;
	/* If-Match is argument "revision"; an answer's "revision" is its ETag. */
	bool revision;
	/* A list: the agent cuts and filters it, its arguments are these. */
	bool paged;
	/* Names of arguments, with blanks between; "!" behind: must be there. */
	const char *args;
	/* Beside a body: those that come from the query all the same. */
	const char *query;
	const char *fixed; /* JSON: arguments that are always so */
	/* Lists that weir-api cuts into pages: the member, and its elements' key. */
	const char *list, *key;
	const char *filters; /* what the list can be filtered by */
};

extern const struct command_route command_routes[]; /* ends with method NULL */
