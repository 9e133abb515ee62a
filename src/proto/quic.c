/*
 * QUIC (RFC 9000): the ClientHello of its first packets. These are encrypted,
 * but with keys that follow from what stands in them openly (RFC 9001 5.2), so
 * that only who would change them must be an active attacker.
 *
 *   datagram   [Initial header | number, frames, tag][0-RTT ...][...]
 *   frames     CRYPTO(offset, part of the hello), PADDING, PING, ACK
 *
 * A hello lies in parts of any order in one or more packets. They are put
 * together in a place of the worker's (struct quic_hello), of which there are
 * QUIC_HELLOS: taken in turn, so who leaves its hello half said loses its place
 * to who comes much later, and is asked about without a name. A packet whose tag
 * is wrong is nobody's: its receiver drops it, too.
 *
 * The keys follow from the client's first destination id, and stay when the
 * server has chosen another. So a packet that they do not open is tried with
 * keys of its own id: then it is another connection between the same ports (or
 * the same one after a Retry), and its hello is told as well. Therefore the
 * parser never ends; of all other packets it looks at the first byte.
 */
#include "proto/quic.h"

#include <nettle/aes.h>
#include <nettle/gcm.h>
#include <nettle/hmac.h>
#include <string.h>

#include "proto/tls_hello.h"
#include "proto/worker_own.h"

#define FORM_LONG	0x80
#define BIT_FIXED	0x40
#define TYPE(first)	((first) >> 4 & 3)
#define TYPE_INITIAL_V1 0
#define TYPE_INITIAL_V2 1
#define TYPE_RETRY_V1	3
#define TYPE_RETRY_V2	0

#define VERSION_1 0x00000001u
#define VERSION_2 0x6b3343cfu

#define ID_MAX		 20
#define ID_MIN_CLIENT	 8 /* RFC 9000 7.2 */
#define SAMPLE_AT	 4 /* behind where the number begins */
#define SAMPLE_BYTES	 AES_BLOCK_SIZE
#define TAG_BYTES	 16
#define IV_BYTES	 12
#define NUMBER_BYTES_MAX 4

#define FRAME_PADDING 0x00
#define FRAME_PING    0x01
#define FRAME_ACK     0x02
#define FRAME_ACK_ECN 0x03
#define FRAME_CRYPTO  0x06
#define FRAME_CLOSE   0x1c

#define MESSAGE_HEADER 4
#define MESSAGE_CLIENT 1

struct keys {
	uint8_t key[AES128_KEY_SIZE];
	uint8_t iv[IV_BYTES];
	uint8_t veil[AES128_KEY_SIZE]; /* header protection */
};

