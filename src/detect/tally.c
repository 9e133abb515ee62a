/*
 * Theory. A slot holds the record that would be logged next: `count` is what
 * was not logged yet, the rest is of the latest occurrence.
 *
 *                          ,--- repeats: counted ---.
 *   first: logged, count 0 |                        |
 *   ----------------------> quiet ----------------> counting
 *              ^              | 10 s after the log    | logged, count 0:
 *              |              v                       |  - at a repeat 10 s
 *              |             free                     |    after the last log
 *              '--------------------------------------'  - 5 s after the last
 *                                                          repeat, and 10 s
 *
 * Logging copies the record to the ring; if that is full, the slot goes on
 * counting and stays due. A slot never logged is always due.
 *
 * Records are some KB each, so what is asked of every slot every 250 ms lies
 * apart from them.
 */
#include "detect/tally.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/bug.h"
#include "base/lru.h"

#define GAP_US	 (TALLY_GAP_S * USEC_PER_SEC)
#define QUIET_US (TALLY_QUIET_S * USEC_PER_SEC)
#define LOOK_US	 250000

_Static_assert(sizeof(struct tally_key) == 8, "no padding");

struct slot {
	struct tally_key key;
	uint32_t count; /* not logged yet */
	bool logged_ever;
	usec_t seen, logged;
};

struct saved_tally {
	uint64_t seed;
	usec_t looked;
	struct tally_stats stats;
};
IMAGE_PART(saved_tally, "head", struct saved_tally, 1);
/* Of places that are taken, in their order. */
IMAGE_PART(saved_slots, "slots", struct slot, 1);
/* Of records that wait, the oldest first. */
IMAGE_PART(saved_counts, "counts", uint32_t, 1);

struct tally {
	uint64_t seed;
	size_t record_size;
	struct lru lru;
	struct slot *slots;    /* limit + 1; [0] is unused */
	uint8_t *records;      /* of the slots */
	uint8_t *ring;	       /* records_limit of them */
	uint32_t *ring_counts; /* of those */
	uint32_t ring_first, ring_n;
	uint32_t open; /* slot between tally_open() and tally_count(); 0 */
	usec_t looked;
	struct tally_stats stats;
};

struct tally *tally_new(uint32_t slots, uint32_t records, size_t record_size,
			uint64_t seed)
{
	struct tally *t = calloc(1, sizeof *t);

	BUG_ON(slots == 0 || records == 0 || record_size == 0);
	if (!t)
		return NULL;
	t->seed = seed;
	t->record_size = record_size;
	t->stats.slots_limit = slots;
	t->stats.records_limit = records;
	t->slots = calloc((size_t)slots + 1, sizeof *t->slots);
	t->records = calloc((size_t)slots + 1, record_size);
	t->ring = calloc(records, record_size);
	t->ring_counts = calloc(records, sizeof *t->ring_counts);
	if (!t->slots || !t->records || !t->ring || !t->ring_counts ||
	    lru_init(&t->lru, slots) < 0) {
		tally_free(t);
		return NULL;
	}
	return t;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	lru_done(&t->lru);
	free(t->ring_counts);
	free(t->ring);
	free(t->records);
	free(t->slots);
	free(t);
}

static void *record_of(struct tally *t, uint32_t slot)
{
	return t->records + slot * t->record_size;
}

/* Logs what slot i has counted; or it has to wait. */
static void log_slot(struct tally *t, uint32_t i, usec_t now)
{
	struct slot *s = &t->slots[i];
	uint32_t at;

	if (t->ring_n == t->stats.records_limit) {
		t->stats.ring_full++;
		return;
	}
	at = (t->ring_first + t->ring_n++) % t->stats.records_limit;
	memcpy(t->ring + at * t->record_size, record_of(t, i), t->record_size);
	t->ring_counts[at] = s->count;
	s->count = 0;
	s->logged = now;
	s->logged_ever = true;
	t->stats.logged++;
}

/* A slot gives way, or its workload is gone. */
static void close_slot(struct tally *t, uint32_t i, usec_t now)
{
	struct slot *s = &t->slots[i];

	if (s->count)
		log_slot(t, i, now);
	t->stats.lost += s->count;
	lru_release(&t->lru, i);
}

