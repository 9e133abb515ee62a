#include "images.h"
#include "inspect/learned.h"
#include "inspect/names.h"
#include "seed.h"
#include "test.h"

#include <stdio.h>

#define S USEC_PER_SEC

static const char *const hosts[] = { "a.x", "b.y", "c.b.y", "q.x" };
static const char *const texts[] = { "a.x", "*.x", "b.y", "*.y", "*.b.y" };

/* --- messages ----------------------------------------------------------- */

static uint8_t space[4096];
static struct outbytes out;

static void put_name(const char *name)
{
	while (*name) {
		size_t len = strcspn(name, ".");

		put_u8(&out, (uint8_t)len);
		put_copy(&out, name, len);
		name += len + (name[len] == '.');
	}
	put_u8(&out, 0);
}

static void begin(bool response, uint16_t id, uint8_t n, const char *qname)
{
	out = outbytes_of(space, sizeof space);
	put_be16(&out, id);
	put_be16(&out, response ? 0x8180 : 0x0100);
	put_copy(&out, "\0\1\0", 3);
	put_u8(&out, n);
	put_zero(&out, 4);
	put_name(qname);
	put_be32(&out, DNS_TYPE_A << 16 | DNS_CLASS_IN);
}

static void put_a(const char *owner, uint32_t ttl, uint8_t addr)
{
	put_name(owner);
	put_be32(&out, DNS_TYPE_A << 16 | DNS_CLASS_IN);
	put_be32(&out, ttl);
	put_be16(&out, 4);
	put_be32(&out, 0x0a000000u | addr);
}

static void put_cname(const char *owner, uint32_t ttl, const char *target)
{
	put_name(owner);
	put_be32(&out, DNS_TYPE_CNAME << 16 | DNS_CLASS_IN);
	put_be32(&out, ttl);
	put_be16(&out, (uint16_t)(strlen(target) + 2));
	put_name(target);
}

static struct dns_msg parsed(void)
{
	struct dns_msg m;

	assert_false(out.full);
	assert_int_equal(dns_parse(bytes_of(space, outbytes_len(&out)), &m),
			 DNS_OK);
	return m;
}

static struct ip_addr address(unsigned n)
{
	return ip_from_v4(0x0a000000u | n);
}

static struct learned_ends ends_of(uint16_t endpoint)
{
	return (struct learned_ends){ .endpoint = endpoint,
				      .client_port = 4000,
				      .resolver_port = 53,
				      .client = address(200),
				      .resolver = address(53) };
}

/* --- one thing at a time ------------------------------------------------ */

struct fixture {
	struct learned *l;
	struct name_set *names;
	struct learned_ends ends;
	usec_t now;
};

static struct fixture fixture_of(const struct learned_limits *limits)
{
	struct fixture f = { .l = learned_new(limits, 1),
			     .names = name_set_next(NULL, texts,
						    ARRAY_LEN(texts), NULL),
			     .ends = ends_of(1),
			     .now = { 100 * S } };

	assert_true(f.l && f.names);
	return f;
}

static void fixture_done(struct fixture *f)
{
	learned_free(f->l);
	name_set_free(f->names);
}

static void ask(struct fixture *f, uint16_t id, const char *qname)
{
	struct dns_msg m;

	begin(false, id, 0, qname);
	m = parsed();
	learned_query(f->l, &f->ends, &m, f->now);
}

/* What was put since begin(true, ...). */
static enum learned_outcome hear(struct fixture *f, const struct snapshot *s)
{
	struct dns_msg m = parsed();

	return learned_answer(f->l, &f->ends, &m, f->names, s, f->now);
}

static unsigned count(const struct fixture *f, uint16_t endpoint, unsigned addr)
{
	uint16_t ids[NAMES_PER_ADDR_MAX];

	return learned_names(f->l, f->names, endpoint, address(addr), f->now,
			     ids);
}

