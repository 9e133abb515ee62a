/*
 * Requests and answers are length (4) and content, numbers big-endian. A request:
 *
 *   api (2) | its version (2) | number (4) | client's id | (tags) | body
 *
 * Where the topics are is described in kafka_apis.c; the body is gone along step by
 * step, and what lies between topics is passed over. Asked is for each topic as soon
 * as it is known, once for a request without. Newer versions name topics by an id of
 * 16 bytes: then that is told, written as Kafka does (base64). Where topics may be and
 * are not found - another version, a body that is not as described - one is told of
 * that is not seen.
 *
 * "Flexible" versions: lengths are variable, 7 bits a byte, and one more than they
 * are, 0 is null; behind each structure are tags, their number, and for each its
 * number, length and content.
 */
#include "proto/kafka.h"

#include <string.h>

#include "proto/frames.h"
#include "proto/kafka_apis.h"
#include "proto/text.h"

/* As socket.request.max.bytes, at most what an int can be. */
#define MESSAGE_MAX 0x7fffffffu
/* The first request of a connection is small. */
#define OPENING_MAX (1u << 20)
#define CLIENT_MAX  256
#define VERSION_MAX 24
/* Of a request: api, version, number, length of the client's id. */
#define HEAD_BYTES 10u

struct kafka {
	struct frames frames;
	uint16_t api;  /* of kafka_api() */
	uint32_t left; /* of the client's message */
	struct level {
		uint32_t left; /* elements */
		uint8_t begin; /* step behind ARRAY */
	} level[KAFKA_DEPTH_MAX];
	uint8_t depth, at; /* step */
	uint8_t version;
	bool flexible;
	bool in_body, asked;
	bool raw; /* behind an old SASL handshake: messages have no head */
};
_Static_assert(sizeof(struct kafka) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(kafka_state, "kafka", struct kafka, 1);

struct head {
	uint16_t api, version;
	uint32_t number;
	bool has_client;
	struct bytes client;
};

/* What no other protocol has: known numbers, an id that can be printed. */
static bool is_plausible(const struct head *h)
{
	if (!kafka_api(h->api) || h->version > VERSION_MAX)
		return false;
	for (const uint8_t *p = h->client.begin; p < h->client.end; p++)
		if (*p < ' ' || *p > '~')
			return false;
	return true;
}

/* TAKEN, MORE, LOST: it is none. */
static enum frame_step take_head(struct bytes *b, struct head *ret)
{
	uint16_t len;

	if (!take_be16(b, &ret->api) || !take_be16(b, &ret->version))
		return FRAME_MORE;
	ret->client = bytes_of(NULL, 0);
	if (!is_plausible(ret))
		return FRAME_LOST;
	if (!take_be32(b, &ret->number) || !take_be16(b, &len))
		return FRAME_MORE;
	ret->has_client = len != 0xffff;
	if (!ret->has_client)
		return FRAME_TAKEN;
	if (len > FIELD_BYTES_MAX)
		return FRAME_LOST;
	ret->client = frames_first(*b, len);
	if (!is_plausible(ret))
		return FRAME_LOST;
	return take_bytes(b, len, &ret->client) ? FRAME_TAKEN : FRAME_MORE;
}

/* --- recognition ----------------------------------------------------------- */

/* A request without a client's id: its answer has the same number. */
static enum proto_guess is_answer(struct bytes b, const struct head *h)
{
	uint32_t len, number;

	if (!take_be32(&b, &len) || !take_be32(&b, &number))
		return PROTO_MAYBE;
	return len >= 4 && len <= OPENING_MAX && number == h->number ? PROTO_YES
								     : PROTO_NO;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];
	struct head h = { 0 };
	uint32_t len;

	if (o->first == PROTO_SERVER || (bytes_len(b) > 0 && *b.begin))
		return PROTO_NO;
	if (!take_be32(&b, &len))
		return PROTO_MAYBE;
	if (len < HEAD_BYTES || len > OPENING_MAX)
		return PROTO_NO;
	switch (take_head(&b, &h)) {
	case FRAME_TAKEN: break;
	case FRAME_MORE:
		return bytes_len(h.client) <= CLIENT_MAX ? PROTO_MAYBE
							 : PROTO_NO;
	default: return PROTO_NO;
	}
	if (bytes_len(h.client) > CLIENT_MAX ||
	    HEAD_BYTES + bytes_len(h.client) > len)
		return PROTO_NO;
	if (bytes_len(h.client) > 0)
		return PROTO_YES;
	/* ApiVersions has nothing behind it */
	if (h.api == 18 && h.version < 3 && len == HEAD_BYTES)
		return PROTO_YES;
	return is_answer(o->said[PROTO_SERVER], &h);
}

