/*
 * Theory. What servers and proxies between them may read differently is what
 * requests are smuggled with: each such thing is noted (http.smuggling), and
 * then read as most servers do:
 *
 *   two lengths that differ        the first (nginx, Apache refuse)
 *   a length and chunks            chunks
 *   chunks, but not as the last
 *   or only coding; "xchunked"     chunks, if "chunked" is the last word
 *   blanks around a name           as if they were not there
 *   chunks in HTTP/1.0             chunks
 *   framing in a trailer           not looked at
 *
 * A length that is no number, too large or below 0 is nothing to go on with.
 */
#include "proto/http1_own.h"

#include "proto/http_coding.h"
#include "proto/http_software.h"
#include "proto/http_uri.h"
#include "proto/text.h"

/* The next of a list by commas, trimmed; false: there is none. */
static bool take_item(struct bytes *list, struct bytes *ret)
{
	if (bytes_len(*list) == 0)
		return false;
	if (!text_take_until(list, ',', ret)) {
		*ret = *list;
		list->begin = list->end;
	}
	*ret = text_trim(*ret);
	return true;
}

/* --- how long a body is ----------------------------------------------- */

/* One of maybe several lengths ("5, 5"). */
static bool one_length(struct http_reader *r, struct bytes word)
{
	struct http_framing *f = &r->s->framing;
	uint64_t length;
	bool digits = bytes_len(word) > 0;

	for (const uint8_t *p = word.begin; p < word.end; p++)
		digits &= text_is_digit(*p);
	if (!digits) {
		f->lost = true;
		if (bytes_len(word) > 0 && *word.begin == '-')
			return http_note(r, NOTE_HTTP_LENGTH_NEGATIVE);
		return http_note_once(r, NOTE_HTTP_SMUGGLING);
	}
	if (!text_number(word, INT64_MAX, &length)) {
		f->lost = true;
		return http_note(r, NOTE_HTTP_LENGTH_NEGATIVE);
	}
	if (f->has_length)
		return f->length == length ||
		       http_note_once(r, NOTE_HTTP_SMUGGLING);
	f->has_length = true;
	f->length = length;
	return true;
}

static bool length_means(struct http_reader *r, struct bytes value)
{
	struct bytes word;

	if (bytes_len(value) == 0)
		return one_length(r, value);
	while (take_item(&value, &word))
		if (!one_length(r, word))
			return false;
	return true;
}

/* Those of the transfer were done last, whatever header comes first. */
static bool add_coding(struct http_framing *f, struct bytes word, bool transfer)
{
	enum http_coding c = http_coding_by_name(word);

	if (c == HTTP_CODING_IDENTITY)
		return true;
	if (c == HTTP_CODING__MAX || f->n_codings == HTTP_CODINGS_MAX)
		return false;
	if (!transfer && f->n_transfer > 0) {
		/* at most one of each (HTTP_CODINGS_MAX) */
		f->codings[1] = f->codings[0];
		f->codings[0] = (uint8_t)c;
	} else {
		f->codings[f->n_codings] = (uint8_t)c;
	}
	f->n_codings++;
	f->n_transfer += transfer;
	return true;
}

static bool transfer_means(struct http_reader *r, struct bytes value)
{
	struct http_framing *f = &r->s->framing;
	bool odd = f->chunked; /* nothing may follow that */
	struct bytes word, bare;

	if (bytes_len(value) == 0)
		odd = true;
	while (take_item(&value, &word)) {
		odd |= f->chunked;
		(void)text_take_until(&word, ';', &word); /* parameters */
		word = text_trim(word);
		f->chunked = text_is_nocase(word, "chunked");
		f->coded = true;
		bare = word;
		if (f->chunked || text_is_nocase(word, "identity"))
			continue;
		odd |= text_contains_nocase(bare, "chunked");
		if (!add_coding(f, word, true)) {
			f->bad_coding = true;
			odd = true;
		}
	}
	return !odd || http_note_once(r, NOTE_HTTP_SMUGGLING);
}

static bool content_coding_means(struct http_reader *r, struct bytes value)
{
	struct http_framing *f = &r->s->framing;
	struct bytes word;

	while (take_item(&value, &word)) {
		(void)text_take_until(&word, ';', &word);
		word = text_trim(word);
		if (bytes_len(word) > 0 && !add_coding(f, word, false))
			f->bad_coding = true;
	}
	return true;
}

