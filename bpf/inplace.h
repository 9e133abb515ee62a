/*
 * The contract between bpf/inplace.bpf.c and user space (src/net/inplace.c):
 * maps, their keys and values, and the counters.
 *
 *   inplace_eps    ifindex of the host-side device -> struct inplace_endpoint
 *   inplace_marks  low 16 bits of a mark           -> that ifindex
 *   inplace_count  ifindex (0 = nobody's)          -> struct inplace_counts,
 *                                                     per CPU
 *   inplace_allow  struct inplace_allow_key, longest prefix -> nothing: peers
 *                  that a workload may talk to in quarantine and on hold
 *   inplace_dp     0 -> struct inplace_dp: is the data plane alive, and which
 *                  of its verdicts hold; it writes it itself (mmap)
 *   inplace_flows  struct inplace_flow_key -> struct inplace_flow: what the data
 *                  plane has decided about a flow for good (verdict cache)
 *   inplace_seen   inplace_flow.slot -> struct inplace_seen: what passed, or was
 *                  dropped, by that; the data plane reads it (mmap)
 *
 * All are pinned, and so are the programs' attachments: what the kernel does
 * needs no process. Another layout of any of this gets another INPLACE_LAYOUT.
 */
#pragma once

#include <linux/types.h>

#define INPLACE_LAYOUT "inplace5"
/* Where the pins of a network namespace are; printf with own_netns_id(). */
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

struct inplace_dp {
	__u64 beat_ns;	  /* CLOCK_MONOTONIC, ns; 0: nobody is there */
	__u64 generation; /* of the policy, never used twice; 0: none */
};

/* Flows in the cache; the data plane asks for no more. */
#define INPLACE_FLOWS_MAX 65536

/*
 * From the workload's point of view, so both directions have one key. Only what
 * is whole, has no VLAN tag in the frame (one beside it, as the kernel keeps the
 * first, is fine), and is TCP or UDP behind a plain IP header has one.
 */
struct inplace_flow_key {
	__u8 own[16], peer[16]; /* IPv4 as ::ffff:a.b.c.d */
	__be16 own_port, peer_port;
	__u16 mark; /* low 16 bits of the workload's, host order */
	__u16 vlan; /* VID of its tag; 0: none, or a priority alone */
	__u8 proto;
	__u8 zero[3];
};

enum inplace_verdict {
	INPLACE_VERDICT_PASS, /* but TCP with SYN, FIN or RST comes up */
	INPLACE_VERDICT_DROP,
};

struct inplace_flow {
	__u64 generation; /* another than inplace_dp's: as if not there */
	__u32 slot;	  /* 0..INPLACE_FLOWS_MAX - 1 */
	__u32 verdict;	  /* enum inplace_verdict */
};

/* One direction; a cache line each, as two CPUs may count at a time. */
struct inplace_seen_way {
	__u64 frames, bytes; /* whole frames, as long as they are here (GSO) */
	__u64 payload;	     /* bytes behind the TCP or UDP header */
	__u64 last_ns;	     /* CLOCK_MONOTONIC, up to a tick old */
	__u32 seq;	     /* TCP: the highest behind a segment */
	__u32 ack;	     /* TCP: of the last segment */
	__u32 window;	     /* TCP: likewise, as it stands there */
	__u32 zero[5];
};

struct inplace_seen {
	struct inplace_seen_way way[2]; /* by enum inplace_way */
};

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
	INPLACE_QUARANTINE, /* nothing passes but with allowed peers, ARP, ND */
	INPLACE_HOLD,	    /* has no policy yet: likewise, or all passes */
	INPLACE_MODE__MAX,
};

/* When the data plane is gone, mode inline is: */
enum inplace_failure {
	INPLACE_CLOSED, /* drop */
	INPLACE_OPEN,	/* pass */
	INPLACE_FAILURE__MAX,
};

/* In mode hold: */
enum inplace_hold {
	INPLACE_HOLD_DROP,
	INPLACE_HOLD_PASS,
	INPLACE_HOLD__MAX,
};

struct inplace_endpoint {
	__u8 mac[6];  /* the workload's own */
	__u8 mark[6]; /* ucmac */
	__u32 vth;    /* ifindex */
	__u8 mode;    /* enum inplace_mode */
	__u8 failure; /* enum inplace_failure */
	__u8 only_ip; /* what is not IP is dropped; else it passes */
	__u8 qdisc;   /* its clsact qdisc was made for us */
	__u8 hold;    /* enum inplace_hold */
	__u8 zero[3];
};

/* Peers allowed in quarantine: of one workload, and of all. */
#define INPLACE_ALLOW_EACH_MAX 64
#define INPLACE_ALLOW_MAX      (INPLACE_ENDPOINTS_MAX * INPLACE_ALLOW_EACH_MAX)
/* What stands before the address is always whole. */
#define INPLACE_ALLOW_PREFIX 64

/* As the kernel's longest-prefix map wants it (struct bpf_lpm_trie_key). */
struct inplace_allow_key {
	__u32 prefix_bits; /* INPLACE_ALLOW_PREFIX + 0..128 */
	__u32 port;	   /* ifindex */
	__u32 family;	   /* 4 or 6: ::/0 is not IPv4 */
	__u8 peer[16];	   /* IPv4 as ::ffff:a.b.c.d */
};

enum inplace_way { INPLACE_IN /* to the workload */, INPLACE_OUT };

#define INPLACE_COUNTERS(X)                                                  \
	X(TO_DP, "to_dp")	    /* marked, to the data plane */          \
	X(FROM_DP, "from_dp")	    /* came back, mark taken off */          \
	X(COPY, "copied")	    /* tap: passed, and copied */            \
	X(CACHED, "cached")	    /* passed by a verdict in the cache */   \
	X(PASS, "passed")	    /* mode pass */                          \
	X(HELD_PASS, "held_passed") /* mode hold, where that passes */       \
	X(ALLOWED, "allowed")	    /* quarantine, hold: an allowed peer */  \
	X(STRAIGHT, "straight") /* not IP, or to a group: never diverted */  \
	X(FAIL_OPEN, "failed_open")	     /* data plane gone: passed */   \
	X(FAIL_CLOSED, "drop_failed_closed") /* data plane gone */           \
	X(CACHED_DROP, "drop_cached")	     /* by a verdict in the cache */ \
	X(QUARANTINE, "drop_quarantine")                                     \
	X(HOLD, "drop_hold")                                                 \
	X(NOT_IP, "drop_not_ip")   /* where only IP may pass */              \
	X(SPOOF, "drop_spoof")	   /* wears a mark, or comes from a group */ \
	X(FOREIGN, "drop_foreign") /* IP of a MAC not the workload's */      \
	X(NO_MARK, "drop_no_mark") /* sent on vth with no known mark */      \
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
