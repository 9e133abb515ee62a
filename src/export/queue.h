/*
 * What waits for one output: lines in the order in which they came, so many and
 * so many bytes at most. Who puts one in never waits: the oldest that is not under
 * way gives way, and is counted. Who takes them sends first, and says afterwards
 * how many are done with, so what is under way is lost by no error.
 *
 * Beside it, up to where everything is done with: the cursor, from which the next
 * weir-export goes on.
 *
 * Any thread; one that takes.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export/item.h"

struct cursor {
	uint64_t event; /* number of the last one */
	struct cursor_plane {
		uint64_t plane;	       /* whose numbers; 0: none */
		uint64_t number, used; /* used: the greatest is the latest */
	} planes[EXPORT_PLANES_MAX];
};

/* Has it been passed? What is of nobody's numbers never has. */
bool cursor_has(const struct cursor *c, const struct item *i);
/* Up to i; the plane that was not met for longest is forgotten for a new one. */
void cursor_pass(struct cursor *c, const struct item *i);

struct queue_limits {
	uint32_t lines;
	uint64_t bytes;
};

struct queue_counts {
	uint64_t put, sent, lost;
	uint32_t waiting;
	uint64_t bytes; /* that wait */
};

struct queue;

/* NULL: out of memory. */
struct queue *queue_new(const struct queue_limits *l);
void queue_free(struct queue *q); /* NULL is accepted */

/*
 * Offers it: nothing happens if it was before. wanted: it is to be sent, and is
 * put in (a count of its own); else only passed. How many had to give way.
 */
unsigned queue_put(struct queue *q, struct item *i, bool wanted);
/*
 * Up to max of the oldest, borrowed until queue_done(); waits for the first until
 * then (CLOCK_MONOTONIC, us) or queue_wake().
 */
size_t queue_peek(struct queue *q, const struct item **ret, size_t max,
		  uint64_t until_us);
/* The first n of those are done with; ok: they were sent, else given up. */
void queue_done(struct queue *q, size_t n, bool ok);
void queue_wake(struct queue *q);

/* More than three quarters full? */
bool queue_is_filling(struct queue *q);
struct queue_counts queue_counts(struct queue *q);
/* Up to where all is done with. */
struct cursor queue_cursor(struct queue *q);
/* Before the first queue_put(). */
void queue_begin(struct queue *q, const struct cursor *c);
/* All events up to that number are passed, put in or not. */
void queue_pass_events(struct queue *q, uint64_t number);
/* Those of `from`, which nobody takes from any more, go to `to` with its cursor. */
void queue_move(struct queue *to, struct queue *from);
