/*
 * All transfers of a session are in one libcurl multi handle, and turn() is
 * where the thread waits: for their sockets and for stop_fd. While a question
 * is waited for, the stream is served, too: what comes of it is kept until
 * http_next() takes it. Each transfer has a connection of its own (no
 * multiplexing), so that none can hold up another.
 *
 * libcurl never waits by itself here: names are not resolved, connect(2) to a
 * unix socket does not block, and it is told to raise no signals.
 */
#include "runtime/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/limits.h"

#define FIRST_BYTES 4096

struct transfer {
	CURL *easy; /* NULL: not in use */
	struct curl_slist *headers;
	char *text;
	size_t len, room, max;
	size_t taken; /* of the text, by http_next() */
	bool too_long;
	bool ended;
	CURLcode how; /* it ended */
};

struct http {
	CURLM *multi;
	char *socket;
	int stop_fd;
	bool http2;
	bool follows; /* the stream's status is waited for */
	struct transfer stream;
};

struct http *http_new(const char *socket, int stop_fd, bool http2,
		      struct err *reterr)
{
	struct http *h;

	if (strlen(socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
		(void)err_set(reterr, ENAMETOOLONG, NULL,
			      "the path of a socket has at most %zu bytes",
			      sizeof((struct sockaddr_un *)NULL)->sun_path - 1);
		return NULL;
	}
	h = calloc(1, sizeof *h);
	if (!h)
		goto fail;
	h->stop_fd = stop_fd;
	h->http2 = http2;
	h->socket = strdup(socket);
	h->multi = curl_multi_init();
	if (!h->socket || !h->multi ||
	    curl_multi_setopt(h->multi, CURLMOPT_PIPELINING,
			      CURLPIPE_NOTHING) != CURLM_OK)
		goto fail;
	return h;
fail:
	http_free(h);
	(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	return NULL;
}

static void transfer_done(struct http *h, struct transfer *t)
{
	if (t->easy) {
		/* one that was never added is no error that matters */
		(void)curl_multi_remove_handle(h->multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	curl_slist_free_all(t->headers);
	free(t->text);
	*t = (struct transfer){ 0 };
}

void http_free(struct http *h)
{
	if (!h)
		return;
	transfer_done(h, &h->stream);
	(void)curl_multi_cleanup(h->multi); /* NULL is accepted */
	free(h->socket);
	free(h);
}

/* What was taken makes room. */
static void drop_taken(struct transfer *t)
{
	if (t->taken == 0)
		return;
	memmove(t->text, t->text + t->taken, t->len - t->taken);
	t->len -= t->taken;
	t->taken = 0;
}

static size_t receive(char *bytes, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * n; /* size is 1, says libcurl */
	char *grown;

	if (len > t->max - t->len)
		drop_taken(t);
	if (len > t->max - t->len) {
		t->too_long = true;
		return 0;
	}
	if (len >= t->room - t->len) {
		size_t room = t->room ? t->room * 2 : FIRST_BYTES;

		if (room < t->len + len + 1)
			room = t->len + len + 1;
		grown = realloc(t->text, room);
		if (!grown)
			return 0;
		t->text = grown;
		t->room = room;
	}
	memcpy(t->text + t->len, bytes, len);
	t->len += len;
	t->text[t->len] = '\0';
	return len;
}

static bool add_headers(struct transfer *t, const char *const *headers)
{
	/* libcurl's own "Expect: 100-continue" would cost a round trip */
	static const char no_expect[] = "Expect:";
	struct curl_slist *l = curl_slist_append(NULL, no_expect);

	for (t->headers = l; l && headers && *headers; headers++)
		l = curl_slist_append(t->headers, *headers);
	return l != NULL;
}

#define SET(opt, value)                                                    \
	do {                                                               \
		if (curl_easy_setopt(t->easy, (opt), (value)) != CURLE_OK) \
			return false;                                      \
	} while (0)

static bool set_options(const struct http *h, struct transfer *t,
			const struct http_request *q)
{
	char url[RUNTIME_ID_MAX * 2] = "http://runtime";
	size_t at = strlen(url), len = strlen(q->path);

	if (len >= sizeof url - at)
		return false;
	memcpy(url + at, q->path, len + 1);
	SET(CURLOPT_URL, url);
	SET(CURLOPT_UNIX_SOCKET_PATH, h->socket);
	SET(CURLOPT_HTTP_VERSION,
	    (long)(h->http2 ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
			    : CURL_HTTP_VERSION_1_1));
	/* libcurl 7.88 breaks an HTTP/2 connection that it uses again */
	SET(CURLOPT_FRESH_CONNECT, (long)h->http2);
	SET(CURLOPT_FORBID_REUSE, (long)h->http2);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROXY, ""); /* whatever http_proxy says */
	SET(CURLOPT_PROTOCOLS_STR, "http");
	SET(CURLOPT_HTTP09_ALLOWED, 0L);
	SET(CURLOPT_WRITEFUNCTION, receive);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_HTTPHEADER, t->headers);
	if (q->body) {
		SET(CURLOPT_POSTFIELDSIZE, (long)q->body_len);
		SET(CURLOPT_COPYPOSTFIELDS, q->body);
	}
	return true;
}

#undef SET

static int transfer_start(struct http *h, struct transfer *t,
			  const struct http_request *q, struct err *reterr)
{
	*t = (struct transfer){ .max = q->max, .easy = curl_easy_init() };
	if (t->easy && add_headers(t, q->headers) && set_options(h, t, q) &&
	    curl_multi_add_handle(h->multi, t->easy) == CURLM_OK)
		return 0;
	transfer_done(h, t);
	return err_set(reterr, ENOMEM, NULL, "out of memory");
}

static void mark_ended(struct http *h, struct transfer *asked)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left))) {
		struct transfer *t = &h->stream;

		if (m->msg != CURLMSG_DONE)
			continue;
		if (asked && m->easy_handle == asked->easy)
			t = asked;
		t->ended = true;
		t->how = m->data.result;
	}
}

