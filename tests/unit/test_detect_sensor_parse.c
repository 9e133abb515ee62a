/*
 * Sensors as they are written: what is taken is printed as it can be read again,
 * what is not is refused with its place; NeuVector's in their own form.
 */
#include "detect/sensor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#define SENSOR(patterns)                                  \
	"[{\"id\":20001,\"name\":\"a\",\"kind\":\"dlp\"," \
	"\"patterns\":" patterns "}]"

static void test_good_ones_are_printed_back(void **state)
{
	static const char *const rows[] = {
		"[]",
		SENSOR("[{\"secret\":\"iban\"}]"),
		SENSOR("[{\"secret\":[\"iban\",\"jwt\"],\"where\":\"body\","
		       "\"count\":16}]"),
		SENSOR("[{\"regex\":\"a\\\\b\",\"flags\":\"is\"},"
		       "{\"regex\":\"c\",\"where\":\"url\",\"not\":true,"
		       "\"or_sent\":true}]"),
		"[{\"id\":20001,\"name\":\"a\",\"kind\":\"dlp\",\"patterns\":"
		"[{\"regex\":\"x\",\"where\":\"sql\"}]},"
		"{\"id\":40001,\"name\":\"b\",\"kind\":\"waf\",\"patterns\":"
		"[{\"regex\":\"x\",\"where\":\"packet\"}]}]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *v = json_loads(rows[i], 0, NULL), *again;
		struct sensor_list *l = NULL;
		struct err err = { 0 };

		assert_non_null(v);
		if (sensor_list_parse(v, &l, &err) < 0)
			fail_msg("%s: %s: %s", rows[i], err.at, err.text);
		again = sensor_list_json(l);
		assert_row(rows[i], json_equal(v, again));
		json_decref(again);
		json_decref(v);
		sensor_list_free(l);
	}
}

