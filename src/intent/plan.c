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
 * own end is addresses; so it is made once and shared by all classes.
 */
#include "intent/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "wire/app.h"

enum direction { EGRESS, INGRESS };

/* Numbers in a list that grows. */
struct list {
	uint32_t *v;
	size_t n, room;
};

/* Words of an end, gathered for a moment. */
struct words {
	struct plan_end end;
	size_t room;
};

/* What a rule is in one direction: where it stands in `made`. */
struct made_rule {
	bool done;
	size_t at, len, n;
};

/* An address of a workload. */
struct owner {
	struct ip_addr addr;
	uint32_t workload;
};

struct making {
	const struct intent *i;
	const struct intent_world *world;
	uint64_t now;
	struct plan *plan;
	size_t row;	/* 64-bit words of a row */
	uint64_t *rows; /* of all workloads */
	uint64_t *own;	/* a row: words by which a rule may be its own */
	bool *used;	/* of each word: an active rule has it at some end */
	uint8_t *modes;
	struct owner *owners; /* sorted by address */
	size_t n_owners;
	json_t **peers; /* of each word, as the other end; NULL: not yet */
	struct list *from, *to; /* of each word: rules that use it there */
	struct made_rule *made_rules; /* of each rule and direction */
	struct text made;
	struct words peer, own_words;
	struct list of_class;
	size_t n_rules; /* of all classes */
	int rc;
	struct err *reterr;
};

static int fail_memory(struct making *m)
{
	if (m->rc == 0)
		m->rc = err_set(m->reterr, ENOMEM, NULL, "out of memory");
	return m->rc;
}

