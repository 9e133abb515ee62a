/* What the opener opens (dp/opener.h), here or in another namespace. */
#pragma once

#include "dp/opener.h"

/*
 * The descriptor of *p, or -errno with *reterr; -EINVAL also for a *p that is
 * not well formed. *netns as with opener_ask(), and never closed here. Opener
 * process only.
 */
int opener_open(const struct opener_port *p, int *netns, struct err *reterr);
