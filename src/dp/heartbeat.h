/*
 * The supervisor's shared memory (reference 1.7): 20 bytes, native endian.
 *
 *   0            16
 *   +------------+-----------+
 *   | u32 x 4    | u8 x 4    |   one of each for each data thread
 *   | heartbeats | active    |
 *   +------------+-----------+
 *
 * A data thread says that it is there and counts its heartbeat about once a
 * second; the supervisor kills weir-dp when it stands still for a minute.
 * NeuVector's supervisor makes /dp_mnt.shm; where there is none there is
 * nobody to tell.
 */
#pragma once

#include "base/err.h"

/* Made by NeuVector's supervisor. */
#define HEARTBEAT_NAME "/dp_mnt.shm"

struct heartbeat;

/*
 * Opens and maps it, before privileges are dropped. 0 and *ret (NULL when there
 * is no such object), or -errno with *reterr: it is too small, no access.
 */
int heartbeat_open(const char *name, struct heartbeat **ret,
		   struct err *reterr);
/*
 * All data threads are there; then about once a second. They are told as one:
 * the first, for there may be more than four. One worker's thread.
 */
void heartbeat_beat(struct heartbeat *h);
