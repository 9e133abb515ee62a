/*
 * The compatible door's datagrams, byte for byte, against the reference's tables.
 */
#include "wire/dpmsg.h"

#include "frames.h"
#include "test.h"

static uint8_t buf[COMPAT_REPLY_MAX];

static uint64_t be(size_t off, size_t len)
{
	uint64_t v = 0;

	while (len--)
		v = v << 8 | buf[off++];
	return v;
}

static void test_keep_alive(void **state)
{
	static const uint8_t want[] = { 0x0a, 0, 0, 8, 1, 2, 3, 4 };

	assert_int_equal(dpmsg_keep_alive(buf, 0x01020304), sizeof want);
	assert_memory_equal(buf, want, sizeof want);
}

static void test_session_count(void **state)
{
	static const uint8_t want[] = { 3, 0, 0, 24, 0, 0, 1, 0, 0, 0, 0, 2,
					0, 0, 0, 3,  0, 0, 0, 4, 0, 0, 0, 5 };
	struct session_count c = { 256, 2, 3, 4, 5 };

	assert_int_equal(dpmsg_session_count(buf, &c), sizeof want);
	assert_memory_equal(buf, want, sizeof want);
}

static void test_list_end(void **state)
{
	static const uint8_t want[] = { 2, 0, 0, 8, 0, 0, 0, 0 };

	assert_int_equal(dpmsg_session_list(buf, NULL, 0, false), sizeof want);
	assert_memory_equal(buf, want, sizeof want);
}

static struct session_record record(void)
{
	return (struct session_record){
		.id = 0x01020304,
		.ep_mac = { { 1, 2, 3, 4, 5, 6 } },
		.client_mac = { { 2, 2, 3, 4, 5, 6 } },
		.server_mac = { { 3, 2, 3, 4, 5, 6 } },
		.ethertype = 0x0800,
		.client = ip_of("10.1.2.3"),
		.server = ip_of("2001:db8::7"),
		.client_port = 4000,
		.server_port = 80,
		.icmp_type = 8,
		.icmp_code = 9,
		.proto = 6,
		.client_packets = 11,
		.server_packets = 12,
		.client_bytes = 13,
		.server_bytes = 1ULL << 40,
		.client_asm = { 14, 15 },
		.server_asm = { 16, 17 },
		.client_state = 1,
		.server_state = 2,
		.idle_s = 70000,
		.age_s = 21,
		.life_s = 22,
		.application = 1001,
		.policy_id = 10023,
		.policy_action = 7,
		.flags = 0x0105,
		.threat = 1006,
		.severity = 3,
	};
}

static void test_session_layout(void **state)
{
	static const struct {
		size_t off, len;
		uint64_t want;
	} fields[] = {
		{ 0, 4, 0x01020304 },
		{ 4, 6, 0x010203040506 },
		{ 10, 2, 0x0800 },
		{ 12, 6, 0x020203040506 },
		{ 18, 6, 0x030203040506 },
		{ 24, 4, 0x0a010203 },
		{ 28, 8, 0 },
		{ 36, 4, 0 },
		{ 40, 4, 0x20010db8 },
		{ 48, 8, 7 },
		{ 56, 2, 4000 },
		{ 58, 2, 80 },
		{ 60, 1, 9 },
		{ 61, 1, 8 },
		{ 62, 1, 6 },
		{ 63, 1, 0 },
		{ 64, 4, 11 },
		{ 68, 4, 12 },
		{ 72, 4, 13 },
		{ 76, 4, UINT32_MAX },
		{ 80, 4, 14 },
		{ 84, 4, 16 },
		{ 88, 4, 15 },
		{ 92, 4, 17 },
		{ 96, 1, 1 },
		{ 97, 1, 2 },
		{ 98, 2, UINT16_MAX },
		{ 100, 4, 21 },
		{ 104, 2, 22 },
		{ 106, 2, 1001 },
		{ 108, 4, 1006 },
		{ 112, 4, 10023 },
		{ 116, 1, 7 },
		{ 117, 1, 3 },
		{ 118, 2, 0x0105 },
		{ 120, 8, 0 },
		{ 128, 8, 0 },
		{ 136, 4, 0 },
	};
	struct session_record s[2] = { { 0 }, record() };

	assert_int_equal(dpmsg_session_list(buf, s, 2, true), 8 + 2 * 140);
	assert_int_equal(be(0, 4), 0x02010000 | (8 + 2 * 140));
	assert_int_equal(be(4, 4), 2 << 16);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (be(8 + 140 + fields[i].off, fields[i].len) !=
		    fields[i].want)
			fail_msg("offset %zu", fields[i].off);
}

