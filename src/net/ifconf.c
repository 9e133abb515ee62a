/*
 * Making one device stand in for another.
 *
 * The kernel makes some of a device's state by itself: with an address come
 * its prefix route and local routes, with "up" come multicast routes. These
 * are left to it (routes of table local with proto kernel are not copied), and
 * a copied one that is there already is no error. What it made too much (the
 * prefix route of an address, that somebody had deleted) goes in _settle.
 *
 * IPv6 addresses are added without duplicate address detection: they were in
 * use a moment ago, and a second of "tentative" would be a second of lost
 * traffic. The flag this leaves on them is taken off in _settle by replacing
 * them, which does not start the detection again. IPv6 lists addresses newest
 * first, so they are added in reverse.
 */
#include "net/ifconf.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bug.h"
#include "base/limits.h"

/* Flags of a device that a user sets. */
#define USER_FLAGS                                                         \
	(IFF_UP | IFF_ALLMULTI | IFF_PROMISC | IFF_NOARP | IFF_MULTICAST | \
	 IFF_DYNAMIC)
/* Flags of an address that a user may ask for. */
#define USER_IFA_FLAGS                                            \
	(IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | \
	 IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN)

struct request {
	union {
		struct nlmsghdr msg;
		char buf[NL_REQUEST_MAX];
	};
};

/* What a dump is read into. */
struct reading {
	struct ifconf_state *conf;
	struct nl_batch v6;  /* addresses, newest first */
	struct nl_batch far; /* routes by a gateway */
	bool nexthop_object;
};

static void *begin(struct request *req, uint16_t type, uint16_t flags,
		   size_t header)
{
	mnl_nlmsg_put_header(req->buf);
	req->msg.nlmsg_type = type;
	req->msg.nlmsg_flags = flags;
	return mnl_nlmsg_put_extra_header(&req->msg, header);
}

/* Is there room for one more attribute of this payload? */
static bool fits(const struct request *req, size_t payload)
{
	return req->msg.nlmsg_len + MNL_ATTR_HDRLEN + MNL_ALIGN(payload) <=
	       sizeof(req->buf);
}

static bool put_copy_attr(struct request *req, const struct nlattr *a)
{
	if (!fits(req, mnl_attr_get_payload_len(a)))
		return false;
	mnl_attr_put(&req->msg, a->nla_type, mnl_attr_get_payload_len(a),
		     mnl_attr_get_payload(a));
	return true;
}

/* --- addresses -------------------------------------------------------- */

static int add_address(struct reading *rd, const struct nlmsghdr *msg,
		       uint32_t add_flags, uint16_t nl_flags,
		       struct nl_batch *to)
{
	const struct ifaddrmsg *old = mnl_nlmsg_get_payload(msg);
	uint32_t flags = old->ifa_flags;
	struct request req;
	struct ifaddrmsg *ifa;
	const struct nlattr *a;

	ifa = begin(&req, RTM_NEWADDR, NLM_F_CREATE | nl_flags, sizeof(*ifa));
	*ifa = *old;
	mnl_attr_for_each (a, msg, sizeof(*ifa)) {
		if (mnl_attr_get_type(a) == IFA_FLAGS)
			flags = mnl_attr_get_u32(a);
		else if (!put_copy_attr(&req, a))
			return -E2BIG;
	}
	flags = (flags & USER_IFA_FLAGS) | add_flags;
	ifa->ifa_flags = (uint8_t)flags;
	if (!fits(&req, sizeof(flags)))
		return -E2BIG;
	mnl_attr_put_u32(&req.msg, IFA_FLAGS, flags);
	return nl_batch_add(to, &req.msg);
}

static int take_address(const struct nlmsghdr *msg, void *arg)
{
	struct reading *rd = arg;
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(msg);
	int r;

	if (msg->nlmsg_type != RTM_NEWADDR ||
	    ifa->ifa_index != rd->conf->link.ifindex)
		return 0;
	if (ifa->ifa_family == AF_INET)
		return add_address(rd, msg, 0, NLM_F_EXCL, &rd->conf->addrs);
	if (ifa->ifa_family != AF_INET6)
		return 0;
	r = add_address(rd, msg, IFA_F_NODAD, NLM_F_EXCL, &rd->v6);
	return r < 0 ? r
		     : add_address(rd, msg, 0, NLM_F_REPLACE,
				   &rd->conf->settle);
}

