#include "inspect/guard.h"

#include <xxhash.h>

#include "inspect/payload.h"
#include "inspect/refuse.h"

/* Reference 6.2, 2016: from how wide a window, how long, and after how much. */
#define NARROW_FROM_KIB	    4
#define NARROW_MS	    8000
#define NARROW_CLIENT_BYTES 8192
#define NARROW_SERVER_BYTES 16384
/* 2020: so many answers in a row; of these sequence numbers back none counts. */
#define ECHO_DIFFERED 3
#define ECHO_BACK     64

bool guard_mark(struct flow *f, uint32_t id)
{
	const struct threat_kind *kind = threat_kind_find(id);

	if (kind->severity <= f->severity)
		return false;
	f->severity = kind->severity;
	f->threat = (uint16_t)id;
	return true;
}

/* It is looked for: whose flow met it? */
static void met(struct passage *w, struct flow *f, uint32_t id)
{
	uint8_t severity = threat_kind_find(id)->severity;

	if (!w->threat || threat_kind_find(w->threat)->severity < severity)
		w->threat = (uint16_t)id;
	if (f)
		w->marked |= guard_mark(f, id);
}

enum dpi_action guard_note(struct passage *w, uint32_t id, uint32_t count,
			   bool decoded, struct flow *f)
{
	struct threat_event e = {
		.id = id,
		.count = count,
		.endpoint = w->index,
		.ep_mac = w->endpoint ? w->endpoint->mac
				      : (struct mac){ { 0 } },
		.packet = &w->packet,
		.decoded = decoded,
		.swap = f && flow_sender(f, w->ingress) == FLOW_SERVER,
		.application = f ? payload_app(f) : 0,
	};
	enum dpi_action action;

	if (w->ingress)
		e.flags |= THREAT_PACKET_INGRESS;
	if (f ? !f->client_is_own : w->ingress)
		e.flags |= THREAT_SESSION_INGRESS;
	if (passage_is_watched(w))
		e.flags |= THREAT_TAP;
	action = threat_note(w->in->threats, &e, w->now);
	if (action != DPI_NONE)
		met(w, f, id);
	return action;
}

void guard_stop(struct passage *w, enum reason why, uint32_t threat)
{
	const struct packet *p = &w->packet;
	bool icmp = p->proto == PROTO_ICMP || p->proto == PROTO_ICMPV6;
	struct block_record r = {
		.ep_mac = passage_mac_of(w->in, w->index),
		.ingress = w->ingress,
		.from = p->saddr,
		.to = p->daddr,
		.to_port = p->dport,
		.proto = p->proto,
		.reason = (uint8_t)why,
		.threat = threat,
		.policy_version = snapshot_version(w->in->snapshot),
	};

	if (icmp)
		r.to_port = (uint16_t)(p->icmp_type << 8 | p->icmp_code);
	passage_drop(w, why);
	if (!passage_is_watched(w))
		blocks_note(&w->in->blocks, w->index, &r, 1, w->now);
}

/* true: that is what its action wants; a tapped workload is only told of. */
static bool stop(struct passage *w, enum reason why, uint32_t threat,
		 enum dpi_action action)
{
	if (!dpi_action_drops(action) || passage_is_watched(w))
		return false;
	guard_stop(w, why, threat);
	if (action == DPI_RESET && w->packet.proto == PROTO_TCP)
		refuse_sender(w);
	return true;
}

/*
 * What a meter answers. Over a limit that no threat stands for, or one that is
 * not looked for, a packet is dropped, too: the meter is enabled for itself.
 */
static bool heed(struct passage *w, struct meter_answer a, uint32_t threat,
		 struct flow *f)
{
	enum dpi_action action = DPI_NONE;

	if (!a.limit)
		return false;
	if (threat)
		action = threat_action(w->in->threats, threat);
	if (action == DPI_NONE)
		return stop(w, REASON_FLOOD, 0, DPI_DROP);
	if (a.log_count)
		(void)guard_note(w, threat, a.log_count, true, f);
	else
		met(w, f, threat); /* it is only not logged each time */
	return stop(w, REASON_FLOOD, threat, action);
}

/* One more for a meter; true: dropped. */
static bool hit(struct passage *w, enum meter_kind kind, uint32_t threat,
		struct flow *f)
{
	return heed(w,
		    meter_hit(w->in->meters, kind, w->index, w->packet.saddr,
			      w->now),
		    threat, f);
}

bool guard_packet(struct passage *w, struct flow *f)
{
	const struct packet *p = &w->packet;
	bool syn = p->proto == PROTO_TCP && p->tcp_flags & TCP_SYN;
	bool icmp = p->proto == PROTO_ICMP || p->proto == PROTO_ICMPV6;
	uint32_t threat;

	if (!w->endpoint || !(syn || icmp))
		return false;
	if (syn && w->ingress && !(p->tcp_flags & TCP_ACK) &&
	    hit(w, METER_SYN_FLOOD, THREAT_SYN_FLOOD, f))
		return true;
	if (icmp && packet_icmp_is_request(p) &&
	    hit(w, METER_ICMP_FLOOD, THREAT_ICMP_FLOOD, f))
		return true;
	threat = threat_in_packet(p);
	return threat && stop(w, REASON_THREAT, threat,
			      guard_note(w, threat, 1, true, f));
}

