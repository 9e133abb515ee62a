#include "net/listeners.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/nl.h"

struct walk {
	int (*fn)(void *arg, uint16_t port);
	void *arg;
};

static int one(const struct nlmsghdr *msg, void *arg)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(msg);
	const struct walk *w = arg;

	if (msg->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(msg) < sizeof *m)
		return 0;
	return w->fn(w->arg, ntohs(m->id.idiag_sport));
}

static int of_family(struct nl *nl, uint8_t family, struct walk *w,
		     struct err *reterr)
{
	char buf[MNL_NLMSG_HDRLEN + sizeof(struct inet_diag_req_v2)] = { 0 };
	struct nlmsghdr *req = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *d;

	req->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	d = mnl_nlmsg_put_extra_header(req, sizeof *d);
	d->sdiag_family = family;
	d->sdiag_protocol = IPPROTO_TCP;
	d->idiag_states = 1u << TCP_LISTEN;
	return nl_dump(nl, req, one, w, "list listening sockets", reterr);
}

int listeners_each(const struct netns *ns, int (*fn)(void *arg, uint16_t port),
		   void *arg, struct err *reterr)
{
	struct walk w = { fn, arg };
	struct nl *nl;
	int rc = nl_open_of(ns, NETLINK_SOCK_DIAG, &nl, reterr);

	if (rc < 0)
		return rc;
	rc = of_family(nl, AF_INET, &w, reterr);
	if (rc == 0)
		rc = of_family(nl, AF_INET6, &w, reterr);
	nl_free(nl);
	return rc;
}
