/*
 * Compiled and judged by the data plane's index, against a naive model: the
 * rules as the text says them, one after the other, groups looked up each time.
 * Worlds, intents and connections are random, from small pools so that much
 * overlaps. The same intents go through YAML and back.
 */
#include <netinet/in.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "intents.h"
#include "policy/policy.h"
#include "wire/app.h"
#include "wire/ctrl.h"

#define ROUNDS	1500
#define QUERIES 60

/* --- the naive model -------------------------------------------------- */

static const char *member(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static bool in_range(const char *text, struct ip_addr a)
{
	char first[64];
	struct ip_addr low, high;
	struct ip_net net;
	const char *dash = strchr(text, '-');

	if (!dash) {
		assert_int_equal(ip_net_parse(text, &net), 0);
		return ip_is_v4(net.ip) == ip_is_v4(a) &&
		       ip_in_prefix(a, net.ip, net.prefix_bits);
	}
	(void)snprintf(first, sizeof first, "%.*s", (int)(dash - text), text);
	assert_int_equal(ip_parse(first, &low), 0);
	assert_int_equal(ip_parse(dash + 1, &high), 0);
	return ip_is_v4(low) == ip_is_v4(a) && ip_compare(low, a) <= 0 &&
	       ip_compare(a, high) <= 0;
}

static bool is_range(const char *text)
{
	for (size_t k = 0; k < ARRAY_LEN(ranges); k++)
		if (strcmp(text, ranges[k]) == 0)
			return true;
	return false;
}

static bool is_host(const char *name, const char *host)
{
	size_t n = strlen(name), h = host ? strlen(host) : 0;

	if (!host)
		return false;
	if (name[0] != '*')
		return strcmp(name, host) == 0;
	return h > n - 1 && strcmp(host + h - (n - 1), name + 1) == 0;
}

static bool regex_is(const char *regex, const char *text)
{
	char whole[80];
	regex_t r;
	bool yes;

	(void)snprintf(whole, sizeof whole, "^(%s)$", regex);
	assert_int_equal(regcomp(&r, whole, REG_EXTENDED | REG_NOSUB), 0);
	yes = regexec(&r, text, 0, NULL, 0) == 0;
	regfree(&r);
	return yes;
}

static bool term_is(const json_t *term, const json_t *about)
{
	const char *key = member(term, "key"), *op = member(term, "op");
	const char *value = member(term, "value");
	const json_t *list = json_object_get(term, "value");
	const char *text =
		strncmp(key, "label.", 6) == 0
			? member(json_object_get(about, "labels"), key + 6)
			: member(about, key);

	if (!op)
		op = "=";
	if (strcmp(op, "absent") == 0)
		return !text;
	if (strcmp(op, "!=") == 0)
		return !text || strcmp(text, value) != 0;
	if (!text)
		return false;
	if (strcmp(op, "in") == 0)
		return strcmp(text, json_string_value(
					    json_array_get(list, 0))) == 0 ||
		       strcmp(text,
			      json_string_value(json_array_get(list, 1))) == 0;
	if (strcmp(op, "prefix") == 0)
		return strncmp(text, value, strlen(value)) == 0;
	if (strcmp(op, "contains") == 0)
		return strstr(text, value) != NULL;
	if (strcmp(op, "regex") == 0)
		return regex_is(value, text);
	return strcmp(text, value) == 0;
}

static bool is_negative(const json_t *term)
{
	const char *op = member(term, "op");

	return op && (strcmp(op, "!=") == 0 || strcmp(op, "absent") == 0);
}

/* All negative ones, and of each key one of the others. */
static bool terms_are(const json_t *where, const json_t *about)
{
	size_t n = json_array_size(where);

	for (size_t k = 0; k < n; k++) {
		const json_t *t = json_array_get(where, k);
		bool yes = false;

		for (size_t l = 0; l < n; l++) {
			const json_t *u = json_array_get(where, l);

			if (strcmp(member(t, "key"), member(u, "key")) == 0 &&
			    !is_negative(u))
				yes |= term_is(u, about);
		}
		if (is_negative(t) ? !term_is(t, about) : !yes)
			return false;
	}
	return true;
}

static const json_t *find_group(const json_t *intent, const char *name)
{
	const json_t *groups = json_object_get(intent, "groups");

	for (size_t k = 0; k < json_array_size(groups); k++)
		if (strcmp(member(json_array_get(groups, k), "name"), name) ==
		    0)
			return json_array_get(groups, k);
	return NULL;
}

static const json_t *addresses_of(const json_t *group)
{
	const json_t *where = json_object_get(group, "where");

	return json_array_size(where) &&
			       strcmp(member(json_array_get(where, 0), "key"),
				      "address") == 0
		       ? where
		       : NULL;
}

static bool is_member(const json_t *intent, const char *name,
		      const struct intent_workload *w)
{
	const json_t *g = find_group(intent, name);
	char *service;
	bool yes;

	if (json_object_get(g, "where"))
		return !addresses_of(g) &&
		       terms_are(json_object_get(g, "where"), w->about);
	service = intent_service_of(w->about);
	yes = strcmp(service, name) == 0;
	free(service);
	return yes;
}

/* host: by which the peer goes; NULL where that does not count. */
static bool address_is(const json_t *where, struct ip_addr a, const char *host)
{
	bool in = false, out = false, named = false;

	for (size_t k = 0; k < json_array_size(where); k++) {
		const json_t *t = json_array_get(where, k);
		const char *value = member(t, "value");

		if (!is_range(value))
			named |= is_host(value, host);
		else if (is_negative(t))
			out |= in_range(value, a);
		else
			in |= in_range(value, a);
	}
	return named || (in && !out);
}

static bool has_addr(const struct intent_workload *w, struct ip_addr a)
{
	for (size_t k = 0; k < w->n_addrs; k++)
		if (ip_equal(w->addrs[k], a))
			return true;
	return false;
}

static bool is_node(const struct intent_world *w, struct ip_addr a)
{
	for (size_t k = 0; k < w->n_node; k++)
		if (ip_equal(w->node[k], a))
			return true;
	return false;
}

static bool own_is(const json_t *intent, const char *word,
		   const struct intent_workload *w, struct ip_addr a)
{
	const json_t *where = addresses_of(find_group(intent, word));

	if (strcmp(word, "any") == 0 || strcmp(word, "workloads") == 0)
		return true;
	if (strcmp(word, "external") == 0 || strcmp(word, "node") == 0 ||
	    strncmp(word, "fqdn:", 5) == 0)
		return false;
	if (is_range(word))
		return in_range(word, a);
	return where ? address_is(where, a, NULL) : is_member(intent, word, w);
}

static bool peer_is(const json_t *intent, const char *word,
		    const struct intent_world *w, struct ip_addr a,
		    const char *host)
{
	const json_t *where = addresses_of(find_group(intent, word));
	bool workload = false, of_group = false;

	for (size_t k = 0; k < w->n; k++)
		if (has_addr(&w->workloads[k], a)) {
			workload = true;
			of_group |= is_member(intent, word, &w->workloads[k]);
		}
	if (strcmp(word, "any") == 0)
		return true;
	if (strcmp(word, "workloads") == 0)
		return workload;
	if (strcmp(word, "external") == 0)
		return !workload && !is_node(w, a);
	if (strcmp(word, "node") == 0)
		return is_node(w, a);
	if (strncmp(word, "fqdn:", 5) == 0)
		return is_host(word + 5, host);
	if (is_range(word))
		return in_range(word, a);
	return where ? address_is(where, a, host) : of_group;
}

static bool port_is(const char *word, const struct intent_connection *c,
		    bool icmp_enforced)
{
	static const struct {
		const char *word;
		uint8_t proto;
		uint16_t first, last;
	} known[] = {
		{ "tcp", 6, 0, 65535 },	      { "tcp/80", 6, 80, 80 },
		{ "tcp/79-443", 6, 79, 443 }, { "udp/53", 17, 53, 53 },
		{ "icmp", 1, 0, 65535 },      { "icmpv6", 58, 0, 65535 },
		{ "ip/47", 47, 0, 65535 },    { "sctp/80", 132, 80, 80 },
	};

	if (strcmp(word, "any") == 0)
		return icmp_enforced || (c->proto != 1 && c->proto != 58);
	for (size_t k = 0; k < ARRAY_LEN(known); k++)
		if (strcmp(word, known[k].word) == 0)
			return c->proto == known[k].proto &&
			       c->port >= known[k].first &&
			       c->port <= known[k].last;
	fail_msg("%s", word);
	return false;
}

static bool ports_are(const json_t *rule, const struct intent_connection *c,
		      bool icmp)
{
	const json_t *ports = json_object_get(rule, "ports");

	if (!ports)
		return port_is("any", c, icmp);
	/* one that says any says it for all */
	for (size_t k = 0; k < json_array_size(ports); k++)
		if (strcmp(json_string_value(json_array_get(ports, k)),
			   "any") == 0)
			return port_is("any", c, icmp);
	for (size_t k = 0; k < json_array_size(ports); k++)
		if (port_is(json_string_value(json_array_get(ports, k)), c,
			    icmp))
			return true;
	return false;
}

static bool counts(const json_t *rule, bool client_side)
{
	const char *side = member(rule, "side");
	const char *expires = member(rule, "expires");

	/* NOW is on the 15th */
	return !json_is_true(json_object_get(rule, "disabled")) &&
	       (!expires || strcmp(expires, "2027-01-15T08:00:00Z") > 0) &&
	       (!side || strcmp(side, client_side ? "client" : "server") == 0);
}

static uint8_t action_of(const char *word)
{
	if (strcmp(word, "allow") == 0)
		return POLICY_ALLOW;
	if (strcmp(word, "alert") == 0)
		return POLICY_VIOLATE;
	return strcmp(word, "learn") == 0 ? POLICY_LEARN : POLICY_DENY;
}

static bool end_is(const json_t *intent, const json_t *words, bool own,
		   const struct intent_world *w, size_t who, struct ip_addr a,
		   const char *host)
{
	for (size_t k = 0; k < json_array_size(words); k++) {
		const char *word = json_string_value(json_array_get(words, k));

		if (own ? own_is(intent, word, &w->workloads[who], a)
			: peer_is(intent, word, w, a, host))
			return true;
	}
	return false;
}

static enum intent_mode mode_of(const json_t *intent,
				const struct intent_workload *w)
{
	const json_t *groups = json_object_get(intent, "groups");
	enum intent_mode mode = MODE_DISCOVER, one;
	bool said = false;

	for (size_t k = 0; k < json_array_size(groups); k++) {
		const json_t *g = json_array_get(groups, k);
		const char *word = member(g, "mode");

		if (!word || !is_member(intent, member(g, "name"), w))
			continue;
		assert_int_equal(intent_mode_parse(word, &one, NULL), 0);
		mode = one > mode ? one : mode;
		said = true;
	}
	if (!said)
		assert_int_equal(
			intent_mode_parse(member(intent, "default_mode"), &mode,
					  NULL),
			0);
	return mode;
}

static struct intent_verdict naive(const json_t *intent,
				   const struct intent_world *w,
				   const struct intent_connection *c,
				   bool client)
{
	static const uint8_t by_mode[] = { POLICY_LEARN, POLICY_VIOLATE,
					   POLICY_DENY };
	const json_t *rules = json_object_get(intent, "rules");
	struct intent_verdict v = { .client_side = client, .judged = true };
	bool icmp = c->proto == 1 || c->proto == 58;
	bool looked_into = c->proto == 6 || c->proto == 17;
	size_t who = client ? c->client : c->server;

	for (size_t k = 0; k < json_array_size(rules); k++) {
		const json_t *r = json_array_get(rules, k), *apps;
		const char *app = app_name(c->app);
		bool named = false;

		if (!counts(r, client) || !ports_are(r, c, w->icmp_enforced) ||
		    !end_is(intent, json_object_get(r, "from"), client, w, who,
			    c->client_addr, NULL) ||
		    !end_is(intent, json_object_get(r, "to"), !client, w, who,
			    c->server_addr, client ? c->name : NULL))
			continue;
		apps = json_object_get(r, "applications");
		v.rule_id =
			(uint32_t)json_integer_value(json_object_get(r, "id"));
		v.action = action_of(member(r, "action"));
		v.reject = strcmp(member(r, "action"), "reject") == 0;
		if (!apps)
			return v;
		if (c->app == 0 && looked_into) {
			v.action = POLICY_CHECK_APP;
			return v;
		}
		for (size_t a = 0; a < json_array_size(apps); a++)
			named |= app &&
				 strcmp(app, json_string_value(json_array_get(
						     apps, a))) == 0;
		if (named)
			return v;
	}
	v.rule_id = 0;
	v.reject = false;
	v.action = icmp && !w->icmp_enforced
			   ? POLICY_ALLOW
			   : by_mode[mode_of(intent, &w->workloads[who])];
	return v;
}

/* --- both ------------------------------------------------------------- */

static void check(const struct intent_connection *c,
		  const struct intent_verdict *got,
		  const struct intent_verdict *want, const json_t *intent)
{
	char client[IP_TEXT_MAX], server[IP_TEXT_MAX], *text;

	if (got->action == want->action && got->rule_id == want->rule_id &&
	    got->reject == want->reject && got->judged == want->judged &&
	    got->client_side == want->client_side)
		return;
	text = json_dumps(intent, JSON_INDENT(1));
	/* a failure's message is cut */
	(void)fprintf(stderr, "%s\n", text);
	fail_msg("%s %s -> %s (%s) proto %u port %u app %u: %s by %u, wanted "
		 "%s by %u",
		 want->client_side ? "client" : "server",
		 ip_format(c->client_addr, client),
		 ip_format(c->server_addr, server), c->name ? c->name : "",
		 c->proto, c->port, c->app, policy_action_name(got->action),
		 got->rule_id, policy_action_name(want->action), want->rule_id);
}

static void check_ends(const json_t *intent, const struct intent_world *w,
		       const struct intent_judge *j)
{
	struct intent_connection c = some_connection(w);
	struct intent_verdict got, want, both = intent_judge_ask(j, &c);
	uint8_t worst = 0;

	for (int client = 0; client <= 1; client++) {
		if ((client ? c.client : c.server) == INTENT_NOBODY)
			continue;
		got = intent_judge_end(j, &c, client);
		want = naive(intent, w, &c, client);
		check(&c, &got, &want, intent);
		worst = want.action > worst ? want.action : worst;
	}
	assert_int_equal(both.action, worst);
	assert_true(both.judged ==
		    (c.client != INTENT_NOBODY || c.server != INTENT_NOBODY));
}

static void test_judge(void **state)
{
	random_state = seed_choose() | 1;
	for (int k = 0; k < ROUNDS; k++) {
		struct intent *i = some_intent();
		json_t *json = intent_to_json(i);
		struct world w;
		struct intent_judge *j;
		struct err err = { 0 };

		make_world(&w);
		j = intent_judge_new(i, &w.w, NOW, &err);
		if (!j)
			fail_msg("%s: %s", err.at, err.text);
		for (int q = 0; q < QUERIES; q++)
			check_ends(json, &w.w, j);
		for (size_t n = 0; n < w.w.n; n++)
			assert_int_equal(intent_mode_of(i, &w.workloads[n]),
					 mode_of(json, &w.workloads[n]));
		intent_judge_free(j);
		end_world(&w);
		json_decref(json);
		intent_put(i);
	}
}

/* Every diverted workload's MAC is in one policy, with its mode's default. */
static void check_body(const struct intent *i, const struct world *w,
		       const json_t *body)
{
	static const char *const defaults[] = { "learn", "alert", "deny" };
	const json_t *policies = json_object_get(body, "policies");
	struct err err = { 0 };
	struct ctrl_msg message;

	if (ctrl_parse(CTRL_WEIR_POLICY, body, true, &message, &err) != 0)
		fail_msg("%s: %s", err.at, err.text);
	ctrl_msg_done(&message);
	for (size_t n = 0; n < w->w.n; n++) {
		char mac[MAC_TEXT_MAX];
		unsigned found = 0;

		(void)mac_format(w->macs[n], mac);
		for (size_t k = 0; k < json_array_size(policies); k++) {
			const json_t *p = json_array_get(policies, k);
			const json_t *macs = json_object_get(p, "macs");

			for (size_t m = 0; m < json_array_size(macs); m++)
				if (strcmp(json_string_value(
						   json_array_get(macs, m)),
					   mac) == 0) {
					found++;
					assert_string_equal(
						member(p, "default"),
						defaults[intent_mode_of(
							i, &w->workloads[n])]);
				}
		}
		assert_int_equal(found, w->workloads[n].n_macs);
	}
}

static void check_text(const struct intent *i, const json_t *want)
{
	char *text = intent_to_text(i);
	json_t *read;

	assert_non_null(text);
	read = json_loads(text, 0, NULL);
	if (!json_equal(read, want))
		fail_msg("not the same:\n%s", text);
	json_decref(read);
	free(text);
}

static void test_compile(void **state)
{
	random_state = seed_choose() | 1;
	for (int k = 0; k < ROUNDS; k++) {
		struct intent *i = some_intent(), *again = NULL;
		char *yaml = intent_to_yaml(i);
		struct err err = { 0 };
		json_t *body, *diff, *a, *b;
		struct world w;

		if (intent_from_yaml(yaml, strlen(yaml), "f", &again, &err) !=
		    0)
			fail_msg("%s: %s\n%s", err.at, err.text, yaml);
		a = intent_to_json(i);
		b = intent_to_json(again);
		diff = intent_diff(i, again);
		if (!json_equal(a, b) || json_object_size(diff) > 0)
			fail_msg("not the same:\n%s", yaml);
		check_text(i, a);
		make_world(&w);
		body = compiled(again, &w.w, &err);
		assert_non_null(body);
		check_body(i, &w, body);
		json_decref(body);
		json_decref(diff);
		json_decref(a);
		json_decref(b);
		end_world(&w);
		free(yaml);
		intent_put(i);
		intent_put(again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_compile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
