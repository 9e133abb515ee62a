#include "dp/port.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ring/ring.h"

const char *port_state_name(enum port_state s)
{
	static const char *const names[] = { "none", "open", "lost", "gone" };

	return names[s];
}

const char *port_kind_name(enum frame_port_kind k)
{
	static const char *const names[] = {
		[FRAME_PORT_SERVICE] = "service",
		[FRAME_PORT_PAIR] = "pair",
		[FRAME_PORT_TAP] = "tap",
		[FRAME_PORT_NFQ] = "nfq",
	};

	return names[k];
}

/* The worker that has ring i of the port. */
static struct worker *user(const struct port *p, const struct workers *ws,
			   unsigned i)
{
	return ws->at[p->worker + i];
}

struct attach {
	const struct port *port;
	struct ring *ring;
	int rc;
};

static void do_attach(struct worker_view *view, void *arg)
{
	struct attach *a = arg;
	uint16_t at = a->port->at;

	view->ports[at].from = a->port->from;
	view->ports[at].other = a->port->other;
	a->rc = worker_view_attach(view, at, a->ring);
}

struct detach {
	uint16_t at;
	struct ring *ring;	 /* the one it had; NULL: none */
	struct ring_counts gone; /* of those before that */
};

static void do_detach(struct worker_view *view, void *arg)
{
	struct detach *d = arg;
	struct worker_port *p = &view->ports[d->at];

	d->ring = worker_view_detach(view, d->at);
	d->gone = p->gone;
	p->gone = (struct ring_counts){ 0 };
	p->lost = false;
}

/* Takes the ring from a worker; NULL: there was none. */
static struct ring *take_ring(struct port *p, struct worker *w)
{
	struct detach d = { .at = p->at };

	worker_ask(w, do_detach, &d);
	ring_counts_add(&p->before, d.gone);
	return d.ring;
}

/* NULL is accepted. */
static void end_ring(struct port *p, struct ring *ring)
{
	if (!ring)
		return;
	ring_counts_add(&p->before, ring_counts(ring));
	ring_free(ring);
}

static void end_rings(struct port *p, const struct workers *ws)
{
	for (unsigned i = 0; i < p->where.sockets; i++)
		end_ring(p, take_ring(p, user(p, ws, i)));
}

static void do_update(struct worker_view *view, void *arg)
{
	const struct port *p = arg;

	view->ports[p->at].from = p->from;
	if (p->where.kind == OPENER_NFQ && view->ports[p->at].ring)
		ring_nfq_set_mac(view->ports[p->at].ring, p->from.workload);
}

/* Takes descriptor i, and an NFQUEUE's other one, also when it fails. */
static struct ring *ring_on(const struct port *p, const struct opener_fds *fds,
			    unsigned i)
{
	struct ring *r;

	if (p->where.kind == OPENER_NFQ)
		r = ring_nfq_new(fds->port[i], fds->verdicts, p->from.workload);
	else
		r = ring_packet_new(fds->port[i]);
	if (!r) {
		close(fds->port[i]);
		if (fds->verdicts >= 0)
			close(fds->verdicts);
	}
	return r;
}

int port_make_rings(const struct port *p, const struct opener_fds *fds,
		    struct ring **ret, struct err *reterr)
{
	unsigned n = 0;

	while (n < fds->n) {
		ret[n] = ring_on(p, fds, n);
		if (!ret[n])
			break;
		n++;
	}
	if (n == fds->n)
		return 0;
	for (unsigned i = n + 1; i < fds->n; i++)
		close(fds->port[i]);
	while (n > 0)
		ring_free(ret[--n]);
	return err_set(reterr, ENOMEM, NULL, "out of memory");
}

/* To each user its own, or to none. Takes the rings. */
static int give_rings(struct port *p, const struct workers *ws,
		      struct ring **rings)
{
	int rc = 0;

