#include "proto/tds.h"
#include "said_tds.h"
#include "talk.h"
#include "test.h"

#define HEAD(type, status, len) type status len "\0\0\1\0"
/* version, encryption: 11, 11 + 6; then both */
#define PRELOGIN                      \
	HEAD("\x12", "\1", "\0\x1a")  \
	"\0\0\xb\0\6\1\0\x11\0\1\xff" \
	"\xf\0\7\xd0\0\0"             \
	"\0"
#define ANSWER(encryption)            \
	HEAD("\4", "\1", "\0\x1a")    \
	"\0\0\xb\0\6\1\0\x11\0\1\xff" \
	"\xf\0\7\xd0\0\0" encryption
/* 36 bytes ahead, texts: user (i = 1) "bob" at 94, database (i = 8) "db" at 100 */
#define LOGIN7                         \
	HEAD("\x10", "\1", "\0\x70")   \
	"\x68\0\0\0\4\0\0\x74"         \
	"aaaabbbbccccddddeeeeffffgggg" \
	"\0\0\0\0"                     \
	"\x5e\0\3\0"                   \
	"\0\0\0\0"                     \
	"\0\0\0\0"                     \
	"\0\0\0\0"                     \
	"\0\0\0\0"                     \
	"\0\0\0\0"                     \
	"\0\0\0\0"                     \
	"\x64\0\2\0"                   \
	"iiiiiijjjjkkkkllllmmmm"       \
	"b\0o\0b\0"                    \
	"d\0b\0"
#define LOGIN_SAID "C sql.user bob\nC sql.database db\nasked\nC ended\n"
/* headers: 22 bytes, one of 18 */
#define HEADERS	  "\x16\0\0\0\x12\0\0\0\2\0\0\0\0\0\0\0\0\0\1\0\0\0"
#define COLLATION "\x9\4\xd0\0\x34"

static const struct {
	const char *name;
	struct talk_line lines[8];
	const char *want;
} rows[] = {
	{ "a statement of two packets",
	  { TALK('C', PRELOGIN), TALK('S', ANSWER("\2")), TALK('C', LOGIN7),
	    TALK('S', HEAD("\4", "\1", "\0\xe") "\xad\3\0abc"),
	    TALK('C', HEAD("\1", "\0", "\0\x27") HEADERS "d\0r\0o\0p\0 " HEAD(
			      "\1", "\1", "\0\x13") "\0\xe4\0=\xd8\0\xde;\0"
						    "x\0"),
	    TALK('S', HEAD("\4", "\1", "\0\x17") "\xaa\4\0\xd0\0\0\0"
						 "\xfd\0\0\0\0\0\0\0") },
	  "app mssql\nS ended\n" LOGIN_SAID "S ended\n"
	  "C sql.verb DROP\nasked\nC sql.verb X\n"
	  "C sql.text drop \\xc3\\xa4\\xf0\\x9f\\x98\\x80;x\nasked\nC ended\n"
	  "S sql.error 208\nS ended\n" },
	{ "the login encrypted",
	  { TALK('C', PRELOGIN), TALK('S', ANSWER("\0")),
	    TALK('C', HEAD("\x12", "\1", "\0\xd") "\x16\3\1\0\0"
						  "\x17\3\3\0\4abcd"),
	    TALK('S', HEAD("\4", "\1", "\0\x12") "\xaa\4\0\x18\x48\0\0xxx"),
	    TALK('C', HEAD("\1", "\1", "\0\x16") "s\0e\0l\0e\0c\0t\0x\0") },
	  "app mssql\nS ended\n"
	  "S sql.error 18456\nS note sql.denied\nS ended\n"
	  "C sql.verb SELECTX\nC sql.text selectx\nasked\nC ended\n" },
	{ "all encrypted",
	  { TALK('C', PRELOGIN), TALK('S', ANSWER("\1")),
	    TALK('C', HEAD("\x12", "\1", "\0\xd") "\x16\3\1\0\0"
						  "\x17\3\3\0\4abcd") },
	  "app mssql\nS ended\nover\n" },
	{ "calls",
	  { TALK('C', LOGIN7),
	    /* by name; sp_executesql by number; sp_prepexec: handle, types, text */
	    TALK('C', HEAD("\3", "\1", "\0\x2c") HEADERS
		 "\5\0s\0p\0_\0w\0o\0\0\0" HEAD("\3", "\1", "\0\x3b") HEADERS
		 "\xff\xff\xa\0\0\0"
		 "\0\0\xe7\x40\x1f" COLLATION "\x8\0k\0i\0l\0l\0"
		 "\1x\0"),
	    TALK('C', HEAD("\3", "\1", "\0\x53") HEADERS
		 "\xff\xff\xd\0\0\0"
		 "\0\1\x26\4\0"
		 "\0\0\xe7\x40\x1f" COLLATION "\xff\xff"
		 "\0\0\xe7\xff\xff" COLLATION "\4\0\0\0\0\0\0\0"
		 "\4\0\0\0g\0o\0\0\0\0\0") },
	  "app mssql\n" LOGIN_SAID
	  "C sql.verb EXEC\nC sql.text EXEC sp_wo\nasked\nC ended\n"
	  "C sql.verb KILL\nC sql.text kill\nasked\nC ended\n"
	  "C sql.verb GO\nC sql.text go\nasked\nC ended\n" },
	{ "a name that has the statement",
	  { TALK('C', LOGIN7),
	    TALK('C', HEAD("\3", "\1", "\0\x50") HEADERS
		 "\xd\0s\0p\0_\0E\0x\0e\0c\0u\0t\0e\0s\0q\0l\0\0\0"
		 "\0\0\x63\xff\xff\xff\x7f" COLLATION "\x4\0\0\0g\0o\0") },
	  "app mssql\n" LOGIN_SAID
	  "C sql.verb GO\nC sql.text go\nasked\nC ended\n" },
	{ "a statement that is given up",
	  { TALK('C', LOGIN7),
	    TALK('C',
		 HEAD("\1", "\0", "\0\xc") "g\0o\0" HEAD("\6", "\1", "\0\x8")
			 HEAD("\1", "\1", "\0\xa") "x\0") },
	  "app mssql\n" LOGIN_SAID "C sql.verb GO\nC sql.text go\nasked\n"
	  "C ended\nC sql.verb X\nC sql.text x\nasked\nC ended\n" },
	{ "a packet shorter than its head",
	  { TALK('C', LOGIN7), TALK('C', HEAD("\1", "\1", "\0\7")) },
	  "app mssql\n" LOGIN_SAID "C note malformed\nlost\n" },
};

static void tds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

/* PRELOGIN begins with its version, and only with that. */
static void not_tds(void **state)
{
	static const char said[] = HEAD("\x12", "\1", "\0\x1a") "\1\0\xb\0\6\1";
	struct proto_opening o = {
		.said = { bytes_of(said, sizeof said - 1) },
	};

	(void)state;
	assert_int_equal(proto_tds.recognise(&o), PROTO_NO);
}

static void recorded(void **state)
{
	(void)state;
	talk_check("tsql", false, said_tsql,
		   "app mssql\nS ended\nC sql.user bob\nC sql.database shop\n"
		   "asked\nC ended\nS ended\nC sql.verb SELECT\n"
		   "C sql.text select 1\\x0a\nasked\nC ended\nS ended\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tds),
		cmocka_unit_test(not_tds),
		cmocka_unit_test(recorded),
	};

	talk_parser = &proto_tds;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
