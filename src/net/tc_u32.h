/*
 * The u32 redirector: the article's six tc filters (and the same two diverting
 * ones for IPv6), by rtnetlink.
 *
 *   vex  10001 to the workload's MAC: mark destination -> vbr   (mode inline)
 *        10002 everything else -> vin
 *   vin  10001 from the workload's MAC: mark source -> vbr      (mode inline)
 *        10002 everything else -> vex
 *   vbr  marked destination: put the MAC back -> vin
 *        marked source: put the MAC back -> vex
 *
 * nl is a socket in the agent namespace; ep tells MACs, mark, ifindexes, mode.
 * What is missing in the kernel comes back as -EOPNOTSUPP or what it says.
 */
#pragma once

#include "base/err.h"
#include "bpf/shared.h"
#include "net/nl.h"

/* Adds the ingress qdiscs (vbr's may exist) and the filters. Undoes itself. */
int u32_add(struct nl *nl, const struct divert_endpoint *ep,
	    struct err *reterr);
/* Takes the endpoint's filters off vbr and the qdiscs off vex and vin. */
int u32_del(struct nl *nl, const struct divert_endpoint *ep,
	    struct err *reterr);
/* Adds or removes the diverting filters of vex and vin. */
int u32_set_mode(struct nl *nl, const struct divert_endpoint *ep,
		 enum divert_mode mode, struct err *reterr);
/* The mode in force: are the diverting filters there? */
int u32_get_mode(struct nl *nl, const struct divert_endpoint *ep,
		 enum divert_mode *ret, struct err *reterr);
