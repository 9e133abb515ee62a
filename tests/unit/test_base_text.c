/* A text that grows, against what snprintf() makes of the same pieces. */
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seed.h"
#include "test.h"

#define PIECES 2000

/* Pieces of 0 to 5,000 bytes: some larger than all room there is. */
static void test_pieces(void **state)
{
	uint64_t seed = seed_choose() | 1;
	size_t size = PIECES * 5020UL, len = 0;
	char *want = malloc(size), *got;
	struct text t = { 0 };

	assert_non_null(want);
	for (unsigned k = 0; k < PIECES; k++) {
		int width = (int)seed_draw(&seed, 2)
				    ? (int)seed_draw(&seed, 12)
				    : (int)seed_draw(&seed, 5000);
		int n = snprintf(want + len, size - len, "%*u", width, k);

		switch (seed_draw(&seed, 3)) {
		case 0: text_addf(&t, "%*u", width, k); break;
		case 1: text_add(&t, want + len, (size_t)n); break;
		default: text_add_word(&t, want + len); break;
		}
		len += (size_t)n;
	}
	assert_int_equal(t.len, len);
	got = text_take(&t);
	assert_non_null(got);
	assert_string_equal(got, want);
	assert_null(t.at);
	free(got);
	free(want);
}

static void test_empty(void **state)
{
	struct text t = { 0 };
	char *got;

	text_add(&t, "", 0);
	text_add_word(&t, "");
	assert_null(t.at);
	got = text_take(&t);
	assert_string_equal(got, "");
	free(got);
	text_done(&t);
}

/* What could not be had is not forgotten. */
static void test_failed(void **state)
{
	struct text t = { .failed = true };

	text_add_word(&t, "a");
	text_addf(&t, "%d", 1);
	assert_int_equal(t.len, 0);
	assert_null(text_take(&t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
