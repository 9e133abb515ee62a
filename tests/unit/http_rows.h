/* What the tests of HTTP/1 have in common. */
#pragma once

#include "talk.h"
#include "test.h"

struct http_row {
	const char *name;
	struct talk_line lines[6];
	const char *want;
};

/* A request line of HTTP/1.1 whose path is sent as it is. */
#define REQUEST(method, path)        \
	"C http.method " method "\n" \
	"C http.uri.raw " path "\n"  \
	"C http.uri " path "\n"      \
	"C http.path " path "\n"     \
	"C http.protocol HTTP/1.1\n"
