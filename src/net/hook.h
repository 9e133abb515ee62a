/*
 * Attaching a tc program to one side of a device, beside other people's: by a
 * TCX link where the kernel has them (6.6), else by a filter on clsact. First
 * in order: what we divert must not have been redirected by others before.
 *
 * Acts in the caller's network namespace.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/nl.h"

enum hook_side { HOOK_INGRESS, HOOK_EGRESS };

enum hook_kind { HOOK_NONE, HOOK_TCX, HOOK_CLSACT };

struct hook {
	uint32_t ifindex;
	enum hook_side side;
	const char *pin; /* where its link is kept, in bpffs; borrowed */
};

/*
 * only_clsact: as on a kernel without TCX. *ret_made is set (never cleared) if a
 * clsact qdisc was made for it.
 */
int hook_attach(const struct hook *h, int prog_fd, bool only_clsact,
		bool *ret_made, struct err *reterr);
/*
 * Bears what is not there. with_qdisc: takes the clsact qdisc off, too, unless
 * others have filters on it. nl: in the caller's namespace.
 */
int hook_detach(struct nl *nl, const struct hook *h, bool with_qdisc,
		struct err *reterr);
/* What is attached of ours? */
enum hook_kind hook_find(const struct hook *h);

/*
 * Does no TCX program of others come before what is attached of ours? Such a one
 * may take frames away unseen. true also where that cannot be asked.
 */
bool hook_is_first(const struct hook *h);

/* Is it a link's whose device is gone? */
bool hook_pin_is_dead(const char *pin);

/* "none", "tcx", "clsact" */
const char *hook_kind_name(enum hook_kind k);
