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
	return db_run(s, st, reterr);
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

/* --- asking ----------------------------------------------------------- */

/*
 * Descriptions as objects, the last ones that were wanted of one side: pages
 * are of few workloads.
 */
struct abouts {
	struct {
		int64_t wid;
		json_t *about;
	} kept[64];
};

static void abouts_done(struct abouts *a)
{
	for (size_t i = 0; i < sizeof a->kept / sizeof *a->kept; i++)
		json_decref(a->kept[i].about);
}

/* *ret: NULL, or borrowed until the next one of that side. */
static int about_of(struct store *s, struct abouts *a, int64_t wid,
		    const json_t **ret, struct err *reterr)
{
	size_t place = (size_t)wid % (sizeof a->kept / sizeof *a->kept);
	sqlite3_stmt *st = NULL;
	const char *text;
	int rc;

	*ret = a->kept[place].about;
	if (a->kept[place].wid == wid)
		return 0;
	rc = db_use(s, DB_WORKLOAD_ABOUT, &st, reterr);
	if (rc < 0)
		return rc;
	db_bind(st, 1, (uint64_t)wid);
	rc = db_step(s, st, reterr);
	if (rc < 0)
		return rc;
	text = rc ? (const char *)sqlite3_column_text(st, 0) : NULL;
	json_decref(a->kept[place].about);
	a->kept[place].wid = wid;
	a->kept[place].about = text ? json_loads(text, 0, NULL) : NULL;
	db_end(st);
	*ret = a->kept[place].about;
	return 0;
}

static const char *column_text(sqlite3_stmt *st, int column)
{
	const char *text = (const char *)sqlite3_column_text(st, column);

	return text ? text : "";
}

static struct ip_addr column_addr(sqlite3_stmt *st, int column)
{
	const uint8_t *bytes = sqlite3_column_blob(st, column);
	int n = sqlite3_column_bytes(st, column);
	struct ip_addr a = { { 0 } };

	if (n == 4)
		return ip_from_v4((uint32_t)bytes[0] << 24 |
				  (uint32_t)bytes[1] << 16 |
				  (uint32_t)bytes[2] << 8 | bytes[3]);
	if (n == 16)
		memcpy(a.b, bytes, 16);
	return a;
}

/* In the order of FLOW_COLUMNS. */
static struct store_flow flow_row(sqlite3_stmt *st)
{
	return (struct store_flow){
		.client = column_text(st, 1),
		.server = column_text(st, 2),
		.client_addr = column_addr(st, 3),
		.server_addr = column_addr(st, 4),
		.name = column_text(st, 5),
		.port = (uint16_t)sqlite3_column_int(st, 6),
		.proto = (uint8_t)sqlite3_column_int(st, 7),
		.app = (uint16_t)sqlite3_column_int(st, 8),
		.action = (uint8_t)sqlite3_column_int(st, 9),
		.rule_id = (uint32_t)sqlite3_column_int64(st, 10),
		.ingress = sqlite3_column_int(st, 11),
		.sessions = (uint32_t)sqlite3_column_int64(st, 12),
		.violations = (uint32_t)sqlite3_column_int64(st, 13),
		.bytes = (uint64_t)sqlite3_column_int64(st, 14),
		.packets = (uint64_t)sqlite3_column_int64(st, 15),
		.first_s = (uint64_t)sqlite3_column_int64(st, 16),
		.last_s = (uint64_t)sqlite3_column_int64(st, 17),
	};
}

static int bind_query(struct store *s, const struct store_flow_query *q,
		      sqlite3_stmt **ret, struct err *reterr)
{
	uint64_t until_s = q->until_s ? at_most(q->until_s, INT64_MAX)
				      : INT64_MAX;
	uint64_t since_s = at_most(q->since_s, INT64_MAX);
	uint64_t begin = at_most(since_s / DAY_S, DAY_MAX - 1) << DAY_SHIFT;
	uint64_t end = (at_most(until_s / DAY_S, DAY_MAX - 2) + 1) << DAY_SHIFT;
	bool new = q->newest;
	enum db_statement which = new ? DB_FLOW_ALL_NEWEST : DB_FLOW_ALL;
	uint64_t wid = 0;
	int rc = 0;

	if (q->workload) {
		which = new ? DB_FLOW_OF_NEWEST : DB_FLOW_OF;
		rc = store_find_wid(s, q->workload, &wid, reterr);
	} else if (q->only_violations) {
		which = new ? DB_FLOW_BAD_NEWEST : DB_FLOW_BAD;
	}
	if (rc == 0)
		rc = db_use(s, which, ret, reterr);
	if (rc < 0)
		return rc;
	if (q->after > begin)
		begin = at_most(q->after, INT64_MAX);
	db_bind(*ret, 1, begin);
	db_bind(*ret, 2, end);
	db_bind(*ret, 3, since_s);
	db_bind(*ret, 4, until_s);
	db_bind(*ret, 5, q->limit);
	if (q->workload) {
		db_bind(*ret, 6, wid);
		db_bind(*ret, 7, q->only_violations);
	}
	return 0;
}

int store_each_flow(struct store *s, const struct store_flow_query *q,
		    int (*cb)(const struct store_flow *f, uint64_t cursor,
			      const json_t *client_about,
			      const json_t *server_about, void *arg),
		    void *arg, struct err *reterr)
{
	struct abouts clients = { 0 };
	struct abouts servers = { 0 };
	sqlite3_stmt *st = NULL;
	int rc;

	if (q->limit < 1 || q->limit > STORE_PAGE_MAX)
		return err_set(reterr, EINVAL, "limit", "is not 1 to %d",
			       STORE_PAGE_MAX);
	rc = db_ready(s, reterr);
	if (rc == 0)
		rc = bind_query(s, q, &st, reterr);
	if (rc < 0)
		return rc;
	while ((rc = db_step(s, st, reterr)) > 0) {
		struct store_flow f = flow_row(st);
		const json_t *client = NULL;
		const json_t *server = NULL;

		rc = about_of(s, &clients, sqlite3_column_int64(st, 18),
			      &client, reterr);
		if (rc == 0)
			rc = about_of(s, &servers, sqlite3_column_int64(st, 19),
				      &server, reterr);
		if (rc == 0)
			rc = cb(&f, (uint64_t)sqlite3_column_int64(st, 0),
				client, server, arg);
		if (rc != 0)
			break;
	}
	db_end(st);
	abouts_done(&clients);
	abouts_done(&servers);
	return rc;
}
