/*
 * Flows that are handed over: two tables are told the same, and one of them is
 * saved and loaded into a new one now and then; nobody can tell which. And images
 * with bits turned around: what comes of them is nothing, or a table that can be
 * used. WEIR_SEED=n runs one seed again.
 */
#include "flow/flow.h"

#include <string.h>

#include "base/limits.h"
#include "images.h"
#include "seed.h"
#include "test.h"

#define LIMIT	   FLOWS_MIN
#define KEYS	   90
#define OPERATIONS 60000
#define SPOILT	   3000

/* A table, and what it told of. */
struct twin {
	struct flow_table *table;
	uint64_t ends; /* a hash of ids, in their order */
	uint32_t seq[KEYS][FLOW_SIDE__MAX];
};

static void told_of_end(void *arg, struct flow *f)
{
	struct twin *t = arg;

	t->ends = (t->ends + f->id) * 0x9e3779b97f4a7c15;
}

static void begin(struct twin *t, uint64_t seed)
{
	t->table = flow_table_new(LIMIT, seed);
	assert_non_null(t->table);
	flow_table_number(t->table, 2, 3);
	flow_table_on_end(t->table, told_of_end, t);
}

static void image_of(struct images *i, const struct flow_table *t)
{
	IMAGES_OF(i, flow_table_save, t);
}

static void hand_over(struct twin *t)
{
	struct flow_table *old = t->table;
	uint32_t a = 0, b = 0;
	struct images i;

	begin(t, 0); /* another seed: that of the image counts */
	image_of(&i, old);
	assert_true(flow_table_load(t->table, &i.r));
	for (struct flow *f; (f = flow_next(old, &a));) {
		assert_ptr_equal(flow_next(t->table, &b), flow_at(t->table, a));
		assert_int_equal(a, b);
		assert_int_equal(flow_at(t->table, b)->id, f->id);
	}
	assert_null(flow_next(t->table, &b));
	assert_int_equal(a, b); /* who walks goes on where it was */
	flow_table_free(old);
	free(i.memory);
}

/* What is drawn of one operation, to be done to both. */
struct drawn {
	uint32_t key, what, flags, len;
	enum flow_side side;
};

static const uint8_t protos[] = { PROTO_TCP, PROTO_TCP,	 PROTO_TCP,
				  PROTO_UDP, PROTO_ICMP, PROTO_SCTP };

static struct packet packet_of(struct twin *t, const struct drawn *d)
{
	uint8_t proto = protos[d->key % ARRAY_LEN(protos)];
	bool server = d->side == FLOW_SERVER;
	struct ip_addr a = ip_from_v4(0x0a000001), b = ip_from_v4(0x0a000002);
	uint16_t port = (uint16_t)(1000 + d->key);
	struct packet p = {
		.ip_version = 4,
		.ethertype = ETHERTYPE_IP4,
		.proto = proto,
		.saddr = server ? b : a,
		.daddr = server ? a : b,
		.sport = server ? 80 : port,
		.dport = server ? port : 80,
		.payload_len = d->len,
	};

	if (proto == PROTO_ICMP) {
		p.sport = p.dport = 0;
		p.icmp_type = server ? 0 : 8;
		p.icmp_id = port;
	}
	if (proto != PROTO_TCP)
		return p;
	p.tcp_flags = (uint8_t)d->flags;
	p.tcp_window = 1000;
	p.tcp_seq = t->seq[d->key][d->side];
	p.tcp_ack = t->seq[d->key][!d->side];
	t->seq[d->key][d->side] += d->len + !!(d->flags & (TCP_SYN | TCP_FIN));
	return p;
}

/* A packet to or from the workload, which is the client. */
static uint32_t push(struct twin *t, const struct drawn *d, usec_t now)
{
	struct packet p = packet_of(t, d);
	bool ingress = d->side == FLOW_SERVER, mid, own;
	struct flow_key k = flow_key_of(&p, 7, ingress);
	struct flow *f = flow_find(t->table, &k);
	uint32_t told = 0;

	if (!f) {
		own = flow_opener_is_own(&p, ingress, &mid);
		f = flow_make(t->table, &k, &p, own, mid, now);
		if (!f)
			return 1;
		told = f->id;
	}
	return told * 16 + (uint32_t)flow_follow(t->table, f, &p,
						 flow_sender(f, ingress), now);
}

static uint32_t operate(struct twin *t, const struct drawn *d, usec_t now)
{
	struct packet p;
	struct flow_key k;
	struct flow *f;

	if (d->what < 80)
		return push(t, d, now);
	if (d->what < 90)
		return flow_expire(t->table, now, d->len % 5);
	if (d->what < 95) {
		f = flow_next_silent(t->table, now);
		return f ? f->id : 0;
	}
	p = packet_of(t, d);
	k = flow_key_of(&p, 7, d->side == FLOW_SERVER);
	f = flow_find(t->table, &k);
	if (!f)
		return 0;
	if (d->what < 98)
		flow_end(t->table, f);
	else
		flow_cut(t->table, f, now);
	return 1;
}

static struct drawn draw(uint64_t *random)
{
	static const uint8_t flags[] = { TCP_SYN,	    TCP_SYN | TCP_ACK,
					 TCP_ACK,	    TCP_ACK,
					 TCP_ACK | TCP_PSH, TCP_ACK | TCP_FIN,
					 TCP_RST | TCP_ACK };
	struct drawn d = {
		.key = seed_draw(random, KEYS),
		.what = seed_draw(random, 100),
		.len = seed_draw(random, 4) ? 0 : seed_draw(random, 100),
	};

