/* What opening one packet socket and a group of them share; of this folder. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>

#include "base/err.h"

/* As ring_packet_open(), with a filter from the first frame on, or NULL. */
int packet_open(const char *ifname, bool tap, const struct sock_fprog *filter,
		struct err *reterr);
/*
 * Has the frames of that interface, which fd is bound to, to itself as long as it
 * is open. -EBUSY: somebody else has. Where the kernel cannot tell, 0. In
 * packet_group.c.
 */
int packet_claim(int fd, const char *ifname, struct err *reterr);
