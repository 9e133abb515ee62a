/*
 * Frames to packets: good ones and those that have one thing wrong.
 */
#include "packet/packet.h"

#include <stdlib.h>

#include "frames.h"
#include "test.h"

#define A4 "10.0.0.1"
#define B4 "10.0.0.2"
#define A6 "2001:db8::1"
#define B6 "2001:db8::2"
#define MF 0x2000

#define TCP4 \
	.saddr = A4, .daddr = B4, .proto = PROTO_TCP, .sport = 4000, .dport = 80
#define UDP4 \
	.saddr = A4, .daddr = B4, .proto = PROTO_UDP, .sport = 4000, .dport = 53
#define TCP6 \
	.saddr = A6, .daddr = B6, .proto = PROTO_TCP, .sport = 4000, .dport = 80
#define UDP6 \
	.saddr = A6, .daddr = B6, .proto = PROTO_UDP, .sport = 4000, .dport = 53
#define SCTP(a, b)                                                      \
	.saddr = (a), .daddr = (b), .proto = PROTO_SCTP, .sport = 4000, \
	.dport = 80
#define EXT(kind, bytes) \
	.ext_proto = (kind), .ext = (bytes), .ext_len = sizeof(bytes)
#define OPTIONS(bytes) .options = (bytes), .options_len = sizeof(bytes)

static const uint8_t sctp_cookie_ack[] = { 11, 0, 0, 4 };
static const uint8_t opt_nops[] = { 1, 1, 1, 0 };
static const uint8_t opt_record[] = { 7, 7, 4, 0, 0, 0, 0, 0 };
static const uint8_t opt_lsrr[] = { 131, 7, 4, 10, 0, 0, 9, 0 };
static const uint8_t opt_lsrr_done[] = { 131, 7, 8, 10, 0, 0, 9, 0 };
static const uint8_t opt_ssrr[] = { 137, 7, 4, 10, 0, 0, 9, 0 };
static const uint8_t opt_len0[] = { 7, 0, 0, 0 };
static const uint8_t opt_past_end[] = { 7, 9, 0, 0 };

/* next, length in 8 bytes beyond the first, body */
static const uint8_t ext_hbh_tcp[] = { 6, 0, 1, 4, 0, 0, 0, 0 };
static const uint8_t ext_hbh_icmp[] = { 58, 0, 1, 4, 0, 0, 0, 0 };
static const uint8_t ext_dst_dst_tcp[] = { 60, 0, 1, 4, 0, 0, 0, 0,
					   6,  0, 1, 4, 0, 0, 0, 0 };
static const uint8_t ext_dst_hbh[] = { 0, 0, 1, 4, 0, 0, 0, 0,
				       6, 0, 1, 4, 0, 0, 0, 0 };
static const uint8_t ext_long[] = { 6, 90, 1, 4, 0, 0, 0, 0 };
static const uint8_t ext_routing0[] = { 6, 0, 0, 1, 0, 0, 0, 0 };
static const uint8_t ext_routing0_done[] = { 6, 0, 0, 0, 0, 0, 0, 0 };
static const uint8_t ext_routing4[] = { 6, 0, 4, 1, 0, 0, 0, 0 };
static const uint8_t ext_auth[] = { 6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1 };
static const uint8_t ext_atomic_udp[] = { 17, 0, 0, 0, 0, 0, 0, 9 };
static const uint8_t ext_first_udp[] = { 17, 0, 0, 1, 0, 0, 0, 9 };
static const uint8_t ext_later_udp[] = { 17, 0, 0, 0x40, 0, 0, 0, 9 };
static const uint8_t ext_first_tcp[] = { 6, 0, 0, 1, 0, 0, 0, 9 };
static const uint8_t ext_first_dst[] = { 60, 0, 0, 1, 0, 0, 0, 9 };
static const uint8_t ext_twice_frag[] = { 44, 0, 0, 1, 0, 0, 0, 9,
					  17, 0, 0, 1, 0, 0, 0, 9 };
