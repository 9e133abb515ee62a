/*
 * Policies of others as Weir's: NeuVector's resources and Kubernetes'
 * NetworkPolicies, read from YAML. What is made went through Weir's own parser;
 * what could not be carried over is told with its place, and nothing is left out
 * in silence. One thread; nothing is asked of anybody.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "intent/intent.h"

/* A file that was read. Borrowed for the call. */
struct import_file {
	const char *name; /* as the report calls it */
	const char *text;
	size_t len;
};

struct import_options {
	/*
	 * NeuVector's "strict group mode": each end by its own mode, as Weir
	 * judges. Else rules are made by which the less restrictive mode of two
	 * groups counts, as NeuVector has it if nothing else is set.
	 */
	bool strict;
};

enum import_weight {
	IMPORT_NOTE,	/* to be known */
	IMPORT_CHANGED, /* carried over, and means something else */
	IMPORT_LOST,	/* not carried over */
	IMPORT_WEIGHT__MAX
};

/* "note", "changed", "lost" */
const char *import_weight_name(enum import_weight w);

struct import_result {
	struct intent *intent; /* owned */
	/*
	 * [{"weight": "lost", "at": "FILE:LINE:COLUMN", "object": "KIND NS/NAME",
	 * "field": "spec.process", "text": ...}], as it was found; owned.
	 */
	json_t *report;
	size_t counts[IMPORT_WEIGHT__MAX];
};

void import_result_done(struct import_result *r);

/*
 * 0: *ret is for import_result_done(), also if all was lost. -EINVAL: a file is no
 * YAML (at: its place); -E2BIG: more than a policy holds; -ENOMEM.
 */
int import_neuvector(const struct import_file *files, size_t n,
		     const struct import_options *options,
		     struct import_result *ret, struct err *reterr);
/*
 * The same for NetworkPolicies. Of one that has something that cannot be said,
 * the rest is taken, as long as that allows no more than the whole.
 */
int import_networkpolicies(const struct import_file *files, size_t n,
			   struct import_result *ret, struct err *reterr);
