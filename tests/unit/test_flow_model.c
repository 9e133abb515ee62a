/*
 * The flow table against a naive model: an array that is searched from front
 * to back. Random operations are done to both, and after each one all that the
 * table tells is compared. The seed is printed; WEIR_SEED=n runs that one.
 */
#include "flow/flow.h"

#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "test.h"

#define LIMIT	   96
#define OPERATIONS 100000
#define KEYS	   400 /* more than fit, so that the table is full at times */
#define ENDPOINTS  5

struct model_flow {
	struct flow_key key;
	struct flow *f;
	uint32_t id;
	enum flow_class class;
	uint64_t touched; /* order of touches */
	usec_t last_seen;
};

struct model {
	struct flow_table *table;
	struct model_flow flows[LIMIT];
	uint32_t n;
	uint64_t touches;
	usec_t now;
	uint64_t random;
	struct flow_counts want;
	uint32_t ended[LIMIT]; /* what on_end told, in order */
	uint32_t n_ended;
	/* A walk that goes on between operations. */
	uint32_t cursor;
	uint32_t met[LIMIT * 16];
	uint32_t n_met;
};

/* xorshift64*: the same numbers everywhere. */
static uint32_t any(struct model *m, uint32_t below)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (uint32_t)((m->random * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static void told_of_end(void *arg, struct flow *f)
{
	struct model *m = arg;

	assert_true(m->n_ended < LIMIT);
	assert_int_not_equal(f->id, 0);
	m->ended[m->n_ended++] = f->id;
}

static const struct {
	uint8_t proto;
	enum flow_class class;
} protos[] = {
	{ PROTO_TCP, FLOW_CLASS_TCP_OPENING },
	{ PROTO_UDP, FLOW_CLASS_UDP },
	{ PROTO_ICMP, FLOW_CLASS_ICMP },
	{ PROTO_ICMPV6, FLOW_CLASS_ICMP },
	{ PROTO_SCTP, FLOW_CLASS_OTHER },
};

/* The n-th packet, always from the workload, which is the client. */
static struct packet packet_no(uint32_t n, uint16_t *ret_endpoint)
{
	uint8_t proto = protos[n % ARRAY_LEN(protos)].proto;
	bool v6 = proto == PROTO_ICMPV6;
	bool icmp = v6 || proto == PROTO_ICMP;

	*ret_endpoint = (uint16_t)(n % ENDPOINTS * 7);
	return (struct packet){
		.ip_version = v6 ? 6 : 4,
		.ethertype = v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4,
		.vlans = n % 3 ? 0 : 100,
		.proto = proto,
		.saddr = ip_from_v4(0x0a000001 + n % 2),
		.daddr = ip_from_v4(0x0a000100),
		.sport = icmp ? 0 : (uint16_t)(1000 + n),
		.dport = icmp ? 0 : 80,
		.tcp_seq = 7 + n,
		.tcp_flags = proto == PROTO_TCP ? TCP_SYN : 0,
		.tcp_window = 1000,
		.icmp_type = !icmp ? 0
			     : v6  ? 128
				   : 8,
		.icmp_id = icmp ? (uint16_t)n : 0,
	};
}

static struct model_flow *model_find(struct model *m, const struct flow_key *k)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (memcmp(&m->flows[i].key, k, sizeof *k) == 0)
			return &m->flows[i];
	return NULL;
}

static struct model_flow *model_find_id(struct model *m, uint32_t id)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->flows[i].id == id)
			return &m->flows[i];
	return NULL;
}

static uint32_t *model_live(struct model *m, uint8_t proto)
{
	switch (proto) {
	case PROTO_TCP: return &m->want.tcp;
	case PROTO_UDP: return &m->want.udp;
	case PROTO_ICMP:
	case PROTO_ICMPV6: return &m->want.icmp;
	default: return &m->want.other;
	}
}

static uint64_t *model_made(struct model *m, uint8_t proto)
{
	switch (proto) {
	case PROTO_TCP: return &m->want.made_tcp;
	case PROTO_UDP: return &m->want.made_udp;
	case PROTO_ICMP:
	case PROTO_ICMPV6: return &m->want.made_icmp;
	default: return &m->want.made_other;
	}
}

