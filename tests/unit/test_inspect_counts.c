/*
 * A sum of counts has all of them: with every 32-bit word of two of them set to
 * a small number, so that nothing is carried over, each word of their sum is the
 * sum of the words - whatever fields they make up. What is between fields is
 * left out, since it is in no sum.
 */
#include "inspect/counts.h"

#include <string.h>

#include "test.h"

#define WORDS (sizeof(struct inspect_counts) / 4)

union words {
	struct inspect_counts counts;
	uint32_t word[WORDS];
};

static void test_all_are_added(void **state)
{
	static union words sum, a, b;
	size_t left_out = 0;

	for (size_t i = 0; i < WORDS; i++) {
		a.word[i] = (uint32_t)i + 1;
		b.word[i] = 3 * (uint32_t)i + 7;
	}
	inspect_counts_add(&sum.counts, &a.counts);
	inspect_counts_add(&sum.counts, &b.counts);
	for (size_t i = 0; i < WORDS; i++)
		if (sum.word[i] == 0)
			left_out++;
		else
			assert_int_equal(sum.word[i], 4 * i + 8);
	/* behind the three 32-bit fields */
	assert_int_equal(left_out, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
