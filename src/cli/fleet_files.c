#include "cli/fleet_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define FIRST	   16

/* --- in memory ------------------------------------------------------------- */

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static bool make_room(struct fleet_files *f)
{
	size_t size = f->size ? 2 * f->size : FIRST;
	struct fleet_file *grown;

	if (f->n < f->size)
		return true;
	grown = reallocarray(f->at, size, sizeof *grown);
	if (!grown)
		return false;
	f->at = grown;
	f->size = size;
	return true;
}

int fleet_files_add(struct fleet_files *f, mode_t mode, char *text,
		    struct err *reterr, const char *fmt, ...)
{
	struct fleet_file *one;
	va_list ap;

	if (!text || !make_room(f)) {
		wipe(text);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	one = &f->at[f->n++];
	va_start(ap, fmt);
	(void)vsnprintf(one->path, sizeof one->path, fmt, ap);
	va_end(ap);
	one->text = text;
	one->mode = mode;
	return 0;
}

void fleet_files_done(struct fleet_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		wipe(f->at[i].text);
	free(f->at);
	*f = (struct fleet_files){ 0 };
}

/* --- beside ---------------------------------------------------------------- */

static int failed(const char *path, struct err *reterr)
{
	return err_set(reterr, errno, path, "%s", strerror(errno));
}

/* The folder of "FOLDER/FILE", to buf; false: it is in none. */
static bool folder_of(const struct fleet_file *one, char buf[FLEET_PATH_MAX])
{
	const char *slash = strchr(one->path, '/');

	if (slash)
		(void)snprintf(buf, FLEET_PATH_MAX, "%.*s",
			       (int)(slash - one->path), one->path);
	return slash;
}

static int write_one(int root, const struct fleet_file *one, struct err *reterr)
{
	size_t len = strlen(one->text), done = 0;
	char folder[FLEET_PATH_MAX];
	int fd;

	if (folder_of(one, folder) && mkdirat(root, folder, 0700) < 0 &&
	    errno != EEXIST)
		return failed(folder, reterr);
	fd = openat(root, one->path,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    one->mode);
	if (fd < 0)
		return failed(one->path, reterr);
	while (done < len) {
		ssize_t n = write(fd, one->text + done, len - done);

		if (n < 0 && errno != EINTR) {
			(void)failed(one->path, reterr);
			close(fd);
			return -reterr->code;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	/* whatever the umask is */
	if (fchmod(fd, one->mode) < 0 || close(fd) < 0)
		return failed(one->path, reterr);
	return 0;
}

/* What is left of them below root, and the folder itself. */
static void remove_all(const struct fleet_files *f, int root, const char *path)
{
	char folder[FLEET_PATH_MAX];

	for (size_t i = 0; i < f->n; i++)
		(void)unlinkat(root, f->at[i].path, 0); /* not all are there */
	for (size_t i = 0; i < f->n; i++)
		if (folder_of(&f->at[i], folder))
			(void)unlinkat(root, folder, AT_REMOVEDIR);
	(void)rmdir(path);
}

/*
 * All of them in a new folder, whose name's last six letters, XXXXXX, become
 * others; a descriptor of it.
 */
static int write_beside(const struct fleet_files *f, char *path,
			struct err *reterr)
{
	int root, rc = 0;

	if (!mkdtemp(path)) /* 0700 */
		return failed(path, reterr);
	root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		rc = failed(path, reterr);
		(void)rmdir(path); /* it is empty */
		return rc;
	}
	for (size_t i = 0; rc == 0 && i < f->n; i++)
		rc = write_one(root, &f->at[i], reterr);
	/* once: a thousand nodes are four thousand files */
	if (rc == 0 && syncfs(root) < 0)
		rc = failed(path, reterr);
	if (rc < 0) {
		remove_all(f, root, path);
		close(root);
		return rc;
	}
	return root;
}

/* --- a new folder ---------------------------------------------------------- */

int fleet_files_make(const struct fleet_files *f, const char *dir,
		     struct err *reterr)
{
	char path[PATH_BYTES], to[PATH_BYTES];
	size_t len = strlen(dir);
	int root, rc = 0;

	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (len == 0 || len + sizeof ".XXXXXX" > sizeof path)
		return err_set(reterr, EINVAL, dir, "no name of a folder");
	(void)snprintf(to, sizeof to, "%.*s", (int)len, dir);
	(void)snprintf(path, sizeof path, "%.*s.XXXXXX", (int)len, dir);
	root = write_beside(f, path, reterr);
	if (root < 0)
		return root;
	/* takes the place of an empty folder, and of nothing else */
	if (rename(path, to) < 0) {
		rc = errno == ENOTEMPTY || errno == EEXIST
			     ? err_set(reterr, EEXIST, to,
				       "has something in it; a fleet is made "
				       "in "
				       "a folder of its own")
			     : failed(to, reterr);
		remove_all(f, root, path);
	}
	close(root);
	return rc;
}

/* --- into a folder that is there ------------------------------------------- */

static bool is_there(int root, const char *path)
{
	struct stat st;

	return fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The i-th file, or its folder as a whole, if the folder is not there. */
static int move_one(int from, const struct fleet_file *one, int to,
		    struct err *reterr)
{
	const char *what = one->path;
	char folder[FLEET_PATH_MAX];

	if (!is_there(from, one->path)) /* came with its folder */
		return 0;
	if (folder_of(one, folder) && !is_there(to, folder))
		what = folder;
	return renameat(from, what, to, what) < 0 ? failed(what, reterr) : 0;
}

int fleet_files_put(const struct fleet_files *f, const char *dir,
		    struct err *reterr)
{
	char path[PATH_BYTES];
	int to, from, rc = 0;

	if ((size_t)snprintf(path, sizeof path, "%s/.add.XXXXXX", dir) >=
	    sizeof path)
		return err_set(reterr, ENAMETOOLONG, NULL,
			       "the folder's name is too long");
	to = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return failed(dir, reterr);
	from = write_beside(f, path, reterr);
	if (from < 0) {
		close(to);
		return from;
	}
	for (size_t i = 0; rc == 0 && i < f->n; i++)
		rc = move_one(from, &f->at[i], to, reterr);
	remove_all(f, from, path);
	(void)fsync(
		to); /* they are what they are to be, and soon on the disk */
	close(from);
	close(to);
	return rc;
}

void fleet_files_remove(const char *dir, const char *before, const char *name,
			const char *const *files)
{
	char path[PATH_BYTES];
	int fd;

	if ((size_t)snprintf(path, sizeof path, "%s/%s%s", dir, before, name) >=
	    sizeof path)
		return;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	for (; *files; files++)
		(void)unlinkat(fd, *files, 0); /* not all are there */
	close(fd);
	(void)rmdir(path); /* not if it has more in it */
}

int fleet_files_lock(const char *dir, struct err *reterr)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return failed(dir, reterr);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int rc = errno == EWOULDBLOCK
				 ? err_set(reterr, EBUSY, dir,
					   "somebody else is changing it")
				 : failed(dir, reterr);

		close(fd);
		return rc;
	}
	return fd;
}
