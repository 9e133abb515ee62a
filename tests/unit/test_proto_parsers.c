/*
 * The first words of every conversation that is in the corpora are shown to all
 * parsers: one says that it is its own, and no other. The files are those of
 * tests/fuzz/fuzz_recognise.c; what begins in the middle may be nobody's.
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

static void one_says_yes(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(glob(SOURCE_ROOT "/tests/fuzz/corpus/recognise/*", 0,
			      NULL, &found),
			 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check(found.gl_pathv[i]);
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_says_yes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
