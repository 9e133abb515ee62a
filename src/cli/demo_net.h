/*
 * The network of `weir demo`: the article's "default form" is made here, and
 * everything is taken down here.
 */
#pragma once

#include "cli/demo.h"

/*
 * Makes the namespaces and the veth pair with its addresses. What was made is
 * in d->state (and on disk) at any moment, also when it fails.
 */
int demo_net_up(struct demo *d, struct err *reterr);
/* The same for the workload behind a bridge on the host. */
int demo_net_web_up(struct demo *d, struct err *reterr);

/*
 * Takes down what `s` knows of: data planes, diversions, devices,
 * namespaces, files. Bears that any of it is gone already; tries all, returns the first
 * failure. The caller has closed its own descriptors of the namespaces.
 */
int demo_net_down(struct demo_state *s, struct err *reterr);
/*
 * Only that data plane: SIGTERM, and SIGKILL when that does not help. Its exit
 * status, 128 + the signal, or -1 when that cannot be known.
 */
int demo_net_stop_dp(struct demo_state *s, enum demo_layout layout);
