/*
 * MQTT 3.1, 3.1.1 and 5. A packet is type and flags (1), length (1 to 4 bytes of 7
 * bits, the lowest first), content; texts have their length (2) ahead.
 *
 *   CONNECT    "MQTT", version, flags, ..., client, will, user, password
 *   PUBLISH    topic, number, content
 *   SUBSCRIBE  number, topics, each with options
 *
 * Version 5 has properties in each, with their length ahead; they are skipped. A
 * topic that is empty there is one that was given a number before: it was asked
 * about then.
 */
#include "proto/mqtt.h"

#include <string.h>

#include "proto/frames.h"
#include "proto/text.h"

/* What is waited for of a CONNECT. Its will may be longer; what is behind is not told. */
#define CONNECT_WANTED 8192u

enum type {
	TYPE_CONNECT = 1,
	TYPE_CONNACK = 2,
	TYPE_PUBLISH = 3,
	TYPE_SUBSCRIBE = 8,
	TYPE_UNSUBSCRIBE = 10,
	TYPE_DISCONNECT = 14,
	TYPE_AUTH = 15,
};

enum flag {
	FLAG_WILL = 4,
	FLAG_PASSWORD = 0x40,
	FLAG_USER = 0x80,
};

/* NULL: acknowledgements and pings, of which nothing is told. */
static const char *const names[16] = {
	[TYPE_CONNECT] = "connect",
	[TYPE_CONNACK] = "connack",
	[TYPE_PUBLISH] = "publish",
	[TYPE_SUBSCRIBE] = "subscribe",
	[TYPE_UNSUBSCRIBE] = "unsubscribe",
	[TYPE_DISCONNECT] = "disconnect",
	[TYPE_AUTH] = "auth",
};

struct mqtt {
	struct frames frames;
	uint32_t topics_left;	    /* bytes of a SUBSCRIBE's topics */
	uint8_t version, topics_of; /* enum type */
	bool asked;
};
_Static_assert(sizeof(struct mqtt) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(mqtt_state, "mqtt", struct mqtt, 1);

static enum frame_step malformed(enum proto_side side,
				 const struct proto_sink *sink)
{
	return sink->note(sink->arg, side, NOTE_MALFORMED) ? FRAME_LOST
							   : FRAME_STOPPED;
}

/* At most 4 bytes. TAKEN, MORE or LOST. */
static enum frame_step take_length(struct bytes *b, uint32_t *ret)
{
	struct bytes rest = *b;
	uint32_t n = 0;
	uint8_t c;

	for (unsigned shift = 0; shift < 28; shift += 7) {
		if (!take_u8(&rest, &c))
			return FRAME_MORE;
		n |= (uint32_t)(c & 0x7f) << shift;
		if (c & 0x80)
			continue;
		*b = rest;
		*ret = n;
		return FRAME_TAKEN;
	}
	return FRAME_LOST;
}

/* A packet's beginning; type without its flags. */
static enum frame_step take_fixed(struct bytes *b, uint8_t *type, uint32_t *len)
{
	uint8_t first;

	if (!take_u8(b, &first))
		return FRAME_MORE;
	*type = first >> 4;
	return *type ? take_length(b, len) : FRAME_LOST;
}

static bool take_text(struct bytes *b, struct bytes *ret)
{
	struct bytes rest = *b;
	uint16_t len;

	if (!take_be16(&rest, &len) || !take_bytes(&rest, len, ret))
		return false;
	*b = rest;
	return true;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];
	enum proto_guess new, old;
	uint32_t len;

	if (o->first == PROTO_SERVER || bytes_len(b) == 0 ||
	    *b.begin != TYPE_CONNECT << 4)
		return PROTO_NO;
	b.begin++;
	switch (take_length(&b, &len)) {
	case FRAME_TAKEN: break;
	case FRAME_MORE: return PROTO_MAYBE;
	default: return PROTO_NO;
	}
	if (len < 10)
		return PROTO_NO;
	/* the name's length has a zero, which no literal may */
	if (bytes_len(b) > 0 && *b.begin++ != 0)
		return PROTO_NO;
	new = text_begins(b, "\4MQTT");
	old = text_begins(b, "\6MQIsdp");
	return new == PROTO_NO ? old : new;
}

