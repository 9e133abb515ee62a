/* Looking for words in what is told: the filter "q" of lists. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* Is `part` in any text of v, in any case? Names of members are none. */
bool json_has_text(const json_t *v, const char *part);
