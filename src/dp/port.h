/*
 * The service port: the one interface frames come from and go back to.
 *
 *   none --add--> open --interface goes--> lost --comes back--> open
 *     ^             |                        |
 *     +----del------+-----------del---------+
 *
 * While it is lost the control thread asks the opener for it again and again
 * (PORT_RETRY_MS). Control thread only.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include "base/err.h"
#include "dp/worker.h"

#define PORT_RETRY_MS 200

enum port_state { PORT_NONE, PORT_OPEN, PORT_LOST };

struct port {
	enum port_state state;
	char iface[IFNAMSIZ];
	/* of rings that are gone; the present ring's come on top */
	struct ring_counts before;
	uint64_t times_lost;
};

/* -EEXIST: there is one already; -ENODEV: no such interface; ... */
int port_add(struct port *p, struct worker *w, int opener_fd,
	     const char iface[static IFNAMSIZ], struct err *reterr);
/* -ENOENT: there is none. Frames that are under way are dropped. */
int port_del(struct port *p, struct worker *w, struct err *reterr);
/* The worker has lost the ring. */
void port_lost(struct port *p);
/* Tries to get a lost port back; true when it is open again. */
bool port_retry(struct port *p, struct worker *w, int opener_fd);
/* Counts of all its rings so far. */
struct ring_counts port_counts(const struct port *p, struct worker *w);
/* "none", "open", "lost". */
const char *port_state_name(enum port_state s);
