/*
 * The pipeline: one frame and one time in, one verdict and its events out.
 *
 *   decode -> endpoint -> checksums -> whole datagrams -> flow -> floods ->
 *   policy -> follow -> report -> payload -> [packet in a tunnel: again from
 *   checksums on] -> verdict
 *
 * Pure: no clock, descriptor or environment is read here, so a capture replays
 * to the same result every time. One worker owns one `struct inspect`; the
 * snapshot it judges by is lent to it (inspect_adopt). Nothing is allocated
 * after inspect_new() and no lock is taken.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/limits.h"
#include "detect/breadth.h"
#include "detect/meter.h"
#include "detect/sensor_scan.h"
#include "detect/sig_scan.h"
#include "detect/tally.h"
#include "detect/threat.h"
#include "flow/flow.h"
#include "flow/stream.h"
#include "inspect/cache.h"
#include "inspect/learned.h"
#include "inspect/pools.h"
#include "inspect/report.h"
#include "inspect/settings.h"
#include "packet/defrag.h"
#include "packet/packet.h"
#include "packet/tunnel.h"
#include "policy/snapshot.h"
#include "proto/dialogue.h"
#include "proto/dns.h"
#include "proto/parsers.h"
#include "wire/reason.h"
#include "wire/records.h"
#include "wire/session.h"
#include "wire/trail.h"

struct inspect;

struct inspect_options {
	uint32_t max_flows; /* FLOWS_MIN..FLOWS_MAX */
	uint64_t seed;	    /* for hashes, random; fixed in tests */
	/*
	 * A capture: frames carry no marks. A workload is known by its real
	 * MAC, and without one, flows belong to nobody and nothing is judged.
	 */
	bool capture;
	/*
	 * It is one of so many, 1..WORKERS_MAX, with this number, 0 and up, and
	 * judges only frames of workloads that are its own (base/spread.h). 0:
	 * it is the only one.
	 */
	unsigned workers, number;
	/* Ask nDPI for what our parsers do not know; takes 15 MB. */
	bool breadth;
	/* inspect_adopt_signatures(), _sensors() will be called. */
	bool detection;
	/* Its tables, borrowed for the call; NULL: the defaults, and max_flows. */
	const struct pools *pools;
};

/* With the default settings (inspect/settings.h). NULL: out of memory. */
struct inspect *inspect_new(const struct inspect_options *opt);
void inspect_free(struct inspect *in);

/*
 * From now on judge by s (borrowed until the next call); gives back the
 * snapshot before it, NULL the first time. Between frames only.
 */
const struct snapshot *inspect_adopt(struct inspect *in,
				     const struct snapshot *s);

/*
 * Only with inspect_options.detection, between frames. New flows are looked at
 * with that lane from now on (NULL: with none); it is the pipeline's until it
 * gives it back, and those that it would give back are to be taken before.
 */
void inspect_adopt_signatures(struct inspect *in, struct sig_lane *lane);
/* A lane that no flow needs any more; NULL: there is none. */
struct sig_lane *inspect_give_back_signatures(struct inspect *in);
/* Flows of that set, which is not the newest, are no longer looked at. */
void inspect_drop_set(struct inspect *in, const struct sig_set *set);
/* No flow is looked at any more: each lane can be taken back. */
void inspect_drop_signatures(struct inspect *in);
/* All flows; returns the one before, which nothing uses any more. */
struct sensor_lane *inspect_adopt_sensors(struct inspect *in,
					  struct sensor_lane *lane);

/*
 * Tells of every flow that ends (aged, cleared, replaced), as it was at its
 * end. fn must be quick and must not call back. NULL: nobody.
 */
void inspect_on_flow_end(struct inspect *in,
			 void (*fn)(void *arg, const struct session_record *s),
			 void *arg);

/*
 * Tells of every signature that matches, also of passes and silent ones, before
 * what is done about it; of: whose packet it is. As above.
 */
void inspect_on_match(struct inspect *in,
		      void (*fn)(void *arg, const struct sig_facts *of,
				 const struct sig_told *t),
		      void *arg);

