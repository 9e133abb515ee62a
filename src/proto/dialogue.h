/*
 * What is said on one connection: first it is found out which protocol that is,
 * then its parser reads it. proto/dialogue.c tells how.
 *
 *   OPENING ──a parser says yes──▶ READING ──the parser is through──▶ OVER
 *      └─────nobody may be it────▶ UNKNOWN
 *
 * Of UDP each datagram is for itself: one that is not understood, or that the
 * sink stops, ends nothing.
 *
 * A pool has a fixed number of dialogues; one is a number (handle) that the
 * owner of a flow keeps beside it, 0 is none. One thread owns a pool; nothing is
 * allocated after dialogue_pool_new().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/parser.h"

struct dialogue_pool;

struct dialogue_limits {
	uint32_t dialogues; /* 1..DIALOGUES_MAX */
	uint32_t large;	    /* places of PARSER_STATE_MAX, 0..dialogues */
	/* Of HTTP: HPACK_DECODERS_MAX, INFLATERS_MAX, BROTLIS_MAX, where 0. */
	uint32_t hpack_decoders, inflaters, brotlis;
};

enum dialogue_state {
	DIALOGUE_OPENING, /* not recognised yet */
	DIALOGUE_UNKNOWN, /* none of our parsers'; nothing is read */
	DIALOGUE_READING,
	DIALOGUE_OVER, /* recognised; nothing more is read */
	DIALOGUE_STATE__MAX
};

struct dialogue_counts {
	uint32_t in_use, limit;
	uint32_t large, large_limit;
	uint64_t opened, no_place; /* dialogues; that there was none for */
	uint64_t recognised, unknown;
	uint64_t no_large; /* known by name only: no large place was left */
	uint64_t done, lost, stopped; /* enum proto_state, of parsers */
	uint64_t opening_cut; /* bytes passed before it was recognised */
	/* Packed, under way when they were handed over; see below. */
	uint64_t bodies_cut;
};

/* seed: for the parsers' hashes. NULL: out of memory. */
struct dialogue_pool *dialogue_pool_new(const struct dialogue_limits *limits,
					uint64_t seed);
/* What it takes when all of it is used. */
size_t dialogue_pool_bytes(const struct dialogue_limits *limits);
void dialogue_pool_free(struct dialogue_pool *p);

/* From now on only these are asked who speaks, as candidates in parsers.h. */
void dialogue_pool_ask(struct dialogue_pool *p, uint64_t parsers);

/* 0: all are in use (counted). server_port: a hint. */
uint32_t dialogue_open(struct dialogue_pool *p, bool udp, bool midstream,
		       uint16_t server_port);
/* It is known who speaks; before anything was said. */
void dialogue_begin(struct dialogue_pool *p, uint32_t handle,
		    const struct proto_parser *parser);
/*
 * It is that, if it is anything: no other parser is asked, and that one again with
 * each chunk until it says yes. Before it is read.
 */
void dialogue_expect(struct dialogue_pool *p, uint32_t handle,
		     const struct proto_parser *parser);
/* handle: 0, or from dialogue_open(); not to be used any more. */
void dialogue_close(struct dialogue_pool *p, uint32_t handle);

/*
 * A side goes on: its bytes in order from what was not consumed before on (TCP),
 * or its next datagram (UDP). Returns how many are consumed; of a datagram all
 * are. The sink may be called any number of times, and must not touch the pool.
 */
size_t dialogue_read(struct dialogue_pool *p, uint32_t handle,
		     const struct proto_chunk *c,
		     const struct proto_sink *sink);

enum dialogue_state dialogue_state(const struct dialogue_pool *p,
				   uint32_t handle);
/* Was what was read last not understood any more (PROTO_LOST)? */
bool dialogue_was_lost(const struct dialogue_pool *p, uint32_t handle);
/* Who reads, or has read; NULL: nobody (yet). */
const struct proto_parser *dialogue_parser(const struct dialogue_pool *p,
					   uint32_t handle);
/*
 * Who began to read, in this process: another one may be reading by now. NULL: nobody
 * has said yes yet.
 */
const struct proto_parser *dialogue_recognised(const struct dialogue_pool *p,
					       uint32_t handle);
/* PROTO_WAITS_NOTHING but while READING. */
enum proto_waits dialogue_waits(const struct dialogue_pool *p, uint32_t handle,
				uint32_t *which);
/* First bytes of a side, while OPENING and UNKNOWN; else empty. */
struct bytes dialogue_said(const struct dialogue_pool *p, uint32_t handle,
			   enum proto_side side);
struct dialogue_counts dialogue_counts(const struct dialogue_pool *p);

/* Dialogues, and large places, that have been used; memory of so many is there. */
void dialogue_pool_used(const struct dialogue_pool *p, uint32_t *ret_dialogues,
			uint32_t *ret_large);
void dialogue_pool_touch(struct dialogue_pool *p, uint32_t dialogues,
			 uint32_t large);
/*
 * All dialogues and what their parsers know, for another process (base/image.h),
 * between two calls of dialogue_read().
 */
void dialogue_pool_save(const struct dialogue_pool *p, struct image_writer *w);
/*
 * Into a pool that has no dialogue, of the same limits: handles stay, counts
 * go on; who is asked is the pool's own. Bodies in a coding that are under way are
 * cut (counted: bodies_cut): noted as a limit that was met, and not told on.
 * false: it is not there, is of other parsers, or cannot be; *p is as it was.
 *
 * Places, lengths and what is had of the worker's pools is checked. What parsers
 * know is believed, under a checksum: who could write a wrong one was one of us,
 * and gets no further by it than into the sandbox that it had. It goes with the
 * streams (flow/stream.h) that were saved with it: both are loaded, or none.
 */
bool dialogue_pool_load(struct dialogue_pool *p, const struct image_reader *r);
/* Is that one in use? For who has loaded handles. */
bool dialogue_is_open(const struct dialogue_pool *p, uint32_t handle);
