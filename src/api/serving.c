/*
 * The HTTP library runs one thread an address, which does nothing that waits. A
 * request that asks somebody is suspended there and given to a pool; the pool's
 * thread puts the answer in it and wakes it, and the library calls on_request()
 * once more, which sends it.
 */
#include "api/serving.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/ask.h"
#include "api/certificate.h"
#include "api/download.h"
#include "api/hall.h"
#include "api/identity.h"
#include "api/metrics.h"
#include "api/own.h"
#include "api/route.h"
#include "api/server.h"
#include "api/stream.h"

/* --- headers ----------------------------------------------------------------- */

/*
 * Nothing from elsewhere, nothing inline, in nobody's frame. Data that is told
 * comes from whoever sends packets: what it is not to be it is not.
 */
static const char policy_text[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; "
	"img-src 'self' data:; font-src 'self'; connect-src 'self'; "
	"manifest-src 'self'; base-uri 'none'; form-action 'self'; "
	"frame-ancestors 'none'";

static void add_header(struct MHD_Response *m, const char *name,
		       const char *value)
{
	/* out of memory, or a value that no header can have: it goes without */
	(void)MHD_add_response_header(m, name, value);
}

static const char *caching(const struct request *r)
{
	if (r->answer.file)
		return strncmp(r->answer.file->path, "assets/", 7) == 0
			       ? "public, max-age=31536000, immutable"
			       : "no-cache";
	return r->answer.keep ? "private, no-cache" : "no-store";
}

static void add_headers(const struct request *r, struct MHD_Response *m)
{
	const struct answer *a = &r->answer;

	add_header(m, "Content-Type", a->type ? a->type : "application/json");
	add_header(m, "Content-Security-Policy", policy_text);
	add_header(m, "X-Content-Type-Options", "nosniff");
	add_header(m, "X-Frame-Options", "DENY");
	add_header(m, "Referrer-Policy", "no-referrer");
	add_header(m, "Cross-Origin-Opener-Policy", "same-origin");
	add_header(m, "Cross-Origin-Resource-Policy", "same-origin");
	add_header(m, "Cache-Control", caching(r));
	if (r->ends)
		add_header(m, "Connection", "close");
	if (r->tls)
		add_header(m, "Strict-Transport-Security", "max-age=31536000");
	if (a->etag[0])
		add_header(m, "ETag", a->etag);
	for (size_t i = 0; i < a->n_headers; i++)
		add_header(m, a->headers[i].name, a->headers[i].value);
}

/* --- sending -------------------------------------------------------------------- */

static struct MHD_Response *response_of(struct request *r)
{
	struct answer *a = &r->answer;
	struct MHD_Response *m;

	if (!a->status && (r->stream || r->download)) {
		a->status = 200;
		a->type = r->stream ? "text/event-stream"
				    : "application/octet-stream";
		if (r->stream) /* nginx would keep it until there is more */
			answer_header(r, "X-Accel-Buffering", "no");
		return r->stream ? stream_response(r->stream)
				 : download_response(r->download);
	}
	if (a->file)
		return MHD_create_response_from_buffer(
			a->file->len, a->file->text, MHD_RESPMEM_PERSISTENT);
	m = MHD_create_response_from_buffer(a->len, a->text ? a->text : "",
					    a->text ? MHD_RESPMEM_MUST_FREE
						    : MHD_RESPMEM_PERSISTENT);
	if (m)
		a->text = NULL; /* it is the response's */
	return m;
}

/* What the browser has is still so. */
static void check_same(struct request *r)
{
	const char *header = request_header(r, "If-None-Match");
	struct answer *a = &r->answer;

	if (!header || a->status != 200 || !a->etag[0] ||
	    !etag_is_in(a->etag, header))
		return;
	a->status = 304;
	free(a->text);
	a->text = NULL;
	a->file = NULL;
	a->len = 0;
}

static enum MHD_Result send_answer(struct request *r)
{
	struct MHD_Response *m;
	enum MHD_Result result = MHD_NO;

	check_same(r);
	m = response_of(r);
	if (!m)
		return MHD_NO; /* the connection ends */
	add_headers(r, m);
	r->state = REQUEST_DONE;
	/* a stream has no end, and a file is taken as fast as it can be */
	hall_expect(r->server->hall, r->of,
		    r->stream || r->download ? 0 : API_ANSWER_S);
	if (r->answer.status / 100 < 6)
		r->server->counts.answers[r->answer.status / 100]++;
	result = MHD_queue_response(r->connection, r->answer.status, m);
	MHD_destroy_response(m);
	return result;
}

static void refuse(struct request *r, int code, const char *at,
		   const char *text)
{
	struct err err;

	(void)err_set(&err, code, at, "%s", text);
	answer_problem(r, &err);
}

/* --- what is asked for ------------------------------------------------------------- */

static void take_file(struct request *r, const struct file *f)
{
	r->answer.status = 200;
	r->answer.file = f;
	r->answer.type = f->type;
	memcpy(r->answer.etag, f->etag, sizeof f->etag);
}

/* A file of the UI, by the path as the table has it. */
static void answer_file(struct request *r, const char *method)
{
	char path[API_URI_MAX + API_PATH_PARTS_MAX];
	const struct file *f;
	size_t len = 0;

	for (size_t i = 0; i < r->uri.n_parts; i++) {
		size_t n = strlen(r->uri.parts[i]);

		if (i > 0)
			path[len++] = '/';
		memcpy(path + len, r->uri.parts[i], n);
		len += n;
	}
	path[len] = '\0';
	f = files_find(&r->server->files, len ? path : "index.html");
	if (!f) {
		refuse(r, ENOENT, "path",
		       len || r->server->files.n
			       ? "there is nothing by that path"
			       : "the web UI is not installed; the API "
				 "is at /api/v1");
	} else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		refuse(r, EOPNOTSUPP, "method", "expected GET");
		answer_header(r, "Allow", "GET");
	} else {
		take_file(r, f);
	}
}

