/*
 * Connections: what several buffers, requests, packets and rules have to do with
 * each other; and what happens at the limits.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/packet.h"
#include "sigs.h"
#include "test.h"
#include "wire/app.h"

#define ANY "any any -> any any "
#define C   PROTO_CLIENT
#define S   PROTO_SERVER

static void ended(struct sigs *s, enum proto_side side)
{
	sig_ended(s->scanner, s->flow, side);
}

#define assert_told(s, want) assert_string_equal(sigs_told(s), want)

/* All buffers of a rule, in any order, within one request. */
static void test_request(void **state)
{
	struct sigs *s = sigs_new(
		"alert http " ANY "(http.method; content:\"POST\"; http.uri; "
		"content:\"/admin\"; http.host; content:!\"good\"; sid:1;)\n"
		"alert http " ANY "(http.uri; content:\"/admin\"; sid:2;)\n"
		"alert http " ANY "(http.user_agent; pcre:\"/^curl/\"; "
		"http.uri; content:\"/a\"; sid:3;)\n",
		false);

	sig_known(s->scanner, s->flow, APP_HTTP);
	sigs_field(s, C, FIELD_HTTP_METHOD, "POST");
	sigs_field(s, C, FIELD_HTTP_HOST, "bad");
	assert_told(s, "");
	sigs_field(s, C, FIELD_HTTP_URI, "/x/admin");
	assert_told(s, "1 2");
	ended(s, C);
	/* the trigger first, the others later */
	sigs_field(s, C, FIELD_HTTP_URI, "/x/admin");
	assert_told(s, "2");
	sigs_field(s, C, FIELD_HTTP_METHOD, "POST");
	assert_told(s, "");
	sigs_field(s, C, FIELD_HTTP_HOST, "bad");
	assert_told(s, "1");
	sigs_field(s, C, FIELD_HTTP_USER_AGENT, "curl/8");
	assert_told(s, "3");
	ended(s, C);
	/* nothing is left of the request before */
	sigs_field(s, C, FIELD_HTTP_METHOD, "POST");
	ended(s, C);
	sigs_field(s, C, FIELD_HTTP_URI, "/x/admin");
	sigs_field(s, C, FIELD_HTTP_HOST, "bad");
	ended(s, C);
	assert_told(s, "2");
	/* what may not be there is; what is not there matches nothing */
	sigs_field(s, C, FIELD_HTTP_METHOD, "POST");
	sigs_field(s, C, FIELD_HTTP_URI, "/x/admin");
	sigs_field(s, C, FIELD_HTTP_HOST, "a good one");
	ended(s, C);
	assert_told(s, "2");
	sigs_field(s, C, FIELD_HTTP_METHOD, "POST");
	sigs_field(s, C, FIELD_HTTP_URI, "/x/admin");
	ended(s, C);
	assert_told(s, "2");
	sigs_free(s);
}

/* Headers come in many pieces, a body after them. */
static void test_headers(void **state)
{
	static const char *const lines[] = { "Host: a\r\n", "X-Evil: on",
					     "e\r\n", "Accept: *\r\n" };
	struct sigs *s = sigs_new(
		"alert http " ANY
		"(http.header; content:\"X-Evil|3a| one|0d|\";"
		" content:\"Accept\"; distance:1; sid:1;)\n"
		"alert http " ANY "(http.header; content:\"Host\"; startswith; "
		"content:!\"Cookie\"; sid:2;)\n"
		"alert http " ANY
		"(http.request_body; content:\"a long body\"; "
		"http.header; content:\"X-Evil\"; sid:3;)\n"
		"alert http " ANY
		"(http.header; content:\"*|0d 0a|\"; endswith; "
		"sid:4;)\n",
		false);

	sig_known(s->scanner, s->flow, APP_HTTP);
	for (unsigned round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_LEN(lines); i++)
			sigs_piece(s, C, FIELD_HTTP_HEADER,
				   bytes_of(lines[i], strlen(lines[i])), i == 0,
				   false);
		assert_told(s, "");
		sigs_piece(s, C, FIELD_HTTP_HEADER, bytes_of("", 0), false,
			   true);
		assert_told(s, "1 2 4");
		sigs_piece(s, C, FIELD_HTTP_REQUEST_BODY,
			   bytes_of("some a lo", 9), true, false);
		sigs_piece(s, C, FIELD_HTTP_REQUEST_BODY,
			   bytes_of("ng body", 7), false, true);
		assert_told(s, "3");
		ended(s, C);
	}
	sigs_free(s);
}

