/*
 * Following a TCP connection from the middle (RFC 9293, RFC 5961, RFC 7323).
 *
 * Of each side is kept what it has sent (next_seq), what it has acknowledged
 * (acked) and how far it allows the other to send (edge = highest ACK +
 * window). A segment is believable when a receiver could believe it:
 *
 *   other.acked - BEHIND_MAX  <=  its end,   its seq  <=  other.edge
 *   its ACK  <=  other.next_seq      (nobody acknowledges what was not sent)
 *
 * What is not known is not held against it: a side that has not acknowledged
 * anything yet limits nothing; a flow picked up mid-stream does not know the
 * window scale and assumes the largest; after fragments, whose later parts
 * carry no sequence, next_seq may be behind and does not limit ACKs.
 *
 * States are derived from facts (SYN seen and acknowledged, FIN seen and
 * acknowledged, reset), never moved on by hand, so that retransmitted,
 * reordered and simultaneous segments need no cases of their own:
 *
 *   client SYN_SENT ─ SYN+ACK: server SYN_RECV ─ ACK: both ESTABLISHED
 *   FIN: sender FIN_WAIT1, other CLOSE_WAIT; acknowledged: FIN_WAIT2
 *   both FINs: TIME_WAIT / LAST_ACK / CLOSING; RST: both CLOSE
 *
 * A SYN on a live connection cannot be believed (RFC 5961 4), but its receiver
 * may have lost the connection: the SYN is remembered as a challenge, and if
 * the receiver answers it with SYN+ACK, the flow is taken over.
 */
#include "flow/tcp.h"

/* Reference 4: this far behind the last ACK is an old duplicate, no attack. */
#define BEHIND_MAX 65536
/* RFC 7323 2.3 */
#define WSCALE_MAX 14

/* Sequence numbers wrap: a is before b. */
static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static bool is_established(const struct flow *f)
{
	return f->midstream || (f->side[FLOW_CLIENT].syn_acked &&
				f->side[FLOW_SERVER].syn_acked);
}

static bool is_closed(const struct flow *f)
{
	return f->side[FLOW_CLIENT].reset ||
	       (f->side[FLOW_CLIENT].fin_seen && f->side[FLOW_SERVER].fin_seen);
}

/* Sequence space a segment takes. */
static uint32_t seq_len(const struct packet *p)
{
	return p->payload_len + !!(p->tcp_flags & TCP_SYN) +
	       !!(p->tcp_flags & TCP_FIN);
}

static uint8_t state_of(const struct flow_side_state *me,
			const struct flow_side_state *other, bool established)
{
	if (me->reset)
		return TCP_S_CLOSE;
	if (me->fin_seen) {
		if (!me->fin_acked)
			return me->fin_passive	 ? TCP_S_LAST_ACK
			       : other->fin_seen ? TCP_S_CLOSING
						 : TCP_S_FIN_WAIT1;
		return me->fin_passive	 ? TCP_S_CLOSE
		       : other->fin_seen ? TCP_S_TIME_WAIT
					 : TCP_S_FIN_WAIT2;
	}
	if (other->fin_seen)
		return TCP_S_CLOSE_WAIT;
	if (established)
		return TCP_S_ESTABLISHED;
	if (!me->has_isn)
		return TCP_S_LISTEN;
	return other->has_isn && me->acked_any ? TCP_S_SYN_RECV
					       : TCP_S_SYN_SENT;
}

static void derive_states(struct flow *f)
{
	struct flow_side_state *c = &f->side[FLOW_CLIENT];
	struct flow_side_state *s = &f->side[FLOW_SERVER];
	bool established = is_established(f);

	c->state = state_of(c, s, established);
	s->state = state_of(s, c, established);
}

enum flow_class tcp_class(const struct flow *f)
{
	const struct flow_side_state *c = &f->side[FLOW_CLIENT];
	const struct flow_side_state *s = &f->side[FLOW_SERVER];

