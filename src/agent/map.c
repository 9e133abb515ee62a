/*
 * The live map and its buckets.
 *
 * Live is a set of edges, and of each edge its sums by bucket of five minutes;
 * when the next one begins, the oldest is taken from the sums, and edges that have
 * nothing left go (the set is made anew: nothing is taken out of one).
 *
 * A bucket is written every MAP_WRITE_US and when it is over; then the longer
 * ones that are over, too, are made of it. That is done whole, of all that is in
 * one, so it may be done again: an agent that was killed does at its next start
 * what it did not come to. A clock that goes back further than the live map
 * reaches begins it anew; what is recorded then is added to what that time had,
 * but hours that are made already stay as they are.
 */
#include "agent/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/limits_store.h"
#include "base/log.h"

#define BUCKET_S 300u
#define DAY_S	 86400u

/* A bucket's length, and how long it is kept; 0: as long as flows. */
static const struct {
	uint32_t length_s, keep_s;
} levels[STORE_MAP_LEVELS] = {
	{ BUCKET_S, DAY_S + 7200 },
	{ 3600, 15 * DAY_S },
	{ DAY_S, 0 },
	{ 30 * DAY_S, 0 },
};

static uint64_t now_s(void)
{
	return clock_unix_us() / USEC_PER_SEC;
}

static bool is_nothing(const struct map_sums *s)
{
	return !s->sessions && !s->told && !s->denied && !s->threats &&
	       !s->bytes;
}

/* --- what went -------------------------------------------------------------------- */

static void remember_gone(struct map *m, const char *from, const char *to)
{
	struct map_gone *g = &m->gone[m->n_gone++ % MAP_GONE_MAX];

	if (g->changed)
		m->gone_forgotten = g->changed;
	free(g->from);
	free(g->to);
	*g = (struct map_gone){ ++m->changed, strdup(from),
				to ? strdup(to) : NULL };
	if (!g->from || (to && !g->to)) /* then all is told again */
		m->gone_forgotten = m->changed;
}

void map_workload_gone(struct agent *a, const char *id)
{
	/* else its node goes with its last edge */
	if (a->map && map_find_node(&a->map->live, id) == MAP_NONE)
		remember_gone(a->map, id, NULL);
}

/* --- the set, and what is beside it ---------------------------------------------- */

static bool make_room(struct map *m)
{
	struct map_live_edge *more;

	if (m->live.n_edges < m->room_more || m->live.n_edges >= MAP_EDGES_MAX)
		return true;
	more = realloc(m->more, (m->room_more + 512) * sizeof *more);
	if (!more)
		return false;
	m->more = more;
	m->room_more += 512;
	return true;
}

/* The live edge; NULL: no room, counted. */
static struct map_edge *live_edge(struct map *m, uint32_t from, uint32_t to,
				  struct map_live_edge **ret)
{
	size_t before = m->live.n_edges;
	struct map_edge *e;

	if (!make_room(m)) {
		m->live.left_out++;
		return NULL;
	}
	e = map_edge(&m->live, from, to);
	if (!e)
		return NULL;
	*ret = &m->more[e - m->live.edges];
	if (m->live.n_edges > before)
		**ret = (struct map_live_edge){ .changed = 0 };
	return e;
}

static void sum_slots(const struct map_live_edge *more, struct map_sums *ret)
{
	*ret = (struct map_sums){ .bytes = 0 };
	for (unsigned i = 0; i < MAP_SLOTS; i++)
		map_sums_add(ret, &more->slots[i]);
}

/* Ports and applications that were seen since then. */
static void keep_since(struct map_edge *e, uint32_t bucket)
{
	unsigned n = 0;

	for (unsigned i = 0; i < e->n_ports; i++)
		if (e->ports[i].bucket >= bucket)
			e->ports[n++] = e->ports[i];
	e->n_ports = (uint8_t)n;
	n = 0;
	for (unsigned i = 0; i < e->n_apps; i++)
		if (e->apps[i].bucket >= bucket)
			e->apps[n++] = e->apps[i];
	e->n_apps = (uint8_t)n;
}

/* --- writing --------------------------------------------------------------------- */

/* Of the live map, what is in that bucket. */
static bool one_bucket(const struct map *m, uint32_t bucket,
		       struct map_set *ret)
{
	unsigned slot = bucket % MAP_SLOTS;

