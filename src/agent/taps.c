/*
 * The MAC, from the first of these that says one:
 *
 *   the tap's own     libvirt gives a tap the guest's MAC with fe as its first
 *                     byte; the guest's begins 52:54:00, unless it was chosen
 *   the bridge        what it has learned to be behind the tap
 *   a frame           the source of the first one that comes (net/heard.h), also
 *                     when it is held: ARP and ND pass even then
 *
 * Until it is known the port is on hold if anything is enforced (guard.c). It is
 * kept until nobody holds the tap open any more; a guest that changes it is cut
 * off where it is judged (drop_foreign).
 *
 * Addresses: what the host's neighbour table has at that MAC, and what the guest
 * says by ARP and ND.
 *
 * All of it but the first is, in the end, what the guest says, so it is
 * believed only where nobody else is harmed: what is another's - a port's MAC, an
 * address of a workload, of this host, or one that the neighbour table has at
 * another MAC - is not taken, and why stands at the port. Who was first keeps it;
 * an address that another tap has not spoken of for an hour may move. A guest
 * can still take what is nobody's yet, e.g. an address of the LAN that this host
 * has not talked to: groups that are to be trusted by address need the bridge
 * to refuse foreign addresses.
 */
#include "agent/taps.h"

#include <errno.h>
#include <linux/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/guard.h"
#include "base/limits.h"
#include "base/log.h"
#include "bpf/shared.h"
#include "net/heard.h"
#include "net/neigh.h"

#define SOON_US 5000
/* An address that was not heard of for so long may be another's. */
#define ADDR_KEPT_US (3600 * USEC_PER_SEC)

struct tap_addr {
	struct ip_addr ip;
	usec_t heard_at;
};

struct tap {
	struct agent *agent;  /* borrowed */
	struct port *port;    /* borrowed: its own */
	int fd;		      /* owned; -1 */
	struct loop_fd *hear; /* owned */
	struct mac own;	      /* the device's, not the guest's */
	uint32_t master;
	struct tap_addr addrs[TAP_ADDRS_MAX];
	size_t n_addrs;
};

static void refused(struct tap *t, const char *what, const char *text,
		    const char *whose)
{
	struct port *p = t->port;
	struct err why;

	(void)err_set(&why, EEXIST, NULL, "says its %s is %s, which is %s",
		      what, text, whose);
	if (strcmp(p->why.text, why.text) == 0)
		return;
	if (log_allowed(&t->agent->taps_log, clock_now(), &(uint64_t){ 0 }))
		log_warn("tap: %s device=%s", why.text, p->host);
	p->why = why;
}

/* --- addresses ------------------------------------------------------------- */

static struct tap_addr *find_addr(struct tap *t, struct ip_addr ip)
{
	for (size_t i = 0; i < t->n_addrs; i++)
		if (ip_equal(t->addrs[i].ip, ip))
			return &t->addrs[i];
	return NULL;
}

static void drop_addr(struct tap *t, struct tap_addr *x)
{
	*x = t->addrs[--t->n_addrs];
}

/* Policy and names follow. */
static void changed(struct tap *t)
{
	struct agent *a = t->agent;

	if (!t->port->workload)
		return; /* it is looked at when it has one */
	t->port->workload->stale = true;
	loop_timer_need(a->loop, &a->rescan, SOON_US);
}

static bool is_taps(const struct agent *a, const struct workload *w)
{
	for (const struct port *p = a->registry.ports; p; p = p->next)
		if (p->workload == w && p->tap)
			return true;
	return false;
}

static bool has_addr(const struct workload *w, struct ip_addr ip)
{
	for (size_t i = 0; i < w->n_addrs; i++)
		if (ip_equal(w->addrs[i], ip))
			return true;
	return false;
}

/* Who has it for sure: the kernel says so. NULL: none. */
static const struct workload *sure_owner(const struct agent *a,
					 struct ip_addr ip)
{
	for (const struct workload *w = a->registry.workloads; w; w = w->next)
		if (has_addr(w, ip) && !is_taps(a, w))
			return w;
	return NULL;
}

static bool is_nodes(const struct agent *a, struct ip_addr ip)
{
	for (size_t i = 0; i < a->n_node_addrs; i++)
		if (ip_equal(a->node_addrs[i], ip))
			return true;
	return false;
}

/* Another tap's; one that was silent for long loses it. */
static bool is_other_taps(struct tap *t, struct ip_addr ip)
{
	usec_t now = clock_now();

	for (struct port *p = t->agent->registry.ports; p; p = p->next) {
		struct tap_addr *x =
			p->tap && p->tap != t ? find_addr(p->tap, ip) : NULL;

		if (!x)
			continue;
		if (usec_since(now, x->heard_at) < ADDR_KEPT_US)
			return true;
		drop_addr(p->tap, x);
		changed(p->tap);
	}
	return false;
}

