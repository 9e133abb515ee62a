/*
 * Theory. Three bounded tables.
 *
 * Queries: found by all that an answer must have in common with its question,
 * in the order of their age, which is that of their expiry. A query asked
 * again is the same one, only younger. An answer takes its query away: a
 * second one, forged or late, finds none.
 *
 * Addresses: (workload, address) with up to NAMES_PER_ADDR_MAX names, each
 * until its own time. Two orders by the last answer: of all (lru) and of each
 * workload (older/newer), so that who fills his share pushes out himself. A
 * name counts while the set has one of that number and birth, so a changed set
 * needs no walk through the table. An address whose names are all over stays
 * until its place is needed or it is learned again.
 *
 * An answer is read in one go, as stub resolvers do: records of the name
 * asked for; a CNAME goes on with its target. What is of another name is not
 * believed, so no answer teaches of what was not asked.
 *
 *     www.shop.x  CNAME  cdn.y      names: www.shop.x, *.shop.x
 *     cdn.y       A      10.0.0.1   and cdn.y; all three, min. of both TTLs
 *
 * External addresses: LIST_NEWS waits to be told, LIST_TOLD was told and
 * expires, in the order of the last answer.
 */
#include "inspect/learned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/bug.h"
#include "inspect/learned_own.h"

/* Matching names of one host counted at most; a host has 128 labels. */
#define MATCH_MAX 128
/* Old queries forgotten by one call; more than one call adds. */
#define EXPIRE_STEP 4

_Static_assert(DNS_TEXT_MAX == FQDN_TEXT_MAX, "a DNS name fits a record");

const struct learned_limits learned_limits_default = {
	.queries = LEARN_QUERIES_MAX,
	.queries_share = LEARN_QUERIES_SHARE,
	.addrs = LEARN_ADDRS_MAX,
	.addrs_share = LEARN_ADDRS_SHARE,
	.ip_names = LEARN_IP_NAMES_MAX,
};

struct learned *learned_new(const struct learned_limits *limits, uint64_t seed)
{
	struct learned *l = calloc(1, sizeof *l);

	BUG_ON(limits->queries_share == 0 || limits->addrs_share == 0);
	if (!l)
		return NULL;
	l->limits = *limits;
	l->seed = seed;
	l->query = calloc((size_t)limits->queries + 1, sizeof *l->query);
	l->addr = calloc((size_t)limits->addrs + 1, sizeof *l->addr);
	l->ip_name = calloc((size_t)limits->ip_names + 1, sizeof *l->ip_name);
	l->shares = calloc(ENDPOINTS_MAX, sizeof *l->shares);
	l->news = calloc(LEARN_NEWS_MAX, sizeof *l->news);
	if (l->query && l->addr && l->ip_name && l->shares && l->news &&
	    lru_init(&l->queries, limits->queries) == 0 &&
	    lru_init(&l->addrs, limits->addrs) == 0 &&
	    lru_init(&l->ip_names, limits->ip_names) == 0)
		return l;
	learned_free(l);
	return NULL;
}

void learned_free(struct learned *l)
{
	if (!l)
		return;
	lru_done(&l->queries);
	lru_done(&l->addrs);
	lru_done(&l->ip_names);
	free(l->query);
	free(l->addr);
	free(l->ip_name);
	free(l->shares);
	free(l->news);
	free(l);
}

static uint32_t hash_of(const struct learned *l, const void *key, size_t len)
{
	return (uint32_t)XXH3_64bits_withSeed(key, len, l->seed);
}

/* --- queries ----------------------------------------------------------- */

static struct query_key query_key_of(const struct learned_ends *e,
				     const struct dns_msg *m)
{
	return (struct query_key){ .client = e->client,
				   .resolver = e->resolver,
				   .endpoint = e->endpoint,
				   .client_port = e->client_port,
				   .resolver_port = e->resolver_port,
				   .tcp = e->tcp,
				   .id = m->id,
				   .qtype = m->qtype };
}

