/*
 * Theory. Base64 does not say where it begins: "/a/b/aGVsbG8..." are digits all
 * along. So each run of digits is looked at in the four ways to read it; the
 * first is taken if the run is long, and any where its last bytes make a text.
 *
 * Lines of mail and PEM (64, 76 digits) are one run.
 *
 * Most bodies are written in nothing: to find that out must cost little more than
 * a memchr() for each byte that a code may begin with.
 */
#include "detect/sensor_unwrap.h"

#include <string.h>

#include "base/byte_row.h"
#include "base/limits.h"
#include "proto/decode.h"
#include "proto/text.h"

/* From here on a run is read even where it makes no text. */
#define LONG_RUN 64
/* Digits that are tried: 18 bytes. */
#define SAMPLE_DIGITS 24
#define LINE_DIGITS   40
/* Codes within codes, of the same text, are no farther from each other. */
#define CODE_GAP 12
/* How far from its '=' a '+' is taken for a form's blank. */
#define FORM_VALUE 32

/* What a form's value is written in, but for '+' and codes. */
static bool is_form_plain(uint8_t c)
{
	return text_is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 26 ||
	       c == '-' || c == '_' || c == '.' || c == '*' || c == '%';
}

/* "q=a+b" */
static bool is_in_value(struct bytes b, const uint8_t *plus)
{
	const uint8_t *at = plus;

	while (at > b.begin && plus - at < FORM_VALUE &&
	       (is_form_plain(at[-1]) || at[-1] == '+'))
		at--;
	return at > b.begin && at[-1] == '=';
}

/* "4111+1111", but no zone of a time: "10:00+01:00" */
static bool is_in_number(struct bytes b, const uint8_t *plus)
{
	return plus - b.begin >= 2 && b.end - plus > 2 &&
	       text_is_digit(plus[-1]) && text_is_digit(plus[-2]) &&
	       text_is_digit(plus[1]) && text_is_digit(plus[2]) &&
	       !(plus - b.begin >= 3 && plus[-3] == ':');
}

/* Is there a '+' that is a form's blank? In base64 it is a digit. */
static bool has_blank(struct bytes b)
{
	struct bytes left = b;

	while (bytes_len(left) > 0 &&
	       (left.begin = memchr(left.begin, '+', bytes_len(left)))) {
		if (is_in_number(b, left.begin) || is_in_value(b, left.begin))
			return true;
		left.begin++;
	}
	return false;
}

size_t sensor_unwrap_text(struct bytes in, uint8_t *out)
{
	struct bytes at = in;

	if (decode_first(DECODE_PERCENT, in) || has_blank(in))
		at = bytes_of(out, decode_all(DECODE_FORM, at, out));
	if (decode_first(DECODE_HTML, at))
		at = bytes_of(out, decode_all(DECODE_HTML, at, out));
	if (decode_first(DECODE_JSON, at))
		at = bytes_of(out, decode_all(DECODE_JSON, at, out));
	return at.begin == in.begin ? 0 : bytes_len(at);
}

/* --- base64 ----------------------------------------------------------- */

#define BLOCK 64

static bool is_digit64(uint8_t c)
{
	return decode_base64_digits[c] != DECODE_NO_DIGIT;
}

/* Bits, which of b's first BLOCK bytes are digits of either alphabet. */
static uint64_t digits_at(struct bytes b)
{
	uint8_t last[BLOCK];
	uint64_t bits = 0;

	if (bytes_len(b) < BLOCK) {
		size_t n = bytes_len(b);

		memset(last, 0, sizeof last);
		(void)take_copy(&b, last, n); /* they are there */
		b = bytes_of(last, BLOCK);
	}
	for (unsigned i = 0; i < BLOCK; i += BYTE_ROW) {
		byte_row r = byte_row_of(b.begin + i);
		byte_row digits = byte_row_within(r, '/', '9') |
				  byte_row_within(r | 0x20, 'a', 'z') |
				  byte_row_is(r, '+') | byte_row_is(r, '-') |
				  byte_row_is(r, '_');

		bits |= (uint64_t)byte_row_bits(digits) << i;
	}
	return bits;
}

/* How many digits b begins with. */
static size_t digits_len(struct bytes b)
{
	size_t len = bytes_len(b);

	while (bytes_len(b) > 0) {
		uint64_t others = ~digits_at(b);

		if (others) {
			b.begin += __builtin_ctzll(others);
			break;
		}
		b.begin += BLOCK;
	}
	return len - bytes_len(b);
}

struct run {
	struct bytes bytes;
	size_t digits; /* without its lines' ends */
};

/* A line's end, behind which the run goes on. */
static bool take_break(struct bytes *b)
{
	struct bytes at = *b;

	if (bytes_len(at) > 0 && *at.begin == '\r')
		at.begin++;
	if (bytes_len(at) < 2 || *at.begin != '\n' || !is_digit64(at.begin[1]))
		return false;
	at.begin++;
	*b = at;
	return true;
}

