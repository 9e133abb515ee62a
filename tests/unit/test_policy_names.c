#include "policy/names.h"
#include "seed.h"
#include "test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

static struct name_set *make(const struct name_set *before,
			     const char *const *texts, size_t n)
{
	struct err err = { 0 };
	struct name_set *s = name_set_next(before, texts, n, &err);

	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static const struct {
	const char *name, *host;
	bool is;
} rows[] = {
	{ "a.b.c", "a.b.c", true },
	{ "a.b.c", "x.a.b.c", false },
	{ "a.b.c", "b.c", false },
	{ "A.b.C.", "a.b.c", true },
	{ "*.a.b", "x.a.b", true },
	{ "*.a.b", "y.x.a.b", true },
	{ "*.a.b", "a.b", false },
	{ "*.a.b", "xa.b", false },
	{ "*.A.b.", "x.a.b", true },
	{ "*.com", "a.com", true },
	{ "*.com", "b.a.com", true },
	{ "*.com", "com", false },
	{ "*.com", ".com", false },
	{ "*.a.b", "x.a.bc", false },
	{ "*", "a", false },
	{ "*a.b", "xa.b", false },
	{ "*.a.b", "*.a.b", true },
	{ "a.b", "a.b.", false },
	{ "*.a.b", "x\\046a.b", false },
	{ ".", ".", true },
	{ "*.", "x", false },
};

static void matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct name_set *s = make(NULL, &rows[i].name, 1);
		uint16_t ids[2] = { 0 };
		unsigned n = name_set_match(s, rows[i].host,
					    strlen(rows[i].host), ids, 2);

		if ((n == 1) != rows[i].is || (n && ids[0] != 1))
			fail_msg("row \"%s\" \"%s\": %u", rows[i].name,
				 rows[i].host, n);
		assert_int_equal(name_set_id(s, rows[i].name), 1);
		name_set_free(s);
	}
}

static void order_is_from_near_to_far(void **state)
{
	static const char *const texts[] = { "*.c", "a.b.c", "*.b.c",
					     "*.a.b.c" };
	struct name_set *s = make(NULL, texts, ARRAY_LEN(texts));
	uint16_t ids[4];

	(void)state;
	assert_int_equal(name_set_match(s, "a.b.c", 5, ids, 4), 3);
	assert_true(ids[0] == 2 && ids[1] == 3 && ids[2] == 1);
	assert_int_equal(name_set_match(s, "a.b.c", 5, ids, 2), 2);
	assert_true(ids[0] == 2 && ids[1] == 3);
	assert_int_equal(name_set_match(s, "a.b.c", 5, ids, 0), 0);
	assert_int_equal(name_set_match(s, "", 0, ids, 4), 0);
	name_set_free(s);
}

static void numbers_stay(void **state)
{
	static const char *const one[] = { "a", "b", "c" };
	static const char *const two[] = { "C", "d", "a", "c" };
	static const char *const three[] = { "b", "c" };
	struct name_set *s1 = make(NULL, one, 3);
	struct name_set *s2 = make(s1, two, 4);
	struct name_set *s3 = make(s2, three, 2);

	(void)state;
	assert_int_equal(name_set_count(s2), 3);
	assert_int_equal(name_set_id(s2, "a"), 1);
	assert_int_equal(name_set_id(s2, "c"), 3);
	assert_int_equal(name_set_id(s2, "d"), 2);
	assert_int_equal(name_set_id(s2, "b"), NAME_NONE);
	assert_string_equal(name_set_text(s2, 3), "c");
	assert_int_equal(name_set_birth(s2, 3), name_set_birth(s1, 3));
	assert_int_not_equal(name_set_birth(s2, 2), name_set_birth(s1, 2));
	/* b is back, but is not the b of the first set. */
	assert_int_equal(name_set_id(s3, "b"), 1);
	assert_int_not_equal(name_set_birth(s3, 1), name_set_birth(s1, 1));
	assert_null(name_set_text(s3, 2));
	assert_null(name_set_text(s3, 0));
	assert_null(name_set_text(s3, FQDNS_MAX));
	name_set_free(s1);
	name_set_free(s2);
	name_set_free(s3);
}

