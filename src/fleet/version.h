/*
 * Versions of the fleet's policy, as they are written to its bucket: one a change,
 * and each says from which it is one.
 *
 *   {"v":1,"id":"...","about":{...},"size":N,"crc":N,"after":REV}\n PACKED    whole
 *   {"v":1,...,"after":REV,"at":N,"cut":N}\n PACKED                          a change
 *
 * A change replaces `cut` bytes of the text before at byte `at` by what is packed;
 * size and crc (CRC-32C) are of the text that it comes to, so who had another text
 * before finds out. So a change costs what it changes, whatever the policy's size.
 *
 * after: the revision that it follows; 0: none. Of several that follow the same one
 * the first counts, and the others are void: everybody hears them in the same order,
 * so everybody comes to the same. The servers are asked to refuse those (compare and
 * swap on the last sequence), but nats-server 2.9 lets two pass that are on their way
 * at once in a cluster; so it is decided here.
 *
 * The text is an intent's JSON (intent/intent.h); here it is only bytes.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits_fleet.h"

/* The last version that is known. All 0: none. */
struct version {
	uint64_t revision;
	char *text; /* owned */
	size_t len;
	uint64_t whole; /* the last whole one that it comes of */
};

/*
 * What was heard before there is a version: from the middle of the bucket's history
 * on, so which of two counts is known only if what both follow was heard, too.
 */
struct version_start {
	uint64_t first; /* sequence; 0: nothing was heard */
	/* Up to this sequence there is nothing any more that one could follow. */
	uint64_t purged;
	uint64_t after[FLEET_HISTORY];
	size_t n;
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
 * Takes the next message, of that revision: *v becomes it, and 0. 1: it is void, or of
 * no use yet, for v is none. *ret_id, *ret_about: the caller's, also then.
 * -ESTALE: one before it is missing, or what it comes to is not what it should; v is
 * as before, and the history is to be heard anew. -EPROTO, -E2BIG: it is no version, for
 * anybody, and is passed over as a void one is; -EOPNOTSUPP: of a later form; -ENOMEM.
 */
int version_read(struct version *v, struct version_start *start,
		 uint64_t revision, const char *bytes, size_t len,
		 char **ret_id, json_t **ret_about, struct err *reterr);
