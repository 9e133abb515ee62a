/*
 * A frame of ours is written front to back with zeros where the lengths and
 * checksums go, and these are put in at the end, when all that they cover is
 * there. The Ethernet header, tags included, is that of the packet answered.
 *
 * Nothing here is GSO or has its checksum left to the kernel: the frames are
 * small, and they go out without a virtio_net_hdr that would ask for it.
 */
#include "packet/build.h"

#include "base/limits.h"
#include "packet/checksum.h"

#define MACS_LEN	    12
#define IP4_TOTAL_LEN_OFF   2
#define IP4_CHECKSUM_OFF    10
#define IP4_DONT_FRAGMENT   0x4000
#define IP6_PAYLOAD_LEN_OFF 4
#define TCP_HEADER	    20
#define TCP_CHECKSUM_OFF    16
#define ICMP_HEADER	    8
#define ICMP_CHECKSUM_OFF   2
#define OUR_TTL		    64

/* Which way a frame of ours goes, seen from the packet it answers. */
enum way { WAY_BACK, WAY_FORWARD };

/* The packet of ours, while it is being written. */
struct draft {
	struct outbytes *out;
	const struct packet *p; /* the one answered */
	struct ip_addr saddr, daddr;
	uint8_t proto;
	size_t l3_off, l4_off; /* in out */
};

/* --- the parts of a frame ----------------------------------------------- */

static void set_be16(struct outbytes *out, size_t off, uint16_t v)
{
	struct outbytes field = outbytes_of(out->begin + off, 2);

	put_be16(&field, v);
}

/* All in front of the L4 header. */
static void put_headers(struct draft *d, enum way way, uint8_t proto)
{
	const struct packet *p = d->p;
	struct outbytes *out = d->out;
	bool back = way == WAY_BACK;

	d->proto = proto;
	d->saddr = back ? p->daddr : p->saddr;
	d->daddr = back ? p->saddr : p->daddr;
	put_copy(out, back ? p->src.b : p->dst.b, 6);
	put_copy(out, back ? p->dst.b : p->src.b, 6);
	/* Tags and ethertype. */
	put_copy(out, p->frame.bytes.begin + MACS_LEN, p->l3_off - MACS_LEN);
	d->l3_off = outbytes_len(out);
	if (p->ip_version == 4) {
		put_be16(out, 0x4500); /* version, header length, TOS */
		put_be16(out, 0);      /* total length */
		put_be16(out, 0);      /* id: free when DF is set, RFC 6864 */
		put_be16(out, IP4_DONT_FRAGMENT);
		put_u8(out, OUR_TTL);
		put_u8(out, proto);
		put_be16(out, 0); /* checksum */
		put_copy(out, d->saddr.b + 12, 4);
		put_copy(out, d->daddr.b + 12, 4);
	} else {
		put_be32(out, 0x60000000); /* version, class, flow label */
		put_be16(out, 0);	   /* payload length */
		put_u8(out, proto);
		put_u8(out, OUR_TTL);
		put_copy(out, d->saddr.b, 16);
		put_copy(out, d->daddr.b, 16);
	}
	d->l4_off = outbytes_len(out);
}

/* Lengths and checksums; false if something did not fit. */
static bool finish(struct draft *d, size_t checksum_off)
{
	struct outbytes *out = d->out;
	struct bytes l3, l4;
	uint16_t l4_len;
	uint32_t sum = 0;

	if (out->full)
		return false;
	l3 = bytes_of(out->begin + d->l3_off, d->l4_off - d->l3_off);
	l4 = bytes_of(out->begin + d->l4_off, outbytes_len(out) - d->l4_off);
	l4_len = (uint16_t)bytes_len(l4);
	if (d->p->ip_version == 4) {
		set_be16(out, d->l3_off + IP4_TOTAL_LEN_OFF,
			 (uint16_t)(bytes_len(l3) + l4_len));
		set_be16(out, d->l3_off + IP4_CHECKSUM_OFF,
			 checksum_fold(checksum_add(0, l3)));
	} else {
		set_be16(out, d->l3_off + IP6_PAYLOAD_LEN_OFF, l4_len);
	}
	/* ICMP's own checksum covers no addresses, RFC 792. */
	if (d->proto != PROTO_ICMP)
		sum = checksum_pseudo(d->saddr, d->daddr, d->proto, l4_len);
	set_be16(out, d->l4_off + checksum_off,
		 checksum_fold(checksum_add(sum, l4)));
	return true;
}

/* --- what is built ------------------------------------------------------ */

/*
 * RFC 1122 3.2.2: both ends are one host each. What was in a tunnel had to be
 * answered through it.
 */