/*
 * Lets the transfers go on, at most until `until`. 0: go on; -ETIMEDOUT: it is
 * past that. May come back early.
 */
static int turn(struct http *h, struct transfer *asked, usec_t until,
		struct err *reterr)
{
	struct curl_waitfd stop = { .fd = h->stop_fd,
				    .events = CURL_WAIT_POLLIN };
	uint64_t left_us = usec_since(until, clock_now());
	struct transfer *t = asked ? asked : &h->stream;
	size_t had = t->len;
	long status = 0;
	int n;

	if (curl_multi_perform(h->multi, &n) != CURLM_OK)
		return err_set(reterr, EIO, NULL, "libcurl fails");
	mark_ended(h, asked);
	if (h->follows)
		(void)curl_easy_getinfo(h->stream.easy, CURLINFO_RESPONSE_CODE,
					&status);
	/* who says no more than that he will tell has answered */
	if (t->ended || t->len != had || status != 0)
		left_us = 0;
	else if (left_us == 0)
		return -ETIMEDOUT;
	if (curl_multi_poll(h->multi, &stop, 1, (int)((left_us + 999) / 1000),
			    &n) != CURLM_OK)
		return err_set(reterr, EIO, NULL, "libcurl fails");
	return stop.revents ? -ECANCELED : 0;
}

static int how_it_ended(const struct transfer *t, struct err *reterr)
{
	long os_error = 0;

	if (t->too_long)
		return err_set(reterr, EMSGSIZE, NULL,
			       "it says more than %zu bytes at once", t->max);
	switch (t->how) {
	case CURLE_OK: return 0;
	case CURLE_COULDNT_CONNECT:
		(void)curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os_error);
		if (os_error == 0)
			os_error = ECONNREFUSED;
		return err_set(reterr, (int)os_error, NULL, "%s",
			       strerror((int)os_error));
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return err_set(reterr, EPIPE, NULL, "the connection broke");
	case CURLE_OUT_OF_MEMORY:
	case CURLE_WRITE_ERROR:
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	default:
		return err_set(reterr, EPROTO, NULL,
			       "it does not speak HTTP: %s",
			       curl_easy_strerror(t->how));
	}
}

static usec_t answer_time(void)
{
	return usec_add(clock_now(), RUNTIME_ANSWER_WAIT_MS * 1000ULL);
}

static int no_answer(const char *path, struct err *reterr)
{
	return err_set(reterr, ETIMEDOUT, NULL,
		       "it hangs: no answer to %.60s in %d ms", path,
		       RUNTIME_ANSWER_WAIT_MS);
}

