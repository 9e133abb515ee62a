/*
 * Which statements a text of SQL has. What is heard of it as one line: verbs, a
 * database as "=name", "?" for each asked; then the text must be what it was.
 */
#include "proto/sql.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

static const struct {
	const char *name;
	enum sql_dialect dialect;
	const char *text, *want;
} rows[] = {
	{ "one", SQL_ANSI, "select 1", "SELECT ?" },
	{ "none", SQL_ANSI, " -- nothing\n;;", "?" },
	{ "empty", SQL_ANSI, "", "" }, /* nothing is asked */
	{ "a word only", SQL_ANSI, "commit", "COMMIT ?" },
	{ "blanks, parentheses", SQL_ANSI, " \t\n((SELECT 1) UNION (SELECT 2))",
	  "SELECT ?" },
	{ "comments", SQL_ANSI, "/* drop */ -- drop\n/*/ drop */DELETE FROM t",
	  "DELETE ?" },
	{ "three", SQL_ANSI, "a;b ; c;", "A ?B ?C ?" },
	{ "quotes", SQL_ANSI, "select ';drop', \";drop\";drop",
	  "SELECT ?DROP ?" },
	{ "a quote's quote", SQL_ANSI, "select 'it''s;drop'", "SELECT ?" },
	{ "no backslash", SQL_ANSI, "select '\\'; drop", "SELECT ?DROP ?" },
	{ "backslash", SQL_MYSQL, "select '\\'; drop', \"\\\";drop\"",
	  "SELECT ?" },
	{ "no backslash in a name", SQL_MYSQL, "select `\\`;drop",
	  "SELECT ?DROP ?" },
	{ "hash", SQL_MYSQL, "# drop ;drop\nselect 1 # ';\n;b", "SELECT ?B ?" },
	{ "no hash", SQL_POSTGRESQL, "select 1 # 2;drop", "SELECT ?DROP ?" },
	{ "minus minus", SQL_MYSQL, "select 1--1;drop -- ;x\n;y --\n;z",
	  "SELECT ?DROP ?Y ?Z ?" },
	{ "minus minus elsewhere", SQL_POSTGRESQL, "select 1--1;drop\n;a",
	  "SELECT ?A ?" },
	{ "executed", SQL_MYSQL, "/*!50000DROP*/ TABLE t", "DROP ?TABLE ?" },
	{ "executed or not", SQL_MYSQL, "/*!99999 SELECT 1 */ DROP TABLE t",
	  "SELECT ?DROP ?" },
	{ "executed, MariaDB", SQL_MYSQL, "/*M!100100 SET x=1 */;", "SET ?" },
	{ "executed, inside", SQL_MYSQL, "SELECT /*!40001 SQL_NO_CACHE */ * /2",
	  "SELECT ?" },
	{ "not executed", SQL_MYSQL, "/*M DROP */ /* ! */ /**/a", "A ?" },
	{ "not executed there", SQL_POSTGRESQL, "/*!DROP*/ a", "A ?" },
	{ "nested", SQL_POSTGRESQL, "/* a /* b */ drop */ select", "SELECT ?" },
	{ "not nested", SQL_MYSQL, "/* a /* b */ drop */ select", "DROP ?" },
	{ "E", SQL_POSTGRESQL, "select E'\\';drop', e'\\'';b", "SELECT ?B ?" },
	{ "no E", SQL_POSTGRESQL, "select date'\\';drop --'",
	  "SELECT ?DROP ?" },
	{ "dollars", SQL_POSTGRESQL, "do $$;drop$$;select $a$;x$$;$b$;$a$;y",
	  "DO ?SELECT ?Y ?" },
	{ "parameters", SQL_POSTGRESQL, "select $1;a$b$;c", "SELECT ?A ?C ?" },
	{ "brackets", SQL_TSQL, "select [a;drop];b", "SELECT ?B ?" },
	{ "no brackets", SQL_POSTGRESQL, "select a[1;b]", "SELECT ?B ?" },
	{ "slashes", SQL_CQL, "// drop;\nselect 1 // ;drop\n;b",
	  "SELECT ?B ?" },
	{ "with", SQL_POSTGRESQL,
	  "WITH RECURSIVE a(b) AS (SELECT 1), c AS (VALUES (1)) SELECT 2",
	  "SELECT ?" },
	{ "with, written", SQL_POSTGRESQL,
	  "with a as ( /* ( */ delete from t) select 1; drop",
	  "DELETE ?SELECT ?DROP ?" },
	{ "with, main", SQL_POSTGRESQL, "with a as (select 1) insert into t",
	  "INSERT ?" },
	{ "with nothing", SQL_ANSI, "with a;b", "WITH ?B ?" },
	{ "with a name", SQL_ANSI, "with \"select\" as (select 1) update t",
	  "UPDATE ?" },
	{ "use", SQL_MYSQL, "use Shop", "USE =Shop ?" },
	{ "use, quoted", SQL_MYSQL, "use/**/`a b`;select 1",
	  "USE =a b ?SELECT ?" },
	{ "no use", SQL_MYSQL, "select user, use x", "SELECT ?" },
};

struct heard {
	char text[256];
	char sql[256];
	bool open;
};

static void add(char *to, size_t size, const char *head, struct bytes b,
		const char *tail)
{
	size_t at = strlen(to);

	(void)snprintf(to + at, size - at, "%s%.*s%s", head, (int)bytes_len(b),
		       (const char *)b.begin, tail);
}

static bool piece(void *arg, const struct proto_piece *p)
{
	struct heard *h = arg;

	if (p->field == FIELD_SQL_TEXT) {
		assert_int_equal(p->begin, !h->open);
		h->open = !p->end;
		add(h->sql, sizeof h->sql, "", p->bytes, "");
	} else {
		add(h->text, sizeof h->text,
		    p->field == FIELD_SQL_VERB ? "" : "=", p->bytes, " ");
	}
	return true;
}

static bool asked(void *arg)
{
	struct heard *h = arg;

	add(h->text, sizeof h->text, "?", bytes_of("", 0), "");
	return true;
}

/* In pieces of `most` bytes; 0: one. */
static void check(size_t row, size_t most)
{
	struct heard h = { .open = false };
	struct proto_sink sink = { .piece = piece, .asked = asked, .arg = &h };
	size_t len = strlen(rows[row].text), at = 0, n;
	struct sql s;

	sql_begin(&s, rows[row].dialect);
	do {
		n = most && most < len - at ? most : len - at;
		assert_true(sql_text(&s, &sink,
				     bytes_of(rows[row].text + at, n),
				     at + n == len));
		at += n;
	} while (at < len);
	if (strcmp(h.text, rows[row].want) != 0)
		fail_msg("\"%s\" in pieces of %zu: %s", rows[row].name, most,
			 h.text);
	assert_string_equal(h.sql, rows[row].text);
	assert_false(h.open);
}

static void statements(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t most = 0; most < 9; most++)
			check(i, most);
}

/* The text may end in a call that has none of it. */
static void late_end(void **state)
{
	struct heard h = { .open = false };
	struct proto_sink sink = { .piece = piece, .asked = asked, .arg = &h };
	struct sql s;

	(void)state;
	sql_begin(&s, SQL_ANSI);
	assert_true(sql_text(&s, &sink, bytes_of("drop", 4), false));
	assert_true(h.open);
	assert_true(sql_text(&s, &sink, bytes_of("", 0), true));
	assert_false(h.open);
	assert_string_equal(h.text, "DROP ?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements),
		cmocka_unit_test(late_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
