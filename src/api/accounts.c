/*
 * A change is made to a copy of what is known, the copy is written, and takes the
 * place of the old one only then. Order of locks: the file's, then the memory's;
 * questions take the memory's only, and none of them waits for a disk.
 */
#include "api/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/book.h"
#include "base/log.h"

#define FILE_NAME    "users.json"
#define LOCK_NAME    "users.lock"
#define NEXT_NAME    "users.json.next"
#define TOKEN_PREFIX "weir_"

struct accounts {
	int dir, lock_fd; /* owned */

	pthread_mutex_t change; /* one after the other in this process, too */
	pthread_mutex_t lock;	/* of all below */
	struct book *book;	/* owned */
	struct stat is;		/* what was read or written last; 0: nothing */
	struct stat wrong;	/* what could not be read last; `change`'s */
};

/* --- the file -------------------------------------------------------------------- */

static int fail(struct err *reterr)
{
	return err_set(reterr, errno, FILE_NAME, "%s", strerror(errno));
}

static bool is_other(const struct stat *a, const struct stat *b)
{
	return a->st_ino != b->st_ino || a->st_size != b->st_size ||
	       a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	       a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

static int parse(int fd, struct book *ret, struct err *reterr)
{
	json_error_t why;
	json_t *v = json_loadfd(fd, JSON_REJECT_DUPLICATES, &why);
	int rc = v ? book_from_json(v, ret, reterr)
		   : err_set(reterr, EINVAL, NULL, "is no JSON (line %d)",
			     why.line);

	json_decref(v);
	if (rc < 0)
		err_prefix(reterr, FILE_NAME);
	return rc;
}

/* What is there; no file is an empty book. */
static int read_book(struct accounts *a, struct book *ret, struct stat *ret_is,
		     struct err *reterr)
{
	int fd = openat(a->dir, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int rc = 0;

	*ret_is = (struct stat){ 0 };
	if (fd < 0 && errno == ENOENT) {
		memset(ret, 0, sizeof *ret);
		return 0;
	}
	if (fd < 0 || fstat(fd, ret_is) < 0)
		rc = fail(reterr);
	else if (!S_ISREG(ret_is->st_mode) ||
		 ret_is->st_size > API_STATE_BYTES_MAX)
		rc = err_set(reterr, EFBIG, FILE_NAME, "is none of weir-api's");
	else
		rc = parse(fd, ret, reterr);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_text(struct accounts *a, const char *text, struct stat *ret_is,
		      struct err *reterr)
{
	int fd = openat(a->dir, NEXT_NAME,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			0600);
	int rc = 0;

	if (fd < 0)
		return fail(reterr);
	if (write_all(fd, text, strlen(text)) < 0 || fsync(fd) < 0 ||
	    renameat(a->dir, NEXT_NAME, a->dir, FILE_NAME) < 0 ||
	    fsync(a->dir) < 0 || fstat(fd, ret_is) < 0)
		rc = fail(reterr);
	close(fd);
	return rc;
}

static int write_book(struct accounts *a, const struct book *b,
		      struct stat *ret_is, struct err *reterr)
{
	json_t *v = book_to_json(b);
	char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;
	int rc = text ? write_text(a, text, ret_is, reterr)
		      : err_set(reterr, ENOMEM, NULL, "out of memory");

	json_decref(v);
	free(text);
	return rc;
}

/* When sessions were used last is known here better than in the file. */
static void keep_seen(struct book *next, struct book *old)
{
	for (size_t i = 0; i < next->n_sessions; i++) {
		struct book_session *s = &next->sessions[i];
		const struct book_session *known = book_session(old, s->hash);

		if (known && known->seen > s->seen)
			s->seen = known->seen;
	}
}

static void swap(struct accounts *a, struct book *next, const struct stat *is)
{
	struct book *old;

	pthread_mutex_lock(&a->lock);
	keep_seen(next, a->book);
	old = a->book;
	a->book = next;
	a->is = *is;
	pthread_mutex_unlock(&a->lock);
	free(old);
}

static int read_again(struct accounts *a, struct err *reterr)
{
	struct book *next = calloc(1, sizeof *next);
	struct stat is = { 0 };
	int rc;

	if (!next)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = read_book(a, next, &is, reterr);
	if (rc < 0)
		free(next);
	else
		swap(a, next, &is);
	return rc;
}

static bool is_changed(struct accounts *a, struct stat *ret_is)
{
	bool changed;

	if (fstatat(a->dir, FILE_NAME, ret_is, AT_SYMLINK_NOFOLLOW) < 0)
		*ret_is = (struct stat){ 0 };
	pthread_mutex_lock(&a->lock);
	changed = is_other(ret_is, &a->is);
	pthread_mutex_unlock(&a->lock);
	return changed;
}

void accounts_refresh(struct accounts *a)
{
	struct stat is;
	struct err err;

	/* who makes a change reads what is there, and may wait for a disk */
	if (pthread_mutex_trylock(&a->change) != 0)
		return;
	if (is_changed(a, &is) && is_other(&is, &a->wrong) &&
	    read_again(a, &err) < 0) {
		a->wrong = is;
		log_warn("users: %s: %s, going on with those before", err.at,
			 err.text);
	}
	pthread_mutex_unlock(&a->change);
}

/* --- start and end ------------------------------------------------------------------- */

int accounts_open(const char *dir, struct accounts **ret, struct err *reterr)
{
	struct accounts *a = calloc(1, sizeof *a);
	int rc;

	if (!a)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	pthread_mutex_init(&a->change, NULL);
	pthread_mutex_init(&a->lock, NULL);
	a->lock_fd = -1;
	a->book = calloc(1, sizeof *a->book);
	a->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->dir >= 0)
		a->lock_fd = openat(a->dir, LOCK_NAME,
				    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				    0600);
	if (!a->book)
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	else if (a->lock_fd < 0)
		rc = err_set(reterr, errno, dir, "%s", strerror(errno));
	else
		rc = read_again(a, reterr);
	if (rc < 0)
		accounts_free(a);
	else
		*ret = a;
	return rc;
}

void accounts_free(struct accounts *a)
{
	if (!a)
		return;
	if (a->lock_fd >= 0)
		close(a->lock_fd);
	if (a->dir >= 0)
		close(a->dir);
	pthread_mutex_destroy(&a->change);
	pthread_mutex_destroy(&a->lock);
	free(a->book);
	free(a);
}

/* --- changes --------------------------------------------------------------------------- */

/* A copy of what holds; with it, both locks of changes. NULL and *reterr. */
static struct book *begin(struct accounts *a, struct err *reterr)
{
	struct book *next = malloc(sizeof *next);
	struct stat is;
	int rc = 0;

	if (!next) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	pthread_mutex_lock(&a->change);
	if (rc == 0 && flock(a->lock_fd, LOCK_EX) < 0)
		rc = fail(reterr);
	if (rc == 0 && is_changed(a, &is))
		rc = read_again(a, reterr);
	if (rc == 0) {
		pthread_mutex_lock(&a->lock);
		*next = *a->book;
		pthread_mutex_unlock(&a->lock);
		return next;
	}
	(void)flock(a->lock_fd, LOCK_UN); /* we may not have it */
	pthread_mutex_unlock(&a->change);
	free(next);
	return NULL;
}

/* rc < 0: the change is not made. Takes next. */
static int end(struct accounts *a, struct book *next, int rc,
	       struct err *reterr)
{
	struct stat is = { 0 };

	if (rc == 0)
		rc = write_book(a, next, &is, reterr);
	if (rc == 0)
		swap(a, next, &is);
	else
		free(next);
	(void)flock(a->lock_fd, LOCK_UN); /* we have it */
	pthread_mutex_unlock(&a->change);
	return rc;
}

static int no_user(const char *name, struct err *reterr)
{
	return err_set(reterr, ENOENT, "user", "there is no user \"%.64s\"",
		       name);
}

static int add_user(struct book *b, const char *name, enum role role,
		    const char *hash, uint64_t now, struct err *reterr)
{
	struct book_user *u = &b->users[b->n_users];

	if (!book_is_name(name))
		return err_set(reterr, EINVAL, "user",
			       "must be 1 to %d of a-z, A-Z, 0-9, . _ @ -",
			       API_NAME_MAX);
	if (book_user(b, name))
		return err_set(reterr, EEXIST, "user",
			       "there is a user \"%.64s\" already", name);
	if (b->n_users == API_USERS_MAX)
		return err_set(reterr, E2BIG, "user", "at most %d users",
			       API_USERS_MAX);
	*u = (struct book_user){ .role = role, .made = now };
	memcpy(u->name, name, strlen(name) + 1);
	memcpy(u->hash, hash, strlen(hash) + 1);
	b->n_users++;
	b->setup_ends = 0; /* it was for the first one */
	return 0;
}

int accounts_user_add(struct accounts *a, const char *name, enum role role,
		      const char *hash, uint64_t now, struct err *reterr)
{
	struct book *b = begin(a, reterr);

	if (!b)
		return -reterr->code;
	return end(a, b, add_user(b, name, role, hash, now, reterr), reterr);
}

/* Somebody must be able to make the others. */
static int check_admins(const struct book *b, struct err *reterr)
{
	return book_admins(b) > 0
		       ? 0
		       : err_set(reterr, EBUSY, "user", "is the last admin");
}

int accounts_user_change(struct accounts *a, const char *name, enum role role,
			 const char *hash, const struct who *but,
			 struct err *reterr)
{
	struct book *b = begin(a, reterr);
	struct book_user *u = b ? book_user(b, name) : NULL;

	if (!b)
		return -reterr->code;
	if (!u)
		return end(a, b, no_user(name, reterr), reterr);
	if (role != ROLE_NOBODY)
		u->role = role;
	if (hash) {
		memcpy(u->hash, hash, strlen(hash) + 1);
		book_drop_sessions(b, name, but ? but->hash : NULL);
	}
	return end(a, b, check_admins(b, reterr), reterr);
}

int accounts_user_delete(struct accounts *a, const char *name,
			 struct err *reterr)
{
	struct book *b = begin(a, reterr);
	struct book_user *u = b ? book_user(b, name) : NULL;

	if (!b)
		return -reterr->code;
	if (!u)
		return end(a, b, no_user(name, reterr), reterr);
	book_drop_user(b, u);
	return end(a, b, check_admins(b, reterr), reterr);
}

int accounts_login(struct accounts *a, const char *user, const char *hash,
		   uint64_t now, char ret[static SECRET_TEXT_MAX],
		   struct err *reterr)
{
	struct book *b = begin(a, reterr);
	const struct book_user *u = b ? book_user(b, user) : NULL;
	struct book_session *s;
	int rc = 0;

	if (!b)
		return -reterr->code;
	if (!u) { /* deleted meanwhile */
		rc = no_user(user, reterr);
	} else if (strcmp(u->hash, hash) != 0) { /* likewise */
		rc = err_set(reterr, EKEYREJECTED, "password",
			     "is another one by now");
	} else {
		book_make_room(b, user, now);
		s = &b->sessions[b->n_sessions++];
		*s = (struct book_session){ .made = now, .seen = now };
		memcpy(s->user, user, strlen(user) + 1);
		secret_make(ret);
		secret_hash(ret, s->hash);
	}
	return end(a, b, rc, reterr);
}

int accounts_logout(struct accounts *a, const struct who *w, struct err *reterr)
{
	struct book *b = begin(a, reterr);
	struct book_session *s = b ? book_session(b, w->hash) : NULL;

	if (!b)
		return -reterr->code;
	if (s)
		book_drop_session(b, s);
	return end(a, b, 0, reterr);
}

void accounts_save(struct accounts *a)
{
	struct err err;
	struct book *b = begin(a, &err);

	if (!b || end(a, b, 0, &err) < 0)
		log_warn("users: %s: %s; when sessions were used last is not "
			 "kept",
			 err.at, err.text);
}

static int add_token(struct book *b, const struct book_token *like,
		     char ret[static TOKEN_TEXT_MAX], uint64_t *ret_id,
		     struct err *reterr)
{
	const struct book_user *u = book_user(b, like->user);
	struct book_token *t = &b->tokens[b->n_tokens];
	char word[SECRET_TEXT_MAX];

	if (!u)
		return no_user(like->user, reterr);
	if (like->role > u->role)
		return err_set(reterr, EPERM, "role",
			       "a token may not do more than its user");
	if (b->n_tokens == API_TOKENS_MAX)
		return err_set(reterr, E2BIG, "name", "at most %d tokens",
			       API_TOKENS_MAX);
	*t = *like;
	t->id = ++b->last_token;
	secret_make(word);
	(void)snprintf(ret, TOKEN_TEXT_MAX, TOKEN_PREFIX "%s", word);
	secret_hash(ret, t->hash);
	b->n_tokens++;
	*ret_id = t->id;
	return 0;
}

int accounts_token_add(struct accounts *a, const char *user, enum role role,
		       const char *name, unsigned days, uint64_t now,
		       char ret[static TOKEN_TEXT_MAX], uint64_t *ret_id,
		       struct err *reterr)
{
	struct book_token like = {
		.role = role,
		.made = now,
		.ends = days ? now + days * 86400UL : 0,
	};
	struct book *b;

	if (!book_is_name(name))
		return err_set(reterr, EINVAL, "name",
			       "must be 1 to %d of a-z, A-Z, 0-9, . _ @ -",
			       API_NAME_MAX);
	(void)snprintf(like.name, sizeof like.name, "%s", name);
	(void)snprintf(like.user, sizeof like.user, "%s", user);
	b = begin(a, reterr);
	if (!b)
		return -reterr->code;
	return end(a, b, add_token(b, &like, ret, ret_id, reterr), reterr);
}

int accounts_token_delete(struct accounts *a, uint64_t id, const char *user,
			  enum role most, struct err *reterr)
{
	struct book *b = begin(a, reterr);
	int rc = err_set(reterr, ENOENT, "id", "there is no such token");

	if (!b)
		return -reterr->code;
	for (size_t i = 0; i < b->n_tokens; i++) {
		struct book_token *t = &b->tokens[i];

		if (t->id != id || (user && strcmp(user, t->user) != 0))
			continue;
		rc = t->role > most ? err_set(reterr, EPERM, "id",
					      "that token may do more")
				    : 0;
		if (rc == 0)
			book_drop_token(b, t);
		break;
	}
	return end(a, b, rc, reterr);
}

int accounts_setup_make(struct accounts *a, uint64_t now,
			char ret[static SECRET_TEXT_MAX], struct err *reterr)
{
	struct book *b = begin(a, reterr);

	if (!b)
		return -reterr->code;
	if (b->n_users > 0)
		return end(a, b,
			   err_set(reterr, EEXIST, NULL, "there are users"),
			   reterr);
	secret_make(ret);
	secret_hash(ret, b->setup);
	b->setup_ends = now + API_SETUP_S;
	return end(a, b, 0, reterr);
}

static bool setup_is(const struct book *b, const char *word, uint64_t now)
{
	unsigned char hash[SECRET_HASH_LEN];

	secret_hash(word, hash);
	return b->n_users == 0 && now < b->setup_ends &&
	       memcmp(hash, b->setup, sizeof hash) == 0;
}

bool accounts_setup_is(struct accounts *a, const char *word, uint64_t now)
{
	bool is;

	pthread_mutex_lock(&a->lock);
	is = setup_is(a->book, word, now);
	pthread_mutex_unlock(&a->lock);
	return is;
}

int accounts_setup(struct accounts *a, const char *word, const char *name,
		   const char *hash, uint64_t now, struct err *reterr)
{
	struct book *b = begin(a, reterr);
	int rc;

	if (!b)
		return -reterr->code;
	rc = setup_is(b, word, now)
		     ? add_user(b, name, ROLE_ADMIN, hash, now, reterr)
		     : err_set(reterr, EACCES, "token",
			       "is used or too old; weir-api setup makes "
			       "another");
	return end(a, b, rc, reterr);
}

/* --- questions ---------------------------------------------------------------------------- */

static void tell_who(const struct book_user *u, enum role most, bool by_cookie,
		     const unsigned char *hash, struct who *ret)
{
	*ret = (struct who){ .role = u->role < most ? u->role : most,
			     .by_cookie = by_cookie };
	memcpy(ret->user, u->name, sizeof u->name);
	memcpy(ret->hash, hash, SECRET_HASH_LEN);
}

/* With the lock. used: that is now. */
static bool find_session(struct accounts *a, const unsigned char *hash,
			 uint64_t now, bool used, struct who *ret)
{
	struct book_session *s = book_session(a->book, hash);
	const struct book_user *u = s ? book_user(a->book, s->user) : NULL;

	if (!u || !book_session_lives(s, now))
		return false;
	if (used)
		s->seen = now;
	tell_who(u, ROLE_ADMIN, true, hash, ret);
	return true;
}

static bool find_token(struct accounts *a, const unsigned char *hash,
		       uint64_t now, struct who *ret)
{
	const struct book_token *t = book_token(a->book, hash);
	const struct book_user *u = t ? book_user(a->book, t->user) : NULL;

	if (!u || !book_token_lives(t, now))
		return false;
	tell_who(u, t->role, false, hash, ret);
	return true;
}

bool accounts_by_session(struct accounts *a, const char *word, uint64_t now,
			 struct who *ret)
{
	unsigned char hash[SECRET_HASH_LEN];
	bool found;

	secret_hash(word, hash);
	pthread_mutex_lock(&a->lock);
	found = find_session(a, hash, now, true, ret);
	pthread_mutex_unlock(&a->lock);
	return found;
}

bool accounts_by_token(struct accounts *a, const char *text, uint64_t now,
		       struct who *ret)
{
	unsigned char hash[SECRET_HASH_LEN];
	bool found;

	secret_hash(text, hash);
	pthread_mutex_lock(&a->lock);
	found = find_token(a, hash, now, ret);
	pthread_mutex_unlock(&a->lock);
	return found;
}

bool accounts_still(struct accounts *a, const struct who *w, uint64_t now)
{
	struct who again;
	bool found;

	pthread_mutex_lock(&a->lock);
	/* a stream is a use */
	found = w->by_cookie ? find_session(a, w->hash, now, true, &again)
			     : find_token(a, w->hash, now, &again);
	pthread_mutex_unlock(&a->lock);
	return found;
}

void accounts_user_hash(struct accounts *a, const char *name,
			char ret[static PASSWORD_HASH_MAX])
{
	const struct book_user *u;

	pthread_mutex_lock(&a->lock);
	u = book_user(a->book, name);
	(void)snprintf(ret, PASSWORD_HASH_MAX, "%s", u ? u->hash : "");
	pthread_mutex_unlock(&a->lock);
}

json_t *accounts_users_json(struct accounts *a)
{
	json_t *list = json_array();

	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->book->n_users; i++) {
		const struct book_user *u = &a->book->users[i];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:I}", "user", u->name,
					"role", role_name(u->role), "made",
					(json_int_t)u->made));
	}
	pthread_mutex_unlock(&a->lock);
	return list;
}

json_t *accounts_tokens_json(struct accounts *a, const char *user)
{
	json_t *list = json_array();

	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->book->n_tokens; i++) {
		const struct book_token *t = &a->book->tokens[i];

		if (user && strcmp(user, t->user) != 0)
			continue;
		(void)json_array_append_new(
			list,
			json_pack("{s:I, s:s, s:s, s:s, s:I, s:I}", "id",
				  (json_int_t)t->id, "name", t->name, "user",
				  t->user, "role", role_name(t->role), "made",
				  (json_int_t)t->made, "ends",
				  (json_int_t)t->ends));
	}
	pthread_mutex_unlock(&a->lock);
	return list;
}

struct accounts_counts accounts_count(struct accounts *a)
{
	struct accounts_counts c;

	pthread_mutex_lock(&a->lock);
	c = (struct accounts_counts){ a->book->n_users, a->book->n_tokens,
				      a->book->n_sessions };
	pthread_mutex_unlock(&a->lock);
	return c;
}