static bool is_between_hosts(const struct packet *p)
{
	return p->depth == 0 && !mac_is_group(p->dst) &&
	       !ip_is_multicast(p->daddr) && !ip_is_multicast(p->saddr) &&
	       !ip_is_any(p->daddr) && !ip_is_any(p->saddr);
}

static bool may_reset(const struct packet *p)
{
	return p->proto == PROTO_TCP && !p->is_fragment &&
	       !(p->tcp_flags & TCP_RST) && is_between_hosts(p);
}

static bool may_get_icmp_error(const struct packet *p)
{
	bool is_redirect6 = p->proto == PROTO_ICMPV6 && p->icmp_type == 137;

	return !p->icmp_is_error && !is_redirect6 && !p->is_later &&
	       is_between_hosts(p);
}

static void put_tcp(struct outbytes *out, uint16_t sport, uint16_t dport,
		    uint32_t seq, uint8_t flags, uint32_t ack)
{
	put_be16(out, sport);
	put_be16(out, dport);
	put_be32(out, seq);
	put_be32(out, ack);
	put_u8(out, TCP_HEADER / 4 << 4);
	put_u8(out, flags);
	put_be16(out, 0); /* window */
	put_be16(out, 0); /* checksum */
	put_be16(out, 0); /* urgent pointer */
}

bool build_rst_back(struct outbytes *out, const struct packet *p)
{
	struct draft d = { .out = out, .p = p };
	bool has_ack = p->tcp_flags & TCP_ACK;
	/* SYN and FIN take one sequence number each. */
	uint32_t ack = p->tcp_seq + p->payload_len +
		       !!(p->tcp_flags & TCP_SYN) + !!(p->tcp_flags & TCP_FIN);

	if (!may_reset(p))
		return false;
	put_headers(&d, WAY_BACK, PROTO_TCP);
	put_tcp(out, p->dport, p->sport, has_ack ? p->tcp_ack : 0,
		has_ack ? TCP_RST : TCP_RST | TCP_ACK, has_ack ? 0 : ack);
	return finish(&d, TCP_CHECKSUM_OFF);
}

bool build_rst_forward(struct outbytes *out, const struct packet *p)
{
	struct draft d = { .out = out, .p = p };
	bool has_ack = p->tcp_flags & TCP_ACK;

	if (!may_reset(p))
		return false;
	put_headers(&d, WAY_FORWARD, PROTO_TCP);
	put_tcp(out, p->sport, p->dport, p->tcp_seq,
		has_ack ? TCP_RST | TCP_ACK : TCP_RST,
		has_ack ? p->tcp_ack : 0);
	return finish(&d, TCP_CHECKSUM_OFF);
}

bool build_farewell_back(struct outbytes *out, const struct packet *p,
			 struct bytes text)
{
	struct draft d = { .out = out, .p = p };
	uint32_t ack = p->tcp_seq + p->payload_len + !!(p->tcp_flags & TCP_FIN);

	/* nothing is said to who has not been agreed with */
	if (!may_reset(p) || !(p->tcp_flags & TCP_ACK) ||
	    p->tcp_flags & TCP_SYN)
		return false;
	put_headers(&d, WAY_BACK, PROTO_TCP);
	put_tcp(out, p->dport, p->sport, p->tcp_ack,
		TCP_FIN | TCP_PSH | TCP_ACK, ack);
	put_copy(out, text.begin, bytes_len(text));
	return finish(&d, TCP_CHECKSUM_OFF);
}

/* From the IP header on, what was captured of the packet and finds room. */
static struct bytes quote_of(const struct packet *p, size_t headers_len)
{
	size_t ip_len = (size_t)(p->l4_off - p->l3_off) + p->l4_len;
	struct bytes quote = p->frame.bytes;

	quote.begin += p->l3_off;
	if (bytes_len(quote) > ip_len)
		quote.end = quote.begin + ip_len; /* without padding */
	if (bytes_len(quote) > INJECT_FRAME_MAX - headers_len)
		quote.end = quote.begin + INJECT_FRAME_MAX - headers_len;
	return quote;
}

bool build_prohibited_back(struct outbytes *out, const struct packet *p)
{
	struct draft d = { .out = out, .p = p };
	bool is_v4 = p->ip_version == 4;
	struct bytes quote;

	if (!may_get_icmp_error(p))
		return false;
	put_headers(&d, WAY_BACK, is_v4 ? PROTO_ICMP : PROTO_ICMPV6);
	put_u8(out, is_v4 ? 3 : 1);  /* destination unreachable */
	put_u8(out, is_v4 ? 13 : 1); /* administratively prohibited */
	put_be16(out, 0);	     /* checksum */
	put_be32(out, 0);	     /* unused */
	quote = quote_of(p, d.l4_off + ICMP_HEADER);
	put_copy(out, quote.begin, bytes_len(quote));
	return finish(&d, ICMP_CHECKSUM_OFF);
}