static void only_what_was_asked(void **state)
{
	struct fixture f = fixture_of(&learned_limits_default);
	const struct learned_ends right = f.ends;

	(void)state;
	ask(&f, 7, "a.x");
	begin(true, 7, 1, "a.x");
	put_a("a.x", 60, 1);
	f.ends.endpoint = 2;
	assert_int_equal(hear(&f, NULL), LEARNED_NOT_ASKED);
	f.ends = right;
	f.ends.client_port++;
	assert_int_equal(hear(&f, NULL), LEARNED_NOT_ASKED);
	f.ends = right;
	f.ends.resolver_port++;
	assert_int_equal(hear(&f, NULL), LEARNED_NOT_ASKED);
	f.ends = right;
	f.ends.tcp = true;
	assert_int_equal(hear(&f, NULL), LEARNED_NOT_ASKED);
	f.ends = right;
	f.ends.resolver = address(54);
	assert_int_equal(hear(&f, NULL), LEARNED_NOT_ASKED);
	f.ends = right;
	begin(true, 8, 1, "a.x");
	put_a("a.x", 60, 1);
	assert_int_equal(hear(&f, NULL), LEARNED_NOT_ASKED);
	begin(true, 7, 1, "q.x");
	put_a("q.x", 60, 1);
	assert_int_equal(hear(&f, NULL), LEARNED_NOT_ASKED);
	begin(false, 7, 1, "a.x");
	put_a("a.x", 60, 1);
	assert_int_equal(hear(&f, NULL), LEARNED_NOT_ASKED);
	assert_int_equal(count(&f, 1, 1), 0);
	begin(true, 7, 2, "a.x");
	put_a("q.x", 60, 2); /* not what was asked */
	put_a("a.x", 60, 1);
	assert_int_equal(hear(&f, NULL), LEARNED_ADDRS);
	assert_int_equal(hear(&f, NULL), LEARNED_NOT_ASKED);
	assert_int_equal(count(&f, 1, 1), 2);
	assert_int_equal(count(&f, 1, 2), 0);
	assert_int_equal(count(&f, 2, 1), 0);
	assert_int_equal(learned_stats(f.l).records_foreign, 1);
	ask(&f, 7, "a.x");
	f.now = usec_add(f.now, LEARN_QUERY_LIFE_S * S);
	assert_int_equal(hear(&f, NULL), LEARNED_NOT_ASKED);
	assert_int_equal(learned_stats(f.l).queries_expired, 1);
	ask(&f, 7, "a.x");
	space[2] |= 0x80;
	assert_int_equal(hear(&f, NULL), LEARNED_NOTHING);
	fixture_done(&f);
}

static void aliases_and_ttl(void **state)
{
	struct fixture f = fixture_of(&learned_limits_default);

	(void)state;
	ask(&f, 7, "a.x");
	begin(true, 7, 3, "a.x");
	put_cname("a.x", 40, "c.b.y");
	put_a("c.b.y", 1 << 20, 1);
	put_a("a.x", 60, 2); /* an alias has no address of its own */
	assert_int_equal(hear(&f, NULL), LEARNED_ADDRS);
	assert_int_equal(count(&f, 1, 1), 4); /* a.x *.x *.b.y *.y */
	assert_int_equal(count(&f, 1, 2), 0);
	f.now = usec_add(f.now, 40 * S - 1);
	assert_int_equal(count(&f, 1, 1), 4);
	f.now = usec_add(f.now, 1);
	assert_int_equal(count(&f, 1, 1), 0);
	ask(&f, 8, "b.y");
	begin(true, 8, 2, "b.y");
	put_a("b.y", 0, 1);
	put_a("b.y", INT32_MAX, 2);
	assert_int_equal(hear(&f, NULL), LEARNED_ADDRS);
	f.now = usec_add(f.now, LEARN_TTL_FLOOR_S * S - 1);
	assert_int_equal(count(&f, 1, 1), 2);
	f.now = usec_add(f.now, 1);
	assert_int_equal(count(&f, 1, 1), 0);
	assert_int_equal(count(&f, 1, 2), 2);
	f.now = usec_add(f.now, (LEARN_TTL_CAP_S - LEARN_TTL_FLOOR_S) * S);
	assert_int_equal(count(&f, 1, 2), 0);
	fixture_done(&f);
}

static void teach(struct fixture *f, uint16_t endpoint, unsigned addr)
{
	f->ends = ends_of(endpoint);
	ask(f, 7, "q.x");
	begin(true, 7, 1, "q.x");
	put_a("q.x", 60, (uint8_t)addr);
	assert_int_equal(hear(f, NULL), LEARNED_ADDRS);
}

