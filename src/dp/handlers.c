/*
 * A row has up to three parts: `change` does what the message asks for, `json`
 * fills our own door's answer, `binary` sends the compatible door's reply. A
 * message without `binary` has no reply there (reference 2).
 */
#include "dp/handlers.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/log.h"
#include "base/spread.h"
#include "dp/answer.h"
#include "dp/answer_capture.h"
#include "dp/answer_detection.h"
#include "dp/answer_device.h"
#include "dp/answer_policy.h"
#include "dp/answer_told.h"
#include "dp/ask.h"
#include "dp/change_kept.h"
#include "dp/explain.h"
#include "dp/handover.h"
#include "dp/notify.h"
#include "dp/settings.h"
#include "wire/dpmsg.h"
#include "wire/json_memory.h"

struct handler {
	int (*change)(struct control *ctl, struct ctrl_msg *m, bool strict,
		      struct err *reterr);
	void (*json)(struct control *ctl, const struct ctrl_msg *m,
		     json_t *result);
	void (*binary)(struct control *ctl, const struct ctrl_msg *m,
		       reply_fn *reply, void *arg);
};

static int set_debug(struct control *ctl, struct ctrl_msg *m, bool strict,
		     struct err *reterr)
{
	log_set_debug(m->categories);
	return 0;
}

static int add_srvc_port(struct control *ctl, struct ctrl_msg *m, bool strict,
			 struct err *reterr)
{
	return ports_add_service(&ctl->ports, m->port.iface, reterr);
}

static int del_srvc_port(struct control *ctl, struct ctrl_msg *m, bool strict,
			 struct err *reterr)
{
	return ports_del_service(&ctl->ports, reterr);
}

static int add_port(struct control *ctl, struct ctrl_msg *m, bool strict,
		    struct err *reterr)
{
	return ports_add(&ctl->ports, m->kind, &m->other_port, reterr);
}

static int del_port(struct control *ctl, struct ctrl_msg *m, bool strict,
		    struct err *reterr)
{
	return ports_del(&ctl->ports, m->kind, &m->other_port, reterr);
}

/* Both marks must lead to one worker, which then has all of the workload. */
static int check_marks(const struct control *ctl, const struct ctrl_msg *m,
		       struct err *reterr)
{
	unsigned n = ctl->workers.n;

	if (mac_is_zero(m->add_mac.bcmac) ||
	    spread_worker_of(m->add_mac.bcmac, n) ==
		    spread_workload(m->add_mac.mac, m->add_mac.ucmac, n))
		return 0;
	return err_set(reterr, EINVAL, "ctrl_add_mac.bcmac",
		       "with -n %u it must be ff:ff:ff:00 and the last two "
		       "bytes of ucmac",
		       n);
}

static int add_mac(struct control *ctl, struct ctrl_msg *m, bool strict,
		   struct err *reterr)
{
	int rc = check_marks(ctl, m, reterr);

	if (rc < 0)
		return rc;
	ports_begin_beat(&ctl->ports);
	return config_add_mac(ctl->config, m, reterr);
}

static int del_mac(struct control *ctl, struct ctrl_msg *m, bool strict,
		   struct err *reterr)
{
	uint16_t index;
	int rc = config_find_mac(ctl->config, m, &index, reterr);

	if (rc < 0)
		return rc;
	/* its flows end when nothing of it can begin any more; so its MAC is
	 * in no snapshot then, but in their last reports */
	ask_endpoint_leaves(&ctl->workers, index, m->del_mac);
	rc = config_del_mac(ctl->config, index, reterr);
	if (rc == 0) {
		ask_forget_endpoint(&ctl->workers, index);
		captures_forget(ctl, index);
		kept_forget(&ctl->kept, index);
		detection_forget(ctl->detection, index);
	}
	return rc;
}

static int cfg_subnets(struct control *ctl, struct ctrl_msg *m, bool strict,
		       struct err *reterr)
{
	return config_subnets(ctl->config, m, strict, reterr);
}

static int cfg_policy(struct control *ctl, struct ctrl_msg *m, bool strict,
		      struct err *reterr)
{
	return config_policy(ctl->config, m, strict, reterr);
}

static int set_switch(struct control *ctl, struct ctrl_msg *m, bool strict,
		      struct err *reterr)
{
	return config_switch(ctl->config, m, reterr);
}

static int cfg_nbe(struct control *ctl, struct ctrl_msg *m, bool strict,
		   struct err *reterr)
{
	return config_nbe(ctl->config, m, strict, reterr);
}

