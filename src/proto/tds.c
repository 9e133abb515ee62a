/*
 * A message is packets: type | status (1: the last) | length (2, with itself) |
 * process (2) | number | window, always 0. Numbers inside are little-endian, text is
 * UTF-16; it is told as UTF-8.
 *
 *   client                              server
 *   PRELOGIN: options                   PRELOGIN's answer: options, encryption
 *   (TLS inside PRELOGIN packets, then bare, if agreed)
 *   LOGIN7: user, database              tokens: ERROR, LOGINACK, DONE
 *   BATCH: headers, text                tokens
 *   RPC: headers, name, parameters
 *
 * Encryption may be for the login only: then records of TLS pass, and packets come
 * again behind them. Where all is encrypted nothing comes again; the parser ends
 * with the first record.
 *
 * The text of sp_executesql, sp_prepare and their like is a parameter; it is found
 * if it lies in the call's first packet, else verb and name of the call are all.
 * Calls behind the first one of an RPC are not looked at.
 */
#include "proto/tds.h"

#include <string.h>

#include "proto/frames.h"
#include "proto/sql.h"
#include "proto/text.h"

#define HEAD_BYTES 8u
/* Negotiated packets are of at most 32,767 bytes. */
#define PACKET_MAX 32768u
/* What is waited for of a login, a call. Longer ones are read as far as that. */
#define WANTED_MAX 8192u
/* Text that is made UTF-8 at a time: 3 bytes for each 2. */
#define TEXT_PIECE  512
#define HEADERS_MAX 65535u

enum type {
	TYPE_BATCH = 1,
	TYPE_SYBASE_LOGIN = 2,
	TYPE_RPC = 3,
	TYPE_ANSWER = 4,
	TYPE_LOGIN7 = 16,
	TYPE_PRELOGIN = 18,
};
#define STATUS_LAST 1

enum token {
	TOKEN_ERROR = 0xaa,
	TOKEN_INFO = 0xab,
	TOKEN_LOGINACK = 0xad,
	TOKEN_ENVCHANGE = 0xe3,
};

/* Of an answer to PRELOGIN: encryption of all that follows. */
enum encryption { ENCRYPT_LOGIN, ENCRYPT_ON, ENCRYPT_NOT, ENCRYPT_REQUIRED };

struct tds {
	struct frames frames;
	struct sql sql;
	uint32_t text_left; /* of the packet, of a statement's text */
	uint32_t headers_left;
	uint16_t high; /* the first half of a pair, or 0 */
	uint8_t odd;   /* half a character */
	bool has_odd, in_text, last;
	bool in_call; /* the rest of a call is to come */
	bool negotiated, encrypted, answer_goes_on;
};
_Static_assert(sizeof(struct tds) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(tds_state, "tds", struct tds, 1);

struct packet {
	uint8_t type, status;
	uint16_t len; /* behind the head */
	struct bytes payload;
};

static enum frame_step malformed(enum proto_side side,
				 const struct proto_sink *sink)
{
	return sink->note(sink->arg, side, NOTE_MALFORMED) ? FRAME_LOST
							   : FRAME_STOPPED;
}

/* TAKEN, MORE or LOST. */
static enum frame_step take_packet(struct bytes *b, struct packet *ret)
{
	struct bytes rest = *b;
	uint16_t len;

	if (!take_u8(&rest, &ret->type) || !take_u8(&rest, &ret->status) ||
	    !take_be16(&rest, &len) || !take_skip(&rest, 4))
		return FRAME_MORE;
	if (len < HEAD_BYTES || len > PACKET_MAX)
		return FRAME_LOST;
	ret->len = (uint16_t)(len - HEAD_BYTES);
	ret->payload = frames_first(rest, ret->len);
	*b = rest;
	return FRAME_TAKEN;
}

/* --- recognition ----------------------------------------------------------- */

/* The first option of PRELOGIN is the version: 0, offset, length 6. */
static enum proto_guess is_prelogin(struct bytes b, uint16_t len)
{
	uint16_t offset, size;
	uint8_t token;

	if (!take_u8(&b, &token) || !take_be16(&b, &offset) ||
	    !take_be16(&b, &size))
		return PROTO_MAYBE;
	return token == 0 && size == 6 && offset >= 6 && offset + 6 <= len
		       ? PROTO_YES
		       : PROTO_NO;
}

/* Its own length again, and version 7.x. */
static enum proto_guess is_login7(struct bytes b, uint16_t len)
{
	uint32_t whole, version;

	if (!take_le32(&b, &whole) || !take_le32(&b, &version))
		return PROTO_MAYBE;
	return whole >= 86 && whole <= 128u << 10 && whole + 4 >= len &&
			       version >> 28 == 7
		       ? PROTO_YES
		       : PROTO_NO;
}

/* Headers, then text; where the beginning was not seen. */
static enum proto_guess is_batch(struct bytes b, uint16_t len)
{
	uint32_t all, one;
	uint16_t type;

	if (!take_le32(&b, &all) || !take_le32(&b, &one) ||
	    !take_le16(&b, &type))
		return PROTO_MAYBE;
	return all == 22 && one == 18 && type == 2 && len > all ? PROTO_YES
								: PROTO_NO;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];
	struct packet p;
	uint8_t type;

	if (o->first == PROTO_SERVER || bytes_len(b) == 0)
		return PROTO_NO;
	type = *b.begin;
	if (type != TYPE_PRELOGIN && type != TYPE_LOGIN7 &&
	    type != TYPE_SYBASE_LOGIN &&
	    !(o->midstream && (type == TYPE_BATCH || type == TYPE_RPC)))
		return PROTO_NO;
	if (bytes_len(b) > 1 && b.begin[1] > 0x1f)
		return PROTO_NO;
	if (bytes_len(b) >= HEAD_BYTES && b.begin[7] != 0)
		return PROTO_NO;
	switch (take_packet(&b, &p)) {
	case FRAME_TAKEN: break;
	case FRAME_MORE: return PROTO_MAYBE;
	default: return PROTO_NO;
	}
	switch (p.type) {
	case TYPE_PRELOGIN: return is_prelogin(p.payload, p.len);
	case TYPE_LOGIN7: return is_login7(p.payload, p.len);
	case TYPE_SYBASE_LOGIN:
		return p.len == 512 - HEAD_BYTES && !(p.status & ~1) ? PROTO_YES
								     : PROTO_NO;
	default: return is_batch(p.payload, p.len);
	}
}

