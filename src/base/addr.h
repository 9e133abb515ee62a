/*
 * Addresses: MAC, and one IP type for both families.
 *
 * An IPv4 address is kept as the IPv4-mapped IPv6 address ::ffff:a.b.c.d
 * (RFC 4291 2.5.5.2), so tables, ranges and comparisons know one 128-bit type.
 * Comparing bytes is comparing addresses; "::ffff:0:0/96 on an IPv6 wire"
 * cannot be confused with IPv4 because decode refuses it (RFC 4942 2.2).
 */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

struct mac {
	uint8_t b[6];
};

struct ip_addr {
	uint8_t b[16]; /* network order; IPv4 as ::ffff:a.b.c.d */
};

/* A network, or one address. */
struct ip_net {
	struct ip_addr ip;
	uint8_t prefix_bits; /* 0..128, of the 128-bit form */
};

#define MAC_TEXT_MAX	18 /* "aa:bb:cc:dd:ee:ff" and NUL */
#define IP_TEXT_MAX	46 /* INET6_ADDRSTRLEN */
#define IP_NET_TEXT_MAX (IP_TEXT_MAX + 4)

static inline bool mac_equal(struct mac a, struct mac b)
{
	return memcmp(a.b, b.b, 6) == 0;
}

static inline bool mac_is_zero(struct mac a)
{
	return mac_equal(a, (struct mac){ { 0 } });
}

/* Multicast and broadcast: the group bit, IEEE 802.3 3.2.3. */
static inline bool mac_is_group(struct mac a)
{
	return a.b[0] & 1;
}

static inline bool take_mac(struct bytes *b, struct mac *ret)
{
	return take_copy(b, ret->b, 6);
}

static inline int ip_compare(struct ip_addr a, struct ip_addr b)
{
	return memcmp(a.b, b.b, 16);
}

static inline bool ip_equal(struct ip_addr a, struct ip_addr b)
{
	return ip_compare(a, b) == 0;
}

/* In the header, as what else is asked of each frame. */
#define IP_MAPPED_PREFIX                                 \
	{                                                \
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff \
	}

static inline struct ip_addr ip_from_v4(uint32_t host_order)
{
	struct ip_addr a = { IP_MAPPED_PREFIX };
	uint32_t be = htobe32(host_order);

	memcpy(a.b + 12, &be, sizeof be);
	return a;
}

static inline bool ip_is_v4(struct ip_addr a)
{
	static const uint8_t mapped_prefix[12] = IP_MAPPED_PREFIX;

	return memcmp(a.b, mapped_prefix, sizeof mapped_prefix) == 0;
}

/* Only for an address with ip_is_v4(); host order. */
static inline uint32_t ip_to_v4(struct ip_addr a)
{
	uint32_t be;

	memcpy(&be, a.b + 12, sizeof be);
	return be32toh(be);
}

/* Both families, in the 128-bit form. */
static inline unsigned __int128 ip_to_u128(struct ip_addr a)
{
	uint64_t high, low;

	memcpy(&high, a.b, sizeof high);
	memcpy(&low, a.b + sizeof high, sizeof low);
	return (unsigned __int128)be64toh(high) << 64 | be64toh(low);
}

static inline struct ip_addr ip_from_u128(unsigned __int128 v)
{
	uint64_t high = htobe64((uint64_t)(v >> 64));
	uint64_t low = htobe64((uint64_t)v);
	struct ip_addr a;

	memcpy(a.b, &high, sizeof high);
	memcpy(a.b + sizeof high, &low, sizeof low);
	return a;
}

static inline bool take_ip4(struct bytes *b, struct ip_addr *ret)
{
	uint32_t v4;

	if (!take_be32(b, &v4))
		return false;
	*ret = ip_from_v4(v4);
	return true;
}

static inline bool take_ip6(struct bytes *b, struct ip_addr *ret)
{
	return take_copy(b, ret->b, sizeof ret->b);
}

/* 0.0.0.0 or ::, the reference's word for "any". */
bool ip_is_any(struct ip_addr a);
/* 224/4, 255.255.255.255, ff00::/8. */
static inline bool ip_is_multicast(struct ip_addr a)
{
	if (!ip_is_v4(a))
		return a.b[0] == 0xff;
	return (a.b[12] & 0xf0) == 0xe0 || ip_to_v4(a) == UINT32_MAX;
}

/* 127/8, ::1. */
bool ip_is_loopback(struct ip_addr a);
/* 169.254/16, fe80::/10. */
bool ip_is_link_local(struct ip_addr a);
/* The first prefix_bits (0..128, of the 128-bit form) of both are equal. */
bool ip_in_prefix(struct ip_addr a, struct ip_addr net, unsigned prefix_bits);

/*
 * Text to address: exactly one address, nothing before or behind it. 0, or
 * -EINVAL with *ret untouched. MAC: six pairs of hex digits with ':' between.
 */
int mac_parse(const char *text, struct mac *ret);
int ip_parse(const char *text, struct ip_addr *ret);
/*
 * "10.0.0.0/8", "fd00::/8", or an address alone. Also -EINVAL: bits behind the
 * prefix are set.
 */
int ip_net_parse(const char *text, struct ip_net *ret);

/* Address to text, always NUL-terminated; returns buf. */
const char *mac_format(struct mac a, char buf[static MAC_TEXT_MAX]);
const char *ip_format(struct ip_addr a, char buf[static IP_TEXT_MAX]);
/* An IPv4 network with its IPv4 prefix; without one if it is one address. */
const char *ip_net_format(struct ip_net net, char buf[static IP_NET_TEXT_MAX]);
