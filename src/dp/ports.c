#include "dp/ports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/spread.h"
#include "dp/ask.h"
#include "dp/cache_maps.h"

#define SERVICE 0

void ports_init(struct ports *ps, const struct workers *ws, int opener_fd)
{
	*ps = (struct ports){ .workers = ws, .opener_fd = opener_fd };
	ps->service.netns = -1;
	ps->service.where.sockets = ws->n;
	ps->at[SERVICE] = &ps->service;
}

void ports_done(struct ports *ps)
{
	beat_unmap(ps->beat);
	cache_maps_free(ps->cache);
	for (size_t i = SERVICE + 1; i < WORKER_PORTS_MAX; i++) {
		if (ps->at[i] && ps->at[i]->netns >= 0)
			close(ps->at[i]->netns);
		free(ps->at[i]);
	}
}

static void do_set_beat(struct worker_view *view, void *arg)
{
	view->beat = arg;
}

/* One of the maps of our namespace; a descriptor or -errno. */
static int open_map(const struct ports *ps, const char *name,
		    struct err *reterr)
{
	struct opener_port what = { .kind = OPENER_MAP, .sockets = 1 };
	struct opener_fds fds;
	int netns = -1; /* our own */
	int rc;

	(void)snprintf(what.iface, sizeof what.iface, "%s", name);
	rc = opener_ask(ps->opener_fd, &what, &netns, &fds, reterr);
	return rc < 0 ? rc : fds.port[0];
}

static struct cache_maps *open_cache(const struct ports *ps, struct err *reterr)
{
	int flows = open_map(ps, "flows", reterr), seen;

	if (flows < 0)
		return NULL;
	seen = open_map(ps, "seen", reterr);
	if (seen < 0) {
		close(flows);
		return NULL;
	}
	return cache_maps_new(flows, seen, reterr);
}

/* Slots of the kernel's, by equal parts; NULL: out of memory. */
static struct verdict_cache *half_of(const struct ports *ps, unsigned i)
{
	struct cache_kernel hooks = cache_maps_hooks(ps->cache);
	uint32_t part = CACHE_SLOTS_MAX / ps->workers->n;
	uint64_t seed;

	if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
		seed = 0; /* then the table is as good as anybody's */
	return verdict_cache_new(i * part, part, &hooks, seed);
}

static void end_cache(struct ports *ps)
{
	for (unsigned i = 0; i < ps->workers->n; i++)
		verdict_cache_free(ask_cache(ps->workers->at[i], NULL));
	cache_maps_free(ps->cache);
	ps->cache = NULL;
}

/* The workers' halves, with the kernel's. Without, every frame comes up. */
static void begin_cache(struct ports *ps)
{
	struct err err;

	ps->cache = open_cache(ps, &err);
	if (!ps->cache) {
		log_warn("verdicts are not cached: %s", err.text);
		return;
	}
	for (unsigned i = 0; i < ps->workers->n; i++) {
		struct verdict_cache *half = half_of(ps, i);

		if (!half) {
			log_warn("verdicts are not cached: out of memory");
			end_cache(ps);
			return;
		}
		verdict_cache_free(ask_cache(ps->workers->at[i], half));
	}
	ask_generation(ps->workers, ports_outdate(ps));
}

void ports_renew_cache(struct ports *ps)
{
	if (!ps->beat)
		return;
	end_cache(ps);
	begin_cache(ps);
}

void ports_begin_beat(struct ports *ps)
{
	struct err err;
	int fd;

	if (ps->beat || ps->service.state != PORT_OPEN)
		return;
	fd = open_map(ps, "dp", &err);
	if (fd < 0)
		return; /* nothing is, or the next opening finds it */
	ps->beat = beat_map(fd, &err);
	if (!ps->beat) {
		log_warn("no heartbeat for the kernel: %s", err.text);
		return;
	}
	begin_cache(ps);
	workers_ask(ps->workers, do_set_beat, ps->beat);
}

void ports_let_beat(struct ports *ps, bool ours)
{
	workers_ask(ps->workers, do_set_beat, ours ? ps->beat : NULL);
}

