/*
 * The native protocol, versions 3 to 5 (numbers big-endian):
 *
 *   version | flags | stream (2) | opcode | length (4) | body
 *
 * Version 5 wraps these into segments, behind the answer to STARTUP:
 *
 *   length (17 bits), whole (1 bit), 6 unused | check (3) | payload | check (4)
 *
 * The payload of a whole segment is messages; what does not fit into one begins
 * in a segment of its own and goes on in others. Of such a message only its first
 * segment's text is read (note "limit").
 *
 * Versions 1 and 2, and what nodes say to each other, are known by name only; so is
 * what is compressed: a compressed message is asked about with nothing told.
 */
#include "proto/cassandra.h"

#include <string.h>

#include "proto/frames.h"
#include "proto/sql.h"
#include "proto/text.h"

/* What nodes begin with, of all versions. */
#define INTERNODE_MAGIC "\xca\x55\x2d\xfa"
/* The server's bound on a frame, 256 MiB. */
#define BODY_MAX   (256u << 20)
#define HEAD_BYTES 9u

enum opcode {
	OP_ERROR = 0,
	OP_STARTUP = 1,
	OP_READY = 2,
	OP_AUTHENTICATE = 3,
	OP_OPTIONS = 5,
	OP_QUERY = 7,
	OP_PREPARE = 9,
	OP_REGISTER = 11,
	OP_BATCH = 13,
	OP_AUTH_RESPONSE = 15,
};
#define FLAG_COMPRESSED 1
#define FLAG_PAYLOAD	4

struct cassandra {
	struct frames frames;
	struct sql sql;
	/* Of the client's: bytes of the segment, of the body, of the text. */
	uint32_t segment, body, text;
	uint16_t batch; /* statements of a BATCH that are still to come */
	/* Of the server's segment. */
	uint32_t server_segment;
	uint8_t version;
	bool segments; /* version 5, behind the answer to STARTUP */
	bool compresses, in_text, in_batch, server_tail, client_tail;
};
_Static_assert(sizeof(struct cassandra) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(cassandra_state, "cassandra", struct cassandra, 1);

struct head {
	uint8_t version, flags, opcode;
	uint16_t stream;
	uint32_t len;
};

static bool take_head(struct bytes *b, struct head *ret)
{
	return take_u8(b, &ret->version) && take_u8(b, &ret->flags) &&
	       take_be16(b, &ret->stream) && take_u8(b, &ret->opcode) &&
	       take_be32(b, &ret->len);
}

/* --- recognition ----------------------------------------------------------- */

/* Versions 1, 2: the stream has one byte, so the body begins one earlier. */
static enum proto_guess is_opening(struct bytes b, uint8_t version)
{
	bool old = version < 3;
	uint8_t flags, opcode;
	uint16_t names, len;
	struct bytes name;
	uint32_t body;

	if (!take_skip(&b, 1) || !take_u8(&b, &flags) ||
	    !take_skip(&b, old ? 1 : 2) || !take_u8(&b, &opcode))
		return PROTO_MAYBE;
	if (flags & 0xe0 || (opcode != OP_STARTUP && opcode != OP_OPTIONS))
		return PROTO_NO;
	if (!take_be32(&b, &body))
		return PROTO_MAYBE;
	if (opcode == OP_OPTIONS)
		return body == 0 ? PROTO_YES : PROTO_NO;
	/* names with values; CQL_VERSION must be among them */
	if (!take_be16(&b, &names) || !take_be16(&b, &len))
		return PROTO_MAYBE;
	if (names == 0 || names > 32 || body > FIELD_BYTES_MAX || len > 64)
		return PROTO_NO;
	if (!take_bytes(&b, len, &name))
		return PROTO_MAYBE;
	for (const uint8_t *p = name.begin; p < name.end; p++)
		if (*p != '_' && (*p < 'A' || *p > 'Z'))
			return PROTO_NO;
	return len > 0 ? PROTO_YES : PROTO_NO;
}

/* A statement, where the beginning was not seen. */
static enum proto_guess is_query(struct bytes b)
{
	struct head h;
	uint32_t len;
	uint8_t c;

	if (!take_head(&b, &h))
		return PROTO_MAYBE;
	if (h.version < 3 || h.version > 4 || h.flags & 0xe1 ||
	    (h.opcode != OP_QUERY && h.opcode != OP_PREPARE))
		return PROTO_NO;
	if (!take_be32(&b, &len) || !take_u8(&b, &c))
		return PROTO_MAYBE;
	c = text_lower(c);
	return len + 4 <= h.len && h.len <= len + 4 + FIELD_BYTES_MAX &&
			       c >= 'a' && c <= 'z'
		       ? PROTO_YES
		       : PROTO_NO;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];
	enum proto_guess guess = PROTO_NO;

	if (o->first == PROTO_SERVER || bytes_len(b) == 0)
		return PROTO_NO;
	if (*b.begin >= 1 && *b.begin <= 5)
		guess = is_opening(b, *b.begin);
	if (guess == PROTO_NO && o->midstream)
		guess = is_query(b);
	return guess == PROTO_NO ? text_begins(b, INTERNODE_MAGIC) : guess;
}

