/*
 * A port's way:
 *
 *   listened  the data plane of the host has a socket in the workload's
 *             namespace (ctrl_add_tap_port); nothing is moved
 *     │ protect, quarantine, a rule that denies it something
 *     ▼
 *   spliced   its device is in namespace "weir", and a veth in its place; the
 *     │       data plane there decides. On hold and in quarantine that one knows
 *     ▼       nothing of it, and drops
 *   listened again, or free
 *
 * Splicing cuts the workload off for 12 to 50 ms (net/splice.c), once each way;
 * connections survive. So what is only watched is not spliced, also not by
 * guard.watch, and in discover a new one is not held for what rules may deny it.
 *
 * While its data plane is away nothing passes, unless on_failure says open, or it
 * is only watched: then the kernel is told to let it pass when the connection to
 * the data plane ends. One that hangs is not seen by that.
 *
 * Nothing is remembered here that the kernel does not have: each spliced device
 * has its record (net/splice.h). What an agent that was killed left half made is
 * finished or put back at the next start, or when the workload is seen again. A
 * device whose workload is gone is swept away, but only once all runtimes have
 * told what there is.
 */
#include "agent/guard_splice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/guard.h"
#include "agent/inventory.h"
#include "agent/policy.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/splice.h"

#define SWEEP_US (USEC_PER_SEC)

struct splicer {
	struct netns ns; /* owned */
	struct nl *nl;	 /* there; owned */
	struct loop_timer sweep;
};

/* --- the namespace ----------------------------------------------------------- */

static void sweep(void *arg);

static void free_splicer(struct splicer *s)
{
	if (!s)
		return;
	nl_free(s->nl);
	netns_done(&s->ns);
	free(s);
}

/* The namespace that is there. -EINVAL: only its name is. */
static int open_splicer(struct agent *a, struct err *reterr)
{
	struct splicer *s = calloc(1, sizeof *s);
	int rc;

	if (!s)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	s->ns.fd = -1;
	s->sweep.fn = sweep;
	s->sweep.arg = a;
	rc = netns_open(SPLICER_NETNS, &s->ns, reterr);
	if (rc == 0)
		rc = nl_open(&s->ns, &s->nl, reterr);
	if (rc < 0) {
		free_splicer(s);
		return rc;
	}
	a->splicer = s;
	return 0;
}

static int need_splicer(struct agent *a, struct err *reterr)
{
	int rc = 0;

	if (!a->splicer) {
		if (!netns_name_taken(SPLICER_NETNS))
			rc = netns_create(SPLICER_NETNS, reterr);
		if (rc == 0)
			rc = open_splicer(a, reterr);
	}
	if (rc == 0 && !a->splice_plane)
		rc = policy_splice_plane(a, SPLICER_NETNS, reterr);
	return rc;
}

bool splicer_is_ours(const struct agent *a, const struct netns *ns)
{
	return a->splicer && netns_equal(&a->splicer->ns, ns);
}

uint32_t splicer_vth(const struct agent *a)
{
	uint32_t vth;

	if (!a->splicer ||
	    link_index(a->splicer->nl, SPLICE_VTH, &vth, NULL) < 0)
		return 0;
	return vth;
}

/* --- one port ------------------------------------------------------------------- */

/* Another way of being diverted, or none: no data plane has it so yet. */
static void becomes(struct agent *a, struct port *p, enum port_state state,
		    enum port_layout layout)
{
	p->state = state;
	p->layout = layout;
	p->wanted_in = 0;
	p->plane_mac = (struct mac){ { 0 } };
	p->mark = p->group_mark = (struct mac){ { 0 } };
	p->why.code = 0;
	policy_soon(a);
}

static void took(struct port *p, const struct splice_stat *s)
{
	p->mac = s->mac;
	p->mark = s->ucmac;
	p->group_mark = s->bcmac;
	p->divert = s->mode;
}

/* Its namespace, whatever became of the path by which it was found. */
static const char *path_of(const struct workload *w, char buf[static 32])
{
	(void)snprintf(buf, 32, "/proc/self/fd/%d", w->ns.fd);
	return buf;
}

static bool back(struct agent *a, struct port *p)
{
	char path[32];
	struct err err;
	int rc = splice_down(path_of(p->workload, path), SPLICER_NETNS, p->dev,
			     &err);

	if (rc == 0 || rc == -ENOENT)
		return true;
	guard_failed(a, p, &err);
	return false;
}

