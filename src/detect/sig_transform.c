#include "detect/sig_transform.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "proto/decode.h"

/* As isspace() in the C locale. */
static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int hex_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t url_decode(uint8_t *bytes, size_t len)
{
	size_t to = 0;

	if (len == 0 || (!memchr(bytes, '%', len) && !memchr(bytes, '+', len)))
		return len;
	for (size_t i = 0; i < len; i++) {
		int high = -1, low = -1;

		if (bytes[i] == '%' && len - i > 2) {
			high = hex_of(bytes[i + 1]);
			low = hex_of(bytes[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			bytes[to++] = (uint8_t)(high << 4 | low);
			i += 2;
		} else {
			bytes[to++] = bytes[i] == '+' ? ' ' : bytes[i];
		}
	}
	return to;
}

/* compress: the first of several is kept */
static size_t without_blanks(uint8_t *bytes, size_t len, bool compress)
{
	size_t to = 0;
	bool before = false;

	for (size_t i = 0; i < len; i++) {
		bool blank = is_blank(bytes[i]);

		if (!blank || (compress && !before))
			bytes[to++] = bytes[i];
		before = blank;
	}
	return to;
}

static void change_case(uint8_t *bytes, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] ^= (uint8_t)(bytes[i] - first) < 26 ? 0x20 : 0;
}

/*
 * What SQL is looked at: where its last comment's end is, and the last line's,
 * so that a search for either is only begun where it will be found.
 */
struct sql_bytes {
	const uint8_t *begin, *end;
	const uint8_t *last_close, *last_line; /* NULL: none */
};

static struct sql_bytes sql_bytes_of(const uint8_t *bytes, size_t len)
{
	struct sql_bytes s = { .begin = bytes, .end = bytes + len };

	for (const uint8_t *p = s.end; p > bytes && !s.last_line;)
		if (*--p == '\n' || *p == '\r')
			s.last_line = p;
	for (const uint8_t *p = s.end; p - bytes > 1 && !s.last_close;)
		if (*--p == '/' && p[-1] == '*')
			s.last_close = p - 1;
	return s;
}

/* Behind the comment that begins at p; p: none does, or it has no end. */
static const uint8_t *behind_comment(const struct sql_bytes *s,
				     const uint8_t *p)
{
	const uint8_t *at = p + 2;

	if (s->end - p < 2)
		return p;
	if (*p == '*') /* the end of one that is run; but not of "/" "*" "/" */
		return p[1] == '/' && (p == s->begin || p[-1] != '/') ? at : p;
	if (*p == '/' && p[1] == '*' && at < s->end && *at == '!') {
		while (++at < s->end && *at >= '0' && *at <= '9')
			continue;
		return at;
	}
	if (*p == '/') {
		if (p[1] != '*' || !s->last_close || at > s->last_close)
			return p;
		return (uint8_t *)memmem(at, (size_t)(s->end - at), "*/", 2) +
		       2;
	}
	if ((*p == '-' && p[1] != '-') || !s->last_line || p > s->last_line)
		return p;
	for (at = p; *at != '\n' && *at != '\r';)
		at++;
	return at + 1;
}

static size_t without_comments(uint8_t *bytes, size_t len)
{
	struct sql_bytes s = sql_bytes_of(bytes, len);
	const uint8_t *p = bytes;
	size_t to = 0;

	while (p < s.end) {
		uint8_t c = *p;
		bool may_be = c == '/' || c == '*' || c == '-' || c == '#';
		const uint8_t *next = may_be ? behind_comment(&s, p) : p;

		bytes[to++] = next > p ? ' ' : c;
		p = next > p ? next : p + 1;
	}
	return to;
}

/* \u0041, \x41: the character behind the backslash; how long that is, or 0. */
static size_t numbered(const uint8_t *p, size_t len, uint32_t *ret)
{
	size_t n = len > 1 && p[1] == 'u' ? 6 : 4;

	if (len < n || (p[1] != 'u' && p[1] != 'x'))
		return 0;
	*ret = 0;
	for (size_t i = 2; i < n; i++) {
		int digit = hex_of(p[i]);

		if (digit < 0)
			return 0;
		*ret = *ret << 4 | (uint32_t)digit;
	}
	return n;
}

/* As UTF-8, which is shorter than its code; quotes and backslashes stay escaped. */
static size_t put_char(uint8_t *to, uint32_t point)
{
	size_t n = 0;

	if (point == '"' || point == '\\')
		to[n++] = '\\';
	if (point < 0x80) {
		to[n++] = (uint8_t)point;
		return n;
	}
	if (point >= 0x800)
		to[n++] = (uint8_t)(0xe0 | point >> 12);
	to[n++] = (uint8_t)(point >= 0x800 ? 0x80 | (point >> 6 & 63)
					   : 0xc0 | point >> 6);
	to[n++] = (uint8_t)(0x80 | (point & 63));
	return n;
}

/*
 * What \n, \r, \t and \/ mean; else 0. In a path of Windows ("..\temp", "c:\new",
 * "/\think") a letter behind a backslash is no code. before: what stands ahead.
 */
static uint8_t letter_of(uint8_t c, uint8_t before)
{
	bool path = before == '.' || before == ':' || before == '/';

	switch (c) {
	case '/': return '/';
	case 'n':
	case 'r': return path ? 0 : '\n';
	case 't': return path ? 0 : '\t';
	default: return 0;
	}
}

/*
 * One code, or one byte, of those at p; *ret_len bytes are written to `to`, where
 * that many may be. before: what stands ahead of them. Returns how long it is.
 */
static size_t undo_one(const uint8_t *p, size_t len, uint8_t before,
		       uint8_t *to, size_t *ret_len)
{
	uint8_t c = p[0], next = len > 1 ? p[1] : 0, letter;
	uint32_t point;
	size_t n;

	to[0] = c;
	*ret_len = 1;
	if (c != '\\')
		return 1;
	n = numbered(p, len, &point);
	if (n) {
		*ret_len = put_char(to, point);
		return n;
	}
	letter = letter_of(next, before);
	if (letter) {
		to[0] = letter;
		return 2;
	}
	if (next != '"' && next != '\\')
		return 1;
	to[1] = next;
	*ret_len = 2;
	return 2;
}

/* Of JSON and scripts. Where a text ends can still be told: \" stays. */
static size_t undo_backslashes(uint8_t *bytes, size_t len)
{
	size_t to = 0, i = 0, n;

	while (i < len) {
		i += undo_one(bytes + i, len - i, to ? bytes[to - 1] : 0,
			      bytes + to, &n);
		to += n;
	}
	return to;
}

/*
 * What lenient readers take for ASCII: UTF-8 that is longer than it need be,
 * full-width forms, and as blanks U+00A0 and the byte a0 by itself.
 */
static size_t ascii_of(const uint8_t *p, size_t len, bool alone, uint8_t *ret)
{
	uint8_t b = len > 1 ? p[1] : 0, c = len > 2 ? p[2] : 0;

	*ret = ' ';
	if (p[0] == 0xa0 && alone)
		return 1;
	if (p[0] == 0xc2 && b == 0xa0)
		return 2;
	*ret = (uint8_t)((p[0] & 1) << 6 | (b & 63));
	if ((p[0] == 0xc0 || p[0] == 0xc1) && b >> 6 == 2)
		return 2;
	*ret = (uint8_t)((b & 1) << 6 | (c & 63));
	if (p[0] == 0xe0 && (b == 0x80 || b == 0x81) && c >> 6 == 2)
		return 3;
	if (p[0] == 0xf0 && b == 0x80 && (c == 0x80 || c == 0x81) && len > 3 &&
	    p[3] >> 6 == 2) {
		*ret = (uint8_t)((c & 1) << 6 | (p[3] & 63));
		return 4;
	}
	/* U+FF01 to U+FF5E */
	*ret = (uint8_t)((b & 1) << 6 | (c & 63)) + 0x20;
	if (p[0] == 0xef && ((b == 0xbc && c > 0x80 && c < 0xc0) ||
			     (b == 0xbd && c >= 0x80 && c < 0x9f)))
		return 3;
	return 0;
}

static size_t undo_wide(uint8_t *bytes, size_t len)
{
	size_t to = 0, code;
	bool alone = true;
	uint8_t all = 0;

	for (size_t i = 0; i < len; i++)
		all |= bytes[i];
	if (all < 0x80)
		return len;
	for (size_t i = 0; i < len; i += code) {
		uint8_t ascii;

		code = bytes[i] < 0x80
			       ? 0
			       : ascii_of(bytes + i, len - i, alone, &ascii);
		alone = code || bytes[i] < 0x80;
		bytes[to++] = code ? ascii : bytes[i];
		code += !code;
	}
	return to;
}

static size_t unescape(uint8_t *bytes, size_t len)
{
	len = decode_all(DECODE_PERCENT, bytes_of(bytes, len), bytes);
	len = decode_all(DECODE_HTML, bytes_of(bytes, len), bytes);
	if (len > 0 && memchr(bytes, '\\', len))
		len = undo_backslashes(bytes, len);
	return undo_wide(bytes, len);
}

static int digit_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

size_t sig_base64(const uint8_t *from, size_t len, uint8_t *to, size_t max)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	for (size_t i = 0; i < len && n < max; i++) {
		int digit = digit_of(from[i]);

		if (digit < 0 && is_blank(from[i]))
			continue;
		if (digit < 0)
			break;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			to[n++] = (uint8_t)(bits >> have);
		}
	}
	return n;
}

size_t sig_transform_apply(enum sig_transform t, uint8_t *bytes, size_t len)
{
	switch (t) {
	case SIG_TO_LOWERCASE: change_case(bytes, len, 'A'); return len;
	case SIG_TO_UPPERCASE: change_case(bytes, len, 'a'); return len;
	case SIG_URL_DECODE: return url_decode(bytes, len);
	case SIG_STRIP_WHITESPACE: return without_blanks(bytes, len, false);
	case SIG_COMPRESS_WHITESPACE: return without_blanks(bytes, len, true);
	case SIG_REPLACE_COMMENTS: return without_comments(bytes, len);
	case SIG_FROM_BASE64: return sig_base64(bytes, len, bytes, len);
	case SIG_UNESCAPE: return unescape(bytes, len);
	case SIG_TRANSFORM__MAX: break;
	}
	return len;
}
