/*
 * What the files of this folder share: the state of one pipeline, and one frame
 * on its way through it. Only for files of this folder.
 */
#pragma once

#include "flow/stream.h"
#include "inspect/blocks.h"
#include "inspect/grace.h"
#include "inspect/inspect.h"
#include "inspect/learned.h"
#include "inspect/replies.h"
#include "inspect/settings.h"
#include "inspect/traffic.h"

struct inspect {
	struct flow_table *flows;
	struct defrag *defrag;
	struct grace *grace;
	struct meters *meters;
	struct threat_log *threats;
	struct reports *reports;
	struct traffic *traffic;
	struct stream_pool *streams;
	struct learned *learned;
	struct verdict_cache *cache;	  /* NULL: no kernel that has one */
	struct inspect_settings settings; /* by inspect_configure() only */
	const struct snapshot *snapshot;  /* borrowed */
	uint16_t leaving; /* see passage_mac_of(); or ENDPOINT_NONE */
	struct mac leaving_mac;
	bool capture;
	unsigned workers, number; /* as inspect_options */
	void (*on_flow_end)(void *arg, const struct session_record *s);
	void *on_flow_end_arg;
	usec_t now;  /* of the frame or call under way, for flow_ended() */
	usec_t aged; /* last time that all was aged */
	struct inspect_counts counts;
	struct blocks blocks;
	struct replies reply_limit;
	uint8_t send_buf[VERDICT_SEND_MAX][INJECT_FRAME_MAX];
	/* inspect/silent.c: of the last inspect_age(). */
	struct own_frame own_frames[2 * SILENT_PER_BATCH];
	uint8_t own_buf[2 * SILENT_PER_BATCH][INJECT_FRAME_MAX];
	unsigned n_own_frames;
};

/* One frame on its way; lives on the stack of inspect_frame(). */
struct passage {
	struct inspect *in;
	struct packet packet;
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
	const struct endpoint *e = snapshot_endpoint(in->snapshot, endpoint);

	if (e)
		return e->mac;
	if (endpoint != ENDPOINT_NONE && endpoint == in->leaving)
		return in->leaving_mac;
	return (struct mac){ { 0 } };
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
