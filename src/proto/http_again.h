/*
 * Heads of HTTP/1 that came before: a client sends the same headers with each of
 * its requests, a server with its answers. What they were found to mean is told
 * again without reading them. For the files of the HTTP/1 parser only.
 *
 * One worker's; nothing is allocated after http_again_new().
 */
#pragma once

#include "proto/http1_own.h"

/* NULL: out of memory. */
struct http_again *http_again_new(void);
/* NULL is accepted. */
void http_again_free(struct http_again *a);

/*
 * It begins empty in another process, but its numbers (proto_piece.same) go on:
 * how many were given.
 */
uint64_t http_again_given(const struct http_again *a);
void http_again_go_on(struct http_again *a, uint64_t given);

enum http_known {
	HTTP_HEAD_NEW, /* it is to be read; maybe it is written down meanwhile */
	HTTP_HEAD_TOLD, /* as far as the empty line, which is consumed */
	HTTP_HEAD_STOP, /* the sink said so */
};

/* Where an answer, or a request's first header begins, and nothing of it is read. */
enum http_known http_again_tell(struct http_reader *r);

/* What was written down (r->record) is over, up to the empty line, behind which is `end`. */
void http_again_keep(struct http_reader *r, const uint8_t *end);
