/*
 * Conversations that go on in another pool: every recorded one and every file of
 * the fuzzers' corpora, read by the parser that it is for, straight and handed
 * over; the sink hears the same, and the counts are the same. And images with bits
 * turned around: what comes of them is nothing, or a pool that can be freed.
 * WEIR_SEED=n runs one seed again.
 */
#include "images.h"
#include "proto/parsers.h"
#include "seed.h"
#include "talk.h"
#include "test.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256u << 10)
#define SPOILT	 1500

/* tests/fuzz/fuzz_parser.c */
#define FLAG_SERVER 1
#define FLAG_GAP    2
#define FLAG_LAST   4
#define FLAG_UDP    8
#define FLAG_ANY    0x10

static struct bytes read_file(const char *path)
{
	static uint8_t room[FILE_MAX];
	FILE *f = fopen(path, "rbe");
	size_t len;

	if (!f)
		fail_msg("%s: cannot be opened", path);
	len = fread(room, 1, sizeof room, f);
	(void)fclose(f);
	return bytes_of(room, len);
}

/* Of ".../parser_NAME/..."; NULL: it is to be recognised. */
static const struct proto_parser *parser_of(const char *path)
{
	const char *at = strstr(path, "/parser_");
	const struct proto_parser *p;

	for (unsigned i = 0; at && (p = proto_parser_at(i)); i++) {
		size_t len = strlen(p->name);

		if (strncmp(at + 8, p->name, len) == 0 && at[8 + len] == '/')
			return p;
	}
	return NULL;
}

/* How a file is read. */
struct way {
	uint32_t most;	/* bytes at a time; 0: chunks as they are */
	uint32_t often; /* handed over after 1 of so many */
	bool handed;	/* or not at all */
	uint64_t random;
};

/* false: a body in a coding was cut. */
static bool say(struct talk *t, enum proto_side side, struct bytes b,
		struct way *way)
{
	bool whole = true;

	do {
		size_t n = way->most ? 1 + seed_draw(&way->random, way->most)
				     : bytes_len(b);

		if (n > bytes_len(b))
			n = bytes_len(b);
		talk_say(t, side, bytes_of(b.begin, n));
		(void)take_skip(&b, n); /* n are there */
		/* drawn in any case: the cuts are the same */
		if (seed_draw(&way->random, way->often) == 0 && way->handed)
			whole &= talk_hand_over(t);
	} while (bytes_len(b) > 0);
	return whole;
}

/* The transcript, to be freed; NULL: a body in a coding was cut. */
static char *heard(const char *path, struct bytes rest, struct way way,
		   struct dialogue_counts *ret)
{
	const struct proto_parser *p = parser_of(path);
	uint8_t first = *rest.begin, flags;
	bool any = first & FLAG_ANY || !p, whole = true;
	bool udp = first & FLAG_UDP && (any || p->udp);
	struct talk *t = talk_new(udp, first & FLAG_GAP);
	struct bytes chunk;
	uint16_t size;
	char *text;

	way.most = udp ? 0 : way.most;
	if (!any)
		talk_only(t, p);
	while (take_u8(&rest, &flags) && take_be16(&rest, &size)) {
		enum proto_side side = flags & FLAG_SERVER ? PROTO_SERVER
							   : PROTO_CLIENT;

		if (size > bytes_len(rest))
			size = (uint16_t)bytes_len(rest);
		(void)take_bytes(&rest, size, &chunk); /* they are there */
		if (flags & FLAG_GAP)
			talk_gap(t, side);
		whole &= say(t, side, chunk, &way);
		if (flags & FLAG_LAST)
			talk_end(t, side);
	}
	*ret = talk_counts(t);
	text = whole ? strdup(talk_heard(t)) : NULL;
	talk_free(t);
	return text;
}

static unsigned compared, cut;

static void check(const char *path, struct way way)
{
	struct bytes all = read_file(path);
	struct dialogue_counts want, got;
	char *straight, *handed;
	struct way plain = way;

	if (bytes_len(all) == 0)
		return;
	plain.handed = false;
	straight = heard(path, all, plain, &want);
	handed = heard(path, all, way, &got);
	assert_row(path, straight && got.opened == want.opened);
	if (handed) {
		if (strcmp(straight, handed) != 0)
			fail_msg("%s:\n%swanted:\n%s", path, handed, straight);
		assert_memory_equal(&got, &want, sizeof got);
	}
	*(handed ? &compared : &cut) += 1;
	free(straight);
	free(handed);
}

