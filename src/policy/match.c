/*
 * A lookup. Addresses and the port become ranks (match_tree.h); from there on
 * all five dimensions are small numbers, in which a tree is walked: each node
 * cuts its region in equal parts along one dimension, and one subtraction and
 * one shift find the part. The list at the end holds all boxes that reach into
 * that part, by rising order, and the first one that contains the point and
 * counts is the answer. How trees are cut is told in match_build.c.
 *
 * Boxes with a wide range of peers ("any, port 53") have trees of their own,
 * because each of them would be copied into nearly every part of the others'.
 * The tree with the lower best order is asked first; the other one only if it
 * can beat the answer.
 *
 * A peer with names is looked up once by its address (name 0) and once by each
 * name; the lowest order wins.
 */
#include "policy/match.h"

#include <stdlib.h>

#include "policy/match_tree.h"

uint32_t ranks_find4(const struct ranks *r, uint32_t v)
{
	const uint32_t *at = r->v4;
	uint32_t step, n;

	if (r->steps == 0 || v < at[1])
		return 0;
	step = (v - at[1]) >> r->shift;
	if (step >= r->steps)
		return r->n - 1;
	at += r->starts[step];
	/* No branch: which half it is cannot be foretold. */
	for (n = r->starts[step + 1] - r->starts[step] + 1; n > 1;) {
		uint32_t half = n / 2;

		at += at[half] <= v ? half : 0;
		n -= half;
	}
	return (uint32_t)(at - r->v4);
}

static uint32_t ranks_find6(const struct ranks *r, unsigned __int128 v)
{
	const unsigned __int128 *at = r->v6;
	unsigned __int128 step;
	uint32_t n;

	if (r->steps == 0 || v < at[1])
		return 0;
	step = (v - at[1]) >> r->shift;
	if (step >= r->steps)
		return r->n - 1;
	at += r->starts[(size_t)step];
	for (n = r->starts[(size_t)step + 1] - r->starts[(size_t)step] + 1;
	     n > 1;) {
		uint32_t half = n / 2;

		at += at[half] <= v ? half : 0;
		n -= half;
	}
	return (uint32_t)(at - r->v6);
}

uint32_t ranks_find_ip(const struct ranks *r, struct ip_addr a)
{
	return r->v4 ? ranks_find4(r, ip_to_v4(a))
		     : ranks_find6(r, ip_to_u128(a));
}

static bool contains(const struct flat_box *b,
		     const uint32_t v[static MATCH_DIM__MAX],
		     uint8_t other_peers)
{
	return v[MATCH_PEER] - b->peer_first <= b->peer_last - b->peer_first &&
	       v[MATCH_OWN] - b->own_first <= b->own_last - b->own_first &&
	       v[MATCH_PORT] - b->port_first <=
		       (uint32_t)(b->port_last - b->port_first) &&
	       v[MATCH_PROTO] - b->proto_first <=
		       (uint32_t)(b->proto_last - b->proto_first) &&
	       v[MATCH_NAME] == b->name && b->peers != other_peers;
}

static const uint32_t *list_of(const struct match *m, uint32_t link,
			       const uint32_t v[static MATCH_DIM__MAX])
{
	while (!(link & LINK_LIST)) {
		const struct node *n = &m->nodes[link];

		link = m->links[n->child + ((v[n->dim] - n->base) >> n->shift)];
	}
	return &m->lists[link & ~LINK_LIST];
}

struct question {
	const struct match *m;
	uint32_t v[MATCH_DIM__MAX];
	uint8_t other_peers; /* enum match_peers: these do not count */
	bool (*counts)(const void *arg, uint32_t order);
	const void *arg;
};

/* The lowest order in one part that is below `best`; else best. */
static uint32_t ask_part(const struct question *q, const struct part *part,
			 uint32_t best)
{
	const uint32_t *list;

	if (part->best >= best)
		return best;
	list = list_of(q->m, part->root, q->v);
	for (uint32_t i = 1; i <= list[0]; i++) {
		const struct flat_box *b = &q->m->boxes[list[i]];

		if (b->order >= best)
			return best;
		if (contains(b, q->v, q->other_peers) &&
		    (!b->conditional || q->counts(q->arg, b->order)))
			return b->order;
	}
	return best;
}

uint32_t match_find(const struct match *m, const struct match_point *p,
		    bool (*counts)(const void *arg, uint32_t order),
		    const void *arg, uint16_t *ret_name)
{
	const struct part *narrow = &m->parts[PART_NARROW];
	const struct part *wide =
		&m->parts[p->peer_external ? PART_EXTERNAL : PART_INTERNAL];
	bool wide_first = wide->best < narrow->best;
	struct question q = {
		.m = m,
		.v = { [MATCH_PEER] = ranks_find_ip(&m->peers, p->peer),
		       [MATCH_OWN] = ranks_find_ip(&m->owns, p->own),
		       [MATCH_PORT] = ranks_find4(&m->ports, p->port),
		       [MATCH_PROTO] = p->proto },
		.other_peers = p->peer_external ? MATCH_PEERS_INTERNAL
						: MATCH_PEERS_EXTERNAL,
		.counts = counts,
		.arg = arg,
	};
	uint32_t best = MATCH_NONE, before;
	uint16_t name = 0;

	best = ask_part(&q, wide_first ? wide : narrow, best);
	best = ask_part(&q, wide_first ? narrow : wide, best);
	for (unsigned i = 0; i < p->n_names; i++) {
		if (p->names[i] == 0 || p->names[i] > m->names)
			continue;
		q.v[MATCH_NAME] = p->names[i];
		before = best;
		best = ask_part(&q, wide, best);
		if (best != before)
			name = p->names[i];
	}
	if (ret_name)
		*ret_name = name;
	return best;
}

static void ranks_free(struct ranks *r)
{
	free(r->v4);
	free(r->v6);
	free(r->starts);
}

void match_free(struct match *m)
{
	if (!m)
		return;
	ranks_free(&m->peers);
	ranks_free(&m->owns);
	ranks_free(&m->ports);
	free(m->boxes);
	free(m->nodes);
	free(m->links);
	free(m->lists);
	free(m);
}

static size_t ranks_bytes(const struct ranks *r)
{
	return r->n * (r->v4 ? sizeof *r->v4 : sizeof *r->v6) +
	       (r->starts ? (r->steps + 1) * sizeof *r->starts : 0);
}

size_t match_bytes(const struct match *m)
{
	return sizeof *m + ranks_bytes(&m->peers) + ranks_bytes(&m->owns) +
	       ranks_bytes(&m->ports) + m->n_boxes * sizeof *m->boxes +
	       m->n_nodes * sizeof *m->nodes + m->n_links * sizeof *m->links +
	       m->n_lists * sizeof *m->lists;
}

size_t match_longest(const struct match *m)
{
	return m->longest;
}
