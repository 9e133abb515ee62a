/*
 * Blocks are numbered from 1, so that 0 can be none; block 0's memory is never
 * touched. The free list is a stack: what was used last, and may still be in a
 * cache, is used next.
 */
#include "packet/frame_store.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/bug.h"
#include "base/limits.h"

static size_t memory_len(uint32_t n_blocks)
{
	return ((size_t)n_blocks + 1) * DEFRAG_BLOCK_BYTES;
}

bool frame_store_init(struct frame_store *s, uint32_t n_blocks)
{
	void *memory;

	*s = (struct frame_store){ .n_blocks = n_blocks, .free = 1 };
	s->next = calloc((size_t)n_blocks + 1, sizeof *s->next);
	if (!s->next)
		return false;
	memory = mmap(NULL, memory_len(n_blocks), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED) {
		frame_store_done(s);
		return false;
	}
	s->memory = memory;
	for (uint32_t i = 1; i < n_blocks; i++)
		s->next[i] = i + 1;
	return true;
}

void frame_store_done(struct frame_store *s)
{
	if (s->memory)
		(void)munmap(s->memory, memory_len(s->n_blocks));
	free(s->next);
	*s = (struct frame_store){ 0 };
}

static uint8_t *block_at(const struct frame_store *s, uint32_t block)
{
	return s->memory + (size_t)block * DEFRAG_BLOCK_BYTES;
}

static size_t at_most(size_t len, size_t most)
{
	return len < most ? len : most;
}

uint32_t frame_store_need(size_t len)
{
	return (uint32_t)((len + DEFRAG_BLOCK_BYTES - 1) / DEFRAG_BLOCK_BYTES);
}

uint32_t frame_store_room(const struct frame_store *s)
{
	return s->n_blocks - s->in_use;
}

uint32_t frame_store_put(struct frame_store *s, struct bytes frame)
{
	uint32_t first = s->free, last = 0;

	BUG_ON(frame_store_need(bytes_len(frame)) > frame_store_room(s));
	while (bytes_len(frame) > 0) {
		size_t n = at_most(bytes_len(frame), DEFRAG_BLOCK_BYTES);

		last = s->free;
		s->free = s->next[last];
		(void)take_copy(&frame, block_at(s, last), n); /* n fits */
		s->in_use++;
	}
	BUG_ON(!last);
	s->next[last] = 0;
	return first;
}

void frame_store_drop(struct frame_store *s, uint32_t frame)
{
	while (frame) {
		uint32_t next = s->next[frame];

		s->next[frame] = s->free;
		s->free = frame;
		s->in_use--;
		frame = next;
	}
}

bool frame_store_equal(const struct frame_store *s, uint32_t frame, size_t at,
		       struct bytes want)
{
	for (; at >= DEFRAG_BLOCK_BYTES; at -= DEFRAG_BLOCK_BYTES)
		frame = s->next[frame];
	while (bytes_len(want) > 0) {
		size_t n = at_most(bytes_len(want), DEFRAG_BLOCK_BYTES - at);

		if (memcmp(block_at(s, frame) + at, want.begin, n) != 0)
			return false;
		(void)take_skip(&want, n); /* n fits */
		frame = s->next[frame];
		at = 0;
	}
	return true;
}

struct bytes frame_store_get(const struct frame_store *s, uint32_t frame,
			     size_t len, struct outbytes *out)
{
	const uint8_t *begin = out->at;

	if (len <= DEFRAG_BLOCK_BYTES)
		return bytes_of(block_at(s, frame), len);
	for (; len > 0; frame = s->next[frame]) {
		size_t n = at_most(len, DEFRAG_BLOCK_BYTES);

		put_copy(out, block_at(s, frame), n);
		len -= n;
	}
	BUG_ON(out->full);
	return (struct bytes){ begin, out->at };
}
