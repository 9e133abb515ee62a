/*
 * Packets: length (2) | check (2), 0 | type | flags | check (2) | ...; from version
 * 315 on, behind ACCEPT, the length has 4 bytes and no check follows it.
 *
 *   CONNECT   version, lowest version, ...; at 24 length and place of
 *             "(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=x)(CID=...(USER=me)))...)"
 *             which comes in a packet of its own when it is long
 *   ACCEPT, REFUSE "(DESCRIPTION=(ERR=12514)...)", REDIRECT, RESEND
 *   DATA      flags (2), then what client and server say to each other
 *
 * That is not documented. A statement is found, as the reference does, by its first
 * word: in DATA that runs a statement (3, 0x5e; 0x11 may come before) the first
 * verb that has a blank behind it begins the text, which ends where bytes are none
 * of text. Of a statement of several packets the first one's text is read.
 */
#include "proto/tns.h"

#include <string.h>

#include "proto/frames.h"
#include "proto/sql.h"
#include "proto/text.h"

#define HEAD_BYTES 8u
/* With 4 bytes of length; session data units are of 2 MiB at most. */
#define PACKET_MAX (2u << 20)
/* Where a statement is looked for, and how much of a packet is waited for. */
#define WANTED_MAX    8192u
#define VERSION_LARGE 315

enum type {
	TYPE_CONNECT = 1,
	TYPE_ACCEPT = 2,
	TYPE_REFUSE = 4,
	TYPE_REDIRECT = 5,
	TYPE_DATA = 6,
};

struct tns {
	struct frames frames;
	struct sql sql;
	bool large; /* lengths have 4 bytes */
	bool descriptor_next;
};
_Static_assert(sizeof(struct tns) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(tns_state, "tns", struct tns, 1);

struct packet {
	uint32_t len; /* behind the head */
	uint8_t type;
	struct bytes payload;
};

/* TAKEN, MORE or LOST. */
static enum frame_step take_packet(struct bytes *b, bool large,
				   struct packet *ret)
{
	struct bytes rest = *b;
	uint16_t high, low;
	uint32_t len;

	if (!take_be16(&rest, &high) || !take_be16(&rest, &low) ||
	    !take_u8(&rest, &ret->type) || !take_skip(&rest, 3))
		return FRAME_MORE;
	len = large ? (uint32_t)high << 16 | low : high;
	if (len < HEAD_BYTES || len > PACKET_MAX || ret->type == 0 ||
	    ret->type > 20)
		return FRAME_LOST;
	ret->len = len - HEAD_BYTES;
	ret->payload = frames_first(rest, ret->len);
	*b = rest;
	return FRAME_TAKEN;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT], all = b;
	uint16_t version, lowest, len, at;
	struct packet p;

	if (o->first == PROTO_SERVER || bytes_len(b) == 0)
		return PROTO_NO;
	/* of what is there: no check, CONNECT, no flag, no check */
	for (size_t i = 2; i < HEAD_BYTES && i < bytes_len(b); i++)
		if (i != 5 && b.begin[i] != (i == 4 ? TYPE_CONNECT : 0))
			return PROTO_NO;
	switch (take_packet(&b, false, &p)) {
	case FRAME_TAKEN: break;
	case FRAME_MORE: return PROTO_MAYBE;
	default: return PROTO_NO;
	}
	if (p.len < 26 || p.len > 4096)
		return PROTO_NO;
	if (!take_be16(&b, &version) || !take_be16(&b, &lowest))
		return PROTO_MAYBE;
	if (version < 256 || version > 400 || lowest < 256 || lowest > version)
		return PROTO_NO;
	if (!take_skip(&all, 24) || !take_be16(&all, &len) ||
	    !take_be16(&all, &at))
		return PROTO_MAYBE;
	return at >= 26 && len > 0 ? PROTO_YES : PROTO_NO;
}

static enum frame_step malformed(enum proto_side side,
				 const struct proto_sink *sink)
{
	return sink->note(sink->arg, side, NOTE_MALFORMED) ? FRAME_LOST
							   : FRAME_STOPPED;
}

/* --- descriptors --------------------------------------------------------------- */

/* "(NAME = value)" anywhere in it, in any case; name in lower case. */
static bool find_value(struct bytes b, const char *name, struct bytes *ret)
{
	struct bytes before, value, word;

	while (text_take_until(&b, '(', &before)) {
		value = b;
		if (!text_take_until(&value, '=', &word) ||
		    !text_is_nocase(text_trim(word), name))
			continue;
		if (!text_take_until(&value, ')', &word))
			word = value;
		*ret = text_trim(word);
		return true;
	}
	return false;
}

static bool tell_descriptor(struct bytes b, const struct proto_sink *sink)
{
	struct bytes value;

	if (find_value(b, "user", &value) &&
	    !proto_tell(sink, PROTO_CLIENT, FIELD_SQL_USER, value))
		return false;
	if ((find_value(b, "service_name", &value) ||
	     find_value(b, "sid", &value)) &&
	    !proto_tell(sink, PROTO_CLIENT, FIELD_SQL_DATABASE, value))
		return false;
	/* its statements are found by chance only */
	return proto_tell_unseen(sink, PROTO_CLIENT, FIELD_SQL_VERB) &&
	       sink->asked(sink->arg) && sink->ended(sink->arg, PROTO_CLIENT);
}

