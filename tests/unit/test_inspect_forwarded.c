/*
 * X-Forwarded-For: rules are asked about the client that a request says it has,
 * where the settings say so, and that one is told of.
 */
#include <stdio.h>

#include "conn.h"
#include "test.h"

#define REQUEST "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"

static int start(void **state)
{
	struct bench *b = bench_new(128);

	judge_open(b, false);
	*state = b;
	return 0;
}

static const struct forwarded {
	const char *value;
	bool refused;
} forwarded[] = {
	{ "10.9.9.9", true },
	{ "10.9.9.9, 10.1.0.6", true },
	{ " 10.9.9.9:4711", true },
	{ "fd00:9::9", true },
	{ "[fd00:9::9]:80", true },
	{ "10.1.0.6", false },		 /* the real one's */
	{ "10.1.0.7", false },		 /* allowed, too */
	{ "10.1.0.7, 10.9.9.9", false }, /* the first counts */
	{ "unknown", false },		 /* no address says nothing */
	{ "10.9.9.9.9", false },
	{ "", false },
};

static void one_forwarded(struct bench *b, const struct forwarded *r, bool on)
{
	static const struct snapshot_spec xff = { .xff = true };
	bool refused = on && r->refused;
	int want = refused ? -REASON_DEFAULT : REASON_RULE, got;
	char text[200];
	struct conn c;

	judge_as(b, on ? &xff : NULL,
		 "[{\"id\":1,\"action\":\"allow\",\"from\":"
		 "[\"10.1.0.0/16\"],\"ingress\":true}]");
	c = connected(b, false, 80);
	got = say(&c, true, REQUEST);
	assert_row(r->value, got == REASON_RULE);
	(void)snprintf(text, sizeof text,
		       "GET / HTTP/1.1\r\nHost: a\r\n"
		       "X-Forwarded-For: %s\r\n\r\n",
		       r->value);
	got = say(&c, true, text);
	assert_row(r->value, got == want);
	assert_row(r->value, b->verdict.n_send == (refused ? 2 : 0));
	/* without the header it is the real one's again */
	got = say(&c, true, REQUEST);
	assert_row(r->value, (got < 0) == refused);
}

static void test_forwarded(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(forwarded); i++) {
		one_forwarded(*state, &forwarded[i], false);
		one_forwarded(*state, &forwarded[i], true);
	}
}

/* It is told of as the client that it says it is. */
static void test_forwarded_told(void **state)
{
	static const struct snapshot_spec xff = { .xff = true };
	struct bench *b = *state;
	struct connection_record r[4];
	unsigned told = 0;
	struct ip_addr want;
	struct conn c;
	size_t n;

	judge_as(b, &xff,
		 "[{\"id\":1,\"action\":\"allow\",\"from\":"
		 "[\"10.1.0.0/16\"],\"ingress\":true}]");
	c = connected(b, false, 80);
	assert_int_equal(say(&c, true,
			     "GET / HTTP/1.1\r\nHost: a\r\n"
			     "X-Forwarded-For: 10.9.9.9\r\n\r\n"),
			 -REASON_DEFAULT);
	assert_true(ip_parse("10.9.9.9", &want) >= 0);
	n = inspect_drain_connections(b->in, r, 4);
	for (size_t i = 0; i < n; i++)
		if (r[i].flags & CONNECTION_XFF) {
			told++;
			assert_true(ip_equal(r[i].client, want));
			assert_int_equal(r[i].violations, 1);
			assert_int_equal(r[i].action, POLICY_DENY);
		}
	assert_int_equal(told, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_forwarded, start,
						bench_stop),
		cmocka_unit_test_setup_teardown(test_forwarded_told, start,
						bench_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
