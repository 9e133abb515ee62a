/*
 * Messages are length (4) and content, numbers big-endian. The first one of a client
 * asks for a session: version 0, last change (8), timeout (4), session (8), password
 * (16, with its length). Those behind it: number (4), operation (4), and mostly a
 * path. "multi" has several operations in one, each with a head of its own; it is
 * gone along, and asked is for each.
 *
 * Instead of a session a client may say a word of four letters, "ruok". What servers
 * say to each other (leader, election) is known by name only.
 */
#include "proto/zookeeper.h"

#include <string.h>

#include "proto/frames.h"
#include "proto/text.h"

/* jute.maxbuffer is 1 MiB, and may be set higher. */
#define MESSAGE_MAX (64u << 20)
#define PATH_MAX_   8192u
/* 4 + 8 + 4 + 8 + 4 + 16, and whether it may be read-only. */
#define CONNECT_MIN 28u
#define CONNECT_MAX 45u

#define OP_PING	      11
#define OP_MULTI      14
#define OP_MULTI_READ 22

/*
 * `multi`: what an operation inside of one has, a letter each: p path, d data, a
 * who may do what, 1, 4, 8 bytes; NULL: it is none of these.
 */
static const struct operation {
	uint8_t op;
	bool has_path;
	const char *name, *multi;
} operations[] = {
	{ 1, true, "create", "pda4" },
	{ 2, true, "delete", "p4" },
	{ 3, true, "exists", NULL },
	{ 4, true, "getData", "p1" },
	{ 5, true, "setData", "pd4" },
	{ 6, true, "getACL", NULL },
	{ 7, true, "setACL", NULL },
	{ 8, true, "getChildren", "p1" },
	{ 9, true, "sync", NULL },
	{ 11, false, "ping", NULL },
	{ 12, true, "getChildren2", NULL },
	{ 13, true, "check", "p4" },
	{ 14, false, "multi", NULL },
	{ 15, true, "create2", "pda4" },
	{ 16, false, "reconfig", NULL },
	{ 17, true, "checkWatches", NULL },
	{ 18, true, "removeWatches", NULL },
	{ 19, true, "createContainer", "pda4" },
	{ 20, true, "deleteContainer", "p4" },
	{ 21, true, "createTTL", "pda48" },
	{ 22, false, "multiRead", NULL },
	{ 100, false, "auth", NULL },
	{ 101, false, "setWatches", NULL },
	{ 102, false, "sasl", NULL },
	{ 103, true, "getEphemerals", NULL },
	{ 104, true, "getAllChildrenNumber", NULL },
	{ 105, false, "setWatches2", NULL },
	{ 106, true, "addWatch", NULL },
	{ 107, false, "whoAmI", NULL },
	{ 245, false, "closeSession", NULL }, /* -11 */
	{ 246, false, "createSession", NULL },
};

static const struct operation *operation(uint32_t op)
{
	uint8_t low = (uint8_t)op;

	if (op != low && op != (UINT32_MAX - 0xff + low))
		return NULL;
	if ((op > 0xff) != (low == 245 || low == 246))
		return NULL;
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (operations[i].op == low)
			return &operations[i];
	return NULL;
}

struct zookeeper {
	struct frames frames;
	uint32_t left; /* of the client's message; 0: the next begins */
	uint32_t acls; /* still to come */
	/* Of a multi, the operation inside: operations[] + 1, and what of its
	 * `multi` comes next; 0: the next operation. */
	uint8_t inside, at;
	bool begun;
};
_Static_assert(sizeof(struct zookeeper) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(zookeeper_state, "zookeeper", struct zookeeper, 1);

/* --- recognition ----------------------------------------------------------- */

/* Words of four letters; "stat" is also how memcached's "stats" begins. */
static bool is_word(struct bytes b)
{
	static const char words[] = "conf cons crst dirs dump envi gtmk hash "
				    "icfg isro lead lsnp mntr obst orst ruok "
				    "srst srvr stat stmk sysp wchc wchp wchs";

	for (size_t i = 0; i + 4 < sizeof words; i += 5)
		if (memcmp(b.begin, words + i, 4) == 0)
			return true;
	return false;
}

static enum proto_guess is_typed(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];

	for (size_t i = 0; i < bytes_len(b) && i < 4; i++)
		if (b.begin[i] < 'a' || b.begin[i] > 'z')
			return PROTO_NO;
	if (bytes_len(b) < 4)
		return PROTO_MAYBE;
	if (!is_word(b))
		return PROTO_NO;
	if (o->server_port == 2181)
		return PROTO_YES;
	if (bytes_len(b) > 4)
		return b.begin[4] == '\n' || b.begin[4] == '\r' ? PROTO_YES
								: PROTO_NO;
	/* it is answered, so that was all */
	return o->now == PROTO_SERVER ? PROTO_YES : PROTO_MAYBE;
}

