/*
 * A judgement by rules: the index (match.h) finds the first rule whose
 * addresses, ports and protocol match and that counts.
 *
 * Whether a rule counts may depend on what is known only later. A rule with
 * `apps` counts while the application is unknown (CHECK_APP: the connection is
 * open, and somebody asks again), and afterwards if one of its sub-rules names
 * the application; the sub-rule then decides. If none does, the search goes on
 * behind the rule. With `vhost` it is the same for the name by which the
 * client called the server (CHECK_VH), and with `requests` for what it asks of
 * it, which is asked anew with each request.
 */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "policy/policy_rules.h"
#include "wire/app.h"

static bool needs_app(const struct rule_spec *r)
{
	return r->n_apps > 0 || r->action == POLICY_CHECK_APP;
}

static bool is_app(uint32_t app, uint32_t said)
{
	for (; app; app = app_parent(app))
		if (app == said)
			return true;
	return said == POLICY_APP_ANY;
}

/* The sub-rule for a known application; NULL: none names it. */
static const struct rule_app *find_app(const struct rule_spec *r, uint32_t app)
{
	for (size_t i = 0; i < r->n_apps; i++)
		if (is_app(app, r->apps[i].app))
			return &r->apps[i];
	return NULL;
}

/* May it still become one of those that the rule names? */
static bool may_become(const struct rule_spec *r, const struct policy_query *q)
{
	if (!q->unanswered || !is_app(q->app, APP_HTTP))
		return false;
	for (size_t i = 0; i < r->n_apps; i++)
		if (app_is_told_by_answer(r->apps[i].app))
			return true;
	return false;
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

static bool lets_be(const struct rule_spec *r, const struct policy_query *q)
{
	const struct rule_app *a = needs_app(r) ? find_app(r, q->app) : NULL;

	return (a ? a->action : r->action) != POLICY_DENY;
}

struct question {
	const struct policy *p;
	const struct policy_query *q;
	bool *by_request; /* was a rule met that speaks of requests? */
};

static bool counts(const void *arg, uint32_t order)
{
	const struct question *question = arg;
	const struct policy_query *q = question->q;
	const struct rule_spec *r = &question->p->source->spec.rules[order];

	if (r->proto == 0 && policy_is_icmp(q->proto) && !q->icmp_enforced)
		return false;
	if (needs_app(r) && q->app != POLICY_APP_UNKNOWN_YET &&
	    !find_app(r, q->app) && !may_become(r, q))
		return false;
	if (r->vhost && q->vhost && !(r->fqdn && is_host(q->vhost, r->fqdn)))
		return false;
	if (!r->requests)
		return true;
	*question->by_request = true;
	return !q->request ||
	       request_matches(r->requests, q->request, lets_be(r, q));
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
	} else if (needs_app(r) &&
		   (q->app == POLICY_APP_UNKNOWN_YET || !find_app(r, q->app))) {
		j.action = POLICY_CHECK_APP;
		j.reason = REASON_APP_PENDING;
	} else if (r->requests && !q->request) {
		j.action = POLICY_CHECK_APP;
		j.reason = REASON_APP_PENDING;
	} else if (needs_app(r)) {
		a = find_app(r, q->app);
		BUG_ON(!a); /* or it is pending */
		j.action = a->action;
		j.rule_id = a->rule_id;
	}
	return j;
}

static uint32_t find_rule(const struct policy *p, const struct policy_query *q,
			  uint16_t *ret_name, bool *ret_by_request)
{
	struct question question = { p, q, ret_by_request };
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

/* Where no rule matched. */
static struct judgement say_default(const struct policy *p,
				    const struct policy_query *q)
{
	const struct policy_spec *spec = &p->source->spec;

	if (policy_is_icmp(q->proto) && !q->icmp_enforced)
		return (struct judgement){ .action = POLICY_ALLOW,
					   .reason = REASON_ICMP_OPEN };
	return (struct judgement){ .action = spec->defact,
				   .reason = REASON_DEFAULT,
				   .reject = spec->reject };
}

struct judgement policy_match(const struct policy *p,
			      const struct policy_query *q)
{
	bool by_request = false;
	uint16_t name = 0;
	uint32_t rule = find_rule(p, q, &name, &by_request);
	struct judgement j;

	if (rule == MATCH_NONE)
		j = say_default(p, q);
	else if (p->words[rule].depends)
		j = say(&p->source->spec.rules[rule], q, name);
	else
		j = (struct judgement){ .rule_id = p->words[rule].id,
					.action = p->words[rule].action,
					.reason = REASON_RULE,
					.reject = p->words[rule].reject,
					.name = name };
	j.by_request = by_request;
	return j;
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
