#include "detect/sensor_show.h"

#include "base/limits.h"
#include "detect/sensor_unwrap.h"

#define DIGITS_MIN 3
#define RUN_MIN	   12
#define LONG_MIN   24

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Of tokens: what stands within them. */
static bool in_token(char c, bool path)
{
	return is_digit(c) || is_letter(c) || c == '_' || c == '-' ||
	       c == '+' || (!path && c == '/');
}

/* How far a group of digits from s[at] on goes; *digits: how many. */
static size_t group_end(const char *s, size_t at, size_t len, size_t *digits)
{
	size_t end = at;

	*digits = 0;
	while (at < len) {
		if (is_digit(s[at])) {
			(*digits)++;
			end = ++at;
			continue;
		}
		if ((s[at] != ' ' && s[at] != '-' && s[at] != '.') ||
		    at + 1 == len || !is_digit(s[at + 1]))
			break;
		at++;
	}
	return end;
}

static void hide(char *s, size_t from, size_t to, bool letters)
{
	for (; from < to; from++)
		if (is_digit(s[from]) || (letters && is_letter(s[from])))
			s[from] = '*';
}

static void hide_tokens(char *s, size_t len, bool path)
{
	for (size_t at = 0, end; at < len; at = end) {
		bool digit = false, edge;

		for (end = at; end < len && in_token(s[end], path); end++)
			digit |= is_digit(s[end]);
		edge = !path && (at == 0 || end == len);
		if ((digit && (edge || end - at >= RUN_MIN)) ||
		    end - at >= LONG_MIN)
			hide(s, at, end, true);
		if (end == at)
			end++;
	}
}

static void hide_digits(char *s, size_t len)
{
	bool account;

	for (size_t at = 0, end, n; at < len; at = end) {
		if (!is_digit(s[at])) {
			end = at + 1;
			continue;
		}
		end = group_end(s, at, len, &n);
		/* "GB82 WEST": an account's number goes on; so may others at
		 * the edge, also behind a blank that is there */
		account = at >= 2 && s[at - 1] <= 'Z' && s[at - 1] >= 'A' &&
			  s[at - 2] <= 'Z' && s[at - 2] >= 'A';
		if (n >= DIGITS_MIN || account || at <= 1 || end + 1 >= len)
			hide(s, at, end, false);
	}
}

static size_t put_printable(struct bytes b, char *to, size_t size)
{
	size_t len = 0;

	for (; b.begin < b.end && len < size - 1; b.begin++)
		to[len++] = *b.begin >= ' ' && *b.begin <= '~' ? (char)*b.begin
							       : '.';
	to[len] = '\0';
	return len;
}

void sensor_show_text(struct bytes b, bool path, char *to, size_t size)
{
	uint8_t plain[2][SENSOR_LINE_BYTES];
	size_t len;

	if (bytes_len(b) > SENSOR_LINE_BYTES)
		b.end = b.begin + SENSOR_LINE_BYTES;
	for (int i = 0; i < SENSOR_DEPTH; i++) {
		len = sensor_unwrap_text(b, plain[i]);
		if (len > 0)
			b = bytes_of(plain[i], len);
	}
	len = put_printable(b, to, size);
	hide_tokens(to, len, path);
	hide_digits(to, len);
}

void sensor_show_match(const struct secret_kind *k, bool attack,
		       struct bytes match, char *to, size_t size)
{
	if (attack)
		(void)put_printable(match, to, size);
	else
		(void)secret_mask(k, match, to, size);
}
