/*
 * Any boxes and points to the index of rules: the first box that it finds is
 * the one that asking them one after the other finds.
 *
 * The input: a byte that says which family; boxes of BOX_BYTES behind the
 * number of them (two bytes, big-endian); the rest is points of POINT_BYTES.
 * Addresses are 4 bytes of what makes up an IPv4 address, or, of an IPv6
 * address, some of the highest and of the lowest ones: few addresses, so that
 * boxes and points meet.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "policy/match.h"

/* Bounds the time of an input. */
#define BOXES_MAX  300
#define POINTS_MAX 200
#define NAMES_MAX  4
/* Above all names of boxes there are such as no box has. */
#define NAMES 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Flags of a box. */
enum {
	BOX_PEERS = 3,	     /* enum match_peers; more: all */
	BOX_CONDITIONAL = 4, /* see counts() */
	BOX_SAME_ORDER = 8,  /* as the one before */
	BOX_ANY_PEER = 16,   /* the whole range of addresses */
	BOX_ANY_PORT = 32,
	BOX_NAMED = 64,
	BOX_ANY_PROTO = 128,
};

static bool take_addr(struct bytes *b, bool ipv6, struct ip_addr *ret)
{
	uint32_t v;

	if (!take_be32(b, &v))
		return false;
	if (!ipv6) {
		*ret = ip_from_v4(v);
		return true;
	}
	*ret = (struct ip_addr){ { 0x20, (uint8_t)(v >> 24) } };
	ret->b[7] = (uint8_t)(v >> 16);
	ret->b[8] = (uint8_t)(v >> 8);
	ret->b[15] = (uint8_t)v;
	return true;
}

static bool take_range(struct bytes *b, bool ipv6, struct ip_addr *first,
		       struct ip_addr *last)
{
	if (!take_addr(b, ipv6, first) || !take_addr(b, ipv6, last))
		return false;
	if (ip_compare(*last, *first) < 0) {
		struct ip_addr t = *first;

		*first = *last;
		*last = t;
	}
	return true;
}

static struct ip_addr lowest(bool ipv6)
{
	return ipv6 ? (struct ip_addr){ { 0 } } : ip_from_v4(0);
}

static struct ip_addr highest(bool ipv6)
{
	struct ip_addr a;

	memset(a.b, 0xff, sizeof a.b);
	return ipv6 ? a : ip_from_v4(UINT32_MAX);
}

static bool take_box(struct bytes *b, bool ipv6, uint32_t order,
		     struct match_box *ret)
{
	struct match_box box = { 0 };
	uint8_t flags, name, proto, more;
	uint16_t port;

	if (!take_u8(b, &flags) || !take_u8(b, &name) || !take_u8(b, &proto) ||
	    !take_u8(b, &more) || !take_be16(b, &port) ||
	    !take_range(b, ipv6, &box.peer_first, &box.peer_last) ||
	    !take_range(b, ipv6, &box.own_first, &box.own_last))
		return false;
	if (flags & BOX_ANY_PEER) {
		box.peer_first = lowest(ipv6);
		box.peer_last = highest(ipv6);
	}
	box.peers = flags & BOX_PEERS;
	if (box.peers > MATCH_PEERS_INTERNAL)
		box.peers = MATCH_PEERS_ALL;
	box.conditional = flags & BOX_CONDITIONAL;
	box.name = flags & BOX_NAMED ? 1 + name % NAMES : 0;
	box.port_first = flags & BOX_ANY_PORT ? 0 : port;
	box.port_last = flags & BOX_ANY_PORT	   ? UINT16_MAX
			: port < UINT16_MAX - more ? port + more
						   : UINT16_MAX;
	box.proto_first = flags & BOX_ANY_PROTO ? 0 : proto;
	box.proto_last = flags & BOX_ANY_PROTO ? UINT8_MAX : proto;
	box.order = order;
	*ret = box;
	return true;
}

/* Of conditional boxes only those of an even order. */
static bool counts(const void *arg, uint32_t order)
{
	BUG_ON(*(const uint32_t *)arg < order);
	return order % 2 == 0;
}