static void tables_are_bounded(void **state)
{
	static const struct learned_limits small = { 4, 2, 4, 2, 1 };
	struct fixture f = fixture_of(&small);
	struct learned_stats s;

	(void)state;
	teach(&f, 1, 1);
	teach(&f, 2, 1);
	teach(&f, 2, 2);
	teach(&f, 2, 1); /* now 2's newest */
	teach(&f, 2, 3); /* over 2's share: pushes out 2's own */
	assert_true(count(&f, 2, 1) && count(&f, 2, 3) && !count(&f, 2, 2));
	teach(&f, 3, 1);
	teach(&f, 3, 2); /* full: the oldest of all */
	assert_true(!count(&f, 1, 1) && count(&f, 2, 1) && count(&f, 3, 2));
	s = learned_stats(f.l);
	assert_true(s.addrs_evicted == 2 && s.addrs_in_use == 4);
	learned_forget(f.l, 2);
	assert_true(!count(&f, 2, 1) && count(&f, 3, 2));
	for (uint16_t e = 1; e <= 3; e++)
		for (uint16_t id = 0; id < 3; id++) {
			f.ends = ends_of(e);
			ask(&f, id, "a.x");
		}
	s = learned_stats(f.l);
	assert_int_equal(s.queries_in_use, 4);
	/* 1's two were evicted; each had one over its share. */
	assert_true(s.queries_over_share == 3 && s.queries_evicted == 2);
	learned_forget(f.l, 2);
	assert_int_equal(learned_stats(f.l).queries_in_use, 2);
	fixture_done(&f);
}

static void names_of_one_address(void **state)
{
	static char text[NAMES_PER_ADDR_MAX + 1][8];
	const char *all[NAMES_PER_ADDR_MAX + 1];
	struct fixture f = fixture_of(&learned_limits_default);

	(void)state;
	for (unsigned i = 0; i <= NAMES_PER_ADDR_MAX; i++) {
		snprintf(text[i], sizeof text[i], "n%u.z", i);
		all[i] = text[i];
	}
	name_set_free(f.names);
	f.names = name_set_next(NULL, all, ARRAY_LEN(all), NULL);
	for (unsigned i = 0; i <= NAMES_PER_ADDR_MAX; i++) {
		uint16_t ids[NAMES_PER_ADDR_MAX];

		ask(&f, 7, text[i]);
		begin(true, 7, 1, text[i]);
		put_a(text[i], i == 3 ? 40 : 90, 1);
		assert_int_equal(hear(&f, NULL), LEARNED_ADDRS);
		if (i < NAMES_PER_ADDR_MAX)
			continue;
		/* The one that was to end first gave way. */
		assert_int_equal(
			learned_names(f.l, f.names, 1, address(1), f.now, ids),
			NAMES_PER_ADDR_MAX);
		for (unsigned k = 0; k < NAMES_PER_ADDR_MAX; k++)
			assert_int_not_equal(ids[k],
					     name_set_id(f.names, text[3]));
	}
	assert_int_equal(learned_stats(f.l).names_evicted, 1);
	fixture_done(&f);
}

