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
 * one any more, the port is given up: gone, until it is deleted or made anew. Which ports there are is in dp/ports.h. Control thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "dp/opener.h"
#include "dp/worker.h"

#define PORT_RETRY_MS 200

enum port_state { PORT_NONE, PORT_OPEN, PORT_LOST, PORT_GONE };

struct port {
	enum port_state state;
	struct opener_port where; /* what the opener opens */
	int netns; /* that of where.netns, held until closed or gone; else -1 */
	struct frame_port from; /* what its frames are told to come from */
	uint16_t at;		/* its place among the worker's ports */
	uint16_t other; /* where its frames go on: itself, or a pair's */
	/* of rings that are gone; the present ring's come on top */
	struct ring_counts before;
	uint64_t times_lost;
};

/*
 * NONE -> OPEN; an interface that is down: NONE -> LOST, which is no error.
 * -ENODEV: no such interface; ...
 */
int port_open(struct port *p, struct worker *w, int opener_fd,
	      struct err *reterr);
/*
 * Has what its path names become another namespace than the one it was made
 * in, or none?
 */
bool port_has_moved(const struct port *p, int opener_fd);
/* Any state -> NONE. Frames that are under way are dropped. */
void port_close(struct port *p, struct worker *w, int opener_fd);
/* OPEN -> LOST: the worker has lost the ring. */
void port_lost(struct port *p);
/* Tries to get a lost port back; true when it is open again. LOST -> GONE. */
bool port_retry(struct port *p, struct worker *w, int opener_fd);
/* p->from has changed: the worker's frames come from there from now on. */
void port_update(const struct port *p, struct worker *w);
/* Counts of all its rings so far. */
struct ring_counts port_counts(const struct port *p, struct worker *w);
/* Of its present ring; zeros when it has none. */
struct ring_buffer port_buffer(const struct port *p, struct worker *w);
/* Of an open NFQUEUE; false: it is none, or the kernel does not tell. */
bool port_nfq_stats(const struct port *p, int opener_fd, struct nfq_stats *ret);
/* "service", "pair", "tap", "nfq". */
const char *port_kind_name(enum frame_port_kind k);
/* "none", "open", "lost", "gone". */
const char *port_state_name(enum port_state s);
