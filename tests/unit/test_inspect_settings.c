/*
 * What settings do to a pipeline that is running.
 */
#include "inspect/settings.h"

#include "base/limits.h"
#include "bench.h"
#include "test.h"

#define MF 0x2000

/* One workload without a policy. */
static int start(void **state)
{
	*state = bench_new(FLOWS_MIN);
	bench_adopt(*state, NULL, false, NULL);
	return 0;
}

/* To the workload, from a port that was not used yet. */
static struct frame_spec opens(struct bench *b, uint8_t proto)
{
	struct frame_spec s = bench_frame(false, PEER, proto, 80, b->port++);

	s.flags = TCP_SYN;
	return s;
}

static void test_meter(void **state)
{
	struct bench *b = *state;
	struct meter_rule *syn = &b->settings.meters.rule[METER_SYN_FLOOD];

	assert_int_equal(bench_reason(b, opens(b, PROTO_TCP)),
			 REASON_NO_POLICY);
	syn->upper = 2;
	syn->lower = 1;
	inspect_configure(b->in, &b->settings);
	assert_int_equal(bench_reason(b, opens(b, PROTO_TCP)),
			 REASON_NO_POLICY);
	assert_int_equal(bench_reason(b, opens(b, PROTO_TCP)), -REASON_FLOOD);
	syn->upper = 3;
	inspect_configure(b->in, &b->settings);
	assert_int_equal(bench_reason(b, opens(b, PROTO_TCP)),
			 REASON_NO_POLICY);
	assert_int_equal(bench_reason(b, opens(b, PROTO_TCP)), -REASON_FLOOD);
	syn->enabled = false;
	inspect_configure(b->in, &b->settings);
	assert_int_equal(bench_reason(b, opens(b, PROTO_TCP)),
			 REASON_NO_POLICY);
	/* one that is not enabled at first */
	b->settings.meters.rule[METER_UDP_FLOOD].enabled = true;
	b->settings.meters.rule[METER_UDP_FLOOD].upper = 1;
	b->settings.meters.rule[METER_UDP_FLOOD].lower = 1;
	inspect_configure(b->in, &b->settings);
	assert_int_equal(bench_reason(b, opens(b, PROTO_UDP)),
			 REASON_NO_POLICY);
	assert_int_equal(bench_reason(b, opens(b, PROTO_UDP)), -REASON_FLOOD);
}

static struct threat_setting *threat(struct bench *b, uint32_t id)
{
	for (unsigned i = 0; i < THREAT_KINDS; i++)
		if (threat_kind_at(i)->id == id)
			return &b->settings.threats[i];
	fail();
	return NULL;
}

static int syn_with_data(struct bench *b)
{
	struct frame_spec s = opens(b, PROTO_TCP);

	s.payload_len = 3;
	return bench_reason(b, s);
}

static void test_threat(void **state)
{
	struct bench *b = *state;
	struct threat_setting *t = threat(b, THREAT_SYN_WITH_DATA);

	assert_int_equal(syn_with_data(b), REASON_NO_POLICY);
	assert_int_equal(inspect_counts(b->in).threats.noted, 0);
	t->enabled = true;
	inspect_configure(b->in, &b->settings);
	assert_int_equal(syn_with_data(b), -REASON_THREAT);
	assert_int_equal(inspect_counts(b->in).threats.noted, 1);
	t->action = DPI_ALLOW;
	inspect_configure(b->in, &b->settings);
	assert_int_equal(syn_with_data(b), REASON_NO_POLICY);
	assert_int_equal(inspect_counts(b->in).threats.noted, 2);
	t->enabled = false;
	inspect_configure(b->in, &b->settings);
	assert_int_equal(syn_with_data(b), REASON_NO_POLICY);
	assert_int_equal(inspect_counts(b->in).threats.noted, 2);
}

static void set_meter(struct bench *b, enum meter_kind kind, uint32_t upper)
{
	b->settings.meters.rule[kind].upper = upper;
	b->settings.meters.rule[kind].lower = upper;
}

