/*
 * What was turned down, by the proposals' keys, and what is not any more: in a fleet
 * each editor has all of it, and of what two say of one key the later counts.
 *
 *   {KEY: at}: seconds since 1970; turned down then; or, -at, taken back then
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

bool rejected_has(const json_t *r, const char *key);
/*
 * Now, in seconds, or later if what is known was later. -ENOSPC: LEARNED_REJECTED_MAX;
 * -ENOMEM.
 */
int rejected_set(json_t *r, const char *key, bool rejected, uint64_t now,
		 struct err *reterr);
/*
 * What another says, which is not trusted; true: something of it was new. What there
 * is no room for is left out.
 */
bool rejected_merge(json_t *r, const json_t *other);
