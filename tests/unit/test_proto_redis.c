#include "proto/redis.h"
#include "proto/redis_commands.h"
#include "said_redis.h"
#include "talk.h"
#include "test.h"

static const struct {
	const char *name;
	struct talk_line lines[8];
	const char *want;
} rows[] = {
	{ "a key of a write",
	  { { 'C', "*3\r\n$3\r\nset\r\n$3\r\na b\r\n$4\r\nlong\r\n", 0 },
	    { 'S', "+OK\r\n", 0 } },
	  "app redis\n"
	  "C redis.command SET\nC redis.class write\nC redis.key a b\n"
	  "asked\nC ended\nS ended\n" },
	{ "pipelined, of several kinds",
	  { { 'C',
	      "*1\r\n$4\r\nPING\r\n*2\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n"
	      "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n*1\r\n$5\r\nMULTI\r\n",
	      0 },
	    { 'S', "+PONG\r\n*2\r\n$1\r\na\r\n*-1\r\n", 0 },
	    { 'S', ">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n+OK\r\n", 0 } },
	  "app redis\n"
	  "C redis.command PING\nC redis.class connection\nasked\nC ended\n"
	  "C redis.command CONFIG\nC redis.class admin\nasked\nC ended\n"
	  "C redis.command SUBSCRIBE\nC redis.class pubsub\nC redis.key c\n"
	  "asked\nC ended\n"
	  "C redis.command MULTI\nC redis.class other\nasked\nC ended\n"
	  "S ended\nS ended\nS ended\nS ended\n" },
	{ "scripts",
	  { { 'C',
	      "*4\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n1\r\n$1\r\nk\r\n"
	      "*4\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n0\r\n$1\r\nk\r\n",
	      0 } },
	  "app redis\n"
	  "C redis.command EVAL\nC redis.class script\nC redis.key k\n"
	  "asked\nC ended\n"
	  "C redis.command EVAL\nC redis.class script\n"
	  "asked\nC ended\n" },
	{ "streams",
	  { { 'C',
	      "*7\r\n$10\r\nXREADGROUP\r\n$5\r\nGROUP\r\n$7\r\nSTREAMS\r\n"
	      "$1\r\nx\r\n$7\r\nstreams\r\n$1\r\nk\r\n$1\r\n>\r\n"
	      "*4\r\n$5\r\nXREAD\r\n$7\r\nSTREAMS\r\n$1\r\nq\r\n$1\r\n0\r\n",
	      0 } },
	  "app redis\n"
	  "C redis.command XREADGROUP\nC redis.class write\nC redis.key k\n"
	  "asked\nC ended\n"
	  "C redis.command XREAD\nC redis.class read\nC redis.key q\n"
	  "asked\nC ended\n" },
	{ "who logs in",
	  { { 'C',
	      "*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$2\r\npw\r\n"
	      "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n"
	      "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nauth\r\n$3\r\nann\r\n"
	      "$2\r\npw\r\n",
	      0 },
	    { 'S', "-WRONGPASS no\r\n-ERR invalid password\r\n-LOADING\r\n",
	      0 } },
	  "app redis\n"
	  "C redis.command AUTH\nC redis.class connection\nC sql.user bob\n"
	  "asked\nC ended\n"
	  "C redis.command AUTH\nC redis.class connection\n"
	  "asked\nC ended\n"
	  "C redis.command HELLO\nC redis.class connection\nC sql.user ann\n"
	  "asked\nC ended\n"
	  "S sql.error WRONGPASS\nS note sql.denied\nS ended\n"
	  "S sql.error ERR\nS note sql.denied\nS ended\n"
	  "S sql.error LOADING\nS ended\n" },
	{ "answers of RESP 3",
	  { { 'C', "*1\r\n$4\r\nPING\r\n", 0 },
	    { 'S', "|1\r\n+a\r\n%1\r\n+b\r\n*0\r\n~2\r\n#t\r\n=5\r\ntxt:a\r\n",
	      0 },
	    { 'S', "!5\r\nERR x\r\n_\r\n,1.5\r\n(12\r\n$-1\r\n*-1\r\n", 0 } },
	  "app redis\n"
	  "C redis.command PING\nC redis.class connection\nasked\nC ended\n"
	  "S ended\nS ended\nS ended\nS ended\nS ended\nS ended\nS ended\n" },
	{ "typed",
	  { { 'C', "PING\r\n", 0 },
	    { 'S', "+PONG\r\n", 0 },
	    { 'C', "\r\n \"FLUSH\\x61\"'ll' async\n", 0 },
	    { 'C', "'del' \"a\\n\\\"b\" c\r\n", 0 } },
	  "app redis\n"
	  "C redis.command PING\nC redis.class connection\nasked\nC ended\n"
	  "S ended\n"
	  "C redis.command FLUSHALL\nC redis.class admin\nasked\nC ended\n"
	  "C redis.command DEL\nC redis.class write\n"
	  "C redis.key a\\x0a\"b\nasked\nC ended\n" },
	{ "a replica",
	  { { 'C', "*1\r\n$4\r\nSYNC\r\n", 0 },
	    { 'S', "$9\r\nREDIS0009*1\r\n$4\r\nPING\r\nanything", 0 },
	    { 'C', "*1\r\n$8\r\nFLUSHALL\r\n", 0 } },
	  "app redis\n"
	  "C redis.command SYNC\nC redis.class admin\nasked\nC ended\n"
	  "C redis.command FLUSHALL\nC redis.class admin\nasked\nC ended\n" },
	{ "empty arrays; unknown",
	  { { 'C',
	      "*1\r\n$4\r\nPING\r\n*0\r\n*-1\r\n*2\r\n$3\r\nfoo\r\n"
	      "$1\r\nk\r\n",
	      0 } },
	  "app redis\n"
	  "C redis.command PING\nC redis.class connection\nasked\nC ended\n"
	  "C redis.command FOO\nC redis.class other\nasked\nC ended\n" },
	{ "no length",
	  { { 'C', "*1\r\n$4\r\nPING\r\n*1\r\n:4\r\nPING\r\n", 0 } },
	  "app redis\n"
	  "C redis.command PING\nC redis.class connection\nasked\nC ended\n"
	  "C note malformed\nlost\n" },
	{ "an answer that is none",
	  { { 'C', "*1\r\n$4\r\nPING\r\n", 0 },
	    { 'S', "what?\r\n+OK\r\n", 0 },
	    { 'C', "*1\r\n$4\r\nQUIT\r\n", 0 } },
	  "app redis\n"
	  "C redis.command PING\nC redis.class connection\nasked\nC ended\n"
	  "S note malformed\n"
	  "C redis.command QUIT\nC redis.class connection\nasked\nC ended\n" },
	{ "not an array", { { 'C', "*1\r\n$4\r\n=IN", 0 } }, "unknown\n" },
	{ "another's answer",
	  { { 'C', "get k\r\n", 0 }, { 'S', "HELLO k\r\n", 0 } },
	  "unknown\n" },
};