static bool gap_is_over(const struct slot *s, usec_t now)
{
	return !s->logged_ever || usec_since(now, s->logged) >= GAP_US;
}

static uint32_t slot_of(struct tally *t, const struct tally_key *key,
			usec_t now)
{
	uint32_t hash =
		(uint32_t)XXH3_64bits_withSeed(key, sizeof *key, t->seed);
	uint32_t i;

	for (i = lru_find(&t->lru, hash); i; i = lru_same(&t->lru, i))
		if (memcmp(&t->slots[i].key, key, sizeof *key) == 0)
			return i;
	if (t->lru.in_use == t->lru.limit) {
		i = lru_oldest(&t->lru, 0);
		t->stats.evicted += t->slots[i].count ||
				    !gap_is_over(&t->slots[i], now);
		close_slot(t, i, now);
	}
	i = lru_take(&t->lru, hash, 0);
	t->slots[i] = (struct slot){ .key = *key };
	memset(record_of(t, i), 0, t->record_size);
	return i;
}

void *tally_open(struct tally *t, const struct tally_key *key, usec_t now,
		 bool *ret_first)
{
	BUG_ON(t->open);
	t->open = slot_of(t, key, now);
	if (ret_first)
		*ret_first = t->slots[t->open].count == 0;
	return record_of(t, t->open);
}

static void count_more(struct tally *t, struct slot *s, uint32_t n)
{
	uint32_t room = UINT32_MAX - s->count;

	t->stats.noted += n;
	if (n > room) {
		t->stats.lost += n - room;
		n = room;
	}
	s->count += n;
}

void tally_count(struct tally *t, uint32_t count, bool only_quiet, usec_t now)
{
	uint32_t i = t->open;
	struct slot *s = &t->slots[i];

	BUG_ON(i == 0);
	t->open = 0;
	s->seen = now;
	count_more(t, s, count);
	lru_move(&t->lru, i, 0);
	if (!s->logged_ever || (gap_is_over(s, now) && !only_quiet))
		log_slot(t, i, now);
}

static void age_slot(struct tally *t, uint32_t i, usec_t now)
{
	const struct slot *s = &t->slots[i];
	bool quiet = usec_since(now, s->seen) >= QUIET_US;

	if (!gap_is_over(s, now))
		return;
	if (!s->count)
		lru_release(&t->lru, i);
	else if (quiet || !s->logged_ever)
		log_slot(t, i, now);
}

void tally_age(struct tally *t, usec_t now)
{
	uint32_t cursor = 0, i;

	if (usec_since(now, t->looked) < LOOK_US)
		return;
	t->looked = now;
	while ((i = lru_walk(&t->lru, &cursor)))
		age_slot(t, i, now);
}

void tally_forget_endpoint(struct tally *t, uint16_t endpoint, usec_t now)
{
	uint32_t cursor = 0, i;

	while ((i = lru_walk(&t->lru, &cursor)))
		if (t->slots[i].key.endpoint == endpoint)
			close_slot(t, i, now);
}

bool tally_take(struct tally *t, void *ret, uint32_t *ret_count)
{
	uint32_t at = t->ring_first;

	if (t->ring_n == 0)
		return false;
	memcpy(ret, t->ring + at * t->record_size, t->record_size);
	*ret_count = t->ring_counts[at];
	t->ring_first = (at + 1) % t->stats.records_limit;
	t->ring_n--;
	return true;
}

struct tally_stats tally_stats(const struct tally *t)
{
	struct tally_stats s = t->stats;

	s.slots = t->lru.in_use;
	s.records = t->ring_n;
	return s;
}

/* --- images ------------------------------------------------------------- */

/* Records that wait, then those of slots. */
static void save_records(const struct tally *t, uint8_t *to)
{
	uint32_t cursor = 0, i;

	for (uint32_t n = 0; n < t->ring_n; n++) {
		uint32_t at = (t->ring_first + n) % t->stats.records_limit;

		memcpy(to, t->ring + at * t->record_size, t->record_size);
		to += t->record_size;
	}
	while ((i = lru_walk(&t->lru, &cursor))) {
		memcpy(to, t->records + i * t->record_size, t->record_size);
		to += t->record_size;
	}
}

