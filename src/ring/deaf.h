/*
 * Keeps an interface's frames from the IP stack of the network namespace it is
 * in. A packet socket only gets copies: without this the kernel takes in what is
 * for the interface's own MAC, for all or for a group, answers ARP and neighbour
 * requests for addresses it has, and configures IPv6 by what routers say.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/*
 * true: from now on all frames that come in by it are dropped behind the packet
 * sockets, which still get them (the kernel asks those first). Done again it
 * changes nothing. false: no more; an interface that is gone, or never was deaf,
 * is no error. Of the caller's namespace; needs CAP_NET_ADMIN. 0 or -errno with
 * *reterr: -EOPNOTSUPP, -ENOENT: the kernel has no clsact or no bpf classifier;
 * -EEXIST, -EINVAL: somebody else has a filter in that place.
 */
int ring_deafen(unsigned ifindex, bool deaf, struct err *reterr);
