/*
 * The two processes of a live weir-dp.
 *
 *   opener (parent)                      worker (child)
 *   keeps a few capabilities             own uid, no capabilities
 *   opens packet sockets and queues
 *   when asked, also in other network
 *   namespaces                       <-- "open vth"
 *   passes the descriptor            --> rings, frames, flows, policy, doors
 *   sends a reply to a client's socket
 *   that only root may write to      <-- "reply to /tmp/dp_client.4711"
 *   and notices to the agent's       <-- "tell the agent"
 *   passes verdicts on to NFQUEUEs   <-- (dp/opener_relay.h)
 *   removes the doors' paths at the end
 *   never sees a byte of a frame or of a message, but for those replies
 *
 * They share one SOCK_SEQPACKET pair. Either one's end is the other's end: the
 * worker sees the pair close, the opener sees its child exit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/limits.h"
#include "dp/pulse.h"

/*
 * Drops this process to `user` (NULL: weir-dp if there is such an account,
 * else nobody) without any capability and for good. Told in *reterr: no such
 * account, kernel refuses. When the process is not root there is nothing to
 * drop and it stays who it is.
 */
int opener_drop(const char *user, struct err *reterr);

/* The compatible door, and where the agent waits to be told. */
struct opener_door {
	const char *path;   /* borrowed */
	int fd;		    /* replies come from it; -1: there is none */
	const char *notify; /* borrowed */
	int notify_fd;	    /* notices are sent by it; -1: there is none */
};

/* What is done about a worker that hangs or dies (dp/watchdog.h). */
struct opener_watch {
	const struct pulse *pulse; /* NULL: one that hangs is let hang */
	const char *dir;	   /* for reports; NULL: none are kept */
	int report_fd;		   /* what it wrote; -1 */
};

/*
 * Runs in the parent until the child ends: serves `fd` (its end of the pair),
 * passes SIGTERM, SIGINT and SIGQUIT on to the child. Returns the exit status
 * the program should end with.
 */
int opener_serve(int fd, pid_t child, const struct opener_door *compat,
		 const struct opener_watch *watch);

/* What the opener is asked to open. */
struct opener_port {
	enum opener_kind {
		OPENER_PACKET,
		OPENER_TAP,
		OPENER_NFQ,
		OPENER_MAP,    /* `iface` of the pinned ones, dp/beat.h */
		OPENER_QUEUES, /* what is told of NFQUEUEs, ring_nfq_stats() */
		OPENER_NETNS,  /* the namespace itself; nothing in it */
	} kind;
	char iface[PORT_NAME_MAX];  /* packet socket; a longer one never is */
	char netns[NETNS_PATH_MAX]; /* a path; "": weir-dp's own */
	uint16_t queue;		    /* NFQUEUE */
	bool deaf; /* its frames are not for the own IP stack (ring/deaf.h) */
	/* Of OPENER_PACKET: that share out its frames, 1..WORKERS_MAX; else 1. */
	unsigned sockets;
};

struct opener_fds {
	unsigned n; /* as many as `sockets` */
	/* the packet sockets, by their worker's number; the NFQUEUE; the map */
	int port[WORKERS_MAX];
	int verdicts; /* NFQUEUE: where they go (dp/opener_relay.h); else -1 */
};

void opener_fds_close(struct opener_fds *fds);

/*
 * Runs in the worker, before it takes anything upon itself: does the opener serve it?
 * -EPIPE: it could not begin. Control thread.
 */
int opener_serves(int fd, struct err *reterr);
/*
 * Runs in the worker: asks for a packet socket on an interface or an NFQUEUE.
 * 0 and *ret, the caller's to close; or -errno with *reterr as the opener said
 * it: -ENODEV, -EPERM, -ENOTDIR... Control thread.
 *
 * *netns: the namespace port->netns is of, the caller's to close; -1: whatever
 * that path is of now, which is then written here, also where the interface is
 * found but down (-ENETDOWN). Else it is opened in that one only, and -ESTALE
 * tells that the path is of none or of another one.
 */
int opener_ask(int fd, const struct opener_port *port, int *netns,
	       struct opener_fds *ret, struct err *reterr);
/* Runs in the worker: what is deaf for that port hears again. Control thread. */
void opener_release(int fd, const struct opener_port *port);

/*
 * How a worker ends that has handed over all it had (dp/handover.h): its opener
 * ends, too, and leaves the doors' paths and deaf interfaces to the successor.
 */
#define WORKER_HANDED_OVER 3

/*
 * Runs in the worker, when it hands over: whose the deaf interfaces are, and the
 * sign of that one's life (dp/opener_deaf.h), the caller's to close; *ret_owner
 * 0 and -1: there are none. 0 or -errno. Control thread, as all of these.
 */
int opener_give_sign(int fd, uint64_t *ret_owner, int *ret_sign);
/*
 * In the successor's: the opener looks after that deaf interface from now on;
 * `sign` stays the caller's.
 */
int opener_take_deaf(int fd, const char *iface, uint64_t owner, int sign,
		     struct err *reterr);
/*
 * Likewise after verdicts of that NFQUEUE; `queue_fd` stays the caller's. Where
 * verdicts go, the caller's to close; or -errno.
 */
int opener_take_queue(int fd, uint16_t queue, int queue_fd, struct err *reterr);

/*
 * Runs in the worker: has the opener send a datagram from the compatible door
 * to a client's socket beside it, which this process may not write to. 0;
 * -EAGAIN: its queue is full; -EPERM: not beside the door; or -errno. Control
 * thread.
 */
int opener_reply(int fd, const struct sockaddr_un *to, const uint8_t *buf,
		 size_t len);
/*
 * Runs in the worker: has the opener send a notice to the agent's socket. 0;
 * -EAGAIN: its queue is full; -ENOENT, -ECONNREFUSED: nobody is there; -EPERM:
 * the socket is neither root's nor ours; or -errno. Control thread.
 */
int opener_notify(int fd, const uint8_t *buf, size_t len);