/* What a follower says first, or who votes; NO: neither. */
static enum proto_guess is_peer(struct bytes b)
{
	static const uint8_t votes[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0
	};
	static const uint8_t follows[] = { 0, 0, 0, 11 };
	static const uint8_t observes[] = { 0, 0, 0, 16 };
	size_t len = bytes_len(b);
	struct bytes rest = b;
	uint32_t size, version;

	if (memcmp(b.begin, votes, len < sizeof votes ? len : sizeof votes) ==
	    0)
		/* version -65536 or -65535 */
		return len < 8 ? PROTO_MAYBE
			       : (b.begin[7] <= 1 ? PROTO_YES : PROTO_NO);
	if (memcmp(b.begin, follows, len < 4 ? len : 4) != 0 &&
	    memcmp(b.begin, observes, len < 4 ? len : 4) != 0)
		return PROTO_NO;
	/* type, change (8), 20 bytes: server (8), version 0x10000, (8) */
	if (!take_skip(&rest, 12) || !take_be32(&rest, &size) ||
	    !take_skip(&rest, 8) || !take_be32(&rest, &version))
		return PROTO_MAYBE;
	return size == 20 && version == 0x10000 ? PROTO_YES : PROTO_NO;
}

/* b: behind the length. A session is asked for. */
static enum proto_guess is_connect(struct bytes b, uint32_t len)
{
	uint32_t version, password;

	if (len < CONNECT_MIN || len > CONNECT_MAX)
		return PROTO_NO;
	if (!take_be32(&b, &version))
		return PROTO_MAYBE;
	if (version != 0)
		return PROTO_NO;
	if (!take_skip(&b, 20) || !take_be32(&b, &password))
		return PROTO_MAYBE;
	/* with or without its last byte */
	return password <= 16 && (CONNECT_MIN + password == len ||
				  CONNECT_MIN + password + 1 == len)
		       ? PROTO_YES
		       : PROTO_NO;
}

/* A ping, or an operation with its path; where no beginning was seen. */
static enum proto_guess is_request(struct bytes b, uint32_t len)
{
	const struct operation *op;
	uint32_t number, code, path;
	uint8_t c;

	if (!take_be32(&b, &number) || !take_be32(&b, &code))
		return PROTO_MAYBE;
	op = operation(code);
	if (number == UINT32_MAX - 1)
		return len == 8 && code == OP_PING ? PROTO_YES : PROTO_NO;
	if (!op || !op->has_path)
		return PROTO_NO;
	if (!take_be32(&b, &path) || !take_u8(&b, &c))
		return PROTO_MAYBE;
	return path > 0 && path <= len - 12 && c == '/' ? PROTO_YES : PROTO_NO;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];
	enum proto_guess peer, guess;
	uint32_t len;

	if (o->first == PROTO_SERVER && !o->midstream)
		return PROTO_NO;
	if (bytes_len(b) == 0)
		return PROTO_MAYBE;
	if (*b.begin >= 'a' && *b.begin <= 'z')
		return is_typed(o);
	peer = is_peer(b);
	if (peer == PROTO_YES || *b.begin)
		return peer;
	if (!take_be32(&b, &len))
		return PROTO_MAYBE;
	guess = is_connect(b, len);
	if (guess == PROTO_NO && o->midstream && len >= 8 && len <= MESSAGE_MAX)
		guess = is_request(b, len);
	return guess == PROTO_NO ? peer : guess;
}

/* --- the client ------------------------------------------------------------- */

static enum frame_step malformed(enum proto_side side,
				 const struct proto_sink *sink)
{
	return sink->note(sink->arg, side, NOTE_MALFORMED) ? FRAME_LOST
							   : FRAME_STOPPED;
}

static bool tell_op(const struct proto_sink *sink, const char *name)
{
	return proto_tell(sink, PROTO_CLIENT, FIELD_ZOOKEEPER_OP,
			  bytes_of(name, strlen(name)));
}

