/*
 * TCP conversations as tables: what is sent, and what the flow must be then.
 * C is the workload, which opens the flow unless the table says otherwise; S
 * is its peer. The states are those of the flow's client and server.
 */
#include "flow/flow.h"

#include "base/limits.h"
#include "test.h"

#define WINDOW 1000 /* where a segment says none */

enum {
	F = TCP_FIN,
	S = TCP_SYN,
	R = TCP_RST,
	A = TCP_ACK,
	SA = TCP_SYN | TCP_ACK,
	FA = TCP_FIN | TCP_ACK,
	RA = TCP_RST | TCP_ACK,
};

enum {
	OK = FLOW_STEP_OK,
	AGAIN = FLOW_STEP_RETRANSMIT,
	OUT = FLOW_STEP_OUT_OF_WINDOW,
	NEW = FLOW_STEP_REOPENED,
};

enum {
	NONE = TCP_S_NONE,
	EST = TCP_S_ESTABLISHED,
	SSENT = TCP_S_SYN_SENT,
	SRECV = TCP_S_SYN_RECV,
	FW1 = TCP_S_FIN_WAIT1,
	FW2 = TCP_S_FIN_WAIT2,
	TW = TCP_S_TIME_WAIT,
	CL = TCP_S_CLOSE,
	CW = TCP_S_CLOSE_WAIT,
	LA = TCP_S_LAST_ACK,
	LIS = TCP_S_LISTEN,
	CLG = TCP_S_CLOSING,
};

enum {
	OPEN = FLOW_CLASS_TCP_OPENING,
	ESTD = FLOW_CLASS_TCP_ESTABLISHED,
	HALF = FLOW_CLASS_TCP_HALF_CLOSED,
	DONE = FLOW_CLASS_TCP_CLOSED,
};

struct segment {
	char from; /* 'C' or 'S'; 0 ends a scenario */
	uint8_t flags;
	uint32_t seq, ack, len;
	int step, client, server, class;
	uint16_t window; /* 0: WINDOW */
	uint8_t wscale;	 /* offered by a SYN, if not 0 */
};

#define SEGMENTS_MAX 16
#define HANDSHAKE                                                 \
	{ 'C', S, 100, 0, 0, OK, SSENT, LIS, OPEN },              \
		{ 'S', SA, 500, 101, 0, OK, SSENT, SRECV, OPEN }, \
	{                                                         \
		'C', A, 101, 501, 0, OK, EST, EST, ESTD           \
	}