struct where {
	struct ip_addr ip;
	struct mac mac;
	bool elsewhere;
};

static int look_where(void *arg, const struct neigh *n)
{
	struct where *w = arg;

	if (ip_equal(n->addr, w->ip) && !mac_equal(n->mac, w->mac))
		w->elsewhere = true;
	return 0;
}

static bool is_elsewhere(const struct tap *t, struct ip_addr ip)
{
	struct where w = { .ip = ip, .mac = t->port->mac };

	/* a table that cannot be read says nothing against it */
	(void)neigh_each(t->agent->host_nl, ip_is_v4(ip) ? AF_INET : AF_INET6,
			 look_where, &w, NULL);
	return w.elsewhere;
}

static const char *whose(struct tap *t, struct ip_addr ip)
{
	const struct workload *w = sure_owner(t->agent, ip);

	if (w)
		return workload_name(w);
	if (is_nodes(t->agent, ip))
		return "this host's";
	if (is_other_taps(t, ip))
		return "another tap's";
	return is_elsewhere(t, ip) ? "at another MAC" : NULL;
}

/* The one that was not heard of for longest, if that is long. */
static bool make_room(struct tap *t)
{
	struct tap_addr *oldest = &t->addrs[0];

	if (t->n_addrs < TAP_ADDRS_MAX)
		return true;
	for (size_t i = 1; i < t->n_addrs; i++)
		if (usec_before(t->addrs[i].heard_at, oldest->heard_at))
			oldest = &t->addrs[i];
	if (usec_since(clock_now(), oldest->heard_at) < ADDR_KEPT_US)
		return false;
	drop_addr(t, oldest);
	return true;
}

static void claim(struct tap *t, struct ip_addr ip)
{
	struct tap_addr *x = find_addr(t, ip);
	char text[IP_TEXT_MAX];
	const char *owner;

	if (x) {
		x->heard_at = clock_now();
		return;
	}
	if (ip_is_any(ip) || ip_is_multicast(ip) || ip_is_loopback(ip) ||
	    ip_is_link_local(ip))
		return;
	owner = whose(t, ip);
	if (owner || !make_room(t)) {
		refused(t, "address", ip_format(ip, text),
			owner ? owner : "one too many");
		return;
	}
	t->port->why.code = 0;
	t->addrs[t->n_addrs++] = (struct tap_addr){ ip, clock_now() };
	changed(t);
}

struct at_mac {
	const struct tap *tap;
	struct ip_addr addrs[TAP_ADDRS_MAX];
	size_t n;
};

static int look_at_mac(void *arg, const struct neigh *n)
{
	struct at_mac *at = arg;
	const struct tap *t = at->tap;

	if (mac_equal(n->mac, t->port->mac) && at->n < TAP_ADDRS_MAX &&
	    (n->ifindex == t->port->host_ifindex || n->ifindex == t->master))
		at->addrs[at->n++] = n->addr;
	return 0;
}

static void ask_neighbour_table(struct tap *t)
{
	struct at_mac at = { .tap = t };

	/* what cannot be read there will be heard */
	(void)neigh_each(t->agent->host_nl, AF_INET, look_at_mac, &at, NULL);
	(void)neigh_each(t->agent->host_nl, AF_INET6, look_at_mac, &at, NULL);
	for (size_t i = 0; i < at.n; i++)
		claim(t, at.addrs[i]);
}

size_t taps_addrs(const struct agent *a, const struct port *p,
		  struct ip_addr ret[static TAP_ADDRS_MAX])
{
	struct tap *t = p->tap;
	size_t n = 0;

	for (size_t i = 0; i < t->n_addrs;) {
		if (sure_owner(a, t->addrs[i].ip))
			drop_addr(t, &t->addrs[i]);
		else
			ret[n++] = t->addrs[i++].ip;
	}
	return n;
}

void taps_recheck(struct agent *a)
{
	for (struct port *p = a->registry.ports; p; p = p->next)
		if (p->tap)
			changed(p->tap);
}

/* --- the MAC ------------------------------------------------------------------ */

/* Only we may wear those: 4e:65:75:56:..., and copies' ...:57:... */
static bool is_mark(struct mac m)
{
	uint32_t prefix = (uint32_t)m.b[0] << 24 | (uint32_t)m.b[1] << 16 |
			  (uint32_t)m.b[2] << 8 | m.b[3];

	return prefix == DIVERT_MARK_PREFIX || prefix == DIVERT_MARK_PREFIX + 1;
}

