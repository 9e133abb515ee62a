/*
 * Versions of the fleet's policy, as they are written to its bucket: one a change,
 * and each says from which it is one.
 *
 *   {"v":1,"id":"...","about":{...},"size":N,"crc":N}\n PACKED          whole
 *   {"v":1,...,"after":REVISION,"depth":N,"at":N,"cut":N}\n PACKED     a change
 *
 * A change replaces `cut` bytes of the text before at byte `at` by what is packed;
 * size and crc (CRC-32C) are of the text that it comes to, so who had another text
 * before finds out. So a change costs what it changes, whatever the policy's size.
 * depth: how many changes since the last whole one.
 *
 * The text is an intent's JSON (intent/intent.h); here it is only bytes.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The last version that is known. All 0: none. */
struct version {
	uint64_t revision;
	char *text; /* owned */
	size_t len;
	unsigned depth;
};

void version_done(struct version *v);

/*
 * The message by which `last` becomes that text; whole if last is none, or if that
 * is no more than the change. about: who and what, an object, borrowed; id: known
 * again by who sent it. The caller's; NULL: ENOMEM, E2BIG.
 */
char *version_write(const struct version *last, const char *text, size_t len,
		    const char *id, const json_t *about, size_t *ret_len,
		    struct err *reterr);

/*
 * Takes a message of that revision: *v becomes it. *ret_id, *ret_about: the caller's.
 * -ESTALE: it changes another version than v, as v is none, or what it comes to is
 * not what it should; v is as before, and a whole one is needed. -EPROTO: it is no
 * version, or of a later form; -E2BIG, -ENOMEM.
 */
int version_read(struct version *v, uint64_t revision, const char *bytes,
		 size_t len, char **ret_id, json_t **ret_about,
		 struct err *reterr);
