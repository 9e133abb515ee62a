/*
 * The agent's records as lines of EVE, and what else is made of a line: community
 * ids, messages of syslog, bodies of webhooks.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "detect/threat.h"
#include "export/anomaly.h"
#include "export/community.h"
#include "export/eve.h"
#include "export/hook.h"
#include "export/syslog.h"
#include "test.h"

/* --- community ids --------------------------------------------------------------- */

/* Of the specification's baseline (seed 0). */
static void test_community(void **state)
{
	static const struct {
		const char *src, *dst;
		uint16_t sport, dport;
		uint8_t proto;
		const char *want;
	} rows[] = {
		{ "128.232.110.120", "66.35.250.204", 34855, 80, 6,
		  "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" },
		{ "66.35.250.204", "128.232.110.120", 80, 34855, 6,
		  "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" },
		{ "192.168.1.52", "8.8.8.8", 54585, 53, 17,
		  "1:d/FP5EW3wiY1vCndhwleRRKHowQ=" },
		{ "8.8.8.8", "192.168.1.52", 53, 54585, 17,
		  "1:d/FP5EW3wiY1vCndhwleRRKHowQ=" },
		{ "192.168.0.89", "192.168.0.1", 8, 0, 1,
		  "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=" },
		{ "192.168.0.1", "192.168.0.89", 0, 8, 1,
		  "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=" },
		{ "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135,
		  0, 58, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=" },
		{ "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136,
		  0, 58, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=" },
		{ "192.168.170.8", "192.168.170.56", 7, 80, 132,
		  "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ=" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_addr src, dst;
		char got[COMMUNITY_TEXT_MAX];

		assert_int_equal(ip_parse(rows[i].src, &src), 0);
		assert_int_equal(ip_parse(rows[i].dst, &dst), 0);
		community_id(src, dst, rows[i].sport, rows[i].dport,
			     rows[i].proto, got);
		assert_string_equal(got, rows[i].want);
	}
}

/* --- lines ----------------------------------------------------------------------- */

/* Has `got` all that `want` has? null in `want`: it must not be there. */
static bool has(const json_t *got, const json_t *want)
{
	const char *key;
	json_t *v;

	if (!json_is_object(want))
		return json_equal((json_t *)(uintptr_t)got,
				  (json_t *)(uintptr_t)want);
	json_object_foreach ((json_t *)(uintptr_t)want, key, v) {
		const json_t *mine = json_object_get(got, key);

		if (json_is_null(v) ? mine != NULL : !has(mine, v))
			return false;
	}
	return true;
}

static json_t *load(const char *text)
{
	json_error_t why;
	json_t *v = json_loads(text, JSON_DECODE_ANY, &why);

	if (!v)
		fail_msg("%s: %s", text, why.text);
	return v;
}

static struct who *some_who(void)
{
	struct who *w = who_new();
	json_t *ls = load("{\"workloads\":[{\"id\":\"n:web\",\"name\":\"web\","
			  "\"groups\":[\"front\"],\"mode\":\"protect\"}]}");

	who_set(w, ls);
	json_decref(ls);
	return w;
}

#define ENDS                                                             \
	"\"client\":\"app\",\"client_id\":\"n:app\",\"client_address\":" \
	"\"10.9.0.3\",\"server\":\"web\",\"server_id\":\"n:web\","       \
	"\"server_address\":\"10.9.0.2\",\"workload\":\"n:web\","        \
	"\"direction\":\"ingress\",\"proto\":\"tcp\""
#define PORTS "\"client_port\":40000,\"server_port\":80"
#define TRAIL                                                                  \
	ENDS "," PORTS                                                         \
	     ",\"application\":\"http\",\"action\":\"allow\",\"reason\":"      \
	     "\"rule\",\"rule\":5,\"flow\":7,\"blocked\":false,\"tap\":false," \
	     "\"midstream\":false,\"threat\":0,\"severity\":\"\",\"number\":"  \
	     "9,"                                                              \
	     "\"plane\":77,\"first_us\":1700000000123456,\"last_us\":"         \
	     "1700000003500000"
#define EVE_ENDS                                                               \
	"\"src_ip\":\"10.9.0.3\",\"src_port\":40000,\"dest_ip\":\"10.9.0.2\"," \
	"\"dest_port\":80,\"proto\":\"TCP\",\"app_proto\":\"http\","           \
	"\"community_id\":\"1:9OMYZlPMT2c0cH6hIURVhLQiDnE=\""

static const struct {
	const char *name;
	bool trail;
	const char *record, *want;
} lines[] = {
	{ "violation", false,
	  "{\"kind\":\"violation\",\"at\":1700000000,\"number\":3,"
	  "\"severity\":\"medium\"," ENDS ",\"port\":80,\"application\":"
	  "\"postgresql\",\"action\":\"deny\",\"rule\":0,\"blocked\":true,"
	  "\"count\":2,\"text\":\"app -> web\",\"webhooks\":[\"oncall\"]}",
	  "{\"timestamp\":\"2023-11-14T22:13:20.000000+0000\","
	  "\"event_type\":\"alert\",\"host\":\"node1\",\"flow_id\":null,"
	  "\"src_ip\":\"10.9.0.3\",\"src_port\":null,\"dest_port\":80,"
	  "\"community_id\":null,\"app_proto\":\"pgsql\",\"alert\":{"
	  "\"action\":\"blocked\",\"gid\":9001,\"signature_id\":0,"
	  "\"signature\":\"Weir: no rule of the policy allows it\","
	  "\"category\":\"Network policy violation\",\"severity\":2},"
	  "\"weir\":{\"kind\":\"violation\",\"severity\":\"medium\",\"rule\":0,"
	  "\"count\":2,\"event\":3,\"text\":\"app -> "
	  "web\",\"workload\":{\"id\":"
	  "\"n:web\",\"name\":\"web\",\"groups\":[\"front\"],\"mode\":"
	  "\"protect\"},\"client\":{\"name\":\"app\",\"groups\":null}}}" },
	{ "only watched", false,
	  "{\"kind\":\"violation\",\"at\":1,\"severity\":\"low\",\"rule\":"
	  "4," ENDS ",\"action\":\"deny\",\"blocked\":false,\"text\":\"\"}",
	  "{\"alert\":{\"action\":\"allowed\",\"signature_id\":4,\"severity\":"
	  "3,"
	  "\"signature\":\"Weir: a rule of the policy does not allow it\"}}" },
	{ "signature", false,
	  "{\"kind\":\"signature\",\"at\":1700000000,\"id\":2034,\"rev\":3,"
	  "\"name\":\"log4j lookup\",\"classtype\":\"web-application-attack\","
	  "\"severity\":\"high\",\"action\":\"drop\",\"flags\":[]," ENDS
	  "," PORTS ",\"application\":\"http\",\"flow\":7,\"rule\":5,"
	  "\"said_by\":\"client\",\"field\":\"http.uri\",\"evidence\":\"m\"}",
	  "{\"direction\":\"to_server\"," EVE_ENDS ",\"alert\":{\"action\":"
	  "\"blocked\",\"gid\":1,\"signature_id\":2034,\"rev\":3,\"signature\":"
	  "\"log4j lookup\",\"category\":\"web-application-attack\","
	  "\"severity\":1},\"weir\":{\"evidence\":\"m\",\"field\":\"http.uri\","
	  "\"id\":2034,\"rule\":5}}" },
	{ "tapped signature", false,
	  "{\"kind\":\"signature\",\"at\":1,\"severity\":\"high\",\"action\":"
	  "\"drop\",\"flags\":[\"tap\"],\"said_by\":\"server\"," ENDS "}",
	  "{\"direction\":\"to_client\",\"alert\":{\"action\":\"allowed\"}}" },
	{ "dlp", false,
	  "{\"kind\":\"dlp\",\"at\":1,\"id\":20001,\"rev\":0,\"name\":"
	  "\"cards\","
	  "\"severity\":\"critical\",\"action\":\"reset\",\"flags\":[]," ENDS
	  "," PORTS "}",
	  "{\"alert\":{\"gid\":9002,\"signature_id\":20001,\"category\":\"Data "
	  "leak\",\"signature\":\"cards\",\"severity\":1}}" },
	{ "waf", false,
	  "{\"kind\":\"waf\",\"at\":1,\"id\":30001,\"name\":\"w\",\"severity\":"
	  "\"medium\",\"action\":\"allow\",\"flags\":[]," ENDS "," PORTS "}",
	  "{\"alert\":{\"gid\":9003,\"category\":\"Web attack\",\"action\":"
	  "\"allowed\"}}" },
	{ "threat", false,
	  "{\"kind\":\"threat\",\"at\":1,\"id\":2006,\"name\":\"ping of "
	  "death\","
	  "\"severity\":\"critical\",\"from\":\"10.9.0.3\",\"to\":\"10.9.0.2\","
	  "\"proto\":\"icmp\",\"icmp_type\":8,\"icmp_code\":0,\"action\":"
	  "\"drop\",\"workload\":\"n:web\",\"text\":\"ping\"}",
	  "{\"event_type\":\"anomaly\",\"src_ip\":\"10.9.0.3\",\"proto\":"
	  "\"ICMP\",\"icmp_type\":8,\"icmp_code\":0,\"src_port\":null,"
	  "\"anomaly\":{\"type\":\"decode\",\"event\":"
	  "\"decoder.ping_of_death\",\"code\":null,\"layer\":null},"
	  "\"weir\":{\"kind\":\"threat\",\"id\":2006,\"severity\":"
	  "\"critical\"}}" },
	{ "threat of a parser", false,
	  "{\"kind\":\"threat\",\"at\":1,\"id\":2011,\"name\":"
	  "\"SSL 2.0 or 3.0\",\"from\":\"10.9.0.3\",\"to\":\"10.9.0.2\","
	  "\"proto\":\"tcp\",\"from_port\":5000,\"to_port\":443,"
	  "\"application\":\"tls\",\"text\":\"old\"}",
	  "{\"app_proto\":\"tls\",\"src_port\":5000,\"anomaly\":{\"type\":"
	  "\"applayer\",\"event\":\"SSL_2_0_OR_3_0\",\"layer\":"
	  "\"proto_parser\",\"code\":null}}" },
	{ "threat of a later data plane", false,
	  "{\"kind\":\"threat\",\"at\":1,\"id\":2999,\"name\":\"new\","
	  "\"from\":\"10.9.0.3\",\"to\":\"10.9.0.2\",\"proto\":\"tcp\","
	  "\"text\":\"new\"}",
	  "{\"anomaly\":{\"type\":\"unknown\",\"event\":\"new\",\"code\":"
	  "2999}}" },
	{ "state", false,
	  "{\"kind\":\"state\",\"at\":1,\"severity\":\"high\",\"part\":"
	  "\"data-plane\",\"workload\":\"\",\"text\":\"down\"}",
	  "{\"event_type\":\"engine\",\"src_ip\":null,\"engine\":{\"message\":"
	  "\"down\",\"part\":\"data-plane\",\"who\":null}}" },
	{ "change", false,
	  "{\"kind\":\"change\",\"at\":1,\"severity\":\"info\",\"who\":"
	  "\"root\","
	  "\"workload\":\"\",\"text\":\"mode\"}",
	  "{\"event_type\":\"engine\",\"engine\":{\"message\":\"mode\",\"who\":"
	  "\"root\"}}" },
	{ "flow", true,
	  "{\"kind\":\"flow\"," TRAIL
	  ",\"client_packets\":7,\"server_packets\":"
	  "5,\"client_bytes\":111,\"server_bytes\":187,\"client_state\":"
	  "\"time_wait\",\"server_state\":\"closed\",\"syn\":true,\"fin\":true,"
	  "\"rst\":false}",
	  "{\"event_type\":\"flow\",\"timestamp\":"
	  "\"2023-11-14T22:13:23.500000+0000\"," EVE_ENDS ",\"flow\":{"
	  "\"pkts_toserver\":7,\"pkts_toclient\":5,\"bytes_toserver\":111,"
	  "\"bytes_toclient\":187,\"start\":\"2023-11-14T22:13:20.123456+"
	  "0000\","
	  "\"end\":\"2023-11-14T22:13:23.500000+0000\",\"age\":3,\"state\":"
	  "\"closed\",\"action\":\"accept\",\"reason\":null},\"tcp\":{\"syn\":"
	  "true,\"fin\":true,\"rst\":null,\"state\":\"closed\"},\"weir\":{"
	  "\"kind\":\"flow\",\"rule\":5,\"reason\":\"rule\",\"blocked\":false}"
	  "}" },
	{ "http", true,
	  "{\"kind\":\"http\"," TRAIL ",\"http\":{\"method\":\"GET\",\"host\":"
	  "\"web\",\"url\":\"/x\",\"protocol\":\"HTTP/1.1\",\"status\":\"404\","
	  "\"content_type\":\"text/html\",\"user_agent\":\"curl\",\"referer\":"
	  "\"r\",\"cut\":true}}",
	  "{\"event_type\":\"http\",\"timestamp\":"
	  "\"2023-11-14T22:13:20.123456+0000\",\"http\":{\"hostname\":\"web\","
	  "\"url\":\"/x\",\"http_method\":\"GET\",\"protocol\":\"HTTP/1.1\","
	  "\"status\":404,\"http_content_type\":\"text/html\","
	  "\"http_user_agent\":\"curl\",\"http_refer\":\"r\"},\"weir\":{"
	  "\"cut\":true}}" },
	{ "tls", true,
	  "{\"kind\":\"tls\"," TRAIL ",\"tls\":{\"sni\":\"web\",\"offered\":"
	  "\"1.3\",\"version\":\"1.2\",\"ja3\":\"a\",\"ja3s\":\"b\",\"ja4\":"
	  "\"c\",\"subject\":\"CN=web\",\"issuer\":\"CN=ca\",\"name\":[\"web\"]"
	  ","
	  "\"client_alpn\":[\"h2\"]}}",
	  "{\"event_type\":\"tls\",\"tls\":{\"sni\":\"web\",\"version\":\"TLS "
	  "1.2\",\"ja3\":{\"hash\":\"a\"},\"ja3s\":{\"hash\":\"b\"},\"ja4\":"
	  "\"c\",\"subject\":\"CN=web\",\"issuerdn\":\"CN=ca\","
	  "\"subjectaltname\":[\"web\"],\"client_alpns\":[\"h2\"],"
	  "\"server_alpns\":null}}" },
	{ "question", true,
	  "{\"kind\":\"dns\"," TRAIL ",\"dns\":{\"rrname\":\"a.example\","
	  "\"rrtype\":\"A\",\"response\":false,\"truncated\":false,\"id\":5,"
	  "\"rcode\":0}}",
	  "{\"event_type\":\"dns\",\"dns\":{\"type\":\"query\",\"id\":5,"
	  "\"rrname\":\"a.example\",\"rrtype\":\"A\",\"rcode\":null,"
	  "\"answers\":"
	  "null}}" },
	{ "answer", true,
	  "{\"kind\":\"dns\"," TRAIL ",\"dns\":{\"rrname\":\"a.example\","
	  "\"rrtype\":\"A\",\"response\":true,\"truncated\":true,\"id\":5,"
	  "\"rcode\":3,\"answer\":[{\"rdata\":\"10.0.0.1\"}]}}",
	  "{\"dns\":{\"type\":\"answer\",\"version\":2,\"qr\":true,\"tc\":true,"
	  "\"rcode\":\"NXDOMAIN\",\"answers\":[{\"rdata\":\"10.0.0.1\"}]}}" },
};

static struct item *line_of(const char *record, bool trail, const struct eve *e)
{
	json_t *r = load(record);
	struct item *i = trail ? eve_of_trail(e, r) : eve_of_event(e, r);

	json_decref(r);
	return i;
}

static void test_lines(void **state)
{
	struct who *who = some_who();
	struct eve e = { .who = who, .host = "node1" };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(lines); k++) {
		struct item *i = line_of(lines[k].record, lines[k].trail, &e);
		json_t *want = load(lines[k].want), *got;

		assert_row(lines[k].name, i);
		got = load(i->json);
		if (!has(got, want))
			fail_msg("row \"%s\": %s", lines[k].name, i->json);
		assert_row(lines[k].name, !memchr(i->json, '\n', i->json_len));
		json_decref(got);
		json_decref(want);
		item_put(i);
	}
	who_free(who);
}

/* All lines of a flow have its number, also an alert's. */
static void test_one_flow(void **state)
{
	struct eve e = { .host = "" };
	json_int_t id = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(lines); k++) {
		struct item *i = line_of(lines[k].record, lines[k].trail, &e);
		json_t *got = load(i->json);
		json_t *mine = json_object_get(got, "flow_id");

		assert_null(json_object_get(got, "host"));
		if (mine && !id)
			id = json_integer_value(mine);
		if (mine)
			assert_int_equal(json_integer_value(mine), id);
		json_decref(got);
		item_put(i);
	}
	assert_true(id > 0);
}

/* Records of another agent, or of nobody: no line, or one with less in it. */
static void test_strange(void **state)
{
	static const char *const none[] = {
		"{}", "{\"kind\":7}", "{\"kind\":\"flow\"}",
		"[]", "\"x\"",	      "{\"kind\":\"nothing\"}",
	};
	static const char *const some[] = {
		"{\"kind\":\"violation\"}",
		"{\"kind\":\"dlp\",\"at\":\"x\",\"flags\":7,\"webhooks\":7,"
		"\"rule\":[],\"client_address\":5,\"id\":-1}",
		"{\"kind\":\"threat\",\"from\":\"10.0.0.1\",\"to\":\"x\"}",
		"{\"kind\":\"state\",\"at\":9223372036854775807}",
	};
	struct eve e = { .host = "h" };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(none); k++) {
		assert_null(line_of(none[k], false, &e));
		assert_null(line_of(none[k], true, &e));
	}
	for (size_t k = 0; k < ARRAY_LEN(some); k++) {
		struct item *i = line_of(some[k], false, &e);

		assert_row(some[k], i);
		json_decref(load(i->json));
		item_put(i);
	}
}

