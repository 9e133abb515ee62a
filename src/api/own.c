/*
 * What changes accounts, or looks at a password, is done by one thread of its
 * own, one after the other: a password's hash takes its time and memory on
 * purpose.
 */
#include "api/own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/hall.h"
#include "api/identity.h"
#include "api/rate.h"
#include "api/route.h"
#include "api/server.h"
#include "api/serving.h"
#include "base/clock.h"
#include "base/log.h"
#include "wire/field.h"

static uint64_t now_s(void)
{
	return clock_unix_us() / USEC_PER_SEC;
}

/* Takes v. */
static void answer_json(struct request *r, unsigned status, json_t *v)
{
	char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;

	json_decref(v);
	answer_text(r, status, text);
}

static void answer_rc(struct request *r, int rc, const struct err *err)
{
	if (rc < 0)
		answer_problem(r, err);
	else
		answer_text(r, 200, strdup("{}"));
}

/* --- bodies -------------------------------------------------------------------- */

struct body {
	const char *user, *password, *token, *role, *name, *old, *new;
	uint32_t days;
};

static void read_text(struct fields *f, const char *may, const char *name,
		      const char **ret)
{
	bool must = false;

	*ret = NULL;
	if (route_lists(may, name, &must))
		(void)field_str(f, name, must ? FIELD_MUST : FIELD_MAY,
				API_PASSWORD_MAX, ret);
}

/* may: names, "!" behind those that must be there. r->args keeps the texts. */
static int read_body(struct request *r, const char *may, struct body *ret,
		     struct err *reterr)
{
	struct fields f;
	int rc = route_body_object(r->body.at, r->body.len, &r->args, reterr);

	*ret = (struct body){ 0 };
	if (rc < 0)
		return rc;
	f = fields_open(r->args, true, reterr);
	read_text(&f, may, "user", &ret->user);
	read_text(&f, may, "password", &ret->password);
	read_text(&f, may, "token", &ret->token);
	read_text(&f, may, "role", &ret->role);
	read_text(&f, may, "name", &ret->name);
	read_text(&f, may, "old", &ret->old);
	read_text(&f, may, "new", &ret->new);
	if (route_lists(may, "days", NULL))
		(void)field_u32(&f, "days", FIELD_MAY, 0, 3650, &ret->days);
	return fields_close(&f);
}

static int read_role(const char *text, enum role *ret, struct err *reterr)
{
	*ret = text ? role_by_name(text) : ROLE_NOBODY;
	if (text && *ret == ROLE_NOBODY)
		return err_set(reterr, EINVAL, "role",
			       "expected viewer, operator or admin");
	return 0;
}

/* --- sessions -------------------------------------------------------------------- */

static void answer_session(struct request *r, const char *user, enum role role,
			   const char *csrf)
{
	answer_json(r, 200,
		    json_pack("{s:s, s:s, s:s}", "user", user, "role",
			      role_name(role), "csrf", csrf));
}

static void set_cookie(struct request *r, const char *word, int max_age)
{
	char text[200];

	(void)snprintf(text, sizeof text,
		       COOKIE_NAME "=%s; Path=/; Max-Age=%d; HttpOnly; "
				   "SameSite=Strict%s",
		       word, max_age, r->tls ? "; Secure" : "");
	answer_header(r, "Set-Cookie", text);
}

/* A new session for who has just shown that he is it. */
static void begin_session(struct request *r, const char *user, const char *hash)
{
	struct accounts *a = r->server->accounts;
	char word[SECRET_TEXT_MAX], csrf[SECRET_TEXT_MAX];
	struct who who;
	struct err err;

	if (accounts_login(a, user, hash, now_s(), word, &err) < 0) {
		answer_problem(r, &err);
		return;
	}
	if (!accounts_by_session(a, word, now_s(), &who)) {
		(void)err_set(&err, EKEYREJECTED, NULL, "is no user any more");
		answer_problem(r, &err);
		return;
	}
	secret_csrf(word, csrf);
	answer_session(r, who.user, who.role, csrf);
	set_cookie(r, word, API_SESSION_MAX_S);
}

/* Whoever guesses is told to wait, before a hash is made of it. */
static bool may_try(struct request *r, const char *user)
{
	unsigned wait = rate_try(r->server->rate, hall_address(r->of), user,
				 clock_now());
	char text[16];
	struct err err;

	if (!wait)
		return true;
	r->server->counts.logins_limited++;
	(void)err_set(&err, EUSERS, NULL,
		      "too many wrong passwords; try again in %u s", wait);
	answer_problem(r, &err);
	(void)snprintf(text, sizeof text, "%u", wait);
	answer_header(r, "Retry-After", text);
	return false;
}

/* Not the name: people type passwords there, too. */
static void log_wrong(struct server *s, const char *from)
{
	uint64_t held = 0;

	if (log_allowed(&s->wrong_limit, clock_now(), &held))
		log_warn("login: wrong user or password from=%s held_back=%llu",
			 from, (unsigned long long)held);
}

