/*
 * Some rules of every kind, scanning whatever is said in whatever order, with
 * pools that are soon exhausted. When all connections are closed, nothing is in
 * use. Input: commands of one byte and a length, see run().
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "detect/sig_scan.h"
#include "packet/packet.h"
#include "wire/app.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define ANY "any any -> any any "

static const char rules[] =
	"alert tcp " ANY
	"(content:\"ab\"; content:\"cd\"; distance:0; sid:1;)\n"
	"alert tcp " ANY "(content:\"ab\"; depth:5; content:!\"x\"; sid:2;)\n"
	"alert tcp " ANY "(pcre:\"/a+b[^c]/\"; sid:3;)\n"
	"alert udp " ANY "(content:\"a\"; byte_test:2,>,3,1,relative; sid:4;)\n"
	"alert ip " ANY "(content:\"b\"; byte_jump:1,0,relative; "
	"content:\"c\"; within:3; sid:5;)\n"
	"alert tcp " ANY "(byte_extract:1,0,n; content:\"a\"; offset:n; "
	"isdataat:!n,relative; sid:6;)\n"
	"drop http " ANY "(http.method; content:\"a\"; http.uri; "
	"content:\"bc\"; http.header; content:\"d\"; sid:7;)\n"
	"pass http " ANY "(http.host; content:\"pass\"; sid:8;)\n"
	"alert http " ANY "(http.header; content:\"ab\"; content:\"c\"; "
	"within:5; content:!\"zz\"; sid:9;)\n"
	"alert http " ANY "(http.request_body; url_decode; content:\"a b\"; "
	"http.uri; pcre:\"/^.b/\"; sid:10;)\n"
	"alert http " ANY "(file_data; content:\"a\"; content:\"b\"; endswith; "
	"sid:11;)\n"
	"alert http " ANY "(http.uri; content:\"=\"; base64_decode:relative; "
	"base64_data; content:\"a\"; sid:12;)\n"
	"alert http " ANY "(http.cookie; bsize:<4; content:!\"b\"; "
	"flowbits:set,x; sid:13;)\n"
	"alert http " ANY "(http.uri; content:\"b\"; flowbits:isset,x|y; "
	"sid:14;)\n"
	"alert tcp " ANY "(content:\"c\"; flowbits:toggle,y; "
	"threshold:type both, track by_src, count 2, seconds 5; sid:15;)\n"
	"alert tcp " ANY "(dsize:>3; content:\"a\"; sid:16;)\n"
	"alert tcp " ANY "(flags:S; sid:17;)\n"
	"alert ip " ANY "(flow:established; sid:18;)\n"
	"alert http " ANY "(app-layer-event:malformed; http.uri; "
	"content:\"a\"; sid:19;)\n"
	"alert tls " ANY "(content:\"tls\"; sid:20;)\n"
	"alert dns " ANY "(dns.query; to_lowercase; content:\"a.b\"; sid:21;)\n"
	"pass tcp " ANY "(content:\"goodgood\"; sid:22;)\n"
	"alert tcp " ANY "(content:\"abcdefgh\"; fast_pattern:2,3; nocase; "
	"detection_filter:track by_dst, count 1, seconds 1; sid:23;)\n";

static struct sig_set *set;

static void begin(void)
{
	struct sig_list *l = sig_list_new();
	struct err err = { 0 };

	BUG_ON(!l);
	BUG_ON(sig_list_text(l, "fuzz", rules, strlen(rules), &err) != 0);
	BUG_ON(sig_list_refused(l) != 0);
	set = sig_set_new(l, NULL, &err);
	BUG_ON(!set);
}

static void told(void *arg, uint32_t flow, const struct sig_told *t)
{
	volatile uint8_t sum = 0;

	BUG_ON(!t->signature || flow > 2);
	for (const uint8_t *b = t->around.begin; b < t->around.end; b++)
		sum = (uint8_t)(sum + *b);
}

static void piece(struct sig_scanner *s, uint32_t flow, uint8_t how,
		  uint8_t what, struct bytes b)
{
	static const uint8_t fields[] = {
		FIELD_HTTP_METHOD,	  FIELD_HTTP_URI,
		FIELD_HTTP_HOST,	  FIELD_HTTP_COOKIE,
		FIELD_HTTP_HEADER,	  FIELD_HTTP_REQUEST_BODY,
		FIELD_HTTP_RESPONSE_BODY, FIELD_DNS_QUERY,
	};
	enum proto_field f = fields[what % sizeof fields];
	char side = proto_field_side(f);
	struct proto_piece p = {
		.bytes = b,
		.field = (uint8_t)f,
		.side = side == 'C'   ? 0
			: side == 'S' ? 1
				      : how & 1,
		.begin = !proto_field_in_pieces(f) || how & 2,
		.end = !proto_field_in_pieces(f) || how & 4,
	};

	sig_piece(s, flow, &p);
}

static void packet(struct sig_scanner *s, uint32_t flow,
		   const struct sig_facts *f, uint8_t how, struct bytes b)
{
	struct sig_packet p = { .payload = b,
				.payload_len = (uint32_t)bytes_len(b),
				.tcp_flags = how,
				.established = how & 1 };

	sig_packet(s, how & 2 ? flow : 0, f, how >> 2 & 1, &p);
}

/* One command: how its bits are read depends on it. */
static void run(struct sig_scanner *s, uint32_t flows[2], uint8_t command,
		uint8_t how, struct bytes b)
{
	static const uint32_t apps[] = { APP_HTTP, APP_TLS, 0, APP_DNS };
	struct sig_facts f = { .client = ip_from_v4(how & 3),
			       .server = ip_from_v4(9),
			       .client_port = 1,
			       .server_port = 2,
			       .proto = how & 4 ? PROTO_UDP : PROTO_TCP };
	uint32_t *flow = &flows[command >> 3 & 1];
	enum proto_side side = how & 1;

	switch (command & 7) {
	case 0:
		sig_close(s, *flow);
		*flow = sig_open(s, &f);
		break;
	case 1:
	case 2: piece(s, *flow, how, command >> 4, b); break;
	case 3: sig_payload(s, *flow, side, b, how & 2); break;
	case 4: sig_note(s, *flow, side, NOTE_MALFORMED); break;
	case 5: sig_ended(s, *flow, side); break;
	case 6: packet(s, *flow, &f, how, b); break;
	default:
		if (how & 1)
			sig_known(s, *flow, apps[how >> 1 & 3]);
		else
			sig_asked(s, *flow);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sig_scanner_options o = {
		.flows = 2, .blocks = 3, .waiting = 5, .rates = 2, .told = told
	};
	struct sig_scanner *s = sig_scanner_new(&o);
	struct bytes in = bytes_of(data, len), b;
	uint32_t flows[2] = { 0 };
	struct sig_scanner_counts c;
	struct sig_lane *lane;
	uint8_t command, how, n;

	if (!set)
		begin();
	lane = sig_lane_new(set);
	BUG_ON(!s || !lane);
	sig_scanner_adopt(s, lane);
	run(s, flows, 0, 0, in);
	while (take_u8(&in, &command) && take_u8(&in, &how) &&
	       take_u8(&in, &n)) {
		/* some are long */
		size_t want = n == 255 ? bytes_len(in) : n;

		if (!take_bytes(&in, want, &b))
			break;
		run(s, flows, command, how, b);
	}
	sig_close(s, flows[0]);
	sig_close(s, flows[1]);
	c = sig_scanner_counts(s);
	BUG_ON(c.flows || c.blocks || c.waiting);
	sig_scanner_adopt(s, NULL);
	BUG_ON(sig_scanner_give_back(s) != lane);
	sig_lane_free(lane);
	sig_scanner_free(s);
	return 0;
}
