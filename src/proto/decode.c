/*
 * Theory. Codes begin with a byte of their own ('%', '&', '\'); up to the next
 * one all is copied. From there on bytes are kept until code_of() says that they
 * are a code, or cannot be one: then the first of them stands for itself, and
 * the others are looked at again. As a code is longer than what it stands for,
 * nothing overtakes the reader.
 */
#include "proto/decode.h"

#include <endian.h>
#include <string.h>

#include "proto/text.h"

/* How many bytes of those kept are a code; else: */
#define CODE_MORE 0 /* it is to be seen */
#define CODE_NONE (-1)

struct code {
	uint8_t text[4];
	size_t len;
};

static void put_char(struct code *c, uint32_t point)
{
	if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		point = 0xfffd;
	c->len = 0;
	if (point < 0x80) {
		c->text[c->len++] = (uint8_t)point;
		return;
	}
	if (point < 0x800) {
		c->text[c->len++] = (uint8_t)(0xc0 | point >> 6);
	} else if (point < 0x10000) {
		c->text[c->len++] = (uint8_t)(0xe0 | point >> 12);
		c->text[c->len++] = (uint8_t)(0x80 | (point >> 6 & 63));
	} else {
		c->text[c->len++] = (uint8_t)(0xf0 | point >> 18);
		c->text[c->len++] = (uint8_t)(0x80 | (point >> 12 & 63));
		c->text[c->len++] = (uint8_t)(0x80 | (point >> 6 & 63));
	}
	c->text[c->len++] = (uint8_t)(0x80 | (point & 63));
}

/*
 * n hex digits behind the first `skip` bytes: how long that is together, or
 * CODE_MORE, CODE_NONE.
 */
static int hex_behind(struct bytes b, size_t skip, size_t n, uint32_t *ret)
{
	uint32_t value = 0;

	for (size_t i = skip; i < skip + n; i++) {
		int digit;

		if (i >= bytes_len(b))
			return CODE_MORE;
		digit = text_hex(b.begin[i]);
		if (digit < 0)
			return CODE_NONE;
		value = value << 4 | (uint32_t)digit;
	}
	*ret = value;
	return (int)(skip + n);
}

static int percent(struct bytes b, struct code *c)
{
	bool wide = bytes_len(b) > 1 && text_lower(b.begin[1]) == 'u';
	uint32_t value = 0;
	int len;

	len = wide ? hex_behind(b, 2, 4, &value) : hex_behind(b, 1, 2, &value);
	if (len > 0 && wide) {
		put_char(c, value);
	} else if (len > 0) {
		c->text[0] = (uint8_t)value;
		c->len = 1;
	}
	return len;
}