	if (!map_set_init(ret))
		return false;
	ret->left_out = bucket == m->bucket ? m->live.left_out
					    : m->left_out[slot];
	for (size_t i = 0; i < m->live.n_edges; i++) {
		const struct map_edge *from = &m->live.edges[i];
		const struct map_live_edge *more = &m->more[i];
		struct map_edge copy = *from, *e;

		if (is_nothing(&more->slots[slot]))
			continue;
		e = map_edge(ret, map_node(ret, &m->live.nodes[from->from]),
			     map_node(ret, &m->live.nodes[from->to]));
		if (!e)
			continue;
		copy.sums = more->slots[slot];
		copy.first_s = more->bucket_first_s;
		keep_since(&copy, bucket);
		map_edge_add(e, &copy);
	}
	return true;
}

static int write_set(struct agent *a, unsigned level, uint64_t end_s,
		     const struct map_set *s)
{
	uint8_t *bytes = NULL;
	size_t n = 0;
	int rc;

	if (!map_set_write(s, &bytes, &n))
		return -ENOMEM;
	rc = store_put_map(a->store, level, end_s, bytes, n, NULL);
	free(bytes);
	return rc;
}

static int write_bucket(struct agent *a)
{
	struct map *m = a->map;
	struct map_set one;
	int rc = 0;

	if (!m->dirty)
		return 0;
	if (!one_bucket(m, m->bucket, &one))
		return -ENOMEM;
	if (one.n_edges || one.left_out)
		rc = write_set(a, 0, ((uint64_t)m->bucket + 1) * BUCKET_S,
			       &one);
	map_set_done(&one);
	if (rc == 0)
		m->dirty = false;
	return rc;
}

/* --- longer buckets ------------------------------------------------------------------ */

struct reading {
	struct map_set *set;
	unsigned n;
	uint64_t first_end_s, last_end_s;
	unsigned damaged;
};

static int read_one(uint64_t end_s, const void *bytes, size_t n, void *arg)
{
	struct reading *r = arg;

	if (++r->n > MAP_READ_MAX)
		return -E2BIG;
	if (!map_set_read(r->set, bytes, n, (uint32_t)(end_s / BUCKET_S)))
		r->damaged++;
	return 0;
}

/* Makes the bucket of that level that ends then of those of the level below. */
static int roll_one(struct agent *a, unsigned level, uint64_t end_s)
{
	struct map_set set;
	struct reading r = { .set = &set };
	int rc;

	if (!map_set_init(&set))
		return -ENOMEM;
	rc = store_each_map(a->store, level - 1, end_s - levels[level].length_s,
			    end_s, read_one, &r, NULL);
	if (r.damaged)
		log_warn("map: %u buckets of the store are damaged, ignoring",
			 r.damaged);
	if (rc == 0)
		rc = write_set(a, level, end_s, &set);
	map_set_done(&set);
	return rc;
}

/* All of that level that are over and not made yet. */
static int roll(struct agent *a, unsigned level, uint64_t now)
{
	struct map *m = a->map;
	uint64_t length = levels[level].length_s;
	uint64_t over = now / length * length;
	int rc = 0;

	while (rc == 0 && m->rolled_s[level] < over) {
		uint64_t first = 0, end_s;

		rc = store_next_map(a->store, level - 1, m->rolled_s[level],
				    over, &first, NULL);
		if (rc < 0 || first == 0)
			break;
		end_s = (first + length - 1) / length * length;
		rc = roll_one(a, level, end_s);
		if (rc == 0)
			m->rolled_s[level] = end_s;
	}
	if (rc == 0)
		m->rolled_s[level] = over;
	return rc;
}

static void roll_all(struct agent *a, uint64_t now)
{
	int rc = 0;

	/* each is made of the one before; what fails is done next time */
	for (unsigned level = 1; level < STORE_MAP_LEVELS && rc == 0; level++)
		rc = roll(a, level, now);
	for (unsigned level = 0; level < STORE_MAP_LEVELS && rc == 0; level++)
		if (levels[level].keep_s && now > levels[level].keep_s)
			rc = store_forget_map(a->store, level,
					      now - levels[level].keep_s, NULL);
}

/* --- time goes on ------------------------------------------------------------------- */

/* All but its ends. */
static void copy_edge(struct map_edge *e, const struct map_edge *from)
{
	uint32_t a = e->from, b = e->to;

	*e = *from;
	e->from = a;
	e->to = b;
}

