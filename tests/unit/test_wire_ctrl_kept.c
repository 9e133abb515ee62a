/*
 * Messages about ports, names, DLP/WAF and switches: their values, and what is
 * refused, where and why.
 */
#include "wire/ctrl.h"

#include <errno.h>
#include <stdio.h>

#include "frames.h"
#include "test.h"

#define MAC1  "\"02:00:00:00:00:01\""
#define NETNS "\"netns\":\"/proc/4711/ns/net\",\"iface\":\"eth0\""
#define PAIR  "\"vex_iface\":\"vex1\",\"vin_iface\":\"vin1\""
#define TYPES "\"ruletype\":\"inside\",\"wafruletype\":\"wafinside\""
#define DLP   "\"flag\":3,\"mac\":[" MAC1 "]," TYPES
#define BLD   "\"flag\":3,\"dir\":3,\"mac\":[" MAC1 "]"

static int parse(const char *name, const char *body, bool strict,
		 struct ctrl_msg *m, struct err *err)
{
	json_t *v = ctrl_load(body, strlen(body), err);
	int kind = ctrl_kind_by_name(name), rc;

	assert_row(body, v && kind >= 0);
	rc = ctrl_parse((enum ctrl_kind)kind, v, strict, m, err);
	json_decref(v);
	return rc;
}

static void taken(const char *name, const char *body, struct ctrl_msg *m)
{
	struct err err = { 0 };

	if (parse(name, body, false, m, &err) != 0)
		fail_msg("%s: %s %s", body, err.at, err.text);
}

static void test_port_values(void **state)
{
	struct ctrl_msg m;

	taken("ctrl_add_port_pair",
	      "{" PAIR ",\"epmac\":" MAC1 ",\"quar\":true}", &m);
	assert_string_equal(m.other_port.vex, "vex1");
	assert_string_equal(m.other_port.vin, "vin1");
	assert_true(m.other_port.quarantine);
	assert_int_equal(m.other_port.epmac.b[5], 1);
	ctrl_msg_done(&m);
	taken("ctrl_add_nfq_port", "{" NETNS ",\"qnum\":7,\"epmac\":" MAC1 "}",
	      &m);
	assert_string_equal(m.other_port.netns, "/proc/4711/ns/net");
	assert_string_equal(m.other_port.iface, "eth0");
	assert_int_equal(m.other_port.queue, 7);
	ctrl_msg_done(&m);
	taken("ctrl_del_tap_port", "{" NETNS ",\"epmac\":\"\"}", &m);
	assert_true(mac_is_zero(m.other_port.epmac));
	ctrl_msg_done(&m);
}

static void test_names_are_lower_case(void **state)
{
	struct ctrl_msg m;

	taken("ctrl_cfg_set_fqdn",
	      "{\"fqdn_name\":\"*.Example.COM.\",\"fqdn_ips\":[\"1.2.3.4\","
	      "\"2001:db8::1\"],\"vhost\":true}",
	      &m);
	assert_string_equal(m.set_fqdn.name, "*.example.com");
	assert_int_equal(m.set_fqdn.n_ips, 2);
	assert_true(ip_equal(m.set_fqdn.ips[1], ip_of("2001:db8::1")));
	assert_true(m.set_fqdn.vhost);
	ctrl_msg_done(&m);
	taken("ctrl_cfg_del_fqdn", "{\"names\":[\"A.b\",\"c\"]}", &m);
	assert_int_equal(m.del_fqdn.n, 2);
	assert_string_equal(m.del_fqdn.names[0], "a.b");
	ctrl_msg_done(&m);
}

static void test_dlp_values(void **state)
{
	struct ctrl_msg m;

	taken("ctrl_cfg_dlp",
	      "{" DLP ",\"dlp_rule_names\":[{\"id\":20001,\"action\":2},"
	      "{\"id\":30001,\"action\":1}],\"waf_rule_names\":[],"
	      "\"rule_ids\":[1,4294967295],\"waf_rule_ids\":[9]}",
	      &m);
	assert_int_equal(m.cfg_dlp.n_dlp, 2);
	assert_int_equal(m.cfg_dlp.dlp[1].id, 30001);
	assert_int_equal(m.cfg_dlp.dlp[0].action, DLP_ACTION_DROP);
	assert_int_equal(m.cfg_dlp.rule_ids[1], UINT32_MAX);
	assert_int_equal(m.cfg_dlp.waf_rule_ids[0], 9);
	assert_true(m.cfg_dlp.inside && m.cfg_dlp.waf_inside);
	ctrl_msg_done(&m);
	taken("ctrl_bld_dlp",
	      "{" BLD ",\"delmac\":[" MAC1 "],\"dlp_rules\":[{\"name\":\"n\","
	      "\"id\":20001,\"patterns\":[\"/a/\",\"!/b/i\"]}]}",
	      &m);
	assert_int_equal(m.bld_dlp.n_delmacs, 1);
	assert_int_equal(m.bld_dlp.rules[0].n_patterns, 2);
	assert_string_equal(m.bld_dlp.rules[0].patterns[1], "!/b/i");
	ctrl_msg_done(&m);
}

