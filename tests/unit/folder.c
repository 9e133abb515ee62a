#include "folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

char *folder_make(void)
{
	const char *tmp = getenv("TMPDIR");
	char *path;

	assert_true(asprintf(&path, "%s/weir-test-XXXXXX", tmp ? tmp : "/tmp") >
		    0);
	assert_non_null(mkdtemp(path));
	return path;
}

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *ftw)
{
	return remove(path);
}

void folder_remove(char *path)
{
	assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(path);
}

const char *folder_file(const char *path, const char *name)
{
	static char text[2][512];
	static unsigned turn;
	char *ret = text[turn++ % 2];

	assert_true(snprintf(ret, sizeof *text, "%s/%s", path, name) <
		    (int)sizeof *text);
	return ret;
}
