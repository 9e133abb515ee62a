/* Messages with descriptors between the two processes (dp/opener.h). */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/limits.h"

/* Descriptors of one message. More is a bug: crash. */
#define PASSING_MAX (WORKERS_MAX + 2)

/* n descriptors go with it; they stay the caller's. 0 or -errno. */
int passing_send(int sock, const void *buf, size_t len, const int *fds,
		 size_t n);
/*
 * As recv(). Up to PASSING_MAX descriptors that came are the caller's, *ret_n
 * says how many; those that found no place in this process are missing.
 */
ssize_t passing_recv(int sock, void *buf, size_t len, int fds[PASSING_MAX],
		     size_t *ret_n);
