#include "dp/answer_told.h"

#include <stdio.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/limits.h"
#include "detect/sig_names.h"
#include "detect/threat.h"
#include "dp/answer.h"
#include "dp/answer_trail.h"
#include "inspect/report.h"
#include "packet/packet.h"
#include "proto/parser.h"
#include "wire/app.h"
#include "wire/words.h"

uint64_t answer_clock_zero(void)
{
	return clock_unix_us() - clock_now().us;
}

static void add_ip(json_t *o, const char *name, struct ip_addr a)
{
	char text[IP_TEXT_MAX];

	answer_text(o, name, ip_format(a, text));
}

static void add_workload(json_t *o, struct mac m)
{
	char text[MAC_TEXT_MAX];

	answer_text(o, "workload", mac_is_zero(m) ? "" : mac_format(m, text));
}

static void add_proto(json_t *o, uint8_t proto)
{
	char text[PROTO_TEXT_MAX];

	answer_text(o, "proto", proto_name(proto, text));
}

static void add_application(json_t *o, uint16_t application)
{
	const char *name = app_name(application);
	char number[8];

	(void)snprintf(number, sizeof number, "%u", application);
	if (application == 0)
		name = "unknown";
	else if (application == APPLICATION_NOT_CHECKED)
		name = "not_checked";
	answer_text(o, "application", name ? name : number);
}

struct flag_name {
	uint16_t flag;
	const char *name;
};

static void add_flags(json_t *o, uint16_t flags, const struct flag_name *names,
		      size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (flags & names[i].flag)
			(void)json_array_append_new(list,
						    json_string(names[i].name));
	(void)json_object_set_new(o, "flags", list);
}

static uint64_t unix_s(uint64_t us, uint64_t unix_us_at_zero)
{
	return (us + unix_us_at_zero) / USEC_PER_SEC;
}

json_t *answer_connection(const struct connection_record *c, uint64_t number,
			  uint64_t unix_us_at_zero)
{
	static const struct flag_name names[] = {
		{ CONNECTION_EXTERNAL, "external" },
		{ CONNECTION_XFF, "xff" },
		{ CONNECTION_SVC_EXTIP, "svc_extip" },
		{ CONNECTION_MESH, "mesh" },
		{ CONNECTION_LINK_LOCAL, "link_local" },
		{ CONNECTION_TMP_OPEN, "tmp_open" },
		{ CONNECTION_UNMANAGED, "unmanaged" },
		{ CONNECTION_NBE_CHECK, "nbe_check" },
		{ CONNECTION_NBE_SAME, "nbe_same" },
	};
	json_t *o = json_object();

	answer_uint(o, "number", number);
	add_workload(o, c->ep_mac);
	answer_text(o, "direction",
		    c->flags & CONNECTION_INGRESS ? "ingress" : "egress");
	add_ip(o, "client", c->client);
	if (c->client_port)
		answer_uint(o, "client_port", c->client_port);
	add_ip(o, "server", c->server);
	answer_uint(o, "server_port", c->server_port);
	add_proto(o, c->proto);
	add_application(o, c->application);
	answer_text(o, "action", policy_action_name(c->action));
	answer_uint(o, "rule", c->policy_id);
	answer_uint(o, "sessions", c->sessions);
	answer_uint(o, "packets", c->packets);
	answer_uint(o, "bytes", c->bytes);
	answer_uint(o, "violations", c->violations);
	answer_uint(o, "first_seen", unix_s(c->first_us, unix_us_at_zero));
	answer_uint(o, "last_seen", unix_s(c->last_us, unix_us_at_zero));
	answer_uint(o, "threat", c->threat_id);
	answer_text(o, "severity", severity_name(c->severity));
	add_flags(o, c->flags, names, sizeof names / sizeof *names);
	answer_uint(o, "workload_sessions", c->ep_sessions_now);
	answer_uint(o, "workload_sessions_60s", c->ep_sessions_60s);
	answer_uint(o, "workload_bytes_60s", c->ep_bytes_60s);
	return o;
}

