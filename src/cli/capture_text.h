/* A captured frame as a line for people, in the manner of tcpdump. */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "wire/capture.h"

/* The longest: two IPv6 addresses and ports, names, numbers. Cut. */
#define CAPTURE_LINE_MAX 320

/*
 * "12:34:56.789012 out forward 10.0.0.5:4000 > 10.0.0.9:443 tcp [S], 74 bytes
 * (policy_allow, rule 7, flow 12)", local time, without a newline. Returns buf.
 */
const char *capture_line(char buf[static CAPTURE_LINE_MAX],
			 const struct capture_frame *f, struct bytes frame,
			 uint64_t at_unix_us);
