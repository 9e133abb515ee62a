/*
 * Theory. The head says how long the body is:
 *
 *   request     chunked, or a length, or nothing
 *   answer      none if it answers HEAD, or is 1xx, 204, 304; else chunked, or a
 *               length, or all until the connection ends
 *
 * So an answer must be read with its request: which of the requests that have
 * no answer yet were HEAD, CONNECT, of HTTP/0.9 or for another protocol is kept in
 * four words, a bit for each, the oldest first. 101, and 2xx for a CONNECT, end
 * HTTP; a 101 that nobody has asked for is none to any client (noted, and lost).
 *
 * A body that nobody wants is passed over by its length; of chunks, their sizes
 * are looked at only.
 */
#include "proto/http1_own.h"

#include "proto/text.h"

static enum http_step note_and(struct http_reader *r, enum proto_note n,
			       enum http_step then)
{
	return http_note(r, n) ? then : STEP_STOP;
}

/* --- what comes behind the head --------------------------------------- */

static bool remember_request(struct http_reader *r)
{
	struct http1 *h = r->h;
	uint64_t bit;

	h->requests++;
	if (h->pending >= HTTP_PENDING_MAX) {
		h->pending++;
		return http_note_once(r, NOTE_LIMIT);
	}
	bit = (uint64_t)1 << h->pending++;
	h->heads |= r->s->is_head ? bit : 0;
	h->leaves |= r->s->is_connect ? bit : 0;
	h->olds |= r->s->old ? bit : 0;
	h->wishes |= r->s->framing.upgrade ? bit : 0;
	return true;
}

static void forget_request(struct http1 *h)
{
	if (h->pending == 0)
		return;
	h->pending--;
	h->heads >>= 1;
	h->leaves >>= 1;
	h->olds >>= 1;
	h->wishes >>= 1;
}

static enum http_step by_length(struct http_reader *r)
{
	r->s->left = r->s->framing.length;
	r->s->phase = HTTP_BODY;
	return r->s->left > 0 ? STEP_ON : http_end_message(r);
}

static enum http_step begin_request_body(struct http_reader *r)
{
	struct http_side *s = r->s;
	struct http_framing *f = &s->framing;
	bool odd = f->coded && (f->has_length || !f->chunked || s->before_11);

	if (odd && !http_note_once(r, NOTE_HTTP_SMUGGLING))
		return STEP_STOP;
	if (!remember_request(r) || !r->sink->asked(r->sink->arg))
		return STEP_STOP;
	if (f->lost)
		return STEP_LOST;
	if (s->old) {
		if (http_end_message(r) == STEP_STOP)
			return STEP_STOP;
		s->phase = HTTP_AFTER_OLD;
		return STEP_ON;
	}
	if (f->chunked) {
		s->phase = HTTP_CHUNK_SIZE;
		s->left = 0;
		return STEP_ON;
	}
	return f->has_length ? by_length(r) : http_end_message(r);
}

/* Else what the client says next is the rest of its request. */
static bool request_is_over(const struct http1 *h)
{
	uint8_t phase = h->side[PROTO_CLIENT].phase;

	return phase == HTTP_START || phase == HTTP_SEARCH;
}

/* The connection is another protocol's from here on. */
static enum http_step leave_http(struct http_reader *r)
{
	struct http_framing *f = &r->s->framing;
	uint32_t app = f->websocket ? APP_WEBSOCKET : APP_HTTP2;
	bool to_http2 = r->s->status == 101 && f->http2 && !f->websocket;

	if (http_end_message(r) == STEP_STOP)
		return STEP_STOP;
	if (r->s->status == 101 && r->h->pending > 0 && !(r->h->wishes & 1))
		return note_and(r, NOTE_MALFORMED, STEP_LOST);
	if (r->s->status == 101 && (f->websocket || f->http2) &&
	    !r->sink->known(r->sink->arg, app))
		return STEP_STOP;
	if (!to_http2)
		return STEP_DONE;
	if (!request_is_over(r->h)) /* RFC 7540 3.2: it has to be */
		return http_note_once(r, NOTE_HTTP_SMUGGLING) ? STEP_LOST
							      : STEP_STOP;
	return STEP_HTTP2;
}

