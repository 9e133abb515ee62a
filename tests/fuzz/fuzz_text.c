/*
 * The first byte is a kind of proto/decode.h, the second how many bytes a piece
 * has: the text behind them in pieces and at once, in place, must be the same,
 * and no longer than it was.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "proto/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes rest = bytes_of(data, len), part;
	uint8_t kind, size, *whole, *pieces;
	struct decode d;
	size_t n, at = 0;

	if (!take_u8(&rest, &kind) || !take_u8(&rest, &size))
		return 0;
	kind %= DECODE__MAX;
	size += size == 0;
	len = bytes_len(rest);
	whole = malloc(len + 1);
	pieces = malloc(len + DECODE_KEPT_MAX);
	BUG_ON(!whole || !pieces);
	if (len > 0)
		memcpy(whole, rest.begin, len);
	n = decode_all((enum decode_kind)kind, bytes_of(whole, len), whole);
	BUG_ON(n > len);
	d = decode_of((enum decode_kind)kind);
	while (bytes_len(rest) > 0) {
		size_t most = bytes_len(rest) < size ? bytes_len(rest) : size;

		BUG_ON(!take_bytes(&rest, most, &part));
		at += decode_some(&d, part, pieces + at);
	}
	at += decode_rest(&d, pieces + at);
	BUG_ON(at != n || memcmp(whole, pieces, n) != 0);
	free(whole);
	free(pieces);
	return 0;
}