static void test_full_list(void **state)
{
	static struct session_record s[SESSIONS_PER_MSG];

	assert_int_equal(dpmsg_session_list(buf, s, SESSIONS_PER_MSG, true),
			 8 + SESSIONS_PER_MSG * 140);
	assert_int_equal(be(2, 2), 8 + SESSIONS_PER_MSG * 140);
}

struct field {
	size_t off, len;
	uint64_t want;
};

/* Offsets are the body's: behind the header, or a list's head. */
static void check_fields(size_t body, const struct field *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (be(body + f[i].off, f[i].len) != f[i].want)
			fail_msg("offset %zu: %llx, not %llx", f[i].off,
				 (unsigned long long)be(body + f[i].off,
							f[i].len),
				 (unsigned long long)f[i].want);
}

static void check_zero(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (buf[i])
			fail_msg("byte %zu is not zero", i);
}

static void test_meter_layout(void **state)
{
	static const struct field fields[] = {
		{ 0, 6, 0x010203040506 },
		{ 6, 2, 7 },
		{ 8, 4, 8 },
		{ 12, 4, 9 },
		{ 16, 4, 0x0a000001 },
		{ 20, 8, 0 },
		{ 28, 4, 0 },
		{ 32, 1, 2 },
		{ 33, 1, 3 },
		{ 34, 1, 5 },
		{ 35, 1, 0 },
		{ 36, 4, 800 },
		{ 40, 4, 600 },
	};
	struct meter_record m[2] = { { 0 },
				     { .ep_mac = { { 1, 2, 3, 4, 5, 6 } },
				       .idle_s = 7,
				       .count = 8,
				       .last_count = 9,
				       .peer = ip_of("10.0.0.1"),
				       .kind = METER_SOURCE_SESSIONS,
				       .tap = true,
				       .span_s = 5,
				       .upper = 800,
				       .lower = 600 } };

	memset(buf, 0xff, sizeof buf);
	assert_int_equal(dpmsg_meter_list(buf, m, 2, true), 8 + 2 * 44);
	assert_int_equal(be(0, 8), 0x0501006000020000);
	check_fields(8 + 44, fields, ARRAY_LEN(fields));
	/* without a peer it counts as IPv4 */
	assert_int_equal(buf[8 + 33], 1);
	assert_int_equal(dpmsg_meter_list(buf, NULL, 0, false), 8);
	assert_int_equal(be(0, 8), 0x0500000800000000);
}

static struct traffic_sum sum(uint32_t base)
{
	return (struct traffic_sum){
		.sessions_in = base + 1,
		.sessions_out = base + 2,
		.packets_in = base + 3,
		.packets_out = base + 4,
		.bytes_in = (1ULL << 40) + base + 5,
		.bytes_out = base + 6,
	};
}

