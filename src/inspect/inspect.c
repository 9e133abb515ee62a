/*
 * Theory. inspect_frame() asks its questions in an order in which each answer
 * is final for the frames it decides:
 *
 *   1 whose is it, which way?   no workload: dropped, never flooded
 *   2 is it whole?              malformed: dropped, and counted by what is wrong
 *   3 does policy speak of it?  not IP, group destinations, neighbour
 *                               discovery: forwarded unjudged
 *   4 which flow is it?         later fragments by their first one; ICMP errors
 *                               by the packet they quote
 *   5 may that flow be?         judged when it is new or was judged under
 *                               another snapshot; else what was found then
 *   6 follow it                 state, counters, time-out
 *
 * Invariants. No frame that belongs to no flow is forwarded unjudged, whatever
 * its flags. A denied frame makes no flow, so a scan fills no table. A flow
 * that was allowed and is denied by a newer policy stays in the table, blocked,
 * until it ages out or a newer policy allows it again. A workload that is
 * tapped gets all of this, but nothing of it is forwarded.
 */
#include "inspect/inspect.h"

#include <stdlib.h>

#include "base/bug.h"
#include "base/limits.h"
#include "inspect/judge.h"
#include "inspect/passage.h"

struct inspect *inspect_new(const struct inspect_options *opt)
{
	struct inspect *in = calloc(1, sizeof *in);

	if (!in)
		return NULL;
	in->capture = opt->capture;
	in->blocks.seed = opt->seed;
	in->flows = flow_table_new(opt->max_flows, opt->seed);
	in->frags = frag_new(FRAG_TRACKS_MAX, opt->seed);
	in->grace = grace_new(opt->seed);
	if (!in->flows || !in->frags || !in->grace) {
		inspect_free(in);
		return NULL;
	}
	return in;
}

void inspect_free(struct inspect *in)
{
	if (!in)
		return;
	flow_table_free(in->flows);
	frag_free(in->frags);
	grace_free(in->grace);
	free(in);
}

const struct snapshot *inspect_adopt(struct inspect *in,
				     const struct snapshot *s)
{
	const struct snapshot *before = in->snapshot;

	in->snapshot = s;
	return before;
}

static enum reason malformed_reason(enum packet_outcome outcome)
{
	switch (outcome) {
	case PACKET_SHORT: return REASON_FRAME_SHORT;
	case PACKET_VLAN_DEPTH: return REASON_VLAN_DEPTH;
	case PACKET_IP_MALFORMED: return REASON_IP_MALFORMED;
	case PACKET_EXT_MALFORMED: return REASON_IP_EXT_MALFORMED;
	case PACKET_L4_MALFORMED: return REASON_L4_MALFORMED;
	case PACKET_TCP_FLAGS: return REASON_TCP_FLAGS;
	case PACKET_FRAG_TINY: return REASON_FRAG_TINY;
	case PACKET_OK:
	case PACKET_NOT_IP:
	case PACKET__MAX: break;
	}
	BUG_ON(true);
	return REASON_NONE;
}

/*
 * Step 1. A mark in the source wins: that frame comes from the workload. The
 * broadcast mark is one of destinations only.
 */
static bool find_endpoint(struct passage *w)
{
	const struct snapshot *s = w->in->snapshot;
	enum mac_role role = w->in->capture ? MAC_REAL : MAC_MARK;
	uint16_t index;

	w->ingress = false;
	index = ENDPOINT_NONE;
	if (!mac_is_group(w->packet.src))
		index = snapshot_find_mac(s, w->packet.src, role);
	if (index == ENDPOINT_NONE) {
		w->ingress = true;
		index = snapshot_find_mac(s, w->packet.dst, role);
	}
	w->index = index;
	w->endpoint = snapshot_endpoint(s, index);
	return w->endpoint != NULL;
}

/* What is nobody's (capture) is seen from the end with the lower address. */
static bool is_lower(struct ip_addr a, uint16_t a_port, struct ip_addr b,
		     uint16_t b_port)
{
	int order = ip_compare(a, b);

	return order < 0 || (order == 0 && a_port < b_port);
}

