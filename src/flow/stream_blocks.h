/*
 * Blocks of bytes with sequence numbers, and chains of them; only for
 * flow/stream.c.
 *
 * The pool has a fixed number of blocks and touches memory only when it is
 * used. A chain is ordered by sequence number, its blocks do not overlap. A
 * block is data, or a hole: bytes that were on the wire but not captured.
 * Sequence numbers of one chain lie less than 2^31 apart. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct block {
	uint32_t seq;  /* of its first byte */
	uint32_t len;  /* > 0 while it is in a chain */
	uint32_t next; /* in its chain, or in the stack of free ones; 0: none */
	uint16_t off;  /* of its first byte in its memory */
	bool hole;     /* no bytes: len may exceed STREAM_BLOCK_BYTES */
};

struct block_pool {
	struct block *blocks; /* limit + 1; [0] is unused */
	uint8_t *memory;      /* STREAM_BLOCK_BYTES for each of them */
	uint32_t limit, used;
	uint32_t free;	    /* top of the stack of freed blocks */
	uint32_t used_ever; /* blocks 1..used_ever have been used */
	uint64_t taken;	    /* how often one was */
};

struct chain {
	uint32_t first, last; /* 0, 0: empty */
};

/* Part of a segment: its bytes as far as captured, and where they belong. */
struct piece {
	uint32_t seq;
	uint32_t len;	    /* on the wire */
	struct bytes bytes; /* at most len; what is missing is a hole */
};

static inline bool seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static inline uint32_t seq_min(uint32_t a, uint32_t b)
{
	return seq_after(a, b) ? b : a;
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
	return seq_after(a, b) ? a : b;
}

static inline uint32_t block_end(const struct block *b)
{
	return b->seq + b->len;
}

/* The part of p in [from, to), which lies inside of it. */
struct piece piece_part(const struct piece *p, uint32_t from, uint32_t to);

/* false: out of memory; block_pool_done() is to be called all the same. */
bool block_pool_init(struct block_pool *p, uint32_t limit);
size_t block_pool_bytes(uint32_t limit); /* when all are used */
void block_pool_done(struct block_pool *p);

static inline uint32_t block_pool_free(const struct block_pool *p)
{
	return p->limit - p->used;
}

/* Bytes of a block that is no hole. Borrowed until the block changes. */
struct bytes block_bytes(const struct block_pool *p, const struct block *b);

/* Blocks that so many bytes fill. */
uint32_t blocks_for(uint32_t len);
/* Blocks that chain_append() takes at most. */
uint32_t chain_needs(const struct block_pool *p, const struct chain *c,
		     uint32_t len);
/*
 * Puts bytes at the end, at seq: where the chain ends, or it is empty. There
 * are enough free blocks, see chain_needs().
 */
void chain_append(struct block_pool *p, struct chain *c, uint32_t seq,
		  struct bytes bytes);
/*
 * Puts a piece behind block `prev` (0: in front of all), where there is room
 * for it, and returns the last block it is in. Takes at most piece_needs().
 */
uint32_t chain_insert(struct block_pool *p, struct chain *c, uint32_t prev,
		      const struct piece *piece);
uint32_t piece_needs(const struct piece *piece);

/* Frees what is before seq, of a chain without holes. */
void chain_trim(struct block_pool *p, struct chain *c, uint32_t seq);
void chain_free(struct block_pool *p, struct chain *c);
/* Frees the first block. */
void chain_pop(struct block_pool *p, struct chain *c);

/* Copies [from, to), which is all there and no hole, to dst. */
void chain_copy(const struct block_pool *p, const struct chain *c,
		uint32_t from, uint32_t to, uint8_t *dst);
/* How many bytes of the piece differ from what is there at its place. */
uint32_t chain_differs(const struct block_pool *p, const struct chain *c,
		       const struct piece *piece);
/* Writes the piece's bytes over what is there at its place. */
void chain_overwrite(struct block_pool *p, const struct chain *c,
		     const struct piece *piece);
/*
 * The next part of [*pos, end) that is not there: true, *pos is its begin,
 * *ret_to its end, *prev the block before it. Begin with *prev = 0.
 */
bool chain_gap(const struct block_pool *p, const struct chain *c,
	       uint32_t *prev, uint32_t *pos, uint32_t end, uint32_t *ret_to);
