/*
 * Every constant limit: its reason, and what happens when it is met.
 * `weir dp stats` shows use against limit for those that fill at run time.
 */
#pragma once

#include "base/limits_http.h"
#include "base/limits_look.h"
#include "base/limits_proto.h"

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
 * accounts (buffer_bytes). Full: it drops, counted (receive_lost).
 */
#define SOCKET_BUFFER_BYTES (64 << 20)
/*
 * Ports of one worker: service, sides of pairs, taps, queues. One more is
 * refused: ENOSPC. Each has room for RING_BATCH frames, touched when used.
 */
#define WORKER_PORTS_MAX 1024
/* Ports served in one turn; the others get theirs in the next. */
#define WORKER_READY_MAX 64
/*
 * Packets that wait in an NFQUEUE for their verdict. More: dropped there,
 * counted by the kernel (dropped_full of the port).
 */
#define NFQ_WAITING_MAX 8192
/* Frames one received frame can cause besides itself (RST to both ends). */
#define VERDICT_SEND_MAX 2
/*
 * Such frames a second, of one worker and because of one workload's traffic,
 * and at once after a pause (RFC 4443 2.4 f, RFC 1812 4.3.2.8): a sender under
 * another's address must not have us flood that; 1,000 of 60 bytes are half a
 * Mbit/s, and more than people and programs that retry ask for. A policy that
 * ends many sessions at once has two for each. Over it: the denial is silent,
 * counted (replies_limited).
 */
#define REPLIES_PER_SEC	      10000
#define REPLIES_BURST	      4000
#define REPLIES_PER_SEC_SHARE 1000
#define REPLIES_BURST_SHARE   1000
/* A RST or ICMP error of ours: Ethernet + tags + IPv6 + ICMPv6 + quote. */
#define INJECT_FRAME_MAX 256
/* Of that, text behind Ethernet, two tags, IPv6 and TCP. */
#define INJECT_TEXT_MAX (INJECT_FRAME_MAX - 14 - 8 - 40 - 20)
/* VLAN tags seen through (802.1ad outer + 802.1Q inner). More: malformed. */
#define VLAN_TAGS_MAX 2
/*
 * IPv6 extension headers followed, RFC 8200 4.1 lists 7 kinds, one may come
 * twice. More: malformed (evasion, RFC 7045).
 */
#define IPV6_EXT_MAX 8
/*
 * Chunks walked in one SCTP packet: 9,000 bytes of the smallest data chunks
 * are 450. More: malformed, since no sender packs so and each costs time.
 */
#define SCTP_CHUNKS_MAX 512
/*
 * Tunnels in tunnels looked into: an overlay of the host, one of the workload's
 * own, and one more for a mesh or a VPN. Deeper: tunnel_depth.
 */
#define TUNNEL_DEPTH_MAX 3
/* UDP ports of one kind of tunnel that are looked into; more: refused. */
#define TUNNEL_PORTS_MAX 8

/* --- data plane tables ------------------------------------------------ */

/*
 * Where nothing else is said a limit is each worker's, and `weir dp stats` shows
 * the sum: memory grows with -n, as far as it is touched.
 */

/*
 * Workers of one data plane (-n): each is a thread that wants a processor, and
 * a set of tables. More: a usage error. A cursor over all (dp/ask.c) has four
 * bits for the worker.
 */
#define WORKERS_MAX 16

/* Workloads of one data plane. One more is refused: ENOSPC. */
#define ENDPOINTS_MAX 4096
/*
 * Flows of all workers, by default (weir-dp --flows); each may have an equal
 * part. Memory is touched only when used. Full: the new flow is judged without state and counted
 * (stateless), or dropped (flow_table_full), as weir_settings says; it is never
 * let through unjudged.
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
/*
 * An established TCP session whose client has said nothing for so long is
 * looked at (threat 2005, the reference's 30 s).
 */
#define FLOW_SILENT_S 30
/*
 * So many of them between two batches; keeps the pause short. Each may cause
 * two frames of INJECT_FRAME_MAX bytes, which have their places.
 */
#define SILENT_PER_BATCH 32
/* What else ages (fragments, meters, threats) is looked at so often. */
#define AGE_EVERY_US 10000
/*
 * Fragments are held until their datagram is whole (packet/defrag.h), so long
 * at most (reference 3.4); then all are dropped: frag_incomplete.
 */
