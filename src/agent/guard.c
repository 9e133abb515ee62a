/*
 * A port's way:
 *
 *   seen (RTM_NEWLINK) ─▶ guarded: hold, or pass if nothing is protected
 *     ─▶ claimed by a workload (inventory.c) ─▶ tap or inline, as its mode is
 *     ─▶ its device goes ─▶ forgotten; what it left in the maps is swept
 *
 * Which mode, in this order:
 *
 *   nobody's yet                      what it is in, or on_new (hold or pass)
 *   released, excluded                not diverted
 *   quarantined                       quarantine
 *   data planes died of its frames    as on_failure says: pass or hold (parking.h)
 *   protect, data plane has it        inline
 *   protect, data plane has it not    hold: a data plane that has others lets
 *                                     pass what has no policy yet
 *   protect, no data plane has any    stays inline if it was, else hold
 *   discover, monitor                 tap; inline if a rule denies it something
 *                                     (or as configured); what a new one may
 *                                     be denied is not known until the data
 *                                     plane has it: hold until then
 *
 * A tap whose guest's MAC is not known yet (taps.h) can neither be watched nor
 * judged: hold, if it is protected or some rule denies something; else pass.
 *
 * A port that is inline stays so while the data plane is away: then the
 * kernel does what on_failure says; in discover and monitor it passes.
 */
#include "agent/guard.h"

#include <errno.h>
#include <linux/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "agent/guard_splice.h"
#include "agent/inventory.h"
#include "agent/parking.h"
#include "agent/policy.h"
#include "agent/taps.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/inplace.h"
#include "net/splice.h"
#include "net/splice_base.h"

#define GUARD_SOON_US  2000
#define GUARD_AGAIN_US (2 * USEC_PER_SEC)
/* Ports go in bursts, and each sweep looks at all. */
#define GUARD_SWEEP_US USEC_PER_SEC

/* --- what mode ------------------------------------------------------------- */

static bool is_excluded(const struct agent *a, const struct port *p)
{
	if (a->releasing || (p->workload && p->workload->released))
		return true;
	if (p->host[0] && (!config_matches(&a->config.links, p->host) ||
			   config_matches(&a->config.exclude, p->host)))
		return true;
	return p->workload &&
	       config_matches(&a->config.exclude, workload_name(p->workload));
}

static bool holds_new(const struct agent *a)
{
	switch (a->config.on_new) {
	case ON_NEW_HOLD: return true;
	case ON_NEW_PASS: return false;
	default: return policy_protects_any(a);
	}
}

/* The data plane that has it. */
static bool is_up_for(const struct agent *a, const struct port *p)
{
	return p->layout == PORT_SPLICED ? a->splice_plane_up : a->plane_up;
}

/* What is in force there; 0: nothing. */
static uint64_t in_force_for(const struct agent *a, const struct port *p)
{
	return p->layout == PORT_SPLICED ? a->splice_in_force
					 : a->host_in_force;
}

/* Is the data plane's configuration, with this port in it, in force? */
static bool plane_has(const struct agent *a, const struct port *p)
{
	return is_up_for(a, p) && p->wanted_in &&
	       p->wanted_in <= in_force_for(a, p) &&
	       mac_equal(p->plane_mac, p->mac);
}

/* One that is only watched, but for what rules deny it. */
static enum inplace_mode watch_mode(const struct agent *a, const struct port *p)
{
	bool diverted = p->state == PORT_DIVERTED;

	if (!is_up_for(a, p))
		return diverted && p->mode != INPLACE_HOLD &&
				       p->mode != INPLACE_QUARANTINE
			       ? p->mode
			       : INPLACE_TAP;
	if (plane_has(a, p))
		return p->workload->denied_some || (a->config.watch_inline &&
						    p->host_ifindex)
			       ? INPLACE_INLINE
			       : INPLACE_TAP;
	if (diverted && p->mode != INPLACE_QUARANTINE &&
	    p->mode != INPLACE_PASS)
		return p->mode;
	return a->intent_denies && p->host_ifindex ? INPLACE_HOLD : INPLACE_TAP;
}

static enum inplace_failure failure_of(const struct agent *a,
				       const struct port *p)
{
	return p->workload && p->workload->intent_mode != MODE_PROTECT
		       ? INPLACE_OPEN
		       : a->config.on_failure;
}