static void external_addresses_are_told(void **state)
{
	static const struct learned_limits small = { 4, 4, 4, 4, 1 };
	struct subnet inside = { .net = ip_from_v4(0x0a000000),
				 .prefix_bits = 96 + 25 };
	struct snapshot_spec spec = { .internal = &inside,
				      .n_internal = 1,
				      .version = 1 };
	struct snapshot *s = snapshot_build(&spec);
	struct fixture f = fixture_of(&small);
	struct ip_name_record r[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		ask(&f, 7, "k.k"); /* no rule's name: told all the same */
		begin(true, 7, 3, "k.k");
		put_a("k.k", 60, 1);
		put_a("k.k", 60, 0x81);
		put_a("k.k", 60, 0x82);
		assert_int_equal(hear(&f, s), LEARNED_ADDRS);
		assert_int_equal(learned_drain_ip_names(f.l, f.now, r, 2),
				 i == 0);
	}
	assert_int_equal(learned_stats(f.l).ip_names_not_told, 2);
	assert_true(ip_equal(r[0].ip, address(0x81)) && !r[0].released);
	assert_string_equal(r[0].name, "k.k");
	ask(&f, 7, "k.j");
	begin(true, 7, 1, "k.j");
	put_a("k.j", 60, 0x81);
	assert_int_equal(hear(&f, s), LEARNED_ADDRS);
	assert_int_equal(learned_drain_ip_names(f.l, f.now, r, 0), 0);
	assert_true(learned_has_ip_name(f.l, address(0x81)));
	assert_false(learned_has_ip_name(f.l, address(0x82)));
	assert_int_equal(learned_drain_ip_names(f.l, f.now, r, 2), 1);
	assert_true(learned_has_ip_name(f.l, address(0x81)));
	assert_string_equal(r[0].name, "k.j");
	f.now = usec_add(f.now, LEARN_IP_NAME_S * S - 1);
	assert_int_equal(learned_drain_ip_names(f.l, f.now, r, 2), 0);
	f.now = usec_add(f.now, 1);
	assert_int_equal(learned_drain_ip_names(f.l, f.now, r, 2), 1);
	assert_true(r[0].released && r[0].name[0] == 0);
	assert_false(learned_has_ip_name(f.l, address(0x81)));
	assert_int_equal(learned_stats(f.l).ip_names_in_use, 0);
	fixture_done(&f);
	snapshot_free(s);
}

/* --- against a naive model ---------------------------------------------- */

#define ENDPOINTS 3
#define ADDRS	  4
#define IDS	  2
#define HOSTS	  ARRAY_LEN(hosts)
#define TEXTS	  ARRAY_LEN(texts)

struct model {
	uint64_t random;
	struct fixture f;
	bool in_set[TEXTS];
	usec_t asked[ENDPOINTS][IDS][HOSTS]; /* 0: not outstanding */
	usec_t expires[ENDPOINTS][ADDRS][TEXTS];
};

static bool naive_is(const char *text, const char *host)
{
	size_t t = strlen(text), h = strlen(host);

	if (text[0] != '*')
		return strcmp(text, host) == 0;
	return h > t - 1 && strcmp(host + h - (t - 1), text + 1) == 0;
}

static void change_set(struct model *k)
{
	const char *chosen[TEXTS];
	struct name_set *next;
	size_t n = 0;

	for (size_t t = 0; t < TEXTS; t++) {
		k->in_set[t] = seed_draw(&k->random, 4) != 0;
		if (k->in_set[t])
			chosen[n++] = texts[t];
		for (int e = 0; e < ENDPOINTS && !k->in_set[t]; e++)
			for (int a = 0; a < ADDRS; a++)
				k->expires[e][a][t].us = 0;
	}
	next = name_set_next(k->f.names, chosen, n, NULL);
	assert_non_null(next);
	name_set_free(k->f.names);
	k->f.names = next;
}

/* What the model makes of an answer: a CNAME, perhaps, and one address. */
static void naive_learn(struct model *k, size_t host, size_t alias, int addr,
			uint32_t ttl)
{
	unsigned e = k->f.ends.endpoint;
	usec_t end = usec_add(
		k->f.now,
		(ttl < LEARN_TTL_FLOOR_S ? LEARN_TTL_FLOOR_S : ttl) * S);

	for (size_t t = 0; t < TEXTS; t++) {
		usec_t *x = &k->expires[e][addr][t];

		if (k->in_set[t] &&
		    (naive_is(texts[t], hosts[host]) ||
		     naive_is(texts[t], hosts[alias])) &&
		    usec_before(*x, end))
			*x = end;
	}
}

static void random_answer(struct model *k, uint16_t id, size_t host)
{
	size_t alias = seed_draw(&k->random, 2) ? seed_draw(&k->random, HOSTS)
						: host;
	int addr = (int)seed_draw(&k->random, ADDRS);
	uint32_t ttl1 = seed_draw(&k->random, 60);
	uint32_t ttl2 = seed_draw(&k->random, 60);
	usec_t *asked = &k->asked[k->f.ends.endpoint][id][host];
	bool waits = asked->us &&
		     usec_since(k->f.now, *asked) < LEARN_QUERY_LIFE_S * S;

	begin(true, id, alias != host ? 2 : 1, hosts[host]);
	if (alias != host)
		put_cname(hosts[host], ttl1, hosts[alias]);
	put_a(hosts[alias], ttl2, (uint8_t)addr);
	assert_int_equal(hear(&k->f, NULL),
			 waits ? LEARNED_ADDRS : LEARNED_NOT_ASKED);
	asked->us = 0;
	if (waits)
		naive_learn(k, host, alias, addr,
			    alias != host && ttl1 < ttl2 ? ttl1 : ttl2);
}

