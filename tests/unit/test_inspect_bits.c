/*
 * What is known of a conversation bit by bit, and what rules by application and
 * request make of it meanwhile: a login before anything is asked, what a server's
 * answer says, gRPC that was there before.
 */
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "test.h"
#include "wire/app.h"

static struct session_record session_of(const struct conn *c)
{
	struct session_record r;
	uint32_t cursor = 0;

	while (inspect_copy_flows(c->b->in, &cursor, c->b->now, &r, 1) == 1)
		if (r.client_port == c->client_port && r.server_port == c->port)
			return r;
	fail_msg("no such flow");
	return r;
}

#define RULE(id, port, more)                                                  \
	"{\"id\":" #id ",\"action\":\"allow\",\"ports\":[\"" #port "\"]" more \
	"}"
/* As say(), of what has zeros. */
#define SAY(c, literal)	       say_bytes(c, true, literal, sizeof(literal) - 1)
#define SAY_SERVER(c, literal) say_bytes(c, false, literal, sizeof(literal) - 1)

static int start(void **state)
{
	struct bench *b = bench_new(128);

	judge_open(b, false);
	*state = b;
	return 0;
}

/* --- who logs in ----------------------------------------------------------------------- */

#define GREETING                                         \
	"\x4a\0\0\0\n8.0.32\0\1\0\0\0saltsalt\0\xff\xf7" \
	"\x21\2\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0"       \
	"saltsaltsalt\0caching_sha2_password\0"
#define ZEROS8 "\0\0\0\0\0\0\0\0"
/* The next packet: flags, 23 zeros, user bob, no password, database shop. */
#define LOGIN_BOB                                                             \
	"\x2a\0\0\1\x8d\xa6\xff\1\0\0\0\1\x21" ZEROS8 ZEROS8 "\0\0\0\0\0\0\0" \
	"bob\0\0shop\0"
#define SELECT "\7\0\0\0\3select"
#define DELETE "\7\0\0\0\3delete"
#define FINE   "\7\0\0\2\0\0\0\2\0\0\0"

/*
 * Rules about verbs let a client log in first; who it is, and where, holds for all
 * that it asks for then.
 */
static void test_login(void **state)
{
	static const struct {
		const char *requests;
		bool login, select;
	} rows[] = {
		{ "{\"sql.verb\":\"SELECT\"}", true, true },
		{ "{\"sql.verb\":\"SELECT\",\"sql.user\":\"bob\","
		  "\"sql.database\":\"shop\"}",
		  true, true },
		{ "{\"sql.verb\":\"INSERT\"}", true, false },
		{ "{\"sql.user\":\"bob\"}", true, true },
		{ "{\"sql.verb\":\"SELECT\",\"sql.user\":\"ann\"}", false,
		  false },
		{ "{\"sql.verb\":\"SELECT\",\"sql.database\":\"x\"}", false,
		  false },
	};
	struct bench *b = *state;
	char rules[256];
	struct conn c;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(rules, sizeof rules,
			       "[" RULE(1, 3306,
					",\"apps\":[\"mysql\"],"
					"\"requests\":[%s]") "]",
			       rows[i].requests);
		judge_by(b, false, rules);
		c = connected(b, true, 3306);
		assert_true(SAY_SERVER(&c, GREETING) > 0);
		assert_row(rules, (SAY(&c, LOGIN_BOB) > 0) == rows[i].login);
		if (!rows[i].login)
			continue;
		assert_true(SAY_SERVER(&c, FINE) > 0);
		assert_row(rules, (SAY(&c, SELECT) > 0) == rows[i].select);
		if (!rows[i].select || !strstr(rules, "verb"))
			continue;
		assert_true(SAY_SERVER(&c, FINE) > 0);
		assert_row(rules, SAY(&c, DELETE) == -REASON_REQUEST);
	}
}

/* --- what cannot be read ---------------------------------------------------------------- */

/* As LOGIN_BOB, and wants what follows compressed. */
#define LOGIN_COMPRESSED                                                      \
	"\x2a\0\0\1\xad\xa6\xff\1\0\0\0\1\x21" ZEROS8 ZEROS8 "\0\0\0\0\0\0\0" \
	"bob\0\0shop\0"
#define KAFKA(api, version) \
	"\0\0\0\x10\0" api "\0" version "\0\0\0\7\0\2me\0xyz"
#define FETCH_UNKNOWN KAFKA("\1", "\x18")
#define WILL_UNREAD   "\x10\x12\0\4MQTT\4\6\0\0\0\1c\0\x9wwww"

