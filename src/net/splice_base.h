/*
 * vbr and vth, the pair that all workloads of an agent namespace share, and
 * how devices of a splice are told from other people's. For splice*.c only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/nl.h"

/*
 * The device group ("weir") that vbr, vth and vin are made in: set in the same
 * request that makes them, so there is no moment without it.
 */
#define SPLICE_GROUP 0x77656972u

/*
 * Finds or makes the pair, up, silent, with at least this MTU. *ret_made: it
 * was made now. -EEXIST: the names are somebody else's. Undoes itself.
 */
int base_ensure(struct nl *in_agent, uint32_t mtu, uint32_t *ret_vbr,
		bool *ret_made, struct err *reterr);
/*
 * Removes the pair if it is ours; call when no workload uses it any more.
 * *ret_removed (may be NULL): there was one.
 */
int base_remove(struct nl *in_agent, bool *ret_removed, struct err *reterr);
