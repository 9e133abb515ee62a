/*
 * Sensors at work: each conversation of a table with what is found in it, whole
 * and cut at random; what is shown of it; which of NeuVector's look.
 */
#include "detect/sensor_scan.h"

#include <stdio.h>
#include <string.h>

#include "detect/sensor_scope.h"
#include "seed.h"
#include "sensors.h"
#include "wire/app.h"
#include "wire/words.h"

#define S(id, patterns) \
	"{\"id\":" id ",\"name\":\"s" id "\",\"patterns\":" patterns "}"
#define W(id, patterns)                                         \
	"{\"id\":" id ",\"name\":\"s" id "\",\"kind\":\"waf\"," \
	"\"patterns\":" patterns "}"

/* --- the table -------------------------------------------------------- */

/* limits: table */
static const struct sensor_row rows[] = {
	{ .name = "a card in a body",
	  .sensors = S("20001", "[{\"secret\":\"card_number\"}]"),
	  .request = "card=" CARD "&x=1",
	  .want = "20001:body:c " },
	{ .name = "with what is no part of it behind it",
	  .sensors = S("20001", "[{\"secret\":\"card_number\"}]"),
	  .request = CARD " 123 12/29",
	  .want = "20001:body:c " },
	{ .name = "a number that is none",
	  .sensors = S("20001", "[{\"secret\":\"card_number\"}]"),
	  .request = "4111 1111 1111 1112 4111111111111111999 "
		     "a4111111111111111",
	  .want = "" },
	{ .name = "in the answer",
	  .sensors = S("20001", "[{\"secret\":\"card_number\"}]"),
	  .response = CARD,
	  .want = "20001:body:s " },
	{ .name = "only where it is asked for",
	  .sensors = S(
		  "20001",
		  "[{\"regex\":\"a+b\",\"where\":\"url\"}"
		  "]") "," S("20002",
			     "[{\"regex\":\"a+"
			     "b\",\"where\":"
			     "\"header\"}]") "," S("20003",
						   "[{\"regex\":\"a+"
						   "b\",\"where\":"
						   "\"body\"}]") "," S("20"
								       "00"
								       "4",
								       "[{"
								       "\""
								       "re"
								       "ge"
								       "x"
								       "\""
								       ":"
								       "\""
								       "a+"
								       "b"
								       "\""
								       ","
								       "\""
								       "wh"
								       "er"
								       "e"
								       "\""
								       ":"
								       "\""
								       "sq"
								       "l"
								       "\""
								       "}"
								       "]") "," S("20005",
										  "[{\"regex\":\"a+b\",\"where\":\"packet\"}]"),
	  .url = "/aab",
	  .want = "20001:url:c " },
	{ .name = "header",
	  .sensors = S("20001",
		       "[{\"regex\":\"a+b\",\"where\":\"url\"}"
		       "]") "," S("20002",
				  "[{\"regex\":\"a+b\",\"where\":\"header\"}]"),
	  .header = "X: aab\r\n",
	  .want = "20002:header:c " },
	{ .name = "sql",
	  .sensors = S("20001",
		       "[{\"regex\":\"a+b\",\"where\":"
		       "\"body\"}]") "," S("20002", "[{\"regex\":\"a+b\","
						    "\"where\":\"sql\"}]"),
	  .sql = "select aab",
	  .want = "20002:sql:c " },
	{ .name = "any",
	  .sensors = S("20001", "[{\"regex\":\"aab\"}]") "," S(
		  "20002", "[{\"regex\":\"sell\"}]"),
	  .url = "/aab",
	  .sql = "sell",
	  .request = "x",
	  .want = "20001:url:c 20002:sql:c " },
	{ .name = "all patterns of one",
	  .sensors = S("20001", "[{\"regex\":\"one\"},{\"regex\":\"two\"}]"),
	  .url = "/one",
	  .request = "two",
	  .want = "20001:body:c " },
	{ .name = "not in the request and its answer",
	  .sensors = S("20001", "[{\"regex\":\"one\"},{\"regex\":\"two\"}]"),
	  .request = "one",
	  .response = "two",
	  .want = "" },
	{ .name = "three different ones",
	  .sensors = S("20001", "[{\"secret\":\"card_number\",\"count\":3}]"),
	  .response = CARD ",5555555555554444;4012888888881881",
	  .want = "20001:body:s " },
	{ .name = "three times the same",
	  .sensors = S("20001", "[{\"secret\":\"card_number\",\"count\":2}]"),
	  .response = CARD "," CARD ";" CARD,
	  .want = "" },
	{ .name = "any of several kinds",
	  .sensors = S("20001", "[{\"secret\":[\"card_number\",\"iban\"],"
				"\"count\":2}]"),
	  .response = CARD ", DE89370400440532013000 .",
	  .want = "20001:body:s " },
	{ .name = "not there",
	  .sensors = S("20001", "[{\"regex\":\"one\"},"
				"{\"regex\":\"two\",\"not\":true}]"),
	  .request = "one",
	  .want = "20001:body:c " },
	{ .name = "not there, but it is",
	  .sensors = S("20001", "[{\"regex\":\"one\"},"
				"{\"regex\":\"two\",\"not\":true}]"),
	  .request = "one two",
	  .want = "" },
	{ .name = "only that it is not there",
	  .sensors = S("20001", "[{\"regex\":\"two\",\"not\":true,"
				"\"where\":\"body\"}]"),
	  .request = "one",
	  .url = "/",
	  .want = "20001:body:c " },
	{ .name = "nothing that it could be in",
	  .sensors = S("20001", "[{\"regex\":\"two\",\"not\":true,"
				"\"where\":\"body\"}]"),
	  .url = "/",
	  .want = "" },
	{ .name = "flags",
	  .sensors = S(
		  "20001",
		  "[{\"regex\":\"a b # "
		  "c\",\"flags\":\"xi\"}]") "," S("20002",
						  "[{\"regex\":\"a.b\","
						  "\"flags\":"
						  "\"s\"}]") "," S("20003",
								   "[{"
								   "\"regex\":"
								   "\"a."
								   "b\"}]") "," S("200"
										  "04",
										  "[{"
										  "\"r"
										  "ege"
										  "x\""
										  ":\""
										  "^ab"
										  "$\""
										  ",\""
										  "fla"
										  "gs"
										  "\":"
										  "\"m"
										  "\"}"
										  "]") "," S("20005",
											     "[{\"regex\":\"^zz$\"}]"),
	  .request = "xx\nAB\na\nb\nab\nzz",
	  .want = "20001:body:c 20002:body:c 20004:body:c " },
	{ .name = "what Vectorscan cannot look for",
	  .sensors = S("20001", "[{\"regex\":\"(a+)x\\\\1(?<=a)\"}]") "," S(
		  "20002", "[{\"regex\":\"(?=ab)a?\"}]"),
	  .request = "aaxaab",
	  .want = "20001:body:c 20002:body:c " },
	{ .name = "to the end",
	  .sensors = S("20001", "[{\"regex\":\"end$\"}]") "," S(
		  "20002", "[{\"regex\":\"^the\"}]"),
	  .request = "not the end the end",
	  .want = "20001:body:c " },
	{ .name = "WAF",
	  .sensors = W("40001", "[{\"regex\":\"union\\\\s+select\","
				"\"flags\":\"i\"}]"),
	  .url = "/?q=1%20UnIoN%20%0aselect",
	  .want = "40001:url:c " },
};

