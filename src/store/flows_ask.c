/*
 * Pages of flows. A statement gives the rows of an index in their order, and
 * nothing else: what a row is asked for by besides is looked at here, row by row.
 * So it can be said up to which row was looked when there were too many that
 * nobody wants (STORE_LOOK_MAX), and nobody waits for all of a million.
 *
 * The newest are looked for from the end, which gives their ids, and then told
 * in the order of all others.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "wire/app.h"
#include "wire/words.h"

#define DAY_S	  86400
#define DAY_SHIFT 32
/* A day that no report of a right clock has: the last id still fits. */
#define DAY_MAX (INT64_MAX >> DAY_SHIFT)

_Static_assert(POLICY_LEARN == 1, "FLOW_LEARN_ROWS, and its index");

/* --- whose they are --------------------------------------------------- */

enum fits { NOT_ASKED, FITS, FITS_NOT };

/* A workload as it was described last; those of a page are few. */
struct who {
	int64_t wid;
	char *id;	/* owned; NULL: none */
	json_t *about;	/* owned; NULL: never described */
	enum fits fits; /* the text that is asked for */
};

/* The last ones that were wanted of one side. */
struct whose {
	struct who kept[1024];
};

static void who_done(struct who *w)
{
	free(w->id);
	json_decref(w->about);
	*w = (struct who){ .wid = 0 };
}

static void whose_done(struct whose *a)
{
	for (size_t i = 0; a && i < sizeof a->kept / sizeof *a->kept; i++)
		who_done(&a->kept[i]);
	free(a);
}

/* *ret: borrowed until the next one of that side. */
static int who_of(struct store *s, struct whose *a, int64_t wid,
		  struct who **ret, struct err *reterr)
{
	struct who *w =
		&a->kept[(size_t)wid % (sizeof a->kept / sizeof *a->kept)];
	sqlite3_stmt *st = NULL;
	const char *text;
	int rc;

	*ret = w;
	if (w->wid == wid)
		return 0;
	rc = db_use(s, DB_WORKLOAD_WHO, &st, reterr);
	if (rc < 0)
		return rc;
	db_bind(st, 1, (uint64_t)wid);
	rc = db_step(s, st, reterr);
	if (rc < 0)
		return rc;
	who_done(w);
	w->wid = wid;
	if (rc == 0) /* nobody's: an address */
		return 0;
	text = (const char *)sqlite3_column_text(st, 0);
	w->id = text ? strdup(text) : NULL;
	text = (const char *)sqlite3_column_text(st, 1);
	w->about = text ? json_loads(text, 0, NULL) : NULL;
	db_end(st);
	return 0;
}

/* --- a row ------------------------------------------------------------ */

struct asking {
	struct store *s;
	const struct store_flow_query *q;
	struct whose *clients, *servers; /* owned */
	uint64_t wid;			 /* of q->workload */
	uint64_t until_s;
	uint64_t *ids; /* of the newest, the last first; owned */
	size_t n, passed;
	bool more;
	uint64_t cursor; /* of the row that was looked at last */
	int (*cb)(const struct store_flow *f, uint64_t cursor,
		  const json_t *client_about, const json_t *server_about,
		  void *arg);
	void *arg;
};

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

/* In the order of FLOW_COLUMNS; whose it is is filled in by the caller. */
static struct store_flow flow_row(sqlite3_stmt *st)
{
	return (struct store_flow){
		.client = "",
		.server = "",
		.last_s = (uint64_t)sqlite3_column_int64(st, 1),
		.violations = (uint32_t)sqlite3_column_int64(st, 2),
		.rule_id = (uint32_t)sqlite3_column_int64(st, 3),
		.name = column_text(st, 6),
		.port = (uint16_t)sqlite3_column_int(st, 7),
		.proto = (uint8_t)sqlite3_column_int(st, 8),
		.app = (uint16_t)sqlite3_column_int(st, 9),
		.client_addr = column_addr(st, 10),
		.server_addr = column_addr(st, 11),
		.action = (uint8_t)sqlite3_column_int(st, 12),
		.ingress = sqlite3_column_int(st, 13),
		.sessions = (uint32_t)sqlite3_column_int64(st, 14),
		.bytes = (uint64_t)sqlite3_column_int64(st, 15),
		.packets = (uint64_t)sqlite3_column_int64(st, 16),
		.first_s = (uint64_t)sqlite3_column_int64(st, 17),
	};
}

static bool is_in(const char *text, const char *part)
{
	return text && strcasestr(text, part);
}

static bool who_fits(struct who *w, const char *text)
{
	if (w->fits == NOT_ASKED)
		w->fits = is_in(json_string_value(
					json_object_get(w->about, "name")),
				text)
				  ? FITS
				  : FITS_NOT;
	return w->fits == FITS;
}

/* Of what is shown of it: names, application, "tcp/443", addresses. */
static bool text_fits(const struct asking *a, sqlite3_stmt *st,
		      struct who *client, struct who *server)
{
	const char *text = a->q->text;
	char buf[IP_TEXT_MAX], proto[PROTO_TEXT_MAX];
	unsigned app = (unsigned)sqlite3_column_int(st, 9);

	if (who_fits(client, text) || who_fits(server, text) ||
	    is_in(column_text(st, 6), text) ||
	    (app && is_in(app_name(app), text)))
		return true;
	(void)snprintf(buf, sizeof buf, "%s/%d",
		       proto_name((uint8_t)sqlite3_column_int(st, 8), proto),
		       sqlite3_column_int(st, 7));
	if (is_in(buf, text))
		return true;
	if (text[strspn(text, "0123456789abcdefABCDEF.:")])
		return false;
	return is_in(ip_format(column_addr(st, 10), buf), text) ||
	       is_in(ip_format(column_addr(st, 11), buf), text);
}

