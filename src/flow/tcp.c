/*
 * What each end of a TCP connection knows, told from what passes between them.
 *
 * Kept are facts, not transitions: this side's SYN was seen, that was
 * acknowledged, a FIN was sent, and so on (the bits of struct flow_side_state).
 * The two states and the time-out class are computed from the facts, so
 * retransmissions, any order of arrival, simultaneous open and close need no
 * cases of their own.
 *
 * A segment of A (to B) is believed where B's own TCP would:
 *
 *            B.acked                B.edge
 *   ----------+=======================+---------  A's sequence numbers
 *   |<- back->|      B's window       |
 *
 * its begin lies not behind B.edge, its end not before B.acked by more than a
 * window (64 KiB at least: an old segment that comes late), or it begins just
 * where A ended. What it acknowledges must have been sent by B. When one of
 * the SYNs was not seen the scale of the windows is not known, and the largest
 * possible one is assumed. All else is out of window and changes nothing,
 * but for two cases in which both ends agree on what we missed: an ACK of what
 * B never sent here (follow_plain), a SYN in a living flow (follow_syn).
 *
 * A RST must hit the window exactly as known (never the assumed one), or the
 * next sequence, or acknowledge the SYN when it is the answer to one.
 *
 * Split handshake: the server answers the SYN with a SYN of its own, so that
 * the client sends the SYN+ACK, and who watches may take the one for the other.
 * Here who sent the first SYN stays the client, whatever follows. A real
 * simultaneous open (RFC 9293 3.5) looks the same up to that SYN; whether it
 * had left before the other arrived cannot be seen from between. Afterwards its
 * sender sends a SYN+ACK, too; of a split handshake only an ACK, unless it
 * cares to look real. That comes too late to keep the SYN from the client, so
 * f->split tells of every such SYN, real ones too.
 */
#include "flow/tcp.h"

/* An old segment may come this late at least; the reference says so, too. */
#define BACK_MIN 65536u
/* A first segment's window is not known: as the reference. */
#define AHEAD_MIN 65536u
/* The largest window there is: 16 bits, scaled by 14 (RFC 7323 2.3). */
#define WINDOW_MAX (65535u << 14)
/* A window that has no room even for a header's line. */
#define NARROW_MAX 16u
/* An ACK for unseen bytes moves the edge up to here; keeps compares valid. */
#define UNSEEN_MAX (1u << 28)

/* Sequence numbers wrap: valid for two less than 2^31 apart, RFC 9293 3.4. */
static bool seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static uint32_t seq_max(uint32_t a, uint32_t b)
{
	return seq_after(a, b) ? a : b;
}

static bool is_fin(const struct packet *p)
{
	/* Where the FIN of a fragment stands, is not known. */
	return (p->tcp_flags & TCP_FIN) && !p->is_fragment;
}

/* The sequence number behind p. */
static uint32_t end_of(const struct packet *p)
{
	return p->tcp_seq + p->payload_len + !!(p->tcp_flags & TCP_SYN) +
	       is_fin(p);
}

/* --- states, from the facts ---------------------------------------------- */

/* Mid-stream, both SYNs are taken for acknowledged long ago. */
static bool syn_is_acked(const struct flow *f, enum flow_side side)
{
	return f->midstream || f->side[side].syn_acked;
}

static uint8_t state_of(const struct flow *f, enum flow_side side)
{
	enum flow_side other = side == FLOW_CLIENT ? FLOW_SERVER : FLOW_CLIENT;
	const struct flow_side_state *a = &f->side[side], *b = &f->side[other];

	if (a->reset)
		return TCP_S_CLOSE;
	if (!a->has_isn && !f->midstream)
		return b->has_isn ? TCP_S_LISTEN : TCP_S_NONE;
	if (!syn_is_acked(f, other))
		return TCP_S_SYN_SENT;
	if (!syn_is_acked(f, side))
		return TCP_S_SYN_RECV;
	if (!a->fin_seen)
		return b->fin_seen ? TCP_S_CLOSE_WAIT : TCP_S_ESTABLISHED;
	if (a->fin_passive)
		return a->fin_acked ? TCP_S_CLOSE : TCP_S_LAST_ACK;
	if (a->fin_acked)
		return b->fin_seen ? TCP_S_TIME_WAIT : TCP_S_FIN_WAIT2;
	return b->fin_seen ? TCP_S_CLOSING : TCP_S_FIN_WAIT1;
}