struct quic {
	uint32_t version; /* of the keys; 0: there are none */
	struct keys keys;
	uint64_t serial; /* of its hello's place; 0: none */
	uint16_t place;	 /* in proto_worker.quic */
	bool asked;	 /* the hello was told */
};
_Static_assert(sizeof(struct quic) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(quic_state, "quic", struct quic, 1);

static const struct {
	uint32_t version;
	uint8_t salt[20];
	const char *key, *iv, *veil;
	uint8_t initial, retry; /* types */
} versions[] = {
	/* RFC 9001 5.2, 5.1, 5.4.1 */
	{ VERSION_1,
	  { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	    0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a },
	  "tls13 quic key",
	  "tls13 quic iv",
	  "tls13 quic hp",
	  TYPE_INITIAL_V1,
	  TYPE_RETRY_V1 },
	/* RFC 9369 3.2, 3.3 */
	{ VERSION_2,
	  { 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	    0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 },
	  "tls13 quicv2 key",
	  "tls13 quicv2 iv",
	  "tls13 quicv2 hp",
	  TYPE_INITIAL_V2,
	  TYPE_RETRY_V2 },
};
#define VERSIONS (sizeof versions / sizeof *versions)

/* VERSIONS: it is none that is read. */
static size_t version_at(uint32_t version)
{
	size_t i = 0;

	while (i < VERSIONS && versions[i].version != version)
		i++;
	return i;
}

/* One that is or was spoken, or reserved for exercise (RFC 9000 15). */
static bool is_known(uint32_t version)
{
	uint32_t family = version & 0xffff0000;

	return version_at(version) < VERSIONS || version >> 8 == 0xff0000 ||
	       version == 0x709a50c4 /* a draft of version 2 */ ||
	       (version & 0x0f0f0f0f) == 0x0a0a0a0a || family == 0x51300000 ||
	       family == 0x54300000 /* "Q0..", "T0..": Google's */ ||
	       version >> 4 == 0xfaceb00;
}

static bool take_varint(struct bytes *b, uint64_t *ret)
{
	struct bytes at = *b;
	uint8_t first, next;
	uint64_t v;

	if (!take_u8(&at, &first))
		return false;
	v = first & 0x3f;
	for (unsigned more = (1u << (first >> 6)) - 1; more > 0; more--) {
		if (!take_u8(&at, &next))
			return false;
		v = v << 8 | next;
	}
	*b = at;
	*ret = v;
	return true;
}

static bool take_id(struct bytes *b, struct bytes *ret)
{
	uint8_t len;

	return take_u8(b, &len) && len <= ID_MAX && take_bytes(b, len, ret);
}

/* A packet with a long header. */
struct packet {
	uint8_t first;
	uint32_t version;
	struct bytes to, from; /* ids */
	struct bytes header;   /* up to its number, veiled */
	struct bytes body;     /* from its number on */
};

static bool take_invariants(struct bytes *b, struct packet *p)
{
	return take_u8(b, &p->first) && p->first & FORM_LONG &&
	       take_be32(b, &p->version) && take_id(b, &p->to) &&
	       take_id(b, &p->from);
}

/* What is between the ids and the number. false: too few bytes. */
static bool take_lengths(struct bytes *b, bool initial, uint64_t *len)
{
	uint64_t token;

	if (initial && (!take_varint(b, &token) || token > bytes_len(*b) ||
			!take_skip(b, (size_t)token)))
		return false;
	return take_varint(b, len);
}

/* A client's first datagram holds 1200 bytes at least, RFC 9000 14.1. */
static enum proto_guess guess_client(struct bytes b, bool cut)
{
	struct packet p;
	uint64_t len;
	size_t v;

	if (!cut || !take_invariants(&b, &p) || !(p.first & BIT_FIXED) ||
	    !is_known(p.version))
		return PROTO_NO;
	v = version_at(p.version);
	if (v == VERSIONS)
		return PROTO_YES;
	if (TYPE(p.first) != versions[v].initial ||
	    bytes_len(p.to) < ID_MIN_CLIENT)
		return PROTO_NO;
	/* a long token may reach beyond what is shown */
	if (!take_lengths(&b, true, &len))
		return PROTO_YES;
	return len >= SAMPLE_AT + SAMPLE_BYTES && len <= UINT16_MAX ? PROTO_YES
								    : PROTO_NO;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes server = o->said[PROTO_SERVER];
	struct packet p;

	if (bytes_len(o->said[PROTO_CLIENT]) > 0)
		return guess_client(o->said[PROTO_CLIENT],
				    o->cut[PROTO_CLIENT]);
	return take_invariants(&server, &p) && p.first & BIT_FIXED &&
			       version_at(p.version) < VERSIONS
		       ? PROTO_YES
		       : PROTO_NO;
}

/* HKDF-Expand-Label of RFC 8446 7.1, of up to one hash. */
static void expand(const uint8_t secret[static SHA256_DIGEST_SIZE],
		   const char *label, size_t len, uint8_t *ret)
{
	uint8_t head[3] = { 0, (uint8_t)len, (uint8_t)strlen(label) };
	static const uint8_t tail[] = { 0, 1 }; /* no context; first block */
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, SHA256_DIGEST_SIZE, secret);
	hmac_sha256_update(&hmac, sizeof head, head);
	hmac_sha256_update(&hmac, head[2], (const uint8_t *)label);
	hmac_sha256_update(&hmac, sizeof tail, tail);
	hmac_sha256_digest(&hmac, len, ret);
}

/* Of a client's packets; id: where its first one went. */
static void derive(size_t version, struct bytes id, struct keys *ret)
{
	uint8_t secret[SHA256_DIGEST_SIZE], client[SHA256_DIGEST_SIZE];
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, sizeof versions[version].salt,
			    versions[version].salt);
	hmac_sha256_update(&hmac, bytes_len(id), id.begin);
	hmac_sha256_digest(&hmac, sizeof secret, secret);
	expand(secret, "tls13 client in", sizeof client, client);
	expand(client, versions[version].key, sizeof ret->key, ret->key);
	expand(client, versions[version].iv, sizeof ret->iv, ret->iv);
	expand(client, versions[version].veil, sizeof ret->veil, ret->veil);
}

/*
 * Opens p by `keys`; *ret is its frames, in `room`, which holds a datagram.
 * false: they are not its keys, or it was changed.
 */
