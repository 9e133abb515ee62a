/*
 * From bytes to a checked view, one layer after the other.
 *
 * Each layer takes its header from the front of one cursor and crops the
 * cursor's end to what the header says is its content. So Ethernet padding
 * behind an IP packet, and bytes behind a UDP datagram's own length, are never
 * payload. Lengths are compared with the wire, bytes with what was captured:
 * a header must be there whole, of the payload a snaplen may have left any
 * part.
 *
 * What is refused here is what two readers could understand differently, since
 * then policy would judge another packet than the workload receives: lengths
 * that disagree, IPv4-mapped addresses in IPv6, source routes with a way to go
 * (the destination is only the next stop), fragments that overlay the ports of
 * the first one. What no receiver acts on (TOS, checksums, IPv4 id) is let be.
 *
 * A third TPID, 0x9100, is seen through as a tag, though Linux would not: a
 * switch on the way may, and then the packet inside would pass unjudged.
 *
 * An IPv6 header chain:
 *
 *   IPv6 -> [hop-by-hop] -> {routing, destination, AH, fragment}* -> L4
 *
 * Hop-by-hop stands first or nowhere, a fragment header comes once. ESP, "no
 * next header", and the headers that nothing may follow (mobility, HIP, shim6)
 * end the chain as the packet's protocol. In a later fragment the chain ends
 * at the fragment header. The same walk reads the packet that an ICMPv6 error
 * quotes.
 */
#include "packet/packet.h"

#include "base/limits.h"

enum next_header {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_AUTH = 51,
	NEXT_DESTINATION = 60,
};

#define IP4_HEADER_MIN	20
#define IP4_OPT_END	0
#define IP4_OPT_NOP	1
#define IP4_OPT_LSRR	131
#define IP4_OPT_SSRR	137
#define IP4_FRAG_MORE	0x2000
#define IP4_FRAG_OFFSET 0x1fff
#define IP6_HEADER	40
#define IP6_FRAG_MORE	0x0001
#define IP6_FRAG_OFFSET 0xfff8
#define IP6_FRAG_HEADER 8
/* Both families count a datagram's length in 16 bits. */
#define DATAGRAM_MAX 65535

#define TCP_HEADER_MIN 20
#define TCP_OPT_END    0
#define TCP_OPT_NOP    1
#define TCP_OPT_WSCALE 3
#define TCP_WSCALE_MAX 14 /* RFC 7323 2.3: a larger one means 14 */
#define UDP_HEADER     8
#define ICMP_HEADER    8
#define SCTP_HEADER    12

/* How far the walk along a chain of IPv6 headers came. */
struct chain {
	uint8_t proto;
	bool is_fragment, is_later, more;
	uint16_t frag_off;
	uint32_t frag_id;
	const uint8_t
		*fragmentable; /* what stands behind the fragment header */
};

static void crop(struct bytes *b, size_t len)
{
	if (bytes_len(*b) > len)
		b->end = b->begin + len;
}

static uint16_t offset_of(const struct packet *p, const uint8_t *at)
{
	return (uint16_t)(at - p->frame.bytes.begin);
}

/* --- Ethernet ---------------------------------------------------------- */

static bool is_tag(uint16_t ethertype)
{
	return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ ||
	       ethertype == ETHERTYPE_Q9100;
}

static enum packet_outcome decode_ethernet(struct packet *p, struct bytes *at)
{
	uint16_t tci;

	if (!take_mac(at, &p->dst) || !take_mac(at, &p->src) ||
	    !take_be16(at, &p->ethertype))
		return PACKET_SHORT;
	while (is_tag(p->ethertype)) {
		if (p->n_tags == VLAN_TAGS_MAX)
			return PACKET_VLAN_DEPTH;
		if (!take_be16(at, &tci) || !take_be16(at, &p->ethertype))
			return PACKET_SHORT;
		p->vlans = p->vlans << 12 | (tci & 0xfff);
		p->n_tags++;
	}
	p->l3_off = offset_of(p, at->begin);
	return PACKET_OK;
}