/* What a terminal would obey stands in no line, and the value is the same. */
static void test_hidden(void **state)
{
	static const char record[] =
		"{\"kind\":\"http\",\"client_address\":\"10.0.0.1\","
		"\"server_address\":\"10.0.0.2\",\"proto\":\"tcp\","
		"\"client_port\":1,\"server_port\":80,\"client_id\":\"a\","
		"\"workload\":\"a\",\"client\":\"n\\u009b\\nm\","
		"\"http\":{\"method\":\"GET\","
		"\"url\":\"/\xc2\x9b\x33\x31m\x7f\xe2\x80\xae\\u001b\"}}";
	struct eve e = { .host = "h" };
	struct item *i = line_of(record, true, &e);
	json_t *got, *want = load(record);

	(void)state;
	assert_non_null(i);
	for (size_t k = 0; k < i->json_len; k++)
		assert_true(i->json[k] >= ' ' && i->json[k] < 0x7f);
	got = load(i->json);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(got, "http"), "url")),
			    json_string_value(json_object_get(
				    json_object_get(want, "http"), "url")));
	assert_string_equal(i->text,
			    "http: n. m -> 10.0.0.2 tcp/80  GET /.31m.. ");
	assert_string_equal(i->workload, "n. m");
	json_decref(got);
	json_decref(want);
	item_put(i);
}

