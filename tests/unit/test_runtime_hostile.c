/*
 * Runtimes that hang, break off, answer rubbish, too much, or without an end:
 * each is a process behind a unix socket, all are followed at once, and what is
 * told of each is compared with its row.
 *
 * The servers are forked before there are threads, one process a connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "runtime/runtime.h"
#include "test.h"

#define DEADLINE_MS (5 * RUNTIME_ANSWER_WAIT_MS)

/* Answers; others are a body with status 200, "500 ..." is one with 500. */
#define HANG	"<hang>"
#define CLOSE	"<close>"
#define CUT	"<cut>"	    /* less of a body than was announced */
#define RUBBISH "<rubbish>" /* no HTTP at all */
#define ENDLESS "<endless>" /* a body that does not end */
#define HEADERS "<headers>" /* a head that does not end */
/* A container's process: the test; none; the test, and init in turns. */
#define NO_PID "<no pid>"
#define TURNS  "<turns>"

struct row {
	const char *name;
	/* NULL: as it should be */
	const char *version, *events, *list, *inspect;
	/* news in their order, "down:X" with a text that has X; "." no more */
	const char *want;
	enum runtime_kind kind;
};

static const struct row rows[] = {
	{ "good", .want = "up list found:one listed ." },
	{ "version hangs", HANG, .want = "down:hangs" },
	{ "version closes", CLOSE, .want = "down:broke" },
	{ "version cut off", CUT, .want = "down:broke" },
	{ "no http", RUBBISH, .want = "down:HTTP" },
	{ "endless head", HEADERS, .want = "down:" },
	/* too much, or, on a busy machine, too slow */
	{ "endless version", ENDLESS, .want = "down:" },
	{ "version is no json", "{\"ApiVersion\":", .want = "down:JSON" },
	{ "no version", "{}", .want = "down:ApiVersion" },
	{ "version 500", "500 {}", .want = "down:500" },
	{ "events hang", .events = HANG, .want = "down:hangs" },
	{ "events close", .events = CLOSE, .want = "down:broke" },
	{ "events 404", .events = "404 no\n", .want = "down:404" },
	{ "events rubbish", .events = "abc\n",
	  .want = "up list found:one listed down:no~events" },
	{ "endless event", .events = ENDLESS,
	  .want = "up list found:one listed down:" },
	{ "events of none", .events = "{}\n\n{\"Type\":\"image\"}\n",
	  .want = "up list found:one listed ." },
	{ "events that change nothing",
	  .events = "{\"Type\":\"container\",\"Action\":\"kill\",\"id\":"
		    "\"c1\"}\n{\"Type\":\"container\",\"Action\":\"start\","
		    "\"id\":\"c1\"}\n",
	  .want = "up list found:one listed ." },
	{ "events cut off", .events = CUT,
	  .want = "up list found:one listed down:broke" },
	{ "list is none", .list = "{}", .want = "up down:no~list" },
	{ "list without id", .list = "[{}]", .want = "up list down:id" },
	{ "list with a path", .list = "[{\"Id\":\"../x\"}]",
	  .want = "up list down:id" },
	{ "list hangs", .list = HANG, .want = "up down:hangs" },
	{ "empty list", .list = "[]", .want = "up list listed" },
	{ "endless list", .list = ENDLESS, .want = "up down:more" },
	{ "deep list", .list = "<deep>", .want = "up down:JSON" },
	{ "inspect hangs", .inspect = HANG,
	  .want = "up list unreadable:hangs listed" },
	{ "inspect hangs for all",
	  .list = "[{\"Id\":\"a\"},{\"Id\":\"b\"},{\"Id\":\"c\"}]",
	  .inspect = HANG,
	  .want = "up list unreadable:hangs unreadable:hangs down:hangs" },
	{ "inspect closes", .inspect = CLOSE,
	  .want = "up list unreadable:broke listed" },
	{ "inspect too long", .inspect = ENDLESS,
	  .want = "up list unreadable:more listed" },
	{ "inspect 404", .inspect = "404 {}", .want = "up list listed" },
	{ "inspect 500", .inspect = "500 {}",
	  .want = "up list unreadable:500 listed" },
	{ "inspect rubbish", .inspect = "[1]",
	  .want = "up list unreadable:state listed" },
	{ "another machine's process", .inspect = NO_PID,
	  .want = "up list listed unreadable:no~process" },
	{ "process changes", .inspect = TURNS,
	  .want = "up list unreadable:changes listed" },
	{ "nobody", .version = "<nobody>", .want = "down:No~such" },
	{ "grpc hangs", HANG, .want = "down:hangs",
	  .kind = RUNTIME_CONTAINERD },
	{ "grpc closes", CLOSE, .want = "down:", .kind = RUNTIME_CONTAINERD },
	{ "grpc rubbish", RUBBISH,
	  .want = "down:", .kind = RUNTIME_CONTAINERD },
	{ "grpc http 1", "{}", .want = "down:", .kind = RUNTIME_CONTAINERD },
	{ "cri hangs", HANG, .want = "down:hangs", .kind = RUNTIME_CRI },
	{ "cri rubbish", RUBBISH, .want = "down:", .kind = RUNTIME_CRI },
};

