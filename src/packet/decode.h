/*
 * The parts of packet_decode(), for the files of this folder.
 *
 * Each takes what it reads from the front of *at, crops *at to what the header
 * says is its content, and fills in its fields of p.
 */
#pragma once

#include "packet/packet.h"

#define IP4_HEADER_MIN	20
#define IP4_FRAG_MORE	0x2000
#define IP4_FRAG_OFFSET 0x1fff
#define IP6_HEADER	40
#define TCP_HEADER_MIN	20
#define UDP_HEADER	8
#define ICMP_HEADER	8
#define SCTP_HEADER	12

/* How far the walk along a chain of IPv6 headers came. */
struct chain {
	uint8_t proto;
	bool is_fragment, is_later, more;
	uint16_t frag_off;
	uint32_t frag_id;
	const uint8_t
		*fragmentable; /* what stands behind the fragment header */
};

/* From p->l3_off on, by p->ethertype. *at: the L4 payload. */
enum packet_outcome decode_l3(struct packet *p, struct bytes *at);
/* From c->proto on, which is the IPv6 header's next header, to the L4 one. */
enum packet_outcome decode_chain(struct bytes *at, struct chain *c);
/* From p->l4_off on, by p->proto. */
enum packet_outcome decode_l4(struct packet *p, struct bytes *at);
enum packet_outcome decode_icmp(struct packet *p, struct bytes *at);

static inline void crop(struct bytes *b, size_t len)
{
	if (bytes_len(*b) > len)
		b->end = b->begin + len;
}
