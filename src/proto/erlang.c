/*
 * Messages are length (2) and content, which begins with a letter:
 *
 *   'x'  a node tells its port (2), kind (1), 0, versions (2, 2), name (with length 2)
 *   'z'  where is the node of that name?
 *   'n'  by itself: which nodes are there?
 *   'n'  version 5 (2), flags (4), name@host     a node greets another one
 *   'N'  flags (8), creation (4), name@host (with length 2)
 */
#include "proto/erlang.h"

#include <string.h>

#include "proto/frames.h"
#include "proto/text.h"

#define NAME_MAX 255

enum { KIND_HIDDEN = 72, KIND_NORMAL = 77 };

/* YES: all len bytes are a name's; MAYBE: so far. node: '@' must be in it. */
static enum proto_guess is_name(struct bytes b, size_t len, bool node)
{
	struct bytes name = frames_first(b, len);

	if (len == 0 || len > NAME_MAX)
		return PROTO_NO;
	for (const uint8_t *p = name.begin; p < name.end; p++) {
		uint8_t c = text_lower(*p);

		if (!(c >= 'a' && c <= 'z') && !text_is_digit(c) &&
		    !text_is_one_of(c, "_-.@"))
			return PROTO_NO;
	}
	if (bytes_len(name) < len)
		return PROTO_MAYBE;
	return !node || memchr(name.begin, '@', len) ? PROTO_YES : PROTO_NO;
}

static enum proto_guess tells_port(struct bytes b, uint16_t len)
{
	uint8_t kind, protocol;
	uint16_t name;

	if (len < 13)
		return PROTO_NO;
	if (!take_skip(&b, 2) || !take_u8(&b, &kind) || !take_u8(&b, &protocol))
		return PROTO_MAYBE;
	if ((kind != KIND_HIDDEN && kind != KIND_NORMAL) || protocol != 0)
		return PROTO_NO;
	if (!take_skip(&b, 4) || !take_be16(&b, &name))
		return PROTO_MAYBE;
	return name <= len - 13 ? is_name(b, name, false) : PROTO_NO;
}

static enum proto_guess greets(struct bytes b, uint16_t len, uint8_t letter)
{
	uint16_t version, name;

	if (letter == 'n') {
		if (!take_be16(&b, &version))
			return PROTO_MAYBE;
		if (version != 5 || len < 8)
			return PROTO_NO;
		return take_skip(&b, 4) ? is_name(b, len - 7u, true)
					: PROTO_MAYBE;
	}
	if (!take_skip(&b, 12) || !take_be16(&b, &name))
		return PROTO_MAYBE;
	return len > 15 && name <= len - 15 ? is_name(b, name, true) : PROTO_NO;
}

/* What the port mapper answers: its own port, and names as text. */
static enum proto_guess is_mapper(struct bytes b)
{
	uint32_t port;

	if (!take_be32(&b, &port))
		return PROTO_MAYBE;
	return port == 4369 ? PROTO_YES : PROTO_NO;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];
	uint16_t len;
	uint8_t letter;

	if (o->first == PROTO_SERVER || (bytes_len(b) > 0 && *b.begin > 1))
		return PROTO_NO;
	if (!take_be16(&b, &len) || !take_u8(&b, &letter))
		return PROTO_MAYBE;
	if (letter == 'n' && len == 1)
		return bytes_len(b) == 0 ? is_mapper(o->said[PROTO_SERVER])
					 : PROTO_NO;
	if (letter == 'x')
		return tells_port(b, len);
	if (letter == 'z')
		return is_name(b, (size_t)len - (len > 0), false);
	if (letter == 'n' || letter == 'N')
		return greets(b, len, letter);
	return PROTO_NO;
}

const struct proto_parser proto_erlang = {
	.name = "erlang-epmd",
	.app = APP_ERLANG_EPMD,
	.tcp = true,
	.recognise = recognise,
};
