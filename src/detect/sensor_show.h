/*
 * What is shown of a finding: enough to find it again, nothing that is worth
 * stealing. Pure functions; each result ends with NUL and is printable ASCII.
 */
#pragma once

#include <stddef.h>

#include "base/bytes.h"
#include "detect/secret.h"

/*
 * What is around a match, or a request's path: codes undone; three digits or more
 * in a row, also with single blanks, dots or dashes between them, and twelve
 * letters and digits in a row are '*'. So are digits at its ends, which may go on,
 * and what an IBAN begins with. Cut at size - 1. path: '/' is between words.
 */
void sensor_show_text(struct bytes b, bool path, char *to, size_t size);
/* A match, which is a secret unless attack; k may be NULL. */
void sensor_show_match(const struct secret_kind *k, bool attack,
		       struct bytes match, char *to, size_t size);
