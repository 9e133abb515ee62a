/*
 * Who speaks what, and what follows from it: rules by application and request,
 * threats that parsers notice, reports, ports' maps. Conversations are spoken
 * frame by frame, and it is looked at which of them still goes on.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "test.h"
#include "wire/app.h"
#include "wire/ctrl_rule.h"

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

static bool is_listened_to(const struct bench *b)
{
	struct inspect_counts n = inspect_counts(b->in);

	assert_int_equal(n.streams.streams > 0, n.dialogues.in_use > 0);
	return n.dialogues.in_use > 0;
}

#define RULE(id, port, more)                                                  \
	"{\"id\":" #id ",\"action\":\"allow\",\"ports\":[\"" #port "\"]" more \
	"}"
#define MYSQL_RULE "[" RULE(1, 3306, ",\"apps\":[\"mysql\"]") "]"

static int start(void **state)
{
	struct bench *b = bench_new(128);

	judge_open(b, false);
	*state = b;
	return 0;
}

#define GREETING                                         \
	"\x4a\0\0\0\n8.0.32\0\1\0\0\0saltsalt\0\xff\xf7" \
	"\x21\2\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0"       \
	"saltsaltsalt\0caching_sha2_password\0"
#define REQUEST "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define ANSWER                                        \
	"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n" \
	"Content-Length: 2\r\n\r\nok"

/* The next packet: flags, 23 zeros, no name, no password. */
#define ZEROS8 "\0\0\0\0\0\0\0\0"
#define LOGIN                                                                 \
	"\x22\0\0\1\x85\xa6\xff\1\0\0\0\1\x21" ZEROS8 ZEROS8 "\0\0\0\0\0\0\0" \
	"\0\0"

/* --- applications ------------------------------------------------------------ */

/* What the issue wants: allow mysql, and HTTP to 3306 is refused. */
static void test_other_app(void **state)
{
	struct bench *b = *state;
	struct session_record r;
	struct conn c;

	judge_by(b, false, MYSQL_RULE);
	c = connected(b, true, 3306);
	assert_int_equal(session_of(&c).reason, REASON_APP_PENDING);
	assert_true(is_listened_to(b));
	assert_int_equal(say(&c, true, REQUEST), -REASON_DEFAULT);
	assert_int_equal(b->verdict.n_send, 2);
	assert_true(b->verdict.send[1].onward);
	assert_false(is_listened_to(b));
	r = session_of(&c);
	assert_int_equal(r.application, APP_HTTP);
	assert_true(r.blocked);
	/* neither that again nor something else */
	assert_int_equal(say(&c, true, REQUEST), -REASON_DEFAULT);
	assert_int_equal(b->verdict.n_send, 0);
	assert_int_equal(say(&c, false, "hello"), -REASON_DEFAULT);
}

static void test_right_app(void **state)
{
	struct bench *b = *state;
	struct conn c;

	judge_by(b, false, MYSQL_RULE);
	c = connected(b, true, 3306);
	assert_int_equal(say_bytes(&c, false, GREETING, sizeof GREETING - 1),
			 REASON_APP_PENDING);
	assert_int_equal(say_bytes(&c, true, LOGIN, sizeof LOGIN - 1),
			 REASON_RULE);
	assert_int_equal(session_of(&c).application, APP_MYSQL);
	assert_int_equal(session_of(&c).policy_id, 1);
	/* it is known, and stays so under another policy */
	judge_by(b, false, "[" RULE(7, 3306, ",\"apps\":[\"mysql\"]") "]");
	assert_int_equal(conn_frame(&c, true, TCP_ACK, NULL, 0, 0),
			 REASON_RULE);
	assert_int_equal(session_of(&c).policy_id, 7);
	judge_by(b, false, "[" RULE(8, 3306, ",\"apps\":[\"redis\"]") "]");
	assert_int_equal(conn_frame(&c, true, TCP_ACK, NULL, 0, 0),
			 -REASON_DEFAULT);
	assert_int_equal(b->verdict.n_send, 2);
}

/* The server's greeting does not make MySQL of it. */
static void test_greeted(void **state)
{
	struct bench *b = *state;
	struct conn c;

	judge_by(b, false, MYSQL_RULE);
	c = connected(b, true, 3306);
	assert_int_equal(say_bytes(&c, false, GREETING, sizeof GREETING - 1),
			 REASON_APP_PENDING);
	assert_int_equal(say(&c, true, REQUEST), -REASON_DEFAULT);
	assert_int_equal(session_of(&c).application, APP_HTTP);
}

