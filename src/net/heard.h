/*
 * Who is behind a tap: its frames tell. The kernel knows no other end of a tap,
 * so the MAC of a VM, and its addresses, can only be heard. The socket hears
 * what comes from the guest before any program at the tap's ingress does, so
 * also what that drops.
 *
 * What is heard is what the guest says. Whether it may be believed is the
 * caller's to decide.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/err.h"

struct heard {
	struct mac mac; /* its source */
	/* What it says to be its address, by ARP or ND; else zero. */
	bool has_addr;
	struct ip_addr addr;
};

/* false: cut short, from a group, or from nobody. */
bool heard_parse(struct bytes frame, struct heard *ret);

/*
 * A socket, without waiting, that hears what the device sends to us; ARP and
 * neighbour discovery alone, or all. The caller's to close().
 */
int heard_open(uint32_t ifindex, bool all, int *ret, struct err *reterr);
/* From now on ARP and neighbour discovery alone. */
int heard_less(int fd, struct err *reterr);
/* false: nothing waits. Passes over what cannot be parsed: `budget` goes down
 * by one with each frame, and at 0 nothing more is read. */
bool heard_next(int fd, unsigned *budget, struct heard *ret);