static enum frame_step end_message(struct zookeeper *s, bool ask,
				   const struct proto_sink *sink)
{
	s->frames.pass[PROTO_CLIENT] += s->left;
	s->left = 0;
	return frames_go_on((!ask || sink->asked(sink->arg)) &&
			    sink->ended(sink->arg, PROTO_CLIENT));
}

/* A string or data: takes its length; -1 is none. */
static bool take_len(struct bytes *b, uint32_t *ret)
{
	if (!take_be32(b, ret))
		return false;
	if (*ret == UINT32_MAX)
		*ret = 0;
	return true;
}

/* Takes a path of *b, of which `left` bytes are the message's. */
static enum frame_step take_path(struct bytes *b, uint32_t left,
				 struct bytes *ret)
{
	struct bytes rest = frames_first(*b, left);
	uint32_t len;

	if (!take_len(&rest, &len))
		return left < 4 ? FRAME_LOST : FRAME_MORE;
	if (len > left - 4 || len > PATH_MAX_)
		return FRAME_LOST;
	if (!take_bytes(&rest, len, ret))
		return FRAME_MORE;
	b->begin = rest.begin;
	return FRAME_TAKEN;
}

static bool tell_path(const struct proto_sink *sink, struct bytes path)
{
	return proto_tell(sink, PROTO_CLIENT, FIELD_ZOOKEEPER_PATH, path);
}

/* --- multi ------------------------------------------------------------------------ */

/* len bytes, whether they are there or not. */
static void pass(struct zookeeper *s, struct bytes *b, uint32_t len)
{
	uint32_t here = (uint32_t)bytes_len(frames_first(*b, len));

	b->begin += here;
	s->frames.pass[PROTO_CLIENT] = len - here;
}

/* Operation (4), is it the last (1), error (4). DONE: there are no more. */
static enum frame_step begin_inner(struct zookeeper *s, struct bytes *b,
				   const struct proto_sink *sink)
{
	const struct operation *op;
	uint32_t code, error;
	uint8_t last;

	if (!take_be32(b, &code) || !take_u8(b, &last) || !take_be32(b, &error))
		return FRAME_MORE;
	if (last)
		return FRAME_DONE;
	op = operation(code);
	if (!op || !op->multi)
		return FRAME_LOST;
	s->inside = (uint8_t)(op - operations + 1);
	s->at = 0;
	return frames_go_on(tell_op(sink, op->name));
}

/* Permissions (4), scheme, id; acls: of them to come. */
static enum frame_step take_acl(struct zookeeper *s, struct bytes *b)
{
	uint32_t len;

	for (int i = 0; i < 2; i++) {
		if (i == 0 && !take_skip(b, 4))
			return FRAME_MORE;
		if (!take_len(b, &len) || !take_skip(b, len))
			return FRAME_MORE;
	}
	s->acls--;
	return FRAME_TAKEN;
}

/* The next part of an operation inside. */
static enum frame_step inner(struct zookeeper *s, struct bytes *b,
			     const struct proto_sink *sink)
{
	char next = s->inside ? operations[s->inside - 1].multi[s->at] : 0;
	enum frame_step step = FRAME_TAKEN;
	struct bytes path;
	uint32_t len;

	if (s->acls > 0)
		return take_acl(s, b);
	switch (next) {
	case 'p':
		step = take_path(b, s->left, &path);
		if (step == FRAME_TAKEN &&
		    !(tell_path(sink, path) && sink->asked(sink->arg)))
			step = FRAME_STOPPED;
		break;
	case 'd':
		if (!take_len(b, &len))
			return FRAME_MORE;
		if (len > s->left)
			return FRAME_LOST;
		pass(s, b, len);
		break;
	case 'a':
		if (!take_len(b, &len))
			return FRAME_MORE;
		if (len > s->left)
			return FRAME_LOST;
		s->acls = len;
		break;
	case 0: return begin_inner(s, b, sink);
	default: pass(s, b, (uint32_t)(next - '0')); break;
	}
	if (step == FRAME_TAKEN)
		s->at++;
	return step;
}

