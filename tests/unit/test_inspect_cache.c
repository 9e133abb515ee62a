/*
 * The worker's half of the verdict cache, against a kernel that is an array of
 * entries: whatever is carried there, the flows' figures are those of all frames.
 */
#include "inspect/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "inspect/inspect.h"
#include "inspect/settings.h"
#include "policy/policy.h"
#include "seed.h"
#include "test.h"

#define OWN	"10.1.0.5"
#define PEER	"10.1.0.6"
#define SLOTS	16
#define FLOWS	40
#define FIRST	100 /* of our slots in the kernel's */
#define PAYLOAD 10
#define DENIED	9000 /* a port that nobody may reach */
#define MARK	0x0001
#define STEPS	20000
#define SECOND	USEC_PER_SEC

static const struct mac mark = { { 0x4e, 0x65, 0x75, 0x56, 0, 1 } };
static const struct mac own_mac = { { 2, 0, 0, 0, 0, 1 } };
static const struct mac peer_mac = { { 2, 0, 0, 0, 0, 2 } };

struct kernel {
	struct entry {
		bool used;
		struct cache_entry is;
	} entries[SLOTS];
	struct cache_seen seen[SLOTS];
	uint64_t generation;
	bool refuses;
};

struct model {
	struct kernel kernel;
	struct inspect *in;
	struct snapshot *snapshot;
	struct verdict_cache *cache;
	usec_t now;
	uint64_t frames[FLOWS], from_kernel, to_us, dropped;
};

static struct entry *find(struct kernel *k, const struct cache_key *key)
{
	for (int i = 0; i < SLOTS; i++)
		if (k->entries[i].used &&
		    memcmp(&k->entries[i].is.key, key, sizeof *key) == 0)
			return &k->entries[i];
	return NULL;
}

static int put(void *arg, const struct cache_entry *e, bool fresh)
{
	struct kernel *k = arg;
	struct entry *at = find(k, &e->key);

	if (k->refuses)
		return -ENOMEM;
	assert_in_range(e->slot, FIRST, FIRST + SLOTS - 1);
	/* one key, one entry; and a slot counts for one at a time */
	assert_true(!at || at->is.slot == e->slot);
	if (fresh)
		memset(&k->seen[e->slot - FIRST], 0, sizeof *k->seen);
	k->entries[e->slot - FIRST] = (struct entry){ true, *e };
	return 0;
}

static int del(void *arg, const struct cache_key *key)
{
	struct entry *at = find(arg, key);

	assert_non_null(at);
	at->used = false;
	return 0;
}

static void seen(void *arg, uint32_t slot, struct cache_seen *ret)
{
	*ret = ((struct kernel *)arg)->seen[slot - FIRST];
}

/* From the peer to a port of ours: open, but for one. */
static struct snapshot *snapshot_of(uint32_t version, bool open)
{
	struct endpoint e = { .used = true, .mac = own_mac, .ucmac = mark };
	struct policy_spec spec = { .n_rules = 1,
				    .defact = POLICY_OPEN,
				    .dir = POLICY_DIR_EGRESS |
					   POLICY_DIR_INGRESS };
	struct err err;
	struct snapshot *s;

	spec.rules = calloc(1, sizeof *spec.rules);
	assert_non_null(spec.rules);
	*spec.rules = (struct rule_spec){
		.id = 1,
		.sip = ip_of(PEER),
		.sipr = ip_of(PEER),
		.dip = ip_of(OWN),
		.dipr = ip_of(OWN),
		.port = open ? DENIED : 1,
		.portr = DENIED,
		.proto = PROTO_UDP,
		.action = POLICY_DENY,
		.ingress = true,
	};
	e.policy = policy_compile(&spec, &err);
	assert_non_null(e.policy);
	s = snapshot_build(&(struct snapshot_spec){
		.endpoints = &e, .n_endpoints = 1, .version = version });
	policy_put(e.policy);
	assert_non_null(s);
	return s;
}

static void adopt(struct model *m, bool open)
{
	struct snapshot *before = m->snapshot;
	uint32_t version = before ? snapshot_version(before) + 1 : 1;

	m->kernel.generation++;
	m->snapshot = snapshot_of(version, open);
	(void)inspect_adopt(m->in, m->snapshot);
	inspect_set_generation(m->in, m->kernel.generation);
	snapshot_free(before);
}

static void set_up(struct model *m)
{
	struct inspect_options opt = { .max_flows = FLOWS_MIN, .seed = 1 };
	struct cache_kernel hooks = { put, del, seen, &m->kernel };

	memset(m, 0, sizeof *m);
	m->now = (usec_t){ 1000 * SECOND };
	m->in = inspect_new(&opt);
	m->cache = verdict_cache_new(FIRST, SLOTS, &hooks, 1);
	assert_non_null(m->in);
	assert_non_null(m->cache);
	assert_null(inspect_set_cache(m->in, m->cache));
	adopt(m, true);
}