static void login(struct request *r)
{
	struct server *s = r->server;
	const char *from = hall_address(r->of);
	char hash[PASSWORD_HASH_MAX];
	struct body b;
	struct err err;

	if (read_body(r, "user! password!", &b, &err) < 0) {
		answer_problem(r, &err);
		return;
	}
	if (!may_try(r, b.user))
		return;
	accounts_user_hash(s->accounts, b.user, hash);
	if (!password_is(b.password, hash)) {
		s->counts.logins_wrong++;
		log_wrong(s, from);
		(void)err_set(&err, EKEYREJECTED, NULL,
			      "wrong user or password");
		answer_problem(r, &err);
		return;
	}
	rate_right(s->rate, from, b.user, clock_now());
	s->counts.logins++;
	begin_session(r, b.user, hash);
}

static void logout(struct request *r)
{
	struct err err = { 0 };
	int rc = 0;

	if (r->who.by_cookie)
		rc = accounts_logout(r->server->accounts, &r->who, &err);
	answer_rc(r, rc, &err);
	if (rc == 0)
		set_cookie(r, "", 0);
}

static void change_password(struct request *r)
{
	struct accounts *a = r->server->accounts;
	char hash[PASSWORD_HASH_MAX];
	struct body b;
	struct err err;
	int rc = read_body(r, "old! new!", &b, &err);

	if (rc == 0 && !may_try(r, r->who.user))
		return;
	if (rc == 0) {
		accounts_user_hash(a, r->who.user, hash);
		if (!password_is(b.old, hash))
			rc = err_set(&err, EPERM, "old", "is wrong");
	}
	if (rc == 0)
		rate_right(r->server->rate, hall_address(r->of), r->who.user,
			   clock_now());
	if (rc == 0)
		rc = password_hash(b.new, hash, &err);
	if (rc == 0)
		rc = accounts_user_change(a, r->who.user, ROLE_NOBODY, hash,
					  &r->who, &err);
	answer_rc(r, rc, &err);
}

static void setup(struct request *r)
{
	struct accounts *a = r->server->accounts;
	char hash[PASSWORD_HASH_MAX];
	struct body b;
	struct err err;
	int rc = read_body(r, "token! user! password!", &b, &err);

	if (rc == 0 && !may_try(r, ""))
		return;
	/* before anybody's password is worth a hash */
	if (rc == 0 && !accounts_setup_is(a, b.token, now_s()))
		rc = err_set(&err, EACCES, "token",
			     "is used or too old; weir-api setup makes "
			     "another");
	if (rc == 0)
		rc = password_hash(b.password, hash, &err);
	if (rc == 0)
		rc = accounts_setup(a, b.token, b.user, hash, now_s(), &err);
	if (rc < 0) {
		answer_problem(r, &err);
		return;
	}
	rate_right(r->server->rate, hall_address(r->of), "", clock_now());
	log_info("users: the first one is there user=%s", b.user);
	begin_session(r, b.user, hash);
}

/* --- users ------------------------------------------------------------------------- */

static void users(struct request *r)
{
	json_t *list = accounts_users_json(r->server->accounts);

	answer_json(r, 200, list ? json_pack("{s:o}", "users", list) : NULL);
}

static void user_add(struct request *r)
{
	char hash[PASSWORD_HASH_MAX];
	enum role role = ROLE_NOBODY;
	struct body b;
	struct err err;
	int rc = read_body(r, "user! password! role!", &b, &err);

	if (rc == 0)
		rc = read_role(b.role, &role, &err);
	if (rc == 0)
		rc = password_hash(b.password, hash, &err);
	if (rc == 0)
		rc = accounts_user_add(r->server->accounts, b.user, role, hash,
				       now_s(), &err);
	if (rc < 0) {
		answer_problem(r, &err);
		return;
	}
	log_info("users: added user=%s role=%s by=%s", b.user, role_name(role),
		 r->who.user);
	answer_json(r, 201,
		    json_pack("{s:s, s:s}", "user", b.user, "role",
			      role_name(role)));
}

static void user_change(struct request *r)
{
	const char *name = route_path_value(r->route, &r->uri, "user");
	char hash[PASSWORD_HASH_MAX];
	enum role role = ROLE_NOBODY;
	struct body b;
	struct err err;
	int rc = read_body(r, "password role", &b, &err);

	if (rc == 0)
		rc = read_role(b.role, &role, &err);
	if (rc == 0 && b.password)
		rc = password_hash(b.password, hash, &err);
	if (rc == 0)
		rc = accounts_user_change(r->server->accounts, name, role,
					  b.password ? hash : NULL, &r->who,
					  &err);
	if (rc == 0)
		log_info("users: changed user=%s%s%s%s by=%s", name,
			 b.role ? " role=" : "", b.role ? b.role : "",
			 b.password ? " password" : "", r->who.user);
	answer_rc(r, rc, &err);
}