/* Each of these meets its threat by its last frame; what becomes of that. */
static int syn_flood(struct bench *b)
{
	set_meter(b, METER_SYN_FLOOD, 1);
	inspect_configure(b->in, &b->settings);
	assert_int_equal(bench_reason(b, opens(b, PROTO_TCP)),
			 REASON_NO_POLICY);
	return bench_reason(b, opens(b, PROTO_TCP));
}

static int icmp_flood(struct bench *b)
{
	struct frame_spec ping = opens(b, PROTO_ICMP);

	ping.icmp_type = 8;
	ping.icmp_id = 7;
	set_meter(b, METER_ICMP_FLOOD, 1);
	inspect_configure(b->in, &b->settings);
	assert_int_equal(bench_reason(b, ping), REASON_NO_POLICY);
	return bench_reason(b, ping);
}

static int many_sessions(struct bench *b)
{
	set_meter(b, METER_SOURCE_SESSIONS, 1);
	inspect_configure(b->in, &b->settings);
	assert_int_equal(bench_reason(b, opens(b, PROTO_TCP)),
			 REASON_NO_POLICY);
	return bench_reason(b, opens(b, PROTO_TCP));
}

static int one_syn_with_data(struct bench *b)
{
	inspect_configure(b->in, &b->settings);
	return syn_with_data(b);
}

static const struct {
	uint32_t id;
	int (*meet)(struct bench *b);
	enum reason why; /* where it is dropped */
	bool known;	 /* it is of a flow that there was before */
	enum dpi_action action;
	unsigned answers;
} threat_rows[] = {
	{ 1001, syn_flood, REASON_FLOOD, false, DPI_DROP, 0 },
	{ 1001, syn_flood, REASON_FLOOD, false, DPI_ALLOW, 0 },
	{ 1002, icmp_flood, REASON_FLOOD, true, DPI_DROP, 0 },
	{ 1002, icmp_flood, REASON_FLOOD, true, DPI_ALLOW, 0 },
	{ 1003, many_sessions, REASON_FLOOD, false, DPI_DROP, 0 },
	{ 1003, many_sessions, REASON_FLOOD, false, DPI_RESET, 1 },
	{ 1003, many_sessions, REASON_FLOOD, false, DPI_ALLOW, 0 },
	{ 2003, one_syn_with_data, REASON_THREAT, false, DPI_DROP, 0 },
	{ 2003, one_syn_with_data, REASON_THREAT, false, DPI_RESET, 1 },
	{ 2003, one_syn_with_data, REASON_THREAT, false, DPI_ALLOW, 0 },
};

/* Of the flows, and of what is told of them, so many are marked with it. */
static void assert_marked(struct bench *b, size_t row, unsigned want)
{
	struct session_record flows[4];
	struct connection_record told[4];
	uint32_t cursor = 0;
	size_t n = inspect_copy_flows(b->in, &cursor, b->now, flows, 4);
	uint8_t severity = threat_kind_find(threat_rows[row].id)->severity;
	unsigned marked = 0, reported = 0;

	for (size_t i = 0; i < n; i++)
		if (flows[i].threat == threat_rows[row].id) {
			assert_int_equal(flows[i].severity, severity);
			marked++;
		}
	n = inspect_drain_connections(b->in, told, 4);
	for (size_t i = 0; i < n; i++)
		if (told[i].threat_id == threat_rows[row].id) {
			assert_int_equal(told[i].severity, severity);
			reported++;
		}
	assert_int_equal(marked, want);
	assert_int_equal(reported, want);
}

/* Stopped: by this, once. Else there is none. */
static void assert_blocked(struct bench *b, size_t row, bool stopped)
{
	static struct block_record blocks[BLOCKS_MAX];
	size_t n = inspect_copy_blocks(b->in, blocks);

	assert_int_equal(n, stopped);
	if (!n)
		return;
	assert_int_equal(blocks[0].threat, threat_rows[row].id);
	assert_int_equal(blocks[0].reason, threat_rows[row].why);
	assert_int_equal(blocks[0].action, 0);
	assert_int_equal(blocks[0].count, 1);
	assert_true(ip_equal(blocks[0].from, ip_of(PEER)));
	assert_true(ip_equal(blocks[0].to, ip_of(OWN)));
	assert_int_equal(blocks[0].to_port,
			 threat_rows[row].id == 1002 ? 8 << 8 : 80);
}

