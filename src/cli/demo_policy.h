/* The step of `weir demo` in which policy denies, tells why, and allows. */
#pragma once

#include "cli/demo.h"

/* Leaves a policy in force that allows ICMP and DEMO_PORT, and denies else. */
int demo_policy(struct demo *d, struct err *reterr);
/* Only puts that policy in force, at the data plane that is told of. */
int demo_policy_last(struct demo *d, struct err *reterr);
/* Tells the newest block by that rule (0: the default), and why it was. */
int demo_policy_tell_block(struct demo *d, uint32_t rule_id,
			   struct err *reterr);
