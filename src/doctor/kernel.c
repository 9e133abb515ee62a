/*
 * What this kernel does, each thing done once in a network namespace that ends with
 * the try; versions are told, and decide nothing.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/file.h"
#include "doctor/checks.h"
#include "net/link.h"
#include "net/netns.h"
#include "ring/ring.h"

/* One line of a small file, without its end; false: it is not there. */
static bool line_of(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	bool got = f && fgets(buf, (int)size, f);

	if (f)
		(void)fclose(f); /* only read */
	if (got)
		buf[strcspn(buf, "\n")] = '\0';
	return got;
}

/* --- tries ---------------------------------------------------------------------- */

static int add_pair(struct nl **ret_nl, struct err *reterr)
{
	struct veth_end a = { .name = "dr0" }, b = { .name = "dr1" };
	uint32_t index = 0;
	int rc = nl_open(NULL, ret_nl, reterr);

	if (rc == 0)
		rc = link_add_veth(*ret_nl, &a, &b, reterr);
	if (rc == 0)
		rc = link_index(*ret_nl, "dr0", &index, reterr);
	/* or there is nothing to be heard */
	return rc < 0 ? rc : link_set_up(*ret_nl, index, true, reterr);
}

static int try_nothing(void *arg, struct err *reterr)
{
	return 0;
}

static int try_veth(void *arg, struct err *reterr)
{
	struct nl *nl = NULL;
	int rc = add_pair(&nl, reterr);

	nl_free(nl);
	return rc;
}

/* A device of that kind, over dr0. */
static int try_kind(void *arg, struct err *reterr)
{
	char buf[NL_REQUEST_MAX];
	struct nlmsghdr *req = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *m;
	struct nlattr *info;
	struct nl *nl = NULL;
	uint32_t lower = 0;
	int rc = add_pair(&nl, reterr);

	if (rc == 0)
		rc = link_index(nl, "dr0", &lower, reterr);
	req->nlmsg_type = RTM_NEWLINK;
	req->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	m = mnl_nlmsg_put_extra_header(req, sizeof *m);
	m->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(req, IFLA_IFNAME, "dr2");
	if (strcmp(arg, "bridge") != 0)
		mnl_attr_put_u32(req, IFLA_LINK, lower);
	info = mnl_attr_nest_start(req, IFLA_LINKINFO);
	mnl_attr_put_strz(req, IFLA_INFO_KIND, arg);
	mnl_attr_nest_end(req, info);
	if (rc == 0)
		rc = nl_ask(nl, req, arg, reterr);
	nl_free(nl);
	return rc;
}

