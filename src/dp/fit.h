/*
 * How large each worker's tables are: as they are by default and by --flows, or
 * smaller where weir-dp's cgroup has not the memory (inspect/pools.h). That is
 * decided once, before anything is made: no table grows later. What does - policies,
 * rules, sensors, answers - is bound by what the limit leaves beside full tables: who
 * asks for more is told that there is no memory, before the kernel ends the process.
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

/*
 * Where the process tells what it has, for fit_bound(), which cannot open it; -1:
 * there is nothing to be bound by, or it cannot be, and the log says so.
 */
int fit_open(const struct fit *f);
/*
 * When all tables are made: how much more there may be from here on. fd: of
 * fit_open(), closed. Says in the log if that cannot be.
 */
void fit_bound(const struct fit *f, int fd);

/* "memory": the limit, what tables may take, which are smaller. */
void answer_fit(json_t *result, const struct fit *f);
