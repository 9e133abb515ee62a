/*
 * Theory. A message is a SEQUENCE of a number and an operation, each told by its
 * tag. A client begins by a bind, a search, or what StartTLS is asked by; as far
 * into it as the first fields no two other protocols agree:
 *
 *   30 len 02 1..4 number   60 len 02 01 version  04 name
 *                           63 len 04 base  0a 01 scope  0a 01 aliases
 *                           77 len 80 "1.3.6.1..."
 *
 * libndpi, which knows it, too, sees only binds without a name.
 */
#include "proto/ldap.h"

#include "proto/der.h"
#include "proto/text.h"

#define BIND	   0x60
#define SEARCH	   0x63
#define EXTENDED   0x77
#define ENUMERATED 0x0a
#define OID	   0x80
#define VERSION_2  2
#define VERSION_3  3
#define CHOICE_MAX 3 /* of scopes, and of what is done with aliases */

/* A value's length as BER tells it. MAYBE: it is not all there. */
static enum proto_guess take_length(struct bytes *b, uint32_t *ret)
{
	uint8_t first, next;
	uint32_t len = 0;

	if (!take_u8(b, &first))
		return PROTO_MAYBE;
	*ret = first;
	if (first < 0x80)
		return PROTO_YES;
	first &= 0x7f;
	if (first < 1 || first > 4)
		return PROTO_NO;
	for (; first > 0; first--) {
		if (!take_u8(b, &next))
			return PROTO_MAYBE;
		len = len << 8 | next;
	}
	*ret = len;
	return PROTO_YES;
}

/* The beginning of a value of that tag. */
static enum proto_guess take_head(struct bytes *b, uint8_t tag, uint32_t *ret)
{
	uint8_t its;

	if (!take_u8(b, &its))
		return PROTO_MAYBE;
	return its == tag ? take_length(b, ret) : PROTO_NO;
}

/* A value of that tag that is one byte, min..max. */
static enum proto_guess take_small(struct bytes *b, uint8_t tag, uint8_t min,
				   uint8_t max)
{
	enum proto_guess g;
	uint32_t len = 0;
	uint8_t value;

	g = take_head(b, tag, &len);
	if (g != PROTO_YES)
		return g;
	if (len != 1)
		return PROTO_NO;
	if (!take_u8(b, &value))
		return PROTO_MAYBE;
	return value >= min && value <= max ? PROTO_YES : PROTO_NO;
}

static enum proto_guess is_bind(struct bytes b)
{
	enum proto_guess g = take_small(&b, DER_INTEGER, VERSION_2, VERSION_3);
	uint32_t len;

	return g == PROTO_YES ? take_head(&b, DER_OCTETS, &len) : g;
}

static enum proto_guess is_search(struct bytes b)
{
	enum proto_guess g;
	uint32_t len = 0;

	g = take_head(&b, DER_OCTETS, &len);
	if (g == PROTO_YES && !take_skip(&b, len))
		g = PROTO_MAYBE;
	for (int i = 0; i < 2 && g == PROTO_YES; i++)
		g = take_small(&b, ENUMERATED, 0, CHOICE_MAX);
	return g;
}

static enum proto_guess is_extended(struct bytes b)
{
	enum proto_guess g;
	uint32_t len;

	g = take_head(&b, OID, &len);
	return g == PROTO_YES ? text_begins(b, "1.3.6.1.") : g;
}

/* A message's number, which is not negative. */
static enum proto_guess take_number(struct bytes *b)
{
	enum proto_guess g;
	uint32_t len = 0;
	uint8_t first;

	g = take_head(b, DER_INTEGER, &len);
	if (g != PROTO_YES)
		return g;
	if (len < 1 || len > 4)
		return PROTO_NO;
	if (!take_u8(b, &first))
		return PROTO_MAYBE;
	if (first >= 0x80)
		return PROTO_NO;
	return take_skip(b, len - 1) ? PROTO_YES : PROTO_MAYBE;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[PROTO_CLIENT];
	enum proto_guess g = PROTO_NO;
	uint32_t len;
	uint8_t op;

	if (o->first == PROTO_CLIENT)
		g = take_head(&b, DER_SEQUENCE, &len);
	if (g == PROTO_YES)
		g = take_number(&b);
	if (g != PROTO_YES)
		return g;
	if (!take_u8(&b, &op))
		return PROTO_MAYBE;
	if (op != BIND && op != SEARCH && op != EXTENDED)
		return PROTO_NO;
	g = take_length(&b, &len);
	if (g == PROTO_YES && op == BIND)
		g = is_bind(b);
	else if (g == PROTO_YES)
		g = op == SEARCH ? is_search(b) : is_extended(b);
	/* of what is longer no more is shown */
	return g == PROTO_MAYBE && o->cut[PROTO_CLIENT] ? PROTO_NO : g;
}

const struct proto_parser proto_ldap = {
	.name = "ldap",
	.app = APP_LDAP,
	.tcp = true,
	.recognise = recognise,
};