static void model_remove(struct model *m, struct model_flow *f)
{
	m->want.total--;
	--*model_live(m, f->key.proto);
	*f = m->flows[--m->n];
}

static bool model_expired(const struct model *m, const struct model_flow *f)
{
	return usec_since(m->now, f->last_seen) >=
	       flow_class_timeout_s(f->class) * USEC_PER_SEC;
}

/* The one of that class that is to expire next; NULL: none is due. */
static struct model_flow *model_due(struct model *m, enum flow_class class)
{
	struct model_flow *oldest = NULL;

	for (uint32_t i = 0; i < m->n; i++) {
		struct model_flow *f = &m->flows[i];

		if (f->class == class && model_expired(m, f) &&
		    (!oldest || f->touched < oldest->touched))
			oldest = f;
	}
	return oldest;
}

/* What was told of must be `want`, and is gone from the model, too. */
static void assert_ended_one(struct model *m, uint32_t i, uint32_t want)
{
	struct model_flow *f = model_find_id(m, want);

	assert_true(i < m->n_ended);
	assert_int_equal(m->ended[i], want);
	assert_non_null(f);
	model_remove(m, f);
}

static void touch(struct model *m, struct model_flow *f)
{
	f->last_seen = m->now;
	f->touched = ++m->touches;
}

/* Each that ended was the next of its class; fewer than `most`: all are out. */
static void op_expire(struct model *m, uint32_t most)
{
	uint32_t n = flow_expire(m->table, m->now, most);

	assert_int_equal(n, m->n_ended);
	assert_true(n <= most);
	for (uint32_t i = 0; i < n; i++) {
		struct model_flow *f = model_find_id(m, m->ended[i]);

		assert_non_null(f);
		assert_ptr_equal(f, model_due(m, f->class));
		model_remove(m, f);
	}
	for (int c = 0; n < most && c < FLOW_CLASS__MAX; c++)
		assert_null(model_due(m, (enum flow_class)c));
	m->want.expired += n;
}

/* A full table ends first what is due, of what class ever. */
static bool settle_full(struct model *m)
{
	bool any_due = false;

	for (uint32_t i = 0; i < m->n; i++)
		any_due |= model_expired(m, &m->flows[i]);
	assert_true(any_due == (m->n_ended > 0));
	for (uint32_t i = 0; i < m->n_ended; i++) {
		struct model_flow *f = model_find_id(m, m->ended[i]);

		assert_non_null(f);
		assert_true(model_expired(m, f));
		model_remove(m, f);
	}
	m->want.expired += m->n_ended;
	return any_due;
}

static void op_make(struct model *m, const struct packet *p,
		    const struct flow_key *k, enum flow_class class)
{
	bool full = m->n == LIMIT;
	bool may = true;
	struct flow *f;

	f = flow_make(m->table, k, p, true, false, m->now);
	if (full)
		may = settle_full(m);
	else
		assert_int_equal(m->n_ended, 0);
	if (!may) {
		assert_null(f);
		m->want.refused_full++;
		return;
	}
	assert_non_null(f);
	assert_null(model_find_id(m, f->id));
	m->want.total++;
	m->want.made++;
	++*model_live(m, p->proto);
	++*model_made(m, p->proto);
	m->flows[m->n] = (struct model_flow){
		.key = *k,
		.f = f,
		.id = f->id,
		.class = class,
	};
	touch(m, &m->flows[m->n++]);
	assert_int_equal(f->class, class);
	(void)flow_follow(m->table, f, p, FLOW_CLIENT, m->now);
	assert_int_equal(f->class, class);
	assert_int_equal(f->side[FLOW_CLIENT].packets, 1);
}

