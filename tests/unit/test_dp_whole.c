/*
 * weir_policy put into force: all of it or nothing, what it takes over, and what
 * a policy of it is asked. Random ones against a list of who must have what.
 */
#include "dp/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "seed.h"
#include "test.h"

#define WORKLOADS 8

static unsigned published;

static void publish(void *arg, const struct snapshot *next)
{
	published++;
}

/* Text with ' for ". */
static json_t *load(const char *text)
{
	char buf[8192];
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

static int say(struct config *c, enum ctrl_kind kind, const char *text,
	       struct err *err)
{
	json_t *v = load(text);
	struct ctrl_msg m;
	int rc = ctrl_parse(kind, v, true, &m, err);

	json_decref(v);
	if (rc < 0)
		fail_msg("%s: %s: %s", text, err->at, err->text);
	switch (kind) {
	case CTRL_ADD_MAC: rc = config_add_mac(c, &m, err); break;
	case CTRL_CFG_POLICY: rc = config_policy(c, &m, true, err); break;
	case CTRL_CFG_INTERNAL_NET:
		rc = config_subnets(c, &m, true, err);
		break;
	case CTRL_WEIR_SETS: rc = config_sets(c, &m, err); break;
	default: rc = config_policies(c, &m, err); break;
	}
	ctrl_msg_done(&m);
	return rc;
}

static void must(struct config *c, enum ctrl_kind kind, const char *text)
{
	struct err err = { 0 };

	if (say(c, kind, text, &err) < 0)
		fail_msg("%s: %s: %s", text, err.at, err.text);
}

static struct mac mac_of(unsigned i)
{
	return (struct mac){ { 2, [5] = (uint8_t)i } };
}

static struct config *begin(void)
{
	struct config *c = config_new(publish, NULL);
	char text[128];

	assert_non_null(c);
	for (unsigned i = 0; i < WORKLOADS; i++) {
		(void)snprintf(text, sizeof text,
			       "{'mac':'02:00:00:00:00:%02x',"
			       "'ucmac':'4e:65:75:56:00:%02x'}",
			       i, i);
		must(c, CTRL_ADD_MAC, text);
	}
	published = 0;
	return c;
}

static const struct policy *policy_of(struct config *c, unsigned i)
{
	const struct snapshot *s = config_current(c);

	return snapshot_endpoint(s, snapshot_find_mac(s, mac_of(i), MAC_REAL))
		->policy;
}

static struct judgement judge(struct config *c, unsigned i, const char *client,
			      const char *server, uint16_t port, bool ingress)
{
	const struct snapshot *s = config_current(c);
	struct policy_query q = { .client = ip_of(client),
				  .server = ip_of(server),
				  .server_port = port,
				  .proto = 6,
				  .ingress = ingress };

	return snapshot_judge(s, snapshot_find_mac(s, mac_of(i), MAC_REAL), &q);
}

#define P(mac, rules)                                                         \
	"{'macs':['02:00:00:00:00:" mac "'],'default':'deny','rules':[" rules \
	"]}"
#define RULE(id, to) "{'id':" id ",'to':['" to "'],'action':'allow'}"

/* It replaces everything; what is as it was is not made again. */
static void test_replaces(void **state)
{
	struct config *c = begin();
	const struct policy *first, *second;

	must(c, CTRL_CFG_POLICY,
	     "{'cmd':1,'flag':3,'defact':7,'dir':3,"
	     "'mac':['02:00:00:00:00:02'],'rules':[]}");
	published = 0;
	must(c, CTRL_WEIR_POLICY,
	     "{'version':5,'sets':{'a':['10.0.0.1'],'b':['10.0.0.2']},"
	     "'policies':[" P("00", RULE("1", "set:a")) "," P(
		     "01", RULE("2", "set:b")) "]}");
	assert_int_equal(published, 1);
	assert_int_equal(config_whole(c).version, 5);
	assert_int_equal(config_whole(c).policies, 2);
	assert_int_equal(config_whole(c).rules, 2);
	assert_int_equal(config_whole(c).compiled, 2);
	assert_null(policy_of(c, 2));
	assert_int_equal(judge(c, 0, "10.9.0.1", "10.0.0.1", 80, false).rule_id,
			 1);
	first = policy_of(c, 0);
	second = policy_of(c, 1);
	/* the same again, for others: nothing is compiled */
	must(c, CTRL_WEIR_POLICY,
	     "{'version':5,'sets':{'b':['10.0.0.2'],'a':['10.0.0.1']},"
	     "'policies':[" P("07", RULE("2", "set:b")) "," P(
		     "00", RULE("1", "set:a")) "]}");
	assert_int_equal(config_whole(c).compiled, 0);
	assert_ptr_equal(policy_of(c, 0), first);
	assert_ptr_equal(policy_of(c, 7), second);
	assert_null(policy_of(c, 1));
	/* a set holds something else: who names it is made anew */
	must(c, CTRL_WEIR_POLICY,
	     "{'version':6,'sets':{'a':['10.0.0.1'],'b':['10.0.0.3']},"
	     "'policies':[" P("07", RULE("2", "set:b")) "," P(
		     "00", RULE("1", "set:a")) "]}");
	assert_int_equal(config_whole(c).compiled, 1);
	assert_ptr_equal(policy_of(c, 0), first);
	assert_int_equal(judge(c, 7, "10.9.0.1", "10.0.0.3", 80, false).rule_id,
			 2);
	assert_int_equal(judge(c, 7, "10.9.0.1", "10.0.0.2", 80, false).action,
			 POLICY_DENY);
	config_free(c);
}

static void test_nothing(void **state)
{
	struct config *c = begin();
	struct err err = { 0 };

	must(c, CTRL_WEIR_POLICY,
	     "{'version':5,'policies':[" P("00", RULE("1", "any")) "]}");
	published = 0;
	assert_int_equal(
		say(c, CTRL_WEIR_POLICY,
		    "{'version':6,'internal':[],'policies':[" P(
			    "01",
			    RULE("1", "any")) "," P("00",
						    RULE("1", "any") "," RULE(
							    "2", "set:x")) "]}",
		    &err),
		-ENOENT);
	assert_string_equal(err.at, "weir_policy.policies[1].rules[1]");
	assert_int_equal(published, 0);
	assert_int_equal(config_whole(c).version, 5);
	assert_non_null(policy_of(c, 0));
	assert_null(policy_of(c, 1));
	/* an older one, unless that is meant */
	assert_int_equal(
		say(c, CTRL_WEIR_POLICY, "{'version':4,'policies':[]}", &err),
		-ESTALE);
	assert_string_equal(err.at, "weir_policy.version");
	assert_int_equal(published, 0);
	must(c, CTRL_WEIR_POLICY, "{'version':4,'policies':[],'force':true}");
	assert_int_equal(config_whole(c).version, 4);
	assert_null(policy_of(c, 0));
	config_free(c);
}

/* Who changes a part of it by another message is not in that version. */
static void test_changed(void **state)
{
	static const char whole[] =
		"{'version':5,'sets':{'a':['10.0.0.1']},'policies':[" P(
			"00", RULE("1", "set:a")) "]}";
	struct config *c = begin();

	must(c, CTRL_WEIR_POLICY, whole);
	must(c, CTRL_WEIR_SETS, "{'sets':{'a':['10.0.0.2']}}");
	assert_int_equal(config_whole(c).version, 0);
	must(c, CTRL_WEIR_POLICY, whole);
	assert_int_equal(judge(c, 0, "10.9.0.1", "10.0.0.1", 80, false).rule_id,
			 1);
	must(c, CTRL_CFG_POLICY,
	     "{'cmd':3,'flag':3,'mac':['02:00:00:00:00:00']}");
	assert_int_equal(config_whole(c).version, 0);
	/* workloads that come and go are no part of it */
	must(c, CTRL_WEIR_POLICY, whole);
	must(c, CTRL_ADD_MAC, "{'mac':'02:00:00:00:00:99'}");
	assert_int_equal(config_whole(c).version, 5);
	config_free(c);
}

/* Its rules alone decide: none of the reference's ways past them is open. */
static void test_rules_alone(void **state)
{
	struct config *c = begin();

	must(c, CTRL_WEIR_POLICY,
	     "{'version':1,'internal':['10.0.0.0/8'],'policies':[" P(
		     "00", RULE("3", "external")) "]}");
	/* an address that nobody knows, to an internal one */
	assert_int_equal(judge(c, 0, "192.0.2.1", "10.0.0.1", 80, false).action,
			 POLICY_DENY);
	/* the metadata service of a cloud */
	assert_int_equal(
		judge(c, 0, "10.0.0.1", "169.254.169.254", 80, false).rule_id,
		3);
	assert_int_equal(
		judge(c, 0, "169.254.1.1", "10.0.0.1", 80, true).action,
		POLICY_DENY);
	/* nothing is internal; and, with no list at all, everything */
	must(c, CTRL_WEIR_POLICY,
	     "{'version':2,'internal':[],'policies':[" P(
		     "00", RULE("3", "external")) "]}");
	assert_int_equal(judge(c, 0, "10.0.0.2", "10.0.0.1", 80, false).rule_id,
			 3);
	must(c, CTRL_CFG_INTERNAL_NET, "{'flag':3,'subnet_addr':[]}");
	assert_int_equal(judge(c, 0, "10.0.0.2", "10.0.0.1", 80, false).action,
			 POLICY_DENY);
	/* what is left out stays */
	must(c, CTRL_WEIR_POLICY,
	     "{'version':3,'internal':['10.0.0.1'],'policies':[]}");
	must(c, CTRL_WEIR_POLICY,
	     "{'version':4,'policies':[" P("00", RULE("3", "external")) "]}");
	assert_int_equal(judge(c, 0, "10.0.0.2", "10.0.0.1", 80, false).action,
			 POLICY_DENY);
	assert_int_equal(judge(c, 0, "10.0.0.2", "10.0.0.3", 80, false).rule_id,
			 3);
	config_free(c);
}

/* Policy k: one rule with id k * 100 + what set s holds. */
struct model {
	unsigned version;
	unsigned kind[WORKLOADS]; /* 0: none */
	unsigned set;		  /* 10.0.0.set is in it */
};

static void random_message(uint64_t *random, struct model *m, char *text,
			   size_t size)
{
	unsigned kinds[WORKLOADS];
	size_t n;

	m->version += seed_draw(random, 2);
	m->set = 1 + seed_draw(random, 3);
	for (unsigned i = 0; i < WORKLOADS; i++)
		m->kind[i] = seed_draw(random, 4);
	n = (size_t)snprintf(text, size,
			     "{'version':%u,'sets':{'s':['10.0.0.%u']},"
			     "'policies':[",
			     m->version + 1, m->set);
	memcpy(kinds, m->kind, sizeof kinds);
	for (unsigned k = 1; k < 4; k++) {
		/* always somebody: one that does not exist */
		n += (size_t)snprintf(text + n, size - n,
				      "%s{'macs':['02:00:00:00:01:%02x'",
				      k > 1 ? "," : "", k);
		for (unsigned i = 0; i < WORKLOADS; i++)
			if (kinds[i] == k)
				n += (size_t)snprintf(text + n, size - n,
						      ",'02:00:00:00:00:%02x'",
						      i);
		n += (size_t)snprintf(
			text + n, size - n,
			"],'default':'deny','rules':[{'id':%u,'to':['%s'],"
			"'action':'allow'}]}",
			k, k == 3 ? "set:s" : "any");
	}
	(void)snprintf(text + n, size - n, "]}");
}

static void test_model(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct config *c = begin();
	struct model m = { 0 };
	char text[4096];

	for (int round = 0; round < 300; round++) {
		random_message(&random, &m, text, sizeof text);
		must(c, CTRL_WEIR_POLICY, text);
		assert_int_equal(config_whole(c).version, m.version + 1);
		for (unsigned i = 0; i < WORKLOADS; i++) {
			struct judgement j;
			unsigned to = 1 + seed_draw(&random, 3);
			char server[16];

			(void)snprintf(server, sizeof server, "10.0.0.%u", to);
			j = judge(c, i, "10.9.0.1", server, 80, false);
			if (m.kind[i] == 0)
				assert_int_equal(j.action, POLICY_OPEN);
			else if (m.kind[i] < 3 || to == m.set)
				assert_int_equal(j.rule_id, m.kind[i]);
			else
				assert_int_equal(j.action, POLICY_DENY);
		}
	}
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replaces),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_rules_alone),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
