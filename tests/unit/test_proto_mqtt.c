#include "proto/mqtt.h"
#include "said_mqtt.h"
#include "talk.h"
#include "test.h"

#define CONNECT "\x10\xe\0\4MQTT\4\2\0\x3c\0\2c1"
#define CONNECT_SAID \
	"app mqtt\nC mqtt.type connect\nC mqtt.client c1\nasked\nC ended\n"

static const struct {
	const char *name;
	struct talk_line lines[6];
	const char *want;
} rows[] = {
	{ "publish, subscribe, unsubscribe",
	  { TALK('C', CONNECT), TALK('S', "\x20\2\0\0"),
	    TALK('C', "\x30\x5\0\1t12"
		      "\x82\xc\0\1\0\3a/b\0\0\1#\1"
		      "\xc0\0"
		      "\xa2\x5\0\2\0\1z"
		      "\xe0\0"),
	    TALK('S', "\x90\4\0\1\0\1"
		      "\x31\6\0\3a/bx"
		      "\xd0\0") },
	  CONNECT_SAID "S mqtt.type connack\nS ended\n"
		       "C mqtt.type publish\nC mqtt.topic t\nasked\nC ended\n"
		       "C mqtt.type subscribe\nC mqtt.topic a/b\nasked\n"
		       "C mqtt.topic #\nasked\nC ended\n"
		       "C mqtt.type unsubscribe\nC mqtt.topic z\nasked\n"
		       "C ended\nC mqtt.type disconnect\nasked\nC ended\n"
		       "S ended\nS mqtt.type publish\nS mqtt.topic a/b\n"
		       "S ended\nS ended\n" },
	{ "a will, a user, a refusal",
	  { TALK('C',
		 "\x10\x1b\0\4MQTT\x84\xc6\0\0\0\1c\0\1w\0\0\0\3bob\0\2pw"),
	    TALK('S', "\x20\2\0\5") },
	  "app mqtt\nC mqtt.type connect\nC mqtt.client c\nC mqtt.topic w\n"
	  "C mqtt.user bob\nasked\nC ended\n"
	  "S note sql.denied\nS mqtt.type connack\nS ended\n" },
	{ "a will that cannot be read",
	  { TALK('C', "\x10\x12\0\4MQTT\4\6\0\0\0\1c\0\x9wwww") },
	  "app mqtt\nC mqtt.type connect\nC mqtt.client c\nC mqtt.topic ?\n"
	  "asked\nC ended\n" },
	{ "nor its client",
	  { TALK('C', "\x10\xd\0\4MQTT\4\6\0\0\0\x9"
		      "c") },
	  "app mqtt\nC mqtt.type connect\nC mqtt.topic ?\nasked\nC ended\n" },
	{ "version 5, properties everywhere",
	  { TALK('C', "\x10\x17\0\4MQTT\5\x4\0\0\2\x21\1\0\0\1\xff\0\1w\0\1x"),
	    TALK('C', "\x10\x1b\0\4MQTT\5\x84\0\0\2\x21\1\0\1c\1\xff\0\1w\0\1x"
		      "\0\1u"),
	    TALK('C', "\x82\x9\0\1\2xy\0\1t\0"
		      "\x30\x7\0\0\3\x23\0\1z"
		      "\xf0\0") },
	  "app mqtt\nC mqtt.type connect\nC mqtt.client \nC mqtt.topic w\n"
	  "asked\nC ended\n"
	  "C mqtt.type connect\nC mqtt.client c\nC mqtt.topic w\n"
	  "C mqtt.user u\nasked\nC ended\n"
	  "C mqtt.type subscribe\nC mqtt.topic t\nasked\nC ended\n"
	  "C mqtt.type publish\nC mqtt.topic \nasked\nC ended\n"
	  "C mqtt.type auth\nasked\nC ended\n" },
	{ "3.1",
	  { TALK('C', "\x10\xf\0\6MQIsdp\3\2\0\x3c\0\1c") },
	  "app mqtt\nC mqtt.type connect\nC mqtt.client c\nasked\nC ended\n" },
	{ "a topic longer than its packet",
	  { TALK('C', CONNECT), TALK('C', "\x30\3\0\2t") },
	  CONNECT_SAID "C note malformed\nlost\n" },
	{ "a length of five bytes",
	  { TALK('C', CONNECT), TALK('C', "\xc0\xff\xff\xff\xff\1") },
	  CONNECT_SAID "C note malformed\nlost\n" },
	{ "another name",
	  { TALK('C', "\x10\xe\0\4MQXX"), TALK('S', "x") },
	  "unknown\n" },
};

static void mqtt(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

static void recorded(void **state)
{
	(void)state;
	talk_check("mosquitto_pub", false, said_mosquitto_pub,
		   "app mqtt\nC mqtt.type connect\nC mqtt.client c1\n"
		   "C mqtt.topic gone\nC mqtt.user bob\nasked\nC ended\n"
		   "S mqtt.type connack\nS ended\nC mqtt.type publish\n"
		   "C mqtt.topic a/b\nasked\nC ended\nS ended\n"
		   "C mqtt.type disconnect\nasked\nC ended\n");
	talk_check(
		"mosquitto_sub", false, said_mosquitto_sub,
		"app mqtt\nC mqtt.type connect\nC mqtt.client c2\nasked\n"
		"C ended\nS mqtt.type connack\nS ended\nC mqtt.type subscribe\n"
		"C mqtt.topic a/#\nasked\nC mqtt.topic z\nasked\nC ended\n"
		"S ended\nS mqtt.type publish\nS mqtt.topic a/b\nS ended\n"
		"C mqtt.type disconnect\nasked\nC ended\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mqtt),
		cmocka_unit_test(recorded),
	};

	talk_parser = &proto_mqtt;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
