/*
 * What outlives the agent, in one SQLite file (WAL, synchronous FULL for what
 * the user said, NORMAL for what was recorded). All calls from one thread.
 *
 * A full disk or a broken file never stops the caller: what is only recorded
 * fails with -ENOSPC or -EIO, store_state() says since when, and it is tried
 * again; the caller counts what it could not record. Texts and objects that are
 * given are borrowed for the call.
 *
 * Each document that is in force also lies in DIR/documents/NAME.json, so that
 * nothing that befalls DIR/weir.db can lose it (decisions/0017-store.md).
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
 * step, each whole or not at all. -EPROTO: a later version's file. -EBUSY: DIR
 * is another process's. Any other failure is DIR's own: it cannot be made or
 * read. That weir.db cannot be opened or written at the moment is none, but a
 * state: documents are read from their copies, and it is tried again with each
 * call. A damaged weir.db is kept as weir.db.damaged-N, and a new one begun.
 */
int store_open(const char *dir, struct store **ret, struct err *reterr);
void store_free(struct store *s); /* NULL is accepted */

/* "" when all is well; else what does not work and since when. Borrowed. */
const char *store_state(const struct store *s);

struct store_stats {
	uint64_t flows, events, workloads, revisions; /* rows */
	uint64_t bytes_on_disk;			      /* weir.db and its WAL */
	uint64_t bytes_used;	 /* ... without free pages */
	uint64_t write_failures; /* since store_open() */
	uint64_t damaged;	 /* files moved aside, likewise */
};
/* Rows are 0 as long as weir.db cannot be opened. */
void store_stats(struct store *s, struct store_stats *ret);

/*
 * Documents that must never be lost, by name: "intent", "candidate", ...
 * (a-z, 0-9 and -). A new one replaces the old one whole, and counts its
 * revision up from 1. They are on the disk when store_put_doc() returns 0, and
 * as before when it fails. expect: the revision that it is a change of, -ESTALE
 * when that is not the last; 0: whichever. -E2BIG: STORE_DOC_BYTES_MAX.
 */
int store_put_doc(struct store *s, const char *name, const json_t *doc,
		  uint64_t expect, uint64_t *ret_revision, struct err *reterr);
/*
 * The same of a document that is text already: JSON, which is not looked into.
 * about: an object that store_doc_history() tells with it; NULL: none.
 */
int store_put_text(struct store *s, const char *name, const char *body,
		   const json_t *about, uint64_t expect, uint64_t *ret_revision,
		   struct err *reterr);
/*
 * *ret is the caller's. -ENOENT: there is none, or weir.db cannot be opened and
 * there is no copy; after any other failure it is not known.
 */
int store_get_doc(struct store *s, const char *name, json_t **ret,
		  uint64_t *ret_revision, struct err *reterr);
/*
 * What may be lost at a power cut, as counts may: replaces the last one and has
 * no history, and is not taken on a full disk (-ENOSPC).
 */
int store_put_note(struct store *s, const char *name, const json_t *doc,
		   struct err *reterr);
/* Is a revision, too: its history stays, and counts on. -ENOENT. */
int store_del_doc(struct store *s, const char *name, struct err *reterr);
/* [{"name":, "revision":, "saved": seconds since 1970, "bytes":}], by name. */
int store_list_docs(struct store *s, json_t **ret, struct err *reterr);

/*
 * What a document was: its last STORE_REVISIONS_MAX revisions, or as many of
 * them as are STORE_REVISIONS_BYTES together. -ENOENT: not kept any more, never
 * was, or it is the one that deleted it.
 */
int store_get_doc_at(struct store *s, const char *name, uint64_t revision,
		     json_t **ret, struct err *reterr);
/*
 * [{"revision":, "saved":, "bytes":} or {..., "deleted": true}], newest last, each
 * with the members of what was told about it, if anything was.
 */
int store_doc_history(struct store *s, const char *name, json_t **ret,
		      struct err *reterr);

/*
 * How a workload was described, for what was recorded of it. Who is still there
 * is told again once a day, or it is forgotten with its last flow.
 */
int store_put_workload(struct store *s, const char *id, const json_t *about,
		       uint64_t now_s, struct err *reterr);

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
	bool ingress;		       /* told by the server's side */
	uint32_t sessions, violations; /* sums stop at the type's end */
	uint64_t bytes, packets;       /* ... at 1 << 62 */
	uint64_t first_s, last_s;      /* since 1970 */
};

