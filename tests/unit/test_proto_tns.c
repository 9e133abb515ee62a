#include "proto/tns.h"
#include "talk.h"
#include "test.h"

/* Version 316, not below 300; text of that length at 34. */
#define CONNECT(len, text_len)                                         \
	len "\0\0\1\0\0\0\1\x3c\1\x2c\0\0\x20\0\x7f\xff\x7f\x08\0\0\1" \
	    "\0" text_len "\0\x22\0\0\0\0\0\0"
#define SHORT CONNECT("\0\x46", "\0\x24") "(DESCRIPTION=(A=(Sid = x)(USER=me)))"
#define SHORT_SAID                                                           \
	"app oracle\nC sql.user me\nC sql.database x\nC sql.verb ?\nasked\n" \
	"C ended\n"

static const struct {
	const char *name;
	struct talk_line lines[8];
	const char *want;
} rows[] = {
	{ "statements",
	  { TALK('C', SHORT), TALK('S', "\0\x0a\0\0\2\0\0\0\1\x3a"),
	    TALK('C',
		 "\0\x20\0\0\6\0\0\0\0\0\3\x5e\7\1\2\x0dselect 1 from\1\1\1"
		 "\0\x0e\0\0\6\0\0\0\0\0\3\x0e\1\2"
		 "\0\x1c\0\0\6\0\0\0\0\0\x11\x69\1\3\x5e\7\1\x09"
		 "Drop t;a\1\1"),
	    TALK('S', "\0\x0c\0\0\6\0\0\0\0\0ab") },
	  SHORT_SAID "S ended\nC sql.verb SELECT\nC sql.text select 1 from\n"
		     "asked\nC ended\nC sql.verb DROP\nasked\nC sql.verb A\n"
		     "C sql.text Drop t;a\nasked\nC ended\n" },
	{ "a descriptor by itself, and long lengths",
	  { TALK('C',
		 CONNECT("\0\x22", "\0\x20") "\0\x2a\0\0\6\0\0\0\0\0(SERVICE_"
					     "NAME=shop)(user=ann)xxx"),
	    TALK('S', "\0\x0a\0\0\2\0\0\0\1\x3b"),
	    TALK('C', "\0\0\0\x17\6\0\0\0\0\0\3\x5e\7\1\x07"
		      "begin x\1") },
	  "app oracle\nC sql.user ann\nC sql.database shop\nC sql.verb "
	  "?\nasked\n"
	  "C ended\nS ended\nC sql.verb BEGIN\nC sql.text begin x\nasked\nC "
	  "ended\n" },
	{ "refused",
	  { TALK('C', SHORT),
	    TALK('S',
		 "\0\x25\0\0\4\0\0\0\1\1\0\x18(DESCRIPTION=(ERR=12514))") },
	  SHORT_SAID "S sql.error 12514\nS ended\n" },
	{ "no type",
	  { TALK('C', SHORT "\0\x0a\0\0\0\0\0\0\1\1") },
	  SHORT_SAID "C note malformed\nlost\n" },
	{ "a version that is none",
	  { TALK('C', "\0\x46\0\0\1\0\0\0\0\x3c\1\x2cxxxxxxxx"),
	    TALK('S', "x") },
	  "unknown\n" },
};

static void tns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tns),
	};

	talk_parser = &proto_tns;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