/* A match over a border, after much else; and one that is too far. */
static void test_window(void **state)
{
	struct sigs *s = sigs_new("alert tcp " ANY
				  "(content:\"begin\"; content:\"the end\"; "
				  "distance:0; sid:1;)",
				  false);
	static char much[100000];

	memset(much, '.', sizeof much);
	sigs_payload(s, C, much, sizeof much);
	sigs_payload(s, C, "begin", 5);
	sigs_payload(s, C, much, SIG_WINDOW - 100);
	sigs_payload(s, C, "the e", 5);
	sigs_payload(s, C, "nd", 2);
	assert_told(s, "1");
	sigs_payload(s, C, much, 5000);
	sigs_payload(s, C, "begin", 5);
	for (int i = 0; i < 100; i++)
		sigs_payload(s, C, much, 100);
	sigs_payload(s, C, "the end", 7);
	assert_told(s, "");
	sigs_free(s);
}

/* Contents that are not relative are found as far apart as a field is long. */
static void test_apart(void **state)
{
	struct sigs *s =
		sigs_new("alert http " ANY "(file_data; content:\"<script>\"; "
			 "content:\"eval\"; sid:1;)\n"
			 "alert http " ANY "(flow:to_client; file_data; "
			 "content:\"<script\"; content:!\"safe\"; sid:2;)",
			 false);
	static char much[100000];

	memset(much, '.', sizeof much);
	sig_known(s->scanner, s->flow, APP_HTTP);
	sigs_piece(s, S, FIELD_HTTP_RESPONSE_BODY, bytes_of("<script>", 8),
		   true, false);
	sigs_piece(s, S, FIELD_HTTP_RESPONSE_BODY, bytes_of(much, sizeof much),
		   false, false);
	assert_told(s, "");
	sigs_piece(s, S, FIELD_HTTP_RESPONSE_BODY, bytes_of("eval", 4), false,
		   false);
	assert_told(s, "1");
	/* that something is not there is known at the end */
	sigs_piece(s, S, FIELD_HTTP_RESPONSE_BODY, bytes_of("x", 1), false,
		   true);
	assert_told(s, "2");
	ended(s, S);
	/* and no further than it */
	sigs_piece(s, S, FIELD_HTTP_RESPONSE_BODY, bytes_of("<script>", 8),
		   true, true);
	assert_told(s, "2");
	ended(s, S);
	sigs_piece(s, S, FIELD_HTTP_RESPONSE_BODY, bytes_of("eval", 4), true,
		   true);
	ended(s, S);
	assert_told(s, "");
	/* request bodies are file data, too */
	sigs_piece(s, C, FIELD_HTTP_REQUEST_BODY, bytes_of("eval<script>", 12),
		   true, true);
	assert_told(s, "1");
	sigs_free(s);
}

/* depth is of the stream's beginning, and of each segment's. */
static void test_depth(void **state)
{
	struct sigs *s = sigs_new(
		"alert tcp " ANY "(content:\"GET \"; depth:4; sid:1;)", false);

	sigs_payload(s, C, "G", 1);
	sigs_payload(s, C, "ET ", 3);
	assert_told(s, "1");
	sigs_payload(s, C, "xGET ", 5);
	assert_told(s, "");
	sigs_payload(s, C, "GET /", 5);
	assert_told(s, "1");
	sigs_free(s);
}

