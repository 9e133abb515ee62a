/*
 * Signatures and sensors in the pipeline: what they find is told, and goes no
 * further where their action says so; who is looked at, with which set, and for
 * how long.
 */
#include "base/limits_memory.h"
#include "detecting.h"

/* --- signatures --------------------------------------------------------------- */

static void test_alert(void **state)
{
	struct detecting *d = *state;
	struct finding_record r;
	struct conn c;

	look_for(d, HTTP_RULE("alert", 7));
	c = connected(d->b, true, 8080);
	assert_int_equal(say(&c, true, GET), REASON_RULE);
	assert_int_equal(say(&c, false, OK), REASON_RULE);
	r = found(d);
	assert_int_equal(r.kind, FINDING_SIGNATURE);
	assert_int_equal(r.id, 7);
	assert_int_equal(r.action, DPI_ALLOW);
	assert_int_equal(r.severity, 4); /* of its class */
	assert_string_equal(r.name, "evil");
	assert_string_equal(r.classtype, "web-application-attack");
	assert_string_equal(r.request, "GET a.test/evil");
	assert_non_null(strstr(r.evidence, "/evil"));
	assert_int_equal(r.buffer, FIELD_HTTP_URI);
	assert_int_equal(r.server_port, 8080);
	assert_int_equal(r.application, APP_HTTP);
	assert_int_equal(r.policy_id, 1);
	assert_true(r.flow_id != 0);
	assert_true(mac_equal(r.ep_mac, real_mac));
}

/* Nothing of the forbidden request goes on, nor of what comes after it. */
static void test_stopped(void **state)
{
	static const struct {
		const char *action;
		uint8_t told;
		unsigned resets;
	} rows[] = { { "drop", DPI_DROP, 0 }, { "reject", DPI_RESET, 2 } };

	for (size_t i = 0; i < 2; i++) {
		struct detecting *d = *state;
		char rules[512];
		struct conn c;

		(void)snprintf(rules, sizeof rules,
			       "%s http any any -> any any (msg:\"evil\"; "
			       "http.uri; content:\"/evil\"; sid:7;)",
			       rows[i].action);
		look_for(d, rules);
		c = connected(d->b, true, 80);
		assert_int_equal(say(&c, true, "GET /evi"), REASON_RULE);
		assert_int_equal(say(&c, true, GET + 8), -REASON_SIGNATURE);
		assert_int_equal(d->b->verdict.n_send, rows[i].resets);
		assert_int_equal(found(d).action, rows[i].told);
		assert_int_equal(say(&c, true, "more"), -REASON_SIGNATURE);
		assert_int_equal(say(&c, false, OK), -REASON_SIGNATURE);
		found_nothing(d);
		assert_false(is_listened_to(d));
		(void)stop(state);
		(void)start(state);
	}
}

/* One of a threat does what that one's setting says. */
static void test_threat(void **state)
{
	static const struct {
		bool on;
		enum dpi_action action;
		int reason;
	} rows[] = { { true, DPI_DROP, -REASON_SIGNATURE },
		     { true, DPI_ALLOW, REASON_RULE },
		     { false, DPI_DROP, REASON_RULE } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct inspect_settings s = inspect_settings_default();
		struct detecting *d = *state;
		static struct threat_record t[2];
		struct conn c;

		for (unsigned k = 0; k < THREAT_KINDS; k++)
			if (threat_kind_at(k)->id == THREAT_STRUTS_XML)
				s.threats[k] = (struct threat_setting){
					rows[i].on, (uint8_t)rows[i].action
				};
		inspect_configure(d->b->in, &s);
		look_for(d, "drop http any any -> any any (msg:\"evil\"; "
			    "http.uri; content:\"/evil\"; "
			    "metadata:of us, threat 1; "
			    "metadata:threat 2023; sid:7;)");
		c = connected(d->b, true, 80);
		assert_int_equal(say(&c, true, GET), rows[i].reason);
		if (rows[i].on)
			assert_int_equal(found(d).action, rows[i].action);
		else
			found_nothing(d);
		assert_int_equal(inspect_drain_threats(d->b->in, t, 2),
				 rows[i].on);
		if (rows[i].on)
			assert_int_equal(t[0].id, THREAT_STRUTS_XML);
		(void)stop(state);
		(void)start(state);
	}
}

