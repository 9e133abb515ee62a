#include "inspect/found.h"

#include "inspect/payload.h"
#include "packet/packet.h"
#include "proto/parser.h"

/* Of ICMP it is an identifier. */
static bool has_ports(uint8_t proto)
{
	return proto != PROTO_ICMP && proto != PROTO_ICMPV6;
}

static void of_flow(struct finding_event *e, const struct flow *f)
{
	const struct flow_key *k = &f->key;
	bool own = f->client_is_own;

	e->proto = k->proto;
	e->application = payload_app(f);
	e->client = own ? k->own : k->peer;
	e->server = own ? k->peer : k->own;
	if (has_ports(k->proto)) {
		e->client_port = own ? k->own_port : k->peer_port;
		e->server_port = own ? k->peer_port : k->own_port;
	}
	e->flow_id = f->id;
	e->policy_id = f->verdict.rule_id;
}

/* Who says it is the client, as far as anybody knows. */
static void of_packet(struct finding_event *e, const struct packet *p)
{
	bool client = e->side == PROTO_CLIENT;

	e->proto = p->proto;
	e->client = client ? p->saddr : p->daddr;
	e->server = client ? p->daddr : p->saddr;
	if (has_ports(p->proto)) {
		e->client_port = client ? p->sport : p->dport;
		e->server_port = client ? p->dport : p->sport;
	}
}

static struct finding_event fill(const struct passage *w, const struct flow *f,
				 const struct finding_event *e)
{
	struct finding_event whole = *e;

	whole.endpoint = w->index;
	whole.ep_mac = passage_mac_of(w->in, w->index);
	if (w->ingress)
		whole.flags |= THREAT_PACKET_INGRESS;
	if (f ? !f->client_is_own : w->ingress)
		whole.flags |= THREAT_SESSION_INGRESS;
	if (passage_is_watched(w))
		whole.flags |= THREAT_TAP;
	if (f)
		of_flow(&whole, f);
	else
		of_packet(&whole, &w->packet);
	return whole;
}

void inspect_note_finding(struct passage *w, const struct flow *f,
			  const struct finding_event *e)
{
	struct finding_event whole = fill(w, f, e);

	finding_note(w->in->findings, &whole, w->now);
}

void found_hold(struct passage *w, const struct flow *f,
		const struct finding_event *e)
{
	struct inspect *in = w->in;
	struct finding_event whole = fill(w, f, e);

	if (in->n_held < FOUND_HELD_MAX)
		finding_make(&in->held[in->n_held++], &whole, w->now);
	else
		finding_note(in->findings, &whole, w->now);
}

void found_tell_held(struct inspect *in, struct bytes request)
{
	for (unsigned i = 0; i < in->n_held; i++) {
		finding_request(&in->held[i], request);
		finding_put(in->findings, &in->held[i],
			    (usec_t){ in->held[i].last_us });
	}
	in->n_held = 0;
}

uint8_t found_severity(uint8_t priority)
{
	return priority < 1 || priority > 4 ? 1 : (uint8_t)(5 - priority);
}
