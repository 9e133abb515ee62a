/*
 * A whole weir-api without an agent, asked over TCP: who may what, of all routes
 * and all roles; headers of all answers; clients that take more than is theirs.
 */
#include "api/server.h"

#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/ring.h"
#include "api/stream.h"
#include "base/clock.h"
#include "base/text.h"
#include "folder.h"
#include "test.h"

#define NOW_S	(clock_unix_us() / USEC_PER_SEC)
#define WAIT_S	60
#define MIB	(1UL << 20)
#define AS_JSON "Content-Type: application/json\r\n"

static struct {
	char *dir;
	struct api_config config;
	struct server server;
	struct sockaddr_in6 at;
	char tokens[ROLE__MAX][TOKEN_TEXT_MAX]; /* "": of nobody */
	uint64_t ids[ROLE__MAX];
} it;

/* --- start and end --------------------------------------------------------- */

static void replace(char **at, const char *text)
{
	free(*at);
	*at = strdup(text);
}

static void add_user(enum role role)
{
	struct err err;

	if (accounts_user_add(it.server.accounts, role_name(role), role, "none",
			      NOW_S, &err) < 0 ||
	    accounts_token_add(it.server.accounts, role_name(role), role, "t",
			       0, NOW_S, it.tokens[role], &it.ids[role],
			       &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
}

static int start(void **state)
{
	socklen_t len = sizeof it.at;
	struct err err;

	it.dir = folder_make();
	assert_int_equal(secret_init(&err), 0);
	assert_int_equal(api_config_init(&it.config, &err), 0);
	assert_int_equal(
		api_listen_parse("127.0.0.1:0", &it.config.listens[0], &err),
		0);
	replace(&it.config.state_dir, it.dir);
	replace(&it.config.web, folder_file(it.dir, "web"));
	replace(&it.config.openapi, folder_file(it.dir, "none"));
	replace(&it.config.agent, folder_file(it.dir, "agent.sock"));
	it.config.metrics_local = false;
	if (server_open(&it.server, &it.config, &err) < 0 ||
	    getsockname(it.server.doors[0].fd, (struct sockaddr *)&it.at,
			&len) < 0 ||
	    server_start(&it.server, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
	for (enum role r = ROLE_VIEWER; r < ROLE__MAX; r++)
		add_user(r);
	return 0;
}

static int end(void **state)
{
	server_stop(&it.server);
	api_config_done(&it.config);
	folder_remove(it.dir);
	memset(&it, 0, sizeof it);
	return 0;
}

/* --- a client ----------------------------------------------------------------- */

struct reply {
	unsigned status;
	struct text all;
};

static int come(void)
{
	struct timeval wait = { .tv_sec = WAIT_S };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	assert_int_equal(
		connect(fd, (const struct sockaddr *)&it.at, sizeof it.at), 0);
	return fd;
}

/* What is not taken has been answered already. */
static void say(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

static void say_head(int fd, const char *method, const char *path,
		     enum role role, const char *headers, size_t body_len)
{
	struct text t = { 0 };

	text_addf(&t, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", method, path);
	if (role)
		text_addf(&t, "Authorization: Bearer %s\r\n", it.tokens[role]);
	text_addf(&t, "%sContent-Length: %zu\r\n\r\n", headers, body_len);
	say(fd, t.at, t.len);
	text_done(&t);
}

/* To the end, which there is: "Connection: close". */
static struct reply hear(int fd)
{
	struct reply r = { 0 };
	char buf[4096];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof buf, 0)) > 0)
		text_add(&r.all, buf, (size_t)n);
	close(fd);
	text_add(&r.all, "", 1);
	if (r.all.len > 12)
		r.status = (unsigned)strtoul(r.all.at + 9, NULL, 10);
	return r;
}

static struct reply ask(const char *method, const char *path, enum role role,
			const char *headers, const char *body)
{
	struct text t = { 0 };
	int fd = come();

	text_addf(&t, "%sConnection: close\r\n", headers);
	text_add(&t, "", 1);
	say_head(fd, method, path, role, t.at, strlen(body));
	text_done(&t);
	say(fd, body, strlen(body));
	return hear(fd);
}

static unsigned status_of(const char *method, const char *path, enum role role,
			  const char *headers, const char *body)
{
	struct reply r = ask(method, path, role, headers, body);

	text_done(&r.all);
	return r.status;
}

static bool soon(bool (*is)(void))
{
	for (unsigned i = 0; i < WAIT_S * 100 && !is(); i++)
		(void)poll(NULL, 0, 10);
	return is();
}

/* --- who may what ---------------------------------------------------------------- */

/* "/groups/{group=group.name}" -> "/api/v1/groups/7" */
static const char *path_of(const struct command_route *r, char buf[static 200])
{
	size_t len = (size_t)snprintf(buf, 200, "%s",
				      r->own == OWN_METRICS ? "" : "/api/v1");

	for (const char *s = r->path; *s; s++) {
		if (*s == '{') {
			s += strcspn(s, "}");
			buf[len++] = '7';
		} else {
			buf[len++] = *s;
		}
	}
	buf[len] = '\0';
	return buf;
}

static unsigned try_route(const struct command_route *r, enum role role)
{
	char path[200];
	const char *type = r->body == BODY_RULES
				   ? "Content-Type: text/plain\r\n"
				   : AS_JSON;

	return status_of(r->method, path_of(r, path), role, type,
			 r->body == BODY_NONE || r->body == BODY_RULES ? ""
								       : "{}");
}

static void check_route(const struct command_route *r, enum role role)
{
	unsigned status = try_route(r, role);
	bool no = status == 401 || status == 403;
	char row[300];

	(void)snprintf(row, sizeof row, "%s %s by %s: %u", r->method, r->path,
		       role_name(role), status);
	assert_row(row, status >= 200);
	assert_row(row, no == (role < r->role));
	assert_row(row, !no || status == (role ? 403u : 401u));
}

static void test_roles(void **state)
{
	for (const struct command_route *r = command_routes; r->method; r++)
		for (enum role role = 0; role < ROLE__MAX; role++)
			check_route(r, role);
}

/* What a viewer may do beside reading: with what is his own, and what only asks. */
static bool only_asks(const struct command_route *r)
{
	return strcmp(r->path, "/explain") == 0 ||
	       strcmp(r->path, "/policy/diff") == 0 ||
	       (r->own >= OWN_SESSION && r->own <= OWN_SETUP) ||
	       r->own == OWN_TOKEN_ADD || r->own == OWN_TOKEN_DELETE;
}

/* Does the command change something, asked so? */
static bool does_change(const struct command_route *r)
{
	const struct command_spec *c = r->command ? command_spec(r->command)
						  : NULL;
	bool tries = r->fixed && strstr(r->fixed, "dry_run");
	/* without a text it is only told */
	bool told = strcmp(r->method, "GET") == 0 &&
		    strcmp(r->path, "/candidate") == 0;

	return c && c->changes && !tries && !told;
}

static bool is_strangers(const struct command_route *r)
{
	return r->own == OWN_LOGIN || r->own == OWN_SETUP ||
	       r->own == OWN_OPENAPI;
}

static void test_table(void **state)
{
	for (const struct command_route *r = command_routes; r->method; r++) {
		bool asks = strcmp(r->method, "GET") == 0 || only_asks(r);
		bool changes = does_change(r) || !asks;

		assert_row(r->path, !changes || r->role >= ROLE_OPERATOR);
		assert_row(r->path, r->role || is_strangers(r));
	}
}

static void test_tokens(void **state)
{
	char path[80];

	assert_int_equal(status_of("POST", "/api/v1/tokens", ROLE_ADMIN,
				   AS_JSON, "{\"name\":\"more\"}"),
			 403);
	(void)snprintf(path, sizeof path, "/api/v1/tokens/%llu",
		       (unsigned long long)it.ids[ROLE_VIEWER]);
	assert_int_equal(status_of("DELETE", path, ROLE_OPERATOR, "", ""), 404);
	assert_int_equal(status_of("DELETE", path, ROLE_VIEWER, "", ""), 200);
	assert_int_equal(
		status_of("GET", "/api/v1/tokens", ROLE_VIEWER, "", ""), 401);
}

/* --- other sites ------------------------------------------------------------------ */

static const struct {
	const char *name, *method, *path, *headers, *body;
	unsigned status;
} sites[] = {
	{ "login from another site", "POST", "/api/v1/session",
	  AS_JSON "Origin: http://evil.example\r\n",
	  "{\"user\":\"a\",\"password\":\"b\"}", 403 },
	{ "another port is another site", "POST", "/api/v1/session",
	  AS_JSON "Origin: http://127.0.0.1:9999\r\n",
	  "{\"user\":\"a\",\"password\":\"b\"}", 403 },
	{ "a file's page", "POST", "/api/v1/session",
	  AS_JSON "Origin: null\r\n", "{\"user\":\"a\",\"password\":\"b\"}",
	  403 },
	{ "the link from another site", "POST", "/api/v1/setup",
	  AS_JSON "Origin: http://evil.example\r\n", "{}", 403 },
	{ "login by a form", "POST", "/api/v1/session",
	  "Content-Type: text/plain\r\n", "{\"user\":\"a\",\"password\":\"b\"}",
	  415 },
	{ "the link by a form", "POST", "/api/v1/setup",
	  "Content-Type: application/x-www-form-urlencoded\r\n", "a=b", 415 },
	{ "metrics by a proxy", "GET", "/metrics", "X-Real-IP: 192.0.2.1\r\n",
	  "", 401 },
	{ "metrics by another", "GET", "/metrics", "Via: 1.1 proxy\r\n", "",
	  401 },
	{ "metrics by another site's page", "GET", "/metrics",
	  "Sec-Fetch-Site: cross-site\r\n", "", 403 },
	{ "metrics by a page of ours", "GET", "/metrics",
	  "Sec-Fetch-Site: same-origin\r\n", "", 200 },
	{ "metrics from here", "GET", "/metrics", "", "", 200 },
	{ "a question before", "OPTIONS", "/api/v1/session",
	  "Origin: http://evil.example\r\n"
	  "Access-Control-Request-Method: POST\r\n",
	  "", 405 },
	{ "a name's length", "POST", "/api/v1/session", AS_JSON, NULL, 413 },
};

static void test_sites(void **state)
{
	char *large = malloc(API_LOGIN_BODY_MAX + 2);

	memset(large, ' ', API_LOGIN_BODY_MAX + 1);
	large[API_LOGIN_BODY_MAX + 1] = '\0';
	it.config.metrics_local = true;
	for (size_t i = 0; i < ARRAY_LEN(sites); i++) {
		struct reply r = ask(sites[i].method, sites[i].path,
				     ROLE_NOBODY, sites[i].headers,
				     sites[i].body ? sites[i].body : large);

		assert_row(sites[i].name, r.status == sites[i].status);
		assert_row(sites[i].name,
			   !strstr(r.all.at, "Access-Control-Allow"));
		text_done(&r.all);
	}
	free(large);
}

/* --- headers ------------------------------------------------------------------------ */

static const struct {
	const char *name, *method, *path, *headers;
	unsigned status;
} answers[] = {
	{ "nobody", "GET", "/api/v1/status", "", 401 },
	{ "no file", "GET", "/nothing", "", 404 },
	{ "no route", "GET", "/api/v1/nothing", "", 404 },
	{ "no such method", "DELETE", "/api/v1/status", "", 405 },
	{ "no such type", "POST", "/api/v1/session",
	  "Content-Type: text/html\r\n", 415 },
	{ "HEAD", "HEAD", "/api/v1/status", "", 401 },
	{ "TRACE", "TRACE", "/api/v1/status", "", 405 },
};

static void test_headers(void **state)
{
	static const char *const all[] = {
		"Content-Security-Policy: default-src 'none'",
		"X-Content-Type-Options: nosniff",
		"X-Frame-Options: DENY",
		"Referrer-Policy: no-referrer",
		"Cross-Origin-Resource-Policy: same-origin",
		"Cache-Control: no-store",
	};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct reply r =
			ask(answers[i].method, answers[i].path, ROLE_NOBODY,
			    answers[i].headers,
			    answers[i].path[1] == 'a' && answers[i].headers[0]
				    ? "{}"
				    : "");

		assert_row(answers[i].name, r.status == answers[i].status);
		for (size_t k = 0; k < ARRAY_LEN(all); k++)
			assert_row(answers[i].name, strstr(r.all.at, all[k]));
		text_done(&r.all);
	}
}

/* --- one request in another --------------------------------------------------------- */

static void test_smuggling(void **state)
{
	static const char *const texts[] = {
		/* a length, and pieces, too */
		"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\n" AS_JSON
		"Content-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n"
		"2\r\n{}\r\n0\r\n\r\n"
		"GET /inner HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
		/* two lengths */
		"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\n" AS_JSON
		"Content-Length: 2\r\nContent-Length: 50\r\n\r\n{}"
		"GET /inner HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
		/* one that somebody may not see */
		"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\n" AS_JSON
		"Content-Length : 2\r\n\r\n{}"
		"GET /inner HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
		/* pieces of something else */
		"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\n" AS_JSON
		"Transfer-Encoding: xchunked\r\n\r\n"
		"GET /inner HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
		/* two names */
		"GET /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\n"
		"Host: evil.example\r\n\r\n"
		"GET /inner HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		int fd = come();
		struct reply r;

		say(fd, texts[i], strlen(texts[i]));
		(void)shutdown(fd, SHUT_WR);
		r = hear(fd);
		/* what is within is not answered */
		assert_row(texts[i], r.status == 400);
		assert_row(texts[i], strstr(r.all.at, "Connection: close"));
		assert_row(texts[i], !strstr(r.all.at + 1, "HTTP/1.1"));
		text_done(&r.all);
	}
}

/* --- streams ------------------------------------------------------------------------- */

static bool no_stream(void)
{
	return streams_count(it.server.streams).open == 0;
}

static bool one_stream(void)
{
	return streams_count(it.server.streams).open == 1;
}

/* He never has read all that there is; and yet his time is over. */
static void test_stream_behind(void **state)
{
	static char json[65536];
	static char buf[65536];
	struct ring *ring = streams_ring(it.server.streams);
	size_t behind = 0;
	bool ended = false;
	struct err err;
	ssize_t n = 1;
	int fd = come();

	memset(json, '1', sizeof json);
	say_head(fd, "GET", "/api/v1/stream?topics=events", ROLE_VIEWER, "", 0);
	assert_true(soon(one_stream));
	for (size_t i = 0; i < 7 * MIB / sizeof json; i++)
		ring_add(ring, TOPIC_EVENTS, json, sizeof json);
	assert_int_equal(accounts_token_delete(it.server.accounts,
					       it.ids[ROLE_VIEWER], NULL,
					       ROLE_ADMIN, &err),
			 0);
	streams_wake(it.server.streams, it.server.accounts, clock_now(), true);
	while (n > 0 && !ended && behind < 64 * MIB) {
		/* more than he takes */
		for (size_t i = 0; i < 4; i++)
			ring_add(ring, TOPIC_EVENTS, json, sizeof json);
		n = recv(fd, buf, sizeof buf, 0);
		behind += n > 0 ? (size_t)n : 0;
		ended = n >= 5 && memcmp(buf + n - 5, "0\r\n\r\n", 5) == 0;
	}
	close(fd);
	assert_true(behind < 64 * MIB);
	assert_true(soon(no_stream));
}

static void test_stream_head(void **state)
{
	struct reply r = ask("HEAD", "/api/v1/stream?topics=events",
			     ROLE_VIEWER, "", "");

	assert_int_equal(r.status, 200);
	assert_null(strstr(r.all.at, "retry:"));
	text_done(&r.all);
	assert_true(soon(no_stream));
}

/* --- more than is theirs --------------------------------------------------------------- */

#define PART (7 * MIB)

static bool three_are_there(void)
{
	return it.server.bodies == 3 * (PART - 1);
}

static bool none_is_there(void)
{
	return it.server.bodies == 0;
}

static void test_bodies(void **state)
{
	char *body = malloc(PART);
	struct reply r;
	int fds[3], fd;

	memset(body, ' ', PART);
	for (size_t i = 0; i < 3; i++) {
		fds[i] = come();
		say_head(fds[i], "POST", "/api/v1/policy/diff", ROLE_VIEWER,
			 AS_JSON, PART);
		say(fds[i], body, PART - 1);
	}
	assert_true(soon(three_are_there));
	fd = come();
	say_head(fd, "POST", "/api/v1/policy/diff", ROLE_VIEWER,
		 AS_JSON "Connection: close\r\n", PART);
	say(fd, body, PART);
	r = hear(fd);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.all.at, "\"at\":\"body\""));
	text_done(&r.all);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
	assert_true(soon(none_is_there));
	/* and then there is room again */
	assert_int_equal(status_of("POST", "/api/v1/policy/diff", ROLE_VIEWER,
				   AS_JSON, "{"),
			 400);
	free(body);
}

