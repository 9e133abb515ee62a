/*
 * Rules of our own form, sets and questions, as JSON: what is accepted, what it
 * becomes, and where an error is said to be.
 */
#include "wire/ctrl_rule.h"

#include <errno.h>
#include <string.h>

#include "frames.h"
#include "test.h"
#include "wire/app.h"

/* Quoted with ', so that it can be read. */
static json_t *load(const char *text)
{
	char buf[512];
	size_t n = strlen(text);
	struct err err;
	json_t *v;

	assert_true(n < sizeof buf);
	for (size_t i = 0; i < n; i++)
		buf[i] = text[i] == '\'' ? '"' : text[i];
	v = ctrl_load(buf, n, &err);
	if (!v)
		fail_msg("%s: %s", text, err.text);
	return v;
}

static void test_rule(void **state)
{
	json_t *v =
		load("{'id':7,'from':['any'],"
		     "'to':['10.0.0.5','10.1.2.3/8','10.0.0.5-10.0.0.9',"
		     "'2001:db8::/32','::/80','external','internal','set:db',"
		     "'fqdn:*.Example.COM.'],"
		     "'ports':['443','8000-8100',53],'proto':'tcp',"
		     "'apps':['http',1002],'action':'reject'}");
	struct rule_spec r = { 0 };
	struct err err = { 0 };
	char text[ADDR_WORD_TEXT_MAX];
	static const char *const to[] = {
		"10.0.0.5",
		"10.0.0.0-10.255.255.255",
		"10.0.0.5-10.0.0.9",
		"2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
		/* not into ::ffff:0:0/96, which is IPv4's */
		"::-::fffe:ffff:ffff",
		"external",
		"internal",
		"set:db",
		"fqdn:*.example.com",
	};

	assert_true(ctrl_is_own_rule(v));
	assert_int_equal(ctrl_parse_own_rule(v, &r, &err), 0);
	assert_int_equal(r.id, 7);
	assert_int_equal(r.proto, 6);
	assert_int_equal(r.action, POLICY_DENY);
	assert_true(r.reject);
	assert_string_equal(rule_action_word(&r), "reject");
	assert_int_equal(r.lists->n_from, 1);
	assert_int_equal(r.lists->from[0].kind, ADDR_ANY);
	assert_int_equal(r.lists->n_to, ARRAY_LEN(to));
	for (size_t i = 0; i < ARRAY_LEN(to); i++)
		assert_string_equal(addr_word_format(&r.lists->to[i], text),
				    to[i]);
	assert_int_equal(r.lists->n_ports, 3);
	assert_int_equal(r.lists->ports[1].first, 8000);
	assert_int_equal(r.lists->ports[1].last, 8100);
	assert_int_equal(r.lists->ports[2].last, 53);
	assert_int_equal(r.n_apps, 2);
	assert_int_equal(r.apps[0].app, 1001);
	assert_int_equal(r.apps[1].app, 1002);
	assert_int_equal(r.apps[1].action, POLICY_DENY);
	assert_int_equal(r.apps[1].rule_id, 7);
	rule_spec_done(&r);
	json_decref(v);
}