static void test_actions(void **state)
{
	struct sigs *s = sigs_new(
		"alert http " ANY "(http.uri; content:\"evil\"; sid:1; "
		"priority:2;)\n"
		"alert http " ANY "(http.uri; content:\"vil\"; sid:2; "
		"priority:1;)\n"
		"drop http " ANY "(http.uri; content:\"evil\"; sid:3; "
		"priority:3;)\n"
		"reject http " ANY "(http.uri; content:\"evil\"; sid:4;)\n"
		"pass http " ANY "(http.host; content:\"friend\"; sid:5;)\n",
		false);

	sig_known(s->scanner, s->flow, APP_HTTP);
	/* a pass may still come */
	sigs_field(s, C, FIELD_HTTP_URI, "/evil");
	assert_told(s, "");
	sig_asked(s->scanner, s->flow);
	assert_told(s, "3 4 2 1");
	ended(s, C);
	assert_told(s, "");
	sigs_field(s, C, FIELD_HTTP_URI, "/evil");
	sigs_field(s, C, FIELD_HTTP_HOST, "friend");
	sig_asked(s->scanner, s->flow);
	assert_told(s, "5");
	ended(s, C);
	assert_int_equal(sig_scanner_counts(s->scanner).passed_over, 4);
	sigs_field(s, C, FIELD_HTTP_URI, "/evil");
	ended(s, C);
	assert_told(s, "3 4 2 1");
	sigs_free(s);
}

/* Of raw bytes a pass is for the connection. */
static void test_pass_raw(void **state)
{
	struct sigs *s =
		sigs_new("alert tcp " ANY "(content:\"evil\"; sid:1;)\n"
			 "pass tcp " ANY "(content:\"friend\"; sid:2;)\n",
			 false);

	sigs_payload(s, C, "evil", 4);
	assert_told(s, "1");
	sigs_payload(s, C, "evil friend", 11);
	assert_told(s, "2");
	sigs_payload(s, S, "evil", 4);
	assert_told(s, "");
	sigs_free(s);
}

static void test_flowbits(void **state)
{
	struct sigs *s = sigs_new(
		"alert tcp " ANY "(content:\"c\"; flowbits:isset,x|y; sid:1;)\n"
		"alert tcp " ANY "(content:\"a\"; flowbits:set,x; "
		"flowbits:noalert; sid:2;)\n"
		"alert tcp " ANY
		"(content:\"d\"; flowbits:isnotset,x; sid:3;)\n"
		"alert tcp " ANY "(content:\"u\"; flowbits:unset,x; sid:4;)\n"
		"alert tcp " ANY "(content:\"t\"; flowbits:toggle,x; sid:5;)\n",
		false);

	sigs_payload(s, C, "cd", 2);
	assert_told(s, "3");
	sigs_payload(s, C, "a", 1);
	sigs_payload(s, S, "cd", 2);
	assert_told(s, "1");
	sigs_payload(s, C, "u", 1);
	sigs_payload(s, C, "c", 1);
	assert_told(s, "4");
	/* who sets comes before who asks, in one call */
	sigs_payload(s, C, "ca", 2);
	assert_told(s, "1");
	sigs_payload(s, C, "t", 1);
	sigs_payload(s, C, "c", 1);
	assert_told(s, "5");
	/* bits are of a connection */
	sigs_again(s);
	sigs_payload(s, C, "c", 1);
	assert_told(s, "");
	sigs_free(s);
}

static void test_bits_full(void **state)
{
	char text[8192];
	struct sigs *s;
	size_t n = 0;

	for (int i = 0; i <= SIG_FLOW_BITS; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
				      "alert tcp " ANY
				      "(content:\"a\"; flowbits:set,b%d; "
				      "noalert; sid:%d;)\n",
				      i, i + 1);
	s = sigs_new(text, false);
	sigs_payload(s, C, "a", 1);
	assert_int_equal(sig_scanner_counts(s->scanner).bits_full, 1);
	sigs_free(s);
}

static void at(struct sigs *s, uint64_t seconds)
{
	sig_scanner_time(s->scanner, (usec_t){ seconds * USEC_PER_SEC });
}