static const uint8_t ext_nine[] = {
	60, 0, 1,  4, 0,  0, 0,	 0, 60, 0, 1, 4, 0,  0, 0,  0, 60, 0,
	1,  4, 0,  0, 0,  0, 60, 0, 1,	4, 0, 0, 0,  0, 60, 0, 1,  4,
	0,  0, 0,  0, 60, 0, 1,	 4, 0,	0, 0, 0, 60, 0, 1,  4, 0,  0,
	0,  0, 60, 0, 1,  4, 0,	 0, 0,	0, 6, 0, 1,  4, 0,  0, 0,  0,
};

static const struct row {
	const char *name;
	struct frame_spec spec;
	/* Then these bytes are changed; offsets count from the frame. */
	struct {
		uint16_t at; /* 0 ends */
		uint8_t byte;
	} patch[3];
	size_t cut; /* bytes less, on the wire too */
	enum packet_outcome want;
	uint32_t payload_len; /* PACKET_OK only, as the rest */
	bool is_fragment, is_later;
} rows[] = {
	{ "tcp",
	  { TCP4, .flags = TCP_SYN, .payload_len = 5 },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  5 },
	{ "udp", { UDP4, .payload_len = 9 }, { { 0 } }, 0, PACKET_OK, 9 },
	{ "tcp6",
	  { TCP6, .flags = TCP_ACK, .payload_len = 5 },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  5 },
	{ "sctp",
	  { .saddr = A4,
	    .daddr = B4,
	    .proto = PROTO_SCTP,
	    .sport = 4000,
	    .dport = 80,
	    .payload = sctp_cookie_ack,
	    .payload_len = sizeof sctp_cookie_ack },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  4 },
	{ "gre",
	  { .saddr = A4, .daddr = B4, .proto = 47, .payload_len = 4 },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  4 },
	{ "one tag", { UDP4, .tags = { 7 } }, { { 0 } }, 0, PACKET_OK, 0 },
	{ "two tags", { UDP4, .tags = { 7, 8 } }, { { 0 } }, 0, PACKET_OK, 0 },
	{ "three tags",
	  { UDP4, .tags = { 7, 8, 9 } },
	  { { 0 } },
	  0,
	  PACKET_VLAN_DEPTH },
	{ "arp", { UDP4 }, { { 12, 8 }, { 13, 6 } }, 0, PACKET_NOT_IP },
	/* IPv4 header: 14 version, 16 length, 20 fragment, 23 protocol */
	{ "version 5", { UDP4 }, { { 14, 0x55 } }, 0, PACKET_IP_MALFORMED },
	{ "header of 16", { UDP4 }, { { 14, 0x44 } }, 0, PACKET_IP_MALFORMED },
	{ "header behind the end",
	  { UDP4 },
	  { { 14, 0x4f } },
	  0,
	  PACKET_IP_MALFORMED },
	{ "total below header",
	  { UDP4 },
	  { { 17, 19 } },
	  0,
	  PACKET_IP_MALFORMED },
	{ "total above frame",
	  { UDP4 },
	  { { 17, 29 } },
	  0,
	  PACKET_IP_MALFORMED },
	{ "multicast source",
	  { UDP4 },
	  { { 26, 224 } },
	  0,
	  PACKET_IP_MALFORMED },
	{ "nops", { UDP4, OPTIONS(opt_nops) }, { { 0 } }, 0, PACKET_OK, 0 },
	{ "record route",
	  { UDP4, OPTIONS(opt_record) },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  0 },
	{ "source route",
	  { UDP4, OPTIONS(opt_lsrr) },
	  { { 0 } },
	  0,
	  PACKET_IP_MALFORMED },
	{ "source route at its end",
	  { UDP4, OPTIONS(opt_lsrr_done) },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  0 },
	{ "strict source route",
	  { UDP4, OPTIONS(opt_ssrr) },
	  { { 0 } },
	  0,
	  PACKET_IP_MALFORMED },
	{ "option of length 0",
	  { UDP4, OPTIONS(opt_len0) },
	  { { 0 } },
	  0,
	  PACKET_IP_MALFORMED },
	{ "option behind the end",
	  { UDP4, OPTIONS(opt_past_end) },
	  { { 0 } },
	  0,
	  PACKET_IP_MALFORMED },
	/* fragments */
	{ "first",
	  { UDP4, .frag = MF, .payload_len = 16 },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  16,
	  true },
	{ "later",
	  { UDP4, .frag = 3, .no_l4 = true, .payload_len = 13 },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  13,
	  true,
	  true },
	{ "middle, not of 8s",
	  { UDP4, .frag = MF | 3, .no_l4 = true, .payload_len = 13 },
	  { { 0 } },
	  0,
	  PACKET_IP_MALFORMED },
	{ "empty",
	  { UDP4, .frag = 3, .no_l4 = true },
	  { { 0 } },
	  0,
	  PACKET_IP_MALFORMED },
	{ "over 64 KiB",
	  { UDP4, .frag = 0x1fff, .no_l4 = true, .payload_len = 8 },
	  { { 0 } },
	  0,
	  PACKET_IP_MALFORMED },
	{ "tiny tcp",
	  { TCP4, .frag = MF, .no_l4 = true, .payload_len = 16 },
	  { { 0 } },
	  0,
	  PACKET_FRAG_TINY },
	{ "tiny udp would be none",
	  { UDP4, .frag = MF },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  0,
	  true },
	{ "over the tcp header",
	  { TCP4, .frag = 1, .no_l4 = true, .payload_len = 16 },
	  { { 0 } },
	  0,
	  PACKET_FRAG_TINY },
	{ "over its end",
	  { TCP4, .frag = 2, .no_l4 = true, .payload_len = 16 },
	  { { 0 } },
	  0,
	  PACKET_FRAG_TINY },
	{ "behind it",
	  { TCP4, .frag = 3, .no_l4 = true, .payload_len = 16 },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  16,
	  true,
	  true },
	/* L4: 34 on */
	{ "tcp data offset 4",
	  { TCP4, .flags = TCP_ACK },
	  { { 46, 0x40 } },
	  0,
	  PACKET_L4_MALFORMED },
	{ "tcp data offset over",
	  { TCP4, .flags = TCP_ACK },
	  { { 46, 0x60 } },
	  0,
	  PACKET_L4_MALFORMED },
	{ "tcp options in a first fragment over its end",
	  { TCP4, .flags = TCP_ACK, .frag = MF, .payload_len = 4 },
	  { { 46, 0x70 } },
	  0,
	  PACKET_FRAG_TINY },
	{ "no flags", { TCP4 }, { { 0 } }, 0, PACKET_TCP_FLAGS },
	{ "fin", { TCP4, .flags = TCP_FIN }, { { 0 } }, 0, PACKET_TCP_FLAGS },
	{ "syn fin",
	  { TCP4, .flags = TCP_SYN | TCP_FIN },
	  { { 0 } },
	  0,
	  PACKET_TCP_FLAGS },
	{ "xmas",
	  { TCP4, .flags = TCP_FIN | TCP_PSH | TCP_URG },
	  { { 0 } },
	  0,
	  PACKET_TCP_FLAGS },
	{ "all", { TCP4, .flags = 0x3f }, { { 0 } }, 0, PACKET_TCP_FLAGS },
	{ "fin ack",
	  { TCP4, .flags = TCP_FIN | TCP_ACK },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  0 },
	{ "udp length 7", { UDP4 }, { { 39, 7 } }, 0, PACKET_L4_MALFORMED },
	{ "udp length over", { UDP4 }, { { 39, 9 } }, 0, PACKET_L4_MALFORMED },
	{ "udp length below ip's",
	  { UDP4, .payload_len = 6 },
	  { { 39, 10 } },
	  0,
	  PACKET_OK,
	  2 },
	{ "udp cut", { UDP4 }, { { 0 } }, 1, PACKET_IP_MALFORMED },
	{ "icmpv6 on ipv4",
	  { .saddr = A4, .daddr = B4, .proto = PROTO_ICMPV6 },
	  { { 0 } },
	  0,
	  PACKET_L4_MALFORMED },
	{ "icmp on ipv6",
	  { .saddr = A6, .daddr = B6, .proto = PROTO_ICMP },
	  { { 0 } },
	  0,
	  PACKET_L4_MALFORMED },
	/* IPv6 */
	{ "hop-by-hop",
	  { TCP6, .flags = 2, EXT(0, ext_hbh_tcp) },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  0 },
	{ "two destination",
	  { TCP6, .flags = 2, EXT(60, ext_dst_dst_tcp) },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  0 },
	{ "auth",
	  { TCP6, .flags = 2, EXT(51, ext_auth) },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  0 },
	{ "hop-by-hop second",
	  { TCP6, .flags = 2, EXT(60, ext_dst_hbh) },
	  { { 0 } },
	  0,
	  PACKET_EXT_MALFORMED },
	{ "extension behind the end",
	  { TCP6, .flags = 2, EXT(0, ext_long) },
	  { { 0 } },
	  0,
	  PACKET_EXT_MALFORMED },
	{ "routing type 0",
	  { TCP6, .flags = 2, EXT(43, ext_routing0) },
	  { { 0 } },
	  0,
	  PACKET_EXT_MALFORMED },
	{ "routing type 0 at its end",
	  { TCP6, .flags = 2, EXT(43, ext_routing0_done) },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  0 },
	{ "segment routing with a way to go",
	  { TCP6, .flags = 2, EXT(43, ext_routing4) },
	  { { 0 } },
	  0,
	  PACKET_EXT_MALFORMED },
	{ "segment routing at its end",
	  { TCP6, .flags = 2, EXT(43, ext_routing4) },
	  { { 57, 0 } },
	  0,
	  PACKET_OK,
	  0 },
	{ "nine extensions",
	  { TCP6, .flags = 2, EXT(60, ext_nine) },
	  { { 0 } },
	  0,
	  PACKET_EXT_MALFORMED },
	{ "atomic",
	  { UDP6, EXT(44, ext_atomic_udp), .payload_len = 3 },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  3 },
	{ "first6",
	  { UDP6, EXT(44, ext_first_udp), .payload_len = 8 },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  8,
	  true },
	{ "later6",
	  { UDP6, EXT(44, ext_later_udp), .no_l4 = true, .payload_len = 5 },
	  { { 0 } },
	  0,
	  PACKET_OK,
	  5,
	  true,
	  true },
	{ "tiny6",
	  { TCP6, EXT(44, ext_first_tcp), .no_l4 = true, .payload_len = 16 },
	  { { 0 } },
	  0,
	  PACKET_FRAG_TINY },
	{ "chain not whole in the first",
	  { TCP6, EXT(44, ext_first_dst), .no_l4 = true },
	  { { 0 } },
	  0,
	  PACKET_FRAG_TINY },
	{ "two fragment headers",
	  { UDP6, EXT(44, ext_twice_frag), .payload_len = 8 },
	  { { 0 } },
	  0,
	  PACKET_EXT_MALFORMED },
	{ "payload over the frame",
	  { UDP6 },
	  { { 19, 9 } },
	  0,
	  PACKET_IP_MALFORMED },
	{ "version 4 in ipv6",
	  { UDP6 },
	  { { 14, 0x40 } },
	  0,
	  PACKET_IP_MALFORMED },
};

