/*
 * Theory. A header block is the fields of a request, of an answer or of what
 * stands behind a body, packed (hpack.c). Unpacked it is a list in the worker's
 * scratch, of which first the pseudo-fields are looked up, and then all is told,
 * in one call:
 *
 *   client  new stream    http.method, .uri.raw, .uri, .path, .protocol, .host, what
 *                         single fields mean, http.header, grpc.*; asked
 *   client  known stream  http.header (trailers)
 *   server  :status       http.stat_code, ..., http.header
 *   server  without it    http.header (trailers)
 *
 * http2_look.c says what a head has, http2_tell.c tells it.
 */
#include "proto/http2_own.h"

#include "proto/text.h"

/* --- the block --------------------------------------------------------- */

struct block {
	struct bytes part[1 + HTTP2_CONTINUATIONS_MAX];
	unsigned n;
	struct bytes rest; /* behind its last frame */
};

enum found_block {
	FOUND_ALL,
	FOUND_PART,
	FOUND_LONG,
	FOUND_ODD, /* not what may be there */
};

bool http2_bare(const struct http2_frame *f, struct bytes *payload)
{
	uint8_t padding = 0;

	if (f->flags & HTTP2_PADDED && !take_u8(payload, &padding))
		return false;
	/* weight and what it depends on, or the stream that is promised */
	if (f->type == HTTP2_HEADERS && f->flags & HTTP2_PRIORITIZED &&
	    !take_skip(payload, 5))
		return false;
	if (f->type == HTTP2_PUSH_PROMISE && !take_skip(payload, 4))
		return false;
	if (padding > bytes_len(*payload))
		return false;
	payload->end -= padding;
	return true;
}

static enum found_block find_block(struct bytes rest, struct block *ret)
{
	size_t all = bytes_len(rest);
	struct http2_frame f, first = { 0 };
	struct bytes payload;

	for (ret->n = 0; ret->n < 1 + HTTP2_CONTINUATIONS_MAX; ret->n++) {
		if (!http2_take_head(&rest, &f))
			return FOUND_PART;
		if (ret->n == 0)
			first = f;
		else if (f.type != HTTP2_CONTINUATION ||
			 f.stream != first.stream)
			return FOUND_ODD;
		if (all - bytes_len(rest) + f.len > HTTP2_BLOCK_MAX)
			return FOUND_LONG;
		if (!take_bytes(&rest, f.len, &payload))
			return FOUND_PART;
		if (ret->n == 0 && !http2_bare(&f, &payload))
			return FOUND_ODD;
		ret->part[ret->n] = payload;
		ret->rest = rest;
		if (f.flags & HTTP2_END_HEADERS) {
			ret->n++;
			return FOUND_ALL;
		}
	}
	return FOUND_LONG;
}

static enum http2_step lose(struct http2_reader *r, enum proto_note n)
{
	return http2_note(r, n) ? HTTP2_LOSE : HTTP2_STOP;
}

/* All of it in one piece: that, or a copy behind the list in the scratch. */
static struct bytes join(struct http2_reader *r, const struct block *b,
			 struct outbytes *list)
{
	struct outbytes o = outbytes_of(r->w->scratch + sizeof r->w->scratch -
						HTTP2_BLOCK_MAX,
					HTTP2_BLOCK_MAX);

	if (b->n == 1)
		return b->part[0];
	list->end = o.begin;
	for (unsigned i = 0; i < b->n; i++)
		put_copy(&o, b->part[i].begin, bytes_len(b->part[i]));
	return bytes_of(o.begin, outbytes_len(&o));
}

/* *list: in the worker's scratch. */
static enum http2_step decode(struct http2_reader *r, const struct block *b,
			      struct outbytes *list, bool *unknown)
{
	enum hpack_outcome outcome = HPACK_ON;

	*unknown = false;
	if (!r->s->hpack)
		r->s->hpack = hpack_begin(r->w->hpack);
	if (!r->s->hpack)
		return lose(r, NOTE_LIMIT);
	if (r->s->late)
		outcome = hpack_late(r->w->hpack, r->s->hpack, join(r, b, list),
				     list, unknown);
	for (unsigned i = 0; !r->s->late && i < b->n && outcome == HPACK_ON;
	     i++)
		outcome = hpack_some(r->w->hpack, r->s->hpack, b->part[i],
				     i + 1 == b->n, list);
	if (outcome != HPACK_ON)
		return lose(r, NOTE_HTTP2_HPACK);
	if ((list->full && !http2_note(r, NOTE_HTTP2_HPACK)) ||
	    (*unknown && !http2_note_once(r, NOTE_HTTP2_MIDDLE)))
		return HTTP2_STOP;
	return HTTP2_ON;
}

/* --- what comes behind it ------------------------------------------------- */