static void test_rates(void **state)
{
	struct sigs *s = sigs_new(
		"alert tcp " ANY "(content:\"a\"; threshold:type limit, track "
		"by_src, count 2, seconds 10; sid:1;)\n"
		"drop tcp " ANY "(content:\"a\"; threshold:type limit, track "
		"by_dst, count 1, seconds 10; sid:2;)\n"
		"alert tcp " ANY
		"(content:\"b\"; threshold:type threshold, track "
		"by_src, count 2, seconds 10; sid:3;)\n"
		"alert tcp " ANY "(content:\"c\"; threshold:type both, track "
		"by_rule, count 2, seconds 10; sid:4;)\n"
		"alert tcp " ANY
		"(content:\"d\"; detection_filter:track by_both, "
		"count 2, seconds 10; sid:5;)\n",
		false);

	at(s, 1);
	for (int i = 0; i < 4; i++)
		sigs_payload(s, C, "a", 1);
	assert_told(s, "2 1 2! 1 2! 2!");
	at(s, 11);
	sigs_payload(s, C, "a", 1);
	assert_told(s, "2 1");
	for (int i = 0; i < 4; i++)
		sigs_payload(s, C, "b", 1);
	assert_told(s, "3 3");
	for (int i = 0; i < 4; i++)
		sigs_payload(s, C, "c", 1);
	assert_told(s, "4");
	for (int i = 0; i < 4; i++)
		sigs_payload(s, C, "d", 1);
	assert_told(s, "5 5");
	/* another source has a count of its own */
	s->facts.client = ip_from_v4(0x0a000063);
	sigs_again(s);
	sigs_payload(s, C, "b", 1);
	sigs_payload(s, C, "b", 1);
	assert_told(s, "3");
	for (uint32_t i = 0; i < 40; i++) {
		s->facts.client = ip_from_v4(0x0b000000 + i);
		sigs_again(s);
		sigs_payload(s, C, "b", 1);
	}
	assert_true(sig_scanner_counts(s->scanner).rates_evicted > 0);
	assert_int_equal(sig_scanner_counts(s->scanner).rates, 16);
	sigs_free(s);
}

struct header_row {
	const char *header;
	bool client, server; /* does it match what they say? */
};

static const struct header_row header_rows[] = {
	{ "tcp any any -> any any", true, true },
	{ "ip any any -> any any", true, true },
	{ "udp any any -> any any", false, false },
	{ "tcp any any -> any 80", true, false },
	{ "tcp any 80 -> any any", false, true },
	{ "tcp any any <> any 80", true, true },
	{ "tcp any any -> any !80", false, true },
	{ "tcp any any -> any [1:79,81:]", false, true },
	{ "tcp any any -> any [1:100,!80]", false, false },
	{ "tcp 10.0.0.1 any -> 10.0.0.2 any", true, false },
	{ "tcp 10.0.0.0/8 any -> 10.0.0.0/8 any", true, true },
	{ "tcp !10.0.0.1 any -> any any", false, true },
	{ "tcp [10.0.0.0/8,!10.0.0.1] any -> any any", false, true },
	{ "tcp ![10.0.0.1,10.0.0.3] any -> any any", false, true },
	{ "ip6 any any -> any any", false, false },
	{ "ip4 any any -> any any", true, true },
};

static void test_header(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(header_rows); i++) {
		const struct header_row *r = &header_rows[i];
		char text[400];
		struct sigs *s;

		(void)snprintf(text, sizeof text,
			       "alert %s (content:\"x\"; sid:1;)", r->header);
		s = sigs_new(text, false);
		sigs_payload(s, C, "x", 1);
		assert_row(r->header, (sigs_told(s)[0] == '1') == r->client);
		sigs_payload(s, S, "x", 1);
		assert_row(r->header, (sigs_told(s)[0] == '1') == r->server);
		sigs_free(s);
	}
}

/* Nobody pays for ports and sides that no rule is about. */
static void test_wants(void **state)
{
	struct sigs *s = sigs_new(
		"alert tcp any any -> any 81:90 (content:\"x\"; sid:1;)\n"
		"alert http " ANY "(http.uri; content:\"x\"; sid:2;)\n"
		"alert icmp " ANY "(itype:8; sid:3;)\n",
		false);

	assert_false(sig_wants_payload(s->scanner, s->flow, C));
	s->facts.server_port = 90;
	sigs_again(s);
	assert_true(sig_wants_payload(s->scanner, s->flow, C));
	assert_false(sig_wants_payload(s->scanner, s->flow, S));
	assert_true(sig_set_wants(s->set, FIELD_HTTP_URI));
	assert_false(sig_set_wants(s->set, FIELD_HTTP_HOST));
	assert_false(sig_wants_packets(s->scanner, PROTO_TCP));
	assert_true(sig_wants_packets(s->scanner, PROTO_ICMP));
	sigs_free(s);
}