/* Its own allocation: a read past the end is seen. */
static uint8_t *copy_of(const uint8_t *buf, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, buf, len);
	return copy;
}

static size_t make_row(const struct row *r, uint8_t buf[FRAME_SPEC_MAX])
{
	size_t len = frame_make(buf, &r->spec);

	for (size_t i = 0; i < ARRAY_LEN(r->patch) && r->patch[i].at; i++)
		buf[r->patch[i].at] = r->patch[i].byte;
	return len - r->cut;
}

static enum packet_outcome decode(struct packet *p, const uint8_t *b,
				  size_t len, size_t wire_len)
{
	return packet_decode(p, (struct frame){ .bytes = bytes_of(b, len),
						.wire_len = wire_len });
}

static void check_ok(const struct row *r, const struct packet *p)
{
	bool ports = !p->is_later &&
		     (p->proto == PROTO_TCP || p->proto == PROTO_UDP ||
		      p->proto == PROTO_SCTP);

	assert_row(r->name, p->payload_len == r->payload_len);
	assert_row(r->name, bytes_len(p->payload) == r->payload_len);
	assert_row(r->name, p->is_fragment == r->is_fragment);
	assert_row(r->name, p->is_later == r->is_later);
	assert_row(r->name, p->proto == r->spec.proto);
	assert_row(r->name, ip_equal(p->saddr, ip_of(r->spec.saddr)));
	assert_row(r->name, ip_equal(p->daddr, ip_of(r->spec.daddr)));
	assert_row(r->name, p->sport == (ports ? r->spec.sport : 0));
	assert_row(r->name, p->dport == (ports ? r->spec.dport : 0));
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t buf[FRAME_SPEC_MAX], *b;
		size_t len = make_row(&rows[i], buf);
		enum packet_outcome got;
		struct packet p;

		b = copy_of(buf, len);
		got = decode(&p, b, len, len);
		if (got != rows[i].want)
			fail_msg("row \"%s\": %s", rows[i].name,
				 packet_outcome_name(got));
		if (got == PACKET_OK)
			check_ok(&rows[i], &p);
		free(b);
	}
}

