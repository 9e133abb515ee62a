/* The limit of memory, by files as kernels write them. */
#include "base/cgroup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "folder.h"
#include "test.h"

#define V1 "34 30 0:31 / /cg/memory rw,relatime - cgroup cgroup rw,memory\n"
#define V2 "40 30 0:37 / /cg/unified rw,relatime shared:4 - cgroup2 none rw\n"
#define OTHERS                                                     \
	"22 1 8:1 / / rw - ext4 /dev/sda rw\n"                     \
	"31 30 0:28 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n" \
	"nonsense\n"

/* A file with all folders above it. */
static void put(const char *dir, const char *name, const char *text)
{
	char path[1024];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	for (char *s = path + strlen(dir) + 1; (s = strchr(s, '/')); s++) {
		*s = '\0';
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
		*s = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

struct file {
	const char *name, *text;
};

static const struct row {
	const char *name, *groups, *mounts;
	struct file files[4];
	uint64_t want;
} rows[] = {
	{ "no group of memory", "1:cpu:/a\n", OTHERS V1, { { NULL } }, 0 },
	{ "none is mounted", "4:memory:/a\n0::/a\n", OTHERS, { { NULL } }, 0 },
	{ "version 2",
	  "0::/a/b\n",
	  OTHERS V2,
	  { { "cg/unified/a/b/memory.max", "1000\n" } },
	  1000 },
	{ "version 2, above",
	  "0::/a/b\n",
	  OTHERS V2,
	  { { "cg/unified/a/b/memory.max", "max\n" },
	    { "cg/unified/a/memory.max", "2000\n" } },
	  2000 },
	{ "the least of both",
	  "0::/a/b\n",
	  OTHERS V2,
	  { { "cg/unified/a/b/memory.max", "3000\n" },
	    { "cg/unified/a/memory.max", "2000\n" } },
	  2000 },
	{ "none at all",
	  "0::/a\n",
	  OTHERS V2,
	  { { "cg/unified/a/memory.max", "max\n" } },
	  0 },
	{ "version 1",
	  "4:cpu,memory:/a\n",
	  OTHERS V1,
	  { { "cg/memory/a/memory.limit_in_bytes", "4000\n" },
	    { "cg/memory/memory.limit_in_bytes", "9223372036854771712\n" } },
	  4000 },
	{ "version 1 has none",
	  "4:memory:/a\n",
	  OTHERS V1,
	  { { "cg/memory/a/memory.limit_in_bytes", "9223372036854771712\n" } },
	  0 },
	{ "both versions",
	  "4:memory:/a\n0::/b\n",
	  OTHERS V1 V2,
	  { { "cg/memory/a/memory.limit_in_bytes", "4000\n" },
	    { "cg/unified/b/memory.max", "3500\n" } },
	  3500 },
	{ "a container sees its own group",
	  "0::/pods/x/y\n",
	  "40 30 0:37 /pods/x /cg/unified rw - cgroup2 none rw\n",
	  { { "cg/unified/y/memory.max", "max\n" },
	    { "cg/unified/memory.max", "5000\n" } },
	  5000 },
	{ "one that is not below what is seen",
	  "0::/other\n",
	  "40 30 0:37 /pods/x /cg/unified rw - cgroup2 none rw\n",
	  { { "cg/unified/memory.max", "6000\n" } },
	  6000 },
	{ "one whose name only begins so",
	  "0::/pods/xyz\n",
	  "40 30 0:37 /pods/x /cg/unified rw - cgroup2 none rw\n",
	  { { "cg/unified/yz/memory.max", "1\n" },
	    { "cg/unified/memory.max", "6000\n" } },
	  6000 },
	{ "a controller whose name has memory in it",
	  "3:memoryless:/a\n",
	  V1,
	  { { "cg/memory/a/memory.limit_in_bytes", "1\n" } },
	  0 },
};

static void by_files(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		char *dir = folder_make();
		uint64_t got = 77;
		struct err err;

		put(dir, "proc/self/cgroup", r->groups);
		put(dir, "proc/self/mountinfo", r->mounts);
		for (size_t k = 0; k < 4 && r->files[k].name; k++)
			put(dir, r->files[k].name, r->files[k].text);
		assert_int_equal(cgroup_memory_limit(dir, &got, &err), 0);
		if (got != r->want)
			fail_msg("row \"%s\": %llu, not %llu", r->name,
				 (unsigned long long)got,
				 (unsigned long long)r->want);
		folder_remove(dir);
	}
}

static void unreadable(void **state)
{
	char *dir = folder_make();
	uint64_t got = 77;
	struct err err;

	assert_int_equal(cgroup_memory_limit(dir, &got, &err), -ENOENT);
	assert_string_equal(err.at, "/proc/self/cgroup");
	assert_int_equal(got, 77);
	folder_remove(dir);
}

/* Of this machine: whatever it is, it can be read. */
static void here(void **state)
{
	uint64_t got;
	struct err err;

	assert_int_equal(cgroup_memory_limit("", &got, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_files),
		cmocka_unit_test(unreadable),
		cmocka_unit_test(here),
	};

	return cmocka_run_group_tests_name("base_cgroup", tests, NULL, NULL);
}
