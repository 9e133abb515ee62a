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

struct attach {
	const struct port *port;
	struct ring *ring;	 /* to attach */
	struct ring *before;	 /* what was there */
	struct ring_counts gone; /* of those before that */
	int rc;
};

static void do_attach(struct worker_view *view, void *arg)
{
	struct attach *a = arg;
	uint16_t at = a->port->at;

	a->before = worker_view_detach(view, at);
	view->ports[at].from = a->port->from;
	view->ports[at].other = a->port->other;
	a->rc = worker_view_attach(view, at, a->ring);
}

static void do_detach(struct worker_view *view, void *arg)
{
	struct attach *a = arg;

	struct worker_port *p = &view->ports[a->port->at];

	a->before = worker_view_detach(view, a->port->at);
	a->gone = p->gone;
	p->gone = (struct ring_counts){ 0 };
	p->lost = false;
}

static void do_update(struct worker_view *view, void *arg)
{
	const struct port *p = arg;

	view->ports[p->at].from = p->from;
	if (p->where.kind == OPENER_NFQ && view->ports[p->at].ring)
		ring_nfq_set_mac(view->ports[p->at].ring, p->from.workload);
}

/* Takes the descriptors, also when it fails. */
static struct ring *ring_on(const struct port *p, const struct opener_fds *fds)
{
	struct ring *r;

	if (p->where.kind == OPENER_NFQ)
		r = ring_nfq_new(fds->port, fds->verdicts, p->from.workload);
	else
		r = ring_packet_new(fds->port);
	if (!r) {
		close(fds->port);
		if (fds->verdicts >= 0)
			close(fds->verdicts);
	}
	return r;
}

int port_open(struct port *p, struct worker *w, int opener_fd,
	      struct err *reterr)
{
	struct attach a = { .port = p };
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
	a.ring = ring_on(p, &fds);
	if (!a.ring)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	worker_ask(w, do_attach, &a);
	ring_free(a.before); /* never: a port is opened when it has none */
	if (a.rc < 0) {
		ring_free(a.ring);
		return err_set(reterr, -a.rc, NULL, "cannot wait for it: %s",
			       strerror(-a.rc));
	}
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
	rc = opener_ask(opener_fd, &what, &netns, &fds, &ignored);
	if (rc == 0)
		close(fds.port);
	return rc == -ESTALE;
}

static void let_go(struct port *p)
{
	if (p->netns >= 0)
		close(p->netns);
	p->netns = -1;
}

void port_close(struct port *p, struct worker *w, int opener_fd)
{
	struct attach a = { .port = p };

	worker_ask(w, do_detach, &a);
	ring_counts_add(&p->before, a.gone);
	if (a.before) {
		ring_counts_add(&p->before, ring_counts(a.before));
		ring_free(a.before);
	}
	if (p->where.deaf)
		opener_release(opener_fd, &p->where);
	let_go(p);
	p->state = PORT_NONE;
}

void port_lost(struct port *p)
{
	p->state = PORT_LOST;
	p->times_lost++;
	log_warn("port: interface went away, waiting for it iface=%s%s%s",
		 p->where.iface, p->where.netns[0] ? " netns=" : "",
		 p->where.netns);
}

bool port_retry(struct port *p, struct worker *w, int opener_fd)
{
	struct err ignored; /* it is not there yet; told when it was lost */
	int rc = p->state == PORT_LOST ? port_open(p, w, opener_fd, &ignored)
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

void port_update(const struct port *p, struct worker *w)
{
	worker_ask(w, do_update, (void *)(uintptr_t)p);
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

struct ring_buffer port_buffer(const struct port *p, struct worker *w)
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
	if (opener_ask(opener_fd, &what, &netns, &fds, &ignored) < 0)
		return false;
	known = ring_nfq_stats(fds.port, p->where.queue, ret);
	close(fds.port);
	return known;
}

struct ring_counts port_counts(const struct port *p, struct worker *w)
{
	struct counts_question q = { .at = p->at };
	struct ring_counts all = p->before;

	worker_ask(w, do_counts, &q);
	ring_counts_add(&all, q.counts);
	return all;
}
