/*
 * Building an index of boxes. Regions are cut, breadth first, until few boxes
 * reach into each:
 *
 *   take a region and the list of boxes that reach into it
 *   forget what comes behind a box that covers the region whole and always
 *     counts: nothing behind it can be an answer there
 *   at most MATCH_LIST_GOAL left: it is a list
 *   else cut along the dimension that separates best: the one after which a
 *     box shares its part with the fewest others on average
 *
 * A box that reaches into several parts is in the list of each. That is what
 * costs memory, so it is bounded twice: a cut may at most double the sum of
 * long lists (a coarser cut is tried first; of short lists more is allowed,
 * since most copies are forgotten again), and once all lists and links together
 * have met their budget nothing is cut any more. Lists are longer then, never
 * wrong.
 *
 * Ranks (match_tree.h) make equal parts hold about equally many borders,
 * however addresses and ports are spread. Protocols and names are used as they
 * are. In the end boxes are laid down in the order of the lists, so that those
 * of one list share cache lines.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "policy/match.h"
#include "policy/match_tree.h"

/* A box has at most two borders in one dimension, and one is the lowest. */
#define BORDERS(n) (2 * (n) + 1)

/* Peers are wide when they are more than this share of all ranks. */
#define WIDE_SHARE 16

/* Of so few boxes a cut may make more copies, see cut_along(). */
#define FEW 512

struct range {
	uint32_t first, last;
};

/* A box in ranks, dimension by dimension. */
struct cut_box {
	struct range dim[MATCH_DIM__MAX];
	uint32_t order;
	bool always; /* counts whenever it contains the point */
	bool wide;
	uint8_t peers; /* enum match_peers */
};

/* A region that is still to be cut, and which boxes reach into it. */
struct task {
	uint32_t link_index; /* where the link to what it becomes belongs */
	uint32_t *list, n;   /* owned */
	struct range region[MATCH_DIM__MAX];
};

struct vec {
	uint32_t *v;
	size_t n, room;
};

struct build {
	struct match *m;
	struct cut_box *boxes;
	uint32_t *counts; /* scratch: fanout_max(n) + 1 */
	struct task *tasks;
	size_t n_tasks, room_tasks, next_task;
	struct vec lists, links;
	struct node *nodes;
	size_t n_nodes, room_nodes;
	size_t spent, budget; /* list places and links */
	bool failed;	      /* out of memory */
};

/* --- ranks ------------------------------------------------------------ */

static int order4(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int order6(const void *a, const void *b)
{
	unsigned __int128 x = *(const unsigned __int128 *)a;
	unsigned __int128 y = *(const unsigned __int128 *)b;

	return (x > y) - (x < y);
}

enum end { END_PEER, END_OWN, END_PORT };

static struct ip_addr first_of(const struct match_box *b, enum end e)
{
	return e == END_OWN ? b->own_first : b->peer_first;
}

static struct ip_addr last_of(const struct match_box *b, enum end e)
{
	return e == END_OWN ? b->own_last : b->peer_last;
}

static uint32_t first4(const struct match_box *b, enum end e)
{
	return e == END_PORT ? b->port_first : ip_to_v4(first_of(b, e));
}

static uint32_t last4(const struct match_box *b, enum end e)
{
	return e == END_PORT ? b->port_last : ip_to_v4(last_of(b, e));
}

static bool make_borders4(struct ranks *r, const struct match_box *boxes,
			  size_t n, enum end e)
{
	uint32_t *v = malloc(BORDERS(n) * sizeof *v), k = 0, out = 1;
	/* behind it nothing begins, or no box would cover a region to its end */
	uint32_t highest = e == END_PORT ? UINT16_MAX : UINT32_MAX;

	if (!v)
		return false;
	v[k++] = 0;
	for (size_t i = 0; i < n; i++) {
		v[k++] = first4(&boxes[i], e);
		if (last4(&boxes[i], e) != highest)
			v[k++] = last4(&boxes[i], e) + 1;
	}
	qsort(v, k, sizeof *v, order4);
	for (uint32_t i = 1; i < k; i++)
		if (v[i] != v[out - 1])
			v[out++] = v[i];
	*r = (struct ranks){ .v4 = v, .n = out };
	return true;
}

static bool make_borders6(struct ranks *r, const struct match_box *boxes,
			  size_t n, enum end e)
{
	unsigned __int128 *v = malloc(BORDERS(n) * sizeof *v);
	uint32_t k = 0, out = 1;

	if (!v)
		return false;
	v[k++] = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned __int128 last = ip_to_u128(last_of(&boxes[i], e));

		v[k++] = ip_to_u128(first_of(&boxes[i], e));
		if (last + 1 != 0)
			v[k++] = last + 1;
	}
	qsort(v, k, sizeof *v, order6);
	for (uint32_t i = 1; i < k; i++)
		if (v[i] != v[out - 1])
			v[out++] = v[i];
	*r = (struct ranks){ .v6 = v, .n = out };
	return true;
}

