#include "api/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "api/accounts.h"
#include "base/clock.h"

const char console_help[] =
	"Commands:\n"
	"  user list                       users and their roles\n"
	"  user add NAME --role ROLE       viewer, operator or admin\n"
	"  user role NAME ROLE             another role\n"
	"  user passwd NAME                another password; ends his "
	"sessions\n"
	"  user delete NAME                with his tokens and sessions\n"
	"  setup                           another link for the first user\n"
	"Passwords are asked for, or read from standard input if it is no "
	"terminal.\n";

static uint64_t now_s(void)
{
	return clock_unix_us() / USEC_PER_SEC;
}

static int fail(const struct err *err)
{
	fprintf(stderr, "weir-api: %s%s%s\n", err->at, err->at[0] ? ": " : "",
		err->text);
	return 1;
}

static int usage(void)
{
	fputs(console_help, stderr);
	return 2;
}

/* --- passwords ------------------------------------------------------------------ */

static int read_line(char buf[API_PASSWORD_MAX + 2], struct err *reterr)
{
	size_t len;

	if (!fgets(buf, API_PASSWORD_MAX + 2, stdin))
		return err_set(reterr, EINVAL, "password", "there is none");
	len = strcspn(buf, "\n");
	buf[len] = '\0';
	return 0;
}

/* Without showing it. */
static int ask_hidden(const char *text, char buf[API_PASSWORD_MAX + 2],
		      struct err *reterr)
{
	struct termios shown, hidden;
	int rc;

	if (tcgetattr(STDIN_FILENO, &shown) < 0)
		return read_line(buf, reterr);
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(stderr, "%s: ", text);
	/* at worst it is seen */
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	rc = read_line(buf, reterr);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	fputs("\n", stderr);
	return rc;
}

static int ask_password(char ret[static PASSWORD_HASH_MAX], struct err *reterr)
{
	char one[API_PASSWORD_MAX + 2], two[API_PASSWORD_MAX + 2];
	int rc = ask_hidden("Password", one, reterr);

	if (rc == 0 && isatty(STDIN_FILENO)) {
		rc = ask_hidden("Again", two, reterr);
		if (rc == 0 && strcmp(one, two) != 0)
			rc = err_set(reterr, EINVAL, "password",
				     "they are not the same");
	}
	return rc == 0 ? password_hash(one, ret, reterr) : rc;
}

/* --- commands --------------------------------------------------------------------- */

static int list_users(struct accounts *a)
{
	json_t *list = accounts_users_json(a), *u;
	size_t i;

	json_array_foreach (list, i, u)
		printf("%-32s %s\n",
		       json_string_value(json_object_get(u, "user")),
		       json_string_value(json_object_get(u, "role")));
	json_decref(list);
	return 0;
}

static int read_role(const char *text, enum role *ret, struct err *reterr)
{
	*ret = role_by_name(text);
	return *ret != ROLE_NOBODY
		       ? 0
		       : err_set(reterr, EINVAL, "role",
				 "expected viewer, operator or admin");
}

static int add_user(struct accounts *a, const char *name, const char *role_text)
{
	char hash[PASSWORD_HASH_MAX];
	enum role role = ROLE_NOBODY;
	struct err err;
	int rc = read_role(role_text, &role, &err);

	if (rc == 0)
		rc = ask_password(hash, &err);
	if (rc == 0)
		rc = accounts_user_add(a, name, role, hash, now_s(), &err);
	return rc < 0 ? fail(&err) : 0;
}

static int change_role(struct accounts *a, const char *name, const char *text)
{
	enum role role = ROLE_NOBODY;
	struct err err;
	int rc = read_role(text, &role, &err);

	if (rc == 0)
		rc = accounts_user_change(a, name, role, NULL, NULL, &err);
	return rc < 0 ? fail(&err) : 0;
}

static int change_password(struct accounts *a, const char *name)
{
	char hash[PASSWORD_HASH_MAX];
	struct err err;
	int rc = ask_password(hash, &err);

	if (rc == 0)
		rc = accounts_user_change(a, name, ROLE_NOBODY, hash, NULL,
					  &err);
	return rc < 0 ? fail(&err) : 0;
}

static int delete_user(struct accounts *a, const char *name)
{
	struct err err;

	return accounts_user_delete(a, name, &err) < 0 ? fail(&err) : 0;
}

int console_setup_link(struct accounts *a, const struct api_config *c,
		       struct err *reterr)
{
	char word[SECRET_TEXT_MAX], at[API_LISTEN_TEXT_MAX];
	int rc = accounts_setup_make(a, now_s(), word, reterr);

	if (rc < 0)
		return rc;
	printf("The first user is made at (once, within %d hours):\n"
	       "  %s://%s/#/setup?token=%s\n",
	       API_SETUP_S / 3600, c->listens[0].loopback ? "http" : "https",
	       api_listen_text(&c->listens[0], at), word);
	(void)fflush(stdout); /* who cannot read it asks for another */
	return 0;
}

static int setup(struct accounts *a, const struct api_config *c)
{
	struct err err;

	return console_setup_link(a, c, &err) < 0 ? fail(&err) : 0;
}

static int run_user(struct accounts *a, int argc, char **argv)
{
	const char *what = argc > 0 ? argv[0] : "";

	if (argc == 1 && strcmp(what, "list") == 0)
		return list_users(a);
	if (argc == 4 && strcmp(what, "add") == 0 &&
	    strcmp(argv[2], "--role") == 0)
		return add_user(a, argv[1], argv[3]);
	if (argc == 3 && strcmp(what, "role") == 0)
		return change_role(a, argv[1], argv[2]);
	if (argc == 2 && strcmp(what, "passwd") == 0)
		return change_password(a, argv[1]);
	if (argc == 2 && strcmp(what, "delete") == 0)
		return delete_user(a, argv[1]);
	return usage();
}

int console_run(const struct api_config *c, int argc, char **argv)
{
	struct accounts *a;
	struct err err;
	int rc;

	if (strcmp(argv[0], "user") != 0 &&
	    (strcmp(argv[0], "setup") != 0 || argc > 1))
		return usage();
	if (secret_init(&err) < 0 || accounts_open(c->state_dir, &a, &err) < 0)
		return fail(&err);
	rc = strcmp(argv[0], "user") == 0 ? run_user(a, argc - 1, argv + 1)
					  : setup(a, c);
	accounts_free(a);
	return rc;
}
