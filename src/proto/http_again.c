/*
 * Theory. What headers mean follows from their bytes alone, if
 *
 *   - all of them are there, from behind the first line to the empty one, so
 *     that they are read in one go (of an answer the first line, too: of it there
 *     are few, while requests differ in theirs),
 *   - they are a head's first headers, not its trailers,
 *   - nothing is noted about them (http_note() and what calls it ends the record,
 *     whether or not the sink has heard that note before in this message),
 *   - they show no software that the connection has not told of yet: `known` is
 *     what had been told when they were kept, and must have been told now.
 *
 * What they mean is then: fields in their order, as pieces; how the body is
 * framed; how many headers there are. That is kept with the bytes, and told when
 * the same bytes come again: all of them are compared, so nobody can make one head
 * pass for another. What is behind the empty line is not looked at.
 *
 * The place is the one of the message before on this connection, or found by a hash
 * of both ends of the head. What comes once is not worth the trouble:
 * `seen` is the hash of what came by last, and is written down when it comes again.
 */
#include "proto/http_again.h"

#include <endian.h>
#include <stdlib.h>

#include "base/byte_row.h"

_Static_assert(HTTP_AGAIN_PLACES == UINT8_MAX + 1, "struct http_side: again");
_Static_assert(HTTP_AGAIN_BYTES < HTTP_LINE_MAX, "no line is too long");

/* Shorter heads are read as quickly. */
#define SHORTEST 16

/* A piece: where in the place's bytes, which have what was written anew behind. */
struct told {
	uint16_t at, len;
	uint8_t field;
	bool begin, end;
};

struct place {
	uint64_t seen;	 /* of the head that came by last */
	uint64_t serial; /* of what is kept: told again as piece.same */
	uint64_t known;	 /* struct http1 */
	struct http_framing framing;
	uint16_t len;  /* of the head; 0: none is kept */
	uint16_t used; /* of bytes */
	uint16_t headers, status;
	uint8_t side, n;
	bool has_host, before_11;
	bool open; /* http.header is, while written down */
	struct told told[HTTP_AGAIN_FIELDS];
	uint8_t bytes[HTTP_AGAIN_BYTES];
};

struct http_again {
	struct place places[HTTP_AGAIN_PLACES];
	uint64_t serials; /* given so far */
	/* What is being written down, and where its headers lie. */
	struct place *open;
	struct bytes head;
};

struct http_again *http_again_new(void)
{
	return calloc(1, sizeof(struct http_again));
}

void http_again_free(struct http_again *a)
{
	free(a);
}

uint64_t http_again_given(const struct http_again *a)
{
	return a->serials;
}

void http_again_go_on(struct http_again *a, uint64_t given)
{
	a->serials = given;
}

/* Behind the first "\n\r\n" in b; NULL: there is none that is near. */
static const uint8_t *end_of_head(struct bytes b)
{
	const uint8_t *p = b.begin;
	size_t len = bytes_len(b);
	uint64_t half[2];

	if (len > HTTP_AGAIN_BYTES)
		len = HTTP_AGAIN_BYTES;
	for (; len >= BYTE_ROW + 2; p += BYTE_ROW, len -= BYTE_ROW) {
		byte_row found = byte_row_is(byte_row_of(p), '\n') &
				 byte_row_is(byte_row_of(p + 2), '\n');

		memcpy(half, &found, sizeof half);
		if (half[0])
			p += __builtin_ctzll(le64toh(half[0])) / 8;
		else if (half[1])
			p += 8 + __builtin_ctzll(le64toh(half[1])) / 8;
		else
			continue;
		return p[1] == '\r' ? p + 3 : NULL;
	}
	for (; len >= 3; p++, len--)
		if (p[0] == '\n' && p[2] == '\n')
			return p[1] == '\r' ? p + 3 : NULL;
	return NULL;
}

static uint64_t mix(uint64_t h, const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof word);
	h = (h ^ word) * 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

static uint64_t hash_of(struct bytes head, enum proto_side side)
{
	size_t len = bytes_len(head), n = len < 64 ? len / 2 : 32;
	uint64_t h = (2 * len + side) * 0xd6e8feb86659fd93;

	for (size_t i = 0; i + 8 <= n; i += 8) {
		h = mix(h, head.begin + i);
		h = mix(h, head.end - 8 - i);
	}
	return h;
}

/* Does what is there begin with that place's head? */
static bool is_in(const struct place *p, const struct http_reader *r)
{
	return p->len > 0 && p->len <= bytes_len(r->rest) &&
	       p->side == r->side && !(p->known & ~r->h->known) &&
	       memcmp(p->bytes, r->rest.begin, p->len) == 0;
}

