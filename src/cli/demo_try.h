/*
 * What the demo's steps do over and over: ping, connect, stream - told and
 * checked against what is expected.
 */
#pragma once

#include <stdint.h>

#include "cli/demo.h"

#define DEMO_PORT	 5201 /* of the streams; allowed by policy */
#define DEMO_PORT_DENIED 8080

enum demo_expect {
	EXPECT_ANSWER,
	EXPECT_SILENCE,
	EXPECT_REJECTION,
};

/*
 * Pings the container from the host, each address family three times, and
 * checks that all echoes fared as expected. -errno only when that could not
 * be tried (or -EINTR).
 */
int demo_ping(struct demo *d, enum demo_expect want, struct err *reterr);
/* The same for a TCP connection to a port of the container. */
int demo_connect(struct demo *d, uint16_t port, enum demo_expect want,
		 struct err *reterr);

/*
 * One stream for each congestion control, into ret[]. A kernel without cubic,
 * or with cubic as the default, leaves that one untouched.
 */
int demo_streams(struct demo *d, struct stream_result ret[DEMO_CC__MAX],
		 struct err *reterr);
/* Starts d->stream, to the port that policy allows. */
int demo_stream_start(struct demo *d, struct err *reterr);
/* Bits a second; 0 when it was not measured. */
double demo_rate(const struct stream_result *r);
