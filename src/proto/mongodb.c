/*
 * Messages, all numbers little-endian: length, id, id that is answered, opcode.
 *
 *   OP_MSG    flags, sections: 0 a document (the command), 1 a list of documents
 *   OP_QUERY  flags, "db.$cmd\0", two numbers, a document (the command)
 *   before those: OP_INSERT, OP_UPDATE, ..., with "db.collection\0" ahead
 *
 * A document (BSON) is its length and elements: type, name\0, value. The first
 * element's name is the command and its value the collection, "$db" is the
 * database; of getMore, which goes on with a cursor, "collection" is. Elements are
 * gone through one by one, and what they have inside is passed over by its length;
 * of a list of documents nothing is looked at. Asked is where the document ends.
 *
 * A compressed command cannot be read: it is asked about with nothing told.
 */
#include "proto/mongodb.h"

#include <string.h>

#include "proto/frames.h"
#include "proto/text.h"

/* The server's own bound, 48,000,000 bytes. */
#define MESSAGE_MAX    48000000u
#define HEAD_BYTES     16u
#define COLLECTION_MAX 255u /* "db.collection" */
/* Of an element. MongoDB has no bound of its own, commands have short ones. */
#define NAME_BYTES_MAX 1024
/* An answer that long is no refusal; its elements are not looked at. */
#define REFUSAL_MAX 2048

enum opcode {
	OP_REPLY = 1,
	OP_UPDATE = 2001,
	OP_INSERT = 2002,
	OP_QUERY = 2004,
	OP_GET_MORE = 2005,
	OP_DELETE = 2006,
	OP_KILL_CURSORS = 2007,
	OP_COMMAND = 2010,
	OP_COMPRESSED = 2012,
	OP_MSG = 2013,
};
#define FLAG_CHECKSUM 1u

enum bson {
	BSON_DOUBLE = 1,
	BSON_STRING = 2,
	BSON_DOCUMENT = 3,
	BSON_ARRAY = 4,
	BSON_BINARY = 5,
	BSON_UNDEFINED = 6,
	BSON_OBJECT_ID = 7,
	BSON_BOOL = 8,
	BSON_DATE = 9,
	BSON_NULL = 10,
	BSON_REGEX = 11,
	BSON_POINTER = 12,
	BSON_CODE = 13,
	BSON_SYMBOL = 14,
	BSON_CODE_SCOPE = 15,
	BSON_INT32 = 16,
	BSON_TIMESTAMP = 17,
	BSON_INT64 = 18,
	BSON_DECIMAL = 19,
	BSON_MIN_KEY = 0xff,
	BSON_MAX_KEY = 0x7f,
};

enum where { HEAD, SECTIONS, DOCUMENT };

