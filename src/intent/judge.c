/*
 * A plan's rules go through the data plane's own parser and compiler, each class
 * once. What the data plane's snapshot_judge() does around policy_match() for
 * whole policies (policy_spec.whole) is little, and is done here, too: only TCP
 * and UDP are looked into, and who is external is said by the list of internal
 * addresses that goes with the policies.
 *
 * A conversation may be older than the addresses of today. Who took part in it
 * is known, so an end whose workload has another address by now is judged by one
 * that it has.
 */
#include "intent/judge.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "intent/plan.h"
#include "policy/names.h"
#include "policy/policy.h"
#include "wire/ctrl_rule.h"

/* A class's policy, and what its numbers of names are called outside. */
struct judge_class {
	struct policy *policy;
	struct name_set *names; /* NULL: it has none */
	uint16_t *own;		/* [number in names]: the policy's; owned */
};

struct intent_judge {
	struct judge_class *classes;
	uint32_t *class_of;
	size_t n_classes, n_workloads;
	uint32_t elsewhere;	/* as the plan's */
	struct ranges internal; /* tidy */
	bool icmp_enforced;
	/* Of workload n: addrs[first[n]] .. addrs[first[n + 1] - 1] */
	struct ip_addr *addrs;
	size_t *first;
};

/* --- making ----------------------------------------------------------- */

static struct addr_sets *sets_of(const json_t *sets, struct err *reterr)
{
	json_t *body = json_pack("{s:O}", "sets", sets);
	struct addr_sets *made = NULL;
	struct ctrl_msg m = { .kind = CTRL_WEIR_SETS };