/* Appends what is in `from`, last message first. */
static int append_reversed(struct nl_batch *to, const struct nl_batch *from)
{
	const struct nlmsghdr **msg;
	const uint8_t *at = from->buf;
	int r = 0;

	if (from->count == 0)
		return 0;
	msg = calloc(from->count, sizeof(*msg));
	if (!msg)
		return -ENOMEM;
	for (unsigned i = 0; i < from->count; i++) {
		msg[i] = (const void *)at;
		at += MNL_ALIGN(msg[i]->nlmsg_len);
	}
	for (unsigned i = from->count; r == 0 && i > 0; i--)
		r = nl_batch_add(to, msg[i - 1]);
	free(msg);
	return r;
}

static int append(struct nl_batch *to, const struct nl_batch *from)
{
	const uint8_t *at = from->buf;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < from->count; i++) {
		const struct nlmsghdr *msg = (const void *)at;

		r = nl_batch_add(to, msg);
		at += MNL_ALIGN(msg->nlmsg_len);
	}
	return r;
}

/* --- routes ----------------------------------------------------------- */

/*
 * Calls fn with each nexthop of an RTA_MULTIPATH; stops and returns true when
 * fn does.
 */
static bool any_nexthop(const struct nlattr *multipath,
			bool (*fn)(struct rtnexthop *nh, void *arg), void *arg)
{
	uint8_t *at = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath);

	while (left >= sizeof(struct rtnexthop)) {
		struct rtnexthop *nh = (void *)at;
		size_t len = RTNH_ALIGN(nh->rtnh_len);

		if (nh->rtnh_len < sizeof(*nh) || len > left)
			return false;
		if (fn(nh, arg))
			return true;
		at += len;
		left -= len;
	}
	return false;
}

static bool nexthop_is_via(struct rtnexthop *nh, void *arg)
{
	return nh->rtnh_ifindex == (int)*(uint32_t *)arg;
}

/* What the kernel reports about a nexthop but does not take. */
static bool nexthop_clean(struct rtnexthop *nh, void *arg)
{
	nh->rtnh_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE;
	return false;
}

static bool nexthop_retarget(struct rtnexthop *nh, void *arg)
{
	const uint32_t *from_to = arg;

	if (nh->rtnh_ifindex == (int)from_to[0])
		nh->rtnh_ifindex = (int)from_to[1];
	return false;
}

static bool route_is_via(const struct nlmsghdr *msg, uint32_t ifindex)
{
	const struct nlattr *a;

	mnl_attr_for_each (a, msg, sizeof(struct rtmsg)) {
		switch (mnl_attr_get_type(a)) {
		case RTA_OIF:
			if (mnl_attr_get_u32(a) == ifindex)
				return true;
			break;
		case RTA_MULTIPATH:
			if (any_nexthop(a, nexthop_is_via, &ifindex))
				return true;
			break;
		default: break;
		}
	}
	return false;
}

static uint32_t route_table(const struct nlmsghdr *msg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);
	const struct nlattr *a;

	mnl_attr_for_each (a, msg, sizeof(*rtm))
		if (mnl_attr_get_type(a) == RTA_TABLE)
			return mnl_attr_get_u32(a);
	return rtm->rtm_table;
}

/* Made and removed by the kernel together with addresses and "up". */
static bool route_is_kernels(const struct nlmsghdr *msg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);

	return rtm->rtm_flags & RTM_F_CLONED ||
	       (rtm->rtm_protocol == RTPROT_KERNEL &&
		route_table(msg) == RT_TABLE_LOCAL);
}

static bool route_is_wanted(const struct nlmsghdr *msg, uint32_t ifindex)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(msg);

	return msg->nlmsg_type == RTM_NEWROUTE &&
	       (rtm->rtm_family == AF_INET || rtm->rtm_family == AF_INET6) &&
	       !route_is_kernels(msg) && route_is_via(msg, ifindex);
}

/* The remaining life of a route, seconds; 0 = for ever. */
static uint32_t route_expires(const struct nlattr *cacheinfo)
{
	struct rta_cacheinfo ci;

	if (mnl_attr_get_payload_len(cacheinfo) < sizeof(ci))
		return 0;
	memcpy(&ci, mnl_attr_get_payload(cacheinfo), sizeof(ci));
	/* In USER_HZ, which is 100 everywhere. */
	return ci.rta_expires > 0 ? (uint32_t)ci.rta_expires / 100 : 0;
}