static bool open_packet(const struct keys *keys, const struct packet *p,
			uint8_t *room, struct bytes *ret)
{
	uint8_t veil[AES_BLOCK_SIZE], nonce[IV_BYTES], tag[TAG_BYTES];
	size_t header = bytes_len(p->header), number, len;
	const uint8_t *from;
	struct gcm_aes128_ctx gcm;
	struct aes128_ctx aes;

	if (bytes_len(p->body) < SAMPLE_AT + SAMPLE_BYTES ||
	    header + bytes_len(p->body) > PROTO_SCRATCH_BYTES)
		return false;
	aes128_set_encrypt_key(&aes, keys->veil);
	aes128_encrypt(&aes, sizeof veil, veil, p->body.begin + SAMPLE_AT);
	memcpy(room, p->header.begin, header);
	room[0] ^= veil[0] & 0x0f;
	number = (size_t)(room[0] & 3) + 1;
	memcpy(nonce, keys->iv, sizeof nonce);
	for (size_t i = 0; i < number; i++) {
		room[header + i] = p->body.begin[i] ^ veil[1 + i];
		nonce[IV_BYTES - number + i] ^= room[header + i];
	}
	header += number;
	from = p->body.begin + number;
	len = bytes_len(p->body) - number - TAG_BYTES;
	gcm_aes128_set_key(&gcm, keys->key);
	gcm_aes128_set_iv(&gcm, sizeof nonce, nonce);
	gcm_aes128_update(&gcm, header, room);
	gcm_aes128_decrypt(&gcm, len, room + header, from);
	gcm_aes128_digest(&gcm, sizeof tag, tag);
	*ret = bytes_of(room + header, len);
	return memcmp(tag, from + len, sizeof tag) == 0;
}

/* One client's datagram as it is read. */
struct reading {
	struct quic *q;
	struct proto_worker *w;
	const struct proto_sink *sink;
	bool stop; /* the sink said so */
};

static void note(struct reading *r, enum proto_note n)
{
	r->stop = r->stop || !r->sink->note(r->sink->arg, PROTO_CLIENT, n);
}

/* All is told that will be. */
static void ask(struct reading *r)
{
	r->q->asked = true;
	r->stop = r->stop || !r->sink->asked(r->sink->arg) ||
		  !r->sink->ended(r->sink->arg, PROTO_CLIENT);
}

static void give_up(struct reading *r)
{
	note(r, NOTE_LIMIT);
	ask(r);
}

/* The place of its hello; NULL: it had one, and lost it. */
static struct quic_hello *hello_of(struct reading *r)
{
	struct proto_worker *w = r->w;
	struct quic_hello *h;

	if (r->q->serial) {
		h = &w->quic[r->q->place];
		return h->serial == r->q->serial ? h : NULL;
	}
	r->q->place = (uint16_t)w->quic_next;
	w->quic_next = (w->quic_next + 1) % QUIC_HELLOS;
	h = &w->quic[r->q->place];
	h->serial = r->q->serial = ++w->quic_serial;
	h->whole = 0;
	memset(h->have, 0, sizeof h->have);
	return h;
}

static void drop_hello(struct reading *r)
{
	struct proto_worker *w = r->w;
	struct quic *q = r->q;

	/* mostly it is the one taken last, and nobody's turn is lost */
	if (q->serial && w->quic[q->place].serial == q->serial) {
		w->quic[q->place].serial = 0;
		if ((q->place + 1u) % QUIC_HELLOS == w->quic_next)
			w->quic_next = q->place;
	}
	q->serial = 0;
}

/* Is the hello there? Then it is told. */
static void look(struct reading *r, const struct quic_hello *place)
{
	struct bytes b = bytes_of(place->bytes, place->whole), message;
	struct tls_hello h;
	uint16_t low;
	uint8_t type, high;

	if (!take_u8(&b, &type) || !take_u8(&b, &high) || !take_be16(&b, &low))
		return;
	if (type != MESSAGE_CLIENT) {
		note(r, NOTE_MALFORMED);
		ask(r);
	} else if (high || low > QUIC_HELLO_MAX - MESSAGE_HEADER) {
		give_up(r);
	} else if (take_bytes(&b, low, &message)) {
		if (!tls_read_client_hello(message, &h))
			note(r, NOTE_MALFORMED);
		r->stop = r->stop || !tls_tell_client_hello(&h, 'q', r->sink);
		ask(r);
	} else {
		return;
	}
	drop_hello(r);
}

