/*
 * The recent blocks: tables of what is the same block and what is not, and
 * random operations against a naive model.
 *
 * Blocks of one workload that differ in no more than protocol and direction
 * share their places (see the hash in blocks.c), so with them the model can say
 * which one gives way. How many places that are is learned by filling them.
 */
#include "inspect/blocks.h"

#include "images.h"
#include "seed.h"
#include "test.h"

#define WORKLOADS  3
#define PROTOS	   10
#define OPERATIONS 20000

static const struct block_record some = {
	.ep_mac = { { 2, 0, 0, 0, 0, 1 } },
	.ingress = true,
	.from = { { [10] = 0xff, 0xff, 10, 0, 0, 1 } },
	.to = { { [10] = 0xff, 0xff, 10, 0, 0, 2 } },
	.to_port = 80,
	.proto = 6,
	.reason = 1,
	.action = 7,
	.rule_id = 10,
	.policy_version = 3,
};

struct bench {
	struct blocks blocks;
	struct block_record copy[BLOCKS_MAX];
	size_t n; /* in copy */
};

static int start(void **state)
{
	struct bench *b = calloc(1, sizeof *b);

	assert_non_null(b);
	b->blocks.seed = 1;
	*state = b;
	return 0;
}

static int stop(void **state)
{
	free(*state);
	return 0;
}

/* Takes a copy; it is newest first and as long as said. */
static void look(struct bench *b)
{
	b->n = blocks_copy(&b->blocks, b->copy);
	assert_int_equal(b->n, b->blocks.in_use);
	for (size_t i = 1; i < b->n; i++)
		assert_true(b->copy[i - 1].last_us >= b->copy[i].last_us);
}

/* --- tables -------------------------------------------------------------- */

#define FIELD(f) #f, offsetof(struct block_record, f)

/* Is it the same block where only that field is another? */
static const struct {
	const char *name;
	size_t offset;
	bool same;
} fields[] = {
	{ FIELD(ep_mac), false },	 { FIELD(ingress), false },
	{ FIELD(from), false },		 { FIELD(to), false },
	{ FIELD(to_port), false },	 { FIELD(proto), false },
	{ FIELD(reason), false },	 { FIELD(action), false },
	{ FIELD(rule_id), false },	 { FIELD(threat), false },
	{ FIELD(policy_version), true }, { FIELD(count), true },
	{ FIELD(first_us), true },	 { FIELD(last_us), true },
};

static void test_same_or_not(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct bench b = { .blocks = { .seed = 1 } };
		struct block_record r = some;
		bool same = fields[i].same;

		((uint8_t *)&r)[fields[i].offset] ^= 1;
		blocks_note(&b.blocks, 0, &some, 1, (usec_t){ 100 });
		blocks_note(&b.blocks, 0, &r, 1, (usec_t){ 200 });
		look(&b);
		assert_row(fields[i].name, b.n == (same ? 1 : 2));
		assert_row(fields[i].name, b.copy[0].count == (same ? 2 : 1));
		assert_row(fields[i].name,
			   b.copy[0].first_us == (same ? 100 : 200));
		assert_row(fields[i].name, b.copy[0].last_us == 200);
		assert_row(fields[i].name,
			   b.copy[0].policy_version == r.policy_version);
	}
}

static void test_counted(void **state)
{
	struct bench *b = *state;

	look(b);
	assert_int_equal(b->n, 0);
	for (uint64_t i = 1; i <= 1000; i++) {
		blocks_note(&b->blocks, 0, &some, 1, (usec_t){ 10 * i });
		look(b);
		assert_int_equal(b->n, 1);
		assert_int_equal(b->copy[0].count, i);
		assert_int_equal(b->copy[0].first_us, 10);
		assert_int_equal(b->copy[0].last_us, 10 * i);
	}
	assert_int_equal(b->blocks.evicted, 0);
}

