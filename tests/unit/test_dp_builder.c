/*
 * Sets are built aside: the last order of each kind counts, what is refused is
 * told, and who ends waits for nothing but the set under way.
 */
#include "dp/builder.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

static int start(void **state)
{
	struct err err;

	*state = builder_new(&err);
	assert_non_null(*state);
	return 0;
}

static int stop(void **state)
{
	builder_free(*state);
	return 0;
}

static char *copy(const char *text)
{
	char *s = strdup(text);

	assert_non_null(s);
	return s;
}

static void order(struct builder *b, uint64_t version, const char *text)
{
	struct rules_message m = { .version = version };

	m.files = calloc(1, sizeof *m.files);
	m.variables = calloc(1, sizeof *m.variables);
	assert_non_null(m.files);
	assert_non_null(m.variables);
	m.files[0].name = copy("t.rules");
	m.files[0].text = copy(text);
	m.n_files = 1;
	m.variables[0].name = copy("HOME_NET");
	m.variables[0].value = copy("10.0.0.0/8");
	m.n_variables = 1;
	builder_rules(b, &m);
	assert_null(m.files);
}

/* So many rules, each with an expression: takes a while. */
static char *many(unsigned n)
{
	char *text = malloc((size_t)n * 160 + 1);
	size_t at = 0;

	assert_non_null(text);
	for (unsigned i = 1; i <= n; i++)
		at += (size_t)snprintf(text + at, 160,
				       "alert tcp any any -> $HOME_NET any "
				       "(content:\"word%u\"; "
				       "pcre:\"/word%u(a|b)*x[0-9]+/\"; "
				       "sid:%u;)\n",
				       i, i, i);
	return text;
}

static struct built taken(struct builder *b)
{
	struct pollfd p = { builder_fd(b), POLLIN, 0 };
	struct built r;

	while (!builder_take(b, &r))
		assert_true(poll(&p, 1, -1) >= 0);
	return r;
}

static void test_rules(void **state)
{
	struct builder *b = *state;
	struct built r;

	assert_false(builder_is_busy(b, BUILT_RULES));
	order(b, 3,
	      "alert tcp any any -> $HOME_NET any (content:\"a\"; sid:1;)\n"
	      "alert tcp any any -> any any (content:\"a\"; quickly; sid:2;)\n"
	      "alert tcp any any -> any any (content:\"b\"; pcre:\"/(/\"; "
	      "sid:3;)\n");
	assert_true(builder_is_busy(b, BUILT_RULES));
	r = taken(b);
	assert_false(builder_is_busy(b, BUILT_RULES));
	assert_int_equal(r.kind, BUILT_RULES);
	assert_int_equal(r.version, 3);
	assert_false(r.failed);
	assert_non_null(r.signatures);
	assert_int_equal(sig_set_size(r.signatures).signatures, 1);
	assert_int_equal(r.refused + r.left_out, 2);
	assert_int_equal(json_array_size(r.faults), 2);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(r.faults, 0), "keyword")),
			    "quickly");
	built_done(&r);
	/* none at all is no failure */
	order(b, 4, "# nothing\n");
	r = taken(b);
	assert_false(r.failed);
	assert_null(r.signatures);
	built_done(&r);
}

/* Of ten orders the last one is built; those before may be broken off. */
static void test_last_counts(void **state)
{
	struct builder *b = *state;
	char *text = many(2000);
	struct built r;

	for (uint64_t version = 1; version <= 9; version++)
		order(b, version, text);
	order(b, 10, "alert tcp any any -> any any (content:\"a\"; sid:1;)\n");
	builder_wait(b);
	r = taken(b);
	assert_int_equal(r.version, 10);
	assert_int_equal(sig_set_size(r.signatures).signatures, 1);
	built_done(&r);
	assert_false(builder_take(b, &r));
	free(text);
}

static void test_sensors(void **state)
{
	struct builder *b = *state;
	struct built r;
	unsigned seen = 0;

	order(b, 1, "alert tcp any any -> any any (content:\"a\"; sid:1;)\n");
	builder_sensors(b, sensor_list_ready(), 7);
	builder_wait(b);
	for (int i = 0; i < 2; i++) {
		assert_true(builder_take(b, &r));
		seen |= 1u << r.kind;
		assert_false(r.failed);
		if (r.kind == BUILT_SENSORS) {
			assert_int_equal(r.version, 7);
			assert_int_equal(sensor_set_size(r.sensors).sensors,
					 r.read);
		}
		built_done(&r);
	}
	assert_int_equal(seen, 3);
	builder_sensors(b, NULL, 8);
	r = taken(b);
	assert_null(r.sensors);
	built_done(&r);
}

/* In the midst of it: a result is left, an order waits, one is under way. */
static void test_end(void **state)
{
	struct err err;
	struct builder *b = builder_new(&err);
	char *text = many(2000);

	assert_non_null(b);
	builder_sensors(b, sensor_list_ready(), 1);
	builder_wait(b);
	order(b, 1, text);
	order(b, 2, text);
	builder_free(b);
	builder_free(NULL);
	free(text);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rules),
		TEST(test_last_counts),
		TEST(test_sensors),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