	d.flags = flags[seed_draw(random, ARRAY_LEN(flags))];
	d.side = d.flags == (TCP_SYN | TCP_ACK) ? FLOW_SERVER : FLOW_CLIENT;
	if (d.flags != TCP_SYN && seed_draw(random, 2))
		d.side = FLOW_SERVER;
	if (d.flags & TCP_SYN)
		d.len = 0;
	return d;
}

/* Are all flows the same, but for where they lie? */
static void compare(struct twin *a, struct twin *b)
{
	struct flow_counts ca = flow_counts(a->table);
	struct flow_counts cb = flow_counts(b->table);
	uint32_t cursor = 0;

	assert_memory_equal(&ca, &cb, sizeof ca);
	assert_int_equal(a->ends, b->ends);
	for (struct flow *f; (f = flow_next(a->table, &cursor));) {
		struct flow *g = flow_find(b->table, &f->key), x, y;

		assert_non_null(g);
		x = *f;
		y = *g;
		x.hash = x.next_in_bucket = x.older = x.newer = 0;
		y.hash = y.next_in_bucket = y.older = y.newer = 0;
		assert_memory_equal(&x, &y, sizeof x);
	}
}

/* often: 1 of so many operations is followed by a hand-over. */
static void run(uint64_t seed, uint32_t operations, uint32_t often)
{
	static struct twin straight, handed;
	uint64_t random = seed | 1;
	usec_t now = { USEC_PER_SEC };
	uint64_t silent = 0;

	memset(&straight, 0, sizeof straight);
	memset(&handed, 0, sizeof handed);
	begin(&straight, seed);
	begin(&handed, seed + 1);
	for (uint32_t i = 0; i < operations; i++) {
		struct drawn d = draw(&random);
		uint32_t told = operate(&straight, &d, now);

		assert_int_equal(operate(&handed, &d, now), told);
		silent += told && d.what >= 90 && d.what < 95;
		now = usec_add(now, seed_draw(&random, 100000));
		if (seed_draw(&random, often) == 0)
			hand_over(&handed);
		if (i % 16 == 0)
			compare(&straight, &handed);
	}
	compare(&straight, &handed);
	assert_true(operations < OPERATIONS || silent > 0);
	assert_true(operations < OPERATIONS ||
		    flow_counts(handed.table).refused_full > 0);
	flow_table_free(straight.table);
	flow_table_free(handed.table);
}

static void test_twins(void **state)
{
	uint64_t seed = seed_choose();

	(void)state;
	run(seed, OPERATIONS, 100);
	for (uint32_t i = 0; i < 20; i++)
		run(seed + i, 200, 1); /* after each */
}

/* --- what cannot be ----------------------------------------------------------- */

/* All that it holds is met, and comes to its end. */
static void use_up(struct flow_table *t)
{
	struct flow_pick all = { FLOW_PICK_ALL, 0 };
	uint32_t cursor = 0, n = 0, ended = 0;
	uint64_t random = 5;
	struct twin twin = { .table = t };

	for (struct flow *f; (f = flow_next(t, &cursor)); n++)
		(void)flow_life_s(f, (usec_t){ 5 });
	assert_int_equal(n, flow_counts(t).total);
	for (unsigned i = 0; i < 200; i++) {
		struct drawn d = draw(&random);

		(void)operate(&twin, &d, (usec_t){ 5 * USEC_PER_SEC });
	}
	cursor = 0;
	n = flow_counts(t).total;
	while (flow_sweep(t, all, &cursor, &ended))
		;
	assert_int_equal(ended, n);
	assert_int_equal(flow_counts(t).total, 0);
}

static void test_hostile(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct twin t = { 0 };
	unsigned refused = 0;
	struct images i;

	(void)state;
	begin(&t, 1);
	for (unsigned k = 0; k < 150; k++) {
		struct drawn d = draw(&random);

		(void)operate(&t, &d, (usec_t){ USEC_PER_SEC * 2 });
	}
	image_of(&i, t.table);
	for (unsigned k = 0; k < SPOILT; k++) {
		struct images_spoilt s = images_spoil(&i, &random);
		struct twin next = { 0 };

		begin(&next, 9);
		refused += image_read(&i.r, i.memory, i.len) != 0 ||
			   !flow_table_load(next.table, &i.r);
		use_up(next.table);
		flow_table_free(next.table);
		images_turn(&i, &s);
	}
	assert_true(refused > 0 && refused < SPOILT);
	flow_table_free(t.table);
	free(i.memory);
}

/* Another limit, another numbering, another image: nothing is loaded. */
static void test_another(void **state)
{
	struct flow_table *wide = flow_table_new(LIMIT + 1, 1);
	struct twin t = { 0 }, next = { 0 };
	struct images i;

	(void)state;
	begin(&t, 1);
	begin(&next, 1);
	image_of(&i, t.table);
	flow_table_number(wide, 2, 3);
	assert_false(flow_table_load(wide, &i.r));
	flow_table_number(next.table, 1, 3);
	assert_false(flow_table_load(next.table, &i.r));
	flow_table_number(next.table, 2, 3);
	assert_true(flow_table_load(next.table, &i.r));
	flow_table_free(wide);
	flow_table_free(t.table);
	flow_table_free(next.table);
	free(i.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twins),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
