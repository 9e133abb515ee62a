/*
 * Events: kept as they were given, beside what is asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"

static const char *text_of(const json_t *event, const char *member)
{
	return json_string_value(json_object_get(event, member));
}

/* The event's text with its time; the caller frees it. NULL: out of memory. */
static char *event_text(const json_t *event, uint64_t now_s)
{
	json_t *whole = json_pack("{s:I}", "at", (json_int_t)now_s);
	char *text = NULL;

	if (whole && json_object_update(whole, (json_t *)(uintptr_t)event) == 0)
		text = json_dumps(whole, JSON_COMPACT);
	json_decref(whole);
	return text;
}

static int add_text(struct store *s, const json_t *event, const char *text,
		    uint64_t now_s, struct err *reterr)
{
	const char *workload = text_of(event, "workload");
	sqlite3_stmt *st = NULL;
	uint64_t wid = 0;
	int rc = 0;

	if (strlen(text) > STORE_EVENT_BYTES_MAX)
		return err_set(reterr, E2BIG, "event", "has more than %d bytes",
			       STORE_EVENT_BYTES_MAX);
	if (workload)
		rc = store_wid(s, workload, now_s, &wid, reterr);
	if (rc == 0)
		rc = db_use(s, DB_EVENT_ADD, &st, reterr);
	if (rc < 0)
		return rc;
	db_bind(st, 1, now_s);
	db_bind_text(st, 2, text_of(event, "kind"));
	db_bind(st, 3, wid);
	db_bind_text(st, 4, text);
	return db_run(s, st, reterr);
}

static int add_event(struct store *s, const json_t *event, uint64_t now_s,
		     struct err *reterr)
{
	char *text;
	int rc;

	if (!text_of(event, "kind"))
		return err_set(reterr, EINVAL, "event.kind", "is missing");
	text = event_text(event, now_s);
	if (!text)
		return err_set(reterr, ENOMEM, "event", "out of memory");
	rc = add_text(s, event, text, now_s, reterr);
	free(text);
	return rc;
}

int store_add_events(struct store *s, const json_t *const *events, size_t n,
		     uint64_t now_s, uint64_t *ret_number, struct err *reterr)
{
	int rc;

	if (n == 0)
		return 0;
	if (now_s > INT64_MAX)
		return err_set(reterr, EINVAL, "now_s", "is no time");
	rc = db_ready(s, reterr);
	if (rc == 0)
		rc = reserve_take(s, reterr);
	if (rc == 0)
		rc = db_begin(s, false, reterr);
	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_event(s, events[i], now_s, reterr);
	if (rc < 0) {
		db_rollback(s);
		return rc;
	}
	if (ret_number)
		*ret_number = (uint64_t)sqlite3_last_insert_rowid(s->db);
	return db_commit(s, reterr);
}

/* The first number since then, 0: none; later pages have it behind them. */
static int first_since(struct store *s, uint64_t since_s, uint64_t *ret,
		       struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = db_use(s, DB_EVENT_FIRST, &st, reterr);

	if (rc < 0)
		return rc;
	db_bind(st, 1, since_s);
	return db_number(s, st, ret, reterr);
}

static int bind_query(struct store *s, const struct store_event_query *q,
		      sqlite3_stmt **ret, struct err *reterr)
{
	uint64_t until_s = q->until_s && q->until_s < INT64_MAX ? q->until_s
								: INT64_MAX;
	uint64_t since_s = q->since_s < INT64_MAX ? q->since_s : INT64_MAX;
	uint64_t after = q->after < INT64_MAX ? q->after : INT64_MAX;
	bool new = q->newest;
	enum db_statement which =
		q->kind ? (new ? DB_EVENT_KIND_NEWEST : DB_EVENT_KIND)
			: (new ? DB_EVENT_ALL_NEWEST : DB_EVENT_ALL);
	uint64_t first = 0;
	uint64_t wid = 0;
	int rc = 0;

	if (after == 0 && since_s) {
		rc = first_since(s, since_s, &first, reterr);
		after = first ? first - 1 : INT64_MAX;
	}
	if (rc == 0 && q->workload) {
		which = new ? DB_EVENT_OF_NEWEST : DB_EVENT_OF;
		rc = store_find_wid(s, q->workload, &wid, reterr);
	}
	if (rc == 0)
		rc = db_use(s, which, ret, reterr);
	if (rc < 0)
		return rc;
	db_bind(*ret, 1, after);
	db_bind(*ret, 2, since_s);
	db_bind(*ret, 3, until_s);
	db_bind(*ret, 4, q->limit);
	if (q->kind)
		db_bind_text(*ret, 5, q->kind);
	if (q->workload)
		db_bind(*ret, 6, wid);
	return 0;
}

int store_each_event(struct store *s, const struct store_event_query *q,
		     int (*cb)(const json_t *event, uint64_t number, void *arg),
		     void *arg, struct err *reterr)
{
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
		const char *text = (const char *)sqlite3_column_text(st, 1);
		json_t *event = text ? json_loads(text, 0, NULL) : NULL;

		if (!event)
			rc = err_set(reterr, ENOMEM, "event", "out of memory");
		else
			rc = cb(event, (uint64_t)sqlite3_column_int64(st, 0),
				arg);
		json_decref(event);
		if (rc != 0)
			break;
	}
	db_end(st);
	return rc;
}
