/*
 * Which worker a workload belongs to: the one that its mark's last two bytes
 * tell, modulo the number of workers. So a workload's frames, both ways, and all
 * that is known of it are one worker's, and nothing of a workload is shared
 * (docs/decisions/0011-workers.md).
 *
 *   4e:65:75:56:HH:LL   unicast mark         4e:65:75:57:HH:LL   of a copy
 *   ff:ff:ff:00:HH:LL   broadcast mark       ff:ff:ff:01:HH:LL   of a copy
 *
 * A frame with no mark of these kinds is worker 0's. A workload that was given no
 * mark at all has none on any frame; it is known by the port they come by, and
 * spread by the last two bytes of its own MAC. Any thread.
 */
#pragma once

#include <linux/filter.h>

#include "base/addr.h"

/* 0..n - 1; n: 1..WORKERS_MAX. */
unsigned spread_worker_of(struct mac mark, unsigned n);
/* mac: its own; ucmac: its unicast mark, zero if it has none. */
unsigned spread_workload(struct mac mac, struct mac ucmac, unsigned n);

/*
 * The same as a program for PACKET_FANOUT_CBPF, which itself takes the answer
 * modulo the number of sockets: by the source's mark, else the destination's.
 */
extern const struct sock_fprog spread_program;
