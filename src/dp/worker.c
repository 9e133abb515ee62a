/*
 * Theory. The loop has three gears. While the ring fills whole batches it is
 * read again at once. A batch that was not full has emptied it: after one of a
 * frame or two it is busy-polled for a little while, and after that, or a larger
 * one, the thread sleeps in epoll on all ports and on the mailbox's eventfd. In
 * all gears the mailbox is looked at between two batches - one relaxed load when
 * there is nothing. Worked on are the ports that epoll has told; with more than
 * one it is asked each turn, so that a busy port does not keep others waiting.
 *
 *   full --small batch--> busy --BUSY_POLL_US without a frame--> asleep
 *   full --batch not full--> asleep --frame or question--> full
 *   busy --frames--> full
 *
 * Waking a sleeper costs a frame more than all the rest of its way, so the
 * second gear is worth its processor - as long as the next frame comes soon.
 * Whether it does is learned as the kernel's halt polling learns it
 * (Documentation/virt/kvm/halt-polling.rst): a sleep that a frame ended before
 * BUSY_POLL_US were over was a sleep too many, and a longer one says that
 * polling would have been in vain. An idle workload costs nothing, each turn
 * offers the processor to others, and while frames come by the handful, sleeping
 * lets the next batch grow, which is cheaper still.
 *
 * Mailbox states, one question at a time:
 *
 *   empty --ask()--> posted --worker runs it--> done --ask() returns--> empty
 *
 * `posted` is the question's address in w->question (released by the control
 * thread, acquired by the worker); `done` is the semaphore.
 *
 * A lost interface is not an end: the ring is freed, the control thread is told
 * and brings a new one when the interface is back.
 *
 * The heartbeat is counted here and not in a thread of its own, because it is to
 * tell that frames are carried, by every worker (dp/pulse.h).
 */
#include "dp/worker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/limits.h"

/* An idle worker wakes up this often to age flows. */
#define IDLE_MS 500
/* What epoll says of the mailbox's eventfd. */
#define WAKE WORKER_PORT_NONE

struct question {
	void (*fn)(struct worker_view *, void *);
	void *arg;
};

struct worker {
	pthread_t thread;
	struct worker_view view; /* the thread's; a question's while it runs */
	struct worker_port ports[WORKER_PORTS_MAX];
	struct capture_writer *captures[CAPTURES_MAX];
	uint16_t ready[WORKER_READY_MAX]; /* ports that epoll has told */
	unsigned n_ready;
	int wake_fd; /* eventfd: a question is posted */
	struct worker_options opt;
	_Atomic(const struct question *) question;
	sem_t done;
	bool stop;		/* set by a question */
	usec_t beaten, beat_at; /* the supervisor's: the last, the next one */
	usec_t kernel_beat_at;
	uint8_t kept[RING_BATCH]; /* enum reason; by frame of the batch */
	unsigned cache_late;	  /* turns that cache entries have waited */
	bool poll_pays;	   /* the last sleep was shorter than BUSY_POLL_US */
	usec_t poll_until; /* third gear from then on */
};

static void run_question(struct worker *w)
{
	const struct question *q =
		atomic_load_explicit(&w->question, memory_order_acquire);

	if (!q)
		return;
	w->view.now = clock_now();
	q->fn(&w->view, q->arg);
	atomic_store_explicit(&w->question, NULL, memory_order_relaxed);
	if (sem_post(&w->done) < 0)
		BUG_ON(true);
}

int worker_view_attach(struct worker_view *view, uint16_t port,
		       struct ring *ring)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = port };

	BUG_ON(view->ports[port].ring);
	if (epoll_ctl(view->epoll_fd, EPOLL_CTL_ADD, ring_fd(ring), &e) < 0)
		return -errno;
	view->ports[port].ring = ring;
	view->ports[port].lost = false;
	view->n_ports++;
	return 0;
}

struct ring *worker_view_detach(struct worker_view *view, uint16_t port)
{
	struct ring *ring = view->ports[port].ring;

	if (!ring)
		return NULL;
	/* its descriptor is open, so it is in the set */
	(void)epoll_ctl(view->epoll_fd, EPOLL_CTL_DEL, ring_fd(ring), NULL);
	view->ports[port].ring = NULL;
	view->n_ports--;
	return ring;
}