static bool same_name(const struct dns_name *a, const struct dns_name *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static uint32_t find_query(const struct learned *l, uint32_t hash,
			   const struct query_key *key,
			   const struct dns_name *name)
{
	uint32_t i = lru_find(&l->queries, hash);

	while (i && (memcmp(&l->query[i].key, key, sizeof *key) != 0 ||
		     !same_name(&l->query[i].name, name)))
		i = lru_same(&l->queries, i);
	return i;
}

static void drop_query(struct learned *l, uint32_t i)
{
	l->shares[l->query[i].key.endpoint].n_queries--;
	lru_release(&l->queries, i);
}

static bool is_over(const struct query *q, usec_t now)
{
	return usec_since(now, q->asked) >= LEARN_QUERY_LIFE_S * USEC_PER_SEC;
}

static void expire_queries(struct learned *l, usec_t now)
{
	for (int n = 0; n < EXPIRE_STEP; n++) {
		uint32_t i = lru_oldest(&l->queries, 0);

		if (!i || !is_over(&l->query[i], now))
			return;
		drop_query(l, i);
		l->stats.queries_expired++;
	}
}

static bool is_question(const struct dns_msg *m)
{
	return m->opcode == DNS_OPCODE_QUERY && m->has_question &&
	       m->qclass == DNS_CLASS_IN;
}

void learned_query(struct learned *l, const struct learned_ends *ends,
		   const struct dns_msg *m, usec_t now)
{
	struct query_key key = query_key_of(ends, m);
	struct share *share = &l->shares[ends->endpoint];
	uint32_t hash = hash_of(l, &key, sizeof key), i;

	expire_queries(l, now);
	if (m->response || !is_question(m))
		return;
	l->stats.queries++;
	i = find_query(l, hash, &key, &m->qname);
	if (i) {
		l->query[i].asked = now;
		lru_move(&l->queries, i, 0);
		return;
	}
	if (share->n_queries >= l->limits.queries_share) {
		l->stats.queries_over_share++;
		return;
	}
	i = lru_take(&l->queries, hash, 0);
	if (!i) {
		drop_query(l, lru_oldest(&l->queries, 0));
		l->stats.queries_evicted++;
		i = lru_take(&l->queries, hash, 0);
	}
	share->n_queries++;
	l->query[i].key = key;
	l->query[i].name = m->qname;
	l->query[i].asked = now;
}

/* Was it asked for? Then it is not any more. */
static bool take_query(struct learned *l, const struct learned_ends *ends,
		       const struct dns_msg *m, usec_t now)
{
	struct query_key key = query_key_of(ends, m);
	uint32_t i;

	expire_queries(l, now);
	if (!m->response || !is_question(m))
		return false;
	i = find_query(l, hash_of(l, &key, sizeof key), &key, &m->qname);
	if (!i || is_over(&l->query[i], now))
		return false;
	drop_query(l, i);
	return true;
}

/* --- addresses --------------------------------------------------------- */

static uint32_t find_addr(const struct learned *l, const struct addr_key *key)
{
	uint32_t i = lru_find(&l->addrs, hash_of(l, key, sizeof *key));

	while (i && memcmp(&l->addr[i].key, key, sizeof *key) != 0)
		i = lru_same(&l->addrs, i);
	return i;
}

/* Out of its workload's order. */
static void unlink_addr(struct learned *l, uint32_t i)
{
	struct addr *a = &l->addr[i];
	struct share *share = &l->shares[a->key.endpoint];

	if (a->older)
		l->addr[a->older].newer = a->newer;
	else
		share->oldest = a->newer;
	if (a->newer)
		l->addr[a->newer].older = a->older;
	else
		share->newest = a->older;
	share->n_addrs--;
}

void learned_link_newest(struct learned *l, uint32_t i)
{
	struct addr *a = &l->addr[i];
	struct share *share = &l->shares[a->key.endpoint];

	a->older = share->newest;
	a->newer = 0;
	if (share->newest)
		l->addr[share->newest].newer = i;
	else
		share->oldest = i;
	share->newest = i;
	share->n_addrs++;
}

static void drop_addr(struct learned *l, uint32_t i)
{
	unlink_addr(l, i);
	lru_release(&l->addrs, i);
}

/* The entry of that address, now the newest. */
static struct addr *addr_of(struct learned *l, const struct addr_key *key)
{
	struct share *share = &l->shares[key->endpoint];
	uint32_t hash = hash_of(l, key, sizeof *key);
	uint32_t i = find_addr(l, key), old = 0;

	if (i) {
		unlink_addr(l, i);
		lru_move(&l->addrs, i, 0);
		learned_link_newest(l, i);
		return &l->addr[i];
	}
	if (share->n_addrs >= l->limits.addrs_share)
		old = share->oldest;
	else if (l->addrs.in_use == l->limits.addrs)
		old = lru_oldest(&l->addrs, 0);
	if (old) {
		drop_addr(l, old);
		l->stats.addrs_evicted++;
	}
	i = lru_take(&l->addrs, hash, 0);
	BUG_ON(!i);
	l->addr[i].key = *key;
	l->addr[i].n = 0;
	learned_link_newest(l, i);
	return &l->addr[i];
}

static bool is_live(const struct owned_name *o, const struct name_set *names,
		    usec_t now)
{
	return usec_before(now, o->expires) &&
	       name_set_birth(names, o->id) == o->birth;
}

/* Frees the places of names that are over. */
static void tidy_names(struct addr *a, const struct name_set *names, usec_t now)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < a->n; i++)
		if (is_live(&a->names[i], names, now))
			a->names[n++] = a->names[i];
	a->n = n;
}