/* The request comes in two segments, the second one first. */
static void test_out_of_order(void **state)
{
	struct bench *b = *state;
	struct conn c;

	judge_by(b, false, MYSQL_RULE);
	c = connected(b, true, 3306);
	assert_int_equal(conn_frame(&c, true, TCP_ACK, REQUEST + 3,
				    sizeof REQUEST - 4, 3),
			 REASON_APP_PENDING);
	assert_int_equal(conn_frame(&c, true, TCP_ACK, REQUEST, 3, 0),
			 -REASON_DEFAULT);
	assert_int_equal(b->verdict.n_send, 2);
}

/* Nobody knows it: it is so after so many packets, and then it is denied. */
static void test_unidentified(void **state)
{
	struct bench *b = *state;
	unsigned passed = 0;
	struct conn c;

	b->settings.applications.packets = 3;
	b->settings.applications.bytes = 8;
	inspect_configure(b->in, &b->settings);
	judge_by(b, false, "[" RULE(1, 9999, ",\"apps\":[\"mysql\"]") "]");
	c = connected(b, true, 9999);
	while (passed < 3 && say(&c, passed % 2 == 0, "\1?!") > 0)
		passed++;
	assert_in_range(passed, 0, 2);
	assert_true(session_of(&c).blocked);
	assert_int_equal(session_of(&c).application, 0);
	assert_int_equal(inspect_counts(b->in).app_never, 1);
	assert_false(is_listened_to(b));
}

/* A connection of nobody's protocol keeps no place when it is over. */
static void test_over(void **state)
{
	struct bench *b = *state;
	struct conn c;

	judge_open(b, false);
	c = connected(b, true, 9999);
	assert_true(say(&c, true, "\1?!") > 0);
	assert_true(say(&c, false, "\2!?") > 0);
	assert_true(conn_frame(&c, true, TCP_FIN | TCP_ACK, "", 0, 0) > 0);
	c.seq[1]++;
	assert_true(is_listened_to(b));
	assert_true(conn_frame(&c, false, TCP_FIN | TCP_ACK, "", 0, 0) > 0);
	c.seq[0]++;
	assert_true(is_listened_to(b));
	assert_true(conn_frame(&c, true, TCP_ACK, "", 0, 0) > 0);
	assert_false(is_listened_to(b));
	assert_int_equal(session_of(&c).application, 0);
}

static void test_off(void **state)
{
	struct bench *b = *state;
	struct frame_spec syn =
		bench_frame(true, PEER, PROTO_TCP, b->port, 3306);

	b->settings.applications.on = false;
	inspect_configure(b->in, &b->settings);
	judge_by(b, false, MYSQL_RULE);
	syn.flags = TCP_SYN;
	assert_int_equal(bench_reason(b, syn), -REASON_DEFAULT);
	assert_false(is_listened_to(b));
}

/* A tap forwards nothing; that it would be denied is told. */
static void test_tap(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = bench_frame(true, PEER, PROTO_TCP, 4000, 3306);
	struct session_record r;
	uint32_t cursor = 0;

	judge_by(b, true, MYSQL_RULE);
	s.flags = TCP_SYN;
	s.seq = 100;
	assert_int_equal(bench_reason(b, s), -REASON_TAP);
	s.flags = TCP_ACK;
	s.seq = 101;
	s.payload = (const uint8_t *)REQUEST;
	s.payload_len = sizeof REQUEST - 1;
	assert_true(bench_reason(b, s) < 0);
	assert_int_equal(b->verdict.n_send, 0);
	assert_int_equal(inspect_copy_flows(b->in, &cursor, b->now, &r, 1), 1);
	assert_int_equal(r.application, APP_HTTP);
	assert_true(r.blocked);
}

#define QUESTION "\0\7\1\0\0\1\0\0\0\0\0\0\3www\4shop\4test\0\0\1\0\1"