static bool upgrade_means(struct http_reader *r, struct bytes value)
{
	struct http_framing *f = &r->s->framing;

	f->upgrade = true;
	f->websocket |= text_contains_nocase(value, "websocket");
	f->http2 |= text_contains_nocase(value, "h2c");
	return true;
}

/* --- fields ----------------------------------------------------------- */

bool http_tell_host(struct http_reader *r, struct bytes authority)
{
	struct bytes host = http_host_of(authority);
	uint8_t *lower = r->w->text;
	size_t len = bytes_len(host);

	for (size_t i = 0; i < len; i++)
		lower[i] = text_lower(host.begin[i]);
	return http_tell(r, FIELD_HTTP_HOST, bytes_of(lower, len), r->s->cut);
}

/* What a request says that an answer does not. */
static bool of_request(struct http_reader *r, struct bytes name,
		       struct bytes value)
{
	switch (bytes_len(name)) {
	case 4:
		if (!text_is_nocase(name, "host"))
			break;
		if (r->s->has_host && !http_note_once(r, NOTE_MALFORMED))
			return false;
		r->s->has_host = true;
		return http_tell_host(r, value);
	case 6:
		if (text_is_nocase(name, "cookie"))
			return http_tell(r, FIELD_HTTP_COOKIE, value,
					 r->s->cut);
		break;
	case 7:
		if (text_is_nocase(name, "referer"))
			return http_tell(r, FIELD_HTTP_REFERER, value,
					 r->s->cut);
		break;
	case 10:
		if (text_is_nocase(name, "user-agent"))
			return http_tell(r, FIELD_HTTP_USER_AGENT, value,
					 r->s->cut);
		break;
	case 15:
		if (text_is_nocase(name, "x-forwarded-for"))
			return http_tell(r, FIELD_HTTP_FORWARDED_FOR, value,
					 r->s->cut);
		break;
	default: break;
	}
	return true;
}

static bool of_answer(struct http_reader *r, struct bytes name,
		      struct bytes value)
{
	switch (bytes_len(name)) {
	case 6:
		if (!text_is_nocase(name, "server"))
			break;
		return http_tell(r, FIELD_HTTP_SERVER, value, r->s->cut) &&
		       http_software_by_server(&r->h->known, r->sink, value);
	case 10:
		if (text_is_nocase(name, "set-cookie"))
			return http_tell(r, FIELD_HTTP_COOKIE, value,
					 r->s->cut);
		break;
	default: break;
	}
	return http_software_by_header(&r->h->known, r->sink, name, value);
}

typedef bool framing_reader(struct http_reader *r, struct bytes value);

/* Who reads it, if it tells of the body; NULL: it does not. */
static framing_reader *framing_of(struct bytes name)
{
	switch (bytes_len(name)) {
	case 7: return text_is_nocase(name, "upgrade") ? upgrade_means : NULL;
	case 14:
		return text_is_nocase(name, "content-length") ? length_means
							      : NULL;
	case 16:
		return text_is_nocase(name, "content-encoding")
			       ? content_coding_means
			       : NULL;
	case 17:
		return text_is_nocase(name, "transfer-encoding")
			       ? transfer_means
			       : NULL;
	default: return NULL;
	}
}

bool http_header_means(struct http_reader *r, struct bytes name,
		       struct bytes value, bool odd)
{
	framing_reader *framing = framing_of(name);
	struct http_side *s = r->s;

	if (odd && !http_note_once(r, NOTE_HTTP_SMUGGLING))
		return false;
	if (framing && s->phase == HTTP_TRAILERS)
		return http_note_once(r, NOTE_HTTP_SMUGGLING);
	if (framing && (s->folded || s->odd_byte) &&
	    !http_note_once(r, NOTE_HTTP_SMUGGLING))
		return false;
	if (framing) {
		s->framing.lost |= s->cut;
		return framing(r, value);
	}
	if (text_is_nocase(name, "content-type"))
		return http_tell(r, FIELD_HTTP_CONTENT_TYPE, value, r->s->cut);
	if (r->side == PROTO_CLIENT)
		return of_request(r, name, value);
	return of_answer(r, name, value);
}
