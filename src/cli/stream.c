/*
 * Sockets stay in the namespace they were opened in, so the parent opens and
 * connects them with short visits, and the children only move bytes. They die
 * with the parent (PR_SET_PDEATHSIG); the parent waits for the receiver's
 * figures on a pipe and reaps both in any case.
 */
#include "cli/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/stop.h"

#define CHUNK (128 * 1024) /* one write; two GSO frames */

struct stream {
	const struct stream_spec *spec;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addr;
	socklen_t addr_len;
	int listener, client, server; /* -1: not open */
	char congctl[CONGCTL_MAX];
};

static void set_addr(struct stream *s)
{
	if (ip_is_v4(s->spec->addr)) {
		s->addr.v4.sin_family = AF_INET;
		s->addr.v4.sin_port = htons(s->spec->port);
		memcpy(&s->addr.v4.sin_addr, s->spec->addr.b + 12, 4);
		s->addr_len = sizeof s->addr.v4;
		return;
	}
	s->addr.v6.sin6_family = AF_INET6;
	s->addr.v6.sin6_port = htons(s->spec->port);
	memcpy(&s->addr.v6.sin6_addr, s->spec->addr.b, 16);
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
				 s->spec->port, strerror(errno));

		close(fd);
		return rc;
	}
	s->listener = fd;
	return 0;
}

static int set_congctl(struct stream *s, int fd, struct err *reterr)
{
	socklen_t len = sizeof s->congctl;
	const char *name = s->spec->congctl;

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
	int rc = stop_poll(&p, 1, (int)s->spec->connect_ms);

	if (rc < 0)
		return err_set(reterr, -rc, NULL, "stopped");
	if (rc == 0)
		return err_set(reterr, ETIMEDOUT, NULL,
			       "no answer within %u ms", s->spec->connect_ms);
	if (getsockopt(s->client, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error)
		return err_set(reterr, error, NULL, "%s", strerror(error));
	return 0;
}

static void stream_done(struct stream *s)
{
	int *fds[] = { &s->listener, &s->client, &s->server };

	for (int i = 0; i < 3; i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
}

static int stream_connect(struct stream *s, const struct stream_spec *spec,
			  struct err *reterr)
{
	int rc;

	*s = (struct stream){
		.spec = spec, .listener = -1, .client = -1, .server = -1
	};
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
static void send_bytes(const struct stream *s)
{
	usec_t end = usec_add(clock_now(), s->spec->run_ms * 1000ULL);

	while (usec_before(clock_now(), end)) {
		struct pollfd p = { .fd = s->client, .events = POLLOUT };

		if (send(s->client, chunk, sizeof chunk, 0) < 0 &&
		    (errno != EAGAIN || poll(&p, 1, 100) < 0))
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
		send_bytes(s);
	else
		receive_bytes(s, report);
	_exit(1);
}

static void end_child(pid_t pid)
{
	if (pid <= 0)
		return;
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int await_report(int fd, unsigned ms, struct stream_result *ret,
			struct err *reterr)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct stream_result r;
	int rc = stop_poll(&p, 1, (int)ms);

	if (rc < 0)
		return err_set(reterr, -rc, NULL, "stopped");
	if (rc == 0)
		return err_set(reterr, ETIMEDOUT, NULL,
			       "the stream did not end within %u ms", ms);
	if (read(fd, &r, sizeof r) != sizeof r)
		return err_set(reterr, ECONNRESET, NULL, "the stream broke");
	*ret = r;
	return 0;
}

static int run_children(struct stream *s, struct stream_result *ret,
			struct err *reterr)
{
	pid_t receiver, sender = 0;
	int fds[2];
	int rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(reterr, errno, NULL, "pipe: %s",
			       strerror(errno));
	receiver = start_child(s, fds[1], reterr);
	close(fds[1]);
	rc = receiver < 0 ? receiver : 0;
	if (rc == 0) {
		sender = start_child(s, -1, reterr);
		rc = sender < 0 ? sender : 0;
	}
	close(s->client);
	close(s->server);
	s->client = s->server = -1;
	if (rc == 0)
		rc = await_report(fds[0],
				  s->spec->run_ms + DEMO_STREAM_SLACK_MS, ret,
				  reterr);
	close(fds[0]);
	end_child(sender);
	end_child(receiver);
	return rc;
}

int stream_run(const struct stream_spec *spec, struct stream_result *ret,
	       struct err *reterr)
{
	struct stream s;
	int rc = stream_connect(&s, spec, reterr);

	if (rc < 0)
		return rc;
	rc = run_children(&s, ret, reterr);
	if (rc == 0)
		memcpy(ret->congctl, s.congctl, sizeof ret->congctl);
	stream_done(&s);
	return rc;
}
