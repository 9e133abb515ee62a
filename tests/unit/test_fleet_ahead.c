/* News that came early (src/fleet/ahead.h), against a list that forgets nothing. */
#include "fleet/ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "seed.h"
#include "test.h"

static struct ahead ahead;

static natsMsg *message(uint64_t seq, size_t size)
{
	natsMsg *m = NULL;
	char *bytes = calloc(1, size);

	assert_non_null(bytes);
	memcpy(bytes, &seq, size < sizeof seq ? size : sizeof seq);
	assert_int_equal(natsMsg_Create(&m, "s", NULL, bytes, (int)size),
			 NATS_OK);
	free(bytes);
	return m;
}

static int keep(uint64_t heard, uint64_t seq, size_t size)
{
	natsMsg *m = message(seq, size);
	int rc = ahead_keep(&ahead, heard, seq, 2 * seq, m);

	if (rc <= 0)
		natsMsg_Destroy(m);
	return rc;
}

/* Is it there, and what was kept? It is taken. */
static bool take(uint64_t seq)
{
	uint64_t at = 0, is = 0;
	natsMsg *m = ahead_take(&ahead, seq, &at);

	if (!m)
		return false;
	assert_int_equal(at, 2 * seq);
	memcpy(&is, natsMsg_GetData(m), sizeof is);
	assert_int_equal(is, seq);
	natsMsg_Destroy(m);
	return true;
}

static void test_in_turn(void **state)
{
	assert_int_equal(keep(4, 7, 8), 1);
	assert_int_equal(keep(4, 6, 8), 1);
	assert_int_equal(keep(4, 6, 8), 0); /* once is enough */
	assert_int_equal(ahead.last, 7);
	assert_false(take(5));
	assert_true(take(6));
	assert_false(take(6));
	assert_true(take(7));
	assert_int_equal(ahead.n, 0);
	assert_int_equal(ahead.bytes, 0);
	ahead_done(&ahead);
	assert_int_equal(ahead.last, 0);
}

static void test_room(void **state)
{
	const size_t big = FLEET_AHEAD_BYTES_MAX / 4;

	assert_int_equal(keep(0, FLEET_AHEAD_MAX, 8), 1);
	assert_int_equal(keep(0, FLEET_AHEAD_MAX + 1, 8), -ENOSPC);
	assert_int_equal(ahead.last, FLEET_AHEAD_MAX + 1); /* is known */
	assert_int_equal(keep(0, UINT64_MAX, 8), -ENOSPC);
	ahead_done(&ahead);
	for (uint64_t seq = 2; seq <= 5; seq++)
		assert_int_equal(keep(0, seq, big), 1);
	assert_int_equal(keep(0, 6, 1), -ENOSPC);
	ahead_pass(&ahead, 3);
	assert_int_equal(ahead.n, 2);
	assert_int_equal(keep(3, 6, big), 1);
	/* the place of one that was passed over is free */
	assert_int_equal(keep(FLEET_AHEAD_MAX, FLEET_AHEAD_MAX + 4, 8), 1);
	assert_false(take(4));
	ahead_done(&ahead);
	assert_int_equal(ahead.bytes, 0);
}

#define LAST 6000

/* Any of the next ones comes at any time; what was taken is taken in order. */
static void test_random(void **state)
{
	static bool there[LAST + 2 * FLEET_AHEAD_MAX];
	uint64_t heard = 0, random = seed_choose() | 1;

	while (heard < LAST) {
		uint64_t seq =
			heard + 1 +
			seed_draw(&random, seed_draw(&random, 8) ? 40 : 1500);
		bool fits = seq - heard <= FLEET_AHEAD_MAX;

		assert_int_equal(keep(heard, seq, 8), there[seq] ? 0
						      : fits	 ? 1
								 : -ENOSPC);
		there[seq] |= fits;
		if (seed_draw(&random, 64) ==
		    0) /* asked for: what is between is gone */
			heard += 1 + seed_draw(&random, 30);
		ahead_pass(&ahead, heard);
		for (; there[heard + 1]; heard++)
			assert_true(take(heard + 1));
		assert_false(take(heard + 1));
	}
	ahead_done(&ahead);
	assert_int_equal(ahead.n, 0);
	assert_int_equal(ahead.bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_turn),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_random),
	};

	int failed;

	BUG_ON(nats_Open(-1) != NATS_OK); /* frees messages in a while */
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	nats_Close();
	return failed;
}
