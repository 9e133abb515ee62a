/*
 * The first of many boxes that a point lies in: the index behind
 * policy_match().
 *
 * A box is a range in each of five dimensions: the peer's address, the
 * workload's own, the server's port, the IP protocol, and the name by which
 * the peer is known. Boxes have an order; the lowest one that contains the
 * point is found in about the same time for ten of them and for ten thousand.
 *
 * Immutable once built; match_find() allocates nothing and may be called by
 * any thread. All boxes and points of one index are of one address family.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define MATCH_NONE UINT32_MAX

/* Of which peers a box speaks. */
enum match_peers {
	MATCH_PEERS_ALL,
	MATCH_PEERS_EXTERNAL,
	MATCH_PEERS_INTERNAL
};

/* All ranges are inclusive, and none is empty. */
struct match_box {
	struct ip_addr peer_first, peer_last, own_first, own_last;
	uint16_t port_first, port_last;
	uint8_t proto_first, proto_last;
	uint8_t peers; /* enum match_peers */
	/* It may not count although it contains the point: see match_find(). */
	bool conditional;
	uint16_t name;	/* the name the peer must have; 0: by its address */
	uint32_t order; /* below MATCH_NONE; several boxes may share one */
};

struct match_point {
	struct ip_addr peer, own;
	uint16_t port;
	uint8_t proto;
	bool peer_external;
	/* By which names the peer goes, besides its address; borrowed. */
	const uint16_t *names;
	unsigned n_names;
};

struct match;

/*
 * Boxes sorted by order; borrowed for the call. At most MATCH_BOXES_MAX. NULL:
 * out of memory.
 */
struct match *match_new(const struct match_box *boxes, size_t n, bool ipv6);
/* NULL is accepted. */
void match_free(struct match *m);

/*
 * The lowest order of all boxes that contain p, by the address or one of the
 * names, and count; MATCH_NONE if there is none. A conditional box counts when
 * counts(arg, order) says so. *ret_name (may be NULL): the name it was found
 * by, 0 when by the address.
 */
uint32_t match_find(const struct match *m, const struct match_point *p,
		    bool (*counts)(const void *arg, uint32_t order),
		    const void *arg, uint16_t *ret_name);

/* Memory that it holds, and the longest list that a lookup may scan. */
size_t match_bytes(const struct match *m);
size_t match_longest(const struct match *m);
