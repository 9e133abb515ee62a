/*
 * weir top: rates of counters, order, filter, and texts that fit their columns.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/top.h"
#include "seed.h"
#include "test.h"

/* An answer with these workloads: name, then bytes_in, violations, made. */
struct row {
	const char *name;
	int bytes_in, violations, made;
};

static json_t *answer(uint64_t clock_us, const struct row *rows, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i}",
				  "id", rows[i].name, "name", rows[i].name,
				  "mode", "discover", "state", "guarded",
				  "bytes_in", rows[i].bytes_in, "violations",
				  rows[i].violations, "sessions_made",
				  rows[i].made, "sessions", 3));
	return json_pack("{s:I, s:I, s:o}", "id", (json_int_t)7, "clock_us",
			 (json_int_t)clock_us, "workloads", list);
}

static const struct top_order by_name = { TOP_NAME, false, "" };

static void assert_order(struct top_model *m, const struct top_order *o,
			 const char *want)
{
	char got[256] = "";
	size_t len = 0;

	top_model_order(m, o);
	for (size_t i = 0; i < m->n_shown; i++)
		len += (size_t)snprintf(got + len, sizeof got - len, "%s ",
					m->shown[i]->name);
	assert_string_equal(got, want);
}

static void test_rates(void **state)
{
	static const struct row first[] = { { "a", 1000, 0, 0 },
					    { "b", 5000, 9, 9 } },
				second[] = { { "a", 2000, 4, 1 },
					     { "b", 100, 2, 0 },
					     { "c", 999, 9, 9 } };
	struct top_model m = { .answer = NULL };

	top_model_add(&m, answer(1000000, first, 2));
	top_model_order(&m, &by_name);
	assert_true(m.shown[0]->rates.bits_in == 0);
	top_model_add(&m, answer(3000000, second, 3));
	top_model_order(&m, &by_name);
	assert_int_equal(m.n_shown, 3);
	assert_true(m.shown[0]->rates.bits_in == 4000);
	assert_true(m.shown[0]->rates.violations == 2);
	assert_true(m.shown[0]->rates.sessions == 0.5);
	/* counters that began anew, and one that was not there */
	assert_true(m.shown[1]->rates.bits_in == 0);
	assert_true(m.shown[1]->rates.violations == 0);
	assert_true(m.shown[2]->rates.bits_in == 0);
	assert_true(m.total.rates.bits_in == 4000);
	assert_int_equal(m.total.sessions, 9);
	top_model_done(&m);
}

/* Violations are averaged over ten seconds, traffic is not. */
static void test_average(void **state)
{
	struct top_model m = { .answer = NULL };

	for (int s = 1; s <= 100; s++) {
		struct row r = { "a", 125 * s, s > 50 ? 20 : 0, 0 };

		top_model_add(&m, answer((uint64_t)s * 1000000, &r, 1));
		if (s > 1)
			assert_true(m.lines[0].rates.bits_in == 1000);
		if (s <= 50 || s > 61)
			assert_true(m.lines[0].rates.violations == 0);
		else if (s <= 60)
			assert_true(m.lines[0].rates.violations == 2);
		assert_true(m.n_past <= TOP_PAST_MAX);
	}
	top_model_done(&m);
}

/* A clock that goes back: all that was is forgotten. */
static void test_restart(void **state)
{
	static const struct row one[] = { { "a", 1000, 0, 0 } },
				two[] = { { "a", 9000, 0, 0 } };
	struct top_model m = { .answer = NULL };

	top_model_add(&m, answer(9000000, one, 1));
	top_model_add(&m, answer(1000000, two, 1));
	assert_int_equal(m.n_past, 1);
	assert_true(m.lines[0].rates.bits_in == 0);
	top_model_add(&m, answer(1000000, two, 1));
	assert_int_equal(m.n_past, 1);
	top_model_done(&m);
	/* an answer of another program */
	top_model_add(&m, json_pack("{s:[i, s, {}]}", "workloads", 1, "x"));
	top_model_order(&m, &by_name);
	assert_int_equal(m.n_shown, 3);
	top_model_done(&m);
}