static bool begin_body(struct http2_reader *r, uint32_t stream,
		       const struct http2_head *h)
{
	struct http2_body *b;

	if (!http2_begin_body(r, stream, &b))
		return false;
	if (!b)
		return true;
	b->grpc = h->grpc;
	b->n_codings = h->n_codings;
	memcpy(b->codings, h->codings, sizeof b->codings);
	b->bad_coding = h->bad_coding;
	b->awaited = true;
	if (r->side == PROTO_SERVER)
		return true; /* an answer of HEAD names another's length */
	b->has_length = h->has_length;
	b->length = h->length;
	/* told again, it would not be known that there is more of it */
	if (!h->unknown &&
	    proto_wanted(r->sink, h->grpc ? FIELD_GRPC_MESSAGE
					  : FIELD_HTTP_REQUEST_BODY))
		http2_keep(r->h, stream, h->list);
	return true;
}

static bool request(struct http2_reader *r, const struct http2_frame *f,
		    const struct http2_head *h)
{
	bool over = f->flags & HTTP2_END_STREAM;

	r->h->requests++;
	if (!http2_telling(r, f->stream, true) ||
	    (h->smuggling && !http2_note_once(r, NOTE_HTTP_SMUGGLING)) ||
	    !http2_tell_request(r, h))
		return false;
	if (over && h->length > 0 && !http2_note_once(r, NOTE_HTTP_SMUGGLING))
		return false;
	return over || begin_body(r, f->stream, h);
}

static bool answer(struct http2_reader *r, const struct http2_frame *f,
		   const struct http2_head *h)
{
	struct bytes status = h->pseudo[HTTP2_STATUS];
	uint64_t code = 0;

	if (!http2_telling(r, f->stream, true))
		return false;
	if ((h->malformed || bytes_len(status) != 3 ||
	     !text_number(status, 999, &code)) &&
	    !h->unknown && !http2_note_once(r, NOTE_MALFORMED))
		return false;
	if (status.begin &&
	    !proto_tell(r->sink, r->side, FIELD_HTTP_STAT_CODE, status))
		return false;
	if (!http2_tell_fields(r, h))
		return false;
	if (code >= 100 && code < 200) /* the answer is still to come */
		return http2_told(r);
	http2_answered(r->h, f->stream);
	return f->flags & HTTP2_END_STREAM || begin_body(r, f->stream, h);
}

/* Behind a body. */
static bool trailers(struct http2_reader *r, const struct http2_frame *f,
		     const struct http2_head *h)
{
	if ((h->malformed || !(f->flags & HTTP2_END_STREAM)) && !h->unknown &&
	    !http2_note_once(r, NOTE_MALFORMED))
		return false;
	if (!proto_wanted(r->sink, FIELD_HTTP_HEADER))
		return true;
	return http2_telling(r, f->stream, false) && http2_tell_lines(r, h);
}

/* Is it the head of a message? What is not known of it may say so. */
static bool begins_message(const struct http2_reader *r,
			   const struct http2_frame *f,
			   const struct http2_head *h)
{
	bool over = f->flags & HTTP2_END_STREAM;

	if (r->side == PROTO_SERVER)
		return h->pseudo[HTTP2_STATUS].begin || (h->unknown && !over);
	if (h->has_pseudo || h->unknown)
		return true;
	return f->stream > r->h->last_stream && !r->s->late;
}

static bool tell_head(struct http2_reader *r, const struct http2_frame *f,
		      const struct http2_head *h)
{
	if (!begins_message(r, f, h))
		return trailers(r, f, h);
	return r->side == PROTO_SERVER ? answer(r, f, h) : request(r, f, h);
}

enum http2_step http2_read_head(struct http2_reader *r,
				const struct http2_frame *f)
{
	bool promise = f->type == HTTP2_PUSH_PROMISE;
	struct outbytes list = outbytes_of(r->w->scratch, sizeof r->w->scratch);
	enum http2_step step;
	struct block b;
	struct http2_head h;
	bool unknown;

	/* streams of even numbers are the server's */
	if (f->stream == 0 ||
	    (r->side == PROTO_CLIENT && (promise || f->stream % 2 == 0)))
		return http2_broken(r);
	switch (find_block(r->rest, &b)) {
	case FOUND_PART: return HTTP2_WAIT;
	case FOUND_LONG: return lose(r, NOTE_HTTP2_HEAD);
	case FOUND_ODD: return http2_broken(r);
	case FOUND_ALL: break;
	}
	step = decode(r, &b, &list, &unknown);
	if (step != HTTP2_ON)
		return step;
	r->rest = b.rest;
	r->s->idle = 0;
	if (promise) /* what the client would ask, it does not ask now */
		return HTTP2_ON;
	http2_look_at(bytes_of(list.begin, outbytes_len(&list)), &h);
	h.unknown = unknown;
	h.grpc |= unknown && !h.has_type &&
		  http2_is_message_ahead(r->rest, f->stream);
	h.odd |= list.full;
	h.malformed |= list.full;
	if (!tell_head(r, f, &h))
		return HTTP2_STOP;
	if (r->side == PROTO_CLIENT && f->stream > r->h->last_stream)
		r->h->last_stream = f->stream;
	if (!(f->flags & HTTP2_END_STREAM))
		return HTTP2_ON;
	return http2_end_stream(r, f->stream) ? HTTP2_ON : HTTP2_STOP;
}
