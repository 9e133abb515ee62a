/*
 * Texts against what they decode to, as tables; and random ones, in pieces and
 * in place, against decoders that look at the whole text and are slow.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/decode.h"
#include "seed.h"

/* limits: table */
static const struct {
	enum decode_kind kind;
	const char *text, *want;
} rows[] = {
	{ DECODE_PERCENT, "a%41+%2e", "aA+." },
	{ DECODE_PERCENT, "%%41%4%zz%", "%A%4%zz%" },
	{ DECODE_PERCENT, "%2541", "%41" },
	{ DECODE_PERCENT, "%u003C%u20AC%u00e", "<\xe2\x82\xac%u00e" },
	{ DECODE_FORM, "a+%2b%41%+", "a +A% " },
	{ DECODE_HTML, "&lt;b&gt;&amp;&quot;&apos;", "<b>&\"'" },
	{ DECODE_HTML, "&ltb &lt", "<b <" },
	{ DECODE_HTML, "&#60;&#x3C;&#X3c&#60 &#60", "<<<< <" },
	{ DECODE_HTML, "&#00000000000000060;", "<" },
	{ DECODE_HTML, "&#x0000000000000003c;", "<" },
	{ DECODE_HTML, "&#8364;&#x1f600;&#xd800;",
	  "\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd" },
	{ DECODE_HTML, "java&Tab;script&colon;alert&lpar;1&rpar;",
	  "java\tscript:alert(1)" },
	{ DECODE_HTML, "&#;&#x;&;&nothing;&lp&#", "&#;&#x;&;&nothing;&lp&#" },
	{ DECODE_HTML, "&amp;lt;", "&lt;" },
	{ DECODE_HTML, "&Tab &&lt;", "&Tab &<" },
	{ DECODE_JSON, "\\u003cb\\u003E \\n\\t\\\"\\\\\\/", "<b> \n\t\"\\/" },
	{ DECODE_JSON, "\\ud83d\\ude00\\ud83dx\\ude00",
	  "\xf0\x9f\x98\x80"
	  "\xef\xbf\xbdx"
	  "\xef\xbf\xbd" },
	{ DECODE_JSON, "\\ud83d\\n\\ud83d", "\xef\xbf\xbd\n\xef\xbf\xbd" },
	{ DECODE_JSON, "\\x\\u12\\u123g\\", "\\x\\u12\\u123g\\" },
	{ DECODE_BASE64, "aGVsbG8=", "hello" },
	{ DECODE_BASE64, "aGVs\r\n bG8", "hello" },
	{ DECODE_BASE64, "aGU=bGxv", "hello" },
	{ DECODE_BASE64, "Pz8_Pj4-", "?\?\?>>>" },
	{ DECODE_BASE64, "Pz8/Pj4+", "?\?\?>>>" },
	{ DECODE_BASE64, "aGVs!bG8", "hel" },
	{ DECODE_LOWER, "ABC-\xc3\x84 z{", "abc-\xc3\x84 z{" },
	{ DECODE_SQUEEZE, " a \t\r\nb  c ", " a b c " },
	{ DECODE_STRIP, " a \t\r\n\v\fb  c ", "abc" },
};

static void tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[256];
		size_t len = strlen(rows[i].text);

		memcpy(text, rows[i].text, len + 1);
		len = decode_all(rows[i].kind, bytes_of(text, len),
				 (uint8_t *)text);
		text[len] = 0;
		assert_string_equal(text, rows[i].want);
	}
}

/* --- the slow ones ---------------------------------------------------- */

/* "&name;", and those that need no ';'. */
static int naive_name(const char *text, unsigned *value)
{
	static const char *const names[] = {
		"<lt",	   ">gt",	"&amp",	   "\"quot",  "<LT",
		">GT",	   "&AMP",	"\"QUOT",  " nbsp",   "'apos",
		"\tTab",   "\nNewLine", ":colon",  ";semi",   "(lpar",
		")rpar",   "/sol",	"\\bsol",  "!excl",   "#num",
		"$dollar", "%percnt",	"*ast",	   "+plus",   ",comma",
		".period", "=equals",	"?quest",  "@commat", "[lsqb",
		"[lbrack", "]rsqb",	"]rbrack", "_lowbar", "`grave",
		"{lcub",   "{lbrace",	"}rcub",   "}rbrace", "|verbar",
		"|vert",   "^Hat",
	};

	for (int with = 1; with >= 0; with--)
		for (size_t i = 0; i < (with ? ARRAY_LEN(names) : 9); i++) {
			char code[16];
			int n = snprintf(code, sizeof code, "&%s%s",
					 names[i] + 1, with ? ";" : "");

			if (strncmp(text, code, (size_t)n) == 0) {
				*value = (unsigned)names[i][0];
				return n;
			}
		}
	return 0;
}

