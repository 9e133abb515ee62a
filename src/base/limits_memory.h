/*
 * A part of base/limits.h, which has no room left: what weir-dp leaves free of the
 * memory its cgroup may have (inspect/pools.h).
 */
#pragma once

/*
 * Of the limit, the quarter that tables never get: policies, rules and their
 * compiled form, answers, the kernel's buffers for what waits in sockets, and
 * who else is in the cgroup (weir-agent starts weir-dp in its own).
 */
#define MEMORY_OTHERS_SHARE 4
/* Of that quarter, what weir-dp itself may grow by; in quarters of it. */
#define MEMORY_GROWTH_QUARTERS 3
/* Both processes as they start, without tables. */
#define MEMORY_PROCESS_BYTES (48u << 20)
/*
 * Tables of one worker that are not reduced, full: fragments (12 MiB), reports,
 * learned names, meters, threats and findings, the trail, a port's batch of frames.
 */
#define MEMORY_WORKER_BYTES (40u << 20)
/* What nDPI knows, before it is asked anything. */
#define MEMORY_NDPI_BYTES (15u << 20)

/*
 * To what each pool of one worker is reduced at most; where that is too much yet,
 * it is told and used all the same. Enough for a few hundred connections that
 * are looked into at a time, and for some thousand that are only judged.
 */
#define POOL_HTTP2_MIN	    64
#define POOL_BODIES_MIN	    16
#define POOL_SIGNATURES_MIN 1024
#define POOL_SENSORS_MIN    1024
#define POOL_STREAMS_MIN    1024
#define POOL_FLOWS_MIN	    4096
