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
	/* By whom its ports are counted: in place by the kernel, else by who has it. */
	bool by_kernel, by_plane;
	bool told; /* a data plane has said something of it */
	uint64_t packets[2], bytes[2]; /* by enum inplace_way */
	uint64_t dropped;	       /* packets, by the kernel */
	uint64_t sessions, sessions_made;
};

/* What data planes answered to weir_traffic; borrowed; NULL: nothing. */
struct top_told {
	const json_t *host, *splices;
};

/*
 * A row for each workload, in their order; the caller frees them. *reterr: why there is nothing
 * of the kernel; its code stays 0 else. NULL: out of memory.
 */
struct top_row *top_rows(struct agent *a, const struct top_told *told,
			 size_t *ret_n, struct err *reterr);
