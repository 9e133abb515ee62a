/* A scanner from within; for sensor_scan.c and sensor_find.c only. */
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "detect/sensor_scan.h"
#include "detect/sensor_set_own.h"

#define SENSOR_VIEW_MAX (SENSOR_PIECE_MAX + SENSOR_WINDOW_MAX)

struct sensor_lane {
	const struct sensor_set *set;
	hs_scratch_t *scratch;
	uint32_t *hits; /* expressions of this view */
	uint32_t n_hits;
};

/* What was found of a pattern in a request that is not over. */
struct sensor_progress {
	uint32_t rule;
	uint32_t next; /* of the unit, or free */
	uint8_t n;     /* different matches */
	bool done;     /* as many as it asks for */
	uint8_t where, depth;
	const struct secret_kind *secret; /* of the last one */
	uint32_t hashes[SENSOR_COUNT_MAX];
	struct sensor_evidence evidence; /* of the last one */
};

/* A request or answer; or all that a side sends. */
struct sensor_unit {
	uint32_t first; /* progress, a list; 0: none */
	uint8_t n;
	uint8_t seen; /* places, bits */
};

/* What comes in pieces: the last of it is kept. */
struct sensor_buf {
	uint64_t pos;	 /* bytes so far */
	uint32_t window; /* 0: there is none */
	uint16_t len;	 /* of it */
	uint8_t field;
	bool used;
	bool pending; /* something at its end may yet be a match */
};

struct sensor_side {
	struct sensor_unit told, sent;
	struct sensor_buf bufs[SENSOR_BUFS], sent_buf;
};

struct sensor_conversation {
	struct sensor_side sides[PROTO_SIDE__MAX];
	uint32_t next_free, epoch, app;
	bool used;
	uint8_t method_len, host_len, path_len;
	char method[SENSOR_METHOD_BYTES];
	char host[SENSOR_HOST_BYTES];
	char path[SENSOR_PATH_BYTES];
};

struct sensor_scanner {
	struct sensor_scanner_options opt;
	struct sensor_scanner_counts counts;
	struct sensor_lane *lane;
	uint32_t epoch;				   /* of the lane */
	struct sensor_conversation *conversations; /* limit + 1 */
	uint32_t free_conversation, conversations_ever;
	struct sensor_progress *progress; /* limit + 1 */
	uint32_t free_progress, progress_ever;
	uint8_t (*windows)[SENSOR_WINDOW_MAX]; /* limit + 1 */
	uint32_t *free_windows;		       /* a stack */
	uint32_t n_free_windows, windows_ever;
	pcre2_match_data *match;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	uint8_t joined[SENSOR_VIEW_MAX];
	/* base64 that is read in several ways may be longer */
	uint8_t unwrapped[SENSOR_DEPTH][2 * SENSOR_VIEW_MAX];
};

/* Bytes of one buffer. */
struct sensor_view {
	struct bytes bytes;
	bool begin; /* nothing is before them */
	bool ended; /* nothing follows, or they are judged as they are */
	uint8_t depth;
};

/* What is being looked at. */
struct sensor_look {
	struct sensor_scanner *s;
	struct sensor_conversation *c;
	struct sensor_uses uses;
	struct sensor_unit *unit;
	uint32_t number; /* of the conversation */
	uint8_t side, place;
	bool all_sent; /* no parser tells what is sent */
	bool pending;  /* something at the end may yet be a match */
	bool spent;    /* it took too long */
	bool token;    /* a secret that may be long may be there */
	uint8_t worst; /* of what was told */
};

/* What sensors count, enum sensor_action. */
uint8_t sensor_uses_action(struct sensor_uses u, uint32_t id);
/* Looks through it, and through what is wrapped in it. */
void sensor_look(struct sensor_look *l, const struct sensor_view *v);
/* The unit is over: what was not to be there is not. Forgets all of it. */
void sensor_unit_end(struct sensor_look *l);
void sensor_unit_forget(struct sensor_scanner *s, struct sensor_unit *u);
/* All that is half found. */
void sensor_side_forget(struct sensor_scanner *s, struct sensor_side *side);
/* SENSOR_PLACE__MAX: nobody looks at it. */
enum sensor_place sensor_place_of(enum proto_field f);
