/*
 * What an honest client and server say is in talks/http2/ (test_proto_talks.c).
 * Here is what they would not: frames and heads that no RFC allows, floods, what
 * is meant to be read otherwise by a server.
 */
#include "base/limits.h"
#include "proto/http2.h"
#include "talk.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define DATA	     0
#define HEADERS	     1
#define PRIORITY     2
#define RST_STREAM   3
#define SETTINGS     4
#define PUSH_PROMISE 5
#define PING	     6
#define CONTINUATION 9

#define END_STREAM  1
#define ACK	    1
#define END_HEADERS 4
#define PADDED	    8
#define WITH_END    (END_HEADERS | END_STREAM)

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/* Bytes of a side. */
struct said {
	uint8_t bytes[128u << 10];
	struct outbytes o;
};

static struct said client, server;

static void frame(struct said *s, uint8_t type, uint8_t flags, uint32_t stream,
		  const void *payload, size_t len)
{
	put_u8(&s->o, (uint8_t)(len >> 16));
	put_be16(&s->o, (uint16_t)len);
	put_u8(&s->o, type);
	put_u8(&s->o, flags);
	put_be32(&s->o, stream);
	if (len > 0)
		put_copy(&s->o, payload, len);
	assert_false(s->o.full);
}

static void begin(void)
{
	client.o = outbytes_of(client.bytes, sizeof client.bytes);
	server.o = outbytes_of(server.bytes, sizeof server.bytes);
	put_copy(&client.o, preface, sizeof preface - 1);
	frame(&client, SETTINGS, 0, 0, NULL, 0);
	frame(&server, SETTINGS, 0, 0, NULL, 0);
}

/* ":method GET", ":scheme http", ":authority h", without the table. */
#define HEAD "\x82\x86\1\1h"
#define HOST "C http.header host: h\\x0d\\x0a\n"

static void ask(uint32_t stream, uint8_t flags, const char *path)
{
	char block[64];
	int n = snprintf(block, sizeof block, HEAD "\4%c%s", (int)strlen(path),
			 path);

	frame(&client, HEADERS, flags, stream, block, (size_t)n);
}

#define REQUEST(path, more)                                                    \
	"C http.method GET\nC http.uri.raw " path "\nC http.uri " path         \
	"\nC http.path " path "\nC http.protocol HTTP/2\nC http.host h\n" more \
	"asked\n"
#define ASKED(path) REQUEST(path, HOST)

static const struct talk_line *lines(void)
{
	static struct talk_line all[3];

	all[0] = (struct talk_line){ 'C', (const char *)client.bytes,
				     outbytes_len(&client.o) };
	all[1] = (struct talk_line){ 'S', (const char *)server.bytes,
				     outbytes_len(&server.o) };
	return all;
}

static void check(const char *name, const char *want)
{
	talk_check(name, false, lines(), want);
}

/* --- heads ---------------------------------------------------------------- */

/* Literals with a name of their own: no table. */
#define FIELD(n, name, v, value) "\0" n name v value