/* The live map without what is before `oldest`. */
static void age(struct map *m, uint32_t oldest)
{
	struct map_set next;
	struct map_live_edge *more = calloc(m->live.n_edges + 1, sizeof *more);

	if (!more || !map_set_init(&next)) { /* then a while longer */
		free(more);
		return;
	}
	for (size_t i = 0; i < m->live.n_edges; i++) {
		const struct map_edge *from = &m->live.edges[i];
		const struct map_node *nodes = m->live.nodes;
		struct map_sums sums;
		struct map_edge *e;

		sum_slots(&m->more[i], &sums);
		if (is_nothing(&sums)) {
			remember_gone(m, nodes[from->from].id,
				      nodes[from->to].id);
			continue;
		}
		e = map_edge(&next, map_node(&next, &nodes[from->from]),
			     map_node(&next, &nodes[from->to]));
		if (!e)
			continue;
		more[e - next.edges] = m->more[i];
		if (memcmp(&sums, &from->sums, sizeof sums) != 0)
			more[e - next.edges].changed = ++m->changed;
		copy_edge(e, from);
		e->sums = sums;
		keep_since(e, oldest);
	}
	for (size_t i = 0; i < m->live.n_nodes; i++)
		if (map_find_node(&next, m->live.nodes[i].id) == MAP_NONE)
			remember_gone(m, m->live.nodes[i].id, NULL);
	map_set_done(&m->live);
	free(m->more);
	m->live = next;
	m->more = more;
	m->room_more = next.n_edges + 1;
}

static void load(struct agent *a, uint64_t now);

static void forget_all(struct map *m)
{
	struct map_set next;

	if (!map_set_init(&next)) /* then it is added to what is there */
		return;
	map_set_done(&m->live);
	m->live = next;
	memset(m->left_out, 0, sizeof m->left_out);
	m->gone_forgotten = ++m->changed;
}

void map_tick(struct agent *a)
{
	struct map *m = a->map;
	uint64_t now = now_s();
	uint32_t bucket = (uint32_t)(now / BUCKET_S);

	if (bucket == m->bucket ||
	    (bucket < m->bucket && m->bucket - bucket < MAP_SLOTS))
		return;
	if (write_bucket(a) < 0)
		m->lost++;
	m->dirty = false;
	if (bucket < m->bucket) {
		forget_all(m);
		load(a, now);
		return;
	}
	m->left_out[m->bucket % MAP_SLOTS] = m->live.left_out;
	for (unsigned n = 0; m->bucket < bucket; m->bucket++) {
		unsigned slot = (m->bucket + 1) % MAP_SLOTS;

		if (n++ >= MAP_SLOTS) {
			m->bucket = bucket;
			break;
		}
		m->left_out[slot] = 0;
		for (size_t i = 0; i < m->live.n_edges; i++)
			m->more[i].slots[slot] =
				(struct map_sums){ .bytes = 0 };
	}
	age(m, bucket < MAP_SLOTS ? 0 : bucket - MAP_SLOTS + 1);
	roll_all(a, now);
}

static void write_now(void *arg)
{
	struct agent *a = arg;

	map_tick(a);
	if (write_bucket(a) < 0) /* the store's state tells of it */
		loop_timer_need(a->loop, &a->map->write, MAP_WRITE_US);
}

static void changed(struct agent *a, struct map_live_edge *more)
{
	more->changed = ++a->map->changed;
	a->map->dirty = true;
	loop_timer_need(a->loop, &a->map->write, MAP_WRITE_US);
}

/* --- who it is ------------------------------------------------------------------------ */

static bool is_local(struct ip_addr addr)
{
	static const struct {
		uint32_t net;
		unsigned bits;
	} v4[] = { { 0x0a000000, 8 },  { 0xac100000, 12 }, { 0xc0a80000, 16 },
		   { 0x64400000, 10 }, { 0xa9fe0000, 16 }, { 0x7f000000, 8 } };

	if (ip_is_multicast(addr) || ip_is_any(addr))
		return true;
	if (!ip_is_v4(addr))
		return ip_is_loopback(addr) || ip_is_link_local(addr) ||
		       (addr.b[0] & 0xfe) == 0xfc;
	for (size_t i = 0; i < sizeof v4 / sizeof *v4; i++)
		if (ip_to_v4(addr) >> (32 - v4[i].bits) ==
		    v4[i].net >> (32 - v4[i].bits))
			return true;
	return false;
}