static int take_route(const struct nlmsghdr *msg, void *arg)
{
	struct reading *rd = arg;
	const struct rtmsg *old = mnl_nlmsg_get_payload(msg);
	struct request req;
	struct rtmsg *rtm;
	const struct nlattr *a;
	bool far = false, multipath = false;
	uint32_t expires = 0;

	if (!route_is_wanted(msg, rd->conf->link.ifindex))
		return 0;
	rtm = begin(&req, RTM_NEWROUTE, NLM_F_CREATE, sizeof(*rtm));
	*rtm = *old;
	rtm->rtm_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE;
	mnl_attr_for_each (a, msg, sizeof(*rtm)) {
		uint16_t type = mnl_attr_get_type(a);

		if (type == RTA_CACHEINFO) {
			expires = route_expires(a);
			continue;
		}
		rd->nexthop_object |= type == RTA_NH_ID;
		far |= type == RTA_GATEWAY || type == RTA_VIA;
		multipath |= type == RTA_MULTIPATH;
		if (!put_copy_attr(&req, a))
			return -E2BIG;
	}
	if (expires > 0 && fits(&req, sizeof(expires)))
		mnl_attr_put_u32(&req.msg, RTA_EXPIRES, expires);
	mnl_attr_for_each (a, &req.msg, sizeof(*rtm))
		if (mnl_attr_get_type(a) == RTA_MULTIPATH)
			(void)any_nexthop(a, nexthop_clean, NULL);
	/*
	 * Append keeps the order of routes alike in prefix and metric. Of an
	 * IPv6 multipath route the nexthops by other devices are still there,
	 * so the whole is put in place of them.
	 */
	req.msg.nlmsg_flags |= multipath && rtm->rtm_family == AF_INET6
				       ? NLM_F_REPLACE
				       : NLM_F_APPEND;
	return nl_batch_add(far || multipath ? &rd->far : &rd->conf->routes,
			    &req.msg);
}

/* --- neighbours ------------------------------------------------------- */

static int take_neigh(const struct nlmsghdr *msg, void *arg)
{
	struct reading *rd = arg;
	const struct ndmsg *old = mnl_nlmsg_get_payload(msg);
	const uint16_t learnt = NUD_REACHABLE | NUD_STALE | NUD_DELAY |
				NUD_PROBE;
	struct request req;
	struct ndmsg *ndm;
	const struct nlattr *a;

	if (msg->nlmsg_type != RTM_NEWNEIGH ||
	    old->ndm_ifindex != (int)rd->conf->link.ifindex ||
	    (old->ndm_family != AF_INET && old->ndm_family != AF_INET6))
		return 0;
	if (!(old->ndm_state & (NUD_PERMANENT | learnt)) &&
	    !(old->ndm_flags & NTF_PROXY))
		return 0;
	ndm = begin(&req, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL,
		    sizeof(*ndm));
	*ndm = *old;
	if (ndm->ndm_state & learnt)
		ndm->ndm_state = NUD_STALE; /* asked again when used */
	mnl_attr_for_each (a, msg, sizeof(*ndm)) {
		uint16_t type = mnl_attr_get_type(a);

		if (type == NDA_CACHEINFO || type == NDA_PROBES)
			continue;
		if (!put_copy_attr(&req, a))
			return -E2BIG;
	}
	return nl_batch_add(&rd->conf->neighs, &req.msg);
}

/* --- all together ----------------------------------------------------- */

static int dump(struct nl *nl, uint16_t type, size_t header, uint8_t ndm_flags,
		int (*take)(const struct nlmsghdr *msg, void *arg),
		struct reading *rd, const char *what, struct err *reterr)
{
	struct request req;
	struct ndmsg *ndm = begin(&req, type, 0, header);

	if (type == RTM_GETNEIGH)
		ndm->ndm_flags = ndm_flags;
	return nl_dump(nl, &req.msg, take, rd, what, reterr);
}

