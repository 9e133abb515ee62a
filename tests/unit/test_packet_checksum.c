/*
 * Checksums: right ones, each bit of them wrong, and unfilled ones - against a
 * naive filling-in of what the sender asked for. The seed is printed;
 * WEIR_SEED=n runs that one.
 */
#include "packet/checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "frames.h"
#include "test.h"

#define A4 "10.0.0.1"
#define B4 "10.0.0.2"
#define A6 "2001:db8::1"
#define B6 "2001:db8::2"

#define ROUNDS 100000

static const uint8_t seven[] = { 1, 2, 3, 4, 5, 6, 7 };
static const uint8_t cookie_ack[] = { 11, 0, 0, 4 };
static const uint8_t hop_by_hop_tcp[] = { 6, 0, 1, 4, 0, 0, 0, 0 };
static const uint8_t nops[] = { 1, 1, 1, 0 };

#define SEVEN .payload = seven, .payload_len = sizeof seven

static const struct frame_spec good[] = {
	{ .saddr = A4, .daddr = B4, .proto = PROTO_TCP, .flags = 0x10, SEVEN },
	{ .saddr = A6, .daddr = B6, .proto = PROTO_TCP, .flags = 0x10, SEVEN },
	{ .saddr = A4, .daddr = B4, .proto = PROTO_UDP, SEVEN },
	{ .saddr = A6, .daddr = B6, .proto = PROTO_UDP, SEVEN },
	{ .saddr = A4,
	  .daddr = B4,
	  .proto = PROTO_ICMP,
	  .icmp_type = 8,
	  SEVEN },
	{ .saddr = A6,
	  .daddr = B6,
	  .proto = PROTO_ICMPV6,
	  .icmp_type = 128,
	  SEVEN },
	{ .saddr = A4,
	  .daddr = B4,
	  .proto = PROTO_SCTP,
	  .payload = cookie_ack,
	  .payload_len = sizeof cookie_ack },
	{ .saddr = A6,
	  .daddr = B6,
	  .proto = PROTO_SCTP,
	  .payload = cookie_ack,
	  .payload_len = sizeof cookie_ack },
	{ .saddr = A4,
	  .daddr = B4,
	  .proto = PROTO_TCP,
	  .flags = 0x10,
	  .tags = { 5, 6 },
	  .options = nops,
	  .options_len = sizeof nops },
	{ .saddr = A6,
	  .daddr = B6,
	  .proto = PROTO_TCP,
	  .flags = 0x10,
	  .ext_proto = 0,
	  .ext = hop_by_hop_tcp,
	  .ext_len = sizeof hop_by_hop_tcp },
};

static enum packet_csum verdict(const uint8_t *b, size_t len,
				struct frame_csum csum)
{
	struct packet p;

	assert_int_equal(
		packet_decode(&p, (struct frame){ .bytes = bytes_of(b, len),
						  .wire_len = len,
						  .csum = csum }),
		PACKET_OK);
	return packet_checksums(&p);
}

static const struct frame_csum to_check = { .state = FRAME_CSUM_CHECK };
static const struct frame_csum valid = { .state = FRAME_CSUM_VALID };
static const struct frame_csum captured = { .state = FRAME_CSUM_CAPTURED };

/* Byte i was changed: is it told, and of the right checksum? */
static void check_changed(const struct frame_spec *s, const uint8_t *b,
			  size_t len, size_t i)
{
	struct frame f = { .bytes = bytes_of(b, len), .wire_len = len };
	enum packet_csum got, want;
	struct packet p;
	bool in_l3;

	/* what is no such packet any more has no checksum to be wrong */
	if (packet_decode(&p, f) != PACKET_OK || p.proto != s->proto ||
	    p.is_fragment)
		return;
	in_l3 = i < p.l4_off;
	/* of an IPv6 header, not all is covered */
	if (p.ip_version == 6 && in_l3)
		return;
	want = in_l3 ? PACKET_CSUM_BAD_IP : PACKET_CSUM_BAD_L4;
	got = packet_checksums(&p);
	if (got != want)
		fail_msg("byte %zu: %s", i, packet_csum_name(got));
}