static bool is_nodes(const struct agent *a, struct ip_addr addr)
{
	for (size_t i = 0; i < a->n_node_addrs; i++)
		if (ip_equal(a->node_addrs[i], addr))
			return true;
	return false;
}

/* The written group of addresses that has it; "" none. Borrowed for a moment. */
static const char *group_of(struct agent *a, struct ip_addr addr)
{
	struct map_place *p =
		&a->map->places[XXH3_64bits(addr.b, sizeof addr.b) &
				(MAP_PLACES - 1)];
	/* a revision of 0 is an intent that was never stored */
	uint64_t revision = a->intent_revision + 1;
	const char *name;

	if (p->revision == revision && ip_equal(p->addr, addr))
		return p->group;
	name = a->intent ? intent_group_of_address(a->intent, addr) : NULL;
	*p = (struct map_place){ .addr = addr, .revision = revision };
	(void)snprintf(p->group, sizeof p->group, "%s", name ? name : "");
	return p->group;
}

static uint32_t other_node(struct agent *a, struct ip_addr addr,
			   const char *dns_name)
{
	char id[MAP_NAME_MAX], address[IP_TEXT_MAX];
	const char *group = group_of(a, addr);
	struct map_node n = { .id = id, .kind = MAP_OUTSIDE };

	(void)ip_format(addr, address);
	if (is_nodes(a, addr)) {
		(void)snprintf(id, sizeof id, "addr:%s", address);
		n.kind = MAP_ADDRESS;
		n.name = a->config.node;
	} else if (dns_name && dns_name[0]) {
		(void)snprintf(id, sizeof id, "name:%s", dns_name);
		n.name = id + strlen("name:");
	} else if (group[0]) {
		(void)snprintf(id, sizeof id, "group:%s", group);
		n.name = id + strlen("group:");
	} else if (is_local(addr)) {
		(void)snprintf(id, sizeof id, "addr:%s", address);
		n.kind = MAP_ADDRESS;
		n.name = address;
	} else {
		(void)snprintf(id, sizeof id, "outside");
		n.name = id;
	}
	return map_node(&a->map->live, &n);
}

static uint32_t node_of(struct agent *a, const struct workload *w,
			struct ip_addr addr, const char *dns_name)
{
	char id[WORKLOAD_ID_MAX], name[WORKLOAD_TEXT_MAX];
	struct map_node n = { .kind = MAP_WORKLOAD, .id = id, .name = name };
	uint32_t at;

	if (!w)
		return other_node(a, addr, dns_name);
	at = map_find_node(&a->map->live, w->id);
	if (at != MAP_NONE)
		return at;
	(void)snprintf(id, sizeof id, "%s", w->id);
	(void)snprintf(name, sizeof name, "%s", workload_name(w));
	n.namespace = (char *)(uintptr_t)workload_text(w, "namespace");
	n.service = (char *)(uintptr_t)workload_text(w, "service");
	return map_node(&a->map->live, &n);
}

/* --- what is seen ------------------------------------------------------------------------ */

/* Adds it to the open bucket, and to the sums. */
static void add(struct agent *a, struct map_edge *e, struct map_live_edge *more,
		const struct map_sums *sums, uint64_t first_s, uint64_t last_s)
{
	struct map_sums *slot = &more->slots[a->map->bucket % MAP_SLOTS];

	if (is_nothing(slot) || first_s < more->bucket_first_s)
		more->bucket_first_s = first_s;
	if (!e->first_s || first_s < e->first_s)
		e->first_s = first_s;
	if (last_s > e->last_s)
		e->last_s = last_s;
	map_sums_add(slot, sums);
	map_sums_add(&e->sums, sums);
	changed(a, more);
}

void map_flow(struct agent *a, const struct store_flow *f,
	      const struct workload *client, const struct workload *server,
	      bool blocked)
{
	struct map *m = a->map;
	struct map_sums sums = { .sessions = f->sessions,
				 .told = blocked ? 0 : f->violations,
				 .denied = blocked ? f->violations : 0,
				 .bytes = f->bytes };
	struct map_live_edge *more;
	struct map_edge *e;
	uint32_t from, to;

	if (!m || is_nothing(&sums))
		return;
	map_tick(a);
	from = node_of(a, client, f->client_addr, NULL);
	to = node_of(a, server, f->server_addr, f->name);
	e = live_edge(m, from, to, &more);
	if (!e)
		return;
	if (sums.denied || (!e->sums.denied && (sums.told || !e->sums.told)))
		e->rule = f->rule_id;
	map_edge_port(e, f->proto, f->port, m->bucket);
	map_edge_app(e, f->app, m->bucket);
	add(a, e, more, &sums, f->first_s, f->last_s);
}

