/*
 * Notices to NeuVector's agent (reference 1.8): what the data plane tells of
 * its own accord, to the agent's socket, in the binary form.
 *
 *   every 2 s   changed ports of workloads (1), threats (6), names (11, 12, 13)
 *   every 6 s   connections (7)
 *
 * Nothing here ever waits for the agent. What it does not take is counted;
 * connections are kept for the next turn, and while one datagram of them is
 * kept no more are taken from the worker, whose table is bounded. Control
 * thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/limits.h"
#include "wire/dpmsg.h"

struct control;

struct notify_counts {
	uint64_t sent[DPMSG_KIND__MAX]; /* datagrams */
	uint64_t not_taken[DPMSG_KIND__MAX];
};

struct notify {
	bool on;
	usec_t next; /* turn */
	unsigned turn;
	bool distrust_told; /* the log has it already */
	size_t kept_len;    /* 0: none is kept */
	uint8_t kept[COMPAT_REPLY_MAX];
	struct notify_counts counts;
};

void notify_init(struct notify *n, bool on, usec_t now);
/* Milliseconds until the next turn; -1: there is none. */
int notify_wait_ms(const struct notify *n, usec_t now);
/* Sends what is due. Call it whenever the control thread wakes. */
void notify_turn(struct control *ctl, usec_t now);
/*
 * Kind 1 for each workload that has a port (ctrl_refresh_app), now. Returns how
 * many were taken.
 */
unsigned notify_all_apps(struct control *ctl);
