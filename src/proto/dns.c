/*
 * Theory. A name is labels, each behind its length, up to the root's length 0
 * or a pointer to an earlier place in the message, where the rest stands. A
 * pointer must lead to before the first byte of the name, or before where the
 * last one led: so no walk goes over a place twice and none is endless. 255
 * bytes (RFC 1035 2.3.4) bound the labels, and DNS_HOPS_MAX the pointers, so
 * that chains of nothing but pointers cost no time either.
 *
 * dns_parse() walks over every record of all sections, so that a message is
 * judged as one; dns_next_answer() reads again what was found good, hence it
 * cannot fail. All sorts of records but three are stepped over by their
 * length.
 *
 * Only one spelling of a name exists in text, therefore names are compared as
 * text; case is folded here, once (RFC 4343).
 */
#include "proto/dns.h"

#include <string.h>

#include "base/bug.h"

#define LABEL_SORT    0xc0
#define LABEL_POINTER 0xc0

#define FLAG_RESPONSE  0x8000
#define FLAG_TRUNCATED 0x0200
#define FLAG_OPCODE(f) ((uint8_t)((f) >> 11 & 15))
#define FLAG_RCODE(f)  ((uint8_t)((f)&15))
#define TTL_NEGATIVE   0x80000000u

static const char *const outcome_names[] = {
	[DNS_OK] = "ok",
	[DNS_RECORDS] = "records",
	[DNS_NAME_TEXT] = "text",
	[DNS_SHORT] = "short",
	[DNS_QUESTIONS] = "questions",
	[DNS_LABEL] = "label",
	[DNS_POINTER] = "pointer",
	[DNS_NAME_LONG] = "name-long",
	[DNS_RDATA] = "rdata",
};
_Static_assert(sizeof outcome_names / sizeof *outcome_names == DNS_OUTCOME__MAX,
	       "one name an outcome");

const char *dns_outcome_name(enum dns_outcome o)
{
	return outcome_names[o];
}

/* A name's text that grows; full: not all of it had room. */
struct text {
	struct dns_name *name;
	bool full;
};

static void add_char(struct text *t, uint8_t c)
{
	struct dns_name *n = t->name;

	if (n->len == DNS_TEXT_MAX - 1) {
		t->full = true;
		return;
	}
	n->text[n->len++] = (char)c;
}

static void add_label(struct text *t, struct bytes label)
{
	uint8_t c;

	if (t->name->len)
		add_char(t, '.');
	while (take_u8(&label, &c)) {
		if (c >= 'A' && c <= 'Z') {
			add_char(t, (uint8_t)(c - 'A' + 'a'));
		} else if (c > ' ' && c < 0x7f && c != '.' && c != '\\') {
			add_char(t, c);
		} else {
			add_char(t, '\\');
			add_char(t, (uint8_t)('0' + c / 100));
			add_char(t, (uint8_t)('0' + c / 10 % 10));
			add_char(t, (uint8_t)('0' + c % 10));
		}
	}
}

/*
 * Follows the pointer whose first byte was `high`: *away is what stands there.
 * *first as in dns_take_name(), and moved.
 */
static enum dns_outcome hop(struct bytes whole, uint8_t high, struct bytes *at,
			    const uint8_t **first, struct bytes *away)
{
	uint8_t low;
	size_t to;

	if (!take_u8(at, &low))
		return DNS_SHORT;
	to = (size_t)(high & ~LABEL_SORT) << 8 | low;
	if (to >= (size_t)(*first - whole.begin))
		return DNS_POINTER;
	*first = whole.begin + to;
	*away = (struct bytes){ *first, whole.end };
	return DNS_OK;
}

enum dns_outcome dns_take_name(struct bytes whole, struct bytes *b,
			       struct dns_name *ret)
{
	struct text text = { ret, false };
	struct bytes away, *at = b, label;
	const uint8_t *first = b->begin; /* pointers go before it */
	unsigned hops = 0, wire = 1;
	enum dns_outcome o;
	uint8_t len;

	ret->len = 0;
	for (;;) {
		if (!take_u8(at, &len))
			return DNS_SHORT;
		if (len == 0)
			break;
		if ((len & LABEL_SORT) == LABEL_POINTER) {
			o = hop(whole, len, at, &first, &away);
			if (o)
				return o;
			at = &away;
			if (++hops > DNS_HOPS_MAX)
				return DNS_POINTER;
			continue;
		}
		if (len & LABEL_SORT)
			return DNS_LABEL;
		if (!take_bytes(at, len, &label))
			return DNS_SHORT;
		wire += 1u + len;
		if (wire > DNS_WIRE_NAME_MAX)
			return DNS_NAME_LONG;
		add_label(&text, label);
	}
	if (ret->len == 0)
		add_char(&text, '.');
	ret->text[ret->len] = 0;
	return text.full ? DNS_NAME_TEXT : DNS_OK;
}

