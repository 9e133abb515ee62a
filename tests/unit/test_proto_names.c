/*
 * Protocols that are known by name only: what they are not. What they are is
 * recorded (test_proto_talks.c).
 */
#include "proto/dhcp.h"
#include "proto/echo.h"
#include "proto/greeted.h"
#include "proto/ldap.h"
#include "proto/ntp.h"
#include "proto/radius.h"
#include "proto/snmp.h"
#include "proto/stun.h"
#include "proto/syslog.h"
#include "proto/tftp.h"
#include "seed.h"
#include "test.h"

#define BYTES(s) s, sizeof(s) - 1
#define NONE	 NULL, 0
#define SNMP_GET                                                               \
	"\xa0\x19\2\1\7\2\1\0\2\1\0\x30\x0e\x30\x0c\6\x08\x2b\6\1\2\1\1\1\0\5" \
	"\0"
#define NTP_REST                                                               \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
	"\0\0"

static const struct row {
	const char *name;
	const struct proto_parser *parser;
	bool udp;
	uint16_t port;
	enum proto_guess want;
	const char *client;
	size_t client_len;
	const char *server;
	size_t server_len;
	bool cut; /* what the client said goes on */
} rows[] = {
	{ "echo", &proto_echo, true, 7, PROTO_YES, BYTES("abc"), BYTES("abc") },
	{ "echo, a part", &proto_echo, false, 7, PROTO_MAYBE, BYTES("abc"),
	  BYTES("ab") },
	{ "echo, not yet", &proto_echo, false, 7, PROTO_MAYBE, BYTES("abc"),
	  NONE },
	{ "echo, another word", &proto_echo, false, 7, PROTO_NO, BYTES("abc"),
	  BYTES("abd") },
	{ "echo, and more", &proto_echo, false, 7, PROTO_YES, BYTES("abc"),
	  BYTES("abcd") },
	{ "echo, another port", &proto_echo, false, 8, PROTO_NO, BYTES("abc"),
	  BYTES("abc") },
	{ "tftp, no mode", &proto_tftp, true, 0, PROTO_NO, BYTES("\0\1file\0"),
	  NONE },
	{ "tftp, another mode", &proto_tftp, true, 0, PROTO_NO,
	  BYTES("\0\1file\0bytes\0"), NONE },
	{ "tftp, option without a value", &proto_tftp, true, 0, PROTO_NO,
	  BYTES("\0\1file\0octet\0tsize\0"), NONE },
	{ "tftp, not printable", &proto_tftp, true, 0, PROTO_NO,
	  BYTES("\0\1fi\1le\0octet\0"), NONE },
	{ "tftp, another answer", &proto_tftp, true, 0, PROTO_NO,
	  BYTES("\0\6name\0value\0"), NONE },
	{ "tftp, a block that was taken", &proto_tftp, true, 0, PROTO_YES,
	  BYTES("\0\3\0\1text"), BYTES("\0\4\0\1") },
	{ "tftp, writing", &proto_tftp, true, 0, PROTO_YES, BYTES("\0\4\0\0"),
	  BYTES("\0\3\0\1text") },
	{ "tftp, a block", &proto_tftp, true, 0, PROTO_MAYBE,
	  BYTES("\0\3\0\1text"), NONE },
	{ "tftp, another block was taken", &proto_tftp, true, 0, PROTO_NO,
	  BYTES("\0\3\0\1text"), BYTES("\0\4\0\2") },
	{ "tftp, taken and more", &proto_tftp, true, 0, PROTO_NO,
	  BYTES("\0\3\0\1text"), BYTES("\0\4\0\1x") },
	{ "tftp, not the first block", &proto_tftp, true, 0, PROTO_NO,
	  BYTES("\0\3\0\2text"), BYTES("\0\4\0\2") },
	{ "ldap, a bind", &proto_ldap, false, 0, PROTO_YES,
	  BYTES("\x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0"), NONE },
	{ "ldap, a bind by name", &proto_ldap, false, 0, PROTO_YES,
	  BYTES("\x30\x12\2\1\1\x60\x0d\2\1\3\4\4cn=a\x80\2pw"), NONE },
	{ "ldap, long lengths", &proto_ldap, false, 0, PROTO_YES,
	  BYTES("\x30\x84\0\0\1\0\2\1\1\x60\x84\0\0\0\xf7\2\1\3\4\x82\0\xf0"
		"cn"),
	  NONE },
	{ "ldap, a search", &proto_ldap, false, 0, PROTO_YES,
	  BYTES("\x30\x25\2\1\2\x63\x20\4\0\x0a\1\0\x0a\1\0\2\1\0"), NONE },
	{ "ldap, starttls", &proto_ldap, false, 0, PROTO_YES,
	  BYTES("\x30\x1d\2\1\1\x77\x18\x80\x16"
		"1.3.6.1.4.1.1466.20037"),
	  NONE },
	{ "ldap, a part", &proto_ldap, false, 0, PROTO_MAYBE,
	  BYTES("\x30\x0c\2\1\1\x60\7\2\1"), NONE },
	{ "ldap, version 9", &proto_ldap, false, 0, PROTO_NO,
	  BYTES("\x30\x0c\2\1\1\x60\7\2\1\x09\4\0\x80\0"), NONE },
	{ "ldap, an answer", &proto_ldap, false, 0, PROTO_NO,
	  BYTES("\x30\x0c\2\1\1\x61\7\x0a\1\0\4\0\4\0"), NONE },
	{ "ldap, a negative number", &proto_ldap, false, 0, PROTO_NO,
	  BYTES("\x30\x0c\2\1\xff\x60\7\2\1\3\4\0\x80\0"), NONE },
	{ "snmp", &proto_snmp, true, 0, PROTO_YES,
	  BYTES("\x30\x26\2\1\1\4\6public" SNMP_GET), NONE },
	{ "snmp, version 2", &proto_snmp, true, 0, PROTO_NO,
	  BYTES("\x30\x26\2\1\2\4\6public" SNMP_GET), NONE },
	{ "snmp, a byte behind it", &proto_snmp, true, 0, PROTO_NO,
	  BYTES("\x30\x26\2\1\1\4\6public" SNMP_GET "a"), NONE },
	{ "snmp, no operation", &proto_snmp, true, 0, PROTO_NO,
	  BYTES("\x30\x0b\2\1\1\4\6public"), NONE },
	{ "syslog, priority", &proto_syslog, true, 0, PROTO_NO,
	  BYTES("<192>Jan  1 00:00:00 a: b"), NONE },
	{ "syslog, no month", &proto_syslog, true, 0, PROTO_NO,
	  BYTES("<13>Jax  1 00:00:00 a: b"), NONE },
	{ "syslog, HTML", &proto_syslog, false, 0, PROTO_NO,
	  BYTES("<html><head></head></html>"), NONE },
	{ "syslog, not yet", &proto_syslog, false, 0, PROTO_MAYBE,
	  BYTES("<13>Ja"), NONE },
	{ "syslog, a length, not yet", &proto_syslog, false, 0, PROTO_MAYBE,
	  BYTES("95"), NONE },
	{ "syslog, without a time", &proto_syslog, true, 0, PROTO_YES,
	  BYTES("<13>1 - host app - - - b"), NONE },
	{ "stun, another cookie", &proto_stun, true, 0, PROTO_NO,
	  BYTES("\0\1\0\0\x21\x12\xa4\x43"
		"0123456789ab"),
	  NONE },
	{ "stun, length", &proto_stun, true, 0, PROTO_NO,
	  BYTES("\0\1\0\4\x21\x12\xa4\x42"
		"0123456789ab"),
	  NONE },
	{ "stun, not yet", &proto_stun, false, 0, PROTO_MAYBE,
	  BYTES("\0\1\0\0\x21"), NONE },
	{ "radius", &proto_radius, true, 0, PROTO_YES,
	  BYTES("\1\7\0\x17"
		"0123456789abcdef"
		"\1\3a"),
	  NONE },
	{ "radius, no attribute", &proto_radius, true, 0, PROTO_NO,
	  BYTES("\1\7\0\x14"
		"0123456789abcdef"),
	  NONE },
	{ "radius, length", &proto_radius, true, 0, PROTO_NO,
	  BYTES("\1\7\0\x18"
		"0123456789abcdef"
		"\1\3a"),
	  NONE },
	{ "radius, code", &proto_radius, true, 0, PROTO_NO,
	  BYTES("\x09\7\0\x17"
		"0123456789abcdef"
		"\1\3a"),
	  NONE },
	{ "radius, attribute's length", &proto_radius, true, 0, PROTO_NO,
	  BYTES("\1\7\0\x17"
		"0123456789abcdef"
		"\1\4a"),
	  NONE },
	{ "radius, a long one", &proto_radius, true, 1812, PROTO_YES,
	  BYTES("\1\7\4\0"
		"0123456789abcdef"
		"\1\3a\x4f\xff"),
	  NONE, true },
	{ "radius, a long one, another port", &proto_radius, true, 7, PROTO_NO,
	  BYTES("\1\7\4\0"
		"0123456789abcdef"
		"\1\3a\x4f\xff"),
	  NONE, true },
	{ "ntp, a client's clock", &proto_ntp, true, 0, PROTO_YES,
	  BYTES("\x23\0\6\x20" NTP_REST "\xe8\0\0\0\0\0\0\1"), NONE },
	{ "ntp, no clock", &proto_ntp, true, 0, PROTO_NO,
	  BYTES("\x23\0\6\x20" NTP_REST "\0\0\0\0\0\0\0\0"), NONE },
	{ "ntp, mode", &proto_ntp, true, 0, PROTO_NO,
	  BYTES("\x25\0\6\x20" NTP_REST "\xe8\0\0\0\0\0\0\1"), NONE },
	{ "ntp, stratum", &proto_ntp, true, 0, PROTO_NO,
	  BYTES("\x23\x11\6\x20" NTP_REST "\xe8\0\0\0\0\0\0\1"), NONE },
	{ "ntp, odd length", &proto_ntp, true, 0, PROTO_NO,
	  BYTES("\x23\0\6\x20" NTP_REST "\xe8\0\0\0\0\0\0\1"
		"a"),
	  NONE },
	{ "ntp, running, not yet", &proto_ntp, true, 0, PROTO_MAYBE,
	  BYTES("\x23\2\6\x20" NTP_REST "\xe8\0\0\0\0\0\0\1"), NONE },
	{ "ntp, running, another's answer", &proto_ntp, true, 0, PROTO_NO,
	  BYTES("\x23\2\6\x20" NTP_REST "\xe8\0\0\0\0\0\0\1"),
	  BYTES("\x24\2\6\x20" NTP_REST "\xe8\0\0\0\0\0\0\1") },
	{ "dhcp, short", &proto_dhcp, true, 0, PROTO_NO,
	  BYTES("\1\1\6\0\0\0\0\7"), NONE },
	{ "dhcp 6, without a client", &proto_dhcp, true, 0, PROTO_NO,
	  BYTES("\1abc\0\x08\0\2\0\0"), NONE },
	{ "dhcp 6", &proto_dhcp, true, 0, PROTO_YES,
	  BYTES("\1abc\0\1\0\4\0\3\0\1\0\x08\0\2\0\0"), NONE },
	{ "dhcp 6, a byte behind it", &proto_dhcp, true, 0, PROTO_NO,
	  BYTES("\1abc\0\1\0\4\0\3\0\1\0"), NONE },
};