/* clang-format off */
static const struct {
	const char *name;
	struct segment segments[SEGMENTS_MAX];
} scenarios[] = {
	{ "open, talk, close", {
		HANDSHAKE,
		{ 'C', A, 101, 501, 10, OK, EST, EST, ESTD },
		{ 'S', A, 501, 111, 20, OK, EST, EST, ESTD },
		{ 'C', FA, 111, 521, 0, OK, FW1, CW, ESTD },
		{ 'S', A, 521, 112, 0, OK, FW2, CW, HALF },
		{ 'S', FA, 521, 112, 0, OK, TW, LA, DONE },
		{ 'C', A, 112, 522, 0, OK, TW, CL, DONE },
		{ 'S', FA, 521, 112, 0, AGAIN, TW, CL, DONE },
	} },
	{ "the server closes first", {
		HANDSHAKE,
		{ 'S', FA, 501, 101, 0, OK, CW, FW1, ESTD },
		{ 'C', A, 101, 502, 0, OK, CW, FW2, HALF },
		{ 'C', A, 101, 502, 50, OK, CW, FW2, HALF },
		{ 'S', A, 502, 151, 0, OK, CW, FW2, HALF },
		{ 'C', FA, 151, 502, 0, OK, LA, TW, DONE },
		{ 'S', A, 502, 152, 0, OK, CL, TW, DONE },
	} },
	{ "FIN with data, and with the ACK of the other's", {
		HANDSHAKE,
		{ 'C', FA, 101, 501, 10, OK, FW1, CW, ESTD },
		{ 'S', FA, 501, 112, 5, OK, TW, LA, DONE },
		{ 'C', A, 112, 507, 0, OK, TW, CL, DONE },
	} },
	{ "simultaneous close", {
		HANDSHAKE,
		{ 'C', FA, 101, 501, 0, OK, FW1, CW, ESTD },
		{ 'S', FA, 501, 101, 0, OK, CLG, CLG, DONE },
		{ 'C', A, 102, 502, 0, OK, CLG, TW, DONE },
		{ 'S', A, 502, 102, 0, OK, TW, TW, DONE },
	} },
	{ "SYN again", {
		{ 'C', S, 100, 0, 0, OK, SSENT, LIS, OPEN },
		{ 'C', S, 100, 0, 0, AGAIN, SSENT, LIS, OPEN },
		{ 'S', SA, 500, 101, 0, OK, SSENT, SRECV, OPEN },
		{ 'C', S, 100, 0, 0, AGAIN, SSENT, SRECV, OPEN },
		{ 'S', SA, 500, 101, 0, AGAIN, SSENT, SRECV, OPEN },
		{ 'C', A, 101, 501, 0, OK, EST, EST, ESTD },
		{ 'S', SA, 500, 101, 0, AGAIN, EST, EST, ESTD },
	} },
	{ "another SYN where nobody answered the first", {
		{ 'C', S, 100, 0, 0, OK, SSENT, LIS, OPEN },
		{ 'C', S, 300, 0, 0, NEW, SSENT, LIS, OPEN },
		{ 'S', SA, 500, 301, 0, OK, SSENT, SRECV, OPEN },
		{ 'C', A, 301, 501, 0, OK, EST, EST, ESTD },
	} },
	{ "simultaneous open", {
		{ 'C', S, 100, 0, 0, OK, SSENT, LIS, OPEN },
		{ 'S', S, 500, 0, 0, OK, SSENT, SSENT, OPEN },
		{ 'C', SA, 100, 501, 0, AGAIN, SRECV, SSENT, OPEN },
		{ 'S', SA, 500, 101, 0, AGAIN, EST, EST, ESTD },
	} },
	{ "SYN+ACK of something else", {
		{ 'C', S, 100, 0, 0, OK, SSENT, LIS, OPEN },
		{ 'S', SA, 500, 100, 0, OUT, SSENT, LIS, OPEN },
		{ 'S', SA, 500, 102, 0, OUT, SSENT, LIS, OPEN },
		{ 'S', SA, 500, 101, 0, OK, SSENT, SRECV, OPEN },
	} },
	{ "SYN+ACK is the first that is seen", {
		{ 'S', SA, 500, 101, 0, OK, SSENT, SRECV, OPEN },
		{ 'C', A, 101, 501, 0, OK, EST, EST, ESTD },
	} },
	{ "refused", {
		{ 'C', S, 100, 0, 0, OK, SSENT, LIS, OPEN },
		{ 'S', R, 0, 0, 0, OUT, SSENT, LIS, OPEN },
		{ 'S', RA, 0, 102, 0, OUT, SSENT, LIS, OPEN },
		{ 'S', RA, 0, 101, 0, OK, CL, CL, DONE },
	} },
	{ "given up", {
		{ 'C', S, 100, 0, 0, OK, SSENT, LIS, OPEN },
		{ 'C', R, 100, 0, 0, OUT, SSENT, LIS, OPEN },
		{ 'C', R, 101, 0, 0, OK, CL, CL, DONE },
	} },
	{ "RST at the next sequence", {
		HANDSHAKE,
		{ 'S', R, 501, 0, 0, OK, CL, CL, DONE },
	} },
	{ "RST at the window's end", {
		HANDSHAKE,
		{ 'S', R, 501 + WINDOW, 0, 0, OK, CL, CL, DONE },
	} },
	{ "RST outside the window", {
		HANDSHAKE,
		{ 'S', R, 501 + WINDOW + 1, 0, 0, OUT, EST, EST, ESTD },
		{ 'S', R, 500, 0, 0, OUT, EST, EST, ESTD },
		{ 'C', RA, 100, 501, 0, OUT, EST, EST, ESTD },
		{ 'C', R, 0x80000000, 0, 0, OUT, EST, EST, ESTD },
		{ 'C', RA, 101, 501, 0, OK, CL, CL, DONE },
	} },
	{ "SYN in a living flow: its receiver disagrees", {
		HANDSHAKE,
		{ 'C', S, 7000, 0, 0, OUT, EST, EST, ESTD },
		{ 'S', A, 501, 101, 0, OK, EST, EST, ESTD },
		{ 'C', A, 101, 501, 10, OK, EST, EST, ESTD },
		{ 'S', SA, 9000, 8000, 0, OUT, EST, EST, ESTD },
	} },
	{ "SYN in a living flow: its sender has lost it", {
		HANDSHAKE,
		{ 'C', S, 7000, 0, 0, OUT, EST, EST, ESTD },
		{ 'S', A, 501, 101, 0, OK, EST, EST, ESTD },
		{ 'C', R, 101, 0, 0, OK, CL, CL, DONE },
		{ 'C', S, 7000, 0, 0, NEW, SSENT, LIS, OPEN },
	} },
	{ "SYN in a living flow: its receiver has lost it", {
		HANDSHAKE,
		{ 'C', S, 700000, 0, 0, OUT, EST, EST, ESTD },
		{ 'S', SA, 9000, 700001, 0, NEW, SSENT, SRECV, OPEN },
		{ 'C', A, 700001, 9001, 0, OK, EST, EST, ESTD },
		{ 'C', A, 101, 501, 10, OUT, EST, EST, ESTD },
	} },
	{ "the same, and the sides change places", {
		HANDSHAKE,
		{ 'S', S, 7000, 0, 0, OUT, EST, EST, ESTD },
		{ 'C', SA, 9000, 7001, 0, NEW, SSENT, SRECV, OPEN },
		{ 'S', A, 7001, 9001, 0, OK, EST, EST, ESTD },
		{ 'S', FA, 7001, 9001, 0, OK, FW1, CW, ESTD },
	} },
	{ "ports used again", {
		HANDSHAKE,
		{ 'S', R, 501, 0, 0, OK, CL, CL, DONE },
		{ 'C', S, 7000, 0, 0, NEW, SSENT, LIS, OPEN },
		{ 'S', SA, 9000, 7001, 0, OK, SSENT, SRECV, OPEN },
		{ 'C', A, 7001, 9001, 0, OK, EST, EST, ESTD },
	} },
	{ "ports used again by the other side", {
		HANDSHAKE,
		{ 'C', FA, 101, 501, 0, OK, FW1, CW, ESTD },
		{ 'S', FA, 501, 102, 0, OK, TW, LA, DONE },
		{ 'C', A, 102, 502, 0, OK, TW, CL, DONE },
		{ 'S', S, 7000, 0, 0, NEW, SSENT, LIS, OPEN },
		{ 'C', SA, 9000, 7001, 0, OK, SSENT, SRECV, OPEN },
		{ 'S', A, 7001, 9001, 0, OK, EST, EST, ESTD },
	} },
	{ "picked up mid-stream", {
		{ 'C', A, 101, 501, 10, OK, EST, EST, OPEN },
		{ 'C', A, 111, 501, 10, OK, EST, EST, OPEN },
		{ 'S', A, 501, 121, 10, OK, EST, EST, ESTD },
		/* The scale of the windows is not known. */
		{ 'C', A, 121 + 500000, 511, 10, OK, EST, EST, ESTD },
		{ 'C', FA, 121 + 500010, 511, 0, OK, FW1, CW, ESTD },
		{ 'S', A, 511, 122 + 500010, 0, OK, FW2, CW, HALF },
	} },
	{ "behind the window, before it, acknowledging what was not sent", {
		HANDSHAKE,
		{ 'C', A, 101 + WINDOW + 1, 501, 10, OUT, EST, EST, ESTD },
		{ 'C', A, 101 - 70000u, 501, 10, OUT, EST, EST, ESTD },
		{ 'C', A, 101, 502, 10, OUT, EST, EST, ESTD },
		{ 'C', FA, 101 + 70000, 501, 0, OUT, EST, EST, ESTD },
		{ 'C', A, 101, 501, 10, OK, EST, EST, ESTD },
	} },
	{ "data again, and a keep-alive", {
		HANDSHAKE,
		{ 'C', A, 101, 501, 10, OK, EST, EST, ESTD },
		{ 'C', A, 101, 501, 10, OK, EST, EST, ESTD },
		{ 'S', A, 501, 111, 0, OK, EST, EST, ESTD },
		{ 'C', A, 101, 501, 10, AGAIN, EST, EST, ESTD },
		{ 'C', A, 110, 501, 0, OK, EST, EST, ESTD },
	} },
	{ "sequence numbers wrap", {
		{ 'C', S, 0xfffffff0, 0, 0, OK, SSENT, LIS, OPEN },
		{ 'S', SA, 0xffffffff, 0xfffffff1, 0, OK, SSENT, SRECV, OPEN },
		{ 'C', A, 0xfffffff1, 0, 0, OK, EST, EST, ESTD },
		{ 'C', A, 0xfffffff1, 0, 100, OK, EST, EST, ESTD },
		{ 'S', A, 0, 0x55, 10, OK, EST, EST, ESTD },
		{ 'C', A, 0xfffffff1, 10, 100, AGAIN, EST, EST, ESTD },
		{ 'S', R, 0xffffffff, 0, 0, OUT, EST, EST, ESTD },
		{ 'C', FA, 0x55, 10, 0, OK, FW1, CW, ESTD },
		{ 'S', A, 10, 0x56, 0, OK, FW2, CW, HALF },
	} },
	{ "windows are scaled when both offer it", {
		{ 'C', S, 100, 0, 0, OK, SSENT, LIS, OPEN, 0, 7 },
		{ 'S', SA, 500, 101, 0, OK, SSENT, SRECV, OPEN, 0, 7 },
		{ 'C', A, 101, 501, 0, OK, EST, EST, ESTD },
		{ 'S', A, 501, 101, 0, OK, EST, EST, ESTD },
		{ 'C', A, 101 + (WINDOW << 7), 501, 10, OK, EST, EST, ESTD },
		{ 'C', A, 102 + (WINDOW << 7) + 10, 501, 9, OUT, EST, EST, ESTD },
	} },
	{ "and are not when one does not", {
		{ 'C', S, 100, 0, 0, OK, SSENT, LIS, OPEN, 0, 7 },
		{ 'S', SA, 500, 101, 0, OK, SSENT, SRECV, OPEN },
		{ 'C', A, 101, 501, 0, OK, EST, EST, ESTD },
		{ 'S', A, 501, 101, 0, OK, EST, EST, ESTD },
		{ 'C', A, 102 + WINDOW, 501, 10, OUT, EST, EST, ESTD },
	} },
};
/* clang-format on */

