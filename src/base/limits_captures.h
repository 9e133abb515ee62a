/*
 * Limits of captures that the agent makes (agent/captures.h), each with its reason
 * and what happens when it is met.
 */
#pragma once

/* That run at a time: a thread each. One more: EBUSY. */
#define CAPTURES_RUNNING_MAX 8
/* That are kept. One more: ENOSPC, delete some. */
#define CAPTURES_KEPT_MAX 100
/* How long one may run, and what it does if nothing is said. */
#define CAPTURE_SECONDS_MAX	3600
#define CAPTURE_SECONDS_DEFAULT 60
/* Bytes of one file: it ends there, "done". And of all, as said: ENOSPC. */
#define CAPTURE_BYTES_MIN     (64u << 10)
#define CAPTURE_BYTES_DEFAULT (64u << 20)
#define CAPTURE_BYTES_MAX     (1ull << 30)
#define CAPTURES_BYTES_MAX    (4ull << 30)
/* Of a filter, NUL included. Longer: EINVAL. */
#define CAPTURE_FILTER_MAX 1024
/* What is read at a time: 256 KiB as base64. */
#define CAPTURE_READ_MAX (192u << 10)
