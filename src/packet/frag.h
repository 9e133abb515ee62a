/*
 * Lets the later fragments of a datagram follow what its first one was judged
 * to be.
 *
 * Only the first fragment carries ports. This table remembers, for a bounded
 * number of datagrams and FRAG_LIFE_S seconds (reference 4: 10 s), what that
 * was: key (endpoint, direction, VLANs, addresses, id; IPv4 also protocol),
 * value struct frag_first. A later fragment whose first one is not known is
 * not forwarded: a fragment is never let through unjudged. (Whole reassembly
 * comes with issue 2.)
 *
 * Pure: time is an argument. One thread. No allocation after frag_new().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "packet/packet.h"

#define FRAG_LIFE_S 10

struct frag_table;

/*
 * What the first fragment tells about the later ones: the packet's fields of
 * the same names. proto is one of them because an IPv6 fragment header names
 * what stands behind it in the first fragment, which can be one more extension
 * header.
 */
struct frag_first {
	uint16_t sport, dport;
	uint16_t icmp_id;
	uint8_t proto;
	uint8_t icmp_type, icmp_code;
	bool icmp_is_error;
};

struct frag_stats {
	uint32_t in_use, limit; /* in_use: expired ones may be among them */
	uint64_t evicted;	/* gave way to a newer one before its time */
};

/*
 * limit: 1..2^24 datagrams. seed: for the hash, random. NULL: out of memory.
 * Owned by the caller.
 */
struct frag_table *frag_new(uint32_t limit, uint64_t seed);
void frag_free(struct frag_table *t);

/*
 * p is a first fragment (is_fragment, !is_later): remember it. A second first
 * fragment of the same datagram replaces the first one.
 * Full: the oldest gives way, counted.
 */
void frag_remember(struct frag_table *t, const struct packet *p,
		   uint16_t endpoint, bool ingress, usec_t now);

/* p is a later fragment: false if its first one is not known (any more). */
bool frag_find(struct frag_table *t, const struct packet *p, uint16_t endpoint,
	       bool ingress, usec_t now, struct frag_first *ret);

/* Gives a later fragment's packet what frag_find() found. */
static inline void frag_fill(struct packet *p, const struct frag_first *first)
{
	p->sport = first->sport;
	p->dport = first->dport;
	p->icmp_id = first->icmp_id;
	p->proto = first->proto;
	p->icmp_type = first->icmp_type;
	p->icmp_code = first->icmp_code;
	p->icmp_is_error = first->icmp_is_error;
}

struct frag_stats frag_stats(const struct frag_table *t);
