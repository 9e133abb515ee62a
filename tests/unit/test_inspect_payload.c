/*
 * What the pipeline reads behind the headers: DNS for rules by name, TCP put in
 * order for it, packets in tunnels.
 */
#include <stdlib.h>

#include "bench.h"
#include "test.h"

#define RESOLVER "10.1.0.53"
#define SHOP	 "192.0.2.7"
#define NAME	 "www.shop.test"

/* What a rule of one server, or one name, and one port allows. */
struct allowed {
	const char *server, *fqdn;
	uint16_t port;
};

static void adopt(struct bench *b, bool tap, const struct allowed *a, size_t n)
{
	static const char *const names[] = { NAME };
	struct policy_spec spec = { .defact = POLICY_DENY, .dir = 3 };
	struct name_set *before = b->names;
	struct policy *policy;
	struct err err;

	spec.rules = calloc(n, sizeof *spec.rules);
	assert_non_null(spec.rules);
	for (size_t i = 0; i < n; i++) {
		const char *server = a[i].fqdn ? "0.0.0.0" : a[i].server;

		spec.rules[spec.n_rules++] = (struct rule_spec){
			.id = (uint32_t)i + 1,
			.dip = ip_of(server),
			.dipr = ip_of(server),
			.sip = ip_of("0.0.0.0"),
			.sipr = ip_of("0.0.0.0"),
			.port = a[i].port,
			.portr = a[i].port,
			.action = POLICY_ALLOW,
			.fqdn = a[i].fqdn ? strdup(a[i].fqdn) : NULL,
		};
	}
	policy = policy_compile(&spec, &err);
	assert_non_null(policy);
	b->names = name_set_next(before, names, policy_n_names(policy), &err);
	bench_adopt(b, policy, tap,
		    &(struct snapshot_spec){ .names = b->names });
	name_set_free(before);
}

static const struct allowed by_name[] = { { RESOLVER, NULL, 53 },
					  { NULL, NAME, 80 } };
static const struct allowed by_address[] = { { RESOLVER, NULL, 53 },
					     { SHOP, NULL, 4789 },
					     { SHOP, NULL, 80 } };

static int start(void **state)
{
	struct bench *b = bench_new(128);

	b->settings.tunnels = tunnel_options_all();
	inspect_configure(b->in, &b->settings);
	adopt(b, false, by_name, ARRAY_LEN(by_name));
	*state = b;
	return 0;
}

static struct frame_spec with(struct frame_spec s, const void *bytes,
			      size_t len)
{
	s.payload = bytes;
	s.payload_len = len;
	return s;
}

static struct frame_spec tcp(bool own, const char *peer, uint16_t sport,
			     uint16_t dport, uint8_t flags, uint32_t seq,
			     uint32_t ack)
{
	struct frame_spec s = bench_frame(own, peer, PROTO_TCP, sport, dport);

	s.flags = flags;
	s.seq = seq;
	s.ack = ack;
	return s;
}

/* --- DNS ------------------------------------------------------------------ */

#define QNAME	 "\3www\4shop\4test\0"
#define QUESTION "\0\7\1\0\0\1\0\0\0\0\0\0" QNAME "\0\1\0\1"
/* For 60 s. */
#define ANSWER                                                  \
	"\0\7\x81\x80\0\1\0\1\0\0\0\0" QNAME "\0\1\0\1\xc0\x0c" \
	"\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7"
#define LEN(text) (sizeof(text) - 1)

static void look_up(struct bench *b)
{
	assert_int_equal(bench_reason(b, with(bench_frame(true, RESOLVER,
							  PROTO_UDP, 6000, 53),
					      QUESTION, LEN(QUESTION))),
			 REASON_RULE);
	assert_int_equal(bench_reason(b, with(bench_frame(false, RESOLVER,
							  PROTO_UDP, 6000, 53),
					      ANSWER, LEN(ANSWER))),
			 REASON_RULE);
}

static int open_shop(struct bench *b, uint16_t sport)
{
	return bench_reason(b, tcp(true, SHOP, sport, 80, TCP_SYN, 100, 0));
}

