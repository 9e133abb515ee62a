/* The tables themselves; only for inspect/learned.c and learned_image.c. */
#pragma once

#include "base/lru.h"
#include "inspect/learned.h"

#define LIST_NEWS 0
#define LIST_TOLD 1

/* No padding: hashed and compared as bytes. */
struct query_key {
	struct ip_addr client, resolver;
	uint16_t endpoint, client_port, resolver_port, tcp, id, qtype;
};
_Static_assert(sizeof(struct query_key) == 44, "no padding");

struct query {
	struct query_key key;
	struct dns_name name;
	usec_t asked;
};

struct owned_name {
	usec_t expires;
	uint32_t birth;
	uint16_t id;
};

struct addr_key {
	struct ip_addr addr;
	uint16_t endpoint;
};
_Static_assert(sizeof(struct addr_key) == 18, "no padding");

struct addr {
	struct addr_key key;
	uint16_t n;
	uint32_t older, newer; /* of the same workload; 0: none */
	struct owned_name names[NAMES_PER_ADDR_MAX];
};

struct ip_name {
	struct ip_addr ip;
	usec_t answered;
	char name[FQDN_TEXT_MAX];
};

/* A "*.suffix" has gained an address. */
struct news {
	struct ip_addr ip;
	uint32_t birth;
	uint16_t id;
};

struct share {
	uint32_t oldest, newest, n_addrs, n_queries;
};

struct learned {
	struct learned_limits limits;
	uint64_t seed;
	struct lru queries, addrs, ip_names;
	/* limit + 1 each; [0] is unused */
	struct query *query;
	struct addr *addr;
	struct ip_name *ip_name;
	struct share *shares; /* ENDPOINTS_MAX */
	struct news *news;    /* LEARN_NEWS_MAX, oldest first */
	uint32_t n_news;
	struct learned_stats stats;
};

/* A taken address is the newest of its workload. */
void learned_link_newest(struct learned *l, uint32_t i);
