/*
 * How rules about groups become rules about addresses.
 *
 *   1. Who is in what: for each workload a row of bits, one for each word that
 *      rules use (a group, "workloads", an address ...), and its mode.
 *   2. Workloads with equal rows and mode are a class: the same rules hold at
 *      their end of a connection. Words that rules only have at the other end
 *      (of `side`) part nobody.
 *   3. Of each class, those rules are collected whose `from` (as client) or
 *      `to` (as server) has a word of the row, by lists from words to rules.
 *   4. The other end is written as addresses: of who is in the group now. Up to
 *      INTENT_INLINE_MAX ranges stand in the rule, more are a set, once.
 *
 * The own end says "any", since the policy is bound to the workload's MAC; only
 * where a rule names addresses (and no group that the workload is in), they are
 * its own end, so that a workload with several addresses is not taken by all.
 *
 * What a rule is for the data plane depends on its direction alone, unless its
 * own end is addresses, or names ports of its own; so it is made once and shared
 * by all classes.
 *
 * Ports by name are those of the server: at its end its own; at the client's each
 * number goes with the addresses of those who mean that by it.
 */
#include "intent/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "intent/plan_making.h"

static void push(struct making *m, struct list *l, uint32_t n)
{
	uint32_t *grown = intent_grow(l->v, l->n, &l->room, sizeof *l->v);

	if (!grown) {
		plan_fail_memory(m);
		return;
	}
	l->v = grown;
	l->v[l->n++] = n;
}

const char *plan_default(enum intent_mode mode)
{
	static const char *const words[INTENT_MODE__MAX] = { "learn", "alert",
							     "deny" };

	return words[mode];
}

/* --- who is in what --------------------------------------------------- */

static void put_in(struct making *m, size_t workload, uint32_t word)
{
	m->rows[workload * m->row + word / 64] |= (uint64_t)1 << word % 64;
}

/* Whoever of them has an address of that range is in the word. */
static void put_some(struct making *m, const struct owners *o,
		     const struct addr_range *r, uint32_t word)
{
	for (size_t k = owners_from(o, r->first);
	     k < o->n && ip_compare(o->v[k].addr, r->last) <= 0; k++)
		if (range_has(r, o->v[k].addr))
			put_in(m, o->v[k].workload, word);
}

static void put_owners(struct making *m, const struct addr_range *r,
		       uint32_t word)
{
	if (m->world->known)
		put_some(m, &m->world->known->owners, r, word);
	put_some(m, &m->owners, r, word);
}

/* By word or by written group: which word a name is; UINT32_MAX: none. */
struct names {
	uint32_t *of_group; /* of each written group */
	json_t *services;   /* name of a service group: its word */
};

/*
 * Only words of active rules count: others would part workloads into classes
 * for nothing.
 */
static void find_words(struct making *m, struct names *names)
{
	const struct intent *i = m->i;

	for (size_t g = 0; g < i->n_groups; g++)
		names->of_group[g] = UINT32_MAX;
	for (uint32_t n = 0; n < i->n_words; n++) {
		const struct ref *r = &i->words[n];

		if (!m->used[n] || r->kind != REF_GROUP)
			continue;
		if (r->group >= 0)
			names->of_group[r->group] = n;
		if ((r->group < 0 || i->groups[r->group].n_terms == 0) &&
		    json_object_set_new(names->services, r->text,
					json_integer(n)) < 0)
			plan_fail_memory(m);
	}
}

static void place_workload(struct making *m, const struct names *names,
			   size_t n)
{
	const struct intent_workload *w = &m->world->workloads[n];
	const struct intent *i = m->i;
	const json_t *service;
	int mode = -1;
	struct subject s;

	if (!subject_init(&s, i, w->about)) {
		plan_fail_memory(m);
		return;
	}
	service = json_object_get(names->services, s.service);
	if (service)
		put_in(m, n, (uint32_t)json_integer_value(service));
	for (size_t k = 0; k < i->n_groups; k++) {
		const struct group *g = &i->groups[k];
		uint32_t word = names->of_group[k];

		/* addresses have no mode, and are put by put_owners() */
		if (g->addresses || (g->mode <= mode && word == UINT32_MAX) ||
		    !group_has(i, g, &s, w))
			continue;
		if (g->mode > mode)
			mode = g->mode;
		if (word != UINT32_MAX)
			put_in(m, n, word);
	}
	m->modes[n] = (uint8_t)(mode >= 0 ? mode : (int)intent_default_mode(i));
	subject_done(&s);
}