/* Nearly all the time: what state_of() says of both then. */
static bool both_are_established(const struct flow *f)
{
	const struct flow_side_state *a = &f->side[FLOW_CLIENT];
	const struct flow_side_state *b = &f->side[FLOW_SERVER];

	if (a->reset || b->reset || a->fin_seen || b->fin_seen)
		return false;
	return f->midstream ||
	       (a->has_isn && b->has_isn && a->syn_acked && b->syn_acked);
}

static void name_states(struct flow *f)
{
	if (both_are_established(f)) {
		f->side[FLOW_CLIENT].state = f->side[FLOW_SERVER].state =
			TCP_S_ESTABLISHED;
		return;
	}
	f->side[FLOW_CLIENT].state = state_of(f, FLOW_CLIENT);
	f->side[FLOW_SERVER].state = state_of(f, FLOW_SERVER);
}

enum flow_class tcp_class(const struct flow *f)
{
	const struct flow_side_state *a = &f->side[FLOW_CLIENT];
	const struct flow_side_state *b = &f->side[FLOW_SERVER];

	if (f->cut)
		return FLOW_CLASS_TCP_CUT;
	if (a->reset || (a->fin_seen && b->fin_seen))
		return FLOW_CLASS_TCP_CLOSED;
	if (a->fin_acked || b->fin_acked)
		return FLOW_CLASS_TCP_HALF_CLOSED;
	if (syn_is_acked(f, FLOW_CLIENT) && syn_is_acked(f, FLOW_SERVER) &&
	    a->heard && b->heard)
		return FLOW_CLASS_TCP_ESTABLISHED;
	return FLOW_CLASS_TCP_OPENING;
}

bool tcp_client_is_silent(const struct flow *f)
{
	const struct flow_side_state *client = &f->side[FLOW_CLIENT];

	return client->has_isn && client->next_seq == client->isn + 1;
}

void tcp_cut(struct flow *f)
{
	f->side[FLOW_CLIENT].reset = f->side[FLOW_SERVER].reset = true;
	f->cut = true;
	name_states(f);
}

/* Both ends are done with it: in CLOSE or TIME_WAIT. */
static bool is_over(const struct flow *f)
{
	const struct flow_side_state *a = &f->side[FLOW_CLIENT];
	const struct flow_side_state *b = &f->side[FLOW_SERVER];

	return a->reset || (a->fin_acked && b->fin_acked);
}

/* --- windows -------------------------------------------------------------- */

static bool scale_is_known(const struct flow *f)
{
	return f->side[FLOW_CLIENT].syn_seen && f->side[FLOW_SERVER].syn_seen;
}

/* Scaling is on when both SYNs offered it; never in a SYN itself. */
static uint32_t window_of(const struct flow *f, const struct packet *p,
			  enum flow_side side)
{
	bool scaled = f->side[FLOW_CLIENT].has_wscale &&
		      f->side[FLOW_SERVER].has_wscale &&
		      !(p->tcp_flags & TCP_SYN);

	return (uint32_t)p->tcp_window << (scaled ? f->side[side].wscale : 0);
}

/* How far behind what b acknowledged a segment to b may end. */
static uint32_t back_of(const struct flow *f, const struct flow_side_state *b)
{
	uint32_t window = b->edge - b->acked;

	if (!scale_is_known(f))
		return WINDOW_MAX;
	return window > BACK_MIN ? window : BACK_MIN;
}

static bool seq_is_ok(const struct flow *f, const struct packet *p,
		      enum flow_side side)
{
	const struct flow_side_state *a = &f->side[side], *b = &f->side[!side];
	uint32_t end = end_of(p), edge;

	/* B has heard A's last word. */
	if (a->fin_acked && seq_after(end, a->fin_seq + 1))
		return false;
	if (!a->has_seq || p->tcp_seq == a->next_seq)
		return true;
	if (!b->acked_any)
		return !seq_after(p->tcp_seq, a->next_seq + AHEAD_MIN) &&
		       !seq_after(a->next_seq - BACK_MIN, end);
	edge = scale_is_known(f) ? b->edge
				 : seq_max(b->edge, b->acked + WINDOW_MAX);
	return !seq_after(p->tcp_seq, edge) &&
	       !seq_after(b->acked - back_of(f, b), end);
}

