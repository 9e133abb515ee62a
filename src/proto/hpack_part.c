/*
 * Theory (RFC 7541 6). By the first bits of a part:
 *
 *   1 index                  a field of the table
 *   01 index name? value     one that is added to it; 0000 or 0001: that is not
 *   001 size                 how large the table is from here on
 *
 * A number that fills its bits goes on in bytes of seven bits each; a text is a
 * bit (Huffman's code), its length, and so many bytes.
 */
#include "proto/hpack.h"

/* Bytes of seven bits behind a number's first ones: no more than 2^28. */
#define MORE_MAX 4

static bool take_number(struct bytes *b, unsigned bits, uint32_t *ret)
{
	uint32_t most = ((uint32_t)1 << bits) - 1;
	uint8_t c;

	if (!take_u8(b, &c))
		return false;
	*ret = c & most;
	if (*ret < most)
		return true;
	for (unsigned i = 0; i < MORE_MAX && take_u8(b, &c); i++) {
		*ret += (uint32_t)(c & 0x7f) << 7 * i;
		if (!(c & 0x80))
			return true;
	}
	return false;
}

static bool skip_text(struct bytes *b)
{
	uint32_t len;

	return take_number(b, 7, &len) && take_skip(b, len);
}

bool hpack_take_part(struct bytes *b, struct hpack_part *ret)
{
	struct bytes rest = *b;
	uint8_t first;

	if (bytes_len(rest) == 0)
		return false;
	first = *rest.begin;
	*ret = (struct hpack_part){ .adds = (first & 0xc0) == 0x40 };
	ret->of_table = first & 0x80;
	ret->bytes.begin = ret->value.begin = rest.begin;
	if ((first & 0xe0) == 0x20) {
		uint32_t size;

		if (!take_number(&rest, 5, &size))
			return false;
	} else {
		unsigned bits = ret->of_table ? 7 : ret->adds ? 6 : 4;

		if (!take_number(&rest, bits, &ret->index))
			return false;
		if (!ret->of_table && ret->index == 0 && !skip_text(&rest))
			return false;
		ret->value.begin = rest.begin;
		if (!ret->of_table && !skip_text(&rest))
			return false;
	}
	ret->bytes.end = ret->value.end = rest.begin;
	*b = rest;
	return true;
}

bool hpack_is_block(struct bytes b, uint32_t entries)
{
	struct hpack_part part;

	while (bytes_len(b) > 0)
		if (!hpack_take_part(&b, &part) ||
		    part.index > HPACK_STATIC + entries ||
		    (part.of_table && part.index == 0))
			return false;
	return true;
}
