/* What a word without quotes means; for yaml.c and yaml_write.c. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A new value; NULL: out of memory. */
json_t *plain_value(const char *text, size_t len);
/* Would every reader, of YAML 1.1, too, take it for the same text? */
bool plain_is_text(const char *text, size_t len);
