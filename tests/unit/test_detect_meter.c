/*
 * Meters against a naive model that keeps every hit and counts again each
 * time, and against what the header promises of floods. The seed is printed;
 * WEIR_SEED=n runs that one.
 */
#include "detect/meter.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image_of.h"
#include "test.h"

#define SOURCES	   8
#define HOSTS	   13 /* more than there are places */
#define ENDPOINTS  2
#define OPERATIONS 60000
#define SESSIONS   64

static const struct meter_options
	small = { .rule = {
			  [METER_SYN_FLOOD] = { true, 2, 24, 12, 4, 7 },
			  [METER_ICMP_FLOOD] = { true, 1, 5, 5, 3, 0 },
			  [METER_SOURCE_SESSIONS] = { true, 0, 4, 2, 3, 5 },
			  [METER_TCP_NO_DATA] = { false, 10, 10, 10, 10, 0 },
			  [METER_UDP_FLOOD] = { true, 1, 3, 1, 2, 30 },
			  [METER_SESSION_RATE] = { false, 5, 9, 9, 8, 30 },
		  } };

struct model_hit {
	uint64_t us;
	bool passed;
};

struct model_meter {
	bool used;
	enum meter_kind kind;
	uint16_t endpoint;
	struct ip_addr source;
	uint64_t serial; /* no two are the same */
	uint64_t touched;
	usec_t seen, origin, logged;
	bool logged_ever, firing;
	uint32_t limited;
	uint32_t sessions;
	struct model_hit *hits; /* since origin */
	size_t n_hits;
};

struct model_session {
	uint32_t ticket;
	uint64_t serial;
};

struct model {
	struct meters *meters;
	struct model_meter places[METER_KIND__MAX][SOURCES];
	struct meter_stats want[METER_KIND__MAX];
	struct model_session sessions[SESSIONS];
	size_t n_sessions;
	uint64_t touches, serials, random;
	usec_t now;
};