/*
 * It is not taken for what asks for nothing: no rule that lets something be means it.
 * One that denies does, where what is read is what it says.
 */
static void test_unread(void **state)
{
#define UNREAD(what) what, sizeof(what) - 1
	static const struct {
		const char *rules, *greeting;
		const char *said;
		size_t len;
		bool passes;
	} rows[] = {
		{ "[" RULE(1, 80,
			   ",\"requests\":[{\"sql.verb\":\"SELECT\"}]") "]",
		  GREETING, UNREAD(LOGIN_COMPRESSED), false },
		{ "[" RULE(1, 80, ",\"requests\":[{\"sql.user\":\"bob\"}]") "]",
		  GREETING, UNREAD(LOGIN_COMPRESSED), true },
		{ "[{\"id\":1,\"action\":\"deny\",\"requests\":[{\"sql.verb\":"
		  "\"DROP\"}]}," RULE(2, 80, "") "]",
		  GREETING, UNREAD(LOGIN_COMPRESSED), false },
		{ "[" RULE(1, 80,
			   ",\"requests\":[{\"kafka.topic\":\"a\"}]") "]",
		  NULL, UNREAD(FETCH_UNKNOWN), false },
		{ "[" RULE(1, 80,
			   ",\"requests\":[{\"kafka.api\":\"fetch\"}]") "]",
		  NULL, UNREAD(FETCH_UNKNOWN), true },
		{ "[{\"id\":1,\"action\":\"deny\",\"requests\":[{"
		  "\"kafka.topic\":\"a\"}]}," RULE(2, 80, "") "]",
		  NULL, UNREAD(FETCH_UNKNOWN), false },
		{ "[{\"id\":1,\"action\":\"deny\",\"requests\":[{"
		  "\"kafka.topic\":\"a\",\"kafka.api\":\"produce\"}]}," RULE(
			  2, 80, "") "]",
		  NULL, UNREAD(FETCH_UNKNOWN), true },
		{ "[" RULE(1, 80, ",\"requests\":[{\"mqtt.topic\":\"a\"}]") "]",
		  NULL, UNREAD(WILL_UNREAD), false },
		{ "[" RULE(1, 80,
			   ",\"requests\":[{\"mqtt.type\":\"connect\"}]") "]",
		  NULL, UNREAD(WILL_UNREAD), true },
	};
	struct bench *b = *state;
	struct conn c;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		judge_by(b, false, rows[i].rules);
		c = connected(b, true, 80);
		if (rows[i].greeting)
			assert_true(SAY_SERVER(&c, GREETING) > 0);
		assert_row(rows[i].rules,
			   (say_bytes(&c, true, rows[i].said, rows[i].len) >
			    0) == rows[i].passes);
	}
}

/* --- what an answer tells ------------------------------------------------------------ */

#define REQUEST "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define ANSWER_OF(headers) \
	"HTTP/1.1 200 OK\r\n" headers "Content-Length: 2\r\n\r\nok"
#define UPGRADE                                                \
	"GET /s HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n" \
	"Connection: Upgrade\r\nSec-WebSocket-Key: a\r\n"      \
	"Sec-WebSocket-Version: 13\r\n\r\n"
#define UPGRADED                                                     \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" \
	"Connection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\n"

/*
 * What is spoken in HTTP, as its server says: a rule for http means it, too; one that
 * names it waits for the answer, and no longer.
 */