#define DEFRAG_LIFE_S 10
/*
 * Datagrams that wait at a time. Those that lack nothing are whole within
 * milliseconds. Full: the oldest gives way, dropped: frag_evicted.
 */
#define DEFRAG_DATAGRAMS_MAX 2048
/* Holds a frame of a 1,500-byte port with two tags; a larger one takes more. */
#define DEFRAG_BLOCK_BYTES 1536
/* 12 MiB of frames that wait, touched when used. Full: as for datagrams. */
#define DEFRAG_BLOCKS_MAX 8192
/*
 * One source's share, a sixteenth, so that one sender cannot push out the
 * others'. Full: the oldest of that source gives way, dropped: frag_evicted.
 */
#define DEFRAG_SOURCE_DATAGRAMS_MAX (DEFRAG_DATAGRAMS_MAX / 16)
#define DEFRAG_SOURCE_BLOCKS_MAX    (DEFRAG_BLOCKS_MAX / 16)
/*
 * Fragments of one datagram: 64 KiB cut for an MTU of 576 are 119. One more
 * kills the datagram: frag_limit.
 */
#define DEFRAG_FRAGMENTS_MAX 128
/*
 * Frames held of one datagram, all bytes: its 64 KiB, and the headers of all
 * fragments at 512 bytes. More kills the datagram: frag_limit.
 */
#define DEFRAG_FRAMES_BYTES (128 << 10)
/* Pairs in "unknown address" grace; the oldest gives way, counted. */
#define GRACE_PAIRS_MAX 4096
/* Distinct recent blocks kept for `weir dp blocks`; the oldest gives way. */
#define BLOCKS_MAX 256
/*
 * Sources watched by one kind of meter, 1.5 MB: a flood from more gives each
 * of them a full allowance anyway. Full: the one quiet longest is forgotten,
 * counted.
 */
#define METER_SOURCES_MAX 8192
/* Idle meters of a kind forgotten between two batches; bounds the pause. */
#define METERS_PER_AGE 64
/*
 * Threats (id, workload, flags) whose repeats are counted, 2.2 KB each. Full:
 * the one not repeated longest is logged and gives way.
 */
#define THREAT_SLOTS_MAX 1024
/* Threat records that wait for the control thread. Full: see detect/threat.h */
#define THREAT_RECORDS_MAX 128
/*
 * Connection records between two drains (5 s), 3 MB. Full: a worthier one
 * pushes out a plain one, else the new one is lost; all counted.
 */
#define REPORTS_MAX 16384

/* --- TCP reassembly ---------------------------------------------------- */

/*
 * Streams of one worker, by default: only flows that are being looked into
 * have one. One more: cause no_stream.
 */
#define STREAMS_DEFAULT (1u << 16)
#define STREAMS_MAX	FLOWS_MAX
/* One piece of kept bytes: a full-sized frame's payload, and little waste. */
#define STREAM_BLOCK_BYTES 2048
/*
 * Blocks of one worker: 64 MiB, touched only when used. Full: causes
 * no_block_held, no_block_unread. At least one GSO frame's worth.
 */
#define STREAM_BLOCKS_DEFAULT (1u << 15)
#define STREAM_BLOCKS_MIN     32
#define STREAM_BLOCKS_MAX     (1u << 20)
/*
 * One side holds out-of-order bytes, or unread ones, in at most 1/4 of the
 * blocks that are free, so a few hostile flows cannot take them all. Met:
 * no_block_held, no_block_unread.
 */
#define STREAM_FREE_SHARE 4
/*
 * Out-of-order bytes of one side: four GSO frames behind a lost one. Over it,
 * or in so many crumbs that their blocks are not half full: held_max.
 */
#define STREAM_HELD_DEFAULT (256u << 10)
#define STREAM_HELD_MIN	    STREAM_BLOCK_BYTES
#define STREAM_HELD_MAX	    (4u << 20)
/* In-order bytes a reader may leave unread, the reference's cap: unread_max. */
#define STREAM_UNREAD_DEFAULT (64u << 10)
#define STREAM_UNREAD_MAX     (1u << 20)
/*
 * Read bytes kept until they are acknowledged, to compare retransmissions
 * with: one GSO frame, while half of the blocks are free. Older ones are not
 * compared any more (unchecked_bytes).
 */
