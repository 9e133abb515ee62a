/*
 * ICMP and ICMPv6: questions with their identifier, errors with the packet
 * they speak of.
 *
 * What an error quotes is read by the same walk along the headers as a packet
 * itself, but is believed less: it may be cut anywhere behind the ports, and
 * one that cannot be read makes the error no worse than one about a flow that
 * nobody knows. has_quote says that the ports, or an ICMP request's identifier,
 * were really there.
 */
#include "packet/packet.h"

#include "packet/decode.h"

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
	if (decode_chain(at, &chain) != PACKET_OK || chain.is_later)
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

enum packet_outcome decode_icmp(struct packet *p, struct bytes *at)
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
	if (icmp_has_id(p->proto, p->icmp_type)) {
		p->icmp_id = id;
		p->icmp_seq = rest;
	}
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

bool packet_is_echo(const struct packet *p)
{
	uint8_t type = icmp_request_type(p->proto, p->icmp_type);

	return (p->proto == PROTO_ICMP && type == 8) ||
	       (p->proto == PROTO_ICMPV6 && type == 128);
}
