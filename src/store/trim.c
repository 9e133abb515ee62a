/*
 * Forgetting, in the order in which it frees: what is too old, what is too much,
 * workloads of which nothing is left, and pages that nobody needs. Each call
 * does one piece of the first that has any.
 *
 * A freed page is used again before the file grows; only when most of them are
 * free, the file is over its bound, or the disk is full, they are given back.
 */
#include <stdio.h>

#include "store/db.h"

#define DAY_S	   86400
#define DAY_SHIFT  32
#define PAGE_BYTES 4096

/* What one piece has done. */
enum piece {
	PIECE_NONE,   /* there was nothing to do */
	PIECE_DONE,   /* there may be more */
	PIECE_FAILED, /* store_state() says why */
};

/* Runs a statement that is bound, in a transaction of its own. */
static enum piece run_piece(struct store *s, sqlite3_stmt *st)
{
	int n;

	if (db_begin(s, false, NULL) < 0)
		return PIECE_FAILED;
	if (db_run(s, st, NULL) < 0) {
		db_rollback(s);
		return PIECE_FAILED;
	}
	n = sqlite3_changes(s->db);
	if (db_commit(s, NULL) < 0)
		return PIECE_FAILED;
	return n ? PIECE_DONE : PIECE_NONE;
}

/* The rows before that, oldest first. */
static enum piece forget(struct store *s, enum db_statement which,
			 uint64_t before)
{
	uint64_t *rows = which == DB_TRIM_FLOWS ? &s->n_flows : &s->n_events;
	sqlite3_stmt *st = NULL;
	enum piece piece;

	if (db_use(s, which, &st, NULL) < 0)
		return PIECE_FAILED;
	db_bind(st, 1, before);
	db_bind(st, 2, STORE_TRIM_ROWS);
	piece = run_piece(s, st);
	if (piece == PIECE_DONE)
		*rows -= (uint64_t)sqlite3_changes(s->db);
	return piece;
}

/* What is no time is before all times. */
static uint64_t time_of(uint64_t unix_s)
{
	return unix_s <= INT64_MAX ? unix_s : 0;
}

static uint64_t day_begin(uint64_t unix_s)
{
	uint64_t day = unix_s / DAY_S;

	return day < INT64_MAX >> DAY_SHIFT ? day << DAY_SHIFT : INT64_MAX;
}

/* When there is nothing else. */
static enum piece forget_oldest_map(struct store *s)
{
	sqlite3_stmt *st = NULL;

	if (db_use(s, DB_MAP_OLDEST, &st, NULL) < 0)
		return PIECE_FAILED;
	return run_piece(s, st);
}

/* Of the map, what is before the first day of which there are flows. */
static enum piece forget_map(struct store *s, uint64_t flows_before_s)
{
	uint64_t before_s = day_begin(flows_before_s) >> DAY_SHIFT;
	sqlite3_stmt *st = NULL;
	uint64_t first = 0;
	enum piece piece = PIECE_NONE;

	if (db_use(s, DB_FLOW_FIRST, &st, NULL) < 0 ||
	    db_number(s, st, &first, NULL) < 0)
		return PIECE_FAILED;
	if (before_s >= INT64_MAX >> DAY_SHIFT)
		before_s = 0; /* no time: forgets nothing */
	if (first >> DAY_SHIFT > before_s)
		before_s = first >> DAY_SHIFT;
	for (unsigned level = 0;
	     before_s && level < STORE_MAP_LEVELS && piece == PIECE_NONE;
	     level++) {
		if (db_use(s, DB_MAP_FORGET, &st, NULL) < 0)
			return PIECE_FAILED;
		store_bind_map(st, level, 0, before_s * DAY_S);
		piece = run_piece(s, st);
	}
	return piece;
}

/* Of both, from which the older one is. */
static enum piece forget_oldest(struct store *s)
{
	sqlite3_stmt *st = NULL;
	bool no_flows;
	bool no_events;
	bool events_first;

	if (db_use(s, DB_TRIM_OLDEST, &st, NULL) < 0 ||
	    db_step(s, st, NULL) <= 0)
		return PIECE_FAILED;
	no_flows = sqlite3_column_type(st, 0) == SQLITE_NULL;
	no_events = sqlite3_column_type(st, 1) == SQLITE_NULL;
	events_first = no_flows ||
		       (!no_events && sqlite3_column_int64(st, 1) <
					      sqlite3_column_int64(st, 0));
	db_end(st);
	if (no_flows && no_events)
		return forget_oldest_map(s);
	return forget(s, events_first ? DB_TRIM_EVENTS : DB_TRIM_FLOWS,
		      INT64_MAX);
}

