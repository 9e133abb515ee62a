/*
 * Requests over a unix socket, HTTP/1.1 or HTTP/2, or to a server by HTTPS, and one
 * answer that does not end (events) beside them. What comes is bounded, and every wait ends when
 * the descriptor to stop is readable. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct http;

struct http_request {
	const char *path; /* "/version" */
	const char *const
		*headers; /* "name: value", ends with NULL; may be NULL */
	const void *body; /* NULL: GET, else POST */
	size_t body_len;
	size_t max; /* bytes of the answer; of all that waits, of a stream */
};

struct http_answer {
	long status;	  /* of HTTP */
	long grpc_status; /* -1: the answer has none */
	char *body;	  /* owned; a NUL behind it */
	size_t len;
};

/* socket: copied; stop_fd: borrowed. NULL and *reterr: no path, no memory. */
struct http *http_new(const char *socket, int stop_fd, bool http2,
		      struct err *reterr);
/*
 * The same to "https://HOST[:PORT]", whose certificate has to be of ca_file, or of
 * the system's if that is NULL. What no server says for minutes is found broken by
 * the kernel (keepalive).
 */
struct http *http_new_tls(const char *server, const char *ca_file, int stop_fd,
			  struct err *reterr);
void http_free(struct http *h);

/*
 * One question and its whole answer, whatever its status. -ECANCELED: to stop;
 * -ETIMEDOUT: it hangs (RUNTIME_ANSWER_WAIT_MS); -EMSGSIZE: it is longer than
 * max; -ENOENT, -ECONNREFUSED, ...: nobody is there; -EPROTO: no HTTP.
 */
int http_ask(struct http *h, const struct http_request *q,
	     struct http_answer *ret, struct err *reterr);
void http_answer_done(struct http_answer *a);

/*
 * Begins the stream. wait: back when its status is 200, or as http_ask fails;
 * else back at once, for servers that answer with the first event only.
 */
int http_follow(struct http *h, const struct http_request *q, bool wait,
		struct err *reterr);

/* Status of the stream's head; 0: it has none yet. */
long http_stream_status(const struct http *h);

/*
 * How long is the first item of a stream? 0: it is not whole yet; -1: rubbish,
 * or longer than anyone should send.
 */
typedef long http_split(const char *text, size_t len);

/*
 * The next item, valid until the next call for this http. 1: *ret_item is it;
 * 0: none within wait_ms; -EPIPE: the stream has ended; else as http_ask.
 */
int http_next(struct http *h, http_split *split, int wait_ms,
	      const char **ret_item, size_t *ret_len, struct err *reterr);
