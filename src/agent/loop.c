/*
 * epoll(7) for descriptors; timers in a list by time, of which there are about
 * ten. A descriptor that is taken away while its events are being told stays
 * allocated until they are, with fn NULL.
 */
#include "agent/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_PER_TURN 64

struct loop_fd {
	struct loop *loop;
	int fd;
	loop_fd_fn *fn; /* NULL: taken away */
	void *arg;
	struct loop_fd *next; /* of all, or of those taken away */
};

struct loop {
	int epoll; /* owned */
	bool stopped;
	struct loop_fd *all, *gone;
	struct loop_timer *timers; /* the first to come first */
};

struct loop *loop_new(struct err *reterr)
{
	struct loop *l = calloc(1, sizeof *l);

	if (l)
		l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!l || l->epoll < 0) {
		(void)err_set(reterr, l ? errno : ENOMEM, NULL, "epoll: %s",
			      strerror(l ? errno : ENOMEM));
		free(l);
		return NULL;
	}
	return l;
}

static void free_list(struct loop_fd **list)
{
	while (*list) {
		struct loop_fd *f = *list;

		*list = f->next;
		free(f);
	}
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	free_list(&l->all);
	free_list(&l->gone);
	close(l->epoll);
	free(l);
}

struct loop_fd *loop_add(struct loop *l, int fd, uint32_t events,
			 loop_fd_fn *fn, void *arg)
{
	struct loop_fd *f = calloc(1, sizeof *f);
	struct epoll_event e = { .events = events, .data.ptr = f };

	if (!f || epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
		free(f);
		return NULL;
	}
	*f = (struct loop_fd){ l, fd, fn, arg, l->all };
	l->all = f;
	return f;
}

void loop_change(struct loop_fd *f, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = f };

	/* cannot fail: it is in there */
	(void)epoll_ctl(f->loop->epoll, EPOLL_CTL_MOD, f->fd, &e);
}

void loop_remove(struct loop_fd *f)
{
	struct loop_fd **at;

	if (!f)
		return;
	/* the same */
	(void)epoll_ctl(f->loop->epoll, EPOLL_CTL_DEL, f->fd, NULL);
	for (at = &f->loop->all; *at != f; at = &(*at)->next)
		;
	*at = f->next;
	f->fn = NULL;
	f->next = f->loop->gone;
	f->loop->gone = f;
}

void loop_timer_off(struct loop *l, struct loop_timer *t)
{
	struct loop_timer **at = &l->timers;

	if (!t->on)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->on = false;
}

void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t after_us)
{
	struct loop_timer **at = &l->timers;

	loop_timer_off(l, t);
	t->at = usec_add(clock_now(), after_us);
	t->on = true;
	while (*at && !usec_before(t->at, (*at)->at))
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

void loop_timer_need(struct loop *l, struct loop_timer *t, uint64_t after_us)
{
	if (!t->on || usec_before(usec_add(clock_now(), after_us), t->at))
		loop_timer_set(l, t, after_us);
}

/* Milliseconds to the next timer, rounded up; -1: there is none. */
static int wait_ms(const struct loop *l)
{
	uint64_t us;

	if (!l->timers)
		return -1;
	us = usec_since(l->timers->at, clock_now());
	return us > 3600 * USEC_PER_SEC ? 3600 * 1000
					: (int)((us + 999) / 1000);
}

static void run_timers(struct loop *l)
{
	usec_t now = clock_now();

	while (l->timers && !usec_before(now, l->timers->at)) {
		struct loop_timer *t = l->timers;

		loop_timer_off(l, t);
		t->fn(t->arg);
	}
}

void loop_run(struct loop *l)
{
	struct epoll_event events[EVENTS_PER_TURN];

	while (!l->stopped) {
		int n = epoll_wait(l->epoll, events, EVENTS_PER_TURN,
				   wait_ms(l));

		for (int i = 0; i < n; i++) {
			struct loop_fd *f = events[i].data.ptr;

			if (f->fn)
				f->fn(f->arg, events[i].events);
		}
		free_list(&l->gone);
		run_timers(l);
	}
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}