struct verdict {
	bool forward;	/* send the frame on as it is; see release */
	uint8_t reason; /* enum reason */
	/*
	 * The frame completes a datagram: when forward, these are to be sent
	 * on in its place, in this order. It is one of them; the others were
	 * held. Valid until the next frame.
	 */
	const struct bytes *release;
	unsigned n_release;
	/*
	 * Frames of our own to be sent (a rejection). They lie in the inspect
	 * and are valid until its next frame.
	 */
	unsigned n_send; /* 0..VERDICT_SEND_MAX */
	struct verdict_frame {
		struct bytes bytes;
		bool onward; /* where the frame was going; else back */
	} send[VERDICT_SEND_MAX];
	/*
	 * Who captures this workload (struct endpoint); 0: nobody, and then the
	 * rest is not filled in. Of the flow that decided; 0: there is none.
	 */
	uint16_t captures;
	bool ingress;
	bool watched;	/* in a tap: what was found is only told */
	uint8_t judged; /* enum reason, also where it was watched */
	uint32_t flow_id, rule_id;
};

struct verdict inspect_frame(struct inspect *in, struct frame frame,
			     usec_t now);

/*
 * A frame whose verdict was to forward it, for that reason, could not be sent:
 * it counts as dropped, send_refused. What its flow has seen stays.
 */
void inspect_unsent(struct inspect *in, enum reason why);

/*
 * Ends idle flows, a bounded number of them, and what else ages. Call it
 * between batches. true: there may be more to be ended at once.
 */
bool inspect_age(struct inspect *in, usec_t now);

/*
 * Frames to be sent because of the last inspect_age(), not of a frame (the
 * resets of threat 2005). They lie in the inspect and are valid until the next
 * one; *ret points to them. Returns how many.
 */
struct own_frame {
	struct bytes bytes;
	bool marked;	     /* goes out of the service port; else of ... */
	struct mac workload; /* ... the pair of ports of that workload */
	bool to_workload;
};
unsigned inspect_own_frames(const struct inspect *in,
			    const struct own_frame **ret);
/* What a workload's frames carry, the outermost packet of each, as it came. */
enum inspect_packets {
	INSPECT_IPV4,
	INSPECT_IPV6,
	INSPECT_TCP, /* of these four a packet has one */
	INSPECT_UDP,
	INSPECT_ICMP,
	INSPECT_OTHER,
	INSPECT_TCP_ASTRAY, /* neither of a session nor an opening SYN */
	INSPECT_PACKETS__MAX
};

/* What waits of the trail (inspect/trail.h). */
struct trail_stats {
	uint32_t in_use, limit, open, open_limit;
	uint64_t told;
	uint64_t lost;	   /* there was no room for it */
	uint64_t no_place; /* of what is said over several packets: likewise */
};

/* What is known to speak on listening ports (inspect/ports.h). */
struct port_stats {
	uint32_t in_use, limit;
	uint32_t news, news_limit; /* that wait to be taken */
	uint64_t not_told;	   /* news that found no room: told later */
};

struct inspect_counts {
	uint64_t frames_in, frames_out;	 /* to, from workloads */
	uint64_t bytes_in, bytes_out;	 /* whole frames */
	uint64_t forwarded[REASON__MAX]; /* frames; held ones when released */
	uint64_t dropped[REASON__MAX];	 /* likewise when given up */
	uint64_t held;			 /* fragments, so far */
	uint64_t replies;		 /* RST and ICMP errors of our own */
	uint64_t replies_limited; /* not sent: over their limit (replies.h) */
	uint64_t packets[INSPECT_PACKETS__MAX]; /* by what they are */
	uint64_t stateless;	/* judged without a flow: the table was full */
	uint64_t out_of_window; /* TCP frames whose sequence is unbelievable */
	uint64_t grace_evicted, blocks_evicted;
	uint32_t grace_in_use, blocks_in_use;
	uint32_t pipelines; /* 1; in a sum (inspect/counts.h) of how many */
	struct flow_counts flows;
	struct defrag_stats defrag;
	struct meter_stats meters[METER_KIND__MAX];
	struct tally_stats threats, findings;
	struct report_stats reports;
	struct stream_counts streams;
	struct learned_stats learned;
	struct cache_stats cache;
	uint64_t dns[DNS_OUTCOME__MAX]; /* messages read, by enum dns_outcome */
	uint64_t tunnels[TUNNEL__MAX];	/* looked into, by tunnel_outcome */
	struct dialogue_counts dialogues;
	struct breadth_counts breadth;
	struct sig_scanner_counts signatures;
	struct sensor_scanner_counts sensors;
	struct port_stats ports;
	struct trail_stats trail;
	/* Flows by what came out: applications known, and never to be. */
	uint64_t app_known, app_never;
	uint64_t talks_full; /* flows that there was no room to listen to */
	uint64_t notes[NOTE__MAX];     /* of parsers, by enum proto_note */
	uint64_t sensors_beyond_depth; /* bytes sent, and not looked at */
	uint64_t limits_met[INSPECT_LIMIT__MAX]; /* whatever was done then */
	/* By place in the list of parsers: flows, and packets they read. */
	uint64_t parser_flows[PARSERS_ALL_MAX];
	uint64_t parser_packets[PARSERS_ALL_MAX];
};

