/*
 * What others named, as text: nothing that a terminal obeys, and all else as it
 * was; whole answers, with names of members.
 */
#include "cli/visible.h"

#include <string.h>

#include "seed.h"
#include "test.h"

static void test_text(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "web-1.shop", "web-1.shop" },
		{ "\033[2J\033]0;title\007", "\\x1b[2J\\x1b]0;title\\x07" },
		{ "a\nb\tc\rd\177", "a\\nb\\tc\\rd\\x7f" },
		/* CSI in one byte of Latin-1; U+00A0 is no control character */
		{ "\xc2\x9b"
		  "31m\xc2\xa0x",
		  "\\u009b31m\xc2\xa0x" },
		{ "b\xc3\xbc"
		  "cher \xe2\x82\xac \xf0\x9f\x90\x9f",
		  "b\xc3\xbc"
		  "cher \xe2\x82\xac \xf0\x9f\x90\x9f" },
		{ "\xe2\x80\xae"
		  "gpj.exe\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf",
		  "\\u202egpj.exe\\u2066\\u200b\\ufeff" },
		/* cut short: nothing is read behind the end */
		{ "\xe2\x80", "\xe2\x80" },
		{ "\xc2", "\xc2" },
	};
	char buf[128];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(visible_text(rows[i].text, buf, sizeof buf),
				    rows[i].want);
	assert_string_equal(visible_text("\n\n\n\n\n\n\n\n", buf, 13),
			    "\\n\\n\\n");
}

static void test_answer(void **state)
{
	json_t *v = json_loads(
		"{\"workloads\":[{\"name\":\"a\\u001b[31m\",\"n\":7,"
		"\"labels\":{\"k\\nforged\":\"v\\u009b\",\"k2\":null}}],"
		"\"nul\":\"a\\u0000b\"}",
		JSON_ALLOW_NUL, NULL);
	json_t *want = json_loads(
		"{\"workloads\":[{\"name\":\"a\\\\x1b[31m\",\"n\":7,"
		"\"labels\":{\"k\\\\nforged\":\"v\\\\u009b\",\"k2\":null}}],"
		"\"nul\":\"a\\u0000b\"}",
		JSON_ALLOW_NUL, NULL);

	assert_non_null(v);
	assert_non_null(want);
	visible_make(v);
	assert_true(json_equal(v, want));
	visible_make(v); /* what is visible stays */
	assert_true(json_equal(v, want));
	visible_make(NULL);
	json_decref(v);
	json_decref(want);
}

/* Random bytes: nothing comes out that is hidden, and what fits is whole. */
static void test_random(void **state)
{
	char text[64], buf[64 * 8 + 9];

	uint64_t random = seed_choose() | 1;

	for (int round = 0; round < 20000; round++) {
		size_t n = seed_draw(&random, sizeof text - 1);

		for (size_t i = 0; i < n; i++)
			text[i] = (char)(1 + seed_draw(&random, 255));
		text[n] = '\0';
		(void)visible_text(text, buf, sizeof buf);
		assert_true(strlen(buf) >= n);
		for (size_t i = 0; buf[i]; i++) {
			unsigned char c = (unsigned char)buf[i];

			assert_true(c >= 0x20 && c != 0x7f);
			assert_false(c == 0xc2 &&
				     (unsigned char)buf[i + 1] >= 0x80 &&
				     (unsigned char)buf[i + 1] < 0xa0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