static void test_table(void **state)
{
	uint64_t seed = seed_choose() | 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[2048], is[1024];
		struct sensor_bench b;

		(void)snprintf(text, sizeof text, "[%s]", rows[i].sensors);
		bench_of(&b, text);
		for (int turn = 0; turn < 12; turn++) {
			play(&b, &rows[i], turn ? &seed : NULL,
			     1 + (uint32_t)turn);
			if (strcmp(sorted(b.heard.text, is), rows[i].want) != 0)
				fail_msg("%s, turn %d: \"%s\", not \"%s\"",
					 rows[i].name, turn, is, rows[i].want);
		}
		bench_done(&b);
	}
}

/* --- the rest --------------------------------------------------------- */

static void test_evidence(void **state)
{
	struct sensor_bench b;
	uint32_t c;
	char around[128];

	(void)state;
	bench_with(&b, sensor_list_ready());
	c = sensor_open(b.scanner);
	b.used[0].action = SENSOR_BLOCK;
	sensor_known(b.scanner, c, APP_HTTP);
	say_whole(&b, c, FIELD_HTTP_METHOD, text_of("POST"));
	say_whole(&b, c, FIELD_HTTP_URI_RAW,
		  text_of("/pay?ssn=%31%32345678&t=0123456789abcdef"));
	say_whole(&b, c, FIELD_HTTP_HOST, text_of("shop.example"));
	assert_int_equal(b.heard.n, 0);
	assert_int_equal(
		sensor_piece(
			b.scanner, c, b.uses,
			&(struct proto_piece){
				.bytes = text_of(
					"other 5555-5555-5555-4444, it is " CARD
					" ssn 123-45-6789 of Ann"),
				.field = FIELD_HTTP_REQUEST_BODY,
				.begin = true,
				.end = true }),
		SENSOR_BLOCK);
	/* the card, and the other sensor's number: one each */
	assert_int_equal(b.heard.n, 2);
	assert_string_equal(b.heard.last.line,
			    "POST shop.example/pay?ssn=********&t=************"
			    "****");
	(void)snprintf(around, sizeof around, "%s|%s", b.heard.evidence.before,
		       b.heard.evidence.match);
	assert_null(strstr(around, "4444-"));
	assert_non_null(strchr(around, '*'));
	(void)sensor_close(b.scanner, c, b.uses);
	bench_done(&b);
}