static void test_apps(void **state)
{
	struct sigs *s = sigs_new("alert http " ANY "(content:\"x\"; sid:1;)\n"
				  "alert tcp " ANY
				  "(content:\"x\"; app-layer-protocol:!http; "
				  "sid:2;)\n"
				  "alert tls " ANY "(content:\"x\"; sid:3;)\n",
				  false);

	/* known later */
	sigs_payload(s, C, "x", 1);
	assert_told(s, "");
	sig_known(s->scanner, s->flow, APP_HTTP);
	assert_told(s, "1");
	sigs_payload(s, C, "x", 1);
	assert_told(s, "1");
	sigs_again(s);
	sigs_payload(s, C, "x", 1);
	sig_known(s->scanner, s->flow, 0);
	assert_told(s, "2");
	sigs_again(s);
	sig_known(s->scanner, s->flow, APP_HTTP2);
	sigs_payload(s, C, "x", 1);
	assert_told(s, "1");
	sigs_free(s);
}

static void test_notes(void **state)
{
	struct sigs *s = sigs_new(
		"alert http " ANY "(app-layer-event:http.smuggling; sid:1;)\n"
		"alert http " ANY "(app-layer-event:http.smuggling; http.uri; "
		"content:\"/a\"; sid:2;)\n",
		false);

	sig_known(s->scanner, s->flow, APP_HTTP);
	assert_true(sig_set_wants_note(s->set, NOTE_HTTP_SMUGGLING));
	assert_false(sig_set_wants_note(s->set, NOTE_MALFORMED));
	sigs_field(s, C, FIELD_HTTP_URI, "/a");
	sig_note(s->scanner, s->flow, C, NOTE_HTTP_SMUGGLING);
	assert_told(s, "1 2");
	ended(s, C);
	sig_note(s->scanner, s->flow, C, NOTE_HTTP_SMUGGLING);
	assert_told(s, "1");
	sigs_field(s, C, FIELD_HTTP_URI, "/a");
	assert_told(s, "2");
	ended(s, C);
	sigs_field(s, C, FIELD_HTTP_URI, "/a");
	sig_note(s->scanner, s->flow, C, NOTE_MALFORMED);
	ended(s, C);
	assert_told(s, "");
	sigs_free(s);
}

struct transform_row {
	const char *transforms, *field, *content;
	bool match;
};

static const struct transform_row transform_rows[] = {
	{ "to_lowercase;", "ABC", "abc", true },
	{ "to_uppercase;", "abc", "ABC", true },
	{ "", "ABC", "abc", false },
	{ "url_decode;", "a%20%62+c%zz%4", "a b c%zz%4", true },
	{ "strip_whitespace;", " a\tb\r\n c ", "abc", true },
	{ "compress_whitespace;", "a \t b\n\nc", "a b|0a|c", true },
	{ "replace_comments;", "a/**/b/* c */d/*e", "a b d/*e", true },
	{ "replace_comments;", "a/*!50000b*/c*/d-/e", "a b c d-/e", true },
	{ "replace_comments;", "a--b\nc#d\re--f#g", "a c e--f#g", true },
	{ "replace_comments;", "/*/a*b**/", "|20|", true },
	{ "replace_comments;", "/*/", "/*/", true },
	{ "from_base64;", "aGVs bG8=", "hello", true },
	{ "unescape;", "1\\u0027 \\x6fr\\n1\\/2\\t3", "1' or|0a|1/2|09|3",
	  true },
	{ "unescape;", "\\u0022\\u005c\\\"\\\\n\\u00e9\\u20ac\\",
	  "|5c 22 5c 5c 5c 22 5c 5c|n|c3 a9 e2 82 ac 5c|", true },
	{ "unescape;", "..\\temp\\c:\\new/\\no\\\\u",
	  "..|5c|temp|5c|c|3a 5c|new/|5c|no|5c 5c|u", true },
	{ "unescape;", "%u0027&#39;&#x3B;&lt;%2e&x", "''|3b|<.&x", true },
	{ "unescape;",
	  "\xc0\xae\xe0\x80\xaf\xf0\x80\x81\x81\xef\xbc\x87"
	  "\xef\xbd\x9e\xc2\xa0\xa0",
	  "./A'~|20 20|", true },
	{ "unescape;", "\xc3\xa0\xc3\xa9\xe2\x80\xa0\xef\xbd\x9f\xef\xbc",
	  "|c3 a0 c3 a9 e2 80 a0 ef bd 9f ef bc|", true },
	{ "url_decode; to_lowercase;", "%41B", "ab", true },
	{ "to_lowercase; url_decode;", "%41B", "Ab", true },
};

