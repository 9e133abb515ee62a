/*
 * The two doors: sockets, framing and who may speak. What a message means is
 * handlers.c's.
 *
 * compatible door   SOCK_DGRAM, NeuVector's: one JSON object a datagram, one or
 *                   more messages in it, no answer but binary replies
 * own door          SOCK_SEQPACKET: {"id": N, "NAME": {...}} in, one answer
 *                   out, always; bodies above OWN_MSG_MAX as a sealed memfd
 *
 * Only root and our own uid may speak (SO_PASSCRED, SO_PEERCRED; the sockets
 * are 0600 besides).
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "dp/control.h"

/*
 * Binds a door's path with mode 0600. A socket there that nobody listens on is
 * replaced; one that somebody does is left alone (-EADDRINUSE), and so is
 * anything that is no socket (-EEXIST). Missing parent folders are made (0755).
 * Returns the descriptor.
 */
int door_bind(const char *path, int type, struct err *reterr);
/* Removes the path if it is still the socket that was bound. */
void door_unlink(const char *path, int fd);

/* Counts a message that was refused with that -errno. */
static inline void door_refused(struct door_counts *c, int rc)
{
	c->refused++;
	c->refused_full += rc == -ENOSPC || rc == -E2BIG;
}

/* One datagram of the compatible door; false: there is none. */
bool compat_serve(struct control *ctl, int fd);

/* The own door's clients; zero-initialised. */
struct own_clients {
	int fds[OWN_CLIENTS_MAX];
	unsigned n;
};

/*
 * Takes a new client in. -EUSERS: turned away, since there are so many; -errno
 * else: there is no descriptor or no memory for him, and he waits.
 */
int own_accept(struct own_clients *clients, int listen_fd);
/* One request of client i. false: it is gone, and the last took its place. */
bool own_serve(struct control *ctl, struct own_clients *clients, unsigned i);
/* That client is none of the door's any more; its descriptor is the caller's. */
int own_release(struct own_clients *clients, unsigned i);
void own_close_all(struct control *ctl, struct own_clients *clients);
