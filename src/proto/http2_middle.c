/*
 * Theory. A frame has no mark of its own, but nine bytes that must agree: length,
 * flags and stream are what its type allows, and behind its payload comes the
 * next one. Most types leave little to chance (PING: eight bytes of nine), a
 * header block that is whole must be a row of its parts to the last byte; only
 * DATA says as good as nothing. So frames of both sides count:
 *
 *   DATA, and what goes on over more frames       1
 *   HEADERS                                       1, and 1 if its block fits
 *   SETTINGS, PING, WINDOW_UPDATE, ...            2
 *
 * With 3, not of DATA alone, it is HTTP/2. A client that says what is no frame
 * speaks something else; a server may be in the middle of one, if the client was
 * heard before. Who is heard first must begin with a frame.
 *
 * That it is gRPC says content-type, which after its first time is a number of a table
 * that nobody has here. Then a DATA frame says so that is one message of gRPC: a byte
 * that is 0 or 1, and the length of just what follows it, as its libraries write them
 * but for long ones. What else puts a length before its bytes so (Connect) is taken for
 * it, too.
 */
#include "proto/http2_own.h"

#include "proto/hpack.h"

#define ENOUGH 3

enum stream { OF_NONE, OF_ONE, OF_ANY };

static const struct shape {
	uint8_t flags;	/* that it may have */
	uint8_t stream; /* enum stream */
	uint8_t counts;
	uint32_t min, max; /* bytes of payload */
} shapes[] = {
	[HTTP2_DATA] = { HTTP2_END_STREAM | HTTP2_PADDED, OF_ONE, 1, 0,
			 HTTP2_FRAME_MAX },
	[HTTP2_HEADERS] = { HTTP2_END_STREAM | HTTP2_END_HEADERS |
				    HTTP2_PADDED | HTTP2_PRIORITIZED,
			    OF_ONE, 1, 1, HTTP2_FRAME_MAX },
	[HTTP2_PRIORITY] = { 0, OF_ONE, 2, 5, 5 },
	[HTTP2_RST_STREAM] = { 0, OF_ONE, 2, 4, 4 },
	[HTTP2_SETTINGS] = { HTTP2_ACK, OF_NONE, 2, 0, 6 * 32 },
	[HTTP2_PUSH_PROMISE] = { HTTP2_END_HEADERS | HTTP2_PADDED, OF_ONE, 1, 5,
				 HTTP2_FRAME_MAX },
	[HTTP2_PING] = { HTTP2_ACK, OF_NONE, 2, 8, 8 },
	[HTTP2_GOAWAY] = { 0, OF_NONE, 2, 8, HTTP2_FRAME_MAX },
	[HTTP2_WINDOW_UPDATE] = { 0, OF_ANY, 2, 4, 4 },
	[HTTP2_CONTINUATION] = { HTTP2_END_HEADERS, OF_ONE, 1, 1,
				 HTTP2_FRAME_MAX },
};

static bool has_shape(const struct http2_frame *f, enum proto_side side)
{
	const struct shape *s;

	if (f->type >= sizeof shapes / sizeof *shapes)
		return false;
	s = &shapes[f->type];
	if (f->flags & ~s->flags || f->len < s->min || f->len > s->max ||
	    (s->stream == OF_NONE && f->stream != 0) ||
	    (s->stream == OF_ONE && f->stream == 0))
		return false;
	if (f->type == HTTP2_SETTINGS)
		return f->len % 6 == 0 && !(f->flags && f->len);
	return side == PROTO_SERVER ||
	       (f->type != HTTP2_PUSH_PROMISE &&
		(f->type != HTTP2_HEADERS || f->stream % 2));
}

/* *b is behind its head then. */
static enum proto_guess take_head(struct bytes *b, enum proto_side side,
				  struct http2_frame *ret)
{
	if (bytes_len(*b) > 5 && b->begin[5] & 0x80) /* reserved */
		return PROTO_NO;
	if (bytes_len(*b) > 0 && *b->begin > HTTP2_FRAME_MAX >> 16)
		return PROTO_NO;
	if (!http2_take_head(b, ret))
		return PROTO_MAYBE;
	return has_shape(ret, side) ? PROTO_YES : PROTO_NO;
}

/* The payload of a HEADERS frame. */
static bool fits(const struct http2_frame *f, struct bytes payload)
{
	if (!http2_bare(f, &payload))
		return false;
	return !(f->flags & HTTP2_END_HEADERS) ||
	       hpack_is_block(payload, HPACK_ENTRIES_MAX);
}

struct chain {
	unsigned counts;
	bool telling; /* one of them was no DATA */
};

static bool is_enough(const struct chain *c)
{
	return c->counts >= ENOUGH && c->telling;
}

/* NO: what follows is no frame. What was counted before that stays so. */
static enum proto_guess count(struct bytes b, enum proto_side side,
			      struct chain *c)
{
	enum proto_guess g = PROTO_MAYBE;
	struct http2_frame f;
	struct bytes payload;

	while (bytes_len(b) > 0) {
		g = take_head(&b, side, &f);
		if (g != PROTO_YES)
			return g;
		c->counts += shapes[f.type].counts;
		c->telling |= f.type != HTTP2_DATA;
		if (is_enough(c) || !take_bytes(&b, f.len, &payload))
			return PROTO_MAYBE;
		if (f.type != HTTP2_HEADERS)
			continue;
		if (!fits(&f, payload))
			return PROTO_NO;
		c->counts++;
		if (is_enough(c))
			return PROTO_MAYBE;
	}
	return PROTO_MAYBE;
}

enum proto_guess http2_recognise_middle(const struct proto_opening *o)
{
	bool heard = bytes_len(o->said[PROTO_CLIENT]) > 0;
	struct chain c = { 0 };
	enum proto_guess client, server;

	client = count(o->said[PROTO_CLIENT], PROTO_CLIENT, &c);
	server = count(o->said[PROTO_SERVER], PROTO_SERVER, &c);
	if (is_enough(&c))
		return PROTO_YES;
	return client == PROTO_NO || (server == PROTO_NO && !heard)
		       ? PROTO_NO
		       : PROTO_MAYBE;
}

enum proto_guess http2_is_frame(struct bytes b, enum proto_side side)
{
	enum proto_guess g, first = PROTO_MAYBE;
	struct http2_frame f;
	struct bytes payload;

	while (bytes_len(b) > 0) {
		g = take_head(&b, side, &f);
		if (g == PROTO_NO)
			return g;
		if (g == PROTO_MAYBE)
			return first;
		first = PROTO_YES;
		if (!take_bytes(&b, f.len, &payload))
			return first;
		if (f.type == HTTP2_HEADERS && !fits(&f, payload))
			return PROTO_NO;
	}
	return first;
}

bool http2_is_message(struct bytes data, uint32_t len)
{
	uint32_t message;
	uint8_t packed;

	return take_u8(&data, &packed) && take_be32(&data, &message) &&
	       packed <= 1 && len >= HTTP2_MESSAGE_HEAD &&
	       message == len - HTTP2_MESSAGE_HEAD;
}

bool http2_is_message_ahead(struct bytes b, uint32_t stream)
{
	struct http2_frame f;

	return http2_take_head(&b, &f) && f.type == HTTP2_DATA &&
	       f.stream == stream && !(f.flags & HTTP2_PADDED) &&
	       http2_is_message(b, f.len);
}