static void test_transforms(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(transform_rows); i++) {
		const struct transform_row *r = &transform_rows[i];
		size_t len = strlen(r->field);
		char text[400];
		struct sigs *s;

		(void)snprintf(text, sizeof text,
			       "alert http " ANY
			       "(http.uri; %s content:\"%s\"; sid:1;)\n"
			       "alert http " ANY
			       "(http.request_body; %s content:\"%s\"; sid:2;)",
			       r->transforms, r->content, r->transforms,
			       r->content);
		s = sigs_new(text, false);
		sig_known(s->scanner, s->flow, APP_HTTP);
		sigs_field(s, C, FIELD_HTTP_URI, r->field);
		sigs_piece(s, C, FIELD_HTTP_REQUEST_BODY,
			   bytes_of(r->field, len / 2), true, false);
		sigs_piece(s, C, FIELD_HTTP_REQUEST_BODY,
			   bytes_of(r->field + len / 2, len - len / 2), false,
			   true);
		assert_row(r->transforms,
			   strcmp(sigs_told(s), r->match ? "1 2" : "") == 0);
		sigs_free(s);
	}
}

struct packet_row {
	const char *options;
	struct sig_packet p;
	bool match;
};

static const struct packet_row packet_rows[] = {
	{ "dsize:3;", { .payload_len = 3 }, true },
	{ "dsize:>3;", { .payload_len = 3 }, false },
	{ "flags:S;", { .tcp_flags = TCP_SYN }, true },
	{ "flags:S;", { .tcp_flags = TCP_SYN | TCP_ACK }, false },
	{ "flags:+S;", { .tcp_flags = TCP_SYN | TCP_ACK }, true },
	{ "flags:*SF;", { .tcp_flags = TCP_FIN | TCP_ACK }, true },
	{ "flags:!S;", { .tcp_flags = TCP_ACK }, true },
	{ "flags:S,A;", { .tcp_flags = TCP_SYN | TCP_ACK }, true },
	{ "flags:0;", { .tcp_flags = 0 }, true },
	{ "ttl:<5;", { .ttl = 4 }, true },
	{ "ttl:<5;", { .ttl = 5 }, false },
	{ "ip_proto:6; ttl:0;", { .ttl = 0 }, true },
	{ "ip_proto:!tcp; ttl:0;", { .ttl = 0 }, false },
	{ "itype:8;", { .icmp_type = 8 }, false },
	{ "sameip;", { .ttl = 1 }, false },
	{ "flow:no_stream; content:\"ab\";", { .ttl = 1 }, true },
	{ "dsize:3; content:\"abc\";", { .payload_len = 3 }, true },
	{ "dsize:3; content:\"b\"; depth:1;", { .payload_len = 3 }, false },
};

static void test_packets(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(packet_rows); i++) {
		const struct packet_row *r = &packet_rows[i];
		struct sig_packet p = r->p;
		struct sigs *s;
		char text[400];

		(void)snprintf(text, sizeof text,
			       "alert tcp " ANY "(%s sid:1;)", r->options);
		s = sigs_new(text, false);
		p.payload = bytes_of("abc", 3);
		sig_packet(s->scanner, s->flow, &s->facts, C, &p);
		assert_row(r->options, (sigs_told(s)[0] == '1') == r->match);
		/* and without a connection */
		sig_packet(s->scanner, 0, &s->facts, C, &p);
		assert_row(r->options, (sigs_told(s)[0] == '1') == r->match);
		sigs_free(s);
	}
}

