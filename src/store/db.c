/*
 * The one connection. It holds weir.db alone (locking_mode EXCLUSIVE), so there
 * is no shared memory file that a full disk could take from under us; DIR's lock
 * keeps a second store away with a clear word.
 *
 * A store lives without its file: db is NULL, and db_ready() tries again. That
 * is how a disk that is full, read-only or gone when the agent starts is lived
 * through. A file that SQLite calls corrupt is only marked (is_damaged); the
 * next db_ready() moves it aside, begins a new one and takes the documents from
 * their copies.
 *
 * synchronous is NORMAL (the WAL is on the disk when it is written back), and
 * FULL for a transaction that must be on the disk when it ends; that takes all
 * before it along.
 */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "store/schema.h"

static const char *const texts[] = {
#define X(name, text) [DB_##name] = (text),
	STATEMENTS(X)
#undef X
};
_Static_assert(sizeof texts / sizeof *texts == DB_STATEMENT__MAX,
	       "a text for each statement");

/* --- failures --------------------------------------------------------- */

static void time_text(uint64_t unix_s, char buf[static 32])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	buf[0] = '\0';
	if (gmtime_r(&t, &tm))
		(void)strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

int store_failed(struct store *s, int code, const char *doing,
		 struct err *reterr)
{
	char since[32];

	s->write_failures++;
	if (!s->failing_since_s)
		s->failing_since_s = clock_unix_us() / USEC_PER_SEC;
	time_text(s->failing_since_s, since);
	/* cut text is still better than none */
	(void)snprintf(s->failing, sizeof s->failing, "%s fails since %s: %s",
		       doing, since, strerror(code));
	return err_set(reterr, code, s->path, "%s: %s", doing, strerror(code));
}

void store_works(struct store *s)
{
	s->failing_since_s = 0;
	s->failing[0] = '\0';
}

static int code_of(const struct store *s)
{
	int why = sqlite3_system_errno(s->db);

	switch (sqlite3_errcode(s->db) & 0xff) {
	case SQLITE_FULL: return ENOSPC;
	case SQLITE_NOMEM: return ENOMEM;
	case SQLITE_TOOBIG: return E2BIG;
	case SQLITE_READONLY:
	case SQLITE_PERM: return EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return EBUSY;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		if (why == ENOSPC || why == EDQUOT || why == EROFS)
			return why == EDQUOT ? ENOSPC : why;
		return EIO;
	default: return EIO;
	}
}

int db_failed(struct store *s, const char *doing, struct err *reterr)
{
	int rc = sqlite3_errcode(s->db) & 0xff;
	char why[ERR_TEXT_MAX / 2];
	int code = code_of(s);

	if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB)
		s->is_damaged = true;
	/* cut text is still better than none */
	(void)snprintf(why, sizeof why, "%s (%s)", doing,
		       sqlite3_errmsg(s->db));
	return store_failed(s, code, why, reterr);
}

/* --- statements ------------------------------------------------------- */

int db_use(struct store *s, enum db_statement which, sqlite3_stmt **ret,
	   struct err *reterr)
{
	sqlite3_stmt **st = &s->statement[which];

	if (!*st && sqlite3_prepare_v3(s->db, texts[which], -1,
				       SQLITE_PREPARE_PERSISTENT, st,
				       NULL) != SQLITE_OK)
		return db_failed(s, "asking", reterr);
	db_end(*st);
	*ret = *st;
	return 0;
}

void db_end(sqlite3_stmt *st)
{
	/* tells the last step's failure again */
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st); /* cannot fail */
}

int db_step(struct store *s, sqlite3_stmt *st, struct err *reterr)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE) {
		db_end(st);
		return 0;
	}
	rc = db_failed(s, sqlite3_stmt_readonly(st) ? "reading" : "recording",
		       reterr);
	db_end(st);
	return rc;
}

int db_run(struct store *s, sqlite3_stmt *st, struct err *reterr)
{
	int rc = db_step(s, st, reterr);

	BUG_ON(rc > 0);
	return rc;
}

