/*
 * DNS as a conversation: each datagram is a message (RFC 1035), over TCP each
 * stands behind its length. mDNS (RFC 6762) and LLMNR (RFC 4795) have the same
 * messages.
 *
 * Recognised by structure: the flags that a query may have, and records that
 * fill the message to its last byte. A message that is plainly a query by its
 * header (60 of its bits are fixed) need not be right behind that: who attacks
 * a server with names that point in circles is to be told, too.
 *
 * A query's names are told even if what follows them cannot be read: a server
 * might forgive it. Over TCP a message is waited for, up to DNS_TCP_READ_MAX;
 * of a longer one the questions are told and the rest is stepped over.
 */
#include "proto/dns_talk.h"

#include <string.h>

#include "proto/dns.h"
#include "proto/dns_value.h"

#define FLAG_RESPONSE 0x8000
#define FLAG_ANSWERS  0x0400 /* authoritative */
#define FLAG_OFFERS   0x0080 /* recursion available */
#define FLAG_ZERO     0x0040 /* RFC 1035 4.1.1, but for AD and CD */
#define OPCODE(flags) ((flags) >> 11 & 15)
#define RCODE(flags)  ((flags)&15)

#define OPCODE_NOTIFY 4
#define OPCODE_UPDATE 5

#define HEADER_BYTES	12
#define QUESTION_MIN	5	/* the root, a type, a class */
#define CLASS_UNICAST	0x8000u /* mDNS: answer me alone; cache flush */
#define CLASS_ANY	255
#define OVERFLOW_LEN	2048u /* the reference's: threat 2017 */
#define OVERFLOW_UNUSED 1024u

/* How many there are in each section of a message. */
struct head {
	uint16_t flags;
	uint16_t questions, answers, authority, additional;
};

static bool take_head(struct bytes *b, struct head *h)
{
	return bytes_len(*b) >= HEADER_BYTES && take_skip(b, 2) &&
	       take_be16(b, &h->flags) && take_be16(b, &h->questions) &&
	       take_be16(b, &h->answers) && take_be16(b, &h->authority) &&
	       take_be16(b, &h->additional);
}

static bool is_response(const struct head *h)
{
	return h->flags & FLAG_RESPONSE;
}

static bool are_plausible(uint16_t flags)
{
	unsigned opcode = OPCODE(flags);

	if ((opcode != DNS_OPCODE_QUERY && opcode != OPCODE_NOTIFY &&
	     opcode != OPCODE_UPDATE) ||
	    flags & FLAG_ZERO)
		return false;
	return flags & FLAG_RESPONSE ||
	       (RCODE(flags) == 0 && !(flags & FLAG_OFFERS) &&
		(opcode == OPCODE_NOTIFY || !(flags & FLAG_ANSWERS)));
}

static bool is_plausible(const struct head *h)
{
	unsigned records = (unsigned)h->answers + h->authority + h->additional;

	if (!are_plausible(h->flags) || h->questions > DNS_RECORDS_MAX)
		return false;
	return is_response(h) ? h->questions + records > 0 : h->questions > 0;
}

/* As all queries but mDNS's, NOTIFY and UPDATE are: no other header is. */
static bool is_plain_query(const struct head *h)
{
	return is_plausible(h) && !is_response(h) &&
	       OPCODE(h->flags) == DNS_OPCODE_QUERY && h->questions == 1 &&
	       h->answers == 0 && h->authority <= 1 && h->additional <= 2;
}

struct question {
	struct dns_name name;
	uint16_t type, class;
};

static enum dns_outcome take_question(struct bytes whole, struct bytes *b,
				      struct question *q)
{
	enum dns_outcome o = dns_take_name(whole, b, &q->name);

	if (o)
		return o;
	return take_be16(b, &q->type) && take_be16(b, &q->class) ? DNS_OK
								 : DNS_SHORT;
}

static bool is_class(uint16_t class)
{
	class &= (uint16_t)~CLASS_UNICAST;
	return class == DNS_CLASS_IN || class == 3 || class == 4 ||
	       class == 254 || class == CLASS_ANY;
}

/* Are its questions such as are asked? And *behind is what follows them. */
static enum dns_outcome check_questions(struct bytes message, unsigned n,
					struct bytes *behind)
{
	struct bytes b = message;
	enum dns_outcome o;
	struct question q;

	(void)take_skip(&b, HEADER_BYTES); /* the caller has seen it */
	while (n-- > 0) {
		o = take_question(message, &b, &q);
		if (o)
			return o;
		if (!is_class(q.class))
			return DNS_LABEL;
	}
	*behind = b;
	return DNS_OK;
}

/* The message, or its first bytes. */
static enum proto_guess guess(struct bytes message, bool cut)
{
	struct bytes b = message;
	enum dns_outcome o;
	struct dns_msg m;
	struct head h;