/* --- a request's body ------------------------------------------------------------ */

static enum frame_step malformed(enum proto_side side,
				 const struct proto_sink *sink)
{
	return sink->note(sink->arg, side, NOTE_MALFORMED) ? FRAME_LOST
							   : FRAME_STOPPED;
}

/* 7 bits a byte, the lowest first; false: not whole, or of more than 32 bits. */
static bool take_varint(struct bytes *b, uint32_t *ret)
{
	uint32_t n = 0;
	uint8_t c;

	for (unsigned shift = 0; shift < 35 && take_u8(b, &c); shift += 7) {
		n |= (uint32_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*ret = n;
			return true;
		}
	}
	return false;
}

/* A length or number of elements; *null: there is none. bytes: as sent, 2 or 4 */
static bool take_len(const struct kafka *s, struct bytes *b, unsigned bytes,
		     uint32_t *ret, bool *null)
{
	uint16_t two;

	*null = false;
	if (s->flexible) {
		if (!take_varint(b, ret))
			return false;
		*null = *ret == 0;
		*ret -= !*null;
		return true;
	}
	if (bytes == 4) {
		if (!take_be32(b, ret))
			return false;
		*null = *ret == UINT32_MAX;
	} else {
		if (!take_be16(b, &two))
			return false;
		*ret = two;
		*null = two == UINT16_MAX;
	}
	if (*null)
		*ret = 0;
	return true;
}

/* What is behind a structure. */
static bool take_tags(const struct kafka *s, struct bytes *b)
{
	uint32_t n, tag, len;

	if (!s->flexible)
		return true;
	if (!take_varint(b, &n))
		return false;
	for (; n > 0; n--)
		if (!take_varint(b, &tag) || !take_varint(b, &len) ||
		    !take_skip(b, len))
			return false;
	return true;
}

/* A topic, or several, and nobody knows which. */
static bool tell_unseen(struct kafka *s, const struct proto_sink *sink)
{
	s->asked = true;
	return proto_tell_unseen(sink, PROTO_CLIENT, FIELD_KAFKA_TOPIC) &&
	       sink->asked(sink->arg);
}

static bool tell_topic(struct kafka *s, struct bytes topic,
		       const struct proto_sink *sink)
{
	s->asked = true;
	return proto_tell(sink, PROTO_CLIENT, FIELD_KAFKA_TOPIC, topic) &&
	       sink->asked(sink->arg);
}

/* 16 bytes as 22 letters, as Kafka writes them. */
static bool tell_id(struct kafka *s, struct bytes id,
		    const struct proto_sink *sink)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
				      "opqrstuvwxyz0123456789-_";
	static const uint8_t none[16];
	uint8_t text[22];

	if (memcmp(id.begin, none, sizeof none) == 0)
		return true;
	for (unsigned i = 0; i < sizeof text; i++) {
		unsigned bit = 6 * i, at = bit / 8;
		unsigned two = (unsigned)id.begin[at] << 8 |
			       (at < 15 ? id.begin[at + 1] : 0);

		text[i] = (uint8_t)letters[two >> (10 - bit % 8) & 63];
	}
	s->asked = true;
	return frames_piece(sink, PROTO_CLIENT, FIELD_KAFKA_TOPIC,
			    bytes_of(text, sizeof text), true, true) &&
	       sink->asked(sink->arg);
}

/* The body is known as far as it is of use. */
static enum frame_step end_body(struct kafka *s, const struct proto_sink *sink)
{
	s->frames.pass[PROTO_CLIENT] += s->left;
	s->in_body = false;
	s->left = 0;
	return frames_go_on((s->asked || sink->asked(sink->arg)) &&
			    sink->ended(sink->arg, PROTO_CLIENT));
}