/* A connection outlives the name's time, but not the rule. */
static void test_name_and_time(void **state)
{
	struct bench *b = *state;

	assert_int_equal(open_shop(b, 5000), -REASON_DEFAULT);
	look_up(b);
	assert_int_equal(open_shop(b, 5000), REASON_RULE);
	assert_int_equal(bench_reason(b, tcp(false, SHOP, 5000, 80,
					     TCP_SYN | TCP_ACK, 7, 101)),
			 REASON_RULE);
	assert_int_equal(
		bench_reason(b, tcp(true, SHOP, 5000, 80, TCP_ACK, 101, 8)),
		REASON_RULE);
	b->now = usec_add(b->now, 61 * USEC_PER_SEC);
	assert_int_equal(open_shop(b, 5001), -REASON_DEFAULT);
	/* judged anew, and by the name that it had */
	adopt(b, false, by_name, ARRAY_LEN(by_name));
	assert_int_equal(
		bench_reason(b, tcp(true, SHOP, 5000, 80, TCP_ACK, 101, 8)),
		REASON_RULE);
	adopt(b, false, by_name, 1);
	assert_int_equal(
		bench_reason(b, tcp(true, SHOP, 5000, 80, TCP_ACK, 101, 8)),
		-REASON_DEFAULT);
	/* the name is another one now, though it has the same number */
	adopt(b, false, by_name, ARRAY_LEN(by_name));
	assert_int_equal(
		bench_reason(b, tcp(true, SHOP, 5000, 80, TCP_ACK, 101, 8)),
		-REASON_DEFAULT);
}

/* Only what the workload asked for teaches, and only that workload. */
static void test_not_asked(void **state)
{
	struct bench *b = *state;
	char other[] = ANSWER;

	assert_int_equal(bench_reason(b, with(bench_frame(true, RESOLVER,
							  PROTO_UDP, 6000, 53),
					      QUESTION, LEN(QUESTION))),
			 REASON_RULE);
	other[1]++; /* right in all but its id */
	assert_int_equal(bench_reason(b, with(bench_frame(false, RESOLVER,
							  PROTO_UDP, 6000, 53),
					      other, LEN(ANSWER))),
			 REASON_RULE);
	assert_int_equal(open_shop(b, 5000), -REASON_DEFAULT);
	assert_int_equal(inspect_counts(b->in).learned.answers_not_asked, 1);
	look_up(b);
	inspect_forget_endpoint(b->in, 0);
	assert_int_equal(open_shop(b, 5000), -REASON_DEFAULT);
}

#define STREAM(own, flags, seq, ack) \
	tcp(own, RESOLVER, 6001, 53, flags, seq, ack)
#define ASKED  (101 + 2 + LEN(QUESTION))
#define LENGTH "\0\x3d" /* of ANSWER */

/* To the answer's first piece; its last ones come first. */
static void ask_by_tcp(struct bench *b, int reason)
{
	static const char question[] = "\0\x1f" QUESTION;
	struct session_record r;
	uint32_t cursor = 0;

	_Static_assert(LEN(QUESTION) == 0x1f && LEN(ANSWER) == 0x2f, "lengths");
	assert_int_equal(bench_reason(b, STREAM(true, TCP_SYN, 100, 0)),
			 reason);
	assert_int_equal(
		bench_reason(b, STREAM(false, TCP_SYN | TCP_ACK, 500, 101)),
		reason);
	assert_int_equal(bench_reason(b, with(STREAM(true, TCP_ACK, 101, 501),
					      question, LEN(question))),
			 reason);
	assert_int_equal(
		bench_reason(b, with(STREAM(false, TCP_ACK, 513, ASKED),
				     ANSWER + 10, LEN(ANSWER) - 10)),
		reason);
	assert_int_equal(inspect_counts(b->in).streams.streams, 1);
	assert_int_equal(inspect_counts(b->in).streams.blocks, 1);
	assert_int_equal(inspect_copy_flows(b->in, &cursor, b->now, &r, 1), 1);
	assert_int_equal(r.server_asm.segments, 1);
	assert_int_equal(r.server_asm.bytes, LEN(ANSWER) - 10);
}

static void count_ended(void *arg, const struct session_record *s)
{
	(*(unsigned *)arg)++;
}

static void test_name_by_tcp(void **state)
{
	struct bench *b = *state;
	uint32_t cursor = 0, n = 0;

	ask_by_tcp(b, REASON_RULE);
	assert_int_equal(open_shop(b, 5000), -REASON_DEFAULT);
	assert_int_equal(
		bench_reason(b, with(STREAM(false, TCP_ACK, 501, ASKED),
				     "\0\x2f" ANSWER, 12)),
		REASON_RULE);
	assert_int_equal(open_shop(b, 5000), REASON_RULE);
	assert_int_equal(inspect_counts(b->in).dns[DNS_OK], 2);
	inspect_on_flow_end(b->in, count_ended, &b->ended);
	while (inspect_end_flows(b->in, (struct flow_pick){ FLOW_PICK_ALL, 0 },
				 &cursor, &n))
		continue;
	assert_int_equal(b->ended, 2); /* each was told as it was */
	assert_int_equal(inspect_counts(b->in).streams.streams, 0);
	assert_int_equal(inspect_counts(b->in).streams.blocks, 0);
}

