/*
 * Theory. Two codings at most, one around the other: what comes of the outer one
 * in the worker's place for it is the input of the inner one, piece by piece.
 * What a body grows to is bounded, in all and by what it was.
 */
#include "proto/http_unpack.h"

#include "proto/worker_own.h"

void http_unpack_end(struct http_unpacker *u, struct proto_worker *w)
{
	for (unsigned i = 0; i < HTTP_CODINGS_MAX; i++) {
		unpack_end(w->unpack, u->unpack[i]);
		u->unpack[i] = 0;
	}
}

bool http_unpack_adopt(const struct http_unpacker *u, struct proto_worker *w)
{
	for (unsigned i = 0; i < HTTP_CODINGS_MAX; i++)
		if (!unpack_adopt(w->unpack, u->unpack[i]))
			return false;
	return true;
}

void http_unpack_skip(struct http_unpacker *u, struct proto_worker *w)
{
	if (u->unpacking == HTTP_UNPACK_ON)
		http_unpack_end(u, w);
	u->unpacking = HTTP_UNPACK_SKIP;
}

/* What is left of the body is told as it is, or not. */
static bool stop(struct http_body *b, enum http_unpacking then,
		 enum proto_note n)
{
	http_unpack_end(b->u, b->w);
	b->u->unpacking = (uint8_t)then;
	return b->note(b->arg, n);
}

static bool begin(struct http_body *b)
{
	struct http_unpacker *u = b->u;

	u->unpacking = HTTP_UNPACK_NONE;
	if (b->bad_coding)
		return b->note(b->arg, NOTE_HTTP_CODING);
	for (unsigned i = 0; i < b->n_codings; i++) {
		uint8_t coding = b->codings[b->n_codings - 1 - i];

		u->unpack[i] =
			unpack_begin(b->w->unpack, (enum http_coding)coding);
		if (!u->unpack[i])
			return stop(b, HTTP_UNPACK_NONE, NOTE_LIMIT);
		u->unpacking = HTTP_UNPACK_ON;
	}
	return true;
}

/* Is it too much, of too little? */
static bool count(struct http_body *b, size_t len)
{
	struct http_unpacker *u = b->u;

	u->unpacked_bytes += len;
	if (u->unpacked_bytes > HTTP_UNPACKED_MAX)
		return stop(b, HTTP_UNPACK_SKIP, NOTE_LIMIT);
	if (u->unpacked_bytes > HTTP_GROWN_FREE &&
	    u->unpacked_bytes / HTTP_RATIO_MAX > u->packed_bytes)
		return stop(b, HTTP_UNPACK_SKIP, NOTE_HTTP_RATIO);
	return true;
}

/* Who is given what came of a coding; false: to be stopped. */
typedef bool unpacked_reader(struct http_body *b, struct bytes part);

static bool tell_unpacked(struct http_body *b, struct bytes part)
{
	return count(b, bytes_len(part)) && b->tell(b->arg, part);
}

/* A coding cannot go on; in: what it has not read. */
static bool give_up(struct http_body *b, unsigned level,
		    enum unpack_outcome outcome, struct bytes in)
{
	struct bytes held;

	if (outcome == UNPACK_OVER && bytes_len(in) == 0)
		return true;
	if (outcome == UNPACK_LARGE)
		return stop(b, HTTP_UNPACK_SKIP, NOTE_LIMIT);
	if (level > 0)
		return stop(b, HTTP_UNPACK_SKIP, NOTE_HTTP_CODING);
	/* whoever does not undo codings sees it so */
	held = unpack_held(b->w->unpack, b->u->unpack[level]);
	if (bytes_len(held) > 0 && !b->tell(b->arg, held))
		return false;
	return stop(b, HTTP_UNPACK_NONE, NOTE_HTTP_CODING) &&
	       b->tell(b->arg, in);
}

/* Undoes a coding of a piece; 0 is the outermost. */
static bool undo(struct http_body *b, unsigned level, struct bytes in,
		 unpacked_reader *next)
{
	struct http_unpacker *u = b->u;
	uint8_t *buf = b->w->unpacked[level];
	enum unpack_outcome outcome;
	struct outbytes out;
	size_t len;

	do {
		out = outbytes_of(buf, HTTP_UNPACKED_PIECE);
		outcome =
			unpack_some(b->w->unpack, u->unpack[level], &in, &out);
		len = outbytes_len(&out);
		if (len > 0 && !next(b, bytes_of(buf, len)))
			return false;
		if (u->unpacking != HTTP_UNPACK_ON)
			return true;
	} while (outcome == UNPACK_ON &&
		 (bytes_len(in) > 0 || len == HTTP_UNPACKED_PIECE));
	return outcome == UNPACK_ON || give_up(b, level, outcome, in);
}

static bool undo_inner(struct http_body *b, struct bytes part)
{
	return undo(b, 1, part, tell_unpacked);
}
_Static_assert(HTTP_CODINGS_MAX == 2, "an outer one, and an inner one");

bool http_unpack_piece(struct http_body *b, struct bytes in)
{
	if (b->u->unpacking == HTTP_UNPACK_NOT_YET && !begin(b))
		return false;
	b->u->packed_bytes += bytes_len(in);
	switch ((enum http_unpacking)b->u->unpacking) {
	case HTTP_UNPACK_ON:
		return undo(b, 0, in,
			    b->n_codings > 1 ? undo_inner : tell_unpacked);
	case HTTP_UNPACK_SKIP: return true;
	default: return b->tell(b->arg, in);
	}
}
