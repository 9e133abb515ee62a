/*
 * The opener's part when a worker hangs or dies: it sees that, ends what hangs so
 * that it tells where, and keeps what was told in a file.
 *
 *   watching ──a pulse is WATCHDOG_US old──▶ told (SIGABRT, to that thread)
 *                                              └─ WATCHDOG_KILL_US ──▶ killed
 *
 * The kernel acts long before (bpf/inplace.h, by the failure policy); here it is
 * about having another one soon. Only looks that came in time count: where this
 * process does not get its turn the workers do not either. Opener process only.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/clock.h"
#include "dp/pulse.h"

struct watchdog {
	const struct pulse *pulse; /* NULL: nobody is watched */
	pid_t child;
	usec_t looked, told; /* told.us 0: not */
	unsigned stale;	     /* looks in a row */
	unsigned stuck;	     /* the worker that was told */
};

/* Milliseconds until the next look; -1: there is none. */
int watchdog_wait_ms(const struct watchdog *w);
/* Call it when that time is over, and as often besides as may be. */
void watchdog_look(struct watchdog *w, usec_t now);

/*
 * The child is dead, by that signal: keeps what it wrote to report_fd, and which
 * frames its workers were at, in a new file of that folder, of which WATCHDOG_FILES
 * are kept. Told in the log. dir NULL: only the log has it.
 */
void watchdog_keep(const struct watchdog *w, const char *dir, int report_fd,
		   int signal_number);
