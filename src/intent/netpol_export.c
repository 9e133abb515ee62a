/*
 * NetworkPolicies select pods, allow, and add up; a pod that one selects is isolated.
 * So for each group in mode protect, and each namespace that it is in, there is one
 * that isolates, and what rules allow is added to it. A rule about another group H
 * that some of those pods may be in, too, is a policy of its own for those who are
 * in both: the terms of both must hold. So none selects a pod that is not protected.
 *
 * A denial, an application, a request, a name of a host, `external`: there is no word
 * for these. A rule that needs one is left out and told, so that what is exported
 * never allows more, but for what a denial before it took away.
 */
#include "intent/netpol_export.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits_kubernetes.h"
#include "intent/netpol_select.h"
#include "intent/words.h"

/* --- policies --------------------------------------------------------- */

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static void make_small(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

/* "weir-web.shop-2" of a group's name, each once in its namespace. */
static void name_policy(struct export *e, const char *space, const char *group,
			const char *other, char ret[static 254])
{
	json_t *taken = json_object_get(e->names, space);
	size_t len;

	if (!taken)
		export_set(e, e->names, space, taken = json_object());
	(void)snprintf(ret, 254, "weir-%.100s%s%.100s", group, other ? "-" : "",
		       other ? other : "");
	make_small(ret);
	for (char *c = ret; *c; c++)
		if (!is_plain(c[0]) &&
		    !(c[0] == '.' && is_plain(c[-1]) && is_plain(c[1])))
			*c = '-';
	len = strlen(ret);
	while (ret[len - 1] == '-')
		ret[--len] = '\0';
	for (unsigned n = 2; json_object_get(taken, ret); n++)
		(void)snprintf(ret + len, 254 - len, "-%u", n);
	export_set(e, taken, ret, json_true());
}

/* Of those pods of a namespace; borrowed. types: "Ingress", "Egress"; NULL: both. */
static json_t *add_policy(struct export *e, const struct subject_policy *p,
			  const char *other, json_t *pods, const char *type)
{
	char name[254];
	json_t *o;

	name_policy(e, p->space, p->group, other, name);
	o = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:o, s:o}}", "apiVersion",
		      "networking.k8s.io/v1", "kind", "NetworkPolicy",
		      "metadata", "name", name, "namespace", p->space, "spec",
		      "podSelector", selector_json(e, pods), "policyTypes",
		      type ? json_pack("[s]", type)
			   : json_pack("[s, s]", "Ingress", "Egress"));
	export_append(e, e->all, o);
	return e->failed ? NULL : o;
}

/* Takes what s has. */
static void add_subject(struct export *e, const char *group, const char *space,
			const struct selector *s)
{
	struct subject_policy *grown = intent_grow(e->subjects, e->n_subjects,
						   &e->room, sizeof *grown);
	struct subject_policy p = {
		.group = group,
		.space = space,
		.s = { json_deep_copy(s->pods), json_deep_copy(s->spaces) },
	};

	if (!grown || !p.s.pods || !p.s.spaces) {
		e->failed = true;
		selector_done(&p.s);
		return;
	}
	p.policy = add_policy(e, &p, NULL, p.s.pods, NULL);
	e->subjects = grown;
	e->subjects[e->n_subjects++] = p;
}

static void add_subjects(struct export *e, const char *group,
			 const struct selector *s)
{
	const char *space;
	json_t *labels;

	json_object_foreach (e->spaces, space, labels)
		if (selector_has_space(e, s->spaces, space))
			add_subject(e, group, space, s);
}

/* Who is in mode protect, by which group. */
static void find_subjects(struct export *e)
{
	bool lesser = false;
	struct selector s;

	for (size_t n = 0; n < e->i->n_groups; n++) {
		const struct group *g = &e->i->groups[n];

		lesser |= g->mode >= 0 && g->mode != MODE_PROTECT;
		if (g->mode != MODE_PROTECT || g->addresses)
			continue;
		if (selector_of_group(e, g->name, (int64_t)n, &s))
			add_subjects(e, g->name, &s);
		selector_done(&s);
	}
	if (intent_default_mode(e->i) != MODE_PROTECT)
		return;
	if (lesser) {
		export_not_said(
			e, "default_mode",
			"protect is for all but those groups that say less");
		return;
	}
	if (selector_init(e, &s))
		add_subjects(e, "default", &s);
	selector_done(&s);
}

/* --- rules ------------------------------------------------------------ */

/* Takes the blocks' ranges as they are. */
static void add_blocks(struct export *e, json_t *peers, const struct ranges *r)
{
	json_t *list = json_array(), *v;
	size_t n;

	if (!ranges_as_prefixes(r, KUBE_BLOCKS_MAX, list))
		export_not_said(e, NULL, "its addresses are too many networks");
	else
		json_array_foreach (list, n, v) {
			const char *net = json_string_value(v);

			export_append(
				e, peers,
				strchr(net, '/')
					? json_pack("{s:{s:s}}", "ipBlock",
						    "cidr", net)
					: json_pack(
						  "{s:{s:o}}", "ipBlock",
						  "cidr",
						  json_sprintf("%s/%d", net,
							       strchr(net, ':')
								       ? 128
								       : 32)));
		}
	json_decref(list);
}

