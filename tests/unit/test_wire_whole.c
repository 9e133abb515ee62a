/*
 * weir_policy as JSON: what is accepted, what it becomes, and where an error is
 * said to be.
 */
#include "wire/ctrl.h"

#include <errno.h>
#include <string.h>

#include "frames.h"
#include "seed.h"
#include "test.h"

#define MAC1 "'02:00:00:00:00:01'"
#define MAC2 "'02:00:00:00:00:02'"
#define POL(macs, rules) \
	"{'macs':[" macs "],'default':'deny','rules':[" rules "]}"
#define RULE "{'id':7,'to':['set:db'],'ports':[80],'action':'allow'}"

/* Quoted with ', so that it can be read. */
static int parse(const char *text, struct ctrl_msg *ret, struct err *err)
{
	char buf[1024];
	size_t n = strlen(text);
	json_t *v;
	int rc;

	assert_true(n < sizeof buf);
	for (size_t i = 0; i < n; i++)
		buf[i] = text[i] == '\'' ? '"' : text[i];
	v = ctrl_load(buf, n, err);
	if (!v)
		fail_msg("%s: %s", text, err->text);
	rc = ctrl_parse(CTRL_WEIR_POLICY, v, true, ret, err);
	json_decref(v);
	return rc;
}

static void test_good(void **state)
{
	struct ctrl_msg m;
	struct err err = { 0 };

	assert_int_equal(
		parse("{'version':9007199254740991,'force':true,"
		      "'sets':{'db':['10.0.0.1']},'internal':['10.0.0.0/8'],"
		      "'policies':[" POL(MAC1 "," MAC2,
					 RULE) ","
					       "{'macs':['02:00:00:00:00:03'],'"
					       "default':'reject',"
					       "'ipv6':false,'rules':[]}]}",
		      &m, &err),
		0);
	assert_true(m.whole.version == 9007199254740991);
	assert_true(m.whole.force && m.whole.has_internal);
	assert_int_equal(m.whole.n_sets, 1);
	assert_int_equal(m.whole.n_policies, 2);
	assert_int_equal(m.whole.policies[0].n_macs, 2);
	assert_int_equal(m.whole.policies[0].n_rules, 1);
	assert_true(m.whole.policies[0].ipv6);
	assert_false(m.whole.policies[0].reject);
	assert_int_equal(m.whole.policies[1].n_rules, 0);
	assert_int_equal(m.whole.policies[1].defact, POLICY_DENY);
	assert_true(m.whole.policies[1].reject);
	assert_false(m.whole.policies[1].ipv6);
	ctrl_msg_done(&m);
	/* nothing for nobody; and what is not said is not said */
	assert_int_equal(parse("{'version':1,'policies':[]}", &m, &err), 0);
	assert_false(m.whole.has_internal || m.whole.force);
	ctrl_msg_done(&m);
	assert_int_equal(
		parse("{'version':1,'policies':[],'internal':[]}", &m, &err),
		0);
	assert_true(m.whole.has_internal && m.whole.n_internal == 0);
	ctrl_msg_done(&m);
}

