/*
 * TCX is newer than the libbpf we build with, so its link is made by bpf(2); the
 * numbers are the kernel's (include/uapi/linux/bpf.h, 6.6). On clsact ours is
 * the filter with OUR_PRIORITY and OUR_HANDLE: lower numbers than people choose
 * by habit come first, and both together are nobody else's. What we let go on
 * is TC_ACT_UNSPEC, which asks the next filter, too.
 *
 * Making a TCX link, or ending it, waits for the whole kernel: net/hurry.h.
 */
#include "net/hook.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bug.h"
#include "net/hurry.h"

#define OUR_HANDLE   0x77656972 /* "weir" */
#define OUR_PRIORITY 1

#define TCX_INGRESS 46
#define TCX_EGRESS  47
#define LINK_BEFORE (1u << 3) /* BPF_F_BEFORE; of nobody: first of all */

/* What BPF_OBJ_GET_INFO_BY_FD tells of such a link. */
struct tcx_link_info {
	uint32_t type, id, prog_id, zero;
	uint32_t ifindex; /* 0: the device is gone */
	uint32_t attach_type;
	uint64_t unused[6];
};

/* What bpf(BPF_PROG_QUERY) reads and writes for TCX. */
struct tcx_query {
	uint32_t target_ifindex, attach_type, query_flags, attach_flags;
	uint64_t prog_ids;
	uint32_t count, zero;
	uint64_t prog_attach_flags, link_ids, link_attach_flags, revision;
};
/* As many as the kernel attaches to one side (BPF_MPROG_MAX). */
#define TCX_PROGRAMS_MAX 64

/* What bpf(BPF_LINK_CREATE) reads for TCX. */
struct tcx_link {
	uint32_t prog_fd, target_ifindex, attach_type, flags;
	uint32_t relative_fd, zero;
	uint64_t expected_revision;
	uint64_t unused[6];
};

const char *hook_kind_name(enum hook_kind k)
{
	static const char *const names[] = { "none", "tcx", "clsact" };

	BUG_ON((unsigned)k >= sizeof names / sizeof *names);
	return names[k];
}

static int tcx_attach(uint32_t ifindex, enum hook_side side, int prog_fd)
{
	struct tcx_link attr = {
		.prog_fd = (uint32_t)prog_fd,
		.target_ifindex = ifindex,
		.attach_type = side == HOOK_INGRESS ? TCX_INGRESS : TCX_EGRESS,
		.flags = LINK_BEFORE,
	};
	struct hurry h = hurry_begin();
	int fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof attr);

	fd = fd < 0 ? -errno : fd;
	hurry_end(&h);
	return fd;
}

/* Without that the kernel would do it some time after the pin has gone. */
static void tcx_detach(const char *pin)
{
	struct hurry h;
	int fd = bpf_obj_get(pin);

	if (fd < 0)
		return;
	h = hurry_begin();
	(void)bpf_link_detach(fd); /* its device may have gone */
	hurry_end(&h);
	close(fd);
}

/* A kernel before 6.6 knows no such type of attachment. */
static bool has_no_tcx(int rc)
{
	return rc == -EINVAL || rc == -E2BIG || rc == -EOPNOTSUPP;
}

static struct bpf_tc_hook hook_of(uint32_t ifindex, enum hook_side side)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = (int)ifindex,
		.attach_point = side == HOOK_INGRESS ? BPF_TC_INGRESS
						     : BPF_TC_EGRESS,
	};
}

static struct bpf_tc_opts ours(void)
{
	return (struct bpf_tc_opts){ .sz = sizeof(struct bpf_tc_opts),
				     .handle = OUR_HANDLE,
				     .priority = OUR_PRIORITY };
}

static int clsact_attach(const struct hook *h, int prog_fd, bool *ret_made,
			 struct err *reterr)
{
	struct bpf_tc_hook hook = hook_of(h->ifindex, h->side);
	struct bpf_tc_opts opts = ours();
	int rc = bpf_tc_hook_create(&hook);

	if (rc < 0 && rc != -EEXIST)
		return err_set(reterr, -rc, NULL, "clsact qdisc: %s",
			       strerror(-rc));
	*ret_made |= rc == 0;
	opts.prog_fd = prog_fd;
	opts.flags = BPF_TC_F_REPLACE;
	rc = bpf_tc_attach(&hook, &opts);
	if (rc < 0)
		return err_set(reterr, -rc, NULL, "attach bpf filter: %s",
			       strerror(-rc));
	return 0;
}

