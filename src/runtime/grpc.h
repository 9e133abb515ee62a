/*
 * gRPC as it is on the wire: one request message and one answer, or a stream of
 * answers, by HTTP/2; what a message says is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/http.h"

struct grpc_answer {
	struct http_answer http; /* owns the bytes */
	const uint8_t *message;
	size_t len;
};

/* "namespace" of containerd, as metadata; NULL: none. */
struct grpc_request {
	const char *method; /* "/containerd.services.tasks.v1.Tasks/Get" */
	const char *metadata;
	const uint8_t *message;
	size_t len; /* at most GRPC_REQUEST_MAX */
	size_t max; /* bytes of the answer */
};

#define GRPC_REQUEST_MAX 1024

/*
 * 0: *ret is the answer. -ENODATA: the server says NOT_FOUND. Else as
 * http_ask(), or -EPROTO for any other status of gRPC.
 */
int grpc_ask(struct http *h, const struct grpc_request *q,
	     struct grpc_answer *ret, struct err *reterr);
void grpc_answer_done(struct grpc_answer *a);

/* Begins a stream; its items, by http_next() and grpc_split, are frames. */
int grpc_follow(struct http *h, const struct grpc_request *q,
		struct err *reterr);
long grpc_split(const char *text, size_t len);
/* The message in a whole frame; false: it is not one uncompressed frame. */
bool grpc_unframe(const char *frame, size_t frame_len, const uint8_t **ret,
		  size_t *ret_len);
