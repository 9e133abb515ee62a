/*
 * A rule is told as words: a match is an aligned 32-bit word of the frame, its
 * offset counted from the network header, so the Ethernet header lies in front
 * of it at negative offsets (the first two bytes of the word at -16 are not
 * the frame's, and no mask covers them):
 *
 *      -16      -14       -12                -8                 -4      -2
 *       |  ..    | dst 0 1 | dst 2 3 4 5      | src 0 1 2 3      | src 4 5 | type
 *
 * All requests of one change are one batch, so a change is whole or undone
 * even when the process is killed; which of them failed tells which part of
 * the kernel is missing.
 *
 * Preferences (lower ones are asked first):
 *
 *   vex, vin   10000 IPv6   10001 IPv4   10002 everything else
 *   vbr        5 marked destination      172 marked source
 *
 * A preference belongs to one protocol, hence the article's 10001 for IPv4 and
 * one of ours for IPv6. On vbr the workloads of an agent namespace share both
 * preferences: filters of one preference differ by a handle of 12 bits that
 * the kernel picks, marks have 16. So a workload's filters are found by what
 * they match, which is what has to be unique anyway.
 */
#include "net/tc_u32.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_pedit.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"

#define INGRESS_HANDLE 0xffff0000u /* tc's "ffff:" */

#define PREF_IPV6      10000
#define PREF_IPV4      10001
#define PREF_REST      10002
#define PREF_MARKED_TO 5
#define PREF_MARKED_BY 172

#define MATCH_MAX 3
#define SET_MAX	  2

struct word {
	int off; /* bytes from the network header; a multiple of 4 */
	uint32_t mask, value; /* host order; the bits of mask are matched/set */
};

struct rule {
	uint32_t ifindex; /* where it is */
	uint32_t to;	  /* ifindex: where its frames leave */
	uint16_t pref;
	uint16_t protocol; /* ETH_P_* */
	unsigned matches, sets;
	struct word match[MATCH_MAX];
	struct word set[SET_MAX];
};

struct request {
	union {
		struct nlmsghdr msg;
		char buf[NL_REQUEST_MAX];
	};
};

/* --- the rules --------------------------------------------------------- */

static uint32_t be16_at(const uint8_t *b)
{
	return (uint32_t)b[0] << 8 | b[1];
}

static uint32_t be32_at(const uint8_t *b)
{
	return be16_at(b) << 16 | be16_at(b + 2);
}

static void destination(struct word w[2], const uint8_t mac[6])
{
	w[0] = (struct word){ -16, 0x0000ffff, be16_at(mac) };
	w[1] = (struct word){ -12, 0xffffffff, be32_at(mac + 2) };
}

static void source(struct word w[2], const uint8_t mac[6])
{
	w[0] = (struct word){ -8, 0xffffffff, be32_at(mac) };
	w[1] = (struct word){ -4, 0xffff0000, be16_at(mac + 4) << 16 };
}

/* vex: a frame to the workload. Its MAC is unicast, so nothing else is. */
static struct rule divert_in(const struct divert_endpoint *ep, uint16_t pref,
			     uint16_t protocol)
{
	struct rule r = { .ifindex = ep->vex,
			  .to = ep->vbr,
			  .pref = pref,
			  .protocol = protocol,
			  .matches = 2,
			  .sets = 2 };

	destination(r.match, ep->mac);
	destination(r.set, ep->mark);
	return r;
}

/* vin: a unicast frame from the workload. */
static struct rule divert_out(const struct divert_endpoint *ep, uint16_t pref,
			      uint16_t protocol)
{
	struct rule r = { .ifindex = ep->vin,
			  .to = ep->vbr,
			  .pref = pref,
			  .protocol = protocol,
			  .matches = 3,
			  .sets = 2 };

	r.match[0] = (struct word){ -16, 0x00000100, 0 };
	source(r.match + 1, ep->mac);
	source(r.set, ep->mark);
	return r;
}

#define DIVERTING 4
static void rules_diverting(const struct divert_endpoint *ep,
			    struct rule ret[DIVERTING])
{
	ret[0] = divert_in(ep, PREF_IPV6, ETH_P_IPV6);
	ret[1] = divert_in(ep, PREF_IPV4, ETH_P_IP);
	ret[2] = divert_out(ep, PREF_IPV6, ETH_P_IPV6);
	ret[3] = divert_out(ep, PREF_IPV4, ETH_P_IP);
}

