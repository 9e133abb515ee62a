/*
 * Records are objects of JSON, and what is taken over is taken over by tables
 * {their member, ours}. What was sent by somebody outside went through the data
 * plane's parsers and the agent, so it is well-formed text; it is looked at all
 * the same, for another agent may say something else: a member of another type
 * counts as not there.
 */
#include "export/eve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "base/utf8.h"
#include "export/anomaly.h"
#include "export/community.h"
#include "export/visible.h"
#include "wire/member.h"
#include "wire/words.h"

#define USEC 1000000ULL
/* Of a line for people. */
#define SHORT_MAX 2048

/* Rules of Weir's own beside those of signatures (gid 1, Suricata's). */
#define GID_SIGNATURE 1
#define GID_POLICY    9001
#define GID_DLP	      9002
#define GID_WAF	      9003

static bool true_of(const json_t *o, const char *member)
{
	return json_is_true(json_object_get(o, member));
}

static void put(json_t *o, const char *member, json_t *v)
{
	(void)json_object_set_new(o, member, v);
}

static void put_text(json_t *o, const char *member, const char *text)
{
	if (text[0])
		put(o, member, json_string(text));
}

static void put_uint(json_t *o, const char *member, uint64_t v)
{
	put(o, member, json_integer((json_int_t)v));
}

/* A member that is there, and of a type that a value may have. */
static void take(json_t *to, const char *as, const json_t *from,
		 const char *member)
{
	json_t *v = json_object_get(from, member);

	if (v && !json_is_null(v) &&
	    !(json_is_string(v) && !json_string_value(v)[0]))
		(void)json_object_set(to, as, v);
}

const char *eve_time(uint64_t unix_us, char buf[static EVE_TIME_MAX])
{
	time_t s = (time_t)(unix_us / USEC);
	char zone[8] = "+0000";
	struct tm tm;
	size_t n;

	if (!localtime_r(&s, &tm))
		memset(&tm, 0, sizeof tm);
	n = strftime(buf, EVE_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)strftime(zone, sizeof zone, "%z", &tm);
	(void)snprintf(buf + n, EVE_TIME_MAX - n, ".%06u%s",
		       (unsigned)(unix_us % USEC), zone);
	return buf;
}

/* --- what all have ------------------------------------------------------------- */

/* "TCP"; "IPv6-ICMP" and others by Suricata's names, else the number. */
static json_t *proto_json(uint8_t proto)
{
	char name[PROTO_TEXT_MAX];

	switch (proto) {
	case 1: return json_string("ICMP");
	case 6: return json_string("TCP");
	case 17: return json_string("UDP");
	case 58: return json_string("IPv6-ICMP");
	case 132: return json_string("SCTP");
	default: return json_string(proto_name(proto, name));
	}
}

struct ends {
	struct ip_addr src, dst;
	bool known, has_ports;
	uint16_t src_port, dst_port; /* of ICMP: type and code */
	uint8_t proto;
};

static void put_ends(json_t *o, const struct ends *e)
{
	char text[IP_TEXT_MAX], id[COMMUNITY_TEXT_MAX];
	bool icmp = e->proto == 1 || e->proto == 58;

	if (!e->known)
		return;
	put_text(o, "src_ip", ip_format(e->src, text));
	if (e->has_ports && !icmp)
		put_uint(o, "src_port", e->src_port);
	put_text(o, "dest_ip", ip_format(e->dst, text));
	if (!icmp && (e->has_ports || e->dst_port))
		put_uint(o, "dest_port", e->dst_port);
	if (e->proto)
		put(o, "proto", proto_json(e->proto));
	if (icmp && e->has_ports) {
		put_uint(o, "icmp_type", e->src_port);
		put_uint(o, "icmp_code", e->dst_port);
	}
	if (!e->proto || !e->has_ports)
		return;
	community_id(e->src, e->dst, e->src_port, e->dst_port, e->proto, id);
	put_text(o, "community_id", id);
}

static uint16_t port_of(const json_t *o, const char *member)
{
	uint64_t v = member_number(o, member);

	return v <= UINT16_MAX ? (uint16_t)v : 0;
}

/* Of a flow's client and server, as findings and the trail name them. */
static struct ends ends_of(const json_t *r)
{
	struct ends e = { .known = false };

