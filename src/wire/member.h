/* A member of a JSON object of which no more is asked than what there is. */
#pragma once

#include <jansson.h>
#include <stdint.h>

/* "" or 0 when it is missing, of another type or negative. Borrows from the object. */
const char *member_text(const json_t *obj, const char *name);
uint64_t member_number(const json_t *obj, const char *name);
