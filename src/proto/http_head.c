/*
 * Theory. A head is read line by line: a line that has no end yet is left
 * unread, and it is remembered how far it was looked through (scanned), so that
 * a head that comes byte by byte costs no more than twice its length. A header
 * ends where the line behind it does not begin with a blank, so one byte more
 * must be there than the header.
 *
 * http.header is told from where it lies, many headers in one piece (run), as
 * long as they are as the field wants them, "Name: value\r\n"; a header that is
 * not (more blanks, folded, only '\n') is written anew.
 *
 * What ends a line is '\n', with a '\r' before it or not: so do all servers. A
 * '\r' alone ends none, but some servers think it does; that is noted, and so
 * is every byte below ' ' that is not a tab.
 */
#include <endian.h>

#include "base/bug.h"
#include "base/byte_row.h"
#include "proto/http1_own.h"
#include "proto/http_again.h"
#include "proto/http_software.h"
#include "proto/http_uri.h"
#include "proto/text.h"

struct line {
	struct bytes text;   /* without its end */
	const uint8_t *next; /* behind that */
};

/* The first byte below ' ' that is no tab; end: there is none. */
static const uint8_t *control_in(const uint8_t *p, const uint8_t *end)
{
	uint64_t half[2];

	for (; end - p >= BYTE_ROW; p += BYTE_ROW) {
		byte_row r = byte_row_of(p);
		byte_row odd = (byte_row)(r < ' ') & ~byte_row_is(r, '\t');

		memcpy(half, &odd, sizeof half);
		if (half[0])
			return p + __builtin_ctzll(le64toh(half[0])) / 8;
		if (half[1])
			return p + 8 + __builtin_ctzll(le64toh(half[1])) / 8;
	}
	while (p < end && (*p >= ' ' || *p == '\t'))
		p++;
	return p;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Whether what ends at `text_end` ends the line; behind it is `next`. */
static enum http_line ends_here(struct http_reader *r, bool folds,
				const uint8_t *text_end, const uint8_t *next)
{
	if (!folds || text_end == r->rest.begin)
		return LINE_WHOLE;
	if (next == r->rest.end)
		return r->last ? LINE_WHOLE : LINE_PART;
	if (!is_blank(*next))
		return LINE_WHOLE;
	r->s->folded = true;
	return LINE_GOES_ON;
}

/* folds: lines that begin with blanks belong to the one before them. */
static enum http_line find_line(struct http_reader *r, bool folds,
				struct line *ret)
{
	const uint8_t *begin = r->rest.begin, *end = r->rest.end, *next;
	const uint8_t *limit = end - begin > HTTP_LINE_MAX + 2
				       ? begin + HTTP_LINE_MAX + 2
				       : end;
	const uint8_t *p = begin + r->s->scanned;
	enum http_line found;

	for (;; p = next) {
		p = control_in(p, limit);
		next = p + 1;
		r->s->scanned = (uint32_t)(p - begin);
		if (r->s->scanned > HTTP_LINE_MAX)
			return LINE_LONG;
		if (p == end && r->last && p > begin) {
			next = p; /* no more comes: some read that, too */
			break;
		}
		if (p == limit || (*p == '\r' && next == end))
			return LINE_PART;
		if (*p == '\r' && *next == '\n') {
			next++;
		} else if (*p != '\n') {
			r->s->odd_cr |= *p == '\r';
			r->s->odd_byte |= *p != '\r';
			continue;
		}
		found = ends_here(r, folds, p, next);
		if (found == LINE_PART)
			return LINE_PART;
		if (found == LINE_WHOLE)
			break;
	}
	ret->text = (struct bytes){ begin, p };
	ret->next = next;
	return LINE_WHOLE;
}

/* The line is done with; what follows is another. */
static void consume(struct http_reader *r, const uint8_t *next)
{
	r->s->head_bytes += (uint32_t)(next - r->rest.begin);
	r->rest.begin = next;
	r->s->scanned = 0;
	r->s->odd_cr = r->s->odd_byte = r->s->folded = false;
}

/* Notes what is odd about the line that was found. */
static bool note_odd(struct http_reader *r)
{
	struct http_side *s = r->s;

	if (s->odd_cr && !http_note_once(r, NOTE_HTTP_SMUGGLING))
		return false;
	if ((s->odd_byte || s->folded) && !http_note_once(r, NOTE_MALFORMED))
		return false;
	if (s->head_bytes > HTTP_HEAD_BYTES_MAX ||
	    s->headers > HTTP_HEADERS_MAX)
		return http_note_once(r, NOTE_LIMIT);
	return true;
}

/* --- first lines ------------------------------------------------------ */

/* Between a line's words: what any server takes for that. */
static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct bytes trim(struct bytes b)
{
	while (bytes_len(b) > 0 && is_space(*b.begin))
		b.begin++;
	while (bytes_len(b) > 0 && is_space(b.end[-1]))
		b.end--;
	return b;
}

static struct bytes take_word(struct bytes *b)
{
	struct bytes word = *b;

	while (bytes_len(*b) > 0 && !is_space(*b->begin))
		b->begin++;
	word.end = b->begin;
	return word;
}

/* "HTTP/1.1" at the end, which is taken away; empty: it is not there. */
static struct bytes take_version(struct bytes *b)
{
	struct bytes word = { b->end, b->end };

	while (word.begin > b->begin && !is_space(word.begin[-1]))
		word.begin--;
	if (word.begin == b->begin ||
	    text_begins_nocase(word, "http/") != PROTO_YES)
		return (struct bytes){ b->end, b->end };
	b->end = word.begin;
	return word;
}

static bool tell_path(struct http_reader *r, const struct http_target *t,
		      bool cut)
{
	struct bytes plain, uri;
	unsigned odd;

	plain = http_path_plain(t->path, r->w->text, &odd);
	if (t->fragment || odd & HTTP_PATH_ODD)
		if (!http_note_once(r, NOTE_MALFORMED))
			return false;
	if (odd & HTTP_PATH_DOUBLE && !http_note(r, NOTE_HTTP_DOUBLE_ENCODED))
		return false;
	if (odd & HTTP_PATH_TRAVERSAL && !http_note(r, NOTE_HTTP_TRAVERSAL))
		return false;
	uri = http_uri_plain(t, plain,
			     outbytes_of(r->w->text, sizeof r->w->text));
	return http_tell(r, FIELD_HTTP_URI, uri, cut) &&
	       http_tell(r, FIELD_HTTP_PATH, plain, cut) &&
	       http_software_by_path(&r->h->known, r->sink, plain);
}

static bool tell_target(struct http_reader *r, struct bytes method,
			struct bytes target, bool cut)
{
	bool connect = text_is(method, "CONNECT");
	struct http_target t = http_target_of(target, connect);

	r->s->is_head = text_is(method, "HEAD");
	r->s->is_connect = connect;
	if (!proto_tell(r->sink, r->side, FIELD_HTTP_METHOD, method) ||
	    !http_tell(r, FIELD_HTTP_URI_RAW, target, cut))
		return false;
	if (!connect && !tell_path(r, &t, cut))
		return false;
	return bytes_len(t.authority) == 0 || http_tell_host(r, t.authority);
}

/* A request line's end: with it the request itself, if it is of HTTP/0.9. */
static enum http_step end_request_line(struct http_reader *r,
				       struct bytes version)
{
	struct http_side *s = r->s;

	s->old = bytes_len(version) == 0;
	s->before_11 = s->old || text_begins(version, "HTTP/1.0") == PROTO_YES;
	s->phase = HTTP_HEADERS;
	if (s->old)
		return http_begin_body(r);
	if (bytes_len(version) != strlen("HTTP/1.1") &&
	    !http_note_once(r, NOTE_MALFORMED))
		return STEP_STOP;
	return proto_tell(r->sink, r->side, FIELD_HTTP_PROTOCOL, version)
		       ? STEP_ON
		       : STEP_STOP;
}

static bool is_token(struct bytes word)
{
	for (const uint8_t *p = word.begin; p < word.end; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return false;
	return bytes_len(word) > 0;
}

/* long: it has no end yet, and it is the last that is kept of it. */
static enum http_step request_line(struct http_reader *r, struct bytes text,
				   bool is_long)
{
	struct bytes all = trim(text), rest = all, target, version;
	struct bytes method = take_word(&rest);
	bool odd;

	version = (struct bytes){ rest.end, rest.end };
	if (!is_long)
		version = take_version(&rest);
	target = trim(rest);
	if (!is_token(method) || bytes_len(target) == 0) {
		if (!http_note_once(r, NOTE_MALFORMED))
			return STEP_STOP;
		return STEP_LOST;
	}
	/* one blank between its words, and none in them */
	odd = bytes_len(all) != bytes_len(text) ||
	      target.begin != method.end + 1 || *method.end != ' ' ||
	      memchr(target.begin, ' ', bytes_len(target)) ||
	      memchr(target.begin, '\t', bytes_len(target)) ||
	      (bytes_len(version) > 0 && version.begin != target.end + 1);
	if (odd && !http_note_once(r, NOTE_MALFORMED))
		return STEP_STOP;
	if (!tell_target(r, method, target, is_long))
		return STEP_STOP;
	return is_long ? STEP_ON : end_request_line(r, version);
}

static enum http_step status_line(struct http_reader *r, struct bytes text,
				  bool is_long)
{
	struct bytes rest = text, version = take_word(&rest), code, message;
	uint64_t status;

	rest = trim(rest);
	code = take_word(&rest);
	message = trim(rest);
	r->s->before_11 = text_begins(version, "HTTP/1.0") == PROTO_YES;
	if (!text_number(code, 999, &status) || bytes_len(code) != 3) {
		if (!http_note_once(r, NOTE_MALFORMED))
			return STEP_STOP;
		return STEP_LOST;
	}
	r->s->status = (uint16_t)status;
	r->s->phase = HTTP_HEADERS;
	return http_tell(r, FIELD_HTTP_STAT_CODE, code, false) &&
			       http_tell(r, FIELD_HTTP_STAT_MSG, message,
					 is_long)
		       ? STEP_ON
		       : STEP_STOP;
}

static enum http_step first_line(struct http_reader *r, struct bytes text,
				 bool is_long)
{
	if (!note_odd(r))
		return STEP_STOP;
	if (r->side == PROTO_CLIENT)
		return request_line(r, text, is_long);
	return status_line(r, text, is_long);
}

/* The last bytes of a request line: there its version is. */
static void remember_tail(struct http_side *s, struct bytes b)
{
	size_t len = bytes_len(b), room = sizeof s->tail, keep;

	if (len >= room) {
		memcpy(s->tail, b.end - room, room);
		return;
	}
	keep = room - len;
	memmove(s->tail, s->tail + len, keep);
	memcpy(s->tail + keep, b.begin, len);
}

/* A first line that does not end: what there is of it is told. */
static enum http_step begin_long_start(struct http_reader *r)
{
	struct bytes text = { r->rest.begin, r->rest.begin + HTTP_LINE_MAX };
	enum http_step step;

	if (!http_note_once(r, NOTE_LIMIT))
		return STEP_STOP;
	step = first_line(r, text, true);
	if (step == STEP_ON)
		r->s->phase = HTTP_LONG_START;
	remember_tail(r->s, text);
	consume(r, text.end);
	return step;
}

void http_begin_message(struct http_side *s)
{
	uint8_t phase = s->phase, again = s->again;
	bool odd_cr = s->odd_cr, odd_byte = s->odd_byte;
	uint32_t scanned = s->scanned;

	/* of the tail only what was put there is read */
	memset(s, 0, offsetof(struct http_side, tail));
	s->phase = phase;
	s->again = again;
	s->odd_cr = odd_cr;
	s->odd_byte = odd_byte;
	s->scanned = scanned;
}

/* An answer to a request of HTTP/0.9 is nothing but a body. */
static enum http_step begin_old_answer(struct http_reader *r)
{
	enum proto_guess head = text_begins(r->rest, "HTTP/");

	if (head == PROTO_MAYBE && !r->last)
		return STEP_WAIT;
	if (head == PROTO_YES)
		return STEP_ON;
	http_begin_message(r->s);
	return http_begin_body(r);
}

/* A head that came before was told. */
static enum http_step head_told(struct http_reader *r, enum http_known head)
{
	return head == HTTP_HEAD_STOP ? STEP_STOP : http_begin_body(r);
}

enum http_step http_read_start(struct http_reader *r)
{
	enum http_step step;
	struct line line;

	if (r->side == PROTO_SERVER && r->h->olds & 1) {
		step = begin_old_answer(r);
		if (step != STEP_ON || r->s->phase != HTTP_START)
			return step;
	}
	if (r->side == PROTO_SERVER && r->s->scanned == 0) {
		enum http_known head = http_again_tell(r);

		if (head != HTTP_HEAD_NEW)
			return head_told(r, head);
	}
	switch (find_line(r, false, &line)) {
	case LINE_PART: return STEP_WAIT;
	case LINE_LONG: http_begin_message(r->s); return begin_long_start(r);
	default: break;
	}
	if (bytes_len(line.text) == 0) { /* blank ones before it are nothing */
		consume(r, line.next);
		return STEP_ON;
	}
	http_begin_message(r->s);
	if (r->side == PROTO_SERVER &&
	    text_begins_nocase(line.text, "http/") != PROTO_YES)
		return http_note_once(r, NOTE_MALFORMED) ? STEP_LOST
							 : STEP_STOP;
	step = first_line(r, line.text, false);
	consume(r, line.next);
	return step;
}

/* --- headers ---------------------------------------------------------- */

static bool tell_header(struct http_reader *r, struct bytes b, bool end)
{
	struct proto_piece p = { .bytes = b,
				 .field = FIELD_HTTP_HEADER,
				 .side = (uint8_t)r->side,
				 .begin = !r->s->open_header,
				 .end = end };

	if (r->record)
		http_again_note(r, &p);
	if (!proto_wanted(r->sink, FIELD_HTTP_HEADER))
		return true;
	r->s->open_header = !end;
	return r->sink->piece(r->sink->arg, &p);
}

bool http_flush(struct http_reader *r, bool end)
{
	struct bytes run = r->run;

	r->run = (struct bytes){ NULL, NULL };
	if (bytes_len(run) == 0 && (!end || !r->s->open_header))
		return true;
	return tell_header(r, run, end);
}

/* The lines of a header as one, their ends and blanks one blank each. */
static struct bytes unfold(struct http_reader *r, struct bytes text)
{
	struct outbytes o = outbytes_of(r->w->line, sizeof r->w->line);
	struct bytes part;

	while (text_take_line(&text, &part)) {
		part = trim(part);
		put_copy(&o, part.begin, bytes_len(part));
		put_u8(&o, ' ');
	}
	part = trim(text);
	put_copy(&o, part.begin, bytes_len(part));
	return bytes_of(o.begin, outbytes_len(&o));
}

/* Is it, with its end, as http.header is told? The name's end is at colon. */
static bool is_as_told(const struct line *l, const uint8_t *colon)
{
	const uint8_t *end = l->text.end;

	return end - colon > 2 && colon[1] == ' ' && !is_blank(colon[2]) &&
	       !is_blank(end[-1]) && l->next - end == 2;
}

/* As http.header wants it; false: to be stopped. */
static bool tell_anew(struct http_reader *r, struct bytes name,
		      struct bytes value, bool colon)
{
	struct outbytes o = outbytes_of(r->w->text, sizeof r->w->text);

	BUG_ON(!o.at); /* an array is somewhere; clang-tidy doubts it */
	put_copy(&o, name.begin, bytes_len(name));
	if (colon)
		put_copy(&o, ": ", 2);
	put_copy(&o, value.begin, bytes_len(value));
	put_copy(&o, "\r\n", 2);
	return http_flush(r, false) &&
	       tell_header(r, bytes_of(o.begin, outbytes_len(&o)), false);
}

static bool is_cookie(struct bytes name)
{
	return text_is_nocase(name, "cookie") ||
	       text_is_nocase(name, "set-cookie");
}

static bool add_to_run(struct http_reader *r, const struct line *l)
{
	if (r->run.end != l->text.begin) {
		if (!http_flush(r, false))
			return false;
		r->run.begin = l->text.begin;
	}
	r->run.end = l->next;
	return true;
}

/* What no server takes for a part of a name, at its ends. */
static struct bytes trim_name(struct bytes name)
{
	while (bytes_len(name) > 0 && *name.begin <= ' ')
		name.begin++;
	while (bytes_len(name) > 0 && name.end[-1] <= ' ')
		name.end--;
	return name;
}

/* A header that is not as it is to be told. */
static bool odd_header(struct http_reader *r, const struct line *l)
{
	struct bytes text = l->text, name, value, sent;

	if (r->s->folded)
		text = unfold(r, text);
	value = text;
	if (!text_take_until(&value, ':', &sent)) {
		value.begin = value.end;
		return http_note_once(r, NOTE_MALFORMED) &&
		       tell_anew(r, text, value, false);
	}
	name = trim_name(sent);
	value = trim(value);
	if (!is_cookie(name) && !tell_anew(r, name, value, true))
		return false;
	return http_header_means(r, name, value,
				 bytes_len(name) != bytes_len(sent));
}

/*
 * A header; false: to be stopped. Nearly all are as they are told: those are not
 * looked at byte by byte.
 */
static bool header(struct http_reader *r, const struct line *l)
{
	const uint8_t *begin = l->text.begin, *end = l->text.end, *colon;
	struct http_side *s = r->s;
	struct bytes name;

	s->headers++;
	if (!note_odd(r))
		return false;
	colon = memchr(begin, ':', (size_t)(end - begin));
	if (!colon || s->folded || s->odd_cr || s->odd_byte || colon == begin ||
	    *begin <= ' ' || colon[-1] <= ' ' || !is_as_told(l, colon))
		return odd_header(r, l);
	name = (struct bytes){ begin, colon };
	if (!is_cookie(name) && !add_to_run(r, l))
		return false;
	return http_header_means(r, name, (struct bytes){ colon + 2, end },
				 false);
}

/* A header that does not end: what there is of it is told, and that is cut. */
static enum http_step begin_long_header(struct http_reader *r)
{
	struct bytes text = { r->rest.begin, r->rest.begin + HTTP_LINE_MAX };
	struct bytes value = text, name = text;

	if (!http_note_once(r, NOTE_LIMIT) || !note_odd(r) ||
	    !http_flush(r, false))
		return STEP_STOP;
	r->s->headers++;
	r->s->silent = text_take_until(&value, ':', &name) && is_cookie(name);
	if (!r->s->silent && !tell_header(r, text, false))
		return STEP_STOP;
	r->s->cut = true;
	if (value.begin != text.begin &&
	    !http_header_means(r, trim_name(name), trim(value), false))
		return STEP_STOP;
	r->s->cut = false;
	r->s->long_in = r->s->phase;
	r->s->phase = HTTP_LONG_LINE;
	consume(r, text.end);
	return r->s->framing.lost ? STEP_LOST : STEP_ON;
}

static enum http_step end_headers(struct http_reader *r)
{
	if (!http_flush(r, true))
		return STEP_STOP;
	if (r->s->phase == HTTP_TRAILERS)
		return http_end_message(r);
	if (r->record)
		http_again_keep(r, r->rest.begin);
	r->record = false;
	return http_begin_body(r);
}

/* Are a head's headers to come, and nothing of them was looked at yet? */
static bool is_fresh(const struct http_reader *r)
{
	const struct http_side *s = r->s;

	return s->phase == HTTP_HEADERS && s->headers == 0 && s->scanned == 0 &&
	       !s->open_header;
}

enum http_step http_read_headers(struct http_reader *r)
{
	struct line line;
	bool ok;

	if (r->side == PROTO_CLIENT && is_fresh(r)) {
		enum http_known head = http_again_tell(r);

		if (head != HTTP_HEAD_NEW)
			return head_told(r, head);
	}
	for (;;) {
		switch (find_line(r, true, &line)) {
		case LINE_PART:
			return http_flush(r, false) ? STEP_WAIT : STEP_STOP;
		case LINE_LONG: return begin_long_header(r);
		default: break;
		}
		if (bytes_len(line.text) == 0) {
			consume(r, line.next);
			return end_headers(r);
		}
		ok = header(r, &line);
		consume(r, line.next);
		if (!ok)
			return STEP_STOP;
	}
}

/* --- the rest of lines without end ------------------------------------ */

static enum http_step end_long_start(struct http_reader *r)
{
	struct bytes tail = trim(bytes_of(r->s->tail, sizeof r->s->tail));

	if (r->side == PROTO_SERVER) {
		r->s->phase = HTTP_HEADERS;
		return STEP_ON;
	}
	return end_request_line(r, take_version(&tail));
}

enum http_step http_read_long(struct http_reader *r)
{
	bool header = r->s->phase == HTTP_LONG_LINE, end;
	struct bytes part = r->rest, before;

	end = text_take_until(&part, '\n', &before);
	if (end && header && bytes_len(part) == 0 && !r->last) {
		if (bytes_len(before) == 0)
			return STEP_WAIT;
		part = (struct bytes){ before.end, before.end };
		end = false; /* the '\n' is looked at again */
	} else if (!end) {
		part.begin = part.end;
	}
	before = (struct bytes){ r->rest.begin, part.begin };
	if (header && !r->s->silent && !tell_header(r, before, false))
		return STEP_STOP;
	if (!header)
		remember_tail(r->s, before);
	consume(r, part.begin);
	if (!end ||
	    (header && bytes_len(r->rest) > 0 && is_blank(*r->rest.begin)))
		return STEP_ON;
	if (!header)
		return end_long_start(r);
	r->s->phase = r->s->long_in;
	return STEP_ON;
}
