#include "proto/mongodb.h"
#include "said_mongodb.h"
#include "talk.h"
#include "test.h"

/* id, what it answers, OP_MSG, no flags, section 0 */
#define MSG "\1\0\0\0\0\0\0\0\xdd\7\0\0\0\0\0\0"
#define DB  "\2$db\0\5\0\0\0shop\0"
/* {find: "t", $db: "shop"} */
#define FIND "\x34\0\0\0" MSG "\0\x1f\0\0\0\2find\0\2\0\0\0t\0" DB "\0"
#define FIND_SAID                                          \
	"C mongodb.command find\nC mongodb.collection t\n" \
	"C mongodb.database shop\nasked\nC ended\n"

static const struct {
	const char *name;
	struct talk_line lines[6];
	const char *want;
} rows[] = {
	{ "commands",
	  { TALK('C', FIND),
	    TALK('S', "\x26\0\0\0\2\0\0\0\1\0\0\0\xdd\7\0\0\0\0\0\0"
		      "\0\x11\0\0\0\1ok\0\0\0\0\0\0\0\xf0\x3f\0"),
	    /* {ping: 1, a: {}, b: /x/i, c: true, $db} and a checksum */
	    TALK('C', "\x49\0\0\0\1\0\0\0\0\0\0\0\xdd\7\0\0\1\0\0\0"
		      "\0\x30\0\0\0\x10ping\0\1\0\0\0\3"
		      "a\0\5\0\0\0\0"
		      "\xb"
		      "b\0x\0i\0\x8"
		      "c\0\1" DB "\0"
		      "sums") },
	  "app mongodb\n" FIND_SAID
	  "S ended\nC mongodb.command ping\nC mongodb.database shop\nasked\n"
	  "C ended\n" },
	{ "a list of documents ahead",
	  /* insert: what is inserted comes before the command */
	  {
		  TALK('C', "\x42\0\0\0" MSG "\1\x19\0\0\0documents\0"
			    "\xb\0\0\0\x8_id\0\1\0"
			    "\0\x13\0\0\0\2insert\0\2\0\0\0t\0\0"),
	  },
	  "app mongodb\nC mongodb.command insert\nC mongodb.collection t\n"
	  "asked\nC ended\n" },
	{ "the list behind",
	  { TALK('C',
		 "\x4a\0\0\0" MSG "\0\x21\0\0\0\2insert\0\2\0\0\0t\0" DB "\0"
		 "\1\x13\0\0\0documents\0\5\0\0\0\0"),
	    TALK('C', FIND) },
	  "app mongodb\nC mongodb.command insert\nC mongodb.collection t\n"
	  "C mongodb.database shop\nasked\nC ended\n" FIND_SAID },
	{ "what follows of an answer",
	  /* {getMore: 7, collection: "t", $db: "shop"} */
	  { TALK('C',
		 "\x4b\0\0\0" MSG "\0\x36\0\0\0\x12getMore\0\7\0\0\0\0\0\0\0"
		 "\2collection\0\2\0\0\0t\0" DB "\0"),
	    /* {find: "t", collection: "u", $db: "shop"}: that is no name */
	    TALK('C', "\x46\0\0\0" MSG "\0\x31\0\0\0\2find\0\2\0\0\0t\0"
		      "\2collection\0\2\0\0\0u\0" DB "\0") },
	  "app mongodb\nC mongodb.command getMore\nC mongodb.collection t\n"
	  "C mongodb.database shop\nasked\nC ended\n" FIND_SAID },
	{ "as it was",
	  { TALK('C', "\x3a\0\0\0\1\0\0\0\0\0\0\0\xd4\7\0\0\0\0\0\0admin.$cmd"
		      "\0\0\0\0\0\1\0\0\0\x13\0\0\0\x10isMaster\0\1\0\0\0\0"),
	    TALK('C', "\x41\0\0\0\1\0\0\0\0\0\0\0\xd4\7\0\0\0\0\0\0"
		      "a.$cmd\0"
		      "\0\0\0\0\1\0\0\0\x1e\0\0\0\3$query\0\x11\0\0\0"
		      "\2drop\0\2\0\0\0t\0\0\0"),
	    TALK('C', "\x27\0\0\0\1\0\0\0\0\0\0\0\xd4\7\0\0\0\0\0\0"
		      "a.b.c\0"
		      "\0\0\0\0\1\0\0\0\5\0\0\0\0"),
	    TALK('C', "\x21\0\0\0\1\0\0\0\0\0\0\0\xd6\7\0\0\0\0\0\0"
		      "a.b\0"
		      "\0\0\0\0\5\0\0\0\0") },
	  "app mongodb\n"
	  "C mongodb.database admin\nC mongodb.command isMaster\nasked\n"
	  "C ended\n"
	  "C mongodb.database a\nC mongodb.command drop\n"
	  "C mongodb.collection t\nasked\nC ended\n"
	  "C mongodb.database a\nC mongodb.collection b.c\n"
	  "C mongodb.command find\nasked\nC ended\n"
	  "C mongodb.database a\nC mongodb.collection b\n"
	  "C mongodb.command delete\nasked\nC ended\n" },
	{ "a refusal",
	  { TALK('C', FIND),
	    TALK('S', "\x30\0\0\0\2\0\0\0\1\0\0\0\xdd\7\0\0\0\0\0\0\0\x1b\0\0\0"
		      "\1ok\0\0\0\0\0\0\0\0\0\x10"
		      "code\0\x12\0\0\0\0") },
	  "app mongodb\n" FIND_SAID "S note sql.denied\nS ended\n" },
	{ "compressed",
	  { TALK('C', "\x1d\0\0\0\1\0\0\0\0\0\0\0\xdc\7\0\0\xdd\7\0\0"
		      "\x20\0\0\0\1"
		      "data") },
	  "app mongodb\nasked\nC ended\n" },
	{ "an element that ends behind its document",
	  { TALK('C', "\x23\0\0\0" MSG "\0\xe\0\0\0\2"
		      "find\0\x09\0\0\0") },
	  "app mongodb\nC note malformed\nlost\n" },
	{ "a type that is none",
	  { TALK('C', "\x23\0\0\0" MSG "\0\xe\0\0\0\x44"
		      "find\0aaaa") },
	  "app mongodb\nC note malformed\nlost\n" },
	{ "not a document",
	  { TALK('C', "\x23\0\0\0" MSG "\0\xff\0\0\0") },
	  "unknown\n" },
};

static void mongodb(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

static void recorded(void **state)
{
	(void)state;
	talk_check("pymongo", false, said_pymongo,
		   "app mongodb\nC mongodb.database admin\n"
		   "C mongodb.command ismaster\nasked\nC ended\nS ended\n"
		   "C mongodb.command insert\nC mongodb.collection t\n"
		   "C mongodb.database shop\nasked\nC ended\nS ended\n"
		   "C mongodb.command find\nC mongodb.collection t\n"
		   "C mongodb.database shop\nasked\nC ended\nS ended\n"
		   "C mongodb.command drop\nC mongodb.collection t\n"
		   "C mongodb.database shop\nasked\nC ended\nS ended\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mongodb),
		cmocka_unit_test(recorded),
	};

	talk_parser = &proto_mongodb;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
