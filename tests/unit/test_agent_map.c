/*
 * The map: sets of edges as bytes and back, what is live and what changed in it,
 * and buckets of time against a plain list of what was put into them.
 */
#include "agent/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/record.h"
#include "base/clock.h"
#include "folder.h"
#include "seed.h"
#include "test.h"

#define BUCKET_S 300u

/* --- sets --------------------------------------------------------------------- */

static uint32_t node(struct map_set *s, const char *id, enum map_kind kind)
{
	char buf[MAP_NAME_MAX];
	struct map_node n = { .kind = (uint8_t)kind, .id = buf, .name = buf };

	(void)snprintf(buf, sizeof buf, "%s", id);
	return map_node(s, &n);
}

static struct map_edge *edge(struct map_set *s, const char *from,
			     const char *to, uint32_t sessions)
{
	struct map_edge *e = map_edge(s, node(s, from, MAP_WORKLOAD),
				      node(s, to, MAP_WORKLOAD));

	if (e)
		e->sums.sessions += sessions;
	return e;
}

static uint32_t sessions_of(const struct map_set *s, const char *from,
			    const char *to)
{
	uint32_t f = map_find_node(s, from), t = map_find_node(s, to);
	const struct map_edge *e =
		f == MAP_NONE || t == MAP_NONE ? NULL : map_find_edge(s, f, t);

	return e ? e->sums.sessions : 0;
}

static void test_bytes(void **state)
{
	struct map_set s, back;
	struct map_edge *e;
	uint8_t *bytes;
	size_t n;

	assert_true(map_set_init(&s) && map_set_init(&back));
	e = edge(&s, "a", "b", 3);
	e->sums.bytes = UINT64_MAX;
	e->sums.denied = UINT32_MAX;
	e->rule = 7;
	e->first_s = 1000;
	e->last_s = 2000;
	for (uint16_t port = 1; port <= MAP_PORTS_MAX + 2; port++)
		map_edge_port(e, 6, port, port);
	map_edge_app(e, 1001, 1);
	(void)edge(&s, "b", "a", 1);
	s.left_out = 5;
	assert_true(map_set_write(&s, &bytes, &n));
	assert_true(map_set_read(&back, bytes, n, 9));
	assert_int_equal(back.n_edges, 2);
	assert_int_equal(back.n_nodes, 2);
	assert_int_equal(back.left_out, 5);
	e = &back.edges[0];
	assert_true(e->sums.bytes == UINT64_MAX);
	assert_int_equal(e->sums.denied, UINT32_MAX);
	assert_int_equal(e->sums.sessions, 3);
	assert_int_equal(e->rule, 7);
	assert_int_equal(e->first_s, 1000);
	assert_int_equal(e->last_s, 2000);
	assert_int_equal(e->n_ports, MAP_PORTS_MAX);
	assert_int_equal(e->n_apps, 1);
	assert_int_equal(e->apps[0].app, 1001);
	/* the first two made room for the last two */
	for (unsigned i = 0; i < e->n_ports; i++)
		assert_true(e->ports[i].port > 2 && e->ports[i].bucket == 9);
	/* once more: sums, and no more than they can hold */
	assert_true(map_set_read(&back, bytes, n, 9));
	assert_int_equal(back.n_edges, 2);
	assert_int_equal(sessions_of(&back, "a", "b"), 6);
	assert_int_equal(back.edges[0].sums.denied, UINT32_MAX);
	/* any end of it is found to be damaged, and so is what is too much */
	for (size_t cut = 0; cut < n; cut++) {
		struct map_set part;

		assert_true(map_set_init(&part));
		assert_false(map_set_read(&part, bytes, cut, 0));
		map_set_done(&part);
	}
	free(bytes);
	map_set_done(&s);
	map_set_done(&back);
}

/* Bytes that a disk changed: whatever comes of it, it is a set. */
static void test_damaged(void **state)
{
	uint64_t seed = seed_choose() | 1;
	struct map_set s;
	uint8_t *bytes, *copy;
	size_t n;

	assert_true(map_set_init(&s));
	for (unsigned i = 0; i < 40; i++) {
		char from[16], to[16];

		(void)snprintf(from, sizeof from, "w%d",
			       (int)seed_draw(&seed, 9));
		(void)snprintf(to, sizeof to, "w%d", (int)seed_draw(&seed, 9));
		map_edge_port(edge(&s, from, to, 1), 17, (uint16_t)i, 0);
	}
	assert_true(map_set_write(&s, &bytes, &n));
	copy = malloc(n);
	for (unsigned round = 0; round < 3000; round++) {
		struct map_set other;

		memcpy(copy, bytes, n);
		for (int i = (int)seed_draw(&seed, 4); i >= 0; i--)
			copy[seed_draw(&seed, (uint32_t)n)] =
				(uint8_t)seed_draw(&seed, 256);
		assert_true(map_set_init(&other));
		(void)map_set_read(&other, copy, n, 1);
		for (size_t i = 0; i < other.n_edges; i++)
			assert_true(other.edges[i].from < other.n_nodes &&
				    other.edges[i].to < other.n_nodes &&
				    other.edges[i].n_ports <= MAP_PORTS_MAX);
		map_set_done(&other);
	}
	free(copy);
	free(bytes);
	map_set_done(&s);
}

