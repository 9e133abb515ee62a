/*
 * For a moment the kernel's RCU grace periods are expedited: 0.1 ms, not 10 ms
 * or so. It waits for one when a TCX link is made or ended, with the lock of all
 * network configuration held; its other waits there are expedited anyway
 * (synchronize_net()).
 *
 * The switch is the whole machine's, so it is set back at once; by the next of us
 * where who set it was killed. Where it cannot be set, things take longer.
 */
#pragma once

#include <signal.h>

struct hurry {
	int fd; /* of the switch, locked; -1: nothing is to be set back */
	sigset_t before;
};

/* Until hurry_end() no signal is heard; so nothing that waits in between. */
struct hurry hurry_begin(void);
void hurry_end(struct hurry *h);
