/*
 * What the kernel and the data plane count of each workload at the moment.
 */
#pragma once

#include "agent/agent.h"
#include "agent/commands.h"

/* A workload as it is now. */
struct top_row {
	struct workload *workload;
	struct workload_sum ports;
	uint64_t packets[2], bytes[2]; /* by enum inplace_way */
	uint64_t dropped;	       /* packets, by the kernel */
	uint64_t sessions, sessions_made;
};

/*
 * A row for each workload, in their order; the caller frees them. about: the data
 * plane's answer to weir_traffic; NULL: without it. *reterr: why there is nothing
 * of the kernel; its code stays 0 else. NULL: out of memory.
 */
struct top_row *top_rows(struct agent *a, const json_t *about, size_t *ret_n,
			 struct err *reterr);