static int set_fqdn(struct control *ctl, struct ctrl_msg *m, bool strict,
		    struct err *reterr)
{
	return config_set_fqdn(ctl->config, m, reterr);
}

static int del_fqdn(struct control *ctl, struct ctrl_msg *m, bool strict,
		    struct err *reterr)
{
	return config_del_fqdn(ctl->config, m, strict, reterr);
}

static void json_keep_alive(struct control *ctl, const struct ctrl_msg *m,
			    json_t *result)
{
	answer_uint(result, "seq_num", m->seq_num);
}

static void binary_keep_alive(struct control *ctl, const struct ctrl_msg *m,
			      reply_fn *reply, void *arg)
{
	uint8_t buf[COMPAT_REPLY_MAX];

	(void)reply(arg, buf, dpmsg_keep_alive(buf, m->seq_num));
}

static struct session_count count_sessions(struct control *ctl)
{
	struct flow_counts c = ask_counts(&ctl->workers).flows;

	return (struct session_count){ c.total, c.tcp, c.udp, c.icmp, c.other };
}

static void json_count(struct control *ctl, const struct ctrl_msg *m,
		       json_t *result)
{
	struct session_count c = count_sessions(ctl);

	answer_uint(result, "all", c.all);
	answer_uint(result, "tcp", c.tcp);
	answer_uint(result, "udp", c.udp);
	answer_uint(result, "icmp", c.icmp);
	answer_uint(result, "ip", c.ip);
}

static void binary_count(struct control *ctl, const struct ctrl_msg *m,
			 reply_fn *reply, void *arg)
{
	struct session_count c = count_sessions(ctl);
	uint8_t buf[COMPAT_REPLY_MAX];

	(void)reply(arg, buf, dpmsg_session_count(buf, &c));
}

static void json_list(struct control *ctl, const struct ctrl_msg *m,
		      json_t *result)
{
	struct flow_page page;

	ask_flows(&ctl->workers, m->list.after, m->list.limit, &page);
	answer_sessions(result, &page, m->list.limit);
}

static void binary_list(struct control *ctl, const struct ctrl_msg *m,
			reply_fn *reply, void *arg)
{
	uint8_t buf[COMPAT_REPLY_MAX];
	struct flow_page page = { 0 };
	bool taken = true;

	do {
		ask_flows(&ctl->workers, page.cursor, SESSIONS_PER_MSG, &page);
		if (page.n)
			taken = reply(arg, buf,
				      dpmsg_session_list(buf, page.records,
							 page.n, true));
	} while (taken && page.n == SESSIONS_PER_MSG);
	(void)reply(arg, buf, dpmsg_session_list(buf, NULL, 0, false));
}

static uint32_t clear_flows(struct control *ctl, uint32_t filter_id)
{
	struct flow_pick pick = { FLOW_PICK_ID, filter_id };

	if (filter_id == 0)
		pick.by = FLOW_PICK_ALL;
	return ask_end_flows(&ctl->workers, pick);
}

static void json_clear(struct control *ctl, const struct ctrl_msg *m,
		       json_t *result)
{
	answer_uint(result, "cleared", clear_flows(ctl, m->filter_id));
}

static void json_kill(struct control *ctl, const struct ctrl_msg *m,
		      json_t *result)
{
	uint32_t killed, watched;

	ask_kill(&ctl->workers, m->kill.ids, m->kill.n, &killed, &watched);
	answer_uint(result, "killed", killed);
	answer_uint(result, "watched", watched);
}

/* On the compatible door the change has no answer, but must happen. */
static void binary_clear(struct control *ctl, const struct ctrl_msg *m,
			 reply_fn *reply, void *arg)
{
	(void)clear_flows(ctl, m->filter_id);
}

static void json_refresh_app(struct control *ctl, const struct ctrl_msg *m,
			     json_t *result)
{
	answer_uint(result, "told", notify_all_apps(ctl));
}

/* The answer is on the agent's other socket (1.4). */
static void binary_refresh_app(struct control *ctl, const struct ctrl_msg *m,
			       reply_fn *reply, void *arg)
{
	(void)notify_all_apps(ctl);
}

static void json_meters(struct control *ctl, const struct ctrl_msg *m,
			json_t *result)
{
	answer_meters(result, ctl);
}