static void test_threat_actions(void **state)
{
	static struct threat_record logged[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(threat_rows); i++) {
		enum dpi_action action = threat_rows[i].action;
		bool stopped = dpi_action_drops(action);
		void *fresh;
		struct bench *b;

		(void)start(&fresh);
		b = fresh;
		*threat(b, threat_rows[i].id) =
			(struct threat_setting){ true, (uint8_t)action };
		assert_int_equal(threat_rows[i].meet(b),
				 stopped ? -(int)threat_rows[i].why
					 : REASON_NO_POLICY);
		assert_int_equal(b->verdict.n_send, threat_rows[i].answers);
		assert_int_equal(inspect_drain_threats(b->in, logged, 2), 1);
		assert_int_equal(logged[0].id, threat_rows[i].id);
		assert_int_equal(logged[0].action, action);
		assert_blocked(b, i, stopped);
		assert_marked(b, i, !stopped || threat_rows[i].known);
		bench_free(b);
	}
}

/* A connection on old ports is another one: it met what its own SYN met. */
static void test_threat_of_reopened(void **state)
{
	struct bench *b = *state;
	struct frame_spec syn, rst;
	struct session_record flows[4];
	uint32_t cursor = 0;
	unsigned marked = 0;
	size_t n;

	*threat(b, 1003) = (struct threat_setting){ true, DPI_ALLOW };
	set_meter(b, METER_SOURCE_SESSIONS, 1);
	inspect_configure(b->in, &b->settings);
	assert_int_equal(bench_reason(b, opens(b, PROTO_TCP)),
			 REASON_NO_POLICY);
	syn = opens(b, PROTO_TCP);
	syn.seq = 100;
	assert_int_equal(bench_reason(b, syn), REASON_NO_POLICY);
	rst = bench_frame(true, PEER, PROTO_TCP, 80, syn.sport);
	rst.flags = TCP_RST | TCP_ACK;
	rst.ack = 101;
	assert_int_equal(bench_reason(b, rst), REASON_NO_POLICY);
	assert_int_equal(b->ended, 0);
	syn.seq = 90000;
	assert_int_equal(bench_reason(b, syn), REASON_NO_POLICY);
	assert_int_equal(b->ended, 1);
	assert_int_equal(b->last_ended.threat, 1003);
	n = inspect_copy_flows(b->in, &cursor, b->now, flows, 4);
	for (size_t i = 0; i < n; i++)
		marked += flows[i].threat == 1003;
	assert_int_equal(n, 2);
	assert_int_equal(marked, 1);
}

/* A limit whose threat nobody looks for holds all the same, and is untold. */
static void test_meter_alone(void **state)
{
	struct bench *b = *state;

	threat(b, 1001)->enabled = false;
	threat(b, 1001)->action = DPI_ALLOW;
	assert_int_equal(syn_flood(b), -REASON_FLOOD);
	assert_int_equal(inspect_counts(b->in).threats.noted, 0);
}

/* A tapped workload is told of, whatever the action, and nothing is answered. */
static void test_threat_watched(void **state)
{
	static struct threat_record logged[2];
	struct bench *b = *state;

	bench_adopt(b, NULL, true, NULL);
	*threat(b, 2003) = (struct threat_setting){ true, DPI_RESET };
	assert_int_equal(one_syn_with_data(b), -REASON_TAP);
	assert_int_equal(b->verdict.n_send, 0);
	assert_int_equal(inspect_drain_threats(b->in, logged, 2), 1);
	assert_int_equal(logged[0].action, DPI_RESET);
}

