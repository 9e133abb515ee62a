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
#include "inspect/blocks.h"
#include "inspect/grace.h"
#include "packet/build.h"

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

static void forward(struct passage *w, enum reason reason)
{
	w->verdict.forward = true;
	w->verdict.reason = (uint8_t)reason;
}

static void drop(struct passage *w, enum reason reason)
{
	w->verdict.forward = false;
	w->verdict.reason = (uint8_t)reason;
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

static struct policy_query query_of(const struct flow_key *k,
				    bool client_is_own)
{
	struct policy_query q = {
		.client = client_is_own ? k->own : k->peer,
		.server = client_is_own ? k->peer : k->own,
		.server_port = client_is_own ? k->peer_port : k->own_port,
		.proto = k->proto,
		.ingress = !client_is_own,
	};

	return q;
}

/* Step 5, with grace (reference 5.5). */
static struct flow_verdict judge(struct passage *w, const struct flow_key *k,
				 bool client_is_own, bool *ret_reject)
{
	const struct snapshot *s = w->in->snapshot;
	struct policy_query q = query_of(k, client_is_own);
	struct judgement j = snapshot_judge(s, w->index, &q);
	uint32_t version = snapshot_version(s);

	if (j.grace_retries > 0) {
		bool external = j.flags & SESSION_EXTERNAL;
		struct ip_addr none = ip_from_v4(0);

		/* all external peers share one window */
		if (external && q.ingress)
			q.client = none;
		else if (external)
			q.server = none;
		if (grace_applies(w->in->grace, q.client, q.server, version,
				  j.grace_retries, w->now)) {
			j.action = POLICY_OPEN;
			j.reason = REASON_GRACE;
			j.flags |= SESSION_TMP_OPEN;
			/* not final: ask again with the next packet */
			version = 0;
		}
	}
	*ret_reject = j.reject;
	return (struct flow_verdict){ .snapshot_version = version,
				      .rule_id = j.rule_id,
				      .action = j.action,
				      .reason = j.reason,
				      .flags = j.flags,
				      .blocked = j.action == POLICY_DENY };
}

static void note_block(struct passage *w, const struct flow_key *k,
		       bool client_is_own, const struct flow_verdict *v)
{
	struct policy_query q = query_of(k, client_is_own);
	struct block_record r = {
		.ep_mac = w->endpoint ? w->endpoint->mac
				      : (struct mac){ { 0 } },
		.ingress = q.ingress,
		.from = q.client,
		.to = q.server,
		.to_port = q.server_port,
		.proto = q.proto,
		.reason = v->reason,
		.action = v->action,
		.rule_id = v->rule_id,
		.policy_version = snapshot_version(w->in->snapshot),
	};

	blocks_note(&w->in->blocks, w->index, &r, w->now);
}

static void send_own(struct passage *w,
		     bool (*build)(struct outbytes *, const struct packet *))
{
	struct verdict *v = &w->verdict;
	uint8_t *buf = w->in->send_buf[v->n_send];
	struct outbytes out = outbytes_of(buf, INJECT_FRAME_MAX);

	if (w->endpoint->tap || !build(&out, &w->packet))
		return;
	v->send[v->n_send++] = bytes_of(buf, outbytes_len(&out));
	w->in->counts.replies++;
}

/* A denied frame is answered as if its destination had refused it. */
static void reject(struct passage *w)
{
	if (w->packet.proto == PROTO_TCP && !w->packet.is_later)
		send_own(w, build_rst_back);
	else
		send_own(w, build_prohibited_back);
}

/* The first frame of what would be a flow. */
static void new_flow(struct passage *w, const struct flow_key *k)
{
	const struct packet *p = &w->packet;
	bool midstream, rejected, own;
	struct flow_verdict v;
	struct flow *f;

	own = flow_opener_is_own(p, w->ingress, &midstream);
	v = judge(w, k, own, &rejected);
	if (v.action >= POLICY_VIOLATE)
		note_block(w, k, own, &v);
	if (v.blocked) {
		drop(w, (enum reason)v.reason);
		if (rejected)
			reject(w);
		return;
	}
	forward(w, (enum reason)v.reason);
	/* the end of a connection nobody saw makes no flow */
	if (p->proto == PROTO_TCP && p->tcp_flags & (TCP_RST | TCP_FIN))
		return;
	f = flow_make(w->in->flows, k, p, own, midstream, w->now);
	if (!f) {
		w->in->counts.stateless++;
		return;
	}
	f->verdict = v;
	f->tap = w->endpoint && w->endpoint->tap;
	(void)flow_follow(w->in->flows, f, p, flow_sender(f, w->ingress),
			  w->now); /* a first packet is always in order */
}

/* The snapshot has changed since f was judged. */
static void rejudge(struct passage *w, struct flow *f)
{
	bool was_blocked = f->verdict.blocked, rejected;

	f->verdict = judge(w, &f->key, f->client_is_own, &rejected);
	if (f->verdict.action == POLICY_VIOLATE)
		note_block(w, &f->key, f->client_is_own, &f->verdict);
	if (!f->verdict.blocked || was_blocked)
		return;
	/* reference 3.5: a session that turns to deny is reset at both ends */
	if (f->key.proto == PROTO_TCP && !w->packet.is_later) {
		send_own(w, build_rst_back);
		send_own(w, build_rst_forward);
	} else if (rejected) {
		reject(w);
	}
}

/* A new connection on old ports: nothing of the old judgement counts. */
static bool reopened_may_be(struct passage *w, struct flow *f)
{
	bool rejected;

	f->verdict = judge(w, &f->key, f->client_is_own, &rejected);
	f->tap = w->endpoint && w->endpoint->tap;
	if (f->verdict.action >= POLICY_VIOLATE)
		note_block(w, &f->key, f->client_is_own, &f->verdict);
	if (!f->verdict.blocked)
		return true;
	drop(w, (enum reason)f->verdict.reason);
	flow_end(w->in->flows, f);
	if (rejected)
		reject(w);
	return false;
}

static void known_flow(struct passage *w, struct flow *f)
{
	const struct packet *p = &w->packet;
	enum flow_side side = flow_sender(f, w->ingress);
	enum flow_step step;

	step = flow_follow(w->in->flows, f, p, side, w->now);
	if (step == FLOW_STEP_REOPENED && !reopened_may_be(w, f))
		return;
	if (step == FLOW_STEP_OUT_OF_WINDOW)
		w->in->counts.out_of_window++;
	if (f->verdict.snapshot_version != snapshot_version(w->in->snapshot))
		rejudge(w, f);
	if (f->verdict.blocked) {
		note_block(w, &f->key, f->client_is_own, &f->verdict);
		drop(w, (enum reason)f->verdict.reason);
		return;
	}
	forward(w, (enum reason)f->verdict.reason);
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
		forward(w, REASON_ICMP_RELATED);
	else if (!w->endpoint || !w->endpoint->policy)
		forward(w, REASON_NO_POLICY);
	else
		drop(w, REASON_ICMP_UNRELATED);
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
		drop(w, REASON_FRAG_NO_FIRST);
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
		forward(w, REASON_MULTICAST);
		return;
	}
	if (packet_is_neighbour_discovery(p)) {
		forward(w, REASON_NEIGHBOUR);
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
		known_flow(w, f);
	else
		new_flow(w, &k);
}

static void decide(struct passage *w, struct frame frame)
{
	enum packet_outcome outcome = packet_decode(&w->packet, frame);

	if (frame.too_long) {
		drop(w, REASON_FRAME_TOO_LONG);
		return;
	}
	if (outcome == PACKET_SHORT || outcome == PACKET_VLAN_DEPTH) {
		drop(w, malformed_reason(outcome));
		return;
	}
	if (!find_endpoint(w) && !w->in->capture) {
		drop(w, REASON_NO_ENDPOINT);
		return;
	}
	if (outcome == PACKET_OK)
		ip_packet(w);
	else if (outcome == PACKET_NOT_IP)
		forward(w, REASON_NOT_IP);
	else
		drop(w, malformed_reason(outcome));
}

struct verdict inspect_frame(struct inspect *in, struct frame frame, usec_t now)
{
	struct inspect_counts *c = &in->counts;
	struct passage w = { .in = in, .now = now, .index = ENDPOINT_NONE };

	in->now = now;
	decide(&w, frame);
	if (w.endpoint && w.endpoint->tap && w.verdict.forward)
		drop(&w, REASON_TAP);
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

struct inspect_counts inspect_counts(const struct inspect *in)
{
	struct inspect_counts c = in->counts;

	c.flows = flow_counts(in->flows);
	c.frags = frag_stats(in->frags);
	c.grace_evicted = grace_evicted(in->grace);
	c.grace_in_use = grace_in_use(in->grace);
	c.blocks_evicted = in->blocks.evicted;
	c.blocks_in_use = in->blocks.in_use;
	return c;
}

static struct session_record record_of(const struct inspect *in,
				       const struct flow *f, usec_t now)
{
	const struct endpoint *e =
		snapshot_endpoint(in->snapshot, f->key.endpoint);
	const struct flow_key *k = &f->key;
	const struct flow_side_state *c = &f->side[FLOW_CLIENT];
	const struct flow_side_state *s = &f->side[FLOW_SERVER];
	bool own = f->client_is_own;
	bool ports = k->proto != PROTO_ICMP && k->proto != PROTO_ICMPV6;

	return (struct session_record){
		.id = f->id,
		.ep_mac = e ? e->mac : (struct mac){ { 0 } },
		.client_mac = c->mac,
		.server_mac = s->mac,
		.ethertype = f->ethertype,
		.vlans = k->vlans,
		.client = own ? k->own : k->peer,
		.server = own ? k->peer : k->own,
		.client_port = !ports ? 0
			       : own  ? k->own_port
				      : k->peer_port,
		.server_port = !ports ? 0
			       : own  ? k->peer_port
				      : k->own_port,
		.icmp_type = f->icmp_type,
		.icmp_code = f->icmp_code,
		.proto = k->proto,
		.client_packets = c->packets,
		.server_packets = s->packets,
		.client_bytes = c->bytes,
		.server_bytes = s->bytes,
		.client_state = c->state,
		.server_state = s->state,
		.idle_s = (uint32_t)(usec_since(now, f->last_seen) /
				     USEC_PER_SEC),
		.age_s = (uint32_t)(usec_since(now, f->first_seen) /
				    USEC_PER_SEC),
		.life_s = flow_life_s(f, now),
		.policy_id = f->verdict.rule_id,
		.policy_action = f->verdict.action,
		.reason = f->verdict.reason,
		.flags = f->verdict.flags | (own ? 0 : SESSION_INGRESS) |
			 (f->tap ? SESSION_TAP : 0) |
			 (f->midstream ? SESSION_MIDSTREAM : 0),
		.blocked = f->verdict.blocked,
	};
}

static void flow_ended(void *arg, const struct flow *f)
{
	struct inspect *in = arg;
	struct session_record s = record_of(in, f, in->now);

	in->on_flow_end(in->on_flow_end_arg, &s);
}

void inspect_on_flow_end(struct inspect *in,
			 void (*fn)(void *arg, const struct session_record *s),
			 void *arg)
{
	in->on_flow_end = fn;
	in->on_flow_end_arg = arg;
	flow_table_on_end(in->flows, fn ? flow_ended : NULL, in);
}

size_t inspect_copy_flows(struct inspect *in, uint32_t *cursor, usec_t now,
			  struct session_record *ret, size_t max)
{
	size_t n = 0;

	while (n < max) {
		struct flow *f = flow_next(in->flows, cursor);

		if (!f)
			break;
		ret[n++] = record_of(in, f, now);
	}
	return n;
}

size_t inspect_copy_blocks(const struct inspect *in,
			   struct block_record ret[static BLOCKS_MAX])
{
	return blocks_copy(&in->blocks, ret);
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