static void test_blocks(void **state)
{
	struct detecting *d = *state;
	static struct block_record b[BLOCKS_MAX];
	struct conn c;

	look_for(d, "drop tcp any any -> any any (content:\"evil\"; "
		    "sid:3000000001;)");
	c = connected(d->b, true, 80);
	assert_int_equal(say(&c, true, "evil"), -REASON_SIGNATURE);
	assert_int_equal(say(&c, true, "evil"), -REASON_SIGNATURE);
	assert_int_equal(inspect_copy_blocks(d->b->in, b), 1);
	assert_int_equal(b[0].reason, REASON_SIGNATURE);
	assert_int_equal(b[0].threat, 3000000001u);
	assert_int_equal(b[0].count, 2);
}

/* What may only be looked at: a tap, a workload that is not to be protected. */
static void test_only_told(void **state)
{
	struct detecting *d = *state;
	struct sensing_spec spec = { .signatures = SIGNATURES_ALERT };
	struct conn c;

	look_for(d, HTTP_RULE("reject", 7));
	use(d, &spec, false);
	c = connected(d->b, true, 80);
	assert_int_equal(say(&c, true, GET), REASON_RULE);
	assert_int_equal(found(d).action, DPI_ALLOW);
	spec.signatures = SIGNATURES_OFF;
	use(d, &spec, false);
	c = connected(d->b, true, 80);
	assert_int_equal(say(&c, true, GET), REASON_RULE);
	found_nothing(d);
	spec.signatures = SIGNATURES_ENFORCE;
	use(d, &spec, true);
	c = connected(d->b, true, 80);
	assert_int_equal(say(&c, true, GET), -REASON_TAP);
	assert_int_equal(d->b->verdict.n_send, 0);
	assert_true(found(d).flags & THREAT_TAP);
	assert_int_equal(say(&c, false, OK), -REASON_TAP);
}

/* One byte a segment, and a segment that comes twice. */
static void test_bytes(void **state)
{
	static const char text[] = "xx evil yy";
	struct detecting *d = *state;
	struct conn c;
	int reason = REASON_RULE;
	size_t i;

	look_for(d, "reject tcp any any -> any any (content:\"evil\"; "
		    "sid:8;)");
	c = connected(d->b, true, 5555);
	for (i = 0; reason == REASON_RULE && i < sizeof text - 1; i++) {
		reason = say_bytes(&c, true, text + i, 1);
		if (reason == REASON_RULE)
			assert_int_equal(conn_frame(&c, true, TCP_ACK | TCP_PSH,
						    text + i, 1, -1),
					 REASON_RULE);
	}
	assert_int_equal(reason, -REASON_SIGNATURE);
	assert_int_equal(i, 7); /* the l of evil */
	assert_int_equal(found(d).buffer, SIG_BUFFER_PAYLOAD);
}

static void test_datagrams(void **state)
{
	struct detecting *d = *state;
	struct frame_spec s = bench_frame(true, PEER, PROTO_UDP, 4000, 9999);

	look_for(d, "drop udp any any -> any 9999 (content:\"evil\"; "
		    "sid:9;)");
	s.payload = (const uint8_t *)"good";
	s.payload_len = 4;
	assert_int_equal(bench_reason(d->b, s), REASON_RULE);
	s.payload = (const uint8_t *)"evil";
	assert_int_equal(bench_reason(d->b, s), -REASON_SIGNATURE);
	assert_int_equal(found(d).id, 9);
	/* each datagram is judged by itself */
	s.payload = (const uint8_t *)"good";
	assert_int_equal(bench_reason(d->b, s), REASON_RULE);
}

/* Rules about packets see those of each flow, also of ones nobody reads. */
static void test_packets(void **state)
{
	struct detecting *d = *state;
	struct frame_spec s = bench_frame(true, PEER, PROTO_UDP, 4000, 9999);

	d->b->settings.applications.on = false;
	inspect_configure(d->b->in, &d->b->settings);
	look_for(d, "drop udp any any -> any any (dsize:3; sid:10;)");
	s.payload = (const uint8_t *)"evil";
	s.payload_len = 4;
	assert_int_equal(bench_reason(d->b, s), REASON_RULE);
	s.payload_len = 3;
	assert_int_equal(bench_reason(d->b, s), -REASON_SIGNATURE);
	assert_int_equal(found(d).id, 10);
}

