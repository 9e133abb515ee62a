/*
 * The first words of a conversation, shown to every parser's recogniser: flags
 * (below), a port in 8 bits, the length of what the client said in 16, then that
 * and what the server said. What is shown lies alone in memory, so that a
 * recogniser that reads beyond it is found; asked twice, it says the same. And of
 * each beginning, too: a peer that sends a byte a segment must not be taken for
 * something else. With -DPARSER=proto_x only that one is asked.
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

/* Byte by byte of one side; told: what was said of all before. */
static enum proto_guess ask_side(const struct proto_parser *p,
				 const struct proto_opening *o,
				 struct proto_opening *part,
				 enum proto_guess told)
{
	enum proto_side turn = (enum proto_side)part->now;
	size_t len = bytes_len(o->said[turn]);

	for (size_t n = 1; n <= len; n++) {
		enum proto_guess g;

		part->said[turn] = frames_first(o->said[turn], n);
		part->cut[turn] = o->cut[turn] && n == len;
		g = p->recognise(part);
		BUG_ON(told != PROTO_MAYBE && g != told);
		told = g;
	}
	return told;
}

/*
 * How the bytes are cut makes no difference: the first answer that is not MAYBE
 * is the last one asked for, so it is also what is said of all that the side
 * says before the other one does.
 */
static void ask_growing(const struct proto_parser *p,
			const struct proto_opening *o)
{
	enum proto_side first = (enum proto_side)o->first;
	struct proto_opening part = *o;
	enum proto_guess told;

	part.said[!first] = bytes_of(o->said[!first].begin, 0);
	part.cut[!first] = false;
	part.now = o->first;
	told = ask_side(p, o, &part, PROTO_MAYBE);
	part.now = !first;
	if (told == PROTO_MAYBE)
		(void)ask_side(p, o, &part, told);
}

static void ask_both(const struct proto_parser *p,
		     const struct proto_opening *o)
{
	ask(p, o);
	if (!o->udp && p->tcp)
		ask_growing(p, o);
}

#ifdef PARSER
/* "-DPARSER=proto_x": of proto/parsers.c. */
extern const struct proto_parser PARSER;

static void ask_each(const struct proto_opening *o)
{
	ask_both(&PARSER, o);
}
#else
static void ask_each(const struct proto_opening *o)
{
	for (unsigned i = 0; proto_parser_at(i); i++)
		ask_both(proto_parser_at(i), o);
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
