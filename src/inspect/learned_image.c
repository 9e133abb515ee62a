/*
 * Theory. Each table is saved as its places (base/lru.h), and beside them what is
 * there, by place. What follows from that is made anew: the order of a workload's
 * addresses is the order of all, as both are by the last answer; and its shares.
 *
 * Names have other numbers in another process (inspect/names.h). One of which no
 * rule speaks there has nothing to say, and goes.
 */
#include <string.h>

#include "inspect/learned_own.h"
#include "inspect/names.h"

#define OWNER "learned"

struct saved_head {
	struct learned_limits limits;
	uint32_t reserved;
	uint64_t seed;
	struct learned_stats stats;
};
IMAGE_PART(saved_head, "head", struct saved_head, 1);
IMAGE_PART(saved_queries, "queries", struct query, 1);
IMAGE_PART(saved_addrs, "addrs", struct addr, 1);
IMAGE_PART(saved_ip_names, "ip_names", struct ip_name, 1);
IMAGE_PART(saved_news, "news", struct news, 1);

/* The places of the tables have owners of their own. */
#define OF_QUERIES  "learned.queries"
#define OF_ADDRS    "learned.addrs"
#define OF_IP_NAMES "learned.ip"

static void save_table(const struct lru *places, const char *of,
		       const struct image_part *part, const void *entries,
		       struct image_writer *w)
{
	uint32_t cursor = 0, i;
	uint8_t *to;

	lru_save(places, of, w);
	to = image_room(w, of, part, places->in_use);
	while (to && (i = lru_walk(places, &cursor))) {
		memcpy(to, (const uint8_t *)entries + (size_t)i * part->size,
		       part->size);
		to += part->size;
	}
}

void learned_save(const struct learned *l, struct image_writer *w)
{
	struct saved_head head = { .limits = l->limits,
				   .seed = l->seed,
				   .stats = l->stats };

	image_put(w, OWNER, &saved_head, &head, 1);
	save_table(&l->queries, OF_QUERIES, &saved_queries, l->query, w);
	save_table(&l->addrs, OF_ADDRS, &saved_addrs, l->addr, w);
	save_table(&l->ip_names, OF_IP_NAMES, &saved_ip_names, l->ip_name, w);
	image_put(w, OWNER, &saved_news, l->news, l->n_news);
}

/* lists: that are used of the table. */
static bool load_table(struct lru *places, const char *of,
		       const struct image_part *part, void *entries,
		       unsigned lists, const struct image_reader *r)
{
	uint64_t n;
	const uint8_t *from = image_get(r, of, part, &n);
	uint32_t cursor = 0, i;

	if (!from || !lru_load(places, of, r) || n != places->in_use)
		return false;
	while (lists < LRU_LISTS_MAX)
		if (lru_count(places, lists++) > 0)
			return false;
	while ((i = lru_walk(places, &cursor))) {
		memcpy((uint8_t *)entries + (size_t)i * part->size, from,
		       part->size);
		from += part->size;
	}
	return true;
}

static bool take_queries(struct learned *l)
{
	uint32_t cursor = 0, i;

	while ((i = lru_walk(&l->queries, &cursor))) {
		const struct query *q = &l->query[i];

		if (q->key.endpoint >= ENDPOINTS_MAX ||
		    q->name.len >= sizeof q->name.text)
			return false;
		l->shares[q->key.endpoint].n_queries++;
	}
	return true;
}

static bool take_addrs(struct learned *l, const struct names_kept *kept,
		       const struct name_set *names)
{
	uint32_t i = lru_oldest(&l->addrs, 0);

	for (; i; i = lru_newer(&l->addrs, i)) {
		struct addr *a = &l->addr[i];
		uint16_t n = 0;

		if (a->key.endpoint >= ENDPOINTS_MAX ||
		    a->n > NAMES_PER_ADDR_MAX)
			return false;
		for (uint16_t k = 0; k < a->n; k++)
			if (names_here(kept, names, &a->names[k].id,
				       &a->names[k].birth))
				a->names[n++] = a->names[k];
		a->n = n;
		learned_link_newest(l, i);
	}
	return true;
}

static bool take_ip_names(const struct learned *l)
{
	uint32_t cursor = 0, i;

	while ((i = lru_walk(&l->ip_names, &cursor)))
		if (!memchr(l->ip_name[i].name, '\0', FQDN_TEXT_MAX))
			return false;
	return true;
}

static bool take_news(struct learned *l, const struct image_reader *r,
		      const struct names_kept *kept,
		      const struct name_set *names)
{
	uint64_t n;
	const struct news *from = image_get(r, OWNER, &saved_news, &n);

	if (!from || n > LEARN_NEWS_MAX)
		return false;
	for (uint64_t i = 0; i < n; i++) {
		struct news *to = &l->news[l->n_news];

		*to = from[i];
		l->n_news += names_here(kept, names, &to->id, &to->birth);
	}
	return true;
}

static void release_all(struct lru *places)
{
	uint32_t cursor = 0, i;

	while ((i = lru_walk(places, &cursor)))
		lru_release(places, i);
}

static void forget_all(struct learned *l)
{
	release_all(&l->queries);
	release_all(&l->addrs);
	release_all(&l->ip_names);
	memset(l->shares, 0, ENDPOINTS_MAX * sizeof *l->shares);
	l->n_news = 0;
}

static bool is_like(const struct saved_head *h, const struct learned *l)
{
	return memcmp(&h->limits, &l->limits, sizeof h->limits) == 0;
}

bool learned_load(struct learned *l, const struct image_reader *r,
		  const struct names_kept *kept, const struct name_set *names)
{
	struct saved_head head;

	if (!image_take(r, OWNER, &saved_head, &head, 1) || !is_like(&head, l))
		return false;
	if (!load_table(&l->queries, OF_QUERIES, &saved_queries, l->query, 1,
			r) ||
	    !load_table(&l->addrs, OF_ADDRS, &saved_addrs, l->addr, 1, r) ||
	    !load_table(&l->ip_names, OF_IP_NAMES, &saved_ip_names, l->ip_name,
			LIST_TOLD + 1, r) ||
	    !take_queries(l) || !take_addrs(l, kept, names) ||
	    !take_ip_names(l) || !take_news(l, r, kept, names)) {
		forget_all(l);
		return false;
	}
	l->seed = head.seed;
	l->stats = head.stats;
	return true;
}
