#include "proto/mysql.h"
#include "said_mysql.h"
#include "talk.h"
#include "test.h"

#define ZEROS_10 "\0\0\0\0\0\0\0\0\0\0"
/* A server's, with all flags but TLS and compression. */
#define GREETING(flags)                                \
	"\x4a\0\0\0\n8.0.32\0\1\0\0\0saltsalt\0" flags \
	"\x21\2\0\xff\xdf\x15" ZEROS_10                \
	"saltsaltsalt\0caching_sha2_password\0"
#define LOGIN(head, flags, tail) \
	head flags "\0\0\0\1\x21" ZEROS_10 ZEROS_10 "\0\0\0" tail
#define OK	 "\7\0\0\2\0\0\0\2\0\0\0"
#define BOB	 LOGIN("\x27\0\0\1", "\x00\x82\0\0", "bob\0\2pw")
#define BOB_SAID "app mysql\nC sql.user bob\nasked\nC ended\nS ended\n"

static const struct {
	const char *name;
	struct talk_line lines[8];
	const char *want;
} rows[] = {
	{ "statements",
	  { TALK('S', GREETING("\xff\xf7")), TALK('C', BOB), TALK('S', OK),
	    TALK('C', "\x14\0\0\0\3select 1;drop table"),
	    TALK('S', "\1\0\0\1\1"
		      "\2\0\0\2x1"
		      "\5\0\0\3\xfe\0\0\2\0"),
	    TALK('C', "\5\0\0\0\2shop"
		      "\1\0\0\0\x0e"
		      "\2\0\0\0\6x"
		      "\7\0\0\0\x16insert"
		      "\5\0\0\0\x17\1\0\0\0"
		      "\5\0\0\1aaaa"),
	    TALK('S', "\xd\0\0\1\xff\x2a\4#42000bad") },
	  BOB_SAID "C sql.verb SELECT\nasked\nC sql.verb DROP\n"
		   "C sql.text select 1;drop table\nasked\nC ended\n"
		   "S ended\nC sql.database shop\nC sql.verb USE\nasked\n"
		   "C ended\nC sql.verb DROP\nasked\nC ended\n"
		   "C sql.verb INSERT\nC sql.text insert\nasked\nC ended\n"
		   "S sql.error 1066\nS ended\n" },
	{ "a database, a plugin, a refusal",
	  { TALK('S', GREETING("\xff\xf7")),
	    TALK('C', LOGIN("\x32\0\0\1", "\x08\x82\x28\0",
			    "bob\0\2pwshop\0plugin")),
	    TALK('S', "\2\0\0\2\1\4"), TALK('C', "\1\0\0\3x"),
	    TALK('S', "\x0c\0\0\4\xff\x14\4#42000no") },
	  "app mysql\nC sql.user bob\nC sql.database shop\nasked\nC ended\n"
	  "S sql.error 1044\nS note sql.denied\nS ended\n" },
	{ "an old client",
	  { TALK('S', GREETING("\xff\xf7")),
	    TALK('C', "\x11\0\0\1\x08\0\xff\xff\xff"
		      "bob\0scr\0shop") },
	  "app mysql\nC sql.user bob\nC sql.database shop\nasked\n"
	  "C ended\n" },
	{ "TLS",
	  { TALK('S', GREETING("\xff\xff")),
	    TALK('C', LOGIN("\x20\0\0\1", "\x00\x8a\0\0", "")),
	    TALK('C', TALK_HELLO) },
	  "app mysql\n" TALK_HELLO_SAID },
	{ "compressed",
	  { TALK('S', GREETING("\xff\xf7")),
	    TALK('C', LOGIN("\x27\0\0\1", "\x20\x82\0\0", "bob\0\2pw")),
	    TALK('S', OK), TALK('C', "\x0d\0\0\0\0\0\0\x09\0\0\0\3drop") },
	  "app mysql\nC sql.user bob\nC sql.verb ?\nasked\nC ended\nS ended\n"
	  "over\n" },
	{ "another user",
	  { TALK('S', GREETING("\xff\xf7")), TALK('C', BOB), TALK('S', OK),
	    TALK('C', "\x0f\0\0\0\x11"
		      "ann\0\2pwshop\0\0\0"),
	    TALK('S', "\x12\0\0\1\xff\x15\4#28000no login") },
	  BOB_SAID "C sql.user ann\nC sql.database shop\nasked\nC ended\n"
		   "S sql.error 1045\nS note sql.denied\nS ended\n" },
	{ "attributes",
	  { TALK('S', GREETING("\xff\xf7")),
	    TALK('C', LOGIN("\x27\0\0\1", "\x00\x82\0\x08", "bob\0\2pw")),
	    TALK('S', OK), TALK('C', "\x07\0\0\0\3\0\1drop"),
	    TALK('C', "\x1d\0\0\0\3\3\1\4\1\3\0\1a\xfd\0\1b\6\0\1c"
		      "\1\2\3\4\3xyz"
		      "call") },
	  BOB_SAID "C sql.verb DROP\nC sql.text drop\nasked\nC ended\n"
		   "C sql.verb CALL\nC sql.text call\nasked\nC ended\n" },
	{ "too many",
	  { TALK('S', "\x17\0\0\0\xff\x10\4Too many connections") },
	  "app mysql\nS sql.error 1040\nS ended\n" },
	{ "no version",
	  { TALK('S', "\x4a\0\0\0\nhello\0\1\0\0\0saltsalt\0"),
	    TALK('C', "?") },
	  "unknown\n" },
	{ "a client that speaks something else",
	  { TALK('S', GREETING("\xff\xf7")), TALK('C', "?what\r\n") },
	  "unknown\n" },
	{ "a login too short",
	  { TALK('S', GREETING("\xff\xf7")), TALK('C', "\4\0\0\1\0\x82\0\0") },
	  "app mysql\nC note malformed\nlost\n" },
};