/* Sends what was kept; what is not taken was not forwarded. */
static void flush(struct worker *w, const struct worker_port *p,
		  struct ring *out)
{
	const struct ring_refused *refused = ring_flush(p->ring, out);

	for (unsigned i = 0; i < refused->n; i++)
		inspect_unsent(w->view.inspect,
			       (enum reason)w->kept[refused->frame[i]]);
}

static void capture_one(struct worker *w, uint16_t captures,
			const struct capture_frame *f, struct bytes frame)
{
	for (; captures; captures &= (uint16_t)(captures - 1)) {
		struct capture_writer *c = w->captures[__builtin_ctz(captures)];

		if (c)
			capture_put(c, f, frame);
	}
}

static enum capture_outcome outcome_of(const struct verdict *v)
{
	if (v->reason == REASON_FRAG_HELD)
		return CAPTURE_HELD;
	if (v->watched)
		return CAPTURE_WATCHED;
	return v->forward ? CAPTURE_FORWARDED : CAPTURE_DROPPED;
}

/* The frame, and what we answer to it. */
static void capture(struct worker *w, const struct ring_frame *f,
		    const struct verdict *v)
{
	struct capture_frame c = {
		.at_us = w->view.now.us,
		.wire_len = (uint32_t)f->wire_len,
		.flow_id = v->flow_id,
		.rule_id = v->rule_id,
		.outcome = (uint8_t)outcome_of(v),
		.reason = v->watched ? v->judged : v->reason,
		.ingress = v->ingress,
	};

	capture_one(w, v->captures, &c, f->bytes);
	c.outcome = CAPTURE_MADE;
	for (unsigned k = 0; k < v->n_send; k++) {
		c.wire_len = (uint32_t)bytes_len(v->send[k].bytes);
		c.ingress = v->ingress == v->send[k].onward;
		capture_one(w, v->captures, &c, v->send[k].bytes);
	}
}

/* Whose frame it is, for who finds this process dead. */
static void note_frame(struct worker *w, struct bytes frame)
{
	struct pulse_of *of = &w->opt.pulse->of[w->opt.number];
	uint64_t macs[2] = { 0 };

	if (bytes_len(frame) < 12)
		return;
	memcpy(macs, frame.begin, 12);
	atomic_store_explicit(&of->frame[0], macs[0], memory_order_relaxed);
	atomic_store_explicit(&of->frame[1], macs[1], memory_order_relaxed);
	atomic_store_explicit(&of->at_frame, true, memory_order_relaxed);
}

static void carry(struct worker *w, const struct worker_port *p,
		  struct ring *out, unsigned i)
{
	struct ring_frame f = ring_frame(p->ring, i);
	struct verdict v;

	note_frame(w, f.bytes);
	v = inspect_frame(w->view.inspect,
			  (struct frame){ .bytes = f.bytes,
					  .wire_len = f.wire_len,
					  .too_long = f.too_long,
					  .csum = f.csum,
					  .port = &p->from },
			  w->view.now);
	if (v.captures)
		capture(w, &f, &v);
	/* what is sent now must not overtake what was kept before */
	if ((v.n_release || v.n_send) && p->from.kind != FRAME_PORT_NFQ)
		flush(w, p, out);
	if (v.forward && v.n_release == 0) {
		ring_keep(p->ring, i);
		w->kept[i] = v.reason;
	}
	for (unsigned k = 0; v.forward && out && k < v.n_release; k++)
		if (!ring_send(out, v.release[k]))
			inspect_unsent(w->view.inspect, (enum reason)v.reason);
	for (unsigned k = 0; k < v.n_send; k++) {
		struct ring *to = v.send[k].onward ? out : p->ring;

		/* not taken: counted by the ring */
		if (to)
			(void)ring_send(to, v.send[k].bytes);
	}
}

/* The ring a frame of our own goes out of; NULL: its port is gone. */
static struct ring *ring_for(const struct worker *w, const struct own_frame *f)
{
	for (unsigned i = 0; i < WORKER_PORTS_MAX; i++) {
		const struct worker_port *p = &w->ports[i];
		const struct frame_port *from = &p->from;

		if (!p->ring)
			continue;
		if (f->marked && from->kind == FRAME_PORT_SERVICE)
			return p->ring;
		if (!f->marked && from->kind == FRAME_PORT_PAIR &&
		    mac_equal(from->workload, f->workload) &&
		    from->inside == f->to_workload)
			return p->ring;
	}
	return NULL;
}

