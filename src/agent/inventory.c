/*
 * A workload lives as long as a container is in its namespace. Of several, the
 * one that tells most is whose name it has: what a runtime that people use says
 * (Docker) goes before what the one below it says of the same (containerd),
 * and a bare namespace's name comes last; of one runtime's, the first seen.
 *
 * A namespace that is kept open stays, with its devices, whatever its runtime
 * does; so it is closed as soon as its last container is gone.
 *
 * A port that nobody claims for a while, when all runtimes have been listened
 * to, is a workload of its own, until somebody claims it after all.
 */
#include "agent/inventory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "agent/guard.h"
#include "agent/guard_splice.h"
#include "agent/kept.h"
#include "agent/kubernetes.h"
#include "agent/map.h"
#include "agent/policy.h"
#include "agent/record.h"
#include "agent/taps.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/utf8.h"
#include "net/splice_base.h"

/* Changes of a namespace come in bursts; this long they are gathered. */
#define RESCAN_US	5000
#define RESCAN_AGAIN_US (2 * USEC_PER_SEC)
/* Of a namespace that is not open here nobody tells what changes in it. */
#define OUTSIDE_US (5 * USEC_PER_SEC)

/* --- what a workload is called ------------------------------------------------ */

static unsigned rank_of(const struct agent *a, const struct container *c)
{
	static const unsigned ranks[] = {
		[RUNTIME_DOCKER] = 0,	  [RUNTIME_PODMAN] = 0,
		[RUNTIME_CONTAINERD] = 2, [RUNTIME_CRI] = 1,
		[RUNTIME_NETNS] = 3,
	};

	_Static_assert(sizeof ranks / sizeof *ranks == RUNTIME_KIND__MAX,
		       "a rank for each");
	return ranks[a->config.runtimes[c->source].kind];
}

static uint64_t started_of(const struct container *c)
{
	json_t *v = json_object_get(c->about, "started");

	return v ? (uint64_t)json_integer_value(v) : UINT64_MAX;
}

static const struct container *spokesman(const struct agent *a,
					 const struct workload *w)
{
	const struct container *best = NULL;

	for (const struct container *c = a->registry.containers; c;
	     c = c->next) {
		unsigned r = rank_of(a, c);

		if (c->workload != w)
			continue;
		if (!best || r < rank_of(a, best) ||
		    (r == rank_of(a, best) &&
		     started_of(c) <= started_of(best)))
			best = c;
	}
	return best;
}

/* Names of all its containers, if there are several. */
static json_t *names_of(const struct agent *a, const struct workload *w)
{
	json_t *names = json_array();

	for (const struct container *c = a->registry.containers; c; c = c->next)
		if (c->workload == w && json_object_get(c->about, "name"))
			(void)json_array_append(
				names, json_object_get(c->about, "name"));
	return names;
}

/*
 * An image has as many labels as it likes, and may so push out one that a group
 * selects by.
 */
static void tell_left_out(struct agent *a, const struct workload *w,
			  const json_t *about)
{
	json_t *n = json_object_get(about, "labels_left_out");
	char text[WORKLOAD_TEXT_MAX];

	if (!n || json_equal(n, json_object_get(w->about, "labels_left_out")))
		return;
	(void)snprintf(text, sizeof text,
		       "%.64s has %lld labels more than the %d that are looked "
		       "at: groups that select by those do not have it",
		       w->id, (long long)json_integer_value(n),
		       RUNTIME_LABELS_MAX);
	record_state(a, "runtime", "high", text);
}

static void describe(struct agent *a, struct workload *w)
{
	const struct container *c = spokesman(a, w);
	json_t *about = json_copy(c ? c->about : w->about);

	if (!about)
		return;
	if (c && w->n_containers > 1)
		(void)json_object_set_new(about, "containers", names_of(a, w));
	(void)json_object_set_new(about, "node", json_string(a->config.node));
	kubernetes_describe(a, about);
	if (json_equal(about, w->about)) {
		json_decref(about);
		return;
	}
	tell_left_out(a, w, about);
	json_decref(w->about);
	w->about = about;
	policy_refresh_mode(a, w);
	policy_soon(a);
	guard_soon(a);
	record_workload(a, w);
}

