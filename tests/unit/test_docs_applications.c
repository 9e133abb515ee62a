/*
 * docs/applications.md has each application that a rule may name, with its number
 * and with what is known of it, and no other. SOURCE_ROOT says where it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/parsers.h"
#include "test.h"
#include "wire/app.h"

static const struct app {
	uint32_t app;
	const char *name;
} own[] = {
#define X(id, number, text) { number, text },
	APPS(X)
#undef X
},
  breadth[] = {
#define X(id, number, text) { number, text },
	  APPS_BREADTH(X)
#undef X
  };

static char *text;

static int start(void **state)
{
	FILE *f = fopen(SOURCE_ROOT "/docs/applications.md", "re");

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
		fail_msg("docs/applications.md lacks: %s", row);
}

static unsigned count(const char *what)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* What a parser of ours does; of the others their row says who tells them. */
static const char *how(uint32_t app)
{
	const struct proto_parser *p = proto_parser_of(app);

	if (p)
		return p->read ? "read |" : "recognised |";
	return app_is_told_by_answer(app) ? "by answers" : "";
}

static void test_own(void **state)
{
	char row[200];
	unsigned more = 0;

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		(void)snprintf(row, sizeof row, "\n| `%s` | %u | %s",
			       own[i].name, own[i].app, how(own[i].app));
		assert_there(row);
	}
	for (size_t i = 0; i < ARRAY_LEN(breadth); i++) {
		if (!proto_parser_of(breadth[i].app))
			continue;
		(void)snprintf(row, sizeof row, "\n| `%s` | %u | %s",
			       breadth[i].name, breadth[i].app,
			       how(breadth[i].app));
		assert_there(row);
		more++;
	}
	assert_int_equal(count("\n| `"), ARRAY_LEN(own) + more);
}

static void test_breadth(void **state)
{
	char word[80];
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(breadth); i++) {
		if (proto_parser_of(breadth[i].app))
			continue;
		(void)snprintf(word, sizeof word, "`%s` (%u)", breadth[i].name,
			       breadth[i].app);
		assert_there(word);
		n++;
	}
	assert_int_equal(count("` (1"), n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_breadth),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