	if (ip_parse(member_text(r, "client_address"), &e.src) < 0 ||
	    ip_parse(member_text(r, "server_address"), &e.dst) < 0 ||
	    proto_by_text(member_text(r, "proto"), &e.proto) < 0)
		return e;
	e.known = true;
	if (e.proto == 1 || e.proto == 58) {
		e.has_ports = json_object_get(r, "icmp_type") != NULL;
		e.src_port = port_of(r, "icmp_type");
		e.dst_port = port_of(r, "icmp_code");
		return e;
	}
	e.src_port = port_of(r, "client_port");
	e.dst_port = port_of(
		r, json_object_get(r, "server_port") ? "server_port" : "port");
	/* a violation is of all its client's ports */
	e.has_ports = e.src_port || (e.proto != 6 && e.proto != 17);
	return e;
}

/*
 * A number that all lines of a flow have, whole in JavaScript. Of its ends, in
 * order, and the data plane's own number.
 */
static uint64_t flow_id_of(const struct ends *e, uint64_t number)
{
	struct {
		struct ip_addr a, b;
		uint64_t number;
		uint16_t a_port, b_port, proto, none;
	} k = { .number = number, .proto = e->proto };
	int order = ip_compare(e->src, e->dst);
	bool icmp = e->proto == 1 || e->proto == 58;
	bool swap = order > 0 || (order == 0 && e->src_port > e->dst_port);

	k.a = swap ? e->dst : e->src;
	k.b = swap ? e->src : e->dst;
	if (!icmp) {
		k.a_port = swap ? e->dst_port : e->src_port;
		k.b_port = swap ? e->src_port : e->dst_port;
	}
	return XXH3_64bits(&k, sizeof k) & ((1ULL << 53) - 1);
}

/* Suricata's word for it; "": it has none that is known. */
static const char *app_proto_of(const char *application)
{
	static const struct {
		const char *ours, *eve;
	} names[] = {
		{ "unknown", "" },	   { "not_checked", "" },
		{ "nginx", "http" },	   { "apache", "http" },
		{ "jetty", "http" },	   { "nodejs", "http" },
		{ "wordpress", "http" },   { "couchdb", "http" },
		{ "etcd", "http" },	   { "grpc", "http2" },
		{ "postgresql", "pgsql" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i].ours, application) == 0)
			return names[i].eve;
	return application;
}

/* One end: who it is, as far as anybody knows. */
static void put_who(const struct eve *e, json_t *weir, const char *as,
		    const char *id, const char *name)
{
	const json_t *about = e->who ? who_find(e->who, id) : NULL;
	json_t *o;

	if (!id[0])
		return;
	o = json_pack("{s:s}", "id", id);
	put_text(o, "name", name[0] ? name : member_text(about, "name"));
	take(o, "groups", about, "groups");
	take(o, "mode", about, "mode");
	put(weir, as, o);
}

/* The object "weir" that all have: workload, client, server, rule, reason. */
static json_t *weir_of(const struct eve *e, const json_t *r, const char *kind)
{
	static const char *const same[] = { "severity", "rule",	     "reason",
					    "action",	"direction", "count" };
	json_t *w = json_pack("{s:s}", "kind", kind);
	const char *id = member_text(r, "workload");
	const char *name = "";

	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		take(w, same[i], r, same[i]);
	if (strcmp(id, member_text(r, "client_id")) == 0)
		name = member_text(r, "client");
	else if (strcmp(id, member_text(r, "server_id")) == 0)
		name = member_text(r, "server");
	put_who(e, w, "workload", id, name);
	put_who(e, w, "client", member_text(r, "client_id"),
		member_text(r, "client"));
	put_who(e, w, "server", member_text(r, "server_id"),
		member_text(r, "server"));
	take(w, "application", r, "application");
	return w;
}

static json_t *line_of(const struct eve *e, enum item_kind kind, uint64_t at_us)
{
	char time[EVE_TIME_MAX];
	json_t *o = json_pack("{s:s, s:s}", "timestamp", eve_time(at_us, time),
			      "event_type", item_eve_name(kind));

	put_text(o, "host", e->host);
	return o;
}

/* Takes o; NULL if it could not be made. */
static struct item *finish(struct item *i, json_t *o, const char *text)
{
	if (i && o) {
		i->json = visible_json(json_dumps(o, JSON_COMPACT));
		i->text = strdup(text);
	}
	if (i && i->text)
		visible_line(i->text);
	json_decref(o);
	if (!i || !i->json || !i->text) {
		item_put(i);
		return NULL;
	}
	i->json_len = strlen(i->json);
	return i;
}