/* A connection ends with the set that it began with, and gives it back. */
static void test_other_set(void **state)
{
	struct detecting *d = *state;
	struct sig_set *before;
	struct sig_lane *lane;
	struct conn c, later;

	look_for(d, HTTP_RULE("alert", 7));
	before = d->set;
	c = connected(d->b, true, 80);
	look_for(d, HTTP_RULE("alert", 70));
	later = connected(d->b, true, 80);
	assert_null(inspect_give_back_signatures(d->b->in));
	assert_int_equal(say(&c, true, GET), REASON_RULE);
	assert_int_equal(found(d).id, 7);
	assert_int_equal(say(&later, true, GET), REASON_RULE);
	assert_int_equal(found(d).id, 70);
	assert_int_equal(conn_frame(&c, true, TCP_RST, NULL, 0, 0),
			 REASON_RULE);
	lane = inspect_give_back_signatures(d->b->in);
	assert_non_null(lane);
	assert_ptr_equal(sig_lane_set(lane), before);
	sig_lane_free(lane);
	sig_set_free(before);
}

/* None at all, and others again, while a connection goes on with the first. */
static void test_none_between(void **state)
{
	struct detecting *d = *state;
	struct sig_set *before;
	struct sig_lane *lane;
	struct conn c;

	look_for(d, HTTP_RULE("alert", 7));
	before = d->set;
	c = connected(d->b, true, 80);
	adopt(d, NULL);
	assert_null(inspect_give_back_signatures(d->b->in));
	look_for(d, HTTP_RULE("alert", 70));
	assert_null(inspect_give_back_signatures(d->b->in));
	assert_int_equal(say(&c, true, GET), REASON_RULE);
	assert_int_equal(found(d).id, 7);
	/* until it is given up */
	inspect_drop_set(d->b->in, before);
	assert_int_equal(say(&c, true, GET), REASON_RULE);
	found_nothing(d);
	assert_int_equal(inspect_counts(d->b->in).signatures.sets_dropped, 1);
	lane = inspect_give_back_signatures(d->b->in);
	assert_non_null(lane);
	assert_ptr_equal(sig_lane_set(lane), before);
	sig_lane_free(lane);
	sig_set_free(before);
}

