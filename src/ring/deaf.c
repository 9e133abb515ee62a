/*
 * One filter at the interface's ingress hook that drops everything: a classic
 * BPF program, for which the kernel asks no CAP_BPF. Packet sockets of all
 * protocols are served before that hook (net/core/dev.c,
 * __netif_receive_skb_core()).
 *
 * It is the only one of its preference, the first that is asked. Its program
 * says whose it is, in numbers that it loads and does not use, and the kernel
 * gives it back as it was:
 *
 *   ld #MAGIC   ld #owner, high   ld #owner, low   ld #made   ret SHOT
 *
 * `made` says that the clsact qdisc which the filter hangs on was made for it:
 * then that is taken off with it. Not where anything else is on it, at either
 * hook: others find a qdisc there and use it. (Who puts a filter there between
 * the look and the deletion loses it; the kernel has no call for both.)
 */
#include "ring/deaf.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define PREF	1u
#define HANDLE	1u
#define INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define EGRESS	TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)

#define MAGIC 0x77656972 /* "weir" */
enum { OP_MAGIC, OP_OWNER_HIGH, OP_OWNER_LOW, OP_MADE, OP_DROP, OPS };

/* A filter of ours, as its program tells. */
struct mark {
	uint64_t owner;
	bool made;
};

/* What a list of the kernel's is read for. */
struct look {
	bool found; /* a filter of ours */
	struct mark mark;
	unsigned others; /* filters that are not */
	unsigned *ifindexes;
	size_t n, room;
	bool failed; /* out of memory */
};

static struct nlmsghdr *start(char *buf, uint16_t type, uint16_t flags,
			      unsigned ifindex)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(h, sizeof *tc);

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	tc->tcm_ifindex = (int)ifindex;
	return h;
}

static void build_qdisc(char *buf, unsigned ifindex, bool make)
{
	uint16_t flags = make ? NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL
			      : NLM_F_ACK;
	struct nlmsghdr *h =
		start(buf, make ? RTM_NEWQDISC : RTM_DELQDISC, flags, ifindex);
	struct tcmsg *tc = mnl_nlmsg_get_payload(h);

	tc->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	tc->tcm_parent = TC_H_CLSACT;
	mnl_attr_put_strz(h, TCA_KIND, "clsact");
}

static struct sock_filter load(uint32_t number)
{
	return (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, number);
}

static void put_program(struct nlmsghdr *h, struct mark mark)
{
	struct sock_filter ops[OPS] = {
		[OP_MAGIC] = load(MAGIC),
		[OP_OWNER_HIGH] = load((uint32_t)(mark.owner >> 32)),
		[OP_OWNER_LOW] = load((uint32_t)mark.owner),
		[OP_MADE] = load(mark.made),
		[OP_DROP] = BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT),
	};
	struct nlattr *options = mnl_attr_nest_start(h, TCA_OPTIONS);

	mnl_attr_put_u16(h, TCA_BPF_OPS_LEN, OPS);
	mnl_attr_put(h, TCA_BPF_OPS, sizeof ops, ops);
	mnl_attr_put_u32(h, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(h, options);
}

/* mark: NULL takes it away. */
static void build_filter(char *buf, unsigned ifindex, const struct mark *mark)
{
	uint16_t flags = mark ? NLM_F_ACK | NLM_F_CREATE : NLM_F_ACK;
	struct nlmsghdr *h = start(buf, mark ? RTM_NEWTFILTER : RTM_DELTFILTER,
				   flags, ifindex);
	struct tcmsg *tc = mnl_nlmsg_get_payload(h);

	tc->tcm_parent = INGRESS;
	tc->tcm_info = TC_H_MAKE(PREF << 16, __builtin_bswap16(ETH_P_ALL));
	tc->tcm_handle = HANDLE;
	mnl_attr_put_strz(h, TCA_KIND, "bpf");
	if (mark)
		put_program(h, *mark);
}

