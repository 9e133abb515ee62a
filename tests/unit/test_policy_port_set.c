/*
 * Sets of ports against a list that is searched from end to end.
 */
#include "policy/port_set.h"

#include <stdlib.h>

#include "base/limits.h"
#include "seed.h"
#include "test.h"

#define ROUNDS	300
#define LOOKUPS 500

static struct app_port any_port(uint64_t *rng)
{
	static const uint8_t protos[] = { 0, 6, 17, 132, 255 };

	/* few, so that some are there twice and some are looked for */
	return (struct app_port){
		.proto = protos[seed_draw(rng, ARRAY_LEN(protos))],
		.port = (uint16_t)(seed_draw(rng, 40) * 1680),
	};
}

static bool list_has(const struct app_port *list, size_t n, struct app_port p)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].proto == p.proto && list[i].port == p.port)
			return true;
	return false;
}

static void test_model(void **state)
{
	static struct app_port list[ENDPOINT_APPS_MAX];
	uint64_t rng = seed_choose() | 1;

	for (int round = 0; round < ROUNDS; round++) {
		size_t n =
			seed_draw(&rng, round % 7 ? 60 : ENDPOINT_APPS_MAX + 1);
		struct port_set *s, *again;

		for (size_t i = 0; i < n; i++)
			list[i] = any_port(&rng);
		s = port_set_new(list, n);
		assert_non_null(s);
		again = port_set_get(s);
		assert_ptr_equal(again, s);
		port_set_put(s);
		for (int i = 0; i < LOOKUPS; i++) {
			struct app_port p = any_port(&rng);

			assert_int_equal(port_set_has(again, p.proto, p.port),
					 list_has(list, n, p));
		}
		port_set_put(again);
	}
}

static void test_none(void **state)
{
	struct port_set *s = port_set_new(NULL, 0);

	assert_false(port_set_has(s, 6, 0));
	assert_false(port_set_has(NULL, 6, 80));
	assert_null(port_set_get(NULL));
	port_set_put(NULL);
	port_set_put(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
