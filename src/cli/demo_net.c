/*
 * Each thing that is made is written to the state file first where its name is
 * ours to choose, or at once afterwards, so that `weir demo splice --down` finds it
 * even after SIGKILL.
 *
 * Taking down goes backwards: the data planes, what is diverted in place (its
 * pins would outlive the namespace), the splice (so that the container's own
 * device is what it was), the devices on the host's side, the namespaces. A
 * namespace is deleted only if it is still the one we made.
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
#include "net/inplace.h"
#include "net/link.h"
#include "net/nl.h"

static const char *const ns_names[] = {
	[DEMO_HOST] = "host-ns",
	[DEMO_CONTAINER] = "container-ns",
	[DEMO_AGENT] = "agent-ns",
	[DEMO_WEB] = "web-ns",
};

static const struct {
	const char *host, *workload;
} addrs[DEMO_LAYOUT__MAX][DEMO_FAMILY__MAX] = {
	[DEMO_SPLICED] = { { "10.10.10.66", "10.10.10.88" },
			   { "fd00:10:10:10::66", "fd00:10:10:10::88" } },
	[DEMO_INPLACE] = { { "10.10.20.66", "10.10.20.88" },
			   { "fd00:10:10:20::66", "fd00:10:10:20::88" } },
};
static const unsigned prefix_bits[DEMO_FAMILY__MAX] = { 24, 64 };

struct ip_addr demo_addr(enum demo_layout layout, enum demo_family family)
{
	struct ip_addr a = { { 0 } };

	/* They are constants of ours, well-formed. */
	(void)ip_parse(addrs[layout][family].workload, &a);
	return a;
}

struct ip_addr demo_host_addr(enum demo_layout layout, enum demo_family family)
{
	struct ip_addr a = { { 0 } };

