/*
 * Theory. The successor's client stops being one of the door's when its request
 * is answered; from then on its connection is the handover's. While it gets ready
 * the doors are closed, for what it was told of the configuration must stay true;
 * everything else goes on.
 *
 *   none ──asked──▶ answered ──begin──▶ getting ready ──READY──▶ given ──▶ the end
 *                                            └── gone, too slow, an error ──▶ none
 *
 * What was taken from the workers for it is their flows as a copy, and their
 * rings: a ring is taken out of the worker's set and stays here with all it has,
 * so going on is putting it back. The kernel's verdicts are none of ours from
 * then on: the flows have been caught up with, and come up again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/touch.h"
#include "dp/answer.h"
#include "dp/ask.h"
#include "dp/handover.h"
#include "dp/passing.h"
#include "inspect/image.h"
#include "wire/json_memory.h"

/* Memory that both can map. */
struct memory {
	int fd;
	uint8_t *at;
	size_t size;
	size_t len; /* of the image in it */
};

/* What one worker has given. */
struct given {
	struct memory memory;
	struct ring *rings[WORKER_PORTS_MAX];
	struct beat *beat;
	bool fits;
};

struct giving {
	struct control *ctl;
	struct memory own; /* the control thread's */
	struct given *of[WORKERS_MAX];
	int sign; /* of deaf interfaces; -1: none */
	uint64_t owner;
	usec_t waits; /* since then frames do */
};

static void memory_done(struct memory *m)
{
	if (m->at)
		(void)munmap(m->at, m->size);
	if (m->fd >= 0)
		close(m->fd);
	*m = (struct memory){ .fd = -1 };
}

/* Its pages are there before it is written, while frames still go on. */
static int memory_make(struct memory *m, size_t size)
{
	void *at = MAP_FAILED;

	m->fd = memfd_create("weir-handover", MFD_CLOEXEC);
	if (m->fd >= 0 && ftruncate(m->fd, (off_t)size) == 0)
		at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd,
			  0);
	if (at == MAP_FAILED)
		return -errno;
	m->at = at;
	m->size = size;
	touch_memory(at, size);
	return 0;
}

/* --- from a worker -------------------------------------------------------- */

static void do_count(struct worker_view *view, void *arg)
{
	struct image_writer w;

	image_write(&w, NULL, 0);
	inspect_save(view->inspect, &w);
	*(size_t *)arg = w.len;
}

static void do_give(struct worker_view *view, void *arg)
{
	struct given *g = arg;
	struct image_writer w;

	g->beat = view->beat;
	if (g->beat)
		beat_now(g->beat, view->now);
	for (uint16_t i = 0; i < WORKER_PORTS_MAX; i++)
		g->rings[i] = worker_view_detach(view, i);
	verdict_cache_free(inspect_set_cache(view->inspect, NULL));
	image_write(&w, g->memory.at, g->memory.size);
	inspect_save(view->inspect, &w);
	g->memory.len = w.len;
	g->fits = image_written(&w) == 0;
	if (g->beat)
		beat_now(g->beat, clock_now());
}

static void do_go_on(struct worker_view *view, void *arg)
{
	struct given *g = arg;

	for (uint16_t i = 0; i < WORKER_PORTS_MAX; i++)
		if (g->rings[i] &&
		    worker_view_attach(view, i, g->rings[i]) == 0)
			g->rings[i] = NULL;
}

/* All is as it was; a ring that the worker could not take is lost. */
static void go_on(struct giving *g)
{
	struct control *ctl = g->ctl;
	uint64_t one = 1;

	for (unsigned i = 0; i < ctl->workers.n && g->of[i]; i++) {
		worker_ask(ctl->workers.at[i], do_go_on, g->of[i]);
		for (uint16_t k = 0; k < WORKER_PORTS_MAX; k++) {
			struct ring *r = g->of[i]->rings[k];

			if (!r)
				continue;
			log_warn("handover: cannot wait for a port again");
			ring_free(r);
			(void)!write(ctl->lost_fd, &one, sizeof one);
		}
	}
	ports_renew_cache(&ctl->ports);
	ports_let_beat(&ctl->ports, true);
}

static int make_memories(struct giving *g)
{
	const struct workers *ws = &g->ctl->workers;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < ws->n; i++) {
		size_t len = 0;

		g->of[i] = calloc(1, sizeof *g->of[i]);
		if (!g->of[i])
			return -ENOMEM;
		g->of[i]->memory.fd = -1;
		worker_ask(ws->at[i], do_count, &len);
		rc = memory_make(&g->of[i]->memory,
				 len + len / 8 + HANDOVER_ROOM_BYTES);
	}
	return rc;
}

static int save_own(struct giving *g)
{
	struct image_writer w;
	int rc;

	image_write(&w, NULL, 0);
	handover_save(g->ctl, &w);
	rc = memory_make(&g->own, w.len);
	if (rc < 0)
		return rc;
	image_write(&w, g->own.at, g->own.size);
	handover_save(g->ctl, &w);
	g->own.len = w.len;
	return image_written(&w);
}