/* One code at text[0..], tried by scanf: its length and value; 0: none. */
static int naive_code(enum decode_kind kind, const char *text, unsigned *value)
{
	static const char json[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
	char digits[16];
	int n = 0;

	switch (kind) {
	case DECODE_HTML:
		if (sscanf(text, "&#%*1[xX]%15[0-9a-fA-F]%n", digits, &n) > 0 &&
		    n > 0)
			*value = (unsigned)strtoul(digits, NULL, 16);
		else if (sscanf(text, "&#%15[0-9]%n", digits, &n) > 0 && n > 0)
			*value = (unsigned)strtoul(digits, NULL, 10);
		else
			return naive_name(text, value);
		return n > 0 && text[n] == ';' ? n + 1 : n;
	case DECODE_JSON:
		if (*text != '\\' || !text[1])
			return 0;
		for (const char *at = json; *at; at += 2)
			if (*at == text[1]) {
				*value = (unsigned char)at[1];
				return 2;
			}
		n = 0;
		if (sscanf(text, "\\u%4[0-9a-fA-F]%n", digits, &n) < 1 ||
		    n != 6)
			return 0;
		*value = (unsigned)strtoul(digits, NULL, 16);
		return 6;
	default:
		if (sscanf(text, "%%u%4[0-9a-fA-F]%n", digits, &n) < 1)
			n = 0;
		if (n != 6 &&
		    (sscanf(text, "%%%2[0-9a-fA-F]%n", digits, &n) < 1 ||
		     n != 3))
			return 0;
		*value = (unsigned)strtoul(digits, NULL, 16);
		return n;
	}
}

/* text ends with 0 and has none. Only values below 0x80 come up. */
static size_t naive(enum decode_kind kind, const char *text, char *out)
{
	size_t n = 0;

	while (*text) {
		unsigned value = 0;
		int len = naive_code(kind, text, &value);

		if (len > 0) {
			assert_in_range(value, 0, 0x7f);
			out[n++] = (char)value;
			text += len;
			continue;
		}
		out[n++] = kind == DECODE_FORM && *text == '+' ? ' ' : *text;
		text++;
	}
	return n;
}

/* Made of what codes are made of; no value of 0x80 or more can come of it. */
static size_t random_text(enum decode_kind kind, uint64_t *random, char *text)
{
	static const char *const parts[DECODE__MAX][20] = {
		[DECODE_PERCENT] = { "%", "4", "1", "%u00", "+", "v", "g", "%3",
				     "0", "%25" },
		[DECODE_HTML] = { "&",	  "#",	      "x",     "3",
				  ";",	  "&lt",      "l",     "t;",
				  "&#x0", "&sol;",    "&AMP",  "comma",
				  "&com", "mat;",     "&vert", "&verbar",
				  "QUOT", "&NewLine", "&nbsp", "Hat;" },
		[DECODE_JSON] = { "\\", "u00", "4", "1", "n", "\"", "\\u00",
				  "/", "g", "0" },
	};
	const char *const *from =
		parts[kind == DECODE_FORM ? DECODE_PERCENT : kind];
	unsigned n = seed_draw(random, 40), digits = 0;
	uint32_t n_parts = kind == DECODE_HTML ? 20 : 10;
	size_t len = 0;

	for (unsigned i = 0; i < n; i++) {
		const char *part = from[seed_draw(random, n_parts)];
		bool digit = *part >= '0' && *part <= '9';

		/* "&#333" would be a character beyond ASCII */
		if (kind == DECODE_HTML && digit && ++digits % 2 == 0)
			part = ";";
		memcpy(text + len, part, strlen(part));
		len += strlen(part);
	}
	text[len] = 0;
	return len;
}

static void check_pieces(enum decode_kind kind, struct bytes all,
			 struct bytes want, uint64_t *random)
{
	uint8_t out[1024 + DECODE_KEPT_MAX];
	struct decode d = decode_of(kind);
	struct bytes rest = all, part;
	size_t len = 0;

	while (bytes_len(rest) > 0) {
		size_t n = 1 + seed_draw(random, 5);

		if (n > bytes_len(rest))
			n = bytes_len(rest);
		assert_true(take_bytes(&rest, n, &part));
		len += decode_some(&d, part, out + len);
		/* never longer than what was read */
		assert_true(len <= (size_t)(rest.begin - all.begin));
	}
	len += decode_rest(&d, out + len);
	assert_int_equal(len, bytes_len(want));
	assert_memory_equal(out, want.begin, len);
}

/* The first code is where what stands before it is all that stays as it is. */
static void check_first(enum decode_kind kind, struct bytes b)
{
	const uint8_t *first = decode_first(kind, b);
	uint8_t out[1024];
	size_t n = first ? (size_t)(first - b.begin) : bytes_len(b);

	if (kind == DECODE_FORM) /* its '+' is not asked for */
		kind = DECODE_PERCENT;
	assert_int_equal(decode_all(kind, bytes_of(b.begin, n), out), n);
	assert_memory_equal(out, b.begin, n);
	if (first)
		assert_true(decode_all(kind, b, out) < bytes_len(b));
}

static void against_naive(void **state)
{
	static const enum decode_kind kinds[] = { DECODE_PERCENT, DECODE_FORM,
						  DECODE_HTML, DECODE_JSON };
	uint64_t random = seed_choose() | 1;

	(void)state;
	for (int i = 0; i < 40000; i++) {
		enum decode_kind kind = kinds[i % 4];
		char text[1024], want[1024];
		size_t len = random_text(kind, &random, text), n;

		n = naive(kind, text, want);
		check_pieces(kind, bytes_of(text, len), bytes_of(want, n),
			     &random);
		check_first(kind, bytes_of(text, len));
		len = decode_all(kind, bytes_of(text, len), (uint8_t *)text);
		assert_int_equal(len, n);
		assert_memory_equal(text, want, n);
	}
}

/* What is encoded comes back, however it is cut. */
static void base64_round(void **state)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
		"qrstuvwxyz0123456789+/";
	uint64_t random = seed_choose() | 1;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		uint8_t plain[64], text[128];
		size_t len = seed_draw(&random, sizeof plain), n = 0;

		for (size_t k = 0; k < len; k++)
			plain[k] = (uint8_t)seed_draw(&random, 256);
		for (size_t bit = 0; bit < len * 8; bit += 6) {
			unsigned two = (unsigned)plain[bit / 8] << 8;

			if (bit / 8 + 1 < len)
				two |= plain[bit / 8 + 1];
			text[n++] = (uint8_t)digits[two >> (10 - bit % 8) & 63];
			if (seed_draw(&random, 9) == 0)
				text[n++] = '\n';
		}
		check_pieces(DECODE_BASE64, bytes_of(text, n),
			     bytes_of(plain, len), &random);
	}
}

/* All kinds, any bytes: pieces and in place are the same. */
static void any_bytes(void **state)
{
	uint64_t random = seed_choose() | 1;

	(void)state;
	for (int i = 0; i < 40000; i++) {
		enum decode_kind kind =
			(enum decode_kind)seed_draw(&random, DECODE__MAX);
		uint8_t text[200], whole[200];
		size_t len = seed_draw(&random, sizeof text), n;

		for (size_t k = 0; k < len; k++)
			text[k] = seed_draw(&random, 2)
					  ? (uint8_t)seed_draw(&random, 256)
					  : (uint8_t) "%&\\#ux;0d8c+ \t=l"
						    [seed_draw(&random, 16)];
		memcpy(whole, text, len);
		n = decode_all(kind, bytes_of(whole, len), whole);
		check_pieces(kind, bytes_of(text, len), bytes_of(whole, n),
			     &random);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),
		cmocka_unit_test(against_naive),
		cmocka_unit_test(base64_round),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