/* len bytes of the body, whether they are there or not. */
static bool pass(struct kafka *s, struct bytes *b, uint32_t len)
{
	uint32_t here = (uint32_t)bytes_len(frames_first(*b, len));

	/* *b may end before the message does */
	b->begin += here;
	s->frames.pass[PROTO_CLIENT] = len - here;
	return len - here == 0;
}

/* The next element of the array that is open, or what is behind it. */
static void close_element(struct kafka *s)
{
	struct level *l = &s->level[s->depth - 1];

	if (--l->left > 0) {
		s->at = l->begin;
	} else {
		s->depth--;
		s->at++;
	}
}

/* An array of no element: the step behind its CLOSE. */
static void pass_array(struct kafka *s)
{
	const struct kafka_api *api = kafka_api(s->api);
	unsigned open = 1;

	while (open > 0) {
		const struct kafka_step *step = &api->steps[++s->at];
		bool here = s->version >= step->from && s->version <= step->to;

		if (here && step->kind == KAFKA_ARRAY)
			open++;
		else if (here && (step->kind == KAFKA_CLOSE ||
				  step->kind == KAFKA_CLOSE_PLAIN))
			open--;
	}
	s->at++;
}

/*
 * One step. b: of the message, as much as is there, moved. MORE: it was as it
 * is; LOST: the message ends before. TAKEN: s->at is the next.
 */
static enum frame_step step(struct kafka *s, struct bytes *b,
			    const struct proto_sink *sink)
{
	const struct kafka_step *step = &kafka_api(s->api)->steps[s->at];
	struct bytes text;
	uint32_t len = 0;
	bool null;

	switch ((enum kafka_step_kind)step->kind) {
	case KAFKA_SKIP: (void)pass(s, b, step->n); break;
	case KAFKA_STRING:
		if (!take_len(s, b, 2, &len, &null))
			return FRAME_MORE;
		(void)pass(s, b, len);
		break;
	case KAFKA_BYTES:
		if (!take_len(s, b, 4, &len, &null))
			return FRAME_MORE;
		(void)pass(s, b, len);
		break;
	case KAFKA_INTS:
		if (!take_len(s, b, 4, &len, &null) || len > s->left / 4)
			return len > s->left / 4 ? FRAME_LOST : FRAME_MORE;
		(void)pass(s, b, 4 * len);
		break;
	case KAFKA_TOPIC:
		if (!take_len(s, b, 2, &len, &null))
			return FRAME_MORE;
		if (len > FIELD_BYTES_MAX)
			return FRAME_LOST;
		if (!take_bytes(b, len, &text))
			return FRAME_MORE;
		if (!null && !tell_topic(s, text, sink))
			return FRAME_STOPPED;
		break;
	case KAFKA_ID:
		if (!take_bytes(b, 16, &text))
			return FRAME_MORE;
		if (!tell_id(s, text, sink))
			return FRAME_STOPPED;
		break;
	case KAFKA_ARRAY:
		if (!take_len(s, b, 4, &len, &null))
			return FRAME_MORE;
		if (len > s->left || s->depth == KAFKA_DEPTH_MAX)
			return FRAME_LOST;
		if (len == 0) {
			pass_array(s);
			return FRAME_TAKEN;
		}
		s->at++;
		s->level[s->depth++] = (struct level){ len, s->at };
		return FRAME_TAKEN;
	case KAFKA_CLOSE:
		if (!take_tags(s, b))
			return FRAME_MORE;
		close_element(s);
		return FRAME_TAKEN;
	case KAFKA_CLOSE_PLAIN: close_element(s); return FRAME_TAKEN;
	case KAFKA_END: return FRAME_DONE;
	}
	s->at++;
	return FRAME_TAKEN;
}

