/*
 * DHCP (RFC 2131) is BOOTP's message with four fixed bytes behind it; DHCPv6
 * (RFC 8415) a type, a transaction and options that fill the datagram, one of
 * which says who asks.
 */
#include "proto/dhcp.h"

#define MAGIC	       0x63825363u
#define MAGIC_AT       236
#define HARDWARE_BYTES 16 /* room for an address */
#define HOPS_MAX       16

#define V6_TYPE_MAX   11 /* information-request */
#define V6_CLIENT     1	 /* an option, DUID */
#define V6_DUID_TYPES 4
#define V6_OPTION_MAX 160

static bool is_v4(struct bytes b)
{
	uint8_t op, hardware, len, hops;
	uint32_t magic;

	return take_u8(&b, &op) && take_u8(&b, &hardware) &&
	       take_u8(&b, &len) && take_u8(&b, &hops) &&
	       take_skip(&b, MAGIC_AT - 4) && take_be32(&b, &magic) &&
	       magic == MAGIC && (op == 1 || op == 2) &&
	       len <= HARDWARE_BYTES && hops <= HOPS_MAX;
}

static bool is_v6(struct bytes b)
{
	uint16_t option, len, duid;
	bool client = false;
	struct bytes value;
	uint8_t type;

	if (!take_u8(&b, &type) || type == 0 || type > V6_TYPE_MAX ||
	    !take_skip(&b, 3))
		return false;
	while (bytes_len(b) > 0) {
		if (!take_be16(&b, &option) || option > V6_OPTION_MAX ||
		    !take_be16(&b, &len) || !take_bytes(&b, len, &value))
			return false;
		if (option == V6_CLIENT)
			client = take_be16(&value, &duid) && duid > 0 &&
				 duid <= V6_DUID_TYPES;
	}
	return client;
}

/* Each side's first datagram tells; a server may answer elsewhere. */
static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[o->first];

	return is_v4(b) || (!o->cut[o->first] && is_v6(b)) ? PROTO_YES
							   : PROTO_NO;
}

const struct proto_parser proto_dhcp = {
	.name = "dhcp",
	.app = APP_DHCP,
	.udp = true,
	.recognise = recognise,
};