	if (!take_head(&b, &h) || !is_plausible(&h))
		return PROTO_NO;
	o = check_questions(message, h.questions, &b);
	if (o == DNS_POINTER && is_plain_query(&h))
		return PROTO_YES;
	if (o)
		return PROTO_NO;
	/* mDNS asks for many names at once; each class is 16 bits more */
	if (h.questions > 1 || (cut && h.questions))
		return PROTO_YES;
	o = dns_parse(message, &m);
	if (o == DNS_RECORDS || (o == DNS_OK && !m.n_trailing))
		return PROTO_YES;
	return is_plain_query(&h) ? PROTO_YES : PROTO_NO;
}

/* The first message of a stream. */
static enum proto_guess guess_framed(struct bytes b, bool cut)
{
	struct bytes message;
	struct head h;
	uint16_t len;

	if (!take_be16(&b, &len))
		return PROTO_MAYBE;
	if (len < HEADER_BYTES + QUESTION_MIN)
		return PROTO_NO;
	if (take_bytes(&b, len, &message))
		return guess(message, false);
	if (cut)
		return guess(b, true);
	message = b;
	if (take_head(&message, &h))
		return is_plausible(&h) ? PROTO_MAYBE : PROTO_NO;
	return take_skip(&b, 2) && take_be16(&b, &h.flags) &&
			       !are_plausible(h.flags)
		       ? PROTO_NO
		       : PROTO_MAYBE;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	enum proto_guess g = PROTO_MAYBE;

	for (int side = 0; side < PROTO_SIDE__MAX; side++) {
		struct bytes b = o->said[side];

		if (bytes_len(b) == 0)
			continue;
		g = o->udp ? guess(b, o->cut[side])
			   : guess_framed(b, o->cut[side]);
		/* a client's first words tell, if they are the first */
		if (g == PROTO_YES || !o->midstream)
			return g;
	}
	return g;
}

/* What is told of one message, and to whom. */
struct telling {
	const struct proto_sink *sink;
	enum proto_side side;
	bool null; /* told already */
	bool bad;
};

static bool note(const struct telling *t, enum proto_note n)
{
	return t->sink->note(t->sink->arg, t->side, n);
}

/* Something in it cannot be read; told once. */
static bool tell_outcome(struct telling *t, enum dns_outcome o)
{
	if (!dns_is_malformed(o) || t->bad)
		return true;
	t->bad = true;
	return note(t, o == DNS_POINTER ? NOTE_DNS_LOOP : NOTE_MALFORMED);
}

static bool tell_type(struct telling *t, uint16_t type)
{
	if (type != DNS_TYPE_NULL || t->null)
		return true;
	t->null = true;
	return note(t, NOTE_DNS_NULL);
}

static bool tell_text(const struct telling *t, enum proto_field field,
		      const char *text)
{
	return proto_tell(t->sink, t->side, field,
			  bytes_of(text, strlen(text)));
}

static bool tell_questions(struct telling *t, struct bytes message,
			   const struct head *h)
{
	char type[DNS_TYPE_TEXT_MAX];
	struct bytes b = message;
	struct question q;

	(void)take_skip(&b, HEADER_BYTES); /* the caller has seen it */
	for (unsigned n = 0; n < h->questions; n++) {
		enum dns_outcome o = take_question(message, &b, &q);
		const char *word;

		if (n == DNS_RECORDS_MAX)
			return note(t, NOTE_LIMIT);
		if (o)
			return tell_outcome(t, o);
		word = dns_type_name(q.type, type);
		if (!tell_text(t, FIELD_DNS_QUERY, q.name.text) ||
		    !tell_text(t, FIELD_DNS_TYPE, word) ||
		    !tell_type(t, q.type))
			return false;
		if (!is_response(h) &&
		    (q.type == DNS_TYPE_AXFR || q.type == DNS_TYPE_IXFR) &&
		    !note(t, NOTE_DNS_TRANSFER))
			return false;
	}
	return true;
}

static bool tell_answer(struct telling *t, struct bytes message,
			const struct dns_record *r)
{
	uint8_t room[DNS_VALUE_MAX];
	struct outbytes out = outbytes_of(room, sizeof room);
	enum dns_outcome o;
	struct proto_piece p = { .field = FIELD_DNS_ANSWER,
				 .side = (uint8_t)t->side,
				 .begin = true,
				 .end = true };

	if (!tell_type(t, r->type))
		return false;
	o = dns_put_value(message, r, &out);
	if (o)
		return tell_outcome(t, o);
	p.bytes = bytes_of(room, outbytes_len(&out));
	p.cut = out.full;
	return t->sink->piece(t->sink->arg, &p);
}

