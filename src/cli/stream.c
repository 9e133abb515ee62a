/*
 * Sockets stay in the namespace they were opened in, so the parent opens and
 * connects them with short visits, and the children only move bytes. They die
 * with the parent (PR_SET_PDEATHSIG); the parent waits for the receiver's
 * figures on a pipe and reaps both in any case. What both have done so far, and
 * that it is enough, stands in a page that all three share.
 */
#include "cli/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/stop.h"

#define CHUNK (128 * 1024) /* one write; two GSO frames */

/* Written by one child each, and `stop` by the parent. */
struct shared {
	_Atomic uint64_t sent, received; /* bytes */
	atomic_bool stop;
};

struct stream {
	struct stream_spec spec;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addr;
	socklen_t addr_len;
	int listener, client, server; /* -1: not open */
	int report;		      /* the receiver's end of the pipe; -1 */
	pid_t sender, receiver;	      /* 0: not started */
	struct shared *shared;
	char congctl[CONGCTL_MAX];
};

static void set_addr(struct stream *s)
{
	if (ip_is_v4(s->spec.addr)) {
		s->addr.v4.sin_family = AF_INET;
		s->addr.v4.sin_port = htons(s->spec.port);
		memcpy(&s->addr.v4.sin_addr, s->spec.addr.b + 12, 4);
		s->addr_len = sizeof s->addr.v4;
		return;
	}
	s->addr.v6.sin6_family = AF_INET6;
	s->addr.v6.sin6_port = htons(s->spec.port);
	memcpy(&s->addr.v6.sin6_addr, s->spec.addr.b, 16);
	s->addr_len = sizeof s->addr.v6;
}

static int open_listener(void *arg, struct err *reterr)
{
	struct stream *s = arg;
	int on = 1;
	int fd = socket(s->addr.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(reterr, errno, NULL, "TCP socket: %s",
			       strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(fd, &s->addr.any, s->addr_len) < 0 || listen(fd, 1) < 0) {
		int rc = err_set(reterr, errno, NULL, "listen on port %u: %s",
				 s->spec.port, strerror(errno));

		close(fd);
		return rc;
	}
	s->listener = fd;
	return 0;
}

static int set_congctl(struct stream *s, int fd, struct err *reterr)
{
	socklen_t len = sizeof s->congctl;
	const char *name = s->spec.congctl;

	if (name && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name,
			       (socklen_t)strlen(name)) < 0)
		return err_set(reterr, ENOENT, NULL,
			       "congestion control %s: %s", name,
			       strerror(errno));
	if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, s->congctl, &len) < 0)
		return err_set(reterr, errno, NULL, "congestion control: %s",
			       strerror(errno));
	s->congctl[sizeof s->congctl - 1] = '\0';
	return 0;
}

