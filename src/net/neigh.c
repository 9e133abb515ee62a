/*
 * RTM_GETNEIGH. A bridge's own addresses are NUD_PERMANENT, as is what somebody
 * set by hand; the former are left out by that, and the latter with them. Of
 * ARP and ND an entry by hand counts.
 */
#include "net/neigh.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

struct walk {
	uint8_t family;
	int (*fn)(void *arg, const struct neigh *n);
	void *arg;
};

static bool read_addr(const struct nlattr *a, uint8_t family,
		      struct ip_addr *ret)
{
	struct bytes b =
		bytes_of(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));

	return family == AF_INET ? take_ip4(&b, ret)
				 : family == AF_INET6 && take_ip6(&b, ret);
}

static bool counts(const struct ndmsg *nd)
{
	if (nd->ndm_family == AF_BRIDGE)
		return !(nd->ndm_state & NUD_PERMANENT);
	return nd->ndm_state & (NUD_PERMANENT | NUD_REACHABLE | NUD_STALE |
				NUD_DELAY | NUD_PROBE);
}

static int one(const struct nlmsghdr *msg, void *arg)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(msg);
	const struct walk *w = arg;
	const struct nlattr *a;
	struct neigh n = { .ifindex = (uint32_t)nd->ndm_ifindex };
	bool has_mac = false;

	if (msg->nlmsg_type != RTM_NEWNEIGH || nd->ndm_family != w->family ||
	    !counts(nd))
		return 0;
	mnl_attr_for_each (a, msg, sizeof *nd) {
		if (mnl_attr_get_type(a) == NDA_LLADDR &&
		    mnl_attr_get_payload_len(a) == sizeof n.mac.b) {
			memcpy(n.mac.b, mnl_attr_get_payload(a),
			       sizeof n.mac.b);
			has_mac = true;
		} else if (mnl_attr_get_type(a) == NDA_DST &&
			   w->family != AF_BRIDGE &&
			   !read_addr(a, w->family, &n.addr)) {
			return 0;
		}
	}
	return has_mac ? w->fn(w->arg, &n) : 0;
}

int neigh_each(struct nl *nl, uint8_t family,
	       int (*fn)(void *arg, const struct neigh *n), void *arg,
	       struct err *reterr)
{
	char buf[MNL_NLMSG_HDRLEN + sizeof(struct ndmsg)] = { 0 };
	struct nlmsghdr *req = mnl_nlmsg_put_header(buf);
	struct walk w = { family, fn, arg };
	struct ndmsg *nd;

	req->nlmsg_type = RTM_GETNEIGH;
	nd = mnl_nlmsg_put_extra_header(req, sizeof *nd);
	nd->ndm_family = family;
	return nl_dump(nl, req, one, &w, "list neighbours", reterr);
}