static const struct {
	const char *name, *block;
	size_t len;
	const char *want;
} heads[] = {
#define ROW(name, block, want)                       \
	{                                            \
		name, block, sizeof(block) - 1, want \
	}
	ROW("as it should be", HEAD "\x84", ASKED("/")),
	ROW("two paths", HEAD "\x84\x85",
	    "C note malformed\nC http.method GET\n"
	    "C http.uri.raw /index.html~\nC http.uri /index.html~\n"
	    "C http.path /index.html~\nC http.protocol HTTP/2\nC http.host "
	    "h\n" HOST "asked\n"),
	ROW("no path", HEAD,
	    "C note malformed\nC http.method GET\nC http.path ~\n"
	    "C http.protocol HTTP/2\nC http.host h\n" HOST "asked\n"),
	ROW("a path that is none", HEAD "\4\1x",
	    "C note malformed\nC http.method GET\nC http.uri.raw x~\n"
	    "C http.uri x~\nC http.path x~\nC http.protocol HTTP/2\n"
	    "C http.host h\n" HOST "asked\n"),
	ROW("no method", "\x86\x84\1\1h",
	    "C note malformed\nC http.uri.raw /~\nC http.uri /~\n"
	    "C http.path /~\nC http.protocol HTTP/2\nC http.host h\n" HOST
	    "asked\n"),
	ROW("a status in a request", HEAD "\x84\x88",
	    "C note malformed\nC http.method GET\nC http.uri.raw /~\n"
	    "C http.uri /~\nC http.path /~\nC http.protocol HTTP/2\n"
	    "C http.host h\n" HOST "asked\n"),
	ROW("a pseudo-field that nobody knows",
	    HEAD "\x84" FIELD("\2", ":x", "\1", "y"),
	    "C note malformed\nC http.method GET\nC http.uri.raw /~\n"
	    "C http.uri /~\nC http.path /~\nC http.protocol HTTP/2\n"
	    "C http.host h\n" HOST "asked\n"),
	ROW("a pseudo-field behind others",
	    "\x82\x86\1\1h" FIELD("\1", "a", "\1", "b") "\x84",
	    "C note malformed\nC http.method GET\nC http.uri.raw /~\n"
	    "C http.uri /~\nC http.path /~\nC http.protocol HTTP/2\n"
	    "C http.host h\n"
	    "C http.header host: h\\x0d\\x0aa: b\\x0d\\x0a\nasked\n"),
	ROW("a name in upper case", HEAD "\x84" FIELD("\1", "A", "\1", "b"),
	    "C note malformed\nC http.method GET\nC http.uri.raw /~\n"
	    "C http.uri /~\nC http.path /~\nC http.protocol HTTP/2\n"
	    "C http.host h\n"
	    "C http.header host: h\\x0d\\x0aA: b\\x0d\\x0a\nasked\n"),
	ROW("a host beside another authority",
	    HEAD "\x84" FIELD("\4", "host", "\1", "x"),
	    "C note malformed\nC http.method GET\nC http.uri.raw /~\n"
	    "C http.uri /~\nC http.path /~\nC http.protocol HTTP/2\n"
	    "C http.host x\nC http.host h\n"
	    "C http.header host: x\\x0d\\x0a\nasked\n"),
	ROW("the same host", HEAD "\x84" FIELD("\4", "host", "\4", "H:80"),
	    REQUEST("/", "C http.header host: H:80\\x0d\\x0a\n")),
	ROW("a host instead", "\x82\x86\x84" FIELD("\4", "host", "\2", "Ab"),
	    "C http.method GET\nC http.uri.raw /\nC http.uri /\nC http.path /\n"
	    "C http.protocol HTTP/2\nC http.host ab\n"
	    "C http.header host: Ab\\x0d\\x0a\nasked\n"),
	ROW("a line's end in a value",
	    HEAD "\x84" FIELD("\1", "a", "\5", "b\r\nc:"),
	    "C note http.smuggling\nC note malformed\nC http.method GET\n"
	    "C http.uri.raw /~\nC http.uri /~\nC http.path /~\n"
	    "C http.protocol HTTP/2\nC http.host h\n"
	    "C http.header host: h\\x0d\\x0aa: "
	    "b\\x0d\\x0ac:\\x0d\\x0a\nasked\n"),
	ROW("chunks",
	    HEAD "\x84" FIELD("\x11", "transfer-encoding", "\7", "chunked"),
	    "C note http.smuggling\nC note malformed\nC http.method GET\n"
	    "C http.uri.raw /~\nC http.uri /~\nC http.path /~\n"
	    "C http.protocol HTTP/2\nC http.host h\n"
	    "C http.header host: h\\x0d\\x0a"
	    "transfer-encoding: chunked\\x0d\\x0a\nasked\n"),
	ROW("a connection's header",
	    HEAD "\x84" FIELD("\xa", "connection", "\1", "x"),
	    "C note malformed\n" REQUEST("/", "C http.header host: h\\x0d\\x0a"
					      "connection: x\\x0d\\x0a\n")),
	ROW("a length without a body",
	    HEAD "\x84" FIELD("\xe", "content-length", "\1", "1"),
	    REQUEST("/",
		    "C http.header host: h\\x0d\\x0a"
		    "content-length: 1\\x0d\\x0a\n") "C note http.smuggling\n"),
	ROW("two lengths",
	    HEAD "\x84" FIELD("\xe", "content-length", "\1", "0")
		    FIELD("\xe", "content-length", "\1", "1"),
	    "C note http.smuggling\nC note malformed\nC http.method GET\n"
	    "C http.uri.raw /~\nC http.uri /~\nC http.path /~\n"
	    "C http.protocol HTTP/2\nC http.host h\n"
	    "C http.header host: h\\x0d\\x0acontent-length: 0\\x0d\\x0a"
	    "content-length: 1\\x0d\\x0a\nasked\n"),
#undef ROW
};