static void test_context_is_masked(void **state)
{
	struct sensor_bench b;
	struct sensor_row r = {
		.request = "ssn 123-45-6789, card " CARD
			   " key AKIAIOSFODNN7EXAMPLE for 2 of us"
	};

	(void)state;
	bench_of(&b, "[" S("20001", "[{\"secret\":\"card_number\"}]") "]");
	play(&b, &r, NULL, 0);
	assert_string_equal(b.heard.text, "20001:body:c ");
	assert_string_equal(b.heard.evidence.match, "**** **** **** 1111");
	assert_string_equal(b.heard.evidence.before, "ssn ***-**-****, card ");
	assert_string_equal(b.heard.evidence.after,
			    " key ******************** for 2 ");
	bench_done(&b);
}

/* Of all that stands beside a match no digit is shown. */
static void test_second_secret(void **state)
{
	static const char *const others[] = {
		"5555 5555 5555 4444", "GB82 WEST 1234 5698 7654 32",
		"536-90-4399",	       "AB 12 34 56 C",
		"12345678Z",	       "2 55 08 14 168 025 38",
		"RSSMRA85T10A562S",    "%35%35%35%35%35%35%35%35%35%35%35%35",
	};
	static const char pad[] = "to be or not to be, is the question";
	uint64_t seed = seed_choose() | 1;
	struct sensor_bench b;

	(void)state;
	bench_of(&b, "[" S("20001", "[{\"secret\":\"card_number\"}]") "]");
	for (int i = 0; i < 2000; i++) {
		const char *other = others[seed_draw(&seed, ARRAY_LEN(others))];
		uint32_t gap = seed_draw(&seed, sizeof pad);
		char text[256];
		struct sensor_row r = { .response = text };

		(void)snprintf(text, sizeof text, "%s %.*s;%s;%.*s %s", other,
			       (int)gap, pad, "4111111111111111", (int)gap, pad,
			       other);
		play(&b, &r, NULL, 0);
		assert_int_equal(b.heard.n > 0, 1);
		if (strpbrk(b.heard.evidence.before, "0123456789") ||
		    strpbrk(b.heard.evidence.after, "0123456789"))
			fail_msg("%s: %s|%s", text, b.heard.evidence.before,
				 b.heard.evidence.after);
	}
	bench_done(&b);
}

static void test_what_is_sent(void **state)
{
	static const struct {
		const char *name;
		uint32_t app;
		const char *want;
	} rows_sent[] = {
		{ "nobody knows", 0, "20001:packet:c 20002:packet:c " },
		{ "redis", APP_REDIS, "20001:packet:c 20002:packet:c " },
		{ "http is told of", APP_HTTP, "20001:packet:c " },
		{ "grpc, too", APP_GRPC, "20001:packet:c " },
		{ "tls", APP_TLS, "" },
		{ "ssh", APP_SSH, "" },
	};
	struct sensor_bench b;

	(void)state;
	bench_of(&b,
		 "[" S("20001",
		       "[{\"secret\":\"card_number\","
		       "\"where\":\"packet\"}]") "," S("20002",
						       "[{\"secret\":"
						       "\"card_number\"}"
						       "]") "," S("20003",
								  "[{"
								  "\"secr"
								  "et\":"
								  "\"card"
								  "_numbe"
								  "r\","
								  "\"wher"
								  "e\":"
								  "\"body"
								  "\"}]") "]");
	for (size_t i = 0; i < ARRAY_LEN(rows_sent); i++) {
		uint32_t c = sensor_open(b.scanner);
		char is[1024];

		b.heard = (struct sensor_heard){ 0 };
		sensor_known(b.scanner, c, rows_sent[i].app);
		assert_row(
			rows_sent[i].name,
			sensor_wants_sent(b.scanner, c, b.uses, PROTO_CLIENT) ==
				(rows_sent[i].want[0] != '\0'));
		(void)sensor_sent(b.scanner, c, b.uses, PROTO_CLIENT,
				  text_of("SET a 4111 1111"), false);
		(void)sensor_sent(b.scanner, c, b.uses, PROTO_CLIENT,
				  text_of(" 1111 1111"), false);
		(void)sorted(b.heard.text, is);
		if (strcmp(is, rows_sent[i].want) != 0)
			fail_msg("%s: %s", rows_sent[i].name, is);
		b.heard = (struct sensor_heard){ 0 };
		(void)sensor_sent(b.scanner, c, b.uses, PROTO_SERVER,
				  text_of("a 4111 1111"), false);
		(void)sensor_sent(b.scanner, c, b.uses, PROTO_SERVER,
				  text_of(" 1111 1111"), true);
		assert_row("a gap", b.heard.n == 0);
		(void)sensor_close(b.scanner, c, b.uses);
	}
	bench_done(&b);
}

