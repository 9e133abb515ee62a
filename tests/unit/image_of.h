/*
 * Images of one thing, for tests: whole ones, and such as nobody wrote. Whatever
 * does not work fails the test.
 */
#pragma once

#include "base/image.h"

#include "seed.h"

#include <string.h>

struct test_image {
	uint8_t *memory; /* owned */
	size_t len;
	struct image_reader reader;
};

/* By save(x, w), which says how much it takes before. */
static inline struct test_image test_image_of(
	void (*save)(const void *x, struct image_writer *w), const void *x)
{
	struct test_image i = { 0 };
	struct image_writer w;

	image_write(&w, NULL, 0);
	save(x, &w);
	i.len = w.len;
	i.memory = calloc(1, i.len);
	assert_non_null(i.memory);
	image_write(&w, i.memory, i.len);
	save(x, &w);
	assert_int_equal(w.len, i.len);
	assert_int_equal(image_written(&w), 0);
	assert_int_equal(image_read(&i.reader, i.memory, i.len), 0);
	return i;
}

static inline void test_image_free(struct test_image *i)
{
	free(i->memory);
}

/*
 * Calls load(arg, r) so many times, each time with other bytes changed somewhere in
 * the image: one to three bits, a byte, or a number.
 */
static inline void test_image_hostile(
	struct test_image *i, unsigned times, uint64_t *seed,
	void (*load)(void *arg, const struct image_reader *), void *arg)
{
	static const uint32_t numbers[] = { 0, 1, 0x7fffffff, UINT32_MAX };
	uint8_t *good = malloc(i->len);
	struct image_reader r;

	assert_non_null(good);
	memcpy(good, i->memory, i->len);
	for (; times > 0; times--) {
		uint32_t at = seed_draw(seed, (uint32_t)i->len);
		uint32_t how = seed_draw(seed, 4);

		for (uint32_t n = 1 + seed_draw(seed, 3); how < 2 && n; n--) {
			uint32_t bit = seed_draw(seed, (uint32_t)i->len * 8);

			i->memory[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		if (how == 2)
			i->memory[at] = (uint8_t)seed_draw(seed, 256);
		if (how == 3)
			memcpy(i->memory + (at & ~3u),
			       &numbers[seed_draw(seed, ARRAY_LEN(numbers))],
			       sizeof *numbers);
		if (image_read(&r, i->memory, i->len) == 0)
			load(arg, &r);
		memcpy(i->memory, good, i->len);
	}
	free(good);
}
