#include "inspect/session.h"

#include "base/unset.h"
#include "inspect/payload.h"
#include "packet/packet.h"

static bool has_ports(uint8_t proto)
{
	return proto != PROTO_ICMP && proto != PROTO_ICMPV6;
}

/* What was denied without a session: all but its numbers. */
static struct report_session describe(const struct inspect *in,
				      const struct flow_key *k,
				      bool client_is_own,
				      const struct flow_verdict *v)
{
	uint16_t flags = v->flags | (client_is_own ? 0 : SESSION_INGRESS);
	bool ports = has_ports(k->proto);

	return (struct report_session){
		.endpoint = k->endpoint,
		.ep_mac = passage_mac_of(in, k->endpoint),
		.client = client_is_own ? k->own : k->peer,
		.server = client_is_own ? k->peer : k->own,
		.client_port = !ports	       ? 0
			       : client_is_own ? k->own_port
					       : k->peer_port,
		.server_port = !ports	       ? 0
			       : client_is_own ? k->peer_port
					       : k->own_port,
		.proto = k->proto,
		.action = v->action,
		.flags = report_flags(flags),
		.policy_id = v->rule_id,
	};
}

static bool is_established(const struct flow *f)
{
	return f->midstream || (f->side[FLOW_CLIENT].syn_acked &&
				f->side[FLOW_SERVER].syn_acked);
}

/* Its application will not be another one; or it says too little to know it. */
static bool is_certain(const struct flow *f, usec_t now)
{
	if (f->key.proto != PROTO_TCP && f->side[FLOW_SERVER].packets == 0)
		return false;
	return f->app_state != FLOW_APP_OPEN ||
	       usec_since(now, f->first_seen) >= REPORT_APP_WAIT_US;
}

/* By a packet alone it would not be told of for the first time (report.h). */
static bool is_too_early(const struct flow *f, usec_t now)
{
	return !f->told.started &&
	       (!is_certain(f, now) ||
		(f->key.proto == PROTO_TCP && !is_established(f)));
}

static struct report_session report_of(const struct inspect *in,
				       const struct flow *f)
{
	struct report_session s =
		describe(in, &f->key, f->client_is_own, &f->verdict);

	s.application = payload_app(f);
	s.app_certain = is_certain(f, in->now);
	s.established = is_established(f);
	s.severity = f->severity;
	s.threat_id = f->threat;
	s.client_packets = f->side[FLOW_CLIENT].packets;
	s.server_packets = f->side[FLOW_SERVER].packets;
	s.client_bytes = f->side[FLOW_CLIENT].bytes;
	s.server_bytes = f->side[FLOW_SERVER].bytes;
	s.first_seen = f->first_seen;
	s.last_seen = f->last_seen;
	return s;
}

void session_begin(struct passage *w, struct flow *f, uint32_t ticket)
{
	f->tap = passage_is_watched(w);
	f->meter_ticket = ticket;
	f->in_session = true;
	if (w->endpoint)
		traffic_session_begin(w->in->traffic, w->index,
				      !f->client_is_own, w->now);
}

static void tell(struct inspect *in, struct flow *f, enum report_event what)
{
	const struct flow_key *k = &f->key;
	bool dns = report_is_dns(k->proto,
				 f->client_is_own ? k->peer_port : k->own_port);
	UNSET struct report_session s;

	if (k->endpoint == ENDPOINT_NONE ||
	    (what == REPORT_PACKET && (is_too_early(f, in->now) ||
				       !report_is_due(&f->told, dns, in->now))))
		return;
	s = report_of(in, f);
	report_session(in->reports, &s, &f->told, what, in->now);
}

void session_packet(struct passage *w, struct flow *f, bool changed)
{
	tell(w->in, f,
	     changed	 ? REPORT_CHANGED
	     : w->marked ? REPORT_THREAT
			 : REPORT_PACKET);
}

void session_carried(struct inspect *in, struct flow *f)
{
	tell(in, f, REPORT_PACKET);
}

void session_threat(struct inspect *in, struct flow *f)
{
	tell(in, f, REPORT_THREAT);
}

void session_denied(struct inspect *in, const struct flow_key *k,
		    bool client_is_own, const struct flow_verdict *v,
		    uint32_t threat, uint64_t packets)
{
	struct report_session s;

	if (k->endpoint == ENDPOINT_NONE)
		return;
	s = describe(in, k, client_is_own, v);
	s.first_seen = s.last_seen = in->now;
	if (threat) {
		s.threat_id = threat;
		s.severity = threat_kind_find(threat)->severity;
	}
	report_denied(in->reports, &s, packets, in->now);
}

void session_end(struct inspect *in, const struct flow *f)
{
	struct flow_told told = f->told;
	struct report_session s;

	if (f->key.endpoint == ENDPOINT_NONE || !f->in_session)
		return;
	traffic_session_end(in->traffic, f->key.endpoint, !f->client_is_own);
	meter_session_end(in->meters, f->meter_ticket, in->now);
	s = report_of(in, f);
	report_session(in->reports, &s, &told, REPORT_END, in->now);
}