static void test_datagram(void **state)
{
	struct bench *b = *state;
	struct frame_spec s = bench_frame(true, PEER, PROTO_UDP, 6000, 5300);

	s.payload = (const uint8_t *)QUESTION;
	s.payload_len = sizeof QUESTION - 1;
	judge_by(b, false, "[" RULE(1, 5300, ",\"apps\":[\"dns\"]") "]");
	assert_int_equal(bench_reason(b, s), REASON_RULE);
	s.sport++;
	judge_by(b, false, "[" RULE(1, 5300, ",\"apps\":[\"ntp\"]") "]");
	assert_int_equal(bench_reason(b, s), -REASON_DEFAULT);
}

/* After the first answer nobody wants more, so the kernel may have it. */
static void test_given_back(void **state)
{
	struct bench *b = *state;
	struct conn c = connected(b, false, 80);

	assert_int_equal(say(&c, true, REQUEST), REASON_RULE);
	assert_true(is_listened_to(b));
	assert_int_equal(say(&c, false, ANSWER), REASON_RULE);
	assert_false(is_listened_to(b));
	assert_int_equal(say(&c, true, REQUEST), REASON_RULE);
	b->settings.applications.all = true;
	inspect_configure(b->in, &b->settings);
	c = connected(b, false, 80);
	assert_int_equal(say(&c, true, REQUEST), REASON_RULE);
	assert_int_equal(say(&c, false, ANSWER), REASON_RULE);
	assert_true(is_listened_to(b));
	inspect_on_flow_end(b->in, NULL, NULL);
}

/* --- reports ------------------------------------------------------------------- */

static void test_reports(void **state)
{
	struct bench *b = *state;
	struct connection_record r[2];
	struct port_record p[4];
	struct conn c = connected(b, false, 80);
	size_t n;

	assert_int_equal(inspect_connections_pending(b->in), 0);
	(void)say(&c, true, REQUEST);
	(void)say(&c, false, ANSWER);
	assert_int_equal(inspect_drain_connections(b->in, r, 2), 1);
	assert_int_equal(r[0].application, APP_HTTP);
	assert_int_equal(r[0].sessions, 1);
	n = inspect_drain_ports(b->in, p, 4);
	assert_int_equal(n, 2); /* what speaks; then who */
	assert_int_equal(p[1].app.port, 80);
	assert_int_equal(p[1].app.ip_proto, PROTO_TCP);
	assert_int_equal(p[1].app.proto, APP_HTTP);
	assert_int_equal(p[1].app.server, APP_NGINX);
	assert_int_equal(p[1].app.application, 0);
	assert_true(mac_equal(p[1].ep_mac, real_mac));
	/* nothing new; nor is the peer's port any of ours */
	c = connected(b, false, 80);
	(void)say(&c, true, REQUEST);
	(void)say(&c, false, ANSWER);
	c = connected(b, true, 80);
	(void)say(&c, true, REQUEST);
	assert_int_equal(inspect_drain_ports(b->in, p, 4), 0);
	inspect_forget_endpoint(b->in, 0);
	c = connected(b, false, 80);
	(void)say(&c, true, REQUEST);
	assert_int_equal(inspect_drain_ports(b->in, p, 4), 1);
}

/* --- requests -------------------------------------------------------------------- */

#define GET "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
#define SET "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n"
#define READS                    \
	",\"apps\":[\"redis\"]," \
	"\"requests\":[{\"redis.class\":[\"read\",\"connection\"]}]"

static struct conn redis(struct bench *b)
{
	struct conn c;

	judge_by(b, false, "[" RULE(1, 6379, READS) "]");
	c = connected(b, true, 6379);
	assert_int_equal(say(&c, true, GET), REASON_RULE);
	assert_int_equal(say(&c, false, "$1\r\nx\r\n"), REASON_RULE);
	return c;
}

static void test_request(void **state)
{
	struct bench *b = *state;
	struct conn c = redis(b);

	assert_int_equal(session_of(&c).policy_id, 1);
	assert_true(is_listened_to(b)); /* the next one may be another */
	assert_int_equal(say(&c, true, SET), -REASON_REQUEST);
	assert_int_equal(b->verdict.n_send, 2);
	assert_false(is_listened_to(b));
	assert_int_equal(say(&c, true, GET), -REASON_REQUEST);
	assert_int_equal(b->verdict.n_send, 0);
	/* a newer policy does not open what was cut */
	judge_by(b, false, "[" RULE(1, 6379, "") "]");
	assert_int_equal(say(&c, true, GET), -REASON_REQUEST);
}

