/*
 * TCP between two network namespaces: can a connection be made, and how fast
 * is one stream?
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "net/netns.h"

#define CONGCTL_MAX 16 /* TCP_CA_NAME_MAX */

struct stream_spec {
	const struct netns *from, *to; /* borrowed */
	struct ip_addr addr;	       /* of `to` */
	uint16_t port;
	unsigned connect_ms; /* how long to try */
	unsigned run_ms;     /* how long to send */
	const char *congctl; /* NULL: the kernel's default */
};

struct stream_result {
	uint64_t bytes, us; /* as the receiver saw it */
	char congctl[CONGCTL_MAX];
};

/*
 * Connects and hangs up. 0, or -ECONNREFUSED, -ETIMEDOUT (nothing came back
 * within connect_ms), -EINTR when stopped.
 */
int stream_try(const struct stream_spec *spec, struct err *reterr);

/*
 * One child of ours sends for run_ms, another receives. As stream_try, and
 * -ENOENT when the kernel does not have (or not allow) that congestion
 * control.
 */
int stream_run(const struct stream_spec *spec, struct stream_result *ret,
	       struct err *reterr);