static void tear_down(struct model *m)
{
	assert_ptr_equal(inspect_set_cache(m->in, NULL), m->cache);
	verdict_cache_free(m->cache);
	inspect_free(m->in);
	snapshot_free(m->snapshot);
}

/* A datagram of flow i: carried by the kernel if it may, else shown to us. */
static void carry(struct model *m, unsigned i, bool in, uint16_t own_port)
{
	static uint8_t buf[FRAME_SPEC_MAX];
	struct cache_key key = { .own = ip_of(OWN),
				 .peer = ip_of(PEER),
				 .own_port = own_port,
				 .peer_port = (uint16_t)(2000 + i),
				 .mark = MARK,
				 .proto = PROTO_UDP };
	struct frame_spec spec = { .src = in ? peer_mac : mark,
				   .dst = in ? mark : peer_mac,
				   .saddr = in ? PEER : OWN,
				   .daddr = in ? OWN : PEER,
				   .proto = PROTO_UDP,
				   .sport = in ? key.peer_port : own_port,
				   .dport = in ? own_port : key.peer_port,
				   .payload_len = PAYLOAD };
	struct frame f = { .wire_len = frame_make(buf, &spec) };
	struct entry *e = find(&m->kernel, &key);
	struct cache_seen_way *w;

	if (!e || e->is.generation != m->kernel.generation) {
		f.bytes = bytes_of(buf, f.wire_len);
		(void)inspect_frame(m->in, f, m->now);
		m->to_us++;
		return;
	}
	w = &m->kernel.seen[e->is.slot - FIRST].way[in ? CACHE_IN : CACHE_OUT];
	w->frames++;
	w->bytes += f.wire_len;
	w->payload += PAYLOAD;
	m->kernel.seen[e->is.slot - FIRST].last = m->now;
	m->from_kernel++;
	m->dropped += e->is.drop;
}

static void settle(struct model *m)
{
	while (inspect_write_cache(m->in))
		;
	m->now = usec_add(m->now, 2 * SECOND);
	while (inspect_age(m->in, m->now))
		;
}

static void check_flows(struct model *m)
{
	struct session_record r;
	uint32_t cursor = 0;

	while (inspect_copy_flows(m->in, &cursor, m->now, &r, 1) == 1) {
		uint64_t want = m->frames[r.client_port - 2000];

		assert_int_equal(r.client_packets + r.server_packets, want);
		assert_int_equal(r.client_bytes + r.server_bytes,
				 want * PAYLOAD);
	}
}

/* All flows stay below their time-out, so what they tell is all there was. */
static void test_figures(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct cache_stats stats;
	struct model m;

	set_up(&m);
	for (unsigned i = 0; i < FLOWS; i++) {
		carry(&m, i, true, 80);
		m.frames[i]++;
	}
	for (int step = 0; step < STEPS; step++) {
		unsigned i = seed_draw(&random, FLOWS);

		/* few are busy, so that some are idle when room is needed */
		if (seed_draw(&random, 4))
			i = i / 8;
		carry(&m, i, seed_draw(&random, 2), 80);
		m.frames[i]++;
		m.now = usec_add(m.now, 1000);
		if (seed_draw(&random, 20) == 0)
			(void)inspect_write_cache(m.in);
		if (seed_draw(&random, 50) == 0)
			(void)inspect_age(m.in, m.now);
		if (seed_draw(&random, 2000) == 0)
			adopt(&m, true);
		m.kernel.refuses = seed_draw(&random, 50) == 0;
	}
	settle(&m);
	check_flows(&m);
	stats = inspect_counts(m.in).cache;
	assert_true(m.from_kernel > STEPS / 4);
	assert_int_equal(stats.passed[CACHE_IN] + stats.passed[CACHE_OUT],
			 m.from_kernel);
	assert_true(stats.renewed > 0 && stats.full > 0);
	assert_int_equal(stats.limit, SLOTS);
	tear_down(&m);
}

/* Ended by hand: its entry goes at once, with all that it has seen. */
static void test_kill(void **state)
{
	struct kills k = { .n = 1 }, again = { .n = 1 };
	struct session_record r;
	uint32_t cursor = 0, id;
	struct model m;

	set_up(&m);
	for (unsigned i = 0; i < 20; i++, m.frames[0]++) {
		carry(&m, 0, true, 80);
		(void)inspect_write_cache(m.in);
	}
	assert_true(m.from_kernel > 0);
	assert_int_equal(inspect_copy_flows(m.in, &cursor, m.now, &r, 1), 1);
	id = r.id;
	k.ids = again.ids = &id;
	while (inspect_kill(m.in, &k))
		;
	assert_int_equal(k.killed, 1);
	while (inspect_age(m.in, m.now))
		;
	for (int i = 0; i < SLOTS; i++)
		assert_false(m.kernel.entries[i].used);
	check_flows(&m);
	assert_int_equal(inspect_counts(m.in).cache.removed, 1);
	(void)inspect_kill(m.in, &again);
	assert_int_equal(again.killed, 0);
	while (inspect_write_cache(m.in))
		;
	assert_int_equal(inspect_counts(m.in).cache.in_use, 0);
	tear_down(&m);
}

