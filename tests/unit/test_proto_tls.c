/* What recordings (test_proto_talks.c) do not have: old, broken and hostile. */
#include "base/limits.h"
#include "proto/tls.h"
#include "talk.h"
#include "test.h"

#include <string.h>

#define BYTES(s) s, sizeof(s) - 1

#define RANDOM "0123456789abcdef0123456789abcdef"
/* Of 1.2 with one cipher and no extension: 41 bytes behind its length. */
#define CLIENT_HELLO   "\1\0\0\x29\3\3" RANDOM "\0\0\2\0\x2f\1\0"
#define SERVER_HELLO   "\2\0\0\x26\3\3" RANDOM "\0\0\x2f\0"
#define HELLO(version) "\x16\3" version "\0"
#define CLIENT	       HELLO("\3") "\x2d" CLIENT_HELLO
#define SERVER	       HELLO("\3") "\x2a" SERVER_HELLO
#define CCS	       "\x14\3\3\0\1\1"
#define SAYS_CLIENT                                                        \
	"C tls.version 1.2\nC ja3.hash fde4273625b2ac63bd01d9c500dac91b\n" \
	"C ja4 t12i010000_ba72b8082249_000000000000\nasked\nC ended\n"
#define SAYS_SERVER \
	"S tls.version 1.2\nS ja3s.hash 5397c414a9ebeaff1bf18b70ca22eaa0\n"

/* SSL 2.0's hello; 9 and 16 bytes behind the ciphers' lengths. */
#define SSL2(len, version, ciphers) \
	"\x80" len "\1" version "\0" ciphers "\0\0\0\x10"

static const struct {
	const char *name;
	struct talk_line lines[6];
	const char *want;
} rows[] = {
	{ "both, and encrypted",
	  { { 'C', BYTES(CLIENT) },
	    { 'S', BYTES(SERVER HELLO("\3") "\4\x0e\0\0\0") },
	    { 'C', BYTES(CCS "\x16\3\3\0\3abc") },
	    { 'S', BYTES(CCS) } },
	  "app tls\n" SAYS_CLIENT SAYS_SERVER "S ended\nover\n" },
	{ "resumed: the server's ChangeCipherSpec first",
	  { { 'C', BYTES(CLIENT) },
	    { 'S', BYTES(SERVER CCS "\x16\3\3\0\3abc") },
	    { 'C', BYTES(CCS) } },
	  "app tls\n" SAYS_CLIENT SAYS_SERVER "S ended\nover\n" },
	{ "a record for each byte",
	  { { 'C', BYTES("\x16\3\3\0\1\1\x16\3\3\0\3\0\0\x29\x16\3\3\0\x29"
			 "\3\3" RANDOM "\0\0\2\0\x2f\1\0") } },
	  "app tls\n" SAYS_CLIENT },
	{ "an alert between",
	  { { 'C', BYTES(CLIENT) }, { 'S', BYTES("\x15\3\3\0\2\2\x28") } },
	  "app tls\n" SAYS_CLIENT },
	{ "heartbleed",
	  { { 'C', BYTES(CLIENT) },
	    { 'S', BYTES(SERVER) },
	    { 'C', BYTES("\x18\3\3\0\3\1\x40\0") } },
	  "app tls\n" SAYS_CLIENT SAYS_SERVER "C note tls.heartbleed\n" },
	{ "a heartbeat as it should be",
	  { { 'C', BYTES(CLIENT) },
	    { 'S', BYTES(SERVER) },
	    { 'C', BYTES("\x18\3\3\0\x15\1\0\2ab0123456789abcdef") },
	    { 'S', BYTES("\x18\3\3\0\x15\2\0\2ab0123456789abcdef") } },
	  "app tls\n" SAYS_CLIENT SAYS_SERVER },
	{ "SSL 2.0, both",
	  { { 'C', BYTES(SSL2("\x1c", "\0\2", "\3") "abc0123456789abcdef") },
	    { 'S', BYTES("\x80\x05\4\0\1\0\2") } },
	  "app tls\nC tls.version ssl2\nC note tls.ssl2\nasked\nC ended\n"
	  "S tls.version ssl2\nS note tls.ssl2\nS ended\nover\n" },
	{ "SSL 2.0's hello for TLS 1.0",
	  { { 'C', BYTES(SSL2("\x1c", "\3\1", "\3") "abc0123456789abcdef") },
	    { 'S', BYTES(SERVER) } },
	  "app tls\nC tls.version 1.0\nC note tls.10\nasked\nC "
	  "ended\n" SAYS_SERVER },
	{ "SSL 2.0's ciphers end beyond it",
	  { { 'C', BYTES(SSL2("\x1c", "\0\2", "\x66") "abc") } },
	  "app tls\nC tls.version ssl2\nC note tls.ssl2\n"
	  "C note tls.ssl2_ciphers\nasked\nC ended\n" },
	{ "a hello that ends too early",
	  { { 'C', BYTES(HELLO("\1") "\x2d\1\0\0\x29\3\1" RANDOM
				     "\0\0\x09\0\x2f\1\0") } },
	  "app tls\nC note malformed\nC tls.version 1.0\nC note tls.10\n"
	  "C ja3.hash f5d1076d0d11b5cd81c4c4e8e8ee881a\n"
	  "C ja4 t10i000000_000000000000_000000000000\nasked\nC ended\n" },
	{ "another record in the middle of a message",
	  { { 'C', BYTES("\x16\3\3\0\x0a\1\0\0\x29\3\3"
			 "0123"
			 "\x15\3\3\0\2\2\0") } },
	  "app tls\nC note malformed\nlost\n" },
	{ "no record",
	  { { 'C', BYTES(CLIENT) }, { 'S', BYTES("HTTP/1.1 400\r\n") } },
	  "app tls\n" SAYS_CLIENT "lost\n" },
	{ "no record later",
	  { { 'C', BYTES(CLIENT "GET / HTTP/1.1\r\n") } },
	  "app tls\n" SAYS_CLIENT "C note malformed\nlost\n" },
	{ "not TLS: type",
	  { { 'C', BYTES("\x17\3\3\0\xf0\xff\xff") } },
	  "unknown\n" },
	{ "not TLS: version",
	  { { 'C', BYTES(HELLO("\3") "\x2d\1\0\0\x29\4\3" RANDOM) } },
	  "unknown\n" },
	{ "not TLS: message",
	  { { 'C', BYTES(HELLO("\3") "\x2d\2\0\0\x29\3\3" RANDOM) } },
	  "unknown\n" },
	{ "not SSL 2.0: lengths",
	  { { 'C', BYTES(SSL2("\x1d", "\0\2", "\3") "abc0123456789abcdef") } },
	  "unknown\n" },
};

