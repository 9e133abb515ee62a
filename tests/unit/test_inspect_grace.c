/*
 * Grace: tables of what is asked when, and random asking against a naive model.
 *
 * The table of pairs keeps few places for each hash, and which pairs share them
 * is its own business. find_rivals() learns it from outside: fresh pairs are
 * asked about until one makes another give way, then those are left out that
 * this does not take.
 */
#include "inspect/grace.h"

#include "base/limits.h"
#include "images.h"
#include "seed.h"
#include "test.h"

#define S(n)	     ((n)*USEC_PER_SEC)
#define WINDOW	     S(60)
#define FORGOTTEN    S(600)
#define ASKS_MAX     16
#define RIVALS	     24
#define OPERATIONS   30000
#define RETRIES_MOST 3

/* --- tables -------------------------------------------------------------- */

struct ask {
	uint64_t at_us;
	uint32_t version; /* 0 ends a scenario */
	unsigned retries;
	bool put_off;
};

/* clang-format off */
static const struct {
	const char *name;
	struct ask asks[ASKS_MAX];
} scenarios[] = {
	{ "a window is 60 s to the microsecond", {
		{ S(5), 1, 0, true },
		{ S(5), 1, 0, true },
		{ S(65) - 1, 1, 0, true },
		{ S(65), 1, 0, false },
		{ S(65), 1, 0, false },
	} },
	{ "a retry is one more window", {
		{ 0, 1, 1, true },
		{ S(60), 1, 1, true },
		{ S(120) - 1, 1, 1, true },
		{ S(120), 1, 1, false },
	} },
	{ "from when it is used, not from the end of the one before", {
		{ 0, 1, 1, true },
		{ S(100), 1, 1, true },
		{ S(160) - 1, 1, 1, true },
		{ S(160), 1, 1, false },
	} },
	{ "ten retries", {
		{ 0, 1, 10, true },
		{ S(60), 1, 10, true },
		{ S(120), 1, 10, true },
		{ S(180), 1, 10, true },
		{ S(240), 1, 10, true },
		{ S(300), 1, 10, true },
		{ S(360), 1, 10, true },
		{ S(420), 1, 10, true },
		{ S(480), 1, 10, true },
		{ S(540), 1, 10, true },
		{ S(600), 1, 10, true },
		{ S(660) - 1, 1, 10, true },
		{ S(660), 1, 10, false },
	} },
	{ "what was used counts when fewer are given, or more", {
		{ 0, 1, 2, true },
		{ S(60), 1, 2, true },
		{ S(120), 1, 1, false },
		{ S(121), 1, 2, true },
		{ S(181), 1, 2, false },
		{ S(181), 1, 3, true },
	} },
	{ "another policy version starts over", {
		{ 0, 1, 0, true },
		{ S(60), 1, 0, false },
		{ S(61), 2, 0, true },
		{ S(121) - 1, 2, 0, true },
		{ S(121), 2, 0, false },
	} },
	{ "also in the middle of a window", {
		{ 0, 1, 0, true },
		{ S(59), 2, 0, true },
		{ S(119) - 1, 2, 0, true },
		{ S(119), 2, 0, false },
	} },
	{ "with all its retries", {
		{ 0, 1, 1, true },
		{ S(60), 1, 1, true },
		{ S(120), 1, 1, false },
		{ S(120), 2, 1, true },
		{ S(180), 2, 1, true },
		{ S(240), 2, 1, false },
	} },
	{ "600 s without a hit are forgotten", {
		{ 0, 1, 0, true },
		{ S(60), 1, 0, false },
		{ S(660), 1, 0, true },
		{ S(720) - 1, 1, 0, true },
		{ S(720), 1, 0, false },
	} },
	{ "but not less; a hit that is denied is one, too", {
		{ 0, 1, 0, true },
		{ S(60), 1, 0, false },
		{ S(660) - 1, 1, 0, false },
		{ S(1260) - 2, 1, 0, false },
	} },
	{ "time that steps back ends nothing", {
		{ S(100), 1, 0, true },
		{ S(50), 1, 0, true },
		{ S(160) - 1, 1, 0, true },
		{ S(160), 1, 0, false },
	} },
};
/* clang-format on */

static struct grace *make(uint64_t seed)
{
	struct grace *g = grace_new(seed);

	assert_non_null(g);
	return g;
}

static void test_scenarios(void **state)
{
	struct ip_addr client = ip_from_v4(1), server = ip_from_v4(2);

	for (size_t n = 0; n < ARRAY_LEN(scenarios); n++) {
		struct grace *g = make(1);

		for (unsigned i = 0;
		     i < ASKS_MAX && scenarios[n].asks[i].version; i++) {
			const struct ask *a = &scenarios[n].asks[i];

			if (grace_applies(g, client, server, a->version,
					  a->retries,
					  (usec_t){ a->at_us }) != a->put_off)
				fail_msg("\"%s\", ask %u", scenarios[n].name,
					 i);
		}
		assert_int_equal(grace_in_use(g), 1);
		assert_int_equal(grace_evicted(g), 0);
		grace_free(g);
	}
	grace_free(NULL);
}

