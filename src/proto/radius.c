/*
 * RADIUS (RFC 2865, 2866, 5176): a code, an identifier, a length that is the
 * datagram's, 16 bytes of authenticator, and attributes that fill the rest. Of one
 * that is longer than what is looked at, length and end are not seen, and what is
 * left is often so at random: its port must be one of those that are set aside.
 */
#include "proto/radius.h"

#define HEADER_BYTES 20
#define LENGTH_MAX   4096
#define TYPE_MAX     246 /* RFC 6929 */
#define ATTRIBUTE    2	 /* type, length */

static bool is_code(uint8_t code)
{
	return (code >= 1 && code <= 5) || (code >= 11 && code <= 13) ||
	       (code >= 40 && code <= 45);
}

static bool is_port(uint16_t port)
{
	return port == 1812 || port == 1813 || port == 3799 || port == 1645 ||
	       port == 1646;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[o->first];
	bool cut = o->cut[o->first];
	size_t have = bytes_len(b);
	uint8_t code, id, type, n;
	uint16_t len;
	unsigned attributes = 0;

	if (!take_u8(&b, &code) || !take_u8(&b, &id) || !take_be16(&b, &len) ||
	    !is_code(code) || len > LENGTH_MAX ||
	    (cut ? len <= have || !is_port(o->server_port) : len != have) ||
	    !take_skip(&b, HEADER_BYTES - 4))
		return PROTO_NO;
	while (take_u8(&b, &type) && take_u8(&b, &n)) {
		if (type == 0 || type > TYPE_MAX || n <= ATTRIBUTE)
			return PROTO_NO;
		if (!take_skip(&b, n - (size_t)ATTRIBUTE))
			return cut ? PROTO_YES : PROTO_NO;
		attributes++;
	}
	return attributes > 0 && (cut || bytes_len(b) == 0) ? PROTO_YES
							    : PROTO_NO;
}

const struct proto_parser proto_radius = {
	.name = "radius",
	.app = APP_RADIUS,
	.udp = true,
	.recognise = recognise,
};