struct mongodb {
	struct frames frames;
	uint32_t left;	 /* of the client's message, behind what was taken */
	uint32_t inside; /* of `left`: of the document */
	uint8_t where;
	bool named;    /* the command is told */
	bool by_name;  /* the collection is the command's value */
	bool get_more; /* it is still to come, in "collection" */
};
_Static_assert(sizeof(struct mongodb) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(mongodb_state, "mongodb", struct mongodb, 2);

struct head {
	uint32_t len, id, answers, opcode;
};

static bool take_head(struct bytes *b, struct head *ret)
{
	return take_le32(b, &ret->len) && take_le32(b, &ret->id) &&
	       take_le32(b, &ret->answers) && take_le32(b, &ret->opcode);
}

/* --- recognition ----------------------------------------------------------- */

/* Behind the head, by the opcode: is it what it should be? */
static enum proto_guess is_request(struct bytes b, const struct head *h)
{
	uint32_t flags, len;
	struct bytes name;
	uint8_t kind;
	bool whole;

	if (!take_le32(&b, &flags))
		return PROTO_MAYBE;
	if (h->opcode == OP_MSG) {
		if (flags & 0xfffc || flags >> 17)
			return PROTO_NO;
		if (!take_u8(&b, &kind) || !take_le32(&b, &len))
			return PROTO_MAYBE;
		return kind <= 1 && len >= 5 && len <= h->len - 20 ? PROTO_YES
								   : PROTO_NO;
	}
	if (h->opcode == OP_COMPRESSED)
		return flags == OP_MSG || flags == OP_QUERY ? PROTO_YES
							    : PROTO_NO;
	if (h->opcode == OP_COMMAND || flags > 0xff)
		return PROTO_NO;
	whole = text_take_until(&b, 0, &name);
	if (!whole)
		name = b;
	len = (uint32_t)bytes_len(name);
	if (len > COLLECTION_MAX || (len > 0 && memchr(name.begin, ' ', len)))
		return PROTO_NO;
	if (!whole)
		return PROTO_MAYBE;
	return len > 0 && memchr(name.begin, '.', len) ? PROTO_YES : PROTO_NO;
}

static bool is_request_code(uint32_t opcode)
{
	return (opcode >= OP_UPDATE && opcode <= OP_DELETE && opcode != 2003) ||
	       opcode == OP_MSG || opcode == OP_COMPRESSED;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];
	struct head h;

	if (o->first == PROTO_SERVER)
		return PROTO_NO;
	if (bytes_len(b) >= 4 && b.begin[3] > MESSAGE_MAX >> 24)
		return PROTO_NO;
	if (!take_head(&b, &h))
		return PROTO_MAYBE;
	if (h.len < HEAD_BYTES + 10 || h.len > MESSAGE_MAX || h.answers != 0 ||
	    !is_request_code(h.opcode))
		return PROTO_NO;
	return is_request(b, &h);
}

/* --- the client ------------------------------------------------------------- */

static enum frame_step malformed(enum proto_side side,
				 const struct proto_sink *sink)
{
	return sink->note(sink->arg, side, NOTE_MALFORMED) ? FRAME_LOST
							   : FRAME_STOPPED;
}

/* The message is known; the rest of it is passed over. */
static enum frame_step end_message(struct mongodb *s,
				   const struct proto_sink *sink)
{
	s->frames.pass[PROTO_CLIENT] = s->left;
	s->left = 0;
	s->where = HEAD;
	return frames_go_on(sink->asked(sink->arg) &&
			    sink->ended(sink->arg, PROTO_CLIENT));
}

/* "db.collection"; the collection may have more dots. */
static bool tell_names(struct mongodb *s, uint32_t opcode, struct bytes full,
		       const struct proto_sink *sink)
{
	static const struct {
		uint32_t opcode;
		const char *command;
	} commands[] = {
		{ OP_UPDATE, "update" },    { OP_INSERT, "insert" },
		{ OP_GET_MORE, "getMore" }, { OP_DELETE, "delete" },
		{ OP_QUERY, "find" },
	};
	struct bytes database = full, collection = full;

	if (!text_take_until(&collection, '.', &database))
		collection.begin = collection.end;
	if (!proto_tell(sink, PROTO_CLIENT, FIELD_MONGO_DATABASE, database))
		return false;
	if (opcode == OP_QUERY && text_is(collection, "$cmd"))
		return true; /* the document says what */
	s->named = true;
	if (!proto_tell(sink, PROTO_CLIENT, FIELD_MONGO_COLLECTION, collection))
		return false;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (commands[i].opcode == opcode)
			return proto_tell(
				sink, PROTO_CLIENT, FIELD_MONGO_COMMAND,
				bytes_of(commands[i].command,
					 strlen(commands[i].command)));
	return true;
}