static void test_stats_layout(void **state)
{
	static const struct field fields[] = {
		{ 4, 4, 0 },	 { 8, 4, 101 },
		{ 12, 4, 102 },	 { 16, 4, 7 },
		{ 20, 4, 8 },	 { 24, 8, 103 },
		{ 32, 8, 104 },	 { 40, 8, (1ULL << 40) + 105 },
		{ 48, 8, 106 },	 { 56, 4, 201 },
		{ 60, 4, 202 },	 { 64, 8, 203 },
		{ 72, 8, 204 },	 { 80, 8, (1ULL << 40) + 205 },
		{ 88, 8, 206 },	 { 96, 4, 301 },
		{ 104, 8, 303 }, { 128, 8, 306 },
		{ 136, 4, 401 }, { 140, 4, 402 },
		{ 144, 8, 403 }, { 168, 8, 406 },
	};
	struct stats_record s = { .total = sum(100),
				  .sessions_now_in = 7,
				  .sessions_now_out = 8,
				  .last_5s = sum(200),
				  .last_60s = sum(300),
				  .last_300s = sum(400) };
	uint32_t five = 5;

	memset(buf, 0xff, sizeof buf);
	assert_int_equal(dpmsg_stats(buf, DPMSG_DEVICE_STATS, &s), 180);
	assert_int_equal(be(0, 8), 0x090000b400000005);
	check_fields(4, fields, ARRAY_LEN(fields));
	assert_int_equal(dpmsg_stats(buf, DPMSG_MAC_STATS, &s), 180);
	assert_int_equal(be(0, 4), 0x080000b4);
	/* the one field in host order, Appendix B */
	assert_memory_equal(buf + 4, &five, 4);
	check_fields(4, fields, ARRAY_LEN(fields));
}

static void test_counter_layout(void **state)
{
	struct device_counters c = { 0 };
	uint64_t *first = &c.rx_packets;

	/* the struct's first 67 members are in the datagram's order */
	for (uint64_t i = 0; i < 27 + 2 * PARSERS_MAX; i++)
		first[i] = i + 1;
	c.exact_rules = 301;
	c.range_rules = 302;
	c.domains = 303;
	c.domain_ips = 304;
	c.limit_drop_connections = 305;
	c.limit_pass_connections = 306;
	memset(buf, 0xff, sizeof buf);
	assert_int_equal(dpmsg_device_counter(buf, &c), 572);
	assert_int_equal(be(0, 4), 0x0400023c);
	for (uint64_t i = 0; i < 27 + 2 * PARSERS_MAX; i++)
		assert_int_equal(be(4 + 8 * i, 8), i + 1);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(be(4 + 536 + 4 * i, 4), 301 + i);
	assert_int_equal(be(4 + 552, 8), 305);
	assert_int_equal(be(4 + 560, 8), 306);
}

/* The reference's own example, Appendix B. */
static void test_app_update(void **state)
{
	static const uint8_t want[] = { 0x01, 0x00, 0x00, 0x16, 0xaa, 0xbb,
					0xcc, 0xdd, 0xee, 0x01, 0x00, 0x01,
					0x1f, 0x90, 0x03, 0xe9, 0x07, 0xe6,
					0x07, 0xd9, 0x06, 0x00 };
	struct mac mac = { { 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 1 } };
	static struct app_record many[APPS_PER_MSG + 5];
	struct app_record a = { .port = 8080,
				.ip_proto = 6,
				.proto = 1001,
				.server = 2022,
				.application = 2009 };

	assert_int_equal(dpmsg_app_update(buf, mac, &a, 1), sizeof want);
	assert_memory_equal(buf, want, sizeof want);
	assert_int_equal(dpmsg_app_update(buf, mac, many, ARRAY_LEN(many)),
			 12 + APPS_PER_MSG * 10);
	assert_int_equal(be(10, 2), APPS_PER_MSG);
}