/* Several in one packet: each is asked for. */
static void test_pipelined(void **state)
{
	struct bench *b = *state;
	struct conn c = redis(b);

	assert_int_equal(say(&c, true, GET GET), REASON_RULE);
	assert_int_equal(say(&c, true, GET SET GET), -REASON_REQUEST);
	judge_by(b, false, "[" RULE(1, 6379, READS) "]");
	c = connected(b, true, 6379);
	assert_true(say(&c, true, SET GET) < 0);
	assert_true(session_of(&c).blocked);
}

/* A request that has no room is refused where rules ask what it is. */
static void test_long_request(void **state)
{
	struct bench *b = *state;
	char path[REQUEST_TEXT_MAX + 1], text[REQUEST_TEXT_MAX + 64];
	struct conn c;

	memset(path, 'a', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	(void)snprintf(text, sizeof text,
		       "GET /%s HTTP/1.1\r\nHost: a.test\r\n\r\n", path);
	judge_by(b, false,
		 "[" RULE(1, 80, ",\"requests\":[{\"http.path\":\"*\"}]") "]");
	c = connected(b, true, 80);
	assert_int_equal(say(&c, true, REQUEST), REASON_RULE);
	assert_int_equal(say(&c, true, text), -REASON_REQUEST);
}

/* A rule that rejects says so to a client of HTTP/1, and resets the server. */
static void test_rejected_request(void **state)
{
	static const char answer[] = "HTTP/1.1 403 Forbidden\r\n"
				     "Content-Type: text/plain\r\n"
				     "Content-Length: 18\r\n"
				     "Connection: close\r\n\r\n"
				     "Forbidden, rule 9\n";
	struct bench *b = *state;
	const struct verdict *v = &b->verdict;
	struct bytes sent;
	struct conn c;

	judge_by(
		b, false,
		"[{\"id\":9,\"action\":\"reject\",\"ports\":[\"80\"],"
		"\"requests\":[{\"http.path\":\"/a*\"}]}," RULE(1, 80, "") "]");
	c = connected(b, true, 80);
	assert_int_equal(say(&c, true, "GET /b HTTP/1.1\r\nHost: a\r\n\r\n"),
			 REASON_RULE);
	assert_int_equal(say(&c, true, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
			 -REASON_REQUEST);
	assert_int_equal(v->n_send, 2);
	assert_false(v->send[0].onward);
	assert_true(v->send[1].onward);
	sent = v->send[0].bytes;
	assert_true(bytes_len(sent) > sizeof answer - 1);
	sent.begin = sent.end - (sizeof answer - 1);
	assert_memory_equal(sent.begin, answer, sizeof answer - 1);
}

/* --- HTTP/2 ------------------------------------------------------------------------ */

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
/* HEADERS, END_STREAM: GET or POST, authority a, a path of three bytes. */
#define H2_GET(stream, path) "\0\0\xa\1\5\0\0\0" stream "\x82\x86\1\1a\4\3" path
#define H2_GRPC(stream, path)                                           \
	"\0\0\x1d\1\5\0\0\0" stream "\x83\x86\1\1a\4\3" path "\x0f\x10" \
	"\x10"                                                          \
	"application/grpc"
#define H2_SHORT(stream, path) "\0\0\6\1\5\0\0\0" stream "\x82\x86\1\1a" path
#define H2_BROKEN(stream)      "\0\0\1\1\5\0\0\0" stream "\x80"
#define H2_ANSWER	       "\0\0\0\4\0\0\0\0\0\0\0\1\1\5\0\0\0\1\x88"
#define SAY(c, literal)	       say_bytes(c, true, literal, sizeof(literal) - 1)
#define ALLOWED		       ",\"requests\":[{\"http.path\":\"/ok\"}]"

static struct conn http2(struct bench *b, const char *rules)
{
	struct conn c;

	judge_by(b, false, rules);
	c = connected(b, true, 80);
	assert_true(SAY(&c, PREFACE) > 0);
	return c;
}

/* The second request of a connection; one of two in a packet; a broken one. */
static void test_http2_request(void **state)
{
	struct bench *b = *state;
	struct conn c = http2(b, "[" RULE(1, 80, ALLOWED) "]");

	assert_int_equal(SAY(&c, H2_GET("\1", "/ok")), REASON_RULE);
	assert_int_equal(say_bytes(&c, false, H2_ANSWER, sizeof H2_ANSWER - 1),
			 REASON_RULE);
	assert_int_equal(session_of(&c).application, APP_HTTP2);
	assert_int_equal(SAY(&c, H2_GET("\3", "/no")), -REASON_REQUEST);
	assert_int_equal(b->verdict.n_send, 2);
	c = http2(b, "[" RULE(1, 80, ALLOWED) "]");
	assert_int_equal(SAY(&c, H2_GET("\1", "/no") H2_GET("\3", "/ok")),
			 -REASON_REQUEST);
	c = http2(b, "[" RULE(1, 80, ALLOWED) "]");
	assert_int_equal(SAY(&c, H2_GET("\1", "/ok")), REASON_RULE);
	assert_int_equal(SAY(&c, H2_BROKEN("\3")), -REASON_REQUEST);
	/* it may be, where no rule asks what it is */
	c = http2(b, "[" RULE(1, 80, "") "]");
	assert_int_equal(SAY(&c, H2_BROKEN("\1")), REASON_RULE);
}

/* Nobody saw it begin: what a request says by numbers of before is not known. */
static void test_http2_middle(void **state)
{
	struct bench *b = *state;
	struct conn c = { b, true, 80, b->port++, { SERVER_ISN, CLIENT_ISN } };

	judge_by(b, false, "[" RULE(1, 80, ALLOWED) "]");
	assert_int_equal(SAY(&c, H2_GET("\7", "/ok")), REASON_APP_PENDING);
	assert_int_equal(say_bytes(&c, false, H2_ANSWER, sizeof H2_ANSWER - 1),
			 REASON_RULE);
	assert_int_equal(session_of(&c).application, APP_HTTP2);
	assert_int_equal(SAY(&c, H2_GET("\x9", "/ok")), REASON_RULE);
	assert_int_equal(SAY(&c, H2_SHORT("\xb", "\xbe")), -REASON_REQUEST);
}

/* There is no 403: whoever speaks HTTP/2 would not understand it. */
static void test_http2_rejected(void **state)
{
	static const char rules[] =
		"[{\"id\":9,\"action\":\"reject\",\"ports\":[\"80\"],"
		"\"requests\":[{\"http.path\":\"/no\"}]}," RULE(1, 80, "") "]";
	struct bench *b = *state;
	const struct verdict *v = &b->verdict;
	struct conn c = http2(b, rules);
	size_t rst;

	assert_int_equal(SAY(&c, H2_GET("\1", "/ok")), REASON_RULE);
	assert_int_equal(SAY(&c, H2_GET("\3", "/no")), -REASON_REQUEST);
	assert_int_equal(v->n_send, 2);
	rst = bytes_len(v->send[0].bytes);
	c = connected(b, true, 80);
	assert_int_equal(SAY(&c, "GET /ok HTTP/1.1\r\nHost: a\r\n"
				 "Upgrade: h2c\r\n\r\n"),
			 REASON_RULE);
	assert_int_equal(say(&c, false,
			     "HTTP/1.1 101 Switching Protocols\r\n"
			     "Upgrade: h2c\r\n\r\n"),
			 REASON_RULE);
	assert_int_equal(session_of(&c).application, APP_HTTP2);
	assert_int_equal(SAY(&c, PREFACE H2_GET("\3", "/no")), -REASON_REQUEST);
	assert_int_equal(v->n_send, 2);
	assert_int_equal(bytes_len(v->send[0].bytes), rst);
}

/* gRPC and others on one connection, also in one packet. */
static void test_http2_kinds(void **state)
{
	static const char only[] = "[" RULE(1, 80, ",\"apps\":[\"grpc\"]") "]";
	static const char never[] =
		"[{\"id\":9,\"action\":\"deny\",\"ports\":[\"80\"],"
		"\"apps\":[\"grpc\"]}," RULE(1, 80, "") "]";
	static const char service[] = "[" RULE(
		1, 80, ",\"requests\":[{\"grpc.method\":\"Get\"}]") "]";
	struct bench *b = *state;
	struct conn c = http2(b, only);

	assert_int_equal(SAY(&c, H2_GRPC("\1", "/ok")), REASON_RULE);
	assert_int_equal(session_of(&c).application, APP_GRPC);
	assert_true(SAY(&c, H2_GET("\3", "/ok")) < 0);
	c = http2(b, only);
	assert_true(SAY(&c, H2_GRPC("\1", "/ok") H2_GET("\3", "/ok")
				    H2_GRPC("\5", "/ok")) < 0);
	assert_int_equal(b->verdict.n_send, 2);
	c = http2(b, never);
	assert_int_equal(SAY(&c, H2_GET("\1", "/ok")), REASON_RULE);
	assert_true(SAY(&c, H2_GRPC("\3", "/ok") H2_GET("\5", "/ok")) < 0);
	c = http2(b, service);
	assert_int_equal(SAY(&c, H2_GRPC("\1", "/ok")), -REASON_REQUEST);
}

/* --- TLS ---------------------------------------------------------------------------- */

/* A hello that offers h2 and http/1.1. */
#define HELLO                                                                 \
	"\x16\3\1\0\x41\1\0\0\x3d\3\3"                                        \
	"0123456789abcdef0123456789abcdef\0\0\2\x13\1\1\0\0\x12\0\x10\0\xe\0" \
	"\xc"                                                                 \
	"\2h2\x8http/1.1"
#define ALPN(names) ",\"requests\":[{\"tls.alpn\":[" names "]}]"

/* The server may take any of them. */
static void test_alpn(void **state)
{
	static const struct {
		const char *rules;
		bool may_be;
	} rows[] = {
		{ "[" RULE(1, 443, ALPN("\"h2\"")) "]", false },
		{ "[" RULE(1, 443, ALPN("\"http/1.1\"")) "]", false },
		{ "[" RULE(1, 443, ALPN("\"h2\",\"http/1.1\"")) "]", true },
		{ "[{\"id\":9,\"action\":\"deny\",\"ports\":[\"443\"]" ALPN(
			  "\"h2\"") "}," RULE(1, 443, "") "]",
		  false },
		{ "[{\"id\":9,\"action\":\"deny\",\"ports\":[\"443\"]" ALPN(
			  "\"h3\"") "}," RULE(1, 443, "") "]",
		  true },
	};
	struct bench *b = *state;
	struct conn c;
	bool passed;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		judge_by(b, false, rows[i].rules);
		c = connected(b, true, 443);
		passed = SAY(&c, HELLO) > 0;
		assert_row(rows[i].rules, passed == rows[i].may_be);
	}
}

/* --- threats ----------------------------------------------------------------------- */

#define SMUGGLED                                              \
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n" \
	"Content-Length: 6\r\n\r\nhello"

static void test_threat(void **state)
{
	struct bench *b = *state;
	struct conn c = connected(b, false, 80);
	struct threat_record t;

	assert_int_equal(say(&c, true, SMUGGLED), -REASON_THREAT);
	assert_int_equal(b->verdict.n_send, 0);
	assert_int_equal(session_of(&c).threat, THREAT_HTTP_SMUGGLING);
	assert_int_equal(inspect_drain_threats(b->in, &t, 1), 1);
	assert_int_equal(t.id, THREAT_HTTP_SMUGGLING);
	assert_int_equal(t.severity, 4);
	assert_int_equal(t.application, APP_HTTP);
	assert_int_equal(t.action, DPI_DROP);
	/* the same bytes are read already, and do not go on all the same */
	assert_int_equal(say(&c, true, SMUGGLED), -REASON_THREAT);
	assert_int_equal(inspect_counts(b->in).notes[NOTE_HTTP_SMUGGLING], 1);
}

static void set_action(struct bench *b, uint32_t id, enum dpi_action action)
{
	for (unsigned i = 0; i < THREAT_KINDS; i++)
		if (threat_kind_at(i)->id == id)
			b->settings.threats[i].action = (uint8_t)action;
	inspect_configure(b->in, &b->settings);
}

static void test_threat_actions(void **state)
{
	struct bench *b = *state;
	struct conn c;

	set_action(b, THREAT_HTTP_SMUGGLING, DPI_RESET);
	c = connected(b, false, 80);
	assert_int_equal(say(&c, true, SMUGGLED), -REASON_THREAT);
	assert_int_equal(b->verdict.n_send, 2);
	set_action(b, THREAT_HTTP_SMUGGLING, DPI_ALLOW);
	c = connected(b, false, 80);
	assert_int_equal(say(&c, true, SMUGGLED), REASON_RULE);
	assert_int_equal(session_of(&c).threat, THREAT_HTTP_SMUGGLING);
}

/* --- nDPI --------------------------------------------------------------------------- */

static void test_breadth(void **state)
{
	struct bench *b = *state;
	struct conn c;

	inspect_free(b->in);
	b->in = inspect_new(&(struct inspect_options){
		.max_flows = 128, .seed = 1, .breadth = true });
	assert_non_null(b->in);
	assert_null(inspect_adopt(b->in, b->s));
	judge_by(b, false, "[" RULE(1, 4222, ",\"apps\":[\"nats\"]") "]");
	c = connected(b, true, 4222);
	assert_true(say(&c, false, "INFO {\"server_id\":\"A\"} \r\n") > 0);
	assert_true(say(&c, true, "CONNECT {\"verbose\":false}\r\n") > 0);
	assert_int_equal(session_of(&c).application, APP_NATS);
	assert_int_equal(session_of(&c).reason, REASON_RULE);
	assert_int_equal(inspect_counts(b->in).breadth.known, 1);
	assert_int_equal(inspect_counts(b->in).breadth.in_use, 0);
	/* it is not asked for what ours know */
	judge_by(b, false, "[" RULE(1, 80, "") "]");
	c = connected(b, true, 80);
	(void)say(&c, true, REQUEST);
	(void)say(&c, false, ANSWER);
	assert_int_equal(inspect_counts(b->in).breadth.opened, 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, bench_stop)

/*
 * Who makes the parser lose its place might ask for anything then: by rules of
 * requests that is refused, by others not.
 */
static void test_lost(void **state)
{
	static const struct {
		const char *more;
		int reason;
	} rows[] = {
		{ ALLOWED, -REASON_REQUEST },
		{ "", REASON_RULE },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < 2; i++) {
		char rules[300];
		struct conn c;

		(void)snprintf(rules, sizeof rules,
			       "[{\"id\":1,\"action\":\"allow\",\"ports\":"
			       "[\"80\"]%s}]",
			       rows[i].more);
		judge_by(b, false, rules);
		c = connected(b, true, 80);
		assert_int_equal(
			say(&c, true, "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"),
			REASON_RULE);
		assert_int_equal(say(&c, true, "\1\2\3\4\r\n\r\n"),
				 rows[i].reason);
		assert_int_equal(
			say(&c, true, "GET /no HTTP/1.1\r\nHost: a\r\n\r\n"),
			rows[i].reason);
	}
}

/* One that says next to nothing is told of all the same, after a while. */
static void test_says_little(void **state)
{
	struct bench *b = *state;
	struct connection_record r[2];
	struct conn c = connected(b, true, 9999);

	assert_int_equal(say(&c, true, "a"), REASON_RULE);
	assert_int_equal(say(&c, false, "b"), REASON_RULE);
	assert_int_equal(inspect_drain_connections(b->in, r, 2), 0);
	b->now = usec_add(b->now, REPORT_APP_WAIT_US);
	assert_int_equal(say(&c, true, "a"), REASON_RULE);
	assert_int_equal(inspect_drain_connections(b->in, r, 2), 1);
	assert_int_equal(r[0].server_port, 9999);
	assert_int_equal(r[0].application, 0);
	assert_int_equal(r[0].sessions, 1);
	assert_int_equal(session_of(&c).application, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_other_app),
		TEST(test_right_app),
		TEST(test_greeted),
		TEST(test_out_of_order),
		TEST(test_unidentified),
		TEST(test_over),
		TEST(test_off),
		TEST(test_tap),
		TEST(test_datagram),
		TEST(test_given_back),
		TEST(test_reports),
		TEST(test_request),
		TEST(test_pipelined),
		TEST(test_long_request),
		TEST(test_rejected_request),
		TEST(test_http2_request),
		TEST(test_http2_middle),
		TEST(test_http2_rejected),
		TEST(test_http2_kinds),
		TEST(test_alpn),
		TEST(test_threat),
		TEST(test_threat_actions),
		TEST(test_breadth),
		cmocka_unit_test_setup_teardown(test_says_little, start,
						bench_stop),
		TEST(test_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