static void test_bad(void **state)
{
#define POLICIES(p) "{'version':1,'sets':{'db':[]},'policies':[" p "]}"
	static const struct {
		const char *text, *at;
	} rows[] = {
		{ "{'policies':[]}", "version" },
		{ "{'version':0,'policies':[]}", "version" },
		{ "{'version':-1,'policies':[]}", "version" },
		{ "{'version':9007199254740992,'policies':[]}", "version" },
		{ "{'version':'1','policies':[]}", "version" },
		{ "{'version':1}", "policies" },
		{ "{'version':1,'policies':{}}", "policies" },
		{ "{'version':1,'policies':[],'set':{}}", "set" },
		{ "{'version':1,'policies':[],'sets':{'a':['any']}}",
		  "sets.a[0]" },
		{ "{'version':1,'policies':[],'internal':['10.0.0.1/33']}",
		  "internal[0]" },
		{ "{'version':1,'policies':[],'internal':['::1','any']}",
		  "internal[1]" },
		{ "{'version':1,'policies':[],'internal':[7]}", "internal[0]" },
		{ POLICIES("7"), "policies[0]" },
		{ POLICIES("{'macs':[" MAC1 "],'rules':[]}"),
		  "policies[0].default" },
		{ POLICIES("{'macs':[" MAC1 "],'default':'open','rules':[]}"),
		  "policies[0].default" },
		{ POLICIES("{'macs':[" MAC1 "],'default':'deny'}"),
		  "policies[0].rules" },
		{ POLICIES("{'macs':[],'default':'deny','rules':[]}"),
		  "policies[0].macs" },
		{ POLICIES(POL("'x'", "")), "policies[0].macs[0]" },
		{ POLICIES(POL(MAC1 "," MAC1, "")), "policies[0].macs[1]" },
		{ POLICIES(POL(MAC2, "") "," POL(MAC1, "") "," POL(
			  "'02:00:00:00:00:09'," MAC2, "")),
		  "policies[2].macs[1]" },
		{ POLICIES(POL(MAC1, "") "," POL(MAC2, RULE ",7")),
		  "policies[1].rules[1]" },
		{ POLICIES(POL(MAC1, "") "," POL(
			  MAC2,
			  RULE ","
			       "{'id':1,'action':'allow','ports':[80,'9-8']}")),
		  "policies[1].rules[1].ports[1]" },
		/* the reference's form has no place here */
		{ POLICIES(POL(MAC1, "{'id':1,'sip':'::','dip':'::','port':0,"
				     "'portr':1,'proto':0,'action':2}")),
		  "policies[0].rules[0].action" },
		{ POLICIES("{'macs':[" MAC1 "],'default':'deny','rules':[],"
			   "'dir':3}"),
		  "policies[0].dir" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char at[ERR_AT_MAX];
		struct ctrl_msg m;
		struct err err = { 0 };

		assert_row(rows[i].text,
			   parse(rows[i].text, &m, &err) == -EINVAL);
		(void)snprintf(at, sizeof at, "weir_policy.%s", rows[i].at);
		assert_string_equal(err.at, at);
	}
}

static struct rules_hash hash_of(const char *policy)
{
	char text[1024];
	struct ctrl_msg m;
	struct err err = { 0 };
	struct rules_hash h;

	(void)snprintf(text, sizeof text, POLICIES("%s"), policy);
	if (parse(text, &m, &err) < 0)
		fail_msg("%s: %s %s", text, err.at, err.text);
	h = m.whole.policies[0].hash;
	ctrl_msg_done(&m);
	return h;
}

/* Whose it is does not matter; all else does. */
static void test_hash(void **state)
{
	struct rules_hash h = hash_of(POL(MAC1, RULE));
	static const struct {
		const char *text;
		bool same;
	} rows[] = {
		{ POL(MAC2 "," MAC1, RULE), true },
		{ "{'rules':[ " RULE "],'macs':[" MAC1 "],'default':'deny',"
		  "'ipv6':true}",
		  true },
		{ POL(MAC1, RULE "," RULE), false },
		{ POL(MAC1, ""), false },
		{ "{'macs':[" MAC1 "],'default':'reject','rules':[" RULE "]}",
		  false },
		{ "{'macs':[" MAC1 "],'default':'deny','ipv6':false,"
		  "'rules':[" RULE "]}",
		  false },
		{ POL(MAC1, "{'id':8,'to':['set:db'],'ports':[80],"
			    "'action':'allow'}"),
		  false },
	};

	assert_true(h.low && h.high);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rules_hash o = hash_of(rows[i].text);

		assert_row(rows[i].text, (o.low == h.low && o.high == h.high) ==
						 rows[i].same);
	}
}

/* The subnets of a range hold each of its addresses once, and no other. */
static void check_range(uint32_t first, uint32_t last, bool v4)
{
	char text[256], a[IP_TEXT_MAX], b[IP_TEXT_MAX];
	unsigned __int128 base = v4 ? (unsigned __int128)0xffff0a000000 : 0;
	unsigned __int128 at = base + first;
	struct ctrl_msg m;
	struct err err = { 0 };

	(void)snprintf(text, sizeof text,
		       "{'version':1,'policies':[],'internal':['%s-%s']}",
		       ip_format(ip_from_u128(base + first), a),
		       ip_format(ip_from_u128(base + last), b));
	if (parse(text, &m, &err) < 0)
		fail_msg("%s: %s %s", text, err.at, err.text);
	for (size_t i = 0; i < m.whole.n_internal; i++) {
		const struct subnet *s = &m.whole.internal[i];
		unsigned __int128 size = (unsigned __int128)1
					 << (128 - s->prefix_bits);

		assert_row(text, ip_to_u128(s->net) == at);
		assert_row(text, at % size == 0);
		at += size;
	}
	assert_row(text, at == base + last + 1);
	/* not more than there must be: two a bit */
	assert_true(m.whole.n_internal <= 48);
	ctrl_msg_done(&m);
}

static void test_ranges(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct ctrl_msg m;
	struct err err;

	for (int i = 0; i < 500; i++) {
		uint32_t most = 1u << (1 + seed_draw(&random, 24));
		uint32_t first = seed_draw(&random, most);
		uint32_t last = first + seed_draw(&random, most - first);

		check_range(first, last, i % 2);
	}
	assert_int_equal(
		parse("{'version':1,'policies':[],'internal':['::-"
		      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff','0.0.0.0/0',"
		      "'10.0.0.5','255.255.255.255']}",
		      &m, &err),
		0);
	assert_int_equal(m.whole.n_internal, 4);
	assert_int_equal(m.whole.internal[0].prefix_bits, 0);
	assert_int_equal(m.whole.internal[1].prefix_bits, 96);
	assert_int_equal(m.whole.internal[2].prefix_bits, 128);
	ctrl_msg_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
