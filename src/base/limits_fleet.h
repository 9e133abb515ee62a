/*
 * A part of base/limits.h, which has no room left: of the fleet, many machines that
 * share a policy.
 */
#pragma once

/*
 * Bytes of a name of a fleet, a server or a node, NUL included: it is a word of
 * subjects and a label of a DNS name, which has 63. Longer: refused.
 */
#define FLEET_NAME_MAX 64
/* Servers that are named in cluster.servers. */
#define FLEET_SERVERS_MAX 16
/*
 * Versions of the policy that its bucket keeps: JetStream's most. A whole one comes
 * after FLEET_WHOLE_EVERY at the latest, so that who has none finds one among those,
 * and what it follows, too.
 */
#define FLEET_HISTORY	  64
#define FLEET_WHOLE_EVERY 20
/* Bytes of one message, as it is sent; the servers' max_payload. Met: E2BIG. */
#define FLEET_MESSAGE_MAX (8 << 20)
/* ... and of what is packed in it: a document of the store. Met: E2BIG. */
#define FLEET_UNPACKED_MAX (64 << 20)
/* News that wait for the agent. Met: the library's threads wait, and servers. */
#define FLEET_NEWS_MAX 4096
/*
 * Changes of a bucket that are kept before what they follow has come, and their bytes.
 * Met: the next is not kept, and asked for like what is missing.
 */
#define FLEET_AHEAD_MAX	      1024
#define FLEET_AHEAD_BYTES_MAX (16 << 20)
/* Orders that wait for the connection. Met: -EAGAIN. */
#define FLEET_ORDERS_MAX 1024
/* Changes and questions whose answer somebody waits for. Met: refused, EAGAIN. */
#define FLEET_WAITING_MAX 1024
/* Nodes of a fleet. Met: the next is not taken, and counted. */
#define FLEET_NODES_MAX 4096
/* Workloads of other nodes. Met: the next is not taken, and counted. */
#define FLEET_WORKLOADS_MAX 200000
/* Events, or flows, in one message to their stream. */
#define FLEET_BATCH_MAX 500
/*
 * What a node tells of what it learned: proposals, and bytes, as they are sent (the
 * bucket's most) and unpacked. What is more is not told, but how many.
 */
#define LEARNED_TOLD_MAX     2000
#define LEARNED_MESSAGE_MAX  (1 << 20)
#define LEARNED_UNPACKED_MAX (4 << 20)
/*
 * What an editor keeps of all nodes: their proposals, 200 bytes each, and different
 * ones that are shown. Met: the next is left out, and counted. Nodes:
 * FLEET_NODES_MAX.
 */
#define LEARNED_KEPT_MAX  200000
#define LEARNED_SHOWN_MAX 20000
/* Nodes that a proposal names; the rest is counted. */
#define LEARNED_NODES_MAX 16
/* Ranges of ports of one proposal, of different nodes; more: one over all. */
#define LEARNED_RANGES_MAX 8
/* Lists that are read of the bucket before they are merged: 16 MiB at the most. */
#define LEARNED_AT_ONCE 16
/* Who waits for what all have learned. One more: EAGAIN. */
#define LEARNED_ASKS_MAX 64
/*
 * What was turned down, or is not any more, by key. Met: what was taken back first
 * is forgotten; then nothing is turned down any more, ENOSPC.
 */
#define LEARNED_REJECTED_MAX 20000
/* Questions of other nodes that are answered at a time. Met: refused, EAGAIN. */
#define FLEET_ASKED_MAX 64
/* Bytes of a question. Met: refused, E2BIG. */
#define FLEET_QUESTION_MAX 65536
/*
 * Bytes of a batch of events or flows, unpacked. The sender's is split; who reads
 * passes over one that is longer, counted.
 */
#define FLEET_BATCH_BYTES_MAX (8 << 20)
/*
 * What one question about what all nodes recorded has read of a stream at most:
 * messages, and bytes, unpacked. Met: its answer ends there, says so ("cut"), and how
 * it goes on.
 */
#define FLEET_READ_MESSAGES_MAX 2000
#define FLEET_READ_BYTES_MAX	(32 << 20)
/* ... and as many at a time. Met: refused, EAGAIN. */
#define FLEET_READS_MAX 8
/* Bytes of a certificate's file that is looked into. Larger: E2BIG. */
#define FLEET_CERT_MAX (256u << 10)
/* Days before a certificate's end from which on it is told. */
#define FLEET_CERT_SOON_DAYS 30
