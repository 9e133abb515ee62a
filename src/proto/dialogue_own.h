/* A pool's own; only for proto/dialogue.c and proto/dialogue_image.c. */
#pragma once

#include "base/limits.h"
#include "proto/dialogue.h"
#include "proto/worker.h"

_Static_assert(PARSER_STATE_SMALL >=
		       (size_t)PROTO_SIDE__MAX * OPENING_BYTES_MAX,
	       "openings lie where the state will");

struct dialogue {
	/* The opening's copies, then the parser's state (if small). */
	_Alignas(8) uint8_t place[PARSER_STATE_SMALL];
	const struct proto_parser *parser;
	const struct proto_parser *recognised; /* by us: not in an image */
	uint64_t candidates;
	uint32_t skip[PROTO_SIDE__MAX]; /* read of the copy, not consumed yet */
	uint32_t large;			/* + 1; 0: none */
	uint32_t next_free;
	uint16_t said_len[PROTO_SIDE__MAX];
	uint16_t server_port;
	uint8_t state; /* enum dialogue_state */
	uint8_t first; /* enum proto_side, once anything was said */
	bool used, udp, midstream, spoken;
	bool expected; /* candidates: who is looked for, till found */
	bool lost;     /* in the last dialogue_read() */
	bool cut[PROTO_SIDE__MAX]; /* it said more than the copy holds */
	bool gap[PROTO_SIDE__MAX]; /* ..., and that is consumed */
};

struct dialogue_pool {
	struct dialogue *dialogues; /* limit + 1; [0] is unused */
	uint8_t (*large)[PARSER_STATE_MAX];
	uint32_t *large_free; /* a stack */
	uint32_t large_used_ever, n_large_free;
	uint32_t free, used_ever;
	uint64_t asked; /* as candidates */
	struct proto_worker *worker;
	struct dialogue_counts counts;
};

static inline void *dialogue_state_at(const struct dialogue_pool *p,
				      struct dialogue *d)
{
	return d->large ? p->large[d->large - 1] : d->place;
}

/* Where the state of its parser will lie, zero; false: there is no place. */
bool dialogue_take_place(struct dialogue_pool *p, struct dialogue *d);