static bool tell_type(const struct proto_sink *sink, enum proto_side side,
		      uint8_t type)
{
	return proto_tell(sink, side, FIELD_MQTT_TYPE,
			  bytes_of(names[type], strlen(names[type])));
}

static bool skip_properties(const struct mqtt *s, struct bytes *b)
{
	uint32_t len;

	return s->version < 5 ||
	       (take_length(b, &len) == FRAME_TAKEN && take_skip(b, len));
}

/* --- the client ------------------------------------------------------------- */

static bool end_request(struct mqtt *s, const struct proto_sink *sink)
{
	return (s->asked || sink->asked(sink->arg)) &&
	       sink->ended(sink->arg, PROTO_CLIENT);
}

/* Behind the fixed part. false: to be stopped. */
static bool tell_connect(struct mqtt *s, uint8_t flags, struct bytes b,
			 const struct proto_sink *sink)
{
	struct bytes text;
	bool read = skip_properties(s, &b) && take_text(&b, &text);

	if (read && !proto_tell(sink, PROTO_CLIENT, FIELD_MQTT_CLIENT, text))
		return false;
	if (flags & FLAG_WILL) {
		/* what is published when it is gone */
		read = read && skip_properties(s, &b) && take_text(&b, &text);
		if (!(read ? proto_tell(sink, PROTO_CLIENT, FIELD_MQTT_TOPIC,
					text)
			   : proto_tell_unseen(sink, PROTO_CLIENT,
					       FIELD_MQTT_TOPIC)))
			return false;
		read = read && take_text(&b, &text);
	}
	return !read || !(flags & FLAG_USER) || !take_text(&b, &text) ||
	       proto_tell(sink, PROTO_CLIENT, FIELD_MQTT_USER, text);
}

/* b: the packet, as much as is there, of len bytes. */
static enum frame_step connects(struct mqtt *s, struct bytes b, uint32_t len,
				const struct proto_sink *sink)
{
	struct bytes name;
	uint8_t flags;

	b = frames_first(b, len);
	if (bytes_len(b) < len && bytes_len(b) < CONNECT_WANTED)
		return FRAME_MORE;
	if (!take_text(&b, &name) || !take_u8(&b, &s->version) ||
	    !take_u8(&b, &flags) || !take_skip(&b, 2))
		return malformed(PROTO_CLIENT, sink);
	s->version &= 0x7f; /* a bridge's has one bit more */
	return frames_go_on(tell_type(sink, PROTO_CLIENT, TYPE_CONNECT) &&
			    tell_connect(s, flags, b, sink) &&
			    end_request(s, sink));
}

/* Of either side. */
static enum frame_step publish(struct bytes b, uint32_t len,
			       enum proto_side side,
			       const struct proto_sink *sink)
{
	struct bytes all = frames_first(b, len), topic;

	if (!take_text(&all, &topic))
		return bytes_len(all) < len && bytes_len(all) < FIELD_BYTES_MAX
			       ? FRAME_MORE
			       : malformed(side, sink);
	return frames_go_on(tell_type(sink, side, TYPE_PUBLISH) &&
			    proto_tell(sink, side, FIELD_MQTT_TOPIC, topic));
}

/* The number and properties that are ahead of topics. */
static enum frame_step begin_topics(struct mqtt *s, struct bytes *rest,
				    struct bytes b, uint32_t len, uint8_t type,
				    const struct proto_sink *sink)
{
	struct bytes all = frames_first(b, len), before = all;

	if (!take_skip(&all, 2) || !skip_properties(s, &all))
		return bytes_len(before) < len ? FRAME_MORE
					       : malformed(PROTO_CLIENT, sink);
	rest->begin = all.begin;
	s->topics_left = len - (uint32_t)(all.begin - before.begin);
	s->topics_of = type;
	if (!tell_type(sink, PROTO_CLIENT, type))
		return FRAME_STOPPED;
	return frames_go_on(s->topics_left > 0 || end_request(s, sink));
}

