/*
 * What an index of boxes (match.h) is made of; for match.c, which reads it, and
 * match_build.c, which makes it.
 */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "policy/match.h"

enum match_dim {
	MATCH_PEER, /* rank of the address, see struct ranks */
	MATCH_OWN,
	MATCH_PORT, /* rank, too */
	MATCH_PROTO,
	MATCH_NAME,
	MATCH_DIM__MAX
};

/*
 * Addresses and ports as small numbers: the borders of all ranges, sorted, the
 * first one the lowest value there is. The rank of a value is the index of the
 * last border that is not above it, so two values of one rank lie in the same
 * boxes.
 *
 * The values from the second border on are divided in equal steps of
 * 1 << shift; starts[i] is the rank at the beginning of step i. Where values
 * are spread evenly, that leaves next to nothing to be searched.
 */
struct ranks {
	uint32_t *v4;	       /* IPv4 addresses or ports, or ... */
	unsigned __int128 *v6; /* ... IPv6 addresses */
	uint32_t n;	       /* 1 or more */
	uint8_t shift;
	uint32_t steps;	  /* 0: there is but one border */
	uint32_t *starts; /* steps + 1 */
};

/* A box in ranks; two fit in a cache line. */
struct flat_box {
	uint32_t peer_first, peer_last, own_first, own_last;
	uint16_t port_first, port_last, name;
	uint8_t proto_first, proto_last;
	uint8_t peers; /* enum match_peers */
	bool conditional;
	uint32_t order;
};
_Static_assert(sizeof(struct flat_box) == 32, "half a cache line");

/* Cuts its region in equal parts of 1 << shift along one dimension. */
struct node {
	uint32_t base;	/* where the region begins in that dimension */
	uint32_t child; /* index in match.links of the first part's link */
	uint8_t dim;	/* enum match_dim */
	uint8_t shift;
};

/* A link leads to nodes[link], or to a list at lists[link & ~LINK_LIST]. */
#define LINK_LIST 0x80000000u

/*
 * Boxes with a wide range of peers would be in most parts of the others. Those
 * are there twice: for external peers and for internal ones.
 */
enum { PART_NARROW, PART_EXTERNAL, PART_INTERNAL, PART__MAX };

struct part {
	uint32_t root; /* a link */
	uint32_t best; /* the lowest order in it; MATCH_NONE: it is empty */
};

struct match {
	bool ipv6;
	uint16_t names; /* the highest name of all boxes */
	struct ranks peers, owns, ports;
	struct flat_box *boxes;
	uint32_t n_boxes;
	struct node *nodes;
	uint32_t n_nodes;
	uint32_t *links;
	uint32_t n_links;
	/* Each list: its length, then indices of boxes by rising order. */
	uint32_t *lists;
	uint32_t n_lists;
	uint32_t longest;
	struct part parts[PART__MAX];
};

/* The rank of a port; of an address of the index's family. */
uint32_t ranks_find4(const struct ranks *r, uint32_t v);
uint32_t ranks_find_ip(const struct ranks *r, struct ip_addr a);
