/*
 * YAML text: what is read as what, what is refused and where, places of paths,
 * and that what is written is read back as the same.
 */
#include "yaml/yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "seed.h"

static json_t *json_of(const char *text)
{
	json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(v);
	return v;
}

static const struct {
	const char *name, *yaml, *json;
} good[] = {
	{ "scalars", "[1, -7, 0, 1.5, true, False, ~, null, ]",
	  "[1,-7,0,1.5,true,false,null,null]" },
	{ "texts of 1.1", "[no, yes, On, 0x10, 012, 1_000, 1:20, 2026-01-01]",
	  "[\"no\",\"yes\",\"On\",\"0x10\",\"012\",\"1_000\",\"1:20\","
	  "\"2026-01-01\"]" },
	{ "quotes", "['1', \"true\", \"\", \"a\\tb\", !!str 5]",
	  "[\"1\",\"true\",\"\",\"a\\tb\",\"5\"]" },
	{ "too large", "[99999999999999999999, 1e999]",
	  "[\"99999999999999999999\",\"1e999\"]" },
	{ "block", "a:\n- b: 1\n  c: [x]\n- 10.0.0.1\nd: |\n  two\n  lines\n",
	  "{\"a\":[{\"b\":1,\"c\":[\"x\"]},\"10.0.0.1\"],"
	  "\"d\":\"two\\nlines\\n\"}" },
	{ "empty value", "a:\nb: {}\nc: []", "{\"a\":null,\"b\":{},\"c\":[]}" },
	{ "alias", "a: &x {b: [1]}\nc: *x\nd: &y 5\ne: [*y, *x]",
	  "{\"a\":{\"b\":[1]},\"c\":{\"b\":[1]},\"d\":5,"
	  "\"e\":[5,{\"b\":[1]}]}" },
	{ "anchor anew", "[&x 1, *x, &x 2, *x]", "[1,1,2,2]" },
	{ "comment", "# only\na: b # c\n", "{\"a\":\"b\"}" },
	{ "merge is a key", "a: {<<: 1}", "{\"a\":{\"<<\":1}}" },
};

static void test_good(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct yaml_text *y = NULL;
		json_t *want = json_of(good[i].json);
		struct err err = { 0 };

		assert_row(good[i].name,
			   yaml_text_read(good[i].yaml, strlen(good[i].yaml),
					  "f", &y, &err) == 0);
		assert_row(good[i].name, yaml_text_count(y) == 1);
		assert_row(good[i].name,
			   json_equal((json_t *)yaml_text_value(y, 0), want));
		yaml_text_free(y);
		json_decref(want);
	}
}

static const struct {
	const char *name, *yaml;
	int rc;
	const char *at;
} bad[] = {
	{ "twice", "a: 1\nb:\n  c: 1\n  c: 2\n", -EINVAL, "f:4:3" },
	{ "twice in flow", "{a: 1, a: 1}", -EINVAL, "f:1:8" },
	{ "no text as key", "? [a]\n: 1", -EINVAL, "f:1:3" },
	{ "alias as key", "a: &x b\n*x : 1", -EINVAL, "f:2:1" },
	{ "no anchor", "a: *x", -EINVAL, "f:1:4" },
	{ "in itself", "a: &x [1, *x]", -EINVAL, "f:1:11" },
	{ "tag", "a: !!int '5'", -EINVAL, "f:1:4" },
	{ "tag of a list", "a: !x [5]", -EINVAL, "f:1:4" },
	{ "nul", "a: \"x\\0y\"", -EINVAL, "f:1:4" },
	{ "nul in key", "\"x\\0y\": 1", -EINVAL, "f:1:1" },
	{ "tab", "a:\n\tb: 1", -EINVAL, "f:2:1" },
	{ "open", "a: [1, 2", -EINVAL, "f:2:1" },
	{ "no utf-8", "a: b\nc: \xff\xfe", -EINVAL, "f:2:1" },
	{ "deep",
	  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
	  -E2BIG, "f:1:33" },
};

