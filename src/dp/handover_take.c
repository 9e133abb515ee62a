/*
 * Theory. All that comes is put aside first: images are mapped, rings are made on
 * the descriptors and read by nobody. Only when nothing can fail any more is TAKEN
 * said, and with GO the rings are given to the workers.
 *
 * What an image has and this version does not know is not taken: those flows are
 * met in their middle, and the log says so.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bug.h"
#include "dp/handover.h"
#include "dp/passing.h"
#include "inspect/image.h"

/* That an image is in, mapped. */
struct memory {
	uint8_t *at; /* NULL: it has not come */
	uint64_t size;
};

struct taken_port {
	struct port *port;
	struct ring *rings[WORKERS_MAX];
};

struct taking {
	struct control *ctl;
	int fd;
	int sign;
	uint64_t owner;
	usec_t waits;			       /* since then frames do */
	struct memory memory[WORKERS_MAX + 1]; /* by memory_of() */
	unsigned mapped;		       /* of those */
	unsigned images;		       /* that have come */
	struct taken_port *ports;	       /* OPEN ones; WORKER_PORTS_MAX */
	unsigned n_ports;
};

/* --- the first process ------------------------------------------------------ */

static int connect_to(const char *path, struct err *reterr)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (!path[0] || strlen(path) >= sizeof a.sun_path)
		return err_set(reterr, EINVAL, "--take-over",
			       "needs --control, the predecessor's own door");
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	(void)err_set(reterr, errno, path,
		      "no data plane to take over from: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -reterr->code;
}