/* OP_QUERY and older. */
static enum frame_step begin_old(struct mongodb *s, struct bytes *rest,
				 struct bytes b, const struct head *h,
				 const struct proto_sink *sink)
{
	uint32_t len = 0;
	struct bytes full;

	b = frames_first(b, h->len - HEAD_BYTES);
	if (!take_skip(&b, 4) || !text_take_until(&b, 0, &full))
		return bytes_len(b) < h->len - HEAD_BYTES &&
				       bytes_len(b) < NAME_BYTES_MAX
			       ? FRAME_MORE
			       : malformed(PROTO_CLIENT, sink);
	if (h->opcode == OP_QUERY) {
		if (!take_skip(&b, 8) || !take_le32(&b, &len))
			return bytes_len(*rest) < h->len
				       ? FRAME_MORE
				       : malformed(PROTO_CLIENT, sink);
	}
	s->named = s->get_more = false;
	s->by_name = true;
	if (!tell_names(s, h->opcode, full, sink))
		return FRAME_STOPPED;
	s->left = h->len - (uint32_t)(b.begin - rest->begin);
	rest->begin = b.begin;
	if (s->named)
		return end_message(s, sink);
	if (len < 5 || len - 4 > s->left)
		return malformed(PROTO_CLIENT, sink);
	s->inside = len - 4;
	s->where = DOCUMENT;
	return FRAME_TAKEN;
}

static enum frame_step begin_message(struct mongodb *s, struct bytes *rest,
				     const struct proto_sink *sink)
{
	struct bytes b = *rest;
	uint32_t flags;
	struct head h;

	if (!take_head(&b, &h))
		return FRAME_MORE;
	if (h.len < HEAD_BYTES || h.len > MESSAGE_MAX)
		return malformed(PROTO_CLIENT, sink);
	if (h.opcode == OP_MSG) {
		if (h.len < HEAD_BYTES + 4)
			return malformed(PROTO_CLIENT, sink);
		if (!take_le32(&b, &flags))
			return FRAME_MORE;
		s->left = h.len - HEAD_BYTES - 4;
		if (flags & FLAG_CHECKSUM && s->left >= 4)
			s->left -= 4;
		s->where = SECTIONS;
		s->named = s->by_name = s->get_more = false;
		*rest = b;
		if (s->left > 0)
			return FRAME_TAKEN;
	} else if (is_request_code(h.opcode) && h.opcode != OP_COMPRESSED) {
		return begin_old(s, rest, b, &h, sink);
	} else {
		s->left = h.len - HEAD_BYTES;
		*rest = b;
	}
	return end_message(s, sink);
}

/* Of OP_MSG: one section begins. */
static enum frame_step section(struct mongodb *s, struct bytes *rest,
			       const struct proto_sink *sink)
{
	struct bytes b = frames_first(*rest, s->left);
	uint32_t len;
	uint8_t kind;

	if (s->left < 4) /* a checksum */
		return end_message(s, sink);
	if (!take_u8(&b, &kind) || !take_le32(&b, &len))
		return s->left >= 5 ? FRAME_MORE : end_message(s, sink);
	if (kind > 1 || len < 5 || len > s->left - 1)
		return malformed(PROTO_CLIENT, sink);
	s->left -= 5;
	rest->begin = b.begin;
	if (kind == 1) {
		s->left -= len - 4;
		s->frames.pass[PROTO_CLIENT] = len - 4;
		return s->left > 0 ? FRAME_TAKEN : end_message(s, sink);
	}
	s->inside = len - 4;
	s->where = DOCUMENT;
	return FRAME_TAKEN;
}

/* How long a value is behind its name, by as much of it as is there. */
static enum frame_step value_len(uint8_t type, struct bytes b, uint64_t *ret)
{
	struct bytes ignored;
	uint32_t len;

