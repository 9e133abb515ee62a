/*
 * A file of each earlier version becomes one of this version, with all that is
 * in it; one of a later version is left alone; a step is whole or not at all.
 */
#include "store/schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "folder.h"
#include "store/store.h"
#include "test.h"

static int make(void **state)
{
	*state = folder_make();
	return 0;
}

static int removes(void **state)
{
	folder_remove(*state);
	return 0;
}

static sqlite3 *open_db(const char *dir)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(folder_file(dir, "weir.db"), &db),
			 SQLITE_OK);
	return db;
}

static void run(sqlite3 *db, const char *text)
{
	char *error = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", text, error);
}

/* What was there when that version was written, in its own words. */
static const char *const rows[SCHEMA_VERSION + 1] = {
	[1] = "INSERT INTO document (name, revision, saved_s, bytes, body)"
	      " VALUES ('intent', 7, 1000, 7, '{\"n\":7}');",
	[2] = "INSERT INTO workload (wid, id, seen_s, about)"
	      " VALUES (3, 'web', 1000, '{\"name\":\"web\"}');"
	      "INSERT INTO flow VALUES (4294967297, 1, 3, 0, x'0a000001',"
	      " x'0a000002', 443, 6, 1002, 1, 17, 0, 'example.org', 2, 1,"
	      " 300, 4, 86400, 86500);",
	[3] = "INSERT INTO event (at_s, kind, workload, body)"
	      " VALUES (1000, 'state', 3, '{\"kind\":\"state\",\"at\":1000}'),"
	      " (1001, 'violation', 0, '{\"rule\":17}'),"
	      " (1002, 'violation', 0, '{\"rule\":\"17\"}'),"
	      " (1003, 'violation', 0, '{\"rule\":17');",
	[4] = "INSERT INTO map VALUES (300, x'01');",
	[5] = "UPDATE event SET rule = 17 WHERE at_s = 1001",
	[6] = "INSERT INTO about VALUES ('intent', 7, '{\"what\":\"it\"}')",
};

static int on_flow(const struct store_flow *f, uint64_t cursor,
		   const json_t *client_about, const json_t *server_about,
		   void *arg)
{
	char text[IP_TEXT_MAX];

	assert_string_equal(f->client, "web");
	assert_string_equal(f->server, "");
	assert_string_equal(f->name, "example.org");
	assert_string_equal(ip_format(f->server_addr, text), "10.0.0.2");
	assert_int_equal(f->rule_id, 17);
	assert_int_equal(f->bytes, 300);
	assert_non_null(client_about);
	assert_null(server_about);
	++*(unsigned *)arg;
	return 0;
}

static int on_event(const json_t *event, uint64_t number, void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

static void check_all(struct store *s, int version)
{
	struct store_flow_query flows = { .workload = "web",
					  .only_violations = true,
					  .limit = 10 };
	struct store_event_query events = { .workload = "web", .limit = 10 };
	/* what an event names is found of those before there was a column */
	struct store_event_query of_rule = { .rule = 17, .limit = 10 };
	unsigned n_flows = 0;
	unsigned n_events = 0;
	unsigned n_of_rule = 0;
	uint64_t revision = 0;
	json_t *doc, *list;
	int rc = store_get_doc(s, "intent", &doc, &revision, NULL);

	assert_int_equal(rc, version >= 1 ? 0 : -ENOENT);
	if (rc == 0)
		json_decref(doc);
	assert_int_equal(revision, version >= 1 ? 7 : 0);
	assert_int_equal(store_doc_history(s, "intent", &list, NULL), 0);
	assert_int_equal(json_array_size(list), version >= 1);
	assert_int_equal(json_object_get(json_array_get(list, 0), "what") !=
				 NULL,
			 version >= 6);
	json_decref(list);
	assert_int_equal(store_each_flow(s, &flows, on_flow, &n_flows, NULL),
			 0);
	assert_int_equal(n_flows, version >= 2);
	assert_int_equal(
		store_each_event(s, &events, on_event, &n_events, NULL), 0);
	assert_int_equal(n_events, version >= 3);
	assert_int_equal(
		store_each_event(s, &of_rule, on_event, &n_of_rule, NULL), 0);
	assert_int_equal(n_of_rule, version >= 3);
	flows.rule = 17;
	n_flows = 0;
	assert_int_equal(store_each_flow(s, &flows, on_flow, &n_flows, NULL),
			 0);
	assert_int_equal(n_flows, version >= 2);
	assert_string_equal(store_state(s), "");
}

static void test_upgrade(void **state)
{
	for (int version = 0; version <= SCHEMA_VERSION; version++) {
		char *dir = folder_make();
		sqlite3 *db = open_db(dir);
		struct err err = { 0 };
		struct store *s;
		int found;

		assert_int_equal(schema_upgrade(db, version, &found),
				 SQLITE_OK);
		assert_int_equal(found, 0);
		for (int i = 1; i <= version; i++)
			run(db, rows[i]);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		if (store_open(dir, &s, &err) < 0)
			fail_msg("version %d: %s", version, err.text);
		check_all(s, version);
		store_free(s);

		db = open_db(dir);
		assert_int_equal(schema_upgrade(db, SCHEMA_VERSION, &found),
				 SQLITE_OK);
		assert_int_equal(found, SCHEMA_VERSION);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		folder_remove(dir);
	}
}

static void test_later(void **state)
{
	sqlite3 *db = open_db(*state);
	struct err err = { 0 };
	struct store *s;
	int found;

	run(db, "CREATE TABLE later (x); PRAGMA user_version = 99");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(store_open(*state, &s, &err), -EPROTO);
	assert_string_equal(err.text,
			    "is of version 99, which a later weir wrote; "
			    "this one knows 6");
	assert_int_equal(store_open(*state, &s, NULL), -EPROTO);

	db = open_db(*state);
	run(db, "PRAGMA user_version = -5");
	assert_int_equal(schema_upgrade(db, SCHEMA_VERSION, &found),
			 SQLITE_MISMATCH);
	assert_int_equal(found, -5);
	run(db, "PRAGMA user_version = 99; SELECT x FROM later");
	assert_int_equal(schema_upgrade(db, SCHEMA_VERSION, &found),
			 SQLITE_MISMATCH);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The second of two tables of a step cannot be made: the first is not there. */
static void test_half_a_step(void **state)
{
	sqlite3 *db = open_db(*state);
	int found;

	assert_int_equal(schema_upgrade(db, 1, &found), SQLITE_OK);
	run(db, "CREATE TABLE flow (foreign_to_us)");
	assert_true(schema_upgrade(db, SCHEMA_VERSION, &found) != SQLITE_OK);
	assert_true(sqlite3_get_autocommit(db));
	assert_int_equal(sqlite3_table_column_metadata(db, NULL, "workload",
						       NULL, NULL, NULL, NULL,
						       NULL, NULL),
			 SQLITE_ERROR);
	run(db, "DROP TABLE flow");
	assert_int_equal(schema_upgrade(db, SCHEMA_VERSION, &found), SQLITE_OK);
	assert_int_equal(found, 1);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, removes)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upgrade),
		TEST(test_later),
		TEST(test_half_a_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
