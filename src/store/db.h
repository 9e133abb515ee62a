/*
 * The open file behind a store, as its parts see it: statements, transactions,
 * and what is done when SQLite fails. Used within src/store/ only.
 */
#pragma once

#include <sqlite3.h>

#include "base/limits.h"
#include "base/limits_store.h"
#include "store/statements.h"
#include "store/store.h"

enum db_statement {
#define X(name, text) DB_##name,
	STATEMENTS(X)
#undef X
		DB_STATEMENT__MAX
};

struct store {
	int dir;     /* DIR, and the lock on it */
	int copies;  /* DIR/documents */
	char *path;  /* of weir.db */
	sqlite3 *db; /* NULL: cannot be opened at the moment */
	sqlite3_stmt *statement[DB_STATEMENT__MAX]; /* prepared when used */
	int changes; /* sqlite3_total_changes() at the transaction's begin */
	bool is_full_sync;
	bool has_reserve;     /* DIR/reserve */
	bool is_damaged;      /* to be moved aside with the next call */
	bool copies_are_late; /* a copy could not be written after its commit */

	uint64_t failing_since_s; /* 0: it works */
	char failing[STORE_STATE_MAX];
	char notice[STORE_STATE_MAX]; /* what happened, until closed; "" */
	uint64_t write_failures, damaged;

	uint64_t flow_next; /* id of the next flow of its day; 0: ask */
	bool is_counted;    /* the next two are: a million are counted once */
	uint64_t n_flows, n_events;
	int64_t trimmed_wid; /* workloads up to this one were looked at */
};

/* Opens weir.db if it is not open. Each call from outside begins with it. */
int db_ready(struct store *s, struct err *reterr);
void db_close(struct store *s);

/*
 * The statement, ready to be bound. Ends by stepping to its end, or with
 * db_end().
 */
int db_use(struct store *s, enum db_statement which, sqlite3_stmt **ret,
	   struct err *reterr);
/* 1: a row, 0: no more, or -errno. */
int db_step(struct store *s, sqlite3_stmt *st, struct err *reterr);
void db_end(sqlite3_stmt *st);
/* All of a statement that gives no rows, or one number (0 if NULL). */
int db_run(struct store *s, sqlite3_stmt *st, struct err *reterr);
int db_number(struct store *s, sqlite3_stmt *st, uint64_t *ret,
	      struct err *reterr);

/*
 * What was found from its end on, told from its begin: tell() has each row that is
 * there still, of `one`, which is asked by its id. 0, or what tell() returned.
 */
int db_each_of(struct store *s, enum db_statement one, const uint64_t *ids,
	       size_t n,
	       int (*tell)(void *arg, sqlite3_stmt *st, struct err *reterr),
	       void *arg, struct err *reterr);

/* Borrowed until the statement ends. u64: BUG above INT64_MAX. */
void db_bind(sqlite3_stmt *st, int index, uint64_t value);
void db_bind_text(sqlite3_stmt *st, int index, const char *text);

/*
 * One transaction. durable: on the disk when db_commit() returned 0. A failed
 * commit is rolled back. These tell store_state() how writing goes.
 */
int db_begin(struct store *s, bool durable, struct err *reterr);
int db_commit(struct store *s, struct err *reterr);
void db_rollback(struct store *s);

/*
 * Takes the failure of the last SQLite call into store_state(), and tells it in
 * *reterr. -errno: ENOSPC, EROFS, ENOMEM, E2BIG, EBUSY, else EIO.
 */
int db_failed(struct store *s, const char *doing, struct err *reterr);
/* The same for what is no call of SQLite. */
int store_failed(struct store *s, int code, const char *doing,
		 struct err *reterr);
void store_works(struct store *s);

/*
 * Room that is kept for documents and forgetting. Recording begins with taking
 * it (-ENOSPC), if it is not there. Released: false, there was none.
 */
int reserve_take(struct store *s, struct err *reterr);
bool reserve_release(struct store *s);

/* A workload's number, made if it has none; 0 for "". */
int store_wid(struct store *s, const char *id, uint64_t now_s, uint64_t *ret,
	      struct err *reterr);
/* ... for asking: 0, that no row asked for has, if it is not known. */
int store_find_wid(struct store *s, const char *id, uint64_t *ret,
		   struct err *reterr);

/* Ids of a level's buckets from ... to, as ?1 and ?2. */
void store_bind_map(sqlite3_stmt *st, unsigned level, uint64_t from_s,
		    uint64_t to_s);

/*
 * Documents <-> DIR/documents: whichever is newer wins (docs.c). A copy that
 * cannot be written is no failure: copies_are_late.
 */
int docs_agree(struct store *s, struct err *reterr);
