#include "proto/dns_talk.h"
#include "seed.h"
#include "talk.h"
#include "test.h"

#include <stdio.h>

#define BYTES(s) s, sizeof(s) - 1

/* At 12; "example" at 16, ends at 33. */
#define NAME	"\3WwW\7example\3com\0"
#define Q(type) NAME "\0" type "\0\1"
#define QUERY	"\0\7\1\0\0\1\0\0\0\0\0\0"
#define ANSWER	"\0\7\x81\x80\0\1\0\1\0\0\0\0"
/* A record of the question's name. */
#define RR(type, len, value) "\xc0\x0c\0" type "\0\1\0\0\0\x09\0" len value
#define ASKED(type) \
	"C dns.query www.example.com\nC dns.type " type "\nasked\nC ended\n"
#define ANSWERED(type, values)                                           \
	"S dns.query www.example.com\nS dns.type " type "\n" values "S " \
	"ended\n"

static const struct row {
	const char *name;
	const char *query;
	size_t query_len;
	const char *answer; /* NULL: none */
	size_t answer_len;
	const char *want; /* without the messages themselves */
} rows[] = {
	{ "CNAME, A", BYTES(QUERY Q("\1")),
	  BYTES("\0\7\x81\x80\0\1\0\2\0\0\0\0" Q("\1") RR(
		  "\5", "\4", "\1a\xc0\x10") RR("\1", "\4", "\x0a\0\0\1")),
	  "app dns\n" ASKED("A") ANSWERED("A", "S dns.answer a.example.com\n"
					       "S dns.answer 10.0.0.1\n") },
	{ "AAAA", BYTES(QUERY Q("\x1c")),
	  BYTES(ANSWER Q("\x1c") RR("\x1c", "\x10",
				    "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1")),
	  "app dns\n" ASKED("AAAA")
		  ANSWERED("AAAA", "S dns.answer 2001:db8::1\n") },
	{ "MX", BYTES(QUERY Q("\x0f")),
	  BYTES(ANSWER Q("\x0f") RR("\x0f", "\7", "\0\x0a\2mx\xc0\x10")),
	  "app dns\n" ASKED("MX")
		  ANSWERED("MX", "S dns.answer 10 mx.example.com\n") },
	{ "NS", BYTES(QUERY Q("\2")),
	  BYTES(ANSWER Q("\2") RR("\2", "\2", "\xc0\x10")),
	  "app dns\n" ASKED("NS")
		  ANSWERED("NS", "S dns.answer example.com\n") },
	{ "PTR", BYTES(QUERY Q("\x0c")),
	  BYTES(ANSWER Q("\x0c") RR("\x0c", "\3", "\1P\0")),
	  "app dns\n" ASKED("PTR") ANSWERED("PTR", "S dns.answer p\n") },
	{ "TXT", BYTES(QUERY Q("\x10")),
	  BYTES(ANSWER Q("\x10") RR("\x10", "\7", "\2v=\3a b")),
	  "app dns\n" ASKED("TXT") ANSWERED("TXT", "S dns.answer v=a b\n") },
	{ "SRV", BYTES(QUERY Q("\x21")),
	  BYTES(ANSWER Q("\x21")
			RR("\x21", "\x0a", "\0\1\0\2\1\xbb\1s\xc0\x10")),
	  "app dns\n" ASKED("SRV")
		  ANSWERED("SRV", "S dns.answer 1 2 443 s.example.com\n") },
	{ "HTTPS", BYTES(QUERY Q("\x41")),
	  BYTES(ANSWER Q("\x41") RR("\x41", "\x24",
				    "\0\1\0\0\1\0\6\2h2\2h3\0\3\0\2\x20\xfb"
				    "\0\4\0\4\x0a\0\0\1\0\2\0\0\0\7\0\1/")),
	  "app dns\n" ASKED("HTTPS")
		  ANSWERED("HTTPS", "S dns.answer 1 . alpn=h2,h3 port=8443 "
				    "ipv4hint=10.0.0.1 no-default-alpn "
				    "key7=2f\n") },
	{ "SOA", BYTES(QUERY Q("\6")),
	  BYTES(ANSWER Q("\6") RR("\6", "\x18",
				  "\xc0\x10\xc0\x0c\0\0\0\1\0\0\0\2"
				  "\0\0\0\3\0\0\0\4\0\0\0\5")),
	  "app dns\n" ASKED("SOA")
		  ANSWERED("SOA", "S dns.answer example.com www.example.com "
				  "1 2 3 4 5\n") },
	{ "another type", BYTES(QUERY Q("\xc8")),
	  BYTES(ANSWER Q("\xc8") RR("\xc8", "\2", "ab")),
	  "app dns\n" ASKED("TYPE200")
		  ANSWERED("TYPE200", "S dns.answer \\x5c# 2 6162\n") },
	{ "NULL", BYTES(QUERY Q("\x0a")),
	  BYTES(ANSWER Q("\x0a") RR("\x0a", "\1", "a")),
	  "app dns\nC dns.query www.example.com\nC dns.type NULL\n"
	  "C note dns.null\nasked\nC ended\n"
	  "S dns.query www.example.com\nS dns.type NULL\nS note dns.null\n"
	  "S dns.answer \\x5c# 1 61\nS ended\n" },
	{ "transfer", BYTES(QUERY Q("\xfc")), NULL, 0,
	  "app dns\nC dns.query www.example.com\nC dns.type AXFR\n"
	  "C note dns.transfer\nasked\nC ended\n" },
	{ "points in circles", BYTES(QUERY "\3www\xc0\x0c\0\1\0\1"), NULL, 0,
	  "app dns\nC note dns.loop\nasked\nC ended\n" },
	{ "a value that points in circles", BYTES(QUERY Q("\x0c")),
	  BYTES(ANSWER Q("\x0c") RR("\x0c", "\2", "\xc0\x2d")),
	  "app dns\n" ASKED("PTR") ANSWERED("PTR", "S note dns.loop\n") },
	{ "a value too short", BYTES(QUERY Q("\x0f")),
	  BYTES(ANSWER Q("\x0f") RR("\x0f", "\1", "\0")),
	  "app dns\n" ASKED("MX") ANSWERED("MX", "S note malformed\n") },
	{ "what follows the question is broken",
	  BYTES("\0\7\1\0\0\1\0\0\0\0\0\1" Q("\1") "\0\0\x29"),
	  BYTES(ANSWER Q("\1") RR("\1", "\4", "\x0a\0\0\1")),
	  "app dns\nC dns.query www.example.com\nC dns.type A\n"
	  "C note malformed\nasked\nC ended\n" ANSWERED(
		  "A", "S dns.answer 10.0.0.1\n") },
	{ "bytes behind it", BYTES(QUERY Q("\1") "more"), NULL, 0,
	  "app dns\n" ASKED("A") },
	{ "EDNS",
	  BYTES("\0\7\1\x20\0\1\0\0\0\0\0\1" Q(
		  "\1") "\0\0\x29\x04\xd0\0\0\0\0\0\0"),
	  NULL, 0, "app dns\n" ASKED("A") },
	{ "not DNS: reserved bit", BYTES("\0\7\1\x40\0\1\0\0\0\0\0\0" Q("\1")),
	  NULL, 0, "not dns" },
	{ "not DNS: class", BYTES(QUERY NAME "\0\1\0\7"), NULL, 0, "not dns" },
	{ "not DNS: a query that failed",
	  BYTES("\0\7\1\3\0\1\0\0\0\0\0\0" Q("\1")), NULL, 0, "not dns" },
};