/* Who looks for nothing in what is said there does not listen. */
static void test_given_back(void **state)
{
	struct detecting *d = *state;
	struct conn c;

	look_for(d, "alert dns any any -> any any (dns.query; "
		    "content:\"evil\"; sid:11;)");
	c = connected(d->b, true, 80);
	assert_int_equal(say(&c, true, GET), REASON_RULE);
	assert_int_equal(say(&c, false, OK), REASON_RULE);
	assert_false(is_listened_to(d));
	(void)stop(state);
	(void)start(state);
	d = *state;
	look_for(d, HTTP_RULE("alert", 7));
	c = connected(d->b, true, 80);
	assert_int_equal(
		say(&c, true, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"),
		REASON_RULE);
	assert_int_equal(say(&c, false, OK), REASON_RULE);
	assert_true(is_listened_to(d));
	assert_int_equal(say(&c, true, GET), REASON_RULE);
	assert_int_equal(found(d).id, 7);
}

/* --- sensors ------------------------------------------------------------------ */

static void no_digits(const struct finding_record *r)
{
	assert_null(strstr(r->evidence, "11111111"));
	assert_null(strstr(r->request, "11111111"));
}

/* What the issue wants: a card number in a POST. */
static void test_card(void **state)
{
	struct detecting *d = *state;
	struct sensing_spec spec = { .own = { &cards_block, 1 },
				     .signatures = SIGNATURES_ENFORCE };
	struct finding_record r;
	struct conn c;

	sense(d, CARDS);
	use(d, &spec, false);
	c = connected(d->b, false, 80);
	assert_int_equal(say(&c, true, POST), -REASON_DLP);
	assert_int_equal(d->b->verdict.n_send, 2);
	r = found(d);
	assert_int_equal(r.kind, FINDING_DLP);
	assert_int_equal(r.id, 30001);
	assert_int_equal(r.action, DPI_RESET);
	assert_int_equal(r.severity, 5);
	assert_string_equal(r.name, "cards");
	assert_string_equal(r.request, "POST a.test/pay");
	assert_int_equal(r.buffer, FIELD_HTTP_REQUEST_BODY);
	assert_false(r.flags & FINDING_COMPAT);
	assert_non_null(strstr(r.evidence, "card="));
	no_digits(&r);
	assert_int_equal(say(&c, true, "x"), -REASON_DLP);
}

/* Told in each mode but one; a workload without sensors is not looked at. */
static void test_card_told(void **state)
{
	struct detecting *d = *state;
	struct sensing_spec spec = { .own = { &cards_alert, 1 },
				     .signatures = SIGNATURES_ENFORCE };
	struct conn c;

	sense(d, CARDS);
	c = connected(d->b, false, 80);
	assert_int_equal(say(&c, true, POST), REASON_RULE);
	found_nothing(d);
	use(d, &spec, false);
	/* also of one that is there already */
	assert_int_equal(say(&c, false, OK), REASON_RULE);
	c = connected(d->b, false, 80);
	assert_int_equal(say(&c, true, POST), REASON_RULE);
	assert_int_equal(found(d).action, DPI_ALLOW);
	spec.own.uses = &cards_block;
	use(d, &spec, true);
	c = connected(d->b, false, 80);
	assert_int_equal(say(&c, true, POST), -REASON_TAP);
	assert_true(found(d).flags & THREAT_TAP);
}

/* Who has no sensors any more is not listened to for them. */
static void test_taken_away(void **state)
{
	struct detecting *d = *state;
	struct sensing_spec spec = { .own = { &cards_alert, 1 },
				     .signatures = SIGNATURES_ENFORCE };
	struct conn c;

	sense(d, CARDS);
	use(d, &spec, false);
	c = connected(d->b, false, 80);
	assert_int_equal(say(&c, true, GET), REASON_RULE);
	assert_int_equal(say(&c, false, OK), REASON_RULE);
	assert_true(is_listened_to(d));
	spec.own.n = 0;
	use(d, &spec, false);
	assert_int_equal(say(&c, true, POST), REASON_RULE);
	found_nothing(d);
	assert_false(is_listened_to(d));
}

/* What no parser tells, and what it says over the border of two segments. */
static void test_card_raw(void **state)
{
	struct detecting *d = *state;
	struct sensing_spec spec = { .own = { &cards_block, 1 },
				     .signatures = SIGNATURES_ENFORCE };
	struct conn c;

	sense(d, CARDS);
	use(d, &spec, false);
	c = connected(d->b, false, 7777);
	assert_int_equal(say(&c, true, "\1?! 41111111"), REASON_RULE);
	assert_int_equal(say(&c, true, "11111111 \n"), -REASON_DLP);
	assert_int_equal(found(d).id, 30001);
}

/* NeuVector's: only what its scope says; dropped without a reset. */
static void test_compat(void **state)
{
	static const uint32_t rule_ids[] = { 2 };
	struct detecting *d = *state;
	struct sensing_spec spec = {
		.dlp = { &cards_block, 1 },
		.scope = { .rule_ids = rule_ids, .n_rule_ids = 1, .dir = 3 },
		.signatures = SIGNATURES_ENFORCE,
	};
	struct finding_record r;
	struct conn c;

	sense(d, CARDS);
	use(d, &spec, false);
	c = connected(d->b, true, 80); /* of rule 1 */
	assert_int_equal(say(&c, true, POST), REASON_RULE);
	found_nothing(d);
	c = connected(d->b, false, 80);
	assert_int_equal(say(&c, true, POST), -REASON_DLP);
	assert_int_equal(d->b->verdict.n_send, 0);
	r = found(d);
	assert_true(r.flags & FINDING_COMPAT);
	assert_int_equal(r.action, DPI_DROP);
}

/* What was not to be missing is known when the connection is over. */
static void test_missing(void **state)
{
	struct detecting *d = *state;
	struct sensor_use u = { 40001, SENSOR_ALERT };
	struct sensing_spec spec = { .own = { &u, 1 },
				     .signatures = SIGNATURES_ENFORCE };
	struct finding_record r;
	struct conn c;

	sense(d, "[{\"id\":40001,\"name\":\"w\",\"kind\":\"waf\","
		 "\"patterns\":[{\"regex\":\"login\",\"where\":\"packet\"},"
		 "{\"regex\":\"token\",\"where\":\"packet\",\"not\":true}]}]");
	use(d, &spec, false);
	c = connected(d->b, false, 7777);
	assert_int_equal(say(&c, true, "\1?! login now"), REASON_RULE);
	found_nothing(d);
	assert_int_equal(conn_frame(&c, true, TCP_RST, NULL, 0, 0),
			 REASON_RULE);
	r = found(d);
	assert_int_equal(r.kind, FINDING_WAF);
	assert_int_equal(r.id, 40001);
	assert_true(mac_equal(r.ep_mac, real_mac));
}

/* Both look, each for its own. */
static void test_both(void **state)
{
	struct detecting *d = *state;
	struct sensing_spec spec = { .own = { &cards_alert, 1 },
				     .signatures = SIGNATURES_ENFORCE };
	struct finding_record r[3];
	struct conn c;

	look_for(d, "alert http any any -> any any (http.method; "
		    "content:\"POST\"; sid:12;)");
	sense(d, CARDS);
	use(d, &spec, false);
	c = connected(d->b, false, 80);
	assert_int_equal(say(&c, true, POST), REASON_RULE);
	d->b->now = usec_add(d->b->now, 10 * USEC_PER_SEC);
	(void)inspect_age(d->b->in, d->b->now);
	assert_int_equal(inspect_drain_findings(d->b->in, r, 3), 2);
	assert_true((r[0].id == 12 && r[1].id == 30001) ||
		    (r[1].id == 12 && r[0].id == 30001));
}

/* --- limits ------------------------------------------------------------------- */

static void on(struct detecting *d, enum inspect_limit l,
	       enum stream_exception what)
{
	d->b->settings.limits_on[l] = (uint8_t)what;
	inspect_configure(d->b->in, &d->b->settings);
}

static uint64_t met(const struct detecting *d, enum inspect_limit l)
{
	return inspect_counts(d->b->in).limits_met[l];
}

#define EVIL_RULE "reject tcp any any -> any any (content:\"evil\"; sid:20;)"

/* HTTP that turns to something else: what then is not understood. */
static int break_parser(struct conn *c)
{
	assert_int_equal(say(c, true, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
			 REASON_RULE);
	return say(c, true, "\1\2\3\4\r\n\r\n");
}

static void test_parser_error(void **state)
{
	struct detecting *d = *state;
	struct conn c;

	look_for(d, EVIL_RULE);
	c = connected(d->b, true, 80);
	assert_int_equal(break_parser(&c), REASON_RULE);
	assert_int_equal(met(d, LIMIT_PARSER), 1);
	/* its bytes are looked at all the same */
	assert_int_equal(say(&c, true, "evil"), -REASON_SIGNATURE);
	on(d, LIMIT_PARSER, STREAM_BYPASS);
	c = connected(d->b, true, 80);
	assert_int_equal(break_parser(&c), REASON_RULE);
	assert_int_equal(say(&c, true, "evil"), REASON_RULE);
	assert_false(is_listened_to(d));
	on(d, LIMIT_PARSER, STREAM_DROP);
	c = connected(d->b, true, 80);
	assert_int_equal(break_parser(&c), -REASON_PARSER_ERROR);
	assert_int_equal(d->b->verdict.n_send, 2);
	assert_int_equal(say(&c, true, "good"), -REASON_PARSER_ERROR);
	assert_int_equal(met(d, LIMIT_PARSER), 3);
}

/* A datagram that is not understood says nothing of the next one. */
static void test_datagram_error(void **state)
{
	struct detecting *d = *state;
	struct frame_spec s = bench_frame(true, PEER, PROTO_UDP, 4000, 53);
	static const uint8_t query[] = "\1\2\1\0\0\1\0\0\0\0\0\0"
				       "\4evil\4test\0\0\1\0\1";
	static const uint8_t broken[] = "\1\2\1\0\0\1\0\0\0\0\0\0"
					"\77evil\4test\0\0\1\0\1";

	look_for(d, "alert dns any any -> any any (dns.query; "
		    "content:\"evil\"; sid:21;)");
	on(d, LIMIT_PARSER, STREAM_DROP);
	s.payload = query;
	s.payload_len = sizeof query - 1;
	assert_int_equal(bench_reason(d->b, s), REASON_RULE);
	assert_int_equal(found(d).id, 21);
	s.payload = broken;
	assert_int_equal(bench_reason(d->b, s), -REASON_PARSER_ERROR);
	s.payload = query;
	assert_int_equal(bench_reason(d->b, s), REASON_RULE);
	assert_int_equal(found(d).id, 21);
}

/* 512 KiB of nothing in 600 bytes; what of it is told is looked at. */
static void test_unpack_limit(void **state)
{
	struct detecting *d = *state;
	uint8_t packed[1024], text[1400];
	uLongf len = sizeof packed;
	static uint8_t zeros[512u << 10];
	struct conn c;
	int n;

	assert_int_equal(compress2(packed, &len, zeros, sizeof zeros, 9), Z_OK);
	n = snprintf((char *)text, sizeof text,
		     "POST / HTTP/1.1\r\nHost: a\r\n"
		     "Content-Encoding: deflate\r\n"
		     "Content-Length: %lu\r\n\r\n",
		     len);
	memcpy(text + n, packed, len);
	look_for(d, "alert http any any -> any any (http.request_body; "
		    "content:\"evil\"; sid:22;)");
	for (int k = 0; k < 2; k++) {
		on(d, LIMIT_UNPACK, k ? STREAM_DROP : STREAM_PASS);
		c = connected(d->b, true, 80);
		assert_int_equal(say_bytes(&c, true, text, (size_t)n + len),
				 k ? -REASON_UNPACK_LIMIT : REASON_RULE);
		assert_int_equal(met(d, LIMIT_UNPACK), k + 1);
	}
}

/* A header that is longer than its parser reads. */
static void test_parser_limit(void **state)
{
	static const enum stream_exception all[] = { STREAM_PASS, STREAM_BYPASS,
						     STREAM_DROP };
	struct detecting *d = *state;
	char aaa[1301];
	struct conn c;

	memset(aaa, 'a', sizeof aaa - 1);
	aaa[sizeof aaa - 1] = '\0';
	look_for(d, EVIL_RULE);
	for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
		int r = REASON_RULE;

		on(d, LIMIT_DEPTH, all[i]);
		c = connected(d->b, true, 80);
		assert_int_equal(say(&c, true, "GET / HTTP/1.1\r\nA: "),
				 REASON_RULE);
		for (int n = 0; n < 60 && r == REASON_RULE; n++)
			r = say(&c, true, aaa);
		assert_int_equal(r, all[i] == STREAM_DROP ? -REASON_PARSER_LIMIT
							  : REASON_RULE);
		assert_int_equal(met(d, LIMIT_DEPTH), i + 1);
		if (all[i] != STREAM_DROP)
			assert_int_equal(say(&c, true, "evil"),
					 all[i] == STREAM_PASS
						 ? -REASON_SIGNATURE
						 : REASON_RULE);
	}
}

/* All places to listen at are taken: who has none is let be, or does not begin. */
static void test_no_place(void **state)
{
	struct detecting *d = calloc(1, sizeof *d);
	void *own_state = d;
	struct conn first, c;

	(void)state;
	assert_non_null(d);
	d->b = bench_new_listening(2 * POOL_STREAMS_MIN, POOL_STREAMS_MIN);
	judge_open(d->b, false);
	look_for(d, EVIL_RULE);
	first = connected(d->b, true, 80);
	for (unsigned i = 1; i < POOL_STREAMS_MIN; i++)
		(void)connected(d->b, true, 80);
	for (unsigned i = 0; i < 2; i++) {
		on(d, LIMIT_PLACE, i ? STREAM_BYPASS : STREAM_PASS);
		c = connected(d->b, true, 80);
		assert_int_equal(say(&c, true, "evil"), REASON_RULE);
		assert_int_equal(met(d, LIMIT_PLACE), i + 1);
	}
	on(d, LIMIT_PLACE, STREAM_DROP);
	c = (struct conn){
		.b = d->b, .own = true, .port = 80, .client_port = 99
	};
	assert_int_equal(conn_frame(&c, true, TCP_SYN, NULL, 0, 0),
			 -REASON_NO_PLACE);
	assert_int_equal(met(d, LIMIT_PLACE), 3);
	/* who has it is heard, and then its place is free */
	assert_int_equal(say(&first, true, "evil"), -REASON_SIGNATURE);
	c = connected(d->b, true, 80);
	assert_int_equal(say(&c, true, "evil"), -REASON_SIGNATURE);
	assert_int_equal(stop(&own_state), 0);
}

/* So many bytes as they are sent, and then nobody listens. */
static void test_depth(void **state)
{
	struct detecting *d = *state;
	struct sensing_spec spec = { .own = { &cards_alert, 1 },
				     .signatures = SIGNATURES_ENFORCE };
	struct conn c;

	d->b->settings.applications.breadth = false;
	d->b->settings.signature_depth = d->b->settings.sensor_depth = 100;
	inspect_configure(d->b->in, &d->b->settings);
	look_for(d, EVIL_RULE);
	sense(d, CARDS);
	use(d, &spec, false);
	c = connected(d->b, true, 4444);
	for (int i = 0; i < 200 && is_listened_to(d); i++) {
		assert_int_equal(say(&c, true, "\1?! nothing "), REASON_RULE);
		assert_int_equal(say(&c, false, "\1?! nothing "), REASON_RULE);
	}
	assert_false(is_listened_to(d));
	assert_int_equal(say(&c, true, "evil " CARD " "), REASON_RULE);
	found_nothing(d);
	/* what a parser tells is looked at to its end */
	c = connected(d->b, true, 80);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(
			say(&c, true, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
			REASON_RULE);
		assert_int_equal(say(&c, false, OK), REASON_RULE);
	}
	assert_int_equal(say(&c, true, POST), REASON_RULE);
	assert_int_equal(found(d).id, 30001);
}

static void test_search_limit(void **state)
{
	struct detecting *d = *state;
	char many[1200];
	struct conn c;

	memset(many, 'a', sizeof many - 1);
	many[sizeof many - 1] = '\0';
	look_for(d, "alert tcp any any -> any any (content:\"aaaa\"; "
		    "pcre:\"/(a+)+[^a]/\"; sid:23;)");
	for (int k = 0; k < 2; k++) {
		on(d, LIMIT_SEARCH, k ? STREAM_DROP : STREAM_PASS);
		c = connected(d->b, true, 4444);
		assert_int_equal(say(&c, true, many),
				 k ? -REASON_SEARCH_LIMIT : REASON_RULE);
		assert_int_equal(met(d, LIMIT_SEARCH), k + 1);
	}
	/* it is over, and nobody looks any more: that is no search given up */
	c = connected(d->b, true, 4445);
	assert_int_equal(say(&c, true, "b"), REASON_RULE);
	assert_int_equal(conn_frame(&c, true, TCP_RST, NULL, 0, 0),
			 REASON_RULE);
	assert_int_equal(met(d, LIMIT_SEARCH), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_alert, start, stop),
		cmocka_unit_test_setup_teardown(test_stopped, start, stop),
		cmocka_unit_test_setup_teardown(test_threat, start, stop),
		cmocka_unit_test_setup_teardown(test_blocks, start, stop),
		cmocka_unit_test_setup_teardown(test_only_told, start, stop),
		cmocka_unit_test_setup_teardown(test_bytes, start, stop),
		cmocka_unit_test_setup_teardown(test_datagrams, start, stop),
		cmocka_unit_test_setup_teardown(test_packets, start, stop),
		cmocka_unit_test_setup_teardown(test_other_set, start, stop),
		cmocka_unit_test_setup_teardown(test_given_back, start, stop),
		cmocka_unit_test_setup_teardown(test_card, start, stop),
		cmocka_unit_test_setup_teardown(test_card_told, start, stop),
		cmocka_unit_test_setup_teardown(test_card_raw, start, stop),
		cmocka_unit_test_setup_teardown(test_compat, start, stop),
		cmocka_unit_test_setup_teardown(test_missing, start, stop),
		cmocka_unit_test_setup_teardown(test_both, start, stop),
		cmocka_unit_test_setup_teardown(test_parser_error, start, stop),
		cmocka_unit_test_setup_teardown(test_datagram_error, start,
						stop),
		cmocka_unit_test_setup_teardown(test_unpack_limit, start, stop),
		cmocka_unit_test_setup_teardown(test_search_limit, start, stop),
		cmocka_unit_test_setup_teardown(test_parser_limit, start, stop),
		cmocka_unit_test(test_no_place),
		cmocka_unit_test_setup_teardown(test_depth, start, stop),
		cmocka_unit_test_setup_teardown(test_taken_away, start, stop),
		cmocka_unit_test_setup_teardown(test_none_between, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
