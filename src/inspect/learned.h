/*
 * What one worker learns from DNS: by which names of the rules an address goes
 * for a workload, and what name an external address was asked for.
 *
 * An answer teaches only when that workload asked for it: same addresses and
 * ports, protocol, id, question, at most LEARN_QUERY_LIFE_S ago, and not yet
 * answered. Only queries that policy let go may be told to learned_query():
 * then only resolvers that the workload may use are believed.
 *
 * Addresses that the agent gave a name are the snapshot's (name_addrs), not
 * here. All memory is taken by learned_new(); one owner thread; time is an
 * argument and does not go back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/image.h"
#include "base/limits.h"
#include "policy/names.h"
#include "policy/snapshot.h"
#include "proto/dns.h"
#include "wire/records.h"

struct learned;

struct learned_limits {
	uint32_t queries, queries_share; /* share: of one workload */
	uint32_t addrs, addrs_share;
	uint32_t ip_names;
};

/* Who asked whom; the same for the query and its answer. */
struct learned_ends {
	uint16_t endpoint; /* 0..ENDPOINTS_MAX - 1 */
	uint16_t client_port, resolver_port;
	bool tcp;
	struct ip_addr client, resolver;
};

enum learned_outcome {
	LEARNED_ADDRS,	   /* it gave addresses */
	LEARNED_NOTHING,   /* asked for, but an error, cut, or no address */
	LEARNED_NOT_ASKED, /* nobody waits for it: not believed */
};

struct learned_stats {
	uint64_t queries, queries_evicted, queries_over_share;
	uint64_t queries_expired;   /* never answered */
	uint64_t answers_used;	    /* LEARNED_ADDRS */
	uint64_t answers_empty;	    /* LEARNED_NOTHING */
	uint64_t answers_not_asked; /* LEARNED_NOT_ASKED */
	uint64_t records_foreign;   /* not of the question or its aliases */
	uint64_t addrs_evicted;	    /* for their number */
	uint64_t names_evicted;	    /* NAMES_PER_ADDR_MAX */
	uint64_t ip_names_not_told; /* LEARN_IP_NAMES_MAX */
	uint64_t news_not_told;	    /* LEARN_NEWS_MAX */
	uint32_t queries_in_use, addrs_in_use, ip_names_in_use, news_in_use;
};

/* Of limits.h. */
extern const struct learned_limits learned_limits_default;

/* seed: any, not known outside. NULL: out of memory. */
struct learned *learned_new(const struct learned_limits *limits, uint64_t seed);
/* NULL is accepted. */
void learned_free(struct learned *l);

/* A workload sent m, which dns_parse() found good; others are not looked at. */
void learned_query(struct learned *l, const struct learned_ends *ends,
		   const struct dns_msg *m, usec_t now);
/*
 * m, which dns_parse() found good, came to the workload. Its addresses go from
 * now on by those names of the set that the question's name or an alias on the
 * way (CNAME) is, for the answer's TTL within LEARN_TTL_FLOOR_S and _CAP_S. s
 * tells which are external; NULL: none.
 */
enum learned_outcome learned_answer(struct learned *l,
				    const struct learned_ends *ends,
				    const struct dns_msg *m,
				    const struct name_set *names,
				    const struct snapshot *s, usec_t now);

/* By which names the address goes for the workload; how many. */
unsigned learned_names(const struct learned *l, const struct name_set *names,
		       uint16_t endpoint, struct ip_addr a, usec_t now,
		       uint16_t ids[static NAMES_PER_ADDR_MAX]);

/*
 * The next name of the kind "*.suffix" that has gained addresses, and as many of
 * these as the record takes; the rest comes with the next calls. vhost is left
 * to the caller. false: there is no more.
 */
bool learned_drain_fqdn(struct learned *l, const struct name_set *names,
			struct fqdn_record *ret);

/* The workload is gone; its index may become another one's. */
void learned_forget(struct learned *l, uint16_t endpoint);

/*
 * Moves up to max records to out: names of external addresses that are new or
 * not what was told last, and those not asked for since LEARN_IP_NAME_S.
 */
size_t learned_drain_ip_names(struct learned *l, usec_t now,
			      struct ip_name_record *out, size_t max);

/* Is the address there, told or to be told? */
bool learned_has_ip_name(const struct learned *l, struct ip_addr a);

struct learned_stats learned_stats(const struct learned *l);

/* All of it, with what waits to be drained. */
void learned_save(const struct learned *l, struct image_writer *w);
struct names_kept; /* inspect/names.h */
/*
 * Into one that knows nothing, of the same limits; kept: the numbers that names
 * had there, of which those of the set stay. false: it is not there, or cannot be
 * this; *l is as it was.
 */
bool learned_load(struct learned *l, const struct image_reader *r,
		  const struct names_kept *kept, const struct name_set *names);
