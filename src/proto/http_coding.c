#include "proto/http_coding.h"

#include "proto/text.h"

static const struct {
	const char *name;
	enum http_coding coding;
} names[] = {
	{ "gzip", HTTP_CODING_GZIP },	      { "x-gzip", HTTP_CODING_GZIP },
	{ "deflate", HTTP_CODING_DEFLATE },   { "br", HTTP_CODING_BROTLI },
	{ "identity", HTTP_CODING_IDENTITY },
};

enum http_coding http_coding_by_name(struct bytes name)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text_is_nocase(name, names[i].name))
			return names[i].coding;
	return HTTP_CODING__MAX;
}
