/* Entity tags: what is the same has the same. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ETAG_MAX 28

/* "\"0123456789abcdef\"" */
void etag_of(const char *text, size_t len, char ret[static ETAG_MAX]);
/* Is it one of those that If-None-Match or If-Match names ("*": any)? */
bool etag_is_in(const char *etag, const char *header);