static void test_neuvectors_body_is_all_where_nobody_reads(void **state)
{
	static char *patterns[] = { "/secret/is; context body" };
	static const struct dlp_rule rule = { 20001, "r", patterns, 1 };
	struct sensor_list *l = NULL;
	struct err err = { 0 };
	struct sensor_bench b;
	uint32_t c;

	(void)state;
	assert_int_equal(sensor_list_of_dlp(&rule, 1, &l, &err), 0);
	bench_with(&b, l);
	c = sensor_open(b.scanner);
	(void)sensor_sent(b.scanner, c, b.uses, PROTO_CLIENT,
			  text_of("a SECRET"), false);
	assert_string_equal(b.heard.text, "20001:packet:c ");
	(void)sensor_close(b.scanner, c, b.uses);
	b.heard = (struct sensor_heard){ 0 };
	c = sensor_open(b.scanner);
	sensor_known(b.scanner, c, APP_HTTP);
	(void)sensor_sent(b.scanner, c, b.uses, PROTO_CLIENT,
			  text_of("a SECRET"), false);
	assert_int_equal(b.heard.n, 0);
	say_whole(&b, c, FIELD_HTTP_REQUEST_BODY, text_of("a SECRET"));
	assert_string_equal(b.heard.text, "20001:body:c ");
	(void)sensor_close(b.scanner, c, b.uses);
	bench_done(&b);
}

static void test_only_what_counts_is_looked_for(void **state)
{
	struct sensor_bench b;
	struct sensor_row r = { .request = CARD };

	(void)state;
	bench_with(&b, sensor_list_ready());
	b.uses.n = 0;
	play(&b, &r, NULL, 0);
	assert_int_equal(b.heard.n, 0);
	assert_false(sensor_wants(b.scanner, b.uses, FIELD_HTTP_REQUEST_BODY));
	b.uses.uses = b.used + 1;
	b.uses.n = 3;
	assert_true(sensor_wants(b.scanner, b.uses, FIELD_HTTP_REQUEST_BODY));
	assert_false(sensor_wants(b.scanner, b.uses, FIELD_DNS_QUERY));
	play(&b, &r, NULL, 0);
	assert_int_equal(b.heard.n, 0);
	bench_done(&b);
}

static void test_limits_are_counted(void **state)
{
	struct sensor_scanner_options o = { .conversations = 1,
					    .windows = 1,
					    .progress = 1 };
	struct sensor_bench b;
	struct sensor_scanner *s;
	struct sensor_scanner_counts counts;
	struct proto_piece p = { .bytes = text_of("one two " CARD),
				 .field = FIELD_HTTP_REQUEST_BODY,
				 .begin = true };
	uint32_t c;

	(void)state;
	bench_of(
		&b,
		"[" S("20001", "[{\"regex\":\"one\"},{\"regex\":\"x\"}]") "," S(
			"20002",
			"[{\"regex\":\"two\"},{\"regex\":\"x\"}]") "," S("2000"
									 "3",
									 "[{"
									 "\"re"
									 "gex"
									 "\":"
									 "\"("
									 "a+)+"
									 "$\\"
									 "\\b"
									 "\"}"
									 "]") "]");
	s = sensor_scanner_new(&o);
	assert_non_null(s);
	(void)sensor_scanner_adopt(s, sensor_scanner_adopt(b.scanner, NULL));
	c = sensor_open(s);
	assert_int_equal(c, 1);
	assert_int_equal(sensor_open(s), 0);
	(void)sensor_piece(s, c, b.uses, &p);
	p.field = FIELD_SQL_TEXT;
	(void)sensor_piece(s, c, b.uses, &p);
	p.bytes =
		text_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
	p.end = true;
	(void)sensor_piece(s, c, b.uses, &p);
	counts = sensor_scanner_counts(s);
	assert_int_equal(counts.no_conversation, 1);
	assert_int_equal(counts.no_window, 1);
	assert_true(counts.no_progress > 0);
	b.lane = sensor_scanner_adopt(s, NULL);
	(void)sensor_scanner_adopt(s, b.lane);
	(void)sensor_ended(s, c, b.uses, PROTO_CLIENT);
	assert_int_equal(sensor_scanner_counts(s).restarted, 1);
	(void)sensor_close(s, c, b.uses);
	assert_int_equal(sensor_open(s), 1);
	(void)sensor_scanner_adopt(b.scanner, sensor_scanner_adopt(s, NULL));
	sensor_scanner_free(s);
	bench_done(&b);
}