/* Other bytes at a place that is there already: nobody is to see them. */
static void test_conflict(void **state)
{
	struct bench *b = *state;

	ask_by_tcp(b, REASON_RULE);
	assert_int_equal(
		bench_reason(b, with(STREAM(false, TCP_ACK, 513, ASKED),
				     "other bytes", 11)),
		-REASON_STREAM_CONFLICT);
	assert_int_equal(
		inspect_counts(b->in).streams.causes[STREAM_CAUSE_CONFLICT], 1);
	/* what no receiver believes is not read, but no more than forwarded */
	assert_int_equal(
		bench_reason(b, with(STREAM(false, TCP_ACK, 900000, ASKED),
				     "far away", 8)),
		REASON_RULE);
	assert_int_equal(inspect_counts(b->in).out_of_window, 1);
	assert_int_equal(bench_reason(b, STREAM(false, TCP_RST, 501, 0)),
			 REASON_RULE);
	assert_int_equal(inspect_counts(b->in).streams.streams, 0);
}

/* Where frames are only watched, nothing is refused, either. */
static void test_conflict_tapped(void **state)
{
	struct bench *b = *state;

	adopt(b, true, by_name, ARRAY_LEN(by_name));
	ask_by_tcp(b, -REASON_TAP);
	assert_int_equal(
		bench_reason(b, with(STREAM(false, TCP_ACK, 513, ASKED),
				     "other bytes", 11)),
		-REASON_TAP);
	assert_int_equal(
		bench_reason(b, with(STREAM(false, TCP_ACK, 501, ASKED),
				     "\0\x2f" ANSWER, 12)),
		-REASON_TAP);
	assert_int_equal(inspect_counts(b->in).dns[DNS_OK], 2);
}

/* A reader that has lost its place is through with the flow. */
static void test_gap(void **state)
{
	struct bench *b = *state;

	ask_by_tcp(b, REASON_RULE);
	/* it acknowledges what never came by */
	assert_int_equal(bench_reason(b, STREAM(true, TCP_ACK, ASKED,
						513 + LEN(ANSWER) - 10)),
			 REASON_RULE);
	assert_int_equal(inspect_counts(b->in).streams.streams, 0);
	assert_int_equal(open_shop(b, 5000), -REASON_DEFAULT);
}

/* --- tunnels ----------------------------------------------------------------- */

/* VXLAN to SHOP, and in it a frame to `peer`. */
static int through(struct bench *b, uint8_t vni, struct frame_spec inner)
{
	uint8_t buf[FRAME_SPEC_MAX] = { 8, 0, 0, 0, 0, 0, vni, 0 };
	uint8_t frame[FRAME_SPEC_MAX];
	size_t len = frame_make(frame, &inner);

	assert_true(len + 8 <= 1400);
	memcpy(buf + 8, frame, len);
	return bench_reason(b,
			    with(bench_frame(true, SHOP, PROTO_UDP, 7000, 4789),
				 buf, 8 + len));
}

static struct frame_spec in_tunnel(uint16_t port)
{
	return tcp(true, SHOP, 5000, port, TCP_SYN, 100, 0);
}

static void test_tunnel(void **state)
{
	struct bench *b = *state;
	struct session_record r[8];
	struct frame_spec piece = in_tunnel(80);
	uint32_t cursor = 0;
	size_t n, n_inner = 0;

	adopt(b, false, by_address, ARRAY_LEN(by_address));
	assert_int_equal(through(b, 1, in_tunnel(80)), REASON_RULE);
	assert_int_equal(through(b, 2, in_tunnel(80)), REASON_RULE);
	assert_int_equal(through(b, 1, in_tunnel(81)), -REASON_DEFAULT);
	piece.frag = 0x2000;
	piece.payload_len = 28; /* with TCP's header, a multiple of 8 */
	assert_int_equal(through(b, 1, piece), -REASON_TUNNEL_FRAGMENT);
	assert_int_equal(bench_reason(b, with(bench_frame(true, SHOP, PROTO_UDP,
							  7000, 4789),
					      "\x08\0\0", 3)),
			 -REASON_TUNNEL_MALFORMED);
	n = inspect_copy_flows(b->in, &cursor, b->now, r, ARRAY_LEN(r));
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++)
		if (r[i].tunnel) {
			assert_string_equal(r[i].tunnel, "vxlan");
			assert_int_equal(r[i].server_port, 80);
			n_inner += r[i].tunnel_id;
		}
	assert_int_equal(n_inner, 1 + 2);
	/* a frame counts once, whatever is in it */
	assert_int_equal(inspect_counts(b->in).frames_out, 5);
	assert_int_equal(inspect_counts(b->in).tunnels[TUNNEL_INNER], 4);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, bench_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_name_and_time),   TEST(test_not_asked),
		TEST(test_name_by_tcp),	    TEST(test_conflict),
		TEST(test_conflict_tapped), TEST(test_gap),
		TEST(test_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
