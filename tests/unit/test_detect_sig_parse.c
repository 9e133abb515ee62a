/*
 * Rules as text: what is taken, printed and read again; what is refused, and
 * where it says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/sig_names.h"
#include "detect/sig_parse.h"
#include "test.h"

static struct sig_list *read_text(const char *text)
{
	struct sig_list *l = sig_list_new();
	struct err err = { 0 };

	assert_non_null(l);
	assert_int_equal(sig_list_text(l, "t.rules", text, strlen(text), &err),
			 0);
	return l;
}

struct taken {
	const char *options; /* between ( and ) */
	const char *printed; /* NULL: the same */
};

/* All have the header below, and a sid. */
#define HEAD "alert tcp any any -> any 80 "

static const struct taken taken[] = {
	{ "msg:\"a\"; sid:1;", NULL },
	{ "msg:\"a \\\"b\\\" \\; c\"; sid:1; rev:3;",
	  "msg:\"a \\\"b\\\" \\; c\"; sid:1; rev:3;" },
	{ "sid:1; gid:7; classtype:trojan-activity;",
	  "msg:\"\"; classtype:trojan-activity; gid:7; sid:1;" },
	{ "sid:1; classtype:trojan-activity; priority:1;",
	  "msg:\"\"; classtype:trojan-activity; sid:1;" },
	{ "sid:1; reference:cve,2021-1; metadata:a b, c d; target:dest_ip;",
	  "msg:\"\"; reference:cve,2021-1; metadata:a b, c d; target:dest_ip; "
	  "sid:1;" },
	{ "flow:established, from_client; sid:1;",
	  "msg:\"\"; flow:to_server,established; sid:1;" },
	{ "content:\"GET|20 0d0A|x\"; offset:1; depth:10; nocase; sid:1;",
	  "msg:\"\"; pkt_data; content:\"GET |0d 0a|x\"; nocase; offset:1; "
	  "depth:10; sid:1;" },
	{ "content:\"a\"; content:!\"b c\"; distance:-1; within:9; sid:1;",
	  "msg:\"\"; pkt_data; content:\"a\"; content:!\"b c\"; distance:-1; "
	  "within:9; sid:1;" },
	{ "http.uri; content:\"/a\"; startswith; fast_pattern; http.method; "
	  "content:\"GET\"; http.uri; content:\"z\"; endswith; sid:1;",
	  "msg:\"\"; http.uri; content:\"/a\"; startswith; fast_pattern; "
	  "content:\"z\"; endswith; http.method; content:\"GET\"; sid:1;" },
	{ "content:\"/a\"; http_uri; content:\"b\"; http_header; nocase; "
	  "content:\"c\"; sid:1;",
	  "msg:\"\"; pkt_data; content:\"c\"; http.uri; content:\"/a\"; "
	  "http.header; content:\"b\"; nocase; sid:1;" },
	{ "http.uri; url_decode; to_lowercase; content:\"a b\"; sid:1;",
	  "msg:\"\"; http.uri; url_decode; to_lowercase; content:\"a b\"; "
	  "sid:1;" },
	{ "content:\"abcdef\"; fast_pattern:1,3; sid:1;",
	  "msg:\"\"; pkt_data; content:\"abcdef\"; fast_pattern:1,3; sid:1;" },
	{ "content:\"a\"; fast_pattern:only; rawbytes; sid:1;",
	  "msg:\"\"; pkt_data; content:\"a\"; rawbytes; fast_pattern:only; "
	  "sid:1;" },
	{ "pcre:\"/a\\/b\\\"\\;/Ui\"; pcre:!\"/x/R\"; sid:1;",
	  "msg:\"\"; http.uri; pcre:\"/a\\/b\\\"\\;/i\"; pkt_data; "
	  "pcre:!\"/x/R\"; sid:1;" },
	{ "byte_test:2,>,0x10,-4,relative,little,bitmask 0xff; sid:1;",
	  "msg:\"\"; pkt_data; byte_test:2,>,16,-4,relative,little,bitmask "
	  "0xff; sid:1;" },
	{ "byte_test:4,!&,128,0,string,hex; sid:1;",
	  "msg:\"\"; pkt_data; byte_test:4,!&,128,0,string,hex; sid:1;" },
	{ "byte_jump:2,0,relative,multiplier 4,align,post_offset -2; sid:1;",
	  "msg:\"\"; pkt_data; byte_jump:2,0,relative,multiplier 4,align "
	  "4,post_offset -2; sid:1;" },
	{ "byte_extract:1,0,len; content:\"a\"; offset:len; "
	  "isdataat:!len,relative; sid:1;",
	  "msg:\"\"; pkt_data; byte_extract:1,0,len; content:\"a\"; "
	  "offset:len; isdataat:!len,relative; sid:1;" },
	{ "http.uri; bsize:<10; bsize:4<>9; urilen:>5,raw; sid:1;",
	  "msg:\"\"; http.uri; bsize:<=9; bsize:4<>9; http.uri.raw; bsize:>=6; "
	  "sid:1;" },
	{ "http.cookie; content:\"=\"; base64_decode:bytes 8, offset 1, "
	  "relative; base64_data; content:\"x\"; http.uri; content:\"y\"; "
	  "sid:1;",
	  "msg:\"\"; http.cookie; content:\"=\"; base64_decode:bytes 8,offset "
	  "1,relative; base64_data; content:\"x\"; http.uri; content:\"y\"; "
	  "sid:1;" },
	{ "dsize:100<>200; flags:S,12; ttl:!64; ip_proto:6; sid:1;",
	  "msg:\"\"; dsize:100<>200; flags:S,EC; ttl:!64; ip_proto:6; sid:1;" },
	{ "flags:+SA; sameip; dsize:0; sid:1;",
	  "msg:\"\"; flags:+SA; sameip; dsize:0; sid:1;" },
	{ "flowbits:set,a.b; flowbits:isset,c|d; flowbits:noalert; sid:1;",
	  "msg:\"\"; flowbits:set,a.b; flowbits:isset,c|d; noalert; sid:1;" },
	{ "threshold:type both, track by_dst, count 5, seconds 60; sid:1;",
	  "msg:\"\"; threshold:type both, track by_dst, count 5, seconds 60; "
	  "sid:1;" },
	{ "detection_filter:track by_src, count 5, seconds 60; sid:1;",
	  "msg:\"\"; detection_filter:track by_src, count 5, seconds 60; "
	  "sid:1;" },
	{ "app-layer-protocol:!http; app-layer-event:http.smuggling; sid:1;",
	  "msg:\"\"; app-layer-protocol:!http; app-layer-event:http.smuggling; "
	  "sid:1;" },
	{ "tls.version:1.2; sid:1;",
	  "msg:\"\"; tls.version; content:\"1.2\"; startswith; endswith; "
	  "sid:1;" },
	{ "file_data; content:\"a;b\"; within:3; sid:1;",
	  "msg:\"\"; file_data; content:\"a|3b|b\"; within:3; sid:1;" },
};

