/*
 * Theory. Bodies of several streams may come in turn, in frames, while a sink
 * hears of one request of a side at a time. So when DATA of another stream comes
 * than that whose fields are being told, that one is `ended`, and what follows
 * is the other's:
 *
 *   HEADERS 1     fields of 1, asked
 *   HEADERS 3     ended; fields of 3, asked
 *   DATA 1        ended; fields of 1 once more, asked, its body
 *   DATA 1        its body
 *   DATA 3        ended; fields of 3 once more, ...
 *
 * For that a request's head is kept while its body comes. To tell it again is
 * paid with bytes of that body, but for the first time, so frames of one byte in
 * turn cost no more than others. What comes without its head is still a body.
 *
 * A body whose place there is none for is told as it was sent.
 */
#include "proto/http2_own.h"

/* --- whose fields are told -------------------------------------------- */

/* The field in pieces that is open is over. */
static bool close_field(struct http2_reader *r)
{
	struct http2_side *s = r->s;
	struct proto_piece p = { .field = (uint8_t)(s->open - 1),
				 .side = (uint8_t)r->side,
				 .end = true };

	if (!s->open)
		return true;
	s->open = 0;
	return !proto_wanted(r->sink, (enum proto_field)p.field) ||
	       r->sink->piece(r->sink->arg, &p);
}

bool http2_piece(struct http2_reader *r, enum proto_field f, struct bytes b,
		 bool end)
{
	struct http2_side *s = r->s;
	struct proto_piece p = { .bytes = b,
				 .field = (uint8_t)f,
				 .side = (uint8_t)r->side,
				 .end = end };

	if (!proto_wanted(r->sink, f))
		return true;
	if (s->open != f + 1 && !close_field(r))
		return false;
	p.begin = s->open != f + 1;
	s->open = (uint8_t)(end ? 0 : f + 1);
	return r->sink->piece(r->sink->arg, &p);
}

bool http2_told(struct http2_reader *r)
{
	if (r->s->telling == 0)
		return true;
	r->s->telling = 0;
	return close_field(r) && r->sink->ended(r->sink->arg, r->side);
}

bool http2_telling(struct http2_reader *r, uint32_t stream, bool anew)
{
	if (r->s->telling == stream && !anew)
		return true;
	if (!http2_told(r))
		return false;
	r->s->telling = stream;
	return true;
}

/* --- places ------------------------------------------------------------ */

static struct http2_body *find(struct http2_side *s, uint32_t stream)
{
	for (unsigned i = 0; i < s->n_bodies; i++)
		if (s->bodies[i].stream == stream)
			return &s->bodies[i];
	return NULL;
}

static struct http2_kept *find_kept(struct http2 *h, uint32_t stream)
{
	for (unsigned i = 0; i < HTTP2_KEPT_MAX; i++)
		if (h->kept[i].stream == stream)
			return &h->kept[i];
	return NULL;
}

void http2_keep(struct http2 *h, uint32_t stream, struct bytes list)
{
	struct http2_kept *k = find_kept(h, 0);

	if (!k || bytes_len(list) > sizeof k->list)
		return;
	k->stream = stream;
	k->len = k->credit = (uint32_t)bytes_len(list);
	(void)take_copy(&list, k->list, k->len);
}

bool http2_begin_body(struct http2_reader *r, uint32_t stream,
		      struct http2_body **ret)
{
	struct http2_side *s = r->s;

	*ret = NULL;
	if (find(s, stream))
		return true;
	if (s->n_bodies == HTTP2_BODIES_MAX)
		return http2_note_once(r, NOTE_HTTP2_STREAMS);
	*ret = &s->bodies[s->n_bodies++];
	**ret = (struct http2_body){ .stream = stream };
	return true;
}

static void forget(struct http2_reader *r, uint32_t stream)
{
	struct http2_side *s = r->s;
	struct http2_body *b = find(s, stream);
	struct http2_kept *k;

	if (b) {
		http_unpack_end(&b->unpacker, r->w);
		*b = s->bodies[--s->n_bodies];
	}
	k = r->side == PROTO_CLIENT ? find_kept(r->h, stream) : NULL;
	if (k)
		k->stream = 0;
}

void http2_answered(struct http2 *h, uint32_t stream)
{
	struct http2_body *b = find(&h->side[PROTO_CLIENT], stream);

	if (b)
		b->awaited = false;
}

uint32_t http2_awaited(const struct http2 *h)
{
	const struct http2_side *s = &h->side[PROTO_CLIENT];
	uint32_t first = 0;

	for (unsigned i = 0; i < s->n_bodies; i++)
		if (s->bodies[i].awaited &&
		    (first == 0 || s->bodies[i].stream < first))
			first = s->bodies[i].stream;
	return first;
}

void http2_end_bodies(struct http2_side *s, struct proto_worker *w)
{
	while (s->n_bodies > 0)
		http_unpack_end(&s->bodies[--s->n_bodies].unpacker, w);
}

bool http2_adopt_bodies(const struct http2_side *s, struct proto_worker *w)
{
	if (s->n_bodies > HTTP2_BODIES_MAX)
		return false;
	for (unsigned i = 0; i < s->n_bodies; i++)
		if (!http_unpack_adopt(&s->bodies[i].unpacker, w))
			return false;
	return true;
}