static void test_order(void **state)
{
	static const struct row zero[] = { { "b", 0, 0, 0 },
					   { "A", 0, 0, 0 },
					   { "c", 0, 0, 0 },
					   { "d", 0, 0, 0 } },
				rows[] = { { "b", 10, 0, 1 },
					   { "A", 10, 3, 2 },
					   { "c", 90, 1, 3 },
					   { "d", 0, 0, 4 } };
	static const struct {
		struct top_order order;
		const char *want;
	} table[] = {
		{ { TOP_NAME, false, "" }, "A b c d " },
		{ { TOP_NAME, true, "" }, "d c b A " },
		{ { TOP_IN, false, "" }, "c A b d " },
		{ { TOP_IN, true, "" }, "d A b c " },
		{ { TOP_TRAFFIC, false, "" }, "c A b d " },
		{ { TOP_BLOCKED, false, "" }, "A c b d " },
		{ { TOP_NEW, false, "" }, "d c A b " },
		{ { TOP_SESSIONS, false, "" }, "A b c d " },
		{ { TOP_NAME, false, "a" }, "A b c d " }, /* guArded */
		{ { TOP_NAME, false, "C" }, "A b c d " }, /* disCover */
		{ { TOP_NAME, false, "nothing" }, "" },
	};
	struct top_model m = { .answer = NULL };

	top_model_add(&m, answer(1000000, zero, 4));
	top_model_add(&m, answer(2000000, rows, 4));
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_order(&m, &table[i].order, table[i].want);
	top_model_done(&m);
}

static void test_names(void **state)
{
	enum top_column c;
	struct err err;

	for (int i = 0; i < TOP_COLUMN__MAX; i++) {
		assert_int_equal(
			top_column_parse(top_column_name((enum top_column)i),
					 &c, &err),
			0);
		assert_int_equal(c, i);
	}
	assert_null(top_column_name(TOP_COLUMN__MAX));
	assert_int_equal(top_column_parse("", &c, &err), -EINVAL);
	assert_non_null(strstr(err.text, "name, mode, state, in, out"));
}

