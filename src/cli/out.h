/*
 * How `weir` talks: -o text|json|yaml, colour only on a terminal, errors the same
 * everywhere.
 *
 * Text goes to stdout, errors in text to stderr. With -o json exactly one
 * value a line goes to stdout (with -o yaml: a document), an error too: {"ok":false,"error":{"code":
 * "ENODEV","at":"--dev","text":"..."}}.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

enum out_colour {
	OUT_PLAIN, /* back to normal */
	OUT_BOLD,
	OUT_DIM,
	OUT_RED,
	OUT_GREEN,
	OUT_YELLOW,
	OUT_BLUE,
	OUT_COLOUR__MAX,
};

struct out {
	bool json;   /* or YAML, which is the same in other words */
	bool colour; /* a terminal, TERM is not "dumb", NO_COLOR not set */
};

/* Text; colour if stdout is a terminal that wants it. */
struct out out_default(void);
/* The value of -o. -EINVAL names those there are. JSON has no colour. */
int out_set_format(struct out *o, const char *name, struct err *reterr);

/* The escape sequence, or "" when there is no colour. Static storage. */
const char *out_colour(const struct out *o, enum out_colour c);

/* Prints a value and a newline, and takes the reference. */
void out_json(json_t *value);
/* A JSON string; of what is no UTF-8 all that is not ASCII is '?'. */
json_t *out_json_text(const char *text);
/* {"ok":true} to add members to; never NULL (no memory: exits with 1). */
json_t *out_json_ok(void);

/*
 * Tells an error the way -o wants it, after the program's and the command's
 * name, and returns CLI_FAILED. `command` is "splice up".
 */
int out_error(const struct out *o, const char *command, const struct err *err);
/* The same for a command line not understood; adds "see ... --help". */
int out_usage(const struct out *o, const char *command, const struct err *err);
