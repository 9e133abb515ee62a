/*
 * A hash of datagrams, and one list of them all by age:
 *
 *   oldest <-> ... <-> newest      circular through entry 0, which holds none
 *
 * All live equally long, so the list is also the order in which they expire.
 * Every entry is on it from the start: an unused one, which is in no bucket, is
 * just older than all others. So remembering one is always the same: take the
 * datagram's own entry or else the oldest, fill it, make it the newest.
 */
#include "packet/frag.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/bug.h"

#define LIMIT_MAX (1u << 24)

/* No padding: hashed and compared as bytes. */
struct frag_key {
	struct ip_addr saddr, daddr;
	uint32_t id;
	uint32_t vlans;
	uint16_t endpoint;
	uint8_t ingress;
	/*
	 * IPv4 only, RFC 791. In IPv6 each fragment may name another next
	 * header, and the first one's counts: RFC 8200 4.5.
	 */
	uint8_t proto;
};
_Static_assert(sizeof(struct frag_key) == 44, "no padding");

struct entry {
	struct frag_key key;
	struct frag_first first;
	bool in_use;
	uint32_t hash;
	uint32_t next_in_bucket; /* 0: none */
	uint32_t older, newer;
	usec_t seen;
};

struct frag_table {
	struct entry *entries; /* 1..limit; 0 is the list's head */
	uint32_t *buckets;
	uint32_t bucket_mask;
	uint64_t seed;
	struct frag_stats stats;
};

struct frag_table *frag_new(uint32_t limit, uint64_t seed)
{
	struct frag_table *t;
	uint32_t n_buckets = 1;

	BUG_ON(limit == 0 || limit > LIMIT_MAX);
	while (n_buckets < limit)
		n_buckets *= 2;
	t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->entries = calloc((size_t)limit + 1, sizeof *t->entries);
	t->buckets = calloc(n_buckets, sizeof *t->buckets);
	if (!t->entries || !t->buckets) {
		frag_free(t);
		return NULL;
	}
	t->bucket_mask = n_buckets - 1;
	t->seed = seed;
	t->stats.limit = limit;
	for (uint32_t i = 0; i <= limit; i++) {
		t->entries[i].newer = i < limit ? i + 1 : 0;
		t->entries[i].older = i > 0 ? i - 1 : limit;
	}
	return t;
}

void frag_free(struct frag_table *t)
{
	if (!t)
		return;
	free(t->buckets);
	free(t->entries);
	free(t);
}

static struct frag_key key_of(const struct packet *p, uint16_t endpoint,
			      bool ingress)
{
	return (struct frag_key){
		.saddr = p->saddr,
		.daddr = p->daddr,
		.id = p->frag_id,
		.vlans = p->vlans,
		.endpoint = endpoint,
		.ingress = ingress,
		.proto = p->ip_version == 4 ? p->proto : 0,
	};
}

static uint32_t hash_of(const struct frag_table *t, const struct frag_key *key)
{
	return (uint32_t)XXH3_64bits_withSeed(key, sizeof *key, t->seed);
}

/* 0: none. */
static uint32_t find(const struct frag_table *t, const struct frag_key *key,
		     uint32_t hash)
{
	uint32_t i = t->buckets[hash & t->bucket_mask];

	while (i && (t->entries[i].hash != hash ||
		     memcmp(&t->entries[i].key, key, sizeof *key) != 0))
		i = t->entries[i].next_in_bucket;
	return i;
}

static bool is_expired(const struct entry *e, usec_t now)
{
	return usec_since(now, e->seen) >= FRAG_LIFE_S * USEC_PER_SEC;
}

static void forget(struct frag_table *t, uint32_t i)
{
	struct entry *e = &t->entries[i];
	uint32_t *link = &t->buckets[e->hash & t->bucket_mask];

	while (*link != i)
		link = &t->entries[*link].next_in_bucket;
	*link = e->next_in_bucket;
	e->in_use = false;
	t->stats.in_use--;
}

static void make_newest(struct frag_table *t, uint32_t i)
{
	struct entry *e = &t->entries[i], *head = &t->entries[0];

	t->entries[e->older].newer = e->newer;
	t->entries[e->newer].older = e->older;
	e->newer = 0;
	e->older = head->older;
	t->entries[head->older].newer = i;
	head->older = i;
}

/* An entry for a datagram that has none. */
static uint32_t take_oldest(struct frag_table *t, const struct frag_key *key,
			    uint32_t hash, usec_t now)
{
	uint32_t i = t->entries[0].newer;
	struct entry *e = &t->entries[i];
	uint32_t *bucket = &t->buckets[hash & t->bucket_mask];

	if (e->in_use) {
		t->stats.evicted += !is_expired(e, now);
		forget(t, i);
	}
	e->key = *key;
	e->hash = hash;
	e->next_in_bucket = *bucket;
	*bucket = i;
	e->in_use = true;
	t->stats.in_use++;
	return i;
}

void frag_remember(struct frag_table *t, const struct packet *p,
		   uint16_t endpoint, bool ingress, usec_t now)
{
	struct frag_key key = key_of(p, endpoint, ingress);
	uint32_t hash = hash_of(t, &key);
	uint32_t i = find(t, &key, hash);

	if (!i)
		i = take_oldest(t, &key, hash, now);
	t->entries[i].seen = now;
	t->entries[i].first = (struct frag_first){
		.sport = p->sport,
		.dport = p->dport,
		.icmp_id = p->icmp_id,
		.proto = p->proto,
		.icmp_type = p->icmp_type,
		.icmp_code = p->icmp_code,
		.icmp_is_error = p->icmp_is_error,
	};
	make_newest(t, i);
}

bool frag_find(struct frag_table *t, const struct packet *p, uint16_t endpoint,
	       bool ingress, usec_t now, struct frag_first *ret)
{
	struct frag_key key = key_of(p, endpoint, ingress);
	uint32_t i = find(t, &key, hash_of(t, &key));

	if (!i || is_expired(&t->entries[i], now))
		return false;
	*ret = t->entries[i].first;
	return true;
}

struct frag_stats frag_stats(const struct frag_table *t)
{
	return t->stats;
}
