/*
 * Blocking, with the kernel's time-outs: the thread has nothing else to do.
 */
#include "export/sock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits_export.h"

/* A peer that stays away after that is told of by the kernel: EPIPE. */
#define KEEP_MS 30000

static int set_times(int fd)
{
	struct timeval t = { .tv_sec = EXPORT_SEND_S };

	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) < 0 ||
			       setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t,
					  sizeof t) < 0
		       ? -errno
		       : 0;
}

/* Of TCP: an answer that does not come ends the connection. */
static void set_patience(int fd)
{
	unsigned ms = KEEP_MS;

	/* without it a dead peer is noticed later */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

static int connect_to(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC,
			a->ai_protocol);
	int rc;

	if (fd < 0)
		return -errno;
	rc = set_times(fd);
	if (rc == 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0)
		rc = errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	if (a->ai_socktype == SOCK_STREAM)
		set_patience(fd);
	return fd;
}

int sock_open(const struct sock_spec *s, struct sock *ret, struct err *reterr)
{
	struct addrinfo hints = { .ai_socktype = s->udp ? SOCK_DGRAM
							: SOCK_STREAM };
	struct addrinfo *list = NULL;
	int rc = getaddrinfo(s->host, s->port, &hints, &list);
	int fd = -EHOSTUNREACH;

	if (rc != 0)
		return err_set(reterr, EHOSTUNREACH, NULL, "%s: %s", s->host,
			       rc == EAI_SYSTEM ? strerror(errno)
						: gai_strerror(rc));
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = connect_to(a);
		if (fd == -EINTR)
			break;
	}
	freeaddrinfo(list);
	if (fd < 0)
		return err_set(reterr, -fd, NULL, "%s port %s: %s", s->host,
			       s->port, strerror(-fd));
	*ret = (struct sock){ .fd = fd };
	if (!s->tls)
		return 0;
	rc = sock_tls_open(ret, s, reterr);
	if (rc < 0)
		sock_close(ret);
	return rc;
}

int sock_open_unix(const char *path, bool datagram, struct sock *ret,
		   struct err *reterr)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, rc;

	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	fd = socket(AF_UNIX,
		    (datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	rc = fd < 0 ? -errno : set_times(fd);
	if (rc == 0 && connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
		rc = -errno;
	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		return err_set(reterr, -rc, path, "%s", strerror(-rc));
	}
	*ret = (struct sock){ .fd = fd };
	return 0;
}

void sock_close(struct sock *s)
{
	if (s->tls)
		sock_tls_close(s->tls);
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct sock){ .fd = -1 };
}

static int send_plain(struct sock *s, const char *at, size_t len,
		      struct err *reterr)
{
	while (len > 0) {
		ssize_t n = send(s->fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return err_set(reterr, ETIMEDOUT, NULL,
				       "takes nothing for %d s", EXPORT_SEND_S);
		if (n < 0)
			return err_set(reterr, errno, NULL, "%s",
				       strerror(errno));
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int sock_send(struct sock *s, const void *bytes, size_t len, struct err *reterr)
{
	int rc = s->tls ? sock_tls_send(s->tls, bytes, len, reterr)
			: send_plain(s, bytes, len, reterr);

	if (rc < 0)
		sock_close(s);
	return rc;
}

int sock_drain(struct sock *s, struct err *reterr)
{
	usec_t end = usec_add(clock_now(), EXPORT_SEND_S * USEC_PER_SEC);
	struct timespec t = { .tv_nsec = 100 * 1000L };
	int left = 0, rc = 0;

	while (rc == 0) {
		if (ioctl(s->fd, SIOCOUTQ, &left) < 0)
			rc = err_set(reterr, errno, NULL, "%s",
				     strerror(errno));
		if (rc < 0 || left == 0)
			break;
		if (!usec_before(clock_now(), end))
			rc = err_set(reterr, ETIMEDOUT, NULL,
				     "takes nothing for %d s", EXPORT_SEND_S);
		else if (nanosleep(&t, NULL) < 0 && errno == EINTR)
			rc = err_set(reterr, EINTR, NULL, "interrupted");
		if (t.tv_nsec < 20 * 1000000L)
			t.tv_nsec *= 2;
	}
	if (rc < 0)
		sock_close(s);
	return rc;
}

bool sock_is_closed(struct sock *s)
{
	char buf[512];

	if (s->tls)
		return sock_tls_is_closed(s->tls);
	for (;;) {
		ssize_t n = recv(s->fd, buf, sizeof buf, MSG_DONTWAIT);

		if (n == 0)
			return true;
		/* of UDP: nobody listens there; that is told by send() */
		if (n < 0)
			return errno != EAGAIN && errno != EINTR;
	}
}
