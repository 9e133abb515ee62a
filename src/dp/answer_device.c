#include "dp/answer_device.h"

#include <stdlib.h>

#include "base/limits.h"
#include "dp/answer.h"
#include "dp/ask.h"
#include "proto/parsers.h"
#include "wire/app.h"
#include "wire/reason.h"

static void add_ring(struct device_counters *d, struct ring_counts c)
{
	d->rx_packets += c.received;
	d->rx_dropped += c.receive_lost;
	d->tx_packets += c.sent;
	d->tx_dropped += c.send_failed;
	d->error_packets += c.receive_errors;
}

static void add_ports(struct device_counters *d, struct control *ctl)
{
	const struct ports *ps = &ctl->ports;

	add_ring(d, port_counts(&ps->service, &ctl->workers));
	for (size_t i = 1; i < WORKER_PORTS_MAX; i++)
		if (ps->at[i])
			add_ring(d, port_counts(ps->at[i], &ctl->workers));
}

/* Frames that no host would understand. */
static uint64_t malformed(const uint64_t dropped[static REASON__MAX])
{
	return dropped[REASON_FRAME_SHORT] + dropped[REASON_FRAME_TOO_LONG] +
	       dropped[REASON_VLAN_DEPTH] + dropped[REASON_IP_MALFORMED] +
	       dropped[REASON_IP_EXT_MALFORMED] + dropped[REASON_L4_MALFORMED] +
	       dropped[REASON_TCP_FLAGS] + dropped[REASON_FRAG_TINY];
}

/* NeuVector's exact rules speak of one address each way and one port (5.2). */
static bool is_exact(const struct rule_spec *r)
{
	return ip_equal(r->sip, r->sipr) && ip_equal(r->dip, r->dipr) &&
	       r->port == r->portr;
}

static void add_policies(struct device_counters *d, const struct control *ctl)
{
	struct snapshot_spec s = snapshot_spec_of(config_current(ctl->config));

	for (size_t i = 0; i < s.n_endpoints; i++) {
		const struct policy_spec *p;

		if (!s.endpoints[i].policy)
			continue;
		p = policy_spec_of(s.endpoints[i].policy);
		for (size_t k = 0; k < p->n_rules; k++) {
			bool exact = is_exact(&p->rules[k]);

			d->exact_rules += exact;
			d->range_rules += !exact;
		}
	}
}

static void add_names(struct device_counters *d, const struct fqdns *f)
{
	size_t n;
	const struct fqdn_entry *all = fqdns_all(f, &n);

	d->domains = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		d->domain_ips += (uint32_t)all[i].n_ips;
}

/* Fragments count when they are held; they are freed whatever becomes of them. */
static void add_tables(struct device_counters *d,
		       const struct inspect_counts *c)
{
	d->fragments = c->held;
	d->freed_fragments = c->held - c->defrag.fragments;
	d->timed_out_fragments = c->defrag.count[DEFRAG_LOST_FIRST] +
				 c->defrag.count[DEFRAG_LOST_LAST] +
				 c->defrag.count[DEFRAG_LOST_MIDDLE];
	for (int i = 0; i < METER_KIND__MAX; i++) {
		d->drop_meters += c->meters[i].limited;
		d->cur_meters += c->meters[i].in_use;
	}
	d->assemblies = c->streams.blocks_taken;
	d->freed_assemblies = c->streams.blocks_taken - c->streams.blocks;
	d->cur_log_caches = c->threats.slots;
	for (int i = 0; i < REPORT_WORTH__MAX; i++) {
		d->limit_drop_connections +=
			c->reports.lost[i] + c->reports.evicted[i];
		/* got in by another's place (reference 1.8, kind 7) */
		d->limit_pass_connections += c->reports.evicted[i];
	}
}

/* The reference's parsers (6.1), by their ids; 0: none of its ids is ours. */
static const uint16_t apps_of_parsers[PARSERS_MAX] = {
	APP_HTTP,      APP_TLS,	      APP_SSH,	   APP_DNS,	   APP_DHCP,
	APP_NTP,       APP_TFTP,      APP_ECHO,	   APP_MYSQL,	   APP_REDIS,
	APP_ZOOKEEPER, APP_CASSANDRA, APP_MONGODB, APP_POSTGRESQL, APP_KAFKA,
	APP_COUCHBASE, APP_SPARK,     APP_ORACLE,  APP_MSSQL,	   APP_GRPC,
};

/* http2 stands for grpc: that is what is told of its requests. */
static int parser_id(uint32_t app)
{
	if (app == APP_HTTP2)
		app = APP_GRPC;
	for (int i = 0; i < PARSERS_MAX; i++)
		if (apps_of_parsers[i] == app)
			return i;
	return -1;
}

