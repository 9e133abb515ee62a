/*
 * The trail of what flows were and said: whole conversations through the pipeline,
 * and the texts of one record.
 */
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "test.h"
#include "wire/trail.h"

static int start(void **state)
{
	struct bench *b = bench_new(FLOWS_MIN);
	struct trail_record none;

	judge_open(b, false);
	b->settings.applications.all = true;
	inspect_configure(b->in, &b->settings);
	assert_int_equal(inspect_drain_trail(b->in, &none, 1), 0); /* on */
	*state = b;
	return 0;
}

static void end_flows(struct bench *b)
{
	struct flow_pick all = { .by = FLOW_PICK_ALL };
	uint32_t cursor = 0, ended = 0;

	while (inspect_end_flows(b->in, all, &cursor, &ended))
		;
}

/* "METHOD URL STATUS", "flow", ... of the next; "" there is none. */
static const char *next(struct bench *b, struct trail_record *r)
{
	static char buf[TRAIL_TEXT_MAX];
	enum trail_text t;
	struct bytes v;
	uint16_t at = 0;
	size_t n = 0;

	buf[0] = '\0';
	if (inspect_drain_trail(b->in, r, 1) == 0)
		return buf;
	if (r->kind == TRAIL_FLOW)
		return "flow";
	while (trail_next(r, &at, &t, &v))
		if (t == TRAIL_TEXT_HTTP_METHOD || t == TRAIL_TEXT_HTTP_URL ||
		    t == TRAIL_TEXT_HTTP_STATUS || t == TRAIL_TEXT_DNS_NAME ||
		    t == TRAIL_TEXT_DNS_ANSWER) {
			if (n)
				buf[n++] = ' ';
			memcpy(buf + n, v.begin, bytes_len(v));
			n += bytes_len(v);
		}
	buf[n] = '\0';
	return buf;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define OK	  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define NOT_FOUND "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"

static const struct {
	const char *name;
	const char *said[6]; /* '>' the client, '<' the server, and what */
	const char *want[4]; /* records before the flow's */
} talks[] = {
	{ "a request and its answer",
	  { ">" GET("/a"), "<" OK },
	  { "GET /a 200" } },
	{ "one after another",
	  { ">" GET("/a"), "<" OK, ">" GET("/b"), "<" NOT_FOUND },
	  { "GET /a 200", "GET /b 404" } },
	{ "in pieces",
	  { ">GET /a HTTP/1.1\r\nHo", ">st: a\r\n\r\n", "<HTTP/1.1 20",
	    "<0 OK\r\nContent-Length: 0\r\n\r\n" },
	  { "GET /a 200" } },
	{ "two at once",
	  { ">" GET("/a") GET("/b"), "<" OK NOT_FOUND },
	  { "GET /a", "GET /b 404" } },
	{ "three at once, and a fourth",
	  { ">" GET("/a") GET("/b") GET("/c"), "<" OK OK NOT_FOUND,
	    ">" GET("/d"), "<" OK },
	  { "GET /a", "GET /b", "GET /c 404", "GET /d 200" } },
	{ "no answer", { ">" GET("/a") }, { "GET /a" } },
	{ "go on, and then the answer",
	  { ">POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
	    "Content-Length: 2\r\n\r\n",
	    "<HTTP/1.1 100 Continue\r\n\r\n", ">ok", "<" OK },
	  { "POST /a 200" } },
	{ "a secret",
	  { ">" GET("/a?token=abcdef0123456789abcdef"), "<" OK },
	  { "GET /a?token=********************** 200" } },
};

static void test_talks(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(talks); i++) {
		struct conn c = connected(b, i % 2, 80);
		struct trail_record r;

		for (size_t k = 0; k < 6 && talks[i].said[k]; k++)
			(void)say(&c, talks[i].said[k][0] == '>',
				  talks[i].said[k] + 1);
		end_flows(b);
		for (size_t k = 0; k < 4 && talks[i].want[k]; k++) {
			const char *got = next(b, &r);

			if (strcmp(got, talks[i].want[k]) != 0)
				fail_msg("row \"%s\": \"%s\", wanted \"%s\"",
					 talks[i].name, got, talks[i].want[k]);
			assert_int_equal(r.kind, TRAIL_HTTP);
			assert_int_equal(r.server_port, 80);
			assert_int_equal(r.client_port, c.client_port);
		}
		assert_row(talks[i].name, strcmp(next(b, &r), "flow") == 0);
		assert_row(talks[i].name,
			   r.client_packets > 1 && r.tcp_flags & TRAIL_TCP_SYN);
		assert_row(talks[i].name, next(b, &r)[0] == '\0');
	}
	assert_int_equal(inspect_trail_stats(b->in).open, 0);
}

