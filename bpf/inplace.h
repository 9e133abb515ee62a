/*
 * The contract between bpf/inplace.bpf.c and user space (src/net/inplace.c):
 * maps, their keys and values, and the counters.
 *
 *   inplace_eps    ifindex of the host-side device -> struct inplace_endpoint
 *   inplace_marks  low 16 bits of a mark           -> that ifindex
 *   inplace_count  ifindex (0 = nobody's)          -> struct inplace_counts,
 *                                                     per CPU
 *   inplace_beat   0 -> when the data plane was last seen alive, ns on
 *                  CLOCK_MONOTONIC; it writes it itself (mmap)
 *
 * All are pinned, and so are the programs' attachments: what the kernel does
 * needs no process. Another layout of any of this gets another INPLACE_LAYOUT.
 */
#pragma once

#include <linux/types.h>

#define INPLACE_LAYOUT "inplace1"
/* Where the pins of a network namespace are; printf with its inode. */
#define INPLACE_PINS "/sys/fs/bpf/weir/" INPLACE_LAYOUT "-%" PRIu64
/* Workloads of one network namespace; one more is refused: ENOSPC. */
#define INPLACE_ENDPOINTS_MAX 4096
/*
 * The bit of skb->mark by which a frame that the data plane let go passes the
 * hook a second time. It is cleared there. A frame that comes from another
 * namespace, or a VM, has no mark, and on the host only CAP_NET_ADMIN sets one.
 * The bit is none of those that kube-proxy (0xc000), Cilium (all but 0xf000),
 * Calico (0xffff0000) or Istio (0x0539) use.
 */
#define INPLACE_SKB_BIT 0x00002000u
/* A data plane not seen for so long is gone. It beats three times as often. */
#define INPLACE_STALE_NS 100000000ull

/*
 * What the data plane gets in tap mode is a copy, which it must not send on;
 * its mark says so. A flip of mode is then one map write, and the frames that
 * are under way know what they are.
 */
#define INPLACE_MARK	  0x56 /* 4e:65:75:56:HH:LL, ff:ff:ff:00:HH:LL */
#define INPLACE_COPY_MARK 0x57 /* 4e:65:75:57:HH:LL, ff:ff:ff:01:HH:LL */

enum inplace_mode {
	INPLACE_PASS,	    /* not looked at */
	INPLACE_TAP,	    /* goes on; the data plane gets a copy */
	INPLACE_INLINE,	    /* the data plane decides */
	INPLACE_QUARANTINE, /* nothing passes but ARP */
	INPLACE_HOLD,	    /* has no policy yet: as quarantine, told apart */
	INPLACE_MODE__MAX,
};

/* When the data plane is gone, mode inline is: */
enum inplace_failure {
	INPLACE_CLOSED, /* drop */
	INPLACE_OPEN,	/* pass */
	INPLACE_FAILURE__MAX,
};

struct inplace_endpoint {
	__u8 mac[6];  /* the workload's own */
	__u8 mark[6]; /* ucmac */
	__u32 vbr;    /* ifindex */
	__u8 mode;    /* enum inplace_mode */
	__u8 failure; /* enum inplace_failure */
	__u8 only_ip; /* what is not IP is dropped; else it passes */
	__u8 qdisc;   /* its clsact qdisc was made for us */
};

enum inplace_way { INPLACE_IN /* to the workload */, INPLACE_OUT };

#define INPLACE_COUNTERS(X)                                                  \
	X(TO_DP, "to_dp")	/* marked, to the data plane */              \
	X(FROM_DP, "from_dp")	/* came back, mark taken off */              \
	X(COPY, "copied")	/* tap: passed, and copied */                \
	X(PASS, "passed")	/* mode pass */                              \
	X(STRAIGHT, "straight") /* not IP, or to a group: never diverted */  \
	X(FAIL_OPEN, "failed_open")	     /* data plane gone: passed */   \
	X(FAIL_CLOSED, "drop_failed_closed") /* data plane gone */           \
	X(QUARANTINE, "drop_quarantine")                                     \
	X(HOLD, "drop_hold")                                                 \
	X(NOT_IP, "drop_not_ip")   /* where only IP may pass */              \
	X(SPOOF, "drop_spoof")	   /* wears a mark, or comes from a group */ \
	X(FOREIGN, "drop_foreign") /* IP of a MAC not the workload's */      \
	X(NO_MARK, "drop_no_mark") /* came to vbr with no known mark */      \
	X(TOO_SHORT, "drop_too_short") /* no whole Ethernet header */

enum inplace_counter {
#define X(name, text) INPLACE_COUNT_##name,
	INPLACE_COUNTERS(X)
#undef X
		INPLACE_COUNTER__MAX
};

struct inplace_counts {
	__u64 frames[2][INPLACE_COUNTER__MAX]; /* by enum inplace_way */
	__u64 bytes[2][INPLACE_COUNTER__MAX];
};
