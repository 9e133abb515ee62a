/*
 * `weir dp explain` and packets must agree: random rule sets and switches, and
 * random connections, asked about (explain_query, snapshot_judge) and sent as
 * a first frame through the pipeline (inspect_frame). The seed is printed;
 * WEIR_SEED=n runs that one.
 */
#include "policy/explain.h"

#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "frames.h"
#include "inspect/inspect.h"
#include "inspect/settings.h"
#include "test.h"

#define PAIRS	100000
#define PACKETS 250 /* to one configuration */
#define RULES	60

static const struct mac own_mac = { { 2, 0, 0, 0, 0, 1 } };
static const struct mac mark = { { 0x4e, 0x65, 0x75, 0x56, 0, 1 } };
static const struct mac other_mac = { { 2, 0, 0, 0, 0, 9 } };

static uint64_t random_state;
static usec_t now;

static uint32_t any(uint32_t below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static bool one_in(uint32_t n)
{
	return any(n) == 0;
}

/* The workload is 10.1.0.5 or ...::5; peers are around it and outside. */
static struct ip_addr own(bool v6)
{
	struct ip_addr a = { { 0xfd, [15] = 5 } };

	return v6 ? a : ip_from_v4(0x0a010005);
}

static struct ip_addr peer(bool v6)
{
	struct ip_addr a = { { 0xfd, [15] = (uint8_t)(6 + any(20)) } };

	if (one_in(3))
		a.b[0] = 0x20;
	if (v6)
		return a;
	return ip_from_v4((a.b[0] == 0x20 ? 0x08080800 : 0x0a010000) + a.b[15]);
}

static uint32_t threats[DPI_ACTION__MAX]; /* met, by action */

static struct rule_spec rule(uint32_t id)
{
	static const uint8_t protos[] = { 0, 1, 6, 6, 17, 58, 132 };
	static const uint8_t actions[] = { POLICY_ALLOW,    POLICY_ALLOW,
					   POLICY_DENY,	    POLICY_DENY,
					   POLICY_LEARN,    POLICY_VIOLATE,
					   POLICY_CHECK_NBE };
	bool v6 = one_in(3), ingress = one_in(2);
	struct ip_addr none = v6 ? (struct ip_addr){ 0 } : ip_from_v4(0);
	struct ip_addr first = peer(v6), last = peer(v6);
	struct rule_spec r = {
		.id = id,
		.port = one_in(2) ? 0 : (uint16_t)(80 + any(4)),
		.proto = protos[any(ARRAY_LEN(protos))],
		.action = actions[any(ARRAY_LEN(actions))],
		.ingress = ingress,
		.reject = one_in(4),
	};

	r.portr = r.port ? (uint16_t)(r.port + any(3)) : UINT16_MAX;
	if (one_in(4))
		first = last = none;
	else if (one_in(2) || ip_compare(last, first) < 0)
		last = first;
	r.sip = ingress ? first : own(v6);
	r.sipr = ingress ? last : own(v6);
	r.dip = ingress ? own(v6) : first;
	r.dipr = ingress ? own(v6) : last;
	if (one_in(8))
		r.action = POLICY_CHECK_APP;
	return r;
}

static struct snapshot *some_snapshot(uint32_t version)
{
	static const uint8_t defaults[] = { POLICY_DENY, POLICY_DENY,
					    POLICY_VIOLATE, POLICY_LEARN };
	static const struct ip_addr fd = { { 0xfd } };
	struct subnet internal[] = {
		{ ip_from_v4(0x0a000000), 96 + 8, 0 },
		{ fd, 8, 0 },
	};
	struct subnet special[] = {
		{ ip_from_v4(0x0a010007), 128, (uint8_t)any(IP_TYPE__MAX) },
		{ ip_from_v4(0x08080809), 128, (uint8_t)any(IP_TYPE__MAX) },
		{ peer(true), 128, (uint8_t)any(IP_TYPE__MAX) },
	};
	struct policy_spec spec = { .n_rules = any(RULES),
				    .defact = defaults[any(4)],
				    .dir = (uint8_t)any(4),
				    .ipv6 = !one_in(4),
				    .reject = one_in(3) };
	struct endpoint e = {
		.used = true, .nbe = one_in(3), .mac = own_mac, .ucmac = mark
	};
	struct snapshot *s;
	struct err err;

	spec.rules = calloc(spec.n_rules + 1, sizeof *spec.rules);
	for (size_t i = 0; i < spec.n_rules; i++)
		spec.rules[i] = rule((uint32_t)i + 1);
	e.policy = policy_compile(&spec, &err);
	assert_non_null(e.policy);
	s = snapshot_build(&(struct snapshot_spec){
		.endpoints = &e,
		.n_endpoints = 1,
		.internal = internal,
		.n_internal = one_in(4) ? 0 : ARRAY_LEN(internal),
		.special = special,
		.n_special = ARRAY_LEN(special),
		.icmp_enforced = one_in(2),
		.net_policy_disabled = one_in(20),
		.detect_unmanaged = one_in(2),
		.strict_group_mode = one_in(2),
		.version = version,
	});
	policy_put(e.policy);
	assert_non_null(s);
	return s;
}

static struct explain_spec some_connection(bool *ret_ingress)
{
	static const uint8_t protos[] = { PROTO_TCP, PROTO_TCP, PROTO_UDP,
					  PROTO_ICMP };
	bool v6 = one_in(3), ingress = one_in(2);
	struct ip_addr a = peer(v6), b = own(v6);
	struct explain_spec e = { .from = ingress ? a : b,
				  .to = ingress ? b : a,
				  .proto = protos[any(ARRAY_LEN(protos))],
				  .port = (uint16_t)(79 + any(8)) };

	if (e.proto == PROTO_ICMP) {
		e.proto = v6 ? PROTO_ICMPV6 : PROTO_ICMP;
		e.port = 0;
	}
	*ret_ingress = ingress;
	return e;
}

static struct verdict send_first(struct inspect *in,
				 const struct explain_spec *e, bool ingress,
				 uint8_t buf[static FRAME_SPEC_MAX])
{
	char from[IP_TEXT_MAX], to[IP_TEXT_MAX];
	struct frame_spec f = {
		.src = ingress ? other_mac : mark,
		.dst = ingress ? mark : other_mac,
		.saddr = ip_format(e->from, from),
		.daddr = ip_format(e->to, to),
		.proto = e->proto,
		.sport = 40000,
		.dport = e->port,
		.flags = TCP_SYN,
		.icmp_type = e->proto == PROTO_ICMPV6 ? 128 : 8,
		.icmp_id = 7,
	};
	size_t len = frame_make(buf, &f);

	/* Seldom enough that no meter has anything to say. */
	now = usec_add(now, 10 * USEC_PER_SEC);
	return inspect_frame(
		in,
		(struct frame){ .bytes = bytes_of(buf, len), .wire_len = len },
		now);
}

/* What the pipeline remembers of the rule: a flow, or the newest block. */
static void assert_rule(struct inspect *in, const struct judgement *want,
			bool passes)
{
	static struct block_record blocks[BLOCKS_MAX];
	struct session_record flow;
	uint32_t cursor = 0;

	if (!passes) {
		assert_true(inspect_copy_blocks(in, blocks) > 0);
		assert_int_equal(blocks[0].rule_id, want->rule_id);
		return;
	}
	assert_int_equal(inspect_copy_flows(in, &cursor, now, &flow, 1), 1);
	assert_int_equal(flow.policy_id, want->rule_id);
	assert_int_equal(flow.policy_action, want->action);
	assert_int_equal(flow.flags & want->flags, want->flags);
}

static void end_flows(struct inspect *in)
{
	struct flow_pick pick = { FLOW_PICK_ALL, 0 };
	uint32_t cursor = 0, n = 0;

	while (inspect_end_flows(in, pick, &cursor, &n))
		;
	inspect_forget_endpoint(in, 0); /* its blocks */
}

/* What is to be done about an external address of a service. */
static struct inspect_settings some_settings(void)
{
	static const uint8_t actions[] = { DPI_ALLOW, DPI_DROP, DPI_RESET };
	struct inspect_settings s = inspect_settings_default();

	for (unsigned i = 0; i < THREAT_KINDS; i++)
		if (threat_kind_at(i)->id == THREAT_EXTERNAL_IP)
			s.threats[i] = (struct threat_setting){
				!one_in(4), actions[any(ARRAY_LEN(actions))]
			};
	return s;
}

/* One connection: does the pipeline do what explain says? */
static void one_pair(struct inspect *in, const struct snapshot *s,
		     const struct inspect_settings *settings,
		     uint32_t by[static EXPLAIN__MAX])
{
	static uint8_t buf[FRAME_SPEC_MAX];
	bool ingress;
	struct explain_spec e = some_connection(&ingress);
	struct policy_query q = explain_query(&e, ingress);
	struct judgement want = snapshot_judge(s, 0, &q);
	enum dpi_action threat = inspect_settings_judged(settings, &want);
	bool denied = want.action == POLICY_DENY;
	bool stopped = dpi_action_drops(threat) && !denied;
	bool answered = (denied && want.reject) ||
			(threat == DPI_RESET && e.proto == PROTO_TCP);
	struct verdict got = send_first(in, &e, ingress, buf);

	assert_int_equal(got.forward, !denied && !stopped);
	assert_string_equal(reason_name(got.reason),
			    stopped ? "threat" : reason_name(want.reason));
	assert_int_equal(got.n_send > 0, answered);
	assert_rule(in, &want, got.forward);
	by[explain_by(&want)]++;
	threats[threat]++;
}

static void test_agree(void **state)
{
	struct inspect *in = inspect_new(
		&(struct inspect_options){ .max_flows = FLOWS_MIN, .seed = 1 });
	uint32_t by[EXPLAIN__MAX] = { 0 };
	struct snapshot *before = NULL;

	assert_non_null(in);
	for (uint32_t done = 0; done < PAIRS; done += PACKETS) {
		struct snapshot *s = some_snapshot(done + 1);
		struct inspect_settings settings = some_settings();

		inspect_configure(in, &settings);
		(void)inspect_adopt(in, s);
		snapshot_free(before);
		before = s;
		for (int i = 0; i < PACKETS; i++) {
			one_pair(in, s, &settings, by);
			end_flows(in);
		}
	}
	print_message("# by rule %u, by switch %u, by default %u\n",
		      by[EXPLAIN_RULE], by[EXPLAIN_SWITCH],
		      by[EXPLAIN_DEFAULT]);
	for (int i = 0; i < EXPLAIN__MAX; i++)
		assert_true(by[i] > PAIRS / 20);
	for (int i = DPI_NONE; i <= DPI_RESET; i++)
		assert_true(threats[i] > 0);
	inspect_free(in);
	snapshot_free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agree),
	};
	const char *given = getenv("WEIR_SEED");

	random_state = given ? strtoull(given, NULL, 0)
			     : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL;
	print_message("# WEIR_SEED=%llu\n", (unsigned long long)random_state);
	random_state |= 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