static int open_client(void *arg, struct err *reterr)
{
	struct stream *s = arg;
	int fd = socket(s->addr.any.sa_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc;

	if (fd < 0)
		return err_set(reterr, errno, NULL, "TCP socket: %s",
			       strerror(errno));
	rc = set_congctl(s, fd, reterr);
	if (rc == 0 && connect(fd, &s->addr.any, s->addr_len) < 0 &&
	    errno != EINPROGRESS)
		rc = err_set(reterr, errno, NULL, "connect: %s",
			     strerror(errno));
	if (rc < 0) {
		close(fd);
		return rc;
	}
	s->client = fd;
	return 0;
}

static int wait_connected(struct stream *s, struct err *reterr)
{
	struct pollfd p = { .fd = s->client, .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof error;
	int rc = stop_poll(&p, 1, (int)s->spec.connect_ms);

	if (rc < 0)
		return err_set(reterr, -rc, NULL, "stopped");
	if (rc == 0)
		return err_set(reterr, ETIMEDOUT, NULL,
			       "no answer within %u ms", s->spec.connect_ms);
	if (getsockopt(s->client, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error)
		return err_set(reterr, error, NULL, "%s", strerror(error));
	return 0;
}

static void end_child(pid_t pid)
{
	if (pid <= 0)
		return;
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void stream_done(struct stream *s)
{
	int *fds[] = { &s->listener, &s->client, &s->server, &s->report };

	end_child(s->sender);
	end_child(s->receiver);
	for (int i = 0; i < 4; i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	if (s->shared)
		(void)munmap(s->shared, sizeof *s->shared);
}

static int stream_connect(struct stream *s, const struct stream_spec *spec,
			  struct err *reterr)
{
	int rc;

	*s = (struct stream){ .spec = *spec,
			      .listener = -1,
			      .client = -1,
			      .server = -1,
			      .report = -1 };
	set_addr(s);
	rc = netns_call(spec->to, open_listener, s, reterr);
	if (rc == 0)
		rc = netns_call(spec->from, open_client, s, reterr);
	if (rc == 0)
		rc = wait_connected(s, reterr);
	if (rc < 0) {
		stream_done(s);
		return rc;
	}
	/* The handshake is over on this side: at most its last ACK is under
	 * way. */
	s->server = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	if (s->server < 0) {
		rc = err_set(reterr, errno, NULL, "accept: %s",
			     strerror(errno));
		stream_done(s);
	}
	return rc;
}

int stream_try(const struct stream_spec *spec, struct err *reterr)
{
	struct stream s;
	int rc = stream_connect(&s, spec, reterr);

	if (rc == 0)
		stream_done(&s);
	return rc;
}

/* --- the children ----------------------------------------------------- */

static char chunk[CHUNK];

/* The socket does not block, so the end of the time is never missed. */
static void send_bytes(const struct stream *s, usec_t end)
{
	while (!atomic_load(&s->shared->stop) &&
	       (s->spec.run_ms == 0 || usec_before(clock_now(), end))) {
		struct pollfd p = { .fd = s->client, .events = POLLOUT };
		ssize_t n = send(s->client, chunk, sizeof chunk, 0);

		if (n > 0)
			atomic_fetch_add(&s->shared->sent, (uint64_t)n);
		else if (errno != EAGAIN || poll(&p, 1, 100) < 0)
			_exit(1);
	}
	(void)shutdown(s->client, SHUT_WR);
	_exit(0);
}

static void receive_bytes(const struct stream *s, int report)
{
	struct stream_result r = { 0 };
	usec_t start = { 0 };
	ssize_t n;

	while ((n = recv(s->server, chunk, sizeof chunk, 0)) > 0) {
		if (r.bytes == 0)
			start = clock_now();
		r.bytes += (uint64_t)n;
		atomic_store(&s->shared->received, r.bytes);
	}
	r.us = usec_since(clock_now(), start);
	if (n < 0 || write(report, &r, sizeof r) != sizeof r)
		_exit(1);
	_exit(0);
}

/* report -1: the sender */
static pid_t start_child(const struct stream *s, int report, struct err *reterr)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		return err_set(reterr, errno, NULL, "fork: %s",
			       strerror(errno));
	if (pid > 0)
		return pid;
	stop_forget();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	/* Each end must be closed by its child's own end. */
	close(report < 0 ? s->server : s->client);
	if (report < 0)
		send_bytes(s, usec_add(clock_now(), s->spec.run_ms * 1000ULL));
	else
		receive_bytes(s, report);
	_exit(1);
}

static int await_report(struct stream *s, unsigned ms,
			struct stream_result *ret, struct err *reterr)
{
	struct pollfd p = { .fd = s->report, .events = POLLIN };
	struct stream_result r;
	int rc = stop_poll(&p, 1, (int)ms);

	if (rc < 0)
		return err_set(reterr, -rc, NULL, "stopped");
	if (rc == 0)
		return err_set(reterr, ETIMEDOUT, NULL,
			       "the stream did not end within %u ms", ms);
	if (read(s->report, &r, sizeof r) != sizeof r)
		return err_set(reterr, ECONNRESET, NULL, "the stream broke");
	r.sent = atomic_load(&s->shared->sent);
	memcpy(r.congctl, s->congctl, sizeof r.congctl);
	*ret = r;
	return 0;
}

static int map_shared(struct stream *s, struct err *reterr)
{
	void *p = mmap(NULL, sizeof *s->shared, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return err_set(reterr, errno, NULL, "shared page: %s",
			       strerror(errno));
	s->shared = p; /* all zero */
	return 0;
}

/* The connection is the children's from here on. */
static int start_children(struct stream *s, struct err *reterr)
{
	int rc = map_shared(s, reterr);
	int fds[2];
	pid_t pid;

	if (rc < 0)
		return rc;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(reterr, errno, NULL, "pipe: %s",
			       strerror(errno));
	s->report = fds[0];
	pid = start_child(s, fds[1], reterr);
	close(fds[1]);
	if (pid < 0)
		return pid;
	s->receiver = pid;
	pid = start_child(s, -1, reterr);
	if (pid < 0)
		return pid;
	s->sender = pid;
	close(s->client);
	close(s->server);
	s->client = s->server = -1;
	return 0;
}

int stream_run(const struct stream_spec *spec, struct stream_result *ret,
	       struct err *reterr)
{
	struct stream s;
	int rc = stream_connect(&s, spec, reterr);

	if (rc < 0)
		return rc;
	rc = start_children(&s, reterr);
	if (rc == 0)
		rc = await_report(&s, spec->run_ms + DEMO_STREAM_SLACK_MS, ret,
				  reterr);
	stream_done(&s);
	return rc;
}

/* --- one that runs beside ------------------------------------------------- */

#define LOOK_EVERY_MS 5

int stream_start(const struct stream_spec *spec, struct stream **ret,
		 struct err *reterr)
{
	struct stream *s = calloc(1, sizeof *s);
	int rc;

	if (!s)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = stream_connect(s, spec, reterr);
	if (rc < 0) {
		free(s);
		return rc;
	}
	s->spec.run_ms = 0;
	rc = start_children(s, reterr);
	if (rc < 0)
		stream_free(s);
	else
		*ret = s;
	return rc;
}

uint64_t stream_received(const struct stream *s)
{
	return atomic_load(&s->shared->received);
}

int stream_await(const struct stream *s, uint64_t bytes, unsigned ms)
{
	uint64_t want = stream_received(s) + bytes;
	usec_t end = usec_add(clock_now(), ms * 1000ULL);

	while (stream_received(s) < want) {
		if (!usec_before(clock_now(), end))
			return 0;
		if (stop_poll(NULL, 0, LOOK_EVERY_MS) < 0)
			return -EINTR;
	}
	return 1;
}

int stream_stop(struct stream *s, struct stream_result *ret, struct err *reterr)
{
	atomic_store(&s->shared->stop, true);
	return await_report(s, DEMO_STREAM_SLACK_MS, ret, reterr);
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	stream_done(s);
	free(s);
}