	if (body && ctrl_parse_sets(body, true, &m, reterr) == 0) {
		made = addr_sets_new(m.sets.sets, m.sets.n);
		if (!made)
			/* NULL says that it failed */
			(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	ctrl_msg_done(&m);
	json_decref(body);
	return made;
}

static uint8_t action_of(enum intent_mode mode)
{
	static const uint8_t actions[INTENT_MODE__MAX] = { POLICY_LEARN,
							   POLICY_VIOLATE,
							   POLICY_DENY };

	return actions[mode];
}

static int parse_rules(const json_t *rules, struct policy_spec *spec,
		       struct err *reterr)
{
	size_t n = json_array_size(rules);
	int rc = 0;

	spec->rules = calloc(n + 1, sizeof *spec->rules);
	if (!rules || !spec->rules) {
		free(spec->rules);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	for (; spec->n_rules < n && rc == 0; spec->n_rules++)
		rc = ctrl_parse_own_rule(json_array_get(rules, spec->n_rules),
					 &spec->rules[spec->n_rules], reterr);
	if (rc == 0)
		return 0;
	for (size_t k = 0; k < spec->n_rules; k++)
		rule_spec_done(&spec->rules[k]);
	free(spec->rules);
	return rc;
}

/* The policy's names, so that a host's can be looked up in them. */
static int index_names(struct judge_class *c, struct err *reterr)
{
	uint16_t n = policy_n_names(c->policy);
	const char **texts;

	if (n == 0)
		return 0;
	texts = calloc(n, sizeof *texts);
	c->own = calloc(FQDNS_MAX + 1, sizeof *c->own);
	for (uint16_t k = 1; texts && k <= n; k++)
		texts[k - 1] = policy_name(c->policy, k);
	if (texts && c->own)
		c->names = name_set_next(NULL, texts, n, reterr);
	free(texts);
	if (!c->names)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	for (uint16_t k = 1; k <= n; k++)
		c->own[name_set_id(c->names, policy_name(c->policy, k))] = k;
	return 0;
}

static int fill_class(struct judge_class *c, const struct plan *p,
		      const struct plan_class *from,
		      const struct addr_sets *sets, struct err *reterr)
{
	json_t *rules = json_loadb(p->rules.at + from->at, from->len, 0, NULL);
	struct policy_spec spec = {
		.defact = action_of(from->mode),
		.dir = POLICY_DIR_EGRESS | POLICY_DIR_INGRESS,
		.ipv6 = true,
		.whole = true,
		.sets = sets,
	};
	int rc = parse_rules(rules, &spec, reterr);

	json_decref(rules);
	if (rc < 0)
		return rc;
	c->policy = policy_compile(&spec, reterr);
	return c->policy ? index_names(c, reterr) : -EINVAL;
}

/* Takes what it can use of the plan. */
static int fill(struct intent_judge *j, struct plan *p, size_t n_workloads,
		struct err *reterr)
{
	struct addr_sets *sets = sets_of(p->sets, reterr);
	int rc = 0;

	if (!sets)
		return -ENOMEM;
	j->n_workloads = n_workloads;
	j->class_of = p->class_of;
	j->elsewhere = p->elsewhere;
	p->class_of = NULL;
	j->internal = p->internal;
	p->internal = (struct ranges){ 0 };
	j->classes = calloc(p->n_classes + 1, sizeof *j->classes);
	if (!j->classes)
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	for (; j->classes && j->n_classes < p->n_classes && rc == 0;
	     j->n_classes++)
		rc = fill_class(&j->classes[j->n_classes], p,
				&p->classes[j->n_classes], sets, reterr);
	addr_sets_free(sets);
	return rc;
}

static int copy_addrs(struct intent_judge *j, const struct intent_world *world,
		      struct err *reterr)
{
	size_t n = 0;

	for (size_t w = 0; w < world->n; w++)
		n += world->workloads[w].n_addrs;
	j->addrs = calloc(n + 1, sizeof *j->addrs);
	j->first = calloc(world->n + 1, sizeof *j->first);
	if (!j->addrs || !j->first)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	n = 0;
	for (size_t w = 0; w < world->n; w++) {
		const struct intent_workload *one = &world->workloads[w];

		for (size_t k = 0; k < one->n_addrs; k++)
			j->addrs[n++] = one->addrs[k];
		j->first[w + 1] = n;
	}
	return 0;
}

struct intent_judge *intent_judge_new(const struct intent *i,
				      const struct intent_world *world,
				      uint64_t now, struct err *reterr)
{
	struct intent_judge *j = calloc(1, sizeof *j);
	struct err ignored;
	struct plan p;
	int rc;

	/* parsers want one to write to */
	reterr = reterr ? reterr : &ignored;
	if (!j) {
		/* NULL says that it failed */
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	j->icmp_enforced = world->icmp_enforced;
	rc = plan_make(i, world, now, &p, reterr);
	if (rc == 0)
		rc = fill(j, &p, world->n, reterr);
	plan_done(&p);
	if (rc == 0)
		rc = copy_addrs(j, world, reterr);
	if (rc == 0)
		return j;
	intent_judge_free(j);
	return NULL;
}

void intent_judge_free(struct intent_judge *j)
{
	if (!j)
		return;
	for (size_t n = 0; n < j->n_classes; n++) {
		policy_put(j->classes[n].policy);
		name_set_free(j->classes[n].names);
		free(j->classes[n].own);
	}
	free(j->classes);
	free(j->class_of);
	free(j->addrs);
	free(j->first);
	ranges_done(&j->internal);
	free(j);
}

/* --- asking ----------------------------------------------------------- */

/* The policy's numbers of the names that the peer goes by. */
static unsigned names_of(const struct judge_class *c, const char *name,
			 uint16_t own[static NAMES_PER_ADDR_MAX])
{
	char host[FQDN_TEXT_MAX];
	size_t len = strlen(name);
	unsigned n;

	if (!c->names || len == 0 || len >= sizeof host)
		return 0;
	if (name[len - 1] == '.')
		len--;
	for (size_t k = 0; k < len; k++)
		host[k] = (char)(name[k] >= 'A' && name[k] <= 'Z'
					 ? name[k] - 'A' + 'a'
					 : name[k]);
	host[len] = '\0';
	n = name_set_match(c->names, host, len, own, NAMES_PER_ADDR_MAX);
	n = n < NAMES_PER_ADDR_MAX ? n : NAMES_PER_ADDR_MAX;
	for (unsigned k = 0; k < n; k++)
		own[k] = c->own[own[k]];
	return n;
}

/* The address, or if the workload has it no more, one of that family. */
static struct ip_addr addr_today(const struct intent_judge *j, size_t who,
				 struct ip_addr a)
{
	struct ip_addr other = a;

	if (who >= j->n_workloads)
		return a;
	for (size_t k = j->first[who + 1]; k > j->first[who]; k--) {
		if (ip_equal(j->addrs[k - 1], a))
			return a;
		if (ip_is_v4(j->addrs[k - 1]) == ip_is_v4(a))
			other = j->addrs[k - 1];
	}
	return other;
}

struct intent_verdict intent_judge_end(const struct intent_judge *j,
				       const struct intent_connection *c,
				       bool client_side)
{
	size_t who = client_side ? c->client : c->server;
	struct ip_addr client = addr_today(j, c->client, c->client_addr);
	struct ip_addr server = addr_today(j, c->server, c->server_addr);
	struct ip_addr peer = client_side ? server : client;
	uint16_t names[NAMES_PER_ADDR_MAX];
	const struct judge_class *class;
	struct policy_query q = {
		.client = client,
		.server = server,
		.server_port = c->port,
		.proto = c->proto,
		.ingress = !client_side,
		.icmp_enforced = j->icmp_enforced,
		.app = c->app,
		.names = names,
	};
	struct judgement said;

	if (who >= j->n_workloads || j->class_of[who] == j->elsewhere)
		return (struct intent_verdict){ .action = POLICY_OPEN };
	class = &j->classes[j->class_of[who]];
	q.peer_external = !ip_is_loopback(peer) &&
			  !ranges_have(&j->internal, peer);
	if (client_side && c->name)
		q.n_names = names_of(class, c->name, names);
	if (c->proto != IPPROTO_TCP && c->proto != IPPROTO_UDP) {
		q.vhost = "";
		if (q.app == POLICY_APP_UNKNOWN_YET)
			q.app = POLICY_APP_UNIDENTIFIED;
	}
	said = policy_match(class->policy, &q);
	return (struct intent_verdict){ .action = said.action,
					.rule_id = said.rule_id,
					.reject = said.reject,
					.client_side = client_side,
					.judged = true };
}

struct intent_verdict intent_judge_ask(const struct intent_judge *j,
				       const struct intent_connection *c)
{
	struct intent_verdict a = intent_judge_end(j, c, true);
	struct intent_verdict b = intent_judge_end(j, c, false);

	/* The numbers of actions are in the order of severity. */
	if (!a.judged || (b.judged && b.action > a.action))
		return b;
	return a;
}