/* --- the client's messages ---------------------------------------------------- */

static enum frame_step malformed(enum proto_side side,
				 const struct proto_sink *sink)
{
	return sink->note(sink->arg, side, NOTE_MALFORMED) ? FRAME_LOST
							   : FRAME_STOPPED;
}

/* len bytes of the client's are done with, one way or the other. */
static void used(struct cassandra *s, uint32_t len)
{
	s->body -= len;
	if (s->segments)
		s->segment -= len;
}

/* What is there of the body; it may go on in another segment. */
static struct bytes body_of(const struct cassandra *s, struct bytes rest)
{
	rest = frames_first(rest, s->body);
	return s->segments ? frames_first(rest, s->segment) : rest;
}

/* How much of the body will come before it is interrupted. */
static uint32_t body_here(const struct cassandra *s)
{
	return s->segments && s->segment < s->body ? s->segment : s->body;
}

/* The rest of the message, as far as it lies in this segment, is passed over. */
static enum frame_step end_message(struct cassandra *s, bool ask,
				   const struct proto_sink *sink)
{
	uint32_t here = body_here(s);
	bool cut = here < s->body;

	s->frames.pass[PROTO_CLIENT] += here;
	used(s, here);
	s->body = 0;
	s->batch = 0;
	if (cut) {
		s->client_tail = true;
		if (!sink->note(sink->arg, PROTO_CLIENT, NOTE_LIMIT))
			return FRAME_STOPPED;
	}
	return frames_go_on((!ask || sink->asked(sink->arg)) &&
			    sink->ended(sink->arg, PROTO_CLIENT));
}

static enum frame_step text(struct cassandra *s, struct bytes *rest,
			    const struct proto_sink *sink)
{
	struct bytes b = frames_first(body_of(s, *rest), s->text);
	bool end;

	rest->begin += bytes_len(b);
	used(s, (uint32_t)bytes_len(b));
	s->text -= (uint32_t)bytes_len(b);
	end = s->text == 0 || body_here(s) == 0;
	if (!sql_text(&s->sql, sink, b, end))
		return FRAME_STOPPED;
	if (!end)
		return FRAME_TAKEN;
	s->in_text = false;
	if (s->batch > 0 && body_here(s) > 0)
		return FRAME_TAKEN;
	return end_message(s, false, sink);
}

/* "[long string]": its length is taken of *b, then text() goes on. */
static enum frame_step begin_text(struct cassandra *s, struct bytes *b,
				  const struct proto_sink *sink)
{
	uint32_t len;

	if (!take_be32(b, &len))
		return FRAME_MORE;
	used(s, 4);
	if (len > s->body)
		return malformed(PROTO_CLIENT, sink);
	s->text = len;
	s->in_text = len > 0;
	sql_begin(&s->sql, SQL_CQL);
	return frames_go_on(s->in_text ||
			    sql_text(&s->sql, sink, bytes_of(NULL, 0), true));
}

