/*
 * What our own door tells, in JSON. Names are stable; a new counter is a new
 * member, and `weir dp stats` shows it without being changed.
 */
#include "dp/answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/limits.h"
#include "dp/answer_capture.h"
#include "dp/answer_config_use.h"
#include "dp/answer_detection.h"
#include "dp/answer_device.h"
#include "dp/answer_policy.h"
#include "dp/answer_tables.h"
#include "flow/flow.h"
#include "inspect/counts.h"
#include "packet/packet.h"
#include "wire/app.h"
#include "wire/reason.h"
#include "wire/words.h"

void answer_uint(json_t *result, const char *name, uint64_t v)
{
	/* a member that there is no memory for is missing */
	(void)json_object_set_new(result, name, json_integer((json_int_t)v));
}

void answer_text(json_t *result, const char *name, const char *text)
{
	(void)json_object_set_new(result, name, json_string(text));
}

static void answer_bool(json_t *result, const char *name, bool v)
{
	(void)json_object_set_new(result, name, json_boolean(v));
}

static void answer_ip(json_t *result, const char *name, struct ip_addr a)
{
	char text[IP_TEXT_MAX];

	answer_text(result, name, ip_format(a, text));
}

static void answer_mac(json_t *result, const char *name, struct mac m)
{
	char text[MAC_TEXT_MAX];

	/* an unset MAC is "", as the messages have it */
	answer_text(result, name, mac_is_zero(m) ? "" : mac_format(m, text));
}

json_t *answer_group(json_t *result, const char *name)
{
	json_t *group = json_object();

	(void)json_object_set_new(result, name, group);
	return group;
}

static json_t *vlans_of(uint32_t vlans)
{
	json_t *list = json_array();

	if (vlans >> 12)
		(void)json_array_append_new(list, json_integer(vlans >> 12));
	if (vlans & 0xfff)
		(void)json_array_append_new(list, json_integer(vlans & 0xfff));
	return list;
}

