/*
 * What the files of this folder share: the state of one pipeline, and one frame
 * on its way through it. Only for files of this folder.
 */
#pragma once

#include "base/limits_kill.h"
#include "detect/finding.h"
#include "detect/sensor_scan.h"
#include "detect/sig_scan.h"
#include "flow/stream.h"
#include "inspect/blocks.h"
#include "inspect/grace.h"
#include "inspect/inspect.h"
#include "inspect/learned.h"
#include "inspect/replies.h"
#include "inspect/settings.h"
#include "inspect/traffic.h"
#include "proto/dialogue.h"

struct hearing;	  /* inspect/hear.h */
struct talks;	  /* inspect/talk.h */
struct port_news; /* inspect/ports.h */
struct trail;	  /* inspect/trail.h */

struct inspect {
	struct flow_table *flows;
	struct defrag *defrag;
	struct grace *grace;
	struct meters *meters;
	struct threat_log *threats;
	struct finding_log *findings;
	struct reports *reports;
	struct traffic *traffic;
	struct stream_pool *streams;
	struct dialogue_pool *dialogues;
	/* As of struct proto_sink; inspect/hear.c. */
	uint64_t unwanted[FIELD_WORDS];
	/* By a parser's place: the fields that it may tell. */
	uint64_t parser_fields[PARSERS_ALL_MAX][FIELD_WORDS];
	/* inspect/detection.c */
	struct sig_scanner *signatures;
	struct sensor_scanner *sensors;
	struct sig_lane *sig_lane;	 /* of new flows; NULL: none */
	struct sensor_lane *sensor_lane; /* NULL: none */
	unsigned sig_lanes;		 /* that were not given back */
	uint32_t detection_epoch; /* of sets, and of who has which sensors */
	/* The snapshot with which sensors, or their uses, were others last. */
	uint32_t sensors_since;
	bool sensors_news;		  /* since the last snapshot */
	uint64_t sig_fields[FIELD_WORDS]; /* that signatures listen to */
	struct hearing *hearing; /* whose packet is shown to them; or NULL */
	/* inspect/found.c: of the packet under way, and not told yet */
	struct finding_record held[FOUND_HELD_MAX];
	unsigned n_held;
	struct talks *talks;
	struct breadth *breadth; /* NULL: nDPI is not asked */
	struct port_news *port_news;
	struct trail *trail;
	struct learned *learned;
	struct verdict_cache *cache;	  /* NULL: no kernel that has one */
	struct inspect_settings settings; /* by inspect_configure() only */
	const struct snapshot *snapshot;  /* borrowed */
	uint16_t leaving; /* see passage_mac_of(); or ENDPOINT_NONE */
	struct mac leaving_mac;
	bool capture;
	unsigned workers, number; /* as inspect_options */
	struct pools pools;	  /* likewise */
	void (*on_flow_end)(void *arg, const struct session_record *s);
	void *on_flow_end_arg;
	void (*on_match)(void *arg, const struct sig_facts *of,
			 const struct sig_told *t);
	void *on_match_arg;
	usec_t now;  /* of the frame or call under way, for flow_ended() */
	usec_t aged; /* last time that all was aged */
	struct inspect_counts counts;
	struct blocks blocks;
	struct replies reply_limit;
	uint8_t send_buf[VERDICT_SEND_MAX][INJECT_FRAME_MAX];
	/* inspect/silent.c: of the last inspect_age(). */
	struct own_frame
		own_frames[4 * SILENT_PER_BATCH + 2 * KILLS_WAITING_MAX];
	uint8_t own_buf[4 * SILENT_PER_BATCH + 2 * KILLS_WAITING_MAX]
		       [INJECT_FRAME_MAX];
	unsigned n_own_frames;
	uint32_t kills[KILLS_WAITING_MAX]; /* places of flows */
	uint32_t kill_ids[KILLS_WAITING_MAX];
	unsigned n_kills;
};

/*
 * All that listens to flows: streams, dialogues, talks, and (detection) signatures
 * and sensors. Nobody is listened to. false: out of memory.
 */
bool inspect_begin_listening(struct inspect *in, bool detection, uint64_t seed);
/* Likewise all of it is given up. */
void inspect_end_listening(struct inspect *in);

/* One frame on its way; lives on the stack of inspect_frame(). */
struct passage {
	struct inspect *in;
	const struct endpoint *endpoint; /* NULL: nobody's (capture) */
	uint16_t index;			 /* its index; ENDPOINT_NONE */
	bool ingress;
	usec_t now;
	/* Frames it stands for: more than one when a datagram was completed. */
	unsigned frames;
	bool held;	 /* it waits; there is no verdict on it yet */
	bool copy;	 /* the frame itself has gone on already */
	uint16_t threat; /* the worst it met; of a flow that is to be made */
	bool marked;	 /* it is the worst that its flow has met so far */
	uint32_t flow_id, rule_id; /* what decided; for who captures it */
	struct verdict verdict;
	struct packet packet; /* the last: packet_decode() fills all of it in */
};

/* Tapped: nothing of it may go on, and nothing of ours be sent. */
static inline bool passage_is_watched(const struct passage *w)
{
	const struct frame_port *port = w->packet.frame.port;

	return w->copy || (w->endpoint && w->endpoint->tap) ||
	       (port && port->kind == FRAME_PORT_TAP);
}

/* A workload's; between leaving the snapshot and being forgotten, too. */
static inline struct mac passage_mac_of(const struct inspect *in,
					uint16_t endpoint)
{
	const struct endpoint *e;

	/* its index may be another's already (inspect/image.c) */
	if (endpoint != ENDPOINT_NONE && endpoint == in->leaving)
		return in->leaving_mac;
	e = snapshot_endpoint(in->snapshot, endpoint);
	return e ? e->mac : (struct mac){ { 0 } };
}

static inline void passage_forward(struct passage *w, enum reason reason)
{
	w->verdict.forward = true;
	w->verdict.reason = (uint8_t)reason;
}

static inline void passage_drop(struct passage *w, enum reason reason)
{
	w->verdict.forward = false;
	w->verdict.reason = (uint8_t)reason;
}