static enum inplace_mode mode_of(const struct agent *a, const struct port *p)
{
	const struct workload *w = p->workload;
	bool was_inline = p->state == PORT_DIVERTED &&
			  p->mode == INPLACE_INLINE;

	bool known = !mac_is_zero(p->mac);

	if (!w && p->state == PORT_DIVERTED && known)
		return p->mode; /* whose it was, it still may be */
	if (!w)
		return holds_new(a) ? INPLACE_HOLD : INPLACE_PASS;
	if (w->quarantined)
		return INPLACE_QUARANTINE;
	if (parking_has(p))
		return failure_of(a, p) == INPLACE_OPEN ? INPLACE_PASS
							: INPLACE_HOLD;
	if (!known)
		return w->intent_mode == MODE_PROTECT || a->intent_denies
			       ? INPLACE_HOLD
			       : INPLACE_PASS;
	if (w->intent_mode != MODE_PROTECT)
		return watch_mode(a, p);
	return plane_has(a, p) || (was_inline && in_force_for(a, p) == 0)
		       ? INPLACE_INLINE
		       : INPLACE_HOLD;
}

/* --- doing it ------------------------------------------------------------------ */

static void took(struct port *p, const struct inplace_stat *s)
{
	memcpy(p->mac.b, s->ep.mac, sizeof p->mac.b);
	p->mark = s->ucmac;
	p->group_mark = s->bcmac;
	p->mode = (enum inplace_mode)s->ep.mode;
	p->failure = (enum inplace_failure)s->ep.failure;
	p->only_ip = s->ep.only_ip;
	p->state = PORT_DIVERTED;
}

void guard_failed(struct agent *a, struct port *p, const struct err *why)
{
	if (p->state != PORT_FAILED || strcmp(p->why.text, why->text) != 0)
		log_warn("port: cannot be diverted: %s device=%s workload=%s",
			 why->text, p->host[0] ? p->host : p->dev,
			 p->workload ? workload_name(p->workload) : "-");
	p->why = *why;
	p->state = PORT_FAILED;
	loop_timer_need(a->loop, &a->guard_again, GUARD_AGAIN_US);
}

/* It was diverted before this agent began, or by somebody beside it. */
static void took_late(struct agent *a, struct port *p,
		      const struct inplace_stat *s)
{
	struct mac mac = p->mac;

	took(p, s);
	log_info("port: is diverted already, going on: device=%s", p->host);
	policy_soon(a);
	guard_soon(a); /* its mode may be another */
	if (!mac_is_zero(mac))
		guard_new_mac(a, p, mac);
}

static void divert(struct agent *a, struct port *p, enum inplace_mode mode)
{
	struct inplace_spec spec = {
		.port = { .dev = p->host },
		.mac = p->mac,
		.mac_later = p->tap != NULL,
		.mark = INPLACE_MARK_AUTO,
		.mode = mode,
		.failure = failure_of(a, p),
		.only_ip = a->config.only_ip,
	};
	struct inplace_stat s;
	struct err err;
	int rc = inplace_add(&spec, &s, &err);

	if (rc == -EALREADY) { /* at start nobody could tell */
		took_late(a, p, &s);
		return;
	}
	if (rc == 0) {
		took(p, &s);
		policy_soon(a);
		return;
	}
	if (rc == -ENODEV) /* it went meanwhile, and the kernel will say so */
		return;
	guard_failed(a, p, &err);
}

static void undivert(struct agent *a, struct port *p)
{
	struct inplace_port at = { .dev = p->host };
	struct err err;
	int rc = inplace_del(&at, &err);

	if (rc < 0 && rc != -ENOENT && rc != -ENODEV) {
		guard_failed(a, p, &err);
		return;
	}
	p->state = PORT_FREE;
	p->wanted_in = 0;
	p->plane_mac = (struct mac){ { 0 } };
	policy_soon(a);
}