/* Step 4 for ICMP errors: they live by the flow they speak of. */
static void icmp_error(struct passage *w)
{
	const struct packet_quote *q = &w->packet.quote;
	struct flow_key k;
	struct flow *f = NULL;

	if (w->packet.has_quote) {
		if (!w->endpoint)
			w->ingress = is_lower(q->saddr, q->sport, q->daddr,
					      q->dport);
		k = flow_key_of_quote(&w->packet, w->index, w->ingress);
		f = flow_find(w->in->flows, &k);
	}
	if (f && !f->verdict.blocked)
		passage_forward(w, REASON_ICMP_RELATED);
	else if (!w->endpoint || !w->endpoint->policy)
		passage_forward(w, REASON_NO_POLICY);
	else
		passage_drop(w, REASON_ICMP_UNRELATED);
}

/* Step 4 for fragments: the first one's ports serve for all. */
static bool fragment_ports(struct passage *w)
{
	struct packet *p = &w->packet;
	struct frag_first first;

	if (!p->is_later) {
		frag_remember(w->in->frags, p, w->index, w->ingress, w->now);
		return true;
	}
	if (!frag_find(w->in->frags, p, w->index, w->ingress, w->now, &first)) {
		passage_drop(w, REASON_FRAG_NO_FIRST);
		return false;
	}
	frag_fill(p, &first);
	return true;
}

static void ip_packet(struct passage *w)
{
	const struct packet *p = &w->packet;
	struct flow_key k;
	struct flow *f;

	if (ip_is_multicast(p->daddr)) {
		passage_forward(w, REASON_MULTICAST);
		return;
	}
	if (packet_is_neighbour_discovery(p)) {
		passage_forward(w, REASON_NEIGHBOUR);
		return;
	}
	if (p->is_fragment && !fragment_ports(w))
		return;
	if (p->icmp_is_error) {
		icmp_error(w);
		return;
	}
	if (!w->endpoint)
		w->ingress = is_lower(p->daddr, p->dport, p->saddr, p->sport);
	k = flow_key_of(p, w->index, w->ingress);
	f = flow_find(w->in->flows, &k);
	if (f)
		judge_known_flow(w, f);
	else
		judge_new_flow(w, &k);
}

static void decide(struct passage *w, struct frame frame)
{
	enum packet_outcome outcome = packet_decode(&w->packet, frame);

	if (frame.too_long) {
		passage_drop(w, REASON_FRAME_TOO_LONG);
		return;
	}
	if (outcome == PACKET_SHORT || outcome == PACKET_VLAN_DEPTH) {
		passage_drop(w, malformed_reason(outcome));
		return;
	}
	if (!find_endpoint(w) && !w->in->capture) {
		passage_drop(w, REASON_NO_ENDPOINT);
		return;
	}
	if (outcome == PACKET_OK)
		ip_packet(w);
	else if (outcome == PACKET_NOT_IP)
		passage_forward(w, REASON_NOT_IP);
	else
		passage_drop(w, malformed_reason(outcome));
}

struct verdict inspect_frame(struct inspect *in, struct frame frame, usec_t now)
{
	struct inspect_counts *c = &in->counts;
	struct passage w = { .in = in, .now = now, .index = ENDPOINT_NONE };

	in->now = now;
	decide(&w, frame);
	if (w.endpoint && w.endpoint->tap && w.verdict.forward)
		passage_drop(&w, REASON_TAP);
	if (w.verdict.forward)
		c->forwarded[w.verdict.reason]++;
	else
		c->dropped[w.verdict.reason]++;
	if (w.endpoint && w.ingress) {
		c->frames_in++;
		c->bytes_in += frame.wire_len;
	} else if (w.endpoint) {
		c->frames_out++;
		c->bytes_out += frame.wire_len;
	}
	return w.verdict;
}

void inspect_age(struct inspect *in, usec_t now)
{
	in->now = now;
	(void)flow_expire(in->flows, now, EXPIRE_PER_BATCH);
}

bool inspect_end_flows(struct inspect *in, struct flow_pick pick,
		       uint32_t *cursor, uint32_t *ended)
{
	return flow_sweep(in->flows, pick, cursor, ended);
}

void inspect_forget_blocks(struct inspect *in, uint16_t endpoint)
{
	blocks_forget_endpoint(&in->blocks, endpoint);
}
