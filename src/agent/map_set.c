/*
 * Nodes and edges lie in arrays, in the order in which they came, so an index is
 * good as long as the set is; nothing is ever taken out of one. Two tables find
 * them, open addressing, twice as large as they can become.
 */
#include "agent/map_set.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define NODE_TABLE (2UL * MAP_NODES_MAX)
#define EDGE_TABLE (2UL * MAP_EDGES_MAX)
_Static_assert((NODE_TABLE & (NODE_TABLE - 1)) == 0, "a mask");
_Static_assert((EDGE_TABLE & (EDGE_TABLE - 1)) == 0, "a mask");

bool map_set_init(struct map_set *s)
{
	*s = (struct map_set){
		.node_table = calloc(NODE_TABLE, sizeof *s->node_table),
		.edge_table = calloc(EDGE_TABLE, sizeof *s->edge_table),
	};
	if (s->node_table && s->edge_table)
		return true;
	map_set_done(s);
	return false;
}

static void node_done(struct map_node *n)
{
	free(n->id);
	free(n->name);
	free(n->namespace);
	free(n->service);
}

void map_set_done(struct map_set *s)
{
	for (size_t i = 0; i < s->n_nodes; i++)
		node_done(&s->nodes[i]);
	free(s->nodes);
	free(s->edges);
	free(s->node_table);
	free(s->edge_table);
	*s = (struct map_set){ .nodes = NULL };
}

/* --- nodes ------------------------------------------------------------------ */

static size_t node_slot(const struct map_set *s, const char *id)
{
	size_t at = XXH3_64bits(id, strlen(id)) & (NODE_TABLE - 1);

	while (s->node_table[at] &&
	       strcmp(s->nodes[s->node_table[at] - 1].id, id) != 0)
		at = (at + 1) & (NODE_TABLE - 1);
	return at;
}

uint32_t map_find_node(const struct map_set *s, const char *id)
{
	uint32_t n = s->node_table[node_slot(s, id)];

	return n ? n - 1 : MAP_NONE;
}

static void *grow(void *array, size_t n, size_t *room, size_t max, size_t each)
{
	size_t more = *room ? 2 * *room : 64;
	void *next;

	if (n < *room)
		return array;
	if (n >= max)
		return NULL;
	if (more > max)
		more = max;
	next = realloc(array, more * each);
	if (next)
		*room = more;
	return next;
}

static char *copy_text(const char *text)
{
	return strndup(text ? text : "", MAP_NAME_MAX - 1);
}

static uint32_t add_node(struct map_set *s, const struct map_node *n,
			 size_t slot)
{
	struct map_node *list = grow(s->nodes, s->n_nodes, &s->room_nodes,
				     MAP_NODES_MAX, sizeof *list);
	struct map_node *at;

	if (!list)
		return MAP_NONE;
	s->nodes = list;
	at = &list[s->n_nodes];
	*at = (struct map_node){ n->kind, copy_text(n->id), copy_text(n->name),
				 copy_text(n->namespace),
				 copy_text(n->service) };
	if (!at->id || !at->name || !at->namespace || !at->service) {
		node_done(at);
		return MAP_NONE;
	}
	s->n_others += n->kind != MAP_WORKLOAD;
	s->node_table[slot] = (uint32_t)++s->n_nodes;
	return (uint32_t)s->n_nodes - 1;
}

uint32_t map_node(struct map_set *s, const struct map_node *n)
{
	static const struct map_node outside = { MAP_OUTSIDE,
						 (char *)(uintptr_t) "outside",
						 (char *)(uintptr_t) "outside",
						 NULL, NULL };
	size_t slot = node_slot(s, n->id);

	/* the last place of the others is kept for it */
	if (!s->node_table[slot] && n->kind != MAP_WORKLOAD &&
	    s->n_others >= MAP_OTHERS_MAX - 1 &&
	    strcmp(n->id, outside.id) != 0) {
		s->left_out++;
		n = &outside;
		slot = node_slot(s, n->id);
	}
	return s->node_table[slot] ? s->node_table[slot] - 1
				   : add_node(s, n, slot);
}

/* --- edges ------------------------------------------------------------------- */

static size_t edge_slot(const struct map_set *s, uint32_t from, uint32_t to)
{
	uint64_t ends = (uint64_t)from << 32 | to;
	size_t at = XXH3_64bits(&ends, sizeof ends) & (EDGE_TABLE - 1);

	for (; s->edge_table[at]; at = (at + 1) & (EDGE_TABLE - 1)) {
		const struct map_edge *e = &s->edges[s->edge_table[at] - 1];

		if (e->from == from && e->to == to)
			break;
	}
	return at;
}