#define STREAM_UNACKED_DEFAULT (64u << 10)
#define STREAM_UNACKED_MAX     (1u << 20)
/* Payload of one segment: 16-bit datagram length. Longer: outside. */
#define STREAM_SEGMENT_MAX 65536u
/* As far from the next byte as a window can reach (RFC 7323 2.3): outside. */
#define STREAM_REACH (1u << 30)

/* --- names ------------------------------------------------------------ */

/* A name's text with its NUL, as FQDN_TEXT_MAX. Longer: not looked into. */
#define DNS_TEXT_MAX 256
/* A name's bytes in a message, RFC 1035 2.3.4. More: malformed. */
#define DNS_WIRE_NAME_MAX 255
/* Pointers followed in one name; packers need one or two. More: malformed. */
#define DNS_HOPS_MAX 16
/*
 * Records of one message, bounds the time a hostile one costs (0.2 ms here):
 * a 4 KiB answer holds some 250 addresses. More: not looked into.
 */
#define DNS_RECORDS_MAX 256
/*
 * DNS queries of one worker that wait for their answer, 1.3 MB, and one
 * workload's share. Full: the oldest gives way, counted; over its share: the
 * new one is not remembered, counted. Its answer then teaches nothing.
 */
#define LEARN_QUERIES_MAX   4096
#define LEARN_QUERIES_SHARE (LEARN_QUERIES_MAX / 8)
/* Stub resolvers ask again after 5 s and give up after 10. Then forgotten. */
#define LEARN_QUERY_LIFE_S 10
/*
 * Addresses of one worker that go by names, and one workload's share. Full:
 * the one learned longest ago (of that workload) gives way, counted.
 */
#define LEARN_ADDRS_MAX	  16384
#define LEARN_ADDRS_SHARE (LEARN_ADDRS_MAX / 8)
/*
 * An address keeps its name at least so long, since programs connect a while
 * after they asked; and at most so long, whatever the answer says.
 */
#define LEARN_TTL_FLOOR_S 30
#define LEARN_TTL_CAP_S	  86400
/*
 * External addresses with the name they were asked for, kept so long (kinds
 * 12, 13; 1.8). Full: the new one is not told, counted.
 */
#define LEARN_IP_NAMES_MAX 4096
#define LEARN_IP_NAME_S	   1800

/*
 * Addresses that names of the kind "*.suffix" have gained and that wait to be
 * told (kind 11, every 2 s), 96 KiB. Full: the new one is not told, counted.
 */
#define LEARN_NEWS_MAX 4096

/* --- policy ----------------------------------------------------------- */

/* Rules of one endpoint's policy: memory. One more is refused: E2BIG. */
#define POLICY_RULES_MAX 65536
/*
 * A policy's rules taken apart into ranges (a rule with lists is a range for
 * each combination): memory. One more is refused: E2BIG.
 */
#define MATCH_BOXES_MAX (1u << 18)
/*
 * Index of a policy's ranges: list places and links for each of them, about
 * 4 bytes each. Met: lists of candidates get longer, never wrong.
 */
#define MATCH_COPIES_MAX 24
/* Parts of one cut. A node never has more; deeper instead. */
#define MATCH_FANOUT_MAX 16384
/* So few candidates are compared one by one: a cut would cost as much. */
#define MATCH_LIST_GOAL 4
/*
 * Names that one peer address may go by at a time for one workload; the
 * oldest gives way, counted. Each costs a judgement one more look-up.
 */
#define NAMES_PER_ADDR_MAX 8
/*
 * Names of one address that rules and ctrl_cfg_set_fqdn give it, for the same
 * reason. One more is refused: E2BIG.
 */
#define NAMES_GIVEN_MAX 56
/* Elements of one list (from, to, ports) of a rule. One more: E2BIG. */
#define RULE_WORDS_MAX 1024
/*
 * Named address sets, the addresses and ranges of one, and a name's length
 * with its NUL (a Kubernetes namespace and a service in it fit): memory. One more or longer is refused: E2BIG, EINVAL.
 */
