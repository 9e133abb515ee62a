/*
 * What handshakes tell: split ones (threat 2004), and sessions that are opened
 * and left unused (2005).
 */
#include "inspect/inspect.h"

#include <stdlib.h>

#include "bench.h"
#include "test.h"

#define PORT	 80 /* what OWN may open at PEER */
#define UPPER	 10 /* the meter's limit: in 10 s */
#define SESSIONS (UPPER + 3)

/* OWN may open PORT at PEER, and nobody anything else. */
static void adopt(struct bench *b, bool tap)
{
	struct policy_spec spec = { .defact = POLICY_DENY, .dir = 3 };
	struct err err;

	spec.rules = calloc(1, sizeof *spec.rules);
	assert_non_null(spec.rules);
	spec.rules[spec.n_rules++] = (struct rule_spec){
		.id = 10,
		.sip = ip_of(OWN),
		.sipr = ip_of(OWN),
		.dip = ip_of(PEER),
		.dipr = ip_of(PEER),
		.port = PORT,
		.portr = PORT,
		.action = POLICY_ALLOW,
	};
	bench_adopt(b, policy_compile(&spec, &err), tap, NULL);
}

static int start(void **state)
{
	*state = bench_new(FLOWS_MIN);
	adopt(*state, false);
	return 0;
}

static struct verdict pass(struct bench *b, bool own, uint8_t flags,
			   uint32_t seq, uint32_t ack, size_t len)
{
	struct frame_spec s = bench_frame(own, PEER, PROTO_TCP, b->port, PORT);

	s.flags = flags;
	s.seq = seq;
	s.ack = ack;
	s.payload_len = len;
	return bench_pass(b, &s);
}

static unsigned threats(struct bench *b, struct threat_record *ret)
{
	static struct threat_record r[THREAT_RECORDS_MAX];
	size_t n = inspect_drain_threats(b->in, r, THREAT_RECORDS_MAX);

	if (n)
		*ret = r[0];
	return (unsigned)n;
}

static struct session_record session(struct bench *b)
{
	struct session_record s;
	uint32_t cursor = 0;

	assert_int_equal(inspect_copy_flows(b->in, &cursor, b->now, &s, 1), 1);
	return s;
}

/* --- split handshakes --------------------------------------------------- */

static void test_split_is_told(void **state)
{
	struct bench *b = *state;
	static struct threat_record r;
	struct session_record s;

	assert_true(pass(b, true, TCP_SYN, 100, 0, 0).forward);
	assert_true(pass(b, false, TCP_SYN, 500, 0, 0).forward);
	assert_true(pass(b, false, TCP_SYN, 500, 0, 0).forward);
	assert_true(pass(b, true, TCP_SYN | TCP_ACK, 100, 501, 0).forward);
	assert_true(pass(b, false, TCP_ACK, 501, 101, 0).forward);
	assert_true(pass(b, false, TCP_ACK, 501, 101, 9).forward);
	/* the workload is the client of what it opened */
	s = session(b);
	assert_false(s.flags & SESSION_INGRESS);
	assert_int_equal(s.server_port, PORT);
	assert_int_equal(s.policy_id, 10);
	assert_int_equal(s.client_state, TCP_S_ESTABLISHED);
	/* once a flow */
	assert_int_equal(threats(b, &r), 1);
	assert_int_equal(r.id, THREAT_SPLIT_HANDSHAKE);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.flags, THREAT_PACKET_INGRESS);
	assert_true(ip_equal(r.src, ip_of(OWN)));
	assert_int_equal(r.dst_port, PORT);
	assert_int_equal(inspect_counts(b->in).threats.noted, 1);
}

static void set_threat(struct bench *b, uint32_t id, bool enabled,
		       enum dpi_action action)
{
	struct inspect_settings s = inspect_settings_default();

	for (unsigned i = 0; i < THREAT_KINDS; i++)
		if (threat_kind_at(i)->id == id)
			s.threats[i] =
				(struct threat_setting){ enabled,
							 (uint8_t)action };
	inspect_configure(b->in, &s);
}