struct hold {
	struct job job; /* first */
	sem_t go;
};

static void hold(struct job *j, struct asker *a)
{
	struct hold *h = (struct hold *)j;

	while (sem_wait(&h->go) < 0)
		;
}

static bool all_wait(void)
{
	return it.server.logins == API_LOGINS_MAX;
}

static bool none_waits(void)
{
	return it.server.logins == 0;
}

static void test_logins(void **state)
{
	static const char text[] = "{\"user\":\"x\",\"password\":\"wrong\"}";
	struct hold h = { .job = { .run = hold } };
	int fds[API_LOGINS_MAX];
	unsigned wrong = 0, limited = 0;

	assert_int_equal(sem_init(&h.go, 0, 0), 0);
	assert_true(pool_submit(it.server.clerk, &h.job));
	for (size_t i = 0; i < API_LOGINS_MAX; i++) {
		fds[i] = come();
		say_head(fds[i], "POST", "/api/v1/session", ROLE_NOBODY,
			 AS_JSON "Connection: close\r\n", strlen(text));
		say(fds[i], text, strlen(text));
	}
	assert_true(soon(all_wait));
	assert_int_equal(status_of("POST", "/api/v1/session", ROLE_NOBODY,
				   AS_JSON, text),
			 503);
	assert_int_equal(sem_post(&h.go), 0);
	for (size_t i = 0; i < API_LOGINS_MAX; i++) {
		struct reply r = hear(fds[i]);

		wrong += r.status == 401;
		limited += r.status == 429;
		text_done(&r.all);
	}
	assert_int_equal(wrong, API_LOGIN_PAIR);
	assert_int_equal(limited, API_LOGINS_MAX - API_LOGIN_PAIR);
	assert_true(soon(none_waits));
	(void)sem_destroy(&h.go);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)
	const struct CMUnitTest tests[] = {
		TEST(test_roles),	  cmocka_unit_test(test_table),
		TEST(test_tokens),	  TEST(test_sites),
		TEST(test_headers),	  TEST(test_smuggling),
		TEST(test_stream_behind), TEST(test_stream_head),
		TEST(test_bodies),	  TEST(test_logins),
	};

	return cmocka_run_group_tests_name("api_server", tests, NULL, NULL);
}
