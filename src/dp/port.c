#include "dp/port.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "dp/opener.h"
#include "ring/ring.h"

const char *port_state_name(enum port_state s)
{
	static const char *const names[] = { "none", "open", "lost" };

	return names[s];
}

/* Exchanges the worker's ring with *arg. */
static void swap_ring(struct worker_view *view, void *arg)
{
	struct ring **ring = arg, *before = view->ring;

	view->ring = *ring;
	*ring = before;
}

static int open_ring(const struct port *p, struct worker *w, int opener_fd,
		     struct err *reterr)
{
	int fd = opener_ask(opener_fd, p->iface, reterr);
	struct ring *ring;

	if (fd < 0)
		return fd;
	ring = ring_packet_new(fd);
	if (!ring) {
		close(fd);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	worker_ask(w, swap_ring, &ring);
	ring_free(ring); /* there is none unless a lost one was not noticed */
	return 0;
}

int port_add(struct port *p, struct worker *w, int opener_fd,
	     const char iface[static IFNAMSIZ], struct err *reterr)
{
	int rc;

	if (p->state != PORT_NONE)
		return err_set(
			reterr, EEXIST, "ctrl_add_srvc_port.iface",
			"the service port is %s already; delete it first",
			p->iface);
	memcpy(p->iface, iface, IFNAMSIZ);
	rc = open_ring(p, w, opener_fd, reterr);
	if (rc < 0) {
		err_prefix(reterr, "ctrl_add_srvc_port.iface");
		return rc;
	}
	p->state = PORT_OPEN;
	return 0;
}

static void add_counts(struct ring_counts *to, const struct ring_counts *c)
{
	to->received += c->received;
	to->sent += c->sent;
	to->receive_lost += c->receive_lost;
	to->receive_errors += c->receive_errors;
	to->send_failed += c->send_failed;
}

int port_del(struct port *p, struct worker *w, struct err *reterr)
{
	struct ring *ring = NULL;
	struct ring_counts c;

	if (p->state == PORT_NONE)
		return err_set(reterr, ENOENT, "ctrl_del_srvc_port",
			       "there is no service port");
	worker_ask(w, swap_ring, &ring);
	if (ring) {
		c = ring_counts(ring);
		add_counts(&p->before, &c);
		ring_free(ring);
	}
	p->state = PORT_NONE;
	return 0;
}

void port_lost(struct port *p)
{
	if (p->state != PORT_OPEN)
		return;
	p->state = PORT_LOST;
	p->times_lost++;
	log_warn("service port: interface went away, waiting for it iface=%s",
		 p->iface);
}

bool port_retry(struct port *p, struct worker *w, int opener_fd)
{
	struct err ignored; /* it is not there yet; told when it was lost */

	if (p->state != PORT_LOST || open_ring(p, w, opener_fd, &ignored) < 0)
		return false;
	p->state = PORT_OPEN;
	log_info("service port: interface is back iface=%s", p->iface);
	return true;
}

static void ask_counts(struct worker_view *view, void *arg)
{
	if (view->ring)
		*(struct ring_counts *)arg = ring_counts(view->ring);
}

struct ring_counts port_counts(const struct port *p, struct worker *w)
{
	struct ring_counts all = p->before, now = { 0 };

	worker_ask(w, ask_counts, &now);
	add_counts(&all, &now);
	return all;
}