static enum dns_outcome take_question(struct bytes *b, struct dns_msg *m)
{
	enum dns_outcome o = dns_take_name(m->whole, b, &m->qname);

	if (o)
		return o;
	m->has_question = true;
	return take_be16(b, &m->qtype) && take_be16(b, &m->qclass) ? DNS_OK
								   : DNS_SHORT;
}

/* Reads what is in a record; b is its rdata and what stands behind it. */
static enum dns_outcome take_value(struct bytes whole, struct bytes *b,
				   uint16_t len, struct dns_record *r)
{
	const uint8_t *end;
	enum dns_outcome o;

	if (bytes_len(*b) < len)
		return DNS_SHORT;
	end = b->begin + len;
	r->data = (struct bytes){ b->begin, end };
	if (r->class != DNS_CLASS_IN) {
		take_skip(b, len);
	} else if (r->type == DNS_TYPE_A) {
		take_ip4(b, &r->addr);
	} else if (r->type == DNS_TYPE_AAAA) {
		take_ip6(b, &r->addr);
	} else if (r->type == DNS_TYPE_CNAME) {
		o = dns_take_name(whole, b, &r->target);
		if (o)
			return o;
	} else {
		take_skip(b, len);
	}
	return b->begin == end ? DNS_OK : DNS_RDATA;
}

static enum dns_outcome take_record(struct bytes whole, struct bytes *b,
				    struct dns_record *r)
{
	enum dns_outcome o = dns_take_name(whole, b, &r->owner);
	uint16_t len;

	if (o)
		return o;
	r->addr = (struct ip_addr){ { 0 } };
	r->target.len = 0;
	r->target.text[0] = 0;
	if (!take_be16(b, &r->type) || !take_be16(b, &r->class) ||
	    !take_be32(b, &r->ttl_s) || !take_be16(b, &len))
		return DNS_SHORT;
	if (r->ttl_s & TTL_NEGATIVE)
		r->ttl_s = 0;
	return take_value(whole, b, len, r);
}

/* How many of each section the header says there are. */
struct counts {
	uint16_t questions, answers, authority, additional;
};

static bool take_header(struct bytes *b, struct dns_msg *m, struct counts *c)
{
	uint16_t flags;

	if (!take_be16(b, &m->id) || !take_be16(b, &flags) ||
	    !take_be16(b, &c->questions) || !take_be16(b, &c->answers) ||
	    !take_be16(b, &c->authority) || !take_be16(b, &c->additional))
		return false;
	m->response = flags & FLAG_RESPONSE;
	m->truncated = flags & FLAG_TRUNCATED;
	m->opcode = FLAG_OPCODE(flags);
	m->rcode = FLAG_RCODE(flags);
	m->n_answers = c->answers;
	return true;
}

enum dns_outcome dns_parse(struct bytes message, struct dns_msg *ret)
{
	struct dns_msg m = { .whole = message };
	struct bytes at = message;
	struct dns_record r;
	enum dns_outcome o;
	struct counts c;
	uint32_t n;

	if (!take_header(&at, &m, &c))
		return DNS_SHORT;
	if (c.questions > 1)
		return DNS_QUESTIONS;
	if (c.questions == 1) {
		o = take_question(&at, &m);
		if (o)
			return o;
	}
	n = (uint32_t)c.answers + c.authority + c.additional;
	m.answers = at;
	for (uint32_t i = 0; i < n; i++) {
		if (i == DNS_RECORDS_MAX)
			return DNS_RECORDS;
		o = take_record(message, &at, &r);
		if (o)
			return o;
	}
	if (bytes_len(at) > UINT16_MAX)
		return DNS_RECORDS;
	m.n_trailing = (uint16_t)bytes_len(at);
	*ret = m;
	return DNS_OK;
}

bool dns_next_answer(const struct dns_msg *m, struct dns_cursor *c,
		     struct dns_record *ret)
{
	struct bytes at = m->answers;

	if (c->n == m->n_answers)
		return false;
	if (c->n)
		at.begin = c->at;
	BUG_ON(take_record(m->whole, &at, ret) != DNS_OK);
	c->n++;
	c->at = at.begin;
	return true;
}

bool dns_take_framed(struct bytes *stream, struct bytes *ret)
{
	struct bytes at = *stream;
	uint16_t len;

	if (!take_be16(&at, &len) || !take_bytes(&at, len, ret))
		return false;
	*stream = at;
	return true;
}
