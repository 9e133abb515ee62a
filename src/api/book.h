/*
 * What accounts.c keeps, as a value: from and to JSON, found and changed in
 * place. No file, no lock, no clock.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/secret.h"
#include "base/err.h"
#include "base/limits_api.h"
#include "wire/commands.h"

struct book_user {
	char name[API_NAME_MAX + 1];
	enum role role;
	char hash[PASSWORD_HASH_MAX]; /* of the password */
	uint64_t made; /* seconds since 1970, as all times here */
};

struct book_token {
	uint64_t id;
	char name[API_NAME_MAX + 1], user[API_NAME_MAX + 1];
	enum role role; /* at most the user's */
	unsigned char hash[SECRET_HASH_LEN];
	uint64_t made, ends; /* 0: never */
};

struct book_session {
	char user[API_NAME_MAX + 1];
	unsigned char hash[SECRET_HASH_LEN];
	uint64_t made, seen;
};

struct book {
	struct book_user users[API_USERS_MAX];
	struct book_token tokens[API_TOKENS_MAX];
	struct book_session sessions[API_SESSIONS_MAX];
	size_t n_users, n_tokens, n_sessions;
	uint64_t last_token;
	unsigned char setup[SECRET_HASH_LEN];
	uint64_t setup_ends; /* 0: there is none */
};

/* -EINVAL: it is no such file. *ret is whole or untouched. */
int book_from_json(const json_t *v, struct book *ret, struct err *reterr);
json_t *book_to_json(const struct book *b); /* NULL: out of memory */

/* A name that a person or a program can have: letters, digits and "._@-". */
bool book_is_name(const char *name);

struct book_user *book_user(struct book *b, const char *name);
struct book_session *book_session(struct book *b, const unsigned char *hash);
struct book_token *book_token(struct book *b, const unsigned char *hash);
/* It counts at that time. */
bool book_session_lives(const struct book_session *s, uint64_t now);
bool book_token_lives(const struct book_token *t, uint64_t now);

void book_drop_user(struct book *b, struct book_user *u);
void book_drop_token(struct book *b, struct book_token *t);
void book_drop_session(struct book *b, struct book_session *s);
/* All of a user but the one with that hash (NULL: all). */
void book_drop_sessions(struct book *b, const char *user,
			const unsigned char *but);
/* Room for one more of that user: what is over goes, then the oldest. */
void book_make_room(struct book *b, const char *user, uint64_t now);
size_t book_admins(const struct book *b);