static void tell_news(struct learned *l, const struct addr *a,
		      const struct name_set *names, struct owned_name new)
{
	if (name_set_text(names, new.id)[0] != '*')
		return;
	if (l->n_news == LEARN_NEWS_MAX)
		l->stats.news_not_told++;
	else
		l->news[l->n_news++] =
			(struct news){ a->key.addr, new.birth, new.id };
}

/* a is tidy: a name of that number is that name. */
static void own_name(struct learned *l, struct addr *a,
		     const struct name_set *names, struct owned_name new)
{
	uint16_t first = 0, i = 0;

	for (; i < a->n && a->names[i].id != new.id; i++)
		if (usec_before(a->names[i].expires, a->names[first].expires))
			first = i;
	if (i < a->n) {
		if (usec_before(a->names[i].expires, new.expires))
			a->names[i].expires = new.expires;
		return;
	}
	tell_news(l, a, names, new);
	if (a->n < NAMES_PER_ADDR_MAX) {
		a->names[a->n++] = new;
		return;
	}
	a->names[first] = new;
	l->stats.names_evicted++;
}

unsigned learned_names(const struct learned *l, const struct name_set *names,
		       uint16_t endpoint, struct ip_addr a, usec_t now,
		       uint16_t ids[static NAMES_PER_ADDR_MAX])
{
	uint32_t i = find_addr(l, &(struct addr_key){ a, endpoint });
	unsigned n = 0;

	if (!i)
		return 0;
	for (uint16_t k = 0; k < l->addr[i].n; k++)
		if (is_live(&l->addr[i].names[k], names, now))
			ids[n++] = l->addr[i].names[k].id;
	return n;
}

void learned_forget(struct learned *l, uint16_t endpoint)
{
	uint32_t cursor = 0, i;

	while (l->shares[endpoint].oldest)
		drop_addr(l, l->shares[endpoint].oldest);
	if (l->shares[endpoint].n_queries == 0)
		return;
	while ((i = lru_walk(&l->queries, &cursor)))
		if (l->query[i].key.endpoint == endpoint)
			drop_query(l, i);
}

/* --- names of external addresses --------------------------------------- */

static uint32_t find_ip_name(const struct learned *l, struct ip_addr a)
{
	uint32_t i = lru_find(&l->ip_names, hash_of(l, &a, sizeof a));

	while (i && !ip_equal(l->ip_name[i].ip, a))
		i = lru_same(&l->ip_names, i);
	return i;
}

bool learned_has_ip_name(const struct learned *l, struct ip_addr a)
{
	return find_ip_name(l, a) != 0;
}

static void name_ip(struct learned *l, struct ip_addr a,
		    const struct dns_name *name, usec_t now)
{
	uint32_t i = find_ip_name(l, a);
	struct ip_name *n;
	unsigned list = LIST_NEWS;

	if (!i) {
		i = lru_take(&l->ip_names, hash_of(l, &a, sizeof a), LIST_NEWS);
		if (!i) {
			l->stats.ip_names_not_told++;
			return;
		}
	} else {
		if (strcmp(l->ip_name[i].name, name->text) == 0)
			list = l->ip_names.links[i].list;
		lru_move(&l->ip_names, i, list);
	}
	n = &l->ip_name[i];
	n->ip = a;
	n->answered = now;
	memcpy(n->name, name->text, name->len + 1u);
}

size_t learned_drain_ip_names(struct learned *l, usec_t now,
			      struct ip_name_record *out, size_t max)
{
	struct lru *t = &l->ip_names;
	size_t n = 0;
	uint32_t i;

	while (n < max && (i = lru_oldest(t, LIST_TOLD))) {
		if (usec_since(now, l->ip_name[i].answered) <
		    LEARN_IP_NAME_S * USEC_PER_SEC)
			break;
		memset(&out[n], 0, sizeof out[n]);
		out[n].ip = l->ip_name[i].ip;
		out[n++].released = true;
		lru_release(t, i);
	}
	while (n < max && (i = lru_oldest(t, LIST_NEWS))) {
		out[n].ip = l->ip_name[i].ip;
		out[n].released = false;
		memcpy(out[n++].name, l->ip_name[i].name, FQDN_TEXT_MAX);
		lru_move(t, i, LIST_TOLD);
	}
	return n;
}

bool learned_drain_fqdn(struct learned *l, const struct name_set *names,
			struct fqdn_record *ret)
{
	uint32_t kept = 0;

	ret->n_ips = 0;
	for (uint32_t i = 0; i < l->n_news; i++) {
		const struct news *n = &l->news[i];

		if (name_set_birth(names, n->id) != n->birth)
			continue; /* no rule speaks of it any more */
		if (ret->n_ips == 0)
			(void)snprintf(ret->name, sizeof ret->name, "%s",
				       name_set_text(names, n->id));
		if (ret->n_ips < FQDN_IPS_PER_MSG &&
		    strcmp(ret->name, name_set_text(names, n->id)) == 0)
			ret->ips[ret->n_ips++] = n->ip;
		else
			l->news[kept++] = *n;
	}
	l->n_news = kept;
	return ret->n_ips > 0;
}

