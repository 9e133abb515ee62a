/*
 * What editors turned down, and took back: the later counts, in whatever order each of
 * them hears of it.
 */
#include "agent/rejected.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits_fleet.h"
#include "seed.h"
#include "test.h"

static json_t *from_json(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	return o;
}

static const struct {
	const char *known, *heard, *want;
	bool news;
} merges[] = {
	{ "{}", "{}", "{}", false },
	{ "{}", "{\"k\":5}", "{\"k\":5}", true },
	{ "{\"k\":5}", "{\"k\":5}", "{\"k\":5}", false },
	{ "{\"k\":5}", "{\"k\":-6}", "{\"k\":-6}", true },
	{ "{\"k\":-6}", "{\"k\":5}", "{\"k\":-6}", false },
	{ "{\"k\":-6}", "{\"k\":7}", "{\"k\":7}", true },
	/* at once: it is turned down */
	{ "{\"k\":-6}", "{\"k\":6}", "{\"k\":6}", true },
	{ "{\"k\":6}", "{\"k\":-6}", "{\"k\":6}", false },
	{ "{\"k\":6}", "{\"l\":3}", "{\"k\":6,\"l\":3}", true },
	/* what is none */
	{ "{\"k\":6}", "{\"k\":0,\"l\":\"7\",\"\":9,\"m\":null}", "{\"k\":6}",
	  false },
	{ "{}", "{\"k\":9223372036854775807,\"l\":-9223372036854775808}", "{}",
	  false },
	{ "{}", "[\"k\"]", "{}", false },
};

static void test_merge(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(merges); k++) {
		json_t *known = from_json(merges[k].known);
		json_t *heard = from_json(merges[k].heard);
		json_t *want = from_json(merges[k].want);

		if (rejected_merge(known, heard) != merges[k].news ||
		    !json_equal(known, want))
			fail_msg("%s and %s", merges[k].known, merges[k].heard);
		json_decref(known);
		json_decref(heard);
		json_decref(want);
	}
}

static void test_set(void **state)
{
	json_t *r = json_object();
	struct err err;

	assert_false(rejected_has(r, "k"));
	assert_int_equal(rejected_set(r, "k", true, 100, &err), 0);
	assert_true(rejected_has(r, "k"));
	/* whose clock is behind still has the last word */
	assert_int_equal(rejected_set(r, "k", false, 50, &err), 0);
	assert_false(rejected_has(r, "k"));
	assert_int_equal(json_integer_value(json_object_get(r, "k")), -101);
	assert_int_equal(rejected_set(r, "k", true, 200, &err), 0);
	assert_int_equal(json_integer_value(json_object_get(r, "k")), 200);
	json_decref(r);
}

static void test_limit(void **state)
{
	json_t *r = json_object(), *other = json_object();
	struct err err;
	char key[16];

	for (int k = 0; k < LEARNED_REJECTED_MAX; k++) {
		(void)snprintf(key, sizeof key, "k%d", k);
		assert_int_equal(rejected_set(r, key, k != 3 && k != 4,
					      (uint64_t)(1000 - k % 7), &err),
				 0);
	}
	/* k4 was taken back before k3 */
	assert_int_equal(rejected_set(r, "one", true, 1000, &err), 0);
	assert_null(json_object_get(r, "k4"));
	assert_non_null(json_object_get(r, "k3"));
	(void)json_object_set_new(other, "undone", json_integer(-2000));
	assert_false(rejected_merge(r, other));
	(void)json_object_set_new(other, "two", json_integer(1000));
	assert_true(rejected_merge(r, other));
	assert_null(json_object_get(r, "k3"));
	assert_int_equal(rejected_set(r, "three", true, 1000, &err), -ENOSPC);
	assert_int_equal(rejected_set(r, "k5", false, 2000, &err), 0);
	assert_int_equal(rejected_set(r, "three", true, 2001, &err), 0);
	assert_int_equal(json_object_size(r), LEARNED_REJECTED_MAX);
	json_decref(r);
	json_decref(other);
}

/* Three who each say something, and hear all others in some order. */
static void test_all_alike(void **state)
{
	uint64_t random = seed_choose() | 1;

	for (int round = 0; round < 2000; round++) {
		json_t *r[3], *said[3];
		char key[2] = "a";

		for (int n = 0; n < 3; n++) {
			said[n] = json_object();
			for (key[0] = 'a'; key[0] <= 'd'; key[0]++) {
				json_int_t at =
					(json_int_t)seed_draw(&random, 7) - 3;

				if (at)
					(void)json_object_set_new(
						said[n], key, json_integer(at));
			}
			r[n] = json_copy(said[n]);
		}
		for (int n = 0; n < 3; n++) {
			int from = (int)seed_draw(&random, 3);

			for (int k = 0; k < 3; k++)
				(void)rejected_merge(r[n],
						     said[(from + k) % 3]);
		}
		assert_true(json_equal(r[0], r[1]));
		assert_true(json_equal(r[0], r[2]));
		for (int n = 0; n < 3; n++) {
			json_decref(r[n]);
			json_decref(said[n]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_all_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
