/*
 * What can be asked at the agent's door, by part: the table in commands.c names
 * all. Each is a command_fn of door.h; its arguments and answer are told in
 * docs/agent-door.md.
 */
#pragma once

#include "agent/door.h"

command_fn command_flows, command_events, command_trail, command_explain;
command_fn command_top, command_sessions, command_throughput;
command_fn command_responses, command_response_set, command_response_delete,
	command_responses_log;
command_fn command_settings, command_settings_set;
command_fn command_map, command_session_kill, command_upgrade;
command_fn command_captures, command_capture_start, command_capture_stop,
	command_capture_delete, command_capture_read;
command_fn command_groups, command_group_set, command_group_delete,
	command_mode;
command_fn command_rules, command_rule_add, command_rule_delete;
command_fn command_rules_load, command_rules_unload, command_rules_loaded,
	command_rules_status;
command_fn command_apply, command_diff, command_export, command_history,
	command_rollback;
command_fn command_fleet, command_fleet_forget;
command_fn command_learned, command_accept, command_reject, command_candidate;

/*
 * A change of what is wanted (next is taken): stored, and answered when it is in
 * force, or at once with args "wait": false. what: for the events.
 */
struct intent;
int commands_change(struct agent *a, struct door_client *c, const json_t *args,
		    struct intent *next, const char *what, json_t *result,
		    struct err *reterr);

/* Arguments "text" and "file": what the policy is to be by them. */
int commands_read_yaml(struct agent *a, const json_t *args, struct intent **ret,
		       struct err *reterr);
/* A text of args; "" if it is not there. Wrong types: -EINVAL. */
int arg_text(const json_t *args, const char *name, const char **ret,
	     struct err *reterr);
/* A whole number 0..max; *ret stays if it is not there. */
int arg_uint(const json_t *args, const char *name, uint64_t max, uint64_t *ret,
	     struct err *reterr);
/* An id, also as a text of digits; *ret stays if it is not there. */
int arg_id(const json_t *args, const char *name, uint64_t *ret,
	   struct err *reterr);
bool arg_true(const json_t *args, const char *name);

struct workload;
/* The workload that the argument "workload" names. */
int arg_workload(struct agent *a, const json_t *args, struct workload **ret,
		 struct err *reterr);

/*
 * In one word, what holds of a workload: the worst of its ports. "guarded" when
 * all are diverted as they should be. *s: what its ports come to.
 */
struct port;
struct workload_sum {
	bool any, failed, not_diverted, held, parked;
};

void workload_sum_port(struct workload_sum *s, const struct port *p);
const char *workload_state(const struct agent *a, const struct workload *w,
			   const struct workload_sum *s);

/* Parts of `status` that `top` has, too. */
json_t *commands_plane_json(const struct agent *a);
json_t *commands_policy_json(const struct agent *a);
json_t *commands_counts_json(const struct agent *a);

/* A plane's news (PLANE_HANDED): `version` is what serves now. */
void plane_was_handed_over(struct agent *a, bool of_splices,
			   const json_t *version);
