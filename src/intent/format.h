/* Groups and rules as objects; new values, NULL: out of memory. */
#pragma once

#include <jansson.h>

#include "base/text.h"
#include "intent/model.h"

json_t *group_json(const struct intent *i, const struct group *g);
json_t *rule_json(const struct intent *i, const struct rule *r);
/* Adds an object or array, compact; NULL: out of memory. */
void text_add_json(struct text *t, const json_t *v);
