/*
 * How large each worker's tables are: as they are by default and by --flows, or
 * smaller where weir-dp's cgroup has not the memory (inspect/pools.h). That is
 * decided once, before anything is made: nothing grows later.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "inspect/pools.h"

struct fit {
	uint64_t limit_bytes; /* the cgroup's; 0: none */
	unsigned workers;
	struct pools wanted, pools; /* of each worker */
	bool fits;		    /* even full they leave what others need */
};

/* flows: of all workers together. Says in the log what is smaller, and why. */
void fit_find(struct fit *f, uint32_t flows, unsigned workers);
/* The same with that limit, and says nothing. */
void fit_into(struct fit *f, uint32_t flows, unsigned workers,
	      uint64_t limit_bytes);

/* "memory": the limit, what tables may take, which are smaller. */
void answer_fit(json_t *result, const struct fit *f);