void inventory_describe(struct agent *a, const char *namespace, const char *pod)
{
	for (struct workload *w = a->registry.workloads; w; w = w->next)
		if (w->n_containers > 0 && workload_text(w, "pod")[0] &&
		    strcmp(workload_text(w, "namespace"), namespace) == 0 &&
		    (!pod || strcmp(workload_text(w, "pod"), pod) == 0))
			describe(a, w);
}

/* --- what is in a namespace ------------------------------------------------------ */

static struct port *port_in(const struct agent *a, const struct workload *w,
			    const char *dev)
{
	struct port *p = a->registry.ports;

	for (; p; p = p->next)
		if (p->host_ifindex == 0 && strcmp(p->dev, dev) == 0 &&
		    (p->workload == w ||
		     (!p->workload && p->ns_ino == w->ns.ino)))
			return p;
	return NULL;
}

/* The host's side of it, if that is in our namespace. */
static bool find_host_side(const struct agent *a, const struct link_stat *l,
			   struct link_stat *ret)
{
	struct link_stat back;

	return strcmp(l->kind, "veth") == 0 &&
	       link_get_index(a->host_nl, l->peer, ret, NULL) == 0 &&
	       ret->peer == l->ifindex && strcmp(ret->kind, "veth") == 0 &&
	       /* numbers may be the same in several namespaces */
	       link_get_peer(a->host_nl, ret, &back, NULL) == 0 &&
	       mac_equal(back.mac, l->mac) && strcmp(back.name, l->name) == 0;
}

/* Its port, where the host's side has told of this end already; NULL. */
static struct port *known_port(const struct agent *a, const struct link_stat *l)
{
	struct port *p = strcmp(l->kind, "veth") == 0
				 ? registry_port(&a->registry, l->peer)
				 : NULL;

	return p && p->ifindex == l->ifindex && mac_equal(p->mac, l->mac) &&
			       strcmp(p->dev, l->name) == 0
		       ? p
		       : NULL;
}

/* A device that leads out of the workload, and not by a host's side. */
static bool leads_elsewhere(const struct link_stat *l)
{
	return strcmp(l->kind, "macvlan") == 0 ||
	       strcmp(l->kind, "ipvlan") == 0 || l->kind[0] == '\0';
}

static void see_device(struct agent *a, struct workload *w,
		       const struct link_stat *l)
{
	struct link_stat host = { 0 };
	struct port *p = known_port(a, l);
	bool has_host = p || find_host_side(a, l, &host), spliced;

	if (!p)
		p = has_host ? registry_port(&a->registry, host.ifindex)
			     : port_in(a, w, l->name);
	spliced = p && p->state != PORT_FREE && p->layout == PORT_SPLICED;
	if (!has_host && !spliced && !leads_elsewhere(l))
		return;
	if (!p)
		p = registry_add_port(&a->registry);
	if (!p) {
		(void)err_set(&w->why, ENOSPC, NULL,
			      "no room for its device %s", l->name);
		return;
	}
	if (has_host && p->host_ifindex == 0) {
		p->host_ifindex = host.ifindex;
		memcpy(p->host, host.name, sizeof p->host);
		p->peer_nsid = host.peer_nsid;
	}
	if (!p->seen_at.us)
		p->seen_at = clock_now();
	if (!spliced) /* then it is what its own device is */
		(void)snprintf(p->kind, sizeof p->kind, "%s", l->kind);
	memcpy(p->dev, l->name, sizeof p->dev);
	p->ifindex = l->ifindex;
	if (!spliced) /* what the splice knows holds */
		guard_new_mac(a, p, l->mac);
	p->listed = true;
	if (p->workload != w) {
		struct workload *before = p->workload;

		p->workload = w;
		p->wanted_in = 0; /* what is in force was for somebody else */
		if (p->host_ifindex) /* it is held until then */
			policy_soon(a);
		else
			policy_soon_for_change(a);
		if (before && before->ns.fd < 0)
			inventory_port_gone(a, before);
	}
	guard_apply(a, p);
}