static void splice(struct agent *a, struct port *p, enum divert_mode how)
{
	struct splice_spec spec = {
		.workload = p->workload->ns.path,
		.agent = SPLICER_NETNS,
		.dev = p->dev,
		.mark = SPLICE_MARK_AUTO,
		.redirector_auto = true,
		.mode = how,
	};
	struct splice_stat s = { .state = SPLICE_HALF };
	struct err err;
	int rc = need_splicer(a, &err);

	if (rc == 0)
		rc = splice_up(&spec, &s, &err);
	if (rc == -EBUSY && back(a, p)) /* half put back by one that died */
		rc = splice_up(&spec, &s, &err);
	if (rc < 0) {
		guard_failed(a, p, &err);
		return;
	}
	becomes(a, p, PORT_DIVERTED, PORT_SPLICED);
	took(p, &s);
	log_info("port: spliced device=%s workload=%s cut_off_us=%llu", p->dev,
		 workload_name(p->workload), (unsigned long long)s.gap_us);
}

static void switch_kernel(struct agent *a, struct port *p, enum divert_mode how)
{
	char path[32];
	struct err err;

	if (p->divert == how)
		return;
	if (splice_set_mode(path_of(p->workload, path), SPLICER_NETNS, p->dev,
			    how, &err) < 0)
		guard_failed(a, p, &err);
	else
		p->divert = how;
}

static bool is_spliced(const struct port *p)
{
	return p->state != PORT_FREE && p->layout == PORT_SPLICED;
}

static void listen_to(struct agent *a, struct port *p)
{
	if (p->state == PORT_DIVERTED && p->layout == PORT_LISTENED)
		return;
	/* also what an agent that was killed left half put back */
	if ((is_spliced(p) || a->splicer) && !back(a, p))
		return;
	becomes(a, p, PORT_DIVERTED, PORT_LISTENED);
}

void splicer_apply(struct agent *a, struct port *p, enum inplace_mode mode,
		   enum inplace_failure failure)
{
	enum divert_mode how = DIVERT_INLINE;
	struct err err;

	if (!p->workload || p->workload->ns.fd < 0)
		return;
	if (!a->config.splice || !a->config.plane_managed) {
		(void)err_set(&err, EOPNOTSUPP, NULL,
			      "%s is a %s: no host's side to divert it at, and "
			      "%s",
			      p->dev, p->kind[0] ? p->kind : "real device",
			      a->config.splice ? "data_plane.managed is false"
					       : "guard.splice is off");
		guard_failed(a, p, &err);
		return;
	}
	if (mode == INPLACE_TAP || mode == INPLACE_PASS) {
		listen_to(a, p);
		mode = INPLACE_TAP;
	} else {
		if (mode == INPLACE_INLINE && failure == INPLACE_OPEN &&
		    !a->splice_plane_up)
			how = DIVERT_PASS;
		if (!is_spliced(p))
			splice(a, p, how);
		else
			switch_kernel(a, p, how);
	}
	if (p->state != PORT_DIVERTED)
		return;
	if ((p->mode == INPLACE_QUARANTINE) != (mode == INPLACE_QUARANTINE))
		policy_soon(a);
	p->mode = mode;
	p->failure = failure;
}

void splicer_undo(struct agent *a, struct port *p)
{
	if (is_spliced(p) && !back(a, p))
		return;
	becomes(a, p, PORT_FREE, PORT_IN_PLACE);
}

int splicer_undo_all(struct agent *a, struct err *reterr)
{
	return a->splicer ? splice_down_all(SPLICER_NETNS, reterr) : 0;
}

/* --- what is left of who is gone ------------------------------------------------ */

void splicer_forget(struct agent *a, struct workload *w)
{
	struct port *p, *next;

	for (p = a->registry.ports; p; p = next) {
		next = p->next;
		if (p->workload != w || p->host_ifindex != 0)
			continue;
		if (is_spliced(p)) /* it may be found again */
			p->ns_ino = w->ns.ino;
		else
			registry_del_port(&a->registry, p);
	}
	if (a->splicer)
		loop_timer_need(a->loop, &a->splicer->sweep, SWEEP_US);
}

static bool is_here(const struct agent *a, uint64_t ino)
{
	for (const struct workload *w = a->registry.workloads; w; w = w->next)
		if (w->ns.fd >= 0 && w->ns.ino == ino)
			return true;
	return false;
}