/* Seen again, it is the newest, whenever it was seen first. */
static void test_newest_first(void **state)
{
	static const uint16_t ports[] = { 1, 2, 3, 2, 1, 4, 3 };
	static const uint16_t want[] = { 3, 4, 1, 2 };
	struct bench *b = *state;
	struct block_record r = some;

	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		r.to_port = ports[i];
		blocks_note(&b->blocks, 0, &r, 1, (usec_t){ i });
	}
	look(b);
	assert_int_equal(b->n, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_int_equal(b->copy[i].to_port, want[i]);
}

static void test_forget_endpoint(void **state)
{
	struct bench *b = *state;
	struct block_record r = some;

	for (uint16_t i = 0; i < 60; i++) {
		r.ep_mac.b[5] = (uint8_t)(i % 3);
		r.to_port = i;
		blocks_note(&b->blocks, i % 3, &r, 1, (usec_t){ i });
	}
	blocks_forget_endpoint(&b->blocks, 7);
	look(b);
	assert_int_equal(b->n, 60);
	blocks_forget_endpoint(&b->blocks, 1);
	look(b);
	assert_int_equal(b->n, 40);
	for (size_t i = 0; i < b->n; i++)
		assert_int_not_equal(b->copy[i].ep_mac.b[5], 1);
	/* Its blocks are new ones afterwards. */
	r.ep_mac.b[5] = 1;
	r.to_port = 1;
	blocks_note(&b->blocks, 1, &r, 1, (usec_t){ 100 });
	look(b);
	assert_int_equal(b->n, 41);
	assert_int_equal(b->copy[0].count, 1);
	assert_int_equal(b->copy[0].first_us, 100);
	assert_int_equal(b->blocks.evicted, 0);
}

/* Many more than there is room for: all is counted, the last one is there. */
static void test_full(void **state)
{
	struct bench *b = *state;
	struct block_record r = some;

	for (uint32_t i = 0; i < 16 * BLOCKS_MAX; i++) {
		r.rule_id = i;
		blocks_note(&b->blocks, 0, &r, 1, (usec_t){ i });
		assert_int_equal(b->blocks.in_use + b->blocks.evicted, i + 1);
		if (i % 97)
			continue;
		look(b);
		assert_int_equal(b->copy[0].rule_id, i);
	}
	look(b);
	assert_int_equal(b->n, BLOCKS_MAX);
	blocks_forget_endpoint(&b->blocks, 0);
	look(b);
	assert_int_equal(b->n, 0);
}

/* --- the model ------------------------------------------------------------ */

struct model {
	struct bench *bench;
	size_t ways, n;
	uint16_t port[WORKLOADS];
	/* Of all workloads; of each at most `ways`. */
	struct block_record records[WORKLOADS * PROTOS * 2];
	uint64_t evicted, now, random;
	uint32_t repeated, forgotten;
};

static struct block_record record_of(const struct model *m, uint16_t workload,
				     uint8_t proto, bool ingress)
{
	struct block_record r = some;

	r.ep_mac.b[5] = (uint8_t)workload;
	r.to_port = m->port[workload];
	r.proto = proto;
	r.ingress = ingress;
	return r;
}

static bool is_same(const struct block_record *a, const struct block_record *b)
{
	return mac_equal(a->ep_mac, b->ep_mac) && a->proto == b->proto &&
	       a->ingress == b->ingress;
}

static void note(struct model *m, uint16_t workload,
		 const struct block_record *r)
{
	blocks_note(&m->bench->blocks, workload, r, 1, (usec_t){ m->now });
}

/* How many blocks of workload 0 there is room for. */
static void learn_ways(struct model *m)
{
	for (uint8_t i = 0; m->bench->blocks.evicted == 0; i++) {
		struct block_record r = record_of(m, 0, i, true);

		assert_true(i < PROTOS);
		m->ways = i;
		note(m, 0, &r);
	}
	blocks_forget_endpoint(&m->bench->blocks, 0);
}

/* Gives the workload a port with which its places are nobody else's. */
static void learn_port(struct model *m, uint16_t workload)
{
	uint64_t before;

	do {
		m->port[workload]++;
		before = m->bench->blocks.evicted;
		for (uint16_t w = 0; w <= workload; w++)
			for (uint8_t i = 0; i < m->ways; i++) {
				struct block_record r =
					record_of(m, w, i, true);

				note(m, w, &r);
			}
		for (uint16_t w = 0; w <= workload; w++)
			blocks_forget_endpoint(&m->bench->blocks, w);
	} while (m->bench->blocks.evicted > before);
}