/* Each pair has its own; who is the client matters, and the family. */
static void test_pairs_are_apart(void **state)
{
	struct ip_addr six = { { 0x20, 1, 0xd, 0xb8 } };
	const struct {
		const char *name;
		struct ip_addr client, server;
	} pairs[] = {
		{ "one", ip_from_v4(1), ip_from_v4(2) },
		{ "the other way", ip_from_v4(2), ip_from_v4(1) },
		{ "another server", ip_from_v4(1), ip_from_v4(3) },
		{ "another client", ip_from_v4(3), ip_from_v4(2) },
		{ "IPv6", six, ip_from_v4(2) },
	};
	struct grace *g = make(1);

	/* Windows that begin one after the other end so. */
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		assert_row(pairs[i].name,
			   grace_applies(g, pairs[i].client, pairs[i].server, 1,
					 0, (usec_t){ S(i) }));
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		usec_t end = { S(i) + WINDOW }, last = { end.us - 1 };

		assert_row(pairs[i].name,
			   grace_applies(g, pairs[i].client, pairs[i].server, 1,
					 0, last));
		assert_row(pairs[i].name,
			   !grace_applies(g, pairs[i].client, pairs[i].server,
					  1, 0, end));
	}
	assert_int_equal(grace_in_use(g), ARRAY_LEN(pairs));
	grace_free(g);
}

/* --- who shares places ----------------------------------------------------- */

struct pair {
	struct ip_addr client, server;
};

/* Few clients and few servers: rivals have one of them in common, too. */
static struct pair pair_no(uint32_t n)
{
	return (struct pair){ ip_from_v4(n & 15), ip_from_v4(n >> 4) };
}

static bool ask(struct grace *g, struct pair p, usec_t now)
{
	return grace_applies(g, p.client, p.server, 1, 0, now);
}

/* Where all else is forgotten: does `last` make one of the n pairs give way? */
static bool gives_way(struct grace *g, usec_t *now, const struct pair *pairs,
		      size_t n, struct pair last)
{
	uint64_t before;

	*now = usec_add(*now, FORGOTTEN);
	for (size_t i = 0; i < n; i++)
		assert_true(ask(g, pairs[i], *now));
	before = grace_evicted(g);
	assert_true(ask(g, last, *now));
	return grace_evicted(g) > before;
}

/* RIVALS pairs for the same places, of which there are as many as returned. */
static size_t find_rivals(struct grace *g, usec_t *now,
			  struct pair ret[static RIVALS])
{
	static struct pair pairs[GRACE_PAIRS_MAX];
	size_t n = 0, ways, found;
	uint32_t next = 0;

	while (grace_evicted(g) == 0) {
		assert_true(n < GRACE_PAIRS_MAX);
		pairs[n++] = pair_no(next++);
		(void)ask(g, pairs[n - 1], *now); /* new: put off */
	}
	ret[0] = pairs[--n];
	for (size_t i = n; i-- > 0;) {
		struct pair out = pairs[i];

		pairs[i] = pairs[n - 1];
		if (gives_way(g, now, pairs, n - 1, ret[0]))
			n--;
		else
			pairs[i] = out;
	}
	ways = n;
	assert_true(ways < RIVALS);
	for (found = 1; found <= ways; found++)
		ret[found] = pairs[found - 1];
	while (found < RIVALS) {
		struct pair p = pair_no(next++);

		if (gives_way(g, now, pairs, ways, p))
			ret[found++] = p;
	}
	return ways;
}

/* --- the model -------------------------------------------------------------- */

struct model_entry {
	size_t rival;
	usec_t window_start, last_hit;
	uint32_t version;
	unsigned used;
};

struct model {
	struct grace *grace;
	size_t ways, n;
	struct model_entry entries[RIVALS]; /* not those forgotten */
	uint64_t evicted, random;
	uint32_t put_off, denied, forgotten;
	uint32_t base; /* of versions */
	usec_t now;
};

static void model_remove(struct model *m, struct model_entry *e)
{
	*e = m->entries[--m->n];
}

static struct model_entry *model_find(struct model *m, size_t rival)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->entries[i].rival == rival)
			return &m->entries[i];
	return NULL;
}

static void model_forget(struct model *m)
{
	for (size_t i = m->n; i-- > 0;)
		if (usec_since(m->now, m->entries[i].last_hit) >= FORGOTTEN) {
			model_remove(m, &m->entries[i]);
			m->forgotten++;
		}
}