static void odd_heads(void **state)
{
	char want[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		begin();
		frame(&client, HEADERS, WITH_END, 1, heads[i].block,
		      heads[i].len);
		(void)snprintf(want, sizeof want, "app http2\n%sC ended\n",
			       heads[i].want);
		check(heads[i].name, want);
	}
}

static void cookies_and_path(void **state)
{
	static const char block[] = HEAD
		"\4\x12/a/..%2f%2e./%41?b" FIELD("\6", "cookie", "\3", "a=1")
			FIELD("\6", "cookie", "\3", "b=2");

	(void)state;
	begin();
	frame(&client, HEADERS, WITH_END, 1, block, sizeof block - 1);
	check("cookies in crumbs, a path that is not plain",
	      "app http2\n"
	      "C http.method GET\n"
	      "C http.uri.raw /a/..%2f%2e./%41?b\n"
	      "C note http.traversal\n"
	      "C http.uri /A?b\n"
	      "C http.path /A\n"
	      "C http.protocol HTTP/2\n"
	      "C http.host h\n"
	      "C http.cookie a=1; b=2\n" HOST "asked\n"
	      "C ended\n");
}

/* --- streams ---------------------------------------------------------------- */

static void mixed(void **state)
{
	(void)state;
	begin();
	ask(1, END_HEADERS, "/a");
	ask(3, END_HEADERS, "/b");
	frame(&client, DATA, 0, 1, "one", 3);
	frame(&client, DATA, 0, 1, " more", 5);
	frame(&client, DATA, END_STREAM, 3, "three", 5);
	frame(&client, DATA, END_STREAM, 1, "!", 1);
	/* clang-format off */
	check("two requests at a time",
	      "app http2\n"
	      ASKED("/a") "C ended\n"
	      ASKED("/b") "C ended\n"
	      ASKED("/a") "C http.request_body one more\nC ended\n"
	      ASKED("/b") "C http.request_body three\nC ended\n"
	      /* not told a third time for one byte */
	      "C note http2.streams\nC http.request_body !\nC ended\n");
	/* clang-format on */
}

static void refused(void **state)
{
	struct talk *t = talk_new(false, false);

	(void)state;
	begin();
	ask(1, WITH_END, "/a");
	ask(3, WITH_END, "/b");
	ask(5, WITH_END, "/c");
	talk_refuse(t, 2);
	talk_say(t, PROTO_CLIENT,
		 bytes_of(client.bytes, outbytes_len(&client.o)));
	talk_say(t, PROTO_CLIENT, bytes_of("x", 1));
	assert_string_equal(
		talk_heard(t),
		"app http2\n" ASKED(
			"/a") "C ended\n"
			      "C http.method GET\nC http.uri.raw /b\n"
			      "C http.uri /b\nC http.path /b\n"
			      "C http.protocol HTTP/2\nC http.host h\n" HOST
			      "asked: no\nover\n");
	talk_free(t);
}

