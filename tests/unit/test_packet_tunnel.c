/*
 * Packets in packets: each kind of tunnel, what is wrong with some, and how
 * deep it goes.
 */
#include "packet/tunnel.h"

#include <stdlib.h>

#include "frames.h"
#include "packet/build.h"
#include "packet/checksum.h"
#include "test.h"

#define A4     "10.0.0.1"
#define B4     "10.0.0.2"
#define A6     "2001:db8::1"
#define B6     "2001:db8::2"
#define OUTER4 .saddr = "192.0.2.1", .daddr = "192.0.2.2"
#define OUTER6 .saddr = "2001:db8:9::1", .daddr = "2001:db8:9::2"
#define BYTES(...)                        \
	(const uint8_t[]){ __VA_ARGS__ }, \
		sizeof((const uint8_t[]){ __VA_ARGS__ })

static const uint8_t data[] = { 1, 2, 3, 4, 5 };
#define INNER_SRC                        \
	{                                \
		{                        \
			2, 0, 0, 0, 0, 1 \
		}                        \
	}
#define INNER_DST                        \
	{                                \
		{                        \
			2, 0, 0, 0, 0, 2 \
		}                        \
	}
static const struct mac inner_src = INNER_SRC;
static const struct mac inner_dst = INNER_DST;
static const struct mac outer_src = { { 2, 0, 0, 0, 0, 8 } };
static const struct mac outer_dst = { { 2, 0, 0, 0, 0, 9 } };

static const struct frame_spec tcp4 = {
	.src = INNER_SRC,
	.dst = INNER_DST,
	.saddr = A4,
	.daddr = B4,
	.proto = PROTO_TCP,
	.flags = TCP_ACK,
	.sport = 4000,
	.dport = 80,
	.payload = data,
	.payload_len = sizeof data,
};
static const struct frame_spec udp6 = {
	.src = INNER_SRC,
	.dst = INNER_DST,
	.saddr = A6,
	.daddr = B6,
	.proto = PROTO_UDP,
	.sport = 4000,
	.dport = 80,
	.payload = data,
	.payload_len = sizeof data,
};
static const struct frame_spec tagged = {
	.src = INNER_SRC,
	.dst = INNER_DST,
	.tags = { 7 },
	.saddr = A4,
	.daddr = B4,
	.proto = PROTO_UDP,
	.sport = 4000,
	.dport = 80,
	.payload = data,
	.payload_len = sizeof data,
};

/*
 * A frame around the inner one: outer (proto and dport of it), header, and the
 * inner frame from inner_off on.
 */
static size_t wrap(uint8_t buf[FRAME_SPEC_MAX], struct frame_spec outer,
		   const uint8_t *header, size_t header_len,
		   const struct frame_spec *inner, size_t inner_off)
{
	uint8_t payload[FRAME_SPEC_MAX], in[FRAME_SPEC_MAX];
	size_t in_len = frame_make(in, inner) - inner_off;

	if (header_len)
		memcpy(payload, header, header_len);
	memcpy(payload + header_len, in + inner_off, in_len);
	outer.src = outer_src;
	outer.dst = outer_dst;
	outer.payload = payload;
	outer.payload_len = header_len + in_len;
	return frame_make(buf, &outer);
}

static enum packet_outcome decode(struct packet *p, const uint8_t *b,
				  size_t len, size_t wire_len)
{
	return packet_decode(p, (struct frame){ .bytes = bytes_of(b, len),
						.wire_len = wire_len });
}

/* --- good ones ----------------------------------------------------------- */