/* What ages, and what is sent because of that; as inspect_age(). */
static bool age(struct worker *w)
{
	bool more = inspect_age(w->view.inspect, w->view.now);
	const struct own_frame *frames;
	unsigned n = inspect_own_frames(w->view.inspect, &frames);

	for (unsigned i = 0; i < n; i++) {
		struct ring *r = ring_for(w, &frames[i]);

		if (r) {
			(void)ring_send(r, frames[i].bytes);
			(void)ring_flush(r, r); /* nothing is kept now */
		}
	}
	return more;
}

static void lose_ring(struct worker *w, uint16_t port)
{
	struct ring *ring = worker_view_detach(&w->view, port);
	uint64_t one = 1;

	ring_counts_add(&w->ports[port].gone, ring_counts(ring));
	ring_free(ring);
	w->ports[port].lost = true;
	/* a full eventfd has told it already */
	if (write(w->opt.lost_fd, &one, sizeof one) < 0)
		return;
}

/* One batch of one port; returns how many frames there were. */
static int batch(struct worker *w, uint16_t port)
{
	struct worker_port *p = &w->ports[port];
	struct ring *out;
	int n;

	if (!p->ring)
		return 0;
	n = ring_recv(p->ring);
	if (n < 0) {
		lose_ring(w, port);
		return 0;
	}
	if (n == 0)
		return 0;
	out = w->ports[p->other].ring;
	p->from.no_way_on = !out;
	w->view.now = clock_now();
	for (int i = 0; i < n; i++)
		carry(w, p, out, (unsigned)i);
	flush(w, p, out);
	return n;
}

/* Waits so long for events, at most; afterwards `ready` is of this moment. */
static void await_events(struct worker *w, int timeout_ms)
{
	struct epoll_event events[WORKER_READY_MAX];
	int n = epoll_wait(w->view.epoll_fd, events, WORKER_READY_MAX,
			   timeout_ms);
	uint64_t ignored;

	w->n_ready = 0;
	for (int i = 0; i < n; i++)
		if (events[i].data.u32 != WAKE)
			w->ready[w->n_ready++] = (uint16_t)events[i].data.u32;
		else if (read(w->wake_fd, &ignored, sizeof ignored) < 0)
			continue; /* somebody has read it; no matter */
}

static void sleep_until_needed(struct worker *w)
{
	usec_t asleep_at = clock_now();

	await_events(w, w->view.beat ? BEAT_MS : IDLE_MS);
	w->poll_pays = usec_since(clock_now(), asleep_at) < BUSY_POLL_US;
}

/* After a turn of n frames, none of whose batches was full. */
static void wait_for_frames(struct worker *w, int n)
{
	if (n > 0 && n <= BUSY_POLL_BATCH && w->poll_pays)
		w->poll_until = usec_add(clock_now(), BUSY_POLL_US);
	if (!usec_before(w->view.now, w->poll_until)) {
		sleep_until_needed(w);
		return;
	}
	(void)sched_yield();
	if (w->view.n_ports > 1)
		await_events(w, 0);
}

/*
 * The kernel is told by whichever worker has its turn, and what it is told is
 * never younger than the one that hangs. The supervisor is, when all have had a
 * turn since it was last.
 */
static void beat(struct worker *w)
{
	const struct worker_options *o = &w->opt;
	usec_t now = w->view.now;

	pulse_beat(o->pulse, o->number, now);
	if (w->view.beat && !usec_before(now, w->kernel_beat_at)) {
		beat_now(w->view.beat, pulse_oldest(o->pulse));
		w->kernel_beat_at = usec_add(now, BEAT_MS * 1000ULL);
	}
	if (!o->heartbeat || usec_before(now, w->beat_at) ||
	    usec_before(pulse_oldest(o->pulse), w->beaten))
		return;
	heartbeat_beat(o->heartbeat);
	w->beaten = now;
	w->beat_at = usec_add(now, USEC_PER_SEC);
}

/*
 * What waits for the cache is written when the rings were emptied: frames that
 * wait here would be overtaken by those that the kernel then lets go on. But a
 * ring that never is must not keep it waiting for ever.
 */
