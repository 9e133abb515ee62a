/*
 * The objects in some files, one after the other, whether they stand alone, behind
 * "---", or as items of a list; and the report about them. For src/import only.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "import/import.h"
#include "yaml/yaml.h"

struct import_object {
	const json_t *value;	      /* borrowed from its text */
	const char *kind;	      /* "" : it says none */
	const char *namespace, *name; /* "" likewise */
	const struct yaml_text *text; /* where it stands: */
	size_t doc;
	char prefix[32]; /* "items[3]", or "" */
};

struct import_objects {
	struct yaml_text **texts; /* owned */
	size_t n_texts;
	struct import_object *at; /* owned */
	size_t n;
};

/* -EINVAL and the like as yaml_text_read(). End with import_objects_done(). */
int import_objects_read(const struct import_file *files, size_t n,
			struct import_objects *ret, struct err *reterr);
void import_objects_done(struct import_objects *o);

struct import_report {
	json_t *list; /* owned; NULL: out of memory */
	size_t counts[IMPORT_WEIGHT__MAX];
	bool failed; /* out of memory */
};

/* field: a path in the object, "spec.egress[0].ports". */
void import_tell(struct import_report *r, enum import_weight w,
		 const struct import_object *o, const char *field,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
