/*
 * Images of what a process knows: written, counted, read, and read when they are
 * of another version, too short, or not what they should be.
 */
#include "base/image.h"

#include <errno.h>
#include <string.h>

#include "test.h"

struct pair {
	uint32_t a, b;
};

IMAGE_PART(numbers, "numbers", uint64_t, 1);
IMAGE_PART(pairs, "pairs", struct pair, 3);
IMAGE_PART(pairs_later, "pairs", struct pair, 4);
IMAGE_PART(pairs_wide, "pairs", uint64_t[2], 3);

static _Alignas(64) uint8_t memory[1024];

static size_t write_some(size_t size)
{
	static const uint64_t n[] = { 1, 2, 3 };
	static const struct pair p[] = { { 4, 5 }, { 6, 7 } };
	struct image_writer w;

	memset(memory, 0, sizeof memory);
	image_write(&w, size ? memory : NULL, size);
	image_put(&w, "one", &numbers, n, 3);
	image_put(&w, "two", &numbers, n, 1);
	image_put(&w, "one", &pairs, p, 2);
	image_put(&w, "none", &pairs, NULL, 0);
	assert_int_equal(image_written(&w), w.len <= size ? 0 : -ENOSPC);
	return w.len;
}

static void test_there(void **state)
{
	struct image_reader r;
	struct pair p[2];
	uint64_t n, number;
	const uint64_t *at;

	(void)state;
	write_some(sizeof memory);
	assert_int_equal(image_read(&r, memory, sizeof memory), 0);
	at = image_get(&r, "one", &numbers, &n);
	assert_non_null(at);
	assert_int_equal(n, 3);
	assert_int_equal(at[2], 3);
	assert_true(image_take(&r, "two", &numbers, &number, 1));
	assert_int_equal(number, 1);
	assert_false(image_take(&r, "two", &numbers, &number, 2));
	assert_true(image_take(&r, "one", &pairs, p, 2));
	assert_int_equal(p[1].b, 7);
	assert_non_null(image_get(&r, "none", &pairs, &n));
	assert_int_equal(n, 0);
	assert_null(image_get(&r, "three", &numbers, &n));
}

static void test_otherwise(void **state)
{
	struct image_reader r;
	uint64_t n;

	(void)state;
	write_some(sizeof memory);
	assert_int_equal(image_read(&r, memory, sizeof memory), 0);
	assert_null(image_get(&r, "one", &pairs_later, &n));
	assert_null(image_get(&r, "one", &pairs_wide, &n));
}

static void test_counts(void **state)
{
	size_t len = write_some(0);

	(void)state;
	assert_int_equal(write_some(len), len);
	assert_int_equal(write_some(len - 1), len);
}

/* Each byte of it is another one, once; and each length. Nothing is overrun. */
static void test_hostile(void **state)
{
	size_t len = write_some(sizeof memory);
	struct image_reader r;
	uint64_t n;

	(void)state;
	for (size_t cut = 0; cut <= len; cut++)
		if (image_read(&r, memory, cut) == 0)
			assert_int_equal(cut, len);
	for (size_t i = 0; i < 8 * len; i++) {
		const uint64_t *at;

		memory[i / 8] ^= (uint8_t)(1 << i % 8);
		if (image_read(&r, memory, len) == 0 &&
		    (at = image_get(&r, "one", &numbers, &n)) != NULL)
			assert_true((const uint8_t *)(at + n) <= memory + len);
		if (image_read(&r, memory, len) == 0 &&
		    image_get(&r, "none", &pairs, &n))
			assert_true(n <= len / sizeof(struct pair));
		memory[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there),
		cmocka_unit_test(test_otherwise),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