static enum http_known tell(struct http_reader *r, const struct place *p)
{
	struct http_side *s = r->s;

	if (r->side == PROTO_SERVER) {
		http_begin_message(s);
		s->status = p->status;
		s->before_11 = p->before_11;
	}
	s->framing = p->framing;
	s->headers = p->headers;
	s->has_host = p->has_host;
	s->head_bytes += p->len;
	r->rest.begin += p->len;
	for (unsigned i = 0; i < p->n; i++) {
		const struct told *t = &p->told[i];
		struct proto_piece piece = {
			.bytes = bytes_of(p->bytes + t->at, t->len),
			.field = t->field,
			.side = (uint8_t)r->side,
			.begin = t->begin,
			.end = t->end,
			.same = t->begin && t->end
					? p->serial * HTTP_AGAIN_FIELDS + i
					: 0,
		};

		if (proto_wanted(r->sink, (enum proto_field)t->field) &&
		    !r->sink->piece(r->sink->arg, &piece))
			return HTTP_HEAD_STOP;
	}
	return HTTP_HEAD_TOLD;
}

static void begin_record(struct http_reader *r, struct place *p,
			 struct bytes head)
{
	struct http_again *a = r->w->again;

	p->len = 0;
	p->n = 0;
	p->open = false;
	p->side = (uint8_t)r->side;
	p->known = r->h->known;
	p->used = (uint16_t)bytes_len(head);
	memcpy(p->bytes, head.begin, p->used);
	a->open = p;
	a->head = head;
	r->record = true;
}

static struct place *place_of(struct http_reader *r, struct bytes head,
			      uint64_t *ret_hash)
{
	struct http_again *a = r->w->again;

	*ret_hash = hash_of(head, r->side);
	return &a->places[*ret_hash >> 32 & (HTTP_AGAIN_PLACES - 1)];
}

enum http_known http_again_tell(struct http_reader *r)
{
	struct http_again *a = r->w->again;
	struct place *p = &a->places[r->s->again];
	struct bytes head = r->rest;
	uint64_t hash;

	if (r->side == PROTO_CLIENT &&
	    r->s->head_bytes > HTTP_HEAD_BYTES_MAX - HTTP_AGAIN_BYTES)
		return HTTP_HEAD_NEW;
	if (is_in(p, r))
		return tell(r, p);
	head.end = end_of_head(head);
	if (!head.end || bytes_len(head) < SHORTEST)
		return HTTP_HEAD_NEW;
	p = place_of(r, head, &hash);
	r->s->again = (uint8_t)(p - a->places);
	if (is_in(p, r))
		return tell(r, p);
	if (p->seen == hash)
		begin_record(r, p, head);
	p->seen = hash;
	return HTTP_HEAD_NEW;
}

/* Where the bytes are in the place's; false: there is no room for them. */
static bool place_bytes(struct http_again *a, struct bytes b, uint16_t *ret)
{
	struct place *p = a->open;
	size_t len = bytes_len(b);

	if (b.begin >= a->head.begin && b.end <= a->head.end) {
		*ret = (uint16_t)(b.begin - a->head.begin);
		return true;
	}
	if (len > sizeof p->bytes - p->used)
		return false;
	*ret = p->used;
	if (len > 0)
		memcpy(p->bytes + p->used, b.begin, len);
	p->used = (uint16_t)(p->used + len);
	return true;
}

void http_again_note(struct http_reader *r, const struct proto_piece *p)
{
	struct http_again *a = r->w->again;
	struct place *to = a->open;
	struct told *t;

	r->record = !p->cut && to->n < HTTP_AGAIN_FIELDS;
	if (!r->record)
		return;
	t = &to->told[to->n++];
	*t = (struct told){ .len = (uint16_t)bytes_len(p->bytes),
			    .field = p->field,
			    .begin = p->begin,
			    .end = p->end };
	if (p->field == FIELD_HTTP_HEADER) {
		/* the reader's own is not kept up when nobody listens */
		t->begin = !to->open;
		to->open = !p->end;
	}
	r->record = place_bytes(a, p->bytes, &t->at);
}

void http_again_keep(struct http_reader *r, const uint8_t *end)
{
	struct http_again *a = r->w->again;
	struct place *p = a->open;

	if (p->open || r->h->known != p->known || end != a->head.end)
		return;
	p->serial = ++a->serials;
	p->framing = r->s->framing;
	p->headers = r->s->headers;
	p->status = r->s->status;
	p->before_11 = r->s->before_11;
	p->has_host = r->s->has_host;
	p->len = (uint16_t)bytes_len(a->head);
}
