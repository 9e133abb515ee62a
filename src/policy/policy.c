/*
 * A judgement by rules: the index (match.h) finds the first rule whose
 * addresses, ports and protocol match and that counts.
 *
 * Whether a rule counts may depend on what is known only later. A rule with
 * `apps` counts while the application is unknown (CHECK_APP: the connection is
 * open, and somebody asks again), and afterwards if one of its sub-rules names
 * the application; the sub-rule then decides. If none does, the search goes on
 * behind the rule. With `vhost` it is the same for the name by which the
 * client called the server (CHECK_VH).
 */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "policy/policy_rules.h"

static bool needs_app(const struct rule_spec *r)
{
	return r->n_apps > 0 || r->action == POLICY_CHECK_APP;
}

/* The sub-rule for a known application; NULL: none names it. */
static const struct rule_app *find_app(const struct rule_spec *r, uint32_t app)
{
	for (size_t i = 0; i < r->n_apps; i++)
		if (r->apps[i].app == app || r->apps[i].app == POLICY_APP_ANY)
			return &r->apps[i];
	return NULL;
}

/* Compares without case (ASCII): `name` is in lower case already. */
static bool same_text(const char *text, const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c != name[i])
			return false;
	}
	return true;
}

/* "*.a.b" is meant for "x.a.b" and "y.x.a.b", not for "a.b". */
static bool is_host(const char *host, const char *name)
{
	size_t len = strcspn(host, ":"), name_len = strlen(name);

	if (len > 0 && host[len - 1] == '.')
		len--;
	if (name[0] != '*')
		return len == name_len && same_text(host, name, len);
	name++;
	name_len--;
	return len > name_len &&
	       same_text(host + len - name_len, name, name_len);
}

struct question {
	const struct policy *p;
	const struct policy_query *q;
};

static bool counts(const void *arg, uint32_t order)
{
	const struct question *question = arg;
	const struct policy_query *q = question->q;
	const struct rule_spec *r = &question->p->source->spec.rules[order];

	if (r->proto == 0 && policy_is_icmp(q->proto) && !q->icmp_enforced)
		return false;
	if (needs_app(r) && q->app != POLICY_APP_UNKNOWN_YET &&
	    !find_app(r, q->app))
		return false;
	return !r->vhost || !q->vhost ||
	       (r->fqdn && is_host(q->vhost, r->fqdn));
}

/* What a rule that counts says. */
static struct judgement say(const struct rule_spec *r,
			    const struct policy_query *q, uint16_t name)
{
	struct judgement j = { .rule_id = r->id,
			       .action = r->action,
			       .reason = REASON_RULE,
			       .reject = r->reject,
			       .name = name };
	const struct rule_app *a;

	if (r->vhost && !q->vhost) {
		j.action = POLICY_CHECK_VH;
		j.reason = REASON_APP_PENDING;
	} else if (needs_app(r) && q->app == POLICY_APP_UNKNOWN_YET) {
		j.action = POLICY_CHECK_APP;
		j.reason = REASON_APP_PENDING;
	} else if (needs_app(r)) {
		a = find_app(r, q->app);
		BUG_ON(!a);
		j.action = a->action;
		j.rule_id = a->rule_id;
	}
	return j;
}

static uint32_t find_rule(const struct policy *p, const struct policy_query *q,
			  uint16_t *ret_name)
{
	struct question question = { p, q };
	bool icmp = policy_is_icmp(q->proto);
	const struct match *m = p->classes[policy_class(
		q->ingress, !ip_is_v4(q->server), icmp)];
	struct match_point point = {
		.peer = q->ingress ? q->client : q->server,
		.own = q->ingress ? q->server : q->client,
		.port = icmp ? 0 : q->server_port,
		.proto = q->proto,
		.peer_external = q->peer_external,
		.names = q->names,
		.n_names = q->n_names,
	};

	/* one wire, one family; who asks otherwise gets the default */
	if (!m || ip_is_v4(q->client) != ip_is_v4(q->server))
		return MATCH_NONE;
	return match_find(m, &point, counts, &question, ret_name);
}

struct judgement policy_match(const struct policy *p,
			      const struct policy_query *q)
{
	const struct policy_spec *spec = &p->source->spec;
	uint16_t name = 0;
	uint32_t rule = find_rule(p, q, &name);

	if (rule != MATCH_NONE && p->words[rule].depends)
		return say(&spec->rules[rule], q, name);
	if (rule != MATCH_NONE)
		return (struct judgement){ .rule_id = p->words[rule].id,
					   .action = p->words[rule].action,
					   .reason = REASON_RULE,
					   .reject = p->words[rule].reject,
					   .name = name };
	if (policy_is_icmp(q->proto) && !q->icmp_enforced)
		return (struct judgement){ .action = POLICY_ALLOW,
					   .reason = REASON_ICMP_OPEN };
	return (struct judgement){ .action = spec->defact,
				   .reason = REASON_DEFAULT,
				   .reject = spec->reject };
}

uint16_t policy_n_names(const struct policy *p)
{
	return p->n_names;
}

const char *policy_name(const struct policy *p, uint16_t name)
{
	BUG_ON(name == 0 || name > p->n_names);
	return p->names[name - 1];
}

bool policy_owns_address(const struct policy *p, struct ip_addr a)
{
	size_t low = 0, high = p->n_owns;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = ip_compare(p->owns[middle], a);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

const struct policy_name_addr *policy_name_addrs(const struct policy *p,
						 size_t *ret_n)
{
	*ret_n = p->n_name_addrs;
	return p->name_addrs;
}

const struct policy_spec *policy_spec_of(const struct policy *p)
{
	return &p->source->spec;
}

size_t policy_index_bytes(const struct policy *p)
{
	size_t n = 0;

	for (unsigned i = 0; i < POLICY_CLASSES; i++)
		if (p->classes[i])
			n += match_bytes(p->classes[i]);
	return n;
}