static enum http_step begin_answer_body(struct http_reader *r)
{
	struct http_side *s = r->s;
	struct http_framing *f = &s->framing;
	bool head = r->h->heads & 1, connect = r->h->leaves & 1;
	bool interim = s->status >= 100 && s->status < 200;

	if (s->status == 101 ||
	    (connect && s->status >= 200 && s->status < 300))
		return leave_http(r);
	if (!interim)
		forget_request(r->h);
	if (f->coded && f->has_length &&
	    !http_note_once(r, NOTE_HTTP_SMUGGLING))
		return STEP_STOP;
	if (head || interim || s->status == 204 || s->status == 304)
		return http_end_message(r);
	if (f->lost)
		return STEP_LOST;
	if (f->chunked) {
		s->phase = HTTP_CHUNK_SIZE;
		s->left = 0;
		return STEP_ON;
	}
	if (f->has_length && !f->coded)
		return by_length(r);
	s->phase = HTTP_BODY_TO_END;
	return STEP_ON;
}

enum http_step http_begin_body(struct http_reader *r)
{
	if (r->side == PROTO_CLIENT)
		return begin_request_body(r);
	return begin_answer_body(r);
}

/* --- what is told of it ----------------------------------------------- */

static enum proto_field body_of(enum proto_side side)
{
	return side == PROTO_CLIENT ? FIELD_HTTP_REQUEST_BODY
				    : FIELD_HTTP_RESPONSE_BODY;
}

static bool tell_piece(struct http_reader *r, struct bytes b, bool end)
{
	struct proto_piece p = { .bytes = b,
				 .field = (uint8_t)body_of(r->side),
				 .side = (uint8_t)r->side,
				 .begin = !r->s->open_body,
				 .end = end };

	if (!proto_wanted(r->sink, body_of(r->side)))
		return true;
	r->s->open_body = !end;
	return r->sink->piece(r->sink->arg, &p);
}

/* --- codings ---------------------------------------------------------- */

static bool body_piece(void *arg, struct bytes b)
{
	return tell_piece(arg, b, false);
}

static bool body_note(void *arg, enum proto_note n)
{
	return http_note(arg, n);
}

/* Told as it is, and nothing of it is to come: many are of one piece. */
static bool is_rest(const struct http_reader *r)
{
	const struct http_side *s = r->s;

	return s->phase == HTTP_BODY && s->left == 0 &&
	       s->framing.n_codings == 0 && !s->framing.bad_coding &&
	       s->unpacker.unpacking != HTTP_UNPACK_SKIP;
}

/* A part of the body, behind its transfer coding. */
static bool tell_body(struct http_reader *r, struct bytes b)
{
	struct http_framing *f = &r->s->framing;
	struct http_body body = {
		.u = &r->s->unpacker,
		.w = r->w,
		.codings = f->codings,
		.n_codings = f->n_codings,
		.bad_coding = f->bad_coding,
		.tell = body_piece,
		.note = body_note,
		.arg = r,
	};

	if (proto_wanted(r->sink, body_of(r->side)))
		return is_rest(r) ? tell_piece(r, b, true)
				  : http_unpack_piece(&body, b);
	http_unpack_skip(&r->s->unpacker, r->w);
	return true;
}

static bool end_body(struct http_reader *r)
{
	struct bytes none = { NULL, NULL };
	bool go_on = !r->s->open_body || tell_piece(r, none, true);

	r->s->open_body = false; /* also where nobody listens any more */
	return go_on;
}

enum http_step http_end_message(struct http_reader *r)
{
	http_unpack_end(&r->s->unpacker, r->w);
	if (!end_body(r))
		return STEP_STOP;
	r->s->phase = HTTP_START;
	return r->sink->ended(r->sink->arg, r->side) ? STEP_ON : STEP_STOP;
}

/* Up to `left` of what is there; what is behind it stays. */
static bool read_left(struct http_reader *r)
{
	struct bytes part = r->rest;

	if (bytes_len(part) > r->s->left)
		part.end = part.begin + r->s->left;
	r->s->left -= bytes_len(part);
	r->s->body_begun = true;
	r->rest.begin = part.end;
	return tell_body(r, part);
}

/* --- chunks ----------------------------------------------------------- */

