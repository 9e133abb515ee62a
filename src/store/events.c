/*
 * Events: kept as they were given, beside what is asked for. Pages of them are
 * looked for as those of flows (flows_ask.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "wire/has_text.h"

static const char *text_of(const json_t *event, const char *member)
{
	return json_string_value(json_object_get(event, member));
}

/* The policy's rule that it is about; 0: none. */
static uint64_t rule_of(const json_t *event)
{
	json_int_t rule = json_integer_value(json_object_get(event, "rule"));

	return rule > 0 ? (uint64_t)rule : 0;
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
	db_bind(st, 5, rule_of(event));
	rc = db_run(s, st, reterr);
	s->n_events += rc == 0;
	return rc;
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

int store_last_event(struct store *s, uint64_t *ret, struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = db_ready(s, reterr);

	*ret = 0;
	if (rc == 0)
		rc = db_use(s, DB_EVENT_LAST, &st, reterr);
	return rc < 0 ? rc : db_number(s, st, ret, reterr);
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

struct asking {
	struct store *s;
	const struct store_event_query *q;
	uint64_t until_s;
	uint64_t *numbers; /* of the newest, the last first; owned */
	size_t n, passed;
	bool more;
	uint64_t cursor; /* of the row that was looked at last */
	int (*cb)(const json_t *event, uint64_t number, void *arg);
	void *arg;
};

/* By the index that has the fewest of those that are asked for. */
static int use(struct asking *a, sqlite3_stmt **ret, struct err *reterr)
{
	const struct store_event_query *q = a->q;
	uint64_t after = q->after < INT64_MAX ? q->after : INT64_MAX;
	uint64_t before = q->newest && q->before ? q->before : INT64_MAX;
	enum db_statement which =
		q->workload ? (q->newest ? DB_EVENT_OF_NEWEST : DB_EVENT_OF)
		: q->rule   ? (q->newest ? DB_EVENT_RULE_NEWEST : DB_EVENT_RULE)
		: q->kind   ? (q->newest ? DB_EVENT_KIND_NEWEST : DB_EVENT_KIND)
			    : (q->newest ? DB_EVENT_ALL_NEWEST : DB_EVENT_ALL);
	uint64_t first = 0, wid = 0;
	int rc = 0;

	if (after == 0 && q->since_s) {
		rc = first_since(
			a->s, q->since_s < INT64_MAX ? q->since_s : INT64_MAX,
			&first, reterr);
		after = first ? first - 1 : INT64_MAX;
	}
	if (rc == 0 && q->workload)
		rc = store_find_wid(a->s, q->workload, &wid, reterr);
	if (rc == 0)
		rc = db_use(a->s, which, ret, reterr);
	if (rc < 0)
		return rc;
	db_bind(*ret, 1, after);
	db_bind(*ret, 2, before < INT64_MAX ? before : INT64_MAX);
	if (q->workload)
		db_bind(*ret, 3, wid);
	else if (q->rule)
		db_bind(*ret, 3, q->rule);
	else if (q->kind)
		db_bind_text(*ret, 3, q->kind);
	return 0;
}

/* Stands in an event's JSON as it is: nothing that is escaped there. */
static bool is_plain(const char *part)
{
	for (; *part; part++)
		if ((unsigned char)*part < 0x20 || *part == '"' ||
		    *part == '\\')
			return false;
	return true;
}

static bool fits(const struct store_event_query *q, uint64_t until_s,
		 sqlite3_stmt *st)
{
	uint64_t at_s = (uint64_t)sqlite3_column_int64(st, 1);
	const char *kind = (const char *)sqlite3_column_text(st, 2);
	const char *text;
	json_t *event;
	bool has;

	if (at_s < q->since_s || at_s > until_s ||
	    (q->kind && (!kind || strcmp(kind, q->kind) != 0)) ||
	    (q->rule && sqlite3_column_int64(st, 3) != q->rule))
		return false;
	if (!q->text)
		return true;
	text = (const char *)sqlite3_column_text(st, 4);
	if (!text || (is_plain(q->text) && !strcasestr(text, q->text)))
		return false;
	event = json_loads(text, 0, NULL);
	(void)json_object_del(event, "raw"); /* digits, if it has any */
	has = json_has_text(event, q->text);
	json_decref(event);
	return has;
}

static int tell(void *arg, sqlite3_stmt *st, struct err *reterr)
{
	struct asking *a = arg;
	const char *text = (const char *)sqlite3_column_text(st, 4);
	json_t *event = text ? json_loads(text, 0, NULL) : NULL;
	int rc = event ? a->cb(event, (uint64_t)sqlite3_column_int64(st, 0),
			       a->arg)
		       : err_set(reterr, ENOMEM, "event", "out of memory");

	json_decref(event);
	return rc;
}

static int look(struct asking *a, struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = use(a, &st, reterr);

	if (rc < 0)
		return rc;
	while (!a->more && (rc = db_step(a->s, st, reterr)) > 0) {
		a->cursor = (uint64_t)sqlite3_column_int64(st, 0);
		rc = 0;
		if (!fits(a->q, a->until_s, st)) {
			a->passed++;
		} else if (a->q->newest) {
			a->numbers[a->n++] = a->cursor;
		} else {
			a->n++;
			rc = tell(a, st, reterr);
		}
		if (rc != 0)
			break;
		a->more = a->n == a->q->limit ||
			  (a->q->seen && a->passed == STORE_LOOK_MAX);
	}
	db_end(st);
	return rc;
}

int store_each_event(struct store *s, const struct store_event_query *q,
		     int (*cb)(const json_t *event, uint64_t number, void *arg),
		     void *arg, struct err *reterr)
{
	struct asking a = { .s = s, .q = q, .cb = cb, .arg = arg };
	int rc;

	if (q->limit < 1 || q->limit > STORE_PAGE_MAX)
		return err_set(reterr, EINVAL, "limit", "is not 1 to %d",
			       STORE_PAGE_MAX);
	rc = db_ready(s, reterr);
	if (rc < 0)
		return rc;
	a.until_s = q->until_s && q->until_s < INT64_MAX ? q->until_s
							 : INT64_MAX;
	a.numbers = q->newest ? calloc(q->limit, sizeof *a.numbers) : NULL;
	if (q->newest && !a.numbers)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = look(&a, reterr);
	if (rc == 0 && q->newest)
		rc = db_each_of(s, DB_EVENT_ONE, a.numbers, a.n, tell, &a,
				reterr);
	if (rc == 0 && q->seen)
		*q->seen = (struct store_seen){ a.cursor, a.more };
	free(a.numbers);
	return rc;
}
