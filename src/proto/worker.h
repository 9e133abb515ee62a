/*
 * What the parsers of one worker share: pools of what is too large, or too
 * seldom wanted, to lie in each conversation's state.
 */
#pragma once

#include <stdint.h>

struct proto_worker;

/* All memory is taken here. NULL: out of memory. Owned by the caller. */
struct proto_worker *proto_worker_new(uint64_t seed);
/* NULL is accepted. */
void proto_worker_free(struct proto_worker *w);
