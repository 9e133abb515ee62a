/*
 * How large one worker's tables are, and how they become smaller where their cgroup
 * has not the memory for them, full: in the order of enum pool, each as far as it
 * has to, or down to a minimum, before the next is touched. What costs least
 * protection comes first; that flows are judged, last.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pool {
	POOL_APPLICATIONS, /* connections that nDPI is asked about; all or none */
	POOL_HTTP2,	   /* decoders of HTTP/2's heads */
	POOL_BODIES,	   /* packed bodies that are unpacked */
	POOL_SENSORS,	   /* connections that sensors look at */
	POOL_SIGNATURES,   /* connections that signatures look at */
	POOL_STREAMS,	   /* connections that are put together and read */
	POOL_FLOWS,
	POOL__MAX
};

/* Each pool's number; what goes with it (blocks of memory) is in proportion. */
struct pools {
	uint32_t n[POOL__MAX];
};

/* As they are without a limit. */
struct pools pools_default(uint32_t flows /* FLOWS_MIN..FLOWS_MAX */);
/* "applications"; of a valid one. */
const char *pool_name(enum pool p);
/* What one takes when all of it is used, with n. */
uint64_t pool_bytes(enum pool which, uint32_t n);
/* All of them, and the worker's other tables. */
uint64_t pools_bytes(const struct pools *p);

/*
 * Makes them fit into that many bytes. false: at their least they do not, and that
 * is what they are now.
 */
bool pools_fit(struct pools *p, uint64_t bytes);
/* What the tables of each of so many workers may take of a cgroup's limit. */
uint64_t pools_share(uint64_t limit_bytes, unsigned workers);