	for (unsigned i = 0; i < p->where.sockets; i++) {
		struct attach a = { .port = p, .ring = rings[i], .rc = rc };

		if (rc == 0)
			worker_ask(user(p, ws, i), do_attach, &a);
		rc = a.rc;
		if (rc < 0)
			ring_free(rings[i]);
	}
	if (rc < 0)
		end_rings(p, ws);
	return rc;
}

void port_use_rings(struct port *p, const struct workers *ws,
		    struct ring **rings)
{
	if (give_rings(p, ws, rings) < 0)
		port_lost(p, ws);
}

int port_open(struct port *p, const struct workers *ws, int opener_fd,
	      struct err *reterr)
{
	struct ring *rings[WORKERS_MAX] = { 0 };
	struct opener_fds fds;
	int rc = opener_ask(opener_fd, &p->where, &p->netns, &fds, reterr);

	if (rc == -ENETDOWN && p->state == PORT_NONE) {
		log_info("port: interface is down, waiting for it iface=%s",
			 p->where.iface);
		p->state = PORT_LOST;
		return 0;
	}
	if (rc < 0)
		return rc;
	rc = port_make_rings(p, &fds, rings, reterr);
	if (rc < 0)
		return rc;
	rc = give_rings(p, ws, rings);
	if (rc < 0)
		return err_set(reterr, -rc, NULL, "cannot wait for it: %s",
			       strerror(-rc));
	p->state = PORT_OPEN;
	return 0;
}

bool port_has_moved(const struct port *p, int opener_fd)
{
	struct opener_port what = p->where;
	struct opener_fds fds;
	struct err ignored; /* whoever opens it is told */
	int netns = p->netns, rc;

	if (netns < 0)
		return false;
	what.kind = OPENER_NETNS;
	what.sockets = 1;
	rc = opener_ask(opener_fd, &what, &netns, &fds, &ignored);
	if (rc == 0)
		close(fds.port[0]);
	return rc == -ESTALE;
}

static void let_go(struct port *p)
{
	if (p->netns >= 0)
		close(p->netns);
	p->netns = -1;
}

void port_close(struct port *p, const struct workers *ws, int opener_fd)
{
	end_rings(p, ws);
	if (p->where.deaf)
		opener_release(opener_fd, &p->where);
	let_go(p);
	p->state = PORT_NONE;
}

void port_lost(struct port *p, const struct workers *ws)
{
	end_rings(p, ws);
	p->state = PORT_LOST;
	p->times_lost++;
	log_warn("port: interface went away, waiting for it iface=%s%s%s",
		 p->where.iface, p->where.netns[0] ? " netns=" : "",
		 p->where.netns);
}

/* Two ports of one worker's between two of its batches; [1] may be NULL. */
struct packing {
	struct port *port[2];
	struct detach detach[2];
	int rc[2];
};

static struct packing packing_of(struct port *p, struct port *other)
{
	return (struct packing){
		.port = { p, other == p ? NULL : other },
		.detach = { { .at = p->at }, { .at = other->at } },
	};
}

static void do_pack(struct worker_view *view, void *arg)
{
	struct packing *k = arg;

	for (int i = 0; i < 2; i++)
		if (k->port[i])
			do_detach(view, &k->detach[i]);
}

static void do_unpack(struct worker_view *view, void *arg)
{
	struct packing *k = arg;

	for (int i = 0; i < 2; i++) {
		struct attach a = { .port = k->port[i] };

		if (!a.port || !a.port->packed)
			continue;
		a.ring = a.port->packed;
		do_attach(view, &a);
		k->rc[i] = a.rc;
	}
}

void port_pack(struct port *p, struct port *other, const struct workers *ws,
	       unsigned worker)
{
	struct packing k = packing_of(p, other);

	worker_ask(ws->at[p->worker], do_pack, &k);
	for (int i = 0; i < 2; i++) {
		struct port *one = k.port[i];

		if (!one)
			continue;
		ring_counts_add(&one->before, k.detach[i].gone);
		one->packed = k.detach[i].ring;
		one->worker = worker;
		/* lost, and nobody has asked yet */
		if (!one->packed && one->state == PORT_OPEN)
			port_lost(one, ws);
	}
}

