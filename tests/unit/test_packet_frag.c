/*
 * The fragment table against a naive model: all datagrams ever remembered, in
 * order, searched from the last one. Random operations are done to both. The
 * seed is printed; WEIR_SEED=n runs that one.
 */
#include "packet/frag.h"

#include <stdlib.h>
#include <time.h>

#include "test.h"

#define LIMIT	   16
#define OPERATIONS 20000
#define LIFE_US	   (FRAG_LIFE_S * USEC_PER_SEC)

/* What tells one datagram from another, small enough to meet again. */
struct name {
	uint16_t endpoint;
	bool ingress;
	uint8_t version, proto, vlan, host;
	uint32_t id;
};

struct model_entry {
	struct name name;
	struct frag_first first;
	usec_t seen;
	bool gone; /* replaced by a later one, or gave way */
};

struct model {
	struct model_entry entries[OPERATIONS];
	size_t n;
	uint64_t evicted;
	uint64_t random;
	usec_t now;
};

static uint32_t draw(struct model *m, uint32_t below)
{
	/* xorshift64, Marsaglia 2003 */
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (uint32_t)(m->random >> 32) % below;
}

static struct name draw_name(struct model *m)
{
	return (struct name){
		.endpoint = (uint16_t)draw(m, 2),
		.ingress = draw(m, 2),
		.version = draw(m, 2) ? 4 : 6,
		.proto = draw(m, 2) ? PROTO_UDP : PROTO_TCP,
		.vlan = (uint8_t)draw(m, 2),
		.host = (uint8_t)draw(m, 2),
		/* IPv6 ids differ above the 16 bits of IPv4 ones, too. */
		.id = draw(m, 2) << 16 | draw(m, 2),
	};
}

static struct packet packet_of(const struct name *n)
{
	return (struct packet){
		.ip_version = n->version,
		.proto = n->proto,
		.vlans = n->vlan,
		.saddr = ip_from_v4(n->host),
		.daddr = ip_from_v4(9),
		.is_fragment = true,
		.frag_id = n->id,
	};
}

/* In IPv6 the protocol of a later fragment may be anything. */
static bool same_datagram(const struct name *a, const struct name *b)
{
	return a->endpoint == b->endpoint && a->ingress == b->ingress &&
	       a->version == b->version && a->vlan == b->vlan &&
	       a->host == b->host && a->id == b->id &&
	       (a->version == 6 || a->proto == b->proto);
}

static struct model_entry *model_find(struct model *m, const struct name *n)
{
	for (size_t i = m->n; i-- > 0;)
		if (!m->entries[i].gone &&
		    same_datagram(&m->entries[i].name, n))
			return &m->entries[i];
	return NULL;
}

static bool is_alive(const struct model *m, const struct model_entry *e)
{
	return usec_since(m->now, e->seen) < LIFE_US;
}

/* The oldest of LIMIT that are kept gives way. */
static void model_make_room(struct model *m)
{
	struct model_entry *oldest = NULL;
	size_t kept = 0;

	for (size_t i = m->n; i-- > 0 && kept < LIMIT;) {
		if (m->entries[i].gone)
			continue;
		oldest = &m->entries[i];
		kept++;
	}
	if (kept < LIMIT)
		return;
	oldest->gone = true;
	m->evicted += is_alive(m, oldest);
}

static void remember(struct model *m, struct frag_table *t)
{
	struct name name = draw_name(m);
	struct packet p = packet_of(&name);
	struct model_entry *old = model_find(m, &name);

	p.sport = (uint16_t)draw(m, 65536);
	p.dport = (uint16_t)draw(m, 65536);
	p.icmp_type = (uint8_t)draw(m, 256);
	p.icmp_is_error = draw(m, 2);
	frag_remember(t, &p, name.endpoint, name.ingress, m->now);
	if (old)
		old->gone = true;
	else
		model_make_room(m);
	m->entries[m->n++] = (struct model_entry){
		.name = name,
		.first = { .sport = p.sport,
			   .dport = p.dport,
			   .proto = p.proto,
			   .icmp_type = p.icmp_type,
			   .icmp_is_error = p.icmp_is_error },
		.seen = m->now,
	};
}

static void find(struct model *m, struct frag_table *t)
{
	static const struct frag_first untouched = { .sport = 4711 };
	struct name name = draw_name(m);
	struct packet p = packet_of(&name);
	const struct model_entry *want = model_find(m, &name);
	struct frag_first got = untouched;
	bool found;

	if (want && !is_alive(m, want))
		want = NULL;
	p.is_later = true;
	found = frag_find(t, &p, name.endpoint, name.ingress, m->now, &got);
	assert_int_equal(found, want != NULL);
	if (!found || !want) {
		assert_int_equal(got.sport, untouched.sport);
		return;
	}
	frag_fill(&p, &got);
	assert_int_equal(p.sport, want->first.sport);
	assert_int_equal(p.dport, want->first.dport);
	assert_int_equal(p.proto, want->first.proto);
	assert_int_equal(p.icmp_type, want->first.icmp_type);
	assert_int_equal(p.icmp_is_error, want->first.icmp_is_error);
}

static void test_model(void **state)
{
	const char *given = getenv("WEIR_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0)
			      : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL;
	struct frag_table *t = frag_new(LIMIT, seed);
	static struct model m;

	print_message("# WEIR_SEED=%llu\n", (unsigned long long)seed);
	m = (struct model){ .now = { 1 }, .random = seed | 1 };
	assert_non_null(t);
	for (int i = 0; i < OPERATIONS; i++) {
		if (draw(&m, 2))
			remember(&m, t);
		else
			find(&m, t);
		m.now = usec_add(m.now, draw(&m, USEC_PER_SEC));
		assert_int_equal(frag_stats(t).evicted, m.evicted);
		assert_true(frag_stats(t).in_use <= LIMIT);
	}
	assert_int_equal(frag_stats(t).limit, LIMIT);
	assert_true(m.evicted > 0);
	frag_free(t);
}

/* To the microsecond. */
static void test_life(void **state)
{
	struct frag_table *t = frag_new(1, 1);
	struct packet p = packet_of(&(struct name){ .version = 4 });
	struct frag_first first;

	assert_non_null(t);
	frag_remember(t, &p, 1, true, (usec_t){ 5 });
	assert_true(frag_find(t, &p, 1, true, (usec_t){ 4 + LIFE_US }, &first));
	assert_false(
		frag_find(t, &p, 1, true, (usec_t){ 5 + LIFE_US }, &first));
	frag_free(t);
	frag_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