#define ADDR_SETS_MAX	   16384
#define ADDR_SET_WORDS_MAX 65536
#define ADDR_SET_NAME_MAX  130
/*
 * Flows in which `weir dp explain` looks for whose an address is; those behind
 * are not looked at (a workload's own rules tell, too).
 */
#define EXPLAIN_FLOWS_MAX 131072
/* Workloads that one weir_explain tells of; the rest is counted. */
#define EXPLAIN_ANSWERS_MAX 64
/* Application sub-rules of one rule. One more is refused: E2BIG. */
#define RULE_APPS_MAX 64
/*
 * Versions of a weir_policy: what JSON's readers all keep exactly. Larger:
 * refused.
 */
#define POLICY_VERSION_MAX ((UINT64_C(1) << 53) - 1)
/* Internal subnets, special addresses. One more is refused: E2BIG. */
#define SUBNETS_MAX 65536
/* Addresses of ctrl_cfg_policy_addr. One more is refused: E2BIG. */
#define POLICY_ADDRS_MAX 65536
/* MACs named in one message. One more is refused: E2BIG. */
#define MSG_MACS_MAX ENDPOINTS_MAX
/* Listening ports of one endpoint given by ctrl_cfg_mac. */
#define ENDPOINT_APPS_MAX 1024
/*
 * DLP/WAF signatures of one detector or endpoint, memory; patterns of one and
 * their lengths with NUL are NeuVector's (2.5). One more or longer: refused.
 */
#define DLP_RULES_MAX	 4096
#define DLP_PATTERNS_MAX 16
#define DLP_PATTERN_MAX	 512
#define DLP_NAME_MAX	 522
/* Names with addresses (2.4); one more is refused: E2BIG. */
#define FQDNS_MAX 2048
/* Addresses of one name by ctrl_cfg_set_fqdn. One more is refused: E2BIG. */
#define FQDN_IPS_MAX 4096

/* --- control doors ---------------------------------------------------- */

/* The reference reads this much of a datagram; longer: refused, counted. */
#define COMPAT_MSG_MAX 8191
/* A datagram of ours on the compatible door never exceeds the agent's buffer. */
#define COMPAT_REPLY_MAX 8192
/* One request or answer on the own door; larger bodies come as a memfd. */
#define OWN_MSG_MAX 65536
/*
 * For JSON where no memory is left (wire/json_memory.h): so many pieces of 256 bytes
 * are put aside, a 16th of them of 4 KB, and a 256th of 64 KB. None is left: what is
 * to be made lacks something, is counted, and who sends it does not.
 */
#define JSON_RESERVE_MAX 1024
/* A body in a sealed memfd; larger: E2BIG. */
#define OWN_MEMFD_MAX (64u << 20)
/* Clients of the own door at a time; one more is closed at once, counted. */
#define OWN_CLIENTS_MAX 64

/* Names of interfaces and namespaces in port messages, with NUL (2.2). */
#define PORT_NAME_MAX  64
#define NETNS_PATH_MAX 256

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
/*
 * Notices of one kind sent to the agent in one turn: its socket's queue is that
 * long (1.8). What is left waits where it is for the next.
 */
#define NOTICES_PER_TURN 64
/*
 * Connection records of one worth, and threats, kept by the control thread for
 * the agent and for clients of the own door, touched when used: all that each
 * worker can have waiting, and at least so many that who asks every few seconds
 * misses none of 10,000 a second (9 MB of each worth that comes); of threats
 * twice what a worker can have waiting (0.6 MB). Full: the oldest gives way; who
 * had not read it has lost it, counted.
 */
#define TOLD_CONNECTIONS_MAX REPORTS_MAX
#define TOLD_CONNECTIONS_MIN (4 * TOLD_CONNECTIONS_MAX)
#define TOLD_THREATS_MAX     (2 * THREAT_RECORDS_MAX)
/*
 * Records in one answer of the own door where the request names no limit, so
 * that the longest fit in OWN_MSG_MAX; and at most: a larger limit is cut. Such
 * an answer is 2 MB and keeps the control thread for 20 ms.
 */