/* All entries go with their flows. */
static void test_end(void **state)
{
	uint32_t cursor = 0, ended = 0;
	struct model m;

	set_up(&m);
	for (unsigned i = 0; i < SLOTS; i++)
		for (int k = 0; k < CACHE_FRAMES_DEFAULT; k++)
			carry(&m, i, true, 80);
	settle(&m);
	assert_int_equal(inspect_counts(m.in).cache.in_use, SLOTS);
	while (inspect_end_flows(m.in, (struct flow_pick){ FLOW_PICK_ALL, 0 },
				 &cursor, &ended))
		;
	assert_int_equal(ended, SLOTS);
	assert_int_equal(inspect_cache_waiting(m.in), SLOTS);
	settle(&m);
	assert_int_equal(inspect_counts(m.in).cache.in_use, 0);
	for (int i = 0; i < SLOTS; i++)
		assert_false(m.kernel.entries[i].used);
	tear_down(&m);
}

/* A flow that idles while the kernel carries it does not age here. */
static void test_age(void **state)
{
	struct model m;

	set_up(&m);
	for (int k = 0; k < CACHE_FRAMES_DEFAULT; k++)
		carry(&m, 0, true, 80);
	settle(&m);
	for (int s = 0; s < 100; s++) {
		carry(&m, 0, true, 80);
		settle(&m);
	}
	assert_int_equal(m.to_us, CACHE_FRAMES_DEFAULT);
	assert_int_equal(inspect_counts(m.in).flows.total, 1);
	for (int s = 0; s < 20; s++)
		settle(&m);
	assert_int_equal(inspect_counts(m.in).flows.total, 0);
	settle(&m);
	assert_int_equal(inspect_counts(m.in).cache.in_use, 0);
	tear_down(&m);
}

static uint64_t blocked(struct model *m)
{
	static struct block_record blocks[BLOCKS_MAX];
	size_t n = inspect_copy_blocks(m->in, blocks);
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += blocks[i].count;
	return sum;
}

/* What is denied without a flow is dropped there, and all of it is told. */
static void test_denied(void **state)
{
	struct inspect_counts c;
	struct model m;

	set_up(&m);
	for (int k = 0; k < 100; k++) {
		carry(&m, 0, true, DENIED);
		(void)inspect_write_cache(m.in);
	}
	assert_int_equal(m.to_us, CACHE_FRAMES_DEFAULT);
	assert_int_equal(m.dropped, 100 - CACHE_FRAMES_DEFAULT);
	settle(&m);
	c = inspect_counts(m.in);
	assert_int_equal(blocked(&m), 100);
	assert_int_equal(c.cache.dropped[CACHE_IN], m.dropped);
	assert_int_equal(c.flows.total, 0);
	assert_int_equal(c.cache.denied, 1);
	for (int s = 0; s < 20; s++)
		settle(&m);
	c = inspect_counts(m.in);
	assert_int_equal(c.cache.denied, 0);
	assert_int_equal(c.cache.in_use, 0);
	tear_down(&m);
}

/* A policy turns: the next frame comes up, and the entry with it. */
static void test_turns(void **state)
{
	struct model m;

	set_up(&m);
	for (int k = 0; k < CACHE_FRAMES_DEFAULT; k++)
		carry(&m, 0, true, 80);
	settle(&m);
	carry(&m, 0, true, 80);
	assert_int_equal(m.from_kernel, 1);
	adopt(&m, false);
	carry(&m, 0, true, 80);
	settle(&m);
	carry(&m, 0, true, 80);
	assert_int_equal(m.dropped, 1);
	adopt(&m, true);
	carry(&m, 0, true, 80);
	settle(&m);
	carry(&m, 0, true, 80);
	assert_int_equal(m.from_kernel, 3);
	assert_int_equal(m.dropped, 1);
	settle(&m);
	assert_int_equal(blocked(&m), 2);
	tear_down(&m);
}

/* Off: all is taken out, frame by frame of each flow. */
static void test_off(void **state)
{
	struct inspect_settings set = inspect_settings_default();
	struct model m;

	set_up(&m);
	for (int k = 0; k < CACHE_FRAMES_DEFAULT; k++)
		carry(&m, 0, true, 80);
	settle(&m);
	set.cache.on = false;
	m.kernel.generation++;
	inspect_configure(m.in, &set);
	inspect_set_generation(m.in, m.kernel.generation);
	carry(&m, 0, true, 80);
	settle(&m);
	assert_int_equal(inspect_counts(m.in).cache.in_use, 0);
	carry(&m, 0, true, 80);
	assert_int_equal(m.from_kernel, 0);
	tear_down(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_figures), cmocka_unit_test(test_end),
		cmocka_unit_test(test_age),	cmocka_unit_test(test_denied),
		cmocka_unit_test(test_turns),	cmocka_unit_test(test_off),
		cmocka_unit_test(test_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
