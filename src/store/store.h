/*
 * What outlives the agent, in one SQLite file (WAL, synchronous FULL for what
 * the user said, NORMAL for what was recorded). All calls from one thread.
 *
 * A full disk or a broken file never stops the caller: what is only recorded
 * fails with -ENOSPC or -EIO, store_state() says since when, and it is tried
 * again; the caller counts what it could not record.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

struct store;

/*
 * Opens or makes DIR/weir.db and brings it to this version's tables, step by
 * step, each whole or not at all. -EPROTO: a later version's file.
 */
int store_open(const char *dir, struct store **ret, struct err *reterr);
void store_free(struct store *s); /* NULL is accepted */

/* "" when all is well; else what does not work and since when. Borrowed. */
const char *store_state(const struct store *s);

/*
 * Documents that must never be lost, by name: "intent", "candidate", ... A new
 * one replaces the old one whole, and counts its revision up from 1. They are on
 * the disk when store_put_doc() returns 0. expect: the revision that it is a
 * change of, -ESTALE when that is not the last; 0: whichever.
 */
int store_put_doc(struct store *s, const char *name, const json_t *doc,
		  uint64_t expect, uint64_t *ret_revision, struct err *reterr);
/* -ENOENT. *ret is the caller's. */
int store_get_doc(struct store *s, const char *name, json_t **ret,
		  uint64_t *ret_revision, struct err *reterr);

/* How a workload was described, for what was recorded of it. */
int store_put_workload(struct store *s, const char *id, const json_t *about,
		       uint64_t now, struct err *reterr);

/*
 * A conversation's sum of one day: who, with whom, by what, and what became of
 * it. client, server: a workload's id, or "" for an address that is none's.
 */
struct store_flow {
	const char *client, *server;
	struct ip_addr client_addr, server_addr;
	const char *name; /* DNS name the server went by; "" */
	uint16_t port;
	uint8_t proto;
	uint16_t app;
	uint8_t action; /* enum policy_action */
	uint32_t rule_id;
	bool ingress;	/* told by the server's side */
	uint32_t sessions, violations;
	uint64_t bytes, packets;
	uint64_t first_s, last_s; /* since 1970 */
};

/* Adds up what has the same key on the same day. One transaction. */
int store_add_flows(struct store *s, const struct store_flow *flows, size_t n,
		    struct err *reterr);

struct store_flow_query {
	uint64_t since_s, until_s; /* 0: no bound */
	const char *workload;	   /* id; NULL: all */
	bool only_violations;
	uint64_t after; /* cursor of the last page; 0 */
	unsigned limit; /* 1..STORE_PAGE_MAX */
};

/* Calls cb for each, newest last; cb returns 0, or else ends it with that. */
int store_each_flow(struct store *s, const struct store_flow_query *q,
		    int (*cb)(const struct store_flow *f, uint64_t cursor,
			      const json_t *client_about,
			      const json_t *server_about, void *arg),
		    void *arg, struct err *reterr);

/*
 * Events: {"kind": "violation" | "threat" | "state" | "change", "severity":
 * "info".."critical", "workload":, "text":, ...}. *ret_number counts up.
 */
int store_add_events(struct store *s, const json_t *const *events, size_t n,
		     uint64_t now_s, uint64_t *ret_number, struct err *reterr);
struct store_event_query {
	uint64_t since_s, until_s, after;
	const char *kind, *workload; /* NULL: all */
	unsigned limit;
};
int store_each_event(struct store *s, const struct store_event_query *q,
		     int (*cb)(const json_t *event, uint64_t number, void *arg),
		     void *arg, struct err *reterr);

/* Forgets what is older than that, a bounded piece at a time. true: all of it. */
bool store_trim(struct store *s, uint64_t flows_before_s,
		uint64_t events_before_s, uint64_t max_bytes);
