/*
 * A bench that looks for signatures and sensors, for the tests of both.
 */
#pragma once

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "conn.h"
#include "test.h"

#define GET "GET /evil?a=1 HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define OK  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

#define HTTP_RULE(action, sid)                                              \
	action " http any any -> any any (msg:\"evil\"; http.uri; content:" \
	       "\"/evil\"; classtype:web-application-attack; sid:" #sid ";)\n"

struct detecting {
	struct bench *b;
	struct sig_set *set;
	struct sensor_set *sensor_set;
	struct sensor_lane *sensor_lane;
};

static inline struct sig_set *set_of(const char *rules)
{
	struct sig_list *l = sig_list_new();
	struct sig_set *set;
	struct err err;

	assert_non_null(l);
	assert_int_equal(sig_list_text(l, "t", rules, strlen(rules), &err), 0);
	assert_int_equal(sig_list_refused(l), 0);
	set = sig_set_new(l, NULL, &err);
	assert_non_null(set);
	return set;
}

static inline void adopt(struct detecting *d, const struct sig_set *set)
{
	struct sig_lane *lane = set ? sig_lane_new(set) : NULL;

	assert_true(!set || lane);
	inspect_adopt_signatures(d->b->in, lane);
}

static inline void look_for(struct detecting *d, const char *rules)
{
	d->set = set_of(rules);
	adopt(d, d->set);
}

static inline void sense(struct detecting *d, const char *sensors)
{
	json_t *v = json_loads(sensors, 0, NULL);
	struct sensor_list *l;
	struct err err;

	assert_non_null(v);
	assert_int_equal(sensor_list_parse(v, &l, &err), 0);
	json_decref(v);
	d->sensor_set = sensor_set_new(l, NULL, &err);
	assert_non_null(d->sensor_set);
	d->sensor_lane = sensor_lane_new(d->sensor_set);
	assert_non_null(d->sensor_lane);
	assert_null(inspect_adopt_sensors(d->b->in, d->sensor_lane));
}

static inline void use(struct detecting *d, const struct sensing_spec *spec,
		       bool tap)
{
	sensing_put(d->b->sensing);
	d->b->sensing = sensing_new(spec);
	assert_non_null(d->b->sensing);
	judge_open(d->b, tap);
}

static const struct sensor_use cards_block = { 30001, SENSOR_BLOCK };
static const struct sensor_use cards_alert = { 30001, SENSOR_ALERT };

#define CARDS                                                 \
	"[{\"id\":30001,\"name\":\"cards\",\"kind\":\"dlp\"," \
	"\"patterns\":[{\"secret\":\"card_number\"}]}]"
#define CARD "4111111111111111"
#define POST                                                               \
	"POST /pay HTTP/1.1\r\nHost: a.test\r\nContent-Length: 21\r\n\r\n" \
	"card=" CARD

static inline int start(void **state)
{
	struct detecting *d = calloc(1, sizeof *d);

	assert_non_null(d);
	d->b = bench_new_detecting(128);
	judge_open(d->b, false);
	*state = d;
	return 0;
}

static inline int stop(void **state)
{
	struct detecting *d = *state;
	struct sig_lane *lane;

	inspect_drop_signatures(d->b->in);
	while ((lane = inspect_give_back_signatures(d->b->in)))
		sig_lane_free(lane);
	sensor_lane_free(inspect_adopt_sensors(d->b->in, NULL));
	sig_set_free(d->set);
	sensor_set_free(d->sensor_set);
	sensing_put(d->b->sensing);
	bench_free(d->b);
	free(d);
	return 0;
}

/* Exactly one was told since the last time. */
static inline struct finding_record found(struct detecting *d)
{
	struct finding_record r[2];

	d->b->now = usec_add(d->b->now, 10 * USEC_PER_SEC);
	(void)inspect_age(d->b->in, d->b->now);
	assert_int_equal(inspect_drain_findings(d->b->in, r, 2), 1);
	return r[0];
}

static inline void found_nothing(struct detecting *d)
{
	struct finding_record r;

	d->b->now = usec_add(d->b->now, 10 * USEC_PER_SEC);
	(void)inspect_age(d->b->in, d->b->now);
	assert_int_equal(inspect_drain_findings(d->b->in, &r, 1), 0);
}

static inline bool is_listened_to(const struct detecting *d)
{
	struct inspect_counts n = inspect_counts(d->b->in);

	return n.streams.streams > 0 || n.dialogues.in_use > 0 ||
	       n.signatures.flows > 0;
}
