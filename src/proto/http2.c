/*
 * Theory. Each side is a sequence of frames:
 *
 *   +---------+------+-------+-----------+
 *   | length  | type | flags | stream    |  payload...
 *   | 3 bytes | 1    | 1     | 4         |
 *   +---------+------+-------+-----------+
 *
 *   BEGIN ──preface──▶ FRAME ──DATA──▶ IN_DATA ──▶ FRAME
 *     └──▶ SEARCH ───────┤
 *                        ├──HEADERS, PUSH_PROMISE, with CONTINUATIONs──▶ FRAME
 *                        └──any other──▶ PASS ──▶ FRAME
 *
 * A header block is left unread until it is there whole, with the frames that it
 * goes on in: nobody can act on it before it has the last byte, and all of its
 * fields are told in one call (http2_head.c). So requests that are sent at the
 * same time do not mix: of each the fields are told, `asked` is called, and only
 * then another one's. Bodies do mix (http2_body.c).
 *
 * What decides is the client's side. If it is not understood any more (HPACK has
 * lost its table, a head is too long), policy is asked once more, about a request
 * that is not known, and then nothing is read. The server's side alone may fail:
 * it is passed over then.
 *
 * Recognised by the client's preface, or, met in its middle, by its frames
 * (http2_middle.c). A side that is met so is read from the first segment on that
 * begins with a frame; of its heads what can be known is told, and of a request
 * that is not all that its path is not all: policy is asked about one that no
 * rule could mean (note "http2.middle"). What is skipped of a client until then
 * is asked about the same way. gRPC is known there by its messages, too.
 *
 * HTTP/1.1's "Upgrade: h2c" comes here, too (proto_result.next): the first answer
 * is then on stream 1, which nobody has begun here.
 */
#include "proto/http2.h"

#include "proto/http2_own.h"
#include "proto/text.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
#define PREFACE_LEN (sizeof preface - 1)

/* --- who speaks ------------------------------------------------------- */

bool http2_take_head(struct bytes *b, struct http2_frame *ret)
{
	uint8_t high;
	uint16_t low;

	if (!take_u8(b, &high) || !take_be16(b, &low) ||
	    !take_u8(b, &ret->type) || !take_u8(b, &ret->flags) ||
	    !take_be32(b, &ret->stream))
		return false;
	ret->len = (uint32_t)high << 16 | low;
	ret->stream &= INT32_MAX;
	return true;
}

/* A server may say its SETTINGS before it has heard anything. */
static enum proto_guess guess_server(struct bytes b)
{
	struct http2_frame f;

	if (!http2_take_head(&b, &f))
		return PROTO_MAYBE;
	return f.type == HTTP2_SETTINGS && f.stream == 0 && f.len % 6 == 0
		       ? PROTO_MAYBE
		       : PROTO_NO;
}

static enum proto_guess recognise_beginning(const struct proto_opening *o)
{
	if (bytes_len(o->said[PROTO_CLIENT]) > 0)
		return text_begins(o->said[PROTO_CLIENT], preface);
	return guess_server(o->said[PROTO_SERVER]);
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	enum proto_guess g = recognise_beginning(o);

	return g == PROTO_NO && o->midstream ? http2_recognise_middle(o) : g;
}

/* --- frames ----------------------------------------------------------- */

/* Met in its middle it may be our mistake. */
enum http2_step http2_broken(struct http2_reader *r)
{
	return r->s->late || http2_note_once(r, NOTE_MALFORMED) ? HTTP2_LOSE
								: HTTP2_STOP;
}

static enum http2_step begin(struct http2_reader *r)
{
	enum proto_guess g = r->side == PROTO_CLIENT
				     ? text_begins(r->rest, preface)
				     : PROTO_NO;

	r->s->late = g == PROTO_NO && r->midstream;
	if (r->s->late) {
		r->s->phase = HTTP2_SEARCH;
		return HTTP2_ON;
	}
	if (r->side == PROTO_CLIENT) {
		if (g == PROTO_NO)
			return http2_broken(r);
		if (!take_skip(&r->rest, PREFACE_LEN))
			return HTTP2_WAIT;
	}
	r->s->phase = HTTP2_FRAME;
	return HTTP2_ON;
}

/* rest: from the beginning of a segment on. */
static enum http2_step search(struct http2_reader *r)
{
	switch (http2_is_frame(r->rest, r->side)) {
	case PROTO_YES: r->s->phase = HTTP2_FRAME; return HTTP2_ON;
	case PROTO_MAYBE: return HTTP2_WAIT;
	case PROTO_NO: break;
	}
	r->rest.begin = r->rest.end;
	return r->side == PROTO_SERVER ||
			       (http2_note_once(r, NOTE_HTTP2_MIDDLE) &&
				http2_ask_unknown(r))
		       ? HTTP2_ON
		       : HTTP2_STOP;
}