static void add_hex(json_t *o, const char *name, const uint8_t *bytes,
		    size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * THREAT_PACKET_MAX + 1];
	size_t n = 0;

	_Static_assert(FINDING_RAW_MAX <= THREAT_PACKET_MAX, "there is room");
	for (size_t i = 0; i < len; i++) {
		hex[n++] = digits[bytes[i] >> 4];
		hex[n++] = digits[bytes[i] & 15];
	}
	hex[n] = '\0';
	answer_text(o, name, hex);
}

json_t *answer_threat(const struct threat_record *t, uint64_t number,
		      bool packet, uint64_t unix_us_at_zero)
{
	static const struct flag_name names[] = {
		{ THREAT_PACKET_INGRESS, "packet_ingress" },
		{ THREAT_SESSION_INGRESS, "session_ingress" },
		{ THREAT_TAP, "tap" },
	};
	const struct threat_kind *kind = threat_kind_find(t->id);
	bool icmp = t->proto == PROTO_ICMP || t->proto == PROTO_ICMPV6;
	json_t *o = json_object();

	answer_uint(o, "number", number);
	add_workload(o, t->ep_mac);
	answer_uint(o, "id", t->id);
	answer_text(o, "name", kind ? kind->name : "");
	answer_text(o, "severity", severity_name(t->severity));
	answer_text(o, "action", dpi_action_name(t->action));
	answer_uint(o, "count", t->count);
	answer_uint(o, "at", unix_s(t->at_us, unix_us_at_zero));
	answer_text(o, "text", t->text);
	add_ip(o, "from", t->src);
	add_ip(o, "to", t->dst);
	add_proto(o, t->proto);
	if (icmp) {
		answer_uint(o, "icmp_type", t->icmp_type);
		answer_uint(o, "icmp_code", t->icmp_code);
	} else {
		answer_uint(o, "from_port", t->src_port);
		answer_uint(o, "to_port", t->dst_port);
	}
	add_application(o, t->application);
	add_flags(o, t->flags, names, sizeof names / sizeof *names);
	answer_uint(o, "wire_len", t->wire_len);
	if (packet)
		add_hex(o, "packet", t->packet, t->packet_len);
	return o;
}

static void add_finding_text(json_t *o, const struct finding_record *r,
			     bool raw)
{
	answer_text(o, "request", r->request);
	answer_text(o, "field",
		    r->buffer == SIG_BUFFER_PAYLOAD
			    ? "payload"
			    : sig_buffer_name(r->buffer));
	answer_uint(o, "offset", r->at);
	answer_uint(o, "length", r->len);
	answer_text(o, "evidence", r->evidence);
	if (!raw)
		return;
	answer_uint(o, "raw_offset", r->raw_at);
	add_hex(o, "raw", r->raw, r->raw_len);
}

json_t *answer_finding(const struct finding_record *r, uint64_t number,
		       bool raw, uint64_t unix_us_at_zero)
{
	static const struct flag_name names[] = {
		{ THREAT_TAP, "tap" },
	};
	json_t *o = json_object();

	answer_uint(o, "number", number);
	answer_text(o, "kind", finding_kind_name(r->kind));
	add_workload(o, r->ep_mac);
	answer_text(o, "direction",
		    r->flags & THREAT_SESSION_INGRESS ? "ingress" : "egress");
	answer_uint(o, "id", r->id);
	answer_uint(o, "rev", r->rev);
	answer_text(o, "name", r->name);
	answer_text(o, "classtype", r->classtype);
	answer_text(o, "severity", severity_name(r->severity));
	answer_text(o, "action", dpi_action_name(r->action));
	answer_uint(o, "count", r->count);
	answer_uint(o, "first_seen", unix_s(r->first_us, unix_us_at_zero));
	answer_uint(o, "last_seen", unix_s(r->last_us, unix_us_at_zero));
	add_ip(o, "client", r->client);
	answer_uint(o, "client_port", r->client_port);
	add_ip(o, "server", r->server);
	answer_uint(o, "server_port", r->server_port);
	add_proto(o, r->proto);
	add_application(o, r->application);
	answer_uint(o, "flow", r->flow_id);
	answer_uint(o, "rule", r->policy_id);
	answer_text(o, "said_by",
		    r->side == PROTO_CLIENT ? "client" : "server");
	add_flags(o, r->flags, names, sizeof names / sizeof *names);
	add_finding_text(o, r, raw);
	return o;
}

