#include "proto/smtp.h"
#include "said_smtp.h"
#include "talk.h"
#include "test.h"

#define GREETING       "220 mx ESMTP\r\n"
#define ASKED(command) "C smtp.command " command "\nasked\nC ended\n"

static const struct {
	const char *name;
	struct talk_line lines[12];
	const char *want;
} rows[] = {
	{ "a mail, all at once",
	  { TALK('S', GREETING),
	    TALK('C', "EHLO me\r\nmail from:<a@b> SIZE=9\r\nRCPT TO: c@d x\r\n"
		      "DATA\r\n"),
	    TALK('S',
		 "250-mx\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
	    TALK('C',
		 "Subject: x\r\n\r\n..hidden\r\n.a\r\nDATA\r\n.\r\nQUIT\r\n"),
	    TALK('S', "250 ok\r\n221 bye\r\n") },
	  "app smtp\nS ended\n" ASKED(
		  "EHLO") "C smtp.command MAIL\nC smtp.mail_from a@b\nasked\nC "
			  "ended\n"
			  "C smtp.command RCPT\nC smtp.rcpt_to c@d\nasked\nC "
			  "ended\n" ASKED(
				  "DATA") "S ended\nS ended\nS ended\nS ended\n"
					  "C smtp.body Subject: "
					  "x\\x0d\\x0a\\x0d\\x0a."
					  "hidden\\x0d\\x0aa\\x0d"
					  "\\x0aDATA\\x0d\\x0a\nasked\nC "
					  "ended\n" ASKED("QUIT") "S ended\nS "
								  "ended\n" },
	{ "refused",
	  { TALK('S', GREETING), TALK('C', "HELO me\r\nDATA\r\n"),
	    TALK('S', "250 ok\r\n503 no\r\n"), TALK('C', "NOOP\r\n") },
	  "app smtp\nS ended\n" ASKED("HELO")
		  ASKED("DATA") "S ended\nS ended\n" ASKED("NOOP") },
	{ "in chunks",
	  { TALK('S', GREETING),
	    TALK('C', "EHLO me\r\nBDAT 5\r\n.\r\nabBDAT 1 LAST\r\nxBDAT 0\r\n"
		      "RSET\r\n") },
	  "app smtp\nS ended\n" ASKED("EHLO") ASKED(
		  "BDAT") "C smtp.body .\\x0d\\x0aab\nasked\nC "
			  "ended\n" ASKED("BDAT") "C smtp.body x\nasked\nC "
						  "ended\n" ASKED("BDAT")
							  ASKED("RSET") },
	{ "TLS",
	  { TALK('S', "220 mx\r\n"), TALK('C', "EHLO me\r\nSTARTTLS\r\n"),
	    TALK('S', "250 ok\r\n220 go\r\n"), TALK('C', TALK_HELLO) },
	  "app smtp\nS ended\n" ASKED("EHLO")
		  ASKED("STARTTLS") "S ended\n" TALK_HELLO_SAID },
	{ "no TLS there",
	  { TALK('S', "220 mx\r\n"), TALK('C', "EHLO me\r\nSTARTTLS\r\n"),
	    TALK('S', "250 ok\r\n454 no\r\n"), TALK('C', "QUIT\r\n") },
	  "app smtp\nS ended\n" ASKED("EHLO")
		  ASKED("STARTTLS") "S ended\nS ended\n" ASKED("QUIT") },
	{ "a command behind STARTTLS, and TLS",
	  { TALK('S', "220 mx\r\n"),
	    TALK('C', "EHLO me\r\nSTARTTLS\r\nRCPT TO:<c@d>\r\n"),
	    TALK('S', "250 ok\r\n220 go\r\n"), TALK('C', TALK_HELLO) },
	  "app smtp\nS ended\n" ASKED("EHLO")
		  ASKED("STARTTLS") "C note malformed\nC smtp.command RCPT\n"
				    "C smtp.rcpt_to c@d\nasked\nC ended\n"
				    "S ended\nlost\n" },
	{ "a text behind STARTTLS, and TLS",
	  { TALK('S', "220 mx\r\n"),
	    TALK('C', "EHLO me\r\nSTARTTLS\r\nDATA\r\nhalf a\n"),
	    TALK('S', "250 ok\r\n220 go\r\n"), TALK('C', TALK_HELLO) },
	  "app smtp\nS ended\n" ASKED("EHLO")
		  ASKED("STARTTLS") "C note malformed\n" ASKED(
			  "DATA") "S ended\nlost\n" },
	{ "a command behind STARTTLS, and no TLS",
	  { TALK('S', "220 mx\r\n"),
	    TALK('C', "EHLO me\r\nSTARTTLS\r\nNOOP\r\n"),
	    TALK('S', "250 ok\r\n454 no\r\n250 ok\r\n"),
	    TALK('C', "STARTTLS\r\n"), TALK('S', "220 go\r\n"),
	    TALK('C', TALK_HELLO) },
	  "app smtp\nS ended\n" ASKED("EHLO")
		  ASKED("STARTTLS") "C note malformed\n" ASKED(
			  "NOOP") "S ended\n"
				  "S ended\n"
				  "S ended\n" ASKED("STARTTLS")
					  TALK_HELLO_SAID },
	{ "220 and 334 that nobody asked for",
	  { TALK('S', "220 mx\r\n"), TALK('C', "EHLO me\r\n"),
	    TALK('S', "250 ok\r\n220 go\r\n334 say\r\n"),
	    TALK('C', "QUIT\r\n") },
	  "app smtp\nS ended\n" ASKED(
		  "EHLO") "S ended\nS ended\nS ended\n" ASKED("QUIT") },
	{ "a login",
	  { TALK('C', "ehlo me\r\nauth login\r\n"), TALK('S', GREETING),
	    TALK('S', "250 ok\r\n334 VXNlcg==\r\n"), TALK('C', "Ym9i\r\n"),
	    TALK('S', "334 UGFzcw==\r\n"), TALK('C', "cHc=\r\n"),
	    TALK('S', "535 no\r\n"), TALK('C', "quit\r\n") },
	  "app smtp\n" ASKED("EHLO")
		  ASKED("AUTH") "S ended\n"
				"S ended\nS ended\nS ended\nS note "
				"sql.denied\nS ended\n" ASKED("QUIT") },
	{ "an end that is one for some servers",
	  { TALK('S', GREETING), TALK('C', "HELO me\r\nDATA\r\n"),
	    TALK('S', "250 ok\r\n354 go\r\n"), TALK('C', "a\n.\nNOOP\r\n") },
	  "app smtp\nS ended\n" ASKED("HELO")
		  ASKED("DATA") "S ended\nS ended\nC note malformed\nC "
				"smtp.body a\\x0a\n"
				"asked\nC ended\n" ASKED("NOOP") },
	{ "a client that speaks something else",
	  { TALK('S', GREETING), TALK('C', "GET / HTTP/1.1\r\n\r\n") },
	  "unknown\n" },
	{ "FTP",
	  { TALK('S', "220 ftp\r\n"), TALK('C', "USER bob\r\n") },
	  "unknown\n" },
};

static void smtp(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		talk_check(rows[i].name, false, rows[i].lines, rows[i].want);
}

static void recorded(void **state)
{
	(void)state;
	talk_check(
		"smtplib", false, said_smtplib,
		"app smtp\nS ended\nC smtp.command EHLO\nasked\nC ended\n"
		"S ended\nC smtp.command MAIL\nC smtp.mail_from a@b\nasked\n"
		"C ended\nS ended\nC smtp.command RCPT\nC smtp.rcpt_to c@d\n"
		"asked\nC ended\nS ended\nC smtp.command RCPT\n"
		"C smtp.rcpt_to e@f\nasked\nC ended\nS ended\n"
		"C smtp.command DATA\nasked\nC ended\nS ended\n"
		"C smtp.body Subject: x\\x0d\\x0a\\x0d\\x0a.hidden\\x0d\\x0ab"
		"ye\\x0d\\x0a\nasked\nC ended\nS ended\nC smtp.command QUIT\n"
		"asked\nC ended\nS ended\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smtp),
		cmocka_unit_test(recorded),
	};

	talk_parser = &proto_smtp;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
