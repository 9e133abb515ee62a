/*
 * A part of base/limits.h, which has no room left: of the store, what is not
 * there yet.
 */
#pragma once

/* Lengths that buckets of the map have (agent/map.c). */
#define STORE_MAP_LEVELS 4
/* Bytes of one bucket: MAP_EDGES_MAX edges with their ends. More: E2BIG. */
#define STORE_MAP_BYTES_MAX (16 << 20)