int db_number(struct store *s, sqlite3_stmt *st, uint64_t *ret,
	      struct err *reterr)
{
	int rc = db_step(s, st, reterr);

	if (rc < 0)
		return rc;
	*ret = rc ? (uint64_t)sqlite3_column_int64(st, 0) : 0;
	db_end(st);
	return 0;
}

int db_each_of(struct store *s, enum db_statement one, const uint64_t *ids,
	       size_t n,
	       int (*tell)(void *arg, sqlite3_stmt *st, struct err *reterr),
	       void *arg, struct err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = 0;

	while (rc == 0 && n-- > 0) {
		rc = db_use(s, one, &st, reterr);
		if (rc < 0)
			return rc;
		db_bind(st, 1, ids[n]);
		rc = db_step(s, st, reterr);
		if (rc > 0)
			rc = tell(arg, st, reterr);
		db_end(st);
	}
	return rc;
}

void db_bind(sqlite3_stmt *st, int index, uint64_t value)
{
	BUG_ON(value > INT64_MAX);
	BUG_ON(sqlite3_bind_int64(st, index, (int64_t)value) != SQLITE_OK);
}

void db_bind_text(sqlite3_stmt *st, int index, const char *text)
{
	/* nothing is copied, so only a wrong index or a 1 GB text could fail */
	BUG_ON(sqlite3_bind_text(st, index, text, -1, SQLITE_STATIC) !=
	       SQLITE_OK);
}

/* --- transactions ----------------------------------------------------- */

static int run_text(struct store *s, const char *text, const char *doing,
		    struct err *reterr)
{
	if (sqlite3_exec(s->db, text, NULL, NULL, NULL) != SQLITE_OK)
		return db_failed(s, doing, reterr);
	return 0;
}

int db_begin(struct store *s, bool durable, struct err *reterr)
{
	int rc = 0;

	if (s->is_full_sync != durable)
		rc = run_text(s,
			      durable ? "PRAGMA synchronous = FULL"
				      : "PRAGMA synchronous = NORMAL",
			      "recording", reterr);
	if (rc < 0)
		return rc;
	s->is_full_sync = durable;
	s->changes = sqlite3_total_changes(s->db);
	return run_text(s, "BEGIN IMMEDIATE", "recording", reterr);
}

int db_commit(struct store *s, struct err *reterr)
{
	int rc = run_text(s, "COMMIT", "recording", reterr);

	if (rc < 0) {
		db_rollback(s);
		return rc;
	}
	if (s->has_reserve && sqlite3_total_changes(s->db) != s->changes)
		store_works(s);
	return 0;
}

void db_rollback(struct store *s)
{
	s->flow_next = 0;
	s->is_counted = false;
	/* SQLite has done so itself after some failures */
	if (!sqlite3_get_autocommit(s->db))
		/* what is not undone now is when the file is opened again */
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

/* --- the file --------------------------------------------------------- */

void db_close(struct store *s)
{
	for (unsigned i = 0; i < DB_STATEMENT__MAX; i++) {
		sqlite3_finalize(s->statement[i]);
		s->statement[i] = NULL;
	}
	/* the WAL that could not be written back is when it is opened again */
	(void)sqlite3_close(s->db);
	s->db = NULL;
	s->flow_next = 0;
	s->is_counted = false;
}

/*
 * auto_vacuum is for a file that has no page yet; said of another one it is
 * written again, for which a full disk has no room.
 */
static int set_up(struct store *s, struct err *reterr)
{
	char settings[320];
	sqlite3_stmt *st = NULL;
	uint64_t pages = 0;
	int rc;

	(void)snprintf(settings, sizeof settings,
		       "PRAGMA journal_mode = WAL;"
		       "PRAGMA synchronous = NORMAL;"
		       "PRAGMA temp_store = MEMORY;"
		       "PRAGMA cache_size = -%d;"
		       "PRAGMA mmap_size = 0;"
		       "PRAGMA cell_size_check = ON;"
		       "PRAGMA wal_autocheckpoint = %d;"
		       "PRAGMA journal_size_limit = %d;",
		       STORE_CACHE_KIB, STORE_WAL_PAGES,
		       STORE_WAL_PAGES * 4096);
	rc = run_text(s, "PRAGMA locking_mode = EXCLUSIVE", "opening", reterr);
	if (rc == 0)
		rc = db_use(s, DB_PAGES, &st, reterr);
	if (rc == 0)
		rc = db_number(s, st, &pages, reterr);
	if (rc == 0 && pages == 0)
		rc = run_text(s, "PRAGMA auto_vacuum = INCREMENTAL", "opening",
			      reterr);
	if (rc == 0)
		rc = run_text(s, settings, "opening", reterr);
	s->is_full_sync = false;
	return rc;
}

static int connect_db(struct store *s, struct err *reterr)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
		    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	int found = 0;
	int rc;

	if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK) {
		if (!s->db)
			return store_failed(s, ENOMEM, "opening", reterr);
		return db_failed(s, "opening", reterr);
	}
	rc = set_up(s, reterr);
	if (rc < 0)
		return rc;
	rc = schema_upgrade(s->db, SCHEMA_VERSION, &found);
	if (rc == SQLITE_MISMATCH)
		return err_set(reterr, EPROTO, s->path,
			       "is of version %d, which a later weir wrote; "
			       "this one knows %d",
			       found, SCHEMA_VERSION);
	if (rc != SQLITE_OK)
		return db_failed(s, "making tables", reterr);
	return 0;
}