/* Sends a request and reads its answer to the end; 0 or -errno. */
static int ask(struct mnl_socket *s, const char *request, mnl_cb_t each,
	       void *arg)
{
	const struct nlmsghdr *h = (const void *)request;
	_Alignas(struct nlmsghdr) char answer[16384];
	int rc = MNL_CB_OK;

	if (mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
		return -errno;
	while (rc == MNL_CB_OK) {
		ssize_t len = mnl_socket_recvfrom(s, answer, sizeof answer);

		rc = len < 0 ? MNL_CB_ERROR
			     : mnl_cb_run(answer, (size_t)len, 0, 0, each, arg);
	}
	return rc == MNL_CB_STOP ? 0 : -errno;
}

/* --- what is there -------------------------------------------------------- */

static int take_attr(const struct nlattr *a, void *arg)
{
	const struct nlattr **table = arg;

	if (mnl_attr_get_type(a) <= TCA_MAX)
		table[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}
_Static_assert((int)TCA_BPF_MAX <= (int)TCA_MAX, "one table does for both");

static bool is_text(const struct nlattr *a, const char *text)
{
	size_t len = strlen(text) + 1;

	return a && mnl_attr_get_payload_len(a) == len &&
	       memcmp(mnl_attr_get_payload(a), text, len) == 0;
}

/* Is that its program, to the last bit? */
static bool read_program(const struct nlattr *a, struct mark *ret)
{
	struct sock_filter want[OPS] = {
		[OP_MAGIC] = load(MAGIC),
		[OP_OWNER_HIGH] = load(0),
		[OP_OWNER_LOW] = load(0),
		[OP_MADE] = load(0),
		[OP_DROP] = BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT),
	};
	struct sock_filter is[OPS];

	if (!a || mnl_attr_get_payload_len(a) != sizeof is)
		return false;
	memcpy(is, mnl_attr_get_payload(a), sizeof is);
	want[OP_OWNER_HIGH].k = is[OP_OWNER_HIGH].k;
	want[OP_OWNER_LOW].k = is[OP_OWNER_LOW].k;
	want[OP_MADE].k = is[OP_MADE].k & 1;
	if (memcmp(is, want, sizeof is) != 0)
		return false;
	*ret = (struct mark){ (uint64_t)is[OP_OWNER_HIGH].k << 32 |
				      is[OP_OWNER_LOW].k,
			      is[OP_MADE].k };
	return true;
}

static int take_filter(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *table[TCA_MAX + 1] = { 0 };
	const struct nlattr *options[TCA_MAX + 1] = { 0 };
	const struct tcmsg *tc = mnl_nlmsg_get_payload(h);
	struct look *look = arg;

	if (mnl_nlmsg_get_payload_len(h) < sizeof *tc ||
	    mnl_attr_parse(h, sizeof *tc, take_attr, table) < 0)
		return MNL_CB_OK;
	/* one without a handle is its chain's head, not a filter */
	if (tc->tcm_handle == 0)
		return MNL_CB_OK;
	if (table[TCA_OPTIONS] && is_text(table[TCA_KIND], "bpf"))
		(void)mnl_attr_parse_nested(table[TCA_OPTIONS], take_attr,
					    options);
	if (tc->tcm_parent == INGRESS && tc->tcm_info >> 16 == PREF &&
	    tc->tcm_handle == HANDLE &&
	    read_program(options[TCA_BPF_OPS], &look->mark))
		look->found = true;
	else
		look->others++;
	return MNL_CB_OK;
}

static int look_at(struct mnl_socket *s, unsigned ifindex, uint32_t parent,
		   struct look *look)
{
	_Alignas(struct nlmsghdr) char buf[512] = { 0 };
	struct nlmsghdr *h = start(buf, RTM_GETTFILTER, NLM_F_DUMP, ifindex);
	struct tcmsg *tc = mnl_nlmsg_get_payload(h);

	tc->tcm_parent = parent;
	return ask(s, buf, take_filter, look);
}

static int take_qdisc(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *table[TCA_MAX + 1] = { 0 };
	const struct tcmsg *tc = mnl_nlmsg_get_payload(h);
	struct look *look = arg;
	unsigned *grown;

	if (mnl_nlmsg_get_payload_len(h) < sizeof *tc ||
	    mnl_attr_parse(h, sizeof *tc, take_attr, table) < 0 ||
	    !is_text(table[TCA_KIND], "clsact"))
		return MNL_CB_OK;
	if (look->n == look->room) {
		look->room = look->room ? 2 * look->room : 64;
		grown = realloc(look->ifindexes,
				look->room * sizeof *look->ifindexes);
		look->failed |= !grown;
		if (!grown)
			return MNL_CB_STOP;
		look->ifindexes = grown;
	}
	look->ifindexes[look->n++] = (unsigned)tc->tcm_ifindex;
	return MNL_CB_OK;
}

/* --- there and away ------------------------------------------------------- */

static int deafen(struct mnl_socket *s, unsigned ifindex, uint64_t owner)
{
	_Alignas(struct nlmsghdr) char buf[512] = { 0 };
	struct mark mark = { .owner = owner };
	struct look look = { 0 };
	int rc;

	build_qdisc(buf, ifindex, true);
	rc = ask(s, buf, NULL, NULL);
	if (rc < 0 && rc != -EEXIST)
		return rc;
	/* done again: who made the qdisc is known already */
	mark.made = rc == 0 || (look_at(s, ifindex, INGRESS, &look) == 0 &&
				look.found && look.mark.made);
	memset(buf, 0, sizeof buf);
	build_filter(buf, ifindex, &mark);
	return ask(s, buf, NULL, NULL);
}

static bool is_not_there(int rc)
{
	/* EINVAL: it has no qdisc there */
	return rc == -ENODEV || rc == -ENOENT || rc == -EINVAL;
}

/* The filter that was found, and the qdisc, if it was made for it. */
static int take_away(struct mnl_socket *s, unsigned ifindex, bool made)
{
	_Alignas(struct nlmsghdr) char buf[512] = { 0 };
	struct look left = { 0 };
	int rc;

	build_filter(buf, ifindex, NULL);
	rc = ask(s, buf, NULL, NULL);
	if (rc < 0 || !made)
		return rc;
	rc = look_at(s, ifindex, INGRESS, &left);
	if (rc == 0)
		rc = look_at(s, ifindex, EGRESS, &left);
	if (rc < 0 || left.others || left.found)
		return rc;
	memset(buf, 0, sizeof buf);
	build_qdisc(buf, ifindex, false);
	return ask(s, buf, NULL, NULL);
}

static struct mnl_socket *open_socket(struct err *reterr)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!s)
		(void)err_set(reterr, errno, NULL,
			      "cannot open a routing socket: %s",
			      strerror(errno));
	return s;
}

