/*
 * --load: a file with an array of messages to start with. Read while we still
 * may, parsed only by the process without privileges. Start-up only.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

/* The file's text, the caller's to free() or to load_parse(); NULL for NULL. */
char *load_read(const char *path, size_t *ret_len);
/* Takes text. The array, the caller's; NULL for NULL. Dies of what is wrong. */
json_t *load_parse(const char *path, char *text, size_t len);

/* First of all that threat is looked for. load: taken; NULL: none yet. */
json_t *load_threat(json_t *load, uint32_t id);

typedef int load_fn(void *arg, const char *name, const json_t *body,
		    struct err *reterr);
/* fn for each message, in order; stops at the first refusal, told in the log. */
int load_each(const json_t *load, load_fn *fn, void *arg);
