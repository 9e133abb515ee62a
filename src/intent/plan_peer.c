/*
 * A rule's ends as addresses: what its words are now, and where it names ports,
 * whose number each is.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "intent/plan_making.h"
#include "intent/words.h"

int plan_fail_memory(struct making *m)
{
	if (m->rc == 0)
		m->rc = err_set(m->reterr, ENOMEM, NULL, "out of memory");
	return m->rc;
}

/* r is tidy. Ranges of a group as words, or the name of a set that is them. */
static void add_ranges(struct making *m, json_t *words, const struct ranges *r,
		       const char *name)
{
	json_t *list = words, *set = NULL;
	char text[INTENT_NAME_MAX + 8];
	bool ok = true;

	if (r->n > INTENT_INLINE_MAX) {
		(void)snprintf(text, sizeof text, "set:%s", name);
		ok = json_array_append_new(words, json_string(text)) == 0;
		list = set = json_array();
	}
	for (size_t k = 0; k < r->n && ok; k++)
		ok = json_array_append_new(list, range_word(&r->v[k])) == 0;
	if (set && json_array_size(set) > ADDR_SET_WORDS_MAX && ok)
		m->rc = err_set(m->reterr, E2BIG, name,
				"more than %d ranges of addresses",
				ADDR_SET_WORDS_MAX);
	if (set)
		ok &= json_object_set_new(m->plan->sets, name, set) == 0;
	if (!ok)
		plan_fail_memory(m);
}

static void add_members(struct making *m, json_t *words, uint32_t word,
			const char *name)
{
	struct ranges r = { 0 };

	for (size_t w = 0; w < m->world->n; w++) {
		const struct intent_workload *one = &m->world->workloads[w];

		for (size_t k = 0; plan_has(m, w, word) && k < one->n_addrs;
		     k++)
			if (!ranges_add(&r,
					(struct addr_range){ one->addrs[k],
							     one->addrs[k] }))
				plan_fail_memory(m);
	}
	ranges_tidy(&r);
	add_ranges(m, words, &r, name);
	ranges_done(&r);
}

static void add_node(struct making *m, json_t *words)
{
	struct ranges r = { 0 };

	for (size_t k = 0; k < m->world->n_node; k++)
		if (!ranges_add(&r, (struct addr_range){ m->world->node[k],
							 m->world->node[k] }))
			plan_fail_memory(m);
	ranges_tidy(&r);
	add_ranges(m, words, &r, "node");
	ranges_done(&r);
}

static void add_host(struct making *m, json_t *words, const char *name)
{
	if (json_array_append_new(words, json_sprintf("fqdn:%s", name)) < 0)
		plan_fail_memory(m);
}

static void add_group(struct making *m, json_t *words, const struct ref *r,
		      uint32_t word)
{
	const struct group *g = r->group >= 0 ? &m->i->groups[r->group] : NULL;

	if (!g || !g->addresses) {
		add_members(m, words, word, r->text);
		return;
	}
	add_ranges(m, words, &g->ranges, g->name);
	for (uint32_t k = 0; k < g->n_names; k++)
		add_host(m, words, g->names[k]);
}

/* What a word is as the other end; borrowed. "any" for REF_ANY. */
static const json_t *peer_words(struct making *m, uint32_t word)
{
	const struct ref *r = &m->i->words[word];
	json_t *words = m->peers[word];

	if (words)
		return words;
	words = m->peers[word] = json_array();
	switch ((enum ref_kind)r->kind) {
	case REF_ANY:
	case REF_EXTERNAL:
		if (json_array_append_new(words, json_string(r->text)) < 0)
			plan_fail_memory(m);
		break;
	case REF_WORKLOADS: add_members(m, words, word, r->text); break;
	case REF_NODE: add_node(m, words); break;
	case REF_GROUP: add_group(m, words, r, word); break;
	case REF_RANGE:
		if (json_array_append_new(words, range_word(&r->range)) < 0)
			plan_fail_memory(m);
		break;
	case REF_NAME: add_host(m, words, r->text + strlen("fqdn:")); break;
	}
	return words;
}

/* Appends all texts of a list. */
static void gather(struct making *m, struct words *to, const json_t *list)
{
	const json_t *one;
	size_t k;

	json_array_foreach (list, k, one) {
		const char **grown = intent_grow(to->end.v, to->end.n,
						 &to->room, sizeof *grown);

		if (!grown) {
			plan_fail_memory(m);
			return;
		}
		to->end.v = grown;
		to->end.v[to->end.n++] = json_string_value(one);
	}
}

/* An end that is the other one: all its words; none: nobody is there. */
static const struct plan_end *peer_end(struct making *m, const uint32_t *words,
				       size_t n)
{
	m->peer.end.n = 0;
	for (size_t k = 0; k < n; k++)
		gather(m, &m->peer, peer_words(m, words[k]));
	return &m->peer.end;
}

static bool is_addresses(const struct intent *i, uint32_t word)
{
	const struct ref *r = &i->words[word];

	return r->kind == REF_RANGE || (r->kind == REF_GROUP && r->group >= 0 &&
					i->groups[r->group].addresses);
}