static void binary_meters(struct control *ctl, const struct ctrl_msg *m,
			  reply_fn *reply, void *arg)
{
	struct meter_page page = { .cursor = 0 };
	uint8_t buf[COMPAT_REPLY_MAX];
	bool taken = true;

	do {
		size_t n;

		ask_meters(&ctl->workers, &page);
		n = meters_of_agent(page.records, page.n);
		if (n)
			taken = reply(
				arg, buf,
				dpmsg_meter_list(buf, page.records, n, true));
	} while (taken && page.n == METERS_PER_MSG);
	(void)reply(arg, buf, dpmsg_meter_list(buf, NULL, 0, false));
}

/* Unknown MACs contribute nothing (1.9), on both doors. */
static struct stats_record stats_of_macs(struct control *ctl,
					 const struct ctrl_msg *m)
{
	struct stats_record s = { 0 };
	uint16_t *endpoints = NULL;
	struct err err;
	size_t n;

	if (config_find_macs(ctl->config, m->macs.macs, m->macs.n, false,
			     "ctrl_stats_macs.macs", &endpoints, &n, &err) == 0)
		s = ask_traffic(&ctl->workers, endpoints, n);
	free(endpoints);
	return s;
}

static void json_stats_macs(struct control *ctl, const struct ctrl_msg *m,
			    json_t *result)
{
	struct stats_record s = stats_of_macs(ctl, m);

	answer_traffic(result, &s);
}

static void binary_stats_macs(struct control *ctl, const struct ctrl_msg *m,
			      reply_fn *reply, void *arg)
{
	struct stats_record s = stats_of_macs(ctl, m);
	uint8_t buf[COMPAT_REPLY_MAX];

	(void)reply(arg, buf, dpmsg_stats(buf, DPMSG_MAC_STATS, &s));
}

static void json_stats_device(struct control *ctl, const struct ctrl_msg *m,
			      json_t *result)
{
	struct stats_record s = ask_device_traffic(&ctl->workers);

	answer_traffic(result, &s);
}

static void binary_stats_device(struct control *ctl, const struct ctrl_msg *m,
				reply_fn *reply, void *arg)
{
	struct stats_record s = ask_device_traffic(&ctl->workers);
	uint8_t buf[COMPAT_REPLY_MAX];

	(void)reply(arg, buf, dpmsg_stats(buf, DPMSG_DEVICE_STATS, &s));
}

static void json_traffic(struct control *ctl, const struct ctrl_msg *m,
			 json_t *result)
{
	answer_each_traffic(result, ctl);
	answer_drops(result, ctl);
}

static void json_counters(struct control *ctl, const struct ctrl_msg *m,
			  json_t *result)
{
	struct device_counters c = device_counters_of(ctl);

	answer_counters(result, &c);
}

static void binary_counters(struct control *ctl, const struct ctrl_msg *m,
			    reply_fn *reply, void *arg)
{
	struct device_counters c = device_counters_of(ctl);
	uint8_t buf[COMPAT_REPLY_MAX];

	(void)reply(arg, buf, dpmsg_device_counter(buf, &c));
}

static void json_version(struct control *ctl, const struct ctrl_msg *m,
			 json_t *result)
{
	answer_text(result, "version", WEIR_VERSION);
	answer_uint(result, "pid", (uint64_t)getpid());
	answer_uint(result, "successions", ctl->successions);
	answer_uint(result, "stalled_us", ctl->stalled_us);
	answer_fit(result, ctl->fit);
	answer_policy_in_force(result, ctl);
	answer_detection_in_force(result, ctl);
}

static void json_stats(struct control *ctl, const struct ctrl_msg *m,
		       json_t *result)
{
	answer_stats(result, ctl);
}

static void json_blocks(struct control *ctl, const struct ctrl_msg *m,
			json_t *result)
{
	answer_blocks(result, ctl);
}

static void json_config(struct control *ctl, const struct ctrl_msg *m,
			json_t *result)
{
	answer_config(result, ctl);
}

static void json_connections(struct control *ctl, const struct ctrl_msg *m,
			     json_t *result)
{
	answer_told_connections(result, &ctl->told, &m->told);
}

static void json_threats(struct control *ctl, const struct ctrl_msg *m,
			 json_t *result)
{
	answer_told_threats(result, &ctl->told, &m->told);
}

static void json_findings(struct control *ctl, const struct ctrl_msg *m,
			  json_t *result)
{
	answer_told_findings(result, &ctl->told, &m->told);
}

static void json_trail(struct control *ctl, const struct ctrl_msg *m,
		       json_t *result)
{
	answer_told_trail(result, &ctl->told, &m->told);
}

static int set_sets(struct control *ctl, struct ctrl_msg *m, bool strict,
		    struct err *reterr)
{
	return config_sets(ctl->config, m, reterr);
}

