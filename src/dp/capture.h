/*
 * Captures (weir_capture): each has a ring (wire/capture.h) into which the worker
 * copies the frames of one workload, as long as the client is there that asked
 * for it. While it runs no flow of that workload is left to the kernel.
 *
 * A ring has one writer: the worker whose workload it is. It is given to another
 * only when the one before has given it back. Control thread only.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "dp/workers.h"
#include "policy/snapshot.h"
#include "wire/capture.h"
#include "wire/ctrl.h"

struct control;

struct live_capture {
	struct capture_writer *ring; /* NULL: this place is free */
	int client;		     /* the connection it ends with */
	uint16_t workload;	     /* index; ENDPOINT_NONE: gone */
	struct mac mac;
	unsigned worker; /* whose the ring is now */
};

struct captures {
	struct live_capture at[CAPTURES_MAX];
};

/*
 * For ctl->client, until it is gone. -ENOENT: no such workload; -ENOSPC; -EINVAL
 * where there is no client (--load). *ret_fd is the ring's, borrowed.
 */
int captures_begin(struct control *ctl, const struct capture_spec *spec,
		   int *ret_fd, struct err *reterr);
/* The client is gone; its captures end. */
void captures_end(struct control *ctl, int client);
/* The workload is. Its captures say so, and last as long as their clients. */
void captures_forget(struct control *ctl, uint16_t workload);
/* That snapshot is in force: rings follow workloads to other workers. */
void captures_follow(struct control *ctl, const struct snapshot *s);
