/*
 * Theory. A hello is fixed fields and then extensions, each behind its type and
 * length. Those that are wanted are remembered by place, none is copied. One
 * that is there twice, or whose lengths do not fit, makes the hello malformed
 * (RFC 8446 4.2: servers refuse it); what was read before is told even so.
 */
#include "proto/tls_hello.h"

#include <stdio.h>
#include <string.h>

#include "proto/ja.h"
#include "proto/text.h"

#define RANDOM_BYTES 32
#define SESSION_MAX  32
#define SNI_HOST     0
#define SNI_TEXT_MAX 256 /* RFC 1035 allows 253 */

/* ServerHello.random of a HelloRetryRequest, RFC 8446 4.1.3. */
static const uint8_t retry_random[RANDOM_BYTES] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static bool take_vector8(struct bytes *b, struct bytes *ret)
{
	struct bytes at = *b;
	uint8_t len;

	if (!take_u8(&at, &len) || !take_bytes(&at, len, ret))
		return false;
	*b = at;
	return true;
}

static bool take_vector16(struct bytes *b, struct bytes *ret)
{
	struct bytes at = *b;
	uint16_t len;

	if (!take_be16(&at, &len) || !take_bytes(&at, len, ret))
		return false;
	*b = at;
	return true;
}

/* The first host of the list; a list without one is good, too. */
static bool read_sni(struct bytes value, struct tls_hello *h)
{
	struct bytes list, name;
	uint8_t kind;

	h->has_sni = true;
	if (!take_vector16(&value, &list))
		return false;
	while (take_u8(&list, &kind)) {
		if (!take_vector16(&list, &name))
			return false;
		if (kind == SNI_HOST && bytes_len(h->sni) == 0)
			h->sni = name;
	}
	return bytes_len(value) == 0;
}

static bool read_alpn(struct bytes value, struct tls_hello *h)
{
	struct bytes list, name;

	if (!take_vector16(&value, &list) || bytes_len(value) > 0)
		return false;
	for (struct bytes left = list; bytes_len(left) > 0;)
		if (!take_vector8(&left, &name) || bytes_len(name) == 0)
			return false;
	h->alpn = list;
	return true;
}

/* A list of numbers of `size` bytes that fills the value. */
static bool read_list(struct bytes list, struct bytes rest, size_t size,
		      struct bytes *ret)
{
	if (bytes_len(rest) > 0 || bytes_len(list) % size)
		return false;
	*ret = list;
	return true;
}

static bool read_extension(uint16_t type, struct bytes value, bool server,
			   struct tls_hello *h)
{
	struct bytes list;

	switch (type) {
	case TLS_EXT_SNI: return server || read_sni(value, h);
	case TLS_EXT_ALPN: return read_alpn(value, h);
	case TLS_EXT_GROUPS:
		return take_vector16(&value, &list) &&
		       read_list(list, value, 2, &h->groups);
	case TLS_EXT_SIGALGS:
		return take_vector16(&value, &list) &&
		       read_list(list, value, 2, &h->sigalgs);
	case TLS_EXT_POINTS:
		return take_vector8(&value, &list) &&
		       read_list(list, value, 1, &h->points);
	case TLS_EXT_VERSIONS:
		if (server) {
			h->versions = value;
			return bytes_len(value) == 2;
		}
		return take_vector8(&value, &list) &&
		       read_list(list, value, 2, &h->versions);
	default: return true;
	}
}

static bool read_extensions(struct bytes b, bool server, struct tls_hello *h)
{
	struct bytes list, value;
	uint64_t seen = 0;
	uint16_t type;

	if (bytes_len(b) == 0)
		return true; /* there need be none (RFC 5246 7.4.1.2) */
	if (!take_vector16(&b, &list))
		return false;
	h->extensions = list;
	while (bytes_len(list) > 0) {
		if (!take_be16(&list, &type) || !take_vector16(&list, &value)) {
			h->extensions.end = h->extensions.begin;
			return false;
		}
		if (type < 64 && seen >> type & 1)
			return false;
		seen |= type < 64 ? (uint64_t)1 << type : 0;
		if (!read_extension(type, value, server, h))
			return false;
	}
	return bytes_len(b) == 0;
}

bool tls_read_client_hello(struct bytes message, struct tls_hello *ret)
{
	struct bytes session, compressions;

	*ret = (struct tls_hello){ 0 };
	if (!take_be16(&message, &ret->version) ||
	    !take_skip(&message, RANDOM_BYTES) ||
	    !take_vector8(&message, &session) ||
	    bytes_len(session) > SESSION_MAX ||
	    !take_vector16(&message, &ret->ciphers) ||
	    !take_vector8(&message, &compressions))
		return false;
	if (bytes_len(ret->ciphers) % 2) {
		ret->ciphers.end--;
		return false;
	}
	return read_extensions(message, false, ret);
}

bool tls_read_server_hello(struct bytes message, struct tls_hello *ret)
{
	struct bytes random, session;

	*ret = (struct tls_hello){ 0 };
	if (!take_be16(&message, &ret->version) ||
	    !take_bytes(&message, RANDOM_BYTES, &random) ||
	    !take_vector8(&message, &session) ||
	    bytes_len(session) > SESSION_MAX ||
	    !take_bytes(&message, 2, &ret->ciphers) || !take_skip(&message, 1))
		return false;
	ret->retry = memcmp(random.begin, retry_random, RANDOM_BYTES) == 0;
	return read_extensions(message, true, ret);
}

