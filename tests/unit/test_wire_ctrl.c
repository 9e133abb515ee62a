/*
 * Control messages: each of them parsed, and what is refused, where and why.
 */
#include "wire/ctrl.h"

#include <errno.h>

#include "frames.h"
#include "test.h"

#define MAC1  "\"02:00:00:00:00:01\""
#define NETNS "\"netns\":\"/proc/4711/ns/net\",\"iface\":\"eth0\""
#define RULE                                                              \
	"\"id\":7,\"sip\":\"10.0.0.1\",\"dip\":\"10.0.0.2\",\"port\":80," \
	"\"portr\":90,\"proto\":6,\"action\":7"
#define POLICY "\"cmd\":1,\"flag\":3,\"defact\":7,\"dir\":2,\"mac\":[" MAC1 "]"

static int parse(const char *name, const char *body, bool strict,
		 struct ctrl_msg *m, struct err *err)
{
	json_t *v;
	int kind = ctrl_kind_by_name(name), rc;

	assert_row(name, kind >= 0);
	v = ctrl_load(body, strlen(body), err);
	if (!v)
		return -err->code;
	rc = ctrl_parse((enum ctrl_kind)kind, v, strict, m, err);
	json_decref(v);
	return rc;
}

/* limits: table */
static void test_each_is_taken(void **state)
{
	static const struct {
		const char *name, *body;
	} rows[] = {
		{ "ctrl_keep_alive", "{\"seq_num\":5}" },
		{ "ctrl_set_debug", "{\"categories\":[\"ctrl\",\"ALL\"]}" },
		{ "ctrl_set_debug", "{\"categories\":null}" },
		{ "ctrl_add_srvc_port",
		  "{\"iface\":\"eth0\",\"jumboframe\":true}" },
		{ "ctrl_del_srvc_port", "{\"iface\":\"eth0\"}" },
		{ "ctrl_add_mac",
		  "{\"iface\":\"e\",\"mac\":" MAC1 ",\"ucmac\":" MAC1
		  ",\"bcmac\":\"ff:00:00:00:00:01\",\"oldmac\":\"\","
		  "\"pmac\":\"\",\"pips\":[{\"ip\":\"10.0.0.1\"}]}" },
		{ "ctrl_del_mac", "{\"iface\":\"e\",\"mac\":" MAC1 "}" },
		{ "ctrl_cfg_mac",
		  "{\"macs\":[" MAC1 "],\"tap\":true,\"apps\":[{\"ip_proto\":6,"
		  "\"port\":80,\"app\":1001,\"server\":0}]}" },
		{ "ctrl_cfg_internal_net",
		  "{\"flag\":3,\"subnet_addr\":[{\"ip\":\"10.1.2.3\","
		  "\"mask\":\"255.255.0.0\"}]}" },
		{ "ctrl_cfg_specip_net",
		  "{\"flag\":3,\"subnet_addr\":[{\"ip\":\"10.1.0.1\",\"mask\":"
		  "\"255.255.255.255\",\"iptype\":\"hostip\"}]}" },
		{ "ctrl_cfg_policy_addr", "{\"flag\":3,\"subnet_addr\":null}" },
		{ "ctrl_cfg_policy", "{" POLICY ",\"rules\":[{" RULE "}]}" },
		{ "ctrl_cfg_policy",
		  "{\"cmd\":3,\"flag\":3,\"mac\":[" MAC1 "]}" },
		{ "ctrl_cfg_policy",
		  "{" POLICY ",\"rules\":[{" RULE ",\"fqdn\":\"a.b\",\"apps\":"
		  "[{\"app\":1,\"action\":2,\"rid\":3}]}]}" },
		{ "ctrl_add_port_pair",
		  "{\"vex_iface\":\"vex1a2b-eth0-and-long\",\"vin_iface\":"
		  "\"vin1a2b-eth0\",\"epmac\":" MAC1 ",\"quar\":true}" },
		{ "ctrl_del_port_pair",
		  "{\"vex_iface\":\"a\",\"vin_iface\":\"b\",\"epmac\":\"\"}" },
		{ "ctrl_add_tap_port", "{" NETNS ",\"epmac\":" MAC1 "}" },
		{ "ctrl_del_tap_port", "{" NETNS ",\"epmac\":\"\"}" },
		{ "ctrl_add_nfq_port", "{" NETNS ",\"qnum\":1,\"epmac\":" MAC1
				       ",\"jumboframe\":false}" },
		{ "ctrl_del_nfq_port",
		  "{" NETNS ",\"qnum\":0,\"epmac\":\"\"}" },
		{ "ctrl_cfg_nbe", "{\"macs\":[" MAC1 "],\"nbe\":true}" },
		{ "ctrl_cfg_nbe", "{\"macs\":[" MAC1 "]}" },
		{ "ctrl_refresh_app", "{}" },
		{ "ctrl_cfg_set_fqdn",
		  "{\"fqdn_name\":\"*.a.b\",\"fqdn_ips\":[\"1.2.3.4\"],"
		  "\"vhost\":false}" },
		{ "ctrl_cfg_set_fqdn",
		  "{\"fqdn_name\":\"a\",\"fqdn_ips\":null}" },
		{ "ctrl_cfg_del_fqdn", "{\"names\":[\"a.b\",\"c\"]}" },
		{ "ctrl_cfg_dlp",
		  "{\"flag\":3,\"mac\":[" MAC1 "],\"dlp_rule_names\":[{\"id\":"
		  "20001,\"action\":2}],\"waf_rule_names\":[{\"id\":40001,"
		  "\"action\":1}],\"rule_ids\":[10023],\"waf_rule_ids\":[],"
		  "\"ruletype\":\"inside\",\"wafruletype\":\"wafoutside\"}" },
		{ "ctrl_cfg_dlp",
		  "{\"flag\":3,\"mac\":[" MAC1 "],\"dlp_rule_names\":null,"
		  "\"ruletype\":\"\",\"wafruletype\":\"\"}" },
		{ "ctrl_cfg_dlpmac", "{\"delmac\":[" MAC1 "]}" },
		{ "ctrl_bld_dlp",
		  "{\"flag\":3,\"dir\":1,\"mac\":[" MAC1 "],\"delmac\":[],"
		  "\"dlp_rules\":[{\"name\":\"ssn\",\"id\":20001,\"patterns\":"
		  "[\"/\\\\d{3};/is; context packet\"]}]}" },
		{ "ctrl_bld_dlpmac", "{\"oldmac\":[" MAC1 "],\"addmac\":[" MAC1
				     "],\"delmac\":null}" },
		{ "ctrl_sys_conf", "{\"xff_enabled\":true}" },
		{ "ctrl_sys_conf", "{}" },
		{ "ctrl_disable_net_policy", "{\"disable_net_policy\":true}" },
		{ "ctrl_detect_unmanaged_wl",
		  "{\"detect_unmanaged_wl\":false}" },
		{ "ctrl_strict_group_mode", "{\"strict_group_mode\":true}" },
		{ "ctrl_list_meter", "{}" },
		{ "ctrl_stats_macs", "{\"macs\":[" MAC1 "]}" },
		{ "ctrl_stats_macs", "{\"macs\":null}" },
		{ "ctrl_stats_device", "{}" },
		{ "ctrl_counter_device", "{}" },
		{ "ctrl_enable_icmp_policy", "{\"enable_icmp_policy\":true}" },
		{ "ctrl_list_session", "{}" },
		{ "ctrl_count_session", "{}" },
		{ "ctrl_clear_session", "{\"filter_id\":0}" },
		{ "weir_version", "{}" },
		{ "weir_stats", "{}" },
		{ "weir_blocks", "{}" },
		{ "weir_config", "{}" },
		{ "weir_sets", "{\"sets\":{\"db\":[\"10.0.0.1\"]}}" },
		{ "weir_policy",
		  "{\"version\":1,\"policies\":[{\"macs\":[" MAC1 "],"
		  "\"default\":\"deny\",\"rules\":[]}]}" },
		{ "weir_explain",
		  "{\"from\":\"10.0.0.1\",\"to\":\"10.0.0.2\",\"proto\":"
		  "\"tcp\",\"port\":443}" },
		{ "weir_settings", "{\"flows\":{\"full\":\"drop\"}}" },
		{ "weir_connections", "{\"after\":7,\"epoch\":3,\"limit\":9}" },
		{ "weir_threats", "{\"packets\":true}" },
		{ "weir_trail", "{\"after\":7,\"epoch\":3,\"limit\":9}" },
		{ "weir_findings",
		  "{\"raw\":true,\"after\":7,\"epoch\":3,\"limit\":9}" },
		{ "weir_traffic", "{}" },
		{ "weir_capture", "{\"workload\":" MAC1 ",\"snaplen\":96}" },
		{ "weir_rules",
		  "{\"version\":1,\"variables\":{\"HOME_NET\":\"any\"},"
		  "\"files\":[{\"name\":\"a\",\"text\":\"# none\"}]}" },
		{ "weir_kill", "{\"ids\":[1,4294967295]}" },
		{ "weir_hand_over",
		  "{\"protocol\":1,\"workers\":2,\"flows\":64}" },
		{ "weir_detection",
		  "{\"version\":1,\"sensors\":[],\"workloads\":[{\"macs\":"
		  "[" MAC1 "],\"sensors\":[{\"id\":30001,\"action\":"
		  "\"block\"}],\"signatures\":\"alert\"}]}" },
	};
	bool seen[CTRL__MAX] = { false };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int strict = 0; strict < 2; strict++) {
			struct ctrl_msg m;
			struct err err;

			assert_row(rows[i].body,
				   parse(rows[i].name, rows[i].body, strict, &m,
					 &err) == 0);
			assert_string_equal(ctrl_name(m.kind), rows[i].name);
			seen[m.kind] = true;
			ctrl_msg_done(&m);
		}
	}
	for (int i = 0; i < CTRL__MAX; i++)
		assert_row(ctrl_name((enum ctrl_kind)i), seen[i]);
	assert_int_equal(ctrl_kind_by_name("ctrl_nonsense"), -1);
	assert_true(ctrl_is_compat(CTRL_KEEP_ALIVE));
	assert_false(ctrl_is_compat(CTRL_WEIR_STATS));
}

