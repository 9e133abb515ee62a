#include "base/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

bool ip_is_any(struct ip_addr a)
{
	static const struct ip_addr any6;

	return ip_is_v4(a) ? ip_to_v4(a) == 0 : ip_equal(a, any6);
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

/* Decimal, no sign, no leading zero, at most `max`; -1: not that. */
static int parse_prefix(const char *text, int max)
{
	int n = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -1;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return -1;
		n = n * 10 + (*text - '0');
		if (n > max)
			return -1;
	}
	return n;
}

/* Is nothing but 0 behind the prefix? */
static bool is_masked(struct ip_net net)
{
	for (unsigned i = net.prefix_bits; i < 128; i++)
		if (net.ip.b[i / 8] & (0x80 >> i % 8))
			return false;
	return true;
}

int ip_net_parse(const char *text, struct ip_net *ret)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct ip_net net = { .prefix_bits = 128 };
	char ip[IP_TEXT_MAX];
	int bits;

	if (len >= sizeof ip)
		return -EINVAL;
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (ip_parse(ip, &net.ip) < 0)
		return -EINVAL;
	if (slash) {
		/* how it is written decides, as ::ffff:0:0/96 has no other */
		bool v4 = !strchr(ip, ':');

		bits = parse_prefix(slash + 1, v4 ? 32 : 128);
		if (bits < 0)
			return -EINVAL;
		net.prefix_bits = (uint8_t)(v4 ? 96 + bits : bits);
	}
	if (!is_masked(net))
		return -EINVAL;
	*ret = net;
	return 0;
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

const char *ip_net_format(struct ip_net net, char buf[static IP_NET_TEXT_MAX])
{
	bool v4 = ip_is_v4(net.ip) && net.prefix_bits >= 96;
	size_t len;

	(void)ip_format(net.ip, buf);
	len = strlen(buf);
	if (net.prefix_bits < 128)
		(void)snprintf(buf + len, IP_NET_TEXT_MAX - len, "/%u",
			       net.prefix_bits - (v4 ? 96u : 0u));
	return buf;
}
