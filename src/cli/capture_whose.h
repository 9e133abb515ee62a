/* Whose frames are to be captured: from what a person says to a MAC. */
#pragma once

#include "base/addr.h"
#include "base/err.h"

struct capture_whose {
	struct mac mac;	    /* --mac; zero: not said */
	const char *netns;  /* --netns; NULL */
	const char *name;   /* a workload's, as the agent knows it; NULL */
	const char *dev;    /* --dev; NULL: eth0, or the only one */
	const char *socket; /* the agent's door */
};

/*
 * One of mac, netns and name is said. A name is the agent's to know; where no
 * agent is, or it knows none, that of a namespace. -errno with *reterr.
 */
int capture_find_mac(const struct capture_whose *w, struct mac *ret,
		     struct err *reterr);
