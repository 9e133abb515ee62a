/*
 * What is sent between nodes: packed texts, whole and damaged, and the names that
 * are words of subjects.
 */
#include "fleet/pack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "fleet/names.h"
#include "seed.h"
#include "test.h"

#define HEAD 8

/* As long as that, of few letters, so that it packs. */
static char *text_of(uint64_t *random, size_t len)
{
	char *text = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = "{\"a\":1, "[seed_draw(random, 8)];
	text[len] = '\0';
	return text;
}

/* unpack_text() of what is on the heap, as long as it is said to be. */
static char *unpack_exact(const char *bytes, size_t len, size_t *ret_len,
			  struct err *reterr)
{
	char *copied = malloc(len ? len : 1);
	char *text;

	memcpy(copied, bytes, len);
	text = unpack_text(copied, len, ret_len, reterr);
	free(copied);
	return text;
}

static void put_length(char *packed, uint64_t len)
{
	for (int i = 0; i < HEAD; i++)
		packed[i] = (char)(len >> 8 * (HEAD - 1 - i));
}

static void test_round_trip(void **state)
{
	static const size_t lengths[] = { 0,   1,     2,     7,	     8,	     9,
					  255, 65535, 65536, 100003, 3000000 };
	uint64_t random = seed_choose() | 1;

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct err err = { 0 };
		size_t packed_len = 0, len = 1;
		char *text = text_of(&random, lengths[i]), *again, *packed;

		packed = pack_text(text, lengths[i], &packed_len, &err);
		assert_non_null(packed);
		again = unpack_exact(packed, packed_len, &len, &err);
		assert_non_null(again);
		assert_int_equal(len, lengths[i]);
		assert_memory_equal(again, text, len + 1); /* and its NUL */
		free(packed);
		free(again);
		free(text);
	}
}

static void test_truncated(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct err err = { 0 };
	size_t packed_len = 0, len;
	char *text = text_of(&random, 3000);
	char *packed = pack_text(text, 3000, &packed_len, &err);

	assert_non_null(packed);
	assert_true(packed_len > 500);
	for (size_t n = 0; n < packed_len; n++) {
		err.code = 0;
		assert_null(unpack_exact(packed, n, &len, &err));
		assert_int_equal(err.code, EPROTO);
	}
	free(packed);
	free(text);
}

static void test_wrong_length(void **state)
{
	static const struct {
		const char *name;
		uint64_t claims;
		int code;
	} rows[] = {
		{ "one less", 2999, EPROTO },
		{ "one more", 3001, EPROTO },
		{ "none", 0, EPROTO },
		{ "as much as there may be", FLEET_UNPACKED_MAX, EPROTO },
		{ "more than that", FLEET_UNPACKED_MAX + 1, E2BIG },
		{ "all", UINT64_MAX, E2BIG },
		{ "where + 1 is 0 in 32 bits", UINT32_MAX, E2BIG },
	};
	uint64_t random = seed_choose() | 1;
	struct err err = { 0 };
	size_t packed_len = 0, len;
	char *text = text_of(&random, 3000);
	char *packed = pack_text(text, 3000, &packed_len, &err);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put_length(packed, rows[i].claims);
		err.code = 0;
		assert_row(rows[i].name,
			   !unpack_exact(packed, packed_len, &len, &err) &&
				   err.code == rows[i].code);
	}
	free(packed);
	free(text);
}

/* What unpacks to more than it says, and to more than anything may be. */
static void test_bomb(void **state)
{
	size_t size = FLEET_UNPACKED_MAX + 1000, len;
	uLongf packed_len = compressBound(size);
	char *zeros = calloc(1, size), *packed = malloc(HEAD + packed_len);
	struct err err = { 0 };

	assert_int_equal(compress2((Bytef *)packed + HEAD, &packed_len,
				   (Bytef *)zeros, size, 9),
			 Z_OK);
	assert_true(packed_len < 1000000);
	put_length(packed, size);
	assert_null(unpack_exact(packed, HEAD + packed_len, &len, &err));
	assert_int_equal(err.code, E2BIG);
	put_length(packed, 10);
	assert_null(unpack_exact(packed, HEAD + packed_len, &len, &err));
	assert_int_equal(err.code, EPROTO);
	put_length(packed, FLEET_UNPACKED_MAX);
	assert_null(unpack_exact(packed, HEAD + packed_len, &len, &err));
	assert_int_equal(err.code, EPROTO);
	/* nor is it packed */
	assert_null(pack_text(zeros, FLEET_UNPACKED_MAX + 1, &len, &err));
	assert_int_equal(err.code, E2BIG);
	free(zeros);
	free(packed);
}

/* What does not pack is too long for a message sooner. */
static void test_too_long(void **state)
{
	uint64_t random = seed_choose() | 1;
	size_t size = FLEET_MESSAGE_MAX, len;
	char *noise = malloc(size);
	struct err err = { 0 };

	for (size_t i = 0; i < size; i++)
		noise[i] = (char)seed_draw(&random, 256);
	assert_null(pack_text(noise, size, &len, &err));
	assert_int_equal(err.code, E2BIG);
	free(noise);
}