/* Without the lines that have the messages themselves. */
static void brief(const char *heard, char *ret)
{
	while (*heard) {
		const char *end = strchr(heard, '\n') + 1;

		if (strncmp(heard + 1, " dns.message ", 13) != 0) {
			memcpy(ret, heard, (size_t)(end - heard));
			ret += end - heard;
		}
		heard = end;
	}
	*ret = 0;
}

static void expect(const char *name, struct talk *t, const char *want)
{
	static char text[TALK_TEXT_MAX];

	brief(talk_heard(t), text);
	if (strcmp(want, "not dns") == 0 ? strstr(text, "dns") != NULL
					 : strcmp(text, want) != 0)
		fail_msg("\"%s\":\n%swanted:\n%s", name, text, want);
	talk_free(t);
}

static void datagrams(void **state)
{
	(void)state;
	for (const struct row *r = rows; r < rows + ARRAY_LEN(rows); r++) {
		struct talk *t = talk_new(true, false);

		talk_say(t, PROTO_CLIENT, bytes_of(r->query, r->query_len));
		if (r->answer)
			talk_say(t, PROTO_SERVER,
				 bytes_of(r->answer, r->answer_len));
		expect(r->name, t, r->want);
	}
}

/* Behind its length, in chunks of at most `most` bytes. */
static void say_framed(struct talk *t, enum proto_side side, struct bytes b,
		       size_t most)
{
	size_t len = bytes_len(b);
	uint8_t all[65537] = { (uint8_t)(len >> 8), (uint8_t)len };

	memcpy(all + 2, b.begin, len);
	for (size_t at = 0; at < len + 2; at += most)
		talk_say(t, side,
			 bytes_of(all + at,
				  len + 2 - at < most ? len + 2 - at : most));
}