static void add_parsers(struct device_counters *d,
			const struct inspect_counts *c)
{
	const struct proto_parser *p;

	for (unsigned i = 0; (p = proto_parser_at(i)); i++) {
		int id = parser_id(p->app);

		if (id < 0)
			continue;
		d->parser_sessions[id] += c->parser_flows[i];
		d->parser_packets[id] += c->parser_packets[i];
	}
}

struct device_counters device_counters_of(struct control *ctl)
{
	struct inspect_counts c = ask_counts(&ctl->workers);
	struct device_counters d = {
		.error_packets = malformed(c.dropped),
		.no_workload_packets = c.dropped[REASON_NO_ENDPOINT],
		.ipv4_packets = c.packets[INSPECT_IPV4],
		.ipv6_packets = c.packets[INSPECT_IPV6],
		.tcp_packets = c.packets[INSPECT_TCP],
		.tcp_no_session_packets = c.packets[INSPECT_TCP_ASTRAY],
		.udp_packets = c.packets[INSPECT_UDP],
		.icmp_packets = c.packets[INSPECT_ICMP],
		.other_packets = c.packets[INSPECT_OTHER],
		.total_sessions = c.flows.made,
		.tcp_sessions = c.flows.made_tcp,
		.udp_sessions = c.flows.made_udp,
		.icmp_sessions = c.flows.made_icmp,
		.ip_sessions = c.flows.made_other,
	};

	add_tables(&d, &c);
	add_parsers(&d, &c);
	add_ports(&d, ctl);
	add_policies(&d, ctl);
	add_names(&d, config_fqdns(ctl->config));
	return d;
}

size_t meters_of_agent(struct meter_record *m, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (m[i].kind <= METER_TCP_NO_DATA &&
		    (ip_is_v4(m[i].peer) || ip_is_any(m[i].peer)))
			m[kept++] = m[i];
	return kept;
}

static json_t *array_of(const uint64_t *counts, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(
			list, json_integer((json_int_t)counts[i]));
	return list;
}

