/*
 * Segments meant to put the flow out of step with its ends: what the ends do
 * not believe, the flow must not either, and afterwards the real segments must
 * still be in window. C is the workload and client, S its peer.
 */
#include "flow/flow.h"

#include "base/limits.h"
#include "test.h"

#define WINDOW	     1000
#define SEGMENTS_MAX 10

enum {
	S = TCP_SYN,
	R = TCP_RST,
	A = TCP_ACK,
	SA = TCP_SYN | TCP_ACK,
	FA = TCP_FIN | TCP_ACK,
	FU = TCP_FIN | TCP_URG,
};

enum {
	OK = FLOW_STEP_OK,
	AGAIN = FLOW_STEP_RETRANSMIT,
	OUT = FLOW_STEP_OUT_OF_WINDOW,
	NEW = FLOW_STEP_REOPENED,
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
	int step, class;
};

#define HANDSHAKE                                                            \
	{ 'C', S, 100, 0, 0, OK, OPEN }, { 'S', SA, 500, 101, 0, OK, OPEN }, \
	{                                                                    \
		'C', A, 101, 501, 0, OK, ESTD                                \
	}

/* clang-format off */
static const struct {
	const char *name;
	struct segment segments[SEGMENTS_MAX];
} scenarios[] = {
	{ "a repeated SYN+ACK cannot acknowledge what was not sent", {
		HANDSHAKE,
		{ 'S', SA, 500, 900000, 0, OUT, ESTD },
		{ 'C', A, 101, 501, 10, OK, ESTD },
		{ 'C', A, 111, 501, 10, OK, ESTD },
	} },
	{ "an ACK before the SYN+ACK does not settle the server's number", {
		{ 'C', S, 100, 0, 0, OK, OPEN },
		{ 'C', A, 101, 77777, 0, OK, OPEN },
		{ 'S', SA, 500, 101, 0, OK, OPEN },
		{ 'C', A, 101, 501, 0, OK, ESTD },
		{ 'S', A, 501, 101, 10, OK, ESTD },
	} },
	{ "a challenge ACK of the server's old connection is no answer", {
		{ 'C', S, 100, 0, 0, OK, OPEN },
		{ 'S', A, 8000000, 9000000, 0, OUT, OPEN },
		{ 'S', SA, 500, 101, 0, OK, OPEN },
		{ 'C', A, 101, 501, 0, OK, ESTD },
		{ 'S', A, 501, 101, 10, OK, ESTD },
	} },
	{ "a FIN slipped in before bytes that follow is none", {
		HANDSHAKE,
		{ 'C', FA, 121, 501, 0, OK, ESTD },
		{ 'C', A, 101, 501, 100, OK, ESTD },
		{ 'S', A, 501, 201, 0, OK, ESTD },
		{ 'C', A, 201, 501, 10, OK, ESTD },
	} },
	{ "nor is one in the middle of what was sent", {
		HANDSHAKE,
		{ 'C', A, 101, 501, 100, OK, ESTD },
		{ 'C', FA, 121, 501, 0, OK, ESTD },
		{ 'S', A, 501, 201, 0, OK, ESTD },
	} },
	{ "a segment without ACK says nothing", {
		HANDSHAKE,
		{ 'C', FU, 101, 0, 10, OUT, ESTD },
	} },
	{ "a RST mid-stream must hit the window as far as it is known", {
		{ 'C', A, 101, 501, 10, OK, OPEN },
		{ 'S', A, 501, 111, 10, OK, ESTD },
		{ 'S', R, 501 + 1000000, 0, 0, OUT, ESTD },
		{ 'S', R, 511, 0, 0, OK, DONE },
	} },
	{ "a RST at the next sequence, behind what was acknowledged", {
		HANDSHAKE,
		{ 'S', A, 501, 101, 1000, OK, ESTD },
		{ 'S', A, 1501, 101, 1000, OK, ESTD },
		{ 'S', R, 2501, 0, 0, OK, DONE },
	} },
	{ "both FINs are not the end while one is not acknowledged", {
		HANDSHAKE,
		{ 'C', FA, 101, 501, 0, OK, ESTD },
		{ 'S', FA, 501, 102, 0, OK, DONE },
		{ 'C', S, 7000, 0, 0, OUT, DONE },
		{ 'C', A, 102, 502, 0, OK, DONE },
		{ 'C', S, 7000, 0, 0, NEW, OPEN },
	} },
	{ "another SYN after the SYN+ACK is challenged", {
		{ 'C', S, 100, 0, 0, OK, OPEN },
		{ 'S', SA, 500, 101, 0, OK, OPEN },
		{ 'C', S, 7000, 0, 0, OUT, OPEN },
		{ 'C', A, 101, 501, 0, OK, ESTD },
	} },
	{ "a SYN cookie that changes with time", {
		{ 'C', S, 100, 0, 0, OK, OPEN },
		{ 'S', SA, 500, 101, 0, OK, OPEN },
		{ 'C', S, 100, 0, 0, AGAIN, OPEN },
		{ 'S', SA, 650000, 101, 0, OK, OPEN },
		{ 'C', A, 101, 650001, 0, OK, ESTD },
		{ 'S', A, 650001, 101, 10, OK, ESTD },
	} },
	{ "missed frames: both ends agree on where they are", {
		HANDSHAKE,
		{ 'S', A, 501, 101, 10, OK, ESTD },
		{ 'C', A, 101, 511 + 5000, 0, OUT, ESTD },
		{ 'S', A, 511 + 5000, 101, 10, OK, ESTD },
		{ 'C', A, 101, 521 + 5000, 0, OK, ESTD },
	} },
	{ "but one of them alone cannot move the other", {
		HANDSHAKE,
		{ 'C', A, 101, 501 + 200000, 0, OUT, ESTD },
		{ 'S', A, 501, 101, 10, OK, ESTD },
		{ 'C', A, 101, 511, 0, OK, ESTD },
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
		.tcp_window = WINDOW,
		.payload_len = s->len,
	};
}

static unsigned play(const char *name, const struct segment *segments)
{
	struct flow_table *t = flow_table_new(FLOWS_MIN, 1);
	struct flow *f = NULL;
	unsigned bad = 0;

	assert_non_null(t);
	for (unsigned i = 0; i < SEGMENTS_MAX && segments[i].from; i++) {
		const struct segment *s = &segments[i];
		struct packet p = packet_of(s);
		bool ingress = s->from == 'S', midstream, own;
		struct flow_key k = flow_key_of(&p, 3, ingress);
		usec_t now = { (i + 1) * USEC_PER_SEC };
		int step;

		own = flow_opener_is_own(&p, ingress, &midstream);
		if (!f)
			f = flow_make(t, &k, &p, own, midstream, now);
		assert_non_null(f);
		step = (int)flow_follow(t, f, &p, flow_sender(f, ingress), now);
		if (step == s->step && f->class == s->class)
			continue;
		print_message("# \"%s\", segment %u: step %d, %s\n", name, i,
			      step, flow_class_name((enum flow_class)f->class));
		bad++;
	}
	flow_table_free(t);
	return bad;
}

static void test_hostile(void **state)
{
	unsigned bad = 0;

	for (size_t n = 0; n < ARRAY_LEN(scenarios); n++)
		bad += play(scenarios[n].name, scenarios[n].segments) > 0;
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
