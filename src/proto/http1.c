/*
 * Theory. Each side is a sequence of messages:
 *
 *   START ──first line──▶ HEADERS ──empty line──▶ BODY... ──▶ START
 *                                     asked         ended
 *
 * http_head.c reads the lines, http_header.c what they mean, http_body.c finds
 * where the body ends. This file recognises, and goes from one to the next. The
 * sides are read apart but for what an answer must know of its request.
 *
 * What is sent and what a server makes of it must be the same thing to us, or a
 * rule is evaded. So we take for a request what any common server does, noting
 * "malformed" or "http.smuggling" where that is not what the RFCs allow:
 *
 *   blank lines before a request, any number       nginx; Apache: up to 100
 *   '\n' alone as a line's end                     all
 *   no version at all: HTTP/0.9                    nginx, Apache, Python
 *   "http/1.1" in any case; HTTP/1.10, HTTP/1.1x   older Apache, Python
 *   more blanks between the words, tabs, \v, \f    Apache (unsafe), Python
 *   blanks in the target, before and behind it     nginx before 1.21.1, Python
 *   any word as method, lower case                 Apache, Python, Go
 *   absolute target: its host counts, Host does not  nginx, Apache; both are told
 *   '#' in a target; %00; '%' without digits       each its own way
 *   a header without colon, with blanks around its
 *   name or before it; folded headers; NUL, '\r'   Apache, Node, Python
 *   several Host headers, several lengths          some; each host is told
 *   chunks with extensions, leading zeros, '\n'    all
 *   chunked in HTTP/1.0, with a length beside it   Apache
 *   trailers                                       told as headers
 *   the connection's end instead of a last line    Python
 *
 * After a gap a side is searched for a first line at the beginning of a
 * segment; which answer is whose is not known then, so they are taken for
 * answers of GET.
 */
#include "proto/http1.h"

#include "proto/http1_own.h"
#include "proto/http2.h"
#include "proto/text.h"

/* A method's length that is believed without a version behind it. */
#define METHOD_MAX 32

/* --- who speaks ------------------------------------------------------- */

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* "GET " is taken; NO: no method; MAYBE: it is not over. */
static enum proto_guess take_method(struct bytes *b, struct bytes *ret)
{
	struct bytes rest = *b;

	while (bytes_len(rest) > 0 && *rest.begin > ' ' && *rest.begin < 0x7f)
		rest.begin++;
	ret->begin = b->begin;
	ret->end = rest.begin;
	if (bytes_len(*ret) > METHOD_MAX)
		return PROTO_NO;
	if (bytes_len(rest) == 0)
		return PROTO_MAYBE;
	if (bytes_len(*ret) == 0 || !is_space(*rest.begin))
		return PROTO_NO;
	while (bytes_len(rest) > 0 && is_space(*rest.begin))
		rest.begin++;
	*b = rest;
	return PROTO_YES;
}

static bool is_target(struct bytes b)
{
	return text_begins(b, "/") == PROTO_YES ||
	       text_begins_nocase(b, "http://") == PROTO_YES ||
	       text_begins_nocase(b, "https://") == PROTO_YES;
}

/* The last word of a line. */
static struct bytes last_word(struct bytes line)
{
	struct bytes word;

	line = text_trim(line);
	for (word = line; word.begin < word.end && !is_space(word.end[-1]);)
		word.end--;
	return (struct bytes){ word.end, line.end };
}

/* cut: there is more than b, and it will not be shown. */
static enum proto_guess guess_request(struct bytes b, bool cut)
{
	struct bytes method, line, version;
	enum proto_guess guess;

	while (bytes_len(b) > 0 && (*b.begin == '\r' || *b.begin == '\n'))
		b.begin++;
	if (bytes_len(b) == 0)
		return cut ? PROTO_YES : PROTO_MAYBE;
	guess = text_begins(b, "PRI * HTTP/2.0");
	if (guess != PROTO_NO)
		return guess == PROTO_YES ? PROTO_NO : PROTO_MAYBE;
	guess = take_method(&b, &method);
	if (guess == PROTO_MAYBE && cut)
		return PROTO_NO;
	if (guess != PROTO_YES)
		return guess;
	if (!text_take_line(&b, &line))
		return !cut ? PROTO_MAYBE : is_target(b) ? PROTO_YES : PROTO_NO;
	version = last_word(line);
	if (version.begin > line.begin &&
	    text_begins_nocase(version, "http/") == PROTO_YES)
		return PROTO_YES;
	return text_is(method, "GET") && is_target(line) ? PROTO_YES : PROTO_NO;
}

/* "HTTP/1.1 200" */
static enum proto_guess guess_answer(struct bytes b)
{
	enum proto_guess guess = text_begins(b, "HTTP/1.");

	if (guess != PROTO_YES)
		return guess;
	if (bytes_len(b) < 12)
		return PROTO_MAYBE;
	return text_is_digit(b.begin[7]) && b.begin[8] == ' ' &&
			       text_is_digit(b.begin[9]) &&
			       text_is_digit(b.begin[10]) &&
			       text_is_digit(b.begin[11])
		       ? PROTO_YES
		       : PROTO_NO;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes client = o->said[PROTO_CLIENT];
	enum proto_guess guess = PROTO_MAYBE;

