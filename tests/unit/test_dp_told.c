/*
 * What was told: the backlog against a naive model, worths, readers, and pages
 * that fit in an answer.
 */
#include "dp/told.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "detect/sig.h"
#include "dp/answer_told.h"
#include "inspect/report.h"
#include "proto/parser.h"
#include "seed.h"
#include "test.h"
#include "wire/words.h"

/* --- a backlog and a naive model -------------------------------------- */

#define MODEL_ADDS 400
#define WORTHS	   3

/* All that was ever added; number i + 1 is at i. */
struct model {
	uint32_t limit;
	size_t n;
	unsigned worth[MODEL_ADDS];
	uint32_t value[MODEL_ADDS];
};

/* There is one as long as fewer than `limit` of its worth came later. */
static bool is_there(const struct model *m, size_t i)
{
	uint32_t later = 0;

	for (size_t k = i + 1; k < m->n; k++)
		later += m->worth[k] == m->worth[i];
	return later < m->limit;
}

static void check_reader(const struct model *m, const struct backlog *b,
			 uint64_t after)
{
	uint64_t gone = 0, at = after, number = 0;
	const uint32_t *v;

	for (size_t i = (size_t)after; i < m->n; i++) {
		if (!is_there(m, i)) {
			gone++;
			continue;
		}
		v = backlog_next(b, at, &number);
		assert_non_null(v);
		assert_int_equal(number, i + 1);
		assert_int_equal(*v, m->value[i]);
		at = number;
	}
	assert_null(backlog_next(b, at, &number));
	assert_int_equal(backlog_gone(b, after), gone);
}

static void check_stats(const struct model *m, const struct backlog *b)
{
	for (unsigned w = 0; w < WORTHS; w++) {
		struct backlog_stats s = backlog_stats(b, w);
		uint32_t in_use = 0, added = 0;

		for (size_t i = 0; i < m->n; i++) {
			added += m->worth[i] == w;
			in_use += m->worth[i] == w && is_there(m, i);
		}
		assert_int_equal(s.in_use, in_use);
		assert_int_equal(s.limit, m->limit);
		assert_int_equal(s.gave_way, added - in_use);
	}
}

/* The same in another one, as a successor has it. */
static struct backlog *handed_over(const struct model *m, struct backlog *b)
{
	static _Alignas(64) uint8_t memory[32768];
	struct image_writer w;
	struct image_reader r;
	struct backlog *next = backlog_new(sizeof(uint32_t), WORTHS, m->limit);

	image_write(&w, memory, sizeof memory);
	backlog_save(b, "test", &w);
	assert_int_equal(image_written(&w), 0);
	assert_int_equal(image_read(&r, memory, sizeof memory), 0);
	assert_false(backlog_load(next, "other", &r));
	assert_true(backlog_load(next, "test", &r));
	backlog_free(b);
	return next;
}

static void test_model(void **state)
{
	uint64_t random = seed_choose() | 1;

	for (int round = 0; round < 40; round++) {
		struct model m = { .limit = 1 + seed_draw(&random, 40) };
		struct backlog *b =
			backlog_new(sizeof(uint32_t), WORTHS, m.limit);
		/* a worth may be rare, or never come */
		uint32_t mostly = seed_draw(&random, WORTHS);

		assert_non_null(b);
		while (m.n < MODEL_ADDS) {
			unsigned w = seed_draw(&random, 4)
					     ? mostly
					     : seed_draw(&random, WORTHS);
			uint32_t v = seed_draw(&random, UINT32_MAX);

			m.worth[m.n] = w;
			m.value[m.n++] = v;
			assert_int_equal(backlog_add(b, w, &v), m.n);
			assert_int_equal(backlog_last(b), m.n);
			if (seed_draw(&random, 16))
				continue;
			check_reader(&m, b,
				     seed_draw(&random, (uint32_t)m.n + 1));
			check_stats(&m, b);
			if (seed_draw(&random, 3) == 0)
				b = handed_over(&m, b);
		}
		check_reader(&m, b, 0);
		backlog_free(b);
	}
}

