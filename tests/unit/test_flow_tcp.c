/*
 * A TCP conversation's flow: what each segment makes of its states, in which a
 * receiver who hears the same segments would be.
 */
#include "flow/flow.h"

#include "base/limits.h"
#include "segments.h"
#include "test.h"

/* clang-format off */
static const struct scenario scenarios[] = {
	{ "open, talk, close", {
		HANDSHAKE,
		{ 'C', A, 101, 501, 10, OK, ESTD, EST, EST },
		{ 'S', A, 501, 111, 20, OK, ESTD, EST, EST },
		{ 'C', FA, 111, 521, 0, OK, ESTD, FW1, CW },
		{ 'S', A, 521, 112, 0, OK, HALF, FW2, CW },
		{ 'S', FA, 521, 112, 0, OK, DONE, TW, LA },
		{ 'C', A, 112, 522, 0, OK, DONE, TW, CL },
		{ 'S', FA, 521, 112, 0, AGAIN, DONE, TW, CL },
	} },
	{ "the server closes first", {
		HANDSHAKE,
		{ 'S', FA, 501, 101, 0, OK, ESTD, CW, FW1 },
		{ 'C', A, 101, 502, 0, OK, HALF, CW, FW2 },
		{ 'C', A, 101, 502, 50, OK, HALF, CW, FW2 },
		{ 'S', A, 502, 151, 0, OK, HALF, CW, FW2 },
		{ 'C', FA, 151, 502, 0, OK, DONE, LA, TW },
		{ 'S', A, 502, 152, 0, OK, DONE, CL, TW },
	} },
	{ "FIN with data, and with the ACK of the other's", {
		HANDSHAKE,
		{ 'C', FA, 101, 501, 10, OK, ESTD, FW1, CW },
		{ 'S', FA, 501, 112, 5, OK, DONE, TW, LA },
		{ 'C', A, 112, 507, 0, OK, DONE, TW, CL },
	} },
	{ "simultaneous close", {
		HANDSHAKE,
		{ 'C', FA, 101, 501, 0, OK, ESTD, FW1, CW },
		{ 'S', FA, 501, 101, 0, OK, DONE, CLG, CLG },
		{ 'C', A, 102, 502, 0, OK, DONE, CLG, TW },
		{ 'S', A, 502, 102, 0, OK, DONE, TW, TW },
	} },
	{ "SYN again", {
		{ 'C', S, 100, 0, 0, OK, OPEN, SSENT, LIS },
		{ 'C', S, 100, 0, 0, AGAIN, OPEN, SSENT, LIS },
		{ 'S', SA, 500, 101, 0, OK, OPEN, SSENT, SRECV },
		{ 'C', S, 100, 0, 0, AGAIN, OPEN, SSENT, SRECV },
		{ 'S', SA, 500, 101, 0, AGAIN, OPEN, SSENT, SRECV },
		{ 'C', A, 101, 501, 0, OK, ESTD, EST, EST },
		{ 'S', SA, 500, 101, 0, AGAIN, ESTD, EST, EST },
	} },
	{ "another SYN where nobody answered the first", {
		{ 'C', S, 100, 0, 0, OK, OPEN, SSENT, LIS },
		{ 'C', S, 300, 0, 0, NEW, OPEN, SSENT, LIS },
		{ 'S', SA, 500, 301, 0, OK, OPEN, SSENT, SRECV },
		{ 'C', A, 301, 501, 0, OK, ESTD, EST, EST },
	} },
	{ "simultaneous open", {
		{ 'C', S, 100, 0, 0, OK, OPEN, SSENT, LIS },
		{ 'S', S, 500, 0, 0, OK, OPEN, SSENT, SSENT },
		{ 'C', SA, 100, 501, 0, AGAIN, OPEN, SRECV, SSENT },
		{ 'S', SA, 500, 101, 0, AGAIN, ESTD, EST, EST },
	} },
	{ "split handshake: a SYN for the SYN", {
		{ 'C', S, 100, 0, 0, OK, OPEN, SSENT, LIS },
		{ 'S', S, 500, 0, 0, OK, OPEN, SSENT, SSENT },
		{ 'S', S, 500, 0, 0, AGAIN, OPEN, SSENT, SSENT },
		{ 'C', SA, 100, 501, 0, AGAIN, OPEN, SRECV, SSENT },
		{ 'S', A, 501, 101, 0, OK, ESTD, EST, EST },
		{ 'C', A, 101, 501, 10, OK, ESTD, EST, EST },
	} },
	{ "split handshake: an ACK, then a SYN", {
		{ 'C', S, 100, 0, 0, OK, OPEN, SSENT, LIS },
		{ 'S', A, 900, 101, 0, OUT, OPEN, SSENT, LIS },
		{ 'S', S, 500, 0, 0, OK, OPEN, SSENT, SSENT },
		{ 'C', SA, 100, 501, 0, AGAIN, OPEN, SRECV, SSENT },
		{ 'S', A, 501, 101, 0, OK, ESTD, EST, EST },
	} },
	{ "split handshake: another SYN as long as none was agreed to", {
		{ 'C', S, 100, 0, 0, OK, OPEN, SSENT, LIS },
		{ 'S', S, 500, 0, 0, OK, OPEN, SSENT, SSENT },
		{ 'S', S, 900, 0, 0, OK, OPEN, SSENT, SSENT },
		{ 'C', SA, 100, 901, 0, AGAIN, OPEN, SRECV, SSENT },
		{ 'S', S, 700, 0, 0, OUT, OPEN, SRECV, SSENT },
		{ 'S', A, 901, 101, 0, OK, ESTD, EST, EST },
	} },
	{ "split handshake: the client agrees to the SYN only", {
		{ 'C', S, 100, 0, 0, OK, OPEN, SSENT, LIS },
		{ 'S', SA, 500, 101, 0, OK, OPEN, SSENT, SRECV },
		{ 'S', S, 90000, 0, 0, OUT, OPEN, SSENT, SRECV },
		{ 'C', SA, 100, 90001, 0, AGAIN, ESTD, EST, EST },
		{ 'S', A, 90001, 101, 10, OK, ESTD, EST, EST },
		{ 'S', SA, 500, 101, 0, OUT, ESTD, EST, EST },
	} },
	{ "SYN+ACK of something else", {
		{ 'C', S, 100, 0, 0, OK, OPEN, SSENT, LIS },
		{ 'S', SA, 500, 100, 0, OUT, OPEN, SSENT, LIS },
		{ 'S', SA, 500, 102, 0, OUT, OPEN, SSENT, LIS },
		{ 'S', SA, 500, 101, 0, OK, OPEN, SSENT, SRECV },
	} },
	{ "SYN+ACK is the first that is seen", {
		{ 'S', SA, 500, 101, 0, OK, OPEN, SSENT, SRECV },
		{ 'C', A, 101, 501, 0, OK, ESTD, EST, EST },
	} },
	{ "refused", {
		{ 'C', S, 100, 0, 0, OK, OPEN, SSENT, LIS },
		{ 'S', R, 0, 0, 0, OUT, OPEN, SSENT, LIS },
		{ 'S', RA, 0, 102, 0, OUT, OPEN, SSENT, LIS },
		{ 'S', RA, 0, 101, 0, OK, DONE, CL, CL },
	} },
	{ "given up", {
		{ 'C', S, 100, 0, 0, OK, OPEN, SSENT, LIS },
		{ 'C', R, 100, 0, 0, OUT, OPEN, SSENT, LIS },
		{ 'C', R, 101, 0, 0, OK, DONE, CL, CL },
	} },
	{ "RST at the next sequence", {
		HANDSHAKE,
		{ 'S', R, 501, 0, 0, OK, DONE, CL, CL },
	} },
	{ "RST at the window's end", {
		HANDSHAKE,
		{ 'S', R, 501 + WINDOW, 0, 0, OK, DONE, CL, CL },
	} },
	{ "RST outside the window", {
		HANDSHAKE,
		{ 'S', R, 501 + WINDOW + 1, 0, 0, OUT, ESTD, EST, EST },
		{ 'S', R, 500, 0, 0, OUT, ESTD, EST, EST },
		{ 'C', RA, 100, 501, 0, OUT, ESTD, EST, EST },
		{ 'C', R, 0x80000000, 0, 0, OUT, ESTD, EST, EST },
		{ 'C', RA, 101, 501, 0, OK, DONE, CL, CL },
	} },
	{ "SYN in a living flow: its receiver disagrees", {
		HANDSHAKE,
		{ 'C', S, 7000, 0, 0, OUT, ESTD, EST, EST },
		{ 'S', A, 501, 101, 0, OK, ESTD, EST, EST },
		{ 'C', A, 101, 501, 10, OK, ESTD, EST, EST },
		{ 'S', SA, 9000, 8000, 0, OUT, ESTD, EST, EST },
	} },
	{ "SYN in a living flow: its sender has lost it", {
		HANDSHAKE,
		{ 'C', S, 7000, 0, 0, OUT, ESTD, EST, EST },
		{ 'S', A, 501, 101, 0, OK, ESTD, EST, EST },
		{ 'C', R, 101, 0, 0, OK, DONE, CL, CL },
		{ 'C', S, 7000, 0, 0, NEW, OPEN, SSENT, LIS },
	} },
	{ "SYN in a living flow: its receiver has lost it", {
		HANDSHAKE,
		{ 'C', S, 700000, 0, 0, OUT, ESTD, EST, EST },
		{ 'S', SA, 9000, 700001, 0, NEW, OPEN, SSENT, SRECV },
		{ 'C', A, 700001, 9001, 0, OK, ESTD, EST, EST },
		{ 'C', A, 101, 501, 10, OUT, ESTD, EST, EST },
	} },
	{ "the same, and the sides change places", {
		HANDSHAKE,
		{ 'S', S, 7000, 0, 0, OUT, ESTD, EST, EST },
		{ 'C', SA, 9000, 7001, 0, NEW, OPEN, SSENT, SRECV },
		{ 'S', A, 7001, 9001, 0, OK, ESTD, EST, EST },
		{ 'S', FA, 7001, 9001, 0, OK, ESTD, FW1, CW },
	} },
	{ "ports used again", {
		HANDSHAKE,
		{ 'S', R, 501, 0, 0, OK, DONE, CL, CL },
		{ 'C', S, 7000, 0, 0, NEW, OPEN, SSENT, LIS },
		{ 'S', SA, 9000, 7001, 0, OK, OPEN, SSENT, SRECV },
		{ 'C', A, 7001, 9001, 0, OK, ESTD, EST, EST },
	} },
	{ "ports used again by the other side", {
		HANDSHAKE,
		{ 'C', FA, 101, 501, 0, OK, ESTD, FW1, CW },
		{ 'S', FA, 501, 102, 0, OK, DONE, TW, LA },
		{ 'C', A, 102, 502, 0, OK, DONE, TW, CL },
		{ 'S', S, 7000, 0, 0, NEW, OPEN, SSENT, LIS },
		{ 'C', SA, 9000, 7001, 0, OK, OPEN, SSENT, SRECV },
		{ 'S', A, 7001, 9001, 0, OK, ESTD, EST, EST },
	} },
	{ "picked up mid-stream", {
		{ 'C', A, 101, 501, 10, OK, OPEN, EST, EST },
		{ 'C', A, 111, 501, 10, OK, OPEN, EST, EST },
		{ 'S', A, 501, 121, 10, OK, ESTD, EST, EST },
		/* The scale of the windows is not known. */
		{ 'C', A, 121 + 500000, 511, 10, OK, ESTD, EST, EST },
		{ 'C', FA, 121 + 500010, 511, 0, OK, ESTD, FW1, CW },
		{ 'S', A, 511, 122 + 500010, 0, OK, HALF, FW2, CW },
	} },
	{ "mid-stream, the first ACK of what nobody remembers", {
		{ 'C', A, 101, 501, 10, OK, OPEN, EST, EST },
		{ 'S', A, 501, 111 + 0x80000001u, 10, OUT, OPEN, EST, EST },
		{ 'S', A, 501, 111 - (65536u << 14), 10, OUT, OPEN, EST, EST },
		{ 'S', A, 501, 100, 10, OK, ESTD, EST, EST },
	} },
	{ "behind the window, before it, acknowledging what was not sent", {
		HANDSHAKE,
		{ 'C', A, 101 + WINDOW + 1, 501, 10, OUT, ESTD, EST, EST },
		{ 'C', A, 101 - 70000u, 501, 10, OUT, ESTD, EST, EST },
		{ 'C', A, 101, 502, 10, OUT, ESTD, EST, EST },
		{ 'C', FA, 101 + 70000, 501, 0, OUT, ESTD, EST, EST },
		{ 'C', A, 101, 501, 10, OK, ESTD, EST, EST },
	} },
	{ "data again, and a keep-alive", {
		HANDSHAKE,
		{ 'C', A, 101, 501, 10, OK, ESTD, EST, EST },
		{ 'C', A, 101, 501, 10, OK, ESTD, EST, EST },
		{ 'S', A, 501, 111, 0, OK, ESTD, EST, EST },
		{ 'C', A, 101, 501, 10, AGAIN, ESTD, EST, EST },
		{ 'C', A, 110, 501, 0, OK, ESTD, EST, EST },
	} },
	{ "sequence numbers wrap", {
		{ 'C', S, 0xfffffff0, 0, 0, OK, OPEN, SSENT, LIS },
		{ 'S', SA, 0xffffffff, 0xfffffff1, 0, OK, OPEN, SSENT, SRECV },
		{ 'C', A, 0xfffffff1, 0, 0, OK, ESTD, EST, EST },
		{ 'C', A, 0xfffffff1, 0, 100, OK, ESTD, EST, EST },
		{ 'S', A, 0, 0x55, 10, OK, ESTD, EST, EST },
		{ 'C', A, 0xfffffff1, 10, 100, AGAIN, ESTD, EST, EST },
		{ 'S', R, 0xffffffff, 0, 0, OUT, ESTD, EST, EST },
		{ 'C', FA, 0x55, 10, 0, OK, ESTD, FW1, CW },
		{ 'S', A, 10, 0x56, 0, OK, HALF, FW2, CW },
	} },
	{ "windows are scaled when both offer it", {
		{ 'C', S, 100, 0, 0, OK, OPEN, SSENT, LIS, 0, 7 },
		{ 'S', SA, 500, 101, 0, OK, OPEN, SSENT, SRECV, 0, 7 },
		{ 'C', A, 101, 501, 0, OK, ESTD, EST, EST },
		{ 'S', A, 501, 101, 0, OK, ESTD, EST, EST },
		{ 'C', A, 101 + (WINDOW << 7), 501, 10, OK, ESTD, EST, EST },
		{ 'C', A, 102 + (WINDOW << 7) + 10, 501, 9, OUT, ESTD, EST, EST },
	} },
	{ "and are not when one does not", {
		{ 'C', S, 100, 0, 0, OK, OPEN, SSENT, LIS, 0, 7 },
		{ 'S', SA, 500, 101, 0, OK, OPEN, SSENT, SRECV },
		{ 'C', A, 101, 501, 0, OK, ESTD, EST, EST },
		{ 'S', A, 501, 101, 0, OK, ESTD, EST, EST },
		{ 'C', A, 102 + WINDOW, 501, 10, OUT, ESTD, EST, EST },
	} },
};
/* clang-format on */

