/*
 * A node's proposals are an array of items, with their texts in one arena, so that
 * what it tells next takes their place at once. To be shown, all items are sorted by
 * what makes a key (by_key()), and each run of equal ones becomes one proposal. Nothing
 * merged is kept, so a node that is forgotten leaves nothing behind.
 *
 * Rules are read by the parser of all rules, into an intent that is nobody's; an item
 * is made of what came of it, so of the node's own text nothing is shown again.
 */
#include "intent/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits_fleet.h"
#include "intent/proposal.h"
#include "intent/propose.h"
#include "intent/settled.h"
#include "intent/words.h"
#include "wire/app.h"
#include "wire/words.h"

/* Rules that are read into one intent. */
#define AT_ONCE 1000

struct item {
	const struct node *node;
	struct proposed what; /* of the arena, as workloads */
	const char **workloads;
	uint32_t n_workloads, more_workloads;
	uint64_t first_s, last_s, sessions;
};

struct node {
	char name[FLEET_NAME_MAX];
	struct arena arena;
	struct item *items;
	size_t n, room;
	uint64_t dropped, refused, untold;
	bool told;
};

struct intent_gather {
	struct node *nodes[FLEET_NODES_MAX];
	size_t n_nodes, n_items;
};

struct intent_gather *intent_gather_new(void)
{
	return calloc(1, sizeof(struct intent_gather));
}

static void clear(struct node *n)
{
	arena_done(&n->arena);
	free(n->items);
	n->arena = (struct arena){ 0 };
	n->items = NULL;
	n->n = n->room = 0;
	n->dropped = n->refused = n->untold = 0;
	n->told = false;
}

void intent_gather_free(struct intent_gather *g)
{
	if (!g)
		return;
	for (size_t k = 0; k < g->n_nodes; k++) {
		clear(g->nodes[k]);
		free(g->nodes[k]);
	}
	free(g);
}

/* NULL: it has none. */
static struct node **find(struct intent_gather *g, const char *name)
{
	for (size_t k = 0; k < g->n_nodes; k++)
		if (strcmp(g->nodes[k]->name, name) == 0)
			return &g->nodes[k];
	return NULL;
}

/* --- reading a proposal ------------------------------------------------- */

/* As ends_word() may say it; a name of a host is a server's. */
static bool end_is_right(const struct ref *r, bool is_to)
{
	switch (r->kind) {
	case REF_GROUP:
	case REF_EXTERNAL:
	case REF_NODE: return true;
	case REF_RANGE: return ip_equal(r->range.first, r->range.last);
	case REF_NAME: return is_to && !strchr(r->text, '*');
	default: return false;
	}
}

static bool port_is_right(const struct port_word *w)
{
	return !w->name[0] && w->proto && w->all == !proto_has_ports(w->proto);
}

/* Might intent_propose() have made it? */
static bool rule_is_right(const struct intent *i, const struct rule *r)
{
	const struct ref *from = &i->words[r->from[0]];
	const struct ref *to = &i->words[r->to[0]];

	if (r->n_from != 1 || r->n_to != 1 || r->n_apps + r->n_ports != 1)
		return false;
	if (r->action != ACTION_ALLOW || r->origin != ORIGIN_LEARNED ||
	    r->side != SIDE_BOTH || r->id || r->requests || r->comment ||
	    r->expires || r->disabled)
		return false;
	if (r->n_apps ? !app_is_product(r->apps[0])
		      : !port_is_right(&r->ports[0]))
		return false;
	return end_is_right(from, false) && end_is_right(to, true) &&
	       (from->kind == REF_GROUP || to->kind == REF_GROUP);
}

/* 1: it is one, and i's last rule; 0: it is none; -ENOMEM. */
static int read_rule(struct intent *i, const json_t *rule)
{
	json_t *doc = json_pack("{s:[O]}", "rules", rule);
	struct err err = { 0 };
	int rc = doc ? intent_append(i, doc, &err) : -ENOMEM;

	json_decref(doc);
	if (rc < 0)
		return rc == -ENOMEM && json_is_object(rule) ? rc : 0;
	return rule_is_right(i, &i->rules[i->n_rules - 1]);
}

