/*
 * Each thing that is made is written to the state file first where its name is
 * ours to choose, or at once afterwards, so that `weir demo --down` finds it
 * even after SIGKILL.
 *
 * Taking down goes backwards: the data plane, the splice (so that the
 * container's own device is what it was), the device on the host's side, the
 * namespaces. A namespace is deleted only if it is still the one we made.
 */
#include "cli/demo_net.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "net/link.h"
#include "net/nl.h"

static const char *const ns_names[] = {
	[DEMO_HOST] = "host-ns",
	[DEMO_CONTAINER] = "container-ns",
	[DEMO_AGENT] = "agent-ns",
};

static const char *const addrs[DEMO_ROLE__MAX][DEMO_FAMILY__MAX] = {
	[DEMO_HOST] = { "10.10.10.66", "fd00:10:10:10::66" },
	[DEMO_CONTAINER] = { "10.10.10.88", "fd00:10:10:10::88" },
};
static const unsigned prefix_bits[DEMO_FAMILY__MAX] = { 24, 64 };

struct ip_addr demo_addr(enum demo_role role, enum demo_family family)
{
	struct ip_addr a = { { 0 } };

	/* They are constants of ours, well-formed. */
	(void)ip_parse(addrs[role][family], &a);
	return a;
}

const char *demo_ns_name(const struct demo *d, enum demo_role role)
{
	return d->state.ns[role].name[0] ? d->state.ns[role].name : "this host";
}

/* NAME, NAME2, ... whichever is free; another demo may run as well. */
static int make_ns(struct demo *d, enum demo_role role, struct err *reterr)
{
	struct demo_ns *ns = &d->state.ns[role];
	char name[DEMO_NAME_MAX];
	int rc = -EEXIST;

	for (unsigned i = 1; i <= DEMO_NAME_TRIES && rc == -EEXIST; i++) {
		(void)snprintf(name, sizeof name, i == 1 ? "%s" : "%s%u",
			       ns_names[role], i);
		rc = netns_create(name, reterr);
	}
	if (rc < 0)
		return rc;
	rc = netns_open(name, &d->ns[role], reterr);
	if (rc < 0) {
		(void)netns_delete(name, NULL);
		return rc;
	}
	memcpy(ns->name, name, sizeof ns->name);
	ns->dev = d->ns[role].dev;
	ns->ino = d->ns[role].ino;
	return demo_state_save(&d->state, reterr);
}

/* --here: is 10.10.10.0/24 in use on this machine? */
static int check_prefix_free(struct err *reterr)
{
	struct ip_addr net = demo_addr(DEMO_HOST, DEMO_IP4);
	struct ifaddrs *list;
	struct sockaddr_in a;
	int rc = 0;

	if (getifaddrs(&list) < 0)
		return err_set(reterr, errno, NULL, "list addresses: %s",
			       strerror(errno));
	for (struct ifaddrs *i = list; i && rc == 0; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
			continue;
		memcpy(&a, i->ifa_addr, sizeof a);
		if (ip_in_prefix(ip_from_v4(ntohl(a.sin_addr.s_addr)), net,
				 96 + prefix_bits[DEMO_IP4]))
			rc = err_set(reterr, EADDRINUSE, "--here",
				     "%s has an address in 10.10.10.0/24, "
				     "which the demo uses; without --here it "
				     "stays in namespaces of its own",
				     i->ifa_name);
	}
	freeifaddrs(list);
	return rc;
}

static int make_host(struct demo *d, struct err *reterr)
{
	int rc;

	if (!d->opt.here)
		return make_ns(d, DEMO_HOST, reterr);
	rc = check_prefix_free(reterr);
	if (rc < 0)
		return rc;
	rc = netns_open_self(&d->ns[DEMO_HOST], reterr);
	if (rc < 0)
		return rc;
	d->state.ns[DEMO_HOST].dev = d->ns[DEMO_HOST].dev;
	d->state.ns[DEMO_HOST].ino = d->ns[DEMO_HOST].ino;
	return demo_state_save(&d->state, reterr);
}

static int bring_up(struct demo *d, struct nl *nl, enum demo_role role,
		    const char *dev, struct err *reterr)
{
	uint32_t index;
	int rc = link_index(nl, dev, &index, reterr);

	if (rc == 0)
		rc = link_set_up(nl, index, true, reterr);
	for (unsigned f = 0; rc == 0 && f < demo_families(d); f++)
		rc = link_add_addr(nl, index, demo_addr(role, f),
				   prefix_bits[f], reterr);
	return rc;
}

static int make_veth(struct demo *d, struct nl *host, struct nl *container,
		     struct err *reterr)
{
	struct veth_end a = { .name = DEMO_HOST_DEV };
	struct veth_end b = { .name = DEMO_CONTAINER_DEV,
			      .ns = &d->ns[DEMO_CONTAINER] };
	int rc;