/*
 * Each good frame, cut at each byte: without its headers it is not OK; with
 * them it is when only the capture was cut, not the packet.
 */
static void test_cut_anywhere(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t buf[FRAME_SPEC_MAX];
		size_t len = make_row(&rows[i], buf), headers;
		struct packet p;

		if (decode(&p, buf, len, len) != PACKET_OK)
			continue;
		headers = (size_t)(p.payload.begin - buf);
		if (p.proto == PROTO_SCTP)
			headers++; /* the first chunk's type */
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *b = copy_of(buf, cut);

			assert_row(rows[i].name,
				   (decode(&p, b, cut, len) == PACKET_OK) ==
					   (cut >= headers));
			/* bytes of a UDP datagram's trailer may go */
			assert_row(rows[i].name,
				   decode(&p, b, cut, cut) != PACKET_OK);
			free(b);
		}
	}
}

static void test_vlans(void **state)
{
	struct frame_spec s = { UDP4, .tags = { 0x123, 0x456 } };
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &s);
	struct packet p;

	assert_int_equal(decode(&p, buf, len, len), PACKET_OK);
	assert_int_equal(p.n_tags, 2);
	assert_int_equal(p.vlans, 0x123456);
	assert_int_equal(p.l3_off, 22);
	assert_int_equal(p.ethertype, ETHERTYPE_IP4);
	/* 802.1ad and the old one are seen through, too. */
	buf[12] = 0x88;
	buf[13] = 0xa8;
	assert_int_equal(decode(&p, buf, len, len), PACKET_OK);
	buf[12] = 0x91;
	buf[13] = 0x00;
	assert_int_equal(decode(&p, buf, len, len), PACKET_OK);
	assert_int_equal(p.vlans, 0x123456);
}