	if (is_closed(f))
		return FLOW_CLASS_TCP_CLOSED;
	if ((c->fin_seen && c->fin_acked) || (s->fin_seen && s->fin_acked))
		return FLOW_CLASS_TCP_HALF_CLOSED;
	/* mid-stream both count as established; first let both be heard */
	return is_established(f) && c->heard && s->heard
		       ? FLOW_CLASS_TCP_ESTABLISHED
		       : FLOW_CLASS_TCP_OPENING;
}

enum flow_side tcp_reopener(const struct packet *p, enum flow_side side)
{
	enum flow_side other = side == FLOW_CLIENT ? FLOW_SERVER : FLOW_CLIENT;

	return p->tcp_flags & TCP_ACK ? other : side;
}

/* Both must offer it, else nobody scales (RFC 7323 2.2). */
static uint32_t scaled_window(const struct flow_side_state *me,
			      const struct flow_side_state *other,
			      const struct packet *p)
{
	if (p->tcp_flags & TCP_SYN)
		return p->tcp_window;
	if (!me->syn_seen || !other->syn_seen)
		return (uint32_t)p->tcp_window << WSCALE_MAX;
	if (!me->has_wscale || !other->has_wscale)
		return p->tcp_window;
	return (uint32_t)p->tcp_window << me->wscale;
}

static void take_ack(struct flow_side_state *me, struct flow_side_state *other,
		     const struct packet *p)
{
	uint32_t edge = p->tcp_ack + scaled_window(me, other, p);

	if (!me->acked_any || before(me->edge, edge))
		me->edge = edge;
	if (!me->acked_any || before(me->acked, p->tcp_ack))
		me->acked = p->tcp_ack;
	me->acked_any = true;
	if (!other->has_seq) {
		other->next_seq = p->tcp_ack;
		other->has_seq = true;
	}
	if (other->has_isn && before(other->isn, p->tcp_ack))
		other->syn_acked = true;
	if (other->fin_seen && before(other->fin_seq, p->tcp_ack))
		other->fin_acked = true;
}

static void take_seq(struct flow_side_state *me,
		     const struct flow_side_state *other,
		     const struct packet *p)
{
	uint32_t end = p->tcp_seq + seq_len(p);

	if (p->tcp_flags & TCP_SYN && !me->syn_seen) {
		me->isn = p->tcp_seq;
		me->has_isn = me->syn_seen = true;
		me->has_wscale = p->tcp_has_wscale;
		me->wscale = p->tcp_wscale;
	}
	if (!me->has_seq || before(me->next_seq, end))
		me->next_seq = end;
	me->has_seq = true;
	if (p->tcp_flags & TCP_FIN && !me->fin_seen) {
		me->fin_seen = true;
		me->fin_seq = end - 1;
		me->fin_passive = other->fin_seen && other->fin_acked;
	}
	me->heard = true;
	me->fragmented |= p->is_fragment;
}

/* Could a receiver believe this segment's place and its ACK? */
static bool in_window(const struct flow_side_state *me,
		      const struct flow_side_state *other,
		      const struct packet *p)
{
	uint32_t end = p->tcp_seq + seq_len(p);

	if (other->acked_any && (before(end, other->acked - BEHIND_MAX) ||
				 before(other->edge, p->tcp_seq)))
		return false;
	if (p->tcp_flags & TCP_ACK && other->has_seq && !other->fragmented &&
	    before(other->next_seq, p->tcp_ack))
		return false;
	/* what it sent before limits a side that was never acknowledged */
	return other->acked_any || !me->has_seq ||
	       !before(me->next_seq + BEHIND_MAX, p->tcp_seq);
}

/* RFC 5961 3.2, and RFC 9293 3.10.7.3 for one who only sent a SYN. */
static bool rst_believable(const struct flow_side_state *me,
			   const struct flow_side_state *other,
			   const struct packet *p)
{
	if (!me->heard && other->syn_seen && !other->acked_any)
		return p->tcp_flags & TCP_ACK && p->tcp_ack == other->next_seq;
	if (other->acked_any)
		return !before(p->tcp_seq, other->acked) &&
		       !before(other->edge, p->tcp_seq);
	return !me->has_seq || p->tcp_seq == me->next_seq;
}