static struct packet packet_of(const struct segment *s)
{
	bool own = s->from == 'C';

	return (struct packet){
		.ip_version = 4,
		.ethertype = ETHERTYPE_IP4,
		.proto = PROTO_TCP,
		.saddr = ip_from_v4(own ? 0x0a000001 : 0x0a000002),
		.daddr = ip_from_v4(own ? 0x0a000002 : 0x0a000001),
		.sport = own ? 40000 : 80,
		.dport = own ? 80 : 40000,
		.tcp_flags = s->flags,
		.tcp_seq = s->seq,
		.tcp_ack = s->ack,
		.tcp_window = s->window ? s->window : WINDOW,
		.tcp_has_wscale = s->wscale > 0,
		.tcp_wscale = s->wscale,
		.payload_len = s->len,
	};
}

/* One segment at that time; the flow is made by the first. */
static enum flow_step play(struct flow_table *t, struct flow **f,
			   const struct segment *s, usec_t now)
{
	struct packet p = packet_of(s);
	bool ingress = s->from == 'S', midstream;
	struct flow_key k = flow_key_of(&p, 3, ingress);
	bool own = flow_opener_is_own(&p, ingress, &midstream);

	if (!*f)
		*f = flow_make(t, &k, &p, own, midstream, now);
	assert_non_null(*f);
	assert_ptr_equal(flow_find(t, &k), *f);
	return flow_follow(t, *f, &p, flow_sender(*f, ingress), now);
}