static void check_printed(const char *options, const char *want)
{
	char text[SIG_RULE_BYTES_MAX], got[SIG_RULE_BYTES_MAX],
		again[SIG_RULE_BYTES_MAX];
	struct sig_list *l, *m;

	(void)snprintf(text, sizeof text, HEAD "(%s)\n", options);
	l = read_text(text);
	if (sig_list_len(l) != 1)
		fail_msg("%s: %s", text, sig_list_fault(l, 0)->text);
	assert_true(sig_print(sig_list_at(l, 0), got, sizeof got));
	(void)snprintf(text, sizeof text, HEAD "(%s)", want);
	assert_string_equal(got, text);
	m = read_text(got);
	assert_row(got, sig_list_len(m) == 1);
	assert_true(sig_print(sig_list_at(m, 0), again, sizeof again));
	assert_string_equal(again, got);
	sig_list_free(m);
	sig_list_free(l);
}

static void test_taken(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		check_printed(taken[i].options, taken[i].printed
							? taken[i].printed
							: taken[i].options);
}

struct refused {
	const char *rule;
	const char *want; /* line:column keyword: text, as far as said */
};

static const struct refused refused[] = {
	{ "alert", "1:6 : a protocol expected" },
	{ "warn tcp any any -> any any (sid:1;)", "1:1 : no action" },
	{ "alert nosuch any any -> any any (sid:1;)", "1:7 : no protocol" },
	{ "alert tcp any any > any any (sid:1;)", "1:19 : -> or <>" },
	{ "alert tcp 1.2.3 any -> any any (sid:1;)", "1:11 : \"1.2.3\" is no" },
	{ "alert tcp any 70000 -> any any (sid:1;)", "1:15 : \"70000\" is no" },
	{ "alert tcp $NO any -> any any (sid:1;)", "1:11 : there is no vari" },
	{ "alert tcp [1.2.3.4 any -> any any (sid:1;)", "1:11 : a list with" },
	{ "alert tcp ![!1.2.3.4] any -> any any (sid:1;)",
	  "1:11 : a ! within" },
	{ "alert tcp !any any -> any any (sid:1;)", "1:11 : \"!any\"" },
	{ "alert tcp any any -> any any sid:1;", "1:30 : ( expected" },
	{ "alert tcp any any -> any any (sid:1;", "1:37 : ) expected" },
	{ "alert tcp any any -> any any (sid:1)", "1:31 : ; expected" },
	{ HEAD "(msg:\"a\";)", "1:1 : it has no sid" },
	{ HEAD "(sid:0;)", "1:30 sid: it is from 1 on" },
	{ HEAD "(sid:1; filestore;)", "1:37 filestore: not understood" },
	{ HEAD "(sid:1; \\\n  lua:x.lua;)", "2:3 lua: not understood" },
	{ HEAD "(content:\"a\"; sid:1; nocase:1;)", "1:50 nocase: it takes" },
	{ HEAD "(nocase; sid:1;)", "1:30 nocase: it stands behind no" },
	{ HEAD "(content:a; sid:1;)", "1:30 content: \"text\" in quotes" },
	{ HEAD "(content:\"\"; sid:1;)", "1:30 content: it is empty" },
	{ HEAD "(content:\"|0|\"; sid:1;)", "1:30 content: two hex digits" },
	{ HEAD "(content:\"|00\"; sid:1;)", "1:30 content: a bar" },
	{ HEAD "(content:\"abc\"; depth:2; sid:1;)",
	  "1:45 depth: the content" },
	{ HEAD "(content:\"abc\"; within:2; sid:1;)", "1:45 within: the cont" },
	{ HEAD "(content:\"a\"; depth:2; within:2; sid:1;)",
	  "1:52 within: off" },
	{ HEAD "(content:!\"a\"; fast_pattern; sid:1;)", "1:44 fast_pattern" },
	{ HEAD "(pcre:\"/a/D\"; sid:1;)", "1:30 pcre: no flag \"D\"" },
	{ HEAD "(pcre:\"a\"; sid:1;)", "1:30 pcre: \"/expression/flags\"" },
	{ HEAD "(content:\"a\"; offset:len; sid:1;)", "1:43 offset: \"len\"" },
	{ HEAD "(byte_test:9,>,1,0; sid:1;)", "1:30 byte_test: more than 8" },
	{ HEAD "(byte_test:1,~,1,0; sid:1;)", "1:30 byte_test: one of" },
	{ HEAD "(byte_test:1,>,1,0,dce; sid:1;)", "1:30 byte_test: no word" },
	{ HEAD "(flow:to_server,to_client; sid:1;)", "1:30 flow: two of" },
	{ HEAD "(flowbits:set,a|b; sid:1;)", "1:30 flowbits: several" },
	{ HEAD "(threshold:type limit, track by_src, count 1; sid:1;)",
	  "1:30 threshold: track, count" },
	{ HEAD
	  "(http.uri; content:\"a\"; http.stat_code; content:\"2\"; sid:1;)",
	  "1:1 : it asks of what the client" },
	{ HEAD "(dsize:>5; http.uri; content:\"a\"; sid:1;)",
	  "1:1 : it asks of" },
	{ HEAD "(base64_data; content:\"a\"; sid:1;)", "1:30 base64_data: th" },
	{ HEAD "(to_lowercase; content:\"a\"; sid:1;)",
	  "1:30 to_lowercase: i" },
	{ HEAD "(http.uri; content:\"a\"; to_lowercase; sid:1;)",
	  "1:53 to_lowercase: it stands before" },
	{ HEAD "(app-layer-event:smb.x; sid:1;)",
	  "1:30 app-layer-event: no ev" },
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct sig_list *l = read_text(refused[i].rule);
		const struct sig_fault *f;
		char got[400];

		assert_row(refused[i].rule, sig_list_len(l) == 0);
		assert_int_equal(sig_list_refused(l), 1);
		assert_int_equal(sig_list_faults(l), 1);
		f = sig_list_fault(l, 0);
		assert_string_equal(f->file, "t.rules");
		(void)snprintf(got, sizeof got, "%u:%u %s: %s", f->line,
			       f->column, f->keyword, f->text);
		if (strncmp(got, refused[i].want, strlen(refused[i].want)) != 0)
			fail_msg("%s\ngot:  %s\nwant: %s", refused[i].rule, got,
				 refused[i].want);
		sig_list_free(l);
	}
}