static void end_beat(struct ports *ps)
{
	if (!ps->beat)
		return;
	workers_ask(ps->workers, do_set_beat, NULL);
	end_cache(ps);
	beat_unmap(ps->beat);
	ps->beat = NULL;
}

uint64_t ports_outdate(struct ports *ps)
{
	return ps->beat ? beat_outdate(ps->beat) : 0;
}

int ports_add_service(struct ports *ps, const char iface[static IFNAMSIZ],
		      struct err *reterr)
{
	struct port *p = &ps->service;
	int rc;

	if (p->state != PORT_NONE)
		return err_set(
			reterr, EEXIST, "ctrl_add_srvc_port.iface",
			"the service port is %s already; delete it first",
			p->where.iface);
	memcpy(p->where.iface, iface, IFNAMSIZ);
	rc = port_open(p, ps->workers, ps->opener_fd, reterr);
	if (rc < 0)
		err_prefix(reterr, "ctrl_add_srvc_port.iface");
	else
		ports_begin_beat(ps);
	return rc;
}

int ports_del_service(struct ports *ps, struct err *reterr)
{
	if (ps->service.state == PORT_NONE)
		return err_set(reterr, ENOENT, "ctrl_del_srvc_port",
			       "there is no service port");
	end_beat(ps);
	port_close(&ps->service, ps->workers, ps->opener_fd);
	return 0;
}

/* --- the other kinds ------------------------------------------------------ */

static enum frame_port_kind kind_of(enum ctrl_kind kind)
{
	switch (kind) {
	case CTRL_ADD_PORT_PAIR:
	case CTRL_DEL_PORT_PAIR: return FRAME_PORT_PAIR;
	case CTRL_ADD_TAP_PORT:
	case CTRL_DEL_TAP_PORT: return FRAME_PORT_TAP;
	default: return FRAME_PORT_NFQ;
	}
}

/* Whose the port's workload is, by that snapshot; or would be without a mark. */
static unsigned worker_of(const struct ports *ps, const struct snapshot *s,
			  const struct port *p)
{
	uint16_t index = snapshot_find_mac(s, p->from.workload, MAC_REAL);
	const struct endpoint *e = snapshot_endpoint(s, index);

	return e ? workers_of(ps->workers, e)
		 : spread_workload(p->from.workload, (struct mac){ { 0 } },
				   ps->workers->n);
}

/* The port at place i that stands for itself, or for both of a pair. */
static struct port *first_of(const struct ports *ps, size_t i)
{
	struct port *p = ps->at[i];

	return p && p->at <= p->other ? p : NULL;
}

void ports_leave(struct ports *ps, const struct snapshot *next)
{
	ps->snapshot = next;
	if (ps->workers->n == 1)
		return;
	for (size_t i = SERVICE + 1; i < WORKER_PORTS_MAX; i++) {
		struct port *p = first_of(ps, i);
		unsigned to = p ? worker_of(ps, next, p) : 0;

		if (p && to != p->worker)
			port_pack(p, ps->at[p->other], ps->workers, to);
	}
}

void ports_arrive(struct ports *ps)
{
	for (size_t i = SERVICE + 1; i < WORKER_PORTS_MAX; i++) {
		struct port *p = first_of(ps, i);

		if (p && (p->packed || ps->at[p->other]->packed))
			port_unpack(p, ps->at[p->other], ps->workers);
	}
}

/* The one with these names; of a pair the side `iface` is. */
static struct port *find(const struct ports *ps, enum frame_port_kind kind,
			 const char *netns, const char *iface)
{
	for (size_t i = SERVICE + 1; i < WORKER_PORTS_MAX; i++) {
		struct port *p = ps->at[i];

		if (p && p->from.kind == kind &&
		    strcmp(p->where.iface, iface) == 0 &&
		    strcmp(p->where.netns, netns) == 0)
			return p;
	}
	return NULL;
}

/* A new port, in state NONE, at a free place. NULL: there is none. */
static struct port *place(struct ports *ps, enum frame_port_kind kind,
			  const struct port_spec *s, const char *iface,
			  struct err *reterr)
{
	uint16_t at = SERVICE + 1;
	struct port *p;