/* Takes the values of a statement of a BATCH; false: more must come. */
static bool skip_values(struct bytes *b)
{
	uint16_t values;
	uint32_t len;

	if (!take_be16(b, &values))
		return false;
	for (uint16_t i = 0; i < values; i++)
		if (!take_be32(b, &len) ||
		    (len < BODY_MAX && !take_skip(b, len)))
			return false;
	return true;
}

/* The next statement of a BATCH: text, or the id of a prepared one. */
static enum frame_step batched(struct cassandra *s, struct bytes *rest,
			       const struct proto_sink *sink)
{
	struct bytes b = body_of(s, *rest), all = b;
	uint32_t segment = s->segment, left = s->body;
	enum frame_step step = FRAME_MORE;
	uint16_t id;
	uint8_t kind;

	/* those of the one before */
	if ((!s->in_batch || skip_values(&b)) && take_u8(&b, &kind)) {
		used(s, (uint32_t)(b.begin - rest->begin));
		if (kind == 0)
			step = begin_text(s, &b, sink);
		else if (take_be16(&b, &id) && take_skip(&b, id)) {
			used(s, 2 + (uint32_t)id);
			step = FRAME_TAKEN;
		}
	}
	if (step == FRAME_MORE) {
		s->segment = segment;
		s->body = left;
		if (bytes_len(all) < body_here(s))
			return FRAME_MORE;
		return end_message(s, true, sink);
	}
	if (step != FRAME_TAKEN)
		return step;
	rest->begin = b.begin;
	s->in_batch = true;
	s->batch--;
	return (s->batch > 0 && s->body > 0) || s->in_text
		       ? FRAME_TAKEN
		       : end_message(s, true, sink);
}

/* PLAIN: "\0user\0password", behind its length. */
static enum frame_step log_in(struct cassandra *s, struct bytes b,
			      const struct proto_sink *sink)
{
	struct bytes ignored, user;
	uint32_t len;

	if (bytes_len(b) < s->body && bytes_len(b) < FIELD_BYTES_MAX)
		return FRAME_MORE;
	if (take_be32(&b, &len) && text_take_until(&b, 0, &ignored) &&
	    text_take_until(&b, 0, &user) &&
	    !proto_tell(sink, PROTO_CLIENT, FIELD_SQL_USER, user))
		return FRAME_STOPPED;
	return end_message(s, true, sink);
}

static enum frame_step startup(struct cassandra *s, struct bytes b,
			       const struct proto_sink *sink)
{
	uint16_t names, len;
	struct bytes name, value;

	if (bytes_len(b) < s->body && bytes_len(b) < FIELD_BYTES_MAX)
		return FRAME_MORE;
	if (!take_be16(&b, &names))
		names = 0;
	while (names-- > 0 && take_be16(&b, &len) &&
	       take_bytes(&b, len, &name) && take_be16(&b, &len) &&
	       take_bytes(&b, len, &value))
		s->compresses |= text_is(name, "COMPRESSION") &&
				 bytes_len(value) > 0;
	return end_message(s, false, sink);
}

/* Names with values that a client may put ahead of a body. */
static bool skip_payload(struct bytes *b)
{
	uint16_t n, len;
	uint32_t value;

	if (!take_be16(b, &n))
		return false;
	for (uint16_t i = 0; i < n; i++)
		if (!take_be16(b, &len) || !take_skip(b, len) ||
		    !take_be32(b, &value) ||
		    (value < BODY_MAX && !take_skip(b, value)))
			return false;
	return true;
}