/* How often and when; false: it does not say. */
static bool read_times(struct item *it, const json_t *provenance)
{
	const json_t *first = json_object_get(provenance, "first_seen");
	const json_t *last = json_object_get(provenance, "last_seen");
	const json_t *sessions = json_object_get(provenance, "sessions");

	if (!json_is_integer(first) || !json_is_integer(last) ||
	    !json_is_integer(sessions) || json_integer_value(first) < 0 ||
	    json_integer_value(last) < json_integer_value(first) ||
	    json_integer_value(sessions) < 0)
		return false;
	it->first_s = (uint64_t)json_integer_value(first);
	it->last_s = (uint64_t)json_integer_value(last);
	it->sessions = (uint64_t)json_integer_value(sessions);
	return true;
}

/* Is it one of another node, NODE/ID? Ids of our own begin with who runs them. */
static bool has_node(const char *id)
{
	size_t n = strcspn(id, ":/");

	return id[n] == '/';
}

/* As all nodes know them: NODE/ID. false: out of memory. */
static bool read_workloads(struct node *n, struct item *it,
			   const json_t *provenance)
{
	const json_t *ids = json_object_get(provenance, "workloads"), *v;
	json_int_t more = json_integer_value(
		json_object_get(provenance, "more_workloads"));
	char text[FLEET_NAME_MAX + STORE_ID_MAX];
	size_t k;

	it->more_workloads = more > 0 && more <= UINT32_MAX ? (uint32_t)more
							    : 0;
	k = json_array_size(ids);
	it->workloads = arena_alloc(
		&n->arena,
		(k < PROPOSE_WORKLOADS_MAX ? k + 1 : PROPOSE_WORKLOADS_MAX) *
			sizeof *it->workloads);
	if (!it->workloads)
		return false;
	json_array_foreach (ids, k, v) {
		const char *id = json_string_value(v);

		if (!id || !id[0] || strlen(id) >= STORE_ID_MAX ||
		    it->n_workloads == PROPOSE_WORKLOADS_MAX)
			continue;
		(void)snprintf(text, sizeof text, "%s%s%s",
			       has_node(id) ? "" : n->name,
			       has_node(id) ? "" : "/", id);
		it->workloads[it->n_workloads] =
			arena_text(&n->arena, text, strlen(text));
		if (!it->workloads[it->n_workloads++])
			return false;
	}
	return true;
}

/* Of i's last rule. -ENOMEM. */
static int keep(struct node *n, const struct intent *i, const json_t *one)
{
	const struct rule *r = &i->rules[i->n_rules - 1];
	const struct ref *from = &i->words[r->from[0]];
	const struct ref *to = &i->words[r->to[0]];
	const json_t *provenance = json_object_get(one, "provenance");
	struct item it = { .node = n }, *grown;

	if (!read_times(&it, provenance)) {
		n->dropped++;
		return 0;
	}
	it.what = (struct proposed){
		.from = arena_text(&n->arena, from->text, strlen(from->text)),
		.to = arena_text(&n->arena, to->text, strlen(to->text)),
		.from_kind = from->kind,
		.to_kind = to->kind,
		.app = r->n_apps ? r->apps[0] : 0,
	};
	if (r->n_ports)
		it.what.port = r->ports[0];
	grown = intent_grow(n->items, n->n, &n->room, sizeof *n->items);
	if (!grown)
		return -ENOMEM;
	n->items = grown;
	if (!it.what.from || !it.what.to || !read_workloads(n, &it, provenance))
		return -ENOMEM;
	n->items[n->n++] = it;
	return 0;
}

/* room: how many there may be. */
static int read_list(struct node *n, const json_t *list, size_t room)
{
	struct intent *i = NULL;
	const json_t *one;
	size_t k;
	int rc = 0;

	json_array_foreach (list, k, one) {
		if (k % AT_ONCE == 0) {
			intent_put(i);
			i = intent_new();
		}
		rc = i ? read_rule(i, json_object_get(one, "rule")) : -ENOMEM;
		if (rc == 0)
			n->dropped++;
		else if (rc > 0 && n->n >= room)
			n->refused++;
		else if (rc > 0)
			rc = keep(n, i, one);
		if (rc < 0)
			break;
	}
	intent_put(i);
	return rc < 0 ? rc : 0;
}

