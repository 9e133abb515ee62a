/*
 * NTP (RFC 5905). A client's packet is nearly nothing but zeros and its clock,
 * or fields that may be anything; then the server's tells, which repeats the
 * clock's 64 bits. Beside these: what ntpq and ntpdc ask, with which servers
 * are misused to flood others.
 */
#include "proto/ntp.h"

#define PACKET_BYTES   48
#define EXTENSION_MOD  4 /* what follows them: extensions, a digest */
#define MODE(first)    ((first)&7)
#define VERSION(first) ((first) >> 3 & 7)
#define MODE_ACTIVE    1
#define MODE_CLIENT    3
#define MODE_SERVER    4
#define MODE_CONTROL   6
#define MODE_PRIVATE   7
#define CONTROL_BYTES  12
#define PRIVATE_BYTES  8
#define STRATUM_MAX    16
#define SHORT_MAX      0x00100000u /* delay, dispersion: 16 s */

struct ntp {
	uint8_t first, stratum;
	uint32_t delay, dispersion;
	uint64_t reference, origin, receive, transmit;
};

static bool take_clock(struct bytes *b, uint64_t *ret)
{
	uint32_t high, low;

	if (!take_be32(b, &high) || !take_be32(b, &low))
		return false;
	*ret = (uint64_t)high << 32 | low;
	return true;
}

static bool take_packet(struct bytes b, struct ntp *n)
{
	if (bytes_len(b) < PACKET_BYTES ||
	    (bytes_len(b) - PACKET_BYTES) % EXTENSION_MOD)
		return false;
	return take_u8(&b, &n->first) && take_u8(&b, &n->stratum) &&
	       take_skip(&b, 2) && take_be32(&b, &n->delay) &&
	       take_be32(&b, &n->dispersion) && take_skip(&b, 4) &&
	       take_clock(&b, &n->reference) && take_clock(&b, &n->origin) &&
	       take_clock(&b, &n->receive) && take_clock(&b, &n->transmit);
}

/* Of eight or twelve bytes, most of which must be 0. */
static bool is_question(struct bytes b)
{
	size_t len = bytes_len(b);
	uint8_t first, auth, impl, request;
	uint32_t rest, last = 0;

	if (!take_u8(&b, &first) || !take_u8(&b, &auth) ||
	    !take_u8(&b, &impl) || !take_u8(&b, &request) ||
	    !take_be32(&b, &rest) || VERSION(first) < 2 || VERSION(first) > 4)
		return false;
	if (MODE(first) == MODE_CONTROL && len >= CONTROL_BYTES)
		/* operation, sequence, status; association, offset, count */
		return auth > 0 && auth <= 31 && rest >> 16 == 0 &&
		       take_be32(&b, &last) && last >> 16 == 0 &&
		       (last ? len > CONTROL_BYTES : len == CONTROL_BYTES);
	return MODE(first) == MODE_PRIVATE && len >= PRIVATE_BYTES &&
	       auth == 0 && (impl == 2 || impl == 3) && rest == 0;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes client = o->said[PROTO_CLIENT];
	struct ntp asks, answers;
	uint8_t mode;

	if (is_question(client))
		return PROTO_YES;
	if (!take_packet(client, &asks) || VERSION(asks.first) < 1 ||
	    VERSION(asks.first) > 4 || asks.stratum > STRATUM_MAX ||
	    asks.delay > SHORT_MAX || asks.dispersion > SHORT_MAX)
		return PROTO_NO;
	mode = MODE(asks.first);
	if ((mode != MODE_CLIENT && mode != MODE_ACTIVE) || !asks.transmit)
		return PROTO_NO;
	if (!(asks.stratum | asks.reference | asks.origin | asks.receive))
		return PROTO_YES;
	if (bytes_len(o->said[PROTO_SERVER]) == 0)
		return PROTO_MAYBE;
	return take_packet(o->said[PROTO_SERVER], &answers) &&
			       answers.origin == asks.transmit
		       ? PROTO_YES
		       : PROTO_NO;
}

const struct proto_parser proto_ntp = {
	.name = "ntp",
	.app = APP_NTP,
	.udp = true,
	.recognise = recognise,
};
