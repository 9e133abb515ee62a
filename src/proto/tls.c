/*
 * TLS (RFC 8446, 5246), up to where it is encrypted. A side's bytes are records,
 * and what is in its handshake records, one behind the other, is messages:
 *
 *   records   [22 v len .........][22 v len ......][20 .][23 ............
 *   messages      [1 len ClientHello  .......]
 *
 * A record's header is taken at once, and `left` is what is in it; a message is
 * left unread until all of it that is wanted is there, over as many records as
 * it takes (gather()); then it is told, and `skip` steps over it. So nothing is
 * kept but two lengths a side. Certificates are read of the server's first one
 * only. Other records, and other messages, are stepped over by their length.
 *
 * The parser is through with TLS 1.3's ServerHello, with the second side's
 * ChangeCipherSpec, or when application's bytes come: the rest is secret. A
 * HelloRetryRequest (1.3) makes the client begin again, in the open.
 *
 * SSL 2.0 (draft-hickman-netscape-ssl) begins with other bytes; its hello may
 * offer a later version, then records follow. Nothing else of it is read.
 */
#include "proto/tls.h"

#include <string.h>

#include "proto/text.h"
#include "proto/tls_hello.h"
#include "proto/worker_own.h"
#include "proto/x509.h"

#define RECORD_HEADER	 5
#define RECORD_CCS	 20
#define RECORD_ALERT	 21
#define RECORD_HELLO	 22		     /* handshake */
#define RECORD_BYTES	 23		     /* application's */
#define RECORD_BEAT	 24		     /* RFC 6520 */
#define RECORD_BYTES_MAX ((1u << 14) + 2048) /* RFC 5246 6.2.3 */

#define MESSAGE_HEADER	    4
#define MESSAGE_CLIENT	    1
#define MESSAGE_SERVER	    2
#define MESSAGE_CERTIFICATE 11
#define MESSAGE_SERVER_DONE 14
#define CERTIFICATE_HEADER  6 /* length of the list, of the first */

#define BEAT_REQUEST 1
#define BEAT_HEADER  3

#define SSL2_MESSAGE   9 /* of it, without its length */
#define SSL2_LONG      0x80
#define SSL2_SERVER    4
#define SSL2_CHALLENGE 32 /* 16 to that */

/* What the recogniser wants of a message: type, length, version. */
#define OPENING_MESSAGE 6
#define HELLO_MIN	38	   /* a server's without extensions */
#define HELLO_MAX	(1u << 17) /* what servers bear */

struct side {
	uint32_t skip; /* of the message that was told */
	uint16_t left; /* of the record; bytes that are not taken yet */
	uint8_t type;  /* of the record; 0: SSL 2.0 */
	bool begun;
	bool secret; /* what follows is encrypted */
	bool told;   /* its hello */
};

