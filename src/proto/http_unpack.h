/*
 * A body's codings undone as its bytes come: HTTP/1's, and HTTP/2's. What does
 * not fit, or is none of what was announced, is noted, and told as it was sent or
 * not at all. One worker's thread.
 */
#pragma once

#include "proto/parser.h"

/* What is done about a body's codings. */
enum http_unpacking {
	HTTP_UNPACK_NOT_YET, /* nothing of it has come */
	HTTP_UNPACK_NONE,    /* told as it is */
	HTTP_UNPACK_ON,
	HTTP_UNPACK_SKIP, /* what follows is not told */
};

/* Of one body: a part of a parser's state; zero when it begins. */
struct http_unpacker {
	uint8_t unpacking;		   /* enum http_unpacking */
	uint32_t unpack[HTTP_CODINGS_MAX]; /* in the order undone */
	uint64_t packed_bytes, unpacked_bytes;
};

/* A body, during one call. */
struct http_body {
	struct http_unpacker *u;
	struct proto_worker *w;
	const uint8_t *codings; /* enum http_coding, in the order applied */
	unsigned n_codings;	/* 0..HTTP_CODINGS_MAX */
	bool bad_coding;	/* there are more, or others */
	/* Who is told; each returns false to stop. */
	bool (*tell)(void *arg, struct bytes b);
	bool (*note)(void *arg, enum proto_note n);
	void *arg;
};

/* The body goes on by these bytes. false: to be stopped. */
bool http_unpack_piece(struct http_body *b, struct bytes in);
/* Nobody wants the rest of it. */
void http_unpack_skip(struct http_unpacker *u, struct proto_worker *w);
/* Of one that was loaded; false: it does not have what it says. */
bool http_unpack_adopt(const struct http_unpacker *u, struct proto_worker *w);
/* The body is over: what is had of the pools goes back. */
void http_unpack_end(struct http_unpacker *u, struct proto_worker *w);
