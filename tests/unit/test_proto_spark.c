#include "proto/spark.h"
#include "talk.h"
#include "test.h"

static const struct {
	const char *name;
	struct talk_line lines[3];
	const char *want;
} rows[] = {
	{ "a call",
	  { TALK('C', "\0\0\0\0\0\0\0\x17\3\0\0\0\0\0\0\0\7\0\0\0\2ab") },
	  "app spark\nover\n" },
	{ "one way",
	  { TALK('C', "\0\0\0\0\0\0\0\xf\x9\0\0\0\2ab") },
	  "app spark\nover\n" },
	{ "a chunk",
	  { TALK('C', "\0\0\0\0\0\0\0\x15\0\0\0\0\0\0\0\0\1\0\0\0\2") },
	  "app spark\nover\n" },
	{ "a stream",
	  { TALK('C', "\0\0\0\0\0\0\0\xf\6\0\0\0\2ab") },
	  "app spark\nover\n" },
	{ "lengths that differ",
	  { TALK('C', "\0\0\0\0\0\0\0\xf\x9\0\0\0\3abaaaaaa"), TALK('S', "x") },
	  "unknown\n" },
};

static void spark(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spark),
	};

	talk_parser = &proto_spark;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
