/*
 * A multicast rtnetlink socket. What comes is told at once, in the kernel's
 * order: a device that came and went is told of twice, and may be gone when it
 * is told of first.
 */
#include "net/netwatch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

/* A thousand devices that come at once, each told of a few times. */
#define WATCH_BUFFER_BYTES (16 << 20)
#define READ_BYTES	   32768

struct netwatch {
	struct mnl_socket *sock; /* owned */
	bool is_host;
};

static int open_here(void *arg, struct err *reterr)
{
	struct netwatch *w = arg;
	unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
	int size = WATCH_BUFFER_BYTES, fd;

	w->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!w->sock ||
	    mnl_socket_bind(w->sock, groups, MNL_SOCKET_AUTOPID) < 0)
		return err_set(reterr, errno, NULL, "watch rtnetlink: %s",
			       strerror(errno));
	fd = mnl_socket_get_fd(w->sock);
	/* with a small one, more is lost and listed again */
	if (w->is_host)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
				 sizeof size);
	return 0;
}

int netwatch_open(const struct netns *ns, struct netwatch **ret,
		  struct err *reterr)
{
	struct netwatch *w = calloc(1, sizeof *w);
	int rc;

	if (!w)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	w->is_host = !ns;
	rc = ns ? netns_call(ns, open_here, w, reterr) : open_here(w, reterr);
	if (rc < 0) {
		netwatch_free(w);
		return rc;
	}
	*ret = w;
	return 0;
}

void netwatch_free(struct netwatch *w)
{
	if (!w)
		return;
	if (w->sock)
		(void)mnl_socket_close(w->sock); /* nothing to lose */
	free(w);
}

int netwatch_fd(const struct netwatch *w)
{
	return mnl_socket_get_fd(w->sock);
}

static void tell(const struct nlmsghdr *msg, const struct netwatch_calls *calls)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);
	struct link_stat l;

	switch (msg->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		/* a bridge's port, which is told of as a device, too */
		if (!calls->link || ifi->ifi_family == AF_BRIDGE)
			return;
		link_from_msg(msg, &l);
		calls->link(calls->arg, &l, msg->nlmsg_type == RTM_DELLINK);
		return;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (calls->addr)
			calls->addr(calls->arg);
		return;
	default: return;
	}
}

int netwatch_read(struct netwatch *w, const struct netwatch_calls *calls)
{
	_Alignas(struct nlmsghdr) uint8_t buf[READ_BYTES];

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(w->sock, buf, sizeof buf);
		const struct nlmsghdr *msg = (const void *)buf;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		for (; mnl_nlmsg_ok(msg, left);
		     msg = mnl_nlmsg_next(msg, &left))
			tell(msg, calls);
	}
}
