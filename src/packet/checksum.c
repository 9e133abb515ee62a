/*
 * Of the kinds of frame (enum frame_csum_state) only those to be looked at cost
 * a reading of the whole packet: from a packet socket of the workload, a wire
 * without offloads, or a capture. What containers send to each other is
 * unfilled, and what comes from a network card is mostly known to be valid.
 *
 * An unfilled checksum field holds the sum of the pseudo header. Filling it in
 * makes the words from its start to the frame's end sum up to the complement
 * of what the field held, whatever stands there. So
 *
 *   |<- summed as it is ->|<- will be ~held ------------------>|
 *   L4 begins             start     start + offset: held       end
 *
 * tells what a checksum around it will be, too ("local checksum offload"), and
 * for the packet's own one, where both begin at the same place, costs nothing.
 * In a frame that will be cut into segments what is held depends on who cuts
 * it, so only the place is looked at.
 *
 * start and offset come from the sender, which can be a workload with a packet
 * socket: they are believed only if they name the packet's own field, or a
 * place in the packet that it carries (protocols that tunnels are made of).
 * Else filling in would change what was inspected.
 *
 * Words are added as they stand in memory, four bytes at a time: a one's
 * complement sum does not care about byte order until the end (RFC 1071 2B).
 */
#include "packet/checksum.h"

#include "base/crc32c.h"
#include "packet/decode.h"

#define TCP_CSUM_OFF  16
#define UDP_CSUM_OFF  6
#define SCTP_CSUM_OFF 8

/* --- sums ---------------------------------------------------------------- */

static uint32_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

uint32_t checksum_add(uint32_t sum, struct bytes b)
{
	uint64_t low = 0, high = 0, w[4], word;
	uint8_t raw[2], last;
	uint16_t folded;

	while (take_copy(&b, w, sizeof w)) {
		low += (uint32_t)w[0];
		high += w[0] >> 32;
		low += (uint32_t)w[1];
		high += w[1] >> 32;
		low += (uint32_t)w[2];
		high += w[2] >> 32;
		low += (uint32_t)w[3];
		high += w[3] >> 32;
	}
	while (take_copy(&b, &word, sizeof word)) {
		low += (uint32_t)word;
		high += word >> 32;
	}
	while (take_copy(&b, &folded, sizeof folded))
		low += folded;
	if (take_u8(&b, &last)) {
		memcpy(&folded, (uint8_t[2]){ last, 0 }, sizeof folded);
		low += folded;
	}
	folded = (uint16_t)fold(low + high);
	memcpy(raw, &folded, sizeof raw);
	return sum + ((uint32_t)raw[0] << 8 | raw[1]);
}

uint16_t checksum_fold(uint32_t sum)
{
	return (uint16_t)~fold(sum);
}

uint32_t checksum_pseudo(struct ip_addr saddr, struct ip_addr daddr,
			 uint8_t proto, uint32_t l4_len)
{
	/* The prefix of a mapped IPv4 address is 0xffff, which adds nothing. */
	uint32_t sum = checksum_add(proto, bytes_of(saddr.b, 16));

	return checksum_add(sum, bytes_of(daddr.b, 16)) + (l4_len >> 16) +
	       (l4_len & 0xffff);
}

/* [off, off + len) of what was captured; false: not all of it was. */
static bool part_of(const struct frame *f, size_t off, size_t len,
		    struct bytes *ret)
{
	struct bytes b = f->bytes;

	return take_skip(&b, off) && take_bytes(&b, len, ret);
}

