/*
 * Buffers as they are before they are looked at: decoded, in one case, without
 * blanks. None makes a buffer longer, so each works in place.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "detect/sig.h"

/* Returns the new length. */
size_t sig_transform_apply(enum sig_transform t, uint8_t *bytes, size_t len);

/*
 * Base64, standard and URL-safe; blanks and line ends are skipped, and it ends
 * with the first byte that is of neither. Returns how many bytes came out, at
 * most max; to may be from.
 */
size_t sig_base64(const uint8_t *from, size_t len, uint8_t *to, size_t max);