/* A frame of 64 KiB, as segmentation offload leaves it. */
static void test_gso_size(void **state)
{
	struct frame_spec s = { TCP4, .flags = TCP_ACK };
	size_t len = 14 + 65535;
	uint8_t *b = calloc(1, len);
	struct packet p;

	assert_non_null(b);
	(void)frame_make(b, &s);
	b[16] = b[17] = 0xff;
	assert_int_equal(decode(&p, b, len, len), PACKET_OK);
	assert_int_equal(p.payload_len, 65535 - 40);
	assert_int_equal(bytes_len(p.payload), 65535 - 40);
	free(b);
}

/* Padding behind the IP packet is no payload. */
static void test_padding(void **state)
{
	struct frame_spec s = { UDP4, .payload_len = 1 };
	uint8_t buf[FRAME_SPEC_MAX] = { 0 };
	struct packet p;

	(void)frame_make(buf, &s);
	assert_int_equal(decode(&p, buf, 60, 60), PACKET_OK);
	assert_int_equal(p.payload_len, 1);
	assert_int_equal(bytes_len(p.payload), 1);
}

static const struct {
	const char *name;
	struct frame_spec quoted;
	uint8_t type;
	size_t quote_len; /* from its IP header on */
	bool want;
} quotes[] = {
	{ "tcp", { TCP4, .flags = TCP_SYN }, 3, 28, true },
	{ "udp", { UDP4 }, 11, 28, true },
	{ "ports cut", { UDP4 }, 3, 23, false },
	{ "header cut", { UDP4 }, 3, 19, false },
	{ "later fragment", { UDP4, .frag = 3 }, 3, 28, false },
	{ "echo",
	  { .saddr = A4,
	    .daddr = B4,
	    .proto = PROTO_ICMP,
	    .icmp_type = 8,
	    .icmp_id = 4000 },
	  3,
	  28,
	  true },
	{ "tcp6", { TCP6, .flags = TCP_SYN }, 1, 48, true },
	{ "ports cut 6", { TCP6 }, 1, 43, false },
	{ "no quote in an echo", { UDP4 }, 8, 28, false },
	{ "sctp", { SCTP(A4, B4) }, 3, 28, true },
	{ "sctp6", { SCTP(A6, B6) }, 1, 48, true },
	{ "tcp6 behind hop-by-hop",
	  { TCP6, .flags = TCP_SYN, EXT(0, ext_hbh_tcp) },
	  1,
	  56,
	  true },
	{ "tcp6 behind two",
	  { TCP6, .flags = TCP_SYN, EXT(60, ext_dst_dst_tcp) },
	  3,
	  64,
	  true },
	{ "tcp6 behind auth",
	  { TCP6, .flags = TCP_SYN, EXT(51, ext_auth) },
	  1,
	  60,
	  true },
	{ "udp6 in an atomic fragment",
	  { UDP6, EXT(44, ext_atomic_udp) },
	  4,
	  56,
	  true },
	{ "udp6 in a first fragment",
	  { UDP6, EXT(44, ext_first_udp) },
	  2,
	  56,
	  true },
	{ "udp6 in a later fragment",
	  { UDP6, EXT(44, ext_later_udp) },
	  1,
	  56,
	  false },
	{ "extension cut",
	  { TCP6, .flags = TCP_SYN, EXT(60, ext_dst_dst_tcp) },
	  1,
	  50,
	  false },
	{ "ports behind two cut",
	  { TCP6, .flags = TCP_SYN, EXT(60, ext_dst_dst_tcp) },
	  1,
	  59,
	  false },
	{ "echo6 behind hop-by-hop",
	  { .saddr = A6,
	    .daddr = B6,
	    .proto = PROTO_ICMPV6,
	    .icmp_type = 128,
	    .icmp_id = 4000,
	    EXT(0, ext_hbh_icmp) },
	  1,
	  56,
	  true },
};