/* --- IPv4 -------------------------------------------------------------- */

/* RFC 791 3.1; a source route at its end (pointer > length) is history. */
static bool ip4_options_ok(struct bytes options)
{
	uint8_t type, len, pointer;
	struct bytes body;

	while (take_u8(&options, &type) && type != IP4_OPT_END) {
		if (type == IP4_OPT_NOP)
			continue;
		if (!take_u8(&options, &len) || len < 2 ||
		    !take_bytes(&options, len - 2u, &body))
			return false;
		if (type != IP4_OPT_LSRR && type != IP4_OPT_SSRR)
			continue;
		if (!take_u8(&body, &pointer) || pointer <= len)
			return false;
	}
	return true;
}

/*
 * content_len bytes of a datagram that stand frag_off bytes behind its
 * beginning, before which come headers_len bytes of its first header.
 */
static bool fragment_ok(const struct packet *p, size_t headers_len,
			size_t content_len)
{
	if (headers_len + p->frag_off + content_len > DATAGRAM_MAX)
		return false;
	/* Only the last one may have any length but a multiple of 8. */
	if (p->more_fragments && content_len % 8 != 0)
		return false;
	return content_len > 0;
}

static bool ip4_fields_ok(const struct packet *p, size_t header_len,
			  uint16_t total_len, struct bytes options)
{
	if (total_len < header_len ||
	    p->l3_off + (size_t)total_len > p->frame.wire_len)
		return false;
	if (ip_is_multicast(p->saddr) || !ip4_options_ok(options))
		return false;
	return !p->is_fragment ||
	       fragment_ok(p, header_len, total_len - header_len);
}

static enum packet_outcome decode_ip4(struct packet *p, struct bytes *at)
{
	uint8_t version_ihl, tos;
	uint16_t total_len, id, frag, checksum;
	struct bytes options;
	size_t header_len;

	if (!take_u8(at, &version_ihl) || !take_u8(at, &tos) ||
	    !take_be16(at, &total_len) || !take_be16(at, &id) ||
	    !take_be16(at, &frag) || !take_u8(at, &p->ttl) ||
	    !take_u8(at, &p->proto) || !take_be16(at, &checksum) ||
	    !take_ip4(at, &p->saddr) || !take_ip4(at, &p->daddr))
		return PACKET_IP_MALFORMED;
	header_len = (size_t)(version_ihl & 0xf) * 4;
	if (version_ihl >> 4 != 4 || header_len < IP4_HEADER_MIN ||
	    !take_bytes(at, header_len - IP4_HEADER_MIN, &options))
		return PACKET_IP_MALFORMED;

	p->more_fragments = frag & IP4_FRAG_MORE;
	p->frag_off = (uint16_t)((frag & IP4_FRAG_OFFSET) * 8);
	p->is_later = p->frag_off > 0;
	p->is_fragment = p->more_fragments || p->is_later;
	p->frag_id = p->is_fragment ? id : 0;
	if (!ip4_fields_ok(p, header_len, total_len, options))
		return PACKET_IP_MALFORMED;
	p->ip_version = 4;
	p->l4_off = offset_of(p, at->begin);
	p->l4_len = (uint32_t)(total_len - header_len);
	crop(at, p->l4_len);
	return PACKET_OK;
}

/* --- IPv6 -------------------------------------------------------------- */

static bool is_extension(uint8_t next)
{
	return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING ||
	       next == NEXT_FRAGMENT || next == NEXT_AUTH ||
	       next == NEXT_DESTINATION;
}

static enum packet_outcome cut_short(const struct chain *c)
{
	/* RFC 7112: the first fragment holds the whole chain. */
	return c->is_fragment ? PACKET_FRAG_TINY : PACKET_EXT_MALFORMED;
}

static enum packet_outcome take_fragment(struct bytes *at, struct chain *c)
{
	uint8_t next, reserved;
	uint16_t off;

