#include "proto/text.h"

#include <string.h>

enum proto_guess text_begins(struct bytes b, const char *word)
{
	size_t len = strlen(word), have = bytes_len(b);

	for (size_t i = 0; i < len && i < have; i++)
		if (b.begin[i] != (uint8_t)word[i])
			return PROTO_NO;
	return have < len ? PROTO_MAYBE : PROTO_YES;
}

enum proto_guess text_begins_nocase(struct bytes b, const char *word)
{
	size_t len = strlen(word), have = bytes_len(b);

	if (have > 0 && len > 0 && text_lower(*b.begin) != (uint8_t)*word)
		return PROTO_NO;
	for (size_t i = 1; i < len && i < have; i++)
		if (text_lower(b.begin[i]) != (uint8_t)word[i])
			return PROTO_NO;
	return have < len ? PROTO_MAYBE : PROTO_YES;
}

bool text_take_until(struct bytes *b, char c, struct bytes *ret)
{
	size_t len = bytes_len(*b);
	const uint8_t *at = len ? memchr(b->begin, c, len) : NULL;
	struct bytes before = { b->begin, at };

	if (!at)
		return false;
	b->begin = at + 1;
	*ret = before;
	return true;
}

bool text_contains_nocase(struct bytes b, const char *word)
{
	for (; bytes_len(b) > 0; b.begin++)
		if (text_begins_nocase(b, word) == PROTO_YES)
			return true;
	return false;
}

bool text_take_line(struct bytes *b, struct bytes *ret)
{
	if (!text_take_until(b, '\n', ret))
		return false;
	if (bytes_len(*ret) > 0 && ret->end[-1] == '\r')
		ret->end--;
	return true;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct bytes text_trim(struct bytes b)
{
	while (bytes_len(b) > 0 && is_blank(*b.begin))
		b.begin++;
	while (bytes_len(b) > 0 && is_blank(b.end[-1]))
		b.end--;
	return b;
}

bool text_number(struct bytes b, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (bytes_len(b) == 0)
		return false;
	for (const uint8_t *p = b.begin; p < b.end; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (!text_is_digit(*p) || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (n > max)
		return false;
	*ret = n;
	return true;
}

bool text_is_one_of(uint8_t c, const char *these)
{
	return c != 0 && strchr(these, c) != NULL;
}
