/*
 * The whole pipeline: frames in, verdicts out.
 */
#include "inspect/inspect.h"

#include <stdlib.h>

#include "bench.h"
#include "test.h"

#define ALLOWED 80
#define DENIED	81
#define REFUSED 82 /* denied, and answered */
#define MF	0x2000

static struct rule_spec rule(uint32_t id, uint16_t port, uint8_t action,
			     bool reject)
{
	return (struct rule_spec){ .id = id,
				   .sip = ip_of(OWN),
				   .sipr = ip_of(OWN),
				   .dip = ip_of(PEER),
				   .dipr = ip_of(PEER),
				   .port = port,
				   .portr = port,
				   .action = action,
				   .reject = reject };
}

/* allowed_action: that of port ALLOWED. */
static void adopt(struct bench *b, uint8_t allowed_action, bool tap)
{
	struct policy_spec spec = { .defact = POLICY_DENY, .dir = 3 };
	struct err err;

	spec.rules = calloc(3, sizeof *spec.rules);
	assert_non_null(spec.rules);
	spec.rules[spec.n_rules++] = rule(10, ALLOWED, allowed_action, false);
	spec.rules[spec.n_rules++] = rule(11, DENIED, POLICY_DENY, false);
	spec.rules[spec.n_rules++] = rule(12, REFUSED, POLICY_DENY, true);
	bench_adopt(b, policy_compile(&spec, &err), tap, NULL);
}

static int start(void **state)
{
	*state = bench_new(FLOWS_MIN);
	adopt(*state, POLICY_ALLOW, false);
	return 0;
}

static struct frame_spec from_own(uint8_t proto, uint16_t dport)
{
	return bench_frame(true, PEER, proto, 4000, dport);
}

static struct frame_spec to_own(uint8_t proto, uint16_t sport)
{
	return bench_frame(false, PEER, proto, 4000, sport);
}

static struct frame_spec tcp(bool own, uint16_t port, uint8_t flags,
			     uint32_t seq, uint32_t ack)
{
	struct frame_spec s = own ? from_own(PROTO_TCP, port)
				  : to_own(PROTO_TCP, port);

	s.flags = flags;
	s.seq = seq;
	s.ack = ack;
	return s;
}

