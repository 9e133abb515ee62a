/* Sensors for tests: a scanner, what it tells as text, and conversations. */
#pragma once

#include "detect/sensor_scan.h"

#include "test.h"

#define CARD "4111 1111 1111 1111"

/* What was told, as text: "30001/body/client/block/1 ". */
struct sensor_heard {
	char text[1024];
	struct sensor_told last;
	struct sensor_evidence evidence;
	unsigned n;
};

/* A scanner with what it scans with. */
struct sensor_bench {
	struct sensor_set *set;
	struct sensor_lane *lane;
	struct sensor_scanner *scanner;
	struct sensor_heard heard;
	struct sensor_use used[64];
	struct sensor_uses uses;
};

/* What an HTTP connection says, and what is to be found. */
struct sensor_row {
	const char *name, *sensors;
	const char *url, *header, *request, *response, *sql;
	const char *want;
};

/* Takes the list; all its sensors count, and alert. */
void bench_with(struct sensor_bench *b, struct sensor_list *l);
/* sensors: JSON */
void bench_of(struct sensor_bench *b, const char *sensors);
void bench_done(struct sensor_bench *b);
struct bytes text_of(const char *text);
void say_whole(struct sensor_bench *b, uint32_t c, enum proto_field f,
	       struct bytes bytes);
/* In pieces of at most `most` bytes, of any length; the end with the last. */
void say_cut(struct sensor_bench *b, uint32_t c, enum proto_field f,
	     struct bytes bytes, uint64_t *seed, uint32_t most);
/* seed: NULL: whole; else fields in pieces are cut. */
void play(struct sensor_bench *b, const struct sensor_row *r, uint64_t *seed,
	  uint32_t most);
/* Words in order: which pattern is tried first is no one's concern. */
const char *sorted(const char *text, char to[static 1024]);