static void see_devices(struct agent *a, struct workload *w,
			const struct link_stat *links, size_t n)
{
	struct port *p, *next;

	for (p = a->registry.ports; p; p = p->next)
		p->listed = p->workload != w;
	for (size_t i = 0; i < n; i++)
		if (links[i].is_ethernet && !mac_is_zero(links[i].mac))
			see_device(a, w, &links[i]);
	for (p = a->registry.ports; p; p = next) {
		next = p->next;
		if (p->listed)
			continue;
		p->workload = NULL;
		if (p->host_ifindex == 0)
			registry_del_port(&a->registry, p);
		policy_soon_for_change(a);
	}
}

static bool is_of_policy(const struct link_addr *x,
			 const struct link_stat *links, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (links[i].ifindex == x->ifindex &&
		    !(links[i].flags & IFF_LOOPBACK))
			return !ip_is_link_local(x->addr) &&
			       !ip_is_loopback(x->addr);
	return false;
}

/* Are they others than before? */
static bool set_addrs(struct agent *a, struct workload *w,
		      const struct ip_addr *addrs, size_t n_addrs)
{
	struct ip_addr *copy;

	if (n_addrs == w->n_addrs &&
	    (n_addrs == 0 ||
	     memcmp(addrs, w->addrs, n_addrs * sizeof *addrs) == 0))
		return false;
	copy = realloc(w->addrs, (n_addrs + 1) * sizeof *addrs);
	if (!copy) {
		w->stale = true; /* then the next time */
		return false;
	}
	memcpy(copy, addrs, n_addrs * sizeof *addrs);
	if (!w->addrs) /* its first */
		policy_soon(a);
	w->addrs = copy;
	w->n_addrs = n_addrs;
	registry_changed(&a->registry);
	policy_refresh_mode(a, w);
	policy_soon_for_change(a);
	return true;
}

static void see_addrs(struct agent *a, struct workload *w,
		      const struct link_addr *list, size_t n,
		      const struct link_stat *links, size_t n_links)
{
	struct ip_addr addrs[WORKLOAD_ADDRS_MAX];
	size_t n_addrs = 0;

	for (size_t i = 0; i < n && n_addrs < WORKLOAD_ADDRS_MAX; i++)
		if (is_of_policy(&list[i], links, n_links))
			addrs[n_addrs++] = list[i].addr;
	if (set_addrs(a, w, addrs, n_addrs))
		taps_recheck(a);
}

static void look_into(struct agent *a, struct workload *w)
{
	struct link_stat *links = NULL;
	struct link_addr *addrs = NULL;
	size_t n_links = 0, n_addrs = 0;
	struct nl *nl = NULL;
	struct err err = { 0 };
	int rc = nl_open(&w->ns, &nl, &err);

	if (rc == 0)
		rc = link_list(nl, &links, &n_links, &err);
	if (rc == 0)
		rc = link_list_addrs(nl, &addrs, &n_addrs, &err);
	w->stale = rc < 0;
	w->why = err;
	if (rc == 0) {
		w->why.code = 0;
		see_devices(a, w, links, n_links);
		see_addrs(a, w, addrs, n_addrs, links, n_links);
	} else {
		loop_timer_need(a->loop, &a->rescan, RESCAN_AGAIN_US);
	}
	nl_free(nl);
	free(links);
	free(addrs);
}

/* --- ports of their own ------------------------------------------------------------ */

bool inventory_is_listed(const struct agent *a)
{
	for (size_t i = 0; i < a->config.n_runtimes; i++)
		if (!a->sources[i].since_s || /* not heard of yet */
		    (a->sources[i].up && !a->sources[i].listed))
			return false;
	return true;
}

static void own_workload(struct agent *a, struct port *p)
{
	char id[WORKLOAD_ID_MAX], buf[4 * IFNAMSIZ + 1];
	const char *host = utf8_text(p->host, buf, sizeof buf);
	struct workload *w;
	const char *kind = strcmp(p->kind, "tun") == 0 ? "tap" : "link";

	(void)snprintf(id, sizeof id, "%s:%s", kind, host);
	w = registry_by_id(&a->registry, id);
	if (!w)
		w = registry_add_workload(&a->registry, id);
	if (!w)
		return;
	kept_apply(a, w);
	json_decref(w->about);
	w->about = json_pack("{s:s, s:s, s:s, s:s}", "name", host, "service",
			     host, "runtime", kind, "node", a->config.node);
	p->workload = w;
	p->wanted_in = 0;
	w->stale = true;
	loop_timer_need(a->loop, &a->rescan, RESCAN_US);
	policy_refresh_mode(a, w);
	policy_soon(a);
	record_workload(a, w);
}