bool checksum_will_be(const struct frame *f, size_t off, size_t len,
		      uint32_t *ret_sum)
{
	const struct frame_csum *c = &f->csum;
	struct bytes as_is, filled;
	uint16_t held;

	if (c->state != FRAME_CSUM_UNFILLED) {
		if (!part_of(f, off, len, &as_is))
			return false;
		*ret_sum = checksum_add(0, as_is);
		return true;
	}
	/* At odd distances the words would not be the same ones. */
	if (c->start < off || (c->start - off) % 2 != 0 || c->offset % 2 != 0 ||
	    c->start - off > len || !part_of(f, off, c->start - off, &as_is) ||
	    !part_of(f, c->start, len - (c->start - off), &filled) ||
	    !take_skip(&filled, c->offset) || !take_be16(&filled, &held))
		return false;
	*ret_sum = checksum_add(0, as_is) + (uint16_t)~held;
	return true;
}

/* --- verdicts ------------------------------------------------------------ */

/* A header without options, which nearly all are. */
static bool ip4_short_header_ok(struct bytes b)
{
	uint64_t w[2], sum;
	uint32_t last;

	if (!take_copy(&b, w, sizeof w) || !take_copy(&b, &last, sizeof last))
		return false;
	sum = (uint32_t)w[0] + (w[0] >> 32) + (uint32_t)w[1] + (w[1] >> 32) +
	      last;
	return fold(sum) == UINT16_MAX;
}

static bool ip4_header_ok(const struct packet *p)
{
	struct bytes header;

	if (p->l4_off - p->l3_off == IP4_HEADER_MIN)
		return part_of(&p->frame, p->l3_off, IP4_HEADER_MIN, &header) &&
		       ip4_short_header_ok(header);
	return part_of(&p->frame, p->l3_off, (size_t)(p->l4_off - p->l3_off),
		       &header) &&
	       checksum_fold(checksum_add(0, header)) == 0;
}

/*
 * Where the checksum stands behind l4_off, if it can be offloaded; -1: none.
 * Linux offloads SCTP's, too, but a virtio_net_hdr has no word for that, so
 * the ring has filled it in.
 */
static int own_field(const struct packet *p)
{
	switch (p->proto) {
	case PROTO_TCP: return TCP_CSUM_OFF;
	case PROTO_UDP: return UDP_CSUM_OFF;
	default: return -1;
	}
}

/* May a packet with an unfilled checksum of its own stand in p's payload? */
static bool can_carry(const struct packet *p)
{
	return p->proto == PROTO_UDP || p->proto == PROTO_GRE ||
	       p->proto == PROTO_IPIP || p->proto == PROTO_IP6;
}

/* Padding is summed up by who fills in, but not by who checks. */
static bool padding_is_zero(const struct packet *p)
{
	struct bytes padding = { p->payload.end, p->frame.bytes.end };
	uint8_t byte;

	while (take_u8(&padding, &byte))
		if (byte != 0)
			return false;
	return true;
}

static bool unfilled_place_ok(const struct packet *p)
{
	const struct frame_csum *c = &p->frame.csum;

	if (p->is_fragment || !padding_is_zero(p))
		return false;
	if (c->start == p->l4_off)
		return c->offset == own_field(p);
	/* An IP header at least comes before it. */
	return c->start >= p->l4_off + IP4_HEADER_MIN && can_carry(p);
}

/* Does p have a field of its own, and v in it? */
static bool own_field_is(const struct packet *p, uint16_t v)
{
	int field_off = own_field(p);
	struct bytes field;
	uint16_t held;

	return field_off >= 0 &&
	       part_of(&p->frame, (size_t)p->l4_off + (size_t)field_off, 2,
		       &field) &&
	       take_be16(&field, &held) && held == v;
}

/* Did the sender do without? RFC 768; in IPv6 RFC 6935. */
static bool udp_has_none(const struct packet *p)
{
	bool unfilled = p->frame.csum.state == FRAME_CSUM_UNFILLED &&
			p->frame.csum.start == p->l4_off;

	return p->proto == PROTO_UDP && !unfilled && own_field_is(p, 0);
}

static enum packet_csum check_sum(const struct packet *p)
{
	/* A UDP datagram can be shorter than the IP packet it is in. */
	uint32_t len = p->proto == PROTO_UDP ? UDP_HEADER + p->payload_len
					     : p->l4_len;
	uint32_t sum = 0, pseudo = 0;