	if (bytes_len(client) > 0)
		guess = guess_request(client, o->cut[PROTO_CLIENT]);
	if (guess != PROTO_MAYBE || bytes_len(o->said[PROTO_SERVER]) == 0)
		return guess;
	/* a greeting is no answer, however small the pieces of a request are */
	if (bytes_len(client) > 0 && o->first == PROTO_SERVER && !o->midstream)
		return guess;
	return guess_answer(o->said[PROTO_SERVER]);
}

/* --- reading ---------------------------------------------------------- */

/* What was left unread will not be seen again. */
static void begin_search(struct http_side *s)
{
	s->phase = HTTP_SEARCH;
	s->scanned = 0;
	s->odd_cr = s->odd_byte = s->folded = false;
}

/* Bytes are missing: nothing of before is known any more. */
static enum http_step lose_place(struct http_reader *r)
{
	enum http_step step = STEP_ON;

	if (!http_flush(r, true))
		return STEP_STOP;
	if (r->s->phase != HTTP_START && r->s->phase != HTTP_SEARCH)
		step = http_end_message(r);
	begin_search(r->s);
	r->h->pending = 0;
	r->h->heads = r->h->leaves = r->h->olds = r->h->wishes = 0;
	return step;
}

static enum http_step search(struct http_reader *r)
{
	enum proto_guess guess = r->side == PROTO_CLIENT
					 ? guess_request(r->rest, true)
					 : guess_answer(r->rest);

	if (guess == PROTO_YES)
		r->s->phase = HTTP_START;
	else
		r->rest.begin = r->rest.end;
	return STEP_ON;
}

static enum http_step go_on(struct http_reader *r)
{
	switch ((enum http_phase)r->s->phase) {
	case HTTP_START: return http_read_start(r);
	case HTTP_HEADERS:
	case HTTP_TRAILERS: return http_read_headers(r);
	case HTTP_LONG_START:
	case HTTP_LONG_LINE: return http_read_long(r);
	case HTTP_SEARCH: return search(r);
	default: return http_read_body(r);
	}
}

/* The side is through, maybe in the middle of a message. */
static enum http_step end_side(struct http_reader *r)
{
	enum http_phase phase = (enum http_phase)r->s->phase;
	enum http_step step = STEP_ON;

	/* some take that for the end of the head */
	if (phase == HTTP_HEADERS && r->side == PROTO_CLIENT) {
		if (!http_note_once(r, NOTE_MALFORMED) || !http_flush(r, true))
			return STEP_STOP;
		step = http_begin_body(r);
		phase = (enum http_phase)r->s->phase;
	}
	if (step == STEP_ON && phase != HTTP_START && phase != HTTP_SEARCH &&
	    (phase != HTTP_AFTER_OLD || r->s->open_body)) {
		if (!http_flush(r, true))
			return STEP_STOP;
		step = http_end_message(r);
	}
	begin_search(r->s);
	return step;
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	static const enum proto_state states[] = {
		[STEP_ON] = PROTO_READING,   [STEP_WAIT] = PROTO_READING,
		[STEP_STOP] = PROTO_STOPPED, [STEP_LOST] = PROTO_LOST,
		[STEP_DONE] = PROTO_DONE,    [STEP_HTTP2] = PROTO_DONE,
	};
	struct http1 *h = state;
	struct http_reader r = {
		.h = h,
		.s = &h->side[c->side],
		.w = w,
		.sink = sink,
		.side = (enum proto_side)c->side,
		.rest = c->bytes,
		.last = c->last,
	};
	enum http_step step = c->gap_before ? lose_place(&r) : STEP_ON;

	while (step == STEP_ON && bytes_len(r.rest) > 0)
		step = go_on(&r);
	if (c->last && (step == STEP_ON || step == STEP_WAIT))
		step = end_side(&r);
	return (struct proto_result){
		.state = states[step],
		.consumed = bytes_len(c->bytes) - bytes_len(r.rest),
		.next = step == STEP_HTTP2 ? &proto_http2 : NULL,
	};
}

static enum proto_waits waits(const void *state, uint32_t *which)
{
	const struct http1 *h = state;
	const struct http_side *s = &h->side[PROTO_CLIENT];

	*which = h->requests;
	switch ((enum http_phase)s->phase) {
	case HTTP_START:
		return s->scanned > 0 ? PROTO_WAITS_HEAD : PROTO_WAITS_NOTHING;
	case HTTP_HEADERS:
	case HTTP_LONG_START:
	case HTTP_LONG_LINE: return PROTO_WAITS_HEAD;
	case HTTP_BODY:
	case HTTP_CHUNK_SIZE:
		return s->body_begun ? PROTO_WAITS_NOTHING : PROTO_WAITS_BODY;
	default: return PROTO_WAITS_NOTHING;
	}
}

static void end(void *state, struct proto_worker *w)
{
	struct http1 *h = state;

	http_unpack_end(&h->side[PROTO_CLIENT].unpacker, w);
	http_unpack_end(&h->side[PROTO_SERVER].unpacker, w);
}

static bool adopt(const void *state, struct proto_worker *w)
{
	const struct http1 *h = state;

	return http_unpack_adopt(&h->side[PROTO_CLIENT].unpacker, w) &&
	       http_unpack_adopt(&h->side[PROTO_SERVER].unpacker, w);
}

IMAGE_PART(http1_state, "http1", struct http1, 1);

const struct proto_parser proto_http = {
	.name = "http",
	.app = APP_HTTP,
	.tcp = true,
	.state = &http1_state,
	.recognise = recognise,
	.read = read,
	.waits = waits,
	.end = end,
	.adopt = adopt,
};
