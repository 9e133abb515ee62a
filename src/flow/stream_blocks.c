/*
 * Theory. Blocks are numbers into two reserved mappings, 0 is none; a freed
 * block goes on top of a stack, so what is used stays warm in the cache. Data
 * lie in [off, off + len) of a block's memory: trimming moves off on, and what
 * follows a block directly is put behind its data as long as there is room.
 * Bytes of a chain that is searched are few (limits.h), so it is a list.
 */
#include "flow/stream_blocks.h"

#include <sys/mman.h>

#include "base/bug.h"
#include "base/limits.h"

struct piece piece_part(const struct piece *p, uint32_t from, uint32_t to)
{
	struct piece part = { .seq = from, .len = to - from };
	size_t have = bytes_len(p->bytes), skip = from - p->seq,
	       take = part.len;

	if (skip > have)
		skip = have;
	if (take > have - skip)
		take = have - skip;
	/* an empty piece may have no memory at all, and NULL + 0 is undefined */
	if (take)
		part.bytes = bytes_of(p->bytes.begin + skip, take);
	return part;
}

static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static size_t blocks_size(uint32_t limit)
{
	return ((size_t)limit + 1) * sizeof(struct block);
}

static size_t memory_size(uint32_t limit)
{
	return ((size_t)limit + 1) * STREAM_BLOCK_BYTES;
}

size_t block_pool_bytes(uint32_t limit)
{
	return blocks_size(limit) + memory_size(limit);
}

bool block_pool_init(struct block_pool *p, uint32_t limit)
{
	*p = (struct block_pool){
		.limit = limit,
		.blocks = reserve(blocks_size(limit)),
		.memory = reserve(memory_size(limit)),
	};
	return p->blocks && p->memory;
}

void block_pool_done(struct block_pool *p)
{
	/* unmapping what was mapped cannot fail */
	if (p->blocks)
		(void)munmap(p->blocks, blocks_size(p->limit));
	if (p->memory)
		(void)munmap(p->memory, memory_size(p->limit));
}

static uint8_t *memory_of(const struct block_pool *p, uint32_t at)
{
	return p->memory + (size_t)at * STREAM_BLOCK_BYTES;
}

static uint32_t block_new(struct block_pool *p)
{
	uint32_t at = p->free;

	BUG_ON(p->used == p->limit);
	p->used++;
	p->taken++;
	if (at)
		p->free = p->blocks[at].next;
	else
		at = ++p->used_ever;
	return at;
}

static void block_free(struct block_pool *p, uint32_t at)
{
	p->blocks[at].next = p->free;
	p->free = at;
	p->used--;
}

struct bytes block_bytes(const struct block_pool *p, const struct block *b)
{
	uint32_t at = (uint32_t)(b - p->blocks);

	return bytes_of(memory_of(p, at) + b->off, b->len);
}

uint32_t blocks_for(uint32_t len)
{
	return (len + STREAM_BLOCK_BYTES - 1) / STREAM_BLOCK_BYTES;
}

/* Bytes that can be put behind a block's own. */
static uint32_t room_behind(const struct block_pool *p, uint32_t at)
{
	const struct block *b = &p->blocks[at];

	return at && !b->hole ? STREAM_BLOCK_BYTES - b->off - b->len : 0;
}

uint32_t chain_needs(const struct block_pool *p, const struct chain *c,
		     uint32_t len)
{
	uint32_t room = room_behind(p, c->last);

	return len > room ? blocks_for(len - room) : 0;
}

uint32_t piece_needs(const struct piece *piece)
{
	uint32_t have = (uint32_t)bytes_len(piece->bytes);

	return blocks_for(have) + (piece->len > have);
}

/* Puts a new, empty block behind prev. */
static uint32_t link_new(struct block_pool *p, struct chain *c, uint32_t prev,
			 uint32_t seq)
{
	uint32_t at = block_new(p);

	p->blocks[at] = (struct block){
		.seq = seq,
		.next = prev ? p->blocks[prev].next : c->first,
	};
	if (prev)
		p->blocks[prev].next = at;
	else
		c->first = at;
	if (c->last == prev)
		c->last = at;
	return at;
}

/* Moves as much of *in behind the data of a block as there is room. */
static void fill(struct block_pool *p, uint32_t at, struct bytes *in)
{
	struct block *b = &p->blocks[at];
	size_t len = bytes_len(*in), room = room_behind(p, at);

	if (len > room)
		len = room;
	if (take_copy(in, memory_of(p, at) + b->off + b->len, len))
		b->len += (uint32_t)len;
}