	if (c->fragmentable)
		return PACKET_EXT_MALFORMED;
	if (!take_u8(at, &next) || !take_u8(at, &reserved) ||
	    !take_be16(at, &off) || !take_be32(at, &c->frag_id))
		return PACKET_EXT_MALFORMED;
	c->proto = next;
	c->more = off & IP6_FRAG_MORE;
	c->frag_off = off & IP6_FRAG_OFFSET;
	c->is_later = c->frag_off > 0;
	c->is_fragment = c->more || c->is_later;
	c->fragmentable = at->begin;
	return PACKET_OK;
}

/* One header of the kind that c->proto says. */
static enum packet_outcome take_extension(struct bytes *at, struct chain *c)
{
	bool is_routing = c->proto == NEXT_ROUTING;
	uint8_t next, len, routing_type, segments_left;
	struct bytes body;
	size_t size;

	if (c->proto == NEXT_FRAGMENT)
		return take_fragment(at, c);
	if (!take_u8(at, &next) || !take_u8(at, &len))
		return cut_short(c);
	if (c->proto == NEXT_AUTH) {
		/* RFC 4302 2.2: counted in words, 12 bytes at least. */
		if (len < 1)
			return PACKET_EXT_MALFORMED;
		size = (size_t)(len + 2) * 4;
	} else {
		size = (size_t)(len + 1) * 8;
	}
	if (!take_bytes(at, size - 2, &body))
		return cut_short(c);
	/* RFC 5095: type 0 is dead, it let a packet visit anybody. */
	if (is_routing && take_u8(&body, &routing_type) &&
	    take_u8(&body, &segments_left) && routing_type == 0 &&
	    segments_left > 0)
		return PACKET_EXT_MALFORMED;
	c->proto = next;
	return PACKET_OK;
}

/* From c->proto on, which is the IPv6 header's next header, to the L4 one. */
static enum packet_outcome walk_chain(struct bytes *at, struct chain *c)
{
	enum packet_outcome outcome;

	for (int n = 0; is_extension(c->proto) && !c->is_later; n++) {
		if (n == IPV6_EXT_MAX || (c->proto == NEXT_HOP_BY_HOP && n > 0))
			return PACKET_EXT_MALFORMED;
		outcome = take_extension(at, c);
		if (outcome != PACKET_OK)
			return outcome;
	}
	return PACKET_OK;
}

/* A chain that was walked, in the packet's words; end_off: the packet's. */
static enum packet_outcome adopt_chain(struct packet *p, const struct chain *c,
				       const uint8_t *l4, size_t end_off)
{
	size_t fragmentable_off, headers_len;

	p->proto = c->proto;
	p->l4_off = offset_of(p, l4);
	p->l4_len = (uint32_t)(end_off - p->l4_off);
	if (!c->is_fragment)
		return PACKET_OK;
	p->is_fragment = true;
	p->is_later = c->is_later;
	p->more_fragments = c->more;
	p->frag_id = c->frag_id;
	p->frag_off = c->frag_off;
	/* The fixed header does not count in an IPv6 payload length. */
	fragmentable_off = offset_of(p, c->fragmentable);
	headers_len =
		fragmentable_off - p->l3_off - IP6_HEADER - IP6_FRAG_HEADER;
	if (!fragment_ok(p, headers_len, end_off - fragmentable_off))
		return PACKET_EXT_MALFORMED;
	return PACKET_OK;
}

static enum packet_outcome decode_ip6(struct packet *p, struct bytes *at)
{
	struct chain chain = { 0 };
	uint32_t version_class_flow;
	uint16_t payload_len;
	enum packet_outcome outcome;
	size_t end_off;

