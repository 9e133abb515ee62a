/*
 * Theory. Bytes are looked at in blocks of 64, by vectors; what comes of a block
 * is a number with a bit for each place where one may begin. Texts have few of those that begin with digits or capitals,
 * and of them the lead leaves almost none.
 */
#include "detect/secret_seek.h"

#include <string.h>

#include "base/bug.h"
#include "base/byte_row.h"

#define BLOCK 64

static bool is_of(char class, unsigned c)
{
	bool digit = c >= '0' && c <= '9';

	switch (class) {
	case '9': return digit;
	case '6': return c >= '2' && c <= '6';
	case '2': return c == '1' || c == '2';
	case 'A': return c >= 'A' && c <= 'Z';
	case 'X': return digit || (c >= 'X' && c <= 'Z');
	case '_': return digit || c == ' ';
	default: return c == (uint8_t) class;
	}
}

unsigned secret_seek_add(struct secret_seek *s, const struct secret_kind *k)
{
	unsigned n = s->n++;

	BUG_ON(n == SECRETS_SOUGHT_MAX || strlen(k->lead) != SECRET_LEAD);
	s->kinds[n] = k;
	for (unsigned i = 0; i < SECRET_LEAD; i++)
		for (unsigned c = 0; c < 256; c++)
			if (is_of(k->lead[i], c))
				s->leads[i][c] |= (uint16_t)(1u << n);
	return n;
}

static uint64_t begins_in(const uint8_t b[static BLOCK], bool *in_word)
{
	uint64_t words = 0, firsts = 0, before;

	for (unsigned i = 0; i < BLOCK; i += BYTE_ROW) {
		byte_row r = byte_row_of(b + i);
		byte_row digits = byte_row_within(r, '0', '9');
		byte_row capitals = byte_row_within(r, 'A', 'Z');
		byte_row letters = byte_row_within(r | 0x20, 'a', 'z');
		byte_row marks = byte_row_within(r, '-', '.') |
				 byte_row_is(r, '_');

		words |= (uint64_t)byte_row_bits(digits | letters | marks) << i;
		firsts |= (uint64_t)byte_row_bits(digits | capitals) << i;
	}
	before = words << 1 | *in_word;
	*in_word = words >> (BLOCK - 1);
	return firsts & ~before;
}

/* false: there is no further block. */
static bool next_block(struct secret_path *p)
{
	struct bytes rest = p->all;
	uint8_t last[BLOCK] = { 0 };

	if (!take_skip(&rest, p->next) || bytes_len(rest) == 0)
		return false;
	if (bytes_len(rest) >= BLOCK) {
		p->begins = begins_in(rest.begin, &p->in_word);
	} else {
		(void)take_copy(&rest, last, bytes_len(rest)); /* as there is */
		p->begins = begins_in(last, &p->in_word);
	}
	p->next += BLOCK;
	return true;
}

static uint32_t begin_at(const struct secret_seek *s, uint32_t kinds,
			 struct bytes from)
{
	if (bytes_len(from) < SECRET_LEAD)
		return 0;
	for (unsigned i = 0; i < SECRET_LEAD; i++)
		kinds &= s->leads[i][from.begin[i]];
	return kinds;
}

bool secret_seek_next(const struct secret_seek *s, uint32_t kinds,
		      struct secret_path *p, size_t *ret_at,
		      uint32_t *ret_kinds)
{
	while (p->begins || next_block(p)) {
		size_t at;
		uint32_t may;

		if (!p->begins)
			continue;
		at = p->next - BLOCK + (size_t)__builtin_ctzll(p->begins);
		p->begins &= p->begins - 1;
		may = begin_at(s, kinds,
			       (struct bytes){ p->all.begin + at, p->all.end });
		if (may) {
			*ret_at = at;
			*ret_kinds = may;
			return true;
		}
	}
	return false;
}
