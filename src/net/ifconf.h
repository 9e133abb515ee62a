/*
 * Everything a device is to the network stack of its namespace - link
 * settings, addresses, routes, neighbours, sysctls - taken off one device and
 * put on another that takes its place.
 *
 * Addresses, routes and neighbours are kept as the requests that make them,
 * attribute for attribute as the kernel told them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/ifsysctl.h"
#include "net/link.h"
#include "net/netns.h"
#include "net/nl.h"

struct ifconf_state {
	struct link_stat link;
	struct nl_batch addrs;	/* IPv6 ones usable at once (IFA_F_NODAD) */
	struct nl_batch settle; /* what takes IFA_F_NODAD off again */
	struct nl_batch routes; /* those without a gateway first */
	struct nl_batch neighs;
	struct ifsysctl *sysctl; /* owned */
	size_t sysctls;
	bool nexthop_objects; /* a route uses one */
};

/*
 * Reads all of device `name`; nl is a socket in ns. -ENODEV if it is not
 * there. Free with ifconf_done in any case; it accepts a zeroed struct.
 */
int ifconf_read(const struct netns *ns, struct nl *nl, const char *name,
		struct ifconf_state *ret, struct err *reterr);
void ifconf_done(struct ifconf_state *c);

/*
 * Can this device be replaced by another without losing anything? If not,
 * -EOPNOTSUPP or -EBUSY with the reason: loopback, a bridge port, a device
 * with VLANs on top, traffic control rules, nexthop objects, ipvlan.
 */
int ifconf_check_movable(struct nl *nl, const struct ifconf_state *c,
			 struct err *reterr);

/* From now on it is about the device with this ifindex. */
void ifconf_retarget(struct ifconf_state *c, uint32_t ifindex);

/*
 * Appends the requests that make device c->link.ifindex so, in an order in
 * which they work: settings, up or down, addresses, routes, neighbours.
 * -ENOMEM, -E2BIG.
 */
int ifconf_put(const struct ifconf_state *c, struct nl_batch *b);
/*
 * Sends such a batch (which may hold other requests too). "Exists already" is
 * no error; a route whose gateway cannot be reached yet is tried again after
 * the others.
 */
int ifconf_send(struct nl *nl, struct nl_batch *b, const char *what,
		struct err *reterr);
/*
 * The rest, which is not urgent: sysctls, address flags, no more routes than
 * there were.
 */
int ifconf_settle(const struct netns *ns, struct nl *nl, struct ifconf_state *c,
		  struct err *reterr);