/* clang-format off */
static const struct good_row {
	const char *name;
	struct frame_spec outer;
	const uint8_t *header;
	size_t header_len;
	const struct frame_spec *inner;
	size_t inner_off; /* 0: with Ethernet, 14: without */
	enum tunnel_kind kind;
	uint32_t id;
} good[] = {
	{ "ipip", { OUTER4, .proto = 4 }, NULL, 0, &tcp4, 14,
	  TUNNEL_KIND_IPIP, 0 },
	{ "6in4", { OUTER4, .proto = 41 }, NULL, 0, &udp6, 14,
	  TUNNEL_KIND_6IN4, 0 },
	{ "4in6", { OUTER6, .proto = 4 }, NULL, 0, &tcp4, 14,
	  TUNNEL_KIND_4IN6, 0 },
	{ "ip6ip6", { OUTER6, .proto = 41 }, NULL, 0, &udp6, 14,
	  TUNNEL_KIND_IP6IP6, 0 },
	{ "gre 4", { OUTER4, .proto = 47 }, BYTES(0, 0, 8, 0), &tcp4, 14,
	  TUNNEL_KIND_GRE, 0 },
	{ "gre 6 in 6", { OUTER6, .proto = 47 }, BYTES(0, 0, 0x86, 0xdd), &udp6,
	  14, TUNNEL_KIND_GRE, 0 },
	{ "gre with key and seq", { OUTER4, .proto = 47 },
	  BYTES(0x30, 0, 8, 0, 1, 2, 3, 4, 0, 0, 0, 1), &tcp4, 14,
	  TUNNEL_KIND_GRE, 0x01020304 },
	{ "gre with ethernet", { OUTER4, .proto = 47 },
	  BYTES(0, 0, 0x65, 0x58), &tagged, 0, TUNNEL_KIND_GRE, 0 },
	{ "vxlan", { OUTER4, .proto = 17, .dport = 4789 },
	  BYTES(8, 0, 0, 0, 1, 2, 3, 0), &tcp4, 0, TUNNEL_KIND_VXLAN,
	  0x010203 },
	{ "vxlan, linux", { OUTER6, .proto = 17, .dport = 8472 },
	  BYTES(8, 0, 0, 0, 0, 0, 5, 0), &udp6, 0, TUNNEL_KIND_VXLAN, 5 },
	{ "vxlan with a policy group", { OUTER4, .proto = 17, .dport = 4789 },
	  BYTES(0x88, 0, 0, 9, 0, 0, 5, 0), &tagged, 0, TUNNEL_KIND_VXLAN, 5 },
	{ "geneve", { OUTER4, .proto = 17, .dport = 6081 },
	  BYTES(0, 0, 0x65, 0x58, 0, 0, 9, 0), &tcp4, 0, TUNNEL_KIND_GENEVE,
	  9 },
	{ "geneve with options", { OUTER4, .proto = 17, .dport = 6081 },
	  BYTES(2, 0x40, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 0x80, 1, 0, 0, 0, 0),
	  &tcp4, 0, TUNNEL_KIND_GENEVE, 9 },
	{ "geneve with ip", { OUTER4, .proto = 17, .dport = 6081 },
	  BYTES(0, 0, 0x86, 0xdd, 0, 0, 9, 0), &udp6, 14, TUNNEL_KIND_GENEVE,
	  9 },
};
/* clang-format on */

static void check_good(const struct good_row *r, const struct packet *outer,
		       const struct packet *p)
{
	const char *name = r->name;

	assert_row(name, p->depth == 1);
	assert_row(name, p->tunnel == r->kind);
	assert_row(name, p->tunnel_id == r->id);
	assert_row(name, ip_equal(p->saddr, ip_of(r->inner->saddr)));
	assert_row(name, ip_equal(p->daddr, ip_of(r->inner->daddr)));
	assert_row(name, p->proto == r->inner->proto);
	assert_row(name, p->sport == 4000 && p->dport == 80);
	assert_row(name, p->payload_len == sizeof data);
	assert_row(name, bytes_len(p->payload) == sizeof data);
	assert_row(name, p->payload.end == outer->payload.end);
	assert_row(name, memcmp(p->payload.begin, data, sizeof data) == 0);
	assert_row(name,
		   mac_equal(p->src, r->inner_off ? outer_src : inner_src));
	assert_row(name,
		   mac_equal(p->dst, r->inner_off ? outer_dst : inner_dst));
	assert_row(name, p->vlans == r->inner->tags[0]);
	assert_row(name, packet_checksums(p) == PACKET_CSUM_OK);
}

