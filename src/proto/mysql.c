/*
 * Packets: length (3 bytes, little-endian), number, payload. A payload of
 * 2^24-1 goes on in the next packet.
 *
 *   server                              client
 *   greeting ("\x0a" "8.0.32\0" ...)
 *                                       login: flags, user, database
 *   ... whatever the plugins say, numbers go on ...
 *   OK or ERR
 *                                       command, number 0: \x03 SELECT ...
 *   answer
 *
 * A command is a packet with number 0: what is numbered on (passwords, the files
 * of LOAD DATA) is passed over. Behind a login that asks for TLS the parser of
 * that reads on; compression ends all reading, once the server has said OK to it.
 *
 * Of answers only errors are told, and the end of rows is not followed: `ended` is
 * told for the server with an error, or when the next command begins.
 */
#include "proto/mysql.h"

#include "proto/frames.h"
#include "proto/sql.h"
#include "proto/text.h"

#define PACKET_MAX 0xffffffu

/* Flags of both sides ("capabilities"). */
#define CAN_DATABASE   (1u << 3)
#define CAN_COMPRESS   (1u << 5)
#define CAN_41	       (1u << 9)
#define CAN_TLS	       (1u << 11)
#define CAN_SECURE     (1u << 15)
#define CAN_LENENC     (1u << 21)
#define CAN_ZSTD       (1u << 26)
#define CAN_ATTRIBUTES (1u << 27)

enum command {
	COM_QUIT = 1,
	COM_INIT_DB = 2,
	COM_QUERY = 3,
	COM_FIELD_LIST = 4,
	COM_CREATE_DB = 5,
	COM_DROP_DB = 6,
	COM_REFRESH = 7,
	COM_SHUTDOWN = 8,
	COM_PROCESS_KILL = 12,
	COM_CHANGE_USER = 17,
	COM_BINLOG_DUMP = 18,
	COM_TABLE_DUMP = 19,
	COM_REGISTER_SLAVE = 21,
	COM_STMT_PREPARE = 22,
	COM_BINLOG_DUMP_GTID = 30,
};

