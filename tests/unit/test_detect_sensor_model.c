/*
 * Sensors against a scan that is simple and slow: each expression is tried by
 * PCRE2 through all of a text, and through all that is written in it; no search
 * before that, no window, no piece. The same is found in random texts, whole and
 * cut.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/decode.h"
#include "seed.h"
#include "sensors.h"

#define TEXT_MAX  2048
#define EXPRS_MAX 32
#define FOUND_MAX 2 /* no sensor asks for more */

/* What a user looks for: with bounds, and a lookaround, and a reference. */
static const char *const users[] = {
	"secret\\s{1,3}word", "(?<=k)[0-9]{3}x", "([a-z])\\1\\1[0-9]",
	"<b[^>]{0,20}>",      "union select",	 "[0-9]{3}-[0-9]{3}",
};

struct model_expr {
	pcre2_code *code;
	const struct secret_kind *kind; /* NULL: a user's */
	/* Different matches. */
	char found[FOUND_MAX][TEXT_MAX];
	unsigned n, ever;
};

struct model {
	struct model_expr exprs[EXPRS_MAX];
	unsigned n;
	bool near; /* a code says nothing about a '+' elsewhere */
	pcre2_match_data *match;
	pcre2_match_context *context;
};

/* --- the slow scan ---------------------------------------------------- */

static int on_callout(pcre2_callout_block *b, void *arg)
{
	const struct secret_kind *k = arg;

	return k && k->check &&
	       !k->check((struct bytes){ b->subject + b->start_match,
					 b->subject + b->current_position });
}

static void note(struct model_expr *e, const uint8_t *begin, size_t len)
{
	for (unsigned i = 0; i < e->n; i++)
		if (strlen(e->found[i]) == len &&
		    memcmp(e->found[i], begin, len) == 0)
			return;
	if (e->n == FOUND_MAX)
		return;
	memcpy(e->found[e->n], begin, len);
	e->found[e->n++][len] = '\0';
}

static void try_all(struct model *m, struct bytes text)
{
	for (unsigned i = 0; i < m->n; i++) {
		struct model_expr *e = &m->exprs[i];
		size_t at = 0;

		assert_int_equal(pcre2_set_callout(m->context, on_callout,
						   (void *)e->kind),
				 0);
		while (pcre2_match(e->code, text.begin, bytes_len(text), at, 0,
				   m->match, m->context) > 0) {
			const PCRE2_SIZE *ends =
				pcre2_get_ovector_pointer(m->match);

			note(e, text.begin + ends[0], ends[1] - ends[0]);
			at = ends[1];
		}
	}
}

static bool is_form(uint8_t c)
{
	return c && strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
			   "pqrstuvwxyz-_.*%+",
			   c);
}

/* Is text[at], a '+', a form's blank? */
static bool is_blank(const char *text, size_t at)
{
	size_t from = at;

	if (at >= 2 && strspn(text + at - 2, "0123456789") == 2 &&
	    strspn(text + at + 1, "0123456789") >= 2 &&
	    (at == 2 || text[at - 3] != ':'))
		return true;
	while (from > 0 && at - from < 32 && is_form((uint8_t)text[from - 1]))
		from--;
	return from > 0 && text[from - 1] == '=';
}

/* Codes undone, one kind after another; false: there are none. */
static bool undo(const struct model *m, struct bytes text, char *to)
{
	size_t len = bytes_len(text);
	bool form;

	memcpy(to, text.begin, len);
	to[len] = '\0';
	form = !m->near &&
	       decode_all(DECODE_PERCENT, text, (uint8_t *)to) < len;
	memcpy(to, text.begin, len);
	for (size_t i = 0; i < len; i++)
		form |= to[i] == '+' && is_blank(to, i);
	len = decode_all(form ? DECODE_FORM : DECODE_PERCENT, text,
			 (uint8_t *)to);
	len = decode_all(DECODE_HTML, bytes_of(to, len), (uint8_t *)to);
	len = decode_all(DECODE_JSON, bytes_of(to, len), (uint8_t *)to);
	to[len] = '\0';
	return len != bytes_len(text) || memcmp(to, text.begin, len) != 0;
}

static int digit_of(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
				     "opqrstuvwxyz0123456789+/";
	const char *at = strchr(digits, c == '-' ? '+' : c == '_' ? '/' : c);

	return c && at ? (int)(at - digits) : -1;
}

static bool is_text(const char *c, size_t n)
{
	for (; n > 0; n--, c++)
		if ((*c < ' ' || *c > '~') && !(*c && strchr("\r\n\t", *c)))
			return false;
	return true;
}

/* A run of n digits, read from one on; adds it to out if it makes sense. */
static size_t read_run(const char *digits, size_t n, size_t phase, char *out)
{
	size_t len = 0, whole = (n - phase) / 4 * 3;
	size_t sample = whole < 18 ? whole : 18;
	uint32_t bits = 0;
	unsigned n_bits = 0;

	for (size_t i = phase; i < n; i++) {
		bits = bits << 6 | (uint32_t)digit_of(digits[i]);
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[len++] = (char)(bits >> n_bits);
		}
	}
	if (!is_text(out + whole - sample, sample) && (phase > 0 || n < 64))
		return 0;
	out[len++] = '\n';
	return len;
}

