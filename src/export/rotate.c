#include "export/rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As much of the end is looked at for half a line. Longer ones stay. */
#define TAIL_BYTES 262144

static int file_error(const struct rotated *r, struct err *reterr)
{
	int error = errno;

	return err_set(reterr, error, r->path, "%s", strerror(error));
}

/* Where the last whole line ends. */
static off_t whole_until(int fd, off_t size)
{
	static const size_t step = 4096;
	off_t at = size;
	char buf[4096];

	while (at > 0 && size - at < TAIL_BYTES) {
		size_t n = at < (off_t)step ? (size_t)at : step;
		const char *last;

		if (pread(fd, buf, n, at - (off_t)n) != (ssize_t)n)
			return size;
		last = memrchr(buf, '\n', n);
		if (last)
			return at - (off_t)n + (last - buf) + 1;
		at -= (off_t)n;
	}
	return at == 0 ? 0 : size;
}

int rotated_open(struct rotated *r, struct err *reterr)
{
	int fd = open(r->path,
		      O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
			      O_NONBLOCK,
		      0640);
	struct stat st;
	off_t whole;

	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)file_error(r, reterr);
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)err_set(reterr, EINVAL, r->path, "is no file");
		goto fail;
	}
	whole = whole_until(fd, st.st_size);
	if (whole < st.st_size && ftruncate(fd, whole) < 0) {
		(void)file_error(r, reterr);
		goto fail;
	}
	r->fd = fd;
	r->bytes = (uint64_t)whole;
	/* the nearest that is known to when it was begun */
	r->begun_s = whole ? (uint64_t)st.st_ctim.tv_sec : 0;
	return 0;
fail:
	if (fd >= 0)
		close(fd);
	return -reterr->code;
}

void rotated_close(struct rotated *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

bool rotated_is_due(const struct rotated *r, uint64_t now_s)
{
	if (r->bytes == 0)
		return false;
	return (r->max_bytes && r->bytes >= r->max_bytes) ||
	       (r->max_s && now_s >= r->begun_s + r->max_s);
}

static bool name_of(const struct rotated *r, uint32_t number,
		    char buf[static PATH_MAX])
{
	int n = number ? snprintf(buf, PATH_MAX, "%s.%u", r->path, number)
		       : snprintf(buf, PATH_MAX, "%s", r->path);

	return n > 0 && n < PATH_MAX;
}

int rotated_turn(struct rotated *r, struct err *reterr)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (uint32_t i = r->keep; i > 0; i--) {
		if (!name_of(r, i - 1, from) || !name_of(r, i, to))
			return err_set(reterr, ENAMETOOLONG, r->path,
				       "the path is too long");
		/* one that is not there leaves a gap, and that is all */
		if (rename(from, to) < 0 && errno != ENOENT)
			return file_error(r, reterr);
	}
	rotated_close(r);
	r->rotations++;
	r->bytes = 0;
	return 0;
}

bool rotated_is_there(const struct rotated *r)
{
	struct stat open_one, named;

	return fstat(r->fd, &open_one) == 0 && stat(r->path, &named) == 0 &&
	       open_one.st_dev == named.st_dev &&
	       open_one.st_ino == named.st_ino;
}

int rotated_write(struct rotated *r, const char *lines, size_t len,
		  uint64_t now_s, struct err *reterr)
{
	size_t done = 0;
	struct stat st;
	int rc = 0;

	while (done < len && rc == 0) {
		ssize_t n = write(r->fd, lines + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = file_error(r, reterr);
		else
			done += (size_t)n;
	}
	if (rc < 0) {
		/*
		 * If that fails, too, it is done when it is opened again. By its
		 * size, not by ours: somebody may have emptied it.
		 */
		if (done > 0 &&
		    (fstat(r->fd, &st) < 0 || st.st_size < (off_t)done ||
		     ftruncate(r->fd, st.st_size - (off_t)done) < 0))
			rotated_close(r);
		return rc;
	}
	if (r->bytes == 0)
		r->begun_s = now_s;
	r->bytes += len;
	return 0;
}