/* A packet: makes a flow or moves one on. */
static void op_packet(struct model *m)
{
	uint32_t n = any(m, KEYS);
	uint16_t endpoint;
	struct packet p = packet_no(n, &endpoint);
	struct flow_key k = flow_key_of(&p, endpoint, false);
	struct model_flow *known = model_find(m, &k);
	struct flow *f = flow_find(m->table, &k);
	uint64_t before;

	assert_true((f != NULL) == (known != NULL));
	if (!known) {
		op_make(m, &p, &k, protos[n % ARRAY_LEN(protos)].class);
		return;
	}
	assert_ptr_equal(f, known->f);
	before = f->side[FLOW_CLIENT].packets;
	(void)flow_follow(m->table, f, &p, FLOW_CLIENT, m->now);
	assert_int_equal(f->side[FLOW_CLIENT].packets, before + 1);
	touch(m, known);
}

/* LIMIT places are one sweep. */
static uint32_t sweep(struct model *m, int by, uint32_t value)
{
	struct flow_pick pick = { by, value };
	uint32_t cursor = 0, n = 0;

	assert_false(flow_sweep(m->table, pick, &cursor, &n));
	return n;
}

static void op_end(struct model *m)
{
	struct model_flow *f;

	if (m->n == 0)
		return;
	f = &m->flows[any(m, m->n)];
	if (any(m, 2))
		flow_end(m->table, f->f);
	else
		assert_int_equal(sweep(m, FLOW_PICK_ID, f->id), 1);
	assert_int_equal(m->n_ended, 1);
	assert_ended_one(m, 0, f->id);
}

static void op_end_endpoint(struct model *m)
{
	uint16_t endpoint = (uint16_t)(any(m, ENDPOINTS) * 7);
	uint32_t n = sweep(m, FLOW_PICK_ENDPOINT, endpoint), want = 0;

	for (uint32_t i = 0; i < m->n; i++)
		want += m->flows[i].key.endpoint == endpoint;
	assert_int_equal(n, want);
	assert_int_equal(m->n_ended, want);
	for (uint32_t i = 0; i < m->n_ended; i++) {
		struct model_flow *f = model_find_id(m, m->ended[i]);

		assert_non_null(f);
		assert_int_equal(f->key.endpoint, endpoint);
		model_remove(m, f);
	}
}

static void op_end_all(struct model *m)
{
	assert_int_equal(sweep(m, FLOW_PICK_ALL, 0), m->n);
	assert_int_equal(m->n_ended, m->n);
	for (uint32_t i = 0; i < m->n_ended; i++)
		assert_ended_one(m, i, m->ended[i]);
}

/* All are met, each once. */
static void op_walk(struct model *m)
{
	bool met[LIMIT] = { false };
	uint32_t cursor = 0, n = 0;
	struct flow *f;

	while ((f = flow_next(m->table, &cursor))) {
		struct model_flow *known = model_find(m, &f->key);

		assert_non_null(known);
		assert_ptr_equal(known->f, f);
		assert_int_equal(known->id, f->id);
		assert_int_equal(f->class, known->class);
		assert_int_equal(f->last_seen.us, known->last_seen.us);
		assert_false(met[known - m->flows]);
		met[known - m->flows] = true;
		n++;
	}
	assert_int_equal(n, m->n);
}

/* One step of a walk between whose steps flows come and go. */
static void op_slow_walk(struct model *m)
{
	struct flow *f = flow_next(m->table, &m->cursor);

	if (!f || m->n_met == ARRAY_LEN(m->met)) {
		m->cursor = 0;
		m->n_met = 0;
		return;
	}
	assert_non_null(model_find_id(m, f->id));
	for (uint32_t i = 0; i < m->n_met; i++)
		assert_int_not_equal(m->met[i], f->id);
	m->met[m->n_met++] = f->id;
}

static void op_life(struct model *m)
{
	struct model_flow *f;
	uint64_t whole, idle;

	if (m->n == 0)
		return;
	f = &m->flows[any(m, m->n)];
	whole = flow_class_timeout_s(f->class) * USEC_PER_SEC;
	idle = m->now.us - f->last_seen.us;
	assert_int_equal(flow_life_s(f->f, m->now),
			 idle >= whole ? 0 : (whole - idle + 999999) / 1000000);
}