/* The digits that text begins with, and those of lines behind them; how many. */
static size_t take_run(const char **text, char *run)
{
	size_t n = 0, line = 0;

	for (; **text; (*text)++) {
		const char *next = *text + (**text == '\r');

		if (digit_of(**text) >= 0) {
			run[n++] = **text;
			line++;
			continue;
		}
		if (line < 40 || line % 4 || *next != '\n' ||
		    digit_of(next[1]) < 0)
			break;
		*text = next;
		line = 0;
	}
	return n;
}

/* What is base64 in text, which ends with NUL and has none; its length. */
static size_t undo_base64(const char *text, char *to)
{
	static char run[TEXT_MAX];
	size_t len = 0;

	while (*text) {
		size_t n = take_run(&text, run);

		for (size_t phase = 0; n >= 15 && phase < 4; phase++)
			len += read_run(run, n, phase, to + len);
		text += *text != '\0';
	}
	return len;
}

/* NOLINTNEXTLINE(misc-no-recursion): SENSOR_DEPTH deep */
static void look(struct model *m, struct bytes text, unsigned depth)
{
	static char inner[SENSOR_DEPTH][4 * TEXT_MAX];
	static char copied[4 * TEXT_MAX];
	char *to;
	size_t len = bytes_len(text);

	try_all(m, text);
	if (depth == SENSOR_DEPTH)
		return;
	to = inner[depth];
	/* what comes of base64 may have a NUL: nothing there is a digit */
	for (size_t i = 0; i < len; i++)
		copied[i] = text.begin[i] ? (char)text.begin[i] : '\x01';
	copied[len] = '\0';
	if (undo(m, bytes_of(copied, len), to))
		look(m, bytes_of(to, strlen(to)), depth + 1);
	for (size_t i = 0; i < len; i++)
		copied[i] = text.begin[i] ? (char)text.begin[i] : '\x01';
	copied[len] = '\0';
	len = undo_base64(copied, to);
	if (len > 0)
		look(m, bytes_of(to, len), depth + 1);
}

/* --- both ------------------------------------------------------------- */

static void add(struct model *m, json_t *list, const char *regex,
		const struct secret_kind *k)
{
	struct model_expr *e = &m->exprs[m->n];
	char text[512], name[32];
	PCRE2_SIZE at;
	int error;

	assert_true(m->n < EXPRS_MAX);
	(void)snprintf(text, sizeof text, "%s(?C1)", regex);
	e->kind = k;
	e->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0,
				&error, &at, NULL);
	assert_non_null(e->code);
	assert_int_equal(pcre2_jit_compile(e->code, PCRE2_JIT_COMPLETE), 0);
	/* the first match, and two different ones */
	for (unsigned count = 1; count <= FOUND_MAX; count++) {
		json_t *sensor;

		(void)snprintf(name, sizeof name, "%u.%u", m->n, count);
		sensor = json_pack("{s:i, s:s, s:[{s:s, s:i}]}", "id",
				   (int)(20000 + FOUND_MAX * m->n + count),
				   "name", name, "patterns",
				   k ? "secret" : "regex", k ? k->name : regex,
				   "count", (int)count);
		assert_int_equal(json_array_append_new(list, sensor), 0);
	}
	m->n++;
}

static void open_both(struct model *m, struct sensor_bench *b)
{
	json_t *list = json_array();
	struct sensor_list *l = NULL;
	const struct secret_kind *k;

	*m = (struct model){ 0 };
	m->match = pcre2_match_data_create(8, NULL);
	m->context = pcre2_match_context_create(NULL);
	for (unsigned i = 0; (k = secret_kind_at(i)); i++)
		add(m, list, k->regex, k);
	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		add(m, list, users[i], NULL);
	assert_int_equal(sensor_list_parse(list, &l, NULL), 0);
	json_decref(list);
	bench_with(b, l);
}

static void close_both(struct model *m, struct sensor_bench *b)
{
	for (unsigned i = 0; i < m->n; i++)
		pcre2_code_free(m->exprs[i].code);
	pcre2_match_context_free(m->context);
	pcre2_match_data_free(m->match);
	bench_done(b);
}

static void expect(struct model *m, const char *text, char want[static 1024])
{
	size_t len = 0;

	for (unsigned i = 0; i < m->n; i++)
		m->exprs[i].n = 0;
	look(m, bytes_of(text, strlen(text)), 0);
	want[0] = '\0';
	for (unsigned i = 0; i < m->n; i++) {
		m->exprs[i].ever += m->exprs[i].n;
		for (unsigned k = 1; k <= m->exprs[i].n; k++)
			len += (size_t)snprintf(want + len, 1024 - len,
						"%u:body:c ",
						20000 + FOUND_MAX * i + k);
	}
}

