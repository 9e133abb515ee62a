/*
 * Theory. A rate is measured in SLOTS slots a span, from an entry's first hit
 * on, and the slot that is being left:
 *
 *      0    1    2    3    4    5    6    7    8
 *    |····|####|####|####|####|####|####|####|##··|
 *      '- oldest, counted by the part     '- now
 *         of it that is still in the span
 *
 * `offered` is what was hit, `passed` what was not limited. A hit passes if
 * the estimate of what has passed in the last span is below upper; and, since
 * the oldest slot's hits need not be spread evenly over it, if what passed in
 * all nine slots is below upper * 9/8. So in its first span an entry passes
 * upper exactly, in no span whatever more than upper * 9/8, and a steady rate
 * below the limit loses nothing.
 *
 * Whole spans from the first hit on are counted beside that, for the list:
 * count is the running one's, last_count the one's before.
 *
 * Each kind has a table of its own, so that a flood of sources of one sort
 * forgets nothing of the others. Those of a whole workload have a place for
 * every workload and never evict. Lists: LIST_QUIET, and LIST_LIVE with
 * sessions, evicted only when nothing else is left. Within a list all live
 * equally long after their last hit, so the oldest expires first.
 *
 * An entry stays as long as its log gap, though its rate is forgotten when it
 * is idle: else a flood that pauses would be logged at each start.
 *
 * A ticket is (generation of the place << 16 | place); a place taken by
 * another source has another generation.
 */
#include "detect/meter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/bug.h"
#include "base/lru.h"

#define SLOTS 8
#define RING  (SLOTS + 1)

#define LIST_QUIET 0
#define LIST_LIVE  1

#define PLACE_BITS 16
_Static_assert(METER_SOURCES_MAX < 1 << PLACE_BITS &&
		       ENDPOINTS_MAX < 1 << PLACE_BITS,
	       "a ticket has room for a place");

/* No padding: hashed and compared as bytes. */
struct meter_key {
	struct ip_addr source; /* zero: of the whole workload */
	uint16_t endpoint;
};
_Static_assert(sizeof(struct meter_key) == 18, "no padding");

/* Counts in the last RING slots; sum is of all of them. */
struct slots {
	uint32_t n[RING];
	uint32_t sum;
};

struct entry {
	struct meter_key key;
	uint16_t generation;
	bool firing;
	bool logged_ever;
	usec_t seen;
	usec_t logged;
	uint32_t limited; /* since the last log */
	/* Rates. */
	usec_t origin; /* of slot 0 */
	uint64_t slot; /* the running one */
	struct slots offered, passed;
	uint32_t last_count;
	/* The running span's hits, or sessions at the moment. */
	uint32_t count;
};

struct table {
	struct lru lru;
	struct entry *entries; /* limit + 1; [0] is unused */
	struct meter_stats stats;
};

struct meters {
	struct meter_options opt;
	uint64_t seed;
	struct table tables[METER_KIND__MAX];
};

/* Of all tables; entries and places are saved as owner "meter.0", ... */
struct saved_meters {
	uint64_t seed;
	struct {
		uint32_t span_s;
		struct meter_stats stats;
	} kinds[METER_KIND__MAX];
};
IMAGE_PART(saved_meters, "head", struct saved_meters, 1);
IMAGE_PART(saved_entries, "entries", struct entry, 1);

static const struct {
	const char *name;
	bool per_source;
} kinds[] = {
	[METER_SYN_FLOOD] = { "syn-flood", true },
	[METER_ICMP_FLOOD] = { "icmp-flood", false },
	[METER_SOURCE_SESSIONS] = { "source-sessions", true },
	[METER_TCP_NO_DATA] = { "tcp-no-data", false },
	[METER_UDP_FLOOD] = { "udp-flood", true },
	[METER_SESSION_RATE] = { "session-rate", true },
};
_Static_assert(sizeof kinds / sizeof *kinds == METER_KIND__MAX,
	       "one row a kind");

