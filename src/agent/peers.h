/*
 * The other nodes of the fleet, and who runs there: workloads without ports here,
 * which rules between groups know by their addresses as they know ours. An address
 * that somebody has here is his, whatever is told. Their ids are
 * "NODE/ID", and they are on their node whatever is told of them.
 *
 * The inventory of a node, as member.c tells its own: those that are described alike
 * stand together.
 *
 *   {"form":1,"workloads":[{"about":{...},"at":[["ID","10.0.0.2","fd00::2"],...]}]}
 */
#pragma once

#include "agent/agent.h"

struct peers *peers_new(void);
void peers_free(struct agent *a);

/*
 * text: NULL: it is forgotten. -EPROTO, -ENOMEM: what was known of it
 * stays. Who does not fit (FLEET_WORKLOADS_MAX; an id that is too long with its
 * node's name) is counted.
 */
int peers_inventory(struct agent *a, const char *node, const char *text,
		    size_t len, struct err *reterr);
/* What it says of itself, and when it did; text NULL: it is forgotten. */
int peers_state(struct agent *a, const char *node, const char *text, size_t len,
		uint64_t at_s, struct err *reterr);
/*
 * Who was known when the agent ended: from the store, and to it, as a note; so a node
 * that is cut off knows others also after a restart.
 */
int peers_load(struct agent *a, struct err *reterr);
void peers_save(struct agent *a);
/* Another intent is in force: nobody's groups are known any more. */
void peers_policy_changed(struct agent *a);
/* [{"node", "seen", "workloads", ...state}]; NULL: out of memory. */
json_t *peers_json(const struct agent *a);
/* Other nodes. */
unsigned peers_number(const struct agent *a);
/* {"nodes", "workloads", "refused"} */
json_t *peers_counts(const struct agent *a);

/*
 * Who has that address, here or elsewhere, when it was met: of other nodes' workloads
 * the store hears when they are.
 */
struct workload *peers_met(struct agent *a, struct ip_addr addr);

/* Who runs here, as that; NULL: out of memory. The caller frees it. */
char *peers_own_inventory(const struct agent *a);
