/*
 * What may be shown of a finding. Rows say what becomes of what; then random
 * texts: beside a secret nothing is left that could be one, and the match's raw
 * bytes are all there.
 */
#include "detect/evidence.h"

#include <string.h>

#include "seed.h"
#include "test.h"

/* The match is what stands between < and >. */
static const struct row {
	const char *name, *text;
	const char *kind; /* of secret; "" a secret of none; NULL: no secret */
	const char *want;
} rows[] = {
	{ "a card number, and what is beside it",
	  "card=<4111111111111111>&cvv=123&exp=12/27&name=Ann", "card_number",
	  "card=«************1111»&cvv=***&exp=12/27&name=Ann" },
	{ "a second one, in groups", "<4111111111111111> 5500 0000 0000 0004",
	  "card_number", "«************1111» **** **** **** ****" },
	{ "a secret of no kind is not shown at all", "say <top secret-7> now",
	  "", "say «*** ******-*» now" },
	{ "a long word beside it", "wJalrXUtnFEMI/K7MDENG <x>", "",
	  "*************/******* «*»" },
	{ "an attack is", "GET /?x=<${jndi:>ldap://10.0.0.1:1389/a}", NULL,
	  "GET /?x=«${jndi:»ldap://10.0.0.1:1389/a}" },
	{ "a card number beside an attack", "n=4111111111111111&q=<' or 1=1>",
	  NULL, "n=****************&q=«' or 1=1»" },
	{ "... in groups", "n=4111-1111-1111-1111&q=<' or 1=1>", NULL,
	  "n=****-****-****-****&q=«' or 1=1»" },
	{ "... a token", "t=ghp0123456789abcd q=<' or 1=1>", NULL,
	  "t=***************** q=«' or 1=1»" },
	{ "... what begins before what can be seen", "1111&q=<x>", NULL,
	  "****&q=«x»" },
	{ "a long word of letters stays", "transubstantiationalist <x> y", NULL,
	  "transubstantiationalist «x» y" },
	{ "what does not print", "a\n\x01\xff<\t>\x7f", NULL, "a...«.»." },
	{ "no match in it", "only around", NULL, "«»only around" },
	{ "nothing", "", NULL, "" },
};

static struct evidence_spot spot_of(const struct row *r, char *buf)
{
	const char *begin = strchr(r->text, '<'), *end = strchr(r->text, '>');
	struct evidence_spot s = { .around_at = 1000, .at = 1000 };
	size_t n = strlen(r->text);

	memcpy(buf, r->text, n);
	if (begin) {
		size_t a = (size_t)(begin - r->text);
		size_t len = (size_t)(end - begin - 1);

		memmove(buf + a, begin + 1, len);
		memmove(buf + a + len, end + 1, n - a - len - 2);
		n -= 2;
		s.at += a;
		s.len = (uint32_t)len;
	}
	s.around = bytes_of(buf, n);
	s.is_secret = r->kind != NULL;
	s.secret = r->kind ? secret_kind_find(r->kind) : NULL;
	return s;
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char buf[256], got[FINDING_EVIDENCE_MAX];
		struct evidence_spot s = spot_of(&rows[i], buf);

		evidence_text(&s, got);
		if (strcmp(got, rows[i].want) != 0)
			print_message("%s\n", got);
		assert_row(rows[i].name, strcmp(got, rows[i].want) == 0);
	}
}

static void test_request(void **state)
{
	struct evidence_spot s = {
		.around = bytes_of("4111111111111111", 16),
		.len = 16,
		.is_secret = true,
		.secret = secret_kind_find("card_number"),
	};
	const char *line = "GET shop/pay/v1?n=4111111111111111&pin=4711";
	char got[FINDING_REQUEST_MAX], longer[600];

	evidence_request(&s, bytes_of(line, strlen(line)), got);
	assert_string_equal(got, "GET shop/pay/v1?n=************1111&pin=****");
	/* a word that is a secret by what it says */
	s = (struct evidence_spot){ .around = bytes_of("walrus", 6),
				    .len = 6,
				    .is_secret = true };
	line = "GET /walrus?is=walrus";
	evidence_request(&s, bytes_of(line, strlen(line)), got);
	assert_string_equal(got, "GET /******?is=******");
	s.is_secret = false;
	evidence_request(&s, bytes_of(line, strlen(line)), got);
	assert_string_equal(got, line);
	evidence_request(&s, (struct bytes){ NULL, NULL }, got);
	assert_string_equal(got, "");
	memset(longer, 'a', sizeof longer);
	evidence_request(&s, bytes_of(longer, sizeof longer), got);
	assert_int_equal(strlen(got), FINDING_REQUEST_MAX - 1);
	assert_string_equal(got + FINDING_REQUEST_MAX - 4, "...");
	evidence_request(&s, bytes_of(longer, FINDING_REQUEST_MAX - 1), got);
	assert_int_equal(strspn(got, "a"), FINDING_REQUEST_MAX - 1);
}

/* The match, in a buffer of which only [20, 40) is there. */
static const struct {
	const char *name;
	uint64_t at;
	uint32_t len;
	uint64_t from, n;
} parts[] = {
	{ "within", 25, 5, 25, 5 },	    { "all", 20, 20, 20, 20 },
	{ "begins before", 10, 15, 20, 5 }, { "ends behind", 35, 50, 35, 5 },
	{ "both", 0, 100, 20, 20 },	    { "before it", 0, 20, 20, 0 },
	{ "behind it", 40, 9, 40, 0 },	    { "far behind", 400, 9, 40, 0 },
	{ "empty", 30, 0, 30, 0 },
};