static void streams(void **state)
{
	static const size_t chunks[] = { 1, 2, 13, 1000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chunks); i++)
		for (const struct row *r = rows; r < rows + ARRAY_LEN(rows);
		     r++) {
			struct talk *t = talk_new(false, false);

			say_framed(t, PROTO_CLIENT,
				   bytes_of(r->query, r->query_len), chunks[i]);
			if (r->answer)
				say_framed(t, PROTO_SERVER,
					   bytes_of(r->answer, r->answer_len),
					   chunks[i]);
			expect(r->name, t, r->want);
		}
}

/* The whole transcript, with what a message's field is. */
static const struct talk_line one[] = {
	{ 'C', BYTES("\0\x13" QUERY "\1a\0\0\1\0\1"
		     "\0\x13\0\x08\1\0\0\1\0\0\0\0\0\0\1b\0\0\1\0\1") },
	{ 0 },
};

static void messages(void **state)
{
	(void)state;
	talk_check("two in a chunk", false, one,
		   "app dns\n"
		   "C dns.message \\x00\\x07\\x01\\x00\\x00\\x01\\x00\\x00\\x00"
		   "\\x00\\x00\\x00\\x01a\\x00\\x00\\x01\\x00\\x01\n"
		   "C dns.query a\nC dns.type A\nasked\nC ended\n"
		   "C dns.message \\x00\\x08\\x01\\x00\\x00\\x01\\x00\\x00\\x00"
		   "\\x00\\x00\\x00\\x01b\\x00\\x00\\x01\\x00\\x01\n"
		   "C dns.query b\nC dns.type A\nasked\nC ended\n");
}

/* mDNS: many questions, and answers that nobody asked for. */
static void multicast(void **state)
{
	static const char asks[] = "\0\0\0\0\0\2\0\0\0\0\0\0"
				   "\1a\5local\0\0\1\x80\1"
				   "\1b\xc0\x0e\0\x1c\0\1";
	static const char tells[] = "\0\0\x84\0\0\0\0\1\0\0\0\0"
				    "\1a\5local\0\0\1\x80\1\0\0\0\x78\0\4"
				    "\x0a\0\0\1";
	struct talk *t = talk_new(true, false);

	(void)state;
	talk_say(t, PROTO_CLIENT, bytes_of(BYTES(asks)));
	expect("asks", t,
	       "app dns\nC dns.query a.local\nC dns.type A\n"
	       "C dns.query b.local\nC dns.type AAAA\nasked\nC ended\n");
	t = talk_new(true, false);
	talk_say(t, PROTO_CLIENT, bytes_of(BYTES(tells)));
	expect("tells", t, "app dns\nC dns.answer 10.0.0.1\nC ended\n");
}