static bool is_listed(const struct port *p, const struct splice_stat *list,
		      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].workload_ino == p->ns_ino &&
		    strcmp(list[i].dev, p->dev) == 0)
			return true;
	return false;
}

/* Ports of who is gone, whose device is gone, too. */
static void drop_ports(struct agent *a, const struct splice_stat *list,
		       size_t n)
{
	struct port *p, *next;

	for (p = a->registry.ports; p; p = next) {
		next = p->next;
		if (!p->workload && p->ns_ino && !is_listed(p, list, n))
			registry_del_port(&a->registry, p);
	}
}

static void sweep(void *arg)
{
	struct agent *a = arg;
	struct splice_stat *list = NULL;
	struct err err;
	size_t n = 0;
	bool again = false;

	if (!inventory_is_listed(a)) {
		loop_timer_need(a->loop, &a->splicer->sweep, SWEEP_US);
		return;
	}
	if (splice_list(SPLICER_NETNS, &list, &n, &err) < 0) {
		log_warn("splices: cannot be listed: %s", err.text);
		loop_timer_need(a->loop, &a->splicer->sweep, SWEEP_US);
		return;
	}
	drop_ports(a, list, n);
	for (size_t i = 0; i < n; i++) {
		if (is_here(a, list[i].workload_ino))
			continue;
		again = true;
		if (list[i].state == SPLICE_ORPHAN &&
		    splice_drop(SPLICER_NETNS, &list[i], &err) < 0)
			log_warn("splice: cannot be swept: %s", err.text);
	}
	free(list);
	if (again)
		loop_timer_need(a->loop, &a->splicer->sweep, SWEEP_US);
}

/* --- start and end ------------------------------------------------------------------ */

static void adopt(struct agent *a, const struct splice_stat *s)
{
	struct link_stat vex;
	struct port *p;
	struct err err;

	if (s->state == SPLICE_HALF &&
	    splice_down(s->workload, SPLICER_NETNS, s->dev, &err) < 0)
		log_warn("splice: cannot be put back: %s workload=%s", err.text,
			 s->workload);
	if (s->state != SPLICE_WHOLE)
		return;
	p = registry_add_port(&a->registry);
	if (!p)
		return;
	if (link_get_index(a->splicer->nl, s->vex_ifindex, &vex, NULL) == 0)
		(void)snprintf(p->kind, sizeof p->kind, "%s", vex.kind);
	p->adopted = true;
	p->ns_ino = s->workload_ino;
	p->ifindex = s->dev_ifindex;
	memcpy(p->dev, s->dev, sizeof p->dev);
	p->state = PORT_DIVERTED;
	p->layout = PORT_SPLICED;
	p->mode = INPLACE_INLINE;
	took(p, s);
}

int splicer_start(struct agent *a, struct err *reterr)
{
	struct splice_stat *list = NULL;
	size_t n = 0;
	int rc;

	if (!netns_name_taken(SPLICER_NETNS))
		return 0;
	rc = open_splicer(a, reterr);
	if (rc == -EINVAL) /* whoever made it was killed before it was one */
		return netns_delete(SPLICER_NETNS, reterr);
	if (rc == 0)
		rc = splice_list(SPLICER_NETNS, &list, &n, reterr);
	if (rc == 0 && n > 0)
		rc = need_splicer(a, reterr);
	if (rc < 0) {
		free(list);
		return rc;
	}
	for (size_t i = 0; i < n; i++)
		adopt(a, &list[i]);
	free(list);
	if (n)
		log_info("ports: %zu are spliced already, going on", n);
	loop_timer_need(a->loop, &a->splicer->sweep, SWEEP_US);
	return 0;
}

void splicer_stop(struct agent *a)
{
	struct splice_stat *list = NULL;
	struct err err;
	size_t n = 1;

	if (!a->splicer)
		return;
	loop_timer_off(a->loop, &a->splicer->sweep);
	if (splice_list(SPLICER_NETNS, &list, &n, &err) == 0)
		free(list);
	free_splicer(a->splicer);
	a->splicer = NULL;
	/* its data plane, if any, was ended before */
	if (a->releasing && n == 0 && netns_delete(SPLICER_NETNS, &err) < 0)
		log_warn("namespace " SPLICER_NETNS ": %s", err.text);
}
