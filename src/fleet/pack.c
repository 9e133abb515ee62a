#include "fleet/pack.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/limits_fleet.h"

#define HEAD 8

char *pack_text(const char *text, size_t len, size_t *ret_len,
		struct err *reterr)
{
	uLongf room = compressBound(len);
	char *out;

	if (len > FLEET_UNPACKED_MAX) {
		(void)err_set(reterr, E2BIG, NULL, "more than %d bytes",
			      FLEET_UNPACKED_MAX);
		return NULL;
	}
	out = malloc(HEAD + room);
	if (!out || compress2((Bytef *)out + HEAD, &room, (const Bytef *)text,
			      len, Z_BEST_SPEED) != Z_OK) {
		free(out);
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	if (HEAD + room > FLEET_MESSAGE_MAX) {
		free(out);
		(void)err_set(reterr, E2BIG, NULL,
			      "packed it is more than %d bytes",
			      FLEET_MESSAGE_MAX);
		return NULL;
	}
	for (int i = 0; i < HEAD; i++)
		out[i] = (char)((uint64_t)len >> 8 * (HEAD - 1 - i));
	*ret_len = HEAD + room;
	return out;
}

char *unpack_text(const char *bytes, size_t len, size_t *ret_len,
		  struct err *reterr)
{
	return unpack_text_most(bytes, len, FLEET_UNPACKED_MAX, ret_len,
				reterr);
}

char *unpack_text_most(const char *bytes, size_t len, size_t most,
		       size_t *ret_len, struct err *reterr)
{
	uint64_t whole = 0;
	uLongf room;
	char *out;

	for (int i = 0; i < HEAD && len >= HEAD; i++)
		whole = whole << 8 | (unsigned char)bytes[i];
	if (len < HEAD || whole > most) {
		(void)err_set(reterr, len < HEAD ? EPROTO : E2BIG, NULL,
			      len < HEAD ? "too short to be packed"
					 : "too long when it is unpacked");
		return NULL;
	}
	room = (uLongf)whole;
	out = malloc((size_t)whole + 1);
	if (!out) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	if (uncompress((Bytef *)out, &room, (const Bytef *)bytes + HEAD,
		       len - HEAD) != Z_OK ||
	    room != whole) {
		free(out);
		(void)err_set(reterr, EPROTO, NULL, "is not what was packed");
		return NULL;
	}
	out[whole] = '\0';
	*ret_len = (size_t)whole;
	return out;
}