	if (!take_be32(at, &version_class_flow) ||
	    !take_be16(at, &payload_len) || !take_u8(at, &chain.proto) ||
	    !take_u8(at, &p->ttl) || !take_ip6(at, &p->saddr) ||
	    !take_ip6(at, &p->daddr))
		return PACKET_IP_MALFORMED;
	/* A jumbogram, whose length is 0 here, is no frame we carry. */
	end_off = (size_t)p->l3_off + IP6_HEADER + payload_len;
	if (version_class_flow >> 28 != 6 || end_off > p->frame.wire_len ||
	    ip_is_multicast(p->saddr) || ip_is_v4(p->saddr) ||
	    ip_is_v4(p->daddr))
		return PACKET_IP_MALFORMED;
	p->ip_version = 6;
	crop(at, payload_len);
	outcome = walk_chain(at, &chain);
	if (outcome != PACKET_OK)
		return outcome;
	return adopt_chain(p, &chain, at->begin, end_off);
}

/* --- L4 ---------------------------------------------------------------- */

#define SET(flags) (UINT64_C(1) << (flags))
#define CHRISTMAS  (TCP_PSH | TCP_URG | TCP_FIN | TCP_ACK | TCP_SYN)

/* The reference's list (3.4), one bit a set of flags. */
static const uint64_t illegal_flag_sets =
	SET(0) | SET(TCP_URG) | SET(TCP_FIN) | SET(TCP_PSH) |
	SET(TCP_PSH | TCP_FIN) | SET(TCP_PSH | TCP_URG) |
	SET(TCP_SYN | TCP_FIN) | SET(TCP_PSH | TCP_URG | TCP_FIN) |
	SET(CHRISTMAS) | SET(CHRISTMAS | TCP_RST);

/* Of those that have ports or the like; 0: nothing is read of others. */
static uint32_t l4_header_min(uint8_t proto)
{
	switch (proto) {
	case PROTO_TCP: return TCP_HEADER_MIN;
	case PROTO_UDP: return UDP_HEADER;
	case PROTO_ICMP:
	case PROTO_ICMPV6: return ICMP_HEADER;
	case PROTO_SCTP: return SCTP_HEADER;
	default: return 0;
	}
}

static bool tcp_syn_options_ok(struct packet *p, struct bytes options)
{
	uint8_t kind, len, shift;
	struct bytes body;

	while (take_u8(&options, &kind) && kind != TCP_OPT_END) {
		if (kind == TCP_OPT_NOP)
			continue;
		if (!take_u8(&options, &len) || len < 2 ||
		    !take_bytes(&options, len - 2u, &body))
			return false;
		if (kind != TCP_OPT_WSCALE)
			continue;
		if (len != 3 || !take_u8(&body, &shift))
			return false;
		p->tcp_has_wscale = true;
		p->tcp_wscale = shift < TCP_WSCALE_MAX ? shift : TCP_WSCALE_MAX;
	}
	return true;
}

static enum packet_outcome decode_tcp(struct packet *p, struct bytes *at)
{
	uint8_t data_off, flags;
	uint32_t checksum_urgent, header_len;
	struct bytes options;

	if (!take_be16(at, &p->sport) || !take_be16(at, &p->dport) ||
	    !take_be32(at, &p->tcp_seq) || !take_be32(at, &p->tcp_ack) ||
	    !take_u8(at, &data_off) || !take_u8(at, &flags) ||
	    !take_be16(at, &p->tcp_window) || !take_be32(at, &checksum_urgent))
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
	if ((p->tcp_flags & TCP_SYN) && !tcp_syn_options_ok(p, options))
		return PACKET_L4_MALFORMED;
	return PACKET_OK;
}

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

static enum packet_outcome decode_sctp(struct packet *p, struct bytes *at)
{
	if (!take_be16(at, &p->sport) || !take_be16(at, &p->dport) ||
	    !take_skip(at, SCTP_HEADER - 4))
		return PACKET_L4_MALFORMED;
	p->payload_len = p->l4_len - SCTP_HEADER;
	return PACKET_OK;
}

/* --- ICMP -------------------------------------------------------------- */