/* Appends what an address word says of the own end: no names. */
static void add_own(struct making *m, json_t *all, uint32_t word)
{
	const struct ref *r = &m->i->words[word];

	if (r->kind == REF_RANGE) {
		if (json_array_append_new(all, range_word(&r->range)) < 0)
			plan_fail_memory(m);
		return;
	}
	add_ranges(m, all, &m->i->groups[r->group].ranges, r->text);
}

json_t *plan_own_end(struct making *m, size_t workload, const uint32_t *words,
		     size_t n, bool *ret_any)
{
	json_t *all = NULL;

	*ret_any = true;
	for (size_t k = 0; k < n; k++)
		if (plan_has(m, workload, words[k]) &&
		    !is_addresses(m->i, words[k]))
			return NULL;
	*ret_any = false;
	all = json_array();
	for (size_t k = 0; k < n; k++)
		if (plan_has(m, workload, words[k]))
			add_own(m, all, words[k]);
	return all;
}

/* Is an address of that workload one that the word means? */
static bool is_meant(const struct making *m, size_t workload, uint32_t word,
		     struct ip_addr a)
{
	const struct ref *r = &m->i->words[word];

	if (!plan_has(m, workload, word))
		return false;
	if (!is_addresses(m->i, word))
		return true;
	return r->kind == REF_RANGE
		       ? range_has(&r->range, a)
		       : ranges_have(&m->i->groups[r->group].ranges, a);
}

/* Adds those of a workload's addresses that one of the words means. */
static void add_meant(struct making *m, struct ranges *ranges, size_t workload,
		      const uint32_t *words, size_t n)
{
	const struct intent_workload *w = &m->world->workloads[workload];

	for (size_t k = 0; k < w->n_addrs; k++) {
		size_t i = 0;

		while (i < n && !is_meant(m, workload, words[i], w->addrs[k]))
			i++;
		if (i < n &&
		    !ranges_add(ranges, (struct addr_range){ w->addrs[k],
							     w->addrs[k] }))
			plan_fail_memory(m);
	}
}

/* To those servers who call that number so: how many rules that is. */
static size_t make_number(struct making *m, struct text *t,
			  const struct rule *r, const struct plan_end *own,
			  const struct port_word *named, uint16_t number)
{
	char text[PORT_WORD_MAX], name[PORT_WORD_MAX + 32];
	struct port_word port = *named;
	struct rule copy = *r;
	json_t *words = json_array();
	struct ranges ranges = { 0 };
	size_t parts;

	for (size_t w = 0; w < m->world->n; w++)
		if (plan_ports_number(&m->ports, w, named) == number)
			add_meant(m, &ranges, w, r->to, r->n_to);
	ranges_tidy(&ranges);
	/* no group has a name with ':' */
	(void)snprintf(name, sizeof name, ":%u:%s:%u", r->id,
		       port_word_format(named, text), number);
	add_ranges(m, words, &ranges, name);
	ranges_done(&ranges);
	m->peer.end.n = 0;
	gather(m, &m->peer, words);
	port.name[0] = '\0';
	port.first = port.last = number;
	copy.ports = &port;
	copy.n_ports = 1;
	parts = plan_rule(t, &copy, false, own, &m->peer.end);
	json_decref(words);
	return parts;
}

static size_t make_numbers(struct making *m, struct text *t,
			   const struct rule *r, const struct plan_end *own,
			   const struct port_word *named)
{
	uint64_t seen[(UINT16_MAX + 1) / 64] = { 1 }; /* 0 is none */
	size_t parts = 0;

	for (size_t w = 0; w < m->world->n; w++) {
		uint16_t number = plan_ports_number(&m->ports, w, named);

		if (seen[number / 64] >> number % 64 & 1)
			continue;
		seen[number / 64] |= (uint64_t)1 << number % 64;
		parts += make_number(m, t, r, own, named, number);
	}
	return parts;
}

/* A rule with ports by name, for a workload of the class. */
static size_t make_named(struct making *m, struct text *t, const struct rule *r,
			 enum direction d, size_t workload,
			 const struct plan_end *own)
{
	struct port_word ports[INTENT_WORDS_MAX];
	struct rule copy = *r;
	size_t parts = 0;

	copy.ports = ports;
	copy.n_ports = (uint16_t)plan_ports_of(
		&m->ports, r, d == INGRESS ? workload : PLAN_NOBODY, ports);
	if (copy.n_ports > 0)
		parts = plan_rule(t, &copy, d == INGRESS, own,
				  d == EGRESS
					  ? peer_end(m, r->to, r->n_to)
					  : peer_end(m, r->from, r->n_from));
	for (size_t k = 0; d == EGRESS && k < r->n_ports; k++)
		if (r->ports[k].name[0])
			parts += make_numbers(m, t, r, own, &r->ports[k]);
	return parts;
}

size_t plan_make_rule(struct making *m, struct text *t, const struct rule *r,
		      enum direction d, size_t workload,
		      const struct plan_end *own)
{
	const struct plan_end *peers;

	if (rule_has_names(r))
		return make_named(m, t, r, d, workload, own);
	peers = d == EGRESS ? peer_end(m, r->to, r->n_to)
			    : peer_end(m, r->from, r->n_from);
	return plan_rule(t, r, d == INGRESS, own, peers);
}

const struct plan_end *plan_gather_own(struct making *m, const json_t *list)
{
	m->own_words.end.n = 0;
	gather(m, &m->own_words, list);
	return &m->own_words.end;
}
