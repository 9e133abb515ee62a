/* What a body was packed with: Content-Encoding, Transfer-Encoding. */
#pragma once

#include "base/bytes.h"

enum http_coding {
	HTTP_CODING_GZIP,
	HTTP_CODING_DEFLATE,
	HTTP_CODING_BROTLI,
	HTTP_CODING_IDENTITY, /* not at all */
	HTTP_CODING__MAX
};

/* HTTP_CODING__MAX: none that is known. */
enum http_coding http_coding_by_name(struct bytes name);