static void forget(struct model *k)
{
	uint16_t e = k->f.ends.endpoint;

	learned_forget(k->f.l, e);
	memset(k->asked[e], 0, sizeof k->asked[e]);
	memset(k->expires[e], 0, sizeof k->expires[e]);
}

/* Its successor has the same names, under other numbers. */
static void hand_over(struct model *k)
{
	struct learned *next = learned_new(&learned_limits_default, k->random);
	struct name_set *names, *other;
	const char *chosen[TEXTS];
	struct names_kept kept;
	struct images i;
	size_t n = 0;

	for (size_t t = TEXTS; t-- > 0;)
		if (k->in_set[t])
			chosen[n++] = texts[t];
	other = name_set_next(NULL, hosts, seed_draw(&k->random, HOSTS), NULL);
	names = name_set_next(other, chosen, n, NULL);
	assert_true(next && other && names);
	images_count(&i);
	learned_save(k->f.l, &i.w);
	names_save(k->f.names, &i.w);
	images_write(&i);
	learned_save(k->f.l, &i.w);
	names_save(k->f.names, &i.w);
	images_read(&i);
	assert_true(names_load(names, &i.r, &kept));
	assert_true(learned_load(next, &i.r, &kept, names));
	free(i.memory);
	learned_free(k->f.l);
	name_set_free(k->f.names);
	name_set_free(other);
	k->f.l = next;
	k->f.names = names;
}

static void compare(struct model *k)
{
	for (uint16_t e = 0; e < ENDPOINTS; e++)
		for (unsigned a = 0; a < ADDRS; a++) {
			unsigned want = 0;
			uint16_t ids[NAMES_PER_ADDR_MAX];
			unsigned n = learned_names(k->f.l, k->f.names, e,
						   address(a), k->f.now, ids);

			for (size_t t = 0; t < TEXTS; t++)
				if (usec_before(k->f.now, k->expires[e][a][t]))
					want |= 1u << name_set_id(k->f.names,
								  texts[t]);
			for (unsigned i = 0; i < n; i++) {
				assert_true(want & 1u << ids[i]);
				want &= ~(1u << ids[i]);
			}
			assert_int_equal(want, 0);
		}
}

static void random_talk(void **state)
{
	struct model k = { .random = seed_choose() | 1,
			   .f = fixture_of(&learned_limits_default) };

	(void)state;
	change_set(&k);
	for (int i = 0; i < 100000; i++) {
		uint16_t id = (uint16_t)seed_draw(&k.random, IDS);
		size_t host = seed_draw(&k.random, HOSTS);
		uint32_t what = seed_draw(&k.random, 100);

		k.f.ends = ends_of((uint16_t)seed_draw(&k.random, ENDPOINTS));
		k.f.now = usec_add(k.f.now, seed_draw(&k.random, 2 * S));
		if (seed_draw(&k.random, 1000) == 0)
			hand_over(&k);
		if (what == 0) {
			forget(&k);
		} else if (what < 4) {
			change_set(&k);
		} else if (what < 50) {
			ask(&k.f, id, hosts[host]);
			k.asked[k.f.ends.endpoint][id][host] = k.f.now;
		} else {
			random_answer(&k, id, host);
		}
		compare(&k);
	}
	fixture_done(&k.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_was_asked),
		cmocka_unit_test(aliases_and_ttl),
		cmocka_unit_test(tables_are_bounded),
		cmocka_unit_test(names_of_one_address),
		cmocka_unit_test(external_addresses_are_told),
		cmocka_unit_test(random_talk),
	};

	return cmocka_run_group_tests_name("inspect_learned", tests, NULL,
					   NULL);
}