static int read_batches(struct nl *nl, struct ifconf_state *conf,
			bool *ret_nhid, struct err *reterr)
{
	struct reading rd = { .conf = conf };
	int r;

	r = dump(nl, RTM_GETADDR, sizeof(struct ifaddrmsg), 0, take_address,
		 &rd, "list of addresses", reterr);
	if (r == 0)
		r = append_reversed(&conf->addrs, &rd.v6);
	if (r == 0)
		r = dump(nl, RTM_GETROUTE, sizeof(struct rtmsg), 0, take_route,
			 &rd, "list of routes", reterr);
	if (r == 0)
		r = append(&conf->routes, &rd.far);
	if (r == 0)
		r = dump(nl, RTM_GETNEIGH, sizeof(struct ndmsg), 0, take_neigh,
			 &rd, "list of neighbours", reterr);
	if (r == 0)
		r = dump(nl, RTM_GETNEIGH, sizeof(struct ndmsg), NTF_PROXY,
			 take_neigh, &rd, "list of proxied neighbours", reterr);
	*ret_nhid = rd.nexthop_object;
	nl_batch_done(&rd.v6);
	nl_batch_done(&rd.far);
	return r;
}

static void drop_batches(struct ifconf_state *c)
{
	nl_batch_done(&c->addrs);
	nl_batch_done(&c->settle);
	nl_batch_done(&c->routes);
	nl_batch_done(&c->neighs);
}

int ifconf_read(const struct netns *ns, struct nl *nl, const char *name,
		struct ifconf_state *ret, struct err *reterr)
{
	struct ifconf_state c = { 0 };
	int r = link_get(nl, name, &c.link, reterr);

	if (r < 0)
		return r;
	r = -EAGAIN;
	for (unsigned i = 0; i < NL_DUMP_TRIES && r == -EAGAIN; i++) {
		drop_batches(&c);
		r = read_batches(nl, &c, &c.nexthop_objects, reterr);
	}
	if (r == 0)
		r = ifsysctl_read(ns, name, &c.sysctl, &c.sysctls, reterr);
	if (r < 0) {
		if (reterr && reterr->code == 0)
			err_set(reterr, -r, NULL, "%s: %s", name, strerror(-r));
		ifconf_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}

void ifconf_done(struct ifconf_state *c)
{
	drop_batches(c);
	free(c->sysctl);
	*c = (struct ifconf_state){ 0 };
}

/* --- may it be moved? ------------------------------------------------- */

struct qdiscs {
	uint32_t ifindex;
	char found[32];
};

static int find_qdisc(const struct nlmsghdr *msg, void *arg)
{
	struct qdiscs *q = arg;
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(msg);
	const struct nlattr *a;

	/* The kernel's own choice has no handle. */
	if (msg->nlmsg_type != RTM_NEWQDISC || tcm->tcm_handle == 0 ||
	    tcm->tcm_ifindex != (int)q->ifindex)
		return 0;
	mnl_attr_for_each (a, msg, sizeof(*tcm))
		if (mnl_attr_get_type(a) == TCA_KIND)
			(void)snprintf(q->found, sizeof(q->found), "%s",
				       mnl_attr_get_str(a));
	return 0;
}

static int check_qdiscs(struct nl *nl, const struct ifconf_state *c,
			struct err *reterr)
{
	struct request req;
	struct qdiscs q = { .ifindex = c->link.ifindex };
	int r;

	(void)begin(&req, RTM_GETQDISC, 0, sizeof(struct tcmsg));
	r = nl_dump(nl, &req.msg, find_qdisc, &q, "list of qdiscs", reterr);
	if (r < 0 || q.found[0] == '\0')
		return r;
	return err_set(
		reterr, EBUSY, NULL,
		"%s has a %s qdisc, which would be lost; remove it first",
		c->link.name, q.found);
}

static int check_uppers(struct nl *nl, const struct ifconf_state *c,
			struct err *reterr)
{
	struct link_stat *all;
	size_t n;
	int r = link_list(nl, &all, &n, reterr);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++) {
		/* The other end of a veth names it too, but is not on top. */
		if (all[i].peer == c->link.ifindex && all[i].peer_nsid < 0 &&
		    strcmp(all[i].kind, "veth") != 0)
			r = err_set(reterr, EBUSY, NULL,
				    "%s (%s) is on top of %s and would be lost",
				    all[i].name, all[i].kind, c->link.name);
	}
	free(all);
	return r;
}

int ifconf_check_movable(struct nl *nl, const struct ifconf_state *c,
			 struct err *reterr)
{
	const char *name = c->link.name;
	int r;