/* --- connections by worth --------------------------------------------- */

static struct connection_record connection(uint8_t action, uint32_t rule)
{
	return (struct connection_record){
		.ep_mac = { { 0x02, 0, 0, 0, 0, 1 } },
		.proto = 6,
		.action = action,
		.server_port = 443,
		.client = ip_from_v4(0x0a0a0a42),
		.server = ip_from_v4(0x0a0a0a58),
		.policy_id = rule,
		.violations = action >= POLICY_VIOLATE,
	};
}

#define EPOCH 4711

static struct told begin(void)
{
	struct told t;

	assert_int_equal(told_init(&t, 1, EPOCH, (usec_t){ 0 }), 0);
	return t;
}

static void add(struct told *t, uint8_t action, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct connection_record c = connection(action, i);

		told_add_connection(t, &c);
	}
}

static void test_plain_gives_way(void **state)
{
	struct told t = begin();
	struct told_reader r = { 0 };
	const struct connection_record *c;
	uint64_t at = 0;

	add(&t, POLICY_DENY, 10);
	add(&t, POLICY_LEARN, 10);
	add(&t, POLICY_ALLOW, TOLD_CONNECTIONS_MIN + 7);
	for (uint32_t i = 0; i < 10; i++) {
		c = backlog_next(t.connections, at, &at);
		assert_int_equal(c->action, POLICY_DENY);
		assert_int_equal(c->policy_id, i);
	}
	c = backlog_next(t.connections, 10, &at);
	assert_int_equal(c->action, POLICY_LEARN);
	c = backlog_next(t.connections, 20, &at);
	assert_int_equal(c->action, POLICY_ALLOW);
	assert_int_equal(c->policy_id, 7);

	/* what a reader lost is known before it goes on, and is not doubled */
	assert_int_equal(told_reader_lost(&r, t.connections), 7);
	told_reader_move(&r, t.connections, 20);
	assert_int_equal(r.lost, 0);
	told_reader_move(&r, t.connections, 28);
	assert_int_equal(r.lost, 7);
	assert_int_equal(told_reader_lost(&r, t.connections), 7);
	told_done(&t);
}

/* A threat or a violation that was allowed in the end counts, too. */
static void test_worth(void **state)
{
	struct told t = begin();
	struct connection_record threat = connection(POLICY_ALLOW, 1);
	struct connection_record once = connection(POLICY_ALLOW, 2);

	threat.threat_id = 2004;
	once.violations = 1;
	told_add_connection(&t, &threat);
	told_add_connection(&t, &once);
	add(&t, POLICY_VIOLATE, 1);
	add(&t, POLICY_OPEN, 1);
	assert_int_equal(backlog_stats(t.connections, REPORT_VIOLATION).in_use,
			 3);
	assert_int_equal(backlog_stats(t.connections, REPORT_PLAIN).in_use, 1);
	told_done(&t);
}

/* --- pages of our own door -------------------------------------------- */

static uint64_t uint_of(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	assert_true(json_is_integer(v));
	return (uint64_t)json_integer_value(v);
}

static json_t *page(const struct told *t, uint64_t after, uint32_t limit)
{
	struct told_spec spec = { .epoch = after ? EPOCH : 0,
				  .after = after,
				  .limit = limit };
	json_t *o = json_object();

	answer_told_connections(o, t, &spec);
	return o;
}

