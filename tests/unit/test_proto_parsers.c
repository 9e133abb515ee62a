/*
 * The first words of every conversation that is in the corpora are shown to all
 * parsers: one says that it is its own, and no other. The files are those of
 * tests/fuzz/fuzz_recognise.c; what begins in the middle may be nobody's.
 *
 * And how the bytes are cut makes no difference. A parser is not asked again once
 * it has said yes or no; so what it says first that is not "maybe", it must say of
 * all that the side says after that, until the other side speaks. Shown byte by
 * byte, every cut is among what was asked. There is no exception.
 */
#include "base/limits.h"
#include "proto/parsers.h"
#include "test.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX       4096
#define FLAG_UDP       1
#define FLAG_MIDSTREAM 2
#define FLAG_SERVER    8

/* Of recorded conversations (tests/fuzz/fuzz_parser.c). */
#define TALK_MAX	 (256u << 10)
#define TALK_FLAG_SERVER 1
#define TALK_FLAG_GAP	 2
#define TALK_FLAG_UDP	 8

static bool read_opening(const char *path, uint8_t *room,
			 struct proto_opening *o)
{
	FILE *f = fopen(path, "rbe");
	struct bytes all, client;
	uint8_t flags = 0, port = 0;
	uint16_t len = 0;

	if (!f)
		return false;
	all = bytes_of(room, fread(room, 1, FILE_MAX, f));
	(void)fclose(f);
	if (!take_u8(&all, &flags) || !take_u8(&all, &port) ||
	    !take_be16(&all, &len) || !take_bytes(&all, len, &client))
		return false;
	*o = (struct proto_opening){
		.said = { client, all },
		.first = flags & FLAG_SERVER ? PROTO_SERVER : PROTO_CLIENT,
		.udp = flags & FLAG_UDP,
		.midstream = flags & FLAG_MIDSTREAM,
		.server_port = port,
	};
	o->now = !o->first;
	for (int side = 0; side < PROTO_SIDE__MAX; side++) {
		struct bytes *b = &o->said[side];

		o->cut[side] = bytes_len(*b) > OPENING_BYTES_MAX;
		if (o->cut[side])
			b->end = b->begin + OPENING_BYTES_MAX;
	}
	return true;
}

static void check(const char *path)
{
	const struct proto_parser *yes = NULL, *p;
	struct proto_opening o = { 0 };
	uint8_t room[FILE_MAX];

	assert_row(path, read_opening(path, room, &o));
	for (unsigned i = 0; (p = proto_parser_at(i)); i++) {
		if ((o.udp ? !p->udp : !p->tcp) ||
		    p->recognise(&o) != PROTO_YES)
			continue;
		if (yes)
			fail_msg("%s: %s and %s", path, yes->name, p->name);
		yes = p;
	}
	assert_row(path, yes || o.midstream);
}

static void each(const char *pattern, void (*check_one)(const char *path))
{
	glob_t found;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_one(found.gl_pathv[i]);
	globfree(&found);
}

static void one_says_yes(void **state)
{
	(void)state;
	each(SOURCE_ROOT "/tests/fuzz/corpus/recognise/*", check);
}

/* --- however it is cut ------------------------------------------------- */

/* What the sides say in turn. */
struct turns {
	const char *path;
	struct turn {
		struct bytes bytes;
		uint8_t side;
	} at[64];
	size_t n;
};

/* What a side has said, up to what is kept of it. */
struct said {
	uint8_t bytes[OPENING_BYTES_MAX];
	size_t len;
};

/* One more byte; false: it is not kept. */
static bool say(struct proto_opening *o, struct said *said, uint8_t side,
		uint8_t byte)
{
	struct said *s = &said[side];

	o->now = side;
	o->cut[side] = s->len == sizeof s->bytes;
	if (!o->cut[side])
		s->bytes[s->len++] = byte;
	o->said[side] = bytes_of(s->bytes, s->len);
	return !o->cut[side];
}

/* NULL: it said yes or no, and kept to that, or may still. */
static const char *growing(const struct proto_parser *p, struct turns *turns,
			   struct proto_opening o)
{
	static struct said said[PROTO_SIDE__MAX];
	enum proto_guess told = PROTO_MAYBE, g;