/* A veth both of whose ends stayed here is nobody's port. */
static bool is_local(const struct port *p)
{
	return strcmp(p->kind, "veth") == 0 && p->peer_nsid < 0;
}

static void claim_the_rest(struct agent *a)
{
	uint64_t patience = a->config.claim_ms * 1000ULL, wait = UINT64_MAX;
	usec_t now = clock_now();
	bool listened = inventory_is_listed(a);

	for (struct port *p = a->registry.ports; p; p = p->next) {
		uint64_t age = usec_since(now, p->seen_at);

		if (p->workload || p->host_ifindex == 0 || is_local(p))
			continue;
		if (listened && age >= patience) {
			own_workload(a, p);
			guard_apply(a, p);
		} else if (!listened) {
			wait = 100000;
		} else if (patience - age < wait) {
			wait = patience - age;
		}
	}
	if (wait != UINT64_MAX)
		loop_timer_need(a->loop, &a->rescan, wait + 1000);
}

/* Of those that have no namespace that is open here. */
static void look_from_outside(struct agent *a, struct workload *w)
{
	struct link_stat links[1] = { { .ifindex = 0 } };
	struct link_addr *addrs = NULL;
	struct port *p = a->registry.ports;
	size_t n = 0;

	w->stale = false;
	while (p && p->workload != w)
		p = p->next;
	if (p && p->tap) {
		struct ip_addr learned[TAP_ADDRS_MAX];

		n = taps_addrs(a, p, learned);
		(void)set_addrs(a, w, learned, n);
		return;
	}
	if (!p || p->peer_nsid < 0)
		return;
	w->look_again = usec_add(clock_now(), OUTSIDE_US);
	loop_timer_need(a->loop, &a->rescan, OUTSIDE_US + 1000);
	if (link_list_addrs_in(a->host_nl, p->peer_nsid, &addrs, &n, NULL) < 0)
		return;
	links[0].ifindex = p->ifindex;
	see_addrs(a, w, addrs, n, links, 1);
	free(addrs);
}

/*
 * That was not in this round yet. From the first each time: looking at one may
 * end another, whose port it was.
 */
static struct workload *next_to_look_at(const struct agent *a, usec_t now)
{
	for (struct workload *w = a->registry.workloads; w; w = w->next) {
		bool due = w->stale || (w->look_again.us &&
					!usec_before(now, w->look_again));

		if (due && w->looked_at.us != now.us)
			return w;
	}
	return NULL;
}

static void rescan(void *arg)
{
	struct agent *a = arg;
	usec_t now = clock_now();
	struct workload *w;

	while ((w = next_to_look_at(a, now))) {
		w->looked_at = now;
		w->look_again.us = 0;
		if (w->ns.fd >= 0)
			look_into(a, w);
		else
			look_from_outside(a, w);
	}
	claim_the_rest(a);
}

void inventory_port_seen(struct agent *a, struct port *p)
{
	if (!p->workload)
		loop_timer_need(a->loop, &a->rescan,
				a->config.claim_ms * 1000ULL);
	else if (p->workload->ns.fd < 0)
		p->workload->stale = true;
}

/* --- workloads come and go ------------------------------------------------------- */

static void changed_inside(void *arg, uint32_t events)
{
	struct workload *w = arg;
	struct netwatch_calls nothing = { 0 };

	/* all is read again, whatever was lost */
	(void)netwatch_read(w->watch, &nothing);
	w->stale = true;
	/* one that changes all the time must not put off the others */
	loop_timer_need(w->agent->loop, &w->agent->rescan, RESCAN_US);
}

