#include "said_memcached.h"
#include "talk.h"
#include "test.h"

/* magic, command, key's length, extras', body's; opaque and cas are 0 */
#define BIN(magic, command, key, extras, status, body)     \
	magic command key extras "\0" status "\0\0\0" body \
				 "\0\0\0\0\0\0\0\0\0\0\0\0"
#define ASKED(command) "C memcached.command " command "\nasked\nC ended\n"

static const struct {
	const char *name;
	struct talk_line lines[6];
	const char *want;
} rows[] = {
	{ "text",
	  { TALK('C', "set k 0 -1 9\r\nget k\r\n12\r\nget k l\r\nquit\r\n"),
	    TALK('S', "STORED\r\n") },
	  "app memcached\n" ASKED("set") ASKED("get") ASKED("quit") },
	{ "the server's answer tells",
	  { TALK('C', "gets k\r\n"), TALK('S', "VALUE k 0 1\r\nx\r\nEND\r\n"),
	    TALK('C', "nonsense\r\nms k 2 T0\r\nab\r\nflush_all\r\n") },
	  "app memcached\n" ASKED("gets") ASKED("ms") ASKED("flush_all") },
	{ "binary",
	  { TALK('C', BIN("\x80", "\1", "\0\1", "\x8", "\0\0",
			  "\xb") "\0\0\0\0\0\0\0\0kab" BIN("\x80", "\x0c",
							   "\0\1", "\0", "\0\0",
							   "\1") "k" BIN("\x80",
									 "\x70",
									 "\0"
									 "\0",
									 "\0",
									 "\0"
									 "\0",
									 "\0")),
	    TALK('S', BIN("\x81", "\1", "\0\0", "\0", "\0\0", "\0")
			      BIN("\x81", "\x0c", "\0\1", "\4", "\0\0",
				  "\6") "0000kv") },
	  "app memcached\n" ASKED("set") ASKED("get")
		  ASKED("other") "S ended\nS ended\n" },
	{ "Couchbase",
	  { TALK('C', BIN("\x80", "\x1f", "\0\1", "\0", "\0\0",
			  "\3") "a\0\1" BIN("\x80", "\x21", "\0\5", "\0",
					    "\0\0", "\xc") "PLAIN\0bob\0pw"),
	    TALK('S', BIN("\x81", "\x1f", "\0\0", "\0", "\0\0", "\0")
			      BIN("\x81", "\x21", "\0\0", "\0", "\0\x20",
				  "\4") "Auth"),
	    TALK('C',
		 BIN("\x80", "\x21", "\0\x0b", "\0", "\0\0",
		     "\x18") "SCRAM-SHA-1n,,n=ann,r="
			     "xy" BIN(
				     "\x80", "\x89", "\0\4", "\0", "\0\0",
				     "\4") "shop" BIN("\x08", "\1",
						      "\3"
						      "\1",
						      "\x8",
						      "\0"
						      "\0",
						      "\xd") "f00\0\0\0\0\0\0\0"
							     "\0kv") },
	  "app couchbase\n" ASKED("hello") "C sql.user bob\n" ASKED(
		  "sasl_auth") "S ended\nS note sql.denied\nS ended\n"
			       "C sql.user ann\n" ASKED(
				       "sasl_auth") "C sql.database "
						    "shop\n" ASKED("sel"
								   "ect"
								   "_bu"
								   "cke"
								   "t")
							    ASKED("se"
								  "t") },
	{ "another magic",
	  { TALK('C', BIN("\x80", "\7", "\0\0", "\0", "\0\0", "\0")
			      BIN("\x70", "\7", "\0\0", "\0", "\0\0", "\0")) },
	  "app memcached\n" ASKED("quit") "C note malformed\nlost\n" },
	{ "extras that a get has not",
	  { TALK('C', BIN("\x80", "\0", "\0\1", "\4", "\0\0", "\5")) },
	  "unknown\n" },
	{ "set without numbers",
	  { TALK('C', "set k x 0 1\r\n"), TALK('S', "no\n") },
	  "unknown\n" },
};

static void memcached(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

static void recorded(void **state)
{
	(void)state;
	talk_check("memcached", false, said_memcached,
		   "app memcached\nC memcached.command set\nasked\nC ended\n"
		   "C memcached.command get\nasked\nC ended\n"
		   "C memcached.command incr\nasked\nC ended\n"
		   "C memcached.command delete\nasked\nC ended\n"
		   "C memcached.command mg\nasked\nC ended\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memcached),
		cmocka_unit_test(recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