static void test_threat_layout(void **state)
{
	static const struct field fields[] = {
		{ 0, 4, 2001 },
		{ 4, 4, 1700000002 },
		{ 8, 4, 3 },
		{ 12, 4, 0x02030605 },
		{ 16, 6, 0x010203040506 },
		{ 22, 2, 0x0800 },
		{ 24, 4, 0x0a000001 },
		{ 28, 8, 0 },
		{ 40, 4, 0x0a000002 },
		{ 56, 2, 4000 },
		{ 58, 2, 80 },
		{ 60, 1, 9 },
		{ 61, 1, 8 },
		{ 62, 2, 1001 },
		{ 64, 2, 3 },
		{ 66, 2, UINT16_MAX },
		{ 68, 6, 0x68656c6c6f00 },
		{ 132, 3, 0xabcdef },
	};
	struct dpmsg_clock clock = { 1700000000ULL * 1000000 };
	static struct threat_record t = {
		.id = 2001,
		.count = 3,
		.at_us = 2500000,
		.action = DPI_DROP,
		.severity = 3,
		.proto = 6,
		.flags = THREAT_PACKET_INGRESS | THREAT_TAP,
		.ep_mac = { { 1, 2, 3, 4, 5, 6 } },
		.ethertype = 0x0800,
		.src_port = 4000,
		.dst_port = 80,
		.icmp_code = 9,
		.icmp_type = 8,
		.application = 1001,
		.packet_len = 3,
		.wire_len = 70000,
		.text = "hello",
		.packet = { 0xab, 0xcd, 0xef, 0x55 },
	};

	t.src = ip_of("10.0.0.1");
	t.dst = ip_of("10.0.0.2");
	memset(buf, 0xff, sizeof buf);
	assert_int_equal(dpmsg_threat(buf, &t, clock), 2188);
	assert_int_equal(be(0, 4), 0x0600088c);
	check_fields(4, fields, ARRAY_LEN(fields));
	/* what is behind the text's end and the packet's is not told */
	check_zero(4 + 73, 4 + 132);
	check_zero(4 + 135, 4 + 2184);
	memset(t.text, 'x', sizeof t.text);
	(void)dpmsg_threat(buf, &t, clock);
	assert_int_equal(buf[4 + 68 + 62], 'x');
	assert_int_equal(buf[4 + 68 + 63], 0);
}

/* Of a sensor of NeuVector's: kind 6 without a packet, reference 1.8. */
static void test_finding_layout(void **state)
{
	static const struct field fields[] = {
		{ 0, 4, 40001 },       { 4, 4, 1700000009 },
		{ 8, 4, 3 },	       { 12, 1, DPI_DROP },
		{ 13, 1, 5 },	       { 14, 1, 6 },
		{ 15, 1, 0x06 },       { 16, 6, 0x010203040506 },
		{ 22, 2, 0x0800 },     { 24, 4, 0x0a000001 },
		{ 40, 4, 0x0a000002 }, { 56, 2, 40000 },
		{ 58, 2, 80 },	       { 60, 2, 0 },
		{ 62, 2, 1001 },       { 64, 2, 0 },
		{ 66, 2, 0 },
	};
	struct dpmsg_clock clock = { 1700000000ULL * 1000000 };
	struct finding_record f = {
		.id = 40001,
		.count = 3,
		.last_us = 9999999,
		.kind = FINDING_WAF,
		.action = DPI_DROP,
		.severity = 5,
		.proto = 6,
		.flags = FINDING_COMPAT | THREAT_TAP | THREAT_SESSION_INGRESS,
		.ep_mac = { { 1, 2, 3, 4, 5, 6 } },
		.client = ip_of("10.0.0.1"),
		.server = ip_of("10.0.0.2"),
		.client_port = 40000,
		.server_port = 80,
		.application = 1001,
	};

	memset(buf, 0xff, sizeof buf);
	assert_int_equal(dpmsg_finding(buf, &f, clock), 2188);
	assert_int_equal(be(0, 4), 0x0600088c);
	check_fields(4, fields, ARRAY_LEN(fields));
	assert_string_equal((char *)buf + 4 + 68, "WAF: id 40001");
	check_zero(4 + 68 + 13, 4 + 2184);
	f.kind = FINDING_DLP;
	f.id = 20001;
	(void)dpmsg_finding(buf, &f, clock);
	assert_string_equal((char *)buf + 4 + 68, "DLP: id 20001");
}

static struct connection_record connection(void)
{
	return (struct connection_record){
		.ep_mac = { { 1, 2, 3, 4, 5, 6 } },
		.proto = 6,
		.server_port = 443,
		.client_port = 53,
		.client = ip_of("10.0.0.1"),
		.server = ip_of("10.0.0.2"),
		.flags = CONNECTION_INGRESS | CONNECTION_NBE_SAME,
		.bytes = 1ULL << 40,
		.sessions = 5,
		.first_us = 1000000,
		.last_us = 9999999,
		.application = 1002,
		.action = 7,
		.severity = 4,
		.policy_id = 10023,
		.violations = 6,
		.threat_id = 2013,
		.ep_sessions_now = 11,
		.ep_sessions_60s = 12,
		.ep_bytes_60s = 1ULL << 41,
	};
}

