/*
 * Two small files: where the next weir-export goes on, and how this one is, for
 * `weir export status`. Both are replaced whole.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

/* *ret is the caller's; NULL: there is none, or it is no state of ours. */
int state_read(const char *path, json_t **ret, struct err *reterr);
/* durable: on the disk when it returns. mode as of open(2). */
int state_write(const char *path, const json_t *o, bool durable, unsigned mode,
		struct err *reterr);
