#include "proto/postgresql.h"
#include "said_postgresql.h"
#include "talk.h"
#include "test.h"

#define START	   "\0\0\0\x20\0\3\0\0user\0bob\0database\0shop\0\0"
#define START_SAID "C sql.user bob\nC sql.database shop\nasked\nC ended\n"
#define READY	   "R\0\0\0\x8\0\0\0\0Z\0\0\0\5I"

static const struct {
	const char *name;
	struct talk_line lines[8];
	const char *want;
} rows[] = {
	{ "statements",
	  { TALK('C', START), TALK('S', READY),
	    TALK('C', "Q\0\0\0\x1cselect 1; drop table t\0\0"),
	    TALK('S', "T\0\0\0\6xxD\0\0\0\5xE\0\0\0\x17SERROR\0C42601\0Mno\0\0"
		      "Z\0\0\0\5I") },
	  "app postgresql\n" START_SAID
	  "S ended\nC sql.verb SELECT\nasked\nC sql.verb DROP\n"
	  "C sql.text select 1; drop table t\nasked\nC ended\n"
	  "S sql.error 42601\nS ended\n" },
	{ "prepared",
	  { TALK('C', START), TALK('S', READY),
	    TALK('C', "P\0\0\0\x1bs1\0delete from t\0\0\1\0\0\0\x17"
		      "B\0\0\0\6xxE\0\0\0\x9p\0\0\0\0S\0\0\0\4"
		      "P\0\0\0\x8\0\0\0\0F\0\0\0\6xx") },
	  "app postgresql\n" START_SAID
	  "S ended\nC sql.verb DELETE\nC sql.text delete from t\nasked\n"
	  "C ended\nC ended\nC sql.verb CALL\nasked\nC ended\n" },
	{ "no TLS, no GSS, and the user's database",
	  { TALK('C', "\0\0\0\x8\x04\xd2\x16\x30"), TALK('S', "N"),
	    TALK('C', "\0\0\0\x8\x04\xd2\x16\x2f"), TALK('S', "N"),
	    TALK('C', "\0\0\0\x12\0\3\0\0user\0bob\0\0"),
	    TALK('S', "E\0\0\0\x17SFATAL\0C28P01\0Mno\0\0") },
	  "app postgresql\nC sql.user bob\nC sql.database bob\nasked\n"
	  "C ended\nS sql.error 28P01\nS note sql.denied\n" },
	{ "TLS",
	  { TALK('C', "\0\0\0\x8\x04\xd2\x16\x2f"), TALK('S', "S"),
	    TALK('C', TALK_HELLO) },
	  "app postgresql\n" TALK_HELLO_SAID },
	{ "a start behind the wish for TLS",
	  { TALK('C', "\0\0\0\x8\x04\xd2\x16\x2f" START "Q\0\0\0\x1cselect"),
	    TALK('S', "S"), TALK('C', TALK_HELLO) },
	  "app postgresql\nC note malformed\n" START_SAID "lost\n" },
	{ "a start behind the wish for TLS, which is not granted",
	  { TALK('C', "\0\0\0\x8\x04\xd2\x16\x2f" START), TALK('S', "N" READY),
	    TALK('C', "Q\0\0\0\x8sel\0") },
	  "app postgresql\nC note malformed\n" START_SAID
	  "S ended\nC sql.verb SEL\nC sql.text sel\nasked\nC ended\n" },
	{ "TLS that nobody asked for",
	  { TALK('C', START), TALK('S', "S\0\0\0\4"),
	    TALK('C', "Q\0\0\0\x8sel\0") },
	  "app postgresql\n" START_SAID
	  "C sql.verb SEL\nC sql.text sel\nasked\nC ended\n" },
	{ "cancel",
	  { TALK('C', "\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\1\0\0\0\2") },
	  "app postgresql\nover\n" },
	{ "a message shorter than its length",
	  { TALK('C', START), TALK('C', "Q\0\0\0\3") },
	  "app postgresql\n" START_SAID "C note malformed\nlost\n" },
	{ "no zero at the end",
	  { TALK('C', START), TALK('C', "Q\0\0\0\x8"
					"dropP\0\0\0\5x") },
	  "app postgresql\n" START_SAID
	  "C sql.verb DROP\nC sql.text drop\nasked\nC ended\n"
	  "C note malformed\nlost\n" },
	{ "another version",
	  { TALK('C', "\0\0\0\x20\0\2\0\0user\0\1\2bob") },
	  "unknown\n" },
};

static void postgresql(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

static void recorded(void **state)
{
	(void)state;
	talk_check(
		"psql", false, said_psql,
		"app postgresql\nC sql.user bob\nC sql.database postgres\n"
		"asked\nC ended\nS ended\nC sql.verb CREATE\n"
		"C sql.text CREATE TABLE t (a int);\nasked\nC ended\nS ended\n"
		"C sql.verb INSERT\nC sql.text INSERT INTO t VALUES (1);\n"
		"asked\nC ended\nS ended\nC sql.verb SELECT\n"
		"C sql.text SELECT a FROM t;\nasked\nC ended\nS ended\n"
		"C sql.verb SELECT\nC sql.text SELECT b FROM t;\nasked\n"
		"C ended\nS sql.error 42703\nS ended\nC sql.verb COPY\n"
		"C sql.text COPY t FROM STDIN;\nasked\nC ended\nS ended\n"
		"C sql.verb COPY\nC sql.text COPY t TO STDOUT;\nasked\n"
		"C ended\nS ended\nC sql.verb SELECT\nasked\nC sql.verb DROP\n"
		"C sql.text SELECT 1; DROP TABLE t;\nasked\nC ended\nS ended\n"
		"C sql.verb SELECT\nC sql.text SELECT $1::int \nasked\n"
		"C ended\nS sql.error 42P02\nS ended\n");
	talk_check("denied", false, said_psql_denied,
		   "app postgresql\nC sql.user bob\nC sql.database postgres\n"
		   "asked\nC ended\nS sql.error 28P01\nS note sql.denied\n");
	talk_check("no TLS there", false, said_psql_no_ssl,
		   "app postgresql\nC sql.user bob\nC sql.database postgres\n"
		   "asked\nC ended\nS ended\nC sql.verb SELECT\n"
		   "C sql.text SELECT 1;\nasked\nC ended\nS ended\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(postgresql),
		cmocka_unit_test(recorded),
	};

	talk_parser = &proto_postgresql;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