/* Nothing is asked but who: once a direction. */
static void test_header_only(void **state)
{
	struct sigs *s = sigs_new(
		"alert tcp any any -> any 80 (sid:1;)\n"
		"alert tcp any any -> any 80 (flow:established; sid:2;)\n",
		false);
	struct sig_packet p = { .tcp_flags = TCP_SYN };

	sig_packet(s->scanner, s->flow, &s->facts, C, &p);
	assert_told(s, "1");
	sig_packet(s->scanner, s->flow, &s->facts, S, &p);
	assert_told(s, "");
	p.established = true;
	sig_packet(s->scanner, s->flow, &s->facts, C, &p);
	assert_told(s, "2");
	sig_packet(s->scanner, s->flow, &s->facts, C, &p);
	assert_told(s, "");
	sigs_free(s);
}

static void test_evidence(void **state)
{
	struct sigs *s = sigs_new(
		"alert http " ANY "(http.uri; content:\"evil\"; sid:1;)\n"
		"alert tcp " ANY "(content:\"worse\"; sid:2;)\n",
		false);

	sig_known(s->scanner, s->flow, APP_HTTP);
	sigs_field(s, C, FIELD_HTTP_URI, "/an/evil/path");
	assert_told(s, "1");
	assert_int_equal(s->last.buffer, FIELD_HTTP_URI);
	assert_int_equal(s->last.at, 4);
	assert_int_equal(s->last.len, 4);
	assert_int_equal(bytes_len(s->last.around), 13);
	assert_memory_equal(s->last.around.begin, "/an/evil/path", 13);
	sigs_payload(s, C, "xxx wor", 7);
	sigs_payload(s, C, "se yyy", 6);
	assert_told(s, "2");
	assert_int_equal(s->last.buffer, SIG_BUFFER_PAYLOAD);
	assert_int_equal(s->last.at, 4);
	assert_memory_equal(s->last.around.begin, "xxx worse yyy", 13);
	sigs_free(s);
}

/* An old connection ends with its set; one too many is let go. */
static void test_sets(void **state)
{
	struct sigs *s =
		sigs_new("alert tcp " ANY "(content:\"x\"; sid:1;)", false);
	struct sig_lane *lanes[SIG_SETS_MAX];
	uint32_t flow;

	for (unsigned i = 0; i < SIG_SETS_MAX; i++)
		lanes[i] = sig_lane_new(s->set);
	sig_scanner_adopt(s->scanner, lanes[0]);
	assert_null(sig_scanner_give_back(s->scanner));
	sigs_payload(s, C, "x", 1);
	assert_told(s, "1");
	/* nobody was on lanes[0] */
	sig_scanner_adopt(s->scanner, lanes[1]);
	assert_ptr_equal(sig_scanner_give_back(s->scanner), lanes[0]);
	flow = sig_open(s->scanner, &s->facts);
	sig_scanner_adopt(s->scanner, lanes[2]);
	assert_null(sig_scanner_give_back(s->scanner));
	sig_close(s->scanner, flow);
	assert_ptr_equal(sig_scanner_give_back(s->scanner), lanes[1]);
	/* now each set has a connection, until the first must go */
	for (unsigned i = 3; i < SIG_SETS_MAX; i++) {
		(void)sig_open(s->scanner, &s->facts);
		sig_scanner_adopt(s->scanner, lanes[i]);
	}
	(void)sig_open(s->scanner, &s->facts);
	sig_scanner_adopt(s->scanner, lanes[0]);
	assert_null(sig_scanner_give_back(s->scanner));
	assert_int_equal(sig_scanner_counts(s->scanner).sets_dropped, 0);
	sig_scanner_adopt(s->scanner, lanes[1]);
	assert_ptr_equal(sig_scanner_give_back(s->scanner), lanes[0]);
	(void)sig_open(s->scanner, &s->facts);
	sig_scanner_adopt(s->scanner, lanes[0]);
	assert_int_equal(sig_scanner_counts(s->scanner).sets_dropped, 1);
	assert_ptr_equal(sig_scanner_give_back(s->scanner), s->lane);
	sigs_payload(s, C, "x", 1);
	assert_told(s, "");
	sig_scanner_free(s->scanner);
	for (unsigned i = 0; i < SIG_SETS_MAX; i++)
		sig_lane_free(lanes[i]);
	sig_lane_free(s->lane);
	sig_set_free(s->set);
	free(s);
}

