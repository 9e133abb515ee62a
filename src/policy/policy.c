/*
 * A policy is an array of compiled rules in the order they were sent, searched
 * from the front: what "first match wins" says, word for word. (An index for
 * tens of thousands of rules belongs here and nowhere else: policy_match() is
 * the only reader.)
 *
 * "Any" on the peer's side is the reference's word for "any external address"
 * (2.4); a whole range, 0.0.0.0-255.255.255.255, means every address. "Any" on
 * the workload's own side means whatever its address is.
 *
 * Not judged yet, and said so in docs/COMPATIBILITY.md: `apps` and `vhost`
 * need the application, which nothing identifies yet; such a rule answers
 * CHECK_APP or CHECK_VH and the connection stays open under the reason
 * app_pending. A rule for a DNS name matches the address that was sent with
 * it; an unresolved one matches nothing.
 */
#include "policy/policy.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bug.h"

#define PROTO_ICMP4 1
#define PROTO_ICMP6 58

struct rule {
	struct ip_addr sip, sipr, dip, dipr;
	uint32_t id;
	uint16_t port, portr;
	uint8_t proto, action;
	bool ingress, reject;
	bool any_external_client, any_external_server;
	bool any_client, any_server;
	bool never; /* a DNS name without an address */
};

struct policy {
	unsigned refs;		 /* control thread only */
	struct policy_spec spec; /* owns its rules */
	struct rule rules[];	 /* spec.n_rules */
};

static struct rule compile_rule(const struct rule_spec *s)
{
	bool client_any = ip_is_any(s->sip) && ip_is_any(s->sipr);
	bool server_any = ip_is_any(s->dip) && ip_is_any(s->dipr);
	bool peer_any = s->ingress ? client_any : server_any;
	uint8_t action = s->action;

	if (s->n_apps > 0)
		action = POLICY_CHECK_APP;
	else if (s->vhost)
		action = POLICY_CHECK_VH;
	return (struct rule){
		.sip = s->sip,
		.sipr = s->sipr,
		.dip = s->dip,
		.dipr = s->dipr,
		.id = s->id,
		.port = s->port,
		.portr = s->portr,
		.proto = s->proto,
		.action = action,
		.ingress = s->ingress,
		.reject = s->reject,
		.any_external_client = client_any && s->ingress,
		.any_external_server = server_any && !s->ingress,
		.any_client = client_any && !s->ingress,
		.any_server = server_any && s->ingress,
		.never = s->fqdn && peer_any,
	};
}

static void free_rules(const struct policy_spec *spec)
{
	for (size_t i = 0; i < spec->n_rules; i++)
		rule_spec_done(&spec->rules[i]);
	free(spec->rules);
}

struct policy *policy_compile(const struct policy_spec *spec,
			      struct err *reterr)
{
	struct policy *p;

	p = malloc(sizeof *p + spec->n_rules * sizeof *p->rules);
	if (!p) {
		free_rules(spec);
		(void)err_set(reterr, ENOMEM, NULL,
			      "out of memory for %zu rules", spec->n_rules);
		return NULL;
	}
	p->refs = 1;
	p->spec = *spec;
	for (size_t i = 0; i < spec->n_rules; i++)
		p->rules[i] = compile_rule(&spec->rules[i]);
	return p;
}

struct policy *policy_get(struct policy *p)
{
	if (p)
		p->refs++;
	return p;
}

void policy_put(struct policy *p)
{
	if (!p)
		return;
	BUG_ON(p->refs == 0);
	if (--p->refs > 0)
		return;
	free_rules(&p->spec);
	free(p);
}

static bool is_icmp(uint8_t proto)
{
	return proto == PROTO_ICMP4 || proto == PROTO_ICMP6;
}

static bool in_range(struct ip_addr a, struct ip_addr first,
		     struct ip_addr last)
{
	return ip_compare(first, a) <= 0 && ip_compare(a, last) <= 0;
}

static bool addrs_match(const struct rule *r, const struct policy_query *q)
{
	bool client, server;

	/* "any" is of one family: 0.0.0.0 speaks of IPv4, :: of IPv6 */
	if (r->any_external_client || r->any_client)
		client = ip_is_v4(r->sip) == ip_is_v4(q->client) &&
			 (r->any_client || q->peer_external);
	else
		client = in_range(q->client, r->sip, r->sipr);
	if (!client)
		return false;
	if (r->any_external_server || r->any_server)
		server = ip_is_v4(r->dip) == ip_is_v4(q->server) &&
			 (r->any_server || q->peer_external);
	else
		server = in_range(q->server, r->dip, r->dipr);
	return server;
}

static bool rule_matches(const struct policy *p, const struct rule *r,
			 const struct policy_query *q)
{
	if (r->never || r->ingress != q->ingress)
		return false;
	if (r->proto == 0 ? is_icmp(q->proto) && !q->icmp_enforced
			  : r->proto != q->proto)
		return false;
	/* ICMP has no ports: any range speaks of it */
	if (!is_icmp(q->proto) &&
	    (q->server_port < r->port || q->server_port > r->portr))
		return false;
	return addrs_match(r, q);
}

struct judgement policy_match(const struct policy *p,
			      const struct policy_query *q)
{
	for (size_t i = 0; i < p->spec.n_rules; i++) {
		const struct rule *r = &p->rules[i];

		if (!rule_matches(p, r, q))
			continue;
		return (struct judgement){
			.rule_id = r->id,
			.action = r->action,
			.reason = r->action == POLICY_CHECK_APP ||
						  r->action == POLICY_CHECK_VH
					  ? REASON_APP_PENDING
					  : REASON_RULE,
			.reject = r->reject,
		};
	}
	if (is_icmp(q->proto) && !q->icmp_enforced)
		return (struct judgement){ .action = POLICY_ALLOW,
					   .reason = REASON_ICMP_OPEN };
	return (struct judgement){ .action = p->spec.defact,
				   .reason = REASON_DEFAULT,
				   .reject = p->spec.reject };
}

const struct policy_spec *policy_spec_of(const struct policy *p)
{
	return &p->spec;
}