/* Goes along the body as far as it is there. */
static enum frame_step body(struct kafka *s, struct bytes *rest,
			    const struct proto_sink *sink)
{
	enum frame_step result = FRAME_TAKEN;

	while (result == FRAME_TAKEN && s->frames.pass[PROTO_CLIENT] == 0) {
		const struct kafka_step *now = &kafka_api(s->api)->steps[s->at];
		struct bytes b = frames_first(*rest, s->left);
		bool whole = bytes_len(b) == s->left;
		uint64_t used;

		if (s->version < now->from || s->version > now->to) {
			s->at++;
			continue;
		}
		result = step(s, &b, sink);
		if (result == FRAME_DONE)
			return end_body(s, sink);
		used = (uint64_t)(b.begin - rest->begin) +
		       s->frames.pass[PROTO_CLIENT];
		if (result == FRAME_LOST || used > s->left ||
		    (result == FRAME_MORE && whole)) {
			/* described wrongly, or built wrongly: not followed */
			s->frames.pass[PROTO_CLIENT] = 0;
			if (!sink->note(sink->arg, PROTO_CLIENT,
					NOTE_MALFORMED) ||
			    !tell_unseen(s, sink))
				return FRAME_STOPPED;
			return end_body(s, sink);
		}
		if (result != FRAME_TAKEN)
			break;
		s->left -= (uint32_t)used;
		rest->begin = b.begin;
		if (s->left == 0)
			return end_body(s, sink);
	}
	return result;
}

static enum frame_step begin_request(struct kafka *s, struct bytes *rest,
				     const struct proto_sink *sink)
{
	struct bytes b = *rest;
	const struct kafka_api *api;
	struct head h;
	uint32_t len;
	enum frame_step step;

	if (!take_be32(&b, &len))
		return FRAME_MORE;
	if (len > MESSAGE_MAX)
		return malformed(PROTO_CLIENT, sink);
	step = take_head(&b, &h);
	if (step == FRAME_MORE && bytes_len(*rest) < 4 + (uint64_t)len)
		return FRAME_MORE;
	if (step != FRAME_TAKEN && s->raw) {
		(void)take_skip(rest, 4);
		s->frames.pass[PROTO_CLIENT] = len;
		return FRAME_TAKEN;
	}
	if (step != FRAME_TAKEN || (uint64_t)(b.begin - rest->begin) > 4 + len)
		return malformed(PROTO_CLIENT, sink);
	api = kafka_api(h.api);
	s->api = h.api;
	s->version = (uint8_t)h.version;
	s->flexible = h.version >= api->flexible;
	s->raw = h.api == 17 && h.version == 0;
	s->in_body = api->steps && h.version <= api->versions;
	if (s->in_body && !take_tags(s, &b)) {
		if (bytes_len(*rest) < 4 + (uint64_t)len) {
			s->in_body = false;
			return FRAME_MORE;
		}
		return malformed(PROTO_CLIENT, sink);
	}
	if ((uint64_t)(b.begin - rest->begin) > 4 + (uint64_t)len)
		return malformed(PROTO_CLIENT, sink);
	s->left = 4 + len - (uint32_t)(b.begin - rest->begin);
	s->at = s->depth = 0;
	s->asked = false;
	*rest = b;
	if (!proto_tell(sink, PROTO_CLIENT, FIELD_KAFKA_API,
			bytes_of(api->name, strlen(api->name))) ||
	    (h.has_client &&
	     !proto_tell(sink, PROTO_CLIENT, FIELD_KAFKA_CLIENT, h.client)))
		return FRAME_STOPPED;
	if (!s->in_body && (api->steps || api->unread) && !tell_unseen(s, sink))
		return FRAME_STOPPED;
	return s->in_body && s->left > 0 ? FRAME_TAKEN : end_body(s, sink);
}

static enum frame_step server(struct kafka *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	uint32_t len;

	if (!take_be32(rest, &len))
		return FRAME_MORE;
	if (len > MESSAGE_MAX)
		return malformed(PROTO_SERVER, sink);
	s->frames.pass[PROTO_SERVER] = len;
	return frames_go_on(sink->ended(sink->arg, PROTO_SERVER));
}

static enum frame_step next(void *state, enum proto_side side,
			    struct bytes *rest, const struct proto_sink *sink)
{
	struct kafka *s = state;

	if (side == PROTO_SERVER)
		return server(s, rest, sink);
	return s->in_body ? body(s, rest, sink) : begin_request(s, rest, sink);
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	struct kafka *s = state;

	(void)w;
	return frames_read(&s->frames, next, s, c, sink);
}

const struct proto_parser proto_kafka = {
	.name = "kafka",
	.app = APP_KAFKA,
	.tcp = true,
	.state = &kafka_state,
	.recognise = recognise,
	.read = read,
};