static void name_item(struct item *i, const json_t *r)
{
	char cut[sizeof i->workload / 4], clean[sizeof i->workload];
	const char *id = member_text(r, "workload");
	const char *name = id;

	if (id[0] && strcmp(id, member_text(r, "client_id")) == 0)
		name = member_text(r, "client");
	else if (id[0] && strcmp(id, member_text(r, "server_id")) == 0)
		name = member_text(r, "server");
	(void)snprintf(cut, sizeof cut, "%s", name);
	(void)snprintf(i->workload, sizeof i->workload, "%s",
		       utf8_text(cut, clean, sizeof clean));
	visible_line(i->workload);
	if (json_object_get(r, "rule"))
		(void)snprintf(i->rule, sizeof i->rule, "%u",
			       (unsigned)member_number(r, "rule"));
}

/* --- events -------------------------------------------------------------------- */

static bool is_in(const json_t *list, const char *word)
{
	const json_t *v;
	size_t i;

	json_array_foreach (list, i, v)
		if (json_is_string(v) &&
		    strcmp(json_string_value(v), word) == 0)
			return true;
	return false;
}

/* Was it kept from going on? */
static bool was_blocked(const json_t *ev)
{
	const char *action = member_text(ev, "action");

	if (json_is_boolean(json_object_get(ev, "blocked")))
		return true_of(ev, "blocked");
	if (is_in(json_object_get(ev, "flags"), "tap"))
		return false;
	return strcmp(action, "drop") == 0 || strcmp(action, "reset") == 0 ||
	       strcmp(action, "block") == 0;
}

/* 1 is the worst, as of a rule's priority. */
static uint64_t eve_severity(uint8_t severity)
{
	return severity >= 4 ? 1 : severity == 3 ? 2 : 3;
}

static json_t *alert_of(const json_t *ev, enum item_kind kind, uint8_t severity)
{
	static const struct {
		uint16_t gid;
		const char *category;
	} of[ITEM_KIND__MAX] = {
		[ITEM_VIOLATION] = { GID_POLICY, "Network policy violation" },
		[ITEM_SIGNATURE] = { GID_SIGNATURE, "" },
		[ITEM_DLP] = { GID_DLP, "Data leak" },
		[ITEM_WAF] = { GID_WAF, "Web attack" },
	};
	bool policy = kind == ITEM_VIOLATION;
	json_t *a = json_object();

	put_text(a, "action", was_blocked(ev) ? "blocked" : "allowed");
	put_uint(a, "gid", of[kind].gid);
	put_uint(a, "signature_id", member_number(ev, policy ? "rule" : "id"));
	take(a, "rev", ev, "rev");
	put_text(a, "signature",
		 !policy ? member_text(ev, "name")
		 : member_number(ev, "rule")
			 ? "Weir: a rule of the policy does not allow it"
			 : "Weir: no rule of the policy allows it");
	put_text(a, "category",
		 of[kind].category[0] ? of[kind].category
				      : member_text(ev, "classtype"));
	put_uint(a, "severity", eve_severity(severity));
	return a;
}

/* A threat's ends are of the packet; those of the flow are not told. */
static struct ends threat_ends(const json_t *ev)
{
	struct ends e = { .known = false };

	if (ip_parse(member_text(ev, "from"), &e.src) < 0 ||
	    ip_parse(member_text(ev, "to"), &e.dst) < 0)
		return e;
	e.known = true;
	(void)proto_by_text(member_text(ev, "proto"), &e.proto);
	if (json_object_get(ev, "icmp_type")) {
		e.src_port = port_of(ev, "icmp_type");
		e.dst_port = port_of(ev, "icmp_code");
		e.has_ports = e.proto;
	} else {
		e.src_port = port_of(ev, "from_port");
		e.dst_port = port_of(ev, "to_port");
		e.has_ports = e.src_port;
	}
	return e;
}

/* What only findings have. */
static void put_finding(json_t *weir, const json_t *ev)
{
	static const char *const same[] = {
		"said_by", "field", "offset",	 "length",     "evidence",
		"request", "id",    "classtype", "first_seen", "last_seen"
	};

	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		take(weir, same[i], ev, same[i]);
}