/* b: the body, as much as is there. */
static enum frame_step body(struct cassandra *s, uint8_t opcode,
			    struct bytes *b, const struct proto_sink *sink)
{
	enum frame_step step;
	uint8_t kind;

	s->in_batch = false;
	s->batch = 0;
	switch (opcode) {
	case OP_QUERY:
	case OP_PREPARE:
		step = begin_text(s, b, sink);
		return step != FRAME_TAKEN || s->in_text
			       ? step
			       : end_message(s, false, sink);
	case OP_BATCH:
		if (!take_u8(b, &kind) || !take_be16(b, &s->batch))
			return FRAME_MORE;
		used(s, 3);
		return s->batch > 0 && s->body > 0 ? FRAME_TAKEN
						   : end_message(s, true, sink);
	case OP_STARTUP: return startup(s, *b, sink);
	case OP_AUTH_RESPONSE: return log_in(s, *b, sink);
	case OP_OPTIONS: /* nothing is asked for yet */
	case OP_REGISTER: return end_message(s, false, sink);
	default: /* EXECUTE: what was prepared was asked about */
		return end_message(s, false, sink);
	}
}

static enum frame_step message(struct cassandra *s, struct bytes *rest,
			       const struct proto_sink *sink)
{
	struct bytes b = *rest, all;
	uint32_t segment = s->segment;
	enum frame_step step = FRAME_MORE;
	struct head h;
	bool whole;

	if (s->segments)
		b = frames_first(b, s->segment);
	if (!take_head(&b, &h))
		return s->segments && s->segment < HEAD_BYTES
			       ? malformed(PROTO_CLIENT, sink)
			       : FRAME_MORE;
	if (h.version < 3 || h.version > 5 || h.len > BODY_MAX)
		return malformed(PROTO_CLIENT, sink);
	s->version = h.version;
	s->body = HEAD_BYTES + h.len;
	used(s, HEAD_BYTES);
	all = b = body_of(s, b);
	whole = bytes_len(all) == body_here(s);
	if (h.flags & FLAG_COMPRESSED) {
		step = end_message(s, true, sink);
	} else if (!(h.flags & FLAG_PAYLOAD) || skip_payload(&b)) {
		used(s, (uint32_t)(b.begin - all.begin));
		step = body(s, h.opcode, &b, sink);
	}
	if (step == FRAME_MORE) { /* all of it again, then */
		s->segment = segment;
		return whole ? malformed(PROTO_CLIENT, sink) : FRAME_MORE;
	}
	rest->begin = b.begin;
	return step;
}

/* --- segments ------------------------------------------------------------------ */

/* The next segment's length; whole: it has messages from its begin to its end. */
static bool take_segment(struct bytes *b, uint32_t *ret, bool *ret_whole)
{
	uint8_t low, mid, high;

	if (bytes_len(*b) < 6 || !take_u8(b, &low) || !take_u8(b, &mid) ||
	    !take_u8(b, &high))
		return false;
	(void)take_skip(b, 3);
	*ret = (uint32_t)(high & 1) << 16 | (uint32_t)mid << 8 | low;
	*ret_whole = high & 2;
	return true;
}

static enum frame_step client_segment(struct cassandra *s, struct bytes *rest)
{
	bool whole;

	if (!take_segment(rest, &s->segment, &whole))
		return FRAME_MORE;
	if (s->client_tail && !whole) {
		/* of a message whose beginning was read */
		s->frames.pass[PROTO_CLIENT] = s->segment + 4;
		s->segment = 0;
	} else {
		s->client_tail = false;
		if (s->segment == 0)
			s->frames.pass[PROTO_CLIENT] = 4;
	}
	return FRAME_TAKEN;
}

static enum frame_step client(struct cassandra *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	enum frame_step step;

	if (s->segments && s->segment == 0)
		return client_segment(s, rest);
	if (s->in_text)
		step = text(s, rest, sink);
	else if (s->batch > 0)
		step = batched(s, rest, sink);
	else
		step = message(s, rest, sink);
	if (step == FRAME_TAKEN && s->segments && s->segment == 0)
		s->frames.pass[PROTO_CLIENT] += 4; /* its check */
	return step;
}