/* --- answers ----------------------------------------------------------- */

/* An answer that is being read. */
struct reading {
	struct learned *l;
	const struct learned_ends *ends;
	const struct dns_msg *m;
	const struct name_set *names;
	const struct snapshot *s;
	usec_t now;
	struct dns_name current; /* whose records count */
	uint32_t ttl_s;		 /* the least of the CNAMEs so far */
	uint16_t ids[NAMES_PER_ADDR_MAX];
	unsigned n_ids, n_addrs;
};

/* The names of the set that `current` is. */
static void add_ids(struct reading *r)
{
	uint16_t found[MATCH_MAX];
	unsigned n = name_set_match(r->names, r->current.text, r->current.len,
				    found, MATCH_MAX);

	for (unsigned i = 0; i < n; i++) {
		unsigned k = 0;

		while (k < r->n_ids && r->ids[k] != found[i])
			k++;
		if (k < r->n_ids)
			continue;
		if (r->n_ids == NAMES_PER_ADDR_MAX)
			r->l->stats.names_evicted++;
		else
			r->ids[r->n_ids++] = found[i];
	}
}

static usec_t expiry(const struct reading *r, uint32_t ttl_s)
{
	if (ttl_s > r->ttl_s)
		ttl_s = r->ttl_s;
	if (ttl_s < LEARN_TTL_FLOOR_S)
		ttl_s = LEARN_TTL_FLOOR_S;
	if (ttl_s > LEARN_TTL_CAP_S)
		ttl_s = LEARN_TTL_CAP_S;
	return usec_add(r->now, ttl_s * USEC_PER_SEC);
}

static void learn(struct reading *r, const struct dns_record *record)
{
	struct addr_key key = { record->addr, r->ends->endpoint };
	struct owned_name o = { .expires = expiry(r, record->ttl_s) };
	struct addr *a;

	r->n_addrs++;
	if (r->s && !snapshot_is_internal(r->s, record->addr))
		name_ip(r->l, record->addr, &r->m->qname, r->now);
	if (r->n_ids == 0)
		return;
	a = addr_of(r->l, &key);
	tidy_names(a, r->names, r->now);
	for (unsigned i = 0; i < r->n_ids; i++) {
		o.id = r->ids[i];
		o.birth = name_set_birth(r->names, o.id);
		own_name(r->l, a, r->names, o);
	}
}

static bool gives_address(const struct reading *r, const struct dns_record *d)
{
	return (d->type == DNS_TYPE_A || d->type == DNS_TYPE_AAAA) &&
	       (r->m->qtype == d->type || r->m->qtype == DNS_TYPE_ANY);
}

static void read_answers(struct reading *r)
{
	struct dns_cursor c = { 0 };
	struct dns_record record;

	r->current = r->m->qname;
	add_ids(r);
	while (dns_next_answer(r->m, &c, &record)) {
		if (record.class != DNS_CLASS_IN ||
		    !same_name(&record.owner, &r->current)) {
			r->l->stats.records_foreign++;
		} else if (record.type == DNS_TYPE_CNAME) {
			r->current = record.target;
			if (record.ttl_s < r->ttl_s)
				r->ttl_s = record.ttl_s;
			add_ids(r);
		} else if (gives_address(r, &record)) {
			learn(r, &record);
		}
	}
}

enum learned_outcome learned_answer(struct learned *l,
				    const struct learned_ends *ends,
				    const struct dns_msg *m,
				    const struct name_set *names,
				    const struct snapshot *s, usec_t now)
{
	struct reading r = { .l = l,
			     .ends = ends,
			     .m = m,
			     .names = names,
			     .s = s,
			     .now = now,
			     .ttl_s = UINT32_MAX };

	if (!take_query(l, ends, m, now)) {
		l->stats.answers_not_asked++;
		return LEARNED_NOT_ASKED;
	}
	/* Who gets a cut answer asks again by TCP. */
	if (m->rcode == DNS_RCODE_OK && !m->truncated)
		read_answers(&r);
	if (r.n_addrs == 0) {
		l->stats.answers_empty++;
		return LEARNED_NOTHING;
	}
	l->stats.answers_used++;
	return LEARNED_ADDRS;
}

struct learned_stats learned_stats(const struct learned *l)
{
	struct learned_stats s = l->stats;

	s.queries_in_use = l->queries.in_use;
	s.addrs_in_use = l->addrs.in_use;
	s.ip_names_in_use = l->ip_names.in_use;
	s.news_in_use = l->n_news;
	return s;
}