static char folder[] = "/tmp/weir-runtimes-XXXXXX";
static pid_t test_pid;

static const char *path_of(size_t row)
{
	static char path[64];

	(void)snprintf(path, sizeof path, "%s/%zu", folder, row);
	return path;
}

/* --- the servers; none of these comes back when its peer is gone ---------- */

static void say(int fd, const char *text, size_t len)
{
	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		_exit(0);
}

static void say_text(int fd, const char *text)
{
	say(fd, text, strlen(text));
}

static _Noreturn void hang(void)
{
	for (;;)
		(void)pause();
}

static _Noreturn void say_endless(int fd, const char *head)
{
	static char much[4096];

	memset(much, 'x', sizeof much);
	say_text(fd, head);
	for (;;)
		say(fd, much, sizeof much);
}

static void say_chunk(int fd, const char *body)
{
	char head[32];
	int n = snprintf(head, sizeof head, "%zx\r\n", strlen(body));

	say(fd, head, (size_t)n);
	say_text(fd, body);
	say_text(fd, "\r\n");
}

static void say_odd(int fd, const char *how)
{
	if (strcmp(how, HANG) == 0)
		hang();
	if (strcmp(how, CLOSE) == 0)
		_exit(0);
	if (strcmp(how, RUBBISH) == 0)
		say_endless(fd, "");
	if (strcmp(how, ENDLESS) == 0)
		say_endless(fd, "HTTP/1.1 200 OK\r\n\r\n");
	if (strcmp(how, HEADERS) == 0)
		say_endless(fd, "HTTP/1.1 200 OK\r\nx: ");
	if (strcmp(how, CUT) == 0) {
		say_text(fd,
			 "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}\n");
		_exit(0);
	}
}

static void say_body(int fd, const char *body, bool stays)
{
	static const char ok[] = "200 ";
	const char *status = strncmp(body, "500 ", 4) == 0   ? "500 "
			     : strncmp(body, "404 ", 4) == 0 ? "404 "
							     : ok;
	char head[128];
	int n = snprintf(head, sizeof head,
			 "HTTP/1.1 %sX\r\ntransfer-encoding: chunked\r\n\r\n",
			 status);

	say(fd, head, (size_t)n);
	if (status != ok)
		body += 4;
	if (*body)
		say_chunk(fd, body);
	if (stays && status == ok)
		hang();
	say_text(fd, "0\r\n\r\n");
}

static void say_inspect(int fd, const char *how)
{
	static int turn;
	char body[256];
	int pid = (int)test_pid;

	if (how && strcmp(how, NO_PID) == 0)
		pid = 1 << 30;
	else if (how && strcmp(how, TURNS) == 0)
		pid = turn++ % 2 ? 1 : pid;
	else if (how) {
		say_body(fd, how, false);
		return;
	}
	(void)snprintf(body, sizeof body,
		       "{\"Id\":\"c1\",\"Name\":\"/one\",\"State\":"
		       "{\"Status\":\"running\",\"Pid\":%d}}",
		       pid);
	say_body(fd, body, false);
}

