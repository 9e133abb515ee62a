/*
 * Flows and events: what was added is what is told, by any question, against a
 * plain array; and what is forgotten.
 */
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "folder.h"
#include "seed.h"
#include "test.h"

#define DAY 86400ull

struct world {
	char *dir;
	struct store *s;
};

static int make(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct err err = { 0 };

	assert_non_null(w);
	w->dir = folder_make();
	if (store_open(w->dir, &w->s, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
	*state = w;
	return 0;
}

static int removes(void **state)
{
	struct world *w = *state;

	store_free(w->s);
	folder_remove(w->dir);
	free(w);
	return 0;
}

/* --- flows against a plain array -------------------------------------- */

#define MODEL_MAX 4096

struct model {
	struct store_flow flows[MODEL_MAX];
	uint64_t order[MODEL_MAX]; /* the later, the larger */
	size_t n;
	uint64_t added;
};

static const char *const ids[] = { "", "web", "db", "cache", "job" };
static const char *const names[] = { "", "example.org", "db.internal" };

static struct store_flow any_flow(uint64_t *random, uint64_t day)
{
	struct store_flow f = {
		.client = ids[seed_draw(random, ARRAY_LEN(ids))],
		.server = ids[seed_draw(random, ARRAY_LEN(ids))],
		.name = names[seed_draw(random, ARRAY_LEN(names))],
		.client_addr = ip_from_v4(0x0a000000 + seed_draw(random, 2)),
		.server_addr = ip_from_v4(0x0a000100 + seed_draw(random, 2)),
		.port = (uint16_t)(65534 + seed_draw(random, 2)),
		.proto = seed_draw(random, 2) ? 6 : 17,
		.app = (uint16_t)(1001 * seed_draw(random, 2)),
		.action = (uint8_t)seed_draw(random, 2),
		.rule_id = seed_draw(random, 2) ? UINT32_MAX : 0,
		.ingress = seed_draw(random, 2),
		.sessions = seed_draw(random, 100),
		.violations = seed_draw(random, 8) ? 0 : 3,
		.bytes = seed_draw(random, 100000),
		.packets = seed_draw(random, 1000),
		.last_s = day * DAY + seed_draw(random, DAY),
	};

	if (seed_draw(random, 4) == 0)
		f.server_addr.b[0] = 0xfd;
	f.first_s = f.last_s - seed_draw(random, 100);
	return f;
}

static bool is_same_key(const struct store_flow *a, const struct store_flow *b)
{
	return strcmp(a->client, b->client) == 0 &&
	       strcmp(a->server, b->server) == 0 &&
	       strcmp(a->name, b->name) == 0 &&
	       ip_equal(a->client_addr, b->client_addr) &&
	       ip_equal(a->server_addr, b->server_addr) && a->port == b->port &&
	       a->proto == b->proto && a->app == b->app &&
	       a->action == b->action && a->rule_id == b->rule_id &&
	       a->ingress == b->ingress && a->last_s / DAY == b->last_s / DAY;
}

static void model_add(struct model *m, const struct store_flow *f)
{
	struct store_flow *g;
	size_t i;

	m->added++;
	for (i = 0; i < m->n && !is_same_key(&m->flows[i], f); i++)
		;
	g = &m->flows[i];
	if (i == m->n) {
		assert_true(m->n < MODEL_MAX);
		*g = *f;
		m->order[m->n++] = f->last_s / DAY << 32 | m->added;
		return;
	}
	g->sessions += f->sessions;
	g->violations += f->violations;
	g->bytes += f->bytes;
	g->packets += f->packets;
	if (f->first_s < g->first_s)
		g->first_s = f->first_s;
	if (f->last_s > g->last_s)
		g->last_s = f->last_s;
}

static bool is_asked(const struct store_flow *f,
		     const struct store_flow_query *q)
{
	return f->last_s >= q->since_s &&
	       (!q->until_s || f->last_s <= q->until_s) &&
	       (!q->only_violations || f->violations) &&
	       (!q->only_learned || f->action == 1) &&
	       (!q->rule || f->rule_id == q->rule) &&
	       (!q->workload || strcmp(f->client, q->workload) == 0 ||
		strcmp(f->server, q->workload) == 0);
}

/* The place of the next one that is asked for behind `after` in order. */
static size_t model_next(const struct model *m,
			 const struct store_flow_query *q, uint64_t after)
{
	size_t best = m->n;

	for (size_t i = 0; i < m->n; i++)
		if (m->order[i] > after && is_asked(&m->flows[i], q) &&
		    (best == m->n || m->order[i] < m->order[best]))
			best = i;
	return best;
}

/* What a question goes on with. */
struct asking {
	const struct model *m;
	const struct store_flow_query *q;
	uint64_t model_after, cursor;
	size_t n;
};

static int on_flow(const struct store_flow *f, uint64_t cursor,
		   const json_t *client_about, const json_t *server_about,
		   void *arg)
{
	struct asking *a = arg;
	size_t next = model_next(a->m, a->q, a->model_after);
	const struct store_flow *want = &a->m->flows[next];

	assert_true(next < a->m->n);
	assert_true(is_same_key(f, want));
	assert_int_equal(f->sessions, want->sessions);
	assert_int_equal(f->violations, want->violations);
	assert_int_equal(f->bytes, want->bytes);
	assert_int_equal(f->packets, want->packets);
	assert_int_equal(f->first_s, want->first_s);
	assert_int_equal(f->last_s, want->last_s);
	assert_true(cursor > a->cursor);
	assert_true(!client_about == !*f->client);
	assert_true(!server_about == !*f->server);
	if (server_about)
		assert_string_equal(json_string_value(json_object_get(
					    server_about, "name")),
				    f->server);
	a->model_after = a->m->order[next];
	a->cursor = cursor;
	a->n++;
	return 0;
}

struct ends {
	uint64_t first, last;
	size_t n;
};

static void one_more(struct ends *e, uint64_t cursor)
{
	assert_true(cursor > e->last);
	e->first = e->n++ ? e->first : cursor;
	e->last = cursor;
}

static int on_newest(const struct store_flow *f, uint64_t cursor,
		     const json_t *client_about, const json_t *server_about,
		     void *arg)
{
	one_more(arg, cursor);
	return 0;
}

/* Those at the end of what pages gave, in the same order. */
static void ask_newest(struct store *s, struct store_flow_query q, size_t n,
		       uint64_t last)
{
	struct ends e = { 0 }, again = { 0 };

	q.after = 0;
	q.newest = true;
	assert_int_equal(store_each_flow(s, &q, on_newest, &e, NULL), 0);
	assert_int_equal(e.n, n < q.limit ? n : q.limit);
	assert_int_equal(e.last, last);
	if (n == 0)
		return;
	q.after = e.first - 1;
	q.newest = false;
	assert_int_equal(store_each_flow(s, &q, on_newest, &again, NULL), 0);
	assert_true(again.n == e.n && again.last == e.last);
}

static void ask_all(struct store *s, const struct model *m,
		    struct store_flow_query q)
{
	struct asking a = { .m = m, .q = &q };
	size_t before;

	do {
		before = a.n;
		q.after = a.cursor;
		assert_int_equal(store_each_flow(s, &q, on_flow, &a, NULL), 0);
		assert_true(a.n - before <= q.limit);
	} while (a.n - before == q.limit);
	assert_int_equal(model_next(m, &q, a.model_after), m->n);
	ask_newest(s, q, a.n, a.cursor);
}

static void put_abouts(struct store *s)
{
	for (size_t i = 1; i < ARRAY_LEN(ids); i++) {
		json_t *about = json_pack("{s:s}", "name", ids[i]);

		assert_int_equal(store_put_workload(s, ids[i], about, 1, NULL),
				 0);
		json_decref(about);
	}
	assert_int_equal(store_put_workload(s, "", NULL, 1, NULL), -EINVAL);
	assert_int_equal(store_put_workload(s, "a", NULL, 1, NULL), -EINVAL);
}

static void test_flows_model(void **state)
{
	struct world *w = *state;
	struct model *m = calloc(1, sizeof *m);
	uint64_t random = seed_choose() | 1;
	struct store_flow batch[50];

	assert_non_null(m);
	put_abouts(w->s);
	for (int round = 0; round < 60; round++) {
		size_t n = seed_draw(&random, ARRAY_LEN(batch)) + 1;
		struct store_flow_query q = {
			.limit = 1 + seed_draw(&random, 50),
			.only_violations = seed_draw(&random, 2),
			.only_learned = seed_draw(&random, 4) == 0,
			.rule = seed_draw(&random, 3) ? 0 : UINT32_MAX,
			.workload = seed_draw(&random, 2) ? "web" : NULL,
		};

		for (size_t i = 0; i < n; i++) {
			/* yesterday's, too */
			batch[i] = any_flow(&random,
					    19000 + (unsigned)round / 10 +
						    seed_draw(&random, 2));
			model_add(m, &batch[i]);
		}
		assert_int_equal(store_add_flows(w->s, batch, n, NULL), 0);
		if (seed_draw(&random, 2))
			q.since_s =
				19000ull * DAY + seed_draw(&random, 8 * DAY);
		if (seed_draw(&random, 2))
			q.until_s =
				19000ull * DAY + seed_draw(&random, 8 * DAY);
		if (seed_draw(&random, 8) == 0)
			q.workload = seed_draw(&random, 2) ? "none" : "";
		if (q.workload && !*q.workload)
			q.workload = "never seen";
		ask_all(w->s, m, q);
	}
	ask_all(w->s, m, (struct store_flow_query){ .limit = 1 });
	ask_all(w->s, m, (struct store_flow_query){ .limit = STORE_PAGE_MAX });
	free(m);
}

static int on_any(const struct store_flow *f, uint64_t cursor,
		  const json_t *client_about, const json_t *server_about,
		  void *arg)
{
	*(struct store_flow *)arg = *f;
	return (int)f->port;
}

static void test_flow_edges(void **state)
{
	struct world *w = *state;
	struct store_flow_query q = { .limit = 1 };
	struct store_flow f = {
		.client = "a",
		.server = "a",
		.name = "",
		.sessions = UINT32_MAX - 1,
		.violations = UINT32_MAX,
		.bytes = UINT64_MAX,
		.packets = UINT64_MAX,
		.first_s = 50,
		.last_s = 40,
	};
	struct store_flow got;
	char id[STORE_ID_MAX + 1];

	assert_int_equal(store_each_flow(w->s, &q, on_any, &got, NULL), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(store_add_flows(w->s, &f, 1, NULL), 0);
	assert_int_equal(store_each_flow(w->s, &q, on_any, &got, NULL), 0);
	assert_int_equal(got.sessions, UINT32_MAX);
	assert_int_equal(got.violations, UINT32_MAX);
	assert_int_equal(got.bytes, 1ull << 62);
	assert_int_equal(got.packets, 1ull << 62);
	assert_int_equal(got.first_s, 40);

	/* what the callback returns ends it, and the store goes on */
	f.port = 7;
	assert_int_equal(store_add_flows(w->s, &f, 1, NULL), 0);
	q.limit = 2;
	q.workload = "a";
	assert_int_equal(store_each_flow(w->s, &q, on_any, &got, NULL), 7);
	q.limit = 0;
	assert_int_equal(store_each_flow(w->s, &q, on_any, &got, NULL),
			 -EINVAL);
	q.limit = STORE_PAGE_MAX + 1;
	assert_int_equal(store_each_flow(w->s, &q, on_any, &got, NULL),
			 -EINVAL);
	q = (struct store_flow_query){ .since_s = UINT64_MAX,
				       .until_s = UINT64_MAX,
				       .after = UINT64_MAX,
				       .limit = 1 };
	assert_int_equal(store_each_flow(w->s, &q, on_any, &got, NULL), 0);

	f.last_s = UINT64_MAX;
	assert_int_equal(store_add_flows(w->s, &f, 1, NULL), -EINVAL);
	f.last_s = 40;
	memset(id, 'x', sizeof id);
	id[STORE_ID_MAX] = '\0';
	f.client = id;
	assert_int_equal(store_add_flows(w->s, &f, 1, NULL), -EINVAL);
	id[STORE_ID_MAX - 1] = '\0';
	assert_int_equal(store_add_flows(w->s, &f, 1, NULL), 0);
	assert_int_equal(store_add_flows(w->s, NULL, 0, NULL), 0);
	assert_string_equal(store_state(w->s), "");
}

/* --- events ----------------------------------------------------------- */

static const char *const kinds[] = { "violation", "threat", "state" };

struct event {
	uint64_t at_s;
	unsigned kind, workload;
};

struct event_asking {
	const struct event *events; /* number 1 first */
	size_t n;
	const struct store_event_query *q;
	uint64_t after;
	size_t told;
};

/* 0: none. */
static uint64_t next_event(const struct event_asking *a)
{
	const struct store_event_query *q = a->q;

	for (uint64_t number = a->after + 1; number <= a->n; number++) {
		const struct event *e = &a->events[number - 1];

		if (e->at_s >= q->since_s &&
		    (!q->until_s || e->at_s <= q->until_s) &&
		    (!q->kind || strcmp(kinds[e->kind], q->kind) == 0) &&
		    (!q->workload ||
		     strcmp(ids[e->workload], q->workload) == 0))
			return number;
	}
	return 0;
}

static int on_event(const json_t *event, uint64_t number, void *arg)
{
	struct event_asking *a = arg;
	const char *kind = json_string_value(json_object_get(event, "kind"));

	assert_int_equal(number, next_event(a));
	assert_string_equal(kind, kinds[a->events[number - 1].kind]);
	assert_int_equal(json_integer_value(json_object_get(event, "at")),
			 a->events[number - 1].at_s);
	a->after = number;
	a->told++;
	return 0;
}

static int on_newest_event(const json_t *event, uint64_t number, void *arg)
{
	one_more(arg, number);
	return 0;
}

/* As ask_newest(). */
static void ask_newest_events(struct store *s, struct store_event_query q,
			      size_t n, uint64_t last)
{
	struct ends e = { 0 }, again = { 0 };

	q.after = 0;
	q.newest = true;
	assert_int_equal(store_each_event(s, &q, on_newest_event, &e, NULL), 0);
	assert_int_equal(e.n, n < q.limit ? n : q.limit);
	assert_int_equal(e.last, n ? last : 0);
	if (n == 0)
		return;
	q.after = e.first - 1;
	q.newest = false;
	assert_int_equal(store_each_event(s, &q, on_newest_event, &again, NULL),
			 0);
	assert_true(again.n == e.n && again.last == e.last);
}

static void ask_events(struct store *s, const struct event *events, size_t n,
		       struct store_event_query q)
{
	struct event_asking a = { .events = events, .n = n, .q = &q };
	size_t before;

	do {
		before = a.told;
		q.after = a.after;
		assert_int_equal(store_each_event(s, &q, on_event, &a, NULL),
				 0);
	} while (a.told - before == q.limit);
	assert_int_equal(next_event(&a), 0);
	ask_newest_events(s, q, a.told, a.after);
}

static void test_events_model(void **state)
{
	struct world *w = *state;
	struct event events[1000];
	uint64_t random = seed_choose() | 1;
	uint64_t now_s = 1000;
	uint64_t number;

	for (size_t n = 0; n < ARRAY_LEN(events); n++) {
		struct event *e = &events[n];
		struct store_event_query q = {
			.limit = 1 + seed_draw(&random, 100),
			.kind = seed_draw(&random, 2) ? "threat" : NULL,
			.workload = seed_draw(&random, 2) ? "db" : NULL,
		};
		const json_t *one;
		json_t *event;

		/* a clock that is set back now and then */
		now_s += seed_draw(&random, 10);
		if (seed_draw(&random, 50) == 0)
			now_s -= 100;
		*e = (struct event){ now_s, seed_draw(&random, 3),
				     1 + seed_draw(&random, 4) };
		event = json_pack("{s:s, s:s}", "kind", kinds[e->kind],
				  "workload", ids[e->workload]);
		one = event;
		assert_int_equal(
			store_add_events(w->s, &one, 1, now_s, &number, NULL),
			0);
		assert_int_equal(number, n + 1);
		json_decref(event);
		if (n % 20)
			continue;
		if (seed_draw(&random, 2))
			q.since_s = seed_draw(&random, (uint32_t)now_s);
		if (seed_draw(&random, 2))
			q.until_s = seed_draw(&random, (uint32_t)now_s);
		ask_events(w->s, events, n + 1, q);
	}
	ask_events(w->s, events, ARRAY_LEN(events),
		   (struct store_event_query){ .limit = STORE_PAGE_MAX });
}

static void test_event_edges(void **state)
{
	struct world *w = *state;
	json_t *events[] = {
		json_pack("{s:s, s:i}", "kind", "state", "at", 7),
		json_pack("{s:s}", "text", "of no kind"),
	};
	const json_t *given[] = { events[0], events[1] };
	struct store_event_query q = { .limit = 0 };
	struct store_stats stats;
	char *large = calloc(1, STORE_EVENT_BYTES_MAX + 1);
	uint64_t number = 0, last = 7;

	/* all or none */
	assert_int_equal(store_add_events(w->s, given, 2, 9, &number, NULL),
			 -EINVAL);
	store_stats(w->s, &stats);
	assert_int_equal(stats.events, 0);
	assert_int_equal(store_last_event(w->s, &last, NULL), 0);
	assert_int_equal(last, 0);
	assert_int_equal(store_add_events(w->s, given, 1, 9, &number, NULL), 0);
	assert_int_equal(number, 1);
	assert_int_equal(store_last_event(w->s, &last, NULL), 0);
	assert_int_equal(last, 1);
	assert_non_null(large);
	memset(large, 'x', STORE_EVENT_BYTES_MAX);
	json_object_set_new(events[0], "text", json_string(large));
	assert_int_equal(store_add_events(w->s, given, 1, 9, &number, NULL),
			 -E2BIG);
	assert_int_equal(store_each_event(w->s, &q, on_event, NULL, NULL),
			 -EINVAL);
	free(large);
	json_decref(events[0]);
	json_decref(events[1]);
	assert_string_equal(store_state(w->s), "");
}

/* --- forgetting ------------------------------------------------------- */

static void add_day(struct store *s, uint64_t day, unsigned n)
{
	json_t *event =
		json_pack("{s:s, s:s}", "kind", "state", "workload", "e");
	const json_t *one = event;

	for (unsigned i = 0; i < n; i++) {
		struct store_flow f = { .client = i % 2 ? "a" : "b",
					.server = "",
					.name = "",
					.port = (uint16_t)i,
					.last_s = day * DAY + i };

		assert_int_equal(store_add_flows(s, &f, 1, NULL), 0);
		assert_int_equal(
			store_add_events(s, &one, 1, day * DAY + i, NULL, NULL),
			0);
	}
	json_decref(event);
}

static int on_last(const json_t *event, uint64_t number, void *arg)
{
	*(uint64_t *)arg = number;
	return 0;
}

static unsigned trim_all(struct store *s, uint64_t flows_before_s,
			 uint64_t events_before_s, uint64_t max_bytes)
{
	unsigned pieces = 0;

	while (!store_trim(s, flows_before_s, events_before_s, max_bytes))
		assert_true(++pieces < 1000);
	return pieces;
}

static void test_trim(void **state)
{
	struct world *w = *state;
	struct store_event_query events = { .limit = 1 };
	struct store_stats stats;
	uint64_t number = 0;
	uint64_t used;

	assert_true(store_trim(w->s, 0, 0, UINT64_MAX));
	add_day(w->s, 10, 3000);
	/* the clock says 1970: 30 days ago is no time */
	assert_int_equal(trim_all(w->s, 5 - 30 * DAY, 5 - 30 * DAY, UINT64_MAX),
			 1);
	store_stats(w->s, &stats);
	assert_int_equal(stats.flows + stats.events, 6000);
	add_day(w->s, 11, 3000);
	add_day(w->s, 12, 3000);
	assert_int_equal(trim_all(w->s, 10 * DAY + 5, 10 * DAY + 5, UINT64_MAX),
			 2);
	store_stats(w->s, &stats);
	assert_int_equal(stats.flows, 9000); /* by whole days */
	assert_int_equal(stats.events, 8995);
	assert_int_equal(stats.workloads, 3);

	assert_true(trim_all(w->s, 11 * DAY, 12 * DAY, UINT64_MAX) > 4);
	store_stats(w->s, &stats);
	assert_int_equal(stats.flows, 6000);
	assert_int_equal(stats.events, 3000);
	used = stats.bytes_used;

	/* over its bound: the oldest of both goes, until it is kept */
	trim_all(w->s, 0, 0, used / 2);
	store_stats(w->s, &stats);
	assert_in_range(stats.bytes_used, 1, used / 2);
	assert_in_range(stats.flows, 1, 3000);
	assert_in_range(stats.events, 1, 3000);
	assert_in_range(stats.bytes_on_disk, 1, used + (8 << 20));

	/* nothing is left, and numbers count on all the same */
	trim_all(w->s, 13 * DAY, 13 * DAY, 0);
	store_stats(w->s, &stats);
	assert_int_equal(stats.flows + stats.events + stats.workloads, 0);
	add_day(w->s, 13, 1);
	assert_int_equal(
		store_each_event(w->s, &events, on_last, &number, NULL), 0);
	assert_int_equal(number, 9001);
	assert_string_equal(store_state(w->s), "");
}

/* Who is still told of stays, also without flows. */
static void test_trim_workloads(void **state)
{
	struct world *w = *state;
	json_t *about = json_pack("{s:s}", "name", "web");
	struct store_stats stats;

	assert_int_equal(store_put_workload(w->s, "web", about, 5 * DAY, NULL),
			 0);
	assert_int_equal(store_put_workload(w->s, "old", about, 4 * DAY, NULL),
			 0);
	json_decref(about);
	trim_all(w->s, 4 * DAY + 1, 0, UINT64_MAX);
	store_stats(w->s, &stats);
	assert_int_equal(stats.workloads, 1);
	trim_all(w->s, 5 * DAY, 0, UINT64_MAX);
	store_stats(w->s, &stats);
	assert_int_equal(stats.workloads, 1);
	trim_all(w->s, 5 * DAY + 1, 0, UINT64_MAX);
	store_stats(w->s, &stats);
	assert_int_equal(stats.workloads, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, removes)
	const struct CMUnitTest tests[] = {
		TEST(test_flows_model),	 TEST(test_flow_edges),
		TEST(test_events_model), TEST(test_event_edges),
		TEST(test_trim),	 TEST(test_trim_workloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
