/*
 * A frame is a byte that is 1 if the message is compressed (nobody compresses
 * for who does not offer it), its length in four, and the message. The status
 * is in the trailers, or in the headers of an answer without a message.
 * docs/decisions/0014-containerd-by-libcurl.md tells why this is here.
 */
#include "runtime/grpc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "base/limits.h"

#define FRAME_HEAD	 5
#define STATUS_OK	 0
#define STATUS_NOT_FOUND 5

/* How long is the frame at the beginning? 0: its head is not whole; -1: bad. */
static long frame_len(const char *text, size_t len)
{
	struct bytes b = bytes_of(text, len);
	uint8_t compressed;
	uint32_t n;

	if (!take_u8(&b, &compressed) || !take_be32(&b, &n))
		return 0;
	if (compressed || n > RUNTIME_LIST_BYTES_MAX)
		return -1;
	return (long)n + FRAME_HEAD;
}

long grpc_split(const char *text, size_t len)
{
	long n = frame_len(text, len);

	if (n > RUNTIME_EVENT_BYTES_MAX)
		return -1;
	return n > 0 && (size_t)n > len ? 0 : n;
}

bool grpc_unframe(const char *frame, size_t len, const uint8_t **ret,
		  size_t *ret_len)
{
	long n = frame_len(frame, len);

	if (n <= 0 || (size_t)n != len)
		return false;
	*ret = (const uint8_t *)frame + FRAME_HEAD;
	*ret_len = len - FRAME_HEAD;
	return true;
}

struct http_form {
	struct http_request q;
	char metadata[RUNTIME_ID_MAX + 64];
	const char *headers[4];
	uint8_t body[FRAME_HEAD + GRPC_REQUEST_MAX];
};

static void fill(struct http_form *f, const struct grpc_request *q)
{
	BUG_ON(q->len > GRPC_REQUEST_MAX);
	f->headers[0] = "content-type: application/grpc";
	f->headers[1] = "te: trailers";
	f->headers[2] = NULL;
	f->headers[3] = NULL;
	if (q->metadata) {
		(void)snprintf(f->metadata, sizeof f->metadata,
			       "containerd-namespace: %s", q->metadata);
		f->headers[2] = f->metadata;
	}
	memset(f->body, 0, FRAME_HEAD);
	f->body[3] = (uint8_t)(q->len >> 8);
	f->body[4] = (uint8_t)q->len;
	if (q->len > 0)
		memcpy(f->body + FRAME_HEAD, q->message, q->len);
	f->q = (struct http_request){ .path = q->method,
				      .headers = f->headers,
				      .body = f->body,
				      .body_len = FRAME_HEAD + q->len,
				      .max = q->max };
}

static int check(struct grpc_answer *a, const char *method, struct err *reterr)
{
	if (a->http.status != 200)
		return err_set(reterr, EPROTO, NULL, "it answers %ld to %.80s",
			       a->http.status, method);
	if (a->http.grpc_status == STATUS_NOT_FOUND)
		return err_set(reterr, ENODATA, NULL, "not found");
	if (a->http.grpc_status != STATUS_OK)
		return err_set(reterr, EPROTO, NULL,
			       "it answers gRPC status %ld to %.80s",
			       a->http.grpc_status, method);
	if (!grpc_unframe(a->http.body, a->http.len, &a->message, &a->len))
		return err_set(reterr, EPROTO, NULL,
			       "its answer to %.80s is no gRPC message",
			       method);
	return 0;
}

int grpc_ask(struct http *h, const struct grpc_request *q,
	     struct grpc_answer *ret, struct err *reterr)
{
	struct http_form f;
	int r;

	*ret = (struct grpc_answer){ 0 };
	fill(&f, q);
	r = http_ask(h, &f.q, &ret->http, reterr);
	return r == 0 ? check(ret, q->method, reterr) : r;
}

void grpc_answer_done(struct grpc_answer *a)
{
	http_answer_done(&a->http);
	*a = (struct grpc_answer){ 0 };
}

int grpc_follow(struct http *h, const struct grpc_request *q,
		struct err *reterr)
{
	struct http_form f;

	fill(&f, q);
	/* servers send even the headers with the first message only */
	return http_follow(h, &f.q, false, reterr);
}