static void set(struct agent *a, struct port *p, enum inplace_mode mode,
		const struct mac *mac)
{
	struct inplace_port at = { .dev = p->host };
	struct inplace_change c = INPLACE_CHANGE_NOTHING;
	struct err err;
	int rc;

	c.mode = (int)mode;
	c.failure = (int)failure_of(a, p);
	c.only_ip = a->config.only_ip;
	c.mac = mac;
	rc = inplace_set(&at, &c, &err);
	if (rc == 0) {
		p->mode = mode;
		p->failure = failure_of(a, p);
		p->only_ip = a->config.only_ip;
		return;
	}
	if (rc == -ENOENT) { /* somebody took it away: anew */
		p->state = PORT_FREE;
		p->wanted_in = 0;
		guard_soon(a);
	} else if (rc != -ENODEV) {
		guard_failed(a, p, &err);
	}
}

void guard_apply(struct agent *a, struct port *p)
{
	enum inplace_mode mode;

	if (is_excluded(a, p)) {
		if (p->state != PORT_FREE && p->host_ifindex == 0)
			splicer_undo(a, p);
		else if (p->state == PORT_DIVERTED)
			undivert(a, p);
		return;
	}
	mode = mode_of(a, p);
	if (p->host_ifindex == 0)
		splicer_apply(a, p, mode, failure_of(a, p));
	else if (p->state != PORT_DIVERTED) {
		if (!mac_is_zero(p->mac) || p->tap)
			divert(a, p, mode);
	} else if (p->mode != mode || p->failure != failure_of(a, p) ||
		   p->only_ip != a->config.only_ip) {
		set(a, p, mode, NULL);
	}
}

void guard_apply_all(struct agent *a)
{
	uint32_t vth;

	for (struct port *p = a->registry.ports; p; p = p->next)
		guard_apply(a, p);
	if (link_index(a->host_nl, SPLICE_VTH, &vth, NULL) < 0)
		vth = 0;
	if (vth != a->vth) {
		a->vth = vth;
		policy_soon(a);
	}
}

static void sweep(void *arg)
{
	struct err err;

	if (inplace_sweep(&err) < 0) /* then the next port that comes */
		log_warn("ports: what is left of those that went: %s",
			 err.text);
}

static void again(void *arg)
{
	guard_apply_all(arg);
}

void guard_soon(struct agent *a)
{
	/* sooner than a retry that may be under way, and never put off */
	loop_timer_need(a->loop, &a->guard_again, GUARD_SOON_US);
}

/* --- the host's devices --------------------------------------------------------- */

void guard_new_mac(struct agent *a, struct port *p, struct mac mac)
{
	if (mac_equal(p->mac, mac))
		return;
	p->mac = mac;
	p->wanted_in = 0;
	if (p->state != PORT_DIVERTED)
		return;
	if (p->layout == PORT_IN_PLACE)
		set(a, p, mode_of(a, p), &mac);
	policy_soon_for_change(a);
}

void guard_learned(struct agent *a, struct port *p, struct mac mac)
{
	p->mac = mac;
	if (mac_is_zero(mac)) {
		p->plane_mac = mac;
		p->wanted_in = 0;
	}
	if (p->state == PORT_DIVERTED)
		set(a, p, mode_of(a, p), &mac);
	policy_soon_for_change(a);
}

static void look_at_peer(struct agent *a, struct port *p,
			 const struct link_stat *l)
{
	struct link_stat inside;

	if (link_get_peer(a->host_nl, l, &inside, NULL) == 0) {
		p->ifindex = inside.ifindex;
		memcpy(p->dev, inside.name, sizeof p->dev);
		guard_new_mac(a, p, inside.mac);
	}
}

/* Is it the host's side of something that could be a workload? */
static bool is_candidate(const struct link_stat *l)
{
	if (l->group == SPLICE_GROUP || !l->is_ethernet)
		return false;
	if (strcmp(l->kind, "tun") == 0)
		return true;
	/* both ends here: which one is the host's is not known yet */
	return strcmp(l->kind, "veth") == 0 &&
	       (l->peer_nsid >= 0 || l->master != 0);
}

static void forget(struct agent *a, struct port *p)
{
	struct workload *w = p->workload;

	taps_gone(a, p);
	if (p->state == PORT_DIVERTED)
		loop_timer_need(a->loop, &a->sweep, GUARD_SWEEP_US);
	registry_del_port(&a->registry, p);
	policy_soon(a);
	if (w)
		inventory_port_gone(a, w);
}