/* What is behind the questions, of a message with its last byte. */
static bool tell_rest(struct telling *t, struct bytes message,
		      const struct head *h)
{
	struct dns_cursor c = { 0 };
	struct dns_record r;
	enum dns_outcome o;
	struct dns_msg m;

	if (h->questions > 1)
		return true; /* mDNS; what it knows already */
	o = dns_parse(message, &m);
	if (o)
		return tell_outcome(t, o);
	if (bytes_len(message) > OVERFLOW_LEN &&
	    m.n_trailing > OVERFLOW_UNUSED && !note(t, NOTE_DNS_OVERFLOW))
		return false;
	while (m.response && dns_next_answer(&m, &c, &r))
		if (!tell_answer(t, message, &r))
			return false;
	return true;
}

/* cut: there is more of it than is shown. false: to be stopped. */
static bool tell_message(const struct proto_sink *sink, enum proto_side side,
			 struct bytes message, bool cut)
{
	struct telling t = { .sink = sink, .side = side };
	struct proto_piece p = { .bytes = message,
				 .field = FIELD_DNS_MESSAGE,
				 .side = (uint8_t)side,
				 .begin = true,
				 .end = true,
				 .cut = cut };
	bool response = side == PROTO_SERVER;
	struct bytes b = message;
	struct head h;

	if (bytes_len(message) > FIELD_BYTES_MAX) {
		p.bytes.end = p.bytes.begin + FIELD_BYTES_MAX;
		p.cut = true;
	}
	if (!sink->piece(sink->arg, &p))
		return false;
	if (!take_head(&b, &h)) {
		if (!tell_outcome(&t, DNS_SHORT))
			return false;
	} else {
		response = is_response(&h);
		if (!tell_questions(&t, message, &h))
			return false;
		if (cut ? !note(&t, NOTE_LIMIT) : !tell_rest(&t, message, &h))
			return false;
	}
	return (response || sink->asked(sink->arg)) &&
	       sink->ended(sink->arg, side);
}

/* Of TCP. */
struct dns_talk {
	uint16_t skip[PROTO_SIDE__MAX]; /* rest of a long message */
	uint8_t begun[PROTO_SIDE__MAX]; /* enum begun */
};

enum begun {
	BEGUN_NOT, /* its first message is to come */
	BEGUN,
	BEGUN_AMID, /* what comes may be from the middle of a message */
};

_Static_assert(sizeof(struct dns_talk) <= PARSER_STATE_SMALL, "small");
IMAGE_PART(dns_talk_state, "dns_talk", struct dns_talk, 2);

/*
 * Takes the first message, as much of it as is wanted. false: it is not there
 * yet. *skip is what follows of it.
 */
static bool take_message(struct bytes *b, struct bytes *ret, uint16_t *skip)
{
	struct bytes at = *b;
	uint16_t len, most;

	if (!take_be16(&at, &len))
		return false;
	most = len < DNS_TCP_READ_MAX ? len : DNS_TCP_READ_MAX;
	if (!take_bytes(&at, most, ret))
		return false;
	*skip = (uint16_t)(len - most);
	*b = at;
	return true;
}

static void skip_rest(struct dns_talk *s, enum proto_side side, struct bytes *b)
{
	size_t len = bytes_len(*b);

	if (len > s->skip[side])
		len = s->skip[side];
	(void)take_skip(b, len); /* no more than there is */
	s->skip[side] = (uint16_t)(s->skip[side] - len);
}

static struct proto_result read_stream(struct dns_talk *s,
				       const struct proto_chunk *c,
				       const struct proto_sink *sink)
{
	struct proto_result r = { .state = PROTO_READING };
	enum proto_side side = (enum proto_side)c->side;
	struct bytes rest = c->bytes, message;

	if (c->gap_before && s->begun[side] == BEGUN) {
		r.state = PROTO_LOST;
		return r;
	}
	if ((c->gap_before || c->midstream) && s->begun[side] == BEGUN_NOT)
		s->begun[side] = BEGUN_AMID;
	skip_rest(s, side, &rest);
	while (take_message(&rest, &message, &s->skip[side])) {
		bool cut = s->skip[side] > 0;

		if (s->begun[side] == BEGUN_AMID &&
		    guess(message, cut) != PROTO_YES) {
			r.state = PROTO_LOST;
			return r;
		}
		s->begun[side] = BEGUN;
		if (!tell_message(sink, side, message, cut)) {
			r.state = PROTO_STOPPED;
			return r;
		}
		skip_rest(s, side, &rest);
	}
	r.consumed = bytes_len(c->bytes) - bytes_len(rest);
	return r;
}

static struct proto_result read(void *state, struct proto_worker *w,
				const struct proto_chunk *c,
				const struct proto_sink *sink)
{
	struct dns_talk *s = state;
	struct proto_result r = { .state = PROTO_READING };

	(void)w;
	if (!c->udp)
		return read_stream(s, c, sink);
	if (!tell_message(sink, (enum proto_side)c->side, c->bytes, false))
		r.state = PROTO_STOPPED;
	return r;
}

const struct proto_parser proto_dns = {
	.name = "dns",
	.app = APP_DNS,
	.tcp = true,
	.udp = true,
	.state = &dns_talk_state,
	.recognise = recognise,
	.read = read,
};