static void test_good(void **state)
{
	const struct tunnel_options all = tunnel_options_all();
	const struct tunnel_options off = tunnel_options_off();

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		const struct good_row *r = &good[i];
		struct tunnel_options others = all;
		uint8_t buf[FRAME_SPEC_MAX], answer[INJECT_FRAME_MAX];
		struct outbytes out = outbytes_of(answer, sizeof answer);
		size_t len = wrap(buf, r->outer, r->header, r->header_len,
				  r->inner, r->inner_off);
		enum packet_outcome inner = PACKET__MAX;
		struct packet outer, p;

		assert_row(r->name, decode(&outer, buf, len, len) == PACKET_OK);
		assert_row(r->name, outer.depth == 0 && outer.tunnel == 0);
		assert_row(r->name, packet_inner(&outer, &off, &p, &inner) ==
					    TUNNEL_NONE);
		others.look[r->kind] = false;
		assert_row(r->name, packet_inner(&outer, &others, &p, &inner) ==
					    TUNNEL_NONE);
		assert_row(r->name, packet_inner(&outer, &all, &p, &inner) ==
					    TUNNEL_INNER);
		assert_row(r->name, inner == PACKET_OK);
		check_good(r, &outer, &p);
		assert_row(r->name, !build_rst_back(&out, &p));
		assert_row(r->name, !build_prohibited_back(&out, &p));
		assert_row(r->name, packet_inner(&p, &all, &outer, &inner) ==
					    TUNNEL_NONE);
	}
}

/* Each is cut at each byte, only captured less or also sent less. */
static void test_cut_anywhere(void **state)
{
	const struct tunnel_options all = tunnel_options_all();

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		const struct good_row *r = &good[i];
		uint8_t buf[FRAME_SPEC_MAX];
		size_t len = wrap(buf, r->outer, r->header, r->header_len,
				  r->inner, r->inner_off);

		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *b = malloc(cut ? cut : 1);
			enum packet_outcome inner;
			enum tunnel_outcome got;
			struct packet outer, p;

			assert_non_null(b);
			memcpy(b, buf, cut);
			if (decode(&outer, b, cut, len) == PACKET_OK) {
				got = packet_inner(&outer, &all, &p, &inner);
				assert_row(r->name,
					   got == (cut < len - sizeof data
							   ? TUNNEL_INCOMPLETE
							   : TUNNEL_INNER));
			}
			free(b);
		}
	}
}

/* --- others -------------------------------------------------------------- */

#define VXLAN                                      \
	{                                          \
		OUTER4, .proto = 17, .dport = 4789 \
	}
#define GENEVE                                     \
	{                                          \
		OUTER4, .proto = 17, .dport = 6081 \
	}
#define GRE                         \
	{                           \
		OUTER4, .proto = 47 \
	}

