/*
 * Addresses of devices, as RTM_GETADDR lists them. Setting them is link.c's,
 * and carrying all of them from device to device ifconf.c's.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/link.h"

struct list {
	struct link_addr *item; /* owned */
	size_t count, size;
};

/* The device's own address: with a peer, IFA_ADDRESS is the peer's. */
static const struct nlattr *own_address(const struct nlmsghdr *msg)
{
	const struct nlattr *a, *address = NULL, *local = NULL;

	mnl_attr_for_each (a, msg, sizeof(struct ifaddrmsg)) {
		if (mnl_attr_get_type(a) == IFA_ADDRESS)
			address = a;
		else if (mnl_attr_get_type(a) == IFA_LOCAL)
			local = a;
	}
	return local ? local : address;
}

/* false: neither IPv4 nor IPv6 */
static bool read_addr(const struct nlmsghdr *msg, struct link_addr *ret)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(msg);
	const struct nlattr *a = own_address(msg);
	const uint8_t *b;

	if (!a)
		return false;
	b = mnl_attr_get_payload(a);
	*ret = (struct link_addr){ .ifindex = ifa->ifa_index,
				   .prefix_bits = ifa->ifa_prefixlen,
				   .scope = ifa->ifa_scope };
	if (ifa->ifa_family == AF_INET && mnl_attr_get_payload_len(a) == 4)
		ret->addr =
			ip_from_v4((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
				   (uint32_t)b[2] << 8 | b[3]);
	else if (ifa->ifa_family == AF_INET6 &&
		 mnl_attr_get_payload_len(a) == 16)
		memcpy(ret->addr.b, b, 16);
	else
		return false;
	return true;
}

static int append_addr(const struct nlmsghdr *msg, void *arg)
{
	struct list *l = arg;

	if (msg->nlmsg_type != RTM_NEWADDR)
		return 0;
	if (l->count == LINKS_MAX)
		return -E2BIG;
	if (l->count == l->size) {
		size_t size = l->size ? 2 * l->size : 16;
		void *more = realloc(l->item, size * sizeof *l->item);

		if (!more)
			return -ENOMEM;
		l->item = more;
		l->size = size;
	}
	if (read_addr(msg, &l->item[l->count]))
		l->count++;
	return 0;
}

static int list_addrs(struct nl *nl, int32_t nsid, struct link_addr **ret,
		      size_t *ret_count, struct err *reterr)
{
	char buf[MNL_NLMSG_HDRLEN + sizeof(struct ifaddrmsg) + 64] = { 0 };
	struct list l = { 0 };
	int rc = -EAGAIN;

	for (int i = 0; i < NL_DUMP_TRIES && rc == -EAGAIN; i++) {
		struct nlmsghdr *req = mnl_nlmsg_put_header(buf);

		req->nlmsg_type = RTM_GETADDR;
		(void)mnl_nlmsg_put_extra_header(req, sizeof(struct ifaddrmsg));
		if (nsid >= 0)
			mnl_attr_put_u32(req, IFA_TARGET_NETNSID,
					 (uint32_t)nsid);
		l.count = 0;
		rc = nl_dump(nl, req, append_addr, &l, "list addresses",
			     reterr);
	}
	if (rc < 0) {
		free(l.item);
		return rc;
	}
	*ret = l.item;
	*ret_count = l.count;
	return 0;
}

int link_list_addrs(struct nl *nl, struct link_addr **ret, size_t *ret_count,
		    struct err *reterr)
{
	return list_addrs(nl, -1, ret, ret_count, reterr);
}

/*
 * IFA_TARGET_NETNSID counts only where the kernel is strict: else it would list
 * our own addresses, as if they were the other namespace's.
 */
int link_list_addrs_in(struct nl *nl, int32_t nsid, struct link_addr **ret,
		       size_t *ret_count, struct err *reterr)
{
	int rc;

	if (nsid < 0)
		return err_set(reterr, EINVAL, NULL, "no namespace");
	rc = nl_strict(nl, true, reterr);
	if (rc < 0)
		return rc;
	rc = list_addrs(nl, nsid, ret, ret_count, reterr);
	(void)nl_strict(nl, false, NULL); /* it could be set, so it can this */
	return rc;
}
