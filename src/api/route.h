/*
 * From a request to a command of the agent, by the table of wire/commands.h, and
 * nothing else: what is not in the table is refused here, so the agent sees only
 * arguments that it has, of the types that they have.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "api/uri.h"
#include "base/err.h"
#include "wire/commands.h"

/*
 * The route of a path (NULL: there is none, -ENOENT) and a method (-EOPNOTSUPP;
 * *ret_allow is then which there are, as the header Allow has it). HEAD is GET.
 */
#define ROUTE_ALLOW_MAX 40
int route_find(const char *method, const struct uri *u,
	       const struct command_route **ret,
	       char ret_allow[static ROUTE_ALLOW_MAX], struct err *reterr);

/* The value in the path of "{name}"; NULL: it has none. Borrowed from u. */
const char *route_path_value(const struct command_route *r, const struct uri *u,
			     const char *name);

/*
 * The command's arguments, the caller's. body: the whole body, which may be
 * empty. Arguments that weir-api takes itself (limit, after and filters of its
 * pages) are checked and left out; of pages that the agent cuts there is always a
 * limit. -EINVAL with *reterr.
 */
int route_args(const struct command_route *r, const struct uri *u,
	       const char *body, size_t body_len, json_t **ret,
	       struct err *reterr);

/* A body that is one JSON object, empty as {}. -EINVAL. */
int route_body_object(const char *body, size_t len, json_t **ret,
		      struct err *reterr);
/* Is it one of the words of list, with blanks between? "!" behind: *ret_must. */
bool route_lists(const char *list, const char *name, bool *ret_must);
/* The value of a query's argument; NULL: it is not there. */
const char *route_query(const struct uri *u, const char *name);