uint16_t tls_best(const struct tls_hello *h)
{
	struct bytes b = h->versions;
	uint16_t best = 0, v;

	if (bytes_len(b) == 0)
		return h->version;
	while (take_be16(&b, &v))
		if (!tls_is_grease(v) && v > best)
			best = v;
	return best;
}

const char *tls_version_text(uint16_t version,
			     char buf[static TLS_VERSION_TEXT_MAX])
{
	switch (version) {
	case TLS_SSL2: return "ssl2";
	case TLS_SSL3: return "ssl3";
	case TLS_10: return "1.0";
	case TLS_11: return "1.1";
	case TLS_12: return "1.2";
	case TLS_13: return "1.3";
	default: break;
	}
	(void)snprintf(buf, TLS_VERSION_TEXT_MAX, "0x%04x", version);
	return buf;
}

bool tls_note_version(uint16_t version, enum proto_side side,
		      const struct proto_sink *sink)
{
	switch (version) {
	case TLS_SSL2: return sink->note(sink->arg, side, NOTE_TLS_SSL2);
	case TLS_SSL3: return sink->note(sink->arg, side, NOTE_TLS_SSL3);
	case TLS_10: return sink->note(sink->arg, side, NOTE_TLS_10);
	case TLS_11: return sink->note(sink->arg, side, NOTE_TLS_11);
	default: return true;
	}
}

static bool tell_text(const struct proto_sink *sink, enum proto_side side,
		      enum proto_field field, const char *text)
{
	return proto_tell(sink, side, field, bytes_of(text, strlen(text)));
}

static bool tell_version(const struct proto_sink *sink, enum proto_side side,
			 uint16_t version)
{
	char buf[TLS_VERSION_TEXT_MAX];

	return tell_text(sink, side, FIELD_TLS_VERSION,
			 tls_version_text(version, buf));
}

static bool tell_versions(const struct tls_hello *h,
			  const struct proto_sink *sink)
{
	struct bytes b = h->versions;
	uint16_t v;

	if (bytes_len(b) == 0)
		return tell_version(sink, PROTO_CLIENT, h->version);
	while (take_be16(&b, &v))
		if (!tls_is_grease(v) && !tell_version(sink, PROTO_CLIENT, v))
			return false;
	return true;
}

/* More than are asked for: nobody knows what is meant. */
static bool tell_cut(const struct proto_sink *sink, struct bytes name)
{
	struct proto_piece p = { .bytes = name,
				 .field = FIELD_TLS_ALPN,
				 .side = PROTO_CLIENT,
				 .begin = true,
				 .end = true,
				 .cut = true };

	return sink->note(sink->arg, PROTO_CLIENT, NOTE_LIMIT) &&
	       (!proto_wanted(sink, FIELD_TLS_ALPN) ||
		sink->piece(sink->arg, &p));
}

/*
 * The server takes one of them, nobody knows which: policy is asked about each,
 * the last with `asked` of who calls this.
 */
static bool tell_alpn(const struct tls_hello *h, enum proto_side side,
		      const struct proto_sink *sink)
{
	bool ask = side == PROTO_CLIENT && proto_wanted(sink, FIELD_TLS_ALPN);
	struct bytes b = h->alpn, name;
	unsigned n = 0;

	while (take_vector8(&b, &name)) {
		bool grease = bytes_len(name) == 2 &&
			      tls_is_grease((uint16_t)(name.begin[0] << 8 |
						       name.begin[1]));

		if (grease)
			continue;
		if (ask && n > 0 && !sink->asked(sink->arg))
			return false;
		if (ask && n++ == TLS_ALPN_MAX)
			return tell_cut(sink, name);
		if (!proto_tell(sink, side, FIELD_TLS_ALPN, name))
			return false;
	}
	return true;
}

/* In lower case, without the dot at its end that DNS would allow. */
static bool tell_sni(const struct tls_hello *h, const struct proto_sink *sink)
{
	size_t len = bytes_len(h->sni);
	uint8_t text[SNI_TEXT_MAX];

	if (len == 0)
		return true;
	if (len > sizeof text)
		return sink->note(sink->arg, PROTO_CLIENT, NOTE_MALFORMED);
	for (size_t i = 0; i < len; i++)
		text[i] = text_lower(h->sni.begin[i]);
	if (len > 1 && text[len - 1] == '.')
		len--;
	return proto_tell(sink, PROTO_CLIENT, FIELD_TLS_SNI,
			  bytes_of(text, len));
}

bool tls_tell_client_hello(const struct tls_hello *h, char transport,
			   const struct proto_sink *sink)
{
	char hash[JA_TEXT_MAX];

	if (!tell_sni(h, sink) || !tell_versions(h, sink) ||
	    !tls_note_version(tls_best(h), PROTO_CLIENT, sink))
		return false;
	if (ja_can(h) ? !tell_text(sink, PROTO_CLIENT, FIELD_JA3_HASH,
				   ja3(h, hash)) ||
				!tell_text(sink, PROTO_CLIENT, FIELD_JA4,
					   ja4(h, transport, hash))
		      : !sink->note(sink->arg, PROTO_CLIENT, NOTE_LIMIT))
		return false;
	return tell_alpn(h, PROTO_CLIENT, sink);
}

bool tls_tell_server_hello(const struct tls_hello *h,
			   const struct proto_sink *sink)
{
	char hash[JA_TEXT_MAX];

	if (h->retry)
		return true;
	return tell_version(sink, PROTO_SERVER, tls_best(h)) &&
	       tls_note_version(tls_best(h), PROTO_SERVER, sink) &&
	       tell_alpn(h, PROTO_SERVER, sink) &&
	       tell_text(sink, PROTO_SERVER, FIELD_JA3S_HASH, ja3s(h, hash));
}
