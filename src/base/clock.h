/*
 * Time as a type that cannot be mixed with a count of seconds.
 *
 * Only the programs' edges read a clock (ring, event loops, tests); everything
 * between the rings gets its time as an argument, so a capture replays to the
 * same result every time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Microseconds since some fixed start; only differences mean anything. */
typedef struct {
	uint64_t us;
} usec_t;

#define USEC_PER_SEC 1000000ULL

/* CLOCK_MONOTONIC now. Any thread. */
usec_t clock_now(void);
/* Microseconds since 1970, for telling others; may jump. Any thread. */
uint64_t clock_unix_us(void);

static inline usec_t usec_add(usec_t t, uint64_t us)
{
	return (usec_t){ t.us + us };
}

/* How long from `from` to `to`, in us; 0 when `to` is earlier. */
static inline uint64_t usec_since(usec_t to, usec_t from)
{
	return to.us > from.us ? to.us - from.us : 0;
}

static inline bool usec_before(usec_t a, usec_t b)
{
	return a.us < b.us;
}
