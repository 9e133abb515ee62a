#include "base/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0,    0,
					   0, 0, 0, 0, 0xff, 0xff };

struct ip_addr ip_from_v4(uint32_t host_order)
{
	struct ip_addr a;
	struct outbytes out = outbytes_of(a.b, sizeof a.b);

	put_copy(&out, mapped_prefix, sizeof mapped_prefix);
	put_be32(&out, host_order);
	return a;
}

bool ip_is_v4(struct ip_addr a)
{
	return memcmp(a.b, mapped_prefix, sizeof mapped_prefix) == 0;
}

uint32_t ip_to_v4(struct ip_addr a)
{
	return (uint32_t)a.b[12] << 24 | (uint32_t)a.b[13] << 16 |
	       (uint32_t)a.b[14] << 8 | a.b[15];
}

bool take_ip4(struct bytes *b, struct ip_addr *ret)
{
	uint32_t v4;

	if (!take_be32(b, &v4))
		return false;
	*ret = ip_from_v4(v4);
	return true;
}

bool take_ip6(struct bytes *b, struct ip_addr *ret)
{
	return take_copy(b, ret->b, sizeof ret->b);
}

bool ip_is_any(struct ip_addr a)
{
	static const struct ip_addr any6;

	return ip_is_v4(a) ? ip_to_v4(a) == 0 : ip_equal(a, any6);
}

bool ip_is_multicast(struct ip_addr a)
{
	if (!ip_is_v4(a))
		return a.b[0] == 0xff;
	return (a.b[12] & 0xf0) == 0xe0 || ip_to_v4(a) == 0xffffffff;
}

bool ip_is_loopback(struct ip_addr a)
{
	static const struct ip_addr one6 = { { [15] = 1 } };

	return ip_is_v4(a) ? a.b[12] == 127 : ip_equal(a, one6);
}

bool ip_is_link_local(struct ip_addr a)
{
	if (ip_is_v4(a))
		return a.b[12] == 169 && a.b[13] == 254;
	return a.b[0] == 0xfe && (a.b[1] & 0xc0) == 0x80;
}

bool ip_in_prefix(struct ip_addr a, struct ip_addr net, unsigned prefix_bits)
{
	unsigned whole = prefix_bits / 8, rest = prefix_bits % 8;

	if (memcmp(a.b, net.b, whole) != 0)
		return false;
	return rest == 0 || ((a.b[whole] ^ net.b[whole]) >> (8 - rest)) == 0;
}

int mac_parse(const char *text, struct mac *ret)
{
	struct mac m;

	for (int i = 0; i < 6; i++) {
		char pair[3] = { text[0], text[0] ? text[1] : '\0', '\0' };

		if (!isxdigit((unsigned char)pair[0]) ||
		    !isxdigit((unsigned char)pair[1]))
			return -EINVAL;
		if (text[2] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		m.b[i] = (uint8_t)strtoul(pair, NULL, 16);
		text += 3;
	}
	*ret = m;
	return 0;
}

int ip_parse(const char *text, struct ip_addr *ret)
{
	struct in_addr v4;
	struct ip_addr v6;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*ret = ip_from_v4(ntohl(v4.s_addr));
		return 0;
	}
	if (inet_pton(AF_INET6, text, v6.b) == 1) {
		*ret = v6;
		return 0;
	}
	return -EINVAL;
}

const char *mac_format(struct mac a, char buf[static MAC_TEXT_MAX])
{
	/* Fits by construction. */
	(void)snprintf(buf, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x",
		       a.b[0], a.b[1], a.b[2], a.b[3], a.b[4], a.b[5]);
	return buf;
}

const char *ip_format(struct ip_addr a, char buf[static IP_TEXT_MAX])
{
	if (ip_is_v4(a))
		/* Both fit: the buffer has INET6_ADDRSTRLEN bytes. */
		(void)inet_ntop(AF_INET, a.b + 12, buf, IP_TEXT_MAX);
	else
		(void)inet_ntop(AF_INET6, a.b, buf, IP_TEXT_MAX);
	return buf;
}
