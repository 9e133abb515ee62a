/*
 * malloc() and free() within one fixed piece of memory, for libraries that take
 * their memory by functions. When it is used up there is no more: NULL.
 *
 * First fit; time grows with the number of pieces in use, which are a dozen for
 * the decoders that this is for.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena {
	uint8_t *begin; /* borrowed, as aligned as malloc()'s */
	size_t size;
};

/* Nothing is taken of it any more. Touches a few bytes only. */
void arena_reset(struct arena *a);
/* Aligned to 16 bytes, and not cleared; NULL: there is no room. */
void *arena_take(struct arena *a, size_t len);
/* p: from arena_take(), or NULL. */
void arena_give(struct arena *a, void *p);