static void many_streams(void **state)
{
	struct talk *t = talk_new(false, false);
	const char *at;
	unsigned n = 0;

	(void)state;
	begin();
	for (uint32_t i = 0; i <= HTTP2_BODIES_MAX; i++)
		ask(2 * i + 1, END_HEADERS, "/");
	frame(&client, DATA, END_STREAM, 2 * HTTP2_BODIES_MAX + 1, "body", 4);
	talk_say(t, PROTO_CLIENT,
		 bytes_of(client.bytes, outbytes_len(&client.o)));
	for (at = talk_heard(t); (at = strstr(at, "asked\n")); at++)
		n++;
	assert_int_equal(n, HTTP2_BODIES_MAX + 1);
	at = strstr(talk_heard(t), "C note http2.streams\n");
	assert_non_null(at);
	assert_string_equal(at, "C note http2.streams\n"
				"C http.request_body body\nC ended\n");
	talk_free(t);
}

static void lengths(void **state)
{
	static const char block[] = HEAD
		"\x84" FIELD("\xe", "content-length", "\1", "3");
#define POSTED(more)                                                 \
	"app http2\n" REQUEST("/", "C http.header host: h\\x0d\\x0a" \
				   "content-length: 3\\x0d\\x0a\n") more

	(void)state;
	begin();
	frame(&client, HEADERS, END_HEADERS, 1, block, sizeof block - 1);
	frame(&client, DATA, END_STREAM, 1, "abc", 3);
	check("as long as was said",
	      POSTED("C http.request_body abc\nC ended\n"));
	begin();
	frame(&client, HEADERS, END_HEADERS, 1, block, sizeof block - 1);
	frame(&client, DATA, END_STREAM, 1, "ab", 2);
	check("shorter", POSTED("C note http.smuggling\n"
				"C http.request_body ab\nC ended\n"));
	begin();
	frame(&client, HEADERS, END_HEADERS, 1, block, sizeof block - 1);
	frame(&client, DATA, 0, 1, "abc", 3);
	frame(&client, DATA, END_STREAM, 1, "d", 1);
	check("longer", POSTED("C note http.smuggling\n"
			       "C http.request_body abcd\nC ended\n"));
}

/* --- frames ----------------------------------------------------------------- */

#define UNKNOWN "C http.path ~\nasked\nC ended\nlost\n"

static void padding(void **state)
{
	(void)state;
	begin();
	frame(&client, HEADERS, END_HEADERS | PADDED | 0x20, 1,
	      "\2\0\0\0\0\x10" HEAD "\x84xx", 6 + sizeof HEAD + 2);
	frame(&client, DATA, PADDED, 1, "\3abcxyz", 7);
	frame(&client, DATA, END_STREAM | PADDED, 1, "\1x", 2);
	check("padded",
	      "app http2\n" ASKED("/") "C http.request_body abc\nC ended\n");
	begin();
	frame(&client, DATA, PADDED, 1, "\4abc", 4);
	check("more padding than there is of DATA",
	      "app http2\nC note malformed\n" UNKNOWN);
	begin();
	frame(&client, DATA, PADDED, 1, "", 0);
	check("not even its length", "app http2\nC note malformed\n" UNKNOWN);
	begin();
	frame(&client, HEADERS, WITH_END | PADDED, 1, "\7" HEAD "\x84",
	      sizeof HEAD + 1);
	check("more padding than there is of HEADERS",
	      "app http2\nC note malformed\n" UNKNOWN);
}