static void try_mac(struct tap *t, struct mac mac)
{
	struct agent *a = t->agent;
	struct port *p = t->port;
	char text[MAC_TEXT_MAX];

	if (mac_is_zero(mac) || mac_is_group(mac) || is_mark(mac))
		return;
	for (const struct port *q = a->registry.ports; q; q = q->next) {
		if (q == p || !mac_equal(q->mac, mac))
			continue;
		refused(t, "MAC", mac_format(mac, text),
			q->workload ? workload_name(q->workload) : q->host);
		return;
	}
	log_info("tap: the MAC behind it is %s device=%s",
		 mac_format(mac, text), p->host);
	p->why.code = 0;
	guard_learned(a, p, mac);
	/* to hear too much is only dear */
	(void)heard_less(t->fd, NULL);
	ask_neighbour_table(t);
}

/* A guest's MAC that libvirt made up. */
static struct mac libvirts(struct mac own)
{
	static const uint8_t taps[] = { 0xfe, 0x54, 0x00 };

	if (memcmp(own.b, taps, sizeof taps) != 0)
		return (struct mac){ { 0 } };
	own.b[0] = 0x52;
	return own;
}

struct behind {
	uint32_t port;
	struct mac mac;
	unsigned n;
};

static int look_behind(void *arg, const struct neigh *n)
{
	struct behind *b = arg;

	if (n->ifindex != b->port)
		return 0;
	/* once for each VLAN */
	if (b->n == 0 || !mac_equal(b->mac, n->mac))
		b->n++;
	b->mac = n->mac;
	return 0;
}

/* Before anything is heard of it. */
static void ask_bridge(struct tap *t)
{
	struct behind b = { .port = t->port->host_ifindex };

	/* of several none is more likely: a frame tells */
	if (neigh_each(t->agent->host_nl, AF_BRIDGE, look_behind, &b, NULL) ==
		    0 &&
	    b.n == 1)
		try_mac(t, b.mac);
}

/* --- listening ------------------------------------------------------------------ */

static void hears(void *arg, uint32_t events)
{
	struct tap *t = arg;
	struct agent *a = t->agent;
	unsigned budget = TAP_HEAR_FRAMES;
	struct heard h;

	while (heard_next(t->fd, &budget, &h)) {
		if (mac_is_zero(t->port->mac))
			try_mac(t, h.mac);
		if (h.has_addr && mac_equal(h.mac, t->port->mac))
			claim(t, h.addr);
	}
	loop_change(t->hear, 0);
	loop_timer_need(a->loop, &a->taps_again, TAP_HEAR_AGAIN_US);
}

static void hear_again(void *arg)
{
	struct agent *a = arg;

	for (struct port *p = a->registry.ports; p; p = p->next)
		if (p->tap && p->tap->hear)
			loop_change(p->tap->hear, EPOLLIN);
}

static void end_listening(struct tap *t)
{
	loop_remove(t->hear);
	t->hear = NULL;
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

static void listen_to(struct tap *t)
{
	struct port *p = t->port;
	struct err err = { 0 };
	int rc = heard_open(p->host_ifindex, mac_is_zero(p->mac), &t->fd, &err);

	if (rc == 0)
		t->hear = loop_add(t->agent->loop, t->fd, EPOLLIN, hears, t);
	if (t->hear)
		return;
	end_listening(t);
	p->why = err;
	log_warn("tap: cannot be listened to: %s device=%s", err.text, p->host);
}

/* Somebody else may be behind it the next time. */
static void forget_who(struct tap *t)
{
	t->n_addrs = 0;
	changed(t);
	guard_learned(t->agent, t->port, (struct mac){ { 0 } });
	end_listening(t);
	listen_to(t);
}

void taps_seen(struct agent *a, struct port *p, const struct link_stat *l)
{
	struct tap *t = p->tap;
	bool is_new = !t;

	a->taps_again.fn = hear_again;
	a->taps_again.arg = a;
	if (is_new) {
		t = calloc(1, sizeof *t);
		if (!t)
			return; /* until the device is told of again */
		*t = (struct tap){ .agent = a, .port = p, .fd = -1 };
		p->tap = t;
	}
	t->own = l->mac;
	t->master = l->master;
	if (!t->hear)
		listen_to(t);
	if (!mac_is_zero(p->mac) && !(l->flags & IFF_LOWER_UP) &&
	    !mac_equal(p->mac, libvirts(l->mac)))
		forget_who(t);
	else if (is_new && !mac_is_zero(p->mac))
		ask_neighbour_table(t);
	if (mac_is_zero(p->mac))
		try_mac(t, libvirts(t->own));
	if (is_new && mac_is_zero(p->mac))
		ask_bridge(t);
}

void taps_gone(struct agent *a, struct port *p)
{
	if (!p->tap)
		return;
	end_listening(p->tap);
	free(p->tap);
	p->tap = NULL;
}
