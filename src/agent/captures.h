/*
 * Captures of workloads to files, DIR/captures/ID.pcapng of the store's folder, with
 * bounds on time, size and number. Each has a thread of its own, which opens the data
 * plane's ring and writes; the main loop is only told when it has ended. What there is
 * outlives the agent; one that ran when it ended is "failed".
 */
#pragma once

#include "agent/agent.h"

struct captures;

struct capture_spec {
	uint64_t seconds, bytes; /* within the limits */
	const char *filter;	 /* pcap-filter(7); "" */
	const char *why;	 /* "by uid 0", "response 3" */
};

int captures_start(struct agent *a, struct err *reterr);
/* Ends those that run, and waits for them. NULL parts are accepted. */
void captures_stop(struct agent *a);

/* Begins one; *ret_id. EINVAL, EBUSY, ENOSPC, ENODEV tell why not. */
int captures_begin(struct agent *a, const struct workload *w,
		   const struct capture_spec *spec, uint64_t *ret_id,
		   struct err *reterr);