/* clang-format off */
static const struct other_row {
	const char *name;
	struct frame_spec outer; /* with this as its payload */
	const uint8_t *payload;
	size_t payload_len;
	enum tunnel_outcome want;
	enum packet_outcome inner;
} others[] = {
	{ "no tunnel", { OUTER4, .proto = 17, .dport = 53 }, BYTES(8, 0, 0, 0),
	  TUNNEL_NONE, 0 },
	{ "from the port is not to it",
	  { OUTER4, .proto = 17, .sport = 4789, .dport = 53 },
	  BYTES(8, 0, 0, 0), TUNNEL_NONE, 0 },
	{ "ipip without a packet", { OUTER4, .proto = 4 }, BYTES(0x45, 0),
	  TUNNEL_INNER_MALFORMED, PACKET_IP_MALFORMED },
	{ "6in4 with ipv4 in it", { OUTER4, .proto = 41 },
	  BYTES(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0,
		2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	  TUNNEL_INNER_MALFORMED, PACKET_IP_MALFORMED },
	{ "longer than what carries it", { OUTER4, .proto = 4 },
	  BYTES(0x45, 0, 0, 29, 0, 0, 0, 0, 64, 50, 0, 0, 10, 0, 0, 1, 10, 0, 0,
		2, 0, 0, 0, 0, 0, 0, 0, 0),
	  TUNNEL_INNER_MALFORMED, PACKET_IP_MALFORMED },
	{ "vxlan cut", VXLAN, BYTES(8, 0, 0, 0, 0, 0, 1), TUNNEL_MALFORMED, 0 },
	{ "vxlan without a vni", VXLAN, BYTES(0, 0, 0, 0, 0, 0, 1, 0),
	  TUNNEL_MALFORMED, 0 },
	{ "vxlan with nothing in it", VXLAN, BYTES(8, 0, 0, 0, 0, 0, 1, 0),
	  TUNNEL_INNER_MALFORMED, PACKET_SHORT },
	{ "vxlan with arp", VXLAN,
	  BYTES(8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8,
		6),
	  TUNNEL_NOT_IP, 0 },
	{ "geneve cut", GENEVE, BYTES(0, 0, 0x65, 0x58, 0, 0, 9),
	  TUNNEL_MALFORMED, 0 },
	{ "geneve options over the end", GENEVE,
	  BYTES(2, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 4), TUNNEL_MALFORMED,
	  0 },
	{ "geneve version 1", GENEVE, BYTES(0x40, 0, 0x65, 0x58, 0, 0, 9, 0),
	  TUNNEL_MALFORMED, 0 },
	{ "geneve control", GENEVE, BYTES(0, 0x80, 0x65, 0x58, 0, 0, 9, 0),
	  TUNNEL_NOT_IP, 0 },
	{ "gre cut", GRE, BYTES(0, 0, 8), TUNNEL_MALFORMED, 0 },
	{ "gre key cut", GRE, BYTES(0x20, 0, 8, 0, 1, 2, 3), TUNNEL_MALFORMED,
	  0 },
	{ "gre seq cut", GRE, BYTES(0x10, 0, 8, 0, 1, 2, 3), TUNNEL_MALFORMED,
	  0 },
	{ "gre checksum cut", GRE, BYTES(0x80, 0, 8, 0, 1, 2, 3),
	  TUNNEL_MALFORMED, 0 },
	{ "gre with routing", GRE, BYTES(0x40, 0, 8, 0, 0, 0, 0, 0),
	  TUNNEL_MALFORMED, 0 },
	{ "pptp", GRE, BYTES(0x20, 1, 0x88, 0x0b, 0, 0, 0, 0), TUNNEL_NONE, 0 },
	{ "gre version 2", GRE, BYTES(0, 2, 8, 0), TUNNEL_MALFORMED, 0 },
	{ "erspan", GRE, BYTES(0x10, 0, 0x88, 0xbe, 0, 0, 0, 0), TUNNEL_NOT_IP,
	  0 },
	{ "fragment", { OUTER4, .proto = 47, .frag = 0x2000 },
	  BYTES(0, 0, 8, 0, 0, 0, 0, 0), TUNNEL_INCOMPLETE, 0 },
};
/* clang-format on */

static void test_others(void **state)
{
	const struct tunnel_options all = tunnel_options_all();

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		const struct other_row *r = &others[i];
		struct frame_spec s = r->outer;
		uint8_t buf[FRAME_SPEC_MAX];
		enum packet_outcome inner = 0;
		enum tunnel_outcome got;
		struct packet outer, p;
		size_t len;

		s.payload = r->payload;
		s.payload_len = r->payload_len;
		len = frame_make(buf, &s);
		assert_row(r->name, decode(&outer, buf, len, len) == PACKET_OK);
		got = packet_inner(&outer, &all, &p, &inner);
		if (got != r->want)
			fail_msg("row \"%s\": %s", r->name,
				 tunnel_outcome_name(got));
		assert_row(r->name, inner == r->inner);
	}
}

static void test_ports(void **state)
{
	struct tunnel_options opt = tunnel_options_all();
	struct frame_spec s = VXLAN;
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = wrap(buf, s, BYTES(8, 0, 0, 0, 0, 0, 1, 0), &tcp4, 0);
	enum packet_outcome inner;
	struct packet outer, p;

	opt.vxlan = (struct tunnel_ports){ .n = 1, .port = { 5000 } };
	assert_int_equal(decode(&outer, buf, len, len), PACKET_OK);
	assert_int_equal(packet_inner(&outer, &opt, &p, &inner), TUNNEL_NONE);
	s.dport = 5000;
	len = wrap(buf, s, BYTES(8, 0, 0, 0, 0, 0, 1, 0), &tcp4, 0);
	assert_int_equal(decode(&outer, buf, len, len), PACKET_OK);
	assert_int_equal(packet_inner(&outer, &opt, &p, &inner), TUNNEL_INNER);
}