int hook_attach(const struct hook *h, int prog_fd, bool only_clsact,
		bool *ret_made, struct err *reterr)
{
	int fd = only_clsact ? -EOPNOTSUPP
			     : tcx_attach(h->ifindex, h->side, prog_fd);
	int rc;

	if (has_no_tcx(fd))
		return clsact_attach(h, prog_fd, ret_made, reterr);
	if (fd < 0)
		return err_set(reterr, -fd, NULL, "attach by TCX: %s",
			       strerror(-fd));
	rc = bpf_obj_pin(fd, h->pin);
	/* a pin without a link is left by a device that went away */
	if (rc < 0 && errno == EEXIST && unlink(h->pin) == 0)
		rc = bpf_obj_pin(fd, h->pin);
	if (rc < 0)
		rc = err_set(reterr, errno, h->pin, "pin the link: %s",
			     strerror(errno));
	close(fd);
	return rc;
}

static int found(const struct nlmsghdr *msg, void *arg)
{
	if (msg->nlmsg_type == RTM_NEWTFILTER)
		*(bool *)arg = true;
	return 0;
}

/* Does anybody have a filter there? Who cannot be asked has. */
static bool is_used(struct nl *nl, uint32_t ifindex, uint32_t parent)
{
	_Alignas(struct nlmsghdr) char buf[NL_REQUEST_MAX];
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(msg, sizeof *tc);
	bool used = false;

	msg->nlmsg_type = RTM_GETTFILTER;
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)ifindex;
	tc->tcm_parent = parent;
	return nl_dump(nl, msg, found, &used, "list tc filters", NULL) < 0 ||
	       used;
}

/* Takes the whole qdisc off, unless others use it. */
static void remove_qdisc(struct nl *nl, uint32_t ifindex)
{
	struct bpf_tc_hook both = hook_of(ifindex, HOOK_INGRESS);

	if (is_used(nl, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)) ||
	    is_used(nl, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)))
		return;
	both.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	/* an empty qdisc that stays does nothing */
	(void)bpf_tc_hook_destroy(&both);
}

int hook_detach(struct nl *nl, const struct hook *h, bool with_qdisc,
		struct err *reterr)
{
	struct bpf_tc_hook hook = hook_of(h->ifindex, h->side);
	struct bpf_tc_opts opts = ours();
	int rc;

	tcx_detach(h->pin);
	if (unlink(h->pin) < 0 && errno != ENOENT)
		return err_set(reterr, errno, h->pin, "unpin the link: %s",
			       strerror(errno));
	rc = bpf_tc_detach(&hook, &opts);
	if (rc < 0 && rc != -ENOENT && rc != -ENODEV && rc != -EINVAL)
		return err_set(reterr, -rc, NULL, "remove bpf filter: %s",
			       strerror(-rc));
	if (with_qdisc)
		remove_qdisc(nl, h->ifindex);
	return 0;
}

/* false: nothing is pinned there that can be asked. */
static bool ask_link(const char *pin, struct tcx_link_info *ret)
{
	uint32_t len = sizeof *ret;
	int fd = bpf_obj_get(pin), rc;

	*ret = (struct tcx_link_info){ 0 };
	if (fd < 0)
		return false;
	rc = bpf_obj_get_info_by_fd(fd, ret, &len);
	close(fd);
	return rc == 0;
}

/* Is it pinned, and does it stand where it says? A pin outlives the device. */
static bool has_link(const struct hook *h)
{
	struct tcx_link_info info;

	return ask_link(h->pin, &info) && info.ifindex == h->ifindex;
}

bool hook_is_first(const struct hook *h)
{
	uint32_t progs[TCX_PROGRAMS_MAX], links[TCX_PROGRAMS_MAX] = { 0 };
	struct tcx_query q = {
		.target_ifindex = h->ifindex,
		.attach_type = h->side == HOOK_INGRESS ? TCX_INGRESS
						       : TCX_EGRESS,
		.prog_ids = (uintptr_t)progs,
		.count = TCX_PROGRAMS_MAX,
		.link_ids = (uintptr_t)links,
	};
	struct tcx_link_info ours;

	if (syscall(SYS_bpf, BPF_PROG_QUERY, &q, sizeof q) < 0 || q.count == 0)
		return true;
	return ask_link(h->pin, &ours) && links[0] == ours.id;
}

bool hook_pin_is_dead(const char *pin)
{
	struct tcx_link_info info;

	return ask_link(pin, &info) && info.ifindex == 0;
}

enum hook_kind hook_find(const struct hook *h)
{
	struct bpf_tc_hook hook = hook_of(h->ifindex, h->side);
	struct bpf_tc_opts opts = ours();

	if (has_link(h))
		return HOOK_TCX;
	return bpf_tc_query(&hook, &opts) == 0 ? HOOK_CLSACT : HOOK_NONE;
}