void port_unpack(struct port *p, struct port *other, const struct workers *ws)
{
	struct packing k = packing_of(p, other);

	worker_ask(ws->at[p->worker], do_unpack, &k);
	for (int i = 0; i < 2; i++) {
		struct port *one = k.port[i];
		struct ring *ring = one ? one->packed : NULL;

		if (!ring)
			continue;
		one->packed = NULL;
		if (k.rc[i] == 0)
			continue;
		log_warn("port: cannot wait for it: %s", strerror(-k.rc[i]));
		end_ring(one, ring);
		port_lost(one, ws);
	}
}

bool port_retry(struct port *p, const struct workers *ws, int opener_fd)
{
	struct err ignored; /* it is not there yet; told when it was lost */
	int rc = p->state == PORT_LOST ? port_open(p, ws, opener_fd, &ignored)
				       : -EINVAL;

	if (rc == -ESTALE) {
		/* to hold it would keep it in being for nobody */
		let_go(p);
		p->state = PORT_GONE;
		log_warn("port: its namespace is gone, giving it up iface=%s "
			 "netns=%s",
			 p->where.iface, p->where.netns);
	}
	if (rc < 0)
		return false;
	log_info("port: interface is back iface=%s%s%s", p->where.iface,
		 p->where.netns[0] ? " netns=" : "", p->where.netns);
	return true;
}

void port_update(const struct port *p, const struct workers *ws)
{
	worker_ask(ws->at[p->worker], do_update, (void *)(uintptr_t)p);
}

struct counts_question {
	uint16_t at;
	struct ring_counts counts;
};

static void do_counts(struct worker_view *view, void *arg)
{
	struct counts_question *q = arg;
	const struct worker_port *p = &view->ports[q->at];

	q->counts = p->gone;
	if (p->ring)
		ring_counts_add(&q->counts, ring_counts(p->ring));
}

struct ring_counts port_counts_of(const struct port *p, struct worker *w)
{
	struct counts_question q = { .at = p->at };

	worker_ask(w, do_counts, &q);
	return q.counts;
}

struct ring_counts port_counts(const struct port *p, const struct workers *ws)
{
	struct ring_counts all = p->before;

	for (unsigned i = 0; i < p->where.sockets; i++)
		ring_counts_add(&all, port_counts_of(p, user(p, ws, i)));
	return all;
}

struct buffer_question {
	uint16_t at;
	struct ring_buffer buffer;
};

static void do_buffer(struct worker_view *view, void *arg)
{
	struct buffer_question *q = arg;
	const struct ring *ring = view->ports[q->at].ring;

	if (ring)
		q->buffer = ring_buffer(ring);
}

struct ring_buffer port_buffer_of(const struct port *p, struct worker *w)
{
	struct buffer_question q = { .at = p->at };

	worker_ask(w, do_buffer, &q);
	return q.buffer;
}

bool port_nfq_stats(const struct port *p, int opener_fd, struct nfq_stats *ret)
{
	struct opener_port what = p->where;
	int netns = p->netns;
	struct opener_fds fds;
	struct err ignored; /* a figure less, in an answer of many */
	bool known;

	if (p->where.kind != OPENER_NFQ || p->state != PORT_OPEN)
		return false;
	what.kind = OPENER_QUEUES;
	what.sockets = 1;
	if (opener_ask(opener_fd, &what, &netns, &fds, &ignored) < 0)
		return false;
	known = ring_nfq_stats(fds.port[0], p->where.queue, ret);
	close(fds.port[0]);
	return known;
}

struct ring_buffer port_buffer(const struct port *p, const struct workers *ws)
{
	struct ring_buffer all = { 0 };

	for (unsigned i = 0; i < p->where.sockets; i++) {
		struct ring_buffer one = port_buffer_of(p, user(p, ws, i));

		all.in_use += one.in_use;
		all.limit += one.limit;
	}
	return all;
}