static void add_group_peer(struct export *e, json_t *peers, const struct ref *r)
{
	const struct group *g = r->group >= 0 ? &e->i->groups[r->group] : NULL;
	struct selector s = { NULL, NULL };
	json_t *peer;

	if (g && g->addresses) {
		add_blocks(e, peers, &g->ranges);
		if (g->n_names > 0)
			export_not_said(e, NULL, "it names hosts");
		return;
	}
	if (selector_of_group(e, r->text, r->group, &s)) {
		peer = json_object();
		/* always: without it is the policy's own */
		export_set(e, peer, "namespaceSelector",
			   selector_json(e, s.spaces));
		if (json_object_size(s.pods) > 0)
			export_set(e, peer, "podSelector",
				   selector_json(e, s.pods));
		export_append(e, peers, peer);
	}
	selector_done(&s);
}

/* The other end; *ret_any: everybody. */
static json_t *peers_of(struct export *e, const uint32_t *words, size_t n,
			bool *ret_any)
{
	json_t *peers = json_array();
	struct ranges one;

	*ret_any = false;
	for (size_t k = 0; k < n; k++) {
		const struct ref *r = &e->i->words[words[k]];

		switch ((enum ref_kind)r->kind) {
		case REF_ANY: *ret_any = true; break;
		case REF_WORKLOADS:
			export_append(e, peers,
				      json_pack("{s:{}}", "namespaceSelector"));
			break;
		case REF_NODE: break; /* it may always */
		case REF_EXTERNAL:
			export_not_said(e, NULL,
					"there is no word for external");
			break;
		case REF_NAME:
			export_not_said(e, NULL, "it names hosts");
			break;
		case REF_RANGE:
			one = (struct ranges){
				.v = (struct addr_range *)&r->range, .n = 1
			};
			add_blocks(e, peers, &one);
			break;
		case REF_GROUP: add_group_peer(e, peers, r); break;
		}
	}
	return peers;
}

static void add_port(struct export *e, json_t *ports, const struct port_word *w)
{
	const char *proto = w->proto == IPPROTO_TCP    ? "TCP"
			    : w->proto == IPPROTO_UDP  ? "UDP"
			    : w->proto == IPPROTO_SCTP ? "SCTP"
						       : NULL;
	json_t *p;

	if (!proto) {
		export_not_said(e, NULL,
				"there are ports of TCP, UDP and SCTP alone");
		return;
	}
	p = json_pack("{s:s}", "protocol", proto);
	if (w->name[0])
		export_set(e, p, "port", json_string(w->name));
	else if (!w->all)
		export_set(e, p, "port", json_integer(w->first));
	if (!w->name[0] && !w->all && w->last > w->first)
		export_set(e, p, "endPort", json_integer(w->last));
	export_append(e, ports, p);
}

/* NULL: none of its ports can be said; an empty one: any. */
static json_t *ports_of(struct export *e, const struct rule *r)
{
	json_t *ports = json_array();

	for (size_t k = 0; k < r->n_ports; k++)
		if (r->ports[k].proto == 0)
			return ports;
	for (size_t k = 0; k < r->n_ports; k++)
		add_port(e, ports, &r->ports[k]);
	if (r->n_ports == 0 || json_array_size(ports) > 0)
		return ports;
	json_decref(ports);
	return NULL;
}

static void add_to_policy(struct export *e, json_t *policy, bool ingress,
			  const json_t *rule)
{
	json_t *spec = json_object_get(policy, "spec");
	const char *way = ingress ? "ingress" : "egress";
	json_t *list = json_object_get(spec, way);

	if (!spec)
		return;
	if (!list)
		export_set(e, spec, way, list = json_array());
	e->failed |= json_array_append(list, (json_t *)(uintptr_t)rule) < 0;
}

/* For those of p who are in that group, too. */
static void allow_some(struct export *e, const struct subject_policy *p,
		       const struct ref *own, bool ingress, const json_t *rule)
{
	struct selector s, both = { json_deep_copy(p->s.pods), NULL };

	if (selector_of_group(e, own->text, own->group, &s) &&
	    selector_has_space(e, s.spaces, p->space) &&
	    selector_join(e, both.pods, s.pods))
		add_to_policy(e,
			      add_policy(e, p, own->text, both.pods,
					 ingress ? "Ingress" : "Egress"),
			      ingress, rule);
	selector_done(&s);
	selector_done(&both);
}

static bool is_addresses(const struct intent *i, const struct ref *r)
{
	return r->kind == REF_RANGE || (r->kind == REF_GROUP && r->group >= 0 &&
					i->groups[r->group].addresses);
}