#define STRAIGHT 2
static void rules_straight(const struct divert_endpoint *ep,
			   struct rule ret[STRAIGHT])
{
	/* One match of nothing: u32 wants at least one. */
	ret[0] = (struct rule){ .ifindex = ep->vex,
				.to = ep->vin,
				.pref = PREF_REST,
				.protocol = ETH_P_ALL,
				.matches = 1 };
	ret[1] = ret[0];
	ret[1].ifindex = ep->vin;
	ret[1].to = ep->vex;
}

#define BACK 2
static void rules_back(const struct divert_endpoint *ep, struct rule ret[BACK])
{
	ret[0] = (struct rule){ .ifindex = ep->vbr,
				.to = ep->vin,
				.pref = PREF_MARKED_TO,
				.protocol = ETH_P_ALL,
				.matches = 2,
				.sets = 2 };
	ret[1] = ret[0];
	ret[1].to = ep->vex;
	ret[1].pref = PREF_MARKED_BY;
	destination(ret[0].match, ep->mark);
	destination(ret[0].set, ep->mac);
	source(ret[1].match, ep->mark);
	source(ret[1].set, ep->mac);
}

/* --- requests ---------------------------------------------------------- */

static struct tcmsg *start(struct request *req, uint16_t type, uint16_t flags,
			   uint32_t ifindex)
{
	struct tcmsg *tc;

	mnl_nlmsg_put_header(req->buf);
	req->msg.nlmsg_type = type;
	req->msg.nlmsg_flags = flags;
	tc = mnl_nlmsg_put_extra_header(&req->msg, sizeof(*tc));
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)ifindex;
	return tc;
}

static int add_qdisc(struct nl_batch *b, uint16_t type, uint32_t ifindex)
{
	struct request req;
	bool new = type == RTM_NEWQDISC;
	struct tcmsg *tc =
		start(&req, type, new ? NLM_F_CREATE | NLM_F_EXCL : 0, ifindex);

	tc->tcm_handle = INGRESS_HANDLE;
	tc->tcm_parent = TC_H_INGRESS;
	mnl_attr_put_strz(&req.msg, TCA_KIND, "ingress");
	return nl_batch_add(b, &req.msg);
}

static struct tcmsg *start_filter(struct request *req, uint16_t type,
				  const struct rule *r)
{
	struct tcmsg *tc =
		start(req, type,
		      type == RTM_NEWTFILTER ? NLM_F_CREATE | NLM_F_EXCL : 0,
		      r->ifindex);

	tc->tcm_parent = INGRESS_HANDLE;
	tc->tcm_info = TC_H_MAKE((uint32_t)r->pref << 16, htons(r->protocol));
	return tc;
}

/* The selector as the kernel takes it and tells it. */
struct selector {
	_Alignas(struct tc_u32_sel) char bytes
		[sizeof(struct tc_u32_sel) +
		 MATCH_MAX * sizeof(struct tc_u32_key)];
};

static size_t selector_of(const struct rule *r, struct selector *ret)
{
	struct tc_u32_sel head = { .flags = TC_U32_TERMINAL,
				   .nkeys = (unsigned char)r->matches };

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->bytes, &head, sizeof(head));
	for (unsigned i = 0; i < r->matches; i++) {
		struct tc_u32_key key = { .mask = htonl(r->match[i].mask),
					  .val = htonl(r->match[i].value),
					  .off = r->match[i].off };

		memcpy(ret->bytes + sizeof(head) + i * sizeof(key), &key,
		       sizeof(key));
	}
	return sizeof(head) + r->matches * sizeof(struct tc_u32_key);
}

static void put_pedit(struct nlmsghdr *msg, const struct rule *r)
{
	struct {
		struct tc_pedit_sel head;
		char keys[SET_MAX * sizeof(struct tc_pedit_key)];
	} edit = { .head = { .action = TC_ACT_PIPE,
			     .nkeys = (unsigned char)r->sets } };
	struct nlattr *options;

	BUG_ON(r->sets > SET_MAX);
	for (unsigned i = 0; i < r->sets; i++) {
		struct tc_pedit_key key = { .mask = htonl(~r->set[i].mask),
					    .val = htonl(r->set[i].value),
					    .off = (uint32_t)r->set[i].off };

		memcpy(edit.keys + i * sizeof(key), &key, sizeof(key));
	}
	mnl_attr_put_strz(msg, TCA_ACT_KIND, "pedit");
	options = mnl_attr_nest_start(msg, TCA_ACT_OPTIONS);
	mnl_attr_put(msg, TCA_PEDIT_PARMS,
		     sizeof(edit.head) + r->sets * sizeof(struct tc_pedit_key),
		     &edit);
	mnl_attr_nest_end(msg, options);
}