/* Of gRPC, from the trailers; from the headers where there is no body. */
static long grpc_status_of(CURL *easy)
{
	struct curl_header *found;
	char *end;
	long v;

	if (curl_easy_header(easy, "grpc-status", 0,
			     CURLH_TRAILER | CURLH_HEADER, -1,
			     &found) != CURLHE_OK)
		return -1;
	v = strtol(found->value, &end, 10);
	return *end || end == found->value || v < 0 ? -1 : v;
}

/* Who goes on talking does not hang; but not for ever. */
static int transfer_finish(struct http *h, struct transfer *t,
			   struct err *reterr)
{
	usec_t last = usec_add(clock_now(), RUNTIME_ANSWER_MAX_MS * 1000ULL);
	usec_t until = answer_time();
	int r = 0;

	while (r == 0 && !t->ended) {
		size_t had = t->len;

		r = turn(h, t, until, reterr);
		if (t->len != had)
			until = answer_time();
		if (usec_before(last, until))
			until = last;
	}
	return r;
}

int http_ask(struct http *h, const struct http_request *q,
	     struct http_answer *ret, struct err *reterr)
{
	struct transfer t;
	int r = transfer_start(h, &t, q, reterr);

	if (r == 0)
		r = transfer_finish(h, &t, reterr);
	if (r == -ETIMEDOUT)
		r = no_answer(q->path, reterr);
	if (r == 0)
		r = how_it_ended(&t, reterr);
	if (r == 0) {
		*ret = (struct http_answer){ .body = t.text, .len = t.len };
		t.text = NULL;
		if (!ret->body)
			ret->body = calloc(1, 1);
		(void)curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE,
					&ret->status);
		ret->grpc_status = grpc_status_of(t.easy);
		if (!ret->body)
			r = err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	transfer_done(h, &t);
	return r;
}

void http_answer_done(struct http_answer *a)
{
	free(a->body);
	*a = (struct http_answer){ 0 };
}

static int stream_ended(struct http *h, struct err *reterr)
{
	int r = how_it_ended(&h->stream, reterr);
	long status = grpc_status_of(h->stream.easy);

	if (r == 0 && status > 0)
		return err_set(reterr, EPROTO, NULL,
			       "it ended its events, gRPC status %ld", status);
	if (r == 0)
		r = err_set(reterr, EPIPE, NULL, "it ended its events");
	return r;
}

int http_follow(struct http *h, const struct http_request *q, bool wait,
		struct err *reterr)
{
	usec_t until = answer_time();
	long status = 0;
	int r;

	transfer_done(h, &h->stream);
	r = transfer_start(h, &h->stream, q, reterr);
	if (!wait)
		return r;
	h->follows = true;
	while (r == 0 && status == 0 && !h->stream.ended) {
		r = turn(h, NULL, until, reterr);
		(void)curl_easy_getinfo(h->stream.easy, CURLINFO_RESPONSE_CODE,
					&status);
	}
	h->follows = false;
	if (r == -ETIMEDOUT)
		return no_answer(q->path, reterr);
	if (r == 0 && h->stream.ended && status == 0)
		return stream_ended(h, reterr);
	if (r == 0 && status != 200)
		return err_set(reterr, EPROTO, NULL, "it answers %ld to %.60s",
			       status, q->path);
	return r;
}

int http_next(struct http *h, http_split *split, int wait_ms,
	      const char **ret_item, size_t *ret_len, struct err *reterr)
{
	usec_t until = usec_add(clock_now(), (uint64_t)wait_ms * 1000);
	struct transfer *t = &h->stream;
	int r = 0;

	while (r == 0) {
		long len = t->len > t->taken ? split(t->text + t->taken,
						     t->len - t->taken)
					     : 0;

		if (len < 0)
			return err_set(reterr, EPROTO, NULL,
				       "what it sends are no events");
		if (len > 0) {
			*ret_item = t->text + t->taken;
			*ret_len = (size_t)len;
			t->taken += (size_t)len;
			return 1;
		}
		drop_taken(t);
		if (t->ended)
			return stream_ended(h, reterr);
		r = turn(h, NULL, until, reterr);
	}
	return r == -ETIMEDOUT ? 0 : r;
}