static void test_scenarios(void **state)
{
	scenarios_play(scenarios, ARRAY_LEN(scenarios));
}

static void count_end(void *arg, struct flow *f)
{
	unsigned *n = arg;

	++*n;
}

/* What nobody believes keeps no flow alive, but it is counted. */
static void test_out_of_window_does_not_touch(void **state)
{
	static const struct segment open[] = { HANDSHAKE };
	static const struct segment bad = {
		.from = 'C', .flags = A, .seq = 90000, .ack = 501
	};
	struct flow_table *t = flow_table_new(FLOWS_MIN, 1);
	usec_t start = { 1 }, late = { 1000 * USEC_PER_SEC };
	struct flow *f = NULL;
	unsigned ended = 0;

	flow_table_on_end(t, count_end, &ended);
	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		(void)segment_play(t, &f, &open[i], start);
	assert_int_equal(f->side[FLOW_CLIENT].packets, 2);
	assert_int_equal(segment_play(t, &f, &bad, late), OUT);
	assert_int_equal(f->side[FLOW_CLIENT].packets, 3);
	assert_int_equal(f->last_seen.us, start.us);
	assert_int_equal(
		flow_expire(t, usec_add(start, 1200 * USEC_PER_SEC), 9), 1);
	assert_int_equal(ended, 1);
	flow_table_free(t);
}