static enum frame_step multi(struct zookeeper *s, struct bytes *rest,
			     const struct proto_sink *sink)
{
	enum frame_step step = FRAME_TAKEN;

	while (step == FRAME_TAKEN && s->frames.pass[PROTO_CLIENT] == 0) {
		struct bytes b = frames_first(*rest, s->left);
		bool whole = bytes_len(b) == s->left;
		uint64_t used;

		step = inner(s, &b, sink);
		if (step == FRAME_STOPPED)
			return step;
		used = (uint64_t)(b.begin - rest->begin) +
		       s->frames.pass[PROTO_CLIENT];
		if (step == FRAME_LOST || used > s->left ||
		    (step == FRAME_MORE && whole)) {
			s->frames.pass[PROTO_CLIENT] = 0;
			if (!sink->note(sink->arg, PROTO_CLIENT,
					NOTE_MALFORMED))
				return FRAME_STOPPED;
			return end_message(s, true, sink);
		}
		if (step == FRAME_MORE)
			return step;
		s->left -= (uint32_t)used;
		rest->begin = b.begin;
		if (step == FRAME_DONE || s->left == 0)
			return end_message(s, false, sink);
	}
	return step;
}

/* --- messages ----------------------------------------------------------------- */

static enum frame_step typed(struct bytes *rest, const struct proto_sink *sink)
{
	char word[5] = { 0 };
	struct bytes b = *rest;

	if (!take_copy(&b, word, 4))
		return FRAME_MORE;
	if (!tell_op(sink, word) || !sink->asked(sink->arg) ||
	    !sink->ended(sink->arg, PROTO_CLIENT))
		return FRAME_STOPPED;
	return FRAME_DONE; /* an answer, and it is over */
}

/* Number and operation are taken of *b; s->left: what is behind them. */
static enum frame_step request(struct zookeeper *s, struct bytes *b,
			       uint32_t number, uint32_t code,
			       const struct proto_sink *sink)
{
	const struct operation *op = operation(code);
	const struct bytes before = *b;
	struct bytes path;
	enum frame_step step;

	if (number == 0) /* no request's */
		return frames_go_on(tell_op(sink, "connect"));
	if (!op)
		return frames_go_on(tell_op(sink, "other"));
	if (!op->has_path || s->left == 0)
		return frames_go_on(tell_op(sink, op->name));
	step = take_path(b, s->left, &path);
	if (step != FRAME_TAKEN)
		return step;
	s->left -= (uint32_t)(b->begin - before.begin);
	return frames_go_on(tell_op(sink, op->name) && tell_path(sink, path));
}

static enum frame_step client(struct zookeeper *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	uint32_t len, number, code;
	struct bytes b = *rest;
	enum frame_step step;

	if (s->left > 0)
		return multi(s, rest, sink);
	if (!s->begun && *rest->begin >= 'a' && *rest->begin <= 'z')
		return typed(rest, sink);
	if (!s->begun && is_peer(b) == PROTO_YES)
		return FRAME_DONE;
	if (!take_be32(&b, &len) || !take_be32(&b, &number) ||
	    !take_be32(&b, &code))
		return FRAME_MORE;
	if (len < 8 || len > MESSAGE_MAX)
		return malformed(PROTO_CLIENT, sink);
	s->left = len - 8;
	step = request(s, &b, number, code, sink);
	if (step != FRAME_TAKEN)
		s->left = 0;
	if (step == FRAME_LOST)
		return malformed(PROTO_CLIENT, sink);
	if (step != FRAME_TAKEN)
		return step;
	s->begun = true;
	rest->begin = b.begin;
	if (number != 0 && s->left > 0 &&
	    (code == OP_MULTI || code == OP_MULTI_READ)) {
		s->inside = 0;
		s->acls = 0;
		return FRAME_TAKEN;
	}
	return end_message(s, true, sink);
}

static enum frame_step next(void *state, enum proto_side side,
			    struct bytes *rest, const struct proto_sink *sink)
{
	struct zookeeper *s = state;
	uint32_t len;

	if (side == PROTO_CLIENT)
		return client(s, rest, sink);
	if (!take_be32(rest, &len))
		return FRAME_MORE;
	if (len > MESSAGE_MAX)
		return malformed(PROTO_SERVER, sink);
	s->frames.pass[PROTO_SERVER] = len;
	return frames_go_on(sink->ended(sink->arg, PROTO_SERVER));
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	struct zookeeper *s = state;

	(void)w;
	return frames_read(&s->frames, next, s, c, sink);
}

const struct proto_parser proto_zookeeper = {
	.name = "zookeeper",
	.app = APP_ZOOKEEPER,
	.tcp = true,
	.state = &zookeeper_state,
	.recognise = recognise,
	.read = read,
};