static int tell(int rc, unsigned ifindex, struct err *reterr)
{
	return rc == 0 ? 0
		       : err_set(reterr, -rc, NULL, "interface %u, filter: %s",
				 ifindex, strerror(-rc));
}

int ring_deafen(unsigned ifindex, uint64_t owner, struct err *reterr)
{
	struct mnl_socket *s = open_socket(reterr);
	int rc;

	if (!s)
		return -reterr->code;
	rc = deafen(s, ifindex, owner);
	(void)mnl_socket_close(s);
	return tell(rc, ifindex, reterr);
}

/* A socket each: what one list that failed has left unread is not the next's. */
static int undeafen(unsigned ifindex,
		    bool (*is_over)(void *arg, uint64_t owner), void *arg,
		    unsigned *n, struct err *reterr)
{
	struct mnl_socket *s = open_socket(reterr);
	struct look look = { 0 };
	int rc;

	if (!s)
		return -reterr->code;
	rc = look_at(s, ifindex, INGRESS, &look);
	if (rc == 0 && look.found && is_over(arg, look.mark.owner)) {
		rc = take_away(s, ifindex, look.mark.made);
		*n += rc == 0;
	}
	(void)mnl_socket_close(s);
	return is_not_there(rc) ? 0 : tell(rc, ifindex, reterr);
}

static bool is_that_one(void *arg, uint64_t owner)
{
	return owner == *(const uint64_t *)arg;
}

int ring_undeafen(unsigned ifindex, uint64_t owner, struct err *reterr)
{
	unsigned ignored = 0;

	return undeafen(ifindex, is_that_one, &owner, &ignored, reterr);
}

int ring_undeafen_all(bool (*is_over)(void *arg, uint64_t owner), void *arg,
		      unsigned *ret_n, struct err *reterr)
{
	_Alignas(struct nlmsghdr) char buf[512] = { 0 };
	struct mnl_socket *s = open_socket(reterr);
	struct look look = { 0 };
	unsigned n = 0;
	int rc;

	if (!s)
		return -reterr->code;
	(void)start(buf, RTM_GETQDISC, NLM_F_DUMP, 0);
	rc = ask(s, buf, take_qdisc, &look);
	(void)mnl_socket_close(s);
	rc = tell(look.failed ? -ENOMEM : rc, 0, reterr);
	for (size_t i = 0; i < look.n; i++) {
		int one = undeafen(look.ifindexes[i], is_over, arg, &n, reterr);

		rc = one < 0 ? one : rc;
	}
	free(look.ifindexes);
	*ret_n = n;
	return rc;
}
