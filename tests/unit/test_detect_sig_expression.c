/*
 * Random expressions without a word: one is searched for by Vectorscan before PCRE2 is
 * asked (a whole field), one is asked each time (a field in pieces). Both tell the same.
 */
#include <stdio.h>
#include <string.h>

#include "seed.h"
#include "sigs.h"
#include "test.h"
#include "wire/app.h"

#define SETS  300
#define TEXTS 40

static uint64_t rnd;

static uint32_t draw(uint32_t below)
{
	return seed_draw(&rnd, below);
}

static size_t add(char *to, size_t at, const char *text)
{
	size_t len = strlen(text);

	memcpy(to + at, text, len + 1);
	return at + len;
}

/* What Vectorscan can do, and what only PCRE2 can. */
static void random_expression(char to[static 400])
{
	static const char *const parts[] = {
		"a",	  "b",	     "A",      ".",	 "[ab]",   "[^a]",
		"\\s",	  "\\w",     "\\.",    "(a|bA)", "\\b",	   "\\xff",
		"(?=b)",  "(?!a)",   "(?<=a)", "(?<!b)", "(?:a|)", "(?>a*)",
		"(a)\\1", "(?i:ab)", "\\d",    "\\n",
	};
	static const char *const times[] = { "",  "",	"",   "*",   "+",
					     "?", "*?", "++", "{2}", "{1,3}" };
	unsigned n = 1 + draw(6);
	size_t at = 0;

	to[0] = 0;
	if (draw(4) == 0)
		at = add(to, at, "^");
	for (unsigned i = 0; i < n; i++) {
		unsigned part = draw(sizeof parts / sizeof *parts);

		at = add(to, at, parts[part]);
		/* nothing is repeated that has no width */
		if (part < 10)
			at = add(to, at,
				 times[draw(sizeof times / sizeof *times)]);
		if (draw(8) == 0 && i + 1 < n)
			at = add(to, at, "|");
	}
	if (draw(4) == 0)
		(void)add(to, at, "$");
}

static size_t random_text(char to[static 24])
{
	size_t len = 1 + draw(16);

	for (size_t i = 0; i < len; i++)
		to[i] = "aabbAB. \n1\xff_"[draw(12)];
	return len;
}

static struct sigs *random_set(char expression[static 400])
{
	static const char *const flags[] = { "",  "",  "i", "s",
					     "m", "E", "A", "ism" };
	const char *flag = flags[draw(sizeof flags / sizeof *flags)];
	char rules[1200];
	struct sigs *s;

	random_expression(expression);
	(void)snprintf(rules, sizeof rules,
		       "alert http any any -> any any (http.user_agent; "
		       "pcre:\"/%s/%s\"; sid:1;)\n"
		       "alert http any any -> any any (http.request_body; "
		       "pcre:\"/%s/%s\"; sid:2;)\n",
		       expression, flag, expression, flag);
	s = sigs_new(rules, false);
	(void)snprintf(expression + strlen(expression), 8, "/%s", flag);
	return s;
}

static void test_random(void **state)
{
	unsigned searched = 0, matched = 0, quiet = 0;

	(void)state;
	rnd = seed_choose() | 1;
	for (unsigned k = 0; k < SETS; k++) {
		char expression[400], text[24], told[2][8];
		struct sigs *s = random_set(expression);

		/* the body's is asked each time */
		searched += sig_set_size(s->set).unfiltered == 1;
		for (unsigned i = 0; i < TEXTS; i++) {
			size_t len = random_text(text);

			sigs_again(s);
			sig_known(s->scanner, s->flow, APP_HTTP);
			sigs_piece(s, PROTO_CLIENT, FIELD_HTTP_USER_AGENT,
				   bytes_of(text, len), true, true);
			sig_asked(s->scanner, s->flow);
			(void)snprintf(told[0], 8, "%s", sigs_told(s));
			sigs_piece(s, PROTO_CLIENT, FIELD_HTTP_REQUEST_BODY,
				   bytes_of(text, len), true, true);
			sig_ended(s->scanner, s->flow, PROTO_CLIENT);
			(void)snprintf(told[1], 8, "%s", sigs_told(s));
			if ((told[0][0] != 0) != (told[1][0] != 0))
				fail_msg("/%s on \"%.*s\": \"%s\", \"%s\"",
					 expression, (int)len, text, told[0],
					 told[1]);
			matched += told[0][0] != 0;
			quiet += told[0][0] == 0;
		}
		sigs_free(s);
	}
	assert_true(searched > SETS / 2);
	assert_true(matched > SETS && quiet > SETS);
}

/* What is asked each time: what Vectorscan cannot read, or does not see whole. */
static void test_unfiltered(void **state)
{
	static const struct {
		const char *asked;
		unsigned unfiltered;
	} rows[] = {
		{ "http.uri; pcre:\"/a[0-9]+b/\";", 0 },
		{ "http.uri; pcre:\"/(a)b\\1/\";", 0 },
		{ "http.uri; to_lowercase; pcre:\"/a[0-9]+b/\";", 0 },
		{ "http.uri; pcre:!\"/z/\"; pcre:\"/a[0-9]+b/\";", 0 },
		{ "http.uri; content:!\"z\"; pcre:\"/a/\";", 0 },
		{ "http.uri; pcre:!\"/z/\";", 1 },
		{ "http.uri; pcre:\"/a*/\";", 1 }, /* also in nothing */
		{ "http.uri; pcre:\"/a b/x\";", 1 },
		{ "http.uri; pcre:\"/(?(?=a)ab|c)/\"; pcre:\"/a/R\";", 0 },
		{ "http.uri; bsize:4; pcre:\"/a/R\";", 1 },
		{ "http.header; pcre:\"/a[0-9]+b/\";", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char rule[300];
		struct sigs *s;

		(void)snprintf(rule, sizeof rule,
			       "alert http any any -> any any (%s sid:1;)",
			       rows[i].asked);
		s = sigs_new(rule, false);
		if (sig_set_size(s->set).unfiltered != rows[i].unfiltered)
			fail_msg("%s: %u", rows[i].asked,
				 sig_set_size(s->set).unfiltered);
		sigs_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_unfiltered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