static void push(struct making *m, struct list *l, uint32_t n)
{
	uint32_t *grown = intent_grow(l->v, l->n, &l->room, sizeof *l->v);

	if (!grown) {
		fail_memory(m);
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

static bool has(const struct making *m, size_t workload, uint32_t word)
{
	return m->rows[workload * m->row + word / 64] >> word % 64 & 1;
}

static void put_in(struct making *m, size_t workload, uint32_t word)
{
	m->rows[workload * m->row + word / 64] |= (uint64_t)1 << word % 64;
}

static int owner_order(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	return ip_compare(x->addr, y->addr);
}

static void list_owners(struct making *m)
{
	size_t n = 0;

	for (size_t w = 0; w < m->world->n; w++)
		n += m->world->workloads[w].n_addrs;
	m->owners = calloc(n + 1, sizeof *m->owners);
	if (!m->owners) {
		fail_memory(m);
		return;
	}
	for (size_t w = 0; w < m->world->n; w++)
		for (size_t k = 0; k < m->world->workloads[w].n_addrs; k++)
			m->owners[m->n_owners++] =
				(struct owner){ m->world->workloads[w].addrs[k],
						(uint32_t)w };
	qsort(m->owners, m->n_owners, sizeof *m->owners, owner_order);
}

/* Whoever has an address of that range is in the word. */
static void put_owners(struct making *m, const struct addr_range *r,
		       uint32_t word)
{
	size_t low = 0, high = m->n_owners;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ip_compare(m->owners[middle].addr, r->first) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (;
	     low < m->n_owners && ip_compare(m->owners[low].addr, r->last) <= 0;
	     low++)
		if (range_has(r, m->owners[low].addr))
			put_in(m, m->owners[low].workload, word);
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
			fail_memory(m);
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
		fail_memory(m);
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
		if (r->kind == REF_ANY || r->kind == REF_WORKLOADS)
			put_in(m, w, n);
}

static void place_all(struct making *m)
{
	struct names names = {
		.of_group = calloc(m->i->n_groups + 1, sizeof(uint32_t)),
		.services = json_object(),
	};

	if (!names.of_group || !names.services)
		fail_memory(m);
	else
		find_words(m, &names);
	for (size_t w = 0; w < m->world->n && m->rc == 0; w++)
		if (w > 0 && m->world->workloads[w].about ==
				     m->world->workloads[w - 1].about)
			place_alike(m, w);
		else
			place_workload(m, &names, w);
	for (uint32_t n = 0; n < m->i->n_words && m->rc == 0; n++)
		if (m->used[n])
			place_word(m, n);
	free(names.of_group);
	json_decref(names.services);
}

/* --- the other end ---------------------------------------------------- */

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
		fail_memory(m);
}

static void add_members(struct making *m, json_t *words, uint32_t word,
			const char *name)
{
	struct ranges r = { 0 };

	for (size_t w = 0; w < m->world->n; w++) {
		const struct intent_workload *one = &m->world->workloads[w];

		for (size_t k = 0; has(m, w, word) && k < one->n_addrs; k++)
			if (!ranges_add(&r,
					(struct addr_range){ one->addrs[k],
							     one->addrs[k] }))
				fail_memory(m);
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
			fail_memory(m);
	ranges_tidy(&r);
	add_ranges(m, words, &r, "node");
	ranges_done(&r);
}

static void add_host(struct making *m, json_t *words, const char *name)
{
	if (json_array_append_new(words, json_sprintf("fqdn:%s", name)) < 0)
		fail_memory(m);
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
			fail_memory(m);
		break;
	case REF_WORKLOADS: add_members(m, words, word, r->text); break;
	case REF_NODE: add_node(m, words); break;
	case REF_GROUP: add_group(m, words, r, word); break;
	case REF_RANGE:
		if (json_array_append_new(words, range_word(&r->range)) < 0)
			fail_memory(m);
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
			fail_memory(m);
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
			fail_memory(m);
		return;
	}
	add_ranges(m, all, &m->i->groups[r->group].ranges, r->text);
}

/*
 * The own end of a workload that is in one of the words; *ret_any: of a group,
 * so its addresses do not matter. Else new words.
 */
static json_t *own_end(struct making *m, size_t workload, const uint32_t *words,
		       size_t n, bool *ret_any)
{
	json_t *all = NULL;

	*ret_any = true;
	for (size_t k = 0; k < n; k++)
		if (has(m, workload, words[k]) && !is_addresses(m->i, words[k]))
			return NULL;
	*ret_any = false;
	all = json_array();
	for (size_t k = 0; k < n; k++)
		if (has(m, workload, words[k]))
			add_own(m, all, words[k]);
	return all;
}

/* Adds what a rule is in one direction; how many rules that is. own: NULL: any. */
static size_t make_rule(struct making *m, struct text *t, const struct rule *r,
			enum direction d, const struct plan_end *own)
{
	const struct plan_end *peers =
		d == EGRESS ? peer_end(m, r->to, r->n_to)
			    : peer_end(m, r->from, r->n_from);

	return plan_rule(t, r, d == INGRESS, own, peers);
}

/* The same, made once for all to whom it is the same. */
static size_t add_made(struct making *m, uint32_t n)
{
	struct made_rule *made = &m->made_rules[n];

	if (!made->done) {
		made->at = m->made.len;
		made->n = make_rule(m, &m->made, &m->i->rules[n / 2],
				    (enum direction)(n % 2), NULL);
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
	json_t *own = d == EGRESS
			      ? own_end(m, workload, r->from, r->n_from, &any)
			      : own_end(m, workload, r->to, r->n_to, &any);

	if (any) {
		parts = add_made(m, n);
	} else {
		m->own_words.end.n = 0;
		gather(m, &m->own_words, own);
		parts = make_rule(m, &m->plan->rules, r, d, &m->own_words.end);
		json_decref(own);
	}
	if (m->made.failed || m->plan->rules.failed)
		fail_memory(m);
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
		if (!has(m, workload, n))
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
		fail_memory(m);
}

static const uint64_t *row_of(const struct making *m, size_t workload)
{
	return m->rows + workload * m->row;
}

static uint64_t row_hash(const void *arg, uint32_t workload)
{
	const struct making *m = arg;

	uint64_t hash = m->modes[workload];

	for (size_t k = 0; k < m->row; k++) {
		uint64_t bits = row_of(m, workload)[k] & m->own[k];

		hash ^= hash_of_bytes(&bits, sizeof bits) + k;
		hash *= 0x9e3779b97f4a7c15ULL;
	}
	return hash ^ hash >> 32;
}

static bool same_row(const struct making *m, size_t a, size_t b)
{
	if (m->modes[a] != m->modes[b])
		return false;
	for (size_t k = 0; k < m->row; k++)
		if ((row_of(m, a)[k] ^ row_of(m, b)[k]) & m->own[k])
			return false;
	return true;
}

static void new_class(struct making *m, uint32_t workload)
{
	struct plan *p = m->plan;
	struct plan_class *c = &p->classes[p->n_classes];

	p->class_of[workload] = (uint32_t)p->n_classes++;
	c->mode = (enum intent_mode)m->modes[workload];
	class_rules(m, c, workload);
}

static void make_classes(struct making *m)
{
	struct plan *p = m->plan;
	struct hash_table seen = { 0 };
	size_t n = m->world->n - m->world->n_peers;

	p->classes = calloc(n + 1, sizeof *p->classes);
	p->class_of = calloc(n + 1, sizeof *p->class_of);
	if (!p->classes || !p->class_of) {
		fail_memory(m);
		return;
	}
	for (uint32_t w = 0; w < n && m->rc == 0; w++) {
		uint64_t hash = row_hash(m, w), slot = hash;
		uint32_t other;
		bool found = false;

		while (!found && hash_table_next(&seen, &slot, &other))
			found = same_row(m, w, other);
		if (found)
			p->class_of[w] = p->class_of[other];
		else
			new_class(m, w);
		/* all workloads are put, so that numbers are theirs */
		if (!hash_table_put(&seen, hash, row_hash, m))
			fail_memory(m);
	}
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
	bool ok = true;

	for (size_t k = 0; k < m->n_owners && ok; k++)
		ok = ranges_add(r, (struct addr_range){ m->owners[k].addr,
							m->owners[k].addr });
	for (size_t k = 0; k < m->world->n_node && ok; k++)
		ok = ranges_add(r, (struct addr_range){ m->world->node[k],
							m->world->node[k] });
	if (!ok)
		fail_memory(m);
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
	if (!m->rows || !m->own || !m->used || !m->modes || !m->peers ||
	    !m->from || !m->to || !m->made_rules || !m->plan->sets)
		fail_memory(m);
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
	free(m->owners);
	free(m->of_class.v);
}

int plan_make(const struct intent *i, const struct intent_world *world,
	      uint64_t now, struct plan *ret, struct err *reterr)
{
	struct making m = { .i = i,
			    .world = world,
			    .now = now,
			    .plan = ret,
			    .reterr = reterr };

	*ret = (struct plan){ 0 };
	making_init(&m);
	if (m.rc == 0)
		list_rules(&m);
	if (m.rc == 0)
		list_owners(&m);
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
