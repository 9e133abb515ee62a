/*
 * docs/rules.md says what is understood, and nothing else: its tables have a row
 * for each keyword, buffer, name and event, as the program has it, and no other.
 * SOURCE_ROOT says where the document is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/sig_names.h"
#include "detect/sig_parse.h"
#include "test.h"

static char *text;

static int start(void **state)
{
	FILE *f = fopen(SOURCE_ROOT "/docs/rules.md", "re");

	text = calloc(1, 1 << 18);
	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 18) - 1, f) > 0);
	assert_int_equal(fclose(f), 0);
	return 0;
}

static int stop(void **state)
{
	free(text);
	return 0;
}

static void assert_there(const char *row)
{
	if (!strstr(text, row))
		fail_msg("docs/rules.md lacks the row:%s", row);
}

/* Rows that begin with a name in backticks, between two headings. */
static unsigned rows(const char *from, const char *to)
{
	const char *at = strstr(text, from), *end;
	unsigned n = 0;

	assert_non_null(at);
	end = strstr(at, to);
	assert_non_null(end);
	while ((at = strstr(at, "\n| `")) && at < end) {
		n++;
		at++;
	}
	return n;
}

static void test_keywords(void **state)
{
	struct sig_keyword_text k;
	char row[800];
	unsigned n = 0;

	for (; sig_keyword_at(n, &k); n++) {
		(void)snprintf(row, sizeof row, "\n| `%s` | %s | %s |\n",
			       k.name, k.text, k.differs);
		assert_there(row);
	}
	assert_int_equal(rows("| keyword |", "## Events"), n);
}

static void test_buffers(void **state)
{
	char row[400];

	for (unsigned f = 0; f < FIELD__MAX; f++) {
		char side = sig_buffer_side(f);

		(void)snprintf(row, sizeof row, "\n| `%s` | %s%s | %s |\n",
			       sig_buffer_name(f),
			       side == 'C'   ? "client"
			       : side == 'S' ? "server"
					     : "both",
			       sig_buffer_in_pieces(f) ? ", in pieces" : "",
			       proto_field_text((enum proto_field)f));
		assert_there(row);
	}
	/* and pkt_data, file_data */
	assert_int_equal(rows("| buffer |", "Other names"), FIELD__MAX + 2);
}

static void test_aliases(void **state)
{
	const char *name, *means;
	char row[400];
	unsigned n = 0;
	bool modifier;

	for (; (name = sig_buffer_alias(n, &means, &modifier)); n++) {
		(void)snprintf(row, sizeof row, "\n| `%s` | `%s` | %s |\n",
			       name, means,
			       modifier ? "behind a content"
					: "before contents");
		assert_there(row);
	}
	assert_int_equal(rows("| name |", "## Keywords"), n);
}

static void test_events(void **state)
{
	char row[400];

	for (unsigned i = 0; i < NOTE__MAX; i++) {
		(void)snprintf(row, sizeof row, "\n| `%s` | %s |\n",
			       proto_note_name((enum proto_note)i),
			       proto_note_text((enum proto_note)i));
		assert_there(row);
	}
	assert_int_equal(rows("| event |", "## Limits"), NOTE__MAX);
}

static void test_transforms(void **state)
{
	for (unsigned t = 0; t < SIG_TRANSFORM__MAX; t++)
		assert_there(sig_transform_name((enum sig_transform)t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keywords),
		cmocka_unit_test(test_buffers),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_transforms),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