static void test_split_is_dropped(void **state)
{
	struct bench *b = *state;
	struct verdict v;

	set_threat(b, 2004, true, DPI_DROP);
	assert_true(pass(b, true, TCP_SYN, 100, 0, 0).forward);
	for (uint32_t isn = 500; isn < 503; isn++) {
		v = pass(b, false, TCP_SYN, isn, 0, 0);
		assert_false(v.forward);
		assert_int_equal(v.reason, REASON_THREAT);
	}
	assert_int_equal(inspect_counts(b->in).threats.noted, 1);
	/* a server that then answers as it should, may */
	assert_true(pass(b, false, TCP_SYN | TCP_ACK, 900, 101, 0).forward);
	assert_true(pass(b, true, TCP_ACK, 101, 901, 0).forward);
	assert_int_equal(session(b).server_state, TCP_S_ESTABLISHED);
	/* not looked for */
	b->port++;
	set_threat(b, 2004, false, DPI_DROP);
	assert_true(pass(b, true, TCP_SYN, 100, 0, 0).forward);
	assert_true(pass(b, false, TCP_SYN, 500, 0, 0).forward);
}

/*
 * However the server begins, the workload's egress stays that: were it once
 * taken for ingress, it would be denied here.
 */
static void test_roles_stay(void **state)
{
	static const struct {
		uint8_t flags;
		uint32_t seq, ack;
	} tricks[][3] = {
		{ { TCP_SYN, 500, 0 }, { TCP_SYN, 90000, 0 } },
		{ { TCP_SYN | TCP_ACK, 500, 101 }, { TCP_SYN, 90000, 0 } },
		{ { TCP_ACK, 7, 101 }, { TCP_SYN, 90000, 0 } },
		{ { TCP_SYN, 500, 0 },
		  { TCP_SYN | TCP_ACK, 600, 101 },
		  { TCP_SYN, 90000, 0 } },
	};
	struct bench *b = *state;
	const uint8_t agree = TCP_SYN | TCP_ACK;

	for (size_t i = 0; i < ARRAY_LEN(tricks); i++, b->port++) {
		uint32_t cursor = 0, ended = 0;

		assert_true(pass(b, true, TCP_SYN, 100, 0, 0).forward);
		for (size_t k = 0; k < 3 && tricks[i][k].flags; k++)
			assert_true(pass(b, false, tricks[i][k].flags,
					 tricks[i][k].seq, tricks[i][k].ack, 0)
					    .forward);
		assert_true(pass(b, true, agree, 100, 90001, 0).forward);
		assert_true(pass(b, false, TCP_ACK, 90001, 101, 0).forward);
		assert_false(session(b).flags & SESSION_INGRESS);
		assert_int_equal(session(b).client_state, TCP_S_ESTABLISHED);
		(void)inspect_end_flows(b->in,
					(struct flow_pick){ FLOW_PICK_ALL, 0 },
					&cursor, &ended);
		assert_int_equal(ended, 1);
	}
}

/* --- no client data -------------------------------------------------------- */

static void establish(struct bench *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++, b->port++) {
		(void)pass(b, true, TCP_SYN, 100, 0, 0);
		(void)pass(b, false, TCP_SYN | TCP_ACK, 500, 101, 0);
		assert_true(pass(b, true, TCP_ACK, 101, 501, 0).forward);
	}
}

/* Half a minute passes; how many frames of our own there are then. */
static unsigned silence(struct bench *b, const struct own_frame **ret)
{
	b->now = usec_add(b->now, FLOW_SILENT_S * USEC_PER_SEC);
	assert_false(inspect_age(b->in, b->now));
	return inspect_own_frames(b->in, ret);
}

static void look_for_silence(struct bench *b, enum dpi_action action)
{
	set_threat(b, 2005, true, action);
}

