/*
 * Reading devices into plain structs, and the changes Weir makes to them.
 *
 * What the kernel tells is untrusted only in one way: names, kinds and aliases
 * are set by other people, so they are copied with a limit.
 */
#include "net/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"

/* Newer than the headers of Debian 12; an older kernel does not send them. */
#define LINK_ATTR_GSO_IPV4_MAX_SIZE 63
#define LINK_ATTR_GRO_IPV4_MAX_SIZE 64
#define LINK_ATTR_MAX		    64

struct request {
	union {
		struct nlmsghdr msg;
		char buf[NL_REQUEST_MAX];
	};
};

static struct ifinfomsg *start(struct request *req, uint16_t type,
			       uint16_t flags, uint32_t ifindex)
{
	struct ifinfomsg *ifi;

	mnl_nlmsg_put_header(req->buf);
	req->msg.nlmsg_type = type;
	req->msg.nlmsg_flags = flags;
	ifi = mnl_nlmsg_put_extra_header(&req->msg, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = (int)ifindex;
	return ifi;
}

/* --- reading ---------------------------------------------------------- */

static int keep_attr(const struct nlattr *a, void *arg)
{
	const struct nlattr **tb = arg;

	if (mnl_attr_get_type(a) <= LINK_ATTR_MAX)
		tb[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

static uint32_t u32_of(const struct nlattr *a, uint32_t otherwise)
{
	return a && mnl_attr_get_payload_len(a) >= 4 ? mnl_attr_get_u32(a)
						     : otherwise;
}

/* Text, or "" if it is missing or does not fit. */
static void text_of(const struct nlattr *a, char *ret, size_t size)
{
	size_t len = a ? strnlen(mnl_attr_get_payload(a),
				 mnl_attr_get_payload_len(a))
		       : 0;

	if (len >= size)
		len = 0;
	if (len > 0)
		memcpy(ret, mnl_attr_get_payload(a), len);
	ret[len] = '\0';
}

static void read_kind(const struct nlattr *linkinfo, struct link_stat *s)
{
	const struct nlattr *a;

	if (!linkinfo)
		return;
	mnl_attr_for_each_nested (a, linkinfo)
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
			text_of(a, s->kind, sizeof(s->kind));
}

static void read_addrgen(const struct nlattr *af_spec, struct link_stat *s)
{
	const struct nlattr *family, *a;

	s->addrgen = -1;
	if (!af_spec)
		return;
	mnl_attr_for_each_nested (family, af_spec) {
		if (mnl_attr_get_type(family) != AF_INET6)
			continue;
		mnl_attr_for_each_nested (a, family)
			if (mnl_attr_get_type(a) == IFLA_INET6_ADDR_GEN_MODE)
				s->addrgen = (int8_t)mnl_attr_get_u8(a);
	}
}

void link_from_msg(const struct nlmsghdr *msg, struct link_stat *s)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[LINK_ATTR_MAX + 1] = { 0 };

	(void)mnl_attr_parse(msg, sizeof(*ifi), keep_attr, tb);
	*s = (struct link_stat){
		.ifindex = (uint32_t)ifi->ifi_index,
		.flags = ifi->ifi_flags,
		.is_ethernet = ifi->ifi_type == ARPHRD_ETHER,
		.mtu = u32_of(tb[IFLA_MTU], 0),
		.txqlen = u32_of(tb[IFLA_TXQLEN], 0),
		.group = u32_of(tb[IFLA_GROUP], 0),
		.master = u32_of(tb[IFLA_MASTER], 0),
		.peer = u32_of(tb[IFLA_LINK], 0),
		.peer_nsid =
			(int32_t)u32_of(tb[IFLA_LINK_NETNSID], (uint32_t)-1),
		.gso_max_size = u32_of(tb[IFLA_GSO_MAX_SIZE], 0),
		.gso_max_segs = u32_of(tb[IFLA_GSO_MAX_SEGS], 0),
		.gro_max_size = u32_of(tb[IFLA_GRO_MAX_SIZE], 0),
		.gso_ipv4_max_size = u32_of(tb[LINK_ATTR_GSO_IPV4_MAX_SIZE], 0),
		.gro_ipv4_max_size = u32_of(tb[LINK_ATTR_GRO_IPV4_MAX_SIZE], 0),
	};
	text_of(tb[IFLA_IFNAME], s->name, sizeof(s->name));
	text_of(tb[IFLA_IFALIAS], s->alias, sizeof(s->alias));
	read_kind(tb[IFLA_LINKINFO], s);
	read_addrgen(tb[IFLA_AF_SPEC], s);
	if (tb[IFLA_ADDRESS] && mnl_attr_get_payload_len(tb[IFLA_ADDRESS]) == 6)
		memcpy(s->mac.b, mnl_attr_get_payload(tb[IFLA_ADDRESS]), 6);
}

static int keep_link(const struct nlmsghdr *msg, void *arg)
{
	if (msg->nlmsg_type == RTM_NEWLINK)
		link_from_msg(msg, arg);
	return 0;
}

/* name NULL: by index. nsid -1: in the namespace of nl. */
static int get(struct nl *nl, const char *name, uint32_t ifindex, int32_t nsid,
	       struct link_stat *ret, struct err *reterr)
{
	struct request req;
	struct link_stat s = { 0 };
	char what[64];
	int r;

	if (name && (name[0] == '\0' || strlen(name) >= IFNAMSIZ))
		return err_set(reterr, ENODEV, NULL,
			       "\"%.40s\" is no device name", name);
	start(&req, RTM_GETLINK, 0, ifindex);
	mnl_attr_put_u32(&req.msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (name)
		mnl_attr_put_strz(&req.msg, IFLA_IFNAME, name);
	if (nsid >= 0)
		mnl_attr_put_u32(&req.msg, IFLA_TARGET_NETNSID, (uint32_t)nsid);
	if (name)
		(void)snprintf(what, sizeof(what), "device %s", name);
	else
		(void)snprintf(what, sizeof(what), "device %u", ifindex);
	r = nl_get(nl, &req.msg, keep_link, &s, what, reterr);
	if (r < 0)
		return r;
	*ret = s;
	return 0;
}

int link_get(struct nl *nl, const char *name, struct link_stat *ret,
	     struct err *reterr)
{
	return get(nl, name, 0, -1, ret, reterr);
}

int link_get_index(struct nl *nl, uint32_t ifindex, struct link_stat *ret,
		   struct err *reterr)
{
	return get(nl, NULL, ifindex, -1, ret, reterr);
}

int link_get_peer(struct nl *nl, const struct link_stat *of,
		  struct link_stat *ret, struct err *reterr)
{
	return get(nl, NULL, of->peer, of->peer_nsid, ret, reterr);
}

int link_index(struct nl *nl, const char *name, uint32_t *ret,
	       struct err *reterr)
{
	struct link_stat s = { 0 };
	int r = link_get(nl, name, &s, reterr);

	if (r == 0)
		*ret = s.ifindex;
	return r;
}

struct list {
	struct link_stat *item; /* owned */
	size_t count, size;
};

static int append_link(const struct nlmsghdr *msg, void *arg)
{
	struct list *l = arg;

	if (msg->nlmsg_type != RTM_NEWLINK)
		return 0;
	if (l->count == LINKS_MAX)
		return -E2BIG;
	if (l->count == l->size) {
		size_t size = l->size ? 2 * l->size : 32;
		void *more = realloc(l->item, size * sizeof(*l->item));

		if (!more)
			return -ENOMEM;
		l->item = more;
		l->size = size;
	}
	link_from_msg(msg, &l->item[l->count++]);
	return 0;
}

static int compare_index(const void *a, const void *b)
{
	uint32_t x = ((const struct link_stat *)a)->ifindex;
	uint32_t y = ((const struct link_stat *)b)->ifindex;

	return x < y ? -1 : x > y;
}

int link_list(struct nl *nl, struct link_stat **ret, size_t *ret_count,
	      struct err *reterr)
{
	struct request req;
	struct list l = { 0 };
	int r = -EAGAIN;

	for (unsigned i = 0; i < NL_DUMP_TRIES && r == -EAGAIN; i++) {
		l.count = 0;
		start(&req, RTM_GETLINK, 0, 0);
		mnl_attr_put_u32(&req.msg, IFLA_EXT_MASK,
				 RTEXT_FILTER_SKIP_STATS);
		r = nl_dump(nl, &req.msg, append_link, &l, "list of devices",
			    reterr);
	}
	if (r < 0) {
		free(l.item);
		return r;
	}
	if (l.count > 0)
		qsort(l.item, l.count, sizeof(*l.item), compare_index);
	*ret = l.item;
	*ret_count = l.count;
	return 0;
}

/* --- changing --------------------------------------------------------- */

static void put_if(struct nlmsghdr *msg, uint16_t type, uint32_t value)
{
	if (value != 0)
		mnl_attr_put_u32(msg, type, value);
}

static void put_end(struct nlmsghdr *msg, const struct veth_end *e)
{
	mnl_attr_put_strz(msg, IFLA_IFNAME, e->name);
	if (e->ns)
		mnl_attr_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)e->ns->fd);
	if (!mac_is_zero(e->mac))
		mnl_attr_put(msg, IFLA_ADDRESS, 6, e->mac.b);
	put_if(msg, IFLA_MTU, e->mtu);
	put_if(msg, IFLA_TXQLEN, e->txqlen);
	put_if(msg, IFLA_GROUP, e->group);
}

static void end_header(struct ifinfomsg *ifi, const struct veth_end *e)
{
	ifi->ifi_index = (int)e->ifindex;
}

void link_build_veth(char buf[static NL_REQUEST_MAX], const struct veth_end *a,
		     const struct veth_end *b)
{
	struct nlmsghdr *msg = (void *)buf;
	struct nlattr *linkinfo, *data, *peer;
	struct ifinfomsg *ifi;

	BUG_ON(a->ns != NULL);
	ifi = start((void *)buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	end_header(ifi, a);
	put_end(msg, a);
	linkinfo = mnl_attr_nest_start(msg, IFLA_LINKINFO);
	mnl_attr_put_strz(msg, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(msg, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(msg, VETH_INFO_PEER);
	ifi = mnl_nlmsg_put_extra_header(msg, sizeof(*ifi));
	end_header(ifi, b);
	put_end(msg, b);
	mnl_attr_nest_end(msg, peer);
	mnl_attr_nest_end(msg, data);
	mnl_attr_nest_end(msg, linkinfo);
}

int link_add_veth(struct nl *nl, const struct veth_end *a,
		  const struct veth_end *b, struct err *reterr)
{
	struct request req;
	char what[64];

	link_build_veth(req.buf, a, b);
	(void)snprintf(what, sizeof(what), "make veth pair %s, %s", a->name,
		       b->name);
	return nl_ask(nl, &req.msg, what, reterr);
}

int link_add_bridge(struct nl *nl, const char *name, uint32_t *ret_ifindex,
		    struct err *reterr)
{
	struct request req;
	struct nlattr *linkinfo;
	int rc;

	start(&req, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	mnl_attr_put_strz(&req.msg, IFLA_IFNAME, name);
	linkinfo = mnl_attr_nest_start(&req.msg, IFLA_LINKINFO);
	mnl_attr_put_strz(&req.msg, IFLA_INFO_KIND, "bridge");
	mnl_attr_nest_end(&req.msg, linkinfo);
	rc = nl_ask(nl, &req.msg, "make bridge", reterr);
	return rc < 0 ? rc : link_index(nl, name, ret_ifindex, reterr);
}

int link_set_master(struct nl *nl, uint32_t ifindex, uint32_t master,
		    struct err *reterr)
{
	struct request req;

	start(&req, RTM_NEWLINK, 0, ifindex);
	mnl_attr_put_u32(&req.msg, IFLA_MASTER, master);
	return nl_ask(nl, &req.msg, "make it a port of the bridge", reterr);
}

int link_delete(struct nl *nl, uint32_t ifindex, struct err *reterr)
{
	struct request req;
	int rc;

	start(&req, RTM_DELLINK, 0, ifindex);
	rc = nl_ask(nl, &req.msg, "delete device", reterr);
	return rc == -ENODEV ? 0 : rc;
}

void link_build_flags(char buf[static NL_REQUEST_MAX], uint32_t ifindex,
		      uint32_t flags, uint32_t change)
{
	struct ifinfomsg *ifi = start((void *)buf, RTM_NEWLINK, 0, ifindex);

	ifi->ifi_flags = flags;
	ifi->ifi_change = change;
}

int link_set_up(struct nl *nl, uint32_t ifindex, bool up, struct err *reterr)
{
	struct request req;

	link_build_flags(req.buf, ifindex, up ? IFF_UP : 0, IFF_UP);
	return nl_ask(nl, &req.msg, up ? "set device up" : "set device down",
		      reterr);
}

int link_rename(struct nl *nl, uint32_t ifindex, const char *name,
		struct err *reterr)
{
	struct request req;

	start(&req, RTM_NEWLINK, 0, ifindex);
	mnl_attr_put_strz(&req.msg, IFLA_IFNAME, name);
	return nl_ask(nl, &req.msg, "rename device", reterr);
}

int link_set_mac(struct nl *nl, uint32_t ifindex, struct mac mac,
		 struct err *reterr)
{
	struct request req;

	start(&req, RTM_NEWLINK, 0, ifindex);
	mnl_attr_put(&req.msg, IFLA_ADDRESS, 6, mac.b);
	return nl_ask(nl, &req.msg, "set MAC", reterr);
}

int link_set_mtu(struct nl *nl, uint32_t ifindex, uint32_t mtu,
		 struct err *reterr)
{
	struct request req;

	start(&req, RTM_NEWLINK, 0, ifindex);
	mnl_attr_put_u32(&req.msg, IFLA_MTU, mtu);
	return nl_ask(nl, &req.msg, "set MTU", reterr);
}

void link_build_alias(char buf[static NL_REQUEST_MAX], uint32_t ifindex,
		      const char *alias)
{
	struct nlmsghdr *msg = (void *)buf;

	start((void *)buf, RTM_NEWLINK, 0, ifindex);
	/* Without its NUL: an empty attribute takes the alias away. */
	mnl_attr_put(msg, IFLA_IFALIAS, strlen(alias), alias);
}

int link_set_alias(struct nl *nl, uint32_t ifindex, const char *alias,
		   struct err *reterr)
{
	struct request req;

	link_build_alias(req.buf, ifindex, alias);
	return nl_ask(nl, &req.msg, "set alias", reterr);
}

void link_build_addrgen(char buf[static NL_REQUEST_MAX], uint32_t ifindex,
			uint8_t mode)
{
	struct nlmsghdr *msg = (void *)buf;
	struct nlattr *spec, *inet6;

	start((void *)buf, RTM_NEWLINK, 0, ifindex);
	spec = mnl_attr_nest_start(msg, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(msg, AF_INET6);
	mnl_attr_put_u8(msg, IFLA_INET6_ADDR_GEN_MODE, mode);
	mnl_attr_nest_end(msg, inet6);
	mnl_attr_nest_end(msg, spec);
}

void link_build_limits(char buf[static NL_REQUEST_MAX],
		       const struct link_stat *like)
{
	struct nlmsghdr *msg = (void *)buf;

	start((void *)buf, RTM_SETLINK, 0, like->ifindex);
	put_if(msg, IFLA_MTU, like->mtu);
	put_if(msg, IFLA_TXQLEN, like->txqlen);
	put_if(msg, IFLA_GSO_MAX_SIZE, like->gso_max_size);
	put_if(msg, IFLA_GSO_MAX_SEGS, like->gso_max_segs);
	put_if(msg, IFLA_GRO_MAX_SIZE, like->gro_max_size);
	put_if(msg, LINK_ATTR_GSO_IPV4_MAX_SIZE, like->gso_ipv4_max_size);
	put_if(msg, LINK_ATTR_GRO_IPV4_MAX_SIZE, like->gro_ipv4_max_size);
}

int link_set_quiet(struct nl *nl, uint32_t ifindex, struct err *reterr)
{
	struct request req;
	int r;

	link_build_addrgen(req.buf, ifindex, IN6_ADDR_GEN_MODE_NONE);
	r = nl_ask(nl, &req.msg, "switch off IPv6 addresses", reterr);
	/* No IPv6 in this kernel or on this device: quiet already. */
	return r == -EAFNOSUPPORT || r == -EOPNOTSUPP ? 0 : r;
}

void link_build_move(char buf[static NL_REQUEST_MAX],
		     const struct link_move *move)
{
	struct nlmsghdr *msg = (void *)buf;

	start((void *)buf, RTM_NEWLINK, 0, move->ifindex);
	mnl_attr_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)move->to->fd);
	if (move->name)
		mnl_attr_put_strz(msg, IFLA_IFNAME, move->name);
	put_if(msg, IFLA_NEW_IFINDEX, move->new_ifindex);
	if (move->alias)
		mnl_attr_put(msg, IFLA_IFALIAS, strlen(move->alias),
			     move->alias);
}

int link_move(struct nl *nl, uint32_t ifindex, const struct netns *to,
	      const char *name, struct err *reterr)
{
	struct request req;
	struct link_move move = { .ifindex = ifindex, .to = to, .name = name };

	link_build_move(req.buf, &move);
	return nl_ask(nl, &req.msg, "move device", reterr);
}

int link_add_addr(struct nl *nl, uint32_t ifindex, struct ip_addr addr,
		  unsigned prefix_bits, struct err *reterr)
{
	struct request req;
	struct ifaddrmsg *ifa;
	bool v4 = ip_is_v4(addr);
	char text[IP_TEXT_MAX], what[80];

	mnl_nlmsg_put_header(req.buf);
	req.msg.nlmsg_type = RTM_NEWADDR;
	req.msg.nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	ifa = mnl_nlmsg_put_extra_header(&req.msg, sizeof(*ifa));
	ifa->ifa_family = v4 ? AF_INET : AF_INET6;
	ifa->ifa_prefixlen = (uint8_t)prefix_bits;
	ifa->ifa_index = ifindex;
	if (v4) {
		uint32_t be = htonl(ip_to_v4(addr));

		mnl_attr_put_u32(&req.msg, IFA_LOCAL, be);
		mnl_attr_put_u32(&req.msg, IFA_ADDRESS, be);
	} else {
		ifa->ifa_flags = IFA_F_NODAD;
		mnl_attr_put(&req.msg, IFA_LOCAL, 16, addr.b);
		mnl_attr_put(&req.msg, IFA_ADDRESS, 16, addr.b);
	}
	(void)snprintf(what, sizeof(what), "add address %s",
		       ip_format(addr, text));
	return nl_ask(nl, &req.msg, what, reterr);
}