	if (udp_has_none(p))
		return p->ip_version == 4 ? PACKET_CSUM_OK
					  : PACKET_CSUM_NOT_CHECKED;
	/* ICMP's covers no addresses, RFC 792. */
	if (p->proto != PROTO_ICMP)
		pseudo = checksum_pseudo(p->saddr, p->daddr, p->proto, len);
	if (p->frame.csum.state == FRAME_CSUM_CAPTURED &&
	    own_field_is(p, (uint16_t)~checksum_fold(pseudo)))
		return PACKET_CSUM_OK; /* will be, once it is filled in */
	if (!checksum_will_be(&p->frame, p->l4_off, len, &sum))
		return p->frame.csum.state == FRAME_CSUM_UNFILLED
			       ? PACKET_CSUM_BAD_L4
			       : PACKET_CSUM_NOT_CHECKED;
	return checksum_fold(sum + pseudo) == 0 ? PACKET_CSUM_OK
						: PACKET_CSUM_BAD_L4;
}

/* RFC 9260 6.8: with zeros in its own place, least significant byte first. */
static enum packet_csum check_sctp(const struct packet *p)
{
	static const uint8_t zeros[4];
	struct bytes at, ports_and_tag, field;
	uint32_t crc, held;

	if (!part_of(&p->frame, p->l4_off, p->l4_len, &at) ||
	    !take_bytes(&at, SCTP_CSUM_OFF, &ports_and_tag) ||
	    !take_bytes(&at, 4, &field) || !take_be32(&field, &held))
		return PACKET_CSUM_NOT_CHECKED;
	if (p->frame.csum.state == FRAME_CSUM_CAPTURED && held == 0)
		return PACKET_CSUM_NOT_CHECKED; /* unfilled */
	crc = crc32c_add(CRC32C_START, ports_and_tag);
	crc = crc32c_add(crc, bytes_of(zeros, sizeof zeros));
	crc = crc32c_end(crc32c_add(crc, at));
	return __builtin_bswap32(crc) == held ? PACKET_CSUM_OK
					      : PACKET_CSUM_BAD_L4;
}

static enum packet_csum check_l4(const struct packet *p)
{
	switch (p->proto) {
	case PROTO_TCP:
	case PROTO_UDP:
	case PROTO_ICMP:
	case PROTO_ICMPV6: return check_sum(p);
	case PROTO_SCTP: return check_sctp(p);
	default: return PACKET_CSUM_NOT_CHECKED;
	}
}

enum packet_csum packet_checksums(const struct packet *p)
{
	const struct frame_csum *c = &p->frame.csum;

	if (p->ip_version == 4 && !ip4_header_ok(p))
		return PACKET_CSUM_BAD_IP;
	if (c->state == FRAME_CSUM_VALID)
		return PACKET_CSUM_OK;
	if (c->state == FRAME_CSUM_UNFILLED && !unfilled_place_ok(p))
		return PACKET_CSUM_BAD_L4;
	if (p->is_fragment)
		return PACKET_CSUM_NOT_CHECKED;
	/* See above: what is held depends on who cuts it. */
	if (c->state == FRAME_CSUM_UNFILLED && c->segments)
		return c->start == p->l4_off ? PACKET_CSUM_OK
					     : PACKET_CSUM_NOT_CHECKED;
	return check_l4(p);
}

const char *packet_csum_name(enum packet_csum c)
{
	static const char *const names[] = {
		[PACKET_CSUM_OK] = "ok",
		[PACKET_CSUM_BAD_IP] = "bad ip",
		[PACKET_CSUM_BAD_L4] = "bad l4",
		[PACKET_CSUM_NOT_CHECKED] = "not checked",
	};

	_Static_assert(sizeof names / sizeof names[0] == PACKET_CSUM__MAX,
		       "one name each");
	return (unsigned)c < PACKET_CSUM__MAX ? names[c] : "?";
}
