/*
 * A server of a fleet that is to be one no more: the others count it no longer, and what
 * it kept is copied to those that had none of it. One call, any thread.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/limits_fleet.h"

/* Who may do so: a user of the servers' own account. All PEM; borrowed. */
struct fleet_admin {
	const char *servers[FLEET_SERVERS_MAX]; /* those that stay */
	size_t n_servers;
	const char *ca, *cert, *key;
};

/*
 * Also of one that was retired before. Returns when those that stay have all there is,
 * each stream as often as it can be. -ENOTCONN: none of them answers, or lets us in;
 * -EAGAIN: they copy still; -EIO: they do not do it.
 */
int fleet_retire(const struct fleet_admin *admin, const char *server,
		 struct err *reterr);