uint32_t chain_insert(struct block_pool *p, struct chain *c, uint32_t prev,
		      const struct piece *piece)
{
	struct bytes in = piece->bytes;
	uint32_t seq = piece->seq, end = piece->seq + piece->len;

	if (bytes_len(in) && room_behind(p, prev) &&
	    block_end(&p->blocks[prev]) == seq) {
		fill(p, prev, &in);
		seq = block_end(&p->blocks[prev]);
	}
	while (bytes_len(in)) {
		prev = link_new(p, c, prev, seq);
		fill(p, prev, &in);
		seq = block_end(&p->blocks[prev]);
	}
	if (seq != end) {
		prev = link_new(p, c, prev, seq);
		p->blocks[prev].hole = true;
		p->blocks[prev].len = end - seq;
	}
	return prev;
}

void chain_append(struct block_pool *p, struct chain *c, uint32_t seq,
		  struct bytes bytes)
{
	struct piece piece = { seq, (uint32_t)bytes_len(bytes), bytes };

	BUG_ON(c->last && block_end(&p->blocks[c->last]) != seq);
	(void)chain_insert(p, c, c->last, &piece); /* the end is c->last */
}

void chain_pop(struct block_pool *p, struct chain *c)
{
	uint32_t at = c->first;

	c->first = p->blocks[at].next;
	if (!c->first)
		c->last = 0;
	block_free(p, at);
}

void chain_free(struct block_pool *p, struct chain *c)
{
	while (c->first)
		chain_pop(p, c);
}

void chain_trim(struct block_pool *p, struct chain *c, uint32_t seq)
{
	while (c->first && !seq_after(block_end(&p->blocks[c->first]), seq))
		chain_pop(p, c);
	if (c->first && seq_after(seq, p->blocks[c->first].seq)) {
		struct block *b = &p->blocks[c->first];
		uint32_t gone = seq - b->seq;

		b->seq = seq;
		b->len -= gone;
		b->off = (uint16_t)(b->off + gone);
	}
}

/* The common part of a block and [from, to); false: none. */
static bool common(const struct block *b, uint32_t *from, uint32_t *to)
{
	*from = seq_max(b->seq, *from);
	*to = seq_min(block_end(b), *to);
	return seq_after(*to, *from);
}

/* The bytes of the block and of the piece for the same place; false: none. */
static bool both_bytes(const struct block_pool *p, const struct block *b,
		       const struct piece *piece, struct bytes *ret_theirs,
		       struct bytes *ret_ours)
{
	uint32_t from = piece->seq;
	uint32_t to = piece->seq + (uint32_t)bytes_len(piece->bytes);
	struct bytes all;

	if (b->hole || !common(b, &from, &to))
		return false;
	all = block_bytes(p, b);
	*ret_ours = bytes_of(all.begin + (from - b->seq), to - from);
	*ret_theirs =
		bytes_of(piece->bytes.begin + (from - piece->seq), to - from);
	return true;
}

void chain_copy(const struct block_pool *p, const struct chain *c,
		uint32_t from, uint32_t to, uint8_t *dst)
{
	for (uint32_t at = c->first; at; at = p->blocks[at].next) {
		const struct block *b = &p->blocks[at];
		uint32_t begin = from, end = to;

		if (common(b, &begin, &end))
			memcpy(dst + (begin - from),
			       memory_of(p, at) + b->off + (begin - b->seq),
			       end - begin);
	}
}

static uint32_t differing(struct bytes a, struct bytes b)
{
	uint32_t n = 0;

	if (memcmp(a.begin, b.begin, bytes_len(a)) == 0)
		return 0;
	for (size_t i = 0; i < bytes_len(a); i++)
		n += a.begin[i] != b.begin[i];
	return n;
}

uint32_t chain_differs(const struct block_pool *p, const struct chain *c,
		       const struct piece *piece)
{
	uint32_t n = 0;

	for (uint32_t at = c->first; at; at = p->blocks[at].next) {
		struct bytes theirs, ours;

		if (both_bytes(p, &p->blocks[at], piece, &theirs, &ours))
			n += differing(theirs, ours);
	}
	return n;
}

void chain_overwrite(struct block_pool *p, const struct chain *c,
		     const struct piece *piece)
{
	for (uint32_t at = c->first; at; at = p->blocks[at].next) {
		struct block *b = &p->blocks[at];
		struct bytes theirs, ours;

		if (both_bytes(p, b, piece, &theirs, &ours))
			memcpy(memory_of(p, at) + b->off +
				       (ours.begin - block_bytes(p, b).begin),
			       theirs.begin, bytes_len(theirs));
	}
}

bool chain_gap(const struct block_pool *p, const struct chain *c,
	       uint32_t *prev, uint32_t *pos, uint32_t end, uint32_t *ret_to)
{
	uint32_t at = *prev ? p->blocks[*prev].next : c->first;

	while (at && !seq_after(p->blocks[at].seq, *pos)) {
		*pos = seq_max(*pos, block_end(&p->blocks[at]));
		*prev = at;
		at = p->blocks[at].next;
	}
	if (!seq_after(end, *pos))
		return false;
	*ret_to = at ? seq_min(p->blocks[at].seq, end) : end;
	return true;
}
