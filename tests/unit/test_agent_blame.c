/*
 * Whose frame a data plane died at: one expected row a report.
 */
#include "agent/blame.h"

#include <stdio.h>
#include <string.h>

#include "folder.h"
#include "test.h"

#define ONE  "4e:65:75:56:00:01>aa:00:00:00:00:01"
#define TWO  "aa:00:00:00:00:02>4e:65:75:56:00:02"
#define DIED "died: version=1 signal=11\n"

static const struct row {
	const char *about, *report, *to, *from;
} rows[] = {
	{ "one worker, at a frame", DIED "frame: worker=0 thread=7 " ONE "\n",
	  "aa:00:00:00:00:01", "4e:65:75:56:00:01" },
	{ "the thread that died, behind a stack",
	  DIED "frame: worker=0 thread=7 " ONE "\n"
	       "frame: worker=1 thread=8 " TWO "\n"
	       "crash: version=1 signal=11 code=1 thread=8 at=0x0\n"
	       "/usr/sbin/weir-dp(+0x1)[0x1]\n",
	  "4e:65:75:56:00:02", "aa:00:00:00:00:02" },
	{ "who hung",
	  DIED "hung: worker=0\n"
	       "frame: worker=0 thread=7 " ONE "\n"
	       "frame: worker=1 thread=8 " TWO "\n"
	       "crash: version=1 signal=6 code=-6 thread=8 at=0x0\n",
	  "aa:00:00:00:00:01", "4e:65:75:56:00:01" },
	{ "a thread that carries no frames",
	  DIED "frame: worker=0 thread=7 " ONE "\n"
	       "crash: version=1 signal=11 code=1 thread=6 at=0x0\n",
	  NULL, NULL },
	{ "a worker that was at none",
	  DIED "last frame: worker=0 thread=7 " ONE "\n"
	       "crash: version=1 signal=11 code=1 thread=7 at=0x0\n",
	  NULL, NULL },
	{ "one of two, and which is not told",
	  DIED "frame: worker=0 thread=7 " ONE "\n"
	       "frame: worker=1 thread=8 " TWO "\n",
	  NULL, NULL },
	{ "of an older version", DIED "frame: worker=0 " ONE "\n",
	  "aa:00:00:00:00:01", "4e:65:75:56:00:01" },
	{ "no MAC", DIED "frame: worker=0 thread=7 x>y\n", NULL, NULL },
	{ "half", DIED "frame: worker=0 thread=7 4e:65:75:56:00:01>", NULL,
	  NULL },
	{ "only >", "frame: >\n", NULL, NULL },
	{ "nothing", "", NULL, NULL },
};

static void check(const char *folder, const struct row *row)
{
	const char *path = folder_file(folder, "report");
	char to[MAC_TEXT_MAX], from[MAC_TEXT_MAX];
	FILE *f = fopen(path, "we");
	struct mac macs[2];
	bool is;

	assert_non_null(f);
	assert_int_equal(fwrite(row->report, 1, strlen(row->report), f),
			 strlen(row->report));
	assert_int_equal(fclose(f), 0);
	is = blame_read(path, macs);
	if (is != (row->to != NULL))
		fail_msg("%s: %d", row->about, is);
	if (!is)
		return;
	if (strcmp(mac_format(macs[0], to), row->to) != 0 ||
	    strcmp(mac_format(macs[1], from), row->from) != 0)
		fail_msg("%s: %s %s", row->about, to, from);
}

static void test_reports(void **state)
{
	char *folder = folder_make();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(folder, &rows[i]);
	folder_remove(folder);
}

static void test_more_than_workers(void **state)
{
	char *folder = folder_make();
	const char *path = folder_file(folder, "report");
	FILE *f = fopen(path, "we");
	struct mac macs[2];

	assert_non_null(f);
	for (int i = 0; i < 10000; i++)
		(void)fprintf(f, "frame: worker=%d thread=%d " ONE "\n", i, i);
	assert_int_equal(fclose(f), 0);
	assert_false(blame_read(path, macs));
	assert_false(blame_read(folder_file(folder, "none"), macs));
	folder_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_more_than_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