/* --- UTF-16 ------------------------------------------------------------------- */

/* c as UTF-8. */
static size_t put_utf8(uint8_t *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (uint8_t)(0xc0 | c >> 6);
		to[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (uint8_t)(0xe0 | c >> 12);
		to[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		to[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (uint8_t)(0xf0 | c >> 18);
	to[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	to[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	to[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* One unit more; *high is a pair's first half. Returns bytes written, 0..6. */
static size_t put_unit(uint8_t *to, uint16_t unit, uint16_t *high)
{
	uint16_t before = *high;
	size_t len = 0;

	*high = 0;
	if (before && unit >> 10 == 0x37)
		return put_utf8(to, 0x10000 +
					    ((uint32_t)(before & 0x3ff) << 10) +
					    (unit & 0x3ff));
	if (before)
		len = put_utf8(to, 0xfffd);
	if (unit >> 10 == 0x36) {
		*high = unit;
		return len;
	}
	return len + put_utf8(to + len, unit >> 10 == 0x37 ? 0xfffd : unit);
}

/* A whole field of UTF-16; what is beyond WANTED_MAX bytes is not told. */
static bool tell_utf16(const struct proto_sink *sink, enum proto_field f,
		       struct bytes b)
{
	uint8_t text[TEXT_PIECE];
	struct proto_piece p = { .field = (uint8_t)f,
				 .side = PROTO_CLIENT,
				 .begin = true,
				 .end = true };
	uint16_t unit, high = 0;
	size_t len = 0;

	while (len + 6 <= sizeof text && take_le16(&b, &unit))
		len += put_unit(text + len, unit, &high);
	p.cut = bytes_len(b) > 1;
	p.bytes = bytes_of(text, len);
	return !proto_wanted(sink, f) || sink->piece(sink->arg, &p);
}

/* Text goes on by b; end: it is complete. */
static bool put_text(struct tds *s, struct bytes b, bool end,
		     const struct proto_sink *sink)
{
	uint8_t text[TEXT_PIECE];
	size_t len = 0;

	for (; bytes_len(b) > 0; b.begin++) {
		if (!s->has_odd) {
			s->odd = *b.begin;
			s->has_odd = true;
			continue;
		}
		s->has_odd = false;
		len += put_unit(text + len, (uint16_t)(*b.begin << 8 | s->odd),
				&s->high);
		if (len + 6 <= sizeof text)
			continue;
		if (!sql_text(&s->sql, sink, bytes_of(text, len), false))
			return false;
		len = 0;
	}
	return (len == 0 && !end) ||
	       sql_text(&s->sql, sink, bytes_of(text, len), end);
}

static void begin_text(struct tds *s)
{
	sql_begin(&s->sql, SQL_TSQL);
	s->has_odd = false;
	s->high = 0;
}

/* --- logging in ------------------------------------------------------------- */

/* The i-th text of LOGIN7, by its place and length in characters. */
static struct bytes login_text(struct bytes login, unsigned i)
{
	struct bytes b = login, text;
	uint16_t at, len;

	if (!take_skip(&b, 36 + 4 * (size_t)i) || !take_le16(&b, &at) ||
	    !take_le16(&b, &len) || !take_skip(&login, at))
		return bytes_of(NULL, 0);
	text = frames_first(login, 2 * (uint64_t)len);
	return text;
}

static enum frame_step login7(const struct packet *p,
			      const struct proto_sink *sink)
{
	struct bytes user, database;

	if (bytes_len(p->payload) < p->len &&
	    bytes_len(p->payload) < WANTED_MAX)
		return FRAME_MORE;
	user = login_text(p->payload, 1);
	database = login_text(p->payload, 8);
	if (!tell_utf16(sink, FIELD_SQL_USER, user))
		return FRAME_STOPPED;
	if (bytes_len(database) > 0 &&
	    !tell_utf16(sink, FIELD_SQL_DATABASE, database))
		return FRAME_STOPPED;
	return frames_go_on(sink->asked(sink->arg) &&
			    sink->ended(sink->arg, PROTO_CLIENT));
}

/* --- statements ---------------------------------------------------------------- */

/* Headers that newer versions put ahead: their length, which is never text. */
static uint32_t headers_len(struct bytes b)
{
	uint32_t len;

	return take_le32(&b, &len) && len >= 4 && len <= HEADERS_MAX ? len : 0;
}

static enum frame_step batch(struct tds *s, struct bytes *rest,
			     const struct proto_sink *sink)
{
	struct bytes text = frames_first(*rest, s->text_left);
	struct bytes headers = frames_first(text, s->headers_left);
	bool end;

	rest->begin += bytes_len(text);
	s->text_left -= (uint32_t)bytes_len(text);
	s->headers_left -= (uint32_t)bytes_len(headers);
	text.begin = headers.end;
	end = s->text_left == 0 && s->last;
	if (!put_text(s, text, end, sink))
		return FRAME_STOPPED;
	if (end)
		s->in_text = false;
	return frames_go_on(!end || sink->ended(sink->arg, PROTO_CLIENT));
}

static enum frame_step begin_batch(struct tds *s, struct bytes *rest,
				   struct bytes b, const struct packet *p,
				   const struct proto_sink *sink)
{
	if (!s->in_text) {
		if (bytes_len(p->payload) < 4 && bytes_len(p->payload) < p->len)
			return FRAME_MORE;
		s->headers_left = headers_len(p->payload);
		s->in_text = true;
		begin_text(s);
	}
	s->text_left = p->len;
	s->last = p->status & STATUS_LAST;
	*rest = b;
	return batch(s, rest, sink);
}

/* --- calls ---------------------------------------------------------------------- */

/* Procedures that take text, by number; which text of the parameters it is. */
static const struct procedure {
	uint8_t number, text;
	const char *name;
} procedures[] = {
	{ 2, 1, "sp_cursoropen" },     { 3, 2, "sp_cursorprepare" },
	{ 5, 2, "sp_cursorprepexec" }, { 10, 1, "sp_executesql" },
	{ 11, 2, "sp_prepare" },       { 13, 2, "sp_prepexec" },
};

static const struct procedure *procedure_of(uint16_t number, struct bytes name)
{
	for (size_t i = 0; i < sizeof procedures / sizeof *procedures; i++) {
		const struct procedure *p = &procedures[i];
		struct bytes b = name;
		size_t at = 0;
		uint16_t unit;

		if (number == p->number)
			return p;
		while (take_le16(&b, &unit) && p->name[at] && unit < 0x80 &&
		       text_lower((uint8_t)unit) == (uint8_t)p->name[at])
			at++;
		if (bytes_len(name) == 2 * strlen(p->name) &&
		    at == strlen(p->name))
			return p;
	}
	return NULL;
}

/* nvarchar(max) comes in chunks: only the first is taken. */
static bool take_plp(struct bytes *b, struct bytes *ret)
{
	uint32_t low, high, chunk;

	if (!take_le32(b, &low) || !take_le32(b, &high) ||
	    !take_le32(b, &chunk))
		return false;
	*ret = frames_first(*b, chunk);
	b->begin = ret->end;
	/* the end of chunks: there are more, or it is not here */
	return bytes_len(*ret) == chunk && take_le32(b, &low) && low == 0;
}

enum parameter { PARAMETER_END, PARAMETER_TEXT, PARAMETER_OTHER };

/* The next parameter of a call. END: also one of a type that no text has. */
static enum parameter take_parameter(struct bytes *b, struct bytes *ret)
{
	uint16_t max, len;
	uint32_t long_len;
	uint8_t name, type, size;

	*ret = bytes_of(NULL, 0);
	if (!take_u8(b, &name) || !take_skip(b, 2 * (size_t)name) ||
	    !take_skip(b, 1) || !take_u8(b, &type))
		return PARAMETER_END;
	switch (type) {
	case 0x26: /* int of any size */
	case 0x68: /* bit */
		return take_skip(b, 1) && take_u8(b, &size) &&
				       take_skip(b, size)
			       ? PARAMETER_OTHER
			       : PARAMETER_END;
	case 0x38: /* int */
		return take_skip(b, 4) ? PARAMETER_OTHER : PARAMETER_END;
	case 0xe7: /* nvarchar, nchar */
	case 0xef:
		if (!take_le16(b, &max) || !take_skip(b, 5))
			return PARAMETER_END;
		if (max == 0xffff)
			return take_plp(b, ret) ? PARAMETER_TEXT
						: PARAMETER_END;
		if (!take_le16(b, &len))
			return PARAMETER_END;
		return len == 0xffff || take_bytes(b, len, ret) ? PARAMETER_TEXT
								: PARAMETER_END;
	case 0x63: /* ntext */
		if (!take_skip(b, 9) || !take_le32(b, &long_len))
			return PARAMETER_END;
		return long_len == UINT32_MAX || take_bytes(b, long_len, ret)
			       ? PARAMETER_TEXT
			       : PARAMETER_END;
	default: return PARAMETER_END;
	}
}

/* The n-th text of the parameters; false: it is not here. */
static bool find_text(struct bytes b, unsigned n, struct bytes *ret)
{
	for (;;) {
		enum parameter kind = take_parameter(&b, ret);

		if (kind == PARAMETER_END)
			return false;
		if (kind == PARAMETER_TEXT && --n == 0)
			return true;
	}
}

/* A procedure by its name, "EXEC name", or the statement that it is given. */
static bool tell_call(struct tds *s, uint16_t number, struct bytes name,
		      struct bytes parameters, const struct proto_sink *sink)
{
	const struct procedure *p = procedure_of(number, name);
	struct bytes text;

	begin_text(s);
	if (p && find_text(parameters, p->text, &text))
		return put_text(s, text, true, sink);
	if (!sql_text(&s->sql, sink, bytes_of("EXEC ", 5), false))
		return false;
	if (bytes_len(name) > 0)
		return put_text(s, name, true, sink);
	return sql_text(&s->sql, sink,
			p ? bytes_of(p->name, strlen(p->name))
			  : bytes_of("#", 1),
			true);
}

static enum frame_step call(struct tds *s, const struct packet *p,
			    const struct proto_sink *sink)
{
	struct bytes b = p->payload, name = { NULL, NULL };
	uint16_t len, number = 0;

	if (s->in_call) { /* goes on: the first packet has told */
		s->in_call = !(p->status & STATUS_LAST);
		return FRAME_TAKEN;
	}
	if (bytes_len(b) < p->len && bytes_len(b) < WANTED_MAX)
		return FRAME_MORE;
	(void)take_skip(&b, headers_len(b));
	if (!take_le16(&b, &len) ||
	    (len == 0xffff ? !take_le16(&b, &number)
			   : !take_bytes(&b, 2 * (size_t)len, &name)) ||
	    !take_skip(&b, 2))
		return malformed(PROTO_CLIENT, sink);
	s->in_call = !(p->status & STATUS_LAST);
	return frames_go_on(tell_call(s, number, name, b, sink) &&
			    sink->ended(sink->arg, PROTO_CLIENT));
}

/* --- the server ------------------------------------------------------------- */

/* What the answer to PRELOGIN says of encryption. */
static void negotiate(struct tds *s, struct bytes answer)
{
	struct bytes b = answer;
	uint16_t at, len;
	uint8_t token, value;

	while (take_u8(&b, &token) && token != 0xff && take_be16(&b, &at) &&
	       take_be16(&b, &len)) {
		struct bytes content = answer;

		if (token == 1 && take_skip(&content, at) &&
		    take_u8(&content, &value))
			s->encrypted = value == ENCRYPT_ON ||
				       value == ENCRYPT_REQUIRED;
	}
}

/* Tokens ahead of all others; the first of another kind ends it. */
static bool tell_tokens(struct bytes b, const struct proto_sink *sink)
{
	struct bytes content;
	uint32_t number;
	uint16_t len;
	uint8_t token;

	while (take_u8(&b, &token)) {
		if (token != TOKEN_ERROR && token != TOKEN_INFO &&
		    token != TOKEN_LOGINACK && token != TOKEN_ENVCHANGE)
			return true;
		if (!take_le16(&b, &len) || !take_bytes(&b, len, &content))
			return true;
		if (token != TOKEN_ERROR || !take_le32(&content, &number))
			continue;
		if (!frames_number(sink, PROTO_SERVER, FIELD_SQL_ERROR, number))
			return false;
		/* login failed; that database may not be opened */
		if ((number == 18456 || number == 4060) &&
		    !sink->note(sink->arg, PROTO_SERVER, NOTE_SQL_DENIED))
			return false;
	}
	return true;
}

/* A record of TLS, bare: 20 to 23, version 3.x */
static bool is_record(struct bytes b)
{
	return *b.begin >= 20 && *b.begin <= 23;
}

static enum frame_step pass_record(struct tds *s, enum proto_side side,
				   struct bytes *rest,
				   const struct proto_sink *sink)
{
	struct bytes b = *rest;
	uint8_t type, version;
	uint16_t len;

	if (!take_u8(&b, &type) || !take_u8(&b, &version) ||
	    !take_skip(&b, 1) || !take_be16(&b, &len))
		return FRAME_MORE;
	if (version != 3)
		return malformed(side, sink);
	*rest = b;
	s->frames.pass[side] = len;
	return FRAME_TAKEN;
}

static enum frame_step client(struct tds *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes b = *rest;
	enum frame_step step;
	struct packet p;

	if (s->text_left > 0)
		return batch(s, rest, sink);
	if (is_record(b))
		return s->encrypted ? FRAME_DONE
				    : pass_record(s, PROTO_CLIENT, rest, sink);
	step = take_packet(&b, &p);
	if (step == FRAME_MORE)
		return step;
	if (step == FRAME_LOST)
		return malformed(PROTO_CLIENT, sink);
	if (s->in_text && p.type != TYPE_BATCH) {
		/* what began is not to be finished, as with ATTENTION */
		s->in_text = false;
		if (!put_text(s, bytes_of(NULL, 0), true, sink) ||
		    !sink->ended(sink->arg, PROTO_CLIENT))
			return FRAME_STOPPED;
	}
	switch (p.type) {
	case TYPE_BATCH: return begin_batch(s, rest, b, &p, sink);
	case TYPE_RPC: step = call(s, &p, sink); break;
	case TYPE_LOGIN7:
		step = login7(&p, sink);
		s->negotiated = true;
		break;
	case TYPE_SYBASE_LOGIN: return FRAME_DONE;
	default: break;
	}
	if (step != FRAME_TAKEN)
		return step;
	*rest = b;
	s->frames.pass[PROTO_CLIENT] = p.len;
	return FRAME_TAKEN;
}

static enum frame_step server(struct tds *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes b = *rest;
	struct packet p;
	enum frame_step step;

	if (is_record(b) && *b.begin != TYPE_PRELOGIN)
		return pass_record(s, PROTO_SERVER, rest, sink);
	step = take_packet(&b, &p);
	if (step == FRAME_MORE)
		return step;
	if (step == FRAME_LOST)
		return malformed(PROTO_SERVER, sink);
	if (p.type == TYPE_ANSWER && !s->answer_goes_on) {
		if (bytes_len(p.payload) < p.len &&
		    bytes_len(p.payload) < WANTED_MAX)
			return FRAME_MORE;
		if (!s->negotiated)
			negotiate(s, p.payload);
		else if (!tell_tokens(p.payload, sink))
			return FRAME_STOPPED;
		s->negotiated = true;
	}
	s->answer_goes_on = !(p.status & STATUS_LAST);
	*rest = b;
	s->frames.pass[PROTO_SERVER] = p.len;
	return frames_go_on(s->answer_goes_on ||
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
	struct tds *s = state;

	(void)w;
	return frames_read(&s->frames, next, s, c, sink);
}

const struct proto_parser proto_tds = {
	.name = "mssql",
	.app = APP_MSSQL,
	.tcp = true,
	.state = &tds_state,
	.recognise = recognise,
	.read = read,
};
