/*
 * What changes in a network namespace: a socket on which the kernel tells of
 * its devices, and of addresses and routes if wanted. It stays in the
 * namespace it was opened in, and keeps it alive.
 *
 * One thread.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "net/link.h"
#include "net/netns.h"

struct netwatch;

/*
 * Devices, and addresses of both families. ns NULL: the caller's own, which is
 * the host's, where a great many may come at once: with a larger buffer.
 */
int netwatch_open(const struct netns *ns, struct netwatch **ret,
		  struct err *reterr);
/* NULL is accepted. */
void netwatch_free(struct netwatch *w);
/* Readable when there is something. */
int netwatch_fd(const struct netwatch *w);

struct netwatch_calls {
	/* A device came or changed (gone false), or went. May be NULL. */
	void (*link)(void *arg, const struct link_stat *l, bool gone);
	void (*addr)(void *arg); /* some address came or went; may be NULL */
	void *arg;
};

/*
 * Tells all that waits, without waiting. -ENOBUFS: there was more than the
 * socket holds, so some is lost: list everything again.
 */
int netwatch_read(struct netwatch *w, const struct netwatch_calls *calls);