/* on, span, upper, lower, idle, log gap */
const struct meter_options
	meter_defaults = { .rule = {
				   [METER_SYN_FLOOD] = { true, 5, 800, 600, 8,
							 30 },
				   [METER_ICMP_FLOOD] = { true, 1, 100, 100, 3,
							  30 },
				   [METER_SOURCE_SESSIONS] = { false, 0, 2000,
							       2000, 3, 30 },
				   [METER_TCP_NO_DATA] = { false, 10, 10, 10,
							   10, 0 },
				   [METER_UDP_FLOOD] = { false, 1, 10000, 8000,
							 3, 30 },
				   [METER_SESSION_RATE] = { false, 5, 5000,
							    4000, 8, 30 },
			   } };

const char *meter_kind_name(enum meter_kind kind)
{
	return kinds[kind].name;
}

static int rule_check(const struct meter_rule *r, enum meter_kind kind,
		      struct err *reterr)
{
	bool is_rate = kind != METER_SOURCE_SESSIONS;
	const struct {
		const char *name;
		uint32_t is, min, max;
	} numbers[] = {
		{ "span_s", r->span_s, is_rate ? 1 : 0, is_rate ? 60 : 0 },
		{ "upper", r->upper, 1, 1u << 31 },
		{ "lower", r->lower, 1, r->upper },
		{ "idle_s", r->idle_s, 1, 600 },
		{ "log_gap_s", r->log_gap_s, 0, 3600 },
	};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (numbers[i].is < numbers[i].min ||
		    numbers[i].is > numbers[i].max)
			return err_set(reterr, EINVAL, numbers[i].name,
				       "expected an integer in %u..%u, got %u",
				       numbers[i].min, numbers[i].max,
				       numbers[i].is);
	return 0;
}

int meter_options_check(const struct meter_options *opt, struct err *reterr)
{
	for (int k = 0; k < METER_KIND__MAX; k++) {
		int rc = rule_check(&opt->rule[k], (enum meter_kind)k, reterr);

		if (rc < 0) {
			err_prefix(reterr, kinds[k].name);
			return rc;
		}
	}
	return 0;
}

struct meters *meters_new(const struct meter_options *opt, uint32_t sources,
			  uint64_t seed)
{
	struct meters *m = calloc(1, sizeof *m);

	BUG_ON(sources == 0 || sources > METER_SOURCES_MAX);
	if (!m)
		return NULL;
	m->seed = seed;
	for (int k = 0; k < METER_KIND__MAX; k++) {
		struct table *t = &m->tables[k];
		uint32_t limit = kinds[k].per_source ? sources : ENDPOINTS_MAX;

		t->stats.limit = limit;
		t->entries = calloc((size_t)limit + 1, sizeof *t->entries);
		if (!t->entries || lru_init(&t->lru, limit) < 0) {
			meters_free(m);
			return NULL;
		}
	}
	meters_configure(m, opt);
	return m;
}

void meters_free(struct meters *m)
{
	if (!m)
		return;
	for (int k = 0; k < METER_KIND__MAX; k++) {
		free(m->tables[k].entries);
		lru_done(&m->tables[k].lru);
	}
	free(m);
}

static void release(struct table *t, uint32_t i)
{
	lru_release(&t->lru, i);
	t->entries[i].generation++; /* its tickets are void */
}

static void forget_all(struct table *t)
{
	uint32_t cursor = 0, i;

	while ((i = lru_walk(&t->lru, &cursor)))
		release(t, i);
}

void meters_configure(struct meters *m, const struct meter_options *opt)
{
	BUG_ON(meter_options_check(opt, NULL) < 0);
	for (int k = 0; k < METER_KIND__MAX; k++) {
		if (opt->rule[k].span_s != m->opt.rule[k].span_s)
			forget_all(&m->tables[k]);
	}
	m->opt = *opt;
}

static uint64_t idle_us(const struct meter_rule *r)
{
	return r->idle_s * USEC_PER_SEC;
}

/* An entry without sessions stays so long after its last hit. */
static uint64_t life_us(const struct meter_rule *r)
{
	uint32_t s = r->idle_s > r->log_gap_s ? r->idle_s : r->log_gap_s;

	return s * USEC_PER_SEC;
}

/* Makes room in a full table: who was quiet longest gives way. */
static void evict(struct table *t, const struct meter_rule *r, usec_t now)
{
	uint32_t i = lru_oldest(&t->lru, LIST_QUIET);

	if (!i) {
		i = lru_oldest(&t->lru, LIST_LIVE);
		t->stats.evicted_live++;
		t->stats.evicted++;
	} else if (usec_since(now, t->entries[i].seen) < life_us(r)) {
		t->stats.evicted++;
	}
	release(t, i);
}

