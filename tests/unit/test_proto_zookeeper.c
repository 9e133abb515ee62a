#include "proto/zookeeper.h"
#include "said_zookeeper.h"
#include "talk.h"
#include "test.h"

#define CONNECT                                                          \
	"\0\0\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x27\x10\0\0\0\0\0\0\0\0" \
	"\0\0\0\x10"                                                     \
	"0123456789abcdef"                                               \
	"\0"
#define CONNECT_SAID "app zookeeper\nC zookeeper.op connect\nasked\nC ended\n"
#define PING	     "\0\0\0\x8\xff\xff\xff\xfe\0\0\0\xb"

static const struct {
	const char *name;
	struct talk_line lines[6];
	const char *want;
} rows[] = {
	{ "requests",
	  { TALK('C', CONNECT), TALK('S', "\0\0\0\2xx"),
	    TALK('C', "\0\0\0\x11\0\0\0\1\0\0\0\4\0\0\0\4/a/b\0" PING
		      "\0\0\0\x9\0\0\0\2\0\0\0\x64x"
		      "\0\0\0\x8\0\0\0\3\xff\xff\xff\xf5"
		      "\0\0\0\x8\0\0\0\3\0\0\0\x63") },
	  CONNECT_SAID "S ended\n"
		       "C zookeeper.op getData\nC zookeeper.path /a/b\nasked\n"
		       "C ended\nC zookeeper.op ping\nasked\nC ended\n"
		       "C zookeeper.op auth\nasked\nC ended\n"
		       "C zookeeper.op closeSession\nasked\nC ended\n"
		       "C zookeeper.op other\nasked\nC ended\n" },
	{ "several in one",
	  /* create /a with data and one acl, delete /b, the end */
	  { TALK('C', CONNECT),
	    TALK('C', "\0\0\0\x59\0\0\0\1\0\0\0\xe"
		      "\0\0\0\1\0\xff\xff\xff\xff"
		      "\0\0\0\2/a\0\0\0\3xyz"
		      "\0\0\0\1\0\0\0\x1f\0\0\0\5world\0\0\0\6anyone\0\0\0\0"
		      "\0\0\0\2\0\xff\xff\xff\xff\0\0\0\2/b\xff\xff\xff\xff"
		      "\xff\xff\xff\xff\1\xff\xff\xff\xff" PING) },
	  CONNECT_SAID "C zookeeper.op multi\nC zookeeper.op create\nC "
		       "zookeeper.path /a\nasked\n"
		       "C zookeeper.op delete\nC zookeeper.path /b\nasked\n"
		       "C ended\nC zookeeper.op ping\nasked\nC ended\n" },
	{ "an operation that a multi has not",
	  { TALK('C', CONNECT), TALK('C', "\0\0\0\x11\0\0\0\1\0\0\0\xe\0\0\0\x3"
					  "\0\xff\xff\xff\xff" PING) },
	  CONNECT_SAID
	  "C zookeeper.op multi\nC note malformed\nasked\nC ended\n"
	  "C zookeeper.op ping\nasked\nC ended\n" },
	{ "a word",
	  { TALK('C', "ruok\n"), TALK('S', "imok") },
	  "app zookeeper\nC zookeeper.op ruok\nasked\nC ended\nover\n" },
	{ "a word without an end",
	  { TALK('C', "stat"), TALK('S', "Zoo") },
	  "app zookeeper\nC zookeeper.op stat\nasked\nC ended\nover\n" },
	{ "a follower",
	  { TALK('C', "\0\0\0\xb\0\0\0\0\0\0\0\0\0\0\0\x14\0\0\0\0\0\0\0\1"
		      "\0\1\0\0") },
	  "app zookeeper\nover\n" },
	{ "a vote",
	  { TALK('C', "\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0") },
	  "app zookeeper\nover\n" },
	{ "a path longer than its message",
	  { TALK('C', CONNECT),
	    TALK('C', "\0\0\0\xe\0\0\0\1\0\0\0\4\0\0\0\3/a") },
	  CONNECT_SAID "C note malformed\nlost\n" },
	{ "a password of another length",
	  { TALK('C', "\0\0\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x27\x10"
		      "\0\0\0\0\0\0\0\0\0\0\0\x0b"),
	    TALK('S', "xxxxxxxx") },
	  "unknown\n" },
};

static void zookeeper(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

/* A ping tells where the beginning was not seen. */
static void middle(void **state)
{
	struct talk *t = talk_new(false, true);

	(void)state;
	talk_say(t, PROTO_CLIENT, bytes_of(PING, 12));
	assert_string_equal(talk_heard(t), "app zookeeper\n"
					   "C zookeeper.op ping\n"
					   "asked\nC ended\n");
	talk_free(t);
}

static void recorded(void **state)
{
	(void)state;
	talk_check(
		"kazoo", false, said_kazoo,
		"app zookeeper\nC zookeeper.op connect\nasked\nC ended\n"
		"S ended\nC zookeeper.op create\nC zookeeper.path /a\nasked\n"
		"C ended\nS ended\nC zookeeper.op getData\n"
		"C zookeeper.path /a\nasked\nC ended\nS ended\n"
		"C zookeeper.op setData\nC zookeeper.path /a\nasked\nC ended\n"
		"S ended\nC zookeeper.op multi\nC zookeeper.op create\n"
		"C zookeeper.path /t\nasked\nC zookeeper.op delete\n"
		"C zookeeper.path /a\nasked\nC ended\nS ended\n"
		"C zookeeper.op closeSession\nasked\nC ended\nS ended\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zookeeper),
		cmocka_unit_test(recorded),
		cmocka_unit_test(middle),
	};

	talk_parser = &proto_zookeeper;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
