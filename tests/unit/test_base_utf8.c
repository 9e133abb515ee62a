/*
 * What is UTF-8 and what is not, at the edges; and against jansson, which will
 * have to take it.
 */
#include "base/utf8.h"

#include <jansson.h>
#include <string.h>

#include "seed.h"
#include "test.h"

static void test_chars(void **state)
{
	static const struct {
		const char *s;
		size_t want;
	} rows[] = {
		{ "", 0 },
		{ "a", 1 },
		{ "\x7f", 1 },
		{ "\x80", 0 },
		{ "\xc1\xbf", 0 }, /* overlong */
		{ "\xc2\x80", 2 },
		{ "\xdf\xbf", 2 },
		{ "\xdf", 0 },
		{ "\xe0\x9f\xbf", 0 }, /* overlong */
		{ "\xe0\xa0\x80", 3 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xed\xa0\x80", 0 }, /* a surrogate */
		{ "\xef\xbf\xbf", 3 },
		{ "\xe2\x82", 0 },
		{ "\xf0\x8f\xbf\xbf", 0 }, /* overlong */
		{ "\xf0\x90\x80\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\xf4\x90\x80\x80", 0 }, /* U+110000 */
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xff", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(utf8_char(rows[i].s), rows[i].want);
}

static void test_texts(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "eth0", "eth0" },
		{ "b\xc3\xbc"
		  "ro",
		  "b\xc3\xbc"
		  "ro" },
		{ "\xff", "\\xff" },
		{ "caf\xc3", "caf\\xc3" },
		{ "a\xff\xc3\xbc", "a\\xff\xc3\xbc" },
	};
	char buf[32];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(utf8_text(rows[i].text, buf, sizeof buf),
				    rows[i].want);
	assert_ptr_equal(utf8_text(rows[1].text, buf, sizeof buf),
			 rows[1].text);
	/* cut, and not within a character */
	assert_string_equal(utf8_text("\xff\xff\xff", buf, 9), "\\xff\\xff");
	assert_string_equal(utf8_text("\xff\xff", buf, 5), "\\xff");
	assert_string_equal(utf8_text("\xff\xf0\x90\x80\x80", buf, 8), "\\xff");
}

static void test_random(void **state)
{
	uint64_t random = seed_choose() | 1;
	char text[17], buf[sizeof text * 4 + 1];

	for (int round = 0; round < 100000; round++) {
		size_t n = seed_draw(&random, sizeof text);
		const char *got;
		json_t *v;

		for (size_t i = 0; i < n; i++)
			text[i] = (char)(1 + seed_draw(&random, 255));
		text[n] = '\0';
		v = json_string(text);
		got = utf8_text(text, buf, sizeof buf);
		assert_true((v != NULL) == (got == text));
		json_decref(v);
		v = json_string(got);
		assert_non_null(v);
		json_decref(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chars),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