/*
 * Adds up what has the same key on the same day (UTC, of last_s). One
 * transaction.
 */
int store_add_flows(struct store *s, const struct store_flow *flows, size_t n,
		    struct err *reterr);

/* How far was looked for a page. */
struct store_seen {
	uint64_t cursor; /* of the row that was looked at last; 0: none */
	bool more; /* there may be more behind it, or, newest, before it */
};

struct store_flow_query {
	uint64_t since_s, until_s; /* when it was last seen that day; 0: any */
	const char *workload;	   /* id; NULL: all */
	uint32_t rule;		   /* 0: any */
	bool only_violations;
	bool only_learned; /* allowed because nothing was known of it */
	/*
	 * Is in one of its names, its application, "proto/port" or its
	 * addresses, in any case; NULL: whatever they are.
	 */
	const char *text;
	uint64_t after;	 /* cursor of the last page; 0 */
	bool newest;	 /* the last `limit` of them, not the first */
	uint64_t before; /* ... of those before that cursor; 0: of all */
	unsigned limit;	 /* 1..STORE_PAGE_MAX */
	/*
	 * NULL: all that are asked for are found, however long it takes. Else a
	 * page may end before its limit, when STORE_LOOK_MAX rows were looked
	 * at that are not asked for, and this tells where.
	 */
	struct store_seen *seen;
};

/*
 * Calls cb for each, by day, and of one day the one that began last last; cb
 * returns 0, or else ends it with that. What it is given is the store's, until
 * it returns; it may not call the store. client_about, server_about: as put
 * last; NULL if never.
 */
int store_each_flow(struct store *s, const struct store_flow_query *q,
		    int (*cb)(const struct store_flow *f, uint64_t cursor,
			      const json_t *client_about,
			      const json_t *server_about, void *arg),
		    void *arg, struct err *reterr);

/*
 * Events: {"kind": "violation" | "threat" | "state" | "change", "severity":
 * "info".."critical", "workload":, "text":, ...}; kept with "at": now_s, if it
 * has none. All of them or none. *ret_number, of the last, counts up.
 */
int store_add_events(struct store *s, const json_t *const *events, size_t n,
		     uint64_t now_s, uint64_t *ret_number, struct err *reterr);
/* The last number that an event ever had; 0: none had one. */
int store_last_event(struct store *s, uint64_t *ret, struct err *reterr);
/* As of flows; text: is in any of the event's texts but "raw". */
struct store_event_query {
	uint64_t since_s, until_s, after; /* by now_s; 0: no bound */
	const char *kind, *workload;	  /* NULL: all */
	uint32_t rule;			  /* that it names as "rule"; 0: any */
	const char *text;
	bool newest;
	uint64_t before;
	unsigned limit; /* 1..STORE_PAGE_MAX */
	struct store_seen *seen;
};
/* Newest last, otherwise as store_each_flow(). */
int store_each_event(struct store *s, const struct store_event_query *q,
		     int (*cb)(const json_t *event, uint64_t number, void *arg),
		     void *arg, struct err *reterr);

/*
 * Buckets of the map: bytes, which are not looked into, by level (below
 * STORE_MAP_LEVELS: one a length) and by when they end. Put again, the bucket is
 * replaced. They are forgotten with the flows of their time.
 */
int store_put_map(struct store *s, unsigned level, uint64_t end_s,
		  const void *bytes, size_t n, struct err *reterr);
/* The first that ends after after_s, until_s at the latest; *ret_end_s 0: none. */
int store_next_map(struct store *s, unsigned level, uint64_t after_s,
		   uint64_t until_s, uint64_t *ret_end_s, struct err *reterr);
/* Those, by time; as store_each_flow(). */
int store_each_map(struct store *s, unsigned level, uint64_t after_s,
		   uint64_t until_s,
		   int (*cb)(uint64_t end_s, const void *bytes, size_t n,
			     void *arg),
		   void *arg, struct err *reterr);
/* Forgets those of a level that end by then. */
int store_forget_map(struct store *s, unsigned level, uint64_t until_s,
		     struct err *reterr);

/*
 * Forgets what is older than that (flows by whole days, so up to a day later),
 * and the oldest of both while there are more than max_bytes, and of the map what
 * is before the first flow; a bounded piece at a time. true: all of it, or it cannot be done now (store_state()). A time
 * above INT64_MAX, as "30 days ago" is where the clock says 1970, forgets nothing.
 */
bool store_trim(struct store *s, uint64_t flows_before_s,
		uint64_t events_before_s, uint64_t max_bytes);
