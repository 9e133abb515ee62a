#include "proto/sip_rtsp.h"
#include "talk.h"
#include "test.h"

static const struct {
	const struct proto_parser *parser;
	const char *name;
	bool udp;
	struct talk_line lines[4];
	const char *want;
} rows[] = {
	{ &proto_sip,
	  "SIP, UDP",
	  true,
	  { { 'C', "REGISTER sip:a.example SIP/2.0\r\nVia: x\r\n\r\n", 0 } },
	  "app sip\nover\n" },
	{ &proto_sip,
	  "SIP, TCP",
	  false,
	  { { 'C', "INVITE sips:bob@b.example SIP/2.0\r\n", 0 } },
	  "app sip\nover\n" },
	{ &proto_sip,
	  "SIP, kept open before",
	  false,
	  { { 'C', "\r\n\r\nOPTIONS tel:+49 SIP/2.0\r\n", 0 } },
	  "app sip\nover\n" },
	{ &proto_sip,
	  "SIP, an answer",
	  true,
	  { { 'S', "SIP/2.0 200 OK\r\n\r\n", 0 } },
	  "app sip\nover\n" },
	{ &proto_rtsp,
	  "RTSP",
	  false,
	  { { 'C', "DESCRIBE rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\n\r\n", 0 } },
	  "app rtsp\nover\n" },
	{ &proto_rtsp,
	  "RTSP, of all",
	  false,
	  { { 'C', "OPTIONS * RTSP/2.0\r\n", 0 } },
	  "app rtsp\nover\n" },
	{ &proto_sip,
	  "HTTP",
	  false,
	  { { 'C', "OPTIONS sip:a HTTP/1.1\r\n", 0 } },
	  "unknown\n" },
	{ &proto_sip,
	  "another version",
	  false,
	  { { 'C', "INVITE sip:a SIP/9.0\r\n", 0 } },
	  "unknown\n" },
	{ &proto_rtsp,
	  "HTTP of all",
	  false,
	  { { 'C', "OPTIONS * HTTP/1.1\r\n", 0 } },
	  "unknown\n" },
	{ &proto_rtsp,
	  "a word",
	  false,
	  { { 'C', "lower case\r\n", 0 } },
	  "unknown\n" },
	{ &proto_sip,
	  "half a datagram",
	  true,
	  { { 'C', "INVITE sip:", 0 } },
	  "unknown\n" },
	{ &proto_sip,
	  "one side speaks otherwise",
	  false,
	  { { 'S', "220 hello\r\n", 0 },
	    { 'C', "INVITE sip:a SIP/2.0\r\n", 0 } },
	  "unknown\n" },
};

static void sip_rtsp(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		talk_parser = rows[i].parser;
		talk_check(rows[i].name, rows[i].udp, rows[i].lines,
			   rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sip_rtsp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