/* Does a, by p, acknowledge what b has never sent here? */
static bool ack_is_ahead(const struct flow_side_state *b,
			 const struct packet *p)
{
	return b->has_seq && seq_after(p->tcp_ack, b->next_seq);
}

/* Is that so old that no late segment explains it (RFC 5961 5.2)? */
static bool ack_is_behind(const struct flow *f, const struct packet *p,
			  enum flow_side side)
{
	const struct flow_side_state *a = &f->side[side], *b = &f->side[!side];

	if (a->acked_any)
		return seq_after(a->acked - back_of(f, a), p->tcp_ack);
	if (b->has_isn)
		return !seq_after(p->tcp_ack, b->isn);
	/* mid-stream: it was sent after what b has in flight was asked for */
	return b->has_seq && seq_after(b->next_seq - WINDOW_MAX, p->tcp_ack);
}

/* p acknowledges the SYN of b, and no more than b has sent. */
static bool acks_syn(const struct flow_side_state *b, const struct packet *p)
{
	return (p->tcp_flags & TCP_ACK) && b->has_isn &&
	       seq_after(p->tcp_ack, b->isn) &&
	       !seq_after(p->tcp_ack, b->next_seq);
}

/* --- facts, from segments -------------------------------------------------- */

/* The first SYN of a, or one with a new number: what b acknowledged is void. */
static void take_syn(struct flow *f, const struct packet *p,
		     enum flow_side side)
{
	struct flow_side_state *a = &f->side[side], *b = &f->side[!side];

	a->isn = p->tcp_seq;
	a->next_seq = end_of(p);
	a->has_isn = a->has_seq = a->syn_seen = a->heard = true;
	a->has_wscale = p->tcp_has_wscale;
	a->wscale = p->tcp_wscale;
	a->syn_acked = false;
	b->acked_any = false;
}

static void move_edge(struct flow *f, const struct packet *p,
		      enum flow_side side)
{
	struct flow_side_state *a = &f->side[side];
	uint32_t window = window_of(f, p, side);
	uint32_t edge = p->tcp_ack + window;

	a->narrow = window < NARROW_MAX;
	if (window >> 10 > a->widest)
		a->widest = window >> 10 < UINT8_MAX ? (uint8_t)(window >> 10)
						     : UINT8_MAX;
	a->edge = a->acked_any ? seq_max(a->edge, edge) : edge;
}

/* p's acknowledgement, which is neither ahead nor behind. */
static void take_ack(struct flow *f, const struct packet *p,
		     enum flow_side side)
{
	struct flow_side_state *a = &f->side[side], *b = &f->side[!side];
	uint32_t ack = p->tcp_ack;

	if (!b->has_seq) {
		b->has_seq = true;
		b->next_seq = ack;
		b->has_isn = !f->midstream;
		b->isn = ack - 1;
	}
	b->next_seq = seq_max(b->next_seq, ack);
	move_edge(f, p, side);
	a->acked = a->acked_any ? seq_max(a->acked, ack) : ack;
	a->acked_any = true;
	if (b->has_isn && seq_after(ack, b->isn))
		b->syn_acked = true;
	if (b->fin_seen && seq_after(ack, b->fin_seq))
		b->fin_acked = true;
}

/* p's bytes and FIN; its acknowledgement has been taken. */
static void take_bytes_of(struct flow *f, const struct packet *p,
			  enum flow_side side)
{
	struct flow_side_state *a = &f->side[side], *b = &f->side[!side];
	uint32_t end = end_of(p);

	a->next_seq = a->has_seq ? seq_max(a->next_seq, end) : end;
	a->has_seq = a->heard = true;
	/* Bytes in the FIN's place: it was not a's, somebody slipped it in. */
	if (a->fin_seen && !a->fin_acked && p->payload_len > 0 &&
	    seq_after(p->tcp_seq + p->payload_len, a->fin_seq))
		a->fin_seen = false;
	if (is_fin(p) && !a->fin_seen && end == a->next_seq) {
		a->fin_seen = true;
		a->fin_seq = end - 1;
		a->fin_passive = b->fin_acked;
	}
}

/* --- what was carried without being shown here --------------------------- */

/* More than that since we were told, and the numbers may have gone round. */
#define CARRIED_AROUND (1u << 30)