struct tls {
	struct side sides[PROTO_SIDE__MAX];
	bool retry; /* the client is to say another hello */
	bool ended; /* the server's */
};
_Static_assert(sizeof(struct tls) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(tls_state, "tls", struct tls, 1);

/* How a step went. */
enum step {
	STEP_ON,
	STEP_WAIT, /* for more bytes */
	STEP_DONE,
	STEP_BAD,  /* malformed, which is noted */
	STEP_LOST, /* not understood */
	STEP_STOP, /* the sink said so */
};

struct header {
	uint8_t type;
	uint16_t version, len;
};

/* The header of a record; false: too few bytes. *b as it was then. */
static bool take_header(struct bytes *b, struct header *h)
{
	struct bytes at = *b;

	if (!take_u8(&at, &h->type) || !take_be16(&at, &h->version) ||
	    !take_be16(&at, &h->len))
		return false;
	*b = at;
	return true;
}

static bool is_record(const struct header *h)
{
	return h->type >= RECORD_CCS && h->type <= RECORD_BEAT &&
	       h->version >= TLS_SSL3 && h->version <= TLS_13 &&
	       h->len <= RECORD_BYTES_MAX;
}

enum gathered { GATHER_WAIT, GATHER_OK, GATHER_BAD };

/*
 * *ret is n bytes of messages from b on, which has `left` bytes of a record and
 * then others: as they lie if they lie together, else copied to `room` (of n).
 */
static enum gathered gather(struct bytes b, size_t left, size_t n,
			    uint8_t *room, struct bytes *ret)
{
	struct outbytes out = outbytes_of(room, n);
	struct header h;
	struct bytes part;

	if (left >= n)
		return take_bytes(&b, n, ret) ? GATHER_OK : GATHER_WAIT;
	for (;;) {
		size_t want = n - outbytes_len(&out);

		if (!take_bytes(&b, left < want ? left : want, &part))
			return GATHER_WAIT;
		put_copy(&out, part.begin, bytes_len(part));
		if (outbytes_len(&out) == n)
			break;
		if (!take_header(&b, &h))
			return GATHER_WAIT;
		if (h.type != RECORD_HELLO || !is_record(&h) || h.len == 0)
			return GATHER_BAD;
		left = h.len;
	}
	*ret = bytes_of(room, n);
	return GATHER_OK;
}

static uint32_t be24(const uint8_t *b)
{
	return (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
}

/* A message that has a hello's type, a length that it may have, a version. */
static enum proto_guess guess_hello(struct bytes b, uint8_t want)
{
	uint8_t room[OPENING_MESSAGE];
	struct bytes m;
	struct header h;
	uint32_t len;

	if (!take_header(&b, &h))
		return text_begins(b, "\x16\x03") == PROTO_NO ? PROTO_NO
							      : PROTO_MAYBE;
	if (h.type != RECORD_HELLO || !is_record(&h) || h.len == 0)
		return PROTO_NO;
	/* what there is of it must do, so far */
	if (bytes_len(b) > 0 && *b.begin != want)
		return PROTO_NO;
	switch (gather(b, h.len, sizeof room, room, &m)) {
	case GATHER_WAIT: return PROTO_MAYBE;
	case GATHER_BAD: return PROTO_NO;
	case GATHER_OK: break;
	}
	len = be24(m.begin + 1);
	return len >= HELLO_MIN && len <= HELLO_MAX &&
			       m.begin[4] == TLS_SSL3 >> 8 &&
			       m.begin[5] <= (TLS_13 & 0xff)
		       ? PROTO_YES
		       : PROTO_NO;
}

/* SSL 2.0's CLIENT-HELLO. */
struct ssl2 {
	uint16_t len, version, ciphers, session, challenge;
	bool overflow; /* ciphers end beyond it */
};

static enum proto_guess read_ssl2(struct bytes b, struct ssl2 *ret)
{
	size_t have = bytes_len(b);
	uint8_t type;

	if (have == 0)
		return PROTO_MAYBE;
	if (!(b.begin[0] & SSL2_LONG) ||
	    (have > 2 && b.begin[2] != MESSAGE_CLIENT) ||
	    (have > 4 && b.begin[3] != TLS_SSL3 >> 8 &&
	     (b.begin[3] != 0 || b.begin[4] != TLS_SSL2)))
		return PROTO_NO;
	if (!take_be16(&b, &ret->len) || !take_u8(&b, &type) ||
	    !take_be16(&b, &ret->version) || !take_be16(&b, &ret->ciphers) ||
	    !take_be16(&b, &ret->session) || !take_be16(&b, &ret->challenge))
		return PROTO_MAYBE;
	ret->len &= (uint16_t) ~(SSL2_LONG << 8);
	ret->overflow = ret->ciphers + SSL2_MESSAGE > ret->len;
	if (ret->version > TLS_13 || ret->len < SSL2_MESSAGE ||
	    ret->ciphers == 0 || ret->ciphers % 3 ||
	    (ret->session != 0 && ret->session != 16) || ret->challenge < 16 ||
	    ret->challenge > SSL2_CHALLENGE)
		return PROTO_NO;
	return ret->overflow || ret->ciphers + ret->session + ret->challenge +
						SSL2_MESSAGE ==
					ret->len
		       ? PROTO_YES
		       : PROTO_NO;
}

/*
 * Met in its middle: a record that is there whole, or a record's header of each
 * side. What follows may be cut anywhere, and says nothing.
 */
static enum proto_guess guess_record(struct bytes b, bool *plausible)
{
	struct header h = { RECORD_HELLO, TLS_SSL3, 0 };
	struct bytes head = b;

	*plausible = take_header(&b, &h) && is_record(&h) && h.len > 0;
	if (*plausible)
		return take_skip(&b, h.len) ? PROTO_YES : PROTO_MAYBE;
	/* or its first bytes */
	if (bytes_len(head) >= RECORD_HEADER)
		return PROTO_NO;
	if (take_u8(&head, &h.type) && bytes_len(head) > 0)
		h.version = (uint16_t)(*head.begin << 8);
	return is_record(&h) ? PROTO_MAYBE : PROTO_NO;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes client = o->said[PROTO_CLIENT];
	struct bytes server = o->said[PROTO_SERVER];
	enum proto_guess hello, record[PROTO_SIDE__MAX];
	bool both[PROTO_SIDE__MAX];
	struct ssl2 ssl2;

	if (bytes_len(client) > 0) {
		hello = guess_hello(client, MESSAGE_CLIENT);
		if (hello == PROTO_NO)
			hello = read_ssl2(client, &ssl2);
	} else {
		hello = guess_hello(server, MESSAGE_SERVER);
	}
	if (hello == PROTO_YES || !o->midstream)
		return hello;
	for (int side = 0; side < PROTO_SIDE__MAX; side++)
		record[side] = guess_record(o->said[side], &both[side]);
	if (record[PROTO_CLIENT] == PROTO_YES ||
	    record[PROTO_SERVER] == PROTO_YES ||
	    (both[PROTO_CLIENT] && both[PROTO_SERVER]))
		return PROTO_YES;
	return hello == PROTO_MAYBE ? hello : record[o->now];
}

/* One side's bytes as they are read. */
struct reading {
	struct tls *tls;
	struct side *s;
	enum proto_side side;
	struct bytes b;
	struct proto_worker *w;
	const struct proto_sink *sink;
};

static enum step note(struct reading *r, enum proto_note n)
{
	return r->sink->note(r->sink->arg, r->side, n) ? STEP_ON : STEP_STOP;
}

/* A client's hello is told: may it go on? */
static enum step ask(struct reading *r)
{
	return r->sink->asked(r->sink->arg) &&
			       r->sink->ended(r->sink->arg, PROTO_CLIENT)
		       ? STEP_ON
		       : STEP_STOP;
}

static enum step end_server(struct reading *r)
{
	if (r->side != PROTO_SERVER || r->tls->ended)
		return STEP_ON;
	r->tls->ended = true;
	return r->sink->ended(r->sink->arg, PROTO_SERVER) ? STEP_ON : STEP_STOP;
}

static enum step tell_client(struct reading *r, struct bytes message)
{
	struct tls_hello h;

	r->s->told = true;
	if (!tls_read_client_hello(message, &h) &&
	    note(r, NOTE_MALFORMED) == STEP_STOP)
		return STEP_STOP;
	if (!tls_tell_client_hello(&h, 't', r->sink))
		return STEP_STOP;
	return ask(r);
}

static enum step tell_server(struct reading *r, struct bytes message)
{
	struct tls_hello h;

	if (!tls_read_server_hello(message, &h))
		return note(r, NOTE_MALFORMED) == STEP_STOP ? STEP_STOP
							    : STEP_LOST;
	if (h.retry) {
		r->tls->retry = true;
		r->tls->sides[PROTO_CLIENT].secret = false;
		return STEP_ON;
	}
	r->s->told = true;
	if (!tls_tell_server_hello(&h, r->sink))
		return STEP_STOP;
	if (tls_best(&h) < TLS_13)
		return STEP_ON;
	return end_server(r) == STEP_STOP ? STEP_STOP : STEP_DONE;
}

static bool tell_name(struct reading *r, enum proto_field field,
		      struct bytes name)
{
	uint8_t room[CERTIFICATE_TEXT_MAX];
	struct outbytes out = outbytes_of(room, sizeof room);
	struct proto_piece p = { .field = (uint8_t)field,
				 .side = (uint8_t)r->side,
				 .begin = true,
				 .end = true };

	x509_put_name(name, &out);
	p.bytes = bytes_of(room, outbytes_len(&out));
	p.cut = out.full;
	return r->sink->piece(r->sink->arg, &p);
}

/* A host's name, in lower case. */
static bool tell_host(struct reading *r, struct bytes name)
{
	uint8_t room[CERTIFICATE_TEXT_MAX];
	size_t len = bytes_len(name);
	struct proto_piece p = { .field = FIELD_TLS_CERT_NAME,
				 .side = (uint8_t)r->side,
				 .begin = true,
				 .end = true,
				 .cut = len > sizeof room };

	len = p.cut ? sizeof room : len;
	for (size_t i = 0; i < len; i++)
		room[i] = text_lower(name.begin[i]);
	p.bytes = bytes_of(room, len);
	return r->sink->piece(r->sink->arg, &p);
}

/* list: the first certificate behind two lengths. */
static enum step tell_certificate(struct reading *r, struct bytes list)
{
	struct bytes name;
	struct x509 x;

	(void)take_skip(&list, CERTIFICATE_HEADER); /* the caller has seen it */
	if (!x509_read(list, &x))
		return note(r, NOTE_MALFORMED);
	if (!tell_name(r, FIELD_TLS_CERT_SUBJECT, x.subject) ||
	    !tell_name(r, FIELD_TLS_CERT_ISSUER, x.issuer))
		return STEP_STOP;
	while (x509_next_dns_name(&x.names, &name))
		if (!tell_host(r, name))
			return STEP_STOP;
	return STEP_ON;
}

/* *ret: the message's first n bytes behind its header. */
static enum step want(struct reading *r, uint32_t n, struct bytes *ret)
{
	n += MESSAGE_HEADER;
	if (n > TLS_MESSAGE_MAX)
		return note(r, NOTE_LIMIT) == STEP_STOP ? STEP_STOP : STEP_LOST;
	switch (gather(r->b, r->s->left, n, r->w->scratch, ret)) {
	case GATHER_WAIT: return STEP_WAIT;
	case GATHER_BAD: return STEP_BAD;
	case GATHER_OK: break;
	}
	(void)take_skip(ret, MESSAGE_HEADER); /* there are that many */
	return STEP_ON;
}

static enum step read_certificate(struct reading *r, uint32_t len)
{
	struct bytes b;
	enum step step;
	uint32_t first;

	if (len < CERTIFICATE_HEADER)
		return STEP_ON; /* an empty list */
	step = want(r, CERTIFICATE_HEADER, &b);
	if (step != STEP_ON)
		return step;
	first = be24(b.begin + 3);
	if (first > len - CERTIFICATE_HEADER)
		return STEP_BAD;
	step = want(r, CERTIFICATE_HEADER + first, &b);
	return step == STEP_ON ? tell_certificate(r, b) : step;
}

/* A hello that nobody waits for: its client is asked about without a name. */
static enum step read_client(struct reading *r, uint32_t len)
{
	struct bytes b;
	enum step step = want(r, len, &b);

	if (step == STEP_ON)
		return tell_client(r, b);
	if (step == STEP_LOST && ask(r) == STEP_STOP)
		return STEP_STOP;
	return step;
}

static enum step read_message(struct reading *r, uint8_t type, uint32_t len)
{
	struct bytes b;
	enum step step;

	if (r->side == PROTO_CLIENT)
		return type == MESSAGE_CLIENT ? read_client(r, len) : STEP_ON;
	if (type == MESSAGE_SERVER) {
		step = want(r, len, &b);
		return step == STEP_ON ? tell_server(r, b) : step;
	}
	if (type == MESSAGE_CERTIFICATE && r->s->told)
		return read_certificate(r, len);
	return type == MESSAGE_SERVER_DONE ? end_server(r) : STEP_ON;
}

static void skip(struct reading *r, uint32_t n)
{
	if (n > r->s->left)
		n = r->s->left;
	if (n > bytes_len(r->b))
		n = (uint32_t)bytes_len(r->b);
	(void)take_skip(&r->b, n); /* there are that many */
	r->s->left = (uint16_t)(r->s->left - n);
	r->s->skip -= n < r->s->skip ? n : r->s->skip;
}

/* In a record of the handshake. */
static enum step step_handshake(struct reading *r)
{
	uint8_t room[MESSAGE_HEADER];
	struct bytes b;
	enum step step;
	uint32_t len;

	if (r->s->skip > 0) {
		skip(r, r->s->skip);
		return bytes_len(r->b) > 0 ? STEP_ON : STEP_WAIT;
	}
	switch (gather(r->b, r->s->left, MESSAGE_HEADER, room, &b)) {
	case GATHER_WAIT: return STEP_WAIT;
	case GATHER_BAD: return STEP_BAD;
	case GATHER_OK: break;
	}
	len = be24(b.begin + 1);
	step = read_message(r, b.begin[0], len);
	if (step == STEP_ON)
		r->s->skip = MESSAGE_HEADER + len;
	return step;
}

/* A heartbeat says how many bytes it brings, and gets as many back. */
static enum step step_beat(struct reading *r, uint16_t record_len)
{
	struct bytes at = r->b;
	uint16_t len;
	uint8_t type;

	if (record_len < BEAT_HEADER)
		return STEP_ON;
	if (!take_u8(&at, &type) || !take_be16(&at, &len))
		return STEP_WAIT;
	if (type == BEAT_REQUEST && len > record_len - BEAT_HEADER)
		return note(r, NOTE_TLS_HEARTBLEED);
	return STEP_ON;
}

/* What a record's header tells alone; it is not taken yet. */
static enum step step_header(struct reading *r, const struct header *h)
{
	const struct side *sides = r->tls->sides;

	switch (h->type) {
	case RECORD_CCS:
		/* TLS 1.3 sends them for show, RFC 8446 D.4 */
		if (r->tls->retry)
			return STEP_ON;
		r->s->secret = true;
		if (end_server(r) == STEP_STOP)
			return STEP_STOP;
		return sides[!r->side].secret ? STEP_DONE : STEP_ON;
	case RECORD_BYTES:
		/* a client's early ones come before the server's hello */
		if (r->side == PROTO_CLIENT && r->s->told &&
		    !sides[PROTO_SERVER].told)
			return STEP_ON;
		return STEP_DONE;
	default: return STEP_ON;
	}
}

static enum step step_record(struct reading *r)
{
	struct bytes at = r->b;
	struct reading body = *r;
	struct header h;
	enum step step;

	if (!take_header(&at, &h))
		return STEP_WAIT;
	if (!is_record(&h))
		return r->s->begun ? STEP_BAD : STEP_LOST;
	if (h.type == RECORD_BEAT && !r->s->secret) {
		body.b = at;
		step = step_beat(&body, h.len);
		if (step != STEP_ON)
			return step;
	}
	step = step_header(r, &h);
	if (step != STEP_ON)
		return step;
	r->b = at;
	r->s->begun = true;
	r->s->type = h.type;
	r->s->left = h.len;
	return STEP_ON;
}

/* Of a client's first bytes; STEP_LOST: they are not SSL 2.0's. */
static enum step step_ssl2(struct reading *r)
{
	char text[TLS_VERSION_TEXT_MAX];
	struct ssl2 h;
	const char *version;

	switch (read_ssl2(r->b, &h)) {
	case PROTO_NO: return STEP_LOST;
	case PROTO_MAYBE: return STEP_WAIT;
	case PROTO_YES: break;
	}
	version = tls_version_text(h.version, text);
	if (!proto_tell(r->sink, r->side, FIELD_TLS_VERSION,
			bytes_of(version, strlen(version))) ||
	    !tls_note_version(h.version, r->side, r->sink) ||
	    (h.overflow && note(r, NOTE_TLS_SSL2_CIPHERS) == STEP_STOP) ||
	    ask(r) == STEP_STOP)
		return STEP_STOP;
	r->s->begun = r->s->told = true;
	r->s->type = 0;
	r->s->left = (uint16_t)(h.len + 2);
	return STEP_ON;
}

/* SSL 2.0's SERVER-HELLO: no later version was chosen. */
static enum step step_ssl2_server(struct reading *r)
{
	if (bytes_len(r->b) < 3)
		return STEP_WAIT;
	if (!(r->b.begin[0] & SSL2_LONG) || r->b.begin[2] != SSL2_SERVER)
		return STEP_LOST;
	if (!proto_tell(r->sink, r->side, FIELD_TLS_VERSION,
			bytes_of("ssl2", 4)) ||
	    !tls_note_version(TLS_SSL2, r->side, r->sink) ||
	    end_server(r) == STEP_STOP)
		return STEP_STOP;
	return STEP_DONE;
}

static enum step step_first(struct reading *r)
{
	if (!(r->b.begin[0] & SSL2_LONG))
		return step_record(r);
	return r->side == PROTO_CLIENT ? step_ssl2(r) : step_ssl2_server(r);
}

static enum step step(struct reading *r)
{
	if (bytes_len(r->b) == 0)
		return STEP_WAIT;
	if (!r->s->begun)
		return step_first(r);
	if (r->s->left == 0)
		return step_record(r);
	if (r->s->type == RECORD_HELLO && !r->s->secret)
		return step_handshake(r);
	skip(r, r->s->left);
	return STEP_ON;
}

/* Crumbs of records: too much is unread, though no message is too long. */
static enum step give_up(struct reading *r)
{
	if (note(r, NOTE_LIMIT) == STEP_STOP ||
	    (r->side == PROTO_CLIENT && ask(r) == STEP_STOP))
		return STEP_STOP;
	return STEP_LOST;
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	struct tls *t = state;
	struct reading r = {
		.tls = t,
		.s = &t->sides[c->side],
		.side = (enum proto_side)c->side,
		.b = c->bytes,
		.w = w,
		.sink = sink,
	};
	enum step s = c->gap_before && r.s->begun ? STEP_LOST : STEP_ON;

	while (s == STEP_ON)
		s = step(&r);
	if (s == STEP_WAIT && bytes_len(r.b) > TLS_UNREAD_MAX)
		s = give_up(&r);
	if (s == STEP_BAD)
		s = note(&r, NOTE_MALFORMED) == STEP_STOP ? STEP_STOP
							  : STEP_LOST;
	return (struct proto_result){
		.state = s == STEP_WAIT	  ? PROTO_READING
			 : s == STEP_DONE ? PROTO_DONE
			 : s == STEP_STOP ? PROTO_STOPPED
					  : PROTO_LOST,
		.consumed = bytes_len(c->bytes) - bytes_len(r.b),
	};
}

const struct proto_parser proto_tls = {
	.name = "tls",
	.app = APP_TLS,
	.tcp = true,
	.state = &tls_state,
	.recognise = recognise,
	.read = read,
};
