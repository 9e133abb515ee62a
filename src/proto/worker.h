/*
 * What the parsers of one worker share: pools of what is too large, or too
 * seldom wanted, to lie in each conversation's state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/image.h"

struct proto_worker;

/* All memory is taken here. NULL: out of memory. Owned by the caller. */
struct proto_worker *proto_worker_new(uint64_t seed);
/* Before it is used: fewer decoders of HTTP/2's heads, and of bodies. */
void proto_worker_limit(struct proto_worker *w, uint32_t hpack_decoders,
			uint32_t inflaters, uint32_t brotlis);
/* NULL is accepted. */
void proto_worker_free(struct proto_worker *w);

/* What they have, for another process; the owner's name (base/image.h). */
void proto_worker_save(const struct proto_worker *w, const char *of,
		       struct image_writer *to);
/*
 * Into a new one. *ret_cut: decoders of bodies that cannot go on. false: it is not
 * there, or cannot be that; proto_worker_reset() is to be called.
 */
bool proto_worker_load(struct proto_worker *w, const char *of,
		       const struct image_reader *r, uint64_t *ret_cut);
/* All states are loaded, and have adopted what they have (parser.h). */
void proto_worker_settle(struct proto_worker *w);
/* As new. */
void proto_worker_reset(struct proto_worker *w);
