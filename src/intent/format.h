/* Groups and rules as objects; new values, NULL: out of memory. */
#pragma once

#include <jansson.h>

#include "intent/model.h"

json_t *group_json(const struct intent *i, const struct group *g);
json_t *rule_json(const struct intent *i, const struct rule *r);
