/*
 * A part of base/limits.h, which has no room left: of the store, what is not
 * there yet.
 */
#pragma once

/* Lengths that buckets of the map have (agent/map.c). */
#define STORE_MAP_LEVELS 4
/* Bytes of one bucket: MAP_EDGES_MAX edges with their ends. More: E2BIG. */
#define STORE_MAP_BYTES_MAX (16 << 20)
/*
 * Rows that a page of flows or events passes by because they are not asked for:
 * some 10 ms. Met: the page ends there, and says so.
 */
#define STORE_LOOK_MAX 10000