static void drop_workload(struct agent *a, struct workload *w)
{
	char id[WORKLOAD_ID_MAX];

	log_info("workload: gone name=%s id=%.24s", workload_name(w), w->id);
	loop_remove(w->watch_fd);
	splicer_forget(a, w);
	(void)snprintf(id, sizeof id, "%s", w->id);
	registry_del_workload(&a->registry, w);
	map_workload_gone(a, id);
	/* one that was started again is here already, in another namespace */
	if (!registry_by_id(&a->registry, id))
		kept_gone(a, id);
	policy_soon(a);
	guard_soon(a);
	/* its devices may stay longer than it */
	loop_timer_need(a->loop, &a->rescan, a->config.claim_ms * 1000ULL);
}

void inventory_port_gone(struct agent *a, struct workload *w)
{
	if (w->ns.fd >= 0) {
		w->stale = true;
		loop_timer_need(a->loop, &a->rescan, RESCAN_US);
		return;
	}
	for (const struct port *p = a->registry.ports; p; p = p->next)
		if (p->workload == w)
			return;
	drop_workload(a, w);
}

/* Takes the descriptor of ns if it is a new one. */
static struct workload *workload_of(struct agent *a, const struct container *c,
				    struct netns *ns)
{
	struct workload *w = registry_by_ns(&a->registry, ns);
	char id[WORKLOAD_ID_MAX], buf[4 * RUNTIME_ID_MAX];
	struct err err;

	if (w)
		return w;
	(void)snprintf(id, sizeof id, "%s:%s",
		       runtime_kind_name(a->config.runtimes[c->source].kind),
		       utf8_text(c->id, buf, sizeof buf));
	w = registry_add_workload(&a->registry, id);
	if (!w)
		return NULL;
	kept_apply(a, w);
	w->agent = a;
	w->ns = *ns;
	ns->fd = -1;
	if (netwatch_open(&w->ns, &w->watch, &err) == 0)
		w->watch_fd = loop_add(a->loop, netwatch_fd(w->watch), EPOLLIN,
				       changed_inside, w);
	if (!w->watch_fd)
		log_warn("workload: its changes will not be seen: %s id=%s",
			 err.text, id);
	return w;
}

static void leave(struct agent *a, struct container *c)
{
	struct workload *w = c->workload;

	c->workload = NULL;
	if (!w)
		return;
	if (--w->n_containers == 0)
		drop_workload(a, w);
	else
		describe(a, w);
}

static void found(struct agent *a, struct runtime_news *n)
{
	struct container *c =
		registry_container(&a->registry, n->source, n->id);
	struct workload *w = NULL, *before = c ? c->workload : NULL;

	if (!c)
		c = registry_add_container(&a->registry, n->source, n->id);
	if (!c) {
		log_warn("container: no memory, or no room for more than "
			 "%u id=%.12s",
			 CONTAINERS_MAX, n->id);
		return;
	}
	json_decref(c->about);
	c->about = json_incref(n->about);
	c->pid = n->pid;
	c->listed = true;
	if (n->ns.fd >= 0 && !splicer_is_ours(a, &n->ns))
		w = workload_of(a, c, &n->ns);
	if (w != before) {
		if (w)
			w->n_containers++;
		leave(a, c);
		c->workload = w;
	}
	if (!w)
		return;
	describe(a, w);
	if (w != before) {
		look_into(a, w);
		log_info("workload: %s name=%s id=%.24s",
			 w->n_containers > 1 ? "joined" : "found",
			 workload_name(w), w->id);
	}
}

static void gone(struct agent *a, unsigned source, const char *id)
{
	struct container *c = registry_container(&a->registry, source, id);

	if (!c)
		return;
	leave(a, c);
	registry_del_container(&a->registry, c);
}

static void listing(struct agent *a, unsigned source, bool ends)
{
	struct source_state *s = &a->sources[source];
	struct container *c, *next;

	json_decref(s->unreadable_told);
	s->unreadable_told = NULL;
	if (!ends) { /* a list tells again what cannot be read */
		s->unreadable_told = s->unreadable;
		s->unreadable = NULL;
	}
	for (c = a->registry.containers; c; c = next) {
		next = c->next;
		if (c->source != source)
			continue;
		if (!ends)
			c->listed = false;
		else if (!c->listed)
			gone(a, source, c->id);
	}
	s->listed = ends;
	if (ends)
		loop_timer_need(a->loop, &a->rescan, RESCAN_US);
}

