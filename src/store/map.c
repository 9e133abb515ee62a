/*
 * Buckets of the map: a bucket's id is level << 48 | when it ends.
 */
#include <errno.h>

#include "base/bug.h"
#include "store/db.h"

#define LEVEL_SHIFT 48
#define END_MAX	    (((uint64_t)1 << LEVEL_SHIFT) - 1)

static uint64_t id_of(unsigned level, uint64_t end_s)
{
	BUG_ON(level >= STORE_MAP_LEVELS);
	return (uint64_t)level << LEVEL_SHIFT |
	       (end_s < END_MAX ? end_s : END_MAX);
}

void store_bind_map(sqlite3_stmt *st, unsigned level, uint64_t from_s,
		    uint64_t to_s)
{
	db_bind(st, 1, id_of(level, from_s));
	db_bind(st, 2, id_of(level, to_s));
}

static int run_alone(struct store *s, sqlite3_stmt *st, struct err *reterr)
{
	int rc = db_run(s, st, reterr);

	if (rc == 0)
		return db_commit(s, reterr);
	db_rollback(s);
	return rc;
}

int store_put_map(struct store *s, unsigned level, uint64_t end_s,
		  const void *bytes, size_t n, struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (n > STORE_MAP_BYTES_MAX || end_s == 0 || end_s >= END_MAX)
		return err_set(reterr, E2BIG, "map",
			       "a bucket has at most %d bytes, and a time",
			       STORE_MAP_BYTES_MAX);
	rc = db_ready(s, reterr);
	if (rc == 0)
		rc = reserve_take(s, reterr);
	if (rc == 0)
		rc = db_begin(s, false, reterr);
	if (rc < 0)
		return rc;
	rc = db_use(s, DB_MAP_PUT, &st, reterr);
	if (rc < 0) {
		db_rollback(s);
		return rc;
	}
	db_bind(st, 1, id_of(level, end_s));
	/* nothing is copied */
	BUG_ON(sqlite3_bind_blob(st, 2, bytes, (int)n, SQLITE_STATIC) !=
	       SQLITE_OK);
	return run_alone(s, st, reterr);
}

int store_next_map(struct store *s, unsigned level, uint64_t after_s,
		   uint64_t until_s, uint64_t *ret_end_s, struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	uint64_t id = 0;
	int rc = db_ready(s, reterr);

	if (rc == 0)
		rc = db_use(s, DB_MAP_NEXT, &st, reterr);
	if (rc < 0)
		return rc;
	store_bind_map(st, level, after_s, until_s);
	rc = db_number(s, st, &id, reterr);
	if (rc == 0)
		*ret_end_s = id & END_MAX;
	return rc;
}

int store_each_map(struct store *s, unsigned level, uint64_t after_s,
		   uint64_t until_s,
		   int (*cb)(uint64_t end_s, const void *bytes, size_t n,
			     void *arg),
		   void *arg, struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = db_ready(s, reterr);

	if (rc == 0)
		rc = db_use(s, DB_MAP_EACH, &st, reterr);
	if (rc < 0)
		return rc;
	store_bind_map(st, level, after_s, until_s);
	while ((rc = db_step(s, st, reterr)) > 0) {
		const void *bytes = sqlite3_column_blob(st, 1);

		rc = cb((uint64_t)sqlite3_column_int64(st, 0) & END_MAX, bytes,
			(size_t)sqlite3_column_bytes(st, 1), arg);
		if (rc != 0)
			break;
	}
	db_end(st);
	return rc;
}

int store_forget_map(struct store *s, unsigned level, uint64_t until_s,
		     struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = db_ready(s, reterr);

	if (rc == 0)
		rc = db_begin(s, false, reterr);
	if (rc < 0)
		return rc;
	rc = db_use(s, DB_MAP_FORGET, &st, reterr);
	if (rc < 0) {
		db_rollback(s);
		return rc;
	}
	store_bind_map(st, level, 0, until_s);
	return run_alone(s, st, reterr);
}