/* The place of a key, taken now if it had none. */
static uint32_t place_of(struct meters *m, enum meter_kind kind,
			 uint16_t endpoint, struct ip_addr source, usec_t now)
{
	struct table *t = &m->tables[kind];
	struct meter_key key = { .endpoint = endpoint };
	uint16_t generation;
	uint32_t hash, i;

	if (kinds[kind].per_source)
		key.source = source;
	hash = (uint32_t)XXH3_64bits_withSeed(&key, sizeof key, m->seed);
	for (i = lru_find(&t->lru, hash); i; i = lru_same(&t->lru, i))
		if (memcmp(&t->entries[i].key, &key, sizeof key) == 0)
			return i;
	if (t->lru.in_use == t->lru.limit)
		evict(t, &m->opt.rule[kind], now);
	i = lru_take(&t->lru, hash, LIST_QUIET);
	generation = t->entries[i].generation;
	t->entries[i] = (struct entry){
		.key = key,
		.generation = generation,
		.seen = now,
		.origin = now,
	};
	return i;
}

static void slots_clear(struct slots *s, uint64_t slot)
{
	s->sum -= s->n[slot % RING];
	s->n[slot % RING] = 0;
}

static void slots_add(struct slots *s, uint64_t slot)
{
	/* 2^31 hits in a span are more than a machine can take in */
	if (s->sum == UINT32_MAX)
		return;
	s->n[slot % RING]++;
	s->sum++;
}

static uint64_t slot_us(const struct meter_rule *r)
{
	return r->span_s * USEC_PER_SEC / SLOTS;
}

/* Moves the entry's slots and span on to now. */
static void advance(struct entry *e, const struct meter_rule *r, usec_t now)
{
	uint64_t slot, span, last_span = e->slot / SLOTS;

	if (usec_since(now, e->seen) >= idle_us(r)) {
		e->origin = now;
		e->slot = 0;
		e->offered = e->passed = (struct slots){ 0 };
		e->count = e->last_count = 0;
		e->firing = false;
		return;
	}
	slot = usec_since(now, e->origin) / slot_us(r);
	for (uint64_t s = e->slot + 1; s <= slot && s <= e->slot + RING; s++) {
		slots_clear(&e->offered, s);
		slots_clear(&e->passed, s);
	}
	span = slot / SLOTS;
	if (span != last_span) {
		e->last_count = span == last_span + 1 ? e->count : 0;
		e->count = 0;
	}
	e->slot = slot;
}

/* Is what the slots say of the last span less than n? */
static bool below(const struct slots *s, const struct entry *e,
		  const struct meter_rule *r, uint32_t n, usec_t now)
{
	uint64_t whole = slot_us(r);
	uint64_t over = usec_since(now, e->origin) % whole;
	uint64_t oldest = s->n[(e->slot + 1) % RING];

	return (s->sum - oldest) * whole + oldest * (whole - over) < n * whole;
}

static bool may_pass(const struct entry *e, const struct meter_rule *r,
		     usec_t now)
{
	uint64_t most = (uint64_t)r->upper * RING;

	return below(&e->passed, e, r, r->upper, now) &&
	       (uint64_t)e->passed.sum * SLOTS < most;
}

/* One that was too much. */
static struct meter_answer limited(struct table *t, struct entry *e,
				   const struct meter_rule *r, usec_t now)
{
	struct meter_answer a = { .limit = true, .firing = true };

	t->stats.limited++;
	e->firing = true;
	if (e->limited < UINT32_MAX)
		e->limited++;
	if (e->logged_ever &&
	    usec_since(now, e->logged) < r->log_gap_s * USEC_PER_SEC)
		return a;
	a.log_count = e->limited;
	e->limited = 0;
	e->logged = now;
	e->logged_ever = true;
	return a;
}

