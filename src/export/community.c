/*
 *   SHA-1( seed | src | dst | proto | 0 | sport | dport ), the ends in order: the
 *   lesser address, then the lesser port, is first.
 *
 * A type of ICMP that has a counterpart (echo and its reply, ...) has that one's
 * type as the other port, so both directions are alike; another one has its code,
 * and goes one way: its ends stay as they are.
 */
#include "export/community.h"

#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <string.h>

#define ICMP   1
#define ICMPV6 58

struct pair {
	uint8_t asks, answers;
};

static const struct pair icmp4[] = {
	{ 8, 0 }, { 13, 14 }, { 15, 16 }, { 10, 9 }, { 17, 18 },
};

static const struct pair icmp6[] = {
	{ 128, 129 }, { 133, 134 }, { 135, 136 },
	{ 130, 131 }, { 139, 140 }, { 144, 145 },
};

/* -1: it has none. */
static int counterpart(uint8_t type, const struct pair *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].asks == type)
			return list[i].answers;
		if (list[i].answers == type)
			return list[i].asks;
	}
	return -1;
}

/* true: it goes one way. */
static bool icmp_ports(uint8_t proto, uint16_t *type, uint16_t *code)
{
	int other = proto == ICMP ? counterpart((uint8_t)*type, icmp4,
						sizeof icmp4 / sizeof *icmp4)
				  : counterpart((uint8_t)*type, icmp6,
						sizeof icmp6 / sizeof *icmp6);

	if (other < 0)
		return true;
	*code = (uint16_t)other;
	return false;
}

static bool has_ports(uint8_t proto)
{
	return proto == 6 || proto == 17 || proto == 132 || proto == ICMP ||
	       proto == ICMPV6;
}

static size_t put_addr(uint8_t *to, struct ip_addr a)
{
	size_t skip = ip_is_v4(a) ? 12 : 0;

	memcpy(to, a.b + skip, sizeof a.b - skip);
	return sizeof a.b - skip;
}

void community_id(struct ip_addr src, struct ip_addr dst, uint16_t src_port,
		  uint16_t dst_port, uint8_t proto,
		  char ret[static COMMUNITY_TEXT_MAX])
{
	uint8_t in[2 + 16 + 16 + 2 + 4] = { 0 }, digest[SHA1_DIGEST_SIZE];
	bool one_way = false, swap;
	struct sha1_ctx sha;
	size_t n = 2; /* the seed */
	int order = ip_compare(src, dst);

	if (proto == ICMP || proto == ICMPV6)
		one_way = icmp_ports(proto, &src_port, &dst_port);
	swap = !one_way && (order > 0 || (order == 0 && src_port > dst_port));
	n += put_addr(in + n, swap ? dst : src);
	n += put_addr(in + n, swap ? src : dst);
	in[n] = proto;
	n += 2;
	if (has_ports(proto)) {
		uint16_t first = swap ? dst_port : src_port;
		uint16_t second = swap ? src_port : dst_port;

		in[n++] = (uint8_t)(first >> 8);
		in[n++] = (uint8_t)first;
		in[n++] = (uint8_t)(second >> 8);
		in[n++] = (uint8_t)second;
	}
	sha1_init(&sha);
	sha1_update(&sha, n, in);
	sha1_digest(&sha, sizeof digest, digest);
	memcpy(ret, "1:", 2);
	base64_encode_raw(ret + 2, sizeof digest, digest);
	ret[2 + BASE64_ENCODE_RAW_LENGTH(sizeof digest)] = '\0';
}
