/*
 * Theory. The numbers in one ring rise from its oldest record to its newest,
 * so the first one behind a number is found by halving, and the next record of
 * all is the least of those that each ring has next:
 *
 *   worth 0   ...  12  13      15 17      oldest first; 11 gave way to 17
 *   worth 1              14  16
 *
 * Gone are the numbers that were given less the records that are there.
 */
#include "dp/backlog.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

struct ring_of_worth {
	uint64_t *numbers; /* limit */
	uint8_t *records;  /* limit */
	uint32_t oldest;   /* place */
	uint32_t n;
	uint64_t gave_way;
};

struct backlog {
	size_t record_size;
	unsigned worths;
	uint32_t limit; /* of each */
	uint64_t last;
	struct ring_of_worth rings[BACKLOG_WORTHS_MAX];
};

struct backlog *backlog_new(size_t record_size, unsigned worths, uint32_t limit)
{
	struct backlog *b = calloc(1, sizeof *b);

	BUG_ON(worths == 0 || worths > BACKLOG_WORTHS_MAX || limit == 0);
	if (!b)
		return NULL;
	b->record_size = record_size;
	b->worths = worths;
	b->limit = limit;
	for (unsigned w = 0; w < worths; w++) {
		struct ring_of_worth *r = &b->rings[w];

		r->numbers = calloc(limit, sizeof *r->numbers);
		r->records = calloc(limit, record_size);
		if (!r->numbers || !r->records) {
			backlog_free(b);
			return NULL;
		}
	}
	return b;
}

void backlog_free(struct backlog *b)
{
	if (!b)
		return;
	for (unsigned w = 0; w < b->worths; w++) {
		free(b->rings[w].numbers);
		free(b->rings[w].records);
	}
	free(b);
}

/* The place of the i-th from the oldest. */
static uint32_t place_of(const struct backlog *b, const struct ring_of_worth *r,
			 uint32_t i)
{
	return (uint32_t)(((uint64_t)r->oldest + i) % b->limit);
}

uint64_t backlog_add(struct backlog *b, unsigned worth, const void *record)
{
	struct ring_of_worth *r = &b->rings[worth];
	uint32_t at;

	BUG_ON(worth >= b->worths);
	if (r->n == b->limit) {
		r->oldest = place_of(b, r, 1);
		r->n--;
		r->gave_way++;
	}
	at = place_of(b, r, r->n++);
	r->numbers[at] = ++b->last;
	memcpy(r->records + at * b->record_size, record, b->record_size);
	return b->last;
}

uint64_t backlog_last(const struct backlog *b)
{
	return b->last;
}

/* How many of a ring's records have a number of at most `after`. */
static uint32_t count_until(const struct backlog *b,
			    const struct ring_of_worth *r, uint64_t after)
{
	uint32_t low = 0, high = r->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (r->numbers[place_of(b, r, middle)] <= after)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const void *backlog_next(const struct backlog *b, uint64_t after,
			 uint64_t *ret_number)
{
	const void *found = NULL;
	uint64_t least = 0;

	for (unsigned w = 0; w < b->worths; w++) {
		const struct ring_of_worth *r = &b->rings[w];
		uint32_t i = count_until(b, r, after), at;

		if (i == r->n)
			continue;
		at = place_of(b, r, i);
		if (found && r->numbers[at] > least)
			continue;
		least = r->numbers[at];
		found = r->records + at * b->record_size;
	}
	if (found)
		*ret_number = least;
	return found;
}

uint64_t backlog_gone(const struct backlog *b, uint64_t after)
{
	uint64_t there = 0;

	for (unsigned w = 0; w < b->worths; w++)
		there += b->rings[w].n - count_until(b, &b->rings[w], after);
	return b->last - after - there;
}

struct backlog_stats backlog_stats(const struct backlog *b, unsigned worth)
{
	const struct ring_of_worth *r = &b->rings[worth];

	return (struct backlog_stats){ r->n, b->limit, r->gave_way };
}
