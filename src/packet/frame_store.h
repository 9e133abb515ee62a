/*
 * Copies of frames in blocks of one size, in a memory of a fixed size that is
 * touched only when used. A frame is known by the index of its first block,
 * which is never 0. One thread. No allocation after frame_store_init().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct frame_store {
	uint8_t *memory;
	uint32_t *next; /* of each block: of the same frame, or free; 0: none */
	uint32_t free;
	uint32_t n_blocks, in_use;
};

/* n_blocks: 1..2^20. false: out of memory, and nothing to be done for it. */
bool frame_store_init(struct frame_store *s, uint32_t n_blocks);
void frame_store_done(struct frame_store *s); /* all zero is accepted */

/* How many blocks a frame of that length takes. */
uint32_t frame_store_need(size_t len);
uint32_t frame_store_room(const struct frame_store *s);
/* frame: not empty, and there is room. Returns its first block. */
uint32_t frame_store_put(struct frame_store *s, struct bytes frame);
void frame_store_drop(struct frame_store *s, uint32_t frame);
/* Is what the frame holds from `at` on this? It is as long, at least. */
bool frame_store_equal(const struct frame_store *s, uint32_t frame, size_t at,
		       struct bytes want);
/*
 * The frame, of length len, in one run of bytes: where it lies (until it is
 * dropped), or if it has many blocks, appended to out.
 */
struct bytes frame_store_get(const struct frame_store *s, uint32_t frame,
			     size_t len, struct outbytes *out);