static void guesses(void **state)
{
	(void)state;
	for (const struct row *r = rows; r < rows + ARRAY_LEN(rows); r++) {
		const struct proto_opening o = {
			.said = { bytes_of(r->client, r->client_len),
				  bytes_of(r->server, r->server_len) },
			.now = r->server ? PROTO_SERVER : PROTO_CLIENT,
			.udp = r->udp,
			.server_port = r->port,
			.cut = { [PROTO_CLIENT] = r->cut },
		};

		if (r->parser->recognise(&o) != r->want)
			fail_msg("%s", r->name);
	}
}

static const struct {
	const char *name;
	const struct proto_parser *parser;
	enum proto_guess want;
	const char *server, *client;
} greeted[] = {
	{ "ftp", &proto_ftp, PROTO_YES, "220 (vsFTPd 3.0.3)\r\n",
	  "USER anonymous\r\n" },
	{ "ftp, in several lines", &proto_ftp, PROTO_YES, "220-a\r\n220 b\r\n",
	  "auth TLS\r\n" },
	{ "ftp, no answer yet", &proto_ftp, PROTO_MAYBE, "220 a\r\n", "" },
	{ "ftp, a part", &proto_ftp, PROTO_MAYBE, "22", "" },
	{ "ftp, half a command", &proto_ftp, PROTO_MAYBE, "220 a\r\n", "USE" },
	{ "ftp, a mail", &proto_ftp, PROTO_NO, "220 a\r\n", "EHLO b\r\n" },
	{ "ftp, another number", &proto_ftp, PROTO_NO, "421 a\r\n", "" },
	{ "ftp, no line", &proto_ftp, PROTO_NO, "2201\r\n", "USER a\r\n" },
	{ "pop3", &proto_pop3, PROTO_YES, "+OK Dovecot ready.\r\n",
	  "CAPA\r\n" },
	{ "pop3, redis", &proto_pop3, PROTO_NO, "+OK\r\n", "*1\r\n" },
	{ "pop3, ftp's", &proto_pop3, PROTO_NO, "+OK\r\n", "FEAT\r\n" },
	{ "imap", &proto_imap, PROTO_YES, "* OK [CAPABILITY IMAP4rev1] a\r\n",
	  "A001 CAPABILITY\r\n" },
	{ "imap, a command and more", &proto_imap, PROTO_YES, "* PREAUTH a\r\n",
	  "a SELECT b\r\n" },
	{ "imap, no tag", &proto_imap, PROTO_NO, "* OK a\r\n",
	  "LOGIN a b\r\n" },
	{ "imap, only a tag", &proto_imap, PROTO_MAYBE, "* OK a\r\n", "A1 " },
	{ "imap, a long tag", &proto_imap, PROTO_NO, "* OK a\r\n",
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	{ "imap, a blank", &proto_imap, PROTO_NO, "* OK a\r\n", " LOGIN" },
};

static void greetings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(greeted); i++) {
		struct proto_opening o = {
			.said = { bytes_of(greeted[i].client,
					   strlen(greeted[i].client)),
				  bytes_of(greeted[i].server,
					   strlen(greeted[i].server)) },
			.first = PROTO_SERVER,
		};

		if (greeted[i].parser->recognise(&o) != greeted[i].want)
			fail_msg("%s", greeted[i].name);
		/* and never where the client spoke first */
		o.first = PROTO_CLIENT;
		if (greeted[i].parser->recognise(&o) != PROTO_NO)
			fail_msg("%s, by a client", greeted[i].name);
	}
}

/* Whatever is said at random, it is none of them. */
static void random_bytes(void **state)
{
	static const struct proto_parser *const all[] = {
		&proto_dhcp, &proto_echo, &proto_ntp,  &proto_radius,
		&proto_snmp, &proto_stun, &proto_tftp, &proto_syslog,
		&proto_ftp,  &proto_pop3, &proto_imap, &proto_ldap,
	};
	uint64_t random = seed_choose() | 1;
	uint8_t bytes[512];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		size_t len = seed_draw(&random, sizeof bytes) + 1;
		struct proto_opening o = { .udp = i % 2, .server_port = 7 };

		for (size_t k = 0; k < len; k++)
			bytes[k] = (uint8_t)seed_draw(&random, 256);
		o.said[PROTO_CLIENT] = bytes_of(bytes, len);
		o.cut[PROTO_CLIENT] = len == sizeof bytes;
		for (size_t k = 0; k < ARRAY_LEN(all); k++)
			if (all[k]->recognise(&o) == PROTO_YES)
				fail_msg("%s", all[k]->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guesses),
		cmocka_unit_test(greetings),
		cmocka_unit_test(random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