static struct port *new_port(struct agent *a, const struct link_stat *l)
{
	struct port *p = registry_add_port(&a->registry);

	if (!p) {
		log_warn("port: no room for more than %u device=%s", PORTS_MAX,
			 l->name);
		return NULL;
	}
	p->seen_at = clock_now();
	p->host_ifindex = l->ifindex;
	return p;
}

static void see_link(struct agent *a, const struct link_stat *l)
{
	struct port *p = registry_port(&a->registry, l->ifindex);

	if (!p && is_candidate(l))
		p = new_port(a, l);
	if (!p)
		return;
	(void)snprintf(p->kind, sizeof p->kind, "%s", l->kind);
	memcpy(p->host, l->name, sizeof p->host);
	p->peer_nsid = l->peer_nsid;
	p->listed = true;
	if (strcmp(l->kind, "veth") == 0)
		look_at_peer(a, p, l);
	else if (strcmp(l->kind, "tun") == 0)
		taps_seen(a, p, l);
	guard_apply(a, p);
	inventory_port_seen(a, p);
}

static void link_went(struct agent *a, const struct link_stat *l)
{
	struct port *p = registry_port(&a->registry, l->ifindex);
	struct link_stat other;

	if (p)
		forget(a, p);
	/* the other end of one that stays was moved away just now */
	if (strcmp(l->kind, "veth") == 0 && l->peer &&
	    link_get_index(a->host_nl, l->peer, &other, NULL) == 0 &&
	    other.peer == l->ifindex)
		see_link(a, &other);
}

static void host_link(void *arg, const struct link_stat *l, bool gone)
{
	if (gone)
		link_went(arg, l);
	else
		see_link(arg, l);
}

static int list_host(struct agent *a, struct err *reterr)
{
	struct link_stat *list;
	struct port *p, *next;
	size_t n;
	int rc = link_list(a->host_nl, &list, &n, reterr);

	if (rc < 0)
		return rc;
	for (p = a->registry.ports; p; p = p->next)
		p->listed = p->host_ifindex == 0;
	for (size_t i = 0; i < n; i++)
		/* a pair that was here before us joins bridges of the host */
		if (list[i].peer_nsid >= 0 || strcmp(list[i].kind, "veth") != 0)
			see_link(a, &list[i]);
	free(list);
	for (p = a->registry.ports; p; p = next) {
		next = p->next;
		if (!p->listed)
			forget(a, p);
	}
	return 0;
}

static void read_node_addrs(struct agent *a)
{
	struct link_addr *list;
	size_t n;

	a->n_node_addrs = 0;
	if (link_list_addrs(a->host_nl, &list, &n, NULL) < 0)
		return; /* as if it had none, until the next change */
	for (size_t i = 0; i < n && a->n_node_addrs < NODE_ADDRS_MAX; i++)
		if (!ip_is_loopback(list[i].addr) &&
		    !ip_is_link_local(list[i].addr))
			a->node_addrs[a->n_node_addrs++] = list[i].addr;
	free(list);
	policy_soon(a);
}

static void host_addr(void *arg)
{
	struct agent *a = arg;

	a->node_addrs_stale = true;
}

static void host_changed(void *arg, uint32_t events)
{
	struct agent *a = arg;
	struct netwatch_calls calls = { .link = host_link,
					.addr = host_addr,
					.arg = a };
	struct err err;

	if (netwatch_read(a->host_watch, &calls) < 0 && list_host(a, &err) < 0)
		log_warn("devices: cannot be listed: %s", err.text);
	if (a->node_addrs_stale)
		read_node_addrs(a);
	a->node_addrs_stale = false;
	guard_soon(a);
}

void guard_look(struct agent *a)
{
	host_changed(a, 0);
}

/* --- start and end ------------------------------------------------------------ */

/* Before devices are listed, so that they are found to be diverted. */
static int adopt(struct agent *a, struct err *reterr)
{
	struct inplace_stat *list;
	struct port *p;
	size_t n, adopted = 0;
	int rc = inplace_list(&list, &n, reterr);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (list[i].dev[0] == '\0' ||
		    list[i].hooks[INPLACE_IN] == HOOK_NONE ||
		    list[i].hooks[INPLACE_OUT] == HOOK_NONE)
			continue; /* gone, or half: is diverted anew */
		p = registry_add_port(&a->registry);
		if (!p)
			break;
		/* seen long ago: its own as soon as nobody claims it */
		p->adopted = true;
		p->host_ifindex = list[i].ifindex;
		memcpy(p->host, list[i].dev, sizeof p->host);
		took(p, &list[i]);
		adopted++;
	}
	free(list);
	if (adopted)
		log_info("ports: %zu are diverted already, going on", adopted);
	return 0;
}

