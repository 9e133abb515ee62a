/*
 * Users, their API tokens and sessions, and the link by which the first one comes
 * in: in memory, and in a file of weir-api's own, users.json, of which each
 * change writes another one in place. Secrets are in it as hashes only. The file
 * may be changed by another weir-api (its `user` commands) at any time; a lock
 * beside it makes that one after the other. Any thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/secret.h"
#include "base/err.h"
#include "base/limits_api.h"
#include "wire/commands.h"

struct accounts;

/* Who asks. */
struct who {
	char user[API_NAME_MAX + 1]; /* "": nobody */
	enum role role;
	bool by_cookie;
	unsigned char hash[SECRET_HASH_LEN]; /* of the session or the token */
};

/* dir is there. -errno: it cannot be read, or is no such file. */
int accounts_open(const char *dir, struct accounts **ret, struct err *reterr);
void accounts_free(struct accounts *a); /* NULL is accepted */
/* Reads what another process has written meanwhile. */
void accounts_refresh(struct accounts *a);
/* Writes when sessions were used last, so that the next start knows. */
void accounts_save(struct accounts *a);

/* --- who is it --------------------------------------------------------------- */

/* now: seconds since 1970, here and below. false: nobody (any more). */
bool accounts_by_session(struct accounts *a, const char *word, uint64_t now,
			 struct who *ret);
bool accounts_by_token(struct accounts *a, const char *text, uint64_t now,
		       struct who *ret);
/* Is a session or token still good? */
bool accounts_still(struct accounts *a, const struct who *w, uint64_t now);

/* --- changes: each is on the disk when it returns, or is not made ------------------- */

int accounts_user_add(struct accounts *a, const char *name, enum role role,
		      const char *hash, uint64_t now, struct err *reterr);
/*
 * ROLE_NOBODY: stays; hash NULL: stays, else the user's sessions end but for that
 * of `but`, which may be NULL. The last admin stays one: -EBUSY.
 */
int accounts_user_change(struct accounts *a, const char *name, enum role role,
			 const char *hash, const struct who *but,
			 struct err *reterr);
/* With sessions and tokens. The last admin stays: -EBUSY. */
int accounts_user_delete(struct accounts *a, const char *name,
			 struct err *reterr);
/* His password's hash; "": there is no such user. */
void accounts_user_hash(struct accounts *a, const char *name,
			char ret[static PASSWORD_HASH_MAX]);

/*
 * hash: of the password that was shown; -EKEYREJECTED: he has another one by now.
 */
int accounts_login(struct accounts *a, const char *user, const char *hash,
		   uint64_t now, char ret[static SECRET_TEXT_MAX],
		   struct err *reterr);
int accounts_logout(struct accounts *a, const struct who *w,
		    struct err *reterr);

/* days 0: for ever. ret: the token, which nobody can tell again. */
#define TOKEN_TEXT_MAX (SECRET_TEXT_MAX + 8)
int accounts_token_add(struct accounts *a, const char *user, enum role role,
		       const char *name, unsigned days, uint64_t now,
		       char ret[static TOKEN_TEXT_MAX], uint64_t *ret_id,
		       struct err *reterr);
/* user NULL: whoever's it is. -ENOENT; -EPERM: it may do more than `most`. */
int accounts_token_delete(struct accounts *a, uint64_t id, const char *user,
			  enum role most, struct err *reterr);

/* A word for the link, in place of one before; -EEXIST: there are users. */
int accounts_setup_make(struct accounts *a, uint64_t now,
			char ret[static SECRET_TEXT_MAX], struct err *reterr);
/* Is it that word, and nobody there yet? */
bool accounts_setup_is(struct accounts *a, const char *word, uint64_t now);
/* The first admin, by that word, which is used up. */
int accounts_setup(struct accounts *a, const char *word, const char *name,
		   const char *hash, uint64_t now, struct err *reterr);

/* --- told ------------------------------------------------------------------------------ */

/* New references; NULL: out of memory. user NULL: of all. */
json_t *accounts_users_json(struct accounts *a);
json_t *accounts_tokens_json(struct accounts *a, const char *user);

struct accounts_counts {
	size_t users, tokens, sessions;
};
struct accounts_counts accounts_count(struct accounts *a);
