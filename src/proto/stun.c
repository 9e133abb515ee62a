/*
 * STUN (RFC 8489), which TURN and ICE are made of: two bits 0, a type, a length
 * of whole words, and 32 fixed bits. Datagrams are one message; so is what a
 * TCP connection begins with.
 */
#include "proto/stun.h"

#define COOKIE	     0x2112a442u
#define HEADER_BYTES 20
#define TYPE_BITS    0x3fff

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[o->first];
	size_t have = bytes_len(b);
	uint16_t type, len;
	uint32_t cookie;

	if (!take_be16(&b, &type))
		return PROTO_MAYBE;
	if (type > TYPE_BITS)
		return PROTO_NO;
	if (!take_be16(&b, &len) || !take_be32(&b, &cookie))
		return o->udp ? PROTO_NO : PROTO_MAYBE;
	if (len % 4 || cookie != COOKIE)
		return PROTO_NO;
	return !o->udp || o->cut[o->first] || have == (size_t)HEADER_BYTES + len
		       ? PROTO_YES
		       : PROTO_NO;
}

const struct proto_parser proto_stun = {
	.name = "stun",
	.app = APP_STUN,
	.tcp = true,
	.udp = true,
	.recognise = recognise,
};
