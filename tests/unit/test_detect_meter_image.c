/*
 * Meters from an image: of other options, and such as nobody wrote. That they go on
 * as they were is tested with the model, in test_detect_meter.c.
 */
#include "detect/meter.h"

#include "image_of.h"

#define SOURCES 8
#define HOSTS	13 /* more than there are places */

static const struct meter_options
	small = { .rule = {
			  [METER_SYN_FLOOD] = { true, 2, 24, 12, 4, 7 },
			  [METER_ICMP_FLOOD] = { true, 1, 5, 5, 3, 0 },
			  [METER_SOURCE_SESSIONS] = { true, 0, 4, 2, 3, 5 },
			  [METER_TCP_NO_DATA] = { false, 10, 10, 10, 10, 0 },
			  [METER_UDP_FLOOD] = { true, 1, 3, 1, 2, 30 },
			  [METER_SESSION_RATE] = { false, 5, 9, 9, 8, 30 },
		  } };

static void save(const void *m, struct image_writer *w)
{
	meters_save(m, w);
}

/* Another span than it had: that kind, and only that, begins anew. */
static void test_other_span(void **state)
{
	struct meters *m = meters_new(&small, SOURCES, 1);
	struct meter_options opt = small;
	struct ip_addr source = ip_from_v4(9);
	usec_t now = { 5 };
	struct test_image i;
	uint32_t ticket;

	for (int n = 0; n < 5; n++) {
		(void)meter_hit(m, METER_ICMP_FLOOD, 1, source, now);
		(void)meter_hit(m, METER_UDP_FLOOD, 1, source, now);
		(void)meter_session_begin(m, 1, source, now, &ticket);
	}
	i = test_image_of(save, m);
	meters_free(m);
	opt.rule[METER_ICMP_FLOOD].span_s = 2;
	m = meters_new(&opt, SOURCES, 2);
	assert_true(meters_load(m, &i.reader));
	assert_int_equal(meters_stats(m, METER_ICMP_FLOOD).in_use, 0);
	assert_int_equal(meters_stats(m, METER_ICMP_FLOOD).hits, 5);
	assert_false(meter_hit(m, METER_ICMP_FLOOD, 1, source, now).limit);
	assert_true(meter_hit(m, METER_UDP_FLOOD, 1, source, now).limit);
	assert_true(meter_session_begin(m, 1, source, now, &ticket).limit);
	meters_free(m);
	test_image_free(&i);
}

static void load_hostile(void *arg, const struct image_reader *r)
{
	struct meters *m = meters_new(&small, SOURCES, 3);
	uint64_t *random = arg, cursor = 0;
	struct meter_record record;
	uint32_t ticket;

	if (!meters_load(m, r))
		for (int k = 0; k < METER_KIND__MAX; k++)
			assert_int_equal(
				meters_stats(m, (enum meter_kind)k).in_use, 0);
	for (uint32_t n = 0; n < 40; n++) {
		usec_t now = { 5 + n * 100000 };
		struct ip_addr source = ip_from_v4(seed_draw(random, HOSTS));

		(void)meter_hit(m, METER_SYN_FLOOD, 9, source, now);
		(void)meter_hit(m, METER_ICMP_FLOOD, 9, source, now);
		(void)meter_session_begin(m, 0, source, now, &ticket);
		/* a flow's, from an image */
		meter_session_end(m, seed_draw(random, UINT32_MAX), now);
		meter_session_end(m, ticket, now);
		meters_age(m, now);
	}
	while (meters_next(m, &cursor, (usec_t){ 50 }, &record))
		meters_forget_endpoint(m, record.endpoint);
	meters_free(m);
}

static void test_hostile(void **state)
{
	struct meters *m = meters_new(&small, SOURCES, 1);
	uint64_t random = seed_choose() | 1;
	struct test_image i;
	uint32_t ticket;

	for (uint32_t n = 0; n < 60; n++) {
		struct ip_addr source = ip_from_v4(n % HOSTS);
		usec_t now = { 5 + n };

		(void)meter_hit(m, METER_SYN_FLOOD, 9, source, now);
		(void)meter_hit(m, METER_UDP_FLOOD, 0, source, now);
		(void)meter_hit(m, METER_ICMP_FLOOD, n % 3, source, now);
		(void)meter_session_begin(m, 0, source, now, &ticket);
	}
	i = test_image_of(save, m);
	test_image_hostile(&i, 500, &random, load_hostile, &random);
	test_image_free(&i);
	meters_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_span),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