static void test_fit(void **state)
{
	static const struct {
		const char *text;
		unsigned width;
		bool right;
		const char *want;
	} rows[] = {
		{ "web", 5, false, "web  " },
		{ "web", 5, true, "  web" },
		{ "web", 3, false, "web" },
		{ "webs", 3, false, "we…" },
		{ "webs", 3, true, "we…" },
		{ "webs", 1, false, "…" },
		{ "webs", 0, false, "" },
		{ "", 2, false, "  " },
		{ "müller", 6, false, "müller" },
		{ "müller", 4, false, "mül…" },
		{ "日本語", 6, false, "日本語" },
		{ "日本語", 5, false, "日本…" },
		{ "日本語", 4, false, "日… " },
		{ "a\033[2Jb\n\tc\x7f", 10, false, "a?[2Jb\?\?c?" },
		{ "a\xff\xc3)\xe6\x97", 8, false, "a\?\?)\?\?  " },
	};
	char buf[TOP_CELL_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		top_fit(rows[i].text, rows[i].width, rows[i].right, buf);
		assert_string_equal(buf, rows[i].want);
	}
	/* without UTF-8 all of it is bytes of no meaning */
	assert_non_null(setlocale(LC_CTYPE, "C"));
	top_fit("müller", 5, false, buf);
	assert_string_equal(buf, "m\?\?l~");
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

/* Whatever is in a text, what comes out has the width asked for. */
static void test_fit_any(void **state)
{
	uint64_t seed = seed_choose() | 1;
	char text[64], buf[TOP_CELL_MAX], again[TOP_CELL_MAX];

	for (int n = 0; n < 20000; n++) {
		size_t len = seed_draw(&seed, sizeof text);
		unsigned width = seed_draw(&seed, 100);

		for (size_t i = 0; i < len; i++)
			text[i] = (char)(seed_draw(&seed, 255) + 1);
		text[len < sizeof text ? len : sizeof text - 1] = '\0';
		top_fit(text, width, seed_draw(&seed, 2), buf);
		/* as it is, if its width is as it was to be */
		top_fit(buf, width, false, again);
		assert_string_equal(buf, again);
	}
	memset(buf, 'x', sizeof buf - 1);
	buf[sizeof buf - 1] = '\0';
	top_fit(buf, 10000, false, again);
	assert_true(strlen(again) < TOP_CELL_MAX);
}

/* At every width the columns leave room for each other. */
static void test_columns(void **state)
{
	for (unsigned screen = 80; screen < 400; screen++) {
		unsigned all = 0, sessions = 0;

		for (int i = 0; i < TOP_COLUMN__MAX; i++) {
			unsigned w =
				top_column_width((enum top_column)i, screen);

			all += w ? w + 1 : 0;
		}
		for (int i = 0; i < TOP_S__MAX; i++)
			sessions +=
				top_session_width((enum top_session_column)i,
						  screen) +
				1;
		assert_int_equal(all, screen + 1);
		assert_in_range(sessions, screen, screen + 1);
	}
}

static void test_cells(void **state)
{
	static const struct top_line line = {
		.name = "web",
		.mode = "protect",
		.state = "guarded",
		.rates = { .bits_in = 38.16e9,
			   .bits_out = 999.4,
			   .packets_in = 0.01,
			   .sessions = 9.96,
			   .violations = 1234 },
	};
	static const struct {
		enum top_column column;
		const char *want;
	} rows[] = {
		{ TOP_NAME, "web" },	{ TOP_MODE, "protect" },
		{ TOP_IN, "38G" },	{ TOP_OUT, "999" },
		{ TOP_PACKETS, "0.1" }, { TOP_SESSIONS, "-" },
		{ TOP_NEW, "10" },	{ TOP_BLOCKED, "1.2k" },
		{ TOP_DROPPED, "0" },
	};
	char buf[TOP_CELL_MAX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		top_cell(&line, rows[i].column, buf);
		assert_string_equal(buf, rows[i].want);
	}
}

static void test_head(void **state)
{
	struct top_model m = { .answer = NULL };
	char head[2][TOP_CELL_MAX];

	top_model_add(
		&m, json_pack("{s:i, s:i, s:{s:b, s:i}, s:{s:i, s:b}, s:{s:i}, "
			      "s:[]}",
			      "at", 1000, "clock_us", 1, "data_plane", "up", 1,
			      "since", 400, "policy", "revision", 7, "in_force",
			      1, "counts", "failed", 2, "workloads"));
	top_head(&m, head);
	assert_string_equal(head[0],
			    "data plane up 10m, policy revision 7 in force, 0 "
			    "workloads, 2 ports not guarded");
	assert_string_equal(head[1], "in 0 bit/s, out 0 bit/s, ? sessions, 0/s "
				     "new, 0/s blocked");
	top_model_add(&m,
		      json_pack("{s:i, s:{s:b, s:s}, s:{s:s}}", "clock_us", 2,
				"data_plane", "up", 0, "text", "it ended",
				"policy", "refused", "too many rules"));
	top_head(&m, head);
	assert_string_equal(head[0], "DATA PLANE DOWN: it ended, policy "
				     "refused: too many rules, 0 workloads");
	top_model_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),	cmocka_unit_test(test_average),
		cmocka_unit_test(test_restart), cmocka_unit_test(test_order),
		cmocka_unit_test(test_names),	cmocka_unit_test(test_fit),
		cmocka_unit_test(test_fit_any), cmocka_unit_test(test_columns),
		cmocka_unit_test(test_cells),	cmocka_unit_test(test_head),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