/* Described as the one before it, which is placed only by that so far. */
static void place_alike(struct making *m, size_t n)
{
	memcpy(m->rows + n * m->row, m->rows + (n - 1) * m->row,
	       m->row * sizeof *m->rows);
	m->modes[n] = m->modes[n - 1];
}

static bool is_guarded(const struct making *m, size_t workload)
{
	const struct intent_workload *w = &m->world->workloads[workload];

	return !w->elsewhere || w->of_fleet;
}

static void place_word(struct making *m, uint32_t n)
{
	const struct ref *r = &m->i->words[n];

	if (r->kind == REF_RANGE)
		put_owners(m, &r->range, n);
	if (r->kind == REF_GROUP && r->group >= 0) {
		const struct group *g = &m->i->groups[r->group];

		for (size_t k = 0; k < g->ranges.n; k++)
			put_owners(m, &g->ranges.v[k], n);
	}
	for (size_t w = 0; w < m->world->n; w++)
		if (r->kind == REF_ANY ||
		    (r->kind == REF_WORKLOADS && is_guarded(m, w)))
			put_in(m, w, n);
}

static void place_all(struct making *m)
{
	struct names names = {
		.of_group = calloc(m->i->n_groups + 1, sizeof(uint32_t)),
		.services = json_object(),
	};

	if (!names.of_group || !names.services) {
		plan_fail_memory(m);
	} else {
		find_words(m, &names);
		for (size_t w = 0; w < m->world->n && m->rc == 0; w++)
			if (w > 0 && m->world->workloads[w].about ==
					     m->world->workloads[w - 1].about)
				place_alike(m, w);
			else
				place_workload(m, &names, w);
	}
	for (uint32_t n = 0; n < m->i->n_words && m->rc == 0; n++)
		if (m->used[n])
			place_word(m, n);
	free(names.of_group);
	json_decref(names.services);
}

/* The same, made once for all to whom it is the same. */
static size_t add_made(struct making *m, uint32_t n)
{
	struct made_rule *made = &m->made_rules[n];

	if (!made->done) {
		made->at = m->made.len;
		made->n = plan_make_rule(m, &m->made, &m->i->rules[n / 2],
					 (enum direction)(n % 2), 0, NULL);
		made->len = m->made.len - made->at;
		made->done = true;
	}
	if (!m->made.failed && made->len > 0)
		text_add(&m->plan->rules, m->made.at + made->at, made->len);
	return made->n;
}

/* Adds to a class's rules. n: 2 * rule + direction. */
static void add_rule(struct making *m, struct plan_class *c, size_t workload,
		     uint32_t n)
{
	const struct rule *r = &m->i->rules[n / 2];
	enum direction d = (enum direction)(n % 2);
	size_t parts;
	bool any;
	json_t *own =
		d == EGRESS
			? plan_own_end(m, workload, r->from, r->n_from, &any)
			: plan_own_end(m, workload, r->to, r->n_to, &any);

	if (any && d == INGRESS && rule_has_names(r)) {
		parts = plan_make_rule(m, &m->plan->rules, r, d, workload,
				       NULL);
	} else if (any) {
		parts = add_made(m, n);
	} else {
		parts = plan_make_rule(m, &m->plan->rules, r, d, workload,
				       plan_gather_own(m, own));
		json_decref(own);
	}
	if (m->made.failed || m->plan->rules.failed)
		plan_fail_memory(m);
	c->n_rules += parts;
	c->denies |= parts > 0 && rule_denies(r);
	m->n_rules += parts;
	if (m->n_rules > INTENT_COMPILED_MAX && m->rc == 0)
		m->rc = err_set(m->reterr, E2BIG, "rules",
				"more than %d rules for all workloads together",
				INTENT_COMPILED_MAX);
	if (c->n_rules > POLICY_RULES_MAX && m->rc == 0)
		m->rc = err_set(m->reterr, E2BIG, "rules",
				"more than %d rules for one workload",
				POLICY_RULES_MAX);
}

