/*
 * The configuration as the messages that would make it: what we print, we can
 * read back. One message a workload and policy; a policy shared by several
 * workloads is printed for each of them.
 */
#include <stdio.h>

#include "base/addr.h"
#include "dp/answer.h"
#include "wire/ctrl.h"

static void set(json_t *o, const char *name, json_t *v)
{
	(void)json_object_set_new(o, name, v);
}

static json_t *ip_json(struct ip_addr a)
{
	char text[IP_TEXT_MAX];

	return json_string(ip_format(a, text));
}

static json_t *mac_json(struct mac m)
{
	char text[MAC_TEXT_MAX];

	return json_string(mac_is_zero(m) ? "" : mac_format(m, text));
}

/* {NAME: body} behind the others; takes body. */
static void add(json_t *messages, enum ctrl_kind kind, json_t *body)
{
	json_t *m = json_object();

	set(m, ctrl_name(kind), body);
	(void)json_array_append_new(messages, m);
}

static json_t *mask_json(struct ip_addr net, unsigned prefix_bits)
{
	struct ip_addr mask = { { 0 } };

	if (ip_is_v4(net)) {
		unsigned bits = prefix_bits < 96 ? 0 : prefix_bits - 96;

		return ip_json(
			ip_from_v4(bits ? ~(uint32_t)0 << (32 - bits) : 0));
	}
	for (unsigned i = 0; i < prefix_bits; i++)
		mask.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return ip_json(mask);
}

static void add_subnets(json_t *messages, enum ctrl_kind kind,
			const struct subnet *nets, size_t n)
{
	json_t *body = json_object(), *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();

		set(o, "ip", ip_json(nets[i].net));
		set(o, "mask", mask_json(nets[i].net, nets[i].prefix_bits));
		if (nets[i].type != IP_TYPE_NONE)
			set(o, "iptype",
			    json_string(
				    ip_type_name((enum ip_type)nets[i].type)));
		(void)json_array_append_new(list, o);
	}
	set(body, "flag", json_integer(MSG_CHUNK_START | MSG_CHUNK_END));
	set(body, "subnet_addr", list);
	add(messages, kind, body);
}

static void add_policy_addrs(json_t *messages, const struct snapshot_spec *s)
{
	json_t *body = json_object(), *list = json_array();

	for (size_t i = 0; i < s->n_policy_addrs; i++) {
		json_t *o = json_object();

		set(o, "ip", ip_json(s->policy_addrs[i]));
		set(o, "mask", mask_json(s->policy_addrs[i], 128));
		(void)json_array_append_new(list, o);
	}
	set(body, "flag", json_integer(MSG_CHUNK_START | MSG_CHUNK_END));
	set(body, "subnet_addr", list);
	add(messages, CTRL_CFG_POLICY_ADDR, body);
}

static json_t *apps_json(const struct rule_spec *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_apps; i++) {
		json_t *o = json_object();

		set(o, "app", json_integer(r->apps[i].app));
		set(o, "action", json_integer(r->apps[i].action));
		set(o, "rid", json_integer(r->apps[i].rule_id));
		(void)json_array_append_new(list, o);
	}
	return list;
}

static json_t *rule_json(const struct rule_spec *r)
{
	json_t *o = json_object();

	set(o, "id", json_integer(r->id));
	set(o, "sip", ip_json(r->sip));
	set(o, "sipr", ip_json(r->sipr));
	set(o, "dip", ip_json(r->dip));
	set(o, "dipr", ip_json(r->dipr));
	set(o, "port", json_integer(r->port));
	set(o, "portr", json_integer(r->portr));
	set(o, "proto", json_integer(r->proto));
	set(o, "action", json_integer(r->action));
	set(o, "ingress", json_boolean(r->ingress));
	if (r->reject)
		set(o, "reject", json_true());
	if (r->vhost)
		set(o, "vhost", json_true());
	if (r->fqdn)
		set(o, "fqdn", json_string(r->fqdn));
	if (r->n_apps)
		set(o, "apps", apps_json(r));
	return o;
}

static void add_policy(json_t *messages, const struct endpoint *e)
{
	const struct policy_spec *p = policy_spec_of(e->policy);
	json_t *body = json_object(), *rules = json_array(), *macs;

	macs = json_array();
	(void)json_array_append_new(macs, mac_json(e->mac));
	for (size_t i = 0; i < p->n_rules; i++)
		(void)json_array_append_new(rules, rule_json(&p->rules[i]));
	set(body, "cmd", json_integer(POLICY_CMD_ADD));
	set(body, "flag", json_integer(MSG_CHUNK_START | MSG_CHUNK_END));
	set(body, "defact", json_integer(p->defact));
	set(body, "defact_reject", json_boolean(p->reject));
	set(body, "dir", json_integer(p->dir));
	set(body, "ipv6", json_boolean(p->ipv6));
	set(body, "mac", macs);
	set(body, "rules", rules);
	add(messages, CTRL_CFG_POLICY, body);
}

static void add_endpoint(json_t *messages, const struct endpoint *e)
{
	json_t *body = json_object(), *cfg = json_object();
	json_t *macs = json_array();

	set(body, "mac", mac_json(e->mac));
	set(body, "ucmac", mac_json(e->ucmac));
	set(body, "bcmac", mac_json(e->bcmac));
	set(body, "oldmac", json_string(""));
	set(body, "pmac", json_string(""));
	add(messages, CTRL_ADD_MAC, body);
	(void)json_array_append_new(macs, mac_json(e->mac));
	set(cfg, "macs", macs);
	set(cfg, "tap", json_boolean(e->tap));
	add(messages, CTRL_CFG_MAC, cfg);
	if (e->policy)
		add_policy(messages, e);
}

static void add_port(json_t *messages, const struct port *port)
{
	json_t *body;

	if (port->state == PORT_NONE)
		return;
	body = json_object();
	set(body, "iface", json_string(port->iface));
	add(messages, CTRL_ADD_SRVC_PORT, body);
}

void answer_config(json_t *result, struct control *ctl)
{
	struct snapshot_spec s = snapshot_spec_of(config_current(ctl->config));
	json_t *messages = json_array(), *body = json_object();

	add_subnets(messages, CTRL_CFG_INTERNAL_NET, s.internal, s.n_internal);
	add_subnets(messages, CTRL_CFG_SPECIP_NET, s.special, s.n_special);
	set(body, "enable_icmp_policy", json_boolean(s.icmp_enforced));
	add(messages, CTRL_ENABLE_ICMP_POLICY, body);
	for (size_t i = 0; i < s.n_endpoints; i++)
		if (s.endpoints[i].used)
			add_endpoint(messages, &s.endpoints[i]);
	if (s.has_policy_addrs)
		add_policy_addrs(messages, &s);
	add_port(messages, &ctl->port);
	set(result, "messages", messages);
}