static int set_policies(struct control *ctl, struct ctrl_msg *m, bool strict,
			struct err *reterr)
{
	return config_policies(ctl->config, m, reterr);
}

static void json_policies(struct control *ctl, const struct ctrl_msg *m,
			  json_t *result)
{
	answer_policies(result, ctl, &m->whole);
}

static int set_rules(struct control *ctl, struct ctrl_msg *m, bool strict,
		     struct err *reterr)
{
	return m->rules.ask ? 0 : detection_rules(ctl->detection, m, reterr);
}

static void json_rules(struct control *ctl, const struct ctrl_msg *m,
		       json_t *result)
{
	answer_rules(result, ctl);
}

static int set_detection(struct control *ctl, struct ctrl_msg *m, bool strict,
			 struct err *reterr)
{
	if (m->detection.ask)
		return 0;
	return detection_sensors(ctl->detection, ctl->config, m, reterr);
}

static void json_detection(struct control *ctl, const struct ctrl_msg *m,
			   json_t *result)
{
	answer_detection(result, ctl);
}

static int set_settings(struct control *ctl, struct ctrl_msg *m, bool strict,
			struct err *reterr)
{
	int rc = settings_read(m->settings, &ctl->settings, &ctl->settings,
			       reterr);
	uint64_t generation;

	if (rc < 0) {
		err_prefix(reterr, ctrl_name(m->kind));
		return rc;
	}
	generation = ports_outdate(&ctl->ports);
	ask_configure(&ctl->workers, &ctl->settings);
	ask_generation(&ctl->workers, generation);
	return 0;
}

static void json_settings(struct control *ctl, const struct ctrl_msg *m,
			  json_t *result)
{
	struct inspect_settings defaults = inspect_settings_default();

	(void)json_object_set_new(result, "settings",
				  settings_json(&ctl->settings));
	(void)json_object_set_new(result, "defaults", settings_json(&defaults));
}

static int hand_over(struct control *ctl, struct ctrl_msg *m, bool strict,
		     struct err *reterr)
{
	return handover_ask(ctl, m, reterr);
}

static int begin_capture(struct control *ctl, struct ctrl_msg *m, bool strict,
			 struct err *reterr)
{
	int rc = captures_begin(ctl, &m->capture, &ctl->answer_fd, reterr);

	if (rc < 0)
		err_prefix(reterr, ctrl_name(m->kind));
	return rc;
}

static void json_capture(struct control *ctl, const struct ctrl_msg *m,
			 json_t *result)
{
	answer_capture(result, ctl, &m->capture);
}

