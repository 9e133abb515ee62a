/*
 * Random worlds, intents and connections, for tests of what an intent means.
 */
#pragma once

#include "intent/intent.h"
#include "intent/judge.h"
#include "seed.h"

#define WORKLOADS 10
#define NOW	  1800000000 /* 2027-01-15, 8 o'clock: see `expires` */
#define HOSTS	  4
#define RANGES	  7

struct world {
	struct intent_workload workloads[WORKLOADS];
	struct ip_addr addrs[WORKLOADS][3], node[2];
	struct mac macs[WORKLOADS];
	char ids[WORKLOADS][8];
	struct intent_world w;
};

extern uint64_t random_state;		 /* from seed_choose(), not 0 */
extern const char *const hosts[HOSTS];	 /* by which peers go */
extern const char *const ranges[RANGES]; /* that rules and groups name */

uint32_t any(uint32_t below);
bool one_in(uint32_t n);
#define PICK(pool) ((pool)[any(ARRAY_LEN(pool))])

void make_world(struct world *w);
void end_world(struct world *w);
struct intent *some_intent(void);
/* What intent_compile() writes, read; it must be JSON. NULL and *reterr. */
json_t *compiled(const struct intent *i, const struct intent_world *w,
		 struct err *reterr);
/* Ends are mostly workloads of the world. */
struct intent_connection some_connection(const struct intent_world *w);
