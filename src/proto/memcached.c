/*
 * Text: a line with a command and words; some have a number of bytes behind.
 *
 *   set key flags expires 3\r\n abc\r\n        STORED\r\n
 *   get key\r\n                                VALUE key flags 3\r\n abc\r\n END\r\n
 *
 * Binary (numbers big-endian): magic | command | key's length (2) | extras' length |
 * type | status (2) | body's length (4) | opaque (4) | cas (8) | extras, key, value
 *
 * Couchbase speaks the binary one with commands of its own; whoever begins with
 * these, or with a login, is taken for it, as the reference does. Of a login user
 * and refusal are told, of SELECT_BUCKET the bucket as database.
 *
 * Answers in text are not read: what is stored may look like anything, and there is
 * nothing to be told of it.
 */
#include "proto/memcached.h"

#include <string.h>

#include "proto/frames.h"
#include "proto/text.h"

#define HEAD_BYTES 24u
#define KEY_MAX	   250
#define BODY_MAX   (1u << 30)
/* A line of text: "get" with many keys may be long. */
#define LINE_MAX     8192
#define NAME_BYTES   16
#define STATUS_LOGIN 0x20

enum magic {
	REQUEST = 0x80,
	ANSWER = 0x81,
	FLEXIBLE = 0x08,
	FLEXIBLE_ANSWER = 0x18
};

enum binary {
	BIN_HELLO = 0x1f,
	BIN_SASL_LIST = 0x20,
	BIN_SASL_AUTH = 0x21,
	BIN_SASL_STEP = 0x22,
	BIN_SELECT_BUCKET = 0x89,
	BIN_CLUSTER_CONFIG = 0xb5,
	BIN_ERROR_MAP = 0xfe,
};