/* Long ones: a tunnel's bytes behind a message; a message nobody waits for. */
static void long_messages(void **state)
{
	static uint8_t all[40000];
	static const char query[] = QUERY Q("\1");
	static const char answer[] = ANSWER Q("\1")
		RR("\1", "\4", "\x0a\0\0\1");
	static uint8_t tail[3000];
	struct talk *t = talk_new(true, false);

	(void)state;
	memcpy(tail, answer, sizeof answer - 1);
	memcpy(all, query, sizeof query - 1);
	talk_say(t, PROTO_CLIENT, bytes_of(all, 3000));
	expect("overflow", t,
	       "app dns\nC dns.query www.example.com\nC dns.type A\n"
	       "C note dns.overflow\nasked\nC ended\n");
	t = talk_new(false, false);
	say_framed(t, PROTO_CLIENT, bytes_of(query, sizeof query - 1), 99);
	say_framed(t, PROTO_SERVER, bytes_of(tail, sizeof tail), 1400);
	say_framed(t, PROTO_SERVER, bytes_of(answer, sizeof answer - 1), 99);
	expect("overflow of an answer", t,
	       "app dns\n" ASKED(
		       "A") "S dns.query www.example.com\n"
			    "S dns.type A\nS note dns.overflow\n"
			    "S dns.answer 10.0.0.1\nS ended\n" ANSWERED(
				    "A", "S dns.answer 10.0.0.1\n"));
	t = talk_new(false, false);
	say_framed(t, PROTO_CLIENT, bytes_of(all, sizeof all), 1400);
	say_framed(t, PROTO_CLIENT, bytes_of(query, sizeof query - 1), 7);
	expect("limit", t,
	       "app dns\nC dns.query www.example.com\nC dns.type A\n"
	       "C note limit\nasked\nC ended\n" ASKED("A"));
}

/* Streams whose beginning was not seen, or that have a hole. */
static void gaps(void **state)
{
	struct bytes query = bytes_of(BYTES(QUERY Q("\1")));
	struct talk *t = talk_new(false, true);

	(void)state;
	talk_gap(t, PROTO_SERVER);
	talk_gap(t, PROTO_CLIENT);
	say_framed(t, PROTO_CLIENT, query, 99);
	/* the server's bytes begin within a message */
	talk_say(t, PROTO_SERVER, bytes_of("\0\7example\3com\0\0\1", 15));
	expect("middle", t, "app dns\n" ASKED("A") "lost\n");
	t = talk_new(false, false);
	say_framed(t, PROTO_CLIENT, query, 99);
	talk_gap(t, PROTO_CLIENT);
	say_framed(t, PROTO_CLIENT, query, 99);
	expect("hole", t, "app dns\n" ASKED("A") "lost\n");
}

/* A question that is refused says nothing of the next one. */
static void refused(void **state)
{
	struct talk *t = talk_new(true, false);

	(void)state;
	talk_refuse(t, 1);
	talk_say(t, PROTO_CLIENT, bytes_of(BYTES(QUERY Q("\1"))));
	talk_say(t, PROTO_CLIENT, bytes_of(BYTES(QUERY Q("\1"))));
	expect("refused", t,
	       "app dns\nC dns.query www.example.com\nC dns.type A\n"
	       "asked: no\nC dns.query www.example.com\nC dns.type A\n"
	       "asked\nC ended\n");
}

/* A header of random bytes, and whatever follows, is nobody's query. */
static void random_bytes(void **state)
{
	uint64_t random = seed_choose() | 1;
	uint8_t bytes[64];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct talk *t = talk_new(true, false);

		for (size_t k = 0; k < sizeof bytes; k++)
			bytes[k] = (uint8_t)seed_draw(&random, 256);
		talk_say(t, PROTO_CLIENT,
			 bytes_of(bytes, seed_draw(&random, sizeof bytes) + 1));
		assert_null(strstr(talk_heard(t), "dns"));
		talk_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams),	 cmocka_unit_test(streams),
		cmocka_unit_test(messages),	 cmocka_unit_test(multicast),
		cmocka_unit_test(long_messages), cmocka_unit_test(gaps),
		cmocka_unit_test(refused),	 cmocka_unit_test(random_bytes),
	};

	talk_parser = &proto_dns;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