static json_t *flags_of(uint16_t flags)
{
	static const struct {
		uint16_t flag;
		const char *name;
	} names[] = {
		{ SESSION_TAP, "tap" },
		{ SESSION_MIDSTREAM, "midstream" },
		{ SESSION_EXTERNAL, "external" },
		{ SESSION_SVC_EXTIP, "svc_extip" },
		{ SESSION_LINK_LOCAL, "link_local" },
		{ SESSION_TMP_OPEN, "tmp_open" },
		{ SESSION_UNMANAGED, "unmanaged" },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (flags & names[i].flag)
			(void)json_array_append_new(list,
						    json_string(names[i].name));
	return list;
}

json_t *answer_session(const struct session_record *s)
{
	json_t *o = json_object();
	char proto[PROTO_TEXT_MAX];

	answer_uint(o, "id", s->id);
	answer_mac(o, "workload", s->ep_mac);
	answer_text(o, "proto", proto_name(s->proto, proto));
	answer_text(o, "direction",
		    s->flags & SESSION_INGRESS ? "ingress" : "egress");
	answer_ip(o, "client", s->client);
	answer_uint(o, "client_port", s->client_port);
	answer_ip(o, "server", s->server);
	answer_uint(o, "server_port", s->server_port);
	answer_uint(o, "icmp_type", s->icmp_type);
	answer_uint(o, "icmp_code", s->icmp_code);
	(void)json_object_set_new(o, "vlans", vlans_of(s->vlans));
	answer_uint(o, "client_packets", s->client_packets);
	answer_uint(o, "server_packets", s->server_packets);
	answer_uint(o, "client_bytes", s->client_bytes);
	answer_uint(o, "server_bytes", s->server_bytes);
	answer_text(o, "client_state", tcp_state_name(s->client_state));
	answer_text(o, "server_state", tcp_state_name(s->server_state));
	answer_uint(o, "idle_s", s->idle_s);
	if (s->tunnel) {
		answer_text(o, "tunnel", s->tunnel);
		answer_uint(o, "tunnel_id", s->tunnel_id);
	}
	answer_uint(o, "age_s", s->age_s);
	answer_uint(o, "life_s", s->life_s);
	answer_uint(o, "application", s->application);
	if (app_name(s->application))
		answer_text(o, "application_name", app_name(s->application));
	answer_uint(o, "rule", s->policy_id);
	answer_uint(o, "policy_version", s->policy_version);
	answer_text(o, "action", policy_action_name(s->policy_action));
	answer_text(o, "reason", reason_name((enum reason)s->reason));
	answer_bool(o, "blocked", s->blocked);
	if (s->threat) {
		answer_uint(o, "threat", s->threat);
		answer_uint(o, "severity", s->severity);
	}
	(void)json_object_set_new(o, "flags", flags_of(s->flags));
	return o;
}

void answer_sessions(json_t *result, const struct flow_page *page, size_t limit)
{
	json_t *list = json_array();

	for (size_t i = 0; i < page->n; i++)
		(void)json_array_append_new(list,
					    answer_session(&page->records[i]));
	(void)json_object_set_new(result, "sessions", list);
	(void)json_object_set_new(result, "next",
				  page->n < limit ? json_null()
						  : json_integer(page->cursor));
}

static json_t *block_object(const struct block_record *b, usec_t now)
{
	json_t *o = json_object();
	usec_t first = { b->first_us }, last = { b->last_us };
	char proto[PROTO_TEXT_MAX];

	answer_mac(o, "workload", b->ep_mac);
	answer_text(o, "direction", b->ingress ? "ingress" : "egress");
	answer_ip(o, "from", b->from);
	answer_ip(o, "to", b->to);
	answer_uint(o, "to_port", b->to_port);
	answer_text(o, "proto", proto_name(b->proto, proto));
	answer_text(o, "action", policy_action_name(b->action));
	answer_text(o, "reason", reason_name((enum reason)b->reason));
	answer_text(o, "text", reason_text((enum reason)b->reason));
	answer_uint(o, "rule", b->rule_id);
	answer_uint(o, "threat", b->threat);
	answer_uint(o, "policy_version", b->policy_version);
	answer_uint(o, "count", b->count);
	answer_uint(o, "first_s_ago", usec_since(now, first) / USEC_PER_SEC);
	answer_uint(o, "last_s_ago", usec_since(now, last) / USEC_PER_SEC);
	return o;
}

void answer_blocks(json_t *result, struct control *ctl)
{
	struct block_list *list = ask_blocks(&ctl->workers);
	json_t *array;

	if (!list)
		return;
	array = json_array();
	for (size_t i = 0; i < list->n; i++)
		(void)json_array_append_new(
			array, block_object(&list->records[i], list->now));
	free(list);
	(void)json_object_set_new(result, "blocks", array);
	/* with a workload's wrong mark all of its frames end there */
	answer_uint(result, "no_workload",
		    ask_counts(&ctl->workers).dropped[REASON_NO_ENDPOINT]);
}

static void answer_reasons(json_t *result, const char *name,
			   const uint64_t counts[static REASON__MAX])
{
	json_t *o = answer_group(result, name);

	for (int i = 0; i < REASON__MAX; i++)
		if (counts[i])
			answer_uint(o, reason_name((enum reason)i), counts[i]);
}

void answer_drops(json_t *result, struct control *ctl)
{
	struct inspect_counts c = ask_counts(&ctl->workers);
	json_t *o;

	answer_reasons(result, "dropped", c.dropped);
	o = answer_group(result, "limits_met");
	for (int i = 0; i < INSPECT_LIMIT__MAX; i++)
		answer_uint(o, inspect_limit_name((enum inspect_limit)i),
			    c.limits_met[i]);
}

void answer_use(json_t *result, const char *name, uint64_t in_use,
		uint64_t limit, uint64_t evicted)
{
	json_t *o = answer_group(result, name);

	answer_uint(o, "in_use", in_use);
	answer_uint(o, "limit", limit);
	answer_uint(o, "evicted", evicted);
}

void answer_keeps_newest(json_t *table)
{
	answer_text(table, "keeps", "newest");
}

static void answer_queue(json_t *o, struct control *ctl, const struct port *p)
{
	struct nfq_stats s;

	answer_uint(o, "queue", p->where.queue);
	if (!port_nfq_stats(p, ctl->ports.opener_fd, &s))
		return;
	answer_uint(o, "waiting", s.waiting);
	answer_uint(o, "waiting_limit", NFQ_WAITING_MAX);
	answer_uint(o, "dropped_full", s.dropped_full);
	answer_uint(o, "dropped_unsent", s.dropped_unsent);
}

static void answer_port(json_t *o, struct control *ctl, const struct port *p)
{
	struct ring_counts c = port_counts(p, &ctl->workers);
	struct ring_buffer b = port_buffer(p, &ctl->workers);

	answer_text(o, "iface", p->where.iface);
	answer_text(o, "state", port_state_name(p->state));
	answer_uint(o, "times_lost", p->times_lost);
	answer_uint(o, "received", c.received);
	answer_uint(o, "sent", c.sent);
	answer_uint(o, "receive_lost", c.receive_lost);
	answer_uint(o, "buffer_bytes", b.in_use);
	answer_uint(o, "buffer_bytes_limit", b.limit);
	answer_uint(o, "receive_errors", c.receive_errors);
	answer_uint(o, "send_failed", c.send_failed);
}

/* The service port, and the list of those of other kinds. */
static void answer_ports(json_t *result, struct control *ctl)
{
	json_t *others = json_array();

	answer_port(answer_group(result, "port"), ctl, &ctl->ports.service);
	for (size_t i = 1; i < WORKER_PORTS_MAX; i++) {
		const struct port *p = ctl->ports.at[i];
		json_t *o;

		if (!p)
			continue;
		o = json_object();
		answer_text(o, "kind", port_kind_name(p->from.kind));
		answer_text(o, "netns", p->where.netns);
		answer_mac(o, "workload", p->from.workload);
		answer_bool(o, "quarantined", p->from.quarantined);
		answer_uint(o, "worker", p->worker);
		if (p->from.kind == FRAME_PORT_NFQ)
			answer_queue(o, ctl, p);
		answer_port(o, ctl, p);
		(void)json_array_append_new(others, o);
	}
	(void)json_object_set_new(result, "other_ports", others);
}

static void answer_flows(json_t *result, const struct flow_counts *c)
{
	json_t *o = answer_group(result, "flows");

	answer_uint(o, "in_use", c->total);
	answer_uint(o, "limit", c->limit);
	answer_uint(o, "tcp", c->tcp);
	answer_uint(o, "udp", c->udp);
	answer_uint(o, "icmp", c->icmp);
	answer_uint(o, "other", c->other);
	answer_uint(o, "made", c->made);
	answer_uint(o, "expired", c->expired);
	answer_uint(o, "refused_full", c->refused_full);
}

static unsigned workloads_of(const struct control *ctl, unsigned worker)
{
	const struct snapshot *s = config_current(ctl->config);
	unsigned n = 0;

	for (uint16_t i = 0; i < ENDPOINTS_MAX; i++) {
		const struct endpoint *e = snapshot_endpoint(s, i);

		n += e && workers_of(&ctl->workers, e) == worker;
	}
	return n;
}

/* What it has by the service port's ring that it has now. */
static json_t *worker_object(struct control *ctl, unsigned i,
			     const struct inspect_counts *c)
{
	struct worker *w = ctl->workers.at[i];
	struct ring_counts r = port_counts_of(&ctl->ports.service, w);
	struct ring_buffer b = port_buffer_of(&ctl->ports.service, w);
	json_t *o = json_object(), *flows;

	answer_uint(o, "worker", i);
	answer_uint(o, "workloads", workloads_of(ctl, i));
	answer_uint(o, "frames", c->frames_in + c->frames_out);
	answer_uint(o, "bytes", c->bytes_in + c->bytes_out);
	flows = answer_group(o, "flows");
	answer_uint(flows, "in_use", c->flows.total);
	answer_uint(flows, "limit", c->flows.limit);
	answer_uint(o, "received", r.received);
	answer_uint(o, "receive_lost", r.receive_lost);
	answer_uint(o, "buffer_bytes", b.in_use);
	answer_uint(o, "buffer_bytes_limit", b.limit);
	return o;
}

/* "workers": each one's share; the sum of their counts. */
static struct inspect_counts answer_workers(json_t *result, struct control *ctl)
{
	struct inspect_counts sum = { .frames_in = 0 };
	json_t *list = json_array();

	for (unsigned i = 0; i < ctl->workers.n; i++) {
		struct inspect_counts c = ask_counts_of(ctl->workers.at[i]);

		inspect_counts_add(&sum, &c);
		(void)json_array_append_new(list, worker_object(ctl, i, &c));
	}
	(void)json_object_set_new(result, "workers", list);
	return sum;
}

static void answer_door(json_t *doors, const char *name,
			const struct door_counts *c)
{
	json_t *o = answer_group(doors, name);

	answer_uint(o, "messages", c->messages);
	answer_uint(o, "refused", c->refused);
	answer_uint(o, "refused_full", c->refused_full);
	answer_uint(o, "unknown", c->unknown);
	answer_uint(o, "garbage", c->garbage);
	answer_uint(o, "unanswered", c->unanswered);
}

static size_t endpoints_in_use(const struct snapshot_spec *s, size_t *ret_rules)
{
	size_t n = 0;

	*ret_rules = 0;
	for (size_t i = 0; i < s->n_endpoints; i++) {
		const struct endpoint *e = &s->endpoints[i];

		n += e->used;
		if (e->policy)
			*ret_rules += policy_spec_of(e->policy)->n_rules;
	}
	return n;
}

void answer_stats(json_t *result, struct control *ctl)
{
	struct snapshot_spec s = snapshot_spec_of(config_current(ctl->config));
	size_t rules, endpoints = endpoints_in_use(&s, &rules);
	struct inspect_counts c;
	json_t *o;

	answer_uint(result, "uptime_s",
		    usec_since(clock_now(), ctl->started) / USEC_PER_SEC);
	answer_fit(result, ctl->fit);
	c = answer_workers(result, ctl);
	answer_ports(result, ctl);
	o = answer_group(result, "endpoints");
	answer_uint(o, "in_use", endpoints);
	answer_uint(o, "limit", ENDPOINTS_MAX);
	o = answer_group(result, "policy");
	answer_uint(o, "version", s.version);
	answer_uint(o, "rules", rules);
	answer_policy_in_force(result, ctl);
	answer_detection_in_force(result, ctl);
	answer_detection_counts(result, ctl, &c);
	answer_flows(result, &c.flows);
	answer_fragments(result, &c);
	answer_meter_use(result, c.meters);
	answer_tally(result, "threats", &c.threats);
	answer_tally(result, "findings", &c.findings);
	answer_reports(result, &c.reports);
	answer_trail(result, &c.trail);
	answer_told(result, &ctl->told);
	answer_streams(result, &c.streams);
	answer_names(result, &c);
	answer_tunnels(result, &c);
	answer_cache(result, &c.cache);
	answer_applications(result, &c);
	answer_uint(json_object_get(json_object_get(result, "applications"),
				    "ports"),
		    "not_learned", ctl->ports_not_learned);
	answer_captures(result, ctl);
	answer_use(result, "grace", c.grace_in_use,
		   (uint64_t)c.pipelines * GRACE_PAIRS_MAX, c.grace_evicted);
	answer_use(result, "blocks", c.blocks_in_use,
		   (uint64_t)c.pipelines * BLOCKS_MAX, c.blocks_evicted);
	answer_keeps_newest(json_object_get(result, "blocks"));
	o = answer_group(result, "frames");
	answer_uint(o, "to_workloads", c.frames_in);
	answer_uint(o, "from_workloads", c.frames_out);
	o = answer_group(result, "bytes");
	answer_uint(o, "to_workloads", c.bytes_in);
	answer_uint(o, "from_workloads", c.bytes_out);
	answer_reasons(result, "forwarded", c.forwarded);
	answer_reasons(result, "dropped", c.dropped);
	answer_uint(result, "replies", c.replies);
	answer_uint(result, "replies_limited", c.replies_limited);
	answer_uint(result, "stateless", c.stateless);
	answer_uint(result, "out_of_window", c.out_of_window);
	o = answer_group(result, "doors");
	answer_door(o, "compat", &ctl->compat);
	answer_door(o, "own", &ctl->own);
	o = answer_group(json_object_get(o, "own"), "clients");
	answer_uint(o, "in_use", ctl->own_clients);
	answer_uint(o, "limit", OWN_CLIENTS_MAX);
	answer_uint(o, "turned_away", ctl->own_turned_away);
	answer_uint(o, "pauses", ctl->own_pauses);
	answer_config_use(result, ctl);
	answer_notices(result, ctl);
}
