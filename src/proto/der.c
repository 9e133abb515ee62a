#include "proto/der.h"

#define TAG_LONG	 0x1f /* of more than a byte: none that is met here */
#define LENGTH_LONG	 0x80
#define LENGTH_BYTES_MAX 4

static bool take_length(struct bytes *b, uint32_t *ret)
{
	uint8_t first, next;
	uint32_t len = 0;

	if (!take_u8(b, &first))
		return false;
	if (!(first & LENGTH_LONG)) {
		*ret = first;
		return true;
	}
	first &= (uint8_t)~LENGTH_LONG;
	if (first == 0 || first > LENGTH_BYTES_MAX)
		return false;
	while (first-- > 0) {
		if (!take_u8(b, &next))
			return false;
		len = len << 8 | next;
	}
	*ret = len;
	return true;
}

bool der_take(struct bytes *b, uint8_t *tag, struct bytes *ret)
{
	struct bytes at = *b;
	uint32_t len;

	if (!take_u8(&at, tag) || (*tag & TAG_LONG) == TAG_LONG ||
	    !take_length(&at, &len) || !take_bytes(&at, len, ret))
		return false;
	*b = at;
	return true;
}

bool der_take_tagged(struct bytes *b, uint8_t tag, struct bytes *ret)
{
	struct bytes at = *b, value;
	uint8_t got;

	if (!der_take(&at, &got, &value) || got != tag)
		return false;
	*b = at;
	*ret = value;
	return true;
}
