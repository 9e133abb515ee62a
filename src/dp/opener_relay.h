/*
 * Verdicts on an NFQUEUE's packets, from the worker to the kernel.
 *
 *   worker: ring/nfqueue.c ──SOCK_SEQPACKET──▶ opener ──netlink──▶ kernel
 *
 * The kernel takes a verdict only from a process with CAP_NET_ADMIN (net/
 * netlink/af_netlink.c, netlink_net_capable()), which the worker is not; packets
 * it reads from the queue itself. One relay a queue: it lives until the worker
 * closes its end. Opener process only.
 */
#pragma once

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

struct relays {
	struct relay {
		int fd;		/* our end; owned */
		int netlink_fd; /* owned */
		uint16_t queue;
	} list[WORKER_PORTS_MAX];
	size_t n;
};

/*
 * A relay for that queue, whose descriptor is duplicated. Returns the worker's
 * end, the caller's to close; or -errno.
 */
int relays_add(struct relays *r, int netlink_fd, uint16_t queue,
	       struct err *reterr);
/* Fills r->n entries. */
void relays_poll_set(const struct relays *r, struct pollfd *set);
/* Passes on what has come; `set` as it was filled. */
void relays_serve(struct relays *r, const struct pollfd *set);
void relays_close(struct relays *r);