static bool is_api(const struct uri *u)
{
	return u->n_parts > 0 && (strcmp(u->parts[0], "api") == 0 ||
				  strcmp(u->parts[0], "metrics") == 0);
}

static size_t body_max(const struct command_route *r)
{
	if (r->role == ROLE_NOBODY)
		return API_LOGIN_BODY_MAX;
	return r->body == BODY_RULES || route_lists(r->args, "text", NULL)
		       ? API_TEXT_BODY_MAX
		       : API_BODY_MAX;
}

static void too_large(struct request *r)
{
	struct err err;

	(void)err_set(&err, EMSGSIZE, "body", "at most %zu bytes",
		      body_max(r->route));
	answer_problem(r, &err);
}

/* As the request says; 0: it does not. The library has looked at its digits. */
static unsigned long long length_of(const struct request *r)
{
	const char *length = request_header(r, "Content-Length");

	return length ? strtoull(length, NULL, 10) : 0;
}

static bool has_body(const struct request *r)
{
	return length_of(r) || request_header(r, "Transfer-Encoding");
}

/* A page of another site can send no JSON without being asked first. */
static int check_type(struct request *r, struct err *reterr)
{
	const char *type = request_header(r, "Content-Type");
	const char *want = r->route->body == BODY_RULES ? "text/plain"
							: "application/json";
	size_t len = type ? strcspn(type, "; \t") : 0;

	if (r->route->body == BODY_NONE || (!type && !has_body(r)) ||
	    (len == strlen(want) && strncasecmp(type, want, len) == 0))
		return 0;
	return err_set(reterr, EMEDIUMTYPE, "Content-Type", "expected %s",
		       want);
}

/* Headers that say where a request ends, or whom it is for. */
struct framing {
	unsigned lengths, encodings, hosts;
	bool strange;
};

static enum MHD_Result look_at(void *cls, enum MHD_ValueKind kind,
			       const char *name, const char *value)
{
	static const char may[] = "!#$%&'*+-.^_`|~0123456789"
				  "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct framing *f = cls;

	(void)kind;
	f->lengths += strcasecmp(name, "Content-Length") == 0;
	f->hosts += strcasecmp(name, "Host") == 0;
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		f->encodings++;
		f->strange |= !value || strcasecmp(value, "chunked") != 0;
	}
	f->strange |= name[strspn(name, may)] != '\0';
	return MHD_YES;
}

/*
 * Where the library and a proxy could have two opinions of where the next request
 * begins, there is none: the connection ends (RFC 9112, 6.3).
 */