struct memcached {
	struct frames frames;
	bool known, binary;
};
_Static_assert(sizeof(struct memcached) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(memcached_state, "memcached", struct memcached, 1);

/* By command; NULL: not of memcached's own. */
static const char *const names[] = {
	[0x00] = "get",	      [0x01] = "set",	    [0x02] = "add",
	[0x03] = "replace",   [0x04] = "delete",    [0x05] = "incr",
	[0x06] = "decr",      [0x07] = "quit",	    [0x08] = "flush_all",
	[0x09] = "get",	      [0x0a] = "noop",	    [0x0b] = "version",
	[0x0c] = "get",	      [0x0d] = "get",	    [0x0e] = "append",
	[0x0f] = "prepend",   [0x10] = "stats",	    [0x11] = "set",
	[0x12] = "add",	      [0x13] = "replace",   [0x14] = "delete",
	[0x15] = "incr",      [0x16] = "decr",	    [0x17] = "quit",
	[0x18] = "flush_all", [0x19] = "append",    [0x1a] = "prepend",
	[0x1b] = "verbosity", [0x1c] = "touch",	    [0x1d] = "gat",
	[0x1e] = "gat",	      [0x1f] = "hello",	    [0x20] = "sasl_list",
	[0x21] = "sasl_auth", [0x22] = "sasl_step",
};
static const struct {
	uint8_t command;
	const char *name;
} more_names[] = {
	{ 0x25, "audit" },
	{ 0x29, "set_vbucket" },
	{ 0x3d, "get_all_vbuckets" },
	{ 0x50, "dcp_open" },
	{ 0x53, "dcp_stream" },
	{ 0x85, "create_bucket" },
	{ 0x86, "delete_bucket" },
	{ 0x87, "list_buckets" },
	{ 0x89, "select_bucket" },
	{ 0x91, "observe" },
	{ 0x94, "get_locked" },
	{ 0x95, "unlock" },
	{ 0xa0, "get_meta" },
	{ 0xa2, "set_meta" },
	{ 0xa8, "delete_meta" },
	{ 0xb5, "get_cluster_config" },
	{ 0xb6, "get_random_key" },
	{ 0xba, "collections_manifest" },
	{ 0xd0, "subdoc_multi_lookup" },
	{ 0xd1, "subdoc_multi_mutation" },
	{ 0xc5, "subdoc_get" },
	{ 0xc7, "subdoc_dict_add" },
	{ 0xfe, "get_error_map" },
};

static const char *binary_name(uint8_t command)
{
	if (command < sizeof names / sizeof *names)
		return names[command];
	for (size_t i = 0; i < sizeof more_names / sizeof *more_names; i++)
		if (more_names[i].command == command)
			return more_names[i].name;
	return NULL;
}

struct head {
	uint8_t magic, command, extras, type;
	uint16_t key, status;
	uint32_t body;
};

static bool take_head(struct bytes *b, struct head *ret)
{
	if (bytes_len(*b) < HEAD_BYTES || !take_u8(b, &ret->magic) ||
	    !take_u8(b, &ret->command) || !take_be16(b, &ret->key) ||
	    !take_u8(b, &ret->extras) || !take_u8(b, &ret->type) ||
	    !take_be16(b, &ret->status) || !take_be32(b, &ret->body))
		return false;
	/* with "flexible" extras the key's length has one byte */
	if (ret->magic == FLEXIBLE || ret->magic == FLEXIBLE_ANSWER) {
		ret->extras = (uint8_t)(ret->extras + (ret->key >> 8));
		ret->key &= 0xff;
	}
	return take_skip(b, 12);
}

/* --- recognition ----------------------------------------------------------- */

static bool is_couchbase_command(uint8_t command)
{
	return (command >= BIN_HELLO && command <= BIN_SASL_STEP) ||
	       command == BIN_SELECT_BUCKET || command == BIN_CLUSTER_CONFIG ||
	       command == BIN_ERROR_MAP;
}

/* How long extras are by command; -1: any */
static int extras_of(uint8_t command)
{
	switch (command) {
	case 0x01:
	case 0x02:
	case 0x03:
	case 0x11:
	case 0x12:
	case 0x13: return 8;
	case 0x05:
	case 0x06:
	case 0x15:
	case 0x16: return 20;
	case 0x08:
	case 0x18: return -1;
	case 0x1b:
	case 0x1c:
	case 0x1d:
	case 0x1e: return 4;
	default: return 0;
	}
}

static enum proto_guess is_binary(struct bytes b, bool couchbase)
{
	struct head h;

	if (bytes_len(b) > 1 && is_couchbase_command(b.begin[1]) != couchbase)
		return PROTO_NO;
	if (bytes_len(b) > 1 && !binary_name(b.begin[1]))
		return PROTO_NO;
	if (!take_head(&b, &h))
		return PROTO_MAYBE;
	if (h.status != 0 || h.key > KEY_MAX || h.body > BODY_MAX ||
	    (uint32_t)h.key + h.extras > h.body)
		return PROTO_NO;
	if (couchbase)
		return h.extras == 0 && h.type == 0 ? PROTO_YES : PROTO_NO;
	if (h.type != 0 ||
	    (extras_of(h.command) >= 0 && h.extras != extras_of(h.command)))
		return PROTO_NO;
	return PROTO_YES;
}

enum form {
	KEYS,	     /* key... */
	STORES,	     /* key flags expires bytes [...] */
	COUNTS,	     /* key number */
	META,	     /* key flags... */
	META_STORES, /* key bytes flags... */
	ANY,
};

static const struct command {
	char name[NAME_BYTES];
	uint8_t form;
} commands[] = {
	{ "get", KEYS },
	{ "gets", KEYS },
	{ "gat", KEYS },
	{ "gats", KEYS },
	{ "set", STORES },
	{ "add", STORES },
	{ "replace", STORES },
	{ "append", STORES },
	{ "prepend", STORES },
	{ "cas", STORES },
	{ "delete", KEYS },
	{ "touch", COUNTS },
	{ "incr", COUNTS },
	{ "decr", COUNTS },
	{ "mg", META },
	{ "md", META },
	{ "ma", META },
	{ "ms", META_STORES },
	{ "me", META },
	{ "mn", ANY },
	{ "stats", ANY },
	{ "flush_all", ANY },
	{ "version", ANY },
	{ "verbosity", ANY },
	{ "quit", ANY },
	{ "shutdown", ANY },
	{ "slabs", ANY },
	{ "lru", ANY },
	{ "lru_crawler", ANY },
	{ "watch", ANY },
	{ "cache_memlimit", ANY },
	{ "misbehave", ANY },
};

static const struct command *command_of(struct bytes word)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (text_is(word, commands[i].name))
			return &commands[i];
	return NULL;
}

/* The next word of a line; empty: there is none. */
static struct bytes take_word(struct bytes *line)
{
	struct bytes word;

	while (bytes_len(*line) > 0 && *line->begin == ' ')
		line->begin++;
	word = *line;
	if (!text_take_until(line, ' ', &word))
		line->begin = line->end;
	return word;
}