/* It is an answer of ours; a text that is none is shown, not read. */
static int ask_for_it(int fd, const struct options *opt, struct err *reterr)
{
	struct timeval wait = { .tv_sec = HANDOVER_READY_MS / 1000 };
	char text[512];
	ssize_t len;
	int n = snprintf(text, sizeof text,
			 "{\"id\":1,\"weir_hand_over\":{\"protocol\":%d,"
			 "\"workers\":%u,\"flows\":%u}}",
			 HANDOVER_PROTOCOL, opt->workers, opt->max_flows);

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		return err_set(reterr, errno, "--take-over", "%s",
			       strerror(errno));
	len = recv(fd, text, sizeof text - 1, 0);
	if (len <= 0)
		return err_set(reterr, EPIPE, "--take-over", "no answer");
	text[len] = '\0';
	if (strcmp(text, "{\"id\":1,\"ok\":true}") == 0)
		return 0;
	for (char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return err_set(reterr, EPERM, "--take-over", "refused: %.200s", text);
}

static char *read_config(int fd, uint64_t len, struct err *reterr)
{
	char *text = len < OWN_MEMFD_MAX ? malloc(len + 1) : NULL;
	uint64_t done = 0;

	while (text && done < len) {
		ssize_t n = pread(fd, text + done, len - done, (off_t)done);

		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	if (text && done == len) {
		text[len] = '\0';
		return text;
	}
	free(text);
	(void)err_set(reterr, EIO, "--take-over",
		      "the configuration cannot be read");
	return NULL;
}

int handover_connect(const struct options *opt, struct door_fds *doors,
		     struct handover_from *ret, struct err *reterr)
{
	int fds[PASSING_MAX] = { 0 };
	int fd = connect_to(opt->control, reterr), rc;
	struct handover_msg m = { 0 };
	size_t n = 0;

	if (fd < 0)
		return fd;
	rc = ask_for_it(fd, opt, reterr);
	if (rc == 0 && (handover_recv(fd, &m, fds, &n, HANDOVER_READY_MS) < 0 ||
			m.kind != HANDOVER_DOORS || n < 2 || n > 3))
		rc = err_set(reterr, EPROTO, "--take-over",
			     "the predecessor does not hand over");
	if (rc < 0)
		goto err_close;
	ret->config = read_config(fds[0], m.config_len, reterr);
	if (!ret->config) {
		rc = -reterr->code;
		goto err_close;
	}
	close(fds[0]);
	ret->config_len = m.config_len;
	ret->fd = fd;
	doors->own = fds[1];
	doors->compat = n == 3 ? fds[2] : -1;
	return 0;
err_close:
	handover_close(fds, &n);
	close(fd);
	return rc;
}

/* --- the worker ----------------------------------------------------------- */

struct load {
	const struct image_reader *image;
	struct inspect_taken taken;
	int rc;
};

static void do_load(struct worker_view *view, void *arg)
{
	struct load *l = arg;

	l->rc = inspect_load(view->inspect, l->image, &l->taken);
}

static void tell_missing(const struct inspect_taken *taken)
{
	for (unsigned i = 0; i < INSPECT_PART__MAX; i++)
		if (taken->missing >> i & 1)
			log_warn("handover: begins empty, it is of another "
				 "version or not sound: %s",
				 inspect_part_name((enum inspect_part)i));
	log_info("handover: flows=%u unheard=%u gone=%u", taken->flows,
		 taken->flows_unheard, taken->flows_gone);
}

static int load_image(struct taking *t, uint32_t of,
		      const struct image_reader *image, struct err *reterr)
{
	struct load l = { .image = image };

	if (of == WORKERS_MAX) {
		handover_load(t->ctl, image);
		return 0;
	}
	worker_ask(t->ctl->workers.at[of], do_load, &l);
	if (l.rc < 0)
		return err_set(reterr, -l.rc, NULL, "out of memory");
	tell_missing(&l.taken);
	return 0;
}

static int gone(struct err *reterr, int rc)
{
	return err_set(reterr, -rc, "--take-over",
		       "the predecessor says no more: %s", strerror(-rc));
}

/* So that its pages are there, and no hypervisor is asked for them later. */
static void look_at(const struct memory *m)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const volatile uint8_t *p = m->at;

	for (uint64_t i = 0; i < m->size; i += page)
		(void)p[i];
}

/* The memory's place here: a worker's, or behind them the control thread's. */
static struct memory *memory_of(struct taking *t, uint32_t of)
{
	if (of == WORKERS_MAX || of < t->ctl->workers.n)
		return &t->memory[of];
	return NULL;
}

static int take_memory(struct taking *t, const struct handover_msg *m, int fd,
		       struct err *reterr)
{
	struct memory *memory = memory_of(t, m->image.of);
	uint64_t size = m->image.len;
	struct stat st;
	void *at;

	/* a file that became shorter would be the end of who reads it */
	if (!memory || memory->at || fstat(fd, &st) < 0 || st.st_size < 0 ||
	    (uint64_t)st.st_size < size || size == 0 ||
	    size > HANDOVER_IMAGE_MAX)
		return err_set(reterr, EPROTO, NULL, "not an image");
	at = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (at == MAP_FAILED)
		return err_set(reterr, errno, NULL, "cannot map an image: %s",
			       strerror(errno));
	*memory = (struct memory){ at, size };
	look_at(memory);
	if (++t->mapped == t->ctl->workers.n + 1 &&
	    handover_tell(t->fd, HANDOVER_MAPPED, HANDOVER_SWITCH_MS) < 0)
		return gone(reterr, -EPIPE);
	return 0;
}

static int take_image(struct taking *t, const struct handover_msg *m,
		      struct err *reterr)
{
	const struct memory *memory = memory_of(t, m->image.of);
	struct image_reader image;

	if (!memory || !memory->at || m->image.len > memory->size ||
	    image_read(&image, memory->at, m->image.len) < 0)
		return err_set(reterr, EPROTO, NULL, "not an image");
	t->images++;
	return load_image(t, m->image.of, &image, reterr);
}

/* What verdicts of an NFQUEUE go to is our opener's. */
static int take_queue(struct taking *t, const struct port *p,
		      struct opener_fds *fds, struct err *reterr)
{
	int opener = t->ctl->opener_fd, rc;

	if (p->where.kind != OPENER_NFQ || fds->n == 0)
		return 0;
	rc = opener_take_queue(opener, p->where.queue, fds->port[0], reterr);
	if (rc >= 0)
		fds->verdicts = rc;
	return rc < 0 ? rc : 0;
}

/* Takes the descriptors. */
static int take_port(struct taking *t, const struct handover_msg *m, int *fds,
		     size_t n, struct err *reterr)
{
	struct taken_port *taken = &t->ports[t->n_ports];
	const struct port *as = &m->port.port;
	unsigned sockets = as->state == PORT_OPEN ? as->where.sockets : 0;
	struct opener_fds f = { .verdicts = -1 };
	struct port *p;
	int rc;

	if (n != (size_t)sockets + m->port.has_netns ||
	    t->n_ports == WORKER_PORTS_MAX) {
		handover_close(fds, &n);
		return err_set(reterr, EPROTO, NULL, "not a port");
	}
	p = ports_take(&t->ctl->ports, as,
		       m->port.has_netns ? fds[sockets] : -1, reterr);
	if (!p) {
		handover_close(fds, &n);
		return -reterr->code;
	}
	memcpy(f.port, fds, sockets * sizeof *fds);
	f.n = sockets;
	rc = take_queue(t, p, &f, reterr);
	if (rc < 0) {
		opener_fds_close(&f);
		return rc;
	}
	if (sockets == 0)
		return 0;
	taken->port = p;
	rc = port_make_rings(p, &f, taken->rings, reterr);
	if (rc == 0)
		t->n_ports++;
	return rc;
}

/* Any of them, in whatever order. 1: that was END. */
static int take_one(struct taking *t, struct err *reterr)
{
	struct handover_msg m;
	int fds[PASSING_MAX] = { 0 }, rc;
	size_t n;

	/* it makes its images first; nobody waits for that */
	rc = handover_recv(t->fd, &m, fds, &n, HANDOVER_READY_MS);
	if (rc < 0)
		return gone(reterr, rc);
	if (m.kind == HANDOVER_PORT)
		return take_port(t, &m, fds, n, reterr);
	if (m.kind == HANDOVER_MEMORY && n == 1)
		rc = take_memory(t, &m, fds[0], reterr);
	else if (m.kind == HANDOVER_IMAGE && n == 0)
		rc = take_image(t, &m, reterr);
	else if (m.kind == HANDOVER_SIGN && n <= 1 && t->sign < 0)
		t->owner = m.owner;
	else if (m.kind != HANDOVER_END)
		rc = err_set(reterr, EPROTO, NULL, "not a handover");
	else
		t->waits.us = m.waits_us;
	if (rc == 0 && m.kind == HANDOVER_SIGN && n == 1)
		t->sign = fds[0];
	else
		handover_close(fds, &n);
	return rc < 0 ? rc : m.kind == HANDOVER_END;
}

static int take_all(struct taking *t, struct err *reterr)
{
	int rc;

	do
		rc = take_one(t, reterr);
	while (rc == 0);
	if (rc < 0)
		return rc;
	if (t->images != t->ctl->workers.n + 1)
		return err_set(reterr, EPROTO, NULL, "an image is missing");
	ports_begin_beat(&t->ctl->ports);
	return 0;
}

static void do_touch(struct worker_view *view, void *arg)
{
	inspect_touch(view->inspect, arg);
}

/* While nobody waits for it. */
static int prepare(const struct taking *t, struct err *reterr)
{
	for (unsigned i = 0; i < t->ctl->workers.n; i++) {
		struct handover_msg m = { 0 };
		int fds[PASSING_MAX] = { 0 };
		size_t n = 0;
		int rc = handover_recv(t->fd, &m, fds, &n, HANDOVER_READY_MS);

		if (rc < 0)
			return gone(reterr, rc);
		handover_close(fds, &n);
		if (m.kind != HANDOVER_USED)
			return err_set(reterr, EPROTO, NULL, "not a handover");
		worker_ask(t->ctl->workers.at[i], do_touch, &m.used);
	}
	return 0;
}

static void run(struct taking *t)
{
	for (unsigned i = 0; i < t->n_ports; i++)
		port_use_rings(t->ports[i].port, &t->ctl->workers,
			       t->ports[i].rings);
	t->n_ports = 0;
}

/*
 * Deaf interfaces are our opener's from now on, and not before: where it ends
 * it has them hear again, which the predecessor, that goes on, could not mend.
 */
static void take_deaf(const struct taking *t)
{
	const struct ports *ps = &t->ctl->ports;
	struct err err;

	for (size_t i = 0; t->sign >= 0 && i < WORKER_PORTS_MAX; i++) {
		const struct opener_port *w = ps->at[i] ? &ps->at[i]->where
							: NULL;

		if (w && w->deaf && !w->netns[0] &&
		    opener_take_deaf(t->ctl->opener_fd, w->iface, t->owner,
				     t->sign, &err) < 0)
			log_warn("handover: nobody looks after a deaf "
				 "interface, ignoring: %s iface=%s",
				 err.text, w->iface);
	}
}

/*
 * It carries frames by now, and the first one has to know: who hears nothing and sees
 * the connection end carries them, too. So it is said again where it could not be; who
 * cannot say it ends. If the first one is gone, there is nobody to be told.
 */
static int tell_running(int fd, struct err *reterr)
{
	usec_t until = usec_add(clock_now(), HANDOVER_SWITCH_MS * 1000ULL);
	int rc = handover_tell(fd, HANDOVER_RUNNING, HANDOVER_SWITCH_MS);

	while ((rc == -ENOBUFS || rc == -ENOMEM) &&
	       usec_before(clock_now(), until)) {
		(void)poll(NULL, 0, 1);
		rc = handover_tell(fd, HANDOVER_RUNNING, HANDOVER_SWITCH_MS);
	}
	if (rc == 0 || rc == -EPIPE || rc == -ECONNRESET)
		return 0;
	return err_set(reterr, -rc, "--take-over",
		       "the predecessor cannot be told: %s", strerror(-rc));
}

int handover_take(struct control *ctl, int fd, struct err *reterr)
{
	struct taking t = { .ctl = ctl, .fd = fd, .sign = -1 };
	int rc;

	t.ports = calloc(WORKER_PORTS_MAX, sizeof *t.ports);
	if (!t.ports)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = prepare(&t, reterr);
	if (rc == 0) {
		rc = handover_tell(fd, HANDOVER_READY, HANDOVER_SWITCH_MS);
		if (rc < 0)
			rc = gone(reterr, rc);
	}
	if (rc == 0)
		rc = take_all(&t, reterr);
	if (rc == 0) {
		rc = handover_tell(fd, HANDOVER_TAKEN, HANDOVER_SWITCH_MS);
		if (rc == 0)
			rc = handover_await(fd, HANDOVER_GO,
					    HANDOVER_SWITCH_MS);
		if (rc < 0)
			rc = gone(reterr, rc);
	}
	if (rc == 0) {
		run(&t);
		ctl->stalled_us = usec_since(clock_now(), t.waits);
		rc = tell_running(fd, reterr);
	}
	if (rc == 0)
		take_deaf(&t);
	for (unsigned i = 0; i < t.n_ports; i++)
		for (unsigned k = 0; k < t.ports[i].port->where.sockets; k++)
			ring_free(t.ports[i].rings[k]);
	free(t.ports);
	for (unsigned i = 0; i <= WORKERS_MAX; i++)
		if (t.memory[i].at)
			(void)munmap(t.memory[i].at, t.memory[i].size);
	if (t.sign >= 0)
		close(t.sign);
	return rc;
}
