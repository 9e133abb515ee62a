/*
 * The first message is length, version 3.x, and names with values; or, instead or
 * before, a wish for encryption (answered by one byte), or to cancel. All others:
 *
 *   type (1) | length (4, with itself) | ...
 *
 *   client                         server
 *   startup: user, database        R ... (authentication), Z
 *   Q text\0                       T D D C | E, Z
 *   P name\0 text\0 types, B E S   1 2 D C | E, Z
 *
 * Text is told as it comes; all other messages are passed over by their length.
 */
#include "proto/postgresql.h"

#include "proto/frames.h"
#include "proto/sql.h"
#include "proto/text.h"

#define CODE_CANCEL 80877102u
#define CODE_TLS    80877103u
#define CODE_GSS    80877104u
/* The server takes no longer one (MAX_STARTUP_PACKET_LENGTH). */
#define STARTUP_MAX 10000
/* ... and no longer message; lengths are signed. */
#define MESSAGE_MAX 0x7fffffffu
/* Name of a prepared statement; PostgreSQL's are cut at 63. */
#define NAME_BYTES_MAX 1024

struct postgresql {
	struct frames frames;
	struct sql sql;
	uint32_t text_left; /* of the message that has the text */
	bool started;
	bool in_text;
	bool wish;    /* for encryption, not answered yet */
	bool hurried; /* and the client went on all the same */
	uint32_t told;
};
_Static_assert(sizeof(struct postgresql) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(postgresql_state, "postgresql", struct postgresql, 1);

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];
	uint32_t len, code;
	uint8_t c;

	if (o->first == PROTO_SERVER)
		return PROTO_NO;
	/* a length below 2^16 */
	if ((bytes_len(b) > 0 && b.begin[0]) ||
	    (bytes_len(b) > 1 && b.begin[1]))
		return PROTO_NO;
	if (!take_be32(&b, &len) || !take_be32(&b, &code))
		return PROTO_MAYBE;
	if (code == CODE_TLS || code == CODE_GSS)
		return len == 8 ? PROTO_YES : PROTO_NO;
	if (code == CODE_CANCEL)
		return len >= 12 && len <= 268 ? PROTO_YES : PROTO_NO;
	if (code >> 16 != 3 || (code & 0xffff) > 99 || len < 9 ||
	    len > STARTUP_MAX)
		return PROTO_NO;
	/* a name; Kafka's "metadata" has a number there */
	for (size_t n = 0; take_u8(&b, &c); n++) {
		bool letter = text_lower(c) >= 'a' && text_lower(c) <= 'z';

		if (c == 0)
			return n > 0 ? PROTO_YES : PROTO_NO;
		if (!letter && c != '_' && (n == 0 || c != '.'))
			return PROTO_NO;
	}
	return PROTO_MAYBE;
}

static enum frame_step malformed(enum proto_side side,
				 const struct proto_sink *sink)
{
	return sink->note(sink->arg, side, NOTE_MALFORMED) ? FRAME_LOST
							   : FRAME_STOPPED;
}

/* --- the client ------------------------------------------------------------- */

/* Names and values; the database is called as the user if it is not told. */
static enum frame_step start(struct postgresql *s, struct bytes names,
			     const struct proto_sink *sink)
{
	struct bytes user = { NULL, NULL }, database = { NULL, NULL };
	struct bytes name, value;

	while (text_take_until(&names, 0, &name) && bytes_len(name) > 0 &&
	       text_take_until(&names, 0, &value)) {
		if (text_is(name, "user"))
			user = value;
		else if (text_is(name, "database"))
			database = value;
	}
	if (bytes_len(database) == 0)
		database = user;
	s->started = true;
	return frames_go_on(
		proto_tell(sink, PROTO_CLIENT, FIELD_SQL_USER, user) &&
		proto_tell(sink, PROTO_CLIENT, FIELD_SQL_DATABASE, database) &&
		sink->asked(sink->arg) && sink->ended(sink->arg, PROTO_CLIENT));
}

static enum frame_step opening(struct postgresql *s, struct bytes *rest,
			       const struct proto_sink *sink)
{
	struct bytes b = *rest, names;
	uint32_t len, code;

	if (!take_be32(&b, &len))
		return FRAME_MORE;
	if (len < 8 || len > STARTUP_MAX)
		return malformed(PROTO_CLIENT, sink);
	if (!take_be32(&b, &code) || !take_bytes(&b, len - 8, &names))
		return FRAME_MORE;
	*rest = b;
	if (code == CODE_CANCEL)
		return FRAME_DONE;
	if (code == CODE_TLS || code == CODE_GSS) {
		s->wish = true;
		return FRAME_TAKEN;
	}
	if (code >> 16 != 3)
		return malformed(PROTO_CLIENT, sink);
	return start(s, names, sink);
}