static void put_mirred(struct nlmsghdr *msg, const struct rule *r)
{
	struct tc_mirred to = { .action = TC_ACT_STOLEN,
				.eaction = TCA_EGRESS_REDIR,
				.ifindex = r->to };
	struct nlattr *options;

	mnl_attr_put_strz(msg, TCA_ACT_KIND, "mirred");
	options = mnl_attr_nest_start(msg, TCA_ACT_OPTIONS);
	mnl_attr_put(msg, TCA_MIRRED_PARMS, sizeof(to), &to);
	mnl_attr_nest_end(msg, options);
}

static int add_rule(struct nl_batch *b, const struct rule *r)
{
	struct request req;
	struct selector sel;
	struct nlattr *options, *actions, *action;
	uint16_t order = 1;
	size_t len = selector_of(r, &sel);

	start_filter(&req, RTM_NEWTFILTER, r);
	mnl_attr_put_strz(&req.msg, TCA_KIND, "u32");
	options = mnl_attr_nest_start(&req.msg, TCA_OPTIONS);
	actions = mnl_attr_nest_start(&req.msg, TCA_U32_ACT);
	if (r->sets > 0) {
		action = mnl_attr_nest_start(&req.msg, order++);
		put_pedit(&req.msg, r);
		mnl_attr_nest_end(&req.msg, action);
	}
	action = mnl_attr_nest_start(&req.msg, order);
	put_mirred(&req.msg, r);
	mnl_attr_nest_end(&req.msg, action);
	mnl_attr_nest_end(&req.msg, actions);
	mnl_attr_put(&req.msg, TCA_U32_SEL, len, &sel);
	mnl_attr_nest_end(&req.msg, options);
	return nl_batch_add(b, &req.msg);
}

static int add_rules(struct nl_batch *b, const struct rule *rules, unsigned n)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < n; i++)
		rc = add_rule(b, &rules[i]);
	return rc;
}

/* handle 0: all of the rule's preference. */
static int delete_rule(struct nl_batch *b, const struct rule *r,
		       uint32_t handle)
{
	struct request req;

	start_filter(&req, RTM_DELTFILTER, r)->tcm_handle = handle;
	mnl_attr_put_strz(&req.msg, TCA_KIND, "u32");
	return nl_batch_add(b, &req.msg);
}

/* For deleting: what is not there is gone already. */
static int bear_missing(unsigned index, const struct nlmsghdr *req, int error,
			const char *text, void *arg)
{
	(void)index;
	(void)text;
	(void)arg;
	if (req->nlmsg_type != RTM_DELQDISC &&
	    req->nlmsg_type != RTM_DELTFILTER)
		return -error;
	return error == ENOENT || error == ENODEV || error == EINVAL ? 0
								     : -error;
}

/* Sends what was put together (rc of that); the batch is done with. */
static int send_batch(struct nl *nl, struct nl_batch *b, int rc,
		      const char *what, struct err *reterr)
{
	if (rc < 0)
		rc = err_set(reterr, -rc, NULL, "%s: %s", what, strerror(-rc));
	else
		rc = nl_batch_send(nl, b, bear_missing, NULL, what, reterr);
	nl_batch_done(b);
	return rc;
}

/* --- what is there ----------------------------------------------------- */

/* Which of two rules (on one device) are there, under which handle. */
struct search {
	const struct rule *want;
	uint32_t handle[2]; /* 0 = not there */
};

static const struct nlattr *selector_in(const struct nlmsghdr *msg)
{
	const struct nlattr *a, *o, *ret = NULL;

	mnl_attr_for_each (a, msg, sizeof(struct tcmsg)) {
		if (mnl_attr_get_type(a) != TCA_OPTIONS)
			continue;
		mnl_attr_for_each_nested (o, a) {
			if (mnl_attr_get_type(o) == TCA_U32_SEL)
				ret = o;
		}
	}
	return ret;
}