static void say_deep(int fd)
{
	static char deep[100001];

	memset(deep, '[', sizeof deep - 1);
	say_body(fd, deep, false);
}

static void answer(int fd, const struct row *r, const char *request)
{
	const char *how = r->version;

	if (strstr(request, "/events"))
		how = r->events;
	else if (strstr(request, "/containers/json"))
		how = r->list;
	else if (strstr(request, "/containers/"))
		how = r->inspect;
	if (how)
		say_odd(fd, how);
	if (strstr(request, "/events"))
		say_body(fd, how ? how : "", true);
	else if (how && strcmp(how, "<deep>") == 0)
		say_deep(fd);
	else if (strstr(request, "/containers/json"))
		say_body(fd, how ? how : "[{\"Id\":\"c1\"}]", false);
	else if (strstr(request, "/containers/"))
		say_inspect(fd, how);
	else
		say_body(fd, how ? how : "{\"ApiVersion\":\"1.41\"}", false);
}

static _Noreturn void serve(int fd, const struct row *r)
{
	char request[4096];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, request + len, sizeof request - 1 - len)) > 0) {
		len += (size_t)n;
		request[len] = '\0';
		if (!strstr(request, "\r\n\r\n"))
			continue;
		answer(fd, r, request);
		len = 0;
	}
	_exit(0);
}

static void start_server(size_t i)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path_of(i));
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(listener, 64), 0);
	if (fork() == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)signal(SIGCHLD, SIG_IGN);
		for (;;) {
			int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

			if (fd >= 0 && fork() == 0) {
				(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
				serve(fd, &rows[i]);
			}
			close(fd);
		}
	}
	close(listener);
}

static int setup(void **state)
{
	test_pid = getpid();
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!rows[i].version ||
		    strcmp(rows[i].version, "<nobody>") != 0)
			start_server(i);
	return 0;
}

static int teardown(void **state)
{
	int status;

	(void)signal(SIGTERM, SIG_IGN);
	(void)kill(0, SIGTERM); /* the servers are in our group */
	while (wait(&status) > 0 || errno == EINTR)
		;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		(void)unlink(path_of(i)); /* of "nobody" there is none */
	return rmdir(folder);
}

/* --- what is told --------------------------------------------------------- */

static const char *const kinds[] = { "up",    "down", "list",	   "listed",
				     "found", "gone", "unreadable" };

/* Is the next word of *want this news? Then it is taken. */
static bool takes(const char **want, const struct runtime_news *n)
{
	size_t len = strcspn(*want, " "), kind = strcspn(*want, " :");
	char text[64] = "";
	const char *have = n->text;

	if (strncmp(*want, kinds[n->kind], kind) != 0 || kinds[n->kind][kind])
		return false;
	if (kind < len)
		(void)snprintf(text, sizeof text, "%.*s", (int)(len - kind - 1),
			       *want + kind + 1);
	for (char *p = text; *p; p++)
		if (*p == '~')
			*p = ' ';
	if (n->kind == NEWS_FOUND)
		have = json_string_value(json_object_get(n->about, "name"));
	if (!strstr(have, text))
		return false;
	*want += len + strspn(*want + len, " ");
	return true;
}

/* Whatever it waits for takes longer. */
static void end_at_once(struct runtimes *r)
{
	usec_t begun = clock_now();

	runtimes_free(r);
	assert_true(usec_since(clock_now(), begun) <
		    RUNTIME_ANSWER_WAIT_MS * 1000ULL);
}

/* As many rows as one agent may have sources. */
struct batch {
	size_t first, n;
	struct runtimes *runtimes;
	const char *wants[RUNTIMES_MAX]; /* what is still to come */
};

static void start_batch(struct batch *b)
{
	struct runtime_spec specs[RUNTIMES_MAX];
	char paths[RUNTIMES_MAX][64];

	for (size_t i = 0; i < b->n; i++) {
		(void)snprintf(paths[i], sizeof paths[i], "%s",
			       path_of(b->first + i));
		specs[i].path = paths[i];
		specs[i].kind = rows[b->first + i].kind;
		b->wants[i] = rows[b->first + i].want;
	}
	b->runtimes = runtimes_new(specs, b->n, NULL);
	assert_non_null(b->runtimes);
}

