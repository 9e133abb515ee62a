/*
 * The input as a conversation that is read by one parser (PARSER), recognised
 * or not: chunks of one byte of flags (1: of the server, 2: after a gap, 4: the
 * side's last), their length in 16 bits, and the bytes. What every parser must
 * keep to is checked by tests/unit/talk.c.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "talk.h"

/* "-DPARSER=proto_x": of proto/parsers.c. */
extern const struct proto_parser PARSER;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FLAG_SERVER 1
#define FLAG_GAP    2
#define FLAG_LAST   4
#define FLAG_UDP    8	 /* of the first chunk: of all */
#define FLAG_ANY    0x10 /* likewise: any parser that recognises it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes rest = bytes_of(data, len), chunk;
	struct talk *t;
	uint16_t size;
	uint8_t flags;
	bool any;

	if (len == 0)
		return 0;
	/* nobody is given datagrams who does not read them */
	any = data[0] & FLAG_ANY;
	t = talk_new((data[0] & FLAG_UDP) && (any || PARSER.udp),
		     data[0] & FLAG_GAP);
	if (!any)
		talk_only(t, &PARSER);
	while (take_u8(&rest, &flags) && take_be16(&rest, &size)) {
		enum proto_side side = flags & FLAG_SERVER ? PROTO_SERVER
							   : PROTO_CLIENT;

		if (size > bytes_len(rest))
			size = (uint16_t)bytes_len(rest);
		if (!take_bytes(&rest, size, &chunk))
			break;
		if (flags & FLAG_GAP)
			talk_gap(t, side);
		talk_say(t, side, chunk);
		if (flags & FLAG_LAST)
			talk_end(t, side);
	}
	talk_free(t);
	return 0;
}
