/*
 * The compatible door's datagrams, byte for byte.
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
		.client_state = 1,
		.server_state = 2,
		.idle_s = 70000,
		.age_s = 21,
		.life_s = 22,
		.application = 1001,
		.policy_id = 10023,
		.policy_action = 7,
		.flags = 0x0105,
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
		{ 80, 8, 0 },
		{ 88, 8, 0 },
		{ 96, 1, 1 },
		{ 97, 1, 2 },
		{ 98, 2, UINT16_MAX },
		{ 100, 4, 21 },
		{ 104, 2, 22 },
		{ 106, 2, 1001 },
		{ 108, 4, 0 },
		{ 112, 4, 10023 },
		{ 116, 1, 7 },
		{ 117, 1, 0 },
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_session_count),
		cmocka_unit_test(test_list_end),
		cmocka_unit_test(test_session_layout),
		cmocka_unit_test(test_full_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
