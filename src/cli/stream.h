/*
 * TCP between two network namespaces: can a connection be made, how fast is one
 * stream, and does it live on?
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
	uint64_t sent;	    /* bytes; equal to `bytes` if none was lost */
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

/*
 * A stream that runs until it is stopped (run_ms does not count), while the
 * caller does other things. Errors as stream_run.
 */
struct stream;
int stream_start(const struct stream_spec *spec, struct stream **ret,
		 struct err *reterr);
/* Bytes that the receiver has had so far. */
uint64_t stream_received(const struct stream *s);
/*
 * Waits until `bytes` more have come, at most `ms`. 1: they have; 0: not;
 * -EINTR when stopped.
 */
int stream_await(const struct stream *s, uint64_t bytes, unsigned ms);
/* Lets it end in order. -ECONNRESET: it broke. Free it in any case. */
int stream_stop(struct stream *s, struct stream_result *ret,
		struct err *reterr);
/* Ends it as it is; accepts NULL. */
void stream_free(struct stream *s);