static void test_bad(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct yaml_text *y = NULL;
		struct err err = { 0 };
		int rc = yaml_text_read(bad[i].yaml, strlen(bad[i].yaml), "f",
					&y, &err);

		assert_row(bad[i].name, rc == bad[i].rc && !y);
		if (strcmp(err.at, bad[i].at) != 0)
			fail_msg("row \"%s\": at %s: %s", bad[i].name, err.at,
				 err.text);
	}
}

/* Nine lines that mean 10^9 values. */
static void test_laughs(void **state)
{
	char text[2048] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
	struct yaml_text *y = NULL;
	struct err err = { 0 };

	for (int i = 1; i < 9; i++) {
		size_t n = strlen(text);
		int k = i - 1;

		(void)snprintf(text + n, sizeof text - n,
			       "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,"
			       "*a%d,*a%d,*a%d]\n",
			       i, i, k, k, k, k, k, k, k, k, k, k);
	}
	assert_int_equal(yaml_text_read(text, strlen(text), "f", &y, &err),
			 -E2BIG);
}

/* n times the piece, between the others; read: what comes of it. */
static int read_many(const char *before, const char *piece, size_t n)
{
	size_t len = strlen(before), each = strlen(piece);
	char *text = malloc(len + n * each);
	struct yaml_text *y = NULL;
	struct err err = { 0 };
	int rc;

	assert_non_null(text);
	memcpy(text, before, len);
	for (size_t k = 0; k < n; k++)
		memcpy(text + len + k * each, piece, each);
	rc = yaml_text_read(text, len + n * each, "f", &y, &err);
	yaml_text_free(y);
	free(text);
	return rc;
}

static void test_limits(void **state)
{
	assert_int_equal(read_many("", "- &a x\n", YAML_ANCHORS_MAX), 0);
	assert_int_equal(read_many("", "- &a x\n", YAML_ANCHORS_MAX + 1),
			 -E2BIG);
	assert_int_equal(read_many("", "- x\n", YAML_NODES_MAX - 1), 0);
	assert_int_equal(read_many("", "- x\n", YAML_NODES_MAX), -E2BIG);
	assert_int_equal(read_many("a: x # ", "x", YAML_BYTES_MAX - 7), 0);
	assert_int_equal(read_many("a: x # ", "x", YAML_BYTES_MAX - 6), -E2BIG);
	/* what many brackets cost is bounded by depth */
	assert_int_equal(read_many("", "[", YAML_BYTES_MAX), -E2BIG);
	assert_int_equal(read_many("? ", "? ", 100000), -EINVAL);
}

static void test_documents(void **state)
{
	static const char text[] = "a: 1\n---\n---\n- b\n...\n";
	struct yaml_text *y = NULL;
	struct err err = { 0 };

	assert_int_equal(yaml_text_read(text, strlen(text), "f", &y, &err), 0);
	assert_int_equal(yaml_text_count(y), 3);
	assert_true(json_is_null(yaml_text_value(y, 1)));
	assert_true(json_is_array(yaml_text_value(y, 2)));
	yaml_text_free(y);
	assert_int_equal(yaml_text_read("", 0, "f", &y, &err), 0);
	assert_int_equal(yaml_text_count(y), 0);
	yaml_text_free(y);
}

/* Refuses what has a member "bad", and null if it is told so. */
static int read_one(const json_t *value, void *arg, struct err *reterr)
{
	bool *null_is_bad = arg;

	if (json_object_get(value, "bad"))
		return err_set(reterr, EINVAL, "bad", "is bad");
	if (json_is_null(value) && *null_is_bad)
		return err_set(reterr, EINVAL, NULL, "is empty");
	return 0;
}