/*
 * Requests and replies of one type of question; RFC 792, 950, 4443. Nothing
 * else has an identifier in the place of theirs.
 */
static const struct icmp_exchange {
	uint8_t proto, request, reply;
} icmp_exchanges[] = {
	{ PROTO_ICMP, 8, 0 },	    /* echo */
	{ PROTO_ICMP, 13, 14 },	    /* timestamp */
	{ PROTO_ICMP, 15, 16 },	    /* information */
	{ PROTO_ICMP, 17, 18 },	    /* address mask */
	{ PROTO_ICMPV6, 128, 129 }, /* echo */
};
#define N_EXCHANGES (sizeof icmp_exchanges / sizeof icmp_exchanges[0])

bool icmp_is_request(uint8_t proto, uint8_t type)
{
	for (size_t i = 0; i < N_EXCHANGES; i++)
		if (icmp_exchanges[i].proto == proto &&
		    icmp_exchanges[i].request == type)
			return true;
	return false;
}

bool icmp_is_reply(uint8_t proto, uint8_t type)
{
	return icmp_request_type(proto, type) != type;
}

uint8_t icmp_request_type(uint8_t proto, uint8_t type)
{
	for (size_t i = 0; i < N_EXCHANGES; i++)
		if (icmp_exchanges[i].proto == proto &&
		    icmp_exchanges[i].reply == type)
			return icmp_exchanges[i].request;
	return type;
}

static bool icmp_has_id(uint8_t proto, uint8_t type)
{
	return icmp_is_request(proto, type) || icmp_is_reply(proto, type);
}