static void test_a_bad_expression_is_left_out(void **state)
{
	json_t *v = json_loads(
		"[" S("20001", "[{\"regex\":\"a\"},{\"regex\":\"(\"}]") "," S(
			"20002", "[{\"regex\":\"b\"}]") "]",
		0, NULL);
	struct sensor_list *l = NULL;
	struct sensor_set *set;

	(void)state;
	assert_int_equal(sensor_list_parse(v, &l, NULL), 0);
	json_decref(v);
	set = sensor_set_new(l, NULL, NULL);
	assert_non_null(set);
	assert_int_equal(sensor_set_size(set).left_out, 1);
	assert_null(sensor_set_find(set, 20001));
	assert_non_null(sensor_set_find(set, 20002));
	sensor_set_free(set);
}

static const uint32_t ids[] = { 7, 9 };
/* limits: table */
static const struct {
	const char *name;
	struct sensor_scope s;
	struct sensor_traffic t;
	unsigned want; /* 1 DLP, 2 WAF */
} scopes[] = {
	{ "outside: no rule of it", { 0 }, { .session = true }, 0 },
	{ "outside: its rule",
	  { .rule_ids = ids, .n_rule_ids = 2 },
	  { .session = true, .rule = 9 },
	  1 },
	{ "outside: WAF's rule",
	  { .waf_rule_ids = ids, .n_waf_rule_ids = 2 },
	  { .session = true, .rule = 7 },
	  2 },
	{ "outside: proxymesh", { 0 }, { .session = true, .mesh = true }, 3 },
	{ "inside: all",
	  { .inside = true, .waf_inside = true },
	  { .session = true, .rule = 5 },
	  3 },
	{ "inside: not within the group",
	  { .rule_ids = ids, .n_rule_ids = 2, .inside = true },
	  { .session = true, .rule = 7 },
	  0 },
	{ "inside: proxymesh",
	  { .inside = true, .waf_inside = true },
	  { .session = true, .mesh = true },
	  2 },
	{ "inside: internal and open",
	  { .inside = true, .waf_inside = true },
	  { .session = true, .internal = true, .open = true },
	  0 },
	{ "inside: the same, from outside",
	  { .inside = true, .waf_inside = true },
	  { .session = true, .open = true },
	  3 },
	{ "inside: open, but the default is deny",
	  { .inside = true, .default_deny = true },
	  { .session = true, .internal = true, .open = true },
	  1 },
	{ "inside: open, to a host, egress",
	  { .inside = true, .dir = POLICY_DIR_EGRESS },
	  { .session = true,
	    .internal = true,
	    .open = true,
	    .peer_is_host = true },
	  1 },
	{ "inside: open, to a host, ingress",
	  { .inside = true, .dir = POLICY_DIR_INGRESS },
	  { .session = true,
	    .internal = true,
	    .open = true,
	    .peer_is_host = true },
	  0 },
	{ "no session", { 0 }, { .session = false }, 3 },
	{ "TLS",
	  { .inside = true, .waf_inside = true },
	  { .session = true, .app = APP_TLS },
	  0 },
	{ "SSH without session", { 0 }, { .app = APP_SSH }, 0 },
};

static void test_neuvectors_scope(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
		assert_row(scopes[i].name,
			   sensor_scope_of(&scopes[i].s, &scopes[i].t) ==
				   scopes[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_context_is_masked),
		cmocka_unit_test(test_second_secret),
		cmocka_unit_test(test_what_is_sent),
		cmocka_unit_test(
			test_neuvectors_body_is_all_where_nobody_reads),
		cmocka_unit_test(test_only_what_counts_is_looked_for),
		cmocka_unit_test(test_limits_are_counted),
		cmocka_unit_test(test_a_bad_expression_is_left_out),
		cmocka_unit_test(test_neuvectors_scope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
