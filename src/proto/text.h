/*
 * Words and lines in bytes, for protocols that are text. ASCII only, whatever
 * the locale.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/bytes.h"
#include "proto/parser.h"

/* YES: b begins with word; MAYBE: b is shorter, and so far it does. */
enum proto_guess text_begins(struct bytes b, const char *word);
/* The same in any case; word is in lower case. */
enum proto_guess text_begins_nocase(struct bytes b, const char *word);
/*
 * A line up to '\n', which is taken, too; *ret is without it and without a '\r'
 * before it. false: there is no '\n', *b as it was.
 */
bool text_take_line(struct bytes *b, struct bytes *ret);
/*
 * What is before the next c; both are taken. false: there is none, *b as it
 * was, and *ret too. ret may be b.
 */
bool text_take_until(struct bytes *b, char c, struct bytes *ret);
/* Is word, which is in lower case, anywhere in b, in any case? */
bool text_contains_nocase(struct bytes b, const char *word);
/* Without blanks and tabs at both ends. */
struct bytes text_trim(struct bytes b);
/* A number of decimal digits only, at least one. false: it is none, or > max */
bool text_number(struct bytes b, uint64_t max, uint64_t *ret);

/* Is c one of these? A zero never is. */
bool text_is_one_of(uint8_t c, const char *these);

static inline uint8_t text_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Is b word, exactly? */
static inline bool text_is(struct bytes b, const char *word)
{
	size_t len = strlen(word);

	return bytes_len(b) == len && memcmp(b.begin, word, len) == 0;
}

/*
 * Are these n (0..8) bytes those of a word, in any case? The word is ASCII, in
 * lower case. All at once: what differs may only be the bit of case, where the
 * word has a letter; of y + 0x1f the high bit says "'a' or behind it".
 */
static inline bool text_same_nocase(const uint8_t *b, const char *word,
				    size_t n)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t x = 0, y = 0, from_a, behind_z;

	memcpy(&x, b, n);
	memcpy(&y, word, n);
	from_a = y + ones * (0x80 - 'a');
	behind_z = y + ones * (0x80 - 'z' - 1);
	return ((x ^ y) & ~((from_a & ~behind_z & ones << 7) >> 2)) == 0;
}

/* The same in any case; word is ASCII, in lower case. */
static inline bool text_is_nocase(struct bytes b, const char *word)
{
	size_t len = strlen(word), i = 0;

	if (bytes_len(b) != len)
		return false;
	for (; i + 8 < len; i += 8)
		if (!text_same_nocase(b.begin + i, word + i, 8))
			return false;
	return text_same_nocase(b.begin + i, word + i, len - i);
}

/* 0..15, or -1. */
static inline int text_hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = text_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool text_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}
