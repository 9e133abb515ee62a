/*
 * A process that a runtime names by its pid, and that may have ended and given
 * its number to another meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "net/netns.h"

struct process {
	pid_t pid;
	uint64_t start;	 /* ticks since boot: of one pid, no two are equal */
	struct netns ns; /* owned */
	bool named; /* its cgroup has the container's id: it is none else's */
};

/*
 * All of one and the same process. id: of the container. -ESRCH: there is no
 * such process. ns is to be closed by netns_done().
 */
int process_open(pid_t pid, const char *id, struct process *ret,
		 struct err *reterr);
/* Is it still that one? */
bool process_alive(pid_t pid, uint64_t start);
/* When it began, in seconds since 1970, by today's clock. */
uint64_t process_started_s(uint64_t start);
/* Does a /proc/PID/cgroup of this text belong to the container? */
bool process_cgroup_names(const char *text, const char *id);