/* --- to the successor ----------------------------------------------------- */

static int send_memory(int fd, uint32_t of, const struct memory *memory)
{
	struct handover_msg m = { .kind = HANDOVER_MEMORY,
				  .image = { of, memory->size } };

	return handover_send(fd, &m, &memory->fd, 1, HANDOVER_SWITCH_MS);
}

static int send_image(int fd, uint32_t of, const struct memory *memory)
{
	struct handover_msg m = { .kind = HANDOVER_IMAGE,
				  .image = { of, memory->len } };

	return handover_send(fd, &m, NULL, 0, HANDOVER_SWITCH_MS);
}

/*
 * An open port with the descriptors of its rings. One whose ring was just lost
 * is lost for the successor, too.
 */
static int send_port(const struct giving *g, const struct port *p)
{
	const struct workers *ws = &g->ctl->workers;
	struct handover_msg m = { .kind = HANDOVER_PORT };
	int fds[PASSING_MAX];
	size_t n = 0;

	m.port.port = *p;
	m.port.port.before = port_counts(p, ws);
	m.port.port.packed = NULL;
	for (unsigned i = 0; p->state == PORT_OPEN && i < p->where.sockets;
	     i++) {
		struct ring *r = g->of[p->worker + i]->rings[p->at];

		if (!r) {
			m.port.port.state = PORT_LOST;
			n = 0;
			break;
		}
		ring_counts_add(&m.port.port.before, ring_counts(r));
		fds[n++] = ring_fd(r);
	}
	m.port.has_netns = p->netns >= 0;
	if (m.port.has_netns)
		fds[n++] = p->netns;
	return handover_send(g->ctl->handover.fd, &m, fds, n,
			     HANDOVER_SWITCH_MS);
}

static int send_ports(const struct giving *g)
{
	const struct ports *ps = &g->ctl->ports;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < WORKER_PORTS_MAX; i++)
		if (ps->at[i] && ps->at[i]->state != PORT_NONE)
			rc = send_port(g, ps->at[i]);
	return rc;
}

static int send_sign(const struct giving *g)
{
	struct handover_msg m = { .kind = HANDOVER_SIGN, .owner = g->owner };

	return handover_send(g->ctl->handover.fd, &m, &g->sign, g->sign >= 0,
			     HANDOVER_SWITCH_MS);
}

/* What can be sent, and mapped, before frames have to wait. */
static int send_ahead(const struct giving *g)
{
	int fd = g->ctl->handover.fd, rc = send_sign(g);

	for (unsigned i = 0; rc == 0 && i < g->ctl->workers.n; i++)
		rc = send_memory(fd, i, &g->of[i]->memory);
	if (rc == 0)
		rc = send_memory(fd, WORKERS_MAX, &g->own);
	if (rc == 0)
		rc = send_image(fd, WORKERS_MAX, &g->own);
	if (rc == 0)
		rc = handover_await(fd, HANDOVER_MAPPED, HANDOVER_READY_MS);
	return rc;
}

static int send_rest(const struct giving *g)
{
	struct handover_msg end = { .kind = HANDOVER_END,
				    .waits_us = g->waits.us };
	int fd = g->ctl->handover.fd, rc = 0;

	for (unsigned i = 0; rc == 0 && i < g->ctl->workers.n; i++)
		rc = send_image(fd, i, &g->of[i]->memory);
	if (rc == 0)
		rc = send_ports(g);
	if (rc == 0)
		rc = handover_send(fd, &end, NULL, 0, HANDOVER_SWITCH_MS);
	return rc;
}

/* Frames wait from here on. 0: the successor carries them. */
static int switch_over(struct giving *g)
{
	const struct workers *ws = &g->ctl->workers;
	int fd = g->ctl->handover.fd, rc = 0;

	/* what the kernel lets go on comes up again, and waits like all else */
	(void)ports_outdate(&g->ctl->ports);
	g->waits = clock_now();
	for (unsigned i = 0; i < ws->n; i++) {
		worker_ask(ws->at[i], do_give, g->of[i]);
		if (!g->of[i]->fits)
			rc = -ENOSPC;
	}
	if (rc == 0)
		rc = send_rest(g);
	if (rc == 0)
		rc = handover_await(fd, HANDOVER_TAKEN, HANDOVER_SWITCH_MS);
	if (rc < 0)
		return rc;
	/* else one that hangs would be taken for alive, by our sign of life */
	ports_let_beat(&g->ctl->ports, false);
	rc = handover_tell(fd, HANDOVER_GO, HANDOVER_SWITCH_MS);
	if (rc < 0)
		return rc;
	/* from here on it may carry frames: only its end can give them back */
	do
		rc = handover_await(fd, HANDOVER_RUNNING, HANDOVER_SWITCH_MS);
	while (rc == -ETIMEDOUT);
	return rc;
}