static void test_told_by_answer(void **state)
{
	static const struct {
		const char *app, *request, *answer;
		uint32_t told;
		int at_once, then, second; /* as say() */
	} rows[] = {
		{ "http", REQUEST,
		  ANSWER_OF("X-elastic-product: Elasticsearch\r\n"),
		  APP_ELASTICSEARCH, REASON_RULE, REASON_RULE, REASON_RULE },
		{ "http", REQUEST, ANSWER_OF("X-Consul-Index: 7\r\n"),
		  APP_CONSUL, REASON_RULE, REASON_RULE, REASON_RULE },
		{ "http", REQUEST, ANSWER_OF("Server: Couchbase Server\r\n"),
		  APP_HTTP, REASON_RULE, REASON_RULE, REASON_RULE },
		{ "http", UPGRADE, UPGRADED, APP_WEBSOCKET, REASON_RULE,
		  REASON_RULE, 0 },
		{ "elasticsearch", REQUEST,
		  ANSWER_OF("X-elastic-product: Elasticsearch\r\n"),
		  APP_ELASTICSEARCH, REASON_APP_PENDING, REASON_RULE,
		  REASON_RULE },
		{ "websocket", UPGRADE, UPGRADED, APP_WEBSOCKET,
		  REASON_APP_PENDING, REASON_RULE, 0 },
		{ "elasticsearch", REQUEST, ANSWER_OF(""), APP_HTTP,
		  REASON_APP_PENDING, -REASON_DEFAULT, 0 },
		{ "elasticsearch", REQUEST, ANSWER_OF("X-Consul-Index: 7\r\n"),
		  APP_CONSUL, REASON_APP_PENDING, -REASON_DEFAULT, 0 },
		/* a server's software is no application of a conversation */
		{ "nginx", REQUEST, NULL, 0, -REASON_DEFAULT, 0, 0 },
		{ "grpc", REQUEST, NULL, 0, -REASON_DEFAULT, 0, 0 },
	};
	struct bench *b = *state;
	char rules[128];
	struct conn c;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(rules, sizeof rules,
			       "[" RULE(1, 80, ",\"apps\":[\"%s\"]") "]",
			       rows[i].app);
		judge_by(b, false, rules);
		c = connected(b, true, 80);
		assert_row(rules,
			   say(&c, true, rows[i].request) == rows[i].at_once);
		if (!rows[i].answer)
			continue;
		assert_row(rows[i].answer,
			   say(&c, false, rows[i].answer) == rows[i].then);
		assert_row(rules, session_of(&c).application == rows[i].told);
		if (rows[i].second)
			assert_row(rules, say(&c, true, rows[i].request) ==
						  rows[i].second);
	}
}

/* --- gRPC met in its middle ---------------------------------------------------------- */

/* HEADERS, END_STREAM: GET, authority a, a path of three bytes. */
#define H2_GET(stream, path) "\0\0\xa\1\5\0\0\0" stream "\x82\x86\1\1a\4\3" path
#define ALLOWED		     ",\"requests\":[{\"http.path\":\"/ok\"}]"

/* A request of before it: POST, path and content-type are numbers of before. */
#define H2_PING		   "\0\0\x8\6\0\0\0\0\0abcdefgh"
#define H2_LATE(stream)	   "\0\0\7\1\4\0\0\0" stream "\x83\x86\1\1a\xbe\xbf"
#define H2_MESSAGE(stream) "\0\0\7\0\1\0\0\0" stream "\0\0\0\0\2hi"

/*
 * Its head alone in a packet does not say that it is gRPC; the message in the next one
 * does, and until then a rule for grpc waits. One that speaks of requests does not.
 */
static void test_grpc_middle(void **state)
{
	static const char only[] = "[" RULE(1, 80, ",\"apps\":[\"grpc\"]") "]";
	static const char requests[] = "[" RULE(
		1, 80, ",\"apps\":[\"grpc\"]") "," RULE(2, 80, ALLOWED) "]";
	struct bench *b = *state;
	struct conn c = { b, true, 80, b->port++, { SERVER_ISN, CLIENT_ISN } };
	uint64_t known = inspect_counts(b->in).app_known;

	judge_by(b, false, only);
	assert_int_equal(SAY(&c, H2_PING), REASON_APP_PENDING);
	assert_int_equal(SAY(&c, H2_LATE("\7")), REASON_APP_PENDING);
	assert_int_equal(inspect_counts(b->in).app_known, known);
	assert_int_equal(SAY(&c, H2_MESSAGE("\7")), REASON_RULE);
	assert_int_equal(session_of(&c).application, APP_GRPC);
	assert_int_equal(inspect_counts(b->in).app_known, known + 1);
	/* what comes then is none */
	c = (struct conn){ b, true, 80, b->port++, { SERVER_ISN, CLIENT_ISN } };
	assert_int_equal(SAY(&c, H2_PING H2_LATE("\7")), REASON_APP_PENDING);
	assert_true(SAY(&c, H2_GET("\x9", "/ok")) < 0);
	/* its path may be any */
	judge_by(b, false, requests);
	c = (struct conn){ b, true, 80, b->port++, { SERVER_ISN, CLIENT_ISN } };
	assert_int_equal(SAY(&c, H2_PING), REASON_APP_PENDING);
	assert_int_equal(SAY(&c, H2_LATE("\7")), -REASON_REQUEST);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, bench_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_login),
		TEST(test_unread),
		TEST(test_told_by_answer),
		TEST(test_grpc_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
