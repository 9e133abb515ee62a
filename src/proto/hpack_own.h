/* The decoders themselves; only for proto/hpack.c and proto/hpack_image.c. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "base/limits_http.h"
#include "proto/arena.h"
#include "proto/hpack.h"

/* Lies at the beginning of its memory, so that it is touched when it is used. */
struct hpack_place {
	_Alignas(16) struct arena arena;
	nghttp2_mem functions; /* its own: they know the arena */
	nghttp2_hd_inflater *inflater;
	uint32_t next_free;
	uint8_t over; /* enum hpack_outcome: of all that comes; ON: not yet */
	bool used;
	bool adopted; /* since it was loaded */
};

struct hpack_pool {
	uint32_t free;	    /* + 1; 0: none that was given back */
	uint32_t used_ever; /* places */
	uint32_t limit;	    /* of them, 1..HPACK_DECODERS_MAX */
	uint8_t *memory;    /* HPACK_ARENA_BYTES each */
};

static inline struct hpack_place *hpack_place(struct hpack_pool *p,
					      uint32_t handle)
{
	void *at = p->memory + (size_t)(handle - 1) * HPACK_ARENA_BYTES;

	return at;
}

/* A new decoder lies there. */
void hpack_begin_at(struct hpack_place *at);