	switch (type) {
	case BSON_NULL:
	case BSON_UNDEFINED:
	case BSON_MIN_KEY:
	case BSON_MAX_KEY: *ret = 0; return FRAME_TAKEN;
	case BSON_BOOL: *ret = 1; return FRAME_TAKEN;
	case BSON_INT32: *ret = 4; return FRAME_TAKEN;
	case BSON_DOUBLE:
	case BSON_DATE:
	case BSON_TIMESTAMP:
	case BSON_INT64: *ret = 8; return FRAME_TAKEN;
	case BSON_OBJECT_ID: *ret = 12; return FRAME_TAKEN;
	case BSON_DECIMAL: *ret = 16; return FRAME_TAKEN;
	case BSON_REGEX:
		*ret = bytes_len(b);
		for (int i = 0; i < 2; i++) /* pattern, options */
			if (!text_take_until(&b, 0, &ignored))
				return FRAME_MORE;
		*ret -= bytes_len(b);
		return FRAME_TAKEN;
	default: break;
	}
	if (type > BSON_DECIMAL)
		return FRAME_LOST;
	if (!take_le32(&b, &len))
		return FRAME_MORE;
	*ret = (uint64_t)len + 4;
	if (type == BSON_BINARY)
		*ret += 1;
	else if (type == BSON_POINTER)
		*ret += 12;
	else if (type == BSON_DOCUMENT || type == BSON_ARRAY ||
		 type == BSON_CODE_SCOPE)
		*ret = len >= 4 ? len : 4;
	return FRAME_TAKEN;
}

struct element {
	uint8_t type;
	struct bytes name, value; /* of value, as much as is there */
	uint64_t value_len;
};

/* Without its value. TAKEN: *b is behind the name. */
static enum frame_step take_element(struct bytes *b, uint32_t inside,
				    struct element *ret)
{
	struct bytes rest = frames_first(*b, inside);
	enum frame_step step;

	if (!take_u8(&rest, &ret->type))
		return FRAME_MORE;
	if (ret->type == 0) { /* the end */
		b->begin = rest.begin;
		return FRAME_TAKEN;
	}
	if (!text_take_until(&rest, 0, &ret->name))
		return bytes_len(rest) < NAME_BYTES_MAX ? FRAME_MORE
							: FRAME_LOST;
	step = value_len(ret->type, rest, &ret->value_len);
	if (step != FRAME_TAKEN)
		return step;
	ret->value = frames_first(rest, ret->value_len);
	b->begin = rest.begin;
	return FRAME_TAKEN;
}

/* A string's bytes without length and zero; a little more than is told. */
static bool string_of(const struct element *e, struct bytes *ret, bool *more)
{
	struct bytes b = e->value;

	*more = bytes_len(b) < e->value_len && bytes_len(b) <= FIELD_BYTES_MAX;
	if (e->type != BSON_STRING || !take_skip(&b, 4))
		return false;
	if (bytes_len(b) > 0 && bytes_len(e->value) == e->value_len)
		b.end--;
	*ret = b;
	return true;
}

/* What of an element is told. MORE: its value must be there. */
static enum frame_step tell_element(struct mongodb *s, const struct element *e,
				    const struct proto_sink *sink)
{
	bool is_db = text_is(e->name, "$db"), more;
	bool is_collection = s->get_more && text_is(e->name, "collection");
	struct bytes text;

	if (s->named && !is_db && !is_collection)
		return FRAME_TAKEN;
	if (!string_of(e, &text, &more))
		text = bytes_of(NULL, 0);
	else if (more)
		return FRAME_MORE;
	if (is_db)
		return frames_go_on(proto_tell(sink, PROTO_CLIENT,
					       FIELD_MONGO_DATABASE, text));
	if (is_collection) {
		s->get_more = false;
		return frames_go_on(proto_tell(sink, PROTO_CLIENT,
					       FIELD_MONGO_COLLECTION, text));
	}
	s->named = true;
	s->get_more = text_is(e->name, "getMore");
	if (!proto_tell(sink, PROTO_CLIENT, FIELD_MONGO_COMMAND, e->name))
		return FRAME_STOPPED;
	return frames_go_on(
		bytes_len(text) == 0 ||
		proto_tell(sink, PROTO_CLIENT, FIELD_MONGO_COLLECTION, text));
}

