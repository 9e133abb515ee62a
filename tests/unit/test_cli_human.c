/*
 * Numbers for a person, and sentences about blocks: the edges of each form.
 */
#include "cli/human.h"

#include "cli/dpshow.h"
#include "test.h"

static void test_count(void **state)
{
	static const struct {
		uint64_t n;
		const char *want;
	} rows[] = {
		{ 0, "0" },	    { 9, "9" },		 { 999, "999" },
		{ 1000, "1.0k" },   { 1234, "1.2k" },	 { 9949, "9.9k" },
		{ 9950, "10k" },    { 12345, "12k" },	 { 999499, "999k" },
		{ 999500, "1.0M" }, { 35000000, "35M" }, { UINT64_MAX, "18E" },
	};
	char buf[HUMAN_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(human_count(rows[i].n, buf), rows[i].want);
}

static void test_units(void **state)
{
	char buf[HUMAN_MAX];

	assert_string_equal(human_bytes(999, buf), "999 B");
	assert_string_equal(human_bytes(1500, buf), "1.5 kB");
	assert_string_equal(human_rate(0, buf), "0 bit/s");
	assert_string_equal(human_rate(940e3, buf), "940 kbit/s");
	assert_string_equal(human_rate(38.16e9, buf), "38.2 Gbit/s");
	assert_string_equal(human_rate(1e30, buf), "1000000000000 Ebit/s");
}

static void test_age(void **state)
{
	static const struct {
		uint64_t s;
		const char *want;
	} rows[] = {
		{ 0, "0s" },	  { 119, "119s" },
		{ 120, "2m" },	  { 7199, "119m" },
		{ 7200, "2h" },	  { 172799, "47h" },
		{ 172800, "2d" }, { UINT64_MAX, "213503982334601d" },
	};
	char buf[HUMAN_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(human_age(rows[i].s, buf), rows[i].want);
}

static void test_exact(void **state)
{
	static const struct {
		int64_t n;
		const char *want;
	} rows[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1000, "1,000" },
		{ 123456, "123,456" },
		{ 1234567, "1,234,567" },
		{ -1, "-1" },
		{ -123, "-123" },
		{ -1234, "-1,234" },
		{ INT64_MIN, "-9,223,372,036,854,775,808" },
		{ INT64_MAX, "9,223,372,036,854,775,807" },
	};
	char buf[HUMAN_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(human_exact(rows[i].n, buf), rows[i].want);
}

static void test_raw(void **state)
{
	static const struct {
		const char *hex;
		size_t at;
		const char *want;
	} rows[] = {
		{ "", 0, NULL },
		{ "4", 0, NULL }, /* no byte */
		{ "2f41", 0,
		  "0000  2f 41"
		  "                                            /A" },
		{ "000102030405060708090a0b0c0d0e7fc3a4", 0,
		  "0000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 7f  "
		  "................" },
		{ "000102030405060708090a0b0c0d0e7f2026", 16,
		  "0010  20 26"
		  "                                             &" },
		{ "000102030405060708090a0b0c0d0e7f", 16, NULL },
	};
	char buf[HUMAN_RAW_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *got = human_raw(rows[i].hex, rows[i].at, buf);

		if (rows[i].want)
			assert_string_equal(got, rows[i].want);
		else
			assert_null(got);
	}
}

static void test_block(void **state)
{
	static const struct {
		const char *block, *what, *why;
	} rows[] = {
		{ "{\"proto\":\"icmp\",\"from\":\"10.0.0.1\",\"to\":\"10.0.0."
		  "2\""
		  ",\"to_port\":2048,\"count\":3,\"rule\":1001,"
		  "\"action\":\"deny\",\"reason\":\"rule\","
		  "\"policy_version\":6}",
		  "icmp 10.0.0.1 → 10.0.0.2 (type 8 code 0), 3 frames",
		  "rule 1001 says deny (reason: rule, policy version 6)" },
		{ "{\"proto\":\"tcp\",\"from\":\"fd00::1\",\"to\":\"fd00::2\","
		  "\"to_port\":8080,\"count\":1,\"rule\":0,"
		  "\"reason\":\"default\",\"text\":\"no rule matched\"}",
		  "tcp fd00::1 → [fd00::2]:8080, 1 frame",
		  "no rule matched (reason: default)" },
		/* Of another version, or not ours at all: no crash. */
		{ "{}", "  → , 0 frames", " (reason: )" },
		{ "{\"proto\":7,\"count\":-1,\"rule\":\"x\"}", "  → , 0 frames",
		  " (reason: )" },
	};
	char buf[DPSHOW_SENTENCE_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *b = json_loads(rows[i].block, 0, NULL);

		assert_non_null(b);
		dpshow_block_what(b, buf);
		assert_string_equal(buf, rows[i].what);
		dpshow_block_why(b, buf);
		assert_string_equal(buf, rows[i].why);
		json_decref(b);
	}
}

/* A full table lacks room, but for one that keeps the newest. */
static void test_bar(void **state)
{
	static const struct {
		const char *table;
		enum out_colour want;
	} rows[] = {
		{ "{\"in_use\":0,\"limit\":0}", OUT_GREEN },
		{ "{\"in_use\":70,\"limit\":100}", OUT_GREEN },
		{ "{\"in_use\":71,\"limit\":100}", OUT_YELLOW },
		{ "{\"in_use\":91,\"limit\":100}", OUT_RED },
		{ "{\"in_use\":100,\"limit\":100,\"keeps\":\"newest\"}",
		  OUT_GREEN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *table = json_loads(rows[i].table, 0, NULL);

		assert_int_equal(dpshow_bar_colour(table), rows[i].want);
		json_decref(table);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bar),   cmocka_unit_test(test_count),
		cmocka_unit_test(test_units), cmocka_unit_test(test_age),
		cmocka_unit_test(test_exact), cmocka_unit_test(test_raw),
		cmocka_unit_test(test_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