static unsigned __int128 border(const struct ranks *r, uint32_t i)
{
	return r->v4 ? r->v4[i] : r->v6[i];
}

/* About as many steps as borders. */
static bool make_starts(struct ranks *r)
{
	unsigned __int128 span;
	uint32_t rank = 1;

	if (r->n < 2)
		return true;
	span = border(r, r->n - 1) - border(r, 1);
	while (span >> r->shift >= r->n)
		r->shift++;
	r->steps = (uint32_t)(span >> r->shift) + 1;
	r->starts = malloc((r->steps + 1) * sizeof *r->starts);
	if (!r->starts)
		return false;
	for (uint32_t i = 0; i < r->steps; i++) {
		unsigned __int128 at = (unsigned __int128)i << r->shift;

		while (rank + 1 < r->n &&
		       border(r, rank + 1) - border(r, 1) <= at)
			rank++;
		r->starts[i] = rank;
	}
	r->starts[r->steps] = r->n - 1;
	return true;
}

static bool make_ranks(struct ranks *r, const struct match_box *boxes, size_t n,
		       enum end e, bool ipv6)
{
	bool ok = ipv6 && e != END_PORT ? make_borders6(r, boxes, n, e)
					: make_borders4(r, boxes, n, e);

	return ok && make_starts(r);
}

static struct range range_of(const struct ranks *r, const struct match_box *b,
			     enum end e)
{
	if (e == END_PORT)
		return (struct range){ ranks_find4(r, b->port_first),
				       ranks_find4(r, b->port_last) };
	return (struct range){ ranks_find_ip(r, first_of(b, e)),
			       ranks_find_ip(r, last_of(b, e)) };
}

/* --- growing memory --------------------------------------------------- */

/* Room for n more elements of that size; NULL: out of memory. */
static void *grow(void *v, size_t used, size_t n, size_t *room, size_t size)
{
	size_t want = *room ? *room : 64;
	void *grown;

	if (used + n <= *room)
		return v;
	while (want < used + n)
		want *= 2;
	grown = realloc(v, want * size);
	if (grown)
		*room = want;
	return grown;
}

/* n more places; the index of the first. */
static uint32_t vec_add(struct build *b, struct vec *v, size_t n)
{
	uint32_t *grown = grow(v->v, v->n, n, &v->room, sizeof *v->v);
	size_t at = v->n;

	if (!grown) {
		b->failed = true;
		return 0;
	}
	v->v = grown;
	v->n += n;
	return (uint32_t)at;
}

static void *shrink(void *v, size_t n, size_t size)
{
	void *smaller = realloc(v, (n ? n : 1) * size);

	return smaller ? smaller : v;
}

/* --- lists ------------------------------------------------------------ */

static uint32_t add_list(struct build *b, const uint32_t *list, uint32_t n)
{
	uint32_t at = vec_add(b, &b->lists, n + 1);

	if (b->failed)
		return LINK_LIST;
	b->lists.v[at] = n;
	if (n)
		memcpy(&b->lists.v[at + 1], list, n * sizeof *list);
	if (n > b->m->longest)
		b->m->longest = n;
	return LINK_LIST | at;
}

