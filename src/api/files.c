#include "api/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits_api.h"

#define DEPTH_MAX 8

struct reading {
	struct files *files;
	size_t bytes;
	struct err *reterr;
};

static const char *type_of(const char *path)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".ico", "image/x-icon" },
		{ ".woff2", "font/woff2" },
		{ ".txt", "text/plain; charset=utf-8" },
		{ ".webmanifest", "application/manifest+json" },
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
		if (strcmp(types[i][0], dot) == 0)
			return types[i][1];
	return "application/octet-stream";
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->path,
		      ((const struct file *)b)->path);
}

void files_done(struct files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->at[i].path);
		free(f->at[i].text);
	}
	free(f->at);
	*f = (struct files){ 0 };
}

const struct file *files_find(const struct files *f, const char *path)
{
	struct file key = { .path = (char *)(uintptr_t)path };

	return f->n ? bsearch(&key, f->at, f->n, sizeof key, compare_files)
		    : NULL;
}

static int fail(struct reading *r, int code, const char *path)
{
	return err_set(r->reterr, code, path, "%s", strerror(code));
}

/* Whole, of the size that it has. */
static int read_text(struct reading *r, int fd, const char *path,
		     struct file *f, size_t size)
{
	f->text = malloc(size + 1);
	if (!f->text)
		return fail(r, ENOMEM, path);
	while (f->len < size) {
		ssize_t n = read(fd, f->text + f->len, size - f->len);

		if (n <= 0)
			return fail(r, n < 0 ? errno : EIO, path);
		f->len += (size_t)n;
	}
	return 0;
}

static int add_file(struct reading *r, int fd, const char *path, size_t size)
{
	struct file *f = &r->files->at[r->files->n];
	int rc;

	r->bytes += size;
	if (r->files->n == API_FILES_MAX || r->bytes > API_FILES_BYTES_MAX)
		return err_set(r->reterr, E2BIG, path,
			       "more than %d files or %u MiB", API_FILES_MAX,
			       API_FILES_BYTES_MAX >> 20);
	*f = (struct file){ .path = strdup(path), .type = type_of(path) };
	if (!f->path)
		return fail(r, ENOMEM, path);
	r->files->n++;
	rc = read_text(r, fd, path, f, size);
	if (rc == 0)
		etag_of(f->text, f->len, f->etag);
	return rc; /* NOLINT(clang-analyzer-unix.Malloc): it is in files->at */
}

static int read_dir(struct reading *r, int fd, const char *under, int depth);

/* Links are not followed; nor is anything else but files and folders. */
/* NOLINTNEXTLINE(misc-no-recursion): at most DEPTH_MAX deep */
static int read_entry(struct reading *r, int dir, const char *path,
		      const char *name, int depth)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return errno == ELOOP ? 0 : fail(r, errno, path);
	if (fstat(fd, &st) < 0)
		rc = fail(r, errno, path);
	else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
		return read_dir(r, fd, path, depth + 1);
	else if (S_ISREG(st.st_mode))
		rc = add_file(r, fd, path, (size_t)st.st_size);
	close(fd);
	return rc;
}

/* Takes fd. */
/* NOLINTNEXTLINE(misc-no-recursion): as above */
static int read_dir(struct reading *r, int fd, const char *under, int depth)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *e;
	int rc = 0;

	if (!dir) {
		rc = fail(r, errno, under);
		close(fd);
		return rc;
	}
	while (rc == 0 && (e = readdir(dir))) {
		char path[PATH_MAX];

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof path, "%s%s%s", under,
			       under[0] ? "/" : "", e->d_name);
		rc = read_entry(r, fd, path, e->d_name, depth);
	}
	closedir(dir);
	return rc;
}

int files_read(const char *dir, struct files *ret, struct err *reterr)
{
	struct files f = { .at = calloc(API_FILES_MAX, sizeof *f.at) };
	struct reading r = { .files = &f, .reterr = reterr };
	int fd, rc = 0;

	if (!f.at)
		return fail(&r, ENOMEM, dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		rc = read_dir(&r, fd, "", 0);
	else if (errno != ENOENT)
		rc = fail(&r, errno, dir);
	if (rc < 0) {
		files_done(&f);
		return rc;
	}
	qsort(f.at, f.n, sizeof *f.at, compare_files);
	*ret = f;
	return 0;
}

int file_read(const char *path, struct file *ret, struct err *reterr)
{
	struct file one = { 0 };
	struct files f = { .at = &one };
	struct reading r = { .files = &f, .reterr = reterr };
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	struct stat st;

	if (fd < 0 && errno != ENOENT)
		return fail(&r, errno, path);
	if (fd >= 0 && fstat(fd, &st) < 0)
		rc = fail(&r, errno, path);
	else if (fd >= 0)
		rc = add_file(&r, fd, path, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	if (rc == 0) {
		*ret = one;
		return 0;
	}
	free(one.path);
	free(one.text);
	return rc;
}