static void assert_is_rst(const struct own_frame *f, bool to_workload)
{
	struct frame frame = { .bytes = f->bytes,
			       .wire_len = bytes_len(f->bytes) };
	struct packet p;

	assert_int_equal(packet_decode(&p, frame), PACKET_OK);
	assert_int_equal(frame_l4_sum(&p), 0);
	assert_int_equal(p.tcp_flags, TCP_RST);
	assert_int_equal(p.tcp_seq, to_workload ? 501 : 101);
	assert_true(f->marked);
	assert_true(mac_equal(f->workload, real_mac));
	assert_int_equal(f->to_workload, to_workload);
	assert_true(mac_equal(to_workload ? p.dst : p.src, mark));
	assert_true(mac_equal(to_workload ? p.src : p.dst, peer_mac));
	assert_int_equal(to_workload ? p.sport : p.dport, PORT);
}

static void test_silent_are_reset(void **state)
{
	struct bench *b = *state;
	const struct own_frame *frames;
	static struct threat_record r;

	look_for_silence(b, DPI_RESET);
	establish(b, SESSIONS);
	/* of those at the same time, the limit is let be */
	assert_int_equal(silence(b, &frames), 2 * (SESSIONS - UPPER));
	for (unsigned i = 0; i < 2 * (SESSIONS - UPPER); i++)
		assert_is_rst(&frames[i], i % 2);
	assert_int_equal(inspect_counts(b->in).replies, 2 * (SESSIONS - UPPER));
	assert_int_equal(threats(b, &r), 1);
	assert_int_equal(r.id, THREAT_NO_CLIENT_DATA);
	assert_int_equal(r.action, DPI_RESET);
	assert_int_equal(r.flags, 0);
	assert_int_equal(r.dst_port, PORT);
	assert_true(ip_equal(r.src, ip_of(OWN)));
	/* nothing more of the last one, but another connection */
	b->port--;
	assert_int_equal(pass(b, true, TCP_ACK, 101, 501, 5).reason,
			 REASON_THREAT);
	assert_false(pass(b, false, TCP_ACK, 501, 101, 5).forward);
	assert_true(pass(b, true, TCP_SYN, 7000, 0, 0).forward);
	/* the first one is told of no more */
	b->port -= SESSIONS - 1;
	assert_true(pass(b, true, TCP_ACK, 101, 501, 5).forward);
	assert_int_equal(silence(b, &frames), 0);
}

static void test_few_or_busy_are_left(void **state)
{
	struct bench *b = *state;
	const struct own_frame *frames;

	look_for_silence(b, DPI_RESET);
	establish(b, UPPER);
	assert_int_equal(silence(b, &frames), 0);
	establish(b, SESSIONS);
	for (unsigned i = 0; i < SESSIONS; i++) {
		b->port--;
		assert_true(pass(b, true, TCP_ACK, 101, 501, 5).forward);
	}
	assert_int_equal(silence(b, &frames), 0);
	assert_int_equal(inspect_counts(b->in).threats.noted, 0);
}

static void test_silence_by_action(void **state)
{
	static const struct {
		bool on, tap;
		enum dpi_action action;
		unsigned noted, frames;
		bool passes;
	} cases[] = {
		{ false, false, DPI_RESET, 0, 0, true },
		{ true, false, DPI_ALLOW, 3, 0, true },
		{ true, false, DPI_DROP, 3, 0, false },
		{ true, false, DPI_RESET, 3, 6, false },
		{ true, true, DPI_RESET, 3, 0, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct own_frame *frames;
		struct verdict v;
		struct bench *b;

		(void)bench_stop(state);
		(void)start(state);
		b = *state;
		set_threat(b, 2005, cases[i].on, cases[i].action);
		establish(b, SESSIONS);
		if (cases[i].tap)
			adopt(b, true);
		assert_int_equal(silence(b, &frames), cases[i].frames);
		assert_int_equal(inspect_counts(b->in).threats.noted,
				 cases[i].noted);
		b->port--;
		v = pass(b, true, TCP_ACK, 101, 501, 5);
		assert_int_equal(v.forward, cases[i].passes);
		assert_int_equal(v.reason == REASON_THREAT,
				 !cases[i].passes && !cases[i].tap);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_split_is_told, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_split_is_dropped, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_roles_stay, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_silent_are_reset, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_few_or_busy_are_left,
						start, bench_stop),
		cmocka_unit_test_setup_teardown(test_silence_by_action, start,
						bench_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
