#include "proto/amqp.h"
#include "said_amqp.h"
#include "talk.h"
#include "test.h"

#define BEGIN		    "AMQP\0\0\x9\1"
#define FRAME(len, content) "\1\0\1\0\0\0" len content "\xce"

static const struct {
	const char *name;
	struct talk_line lines[6];
	const char *want;
} rows[] = {
	{ "methods",
	  { TALK('C', BEGIN), TALK('S', FRAME("\4", "\0\xa\0\xa")),
	    TALK('C',
		 FRAME("\x1b", "\0\xa\0\xb\0\0\0\0\5PLAIN\0\0\0\7\0bob\0pw\0"
			       "\0") FRAME("\7", "\0\xa\0\x28\1/\0")
			 FRAME("\xc",
			       "\0\x3c\0\x28\0\0\2ex\1k"
			       "\0") "\2\0\1\0\0\0\3abc"
				     "\xce"
				     "\3\0\1\0\0\0\2xy"
				     "\xce" FRAME("\xe", "\0\x32\0"
							 "\x14\0\0\1q"
							 "\2ex\1k\0")
					     FRAME("\x4", "\0"
							  "\x63"
							  "\0"
							  "\x14") "\x8\0\0\0\0"
								  "\0\0\xce"),
	    TALK('S', FRAME("\x6", "\0\xa\0\x32\1\x93")) },
	  "app amqp\nS amqp.method connection.start\nS ended\n"
	  "C amqp.method connection.start-ok\nC amqp.user bob\nasked\nC ended\n"
	  "C amqp.method connection.open\nC amqp.vhost /\nasked\nC ended\n"
	  "C amqp.method basic.publish\nC amqp.exchange ex\n"
	  "C amqp.routing_key k\nasked\nC ended\n"
	  "C amqp.method queue.bind\nC amqp.queue q\nC amqp.exchange ex\n"
	  "C amqp.routing_key k\nasked\nC ended\n"
	  "C amqp.method other\nasked\nC ended\n"
	  "S amqp.method connection.close\nS note sql.denied\nS ended\n" },
	{ "1.0", { TALK('C', "AMQP\3\1\0\0\0\0\0\2") }, "app amqp\nover\n" },
	{ "another version there",
	  { TALK('C', BEGIN), TALK('S', "AMQP\0\0\x9\1") },
	  "app amqp\nover\n" },
	{ "no such frame",
	  { TALK('C', BEGIN "\7\0\1\0\0\0\1x") },
	  "app amqp\nC note malformed\nlost\n" },
};

static void amqp(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

static void recorded(void **state)
{
	(void)state;
	talk_check(
		"pika", false, said_pika,
		"app amqp\nS amqp.method connection.start\nS ended\n"
		"C amqp.method connection.start-ok\nC amqp.user guest\nasked\n"
		"C ended\nS amqp.method connection.tune\nS ended\n"
		"C amqp.method connection.tune-ok\nasked\nC ended\n"
		"C amqp.method connection.open\nC amqp.vhost /\nasked\n"
		"C ended\nS amqp.method connection.open-ok\nS ended\n"
		"C amqp.method channel.open\nasked\nC ended\n"
		"S amqp.method channel.open-ok\nS ended\n"
		"C amqp.method exchange.declare\nC amqp.exchange ex\nasked\n"
		"C ended\nS amqp.method exchange.declare-ok\nS ended\n"
		"C amqp.method queue.declare\nC amqp.queue jobs\nasked\n"
		"C ended\nS amqp.method queue.declare-ok\nS ended\n"
		"C amqp.method queue.bind\nC amqp.queue jobs\n"
		"C amqp.exchange ex\nC amqp.routing_key k\nasked\nC ended\n"
		"S amqp.method queue.bind-ok\nS ended\n"
		"C amqp.method basic.publish\nC amqp.exchange ex\n"
		"C amqp.routing_key k\nasked\nC ended\n"
		"C amqp.method basic.get\nC amqp.queue jobs\nasked\nC ended\n"
		"S amqp.method basic.get-ok\nS ended\n"
		"C amqp.method channel.close\nasked\nC ended\n"
		"S amqp.method channel.close-ok\nS ended\n"
		"C amqp.method connection.close\nasked\nC ended\n"
		"S amqp.method connection.close-ok\nS ended\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amqp),
		cmocka_unit_test(recorded),
	};

	talk_parser = &proto_amqp;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