/* Bytes that follow the line; false: it is not as it should be. */
static bool stored_bytes(const struct command *c, struct bytes line,
			 uint64_t *ret)
{
	uint64_t n = 0;

	*ret = 0;
	(void)take_word(&line);
	if (bytes_len(take_word(&line)) == 0)
		return false;
	if (c->form == META_STORES)
		return text_number(take_word(&line), BODY_MAX, ret);
	if (c->form != STORES)
		return true;
	/* flags; seconds, which may be negative */
	if (!text_number(take_word(&line), UINT32_MAX, &n) ||
	    bytes_len(take_word(&line)) == 0)
		return false;
	return text_number(take_word(&line), BODY_MAX, ret);
}

/* What only memcached answers. */
static enum proto_guess is_answer(struct bytes b)
{
	static const char *const words[] = {
		"VALUE ",     "END\r\n",       "STORED\r\n",
		"NOT_",	      "DELETED\r\n",   "STAT ",
		"VERSION ",   "TOUCHED\r\n",   "OK\r\n",
		"EXISTS\r\n", "CLIENT_ERROR ", "SERVER_ERROR ",
		"ERROR\r\n",  "EN\r\n",	       "HD",
		"VA ",	      "MN\r\n",	       "NF\r\n",
	};
	enum proto_guess best = PROTO_NO;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		enum proto_guess guess = text_begins(b, words[i]);

		if (guess == PROTO_YES)
			return guess;
		if (guess == PROTO_MAYBE)
			best = guess;
	}
	return best;
}

/* What stores tells by itself; for the others the server's answer must. */
static enum proto_guess is_text(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT], line, rest;
	bool whole = text_take_line(&b, &line);
	const struct command *c;
	struct bytes word;
	uint64_t n;

	if (!whole)
		line = b;
	rest = line;
	word = take_word(&rest);
	if (!whole) {
		if (word.end == line.end) { /* it may go on */
			for (const uint8_t *p = word.begin; p < word.end; p++)
				if (*p != '_' && *p != '\r' &&
				    (*p < 'a' || *p > 'z'))
					return PROTO_NO;
			return bytes_len(word) <= NAME_BYTES ? PROTO_MAYBE
							     : PROTO_NO;
		}
		return command_of(word) && !o->cut[PROTO_CLIENT] ? PROTO_MAYBE
								 : PROTO_NO;
	}
	c = command_of(word);
	if (!c)
		return PROTO_NO;
	if (c->form == STORES)
		return stored_bytes(c, line, &n) ? PROTO_YES : PROTO_NO;
	if (o->server_port == 11211)
		return PROTO_YES;
	if (bytes_len(o->said[PROTO_SERVER]) == 0)
		return PROTO_MAYBE;
	return is_answer(o->said[PROTO_SERVER]);
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];

	if (o->first == PROTO_SERVER && !o->midstream)
		return PROTO_NO;
	if (bytes_len(b) == 0)
		return PROTO_MAYBE;
	return *b.begin == REQUEST ? is_binary(b, false) : is_text(o);
}

static enum proto_guess recognise_couchbase(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];

	if (o->first == PROTO_SERVER && !o->midstream)
		return PROTO_NO;
	if (bytes_len(b) == 0)
		return PROTO_MAYBE;
	return *b.begin == REQUEST || *b.begin == FLEXIBLE ? is_binary(b, true)
							   : PROTO_NO;
}

/* --- reading ------------------------------------------------------------------ */

static enum frame_step malformed(enum proto_side side,
				 const struct proto_sink *sink)
{
	return sink->note(sink->arg, side, NOTE_MALFORMED) ? FRAME_LOST
							   : FRAME_STOPPED;
}

static bool ask_command(const struct proto_sink *sink, struct bytes name)
{
	return proto_tell(sink, PROTO_CLIENT, FIELD_MEMCACHED_COMMAND, name) &&
	       sink->asked(sink->arg) && sink->ended(sink->arg, PROTO_CLIENT);
}

