/*
 * Outputs with their threads: who gets which line, what is on the disk when they
 * end, and where the next one goes on.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/output.h"
#include "export/outputs.h"
#include "folder.h"
#include "test.h"

static struct item *item_of(enum item_kind kind, uint8_t severity,
			    uint64_t number, const char *hook)
{
	struct item *i = item_new();
	char json[64];

	i->kind = kind;
	i->severity = severity;
	i->number = number;
	(void)snprintf(json, sizeof json, "{\"number\":%llu}",
		       (unsigned long long)number);
	i->json = strdup(json);
	i->json_len = strlen(json);
	i->text = strdup("t");
	if (hook) {
		(void)snprintf(i->hooks[0], EXPORT_NAME_MAX, "%s", hook);
		i->n_hooks = 1;
	}
	return i;
}

static struct export_config config_of(const char *outputs, const char *dir)
{
	char text[2048];
	struct export_config c;
	struct err err;
	int n = snprintf(text, sizeof text, outputs, dir, dir);

	if (export_config_parse(text, (size_t)n, "f", &c, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
	return c;
}

/* --- who gets what ---------------------------------------------------------------- */

static void test_filter(void **state)
{
	static const struct {
		const char *name, *more; /* of an output that sends nothing */
		enum item_kind kind;
		uint8_t severity;
		const char *hook;
		bool wanted;
	} rows[] = {
		{ "a webhook, not marked", "", ITEM_VIOLATION, 5, NULL, false },
		{ "marked for it", "", ITEM_VIOLATION, 1, "o", true },
		{ "marked for another", "", ITEM_DLP, 5, "p", false },
		{ "of its events", ", events: [alert]", ITEM_WAF, 3, NULL,
		  true },
		{ "not of them", ", events: [alert]", ITEM_FLOW, 0, NULL,
		  false },
		{ "not of them, but marked", ", events: [flow]", ITEM_STATE, 2,
		  "o", true },
		{ "too light", ", events: [alert], severity: high", ITEM_WAF, 3,
		  NULL, false },
		{ "light, but marked", ", events: [alert], severity: high",
		  ITEM_WAF, 3, "o", true },
		{ "without a severity", ", events: [all], severity: critical",
		  ITEM_FLOW, 0, NULL, true },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		char text[256];
		struct cursor none = { 0 };
		struct export_config c;
		struct output *o;
		struct item *i = item_of(rows[k].kind, rows[k].severity, 1,
					 rows[k].hook);
		struct err err;

		(void)snprintf(text, sizeof text,
			       "outputs:\n- {name: o, kind: webhook, url: "
			       "'https://127.0.0.1:1/'%s}",
			       rows[k].more);
		assert_int_equal(
			export_config_parse(text, strlen(text), "f", &c, &err),
			0);
		o = output_new(&c.outputs[0], NULL, &none, "h", &err);
		assert_non_null(o);
		output_put(o, i);
		assert_row(rows[k].name,
			   queue_counts(output_queue(o)).put == rows[k].wanted);
		item_put(i);
		output_stop(o, 0);
		output_join(o);
		output_free(o);
		export_config_done(&c);
	}
}

/* --- to its end, and on --------------------------------------------------------------- */

static unsigned lines_of(const char *path, uint64_t *ret_last)
{
	FILE *f = fopen(path, "re");
	unsigned n = 0;
	char line[64];

	while (f && fgets(line, sizeof line, f)) {
		json_t *o = json_loads(line, 0, NULL);

		assert_non_null(o);
		*ret_last = (uint64_t)json_integer_value(
			json_object_get(o, "number"));
		json_decref(o);
		n++;
	}
	if (f)
		(void)fclose(f);
	return n;
}

static void put(struct outputs *os, uint64_t from, uint64_t to)
{
	for (uint64_t n = from; n <= to; n++) {
		struct item *i = item_of(ITEM_VIOLATION, 3, n, NULL);

		outputs_put(os, i);
		item_put(i);
	}
}

#define TWO                                               \
	"outputs:\n- {name: a, kind: file, path: %s/a}\n" \
	"- {name: b, kind: file, path: %s/none/b}\n"

static void test_on(void **state)
{
	char *dir = folder_make();
	char *a = strdup(folder_file(dir, "a"));
	struct export_config c = config_of(TWO, dir);
	struct outputs *os = outputs_new(NULL, "h");
	json_t *cursors;
	uint64_t last = 0;
	struct err err;

	(void)state;
	assert_int_equal(outputs_apply(os, &c, &err), 0);
	assert_true(outputs_event(os) == UINT64_MAX); /* with what is new */
	put(os, 1, 10);
	outputs_caught_up(os, 10);
	put(os, 11, 700);
	/* the same again, and one that changes: nothing of it is lost */
	c = config_of("outputs:\n- {name: a, kind: file, path: %s/a, rotate: "
		      "{keep: 3}}\n- {name: b, kind: file, path: %s/none/b}\n",
		      dir);
	assert_int_equal(outputs_apply(os, &c, &err), 0);
	put(os, 701, 1000);
	outputs_end(os);
	cursors = outputs_cursors(os);
	outputs_free(os);
	assert_int_equal(lines_of(a, &last), 990);
	assert_int_equal(last, 1000);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(cursors, "a"), "event")),
			 1000);
	/* b could write nothing: it has got nowhere */
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(cursors, "b"), "event")),
			 10);
	/* the next one asks from where the least has got, and repeats nothing */
	os = outputs_new(cursors, "h");
	c = config_of(TWO, dir);
	assert_int_equal(outputs_apply(os, &c, &err), 0);
	assert_int_equal(outputs_event(os), 10);
	put(os, 11, 1001);
	outputs_end(os);
	outputs_free(os);
	assert_int_equal(lines_of(a, &last), 991);
	assert_int_equal(last, 1001);
	json_decref(cursors);
	free(a);
	folder_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_on),
	};

	return cmocka_run_group_tests_name("export_outputs", tests, NULL, NULL);
}
