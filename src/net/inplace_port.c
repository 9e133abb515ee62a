#include "net/inplace_port.h"

#include <errno.h>
#include <string.h>

#include "net/netns.h"

static int no_host_side(const struct link_stat *l, struct err *reterr)
{
	return err_set(reterr, EOPNOTSUPP, "--dev",
		       "%s is a %s, which has no host side to be diverted at; "
		       "weir splice can",
		       l->name, l->kind[0] ? l->kind : "device of its own");
}

/* By the workload's own end: its other end must be in our namespace. */
static int find_by_netns(struct nl *nl, const struct inplace_port *at,
			 struct inplace_found *ret, struct err *reterr)
{
	const char *dev = at->dev ? at->dev : "eth0";
	struct link_stat own = { 0 };
	struct nl *inside = NULL;
	struct netns ns;
	int rc = netns_open(at->netns, &ns, reterr);

	if (rc < 0)
		return rc;
	rc = nl_open(&ns, &inside, reterr);
	netns_done(&ns);
	if (rc == 0)
		rc = link_get(inside, dev, &own, reterr);
	nl_free(inside);
	if (rc < 0)
		return rc;
	if (strcmp(own.kind, "veth") != 0)
		return no_host_side(&own, reterr);
	if (link_get_index(nl, own.peer, &ret->host, NULL) < 0 ||
	    strcmp(ret->host.kind, "veth") != 0 ||
	    ret->host.peer != own.ifindex)
		return err_set(reterr, ENODEV, "--netns",
			       "the other end of %s is not in this namespace",
			       dev);
	ret->mac = own.mac;
	return 0;
}

static int find_by_dev(struct nl *nl, const char *dev,
		       struct inplace_found *ret, struct err *reterr)
{
	struct link_stat own = { 0 };
	int rc = link_get(nl, dev, &ret->host, reterr);

	if (rc < 0)
		return rc;
	ret->mac = (struct mac){ { 0 } };
	if (strcmp(ret->host.kind, "veth") == 0) {
		rc = link_get_peer(nl, &ret->host, &own, reterr);
		if (rc == 0)
			ret->mac = own.mac;
		return rc;
	}
	if (strcmp(ret->host.kind, "tun") == 0 && ret->host.is_ethernet)
		return 0;
	return no_host_side(&ret->host, reterr);
}

int inplace_find_port(struct nl *nl, const struct inplace_port *at,
		      struct inplace_found *ret, struct err *reterr)
{
	return at->netns ? find_by_netns(nl, at, ret, reterr)
			 : find_by_dev(nl, at->dev, ret, reterr);
}
