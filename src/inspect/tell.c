/*
 * What the pipeline tells to the outside: counters, flows, blocks - copied, so
 * that nobody else holds a pointer into its tables.
 */
#include "inspect/passage.h"

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
