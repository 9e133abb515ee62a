/*
 * Recorded conversations, talks/PARSER/NAME.talk in the form of
 * tests/fuzz/fuzz_parser.c, with what is to be heard of them, NAME.want, which
 * was worked out by other programs (talks/record.py, talks/record-http.py).
 */
#include "talk.h"
#include "test.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX   64
#define FILE_MAX    (256u << 10)
#define FLAG_SERVER 1
#define FLAG_UDP    8

static size_t read_file(const char *path, char *ret)
{
	FILE *f = fopen(path, "rbe");
	size_t len;

	if (!f)
		fail_msg("%s: cannot be opened", path);
	len = fread(ret, 1, FILE_MAX - 1, f);
	(void)fclose(f);
	assert_true(len > 0 && len < FILE_MAX - 1);
	ret[len] = 0;
	return len;
}

static void check(const char *path)
{
	static char talk[FILE_MAX], want[FILE_MAX], name[512];
	struct talk_line lines[LINES_MAX + 1] = { { 0 } };
	struct bytes rest = bytes_of(talk, read_file(path, talk)),
		     said = { NULL, NULL };
	bool udp = talk[0] & FLAG_UDP;
	uint8_t flags;
	uint16_t len = 0;

	(void)snprintf(name, sizeof name, "%.*s.want",
		       (int)(strlen(path) - strlen(".talk")), path);
	(void)read_file(name, want);
	for (size_t i = 0; take_u8(&rest, &flags); i++) {
		assert_true(i < LINES_MAX);
		assert_true(take_be16(&rest, &len));
		assert_true(take_bytes(&rest, len, &said));
		lines[i] = (struct talk_line){ flags & FLAG_SERVER ? 'S' : 'C',
					       (const char *)said.begin, len };
	}
	talk_check(path, udp, lines, want);
}

static void talks(void **state)
{
	glob_t found;

	(void)state;
	assert_int_equal(
		glob(SOURCE_ROOT "/tests/unit/talks/*/*.talk", 0, NULL, &found),
		0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check(found.gl_pathv[i]);
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
