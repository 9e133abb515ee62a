/*
 * The contract between the kernel programs (bpf/divert.bpf.c) and user space
 * (src/net/divert.c): maps, their keys and values, and the counters.
 *
 *   divert_eps      endpoint id                 -> struct divert_endpoint
 *   divert_ids      struct divert_id            -> endpoint id
 *   divert_count    endpoint id (0 = nobody's)  -> struct divert_counts, per CPU
 *
 * The endpoint id is the ifindex of its vex. One set of maps serves all
 * workloads of an agent namespace; it lives as long as a program that uses it
 * is attached. A process that comes later finds it by the program on vbr.
 * Sizes are checked then: another layout belongs to another version of Weir.
 */
#pragma once

#include <linux/types.h>

/* The first four bytes of every mark: "NeuV", the article's. */
#define DIVERT_MARK_PREFIX 0x4e657556u
/* Workloads of one agent namespace; one more is refused: ENOSPC. */
#define DIVERT_ENDPOINTS_MAX 4096

enum divert_mode {
	DIVERT_PASS,   /* straight through in the kernel, not looked at */
	DIVERT_INLINE, /* the data plane decides on every frame */
	DIVERT_MODE__MAX,
};

/* What else than its vex an endpoint is found by. */
enum divert_id_kind {
	DIVERT_ID_VIN,	/* ifindex of its vin */
	DIVERT_ID_MARK, /* low 16 bits of its mark */
};

struct divert_id {
	__u32 kind; /* enum divert_id_kind */
	__u32 value;
};

struct divert_endpoint {
	__u8 mac[6];	     /* the workload's own */
	__u8 mark[6];	     /* ucmac, what stands in its place on vbr/vth */
	__u32 vex, vin, vbr; /* ifindex */
	__u32 mode;	     /* enum divert_mode */
};

/*
 * One count for each end a frame can meet. "in": towards the workload, "out":
 * from it.
 */
#define DIVERT_COUNTERS(X)                                                     \
	X(TO_DP_IN, "to_dp_in")	      /* vex -> vbr, marked */                 \
	X(TO_DP_OUT, "to_dp_out")     /* vin -> vbr, marked */                 \
	X(FROM_DP_IN, "from_dp_in")   /* vbr -> vin, mark taken off */         \
	X(FROM_DP_OUT, "from_dp_out") /* vbr -> vex, mark taken off */         \
	X(PASS_IN, "pass_in")	      /* vex -> vin, mode pass */              \
	X(PASS_OUT, "pass_out")	      /* vin -> vex, mode pass */              \
	X(STRAIGHT_IN, "straight_in") /* vex -> vin, never diverted: ARP... */ \
	X(STRAIGHT_OUT, "straight_out") /* vin -> vex, the same */             \
	X(SPOOF_IN, "drop_spoof_in")	/* came to vex with a mark or group */ \
	X(SPOOF_OUT, "drop_spoof_out")	/* came to vin likewise */             \
	X(FOREIGN_IN, "drop_foreign_in") /* IP to a MAC not the workload's */  \
	X(FOREIGN_OUT,                                                         \
	  "drop_foreign_out")	   /* IP from a MAC not the workload's */      \
	X(NO_MARK, "drop_no_mark") /* came to vbr with no known mark */        \
	X(NO_ENDPOINT, "drop_no_endpoint") /* no endpoint in the maps */       \
	X(TOO_SHORT, "drop_too_short")	   /* no whole Ethernet header */

enum divert_counter {
#define X(name, text) DIVERT_COUNT_##name,
	DIVERT_COUNTERS(X)
#undef X
		DIVERT_COUNTER__MAX
};

struct divert_counts {
	__u64 frames[DIVERT_COUNTER__MAX];
	__u64 bytes[DIVERT_COUNTER__MAX];
};