/* RFC 1122 3.2.2 counts redirects among the errors; RFC 4443 2.1. */
static bool icmp_is_error(uint8_t proto, uint8_t type)
{
	if (proto == PROTO_ICMPV6)
		return type < 128;
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* Is there a packet behind the ICMP header? Not known of v6 types to come. */
static bool icmp_quotes(uint8_t proto, uint8_t type)
{
	return icmp_is_error(proto, type) &&
	       (proto == PROTO_ICMP || (type >= 1 && type <= 4));
}

static bool quote_ip4(struct bytes *at, struct packet_quote *q)
{
	uint8_t version_ihl;
	uint16_t frag;
	size_t header_len;

	if (!take_u8(at, &version_ihl) || !take_skip(at, 5) ||
	    !take_be16(at, &frag) || !take_skip(at, 1) ||
	    !take_u8(at, &q->proto) || !take_skip(at, 2) ||
	    !take_ip4(at, &q->saddr) || !take_ip4(at, &q->daddr))
		return false;
	header_len = (size_t)(version_ihl & 0xf) * 4;
	return version_ihl >> 4 == 4 && header_len >= IP4_HEADER_MIN &&
	       take_skip(at, header_len - IP4_HEADER_MIN) &&
	       !(frag & IP4_FRAG_OFFSET);
}

static bool quote_ip6(struct bytes *at, struct packet_quote *q)
{
	struct chain chain = { 0 };
	uint32_t version_class_flow;

	if (!take_be32(at, &version_class_flow) || !take_skip(at, 2) ||
	    !take_u8(at, &chain.proto) || !take_skip(at, 1) ||
	    !take_ip6(at, &q->saddr) || !take_ip6(at, &q->daddr))
		return false;
	if (version_class_flow >> 28 != 6 || ip_is_v4(q->saddr) ||
	    ip_is_v4(q->daddr))
		return false;
	if (walk_chain(at, &chain) != PACKET_OK || chain.is_later)
		return false;
	q->proto = chain.proto;
	return true;
}

/*
 * What is needed to find the flow, and no more: RFC 792 promises only 8 bytes
 * behind the IP header. Of a later fragment nobody knows the ports.
 */
static bool quote_l4(struct bytes *at, uint8_t icmp_proto,
		     struct packet_quote *q)
{
	switch (q->proto) {
	case PROTO_TCP:
	case PROTO_UDP:
	case PROTO_SCTP:
		return take_be16(at, &q->sport) && take_be16(at, &q->dport);
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		if (q->proto != icmp_proto || !take_u8(at, &q->icmp_type) ||
		    !take_u8(at, &q->icmp_code))
			return false;
		return !icmp_has_id(q->proto, q->icmp_type) ||
		       (take_skip(at, 2) && take_be16(at, &q->sport));
	default: return true;
	}
}

static enum packet_outcome decode_icmp(struct packet *p, struct bytes *at)
{
	struct packet_quote quote = { 0 };
	struct bytes quoted;
	uint16_t checksum, id, rest;

	if (p->proto != (p->ip_version == 4 ? PROTO_ICMP : PROTO_ICMPV6))
		return PACKET_L4_MALFORMED;
	if (!take_u8(at, &p->icmp_type) || !take_u8(at, &p->icmp_code) ||
	    !take_be16(at, &checksum) || !take_be16(at, &id) ||
	    !take_be16(at, &rest))
		return PACKET_L4_MALFORMED;
	p->payload_len = p->l4_len - ICMP_HEADER;
	if (icmp_has_id(p->proto, p->icmp_type))
		p->icmp_id = id;
	p->icmp_is_error = icmp_is_error(p->proto, p->icmp_type);
	if (!icmp_quotes(p->proto, p->icmp_type))
		return PACKET_OK;
	quoted = *at;
	p->has_quote = (p->ip_version == 4 ? quote_ip4(&quoted, &quote)
					   : quote_ip6(&quoted, &quote)) &&
		       quote_l4(&quoted, p->proto, &quote);
	if (p->has_quote)
		p->quote = quote;
	return PACKET_OK;
}

/* --- all together ------------------------------------------------------ */

static enum packet_outcome decode_l4(struct packet *p, struct bytes *at)
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

enum packet_outcome packet_decode(struct packet *ret, struct frame frame)
{
	struct bytes at = frame.bytes;
	enum packet_outcome outcome;

	*ret = (struct packet){ .frame = frame };
	if (ret->frame.wire_len < bytes_len(at))
		ret->frame.wire_len = bytes_len(at);
	outcome = decode_ethernet(ret, &at);
	if (outcome != PACKET_OK)
		return outcome;
	switch (ret->ethertype) {
	case ETHERTYPE_IP4: outcome = decode_ip4(ret, &at); break;
	case ETHERTYPE_IP6: outcome = decode_ip6(ret, &at); break;
	default: return PACKET_NOT_IP;
	}
	if (outcome == PACKET_OK)
		outcome = decode_l4(ret, &at);
	ret->payload = at;
	return outcome;
}

const char *packet_outcome_name(enum packet_outcome o)
{
	static const char *const names[] = {
		[PACKET_OK] = "ok",
		[PACKET_NOT_IP] = "not ip",
		[PACKET_SHORT] = "short",
		[PACKET_VLAN_DEPTH] = "vlan depth",
		[PACKET_IP_MALFORMED] = "ip malformed",
		[PACKET_EXT_MALFORMED] = "extension malformed",
		[PACKET_L4_MALFORMED] = "l4 malformed",
		[PACKET_TCP_FLAGS] = "tcp flags",
		[PACKET_FRAG_TINY] = "tiny fragment",
	};

	_Static_assert(sizeof names / sizeof names[0] == PACKET__MAX,
		       "one name each");
	return (unsigned)o < PACKET__MAX ? names[o] : "?";
}

bool packet_icmp_is_request(const struct packet *p)
{
	return icmp_is_request(p->proto, p->icmp_type);
}

bool packet_icmp_is_reply(const struct packet *p)
{
	return icmp_is_reply(p->proto, p->icmp_type);
}

bool packet_is_neighbour_discovery(const struct packet *p)
{
	return p->proto == PROTO_ICMPV6 && p->icmp_type >= 133 &&
	       p->icmp_type <= 137 && p->ttl == 255 && !p->is_fragment;
}
