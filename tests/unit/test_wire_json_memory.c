/*
 * JSON when memory is out: the reserve is used, filled again when there is memory, and
 * a text is whole or none.
 *
 * It is linked with --wrap=malloc: what json_memory.c asks for comes by here.
 */
#include "wire/json_memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "test.h"

/* By the names that the linker gives them. */
void *real_malloc(size_t size) __asm__("__real_malloc");
void *wrap_malloc(size_t size) __asm__("__wrap_malloc");

#define EVER SIZE_MAX
/* Pieces of the reserve, of all sizes. */
#define PIECES \
	(JSON_RESERVE_MAX + JSON_RESERVE_MAX / 16 + JSON_RESERVE_MAX / 256)

static size_t may = EVER; /* so many are given, then none */
static size_t given;

void *wrap_malloc(size_t size)
{
	if (may == 0) {
		errno = ENOMEM;
		return NULL;
	}
	if (may != EVER)
		may--;
	given++;
	return real_malloc(size);
}

static const char said[] =
	"{\"name\":\"a name that is longer than what a value has room for "
	"itself, so that it is asked for apart, and grows\","
	"\"list\":[1,2.5,true,null,\"caf\xc3\xa9\",{\"in\":{\"in\":[[]]}}],"
	"\"n\":{\"0\":0,\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,"
	"\"7\":7,\"8\":8,\"9\":9}}";

/* First: nothing is put aside yet. */
static void test_no_memory_to_begin(void **state)
{
	(void)state;
	may = PIECES / 2;
	assert_int_equal(json_memory_watch(), -ENOMEM);
	may = EVER;
	given = 0;
	assert_int_equal(json_memory_watch(), 0);
	/* what was put aside before stays */
	assert_int_equal(given, PIECES - PIECES / 2);
	assert_int_equal(json_memory_refused(), 0);
}

/* Takes all that there is of so many bytes, and gives it back. How many it were. */
static size_t drain(size_t bytes)
{
	static json_t *held[2 * PIECES];
	char text[8192];
	size_t n = 0;

	assert_true(bytes <= sizeof text);
	memset(text, 'x', bytes);
	may = 0;
	while (n < PIECES && (held[n] = json_stringn(text, bytes))) {
		assert_int_equal(json_string_length(held[n]), bytes);
		assert_memory_equal(json_string_value(held[n]), text, bytes);
		n++;
	}
	assert_true(n < PIECES); /* and then it is told */
	for (size_t i = 0; i < n; i++)
		json_decref(held[i]);
	may = EVER;
	return n;
}

/* One of those that are missing after drain(). */
static void fill_again(void)
{
	json_decref(json_string("x"));
}

static void test_reserve(void **state)
{
	uint64_t before = json_memory_refused();

	(void)state;
	/* each is two: itself, and its text */
	assert_int_equal(drain(8), PIECES / 2);
	assert_true(json_memory_refused() >= before + PIECES);
	/* given back is not put aside: that is done when there is memory */
	may = 0;
	assert_null(json_string("x"));
	may = EVER;
	given = 0;
	fill_again();
	assert_int_equal(given, PIECES + 2); /* and those of the text */
	assert_int_equal(drain(8), PIECES / 2);
	fill_again();
	/* large ones are of large pieces, which there are fewer of */
	assert_int_equal(drain(5000), JSON_RESERVE_MAX / 256);
	fill_again();
	assert_int_equal(drain(300),
			 JSON_RESERVE_MAX / 16 + JSON_RESERVE_MAX / 256);
	fill_again();
}

/* Memory that comes and goes: what is missing still is put aside the next time. */
static void test_filled_by_and_by(void **state)
{
	(void)state;
	(void)drain(8);
	for (size_t i = 0; i < PIECES / 4; i++) {
		may = 5; /* two of a text, three pieces */
		fill_again();
	}
	may = EVER;
	given = 0;
	fill_again();
	assert_int_equal(given, PIECES - 3 * (PIECES / 4) + 2);
	assert_int_equal(drain(8), PIECES / 2);
	fill_again();
}

/* What is read is whole, by the reserve, whenever memory goes out. */
static void test_read(void **state)
{
	json_t *want = json_loads(said, 0, NULL);
	size_t n;

	(void)state;
	assert_non_null(want);
	for (n = 0; n < PIECES; n++) {
		uint64_t before = json_memory_refused();
		json_t *got;

		may = n;
		got = json_loads(said, 0, NULL);
		may = EVER;
		fill_again();
		assert_non_null(got);
		assert_true(json_equal(got, want));
		json_decref(got);
		if (json_memory_refused() == before)
			break; /* it did not need more */
	}
	assert_in_range(n, 20, PIECES - 1);
	json_decref(want);
}

/* What is written is whole or none; none if it had to be refused anything. */
static void test_write(void **state)
{
	json_t *doc = json_loads(said, 0, NULL);
	char *want = json_text_whole(doc), *got;
	size_t n;

	(void)state;
	assert_non_null(want);
	assert_string_equal(want, said);
	for (n = 0; n < PIECES; n++) {
		may = n;
		got = json_text_whole(doc);
		may = EVER;
		fill_again();
		if (got)
			break;
	}
	assert_in_range(n, 1, PIECES - 1);
	assert_string_equal(got, want);
	free(got);
	/* without a reserve, too */
	while (n-- > 0) {
		(void)drain(8);
		may = n;
		got = json_text_whole(doc);
		may = EVER;
		fill_again();
		assert_null(got);
	}
	free(want);
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_memory_to_begin),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_filled_by_and_by),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests_name("wire_json_memory", tests, NULL,
					   NULL);
}