/* --- the server ------------------------------------------------------------- */

/* "0x2200", as the protocol's description has it. */
static bool tell_error(uint32_t code, const struct proto_sink *sink)
{
	static const char digits[] = "0123456789ABCDEF";
	char word[6] = { '0', 'x' };

	for (int i = 0; i < 4; i++)
		word[2 + i] = digits[code >> (12 - 4 * i) & 15];
	return frames_piece(sink, PROTO_SERVER, FIELD_SQL_ERROR,
			    bytes_of(word, sizeof word), true, true) &&
	       (code != 0x0100 ||
		sink->note(sink->arg, PROTO_SERVER, NOTE_SQL_DENIED));
}

static enum frame_step answer(struct cassandra *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes b = *rest;
	bool was = s->segments;
	uint32_t code, here;
	struct head h;

	if (was)
		b = frames_first(b, s->server_segment);
	if (!take_head(&b, &h))
		return was && s->server_segment < HEAD_BYTES
			       ? malformed(PROTO_SERVER, sink)
			       : FRAME_MORE;
	if (!(h.version & 0x80) || h.len > BODY_MAX)
		return malformed(PROTO_SERVER, sink);
	if (h.opcode == OP_ERROR && !(h.flags & ~8)) {
		if (bytes_len(b) < 4 && h.len >= 4 &&
		    (!was || s->server_segment >= HEAD_BYTES + 4))
			return FRAME_MORE;
		if (take_be32(&b, &code) && !tell_error(code, sink))
			return FRAME_STOPPED;
	}
	if ((h.opcode == OP_READY || h.opcode == OP_AUTHENTICATE) &&
	    s->version == 5)
		s->segments = true;
	rest->begin += HEAD_BYTES;
	here = h.len;
	if (was) {
		s->server_segment -= HEAD_BYTES;
		if (here > s->server_segment) {
			here = s->server_segment;
			s->server_tail = true;
		}
		s->server_segment -= here;
	}
	s->frames.pass[PROTO_SERVER] = here;
	if (was && s->server_segment == 0)
		s->frames.pass[PROTO_SERVER] += 4;
	if (s->segments && s->compresses)
		return FRAME_DONE;
	return frames_go_on(sink->ended(sink->arg, PROTO_SERVER));
}

static enum frame_step server(struct cassandra *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	bool whole;

	if (!s->segments || s->server_segment > 0)
		return answer(s, rest, sink);
	if (!take_segment(rest, &s->server_segment, &whole))
		return FRAME_MORE;
	if ((s->server_tail && !whole) || s->server_segment == 0) {
		s->frames.pass[PROTO_SERVER] = s->server_segment + 4;
		s->server_segment = 0;
	} else {
		s->server_tail = false;
	}
	return FRAME_TAKEN;
}

static enum frame_step next(void *state, enum proto_side side,
			    struct bytes *rest, const struct proto_sink *sink)
{
	return side == PROTO_CLIENT ? client(state, rest, sink)
				    : server(state, rest, sink);
}

/* Known by name only. */
static bool is_other(struct bytes b)
{
	return bytes_len(b) > 0 &&
	       (*b.begin < 3 || text_begins(b, INTERNODE_MAGIC) == PROTO_YES);
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	struct proto_result done = { .state = PROTO_DONE };
	struct cassandra *s = state;

	(void)w;
	if (s->version == 0 && c->side == PROTO_CLIENT && is_other(c->bytes))
		return done;
	return frames_read(&s->frames, next, s, c, sink);
}

const struct proto_parser proto_cassandra = {
	.name = "cassandra",
	.app = APP_CASSANDRA,
	.tcp = true,
	.state = &cassandra_state,
	.recognise = recognise,
	.read = read,
};