static void test_one(void **state)
{
	static const struct {
		const char *text;
		bool null_is_bad;
		const char *at; /* NULL: it is good */
	} cases[] = {
		{ "a: 1", true, NULL },
		{ "", false, NULL },
		{ "", true, "f" },
		{ "---\n", true, "f:2:1" },
		{ "a: 1\n---\n", false, "f" },
		{ "a: 1\nbad: 2", false, "f:2:1" },
		{ "a: [", false, "f:2:1" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool null_is_bad = cases[i].null_is_bad;
		struct err err = { 0 };
		int rc = yaml_text_read_one(cases[i].text,
					    strlen(cases[i].text), "f",
					    read_one, &null_is_bad, &err);

		assert_int_equal(rc, cases[i].at ? -EINVAL : 0);
		if (cases[i].at)
			assert_string_equal(err.at, cases[i].at);
	}
}

static void test_places(void **state)
{
	static const char text[] = "mode: x\n"
				   "rules:\n"
				   "- id: 1\n"
				   "  to: &t [a,\n"
				   "    b]\n"
				   "- id: 2\n"
				   "  to: *t\n"
				   "  labels: {a.b/c: 1, a: {b: 2}}\n";
	static const struct {
		const char *path, *at;
	} rows[] = {
		{ "", "f:1:1" },
		{ "mode", "f:1:1" },
		{ "rules", "f:2:1" },
		{ "rules[0]", "f:3:3" },
		{ "rules[0].to[1]", "f:5:5" },
		{ "rules[1].id", "f:6:3" },
		{ "rules[1].to[1]", "f:7:3" },
		{ "rules[1].from", "f:6:3" },
		{ "rules[1].labels.a.b/c", "f:8:12" },
		{ "rules[1].labels.a.b", "f:8:26" },
		{ "rules[7].id", "f:2:1" },
		{ "rules[", "f:2:1" },
		{ "nothing", "f:1:1" },
	};
	struct yaml_text *y = NULL;
	struct err err = { 0 };

	assert_int_equal(yaml_text_read(text, strlen(text), "f", &y, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)err_set(&err, EINVAL, rows[i].path, "wrong");
		yaml_text_locate(y, 0, &err);
		if (strcmp(err.at, rows[i].at) != 0)
			fail_msg("%s: at %s", rows[i].path, err.at);
	}
	yaml_text_free(y);
}

/* --- round trip ------------------------------------------------------- */

static json_t *some_text(uint64_t *random)
{
	static const char *const texts[] = {
		"",	    "no",	    "true",	  "~",
		"12",	    "1.5",	    "a: b",	  "- a",
		"#c",	    "a #c",	    "x y",	  "tcp/80",
		"ä",	    "a\nb",	    " a",	  "a ",
		"10.0.0.1", "*.a.b",	    "'",	  "\"\\",
		"{a}",	    "&x",	    "2026-01-01", "\t",
		"a\x7f",    "\xe2\x80\xa8", "key",	  "---",
		"...",	    "!t",	    "%d",	  "@",
	};

	return json_string(texts[seed_draw(random, ARRAY_LEN(texts))]);
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static json_t *some_value(uint64_t *random, unsigned depth)
{
	unsigned n = seed_draw(random, 6);
	json_t *v;

	switch (seed_draw(random, depth ? 8 : 2)) {
	case 0:
	case 5:
	case 6:
		v = json_array();
		while (depth < 8 && n--)
			json_array_append_new(v, some_value(random, depth + 1));
		return v;
	case 1:
		v = json_object();
		while (depth < 8 && n--) {
			json_t *key = some_text(random);

			json_object_set_new(v, json_string_value(key),
					    some_value(random, depth + 1));
			json_decref(key);
		}
		return v;
	case 2: return json_integer((int)seed_draw(random, 2000) - 1000);
	case 3: return json_boolean(n & 1);
	case 4: return n ? json_real(n / 4.0) : json_null();
	default: return some_text(random);
	}
}

static void test_round_trip(void **state)
{
	uint64_t random = seed_choose() | 1;

	for (int i = 0; i < 3000; i++) {
		json_t *v = some_value(&random, 0);
		char *json = json_dumps(v, 0);
		char *text = yaml_text_write(v);
		struct yaml_text *y = NULL;
		struct err err = { 0 };

		assert_non_null(text);
		if (yaml_text_read(text, strlen(text), "f", &y, &err) != 0)
			fail_msg("%s: %s\n%s\n%s", err.at, err.text, text,
				 json);
		if (!json_equal((json_t *)yaml_text_value(y, 0), v))
			fail_msg("not the same: %s\n%s", json, text);
		yaml_text_free(y);
		free(text);
		free(json);
		json_decref(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_laughs),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