/* Go prints an unset MAC as "": in a list, an agent's is passed over. */
static void test_empty_macs(void **state)
{
	struct ctrl_msg m;
	struct err err;

	taken("ctrl_cfg_nbe", "{\"macs\":[\"\"," MAC1 "],\"nbe\":true}", &m);
	assert_int_equal(m.cfg_nbe.n_macs, 1);
	assert_true(m.cfg_nbe.has_nbe && m.cfg_nbe.nbe);
	ctrl_msg_done(&m);
	assert_int_equal(
		parse("ctrl_cfg_nbe", "{\"macs\":[\"\"]}", false, &m, &err),
		-EINVAL);
	assert_int_equal(parse("ctrl_cfg_nbe", "{\"macs\":[\"\"," MAC1 "]}",
			       true, &m, &err),
			 -EINVAL);
	assert_string_equal(err.at, "ctrl_cfg_nbe.macs[0]");
}

/* limits: table */
static void test_refused(void **state)
{
	static const struct {
		const char *name, *body, *at, *text;
	} rows[] = {
		{ "ctrl_add_port_pair", "{\"vex_iface\":\"a\"}",
		  "ctrl_add_port_pair.vin_iface", "missing" },
		{ "ctrl_add_port_pair", "{" PAIR ",\"epmac\":\"\"}",
		  "ctrl_add_port_pair.epmac", "six hex" },
		{ "ctrl_add_port_pair",
		  "{\"vex_iface\":\"a\",\"vin_iface\":\"a\",\"epmac\":" MAC1
		  "}",
		  "ctrl_add_port_pair.vin_iface", "same" },
		{ "ctrl_add_port_pair",
		  "{\"vex_iface\":\"a/b\",\"vin_iface\":\"a\",\"epmac\":" MAC1
		  "}",
		  "ctrl_add_port_pair.vex_iface", "not an interface" },
		{ "ctrl_add_tap_port",
		  "{\"netns\":\"4711\",\"iface\":\"eth0\",\"epmac\":" MAC1 "}",
		  "ctrl_add_tap_port.netns", "path" },
		{ "ctrl_add_tap_port",
		  "{\"netns\":\"/proc/1/ns/net\",\"iface\":"
		  "\"0123456789abcdef\",\"epmac\":" MAC1 "}",
		  "ctrl_add_tap_port.iface", "at most 15" },
		{ "ctrl_add_nfq_port", "{" NETNS ",\"epmac\":" MAC1 "}",
		  "ctrl_add_nfq_port.qnum", "missing" },
		{ "ctrl_add_nfq_port",
		  "{" NETNS ",\"qnum\":65536,\"epmac\":" MAC1 "}",
		  "ctrl_add_nfq_port.qnum", "65535" },
		{ "ctrl_cfg_nbe", "{\"macs\":[]}", "ctrl_cfg_nbe.macs",
		  "at least one" },
		{ "ctrl_cfg_nbe", "{\"macs\":[" MAC1 "],\"nbe\":1}",
		  "ctrl_cfg_nbe.nbe", "true or false" },
		{ "ctrl_cfg_set_fqdn", "{\"fqdn_ips\":[]}",
		  "ctrl_cfg_set_fqdn.fqdn_name", "missing" },
		{ "ctrl_cfg_set_fqdn", "{\"fqdn_name\":\"\"}",
		  "ctrl_cfg_set_fqdn.fqdn_name", "a name" },
		{ "ctrl_cfg_set_fqdn", "{\"fqdn_name\":\"a.*.b\"}",
		  "ctrl_cfg_set_fqdn.fqdn_name", "a name" },
		{ "ctrl_cfg_set_fqdn", "{\"fqdn_name\":\"*\"}",
		  "ctrl_cfg_set_fqdn.fqdn_name", "a name" },
		{ "ctrl_cfg_set_fqdn",
		  "{\"fqdn_name\":\"a\",\"fqdn_ips\":[\"1.2.3.4\",\"1.2.3\"]}",
		  "ctrl_cfg_set_fqdn.fqdn_ips[1]", "address" },
		{ "ctrl_cfg_del_fqdn", "{\"names\":[\"a\",7]}",
		  "ctrl_cfg_del_fqdn.names[1]", "a name" },
		{ "ctrl_cfg_dlp", "{\"flag\":3,\"mac\":[]," TYPES "}",
		  "ctrl_cfg_dlp.mac", "at least one" },
		{ "ctrl_cfg_dlp", "{\"flag\":3,\"mac\":[" MAC1 "]}",
		  "ctrl_cfg_dlp.ruletype", "missing" },
		{ "ctrl_cfg_dlp",
		  "{\"flag\":3,\"mac\":[" MAC1
		  "],\"ruletype\":\"\",\"wafruletype\":\"inside\"}",
		  "ctrl_cfg_dlp.wafruletype", "wafinside" },
		{ "ctrl_cfg_dlp",
		  "{" DLP ",\"dlp_rule_names\":[{\"id\":40000,\"action\":1}]}",
		  "ctrl_cfg_dlp.dlp_rule_names[0].id", "39999" },
		{ "ctrl_cfg_dlp",
		  "{" DLP ",\"waf_rule_names\":[{\"id\":40000,\"action\":3}]}",
		  "ctrl_cfg_dlp.waf_rule_names[0].action", "1..2" },
		{ "ctrl_cfg_dlp", "{" DLP ",\"rule_ids\":[1,-1]}",
		  "ctrl_cfg_dlp.rule_ids[1]", "id" },
		{ "ctrl_bld_dlp", "{\"flag\":3,\"dir\":4}", "ctrl_bld_dlp.dir",
		  "0..3" },
		{ "ctrl_bld_dlp",
		  "{" BLD ",\"dlp_rules\":[{\"name\":\"a<b\",\"id\":20001,"
		  "\"patterns\":[\"/a/\"]}]}",
		  "ctrl_bld_dlp.dlp_rules[0].name", "one of" },
		{ "ctrl_bld_dlp",
		  "{" BLD ",\"dlp_rules\":[{\"name\":\"a\",\"id\":19999,"
		  "\"patterns\":[\"/a/\"]}]}",
		  "ctrl_bld_dlp.dlp_rules[0].id", "20000" },
		{ "ctrl_bld_dlp",
		  "{" BLD ",\"dlp_rules\":[{\"name\":\"a\",\"id\":20000,"
		  "\"patterns\":[]}]}",
		  "ctrl_bld_dlp.dlp_rules[0].patterns", "at least one" },
		{ "ctrl_bld_dlp",
		  "{" BLD ",\"dlp_rules\":[{\"name\":\"a\",\"id\":20000,"
		  "\"patterns\":[\"/a/\",\"b\"]}]}",
		  "ctrl_bld_dlp.dlp_rules[0].patterns[1]", "regex" },
		{ "ctrl_bld_dlpmac", "{\"oldmac\":[]}",
		  "ctrl_bld_dlpmac.oldmac", "at least one" },
		{ "ctrl_strict_group_mode", "{}",
		  "ctrl_strict_group_mode.strict_group_mode", "missing" },
		{ "ctrl_stats_macs", "{\"macs\":[\"x\"]}",
		  "ctrl_stats_macs.macs[0]", "six hex" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		struct ctrl_msg m;

		assert_row(rows[i].body, parse(rows[i].name, rows[i].body,
					       false, &m, &err) == -EINVAL);
		if (strcmp(err.at, rows[i].at) != 0 ||
		    !strstr(err.text, rows[i].text))
			fail_msg("%s: %s: %s", rows[i].body, err.at, err.text);
	}
}

/* limits: table */
static void test_patterns(void **state)
{
	static const struct {
		const char *text, *regex, *flags;
		bool negated;
		enum dlp_context context;
	} rows[] = {
		{ "/a/", "a", "", false, DLP_CONTEXT_PACKET },
		{ "/a/is; context packet", "a", "is", false,
		  DLP_CONTEXT_PACKET },
		{ "/a;b/i; context url;", "a;b", "i", false, DLP_CONTEXT_URL },
		{ "!/a/", "a", "", true, DLP_CONTEXT_PACKET },
		{ "! m#a/b#x;context header", "a/b", "x", true,
		  DLP_CONTEXT_HEADER },
		{ "!m#a/b#x; context header", "a/b", "x", true,
		  DLP_CONTEXT_HEADER },
		{ "/a/b/s; context body", "a/b", "s", false, DLP_CONTEXT_BODY },
		{ "/; context url/; context sql_query", "; context url", "",
		  false, DLP_CONTEXT_SQL_QUERY },
		{ "/a/ ; ", "a", "", false, DLP_CONTEXT_PACKET },
		{ "", NULL, NULL, false, 0 },
		{ "a", NULL, NULL, false, 0 },
		{ "//", NULL, NULL, false, 0 },
		{ "/a", NULL, NULL, false, 0 },
		{ "/a/q", NULL, NULL, false, 0 },
		{ "/a/; context moon", NULL, NULL, false, 0 },
		{ "/a/; context", NULL, NULL, false, 0 },
		{ "m", NULL, NULL, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dlp_pattern p;
		bool is = dlp_pattern_parse(rows[i].text, &p);

		assert_row(rows[i].text, is == (rows[i].regex != NULL));
		if (!is)
			continue;
		assert_int_equal(p.regex_len, strlen(rows[i].regex));
		assert_memory_equal(p.regex, rows[i].regex, p.regex_len);
		assert_int_equal(p.flags_len, strlen(rows[i].flags));
		assert_row(rows[i].text, p.negated == rows[i].negated &&
						 p.context == rows[i].context);
	}
	assert_string_equal(dlp_context_name(DLP_CONTEXT_BODY), "body");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_values),
		cmocka_unit_test(test_names_are_lower_case),
		cmocka_unit_test(test_dlp_values),
		cmocka_unit_test(test_empty_macs),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
