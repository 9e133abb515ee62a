#include "agent/flow_json.h"

#include <stdio.h>

#include "wire/app.h"
#include "wire/member.h"
#include "wire/words.h"

json_t *flow_json(const struct store_flow *f, const json_t *client,
		  const json_t *server)
{
	char from[IP_TEXT_MAX], to[IP_TEXT_MAX], proto[PROTO_TEXT_MAX],
		number[8];
	const char *app = f->app ? app_name(f->app) : "unknown";
	json_t *o;

	(void)snprintf(number, sizeof number, "%u", f->app);
	o = json_pack(
		"{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:s, "
		"s:i, s:I, s:I, s:I, s:I}",
		"first_seen", (json_int_t)f->first_s, "last_seen",
		(json_int_t)f->last_s, "client",
		json_is_object(client) ? member_text(client, "name") : "",
		"client_id", f->client, "client_address",
		ip_format(f->client_addr, from), "server",
		json_is_object(server) ? member_text(server, "name") : "",
		"server_id", f->server, "server_address",
		ip_format(f->server_addr, to), "port", f->port, "proto",
		proto_name(f->proto, proto), "application", app ? app : number,
		"action", policy_action_name(f->action), "rule",
		(int)f->rule_id, "sessions", (json_int_t)f->sessions,
		"violations", (json_int_t)f->violations, "packets",
		(json_int_t)f->packets, "bytes", (json_int_t)f->bytes);
	(void)json_object_set_new(
		o, "told_by", json_string(f->ingress ? "server" : "client"));
	if (f->name && f->name[0])
		(void)json_object_set_new(o, "server_name",
					  json_string(f->name));
	return o;
}

json_t *event_json(const json_t *event, uint64_t number, bool raw)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)event);

	if (!raw)
		(void)json_object_del(copy, "raw");
	(void)json_object_set_new(copy, "number",
				  json_integer((json_int_t)number));
	return copy;
}