void map_threat(struct agent *a, const struct workload *client,
		struct ip_addr client_addr, const struct workload *server,
		struct ip_addr server_addr)
{
	static const struct map_sums one = { .threats = 1 };
	struct map_live_edge *more;
	uint32_t from, to;
	struct map_edge *e;
	uint64_t now;

	if (!a->map)
		return;
	map_tick(a);
	from = node_of(a, client, client_addr, NULL);
	to = node_of(a, server, server_addr, NULL);
	if (from == MAP_NONE || to == MAP_NONE)
		return;
	/* a threat may be in what is answered */
	if (!map_find_edge(&a->map->live, from, to) &&
	    map_find_edge(&a->map->live, to, from)) {
		uint32_t swap = from;

		from = to;
		to = swap;
	}
	e = live_edge(a->map, from, to, &more);
	now = now_s();
	if (e)
		add(a, e, more, &one, now, now);
}

/* --- history ----------------------------------------------------------------------------- */

static bool is_kept(unsigned level, uint64_t at, uint64_t now)
{
	return !levels[level].keep_s || at + levels[level].keep_s > now;
}

/* The longest bucket that begins then and is made; else the one it is in. */
static unsigned level_at(const struct map *m, uint64_t at, uint64_t until,
			 uint64_t now)
{
	for (unsigned l = STORE_MAP_LEVELS - 1; l > 0; l--)
		if (is_kept(l, at, now) && at % levels[l].length_s == 0 &&
		    at + levels[l].length_s <= until &&
		    at + levels[l].length_s <= m->rolled_s[l])
			return l;
	for (unsigned l = 0; l + 1 < STORE_MAP_LEVELS; l++)
		if (is_kept(l, at, now) ||
		    at / levels[l + 1].length_s * levels[l + 1].length_s +
				    levels[l + 1].length_s >
			    m->rolled_s[l + 1])
			return l;
	return STORE_MAP_LEVELS - 1;
}

/* So much of it is one query: buckets of one level that follow each other. */
static uint64_t end_of_run(const struct map *m, uint64_t at, uint64_t until,
			   uint64_t now, unsigned level)
{
	do
		at = at / levels[level].length_s * levels[level].length_s +
		     levels[level].length_s;
	while (at < until && level_at(m, at, until, now) == level);
	return at;
}

int map_history(struct agent *a, uint64_t *since_s, uint64_t *until_s,
		struct map_set *ret, struct err *reterr)
{
	struct map *m = a->map;
	struct reading r = { .set = ret };
	uint64_t now = now_s(), first = 0, last = 0, at;
	uint64_t until = (*until_s + BUCKET_S - 1) / BUCKET_S * BUCKET_S;
	int rc = map_recorded(a, &first, &last, reterr);

	at = (*since_s > first ? *since_s : first) / BUCKET_S * BUCKET_S;
	if (until > (uint64_t)m->bucket * BUCKET_S)
		until = (uint64_t)m->bucket * BUCKET_S;
	*since_s = at;
	while (rc == 0 && first && at < until) {
		unsigned level = level_at(m, at, until, now);
		uint64_t end = end_of_run(m, at, until, now, level);
		uint64_t begin =
			at / levels[level].length_s * levels[level].length_s;

		if (begin < *since_s)
			*since_s = begin;
		rc = store_each_map(a->store, level, begin, end, read_one, &r,
				    reterr);
		at = end;
	}
	if (rc == -E2BIG)
		return err_set(reterr, E2BIG, "since",
			       "is too long ago for one answer");
	if (rc < 0)
		return rc;
	if (r.damaged)
		log_warn("map: %u buckets of the store are damaged, ignoring",
			 r.damaged);
	if (*until_s > (uint64_t)m->bucket * BUCKET_S) { /* the open one */
		struct map_set one;

		if (!one_bucket(m, m->bucket, &one))
			return err_set(reterr, ENOMEM, NULL, "out of memory");
		map_set_add(ret, &one);
		map_set_done(&one);
	}
	*until_s = at > *until_s ? at : *until_s;
	return 0;
}