/* --- classes ---------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void collect(struct making *m, const struct list *rules,
		    enum direction d)
{
	for (size_t k = 0; k < rules->n; k++)
		push(m, &m->of_class, 2 * rules->v[k] + d);
}

/* All rules of a class, one of whose workloads is given. */
static void class_rules(struct making *m, struct plan_class *c, size_t workload)
{
	struct text *t = &m->plan->rules;
	uint32_t last = UINT32_MAX;

	m->of_class.n = 0;
	for (uint32_t n = 0; n < m->i->n_words; n++) {
		if (!plan_has(m, workload, n))
			continue;
		collect(m, &m->from[n], EGRESS);
		collect(m, &m->to[n], INGRESS);
	}
	if (m->of_class.n > 0)
		qsort(m->of_class.v, m->of_class.n, sizeof *m->of_class.v,
		      by_number);
	c->at = t->len;
	text_add(t, "[", 1);
	for (size_t k = 0; k < m->of_class.n && m->rc == 0; k++) {
		/* two words of one rule */
		if (m->of_class.v[k] != last)
			add_rule(m, c, workload, m->of_class.v[k]);
		last = m->of_class.v[k];
	}
	if (c->n_rules > 0 && !t->failed)
		t->len--; /* the last one's comma */
	text_add(t, "]", 1);
	c->len = t->len - c->at;
	if (t->failed)
		plan_fail_memory(m);
}

static const uint64_t *row_of(const struct making *m, size_t workload)
{
	return m->rows + workload * m->row;
}

static uint64_t row_hash(const void *arg, uint32_t here)
{
	const struct making *m = arg;
	uint32_t workload = m->here[here];
	uint64_t hash = m->modes[workload] ^
			plan_ports_hash(&m->ports, workload);

	for (size_t k = 0; k < m->row; k++) {
		uint64_t bits = row_of(m, workload)[k] & m->own[k];

		hash ^= hash_of_bytes(&bits, sizeof bits) + k;
		hash *= 0x9e3779b97f4a7c15ULL;
	}
	return hash ^ hash >> 32;
}

static bool same_row(const struct making *m, size_t a, size_t b)
{
	if (m->modes[a] != m->modes[b] || !plan_ports_same(&m->ports, a, b))
		return false;
	for (size_t k = 0; k < m->row; k++)
		if ((row_of(m, a)[k] ^ row_of(m, b)[k]) & m->own[k])
			return false;
	return true;
}

/* All who are elsewhere are of one class, of which nothing is made. */
static void put_elsewhere(struct making *m, uint32_t workload)
{
	struct plan *p = m->plan;
	struct plan_class *c;

	if (p->elsewhere == UINT32_MAX) {
		p->elsewhere = (uint32_t)p->n_classes++;
		c = &p->classes[p->elsewhere];
		c->at = p->rules.len;
		c->len = 2;
		text_add(&p->rules, "[]", 2);
	}
	p->class_of[workload] = p->elsewhere;
}

static void new_class(struct making *m, uint32_t workload)
{
	struct plan *p = m->plan;
	struct plan_class *c = &p->classes[p->n_classes];

	p->class_of[workload] = (uint32_t)p->n_classes++;
	c->mode = (enum intent_mode)m->modes[workload];
	class_rules(m, c, workload);
}

/* One that is here: as one before it, or of a class of its own. */
static void put_here(struct making *m, struct hash_table *seen, uint32_t w)
{
	struct plan *p = m->plan;
	uint64_t hash, slot;
	uint32_t other;
	bool found = false;

	m->here[m->n_here] = w;
	hash = slot = row_hash(m, (uint32_t)m->n_here);
	while (!found && hash_table_next(seen, &slot, &other))
		found = same_row(m, w, m->here[other]);
	if (found)
		p->class_of[w] = p->class_of[m->here[other]];
	else
		new_class(m, w);
	/* all are put, so that numbers are theirs */
	if (!hash_table_put(seen, hash, row_hash, m))
		plan_fail_memory(m);
	m->n_here++;
}

static void make_classes(struct making *m)
{
	struct plan *p = m->plan;
	struct hash_table seen = { 0 };
	size_t n = m->world->n;

	p->classes = calloc(n + 1, sizeof *p->classes);
	p->class_of = calloc(n + 1, sizeof *p->class_of);
	m->here = calloc(n + 1, sizeof *m->here);
	if (!p->classes || !p->class_of || !m->here) {
		plan_fail_memory(m);
		return;
	}
	for (uint32_t w = 0; w < n && m->rc == 0; w++)
		if (m->world->workloads[w].elsewhere)
			put_elsewhere(m, w);
		else
			put_here(m, &seen, w);
	hash_table_done(&seen);
}

