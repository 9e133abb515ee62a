/*
 * The configuration as the messages that would make it: what we print, we can
 * read back. One message a workload and policy; a policy shared by several
 * workloads is printed for each of them, but not what a weir_policy made: that
 * is one message again, or a thousand workloads would be told of ten thousand
 * rules each.
 */
#include <stdio.h>

#include "base/addr.h"
#include "dp/answer.h"
#include "dp/answer_detection.h"
#include "dp/answer_kept.h"
#include "dp/answer_policy.h"
#include "dp/settings.h"
#include "wire/app.h"
#include "wire/ctrl.h"
#include "wire/ctrl_rule.h"

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

static json_t *words_json(const struct addr_word *w, size_t n)
{
	char text[ADDR_WORD_TEXT_MAX];
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(
			list, json_string(addr_word_format(&w[i], text)));
	return list;
}

static json_t *ports_json(const struct rule_lists *l)
{
	char text[16];
	json_t *list = json_array();

	for (size_t i = 0; i < l->n_ports; i++) {
		(void)snprintf(text, sizeof text, "%u-%u", l->ports[i].first,
			       l->ports[i].last);
		(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *own_rule_json(const struct rule_spec *r)
{
	json_t *o = json_object(), *apps = json_array();

	for (size_t i = 0; i < r->n_apps; i++) {
		const char *name = app_name(r->apps[i].app);

		(void)json_array_append_new(
			apps, name ? json_string(name)
				   : json_integer(r->apps[i].app));
	}
	set(o, "id", json_integer(r->id));
	set(o, "from", words_json(r->lists->from, r->lists->n_from));
	set(o, "to", words_json(r->lists->to, r->lists->n_to));
	set(o, "ports", ports_json(r->lists));
	set(o, "proto", json_integer(r->proto));
	set(o, "apps", apps);
	set(o, "action", json_string(rule_action_word(r)));
	set(o, "ingress", json_boolean(r->ingress));
	if (r->requests)
		set(o, "requests", request_spec_json(r->requests));
	return o;
}

static json_t *rule_json(const struct rule_spec *r)
{
	json_t *o;

	if (r->lists)
		return own_rule_json(r);
	o = json_object();
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

static json_t *sets_json(const struct addr_sets *sets)
{
	json_t *all = json_object();
	char text[ADDR_WORD_TEXT_MAX];
	const struct addr_set *s;

	for (size_t i = 0; (s = addr_sets_at(sets, i)); i++) {
		json_t *list = json_array();

		for (size_t k = 0; k < s->n_ranges; k++) {
			struct addr_word w = { .first = s->ranges[k].first,
					       .last = s->ranges[k].last };

			(void)json_array_append_new(
				list, json_string(addr_word_format(&w, text)));
		}
		set(all, s->name, list);
	}
	return all;
}

static void add_sets(json_t *messages, const struct addr_sets *sets)
{
	json_t *body = json_object();

	set(body, "sets", sets_json(sets));
	add(messages, CTRL_WEIR_SETS, body);
}

static json_t *rules_json(const struct policy_spec *p)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < p->n_rules; i++)
		(void)json_array_append_new(rules, rule_json(&p->rules[i]));
	return rules;
}

static void add_policy(json_t *messages, const struct endpoint *e)
{
	const struct policy_spec *p = policy_spec_of(e->policy);
	json_t *body = json_object(), *macs = json_array();

	(void)json_array_append_new(macs, mac_json(e->mac));
	set(body, "cmd", json_integer(POLICY_CMD_ADD));
	set(body, "flag", json_integer(MSG_CHUNK_START | MSG_CHUNK_END));
	set(body, "defact", json_integer(p->defact));
	set(body, "defact_reject", json_boolean(p->reject));
	set(body, "dir", json_integer(p->dir));
	set(body, "ipv6", json_boolean(p->ipv6));
	set(body, "mac", macs);
	set(body, "rules", rules_json(p));
	add(messages, CTRL_CFG_POLICY, body);
}

/* All who have the i-th one's policy; NULL: told of with one before. */
static json_t *owners_json(const struct snapshot_spec *s, size_t i)
{
	const struct policy *p = s->endpoints[i].policy;
	json_t *macs;

	for (size_t k = 0; k < i; k++)
		if (s->endpoints[k].policy == p)
			return NULL;
	macs = json_array();
	for (size_t k = i; k < s->n_endpoints; k++)
		if (s->endpoints[k].policy == p)
			(void)json_array_append_new(
				macs, mac_json(s->endpoints[k].mac));
	return macs;
}

static json_t *prefixes_json(const struct subnet *nets, size_t n)
{
	char ip[IP_TEXT_MAX], text[IP_TEXT_MAX + 4];
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		bool v4 = ip_is_v4(nets[i].net) && nets[i].prefix_bits >= 96;

		(void)snprintf(text, sizeof text, "%s/%u",
			       ip_format(nets[i].net, ip),
			       nets[i].prefix_bits - (v4 ? 96u : 0u));
		(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

static void add_whole(json_t *messages, const struct control *ctl,
		      const struct snapshot_spec *s)
{
	json_t *body = json_object(), *policies = json_array(), *macs;

	for (size_t i = 0; i < s->n_endpoints; i++) {
		const struct policy *of = s->endpoints[i].policy;
		const struct policy_spec *p = of ? policy_spec_of(of) : NULL;
		struct rule_spec word = { 0 };
		json_t *o;

		if (!p || !(macs = owners_json(s, i)))
			continue;
		o = json_object();
		word.action = p->defact;
		word.reject = p->reject;
		set(o, "macs", macs);
		set(o, "default", json_string(rule_action_word(&word)));
		set(o, "ipv6", json_boolean(p->ipv6));
		set(o, "rules", rules_json(p));
		(void)json_array_append_new(policies, o);
	}
	set(body, "version",
	    json_integer((json_int_t)config_whole(ctl->config).version));
	set(body, "force", json_true());
	set(body, "sets", sets_json(config_addr_sets(ctl->config)));
	set(body, "policies", policies);
	if (s->has_internal)
		set(body, "internal",
		    prefixes_json(s->internal, s->n_internal));
	add(messages, CTRL_WEIR_POLICY, body);
}

static void add_endpoint(json_t *messages, const struct control *ctl,
			 uint16_t index, const struct endpoint *e,
			 bool for_successor)
{
	json_t *body = json_object(), *cfg = json_object();
	json_t *macs = json_array(), *apps;

	set(body, "mac", mac_json(e->mac));
	set(body, "ucmac", mac_json(e->ucmac));
	set(body, "bcmac", mac_json(e->bcmac));
	set(body, "oldmac", json_string(""));
	set(body, "pmac", json_string(""));
	if (for_successor)
		set(body, "index", json_integer(index));
	add(messages, CTRL_ADD_MAC, body);
	(void)json_array_append_new(macs, mac_json(e->mac));
	set(cfg, "macs", macs);
	set(cfg, "tap", json_boolean(e->tap));
	apps = answer_kept_apps(&ctl->kept, index);
	if (json_array_size(apps))
		set(cfg, "apps", apps);
	else
		json_decref(apps);
	add(messages, CTRL_CFG_MAC, cfg);
	if (e->nbe)
		add(messages, CTRL_CFG_NBE,
		    json_pack("{s:[o],s:b}", "macs", mac_json(e->mac), "nbe",
			      1));
	if (e->policy && config_whole(ctl->config).version == 0)
		add_policy(messages, e);
}

static void add_service_port(json_t *messages, const struct port *port)
{
	json_t *body;

	if (port->state == PORT_NONE)
		return;
	body = json_object();
	set(body, "iface", json_string(port->where.iface));
	add(messages, CTRL_ADD_SRVC_PORT, body);
}

/* A pair is told by its first side. */
static void add_other_port(json_t *messages, const struct ports *ports,
			   const struct port *p)
{
	bool nfq = p->from.kind == FRAME_PORT_NFQ;
	json_t *body;

	if (p->other < p->at)
		return;
	body = json_object();
	set(body, "epmac", mac_json(p->from.workload));
	if (p->from.kind == FRAME_PORT_PAIR) {
		set(body, "vex_iface", json_string(p->where.iface));
		set(body, "vin_iface",
		    json_string(ports->at[p->other]->where.iface));
		set(body, "quar", json_boolean(p->from.quarantined));
		add(messages, CTRL_ADD_PORT_PAIR, body);
		return;
	}
	set(body, "netns", json_string(p->where.netns));
	set(body, "iface", json_string(p->where.iface));
	if (nfq)
		set(body, "qnum", json_integer(p->where.queue));
	add(messages, nfq ? CTRL_ADD_NFQ_PORT : CTRL_ADD_TAP_PORT, body);
}

static void add_switches(json_t *messages, const struct snapshot_spec *s)
{
	const struct {
		const char *field;
		enum ctrl_kind kind;
		bool on;
	} all[] = {
		{ "xff_enabled", CTRL_SYS_CONF, s->xff },
		{ "disable_net_policy", CTRL_DISABLE_NET_POLICY,
		  s->net_policy_disabled },
		{ "detect_unmanaged_wl", CTRL_DETECT_UNMANAGED,
		  s->detect_unmanaged },
		{ "enable_icmp_policy", CTRL_ENABLE_ICMP_POLICY,
		  s->icmp_enforced },
		{ "strict_group_mode", CTRL_STRICT_GROUP_MODE,
		  s->strict_group_mode },
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		add(messages, all[i].kind,
		    json_pack("{s:b}", all[i].field, all[i].on));
}

static void add_settings(json_t *messages, const struct inspect_settings *s)
{
	json_t *body = settings_changed_json(s);

	if (json_object_size(body))
		add(messages, CTRL_WEIR_SETTINGS, body);
	else
		json_decref(body);
}

static void add_ports(json_t *messages, const struct ports *ports)
{
	add_service_port(messages, &ports->service);
	for (size_t i = 1; i < WORKER_PORTS_MAX; i++)
		if (ports->at[i])
			add_other_port(messages, ports, ports->at[i]);
}

json_t *answer_messages(struct control *ctl, bool for_successor)
{
	struct snapshot_spec s = snapshot_spec_of(config_current(ctl->config));
	bool whole = config_whole(ctl->config).version > 0;
	json_t *messages = json_array();

	add_subnets(messages, CTRL_CFG_INTERNAL_NET, s.internal, s.n_internal);
	add_subnets(messages, CTRL_CFG_SPECIP_NET, s.special, s.n_special);
	add_switches(messages, &s);
	add_settings(messages, &ctl->settings);
	if (!whole && config_addr_sets(ctl->config))
		add_sets(messages, config_addr_sets(ctl->config));
	for (size_t i = 0; i < s.n_endpoints; i++)
		if (s.endpoints[i].used)
			add_endpoint(messages, ctl, (uint16_t)i,
				     &s.endpoints[i], for_successor);
	if (whole)
		add_whole(messages, ctl, &s);
	if (s.has_policy_addrs)
		add_policy_addrs(messages, &s);
	if (!for_successor)
		add_ports(messages, &ctl->ports);
	answer_kept_messages(messages, ctl);
	answer_detection_messages(messages, ctl);
	return messages;
}

void answer_config(json_t *result, struct control *ctl)
{
	answer_policy_in_force(result, ctl);
	set(result, "messages", answer_messages(ctl, false));
}
