/*
 * What was recorded, turned into what might be wanted: proposed rules, and what
 * another intent would have done about it.
 */
#pragma once

#include <jansson.h>

#include "intent/intent.h"
#include "intent/judge.h"

/* A conversation that was: one pair of ends, one port, one application. */
struct intent_talk {
	struct intent_connection who;
	uint8_t action; /* enum policy_action: what was done about it */
	uint64_t sessions, bytes, first_s, last_s;
};

/*
 * Rules that would allow what was learned (action learn) and is not allowed by
 * a rule yet, nor forbidden by one:
 *
 *   [{"key": "web.shop db.shop tcp/5432",
 *     "rule": {"from": ["web.shop"], "to": ["db.shop"], "ports": ["tcp/5432"],
 *              "action": "allow", "origin": "learned"},
 *     "provenance": {"first_seen":, "last_seen":, "sessions":, "workloads":
 *                    [ids], "more_workloads": 3}}...]
 *
 * sorted by key. `key` stays the same while more is learned of the same, so that
 * what was turned down stays so. j: of i and world. NULL: out of memory.
 */
json_t *intent_propose(const struct intent *i, const struct intent_world *world,
		       const struct intent_judge *j,
		       const struct intent_talk *talks, size_t n);

/* People name a proposal by eight digits, the CRC of its key. NULL: out of memory. */
json_t *intent_proposal_id(const char *key);

/*
 * What another intent would do otherwise:
 *
 *   {"sessions": 1234, "differ": 17,
 *    "rows": [{"was": "learn", "is": "deny", "rule": 0, "side": "server",
 *              "from": "web.shop", "to": "db.shop", "port": "tcp/5432",
 *              "app": "mysql"?, "sessions":, "first_seen":, "last_seen":,
 *              "workloads": [ids]}...]}
 *
 * rows by sessions, most first. before: what it is compared with; NULL: with
 * what was done. only_blocked: only what would now be denied and was not. NULL:
 * out of memory.
 */
json_t *intent_compare(const struct intent *i, const struct intent_world *world,
		       const struct intent_judge *before,
		       const struct intent_judge *after,
		       const struct intent_talk *talks, size_t n,
		       bool only_blocked);
