/*
 * Bytes of others become text: what is neither printable nor UTF-8 is replaced
 * (base/utf8.h), so an object can always be made.
 */
#include "dp/answer_trail.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "dp/answer.h"
#include "packet/packet.h"
#include "wire/app.h"
#include "wire/reason.h"
#include "wire/words.h"

static json_t *text_json(const void *bytes, size_t len)
{
	char text[TRAIL_VALUE_MAX + 1], clean[4 * TRAIL_VALUE_MAX + 1];

	memcpy(text, bytes, len);
	text[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '.';
	return json_string(utf8_text(text, clean, sizeof clean));
}

/* "TYPE TTL OWNER VALUE", of inspect/trail.c. */
static json_t *answer_json(struct bytes b)
{
	static const char *const names[] = { "rrtype", "ttl", "rrname" };
	const uint8_t *at = b.begin;
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const uint8_t *end = memchr(at, ' ', (size_t)(b.end - at));
		unsigned ttl = 0;

		if (!end)
			return o;
		if (i == 1) {
			for (const uint8_t *p = at; p < end; p++)
				ttl = 10 * ttl + (unsigned)(*p - '0');
			answer_uint(o, names[i], ttl);
		} else {
			(void)json_object_set_new(
				o, names[i], text_json(at, (size_t)(end - at)));
		}
		at = end + 1;
	}
	(void)json_object_set_new(o, "rdata",
				  text_json(at, (size_t)(b.end - at)));
	return o;
}

static void add_value(json_t *o, enum trail_text t, struct bytes value)
{
	json_t *v = t == TRAIL_TEXT_DNS_ANSWER
			    ? answer_json(value)
			    : text_json(value.begin, bytes_len(value));
	const char *name = trail_text_name(t);
	json_t *list = json_object_get(o, name);

	if (!trail_text_is_several(t)) {
		(void)json_object_set_new(o, name, v);
		return;
	}
	if (!list) {
		(void)json_object_set_new(o, name, json_array());
		list = json_object_get(o, name);
	}
	(void)json_array_append_new(list, v);
}

/* What was said, as member "http", "tls" or "dns". */
static void add_said(json_t *o, const struct trail_record *r)
{
	json_t *said = answer_group(o, trail_kind_name(r->kind));
	enum trail_text t = TRAIL_TEXT__MAX;
	struct bytes value;
	uint16_t at = 0;

	while (trail_next(r, &at, &t, &value))
		add_value(said, t, value);
	if (r->cut)
		(void)json_object_set_new(said, "cut", json_true());
	if (r->kind != TRAIL_DNS)
		return;
	(void)json_object_set_new(said, "response", json_boolean(r->response));
	(void)json_object_set_new(said, "truncated",
				  json_boolean(r->truncated));
	answer_uint(said, "id", r->dns_id);
	answer_uint(said, "rcode", r->rcode);
}

static void add_counts(json_t *o, const struct trail_record *r)
{
	answer_uint(o, "client_packets", r->client_packets);
	answer_uint(o, "server_packets", r->server_packets);
	answer_uint(o, "client_bytes", r->client_bytes);
	answer_uint(o, "server_bytes", r->server_bytes);
	if (r->proto != PROTO_TCP)
		return;
	answer_text(o, "client_state", trail_tcp_state(r->client_state));
	answer_text(o, "server_state", trail_tcp_state(r->server_state));
	(void)json_object_set_new(o, "syn",
				  json_boolean(r->tcp_flags & TRAIL_TCP_SYN));
	(void)json_object_set_new(o, "fin",
				  json_boolean(r->tcp_flags & TRAIL_TCP_FIN));
	(void)json_object_set_new(o, "rst",
				  json_boolean(r->tcp_flags & TRAIL_TCP_RST));
}

static void add_ends(json_t *o, const struct trail_record *r)
{
	bool icmp = r->proto == PROTO_ICMP || r->proto == PROTO_ICMPV6;
	char ip[IP_TEXT_MAX], mac[MAC_TEXT_MAX], proto[PROTO_TEXT_MAX];

	answer_text(o, "workload",
		    mac_is_zero(r->ep_mac) ? "" : mac_format(r->ep_mac, mac));
	answer_text(o, "direction",
		    r->flags & SESSION_INGRESS ? "ingress" : "egress");
	answer_text(o, "client", ip_format(r->client, ip));
	answer_text(o, "server", ip_format(r->server, ip));
	answer_text(o, "proto", proto_name(r->proto, proto));
	if (icmp) {
		answer_uint(o, "icmp_type", r->icmp_type);
		answer_uint(o, "icmp_code", r->icmp_code);
	} else {
		answer_uint(o, "client_port", r->client_port);
		answer_uint(o, "server_port", r->server_port);
	}
}

json_t *answer_trail_record(const struct trail_record *r, uint64_t number,
			    uint64_t unix_us_at_zero)
{
	const char *app = r->application ? app_name(r->application) : "unknown";
	char app_number[8];
	json_t *o = json_object();

	(void)snprintf(app_number, sizeof app_number, "%u", r->application);
	answer_uint(o, "number", number);
	answer_text(o, "kind", trail_kind_name(r->kind));
	add_ends(o, r);
	answer_text(o, "application", app ? app : app_number);
	answer_text(o, "action", policy_action_name(r->action));
	answer_text(o, "reason", reason_name((enum reason)r->reason));
	answer_uint(o, "rule", r->policy_id);
	answer_uint(o, "flow", r->flow_id);
	(void)json_object_set_new(o, "blocked", json_boolean(r->blocked));
	(void)json_object_set_new(o, "tap",
				  json_boolean(r->flags & SESSION_TAP));
	(void)json_object_set_new(o, "midstream",
				  json_boolean(r->flags & SESSION_MIDSTREAM));
	answer_uint(o, "threat", r->threat);
	answer_text(o, "severity", severity_name(r->severity));
	answer_uint(o, "first_us", r->first_us + unix_us_at_zero);
	answer_uint(o, "last_us", r->last_us + unix_us_at_zero);
	if (r->kind == TRAIL_FLOW)
		add_counts(o, r);
	else
		add_said(o, r);
	return o;
}
