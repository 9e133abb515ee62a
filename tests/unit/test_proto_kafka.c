#include "proto/kafka.h"
#include "said_kafka.h"
#include "talk.h"
#include "test.h"

/* api, version; number 7; client's id "me" */
#define HEAD(len, api, version) \
	"\0\0\0" len "\0" api "\0" version "\0\0\0\7\0\2me"
#define SAID(api) "C kafka.api " api "\nC kafka.client me\n"
#define ID	  "MDEyMzQ1Njc4OWFiY2RlZg"
#define TOPIC(t)  "C kafka.topic " t "\nasked\n"

static const struct {
	const char *name;
	struct talk_line lines[6];
	const char *want;
} rows[] = {
	{ "produce, as it was",
	  /* acks, timeout; 2 topics, each a partition with 3 bytes */
	  { TALK('C', HEAD("\x3a", "\0",
			   "\2") "\0\1\0\0\0\1"
				 "\0\0\0\2"
				 "\0\1a\0\0\0\1\0\0\0\0\0\0\0\3xyz"
				 "\0\1b\0\0\0\1\0\0\0\0\0\0\0\3xyz" HEAD(
					 "\xc", "\x12", "\0")),
	    TALK('S', "\0\0\0\5\0\0\0\7x") },
	  "app kafka\n" SAID("produce") TOPIC("a") TOPIC("b") "C ended\n" SAID(
		  "apiVersions") "asked\nC ended\nS ended\n" },
	{ "produce, flexible",
	  /* tags; no transaction; 1 topic, 1 partition, tags with one in it */
	  { TALK('C', HEAD("\x26", "\0", "\x9") "\0"
						"\0"
						"\0\1\0\0\0\1"
						"\2"
						"\2a\2\0\0\0\0\4xyz\0"
						"\1\5\1z"
						"\0") },
	  "app kafka\n" SAID("produce") TOPIC("a") "C ended\n" },
	{ "produce with an id",
	  { TALK('C', HEAD("\x28", "\0",
			   "\xd") "\0"
				  "\0"
				  "\0\1\0\0\0\1"
				  "\2"
				  "\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xff"
				  "\1\0"
				  "\0") },
	  "app kafka\n" SAID("produce")
		  TOPIC("AAECAwQFBgcICQoLDA0O_w") "C ended\n" },
	{ "fetch",
	  { TALK('C', HEAD("\x4c", "\1",
			   "\xb") "\xff\xff\xff\xff\0\0\0\1\0\0\0\1\0\0\0\1\0"
				  "\0\0\0\0\0\0\0\0"
				  "\0\0\0\1\0\1t\0\0\0\1"
				  "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\5"
				  "\0\0\0\0\0\0\0\0\0\0\0\1") },
	  "app kafka\n" SAID("fetch") TOPIC("t") "C ended\n" },
	{ "metadata of all, of some",
	  { TALK('C', HEAD("\x10", "\3", "\4") "\xff\xff\xff\xff" HEAD(
			      "\x16", "\3",
			      "\1") "\0\0\0\2\0\1a\0\1b" HEAD("\x37", "\3",
							      "\xa") "\0"
								     "\3"
								     "012345678"
								     "9abcdef"
								     "\0"
								     "\0"
								     "012345678"
								     "9abcdef"
								     "\2t"
								     "\0"
								     "\1\1\1"
								     "\0") },
	  "app kafka\n" SAID("metadata") "asked\nC ended\n" SAID("metadata")
		  TOPIC("a") TOPIC("b") "C ended\n" SAID("metadata") TOPIC(ID)
			  TOPIC(ID) TOPIC("t") "C ended\n" },
	{ "a version that is not known, one without topics",
	  { TALK('C', HEAD("\x10", "\1", "\x12") "\0xyz" HEAD(
			      "\xc", "\x20", "\1") HEAD("\xc", "\x12", "\0")) },
	  "app kafka\n" SAID("fetch")
		  TOPIC("?") "C ended\n" SAID("describeConfigs")
			  TOPIC("?") "C ended\n" SAID(
				  "apiVersions") "asked\nC ended\n" },
	{ "deleted by its id",
	  { TALK('C', HEAD("\x21", "\x14", "\6") "\0"
						 "\2"
						 "\0"
						 "0123456789abcdef"
						 "\0"
						 "\0") },
	  "app kafka\n" SAID("deleteTopics") TOPIC(ID) "C ended\n" },
	{ "offsets",
	  /* group g: topics a (partitions 1, 2) and b (none) */
	  { TALK('C',
		 HEAD("\x29", "\x9",
		      "\3") "\0\1g\0\0\0\2"
			    "\0\1a\0\0\0\2\0\0\0\1\0\0\0\2"
			    "\0\1b\0\0\0\0" HEAD("\x2b", "\x8",
						 "\2") "\0\1g\0\0\0\1\0\1m"
						       "\0\0\0\0\0\0\0\1"
						       "\0\0\0\1\0\1c\0\0\0\0"
						       "zz") },
	  "app kafka\n" SAID("offsetFetch") TOPIC("a")
		  TOPIC("b") "C ended\n" SAID("offsetCommit")
			  TOPIC("c") "C ended\n" },
	{ "topics made and deleted",
	  { TALK('C', HEAD("\x33", "\x13",
			   "\2") "\0\0\0\2"
				 "\0\1a\0\0\0\1\0\1\0\0\0\0\0\0\0\0"
				 "\0\1b\0\0\0\1\0\1\0\0\0\0\0\0\0\0"
				 "\0" HEAD("\x14", "\x14", "\4") "\0"
								 "\3\2x\2y"
								 "\0\0") },
	  "app kafka\n" SAID("createTopics") TOPIC("a")
		  TOPIC("b") "C ended\n" SAID("deleteTopics") TOPIC("x")
			  TOPIC("y") "C ended\n" },
	{ "no client's id: the answer tells",
	  { TALK('C', "\0\0\0\xe\0\3\0\1\0\0\0\7\xff\xff\0\0\0\0"),
	    TALK('S', "\0\0\0\4\0\0\0\7") },
	  "app kafka\nC kafka.api metadata\nasked\nC ended\nS ended\n" },
	{ "an answer to another",
	  { TALK('C', "\0\0\0\xe\0\3\0\1\0\0\0\7\xff\xff\0\0\0\0"),
	    TALK('S', "\0\0\0\4\0\0\0\x8") },
	  "unknown\n" },
	{ "SASL without heads",
	  { TALK('C',
		 HEAD("\x13", "\x11",
		      "\0") "\0\5PLAIN"
			    "\0\0\0\7\0me\0pwd" HEAD("\xc", "\x12", "\0")) },
	  "app kafka\n" SAID("saslHandshake") "asked\nC ended\n" SAID(
		  "apiVersions") "asked\nC ended\n" },
	{ "more topics than bytes",
	  { TALK('C', HEAD("\x10", "\3", "\1") "\0\0\1\0" HEAD("\xc", "\x12",
							       "\0")) },
	  "app kafka\n" SAID("metadata") "C note malformed\n" TOPIC(
		  "?") "C ended\n" SAID("apiVersions") "asked\nC "
						       "ended\n" },
	{ "no such request",
	  { TALK('C', HEAD("\xc", "\x12", "\0") HEAD("\xc", "\xff", "\0")) },
	  "app kafka\n" SAID("apiVersions") "asked\nC ended\n"
					    "C note malformed\nlost\n" },
	{ "an id that cannot be printed",
	  { TALK('C', "\0\0\0\xc\0\3\0\1\0\0\0\7\0\2m\1"), TALK('S', "x") },
	  "unknown\n" },
};

static void kafka(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

static void recorded(void **state)
{
	(void)state;
	talk_check("metadata by kafka-python", false, said_kafka_python_0,
		   "app kafka\nC kafka.api metadata\nC kafka.client me\n"
		   "C kafka.topic jobs\nasked\nC ended\nS ended\n");
	talk_check("produce by kafka-python", false, said_kafka_python_1,
		   "app kafka\nC kafka.api produce\nC kafka.client me\n"
		   "C kafka.topic jobs\nasked\nC ended\nS ended\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kafka),
		cmocka_unit_test(recorded),
	};

	talk_parser = &proto_kafka;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
