/*
 * Theory. What a server makes of a request must be what we make of it. A head that
 * RFC 9113 8.2, 8.3 does not allow most servers refuse, some do not, and each
 * reads it its own way: two paths, a path that is none, pseudo-fields behind
 * others, a host beside another :authority. It is told as it stands, and of its
 * path that it is not all (cut): so it is no request that a rule could mean.
 *
 * What becomes another thing where a proxy makes HTTP/1 of it is noted as
 * "http.smuggling": line ends in values, fields of HTTP/1's framing, a length
 * that is not the body's.
 */
#include "proto/http2_own.h"

#include "proto/http_coding.h"
#include "proto/http_uri.h"
#include "proto/text.h"

static const char *const pseudo_names[HTTP2_PSEUDO__MAX] = {
	":method", ":scheme", ":authority", ":path", ":protocol", ":status",
};

static void look_at_pseudo(struct http2_head *h, const struct hpack_field *f)
{
	unsigned i = 0;

	while (i < HTTP2_PSEUDO__MAX && !text_is(f->name, pseudo_names[i]))
		i++;
	h->has_pseudo = true;
	h->odd |= i == HTTP2_PSEUDO__MAX || h->has_others || h->pseudo[i].begin;
	if (i < HTTP2_PSEUDO__MAX)
		h->pseudo[i] = f->value;
}

/* HTTP/1 would take what follows for another line. */
static bool has_line_end(struct bytes b)
{
	for (; bytes_len(b) > 0; b.begin++)
		if (*b.begin == '\r' || *b.begin == '\n' || *b.begin == '\0')
			return true;
	return false;
}

static bool is_name(struct bytes name)
{
	for (const uint8_t *p = name.begin; p < name.end; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == ':' ||
		    (*p >= 'A' && *p <= 'Z'))
			return false;
	return bytes_len(name) > 0;
}

/* What is the connection's own in HTTP/1; a careless proxy hands it on. */
static bool is_of_http1(struct bytes name)
{
	return text_is_nocase(name, "connection") ||
	       text_is_nocase(name, "proxy-connection") ||
	       text_is_nocase(name, "keep-alive") ||
	       text_is_nocase(name, "upgrade");
}

static void add_codings(struct http2_head *h, struct bytes value)
{
	struct bytes word;
	enum http_coding c;

	while (bytes_len(value) > 0) {
		if (!text_take_until(&value, ',', &word)) {
			word = value;
			value.begin = value.end;
		}
		c = http_coding_by_name(text_trim(word));
		if (c == HTTP_CODING_IDENTITY || bytes_len(word) == 0)
			continue;
		if (c == HTTP_CODING__MAX || h->n_codings == HTTP_CODINGS_MAX)
			h->bad_coding = true;
		else
			h->codings[h->n_codings++] = (uint8_t)c;
	}
}

static void look_at_length(struct http2_head *h, struct bytes value)
{
	uint64_t length;

	if (!text_number(value, INT64_MAX, &length) ||
	    (h->has_length && h->length != length)) {
		h->smuggling = true;
		return;
	}
	h->has_length = true;
	h->length = length;
}

static void look_at_other(struct http2_head *h, const struct hpack_field *f)
{
	h->has_others = true;
	h->odd |= !is_name(f->name);
	h->malformed |= is_of_http1(f->name);
	h->smuggling |= has_line_end(f->name) ||
			text_is_nocase(f->name, "transfer-encoding");
	if (text_is_nocase(f->name, "host")) {
		h->odd |= h->host.begin != NULL;
		h->host = f->value;
	} else if (text_is_nocase(f->name, "content-type")) {
		h->has_type = true;
		h->grpc |= text_begins_nocase(f->value, "application/grpc") ==
			   PROTO_YES;
	} else if (text_is_nocase(f->name, "content-length")) {
		look_at_length(h, f->value);
	}
}

void http2_look_at(struct bytes list, struct http2_head *ret)
{
	const char *coding;
	struct hpack_field f;

	*ret = (struct http2_head){ .list = list };
	while (hpack_take(&list, &f)) {
		ret->smuggling |= has_line_end(f.value);
		if (bytes_len(f.name) > 0 && *f.name.begin == ':')
			look_at_pseudo(ret, &f);
		else
			look_at_other(ret, &f);
	}
	coding = ret->grpc ? "grpc-encoding" : "content-encoding";
	for (list = ret->list; hpack_take(&list, &f);)
		if (text_is_nocase(f.name, coding))
			add_codings(ret, f.value);
	ret->odd |= ret->smuggling;
	ret->malformed |= ret->odd;
}

bool http2_is_same_host(struct bytes a, struct bytes b)
{
	a = http_host_of(a);
	b = http_host_of(b);
	if (bytes_len(a) != bytes_len(b))
		return false;
	while (bytes_len(a) > 0)
		if (text_lower(*a.begin++) != text_lower(*b.begin++))
			return false;
	return true;
}

/* A path as servers have it; cleverer ones each have their own idea. */
static bool is_path(struct bytes path, struct bytes method)
{
	if (text_is(path, "*"))
		return text_is(method, "OPTIONS");
	if (bytes_len(path) == 0 || *path.begin != '/')
		return false;
	for (const uint8_t *p = path.begin; p < path.end; p++)
		if (*p <= ' ' || *p == 0x7f)
			return false;
	return true;
}

bool http2_is_request(const struct http2_head *h)
{
	const struct bytes *p = h->pseudo;
	bool connect = text_is(p[HTTP2_METHOD], "CONNECT") &&
		       !p[HTTP2_PROTOCOL].begin;

	if (bytes_len(p[HTTP2_METHOD]) == 0 || p[HTTP2_STATUS].begin)
		return false;
	if (h->host.begin && p[HTTP2_AUTHORITY].begin &&
	    !http2_is_same_host(h->host, p[HTTP2_AUTHORITY]))
		return false;
	if (connect)
		return p[HTTP2_AUTHORITY].begin && !p[HTTP2_PATH].begin;
	return p[HTTP2_SCHEME].begin && p[HTTP2_PATH].begin &&
	       is_path(p[HTTP2_PATH], p[HTTP2_METHOD]);
}
