/*
 * The names of hosts that rules and the agent speak of, numbered, and which of
 * them a given host's name is.
 *
 * A set is immutable: made by the control thread from the one before, read by
 * workers without a lock, freed when no worker has it any more. A name that is
 * in both keeps its number. What a worker knows about a number
 * (inspect/learned.h) is void when the name's birth is another one: then the
 * number has gone to another name.
 *
 * "*.a.b" is each name that ends in ".a.b", x.a.b and y.x.a.b, not a.b itself,
 * however short the suffix is. A '*' elsewhere is a character like others.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

#define NAME_NONE 0 /* numbers are 1..FQDNS_MAX */

/* NULL is a set without names, wherever one is only read. */

struct name_set;

/*
 * Of n texts, in any order and each as often as it comes; case and a dot at
 * the end do not matter. before may be NULL, and is not needed afterwards.
 *
 * NULL and *reterr: ENOMEM; EINVAL, a text is empty or longer than
 * FQDN_TEXT_MAX - 1; E2BIG, more than FQDNS_MAX different ones.
 */
struct name_set *name_set_next(const struct name_set *before,
			       const char *const *texts, size_t n,
			       struct err *reterr);
/* NULL is accepted. */
void name_set_free(struct name_set *s);

/*
 * The number of a name as rules write it ("*.a.b" is one); NAME_NONE: not in
 * the set, or no name.
 */
uint16_t name_set_id(const struct name_set *s, const char *text);
/* How it is written, in lower case; NULL for a number not in use. Borrowed. */
const char *name_set_text(const struct name_set *s, uint16_t id);
/* Differs between two names that have the same number, one after the other. */
uint32_t name_set_birth(const struct name_set *s, uint16_t id);
size_t name_set_count(const struct name_set *s);

/*
 * The numbers of all names of the set that host is, to ids: itself first, then
 * "*." suffixes from the longest on. Returns how many; there may be more than
 * max. host in lower case as proto/dns.h writes it, len without the NUL.
 */
unsigned name_set_match(const struct name_set *s, const char *host, size_t len,
			uint16_t *ids, unsigned max);