/* xorshift64*: the same numbers everywhere. */
static uint32_t any(struct model *m, uint32_t below)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (uint32_t)((m->random * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static uint64_t life_us(enum meter_kind k)
{
	const struct meter_rule *r = &small.rule[k];

	return (r->idle_s > r->log_gap_s ? r->idle_s : r->log_gap_s) *
	       USEC_PER_SEC;
}

static void model_drop(struct model_meter *p)
{
	free(p->hits);
	*p = (struct model_meter){ 0 };
}

/* Whoever has no sessions goes first, then the one touched longest ago. */
static bool goes_before(const struct model_meter *a,
			const struct model_meter *b)
{
	if ((a->sessions > 0) != (b->sessions > 0))
		return a->sessions == 0;
	return a->touched < b->touched;
}

/* A free place, after somebody has given way if need be. */
static struct model_meter *model_room(struct model *m, enum meter_kind k)
{
	struct model_meter *places = m->places[k], *gone = places;

	for (int i = 0; i < SOURCES; i++) {
		if (!places[i].used)
			return &places[i];
		if (goes_before(&places[i], gone))
			gone = &places[i];
	}
	m->want[k].evicted_live += gone->sessions > 0;
	m->want[k].evicted += gone->sessions > 0 ||
			      usec_since(m->now, gone->seen) < life_us(k);
	m->want[k].in_use--;
	model_drop(gone);
	return gone;
}

static struct model_meter *model_place(struct model *m, enum meter_kind k,
				       uint16_t endpoint, struct ip_addr source)
{
	struct model_meter *p;

	if (k == METER_ICMP_FLOOD)
		source = (struct ip_addr){ { 0 } };
	for (int i = 0; i < SOURCES; i++) {
		p = &m->places[k][i];
		if (p->used && p->endpoint == endpoint &&
		    ip_equal(p->source, source))
			return p;
	}
	p = model_room(m, k);
	*p = (struct model_meter){
		.used = true,
		.kind = k,
		.endpoint = endpoint,
		.source = source,
		.serial = ++m->serials,
		.seen = m->now,
		.origin = m->now,
	};
	m->want[k].in_use++;
	return p;
}

static uint64_t span_us(const struct model_meter *p)
{
	return small.rule[p->kind].span_s * USEC_PER_SEC;
}

/* Hits of the slot that is `back` slots before the running one. */
static uint64_t in_slot(const struct model *m, const struct model_meter *p,
			uint64_t back, bool passed)
{
	uint64_t slot = span_us(p) / 8;
	uint64_t running = (m->now.us - p->origin.us) / slot, n = 0;

	if (back > running)
		return 0;
	for (size_t i = 0; i < p->n_hits; i++)
		n += (p->hits[i].us - p->origin.us) / slot == running - back &&
		     (!passed || p->hits[i].passed);
	return n;
}

/* Is it less than n in the last span, as well as slots can tell? */
static bool model_below(const struct model *m, const struct model_meter *p,
			uint64_t n, bool passed)
{
	uint64_t slot = span_us(p) / 8, full = 0;
	uint64_t over = (m->now.us - p->origin.us) % slot;

	for (uint64_t back = 0; back < 8; back++)
		full += in_slot(m, p, back, passed);
	return full * slot + in_slot(m, p, 8, passed) * (slot - over) <
	       n * slot;
}

static bool model_passes(const struct model *m, const struct model_meter *p)
{
	uint64_t upper = small.rule[p->kind].upper, all = 0;

	for (uint64_t back = 0; back <= 8; back++)
		all += in_slot(m, p, back, true);
	return model_below(m, p, upper, true) && all * 8 < upper * 9;
}

static struct meter_answer model_limited(struct model *m, struct model_meter *p)
{
	struct meter_answer a = { .limit = true, .firing = true };

	m->want[p->kind].limited++;
	p->firing = true;
	p->limited++;
	if (p->logged_ever &&
	    usec_since(m->now, p->logged) <
		    small.rule[p->kind].log_gap_s * USEC_PER_SEC)
		return a;
	a.log_count = p->limited;
	p->limited = 0;
	p->logged = m->now;
	p->logged_ever = true;
	return a;
}

static void model_start_anew(struct model *m, struct model_meter *p)
{
	p->origin = m->now;
	p->n_hits = 0;
	p->firing = false;
}

static struct meter_answer model_hit(struct model *m, enum meter_kind k,
				     uint16_t endpoint, struct ip_addr source)
{
	struct model_meter *p = model_place(m, k, endpoint, source);
	const struct meter_rule *r = &small.rule[k];
	struct model_hit *h;

	if (usec_since(m->now, p->seen) >= r->idle_s * USEC_PER_SEC)
		model_start_anew(m, p);
	p->seen = m->now;
	p->touched = ++m->touches;
	m->want[k].hits++;
	p->hits = realloc(p->hits, (p->n_hits + 1) * sizeof *p->hits);
	assert_non_null(p->hits);
	h = &p->hits[p->n_hits++];
	*h = (struct model_hit){ m->now.us, false };
	if (!model_passes(m, p))
		return model_limited(m, p);
	h->passed = true;
	if (p->firing && model_below(m, p, r->lower, false))
		p->firing = false;
	return (struct meter_answer){ .firing = p->firing };
}

static void assert_same(struct meter_answer got, struct meter_answer want)
{
	assert_int_equal(got.limit, want.limit);
	assert_int_equal(got.firing, want.firing);
	assert_int_equal(got.log_count, want.log_count);
}

static void op_hit(struct model *m)
{
	static const enum meter_kind rates[] = {
		METER_SYN_FLOOD,
		METER_SYN_FLOOD,
		METER_ICMP_FLOOD,
		METER_UDP_FLOOD,
	};
	enum meter_kind k = rates[any(m, ARRAY_LEN(rates))];
	uint16_t endpoint = (uint16_t)(any(m, ENDPOINTS) * 9);
	struct ip_addr source = ip_from_v4(any(m, 4) ? 0 : any(m, HOSTS));
	uint32_t n = any(m, 8) ? 1 : any(m, 30);

	for (uint32_t i = 0; i < n; i++)
		assert_same(meter_hit(m->meters, k, endpoint, source, m->now),
			    model_hit(m, k, endpoint, source));
}

static void op_not_enabled(struct model *m)
{
	struct meter_answer a = meter_hit(m->meters, METER_SESSION_RATE, 1,
					  ip_from_v4(any(m, HOSTS)), m->now);

	assert_same(a, (struct meter_answer){ 0 });
}

static void op_begin(struct model *m)
{
	enum meter_kind k = METER_SOURCE_SESSIONS;
	uint16_t endpoint = (uint16_t)(any(m, ENDPOINTS) * 9);
	struct ip_addr source = ip_from_v4(any(m, HOSTS));
	struct meter_answer got, want;
	struct model_meter *p;
	uint32_t ticket = 4711;

	if (m->n_sessions == SESSIONS)
		return;
	got = meter_session_begin(m->meters, endpoint, source, m->now, &ticket);
	p = model_place(m, k, endpoint, source);
	p->seen = m->now;
	p->touched = ++m->touches;
	m->want[k].hits++;
	if (p->sessions >= small.rule[k].upper) {
		want = model_limited(m, p);
		assert_int_equal(ticket, 0);
	} else {
		want = (struct meter_answer){ .firing = p->firing };
		p->sessions++;
		assert_int_not_equal(ticket, 0);
		m->sessions[m->n_sessions++] =
			(struct model_session){ ticket, p->serial };
	}
	assert_same(got, want);
}

static void op_end(struct model *m)
{
	const struct meter_rule *r = &small.rule[METER_SOURCE_SESSIONS];
	struct model_session s;
	uint32_t i;

	meter_session_end(m->meters, 0, m->now);
	if (!m->n_sessions)
		return;
	i = any(m, (uint32_t)m->n_sessions);
	s = m->sessions[i];
	m->sessions[i] = m->sessions[--m->n_sessions];
	meter_session_end(m->meters, s.ticket, m->now);
	for (i = 0; i < SOURCES; i++) {
		struct model_meter *p = &m->places[METER_SOURCE_SESSIONS][i];

		if (!p->used || p->serial != s.serial)
			continue;
		p->sessions--;
		p->seen = m->now;
		p->touched = ++m->touches;
		if (p->sessions < r->lower)
			p->firing = false;
	}
}

static void op_age(struct model *m)
{
	meters_age(m->meters, m->now);
	for (int k = 0; k < METER_KIND__MAX; k++)
		for (int i = 0; i < SOURCES; i++) {
			struct model_meter *p = &m->places[k][i];

			if (!p->used || p->sessions ||
			    usec_since(m->now, p->seen) <
				    life_us((enum meter_kind)k))
				continue;
			model_drop(p);
			m->want[k].in_use--;
		}
}

static void op_forget(struct model *m)
{
	uint16_t endpoint = (uint16_t)(any(m, ENDPOINTS) * 9);

	meters_forget_endpoint(m->meters, endpoint);
	for (int k = 0; k < METER_KIND__MAX; k++)
		for (int i = 0; i < SOURCES; i++) {
			struct model_meter *p = &m->places[k][i];

			if (!p->used || p->endpoint != endpoint)
				continue;
			model_drop(p);
			m->want[k].in_use--;
		}
}

static bool model_is_idle(const struct model *m, const struct model_meter *p)
{
	return !p->sessions &&
	       usec_since(m->now, p->seen) >=
		       small.rule[p->kind].idle_s * USEC_PER_SEC;
}

/* Hits in the span that is `back` whole spans before the running one. */
static uint32_t in_span(const struct model *m, const struct model_meter *p,
			uint64_t back)
{
	uint64_t running = (m->now.us - p->origin.us) / span_us(p);
	uint32_t n = 0;

	for (size_t i = 0; i < p->n_hits; i++)
		n += (p->hits[i].us - p->origin.us) / span_us(p) + back ==
		     running;
	return n;
}

static void assert_listed(const struct model *m, const struct meter_record *r)
{
	for (int i = 0; i < SOURCES; i++) {
		const struct model_meter *p = &m->places[r->kind][i];
		bool sessions = r->kind == METER_SOURCE_SESSIONS;

		if (!p->used || p->endpoint != r->endpoint ||
		    !ip_equal(p->source, r->peer))
			continue;
		assert_false(model_is_idle(m, p));
		assert_int_equal(r->count,
				 sessions ? p->sessions : in_span(m, p, 0));
		assert_int_equal(r->last_count,
				 sessions ? 0 : in_span(m, p, 1));
		assert_int_equal(r->idle_s,
				 (m->now.us - p->seen.us) / USEC_PER_SEC);
		assert_int_equal(r->upper, small.rule[r->kind].upper);
		assert_int_equal(r->lower, small.rule[r->kind].lower);
		assert_int_equal(r->span_s, small.rule[r->kind].span_s);
		return;
	}
	fail_msg("a meter that is none is listed");
}

static void op_list(struct model *m)
{
	struct meter_record r;
	uint64_t cursor = 0;
	uint32_t n = 0, want = 0;

	while (meters_next(m->meters, &cursor, m->now, &r)) {
		assert_listed(m, &r);
		n++;
	}
	for (int k = 0; k < METER_KIND__MAX; k++)
		for (int i = 0; i < SOURCES; i++)
			want += m->places[k][i].used &&
				!model_is_idle(m, &m->places[k][i]);
	assert_int_equal(n, want);
	assert_false(meters_next(m->meters, &cursor, m->now, &r));
}

static void op_time(struct model *m)
{
	/* multiples of slots and spans hit the edges to the microsecond */
	static const uint32_t steps[] = { 1,	   1000,    125000, 250000,
					  1000000, 2000000, 333333 };

	m->now = usec_add(m->now, (uint64_t)steps[any(m, ARRAY_LEN(steps))] *
					  (any(m, 40) ? 1 : any(m, 8)));
}

static void save(const void *m, struct image_writer *w)
{
	meters_save(m, w);
}

static void op_hand_over(struct model *m)
{
	struct test_image i = test_image_of(save, m->meters);
	struct meters *next = meters_new(&small, SOURCES, any(m, UINT32_MAX));

	assert_non_null(next);
	assert_true(meters_load(next, &i.reader));
	test_image_free(&i);
	meters_free(m->meters);
	m->meters = next;
}

static void operate(struct model *m)
{
	uint32_t what = any(m, 1000);

	if (what < 3)
		op_hand_over(m);
	else if (what < 550)
		op_hit(m);
	else if (what < 650)
		op_begin(m);
	else if (what < 730)
		op_end(m);
	else if (what < 740)
		op_not_enabled(m);
	else if (what < 780)
		op_age(m);
	else if (what < 783)
		op_forget(m);
	else if (what < 820)
		op_list(m);
	else
		op_time(m);
}

static void assert_stats(struct model *m)
{
	for (int k = 0; k < METER_KIND__MAX; k++) {
		struct meter_stats got =
			meters_stats(m->meters, (enum meter_kind)k);

		assert_memory_equal(&got, &m->want[k], sizeof got);
	}
}

static void test_model(void **state)
{
	const char *given = getenv("WEIR_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0)
			      : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL;
	static struct model m;

	print_message("# WEIR_SEED=%llu\n", (unsigned long long)seed);
	m = (struct model){ .now = { USEC_PER_SEC }, .random = seed | 1 };
	for (int k = 0; k < METER_KIND__MAX; k++)
		m.want[k].limit = SOURCES;
	m.want[METER_ICMP_FLOOD].limit = ENDPOINTS_MAX;
	m.want[METER_TCP_NO_DATA].limit = ENDPOINTS_MAX;
	m.meters = meters_new(&small, SOURCES, seed);
	assert_non_null(m.meters);
	for (uint32_t i = 0; i < OPERATIONS; i++) {
		operate(&m);
		assert_stats(&m);
	}
	/* It was worth it. */
	for (int k = 0; k < METER_KIND__MAX; k++)
		if (small.rule[k].enabled)
			assert_true(m.want[k].limited > 0);
	assert_true(m.want[METER_SYN_FLOOD].evicted > 0);
	assert_true(m.want[METER_SOURCE_SESSIONS].evicted_live > 0);
	for (int k = 0; k < METER_KIND__MAX; k++)
		for (int i = 0; i < SOURCES; i++)
			model_drop(&m.places[k][i]);
	meters_free(m.meters);
}

/* What passes of a flood, and when; n counted by the clock, not by slots. */
struct flood {
	const char *name;
	uint32_t seconds;
	uint32_t per_second;	   /* offered, evenly */
	uint32_t burst_s, quiet_s; /* 0: no pauses */
	uint32_t first_span, any_span, total_max, total_min;
};

#define UPPER 800
#define SPAN  5

static const struct flood floods[] = {
	{ "below the limit: all", 60, 150, 0, 0, 750, 751, 9000, 9000 },
	{ "nearly at the limit: all", 60, 159, 0, 0, 795, 796, 9540, 9540 },
	{ "at the limit", 60, 160, 0, 0, UPPER, 801, 9600, 9500 },
	{ "just above", 60, 170, 0, 0, UPPER, 900, 9600, 9500 },
	{ "ten times", 60, 1600, 0, 0, UPPER, 900, 9600, 9500 },
	{ "a hundred times", 20, 16000, 0, 0, UPPER, 900, 3200, 3100 },
	{ "with pauses", 60, 16000, 1, 4, UPPER, 900, 9600, 7000 },
};

#define PASSES_MAX 12000

/* Times of what passed, and the oldest that is in the last span. */
struct passes {
	uint64_t us[PASSES_MAX];
	uint32_t n, oldest, in_first_span;
};

static void passes_add(struct passes *p, const struct flood *f, uint64_t us)
{
	assert_true(p->n < PASSES_MAX);
	p->us[p->n++] = us;
	p->in_first_span += us < SPAN * USEC_PER_SEC;
	while (p->us[p->oldest] + SPAN * USEC_PER_SEC <= us)
		p->oldest++;
	assert_row(f->name, p->n - p->oldest <= f->any_span);
}

static void flood_with(const struct flood *f)
{
	struct meters *m = meters_new(&meter_defaults, 4, 1);
	static struct passes p;
	uint64_t start = 12345678, period, total;

	assert_non_null(m);
	p = (struct passes){ 0 };
	period = (uint64_t)(f->burst_s + f->quiet_s) * USEC_PER_SEC;
	total = (uint64_t)f->seconds * f->per_second;
	for (uint64_t i = 0; i < total; i++) {
		uint64_t us = i * USEC_PER_SEC / f->per_second;
		usec_t now = { start + us };

		if (period && us % period >= f->burst_s * USEC_PER_SEC)
			continue;
		if (!meter_hit(m, METER_SYN_FLOOD, 1, ip_from_v4(9), now).limit)
			passes_add(&p, f, us);
	}
	assert_row(f->name, p.in_first_span == f->first_span);
	assert_row(f->name, p.n >= f->total_min && p.n <= f->total_max);
	meters_free(m);
}

static void test_floods(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(floods); i++)
		flood_with(&floods[i]);
}

/* One source's flood is nothing to another's, nor to another workload's. */
static void test_apart(void **state)
{
	struct meters *m = meters_new(&meter_defaults, 8, 1);
	usec_t now = { 5 };

	for (int i = 0; i < 2000; i++)
		(void)meter_hit(m, METER_SYN_FLOOD, 1, ip_from_v4(9), now);
	assert_true(meter_hit(m, METER_SYN_FLOOD, 1, ip_from_v4(9), now).limit);
	assert_false(
		meter_hit(m, METER_SYN_FLOOD, 1, ip_from_v4(8), now).limit);
	assert_false(
		meter_hit(m, METER_SYN_FLOOD, 2, ip_from_v4(9), now).limit);
	/* an ICMP flood is one of the workload, from wherever */
	for (uint32_t i = 0; i < 100; i++)
		assert_false(
			meter_hit(m, METER_ICMP_FLOOD, 1, ip_from_v4(i), now)
				.limit);
	assert_true(
		meter_hit(m, METER_ICMP_FLOOD, 1, ip_from_v4(7), now).limit);
	meters_free(m);
}

/* Logged at once, then every 30 s with the number of those in between. */
static void test_log_gap(void **state)
{
	struct meters *m = meters_new(&meter_defaults, 8, 1);
	uint64_t limited = 0, logged = 0, last_log = 0;
	uint32_t logs = 0;

	/* 2000 a second; every 15 s it pauses for longer than idle */
	for (uint64_t us = 0; us < 120 * USEC_PER_SEC; us += 500) {
		struct meter_answer a;

		if (us % (25 * USEC_PER_SEC) > 15 * USEC_PER_SEC)
			continue;
		a = meter_hit(m, METER_SYN_FLOOD, 1, ip_from_v4(9),
			      (usec_t){ us });
		limited += a.limit;
		if (!a.log_count)
			continue;
		assert_true(a.limit);
		if (logs++)
			assert_true(us - last_log >= 30 * USEC_PER_SEC);
		else
			assert_int_equal(a.log_count, 1);
		last_log = us;
		logged += a.log_count;
		assert_int_equal(logged, limited);
	}
	assert_int_equal(logs, 4);
	meters_free(m);
}

/* Over upper: fires; on until it is offered less than lower. */
static void test_hysteresis(void **state)
{
	struct meters *m = meters_new(&meter_defaults, 8, 1);
	uint64_t us = 0;
	bool firing = false;

	for (; us < 5 * USEC_PER_SEC; us += 5000) /* 1000 a span */
		firing = meter_hit(m, METER_SYN_FLOOD, 1, ip_from_v4(9),
				   (usec_t){ us })
				 .firing;
	assert_true(firing);
	for (; us < 30 * USEC_PER_SEC; us += 7143) /* 700 a span */
		firing = meter_hit(m, METER_SYN_FLOOD, 1, ip_from_v4(9),
				   (usec_t){ us })
				 .firing;
	assert_true(firing);
	for (; us < 50 * USEC_PER_SEC; us += 9091) /* 550 a span */
		firing = meter_hit(m, METER_SYN_FLOOD, 1, ip_from_v4(9),
				   (usec_t){ us })
				 .firing;
	assert_false(firing);
	for (; us < 70 * USEC_PER_SEC; us += 7143) /* 700 again */
		firing = meter_hit(m, METER_SYN_FLOOD, 1, ip_from_v4(9),
				   (usec_t){ us })
				 .firing;
	assert_false(firing);
	meters_free(m);
}

static void test_configure(void **state)
{
	struct meters *m = meters_new(&meter_defaults, 8, 1);
	struct meter_options opt = meter_defaults;
	struct ip_addr source = ip_from_v4(9);
	uint32_t before, after;
	usec_t now = { 5 };

	/* not enabled: no ticket, and nothing to end */
	assert_false(meter_session_begin(m, 1, source, now, &before).limit);
	assert_int_equal(before, 0);
	opt.rule[METER_SOURCE_SESSIONS] =
		(struct meter_rule){ true, 0, 1, 1, 3, 30 };
	meters_configure(m, &opt);
	assert_false(meter_session_begin(m, 1, source, now, &after).limit);
	meter_session_end(m, before, now);
	assert_true(meter_session_begin(m, 1, source, now, &before).limit);
	meter_session_end(m, after, now);
	assert_false(meter_session_begin(m, 1, source, now, &after).limit);
	/* another span: that kind, and only that, starts anew */
	for (int i = 0; i < 101; i++)
		(void)meter_hit(m, METER_ICMP_FLOOD, 1, source, now);
	opt.rule[METER_ICMP_FLOOD].span_s = 2;
	meters_configure(m, &opt);
	assert_false(meter_hit(m, METER_ICMP_FLOOD, 1, source, now).limit);
	assert_true(meter_session_begin(m, 1, source, now, &before).limit);
	meters_free(m);
	meters_free(NULL);
}

static void test_options(void **state)
{
	static const struct {
		const char *name;
		struct meter_rule rule;
		bool good;
	} rows[] = {
		{ "good", { true, 60, 5, 5, 600, 3600 }, true },
		{ "no span", { true, 0, 5, 5, 8, 0 }, false },
		{ "long span", { true, 61, 5, 5, 8, 0 }, false },
		{ "no upper", { true, 1, 0, 0, 8, 0 }, false },
		{ "no lower", { true, 1, 5, 0, 8, 0 }, false },
		{ "lower above upper", { true, 1, 5, 6, 8, 0 }, false },
		{ "never idle", { true, 1, 5, 5, 0, 0 }, false },
		{ "long idle", { true, 1, 5, 5, 601, 0 }, false },
		{ "long gap", { true, 1, 5, 5, 8, 3601 }, false },
		{ "huge upper", { true, 1, (1u << 31) + 1, 5, 8, 0 }, false },
	};
	struct err err = { 0 };

	assert_int_equal(meter_options_check(&meter_defaults, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct meter_options opt = meter_defaults;
		int want = rows[i].good ? 0 : -22;

		opt.rule[METER_UDP_FLOOD] = rows[i].rule;
		if (meter_options_check(&opt, &err) != want)
			fail_msg("row \"%s\"", rows[i].name);
	}
	assert_string_equal(err.at, "udp-flood.upper");
	for (int k = 0; k < METER_KIND__MAX; k++)
		assert_true(meter_kind_name((enum meter_kind)k)[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_log_gap),
		cmocka_unit_test(test_hysteresis),
		cmocka_unit_test(test_configure),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
