/*
 * What may keep signatures and sensors from what they look for: bytes that come
 * again with others, and connections that nobody listened to when they came.
 */
#include "detecting.h"

#define GOOD "GET /good?a=1 HTTP/1.1\r\nHost: a.test\r\n\r\n"

/*
 * Other bytes for what is not acknowledged yet: whichever the server would take,
 * one of the two does not reach it, and the attack never does.
 */
static void test_said_again(void **state)
{
	static const char *const one[] = { GOOD, GET };
	const size_t len = sizeof GET - 1, half = 8;
	/* what the attack is refused by, as the first, and then what follows */
	const int refused = -REASON_SIGNATURE;
	const int conflict = -REASON_STREAM_CONFLICT;

	_Static_assert(sizeof GOOD == sizeof GET, "at the same place");
	for (unsigned bad = 0; bad < 2; bad++) {
		const char *first = one[bad], *other = one[!bad];
		struct detecting *d = *state;
		struct conn c;

		look_for(d, HTTP_RULE("drop", 7));
		/* in order */
		c = connected(d->b, true, 80);
		assert_int_equal(conn_frame(&c, true, TCP_ACK, first, len, 0),
				 bad ? refused : REASON_RULE);
		assert_int_equal(conn_frame(&c, true, TCP_ACK, other, len, 0),
				 bad ? refused : conflict);
		/* what is held for something before it */
		c = connected(d->b, true, 80);
		assert_int_equal(
			conn_frame(&c, true, TCP_ACK, first + 5, len - 5, 5),
			REASON_RULE);
		assert_int_equal(
			conn_frame(&c, true, TCP_ACK, other + 5, len - 5, 5),
			conflict);
		assert_int_equal(conn_frame(&c, true, TCP_ACK, first, 5, 0),
				 bad ? refused : REASON_RULE);
		/* some of it, and what follows */
		c = connected(d->b, true, 80);
		assert_int_equal(conn_frame(&c, true, TCP_ACK, first, half, 0),
				 REASON_RULE);
		assert_int_equal(
			conn_frame(&c, true, TCP_ACK, other + 5, len - 5, 5),
			conflict);
		assert_int_equal(conn_frame(&c, true, TCP_ACK, first + half,
					    len - half, (int32_t)half),
				 bad ? refused : REASON_RULE);
		(void)stop(state);
		(void)start(state);
	}
}

/* Where a setting lets both go on, the one that it believes is looked at. */
static void test_said_again_pass(void **state)
{
	static const char *const one[] = { GOOD, GET };
	const size_t len = sizeof GET - 1;

	for (unsigned i = 0; i < 4; i++) {
		struct inspect_settings s = inspect_settings_default();
		unsigned bad = i & 1, last_wins = i >> 1;
		struct detecting *d = *state;
		struct conn c;

		s.streams_on[STREAM_CAUSE_CONFLICT] = STREAM_PASS;
		s.streams_overlap = last_wins ? STREAM_LAST_WINS
					      : STREAM_FIRST_WINS;
		inspect_configure(d->b->in, &s);
		look_for(d, HTTP_RULE("drop", 7));
		c = connected(d->b, true, 80);
		assert_int_equal(
			conn_frame(&c, true, TCP_ACK, one[bad] + 5, len - 5, 5),
			REASON_RULE);
		assert_int_equal(conn_frame(&c, true, TCP_ACK, one[!bad] + 5,
					    len - 5, 5),
				 REASON_RULE);
		assert_int_equal(conn_frame(&c, true, TCP_ACK, GET, 5, 0),
				 bad != last_wins ? -REASON_SIGNATURE
						  : REASON_RULE);
		(void)stop(state);
		(void)start(state);
	}
}

/*
 * Sensors that come to a connection that nobody listens to any more find its next
 * request, and in what is none of its application, bytes.
 */
static void test_card_late(void **state)
{
	struct detecting *d = *state;
	struct conn c, raw;

	c = connected(d->b, true, 80);
	assert_int_equal(say(&c, true, GET), REASON_RULE);
	assert_int_equal(say(&c, false, OK), REASON_RULE);
	raw = connected(d->b, true, 99);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(say(&raw, i % 2, "\1\2 who knows what"),
				 REASON_RULE);
	assert_false(is_listened_to(d));
	sense(d, CARDS);
	use(d, &(struct sensing_spec){ .own = { &cards_block, 1 } }, false);
	assert_int_equal(
		say(&c, true, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"),
		REASON_RULE);
	assert_true(is_listened_to(d));
	assert_int_equal(say(&c, false, OK), REASON_RULE);
	assert_int_equal(say(&c, true, POST), -REASON_DLP);
	assert_string_equal(found(d).request, "POST a.test/pay");
	assert_int_equal(say(&raw, true, "paid by " CARD "."), -REASON_DLP);
	assert_int_equal(found(d).buffer, SIG_BUFFER_PAYLOAD);
}

/* Another policy makes nobody look again, who looks already, or never did. */
static void test_not_late(void **state)
{
	struct detecting *d = *state;
	struct conn c;

	sense(d, CARDS);
	use(d, &(struct sensing_spec){ .own = { &cards_alert, 1 } }, false);
	c = connected(d->b, true, 80);
	assert_int_equal(say(&c, true, GET), REASON_RULE);
	assert_true(is_listened_to(d));
	judge_open(d->b, false);
	assert_int_equal(say(&c, false, OK), REASON_RULE);
	assert_int_equal(inspect_counts(d->b->in).streams.streams, 1);
	use(d, &(struct sensing_spec){ .signatures = SIGNATURES_OFF }, false);
	assert_int_equal(say(&c, true, GET), REASON_RULE);
	judge_open(d->b, false);
	assert_int_equal(say(&c, false, OK), REASON_RULE);
	assert_false(is_listened_to(d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_said_again, start, stop),
		cmocka_unit_test_setup_teardown(test_said_again_pass, start,
						stop),
		cmocka_unit_test_setup_teardown(test_card_late, start, stop),
		cmocka_unit_test_setup_teardown(test_not_late, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
