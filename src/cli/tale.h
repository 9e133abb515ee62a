/*
 * What `weir demo` tells: numbered steps, each with what was done, evidence
 * and checks; as text while it happens, or as one JSON document at the end.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"
#include "cli/out.h"

struct tale {
	struct out out;
	usec_t start;
	const char *down; /* what ends one that was kept: "weir demo --down" */
	unsigned n_steps; /* begun so far */
	unsigned passed, failed;
	json_t *steps; /* owned; told at the end */
	json_t *step;  /* borrowed from steps; NULL before the first */
};

void tale_init(struct tale *t, struct out out);
void tale_done(struct tale *t);

/* A heading; what follows belongs to it. `name` is for JSON. */
void tale_step(struct tale *t, const char *name, const char *title);
/* A line of text. Nothing in JSON. */
void tale_say(struct tale *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void tale_blank(struct tale *t);
/* The same, dim: something another program would print. */
void tale_show(struct tale *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Something that must be so; with a mark. Returns ok. */
bool tale_check(struct tale *t, bool ok, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Evidence for JSON only; takes the value (NULL is left out). */
void tale_fact(struct tale *t, const char *key, json_t *value);
/* Is this step the text kind? Then its own printing may be done. */
bool tale_is_text(const struct tale *t);

/*
 * The last words. `error` NULL or what ended the story; kept: it was left up.
 * Returns true when all went well.
 */
bool tale_end(struct tale *t, const struct err *error, bool kept);
