/*
 * Sockets that share out an interface's frames, by the kernel itself, in a
 * network namespace of our own:
 *
 *   far ── wdg0 ═══ wdg1 ── group[0..N-1]
 */
#include "ring/ring.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/spread.h"
#include "test.h"
#include "veth.h"

#define N	     3
#define WAIT_MS	     5000
#define WAIT_STEP_MS 10
#define FRAME	     60
#define FIRST	     0 /* number of frames that only ask */
#define NOBODY	     N

static const char *lacks; /* what is not there, or NULL */
static struct ring *far, *group[N];

/* Says it is no IP, so that the kernel itself does nothing with it. */
static void make_frame(uint8_t frame[static FRAME], struct mac dst,
		       struct mac src, uint8_t number)
{
	memset(frame, 0, FRAME);
	memcpy(frame, dst.b, 6);
	memcpy(frame + 6, src.b, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5; /* IEEE 802: local experiments */
	frame[14] = number;
}

/* Is frame i of the batch one of ours? The kernel speaks up, too (IPv6). */
static bool is_ours(const struct ring *r, unsigned i, uint8_t *ret_number)
{
	struct bytes b = ring_frame(r, i).bytes, skipped;
	uint16_t type;

	if (!take_bytes(&b, 12, &skipped) || !take_be16(&b, &type) ||
	    type != 0x88b5)
		return false;
	return take_u8(&b, ret_number);
}

/* Has it come to r, and nothing else? */
static bool has_come(struct ring *r, uint8_t number)
{
	int n = ring_recv(r);
	uint8_t got;

	assert_true(n >= 0);
	for (int k = 0; k < n; k++) {
		if (!is_ours(r, (unsigned)k, &got) ||
		    (got == FIRST && number != FIRST))
			continue;
		assert_int_equal(got, number);
		return true;
	}
	return false;
}

/* Which of the group gets it, and nobody anything else. */
static unsigned who_gets_within(uint8_t number, int ms)
{
	struct pollfd set[N];

	for (unsigned i = 0; i < N; i++)
		set[i] = (struct pollfd){ ring_fd(group[i]), POLLIN, 0 };
	for (;;) {
		int ready = poll(set, N, ms);

		assert_true(ready >= 0);
		if (ready == 0)
			return NOBODY;
		for (unsigned i = 0; i < N; i++)
			if (has_come(group[i], number))
				return i;
	}
}

static unsigned who_gets(uint8_t number)
{
	return who_gets_within(number, WAIT_MS);
}

/* The queue of a new device may not run yet: it drops until it does. */
static void wait_until_running(void)
{
	uint8_t frame[FRAME];
	int tries = 0;

	make_frame(frame, (struct mac){ { 2, 0, 0, 0, 0, 2 } },
		   (struct mac){ { 2, 0, 0, 0, 0, 1 } }, FIRST);
	do {
		assert_in_range(tries++, 0, WAIT_MS / WAIT_STEP_MS);
		ring_send(far, bytes_of(frame, FRAME));
	} while (who_gets_within(FIRST, WAIT_STEP_MS) == NOBODY);
}

static int begin(void **state)
{
	struct err err;
	int fds[N];

	lacks = veth_lacks();
	if (lacks)
		return 0;
	veth_make("wdg0", "wdg1");
	far = ring_packet_new(ring_packet_open("wdg0", false, &err));
	assert_non_null(far);
	assert_int_equal(ring_packet_open_group("wdg1", N, fds, &err), 0);
	for (unsigned i = 0; i < N; i++) {
		group[i] = ring_packet_new(fds[i]);
		assert_non_null(group[i]);
	}
	wait_until_running();
	return 0;
}

static int end(void **state)
{
	ring_free(far);
	for (unsigned i = 0; i < N; i++)
		ring_free(group[i]);
	return 0;
}

#define MAC(a, b, c, d, e, f)            \
	{                                \
		{                        \
			a, b, c, d, e, f \
		}                        \
	}
#define MARK(high, low) MAC(0x4e, 0x65, 0x75, 0x56, high, low)
#define OTHER		MAC(2, 0, 0, 0, 0, 1)

static const struct row {
	const char *name;
	struct mac dst, src;
	unsigned want;
} rows[] = {
	{ "to 0", MARK(0, 3), OTHER, 0 },
	{ "to 1", MARK(0, 4), OTHER, 1 },
	{ "to 2", MARK(0, 5), OTHER, 2 },
	{ "high byte", MARK(1, 0), OTHER, 1 },
	{ "both", MARK(0xff, 0xfe), OTHER, 0xfffe % N },
	{ "from 2", OTHER, MARK(0, 2), 2 },
	{ "copy to 1", MAC(0x4e, 0x65, 0x75, 0x57, 0, 1), OTHER, 1 },
	{ "copy from 1", OTHER, MAC(0x4e, 0x65, 0x75, 0x57, 0, 1), 1 },
	{ "broadcast", MAC(0xff, 0xff, 0xff, 0, 0, 2), OTHER, 2 },
	{ "copy of one", MAC(0xff, 0xff, 0xff, 1, 0, 2), OTHER, 2 },
	{ "no mark", MAC(0x4e, 0x65, 0x75, 0x58, 0, 1), OTHER, 0 },
	{ "no broadcast", MAC(0xff, 0xff, 0xff, 2, 0, 1), OTHER, 0 },
	{ "all ones", MAC(0xff, 0xff, 0xff, 0xff, 0xff, 0xff), OTHER, 0 },
	{ "source first", MARK(0, 1), MARK(0, 2), 2 },
};

static void test_each_to_its_worker(void **state)
{
	const struct mac other = OTHER;

	if (lacks) {
		print_message("# SKIP: %s is refused here\n", lacks);
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct mac mark = mac_equal(r->src, other) ? r->dst : r->src;
		uint8_t frame[FRAME];

		make_frame(frame, r->dst, r->src, (uint8_t)(i + 1));
		ring_send(far, bytes_of(frame, FRAME));
		assert_row(r->name, who_gets((uint8_t)(i + 1)) == r->want);
		assert_row(r->name, spread_worker_of(mark, N) == r->want);
	}
}

/* What one of them sends is heard by nobody of the group. */
static void test_own_frames_do_not_return(void **state)
{
	const struct mac mark = MARK(0, 1);
	const struct mac other = OTHER;
	uint8_t frame[FRAME];

	if (lacks)
		skip();
	for (unsigned i = 0; i < N; i++) {
		struct ring_counts before = ring_counts(group[i]);

		make_frame(frame, mark, other, 100);
		ring_send(group[i], bytes_of(frame, FRAME));
		assert_int_equal(ring_counts(group[i]).sent, before.sent + 1);
	}
	/* would come behind those */
	make_frame(frame, mark, other, 101);
	ring_send(far, bytes_of(frame, FRAME));
	assert_int_equal(who_gets(101), 1);
}

static void test_marks(void **state)
{
	for (unsigned n = 1; n <= WORKERS_MAX; n++)
		for (unsigned m = 0; m < 65536; m += 97) {
			struct mac mark = MARK((uint8_t)(m >> 8), (uint8_t)m);

			assert_int_equal(spread_worker_of(mark, n), m % n);
		}
}

/* Frames have one data plane; one that ends makes room for the next. */
static void test_one_has_the_frames(void **state)
{
	struct err err;
	int fds[N], fd;

	if (lacks)
		skip();
	assert_int_equal(ring_packet_open("wdg1", false, &err), -EBUSY);
	assert_non_null(strstr(err.text, "wdg1 has a data plane already"));
	assert_int_equal(ring_packet_open_group("wdg1", N, fds, &err), -EBUSY);
	assert_int_equal(ring_packet_open_group("wdg1", 2, fds, &err), -EBUSY);
	assert_int_equal(ring_packet_open("wdg0", false, &err), -EBUSY);
	assert_int_equal(ring_packet_open_group("wdg0", 2, fds, &err), -EBUSY);
	/* who only watches may */
	fd = ring_packet_open("wdg1", true, &err);
	assert_true(fd >= 0);
	close(fd);
	ring_free(far);
	assert_int_equal(ring_packet_open_group("wdg0", 2, fds, &err), 0);
	assert_int_equal(ring_packet_open("wdg0", false, &err), -EBUSY);
	close(fds[0]);
	close(fds[1]);
	far = ring_packet_new(ring_packet_open("wdg0", false, &err));
	assert_non_null(far);
}

/* None is left where one cannot be opened. */
static void test_no_interface(void **state)
{
	struct err err;
	int fds[N];

	if (lacks)
		skip();
	assert_int_equal(ring_packet_open_group("wdg9", N, fds, &err), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_each_to_its_worker),
		cmocka_unit_test(test_own_frames_do_not_return),
		cmocka_unit_test(test_one_has_the_frames),
		cmocka_unit_test(test_no_interface),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