struct meter_answer meter_hit(struct meters *m, enum meter_kind kind,
			      uint16_t endpoint, struct ip_addr source,
			      usec_t now)
{
	const struct meter_rule *r = &m->opt.rule[kind];
	struct table *t = &m->tables[kind];
	struct entry *e;
	uint32_t i;

	BUG_ON(kind == METER_SOURCE_SESSIONS);
	if (!r->enabled)
		return (struct meter_answer){ 0 };
	i = place_of(m, kind, endpoint, source, now);
	e = &t->entries[i];
	advance(e, r, now);
	e->seen = now;
	lru_move(&t->lru, i, LIST_QUIET);
	t->stats.hits++;
	if (e->count < UINT32_MAX)
		e->count++;
	slots_add(&e->offered, e->slot);
	if (!may_pass(e, r, now))
		return limited(t, e, r, now);
	slots_add(&e->passed, e->slot);
	if (e->firing && below(&e->offered, e, r, r->lower, now))
		e->firing = false;
	return (struct meter_answer){ .firing = e->firing };
}

struct meter_answer meter_session_begin(struct meters *m, uint16_t endpoint,
					struct ip_addr source, usec_t now,
					uint32_t *ret_ticket)
{
	const struct meter_rule *r = &m->opt.rule[METER_SOURCE_SESSIONS];
	struct table *t = &m->tables[METER_SOURCE_SESSIONS];
	struct entry *e;
	uint32_t i;

	*ret_ticket = 0;
	if (!r->enabled)
		return (struct meter_answer){ 0 };
	i = place_of(m, METER_SOURCE_SESSIONS, endpoint, source, now);
	e = &t->entries[i];
	e->seen = now;
	t->stats.hits++;
	if (e->count >= r->upper) {
		lru_move(&t->lru, i, LIST_LIVE);
		return limited(t, e, r, now);
	}
	e->count++;
	lru_move(&t->lru, i, LIST_LIVE);
	*ret_ticket = (uint32_t)e->generation << PLACE_BITS | i;
	return (struct meter_answer){ .firing = e->firing };
}

void meter_session_end(struct meters *m, uint32_t ticket, usec_t now)
{
	const struct meter_rule *r = &m->opt.rule[METER_SOURCE_SESSIONS];
	struct table *t = &m->tables[METER_SOURCE_SESSIONS];
	uint32_t i = ticket & ((1u << PLACE_BITS) - 1);
	struct entry *e = &t->entries[i <= t->lru.limit ? i : 0];

	if (!i || e->generation != ticket >> PLACE_BITS || !e->count)
		return;
	e->count--;
	e->seen = now;
	if (e->count < r->lower)
		e->firing = false;
	lru_move(&t->lru, i, e->count ? LIST_LIVE : LIST_QUIET);
}

void meters_age(struct meters *m, usec_t now)
{
	for (int k = 0; k < METER_KIND__MAX; k++) {
		const struct meter_rule *r = &m->opt.rule[k];
		struct table *t = &m->tables[k];

		for (int n = 0; n < METERS_PER_AGE; n++) {
			uint32_t i = lru_oldest(&t->lru, LIST_QUIET);

			if (!i ||
			    usec_since(now, t->entries[i].seen) < life_us(r))
				break;
			release(t, i);
		}
	}
}

void meters_forget_endpoint(struct meters *m, uint16_t endpoint)
{
	for (int k = 0; k < METER_KIND__MAX; k++) {
		struct table *t = &m->tables[k];
		uint32_t cursor = 0, i;

		while ((i = lru_walk(&t->lru, &cursor)))
			if (t->entries[i].key.endpoint == endpoint)
				release(t, i);
	}
}

/* Fills what a list tells of an entry; false: it is idle. */
static bool record_of(const struct meters *m, enum meter_kind kind,
		      const struct entry *e, usec_t now,
		      struct meter_record *ret)
{
	const struct meter_rule *r = &m->opt.rule[kind];
	bool is_rate = kind != METER_SOURCE_SESSIONS;
	struct entry at_now = *e;

	if ((is_rate || !e->count) && usec_since(now, e->seen) >= idle_us(r))
		return false;
	if (is_rate)
		advance(&at_now, r, now);
	*ret = (struct meter_record){
		.endpoint = e->key.endpoint,
		.kind = (uint8_t)kind,
		.peer = e->key.source,
		.idle_s = (uint32_t)(usec_since(now, e->seen) / USEC_PER_SEC),
		.count = at_now.count,
		.last_count = at_now.last_count,
		.span_s = r->span_s,
		.upper = r->upper,
		.lower = r->lower,
	};
	return true;
}