static void what_is_refused(void **state)
{
	static char space[FQDNS_MAX + 2][16];
	static const char *texts[FQDNS_MAX + 2];
	static char longest[FQDN_TEXT_MAX + 1];
	const char *one = longest;
	struct err err = { 0 };
	struct name_set *s;

	(void)state;
	for (size_t i = 0; i < FQDNS_MAX + 2; i++) {
		snprintf(space[i], sizeof space[i], "n%zu.x", i);
		texts[i] = space[i];
	}
	texts[FQDNS_MAX] = "N7.x.";
	s = make(NULL, texts, FQDNS_MAX + 1);
	assert_int_equal(name_set_count(s), FQDNS_MAX);
	assert_string_equal(name_set_text(s, FQDNS_MAX), space[FQDNS_MAX - 1]);
	assert_null(name_set_next(s, texts, FQDNS_MAX + 2, &err));
	assert_int_equal(err.code, E2BIG);
	name_set_free(s);
	assert_null(name_set_next(NULL, &one, 1, &err));
	assert_int_equal(err.code, EINVAL);
	memset(longest, 'a', FQDN_TEXT_MAX);
	assert_null(name_set_next(NULL, &one, 1, &err));
	longest[FQDN_TEXT_MAX - 1] = 0;
	name_set_free(make(NULL, &one, 1));
	s = make(NULL, NULL, 0);
	assert_int_equal(name_set_count(s), 0);
	assert_int_equal(name_set_id(s, ""), NAME_NONE);
	name_set_free(s);
}

/* --- random sets, one after the other, against a naive reading ---------- */

#define TEXTS 40

static void draw_host(uint64_t *random, char *ret)
{
	unsigned n = 1 + seed_draw(random, 4);

	for (unsigned i = 0; i < n; i++) {
		*ret++ = (char)('a' + seed_draw(random, 3));
		if (seed_draw(random, 4) == 0)
			*ret++ = (char)('a' + seed_draw(random, 3));
		*ret++ = '.';
	}
	ret[-1] = 0;
}

static void draw_text(uint64_t *random, char *ret)
{
	if (seed_draw(random, 2)) {
		memcpy(ret, "*.", 2);
		ret += 2;
	}
	draw_host(random, ret);
}

static bool naive_is(const char *text, const char *host)
{
	size_t t = strlen(text), h = strlen(host);

	if (text[0] != '*')
		return strcmp(text, host) == 0;
	return h > t - 1 && strcmp(host + h - (t - 1), text + 1) == 0;
}

static void check_hosts(const struct name_set *s, const char *const *texts,
			unsigned n, uint64_t *random)
{
	char host[32];
	uint16_t ids[8];

	for (int i = 0; i < 50; i++) {
		bool found[FQDNS_MAX + 1] = { 0 };
		unsigned n_ids;

		draw_host(random, host);
		n_ids = name_set_match(s, host, strlen(host), ids, 8);
		for (unsigned k = 0; k < n_ids; k++) {
			assert_false(found[ids[k]]);
			found[ids[k]] = true;
			assert_true(naive_is(name_set_text(s, ids[k]), host));
		}
		for (unsigned t = 0; t < n; t++)
			if (naive_is(texts[t], host))
				assert_true(found[name_set_id(s, texts[t])]);
	}
}

static void random_sets(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct name_set *before = NULL, *s;
	static char space[TEXTS][32];
	const char *texts[TEXTS];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		unsigned n = seed_draw(&random, TEXTS);

		for (unsigned t = 0; t < n; t++) {
			if (seed_draw(&random, 3) == 0)
				draw_text(&random, space[t]);
			texts[t] = space[t][0] ? space[t] : "a";
		}
		s = make(before, texts, n);
		for (unsigned t = 0; t < n; t++) {
			uint16_t id = name_set_id(s, texts[t]);
			uint16_t old = before ? name_set_id(before, texts[t])
					      : NAME_NONE;

			assert_string_equal(name_set_text(s, id), texts[t]);
			assert_true(!old || old == id);
			assert_true(!before ||
				    (name_set_birth(before, id) ==
				     name_set_birth(s, id)) == (old == id));
		}
		check_hosts(s, texts, n, &random);
		name_set_free(before);
		before = s;
	}
	name_set_free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(order_is_from_near_to_far),
		cmocka_unit_test(numbers_stay),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(random_sets),
	};

	return cmocka_run_group_tests_name("policy_names", tests, NULL, NULL);
}