/* At p's end, whichever of the words it is. */
static void allow(struct export *e, const struct subject_policy *p,
		  const uint32_t *words, size_t n, bool ingress,
		  const json_t *rule)
{
	for (size_t k = 0; k < n; k++) {
		const struct ref *r = &e->i->words[words[k]];
		bool all = r->kind == REF_ANY || r->kind == REF_WORKLOADS ||
			   (r->kind == REF_GROUP &&
			    strcmp(r->text, p->group) == 0);

		if (all) {
			add_to_policy(e, p->policy, ingress, rule);
			return;
		}
	}
	for (size_t k = 0; k < n; k++) {
		const struct ref *r = &e->i->words[words[k]];

		if (r->kind == REF_GROUP && !is_addresses(e->i, r))
			allow_some(e, p, r, ingress, rule);
	}
}

static bool has_address(const struct export *e, const struct intent_workload *w,
			const struct ref *r)
{
	for (size_t k = 0; k < w->n_addrs; k++)
		if (r->kind == REF_RANGE
			    ? range_has(&r->range, w->addrs[k])
			    : ranges_have(&e->i->groups[r->group].ranges,
					  w->addrs[k]))
			return true;
	return false;
}

/* Pods can be selected by labels alone. */
static void tell_own_addresses(struct export *e, const uint32_t *words,
			       size_t n)
{
	for (size_t k = 0; k < n; k++) {
		const struct ref *r = &e->i->words[words[k]];

		for (size_t w = 0; w < e->world->n && is_addresses(e->i, r);
		     w++)
			if (has_address(e, &e->world->workloads[w], r))
				export_not_said(e, NULL,
						"it is for pods by address");
	}
}

static void say_direction(struct export *e, const struct rule *r, bool ingress)
{
	const uint32_t *own = ingress ? r->to : r->from;
	size_t n_own = ingress ? r->n_to : r->n_from;
	bool any;
	json_t *peers = ingress ? peers_of(e, r->from, r->n_from, &any)
				: peers_of(e, r->to, r->n_to, &any);
	json_t *ports = ports_of(e, r), *rule = json_object();

	tell_own_addresses(e, own, n_own);
	if (ports && json_array_size(ports) > 0)
		e->failed |= json_object_set(rule, "ports", ports) < 0;
	if (!any)
		e->failed |= json_object_set(rule, ingress ? "from" : "to",
					     peers) < 0;
	for (size_t k = 0;
	     k < e->n_subjects && ports && (any || json_array_size(peers) > 0);
	     k++)
		allow(e, &e->subjects[k], own, n_own, ingress, rule);
	json_decref(peers);
	json_decref(ports);
	json_decref(rule);
}

/* Why not; NULL: it can be said. */
static const char *obstacle(const struct rule *r)
{
	if (rule_denies(r))
		return "it denies; what it denies a later rule may allow";
	if (r->n_apps > 0)
		return "it is about applications";
	if (r->requests)
		return "it is about requests";
	return r->expires ? "it is for a time" : NULL;
}

static void say_rules(struct export *e)
{
	for (size_t n = 0; n < e->i->n_rules; n++) {
		const struct rule *r = &e->i->rules[n];
		const char *why = obstacle(r);

		/* those of NetworkPolicies are NetworkPolicies already */
		if (!rule_is_active(r, e->now) ||
		    r->origin >= ORIGIN_NETWORK_POLICY)
			continue;
		e->rule = r;
		if (why) {
			export_not_said(e, NULL, why);
			continue;
		}
		if (r->side != SIDE_SERVER)
			say_direction(e, r, false);
		if (r->side != SIDE_CLIENT)
			say_direction(e, r, true);
	}
	e->rule = NULL;
}

static void find_spaces(struct export *e)
{
	for (size_t n = 0; n < e->world->n; n++) {
		const json_t *about = e->world->workloads[n].about;
		json_t *labels = json_object_get(about, "namespace_labels");

		if (selector_space_of(about)[0] &&
		    (labels ||
		     !json_object_get(e->spaces, selector_space_of(about))))
			export_set(e, e->spaces, selector_space_of(about),
				   labels ? json_incref(labels)
					  : json_object());
	}
}

int intent_to_network_policies(const struct intent *i,
			       const struct intent_world *world, uint64_t now,
			       json_t **ret, json_t **ret_not_said,
			       struct err *reterr)
{
	struct export e = { .i = i,
			    .world = world,
			    .now = now,
			    .all = json_array(),
			    .not_said = json_array(),
			    .spaces = json_object(),
			    .names = json_object() };

	find_spaces(&e);
	find_subjects(&e);
	say_rules(&e);
	for (size_t k = 0; k < e.n_subjects; k++)
		selector_done(&e.subjects[k].s);
	free(e.subjects);
	json_decref(e.spaces);
	json_decref(e.names);
	if (!e.failed && json_array_size(e.all) <= KUBE_POLICIES_MAX) {
		*ret = e.all;
		*ret_not_said = e.not_said;
		return 0;
	}
	json_decref(e.all);
	json_decref(e.not_said);
	if (e.failed)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	return err_set(reterr, E2BIG, NULL, "more than %d NetworkPolicies",
		       KUBE_POLICIES_MAX);
}
