#include "inspect/guard.h"

bool guard_is_dropped(enum dpi_action action)
{
	return action == DPI_DROP || action == DPI_RESET || action == DPI_BLOCK;
}

void guard_mark(struct flow *f, uint32_t id)
{
	const struct threat_kind *kind = threat_kind_find(id);

	if (kind->severity <= f->severity)
		return;
	f->severity = kind->severity;
	f->threat = (uint16_t)id;
}

bool guard_note(struct passage *w, uint32_t id, uint32_t count, bool decoded,
		struct flow *f)
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
	};
	enum dpi_action action;

	if (w->ingress)
		e.flags |= THREAT_PACKET_INGRESS;
	if (f ? !f->client_is_own : w->ingress)
		e.flags |= THREAT_SESSION_INGRESS;
	if (passage_is_watched(w))
		e.flags |= THREAT_TAP;
	action = threat_note(w->in->threats, &e, w->now);
	if (f && action != DPI_NONE)
		guard_mark(f, id);
	return guard_is_dropped(action);
}

/* One more for a meter; true: dropped. A tapped workload is only told of. */
static bool hit(struct passage *w, enum meter_kind kind, uint32_t threat)
{
	struct meter_answer a = meter_hit(w->in->meters, kind, w->index,
					  w->packet.saddr, w->now);

	if (a.limit && a.log_count && threat)
		(void)guard_note(w, threat, a.log_count, true, NULL);
	if (!a.limit || passage_is_watched(w))
		return false;
	passage_drop(w, REASON_FLOOD);
	return true;
}

bool guard_packet(struct passage *w)
{
	const struct packet *p = &w->packet;
	bool syn = p->proto == PROTO_TCP && p->tcp_flags & TCP_SYN;
	bool icmp = p->proto == PROTO_ICMP || p->proto == PROTO_ICMPV6;
	uint32_t threat;

	if (!w->endpoint || !(syn || icmp))
		return false;
	if (syn && w->ingress && !(p->tcp_flags & TCP_ACK) &&
	    hit(w, METER_SYN_FLOOD, THREAT_SYN_FLOOD))
		return true;
	if (icmp && packet_icmp_is_request(p) &&
	    hit(w, METER_ICMP_FLOOD, THREAT_ICMP_FLOOD))
		return true;
	threat = threat_in_packet(p);
	if (!threat || !guard_note(w, threat, 1, true, NULL) ||
	    passage_is_watched(w))
		return false;
	passage_drop(w, REASON_THREAT);
	return true;
}

bool guard_new_flow(struct passage *w)
{
	if (!w->endpoint || !w->ingress)
		return false;
	return (w->packet.proto == PROTO_UDP && hit(w, METER_UDP_FLOOD, 0)) ||
	       hit(w, METER_SESSION_RATE, 0);
}

bool guard_session(struct passage *w, bool client_is_own, uint32_t *ret_ticket)
{
	struct meter_answer a;

	*ret_ticket = 0;
	if (!w->endpoint || client_is_own)
		return false;
	a = meter_session_begin(w->in->meters, w->index,
				w->ingress ? w->packet.saddr : w->packet.daddr,
				w->now, ret_ticket);
	if (a.limit && a.log_count)
		(void)guard_note(w, THREAT_SOURCE_SESSIONS, a.log_count, true,
				 NULL);
	if (!a.limit || passage_is_watched(w))
		return false;
	passage_drop(w, REASON_FLOOD);
	return true;
}

bool guard_handshake(struct passage *w, struct flow *f, enum flow_side side)
{
	uint8_t flags = w->packet.tcp_flags & (TCP_SYN | TCP_ACK);
	bool drop;

	if (!w->endpoint || !f->split || side != FLOW_SERVER ||
	    flags != TCP_SYN || w->packet.proto != PROTO_TCP)
		return false;
	/* told once a flow, but each of them is dropped */
	if (f->split_noted)
		drop = guard_is_dropped(
			threat_action(w->in->threats, THREAT_SPLIT_HANDSHAKE));
	else
		drop = guard_note(w, THREAT_SPLIT_HANDSHAKE, 1, true, f);
	f->split_noted = true;
	if (!drop || passage_is_watched(w))
		return false;
	passage_drop(w, REASON_THREAT);
	return true;
}