static bool connects(struct tns *s, const struct packet *p,
		     const struct proto_sink *sink)
{
	struct bytes head = p->payload, text = p->payload;
	uint16_t len, at;

	s->descriptor_next = false;
	if (!take_skip(&head, 16) || !take_be16(&head, &len) ||
	    !take_be16(&head, &at))
		return true;
	if (at >= HEAD_BYTES && take_skip(&text, at - HEAD_BYTES) &&
	    bytes_len(text) > 0)
		return tell_descriptor(frames_first(text, len), sink);
	s->descriptor_next = true;
	return true;
}

/* --- statements ----------------------------------------------------------------- */

static bool is_verb(struct bytes b)
{
	static const char *const verbs[] = {
		"select",  "insert",  "update", "delete", "merge",   "with",
		"create",  "drop",    "alter",	"begin",  "declare", "truncate",
		"grant",   "revoke",  "call",	"lock",	  "rename",  "explain",
		"comment", "analyze", "purge",	"set",	  "commit",  "rollback",
	};

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		struct bytes rest = b;

		if (text_begins_nocase(b, verbs[i]) != PROTO_YES)
			continue;
		(void)take_skip(&rest, strlen(verbs[i]));
		return bytes_len(rest) > 0 &&
		       (*rest.begin == ' ' || *rest.begin == '\n' ||
			*rest.begin == '\t' || *rest.begin == '\r' ||
			*rest.begin == '/' || *rest.begin == '(' ||
			*rest.begin == '*');
	}
	return false;
}

static bool is_text(uint8_t c)
{
	return c >= ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A length lies before it, which may look like a letter: any place counts. */
static bool find_statement(struct bytes b, struct bytes *ret)
{
	for (; bytes_len(b) > 3; b.begin++) {
		if (!is_verb(b))
			continue;
		*ret = b;
		while (b.begin < b.end && is_text(*b.begin))
			b.begin++;
		ret->end = b.begin;
		return true;
	}
	return false;
}

/* DATA of the client: flags, then 3 0x5e, with 0x11 and what goes with it ahead. */
static bool runs_statement(struct bytes b)
{
	if (!take_skip(&b, 2) || bytes_len(b) < 3)
		return false;
	return (b.begin[0] == 3 && b.begin[1] == 0x5e) || b.begin[0] == 0x11;
}

static bool data(struct tns *s, const struct packet *p,
		 const struct proto_sink *sink)
{
	struct bytes b = p->payload, text;

	if (!runs_statement(b) || !find_statement(b, &text))
		return true;
	sql_begin(&s->sql, SQL_ANSI);
	return sql_text(&s->sql, sink, text, true) &&
	       sink->ended(sink->arg, PROTO_CLIENT);
}

static enum frame_step client(struct tns *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes b = *rest, text;
	struct packet p;
	enum frame_step step = take_packet(&b, s->large, &p);
	bool ok = true;

	if (step == FRAME_MORE)
		return step;
	if (step == FRAME_LOST)
		return malformed(PROTO_CLIENT, sink);
	if ((p.type == TYPE_CONNECT || p.type == TYPE_DATA) &&
	    bytes_len(p.payload) < p.len && bytes_len(p.payload) < WANTED_MAX)
		return FRAME_MORE;
	if (p.type == TYPE_CONNECT) {
		ok = connects(s, &p, sink);
	} else if (p.type == TYPE_DATA && s->descriptor_next) {
		text = p.payload;
		s->descriptor_next = false;
		if (take_skip(&text, 2))
			ok = tell_descriptor(text, sink);
	} else if (p.type == TYPE_DATA) {
		ok = data(s, &p, sink);
	}
	*rest = b;
	s->frames.pass[PROTO_CLIENT] = p.len;
	return frames_go_on(ok);
}

/* --- the server ------------------------------------------------------------- */

/* "(ERR=12514)"; 1017 and its like come inside DATA and are not found. */
static bool refuses(struct bytes b, const struct proto_sink *sink)
{
	struct bytes code;

	return !find_value(b, "err", &code) ||
	       proto_tell(sink, PROTO_SERVER, FIELD_SQL_ERROR, code);
}

static enum frame_step server(struct tns *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes b = *rest, text;
	struct packet p;
	enum frame_step step = take_packet(&b, s->large, &p);
	uint16_t version;
	bool ok = true;

	if (step == FRAME_MORE)
		return step;
	if (step == FRAME_LOST)
		return malformed(PROTO_SERVER, sink);
	if ((p.type == TYPE_ACCEPT || p.type == TYPE_REFUSE) &&
	    bytes_len(p.payload) < p.len && bytes_len(p.payload) < WANTED_MAX)
		return FRAME_MORE;
	text = p.payload;
	if (p.type == TYPE_ACCEPT && take_be16(&text, &version))
		s->large = version >= VERSION_LARGE;
	else if (p.type == TYPE_REFUSE)
		ok = refuses(text, sink);
	*rest = b;
	s->frames.pass[PROTO_SERVER] = p.len;
	return frames_go_on(ok && (p.type == TYPE_DATA ||
				   sink->ended(sink->arg, PROTO_SERVER)));
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
	struct tns *s = state;

	(void)w;
	return frames_read(&s->frames, next, s, c, sink);
}

const struct proto_parser proto_tns = {
	.name = "oracle",
	.app = APP_ORACLE,
	.tcp = true,
	.state = &tns_state,
	.recognise = recognise,
	.read = read,
};