/*
 * Where a reader's page begins. The number of another run says nothing of ours:
 * then it begins anew.
 */
static uint64_t begin_of(json_t *result, const struct told *t,
			 const struct backlog *b, const struct told_spec *spec)
{
	bool ours = (!spec->epoch || spec->epoch == t->epoch) &&
		    spec->after <= backlog_last(b);

	answer_uint(result, "epoch", t->epoch);
	(void)json_object_set_new(result, "restarted",
				  json_boolean(!ours && spec->after));
	return ours ? spec->after : 0;
}

/* unasked: what fits in a datagram */
static uint32_t limit_of(const struct told_spec *spec, uint32_t unasked,
			 uint32_t max)
{
	uint32_t n = spec->limit ? spec->limit : unasked;

	return n < max ? n : max;
}

/* Takes the list; from: where the page began, at: its last record. */
static void finish_page(json_t *result, const char *name, json_t *list,
			const struct backlog *b, uint64_t from, uint64_t at)
{
	uint64_t ignored;
	bool more = backlog_next(b, at, &ignored) != NULL;

	/* what is gone behind the last one there is passed, too */
	if (!more)
		at = backlog_last(b);
	(void)json_object_set_new(result, name, list);
	answer_uint(result, "next", at);
	(void)json_object_set_new(result, "more", json_boolean(more));
	answer_uint(result, "missed",
		    backlog_gone(b, from) - backlog_gone(b, at));
}

void answer_told_connections(json_t *result, const struct told *t,
			     const struct told_spec *spec)
{
	uint32_t n = limit_of(spec, CONNECTIONS_PER_ANSWER,
			      CONNECTIONS_PER_PAGE_MAX);
	uint64_t from = begin_of(result, t, t->connections, spec), at = from;
	uint64_t zero = answer_clock_zero();
	const struct connection_record *c;
	json_t *list = json_array();

	while (n-- && (c = backlog_next(t->connections, at, &at)))
		(void)json_array_append_new(list,
					    answer_connection(c, at, zero));
	finish_page(result, "connections", list, t->connections, from, at);
}

void answer_told_threats(json_t *result, const struct told *t,
			 const struct told_spec *spec)
{
	uint32_t most = spec->packets ? THREAT_PACKETS_PER_ANSWER
				      : THREATS_PER_ANSWER;
	uint32_t n = limit_of(spec, most, most);
	uint64_t from = begin_of(result, t, t->threats, spec), at = from;
	uint64_t zero = answer_clock_zero();
	const struct threat_record *r;
	json_t *list = json_array();

	while (n-- && (r = backlog_next(t->threats, at, &at)))
		(void)json_array_append_new(
			list, answer_threat(r, at, spec->packets, zero));
	finish_page(result, "threats", list, t->threats, from, at);
}

void answer_told_findings(json_t *result, const struct told *t,
			  const struct told_spec *spec)
{
	uint32_t most = spec->raw ? FINDINGS_RAW_PER_ANSWER
				  : FINDINGS_PER_ANSWER;
	uint32_t n = limit_of(spec, most, most);
	uint64_t from = begin_of(result, t, t->findings, spec), at = from;
	uint64_t zero = answer_clock_zero();
	const struct finding_record *r;
	json_t *list = json_array();

	while (n-- && (r = backlog_next(t->findings, at, &at)))
		(void)json_array_append_new(
			list, answer_finding(r, at, spec->raw, zero));
	finish_page(result, "findings", list, t->findings, from, at);
}

void answer_told_trail(json_t *result, struct told *t,
		       const struct told_spec *spec)
{
	uint32_t n = limit_of(spec, TRAIL_PER_ANSWER, TRAIL_PER_PAGE_MAX);
	uint64_t from = begin_of(result, t, t->trail, spec), at = from;
	uint64_t zero = answer_clock_zero();
	const struct trail_record *r;
	json_t *list = json_array();

	t->trail_wanted = true;
	while (n-- && (r = backlog_next(t->trail, at, &at)))
		(void)json_array_append_new(list,
					    answer_trail_record(r, at, zero));
	finish_page(result, "trail", list, t->trail, from, at);
}
