/*
 * Traffic statistics: chosen moments, and random operations against a list of
 * all events.
 *
 * The model keeps every event with its time and, when asked, adds up those
 * whose slot of 5 s is one of the last 1, 12 or 60 complete ones.
 */
#include "inspect/traffic.h"

#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "images.h"
#include "test.h"

#define SEC(n) ((usec_t){ (uint64_t)((n)*1e6) })

static void test_slots(void **state)
{
	static const struct {
		double at_s;
		uint64_t in_5s, in_60s, in_300s;
	} rows[] = {
		{ 12, 0, 0, 0 },   { 14.9, 0, 0, 0 }, { 15, 1, 1, 1 },
		{ 19.9, 1, 1, 1 }, { 20, 0, 1, 1 },   { 70, 0, 1, 1 },
		{ 74.9, 0, 1, 1 }, { 75, 0, 0, 1 },   { 314.9, 0, 0, 1 },
		{ 315, 0, 0, 0 },  { 9999, 0, 0, 0 },
	};
	struct traffic *t = traffic_new();

	traffic_frame(t, 7, true, 100, SEC(12));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stats_record s = { 0 }, device = { 0 };

		traffic_add(t, 7, SEC(rows[i].at_s), &s);
		assert_int_equal(s.last_5s.packets_in, rows[i].in_5s);
		assert_int_equal(s.last_60s.packets_in, rows[i].in_60s);
		assert_int_equal(s.last_300s.packets_in, rows[i].in_300s);
		assert_int_equal(s.total.bytes_in, 100);
		traffic_add_device(t, SEC(rows[i].at_s), &device);
		assert_memory_equal(&s, &device, sizeof s);
	}
	traffic_free(t);
}

static void test_sessions_and_forget(void **state)
{
	struct traffic *t = traffic_new();
	struct stats_record s = { 0 }, gone = { 0 }, none = { 0 };

	traffic_session_begin(t, 0, true, SEC(1));
	traffic_session_begin(t, 0, false, SEC(1));
	traffic_session_begin(t, 0, false, SEC(2));
	traffic_session_end(t, 0, false);
	traffic_add(t, 0, SEC(6), &s);
	assert_int_equal(s.total.sessions_in, 1);
	assert_int_equal(s.total.sessions_out, 2);
	assert_int_equal(s.sessions_now_in, 1);
	assert_int_equal(s.sessions_now_out, 1);
	assert_int_equal(s.last_5s.sessions_out, 2);
	traffic_session_end(t, 0, false);
	traffic_session_end(t, 0, true);
	traffic_forget(t, 0);
	traffic_add(t, 0, SEC(6), &gone);
	assert_memory_equal(&gone, &none, sizeof none);
	traffic_add_device(t, SEC(6), &gone);
	assert_int_equal(gone.total.sessions_out, 2);
	assert_int_equal(gone.sessions_now_out, 0);
	traffic_free(t);
}

#define EVENTS	  3000
#define ENDPOINTS 3

struct event {
	uint64_t slot;
	uint16_t endpoint;
	bool ingress, session;
	uint32_t len;
};

static struct event events[EVENTS];

static void model_add(struct traffic_sum *sum, const struct event *e)
{
	if (e->session && e->ingress)
		sum->sessions_in++;
	else if (e->session)
		sum->sessions_out++;
	else if (e->ingress)
		sum->packets_in++, sum->bytes_in += e->len;
	else
		sum->packets_out++, sum->bytes_out += e->len;
}

/* endpoint ENDPOINTS: all of them. */
static struct stats_record model(size_t n, uint16_t endpoint, uint64_t slot)
{
	struct stats_record s = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct event *e = &events[i];

		if (endpoint != ENDPOINTS && e->endpoint != endpoint)
			continue;
		model_add(&s.total, e);
		if (e->session && e->ingress)
			s.sessions_now_in++;
		else if (e->session)
			s.sessions_now_out++;
		if (e->slot < slot && slot - e->slot <= 1)
			model_add(&s.last_5s, e);
		if (e->slot < slot && slot - e->slot <= 12)
			model_add(&s.last_60s, e);
		if (e->slot < slot && slot - e->slot <= 60)
			model_add(&s.last_300s, e);
	}
	return s;
}

static void compare(const struct traffic *t, size_t n, usec_t now)
{
	for (uint16_t e = 0; e <= ENDPOINTS; e++) {
		struct stats_record want = model(n, e, now.us / 5000000);
		struct stats_record got = { 0 };

		if (e == ENDPOINTS)
			traffic_add_device(t, now, &got);
		else
			traffic_add(t, e, now, &got);
		if (memcmp(&got, &want, sizeof want) != 0)
			fail_msg("event %zu, endpoint %u", n, e);
	}
}

/* All sessions of the model go on. */
static struct traffic *hand_over(struct traffic *t, size_t n)
{
	struct traffic *next = traffic_new();
	struct images i;

	images_count(&i);
	traffic_save(t, &i.w);
	images_write(&i);
	traffic_save(t, &i.w);
	images_read(&i);
	assert_true(traffic_load(next, &i.r));
	free(i.memory);
	for (size_t k = 0; k < n; k++)
		if (events[k].session)
			traffic_session_goes_on(next, events[k].endpoint,
						events[k].ingress);
	traffic_free(t);
	return next;
}

static void test_model(void **state)
{
	struct traffic *t = traffic_new();
	const char *text = getenv("WEIR_SEED");
	unsigned seed = text ? (unsigned)strtoul(text, NULL, 0)
			     : (unsigned)time(NULL);
	usec_t now = { 0 };

	print_message("# WEIR_SEED=%u\n", seed);
	srandom(seed);
	for (size_t i = 0; i < EVENTS; i++) {
		struct event *e = &events[i];
		long jump = random() % 200;

		now.us += (uint64_t)(random() % 2000000);
		if (jump == 0)
			now.us += (uint64_t)(random() % 700) * 1000000;
		*e = (struct event){ .slot = now.us / 5000000,
				     .endpoint =
					     (uint16_t)(random() % ENDPOINTS),
				     .ingress = random() % 2,
				     .session = random() % 4 == 0,
				     .len = (uint32_t)(random() % 65536) };
		if (e->session)
			traffic_session_begin(t, e->endpoint, e->ingress, now);
		else
			traffic_frame(t, e->endpoint, e->ingress, e->len, now);
		if (random() % 50 == 0)
			t = hand_over(t, i + 1);
		if (random() % 16 == 0)
			compare(t, i + 1,
				usec_add(now,
					 (uint64_t)(random() % 400) * 1000000));
	}
	compare(t, EVENTS, now);
	traffic_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_sessions_and_forget),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