static void test_parts(void **state)
{
	uint8_t buf[20] = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct evidence_spot s = { .at = parts[i].at,
					   .len = parts[i].len,
					   .around = bytes_of(buf, 20),
					   .around_at = 20 };
		struct bytes m = evidence_match(&s);

		assert_row(parts[i].name, m.begin == buf + parts[i].from - 20);
		assert_row(parts[i].name, bytes_len(m) == parts[i].n);
	}
}

/* What is left of a word of three or more with a digit in it. */
static bool has_secret_word(const char *text)
{
	size_t n = 0, digits = 0;

	for (;; text++) {
		bool digit = *text >= '0' && *text <= '9';

		if (digit || (*text >= 'a' && *text <= 'z')) {
			n++;
			digits += digit;
			continue;
		}
		if ((n >= 3 && digits) || n >= 12)
			return true;
		n = digits = 0;
		if (!*text)
			return false;
	}
}

static void check_random(const struct evidence_spot *s, bool whole)
{
	char text[FINDING_EVIDENCE_MAX];
	uint8_t raw[FINDING_RAW_MAX];
	struct bytes m = evidence_match(s);
	const char *begin, *end;
	uint64_t at;
	size_t n;

	evidence_text(s, text);
	n = evidence_raw(s, raw, &at);
	assert_true(n <= FINDING_RAW_MAX);
	assert_true(n == FINDING_RAW_MAX || n == bytes_len(s->around));
	assert_true(at >= s->around_at);
	assert_memory_equal(raw, s->around.begin + (at - s->around_at), n);
	if (whole && bytes_len(m) <= FINDING_RAW_MAX) {
		assert_true(at <= s->at);
		assert_true(s->at + s->len <= at + n);
	}
	begin = strstr(text, "«");
	end = strstr(text, "»");
	assert_non_null(begin);
	assert_non_null(end);
	if (!s->is_secret)
		return;
	assert_int_equal(strcspn(begin + 2, "0123456789abcdef"),
			 strlen(begin + 2) - strlen(end) +
				 strcspn(end, "0123456789abcdef"));
	assert_false(has_secret_word(end + 2));
	text[begin - text] = '\0';
	assert_false(has_secret_word(text));
}

static void test_random(void **state)
{
	static const char letters[] = "0123456789abcdef -&=/";
	uint64_t random = seed_choose() | 1;

	for (int i = 0; i < 20000; i++) {
		uint8_t buf[700];
		size_t n = 1 + seed_draw(&random, sizeof buf);
		uint64_t base = seed_draw(&random, 2000);
		struct evidence_spot s = {
			.around = bytes_of(buf, n),
			.around_at = base,
			.is_secret = seed_draw(&random, 2),
		};
		bool whole = seed_draw(&random, 4);

		for (size_t k = 0; k < n; k++)
			buf[k] = (uint8_t)
				letters[seed_draw(&random, sizeof letters - 1)];
		s.at = whole ? base + seed_draw(&random, (uint32_t)n)
			     : seed_draw(&random, 3000);
		s.len = whole ? seed_draw(&random,
					  (uint32_t)(base + n - s.at) + 1)
			      : seed_draw(&random, 900);
		check_random(&s, whole);
	}
}

/* --- a second secret beside it ---------------------------------------- */

/* Each character of it as a code. */
static void encode(const char *text, unsigned how, char *to)
{
	static const char *const codes[] = { "%c", "%%%02x", "&#%u;", "&#x%x;",
					     "\\u%04x" };

	for (; *text; text++)
		to += snprintf(to, 8, codes[how], (unsigned)(uint8_t)*text);
}

static const char pad[] = "to be or not to be that is the question whether it "
			  "is nobler in the mind";

/* The last digits of a card number may be shown. */
static void hide_match(char *text)
{
	char *from = strstr(text, "«"), *to = strstr(text, "»");

	assert_non_null(from);
	assert_non_null(to);
	memset(from, ' ', (size_t)(to - from));
}

/* Of every kind, before and behind, half of it cut: no digit of it is shown. */
static void test_second_secret(void **state)
{
	static const char *const others[] = {
		"5555555555554444",
		"5555 5555 5555 4444",
		"5555-5555-5555-4444",
		"DE89370400440532013000",
		"DE89 3704 0044 0532 01",
		"GB82 WEST 1234 5698 7654 32",
		"536-90-4399",
		"AB 12 34 56 C",
		"AB123456C",
		"12345678Z",
		"X1234567L",
		"2 55 08 14 168 025 38",
		"RSSMRA85T10A562S",
		"AKIA5OSFODNN7EXAMPLE",
		"111222333",
		"47 036 892 816",
	};
	uint64_t random = seed_choose() | 1;

	for (int i = 0; i < 20000; i++) {
		struct evidence_spot s = { .is_secret = i % 2 };
		unsigned how = s.is_secret ? seed_draw(&random, 5) : 0;
		bool first = seed_draw(&random, 2);
		char other[512], text[1200], got[FINDING_EVIDENCE_MAX];
		const char *match = s.is_secret ? "4111111111111111" : "<x>";
		unsigned gap = seed_draw(&random, 70);

		encode(others[seed_draw(&random, ARRAY_LEN(others))], how,
		       other);
		(void)snprintf(text, sizeof text, "%s %.*s;%s;%.*s %s",
			       first ? other : "", (int)gap, pad, match,
			       (int)gap, pad, first ? "" : other);
		s.at = (uint64_t)(strstr(text, match) - text);
		s.len = (uint32_t)strlen(match);
		s.around = bytes_of(text, strlen(text));
		s.secret = secret_kind_find("card_number");
		evidence_text(&s, got);
		hide_match(got);
		if (strpbrk(got, "0123456789"))
			fail_msg("%s: %s", text, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_second_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
