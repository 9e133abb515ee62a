/*
 * Theory. The loop has three gears. While the ring fills whole batches it is
 * read again at once. A batch that was not full has emptied it: after one of a
 * frame or two it is busy-polled for a little while, and after that, or a larger
 * one, the thread sleeps in poll() on the ring and on the mailbox's eventfd. In
 * all gears the mailbox is looked at between two batches - one relaxed load when
 * there is nothing.
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
 */
#include "dp/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/limits.h"

/* An idle worker wakes up this often to age flows. */
#define IDLE_MS 500

struct question {
	void (*fn)(struct worker_view *, void *);
	void *arg;
};

struct worker {
	pthread_t thread;
	struct worker_view view; /* the thread's; a question's while it runs */
	int wake_fd;		 /* eventfd: a question is posted */
	int lost_fd;
	_Atomic(const struct question *) question;
	sem_t done;
	bool stop;	   /* set by a question */
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

static void carry(struct worker *w, unsigned i)
{
	struct ring *r = w->view.ring;
	struct ring_frame f = ring_frame(r, i);
	struct verdict v;

	v = inspect_frame(w->view.inspect,
			  (struct frame){ .bytes = f.bytes,
					  .wire_len = f.wire_len,
					  .too_long = f.too_long },
			  w->view.now);
	if (v.forward)
		ring_keep(r, i);
	for (unsigned k = 0; k < v.n_send; k++)
		ring_send(r, v.send[k]);
}

static void lose_ring(struct worker *w)
{
	uint64_t one = 1;

	ring_free(w->view.ring);
	w->view.ring = NULL;
	/* a full eventfd has told it already */
	if (write(w->lost_fd, &one, sizeof one) < 0)
		return;
}

/* One batch; returns how many frames there were. */
static int batch(struct worker *w)
{
	int n = ring_recv(w->view.ring);

	if (n < 0) {
		lose_ring(w);
		return 0;
	}
	if (n > 0) {
		w->view.now = clock_now();
		for (int i = 0; i < n; i++)
			carry(w, (unsigned)i);
		ring_flush(w->view.ring);
	}
	return n;
}

static void sleep_until_needed(struct worker *w)
{
	struct pollfd fds[2] = { { .fd = w->wake_fd, .events = POLLIN } };
	usec_t asleep_at = clock_now();
	uint64_t n;

	fds[1].fd = w->view.ring ? ring_fd(w->view.ring) : -1;
	fds[1].events = POLLIN;
	if (poll(fds, 2, IDLE_MS) < 0)
		return;
	w->poll_pays = usec_since(clock_now(), asleep_at) < BUSY_POLL_US;
	if (fds[0].revents && read(w->wake_fd, &n, sizeof n) < 0)
		return;
}

/* After a batch of n < RING_BATCH frames. */
static void wait_for_frames(struct worker *w, int n)
{
	if (n > 0 && n <= BUSY_POLL_BATCH && w->poll_pays)
		w->poll_until = usec_add(clock_now(), BUSY_POLL_US);
	if (usec_before(w->view.now, w->poll_until))
		(void)sched_yield();
	else
		sleep_until_needed(w);
}

static void *run(void *arg)
{
	struct worker *w = arg;

	while (!w->stop) {
		int n = w->view.ring ? batch(w) : 0;

		if (n == 0)
			w->view.now = clock_now();
		inspect_age(w->view.inspect, w->view.now);
		run_question(w);
		if (n < RING_BATCH && !w->stop)
			wait_for_frames(w, n);
	}
	return NULL;
}

/* Signals are the control thread's. */
static int start_thread(struct worker *w)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&w->thread, NULL, run, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct worker *worker_start(struct inspect *in, int lost_fd, struct err *reterr)
{
	struct worker *w = calloc(1, sizeof *w);
	int rc;

	if (!w) {
		rc = ENOMEM;
		goto err_inspect;
	}
	w->view.inspect = in;
	w->lost_fd = lost_fd;
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake_fd < 0) {
		rc = errno;
		goto err_worker;
	}
	if (sem_init(&w->done, 0, 0) < 0) {
		rc = errno;
		goto err_wake;
	}
	rc = start_thread(w);
	if (rc == 0)
		return w;
	(void)sem_destroy(&w->done);
err_wake:
	close(w->wake_fd);
err_worker:
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
	ring_free(w->view.ring);
	inspect_free(w->view.inspect);
	(void)sem_destroy(&w->done);
	close(w->wake_fd);
	free(w);
}