/* A reopened flow is a new one, whose old self was told of. */
static void test_reopened_is_told(void **state)
{
	static const struct segment all[] = {
		HANDSHAKE,
		{ 'S', R, 501, 0, 0, 0, 0, 0, 0, 0, 0 },
		{ 'C', S, 7000, 0, 0, 0, 0, 0, 0, 0, 0 },
	};
	struct flow_table *t = flow_table_new(FLOWS_MIN, 1);
	struct flow *f = NULL;
	unsigned ended = 0;

	flow_table_on_end(t, count_end, &ended);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		(void)segment_play(t, &f, &all[i], (usec_t){ i });
	assert_int_equal(ended, 1);
	assert_int_equal(flow_counts(t).made, 2);
	assert_int_equal(f->first_seen.us, ARRAY_LEN(all) - 1);
	assert_int_equal(f->verdict.snapshot_version, 0);
	flow_table_free(t);
}

/* Only a SYN in answer to the SYN splits it, and roles never change. */
static void test_split(void **state)
{
	static const struct {
		struct segment s[3];
		bool want;
	} cases[] = {
		{ { HANDSHAKE }, false },
		{ { { .from = 'C', .flags = S, .seq = 100 },
		    { .from = 'S', .flags = S, .seq = 500 },
		    { .from = 'C', .flags = SA, .seq = 100, .ack = 501 } },
		  true },
		{ { { .from = 'C', .flags = S, .seq = 100 },
		    { .from = 'S', .flags = A, .seq = 9, .ack = 101 },
		    { .from = 'S', .flags = S, .seq = 500 } },
		  true },
		{ { { .from = 'C', .flags = S, .seq = 100 },
		    { .from = 'S', .flags = SA, .seq = 500, .ack = 101 },
		    { .from = 'S', .flags = S, .seq = 500 } },
		  false },
		{ { { .from = 'C', .flags = S, .seq = 100 },
		    { .from = 'C', .flags = S, .seq = 200 },
		    { .from = 'C', .flags = S, .seq = 200 } },
		  false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct flow_table *t = flow_table_new(FLOWS_MIN, 1);
		struct flow *f = NULL;

		for (size_t k = 0; k < 3; k++)
			(void)segment_play(t, &f, &cases[i].s[k],
					   (usec_t){ k + 1 });
		assert_int_equal(f->split, cases[i].want);
		assert_true(f->client_is_own);
		flow_table_free(t);
	}
}

/* Told of once, 30 s after the handshake, whatever the server says. */
static void test_silent_client(void **state)
{
	static const struct segment open[] = { HANDSHAKE };
	static const struct segment server = {
		.from = 'S', .flags = A, .seq = 501, .ack = 101, .len = 10
	};
	struct flow_table *t = flow_table_new(FLOWS_MIN, 1);
	usec_t start = { 7 * USEC_PER_SEC };
	usec_t due = usec_add(start, FLOW_SILENT_S * USEC_PER_SEC);
	struct flow *f = NULL;

	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		(void)segment_play(t, &f, &open[i], start);
	(void)segment_play(t, &f, &server, usec_add(start, USEC_PER_SEC));
	assert_null(flow_next_silent(t, (usec_t){ due.us - 1 }));
	assert_null(flow_next_silent(t, (usec_t){ 1 })); /* time steps back */
	assert_ptr_equal(flow_next_silent(t, due), f);
	assert_null(flow_next_silent(t, due));
	(void)segment_play(t, &f, &server, due);
	assert_null(flow_next_silent(t, usec_add(due, 60 * USEC_PER_SEC)));
	assert_int_equal(flow_expire(t, usec_add(due, 1200 * USEC_PER_SEC), 9),
			 1);
	flow_table_free(t);
}

/* A byte or a FIN of the client, a RST: it is not waited for any more. */
static void test_not_silent(void **state)
{
	static const struct segment ends[] = {
		{ .from = 'C', .flags = A, .seq = 101, .ack = 501, .len = 1 },
		{ .from = 'C', .flags = FA, .seq = 101, .ack = 501 },
		{ .from = 'S', .flags = R, .seq = 501 },
	};
	static const struct segment open[] = { HANDSHAKE };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct flow_table *t = flow_table_new(FLOWS_MIN, 1);
		struct flow *f = NULL;

		for (size_t k = 0; k < ARRAY_LEN(open); k++)
			(void)segment_play(t, &f, &open[k], (usec_t){ 1 });
		(void)segment_play(t, &f, &ends[i], (usec_t){ 2 });
		assert_null(flow_next_silent(t, (usec_t){ 90000000 }));
		flow_table_free(t);
	}
}

static void test_cut(void **state)
{
	static const struct segment open[] = { HANDSHAKE };
	static const struct segment more = {
		.from = 'C', .flags = A, .seq = 101, .ack = 501, .len = 1
	};
	static const struct segment syn = { .from = 'C',
					    .flags = S,
					    .seq = 100 };
	struct flow_table *t = flow_table_new(FLOWS_MIN, 1);
	struct flow *f = NULL;

	for (size_t k = 0; k < ARRAY_LEN(open); k++)
		(void)segment_play(t, &f, &open[k], (usec_t){ 1 });
	flow_cut(t, f, (usec_t){ 2 });
	assert_int_equal(f->class, FLOW_CLASS_TCP_CUT);
	(void)segment_play(t, &f, &more, (usec_t){ 3 });
	assert_true(f->cut);
	assert_int_equal(f->class, FLOW_CLASS_TCP_CUT);
	assert_int_equal(segment_play(t, &f, &syn, (usec_t){ 4 }), NEW);
	assert_false(f->cut);
	assert_int_equal(f->class, OPEN);
	flow_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_silent_client),
		cmocka_unit_test(test_not_silent),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_out_of_window_does_not_touch),
		cmocka_unit_test(test_reopened_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