	if (c->link.flags & IFF_LOOPBACK)
		return err_set(reterr, EOPNOTSUPP, NULL,
			       "%s is the loopback device", name);
	if (!c->link.is_ethernet)
		return err_set(reterr, EOPNOTSUPP, NULL,
			       "%s is not an Ethernet device", name);
	if (strcmp(c->link.kind, "ipvlan") == 0)
		return err_set(reterr, EOPNOTSUPP, NULL,
			       "%s is an ipvlan, which delivers frames by the "
			       "addresses on it and cannot be moved",
			       name);
	if (c->link.master != 0)
		return err_set(reterr, EBUSY, NULL,
			       "%s is a port of a bridge or bond", name);
	if (c->nexthop_objects)
		return err_set(reterr, EOPNOTSUPP, NULL,
			       "routes by %s use nexthop objects, which would "
			       "be lost",
			       name);
	r = check_uppers(nl, c, reterr);
	return r < 0 ? r : check_qdiscs(nl, c, reterr);
}

/* --- putting it on ---------------------------------------------------- */

static void retarget(struct nlmsghdr *msg, uint32_t from, uint32_t to)
{
	uint32_t from_to[2] = { from, to };
	struct nlattr *a;

	switch (msg->nlmsg_type) {
	case RTM_NEWADDR:
		((struct ifaddrmsg *)mnl_nlmsg_get_payload(msg))->ifa_index =
			to;
		return;
	case RTM_NEWNEIGH:
		((struct ndmsg *)mnl_nlmsg_get_payload(msg))->ndm_ifindex =
			(int)to;
		return;
	case RTM_NEWROUTE:
		mnl_attr_for_each (a, msg, sizeof(struct rtmsg)) {
			if (mnl_attr_get_type(a) == RTA_MULTIPATH)
				(void)any_nexthop(a, nexthop_retarget, from_to);
			else if (mnl_attr_get_type(a) == RTA_OIF)
				memcpy(mnl_attr_get_payload(a), &to,
				       sizeof(to));
		}
		return;
	default: BUG_ON(true);
	}
}

void ifconf_retarget(struct ifconf_state *c, uint32_t ifindex)
{
	struct nl_batch *all[] = { &c->addrs, &c->settle, &c->routes,
				   &c->neighs };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		uint8_t *at = all[i]->buf;

		for (unsigned m = 0; m < all[i]->count; m++) {
			struct nlmsghdr *msg = (void *)at;

			retarget(msg, c->link.ifindex, ifindex);
			at += MNL_ALIGN(msg->nlmsg_len);
		}
	}
	c->link.ifindex = ifindex;
}

int ifconf_put(const struct ifconf_state *c, struct nl_batch *b)
{
	const struct link_stat *l = &c->link;
	struct request req;
	int r = 0;

	/* No address but the ones below: the old one's are complete. */
	if (l->addrgen >= 0) {
		link_build_addrgen(req.buf, l->ifindex, IN6_ADDR_GEN_MODE_NONE);
		r = nl_batch_add(b, &req.msg);
	}
	link_build_limits(req.buf, l);
	if (r == 0)
		r = nl_batch_add(b, &req.msg);
	link_build_flags(req.buf, l->ifindex, l->flags, USER_FLAGS);
	if (r == 0)
		r = nl_batch_add(b, &req.msg);
	if (r == 0)
		r = append(b, &c->addrs);
	if (r == 0)
		r = append(b, &c->routes);
	return r == 0 ? append(b, &c->neighs) : r;
}

static int bear(unsigned index, const struct nlmsghdr *req, int error,
		const char *text, void *arg)
{
	struct nl_batch *again = arg;

	if (error == EEXIST && req->nlmsg_type != RTM_NEWLINK)
		return 0;
	/* A device with smaller limits: the kernel segments for it. */
	if (req->nlmsg_type == RTM_SETLINK)
		return 0;
	if (again && req->nlmsg_type == RTM_NEWROUTE)
		return nl_batch_add(again, req);
	return -error;
}

int ifconf_send(struct nl *nl, struct nl_batch *b, const char *what,
		struct err *reterr)
{
	struct nl_batch again = { 0 };
	int r = nl_batch_send(nl, b, bear, &again, what, reterr);

	if (r == 0)
		r = nl_batch_send(nl, &again, bear, NULL, what, reterr);
	nl_batch_done(&again);
	return r;
}