static void test_connection_layout(void **state)
{
	static const struct field fields[] = {
		{ 0, 6, 0x010203040506 },
		{ 6, 1, 6 },
		{ 7, 1, 0 },
		{ 8, 2, 443 },
		{ 10, 2, 53 },
		{ 12, 4, 0x0a000001 },
		{ 16, 8, 0 },
		{ 28, 4, 0x0a000002 },
		{ 44, 2, 0x0800 },
		{ 46, 2, 0x0201 },
		{ 48, 4, UINT32_MAX },
		{ 52, 4, 5 },
		{ 56, 4, 1700000001 },
		{ 60, 4, 1700000009 },
		{ 64, 2, 1002 },
		{ 66, 1, 7 },
		{ 67, 1, 4 },
		{ 68, 4, 10023 },
		{ 72, 4, 6 },
		{ 76, 4, 2013 },
		{ 80, 4, 11 },
		{ 84, 4, 12 },
		{ 88, 8, 1ULL << 41 },
	};
	struct dpmsg_clock clock = { 1700000000ULL * 1000000 };
	static struct connection_record c[CONNECTIONS_PER_MSG];

	for (size_t i = 0; i < CONNECTIONS_PER_MSG; i++)
		c[i] = connection();
	memset(buf, 0xff, sizeof buf);
	assert_int_equal(dpmsg_connections(buf, c, 2, clock), 8 + 2 * 96);
	assert_int_equal(be(0, 8), 0x070100c800020000);
	check_fields(8 + 96, fields, ARRAY_LEN(fields));
	assert_int_equal(dpmsg_connections(buf, c, CONNECTIONS_PER_MSG, clock),
			 8 + 85 * 96);
}

static void test_fqdn_update(void **state)
{
	static struct fqdn_record f;

	f = (struct fqdn_record){ .name = "*.example.com",
				  .vhost = true,
				  .n_ips = 3 };
	f.ips[0] = ip_of("1.2.3.4");
	f.ips[1] = ip_of("2001:db8::1"); /* not told */
	f.ips[2] = ip_of("5.6.7.8");
	memset(buf, 0xff, sizeof buf);
	assert_int_equal(dpmsg_fqdn_update(buf, &f), 4 + 262 + 2 * 16);
	assert_int_equal(be(0, 4), 0x0b00012a);
	assert_string_equal((char *)buf + 4, "*.example.com");
	check_zero(4 + 13, 4 + 256);
	assert_int_equal(be(4 + 256, 6), 0x000200000100);
	assert_int_equal(be(4 + 262, 8), 0x0102030400000000);
	assert_int_equal(be(4 + 278, 8), 0x0506070800000000);
	f.n_ips = FQDN_IPS_PER_MSG;
	for (size_t i = 0; i < f.n_ips; i++)
		f.ips[i] = ip_of("5.6.7.8");
	assert_int_equal(dpmsg_fqdn_update(buf, &f), 4 + 262 + 495 * 16);
}

static void test_ip_names(void **state)
{
	struct ip_name_record r = { .ip = ip_of("1.2.3.4"), .name = "a.b" };

	memset(buf, 0xff, sizeof buf);
	assert_int_equal(dpmsg_ip_name(buf, &r), 276);
	assert_int_equal(be(0, 8), 0x0c00011401020304);
	check_zero(8, 20);
	assert_string_equal((char *)buf + 20, "a.b");
	check_zero(23, 276);
	r.released = true;
	assert_int_equal(dpmsg_ip_name(buf, &r), 20);
	assert_int_equal(be(0, 8), 0x0d00001401020304);
	check_zero(8, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_session_count),
		cmocka_unit_test(test_list_end),
		cmocka_unit_test(test_session_layout),
		cmocka_unit_test(test_full_list),
		cmocka_unit_test(test_meter_layout),
		cmocka_unit_test(test_stats_layout),
		cmocka_unit_test(test_counter_layout),
		cmocka_unit_test(test_app_update),
		cmocka_unit_test(test_threat_layout),
		cmocka_unit_test(test_finding_layout),
		cmocka_unit_test(test_connection_layout),
		cmocka_unit_test(test_fqdn_update),
		cmocka_unit_test(test_ip_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