/* Nobody has asked: nothing is made. */
static void test_off(void **state)
{
	struct bench *b = bench_new(FLOWS_MIN);
	struct conn c;

	(void)state;
	judge_open(b, false);
	c = connected(b, true, 80);
	(void)say(&c, true, GET("/a"));
	(void)say(&c, false, OK);
	end_flows(b);
	assert_int_equal(inspect_trail_stats(b->in).told, 0);
	bench_free(b);
}

/* The ring holds so many; what is lost is counted. */
static void test_full(void **state)
{
	struct bench *b = *state;
	struct conn c = connected(b, true, 80);
	struct trail_record r;

	for (int i = 0; i < TRAIL_RECORDS_MAX + 5; i++) {
		(void)say(&c, true, GET("/a"));
		(void)say(&c, false, OK);
	}
	assert_int_equal(inspect_trail_stats(b->in).lost, 5);
	assert_int_equal(inspect_trail_stats(b->in).in_use, TRAIL_RECORDS_MAX);
	for (int i = 0; i < TRAIL_RECORDS_MAX; i++)
		assert_string_equal(next(b, &r), "GET /a 200");
	assert_string_equal(next(b, &r), "");
}

/* What policy cuts is told as such. */
static void test_blocked(void **state)
{
	struct bench *b = *state;
	struct trail_record r;
	struct conn c;

	judge_by(
		b, false,
		"[{\"id\":9,\"action\":\"allow\",\"ports\":[\"3306\"],\"apps\":"
		"[\"mysql\"]}]");
	c = connected(b, true, 3306);
	(void)say(&c, true, GET("/a"));
	end_flows(b);
	while (strcmp(next(b, &r), "flow") != 0)
		assert_int_equal(r.kind, TRAIL_HTTP);
	assert_true(r.blocked);
	assert_int_equal(r.reason, REASON_DEFAULT);
}

/* --- texts of a record ------------------------------------------------------------ */

static void test_texts(void **state)
{
	static struct trail_record r;
	char much[TRAIL_VALUE_MAX + 50];
	enum trail_text t;
	struct bytes v;
	uint16_t at = 0;

	(void)state;
	memset(much, 'x', sizeof much);
	trail_put(&r, TRAIL_TEXT_HTTP_URL, bytes_of("/a", 2));
	trail_put(&r, TRAIL_TEXT_HTTP_AGENT, bytes_of("", 0));
	assert_false(r.cut);
	trail_put(&r, TRAIL_TEXT_HTTP_REFERER, bytes_of(much, sizeof much));
	assert_true(r.cut);
	trail_put(&r, TRAIL_TEXT_HTTP_TYPE, bytes_of(much, sizeof much));
	trail_put(&r, TRAIL_TEXT_HTTP_STATUS, bytes_of("200", 3));
	assert_true(r.text_len <= TRAIL_TEXT_MAX);
	assert_true(trail_next(&r, &at, &t, &v));
	assert_int_equal(t, TRAIL_TEXT_HTTP_URL);
	assert_int_equal(bytes_len(v), 2);
	assert_true(trail_next(&r, &at, &t, &v));
	assert_int_equal(bytes_len(v), 0);
	assert_true(trail_next(&r, &at, &t, &v));
	assert_int_equal(bytes_len(v), TRAIL_VALUE_MAX);
	assert_true(trail_next(&r, &at, &t, &v));
	assert_int_equal(t, TRAIL_TEXT_HTTP_TYPE);
	assert_false(trail_next(&r, &at, &t, &v));
	memset(&r, 0, sizeof r);
	for (int i = 0; i < TRAIL_VALUES_MAX + 3; i++)
		trail_put(&r, TRAIL_TEXT_TLS_NAME, bytes_of("n", 1));
	assert_int_equal(trail_count(&r, TRAIL_TEXT_TLS_NAME),
			 TRAIL_VALUES_MAX);
	assert_true(r.cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_talks, start, bench_stop),
		cmocka_unit_test(test_off),
		cmocka_unit_test_setup_teardown(test_full, start, bench_stop),
		cmocka_unit_test_setup_teardown(test_blocked, start,
						bench_stop),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