static void test_limits(void **state)
{
	struct map_set s;
	char id[16];

	assert_true(map_set_init(&s));
	for (unsigned i = 0; i < MAP_OTHERS_MAX + 100; i++) {
		(void)snprintf(id, sizeof id, "addr:%u", i);
		(void)node(&s, id, MAP_ADDRESS);
	}
	assert_int_equal(s.n_nodes, MAP_OTHERS_MAX);
	assert_int_equal(s.left_out, 101);
	assert_int_equal(node(&s, "addr:x", MAP_ADDRESS),
			 map_find_node(&s, "outside"));
	for (unsigned i = 0; i < MAP_NODES_MAX; i++) {
		(void)snprintf(id, sizeof id, "w%u", i);
		(void)node(&s, id, MAP_WORKLOAD);
	}
	assert_int_equal(s.n_nodes, MAP_NODES_MAX);
	assert_int_equal(node(&s, "one more", MAP_WORKLOAD), MAP_NONE);
	s.left_out = 0;
	assert_null(map_edge(&s, 0, MAP_NONE));
	for (uint32_t i = 0; i < MAP_EDGES_MAX + 10; i++)
		(void)map_edge(&s, i % MAP_NODES_MAX, i / MAP_NODES_MAX);
	assert_int_equal(s.n_edges, MAP_EDGES_MAX);
	assert_int_equal(s.left_out, 11);
	map_set_done(&s);
}

/* --- an agent with a map ------------------------------------------------------------ */

struct one {
	char *dir;
	struct agent a;
};

