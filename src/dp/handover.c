#include "dp/handover.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "dp/passing.h"

/* 0; -ETIMEDOUT. */
static int await(int fd, short events, usec_t until)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		usec_t now = clock_now();

		if (!usec_before(now, until))
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)((usec_since(until, now) + 999) / 1000));
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : -ETIMEDOUT;
}

int handover_send(int fd, const struct handover_msg *m, const int *fds,
		  size_t n, unsigned wait_ms)
{
	usec_t until = usec_add(clock_now(), wait_ms * 1000ULL);
	int rc;

	do {
		rc = await(fd, POLLOUT, until);
		if (rc == 0)
			rc = passing_send(fd, m, sizeof *m, fds, n);
	} while (rc == -EAGAIN || rc == -EINTR);
	return rc;
}

int handover_recv(int fd, struct handover_msg *ret, int *fds, size_t *ret_n,
		  unsigned wait_ms)
{
	usec_t until = usec_add(clock_now(), wait_ms * 1000ULL);
	ssize_t len;
	int rc;

	*ret_n = 0;
	do {
		rc = await(fd, POLLIN, until);
		if (rc < 0)
			return rc;
		len = passing_recv(fd, ret, sizeof *ret, fds, ret_n);
	} while (len < 0 && (errno == EAGAIN || errno == EINTR));
	if (len == sizeof *ret)
		return 0;
	handover_close(fds, ret_n);
	return len <= 0 ? -EPIPE : -EPROTO;
}

void handover_close(const int *fds, size_t *n)
{
	while (*n > 0)
		close(fds[--*n]);
}

int handover_tell(int fd, enum handover_kind kind, unsigned wait_ms)
{
	struct handover_msg m;

	memset(&m, 0, sizeof m);
	m.kind = kind;
	return handover_send(fd, &m, NULL, 0, wait_ms);
}

int handover_await(int fd, enum handover_kind kind, unsigned wait_ms)
{
	struct handover_msg m;
	int fds[PASSING_MAX];
	size_t n;
	int rc = handover_recv(fd, &m, fds, &n, wait_ms);

	if (rc < 0)
		return rc;
	handover_close(fds, &n);
	return m.kind == kind ? 0 : -EPROTO;
}