static void take_all(struct batch *b)
{
	struct runtime_news n;

	while (runtimes_next(b->runtimes, &n)) {
		const char **want = &b->wants[n.source];

		if (**want && !takes(want, &n))
			fail_msg("row \"%s\": %s \"%s\" instead of %s",
				 rows[b->first + n.source].name, kinds[n.kind],
				 n.text, *want);
		if (n.kind == NEWS_FOUND)
			assert_int_equal(n.ns.fd, -1); /* our own: the host's */
		runtime_news_done(&n);
	}
}

/* The name of a row of which not all has come; NULL: it has. */
static const char *waits_for(const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (*b->wants[i] && strcmp(b->wants[i], ".") != 0)
			return rows[b->first + i].name;
	return NULL;
}

#define BATCHES ((ARRAY_LEN(rows) + RUNTIMES_MAX - 1) / RUNTIMES_MAX)

/* An emulator may not know what a descriptor's namespace is asked by. */
static void need_namespaces(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), type;

	assert_true(fd >= 0);
	type = ioctl(fd, NS_GET_NSTYPE);
	close(fd);
	if (type >= 0)
		return;
	print_message("# SKIP: ioctl(NS_GET_NSTYPE) is refused here\n");
	skip();
}

static void test_rows(void **state)
{
	struct batch b[BATCHES] = { 0 };
	struct pollfd p[BATCHES];
	usec_t until = usec_add(clock_now(), DEADLINE_MS * 1000ULL);
	const char *waits = "";

	need_namespaces();
	for (size_t i = 0; i < BATCHES; i++) {
		b[i].first = i * RUNTIMES_MAX;
		b[i].n = ARRAY_LEN(rows) - b[i].first;
		if (b[i].n > RUNTIMES_MAX)
			b[i].n = RUNTIMES_MAX;
		start_batch(&b[i]);
		p[i] = (struct pollfd){ runtimes_fd(b[i].runtimes), POLLIN, 0 };
	}
	while (waits && usec_before(clock_now(), until)) {
		(void)poll(p, BATCHES, 100);
		waits = NULL;
		for (size_t i = 0; i < BATCHES; i++) {
			take_all(&b[i]);
			if (!waits)
				waits = waits_for(&b[i]);
		}
	}
	if (waits)
		fail_msg("row \"%s\" waits for more", waits);
	for (size_t i = 0; i < BATCHES; i++)
		end_at_once(b[i].runtimes);
}

static void test_long_path(void **state)
{
	char path[256];
	struct runtime_spec spec = { RUNTIME_DOCKER, path };
	struct runtime_news n;
	struct runtimes *r;

	need_namespaces();
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	r = runtimes_new(&spec, 1, NULL);
	assert_non_null(r);
	(void)poll(&(struct pollfd){ runtimes_fd(r), POLLIN, 0 }, 1, 10000);
	assert_true(runtimes_next(r, &n));
	assert_int_equal(n.kind, NEWS_DOWN);
	assert_non_null(strstr(n.text, "at most 107"));
	runtime_news_done(&n);
	runtimes_free(r);
}

/* The end does not wait for anything, nor for a reader of the news. */
static void test_end_at_once(void **state)
{
	struct runtime_spec specs[RUNTIMES_MAX];
	char paths[RUNTIMES_MAX][64];

	need_namespaces();
	for (size_t i = 0; i < RUNTIMES_MAX; i++) {
		(void)snprintf(paths[i], sizeof paths[i], "%s", path_of(i));
		specs[i] = (struct runtime_spec){ .path = paths[i] };
	}
	for (int i = 0; i < 20; i++) {
		struct runtimes *r = runtimes_new(specs, RUNTIMES_MAX, NULL);

		assert_non_null(r);
		end_at_once(r);
	}
	runtimes_free(runtimes_new(NULL, 0, NULL));
	runtimes_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_end_at_once),
	};

	/* a group of our own, which teardown ends */
	(void)setpgid(0, 0);
	return cmocka_run_group_tests(tests, setup, teardown);
}
