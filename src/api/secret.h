/*
 * Passwords, and words that are made up to be kept secret (of sessions, tokens,
 * links): random, and kept here only as hashes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Once, before all others. */
int secret_init(struct err *reterr);

#define PASSWORD_HASH_MAX 128

/*
 * Argon2id, as a text of its own format. It takes API_ARGON_BYTES while it runs.
 * -EINVAL with at "password": too short, too long; -ENOMEM.
 */
int password_hash(const char *password, char ret[static PASSWORD_HASH_MAX],
		  struct err *reterr);
/* hash "": nobody's; it takes as long as a wrong one. */
bool password_is(const char *password, const char *hash);

#define SECRET_TEXT_MAX 44 /* 256 bits in base64url, and a NUL */
#define SECRET_HASH_LEN 32

void secret_make(char ret[static SECRET_TEXT_MAX]);
/* Of any text. */
void secret_hash(const char *text, unsigned char ret[static SECRET_HASH_LEN]);
/* What belongs to a session's word, and tells nothing of it: for CSRF. */
void secret_csrf(const char *text, char ret[static SECRET_TEXT_MAX]);
/* In a time that does not tell how much of it is right. */
bool secret_same(const char *a, const char *b);
