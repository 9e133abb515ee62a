/*
 * One parser a message, found by kind in a table. The larger families have
 * files of their own: ctrl_policy.c, ctrl_whole.c,
 * ctrl_dlp.c, ctrl_fqdn.c, ctrl_ports.c.
 *
 * Defaults and leniencies are the reference's (2, Appendix D): "" is an unset
 * MAC, null an empty array. Where NeuVector guesses on bad input (a wrong
 * address becomes 255.255.255.255), we refuse.
 */
#include "wire/ctrl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "wire/ctrl_detection.h"
#include "wire/ctrl_dlp.h"
#include "wire/ctrl_fqdn.h"
#include "wire/ctrl_policy.h"
#include "wire/ctrl_ports.h"
#include "wire/ctrl_rule.h"
#include "wire/ctrl_whole.h"
#include "wire/field.h"
#include "wire/json_memory.h"

static const struct {
	const char *name;
	bool own;
} names[] = {
#define X(id, text, own_only) [CTRL_##id] = { text, own_only },
	CTRL_MESSAGES(X)
#undef X
};

int ctrl_kind_by_name(const char *name)
{
	for (int i = 0; i < CTRL__MAX; i++)
		if (strcmp(names[i].name, name) == 0)
			return i;
	return -1;
}

const char *ctrl_name(enum ctrl_kind kind)
{
	return names[kind].name;
}

bool ctrl_is_compat(enum ctrl_kind kind)
{
	return !names[kind].own;
}

static int parse_empty(const json_t *body, bool strict, struct ctrl_msg *m,
		       struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	return fields_close(&f);
}

static int parse_keep_alive(const json_t *body, bool strict, struct ctrl_msg *m,
			    struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	field_u32(&f, "seq_num", FIELD_MUST, 0, UINT32_MAX, &m->seq_num);
	return fields_close(&f);
}

static int parse_set_debug(const json_t *body, bool strict, struct ctrl_msg *m,
			   struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	const json_t *array = NULL;

	field_array(&f, "categories", FIELD_MAY, 64, &array);
	for (size_t i = 0; !f.rc && i < json_array_size(array); i++) {
		const char *name = json_string_value(json_array_get(array, i));
		char at[ERR_AT_MAX];
		int cat = name ? log_category_by_name(name) : -1;

		if (name && strcasecmp(name, "all") == 0) {
			m->categories = (1u << LOG_CAT__MAX) - 1;
		} else if (cat >= 0) {
			m->categories |= 1u << cat;
		} else {
			(void)snprintf(at, sizeof at, "categories[%zu]", i);
			fields_refuse(&f, at, "no debug category \"%.32s\"",
				      name ? name : "(not a string)");
		}
	}
	return fields_close(&f);
}

static void parse_pips(struct fields *f, struct ctrl_msg *m)
{
	const json_t *array = NULL;
	size_t n;

	if (!field_array(f, "pips", FIELD_MAY, ENDPOINT_APPS_MAX, &array))
		return;
	n = json_array_size(array);
	if (n == 0)
		return;
	m->add_mac.pips = calloc(n, sizeof *m->add_mac.pips);
	if (!m->add_mac.pips) {
		f->rc = err_set(f->reterr, ENOMEM, "pips", "out of memory");
		return;
	}
	m->add_mac.n_pips = n;
	for (size_t i = 0; i < n && !f->rc; i++) {
		struct fields p = fields_open(json_array_get(array, i),
					      f->strict, f->reterr);
		char at[ERR_AT_MAX];

		field_ip(&p, "ip", FIELD_MUST, &m->add_mac.pips[i]);
		f->rc = fields_close(&p);
		(void)snprintf(at, sizeof at, "pips[%zu]", i);
		if (f->rc)
			err_prefix(f->reterr, at);
	}
}

static int parse_add_mac(const json_t *body, bool strict, struct ctrl_msg *m,
			 struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	char iface[IFNAMSIZ];

	ctrl_field_iface(&f, FIELD_MAY, iface); /* informational (2.3) */
	field_mac(&f, "mac", FIELD_MUST, &m->add_mac.mac);
	field_mac(&f, "ucmac", FIELD_MAY, &m->add_mac.ucmac);
	field_mac(&f, "bcmac", FIELD_MAY, &m->add_mac.bcmac);
	field_mac(&f, "oldmac", FIELD_MAY, &m->add_mac.oldmac);
	field_mac(&f, "pmac", FIELD_MAY, &m->add_mac.pmac);
	if (strict)
		m->add_mac.has_index = field_u16(&f, "index", FIELD_MAY, 0,
						 ENDPOINTS_MAX - 1,
						 &m->add_mac.index);
	if (mac_is_group(m->add_mac.mac))
		fields_refuse(&f, "mac", "is a group address");
	if (mac_is_group(m->add_mac.ucmac))
		fields_refuse(&f, "ucmac", "is a group address");
	parse_pips(&f, m);
	return fields_close(&f);
}