static void flip_each_bit(const struct frame_spec *s)
{
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, s);

	for (size_t bit = (size_t)14 * 8; bit < len * 8; bit++) {
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		check_changed(s, buf, len, bit / 8);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void test_each_bit(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		uint8_t buf[FRAME_SPEC_MAX];
		size_t len = frame_make(buf, &good[i]);

		assert_int_equal(verdict(buf, len, to_check), PACKET_CSUM_OK);
		assert_int_equal(verdict(buf, len, captured), PACKET_CSUM_OK);
		if (good[i].tags[0])
			continue;
		flip_each_bit(&good[i]);
	}
}

/* What the card has seen is not looked at; the IPv4 header always is. */
static void test_valid(void **state)
{
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &good[0]);

	buf[len - 1] ^= 1;
	assert_int_equal(verdict(buf, len, to_check), PACKET_CSUM_BAD_L4);
	assert_int_equal(verdict(buf, len, valid), PACKET_CSUM_OK);
	buf[24] ^= 1;
	assert_int_equal(verdict(buf, len, valid), PACKET_CSUM_BAD_IP);
}

static void test_udp_without(void **state)
{
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &good[2]);

	buf[40] = buf[41] = 0;
	assert_int_equal(verdict(buf, len, to_check), PACKET_CSUM_OK);
	len = frame_make(buf, &good[3]);
	buf[60] = buf[61] = 0;
	assert_int_equal(verdict(buf, len, to_check), PACKET_CSUM_NOT_CHECKED);
}

/* A datagram that is shorter than its IP packet: only it is covered. */
static void test_udp_shorter(void **state)
{
	struct frame_spec s = { .saddr = A4, .daddr = B4, .proto = PROTO_UDP };
	uint8_t buf[FRAME_SPEC_MAX], whole[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &s), whole_len;

	s.no_l4 = true;
	s.payload_len = 8 + 6;
	whole_len = frame_make(whole, &s);
	assert_int_equal(len + 6, whole_len);
	memcpy(whole + 34, buf + 34, 8);
	memset(whole + 42, 0xee, 6);
	assert_int_equal(verdict(whole, whole_len, to_check), PACKET_CSUM_OK);
}

static void test_not_checked(void **state)
{
	struct frame_spec s = { .saddr = A4,
				.daddr = B4,
				.proto = PROTO_UDP,
				.frag = 0x2000,
				.payload_len = 8 };
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &s);
	struct packet p;

	assert_int_equal(verdict(buf, len, to_check), PACKET_CSUM_NOT_CHECKED);
	s = (struct frame_spec){ .saddr = A4, .daddr = B4, .proto = 50 };
	len = frame_make(buf, &s);
	assert_int_equal(verdict(buf, len, to_check), PACKET_CSUM_NOT_CHECKED);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (good[i].payload_len == 0)
			continue;
		len = frame_make(buf, &good[i]);
		assert_int_equal(
			packet_decode(
				&p,
				(struct frame){ bytes_of(buf, len - 1), len }),
			PACKET_OK);
		assert_int_equal(packet_checksums(&p), PACKET_CSUM_NOT_CHECKED);
	}
}

/* --- unfilled ------------------------------------------------------------ */

