/*
 * The second half of the story of `weir demo`: a workload is diverted in place,
 * and modes change under a running stream.
 */
#pragma once

#include "cli/demo.h"

int demo_inplace_divert(struct demo *d, struct err *reterr);
int demo_inplace_tap(struct demo *d, struct err *reterr);
int demo_inplace_inline(struct demo *d, struct err *reterr);
int demo_inplace_flips(struct demo *d, struct err *reterr);
int demo_inplace_kill(struct demo *d, struct err *reterr);
int demo_inplace_speed(struct demo *d, struct err *reterr);

/* The last of it: nothing is diverted any more. */
int demo_inplace_restore(struct demo *d, struct err *reterr);
