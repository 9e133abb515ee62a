/*
 * Who may: users, sessions and tokens on disk and in memory, passwords, how often
 * somebody may be wrong, headers of browsers.
 */
#include "api/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/identity.h"
#include "api/rate.h"
#include "folder.h"
#include "stderr_of.h"
#include "test.h"

#define NOW 1000000000UL

static struct accounts *open_in(const char *dir)
{
	struct accounts *a = NULL;
	struct err err;

	if (accounts_open(dir, &a, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
	return a;
}

static void add(struct accounts *a, const char *name, enum role role)
{
	struct err err;

	if (accounts_user_add(a, name, role, "$argon2id$x", NOW, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
}

/* With the password that he has. */
static int log_in(struct accounts *a, const char *name, uint64_t now,
		  char word[static SECRET_TEXT_MAX], struct err *reterr)
{
	char hash[PASSWORD_HASH_MAX];

	accounts_user_hash(a, name, hash);
	return accounts_login(a, name, hash, now, word, reterr);
}

static void test_users(void **state)
{
	char *dir = folder_make();
	struct accounts *a = open_in(dir);
	struct err err;

	add(a, "ann", ROLE_ADMIN);
	add(a, "bob", ROLE_VIEWER);
	assert_int_equal(
		accounts_user_add(a, "bob", ROLE_VIEWER, "h", NOW, &err),
		-EEXIST);
	assert_int_equal(
		accounts_user_add(a, "a b", ROLE_VIEWER, "h", NOW, &err),
		-EINVAL);
	assert_int_equal(accounts_user_add(a, "", ROLE_VIEWER, "h", NOW, &err),
			 -EINVAL);
	assert_int_equal(accounts_user_delete(a, "carl", &err), -ENOENT);
	/* somebody has to stay admin */
	assert_int_equal(accounts_user_delete(a, "ann", &err), -EBUSY);
	assert_int_equal(
		accounts_user_change(a, "ann", ROLE_VIEWER, NULL, NULL, &err),
		-EBUSY);
	assert_int_equal(
		accounts_user_change(a, "bob", ROLE_ADMIN, NULL, NULL, &err),
		0);
	assert_int_equal(accounts_user_delete(a, "ann", &err), 0);
	assert_int_equal(accounts_count(a).users, 1);
	accounts_free(a);
	a = open_in(dir); /* what was written is read */
	assert_int_equal(accounts_count(a).users, 1);
	accounts_free(a);
	folder_remove(dir);
}

static void test_sessions(void **state)
{
	char *dir = folder_make();
	struct accounts *a = open_in(dir);
	char word[SECRET_TEXT_MAX], other[SECRET_TEXT_MAX];
	struct who who, second;
	struct err err;

	add(a, "ann", ROLE_ADMIN);
	add(a, "bob", ROLE_OPERATOR);
	assert_int_equal(log_in(a, "bob", NOW, word, &err), 0);
	assert_true(accounts_by_session(a, word, NOW, &who));
	assert_string_equal(who.user, "bob");
	assert_int_equal(who.role, ROLE_OPERATOR);
	assert_false(accounts_by_session(a, "x", NOW, &second));
	/* by another start, too; and used, it lives on */
	accounts_free(a);
	a = open_in(dir);
	assert_true(accounts_by_session(a, word, NOW + API_SESSION_IDLE_S - 1,
					&who));
	assert_true(accounts_by_session(
		a, word, NOW + 2UL * API_SESSION_IDLE_S - 2, &who));
	assert_false(accounts_by_session(a, word,
					 NOW + 3UL * API_SESSION_IDLE_S, &who));
	assert_false(
		accounts_by_session(a, word, NOW + API_SESSION_MAX_S, &who));
	/* a new password ends all but the one it was changed by */
	assert_int_equal(log_in(a, "bob", NOW, word, &err), 0);
	assert_int_equal(log_in(a, "bob", NOW, other, &err), 0);
	assert_true(accounts_by_session(a, word, NOW, &who));
	assert_true(accounts_by_session(a, other, NOW, &second));
	assert_int_equal(
		accounts_user_change(a, "bob", ROLE_NOBODY, "h2", &who, &err),
		0);
	assert_true(accounts_still(a, &who, NOW));
	assert_false(accounts_still(a, &second, NOW));
	assert_int_equal(accounts_logout(a, &who, &err), 0);
	assert_false(accounts_by_session(a, word, NOW, &who));
	assert_int_equal(log_in(a, "carl", NOW, word, &err), -ENOENT);
	/* the password that was right is not his any more */
	assert_int_equal(accounts_login(a, "bob", "h", NOW, word, &err),
			 -EKEYREJECTED);
	assert_int_equal(accounts_count(a).sessions, 0);
	accounts_free(a);
	folder_remove(dir);
}

static void test_sessions_many(void **state)
{
	char *dir = folder_make();
	struct accounts *a = open_in(dir);
	char first[SECRET_TEXT_MAX], word[SECRET_TEXT_MAX];
	struct who who;
	struct err err;

	add(a, "ann", ROLE_ADMIN);
	assert_int_equal(log_in(a, "ann", NOW, first, &err), 0);
	for (unsigned i = 1; i <= API_SESSIONS_PER_USER_MAX; i++)
		assert_int_equal(log_in(a, "ann", NOW + i, word, &err), 0);
	assert_int_equal(accounts_count(a).sessions, API_SESSIONS_PER_USER_MAX);
	assert_false(accounts_by_session(a, first, NOW, &who));
	assert_true(accounts_by_session(a, word, NOW, &who));
	accounts_free(a);
	folder_remove(dir);
}

static void test_tokens(void **state)
{
	char *dir = folder_make();
	struct accounts *a = open_in(dir);
	char text[TOKEN_TEXT_MAX];
	uint64_t id = 0;
	struct who who;
	struct err err;

	add(a, "ann", ROLE_ADMIN);
	add(a, "bob", ROLE_OPERATOR);
	assert_int_equal(accounts_token_add(a, "bob", ROLE_ADMIN, "t", 0, NOW,
					    text, &id, &err),
			 -EPERM);
	assert_int_equal(accounts_token_add(a, "bob", ROLE_OPERATOR, "t", 1,
					    NOW, text, &id, &err),
			 0);
	assert_true(accounts_by_token(a, text, NOW, &who));
	assert_int_equal(who.role, ROLE_OPERATOR);
	assert_false(accounts_by_token(a, text, NOW + 86400, &who));
	/* a token's user may less: so may the token */
	assert_int_equal(
		accounts_user_change(a, "bob", ROLE_VIEWER, NULL, NULL, &err),
		0);
	assert_true(accounts_by_token(a, text, NOW, &who));
	assert_int_equal(who.role, ROLE_VIEWER);
	assert_int_equal(accounts_token_delete(a, id, "ann", ROLE_ADMIN, &err),
			 -ENOENT);
	/* one that may less does not end it */
	assert_int_equal(accounts_token_delete(a, id, "bob", ROLE_VIEWER, &err),
			 -EPERM);
	assert_true(accounts_by_token(a, text, NOW, &who));
	assert_int_equal(accounts_token_delete(a, id, NULL, ROLE_ADMIN, &err),
			 0);
	assert_false(accounts_by_token(a, text, NOW, &who));
	accounts_free(a);
	folder_remove(dir);
}

static void test_setup(void **state)
{
	char *dir = folder_make();
	struct accounts *a = open_in(dir);
	char old[SECRET_TEXT_MAX], word[SECRET_TEXT_MAX];
	struct err err;

	assert_int_equal(accounts_setup_make(a, NOW, old, &err), 0);
	assert_int_equal(accounts_setup_make(a, NOW, word, &err), 0);
	assert_false(accounts_setup_is(a, old, NOW));
	assert_true(accounts_setup_is(a, word, NOW));
	assert_false(accounts_setup_is(a, word, NOW + API_SETUP_S));
	assert_int_equal(accounts_setup(a, "x", "ann", "h", NOW, &err),
			 -EACCES);
	assert_int_equal(accounts_setup(a, word, "ann", "h", NOW, &err), 0);
	assert_int_equal(accounts_setup(a, word, "bob", "h", NOW, &err),
			 -EACCES);
	assert_int_equal(accounts_setup_make(a, NOW, word, &err), -EEXIST);
	accounts_free(a);
	folder_remove(dir);
}

/* Two processes; and what cannot be written is not made. */
static void refresh(void *a)
{
	accounts_refresh(a);
}

static void test_file(void **state)
{
	char *dir = folder_make();
	struct accounts *a = open_in(dir), *b = open_in(dir);
	char path[300], told[300];
	struct stat st;
	struct err err;
	int fd;

	add(a, "ann", ROLE_ADMIN);
	add(b, "bob", ROLE_VIEWER); /* upon what the other has written */
	accounts_refresh(a);
	assert_int_equal(accounts_count(a).users, 2);
	assert_int_equal(accounts_count(b).users, 2);
	(void)snprintf(path, sizeof path, "%s/users.json", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	(void)snprintf(path, sizeof path, "%s/users.json.next", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(accounts_user_add(a, "carl", ROLE_VIEWER, "h", NOW, &err) <
		    0);
	assert_int_equal(accounts_count(a).users, 2);
	assert_int_equal(rmdir(path), 0);
	(void)snprintf(path, sizeof path, "%s/users.json", dir);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, "{\"users\":7}", 11), 11);
	close(fd);
	/* told once, and those before stay */
	assert_non_null(
		strstr(stderr_of(refresh, a, told, sizeof told), "version"));
	assert_string_equal(stderr_of(refresh, a, told, sizeof told), "");
	assert_int_equal(accounts_count(a).users, 2);
	accounts_free(b);
	b = NULL;
	assert_true(accounts_open(dir, &b, &err) < 0);
	assert_null(b);
	accounts_free(a);
	folder_remove(dir);
}

static void *add_late(void *a)
{
	add(a, "late", ROLE_VIEWER);
	return NULL;
}

/* Does somebody of this process wait for a file's lock? */
static bool one_waits(void)
{
	char line[200];
	bool waits = false;
	FILE *f = fopen("/proc/locks", "re");
	int pid;

	assert_non_null(f);
	while (!waits && fgets(line, sizeof line, f))
		waits = strstr(line, "-> FLOCK") &&
			sscanf(strstr(line, "FLOCK"), "%*s %*s %*s %d", &pid) ==
				1 &&
			pid == getpid();
	(void)fclose(f);
	return waits;
}

/* Who looks now and then what is new does not wait for who makes it. */
static void test_busy(void **state)
{
	char *dir = folder_make();
	struct accounts *a = open_in(dir);
	int fd = open(folder_file(dir, "users.lock"), O_RDWR | O_CLOEXEC);
	pthread_t thread;

	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(pthread_create(&thread, NULL, add_late, a), 0);
	(void)alarm(60); /* else it would wait here for ever */
	while (!one_waits())
		(void)poll(NULL, 0, 10);
	accounts_refresh(a);
	(void)alarm(0);
	assert_int_equal(flock(fd, LOCK_UN), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(accounts_count(a).users, 1);
	close(fd);
	accounts_free(a);
	folder_remove(dir);
}

static void test_passwords(void **state)
{
	char hash[PASSWORD_HASH_MAX], again[PASSWORD_HASH_MAX];
	char csrf[SECRET_TEXT_MAX];
	struct err err;

	assert_int_equal(password_hash("123456789", hash, &err), -EINVAL);
	assert_int_equal(password_hash("correct horse", hash, &err), 0);
	assert_int_equal(password_hash("correct horse", again, &err), 0);
	assert_string_not_equal(hash, again);
	assert_int_equal(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31),
			 0);
	assert_true(password_is("correct horse", hash));
	assert_false(password_is("correct horsf", hash));
	assert_false(password_is("correct horse", ""));
	assert_false(password_is("", ""));
	secret_csrf("abc", csrf);
	assert_true(secret_same(csrf, csrf));
	assert_false(secret_same(csrf, "abc"));
}

/* --- how often --------------------------------------------------------------------- */

static void test_rate(void **state)
{
	struct rate *r = rate_new();
	usec_t now = { 1000ULL * API_LOGIN_WINDOW_S * USEC_PER_SEC };
	usec_t later = usec_add(now, 2ULL * API_LOGIN_WINDOW_S * USEC_PER_SEC);
	char user[20], address[20];
	unsigned i;

	for (i = 0; i < API_LOGIN_PAIR; i++)
		assert_int_equal(rate_try(r, "1.2.3.4", "ann", now), 0);
	assert_true(rate_try(r, "1.2.3.4", "ann", now) > 0);
	assert_int_equal(rate_try(r, "1.2.3.5", "ann", now), 0);
	assert_int_equal(rate_try(r, "1.2.3.4", "bob", now), 0);
	/* half a window later half of them counts */
	assert_true(rate_try(r, "1.2.3.4", "ann", usec_add(now, USEC_PER_SEC)) >
		    0);
	assert_int_equal(rate_try(r, "1.2.3.4", "ann", later), 0);
	/* the right one clears the pair */
	for (i = 0; i < API_LOGIN_PAIR - 1; i++)
		(void)rate_try(r, "1.2.3.4", "ann", later);
	rate_right(r, "1.2.3.4", "ann", later);
	assert_int_equal(rate_try(r, "1.2.3.4", "ann", later), 0);
	/* many users from one address */
	for (i = 0; i < 2 * API_LOGIN_ADDRESS; i++) {
		(void)snprintf(user, sizeof user, "u%u", i);
		if (rate_try(r, "9.9.9.9", user, later))
			break;
	}
	assert_int_equal(i, API_LOGIN_ADDRESS);
	/* one user from many addresses */
	for (i = 0; i < 2 * API_LOGIN_USER; i++) {
		(void)snprintf(address, sizeof address, "10.0.%u.1", i);
		if (rate_try(r, address, "carl", later))
			break;
	}
	assert_int_equal(i, API_LOGIN_USER);
	rate_free(r);
}

/* --- headers ------------------------------------------------------------------------ */

#define W43 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
#define X43 "Xbcdefghijklmnopqrstuvwxyzabcdefghijklmnopq"

static void test_cookies(void **state)
{
	static const struct {
		const char *name, *header, *want;
	} rows[] = {
		{ "alone", "weir_session=" W43, W43 },
		{ "among others", "a=b; weir_session=" W43 " ; c=d", W43 },
		{ "twice the same", "weir_session=" W43 ";weir_session=" W43,
		  W43 },
		{ "two", "weir_session=" W43 "; weir_session=" X43, NULL },
		{ "none", "a=b", NULL },
		{ "empty", "", NULL },
		{ "only separators", ";;; ;", NULL },
		{ "short", "weir_session=abc", NULL },
		{ "long", "weir_session=" W43 "a", NULL },
		{ "another's name", "xweir_session=" W43, NULL },
		{ "no value", "weir_session", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char buf[SECRET_TEXT_MAX];
		const char *got = identity_cookie(rows[i].header, buf);

		assert_row(rows[i].name,
			   !got == !rows[i].want &&
				   (!got || strcmp(got, rows[i].want) == 0));
	}
}

static void test_hosts(void **state)
{
	static const struct {
		const char *host;
		bool tls, may;
	} rows[] = {
		{ "127.0.0.1:8787", false, true },
		{ "localhost:8787", false, true },
		{ "LOCALHOST", false, true },
		{ "[::1]:8787", false, true },
		{ "weir.example", false, true },
		{ "evil.example:8787", false, false },
		{ "localhost.evil.example", false, false },
		{ "127.0.0.1.evil.example", false, false },
		{ "[::1].evil", false, false },
		{ "[evil]", false, false },
		{ "[", false, false },
		{ "", false, false },
		{ NULL, false, false },
		{ "any.example", true, true },
	};
	char name[] = "weir.example";
	struct api_config c = { .hosts = { name }, .n_hosts = 1 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(rows[i].host ? rows[i].host : "none",
			   identity_host(&c, rows[i].host, rows[i].tls) ==
				   rows[i].may);
	assert_true(identity_origin("http://a:1", "a:1", false));
	assert_true(identity_origin("https://a", "a", true));
	assert_false(identity_origin("http://a", "a", true));
	assert_false(identity_origin("http://b", "a", false));
	assert_false(identity_origin("null", "a", false));
	assert_false(identity_origin("http://a.b", "a", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_sessions_many),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_setup),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_passwords),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_hosts),
	};
	struct err err;

	if (secret_init(&err) < 0)
		return 1;
	return cmocka_run_group_tests_name("api_accounts", tests, NULL, NULL);
}