/* A free name for the damaged file; when all are taken the last is replaced. */
static unsigned damaged_number(const struct store *s)
{
	char name[48];
	unsigned n;

	for (n = 1; n < STORE_DAMAGED_MAX; n++) {
		(void)snprintf(name, sizeof name, "weir.db.damaged-%u", n);
		if (faccessat(s->dir, name, F_OK, 0) < 0)
			break;
	}
	return n;
}

static int move_one(const struct store *s, unsigned n, const char *suffix)
{
	char from[32];
	char to[48];

	(void)snprintf(from, sizeof from, "weir.db%s", suffix);
	(void)snprintf(to, sizeof to, "weir.db.damaged-%u%s", n, suffix);
	if (renameat(s->dir, from, s->dir, to) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/* The WAL first: a new weir.db must never meet an old one's. */
static int set_aside(struct store *s, struct err *reterr)
{
	unsigned n = damaged_number(s);
	char since[32];
	int rc;

	db_close(s);
	rc = move_one(s, n, "-wal");
	if (rc == 0)
		rc = move_one(s, n, "-journal");
	if (rc == 0)
		rc = move_one(s, n, "");
	if (rc < 0)
		return store_failed(s, -rc, "moving a damaged file aside",
				    reterr);
	s->is_damaged = false;
	s->damaged++;
	time_text(clock_unix_us() / USEC_PER_SEC, since);
	/* cut text is still better than none */
	(void)snprintf(s->notice, sizeof s->notice,
		       "weir.db was damaged (%s): it is kept as "
		       "weir.db.damaged-%u, what it had recorded is not shown, "
		       "documents are as they were",
		       since, n);
	return 0;
}

static int try_open(struct store *s, struct err *reterr)
{
	int rc = connect_db(s, reterr);

	if (rc == 0)
		rc = docs_agree(s, reterr);
	/* a new file's name, and those of moved ones */
	if (rc == 0 && fsync(s->dir) < 0)
		rc = store_failed(s, errno, "opening", reterr);
	if (rc < 0)
		db_close(s);
	return rc;
}

static int open_db(struct store *s, struct err *reterr)
{
	int rc = try_open(s, reterr);

	if (rc == -ENOSPC && reserve_release(s))
		rc = try_open(s, reterr);
	return rc;
}

int db_ready(struct store *s, struct err *reterr)
{
	int rc = 0;

	if (s->db && !s->is_damaged)
		return 0;
	if (!s->is_damaged)
		rc = open_db(s, reterr);
	if (!s->is_damaged)
		return rc;
	rc = set_aside(s, reterr);
	return rc < 0 ? rc : open_db(s, reterr);
}
