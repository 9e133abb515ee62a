/*
 * What the pipeline tells to the outside: counters, flows, blocks - copied, so
 * that nobody else holds a pointer into its tables.
 */
#include "inspect/tell.h"

#include "inspect/cache_use.h"
#include "inspect/passage.h"
#include "inspect/payload.h"
#include "inspect/ports.h"
#include "inspect/session.h"
#include "inspect/trail.h"

struct inspect_counts inspect_counts(const struct inspect *in)
{
	struct inspect_counts c = in->counts;

	c.flows = flow_counts(in->flows);
	c.defrag = defrag_stats(in->defrag);
	for (int k = 0; k < METER_KIND__MAX; k++)
		c.meters[k] = meters_stats(in->meters, (enum meter_kind)k);
	c.threats = threat_stats(in->threats);
	c.findings = finding_stats(in->findings);
	c.reports = reports_stats(in->reports);
	c.streams = stream_counts(in->streams);
	c.learned = learned_stats(in->learned);
	c.dialogues = dialogue_counts(in->dialogues);
	if (in->breadth)
		c.breadth = breadth_counts(in->breadth);
	if (in->signatures)
		c.signatures = sig_scanner_counts(in->signatures);
	if (in->sensors)
		c.sensors = sensor_scanner_counts(in->sensors);
	c.ports = ports_stats(in->port_news);
	c.trail = inspect_trail_stats(in);
	c.cache = cache_stats(in->cache);
	c.grace_evicted = grace_evicted(in->grace);
	c.grace_in_use = grace_in_use(in->grace);
	c.blocks_evicted = in->blocks.evicted;
	c.blocks_in_use = in->blocks.in_use;
	c.pipelines = 1;
	return c;
}

static struct session_asm asm_of(const struct inspect *in, const struct flow *f,
				 enum flow_side side)
{
	struct stream_side_view v;

	if (!payload_stream(in, f))
		return (struct session_asm){ 0 };
	v = stream_side_view(in->streams, payload_stream(in, f), side);
	return (struct session_asm){ v.blocks, v.held + v.unread };
}

static struct session_record record_of(const struct inspect *in,
				       const struct flow *f, usec_t now)
{
	const struct flow_key *k = &f->key;
	const struct flow_side_state *c = &f->side[FLOW_CLIENT];
	const struct flow_side_state *s = &f->side[FLOW_SERVER];
	bool own = f->client_is_own;
	bool ports = k->proto != PROTO_ICMP && k->proto != PROTO_ICMPV6;

	return (struct session_record){
		.id = f->id,
		.ep_mac = passage_mac_of(in, k->endpoint),
		.client_mac = c->mac,
		.server_mac = s->mac,
		.ethertype = flow_ethertype(f),
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
		.client_asm = asm_of(in, f, FLOW_CLIENT),
		.server_asm = asm_of(in, f, FLOW_SERVER),
		.client_state = c->state,
		.server_state = s->state,
		.idle_s = (uint32_t)(usec_since(now, f->last_seen) /
				     USEC_PER_SEC),
		.age_s = (uint32_t)(usec_since(now, f->first_seen) /
				    USEC_PER_SEC),
		.life_s = flow_life_s(f, now),
		.application = payload_app(f),
		.policy_id = f->verdict.rule_id,
		.policy_version = f->verdict.snapshot_version,
		.policy_action = f->verdict.action,
		.reason = f->verdict.reason,
		.flags = f->verdict.flags | (own ? 0 : SESSION_INGRESS) |
			 (f->tap ? SESSION_TAP : 0) |
			 (f->midstream ? SESSION_MIDSTREAM : 0),
		.blocked = f->verdict.blocked || f->cut,
		.severity = f->severity,
		.threat = f->threat,
		.tunnel = k->tunnel ? tunnel_kind_name(
					      (enum tunnel_kind)k->tunnel)
				    : NULL,
		.tunnel_id = k->tunnel_id,
	};
}

void tell_flow_ended(void *arg, struct flow *f)
{
	struct inspect *in = arg;
	struct session_record s;

	if (f->cached)
		cache_end(in, f);
	session_end(in, f);
	if (in->on_flow_end) {
		s = record_of(in, f, in->now);
		in->on_flow_end(in->on_flow_end_arg, &s);
	}
	/* at last: the record tells of its stream, too */
	payload_end(in, f);
	trail_flow_end(in, f);
}

void inspect_on_flow_end(struct inspect *in,
			 void (*fn)(void *arg, const struct session_record *s),
			 void *arg)
{
	in->on_flow_end = fn;
	in->on_flow_end_arg = arg;
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

uint32_t inspect_connections_pending(const struct inspect *in)
{
	return reports_pending(in->reports);
}

size_t inspect_drain_connections(struct inspect *in,
				 struct connection_record *ret, size_t max)
{
	size_t n = reports_drain(in->reports, ret, max);

	for (size_t i = 0; i < n; i++) {
		struct stats_record s = { 0 };

		/* its index may be another workload's by now */
		if (!mac_equal(ret[i].ep_mac,
			       passage_mac_of(in, ret[i].endpoint)))
			continue;
		traffic_add(in->traffic, ret[i].endpoint, in->now, &s);
		ret[i].ep_sessions_now = s.sessions_now_in;
		ret[i].ep_sessions_60s = s.last_60s.sessions_in;
		ret[i].ep_bytes_60s = s.last_60s.bytes_in;
	}
	return n;
}

size_t inspect_drain_threats(struct inspect *in, struct threat_record *ret,
			     size_t max)
{
	return threat_drain(in->threats, ret, max);
}

size_t inspect_drain_findings(struct inspect *in, struct finding_record *ret,
			      size_t max)
{
	return finding_drain(in->findings, ret, max);
}

size_t inspect_drain_ports(struct inspect *in, struct port_record *ret,
			   size_t max)
{
	return ports_drain(in->port_news, ret, max);
}

size_t inspect_drain_ip_names(struct inspect *in, struct ip_name_record *ret,
			      size_t max)
{
	return learned_drain_ip_names(in->learned, in->now, ret, max);
}

bool inspect_drain_fqdn(struct inspect *in, struct fqdn_record *ret)
{
	return learned_drain_fqdn(in->learned, snapshot_names(in->snapshot),
				  ret);
}

bool inspect_has_ip_name(const struct inspect *in, struct ip_addr a)
{
	return learned_has_ip_name(in->learned, a);
}

unsigned inspect_names_of(const struct inspect *in, uint16_t endpoint,
			  struct ip_addr a, usec_t now,
			  uint16_t ids[static NAMES_PER_ADDR_MAX])
{
	return learned_names(in->learned, snapshot_names(in->snapshot),
			     endpoint, a, now, ids);
}

size_t inspect_copy_meters(const struct inspect *in, uint64_t *cursor,
			   usec_t now, struct meter_record *ret, size_t max)
{
	size_t n = 0;

	while (n < max && meters_next(in->meters, cursor, now, &ret[n])) {
		const struct endpoint *e =
			snapshot_endpoint(in->snapshot, ret[n].endpoint);

		ret[n].ep_mac = passage_mac_of(in, ret[n].endpoint);
		ret[n].tap = e && e->tap;
		n++;
	}
	return n;
}

void inspect_add_traffic(const struct inspect *in, uint16_t endpoint,
			 usec_t now, struct stats_record *sum)
{
	traffic_add(in->traffic, endpoint, now, sum);
}

void inspect_add_device_traffic(const struct inspect *in, usec_t now,
				struct stats_record *sum)
{
	traffic_add_device(in->traffic, now, sum);
}
