/*
 * The two processes of a live weir-dp.
 *
 *   opener (parent)                      worker (child)
 *   keeps CAP_NET_RAW, CAP_NET_ADMIN     own uid, no capabilities
 *   opens packet sockets when asked  <-- "open vth"
 *   passes the descriptor            --> rings, frames, flows, policy, doors
 *   sends a reply to a client's socket
 *   that only root may write to      <-- "reply to /tmp/dp_client.4711"
 *   removes the doors' paths at the end
 *   never sees a byte of a frame or of a message, but for those replies
 *
 * They share one SOCK_SEQPACKET pair. Either one's end is the other's end: the
 * worker sees the pair close, the opener sees its child exit.
 */
#pragma once

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/err.h"

/*
 * Drops this process to `user` (NULL: weir-dp if there is such an account,
 * else nobody) without any capability and for good. Told in *reterr: no such
 * account, kernel refuses. When the process is not root there is nothing to
 * drop and it stays who it is.
 */
int opener_drop(const char *user, struct err *reterr);

/* The compatible door, which replies come from. */
struct opener_door {
	const char *path; /* borrowed */
	int fd;		  /* -1: there is none */
};

/*
 * Runs in the parent until the child ends: serves `fd` (its end of the pair),
 * passes SIGTERM, SIGINT and SIGQUIT on to the child. Returns the exit status
 * the program should end with.
 */
int opener_serve(int fd, pid_t child, const struct opener_door *compat);

/*
 * Runs in the worker: asks for a packet socket on an interface. Returns the
 * descriptor, or -errno with *reterr as the opener said it. Control thread.
 */
int opener_ask(int fd, const char ifname[static IFNAMSIZ], struct err *reterr);

/*
 * Runs in the worker: has the opener send a datagram from the compatible door
 * to a client's socket beside it, which this process may not write to. 0;
 * -EAGAIN: its queue is full; -EPERM: not beside the door; or -errno. Control
 * thread.
 */
int opener_reply(int fd, const struct sockaddr_un *to, const uint8_t *buf,
		 size_t len);