static void user_delete(struct request *r)
{
	const char *name = route_path_value(r->route, &r->uri, "user");
	struct err err;
	int rc = accounts_user_delete(r->server->accounts, name, &err);

	if (rc == 0)
		log_info("users: deleted user=%s by=%s", name, r->who.user);
	answer_rc(r, rc, &err);
}

/* --- tokens ------------------------------------------------------------------------- */

/* Own ones; all for an admin. */
static const char *whose(const struct request *r)
{
	return r->who.role == ROLE_ADMIN ? NULL : r->who.user;
}

static void tokens(struct request *r)
{
	json_t *list = accounts_tokens_json(r->server->accounts, whose(r));

	answer_json(r, 200, list ? json_pack("{s:o}", "tokens", list) : NULL);
}

static void token_add(struct request *r)
{
	enum role role = ROLE_NOBODY;
	char text[TOKEN_TEXT_MAX];
	uint64_t id = 0;
	struct body b;
	struct err err;
	int rc = read_body(r, "name! role days", &b, &err);

	/* else one that was stolen would live on in others */
	if (rc == 0 && !r->who.by_cookie)
		rc = err_set(&err, EPERM, "Authorization",
			     "a token makes no tokens: log in");
	if (rc == 0)
		rc = read_role(b.role ? b.role : "viewer", &role, &err);
	if (rc == 0 && role > r->who.role)
		rc = err_set(&err, EPERM, "role",
			     "a token may not do more than who makes it");
	if (rc == 0)
		rc = accounts_token_add(r->server->accounts, r->who.user, role,
					b.name, b.days, now_s(), text, &id,
					&err);
	if (rc < 0) {
		answer_problem(r, &err);
		return;
	}
	log_info("tokens: added id=%llu user=%s role=%s",
		 (unsigned long long)id, r->who.user, role_name(role));
	answer_json(r, 201,
		    json_pack("{s:I, s:s, s:s, s:s}", "id", (json_int_t)id,
			      "name", b.name, "role", role_name(role), "token",
			      text));
}

static void token_delete(struct request *r)
{
	const char *text = route_path_value(r->route, &r->uri, "id");
	struct err err;
	char *end;
	unsigned long long id = strtoull(text, &end, 10);
	int rc = *end ? err_set(&err, ENOENT, "id", "there is no such token")
		      : accounts_token_delete(r->server->accounts, id, whose(r),
					      r->who.by_cookie ? ROLE_ADMIN
							       : r->who.role,
					      &err);

	if (rc == 0)
		log_info("tokens: deleted id=%llu by=%s", id, r->who.user);
	answer_rc(r, rc, &err);
}

/* --- which ----------------------------------------------------------------------------- */

static void session(struct request *r)
{
	answer_session(r, r->who.user, r->who.role, r->csrf);
}

/* Those that a thread does; the others are answered at once. */
static void (*const later[OWN__MAX])(struct request *r) = {
	[OWN_LOGIN] = login,
	[OWN_LOGOUT] = logout,
	[OWN_PASSWORD] = change_password,
	[OWN_SETUP] = setup,
	[OWN_USERS] = users,
	[OWN_USER_ADD] = user_add,
	[OWN_USER_CHANGE] = user_change,
	[OWN_USER_DELETE] = user_delete,
	[OWN_TOKENS] = tokens,
	[OWN_TOKEN_ADD] = token_add,
	[OWN_TOKEN_DELETE] = token_delete,
};

/* Of whoever comes, and it takes its time. */
static bool is_login(const struct request *r)
{
	return r->route->own == OWN_LOGIN || r->route->own == OWN_SETUP;
}

static void run(struct job *j, struct asker *a)
{
	struct request *r = (struct request *)j;

	(void)a; /* the agent knows no users */
	if (is_login(r))
		r->server->logins--;
	later[r->route->own](r);
	serving_resume(r);
}

/* Of the files that are installed beside the UI's. */
static void openapi(struct request *r)
{
	const struct file *f = &r->server->openapi;
	struct err err;

	if (!f->text) {
		(void)err_set(&err, ENOENT, "path",
			      "the description is not installed");
		answer_problem(r, &err);
		return;
	}
	r->answer.status = 200;
	r->answer.file = f;
	r->answer.type = "application/yaml";
	r->answer.keep = true;
	memcpy(r->answer.etag, f->etag, sizeof f->etag);
}

/* Strangers do not make those wait who are known. */
static void ask_clerk(struct request *r)
{
	bool counts = is_login(r);
	struct err err;

	if (counts &&
	    atomic_fetch_add(&r->server->logins, 1) >= API_LOGINS_MAX) {
		r->server->logins--;
		(void)err_set(&err, EAGAIN, NULL, "too many log in at a time");
		answer_problem(r, &err);
		return;
	}
	r->job.run = run;
	/* answered if it cannot wait */
	if (serving_submit(r, r->server->clerk) < 0 && counts)
		r->server->logins--;
}

void own_answer(struct request *r)
{
	if (r->route->own == OWN_SESSION) {
		session(r);
	} else if (later[r->route->own]) {
		ask_clerk(r);
	} else {
		openapi(r);
	}
}
