/*
 * Conversations of a day, and the workloads that had them. A flow's id is
 * day << 32 | count, counted up within its day (flow_next); a count that was
 * taken for a flow that was there already is not used again.
 *
 * An IPv4 address is kept as its four bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "store/db.h"

#define DAY_S	  86400
#define DAY_SHIFT 32
/* A day that no report of a right clock has: the last id still fits. */
#define DAY_MAX (INT64_MAX >> DAY_SHIFT)
/* More cannot be added up without the sum's being no integer any more. */
#define COUNT_MAX ((uint64_t)1 << 61)

/* --- workloads -------------------------------------------------------- */

static int id_check(const char *id, struct err *reterr)
{
	if (*id && strlen(id) < STORE_ID_MAX)
		return 0;
	return err_set(reterr, EINVAL, "workload",
		       "an id has 1 to %d characters", STORE_ID_MAX - 1);
}

int store_find_wid(struct store *s, const char *id, uint64_t *ret,
		   struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = db_use(s, DB_WORKLOAD_WID, &st, reterr);

	if (rc < 0)
		return rc;
	db_bind_text(st, 1, id);
	return db_number(s, st, ret, reterr);
}

int store_wid(struct store *s, const char *id, uint64_t now_s, uint64_t *ret,
	      struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc;

	*ret = 0;
	if (!*id)
		return 0;
	rc = id_check(id, reterr);
	if (rc == 0)
		rc = store_find_wid(s, id, ret, reterr);
	if (rc < 0 || *ret)
		return rc;
	rc = db_use(s, DB_WORKLOAD_NEW, &st, reterr);
	if (rc < 0)
		return rc;
	db_bind_text(st, 1, id);
	db_bind(st, 2, now_s);
	rc = db_run(s, st, reterr);
	*ret = (uint64_t)sqlite3_last_insert_rowid(s->db);
	return rc;
}

static int put_workload(struct store *s, const char *id, const char *about,
			uint64_t now_s, struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = db_begin(s, false, reterr);

	if (rc < 0)
		return rc;
	rc = db_use(s, DB_WORKLOAD_PUT, &st, reterr);
	if (rc == 0) {
		db_bind_text(st, 1, id);
		db_bind(st, 2, now_s);
		db_bind_text(st, 3, about);
		rc = db_run(s, st, reterr);
	}
	if (rc == 0)
		return db_commit(s, reterr);
	db_rollback(s);
	return rc;
}

int store_put_workload(struct store *s, const char *id, const json_t *about,
		       uint64_t now_s, struct err *reterr)
{
	char *text;
	int rc = id_check(id, reterr);

	if (rc == 0)
		rc = db_ready(s, reterr);
	if (rc == 0)
		rc = reserve_take(s, reterr);
	if (rc < 0)
		return rc;
	text = json_dumps(about, JSON_COMPACT);
	if (!text)
		return err_set(reterr, EINVAL, "workload",
			       "its description is no object");
	rc = put_workload(s, id, text, now_s, reterr);
	free(text);
	return rc;
}

/* --- adding ----------------------------------------------------------- */

/* Of the day, one more than the last there is. */
static int next_id(struct store *s, uint64_t day, uint64_t *ret,
		   struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	uint64_t last = 0;
	int rc = 0;

	if (!s->flow_next || s->flow_next >> DAY_SHIFT != day) {
		rc = db_use(s, DB_FLOW_LAST, &st, reterr);
		if (rc < 0)
			return rc;
		db_bind(st, 1, (day + 1) << DAY_SHIFT);
		rc = db_number(s, st, &last, reterr);
		s->flow_next = last >> DAY_SHIFT == day
				       ? last + 1
				       : (day << DAY_SHIFT) + 1;
	}
	if (rc == 0)
		*ret = s->flow_next++;
	return rc;
}

static void bind_addr(sqlite3_stmt *st, int index, const struct ip_addr *a)
{
	const uint8_t *bytes = ip_is_v4(*a) ? a->b + 12 : a->b;
	int n = ip_is_v4(*a) ? 4 : 16;

	/* nothing is copied */
	BUG_ON(sqlite3_bind_blob(st, index, bytes, n, SQLITE_STATIC) !=
	       SQLITE_OK);
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

static void bind_flow(sqlite3_stmt *st, const struct store_flow *f)
{
	bind_addr(st, 5, &f->client_addr);
	bind_addr(st, 6, &f->server_addr);
	db_bind(st, 7, f->port);
	db_bind(st, 8, f->proto);
	db_bind(st, 9, f->app);
	db_bind(st, 10, f->action);
	db_bind(st, 11, f->rule_id);
	db_bind(st, 12, f->ingress);
	db_bind_text(st, 13, f->name);
	db_bind(st, 14, f->sessions);
	db_bind(st, 15, f->violations);
	db_bind(st, 16, at_most(f->bytes, COUNT_MAX));
	db_bind(st, 17, at_most(f->packets, COUNT_MAX));
	db_bind(st, 18, at_most(f->first_s, f->last_s));
	db_bind(st, 19, f->last_s);
}

static int add_flow(struct store *s, const struct store_flow *f,
		    struct err *reterr)
{
	uint64_t day = f->last_s / DAY_S;
	uint64_t client = 0;
	uint64_t server = 0;
	sqlite3_stmt *st = NULL;
	uint64_t id = 0;
	int rc;

	if (day >= DAY_MAX)
		return err_set(reterr, EINVAL, "last_s", "is no time");
	rc = store_wid(s, f->client, f->last_s, &client, reterr);
	if (rc == 0)
		rc = store_wid(s, f->server, f->last_s, &server, reterr);
	if (rc == 0)
		rc = next_id(s, day, &id, reterr);
	if (rc == 0)
		rc = db_use(s, DB_FLOW_ADD, &st, reterr);
	if (rc < 0)
		return rc;
	db_bind(st, 1, id);
	db_bind(st, 2, day);
	db_bind(st, 3, client);
	db_bind(st, 4, server);
	bind_flow(st, f);
	/* only a row that is new changes it: what is added up is counted */
	sqlite3_set_last_insert_rowid(s->db, 0);
	rc = db_run(s, st, reterr);
	s->n_flows += sqlite3_last_insert_rowid(s->db) != 0;
	return rc;
}

int store_add_flows(struct store *s, const struct store_flow *flows, size_t n,
		    struct err *reterr)
{
	int rc = 0;

	if (n == 0)
		return 0;
	rc = db_ready(s, reterr);
	if (rc == 0)
		rc = reserve_take(s, reterr);
	if (rc == 0)
		rc = db_begin(s, false, reterr);
	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_flow(s, &flows[i], reterr);
	if (rc == 0)
		return db_commit(s, reterr);
	db_rollback(s);
	return rc;
}