static void put_body(json_t *o, json_t *weir, const json_t *ev, struct item *i)
{
	json_t *part;

	switch (i->kind) {
	case ITEM_SIGNATURE:
	case ITEM_DLP:
	case ITEM_WAF:
		put_finding(weir, ev);
		put_text(o, "direction",
			 strcmp(member_text(ev, "said_by"), "server") == 0
				 ? "to_client"
				 : "to_server");
		/* fallthrough */
	case ITEM_VIOLATION:
		put(o, "alert", alert_of(ev, i->kind, i->severity));
		break;
	case ITEM_THREAT:
		put(o, "anomaly",
		    anomaly_of(member_number(ev, "id"),
			       member_text(ev, "name")));
		take(weir, "id", ev, "id");
		take(weir, "name", ev, "name");
		break;
	default:
		part = json_pack("{s:s}", "message", member_text(ev, "text"));
		take(part, "part", ev, "part");
		take(part, "who", ev, "who");
		put(o, "engine", part);
		break;
	}
}

static void put_hooks(struct item *i, const json_t *list)
{
	const json_t *v;
	size_t n;

	json_array_foreach (list, n, v) {
		const char *name = json_string_value(v);

		if (!name || strlen(name) >= EXPORT_NAME_MAX ||
		    i->n_hooks == EXPORT_HOOKS_MAX)
			continue;
		(void)snprintf(i->hooks[i->n_hooks++], EXPORT_NAME_MAX, "%s",
			       name);
	}
}

struct item *eve_of_event(const struct eve *e, const json_t *ev)
{
	enum item_kind kind = item_kind_by_name(member_text(ev, "kind"));
	struct item *i = kind <= ITEM_CHANGE ? item_new() : NULL;
	struct ends ends;
	const char *app;
	json_t *o, *weir;

	if (!i)
		return NULL;
	i->kind = kind;
	i->source = ITEM_OF_EVENTS;
	i->number = member_number(ev, "number");
	i->severity = item_severity_by_name(member_text(ev, "severity"));
	i->at_us = member_number(ev, "at") * USEC;
	put_hooks(i, json_object_get(ev, "webhooks"));
	name_item(i, ev);
	ends = kind == ITEM_THREAT ? threat_ends(ev) : ends_of(ev);
	o = line_of(e, kind, i->at_us);
	weir = weir_of(e, ev, item_kind_name(kind));
	if (member_number(ev, "flow") && ends.known)
		put_uint(o, "flow_id",
			 flow_id_of(&ends, member_number(ev, "flow")));
	put_ends(o, &ends);
	app = app_proto_of(member_text(ev, "application"));
	put_text(o, "app_proto", app);
	put_body(o, weir, ev, i);
	put_uint(weir, "event", i->number);
	take(weir, "text", ev, "text");
	put(o, "weir", weir);
	return finish(i, o, member_text(ev, "text"));
}

/* --- the trail ------------------------------------------------------------------ */

static const char *flow_state_of(const json_t *r)
{
	const char *c = member_text(r, "client_state");
	const char *s = member_text(r, "server_state");

	if (strcmp(member_text(r, "proto"), "tcp") != 0)
		return member_number(r, "server_packets") ? "established"
							  : "new";
	if (true_of(r, "rst") || strcmp(c, "closed") == 0 ||
	    strcmp(s, "closed") == 0 || strcmp(c, "time_wait") == 0 ||
	    strcmp(s, "time_wait") == 0)
		return "closed";
	return strcmp(c, "established") == 0 || strcmp(s, "established") == 0 ||
			       true_of(r, "fin")
		       ? "established"
		       : "new";
}

static void put_flow(json_t *o, const json_t *r)
{
	char time[EVE_TIME_MAX];
	json_t *f = json_object(), *tcp;

	put_uint(f, "pkts_toserver", member_number(r, "client_packets"));
	put_uint(f, "pkts_toclient", member_number(r, "server_packets"));
	put_uint(f, "bytes_toserver", member_number(r, "client_bytes"));
	put_uint(f, "bytes_toclient", member_number(r, "server_bytes"));
	put_text(f, "start", eve_time(member_number(r, "first_us"), time));
	put_text(f, "end", eve_time(member_number(r, "last_us"), time));
	put_uint(f, "age",
		 (member_number(r, "last_us") - member_number(r, "first_us")) /
			 USEC);
	put_text(f, "state", flow_state_of(r));
	put_text(f, "action", true_of(r, "blocked") ? "drop" : "accept");
	put(o, "flow", f);
	if (strcmp(member_text(r, "proto"), "tcp") != 0)
		return;
	tcp = json_object();
	for (size_t i = 0; i < 3; i++) {
		static const char *const flags[] = { "syn", "fin", "rst" };

		if (true_of(r, flags[i]))
			put(tcp, flags[i], json_true());
	}
	take(tcp, "state", r, "server_state");
	put(o, "tcp", tcp);
}

