/*
 * Theory. Servers disagree about paths, so a rule by path must mean what they
 * end up with, not what was sent. That is nginx's reading: decoded once, then
 * "//" is "/", "." is nothing and ".." takes away what is before it. Apache
 * comes to the same. What only some read otherwise is left as it is and marked:
 * '\' (Windows), "..;" (Java), two bytes of UTF-8 for an ASCII character.
 */
#include "proto/http_uri.h"

#include "proto/text.h"

static bool is_scheme(uint8_t c)
{
	uint8_t l = text_lower(c);

	return (l >= 'a' && l <= 'z') || text_is_digit(c) || c == '+' ||
	       c == '-' || c == '.';
}

/* Takes "http://host"; false: it is not there. */
static bool take_authority(struct bytes *b, struct bytes *ret)
{
	struct bytes rest = *b;

	while (bytes_len(rest) > 0 && is_scheme(*rest.begin))
		rest.begin++;
	if (rest.begin == b->begin || text_begins(rest, "://") != PROTO_YES)
		return false;
	rest.begin += 3;
	*ret = rest;
	while (bytes_len(rest) > 0 && *rest.begin != '/' &&
	       *rest.begin != '?' && *rest.begin != '#')
		rest.begin++;
	ret->end = rest.begin;
	*b = rest;
	return true;
}

struct http_target http_target_of(struct bytes target, bool connect)
{
	struct http_target t = { .path = target };
	struct bytes before;

	if (connect) {
		t.authority = target;
		t.path = (struct bytes){ target.end, target.end };
		return t;
	}
	if (bytes_len(target) > 0 && *target.begin != '/')
		(void)take_authority(&target, &t.authority); /* or none */
	t.path = target;
	if (text_take_until(&target, '?', &before)) {
		t.path = before;
		t.query = target;
		t.has_query = true;
	}
	if (text_take_until(&t.path, '#', &before)) {
		/* a query behind it is the fragment's */
		t.path = before;
		t.query.end = t.query.begin;
		t.has_query = false;
		t.fragment = true;
	}
	if (bytes_len(t.path) == 0)
		t.path = bytes_of("/", 1);
	return t;
}

/* What a path that is plain does not have; also ':' would do no harm. */
static bool is_plain(struct bytes path)
{
	uint8_t last = 0;

	for (const uint8_t *p = path.begin; p < path.end; p++) {
		uint8_t c = *p;

		if (c == '%' || c == '\\' || c == ';' || c == 0xc0 ||
		    c == 0xc1 || c == 0 ||
		    ((c == '/' || c == '.') && last == '/') ||
		    (c == '.' && last == 0))
			return false;
		last = c;
	}
	return true;
}

/* The byte that "%41" at p is, or -1. */
static int encoded(const uint8_t *p, const uint8_t *end)
{
	int high, low;

	if (end - p < 3 || *p != '%')
		return -1;
	high = text_hex(p[1]);
	low = text_hex(p[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static size_t decode(struct bytes path, uint8_t *out, unsigned *odd)
{
	uint8_t *at = out;

	for (const uint8_t *p = path.begin; p < path.end; p++) {
		int c = *p == '%' ? encoded(p, path.end) : *p;

		if (c <= 0)
			*odd |= HTTP_PATH_ODD;
		if (c >= 0 && *p == '%')
			p += 2;
		*at++ = c < 0 ? '%' : (uint8_t)c;
	}
	for (const uint8_t *p = out; p < at; p++)
		if (*p == '%' && encoded(p, at) >= 0)
			*odd |= HTTP_PATH_DOUBLE;
	return (size_t)(at - out);
}

/* Dots that are a step up on some systems. */
static bool may_lead_up(const uint8_t *p, const uint8_t *end)
{
	size_t len = (size_t)(end - p);

	if (len >= 3 && p[0] == '.' && p[1] == '.' && p[2] == ';')
		return true;
	for (; p + 1 < end; p++) {
		/* '.' and '/' in two bytes */
		if (p[0] == 0xc0 && (p[1] == 0xae || p[1] == 0xaf))
			return true;
		if (p[0] == '.' && p[1] == '.' && end - p > 2 && p[2] == '\\')
			return true;
		if (p[0] == '\\' && p[1] == '.' && end - p > 2 && p[2] == '.')
			return true;
	}
	return false;
}

static size_t take_up(const uint8_t *p, size_t len, unsigned *odd)
{
	if (len <= 1) {
		*odd |= HTTP_PATH_TRAVERSAL;
		return len;
	}
	for (len--; len > 0 && p[len - 1] != '/';)
		len--;
	return len;
}

/* In place: what is written is never ahead of what is read. */
static size_t flatten(uint8_t *p, size_t len, unsigned *odd)
{
	size_t at = 0, out = 0;

	while (at < len) {
		const uint8_t *slash = memchr(p + at, '/', len - at);
		size_t end = slash ? (size_t)(slash - p) : len, n = end - at;
		bool up = n == 2 && p[at] == '.' && p[at + 1] == '.';

		if (up) {
			out = take_up(p, out, odd);
		} else if (!(n == 1 && p[at] == '.') && (n > 0 || out == 0)) {
			if (may_lead_up(p + at, p + end))
				*odd |= HTTP_PATH_TRAVERSAL;
			n += slash != NULL;
			memmove(p + out, p + at, n);
			out += n;
		}
		at = end + 1;
	}
	return out;
}

struct bytes http_path_plain(struct bytes path, uint8_t *out, unsigned *ret_odd)
{
	size_t len;

	*ret_odd = 0;
	if (is_plain(path))
		return path;
	len = decode(path, out, ret_odd);
	len = flatten(out, len, ret_odd);
	return bytes_of(out, len);
}

struct bytes http_uri_plain(const struct http_target *t, struct bytes plain,
			    struct outbytes out)
{
	if (!t->has_query)
		return plain;
	if (plain.begin == t->path.begin && plain.end + 1 == t->query.begin)
		return (struct bytes){ plain.begin, t->query.end };
	if (plain.begin == out.begin)
		out.at += bytes_len(plain);
	else
		put_copy(&out, plain.begin, bytes_len(plain));
	put_u8(&out, '?');
	put_copy(&out, t->query.begin, bytes_len(t->query));
	return bytes_of(out.begin, outbytes_len(&out));
}

struct bytes http_host_of(struct bytes authority)
{
	struct bytes host = text_trim(authority), before;

	while (text_take_until(&host, '@', &before))
		continue;
	if (bytes_len(host) > 0 && *host.begin == '[') {
		if (text_take_until(&host, ']', &before))
			host = (struct bytes){ before.begin, before.end + 1 };
		return host;
	}
	if (text_take_until(&host, ':', &before))
		host = before;
	if (bytes_len(host) > 1 && host.end[-1] == '.')
		host.end--;
	return host;
}