static void test_pages(void **state)
{
	static const struct {
		uint32_t limit, n;
	} limits[] = {
		{ 0, CONNECTIONS_PER_ANSWER },
		{ 57, 57 },
		{ CONNECTIONS_PER_PAGE_MAX, CONNECTIONS_PER_PAGE_MAX },
		{ CONNECTIONS_PER_PAGE_MAX + 1, CONNECTIONS_PER_PAGE_MAX },
	};
	struct told t = begin();
	uint64_t next = 0, missed = 0, read = 0;
	bool more = true;
	json_t *o;

	o = page(&t, 0, 0);
	assert_int_equal(uint_of(o, "next"), 0);
	assert_false(json_is_true(json_object_get(o, "more")));
	json_decref(o);
	add(&t, POLICY_DENY, 3);
	add(&t, POLICY_ALLOW, TOLD_CONNECTIONS_MIN + 100);
	while (more) {
		o = page(&t, next, UINT32_MAX);
		more = json_is_true(json_object_get(o, "more"));
		read += json_array_size(json_object_get(o, "connections"));
		missed += uint_of(o, "missed");
		assert_true(uint_of(o, "next") > next);
		next = uint_of(o, "next");
		assert_int_equal(uint_of(o, "epoch"), EPOCH);
		assert_true(json_is_false(json_object_get(o, "restarted")));
		json_decref(o);
	}
	assert_int_equal(read, TOLD_CONNECTIONS_MIN + 3);
	assert_int_equal(missed, 100);
	assert_int_equal(next, backlog_last(t.connections));

	/* one that is ahead of us, as after a restart, begins anew */
	o = page(&t, next + 1, 1);
	assert_int_equal(
		uint_of(json_array_get(json_object_get(o, "connections"), 0),
			"number"),
		1);
	assert_int_equal(uint_of(o, "next"), 1);
	json_decref(o);
	/* as many as are asked for, to a limit; unasked, what fits a datagram */
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		o = page(&t, 0, limits[i].limit);
		assert_int_equal(
			json_array_size(json_object_get(o, "connections")),
			limits[i].n);
		json_decref(o);
	}
	told_done(&t);
}

/* A number of another run says nothing, be it one that we have given, too. */
static void test_epoch(void **state)
{
	static const struct {
		uint64_t epoch, after;
		bool restarted;
		uint64_t first; /* number of the first record */
	} rows[] = {
		{ 0, 0, false, 1 },	   { EPOCH, 0, false, 1 },
		{ EPOCH, 2, false, 3 },	   { 0, 2, false, 3 },
		{ EPOCH + 1, 2, true, 1 }, { EPOCH + 1, 0, false, 1 },
		{ EPOCH, 6, true, 1 },	   { 0, 6, true, 1 },
	};
	struct told t = begin();

	(void)state;
	add(&t, POLICY_ALLOW, 5);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct told_spec spec = { .epoch = rows[i].epoch,
					  .after = rows[i].after };
		json_t *o = json_object();
		const json_t *first;

		answer_told_connections(o, &t, &spec);
		first = json_array_get(json_object_get(o, "connections"), 0);
		assert_int_equal(uint_of(first, "number"), rows[i].first);
		assert_int_equal(json_is_true(json_object_get(o, "restarted")),
				 rows[i].restarted);
		assert_int_equal(uint_of(o, "epoch"), EPOCH);
		assert_int_equal(uint_of(o, "next"), 5);
		assert_int_equal(uint_of(o, "missed"), 0);
		json_decref(o);
	}
	told_done(&t);
}

static const char *text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	assert_non_null(s);
	return s;
}

static void test_names(void **state)
{
	struct connection_record c = connection(POLICY_DENY, 7);
	struct threat_record r = { .id = 2006,
				   .severity = 5,
				   .proto = 1,
				   .action = DPI_DROP,
				   .icmp_type = 8,
				   .packet = { 0x1a, 0x02 },
				   .packet_len = 2 };
	json_t *o;

	c.flags = CONNECTION_INGRESS | CONNECTION_EXTERNAL;
	c.application = 1001;
	c.first_us = 5 * USEC_PER_SEC;
	o = answer_connection(&c, 3, 100 * USEC_PER_SEC);
	assert_int_equal(uint_of(o, "number"), 3);
	assert_string_equal(text_of(o, "direction"), "ingress");
	assert_string_equal(text_of(o, "application"), "http");
	assert_string_equal(text_of(o, "action"), "deny");
	assert_int_equal(uint_of(o, "first_seen"), 105);
	assert_int_equal(json_array_size(json_object_get(o, "flags")), 1);
	json_decref(o);
	o = answer_threat(&r, 1, true, 0);
	assert_string_equal(text_of(o, "name"), "ping of death");
	assert_string_equal(text_of(o, "severity"), "critical");
	assert_string_equal(text_of(o, "action"), "drop");
	assert_string_equal(text_of(o, "packet"), "1a02");
	assert_int_equal(uint_of(o, "icmp_type"), 8);
	assert_null(json_object_get(o, "to_port"));
	json_decref(o);
}

