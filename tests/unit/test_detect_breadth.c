/* nDPI: its names and ours, what it recognises, and that it stays in its bounds. */
#include "detect/breadth.h"

#include <string.h>

#include "seed.h"
#include "test.h"
#include "wire/app.h"

static struct ip_addr addr(bool v6, uint8_t last)
{
	struct ip_addr a = ip_from_v4(0x0a000000u | last);

	if (v6) {
		memset(&a, 0, sizeof a);
		a.b[0] = 0x20;
		a.b[1] = 1;
		a.b[15] = last;
	}
	return a;
}

static void has_place(void *arg, const char *name)
{
	uint32_t app;

	assert_row(name, breadth_app(name, &app));
	(*(unsigned *)arg)++;
	if (!app)
		return;
	assert_row(name, app_name(app));
	assert_row(name, app_by_name(app_name(app)) == app);
}

/* A name that is new in another version is to be put in its place. */
static void test_names(void **state)
{
	struct breadth *b = breadth_new(1);
	unsigned n = 0;
	uint32_t app;

	assert_non_null(b);
	breadth_each_name(b, has_place, &n);
	assert_true(n > 200);
	breadth_free(b);
	assert_false(breadth_app("No such protocol", &app));
}

/* Ids never change: the first, the last, and some that are others' as well. */
static void test_ids(void **state)
{
	static const struct {
		const char *name;
		uint32_t app;
	} rows[] = {
		{ "FTP_CONTROL", 1201 }, { "GenshinImpact", 1347 },
		{ "SMBv1", 1214 },	 { "SMBv23", 1214 },
		{ "HTTP", 1001 },	 { "IMAPS", 1002 },
		{ "Redis", 2002 },	 { "MsSQL-TDS", 2027 },
		{ "Facebook", 0 },	 { "ICMP", 0 },
	};
	uint32_t app;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_row(rows[i].name, breadth_app(rows[i].name, &app));
		assert_row(rows[i].name, app == rows[i].app);
	}
}

/* Each line: who says it, and what. */
static const struct {
	const char *name;
	bool tcp;
	uint32_t app;
	const char *lines[8];
} talks[] = {
	{ "irc", true, APP_IRC, { "CNICK bob\r\nUSER bob 0 * :bob\r\n" } },
	{ "vnc", true, APP_VNC, { "SRFB 003.008\n", "CRFB 003.008\n" } },
	{ "ssdp",
	  false,
	  APP_SSDP,
	  { "CM-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
	    "MAN: \"ssdp:discover\"\r\n\r\n" } },
	/* ours, whatever nDPI would say */
	{ "http", true, 0, { "CGET / HTTP/1.1\r\nHost: a.test\r\n\r\n" } },
	{ "ftp",
	  true,
	  0,
	  { "S220 ftp.test FTP server ready.\r\n", "CUSER anonymous\r\n",
	    "S331 Password please.\r\n", "CPASS guest\r\n",
	    "S230 Logged in.\r\n" } },
	{ "nothing", true, 0, { "C\1?!", "S\1!?" } },
};

static uint32_t app_of(struct breadth *b, size_t i, bool v6)
{
	struct breadth_ends e = { addr(v6, 1), addr(v6, 2), 40000, 9999,
				  talks[i].tcp };
	uint32_t handle = breadth_open(b, &e), app = 0;

	assert_true(handle != 0);
	for (size_t k = 0; k < 8 && talks[i].lines[k] && !app; k++) {
		const char *line = talks[i].lines[k];
		struct bytes said =
			bytes_of((const uint8_t *)line + 1, strlen(line) - 1);

		(void)breadth_read(b, handle, line[0] == 'C', said,
				   (usec_t){ (k + 1) * USEC_PER_SEC }, &app);
	}
	breadth_close(b, handle);
	return app;
}

static void test_talks(void **state)
{
	struct breadth *b = breadth_new(4);

	for (size_t i = 0; i < ARRAY_LEN(talks); i++)
		for (int v6 = 0; v6 < 2; v6++)
			assert_row(talks[i].name,
				   app_of(b, i, v6) == talks[i].app);
	assert_int_equal(breadth_counts(b).in_use, 0);
	breadth_free(b);
}

/* Any bytes, any number of flows: all comes back, and none is lost. */
static void test_hostile(void **state)
{
	struct breadth *b = breadth_new(16);
	struct breadth_counts n;
	uint32_t open[16] = { 0 }, app;
	uint64_t random = seed_choose() | 1;
	uint8_t bytes[3000];

	for (unsigned i = 0; i < 20000; i++) {
		unsigned at = seed_draw(&random, 16);
		struct breadth_ends e = { addr(i & 1, (uint8_t)i),
					  addr(i & 1, 2),
					  (uint16_t)seed_draw(&random, 65536),
					  (uint16_t)seed_draw(&random, 65536),
					  i & 2 };
		uint32_t len = seed_draw(&random, sizeof bytes);

		if (!open[at])
			open[at] = breadth_open(b, &e);
		assert_true(open[at] != 0);
		for (uint32_t k = 0; k < len; k++)
			bytes[k] = (uint8_t)seed_draw(&random, 256);
		(void)breadth_read(b, open[at], i & 4, bytes_of(bytes, len),
				   (usec_t){ i * 1000 }, &app);
		if (seed_draw(&random, 4) == 0) {
			breadth_close(b, open[at]);
			open[at] = 0;
		}
	}
	for (unsigned i = 0; i < 16; i++)
		breadth_close(b, open[i]);
	n = breadth_counts(b);
	assert_int_equal(n.in_use, 0);
	assert_true(n.bytes < n.bytes_limit / 4);
	breadth_free(b);
}

static void test_full(void **state)
{
	struct breadth *b = breadth_new(2);
	struct breadth_ends e = { addr(false, 1), addr(false, 2), 1, 2, true };
	uint32_t first = breadth_open(b, &e);

	assert_true(first != 0);
	assert_true(breadth_open(b, &e) != 0);
	assert_int_equal(breadth_open(b, &e), 0);
	assert_int_equal(breadth_counts(b).no_place, 1);
	breadth_close(b, first);
	assert_int_equal(breadth_open(b, &e), first);
	breadth_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_ids),
		cmocka_unit_test(test_talks), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