static int try_socket(void *arg, struct err *reterr)
{
	int rc = try_veth(NULL, reterr), fd;

	if (rc < 0)
		return rc;
	fd = ring_packet_open("dr0", false, reterr);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int try_group(void *arg, struct err *reterr)
{
	int fds[2] = { -1, -1 };
	int rc = try_veth(NULL, reterr);

	if (rc == 0)
		rc = ring_packet_open_group("dr0", 2, fds, reterr);
	for (int k = 0; k < 2 && rc == 0; k++)
		close(fds[k]);
	return rc;
}

static int try_nfqueue(void *arg, struct err *reterr)
{
	int fd = ring_nfq_open(0, reterr);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

struct
try {
	struct doctor_check check; /* its result: what a failure is */
	int (*fn)(void *arg, struct err *reterr);
	const char *arg, *found;
};

static const struct try tries[] = {
	{ { "network namespaces", DOCTOR_MISSING,
	    "Weir tries and works in them", "a kernel with CONFIG_NET_NS" },
	  try_nothing,
	  NULL,
	  "made one" },
	{ { "veth", DOCTOR_MISSING, "containers' ports and Weir's are such",
	    "a kernel with CONFIG_VETH, or modprobe veth" },
	  try_veth,
	  NULL,
	  "made a pair" },
	{ { "bridge", DOCTOR_LIMITED, "weir demo needs it; Weir does not",
	    "modprobe bridge" },
	  try_kind,
	  "bridge",
	  "made one" },
	{ { "macvlan", DOCTOR_LIMITED,
	    "containers cannot have such ports here, which Weir would divert "
	    "by moving them",
	    NULL },
	  try_kind,
	  "macvlan",
	  "made one" },
	{ { "packet socket", DOCTOR_MISSING,
	    "weir-dp gets frames by it, whole and with offloads "
	    "(PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING: Linux 4.20)",
	    "a kernel with CONFIG_PACKET, or modprobe af_packet" },
	  try_socket,
	  NULL,
	  "opened one, with vnet headers" },
	{ { "packet fanout", DOCTOR_LIMITED,
	    "weir-dp works with one worker only (data_plane.workers: 1)",
	    "leave it at one worker" },
	  try_group,
	  NULL,
	  "two sockets share a device's frames, by a program" },
	{ { "NFQUEUE", DOCTOR_LIMITED,
	    "only ports that NeuVector's agent asks for by NFQUEUE need it",
	    "modprobe nfnetlink_queue, if you need those" },
	  try_nfqueue,
	  NULL,
	  "bound a queue" },
};

static void tell_tries(struct doctor *d)
{
	for (size_t n = 0; n < sizeof tries / sizeof *tries; n++) {
		const struct try *t = &tries[n];
		struct doctor_check c = t->check;
		struct err err = { 0 };
		int rc = netns_call_scratch(t->fn, (void *)(uintptr_t)t->arg,
					    &err);

		if (rc >= 0) {
			c = (struct doctor_check){ .name = c.name };
			doctor_tell(d, &c, "%s", t->found);
			continue;
		}
		c.result = doctor_result_of(rc, c.result);
		if (c.result == DOCTOR_NOT_LOOKED)
			c.todo = DOCTOR_AS_ROOT;
		doctor_tell(d, &c, "%s", err.text);
	}
}

/* --- what is read ------------------------------------------------------------------ */

static void tell_version(struct doctor *d)
{
	struct utsname u;

	if (uname(&u) == 0)
		doctor_tell(d, &(struct doctor_check){ .name = "version" },
			    "%.60s %.60s, %.20s (what it can do is tried)",
			    u.sysname, u.release, u.machine);
}

static void tell_btf(struct doctor *d)
{
	bool there = access("/sys/kernel/btf/vmlinux", R_OK) == 0;

	doctor_tell(d, &(struct doctor_check){ .name = "BTF" },
		    "%s; Weir's programs do without",
		    there ? "/sys/kernel/btf/vmlinux is there"
			  : "/sys/kernel/btf/vmlinux is not there");
}

static void tell_sandbox(struct doctor *d)
{
	struct doctor_check c = { .name = "seccomp" };
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) {
		doctor_tell(d, &c, "is there, for weir-dp's own filter");
		return;
	}
	c.result = DOCTOR_LIMITED;
	c.means = "weir-dp works without its filter of system calls: who "
		  "breaks into it may do more";
	c.todo = "a kernel with CONFIG_SECCOMP_FILTER";
	doctor_tell(d, &c, "%s", strerror(errno));
}

static void tell_bpf_switches(struct doctor *d)
{
	struct doctor_check c = { .name = "BPF's switches" };
	char jit[8] = "?", unprivileged[8] = "?";
	bool known =
		line_of("/proc/sys/net/core/bpf_jit_enable", jit, sizeof jit);

	known |= line_of("/proc/sys/kernel/unprivileged_bpf_disabled",
			 unprivileged, sizeof unprivileged);
	if (!known) {
		c.result = DOCTOR_NOT_LOOKED;
	} else if (strcmp(jit, "0") == 0) {
		c.result = DOCTOR_LIMITED;
		c.means = "programs are interpreted: each frame takes longer";
		c.todo = "sysctl -w net.core.bpf_jit_enable=1";
	} else if (strcmp(unprivileged, "0") == 0) {
		c.result = DOCTOR_LIMITED;
		c.means = "any user may load programs; Weir does not need "
			  "that, and kernels have had holes there";
		c.todo = "sysctl -w kernel.unprivileged_bpf_disabled=1";
	}
	doctor_tell(d, &c, "bpf_jit_enable %s, unprivileged_bpf_disabled %s",
		    jit, unprivileged);
}

static void tell_rp_filter(struct doctor *d)
{
	char all[8] = "?";

	(void)line_of("/proc/sys/net/ipv4/conf/all/rp_filter", all, sizeof all);
	doctor_tell(d, &(struct doctor_check){ .name = "rp_filter" },
		    "%s for all; frames come back at the device they were "
		    "taken from, so any value will do",
		    all);
}

static void tell_modules(struct doctor *d)
{
	struct doctor_check c = { .name = "security modules" };
	char lsm[200] = "", lockdown[80] = "";
	bool known = line_of("/sys/kernel/security/lsm", lsm, sizeof lsm);

	(void)line_of("/sys/kernel/security/lockdown", lockdown,
		      sizeof lockdown);
	if (!known) {
		c.result = DOCTOR_NOT_LOOKED;
		c.todo = "mount -t securityfs securityfs "
			 "/sys/kernel/security, if a try above is refused";
		doctor_tell(d, &c, "securityfs is not mounted");
		return;
	}
	if (strstr(lockdown, "[confidentiality]"))
		c.means = "lockdown keeps programs from reading the kernel; "
			  "Weir's read frames only";
	doctor_tell(d, &c, "%s%s%s", lsm, lockdown[0] ? "; lockdown: " : "",
		    lockdown);
}

static void tell_conntrack(struct doctor *d)
{
	struct doctor_check c = { .name = "conntrack" };
	char count[24] = "", max[24] = "";
	unsigned long long have, room;

	if (!line_of("/proc/sys/net/netfilter/nf_conntrack_count", count,
		     sizeof count) ||
	    !line_of("/proc/sys/net/netfilter/nf_conntrack_max", max,
		     sizeof max)) {
		doctor_tell(d, &c,
			    "is not used here; Weir follows "
			    "connections itself");
		return;
	}
	have = strtoull(count, NULL, 10);
	room = strtoull(max, NULL, 10);
	if (room && have >= room / 10 * 9) {
		c.result = DOCTOR_LIMITED;
		c.means = "full, the kernel drops new connections, whatever "
			  "Weir says of them";
		c.todo = "sysctl -w net.netfilter.nf_conntrack_max=...";
	}
	doctor_tell(d, &c,
		    "%llu of %llu connections; Weir follows them "
		    "itself",
		    have, room);
}

static void tell_memory(struct doctor *d)
{
	struct doctor_check c = { .name = "memory" };
	struct err err = { 0 };
	uint64_t limit = 0;
	int rc = cgroup_memory_limit("", &limit, &err);

	if (rc < 0) {
		c.result = DOCTOR_LIMITED;
		c.means = "weir-dp's tables do not fit themselves to the "
			  "control group's limit";
		c.todo = "mount the control groups (/sys/fs/cgroup)";
		doctor_tell(d, &c, "%s", err.text);
		return;
	}
	if (limit == 0) {
		doctor_tell(d, &c, "no limit by a control group");
		return;
	}
	if (limit < (uint64_t)DOCTOR_MEMORY_MB << 20) {
		c.result = DOCTOR_LIMITED;
		c.means = "weir-dp makes its tables smaller: fewer flows, "
			  "streams and signatures at a time";
		c.todo = "give it more (docs/operating.md has sizes)";
	}
	doctor_tell(d, &c, "%llu MB by a control group",
		    (unsigned long long)(limit >> 20));
}

void doctor_kernel(struct doctor *d)
{
	d->group = "kernel";
	tell_version(d);
	tell_tries(d);
	tell_btf(d);
	tell_sandbox(d);
	tell_bpf_switches(d);
	tell_rp_filter(d);
	tell_modules(d);
	tell_conntrack(d);
	tell_memory(d);
}