/* Parts that lie side by side often hold the same. */
static uint32_t same_or_new_list(struct build *b, uint32_t before,
				 const uint32_t *list, uint32_t n)
{
	const uint32_t *old;

	if (before & LINK_LIST && before != UINT32_MAX) {
		old = &b->lists.v[before & ~LINK_LIST];
		if (old[0] == n && memcmp(old + 1, list, n * sizeof *list) == 0)
			return before;
	}
	return add_list(b, list, n);
}

static bool covers(const struct cut_box *box, const struct range *region)
{
	for (int d = 0; d < MATCH_DIM__MAX; d++)
		if (box->dim[d].first > region[d].first ||
		    box->dim[d].last < region[d].last)
			return false;
	return box->always;
}

/* How many of the list can be an answer in that region. */
static uint32_t worth_keeping(const struct build *b, const uint32_t *list,
			      uint32_t n, const struct range *region)
{
	for (uint32_t i = 0; i < n; i++)
		if (covers(&b->boxes[list[i]], region))
			return i + 1;
	return n;
}

/* --- cuts ------------------------------------------------------------- */

struct cut {
	uint8_t dim, shift;
	uint32_t parts;
	size_t total; /* the sum of all parts' lists */
	double with;  /* boxes in the part that a box is in, on average */
};

static uint32_t part_of(const struct task *t, const struct cut *c, uint32_t v)
{
	return (v - t->region[c->dim].first) >> c->shift;
}

/* The parts that a box reaches into. */
static struct range parts_of(const struct task *t, const struct cut *c,
			     const struct cut_box *box)
{
	const struct range *region = &t->region[c->dim];
	struct range r = box->dim[c->dim];

	if (r.first < region->first)
		r.first = region->first;
	if (r.last > region->last)
		r.last = region->last;
	return (struct range){ part_of(t, c, r.first), part_of(t, c, r.last) };
}

/* The sum of all parts' lists; not the whole of it beyond `most`. */
static size_t total_of(const struct build *b, const struct task *t,
		       const struct cut *c, size_t most)
{
	size_t total = 0;

	for (uint32_t i = 0; i < t->n && total <= most; i++) {
		struct range r = parts_of(t, c, &b->boxes[t->list[i]]);

		total += r.last - r.first + 1;
	}
	return total;
}

/* Fills counts[0..parts-1]: how many boxes reach into each part. */
static void count_parts(struct build *b, const struct task *t,
			const struct cut *c)
{
	uint32_t n = 0;

	memset(b->counts, 0, (c->parts + 1) * sizeof *b->counts);
	for (uint32_t i = 0; i < t->n; i++) {
		struct range r = parts_of(t, c, &b->boxes[t->list[i]]);

		b->counts[r.first]++;
		b->counts[r.last + 1]--; /* may wrap, and wraps back below */
	}
	for (uint32_t i = 0; i < c->parts; i++) {
		n += b->counts[i];
		b->counts[i] = n;
	}
}

/* More parts than this would mostly be empty. */
static uint32_t fanout_max(uint32_t boxes)
{
	return 4 * boxes < MATCH_FANOUT_MAX ? 4 * boxes : MATCH_FANOUT_MAX;
}

/* The finest cut along one dimension that does not cost too much. */
static bool cut_along(struct build *b, const struct task *t, uint8_t dim,
		      struct cut *ret)
{
	uint32_t size = t->region[dim].last - t->region[dim].first;
	uint32_t most = fanout_max(t->n);
	size_t limit = (t->n <= FEW ? 8 : 2) * (size_t)t->n;
	struct cut c = { .dim = dim };
	double squares = 0;

	while (size >> c.shift >= most)
		c.shift++;
	for (;; c.shift++) {
		c.parts = (size >> c.shift) + 1;
		if (c.parts < 2)
			return false;
		c.total = total_of(b, t, &c, limit);
		if (c.total <= limit)
			break;
	}
	count_parts(b, t, &c);
	for (uint32_t i = 0; i < c.parts; i++)
		squares += (double)b->counts[i] * b->counts[i];
	c.with = squares / (double)c.total;
	*ret = c;
	return true;
}