static const char *const bits[] = {
	"4111111111111111",
	"4111 1111 1111 1111",
	"5555-5555-5555-4444",
	"4111",
	"1111",
	"378282246310005",
	"2026-11-29",
	"10:00:00+01:00",
	" ",
	"-",
	".",
	"_",
	"\"",
	",",
	"\n",
	"\r\n",
	"=",
	"q=",
	"x",
	"aZ9",
	"0",
	"17",
	"DE89370400440532013000",
	"GB82 WEST 1234 5698 7654 32",
	"GB82",
	"WEST",
	"536-90-4399",
	"536-90",
	"AB 12 34 56 C",
	"AB123456C",
	"12345678Z",
	"X1234567L",
	"2 55 08 14 168 025 38",
	"255081416802538",
	"185",
	"1 85 05 2A 006 084 36",
	"111222333",
	"86095742719",
	"47 036 892 816",
	"44051401359",
	"RSSMRA85T10A562S",
	"RSSMRA",
	"AKIAIOSFODNN7EXAMPLE",
	"AKIA",
	"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",
	"glpat-abcdefghijklmnopqrst",
	"xoxb-123456789012-abcdefgh",
	"AIzaSyA1234567890abcdefghijklmnopqrstuv",
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghij",
	"eyJ",
	"-----BEGIN RSA PRIVATE KEY-----",
	"secret",
	"  ",
	"word",
	"k123x",
	"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	"aaa1",
	"<b",
	">",
	"union select",
	"union",
	"+",
	"select",
	"%34",
	"%31",
	"%2B",
	"%253",
	"&#52;",
	"&#x31",
	"&lt;",
	"&amp;",
	"&Tab;",
	"\\u0034",
	"\\n",
	"\\",
	"NDExMTExMTExMTExMTExMQ==",
	"c2VjcmV0IHdvcmQ=",
	"MTExMjIyMzMz",
	"/",
	"bm90aGluZyB0byBiZSBzZWVuIGhlcmUgYnV0IHRoaXMgaXMgYSBsaW5lIG9mIHRl",
};

static void put_random(uint64_t *seed, char text[static TEXT_MAX])
{
	size_t len = 0;

	for (uint32_t n = 1 + seed_draw(seed, 40); n > 0; n--) {
		const char *bit = bits[seed_draw(seed, ARRAY_LEN(bits))];

		len += (size_t)snprintf(text + len, TEXT_MAX - len, "%s", bit);
		/* now and then, any byte */
		if (seed_draw(seed, 16) == 0)
			text[len++] = (char)(1 + seed_draw(seed, 255));
		text[len] = '\0';
		if (len > TEXT_MAX / 2)
			return;
	}
}

/* Among words, each with a blank behind it. */
static bool has_word(const char *words, const char *word, size_t len)
{
	while (*words && strncmp(words, word, len) != 0)
		words += strcspn(words, " ") + 1;
	return *words;
}

/* Those of `wanted` that are in `near`, too. */
static bool has_all(const char *words, const char *wanted, const char *near)
{
	while (*wanted) {
		size_t n = strcspn(wanted, " ") + 1;

		if (has_word(near, wanted, n) && !has_word(words, wanted, n))
			return false;
		wanted += n;
	}
	return true;
}

/*
 * In pieces more may be found: what is the beginning of a run of base64 may make
 * sense, and its end none. And less: a code in one piece does not say that a '+' in
 * another is a form's.
 */
static void check(struct model *m, struct sensor_bench *b, uint64_t *seed,
		  uint32_t most)
{
	static char text[TEXT_MAX];
	struct sensor_row r = { .request = text };
	char want[1024], wanted[1024], near[1024], is[1024];

	put_random(seed, text);
	m->near = true;
	expect(m, text, near);
	m->near = false;
	expect(m, text, want);
	play(b, &r, most ? seed : NULL, most);
	(void)sorted(b->heard.text, is);
	(void)sorted(want, wanted);
	if (most ? !has_all(is, wanted, near) : strcmp(is, wanted) != 0)
		fail_msg("pieces of %u: %s\nis:   %s\nwant: %s", most, text, is,
			 wanted);
}

static void test_whole(void **state)
{
	uint64_t seed = seed_choose() | 1;
	struct sensor_bench b;
	struct model *m = malloc(sizeof *m);

	(void)state;
	assert_non_null(m);
	open_both(m, &b);
	for (int turn = 0; turn < 1200; turn++)
		check(m, &b, &seed, 0);
	for (unsigned i = 0; i < m->n; i++)
		if (m->exprs[i].ever == 0)
			fail_msg("%u was never there", i);
	close_both(m, &b);
	free(m);
}

static void test_cut(void **state)
{
	uint64_t seed = seed_choose() | 1;
	struct sensor_bench b;
	struct model *m = malloc(sizeof *m);

	(void)state;
	assert_non_null(m);
	open_both(m, &b);
	for (int turn = 0; turn < 120; turn++)
		check(m, &b, &seed, 1 + seed_draw(&seed, turn % 4 ? 400 : 1));
	close_both(m, &b);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
