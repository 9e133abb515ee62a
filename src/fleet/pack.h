/*
 * Texts as they are sent between nodes: their length as 8 bytes, the most
 * significant first, and then zlib's stream (RFC 1950).
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

/* The caller's; NULL: ENOMEM, or E2BIG where it does not fit a message. */
char *pack_text(const char *text, size_t len, size_t *ret_len,
		struct err *reterr);
/*
 * The caller's, with a NUL behind it. NULL: EPROTO where it is none, E2BIG for more
 * than FLEET_UNPACKED_MAX, ENOMEM.
 */
char *unpack_text(const char *bytes, size_t len, size_t *ret_len,
		  struct err *reterr);
/* The same, for more than `most`. */
char *unpack_text_most(const char *bytes, size_t len, size_t most,
		       size_t *ret_len, struct err *reterr);