void tcp_carried(struct flow *f,
		 const struct flow_carried by_side[static FLOW_SIDE__MAX])
{
	bool around = by_side[FLOW_CLIENT].bytes > CARRIED_AROUND ||
		      by_side[FLOW_SERVER].bytes > CARRIED_AROUND;
	bool scaled = f->side[FLOW_CLIENT].has_wscale &&
		      f->side[FLOW_SERVER].has_wscale;

	for (int i = 0; i < FLOW_SIDE__MAX; i++) {
		struct flow_side_state *a = &f->side[i], *b = &f->side[!i];
		const struct flow_carried *c = &by_side[i];
		uint32_t edge =
			c->ack + (c->window << (scaled ? a->wscale : 0));

		if (!c->packets)
			continue;
		a->next_seq = around ? c->seq : seq_max(a->next_seq, c->seq);
		a->acked = around ? c->ack : seq_max(a->acked, c->ack);
		a->edge = around ? edge : seq_max(a->edge, edge);
		a->heard = a->has_seq = a->acked_any = true;
		if (b->fin_seen && seq_after(c->ack, b->fin_seq))
			b->fin_acked = true;
	}
	name_states(f);
}

/* --- a new connection in an old flow ---------------------------------------- */

enum flow_side tcp_reopener(const struct packet *p, enum flow_side side)
{
	enum flow_side other = side == FLOW_CLIENT ? FLOW_SERVER : FLOW_CLIENT;

	return p->tcp_flags & TCP_ACK ? other : side;
}

static bool answers_challenge(const struct flow *f, const struct packet *p,
			      enum flow_side side)
{
	const struct flow_challenge *c = &f->challenge;

	return c->pending && c->side != side && seq_after(p->tcp_ack, c->isn) &&
	       !seq_after(p->tcp_ack, c->next_seq);
}

/* The client's own SYN again, now with an ACK: that is no new connection. */
static bool is_clients_syn(const struct flow *f, const struct packet *p,
			   enum flow_side side)
{
	const struct flow_side_state *a = &f->side[FLOW_CLIENT];

	return side == FLOW_CLIENT && a->syn_seen && p->tcp_seq == a->isn;
}

/* The client has agreed to another SYN of the server's than was taken. */
static void take_challenge(struct flow *f)
{
	struct flow_side_state *server = &f->side[FLOW_SERVER];
	struct flow_challenge *c = &f->challenge;

	server->isn = c->isn;
	server->next_seq = c->next_seq;
	server->has_wscale = c->has_wscale;
	server->wscale = c->wscale;
	server->has_isn = server->has_seq = server->syn_seen = true;
	f->side[FLOW_CLIENT].acked_any = false;
	f->split = true;
	c->pending = false;
}

/* The client has begun, and neither side has acknowledged a SYN yet. */
static bool is_unanswered(const struct flow *f)
{
	const struct flow_side_state *client = &f->side[FLOW_CLIENT];
	const struct flow_side_state *server = &f->side[FLOW_SERVER];

	return !f->midstream && client->syn_seen && !client->syn_acked &&
	       !server->syn_acked;
}

/* --- one segment, by its flags ----------------------------------------------- */

static enum flow_step follow_syn(struct flow *f, const struct packet *p,
				 enum flow_side side)
{
	struct flow_side_state *a = &f->side[side], *b = &f->side[!side];

	if (is_over(f))
		return FLOW_STEP_REOPENED;
	if (a->syn_seen && p->tcp_seq == a->isn)
		return FLOW_STEP_RETRANSMIT;
	/* Not an answer, but another SYN; see the head. */
	if (side == FLOW_SERVER && is_unanswered(f)) {
		take_syn(f, p, side);
		f->split = true;
		return FLOW_STEP_OK;
	}
	if (!a->heard && !f->midstream) {
		take_syn(f, p, side);
		return FLOW_STEP_OK;
	}
	/* Nobody has ever answered what there is. */
	if (!b->heard)
		return FLOW_STEP_REOPENED;
	/*
	 * Its receiver answers with a challenge ACK (RFC 5961 4.2), and the
	 * flow goes on; only if it agrees with a SYN+ACK has it lost the old
	 * connection, and the flow is reopened.
	 */
	f->challenge = (struct flow_challenge){
		.isn = p->tcp_seq,
		.next_seq = end_of(p),
		.wscale = p->tcp_wscale,
		.has_wscale = p->tcp_has_wscale,
		.pending = true,
		.side = side,
	};
	return FLOW_STEP_OUT_OF_WINDOW;
}