static bool idle_frame(struct http2_reader *r)
{
	return ++r->s->idle <= HTTP2_IDLE_MAX ||
	       http2_note_once(r, NOTE_HTTP2_FLOOD);
}

static bool ping(struct http2_reader *r, const struct http2_frame *f)
{
	struct http2_side *other = &r->h->side[!r->side];

	if (f->flags & HTTP2_ACK) {
		other->pings -= other->pings > 0;
		return true;
	}
	return ++r->s->pings <= HTTP2_PINGS_MAX ||
	       http2_note_once(r, NOTE_HTTP2_FLOOD);
}

static bool reset(struct http2_reader *r, const struct http2_frame *f)
{
	struct http2 *h = r->h;

	h->resets += r->side == PROTO_CLIENT;
	if (h->resets > HTTP2_RESETS_FREE && h->resets > h->requests / 2 &&
	    !http2_note_once(r, NOTE_HTTP2_FLOOD))
		return false;
	return http2_reset_stream(r, f->stream);
}

/* Frames whose payload says nothing. */
static bool is_fine(struct http2_reader *r, const struct http2_frame *f)
{
	switch (f->type) {
	case HTTP2_RST_STREAM: return reset(r, f);
	case HTTP2_PING: return ping(r, f);
	case HTTP2_SETTINGS: return f->flags & HTTP2_ACK || idle_frame(r);
	case HTTP2_GOAWAY:
	case HTTP2_WINDOW_UPDATE: return true;
	default: return idle_frame(r);
	}
}

static void go_on_after(struct http2_side *s, uint32_t padding)
{
	s->left = padding;
	s->phase = padding ? HTTP2_PASS : HTTP2_FRAME;
}

static enum http2_step end_data(struct http2_reader *r)
{
	go_on_after(r->s, r->s->padding);
	if (!r->s->data_ends)
		return HTTP2_ON;
	return http2_end_stream(r, r->s->stream) ? HTTP2_ON : HTTP2_STOP;
}

/* Is it gRPC? Nobody has told what it is; see http2_middle.c. */
static enum http2_step look_for_grpc(struct http2_reader *r, struct bytes rest,
				     const struct http2_frame *f)
{
	if (!r->s->late || r->h->kind != HTTP2_KIND_NONE ||
	    f->flags & HTTP2_PADDED || f->len < HTTP2_MESSAGE_HEAD)
		return HTTP2_ON;
	if (bytes_len(rest) < HTTP2_MESSAGE_HEAD)
		return HTTP2_WAIT;
	return !http2_is_message(rest, f->len) || http2_tell_kind(r, true)
		       ? HTTP2_ON
		       : HTTP2_STOP;
}

/* rest: behind the head of a DATA frame. */
static enum http2_step begin_data(struct http2_reader *r, struct bytes rest,
				  const struct http2_frame *f)
{
	struct http2_side *s = r->s;
	uint32_t len = f->len;
	enum http2_step step;
	uint8_t padding = 0;

	if (f->stream == 0)
		return http2_broken(r);
	step = look_for_grpc(r, rest, f);
	if (step != HTTP2_ON)
		return step;
	if (f->flags & HTTP2_PADDED) {
		if (len == 0)
			return http2_broken(r);
		if (!take_u8(&rest, &padding))
			return HTTP2_WAIT;
		len--;
	}
	if (padding > len)
		return http2_broken(r);
	len -= padding;
	r->rest = rest;
	if (r->side == PROTO_CLIENT)
		http2_pay(r->h, f->stream, len);
	s->stream = f->stream;
	s->data_ends = f->flags & HTTP2_END_STREAM;
	s->left = len;
	s->padding = padding;
	s->phase = HTTP2_IN_DATA;
	if (len > 0 || s->data_ends)
		s->idle = 0;
	else if (!idle_frame(r))
		return HTTP2_STOP;
	return len > 0 ? HTTP2_ON : end_data(r);
}

static enum http2_step data(struct http2_reader *r)
{
	if (!http2_read_data(r))
		return HTTP2_STOP;
	return r->s->left > 0 ? HTTP2_ON : end_data(r);
}

static enum http2_step frame(struct http2_reader *r)
{
	struct bytes rest = r->rest;
	struct http2_frame f;

