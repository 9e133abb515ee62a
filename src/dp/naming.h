/*
 * The names of a snapshot: all that rules and the agent (ctrl_cfg_set_fqdn)
 * speak of, numbered, and the addresses that were sent along with them. Made
 * anew with every snapshot; a name that stays keeps its number. Control thread
 * only.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "dp/fqdns.h"
#include "policy/names.h"
#include "policy/snapshot.h"

struct naming {
	struct name_set *names;
	struct name_addr *addrs;
	size_t n_addrs;
};

/*
 * Of the policies in spec and of f; before: the set of the snapshot before,
 * NULL. 0 and *ret, to be ended with naming_done(); or -ENOMEM, or -E2BIG:
 * more than FQDNS_MAX names, or NAMES_GIVEN_MAX of one address.
 */
int naming_make(const struct snapshot_spec *spec, const struct fqdns *f,
		const struct name_set *before, struct naming *ret,
		struct err *reterr);
/* Frees also one that is all zero. */
void naming_done(struct naming *n);
