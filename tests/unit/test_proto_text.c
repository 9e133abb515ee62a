/* Words in any case, compared at once, against a comparison byte by byte. */
#include "proto/text.h"
#include "test.h"

static bool is_same(const uint8_t *b, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text_lower(b[i]) != (uint8_t)word[i])
			return false;
	return true;
}

/* Each byte in each place of words of each length. */
static void test_nocase(void **state)
{
	static const char letters[] = "content-transfer/1.1_z{`a~@[";

	(void)state;
	for (size_t len = 0; len < sizeof letters; len++) {
		char word[sizeof letters] = { 0 };
		uint8_t b[sizeof letters];

		memcpy(word, letters, len);
		for (size_t at = 0; at < len; at++)
			for (unsigned byte = 0; byte < 256; byte++) {
				memcpy(b, word, sizeof b);
				b[at] = (uint8_t)byte;
				assert_int_equal(
					text_is_nocase(bytes_of(b, len), word),
					is_same(b, word, len));
			}
		assert_true(text_is_nocase(bytes_of(word, len), word));
		assert_false(text_is_nocase(bytes_of(letters, len + 1), word));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_nocase) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
