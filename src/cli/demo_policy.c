/*
 * A trial is a policy, and what must happen under it. Rules are made once for
 * each address family.
 */
#include "cli/demo_policy.h"

#include <netinet/in.h>
#include <string.h>

#include "cli/demo_dp.h"
#include "cli/demo_try.h"
#include "cli/dpshow.h"
#include "wire/words.h"

#define RULE_ICMP 1001
#define RULE_TCP  1002

struct trial {
	const char *words; /* the policy, for a person */
	uint8_t icmp;	   /* enum policy_action */
	bool reject;
	uint8_t defact;
	enum demo_expect ping;
	/* What is blocked, and by which rule: 0 = the default action. */
	uint32_t blocking_rule;
	bool tcp; /* try DEMO_PORT and DEMO_PORT_DENIED as well */
};

static const struct trial trials[] = {
	{ .words = "rule 1001: deny icmp; everything else is allowed",
	  .icmp = POLICY_DENY,
	  .defact = POLICY_ALLOW,
	  .ping = EXPECT_SILENCE,
	  .blocking_rule = RULE_ICMP },
	{ .words = "the same, but \"reject\": the sender is told",
	  .icmp = POLICY_DENY,
	  .reject = true,
	  .defact = POLICY_ALLOW,
	  .ping = EXPECT_REJECTION,
	  .blocking_rule = RULE_ICMP },
	{ .words = "rule 1001: allow icmp; rule 1002: allow tcp port 5201; "
		   "all else is denied",
	  .icmp = POLICY_ALLOW,
	  .defact = POLICY_DENY,
	  .ping = EXPECT_ANSWER,
	  .tcp = true },
};

#define N_TRIALS (sizeof trials / sizeof *trials)

static json_t *rule(const struct demo *d, uint32_t id, uint8_t action,
		    bool reject, uint8_t proto, uint16_t port,
		    enum demo_family family)
{
	char client[IP_TEXT_MAX], server[IP_TEXT_MAX];

	(void)ip_format(demo_host_addr(d->layout, family), client);
	(void)ip_format(demo_addr(d->layout, family), server);
	return json_pack("{s:i, s:s, s:s, s:i, s:i, s:i, s:i, s:b, s:b}", "id",
			 id, "sip", client, "dip", server, "port", port,
			 "portr", port ? port : 65535, "proto", proto, "action",
			 action, "reject", reject, "ingress", 1);
}

static json_t *rules(const struct demo *d, const struct trial *t)
{
	json_t *a = json_array();

	for (unsigned f = 0; f < demo_families(d); f++) {
		uint8_t icmp = f == DEMO_IP4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

		(void)json_array_append_new(
			a, rule(d, RULE_ICMP, t->icmp, t->reject, icmp, 0, f));
		(void)json_array_append_new(a, rule(d, RULE_TCP, POLICY_ALLOW,
						    false, IPPROTO_TCP,
						    DEMO_PORT, f));
	}
	return a;
}

static int ask_done(struct demo *d, json_t *message, struct err *reterr)
{
	json_t *answer = NULL;
	int rc = demo_dp_ask(d, message, &answer, reterr);

	json_decref(answer);
	json_decref(message);
	return rc;
}

static int send_policy(struct demo *d, const struct trial *t,
		       struct err *reterr)
{
	return ask_done(d,
			json_pack("{s:{s:i, s:i, s:i, s:i, s:[s], s:o}}",
				  "ctrl_cfg_policy", "cmd", POLICY_CMD_ADD,
				  "flag", MSG_CHUNK_START | MSG_CHUNK_END,
				  "defact", t->defact, "dir",
				  POLICY_DIR_INGRESS, "mac", demo_mac(d),
				  "rules", rules(d, t)),
			reterr);
}

/* The newest block by that rule, borrowed; NULL: none. */
static const json_t *find_block(const json_t *answer, uint32_t rule_id)
{
	const json_t *b;
	size_t i;

	json_array_foreach (json_object_get(answer, "blocks"), i, b)
		if (json_integer_value(json_object_get(b, "rule")) == rule_id)
			return b;
	return NULL;
}

/* Every block has its reason: it is asked for, told and checked. */
int demo_policy_tell_block(struct demo *d, uint32_t rule_id, struct err *reterr)
{
	char what[DPSHOW_SENTENCE_MAX], why[DPSHOW_SENTENCE_MAX];
	json_t *answer = NULL;
	const json_t *b;
	int rc;

	rc = demo_dp_ask_name(d, "weir_blocks", &answer, reterr);
	if (rc < 0)
		return rc;
	b = find_block(answer, rule_id);
	if (b) {
		dpshow_block_what(b, what);
		dpshow_block_why(b, why);
		tale_say(&d->tale, "weir-dp: %s", what);
		tale_say(&d->tale, "         because %s", why);
		tale_fact(&d->tale, "block", json_deep_copy(b));
	}
	(void)tale_check(&d->tale, b != NULL, "the block is explained");
	json_decref(answer);
	return 0;
}

static int try_tcp(struct demo *d, struct err *reterr)
{
	int rc = demo_connect(d, DEMO_PORT, EXPECT_ANSWER, reterr);

	if (rc == 0)
		rc = demo_connect(d, DEMO_PORT_DENIED, EXPECT_SILENCE, reterr);
	return rc < 0 ? rc : demo_policy_tell_block(d, 0, reterr);
}

static int run_trial(struct demo *d, const struct trial *t, struct err *reterr)
{
	int rc;

	tale_say(&d->tale, "%spolicy: %s%s", out_colour(&d->tale.out, OUT_BLUE),
		 t->words, out_colour(&d->tale.out, OUT_PLAIN));
	rc = send_policy(d, t, reterr);
	if (rc == 0)
		rc = demo_ping(d, t->ping, reterr);
	if (rc == 0 && t->blocking_rule)
		rc = demo_policy_tell_block(d, t->blocking_rule, reterr);
	if (rc == 0 && t->tcp)
		rc = try_tcp(d, reterr);
	return rc;
}

/* Without it ICMP stays open, as in NeuVector. */
static int enable_icmp(struct demo *d, struct err *reterr)
{
	return ask_done(d,
			json_pack("{s:{s:b}}", "ctrl_enable_icmp_policy",
				  "enable_icmp_policy", 1),
			reterr);
}

int demo_policy(struct demo *d, struct err *reterr)
{
	int rc = enable_icmp(d, reterr);

	for (size_t i = 0; rc == 0 && i < N_TRIALS; i++)
		rc = run_trial(d, &trials[i], reterr);
	return rc;
}

int demo_policy_last(struct demo *d, struct err *reterr)
{
	int rc = enable_icmp(d, reterr);

	return rc < 0 ? rc : send_policy(d, &trials[N_TRIALS - 1], reterr);
}