static void test_stats(void **state)
{
	json_t *status = load("{\"started\":1699999990,\"counts\":{\"w\":1}}");
	json_t *top = load("{\"workloads\":[{\"bytes_in\":3},{\"bytes_in\":4,"
			   "\"violations\":1}]}");
	json_t *want = load(
		"{\"event_type\":\"stats\",\"stats\":{\"uptime\":10,\"weir\":{"
		"\"counts\":{\"w\":1},\"traffic\":{\"bytes_in\":7,"
		"\"violations\":1},\"outputs\":[]}}}");
	struct eve e = { .host = "h" };
	struct item *i =
		eve_of_stats(&e, status, top, json_array(), 1700000000000000);
	json_t *got = load(i->json);

	(void)state;
	assert_true(has(got, want));
	json_decref(got);
	json_decref(want);
	json_decref(status);
	json_decref(top);
	item_put(i);
}

/* --- syslog ------------------------------------------------------------------------ */

static void test_syslog(void **state)
{
	static const struct {
		uint8_t severity;
		unsigned pri; /* of facility 16 */
	} rows[] = { { 0, 134 }, { 1, 134 }, { 2, 133 },
		     { 3, 132 }, { 4, 131 }, { 5, 130 } };
	struct syslog_from from = { .facility = 16,
				    .host = "node 1",
				    .pid = 4711 };
	struct item i = { .kind = ITEM_VIOLATION,
			  .severity = 3,
			  .at_us = 1700000000123456,
			  .json = (char *)"{\"a\":1}",
			  .json_len = 7,
			  .text = (char *)"one\nline" };
	struct text t = { 0 };
	char want[32];

	(void)state;
	(void)snprintf(i.workload, sizeof i.workload, "w\"e]b\\");
	(void)snprintf(i.rule, sizeof i.rule, "5");
	syslog_message(&t, &from, &i, 9);
	text_add(&t, "", 1);
	assert_string_equal(
		t.at,
		"<132>1 2023-11-14T22:13:20.123456Z node_1 weir 4711 alert "
		"[origin software=\"weir-export\" swVersion=\"" WEIR_VERSION
		"\"][meta sequenceId=\"9\"][weir@32473 kind=\"violation\" "
		"severity=\"medium\" workload=\"w\\\"e\\]b\\\\\" "
		"rule=\"5\"] {\"a\":1}");
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		t.len = 0;
		i.severity = rows[k].severity;
		syslog_message(&t, &from, &i, 1);
		(void)snprintf(want, sizeof want, "<%u>1 ", rows[k].pri);
		assert_memory_equal(t.at, want, strlen(want));
	}
	from.as_text = true;
	t.len = 0;
	syslog_frame(&t, &from, &i, 1);
	text_add(&t, "", 1);
	assert_int_equal(strtoul(t.at, NULL, 10),
			 strlen(strchr(t.at, ' ') + 1));
	assert_non_null(strstr(t.at, "] one line"));
	text_done(&t);
}

