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

/* Of an image; then a part for each worth: numbers and records, oldest first. */
struct saved_head {
	uint64_t last, record_size;
	uint64_t gave_way[BACKLOG_WORTHS_MAX];
};
IMAGE_PART(saved_head, "head", struct saved_head, 1);
IMAGE_PART(saved_numbers, "numbers", uint64_t, 1);
IMAGE_PART(saved_records, "records", uint8_t, 1);
IMAGE_PART(saved_worths, "worths", uint8_t, 1);

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

static const void *next(const struct backlog *b, uint64_t after,
			uint64_t *ret_number, unsigned *ret_worth)
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
		*ret_worth = w;
	}
	if (found)
		*ret_number = least;
	return found;
}

const void *backlog_next(const struct backlog *b, uint64_t after,
			 uint64_t *ret_number)
{
	unsigned ignored;

	return next(b, after, ret_number, &ignored);
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

static uint64_t count_all(const struct backlog *b)
{
	uint64_t n = 0;

	for (unsigned w = 0; w < b->worths; w++)
		n += b->rings[w].n;
	return n;
}

void backlog_save(const struct backlog *b, const char *of,
		  struct image_writer *w)
{
	struct saved_head head = { .last = b->last,
				   .record_size = b->record_size };
	uint64_t n = count_all(b), after = 0;
	uint64_t *numbers;
	uint8_t *records, *worths;

	for (unsigned i = 0; i < b->worths; i++)
		head.gave_way[i] = b->rings[i].gave_way;
	image_put(w, of, &saved_head, &head, 1);
	numbers = image_room(w, of, &saved_numbers, n);
	records = image_room(w, of, &saved_records, n * b->record_size);
	worths = image_room(w, of, &saved_worths, n);
	if (!numbers || !records || !worths)
		return;
	for (uint64_t i = 0; i < n; i++) {
		unsigned worth = 0;
		const void *at = next(b, after, &after, &worth);

		numbers[i] = after;
		worths[i] = (uint8_t)worth;
		memcpy(records + i * b->record_size, at, b->record_size);
	}
}

bool backlog_load(struct backlog *b, const char *of,
		  const struct image_reader *r)
{
	uint64_t n, n_worths, bytes;
	const uint64_t *numbers = image_get(r, of, &saved_numbers, &n);
	const uint8_t *worths = image_get(r, of, &saved_worths, &n_worths);
	const uint8_t *records = image_get(r, of, &saved_records, &bytes);
	struct saved_head head;

	BUG_ON(b->last > 0);
	if (!image_take(r, of, &saved_head, &head, 1) || !numbers || !worths ||
	    !records || n_worths != n || head.record_size != b->record_size ||
	    bytes / b->record_size != n)
		return false;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t number = numbers[i];

		if (number <= b->last || number > head.last ||
		    worths[i] >= b->worths)
			continue; /* then that one is gone, which is counted */
		b->last = number - 1;
		(void)backlog_add(b, worths[i], records + i * b->record_size);
	}
	b->last = head.last;
	for (unsigned w = 0; w < b->worths; w++)
		b->rings[w].gave_way += head.gave_way[w];
	return true;
}