static void test_bad_ones_are_refused(void **state)
{
	static const struct {
		const char *text, *at, *part;
	} rows[] = {
		{ "{}", "", "a list of sensors" },
		{ "[3]", "[0]", "" },
		{ SENSOR("[]"), "[0].patterns", "at least one" },
		{ SENSOR("[{}]"), "[0].patterns[0].regex", "either" },
		{ SENSOR("[{\"secret\":\"iban\",\"regex\":\"a\"}]"),
		  "[0].patterns[0].regex", "either" },
		{ SENSOR("[{\"secret\":\"cards\"}]"), "[0].patterns[0].secret",
		  "got cards" },
		{ SENSOR("[{\"secret\":[]}]"), "[0].patterns[0].secret",
		  "at least" },
		{ SENSOR("[{\"secret\":[\"jwt\",\"jwt\"]}]"),
		  "[0].patterns[0].secret", "twice" },
		{ SENSOR("[{\"secret\":[7]}]"), "[0].patterns[0].secret", "" },
		{ SENSOR("[{\"secret\":\"jwt\",\"flags\":\"i\"}]"),
		  "[0].patterns[0].flags", "expressions" },
		{ SENSOR("[{\"regex\":\"\"}]"), "[0].patterns[0].regex", "" },
		{ SENSOR("[{\"regex\":\"a\",\"flags\":\"ii\"}]"),
		  "[0].patterns[0].flags", "each once" },
		{ SENSOR("[{\"regex\":\"a\",\"where\":\"uri\"}]"),
		  "[0].patterns[0].where", "got uri" },
		{ SENSOR("[{\"regex\":\"a\",\"count\":0}]"),
		  "[0].patterns[0].count", "" },
		{ SENSOR("[{\"regex\":\"a\"},{\"regex\":\"a\",\"x\":0}]"),
		  "[0].patterns[1].x", "" },
		{ SENSOR("[{\"regex\":\"a\",\"or_sent\":true}]"),
		  "[0].patterns[0].or_sent", "" },
		{ "[{\"id\":40000,\"name\":\"a\",\"patterns\":"
		  "[{\"regex\":\"a\"}]}]",
		  "[0].id", "ids of dlp" },
		{ "[{\"id\":19999,\"name\":\"a\",\"patterns\":"
		  "[{\"regex\":\"a\"}]}]",
		  "[0].id", "" },
		{ "[{\"id\":20000,\"name\":\"a\",\"kind\":\"ids\",\"patterns\":"
		  "[{\"regex\":\"a\"}]}]",
		  "[0].kind", "" },
		{ "[{\"id\":20000,\"name\":\"a\",\"patterns\":"
		  "[{\"regex\":\"a\"}]},{\"id\":20000,\"name\":\"b\","
		  "\"patterns\":[{\"regex\":\"a\"}]}]",
		  "id", "two sensors" },
		{ "[{\"id\":20000,\"name\":\"a\",\"patterns\":"
		  "[{\"regex\":\"a\"}]},{\"id\":20001,\"name\":\"a\","
		  "\"patterns\":[{\"regex\":\"a\"}]}]",
		  "name", "two sensors" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *v = json_loads(rows[i].text, 0, NULL);
		struct sensor_list *l = NULL;
		struct err err = { 0 };

		assert_non_null(v);
		assert_row(rows[i].text,
			   sensor_list_parse(v, &l, &err) == -EINVAL && !l);
		if (strcmp(err.at, rows[i].at) != 0 ||
		    !strstr(err.text, rows[i].part))
			fail_msg("%s: %s: %s", rows[i].text, err.at, err.text);
		json_decref(v);
	}
}

static void test_ready_ones(void **state)
{
	struct sensor_list *l = sensor_list_ready();

	(void)state;
	assert_non_null(l);
	assert_int_equal(sensor_list_len(l), 4);
	assert_string_equal(sensor_list_at(l, 0)->name, "cards");
	assert_string_equal(sensor_list_at(l, 3)->name, "keys");
	sensor_list_free(l);
}

static void test_neuvectors(void **state)
{
	static char *patterns[] = {
		"/\\b\\d{3}-\\d{2}-\\d{4}\\b/is; context packet",
		"! m#a/b;c#iAi; context url",
		"/x/; context sql_query;",
	};
	static char *bad[] = { "x" };
	static const struct dlp_rule rules[] = {
		{ 40001, "w", patterns, 3 },
		{ 20001, "w", patterns, 1 },
	};
	static const struct dlp_rule broken = { 20001, "b", bad, 1 };
	struct sensor_list *l = NULL;
	const struct sensor *s;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(sensor_list_of_dlp(rules, 2, &l, &err), 0);
	assert_int_equal(sensor_list_len(l), 2);
	assert_int_equal(sensor_list_at(l, 0)->kind, SENSOR_DLP);
	s = sensor_list_at(l, 1);
	assert_int_equal(s->kind, SENSOR_WAF);
	assert_int_equal(s->n_patterns, 3);
	assert_string_equal(s->patterns[0].regex, "\\b\\d{3}-\\d{2}-\\d{4}\\b");
	assert_string_equal(s->patterns[0].flags, "is");
	assert_int_equal(s->patterns[0].where, SENSOR_PACKET);
	assert_false(s->patterns[0].or_sent);
	assert_string_equal(s->patterns[1].regex, "a/b;c");
	assert_string_equal(s->patterns[1].flags, "iA");
	assert_true(s->patterns[1].negated && s->patterns[1].or_sent);
	assert_int_equal(s->patterns[1].where, SENSOR_URL);
	assert_int_equal(s->patterns[2].where, SENSOR_SQL);
	sensor_list_free(l);
	l = NULL;
	assert_int_equal(sensor_list_of_dlp(&broken, 1, &l, &err), -EINVAL);
	assert_null(l);
	assert_string_equal(err.at, "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_ones_are_printed_back),
		cmocka_unit_test(test_bad_ones_are_refused),
		cmocka_unit_test(test_ready_ones),
		cmocka_unit_test(test_neuvectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