/* Comments, empty lines, lines that go on; a bad rule hides no other. */
static void test_file(void **state)
{
	struct sig_list *l =
		read_text("# alert tcp any any -> any any (sid:9;)\r\n"
			  "\n  \t\n"
			  "alert tcp any any -> any any (msg:\"1\"; sid:1;)\r\n"
			  "alert tcp any any -> any any (msg:\"2\"; \\\r\n"
			  "   sid:2;)\n"
			  "  alert tcp any any -> any any (bad; sid:3;)\n"
			  "#alert tcp\n"
			  "alert udp any any -> any any (sid:4;)\n"
			  "alert udp any any -> any any (sid:2;)");

	assert_int_equal(sig_list_len(l), 3);
	assert_int_equal(sig_list_at(l, 0)->line, 4);
	assert_int_equal(sig_list_at(l, 1)->sid, 2);
	assert_int_equal(sig_list_at(l, 1)->line, 5);
	assert_int_equal(sig_list_at(l, 2)->line, 9);
	assert_int_equal(sig_list_refused(l), 2);
	assert_int_equal(sig_list_fault(l, 0)->line, 7);
	assert_string_equal(sig_list_fault(l, 0)->keyword, "bad");
	assert_string_equal(sig_list_fault(l, 1)->text,
			    "sid 2 is at t.rules:5 already");
	sig_list_free(l);
}