static void each(const char *pattern, struct way way)
{
	glob_t found;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		way.random += 2;
		check(found.gl_pathv[i], way);
	}
	globfree(&found);
}

static void test_the_same(void **state)
{
	uint64_t seed = seed_choose() | 1;
	const struct way ways[] = { { 0, 2, true, seed },
				    { 100, 40, true, seed } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		each(SOURCE_ROOT "/tests/unit/talks/*/*.talk", ways[i]);
		each(SOURCE_ROOT "/tests/fuzz/corpus/parser_*/*", ways[i]);
	}
	print_message("# %u the same, %u with a body that is cut\n", compared,
		      cut);
	assert_true(compared > 500 && cut < compared / 10);
}

/* --- what cannot be --------------------------------------------------- */

#define TALKS 60
#define LARGE 12

static bool no_piece(void *arg, const struct proto_piece *p)
{
	(void)arg;
	return p != NULL;
}

static bool no_note(void *arg, enum proto_side side, enum proto_note n)
{
	(void)arg;
	return side < PROTO_SIDE__MAX && n < NOTE__MAX;
}

static bool no_asked(void *arg)
{
	return arg == NULL;
}

static bool no_ended(void *arg, enum proto_side side)
{
	(void)arg;
	return side < PROTO_SIDE__MAX;
}

static bool no_known(void *arg, uint32_t app)
{
	return arg == NULL && app > 0;
}

/* A recorded conversation, of which a dialogue is told a part. */
static struct told {
	uint8_t *file;
	struct bytes rest;
	uint32_t handle;
	bool begun;
} told[TALKS];

/* The next so many chunks, each without what was left before. */
static void go_on(struct dialogue_pool *p, struct told *t, unsigned chunks)
{
	struct proto_sink sink = { no_piece, no_note, no_asked, no_ended,
				   no_known, NULL,    { 0 } };
	struct bytes rest = t->rest;
	uint8_t flags;
	uint16_t size;

	while (chunks-- > 0 && take_u8(&rest, &flags) &&
	       take_be16(&rest, &size)) {
		struct proto_chunk c = { .side = flags & FLAG_SERVER };

		if (!take_bytes(&rest, size, &c.bytes))
			break;
		c.gap_before = flags & FLAG_GAP;
		(void)dialogue_read(p, t->handle, &c, &sink);
	}
	t->rest = rest;
}

static struct dialogue_pool *fresh_pool(void)
{
	static const struct dialogue_limits limits = { TALKS, LARGE };
	struct dialogue_pool *p = dialogue_pool_new(&limits, 7);

	assert_non_null(p);
	return p;
}

static size_t begin_talks(struct dialogue_pool *p, const char *pattern,
			  size_t n, size_t most, uint64_t *random)
{
	size_t from = n;
	glob_t found;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	while (n < from + most) {
		const char *path = found.gl_pathv[seed_draw(
			random, (uint32_t)found.gl_pathc)];
		const struct proto_parser *parser = parser_of(path);
		struct bytes all = read_file(path);
		struct told *t = &told[n];

		if (bytes_len(all) == 0)
			continue;
		t->file = malloc(bytes_len(all));
		assert_non_null(t->file);
		memcpy(t->file, all.begin, bytes_len(all));
		t->rest = bytes_of(t->file, bytes_len(all));
		t->handle = dialogue_open(p, *t->file & FLAG_UDP,
					  *t->file & FLAG_GAP, 0);
		if (parser && (*t->file & FLAG_UDP ? parser->udp : parser->tcp))
			dialogue_begin(p, t->handle, parser);
		go_on(p, t, 1 + seed_draw(random, 4));
		n++;
	}
	globfree(&found);
	return n;
}

/* The last of them is in the middle of a gzip body. */
static void begin_packed(struct dialogue_pool *p, size_t n)
{
	static const char get[] = "\0\0\x12GET / HTTP/1.1\r\n\r\n";
	static const char head[] =
		"\1\0\x44HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
		"Content-Length: 99\r\n\r\n\x1f\x8b\x08\0\0";
	struct told *t = &told[n];

	t->handle = dialogue_open(p, false, false, 0);
	t->file = malloc(sizeof get + sizeof head - 2);
	assert_non_null(t->file);
	memcpy(t->file, get, sizeof get - 1);
	memcpy(t->file + sizeof get - 1, head, sizeof head - 1);
	t->rest = bytes_of(t->file, sizeof get + sizeof head - 2);
	go_on(p, t, 2);
	assert_int_equal(dialogue_state(p, t->handle), DIALOGUE_READING);
}