static void giving_done(struct giving *g)
{
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		if (g->of[i])
			memory_done(&g->of[i]->memory);
		free(g->of[i]);
	}
	memory_done(&g->own);
	if (g->sign >= 0)
		close(g->sign);
}

static int give(struct control *ctl)
{
	struct giving g = { .ctl = ctl, .own.fd = -1, .sign = -1 };
	int rc = opener_give_sign(ctl->opener_fd, &g.owner, &g.sign);

	/* what can be done before frames have to wait */
	told_flush(&ctl->told, &ctl->workers, clock_now());
	if (rc == 0)
		rc = save_own(&g);
	if (rc == 0)
		rc = make_memories(&g);
	if (rc == 0)
		rc = send_ahead(&g);
	if (rc == 0) {
		rc = switch_over(&g);
		if (rc < 0)
			go_on(&g);
	}
	giving_done(&g);
	return rc;
}

/* --- the doors' part ------------------------------------------------------- */

int handover_ask(struct control *ctl, const struct ctrl_msg *m,
		 struct err *reterr)
{
	if (ctl->client < 0 || ctl->handover.fd >= 0 ||
	    ctl->handover.asked_by >= 0)
		return err_set(reterr, EBUSY, NULL,
			       "somebody is taking over already");
	if (m->hand_over.protocol != HANDOVER_PROTOCOL)
		return err_set(reterr, EINVAL, "weir_hand_over.protocol",
			       "this data plane hands over by protocol %d; "
			       "restart it",
			       HANDOVER_PROTOCOL);
	if (m->hand_over.workers != ctl->workers.n ||
	    m->hand_over.flows != ctl->max_flows)
		return err_set(reterr, EINVAL, "weir_hand_over",
			       "this data plane has %u workers and %u flows, a "
			       "successor is to have as many",
			       ctl->workers.n, ctl->max_flows);
	ctl->handover.asked_by = ctl->client;
	return 0;
}

static int send_doors(const struct control *ctl, const struct door_fds *doors,
		      const struct memory *config)
{
	struct handover_msg m = { .kind = HANDOVER_DOORS,
				  .config_len = config->len };
	int fds[3] = { config->fd, doors->own, doors->compat };

	return handover_send(ctl->handover.fd, &m, fds,
			     doors->compat >= 0 ? 3 : 2, HANDOVER_SWITCH_MS);
}

static void do_used(struct worker_view *view, void *arg)
{
	*(struct inspect_used *)arg = inspect_used(view->inspect);
}

static int send_used(const struct control *ctl)
{
	struct handover_msg m = { .kind = HANDOVER_USED };
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < ctl->workers.n; i++) {
		worker_ask(ctl->workers.at[i], do_used, &m.used);
		rc = handover_send(ctl->handover.fd, &m, NULL, 0,
				   HANDOVER_SWITCH_MS);
	}
	return rc;
}

static int send_config(struct control *ctl, const struct door_fds *doors)
{
	struct memory memory = { .fd = -1 };
	uint64_t refused = json_memory_refused();
	json_t *messages = answer_messages(ctl, true);
	char *text = json_text_whole(messages);
	/* half a configuration is none */
	int rc = text && json_memory_refused() == refused
			 ? memory_make(&memory, strlen(text))
			 : -ENOMEM;

	json_decref(messages);
	if (rc == 0) {
		memory.len = memory.size;
		memcpy(memory.at, text, memory.len);
		rc = send_doors(ctl, doors, &memory);
	}
	if (rc == 0)
		rc = send_used(ctl);
	memory_done(&memory);
	free(text);
	return rc;
}

static void give_up(struct control *ctl, int rc, const char *why)
{
	log_warn("handover: given up, going on as before: %s: %s", why,
		 strerror(-rc));
	close(ctl->handover.fd);
	ctl->handover.fd = -1;
}

void handover_begin(struct control *ctl, const struct door_fds *doors, int fd)
{
	int rc;

	ctl->handover.fd = fd;
	ctl->handover.until =
		usec_add(clock_now(), HANDOVER_READY_MS * 1000ULL);
	rc = send_config(ctl, doors);
	if (rc < 0)
		give_up(ctl, rc, "configuration");
	else
		log_info("handover: a successor gets ready");
}

bool handover_turn(struct control *ctl)
{
	int rc = handover_await(ctl->handover.fd, HANDOVER_READY, 1);

	if (rc == -ETIMEDOUT && usec_before(clock_now(), ctl->handover.until))
		return false;
	if (rc < 0) {
		give_up(ctl, rc, "the successor does not get ready");
		return false;
	}
	rc = give(ctl);
	if (rc == 0)
		return true;
	give_up(ctl, rc, "the successor cannot take over");
	return false;
}
