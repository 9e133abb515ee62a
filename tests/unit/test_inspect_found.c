/*
 * What is filled in of a finding: whose, where, by which rule. The passage is
 * made by hand, as an engine has it when it is called.
 */
#include "inspect/found.h"

#include "bench.h"
#include "proto/parser.h"
#include "test.h"
#include "wire/app.h"

static int start(void **state)
{
	*state = bench_new(FLOWS_MIN);
	return 0;
}

static struct finding_event event(uint8_t side)
{
	return (struct finding_event){ .kind = FINDING_WAF,
				       .id = 40001,
				       .severity = found_severity(1),
				       .name = "n",
				       .classtype = "",
				       .flags = FINDING_COMPAT,
				       .side = side };
}

static struct finding_record note(struct bench *b, struct passage *w,
				  const struct flow *f, uint8_t side)
{
	struct finding_event e = event(side);
	struct finding_record r[2];

	w->in = b->in;
	w->endpoint = snapshot_endpoint(b->s, 0);
	w->now = b->now;
	inspect_note_finding(w, f, &e);
	assert_int_equal(inspect_drain_findings(b->in, r, 2), 1);
	assert_true(mac_equal(r[0].ep_mac, real_mac));
	assert_int_equal(r[0].last_us, b->now.us);
	return r[0];
}

static const struct row {
	const char *name;
	bool own, ingress, tap; /* client_is_own */
	uint8_t flags;
} rows[] = {
	{ "its own request", true, false, false, 0 },
	{ "the answer to it", true, true, false, THREAT_PACKET_INGRESS },
	{ "a request to it", false, true, false,
	  THREAT_PACKET_INGRESS | THREAT_SESSION_INGRESS },
	{ "its answer", false, false, false, THREAT_SESSION_INGRESS },
	{ "one that is watched", true, false, true, THREAT_TAP },
};

static void test_flows(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct flow f = {
			.key = { .own = ip_of(OWN),
				 .peer = ip_of(PEER),
				 .own_port = 1000,
				 .peer_port = 2000,
				 .proto = PROTO_TCP },
			.id = 99,
			.client_is_own = row->own,
			.app = APP_HTTP,
			.verdict = { .rule_id = 7 },
		};
		struct passage w = { .ingress = row->ingress };
		struct finding_record r;

		bench_adopt(b, NULL, row->tap, NULL);
		r = note(b, &w, &f, PROTO_SERVER);
		assert_row(row->name, r.flags == (row->flags | FINDING_COMPAT));
		assert_row(row->name,
			   ip_equal(r.client, ip_of(row->own ? OWN : PEER)));
		assert_row(row->name,
			   ip_equal(r.server, ip_of(row->own ? PEER : OWN)));
		assert_int_equal(r.client_port, row->own ? 1000 : 2000);
		assert_int_equal(r.server_port, row->own ? 2000 : 1000);
		assert_int_equal(r.flow_id, 99);
		assert_int_equal(r.policy_id, 7);
		assert_int_equal(r.proto, PROTO_TCP);
		assert_int_equal(r.application, APP_HTTP);
		assert_int_equal(r.severity, 4);
		inspect_forget_endpoint(b->in, 0);
	}
}

/* Of no flow: who says it is known, so both ends are. */
static void test_packet(void **state)
{
	struct bench *b = *state;
	struct passage w = { .ingress = true,
			     .packet = { .proto = PROTO_UDP,
					 .saddr = ip_of(PEER),
					 .daddr = ip_of(OWN),
					 .sport = 53,
					 .dport = 4000 } };
	struct finding_record r;

	bench_adopt(b, NULL, false, NULL);
	r = note(b, &w, NULL, PROTO_SERVER);
	assert_true(ip_equal(r.server, ip_of(PEER)));
	assert_int_equal(r.server_port, 53);
	assert_int_equal(r.client_port, 4000);
	assert_int_equal(r.flow_id, 0);
	inspect_forget_endpoint(b->in, 0);
	w.packet.proto = PROTO_ICMP;
	r = note(b, &w, NULL, PROTO_CLIENT);
	assert_true(ip_equal(r.client, ip_of(PEER)));
	assert_int_equal(r.client_port, 0);
	assert_int_equal(r.server_port, 0);
}

static void test_severity(void **state)
{
	static const uint8_t want[] = { 1, 4, 3, 2, 1, 1 };

	for (uint8_t i = 0; i < sizeof want; i++)
		assert_int_equal(found_severity(i), want[i]);
	assert_int_equal(found_severity(255), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flows, start, bench_stop),
		cmocka_unit_test_setup_teardown(test_packet, start, bench_stop),
		cmocka_unit_test(test_severity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
