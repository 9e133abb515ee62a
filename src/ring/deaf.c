/*
 * One filter at the interface's ingress hook that drops everything: a program of
 * one classic BPF instruction, for which the kernel asks no CAP_BPF. Packet
 * sockets of all protocols are served before that hook
 * (net/core/dev.c, __netif_receive_skb_core()).
 *
 * It is the only one of its preference, the first that is asked. The qdisc it
 * hangs on stays when the filter goes: others may have put theirs there
 * meanwhile, and an empty one does nothing.
 */
#include "ring/deaf.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define PREF   1u
#define HANDLE 1u

static struct nlmsghdr *start(char *buf, uint16_t type, uint16_t flags,
			      unsigned ifindex)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(h, sizeof *tc);

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	tc->tcm_ifindex = (int)ifindex;
	return h;
}

static void build_qdisc(char *buf, unsigned ifindex)
{
	struct nlmsghdr *h =
		start(buf, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex);
	struct tcmsg *tc = mnl_nlmsg_get_payload(h);

	tc->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	tc->tcm_parent = TC_H_CLSACT;
	mnl_attr_put_strz(h, TCA_KIND, "clsact");
}

static void build_filter(char *buf, unsigned ifindex, bool deaf)
{
	static const struct sock_filter drop =
		BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT);
	struct nlmsghdr *h = start(buf, deaf ? RTM_NEWTFILTER : RTM_DELTFILTER,
				   deaf ? NLM_F_CREATE : 0, ifindex);
	struct tcmsg *tc = mnl_nlmsg_get_payload(h);
	struct nlattr *options;

	tc->tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
	tc->tcm_info = TC_H_MAKE(PREF << 16, __builtin_bswap16(ETH_P_ALL));
	tc->tcm_handle = HANDLE;
	mnl_attr_put_strz(h, TCA_KIND, "bpf");
	if (!deaf)
		return;
	options = mnl_attr_nest_start(h, TCA_OPTIONS);
	mnl_attr_put_u16(h, TCA_BPF_OPS_LEN, 1);
	mnl_attr_put(h, TCA_BPF_OPS, sizeof drop, &drop);
	mnl_attr_put_u32(h, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(h, options);
}

/* 0 or what the kernel says, -errno. */
static int ask(struct mnl_socket *s, const char *request)
{
	const struct nlmsghdr *h = (const void *)request;
	_Alignas(struct nlmsghdr) char answer[1024];
	ssize_t len;

	if (mnl_socket_sendto(s, h, h->nlmsg_len) < 0)
		return -errno;
	len = mnl_socket_recvfrom(s, answer, sizeof answer);
	if (len < 0 || mnl_cb_run(answer, (size_t)len, 0, 0, NULL, NULL) < 0)
		return -errno;
	return 0;
}

static int change(struct mnl_socket *s, unsigned ifindex, bool deaf)
{
	_Alignas(struct nlmsghdr) char buf[512] = { 0 };
	int rc;

	if (deaf) {
		build_qdisc(buf, ifindex);
		rc = ask(s, buf);
		if (rc < 0 && rc != -EEXIST)
			return rc;
		memset(buf, 0, sizeof buf);
	}
	build_filter(buf, ifindex, deaf);
	rc = ask(s, buf);
	/* EINVAL: it has no qdisc there */
	if (!deaf && (rc == -ENODEV || rc == -ENOENT || rc == -EINVAL))
		return 0;
	return rc;
}

int ring_deafen(unsigned ifindex, bool deaf, struct err *reterr)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int rc;

	if (!s)
		return err_set(reterr, errno, NULL,
			       "cannot open a routing socket: %s",
			       strerror(errno));
	rc = change(s, ifindex, deaf);
	(void)mnl_socket_close(s);
	if (rc < 0)
		return err_set(reterr, -rc, NULL, "interface %u, filter: %s",
			       ifindex, strerror(-rc));
	return 0;
}