	(void)mac_parse(DEMO_HOST_MAC, &a.mac);
	(void)mac_parse(DEMO_CONTAINER_MAC, &b.mac);
	rc = link_add_veth(host, &a, &b, reterr);
	if (rc == 0)
		rc = link_index(host, DEMO_HOST_DEV, &d->state.host_ifindex,
				reterr);
	if (rc == 0)
		rc = demo_state_save(&d->state, reterr);
	if (rc == 0)
		rc = bring_up(d, host, DEMO_HOST, DEMO_HOST_DEV, reterr);
	if (rc == 0)
		rc = bring_up(d, container, DEMO_CONTAINER, DEMO_CONTAINER_DEV,
			      reterr);
	return rc;
}

int demo_net_up(struct demo *d, struct err *reterr)
{
	struct nl *host = NULL, *container = NULL;
	int rc;

	d->state.here = d->opt.here;
	rc = make_host(d, reterr);
	if (rc == 0)
		rc = make_ns(d, DEMO_CONTAINER, reterr);
	if (rc == 0)
		rc = make_ns(d, DEMO_AGENT, reterr);
	if (rc == 0)
		rc = nl_open(&d->ns[DEMO_HOST], &host, reterr);
	if (rc == 0)
		rc = nl_open(&d->ns[DEMO_CONTAINER], &container, reterr);
	if (rc == 0)
		rc = make_veth(d, host, container, reterr);
	nl_free(host);
	nl_free(container);
	return rc;
}

/* --- down ------------------------------------------------------------- */

/* Our child or not: true when it has ended within ms. */
static bool wait_gone(const struct demo_proc *p, int ms)
{
	int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int rc;

	if (fd < 0)
		return errno == ESRCH;
	do {
		/* A signal that interrupts asks for what we are doing. */
		rc = poll(&pfd, 1, ms);
	} while (rc < 0 && errno == EINTR);
	close(fd);
	return rc > 0;
}

int demo_net_stop_dp(struct demo_state *s)
{
	struct demo_proc p = s->dp;
	int status;
	pid_t rc;

	if (p.pid <= 0)
		return -1;
	if (demo_proc_alive(&p)) {
		(void)kill(p.pid, SIGTERM);
		if (!wait_gone(&p, DEMO_DP_STOP_WAIT_MS)) {
			(void)kill(-p.pid, SIGKILL);
			(void)wait_gone(&p, DEMO_DP_STOP_WAIT_MS);
		}
	}
	do {
		/* ECHILD: not our child, --down ends another's. */
		rc = waitpid(p.pid, &status, 0);
	} while (rc < 0 && errno == EINTR);
	s->dp = (struct demo_proc){ 0 };
	if (rc < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool still_there(const struct demo_ns *ns)
{
	struct netns now;
	bool same;

	if (!ns->name[0] || netns_open(ns->name, &now, NULL) < 0)
		return false;
	same = now.dev == ns->dev && now.ino == ns->ino;
	netns_done(&now);
	return same;
}

static void keep_first(int *rc, int now, struct err *reterr,
		       const struct err *err)
{
	if (*rc < 0 || now >= 0)
		return;
	*rc = now;
	if (reterr)
		*reterr = *err;
}

/*
 * The kernel removes a veth with its namespace, but some time later; in the
 * caller's own namespace (--here) it is to be gone when we are done.
 */
static int delete_host_dev(const struct demo_state *s, struct err *reterr)
{
	struct netns self = { .fd = -1 };
	struct nl *nl = NULL;
	uint32_t index;
	int rc;

	if (!s->here || s->host_ifindex == 0)
		return 0;
	rc = netns_open_self(&self, reterr);
	if (rc < 0)
		return rc;
	if (self.ino == s->ns[DEMO_HOST].ino &&
	    nl_open(&self, &nl, NULL) == 0 &&
	    link_index(nl, DEMO_HOST_DEV, &index, NULL) == 0 &&
	    index == s->host_ifindex)
		rc = link_delete(nl, index, reterr);
	nl_free(nl);
	netns_done(&self);
	return rc;
}

int demo_net_down(struct demo_state *s, struct err *reterr)
{
	struct err err = { 0 };
	int rc = 0, now;

	(void)demo_net_stop_dp(s); /* however it ended */
	if (still_there(&s->ns[DEMO_AGENT])) {
		now = splice_down_all(s->ns[DEMO_AGENT].name, &err);
		keep_first(&rc, now == -ENOENT ? 0 : now, reterr, &err);
	}
	if (still_there(&s->ns[DEMO_CONTAINER]))
		keep_first(&rc, delete_host_dev(s, &err), reterr, &err);
	for (int i = 0; i < DEMO_ROLE__MAX; i++) {
		if (!still_there(&s->ns[i]))
			continue;
		now = netns_delete(s->ns[i].name, &err);
		keep_first(&rc, now, reterr, &err);
		if (now == 0)
			s->ns[i].name[0] = '\0';
	}
	/* What could not be taken down must be found again. */
	if (rc == 0)
		keep_first(&rc, demo_state_remove(s, &err), reterr, &err);
	return rc;
}
