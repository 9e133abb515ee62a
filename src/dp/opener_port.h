/* What the opener opens (dp/opener.h), here or in another namespace. */
#pragma once

#include "dp/opener.h"

/*
 * 0 and the descriptors of *p, as many as p->sockets; or -errno with *reterr
 * and none; -EINVAL also for a *p that is not well formed. *netns as with
 * opener_ask(), and never closed here. Opener process only.
 */
int opener_open(const struct opener_port *p, int *netns,
		int fds[static WORKERS_MAX], struct err *reterr);