bool guard_new_flow(struct passage *w)
{
	if (!w->endpoint || !w->ingress)
		return false;
	return (w->packet.proto == PROTO_UDP &&
		hit(w, METER_UDP_FLOOD, 0, NULL)) ||
	       hit(w, METER_SESSION_RATE, 0, NULL);
}

bool guard_session(struct passage *w, struct flow *f, bool client_is_own,
		   uint32_t *ret_ticket)
{
	struct ip_addr source;

	*ret_ticket = 0;
	if (!w->endpoint || client_is_own)
		return false;
	source = w->ingress ? w->packet.saddr : w->packet.daddr;
	return heed(w,
		    meter_session_begin(w->in->meters, w->index, source, w->now,
					ret_ticket),
		    THREAT_SOURCE_SESSIONS, f);
}

bool guard_handshake(struct passage *w, struct flow *f, enum flow_side side)
{
	uint8_t flags = w->packet.tcp_flags & (TCP_SYN | TCP_ACK);
	enum dpi_action action;

	if (!w->endpoint || !f->split || side != FLOW_SERVER ||
	    flags != TCP_SYN || w->packet.proto != PROTO_TCP)
		return false;
	/* told once a flow, but each of them is dropped */
	action = f->split_noted
			 ? threat_action(w->in->threats, THREAT_SPLIT_HANDSHAKE)
			 : guard_note(w, THREAT_SPLIT_HANDSHAKE, 1, true, f);
	f->split_noted = true;
	return stop(w, REASON_THREAT, THREAT_SPLIT_HANDSHAKE, action);
}

/* Its window was wide, is next to nothing, and hardly anything was said. */
static bool is_narrow(const struct flow *f)
{
	const struct flow_side_state *c = &f->side[FLOW_CLIENT];
	const struct flow_side_state *s = &f->side[FLOW_SERVER];

	return c->narrow && c->widest > NARROW_FROM_KIB &&
	       c->bytes < NARROW_CLIENT_BYTES &&
	       s->bytes < NARROW_SERVER_BYTES && !f->midstream && !f->silent &&
	       !c->fin_seen && !s->fin_seen && !c->reset && !f->cut;
}

bool guard_waits(const struct inspect *in, const struct flow *f)
{
	return f->key.proto == PROTO_TCP && !f->midstream &&
	       f->side[FLOW_CLIENT].bytes < NARROW_CLIENT_BYTES &&
	       f->side[FLOW_SERVER].bytes < NARROW_SERVER_BYTES &&
	       threat_action(in->threats, THREAT_SMALL_WINDOW) != DPI_NONE;
}

bool guard_window(struct passage *w, struct flow *f)
{
	struct flow_side_state *c = &f->side[FLOW_CLIENT];
	uint32_t now_ms = (uint32_t)(w->now.us / 1000);
	enum dpi_action action;

	if (f->key.proto != PROTO_TCP || !w->endpoint)
		return false;
	if (!is_narrow(f) ||
	    threat_action(w->in->threats, THREAT_SMALL_WINDOW) == DPI_NONE) {
		c->narrow_timed = false;
		return false;
	}
	if (!c->narrow_timed) {
		c->narrow_timed = true;
		f->narrow_ms = now_ms;
	}
	if ((int32_t)(now_ms - f->narrow_ms) < NARROW_MS)
		return false;
	f->narrow_ms = now_ms; /* told of once more after as long */
	action = guard_note(w, THREAT_SMALL_WINDOW, 1, true, f);
	if (!dpi_action_drops(action) || passage_is_watched(w))
		return false;
	guard_stop(w, REASON_THREAT, THREAT_SMALL_WINDOW);
	if (action == DPI_RESET)
		refuse_both(w);
	flow_cut(w->in->flows, f, w->now);
	f->cut_why = REASON_THREAT;
	f->cut_id = THREAT_SMALL_WINDOW;
	return true;
}

/* A captured packet may be cut: then of what there is. */
static bool take_echo(const struct packet *p, uint16_t *ret_seq,
		      uint32_t *ret_hash)
{
	struct bytes b = p->payload;

	*ret_seq = p->icmp_seq;
	*ret_hash = (uint32_t)XXH3_64bits(b.begin, bytes_len(b));
	return bytes_len(b) == p->payload_len;
}

bool guard_echo(struct passage *w, struct flow *f)
{
	const struct packet *p = &w->packet;
	struct flow_echo *e = &f->echo;
	uint32_t hash;
	uint16_t seq;

	if (!w->endpoint || !packet_is_echo(p) || !take_echo(p, &seq, &hash))
		return false;
	if (packet_icmp_is_request(p)) {
		*e = (struct flow_echo){ hash, seq, e->differed, true };
		return false;
	}
	if (!e->pending)
		return false;
	/* of one that was asked before: which bytes, nobody knows any more */
	if (seq != e->seq && (uint16_t)(e->seq - seq) < ECHO_BACK)
		return false;
	e->pending = false;
	if (seq == e->seq && hash == e->asked) {
		e->differed = 0;
		return false;
	}
	if (++e->differed < ECHO_DIFFERED)
		return false;
	e->differed = 0;
	return stop(w, REASON_THREAT, THREAT_ICMP_TUNNEL,
		    guard_note(w, THREAT_ICMP_TUNNEL, 1, true, f));
}
