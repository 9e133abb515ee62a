/*
 * Limits of the map of who talks to whom (agent/map.h), each with its reason and
 * what happens when it is met.
 */
#pragma once

/*
 * Edges of the last hour, of one bucket of time, and of one answer, some 500
 * bytes each in memory: a thousand workloads have a few thousand. One more is not
 * in it, counted (left_out); those that are worst and largest are told.
 */
#define MAP_EDGES_MAX 8192
/* Ends of them. One more is told as "outside", a workload is left out. */
#define MAP_NODES_MAX 8192
/* Of those, ends that are no workloads. One more is told as "outside". */
#define MAP_OTHERS_MAX 2048
/* Ports and applications told of an edge; more: the last ones. */
#define MAP_PORTS_MAX 8
#define MAP_APPS_MAX  8
/* Texts of an end, NUL included; cut. */
#define MAP_NAME_MAX 256
/*
 * What went, remembered for who asks what changed. Who asks later than that is
 * told all again.
 */
#define MAP_GONE_MAX 8192
/* The live map: so many buckets, the one that is open among them. */
#define MAP_SLOTS 13
/* A bucket that changed is written so often; what a kill loses. */
#define MAP_WRITE_US (20 * 1000000ULL)
/* Buckets read for one answer; more need a flows_days above 1,500. E2BIG. */
#define MAP_READ_MAX 128
/* Readings of the throughput that are kept, one every THROUGHPUT_STEP_S. */
#define THROUGHPUT_POINTS 360
#define THROUGHPUT_STEP_S 10