static uint16_t get16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static void set16(uint8_t *b, uint16_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static uint16_t naive_sum(const uint8_t *b, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t naive_pseudo(const struct frame_spec *s, size_t l4_len)
{
	struct ip_addr a = ip_of(s->saddr), b = ip_of(s->daddr);

	return naive_sum(b.b, 16,
			 naive_sum(a.b, 16, (uint32_t)l4_len + s->proto));
}

/* What is to be done with the frame before it goes on a wire. */
static void naive_fill(uint8_t *b, size_t len, struct frame_csum c)
{
	uint16_t v = (uint16_t)~naive_sum(b + c.start, len - c.start, 0);

	set16(b + c.start + c.offset, v ? v : 0xffff);
}

static struct frame_csum unfilled(size_t start, size_t offset)
{
	return (struct frame_csum){ .state = FRAME_CSUM_UNFILLED,
				    .start = (uint16_t)start,
				    .offset = (uint16_t)offset };
}

static void test_unfilled(void **state)
{
	for (size_t i = 0; i < 4; i++) {
		const struct frame_spec *s = &good[i];
		uint8_t buf[FRAME_SPEC_MAX];
		size_t len = frame_make(buf, s), l4 = i % 2 ? 54 : 34;
		size_t at = s->proto == PROTO_TCP ? 16 : 6;
		struct frame_csum c = unfilled(l4, at), g = c;
		uint16_t pseudo = naive_pseudo(s, len - l4);

		/* filled in, but said not to be: will be wrong */
		assert_int_equal(verdict(buf, len, c), PACKET_CSUM_BAD_L4);
		set16(buf + l4 + at, pseudo);
		assert_int_equal(verdict(buf, len, c), PACKET_CSUM_OK);
		assert_int_equal(verdict(buf, len, captured), PACKET_CSUM_OK);
		assert_int_equal(verdict(buf, len, to_check),
				 PACKET_CSUM_BAD_L4);
		/* whoever cuts it into segments knows what to put there */
		set16(buf + l4 + at, (uint16_t)(pseudo + 1));
		assert_int_equal(verdict(buf, len, c), PACKET_CSUM_BAD_L4);
		assert_int_equal(verdict(buf, len, captured),
				 PACKET_CSUM_BAD_L4);
		g.segments = true;
		assert_int_equal(verdict(buf, len, g), PACKET_CSUM_OK);
		/* over a port, in another header, behind the end */
		set16(buf + l4 + at, pseudo);
		g.offset = 2;
		assert_int_equal(verdict(buf, len, g), PACKET_CSUM_BAD_L4);
		c.offset = 2;
		assert_int_equal(verdict(buf, len, c), PACKET_CSUM_BAD_L4);
		c = unfilled(l4, at + 1);
		assert_int_equal(verdict(buf, len, c), PACKET_CSUM_BAD_L4);
		c = unfilled(l4 - 10, at + 10);
		assert_int_equal(verdict(buf, len, c), PACKET_CSUM_BAD_L4);
		c = unfilled(len + 1, at);
		assert_int_equal(verdict(buf, len, c), PACKET_CSUM_BAD_L4);
		c = unfilled(65535, 65535);
		assert_int_equal(verdict(buf, len, c), PACKET_CSUM_BAD_L4);
	}
}

/* Who fills in sums up to the frame's end, who checks to the packet's. */
static void test_unfilled_padding(void **state)
{
	uint8_t buf[FRAME_SPEC_MAX] = { 0 };
	size_t len = frame_make(buf, &good[0]);
	struct frame_csum c = unfilled(34, 16);

	set16(buf + 34 + 16, naive_pseudo(&good[0], len - 34));
	assert_int_equal(verdict(buf, len + 3, c), PACKET_CSUM_OK);
	buf[len + 2] = 1;
	assert_int_equal(verdict(buf, len + 3, c), PACKET_CSUM_BAD_L4);
	naive_fill(buf, len + 3, c);
	assert_int_equal(verdict(buf, len + 3, to_check), PACKET_CSUM_BAD_L4);
}

/* Nothing of ours is there to be filled in; a fragment's neither. */
static void test_unfilled_elsewhere(void **state)
{
	struct frame_spec s = { .saddr = A4,
				.daddr = B4,
				.proto = PROTO_UDP,
				.frag = 0x2000,
				.payload_len = 8 };
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &s);

	assert_int_equal(verdict(buf, len, unfilled(34, 6)),
			 PACKET_CSUM_BAD_L4);
	len = frame_make(buf, &good[4]);
	assert_int_equal(verdict(buf, len, unfilled(34, 2)),
			 PACKET_CSUM_BAD_L4);
	len = frame_make(buf, &good[6]);
	assert_int_equal(verdict(buf, len, unfilled(34, 8)),
			 PACKET_CSUM_BAD_L4);
	s = (struct frame_spec){
		.saddr = A4, .daddr = B4, .proto = PROTO_GRE, .payload_len = 60
	};
	len = frame_make(buf, &s);
	assert_int_equal(verdict(buf, len, unfilled(34, 6)),
			 PACKET_CSUM_BAD_L4);
	assert_int_equal(verdict(buf, len, unfilled(58, 16)),
			 PACKET_CSUM_NOT_CHECKED);
}

static uint64_t random_state;

/* xorshift64*: the same numbers everywhere. */
static uint32_t any(uint32_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static void start_random(void)
{
	const char *given = getenv("WEIR_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10)
			      : (uint64_t)time(NULL) * 2654435761u;

	print_message("# WEIR_SEED=%llu\n", (unsigned long long)seed);
	random_state = seed | 1;
}

/*
 * A UDP datagram (or TCP segment) with an unfilled checksum of its own or of
 * something in it: what is said before it is filled in is what is said after.
 */
static void unfilled_round(void)
{
	bool v6 = any(2), udp = any(4), own = !udp || any(2);
	uint8_t payload[64], buf[FRAME_SPEC_MAX];
	struct frame_spec s = { .saddr = v6 ? A6 : A4,
				.daddr = v6 ? B6 : B4,
				.proto = udp ? PROTO_UDP : PROTO_TCP,
				.flags = TCP_ACK,
				.payload = payload,
				.payload_len = 24 + any(40) };
	size_t l4 = v6 ? 54 : 34, at = udp ? 6 : 16, len, start, offset;
	struct frame_csum c;
	enum packet_csum before;

	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (uint8_t)any(256);
	len = frame_make(buf, &s);
	start = own ? l4 : l4 + 20 + (size_t)2 * any(4);
	offset = own ? at : (size_t)2 * any(2);
	c = unfilled(start, offset);
	if (own && any(4))
		set16(buf + l4 + at, naive_pseudo(&s, len - l4));
	if (!own && any(4)) {
		/* the outer one as if the inner one were filled in */
		uint8_t filled[FRAME_SPEC_MAX];
		uint16_t v;

		memcpy(filled, buf, len);
		set16(filled + l4 + at, 0);
		naive_fill(filled, len, c);
		v = (uint16_t)~naive_sum(filled + l4, len - l4,
					 naive_pseudo(&s, len - l4));
		set16(buf + l4 + at, v ? v : 0xffff);
	}
	before = verdict(buf, len, c);
	naive_fill(buf, len, c);
	if (before != verdict(buf, len, to_check))
		fail_msg("%s before, start %zu offset %zu of %zu, held %04x",
			 packet_csum_name(before), start, offset, len,
			 get16(buf + l4 + at));
}

static void test_unfilled_model(void **state)
{
	start_random();
	for (int i = 0; i < ROUNDS; i++)
		unfilled_round();
}

static void test_sums(void **state)
{
	static uint8_t b[70000];

	start_random();
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)any(256);
	for (int i = 0; i < 2000; i++) {
		size_t off = any(64), len = any(i % 10 ? 300 : 65600);
		uint32_t got = checksum_add(0, bytes_of(b + off, len));

		assert_int_equal((uint16_t)~checksum_fold(got),
				 naive_sum(b + off, len, 0));
		/* in two pieces */
		got = checksum_add(
			checksum_add(0, bytes_of(b + off, len / 4 * 2)),
			bytes_of(b + off + len / 4 * 2, len - len / 4 * 2));
		assert_int_equal((uint16_t)~checksum_fold(got),
				 naive_sum(b + off, len, 0));
	}
	memset(b, 0xff, sizeof b);
	assert_int_equal(checksum_fold(checksum_add(0, bytes_of(b, 65535))),
			 0xff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_bit),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_udp_without),
		cmocka_unit_test(test_udp_shorter),
		cmocka_unit_test(test_not_checked),
		cmocka_unit_test(test_unfilled),
		cmocka_unit_test(test_unfilled_padding),
		cmocka_unit_test(test_unfilled_elsewhere),
		cmocka_unit_test(test_unfilled_model),
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
