#include "proto/cassandra.h"
#include "said_cassandra.h"
#include "talk.h"
#include "test.h"

/* {"CQL_VERSION": "3.0.0"} */
#define STARTUP(version)                      \
	version "\0\0\1\1\0\0\0\x16\0\1\0\xb" \
		"CQL_VERSION\0\5"             \
		"3.0.0"
#define READY(version) version "\0\0\1\2\0\0\0\0"
#define BEGUN	       "app cassandra\nC ended\nS ended\n"
#define QUERY(version, stream)                       \
	version "\0\0" stream "\7\0\0\0\xf\0\0\0\x8" \
		"select 1\0\1\0"

static const struct {
	const char *name;
	struct talk_line lines[8];
	const char *want;
} rows[] = {
	{ "statements",
	  { TALK('C', "\4\0\0\0\5\0\0\0\0"),
	    TALK('S', "\x84\0\0\0\6\0\0\0\2\0\0"), TALK('C', STARTUP("\4")),
	    TALK('S', READY("\x84")),
	    TALK('C', QUERY("\4", "\2") "\4\0\0\3\x9\0\0\0\xa\0\0\0\6use ks"
					"\4\0\0\4\xa\0\0\0\4\0\2xx" QUERY(
						"\4", "\5")),
	    TALK('S', "\x84\0\0\2\0\0\0\0\x8\0\0\x22\0\0\2no") },
	  "app cassandra\nC ended\nS ended\nC ended\nS ended\n"
	  "C sql.verb SELECT\nC sql.text select 1\nasked\nC ended\n"
	  "C sql.verb USE\nC sql.database ks\nC sql.text use ks\nasked\n"
	  "C ended\nC ended\n"
	  "C sql.verb SELECT\nC sql.text select 1\nasked\nC ended\n"
	  "S sql.error 0x2200\nS ended\n" },
	{ "a login",
	  { TALK('C', STARTUP("\3")), TALK('S', "\x83\0\0\1\3\0\0\0\3\0\1x"),
	    TALK('C', "\3\0\0\2\xf\0\0\0\xb\0\0\0\7\0bob\0pw"),
	    TALK('S', "\x83\0\0\2\0\0\0\0\x8\0\0\1\0\0\2no") },
	  BEGUN "C sql.user bob\nasked\nC ended\n"
		"S sql.error 0x0100\nS note sql.denied\nS ended\n" },
	{ "a batch",
	  /* INSERT with a value and one without, id, DELETE */
	  { TALK('C', STARTUP("\4")), TALK('S', READY("\x84")),
	    TALK('C', "\4\0\0\2\xd\0\0\0\x34\0\0\4"
		      "\0\0\0\0\6insert\0\2\0\0\0\1x\xff\xff\xff\xff"
		      "\1\0\2id\0\0"
		      "\0\0\0\0\6delete\0\0"
		      "\1\0\0\0\0"
		      "\0\1" QUERY("\4", "\5")) },
	  BEGUN "C sql.verb INSERT\nC sql.text insert\nasked\n"
		"C sql.verb DELETE\nC sql.text delete\nasked\nasked\nC ended\n"
		"C sql.verb SELECT\nC sql.text select 1\nasked\nC ended\n" },
	{ "a payload ahead",
	  { TALK('C', STARTUP("\4")), TALK('S', READY("\x84")),
	    TALK('C', "\4\4\0\2\7\0\0\0\x14\0\1\0\1k\0\0\0\1v"
		      "\0\0\0\2ab\0\1\0") },
	  BEGUN "C sql.verb AB\nC sql.text ab\nasked\nC ended\n" },
	{ "empty texts, and a batch that ends early",
	  { TALK('C', STARTUP("\4")), TALK('S', READY("\x84")),
	    TALK('C', "\4\0\0\2\7\0\0\0\4\0\0\0\0"
		      "\4\0\0\2\xd\0\0\0\x8\0\0\3\0\0\0\0\0"
		      "\4\0\0\2\xd\0\0\0\3\0\0\3" QUERY("\4", "\5")) },
	  BEGUN "C ended\nasked\nC ended\nasked\nC ended\n"
		"C sql.verb SELECT\nC sql.text select 1\nasked\nC ended\n" },
	{ "compressed",
	  { TALK('C', STARTUP("\4")), TALK('S', READY("\x84")),
	    TALK('C', "\4\1\0\2\7\0\0\0\3xyz" QUERY("\4", "\5")) },
	  BEGUN "asked\nC ended\n"
		"C sql.verb SELECT\nC sql.text select 1\nasked\nC ended\n" },
	{ "version 5, in segments",
	  { TALK('C', STARTUP("\5")), TALK('S', READY("\x85")),
	    /* two messages in one */
	    TALK('C', "\x30\0\2crc" QUERY("\5", "\1") QUERY("\5", "\2") "crc4"),
	    TALK('S', "\x13\0\2crc\x85\0\0\1\0\0\0\0\xa\0\0\x20\0\0\4nope"
		      "crc4") },
	  BEGUN "C sql.verb SELECT\nC sql.text select 1\nasked\nC ended\n"
		"C sql.verb SELECT\nC sql.text select 1\nasked\nC ended\n"
		"S sql.error 0x2000\nS ended\n" },
	{ "version 5, one message in two segments",
	  { TALK('C', STARTUP("\5")), TALK('S', READY("\x85")),
	    TALK('C', "\x11\0\0crc\5\0\0\1\7\0\0\0\xf\0\0\0\x8selecrc4"
		      "\7\0\0crcct 1\0\1\0"
		      "crc4"
		      "\x18\0\2crc" QUERY("\5", "\2") "crc4"),
	    TALK('S', "\x0b\0\0crc\x85\0\0\1\x8\0\0\0\4abcrc4"
		      "\2\0\0crc"
		      "cdcrc4"
		      "\x9\0\2crc\x85\0\0\2\x8\0\0\0\0crc4") },
	  BEGUN "C sql.verb SELE\nC sql.text sele\nasked\nC note limit\n"
		"C ended\n"
		"C sql.verb SELECT\nC sql.text select 1\nasked\nC ended\n"
		"S ended\nS ended\n" },
	{ "version 2",
	  { TALK('C', "\2\0\0\5\0\0\0\0") },
	  "app cassandra\nover\n" },
	{ "nodes",
	  { TALK('C', "\xca\x55\x2d\xfa\0\0\0\1") },
	  "app cassandra\nover\n" },
	{ "text longer than its message",
	  { TALK('C', STARTUP("\4")), TALK('S', READY("\x84")),
	    TALK('C', "\4\0\0\2\7\0\0\0\7\0\0\0\x8sel") },
	  BEGUN "C note malformed\nlost\n" },
	{ "options with a body",
	  { TALK('C', "\4\0\0\0\5\0\0\0\1xxxxxxxxxx") },
	  "unknown\n" },
};

static void cassandra(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

/* Where the beginning was not seen. */
static void middle(void **state)
{
	struct talk *t = talk_new(false, true);
	static const char query[] = QUERY("\4", "\1");

	(void)state;
	talk_say(t, PROTO_CLIENT, bytes_of(query, sizeof query - 1));
	assert_string_equal(talk_heard(t),
			    "app cassandra\nC sql.verb SELECT\n"
			    "C sql.text select 1\nasked\nC ended\n");
	talk_free(t);
}

static void recorded(void **state)
{
	(void)state;
	talk_check("cassandra-driver", false, said_cassandra_driver,
		   "app cassandra\nC ended\nS ended\nC ended\n"
		   "S ended\nC ended\nS ended\nC sql.verb SELECT\n"
		   "C sql.text SELECT * FROM system.peers_v2\nasked\nC ended\n"
		   "S ended\nC sql.verb SELECT\n"
		   "C sql.text SELECT * FROM system.local WHERE key='local'\n"
		   "asked\nC ended\nS ended\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cassandra),
		cmocka_unit_test(recorded),
		cmocka_unit_test(middle),
	};

	talk_parser = &proto_cassandra;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