static void test_bad_rules(void **state)
{
	static const struct {
		const char *text, *at;
	} rows[] = {
		{ "{'from':['any'],'action':'allow'}", "id" },
		{ "{'id':1,'from':['any']}", "action" },
		{ "{'id':1,'action':'permit'}", "action" },
		{ "{'id':1,'action':'allow','from':[]}", "from" },
		{ "{'id':1,'action':'allow','from':['external']}", "from[0]" },
		{ "{'id':1,'action':'allow','ingress':true,"
		  "'to':['fqdn:a.b']}",
		  "to[0]" },
		{ "{'id':1,'action':'allow','to':['10.0.0.9-10.0.0.5']}",
		  "to[0]" },
		{ "{'id':1,'action':'allow','to':['10.0.0.9-::1']}", "to[0]" },
		{ "{'id':1,'action':'allow','to':['10.0.0.0/33']}", "to[0]" },
		{ "{'id':1,'action':'allow','to':['any','x']}", "to[1]" },
		{ "{'id':1,'action':'allow','to':['set:']}", "to[0]" },
		{ "{'id':1,'action':'allow','to':['fqdn:a.*.b']}", "to[0]" },
		{ "{'id':1,'action':'allow','to':['fqdn:a.b..']}", "to[0]" },
		{ "{'id':1,'action':'allow','to':[7]}", "to[0]" },
		{ "{'id':1,'action':'allow','ports':['1-']}", "ports[0]" },
		{ "{'id':1,'action':'allow','ports':['9-8']}", "ports[0]" },
		{ "{'id':1,'action':'allow','ports':[65536]}", "ports[0]" },
		{ "{'id':1,'action':'allow','proto':'tpc'}", "proto" },
		{ "{'id':1,'action':'allow','proto':256}", "proto" },
		{ "{'id':1,'action':'allow','apps':['htpt']}", "apps[0]" },
		{ "{'id':1,'action':'allow','apps':[0]}", "apps[0]" },
		{ "{'id':1,'action':'allow','port':80}", "port" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *v = load(rows[i].text);
		struct rule_spec r = { 0 };
		struct err err = { 0 };

		assert_row(rows[i].text,
			   ctrl_parse_own_rule(v, &r, &err) == -EINVAL);
		assert_string_equal(err.at, rows[i].at);
		rule_spec_done(&r);
		json_decref(v);
	}
}

static int parse(enum ctrl_kind kind, const char *text, bool strict,
		 struct ctrl_msg *ret, struct err *err)
{
	json_t *v = load(text);
	int rc = ctrl_parse(kind, v, strict, ret, err);

	json_decref(v);
	return rc;
}

/* Both forms in one policy; on the compatible door only the reference's. */
static void test_policy(void **state)
{
	static const char text[] =
		"{'cmd':1,'flag':3,'defact':7,'dir':1,"
		"'mac':['02:00:00:00:00:01'],'rules':["
		"{'id':1,'to':['any'],'action':'allow'},"
		"{'id':2,'sip':'10.0.0.1','dip':'0.0.0.0','port':0,"
		"'portr':65535,'proto':0,'action':2,'fqdn':'A.Example.com.'}]}";
	struct ctrl_msg m;
	struct err err = { 0 };

	assert_int_equal(parse(CTRL_CFG_POLICY, text, true, &m, &err), 0);
	assert_int_equal(m.policy.n_rules, 2);
	assert_non_null(m.policy.rules[0].lists);
	assert_null(m.policy.rules[1].lists);
	assert_string_equal(m.policy.rules[1].fqdn, "a.example.com");
	ctrl_msg_done(&m);
	assert_int_equal(parse(CTRL_CFG_POLICY, text, false, &m, &err),
			 -EINVAL);
	assert_string_equal(err.at, "ctrl_cfg_policy.rules[0].sip");
}

static void test_sets(void **state)
{
	struct ctrl_msg m;
	struct err err = { 0 };

	assert_int_equal(parse(CTRL_WEIR_SETS,
			       "{'sets':{'db':['10.0.0.1','10.2.0.0/16'],"
			       "'none':[]}}",
			       true, &m, &err),
			 0);
	assert_int_equal(m.sets.n, 2);
	ctrl_msg_done(&m);
	assert_int_equal(parse(CTRL_WEIR_SETS, "{'sets':{'db':['any']}}", true,
			       &m, &err),
			 -EINVAL);
	assert_string_equal(err.at, "weir_sets.sets.db[0]");
	assert_int_equal(parse(CTRL_WEIR_SETS, "{'sets':[]}", true, &m, &err),
			 -EINVAL);
	assert_int_equal(parse(CTRL_WEIR_SETS, "{}", true, &m, &err), -EINVAL);
}

static void test_explain(void **state)
{
	struct ctrl_msg m;
	struct err err = { 0 };

	assert_int_equal(parse(CTRL_WEIR_EXPLAIN,
			       "{'from':'10.0.0.1','to':'10.0.0.2',"
			       "'proto':'tcp','port':443,'app':'tls',"
			       "'workload':'02:00:00:00:00:01',"
			       "'to_workload':'02:00:00:00:00:02'}",
			       true, &m, &err),
			 0);
	assert_true(mac_is_zero(m.explain.from_workload));
	assert_int_equal(m.explain.to_workload.b[5], 2);
	assert_int_equal(m.explain.app, 1002);
	assert_int_equal(m.explain.port, 443);
	assert_true(m.explain.has_workload);
	assert_int_equal(parse(CTRL_WEIR_EXPLAIN,
			       "{'from':'10.0.0.1','to':'::1','proto':6}", true,
			       &m, &err),
			 -EINVAL);
	assert_string_equal(err.at, "weir_explain.to");
	assert_int_equal(parse(CTRL_WEIR_EXPLAIN,
			       "{'from':'::2','to':'::1','proto':'any'}", true,
			       &m, &err),
			 -EINVAL);
	assert_string_equal(err.at, "weir_explain.proto");
	assert_int_equal(parse(CTRL_WEIR_EXPLAIN,
			       "{'from':'::2','to':'::1','proto':6,"
			       "'app':'nosuch'}",
			       true, &m, &err),
			 -EINVAL);
	assert_string_equal(err.at, "weir_explain.app");
	assert_int_equal(parse(CTRL_WEIR_EXPLAIN,
			       "{'from':'::2','to':'::1','proto':'udp'}", true,
			       &m, &err),
			 -EINVAL);
	assert_string_equal(err.at, "weir_explain.port");
	assert_int_equal(parse(CTRL_WEIR_EXPLAIN,
			       "{'from':'::2','to':'::1','proto':'icmpv6'}",
			       true, &m, &err),
			 0);
}

static void test_apps(void **state)
{
	assert_string_equal(app_name(1001), "http");
	assert_string_equal(app_name(1002), "tls");
	assert_null(app_name(7));
	assert_int_equal(app_by_name("SSL"), 1002);
	assert_int_equal(app_by_name("unknown"), UINT32_MAX);
	assert_int_equal(app_by_name(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule),
		cmocka_unit_test(test_bad_rules),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_apps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
