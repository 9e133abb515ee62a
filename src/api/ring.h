/*
 * What was said last, of all topics, for any number of readers at their own pace.
 * Each message has a number in its topic; a reader who finds a gap has missed
 * that many. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum topic {
	TOPIC_EVENTS,
	TOPIC_FLOWS,
	TOPIC_MAP,
	TOPIC_TOP,
	TOPIC_STATUS,
	TOPIC__MAX
};

const char *topic_name(enum topic t);
/* "events,map" -> bits; false: one of them is none. */
bool topics_parse(const char *text, unsigned *ret);

struct message {
	unsigned users; /* the ring's lock's */
	enum topic topic;
	uint64_t number; /* in its topic, from 1 */
	usec_t said;
	size_t len;
	char text[]; /* as it goes out: "event: ...\ndata: ...\n\n" */
};

struct ring;

struct ring *ring_new(void);
void ring_free(struct ring *r); /* NULL is accepted; no reader has a message */

/* One line of JSON. Too long, or out of memory: as ring_skip() of one. */
void ring_add(struct ring *r, enum topic t, const char *json, size_t len);
/* So many were said that nobody here has. */
void ring_skip(struct ring *r, enum topic t, uint64_t n);

/* Lets go of what was said too long ago; so does each ring_add(). */
void ring_age(struct ring *r, usec_t now);

/* Where a reader is. */
struct ring_reader {
	unsigned topics;
	uint64_t at;		   /* the next message to look at */
	uint64_t seen[TOPIC__MAX]; /* its last number of each */
};

/* From here on. */
void ring_begin(struct ring *r, unsigned topics, struct ring_reader *ret);

enum ring_next { RING_NOTHING, RING_MESSAGE, RING_MISSED };

/*
 * RING_MESSAGE: *ret, to be given back by ring_put(). RING_MISSED: so many of
 * *ret_topic; ask again.
 */
enum ring_next ring_next(struct ring *r, struct ring_reader *reader,
			 struct message **ret, enum topic *ret_topic,
			 uint64_t *ret_missed);
void ring_put(struct ring *r, struct message *m); /* NULL is accepted */
/* Is there anything for him? */
bool ring_has(struct ring *r, const struct ring_reader *reader);