static void put_http(json_t *o, const json_t *said)
{
	json_t *h = json_object();
	char *end;
	const char *status = member_text(said, "status");
	unsigned long code = strtoul(status, &end, 10);

	take(h, "hostname", said, "host");
	take(h, "url", said, "url");
	take(h, "http_user_agent", said, "user_agent");
	take(h, "http_content_type", said, "content_type");
	take(h, "http_refer", said, "referer");
	take(h, "http_method", said, "method");
	take(h, "protocol", said, "protocol");
	if (status[0] && !*end)
		put_uint(h, "status", code);
	put(o, "http", h);
}

static void put_tls(json_t *o, const json_t *said)
{
	const char *version = member_text(said, "version");
	json_t *t = json_object();
	char name[32];

	take(t, "subject", said, "subject");
	take(t, "issuerdn", said, "issuer");
	take(t, "subjectaltname", said, "name");
	take(t, "sni", said, "sni");
	if (version[0]) {
		(void)snprintf(name, sizeof name, "%s%.16s",
			       version[0] >= '0' && version[0] <= '9' ? "TLS "
								      : "",
			       version);
		put_text(t, "version", name);
	}
	if (member_text(said, "ja3")[0])
		put(t, "ja3",
		    json_pack("{s:s}", "hash", member_text(said, "ja3")));
	if (member_text(said, "ja3s")[0])
		put(t, "ja3s",
		    json_pack("{s:s}", "hash", member_text(said, "ja3s")));
	take(t, "ja4", said, "ja4");
	take(t, "client_alpns", said, "client_alpn");
	take(t, "server_alpns", said, "server_alpn");
	put(o, "tls", t);
}

/* RFC 1035, 6895: as Suricata writes it. */
static void put_rcode(json_t *d, uint64_t rcode)
{
	static const char *const names[] = { "NOERROR",	 "FORMERR", "SERVFAIL",
					     "NXDOMAIN", "NOTIMP",  "REFUSED",
					     "YXDOMAIN", "YXRRSET", "NXRRSET",
					     "NOTAUTH",	 "NOTZONE" };
	char number[24];

	(void)snprintf(number, sizeof number, "%llu",
		       (unsigned long long)rcode);
	put_text(d, "rcode",
		 rcode < sizeof names / sizeof *names ? names[rcode] : number);
}

static void put_dns(json_t *o, const json_t *said)
{
	bool response = true_of(said, "response");
	json_t *d = json_object();

	put_text(d, "type", response ? "answer" : "query");
	put_uint(d, "id", member_number(said, "id"));
	if (response) {
		put_uint(d, "version", 2);
		put(d, "qr", json_true());
		if (true_of(said, "truncated"))
			put(d, "tc", json_true());
		put_rcode(d, member_number(said, "rcode"));
	}
	take(d, "rrname", said, "rrname");
	take(d, "rrtype", said, "rrtype");
	if (response)
		take(d, "answers", said, "answer");
	put(o, "dns", d);
}

static void set_flow(struct item *i, const json_t *r, const struct ends *e)
{
	struct item_flow *f = &i->flow;
	bool icmp = e->proto == 1 || e->proto == 58;

	i->has_flow = e->known;
	*f = (struct item_flow){
		.client = e->src,
		.server = e->dst,
		.client_port = icmp ? 0 : e->src_port,
		.server_port = icmp ? 0 : e->dst_port,
		.proto = e->proto,
		.icmp_type = icmp ? (uint8_t)e->src_port : 0,
		.icmp_code = icmp ? (uint8_t)e->dst_port : 0,
		.tcp_flags = (uint8_t)((true_of(r, "syn") ? 2 : 0) |
				       (true_of(r, "fin") ? 1 : 0) |
				       (true_of(r, "rst") ? 4 : 0)),
		.blocked = true_of(r, "blocked"),
		.id = (uint32_t)member_number(r, "flow"),
		.first_us = member_number(r, "first_us"),
		.last_us = member_number(r, "last_us"),
		.client_packets = member_number(r, "client_packets"),
		.server_packets = member_number(r, "server_packets"),
		.client_bytes = member_number(r, "client_bytes"),
		.server_bytes = member_number(r, "server_bytes"),
	};
	(void)snprintf(f->application, sizeof f->application, "%s",
		       member_text(r, "application"));
}

