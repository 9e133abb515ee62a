/*
 * What streams read: each message once and in order, or told as missed, whatever
 * a reader's pace; against a model that counts.
 */
#include "api/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits_api.h"
#include "test.h"

static void test_topics(void **state)
{
	unsigned topics = 0;

	assert_true(topics_parse("events", &topics));
	assert_int_equal(topics, 1u << TOPIC_EVENTS);
	assert_true(topics_parse("map,events,map", &topics));
	assert_int_equal(topics, 1u << TOPIC_EVENTS | 1u << TOPIC_MAP);
	assert_false(topics_parse("", &topics));
	assert_false(topics_parse("events,", &topics));
	assert_false(topics_parse("nope", &topics));
}

static void test_text(void **state)
{
	struct ring *r = ring_new();
	struct ring_reader reader;
	struct message *m = NULL;
	enum topic t;
	uint64_t missed;

	ring_begin(r, 1u << TOPIC_FLOWS, &reader);
	assert_false(ring_has(r, &reader));
	ring_add(r, TOPIC_EVENTS, "{}", 2);
	assert_false(ring_has(r, &reader));
	ring_add(r, TOPIC_FLOWS, "{\"a\":1}", 7);
	assert_true(ring_has(r, &reader));
	assert_int_equal(ring_next(r, &reader, &m, &t, &missed), RING_MESSAGE);
	assert_int_equal(m->len, strlen("event: flows\ndata: {\"a\":1}\n\n"));
	assert_memory_equal(m->text, "event: flows\ndata: {\"a\":1}\n\n",
			    m->len);
	ring_put(r, m);
	assert_int_equal(ring_next(r, &reader, &m, &t, &missed), RING_NOTHING);
	ring_skip(r, TOPIC_FLOWS, 3);
	assert_int_equal(ring_next(r, &reader, &m, &t, &missed), RING_MISSED);
	assert_int_equal(t, TOPIC_FLOWS);
	assert_int_equal(missed, 3);
	assert_false(ring_has(r, &reader));
	ring_free(r);
}

/* Nobody needs for long what he did not read. */
static void test_age(void **state)
{
	usec_t now = clock_now(),
	       later = usec_add(now, 2 * API_MESSAGE_KEPT_US);
	struct ring *r = ring_new();
	struct ring_reader reader;
	struct message *m = NULL;
	enum topic t;
	uint64_t missed = 0;

	ring_begin(r, 1u << TOPIC_EVENTS, &reader);
	ring_add(r, TOPIC_EVENTS, "{}", 2);
	ring_age(r, now);
	ring_add(r, TOPIC_EVENTS, "{}", 2);
	assert_int_equal(ring_next(r, &reader, &m, &t, &missed), RING_MESSAGE);
	ring_age(r, later); /* he has it in his hands */
	assert_int_equal(m->number, 1);
	ring_put(r, m);
	assert_int_equal(ring_next(r, &reader, &m, &t, &missed), RING_MISSED);
	assert_int_equal(missed, 1);
	assert_int_equal(ring_next(r, &reader, &m, &t, &missed), RING_NOTHING);
	ring_add(r, TOPIC_EVENTS, "{}", 2);
	assert_int_equal(ring_next(r, &reader, &m, &t, &missed), RING_MESSAGE);
	assert_int_equal(m->number, 3);
	ring_put(r, m);
	ring_free(r);
}

/* One that is too long is told as missed, not cut. */
static void test_large(void **state)
{
	static char text[API_MESSAGE_MAX + 1];
	struct ring *r = ring_new();
	struct ring_reader reader;
	struct message *m;
	enum topic t;
	uint64_t missed = 0;

	ring_begin(r, 1u << TOPIC_MAP, &reader);
	ring_add(r, TOPIC_MAP, text, sizeof text);
	assert_int_equal(ring_next(r, &reader, &m, &t, &missed), RING_MISSED);
	assert_int_equal(missed, 1);
	ring_free(r);
}

#define READERS 5

struct model {
	struct ring_reader reader;
	uint64_t told[TOPIC__MAX]; /* had or missed; since when it began */
	uint64_t began[TOPIC__MAX];
	struct message *held;
};

static void read_one(struct ring *r, struct model *m)
{
	struct message *got = NULL;
	enum topic t = 0;
	uint64_t missed = 0;

	switch (ring_next(r, &m->reader, &got, &t, &missed)) {
	case RING_MESSAGE:
		m->told[got->topic]++;
		assert_int_equal(got->number,
				 m->began[got->topic] + m->told[got->topic]);
		ring_put(r, m->held); /* the one before, as late as may be */
		m->held = got;
		break;
	case RING_MISSED: m->told[t] += missed; break;
	case RING_NOTHING: break;
	}
}

static void add_one(struct ring *r, uint64_t said[TOPIC__MAX])
{
	static char text[API_MESSAGES_BYTES_MAX / 64];
	enum topic t = (enum topic)(rand() % TOPIC__MAX);
	size_t len = rand() % 50 == 0 ? sizeof text : (size_t)rand() % 100;

	if (rand() % 100 == 0) {
		ring_skip(r, t, 5);
		said[t] += 5;
		return;
	}
	ring_add(r, t, text, len);
	said[t]++;
}

static void test_model(void **state)
{
	unsigned seed = 20261130;
	struct model readers[READERS] = { 0 };
	uint64_t said[TOPIC__MAX] = { 0 };
	struct ring *r = ring_new();

	print_message("# seed %u\n", seed);
	srand(seed);
	for (size_t i = 0; i < READERS; i++)
		ring_begin(r, 1u + (unsigned)i * 6, &readers[i].reader);
	for (unsigned step = 0; step < 60000; step++) {
		add_one(r, said);
		/* the first reads all, the last one hardly ever */
		for (size_t i = 0; i < READERS; i++)
			if (rand() % (1 << (3 * i)) == 0)
				read_one(r, &readers[i]);
	}
	for (size_t i = 0; i < READERS; i++) {
		struct model *m = &readers[i];

		while (ring_has(r, &m->reader))
			read_one(r, m);
		for (enum topic t = 0; t < TOPIC__MAX; t++)
			if (m->reader.topics & 1u << t)
				assert_int_equal(m->told[t], said[t]);
		ring_put(r, m->held);
	}
	ring_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_topics), cmocka_unit_test(test_text),
		cmocka_unit_test(test_age),    cmocka_unit_test(test_large),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests_name("api_ring", tests, NULL, NULL);
}