static enum flow_step follow_syn_ack(struct flow *f, const struct packet *p,
				     enum flow_side side)
{
	struct flow_side_state *a = &f->side[side], *b = &f->side[!side];
	bool is_first = !a->has_seq && !b->has_seq && !f->midstream;
	bool is_same = a->syn_seen && p->tcp_seq == a->isn;

	if (answers_challenge(f, p, side)) {
		if (!is_clients_syn(f, p, side))
			return FLOW_STEP_REOPENED;
		if (!b->syn_acked)
			take_challenge(f);
	}
	if (!is_first && !acks_syn(b, p))
		return FLOW_STEP_OUT_OF_WINDOW;
	/*
	 * One SYN+ACK may give way to another as long as its receiver has not
	 * agreed to it: SYN cookies change with time. What was only concluded
	 * from an ACK gives way at any time.
	 */
	if (a->syn_seen && a->syn_acked && !is_same)
		return FLOW_STEP_OUT_OF_WINDOW;
	if (!is_same)
		take_syn(f, p, side);
	take_ack(f, p, side);
	return is_same ? FLOW_STEP_RETRANSMIT : FLOW_STEP_OK;
}

/* RFC 9293 3.10.7.3, and RFC 5961 3.2 but for its challenge. */
static bool rst_is_ok(const struct flow *f, const struct packet *p,
		      enum flow_side side)
{
	const struct flow_side_state *a = &f->side[side], *b = &f->side[!side];

	if (!a->has_seq && !b->has_seq)
		return true; /* the flow's first packet */
	if (!b->syn_acked && acks_syn(b, p))
		return true;
	if (a->has_seq && p->tcp_seq == a->next_seq)
		return true;
	return b->acked_any && p->tcp_seq - b->acked <= b->edge - b->acked;
}

static enum flow_step follow_rst(struct flow *f, const struct packet *p,
				 enum flow_side side)
{
	struct flow_side_state *a = &f->side[side], *b = &f->side[!side];

	if (!rst_is_ok(f, p, side))
		return FLOW_STEP_OUT_OF_WINDOW;
	if (a->reset)
		return FLOW_STEP_RETRANSMIT;
	a->heard = true;
	a->reset = b->reset = true;
	return FLOW_STEP_OK;
}

static enum flow_step follow_plain(struct flow *f, const struct packet *p,
				   enum flow_side side)
{
	struct flow_side_state *a = &f->side[side], *b = &f->side[!side];
	uint32_t end = end_of(p);
	bool is_old =
		(b->acked_any && !seq_after(end, b->acked)) ||
		(a->fin_seen && end == a->fin_seq + 1 && p->payload_len == 0);

	/* Without its SYN a side has nothing to say, unless all is missed. */
	if (!(p->tcp_flags & TCP_ACK) || (!a->has_seq && !f->midstream) ||
	    !seq_is_ok(f, p, side))
		return FLOW_STEP_OUT_OF_WINDOW;
	/*
	 * Either A lies, or we missed frames (tap). It moves A.edge, so B's next
	 * segment, if there is one, is believed. It is not taken for B's
	 * sequence itself: then A alone could put us out of step with B.
	 */
	if (ack_is_ahead(b, p)) {
		if (a->acked_any && p->tcp_ack - b->next_seq < UNSEEN_MAX)
			move_edge(f, p, side);
		return FLOW_STEP_OUT_OF_WINDOW;
	}
	if (ack_is_behind(f, p, side))
		return FLOW_STEP_OUT_OF_WINDOW;
	take_ack(f, p, side);
	take_bytes_of(f, p, side);
	return is_old && end != p->tcp_seq ? FLOW_STEP_RETRANSMIT
					   : FLOW_STEP_OK;
}

enum flow_step tcp_follow(struct flow *f, const struct packet *p,
			  enum flow_side side)
{
	enum flow_step step;

	if (p->tcp_flags & TCP_RST)
		step = follow_rst(f, p, side);
	else if (!(p->tcp_flags & TCP_SYN))
		step = follow_plain(f, p, side);
	else if (p->tcp_flags & TCP_ACK)
		step = follow_syn_ack(f, p, side);
	else
		step = follow_syn(f, p, side);
	name_states(f);
	return step;
}