static void check(const char *name, unsigned i, const struct segment *s,
		  const struct flow *f, int step, uint32_t id_before)
{
	const struct flow_side_state *c = &f->side[FLOW_CLIENT];
	const struct flow_side_state *v = &f->side[FLOW_SERVER];

	if (step != s->step || c->state != s->client || v->state != s->server ||
	    f->class != s->class)
		fail_msg("\"%s\", segment %u: step %d, %s/%s, %s", name, i,
			 step, tcp_state_name(c->state),
			 tcp_state_name(v->state),
			 flow_class_name((enum flow_class)f->class));
	if (id_before)
		assert_true((f->id != id_before) == (step == NEW));
	/* Who opened it last, is its client. */
	if (step == NEW)
		assert_int_equal(c->packets + v->packets, 1);
}

static void test_scenarios(void **state)
{
	for (size_t n = 0; n < ARRAY_LEN(scenarios); n++) {
		struct flow_table *t = flow_table_new(FLOWS_MIN, 1);
		struct flow *f = NULL;
		unsigned i = 0;

		assert_non_null(t);
		for (const struct segment *s = scenarios[n].segments;
		     i < SEGMENTS_MAX && s->from; s++, i++) {
			uint32_t id = f ? f->id : 0;
			usec_t now = { (i + 1) * USEC_PER_SEC };
			int step = (int)play(t, &f, s, now);

			check(scenarios[n].name, i, s, f, step, id);
		}
		assert_int_equal(flow_counts(t).total, 1);
		assert_int_equal(flow_counts(t).tcp, 1);
		flow_table_free(t);
	}
}