bool http2_end_stream(struct http2_reader *r, uint32_t stream)
{
	struct http2_body *b = find(r->s, stream);
	bool shorter = b && b->length > 0;

	forget(r, stream);
	if (shorter && !http2_note_once(r, NOTE_HTTP_SMUGGLING))
		return false;
	return r->s->telling != stream || http2_told(r);
}

bool http2_reset_stream(struct http2_reader *r, uint32_t stream)
{
	struct http2_reader each = *r;

	if (stream == 0)
		return true;
	for (unsigned side = 0; side < PROTO_SIDE__MAX; side++) {
		each.side = (enum proto_side)side;
		each.s = &r->h->side[side];
		forget(&each, stream);
		if (each.s->telling == stream && !http2_told(&each))
			return false;
	}
	return true;
}

/* --- what is in DATA --------------------------------------------------- */

static bool body_piece(void *arg, struct bytes b)
{
	struct http2_reader *r = arg;

	return http2_piece(r, r->field, b, false);
}

static bool body_note(void *arg, enum proto_note n)
{
	return http2_note(arg, n);
}

/* packed: by the codings that the head has named. */
static bool unpack(struct http2_reader *r, struct http2_body *b,
		   struct bytes part, bool packed)
{
	struct http_body body = {
		.u = &b->unpacker,
		.w = r->w,
		.codings = b->codings,
		.n_codings = packed ? b->n_codings : 0,
		.bad_coding = packed && b->bad_coding,
		.tell = body_piece,
		.note = body_note,
		.arg = r,
	};

	if (proto_wanted(r->sink, r->field))
		return http_unpack_piece(&body, part);
	http_unpack_skip(&b->unpacker, r->w);
	return true;
}

/*
 * gRPC (its "PROTOCOL-HTTP2"): a byte that says whether it is packed, a length in
 * four, and the message.
 */
static bool tell_messages(struct http2_reader *r, struct http2_body *b,
			  struct bytes rest)
{
	struct bytes part, none = { NULL, NULL }, length;

	while (bytes_len(rest) > 0) {
		if (b->ahead_len < sizeof b->ahead) {
			(void)take_u8(&rest, &b->ahead[b->ahead_len++]);
			length = bytes_of(b->ahead + 1, 4);
			if (b->ahead_len == sizeof b->ahead)
				(void)take_be32(&length, &b->message_left);
		}
		if (b->ahead_len < sizeof b->ahead)
			continue;
		part = rest;
		if (bytes_len(part) > b->message_left)
			part.end = part.begin + b->message_left;
		rest.begin = part.end;
		b->message_left -= (uint32_t)bytes_len(part);
		if (bytes_len(part) > 0 && !unpack(r, b, part, b->ahead[0] & 1))
			return false;
		if (b->message_left > 0)
			continue;
		http_unpack_end(&b->unpacker, r->w);
		b->unpacker = (struct http_unpacker){ 0 };
		b->ahead_len = 0;
		if (r->s->open == r->field + 1 &&
		    !http2_piece(r, r->field, none, true))
			return false;
	}
	return true;
}

/* Is it as long as its head said? */
static bool count(struct http2_reader *r, struct http2_body *b, size_t len)
{
	if (!b->has_length)
		return true;
	if (len <= b->length) {
		b->length -= len;
		return true;
	}
	b->has_length = false;
	b->length = 0;
	return http2_note_once(r, NOTE_HTTP_SMUGGLING);
}

/* Another stream's fields were told since: of a request its own first. */
static bool resume(struct http2_reader *r, uint32_t stream)
{
	struct http2_kept *k;

	if (r->s->telling == stream)
		return true;
	if (!http2_telling(r, stream, false))
		return false;
	if (r->side == PROTO_SERVER)
		return true;
	k = find_kept(r->h, stream);
	if (!k || k->credit < k->len)
		return http2_note_once(r, r->s->late ? NOTE_HTTP2_MIDDLE
						     : NOTE_HTTP2_STREAMS);
	k->credit -= k->len;
	return http2_tell_again(r, bytes_of(k->list, k->len));
}

void http2_pay(struct http2 *h, uint32_t stream, uint32_t len)
{
	struct http2_kept *k = find_kept(h, stream);

	if (k)
		k->credit = len > UINT32_MAX - k->credit ? UINT32_MAX
							 : k->credit + len;
}

static enum proto_field field_of(enum proto_side side,
				 const struct http2_body *b)
{
	if (b && b->grpc)
		return FIELD_GRPC_MESSAGE;
	return side == PROTO_CLIENT ? FIELD_HTTP_REQUEST_BODY
				    : FIELD_HTTP_RESPONSE_BODY;
}

bool http2_read_data(struct http2_reader *r)
{
	struct http2_side *s = r->s;
	struct http2_body *b = find(s, s->stream);
	struct bytes part = r->rest;

	if (bytes_len(part) > s->left)
		part.end = part.begin + s->left;
	r->rest.begin = part.end;
	s->left -= (uint32_t)bytes_len(part);
	if (b)
		b->awaited = false;
	if (b && !count(r, b, bytes_len(part)))
		return false;
	r->field = field_of(r->side, b);
	if (proto_wanted(r->sink, r->field) && !resume(r, s->stream))
		return false;
	if (!b)
		return http2_piece(r, r->field, part, false);
	return b->grpc ? tell_messages(r, b, part) : unpack(r, b, part, true);
}
