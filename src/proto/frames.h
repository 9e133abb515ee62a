/*
 * For protocols that are one message behind the other, with lengths ahead. A
 * parser says how the next part of a side's bytes is read; what it does not want
 * is passed over without a look at it, over any number of calls.
 */
#pragma once

#include <stdint.h>

#include "proto/parser.h"

enum frame_step {
	FRAME_TAKEN, /* of rest, or told to pass: there was progress; go on */
	FRAME_MORE,  /* more bytes must come first */
	FRAME_DONE,  /* as PROTO_DONE, ... */
	FRAME_TLS,   /* likewise, and both sides go on with TLS behind *rest */
	FRAME_LOST,
	FRAME_STOPPED,
};

/* Part of a parser's state. */
struct frames {
	uint64_t pass[PROTO_SIDE__MAX]; /* bytes to be passed over */
};

/*
 * Takes the next part from *rest, which is not empty. `state` is the parser's.
 * With FRAME_MORE *rest is as it is to be shown again.
 */
typedef enum frame_step frame_next(void *state, enum proto_side side,
				   struct bytes *rest,
				   const struct proto_sink *sink);

/*
 * What a parser's read() returns. A gap: lost. A part that is not there whole
 * within FRAME_WAIT_MAX bytes: note "limit", and lost.
 */
struct proto_result frames_read(struct frames *f, frame_next *next, void *state,
				const struct proto_chunk *c,
				const struct proto_sink *sink);

/* Of a field in pieces, the next one. false: to be stopped. */
bool frames_piece(const struct proto_sink *sink, enum proto_side side,
		  enum proto_field field, struct bytes b, bool begin, bool end);

/* A whole field that is a number in decimal. false: to be stopped. */
bool frames_number(const struct proto_sink *sink, enum proto_side side,
		   enum proto_field field, uint32_t n);

/* What next() returns when the sink has said `ok`. */
static inline enum frame_step frames_go_on(bool ok)
{
	return ok ? FRAME_TAKEN : FRAME_STOPPED;
}

/* The first len bytes of b, or all that is there. */
static inline struct bytes frames_first(struct bytes b, uint64_t len)
{
	if (len < bytes_len(b))
		b.end = b.begin + len;
	return b;
}