/* false: none is worth it, or affordable. */
static bool choose_cut(struct build *b, const struct task *t, struct cut *ret)
{
	bool found = false;

	for (int d = 0; d < MATCH_DIM__MAX; d++) {
		struct cut c;

		if (!cut_along(b, t, (uint8_t)d, &c))
			continue;
		if (b->spent + c.total + c.parts > b->budget)
			continue;
		if (!found || c.with < ret->with)
			*ret = c;
		found = true;
	}
	/* Otherwise cuts would go on that separate next to nothing. */
	return found && ret->with < 0.9 * t->n;
}

/* Takes nothing of `list`; a copy goes with the task. */
static void add_task(struct build *b, const uint32_t *list, uint32_t n,
		     const struct range *region, uint32_t link_index)
{
	struct task *grown =
		grow(b->tasks, b->n_tasks, 1, &b->room_tasks, sizeof *b->tasks);
	uint32_t *copy = malloc((n + 1) * sizeof *copy);
	struct task *t;

	if (grown)
		b->tasks = grown;
	if (!grown || !copy) {
		free(copy);
		b->failed = true;
		return;
	}
	t = &b->tasks[b->n_tasks++];
	if (n)
		memcpy(copy, list, n * sizeof *copy);
	*t = (struct task){ .list = copy, .n = n, .link_index = link_index };
	memcpy(t->region, region, sizeof t->region);
}

/* The lists of all parts, one behind the other; counts[i] is the end of i's. */
static uint32_t *spread(struct build *b, const struct task *t,
			const struct cut *c)
{
	uint32_t *all = calloc(c->total, sizeof *all);
	uint32_t sum = 0;

	if (!all)
		return NULL;
	count_parts(b, t, c);
	for (uint32_t i = 0; i < c->parts; i++) {
		uint32_t n = b->counts[i];

		b->counts[i] = sum;
		sum += n;
	}
	for (uint32_t i = 0; i < t->n; i++) {
		struct range r = parts_of(t, c, &b->boxes[t->list[i]]);

		for (uint32_t p = r.first; p <= r.last; p++)
			all[b->counts[p]++] = t->list[i];
	}
	return all;
}

static struct range part_region(const struct task *t, const struct cut *c,
				uint32_t part)
{
	struct range r = t->region[c->dim];
	uint32_t first = r.first + (part << c->shift);
	uint32_t size = 1u << c->shift;

	if (r.last - first >= size)
		r.last = first + size - 1;
	r.first = first;
	return r;
}

/* Makes a node of the task; what is still too long becomes tasks. */
static uint32_t cut(struct build *b, const struct task *t, const struct cut *c)
{
	struct node *grown =
		grow(b->nodes, b->n_nodes, 1, &b->room_nodes, sizeof *b->nodes);
	uint32_t *all = spread(b, t, c), begin = 0, before = UINT32_MAX;
	uint32_t child = vec_add(b, &b->links, c->parts);
	struct range region[MATCH_DIM__MAX];

	b->nodes = grown ? grown : b->nodes;
	b->failed |= !grown || !all;
	memcpy(region, t->region, sizeof region);
	for (uint32_t i = 0; !b->failed && i < c->parts; i++) {
		uint32_t end = b->counts[i], n;

		region[c->dim] = part_region(t, c, i);
		n = worth_keeping(b, all + begin, end - begin, region);
		if (n <= MATCH_LIST_GOAL) {
			before = same_or_new_list(b, before, all + begin, n);
			b->links.v[child + i] = before;
		} else {
			add_task(b, all + begin, n, region, child + i);
			before = UINT32_MAX;
		}
		b->spent += n;
		begin = end;
	}
	free(all);
	if (b->failed)
		return LINK_LIST;
	b->spent += c->parts;
	b->nodes[b->n_nodes] = (struct node){ .base = t->region[c->dim].first,
					      .child = child,
					      .dim = c->dim,
					      .shift = c->shift };
	return (uint32_t)b->n_nodes++;
}

