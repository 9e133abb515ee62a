/*
 * What a data plane answers, as text for a person, on stdout. Members that are
 * missing or of another type than expected are left out, never an error: the
 * data plane may be of another version.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "cli/out.h"

#define DPSHOW_SENTENCE_MAX 400

/* {"sessions": [...]}: a table, workload by workload. */
void dpshow_flows(const struct out *o, const json_t *answer, int indent);
/* {"blocks": [...]}: a sentence or two each, newest first. */
void dpshow_blocks(const struct out *o, const json_t *answer, int indent);
/* One element of "blocks": what was stopped; and why. */
void dpshow_block_what(const json_t *block,
		       char buf[static DPSHOW_SENTENCE_MAX]);
void dpshow_block_why(const json_t *block,
		      char buf[static DPSHOW_SENTENCE_MAX]);
/*
 * Any object, nested: names and values aligned; an object with "in_use" and
 * "limit" is shown as a bar, and said so if it "keeps" the "newest". "id" and "ok" on top are left out, and unless
 * `all`, what is 0 or empty and no bar.
 */
void dpshow_tree(const struct out *o, const json_t *answer, bool all);
/* What that bar says: is there room, where a full table lacks some? */
enum out_colour dpshow_bar_colour(const json_t *table);