static enum flow_step challenge(struct flow *f, const struct packet *p,
				enum flow_side side)
{
	f->challenge = (struct flow_challenge){
		.isn = p->tcp_seq,
		.next_seq = p->tcp_seq + seq_len(p),
		.wscale = p->tcp_wscale,
		.has_wscale = p->tcp_has_wscale,
		.pending = true,
		.side = (uint8_t)side,
	};
	return FLOW_STEP_OUT_OF_WINDOW;
}

/* A SYN or SYN+ACK; FLOW_STEP_OK: it may be taken like other segments. */
static enum flow_step check_syn(struct flow *f, const struct packet *p,
				enum flow_side side)
{
	const struct flow_side_state *me = &f->side[side];
	const struct flow_side_state *other = &f->side[!side];
	bool ack = p->tcp_flags & TCP_ACK;

	if (me->syn_seen && p->tcp_seq == me->isn)
		return FLOW_STEP_RETRANSMIT;
	if (!ack) {
		if (is_closed(f))
			return FLOW_STEP_REOPENED;
		if (is_established(f))
			return challenge(f, p, side);
		/* another try on the same ports; or simultaneous open */
		return me->syn_seen ? FLOW_STEP_REOPENED : FLOW_STEP_OK;
	}
	if (f->challenge.pending && f->challenge.side != side &&
	    p->tcp_ack == f->challenge.next_seq)
		return FLOW_STEP_REOPENED;
	if (me->syn_seen || is_established(f) || is_closed(f))
		return FLOW_STEP_OUT_OF_WINDOW;
	if (other->has_isn && (!before(other->isn, p->tcp_ack) ||
			       before(other->next_seq, p->tcp_ack)))
		return FLOW_STEP_OUT_OF_WINDOW;
	return FLOW_STEP_OK;
}

static enum flow_step follow_rst(struct flow *f, const struct packet *p,
				 enum flow_side side)
{
	if (!rst_believable(&f->side[side], &f->side[!side], p))
		return FLOW_STEP_OUT_OF_WINDOW;
	f->side[side].heard = true;
	f->side[FLOW_CLIENT].reset = true;
	f->side[FLOW_SERVER].reset = true;
	derive_states(f);
	return FLOW_STEP_OK;
}

/* A flow whose first segment is SYN+ACK knows the client's SYN by it. */
static void learn_client(struct flow *f, const struct packet *p,
			 enum flow_side side)
{
	struct flow_side_state *other = &f->side[!side];

	if (other->has_isn || other->heard)
		return;
	other->isn = p->tcp_ack - 1;
	other->has_isn = true;
	other->next_seq = p->tcp_ack;
	other->has_seq = true;
}

enum flow_step tcp_follow(struct flow *f, const struct packet *p,
			  enum flow_side side)
{
	struct flow_side_state *me = &f->side[side];
	struct flow_side_state *other = &f->side[!side];
	enum flow_step step = FLOW_STEP_OK;

	if (p->is_later) {
		me->fragmented = true;
		return FLOW_STEP_OK;
	}
	if (p->tcp_flags & TCP_RST)
		return follow_rst(f, p, side);
	if (p->tcp_flags & TCP_SYN) {
		step = check_syn(f, p, side);
		if (step == FLOW_STEP_OUT_OF_WINDOW ||
		    step == FLOW_STEP_REOPENED)
			return step;
		if (p->tcp_flags & TCP_ACK)
			learn_client(f, p, side);
	} else if (!in_window(me, other, p)) {
		return FLOW_STEP_OUT_OF_WINDOW;
	} else if (seq_len(p) && other->acked_any &&
		   !before(other->acked, p->tcp_seq + seq_len(p))) {
		step = FLOW_STEP_RETRANSMIT;
	}
	/* first the ACK: a FIN that acknowledges the other's is passive */
	if (p->tcp_flags & TCP_ACK)
		take_ack(me, other, p);
	take_seq(me, other, p);
	derive_states(f);
	return step;
}