static void test_quotes(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
		uint8_t inner[FRAME_SPEC_MAX], buf[FRAME_SPEC_MAX];
		bool v6 = strchr(quotes[i].quoted.saddr, ':');
		struct frame_spec s = {
			.saddr = v6 ? B6 : B4,
			.daddr = v6 ? A6 : A4,
			.proto = v6 ? PROTO_ICMPV6 : PROTO_ICMP,
			.icmp_type = quotes[i].type,
			.payload = inner + 14,
			.payload_len = quotes[i].quote_len,
		};
		const char *name = quotes[i].name;
		struct packet p;
		size_t len;

		(void)frame_make(inner, &quotes[i].quoted);
		len = frame_make(buf, &s);
		assert_row(name, decode(&p, buf, len, len) == PACKET_OK);
		assert_row(name, p.has_quote == quotes[i].want);
		assert_row(name, p.icmp_is_error == (quotes[i].type != 8));
		if (!p.has_quote)
			continue;
		assert_row(name, p.quote.sport == 4000);
		assert_row(name, p.quote.dport == quotes[i].quoted.dport);
		assert_row(name, p.quote.proto == quotes[i].quoted.proto);
		assert_row(name, ip_equal(p.quote.saddr, p.daddr));
	}
}

static void test_wscale(void **state)
{
	static const uint8_t options[] = { 3, 3, 15, 0 };
	struct frame_spec s = { TCP4, .flags = TCP_SYN, .payload = options,
				.payload_len = sizeof options };
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &s);
	struct packet p;

	buf[46] = 0x60; /* the payload is an option */
	assert_int_equal(decode(&p, buf, len, len), PACKET_OK);
	assert_true(p.tcp_has_wscale);
	assert_int_equal(p.tcp_wscale, 14);
	assert_int_equal(p.payload_len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_vlans),
		cmocka_unit_test(test_gso_size),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_wscale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
