/* The step of `weir demo` in which policy denies, tells why, and allows. */
#pragma once

#include "cli/demo.h"

/* Leaves a policy in force that allows ICMP and DEMO_PORT, and denies else. */
int demo_policy(struct demo *d, struct err *reterr);
