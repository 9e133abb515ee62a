/*
 * What we answer with, decoded again: whose it is, and that its checksums are
 * right.
 */
#include "packet/build.h"

#include "base/limits.h"
#include "frames.h"
#include "test.h"

#define A4 "10.0.0.1"
#define B4 "10.0.0.2"
#define A6 "2001:db8::1"
#define B6 "2001:db8::2"

static const struct mac own = { { 2, 0, 0, 0, 0, 1 } };
static const struct mac peer = { { 2, 0, 0, 0, 0, 2 } };

typedef bool build_fn(struct outbytes *, const struct packet *);

/* 0, and *ret, that borrows from ours, if something was built. */
static bool answer(build_fn *build, const struct frame_spec *s,
		   uint8_t theirs[FRAME_SPEC_MAX],
		   uint8_t ours[INJECT_FRAME_MAX], struct packet *ret_asked,
		   struct packet *ret)
{
	struct outbytes out = outbytes_of(ours, INJECT_FRAME_MAX);
	size_t len = frame_make(theirs, s);
	struct frame f = { .bytes = bytes_of(theirs, len), .wire_len = len };

	assert_int_equal(packet_decode(ret_asked, f), PACKET_OK);
	if (!build(&out, ret_asked))
		return false;
	len = outbytes_len(&out);
	f = (struct frame){ .bytes = bytes_of(ours, len), .wire_len = len };
	assert_int_equal(packet_decode(ret, f), PACKET_OK);
	return true;
}

static void check_frame(const struct packet *asked, const struct packet *p,
			bool back)
{
	assert_true(mac_equal(p->src, back ? asked->dst : asked->src));
	assert_true(mac_equal(p->dst, back ? asked->src : asked->dst));
	assert_true(ip_equal(p->saddr, back ? asked->daddr : asked->saddr));
	assert_true(ip_equal(p->daddr, back ? asked->saddr : asked->daddr));
	assert_int_equal(p->vlans, asked->vlans);
	assert_int_equal(p->n_tags, asked->n_tags);
	assert_int_equal(p->ttl, 64);
	if (p->ip_version == 4)
		assert_int_equal(frame_l3_sum(p), 0);
	assert_int_equal(frame_l4_sum(p), 0);
}

static struct frame_spec spec_of(bool v6, bool tagged, uint8_t proto)
{
	return (struct frame_spec){ .src = own,
				    .dst = peer,
				    .tags = { tagged ? 5 : 0, tagged ? 6 : 0 },
				    .saddr = v6 ? A6 : A4,
				    .daddr = v6 ? B6 : B4,
				    .proto = proto,
				    .sport = 4000,
				    .dport = 80,
				    .payload_len = 3 };
}

static void test_rst(void **state)
{
	static const struct {
		uint8_t flags;
		uint8_t back_flags, forward_flags;
		uint32_t back_seq, back_ack, forward_ack;
	} rows[] = {
		{ TCP_SYN, TCP_RST | TCP_ACK, TCP_RST, 0, 1004, 0 },
		{ TCP_ACK, TCP_RST, TCP_RST | TCP_ACK, 2000, 0, 2000 },
		{ TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK, 2000, 0,
		  2000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows) * 4; i++) {
		size_t r = i / 4;
		struct frame_spec s = spec_of(i & 1, i & 2, PROTO_TCP);
		uint8_t theirs[FRAME_SPEC_MAX], ours[INJECT_FRAME_MAX];
		struct packet asked, p;

		s.flags = rows[r].flags;
		s.seq = 1000;
		s.ack = 2000;
		assert_true(
			answer(build_rst_back, &s, theirs, ours, &asked, &p));
		check_frame(&asked, &p, true);
		assert_int_equal(p.sport, 80);
		assert_int_equal(p.dport, 4000);
		assert_int_equal(p.tcp_flags, rows[r].back_flags);
		assert_int_equal(p.tcp_seq, rows[r].back_seq);
		assert_int_equal(p.tcp_ack, rows[r].back_ack);
		assert_true(answer(build_rst_forward, &s, theirs, ours, &asked,
				   &p));
		check_frame(&asked, &p, false);
		assert_int_equal(p.sport, 4000);
		assert_int_equal(p.tcp_flags, rows[r].forward_flags);
		assert_int_equal(p.tcp_seq, 1000);
		assert_int_equal(p.tcp_ack, rows[r].forward_ack);
	}
}

static const char last_words[INJECT_TEXT_MAX] = "403";

static bool farewell(struct outbytes *out, const struct packet *p)
{
	return build_farewell_back(out, p,
				   bytes_of(last_words, sizeof last_words));
}

