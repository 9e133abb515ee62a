/*
 * Where secrets may begin that are mostly digits: card numbers, accounts, numbers
 * of people. For a search through much, in which there is almost never one.
 *
 * Such a kind has a lead, the classes of its first bytes:
 *
 *   9 a digit   A a capital letter   _ a digit or blank   - itself
 *   6 2..6      2 1 or 2             X a digit, X, Y or Z
 *
 * The first is a digit or a capital, and nothing of [0-9A-Za-z._-] is before it:
 * its pattern must not match elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "detect/secret.h"

#define SECRET_LEAD 4

/* For which kinds; immutable once they are added. All zero: none. */
struct secret_seek {
	const struct secret_kind *kinds[SECRETS_SOUGHT_MAX];
	unsigned n;
	/* Bits, which kinds may have that byte there. */
	uint16_t leads[SECRET_LEAD][256];
};

/* k has a lead. Its number, 0..SECRETS_SOUGHT_MAX - 1. */
unsigned secret_seek_add(struct secret_seek *s, const struct secret_kind *k);

/* A way through bytes, borrowed while it lasts. */
struct secret_path {
	struct bytes all;
	size_t next;	 /* behind the block that is looked at */
	uint64_t begins; /* of the block: where words do */
	bool in_word;	 /* at its end */
};

static inline struct secret_path secret_path_of(struct bytes all)
{
	return (struct secret_path){ .all = all };
}

/*
 * The next place where any of these kinds (bits) may begin; where, and which do.
 * false: there is none.
 */
bool secret_seek_next(const struct secret_seek *s, uint32_t kinds,
		      struct secret_path *p, size_t *ret_at,
		      uint32_t *ret_kinds);