static void redis(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

static void recorded(void **state)
{
	(void)state;
	talk_check(
		"redis-cli -3", false, said_redis_cli,
		"app redis\nC redis.command HELLO\nC redis.class connection\n"
		"asked\nC ended\nS ended\nC redis.command COMMAND\n"
		"C redis.class connection\nasked\nC ended\nS sql.error ERR\n"
		"S ended\nC redis.command COMMAND\nC redis.class connection\n"
		"asked\nC ended\nS sql.error ERR\nS ended\n"
		"C redis.command HELLO\nC redis.class connection\n"
		"C sql.user default\nasked\nC ended\nS ended\n"
		"C redis.command SET\nC redis.class write\nC redis.key k\n"
		"asked\nC ended\nS ended\nC redis.command GET\n"
		"C redis.class read\nC redis.key k\nasked\nC ended\nS ended\n"
		"C redis.command HGETALL\nC redis.class read\nC redis.key h\n"
		"asked\nC ended\nS ended\nC redis.command EVAL\n"
		"C redis.class script\nC redis.key {k}\nasked\nC ended\n"
		"S ended\nC redis.command XREAD\nC redis.class read\n"
		"C redis.key s\nasked\nC ended\nS ended\n"
		"C redis.command NOSUCH\nC redis.class other\nasked\nC ended\n"
		"S sql.error ERR\nS ended\nC redis.command FLUSHALL\n"
		"C redis.class admin\nasked\nC ended\nS ended\n");
}

/* A key longer than is told. */
static void long_key(void **state)
{
	struct talk *t = talk_new(false, false);
	static char key[FIELD_BYTES_MAX + 9];

	(void)state;
	memset(key, 'k', sizeof key);
	talk_say(t, PROTO_CLIENT, bytes_of("*2\r\n$3\r\nGET\r\n$8201\r\n", 20));
	talk_say(t, PROTO_CLIENT, bytes_of(key, sizeof key));
	talk_say(t, PROTO_CLIENT, bytes_of("\r\n*1\r\n$4\r\nPING\r\n", 16));
	assert_non_null(strstr(talk_heard(t), "kkk~\nasked\nC ended\n"));
	assert_non_null(strstr(talk_heard(t), "PING\nC redis.class conn"));
	talk_free(t);
}

/* Nothing is read behind a "no"; it comes before the last byte. */
static void refused(void **state)
{
	struct talk *t = talk_new(false, false);

	(void)state;
	talk_refuse(t, 1);
	talk_say(t, PROTO_CLIENT, bytes_of("*2\r\n$3\r\nGET\r\n$9\r\n", 17));
	assert_null(strstr(talk_heard(t), "asked"));
	talk_say(t, PROTO_CLIENT, bytes_of("123456789", 9));
	assert_non_null(strstr(talk_heard(t), "asked: no\nover\n"));
	talk_free(t);
}

/* The table is searched by halves: each row must be found. */
static void commands(void **state)
{
	static const struct {
		const char *name;
		enum redis_class class;
		int key;
	} some[] = {
		{ "ACL", REDIS_ADMIN, 0 },
		{ "APPEND", REDIS_WRITE, 1 },
		{ "GET", REDIS_READ, 1 },
		{ "GETEX", REDIS_WRITE, 1 },
		{ "KEYS", REDIS_READ, 0 },
		{ "FLUSHALL", REDIS_ADMIN, 0 },
		{ "PUBLISH", REDIS_PUBSUB, 1 },
		{ "FCALL", REDIS_SCRIPT, 3 },
		{ "SELECT", REDIS_CONNECTION, 0 },
		{ "ZUNIONSTORE", REDIS_WRITE, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(some); i++) {
		const struct redis_command *c =
			redis_command(some[i].name, strlen(some[i].name));

		assert_row(some[i].name, c);
		assert_row(some[i].name, c->class == some[i].class);
		assert_row(some[i].name, c->key == some[i].key);
	}
	assert_null(redis_command("GE", 2));
	assert_null(redis_command("", 0));
	assert_null(redis_command("ZZ", 2));
	assert_string_equal(redis_class_name(REDIS_SCRIPT), "script");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redis),    cmocka_unit_test(recorded),
		cmocka_unit_test(long_key), cmocka_unit_test(refused),
		cmocka_unit_test(commands),
	};

	talk_parser = &proto_redis;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
