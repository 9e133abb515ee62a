/*
 * What the files of this folder share: the state of one pipeline, and one frame
 * on its way through it. Only for files of this folder.
 */
#pragma once

#include "inspect/blocks.h"
#include "inspect/grace.h"
#include "inspect/inspect.h"

struct inspect {
	struct flow_table *flows;
	struct frag_table *frags;
	struct grace *grace;
	const struct snapshot *snapshot; /* borrowed */
	bool capture;
	void (*on_flow_end)(void *arg, const struct session_record *s);
	void *on_flow_end_arg;
	usec_t now; /* of the frame or call under way, for flow_ended() */
	struct inspect_counts counts;
	struct blocks blocks;
	uint8_t send_buf[VERDICT_SEND_MAX][INJECT_FRAME_MAX];
};

/* One frame on its way; lives on the stack of inspect_frame(). */
struct passage {
	struct inspect *in;
	struct packet packet;
	const struct endpoint *endpoint; /* NULL: nobody's (capture) */
	uint16_t index;			 /* its index; ENDPOINT_NONE */
	bool ingress;
	usec_t now;
	struct verdict verdict;
};

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