/* --- nodes ---------------------------------------------------------------- */

static struct node *add(struct intent_gather *g, const char *name,
			struct err *reterr)
{
	struct node *n;

	if (g->n_nodes == FLEET_NODES_MAX) {
		(void)err_set(reterr, ENOSPC, name, "more than %d nodes",
			      FLEET_NODES_MAX);
		return NULL;
	}
	n = calloc(1, sizeof *n);
	if (!n) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	(void)snprintf(n->name, sizeof n->name, "%s", name);
	g->nodes[g->n_nodes++] = n;
	return n;
}

static void forget(struct intent_gather *g, struct node **at)
{
	g->n_items -= (*at)->n;
	clear(*at);
	free(*at);
	*at = g->nodes[--g->n_nodes];
}

int intent_gather_take(struct intent_gather *g, const char *node,
		       const json_t *list, uint64_t untold, struct err *reterr)
{
	struct node **at = find(g, node), *n = at ? *at : NULL;
	size_t room;

	if (!list) {
		if (at)
			forget(g, at);
		return 0;
	}
	if (!n)
		n = add(g, node, reterr);
	if (!n)
		return -reterr->code;
	g->n_items -= n->n;
	clear(n);
	n->told = true;
	n->untold = untold;
	room = LEARNED_KEPT_MAX - g->n_items;
	if (read_list(n, list,
		      room < LEARNED_TOLD_MAX ? room : LEARNED_TOLD_MAX) < 0) {
		clear(n);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	g->n_items += n->n;
	return 0;
}

struct intent_gather_sums intent_gather_sums(const struct intent_gather *g)
{
	struct intent_gather_sums c = { 0 };

	for (size_t k = 0; k < g->n_nodes; k++) {
		const struct node *n = g->nodes[k];

		c.nodes += n->told;
		c.dropped += n->dropped;
		c.refused += n->refused;
		c.untold += n->untold;
	}
	return c;
}

/* --- putting together ------------------------------------------------------ */

struct merging {
	const struct item **at;
	size_t n;
	const struct node *own;
	struct settled settled;
	json_t *out; /* owned */
	size_t shown_others, left;
};

static int by_number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static bool is_range(const struct port_word *w)
{
	return !w->all && w->first != w->last;
}

/* Those of one key are equal, and of one port and a range that begins there not. */
static int by_key(const struct proposed *x, const struct proposed *y)
{
	int order = strcmp(x->from, y->from);

	order = order ? order : strcmp(x->to, y->to);
	order = order ? order : by_number(x->app, y->app);
	if (order || x->app)
		return order;
	order = by_number(x->port.proto, y->port.proto);
	order = order ? order
		      : by_number(is_range(&x->port), is_range(&y->port));
	if (order)
		return order;
	return is_range(&x->port)
		       ? by_number(x->port.first / 1024, y->port.first / 1024)
		       : by_number(x->port.first, y->port.first);
}

static const struct item *item_of(const void *p)
{
	return *(const struct item *const *)p;
}

/* ... and of one key by ports, then as nodes stand. */
static int by_all(const void *a, const void *b)
{
	const struct item *x = item_of(a), *y = item_of(b);
	int order = by_key(&x->what, &y->what);

	order = order ? order
		      : by_number(x->what.port.first, y->what.port.first);
	order = order ? order : by_number(x->what.port.last, y->what.port.last);
	return order ? order : strcmp(x->node->name, y->node->name);
}

static void collect(struct merging *m, const struct node *n, uint64_t since_s)
{
	for (size_t k = 0; k < n->n; k++)
		if (n->items[k].last_s >= since_s)
			m->at[m->n++] = &n->items[k];
}

/* Without what the policy decides already. */
static void drop_settled(struct merging *m)
{
	const struct item *before = NULL;
	bool has = false;
	size_t out = 0;

	for (size_t k = 0; k < m->n; k++) {
		const struct item *it = m->at[k];

		if (!before || by_key(&before->what, &it->what) != 0 ||
		    before->what.port.first != it->what.port.first ||
		    before->what.port.last != it->what.port.last)
			has = settled_has(&m->settled, &it->what);
		before = it;
		if (!has)
			m->at[out++] = it;
	}
	m->n = out;
}

/* The ports of at[0..n), which are sorted, as few ranges; returns how many. */
static size_t unite(const struct item *const *at, size_t n,
		    struct port_word ret[static LEARNED_RANGES_MAX])
{
	size_t out = 0;
	uint16_t last = 0; /* of all */

	for (size_t k = 0; k < n; k++) {
		const struct port_word *w = &at[k]->what.port;

		last = w->last > last ? w->last : last;
		if (out > 0 && w->first <= (uint32_t)ret[out - 1].last + 1) {
			if (w->last > ret[out - 1].last)
				ret[out - 1].last = w->last;
		} else if (out < LEARNED_RANGES_MAX) {
			ret[out++] = *w;
		} else {
			out = 1;
			ret[0].last = last;
		}
	}
	return out;
}

static json_t *rule_of(const struct item *const *at, size_t n)
{
	const struct proposed *p = &at[0]->what;
	struct port_word ports[LEARNED_RANGES_MAX];
	char text[PORT_WORD_MAX];
	json_t *r = json_pack("{s:[s], s:[s]}", "from", p->from, "to", p->to);
	json_t *words = json_array();
	size_t n_ports = p->app ? 0 : unite(at, n, ports);
	bool ok = words && r;

	if (p->app)
		ok &= json_array_append_new(words,
					    json_string(app_name(p->app))) == 0;
	for (size_t k = 0; k < n_ports; k++)
		ok &= json_array_append_new(words, json_string(port_word_format(
							   &ports[k], text))) ==
		      0;
	/* each fails where r or words is NULL */
	ok &= json_object_set_new(r, p->app ? "applications" : "ports",
				  words) == 0;
	ok &= json_object_set_new(r, "action", json_string("allow")) == 0;
	ok &= json_object_set_new(r, "origin", json_string("learned")) == 0;
	if (ok)
		return r;
	json_decref(r);
	return NULL;
}

static bool has_text(const json_t *list, const char *text)
{
	const json_t *v;
	size_t k;

	json_array_foreach (list, k, v)
		if (strcmp(json_string_value(v), text) == 0)
			return true;
	return false;
}

/* Ours without our own name, as everywhere else here. */
static bool add_workloads(const struct merging *m, const struct item *it,
			  json_t *ids, uint64_t *more)
{
	size_t len = strlen(m->own->name);

	*more += it->more_workloads;
	for (size_t k = 0; k < it->n_workloads; k++) {
		const char *id = it->workloads[k];

		if (strncmp(id, m->own->name, len) == 0 && id[len] == '/')
			id += len + 1;
		if (has_text(ids, id))
			continue;
		if (json_array_size(ids) == PROPOSE_WORKLOADS_MAX)
			++*more;
		else if (json_array_append_new(ids, json_string(id)) < 0)
			return false;
	}
	return true;
}

/* As many as an answer can say. */
static uint64_t sum(uint64_t a, uint64_t b)
{
	return b > INT64_MAX - a ? INT64_MAX : a + b;
}

/* Those of one node stand together no more when it has several ranges. */
static bool add_node(json_t *nodes, const struct item *it, uint64_t *more)
{
	json_t *one;
	size_t k;

	json_array_foreach (nodes, k, one) {
		json_t *sessions = json_object_get(one, "sessions");
		const char *name =
			json_string_value(json_object_get(one, "node"));

		if (strcmp(name, it->node->name) != 0)
			continue;
		return json_integer_set(
			       sessions,
			       (json_int_t)sum(
				       (uint64_t)json_integer_value(sessions),
				       it->sessions)) == 0;
	}
	if (json_array_size(nodes) < LEARNED_NODES_MAX)
		return json_array_append_new(
			       nodes, json_pack("{s:s, s:I}", "node",
						it->node->name, "sessions",
						(json_int_t)it->sessions)) == 0;
	++*more;
	return true;
}

static json_t *provenance_of(const struct merging *m,
			     const struct item *const *at, size_t n)
{
	uint64_t first = UINT64_MAX, last = 0, sessions = 0, more = 0,
		 more_nodes = 0;
	json_t *ids = json_array(), *nodes = json_array(), *o;
	bool ok = ids && nodes;

	for (size_t k = 0; k < n && ok; k++) {
		const struct item *it = at[k];

		first = it->first_s < first ? it->first_s : first;
		last = it->last_s > last ? it->last_s : last;
		sessions = sum(sessions, it->sessions);
		ok = add_workloads(m, it, ids, &more) &&
		     add_node(nodes, it, &more_nodes);
	}
	o = json_pack("{s:I, s:I, s:I, s:o, s:o}", "first_seen",
		      (json_int_t)first, "last_seen", (json_int_t)last,
		      "sessions", (json_int_t)sessions, "workloads", ids,
		      "nodes", nodes);
	if (more)
		ok &= json_object_set_new(o, "more_workloads",
					  json_integer((json_int_t)more)) == 0;
	if (more_nodes)
		ok &= json_object_set_new(
			      o, "more_nodes",
			      json_integer((json_int_t)more_nodes)) == 0;
	if (ok && o)
		return o;
	json_decref(o);
	return NULL;
}

static bool tell_one(struct merging *m, const struct item *const *at, size_t n)
{
	const struct proposed *p = &at[0]->what;
	json_t *key = proposal_key(p->from, p->to, p->app, &p->port);
	json_t *id = key ? intent_proposal_id(json_string_value(key)) : NULL;

	return json_array_append_new(m->out,
				     json_pack("{s:o, s:o, s:o, s:o}", "key",
					       key, "id", id, "rule",
					       rule_of(at, n), "provenance",
					       provenance_of(m, at, n))) == 0;
}

static bool tell(struct merging *m)
{
	bool ok = true;

	for (size_t k = 0, end; k < m->n && ok; k = end) {
		bool own = false;

		for (end = k; end < m->n &&
			      by_key(&m->at[k]->what, &m->at[end]->what) == 0;
		     end++)
			own |= m->at[end]->node == m->own;
		if (own || m->shown_others < LEARNED_SHOWN_MAX)
			ok = tell_one(m, &m->at[k], end - k);
		else
			m->left++;
		m->shown_others += !own;
	}
	return ok;
}

static bool merge(struct merging *m, const struct intent_gather *g,
		  uint64_t since_s)
{
	m->at = calloc(g->n_items + m->own->n + 1,
		       sizeof *m->at); /* NOLINT(bugprone-sizeof-expression) */
	m->out = json_array();
	if (!m->at || !m->out)
		return false;
	collect(m, m->own, 0);
	for (size_t k = 0; k < g->n_nodes; k++)
		if (strcmp(g->nodes[k]->name, m->own->name) != 0)
			collect(m, g->nodes[k], since_s);
	if (m->n)
		qsort(m->at, m->n,
		      sizeof *m->at, /* NOLINT(bugprone-sizeof-expression) */
		      by_all);
	drop_settled(m);
	return tell(m);
}

json_t *intent_gather_list(struct intent_gather *g, const char *node,
			   const json_t *own, const struct intent *i,
			   uint64_t now, uint64_t since_s, size_t *ret_left)
{
	struct node here = { 0 };
	struct merging m = { .own = &here };
	bool ok;

	(void)snprintf(here.name, sizeof here.name, "%s", node);
	ok = settled_init(&m.settled, i, now) &&
	     read_list(&here, own, SIZE_MAX) == 0 && merge(&m, g, since_s);
	clear(&here);
	settled_done(&m.settled);
	free(m.at);
	if (ok) {
		*ret_left = m.left;
		return m.out;
	}
	json_decref(m.out);
	return NULL;
}