static size_t size_of(json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);
	size_t n = text ? strlen(text) : SIZE_MAX;

	free(text);
	json_decref(o);
	return n;
}

static struct finding_record finding(void)
{
	return (struct finding_record){
		.id = 20001,
		.rev = 2,
		.count = 3,
		.first_us = 5 * USEC_PER_SEC,
		.last_us = 6 * USEC_PER_SEC,
		.kind = FINDING_DLP,
		.severity = 5,
		.action = DPI_DROP,
		.flags = THREAT_SESSION_INGRESS | THREAT_TAP | FINDING_COMPAT,
		.ep_mac = { { 0x02, 0, 0, 0, 0, 1 } },
		.proto = 6,
		.side = PROTO_SERVER,
		.application = 1001,
		.client = ip_from_v4(0x0a0a0a42),
		.server = ip_from_v4(0x0a0a0a58),
		.client_port = 40000,
		.server_port = 80,
		.flow_id = 99,
		.policy_id = 7,
		.buffer = FIELD_HTTP_RESPONSE_BODY,
		.at = 12,
		.len = 16,
		.name = "card",
		.classtype = "leak",
		.request = "GET shop/",
		.evidence = "n=\xc2\xab****\xc2\xbb",
		.raw_at = 10,
		.raw_len = 3,
		.raw = { 'n', '=', '4' },
	};
}

static json_t *findings(const struct told *t, struct told_spec spec)
{
	json_t *o = json_object();

	answer_told_findings(o, t, &spec);
	return o;
}

/* All of it by name; what is not masked only for who asks. */
static void test_finding(void **state)
{
	static const char want[] =
		"{\"number\":1,\"kind\":\"dlp\","
		"\"workload\":\"02:00:00:00:00:01\",\"direction\":\"ingress\","
		"\"id\":20001,\"rev\":2,\"name\":\"card\",\"classtype\":"
		"\"leak\","
		"\"severity\":\"critical\",\"action\":\"drop\",\"count\":3,"
		"\"first_seen\":5,\"last_seen\":6,\"client\":\"10.10.10.66\","
		"\"client_port\":40000,\"server\":\"10.10.10.88\","
		"\"server_port\":80,\"proto\":\"tcp\",\"application\":\"http\","
		"\"flow\":99,\"rule\":7,\"said_by\":\"server\","
		"\"flags\":[\"tap\"],\"request\":\"GET shop/\","
		"\"field\":\"http.response_body\",\"offset\":12,\"length\":16,"
		"\"evidence\":\"n=«****»\"";
	struct finding_record r = finding();
	json_t *o = answer_finding(&r, 1, false, 0);
	char *text = json_dumps(o, JSON_COMPACT);

	assert_int_equal(strlen(text), sizeof want);
	assert_memory_equal(text, want, sizeof want - 1);
	free(text);
	json_decref(o);
	o = answer_finding(&r, 1, true, 0);
	assert_string_equal(text_of(o, "raw"), "6e3d34");
	assert_int_equal(uint_of(o, "raw_offset"), 10);
	json_decref(o);
	r.buffer = SIG_BUFFER_PAYLOAD;
	o = answer_finding(&r, 1, false, 0);
	assert_string_equal(text_of(o, "field"), "payload");
	json_decref(o);
}

