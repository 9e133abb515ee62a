/*
 * TCP, UDP and SCTP.
 *
 * Options of TCP are read in every segment, not only for what they offer: a
 * length that leads out of the header, or that its kind cannot have, is what
 * one receiver skips and another stumbles over (the reference, 3.4, drops it
 * too). Where an option comes twice, the last one counts, as in Linux.
 *
 * SCTP has no lengths but those of its chunks, so all are walked. What must
 * stand alone in a packet (RFC 9260 6.10) is refused in company: a receiver
 * discards it, and who believed it here would see an association that is none.
 * The last chunk's padding may be missing; up to 3 bytes behind it are nobody's.
 */
#include "packet/decode.h"

#include "base/limits.h"

#define TCP_OPT_END	       0
#define TCP_OPT_NOP	       1
#define TCP_OPT_MSS	       2
#define TCP_OPT_WSCALE	       3
#define TCP_OPT_SACK_PERMITTED 4
#define TCP_OPT_SACK	       5
#define TCP_OPT_TIMESTAMPS     8
/* NOP NOP TIMESTAMPS of 10 bytes: RFC 7323 appendix A. */
#define TCP_TIMESTAMPS_ALIGNED 0x0101080a
#define TCP_WSCALE_MAX	       14 /* RFC 7323 2.3: a larger one means 14 */

#define SCTP_CHUNK_HEADER      4
#define SCTP_INIT	       1
#define SCTP_INIT_ACK	       2
#define SCTP_SHUTDOWN_COMPLETE 14

/* --- TCP --------------------------------------------------------------- */

#define SET(flags) (UINT64_C(1) << (flags))
#define CHRISTMAS  (TCP_PSH | TCP_URG | TCP_FIN | TCP_ACK | TCP_SYN)

/* The reference's list (3.4), one bit a set of flags. */
static const uint64_t illegal_flag_sets =
	SET(0) | SET(TCP_URG) | SET(TCP_FIN) | SET(TCP_PSH) |
	SET(TCP_PSH | TCP_FIN) | SET(TCP_PSH | TCP_URG) |
	SET(TCP_SYN | TCP_FIN) | SET(TCP_PSH | TCP_URG | TCP_FIN) |
	SET(CHRISTMAS) | SET(CHRISTMAS | TCP_RST);

static bool tcp_timestamps_ok(struct packet *p, struct bytes body)
{
	uint32_t value;

	if (bytes_len(body) != 8 || !take_be32(&body, &value))
		return false;
	p->tcp_has_timestamps = true;
	/* The clock has not started, but the connection has: reference 3.4. */
	return value != 0 || (p->tcp_flags & TCP_SYN) ||
	       !(p->tcp_flags & TCP_ACK);
}

static bool tcp_option_ok(struct packet *p, uint8_t kind, struct bytes body)
{
	bool is_syn = p->tcp_flags & TCP_SYN;
	size_t len = bytes_len(body);
	uint16_t mss;
	uint8_t shift;

	switch (kind) {
	case TCP_OPT_MSS:
		if (len != 2 || !take_be16(&body, &mss))
			return false;
		p->tcp_mss = is_syn ? mss : 0;
		return true;
	case TCP_OPT_WSCALE:
		if (len != 1 || !take_u8(&body, &shift))
			return false;
		p->tcp_has_wscale = is_syn;
		if (is_syn)
			p->tcp_wscale = shift < TCP_WSCALE_MAX ? shift
							       : TCP_WSCALE_MAX;
		return true;
	case TCP_OPT_SACK_PERMITTED: p->tcp_has_sack = is_syn; return len == 0;
	case TCP_OPT_SACK: return len > 0 && len % 8 == 0;
	case TCP_OPT_TIMESTAMPS: return tcp_timestamps_ok(p, body);
	default: return true;
	}
}

static bool tcp_options_ok(struct packet *p, struct bytes options)
{
	struct bytes whole = options, body;
	uint32_t first;
	uint8_t kind, len;

	/* What nearly every segment carries, and nothing else. */
	if (bytes_len(options) == 12 && take_be32(&options, &first) &&
	    first == TCP_TIMESTAMPS_ALIGNED)
		return tcp_timestamps_ok(p, options);
	options = whole;
	while (take_u8(&options, &kind) && kind != TCP_OPT_END) {
		if (kind == TCP_OPT_NOP)
			continue;
		if (!take_u8(&options, &len) || len < 2 ||
		    !take_bytes(&options, len - 2u, &body) ||
		    !tcp_option_ok(p, kind, body))
			return false;
	}
	return true;
}

static enum packet_outcome decode_tcp(struct packet *p, struct bytes *at)
{
	uint8_t data_off, flags;
	uint32_t header_len;
	struct bytes header, options;

