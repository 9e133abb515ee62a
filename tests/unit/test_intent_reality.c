/*
 * What a judge says and what a data plane does: the same random intents as a
 * message to its configuration, whose snapshot is asked about the same
 * connections. If these differed, a dry run would promise what does not come.
 */
#include <stdlib.h>
#include <string.h>

#include "dp/config.h"
#include "intents.h"
#include "policy/snapshot.h"
#include "wire/ctrl.h"

#define ROUNDS	400
#define QUERIES 60

static void publish(void *arg, const struct snapshot *next)
{
}

static void parse(enum ctrl_kind kind, json_t *body, struct ctrl_msg *ret)
{
	struct err err = { 0 };

	if (ctrl_parse(kind, body, true, ret, &err) != 0)
		fail_msg("%s: %s", err.at, err.text);
	json_decref(body);
}

static void add_macs(struct config *c, const struct world *w)
{
	char mac[MAC_TEXT_MAX], mark[MAC_TEXT_MAX];

	for (size_t n = 0; n < w->w.n; n++) {
		struct mac ucmac = w->macs[n];
		struct err err = { 0 };
		struct ctrl_msg m;

		ucmac.b[0] = 0x4e;
		parse(CTRL_ADD_MAC,
		      json_pack("{s:s, s:s, s:s}", "iface", "vth", "mac",
				mac_format(w->macs[n], mac), "ucmac",
				mac_format(ucmac, mark)),
		      &m);
		assert_int_equal(config_add_mac(c, &m, &err), 0);
		ctrl_msg_done(&m);
	}
}

static void push(struct config *c, const struct intent *i,
		 const struct world *w)
{
	struct ctrl_msg m = { .kind = CTRL_ENABLE_ICMP_POLICY,
			      .on = w->w.icmp_enforced };
	struct err err = { 0 };

	assert_int_equal(config_switch(c, &m, &err), 0);
	parse(CTRL_WEIR_POLICY, compiled(i, &w->w, &err), &m);
	if (config_policies(c, &m, &err) != 0)
		fail_msg("%s: %s", err.at, err.text);
	ctrl_msg_done(&m);
}

static void check_end(const struct snapshot *s, const struct world *w,
		      const struct intent_judge *j,
		      const struct intent_connection *c, bool client)
{
	size_t who = client ? c->client : c->server;
	struct intent_verdict said = intent_judge_end(j, c, client);
	uint16_t names[NAMES_PER_ADDR_MAX];
	struct policy_query q = { .client = c->client_addr,
				  .server = c->server_addr,
				  .server_port = c->port,
				  .proto = c->proto,
				  .ingress = !client,
				  .app = c->app,
				  .names = names };
	struct judgement done;

	/* who is not diverted has no policy */
	if (who == INTENT_NOBODY || w->workloads[who].n_macs == 0)
		return;
	if (client && c->name && snapshot_names(s))
		q.n_names = name_set_match(snapshot_names(s), c->name,
					   strlen(c->name), names,
					   NAMES_PER_ADDR_MAX);
	done = snapshot_judge(s, snapshot_find_mac(s, w->macs[who], MAC_REAL),
			      &q);
	if (done.action != said.action || done.rule_id != said.rule_id ||
	    done.reject != said.reject)
		fail_msg("%s: said %s by %u, done %s by %u",
			 client ? "client" : "server",
			 policy_action_name(said.action), said.rule_id,
			 policy_action_name(done.action), done.rule_id);
}

static void test_reality(void **state)
{
	random_state = seed_choose() | 1;
	for (int k = 0; k < ROUNDS; k++) {
		struct config *config = config_new(publish, NULL);
		struct intent *i = some_intent();
		struct err err = { 0 };
		struct intent_judge *j;
		struct world w;

		make_world(&w);
		j = intent_judge_new(i, &w.w, NOW, &err);
		assert_non_null(j);
		add_macs(config, &w);
		push(config, i, &w);
		for (int q = 0; q < QUERIES; q++) {
			struct intent_connection c = some_connection(&w.w);

			check_end(config_current(config), &w, j, &c, true);
			check_end(config_current(config), &w, j, &c, false);
		}
		intent_judge_free(j);
		end_world(&w);
		intent_put(i);
		config_free(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_reality) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
