/*
 * A set of edges as a bucket of the store has it:
 *
 *   version 1
 *   left_out  n_nodes  { kind id name namespace service } ...
 *   n_edges   { from to sessions told denied threats bytes rule first last-first
 *               n_ports { proto port } ... n_apps { app } ... } ...
 *
 * Numbers are groups of seven bits, the lowest first, the eighth bit says that
 * there are more; a text is its length and its bytes. What a disk did to it is
 * found out before it is believed: counts are bounded, and so are indexes.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/map_set.h"
#include "base/bytes.h"
#include "base/text.h"

#define VERSION 1

/* --- writing ------------------------------------------------------------------ */

static void put(struct text *t, uint64_t v)
{
	char byte;

	do {
		byte = (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		text_add(t, &byte, 1);
		v >>= 7;
	} while (v);
}

static void put_text(struct text *t, const char *text)
{
	put(t, strlen(text));
	text_add(t, text, strlen(text));
}

static void put_edge(struct text *t, const struct map_edge *e)
{
	put(t, e->from);
	put(t, e->to);
	put(t, e->sums.sessions);
	put(t, e->sums.told);
	put(t, e->sums.denied);
	put(t, e->sums.threats);
	put(t, e->sums.bytes);
	put(t, e->rule);
	put(t, e->first_s);
	put(t, e->last_s >= e->first_s ? e->last_s - e->first_s : 0);
	put(t, e->n_ports);
	for (unsigned i = 0; i < e->n_ports; i++) {
		put(t, e->ports[i].proto);
		put(t, e->ports[i].port);
	}
	put(t, e->n_apps);
	for (unsigned i = 0; i < e->n_apps; i++)
		put(t, e->apps[i].app);
}

bool map_set_write(const struct map_set *s, uint8_t **ret, size_t *ret_n)
{
	struct text t = { .at = NULL };
	size_t n;
	char *at;

	put(&t, VERSION);
	put(&t, s->left_out);
	put(&t, s->n_nodes);
	for (size_t i = 0; i < s->n_nodes; i++) {
		put(&t, s->nodes[i].kind);
		put_text(&t, s->nodes[i].id);
		put_text(&t, s->nodes[i].name);
		put_text(&t, s->nodes[i].namespace);
		put_text(&t, s->nodes[i].service);
	}
	put(&t, s->n_edges);
	for (size_t i = 0; i < s->n_edges; i++)
		put_edge(&t, &s->edges[i]);
	n = t.len;
	at = text_take(&t);
	if (!at)
		return false;
	*ret = (uint8_t *)at;
	*ret_n = n;
	return true;
}

/* --- reading ------------------------------------------------------------------- */

static bool take(struct bytes *b, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	uint8_t byte;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (!take_u8(b, &byte))
			return false;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = v;
			return v <= max;
		}
	}
	return false;
}

static bool take_text(struct bytes *b, char buf[static MAP_NAME_MAX])
{
	uint64_t n;

	if (!take(b, MAP_NAME_MAX - 1, &n) || !take_copy(b, buf, n))
		return false;
	buf[n] = '\0';
	return strlen(buf) == n;
}

static bool take_node(struct bytes *b, struct map_set *s, uint32_t *ret)
{
	char id[MAP_NAME_MAX], name[MAP_NAME_MAX], namespace[MAP_NAME_MAX],
		service[MAP_NAME_MAX];
	uint64_t kind;
	struct map_node n = { .id = id,
			      .name = name,
			      .namespace = namespace,
			      .service = service };

	if (!take(b, MAP_KIND__MAX - 1, &kind) || !take_text(b, id) ||
	    !take_text(b, name) || !take_text(b, namespace) ||
	    !take_text(b, service) || !id[0])
		return false;
	n.kind = (uint8_t)kind;
	*ret = map_node(s, &n);
	return true;
}

/* A number that is at most what its type holds. */
static bool take32(struct bytes *b, uint32_t *ret)
{
	uint64_t v;

	if (!take(b, UINT32_MAX, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool take_ports(struct bytes *b, struct map_edge *e, uint32_t bucket)
{
	uint64_t n, proto, port, app;

	if (!take(b, MAP_PORTS_MAX, &n))
		return false;
	while (n--) {
		if (!take(b, UINT8_MAX, &proto) || !take(b, UINT16_MAX, &port))
			return false;
		map_edge_port(e, (uint8_t)proto, (uint16_t)port, bucket);
	}
	if (!take(b, MAP_APPS_MAX, &n))
		return false;
	while (n--) {
		if (!take(b, UINT16_MAX, &app))
			return false;
		map_edge_app(e, (uint16_t)app, bucket);
	}
	return true;
}

/* Its ends as they are numbered there. */
static bool take_edge(struct bytes *b, struct map_edge *e, uint32_t bucket)
{
	uint64_t lasts;

	*e = (struct map_edge){ .n_ports = 0 };
	if (!take32(b, &e->from) || !take32(b, &e->to) ||
	    !take32(b, &e->sums.sessions) || !take32(b, &e->sums.told) ||
	    !take32(b, &e->sums.denied) || !take32(b, &e->sums.threats) ||
	    !take(b, UINT64_MAX, &e->sums.bytes) || !take32(b, &e->rule) ||
	    !take(b, INT64_MAX, &e->first_s) || !take(b, UINT32_MAX, &lasts) ||
	    !take_ports(b, e, bucket))
		return false;
	e->last_s = e->first_s + lasts;
	return true;
}

static bool take_edges(struct bytes *b, struct map_set *s,
		       const uint32_t *index, uint64_t n_nodes, uint32_t bucket)
{
	struct map_edge read, *e;
	uint64_t n;

	if (!take(b, MAP_EDGES_MAX, &n))
		return false;
	while (n--) {
		if (!take_edge(b, &read, bucket) || read.from >= n_nodes ||
		    read.to >= n_nodes)
			return false;
		e = map_edge(s, index[read.from], index[read.to]);
		if (e)
			map_edge_add(e, &read);
	}
	return bytes_len(*b) == 0;
}

bool map_set_read(struct map_set *s, const uint8_t *at, size_t n,
		  uint32_t bucket)
{
	struct bytes b = bytes_of(at, n);
	uint64_t version, left_out, n_nodes;
	uint32_t *index;
	bool ok = true;

	if (!take(&b, VERSION, &version) || version != VERSION ||
	    !take(&b, UINT64_MAX, &left_out) ||
	    !take(&b, MAP_NODES_MAX, &n_nodes))
		return false;
	index = calloc(n_nodes + 1, sizeof *index);
	if (!index)
		return false;
	for (uint64_t i = 0; ok && i < n_nodes; i++)
		ok = take_node(&b, s, &index[i]);
	ok = ok && take_edges(&b, s, index, n_nodes, bucket);
	free(index);
	s->left_out += left_out;
	return ok;
}