#define CONNECTIONS_PER_ANSWER	  56
#define CONNECTIONS_PER_PAGE_MAX  4096
#define THREATS_PER_ANSWER	  56
#define THREAT_PACKETS_PER_ANSWER 12
/* Threats copied by a worker between two batches: 2.2 KB each. */
#define THREATS_PER_QUESTION 8
/* Names of external addresses likewise. */
#define IP_NAMES_PER_QUESTION 16
/* What speaks on listening ports likewise. */
#define PORT_NEWS_PER_QUESTION 128
/* Meters, connections, ports in one compatible datagram (1.8, 1.9). */
#define METERS_PER_MSG	    186
#define CONNECTIONS_PER_MSG 85
#define APPS_PER_MSG	    818
/* Addresses in one FQDN_UPDATE (1.8). */
#define FQDN_IPS_PER_MSG 495
/* A name with its NUL, the field of kinds 11 and 12. Longer: refused. */
#define FQDN_TEXT_MAX 256
/* Frame kept with a threat, text beside it, NUL included (kind 6). Cut. */
#define THREAT_PACKET_MAX 2048
#define THREAT_TEXT_MAX	  64

/* --- capture ---------------------------------------------------------- */

/* Captures at a time; a workload knows each by a bit. One more: ENOSPC. */
#define CAPTURES_MAX 16
/*
 * A capture's ring, touched at its beginning: 250 of the largest frames, or half
 * a second of 10,000 of 3 kB each. Full: frames are not captured, counted. A
 * power of two.
 */
#define CAPTURE_RING_BYTES (16u << 20)
/* `weir capture` looks for frames so often: the latency of its output. */
#define CAPTURE_LOOK_MS 10

/* --- verdict cache ---------------------------------------------------- */

/*
 * Slots of the kernel's flow map (bpf/inplace.h), an equal part for each worker.
 * Full: its flows come up.
 */
#define CACHE_SLOTS_MAX 65536
/* Tuples denied without a flow. Full: the least recently met gives way. */
#define CACHE_DENIED_MAX 1024
/* Entries written between two batches, and slots looked at; rest: next time. */
#define CACHE_WRITES_PER_TURN 64
#define CACHE_SLOTS_PER_TURN  256
/* Turns with full rings after which entries are written all the same. */
#define CACHE_LATE_TURNS 16

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

/* --- agent ------------------------------------------------------------ */

/* Containers, workloads and ports that are followed; more are told of, ENOSPC. */
#define CONTAINERS_MAX 16384
#define WORKLOADS_MAX  ENDPOINTS_MAX
#define PORTS_MAX      ENDPOINTS_MAX
/* Workloads that are gone and still known by what they had; the oldest go. */
#define WORKLOADS_GONE_MAX 1024
/* Addresses of one workload that policy speaks of; more are passed over. */
#define WORKLOAD_ADDRS_MAX 256
/* Of a VM, learned from what it says; more are passed over, told at its port. */
#define TAP_ADDRS_MAX 16
/* Frames of a tap that are looked at, in so much time; more are lost. */
#define TAP_HEAR_FRAMES	  32
#define TAP_HEAR_AGAIN_US 50000
/* Addresses of the host itself, group "node"; more are passed over. */
#define NODE_ADDRS_MAX 1024
/* A data plane that was started opens its door within this, or is down. */
#define PLANE_START_US (5 * 1000000ULL)
/* One that is to end has so long, and is then killed. */
#define PLANE_END_US (5 * 1000000ULL)
/* What it saw is asked for in pages of so many records, so many at a time. */
#define PLANE_TOLD_PAGE	 4096
#define PLANE_TOLD_PAGES 8
/*
 * Signatures and sensors that it builds are asked for so often, and what is
 * wanted counts as in force without new sensors after so long: the old ones do
 * meanwhile, and workloads that are new are not to wait for ever.
 */
#define PLANE_BUILD_LOOK_US (100 * 1000ULL)
#define PLANE_BUILD_WAIT_US (10 * 1000000ULL)
/*
 * Bytes of all files of rules that are loaded: ET Open is 30 MB. As JSON, where
 * each quote is two, they still are a body that a data plane takes
 * (OWN_MEMFD_MAX). More: E2BIG.
 */