/* --- settling --------------------------------------------------------- */

/* The attributes that make two routes the same to a deletion. */
static bool same_route(const struct nlmsghdr *x, const struct nlmsghdr *y)
{
	const struct rtmsg *rx = mnl_nlmsg_get_payload(x);
	const struct rtmsg *ry = mnl_nlmsg_get_payload(y);
	const uint16_t types[] = { RTA_DST, RTA_PRIORITY };
	const struct nlattr *a, *ax[2] = { 0 }, *ay[2] = { 0 };

	if (rx->rtm_family != ry->rtm_family ||
	    rx->rtm_dst_len != ry->rtm_dst_len ||
	    rx->rtm_type != ry->rtm_type || route_table(x) != route_table(y))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		mnl_attr_for_each (a, x, sizeof(*rx))
			if (mnl_attr_get_type(a) == types[i])
				ax[i] = a;
		mnl_attr_for_each (a, y, sizeof(*ry))
			if (mnl_attr_get_type(a) == types[i])
				ay[i] = a;
		if (!ax[i] != !ay[i])
			return false;
		if (ax[i] && (ax[i]->nla_len != ay[i]->nla_len ||
			      memcmp(ax[i], ay[i], ax[i]->nla_len) != 0))
			return false;
	}
	return true;
}

static bool has_route(const struct nl_batch *b, const struct nlmsghdr *route)
{
	const uint8_t *at = b->buf;

	for (unsigned i = 0; i < b->count; i++) {
		const struct nlmsghdr *msg = (const void *)at;

		if (same_route(msg, route))
			return true;
		at += MNL_ALIGN(msg->nlmsg_len);
	}
	return false;
}

struct surplus {
	const struct ifconf_state *conf;
	struct nl_batch deletions;
};

static int find_surplus(const struct nlmsghdr *msg, void *arg)
{
	struct surplus *s = arg;
	const struct rtmsg *old = mnl_nlmsg_get_payload(msg);
	struct request req;
	struct rtmsg *rtm;
	const struct nlattr *a;

	if (!route_is_wanted(msg, s->conf->link.ifindex) ||
	    old->rtm_protocol != RTPROT_KERNEL ||
	    has_route(&s->conf->routes, msg))
		return 0;
	rtm = begin(&req, RTM_DELROUTE, 0, sizeof(*rtm));
	*rtm = *old;
	rtm->rtm_flags = 0;
	mnl_attr_for_each (a, msg, sizeof(*rtm))
		if (mnl_attr_get_type(a) != RTA_CACHEINFO &&
		    !put_copy_attr(&req, a))
			return -E2BIG;
	return nl_batch_add(&s->deletions, &req.msg);
}

static int bear_gone(unsigned index, const struct nlmsghdr *req, int error,
		     const char *text, void *arg)
{
	return error == ESRCH ? 0 : -error;
}

static int remove_surplus(struct nl *nl, const struct ifconf_state *c,
			  struct err *reterr)
{
	struct surplus s = { .conf = c };
	struct request req;
	int r = -EAGAIN;

	for (unsigned i = 0; i < NL_DUMP_TRIES && r == -EAGAIN; i++) {
		nl_batch_done(&s.deletions);
		(void)begin(&req, RTM_GETROUTE, 0, sizeof(struct rtmsg));
		r = nl_dump(nl, &req.msg, find_surplus, &s, "list of routes",
			    reterr);
	}
	if (r == 0)
		r = nl_batch_send(nl, &s.deletions, bear_gone, NULL,
				  "remove a route that was not there", reterr);
	nl_batch_done(&s.deletions);
	return r;
}

int ifconf_settle(const struct netns *ns, struct nl *nl, struct ifconf_state *c,
		  struct err *reterr)
{
	struct request req;
	int r = nl_batch_send(nl, &c->settle, NULL, NULL, "settle addresses",
			      reterr);

	if (r == 0 && c->link.addrgen >= 0) {
		link_build_addrgen(req.buf, c->link.ifindex,
				   (uint8_t)c->link.addrgen);
		r = nl_ask(nl, &req.msg, "IPv6 address generation", reterr);
	}
	if (r == 0)
		r = ifsysctl_write(ns, c->link.name, c->sysctl, c->sysctls,
				   reterr);
	return r == 0 ? remove_surplus(nl, c, reterr) : r;
}
