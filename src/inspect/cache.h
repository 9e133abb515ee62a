/*
 * The verdict cache: flows whose verdict is final are given to the kernel, which
 * lets their frames go on, or drops them, without showing them here
 * (bpf/inplace.h). Which flows those are, and what the kernel has seen of them,
 * is this file's business; how it is told, the hooks'.
 *
 * Never cached is a flow that somebody still wants to read (a stream, a
 * resolver's answers, a workload with DLP or WAF, a tunnel that is looked into),
 * whose application a rule waits for, or that has not carried as much yet as is
 * set; nor what has no key there: two VLAN tags, other protocols than TCP and UDP.
 *
 * The worker's thread owns it; verdict_cache_new() and verdict_cache_free() are for others.
 * Nothing is allocated in between.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"

/* From the workload's point of view, as the kernel builds it of a frame. */
struct cache_key {
	struct ip_addr own, peer;
	uint16_t own_port, peer_port;
	uint16_t mark; /* the last two bytes of the workload's ucmac */
	uint16_t vlan; /* VID of the one tag that it may have; 0: none */
	uint8_t proto, zero[3];
};
_Static_assert(sizeof(struct cache_key) == 44, "no padding");
#define CACHE_VLAN_MAX 0xfff /* more is two tags: flow_key.vlans */

enum cache_way { CACHE_IN /* to the workload */, CACHE_OUT, CACHE_WAY__MAX };

/* What the kernel has seen of one entry since it was made. */
struct cache_seen {
	struct cache_seen_way {
		uint64_t frames, bytes; /* whole frames */
		uint64_t payload;	/* behind the TCP or UDP header */
		uint32_t seq;		/* TCP: the highest sent + 1 */
		uint32_t ack, window;	/* TCP: the last; not scaled */
	} way[CACHE_WAY__MAX];
	usec_t last;
};

/* An entry to be written. */
struct cache_entry {
	struct cache_key key;
	uint64_t generation;
	uint32_t slot;
	bool drop;
	uint32_t seq[CACHE_WAY__MAX]; /* where a new entry's seq begins */
};

/* All run in the worker's thread; 0 or -errno. */
struct cache_kernel {
	/* fresh: the slot's counters begin at zero */
	int (*put)(void *arg, const struct cache_entry *e, bool fresh);
	int (*del)(void *arg, const struct cache_key *key);
	void (*seen)(void *arg, uint32_t slot, struct cache_seen *ret);
	void *arg; /* borrowed */
};

/* May be set while it runs (inspect/settings.h). */
struct cache_settings {
	bool on;
	uint32_t frames; /* of a flow, before it may be cached */
	uint32_t depth;	 /* bytes of payload, likewise */
};
#define CACHE_FRAMES_DEFAULT 8

struct cache_stats {
	uint32_t in_use, limit; /* slots */
	uint32_t denied;	/* places for flows that are none: */
	uint32_t denied_limit;
	uint64_t added, renewed, removed;
	uint64_t full;	  /* times that a flow found no slot */
	uint64_t evicted; /* idle ones that made room */
	uint64_t denied_evicted;
	uint64_t failed; /* the kernel refused to write an entry */
	uint64_t passed[CACHE_WAY__MAX], passed_bytes[CACHE_WAY__MAX];
	uint64_t dropped[CACHE_WAY__MAX], dropped_bytes[CACHE_WAY__MAX];
};

struct verdict_cache;
struct inspect;

/*
 * Slots first .. first + n - 1 (n 1..CACHE_SLOTS_MAX) of the kernel's. hooks:
 * copied. seed: for the hash, random. NULL: out of memory.
 */
struct verdict_cache *verdict_cache_new(uint32_t first, uint32_t n,
					const struct cache_kernel *hooks,
					uint64_t seed);
/* NULL is accepted. */
void verdict_cache_free(struct verdict_cache *c);

/*
 * From now on c (NULL: no kernel) is used; gives back what was before, whose
 * entries are none of ours any more, for verdict_cache_free().
 */
struct verdict_cache *inspect_set_cache(struct inspect *in,
					struct verdict_cache *c);
/*
 * What is decided from now on counts as of that generation; to be called behind
 * inspect_adopt() or inspect_configure(), and the kernel knows it already.
 */
void inspect_set_generation(struct inspect *in, uint64_t generation);
/*
 * Writes what is waiting, at most CACHE_WRITES_PER_TURN entries; between
 * batches. true: there is more.
 */
bool inspect_write_cache(struct inspect *in);
/* Entries that wait to be written. */
uint32_t inspect_cache_waiting(const struct inspect *in);