static bool within(struct ip_addr a, struct ip_addr first, struct ip_addr last)
{
	return ip_compare(first, a) <= 0 && ip_compare(a, last) <= 0;
}

static bool goes_by(const struct match_point *p, uint16_t name)
{
	for (unsigned i = 0; i < p->n_names; i++)
		if (p->names[i] == name)
			return true;
	return name == 0;
}

static bool contains(const struct match_box *b, const struct match_point *p)
{
	uint8_t others = p->peer_external ? MATCH_PEERS_INTERNAL
					  : MATCH_PEERS_EXTERNAL;

	return within(p->peer, b->peer_first, b->peer_last) &&
	       within(p->own, b->own_first, b->own_last) &&
	       p->port >= b->port_first && p->port <= b->port_last &&
	       p->proto >= b->proto_first && p->proto <= b->proto_last &&
	       b->peers != others && goes_by(p, b->name);
}

static bool says(const struct match_box *b, const struct match_point *p,
		 const uint32_t *last)
{
	return contains(b, p) && (!b->conditional || counts(last, b->order));
}

/* What match_find() should say. */
static uint32_t model(const struct match_box *boxes, size_t n,
		      const struct match_point *p, const uint32_t *last)
{
	for (size_t i = 0; i < n; i++)
		if (says(&boxes[i], p, last))
			return boxes[i].order;
	return MATCH_NONE;
}

/* Is it found by that name? By the address (0), if it can be. */
static bool is_by(const struct match_box *boxes, size_t n,
		  const struct match_point *p, const uint32_t *last,
		  uint32_t order, uint16_t name)
{
	for (size_t i = 0; i < n; i++)
		if (boxes[i].order == order && boxes[i].name == name &&
		    says(&boxes[i], p, last))
			return true;
	return false;
}

static void check_point(const struct match *m, const struct match_box *boxes,
			size_t n, const struct match_point *p,
			const uint32_t *last)
{
	uint32_t want = model(boxes, n, p, last);
	uint16_t name = UINT16_MAX;

	BUG_ON(match_find(m, p, counts, last, &name) != want);
	BUG_ON(match_find(m, p, counts, last, NULL) != want);
	if (want == MATCH_NONE || is_by(boxes, n, p, last, want, 0))
		BUG_ON(name != 0);
	else
		BUG_ON(!is_by(boxes, n, p, last, want, name));
}

static bool take_point(struct bytes *b, bool ipv6, struct match_point *ret,
		       uint16_t names[static NAMES_MAX])
{
	uint8_t how, name;

	*ret = (struct match_point){ .names = names };
	if (!take_u8(b, &how) || !take_u8(b, &name) ||
	    !take_u8(b, &ret->proto) || !take_be16(b, &ret->port) ||
	    !take_addr(b, ipv6, &ret->peer) || !take_addr(b, ipv6, &ret->own))
		return false;
	ret->peer_external = how & 1;
	ret->n_names = how / 2 % (NAMES_MAX + 1);
	/* 0 and those above NAMES are no box's */
	for (unsigned i = 0; i < ret->n_names; i++)
		names[i] = (uint16_t)((name >> 2 * i) % (NAMES + 3));
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct match_box boxes[BOXES_MAX];
	struct bytes in = bytes_of(data, len);
	uint16_t wanted, names[NAMES_MAX];
	struct match_point p;
	uint32_t order = 0;
	struct match *m;
	uint8_t family;
	size_t n = 0;
	bool ipv6;

	if (!take_u8(&in, &family) || !take_be16(&in, &wanted))
		return 0;
	ipv6 = family & 1;
	while (n < wanted && n < BOXES_MAX) {
		bool same = bytes_len(in) && in.begin[0] & BOX_SAME_ORDER;

		if (!take_box(&in, ipv6, order + (n && !same), &boxes[n]))
			break;
		order = boxes[n++].order;
	}
	m = match_new(boxes, n, ipv6);
	BUG_ON(!m);
	BUG_ON(match_longest(m) > n);
	for (int i = 0; i < POINTS_MAX && take_point(&in, ipv6, &p, names); i++)
		check_point(m, boxes, n, &p, &order);
	match_free(m);
	return 0;
}