static int parse_del_mac(const json_t *body, bool strict, struct ctrl_msg *m,
			 struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	char iface[IFNAMSIZ];

	ctrl_field_iface(&f, FIELD_MAY, iface);
	field_mac(&f, "mac", FIELD_MUST, &m->del_mac);
	return fields_close(&f);
}

static void parse_app_ports(struct fields *f, struct ctrl_msg *m)
{
	const json_t *array = NULL;
	size_t n;

	m->cfg_mac.has_apps =
		field_array(f, "apps", FIELD_MAY, ENDPOINT_APPS_MAX, &array);
	n = json_array_size(array);
	if (!m->cfg_mac.has_apps || n == 0)
		return;
	m->cfg_mac.apps = calloc(n, sizeof *m->cfg_mac.apps);
	if (!m->cfg_mac.apps) {
		f->rc = err_set(f->reterr, ENOMEM, "apps", "out of memory");
		return;
	}
	m->cfg_mac.n_apps = n;
	for (size_t i = 0; i < n && !f->rc; i++) {
		struct app_port *a = &m->cfg_mac.apps[i];
		struct fields p = fields_open(json_array_get(array, i),
					      f->strict, f->reterr);
		char at[ERR_AT_MAX];

		field_u8(&p, "ip_proto", FIELD_MUST, 0, 255, &a->proto);
		field_u16(&p, "port", FIELD_MUST, 0, 65535, &a->port);
		field_u32(&p, "app", FIELD_MAY, 0, UINT32_MAX, &a->app);
		field_u32(&p, "server", FIELD_MAY, 0, UINT32_MAX, &a->server);
		f->rc = fields_close(&p);
		(void)snprintf(at, sizeof at, "apps[%zu]", i);
		if (f->rc)
			err_prefix(f->reterr, at);
	}
}

static int parse_cfg_mac(const json_t *body, bool strict, struct ctrl_msg *m,
			 struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	field_macs(&f, "macs", FIELD_MUST, MSG_MACS_MAX, &m->cfg_mac.macs,
		   &m->cfg_mac.n_macs);
	m->cfg_mac.has_tap = field_bool(&f, "tap", FIELD_MAY, &m->cfg_mac.tap);
	parse_app_ports(&f, m);
	return fields_close(&f);
}

/* A netmask as a prefix length; -EINVAL for one with holes. */
static int mask_bits(struct ip_addr mask, unsigned *ret)
{
	unsigned bits = 0;

	if (ip_is_v4(mask)) {
		uint32_t m = ip_to_v4(mask);

		while (bits < 32 && m & 0x80000000u >> bits)
			bits++;
		if (bits < 32 && m << bits)
			return -EINVAL;
		*ret = 96 + bits;
		return 0;
	}
	while (bits < 128 && mask.b[bits / 8] & 0x80 >> bits % 8)
		bits++;
	for (unsigned i = bits; i < 128; i++)
		if (mask.b[i / 8] & 0x80 >> i % 8)
			return -EINVAL;
	*ret = bits;
	return 0;
}