/* Whichever byte it is: it is refused, or it is the same text. */
static void test_corrupt(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct err err = { 0 };
	size_t packed_len = 0, len;
	char *text = text_of(&random, 3000), *again;
	char *packed = pack_text(text, 3000, &packed_len, &err);

	for (size_t i = 0; i < packed_len; i++) {
		char was = packed[i];

		packed[i] ^= (char)(1 + seed_draw(&random, 255));
		err.code = 0;
		again = unpack_exact(packed, packed_len, &len, &err);
		if (again) {
			assert_int_equal(len, 3000);
			assert_memory_equal(again, text, 3001);
		} else {
			assert_int_equal(err.code, i < HEAD - 4 ? E2BIG
						   : i < HEAD	? err.code
								: EPROTO);
			assert_true(err.code == EPROTO || err.code == E2BIG);
		}
		free(again);
		packed[i] = was;
	}
	free(packed);
	free(text);
}

/* --- names ------------------------------------------------------------------- */

#define LONGEST \
	"a23456789-123456789-123456789-123456789-123456789-123456789-123"

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool want;
	} rows[] = {
		{ "a", true },	     { "0", true },	{ "-", true },
		{ "node-1", true },  { LONGEST, true }, { LONGEST "4", false },
		{ "", false },	     { "A", false },	{ "node.1", false },
		{ "node_1", false }, { "a b", false },	{ "*", false },
		{ ">", false },	     { "a/b", false },	{ "n\xc3\xb6", false },
		{ "a\n", false },    { "$a", false },
	};

	assert_int_equal(strlen(LONGEST), FLEET_NAME_MAX - 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(rows[i].name,
			   fleet_name_is_valid(rows[i].name) == rows[i].want);
}

static void test_subjects(void **state)
{
	static const char *const names[] = { "a", "-", "node-1", LONGEST };
	char buf[SUBJECT_MAX], node[FLEET_NAME_MAX];
	enum fleet_key key;

	for (size_t f = 0; f < ARRAY_LEN(names); f++)
		for (size_t n = 0; n < ARRAY_LEN(names); n++)
			for (int k = 0; k < FLEET_KEY__MAX; k++) {
				key = FLEET_KEY__MAX;
				(void)subject_key(names[f], (enum fleet_key)k,
						  names[n], buf);
				assert_row(buf, subject_read_key(names[f], buf,
								 &key, node));
				assert_int_equal(key, k);
				assert_string_equal(node, names[n]);
			}
	/* nothing is cut of the longest */
	assert_string_equal(subject_key(LONGEST, FLEET_INVENTORY, LONGEST, buf),
			    "$KV." LONGEST "-nodes.inventory." LONGEST);
	assert_string_equal(stream_subjects("f", STREAM_POLICY, buf),
			    "$KV.f-policy.>");
	assert_string_equal(subject_policy("f", buf), "$KV.f-policy.intent");
	assert_string_equal(stream_name("f", STREAM_FLOWS, buf), "f-flows");
	assert_string_equal(subject_stream("f", FLEET_EVENTS, "n", buf),
			    "f.events.n");
	assert_string_equal(subject_ask("f", "n", buf), "f.ask.n");
}

static void test_foreign_subjects(void **state)
{
	static const char *const rows[] = {
		"",
		"$KV.f-nodes.inventory",
		"$KV.f-nodes.inventory.",
		"$KV.f-nodes.inventory.a.b",
		"$KV.f-nodes.inventory.*",
		"$KV.f-nodes.inventory.A",
		"$KV.f-nodes.inventory." LONGEST "4",
		"$KV.f-nodes.inventor.a",
		"$KV.f-nodes.inventory2.a",
		"$KV.f-states.states.a",
		"$KV.f-nodes.state.a",
		"$KV.g-nodes.inventory.a",
		"$KV.f-policy.intent",
		"$KV.f-policy.inventory.a",
		"KV.f-nodes.inventory.a",
		"x$KV.f-nodes.inventory.a",
		"f.events.a",
	};
	char node[FLEET_NAME_MAX];
	enum fleet_key key;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(rows[i],
			   !subject_read_key("f", rows[i], &key, node));
}

/* Whose a message of a stream is, is what its subject says. */
static void test_stream_subjects(void **state)
{
	static const char *const foreign[] = {
		"",
		"f.events",
		"f.events.",
		"f.events.a.b",
		"f.events.A",
		"f.flows.a",
		"g.events.a",
		"xf.events.a",
		"$KV.f-states.state.a",
	};
	char buf[SUBJECT_MAX], node[FLEET_NAME_MAX];

	for (int s = 0; s < FLEET_STREAM__MAX; s++) {
		const char *subject = subject_stream("f", (enum fleet_stream)s,
						     "node-1", buf);

		assert_true(subject_read_stream("f", (enum fleet_stream)s,
						subject, node));
		assert_string_equal(node, "node-1");
	}
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		assert_row(foreign[i], !subject_read_stream("f", FLEET_EVENTS,
							    foreign[i], node));
}

/* What says that it is longer than may be is not made room for. */
static void test_within(void **state)
{
	struct err err = { 0 };
	size_t packed_len = 0, len = 0;
	char *packed = pack_text("0123456789", 10, &packed_len, &err), *text;

	assert_non_null(packed);
	text = unpack_text_most(packed, packed_len, 10, &len, &err);
	assert_non_null(text);
	assert_int_equal(len, 10);
	free(text);
	assert_null(unpack_text_most(packed, packed_len, 9, &len, &err));
	assert_int_equal(err.code, E2BIG);
	free(packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_wrong_length),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_foreign_subjects),
		cmocka_unit_test(test_stream_subjects),
		cmocka_unit_test(test_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
