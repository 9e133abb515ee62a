#include "cli/out.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bug.h"
#include "cli/cli.h"
#include "cli/visible.h"
#include "yaml/yaml.h"

static const char *const sequences[] = {
	[OUT_PLAIN] = "\033[0m",  [OUT_BOLD] = "\033[1m",
	[OUT_DIM] = "\033[2m",	  [OUT_RED] = "\033[31m",
	[OUT_GREEN] = "\033[32m", [OUT_YELLOW] = "\033[33m",
	[OUT_BLUE] = "\033[34m",
};
/* Of the whole program: there is one -o. */
static bool as_yaml;

_Static_assert(sizeof sequences / sizeof *sequences == OUT_COLOUR__MAX,
	       "one sequence a colour");

struct out out_default(void)
{
	const char *term = getenv("TERM"), *none = getenv("NO_COLOR");
	struct out o = { .json = false };

	o.colour = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 &&
		   !(none && none[0]);
	return o;
}

int out_set_format(struct out *o, const char *name, struct err *reterr)
{
	if (strcmp(name, "json") == 0 || strcmp(name, "yaml") == 0) {
		o->json = true;
		o->colour = false;
		as_yaml = strcmp(name, "yaml") == 0;
	} else if (strcmp(name, "text") == 0) {
		o->json = false;
	} else {
		return err_set(
			reterr, EINVAL, "-o",
			"\"%s\" is no format; expected text, json or yaml",
			name);
	}
	return 0;
}

const char *out_colour(const struct out *o, enum out_colour c)
{
	BUG_ON((unsigned)c >= OUT_COLOUR__MAX);
	return o->colour ? sequences[c] : "";
}

void out_json(json_t *value)
{
	char *text = as_yaml ? yaml_text_write(value) : NULL;

	if (text) {
		/* documents of one stream */
		(void)printf("---\n%s", text);
		free(text);
		json_decref(value);
		return;
	}
	/* a closed stdout shows when it is flushed, in main() */
	(void)json_dumpf(value, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(value);
}

json_t *out_json_ok(void)
{
	json_t *o = json_pack("{s:b}", "ok", 1);

	if (!o)
		die("out of memory");
	return o;
}

int out_error(const struct out *o, const char *command, const struct err *err)
{
	/* it may speak of what others have named */
	char at[4 * ERR_AT_MAX], text[4 * ERR_TEXT_MAX];
	struct out e = *o;

	if (o->json) {
		out_json(json_pack("{s:b,s:{s:s,s:s,s:s}}", "ok", 0, "error",
				   "code", err_code_name(err->code), "at",
				   err->at, "text", err->text));
		return CLI_FAILED;
	}
	e.colour = o->colour && isatty(STDERR_FILENO);
	fprintf(stderr, "%sweir %s:%s %s%s%s\n", out_colour(&e, OUT_RED),
		command, out_colour(&e, OUT_PLAIN),
		visible_text(err->at, at, sizeof at), err->at[0] ? ": " : "",
		visible_text(err->text, text, sizeof text));
	return CLI_FAILED;
}

int out_usage(const struct out *o, const char *command, const struct err *err)
{
	(void)out_error(o, command, err);
	if (!o->json)
		fprintf(stderr, "see: weir %s --help\n", command);
	return CLI_USAGE;
}

json_t *out_json_text(const char *text)
{
	json_t *good = json_string(text);
	char *copy;

	if (good || !(copy = strdup(text)))
		return good;
	for (char *c = copy; *c; c++)
		if (*c & 0x80)
			*c = '?';
	good = json_string(copy);
	free(copy);
	return good;
}