static enum piece forget_workloads(struct store *s, uint64_t before_s)
{
	sqlite3_stmt *st = NULL;
	uint64_t last = 0;

	if (db_use(s, DB_TRIM_LOOK, &st, NULL) < 0)
		return PIECE_FAILED;
	db_bind(st, 1, s->trimmed_wid);
	db_bind(st, 2, STORE_TRIM_WORKLOADS);
	if (db_number(s, st, &last, NULL) < 0 ||
	    db_use(s, DB_TRIM_WORKLOADS, &st, NULL) < 0)
		return PIECE_FAILED;
	if (!last) {
		s->trimmed_wid = 0;
		return PIECE_NONE;
	}
	db_bind(st, 1, s->trimmed_wid);
	db_bind(st, 2, last);
	db_bind(st, 3, before_s);
	s->trimmed_wid = last;
	return run_piece(s, st) == PIECE_FAILED ? PIECE_FAILED : PIECE_DONE;
}

static enum piece give_back(struct store *s)
{
	char text[48];

	(void)snprintf(text, sizeof text, "PRAGMA incremental_vacuum(%d)",
		       STORE_TRIM_PAGES);
	if (db_begin(s, false, NULL) < 0)
		return PIECE_FAILED;
	if (sqlite3_exec(s->db, text, NULL, NULL, NULL) != SQLITE_OK) {
		(void)db_failed(s, "giving pages back", NULL);
		db_rollback(s);
		return PIECE_FAILED;
	}
	return db_commit(s, NULL) < 0 ? PIECE_FAILED : PIECE_DONE;
}

static int count_pages(struct store *s, uint64_t *ret_all, uint64_t *ret_free)
{
	sqlite3_stmt *st = NULL;
	int rc = db_use(s, DB_PAGES, &st, NULL);

	if (rc == 0)
		rc = db_number(s, st, ret_all, NULL);
	if (rc == 0)
		rc = db_use(s, DB_FREE_PAGES, &st, NULL);
	if (rc == 0)
		rc = db_number(s, st, ret_free, NULL);
	return rc;
}

static enum piece trim_pages(struct store *s, uint64_t max_bytes, bool files)
{
	uint64_t all = 0;
	uint64_t free_ones = 0;

	if (count_pages(s, &all, &free_ones) < 0)
		return PIECE_FAILED;
	if (!files)
		return (all - free_ones) * PAGE_BYTES > max_bytes
			       ? forget_oldest(s)
			       : PIECE_NONE;
	if (free_ones && (free_ones > all / 2 || !s->has_reserve ||
			  all * PAGE_BYTES > max_bytes))
		return give_back(s);
	return PIECE_NONE;
}

static enum piece trim(struct store *s, uint64_t flows_before_s,
		       uint64_t events_before_s, uint64_t max_bytes)
{
	enum piece piece;

	piece = forget(s, DB_TRIM_FLOWS, day_begin(flows_before_s));
	if (piece == PIECE_NONE)
		piece = forget(s, DB_TRIM_EVENTS, events_before_s);
	if (piece == PIECE_NONE)
		piece = forget_map(s, flows_before_s);
	if (piece == PIECE_NONE)
		piece = trim_pages(s, max_bytes, false);
	if (piece == PIECE_NONE)
		piece = forget_workloads(s, flows_before_s);
	if (piece == PIECE_NONE)
		piece = trim_pages(s, max_bytes, true);
	return piece;
}

bool store_trim(struct store *s, uint64_t flows_before_s,
		uint64_t events_before_s, uint64_t max_bytes)
{
	enum piece piece;

	if (db_ready(s, NULL) < 0 ||
	    (s->copies_are_late && docs_agree(s, NULL) < 0))
		return true;
	piece = trim(s, time_of(flows_before_s), time_of(events_before_s),
		     max_bytes);
	if (piece == PIECE_FAILED && reserve_release(s))
		return false; /* once more, with that room */
	if (piece != PIECE_DONE)
		/* without it nothing is recorded, and the state says so */
		(void)reserve_take(s, NULL);
	return piece != PIECE_DONE;
}