static void source_is(struct agent *a, const struct runtime_news *n)
{
	struct source_state *s = &a->sources[n->source];
	const struct runtime_spec *spec = &a->config.runtimes[n->source];
	bool up = n->kind == NEWS_UP;

	if (s->up != up)
		log_info("runtime: %s %s path=%s",
			 up ? "up" : "down: ", up ? "" : n->text, spec->path);
	if (s->up != up || !s->since_s)
		s->since_s = clock_unix_us() / USEC_PER_SEC;
	s->up = up;
	(void)snprintf(s->text, sizeof s->text, "%s", up ? "" : n->text);
}

static bool says_so(const json_t *told, const char *id, const char *why)
{
	const char *before = json_string_value(json_object_get(told, id));

	return before && strcmp(before, why) == 0;
}

/* Once as long as it is so; and no more than a log takes of all together. */
static void tell_unreadable(struct agent *a, const char *id, const char *why)
{
	uint64_t held;

	if (!log_allowed(&a->unreadable_log, clock_now(), &held))
		return;
	log_warn("container: cannot be read: %s id=%.40s held_back=%llu", why,
		 id, (unsigned long long)held);
	record_state(a, "runtime", "high", why);
}

/*
 * It may run. One that was never found is not guarded, so it is told; one that
 * was stays guarded as it is: a runtime that hangs over it must not undo that.
 */
static void unreadable(struct agent *a, const struct runtime_news *n)
{
	struct source_state *s = &a->sources[n->source];
	struct container *c =
		registry_container(&a->registry, n->source, n->id);
	char buf[RUNTIME_TEXT_MAX];

	if (c)
		c->listed = true;
	if (!says_so(s->unreadable_told, n->id, n->text) &&
	    !says_so(s->unreadable, n->id, n->text))
		tell_unreadable(a, n->id, n->text);
	if (!s->unreadable)
		s->unreadable = json_object();
	(void)json_object_set_new(
		s->unreadable, n->id,
		json_string(utf8_text(n->text, buf, sizeof buf)));
}

static void readable(struct agent *a, const struct runtime_news *n)
{
	/* most never were not */
	(void)json_object_del(a->sources[n->source].unreadable, n->id);
	(void)json_object_del(a->sources[n->source].unreadable_told, n->id);
}

static void on_news(void *arg, uint32_t events)
{
	struct agent *a = arg;
	struct runtime_news n;

	while (runtimes_next(a->runtimes, &n)) {
		switch (n.kind) {
		case NEWS_UP:
		case NEWS_DOWN: source_is(a, &n); break;
		case NEWS_LIST_BEGIN: listing(a, n.source, false); break;
		case NEWS_LIST_END: listing(a, n.source, true); break;
		case NEWS_UNREADABLE: unreadable(a, &n); break;
		case NEWS_FOUND:
			readable(a, &n);
			found(a, &n);
			break;
		case NEWS_GONE:
			readable(a, &n);
			gone(a, n.source, n.id);
			break;
		default: break;
		}
		runtime_news_done(&n);
	}
}

int inventory_start(struct agent *a, struct err *reterr)
{
	a->rescan.fn = rescan;
	a->rescan.arg = a;
	a->runtimes =
		runtimes_new(a->config.runtimes, a->config.n_runtimes, reterr);
	if (!a->runtimes)
		return -reterr->code;
	a->runtimes_fd = loop_add(a->loop, runtimes_fd(a->runtimes), EPOLLIN,
				  on_news, a);
	if (!a->runtimes_fd)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	loop_timer_need(a->loop, &a->rescan, a->config.claim_ms * 1000ULL);
	return 0;
}

void inventory_stop(struct agent *a)
{
	loop_remove(a->runtimes_fd);
	runtimes_free(a->runtimes);
	for (size_t i = 0; i < RUNTIMES_MAX; i++) {
		json_decref(a->sources[i].unreadable);
		json_decref(a->sources[i].unreadable_told);
	}
}
