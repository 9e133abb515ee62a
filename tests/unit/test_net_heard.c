#include "net/heard.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

#define TO    "\xff\xff\xff\xff\xff\xff"
#define FROM  "\2\0\0\0\0\1"
#define OTHER "\2\0\0\0\0\2"
#define IP    "\x0a\x09\0\5"
#define ARP(hw, mac, ip) \
	TO FROM "\x08\x06\0" hw "\x08\0\6\4\0\2" mac ip FROM "\x0a\x09\0\1"
#define V6   "\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\5"
#define NONE "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ND(next, hops, source, type) \
	TO FROM "\x86\xdd\x60\0\0\0\0\x18" next hops source V6 type
#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *name, *bytes;
	size_t len;
	bool ok;
	const char *addr; /* NULL: none */
} rows[] = {
	{ "arp", BYTES(ARP("\1", FROM, IP)), true, "10.9.0.5" },
	{ "arp probe", BYTES(ARP("\1", FROM, "\0\0\0\0")), true, NULL },
	{ "arp of another", BYTES(ARP("\1", OTHER, IP)), true, NULL },
	{ "arp of another hardware", BYTES(ARP("\2", FROM, IP)), true, NULL },
	{ "arp cut", BYTES(TO FROM "\x08\x06\0\1\x08\0\6\4\0\1" FROM "\x0a"),
	  true, NULL },
	{ "solicitation", BYTES(ND("\x3a", "\xff", V6, "\x87")), true,
	  "fd09::5" },
	{ "advertisement", BYTES(ND("\x3a", "\xff", V6, "\x88")), true,
	  "fd09::5" },
	{ "duplicate address detection",
	  BYTES(ND("\x3a", "\xff", NONE, "\x87")), true, NULL },
	{ "by a router", BYTES(ND("\x3a", "\xfe", V6, "\x87")), true, NULL },
	{ "echo", BYTES(ND("\x3a", "\xff", V6, "\x80")), true, NULL },
	{ "udp", BYTES(ND("\x11", "\xff", V6, "\x87")), true, NULL },
	{ "ipv6 cut", BYTES(ND("\x3a", "\xff", V6, "")), true, NULL },
	{ "anything", BYTES(TO FROM "\x12\x34"), true, NULL },
	{ "from a group", BYTES(TO TO "\x08\x06"), false, NULL },
	{ "from nobody", BYTES(TO "\0\0\0\0\0\0\x08\x06"), false, NULL },
	{ "no type", BYTES(TO FROM "\x08"), false, NULL },
	{ "empty", BYTES(""), false, NULL },
};

static void table(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct heard h = { 0 };
		char text[IP_TEXT_MAX];
		bool ok = heard_parse(bytes_of(rows[i].bytes, rows[i].len), &h);

		assert_row(rows[i].name, ok == rows[i].ok);
		if (!ok)
			continue;
		assert_row(rows[i].name, memcmp(h.mac.b, FROM, 6) == 0);
		assert_row(rows[i].name, h.has_addr == !!rows[i].addr);
		if (h.has_addr)
			assert_string_equal(ip_format(h.addr, text),
					    rows[i].addr);
	}
}

/* Each frame, cut at each place: in memory of just that size. */
static void cut(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t n = 0; n <= rows[i].len; n++) {
			uint8_t *copy = malloc(n + !n);
			struct heard h;

			assert_non_null(copy);
			memcpy(copy, rows[i].bytes, n);
			if (heard_parse(bytes_of(copy, n), &h))
				assert_true(n >= 14 &&
					    (!h.has_addr || n >= 32));
			free(copy);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests_name("net_heard", tests, NULL, NULL);
}