int map_recorded(struct agent *a, uint64_t *ret_first, uint64_t *ret_last,
		 struct err *reterr)
{
	uint64_t first = 0, open = (uint64_t)a->map->bucket * BUCKET_S;
	int rc = 0;

	for (unsigned l = 0; l < STORE_MAP_LEVELS && rc == 0; l++) {
		uint64_t end = 0;

		rc = store_next_map(a->store, l, 0, UINT32_MAX, &end, reterr);
		if (rc == 0 && end &&
		    (!first || end - levels[l].length_s < first))
			first = end - levels[l].length_s;
	}
	if (rc < 0)
		return rc;
	if (!first && a->map->live.n_edges)
		first = open;
	*ret_first = first;
	*ret_last = first ? now_s() : 0;
	return 0;
}

/* --- start and end ------------------------------------------------------------------------- */

/* A bucket of the last hour, back into the live map. */
static int load_one(uint64_t end_s, const void *bytes, size_t n, void *arg)
{
	struct agent *a = arg;
	struct map *m = a->map;
	uint32_t bucket = (uint32_t)(end_s / BUCKET_S) - 1;
	struct map_set one;

	if (!map_set_init(&one))
		return -ENOMEM;
	if (!map_set_read(&one, bytes, n, bucket))
		log_warn("map: a bucket of the store is damaged, ignoring");
	for (size_t i = 0; i < one.n_edges; i++) {
		const struct map_edge *from = &one.edges[i];
		struct map_live_edge *more;
		struct map_edge *e = live_edge(
			m, map_node(&m->live, &one.nodes[from->from]),
			map_node(&m->live, &one.nodes[from->to]), &more);

		if (!e)
			continue;
		map_edge_add(e, from);
		more->slots[bucket % MAP_SLOTS] = from->sums;
		more->bucket_first_s = from->first_s;
		more->changed = m->changed;
	}
	if (bucket == m->bucket)
		m->live.left_out = one.left_out;
	else
		m->left_out[bucket % MAP_SLOTS] = one.left_out;
	map_set_done(&one);
	return 0;
}

static void load(struct agent *a, uint64_t now)
{
	struct map *m = a->map;
	uint64_t oldest;

	m->bucket = (uint32_t)(now / BUCKET_S);
	oldest = m->bucket < MAP_SLOTS
			 ? 0
			 : (uint64_t)(m->bucket - MAP_SLOTS + 1) * BUCKET_S;
	/* what cannot be read is not in it; the store's state says why */
	(void)store_each_map(a->store, 0, oldest,
			     ((uint64_t)m->bucket + 1) * BUCKET_S, load_one, a,
			     NULL);
}

/* Up to where each level was made: its last bucket. */
static void find_rolled(struct agent *a, uint64_t now)
{
	for (unsigned level = 1; level < STORE_MAP_LEVELS; level++) {
		uint64_t length = levels[level].length_s;
		uint64_t end = now / length * length, last = 0;

		while (store_next_map(a->store, level, last, end, &last,
				      NULL) == 0 &&
		       last) {
			a->map->rolled_s[level] = last;
		}
	}
}

int map_start(struct agent *a, struct err *reterr)
{
	struct map *m = calloc(1, sizeof *m);
	uint64_t now = now_s();

	a->map = m;
	if (!m || !map_set_init(&m->live))
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	m->write = (struct loop_timer){ .fn = write_now, .arg = a };
	m->changed = m->changed_first = clock_unix_us();
	m->gone_forgotten = m->changed_first;
	find_rolled(a, now);
	load(a, now);
	roll_all(a, now);
	return 0;
}

void map_stop(struct agent *a)
{
	struct map *m = a->map;

	if (!m)
		return;
	if (write_bucket(a) < 0)
		m->lost++;
	loop_timer_off(a->loop, &m->write);
	for (size_t i = 0; i < MAP_GONE_MAX; i++) {
		free(m->gone[i].from);
		free(m->gone[i].to);
	}
	map_set_done(&m->live);
	free(m->more);
	free(m);
	a->map = NULL;
}

uint64_t map_lost(const struct agent *a)
{
	return a->map ? a->map->lost : 0;
}