static void test_farewell(void **state)
{
	for (unsigned i = 0; i < 8; i++) {
		struct frame_spec s = spec_of(i & 1, i & 2, PROTO_TCP);
		uint8_t theirs[FRAME_SPEC_MAX], ours[INJECT_FRAME_MAX];
		struct packet asked, p;

		s.flags = TCP_ACK | (i & 4 ? TCP_FIN : TCP_PSH);
		s.seq = 1000;
		s.ack = 2000;
		assert_true(answer(farewell, &s, theirs, ours, &asked, &p));
		check_frame(&asked, &p, true);
		assert_int_equal(p.tcp_flags, TCP_FIN | TCP_PSH | TCP_ACK);
		assert_int_equal(p.tcp_seq, 2000);
		assert_int_equal(p.tcp_ack, i & 4 ? 1004 : 1003);
		assert_int_equal(bytes_len(p.payload), sizeof last_words);
		assert_memory_equal(p.payload.begin, last_words,
				    sizeof last_words);
		for (int k = 0; k < 2; k++) {
			static const uint8_t never[] = { TCP_SYN,
							 TCP_RST | TCP_ACK };

			s.flags = never[k];
			assert_false(
				answer(farewell, &s, theirs, ours, &asked, &p));
		}
	}
}

static void test_prohibited(void **state)
{
	for (unsigned i = 0; i < 8; i++) {
		bool v6 = i & 1;
		struct frame_spec s = spec_of(v6, i & 2, PROTO_UDP);
		uint8_t theirs[FRAME_SPEC_MAX], ours[INJECT_FRAME_MAX];
		struct packet asked, p;

		/* an odd length, and more than can be quoted */
		s.payload_len = i & 4 ? 1000 : 3;
		assert_true(answer(build_prohibited_back, &s, theirs, ours,
				   &asked, &p));
		check_frame(&asked, &p, true);
		assert_int_equal(p.icmp_type, v6 ? 1 : 3);
		assert_int_equal(p.icmp_code, v6 ? 1 : 13);
		assert_true(p.has_quote);
		assert_true(ip_equal(p.quote.saddr, asked.saddr));
		assert_true(ip_equal(p.quote.daddr, asked.daddr));
		assert_int_equal(p.quote.sport, 4000);
		assert_int_equal(p.quote.dport, 80);
	}
}

static void test_no_answer(void **state)
{
	static const struct mac group = { { 0xff, 0xff, 0xff, 0xff, 0xff,
					    0xff } };
	static const struct {
		const char *name;
		build_fn *build;
		struct frame_spec spec;
	} rows[] = {
		{ "RST to a RST",
		  build_rst_back,
		  { .saddr = A4,
		    .daddr = B4,
		    .proto = PROTO_TCP,
		    .flags = TCP_RST } },
		{ "RST to UDP",
		  build_rst_back,
		  { .saddr = A4, .daddr = B4, .proto = PROTO_UDP } },
		{ "RST to a fragment",
		  build_rst_back,
		  { .saddr = A4,
		    .daddr = B4,
		    .proto = PROTO_TCP,
		    .flags = TCP_SYN,
		    .frag = 0x2000,
		    .payload_len = 4 } },
		{ "to a group",
		  build_prohibited_back,
		  { .dst = group,
		    .saddr = A4,
		    .daddr = B4,
		    .proto = PROTO_UDP } },
		{ "to a group address",
		  build_prohibited_back,
		  { .saddr = A4, .daddr = "224.0.0.1", .proto = PROTO_UDP } },
		{ "from nobody",
		  build_prohibited_back,
		  { .saddr = "0.0.0.0", .daddr = B4, .proto = PROTO_UDP } },
		{ "error to an error",
		  build_prohibited_back,
		  { .saddr = A4,
		    .daddr = B4,
		    .proto = PROTO_ICMP,
		    .icmp_type = 3 } },
		{ "error to a redirect",
		  build_prohibited_back,
		  { .saddr = A6,
		    .daddr = B6,
		    .proto = PROTO_ICMPV6,
		    .icmp_type = 137 } },
		{ "error to a later fragment",
		  build_prohibited_back,
		  { .saddr = A4,
		    .daddr = B4,
		    .proto = PROTO_UDP,
		    .frag = 9,
		    .payload_len = 4 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t theirs[FRAME_SPEC_MAX], ours[INJECT_FRAME_MAX];
		struct packet asked, p;

		assert_row(rows[i].name, !answer(rows[i].build, &rows[i].spec,
						 theirs, ours, &asked, &p));
	}
}

static void test_too_small(void **state)
{
	struct frame_spec s = spec_of(false, false, PROTO_TCP);
	uint8_t theirs[FRAME_SPEC_MAX], ours[54];
	struct packet p;
	size_t len;

	s.flags = TCP_SYN;
	len = frame_make(theirs, &s);
	(void)packet_decode(&p,
			    (struct frame){ bytes_of(theirs, len), len, 0 });
	for (size_t room = 0; room <= sizeof ours; room++) {
		struct outbytes out = outbytes_of(ours, room);

		assert_true(build_rst_back(&out, &p) == (room == sizeof ours));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rst),
		cmocka_unit_test(test_farewell),
		cmocka_unit_test(test_prohibited),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
