/* The table of flows itself; only for flow/flow.c and flow/flow_image.c. */
#pragma once

#include "flow/flow.h"

/* Of lists: one a class, and one more. */
#define FLOW_LIST_SILENT FLOW_CLASS__MAX
#define FLOW_LISTS	 (FLOW_CLASS__MAX + 1)

struct flow_list {
	uint32_t oldest, newest;
};

struct flow_table {
	struct flow *slots; /* limit + 1; [0] is unused */
	uint32_t *buckets;  /* a power of two, at least limit */
	size_t slots_bytes, buckets_bytes;
	uint32_t bucket_mask;
	uint32_t free;	    /* top of the stack of freed slots */
	uint32_t used_ever; /* slots 1..used_ever have been used */
	uint32_t next_id, first_id, id_step;
	uint64_t seed;
	struct flow_list lists[FLOW_LISTS];
	unsigned expire_first; /* the list flow_expire() began with */
	struct flow_counts counts;
	void (*on_end)(void *arg, struct flow *f);
	void *on_end_arg;
};

uint32_t flow_key_hash(const struct flow_table *t, const struct flow_key *key);
/* A flow with its hash, at its place, is found by its key from here on. */
void flow_put_in_bucket(struct flow_table *t, struct flow *f);
/* It is the newest of the list that it belongs to. */
void flow_put_in_list(struct flow_table *t, struct flow *f);
/* One more, or (-1) one less of that protocol. */
void flow_count_live(struct flow_table *t, uint8_t proto, int by);