static void mysql(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

static void recorded(void **state)
{
	(void)state;
	talk_check(
		"mariadb", false, said_mariadb,
		"app mysql\nC sql.user bob\nC sql.database shop\nasked\n"
		"C ended\nS ended\nC sql.verb CREATE\n"
		"C sql.text CREATE TABLE t (a INT)\nasked\nC ended\nS ended\n"
		"C sql.verb INSERT\nC sql.text INSERT INTO t VALUES (1)\n"
		"asked\nC ended\nS ended\nC sql.verb SELECT\n"
		"C sql.text SELECT a FROM t\nasked\nC ended\nS ended\n"
		"C sql.verb SELECT\nC sql.text SELECT b FROM t\nasked\n"
		"C ended\nS sql.error 1054\nS ended\n");
	talk_check("denied", false, said_mariadb_denied,
		   "app mysql\nC sql.user bob\nC sql.database shop\nasked\n"
		   "C ended\nS sql.error 1045\nS note sql.denied\nS ended\n");
	talk_check("compressed", false, said_mariadb_compressed,
		   "app mysql\nC sql.user bob\nC sql.verb ?\nasked\nC ended\n"
		   "S ended\nover\n");
	talk_check("pymysql", false, said_pymysql,
		   "app mysql\nC sql.user bob\nasked\nC ended\nS ended\n"
		   "C sql.verb SET\nC sql.text SET AUTOCOMMIT = 0\nasked\n"
		   "C ended\nS ended\nC sql.verb SELECT\nasked\n"
		   "C sql.verb INSERT\n"
		   "C sql.text SELECT ';'; INSERT INTO shop.none VALUES (1)\n"
		   "asked\nC ended\nS sql.error 1146\nS ended\n");
}

/* A statement that is longer than a packet may be. */
static void large(void **state)
{
	static const struct talk_line lines[] = {
		TALK('S', GREETING("\xff\xf7")),
		TALK('C', BOB),
		TALK('S', OK),
		TALK('C', "\xff\xff\xff\0\3select "),
		{ 0 },
	};
	static char blanks[1 << 16];
	struct talk *t = talk_new(false, false);
	size_t left = 0xffffff - 8;

	(void)state;
	memset(blanks, ' ', sizeof blanks);
	talk_unwanted(t, FIELD_SQL_TEXT);
	for (const struct talk_line *l = lines; l->who; l++)
		talk_say(t, l->who == 'C' ? PROTO_CLIENT : PROTO_SERVER,
			 bytes_of(l->text, l->len));
	while (left > 0) {
		size_t n = left < sizeof blanks ? left : sizeof blanks;

		talk_say(t, PROTO_CLIENT, bytes_of(blanks, n));
		left -= n;
	}
	assert_null(strstr(talk_heard(t), "SELECT\nasked"));
	talk_say(t, PROTO_CLIENT, bytes_of("\6\0\0\1;drop1", 10));
	talk_say(t, PROTO_CLIENT, bytes_of("\5\0\0\0\3kill", 9));
	assert_non_null(
		strstr(talk_heard(t), "SELECT\nasked\nC sql.verb DROP1"));
	assert_non_null(strstr(talk_heard(t), "KILL\nasked"));
	talk_free(t);
}

/* Where the beginning was not seen, a login tells. */
static void middle(void **state)
{
	struct talk *t = talk_new(false, true);

	(void)state;
	talk_say(t, PROTO_CLIENT, bytes_of(BOB, sizeof BOB - 1));
	assert_string_equal(talk_heard(t),
			    "app mysql\nC sql.user bob\nasked\nC ended\n");
	talk_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mysql),
		cmocka_unit_test(recorded),
		cmocka_unit_test(large),
		cmocka_unit_test(middle),
	};

	talk_parser = &proto_mysql;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
