/*
 * From what the user wants and what runs here to what the data plane is told:
 * compiles when either changed, sends it, and hears when it is in force.
 */
#pragma once

#include "agent/agent.h"

struct door_client;

/* Reads the intent from the store; starts the data plane's thread. */
int policy_start(struct agent *a, struct err *reterr);
void policy_stop(struct agent *a);

/* Something of it changed: compiled in a moment, with what else changes. */
void policy_soon(struct agent *a);
/*
 * A workload changed by itself, and may do so all the time: at once if that was
 * not so lately, else when COMPILE_PAUSE_US are over, unless anything else has
 * it compiled before.
 */
void policy_soon_for_change(struct agent *a);
/*
 * Another intent (taken by count): stored, then in force. what was done, and by whom
 * (NULL: Weir by itself), are kept with it, and told as an event. The number
 * with which it will be in force; or -errno, and nothing is changed. -ESTALE:
 * expect_revision (0: any) is not the last.
 */
int64_t policy_set(struct agent *a, struct intent *next, const char *what,
		   const struct door_client *by, uint64_t expect_revision,
		   struct err *reterr);
/*
 * Its parts, for who has it from elsewhere. about: who and what (taken); NULL fails
 * with -ENOMEM. Takes next.
 */
int64_t policy_take(struct agent *a, struct intent *next, json_t *about,
		    uint64_t expect_revision, struct err *reterr);
/* Could it be in force for who is here? next stays the caller's. */
int policy_check(struct agent *a, struct intent *next, struct err *reterr);
/* {"what", "who", "by"?}; NULL: out of memory. */
json_t *policy_change_json(const char *what, const struct door_client *c);
/*
 * Starts the thread of the other data plane, which is in that namespace and has
 * the spliced ports; from then on nothing is in force before it is there, too.
 */
int policy_splice_plane(struct agent *a, const char *netns, struct err *reterr);
/* Is anything enforced: in mode protect, or denied by a rule? */
bool policy_protects_any(const struct agent *a);
/* The groups it is in: an array of texts; borrowed. NULL: out of memory. */
const json_t *policy_groups_of(struct agent *a, struct workload *w);
/* Mode of a workload that is described anew, or has other addresses. */
void policy_refresh_mode(struct agent *a, struct workload *w);
