/*
 * A request's target: the parts of its path and the arguments of its query,
 * decoded. What a decoder could be tricked by is refused: "." and "..", empty
 * parts, NUL and other control characters, bytes that are no UTF-8, half
 * escapes, an argument that comes twice.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/limits_api.h"

struct uri_arg {
	const char *name, *value;
};

struct uri {
	char *text; /* owned: what the pointers point into */
	const char *parts[API_PATH_PARTS_MAX];
	size_t n_parts;
	struct uri_arg args[API_QUERY_MAX];
	size_t n_args;
};

/*
 * 0; -ENOENT: no path that could be here; -EINVAL: the query is wrong. End with
 * uri_done(), also after an error; all 0 is accepted.
 */
int uri_parse(const char *target, struct uri *ret, struct err *reterr);
void uri_done(struct uri *u);