static void test_flows_full(void **state)
{
	struct bench *b = *state;
	struct frame_spec first = opens(b, PROTO_UDP);

	assert_int_equal(bench_reason(b, first), REASON_NO_POLICY);
	for (int i = 1; i < FLOWS_MIN; i++)
		assert_int_equal(bench_reason(b, opens(b, PROTO_UDP)),
				 REASON_NO_POLICY);
	assert_int_equal(inspect_counts(b->in).flows.total, FLOWS_MIN);
	assert_int_equal(inspect_counts(b->in).stateless, 0);
	assert_int_equal(bench_reason(b, opens(b, PROTO_UDP)),
			 REASON_NO_POLICY);
	assert_int_equal(inspect_counts(b->in).stateless, 1);
	b->settings.flows_full = FLOWS_FULL_DROP;
	inspect_configure(b->in, &b->settings);
	assert_int_equal(bench_reason(b, opens(b, PROTO_UDP)),
			 -REASON_FLOW_TABLE_FULL);
	assert_int_equal(inspect_counts(b->in).stateless, 1);
	assert_int_equal(inspect_counts(b->in).dropped[REASON_FLOW_TABLE_FULL],
			 1);
	/* what is known goes on */
	assert_int_equal(bench_reason(b, first), REASON_NO_POLICY);
	/* what is only watched is nothing to be dropped */
	bench_adopt(b, NULL, true, NULL);
	assert_int_equal(bench_reason(b, opens(b, PROTO_UDP)), -REASON_TAP);
	assert_int_equal(inspect_counts(b->in).stateless, 2);
}

/* Nothing of a workload that no policy speaks of goes on, if that is wanted. */
static void test_policy_absent(void **state)
{
	struct bench *b = *state;
	struct frame_spec known = opens(b, PROTO_UDP), group;
	struct policy *allows;
	struct err err;

	assert_int_equal(bench_reason(b, known), REASON_NO_POLICY);
	group = opens(b, PROTO_UDP);
	group.daddr = "224.0.0.251";
	assert_int_equal(bench_reason(b, group), REASON_MULTICAST);
	b->settings.policy_absent = POLICY_ABSENT_DROP;
	inspect_configure(b->in, &b->settings);
	/* a flow that was let go before, too, and what is never judged */
	assert_int_equal(bench_reason(b, known), -REASON_POLICY_ABSENT);
	assert_int_equal(bench_reason(b, opens(b, PROTO_TCP)),
			 -REASON_POLICY_ABSENT);
	assert_int_equal(bench_reason(b, group), -REASON_POLICY_ABSENT);
	/* what is only watched is still seen */
	bench_adopt(b, NULL, true, NULL);
	assert_int_equal(bench_reason(b, opens(b, PROTO_UDP)), -REASON_TAP);
	allows = policy_compile(
		&(struct policy_spec){ .defact = POLICY_ALLOW, .dir = 3 },
		&err);
	bench_adopt(b, allows, false, NULL);
	assert_true(bench_reason(b, opens(b, PROTO_UDP)) > 0);
	bench_adopt(b, NULL, false, NULL);
	assert_int_equal(bench_reason(b, opens(b, PROTO_UDP)),
			 -REASON_POLICY_ABSENT);
}

/* A datagram of three pieces; then another piece over the second. */
static int overlapping(struct bench *b, uint16_t id)
{
	struct frame_spec first = opens(b, PROTO_UDP), second, over;

	first.id = id;
	first.frag = MF;
	first.payload_len = 16;
	second = first;
	second.no_l4 = true;
	second.frag = MF | 3;
	over = second;
	over.frag = MF | 4;
	assert_int_equal(bench_reason(b, first), -REASON_FRAG_HELD);
	assert_int_equal(bench_reason(b, second), -REASON_FRAG_HELD);
	assert_int_equal(bench_reason(b, over), -REASON_FRAG_OVERLAP);
	second.frag = 5; /* the last */
	return bench_reason(b, second);
}

static void test_fragments(void **state)
{
	struct bench *b = *state;

	assert_int_equal(overlapping(b, 7), -REASON_FRAG_DEAD);
	b->settings.fragments_overlap = DEFRAG_OVERLAP_FIRST;
	inspect_configure(b->in, &b->settings);
	assert_int_equal(overlapping(b, 8), REASON_NO_POLICY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_meter, start, bench_stop),
		cmocka_unit_test_setup_teardown(test_threat, start, bench_stop),
		cmocka_unit_test(test_threat_actions),
		cmocka_unit_test_setup_teardown(test_threat_of_reopened, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_meter_alone, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_threat_watched, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_flows_full, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_policy_absent, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_fragments, start,
						bench_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