static void test_finding_pages(void **state)
{
	struct told t = begin();
	struct finding_record r = finding();
	uint32_t n = TOLD_FINDINGS_MAX + 5, read = 0;
	uint64_t next = 0, missed = 0;
	bool more = true;
	json_t *o;

	for (r.id = 1; r.id <= n; r.id++)
		told_add_finding(&t, &r);
	while (more) {
		const json_t *list;

		o = findings(&t, (struct told_spec){ .epoch = EPOCH,
						     .after = next });
		list = json_object_get(o, "findings");
		if (!read) /* the oldest five gave way */
			assert_int_equal(uint_of(json_array_get(list, 0), "id"),
					 6);
		assert_null(json_object_get(json_array_get(list, 0), "raw"));
		read += (uint32_t)json_array_size(list);
		missed += uint_of(o, "missed");
		next = uint_of(o, "next");
		more = json_is_true(json_object_get(o, "more"));
		json_decref(o);
	}
	assert_int_equal(read, TOLD_FINDINGS_MAX);
	assert_int_equal(missed, 5);
	o = findings(&t, (struct told_spec){ .raw = true });
	assert_int_equal(json_array_size(json_object_get(o, "findings")),
			 FINDINGS_RAW_PER_ANSWER);
	json_decref(o);
	told_done(&t);
}

/* The longest records there can be, as many as a page has, fit. */
static void test_longest(void **state)
{
	const size_t around = 256; /* id, ok, next, more, missed, epoch, ... */
	struct connection_record c;
	struct threat_record r;
	struct finding_record f;

	memset(&f, 0xff, sizeof f);
	f.severity = 5;
	f.action = DPI_BYPASS;
	f.kind = FINDING_SIGNATURE;
	f.buffer = FIELD_HTTP_RESPONSE_BODY;
	f.first_us = f.last_us = INT64_MAX;
	f.at = f.raw_at = INT64_MAX;
	f.raw_len = FINDING_RAW_MAX;
	/* printable, and two bytes each in JSON */
	memset(f.name, '"', sizeof f.name - 1);
	memset(f.classtype, '"', sizeof f.classtype - 1);
	memset(f.request, '"', sizeof f.request - 1);
	memset(f.evidence, '"', sizeof f.evidence - 1);
	f.name[sizeof f.name - 1] = f.classtype[sizeof f.classtype - 1] = '\0';
	f.request[sizeof f.request - 1] = '\0';
	f.evidence[sizeof f.evidence - 1] = '\0';
	assert_true(around + FINDINGS_PER_ANSWER *
				     size_of(answer_finding(&f, INT64_MAX,
							    false, 0)) <
		    OWN_MSG_MAX);
	assert_true(around + FINDINGS_RAW_PER_ANSWER *
				     size_of(answer_finding(&f, INT64_MAX, true,
							    0)) <
		    OWN_MSG_MAX);
	memset(&c, 0xff, sizeof c);
	memset(&r, 0xff, sizeof r);
	c.severity = r.severity = 5;
	c.action = POLICY_CHECK_VH;
	c.first_us = c.last_us = r.at_us = INT64_MAX;
	c.bytes = c.packets = c.ep_bytes_60s = INT64_MAX;
	r.packet_len = THREAT_PACKET_MAX;
	r.id = 1003;
	r.action = DPI_BYPASS;
	memset(r.text, 1, sizeof r.text); /* "\u0001" each */
	r.text[sizeof r.text - 1] = '\0';
	assert_true(
		around + CONNECTIONS_PER_ANSWER *
				 size_of(answer_connection(&c, INT64_MAX, 0)) <
		OWN_MSG_MAX);
	assert_true(around + THREATS_PER_ANSWER *
				     size_of(answer_threat(&r, INT64_MAX, false,
							   0)) <
		    OWN_MSG_MAX);
	assert_true(around + THREAT_PACKETS_PER_ANSWER *
				     size_of(answer_threat(&r, INT64_MAX, true,
							   0)) <
		    OWN_MSG_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_plain_gives_way),
		cmocka_unit_test(test_worth),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_finding),
		cmocka_unit_test(test_finding_pages),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