	(void)ip_parse(addrs[layout][family].host, &a); /* as above */
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

/* Is that address in one of the demo's networks? */
static bool is_in_use(struct ip_addr a)
{
	for (int i = 0; i < DEMO_LAYOUT__MAX; i++)
		if (ip_in_prefix(a, demo_addr(i, DEMO_IP4),
				 96 + prefix_bits[DEMO_IP4]))
			return true;
	return false;
}

/* --here: are 10.10.10.0/24 and 10.10.20.0/24 in use on this machine? */
static int check_prefix_free(struct err *reterr)
{
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
		if (is_in_use(ip_from_v4(ntohl(a.sin_addr.s_addr))))
			rc = err_set(reterr, EADDRINUSE, "--here",
				     "%s has an address in 10.10.10.0/24 or "
				     "10.10.20.0/24, which the demo uses; "
				     "without --here it stays in namespaces of "
				     "its own",
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
	if (inplace_is_used(&d->ns[DEMO_HOST]))
		return err_set(
			reterr, EBUSY, "--here",
			"something is diverted here in place; without "
			"--here the demo stays in namespaces of its own");
	d->state.ns[DEMO_HOST].dev = d->ns[DEMO_HOST].dev;
	d->state.ns[DEMO_HOST].ino = d->ns[DEMO_HOST].ino;
	return demo_state_save(&d->state, reterr);
}

/* Addresses of the layout that is told of: the host's, or the workload's. */
static int bring_up(struct demo *d, struct nl *nl, const char *dev,
		    struct ip_addr (*addr)(enum demo_layout, enum demo_family),
		    struct err *reterr)
{
	uint32_t index;
	int rc = link_index(nl, dev, &index, reterr);

	if (rc == 0)
		rc = link_set_up(nl, index, true, reterr);
	for (unsigned f = 0; rc == 0 && f < demo_families(d); f++)
		rc = link_add_addr(nl, index, addr(d->layout, f),
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
		rc = bring_up(d, host, DEMO_HOST_DEV, demo_host_addr, reterr);
	if (rc == 0)
		rc = bring_up(d, container, DEMO_CONTAINER_DEV, demo_addr,
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

/* --- the workload behind a bridge ------------------------------------- */

static int make_bridge(struct demo *d, struct nl *host, struct err *reterr)
{
	int rc = link_add_bridge(host, DEMO_BRIDGE, &d->state.bridge_ifindex,
				 reterr);

	if (rc == 0)
		rc = demo_state_save(&d->state, reterr);
	if (rc == 0)
		rc = bring_up(d, host, DEMO_BRIDGE, demo_host_addr, reterr);
	return rc;
}

static int make_web(struct demo *d, struct nl *host, struct nl *web,
		    struct err *reterr)
{
	struct veth_end a = { .name = DEMO_WEB_DEV };
	struct veth_end b = { .name = DEMO_CONTAINER_DEV,
			      .ns = &d->ns[DEMO_WEB] };
	uint32_t port = 0;
	int rc = make_bridge(d, host, reterr);

	(void)mac_parse(DEMO_WEB_MAC, &b.mac);
	if (rc == 0)
		rc = link_add_veth(host, &a, &b, reterr);
	if (rc == 0)
		rc = link_index(host, DEMO_WEB_DEV, &port, reterr);
	if (rc == 0)
		rc = link_set_master(host, port, d->state.bridge_ifindex,
				     reterr);
	if (rc == 0)
		rc = link_set_up(host, port, true, reterr);
	if (rc == 0)
		rc = bring_up(d, web, DEMO_CONTAINER_DEV, demo_addr, reterr);
	return rc;
}

int demo_net_web_up(struct demo *d, struct err *reterr)
{
	struct nl *host = NULL, *web = NULL;
	int rc = make_ns(d, DEMO_WEB, reterr);

	if (rc == 0)
		rc = nl_open(&d->ns[DEMO_HOST], &host, reterr);
	if (rc == 0)
		rc = nl_open(&d->ns[DEMO_WEB], &web, reterr);
	if (rc == 0)
		rc = make_web(d, host, web, reterr);
	nl_free(host);
	nl_free(web);
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

int demo_net_stop_dp(struct demo_state *s, enum demo_layout layout)
{
	struct demo_proc p = s->dp[layout];
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
	s->dp[layout] = (struct demo_proc){ 0 };
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

static int open_host(const struct demo_state *s, struct netns *ret,
		     struct err *reterr)
{
	return s->here ? netns_open_self(ret, reterr)
		       : netns_open(s->ns[DEMO_HOST].name, ret, reterr);
}

static int release_here(void *arg, struct err *reterr)
{
	const struct inplace_port web = { .dev = DEMO_WEB_DEV };
	const struct demo_state *s = arg;
	int rc;

	/* In a namespace of the demo's own, nothing else can be. */
	if (!s->here)
		return inplace_del_all(reterr);
	rc = inplace_del(&web, reterr);
	return rc == -ENOENT || rc == -ENODEV ? 0 : rc;
}

/* Its pins would outlive the namespace. */
static int release(struct demo_state *s, struct err *reterr)
{
	struct netns host = { .fd = -1 };
	int rc;

	if (!s->here && !still_there(&s->ns[DEMO_HOST]))
		return 0;
	rc = open_host(s, &host, reterr);
	if (rc < 0)
		return rc;
	if (host.ino == s->ns[DEMO_HOST].ino)
		rc = netns_call(&host, release_here, s, reterr);
	netns_done(&host);
	return rc;
}

static int delete_dev(struct nl *nl, const char *name, uint32_t ifindex,
		      uint32_t master, struct err *reterr)
{
	struct link_stat l;

	if (link_get(nl, name, &l, NULL) < 0 ||
	    (ifindex && l.ifindex != ifindex) || l.master != master)
		return 0; /* it is gone, or is another */
	return link_delete(nl, l.ifindex, reterr);
}

/*
 * The kernel removes a veth with its namespace, but some time later; in the
 * caller's own namespace (--here) all is to be gone when we are done.
 */
static int delete_host_devs(const struct demo_state *s, struct err *reterr)
{
	struct netns self = { .fd = -1 };
	struct nl *nl = NULL;
	int rc;

	if (!s->here)
		return 0;
	rc = netns_open_self(&self, reterr);
	if (rc == 0 && self.ino == s->ns[DEMO_HOST].ino)
		rc = nl_open(&self, &nl, reterr);
	if (nl && s->host_ifindex)
		rc = delete_dev(nl, DEMO_HOST_DEV, s->host_ifindex, 0, reterr);
	if (nl && rc == 0 && s->bridge_ifindex)
		rc = delete_dev(nl, DEMO_WEB_DEV, 0, s->bridge_ifindex, reterr);
	if (nl && rc == 0 && s->bridge_ifindex)
		rc = delete_dev(nl, DEMO_BRIDGE, s->bridge_ifindex, 0, reterr);
	nl_free(nl);
	netns_done(&self);
	return rc;
}

int demo_net_down(struct demo_state *s, struct err *reterr)
{
	struct err err = { 0 };
	int rc = 0, now;

	for (int i = 0; i < DEMO_LAYOUT__MAX; i++)
		(void)demo_net_stop_dp(s, i); /* however it ended */
	keep_first(&rc, release(s, &err), reterr, &err);
	if (still_there(&s->ns[DEMO_AGENT])) {
		now = splice_down_all(s->ns[DEMO_AGENT].name, &err);
		keep_first(&rc, now == -ENOENT ? 0 : now, reterr, &err);
	}
	keep_first(&rc, delete_host_devs(s, &err), reterr, &err);
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