static void test_values(void **state)
{
	struct ctrl_msg m;
	struct err err;

	assert_int_equal(parse("ctrl_cfg_internal_net",
			       "{\"flag\":1,\"subnet_addr\":[{\"ip\":"
			       "\"10.1.2.3\",\"mask\":\"255.255.0.0\"}]}",
			       false, &m, &err),
			 0);
	assert_int_equal(m.subnets.nets[0].prefix_bits, 112);
	assert_true(ip_equal(m.subnets.nets[0].net, ip_of("10.1.0.0")));
	ctrl_msg_done(&m);
	assert_int_equal(parse("ctrl_cfg_policy",
			       "{" POLICY ",\"rules\":[{" RULE "}]}", false, &m,
			       &err),
			 0);
	assert_false(m.policy.ipv6);
	assert_int_equal(m.policy.rules[0].id, 7);
	assert_true(ip_equal(m.policy.rules[0].sipr, ip_of("10.0.0.1")));
	ctrl_msg_done(&m);
	assert_int_equal(
		parse("ctrl_cfg_policy", "{" POLICY "}", true, &m, &err), 0);
	assert_true(m.policy.ipv6);
	ctrl_msg_done(&m);
}

/* limits: table */
static void test_refused(void **state)
{
	static const struct {
		const char *name, *body;
		bool strict;
		const char *at, *text;
	} rows[] = {
		{ "ctrl_keep_alive", "{}", 0, "ctrl_keep_alive.seq_num",
		  "missing" },
		{ "ctrl_keep_alive", "[]", 0, "ctrl_keep_alive",
		  "expected an object, got an array" },
		{ "ctrl_keep_alive", "{\"seq_num\":-1}", 0,
		  "ctrl_keep_alive.seq_num", "got -1" },
		{ "ctrl_keep_alive", "{\"seq_num\":4294967296}", 0,
		  "ctrl_keep_alive.seq_num", "got 4294967296" },
		{ "ctrl_keep_alive", "{\"seq_num\":\"1\"}", 0,
		  "ctrl_keep_alive.seq_num", "a string" },
		{ "ctrl_keep_alive", "{\"seq_num\":1,\"x\":1}", 1,
		  "ctrl_keep_alive.x", "unknown field" },
		{ "ctrl_keep_alive", "{\"seq_num\":1", 0, "", "not JSON" },
		{ "ctrl_keep_alive", "{\"seq_num\":1,\"seq_num\":2}", 0, "",
		  "not JSON" },
		{ "ctrl_set_debug", "{\"categories\":[\"ctrl\",\"y\"]}", 0,
		  "ctrl_set_debug.categories[1]", "\"y\"" },
		{ "ctrl_add_srvc_port", "{\"iface\":\"a/b\"}", 0,
		  "ctrl_add_srvc_port.iface", "not an interface" },
		{ "ctrl_add_srvc_port", "{\"iface\":\"0123456789abcdef\"}", 0,
		  "ctrl_add_srvc_port.iface", "at most 15" },
		{ "ctrl_add_srvc_port", "{\"iface\":\"a\\u0000\"}", 0, "", "" },
		{ "ctrl_add_mac", "{\"mac\":\"\"}", 0, "ctrl_add_mac.mac",
		  "six hex bytes" },
		{ "ctrl_add_mac", "{\"mac\":\"01:00:00:00:00:01\"}", 0,
		  "ctrl_add_mac.mac", "group" },
		{ "ctrl_add_mac",
		  "{\"mac\":" MAC1 ",\"pips\":[{\"ip\":\"10.0.0\"}]}", 0,
		  "ctrl_add_mac.pips[0].ip", "10.0.0" },
		{ "ctrl_cfg_mac", "{\"macs\":[]}", 0, "ctrl_cfg_mac.macs",
		  "at least one" },
		{ "ctrl_cfg_mac", "{\"macs\":[" MAC1 ",7]}", 0,
		  "ctrl_cfg_mac.macs[1]", "an integer" },
		{ "ctrl_cfg_internal_net",
		  "{\"flag\":3,\"subnet_addr\":[{\"ip\":\"10.0.0.0\","
		  "\"mask\":\"255.0.255.0\"}]}",
		  0, "ctrl_cfg_internal_net.subnet_addr[0].mask", "holes" },
		{ "ctrl_cfg_internal_net",
		  "{\"flag\":3,\"subnet_addr\":[{\"ip\":\"::\",\"mask\":"
		  "\"255.0.0.0\"}]}",
		  0, "ctrl_cfg_internal_net.subnet_addr[0].mask", "families" },
		{ "ctrl_cfg_internal_net", "{\"flag\":4}", 0,
		  "ctrl_cfg_internal_net.flag", "0..3" },
		{ "ctrl_cfg_policy", "{" POLICY ",\"rules\":[{}]}", 0,
		  "ctrl_cfg_policy.rules[0].id", "missing" },
		{ "ctrl_cfg_policy",
		  "{" POLICY ",\"rules\":[{" RULE "},{" RULE
		  ",\"sipr\":\"10.0.0.0\"}]}",
		  0, "ctrl_cfg_policy.rules[1].sipr", "below sip" },
		{ "ctrl_cfg_policy",
		  "{" POLICY ",\"rules\":[{" RULE ",\"dipr\":\"::1\"}]}", 0,
		  "ctrl_cfg_policy.rules[0].dipr", "family" },
		{ "ctrl_cfg_policy",
		  "{" POLICY ",\"rules\":[{" RULE
		  ",\"apps\":[{\"app\":1,\"action\":8}]}]}",
		  0, "ctrl_cfg_policy.rules[0].apps[0].action", "0..7" },
		{ "ctrl_cfg_policy", "{\"cmd\":4}", 0, "ctrl_cfg_policy.cmd",
		  "1..3" },
		{ "ctrl_enable_icmp_policy", "{\"enable_icmp_policy\":1}", 0,
		  "ctrl_enable_icmp_policy.enable_icmp_policy",
		  "true or false" },
		{ "ctrl_list_session", "{\"limit\":0}", 0,
		  "ctrl_list_session.limit", "1.." },
		{ "weir_stats", "{\"x\":1}", 1, "weir_stats.x", "unknown" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		struct ctrl_msg m;

		assert_row(rows[i].body,
			   parse(rows[i].name, rows[i].body, rows[i].strict, &m,
				 &err) == -EINVAL);
		if (strcmp(err.at, rows[i].at) && rows[i].at[0])
			fail_msg("%s: at %s", rows[i].body, err.at);
		if (!strstr(err.text, rows[i].text))
			fail_msg("%s: %s", rows[i].body, err.text);
	}
}

/* Not strict: what a later agent may send is let be. */
static void test_unknown_is_ignored(void **state)
{
	struct ctrl_msg m;
	struct err err;

	assert_int_equal(parse("ctrl_keep_alive", "{\"seq_num\":1,\"x\":[]}",
			       false, &m, &err),
			 0);
	assert_int_equal(m.seq_num, 1);
	ctrl_msg_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_is_taken),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unknown_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