struct mysql {
	struct frames frames;
	struct sql sql;
	uint32_t server_can, client_can;
	uint32_t text_left; /* of a statement, in this packet */
	bool greeted, logged_in, accepted;
	bool full;    /* the packet before was of PACKET_MAX */
	bool in_text; /* a statement is open */
	bool server_full, answering;
};
_Static_assert(sizeof(struct mysql) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(mysql_state, "mysql", struct mysql, 1);

struct packet {
	uint32_t len;
	uint8_t number;
	struct bytes payload; /* as much as is there */
};

static bool take_packet(struct bytes *b, struct packet *ret)
{
	uint16_t low;
	uint8_t high;

	if (!take_le16(b, &low) || !take_u8(b, &high) ||
	    !take_u8(b, &ret->number))
		return false;
	ret->len = (uint32_t)high << 16 | low;
	ret->payload = frames_first(*b, ret->len);
	return true;
}

static bool take_name(struct bytes *b, struct bytes *ret)
{
	return text_take_until(b, 0, ret);
}

/* --- recognition ----------------------------------------------------------- */

/* Does it look like "8.0.32"? */
static bool is_version(struct bytes b)
{
	if (bytes_len(b) < 3 || !text_is_digit(*b.begin))
		return false;
	for (const uint8_t *p = b.begin; p < b.end; p++)
		if (*p < ' ' || *p > '~')
			return false;
	return memchr(b.begin, '.', bytes_len(b)) != NULL;
}

/* Behind the version: thread, half a salt, a zero; flags. */
static enum proto_guess is_greeting(struct bytes b)
{
	struct packet p;
	struct bytes version, rest;
	uint8_t zero;
	uint16_t code;

	if (!take_packet(&b, &p))
		return PROTO_MAYBE;
	if (p.number != 0 || p.len < 8 || p.len > OPENING_BYTES_MAX)
		return PROTO_NO;
	if (bytes_len(p.payload) == 0)
		return PROTO_MAYBE;
	rest = p.payload;
	rest.begin++;
	if (*p.payload.begin == 0xff) {
		/* this host is not let in, or too many are */
		if (!take_le16(&rest, &code))
			return PROTO_MAYBE;
		return code >= 1000 && code < 2000 ? PROTO_YES : PROTO_NO;
	}
	if (*p.payload.begin != 10 && *p.payload.begin != 9)
		return PROTO_NO;
	if (!take_name(&rest, &version))
		return bytes_len(p.payload) < p.len && bytes_len(rest) < 128
			       ? PROTO_MAYBE
			       : PROTO_NO;
	if (!is_version(version))
		return PROTO_NO;
	if (*p.payload.begin == 9)
		return PROTO_YES;
	if (!take_skip(&rest, 12) || !take_u8(&rest, &zero))
		return bytes_len(p.payload) < p.len ? PROTO_MAYBE : PROTO_NO;
	return zero == 0 ? PROTO_YES : PROTO_NO;
}

static bool is_refusal(struct bytes greeting)
{
	struct packet p;
	uint8_t first;

	return take_packet(&greeting, &p) && take_u8(&p.payload, &first) &&
	       first == 0xff;
}

/* A client's login: number 1, flags, and many zeros. */
static enum proto_guess is_login(struct bytes b)
{
	static const uint8_t zeros[19];
	struct packet p;
	struct bytes part;
	uint32_t flags;

	if (!take_packet(&b, &p))
		return PROTO_MAYBE;
	if (p.number != 1 || p.len < 32)
		return PROTO_NO;
	if (!take_le32(&p.payload, &flags) || !take_skip(&p.payload, 5) ||
	    !take_bytes(&p.payload, sizeof zeros, &part))
		return PROTO_MAYBE;
	return flags & CAN_41 && memcmp(part.begin, zeros, sizeof zeros) == 0
		       ? PROTO_YES
		       : PROTO_NO;
}

/* What any client says to a greeting: a packet with the next number. */
static enum proto_guess is_reply(struct bytes b)
{
	struct packet p;

	if (!take_packet(&b, &p))
		return PROTO_MAYBE;
	return p.number == 1 && p.len >= 4 && p.len <= UINT16_MAX ? PROTO_YES
								  : PROTO_NO;
}

/* A server's greeting does not say what its client speaks. */
static enum proto_guess recognise_greeted(struct bytes client,
					  struct bytes server)
{
	enum proto_guess greeting = is_greeting(server);

	if (greeting != PROTO_YES)
		return greeting;
	if (bytes_len(client) == 0 && is_refusal(server))
		return PROTO_YES; /* nobody will say more */
	return is_reply(client);
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes client = o->said[PROTO_CLIENT];
	struct bytes server = o->said[PROTO_SERVER];

	if (o->first == PROTO_SERVER)
		return recognise_greeted(client, server);
	return o->midstream ? is_login(client) : PROTO_NO;
}

/* --- logging in ------------------------------------------------------------- */

static enum frame_step malformed(enum proto_side side,
				 const struct proto_sink *sink)
{
	return sink->note(sink->arg, side, NOTE_MALFORMED) ? FRAME_LOST
							   : FRAME_STOPPED;
}

static enum frame_step greeting(struct mysql *s, struct packet *p,
				const struct proto_sink *sink)
{
	struct bytes b = p->payload, version;
	uint16_t low = 0, high = 0;
	uint8_t kind;

	s->greeted = true;
	(void)take_u8(&b, &kind);
	if (!take_name(&b, &version) || !take_skip(&b, 13) ||
	    !take_le16(&b, &low))
		return malformed(PROTO_SERVER, sink);
	/* older ones end here */
	if (take_skip(&b, 3))
		(void)take_le16(&b, &high);
	s->server_can = (uint32_t)high << 16 | low;
	return FRAME_TAKEN;
}

/* What comes before the database is as long as the flags say. */
static bool skip_password(const struct mysql *s, struct bytes *b)
{
	struct bytes ignored;
	uint8_t len;

	if (s->client_can & (CAN_SECURE | CAN_LENENC)) {
		/* up to 250 these are the same */
		return take_u8(b, &len) && take_skip(b, len);
	}
	return take_name(b, &ignored);
}

/* Compression begins when a login that wants it has got its OK. */
static bool is_compressed(const struct mysql *s)
{
	return s->server_can & s->client_can & (CAN_COMPRESS | CAN_ZSTD);
}

static bool tell_login(const struct mysql *s, const struct proto_sink *sink,
		       struct bytes user, struct bytes database)
{
	if (!proto_tell(sink, PROTO_CLIENT, FIELD_SQL_USER, user))
		return false;
	if (bytes_len(database) > 0 &&
	    !proto_tell(sink, PROTO_CLIENT, FIELD_SQL_DATABASE, database))
		return false;
	/* what will be asked then cannot be read */
	if (is_compressed(s) &&
	    !proto_tell_unseen(sink, PROTO_CLIENT, FIELD_SQL_VERB))
		return false;
	return sink->asked(sink->arg) && sink->ended(sink->arg, PROTO_CLIENT);
}

/* The client's first packet. */
static enum frame_step login(struct mysql *s, const struct packet *p,
			     const struct proto_sink *sink)
{
	struct bytes b = p->payload, user, database = { NULL, NULL };
	uint16_t low;
	bool ok;

	if (bytes_len(b) < p->len && bytes_len(b) < FIELD_BYTES_MAX)
		return FRAME_MORE; /* it may have a lot behind the database */
	if (!take_le16(&b, &low))
		return malformed(PROTO_CLIENT, sink);
	s->client_can = low;
	if (low & CAN_41) {
		b = p->payload;
		if (!take_le32(&b, &s->client_can) || !take_skip(&b, 28))
			return malformed(PROTO_CLIENT, sink);
		if (s->client_can & CAN_TLS && bytes_len(b) == 0)
			return FRAME_TLS;
		ok = take_name(&b, &user) && skip_password(s, &b);
	} else {
		if (low & CAN_TLS && bytes_len(b) <= 3)
			return FRAME_TLS;
		ok = take_skip(&b, 3) && take_name(&b, &user);
		if (ok && low & CAN_DATABASE) {
			struct bytes ignored;

			ok = take_name(&b, &ignored);
		}
	}
	if (ok && s->client_can & CAN_DATABASE && !take_name(&b, &database))
		database = b; /* the last one may go without its zero */
	if (!ok)
		return malformed(PROTO_CLIENT, sink);
	s->logged_in = true;
	return frames_go_on(tell_login(s, sink, user, database));
}

/* COM_CHANGE_USER: as a login, without its flags. */
static enum frame_step change_user(struct mysql *s, const struct packet *p,
				   const struct proto_sink *sink)
{
	struct bytes b = p->payload, user, database;

	if (bytes_len(b) < p->len && bytes_len(b) < FIELD_BYTES_MAX)
		return FRAME_MORE;
	(void)take_skip(&b, 1);
	s->accepted = false;
	if (!take_name(&b, &user) || !skip_password(s, &b) ||
	    !take_name(&b, &database))
		return malformed(PROTO_CLIENT, sink);
	return frames_go_on(tell_login(s, sink, user, database));
}

/* --- commands ---------------------------------------------------------------- */

/* An integer of 1, 3, 4 or 9 bytes. */
static bool take_lenenc(struct bytes *b, uint64_t *ret)
{
	uint32_t low, high = 0;
	uint16_t two;
	uint8_t first, third;

	if (!take_u8(b, &first))
		return false;
	*ret = first;
	if (first < 0xfb)
		return true;
	if (!take_le16(b, &two))
		return false;
	*ret = two;
	if (first == 0xfc)
		return true;
	if (first == 0xfd) {
		if (!take_u8(b, &third))
			return false;
		*ret |= (uint64_t)third << 16;
		return true;
	}
	if (first != 0xfe || !take_le16(b, &two))
		return false;
	low = (uint32_t)*ret | (uint32_t)two << 16;
	if (!take_le32(b, &high))
		return false;
	*ret = (uint64_t)high << 32 | low;
	return true;
}

static bool skip_lenenc(struct bytes *b)
{
	uint64_t len;

	return take_lenenc(b, &len) && len <= bytes_len(*b) &&
	       take_skip(b, (size_t)len);
}

/* A value of a statement's attribute, by its type. */
static bool skip_value(struct bytes *b, uint8_t type)
{
	uint8_t len;

	switch (type) {
	case 6: return true;		 /* NULL */
	case 1: return take_skip(b, 1);	 /* tiny */
	case 2:				 /* short */
	case 13: return take_skip(b, 2); /* year */
	case 3:				 /* long */
	case 4:				 /* float */
	case 9: return take_skip(b, 4);	 /* 24 bits */
	case 5:				 /* double */
	case 8: return take_skip(b, 8);	 /* long long */
	case 7:				 /* timestamp, date, time, datetime */
	case 10:
	case 11:
	case 12: return take_u8(b, &len) && take_skip(b, len);
	default: return skip_lenenc(b);
	}
}

/* MySQL 8 may put attributes before a statement's text; these are skipped. */
static bool skip_attributes(struct bytes *b)
{
	struct bytes nulls, types;
	uint64_t n, sets;
	uint8_t told, is_null, type;

	if (!take_lenenc(b, &n) || !take_lenenc(b, &sets))
		return false;
	if (n == 0)
		return true;
	if (n > FIELD_BYTES_MAX ||
	    !take_bytes(b, (size_t)(n + 7) / 8, &nulls) || !take_u8(b, &told) ||
	    told != 1)
		return false;
	types = *b;
	for (uint64_t i = 0; i < n; i++)
		if (!take_skip(b, 2) || !skip_lenenc(b))
			return false;
	for (uint64_t i = 0; i < n; i++) {
		is_null = nulls.begin[i / 8] >> (i % 8) & 1;
		if (!take_u8(&types, &type) || !take_skip(&types, 1) ||
		    !skip_lenenc(&types))
			return false;
		if (!is_null && !skip_value(b, type))
			return false;
	}
	return true;
}

/*
 * As much of the statement as is there. text_left and `full` say what is to
 * come of it.
 */
static enum frame_step statement(struct mysql *s, struct bytes *rest,
				 const struct proto_sink *sink)
{
	struct bytes text = frames_first(*rest, s->text_left);
	bool end;

	rest->begin += bytes_len(text);
	s->text_left -= (uint32_t)bytes_len(text);
	end = s->text_left == 0 && !s->full;
	if (!sql_text(&s->sql, sink, text, end))
		return FRAME_STOPPED;
	s->in_text = !end;
	return frames_go_on(!end || sink->ended(sink->arg, PROTO_CLIENT));
}

static enum frame_step query(struct mysql *s, const struct packet *p,
			     struct bytes *rest, const struct proto_sink *sink)
{
	struct bytes text = p->payload;

	text.begin++;
	if (*p->payload.begin == COM_QUERY &&
	    s->client_can & s->server_can & CAN_ATTRIBUTES &&
	    !skip_attributes(&text)) {
		if (bytes_len(p->payload) < p->len)
			return FRAME_MORE;
		return malformed(PROTO_CLIENT, sink);
	}
	s->text_left = p->len - (uint32_t)(text.begin - p->payload.begin);
	s->full = p->len == PACKET_MAX;
	rest->begin = text.begin;
	sql_begin(&s->sql, SQL_MYSQL);
	return statement(s, rest, sink);
}

static enum frame_step one_verb(const struct proto_sink *sink, const char *verb)
{
	return frames_go_on(sql_verb(sink, verb) &&
			    sink->ended(sink->arg, PROTO_CLIENT));
}

static enum frame_step use(const struct packet *p,
			   const struct proto_sink *sink)
{
	struct bytes name = p->payload;

	if (bytes_len(name) < p->len && bytes_len(name) < FIELD_BYTES_MAX)
		return FRAME_MORE;
	name.begin++;
	if (!proto_tell(sink, PROTO_CLIENT, FIELD_SQL_DATABASE, name))
		return FRAME_STOPPED;
	return one_verb(sink, "USE");
}

/* What does something by itself, as a statement would. */
static enum frame_step command(struct mysql *s, const struct packet *p,
			       const struct proto_sink *sink)
{
	switch (*p->payload.begin) {
	case COM_INIT_DB: return use(p, sink);
	case COM_CHANGE_USER: return change_user(s, p, sink);
	case COM_CREATE_DB: return one_verb(sink, "CREATE");
	case COM_DROP_DB: return one_verb(sink, "DROP");
	case COM_REFRESH: return one_verb(sink, "FLUSH");
	case COM_SHUTDOWN: return one_verb(sink, "SHUTDOWN");
	case COM_PROCESS_KILL: return one_verb(sink, "KILL");
	case COM_FIELD_LIST: return one_verb(sink, "SHOW");
	case COM_BINLOG_DUMP:
	case COM_BINLOG_DUMP_GTID:
	case COM_REGISTER_SLAVE: return one_verb(sink, "BINLOG_DUMP");
	case COM_TABLE_DUMP: return one_verb(sink, "TABLE_DUMP");
	default: return FRAME_TAKEN; /* ping, quit, what runs the prepared */
	}
}

static enum frame_step client(struct mysql *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes b = *rest;
	enum frame_step step = FRAME_TAKEN;
	struct packet p;

	if (s->text_left > 0)
		return statement(s, rest, sink);
	if (!take_packet(&b, &p))
		return FRAME_MORE;
	if (s->full) { /* the packet goes on with the one before */
		s->full = p.len == PACKET_MAX;
		*rest = b;
		if (s->in_text) {
			s->text_left = p.len;
			return statement(s, rest, sink);
		}
		s->frames.pass[PROTO_CLIENT] = p.len;
		return FRAME_TAKEN;
	}
	if (bytes_len(p.payload) == 0 && p.len > 0)
		return FRAME_MORE;
	if (!s->logged_in) {
		step = login(s, &p, sink);
	} else if (p.number == 0 && p.len > 0) {
		if (s->answering && !sink->ended(sink->arg, PROTO_SERVER))
			return FRAME_STOPPED;
		s->answering = false;
		if (*p.payload.begin == COM_QUERY ||
		    *p.payload.begin == COM_STMT_PREPARE)
			return query(s, &p, rest, sink);
		step = command(s, &p, sink);
	}
	if (step == FRAME_TLS)
		rest->begin = p.payload.end;
	if (step != FRAME_TAKEN)
		return step;
	*rest = b;
	s->full = p.len == PACKET_MAX;
	s->frames.pass[PROTO_CLIENT] = p.len;
	return FRAME_TAKEN;
}

/* --- the server ------------------------------------------------------------- */

static bool tell_error(const struct packet *p, const struct proto_sink *sink)
{
	struct bytes b = p->payload;
	uint16_t code;

	(void)take_skip(&b, 1);
	if (!take_le16(&b, &code))
		return true;
	return frames_number(sink, PROTO_SERVER, FIELD_SQL_ERROR, code) &&
	       ((code != 1044 && code != 1045) ||
		sink->note(sink->arg, PROTO_SERVER, NOTE_SQL_DENIED)) &&
	       sink->ended(sink->arg, PROTO_SERVER);
}

static enum frame_step answer(struct mysql *s, const struct packet *p,
			      const struct proto_sink *sink)
{
	uint8_t kind = *p->payload.begin;

	if (kind == 0xff) {
		s->answering = false;
		return frames_go_on(tell_error(p, sink));
	}
	if (kind == 0 && s->logged_in && !s->accepted) {
		s->accepted = true;
		if (!sink->ended(sink->arg, PROTO_SERVER))
			return FRAME_STOPPED;
		return is_compressed(s) ? FRAME_DONE : FRAME_TAKEN;
	}
	s->answering |= s->accepted;
	return FRAME_TAKEN;
}

static enum frame_step server(struct mysql *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	enum frame_step step = FRAME_TAKEN;
	struct bytes b = *rest;
	bool goes_on = s->server_full;
	struct packet p;
	size_t want;

	if (!take_packet(&b, &p))
		return FRAME_MORE;
	/* of answers the first three bytes tell, the greeting is read whole */
	want = s->greeted ? 3 : OPENING_BYTES_MAX;
	if (!goes_on && bytes_len(p.payload) < p.len &&
	    bytes_len(p.payload) < want)
		return FRAME_MORE;
	if (!goes_on && p.len > 0)
		step = s->greeted || *p.payload.begin == 0xff
			       ? answer(s, &p, sink)
			       : greeting(s, &p, sink);
	if (step != FRAME_TAKEN)
		return step;
	*rest = b;
	s->server_full = p.len == PACKET_MAX;
	s->frames.pass[PROTO_SERVER] = p.len;
	return FRAME_TAKEN;
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
	struct mysql *s = state;

	(void)w;
	return frames_read(&s->frames, next, s, c, sink);
}

const struct proto_parser proto_mysql = {
	.name = "mysql",
	.app = APP_MYSQL,
	.tcp = true,
	.state = &mysql_state,
	.recognise = recognise,
	.read = read,
};