static bool is_framed(const struct request *r)
{
	struct framing f = { 0 };

	(void)MHD_get_connection_values(r->connection, MHD_HEADER_KIND, look_at,
					&f);
	return !f.strange && f.hosts <= 1 && f.lengths + f.encodings <= 1;
}

/* Is it answered before what it brings is read? */
static bool begin(struct request *r, const char *method)
{
	char allow[ROUTE_ALLOW_MAX];
	struct err err;
	int rc;

	if (!is_framed(r)) {
		r->ends = true;
		refuse(r, EINVAL, "headers",
		       "expected one Host, and one Content-Length or "
		       "\"Transfer-Encoding: chunked\"");
		return true;
	}
	if (!identity_host(r->server->config, request_header(r, "Host"),
			   r->tls)) {
		refuse(r, EDESTADDRREQ, "Host",
		       "is no name of this server (hosts: in api.yaml)");
		return true;
	}
	rc = uri_parse(r->target, &r->uri, &err);
	r->head = strcmp(method, "HEAD") == 0;
	if (rc == 0 && !is_api(&r->uri)) {
		answer_file(r, method);
		return true;
	}
	if (rc == 0)
		rc = route_find(method, &r->uri, &r->route, allow, &err);
	if (rc < 0) {
		answer_problem(r, &err);
		if (rc == -EOPNOTSUPP)
			answer_header(r, "Allow", allow);
		return true;
	}
	rc = identity_check(r, &err);
	if (rc == 0)
		rc = check_type(r, &err);
	if (rc < 0) {
		answer_problem(r, &err);
		if (rc == -ENOKEY || rc == -EKEYREJECTED)
			answer_header(r, "WWW-Authenticate", "Bearer");
		return true;
	}
	if (length_of(r) > body_max(r->route)) {
		too_large(r);
		return true;
	}
	r->state = REQUEST_BODY;
	return false;
}

/*
 * Who is answered before his request ends is sent away by the library: where his
 * next one begins is not known. So what is short is read first, and forgotten; the
 * connection of who sends more, says not how much, or asks first whether he may
 * send it (Expect) ends with his answer: nobody has a megabyte read for nothing.
 */
static enum MHD_Result answer_early(struct request *r)
{
	if (r->ends || length_of(r) > API_LOGIN_BODY_MAX ||
	    request_header(r, "Transfer-Encoding") ||
	    request_header(r, "Expect"))
		return send_answer(r);
	r->state = REQUEST_ANSWERED;
	return MHD_YES;
}

static void forget_body(struct request *r)
{
	(void)atomic_fetch_sub(&r->server->bodies, r->counted);
	r->counted = 0;
	text_done(&r->body);
}

/*
 * What may not be is read on, and forgotten, within the time that there is. A
 * body counts until its request is done: what was made of it is as large.
 */
static void take_body(struct request *r, const char *bytes, size_t len)
{
	if (r->refused)
		return;
	if (r->body.len + len > body_max(r->route)) {
		r->refused = EMSGSIZE;
	} else {
		r->counted += len;
		if (atomic_fetch_add(&r->server->bodies, len) + len >
		    API_BODIES_MAX)
			r->refused = EAGAIN;
	}
	if (r->refused)
		forget_body(r);
	else
		text_add(&r->body, bytes, len);
}

static void work(struct request *r)
{
	if (r->route->own == OWN_STREAM)
		stream_open(r);
	else if (r->route->own == OWN_METRICS)
		metrics_open(r);
	else if (r->route->own == OWN_FILE)
		download_open(r);
	else if (r->route->own)
		own_answer(r);
	else
		(void)ask_agent(r); /* answered already if it cannot wait */
}

static enum MHD_Result all_there(struct request *r)
{
	if (r->refused == EMSGSIZE)
		too_large(r);
	else if (r->refused)
		refuse(r, r->refused, "body", "too many large ones at a time");
	else if (r->body.failed)
		refuse(r, ENOMEM, NULL, "out of memory");
	if (r->answer.status)
		return send_answer(r);
	r->state = REQUEST_WORK;
	hall_expect(r->server->hall, r->of, 0);
	work(r);
	/* one that waits is another thread's by now */
	return r->waits ? MHD_YES : send_answer(r);
}