/* The run that b begins with. */
static struct run run_of(struct bytes *b)
{
	struct run run = { .bytes = *b };
	size_t line;

	do {
		line = digits_len(*b);
		b->begin += line;
		run.digits += line;
	} while (line >= LINE_DIGITS && line % 4 == 0 && take_break(b));
	run.bytes.end = b->begin;
	return run;
}

/* Where SENSOR_BASE64_MIN digits begin. Blocks overlap by one less. */
static bool skip_to_run(struct bytes *b)
{
	while (bytes_len(*b) >= SENSOR_BASE64_MIN) {
		uint64_t bits = digits_at(*b);

		/* bit i: there are 2, 4, 8, 15 from i on */
		bits &= bits >> 1;
		bits &= bits >> 2;
		bits &= bits >> 4;
		bits &= bits >> (SENSOR_BASE64_MIN - 8);
		if (bits) {
			b->begin += __builtin_ctzll(bits);
			return true;
		}
		if (!take_skip(b, BLOCK - SENSOR_BASE64_MIN + 1))
			break;
	}
	return false;
}
_Static_assert(SENSOR_BASE64_MIN > 8 && SENSOR_BASE64_MIN <= 16, "bits");

/* The last digits of a run, without its lines' ends. */
struct tail {
	uint8_t digits[SAMPLE_DIGITS + 3]; /* what they stand for */
	size_t n;
};

static struct tail tail_of(const struct run *run)
{
	const uint8_t *from = run->bytes.end;
	struct tail t = { .n = sizeof t.digits };
	size_t at;

	if (t.n > run->digits)
		t.n = run->digits;
	for (at = t.n; at > 0; from--)
		if (is_digit64(from[-1]))
			t.digits[--at] = decode_base64_digits[from[-1]];
	return t;
}

static bool is_text(uint32_t c)
{
	c &= 0xff;
	return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
}

/* Read from its digit `phase` on, does the run end as a text? */
static bool makes_sense(const struct tail *t, size_t run, size_t phase)
{
	size_t left = (run - phase) % 4, whole = run - phase - left;
	const uint8_t *end = t->digits + t->n - left;

	if (whole > SAMPLE_DIGITS)
		whole = SAMPLE_DIGITS;
	for (const uint8_t *d = end - whole; d < end; d += 4) {
		uint32_t bits = (uint32_t)d[0] << 18 | (uint32_t)d[1] << 12 |
				(uint32_t)d[2] << 6 | d[3];

		if (!is_text(bits >> 16) || !is_text(bits >> 8) ||
		    !is_text(bits))
			return false;
	}
	return whole > 0;
}

/* What a word is made of, as far as secrets have to be words. */
static bool is_word(uint8_t c)
{
	return text_is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 26 ||
	       c == '.' || c == '_' || c == '-';
}

size_t sensor_unwrap_base64(struct bytes in, bool cut, bool open, uint8_t *out,
			    size_t size)
{
	const uint8_t *begin = cut ? in.begin : NULL;
	size_t written = 0;

	while (skip_to_run(&in)) {
		struct run run = run_of(&in);
		struct tail tail = tail_of(&run);
		bool last = bytes_len(in) == 0;

		for (size_t phase = 0; phase < 4; phase++) {
			struct bytes from = run.bytes;
			size_t at = written;

			if (!makes_sense(&tail, run.digits, phase) &&
			    (phase > 0 || run.digits < LONG_RUN))
				continue;
			(void)take_skip(&from, phase); /* it is longer */
			if (bytes_len(from) + 1 > size - written)
				return written;
			written +=
				decode_all(DECODE_BASE64, from, out + written);
			if (run.bytes.begin == begin)
				for (; at < written && is_word(out[at]); at++)
					out[at] = '_';
			if (!(last && open))
				out[written++] = '\n';
		}
	}
	return written;
}

/* --- what is looked at again ------------------------------------------ */

/* Does it hang together with what is beside it? Blanks and quotes do not. */
static bool hangs_together(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != ',' &&
	       c != '<' && c != '>';
}

/* So many bytes further back than these n, to where fours of digits begin. */
static size_t to_four(struct bytes seen, size_t n)
{
	const uint8_t *from = seen.end - n, *at = from;

	if (from == seen.end || !is_digit64(*from))
		return 0;
	while (at > seen.begin && is_digit64(at[-1]))
		at--;
	return (size_t)(from - at) % 4;
}

size_t sensor_unwrap_window(struct bytes seen, size_t least, bool token)
{
	size_t len = bytes_len(seen), n = least, code, back;

	if (n > len)
		n = len;
	for (code = n; n < len && n < SENSOR_WINDOW_MAX; n++) {
		uint8_t c = seen.end[-(ptrdiff_t)n];

		if (c == '%' || c == '&' || c == '\\')
			code = n;
		if (!hangs_together(c) || (!token && n - code >= CODE_GAP))
			break;
	}
	back = to_four(seen, n);
	return n + back <= SENSOR_WINDOW_MAX ? n + back : n + back - 4;
}
