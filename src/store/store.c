/*
 * Opening and ending a store, and what it says of itself. Its folder is locked
 * (flock on the folder, no file of its own), since SQLite's own lock would let
 * a second agent move a file aside that the first one has open.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/db.h"

/* A folder of ours, made if it is not there. -errno. */
static int open_folder(int at, const char *path)
{
	int fd;

	if (mkdirat(at, path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_folders(struct store *s, const char *dir, struct err *reterr)
{
	s->dir = open_folder(AT_FDCWD, dir);
	if (s->dir < 0)
		return err_set(reterr, -s->dir, dir, "cannot be used: %s",
			       strerror(-s->dir));
	if (flock(s->dir, LOCK_EX | LOCK_NB) < 0) {
		int code = errno == EWOULDBLOCK ? EBUSY : errno;

		return err_set(reterr, code, dir, "%s",
			       code == EBUSY ? "another weir-agent uses it"
					     : strerror(code));
	}
	s->copies = open_folder(s->dir, "documents");
	if (s->copies < 0)
		return err_set(reterr, -s->copies, dir,
			       "documents: cannot be used: %s",
			       strerror(-s->copies));
	return 0;
}

int store_open(const char *dir, struct store **ret, struct err *reterr)
{
	struct store *s = calloc(1, sizeof *s);
	struct err err = { 0 };
	int rc;

	if (!s)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	s->dir = -1;
	s->copies = -1;
	rc = open_folders(s, dir, reterr);
	if (rc == 0 && asprintf(&s->path, "%s/weir.db", dir) < 0) {
		s->path = NULL;
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	if (rc == 0) {
		/* what may pass is a state */
		(void)reserve_take(s, NULL);
		rc = db_ready(s, &err) == -EPROTO ? -EPROTO : 0;
	}
	if (rc == -EPROTO && reterr)
		*reterr = err;
	if (rc < 0)
		store_free(s);
	else
		*ret = s;
	return rc;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	db_close(s);
	/* folders: were only read */
	if (s->copies >= 0)
		(void)close(s->copies);
	if (s->dir >= 0)
		(void)close(s->dir);
	free(s->path);
	free(s);
}

const char *store_state(const struct store *s)
{
	return s->failing_since_s ? s->failing : s->notice;
}

static uint64_t file_bytes(const struct store *s, const char *name)
{
	struct stat st;

	if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (uint64_t)st.st_size;
}

/* What cannot be told now is 0. */
static uint64_t number(struct store *s, enum db_statement which)
{
	sqlite3_stmt *st = NULL;
	uint64_t n = 0;

	if (db_use(s, which, &st, NULL) < 0 || db_number(s, st, &n, NULL) < 0)
		return 0;
	return n;
}

static void count(struct store *s)
{
	if (s->is_counted)
		return;
	s->n_flows = number(s, DB_COUNT_FLOWS);
	s->n_events = number(s, DB_COUNT_EVENTS);
	s->is_counted = true;
}

void store_stats(struct store *s, struct store_stats *ret)
{
	*ret = (struct store_stats){
		.bytes_on_disk =
			file_bytes(s, "weir.db") + file_bytes(s, "weir.db-wal"),
		.write_failures = s->write_failures,
		.damaged = s->damaged,
	};
	if (db_ready(s, NULL) < 0)
		return;
	count(s);
	ret->flows = s->n_flows;
	ret->events = s->n_events;
	ret->workloads = number(s, DB_COUNT_WORKLOADS);
	ret->revisions = number(s, DB_COUNT_DOCS);
	ret->bytes_used =
		(number(s, DB_PAGES) - number(s, DB_FREE_PAGES)) * 4096;
}
