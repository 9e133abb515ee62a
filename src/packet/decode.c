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
 * the first one. What no receiver acts on (TOS, IPv4 id) is let be.
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
#include "packet/decode.h"

#include "base/limits.h"
#include "packet/packet.h"

enum next_header {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_AUTH = 51,
	NEXT_DESTINATION = 60,
};

#define ETHERNET_HEADER 14
#define IP4_OPT_END	0
#define IP4_OPT_NOP	1
#define IP4_OPT_LSRR	131
#define IP4_OPT_SSRR	137
#define IP6_FRAG_MORE	0x0001
#define IP6_FRAG_OFFSET 0xfff8
#define IP6_FRAG_HEADER 8
/* Both families count a datagram's length in 16 bits. */
#define DATAGRAM_MAX 65535

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
	struct bytes header;
	uint16_t tci;

	if (!take_bytes(at, ETHERNET_HEADER, &header) ||
	    !take_mac(&header, &p->dst) || !take_mac(&header, &p->src) ||
	    !take_be16(&header, &p->ethertype))
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
	struct bytes h, options;
	size_t header_len;

	if (!take_bytes(at, IP4_HEADER_MIN, &h) || !take_u8(&h, &version_ihl) ||
	    !take_u8(&h, &tos) || !take_be16(&h, &total_len) ||
	    !take_be16(&h, &id) || !take_be16(&h, &frag) ||
	    !take_u8(&h, &p->ttl) || !take_u8(&h, &p->proto) ||
	    !take_be16(&h, &checksum) || !take_ip4(&h, &p->saddr) ||
	    !take_ip4(&h, &p->daddr))
		return PACKET_IP_MALFORMED;
	header_len = (size_t)(version_ihl & 0xf) * 4;
	if (version_ihl >> 4 != 4 || header_len < IP4_HEADER_MIN ||
	    !take_bytes(at, header_len - IP4_HEADER_MIN, &options))
		return PACKET_IP_MALFORMED;

	if (frag & (IP4_FRAG_MORE | IP4_FRAG_OFFSET)) {
		p->is_fragment = true;
		p->is_later = frag & IP4_FRAG_OFFSET;
		p->more_fragments = frag & IP4_FRAG_MORE;
		p->frag_off = (uint16_t)((frag & IP4_FRAG_OFFSET) * 8);
		p->frag_id = id;
	}
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
	uint8_t next, len, segments_left;
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
	/* Whatever its type: the destination is only the next stop. */
	if (is_routing && take_skip(&body, 1) &&
	    take_u8(&body, &segments_left) && segments_left > 0)
		return PACKET_EXT_MALFORMED;
	c->proto = next;
	return PACKET_OK;
}

enum packet_outcome decode_chain(struct bytes *at, struct chain *c)
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
	struct bytes h;
	size_t end_off;

	if (!take_bytes(at, IP6_HEADER, &h) ||
	    !take_be32(&h, &version_class_flow) ||
	    !take_be16(&h, &payload_len) || !take_u8(&h, &chain.proto) ||
	    !take_u8(&h, &p->ttl) || !take_ip6(&h, &p->saddr) ||
	    !take_ip6(&h, &p->daddr))
		return PACKET_IP_MALFORMED;
	/* A jumbogram, whose length is 0 here, is no frame we carry. */
	end_off = (size_t)p->l3_off + IP6_HEADER + payload_len;
	if (version_class_flow >> 28 != 6 || end_off > p->frame.wire_len ||
	    ip_is_multicast(p->saddr) || ip_is_v4(p->saddr) ||
	    ip_is_v4(p->daddr))
		return PACKET_IP_MALFORMED;
	p->ip_version = 6;
	crop(at, payload_len);
	outcome = decode_chain(at, &chain);
	if (outcome != PACKET_OK)
		return outcome;
	return adopt_chain(p, &chain, at->begin, end_off);
}

/* --- all together ------------------------------------------------------ */

enum packet_outcome decode_l3(struct packet *p, struct bytes *at)
{
	enum packet_outcome outcome;

	switch (p->ethertype) {
	case ETHERTYPE_IP4: outcome = decode_ip4(p, at); break;
	case ETHERTYPE_IP6: outcome = decode_ip6(p, at); break;
	default: return PACKET_NOT_IP;
	}
	if (outcome == PACKET_OK)
		outcome = decode_l4(p, at);
	return outcome;
}

enum packet_outcome packet_decode(struct packet *ret, struct frame frame)
{
	size_t len = bytes_len(frame.bytes);
	enum packet_outcome outcome;

	/* The cursor is what will be the payload when all headers are taken. */
	*ret = (struct packet){ .frame = frame, .payload = frame.bytes };
	if (ret->frame.wire_len < len)
		ret->frame.wire_len = len;
	outcome = decode_ethernet(ret, &ret->payload);
	if (outcome != PACKET_OK)
		return outcome;
	return decode_l3(ret, &ret->payload);
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