static void operate(struct model *m)
{
	uint32_t what = any(m, 1000);

	m->n_ended = 0;
	if (what < 600)
		op_packet(m);
	else if (what < 700)
		op_end(m);
	else if (what < 705)
		op_end_endpoint(m);
	else if (what < 706)
		op_end_all(m);
	else if (what < 730)
		op_expire(m, UINT32_MAX);
	else if (what < 770)
		op_expire(m, any(m, 4));
	else if (what < 790)
		op_walk(m);
	else if (what < 850)
		op_slow_walk(m);
	else if (what < 870)
		op_life(m);
	else /* whole seconds hit the time-outs to the microsecond */
		m->now = usec_add(m->now, any(m, 2) ? any(m, 3) * USEC_PER_SEC
						    : any(m, 400000));
}

static void assert_counts(struct model *m)
{
	struct flow_counts got = flow_counts(m->table);

	assert_int_equal(got.total, m->n);
	assert_memory_equal(&got, &m->want, sizeof got);
}

static void test_model(void **state)
{
	const char *given = getenv("WEIR_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0)
			      : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL;
	static struct model m;

	print_message("# WEIR_SEED=%llu\n", (unsigned long long)seed);
	m = (struct model){ .now = { USEC_PER_SEC }, .random = seed | 1 };
	m.want.limit = LIMIT;
	m.table = flow_table_new(LIMIT, seed);
	assert_non_null(m.table);
	flow_table_on_end(m.table, told_of_end, &m);
	for (uint32_t i = 0; i < OPERATIONS; i++) {
		operate(&m);
		assert_counts(&m);
	}
	/* It was worth it: the table was full, and flows expired. */
	assert_true(m.want.refused_full > 0);
	assert_true(m.want.expired > 0);
	flow_table_free(m.table);
}

/* To the microsecond, in each class that needs no TCP conversation. */
static void test_expiry_is_exact(void **state)
{
	for (uint32_t n = 0; n < ARRAY_LEN(protos); n++) {
		struct flow_table *t = flow_table_new(FLOWS_MIN, 1);
		uint16_t endpoint;
		struct packet p = packet_no(n, &endpoint);
		struct flow_key k = flow_key_of(&p, endpoint, false);
		usec_t start = { 12345 };
		uint64_t life =
			flow_class_timeout_s(protos[n].class) * USEC_PER_SEC;
		struct flow *f = flow_make(t, &k, &p, true, false, start);

		assert_non_null(f);
		(void)flow_follow(t, f, &p, FLOW_CLIENT, start);
		assert_int_equal(flow_expire(t, usec_add(start, life - 1), 9),
				 0);
		assert_int_equal(flow_life_s(f, usec_add(start, life - 1)), 1);
		assert_int_equal(flow_expire(t, usec_add(start, life), 9), 1);
		assert_null(flow_find(t, &k));
		flow_table_free(t);
	}
}

/* More places than one sweep looks at; every second flow is picked. */
static void test_sweeps(void **state)
{
	enum { FLOWS = 2 * FLOWS_PER_SWEEP + 10 };
	struct flow_table *t = flow_table_new(FLOWS, 1);
	struct flow_pick pick = { FLOW_PICK_ENDPOINT, 1 };
	uint32_t cursor = 0, n = 0, sweeps = 1;
	struct packet p = { .proto = PROTO_UDP, .saddr = ip_from_v4(1) };

	for (uint32_t i = 0; i < FLOWS; i++) {
		struct flow_key k;

		p.daddr = ip_from_v4(i);
		k = flow_key_of(&p, i % 2, false);
		assert_non_null(
			flow_make(t, &k, &p, true, false, (usec_t){ 0 }));
	}
	while (flow_sweep(t, pick, &cursor, &n)) {
		assert_int_equal(n, sweeps * FLOWS_PER_SWEEP / 2);
		sweeps++;
	}
	assert_int_equal(sweeps, 3);
	assert_int_equal(n, FLOWS / 2);
	assert_int_equal(flow_counts(t).total, FLOWS - FLOWS / 2);
	cursor = 0;
	for (const struct flow *f; (f = flow_next(t, &cursor));)
		assert_int_equal(f->key.endpoint, 0);
	flow_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_expiry_is_exact),
		cmocka_unit_test(test_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