bool meters_next(const struct meters *m, uint64_t *cursor, usec_t now,
		 struct meter_record *ret)
{
	/* kind << 32 | place */
	for (uint64_t k = *cursor >> 32; k < METER_KIND__MAX; k++) {
		const struct table *t = &m->tables[k];
		uint32_t at = k == *cursor >> 32 ? (uint32_t)*cursor : 0, i;

		while ((i = lru_walk(&t->lru, &at))) {
			if (!record_of(m, (enum meter_kind)k, &t->entries[i],
				       now, ret))
				continue;
			*cursor = k << 32 | i;
			return true;
		}
	}
	*cursor = (uint64_t)METER_KIND__MAX << 32;
	return false;
}

struct meter_stats meters_stats(const struct meters *m, enum meter_kind kind)
{
	struct meter_stats s = m->tables[kind].stats;

	s.in_use = m->tables[kind].lru.in_use;
	return s;
}

/* --- images ------------------------------------------------------------- */

struct owner_name {
	char text[IMAGE_NAME_MAX];
};

static struct owner_name owner_of(int kind)
{
	struct owner_name n;

	/* fits: there are few kinds */
	(void)snprintf(n.text, sizeof n.text, "meter.%d", kind);
	return n;
}

void meters_save(const struct meters *m, struct image_writer *w)
{
	struct saved_meters head = { .seed = m->seed };

	for (int k = 0; k < METER_KIND__MAX; k++) {
		const struct table *t = &m->tables[k];
		struct owner_name of = owner_of(k);

		head.kinds[k].span_s = m->opt.rule[k].span_s;
		head.kinds[k].stats = t->stats;
		lru_save(&t->lru, of.text, w);
		/* free ones, too: their generations */
		image_put(w, of.text, &saved_entries, t->entries + 1,
			  t->lru.used_ever);
	}
	image_put(w, "meters", &saved_meters, &head, 1);
}

static bool slots_are_sound(const struct slots *s)
{
	uint64_t sum = 0;

	for (int i = 0; i < RING; i++)
		sum += s->n[i];
	return sum == s->sum;
}

static bool entry_is_sound(const struct entry *e)
{
	return e->key.endpoint < ENDPOINTS_MAX && image_is_bool(&e->firing) &&
	       image_is_bool(&e->logged_ever) && slots_are_sound(&e->offered) &&
	       slots_are_sound(&e->passed);
}

static bool load_table(struct table *t, int kind, const struct image_reader *r)
{
	struct owner_name of = owner_of(kind);
	uint32_t cursor = 0, i;
	uint64_t n;
	const struct entry *from = image_get(r, of.text, &saved_entries, &n);

	if (!from || n > t->lru.limit || !lru_load(&t->lru, of.text, r) ||
	    n < t->lru.used_ever)
		return false;
	if (n > 0)
		memcpy(t->entries + 1, from, n * sizeof *from);
	while ((i = lru_walk(&t->lru, &cursor)))
		if (!entry_is_sound(&t->entries[i]))
			return false;
	/* who is in no list would never give way */
	return lru_count(&t->lru, LIST_QUIET) + lru_count(&t->lru, LIST_LIVE) ==
	       t->lru.in_use;
}

static void empty_table(struct table *t)
{
	forget_all(t);
	memset(t->entries, 0, ((size_t)t->lru.limit + 1) * sizeof *t->entries);
}

bool meters_load(struct meters *m, const struct image_reader *r)
{
	struct saved_meters head;
	bool good = image_take(r, "meters", &saved_meters, &head, 1);

	for (int k = 0; good && k < METER_KIND__MAX; k++)
		if (head.kinds[k].span_s == m->opt.rule[k].span_s)
			good = load_table(&m->tables[k], k, r);
	for (int k = 0; k < METER_KIND__MAX; k++) {
		struct meter_stats *stats = &m->tables[k].stats;

		if (!good) {
			empty_table(&m->tables[k]);
			continue;
		}
		head.kinds[k].stats.limit = stats->limit;
		*stats = head.kinds[k].stats;
	}
	if (good)
		m->seed = head.seed;
	return good;
}
