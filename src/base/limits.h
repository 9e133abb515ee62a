/*
 * Every constant limit: its reason, and what happens when it is met.
 * `weir dp stats` shows use against limit for those that fill at run time.
 */
#pragma once

/* --- text ------------------------------------------------------------- */

/* Path of a field in a message, "ctrl_cfg_policy.rules[123].port". Cut. */
#define ERR_AT_MAX 160
/* One line a person reads. Cut. */
#define ERR_TEXT_MAX 240

/* --- frames ----------------------------------------------------------- */

/*
 * Largest frame carried whole: a 64 KiB IP packet (16-bit length field) and
 * Ethernet with two tags, rounded up. A longer one (BIG TCP, which a user
 * must switch on by gso_max_size) is dropped: frame_too_long.
 */
#define FRAME_MAX (65536 + 128)
/* Room before a frame to put a VLAN tag back that the kernel stripped. */
#define FRAME_HEADROOM 64
/*
 * Frames fetched by one recvmmsg. Larger saves system calls on small frames;
 * smaller keeps 64 KiB frames in the L2 cache. See bench/README.md.
 */
#define RING_BATCH 64
/*
 * A worker whose ring is empty asks again for so long before it sleeps: about
 * twice what it costs to be woken (25 us here). See dp/worker.c, bench/README.
 */
#define BUSY_POLL_US 50
/* ... after a batch of at most so many: who waits for answers sends few. */
#define BUSY_POLL_BATCH 2
/*
 * Bursts wait in a packet socket while a batch is worked on; as the kernel
 * accounts. Full: it drops, counted (receive_lost).
 */
#define SOCKET_BUFFER_BYTES (64 << 20)
/* Frames one received frame can cause besides itself (RST to both ends). */
#define VERDICT_SEND_MAX 2
/* A RST or ICMP error of ours: Ethernet + tags + IPv6 + ICMPv6 + quote. */
#define INJECT_FRAME_MAX 256
/* VLAN tags seen through (802.1ad outer + 802.1Q inner). More: malformed. */
#define VLAN_TAGS_MAX 2
/*
 * IPv6 extension headers followed, RFC 8200 4.1 lists 7 kinds, one may come
 * twice. More: malformed (evasion, RFC 7045).
 */
#define IPV6_EXT_MAX 8

/* --- data plane tables ------------------------------------------------ */

/* Workloads of one data plane. One more is refused: ENOSPC. */
#define ENDPOINTS_MAX 4096
/*
 * Flows of one worker, by default (weir-dp --flows). Memory is touched only
 * when used. Full: the new flow is judged without state and counted
 * (flow_table_full); it is never let through unjudged.
 */
#define FLOWS_DEFAULT (1u << 17)
#define FLOWS_MIN     64
#define FLOWS_MAX     (1u << 24)
/*
 * Places of the flow table looked at by one sweep between two batches: about
 * 1 MB is read, and at worst all of them are ended (0.3 ms here).
 */
#define FLOWS_PER_SWEEP 4096
/* Flows ended for their age between two batches; keeps the pause short. */
#define EXPIRE_PER_BATCH 64
/* Fragmented datagrams remembered at a time; the oldest gives way, counted. */
#define FRAG_TRACKS_MAX 1024
/* Pairs in "unknown address" grace; the oldest gives way, counted. */
#define GRACE_PAIRS_MAX 4096
/* Distinct recent blocks kept for `weir dp blocks`; the oldest gives way. */
#define BLOCKS_MAX 256

/* --- policy ----------------------------------------------------------- */

/* Rules of one endpoint's policy: memory. One more is refused: E2BIG. */
#define POLICY_RULES_MAX 65536
/* Application sub-rules of one rule. One more is refused: E2BIG. */
#define RULE_APPS_MAX 64
/* Internal subnets, special addresses. One more is refused: E2BIG. */
#define SUBNETS_MAX 4096
/* Addresses of ctrl_cfg_policy_addr. One more is refused: E2BIG. */
#define POLICY_ADDRS_MAX 65536
/* MACs named in one message. One more is refused: E2BIG. */
#define MSG_MACS_MAX ENDPOINTS_MAX
/* Listening ports of one endpoint given by ctrl_cfg_mac. */
#define ENDPOINT_APPS_MAX 1024

/* --- control doors ---------------------------------------------------- */

/* The reference reads this much of a datagram; longer: refused, counted. */
#define COMPAT_MSG_MAX 8191
/* A datagram of ours on the compatible door never exceeds the agent's buffer. */
#define COMPAT_REPLY_MAX 8192
/* One request or answer on the own door; larger bodies come as a memfd. */
#define OWN_MSG_MAX 65536
/* A body in a sealed memfd; larger: E2BIG. */
#define OWN_MEMFD_MAX (64u << 20)
/* Clients connected to the own door at a time; one more is closed at once. */
#define OWN_CLIENTS_MAX 64

/* Messages of one door handled before the others get their turn. */
#define MESSAGES_PER_TURN 64
/*
 * A client of the compatible door that does not read gets so long for a whole
 * answer, tried each step; the rest of it is dropped.
 */
#define REPLY_WAIT_MS 500
#define REPLY_STEP_MS 2

/* Sessions in one compatible SESSION_LIST datagram (reference 1.9). */
#define SESSIONS_PER_MSG 58
/* Flow records copied by a worker between two batches, bounds its pause. */
#define FLOWS_PER_QUESTION 256

/* --- logging ---------------------------------------------------------- */

/* Lines that outside input can trigger: so many per second, rest counted. */
#define LOG_INPUT_PER_SEC 5

/* --- capture replay --------------------------------------------------- */

/* Files of `weir-dp -p DIR`, all opened before privileges are dropped. */
#define CAPTURE_FILES_MAX 1024

/* --- diversion -------------------------------------------------------- */

/* Steps of one undo stack: a handful is used. More is a bug: crash. */
#define UNDO_STEPS_MAX 64
/* Requests sent by one sendmsg: ~4,000 routes. More: E2BIG, nothing done. */
#define NL_BATCH_BYTES_MAX (1u << 20)
/* One rtnetlink request of ours; the longest is a u32 filter. BUG if met. */
#define NL_REQUEST_MAX 4096
/* An answer that takes longer is not coming: EAGAIN. */
#define NL_ANSWER_WAIT_S 30
/* A list that changed while it was read is read again so often; then EAGAIN. */
#define NL_DUMP_TRIES 8
/* Devices listed of one namespace; a host has two a workload. More: E2BIG. */
#define LINKS_MAX 65536
/* Per-device sysctls kept that differ from the default: ~100 exist. E2BIG. */
#define IFCONF_SYSCTLS_MAX 256

/* A new port's queue usually runs at once; else it is tried so often. */
#define RUNNING_TRIES	200
#define RUNNING_STEP_MS 1
/* A saved port read back: a batch of each sort. Larger: not ours, EBADMSG. */
#define JOURNAL_BYTES_MAX (8u << 20)

/* --- command line ----------------------------------------------------- */

/* Silence of a data plane before `weir` gives up on its answer: ETIMEDOUT. */
#define DP_ANSWER_WAIT_S 10
/* A data plane that `weir demo` starts or stops gets so long. */
#define DEMO_DP_START_WAIT_MS 5000
#define DEMO_DP_STOP_WAIT_MS  3000
/* Over the time of a stream, for a slow start and the last bytes. */
#define DEMO_STREAM_SLACK_MS 5000
/* A namespace's name is taken: name2 ... name99 are tried, then EEXIST. */
#define DEMO_NAME_TRIES 99