static bool write_cache(struct worker *w, bool full)
{
	uint32_t waiting = inspect_cache_waiting(w->view.inspect);

	if (waiting == 0)
		return false;
	if (full && ++w->cache_late < CACHE_LATE_TURNS &&
	    waiting < CACHE_WRITES_PER_TURN)
		return false;
	w->cache_late = 0;
	return inspect_write_cache(w->view.inspect);
}

/* One batch of each ready port; true: one was full, there may be more. */
static bool turn(struct worker *w, int *ret_frames)
{
	bool full = false;
	int frames = 0;

	for (unsigned i = 0; i < w->n_ready; i++) {
		int n = batch(w, w->ready[i]);

		full |= n == RING_BATCH;
		frames += n;
	}
	if (frames > 0)
		atomic_store_explicit(&w->opt.pulse->of[w->opt.number].at_frame,
				      false, memory_order_relaxed);
	*ret_frames = frames;
	return full;
}

static void *run(void *arg)
{
	struct worker *w = arg;

	atomic_store_explicit(&w->opt.pulse->of[w->opt.number].tid, gettid(),
			      memory_order_relaxed);
	while (!w->stop) {
		int frames;
		bool full = turn(w, &frames), more;

		if (frames == 0)
			w->view.now = clock_now();
		more = age(w);
		more |= write_cache(w, full);
		beat(w);
		run_question(w);
		if (w->stop)
			break;
		if (more && !full)
			await_events(w, 0);
		else if (!full)
			wait_for_frames(w, frames);
		else if (w->view.n_ports > 1)
			await_events(w, 0);
	}
	return NULL;
}

/* Signals are the control thread's, but for those that tell of a mistake here. */
static int start_thread(struct worker *w)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		sigdelset(&all, own[i]);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&w->thread, NULL, run, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* The thread's descriptors; 0 or -errno, then those that are open stay. */
static int open_fds(struct worker *w)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = WAKE };

	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->view.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->wake_fd < 0 || w->view.epoll_fd < 0 ||
	    epoll_ctl(w->view.epoll_fd, EPOLL_CTL_ADD, w->wake_fd, &e) < 0)
		return -errno;
	return 0;
}

static void close_fds(struct worker *w)
{
	if (w->wake_fd >= 0)
		close(w->wake_fd);
	if (w->view.epoll_fd >= 0)
		close(w->view.epoll_fd);
}

struct worker *worker_start(struct inspect *in,
			    const struct worker_options *opt,
			    struct err *reterr)
{
	struct worker *w = calloc(1, sizeof *w);
	int rc;

	if (!w) {
		rc = ENOMEM;
		goto err_inspect;
	}
	w->view.inspect = in;
	w->view.ports = w->ports;
	w->view.captures = w->captures;
	w->opt = *opt;
	rc = -open_fds(w);
	if (rc != 0)
		goto err_worker;
	if (sem_init(&w->done, 0, 0) < 0) {
		rc = errno;
		goto err_worker;
	}
	rc = start_thread(w);
	if (rc == 0)
		return w;
	(void)sem_destroy(&w->done);
err_worker:
	close_fds(w);
	free(w);
err_inspect:
	inspect_free(in);
	(void)err_set(reterr, rc, NULL, "cannot start a worker: %s",
		      strerror(rc));
	return NULL;
}

void worker_ask(struct worker *w, void (*fn)(struct worker_view *, void *),
		void *arg)
{
	struct question q = { fn, arg };
	uint64_t one = 1;

	atomic_store_explicit(&w->question, &q, memory_order_release);
	if (write(w->wake_fd, &one, sizeof one) < 0)
		BUG_ON(errno != EAGAIN);
	while (sem_wait(&w->done) < 0)
		BUG_ON(errno != EINTR);
}

static void ask_stop(struct worker_view *view, void *arg)
{
	(void)view;
	*(bool *)arg = true;
}

void worker_stop(struct worker *w)
{
	if (!w)
		return;
	worker_ask(w, ask_stop, &w->stop);
	(void)pthread_join(w->thread, NULL);
	for (uint16_t i = 0; i < WORKER_PORTS_MAX; i++)
		ring_free(w->ports[i].ring);
	verdict_cache_free(inspect_set_cache(w->view.inspect, NULL));
	inspect_free(w->view.inspect);
	(void)sem_destroy(&w->done);
	close_fds(w);
	free(w);
}