static int ends_of(struct asking *a, sqlite3_stmt *st, struct who **client,
		   struct who **server, struct err *reterr)
{
	int rc = who_of(a->s, a->clients, sqlite3_column_int64(st, 4), client,
			reterr);

	if (rc < 0)
		return rc;
	return who_of(a->s, a->servers, sqlite3_column_int64(st, 5), server,
		      reterr);
}

/* 1: it is asked for, 0: it is not, or -errno. */
static int fits(struct asking *a, sqlite3_stmt *st, struct err *reterr)
{
	const struct store_flow_query *q = a->q;
	uint64_t last_s = (uint64_t)sqlite3_column_int64(st, 1);
	struct who *client, *server;
	int rc;

	if (last_s < q->since_s || last_s > a->until_s ||
	    (q->only_violations && sqlite3_column_int64(st, 2) == 0) ||
	    (q->only_learned && sqlite3_column_int(st, 12) != POLICY_LEARN) ||
	    (q->rule && sqlite3_column_int64(st, 3) != q->rule))
		return 0;
	if (!q->text)
		return 1;
	rc = ends_of(a, st, &client, &server, reterr);
	return rc != 0 ? rc : text_fits(a, st, client, server);
}

static int tell(void *arg, sqlite3_stmt *st, struct err *reterr)
{
	struct asking *a = arg;
	struct store_flow f = flow_row(st);
	struct who *client, *server;
	int rc = ends_of(a, st, &client, &server, reterr);

	if (rc != 0)
		return rc;
	f.client = client->id ? client->id : "";
	f.server = server->id ? server->id : "";
	return a->cb(&f, (uint64_t)sqlite3_column_int64(st, 0), client->about,
		     server->about, a->arg);
}

/* --- a page ----------------------------------------------------------- */

static uint64_t at_most(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

/* By the index that has the fewest of those that are asked for. */
static int use(struct asking *a, sqlite3_stmt **ret, struct err *reterr)
{
	const struct store_flow_query *q = a->q;
	uint64_t begin = at_most(q->since_s / DAY_S, DAY_MAX - 1) << DAY_SHIFT;
	uint64_t end = (at_most(a->until_s / DAY_S, DAY_MAX - 2) + 1)
		       << DAY_SHIFT;
	enum db_statement which = q->newest ? DB_FLOW_ALL_NEWEST : DB_FLOW_ALL;
	int rc = 0;

	if (q->workload) {
		which = q->newest ? DB_FLOW_OF_NEWEST : DB_FLOW_OF;
		rc = store_find_wid(a->s, q->workload, &a->wid, reterr);
	} else if (q->rule) {
		which = q->newest ? DB_FLOW_RULE_NEWEST : DB_FLOW_RULE;
	} else if (q->only_violations) {
		which = q->newest ? DB_FLOW_BAD_NEWEST : DB_FLOW_BAD;
	} else if (q->only_learned) {
		which = q->newest ? DB_FLOW_LEARN_NEWEST : DB_FLOW_LEARN;
	}
	if (rc == 0)
		rc = db_use(a->s, which, ret, reterr);
	if (rc < 0)
		return rc;
	if (q->after > begin)
		begin = at_most(q->after, INT64_MAX);
	if (q->newest && q->before && q->before < end)
		end = q->before;
	db_bind(*ret, 1, begin);
	db_bind(*ret, 2, end);
	if (q->workload)
		db_bind(*ret, 3, a->wid);
	else if (q->rule)
		db_bind(*ret, 3, q->rule);
	return 0;
}

/* The row is told, or kept to be told. */
static int take(struct asking *a, sqlite3_stmt *st, struct err *reterr)
{
	if (!a->q->newest) {
		a->n++;
		return tell(a, st, reterr);
	}
	a->ids[a->n++] = a->cursor;
	return 0;
}

static int look(struct asking *a, struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = use(a, &st, reterr);

	if (rc < 0)
		return rc;
	while (!a->more && (rc = db_step(a->s, st, reterr)) > 0) {
		a->cursor = (uint64_t)sqlite3_column_int64(st, 0);
		rc = fits(a, st, reterr);
		if (rc > 0)
			rc = take(a, st, reterr);
		else if (rc == 0)
			a->passed++;
		if (rc != 0)
			break;
		a->more = a->n == a->q->limit ||
			  (a->q->seen && a->passed == STORE_LOOK_MAX);
	}
	db_end(st);
	return rc;
}

static int page(struct asking *a, struct err *reterr)
{
	const struct store_flow_query *q = a->q;
	int rc;

	a->clients = calloc(1, sizeof *a->clients);
	a->servers = calloc(1, sizeof *a->servers);
	a->ids = q->newest ? calloc(q->limit, sizeof *a->ids) : NULL;
	if (!a->clients || !a->servers || (q->newest && !a->ids))
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = look(a, reterr);
	if (rc == 0 && q->newest)
		rc = db_each_of(a->s, DB_FLOW_ONE, a->ids, a->n, tell, a,
				reterr);
	if (rc == 0 && q->seen)
		*q->seen = (struct store_seen){ a->cursor, a->more };
	return rc;
}

int store_each_flow(struct store *s, const struct store_flow_query *q,
		    int (*cb)(const struct store_flow *f, uint64_t cursor,
			      const json_t *client_about,
			      const json_t *server_about, void *arg),
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
	a.until_s = q->until_s ? at_most(q->until_s, INT64_MAX) : INT64_MAX;
	rc = page(&a, reterr);
	whose_done(a.clients);
	whose_done(a.servers);
	free(a.ids);
	return rc;
}
