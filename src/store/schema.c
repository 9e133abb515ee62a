/*
 * Step N makes version N of version N-1; a step that was once released is never
 * changed again. `PRAGMA user_version` is set in the same transaction.
 *
 * Why the tables are as they are:
 *
 * document   one row a revision. `bytes` stands before `body`, so that it is
 *            read without it. A deletion is a revision without body.
 * about      what is told about a revision, for those of which something is:
 *            behind `body` it could only be read through it.
 * flow       id = day << 32 | count, so days are ranges of it: since, until and
 *            forgetting are ranges, and pages go by it. What is added up changes
 *            no index (but flow_violation, once), so it costs one page.
 * workload   wid: what flows and events say instead of 64 hex digits.
 * map        id = level << 48 | end_s, so buckets of one length, and of a time, are a
 *            range of it. What is in one, agent/map_bytes.c says.
 * event      AUTOINCREMENT: a number is never used again, also when all events
 *            are forgotten. `rule` is the policy's that the body names.
 */
#include "store/schema.h"

#include <stdio.h>

#include "base/bug.h"

/* limits: table */
static const char *const steps[SCHEMA_VERSION] = {
	"CREATE TABLE document ("
	" name TEXT NOT NULL, revision INTEGER NOT NULL,"
	" saved_s INTEGER NOT NULL, bytes INTEGER, body TEXT,"
	" UNIQUE (name, revision));",

	"CREATE TABLE workload ("
	" wid INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
	" seen_s INTEGER NOT NULL, about TEXT);"
	"CREATE TABLE flow ("
	" id INTEGER PRIMARY KEY, day INTEGER NOT NULL,"
	" client INTEGER NOT NULL, server INTEGER NOT NULL,"
	" client_addr BLOB NOT NULL, server_addr BLOB NOT NULL,"
	" port INTEGER NOT NULL, proto INTEGER NOT NULL,"
	" app INTEGER NOT NULL, action INTEGER NOT NULL,"
	" rule INTEGER NOT NULL, ingress INTEGER NOT NULL,"
	" name TEXT NOT NULL,"
	" sessions INTEGER NOT NULL, violations INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL, packets INTEGER NOT NULL,"
	" first_s INTEGER NOT NULL, last_s INTEGER NOT NULL);"
	"CREATE UNIQUE INDEX flow_key ON flow (day, client, server, port,"
	" client_addr, server_addr, proto, app, action, rule, ingress, name);"
	"CREATE INDEX flow_client ON flow (client) WHERE client > 0;"
	"CREATE INDEX flow_server ON flow (server) WHERE server > 0;"
	"CREATE INDEX flow_violation ON flow (id) WHERE violations > 0;",

	"CREATE TABLE event ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" at_s INTEGER NOT NULL, kind TEXT NOT NULL,"
	" workload INTEGER NOT NULL, body TEXT NOT NULL);"
	"CREATE INDEX event_at ON event (at_s);"
	"CREATE INDEX event_kind ON event (kind);"
	"CREATE INDEX event_workload ON event (workload) WHERE workload > 0;",

	"CREATE TABLE map (id INTEGER PRIMARY KEY, edges BLOB NOT NULL);",

	"CREATE INDEX flow_rule ON flow (rule) WHERE rule > 0;"
	"CREATE INDEX flow_learn ON flow (id) WHERE action = 1;"
	"ALTER TABLE event ADD COLUMN rule INTEGER NOT NULL DEFAULT 0;"
	"UPDATE event SET rule = CASE WHEN json_valid(body)"
	" AND json_type(body, '$.rule') = 'integer'"
	" THEN max(json_extract(body, '$.rule'), 0) ELSE 0 END"
	" WHERE body LIKE '%\"rule\":%';"
	"CREATE INDEX event_rule ON event (rule) WHERE rule > 0;",

	("CREATE TABLE about (name TEXT NOT NULL, revision INTEGER NOT NULL,"
	 " about TEXT NOT NULL, PRIMARY KEY (name, revision)) WITHOUT ROWID;"),
};

static int version_of(sqlite3 *db, int *ret)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int step(sqlite3 *db, int version)
{
	char set_version[48];
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		return rc;
	(void)snprintf(set_version, sizeof set_version,
		       "PRAGMA user_version = %d; COMMIT", version);
	rc = sqlite3_exec(db, steps[version - 1], NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, set_version, NULL, NULL, NULL);
	if (rc != SQLITE_OK && !sqlite3_get_autocommit(db))
		/* what is not undone now is when the file is opened again */
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

int schema_upgrade(sqlite3 *db, int version, int *ret_found)
{
	int found = 0;
	int rc = version_of(db, &found);

	BUG_ON(version > SCHEMA_VERSION);
	if (rc != SQLITE_OK)
		return rc;
	*ret_found = found;
	if (found < 0 || found > version)
		return SQLITE_MISMATCH;
	while (rc == SQLITE_OK && found < version)
		rc = step(db, ++found);
	return rc;
}
