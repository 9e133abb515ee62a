#include "api/book.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "wire/field.h"

/* --- found ------------------------------------------------------------------ */

bool book_is_name(const char *name)
{
	static const char may[] = "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789._@-";
	size_t len = strlen(name);

	return len > 0 && len <= API_NAME_MAX && strspn(name, may) == len;
}

struct book_user *book_user(struct book *b, const char *name)
{
	for (size_t i = 0; i < b->n_users; i++)
		if (strcmp(b->users[i].name, name) == 0)
			return &b->users[i];
	return NULL;
}

struct book_session *book_session(struct book *b, const unsigned char *hash)
{
	for (size_t i = 0; i < b->n_sessions; i++)
		if (memcmp(b->sessions[i].hash, hash, SECRET_HASH_LEN) == 0)
			return &b->sessions[i];
	return NULL;
}

struct book_token *book_token(struct book *b, const unsigned char *hash)
{
	for (size_t i = 0; i < b->n_tokens; i++)
		if (memcmp(b->tokens[i].hash, hash, SECRET_HASH_LEN) == 0)
			return &b->tokens[i];
	return NULL;
}

bool book_session_lives(const struct book_session *s, uint64_t now)
{
	return now < s->made + (uint64_t)API_SESSION_MAX_S &&
	       now < s->seen + (uint64_t)API_SESSION_IDLE_S;
}

bool book_token_lives(const struct book_token *t, uint64_t now)
{
	return t->ends == 0 || now < t->ends;
}

size_t book_admins(const struct book *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_users; i++)
		n += b->users[i].role == ROLE_ADMIN;
	return n;
}

/* --- changed ------------------------------------------------------------------- */

void book_drop_token(struct book *b, struct book_token *t)
{
	*t = b->tokens[--b->n_tokens];
}

void book_drop_session(struct book *b, struct book_session *s)
{
	*s = b->sessions[--b->n_sessions];
}

void book_drop_sessions(struct book *b, const char *user,
			const unsigned char *but)
{
	for (size_t i = b->n_sessions; i-- > 0;) {
		struct book_session *s = &b->sessions[i];

		if (strcmp(s->user, user) == 0 &&
		    !(but && memcmp(s->hash, but, SECRET_HASH_LEN) == 0))
			book_drop_session(b, s);
	}
}

void book_drop_user(struct book *b, struct book_user *u)
{
	book_drop_sessions(b, u->name, NULL);
	for (size_t i = b->n_tokens; i-- > 0;)
		if (strcmp(b->tokens[i].user, u->name) == 0)
			book_drop_token(b, &b->tokens[i]);
	memmove(u, u + 1,
		(size_t)(&b->users[b->n_users] - (u + 1)) * sizeof *u);
	b->n_users--;
}

/* The one that was used the longest ago, of a user or (NULL) of all. */
static struct book_session *oldest(struct book *b, const char *user)
{
	struct book_session *found = NULL;

	for (size_t i = 0; i < b->n_sessions; i++) {
		struct book_session *s = &b->sessions[i];

		if ((!user || strcmp(s->user, user) == 0) &&
		    (!found || s->seen < found->seen))
			found = s;
	}
	return found;
}

void book_make_room(struct book *b, const char *user, uint64_t now)
{
	size_t n = 0;

	for (size_t i = b->n_sessions; i-- > 0;)
		if (!book_session_lives(&b->sessions[i], now))
			book_drop_session(b, &b->sessions[i]);
	for (size_t i = 0; i < b->n_sessions; i++)
		n += strcmp(b->sessions[i].user, user) == 0;
	if (n >= API_SESSIONS_PER_USER_MAX)
		book_drop_session(b, oldest(b, user));
	if (b->n_sessions == API_SESSIONS_MAX)
		book_drop_session(b, oldest(b, NULL));
}

/* --- JSON ------------------------------------------------------------------------- */

static json_t *hash_json(const unsigned char *hash)
{
	char text[2 * SECRET_HASH_LEN + 1];

	return json_string(
		sodium_bin2hex(text, sizeof text, hash, SECRET_HASH_LEN));
}

static json_t *users_json(const struct book *b)
{
	json_t *list = json_array();

	for (size_t i = 0; i < b->n_users; i++) {
		const struct book_user *u = &b->users[i];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:I}", "name", u->name,
					"role", role_name(u->role), "password",
					u->hash, "made", (json_int_t)u->made));
	}
	return list;
}

static json_t *tokens_json(const struct book *b)
{
	json_t *list = json_array();

	for (size_t i = 0; i < b->n_tokens; i++) {
		const struct book_token *t = &b->tokens[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:I, s:s, s:s, s:s, s:o, s:I, s:I}", "id",
				  (json_int_t)t->id, "name", t->name, "user",
				  t->user, "role", role_name(t->role), "hash",
				  hash_json(t->hash), "made",
				  (json_int_t)t->made, "ends",
				  (json_int_t)t->ends));
	}
	return list;
}

static json_t *sessions_json(const struct book *b)
{
	json_t *list = json_array();

	for (size_t i = 0; i < b->n_sessions; i++) {
		const struct book_session *s = &b->sessions[i];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:o, s:I, s:I}", "user", s->user,
					"hash", hash_json(s->hash), "made",
					(json_int_t)s->made, "seen",
					(json_int_t)s->seen));
	}
	return list;
}