/* --- all of it -------------------------------------------------------- */

/* own: at that end, the rule is the workload's. */
static void use_word(struct making *m, uint32_t word, struct list *lists,
		     uint32_t rule, bool own)
{
	m->used[word] = true;
	if (!own)
		return;
	m->own[word / 64] |= (uint64_t)1 << word % 64;
	push(m, &lists[word], rule);
}

static void list_rules(struct making *m)
{
	const struct intent *i = m->i;

	for (uint32_t n = 0; n < i->n_rules && m->rc == 0; n++) {
		const struct rule *r = &i->rules[n];

		if (!rule_is_active(r, m->now))
			continue;
		for (size_t k = 0; k < r->n_from; k++)
			use_word(m, r->from[k], m->from, n,
				 r->side != SIDE_SERVER);
		for (size_t k = 0; k < r->n_to; k++)
			use_word(m, r->to[k], m->to, n, r->side != SIDE_CLIENT);
	}
}

static void list_internal(struct making *m)
{
	struct ranges *r = &m->plan->internal;
	bool ok = owners_addrs(&m->owners, r);

	if (m->world->known && ok)
		ok = ranges_add_all(r, &m->world->known->addrs);
	for (size_t k = 0; k < m->world->n_node && ok; k++)
		ok = ranges_add(r, (struct addr_range){ m->world->node[k],
							m->world->node[k] });
	if (!ok)
		plan_fail_memory(m);
	ranges_tidy(r);
}

static void making_init(struct making *m)
{
	size_t words = m->i->n_words;

	m->row = words / 64 + 1;
	m->rows = calloc(m->world->n * m->row + 1, sizeof *m->rows);
	m->own = calloc(m->row, sizeof *m->own);
	m->used = calloc(words + 1, sizeof *m->used);
	m->modes = calloc(m->world->n + 1, sizeof *m->modes);
	m->peers = calloc(words + 1, sizeof(json_t *));
	m->from = calloc(words + 1, sizeof *m->from);
	m->to = calloc(words + 1, sizeof *m->to);
	m->made_rules = calloc(2 * m->i->n_rules + 1, sizeof *m->made_rules);
	m->plan->sets = json_object();
	if (!plan_ports_find(&m->ports, m->i, m->world, m->now))
		plan_fail_memory(m);
	if (!m->rows || !m->own || !m->used || !m->modes || !m->peers ||
	    !m->from || !m->to || !m->made_rules || !m->plan->sets)
		plan_fail_memory(m);
}

static void making_done(struct making *m)
{
	for (size_t n = 0; n < m->i->n_words; n++) {
		if (m->peers)
			json_decref(m->peers[n]);
		if (m->from)
			free(m->from[n].v);
		if (m->to)
			free(m->to[n].v);
	}
	free(m->made_rules);
	text_done(&m->made);
	free(m->peer.end.v);
	free(m->own_words.end.v);
	free(m->peers);
	free(m->from);
	free(m->to);
	free(m->rows);
	free(m->own);
	free(m->used);
	free(m->modes);
	owners_done(&m->owners);
	free(m->here);
	free(m->of_class.v);
	plan_ports_done(&m->ports);
}

int plan_make(const struct intent *i, const struct intent_world *world,
	      uint64_t now, struct plan *ret, struct err *reterr)
{
	struct making m = { .i = i,
			    .world = world,
			    .now = now,
			    .plan = ret,
			    .reterr = reterr };

	*ret = (struct plan){ .elsewhere = UINT32_MAX };
	making_init(&m);
	if (m.rc == 0)
		list_rules(&m);
	if (m.rc == 0 &&
	    !owners_list(&m.owners, world, world->known ? world->known->n : 0))
		plan_fail_memory(&m);
	if (m.rc == 0)
		list_internal(&m);
	if (m.rc == 0)
		place_all(&m);
	if (m.rc == 0)
		make_classes(&m);
	if (m.rc == 0 && json_object_size(ret->sets) > ADDR_SETS_MAX)
		m.rc = err_set(reterr, E2BIG, "groups",
			       "more than %d groups of many addresses are used",
			       ADDR_SETS_MAX);
	making_done(&m);
	return m.rc;
}

void plan_done(struct plan *p)
{
	text_done(&p->rules);
	free(p->classes);
	free(p->class_of);
	json_decref(p->sets);
	ranges_done(&p->internal);
	*p = (struct plan){ 0 };
}
