/*
 * The two layouts, done for real: devices like a workload's in namespaces of their own,
 * diverted by the functions that the agent calls, with Weir's own programs. They
 * end with the thread that made them, and with them all that was pinned: it has a
 * mount namespace of its own, with a new bpffs, and a switch of the kernel's that
 * would be set for a moment is covered there.
 *
 *	scratch namespace           another one
 *	dr0 ═══════════════════════ dr1
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "doctor/checks.h"
#include "net/bpffs.h"
#include "net/inplace.h"
#include "net/link.h"
#include "net/probe.h"

#define BPFFS_NUMBER 0xcafe4a11
#define HURRY_SWITCH "/sys/kernel/rcu_expedited"

struct attempt {
	int rc;
	struct err err;
	const char *step; /* what was tried when it failed */
	enum hook_kind hook;
};

static int own_mounts(struct err *reterr)
{
	if (unshare(CLONE_NEWNS) < 0)
		return err_set(reterr, errno, NULL, "a mount namespace: %s",
			       strerror(errno));
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(reterr, errno, NULL, "keeping mounts apart: %s",
			       strerror(errno));
	/* where it is not there, nothing is set either */
	(void)mount("/dev/null", HURRY_SWITCH, NULL, MS_BIND, NULL);
	return 0;
}

static int own_bpffs(struct err *reterr)
{
	if (mount("bpf", BPFFS_ROOT, "bpf", 0, NULL) < 0)
		return err_set(reterr, errno, BPFFS_ROOT,
			       "cannot be mounted: %s", strerror(errno));
	return 0;
}

/* dr0 here, its other end in `other`. */
static int make_port(const struct netns *other, struct err *reterr)
{
	struct veth_end here = { .name = "dr0" };
	struct veth_end there = { .name = "dr1", .ns = other };
	struct nl *nl = NULL;
	uint32_t index = 0;
	int rc = nl_open(NULL, &nl, reterr);

	if (rc == 0)
		rc = link_add_veth(nl, &here, &there, reterr);
	if (rc == 0)
		rc = link_index(nl, "dr0", &index, reterr);
	if (rc == 0)
		rc = link_set_up(nl, index, true, reterr);
	nl_free(nl);
	return rc;
}

static int divert_it(struct attempt *a)
{
	struct inplace_spec spec = { .port = { .dev = "dr0" },
				     .mark = INPLACE_MARK_AUTO,
				     .mode = INPLACE_INLINE };
	struct inplace_stat stat = { 0 };
	int rc = inplace_add(&spec, &stat, &a->err);

	if (rc == 0)
		a->hook = stat.hooks[0];
	return rc;
}

static int attempt(struct attempt *a)
{
	struct netns other = { .fd = -1 };
	int rc;

	a->step = "namespaces";
	rc = own_mounts(&a->err);
	if (rc == 0 && unshare(CLONE_NEWNET) < 0)
		rc = err_set(&a->err, errno, NULL, "a network namespace: %s",
			     strerror(errno));
	if (rc == 0)
		rc = netns_open("/proc/thread-self/ns/net", &other, &a->err);
	if (rc == 0 && unshare(CLONE_NEWNET) < 0)
		rc = err_set(&a->err, errno, NULL, "a network namespace: %s",
			     strerror(errno));
	if (rc == 0) {
		a->step = "veth devices";
		rc = make_port(&other, &a->err);
	}
	if (rc == 0) {
		a->step = "bpffs";
		rc = own_bpffs(&a->err);
	}
	if (rc == 0) {
		a->step = "programs";
		rc = divert_it(a);
	}
	netns_done(&other);
	return rc;
}

static void *attempt_main(void *arg)
{
	struct attempt *a = arg;

	a->rc = attempt(a);
	return NULL;
}

/* In a thread, which takes all that it made along. */
static int try_in_place(struct attempt *a)
{
	sigset_t all, before;
	pthread_t thread;
	int rc;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before); /* cannot fail */
	rc = pthread_create(&thread, NULL, attempt_main, a);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return err_set(&a->err, rc, NULL, "a thread: %s", strerror(rc));
	(void)pthread_join(thread, NULL); /* it is joinable */
	return a->rc;
}

static void tell_in_place(struct doctor *d)
{
	struct doctor_check c = { .name = "divert a port in place" };
	struct attempt a = { .step = "threads" };
	int rc = try_in_place(&a);

	if (rc == 0 && a.hook == HOOK_TCX) {
		doctor_tell(d, &c, "done with a veth of its own, by TCX links");
		return;
	}
	if (rc == 0) {
		c.result = DOCTOR_LIMITED;
		c.means = "programs of others that are attached later may "
			  "come before Weir's (kernels before 6.6 have no "
			  "TCX)";
		c.todo = "if a CNI has programs on the same devices (below), "
			 "start the agent after it; or a kernel from 6.6 on";
		doctor_tell(d, &c, "done with a veth of its own, by %s",
			    hook_kind_name(a.hook));
		return;
	}
	c.result = doctor_result_of(rc, DOCTOR_MISSING);
	c.means = "this is how Weir diverts containers: without it, only "
		  "ports that are moved (weir splice)";
	c.todo = c.result == DOCTOR_NOT_LOOKED
			 ? "run weir doctor as root, with CAP_BPF, "
			   "CAP_NET_ADMIN and CAP_SYS_ADMIN"
			 : "a kernel with CONFIG_BPF_SYSCALL, "
			   "CONFIG_NET_CLS_BPF, CONFIG_NET_SCH_INGRESS and "
			   "CONFIG_VETH";
	doctor_tell(d, &c, "%s: %s%s%s", a.step, a.err.at,
		    a.err.at[0] ? ": " : "", a.err.text);
}

static void tell_splice(struct doctor *d)
{
	struct doctor_check c = { .name = "divert a port by moving it" };
	enum redirector r = REDIRECTOR_BPF;
	struct err err = { 0 };
	int rc = probe_best(&r, &err);

	if (rc == 0) {
		doctor_tell(d, &c, "redirecting done by %s",
			    r == REDIRECTOR_BPF ? "BPF" : "u32 filters");
		return;
	}
	c.result =
		doctor_result_of(geteuid() == 0 ? rc : -EPERM, DOCTOR_LIMITED);
	c.means = "ports without a host's side (macvlan, ipvlan, SR-IOV) are "
		  "left alone";
	doctor_tell(d, &c, "%s", err.text);
}

static void tell_bpffs(struct doctor *d)
{
	struct doctor_check c = { .name = BPFFS_ROOT };
	struct statfs s;

	if (statfs(BPFFS_ROOT, &s) == 0 &&
	    (unsigned long)s.f_type == BPFFS_NUMBER) {
		doctor_tell(d, &c, "is mounted");
		return;
	}
	if (access("/sys/fs", F_OK) < 0) {
		c.result = DOCTOR_MISSING;
		c.todo = "mount -t sysfs sysfs /sys";
	} else {
		c.result = DOCTOR_LIMITED;
		c.todo = "mount -t bpf bpf /sys/fs/bpf, also for the next "
			 "start (fstab); in a container, the host's";
	}
	c.means = "what is diverted is kept there; the agent mounts it if it "
		  "may, and in a container of its own that ends with it";
	doctor_tell(d, &c, "is not mounted");
}

void doctor_layouts(struct doctor *d)
{
	d->group = "diversion";
	tell_bpffs(d);
	tell_in_place(d);
	tell_splice(d);
}