static enum frame_step topic(struct mqtt *s, struct bytes *rest,
			     const struct proto_sink *sink)
{
	struct bytes b = frames_first(*rest, s->topics_left), before = b, text;
	bool whole = bytes_len(b) == s->topics_left;

	if (!take_text(&b, &text) ||
	    (s->topics_of == TYPE_SUBSCRIBE && !take_skip(&b, 1)))
		return whole ? malformed(PROTO_CLIENT, sink) : FRAME_MORE;
	rest->begin = b.begin;
	s->topics_left -= (uint32_t)(b.begin - before.begin);
	s->asked = true;
	return frames_go_on(
		proto_tell(sink, PROTO_CLIENT, FIELD_MQTT_TOPIC, text) &&
		sink->asked(sink->arg) &&
		(s->topics_left > 0 || end_request(s, sink)));
}

static enum frame_step client(struct mqtt *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes b = *rest;
	enum frame_step step;
	uint32_t len = 0;
	uint8_t type = 0;

	if (s->topics_left > 0)
		return topic(s, rest, sink);
	step = take_fixed(&b, &type, &len);
	if (step == FRAME_LOST)
		return malformed(PROTO_CLIENT, sink);
	if (step != FRAME_TAKEN)
		return step;
	s->asked = false;
	switch (type) {
	case TYPE_CONNECT: step = connects(s, b, len, sink); break;
	case TYPE_PUBLISH:
		step = publish(b, len, PROTO_CLIENT, sink);
		if (step == FRAME_TAKEN && !end_request(s, sink))
			step = FRAME_STOPPED;
		break;
	case TYPE_SUBSCRIBE:
	case TYPE_UNSUBSCRIBE: return begin_topics(s, rest, b, len, type, sink);
	default:
		if (names[type] && !(tell_type(sink, PROTO_CLIENT, type) &&
				     end_request(s, sink)))
			step = FRAME_STOPPED;
		break;
	}
	if (step != FRAME_TAKEN)
		return step;
	*rest = b;
	s->frames.pass[PROTO_CLIENT] = len;
	return FRAME_TAKEN;
}

/* --- the server ------------------------------------------------------------- */

/* 4, 5 before version 5; in it 0x86, 0x87: the login. b: flags, code */
static bool tell_answer(struct bytes b, const struct proto_sink *sink)
{
	uint8_t code = 0;

	(void)take_skip(&b, 1);
	(void)take_u8(&b, &code);
	if ((code == 4 || code == 5 || code == 0x86 || code == 0x87) &&
	    !sink->note(sink->arg, PROTO_SERVER, NOTE_SQL_DENIED))
		return false;
	return tell_type(sink, PROTO_SERVER, TYPE_CONNACK);
}

static enum frame_step server(struct mqtt *s, struct bytes *rest,
			      const struct proto_sink *sink)
{
	struct bytes b = *rest;
	enum frame_step step;
	uint32_t len = 0;
	uint8_t type = 0;

	step = take_fixed(&b, &type, &len);
	if (step == FRAME_LOST)
		return malformed(PROTO_SERVER, sink);
	if (step != FRAME_TAKEN)
		return step;
	if (type == TYPE_PUBLISH) {
		step = publish(b, len, PROTO_SERVER, sink);
	} else if (type == TYPE_CONNACK) {
		if (bytes_len(b) < 2 && len >= 2)
			return FRAME_MORE;
		step = frames_go_on(tell_answer(frames_first(b, len), sink));
	} else if (names[type]) {
		step = frames_go_on(tell_type(sink, PROTO_SERVER, type));
	}
	if (step != FRAME_TAKEN)
		return step;
	*rest = b;
	s->frames.pass[PROTO_SERVER] = len;
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
	struct mqtt *s = state;

	(void)w;
	return frames_read(&s->frames, next, s, c, sink);
}

const struct proto_parser proto_mqtt = {
	.name = "mqtt",
	.app = APP_MQTT,
	.tcp = true,
	.state = &mqtt_state,
	.recognise = recognise,
	.read = read,
};