static enum frame_step document(struct mongodb *s, struct bytes *rest,
				const struct proto_sink *sink)
{
	struct bytes b = *rest;
	struct element e = { 0 };
	enum frame_step step = take_element(&b, s->inside, &e);
	uint32_t taken;

	if (step == FRAME_MORE && s->inside > bytes_len(*rest))
		return FRAME_MORE;
	taken = (uint32_t)(b.begin - rest->begin);
	if (step != FRAME_TAKEN || e.value_len > s->inside - taken)
		return malformed(PROTO_CLIENT, sink);
	/* {"$query": {command}}: what is inside is the document */
	if (s->by_name && !s->named && e.type == BSON_DOCUMENT &&
	    (text_is(e.name, "$query") || text_is(e.name, "query"))) {
		taken += 4;
		if (!take_skip(&b, 4) || taken > s->inside)
			return FRAME_MORE;
	} else if (e.type != 0) {
		step = tell_element(s, &e, sink);
		if (step != FRAME_TAKEN)
			return step;
		s->frames.pass[PROTO_CLIENT] = e.value_len;
		taken += (uint32_t)e.value_len;
	}
	rest->begin = b.begin;
	s->inside -= taken;
	s->left -= taken;
	if (e.type != 0 && s->inside > 0)
		return FRAME_TAKEN;
	/* what is passed over now is all that is left, and the value before it */
	s->left += (uint32_t)s->frames.pass[PROTO_CLIENT];
	return end_message(s, sink);
}

static enum frame_step client(struct mongodb *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	switch ((enum where)s->where) {
	case SECTIONS: return section(s, rest, sink);
	case DOCUMENT: return document(s, rest, sink);
	case HEAD: break;
	}
	return begin_message(s, rest, sink);
}

/* --- the server ------------------------------------------------------------- */

/* {"ok": 0, ..., "code": 18}: AuthenticationFailed. b: the elements */
static bool is_refusal(struct bytes b)
{
	struct element e;
	uint32_t code;

	while (bytes_len(b) > 0) {
		if (take_element(&b, (uint32_t)bytes_len(b), &e) !=
			    FRAME_TAKEN ||
		    e.type == 0 || bytes_len(e.value) < e.value_len)
			return false;
		if (e.type == BSON_INT32 && text_is(e.name, "code") &&
		    take_le32(&e.value, &code))
			return code == 18;
		b.begin = e.value.end;
	}
	return false;
}

static enum frame_step server(struct mongodb *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes b = *rest, text;
	struct head h;
	size_t at;

	if (!take_head(&b, &h))
		return FRAME_MORE;
	if (h.len < HEAD_BYTES || h.len > 2 * MESSAGE_MAX)
		return malformed(PROTO_SERVER, sink);
	if (h.len <= REFUSAL_MAX) {
		if (bytes_len(*rest) < h.len)
			return FRAME_MORE;
		text = frames_first(b, h.len - HEAD_BYTES);
		at = h.opcode == OP_MSG ? 4 + 1 + 4 : 20 + 4;
		if (take_skip(&text, at) && is_refusal(text) &&
		    !sink->note(sink->arg, PROTO_SERVER, NOTE_SQL_DENIED))
			return FRAME_STOPPED;
	}
	*rest = b;
	s->frames.pass[PROTO_SERVER] = h.len - HEAD_BYTES;
	return frames_go_on(sink->ended(sink->arg, PROTO_SERVER));
}

static enum frame_step next(void *state, enum proto_side side,
			    struct bytes *rest, const struct proto_sink *sink)
{
	return side == PROTO_CLIENT ? client(state, rest, sink)
				    : server(state, rest, sink);
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	struct mongodb *s = state;

	(void)w;
	return frames_read(&s->frames, next, s, c, sink);
}

const struct proto_parser proto_mongodb = {
	.name = "mongodb",
	.app = APP_MONGODB,
	.tcp = true,
	.state = &mongodb_state,
	.recognise = recognise,
	.read = read,
};
