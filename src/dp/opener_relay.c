#include "dp/opener_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ring/ring.h"

int relays_add(struct relays *r, int netlink_fd, uint16_t queue,
	       struct err *reterr)
{
	struct relay *new = &r->list[r->n];
	int pair[2], copy;

	if (r->n == WORKER_PORTS_MAX)
		return err_set(reterr, ENOSPC, NULL, "there are %d queues",
			       WORKER_PORTS_MAX);
	copy = fcntl(netlink_fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		int rc = err_set(reterr, errno, NULL, "a relay of verdicts: %s",
				 strerror(errno));

		if (copy >= 0)
			close(copy);
		return rc;
	}
	*new = (struct relay){ pair[0], copy, queue };
	r->n++;
	return pair[1];
}

void relays_poll_set(const struct relays *r, struct pollfd *set)
{
	for (size_t i = 0; i < r->n; i++)
		set[i] = (struct pollfd){ .fd = r->list[i].fd,
					  .events = POLLIN };
}

static void remove_at(struct relays *r, size_t i)
{
	close(r->list[i].fd);
	close(r->list[i].netlink_fd);
	r->list[i] = r->list[--r->n];
}

void relays_serve(struct relays *r, const struct pollfd *set)
{
	struct nfq_verdicts v;

	/* backwards: who leaves is replaced by the last, which has been seen */
	for (size_t i = r->n; i > 0; i--) {
		const struct relay *it = &r->list[i - 1];
		ssize_t len;

		if (!set[i - 1].revents)
			continue;
		/* all that is there: an end must free the queue at once */
		while ((len = recv(it->fd, &v, sizeof v, MSG_DONTWAIT)) ==
		       sizeof v)
			ring_nfq_answer(it->netlink_fd, it->queue, &v);
		if (len >= 0 || errno != EAGAIN)
			remove_at(r, i - 1);
	}
}

void relays_close(struct relays *r)
{
	while (r->n > 0)
		remove_at(r, r->n - 1);
}
