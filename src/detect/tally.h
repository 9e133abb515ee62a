/*
 * A log of what happens again and again: one slot for each (id, workload,
 * flags). The first occurrence is logged at once; later ones are counted, and of
 * them there is at most one record in TALLY_GAP_S seconds, with their number and
 * the latest occurrence. What is left is logged when there was no repeat for
 * TALLY_QUIET_S (and the gap is over).
 *
 * Records wait in a ring until they are taken. When it is full, occurrences go on
 * being counted in their slots, and are logged when there is room. Only when
 * slots run out, too, is anything lost: counted.
 *
 * What a record is, its user knows: to the log it is bytes.
 *
 * One thread; time is an argument; no allocation after tally_new().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/image.h"

#define TALLY_GAP_S   10
#define TALLY_QUIET_S 5

/* No padding: hashed and compared as bytes. */
struct tally_key {
	uint32_t id;
	uint16_t endpoint;
	uint16_t flags;
};

struct tally;

/* slots, records: 1.. ; record_size: bytes of one. NULL: out of memory. */
struct tally *tally_new(uint32_t slots, uint32_t records, size_t record_size,
			uint64_t seed);
/* NULL is accepted. */
void tally_free(struct tally *t);

/*
 * The record of that key's slot, to be filled with an occurrence: as it was left
 * by the last one, or all zero in a new slot. tally_count() has to follow before
 * any other call. *ret_first (NULL: not asked): nothing is counted there that was
 * not logged.
 */
void *tally_open(struct tally *t, const struct tally_key *key, usec_t now,
		 bool *ret_first);
/*
 * It was filled: count (1..) more. only_quiet: a storm is logged at its start and
 * its end only.
 */
void tally_count(struct tally *t, uint32_t count, bool only_quiet, usec_t now);

/* Logs what is due; call it between batches, it looks every 250 ms. */
void tally_age(struct tally *t, usec_t now);
/* A workload is gone: what was counted is logged, its slots are free. */
void tally_forget_endpoint(struct tally *t, uint16_t endpoint, usec_t now);

/* Takes the oldest record and its count; false: none waits. */
bool tally_take(struct tally *t, void *ret, uint32_t *ret_count);

struct tally_stats {
	uint32_t slots, slots_limit;	 /* slots in use */
	uint32_t records, records_limit; /* records that wait */
	uint64_t noted;			 /* occurrences */
	uint64_t logged;		 /* records */
	uint64_t evicted;   /* slots that gave way before their time */
	uint64_t ring_full; /* times that a record had to wait in its slot */
	uint64_t lost;	    /* occurrences that were never logged */
};

struct tally_stats tally_stats(const struct tally *t);

/*
 * Slots, and records that wait; not between tally_open() and tally_count(). of: the
 * owner; record: the part that a record is.
 */
void tally_save(const struct tally *t, const char *of,
		const struct image_part *record, struct image_writer *w);
/*
 * t: new, with the same limits. is_sound: may that be told, whoever wrote it?
 * false: it is not there, or not sound; *t is as new.
 */
bool tally_load(struct tally *t, const char *of,
		const struct image_part *record,
		bool (*is_sound)(const void *record),
		const struct image_reader *r);
