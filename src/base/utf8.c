#include "base/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ESCAPE_MAX 5 /* "\xff" and its NUL */

/* No overlong forms, no surrogates, nothing behind U+10FFFF. */
size_t utf8_char(const char *s)
{
	const unsigned char *b = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (b[0] < 0x80)
		return b[0] != 0;
	if (b[0] < 0xc2 || b[0] > 0xf4)
		return 0;
	n = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
	if (b[0] == 0xe0)
		low = 0xa0;
	else if (b[0] == 0xed)
		high = 0x9f;
	else if (b[0] == 0xf0)
		low = 0x90;
	else if (b[0] == 0xf4)
		high = 0x8f;
	if (b[1] < low || b[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

size_t utf8_hidden(const char *s, unsigned *ret)
{
	const unsigned char *b = (const unsigned char *)s;
	unsigned c = b[0];

	*ret = c;
	if (c < 0x20 || c == 0x7f)
		return 1;
	if (c == 0xc2 && b[1] >= 0x80 && b[1] < 0xa0) {
		*ret = b[1];
		return 2;
	}
	if ((c != 0xe2 && c != 0xef) || (b[1] & 0xc0) != 0x80 ||
	    (b[2] & 0xc0) != 0x80)
		return 0;
	c = (c & 0x0fu) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu);
	*ret = c;
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
			       (c >= 0x2060 && c <= 0x2069) || c == 0xfeff
		       ? 3
		       : 0;
}

static bool is_utf8(const char *s)
{
	size_t n;

	while ((n = utf8_char(s)))
		s += n;
	return *s == '\0';
}

const char *utf8_text(const char *text, char *buf, size_t size)
{
	size_t len = 0;

	if (is_utf8(text))
		return text;
	while (*text && len + ESCAPE_MAX <= size) {
		size_t n = utf8_char(text);

		if (n) {
			memcpy(buf + len, text, n);
			len += n;
		} else {
			len += (size_t)snprintf(buf + len, ESCAPE_MAX,
						"\\x%02x",
						(unsigned char)*text);
		}
		text += n ? n : 1;
	}
	buf[len] = '\0';
	return buf;
}
