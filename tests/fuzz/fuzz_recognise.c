/*
 * The first words of a conversation, shown to every parser's recogniser: flags
 * (below), a port in 8 bits, the length of what the client said in 16, then that
 * and what the server said. What is shown lies alone in memory, so that a
 * recogniser that reads beyond it is found; asked twice, it says the same. With
 * -DPARSER=proto_x only that one is asked, and of each beginning, too: a peer that
 * sends a byte a segment must not be taken for something else.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "proto/frames.h"
#include "proto/parsers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FLAG_UDP       1
#define FLAG_MIDSTREAM 2
#define FLAG_NOW       4 /* the latest is the server's */
#define FLAG_SERVER    8 /* it spoke first */

/* A copy of at most an opening's length; *cut: there was more. */
static struct bytes copy(struct bytes b, bool *cut)
{
	size_t len = bytes_len(b);
	uint8_t *all;

	*cut = len > OPENING_BYTES_MAX;
	len = *cut ? OPENING_BYTES_MAX : len;
	all = malloc(len ? len : 1);
	BUG_ON(!all);
	if (len)
		memcpy(all, b.begin, len);
	return bytes_of(all, len);
}

static void ask(const struct proto_parser *p, const struct proto_opening *o)
{
	enum proto_guess g;

	if (o->udp ? !p->udp : !p->tcp)
		return;
	g = p->recognise(o);
	BUG_ON(g != PROTO_NO && g != PROTO_MAYBE && g != PROTO_YES);
	BUG_ON(g != p->recognise(o));
}

#ifdef PARSER
/* "-DPARSER=proto_x": of proto/parsers.c. */
extern const struct proto_parser PARSER;

/*
 * Who speaks first says all of it, then the other does. The first answer that is
 * not MAYBE is the last one asked for; it is what is said of the whole.
 */
static void ask_growing(const struct proto_opening *o)
{
	enum proto_side first = o->first, second = first ^ 1;
	size_t ahead = bytes_len(o->said[first]);
	size_t all = ahead + bytes_len(o->said[second]);
	struct proto_opening part = *o;
	enum proto_guess g = PROTO_MAYBE;

	for (size_t n = 1; n <= all && g == PROTO_MAYBE; n++) {
		size_t of_first = n < ahead ? n : ahead;

		part.said[first] = frames_first(o->said[first], of_first);
		part.said[second] = frames_first(o->said[second], n - of_first);
		part.cut[first] = o->cut[first] && of_first == ahead;
		part.cut[second] = o->cut[second] && n == all;
		g = PARSER.recognise(&part);
	}
	BUG_ON(all > 0 && g != PARSER.recognise(o));
}

static void ask_each(const struct proto_opening *o)
{
	ask(&PARSER, o);
	if (!o->udp)
		ask_growing(o);
}
#else
static void ask_each(const struct proto_opening *o)
{
	for (unsigned i = 0; proto_parser_at(i); i++)
		ask(proto_parser_at(i), o);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct proto_opening o = { 0 };
	struct bytes rest = bytes_of(data, len), client;
	uint8_t flags, port;
	uint16_t n;

	if (!take_u8(&rest, &flags) || !take_u8(&rest, &port) ||
	    !take_be16(&rest, &n))
		return 0;
	if (n > bytes_len(rest))
		n = (uint16_t)bytes_len(rest);
	(void)take_bytes(&rest, n, &client); /* there are that many */
	o.said[PROTO_CLIENT] = copy(client, &o.cut[PROTO_CLIENT]);
	o.said[PROTO_SERVER] = copy(rest, &o.cut[PROTO_SERVER]);
	o.udp = flags & FLAG_UDP;
	o.midstream = flags & FLAG_MIDSTREAM;
	o.first = flags & FLAG_SERVER ? PROTO_SERVER : PROTO_CLIENT;
	o.now = flags & FLAG_NOW ? PROTO_SERVER : PROTO_CLIENT;
	o.server_port = port;
	ask_each(&o);
	free((void *)(uintptr_t)o.said[PROTO_CLIENT].begin);
	free((void *)(uintptr_t)o.said[PROTO_SERVER].begin);
	return 0;
}