static uint32_t work_on(struct build *b, const struct task *t)
{
	struct cut c;

	if (t->n > MATCH_LIST_GOAL && choose_cut(b, t, &c)) {
		b->spent -= t->n; /* its parts take its place */
		return cut(b, t, &c);
	}
	return add_list(b, t->list, t->n);
}

/* --- the whole -------------------------------------------------------- */

static void fill_cut_box(struct cut_box *c, const struct match *m,
			 const struct match_box *box)
{
	struct range peers = range_of(&m->peers, box, END_PEER);
	bool wide = box->name > 0 ||
		    peers.last - peers.first > m->peers.n / WIDE_SHARE;

	*c = (struct cut_box){
		.dim = { [MATCH_PEER] = peers,
			 [MATCH_OWN] = range_of(&m->owns, box, END_OWN),
			 [MATCH_PORT] = range_of(&m->ports, box, END_PORT),
			 [MATCH_PROTO] = { box->proto_first, box->proto_last },
			 [MATCH_NAME] = { box->name, box->name } },
		.order = box->order,
		.wide = wide,
		/* in a tree for external peers all are external */
		.always = !box->conditional &&
			  (wide || box->peers == MATCH_PEERS_ALL),
		.peers = box->peers,
	};
}

static void fill_flat_box(struct flat_box *f, const struct cut_box *c,
			  const struct match_box *box)
{
	*f = (struct flat_box){
		.peer_first = c->dim[MATCH_PEER].first,
		.peer_last = c->dim[MATCH_PEER].last,
		.own_first = c->dim[MATCH_OWN].first,
		.own_last = c->dim[MATCH_OWN].last,
		.port_first = (uint16_t)c->dim[MATCH_PORT].first,
		.port_last = (uint16_t)c->dim[MATCH_PORT].last,
		.name = box->name,
		.proto_first = box->proto_first,
		.proto_last = box->proto_last,
		.peers = box->peers,
		.conditional = box->conditional,
		.order = box->order,
	};
}

static bool belongs(const struct cut_box *box, int part)
{
	if (part == PART_NARROW || !box->wide)
		return part == PART_NARROW && !box->wide;
	return box->peers != (part == PART_EXTERNAL ? MATCH_PEERS_INTERNAL
						    : MATCH_PEERS_EXTERNAL);
}

/* Everything that a part holds, as its first task. */
static void begin_part(struct build *b, int part, uint32_t *scratch)
{
	struct match *m = b->m;
	struct range region[MATCH_DIM__MAX] = {
		[MATCH_PEER] = { 0, m->peers.n - 1 },
		[MATCH_OWN] = { 0, m->owns.n - 1 },
		[MATCH_PORT] = { 0, m->ports.n - 1 },
		[MATCH_PROTO] = { 0, UINT8_MAX },
		[MATCH_NAME] = { 0, part == PART_NARROW ? 0 : m->names },
	};
	uint32_t n = 0, link = vec_add(b, &b->links, 1);

	m->parts[part].best = MATCH_NONE;
	for (uint32_t i = 0; i < m->n_boxes; i++)
		if (belongs(&b->boxes[i], part))
			scratch[n++] = i;
	if (n)
		m->parts[part].best = b->boxes[scratch[0]].order;
	add_task(b, scratch, n, region, link);
	b->spent += n;
}

static void build_trees(struct build *b)
{
	uint32_t *scratch = malloc((b->m->n_boxes + 1) * sizeof *scratch);

	b->failed |= !scratch;
	for (int p = 0; !b->failed && p < PART__MAX; p++)
		begin_part(b, p, scratch);
	free(scratch);
	while (!b->failed && b->next_task < b->n_tasks) {
		struct task t = b->tasks[b->next_task++];
		uint32_t link = work_on(b, &t);

		b->links.v[t.link_index] = link;
		free(t.list);
	}
	for (; b->next_task < b->n_tasks; b->next_task++)
		free(b->tasks[b->next_task].list);
	for (int p = 0; !b->failed && p < PART__MAX; p++)
		b->m->parts[p].root = b->links.v[p];
}