static void model_make_room(struct model *m)
{
	struct model_entry *stalest = &m->entries[0];

	if (m->n < m->ways)
		return;
	for (size_t i = 1; i < m->n; i++)
		if (usec_before(m->entries[i].last_hit, stalest->last_hit))
			stalest = &m->entries[i];
	model_remove(m, stalest);
	m->evicted++;
}

static bool model_applies(struct model *m, size_t rival, uint32_t version,
			  unsigned retries)
{
	struct model_entry *e;

	model_forget(m);
	e = model_find(m, rival);
	if (e && e->version != version) {
		model_remove(m, e);
		e = NULL;
	}
	if (!e) {
		model_make_room(m);
		m->entries[m->n++] = (struct model_entry){ rival, m->now,
							   m->now, version, 0 };
		return true;
	}
	e->last_hit = m->now;
	if (usec_since(m->now, e->window_start) < WINDOW)
		return true;
	if (e->used >= retries)
		return false;
	e->used++;
	e->window_start = m->now;
	return true;
}

/* Now and then exactly as long as something lasts; no moment comes twice. */
static void pass_time(struct model *m)
{
	static const uint64_t steps[] = { 1, WINDOW - 1, WINDOW, FORGOTTEN - 1,
					  FORGOTTEN };
	uint32_t what = seed_draw(&m->random, 400);

	m->now = usec_add(m->now, what < ARRAY_LEN(steps)
					  ? steps[what]
					  : 1 + seed_draw(&m->random, S(10)));
}

/* Its successor goes on, whose versions are as much higher. */
static void hand_over(struct model *m)
{
	struct grace *next = make(m->random);
	struct images i;

	images_count(&i);
	grace_save(m->grace, &i.w);
	images_write(&i);
	grace_save(m->grace, &i.w);
	images_read(&i);
	assert_true(grace_load(next, &i.r, m->base + 1, m->base + 11));
	free(i.memory);
	grace_free(m->grace);
	m->grace = next;
	m->base += 10;
	for (size_t e = m->n; e-- > 0;)
		if (m->entries[e].version != m->base - 9)
			m->entries[e].version = 0;
		else
			m->entries[e].version = m->base + 1;
}

static void operate(struct model *m, const struct pair *rivals)
{
	size_t rival = seed_draw(&m->random, RIVALS);
	uint32_t version = m->base + 1 + (seed_draw(&m->random, 50) == 0);
	unsigned retries = seed_draw(&m->random, RETRIES_MOST + 1);
	bool want, got;

	/* Most of the time a few, so that some live long enough. */
	if (seed_draw(&m->random, 20))
		rival %= m->ways - 1;
	pass_time(m);
	want = model_applies(m, rival, version, retries);
	got = grace_applies(m->grace, rivals[rival].client,
			    rivals[rival].server, version, retries, m->now);
	assert_int_equal(got, want);
	assert_int_equal(grace_evicted(m->grace), m->evicted);
	m->put_off += want;
	m->denied += !want;
}

static void test_model(void **state)
{
	uint64_t seed = seed_choose();
	struct pair rivals[RIVALS];
	struct model m = { .grace = make(seed), .random = seed | 1 };

	m.ways = find_rivals(m.grace, &m.now, rivals);
	assert_true(m.ways > 1);
	m.now = usec_add(m.now, FORGOTTEN);
	m.evicted = grace_evicted(m.grace);
	for (int i = 0; i < OPERATIONS; i++) {
		if (seed_draw(&m.random, 500) == 0)
			hand_over(&m);
		operate(&m, rivals);
	}
	/* It was worth it. */
	assert_true(m.evicted > 100 && m.forgotten > 100);
	assert_true(m.put_off > 1000 && m.denied > 1000);
	grace_free(m.grace);
}

/* Many more than there is room for: all is counted, nothing grows. */
static void test_full(void **state)
{
	struct grace *g = make(1);
	uint32_t n = 4 * GRACE_PAIRS_MAX;

	for (uint32_t i = 0; i < n; i++) {
		assert_true(ask(g, pair_no(i), (usec_t){ i }));
		assert_int_equal(grace_in_use(g) + grace_evicted(g), i + 1);
	}
	assert_int_equal(grace_in_use(g), GRACE_PAIRS_MAX);
	/* The last one still has its window, the first starts over. */
	assert_false(ask(g, pair_no(n - 1), (usec_t){ n - 1 + WINDOW }));
	assert_true(ask(g, pair_no(0), (usec_t){ n + WINDOW }));
	/* What is forgotten anyway does not give way. */
	n = (uint32_t)grace_evicted(g);
	assert_true(ask(g, pair_no(0x0b000000),
			(usec_t){ 2 * FORGOTTEN + WINDOW }));
	assert_int_equal(grace_evicted(g), n);
	grace_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_pairs_are_apart),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
