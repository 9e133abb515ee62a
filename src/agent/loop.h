/*
 * The agent's main loop: descriptors that become readable, and timers. One
 * thread; callbacks may add and take away anything, themselves included.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct loop;
struct loop_fd;

struct loop *loop_new(struct err *reterr);
/* What is still in it is freed with it; descriptors are the caller's. */
void loop_free(struct loop *l);

typedef void loop_fd_fn(void *arg, uint32_t events);

/* events: EPOLLIN, EPOLLOUT. NULL: out of memory, or the kernel's refusal. */
struct loop_fd *loop_add(struct loop *l, int fd, uint32_t events,
			 loop_fd_fn *fn, void *arg);
void loop_change(struct loop_fd *f, uint32_t events);
/* Before the descriptor is closed. NULL is accepted. */
void loop_remove(struct loop_fd *f);

/*
 * A timer is part of its owner; zero-initialised it is off. When its time has
 * come it is off again, and fn is called.
 */
struct loop_timer {
	usec_t at;
	bool on;
	void (*fn)(void *arg);
	void *arg;
	struct loop_timer *next; /* of the loop's list, while on */
};

/* Again from now: after so many microseconds. */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t after_us);
/* After so many at the latest: sooner if it is on for sooner. */
void loop_timer_need(struct loop *l, struct loop_timer *t, uint64_t after_us);
void loop_timer_off(struct loop *l, struct loop_timer *t);

/* Until loop_stop(). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
