/*
 * The client begins with "AMQP" and a version of four bytes: 0 0 9 1 is read on;
 * others (1.0, 0-10) are known by name. Then both sides send frames, numbers
 * big-endian:
 *
 *   type (1) | channel (2) | length (4) | content | 0xce
 *
 * A method (type 1) is class (2), number (2), arguments; texts have their length
 * (1) ahead, tables and what is long theirs of 4 bytes. Heads and contents of
 * messages (types 2, 3) are passed over.
 */
#include "proto/amqp.h"

#include <string.h>

#include "proto/frames.h"
#include "proto/text.h"

/* What is waited for of a method: the client's table of a login is ahead. */
#define METHOD_WANTED 8192u
#define FRAME_LEN_MAX (256u << 20)

enum type { TYPE_METHOD = 1, TYPE_HEAD = 2, TYPE_BODY = 3, TYPE_BEAT = 8 };

/*
 * What the client's arguments are, a letter each: 2 bytes, e exchange, q queue,
 * k routing key, v virtual host, l a login; the rest is of no use.
 */
struct method {
	uint16_t class, number;
	const char *name, *arguments;
};
#define CLOSE_CLASS  10
#define CLOSE_NUMBER 50

/* limits: table */
static const struct method methods[] = {
	{ 10, 10, "connection.start", "" },
	{ 10, 11, "connection.start-ok", "l" },
	{ 10, 20, "connection.secure", "" },
	{ 10, 21, "connection.secure-ok", "" },
	{ 10, 30, "connection.tune", "" },
	{ 10, 31, "connection.tune-ok", "" },
	{ 10, 40, "connection.open", "v" },
	{ 10, 41, "connection.open-ok", "" },
	{ CLOSE_CLASS, CLOSE_NUMBER, "connection.close", "" },
	{ 10, 51, "connection.close-ok", "" },
	{ 10, 60, "connection.blocked", "" },
	{ 10, 61, "connection.unblocked", "" },
	{ 10, 70, "connection.update-secret", "" },
	{ 10, 71, "connection.update-secret-ok", "" },
	{ 20, 10, "channel.open", "" },
	{ 20, 11, "channel.open-ok", "" },
	{ 20, 20, "channel.flow", "" },
	{ 20, 21, "channel.flow-ok", "" },
	{ 20, 40, "channel.close", "" },
	{ 20, 41, "channel.close-ok", "" },
	{ 40, 10, "exchange.declare", "2e" },
	{ 40, 11, "exchange.declare-ok", "" },
	{ 40, 20, "exchange.delete", "2e" },
	{ 40, 21, "exchange.delete-ok", "" },
	{ 40, 30, "exchange.bind", "2e" },
	{ 40, 31, "exchange.bind-ok", "" },
	{ 40, 40, "exchange.unbind", "2e" },
	{ 40, 51, "exchange.unbind-ok", "" },
	{ 50, 10, "queue.declare", "2q" },
	{ 50, 11, "queue.declare-ok", "" },
	{ 50, 20, "queue.bind", "2qek" },
	{ 50, 21, "queue.bind-ok", "" },
	{ 50, 30, "queue.purge", "2q" },
	{ 50, 31, "queue.purge-ok", "" },
	{ 50, 40, "queue.delete", "2q" },
	{ 50, 41, "queue.delete-ok", "" },
	{ 50, 50, "queue.unbind", "2qek" },
	{ 50, 51, "queue.unbind-ok", "" },
	{ 60, 10, "basic.qos", "" },
	{ 60, 11, "basic.qos-ok", "" },
	{ 60, 20, "basic.consume", "2q" },
	{ 60, 21, "basic.consume-ok", "" },
	{ 60, 30, "basic.cancel", "" },
	{ 60, 31, "basic.cancel-ok", "" },
	{ 60, 40, "basic.publish", "2ek" },
	{ 60, 50, "basic.return", "" },
	{ 60, 60, "basic.deliver", "" },
	{ 60, 70, "basic.get", "2q" },
	{ 60, 71, "basic.get-ok", "" },
	{ 60, 72, "basic.get-empty", "" },
	{ 60, 80, "basic.ack", "" },
	{ 60, 90, "basic.reject", "" },
	{ 60, 100, "basic.recover-async", "" },
	{ 60, 110, "basic.recover", "" },
	{ 60, 111, "basic.recover-ok", "" },
	{ 60, 120, "basic.nack", "" },
	{ 85, 10, "confirm.select", "" },
	{ 85, 11, "confirm.select-ok", "" },
	{ 90, 10, "tx.select", "" },
	{ 90, 11, "tx.select-ok", "" },
	{ 90, 20, "tx.commit", "" },
	{ 90, 21, "tx.commit-ok", "" },
	{ 90, 30, "tx.rollback", "" },
	{ 90, 31, "tx.rollback-ok", "" },
};

static const struct method *method_of(uint16_t class, uint16_t number)
{
	static const struct method other = { 0, 0, "other", "" };

	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (methods[i].class == class && methods[i].number == number)
			return &methods[i];
	return &other;
}