static void use_up(struct dialogue_pool *p)
{
	for (size_t i = 0; i < TALKS; i++) {
		struct told again = told[i];

		if (!dialogue_is_open(p, again.handle))
			continue;
		go_on(p, &again, 3);
		dialogue_close(p, again.handle);
	}
	for (uint32_t h = 1; h <= TALKS; h++)
		if (dialogue_is_open(p, h))
			dialogue_close(p, h);
	assert_int_equal(dialogue_counts(p).in_use, 0);
	assert_int_equal(dialogue_counts(p).large, 0);
}

static void image_of(struct images *i, const struct dialogue_pool *p)
{
	IMAGES_OF(i, dialogue_pool_save, p);
}

/* Parts whose every value is checked, as far as sizes go. */
IMAGE_PART(dialogues_part, "dialogues", uint8_t[40], 1);
IMAGE_PART(hpack_part, "hpack", uint8_t[16], 1);
IMAGE_PART(fields_part, "hpack-fields", uint8_t, 1);
IMAGE_PART(unpack_part, "unpack", uint8_t[32], 1);

/* A bit of one of these. */
static struct images_spoilt spoil_part(struct images *i, uint64_t *random)
{
	static const struct image_part *const parts[] = {
		&dialogues_part, &dialogues_part, &hpack_part,
		&fields_part,	 &unpack_part,
	};
	const struct image_part *part =
		parts[seed_draw(random, ARRAY_LEN(parts))];
	struct images_spoilt s = { .n = 1 };
	uint64_t n;
	const uint8_t *at = image_get(&i->r, "dialogues", part, &n);

	assert_row(part->name, at && n > 0);
	s.bits[0] = 8 * (size_t)(at - i->memory) +
		    seed_draw(random, (uint32_t)(8 * n * part->size));
	images_turn(i, &s);
	return s;
}

static void test_hostile(void **state)
{
	static const char *const from[] = {
		SOURCE_ROOT "/tests/unit/talks/*/*.talk",
		SOURCE_ROOT "/tests/fuzz/corpus/parser_http2/*",
		SOURCE_ROOT "/tests/fuzz/corpus/parser_http/*",
		SOURCE_ROOT "/tests/fuzz/corpus/parser_quic/*",
	};
	struct dialogue_pool *p = fresh_pool(), *next = fresh_pool();
	uint64_t random = seed_choose() | 1;
	unsigned refused = 0;
	struct images i;
	size_t n = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(from); k++)
		n = begin_talks(p, from[k], n, (TALKS - 1) / ARRAY_LEN(from),
				&random);
	begin_packed(p, n);
	image_of(&i, p);
	for (unsigned k = 0; k < SPOILT; k++) {
		struct images_spoilt s = k % 4 ? spoil_part(&i, &random)
					       : images_spoil(&i, &random);
		bool loaded = image_read(&i.r, i.memory, i.len) == 0 &&
			      dialogue_pool_load(next, &i.r);

		refused += !loaded;
		assert_true(loaded || dialogue_counts(next).in_use == 0);
		use_up(next);
		images_turn(&i, &s);
		assert_int_equal(image_read(&i.r, i.memory, i.len), 0);
	}
	print_message("# %u of %u refused\n", refused, SPOILT);
	assert_true(refused > 0 && refused < SPOILT);
	dialogue_pool_free(next);
	dialogue_pool_free(p);
	free(i.memory);
	for (size_t k = 0; k <= n; k++)
		free(told[k].file);
}

/* Another limit: nothing is loaded. */
static void test_another(void **state)
{
	static const struct dialogue_limits other = { TALKS, LARGE + 1 };
	struct dialogue_pool *p = fresh_pool(), *next;
	struct images i;

	(void)state;
	next = dialogue_pool_new(&other, 7);
	assert_non_null(next);
	image_of(&i, p);
	assert_false(dialogue_pool_load(next, &i.r));
	dialogue_pool_free(next);
	next = fresh_pool();
	assert_true(dialogue_pool_load(next, &i.r));
	dialogue_pool_free(next);
	dialogue_pool_free(p);
	free(i.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
