#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *load(int fd, const char *path, size_t size, struct err *reterr)
{
	char *text = calloc(1, size + 1);
	size_t have = 0;

	if (!text) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	while (have < size) {
		ssize_t n = read(fd, text + have, size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			(void)err_set(reterr, n < 0 ? errno : EIO, path,
				      "cannot be read");
			free(text);
			return NULL;
		}
		have += (size_t)n;
	}
	return text;
}

char *file_load(const char *path, size_t max, size_t *ret_len,
		struct err *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text = NULL;

	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)err_set(reterr, errno, path, "%s", strerror(errno));
	} else if (!S_ISREG(st.st_mode) || (size_t)st.st_size > max) {
		(void)err_set(reterr, E2BIG, path,
			      "is no file, or has more than %zu bytes", max);
	} else {
		*ret_len = (size_t)st.st_size;
		text = load(fd, path, *ret_len, reterr);
	}
	if (fd >= 0)
		close(fd);
	return text;
}
