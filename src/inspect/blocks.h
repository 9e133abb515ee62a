/*
 * What was not let through (or would not have been, action violate) lately:
 * so that every block can be explained.
 *
 * One entry for each distinct (workload, direction, from, to, port, protocol,
 * reason, action, rule), with a count and first/last time. Bounded: BLOCKS_MAX;
 * where a new one finds no place, the one of those it could replace that was
 * seen least recently gives way, counted. One thread; no allocation.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/image.h"
#include "base/limits.h"
#include "wire/session.h"

struct blocks {
	uint64_t seed, evicted;
	uint32_t in_use;
	/* The workload's index beside each record, for forgetting it. */
	uint16_t endpoint[BLOCKS_MAX];
	struct block_record record[BLOCKS_MAX];
};

/* `count` of them; r->count, first_us and last_us are filled in here. */
void blocks_note(struct blocks *b, uint16_t endpoint,
		 const struct block_record *r, uint64_t count, usec_t now);
/* Newest first; returns how many. */
size_t blocks_copy(const struct blocks *b,
		   struct block_record ret[static BLOCKS_MAX]);
void blocks_forget_endpoint(struct blocks *b, uint16_t endpoint);

void blocks_save(const struct blocks *b, struct image_writer *w);
/* false: they are not there, or cannot be these; *b has none then. */
bool blocks_load(struct blocks *b, const struct image_reader *r);
