/*
 * TFTP (RFC 1350, 2347). A client asks for a file by name and mode; the server
 * goes on from another port. There an OACK can be told from anything else, and a
 * block and its acknowledgement by being of the same number:
 *
 *   reading   server DATA 1, client ACK 1
 *   writing   server ACK 0, client DATA 1
 */
#include "proto/tftp.h"

#include "proto/text.h"

#define OP_READ	 1
#define OP_WRITE 2
#define OP_DATA	 3
#define OP_ACK	 4
#define OP_OACK	 6

/* Up to the next 0; printable, at least one. */
static bool take_word(struct bytes *b, struct bytes *ret)
{
	if (!text_take_until(b, 0, ret) || bytes_len(*ret) == 0)
		return false;
	for (const uint8_t *p = ret->begin; p < ret->end; p++)
		if (*p < ' ' || *p == 0x7f)
			return false;
	return true;
}

static bool take_option(struct bytes *b)
{
	static const char *const names[] = { "blksize", "tsize", "timeout",
					     "windowsize", "multicast" };
	struct bytes name, value;

	if (!take_word(b, &name) || !take_word(b, &value))
		return false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text_is_nocase(name, names[i]))
			return true;
	return false;
}

static bool is_request(struct bytes b)
{
	struct bytes file, mode, name, value;

	if (!take_word(&b, &file) || !take_word(&b, &mode) ||
	    (!text_is_nocase(mode, "octet") &&
	     !text_is_nocase(mode, "netascii") &&
	     !text_is_nocase(mode, "mail")))
		return false;
	while (bytes_len(b) > 0)
		if (!take_word(&b, &name) || !take_word(&b, &value))
			return false;
	return true;
}

/* A datagram that carries this block, or (OP_ACK) nothing else. */
static bool is_block(struct bytes b, uint16_t op, uint16_t number)
{
	uint16_t its_op, its_number;

	return take_be16(&b, &its_op) && its_op == op &&
	       take_be16(&b, &its_number) && its_number == number &&
	       (op == OP_DATA || bytes_len(b) == 0);
}

/* Who sent the first datagram counts as the client: the port is a new one. */
static enum proto_guess is_transfer(const struct proto_opening *o)
{
	struct bytes sent = o->said[o->first], back = o->said[!o->first];
	bool data = is_block(sent, OP_DATA, 1);

	if (!data && !is_block(sent, OP_ACK, 0))
		return PROTO_NO;
	if (bytes_len(back) == 0)
		return PROTO_MAYBE;
	return is_block(back, data ? OP_ACK : OP_DATA, 1) ? PROTO_YES
							  : PROTO_NO;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[o->first];
	uint16_t op;

	if (!take_be16(&b, &op))
		return PROTO_NO;
	if (op == OP_READ || op == OP_WRITE)
		return is_request(b) ? PROTO_YES : PROTO_NO;
	if (op == OP_DATA || op == OP_ACK)
		return is_transfer(o);
	if (op != OP_OACK || bytes_len(b) == 0)
		return PROTO_NO;
	while (bytes_len(b) > 0)
		if (!take_option(&b))
			return PROTO_NO;
	return PROTO_YES;
}

const struct proto_parser proto_tftp = {
	.name = "tftp",
	.app = APP_TFTP,
	.udp = true,
	.recognise = recognise,
};
