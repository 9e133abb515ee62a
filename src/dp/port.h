/*
 * One interface or queue that frames come from, as the control thread sees it.
 *
 *   none --open--> open --interface goes--> lost --comes back--> open
 *     ^             |                        |
 *     +----close----+----------close---------+
 *
 *                                          |
 *                                          +--namespace goes--> gone --close-->
 *
 * While it is lost the control thread asks the opener for it again and again
 * (PORT_RETRY_MS), in the namespace it was made in, which it holds; what the
 * path has come to name is somebody else's. When the path does not name that
 * one any more, the port is given up: gone, until it is deleted or made anew.
 *
 * The service port has a ring with each worker, which share out its frames by
 * their marks (ring/packet_group.c); another port has one ring, with the worker
 * that its workload belongs to. When that becomes another one the ring moves:
 *
 *   port_pack()    taken from the one; frames wait in the kernel
 *   port_unpack()  given to the other
 *
 * Which ports there are is in dp/ports.h. Control thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "dp/opener.h"
#include "dp/workers.h"

#define PORT_RETRY_MS 200

enum port_state { PORT_NONE, PORT_OPEN, PORT_LOST, PORT_GONE };

struct port {
	enum port_state state;
	struct opener_port where; /* what the opener opens */
	int netns; /* that of where.netns, held until closed or gone; else -1 */
	struct frame_port from; /* what its frames are told to come from */
	uint16_t at;		/* its place among the worker's ports */
	uint16_t other;	     /* where its frames go on: itself, or a pair's */
	unsigned worker;     /* whose it is; 0 where all have a ring */
	struct ring *packed; /* owned; between port_pack() and _unpack() */
	/* of rings that are gone; the present ring's come on top */
	struct ring_counts before;
	uint64_t times_lost;
};

/*
 * NONE -> OPEN; an interface that is down: NONE -> LOST, which is no error.
 * -ENODEV: no such interface; ...
 */
int port_open(struct port *p, const struct workers *ws, int opener_fd,
	      struct err *reterr);
/*
 * In a successor: rings of an OPEN port on descriptors that somebody else has
 * opened, as many as p->where.sockets; takes them. 0 and ret[] full; or -ENOMEM
 * with *reterr.
 */
int port_make_rings(const struct port *p, const struct opener_fds *fds,
		    struct ring **ret, struct err *reterr);
/* Its rings are these from now on; takes them. Else it is LOST. */
void port_use_rings(struct port *p, const struct workers *ws,
		    struct ring **rings);
/*
 * Has what its path names become another namespace than the one it was made
 * in, or none?
 */
bool port_has_moved(const struct port *p, int opener_fd);
/* Any state -> NONE. Frames that are under way are dropped. */
void port_close(struct port *p, const struct workers *ws, int opener_fd);
/* OPEN -> LOST: a worker has lost its ring; the other rings are closed. */
void port_lost(struct port *p, const struct workers *ws);
/* Tries to get a lost port back; true when it is open again. LOST -> GONE. */
bool port_retry(struct port *p, const struct workers *ws, int opener_fd);
/* p->from has changed: its frames come from there from now on. */
void port_update(const struct port *p, const struct workers *ws);
/*
 * No service port; it is that worker's from now on, and so is `other`, the pair's
 * other side, or p itself: both at once, or frames would find no way on.
 */
void port_pack(struct port *p, struct port *other, const struct workers *ws,
	       unsigned worker);
/* The same two. OPEN -> LOST where the worker cannot take one. */
void port_unpack(struct port *p, struct port *other, const struct workers *ws);
/* Counts of all its rings so far. */
struct ring_counts port_counts(const struct port *p, const struct workers *ws);
/* Those of that worker's ring, since it has the port. */
struct ring_counts port_counts_of(const struct port *p, struct worker *w);
/* Of its present rings; zeros when it has none. */
struct ring_buffer port_buffer(const struct port *p, const struct workers *ws);
struct ring_buffer port_buffer_of(const struct port *p, struct worker *w);
/* Of an open NFQUEUE; false: it is none, or the kernel does not tell. */
bool port_nfq_stats(const struct port *p, int opener_fd, struct nfq_stats *ret);
/* "service", "pair", "tap", "nfq". */
const char *port_kind_name(enum frame_port_kind k);
/* "none", "open", "lost", "gone". */
const char *port_state_name(enum port_state s);