static int compare_filter(const struct nlmsghdr *msg, void *arg)
{
	struct search *s = arg;
	const struct tcmsg *tc = mnl_nlmsg_get_payload(msg);
	const struct nlattr *a;
	struct selector sel;

	if (msg->nlmsg_type != RTM_NEWTFILTER)
		return 0;
	a = selector_in(msg);
	for (unsigned i = 0; a && i < 2; i++) {
		size_t len = selector_of(&s->want[i], &sel);
		const char *told = mnl_attr_get_payload(a);

		/* Only the keys: flags and hash may be told otherwise. */
		if (tc->tcm_info >> 16 == s->want[i].pref &&
		    mnl_attr_get_payload_len(a) == len &&
		    memcmp(told + sizeof(struct tc_u32_sel),
			   sel.bytes + sizeof(struct tc_u32_sel),
			   len - sizeof(struct tc_u32_sel)) == 0)
			s->handle[i] = tc->tcm_handle;
	}
	return 0;
}

static int find(struct nl *nl, struct search *s, struct err *reterr)
{
	struct request req;
	struct tcmsg *tc = start(&req, RTM_GETTFILTER, 0, s->want->ifindex);

	tc->tcm_parent = INGRESS_HANDLE;
	return nl_dump(nl, &req.msg, compare_filter, s, "list tc filters",
		       reterr);
}

/* --- add --------------------------------------------------------------- */

/* The requests of u32_add stand in this order. */
enum {
	AT_VBR_QDISC,
	AT_VEX_QDISC,
	AT_VIN_QDISC,
	AT_STRAIGHT,
	AT_EDITING = AT_STRAIGHT + STRAIGHT,
};

struct outcome {
	unsigned failed;     /* bit n: request n */
	int error;	     /* of the first */
	const char *missing; /* part of the kernel, by its first failure */
};

static const char *part_of_kernel(unsigned index)
{
	if (index < AT_STRAIGHT)
		return "sch_ingress";
	return index < AT_EDITING ? "cls_u32 or act_mirred" : "act_pedit";
}

static int note_failure(unsigned index, const struct nlmsghdr *req, int error,
			const char *text, void *arg)
{
	struct outcome *o = arg;

	(void)req;
	(void)text;
	o->failed |= 1u << index;
	/* The other workloads' or one left over. */
	if (index == AT_VBR_QDISC && error == EEXIST)
		return 0;
	if (o->error == 0) {
		o->error = error;
		/* Modules and built-in parts are told missing alike. */
		if (error == ENOENT || error == EOPNOTSUPP)
			o->missing = part_of_kernel(index);
	}
	return -error;
}

/* Only what this add has made. */
static void undo_add(struct nl *nl, const struct divert_endpoint *ep,
		     const struct outcome *o)
{
	struct rule back[BACK];
	struct search s = { .want = back };
	struct nl_batch b = { 0 };
	struct err ignored; /* the failure that led here is told */
	int rc = 0;

	rules_back(ep, back);
	if (!(o->failed & 1u << AT_VBR_QDISC))
		rc = add_qdisc(&b, RTM_DELQDISC, ep->vbr);
	else if (find(nl, &s, &ignored) == 0)
		for (unsigned i = 0; rc == 0 && i < BACK; i++)
			if (s.handle[i] != 0)
				rc = delete_rule(&b, &back[i], s.handle[i]);
	if (rc == 0 && !(o->failed & 1u << AT_VEX_QDISC))
		rc = add_qdisc(&b, RTM_DELQDISC, ep->vex);
	if (rc == 0 && !(o->failed & 1u << AT_VIN_QDISC))
		rc = add_qdisc(&b, RTM_DELQDISC, ep->vin);
	(void)send_batch(nl, &b, rc, "undo", &ignored);
}

static int build_add(struct nl_batch *b, const struct divert_endpoint *ep)
{
	struct rule straight[STRAIGHT], back[BACK], diverting[DIVERTING];
	int rc = add_qdisc(b, RTM_NEWQDISC, ep->vbr);

	rules_straight(ep, straight);
	rules_back(ep, back);
	rules_diverting(ep, diverting);
	if (rc == 0)
		rc = add_qdisc(b, RTM_NEWQDISC, ep->vex);
	if (rc == 0)
		rc = add_qdisc(b, RTM_NEWQDISC, ep->vin);
	if (rc == 0)
		rc = add_rules(b, straight, STRAIGHT);
	if (rc == 0)
		rc = add_rules(b, back, BACK);
	if (rc == 0 && ep->mode == DIVERT_INLINE)
		rc = add_rules(b, diverting, DIVERTING);
	return rc;
}