static void mask_addr(struct ip_addr *a, unsigned bits)
{
	for (unsigned i = bits; i < 128; i++)
		a->b[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

/* exact: the mask is checked but means nothing (ctrl_cfg_policy_addr). */
static int parse_subnet(const json_t *v, bool strict, bool exact,
			struct subnet *ret, struct err *reterr)
{
	struct fields f = fields_open(v, strict, reterr);
	struct ip_addr net = { 0 }, mask = ip_from_v4(0xffffffff);
	const char *type = "";
	unsigned bits = 128;

	field_ip(&f, "ip", FIELD_MUST, &net);
	field_ip(&f, "mask", FIELD_MUST, &mask);
	field_str(&f, "iptype", FIELD_MAY, 64, &type);
	if (!f.rc && mask_bits(mask, &bits) < 0)
		fields_refuse(&f, "mask", "expected a netmask without holes");
	if (!f.rc && ip_is_v4(net) != ip_is_v4(mask))
		fields_refuse(&f, "mask",
			      "address and mask are of different families");
	if (exact)
		bits = 128;
	mask_addr(&net, bits);
	*ret = (struct subnet){ .net = net,
				.prefix_bits = (uint8_t)bits,
				.type = ip_type_by_name(type) };
	return fields_close(&f);
}

static int parse_subnets(const json_t *body, bool strict, struct ctrl_msg *m,
			 struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	const json_t *array = NULL;
	size_t max = m->kind == CTRL_CFG_POLICY_ADDR ? POLICY_ADDRS_MAX
						     : SUBNETS_MAX;
	size_t n;

	field_u32(&f, "flag", FIELD_MUST, 0, 3, &m->subnets.flag);
	field_array(&f, "subnet_addr", FIELD_MAY, max, &array);
	n = json_array_size(array);
	if (f.rc || n == 0)
		return fields_close(&f);
	m->subnets.nets = calloc(n, sizeof *m->subnets.nets);
	if (!m->subnets.nets)
		return err_set(reterr, ENOMEM, "subnet_addr", "out of memory");
	m->subnets.n = n;
	for (size_t i = 0; i < n && !f.rc; i++) {
		char at[ERR_AT_MAX];

		f.rc = parse_subnet(json_array_get(array, i), strict,
				    m->kind == CTRL_CFG_POLICY_ADDR,
				    &m->subnets.nets[i], reterr);
		(void)snprintf(at, sizeof at, "subnet_addr[%zu]", i);
		if (f.rc)
			err_prefix(reterr, at);
	}
	return fields_close(&f);
}

static int parse_switch(const json_t *body, bool strict, struct ctrl_msg *m,
			struct err *reterr)
{
	static const struct {
		const char *field;
		enum field_need need;
	} of[CTRL__MAX] = {
		[CTRL_SYS_CONF] = { "xff_enabled", FIELD_MAY },
		[CTRL_DISABLE_NET_POLICY] = { "disable_net_policy",
					      FIELD_MUST },
		[CTRL_DETECT_UNMANAGED] = { "detect_unmanaged_wl", FIELD_MUST },
		[CTRL_STRICT_GROUP_MODE] = { "strict_group_mode", FIELD_MUST },
		[CTRL_ENABLE_ICMP_POLICY] = { "enable_icmp_policy",
					      FIELD_MUST },
	};
	struct fields f = fields_open(body, strict, reterr);

	field_bool(&f, of[m->kind].field, of[m->kind].need, &m->on);
	return fields_close(&f);
}

static int parse_cfg_nbe(const json_t *body, bool strict, struct ctrl_msg *m,
			 struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	field_macs(&f, "macs", FIELD_MUST, MSG_MACS_MAX, &m->cfg_nbe.macs,
		   &m->cfg_nbe.n_macs);
	m->cfg_nbe.has_nbe = field_bool(&f, "nbe", FIELD_MAY, &m->cfg_nbe.nbe);
	return fields_close(&f);
}

static int parse_stats_macs(const json_t *body, bool strict, struct ctrl_msg *m,
			    struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	field_macs(&f, "macs", FIELD_MAY, MSG_MACS_MAX, &m->macs.macs,
		   &m->macs.n);
	return fields_close(&f);
}

static int parse_clear_session(const json_t *body, bool strict,
			       struct ctrl_msg *m, struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	field_u32(&f, "filter_id", FIELD_MUST, 0, UINT32_MAX, &m->filter_id);
	return fields_close(&f);
}

static int parse_kill(const json_t *body, bool strict, struct ctrl_msg *m,
		      struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	const json_t *list = NULL, *v;
	size_t i;

	if (field_array(&f, "ids", FIELD_MUST, SESSIONS_KILL_MAX, &list))
		json_array_foreach (list, i, v) {
			json_int_t id = json_integer_value(v);

			if (!json_is_integer(v) || id < 1 || id > UINT32_MAX) {
				fields_refuse(&f, "ids",
					      "must be ids of sessions");
				break;
			}
			m->kill.ids[m->kill.n++] = (uint32_t)id;
		}
	return fields_close(&f);
}

static int parse_hand_over(const json_t *body, bool strict, struct ctrl_msg *m,
			   struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	field_u32(&f, "protocol", FIELD_MUST, 0, UINT32_MAX,
		  &m->hand_over.protocol);
	field_u32(&f, "workers", FIELD_MUST, 1, WORKERS_MAX,
		  &m->hand_over.workers);
	field_u32(&f, "flows", FIELD_MUST, FLOWS_MIN, FLOWS_MAX,
		  &m->hand_over.flows);
	return fields_close(&f);
}

static int parse_list_session(const json_t *body, bool strict,
			      struct ctrl_msg *m, struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	m->list.limit = FLOWS_PER_QUESTION;
	field_u32(&f, "after", FIELD_MAY, 0, UINT32_MAX, &m->list.after);
	field_u32(&f, "limit", FIELD_MAY, 1, FLOWS_PER_QUESTION,
		  &m->list.limit);
	return fields_close(&f);
}

static int parse_settings(const json_t *body, bool strict, struct ctrl_msg *m,
			  struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	/* to count it is to change it, says jansson */
	if (!f.rc)
		m->settings = json_incref((json_t *)(uintptr_t)body);
	return f.rc;
}

static int parse_told(const json_t *body, bool strict, struct ctrl_msg *m,
		      struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	field_u64(&f, "after", FIELD_MAY, &m->told.after);
	field_u64(&f, "epoch", FIELD_MAY, &m->told.epoch);
	field_u32(&f, "limit", FIELD_MAY, 1, UINT32_MAX, &m->told.limit);
	if (m->kind == CTRL_WEIR_THREATS)
		field_bool(&f, "packets", FIELD_MAY, &m->told.packets);
	if (m->kind == CTRL_WEIR_FINDINGS)
		field_bool(&f, "raw", FIELD_MAY, &m->told.raw);
	return fields_close(&f);
}

static int parse_capture(const json_t *body, bool strict, struct ctrl_msg *m,
			 struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);

	field_mac(&f, "workload", FIELD_MUST, &m->capture.workload);
	field_u32(&f, "snaplen", FIELD_MAY, 0, UINT16_MAX, &m->capture.snaplen);
	return fields_close(&f);
}

static int (*const parsers[])(const json_t *, bool, struct ctrl_msg *,
			      struct err *) = {
	[CTRL_KEEP_ALIVE] = parse_keep_alive,
	[CTRL_SET_DEBUG] = parse_set_debug,
	[CTRL_ADD_SRVC_PORT] = ctrl_parse_srvc_port,
	[CTRL_DEL_SRVC_PORT] = ctrl_parse_srvc_port,
	[CTRL_ADD_PORT_PAIR] = ctrl_parse_port_pair,
	[CTRL_DEL_PORT_PAIR] = ctrl_parse_port_pair,
	[CTRL_ADD_TAP_PORT] = ctrl_parse_tap_port,
	[CTRL_DEL_TAP_PORT] = ctrl_parse_tap_port,
	[CTRL_ADD_NFQ_PORT] = ctrl_parse_nfq_port,
	[CTRL_DEL_NFQ_PORT] = ctrl_parse_nfq_port,
	[CTRL_ADD_MAC] = parse_add_mac,
	[CTRL_DEL_MAC] = parse_del_mac,
	[CTRL_CFG_MAC] = parse_cfg_mac,
	[CTRL_CFG_NBE] = parse_cfg_nbe,
	[CTRL_REFRESH_APP] = parse_empty,
	[CTRL_CFG_INTERNAL_NET] = parse_subnets,
	[CTRL_CFG_SPECIP_NET] = parse_subnets,
	[CTRL_CFG_POLICY] = ctrl_parse_policy,
	[CTRL_CFG_POLICY_ADDR] = parse_subnets,
	[CTRL_CFG_SET_FQDN] = ctrl_parse_set_fqdn,
	[CTRL_CFG_DEL_FQDN] = ctrl_parse_del_fqdn,
	[CTRL_CFG_DLP] = ctrl_parse_cfg_dlp,
	[CTRL_CFG_DLPMAC] = ctrl_parse_cfg_dlpmac,
	[CTRL_BLD_DLP] = ctrl_parse_bld_dlp,
	[CTRL_BLD_DLPMAC] = ctrl_parse_bld_dlpmac,
	[CTRL_SYS_CONF] = parse_switch,
	[CTRL_DISABLE_NET_POLICY] = parse_switch,
	[CTRL_DETECT_UNMANAGED] = parse_switch,
	[CTRL_STRICT_GROUP_MODE] = parse_switch,
	[CTRL_ENABLE_ICMP_POLICY] = parse_switch,
	[CTRL_LIST_SESSION] = parse_list_session,
	[CTRL_COUNT_SESSION] = parse_empty,
	[CTRL_CLEAR_SESSION] = parse_clear_session,
	[CTRL_LIST_METER] = parse_empty,
	[CTRL_STATS_MACS] = parse_stats_macs,
	[CTRL_STATS_DEVICE] = parse_empty,
	[CTRL_COUNTER_DEVICE] = parse_empty,
	[CTRL_WEIR_VERSION] = parse_empty,
	[CTRL_WEIR_STATS] = parse_empty,
	[CTRL_WEIR_BLOCKS] = parse_empty,
	[CTRL_WEIR_CONFIG] = parse_empty,
	[CTRL_WEIR_SETS] = ctrl_parse_sets,
	[CTRL_WEIR_POLICY] = ctrl_parse_whole,
	[CTRL_WEIR_EXPLAIN] = ctrl_parse_explain,
	[CTRL_WEIR_SETTINGS] = parse_settings,
	[CTRL_WEIR_CONNECTIONS] = parse_told,
	[CTRL_WEIR_THREATS] = parse_told,
	[CTRL_WEIR_FINDINGS] = parse_told,
	[CTRL_WEIR_TRAIL] = parse_told,
	[CTRL_WEIR_TRAFFIC] = parse_empty,
	[CTRL_WEIR_CAPTURE] = parse_capture,
	[CTRL_WEIR_RULES] = ctrl_parse_rules,
	[CTRL_WEIR_DETECTION] = ctrl_parse_detection,
	[CTRL_WEIR_KILL] = parse_kill,
	[CTRL_WEIR_HAND_OVER] = parse_hand_over,
};
_Static_assert(sizeof parsers / sizeof *parsers == CTRL__MAX,
	       "one parser a message");

int ctrl_parse(enum ctrl_kind kind, const json_t *body, bool strict,
	       struct ctrl_msg *ret, struct err *reterr)
{
	struct ctrl_msg m = { .kind = kind };
	int rc = parsers[kind](body, strict, &m, reterr);

	if (rc < 0) {
		err_prefix(reterr, ctrl_name(kind));
		ctrl_msg_done(&m);
		return rc;
	}
	*ret = m;
	return 0;
}

void rule_spec_done(struct rule_spec *r)
{
	free(r->fqdn);
	free(r->apps);
	rule_lists_free(r->lists);
	request_spec_free(r->requests);
}

void ctrl_msg_done(struct ctrl_msg *msg)
{
	switch (msg->kind) {
	case CTRL_ADD_MAC: free(msg->add_mac.pips); break;
	case CTRL_CFG_MAC:
		free(msg->cfg_mac.macs);
		free(msg->cfg_mac.apps);
		break;
	case CTRL_CFG_NBE: free(msg->cfg_nbe.macs); break;
	case CTRL_WEIR_EXPLAIN: json_decref(msg->explain.asked); break;
	case CTRL_STATS_MACS: free(msg->macs.macs); break;
	case CTRL_CFG_SET_FQDN:
		free(msg->set_fqdn.name);
		free(msg->set_fqdn.ips);
		break;
	case CTRL_CFG_DEL_FQDN:
		for (size_t i = 0; i < msg->del_fqdn.n; i++)
			free(msg->del_fqdn.names[i]);
		free(msg->del_fqdn.names);
		break;
	case CTRL_CFG_DLP:
	case CTRL_CFG_DLPMAC:
	case CTRL_BLD_DLP:
	case CTRL_BLD_DLPMAC: ctrl_dlp_done(msg); break;
	case CTRL_CFG_INTERNAL_NET:
	case CTRL_CFG_SPECIP_NET:
	case CTRL_CFG_POLICY_ADDR: free(msg->subnets.nets); break;
	case CTRL_CFG_POLICY:
		for (size_t i = 0; i < msg->policy.n_rules; i++)
			rule_spec_done(&msg->policy.rules[i]);
		free(msg->policy.rules);
		free(msg->policy.macs);
		break;
	case CTRL_WEIR_SETS:
		for (size_t i = 0; i < msg->sets.n; i++)
			addr_set_spec_done(&msg->sets.sets[i]);
		free(msg->sets.sets);
		break;
	case CTRL_WEIR_POLICY: whole_spec_done(&msg->whole); break;
	case CTRL_WEIR_SETTINGS: json_decref(msg->settings); break;
	case CTRL_WEIR_RULES: rules_message_done(&msg->rules); break;
	case CTRL_WEIR_DETECTION:
		detection_message_done(&msg->detection);
		break;
	default: break;
	}
}

json_t *ctrl_load(const char *text, size_t len, struct err *reterr)
{
	uint64_t refused = json_memory_refused();
	json_error_t e;
	json_t *v = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);

	if (json_memory_refused() != refused) {
		json_decref(v);
		v = NULL;
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	} else if (!v) {
		/* -EINVAL is what NULL means here. */
		(void)err_set(reterr, EINVAL, NULL,
			      "not JSON: line %d column %d: %s", e.line,
			      e.column, e.text);
	}
	return v;
}