json_t *book_to_json(const struct book *b)
{
	json_t *o = json_pack("{s:i, s:o, s:o, s:o, s:I}", "version", 1,
			      "users", users_json(b), "tokens", tokens_json(b),
			      "sessions", sessions_json(b), "last_token",
			      (json_int_t)b->last_token);

	if (o && b->setup_ends)
		(void)json_object_set_new(o, "setup",
					  json_pack("{s:o, s:I}", "hash",
						    hash_json(b->setup), "ends",
						    (json_int_t)b->setup_ends));
	return o;
}

static void read_hash(struct fields *f, unsigned char ret[SECRET_HASH_LEN])
{
	const char *text = "";
	size_t len = 0;

	(void)field_str(f, "hash", FIELD_MUST, 2UL * SECRET_HASH_LEN, &text);
	if (f->rc == 0 &&
	    (sodium_hex2bin(ret, SECRET_HASH_LEN, text, strlen(text), NULL,
			    &len, NULL) != 0 ||
	     len != SECRET_HASH_LEN))
		fields_refuse(f, "hash", "is none");
}

static void read_name(struct fields *f, const char *field,
		      char ret[API_NAME_MAX + 1])
{
	const char *text = "";

	if (field_str(f, field, FIELD_MUST, API_NAME_MAX, &text))
		memcpy(ret, text, strlen(text) + 1);
}

static void read_role(struct fields *f, enum role *ret)
{
	const char *text = "";

	(void)field_str(f, "role", FIELD_MUST, 32, &text);
	*ret = role_by_name(text);
	if (f->rc == 0 && *ret == ROLE_NOBODY)
		fields_refuse(f, "role", "is none");
}

static int read_user(const json_t *v, struct book *b, struct err *reterr)
{
	struct fields f = fields_open(v, false, reterr);
	struct book_user *u = &b->users[b->n_users];
	const char *hash = "";

	read_name(&f, "name", u->name);
	read_role(&f, &u->role);
	if (field_str(&f, "password", FIELD_MUST, PASSWORD_HASH_MAX - 1, &hash))
		memcpy(u->hash, hash, strlen(hash) + 1);
	(void)field_u64(&f, "made", FIELD_MAY, &u->made);
	b->n_users++;
	return fields_close(&f);
}

static int read_token(const json_t *v, struct book *b, struct err *reterr)
{
	struct fields f = fields_open(v, false, reterr);
	struct book_token *t = &b->tokens[b->n_tokens];

	(void)field_u64(&f, "id", FIELD_MUST, &t->id);
	read_name(&f, "name", t->name);
	read_name(&f, "user", t->user);
	read_role(&f, &t->role);
	read_hash(&f, t->hash);
	(void)field_u64(&f, "made", FIELD_MAY, &t->made);
	(void)field_u64(&f, "ends", FIELD_MAY, &t->ends);
	b->n_tokens++;
	return fields_close(&f);
}

static int read_session(const json_t *v, struct book *b, struct err *reterr)
{
	struct fields f = fields_open(v, false, reterr);
	struct book_session *s = &b->sessions[b->n_sessions];

	read_name(&f, "user", s->user);
	read_hash(&f, s->hash);
	(void)field_u64(&f, "made", FIELD_MAY, &s->made);
	(void)field_u64(&f, "seen", FIELD_MAY, &s->seen);
	b->n_sessions++;
	return fields_close(&f);
}

static int read_list(struct fields *f, const char *name, size_t max,
		     int (*read)(const json_t *v, struct book *b,
				 struct err *reterr),
		     struct book *b)
{
	const json_t *list, *v;
	size_t i;

	if (!field_array(f, name, FIELD_MUST, max, &list))
		return f->rc;
	json_array_foreach (list, i, v) {
		int rc = read(v, b, f->reterr);

		if (rc < 0 && f->rc == 0) {
			err_prefix(f->reterr, name);
			f->rc = rc;
		}
	}
	return f->rc;
}

static void read_setup(struct fields *f, struct book *b)
{
	const json_t *o;
	struct fields s;
	int rc;

	if (!field_object(f, "setup", FIELD_MAY, &o))
		return;
	s = fields_open(o, false, f->reterr);
	read_hash(&s, b->setup);
	(void)field_u64(&s, "ends", FIELD_MUST, &b->setup_ends);
	rc = fields_close(&s);
	if (rc < 0 && f->rc == 0)
		f->rc = rc;
}

int book_from_json(const json_t *v, struct book *ret, struct err *reterr)
{
	struct fields f = fields_open(v, false, reterr);
	struct book *b = calloc(1, sizeof *b);
	uint32_t version = 0;
	int rc;

	if (!b)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	(void)field_u32(&f, "version", FIELD_MUST, 1, 1, &version);
	(void)field_u64(&f, "last_token", FIELD_MAY, &b->last_token);
	read_setup(&f, b);
	/* one after the other, each only if all before were right */
	(void)(read_list(&f, "users", API_USERS_MAX, read_user, b) == 0 &&
	       read_list(&f, "tokens", API_TOKENS_MAX, read_token, b) == 0 &&
	       read_list(&f, "sessions", API_SESSIONS_MAX, read_session, b));
	rc = fields_close(&f);
	if (rc == 0)
		*ret = *b;
	free(b);
	return rc;
}
