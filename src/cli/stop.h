/*
 * Ctrl-C and its like, as something to look at between two steps, so that
 * what was made is taken down before the program ends.
 *
 * One per process. Main thread.
 */
#pragma once

#include <poll.h>
#include <signal.h>
#include <stdbool.h>

/*
 * From now on SIGINT, SIGTERM and SIGHUP only raise the flag, and a closed
 * pipe is an error of write(2). System calls are interrupted (no SA_RESTART).
 * An ignored SIGHUP (nohup) stays ignored.
 */
void stop_catch(void);
/* In a child: signals do again what they usually do. */
void stop_forget(void);

bool stop_wanted(void);
/* Raised by a signal; for those that look themselves (splice_up). */
const volatile sig_atomic_t *stop_flag(void);

/* The most descriptors stop_poll() takes. */
#define STOP_POLL_MAX 8
/*
 * poll(2) that a stop ends at once: returns -EINTR then, else what poll does
 * (0 when timeout_ms passed; never -1 with another errno).
 */
int stop_poll(struct pollfd *fds, unsigned n, int timeout_ms);