#define RULES_BYTES_MAX (31u << 20)
/* Refused rules that are told of at our door; the rest is only counted. */
#define RULES_FAULTS_MAX 100

/* The configuration file; larger: E2BIG. */
#define CONFIG_BYTES_MAX (1 << 20)
/*
 * What a user said of single workloads (quarantine, release): so many, then the
 * one that is gone longest is forgotten, or ENOSPC if all are here. What is gone
 * for so many days is forgotten, too: a container that only was stopped comes
 * back with its id, one that was removed never does.
 */
#define KEPT_MAX       4096
#define KEPT_GONE_DAYS 90
/*
 * Violations that are alike within EVENT_MERGE_S are one event, which counts
 * them. Of more kinds at a time the oldest is told of early.
 */
#define EVENT_KINDS_MAX 4096
#define EVENT_MERGE_S	60
/* Ports of one kind that have an event each; those of a scan are only counted. */
#define EVENT_PORTS_MAX 8
/* Recorded conversations that one question looks at; the latest are left out. */
#define PAST_TALKS_MAX 200000
/* Flows that wait to be recorded, while the disk is slow; more are lost. */
#define FLOWS_WAITING_MAX 262144
/*
 * Between two compilations for what workloads change by themselves (addresses,
 * devices, MACs): one that changes all the time costs the agent a part of a
 * processor, not all of it. Met: the changes are taken together when it is over.
 * A user's commands, and what is newly diverted, do not wait.
 */
#define COMPILE_PAUSE_US 100000

/* Of the agent's door: clients at a time, a request, what a client leaves. */
#define DOOR_CLIENTS_MAX 128
/* A data plane's door that was another's: so long he is given to end. */
#define DOOR_LEAVE_MS	 4000
#define DOOR_REQUEST_MAX (64u << 20)
#define DOOR_UNREAD_MAX	 (64u << 20)
/*
 * So long a command waits for what the data plane has to say: ETIMEDOUT. Longer
 * than DP_ANSWER_WAIT_S: one that hangs is given up, and another one started.
 */
#define DOOR_WAIT_S 30
/* A client that follows and does not read: lines are dropped from here on. */
#define DOOR_FOLLOW_MAX (4u << 20)

/* --- store ------------------------------------------------------------ */

/* Rows of one page of flows or events: time of one call. More: refused. */
#define STORE_PAGE_MAX 10000
/* Name of a document with its NUL; part of a file's name. Longer: refused. */
#define STORE_DOC_NAME_MAX 64
/* A document's text: as large as a body that a data plane takes. E2BIG. */
#define STORE_DOC_BYTES_MAX OWN_MEMFD_MAX
/*
 * What is kept of a document's past: so many revisions, and no more of them
 * than so many bytes together. The oldest go; the last one never.
 */
#define STORE_REVISIONS_MAX   100
#define STORE_REVISIONS_BYTES (64u << 20)
/* Text of one event: a few KB with all that is known. Longer: E2BIG. */
#define STORE_EVENT_BYTES_MAX 65536
/* A workload's id with its NUL, as struct runtime_news; longer: refused. */
#define STORE_ID_MAX 192
/* Pages of the file held in memory; the kernel's page cache has the others. */
#define STORE_CACHE_KIB 8192
/*
 * The WAL is written back when it is so long (as SQLite's default), and cut to
 * that after a transaction that was longer. What it has of the disk it keeps,
 * so that forgetting needs no room on a full one.
 */
#define STORE_WAL_PAGES 1000
/* Rows forgotten, workloads looked at, pages given back by one trim: 20 ms. */
#define STORE_TRIM_ROWS	     2000
#define STORE_TRIM_WORKLOADS 1000
#define STORE_TRIM_PAGES     256
/*
 * Damaged files kept: what befalls a file on a disk that fails, befalls the
 * next one, too. Met: the last of them is replaced.
 */
#define STORE_DAMAGED_MAX 3
/*
 * Kept on the disk for when it is full: a policy of 10,000 rules is 2 MB, and
 * is written three times (WAL, copy, file). A larger change may fail: ENOSPC.
 */
#define STORE_RESERVE_BYTES (8 << 20)
/* What store_state() says. Cut. */
#define STORE_STATE_MAX 320
/* --- container runtimes ----------------------------------------------- */

