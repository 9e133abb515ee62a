#include "talk.h"
#include "test.h"

#define YES "app erlang-epmd\nover\n"

static const struct {
	const char *name;
	struct talk_line lines[3];
	const char *want;
} rows[] = {
	{ "a node tells its port",
	  { TALK('C', "\0\x10x\x9c\x40\x4d\0\0\6\0\5\0\3bob\0\0") },
	  YES },
	{ "where is it?", { TALK('C', "\0\4zbob") }, YES },
	{ "who is there?",
	  { TALK('C', "\0\1n"), TALK('S', "\0\0\x11\x11name") },
	  YES },
	{ "a node greets", { TALK('C', "\0\xcn\0\5\0\0\0\0a@b.c") }, YES },
	{ "a newer one greets",
	  { TALK('C', "\0\x12N\0\0\0\0\0\0\0\1\0\0\0\1\0\3a@b") },
	  YES },
	{ "a name with a blank",
	  { TALK('C', "\0\4zb bxxxxxxxxxxxxxx") },
	  "unknown\n" },
};

static void erlang(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(erlang),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