static void count_end(void *arg, const struct flow *f)
{
	unsigned *n = arg;

	++*n;
}

/* What nobody believes keeps no flow alive, but it is counted. */
static void test_out_of_window_does_not_touch(void **state)
{
	static const struct segment open[] = { HANDSHAKE };
	static const struct segment bad = {
		.from = 'C', .flags = A, .seq = 90000, .ack = 501
	};
	struct flow_table *t = flow_table_new(FLOWS_MIN, 1);
	usec_t start = { 1 }, late = { 1000 * USEC_PER_SEC };
	struct flow *f = NULL;
	unsigned ended = 0;

	flow_table_on_end(t, count_end, &ended);
	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		(void)play(t, &f, &open[i], start);
	assert_int_equal(f->side[FLOW_CLIENT].packets, 2);
	assert_int_equal(play(t, &f, &bad, late), OUT);
	assert_int_equal(f->side[FLOW_CLIENT].packets, 3);
	assert_int_equal(f->last_seen.us, start.us);
	assert_int_equal(
		flow_expire(t, usec_add(start, 1200 * USEC_PER_SEC), 9), 1);
	assert_int_equal(ended, 1);
	flow_table_free(t);
}

/* A reopened flow is a new one, whose old self was told of. */
static void test_reopened_is_told(void **state)
{
	static const struct segment all[] = {
		HANDSHAKE,
		{ 'S', R, 501, 0, 0, 0, 0, 0, 0, 0, 0 },
		{ 'C', S, 7000, 0, 0, 0, 0, 0, 0, 0, 0 },
	};
	struct flow_table *t = flow_table_new(FLOWS_MIN, 1);
	struct flow *f = NULL;
	unsigned ended = 0;

	flow_table_on_end(t, count_end, &ended);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		(void)play(t, &f, &all[i], (usec_t){ i });
	assert_int_equal(ended, 1);
	assert_int_equal(flow_counts(t).made, 2);
	assert_int_equal(f->first_seen.us, ARRAY_LEN(all) - 1);
	assert_int_equal(f->verdict.snapshot_version, 0);
	flow_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_out_of_window_does_not_touch),
		cmocka_unit_test(test_reopened_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