int u32_add(struct nl *nl, const struct divert_endpoint *ep, struct err *reterr)
{
	struct rule back[BACK];
	struct search s = { .want = back };
	struct outcome o = { 0 };
	struct nl_batch b = { 0 };
	struct err err;
	int rc;

	rules_back(ep, back);
	rc = find(nl, &s, reterr);
	if (rc < 0)
		return rc;
	if (s.handle[0] != 0 || s.handle[1] != 0)
		return err_set(reterr, EEXIST, NULL,
			       "mark %04x belongs to another workload",
			       be16_at(ep->mark + 4));
	rc = build_add(&b, ep);
	if (rc < 0) {
		nl_batch_done(&b);
		return err_set(reterr, -rc, NULL, "add tc rules: %s",
			       strerror(-rc));
	}
	rc = nl_batch_send(nl, &b, note_failure, &o, "add tc rules", &err);
	nl_batch_done(&b);
	if (rc == 0)
		return 0;
	undo_add(nl, ep, &o);
	if (o.missing)
		return err_set(reterr, EOPNOTSUPP, NULL,
			       "this kernel has no %s (%s)", o.missing,
			       err.text);
	return err_set(reterr, err.code, NULL, "%s", err.text);
}

/* --- the rest ---------------------------------------------------------- */

int u32_del(struct nl *nl, const struct divert_endpoint *ep, struct err *reterr)
{
	struct rule back[BACK];
	struct search s = { .want = back };
	struct nl_batch b = { 0 };
	int rc;

	rules_back(ep, back);
	rc = find(nl, &s, reterr);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; rc == 0 && i < BACK; i++)
		if (s.handle[i] != 0)
			rc = delete_rule(&b, &back[i], s.handle[i]);
	if (rc == 0)
		rc = add_qdisc(&b, RTM_DELQDISC, ep->vex);
	if (rc == 0)
		rc = add_qdisc(&b, RTM_DELQDISC, ep->vin);
	return send_batch(nl, &b, rc, "remove tc rules", reterr);
}

static int remove_diverting(struct nl_batch *b, const struct rule *diverting)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < DIVERTING; i++)
		rc = delete_rule(b, &diverting[i], 0);
	return rc;
}

int u32_set_mode(struct nl *nl, const struct divert_endpoint *ep,
		 enum divert_mode mode, struct err *reterr)
{
	struct rule diverting[DIVERTING];
	struct nl_batch b = { 0 };
	enum divert_mode now = DIVERT_PASS;
	struct err ignored; /* the first failure is told */
	int rc = u32_get_mode(nl, ep, &now, reterr);

	if (rc < 0 || now == mode)
		return rc;
	rules_diverting(ep, diverting);
	/* Also before adding: half of them would be doubled else. */
	rc = remove_diverting(&b, diverting);
	if (rc == 0 && mode == DIVERT_INLINE)
		rc = add_rules(&b, diverting, DIVERTING);
	rc = send_batch(nl, &b, rc, "change tc rules", reterr);
	if (rc < 0 && mode == DIVERT_INLINE)
		(void)send_batch(nl, &b, remove_diverting(&b, diverting),
				 "undo", &ignored);
	return rc;
}

int u32_get_mode(struct nl *nl, const struct divert_endpoint *ep,
		 enum divert_mode *ret, struct err *reterr)
{
	struct rule diverting[DIVERTING], straight[STRAIGHT], want[2];
	struct search s = { .want = want };
	int rc;

	rules_diverting(ep, diverting);
	rules_straight(ep, straight);
	want[0] = diverting[1]; /* vex, IPv4 */
	want[1] = straight[0];	/* vex */
	rc = find(nl, &s, reterr);
	if (rc < 0)
		return rc;
	if (s.handle[1] == 0)
		return err_set(reterr, ENOENT, NULL, "no tc rules on vex");
	*ret = s.handle[0] != 0 ? DIVERT_INLINE : DIVERT_PASS;
	return 0;
}