/*
 * Digits, and what is behind them up to '\n', which is nothing to us: blanks and
 * extensions (";name=value"). What is not, "0x5" or "5_0" or "+5", is a number
 * to some servers only.
 */
static enum http_step read_size(struct http_reader *r)
{
	struct http_side *s = r->s;
	int digit = 0;

	s->body_begun = true;
	while (bytes_len(r->rest) > 0 &&
	       (digit = text_hex(*r->rest.begin)) >= 0) {
		if (s->left >> 27) /* 2 GiB, as the reference has it */
			return note_and(r, NOTE_HTTP_LENGTH_NEGATIVE,
					STEP_LOST);
		s->left = s->left << 4 | (unsigned)digit;
		s->has_digits = true;
		r->rest.begin++;
	}
	if (bytes_len(r->rest) == 0)
		return STEP_ON;
	switch (*r->rest.begin) {
	case ' ':
	case '\t':
	case ';':
	case '\r':
	case '\n': break;
	case '-': return note_and(r, NOTE_HTTP_LENGTH_NEGATIVE, STEP_LOST);
	default:
		return http_note_once(r, NOTE_HTTP_SMUGGLING) ? STEP_LOST
							      : STEP_STOP;
	}
	/* a blank before the digits, or no digit at all */
	if (!s->has_digits)
		return http_note_once(r, NOTE_HTTP_SMUGGLING) ? STEP_LOST
							      : STEP_STOP;
	s->phase = HTTP_CHUNK_REST;
	return STEP_ON;
}

static void begin_chunk(struct http_side *s)
{
	s->phase = s->left ? HTTP_CHUNK : HTTP_TRAILERS;
	s->has_digits = s->chunk_cr = false;
	s->headers = 0;
	s->head_bytes = 0;
}

static enum http_step read_size_rest(struct http_reader *r)
{
	/* what some servers take for the line's end */
	bool lone_cr = r->s->chunk_cr && *r->rest.begin != '\n';
	struct bytes line;
	bool end;

	end = text_take_until(&r->rest, '\n', &line);
	if (!end) {
		line = r->rest;
		r->rest.begin = r->rest.end;
	}
	r->s->chunk_cr = bytes_len(line) > 0 && line.end[-1] == '\r';
	line.end -= r->s->chunk_cr;
	if (bytes_len(line) > 0)
		lone_cr |= memchr(line.begin, '\r', bytes_len(line)) != NULL;
	if (lone_cr && !http_note_once(r, NOTE_HTTP_SMUGGLING))
		return STEP_STOP;
	if (!end)
		return STEP_ON;
	begin_chunk(r->s);
	return r->s->left == 0 && !end_body(r) ? STEP_STOP : STEP_ON;
}

/* "\r\n" or "\n". */
static enum http_step read_chunk_end(struct http_reader *r)
{
	uint8_t c = *r->rest.begin++;

	if (c == '\r' && !r->s->chunk_cr) {
		r->s->chunk_cr = true;
		return STEP_ON;
	}
	r->s->chunk_cr = false;
	r->s->phase = HTTP_CHUNK_SIZE;
	if (c == '\n')
		return STEP_ON;
	return http_note_once(r, NOTE_HTTP_SMUGGLING) ? STEP_LOST : STEP_STOP;
}

enum http_step http_read_body(struct http_reader *r)
{
	struct http_side *s = r->s;

	switch ((enum http_phase)s->phase) {
	case HTTP_BODY:
		if (!read_left(r))
			return STEP_STOP;
		return s->left > 0 ? STEP_ON : http_end_message(r);
	case HTTP_CHUNK_SIZE: return read_size(r);
	case HTTP_CHUNK_REST: return read_size_rest(r);
	case HTTP_CHUNK:
		if (!read_left(r))
			return STEP_STOP;
		if (s->left == 0)
			s->phase = HTTP_CHUNK_END;
		return STEP_ON;
	case HTTP_CHUNK_END: return read_chunk_end(r);
	case HTTP_AFTER_OLD:
		if (!http_note_once(r, NOTE_MALFORMED))
			return STEP_STOP;
		break;
	default: break;
	}
	s->left = UINT64_MAX; /* to the end */
	return read_left(r) ? STEP_ON : STEP_STOP;
}
