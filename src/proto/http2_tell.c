#include "proto/http2_own.h"

#include "base/bug.h"
#include "proto/http_software.h"
#include "proto/http_uri.h"
#include "proto/text.h"

static bool tell(struct http2_reader *r, enum proto_field f, struct bytes b,
		 bool cut)
{
	struct proto_piece p = { .bytes = b,
				 .field = (uint8_t)f,
				 .side = (uint8_t)r->side,
				 .begin = true,
				 .end = true,
				 .cut = cut };

	return !proto_wanted(r->sink, f) || r->sink->piece(r->sink->arg, &p);
}

/* No longer than there is room in the worker's text; true: it was. */
static bool shorten(struct bytes *b)
{
	if (bytes_len(*b) <= HTTP_LINE_MAX)
		return false;
	b->end = b->begin + HTTP_LINE_MAX;
	return true;
}

static bool tell_host(struct http2_reader *r, struct bytes authority)
{
	struct bytes host = http_host_of(authority);
	uint8_t *lower = r->w->text;
	bool cut = shorten(&host);
	size_t len = bytes_len(host);

	BUG_ON(!lower); /* an array is somewhere; clang-tidy doubts it */
	for (size_t i = 0; i < len; i++)
		lower[i] = text_lower(host.begin[i]);
	return tell(r, FIELD_HTTP_HOST, bytes_of(lower, len), cut);
}

/* odd: nobody knows what a server makes of it. */
static bool tell_path(struct http2_reader *r, struct bytes path, bool odd)
{
	struct http_target t;
	struct bytes plain, uri;
	unsigned strange;

	odd |= shorten(&path);
	if (!tell(r, FIELD_HTTP_URI_RAW, path, odd))
		return false;
	t = http_target_of(path, false);
	plain = http_path_plain(t.path, r->w->text, &strange);
	if ((t.fragment || strange & HTTP_PATH_ODD) &&
	    !http2_note_once(r, NOTE_MALFORMED))
		return false;
	if (strange & HTTP_PATH_DOUBLE &&
	    !http2_note(r, NOTE_HTTP_DOUBLE_ENCODED))
		return false;
	if (strange & HTTP_PATH_TRAVERSAL &&
	    !http2_note(r, NOTE_HTTP_TRAVERSAL))
		return false;
	uri = http_uri_plain(&t, plain,
			     outbytes_of(r->w->text, sizeof r->w->text));
	return tell(r, FIELD_HTTP_URI, uri, odd) &&
	       tell(r, FIELD_HTTP_PATH, plain, odd) &&
	       http_software_by_path(&r->h->known, r->sink, plain);
}

/* What has a field of its own, but cookies. */
static bool tell_single(struct http2_reader *r, const struct hpack_field *f)
{
	static const struct {
		const char *name;
		enum proto_field field;
	} of_request[] = {
		{ "user-agent", FIELD_HTTP_USER_AGENT },
		{ "referer", FIELD_HTTP_REFERER },
		{ "x-forwarded-for", FIELD_HTTP_FORWARDED_FOR },
	};

	if (text_is_nocase(f->name, "content-type"))
		return proto_tell(r->sink, r->side, FIELD_HTTP_CONTENT_TYPE,
				  f->value);
	for (size_t i = 0; r->side == PROTO_CLIENT &&
			   i < sizeof of_request / sizeof *of_request;
	     i++)
		if (text_is_nocase(f->name, of_request[i].name))
			return proto_tell(r->sink, r->side, of_request[i].field,
					  f->value);
	if (r->side == PROTO_CLIENT)
		return true;
	if (text_is_nocase(f->name, "set-cookie"))
		return proto_tell(r->sink, r->side, FIELD_HTTP_COOKIE,
				  f->value);
	if (text_is_nocase(f->name, "server"))
		return proto_tell(r->sink, r->side, FIELD_HTTP_SERVER,
				  f->value) &&
		       http_software_by_server(&r->h->known, r->sink, f->value);
	return http_software_by_header(&r->h->known, r->sink, f->name,
				       f->value);
}

/* A client may send them one by one (RFC 9113 8.2.3). */
static bool tell_cookies(struct http2_reader *r, struct bytes list)
{
	struct outbytes o = outbytes_of(r->w->text, FIELD_BYTES_MAX);
	struct hpack_field f;
	bool any = false;

	BUG_ON(!o.at); /* likewise */
	while (hpack_take(&list, &f)) {
		if (!text_is_nocase(f.name, "cookie"))
			continue;
		if (any)
			put_copy(&o, "; ", 2);
		any = true;
		if ((size_t)(o.end - o.at) < bytes_len(f.value)) {
			f.value.end = f.value.begin + (o.end - o.at);
			put_copy(&o, f.value.begin, bytes_len(f.value));
			o.full = true;
			break;
		}
		put_copy(&o, f.value.begin, bytes_len(f.value));
	}
	return !any || tell(r, FIELD_HTTP_COOKIE,
			    bytes_of(o.begin, outbytes_len(&o)), o.full);
}

/* Headers as lines, as many at once as there is room. */
static bool put_line(struct http2_reader *r, struct outbytes *o,
		     struct bytes name, struct bytes value)
{
	size_t len = bytes_len(name) + bytes_len(value) + 4;

