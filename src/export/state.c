#include "export/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int file_error(const char *path, struct err *reterr)
{
	return err_set(reterr, errno, path, "%s", strerror(errno));
}

/* What is damaged counts as not there: then we begin with what is new. */
int state_read(const char *path, json_t **ret, struct err *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	json_error_t why;

	*ret = NULL;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return file_error(path, reterr);
	*ret = json_loadfd(fd, JSON_REJECT_DUPLICATES, &why);
	close(fd);
	if (!json_is_object(*ret)) {
		json_decref(*ret);
		*ret = NULL;
		return err_set(reterr, EINVAL, path, "is damaged: %s",
			       why.text);
	}
	return 0;
}

int state_write(const char *path, const json_t *o, bool durable, unsigned mode,
		struct err *reterr)
{
	char aside[PATH_MAX];
	int n = snprintf(aside, sizeof aside, "%s.new", path), fd, rc = 0;

	if (n < 0 || (size_t)n >= sizeof aside)
		return err_set(reterr, ENAMETOOLONG, path,
			       "the path is too long");
	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		  mode);
	if (fd < 0)
		return file_error(aside, reterr);
	if (json_dumpfd(o, fd, JSON_COMPACT) < 0 || write(fd, "\n", 1) != 1 ||
	    (durable && fdatasync(fd) < 0))
		rc = file_error(aside, reterr);
	close(fd);
	if (rc == 0 && rename(aside, path) < 0)
		rc = file_error(path, reterr);
	if (rc < 0)
		(void)unlink(aside); /* half of it is of no use */
	return rc;
}
