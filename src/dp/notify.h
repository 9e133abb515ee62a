/*
 * Notices to NeuVector's agent (reference 1.8): what the data plane tells of
 * its own accord, to the agent's socket, in the binary form.
 *
 *   changed ports of workloads (1), threats (6), connections (7),
 *   names (11, 12, 13)
 *
 * Every 2 s all that is new. Nothing here ever waits for the agent. What it does
 * not take is counted, stays where it is and is tried again; lost are only
 * threats and connections that the agent leaves waiting until their backlog
 * (told.h) is full, counted as well. Control thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/limits.h"
#include "dp/ask.h"
#include "dp/told.h"
#include "wire/dpmsg.h"

struct control;

struct notify_counts {
	uint64_t sent[DPMSG_KIND__MAX]; /* datagrams */
	uint64_t not_taken[DPMSG_KIND__MAX];
};

/* Names out of the worker whose notices were not taken yet. */
struct kept_notices {
	struct fqdn_record fqdn; /* n_ips 0: none */
	struct ip_name_page ip_names;
	size_t ip_names_told; /* of the page */
};

struct notify {
	bool on;
	usec_t next;	    /* turn */
	bool distrust_told; /* the log has it already */
	struct told_reader threats, findings, connections;
	struct kept_notices kept;
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
