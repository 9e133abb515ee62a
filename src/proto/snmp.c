/*
 * SNMP (RFC 1157, 3416, 3412) is one value in BER that fills the datagram, and
 * in it a version, and what that version has.
 */
#include "proto/snmp.h"

#include "proto/der.h"

#define VERSION_2C 1
#define VERSION_3  3
#define PDU_FIRST  0xa0
#define PDU_LAST   0xa8

/* A small number that is not negative. */
static bool take_number(struct bytes *b, uint8_t *ret)
{
	struct bytes value;

	return der_take_tagged(b, DER_INTEGER, &value) &&
	       bytes_len(value) == 1 && take_u8(&value, ret);
}

/* community, PDU */
static bool is_community(struct bytes b)
{
	struct bytes community, pdu;
	uint8_t tag;

	return der_take_tagged(&b, DER_OCTETS, &community) &&
	       der_take(&b, &tag, &pdu) && tag >= PDU_FIRST &&
	       tag <= PDU_LAST && bytes_len(b) == 0;
}

/* { id, largest size, flags, model }, parameters, data */
static bool is_header(struct bytes b)
{
	struct bytes head, part, data;
	uint8_t model, tag;

	return der_take_tagged(&b, DER_SEQUENCE, &head) &&
	       der_take_tagged(&head, DER_INTEGER, &part) &&
	       der_take_tagged(&head, DER_INTEGER, &part) &&
	       der_take_tagged(&head, DER_OCTETS, &part) &&
	       bytes_len(part) == 1 && take_number(&head, &model) &&
	       bytes_len(head) == 0 && der_take_tagged(&b, DER_OCTETS, &part) &&
	       der_take(&b, &tag, &data) && bytes_len(b) == 0;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes b = o->said[o->first], message;
	uint8_t version;
	bool yes;

	if (!der_take_tagged(&b, DER_SEQUENCE, &message) || bytes_len(b) > 0 ||
	    !take_number(&message, &version))
		return PROTO_NO;
	if (version == VERSION_3)
		yes = is_header(message);
	else
		yes = version <= VERSION_2C && is_community(message);
	return yes ? PROTO_YES : PROTO_NO;
}

const struct proto_parser proto_snmp = {
	.name = "snmp",
	.app = APP_SNMP,
	.udp = true,
	.recognise = recognise,
};
