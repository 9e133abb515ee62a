/*
 * The map: who talked to whom, by what, how much, and what became of it. It is
 * made of what is recorded while it is recorded, so an answer never walks flows.
 *
 *   flows, threats ──▶ live (the last hour, in memory; each edge knows when it
 *                        │   changed last: that is the cursor)
 *                        │ every five minutes a bucket is full
 *                        ▼
 *                      5 min ──▶ hour ──▶ day ──▶ 30 days   (buckets of the store)
 *
 * An end that is no workload is told by its DNS name, else by the group of
 * addresses that has it, else, on a local network, by its address; the rest of
 * the world is "outside".
 */
#pragma once

#include "agent/agent.h"
#include "agent/map_set.h"
#include "base/limits_store.h"

int map_start(struct agent *a, struct err *reterr);
/* Writes what is not written yet. NULL parts are accepted. */
void map_stop(struct agent *a);

/* client, server: NULL where it is no workload's. */
void map_flow(struct agent *a, const struct store_flow *f,
	      const struct workload *client, const struct workload *server,
	      bool blocked);
/* A threat, or a finding, on what these ends say to each other. */
void map_threat(struct agent *a, const struct workload *client,
		struct ip_addr client_addr, const struct workload *server,
		struct ip_addr server_addr);
/* It is in the registry no more. */
void map_workload_gone(struct agent *a, const char *id);
/* Buckets that could not be written. */
uint64_t map_lost(const struct agent *a);

/* --- for the answer (commands_map.c) ------------------------------------------ */

struct map_gone {
	uint64_t changed;
	char *from, *to; /* an edge's ends; to NULL: a node. owned */
};

/* An edge of the last hour, beside what the set has of it. */
struct map_live_edge {
	struct map_sums slots[MAP_SLOTS]; /* by bucket */
	uint64_t changed;
	uint64_t bucket_first_s; /* seen first in the bucket that is open */
};

struct map_place {
	struct ip_addr addr;
	uint64_t revision; /* of the intent; 0: free */
	char group[INTENT_NAME_MAX];
};

#define MAP_PLACES 256 /* a mask */

struct map {
	struct map_set live;
	struct map_live_edge *more; /* of live.edges, the same index */
	size_t room_more;
	uint32_t bucket; /* the open one: its number, time / 300 s */
	uint64_t left_out[MAP_SLOTS];
	/*
	 * Counts changes. It begins with the time in microseconds, so that a
	 * cursor of an agent before is never taken for one of this.
	 */
	uint64_t changed, changed_first;
	struct map_gone gone[MAP_GONE_MAX]; /* a ring */
	size_t n_gone;			    /* ever */
	uint64_t gone_forgotten; /* changes up to this may not be in it */
	struct loop_timer write;
	bool dirty;
	uint64_t lost;
	uint64_t rolled_s[STORE_MAP_LEVELS]; /* until when */
	struct map_place places[MAP_PLACES];
};

/* Brings it to the present: what is older than an hour goes. */
void map_tick(struct agent *a);
/*
 * Adds up since ... until, as far as it is kept; the times become those that are
 * in it. -E2BIG: MAP_READ_MAX.
 */
int map_history(struct agent *a, uint64_t *since_s, uint64_t *until_s,
		struct map_set *ret, struct err *reterr);
/* From when to when there is anything; 0: there is nothing. */
int map_recorded(struct agent *a, uint64_t *ret_first, uint64_t *ret_last,
		 struct err *reterr);
