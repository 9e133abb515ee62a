/*
 * This host as a member of a fleet (fleet/fleet.h): the policy is the fleet's, and
 * changes go there; who runs here is told to the others, and theirs are known here.
 *
 *   a change ──check──▶ propose, on the revision we have ──▶ NATS
 *   NATS ──▶ the fleet's policy ──take──▶ store, in force ──▶ told with its revision
 *
 * There is one way by which a policy comes: as the fleet's, also to who proposed it.
 * Of two changes of one revision the first counts, and the other is told so. What is
 * stored here is the last that came, so a node that is cut off, or starts so, enforces
 * that; only it cannot be changed meanwhile. A fleet without a policy leaves each
 * node its own, until the first change anywhere makes that node's everybody's.
 *
 * A policy that cannot be in force here (a limit, a later version's form) leaves in
 * force what is, and is told with the node's state.
 */
#pragma once

#include "agent/agent.h"
#include "agent/door.h"

int member_start(struct agent *a, struct err *reterr);
void member_stop(struct agent *a);
/*
 * The configuration was read again: are there other servers, or other certificates in
 * the files? Then it connects anew; with those it had, if they cannot be used.
 */
void member_reload(struct agent *a);

/* Does the configuration name servers? */
static inline bool member_is_on(const struct agent *a)
{
	return a->member;
}

/*
 * A change (next is taken) is proposed to the fleet; COMMAND_LATER, or -errno:
 * -ENOTCONN, -ESTALE, what policy_check() fails with. expect: our revision that it
 * is a change of; 0: any.
 */
int member_change(struct agent *a, struct door_client *c, const json_t *args,
		  struct intent *next, const char *what, uint64_t expect,
		  json_t *result, struct err *reterr);
/* The same, by Weir itself: nobody waits. */
int member_change_by_itself(struct agent *a, struct intent *next,
			    const char *what, struct err *reterr);

/* Who runs here, or what is in force here, may have changed. */
void member_inventory_soon(struct agent *a);
void member_state_soon(struct agent *a);

/*
 * Asks that node the same, and answers with its answer. -EINVAL, -ENOTCONN; or
 * COMMAND_LATER.
 */
int member_ask(struct agent *a, struct door_client *c, const char *node,
	       const char *command, const json_t *args, json_t *result,
	       struct err *reterr);

struct gather_query;

/*
 * What all nodes recorded, of the fleet's streams (gather.h). args: the command's.
 * -EINVAL, -ENOTCONN, -EAGAIN; or COMMAND_LATER.
 */
int member_read(struct agent *a, struct door_client *c, const json_t *args,
		const struct gather_query *q, json_t *result,
		struct err *reterr);

/* For `status`; NULL: of no fleet. */
json_t *member_json(const struct agent *a);
