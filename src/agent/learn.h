/*
 * From what was seen to what might be wanted: proposals of rules, which a user
 * accepts or turns down; what another policy would have done; and a candidate
 * policy that runs beside the real one.
 *
 *   document "rejected":  {KEY: when}, as rejected.h has it
 *   document "candidate": an intent, and since when
 */
#pragma once

#include "agent/agent.h"
#include "agent/door.h"

int learn_start(struct agent *a, struct err *reterr);
void learn_stop(struct agent *a);

/*
 * What `next` (taken) would have done with what was recorded since `since_s`,
 * where that differs: members of result, later. COMMAND_LATER or -errno.
 */
int learn_dry_run(struct agent *a, struct door_client *c, struct intent *next,
		  uint64_t since_s, json_t *result, struct err *reterr);

/* What was turned down, as rejected.h has it; borrowed. */
const json_t *learn_rejected(const struct agent *a);
/* What another editor says of that; true: something of it was new, and is stored. */
bool learn_rejected_heard(struct agent *a, const json_t *rejected);

/* Policy or workloads changed: what is judged beside is built anew when needed. */
void learn_outdated(struct agent *a);
/* A connection that was just told of: would the candidate do otherwise? */
void learn_look(struct agent *a, const struct store_flow *f,
		const struct workload *client, const struct workload *server);
