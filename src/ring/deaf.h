/*
 * Keeps an interface's frames from the IP stack of the network namespace it is
 * in. A packet socket only gets copies: without this the kernel takes in what is
 * for the interface's own MAC, for all or for a group, answers ARP and neighbour
 * requests for addresses it has, and configures IPv6 by what routers say.
 *
 * What keeps it deaf is a filter in the kernel, which outlives who made it; so
 * it says whose it is. All of it is about the caller's network namespace and
 * needs CAP_NET_ADMIN.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * From now on all frames that come in by it are dropped behind the packet
 * sockets, which still get them (the kernel asks those first). Done again it
 * changes nothing. owner: of this process, random. 0 or -errno with *reterr:
 * -EOPNOTSUPP, -ENOENT: the kernel has no clsact or no bpf classifier; -EEXIST,
 * -EINVAL: somebody else has a filter in that place.
 */
int ring_deafen(unsigned ifindex, uint64_t owner, struct err *reterr);
/*
 * No more. An interface that is gone, or is not deaf by that owner, is no error
 * and is let be. The qdisc that was made for it goes, too, unless there is
 * anything else on it.
 */
int ring_undeafen(unsigned ifindex, uint64_t owner, struct err *reterr);
/*
 * The same of all interfaces whose owner is over, as is_over(arg, owner) says.
 * *ret_n: how many there were. 0; or -errno with *reterr, of the last one that
 * could not be helped.
 */
int ring_undeafen_all(bool (*is_over)(void *arg, uint64_t owner), void *arg,
		      unsigned *ret_n, struct err *reterr);