static void test_limits(void **state)
{
	struct sig_scanner_options o = { .flows = 1,
					 .blocks = 1,
					 .waiting = 1,
					 .rates = 1,
					 .payload_depth = 10 };
	struct sigs *s = sigs_new_with(
		"alert http " ANY "(http.uri; content:\"aa\"; http.host; "
		"content:\"h\"; sid:1;)\n"
		"alert http " ANY "(http.uri; content:\"aa\"; http.host; "
		"content:\"i\"; sid:2;)\n"
		"alert tcp " ANY "(content:\"raw\"; sid:3;)\n",
		false, &o);
	struct sig_scanner_counts c;
	char long_host[FIELD_BYTES_MAX];

	assert_int_equal(sig_open(s->scanner, &s->facts), 0);
	sig_known(s->scanner, s->flow, APP_HTTP);
	sigs_field(s, C, FIELD_HTTP_URI, "aa");
	memset(long_host, 'x', sizeof long_host);
	sigs_piece(s, C, FIELD_HTTP_HOST, bytes_of(long_host, sizeof long_host),
		   true, true);
	/* no block for the raw bytes: they are looked at alone */
	sigs_payload(s, C, "xra", 3);
	sigs_payload(s, C, "w", 1);
	assert_told(s, "");
	sigs_payload(s, C, "xraw", 4);
	assert_told(s, "3");
	sigs_payload(s, C, "xx", 2);
	assert_false(sig_wants_payload(s->scanner, s->flow, C));
	sigs_payload(s, C, "raw", 3);
	assert_told(s, "");
	c = sig_scanner_counts(s->scanner);
	assert_int_equal(c.no_flow, 1);
	assert_int_equal(c.no_waiting, 1);
	assert_int_equal(c.kept_full, 1);
	assert_true(c.no_block > 0);
	assert_int_equal(c.beyond_depth, 3);
	sigs_free(s);
}

static bool stop_at_once(void *arg)
{
	return true;
}

static void note_left_out(void *arg, const struct signature *s,
			  const struct err *why)
{
	uint32_t *sid = arg;

	*sid = s->sid;
	assert_true(why->text[0]);
}

static void test_build(void **state)
{
	const char *text = "alert tcp " ANY "(pcre:\"/(/\"; sid:7;)\n"
			   "alert tcp " ANY "(content:\"a\"; sid:8;)";
	struct sig_set_options o = { .left_out = note_left_out };
	struct err err = { 0 };
	uint32_t sid = 0;
	struct sig_list *l = sig_list_new();
	struct sig_set *set;

	o.arg = &sid;
	assert_int_equal(sig_list_text(l, "t", text, strlen(text), &err), 0);
	set = sig_set_new(l, &o, &err);
	assert_non_null(set);
	assert_int_equal(sid, 7);
	assert_int_equal(sig_set_size(set).left_out, 1);
	assert_int_equal(sig_set_size(set).signatures, 1);
	sig_set_free(set);

	l = sig_list_new();
	assert_int_equal(sig_list_text(l, "t", text, strlen(text), &err), 0);
	o.cancelled = stop_at_once;
	assert_null(sig_set_new(l, &o, &err));
	assert_int_equal(err.code, ECANCELED);

	/* no rules at all */
	set = sig_set_new(sig_list_new(), NULL, &err);
	assert_non_null(set);
	sig_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_pass_raw),
		cmocka_unit_test(test_flowbits),
		cmocka_unit_test(test_bits_full),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_wants),
		cmocka_unit_test(test_apps),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_transforms),
		cmocka_unit_test(test_packets),
		cmocka_unit_test(test_header_only),
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_build),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