void answer_counters(json_t *result, const struct device_counters *c)
{
	const struct {
		const char *name;
		uint64_t v;
	} rows[] = {
		{ "rx_packets", c->rx_packets },
		{ "rx_dropped", c->rx_dropped },
		{ "tx_packets", c->tx_packets },
		{ "tx_dropped", c->tx_dropped },
		{ "error_packets", c->error_packets },
		{ "no_workload_packets", c->no_workload_packets },
		{ "ipv4_packets", c->ipv4_packets },
		{ "ipv6_packets", c->ipv6_packets },
		{ "tcp_packets", c->tcp_packets },
		{ "tcp_no_session_packets", c->tcp_no_session_packets },
		{ "udp_packets", c->udp_packets },
		{ "icmp_packets", c->icmp_packets },
		{ "other_packets", c->other_packets },
		{ "assemblies", c->assemblies },
		{ "freed_assemblies", c->freed_assemblies },
		{ "fragments", c->fragments },
		{ "freed_fragments", c->freed_fragments },
		{ "timed_out_fragments", c->timed_out_fragments },
		{ "total_sessions", c->total_sessions },
		{ "tcp_sessions", c->tcp_sessions },
		{ "udp_sessions", c->udp_sessions },
		{ "icmp_sessions", c->icmp_sessions },
		{ "ip_sessions", c->ip_sessions },
		{ "drop_meters", c->drop_meters },
		{ "cur_meters", c->cur_meters },
		{ "cur_log_caches", c->cur_log_caches },
		{ "exact_rules", c->exact_rules },
		{ "range_rules", c->range_rules },
		{ "domains", c->domains },
		{ "domain_ips", c->domain_ips },
		{ "limit_drop_connections", c->limit_drop_connections },
		{ "limit_pass_connections", c->limit_pass_connections },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		answer_uint(result, rows[i].name, rows[i].v);
	(void)json_object_set_new(result, "parser_sessions",
				  array_of(c->parser_sessions, PARSERS_MAX));
	(void)json_object_set_new(result, "parser_packets",
				  array_of(c->parser_packets, PARSERS_MAX));
}

static json_t *sum_json(const struct traffic_sum *t)
{
	json_t *o = json_object();

	answer_uint(o, "sessions_in", t->sessions_in);
	answer_uint(o, "sessions_out", t->sessions_out);
	answer_uint(o, "packets_in", t->packets_in);
	answer_uint(o, "packets_out", t->packets_out);
	answer_uint(o, "bytes_in", t->bytes_in);
	answer_uint(o, "bytes_out", t->bytes_out);
	return o;
}

void answer_traffic(json_t *result, const struct stats_record *s)
{
	json_t *total = sum_json(&s->total);

	answer_uint(total, "sessions_now_in", s->sessions_now_in);
	answer_uint(total, "sessions_now_out", s->sessions_now_out);
	(void)json_object_set_new(result, "total", total);
	(void)json_object_set_new(result, "last_5s", sum_json(&s->last_5s));
	(void)json_object_set_new(result, "last_60s", sum_json(&s->last_60s));
	(void)json_object_set_new(result, "last_300s", sum_json(&s->last_300s));
}

static json_t *traffic_json(const struct endpoint *e,
			    const struct stats_record *s)
{
	json_t *o = sum_json(&s->total);
	char mac[MAC_TEXT_MAX];

	answer_text(o, "workload", mac_format(e->mac, mac));
	answer_uint(o, "sessions_now_in", s->sessions_now_in);
	answer_uint(o, "sessions_now_out", s->sessions_now_out);
	return o;
}

void answer_each_traffic(json_t *result, struct control *ctl)
{
	const struct snapshot *s = config_current(ctl->config);
	uint16_t *endpoints = calloc(ENDPOINTS_MAX, sizeof *endpoints);
	struct stats_record *sums = calloc(ENDPOINTS_MAX, sizeof *sums);
	json_t *list = json_array();
	size_t n = 0;

	for (uint16_t i = 0; endpoints && i < ENDPOINTS_MAX; i++)
		if (snapshot_endpoint(s, i))
			endpoints[n++] = i;
	if (endpoints && sums)
		ask_traffic_each(&ctl->workers, endpoints, n, sums);
	for (size_t i = 0; sums && i < n; i++)
		(void)json_array_append_new(
			list, traffic_json(snapshot_endpoint(s, endpoints[i]),
					   &sums[i]));
	free(sums);
	free(endpoints);
	(void)json_object_set_new(result, "workloads", list);
}

static json_t *meter_json(const struct meter_record *m)
{
	static const char *const names[] = {
		"syn_flood",   "icmp_flood", "source_sessions",
		"tcp_no_data", "udp_flood",  "session_rate",
	};
	json_t *o = json_object();
	char mac[MAC_TEXT_MAX], ip[IP_TEXT_MAX];

	_Static_assert(sizeof names / sizeof *names == METER_KIND__MAX,
		       "one name each");
	answer_text(o, "meter", names[m->kind]);
	answer_text(o, "workload", mac_format(m->ep_mac, mac));
	if (!ip_is_any(m->peer))
		answer_text(o, "source", ip_format(m->peer, ip));
	answer_uint(o, "count", m->count);
	answer_uint(o, "last_count", m->last_count);
	answer_uint(o, "span_s", m->span_s);
	answer_uint(o, "upper", m->upper);
	answer_uint(o, "lower", m->lower);
	answer_uint(o, "idle_s", m->idle_s);
	return o;
}

void answer_meters(json_t *result, struct control *ctl)
{
	struct meter_page page = { .cursor = 0 };
	json_t *list = json_array();

	do {
		ask_meters(&ctl->workers, &page);
		for (size_t i = 0; i < page.n; i++)
			(void)json_array_append_new(
				list, meter_json(&page.records[i]));
	} while (page.n == METERS_PER_MSG);
	(void)json_object_set_new(result, "meters", list);
}

/* Threats and connections that the agent left waiting for too long. */
static uint64_t lost_by_agent(const struct control *ctl, enum dpmsg_kind kind)
{
	const struct notify *n = &ctl->notify;

	/* of findings that are gone nobody knows which were for the agent */
	if (kind == DPMSG_THREAT_LOG)
		return told_reader_lost(&n->threats, ctl->told.threats) +
		       told_reader_lost(&n->findings, ctl->told.findings);
	return told_reader_lost(&n->connections, ctl->told.connections);
}

void answer_notices(json_t *result, const struct control *ctl)
{
	static const struct {
		enum dpmsg_kind kind;
		const char *name;
	} kinds[] = {
		{ DPMSG_APP_UPDATE, "apps" },
		{ DPMSG_THREAT_LOG, "threats" },
		{ DPMSG_CONNECTION, "connections" },
		{ DPMSG_FQDN_UPDATE, "fqdns" },
		{ DPMSG_IP_FQDN_UPDATE, "ip_names" },
		{ DPMSG_IP_FQDN_RELEASE, "ip_names_released" },
	};
	const struct notify *n = &ctl->notify;
	json_t *all = json_object();

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		json_t *o = json_object();

		answer_uint(o, "sent", n->counts.sent[kinds[i].kind]);
		answer_uint(o, "not_taken", n->counts.not_taken[kinds[i].kind]);
		if (n->on && (kinds[i].kind == DPMSG_THREAT_LOG ||
			      kinds[i].kind == DPMSG_CONNECTION))
			answer_uint(o, "lost",
				    lost_by_agent(ctl, kinds[i].kind));
		(void)json_object_set_new(all, kinds[i].name, o);
	}
	(void)json_object_set_new(result, "notices", all);
}