struct inspect_counts inspect_counts(const struct inspect *in);

/* As reports: news of listening ports (records.h). */
size_t inspect_drain_ports(struct inspect *in, struct port_record *ret,
			   size_t max);

/*
 * Copies up to max flows from *cursor (0 at first) on; returns how many; fewer
 * than max means the end. Needs the snapshot for the MACs.
 */
size_t inspect_copy_flows(struct inspect *in, uint32_t *cursor, usec_t now,
			  struct session_record *ret, size_t max);
/* Copies the recent blocks, newest first; returns how many (<= BLOCKS_MAX). */
size_t inspect_copy_blocks(const struct inspect *in,
			   struct block_record ret[static BLOCKS_MAX]);
/* As flow_sweep(): again and again, with batches in between, while true. */
bool inspect_end_flows(struct inspect *in, struct flow_pick pick,
		       uint32_t *cursor, uint32_t *ended);
/*
 * Ends sessions by hand, those of n ids: nothing of them passes any more, and
 * both ends of a TCP connection are reset, by the own frames of the next
 * inspect_age(). Looks at some places of the table from *cursor (0 at first) on,
 * to be called again, with batches in between, while true. A session that is
 * only watched cannot be ended.
 */
struct kills {
	const uint32_t *ids;
	size_t n;
	uint32_t cursor, killed, watched;
};
bool inspect_kill(struct inspect *in, struct kills *k);
/*
 * That workload is about to leave the snapshot: what is told of it until it is
 * forgotten carries this MAC. One at a time.
 */
void inspect_endpoint_leaves(struct inspect *in, uint16_t endpoint,
			     struct mac mac);
/* It is gone, and its flows have ended: all else of it goes, too. */
void inspect_forget_endpoint(struct inspect *in, uint16_t endpoint);

/*
 * Each takes up to max records out, fewer: that was all. Records of workloads
 * that are gone have MAC zero.
 */
size_t inspect_drain_connections(struct inspect *in,
				 struct connection_record *ret, size_t max);
size_t inspect_drain_threats(struct inspect *in, struct threat_record *ret,
			     size_t max);
size_t inspect_drain_findings(struct inspect *in, struct finding_record *ret,
			      size_t max);
/* From the first call on there are some; a record of who is gone has MAC zero. */
size_t inspect_drain_trail(struct inspect *in, struct trail_record *ret,
			   size_t max);
struct trail_stats inspect_trail_stats(const struct inspect *in);
size_t inspect_drain_ip_names(struct inspect *in, struct ip_name_record *ret,
			      size_t max);
/* Is there a name of that address that was drained or will be? */
bool inspect_has_ip_name(const struct inspect *in, struct ip_addr a);
/* The next name of rules that gained addresses by DNS. false: none has. */
bool inspect_drain_fqdn(struct inspect *in, struct fqdn_record *ret);
/* By which names that workload may reach the address now; how many. */
unsigned inspect_names_of(const struct inspect *in, uint16_t endpoint,
			  struct ip_addr a, usec_t now,
			  uint16_t ids[static NAMES_PER_ADDR_MAX]);
/* Connection records that wait. */
uint32_t inspect_connections_pending(const struct inspect *in);
/* The running meters from *cursor (0 at first) on; fewer than max: the end. */
size_t inspect_copy_meters(const struct inspect *in, uint64_t *cursor,
			   usec_t now, struct meter_record *ret, size_t max);
/* Adds a workload's traffic, or the device's, to *sum. */
void inspect_add_traffic(const struct inspect *in, uint16_t endpoint,
			 usec_t now, struct stats_record *sum);
void inspect_add_device_traffic(const struct inspect *in, usec_t now,
				struct stats_record *sum);
