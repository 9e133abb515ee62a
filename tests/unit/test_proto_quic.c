/* What recordings (test_proto_talks.c) do not have: many at a time. */
#include "base/limits.h"
#include "proto/dialogue.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct heard {
	unsigned names, limits, asked;
};

static bool piece(void *arg, const struct proto_piece *p)
{
	struct heard *h = arg;

	h->names += p->field == FIELD_TLS_SNI;
	return true;
}

static bool note(void *arg, enum proto_side side, enum proto_note n)
{
	struct heard *h = arg;

	h->limits += n == NOTE_LIMIT;
	return true;
}

static bool asked(void *arg)
{
	struct heard *h = arg;

	h->asked++;
	return true;
}

static bool ended(void *arg, enum proto_side side)
{
	return true;
}

static bool known(void *arg, uint32_t app)
{
	return true;
}

/* Both datagrams of a hello that needs two. */
static void read_two(uint8_t *room, size_t size, struct bytes ret[static 2])
{
	FILE *f = fopen(SOURCE_ROOT
			"/tests/unit/talks/quic/two-datagrams-udp.talk",
			"rbe");
	struct bytes all;
	uint16_t len = 0;

	assert_non_null(f);
	all = bytes_of(room, fread(room, 1, size, f));
	(void)fclose(f);
	for (size_t i = 0; i < 2; i++) {
		assert_true(take_skip(&all, 1) && take_be16(&all, &len));
		assert_true(take_bytes(&all, len, &ret[i]));
	}
}

static void say(struct dialogue_pool *pool, uint32_t handle, struct bytes b,
		struct heard *h)
{
	struct proto_sink sink = { piece, note, asked, ended, known, h };
	struct proto_chunk c = { .bytes = b, .side = PROTO_CLIENT };

	assert_int_equal(dialogue_read(pool, handle, &c, &sink), bytes_len(b));
}

/* Half a hello keeps its place until QUIC_HELLOS others are half said. */
static void half_said(void **state)
{
	const struct dialogue_limits limits = { QUIC_HELLOS + 1, 0 };
	struct dialogue_pool *pool = dialogue_pool_new(&limits, 7);
	uint32_t handles[QUIC_HELLOS + 1];
	struct heard heard = { 0 };
	struct bytes two[2];
	uint8_t room[4096];

	(void)state;
	assert_non_null(pool);
	read_two(room, sizeof room, two);
	for (size_t i = 0; i < ARRAY_LEN(handles); i++) {
		handles[i] = dialogue_open(pool, true, false, 443);
		say(pool, handles[i], two[0], &heard);
	}
	assert_int_equal(heard.asked, 0);
	/* the first one's place is the last one's now */
	say(pool, handles[0], two[1], &heard);
	assert_int_equal(heard.asked, 1);
	assert_int_equal(heard.limits, 1);
	assert_int_equal(heard.names, 0);
	for (size_t i = 1; i < ARRAY_LEN(handles); i++)
		say(pool, handles[i], two[1], &heard);
	/* once for each protocol that it offers */
	assert_int_equal(heard.asked, 1 + 2 * QUIC_HELLOS);
	assert_int_equal(heard.limits, 1);
	assert_int_equal(heard.names, QUIC_HELLOS);
	dialogue_pool_free(pool);
}

/* Hellos that are whole at once take nobody's place. */
static void whole_at_once(void **state)
{
	const struct dialogue_limits limits = { 2, 0 };
	struct dialogue_pool *pool = dialogue_pool_new(&limits, 7);
	uint32_t half, whole;
	struct heard heard = { 0 };
	struct bytes two[2];
	uint8_t room[4096];

	(void)state;
	assert_non_null(pool);
	read_two(room, sizeof room, two);
	half = dialogue_open(pool, true, false, 443);
	say(pool, half, two[0], &heard);
	for (unsigned i = 0; i < 2 * QUIC_HELLOS; i++) {
		whole = dialogue_open(pool, true, false, 443);
		say(pool, whole, two[1], &heard);
		say(pool, whole, two[0], &heard);
		dialogue_close(pool, whole);
	}
	say(pool, half, two[1], &heard);
	assert_int_equal(heard.names, 2 * QUIC_HELLOS + 1);
	assert_int_equal(heard.limits, 0);
	dialogue_pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_said),
		cmocka_unit_test(whole_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
