/*
 * What is to be stored and told to data planes when rules are loaded or unloaded:
 * seconds of work for 30 MB, so it is done beside the main loop (aside.h), and
 * touches nothing but what is given.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "agent/body.h"
#include "agent/workload.h"
#include "base/err.h"

#define RULES_BUILTIN "builtin.rules"

/* What is wanted, in its three forms; all owned. */
struct rules_made {
	struct body *body;
	json_t *files; /* [{"name", "bytes", "builtin"?}] */
	json_t *variables;
};

/* user: the document, NULL: none; builtin: its text, NULL: none. -ENOMEM */
int rules_make(const json_t *user, const char *builtin, struct rules_made *ret);
void rules_made_done(struct rules_made *m);

/*
 * The body read back: the user's document, and the built-in text (the caller
 * frees it; NULL: there is none). NULL: out of memory.
 */
json_t *rules_user_of(const struct body *body, char **ret_builtin);

/* All owned. */
struct rules_load {
	/* What is asked for: */
	struct body *before; /* what is wanted until now */
	json_t *files,
		*variables; /* to be loaded; files NULL: to be unloaded */
	char *unload;	    /* name; NULL: all */
	bool add;	    /* to what there is, not in its place */
	bool strict;	    /* none, if one is refused */
	/* What becomes of it: */
	struct err err; /* code 0: all that follows is there */
	json_t *answer; /* "rules", "refused", "faults" */
	char *document; /* the store's */
	struct rules_made made;
	char what[WORKLOAD_TEXT_MAX]; /* for the event */
};

void rules_load_work(struct rules_load *l);
void rules_load_done(struct rules_load *l);