void tally_save(const struct tally *t, const char *of,
		const struct image_part *record, struct image_writer *w)
{
	struct saved_tally head = { t->seed, t->looked, tally_stats(t) };
	struct slot *slots;
	uint32_t *counts, cursor = 0, i;
	void *records;

	BUG_ON(t->open || record->size != t->record_size);
	image_put(w, of, &saved_tally, &head, 1);
	lru_save(&t->lru, of, w);
	slots = image_room(w, of, &saved_slots, t->lru.in_use);
	while (slots && (i = lru_walk(&t->lru, &cursor)))
		*slots++ = t->slots[i];
	counts = image_room(w, of, &saved_counts, t->ring_n);
	for (uint32_t n = 0; counts && n < t->ring_n; n++)
		counts[n] = t->ring_counts[(t->ring_first + n) %
					   t->stats.records_limit];
	records =
		image_room(w, of, record, (uint64_t)t->ring_n + t->lru.in_use);
	if (records)
		save_records(t, records);
}

/* Places are taken, and ring_n is what it will be. */
static bool load_records(struct tally *t, const uint8_t *from,
			 bool (*is_sound)(const void *record))
{
	uint32_t cursor = 0, i;

	for (uint32_t n = 0; n < t->ring_n; n++, from += t->record_size) {
		uint8_t *to = t->ring + n * t->record_size;

		memcpy(to, from, t->record_size);
		if (t->ring_counts[n] == 0 || !is_sound(to))
			return false;
	}
	while ((i = lru_walk(&t->lru, &cursor))) {
		memcpy(record_of(t, i), from, t->record_size);
		if (!is_sound(record_of(t, i)))
			return false;
		from += t->record_size;
	}
	return true;
}

static bool load_slots(struct tally *t, const struct slot *from)
{
	uint32_t cursor = 0, i;

	while ((i = lru_walk(&t->lru, &cursor))) {
		t->slots[i] = *from++;
		if (!image_is_bool(&t->slots[i].logged_ever))
			return false;
	}
	/* who is in no list would never give way */
	return lru_count(&t->lru, 0) == t->lru.in_use;
}

static bool load_all(struct tally *t, const char *of,
		     const struct image_part *record,
		     bool (*is_sound)(const void *record),
		     const struct image_reader *r)
{
	uint64_t n_slots, n_counts, n_records;
	const struct slot *slots = image_get(r, of, &saved_slots, &n_slots);
	const uint32_t *counts = image_get(r, of, &saved_counts, &n_counts);
	const uint8_t *records = image_get(r, of, record, &n_records);

	if (!slots || !counts || !records || n_counts > t->stats.records_limit)
		return false;
	if (!lru_load(&t->lru, of, r) || n_slots != t->lru.in_use ||
	    n_records != n_counts + n_slots)
		return false;
	t->ring_n = (uint32_t)n_counts;
	if (n_counts > 0)
		memcpy(t->ring_counts, counts, n_counts * sizeof *counts);
	return load_slots(t, slots) && load_records(t, records, is_sound);
}

bool tally_load(struct tally *t, const char *of,
		const struct image_part *record,
		bool (*is_sound)(const void *record),
		const struct image_reader *r)
{
	uint32_t cursor = 0, i;
	struct saved_tally head;

	BUG_ON(record->size != t->record_size || t->ring_n > 0);
	if (!image_take(r, of, &saved_tally, &head, 1))
		return false;
	if (!load_all(t, of, record, is_sound, r)) {
		while ((i = lru_walk(&t->lru, &cursor)))
			lru_release(&t->lru, i);
		t->ring_n = 0;
		return false;
	}
	head.stats.slots_limit = t->stats.slots_limit;
	head.stats.records_limit = t->stats.records_limit;
	t->stats = head.stats;
	t->seed = head.seed;
	t->looked = head.looked;
	return true;
}