static const struct handler handlers[] = {
	[CTRL_KEEP_ALIVE] = { NULL, json_keep_alive, binary_keep_alive },
	[CTRL_SET_DEBUG] = { set_debug, NULL, NULL },
	[CTRL_ADD_SRVC_PORT] = { add_srvc_port, NULL, NULL },
	[CTRL_DEL_SRVC_PORT] = { del_srvc_port, NULL, NULL },
	[CTRL_ADD_PORT_PAIR] = { add_port, NULL, NULL },
	[CTRL_DEL_PORT_PAIR] = { del_port, NULL, NULL },
	[CTRL_ADD_TAP_PORT] = { add_port, NULL, NULL },
	[CTRL_DEL_TAP_PORT] = { del_port, NULL, NULL },
	[CTRL_ADD_NFQ_PORT] = { add_port, NULL, NULL },
	[CTRL_DEL_NFQ_PORT] = { del_port, NULL, NULL },
	[CTRL_ADD_MAC] = { add_mac, NULL, NULL },
	[CTRL_DEL_MAC] = { del_mac, NULL, NULL },
	[CTRL_CFG_MAC] = { change_cfg_mac, NULL, NULL },
	[CTRL_CFG_NBE] = { cfg_nbe, NULL, NULL },
	[CTRL_REFRESH_APP] = { NULL, json_refresh_app, binary_refresh_app },
	[CTRL_CFG_INTERNAL_NET] = { cfg_subnets, NULL, NULL },
	[CTRL_CFG_SPECIP_NET] = { cfg_subnets, NULL, NULL },
	[CTRL_CFG_POLICY] = { cfg_policy, NULL, NULL },
	[CTRL_CFG_POLICY_ADDR] = { cfg_subnets, NULL, NULL },
	[CTRL_CFG_SET_FQDN] = { set_fqdn, NULL, NULL },
	[CTRL_CFG_DEL_FQDN] = { del_fqdn, NULL, NULL },
	[CTRL_CFG_DLP] = { change_cfg_dlp, NULL, NULL },
	[CTRL_CFG_DLPMAC] = { change_cfg_dlpmac, NULL, NULL },
	[CTRL_BLD_DLP] = { change_bld_dlp, NULL, NULL },
	[CTRL_BLD_DLPMAC] = { change_bld_dlpmac, NULL, NULL },
	[CTRL_SYS_CONF] = { set_switch, NULL, NULL },
	[CTRL_DISABLE_NET_POLICY] = { set_switch, NULL, NULL },
	[CTRL_DETECT_UNMANAGED] = { set_switch, NULL, NULL },
	[CTRL_STRICT_GROUP_MODE] = { set_switch, NULL, NULL },
	[CTRL_ENABLE_ICMP_POLICY] = { set_switch, NULL, NULL },
	[CTRL_LIST_SESSION] = { NULL, json_list, binary_list },
	[CTRL_COUNT_SESSION] = { NULL, json_count, binary_count },
	[CTRL_CLEAR_SESSION] = { NULL, json_clear, binary_clear },
	[CTRL_LIST_METER] = { NULL, json_meters, binary_meters },
	[CTRL_STATS_MACS] = { NULL, json_stats_macs, binary_stats_macs },
	[CTRL_STATS_DEVICE] = { NULL, json_stats_device, binary_stats_device },
	[CTRL_COUNTER_DEVICE] = { NULL, json_counters, binary_counters },
	[CTRL_WEIR_VERSION] = { NULL, json_version, NULL },
	[CTRL_WEIR_STATS] = { NULL, json_stats, NULL },
	[CTRL_WEIR_BLOCKS] = { NULL, json_blocks, NULL },
	[CTRL_WEIR_CONFIG] = { NULL, json_config, NULL },
	[CTRL_WEIR_SETS] = { set_sets, NULL, NULL },
	[CTRL_WEIR_POLICY] = { set_policies, json_policies, NULL },
	[CTRL_WEIR_EXPLAIN] = { explain_check, explain_json, NULL },
	[CTRL_WEIR_SETTINGS] = { set_settings, json_settings, NULL },
	[CTRL_WEIR_CONNECTIONS] = { NULL, json_connections, NULL },
	[CTRL_WEIR_THREATS] = { NULL, json_threats, NULL },
	[CTRL_WEIR_FINDINGS] = { NULL, json_findings, NULL },
	[CTRL_WEIR_TRAIL] = { NULL, json_trail, NULL },
	[CTRL_WEIR_TRAFFIC] = { NULL, json_traffic, NULL },
	[CTRL_WEIR_CAPTURE] = { begin_capture, json_capture, NULL },
	[CTRL_WEIR_RULES] = { set_rules, json_rules, NULL },
	[CTRL_WEIR_DETECTION] = { set_detection, json_detection, NULL },
	[CTRL_WEIR_KILL] = { NULL, json_kill, NULL },
	[CTRL_WEIR_HAND_OVER] = { hand_over, NULL, NULL },
};
_Static_assert(sizeof handlers / sizeof *handlers == CTRL__MAX,
	       "one handler a message");

int handle_message(struct control *ctl, const char *name, const json_t *body,
		   json_t *result, reply_fn *reply, void *reply_arg,
		   struct err *reterr)
{
	int kind = ctrl_kind_by_name(name);
	bool own = result != NULL;
	const struct handler *h;
	struct ctrl_msg m;
	uint64_t refused;
	int rc;

	if (kind < 0 || (!own && !ctrl_is_compat((enum ctrl_kind)kind)))
		return err_set(reterr, ENOENT, NULL, "no message \"%.64s\"",
			       name);
	h = &handlers[kind];
	rc = ctrl_parse((enum ctrl_kind)kind, body, own, &m, reterr);
	if (rc < 0)
		return rc;
	log_debug(LOG_CAT_CTRL, "message %s", name);
	rc = h->change ? h->change(ctl, &m, own, reterr) : 0;
	refused = json_memory_refused();
	if (rc == 0 && own && h->json)
		h->json(ctl, &m, result);
	else if (rc == 0 && !own && h->binary)
		h->binary(ctl, &m, reply, reply_arg);
	ctrl_msg_done(&m);
	/* half of what was asked for is no answer; what was changed is */
	if (rc == 0 && !h->change && json_memory_refused() != refused)
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	/* -ENOENT means "no such message" to the caller */
	return rc == -ENOENT ? -ESRCH : rc;
}