static void begin(struct one *o)
{
	struct err err = { 0 };

	o->a = (struct agent){ .splice_plane = NULL };
	o->a.config.node = (char *)(uintptr_t) "host";
	o->a.loop = loop_new(&err);
	if (store_open(o->dir, &o->a.store, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
}

static void start(struct one *o)
{
	struct err err = { 0 };

	if (map_start(&o->a, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
}

static void end(struct one *o)
{
	map_stop(&o->a);
	store_free(o->a.store);
	loop_free(o->a.loop);
}

static int make(void **state)
{
	struct one *o = calloc(1, sizeof *o);

	o->dir = folder_make();
	begin(o);
	*state = o;
	return 0;
}

static int removes(void **state)
{
	struct one *o = *state;

	end(o);
	folder_remove(o->dir);
	free(o);
	return 0;
}

static struct ip_addr addr(const char *text)
{
	struct ip_addr a;

	assert_int_equal(ip_parse(text, &a), 0);
	return a;
}

static void flow(struct one *o, const char *from, const char *to,
		 const char *name, uint32_t violations, bool blocked)
{
	uint64_t now = clock_unix_us() / USEC_PER_SEC;
	struct store_flow f = { .client = "",
				.server = "",
				.client_addr = addr(from),
				.server_addr = addr(to),
				.name = name,
				.port = 80,
				.proto = 6,
				.sessions = 1,
				.violations = violations,
				.rule_id = violations ? 5 : 4,
				.bytes = 100,
				.first_s = now,
				.last_s = now };

	map_flow(&o->a, &f, NULL, NULL, blocked);
}

static const struct map_edge *live(struct one *o, const char *from,
				   const char *to)
{
	const struct map_set *s = &o->a.map->live;
	uint32_t f = map_find_node(s, from), t = map_find_node(s, to);

	return f == MAP_NONE || t == MAP_NONE ? NULL : map_find_edge(s, f, t);
}

/* Who is told how, when it is no workload. */
static void test_ends(void **state)
{
	struct one *o = *state;
	static const struct {
		const char *to, *name, *want;
	} rows[] = {
		{ "10.1.2.3", "", "addr:10.1.2.3" },
		{ "172.31.0.1", "", "addr:172.31.0.1" },
		{ "172.32.0.1", "", "outside" },
		{ "100.64.0.1", "", "addr:100.64.0.1" },
		{ "8.8.8.8", "", "outside" },
		{ "8.8.8.8", "dns.example", "name:dns.example" },
		{ "10.1.2.3", "db.example", "name:db.example" },
		{ "fd00::1", "", "addr:fd00::1" },
		{ "fe80::1", "", "addr:fe80::1" },
		{ "2001:db8::1", "", "outside" },
		{ "192.0.2.7", "", "group:office" },
		{ "239.1.1.1", "", "addr:239.1.1.1" },
		{ "203.0.113.9", "x.example", "addr:203.0.113.9" },
	};
	static const char policy[] =
		"kind: Policy\ngroups:\n"
		"- {name: office, where: [{key: address, value: "
		"192.0.2.0/24}]}\n";
	struct err err = { 0 };

	o->a.node_addrs[0] = addr("203.0.113.9");
	o->a.n_node_addrs = 1;
	if (intent_from_yaml(policy, strlen(policy), "-", &o->a.intent, &err) <
	    0)
		fail_msg("%s: %s", err.at, err.text);
	start(o);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		flow(o, "10.0.0.1", rows[i].to, rows[i].name, 0, false);
		assert_row(rows[i].to, live(o, "addr:10.0.0.1", rows[i].want));
	}
	intent_put(o->a.intent);
	o->a.intent = NULL;
}

static void test_verdicts(void **state)
{
	struct one *o = *state;
	const struct map_edge *e;
	uint64_t before;

	start(o);
	flow(o, "10.0.0.1", "10.0.0.2", "", 0, false);
	e = live(o, "addr:10.0.0.1", "addr:10.0.0.2");
	assert_int_equal(e->rule, 4);
	flow(o, "10.0.0.1", "10.0.0.2", "", 2, false);
	e = live(o, "addr:10.0.0.1", "addr:10.0.0.2");
	assert_int_equal(e->sums.told, 2);
	assert_int_equal(e->rule, 5);
	/* what is allowed afterwards does not hide it */
	flow(o, "10.0.0.1", "10.0.0.2", "", 0, false);
	e = live(o, "addr:10.0.0.1", "addr:10.0.0.2");
	assert_int_equal(e->rule, 5);
	flow(o, "10.0.0.1", "10.0.0.2", "", 3, true);
	e = live(o, "addr:10.0.0.1", "addr:10.0.0.2");
	assert_int_equal(e->sums.denied, 3);
	assert_int_equal(e->sums.sessions, 4);
	/* a threat in what is answered is the same edge's */
	before = o->a.map->changed;
	map_threat(&o->a, NULL, addr("10.0.0.2"), NULL, addr("10.0.0.1"));
	e = live(o, "addr:10.0.0.1", "addr:10.0.0.2");
	assert_int_equal(e->sums.threats, 1);
	assert_int_equal(o->a.map->live.n_edges, 1);
	assert_true(o->a.map->changed > before);
}

/* What was live is so again, and what is older than an hour goes. */
static void test_again(void **state)
{
	struct one *o = *state;
	struct map *m;
	uint64_t changed;

	start(o);
	flow(o, "10.0.0.1", "10.0.0.2", "", 1, true);
	flow(o, "10.0.0.1", "1.2.3.4", "", 0, false);
	changed = o->a.map->changed;
	end(o);
	begin(o);
	start(o);
	m = o->a.map;
	assert_int_equal(m->live.n_edges, 2);
	assert_int_equal(live(o, "addr:10.0.0.1", "addr:10.0.0.2")->sums.denied,
			 1);
	/* a cursor of before is none of these */
	assert_true(changed < m->changed_first);
	/* as if three buckets had passed that had nothing */
	m->bucket -= 3;
	map_tick(&o->a);
	assert_int_equal(m->live.n_edges, 0);
	assert_int_equal(m->live.n_nodes, 0);
	assert_int_equal(m->n_gone, 2 + 3); /* edges, and their ends */
	assert_string_equal(m->gone[0].from, "addr:10.0.0.1");
	assert_string_equal(m->gone[0].to, "addr:10.0.0.2");
	assert_true(m->gone[0].changed > m->changed_first);
}

/* --- history -------------------------------------------------------------------------- */

#define DAYS	45
#define TALKERS 6

static void put_bucket(struct store *s, uint64_t end_s, unsigned from,
		       unsigned to, uint32_t sessions)
{
	char f[8], t[8];
	struct map_set set;
	uint8_t *bytes;
	size_t n;

	(void)snprintf(f, sizeof f, "w%u", from);
	(void)snprintf(t, sizeof t, "w%u", to);
	assert_true(map_set_init(&set));
	(void)edge(&set, f, t, sessions);
	assert_true(map_set_write(&set, &bytes, &n));
	assert_int_equal(store_put_map(s, 0, end_s, bytes, n, NULL), 0);
	free(bytes);
	map_set_done(&set);
}

/* Sessions of all edges of that time. */
static uint64_t ask(struct one *o, uint64_t *since, uint64_t *until)
{
	struct err err = { 0 };
	struct map_set set;
	uint64_t sum = 0;

	assert_true(map_set_init(&set));
	if (map_history(&o->a, since, until, &set, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
	for (size_t i = 0; i < set.n_edges; i++)
		sum += set.edges[i].sums.sessions;
	map_set_done(&set);
	return sum;
}

/*
 * Buckets of 45 days; what is told of any time is what the plain list has of the
 * time that the answer names.
 */
static void test_history(void **state)
{
	struct one *o = *state;
	uint64_t seed = seed_choose() | 1;
	uint64_t now = clock_unix_us() / USEC_PER_SEC / BUCKET_S * BUCKET_S;
	uint64_t first = now - DAYS * 86400;
	size_t n = DAYS * 86400 / BUCKET_S;
	uint32_t *plain = calloc(n, sizeof *plain);
	uint64_t since, until;

	for (size_t i = 0; i < n; i++) {
		/* some of it, so that it does not take a minute */
		if (seed_draw(&seed, 16))
			continue;
		plain[i] = seed_draw(&seed, 100) + 1;
		put_bucket(o->a.store, first + (i + 1) * BUCKET_S,
			   seed_draw(&seed, TALKERS), seed_draw(&seed, TALKERS),
			   plain[i]);
	}
	start(o);
	for (unsigned round = 0; round < 300; round++) {
		uint64_t span = round % 3 == 0	 ? 86400
				: round % 3 == 1 ? 10 * 86400
						 : (uint64_t)DAYS * 86400;
		uint64_t want = 0, got, asked;

		since = now - seed_draw(&seed, (uint32_t)span);
		until = since + seed_draw(&seed, (uint32_t)span);
		asked = since;
		got = ask(o, &since, &until);
		assert_true(since <= asked || since == first);
		for (size_t i = 0; i < n; i++)
			if (first + (i + 1) * BUCKET_S > since &&
			    first + i * BUCKET_S < until)
				want += plain[i];
		if (got != want)
			fail_msg("%u: %llu, not %llu sessions in %llu..%llu",
				 round, (unsigned long long)got,
				 (unsigned long long)want,
				 (unsigned long long)since,
				 (unsigned long long)until);
	}
	/* the hours of yesterday are whole hours, the rest is forgotten */
	assert_int_equal(store_next_map(o->a.store, 0, 0, now, &until, NULL),
			 0);
	assert_true(until > now - 2 * 86400);
	assert_int_equal(store_next_map(o->a.store, 3, 0, now, &until, NULL),
			 0);
	assert_true(until % (30 * 86400) == 0 && until);
	free(plain);
}

static int nothing(uint64_t end_s, const void *bytes, size_t n, void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

/* With the flows of its time the map goes, too. */
static void test_forgotten(void **state)
{
	struct one *o = *state;
	struct store_flow f = { .client = "web",
				.server = "",
				.name = "",
				.server_addr = addr("10.0.0.1"),
				.sessions = 1,
				.last_s = 100 * 86400 };
	unsigned n = 0;

	for (uint64_t day = 90; day < 110; day++)
		put_bucket(o->a.store, (day + 1) * 86400, 1, 2, 1);
	while (!store_trim(o->a.store, 95 * 86400, 0, UINT32_MAX))
		;
	assert_int_equal(
		store_each_map(o->a.store, 0, 0, UINT32_MAX, nothing, &n, NULL),
		0);
	assert_int_equal(n, 15);
	assert_int_equal(store_add_flows(o->a.store, &f, 1, NULL), 0);
	while (!store_trim(o->a.store, 95 * 86400, 0, UINT32_MAX))
		;
	n = 0;
	assert_int_equal(
		store_each_map(o->a.store, 0, 0, UINT32_MAX, nothing, &n, NULL),
		0);
	assert_int_equal(n, 10); /* since day 100, the first that has flows */
	while (!store_trim(o->a.store, UINT64_MAX, UINT64_MAX, 0))
		;
	start(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_limits),
		cmocka_unit_test_setup_teardown(test_ends, make, removes),
		cmocka_unit_test_setup_teardown(test_verdicts, make, removes),
		cmocka_unit_test_setup_teardown(test_again, make, removes),
		cmocka_unit_test_setup_teardown(test_history, make, removes),
		cmocka_unit_test_setup_teardown(test_forgotten, make, removes),
	};

	return cmocka_run_group_tests_name("agent_map", tests, NULL, NULL);
}