/* A part of the hello. */
static void put_part(struct reading *r, uint64_t offset, struct bytes part)
{
	size_t len = bytes_len(part);
	struct quic_hello *h;

	if (r->q->asked || len == 0)
		return;
	h = hello_of(r);
	if (!h || offset > QUIC_HELLO_MAX || len > QUIC_HELLO_MAX - offset) {
		drop_hello(r);
		give_up(r);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		uint8_t *have = &h->have[offset + i];

		/* what came first counts */
		if (!*have)
			h->bytes[offset + i] = part.begin[i];
		*have = 1;
	}
	while (h->whole < QUIC_HELLO_MAX && h->have[h->whole])
		h->whole++;
	look(r, h);
}

static bool take_varints(struct bytes *b, uint64_t n)
{
	uint64_t v;

	while (n-- > 0)
		if (!take_varint(b, &v))
			return false;
	return true;
}

static bool take_ack(struct bytes *b, bool ecn)
{
	uint64_t ranges;

	/* largest, delay; first range; then pairs */
	return take_varints(b, 2) && take_varint(b, &ranges) &&
	       ranges <= bytes_len(*b) && take_varints(b, 1 + 2 * ranges) &&
	       (!ecn || take_varints(b, 3));
}

/* The only frames that an Initial packet may have, RFC 9000 17.2.2. */
static bool take_frame(struct reading *r, struct bytes *b)
{
	uint64_t type, offset, len;
	struct bytes part;

	if (!take_varint(b, &type))
		return false;
	switch (type) {
	case FRAME_PADDING:
	case FRAME_PING: return true;
	case FRAME_ACK:
	case FRAME_ACK_ECN: return take_ack(b, type == FRAME_ACK_ECN);
	case FRAME_CLOSE:
		return take_varints(b, 2) && take_varint(b, &len) &&
		       len <= bytes_len(*b) && take_skip(b, (size_t)len);
	case FRAME_CRYPTO:
		if (!take_varint(b, &offset) || !take_varint(b, &len) ||
		    len > bytes_len(*b) || !take_bytes(b, (size_t)len, &part))
			return false;
		put_part(r, offset, part);
		return true;
	default: return false;
	}
}

static void read_initial(struct reading *r, const struct packet *p)
{
	size_t version = version_at(p->version);
	struct quic *q = r->q;
	struct bytes frames;
	struct keys keys;

	if (q->version != p->version ||
	    !open_packet(&q->keys, p, r->w->scratch, &frames)) {
		derive(version, p->to, &keys);
		if (!open_packet(&keys, p, r->w->scratch, &frames))
			return;
		drop_hello(r);
		q->version = p->version;
		q->keys = keys;
		q->asked = false;
	}
	while (!r->stop && bytes_len(frames) > 0)
		if (!take_frame(r, &frames)) {
			note(r, NOTE_MALFORMED);
			return;
		}
}

/* Takes the next packet of a datagram; false: nothing more is to be read. */
static bool take_packet(struct bytes *b, struct packet *p, bool *initial)
{
	struct bytes at = *b;
	uint64_t len;
	size_t v;

	if (!take_invariants(&at, p))
		return false;
	v = version_at(p->version);
	if (v == VERSIONS || TYPE(p->first) == versions[v].retry)
		return false;
	*initial = TYPE(p->first) == versions[v].initial;
	if (!take_lengths(&at, *initial, &len) || len > bytes_len(at))
		return false;
	p->header = (struct bytes){ b->begin, at.begin };
	if (!take_bytes(&at, (size_t)len, &p->body))
		return false;
	*b = at;
	return true;
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	struct reading r = { .q = state, .w = w, .sink = sink };
	struct bytes b = c->bytes;
	unsigned initials = 0;
	struct packet p;
	bool initial;

	while (c->side == PROTO_CLIENT && !r.stop &&
	       take_packet(&b, &p, &initial)) {
		if (!initial)
			continue;
		if (++initials > QUIC_INITIALS_MAX) {
			drop_hello(&r);
			give_up(&r);
			break;
		}
		read_initial(&r, &p);
	}
	return (struct proto_result){
		.state = r.stop ? PROTO_STOPPED : PROTO_READING,
	};
}

/* Its place is nobody's when it has lost it. */
static bool adopt(const void *state, struct proto_worker *w)
{
	const struct quic *q = state;

	return q->place < QUIC_HELLOS;
}

const struct proto_parser proto_quic = {
	.name = "quic",
	.app = APP_QUIC,
	.udp = true,
	.state = &quic_state,
	.recognise = recognise,
	.read = read,
	.adopt = adopt,
};