static void test_header(void **state)
{
	struct sig_list *l = sig_list_new();
	const char *text =
		"drop http $HOME_NET any <> [1.2.3.0/24, !1.2.3.4,fd00::/8] "
		"[80,!90:100, 8080:](sid:1;)\n";
	const struct signature *s;
	struct err err = { 0 };
	char got[1024];

	assert_int_equal(sig_list_set(l, "HOME_NET", "[10.0.0.0/8,!$X]", &err),
			 0);
	assert_int_equal(sig_list_set(l, "X", "10.1.1.1-10.1.1.9", &err), 0);
	assert_int_equal(sig_list_set(l, "a b", "1", &err), -EINVAL);
	assert_int_equal(sig_list_text(l, "t", text, strlen(text), &err), 0);
	assert_int_equal(sig_list_len(l), 1);
	s = sig_list_at(l, 0);
	assert_int_equal(s->action, SIG_DROP);
	assert_true(s->both_ways);
	assert_int_equal(s->from.n, 2);
	assert_false(s->from.ranges[0].not );
	assert_true(s->from.ranges[1].not );
	assert_int_equal(ip_to_v4(s->from.ranges[1].high), 0x0a010109);
	assert_int_equal(s->from_ports.n, 0);
	assert_int_equal(s->to.n, 3);
	assert_int_equal(s->to_ports.n, 3);
	assert_int_equal(s->to_ports.ranges[2].low, 8080);
	assert_int_equal(s->to_ports.ranges[2].high, 65535);
	assert_true(sig_print(s, got, sizeof got));
	assert_string_equal(got, "drop http $HOME_NET any <> "
				 "[1.2.3.0/24,!1.2.3.4,fd00::/8] "
				 "[80,!90:100,8080:] (msg:\"\"; sid:1;)");
	assert_false(sig_print(s, got, 20));
	sig_list_free(l);
}

/* $A is [$A,$A]: it ends. */
static void test_circle(void **state)
{
	struct sig_list *l = sig_list_new();
	const char *text = "alert tcp $A any -> any any (sid:1;)";
	struct err err = { 0 };

	assert_int_equal(sig_list_set(l, "A", "[$A,$A]", &err), 0);
	assert_int_equal(sig_list_text(l, "t", text, strlen(text), &err), 0);
	assert_int_equal(sig_list_refused(l), 1);
	assert_non_null(strstr(sig_list_fault(l, 0)->text, "deeper than"));
	sig_list_free(l);
}

static void test_names(void **state)
{
	bool modifier;

	for (unsigned f = 0; f < FIELD__MAX; f++)
		assert_int_equal(
			sig_buffer_by_name(sig_buffer_name(f), &modifier), f);
	assert_int_equal(sig_buffer_by_name("nothing", &modifier),
			 SIG_BUFFER__MAX);
	assert_int_equal(sig_class_priority("trojan-activity"), 1);
	assert_int_equal(sig_class_priority("misc-attack"), 2);
	assert_int_equal(sig_class_priority("trojan"), 3);
	assert_int_equal(sig_class_priority(""), 3);
}

static void test_limits(void **state)
{
	static char text[SIG_RULE_BYTES_MAX * 2];
	struct sig_list *l;
	size_t n;

	n = (size_t)snprintf(text, sizeof text, HEAD "(msg:\"");
	memset(text + n, 'x', SIG_RULE_BYTES_MAX);
	(void)snprintf(text + n + SIG_RULE_BYTES_MAX, 20, "\"; sid:1;)");
	l = read_text(text);
	assert_int_equal(sig_list_refused(l), 1);
	assert_non_null(strstr(sig_list_fault(l, 0)->text, "longer than"));
	sig_list_free(l);

	n = (size_t)snprintf(text, sizeof text, HEAD "(sid:1;");
	for (int i = 0; i <= SIG_ITEMS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
				      "content:\"a\";");
	(void)snprintf(text + n, sizeof text - n, ")");
	l = read_text(text);
	assert_int_equal(sig_list_refused(l), 1);
	assert_non_null(strstr(sig_list_fault(l, 0)->text, "more than 64"));
	sig_list_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_file),   cmocka_unit_test(test_header),
		cmocka_unit_test(test_circle), cmocka_unit_test(test_names),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