	while (at < WORKER_PORTS_MAX && ps->at[at])
		at++;
	if (at == WORKER_PORTS_MAX) {
		(void)err_set(reterr, ENOSPC, NULL,
			      "there are %d ports already", WORKER_PORTS_MAX);
		return NULL;
	}
	p = calloc(1, sizeof *p);
	if (!p) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	p->at = p->other = at;
	p->from = (struct frame_port){ .kind = kind,
				       .workload = s->epmac,
				       .quarantined = s->quarantine };
	p->where.kind = kind == FRAME_PORT_NFQ	 ? OPENER_NFQ
			: kind == FRAME_PORT_TAP ? OPENER_TAP
						 : OPENER_PACKET;
	p->where.queue = s->queue;
	p->where.sockets = 1;
	p->worker = worker_of(ps, ps->snapshot, p);
	p->where.deaf = kind == FRAME_PORT_PAIR;
	p->netns = -1;
	/* both are checked to fit by whoever parsed them */
	(void)snprintf(p->where.iface, sizeof p->where.iface, "%s", iface);
	(void)snprintf(p->where.netns, sizeof p->where.netns, "%s", s->netns);
	ps->at[at] = p;
	return p;
}

static void remove_port(struct ports *ps, struct port *p)
{
	/* also what was never open may have become deaf, or hold a namespace */
	port_close(p, ps->workers, ps->opener_fd);
	ps->at[p->at] = NULL;
	free(p);
}

static void update(struct ports *ps, struct port *p, const struct port_spec *s)
{
	p->from.workload = s->epmac;
	p->from.quarantined = s->quarantine;
	port_update(p, ps->workers);
}

/* After updates: to the workers that their workloads belong to. */
static void move_ports(struct ports *ps)
{
	ports_leave(ps, ps->snapshot);
	ports_arrive(ps);
}

static int add_pair(struct ports *ps, const struct port_spec *s,
		    struct err *reterr)
{
	struct port *vex = find(ps, FRAME_PORT_PAIR, "", s->vex);
	struct port *vin = find(ps, FRAME_PORT_PAIR, "", s->vin);
	int rc;

	if (vex && vin && vex->other == vin->at) {
		update(ps, vex, s);
		update(ps, vin, s);
		move_ports(ps);
		return 0;
	}
	if (vex || vin || strcmp(s->vex, s->vin) == 0)
		return err_set(reterr, EEXIST,
			       vex ? "ctrl_add_port_pair.vex_iface"
				   : "ctrl_add_port_pair.vin_iface",
			       "it is one side of another pair");
	vex = place(ps, FRAME_PORT_PAIR, s, s->vex, reterr);
	vin = vex ? place(ps, FRAME_PORT_PAIR, s, s->vin, reterr) : NULL;
	if (!vin) {
		rc = -reterr->code;
		goto err_ports;
	}
	vex->other = vin->at;
	vin->other = vex->at;
	vin->from.inside = true;
	rc = port_open(vex, ps->workers, ps->opener_fd, reterr);
	if (rc < 0) {
		err_prefix(reterr, "ctrl_add_port_pair.vex_iface");
		goto err_ports;
	}
	rc = port_open(vin, ps->workers, ps->opener_fd, reterr);
	if (rc == 0)
		return 0;
	err_prefix(reterr, "ctrl_add_port_pair.vin_iface");
err_ports:
	if (vex)
		remove_port(ps, vex);
	if (vin)
		remove_port(ps, vin);
	return rc;
}

int ports_add(struct ports *ps, enum ctrl_kind kind, const struct port_spec *s,
	      struct err *reterr)
{
	enum frame_port_kind k = kind_of(kind);
	struct port *p, *before;
	int rc;