	if ((size_t)(o->end - o->at) < len) {
		if (!http2_piece(r, FIELD_HTTP_HEADER,
				 bytes_of(o->begin, outbytes_len(o)), false))
			return false;
		o->at = o->begin;
	}
	if ((size_t)(o->end - o->at) < len)
		return http2_piece(r, FIELD_HTTP_HEADER, name, false) &&
		       http2_piece(r, FIELD_HTTP_HEADER, bytes_of(": ", 2),
				   false) &&
		       http2_piece(r, FIELD_HTTP_HEADER, value, false) &&
		       http2_piece(r, FIELD_HTTP_HEADER, bytes_of("\r\n", 2),
				   false);
	put_copy(o, name.begin, bytes_len(name));
	put_copy(o, ": ", 2);
	put_copy(o, value.begin, bytes_len(value));
	put_copy(o, "\r\n", 2);
	return true;
}

/* :authority is what Host is in HTTP/1. */
bool http2_tell_lines(struct http2_reader *r, const struct http2_head *h)
{
	/* no body is being unpacked now */
	struct outbytes o =
		outbytes_of(r->w->unpacked[0], sizeof r->w->unpacked[0]);
	struct bytes list = h->list;
	struct hpack_field f;

	if (!proto_wanted(r->sink, FIELD_HTTP_HEADER))
		return true;
	if (h->pseudo[HTTP2_AUTHORITY].begin && !h->host.begin &&
	    !put_line(r, &o, bytes_of("host", 4), h->pseudo[HTTP2_AUTHORITY]))
		return false;
	while (hpack_take(&list, &f)) {
		if ((bytes_len(f.name) > 0 && *f.name.begin == ':') ||
		    text_is_nocase(f.name, "cookie") ||
		    text_is_nocase(f.name, "set-cookie"))
			continue;
		if (!put_line(r, &o, f.name, f.value))
			return false;
	}
	if (outbytes_len(&o) == 0 && r->s->open != FIELD_HTTP_HEADER + 1)
		return true;
	return http2_piece(r, FIELD_HTTP_HEADER,
			   bytes_of(o.begin, outbytes_len(&o)), true);
}

bool http2_tell_fields(struct http2_reader *r, const struct http2_head *h)
{
	struct bytes list = h->list;
	struct hpack_field f;

	while (hpack_take(&list, &f))
		if (!tell_single(r, &f))
			return false;
	if (r->side == PROTO_CLIENT && !tell_cookies(r, h->list))
		return false;
	return http2_tell_lines(r, h);
}

/* "/shop.Cart/Get", as sent: servers of gRPC do not decode it. */
static bool tell_grpc(struct http2_reader *r, struct bytes path)
{
	struct bytes service = path, method = path;

	if (bytes_len(path) == 0 || *path.begin != '/')
		return true;
	service.begin++;
	for (method.begin = path.end; method.begin[-1] != '/';)
		method.begin--;
	service.end = method.begin > service.begin ? method.begin - 1
						   : service.begin;
	return proto_tell(r->sink, r->side, FIELD_GRPC_SERVICE, service) &&
	       proto_tell(r->sink, r->side, FIELD_GRPC_METHOD, method);
}

/* A connection may carry both: then each change is told. */
bool http2_tell_kind(struct http2_reader *r, bool grpc)
{
	uint8_t kind = grpc ? HTTP2_KIND_GRPC : HTTP2_KIND_PLAIN;
	bool news = kind != r->h->kind &&
		    (grpc || r->h->kind != HTTP2_KIND_NONE);

	r->h->kind = kind;
	return !news ||
	       r->sink->known(r->sink->arg, grpc ? APP_GRPC : APP_HTTP2);
}

bool http2_tell_request(struct http2_reader *r, const struct http2_head *h)
{
	const struct bytes *p = h->pseudo;
	bool odd = h->odd || !http2_is_request(h);
	struct bytes none = bytes_of("", 0);

	if ((odd || h->malformed) && !h->unknown &&
	    !http2_note_once(r, NOTE_MALFORMED))
		return false;
	odd |= h->unknown;
	if (p[HTTP2_METHOD].begin &&
	    !proto_tell(r->sink, r->side, FIELD_HTTP_METHOD, p[HTTP2_METHOD]))
		return false;
	if (p[HTTP2_PATH].begin ? !tell_path(r, p[HTTP2_PATH], odd)
				: odd && !tell(r, FIELD_HTTP_PATH, none, true))
		return false;
	if (!tell(r, FIELD_HTTP_PROTOCOL, bytes_of("HTTP/2", 6), false))
		return false;
	if (h->host.begin && !tell_host(r, h->host))
		return false;
	if (p[HTTP2_AUTHORITY].begin &&
	    (!h->host.begin ||
	     !http2_is_same_host(h->host, p[HTTP2_AUTHORITY])) &&
	    !tell_host(r, p[HTTP2_AUTHORITY]))
		return false;
	if (!http2_tell_fields(r, h) ||
	    (h->grpc && p[HTTP2_PATH].begin && !tell_grpc(r, p[HTTP2_PATH])))
		return false;
	if ((h->grpc || !h->unknown) && !http2_tell_kind(r, h->grpc))
		return false;
	return r->sink->asked(r->sink->arg);
}

bool http2_tell_again(struct http2_reader *r, struct bytes list)
{
	struct http2_head h;

	http2_look_at(list, &h);
	return http2_tell_request(r, &h);
}

bool http2_ask_unknown(struct http2_reader *r)
{
	return tell(r, FIELD_HTTP_PATH, bytes_of("", 0), true) &&
	       r->sink->asked(r->sink->arg) &&
	       r->sink->ended(r->sink->arg, r->side);
}
