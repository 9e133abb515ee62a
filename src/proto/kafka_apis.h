/*
 * Kafka's requests by number, and where their topics are. What lies before and
 * between topics depends on the request's version; so it is described, step by
 * step, and kafka.c goes along.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kafka_step_kind {
	KAFKA_END,    /* the rest is of no use */
	KAFKA_SKIP,   /* n bytes */
	KAFKA_STRING, /* may be null */
	KAFKA_BYTES,  /* likewise; records */
	KAFKA_INTS,   /* an array of 32-bit numbers */
	KAFKA_TOPIC,  /* a string */
	KAFKA_ID,     /* a topic's 16 bytes; all 0: it has none here */
	KAFKA_ARRAY,  /* of what is up to CLOSE; may be null */
	KAFKA_CLOSE,
	KAFKA_CLOSE_PLAIN, /* of no structures: no tags behind each */
};

struct kafka_step {
	uint8_t kind, n;
	uint8_t from, to; /* versions of the request that have it */
};

/* Arrays in arrays. */
#define KAFKA_DEPTH_MAX 4

struct kafka_api {
	const char *name;
	/* From this version on lengths are short and tags follow structures. */
	uint8_t flexible;
	uint8_t versions; /* the highest that is described; 0: none is */
	bool unread;	  /* it may name topics, and no steps say where */
	const struct kafka_step *steps; /* NULL: none */
};

/* NULL: there is none of that number. Static storage. */
const struct kafka_api *kafka_api(uint16_t number);