struct amqp {
	struct frames frames;
	bool begun;
};
_Static_assert(sizeof(struct amqp) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(amqp_state, "amqp", struct amqp, 1);

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];
	enum proto_guess guess = text_begins(b, "AMQP");
	uint8_t first;

	if (o->first == PROTO_SERVER)
		return PROTO_NO;
	if (guess != PROTO_YES)
		return guess;
	(void)take_skip(&b, 4);
	if (!take_u8(&b, &first))
		return PROTO_MAYBE;
	return first <= 3 ? PROTO_YES : PROTO_NO;
}

static enum frame_step malformed(enum proto_side side,
				 const struct proto_sink *sink)
{
	return sink->note(sink->arg, side, NOTE_MALFORMED) ? FRAME_LOST
							   : FRAME_STOPPED;
}

static bool take_short(struct bytes *b, struct bytes *ret)
{
	uint8_t len;

	return take_u8(b, &len) && take_bytes(b, len, ret);
}

/* A table, the mechanism, what it says: "\0user\0password" if it is PLAIN. */
static bool tell_login(struct bytes b, const struct proto_sink *sink)
{
	struct bytes mechanism, said, ignored, user;
	uint32_t len;

	if (!take_be32(&b, &len) || !take_skip(&b, len) ||
	    !take_short(&b, &mechanism) || !text_is(mechanism, "PLAIN") ||
	    !take_be32(&b, &len) || !take_bytes(&b, len, &said) ||
	    !text_take_until(&said, 0, &ignored) ||
	    !text_take_until(&said, 0, &user))
		return true;
	return proto_tell(sink, PROTO_CLIENT, FIELD_AMQP_USER, user);
}

/* false: to be stopped. */
static bool tell_arguments(const char *what, struct bytes b,
			   const struct proto_sink *sink)
{
	for (; *what; what++) {
		enum proto_field f = FIELD_AMQP_EXCHANGE;
		struct bytes text;

		if (*what == 'l')
			return tell_login(b, sink);
		if (*what == '2') {
			if (!take_skip(&b, 2))
				return true;
			continue;
		}
		if (*what == 'q')
			f = FIELD_AMQP_QUEUE;
		else if (*what == 'k')
			f = FIELD_AMQP_ROUTING_KEY;
		else if (*what == 'v')
			f = FIELD_AMQP_VHOST;
		if (!take_short(&b, &text))
			return true;
		if (!proto_tell(sink, PROTO_CLIENT, f, text))
			return false;
	}
	return true;
}

/* b: behind class and number. 403 closes a connection whose login failed. */
static bool tell_method(enum proto_side side, const struct method *m,
			struct bytes b, const struct proto_sink *sink)
{
	uint16_t code;

	if (!proto_tell(sink, side, FIELD_AMQP_METHOD,
			bytes_of(m->name, strlen(m->name))))
		return false;
	if (side == PROTO_CLIENT)
		return tell_arguments(m->arguments, b, sink) &&
		       sink->asked(sink->arg) && sink->ended(sink->arg, side);
	if (m->class == CLOSE_CLASS && m->number == CLOSE_NUMBER &&
	    take_be16(&b, &code) && code == 403 &&
	    !sink->note(sink->arg, side, NOTE_SQL_DENIED))
		return false;
	return sink->ended(sink->arg, side);
}

/* The client's first eight bytes. */
static enum frame_step begin(struct amqp *s, struct bytes *rest)
{
	static const uint8_t version[] = { 0, 0, 9, 1 };
	struct bytes b = *rest, said;

	if (!take_skip(&b, 4) || !take_bytes(&b, sizeof version, &said))
		return FRAME_MORE;
	if (memcmp(said.begin, version, sizeof version) != 0)
		return FRAME_DONE;
	s->begun = true;
	*rest = b;
	return FRAME_TAKEN;
}

static enum frame_step next(void *state, enum proto_side side,
			    struct bytes *rest, const struct proto_sink *sink)
{
	struct bytes b = *rest, content;
	struct amqp *s = state;
	uint16_t channel, class, number;
	uint32_t len;
	uint8_t type;

	if (side == PROTO_CLIENT && !s->begun)
		return begin(s, rest);
	/* the server may know another version only, and ends then */
	if (side == PROTO_SERVER && *rest->begin == 'A')
		return FRAME_DONE;
	if (!take_u8(&b, &type) || !take_be16(&b, &channel) ||
	    !take_be32(&b, &len))
		return FRAME_MORE;
	if ((type != TYPE_METHOD && type != TYPE_HEAD && type != TYPE_BODY &&
	     type != TYPE_BEAT) ||
	    len > FRAME_LEN_MAX)
		return malformed(side, sink);
	if (type == TYPE_METHOD) {
		content = frames_first(b, len);
		if (bytes_len(content) < len &&
		    bytes_len(content) < METHOD_WANTED)
			return FRAME_MORE;
		if (!take_be16(&content, &class) ||
		    !take_be16(&content, &number))
			return malformed(side, sink);
		if (!tell_method(side, method_of(class, number), content, sink))
			return FRAME_STOPPED;
	}
	*rest = b;
	s->frames.pass[side] = (uint64_t)len + 1;
	return FRAME_TAKEN;
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	struct amqp *s = state;

	(void)w;
	return frames_read(&s->frames, next, s, c, sink);
}

const struct proto_parser proto_amqp = {
	.name = "amqp",
	.app = APP_AMQP,
	.tcp = true,
	.state = &amqp_state,
	.recognise = recognise,
	.read = read,
};