static void model_make_room(struct model *m, struct mac ep_mac)
{
	struct block_record *oldest = NULL;
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct block_record *r = &m->records[i];

		if (!mac_equal(r->ep_mac, ep_mac))
			continue;
		n++;
		if (!oldest || r->last_us < oldest->last_us)
			oldest = r;
	}
	if (n < m->ways)
		return;
	*oldest = m->records[--m->n];
	m->evicted++;
}

static void op_note(struct model *m)
{
	uint16_t workload = (uint16_t)seed_draw(&m->random, WORKLOADS);
	struct block_record r =
		record_of(m, workload, (uint8_t)seed_draw(&m->random, PROTOS),
			  seed_draw(&m->random, 2));

	m->now += 1 + seed_draw(&m->random, 1000);
	r.policy_version = seed_draw(&m->random, 100);
	note(m, workload, &r);
	for (size_t i = 0; i < m->n; i++) {
		struct block_record *known = &m->records[i];

		if (!is_same(known, &r))
			continue;
		known->count++;
		known->last_us = m->now;
		known->policy_version = r.policy_version;
		m->repeated++;
		return;
	}
	model_make_room(m, r.ep_mac);
	r.count = 1;
	r.first_us = r.last_us = m->now;
	m->records[m->n++] = r;
}

static void op_forget(struct model *m)
{
	uint16_t workload = (uint16_t)seed_draw(&m->random, WORKLOADS + 1);

	blocks_forget_endpoint(&m->bench->blocks, workload);
	for (size_t i = m->n; i-- > 0;)
		if (m->records[i].ep_mac.b[5] == workload) {
			m->records[i] = m->records[--m->n];
			m->forgotten++;
		}
}

/* Each that the model has, with all that was said of it; and no other. */
static void compare(struct model *m)
{
	struct bench *b = m->bench;

	look(b);
	assert_int_equal(b->n, m->n);
	assert_int_equal(b->blocks.evicted, m->evicted);
	for (size_t i = 0; i < m->n; i++) {
		const struct block_record *want = &m->records[i];
		size_t k = 0;

		while (k < b->n && !is_same(&b->copy[k], want))
			k++;
		assert_true(k < b->n);
		assert_int_equal(b->copy[k].count, want->count);
		assert_int_equal(b->copy[k].first_us, want->first_us);
		assert_int_equal(b->copy[k].last_us, want->last_us);
		assert_int_equal(b->copy[k].policy_version,
				 want->policy_version);
	}
}

static void hand_over(struct model *m)
{
	struct blocks *b = &m->bench->blocks;
	struct images i;

	images_count(&i);
	blocks_save(b, &i.w);
	images_write(&i);
	blocks_save(b, &i.w);
	images_read(&i);
	memset(b, 0, sizeof *b);
	b->seed = m->random;
	assert_true(blocks_load(b, &i.r));
	free(i.memory);
}

static void test_model(void **state)
{
	uint64_t seed = seed_choose();
	struct model m = { .bench = *state, .random = seed | 1 };

	m.bench->blocks.seed = seed;
	learn_ways(&m);
	assert_true(m.ways > 1);
	for (uint16_t w = 1; w < WORKLOADS; w++)
		learn_port(&m, w);
	m.evicted = m.bench->blocks.evicted;
	for (int i = 0; i < OPERATIONS; i++) {
		if (seed_draw(&m.random, 200))
			op_note(&m);
		else
			op_forget(&m);
		if (seed_draw(&m.random, 100) == 0)
			hand_over(&m);
		compare(&m);
	}
	/* It was worth it. */
	assert_true(m.evicted > 1000 && m.repeated > 1000 && m.forgotten > 100);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_or_not),
		TEST(test_counted),
		TEST(test_newest_first),
		TEST(test_forget_endpoint),
		TEST(test_full),
		TEST(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