/* IPv4 in IPv4 in ... : so many, and no more. */
static void test_depth(void **state)
{
	const struct tunnel_options all = tunnel_options_all();
	uint8_t buf[FRAME_SPEC_MAX], before[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &tcp4);
	enum packet_outcome inner;
	struct packet p, next;

	for (int i = 0; i <= TUNNEL_DEPTH_MAX; i++) {
		struct frame_spec s = { OUTER4, .proto = 4,
					.payload = before + 14,
					.payload_len = len - 14 };

		memcpy(before, buf, len);
		len = frame_make(buf, &s);
	}
	assert_int_equal(decode(&p, buf, len, len), PACKET_OK);
	for (int i = 1; i <= TUNNEL_DEPTH_MAX; i++) {
		assert_int_equal(packet_inner(&p, &all, &next, &inner),
				 TUNNEL_INNER);
		assert_int_equal(next.depth, i);
		p = next;
	}
	assert_int_equal(packet_inner(&p, &all, &next, &inner), TUNNEL_DEPTH);
}

/* --- checksums ----------------------------------------------------------- */

static void set16(uint8_t *b, uint16_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static enum tunnel_outcome gre_outcome(const uint8_t *b, size_t len,
				       struct frame_csum csum,
				       enum packet_csum *ret_csum)
{
	const struct tunnel_options all = tunnel_options_all();
	struct frame f = { .bytes = bytes_of(b, len),
			   .wire_len = len,
			   .csum = csum };
	enum packet_outcome inner;
	enum tunnel_outcome got;
	struct packet outer, p;

	assert_int_equal(packet_decode(&outer, f), PACKET_OK);
	got = packet_inner(&outer, &all, &p, &inner);
	if (got == TUNNEL_INNER)
		*ret_csum = packet_checksums(&p);
	return got;
}

/* GRE's own checksum, also around an inner one that is not filled in yet. */
static void test_gre_checksum(void **state)
{
	const struct frame_spec s = GRE;
	const size_t gre = 34, l4 = gre + 8 + 20;
	const struct frame_csum filled = { .state = FRAME_CSUM_CHECK };
	const struct frame_csum unfilled = { .state = FRAME_CSUM_UNFILLED,
					     .start = (uint16_t)l4,
					     .offset = 16 };
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = wrap(buf, s, BYTES(0x80, 0, 8, 0, 0, 0, 0, 0), &tcp4, 14);
	enum packet_csum csum;
	uint32_t sum;

	set16(buf + gre + 4,
	      checksum_fold(checksum_add(0, bytes_of(buf + gre, len - gre))));
	assert_int_equal(gre_outcome(buf, len, filled, &csum), TUNNEL_INNER);
	assert_int_equal(csum, PACKET_CSUM_OK);
	buf[len - 1] ^= 1;
	assert_int_equal(gre_outcome(buf, len, filled, &csum),
			 TUNNEL_MALFORMED);
	buf[len - 1] ^= 1;
	/* take the inner one out again */
	sum = checksum_pseudo(ip_of(A4), ip_of(B4), PROTO_TCP,
			      (uint32_t)(len - l4));
	set16(buf + l4 + 16, (uint16_t)~checksum_fold(sum));
	assert_int_equal(gre_outcome(buf, len, unfilled, &csum), TUNNEL_INNER);
	assert_int_equal(csum, PACKET_CSUM_OK);
	assert_int_equal(gre_outcome(buf, len, filled, &csum),
			 TUNNEL_MALFORMED);
	buf[gre + 4] ^= 1;
	assert_int_equal(gre_outcome(buf, len, unfilled, &csum),
			 TUNNEL_MALFORMED);
}

/* What is known of the outer checksum says nothing of the inner one. */
static void test_inner_checksum(void **state)
{
	const struct frame_spec s = GRE;
	const size_t l4 = 34 + 4 + 20;
	const struct frame_csum valid = { .state = FRAME_CSUM_VALID };
	struct frame_csum unfilled = { .state = FRAME_CSUM_UNFILLED,
				       .start = (uint16_t)l4,
				       .offset = 16 };
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = wrap(buf, s, BYTES(0, 0, 8, 0), &tcp4, 14);
	enum packet_csum csum;

	buf[len - 1] ^= 1;
	assert_int_equal(gre_outcome(buf, len, valid, &csum), TUNNEL_INNER);
	assert_int_equal(csum, PACKET_CSUM_BAD_L4);
	unfilled.offset = 2; /* over its destination port */
	assert_int_equal(gre_outcome(buf, len, unfilled, &csum), TUNNEL_INNER);
	assert_int_equal(csum, PACKET_CSUM_BAD_L4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_gre_checksum),
		cmocka_unit_test(test_inner_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