	said[PROTO_CLIENT].len = said[PROTO_SERVER].len = 0;
	for (size_t i = 0; i < turns->n; i++) {
		const struct turn *t = &turns->at[i];
		bool kept = true;

		/* settled, and the other side's turn */
		if (told != PROTO_MAYBE && t->side != o.now)
			return NULL;

		for (const uint8_t *b = t->bytes.begin;
		     b < t->bytes.end && kept; b++) {
			kept = say(&o, said, t->side, *b);
			g = p->recognise(&o);
			if (told != PROTO_MAYBE && g != told)
				return told == PROTO_YES ? "first yes"
							 : "first no";
			told = g;
		}
	}
	return NULL;
}

/* Answers that were taken back. */
static unsigned otherwise;

static void cut_anywhere(struct turns *turns)
{
	/* those that a recogniser knows, and none */
	static const uint16_t ports[] = { 0, 7, 2181, 6379, 11211 };
	const struct proto_parser *p;
	const char *what;

	for (unsigned i = 0; (p = proto_parser_at(i)); i++)
		for (unsigned k = 0; p->tcp && k < 2 * ARRAY_LEN(ports); k++) {
			struct proto_opening o = {
				.first = turns->at[0].side,
				.server_port = ports[k / 2],
				.midstream = k % 2,
			};

			what = growing(p, turns, o);
			if (!what)
				continue;
			print_error("%s, port %u%s: %s says %s, then not\n",
				    turns->path, o.server_port,
				    o.midstream ? ", midstream" : "", p->name,
				    what);
			otherwise++;
		}
}

static void add_turn(struct turns *turns, uint8_t side, struct bytes b)
{
	if (bytes_len(b) > 0 && turns->n < ARRAY_LEN(turns->at))
		turns->at[turns->n++] = (struct turn){ b, side };
}

static struct bytes read_talk(const char *path)
{
	static uint8_t room[TALK_MAX];
	FILE *f = fopen(path, "rbe");
	size_t len;

	if (!f)
		fail_msg("%s: cannot be opened", path);
	len = fread(room, 1, sizeof room, f);
	(void)fclose(f);
	assert_row(path, len < sizeof room);
	return bytes_of(room, len);
}

static void talk_cut_anywhere(const char *path)
{
	struct bytes rest = read_talk(path), b = bytes_of(NULL, 0);
	struct turns turns = { .path = path };
	uint8_t flags;
	uint16_t len;

	if (bytes_len(rest) == 0 || *rest.begin & TALK_FLAG_UDP)
		return;
	while (take_u8(&rest, &flags) && take_be16(&rest, &len)) {
		if (len > bytes_len(rest))
			len = (uint16_t)bytes_len(rest);
		if (flags & TALK_FLAG_GAP && turns.n > 0)
			break;
		(void)take_bytes(&rest, len, &b); /* there are that many */
		add_turn(&turns, flags & TALK_FLAG_SERVER, b);
	}
	if (turns.n > 0)
		cut_anywhere(&turns);
}

static void opening_cut_anywhere(const char *path)
{
	struct turns turns = { .path = path };
	struct proto_opening o = { 0 };
	uint8_t room[FILE_MAX];

	assert_row(path, read_opening(path, room, &o));
	add_turn(&turns, o.first, o.said[o.first]);
	add_turn(&turns, !o.first, o.said[!o.first]);
	if (!o.udp && turns.n > 0)
		cut_anywhere(&turns);
}

static void any_cut_is_the_same(void **state)
{
	(void)state;
	each(SOURCE_ROOT "/tests/fuzz/corpus/recognise/*",
	     opening_cut_anywhere);
	each(SOURCE_ROOT "/tests/unit/talks/*/*.talk", talk_cut_anywhere);
	each(SOURCE_ROOT "/tests/fuzz/corpus/parser_*/*", talk_cut_anywhere);
	assert_int_equal(otherwise, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_says_yes),
		cmocka_unit_test(any_cut_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