static enum frame_step line(struct memcached *s, struct bytes *rest,
			    const struct proto_sink *sink)
{
	struct bytes b = *rest, text, words, word;
	const struct command *c;
	uint64_t n = 0;

	if (!text_take_line(&b, &text)) {
		if (bytes_len(b) <= LINE_MAX)
			return FRAME_MORE;
		text = b; /* "get" and very many keys: the rest is a line, too */
		b.begin = b.end;
	}
	*rest = b;
	words = text;
	word = take_word(&words);
	c = command_of(word);
	if (!c)
		return FRAME_TAKEN; /* "ERROR" is all that it gets */
	if ((c->form == STORES || c->form == META_STORES) &&
	    stored_bytes(c, text, &n))
		s->frames.pass[PROTO_CLIENT] = n + 2;
	return frames_go_on(ask_command(sink, word));
}

/* A login's or a bucket's name. b: the body, whole. */
static bool tell_body(const struct head *h, struct bytes b,
		      const struct proto_sink *sink)
{
	struct bytes key, ignored, user;

	if (!take_skip(&b, h->extras) || !take_bytes(&b, h->key, &key))
		return true;
	if (h->command == BIN_SELECT_BUCKET)
		return proto_tell(sink, PROTO_CLIENT, FIELD_SQL_DATABASE, key);
	if (h->command != BIN_SASL_AUTH)
		return true;
	/* PLAIN: "\0user\0password"; SCRAM: "n,,n=user,r=..." */
	if (text_is(key, "PLAIN") && text_take_until(&b, 0, &ignored) &&
	    text_take_until(&b, 0, &user))
		return proto_tell(sink, PROTO_CLIENT, FIELD_SQL_USER, user);
	if (text_begins(b, "n,,n=") == PROTO_YES && take_skip(&b, 5) &&
	    text_take_until(&b, ',', &user))
		return proto_tell(sink, PROTO_CLIENT, FIELD_SQL_USER, user);
	return true;
}

static enum frame_step request(struct memcached *s, struct bytes *rest,
			       const struct proto_sink *sink)
{
	struct bytes b = *rest, body;
	const char *name;
	struct head h;

	if (!take_head(&b, &h))
		return FRAME_MORE;
	if ((h.magic != REQUEST && h.magic != FLEXIBLE) || h.body > BODY_MAX)
		return malformed(PROTO_CLIENT, sink);
	body = frames_first(b, h.body);
	if ((h.command == BIN_SASL_AUTH || h.command == BIN_SELECT_BUCKET) &&
	    h.body <= FIELD_BYTES_MAX) {
		if (bytes_len(body) < h.body)
			return FRAME_MORE;
		if (!tell_body(&h, body, sink))
			return FRAME_STOPPED;
	}
	*rest = b;
	s->frames.pass[PROTO_CLIENT] = h.body;
	name = binary_name(h.command);
	if (!name)
		name = "other";
	return frames_go_on(ask_command(sink, bytes_of(name, strlen(name))));
}

static enum frame_step answer(struct memcached *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct head h;

	if (!take_head(rest, &h))
		return FRAME_MORE;
	/* Couchbase's server may ask, too (0x82) */
	if (h.body > BODY_MAX)
		return malformed(PROTO_SERVER, sink);
	s->frames.pass[PROTO_SERVER] = h.body;
	if ((h.command == BIN_SASL_AUTH || h.command == BIN_SASL_STEP) &&
	    h.status == STATUS_LOGIN &&
	    !sink->note(sink->arg, PROTO_SERVER, NOTE_SQL_DENIED))
		return FRAME_STOPPED;
	return frames_go_on(sink->ended(sink->arg, PROTO_SERVER));
}

static enum frame_step next(void *state, enum proto_side side,
			    struct bytes *rest, const struct proto_sink *sink)
{
	struct memcached *s = state;

	if (!s->known && side == PROTO_CLIENT) {
		s->known = true;
		s->binary = *rest->begin == REQUEST || *rest->begin == FLEXIBLE;
	}
	if (side == PROTO_CLIENT)
		return s->binary ? request(s, rest, sink) : line(s, rest, sink);
	if (s->binary)
		return answer(s, rest, sink);
	rest->begin = rest->end;
	return FRAME_TAKEN;
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	struct memcached *s = state;

	(void)w;
	return frames_read(&s->frames, next, s, c, sink);
}

const struct proto_parser proto_memcached = {
	.name = "memcached",
	.app = APP_MEMCACHED,
	.tcp = true,
	.state = &memcached_state,
	.recognise = recognise,
	.read = read,
};

const struct proto_parser proto_couchbase = {
	.name = "couchbase",
	.app = APP_COUCHBASE,
	.tcp = true,
	.state = &memcached_state,
	.recognise = recognise_couchbase,
	.read = read,
};