#define PASS(b, forwarded, why, ...)                            \
	do {                                                    \
		struct frame_spec s_ = __VA_ARGS__;             \
		struct verdict v_ = bench_pass(b, &s_);         \
		assert_string_equal(reason_name(v_.reason),     \
				    reason_name(REASON_##why)); \
		assert_true(v_.forward == (forwarded));         \
	} while (0)

static uint32_t end_flows(struct bench *b)
{
	uint32_t cursor = 0, n = 0;

	while (inspect_end_flows(b->in, (struct flow_pick){ FLOW_PICK_ALL, 0 },
				 &cursor, &n))
		continue;
	return n;
}

static void handshake(struct bench *b)
{
	PASS(b, true, RULE, tcp(true, ALLOWED, TCP_SYN, 100, 0));
	PASS(b, true, RULE, tcp(false, ALLOWED, TCP_SYN | TCP_ACK, 500, 101));
	PASS(b, true, RULE, tcp(true, ALLOWED, TCP_ACK, 101, 501));
}

static struct packet sent(const struct verdict *v, unsigned i)
{
	struct packet p;
	struct frame f = { .bytes = v->send[i].bytes,
			   .wire_len = bytes_len(v->send[i].bytes) };

	assert_int_equal(packet_decode(&p, f), PACKET_OK);
	assert_int_equal(frame_l4_sum(&p), 0);
	return p;
}

static void test_allowed_and_denied(void **state)
{
	struct bench *b = *state;
	struct block_record blocks[BLOCKS_MAX];

	handshake(b);
	PASS(b, false, RULE, tcp(true, DENIED, TCP_SYN, 100, 0));
	PASS(b, false, RULE, tcp(true, DENIED, TCP_SYN, 100, 0));
	PASS(b, false, DEFAULT, from_own(PROTO_UDP, 53));
	/* A denied frame makes no flow. */
	assert_int_equal(inspect_counts(b->in).flows.total, 1);
	assert_int_equal(inspect_counts(b->in).forwarded[REASON_RULE], 3);
	assert_int_equal(inspect_counts(b->in).dropped[REASON_RULE], 2);
	assert_int_equal(inspect_counts(b->in).frames_in, 1);
	assert_int_equal(inspect_counts(b->in).frames_out, 5);
	/* Newest first, one for each. */
	assert_int_equal(inspect_copy_blocks(b->in, blocks), 2);
	assert_int_equal(blocks[0].reason, REASON_DEFAULT);
	assert_int_equal(blocks[0].to_port, 53);
	assert_int_equal(blocks[1].rule_id, 11);
	assert_int_equal(blocks[1].count, 2);
	assert_true(mac_equal(blocks[1].ep_mac, real_mac));
	assert_int_equal(end_flows(b), 1);
	assert_int_equal(b->ended, 1);
	inspect_forget_endpoint(b->in, 0);
	assert_int_equal(inspect_copy_blocks(b->in, blocks), 0);
}

static void test_rejected(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = tcp(true, REFUSED, TCP_SYN, 100, 0);
	struct verdict v = bench_pass(b, &s);
	struct packet p;

	assert_false(v.forward);
	assert_int_equal(v.n_send, 1);
	p = sent(&v, 0);
	assert_int_equal(p.tcp_flags, TCP_RST | TCP_ACK);
	assert_int_equal(p.tcp_ack, 101);
	assert_true(mac_equal(p.dst, mark));
	s = from_own(PROTO_UDP, REFUSED);
	v = bench_pass(b, &s);
	assert_int_equal(v.n_send, 1);
	p = sent(&v, 0);
	assert_int_equal(p.icmp_type, 3);
	assert_int_equal(p.icmp_code, 13);
	assert_int_equal(inspect_counts(b->in).replies, 2);
}

static void test_tap(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = tcp(true, REFUSED, TCP_SYN, 100, 0);

	adopt(b, POLICY_ALLOW, true);
	PASS(b, false, TAP, tcp(true, ALLOWED, TCP_SYN, 100, 0));
	assert_int_equal(inspect_counts(b->in).flows.total, 1);
	assert_int_equal(bench_pass(b, &s).n_send, 0);
}

static void test_not_judged(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = from_own(PROTO_UDP, 53);

	s.src = real_mac; /* live, only marks count */
	PASS(b, false, NO_ENDPOINT, s);
	s = from_own(PROTO_UDP, 53);
	s.daddr = "224.0.0.251";
	PASS(b, true, MULTICAST, s);
	s = from_own(PROTO_UDP, 53);
	s.tags[0] = s.tags[1] = s.tags[2] = 3;
	PASS(b, false, VLAN_DEPTH, s);
	PASS(b, false, TCP_FLAGS, tcp(true, ALLOWED, 0, 1, 1));
}

static void test_policy_change(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = tcp(true, ALLOWED, TCP_ACK, 101, 501);
	struct verdict v;

	handshake(b);
	adopt(b, POLICY_DENY, false);
	v = bench_pass(b, &s);
	assert_false(v.forward);
	assert_int_equal(v.n_send, 2);
	assert_true(sent(&v, 0).tcp_flags & TCP_RST);
	assert_true(mac_equal(sent(&v, 0).dst, mark));
	assert_true(sent(&v, 1).tcp_flags & TCP_RST);
	assert_true(mac_equal(sent(&v, 1).dst, peer_mac));
	/* Told once; blocked it stays. */
	v = bench_pass(b, &s);
	assert_false(v.forward);
	assert_int_equal(v.n_send, 0);
	PASS(b, false, RULE, tcp(false, ALLOWED, TCP_ACK, 501, 101));
	assert_int_equal(inspect_counts(b->in).flows.total, 1);
	adopt(b, POLICY_ALLOW, false);
	PASS(b, true, RULE, s);
}

static void test_fragments(void **state)
{
	struct bench *b = *state;
	struct frame_spec first = from_own(PROTO_UDP, ALLOWED), later;
	struct verdict v;

	first.id = 7;
	first.frag = MF;
	first.payload_len = 16;
	later = first;
	later.frag = 3;
	later.no_l4 = true;
	PASS(b, false, FRAG_HELD, later);
	v = bench_pass(b, &first);
	assert_true(v.forward);
	assert_string_equal(reason_name(v.reason), "rule");
	assert_int_equal(v.n_release, 2);
	assert_int_equal(inspect_counts(b->in).held, 1);
	assert_int_equal(inspect_counts(b->in).forwarded[REASON_RULE], 2);
	/* denied: all of it */
	first.id = later.id = 9;
	first.dport = DENIED;
	PASS(b, false, FRAG_HELD, first);
	PASS(b, false, RULE, later);
	assert_int_equal(inspect_counts(b->in).dropped[REASON_RULE], 2);
	/* never complete */
	later.id = 8;
	PASS(b, false, FRAG_HELD, later);
	inspect_age(b->in, usec_add(b->now, 11 * USEC_PER_SEC));
	assert_int_equal(inspect_counts(b->in).dropped[REASON_FRAG_NO_FIRST],
			 1);
	assert_int_equal(inspect_counts(b->in).flows.total, 1);
}

static void test_icmp_errors(void **state)
{
	struct bench *b = *state;
	struct frame_spec asked = from_own(PROTO_UDP, ALLOWED), error;
	uint8_t inner[FRAME_SPEC_MAX];

	(void)frame_make(inner, &asked);
	error = to_own(PROTO_ICMP, 0);
	error.saddr = "10.1.0.1"; /* a router on the way */
	error.icmp_type = 3;
	error.icmp_code = 1;
	error.payload = inner + 14;
	error.payload_len = 28;
	PASS(b, false, ICMP_UNRELATED, error);
	PASS(b, true, RULE, asked);
	PASS(b, true, ICMP_RELATED, error);
	/* by the policy of now, not by that of the flow's last packet */
	adopt(b, POLICY_DENY, false);
	PASS(b, false, ICMP_UNRELATED, error);
	PASS(b, false, RULE, asked);
	PASS(b, false, ICMP_UNRELATED, error);
}

static void test_flow_end(void **state)
{
	struct bench *b = *state;
	struct session_record r[4];
	uint32_t cursor = 0;

	PASS(b, true, RULE, from_own(PROTO_UDP, ALLOWED));
	PASS(b, true, RULE, to_own(PROTO_UDP, ALLOWED));
	assert_int_equal(inspect_copy_flows(b->in, &cursor, b->now, r, 4), 1);
	assert_int_equal(r[0].client_port, 4000);
	assert_int_equal(r[0].policy_id, 10);
	assert_int_equal(r[0].flags & SESSION_INGRESS, 0);
	inspect_age(b->in, usec_add(b->now, 30 * USEC_PER_SEC - 1));
	assert_int_equal(b->ended, 0);
	inspect_age(b->in, usec_add(b->now, 30 * USEC_PER_SEC));
	assert_int_equal(b->ended, 1);
	assert_int_equal(b->last_ended.client_packets, 1);
	assert_int_equal(b->last_ended.server_packets, 1);
	assert_int_equal(b->last_ended.idle_s, 30);
	assert_int_equal(end_flows(b), 0);
}

/* A unicast packet in a broadcast frame is judged; an IP group is not. */
static void test_group_frames(void **state)
{
	struct bench *b = *state;
	static const struct mac all = { { 255, 255, 255, 255, 255, 255 } };
	struct frame_spec s = from_own(PROTO_UDP, DENIED);

	s.dst = all;
	PASS(b, false, RULE, s);
	s.daddr = "10.255.255.255";
	PASS(b, false, DEFAULT, s);
	s.daddr = "255.255.255.255";
	PASS(b, true, MULTICAST, s);
	s.daddr = "224.0.0.251";
	PASS(b, true, MULTICAST, s);
	/* the broadcast mark stands for the workload as a destination only */
	PASS(b, true, RULE, from_own(PROTO_UDP, ALLOWED));
	s = to_own(PROTO_UDP, ALLOWED);
	s.dst = broadcast_mark;
	PASS(b, true, RULE, s);
	s.src = broadcast_mark;
	s.dst = peer_mac;
	PASS(b, false, NO_ENDPOINT, s);
}

/* Two sessions were, and of the denied one there is a violation, no session. */
static void assert_told_once(struct bench *b)
{
	struct connection_record r[4];
	struct stats_record sum = { 0 };
	uint32_t sessions = 0, violations = 0;
	size_t n = inspect_drain_connections(b->in, r, 4);

	for (size_t i = 0; i < n; i++) {
		sessions += r[i].sessions;
		violations += r[i].violations;
		if (r[i].violations)
			assert_int_equal(r[i].application,
					 APPLICATION_NOT_CHECKED);
	}
	/* the second is one, too: its server answered, with a reset */
	assert_int_equal(sessions, 2);
	assert_int_equal(violations, 1);
	inspect_add_device_traffic(b->in, b->now, &sum);
	assert_int_equal(sum.total.sessions_out, 2);
	assert_int_equal(sum.sessions_now_out, 0);
}

static const char *by_port(struct bench *b, const struct frame_port *port,
			   struct frame_spec s)
{
	size_t len = frame_make(b->buf, &s);
	struct frame f = { .bytes = bytes_of(b->buf, len),
			   .wire_len = len,
			   .port = port };

	b->now = usec_add(b->now, 1000);
	return reason_name(inspect_frame(b->in, f, b->now).reason);
}

/* A pair: the side tells the way, and no address can contradict it. */
static void test_pair(void **state)
{
	struct bench *b = *state;
	static const struct mac all = { { 255, 255, 255, 255, 255, 255 } };
	struct frame_port inside = { .kind = FRAME_PORT_PAIR,
				     .workload = real_mac,
				     .inside = true };
	struct frame_port outside = inside;
	struct frame_spec s = from_own(PROTO_UDP, ALLOWED);

	outside.inside = false;
	s.src = real_mac;
	assert_string_equal(by_port(b, &inside, s), "rule");
	assert_string_equal(by_port(b, &outside, s), "no_endpoint");
	s.dst = real_mac;
	assert_string_equal(by_port(b, &outside, s), "no_endpoint");
	s.src = peer_mac;
	s.dst = all;
	assert_string_equal(by_port(b, &inside, s), "no_endpoint");
	outside.quarantined = true;
	assert_string_equal(by_port(b, &outside, s), "quarantined");
	s.daddr = "224.0.0.251";
	assert_string_equal(by_port(b, &outside, s), "multicast");
}

/* Judged as always, but the other side is lost: it is a drop, and told so. */
static void test_no_way_on(void **state)
{
	struct bench *b = *state;
	struct frame_port inside = { .kind = FRAME_PORT_PAIR,
				     .workload = real_mac,
				     .inside = true,
				     .no_way_on = true };
	struct frame_spec s = from_own(PROTO_UDP, ALLOWED);

	s.src = real_mac;
	assert_string_equal(by_port(b, &inside, s), "iface_tx");
	assert_int_equal(inspect_counts(b->in).dropped[REASON_IFACE_TX], 1);
	assert_int_equal(inspect_counts(b->in).forwarded[REASON_RULE], 0);
	s.dport = DENIED;
	assert_string_equal(by_port(b, &inside, s), "rule");
	inside.no_way_on = false;
	s.dport = ALLOWED;
	assert_string_equal(by_port(b, &inside, s), "rule");
	assert_int_equal(inspect_counts(b->in).forwarded[REASON_RULE], 1);
}

/* What the device tells of families and protocols. */
static void test_packets_counted(void **state)
{
	struct bench *b = *state;
	struct frame_spec six = from_own(PROTO_UDP, ALLOWED);
	struct inspect_counts c;

	handshake(b);
	PASS(b, true, RULE, tcp(true, ALLOWED, TCP_ACK, 101, 501));
	PASS(b, false, RULE, tcp(true, DENIED, TCP_SYN, 100, 0));
	PASS(b, false, RULE, tcp(true, DENIED, TCP_ACK, 101, 1));
	PASS(b, true, RULE, from_own(PROTO_UDP, ALLOWED));
	PASS(b, false, DEFAULT, from_own(PROTO_GRE, 0));
	six.saddr = "fd00::5";
	six.daddr = "fd00::6";
	(void)bench_pass(b, &six);
	c = inspect_counts(b->in);
	assert_int_equal(c.packets[INSPECT_IPV4], 8);
	assert_int_equal(c.packets[INSPECT_IPV6], 1);
	assert_int_equal(c.packets[INSPECT_TCP], 6);
	assert_int_equal(c.packets[INSPECT_TCP_ASTRAY], 1);
	assert_int_equal(c.packets[INSPECT_UDP], 2);
	assert_int_equal(c.packets[INSPECT_ICMP], 0);
	assert_int_equal(c.packets[INSPECT_OTHER], 1);
}

/* Over the limit a denial is silent; the time gives the allowance back. */
static void test_replies_limited(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = tcp(true, REFUSED, TCP_SYN, 100, 0);
	size_t len = frame_make(b->buf, &s);
	struct frame f = { .bytes = bytes_of(b->buf, len), .wire_len = len };
	const unsigned extra = 10;
	struct verdict v;

	for (unsigned i = 0; i < REPLIES_BURST_SHARE + extra; i++) {
		v = inspect_frame(b->in, f, b->now);
		assert_false(v.forward);
		assert_int_equal(v.n_send, i < REPLIES_BURST_SHARE);
	}
	assert_int_equal(inspect_counts(b->in).replies, REPLIES_BURST_SHARE);
	assert_int_equal(inspect_counts(b->in).replies_limited, extra);
	b->now = usec_add(b->now, USEC_PER_SEC / REPLIES_PER_SEC_SHARE);
	assert_int_equal(inspect_frame(b->in, f, b->now).n_send, 1);
	assert_int_equal(inspect_frame(b->in, f, b->now).n_send, 0);
	inspect_forget_endpoint(b->in, 0);
	assert_int_equal(inspect_frame(b->in, f, b->now).n_send, 1);
}

/* A policy that ends sessions has no more than others. */
static void test_kills_limited(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = tcp(true, REFUSED, TCP_SYN, 100, 0);
	size_t len = frame_make(b->buf, &s);
	struct frame f = { .bytes = bytes_of(b->buf, len), .wire_len = len };
	usec_t then;

	handshake(b);
	adopt(b, POLICY_DENY, false);
	(void)frame_make(b->buf, &s);
	then = b->now;
	for (unsigned i = 0; i < REPLIES_BURST_SHARE; i++)
		(void)inspect_frame(b->in, f, then);
	s = tcp(true, ALLOWED, TCP_ACK, 101, 501);
	len = frame_make(b->buf, &s);
	f = (struct frame){ .bytes = bytes_of(b->buf, len), .wire_len = len };
	assert_int_equal(inspect_frame(b->in, f, then).n_send, 0);
	assert_int_equal(inspect_counts(b->in).replies_limited, 2);
}

/* It is out of the snapshot when its flows end, and they still have its MAC. */
static void test_last_reports(void **state)
{
	struct bench *b = *state;
	struct connection_record r[4];
	struct snapshot *before = b->s;
	size_t n;

	handshake(b);
	n = inspect_drain_connections(b->in, r, 4);
	b->now = usec_add(b->now, USEC_PER_SEC);
	PASS(b, true, RULE, tcp(true, ALLOWED, TCP_ACK, 101, 501));
	inspect_endpoint_leaves(b->in, 0, real_mac);
	b->s = snapshot_build(&(struct snapshot_spec){ .version = 9 });
	assert_non_null(b->s);
	assert_ptr_equal(inspect_adopt(b->in, b->s), before);
	snapshot_free(before);
	assert_int_equal(end_flows(b), 1);
	assert_true(mac_equal(b->last_ended.ep_mac, real_mac));
	n = inspect_drain_connections(b->in, r, 4);
	assert_int_equal(n, 1);
	assert_true(mac_equal(r[0].ep_mac, real_mac));
	inspect_forget_endpoint(b->in, 0);
}

/* A flow that met a threat tells of it. */
static void test_flow_threat(void **state)
{
	struct bench *b = *state;
	struct policy_spec spec = { .defact = POLICY_VIOLATE, .dir = 3 };
	struct endpoint e = { .used = true, .mac = real_mac, .ucmac = mark };
	struct subnet inside = { ip_of("10.0.0.0"), 96 + 8, IP_TYPE_NONE };
	struct subnet service = { ip_of("9.9.9.9"), 128, IP_TYPE_EXT };
	struct inspect_settings settings = inspect_settings_default();
	struct frame_spec s = from_own(PROTO_UDP, 53);
	struct snapshot *before = b->s;
	struct session_record r[2];
	uint32_t cursor = 0;
	struct err err;

	e.policy = policy_compile(&spec, &err);
	b->s = snapshot_build(&(struct snapshot_spec){ .endpoints = &e,
						       .n_endpoints = 1,
						       .internal = &inside,
						       .n_internal = 1,
						       .special = &service,
						       .n_special = 1,
						       .version = 9 });
	policy_put(e.policy);
	assert_non_null(b->s);
	assert_ptr_equal(inspect_adopt(b->in, b->s), before);
	snapshot_free(before);
	PASS(b, true, DEFAULT, s);
	s.daddr = "9.9.9.9";
	for (unsigned i = 0; i < THREAT_KINDS; i++)
		if (threat_kind_at(i)->id == THREAT_EXTERNAL_IP)
			settings.threats[i].action = DPI_ALLOW;
	inspect_configure(b->in, &settings);
	PASS(b, true, EXTERNAL_IP, s);
	assert_int_equal(inspect_copy_flows(b->in, &cursor, b->now, r, 2), 2);
	if (r[0].threat)
		r[1] = r[0];
	else
		assert_int_equal(r[0].severity, 0);
	assert_int_equal(r[1].threat, THREAT_EXTERNAL_IP);
	assert_int_equal(r[1].severity,
			 threat_kind_find(THREAT_EXTERNAL_IP)->severity);
}

/* Two marks: whom would it be judged for? */
static void test_two_marks(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = from_own(PROTO_UDP, ALLOWED);

	s.dst = broadcast_mark;
	PASS(b, false, NO_ENDPOINT, s);
}

/* A queue has no other way on, so watching it must not cut it off. */
static void test_tapped_queue(void **state)
{
	struct bench *b = *state;
	struct frame_port queue = { .kind = FRAME_PORT_NFQ,
				    .workload = real_mac };
	struct frame_spec s = from_own(PROTO_UDP, DENIED);

	s.src = real_mac;
	assert_string_equal(by_port(b, &queue, s), "rule");
	adopt(b, POLICY_ALLOW, true);
	assert_string_equal(by_port(b, &queue, s), "watched");
	s.dport = ALLOWED;
	assert_string_equal(by_port(b, &queue, s), "rule");
	s.frag = MF;
	assert_string_equal(by_port(b, &queue, s), "watched");
	adopt(b, POLICY_ALLOW, false);
	assert_string_equal(by_port(b, &queue, s), "frag_queue");
}

/* Ports used again: judged anew; denied, the flow is gone. */
static void test_reopened(void **state)
{
	struct bench *b = *state;

	handshake(b);
	PASS(b, true, RULE, tcp(false, ALLOWED, TCP_RST, 501, 0));
	PASS(b, true, RULE, tcp(true, ALLOWED, TCP_SYN, 9000, 0));
	assert_int_equal(b->ended, 1);
	PASS(b, true, RULE, tcp(false, ALLOWED, TCP_RST | TCP_ACK, 0, 9001));
	adopt(b, POLICY_DENY, false);
	PASS(b, false, RULE, tcp(true, ALLOWED, TCP_SYN, 90000, 0));
	assert_int_equal(inspect_counts(b->in).flows.total, 0);
	assert_told_once(b);
}

/* What is told to who captures: which flow, which rule, which way. */
static void check_captured(struct bench *b, struct frame_spec s,
			   uint32_t rule_id, bool has_flow)
{
	struct verdict v = bench_pass(b, &s);

	assert_int_equal(v.captures, 5);
	assert_int_equal(v.rule_id, rule_id);
	assert_true((v.flow_id != 0) == has_flow);
	assert_true(v.ingress == mac_equal(s.dst, mark));
}

static void test_captured(void **state)
{
	struct bench *b = *state;
	uint32_t id;

	handshake(b);
	assert_int_equal(b->verdict.captures, 0);
	end_flows(b);
	b->captures = 5;
	adopt(b, POLICY_ALLOW, false);
	check_captured(b, tcp(true, ALLOWED, TCP_SYN, 100, 0), 10, true);
	id = b->verdict.flow_id;
	check_captured(b, tcp(false, ALLOWED, TCP_SYN | TCP_ACK, 500, 101), 10,
		       true);
	assert_int_equal(b->verdict.flow_id, id);
	check_captured(b, tcp(true, DENIED, TCP_SYN, 100, 0), 11, false);
	check_captured(b, from_own(PROTO_UDP, 53), 0, false);
	assert_false(b->verdict.watched);
	/* a flow that is denied from now on is still one */
	adopt(b, POLICY_DENY, false);
	check_captured(b, tcp(true, ALLOWED, TCP_ACK, 101, 501), 10, true);
	assert_int_equal(b->verdict.flow_id, id);
	assert_false(b->verdict.forward);
	/* watched: what would have been, not that it is a tap */
	adopt(b, POLICY_ALLOW, true);
	check_captured(b, from_own(PROTO_UDP, 53), 0, false);
	assert_true(b->verdict.watched);
	assert_int_equal(b->verdict.judged, REASON_DEFAULT);
	check_captured(b, tcp(true, ALLOWED, TCP_ACK, 101, 501), 10, true);
	assert_int_equal(b->verdict.judged, REASON_RULE);
	assert_int_equal(b->verdict.reason, REASON_TAP);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, bench_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_allowed_and_denied),
		TEST(test_rejected),
		TEST(test_tap),
		TEST(test_not_judged),
		TEST(test_group_frames),
		TEST(test_policy_change),
		TEST(test_fragments),
		TEST(test_icmp_errors),
		TEST(test_flow_end),
		TEST(test_reopened),
		TEST(test_pair),
		TEST(test_no_way_on),
		TEST(test_packets_counted),
		TEST(test_replies_limited),
		TEST(test_kills_limited),
		TEST(test_last_reports),
		TEST(test_flow_threat),
		TEST(test_two_marks),
		TEST(test_tapped_queue),
		TEST(test_captured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