/* --- the library's calls ----------------------------------------------------------------- */

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection,
				  const char *url, const char *method,
				  const char *version, const char *bytes,
				  size_t *len, void **at)
{
	struct request *r = *at;

	(void)cls;
	(void)url; /* decoded already: r->target is what was sent */
	(void)version;
	(void)connection;
	if (!r)
		return MHD_NO;
	switch (r->state) {
	case REQUEST_BEGUN: return begin(r, method) ? answer_early(r) : MHD_YES;
	case REQUEST_BODY:
		if (*len == 0)
			return all_there(r);
		take_body(r, bytes, *len);
		*len = 0;
		return MHD_YES;
	case REQUEST_ANSWERED:
		if (*len == 0)
			return send_answer(r);
		break;
	case REQUEST_WORK: return send_answer(r);
	case REQUEST_DONE: break;
	}
	*len = 0; /* of a body that was refused */
	return MHD_YES;
}

static struct connection *connection_of(struct MHD_Connection *m)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(m, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return i ? i->socket_context : NULL;
}

/* The first line is there. What it returns is *at of on_request(). */
static void *on_target(void *cls, const char *target,
		       struct MHD_Connection *connection)
{
	const struct door *d = cls;
	struct request *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->server = d->server;
	r->tls = d->tls;
	r->connection = connection;
	r->of = connection_of(connection);
	r->target = strdup(target);
	if (!r->target) {
		free(r);
		return NULL;
	}
	hall_expect(r->server->hall, r->of, API_REQUEST_S);
	return r;
}

static void on_completed(void *cls, struct MHD_Connection *connection,
			 void **at, enum MHD_RequestTerminationCode how)
{
	struct request *r = *at;

	if (!r)
		return;
	hall_expect(r->server->hall, r->of, API_IDLE_S + API_REQUEST_S);
	uri_done(&r->uri);
	answer_done(&r->answer);
	forget_body(r);
	json_decref(r->args);
	stream_free(r->stream);
	download_free(r->download);
	free(r->target);
	free(r);
	*at = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection,
			  void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	const struct door *d = cls;
	const union MHD_ConnectionInfo *fd, *from;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		hall_leave(d->server->hall, *context);
		*context = NULL;
		return;
	}
	fd = MHD_get_connection_info(connection,
				     MHD_CONNECTION_INFO_CONNECTION_FD);
	from = MHD_get_connection_info(connection,
				       MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (!fd || !from)
		return;
	*context =
		hall_enter(d->server->hall, fd->connect_fd, from->client_addr);
}

static enum MHD_Result on_accept(void *cls, const struct sockaddr *from,
				 socklen_t len)
{
	const struct door *d = cls;

	return hall_may_enter(d->server->hall, from) ? MHD_YES : MHD_NO;
}

/* --- an address -------------------------------------------------------------------- */

static void log_library(void *cls, const char *fmt, va_list args)
{
	/* of clients' mistakes, which are theirs, and without a limit */
	(void)cls;
	(void)fmt;
	(void)args;
}

struct MHD_Daemon *serving_start(struct door *d)
{
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK2, 0,
		  (void *)(uintptr_t)certificate_retrieve },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
		  (void *)(uintptr_t) "SECURE128:-VERS-ALL:+VERS-TLS1.3:"
				      "+VERS-TLS1.2:%SERVER_PRECEDENCE" },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG |
			 MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
			 (d->tls ? MHD_USE_TLS : 0);

	return MHD_start_daemon(
		flags, 0, on_accept, d, on_request, d,
		MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
		MHD_OPTION_LISTEN_SOCKET, d->fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)API_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)API_CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)API_IDLE_S, MHD_OPTION_URI_LOG_CALLBACK, on_target, d,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, d,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, d,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY,
		d->tls ? tls : tls + 2, MHD_OPTION_END);
}

/* --- daemons and waiting ----------------------------------------------------------------- */

int serving_submit(struct request *r, struct pool *p)
{
	struct err err;

	r->waits = true;
	MHD_suspend_connection(r->connection);
	if (pool_submit(p, &r->job))
		return 0;
	(void)err_set(&err, EAGAIN, NULL, "too many requests wait already");
	answer_problem(r, &err);
	MHD_resume_connection(r->connection);
	return -EAGAIN;
}

void serving_resume(struct request *r)
{
	MHD_resume_connection(r->connection);
}