int guard_start(struct agent *a, struct err *reterr)
{
	int rc = nl_open(NULL, &a->host_nl, reterr);

	a->guard_again.fn = again;
	a->guard_again.arg = a;
	parking_start(a);
	a->sweep.fn = sweep;
	a->sweep.arg = a;
	if (rc == 0)
		rc = netwatch_open(NULL, &a->host_watch, reterr);
	if (rc == 0)
		rc = adopt(a, reterr);
	if (rc == 0)
		rc = splicer_start(a, reterr);
	if (rc == 0)
		rc = list_host(a, reterr);
	if (rc < 0)
		return rc;
	a->host_watch_fd = loop_add(a->loop, netwatch_fd(a->host_watch),
				    EPOLLIN, host_changed, a);
	if (!a->host_watch_fd)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	read_node_addrs(a);
	guard_soon(a);
	return 0;
}

void guard_stop(struct agent *a)
{
	for (struct port *p = a->registry.ports; p; p = p->next)
		taps_gone(a, p);
	loop_remove(a->host_watch_fd);
	netwatch_free(a->host_watch);
	nl_free(a->host_nl);
}

/* --- from outside ------------------------------------------------------------- */

/*
 * 1: it is guarded now; 0: it is not to be, or leads nowhere. That it cannot be
 * is an error where something is protected, and so may have to be this one.
 */
static int guard_device(struct agent *a, const struct link_stat *l,
			struct err *reterr)
{
	struct link_stat host;
	const struct port *p;

	if (strcmp(l->kind, "macvlan") == 0 || strcmp(l->kind, "ipvlan") == 0)
		return !holds_new(a)
			       ? 0
			       : err_set(reterr, EOPNOTSUPP, l->name,
					 "is a %s: no host's side to guard it "
					 "at; weir splice can",
					 l->kind);
	if (strcmp(l->kind, "veth") != 0 ||
	    link_get_index(a->host_nl, l->peer, &host, NULL) < 0 ||
	    host.peer != l->ifindex)
		return 0;
	see_link(a, &host);
	p = registry_port(&a->registry, host.ifindex);
	if (p && p->state == PORT_FAILED && holds_new(a)) {
		*reterr = p->why;
		return -p->why.code;
	}
	return p && p->state == PORT_DIVERTED;
}

int guard_netns(struct agent *a, const char *netns, struct err *reterr)
{
	struct netns ns;
	struct link_stat *list = NULL;
	struct nl *nl = NULL;
	size_t n = 0;
	int rc = netns_open(netns, &ns, reterr), guarded = 0;

	if (rc < 0)
		return rc;
	rc = nl_open(&ns, &nl, reterr);
	if (rc == 0)
		rc = link_list(nl, &list, &n, reterr);
	for (size_t i = 0; rc >= 0 && i < n; i++) {
		rc = guard_device(a, &list[i], reterr);
		guarded += rc > 0;
	}
	free(list);
	nl_free(nl);
	netns_done(&ns);
	return rc < 0 ? rc : guarded;
}

void guard_release(struct agent *a, struct workload *w)
{
	for (struct port *p = a->registry.ports; p; p = p->next)
		if (p->workload == w)
			guard_apply(a, p);
}

int guard_release_all(struct agent *a, struct err *reterr)
{
	int rc;

	a->releasing = true;
	rc = inplace_del_all(reterr);
	if (rc == 0)
		rc = splicer_undo_all(a, reterr);
	if (rc < 0)
		return rc;
	for (struct port *p = a->registry.ports; p; p = p->next) {
		p->state = PORT_FREE;
		p->layout = PORT_IN_PLACE;
		p->wanted_in = 0;
		p->plane_mac = (struct mac){ { 0 } };
	}
	a->vth = 0;
	policy_soon(a);
	return 0;
}
