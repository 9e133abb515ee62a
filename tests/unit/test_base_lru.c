/*
 * Places by hash and age against a naive model: an array of all that was taken,
 * searched from the front, ordered by a count of moves. The seed is printed;
 * WEIR_SEED=n runs that one.
 */
#include "base/lru.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test.h"

#define LIMIT	   40
#define HASHES	   12 /* fewer than places: chains are long */
#define OPERATIONS 100000

struct model_place {
	bool taken;
	uint32_t hash;
	unsigned list;
	uint64_t moved;
};

struct model {
	struct lru lru;
	struct model_place places[LIMIT + 1];
	uint32_t n;
	uint64_t moves;
	uint64_t random;
	uint32_t times_full;
};

/* xorshift64*: the same numbers everywhere. */
static uint32_t any(struct model *m, uint32_t below)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (uint32_t)((m->random * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static void op_take(struct model *m)
{
	uint32_t hash = any(m, HASHES), list = any(m, LRU_LISTS_MAX);
	uint32_t i = lru_take(&m->lru, hash, list);

	if (m->n == LIMIT) {
		assert_int_equal(i, 0);
		m->times_full++;
		return;
	}
	assert_true(i >= 1 && i <= LIMIT);
	assert_false(m->places[i].taken);
	m->places[i] = (struct model_place){ true, hash, list, ++m->moves };
	m->n++;
}

/* A random place that is taken; 0: none is. */
static uint32_t any_taken(struct model *m)
{
	uint32_t i = 1 + any(m, LIMIT);

	for (uint32_t n = 0; n < LIMIT; n++, i = i % LIMIT + 1)
		if (m->places[i].taken)
			return i;
	return 0;
}

static void op_move(struct model *m)
{
	uint32_t i = any_taken(m), list = any(m, LRU_LISTS_MAX);

	if (!i)
		return;
	lru_move(&m->lru, i, list);
	m->places[i].list = list;
	m->places[i].moved = ++m->moves;
}

static void op_release(struct model *m)
{
	uint32_t i = any_taken(m);

	if (!i)
		return;
	lru_release(&m->lru, i);
	m->places[i].taken = false;
	m->n--;
}

/* Another one takes all over. */
static void op_hand_over(struct model *m)
{
	static _Alignas(64) uint8_t memory[4096];
	struct image_writer w;
	struct image_reader r;
	struct lru next;

	image_write(&w, memory, sizeof memory);
	lru_save(&m->lru, "test", &w);
	assert_int_equal(image_written(&w), 0);
	assert_int_equal(image_read(&r, memory, sizeof memory), 0);
	assert_int_equal(lru_init(&next, LIMIT), 0);
	assert_false(lru_load(&next, "other", &r));
	assert_true(lru_load(&next, "test", &r));
	assert_true(next.used_ever <= m->lru.used_ever);
	lru_done(&m->lru);
	m->lru = next;
}

/* What no table ever was is refused, and leaves it empty. */
static void test_hostile(void **state)
{
	static _Alignas(64) uint8_t memory[4096];
	struct image_writer w;
	struct image_reader r;
	struct lru l, next;
	size_t refused = 0;

	(void)state;
	assert_int_equal(lru_init(&l, LIMIT), 0);
	assert_int_equal(lru_init(&next, LIMIT), 0);
	for (uint32_t i = 0; i < LIMIT; i++)
		(void)lru_take(&l, i, i % LRU_LISTS_MAX);
	image_write(&w, memory, sizeof memory);
	lru_save(&l, "test", &w);
	for (size_t bit = 0; bit < 8 * w.len; bit++) {
		memory[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (image_read(&r, memory, sizeof memory) < 0 ||
		    !lru_load(&next, "test", &r)) {
			refused++;
			assert_int_equal(next.in_use, 0);
		}
		for (uint32_t list = 0; list < LRU_LISTS_MAX; list++)
			for (uint32_t i; (i = lru_oldest(&next, list));)
				lru_release(&next, i);
		assert_int_equal(next.in_use, 0);
		memory[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(refused > 0);
	lru_done(&l);
	lru_done(&next);
}

static void check_lists(struct model *m)
{
	uint32_t sum = 0;

	for (unsigned list = 0; list < LRU_LISTS_MAX; list++) {
		uint64_t last = 0;
		uint32_t n = 0;

		for (uint32_t i = lru_oldest(&m->lru, list); i;
		     i = lru_newer(&m->lru, i)) {
			assert_true(m->places[i].taken);
			assert_int_equal(m->places[i].list, list);
			assert_true(m->places[i].moved > last);
			last = m->places[i].moved;
			n++;
		}
		assert_int_equal(lru_count(&m->lru, list), n);
		sum += n;
	}
	assert_int_equal(sum, m->n);
	assert_int_equal(m->lru.in_use, m->n);
}

/* By hash each is found once, and nothing else. */
static void check_hashes(struct model *m)
{
	uint32_t found = 0;

	for (uint32_t hash = 0; hash < HASHES; hash++)
		for (uint32_t i = lru_find(&m->lru, hash); i;
		     i = lru_same(&m->lru, i)) {
			assert_true(m->places[i].taken);
			assert_int_equal(m->places[i].hash, hash);
			found++;
		}
	assert_int_equal(found, m->n);
}

static void check_walk(struct model *m)
{
	uint32_t cursor = 0, i, last = 0, n = 0;

	while ((i = lru_walk(&m->lru, &cursor))) {
		assert_true(i > last);
		assert_true(m->places[i].taken);
		last = i;
		n++;
	}
	assert_int_equal(n, m->n);
	assert_int_equal(lru_walk(&m->lru, &cursor), 0);
}

static void test_model(void **state)
{
	const char *given = getenv("WEIR_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0)
			      : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL;
	static struct model m;

	print_message("# WEIR_SEED=%llu\n", (unsigned long long)seed);
	m = (struct model){ .random = seed | 1 };
	assert_int_equal(lru_init(&m.lru, LIMIT), 0);
	for (uint32_t i = 0; i < OPERATIONS; i++) {
		/* in turn more is taken and more released */
		bool grow = i / 500 % 2;
		uint32_t what = any(&m, 10);

		if (i % 97 == 0)
			op_hand_over(&m);
		if (what < (grow ? 5u : 2u))
			op_take(&m);
		else if (what < 7)
			op_move(&m);
		else
			op_release(&m);
		check_lists(&m);
		check_hashes(&m);
		check_walk(&m);
	}
	assert_true(m.times_full > 0);
	lru_done(&m.lru);
	lru_done(&m.lru);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