/* Sources of one agent: every known socket of a host twice. More: refused. */
#define RUNTIMES_MAX 16
/*
 * News that wait for the main loop, each with an open descriptor at most.
 * Full: the source waits, and what its runtime says waits with it.
 */
#define RUNTIME_NEWS_MAX 256
/*
 * Containers of one source; twice what a data plane takes (ENDPOINTS_MAX), as
 * several may share a namespace. More: told as unreadable, not followed.
 */
#define RUNTIME_CONTAINERS_MAX 8192
/* Id of a container: containerd's namespace and id, 76 each, with a '/'. */
#define RUNTIME_ID_MAX 160
/* Why a source is down, or a container unreadable. Cut. */
#define RUNTIME_TEXT_MAX ERR_TEXT_MAX
/*
 * Labels of a container that are told, bytes of one (name and value), and
 * ports. Orchestrators set a few dozen labels; some hold whole documents, which
 * nobody selects by. Those over it are left out, never cut.
 */
#define RUNTIME_LABELS_MAX 128
#define RUNTIME_LABEL_MAX  1024
#define RUNTIME_PORTS_MAX  256
/* Name, image, pod, namespace. Cut. */
#define RUNTIME_NAME_MAX 256
/* A list of all containers, 2 KB each with Docker. Longer: not believed. */
#define RUNTIME_LIST_BYTES_MAX (16u << 20)
/* What is said of one container (10 KB), or by one event. Longer: likewise. */
#define RUNTIME_ANSWER_BYTES_MAX (1u << 20)
#define RUNTIME_EVENT_BYTES_MAX	 (1u << 20)
/*
 * Events that have come and were not looked at yet. More: the source begins
 * anew, with a list.
 */
#define RUNTIME_EVENTS_BYTES_MAX (4u << 20)
/* Memory that one message of protobuf may take when it is unpacked. */
#define RUNTIME_UNPACKED_MAX (32u << 20)
/*
 * A runtime that says nothing of an answer for so long, or has not said all of it
 * in the other time, hangs: the source goes down; the question for one container
 * makes it unreadable, so many in a row are a runtime that hangs.
 */
#define RUNTIME_ANSWER_WAIT_MS 5000
#define RUNTIME_ANSWER_MAX_MS  60000
#define RUNTIME_HUNG_IN_A_ROW  3
/*
 * All is listed again so often: runtimes drop events of slow listeners, and a
 * runtime that hangs says nothing by itself.
 */
#define RUNTIME_RELIST_MS 30000
/*
 * A list comes so soon where something may have been missed: containerd does not
 * say from when on it tells events; an event led to no answer that made sense.
 */
#define RUNTIME_SETTLE_MS 1000
/* CRI tells no events: all is listed so often. */
#define RUNTIME_CRI_POLL_MS 1000
/* A runtime that is not there is tried again after so long ... */
#define RUNTIME_RETRY_MS 500
/* ... one that answers rubbish later and later, at most. */
#define RUNTIME_RETRY_LONG_MS 8000
/* A folder of namespaces is read at most so often when mounts change. */
#define RUNTIME_RESCAN_MS 20

/* --- command line ----------------------------------------------------- */

/* What a runtime tells `weir hook` on stdin; more: EINVAL. */
#define HOOK_STDIN_MAX (1 << 20)
/* Silence of a data plane before `weir` gives up on its answer: ETIMEDOUT. */
#define DP_ANSWER_WAIT_S 10
/* A data plane that `weir demo` starts or stops gets so long. */
#define DEMO_DP_START_WAIT_MS 5000
#define DEMO_DP_STOP_WAIT_MS  3000
/* Over the time of a stream, for a slow start and the last bytes. */
#define DEMO_STREAM_SLACK_MS 5000
/* Bytes of what a program says that `weir demo` runs; the rest is not shown. */
#define PROGRAM_TEXT_MAX 65536
/* A runtime that the demo starts, and single commands of its story, get so long. */
#define DEMO_RUNTIME_WAIT_MS 30000
#define DEMO_COMMAND_WAIT_MS 30000
/* What must become so in its story (a workload is found, an event is there). */
#define DEMO_SOON_MS 60000
/* Groups of processes that were killed are free after a moment; else they stay. */
#define DEMO_CGROUP_WAIT_MS 3000
/* A namespace's name is taken: name2 ... name99 are tried, then EEXIST. */
#define DEMO_NAME_TRIES 99