	if (!http2_take_head(&rest, &f))
		return HTTP2_WAIT;
	switch (f.type) {
	case HTTP2_DATA: return begin_data(r, rest, &f);
	case HTTP2_HEADERS:
	case HTTP2_PUSH_PROMISE: return http2_read_head(r, &f);
	case HTTP2_CONTINUATION: return http2_broken(r); /* of nothing */
	default: break;
	}
	if (!is_fine(r, &f))
		return HTTP2_STOP;
	r->rest = rest;
	go_on_after(r->s, f.len);
	return HTTP2_ON;
}

static enum http2_step pass(struct http2_reader *r)
{
	uint32_t left = r->s->left;

	if (left > bytes_len(r->rest))
		left = (uint32_t)bytes_len(r->rest);
	r->rest.begin += left;
	go_on_after(r->s, r->s->left - left);
	return HTTP2_ON;
}

static enum http2_step go_on(struct http2_reader *r)
{
	switch ((enum http2_phase)r->s->phase) {
	case HTTP2_BEGIN: return begin(r);
	case HTTP2_SEARCH: return search(r);
	case HTTP2_FRAME: return frame(r);
	case HTTP2_IN_DATA: return data(r);
	case HTTP2_PASS: return pass(r);
	case HTTP2_DEAF: break;
	}
	r->rest.begin = r->rest.end;
	return HTTP2_ON;
}

/* --- reading ---------------------------------------------------------- */

static enum proto_state lose(struct http2_reader *r, bool ask)
{
	r->rest.begin = r->rest.end;
	r->s->phase = HTTP2_DEAF;
	http2_end_bodies(r->s, r->w);
	if (!http2_told(r))
		return PROTO_STOPPED;
	if (r->side == PROTO_SERVER)
		return PROTO_READING;
	return ask && !http2_ask_unknown(r) ? PROTO_STOPPED : PROTO_LOST;
}

/* Of a side that is not understood yet, or not any more, nothing is lost. */
static bool may_be_missed(const struct http2_reader *r)
{
	switch ((enum http2_phase)r->s->phase) {
	case HTTP2_DEAF:
	case HTTP2_SEARCH: return true;
	case HTTP2_BEGIN: return r->midstream;
	default: return false;
	}
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	struct http2 *h = state;
	struct http2_reader r = {
		.h = h,
		.s = &h->side[c->side],
		.w = w,
		.sink = sink,
		.side = (enum proto_side)c->side,
		.midstream = c->midstream,
		.rest = c->bytes,
	};
	struct proto_result result = { .state = PROTO_READING };
	enum http2_step step = HTTP2_ON;

	if (c->gap_before && !may_be_missed(&r))
		result.state = lose(&r, false);
	while (step == HTTP2_ON && bytes_len(r.rest) > 0)
		step = go_on(&r);
	if (step == HTTP2_LOSE)
		result.state = lose(&r, true);
	if (step == HTTP2_STOP ||
	    (c->last && result.state == PROTO_READING && !http2_told(&r)))
		result.state = PROTO_STOPPED;
	result.consumed = bytes_len(c->bytes) - bytes_len(r.rest);
	r.s->begun = bytes_len(r.rest) > 0;
	return result;
}

/*
 * Of bodies that were begun meanwhile one is waited for when those before it have
 * come, and from then on.
 */
static enum proto_waits waits(const void *state, uint32_t *which)
{
	const struct http2 *h = state;

	*which = h->requests;
	if (h->side[PROTO_CLIENT].begun)
		return PROTO_WAITS_HEAD;
	*which = http2_awaited(h);
	return *which ? PROTO_WAITS_BODY : PROTO_WAITS_NOTHING;
}

static void end(void *state, struct proto_worker *w)
{
	struct http2 *h = state;

	for (unsigned i = 0; i < PROTO_SIDE__MAX; i++) {
		http2_end_bodies(&h->side[i], w);
		hpack_end(w->hpack, h->side[i].hpack);
	}
}

static bool adopt(const void *state, struct proto_worker *w)
{
	const struct http2 *h = state;

	for (unsigned i = 0; i < PROTO_SIDE__MAX; i++)
		if (!http2_adopt_bodies(&h->side[i], w) ||
		    !hpack_adopt(w->hpack, h->side[i].hpack))
			return false;
	return true;
}

IMAGE_PART(http2_state, "http2", struct http2, 1);

const struct proto_parser proto_http2 = {
	.name = "http2",
	.app = APP_HTTP2,
	.tcp = true,
	.state = &http2_state,
	.recognise = recognise,
	.read = read,
	.waits = waits,
	.end = end,
	.adopt = adopt,
};