static void lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

static void expect(const char *name, struct talk *t, const char *want)
{
	bool not_tls = strcmp(want, "unknown\n") == 0;

	if (not_tls ? strstr(talk_heard(t), "tls") != NULL
		    : strcmp(talk_heard(t), want) != 0)
		fail_msg("\"%s\":\n%swanted:\n%s", name, talk_heard(t), want);
	talk_free(t);
}

/* Its beginning was not seen. */
static void midstream(void **state)
{
	static const char one[] = "\x17\3\3\0\3abc";
	static const char part[] = "\x17\3\3\1\0abc";
	static const char other[] = "\x17\3\3\7\0abc";
	struct talk *t = talk_new(false, true);

	(void)state;
	talk_gap(t, PROTO_SERVER);
	talk_say(t, PROTO_SERVER, bytes_of(BYTES(one)));
	expect("whole record", t, "app tls\nover\n");
	t = talk_new(false, true);
	talk_say(t, PROTO_CLIENT, bytes_of(BYTES(part)));
	talk_say(t, PROTO_SERVER, bytes_of(BYTES(other)));
	expect("both sides", t, "app tls\nover\n");
	t = talk_new(false, true);
	talk_say(t, PROTO_CLIENT, bytes_of(BYTES(part)));
	talk_say(t, PROTO_SERVER, bytes_of(BYTES("HTTP/1.1")));
	expect("one side", t, "unknown\n");
	t = talk_new(false, false);
	talk_say(t, PROTO_CLIENT, bytes_of(BYTES(part)));
	expect("not at the beginning", t, "unknown\n");
}

static void gap(void **state)
{
	struct talk *t = talk_new(false, false);

	(void)state;
	talk_say(t, PROTO_CLIENT, bytes_of(BYTES(CLIENT)));
	talk_gap(t, PROTO_CLIENT);
	talk_say(t, PROTO_CLIENT, bytes_of(BYTES(CCS)));
	expect("gap", t, "app tls\n" SAYS_CLIENT "lost\n");
}

static void refused(void **state)
{
	struct talk *t = talk_new(false, false);

	(void)state;
	talk_refuse(t, 1);
	talk_say(t, PROTO_CLIENT, bytes_of(BYTES(CLIENT) - 1));
	assert_string_equal(talk_heard(t), "app tls\n");
	talk_say(t, PROTO_CLIENT, bytes_of("", 1));
	assert_non_null(strstr(talk_heard(t), "asked: no\nover\n"));
	talk_free(t);
}

/* A name hidden behind more than is waited for: asked about without it. */
static void limits(void **state)
{
	static uint8_t hello[5 + 16384] = { 0x16, 3,	3, 0x40, 0, 1,
					    0,	  0x50, 0, 3,	 3 };
	static const uint8_t crumb[] = { 0x16, 3, 3, 0, 1, 0 };
	struct talk *t = talk_new(false, false);
	size_t n;

	(void)state;
	talk_say(t, PROTO_CLIENT, bytes_of(hello, sizeof hello));
	expect("long", t, "app tls\nC note limit\nasked\nC ended\nlost\n");

	t = talk_new(false, false);
	hello[7] = 0x3f;
	hello[3] = 0;
	hello[4] = 6;
	talk_say(t, PROTO_CLIENT, bytes_of(hello, 11));
	for (n = 0; n < 16384 && !strstr(talk_heard(t), "lost"); n++)
		talk_say(t, PROTO_CLIENT, bytes_of(crumb, sizeof crumb));
	assert_true(n * sizeof crumb > TLS_UNREAD_MAX - 32);
	expect("crumbs", t, "app tls\nC note limit\nasked\nC ended\nlost\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),  cmocka_unit_test(midstream),
		cmocka_unit_test(gap),	  cmocka_unit_test(refused),
		cmocka_unit_test(limits),
	};

	talk_parser = &proto_tls;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