static void places(void **state)
{
	static const struct {
		const char *name;
		uint8_t type;
		uint32_t stream;
	} rows[] = {
		{ "a head of no stream", HEADERS, 0 },
		{ "a head of the server's stream", HEADERS, 2 },
		{ "DATA of no stream", DATA, 0 },
		{ "a continuation of nothing", CONTINUATION, 1 },
		{ "a client that promises", PUSH_PROMISE, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin();
		frame(&client, rows[i].type, WITH_END, rows[i].stream,
		      HEAD "\x84", sizeof HEAD);
		check(rows[i].name, "app http2\nC note malformed\n" UNKNOWN);
	}
}

static void continued(void **state)
{
	(void)state;
	begin();
	frame(&client, HEADERS, END_STREAM, 1, HEAD, 2);
	frame(&client, CONTINUATION, 0, 1, "", 0);
	frame(&client, CONTINUATION, 0, 1, HEAD + 2, 2);
	frame(&client, CONTINUATION, END_HEADERS, 1, "h\x84", 2);
	check("a head in four frames", "app http2\n" ASKED("/") "C ended\n");
	begin();
	frame(&client, HEADERS, END_STREAM, 1, HEAD, 2);
	frame(&client, PING, 0, 0, "12345678", 8);
	check("another frame between", "app http2\nC note malformed\n" UNKNOWN);
	begin();
	frame(&client, HEADERS, END_STREAM, 1, HEAD, 2);
	frame(&client, CONTINUATION, END_HEADERS, 3, HEAD + 2, 3);
	check("another stream's", "app http2\nC note malformed\n" UNKNOWN);
	begin();
	frame(&client, HEADERS, END_STREAM, 1, HEAD, sizeof HEAD - 1);
	for (unsigned i = 0; i <= HTTP2_CONTINUATIONS_MAX; i++)
		frame(&client, CONTINUATION, 0, 1, "", 0);
	check("a flood of them", "app http2\nC note http2.head\n" UNKNOWN);
}

static void too_long(void **state)
{
	static const uint8_t zeros[HTTP2_BLOCK_MAX];
	struct talk *t = talk_new(false, false);

	(void)state;
	begin();
	frame(&client, HEADERS, WITH_END, 1, zeros, sizeof zeros);
	/* it is not waited for */
	talk_say(t, PROTO_CLIENT, bytes_of(client.bytes, 24 + 9 + 9));
	assert_string_equal(talk_heard(t),
			    "app http2\nC note http2.head\n" UNKNOWN);
	talk_free(t);
}

static void not_a_preface(void **state)
{
	struct talk *t = talk_new(false, false);

	(void)state;
	talk_only(t, &proto_http2);
	talk_say(t, PROTO_CLIENT, bytes_of("GET / HTTP/1.1\r\n\r\n", 18));
	assert_string_equal(talk_heard(t),
			    "app http2\nC note malformed\n" UNKNOWN);
	talk_free(t);
}

/* --- header compression ------------------------------------------------------ */

static void bomb(void **state)
{
	static uint8_t block[5000];
	struct outbytes o = outbytes_of(block, sizeof block);
	struct talk *t = talk_new(false, false);

	(void)state;
	begin();
	/* a field of 4,000 bytes in the table, and then 30 times its number */
	put_copy(&o, HEAD "\x84\x40\1a\x7f\xa1\x1e", sizeof HEAD + 6);
	for (unsigned i = 0; i < 4000; i++)
		put_u8(&o, 'b');
	for (unsigned i = 0; i < 30; i++)
		put_u8(&o, 0xbe);
	frame(&client, HEADERS, WITH_END, 1, block, outbytes_len(&o));
	ask(3, WITH_END, "/next");
	talk_unwanted(t, FIELD_HTTP_HEADER);
	talk_say(t, PROTO_CLIENT,
		 bytes_of(client.bytes, outbytes_len(&client.o)));
	assert_string_equal(
		talk_heard(t),
		"app http2\nC note http2.hpack\nC note malformed\n"
		"C http.method GET\nC http.uri.raw /~\nC http.uri /~\n"
		"C http.path /~\nC http.protocol HTTP/2\nC http.host h\nasked\n"
		"C ended\n"
		/* and what follows is understood */
		"C http.method GET\nC http.uri.raw /next\nC http.uri /next\n"
		"C http.path /next\nC http.protocol HTTP/2\nC http.host h\n"
		"asked\nC ended\n");
	talk_free(t);
}

static void broken_heads(void **state)
{
	static const struct {
		const char *name, *block;
		size_t len;
	} rows[] = {
		{ "number 0", "\x80", 1 },
		{ "a number that nothing has", "\xff\x7f", 2 },
		{ "a number without end", "\xff\xff\xff\xff\xff\xff\xff", 7 },
		{ "a text that goes beyond it", "\0\5ab", 4 },
		{ "a Huffman code that is none", "\0\x84\xff\xff\xff\xff", 6 },
		/* 16,385 */
		{ "a table larger than is followed", "\x3f\xe2\x7f\x84", 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin();
		frame(&client, HEADERS, WITH_END, 1, rows[i].block,
		      rows[i].len);
		check(rows[i].name, "app http2\nC note http2.hpack\n" UNKNOWN);
	}
	begin();
	/* 16,384 */
	frame(&client, HEADERS, WITH_END, 1, "\x3f\xe1\x7f" HEAD "\x84",
	      3 + sizeof HEAD);
	check("a table that is followed", "app http2\n" ASKED("/") "C ended\n");
}

/* The server's table is lost: the client is understood all the same. */
static void deaf_to_server(void **state)
{
	struct talk *t = talk_new(false, false);

	(void)state;
	begin();
	ask(1, WITH_END, "/a");
	frame(&server, HEADERS, WITH_END, 1, "\x80", 1);
	talk_say(t, PROTO_CLIENT,
		 bytes_of(client.bytes, outbytes_len(&client.o)));
	talk_say(t, PROTO_SERVER,
		 bytes_of(server.bytes, outbytes_len(&server.o)));
	talk_gap(t, PROTO_SERVER);
	talk_say(t, PROTO_SERVER, bytes_of("x", 1));
	begin();
	client.o = outbytes_of(client.bytes, sizeof client.bytes);
	ask(3, WITH_END, "/b");
	talk_say(t, PROTO_CLIENT,
		 bytes_of(client.bytes, outbytes_len(&client.o)));
	assert_string_equal(
		talk_heard(t),
		"app http2\n" ASKED("/a") "C ended\n"
					  "S note http2.hpack\n" ASKED(
						  "/b") "C ended\n");
	talk_gap(t, PROTO_CLIENT);
	talk_say(t, PROTO_CLIENT, bytes_of("x", 1));
	assert_non_null(strstr(talk_heard(t), "C ended\nlost\n"));
	talk_free(t);
}

/* --- floods ------------------------------------------------------------------ */

static unsigned floods_heard(unsigned n, uint8_t type, uint8_t flags,
			     uint32_t stream, size_t len)
{
	struct talk *t = talk_new(false, false);
	unsigned heard = 0;

	begin();
	for (unsigned i = 0; i < n; i++)
		frame(&client, type, flags, stream, "\0\0\0\0\0\0\0\0", len);
	talk_say(t, PROTO_CLIENT,
		 bytes_of(client.bytes, outbytes_len(&client.o)));
	for (const char *at = talk_heard(t);
	     (at = strstr(at, "C note http2.flood\n")); at++)
		heard++;
	assert_null(strstr(talk_heard(t), "lost"));
	talk_free(t);
	return heard;
}

static void floods(void **state)
{
	static const struct {
		const char *name;
		unsigned most;
		uint8_t type, flags;
		uint32_t stream;
		size_t len;
	} rows[] = {
		/* the preface has one */
		{ "settings", HTTP2_IDLE_MAX - 1, SETTINGS, 0, 0, 0 },
		{ "priorities", HTTP2_IDLE_MAX - 1, PRIORITY, 0, 1, 5 },
		{ "empty data", HTTP2_IDLE_MAX - 1, DATA, 0, 1, 0 },
		{ "frames of no type", HTTP2_IDLE_MAX - 1, 77, 0, 0, 3 },
		{ "pings", HTTP2_PINGS_MAX, PING, 0, 0, 8 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_row(rows[i].name,
			   floods_heard(rows[i].most, rows[i].type,
					rows[i].flags, rows[i].stream,
					rows[i].len) == 0);
		assert_row(rows[i].name,
			   floods_heard(3 * rows[i].most, rows[i].type,
					rows[i].flags, rows[i].stream,
					rows[i].len) == 1);
	}
	assert_int_equal(floods_heard(3 * HTTP2_PINGS_MAX, PING, ACK, 0, 8), 0);
}

/* every: of so many requests one is taken back. */
static bool is_reset_flood(unsigned n, unsigned every)
{
	struct talk *t = talk_new(false, false);
	bool heard;

	begin();
	for (unsigned i = 0; i < n; i++) {
		ask(2 * i + 1, WITH_END, "/");
		if (i % every == 0)
			frame(&client, RST_STREAM, 0, 2 * i + 1, "\0\0\0\x8",
			      4);
	}
	talk_say(t, PROTO_CLIENT,
		 bytes_of(client.bytes, outbytes_len(&client.o)));
	heard = strstr(talk_heard(t), "C note http2.flood\n");
	talk_free(t);
	return heard;
}

static void resets(void **state)
{
	(void)state;
	assert_false(is_reset_flood(HTTP2_RESETS_FREE, 1));
	assert_true(is_reset_flood(HTTP2_RESETS_FREE + 1, 1));
	assert_false(is_reset_flood(3 * HTTP2_RESETS_FREE, 3));
}

/* --- both kinds on a connection ------------------------------------------------ */

static void kinds(void **state)
{
	static const char block[] =
		"\x83\x86\1\1h"
		"\4\7/a.B/Cd" FIELD("\xc", "content-type", "\x16",
				    "application/grpc+proto");
#define GRPC                                                                   \
	"C http.method POST\nC http.uri.raw /a.B/Cd\nC http.uri /a.B/Cd\n"     \
	"C http.path /a.B/Cd\nC http.protocol HTTP/2\nC http.host h\n"         \
	"C http.content_type application/grpc+proto\n"                         \
	"C http.header host: h\\x0d\\x0a"                                      \
	"content-type: application/grpc+proto\\x0d\\x0a\nC grpc.service a.B\n" \
	"C grpc.method Cd\n"

	(void)state;
	begin();
	ask(1, WITH_END, "/a");
	frame(&client, HEADERS, END_HEADERS, 3, block, sizeof block - 1);
	/* an empty message, one of 3 bytes in two frames, half of one */
	frame(&client, DATA, 0, 3, "\0\0\0\0\0\0\0\0\0\3a", 11);
	frame(&client, DATA, 0, 3, "bc\0\0\0\0\5de", 9);
	frame(&client, DATA, END_STREAM, 3, "", 0);
	ask(5, WITH_END, "/b");
	/* clang-format off */
	check("http2, gRPC, http2",
	      "app http2\n"
	      ASKED("/a") "C ended\n"
	      GRPC "known grpc\nasked\n"
	      "C grpc.message abc\nC grpc.message de\nC ended\n"
	      REQUEST("/b", HOST "known http2\n") "C ended\n");
	/* clang-format on */
}

static void server_first(void **state)
{
	struct talk *t = talk_new(false, false);

	(void)state;
	begin();
	ask(1, WITH_END, "/");
	frame(&server, HEADERS, END_HEADERS, 1, "\x88", 1);
	frame(&server, DATA, END_STREAM, 1, "ok", 2);
	/* its SETTINGS, before the client has said anything */
	talk_say(t, PROTO_SERVER, bytes_of(server.bytes, 9));
	talk_say(t, PROTO_CLIENT,
		 bytes_of(client.bytes, outbytes_len(&client.o)));
	talk_say(t, PROTO_SERVER,
		 bytes_of(server.bytes + 9, outbytes_len(&server.o) - 9));
	assert_string_equal(
		talk_heard(t),
		"app http2\n" ASKED(
			"/") "C ended\n"
			     "S http.stat_code 200\nS http.response_body ok\n"
			     "S ended\n");
	talk_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_heads),
		cmocka_unit_test(cookies_and_path),
		cmocka_unit_test(mixed),
		cmocka_unit_test(refused),
		cmocka_unit_test(many_streams),
		cmocka_unit_test(lengths),
		cmocka_unit_test(padding),
		cmocka_unit_test(places),
		cmocka_unit_test(continued),
		cmocka_unit_test(too_long),
		cmocka_unit_test(not_a_preface),
		cmocka_unit_test(bomb),
		cmocka_unit_test(broken_heads),
		cmocka_unit_test(deaf_to_server),
		cmocka_unit_test(floods),
		cmocka_unit_test(resets),
		cmocka_unit_test(kinds),
		cmocka_unit_test(server_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