/* --- anomalies ---------------------------------------------------------------------- */

/* Each threat there is has a type of Suricata's. */
static void test_anomalies(void **state)
{
	static const char *const types[] = { "decode", "stream", "applayer" };

	(void)state;
	for (unsigned i = 0; i < THREAT_KINDS; i++) {
		const struct threat_kind *k = threat_kind_at(i);
		json_t *a = anomaly_of(k->id, k->name);
		const char *type =
			json_string_value(json_object_get(a, "type"));
		bool known = false;

		for (size_t n = 0; n < ARRAY_LEN(types); n++)
			known |= type && strcmp(type, types[n]) == 0;
		assert_row(k->name, known);
		assert_row(k->name, !json_object_get(a, "code"));
		assert_row(k->name,
			   (strcmp(type, "applayer") == 0) ==
				   (json_object_get(a, "layer") != NULL));
		json_decref(a);
	}
	for (uint64_t id = 0; id < 3000; id++) { /* and no others */
		json_t *a = anomaly_of(id, "x");

		assert_int_equal(json_object_get(a, "code") == NULL,
				 threat_kind_find((uint32_t)id) != NULL);
		json_decref(a);
	}
}

/* --- webhooks ----------------------------------------------------------------------- */

static void test_hooks(void **state)
{
	static const struct {
		enum webhook_shape shape;
		const char *want;
	} rows[] = {
		{ SHAPE_JSON, "{\"a\":1}" },
		{ SHAPE_SLACK, "{\"text\":\"*Weir: violation, high*\\na "
			       "&lt;b&gt; &amp;\"}" },
		{ SHAPE_TEAMS, "{\"type\":\"message\"}" },
	};
	struct item i = { .kind = ITEM_VIOLATION,
			  .severity = 4,
			  .json = (char *)"{\"a\":1}",
			  .json_len = 7,
			  .text = (char *)"a <b> &" };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		char *body = hook_body(rows[k].shape, &i);
		json_t *got = load(body), *want = load(rows[k].want);

		if (!has(got, want))
			fail_msg("%s", body);
		if (rows[k].shape == SHAPE_SLACK)
			assert_non_null(strstr(body, "\"unfurl_links\":false"));
		/* a run of text has no marks; those of others have */
		if (rows[k].shape == SHAPE_TEAMS)
			assert_non_null(strstr(body, "{\"type\":\"TextRun\","
						     "\"text\":\"a <b> &\"}"));
		json_decref(got);
		json_decref(want);
		free(body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_community),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_one_flow),
		cmocka_unit_test(test_strange),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_syslog),
		cmocka_unit_test(test_anomalies),
		cmocka_unit_test(test_hooks),
	};

	(void)setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("export_eve", tests, NULL, NULL);
}
