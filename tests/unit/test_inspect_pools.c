/* How tables become smaller: by a table of limits, and random ones. */
#include "inspect/pools.h"

#include <string.h>

#include "base/limits.h"
#include "base/limits_memory.h"
#include "seed.h"
#include "test.h"

#define MB (UINT64_C(1) << 20)

/* The pools that are smaller than by default, a letter each, in their order. */
static const char *smaller(const struct pools *p, uint32_t flows)
{
	static char text[POOL__MAX + 1];
	struct pools d = pools_default(flows);
	size_t n = 0;

	for (unsigned i = 0; i < POOL__MAX; i++)
		if (p->n[i] < d.n[i])
			text[n++] = "ahbsgtf"[i];
	text[n] = '\0';
	return text;
}

static void by_limits(void **state)
{
	struct pools all = pools_default(FLOWS_DEFAULT);
	uint64_t full = pools_bytes(&all);
	uint64_t apps = pool_bytes(POOL_APPLICATIONS, BREADTH_FLOWS_DEFAULT);
	uint64_t http2 = pool_bytes(POOL_HTTP2, HPACK_DECODERS_MAX) -
			 pool_bytes(POOL_HTTP2, POOL_HTTP2_MIN);
	const struct {
		const char *name;
		uint64_t bytes;
		const char *smaller;
		bool fits;
	} rows[] = {
		{ "more than enough", 4 * full, "", true },
		{ "just enough", full, "", true },
		{ "a byte less: nDPI", full - 1, "a", true },
		{ "nDPI's", full - apps, "a", true },
		{ "a byte less", full - apps - 1, "ah", true },
		{ "all of HTTP/2's", full - apps - http2, "ah", true },
		{ "a byte less", full - apps - http2 - 1, "ahb", true },
		{ "not much", 64 * MB, "ahbsgtf", true },
		{ "hopeless", 8 * MB, "ahbsgtf", false },
		{ "nothing", 0, "ahbsgtf", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pools p = all;
		bool fits = pools_fit(&p, rows[i].bytes);

		if (strcmp(smaller(&p, FLOWS_DEFAULT), rows[i].smaller) != 0)
			fail_msg("row \"%s\": %s, not %s", rows[i].name,
				 smaller(&p, FLOWS_DEFAULT), rows[i].smaller);
		assert_row(rows[i].name, fits == rows[i].fits);
	}
}

static void shares(void **state)
{
	assert_int_equal(pools_share(0, 1), 0);
	assert_int_equal(pools_share(64 * MB, 1), 0);
	assert_int_equal(pools_share(1024 * MB, 1),
			 768 * MB - MEMORY_PROCESS_BYTES);
	assert_int_equal(pools_share(1024 * MB, 16),
			 (768 * MB - MEMORY_PROCESS_BYTES) / 16);
}

/*
 * Whatever it is: nothing grows, nothing is below its least, one is only touched
 * when all before it are at theirs, what fits fits, and one place more would not.
 */
static void at_random(void **state)
{
	uint64_t random = seed_choose() | 1;

	for (int i = 0; i < 2000; i++) {
		uint32_t flows = FLOWS_MIN + seed_draw(&random, 1u << 20);
		struct pools d = pools_default(flows), p = d, least = d, one;
		uint64_t full = pools_bytes(&d);
		uint64_t bytes = full / 1024 * seed_draw(&random, 1100);
		bool fits = pools_fit(&p, bytes);
		unsigned last = 0;

		(void)pools_fit(&least, 0);
		assert_int_equal(fits, pools_bytes(&p) <= bytes);
		for (unsigned k = 0; k < POOL__MAX; k++) {
			assert_true(p.n[k] <= d.n[k]);
			assert_true(p.n[k] >= least.n[k]);
			last = p.n[k] < d.n[k] ? k : last;
		}
		for (unsigned k = 0; k < last; k++)
			assert_int_equal(p.n[k], least.n[k]);
		if (!fits) {
			assert_memory_equal(&p, &least, sizeof p);
			continue;
		}
		one = p;
		one.n[last]++;
		if (p.n[last] < d.n[last] && last != POOL_APPLICATIONS)
			assert_true(pools_bytes(&one) > bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_limits),
		cmocka_unit_test(shares),
		cmocka_unit_test(at_random),
	};

	return cmocka_run_group_tests_name("inspect_pools", tests, NULL, NULL);
}