/* `weir top`: events that are kept to be shown; the oldest go. */
#define TOP_EVENTS_MAX 1000
/*
 * Sessions of one workload that are shown, found in so many pages of 256 of the
 * data plane's: a look takes 0.1 s then. More: it says so.
 */
#define TOP_SESSIONS_MAX      2000
#define TOP_SESSION_PAGES_MAX 64

/* --- YAML ------------------------------------------------------------- */

/* A text: 10,000 rules with long comments are 4 MB. Longer: E2BIG. */
#define YAML_BYTES_MAX (16u << 20)
/*
 * Values of all its documents, an alias counted as what it stands for, so that
 * a few lines cannot ask for all memory. One more: E2BIG.
 */
#define YAML_NODES_MAX (1u << 20)
/* Lists and objects within each other; ours need 6. One more: E2BIG. */
#define YAML_DEPTH_MAX 32
/* Anchors (&name) of one document. One more: E2BIG. */
#define YAML_ANCHORS_MAX 256
/* Bytes of a key. Longer: EINVAL. */
#define YAML_KEY_MAX 512

/* --- what the user wants ---------------------------------------------- */

/* Rules and groups of one intent: memory, and time to compile. More: E2BIG. */
#define INTENT_RULES_MAX  POLICY_RULES_MAX
#define INTENT_GROUPS_MAX 8192
/* A group's name with NUL, as it names an address set. Longer: EINVAL. */
#define INTENT_NAME_MAX ADDR_SET_NAME_MAX
/* Elements of from, to and ports of a rule. More: E2BIG, use a group. */
#define INTENT_WORDS_MAX 64
/* Terms of a group, values of one term, their length with NUL. More: E2BIG. */
#define INTENT_TERMS_MAX  64
#define INTENT_VALUES_MAX 4096
#define INTENT_VALUE_MAX  512
/* Bytes of a comment with NUL: some lines. Longer: EINVAL. */
#define INTENT_COMMENT_MAX 1024
/*
 * What one search of a regular expression may cost, in PCRE2's count: far above
 * what names need, 1 ms. Met: it does not match.
 */
#define INTENT_REGEX_STEPS 10000
/*
 * Rules of all policies together in one weir_policy, 100 to 150 bytes each
 * there: OWN_MEMFD_MAX is full. More: E2BIG.
 */
#define INTENT_COMPILED_MAX 400000
/* Sensors of one kind that a group names. More: E2BIG. */
#define INTENT_USES_MAX 256
/* So many ranges of a group stand in the rule itself; more become a set. */
#define INTENT_INLINE_MAX 2

/* --- learning --------------------------------------------------------- */

/*
 * Ports of one pair of groups proposed one by one; more that are near each other
 * become a range.
 */
#define PROPOSE_PORTS_MAX 16
/* ... near: no further apart than that, at least three of them. */
#define PROPOSE_PORTS_NEAR 16
#define PROPOSE_RANGE_MIN  3
/* From here on systems choose ports by themselves (Linux; IANA: 49152). */
#define PROPOSE_EPHEMERAL 32768
/* More of those between a pair: all of them. */
#define PROPOSE_EPHEMERAL_MAX 4
/* Addresses and names outside that one group uses a port of; more: external. */
#define PROPOSE_PEERS_MAX 8
/*
 * A sweep is nothing to learn from: so many ports of one server by one client,
 * each with at most so many sessions, and bytes a session (a TCP handshake and
 * its end are some 450).
 */
#define PROPOSE_SWEEP_PORTS    8
#define PROPOSE_SWEEP_SESSIONS 2
#define PROPOSE_SWEEP_BYTES    600
/* Workloads that a proposal or a row of a dry run names; the rest is counted. */
#define PROPOSE_WORKLOADS_MAX 16

/* Of signatures: a chapter of its own. */
#include "base/limits_sig.h" /* IWYU pragma: export */
/* Of sensors, likewise. */
#include "base/limits_sensor.h" /* IWYU pragma: export */
