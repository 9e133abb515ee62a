/*
 * What was told, for readers who come when they like: records in the order in
 * which they came, each with a number, 1 and up, never used again.
 *
 * A reader keeps the number of the last record it has read and asks for what
 * is behind that. Nothing waits for a reader: each worth has a ring of its
 * own, and when that is full its oldest record gives way to the new one - so
 * records of little worth never push out others. Since every number was given
 * once, what a reader missed can be counted exactly.
 *
 * One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/image.h"

#define BACKLOG_WORTHS_MAX 3

struct backlog;

/*
 * Rings for 1..BACKLOG_WORTHS_MAX worths (0 and up), of `limit` records each;
 * their memory is touched only when used. NULL: out of memory.
 */
struct backlog *backlog_new(size_t record_size, unsigned worths,
			    uint32_t limit);
/* NULL is accepted. */
void backlog_free(struct backlog *b);

/* Copies the record; returns its number. */
uint64_t backlog_add(struct backlog *b, unsigned worth, const void *record);
/* The number of the newest; 0: there was none yet. */
uint64_t backlog_last(const struct backlog *b);
/*
 * The first record behind number `after` that is still there, and its number;
 * NULL: none. Borrowed until the next backlog_add().
 */
const void *backlog_next(const struct backlog *b, uint64_t after,
			 uint64_t *ret_number);
/* How many of those behind `after` (0..backlog_last()) are gone. */
uint64_t backlog_gone(const struct backlog *b, uint64_t after);

struct backlog_stats {
	uint32_t in_use, limit;
	uint64_t gave_way;
};

struct backlog_stats backlog_stats(const struct backlog *b, unsigned worth);

/* All that is there, under that name. */
void backlog_save(const struct backlog *b, const char *of,
		  struct image_writer *w);
/*
 * Into one that nothing was added to. What is too much for its limits is gone, as
 * if it had given way. false: it is not there; *b is as it was.
 */
bool backlog_load(struct backlog *b, const char *of,
		  const struct image_reader *r);