struct map_edge *map_find_edge(const struct map_set *s, uint32_t from,
			       uint32_t to)
{
	uint32_t n = s->edge_table[edge_slot(s, from, to)];

	return n ? &s->edges[n - 1] : NULL;
}

struct map_edge *map_edge(struct map_set *s, uint32_t from, uint32_t to)
{
	struct map_edge *list;
	size_t slot;

	if (from == MAP_NONE || to == MAP_NONE) {
		s->left_out++;
		return NULL;
	}
	slot = edge_slot(s, from, to);
	if (s->edge_table[slot])
		return &s->edges[s->edge_table[slot] - 1];
	list = grow(s->edges, s->n_edges, &s->room_edges, MAP_EDGES_MAX,
		    sizeof *list);
	if (!list) {
		s->left_out++;
		return NULL;
	}
	s->edges = list;
	list[s->n_edges] = (struct map_edge){ .from = from, .to = to };
	s->edge_table[slot] = (uint32_t)++s->n_edges;
	return &list[s->n_edges - 1];
}

/* --- what is said of one --------------------------------------------------------- */

static uint32_t sum32(uint32_t a, uint32_t b)
{
	return a + b < a ? UINT32_MAX : a + b;
}

void map_sums_add(struct map_sums *s, const struct map_sums *more)
{
	s->sessions = sum32(s->sessions, more->sessions);
	s->told = sum32(s->told, more->told);
	s->denied = sum32(s->denied, more->denied);
	s->threats = sum32(s->threats, more->threats);
	s->bytes = s->bytes + more->bytes < s->bytes ? UINT64_MAX
						     : s->bytes + more->bytes;
}

void map_edge_port(struct map_edge *e, uint8_t proto, uint16_t port,
		   uint32_t bucket)
{
	struct map_port *oldest = &e->ports[0];

	for (unsigned i = 0; i < e->n_ports; i++) {
		struct map_port *p = &e->ports[i];

		if (p->proto == proto && p->port == port) {
			if (p->bucket < bucket)
				p->bucket = bucket;
			return;
		}
		if (p->bucket < oldest->bucket)
			oldest = p;
	}
	if (e->n_ports < MAP_PORTS_MAX)
		oldest = &e->ports[e->n_ports++];
	*oldest = (struct map_port){ proto, port, bucket };
}

void map_edge_app(struct map_edge *e, uint16_t app, uint32_t bucket)
{
	struct map_app *oldest = &e->apps[0];

	if (!app)
		return;
	for (unsigned i = 0; i < e->n_apps; i++) {
		struct map_app *p = &e->apps[i];

		if (p->app == app) {
			if (p->bucket < bucket)
				p->bucket = bucket;
			return;
		}
		if (p->bucket < oldest->bucket)
			oldest = p;
	}
	if (e->n_apps < MAP_APPS_MAX)
		oldest = &e->apps[e->n_apps++];
	*oldest = (struct map_app){ app, bucket };
}

/* Does what `more` decided count more than, or as much as, what e has? */
static bool is_worse(const struct map_edge *e, const struct map_edge *more)
{
	if (!e->sums.denied != !more->sums.denied)
		return more->sums.denied;
	if (!e->sums.told != !more->sums.told)
		return more->sums.told;
	return more->last_s >= e->last_s;
}

void map_edge_add(struct map_edge *e, const struct map_edge *more)
{
	if (is_worse(e, more))
		e->rule = more->rule;
	map_sums_add(&e->sums, &more->sums);
	if (!e->first_s || (more->first_s && more->first_s < e->first_s))
		e->first_s = more->first_s;
	if (more->last_s > e->last_s)
		e->last_s = more->last_s;
	for (unsigned i = 0; i < more->n_ports; i++)
		map_edge_port(e, more->ports[i].proto, more->ports[i].port,
			      more->ports[i].bucket);
	for (unsigned i = 0; i < more->n_apps; i++)
		map_edge_app(e, more->apps[i].app, more->apps[i].bucket);
}

void map_set_add(struct map_set *s, const struct map_set *more)
{
	uint32_t *index = calloc(more->n_nodes + 1, sizeof *index);

	s->left_out += more->left_out;
	if (!index) {
		s->left_out += more->n_edges;
		return;
	}
	for (size_t i = 0; i < more->n_nodes; i++)
		index[i] = map_node(s, &more->nodes[i]);
	for (size_t i = 0; i < more->n_edges; i++) {
		const struct map_edge *from = &more->edges[i];
		struct map_edge *e =
			map_edge(s, index[from->from], index[from->to]);

		if (e)
			map_edge_add(e, from);
	}
	free(index);
}