	if (k == FRAME_PORT_PAIR)
		return add_pair(ps, s, reterr);
	before = find(ps, k, s->netns, s->iface);
	if (before && before->state == PORT_GONE) {
		remove_port(ps, before);
		before = NULL;
	}
	if (before && before->where.queue == s->queue &&
	    !port_has_moved(before, ps->opener_fd)) {
		update(ps, before, s);
		move_ports(ps);
		return 0;
	}
	p = place(ps, k, s, s->iface, reterr);
	if (!p)
		return -reterr->code;
	rc = port_open(p, ps->workers, ps->opener_fd, reterr);
	if (rc < 0) {
		err_prefix(reterr, ctrl_name(kind));
		remove_port(ps, p);
	} else if (before) {
		/* another queue or namespace: the new one is served already */
		remove_port(ps, before);
	}
	return rc;
}

int ports_del(struct ports *ps, enum ctrl_kind kind, const struct port_spec *s,
	      struct err *reterr)
{
	enum frame_port_kind k = kind_of(kind);
	bool pair = k == FRAME_PORT_PAIR;
	struct port *p =
		find(ps, k, pair ? "" : s->netns, pair ? s->vex : s->iface);
	struct port *other;

	if (!p)
		return err_set(reterr, ESRCH, ctrl_name(kind),
			       "there is no such port");
	other = ps->at[p->other];
	if (other != p)
		remove_port(ps, other);
	remove_port(ps, p);
	return 0;
}

/* --- loss and return -------------------------------------------------------- */

/* By any worker. */
struct lost_question {
	bool lost[WORKER_PORTS_MAX];
};

static void do_lost(struct worker_view *view, void *arg)
{
	struct lost_question *q = arg;

	for (size_t i = 0; i < WORKER_PORTS_MAX; i++)
		q->lost[i] |= view->ports[i].lost;
}

void ports_lost(struct ports *ps)
{
	struct lost_question q = { .lost = { false } };

	workers_ask(ps->workers, do_lost, &q);
	for (size_t i = 0; i < WORKER_PORTS_MAX; i++)
		if (q.lost[i] && ps->at[i] && ps->at[i]->state == PORT_OPEN)
			port_lost(ps->at[i], ps->workers);
	if (ps->service.state == PORT_LOST)
		end_beat(ps);
}

bool ports_retry(struct ports *ps)
{
	usec_t now = clock_now();
	bool due = !usec_before(now, ps->retry_at), left = false;

	for (size_t i = 0; i < WORKER_PORTS_MAX; i++) {
		struct port *p = ps->at[i];

		if (!p || p->state != PORT_LOST)
			continue;
		if (due && port_retry(p, ps->workers, ps->opener_fd) &&
		    i == SERVICE)
			ports_begin_beat(ps);
		left |= p->state == PORT_LOST;
	}
	if (due)
		ps->retry_at = usec_add(now, PORT_RETRY_MS * 1000ULL);
	return left;
}

/* --- a predecessor's ------------------------------------------------------ */

static bool is_port(const struct ports *ps, const struct port *p)
{
	const struct opener_port *w = &p->where;
	bool service = p->at == SERVICE;

	return p->at < WORKER_PORTS_MAX && p->other < WORKER_PORTS_MAX &&
	       p->worker < ps->workers->n &&
	       memchr(w->iface, '\0', sizeof w->iface) &&
	       memchr(w->netns, '\0', sizeof w->netns) &&
	       w->sockets == (service ? ps->workers->n : 1) &&
	       (p->state == PORT_OPEN || p->state == PORT_LOST ||
		p->state == PORT_GONE) &&
	       (service ? p->from.kind == FRAME_PORT_SERVICE
			: p->from.kind > FRAME_PORT_SERVICE &&
				  p->from.kind <= FRAME_PORT_NFQ);
}

struct port *ports_take(struct ports *ps, const struct port *as, int netns,
			struct err *reterr)
{
	struct port *p = &ps->service;

	if (!is_port(ps, as) ||
	    (as->at == SERVICE ? p->state != PORT_NONE : !!ps->at[as->at])) {
		(void)err_set(reterr, EPROTO, NULL, "not a port");
		return NULL;
	}
	if (as->at != SERVICE)
		p = calloc(1, sizeof *p);
	if (!p) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	*p = *as;
	p->packed = NULL;
	p->netns = netns;
	ps->at[p->at] = p;
	return p;
}