/* \ud83d\ude00: two that are one character. first: the first one's. */
static int pair(struct bytes b, uint32_t first, struct code *c)
{
	uint32_t second = 0;
	int len = CODE_NONE;

	put_char(c, first);
	if (first < 0xd800 || first >= 0xdc00)
		return 6;
	for (size_t i = 6; i < 8; i++) {
		if (i >= bytes_len(b))
			return CODE_MORE;
		if (b.begin[i] != (uint8_t) "\\u"[i - 6])
			return 6;
	}
	len = hex_behind(b, 8, 4, &second);
	if (len == CODE_MORE)
		return len;
	if (len < 0 || second < 0xdc00 || second >= 0xe000)
		return 6;
	put_char(c, 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
	return 12;
}

static int json(struct bytes b, struct code *c)
{
	static const char plain[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *at;
	uint32_t value = 0;
	int len;

	if (bytes_len(b) < 2)
		return CODE_MORE;
	if (b.begin[1] == 'u') {
		len = hex_behind(b, 2, 4, &value);
		return len > 0 ? pair(b, value, c) : len;
	}
	at = memchr(plain, b.begin[1], sizeof plain - 1);
	if (!at)
		return CODE_NONE;
	c->text[0] = (uint8_t)means[at - plain];
	c->len = 1;
	return 2;
}

/*
 * Names of ASCII characters, which is what attacks are written in; those first
 * that are also read without ';', of which none begins another such one.
 */
#define NAME_MAX_LEN 8 /* one more than the longest, so it ends with zero */
#define BARE	     9
static const struct entity {
	char name[NAME_MAX_LEN];
	uint8_t len;
	char means;
} entities[] = {
	{ "AMP", 3, '&' },    { "GT", 2, '>' },	      { "LT", 2, '<' },
	{ "QUOT", 4, '"' },   { "amp", 3, '&' },      { "gt", 2, '>' },
	{ "lt", 2, '<' },     { "nbsp", 4, ' ' },     { "quot", 4, '"' },
	{ "Hat", 3, '^' },    { "NewLine", 7, '\n' }, { "Tab", 3, '\t' },
	{ "apos", 4, '\'' },  { "ast", 3, '*' },      { "bsol", 4, '\\' },
	{ "colon", 5, ':' },  { "comma", 5, ',' },    { "commat", 6, '@' },
	{ "dollar", 6, '$' }, { "equals", 6, '=' },   { "excl", 4, '!' },
	{ "grave", 5, '`' },  { "lbrace", 6, '{' },   { "lbrack", 6, '[' },
	{ "lcub", 4, '{' },   { "lowbar", 6, '_' },   { "lpar", 4, '(' },
	{ "lsqb", 4, '[' },   { "num", 3, '#' },      { "percnt", 6, '%' },
	{ "period", 6, '.' }, { "plus", 4, '+' },     { "quest", 5, '?' },
	{ "rbrace", 6, '}' }, { "rbrack", 6, ']' },   { "rcub", 4, '}' },
	{ "rpar", 4, ')' },   { "rsqb", 4, ']' },     { "semi", 4, ';' },
	{ "sol", 3, '/' },    { "verbar", 6, '|' },   { "vert", 4, '|' },
};
#define ENTITIES (sizeof entities / sizeof *entities)

/* Its letters, the first one lowest: as many as there are, NAME_MAX_LEN at most. */
static uint64_t name_of(const char *name)
{
	uint64_t v;

	memcpy(&v, name, sizeof v);
	return le64toh(v);
}

static bool is_letter(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26;
}

static uint64_t first_letters(uint64_t name, size_t len)
{
	return len < 8 ? name & (((uint64_t)1 << 8 * len) - 1) : name;
}

/* May a name go on behind these letters, or be over with them? */
static bool name_goes_on(uint64_t name, size_t len)
{
	for (size_t i = 0; i < ENTITIES; i++)
		if (first_letters(name_of(entities[i].name), len) == name)
			return true;
	return false;
}

static int named(struct bytes b, bool end, struct code *c)
{
	uint64_t name = 0;
	size_t len = 0;

	(void)take_skip(&b, 1); /* the '&' */
	while (len < bytes_len(b) && len < NAME_MAX_LEN &&
	       is_letter(b.begin[len])) {
		name |= (uint64_t)b.begin[len] << 8 * len;
		len++;
	}
	if (len == bytes_len(b) && !end && name_goes_on(name, len))
		return CODE_MORE;
	c->len = 1;
	if (len > 0 && len < bytes_len(b) && b.begin[len] == ';')
		for (size_t i = 0; i < ENTITIES; i++)
			if (name_of(entities[i].name) == name) {
				c->text[0] = (uint8_t)entities[i].means;
				return (int)len + 2;
			}
	for (size_t i = 0; i < BARE; i++) {
		size_t n = entities[i].len;

		if (n <= len &&
		    first_letters(name, n) == name_of(entities[i].name)) {
			c->text[0] = (uint8_t)entities[i].means;
			return (int)n + 1;
		}
	}
	return CODE_NONE;
}

/*
 * "&#60;", "&#x3c;". &#000060; is &#60;: zeros that are idle are not counted,
 * so that what is kept of a code is never longer than DECODE_KEPT_MAX.
 */
static int numbered(struct bytes b, bool end, struct code *c)
{
	bool x = bytes_len(b) > 2 && text_lower(b.begin[2]) == 'x';
	size_t first = x ? 3 : 2, counted = first, i;
	uint32_t value = 0;

	for (i = first; i < bytes_len(b) && counted < DECODE_KEPT_MAX; i++) {
		int digit = text_hex(b.begin[i]);

		if (digit < 0 || (!x && digit > 9))
			break;
		if (digit == 0 && value == 0 && i > first)
			continue;
		counted++;
		if (value < 0x200000) /* beyond any character */
			value = value * (x ? 16 : 10) + (uint32_t)digit;
	}
	if (i == bytes_len(b) && !end && counted < DECODE_KEPT_MAX)
		return CODE_MORE;
	if (i == first)
		return CODE_NONE;
	put_char(c, value);
	if (counted < DECODE_KEPT_MAX && i < bytes_len(b) && b.begin[i] == ';')
		i++;
	return (int)i;
}

/*
 * b begins with its kind's byte; c: what it stands for, if it is a code. end:
 * nothing comes behind b.
 */
static int code_of(enum decode_kind kind, struct bytes b, bool end,
		   struct code *c)
{
	int len;

	switch (kind) {
	case DECODE_JSON: len = json(b, c); break;
	case DECODE_HTML:
		len = bytes_len(b) > 1 && b.begin[1] == '#'
			      ? numbered(b, end, c)
			      : named(b, end, c);
		break;
	default: len = percent(b, c); break;
	}
	if (len != CODE_MORE || !end)
		return len;
	/* half of a pair is a code, too */
	return kind == DECODE_JSON && bytes_len(b) >= 6 ? 6 : CODE_NONE;
}

static uint8_t first_of(enum decode_kind kind)
{
	return kind == DECODE_JSON ? '\\' : kind == DECODE_HTML ? '&' : '%';
}

/* No code begins at it. */
static size_t put_plain(const struct decode *d, uint8_t c, uint8_t *out)
{
	*out = d->kind == DECODE_FORM && c == '+' ? ' ' : c;
	return 1;
}

/* What is kept is looked at; end: there is no more. */
static size_t look(struct decode *d, bool end, uint8_t *out)
{
	enum decode_kind kind = (enum decode_kind)d->kind;
	uint8_t first = first_of(kind);
	size_t at = 0, written = 0;

	while (at < d->kept_len) {
		struct bytes b = bytes_of(d->kept + at, d->kept_len - at);
		struct code c = { .len = 0 };
		int len = CODE_NONE;

		if (*b.begin == first)
			len = code_of(kind, b, end, &c);
		if (len == CODE_MORE)
			break;
		if (len == CODE_NONE) {
			written += put_plain(d, *b.begin, out + written);
			at++;
			continue;
		}
		memcpy(out + written, c.text, c.len);
		written += c.len;
		at += (size_t)len;
	}
	d->kept_len -= (uint8_t)at;
	memmove(d->kept, d->kept + at, d->kept_len);
	return written;
}

/* &#000060; is &#60; */
static bool is_idle_zero(const struct decode *d, uint8_t c)
{
	size_t len = d->kept_len;
	bool x = len == 4 && text_lower(d->kept[2]) == 'x';

	return d->kind == DECODE_HTML && c == '0' && (x || len == 3) &&
	       d->kept[1] == '#' && d->kept[len - 1] == '0';
}

/* All up to where the next code may begin. */
static size_t put_run(const struct decode *d, struct bytes *in, uint8_t *out)
{
	uint8_t first = first_of((enum decode_kind)d->kind);
	const uint8_t *to = memchr(in->begin, first, bytes_len(*in));
	size_t n = (size_t)((to ? to : in->end) - in->begin);

	/* out may be where in is, or before it */
	memmove(out, in->begin, n);
	if (d->kind == DECODE_FORM)
		for (size_t i = 0; i < n; i++)
			out[i] = out[i] == '+' ? ' ' : out[i];
	in->begin += n;
	return n;
}

/* As much as can be told of what is there; it begins with its kind's byte. */
static size_t put_codes(const struct decode *d, struct bytes *in, uint8_t *out)
{
	enum decode_kind kind = (enum decode_kind)d->kind;
	uint8_t first = first_of(kind);
	size_t written = 0;

	while (bytes_len(*in) > 0 && *in->begin == first) {
		struct code c = { .len = 0 };
		int len = code_of(kind, *in, false, &c);

		if (len == CODE_MORE)
			break;
		if (len == CODE_NONE) {
			out[written++] = *in->begin++;
			continue;
		}
		memcpy(out + written, c.text, c.len);
		written += c.len;
		in->begin += len;
	}
	return written;
}

static size_t codes(struct decode *d, struct bytes in, uint8_t *out)
{
	size_t written = 0;

	while (bytes_len(in) > 0) {
		uint8_t c;

		if (d->kept_len == 0) {
			written += put_run(d, &in, out + written);
			written += put_codes(d, &in, out + written);
			if (bytes_len(in) == 0)
				break;
			if (*in.begin != first_of((enum decode_kind)d->kind))
				continue;
		}
		/* a code's beginning, at the end of what is there */
		c = *in.begin++;
		if (is_idle_zero(d, c))
			continue;
		d->kept[d->kept_len++] = c;
		written += look(d, false, out + written);
	}
	return written;
}

const uint8_t *decode_first(enum decode_kind kind, struct bytes b)
{
	uint8_t first = first_of(kind);
	struct code c;

	while (bytes_len(b) > 0 &&
	       (b.begin = memchr(b.begin, first, bytes_len(b)))) {
		if (code_of(kind, b, true, &c) > 0)
			return b.begin;
		b.begin++;
	}
	return NULL;
}

/* No digit of either alphabet. */
#define X   DECODE_NO_DIGIT
#define X16 X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X
/* limits: table */
const uint8_t decode_base64_digits[256] = {
	X,   X,	  X,   X,   X,	 X,   X,   X,	X,  X,	X,  X,	X,  X,	X,  X,
	X,   X,	  X,   X,   X,	 X,   X,   X,	X,  X,	X,  X,	X,  X,	X,  X,
	X,   X,	  X,   X,   X,	 X,   X,   X,	X,  X,	X,  62, X,  62, X,  63,
	52,  53,  54,  55,  56,	 57,  58,  59,	60, 61, X,  X,	X,  X,	X,  X,
	X,   0,	  1,   2,   3,	 4,   5,   6,	7,  8,	9,  10, 11, 12, 13, 14,
	15,  16,  17,  18,  19,	 20,  21,  22,	23, 24, 25, X,	X,  X,	X,  63,
	X,   26,  27,  28,  29,	 30,  31,  32,	33, 34, 35, 36, 37, 38, 39, 40,
	41,  42,  43,  44,  45,	 46,  47,  48,	49, 50, 51, X,	X,  X,	X,  X,
	X16, X16, X16, X16, X16, X16, X16, X16,
};
#undef X16
#undef X

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Fours of digits, as many as there are. */
static size_t base64_fours(struct bytes *in, uint8_t *out)
{
	const uint8_t *digits = decode_base64_digits;
	size_t written = 0;

	for (; bytes_len(*in) >= 4; in->begin += 4) {
		uint32_t a = digits[in->begin[0]], b = digits[in->begin[1]];
		uint32_t c = digits[in->begin[2]], d = digits[in->begin[3]];
		uint32_t bits = a << 18 | b << 12 | c << 6 | d;

		if ((a | b | c | d) & 0xc0)
			break;
		out[written++] = (uint8_t)(bits >> 16);
		out[written++] = (uint8_t)(bits >> 8);
		out[written++] = (uint8_t)bits;
	}
	return written;
}

static size_t base64(struct decode *d, struct bytes in, uint8_t *out)
{
	size_t written = 0;

	for (; bytes_len(in) > 0 && !d->over; in.begin++) {
		uint8_t digit;

		if (d->n_bits == 0)
			written += base64_fours(&in, out + written);
		if (bytes_len(in) == 0)
			break;
		digit = decode_base64_digits[*in.begin];
		if (digit == DECODE_NO_DIGIT) {
			if (*in.begin == '=')
				d->n_bits = 0;
			else if (!is_blank(*in.begin))
				d->over = true;
			continue;
		}
		d->bits = d->bits << 6 | digit;
		d->n_bits += 6;
		if (d->n_bits >= 8) {
			d->n_bits -= 8;
			out[written++] = (uint8_t)(d->bits >> d->n_bits);
		}
	}
	return written;
}

static size_t blanks(struct decode *d, struct bytes in, uint8_t *out)
{
	bool squeeze = d->kind == DECODE_SQUEEZE;
	size_t written = 0;

	for (; bytes_len(in) > 0; in.begin++) {
		bool blank = is_blank(*in.begin);

		if (!blank)
			out[written++] = *in.begin;
		else if (squeeze && !d->in_blanks)
			out[written++] = ' ';
		d->in_blanks = blank;
	}
	return written;
}

size_t decode_some(struct decode *d, struct bytes in, uint8_t *out)
{
	size_t len = bytes_len(in);

	switch ((enum decode_kind)d->kind) {
	case DECODE_BASE64: return base64(d, in, out);
	case DECODE_SQUEEZE:
	case DECODE_STRIP: return blanks(d, in, out);
	case DECODE_LOWER:
		for (size_t i = 0; i < len; i++)
			out[i] = text_lower(in.begin[i]);
		return len;
	default: return codes(d, in, out);
	}
}

size_t decode_rest(struct decode *d, uint8_t *out)
{
	return d->kept_len > 0 ? look(d, true, out) : 0;
}

size_t decode_all(enum decode_kind kind, struct bytes in, uint8_t *out)
{
	struct decode d = decode_of(kind);
	size_t written = decode_some(&d, in, out);

	return written + decode_rest(&d, out + written);
}
