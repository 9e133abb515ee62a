/*
 * A set of edges: who talked to whom, by what, how much, and what became of it.
 * Edges of the same ends are one. Bounded by MAP_EDGES_MAX and MAP_NODES_MAX;
 * what does not fit is counted in left_out.
 *
 * As bytes (map_bytes.c) it is a bucket of the store.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/limits_map.h"

enum map_kind { MAP_WORKLOAD, MAP_ADDRESS, MAP_OUTSIDE, MAP_KIND__MAX };

/* An end. Texts are owned by the set that has it. */
struct map_node {
	uint8_t kind;
	char *id; /* a workload's; "addr:A", "name:N", "group:G", "outside" */
	char *name, *namespace, *service;
};

struct map_sums {
	uint32_t sessions; /* these stop at the type's end */
	uint32_t told;	   /* violations that went on all the same */
	uint32_t denied;   /* ... that did not */
	uint32_t threats;  /* and findings */
	uint64_t bytes;
};

struct map_port {
	uint8_t proto;
	uint16_t port;
	uint32_t bucket; /* when it was last seen; for who needs it */
};

struct map_app {
	uint16_t app;
	uint32_t bucket;
};

struct map_edge {
	uint32_t from, to; /* indexes of nodes */
	struct map_sums sums;
	uint32_t rule; /* of the last decision, of the last denial if any; 0 */
	uint64_t first_s, last_s; /* since 1970 */
	struct map_port ports[MAP_PORTS_MAX];
	struct map_app apps[MAP_APPS_MAX];
	uint8_t n_ports, n_apps;
};

struct map_set {
	struct map_node *nodes;
	struct map_edge *edges;
	size_t n_nodes, n_edges, room_nodes, room_edges;
	size_t n_others;      /* nodes that are no workloads */
	uint32_t *node_table; /* index + 1; 0: free */
	uint32_t *edge_table;
	uint64_t left_out;
};

#define MAP_NONE UINT32_MAX

/* false: out of memory. */
bool map_set_init(struct map_set *s);
void map_set_done(struct map_set *s); /* all 0 is accepted */

/*
 * The node with that id, made if it is not there. What does not fit is "outside",
 * if it is no workload; else MAP_NONE. n's texts are borrowed.
 */
uint32_t map_node(struct map_set *s, const struct map_node *n);
/* MAP_NONE: none such. */
uint32_t map_find_node(const struct map_set *s, const char *id);
/* The edge, made if it is not there. NULL: no room, counted. */
struct map_edge *map_edge(struct map_set *s, uint32_t from, uint32_t to);
struct map_edge *map_find_edge(const struct map_set *s, uint32_t from,
			       uint32_t to);

void map_sums_add(struct map_sums *s, const struct map_sums *more);
void map_edge_port(struct map_edge *e, uint8_t proto, uint16_t port,
		   uint32_t bucket);
void map_edge_app(struct map_edge *e, uint16_t app, uint32_t bucket);
/* Adds up what `more` says, but its ends. */
void map_edge_add(struct map_edge *e, const struct map_edge *more);
/* All of it. */
void map_set_add(struct map_set *s, const struct map_set *more);

/* map_bytes.c: *ret is the caller's. false: out of memory. */
bool map_set_write(const struct map_set *s, uint8_t **ret, size_t *ret_n);
/*
 * Adds what is written there; its ports were seen in that bucket. false: it is
 * damaged; what came before the damage was added.
 */
bool map_set_read(struct map_set *s, const uint8_t *at, size_t n,
		  uint32_t bucket);
