/*
 * YAML text to JSON values and back, so that whoever reads a file written by a
 * person checks it with the same words as a message (wire/field.h), and can
 * still say in which line the mistake is:
 *
 *	rc = yaml_text_read(text, len, "weir.yaml", &y, &err);
 *	value = yaml_text_value(y, 0);
 *	f = fields_open(value, true, &err);
 *	...
 *	if (fields_close(&f) < 0)
 *		yaml_text_locate(y, 0, &err);	("weir.yaml:12:7")
 *
 * What is read is YAML 1.2's core: plain words are null (or ~, or nothing),
 * true, false, decimal numbers, else texts. "no", "on", "0x10", "012", "1_000"
 * and dates are texts. Refused are keys that come twice or are no texts, tags
 * but !!str, and aliases of what they stand in. An alias stands for a copy.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

/* The documents of one text. Immutable. */
struct yaml_text;

/*
 * file: what errors call it; copied. 0, or with *reterr and *ret untouched:
 * -EINVAL; -E2BIG, over YAML_BYTES_MAX, YAML_NODES_MAX (aliases counted as
 * often as they are used), YAML_DEPTH_MAX or YAML_ANCHORS_MAX; -ENOMEM.
 * reterr->at is "FILE:LINE:COLUMN".
 */
int yaml_text_read(const char *text, size_t len, const char *file,
		   struct yaml_text **ret, struct err *reterr);
void yaml_text_free(struct yaml_text *y); /* NULL is accepted */

size_t yaml_text_count(const struct yaml_text *y);
/*
 * The i-th document; null where it is empty. Borrowed, and not to be changed:
 * parts of it may be shared.
 */
const json_t *yaml_text_value(const struct yaml_text *y, size_t i);

/*
 * err->at, a path in that document as field.h makes them ("rules[3].ports[0]"),
 * becomes "FILE:LINE:COLUMN", and goes before err->text. Of what is not there
 * (a missing member) the place of what it is missing in.
 */
void yaml_text_locate(const struct yaml_text *y, size_t i, struct err *err);

/*
 * The same of a text that says one thing: `read` is given its only document, null
 * where there is none, and of what it refuses the place is told.
 */
typedef int yaml_text_fn(const json_t *value, void *arg, struct err *reterr);
int yaml_text_read_one(const char *text, size_t len, const char *file,
		       yaml_text_fn *read, void *arg, struct err *reterr);

/*
 * Objects in the order of their members. Texts are quoted where any reader of
 * YAML could take them for something else. The caller frees it. NULL: out of
 * memory, or deeper than YAML_DEPTH_MAX.
 */
char *yaml_text_write(const json_t *value);