/* The place of a box: where it has been put, or the next one. */
static uint32_t place_of(const struct match *m, uint32_t box,
			 struct flat_box *placed, uint32_t *place,
			 uint32_t *next)
{
	if (place[box] == UINT32_MAX) {
		place[box] = *next;
		placed[(*next)++] = m->boxes[box];
	}
	return place[box];
}

/*
 * Moves boxes to `placed` in the order in which lists name them first, and
 * changes the lists accordingly; returns how many there are.
 */
static uint32_t move_boxes(struct build *b, struct flat_box *placed,
			   uint32_t *place)
{
	uint32_t *list = b->lists.v, *end = list + b->lists.n, next = 0;

	memset(place, 0xff, b->m->n_boxes * sizeof *place);
	for (; list < end; list += list[0] + 1)
		for (uint32_t i = 1; i <= list[0]; i++)
			list[i] = place_of(b->m, list[i], placed, place, &next);
	return next;
}

static void place_boxes(struct build *b)
{
	struct match *m = b->m;
	struct flat_box *placed = malloc((m->n_boxes + 1) * sizeof *placed);
	uint32_t *place = malloc((m->n_boxes + 1) * sizeof *place);

	if (placed && place) {
		uint32_t n = move_boxes(b, placed, place);

		free(m->boxes);
		m->boxes = shrink(placed, n, sizeof *placed);
		m->n_boxes = n;
	} else {
		free(placed);
		b->failed = true;
	}
	free(place);
}

static void hand_over(struct build *b)
{
	struct match *m = b->m;

	m->n_nodes = (uint32_t)b->n_nodes;
	m->nodes = shrink(b->nodes, b->n_nodes, sizeof *b->nodes);
	m->n_links = (uint32_t)b->links.n;
	m->links = shrink(b->links.v, b->links.n, sizeof *b->links.v);
	m->n_lists = (uint32_t)b->lists.n;
	m->lists = shrink(b->lists.v, b->lists.n, sizeof *b->lists.v);
}

/* All but the trees. */
static bool prepare(struct build *b, const struct match_box *boxes, size_t n)
{
	struct match *m = b->m;

	m->n_boxes = (uint32_t)n;
	m->boxes = calloc(n + 1, sizeof *m->boxes);
	b->boxes = calloc(n + 1, sizeof *b->boxes);
	b->counts = calloc(fanout_max((uint32_t)n) + 1, sizeof *b->counts);
	if (!m->boxes || !b->boxes || !b->counts ||
	    !make_ranks(&m->peers, boxes, n, END_PEER, m->ipv6) ||
	    !make_ranks(&m->owns, boxes, n, END_OWN, m->ipv6) ||
	    !make_ranks(&m->ports, boxes, n, END_PORT, m->ipv6))
		return false;
	for (size_t i = 0; i < n; i++) {
		BUG_ON(i > 0 && boxes[i].order < boxes[i - 1].order);
		fill_cut_box(&b->boxes[i], m, &boxes[i]);
		fill_flat_box(&m->boxes[i], &b->boxes[i], &boxes[i]);
		if (boxes[i].name > m->names)
			m->names = boxes[i].name;
	}
	return true;
}

struct match *match_new(const struct match_box *boxes, size_t n, bool ipv6)
{
	struct build b = { .budget = n * MATCH_COPIES_MAX + 1024 };

	BUG_ON(n > MATCH_BOXES_MAX);
	b.m = calloc(1, sizeof *b.m);
	if (!b.m)
		return NULL;
	b.m->ipv6 = ipv6;
	b.failed = !prepare(&b, boxes, n);
	if (!b.failed)
		build_trees(&b);
	if (!b.failed)
		place_boxes(&b);
	hand_over(&b);
	free(b.boxes);
	free(b.counts);
	free(b.tasks);
	if (!b.failed)
		return b.m;
	match_free(b.m);
	return NULL;
}