/* The text ends with a zero; what is behind that is of other use. */
static enum frame_step statement(struct postgresql *s, struct bytes *rest,
				 const struct proto_sink *sink)
{
	struct bytes text = frames_first(*rest, s->text_left), before;
	bool end = text_take_until(&text, 0, &before);

	if (!end)
		before = text;
	s->text_left -= (uint32_t)(before.end - rest->begin);
	rest->begin = before.end;
	if (!end && s->text_left == 0)
		end = true; /* without its zero; the server will complain */
	if (!sql_text(&s->sql, sink, before, end))
		return FRAME_STOPPED;
	s->in_text = !end;
	if (end)
		s->frames.pass[PROTO_CLIENT] = s->text_left;
	return frames_go_on(!end || sink->ended(sink->arg, PROTO_CLIENT));
}

/* len: of the message behind its length. */
static enum frame_step begin_text(struct postgresql *s, struct bytes *rest,
				  struct bytes b, uint32_t len, bool named,
				  const struct proto_sink *sink)
{
	struct bytes name = frames_first(b, len), before = name;

	if (named) {
		if (!text_take_until(&name, 0, &before))
			return bytes_len(name) < len &&
					       bytes_len(name) < NAME_BYTES_MAX
				       ? FRAME_MORE
				       : malformed(PROTO_CLIENT, sink);
		len -= (uint32_t)(name.begin - b.begin);
		b.begin = name.begin;
	}
	sql_begin(&s->sql, SQL_POSTGRESQL);
	*rest = b;
	s->text_left = len;
	s->in_text = true;
	return statement(s, rest, sink);
}

static enum frame_step client(struct postgresql *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes b = *rest;
	uint32_t len;
	uint8_t type;

	s->hurried = s->wish;
	if (s->hurried &&
	    !proto_note_once(sink, &s->told, PROTO_CLIENT, NOTE_MALFORMED))
		return FRAME_STOPPED;
	if (!s->started)
		return opening(s, rest, sink);
	if (s->in_text)
		return statement(s, rest, sink);
	if (!take_u8(&b, &type) || !take_be32(&b, &len))
		return FRAME_MORE;
	if (len < 4 || len > MESSAGE_MAX)
		return malformed(PROTO_CLIENT, sink);
	len -= 4;
	if (type == 'Q' || type == 'P')
		return begin_text(s, rest, b, len, type == 'P', sink);
	*rest = b;
	s->frames.pass[PROTO_CLIENT] = len;
	if (type == 'F') /* a function by its number */
		return frames_go_on(sql_verb(sink, "CALL") &&
				    sink->ended(sink->arg, PROTO_CLIENT));
	return FRAME_TAKEN;
}

/* --- the server ------------------------------------------------------------- */

/* "S" "FATAL\0" "C" "28P01\0" "M" ... */
static bool tell_error(struct bytes b, const struct proto_sink *sink)
{
	struct bytes value;
	uint8_t kind;

	while (take_u8(&b, &kind) && kind != 0 &&
	       text_take_until(&b, 0, &value)) {
		if (kind != 'C')
			continue;
		return proto_tell(sink, PROTO_SERVER, FIELD_SQL_ERROR, value) &&
		       (!(text_is(value, "28P01") || text_is(value, "28000")) ||
			sink->note(sink->arg, PROTO_SERVER, NOTE_SQL_DENIED));
	}
	return true;
}

/*
 * One byte says what becomes of the wish for encryption. A client that has not
 * waited for it may have said what the server takes for encrypted (CVE-2021-23214).
 */
static enum frame_step answer_wish(struct postgresql *s, struct bytes *rest)
{
	uint8_t c = *rest->begin;

	if (s->hurried && (c == 'G' || c == 'S'))
		return FRAME_LOST;
	s->hurried = false;
	if (c == 'G')
		return FRAME_DONE;
	if (c == 'S') {
		rest->begin++;
		return FRAME_TLS;
	}
	s->wish = false;
	if (c == 'N')
		rest->begin++;
	return c == 'N' ? FRAME_TAKEN : FRAME_LOST;
}

static enum frame_step server(struct postgresql *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes b = *rest;
	uint32_t len;
	uint8_t type;

	if (s->wish)
		return answer_wish(s, rest);
	if (!take_u8(&b, &type) || !take_be32(&b, &len))
		return FRAME_MORE;
	if (len < 4 || len > MESSAGE_MAX)
		return malformed(PROTO_SERVER, sink);
	len -= 4;
	if (type == 'E') {
		/* the code is ahead of long texts */
		if (bytes_len(b) < len && bytes_len(b) < FIELD_BYTES_MAX)
			return FRAME_MORE;
		if (!tell_error(frames_first(b, len), sink))
			return FRAME_STOPPED;
	}
	*rest = b;
	s->frames.pass[PROTO_SERVER] = len;
	return frames_go_on(type != 'Z' ||
			    sink->ended(sink->arg, PROTO_SERVER));
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
	struct postgresql *s = state;

	(void)w;
	return frames_read(&s->frames, next, s, c, sink);
}

const struct proto_parser proto_postgresql = {
	.name = "postgresql",
	.app = APP_POSTGRESQL,
	.tcp = true,
	.state = &postgresql_state,
	.recognise = recognise,
	.read = read,
};