/* "web -> db tcp/5432 http GET /x"; what is cut within a character is mended. */
static const char *short_text(const json_t *r, const struct ends *e,
			      char buf[static SHORT_MAX])
{
	const char *kind = member_text(r, "kind");
	const json_t *said = json_object_get(r, kind);
	const char *client = member_text(r, "client");
	const char *server = member_text(r, "server");
	char from[IP_TEXT_MAX], to[IP_TEXT_MAX];
	char cut[SHORT_MAX / 4], clean[SHORT_MAX];
	const char *what = member_text(said, "url");

	if (!what[0])
		what = member_text(said, "sni");
	if (!what[0])
		what = member_text(said, "rrname");
	(void)snprintf(cut, sizeof cut, "%s: %s -> %s %s/%u %s %s %s", kind,
		       client[0] ? client : ip_format(e->src, from),
		       server[0] ? server : ip_format(e->dst, to),
		       member_text(r, "proto"), e->dst_port,
		       member_text(r, "application"),
		       member_text(said, "method"), what);
	(void)snprintf(buf, SHORT_MAX, "%s",
		       utf8_text(cut, clean, sizeof clean));
	return buf;
}

struct item *eve_of_trail(const struct eve *e, const json_t *r)
{
	const char *name = member_text(r, "kind");
	enum item_kind kind = item_kind_by_name(name);
	const json_t *said = json_object_get(r, name);
	struct ends ends = ends_of(r);
	char text[SHORT_MAX];
	struct item *i;
	json_t *o, *weir;

	if (kind < ITEM_FLOW || kind > ITEM_DNS || !ends.known)
		return NULL;
	i = item_new();
	if (!i)
		return NULL;
	i->kind = kind;
	i->source = ITEM_OF_TRAIL;
	i->number = member_number(r, "number");
	i->plane = member_number(r, "plane");
	i->at_us = member_number(r, kind == ITEM_FLOW ? "last_us" : "first_us");
	name_item(i, r);
	set_flow(i, r, &ends);
	o = line_of(e, kind, i->at_us);
	put_uint(o, "flow_id", flow_id_of(&ends, member_number(r, "flow")));
	put_ends(o, &ends);
	put_text(o, "app_proto", app_proto_of(member_text(r, "application")));
	switch (kind) {
	case ITEM_FLOW: put_flow(o, r); break;
	case ITEM_HTTP: put_http(o, said); break;
	case ITEM_TLS: put_tls(o, said); break;
	default: put_dns(o, said); break;
	}
	weir = weir_of(e, r, name);
	if (member_number(r, "threat"))
		take(weir, "threat", r, "threat");
	put(weir, "blocked", json_boolean(true_of(r, "blocked")));
	if (true_of(r, "tap"))
		put(weir, "tap", json_true());
	if (true_of(r, "midstream"))
		put(weir, "midstream", json_true());
	if (true_of(said, "cut"))
		put(weir, "cut", json_true());
	put(o, "weir", weir);
	return finish(i, o, short_text(r, &ends, text));
}

/* --- stats ----------------------------------------------------------------------- */

/* Of all workloads together: a line for a thousand would be none. */
static json_t *traffic_of(const json_t *top)
{
	static const char *const summed[] = { "packets_in", "packets_out",
					      "bytes_in",   "bytes_out",
					      "dropped",    "violations",
					      "sessions",   "sessions_made" };
	const json_t *list = json_object_get(top, "workloads"), *w;
	json_t *o = json_object();
	size_t i;

	for (size_t k = 0; k < sizeof summed / sizeof *summed; k++) {
		uint64_t sum = 0;

		json_array_foreach (list, i, w)
			sum += member_number(w, summed[k]);
		put_uint(o, summed[k], sum);
	}
	return o;
}

struct item *eve_of_stats(const struct eve *e, const json_t *status,
			  const json_t *top, json_t *outputs, uint64_t now_us)
{
	struct item *i = item_new();
	uint64_t started = member_number(status, "started");
	json_t *o, *stats = json_object(), *weir = json_object();

	if (!i) {
		json_decref(stats);
		json_decref(weir);
		json_decref(outputs);
		return NULL;
	}
	i->kind = ITEM_STATS;
	i->source = ITEM_OF_US;
	i->at_us = now_us;
	o = line_of(e, ITEM_STATS, now_us);
	if (started && started <= now_us / USEC)
		put_uint(stats, "uptime", now_us / USEC - started);
	take(weir, "counts", status, "counts");
	take(weir, "policy", status, "policy");
	take(weir, "records", status, "records");
	if (top)
		put(weir, "traffic", traffic_of(top));
	put(weir, "outputs", outputs);
	put(stats, "weir", weir);
	put(o, "stats", stats);
	return finish(i, o, "stats");
}