	if (!take_bytes(at, TCP_HEADER_MIN, &header) ||
	    !take_be16(&header, &p->sport) || !take_be16(&header, &p->dport) ||
	    !take_be32(&header, &p->tcp_seq) ||
	    !take_be32(&header, &p->tcp_ack) || !take_u8(&header, &data_off) ||
	    !take_u8(&header, &flags) || !take_be16(&header, &p->tcp_window))
		return PACKET_L4_MALFORMED;
	header_len = (data_off >> 4) * 4u;
	if (header_len < TCP_HEADER_MIN)
		return PACKET_L4_MALFORMED;
	if (header_len > p->l4_len)
		return p->is_fragment ? PACKET_FRAG_TINY : PACKET_L4_MALFORMED;
	if (!take_bytes(at, header_len - TCP_HEADER_MIN, &options))
		return PACKET_L4_MALFORMED;
	p->payload_len = p->l4_len - header_len;
	p->tcp_flags = flags & 0x3f;
	if (illegal_flag_sets & SET(p->tcp_flags))
		return PACKET_TCP_FLAGS;
	return tcp_options_ok(p, options) ? PACKET_OK : PACKET_L4_MALFORMED;
}

/* --- UDP --------------------------------------------------------------- */

static enum packet_outcome decode_udp(struct packet *p, struct bytes *at)
{
	uint16_t len, checksum;

	if (!take_be16(at, &p->sport) || !take_be16(at, &p->dport) ||
	    !take_be16(at, &len) || !take_be16(at, &checksum) ||
	    len < UDP_HEADER)
		return PACKET_L4_MALFORMED;
	p->payload_len = p->l4_len - UDP_HEADER;
	/* A first fragment holds less than the whole datagram. */
	if (p->is_fragment)
		return PACKET_OK;
	if (len > p->l4_len)
		return PACKET_L4_MALFORMED;
	p->payload_len = len - (uint32_t)UDP_HEADER;
	crop(at, p->payload_len);
	return PACKET_OK;
}

/* --- SCTP -------------------------------------------------------------- */

/* RFC 9260 6.10, and 8.5.1: only an INIT has the tag 0, and it must. */
static bool sctp_chunk_ok(const struct packet *p, uint8_t type, bool alone)
{
	switch (type) {
	case SCTP_INIT: return alone && p->sctp_vtag == 0;
	case SCTP_INIT_ACK:
	case SCTP_SHUTDOWN_COMPLETE: return alone;
	default: return true;
	}
}

/* left: bytes of chunks on the wire, of which some may not be captured. */
static bool sctp_chunks_ok(const struct packet *p, struct bytes chunks,
			   uint32_t left)
{
	uint8_t type;
	uint16_t len;
	uint32_t padded;

	for (int n = 0; left >= SCTP_CHUNK_HEADER; n++) {
		if (n == SCTP_CHUNKS_MAX)
			return false;
		if (!take_u8(&chunks, &type) || !take_skip(&chunks, 1) ||
		    !take_be16(&chunks, &len))
			return true; /* the capture was cut */
		if (len < SCTP_CHUNK_HEADER || len > left)
			return false;
		padded = (len + 3u) & ~3u;
		left = padded < left ? left - padded : 0;
		if (!sctp_chunk_ok(p, type, n == 0 && left < SCTP_CHUNK_HEADER))
			return false;
		if (!take_skip(&chunks, padded - SCTP_CHUNK_HEADER))
			return true; /* as above, or unpadded at the end */
	}
	return true;
}

static enum packet_outcome decode_sctp(struct packet *p, struct bytes *at)
{
	struct bytes chunks;

	if (!take_be16(at, &p->sport) || !take_be16(at, &p->dport) ||
	    !take_be32(at, &p->sctp_vtag) || !take_skip(at, 4))
		return PACKET_L4_MALFORMED;
	p->payload_len = p->l4_len - SCTP_HEADER;
	chunks = *at;
	if (!take_u8(&chunks, &p->sctp_chunk))
		return PACKET_L4_MALFORMED;
	/* In a first fragment, chunks end somewhere else. */
	if (!p->is_fragment && !sctp_chunks_ok(p, *at, p->payload_len))
		return PACKET_L4_MALFORMED;
	return PACKET_OK;
}

/* --- all together ------------------------------------------------------ */

/* Of those that have ports or the like; 0: nothing is read of others. */
static uint32_t l4_header_min(uint8_t proto)
{
	switch (proto) {
	case PROTO_TCP: return TCP_HEADER_MIN;
	case PROTO_UDP: return UDP_HEADER;
	case PROTO_ICMP:
	case PROTO_ICMPV6: return ICMP_HEADER;
	case PROTO_SCTP: return SCTP_HEADER + SCTP_CHUNK_HEADER;
	default: return 0;
	}
}

enum packet_outcome decode_l4(struct packet *p, struct bytes *at)
{
	uint32_t header_min = l4_header_min(p->proto);

	p->payload_len = p->l4_len;
	/*
	 * A good first fragment holds at least the minimum, so a later one
	 * that begins before is over it (RFC 1858 3, RFC 3128).
	 */
	if (p->is_later)
		return p->frag_off < header_min ? PACKET_FRAG_TINY : PACKET_OK;
	if (p->l4_len < header_min)
		return p->is_fragment ? PACKET_FRAG_TINY : PACKET_L4_MALFORMED;
	switch (p->proto) {
	case PROTO_TCP: return decode_tcp(p, at);
	case PROTO_UDP: return decode_udp(p, at);
	case PROTO_SCTP: return decode_sctp(p, at);
	case PROTO_ICMP:
	case PROTO_ICMPV6: return decode_icmp(p, at);
	default: return PACKET_OK;
	}
}
